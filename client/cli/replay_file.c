/* replay_file: see client/cli/replay_file.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads to the end of fd. Returns 0 or -errno. */
static int read_all(int fd, char **text, size_t *bytes)
{
    size_t capacity = 1u << 20, used = 0;
    char *buffer = malloc(capacity);
    while (buffer != NULL) {
        const ssize_t got = read(fd, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            const int error = -errno;
            free(buffer);
            return error;
        }
        if (got == 0) {
            *text = buffer;
            *bytes = used;
            return 0;
        }
        used += (size_t)got;
        if (capacity - used - 1 > 0)
            continue;
        char *larger = realloc(buffer, capacity *= 2);
        if (larger == NULL)
            free(buffer);
        buffer = larger;
    }
    return -ENOMEM;
}

/* Starts `xz -dc -- path` and returns the end to read from, or -errno. */
static int open_xz(const char *path, pid_t *child)
{
    char *copy = strdup(path);
    char program[] = "xz", options[] = "-dc", end[] = "--";
    char *argv[] = {program, options, end, copy, NULL};
    posix_spawn_file_actions_t actions;
    int pipes[2];
    if (copy == NULL)
        return -ENOMEM;
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        free(copy);
        return -errno;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    const int error = posix_spawnp(child, "xz", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pipes[1]);
    free(copy);
    if (error == 0)
        return pipes[0];
    (void)close(pipes[0]);
    return -error;
}

int replay_file_open(const char *path, pid_t *child, FILE *errors)
{
    const size_t path_bytes = strlen(path);
    const bool is_stdin = strcmp(path, "-") == 0;
    const bool is_xz = path_bytes > 3 && strcmp(path + path_bytes - 3, ".xz") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)fprintf(errors, "souk: %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (is_xz) {
        (void)close(fd); /* it was opened only to say whether it can be */
        fd = open_xz(path, child);
        if (fd < 0)
            (void)fprintf(errors, "souk: xz cannot be started: %s; install xz-utils\n",
                          strerror(-fd));
    }
    return fd;
}

bool replay_file_read(const char *path, char **text, size_t *bytes, FILE *errors)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    pid_t child = 0;
    int status = 0;
    const int fd = replay_file_open(path, &child, errors);
    if (fd < 0)
        return false;
    const int error = read_all(fd, text, bytes);
    if (!is_stdin)
        (void)close(fd);
    if (child != 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    if (error != 0)
        (void)fprintf(errors, "souk: %s: %s\n", path, strerror(-error));
    else if (status != 0)
        (void)fprintf(errors, "souk: %s: xz could not unpack it\n", path);
    if (error == 0 && status != 0)
        free(*text);
    return error == 0 && status == 0;
}
