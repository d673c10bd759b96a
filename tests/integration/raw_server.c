/* raw_server: the server's process. See raw.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/integration/raw.h"

void raw_server_make(struct raw_server *server, const char *const *options)
{
    *server = (struct raw_server){.pid = 0};
    (void)snprintf(server->root, sizeof server->root, "/tmp/souk-it-XXXXXX");
    assert_non_null(mkdtemp(server->root));
    (void)snprintf(server->directory, sizeof server->directory, "%s/data", server->root);
    (void)snprintf(server->unix_path, sizeof server->unix_path, "%s/socket", server->root);
    (void)snprintf(server->log_path, sizeof server->log_path, "%s/log", server->root);
    for (u32 i = 0; options != NULL && options[i] != NULL; i++) {
        assert_true(i + 1 < RAW_ARGUMENTS);
        server->options[i] = options[i];
    }
}

/* In the child: becomes the server. */
static void become_server(const struct raw_server *server, int out_fd)
{
    const char *path = getenv("SOUKD");
    char *arguments[RAW_ARGUMENTS + 8];
    int count = 0;
    const char *const first[] = {path,          server->directory, "--listen",
                                 "127.0.0.1:0", "--unix",          server->unix_path};
    for (u32 i = 0; i < ARRAY_COUNT(first); i++)
        arguments[count++] = strdup(first[i]);
    for (u32 i = 0; server->options[i] != NULL; i++)
        arguments[count++] = strdup(server->options[i]);
    arguments[count] = NULL;
    const int log_fd = open(server->log_path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    (void)dup2(out_fd, STDOUT_FILENO);
    (void)dup2(log_fd, STDERR_FILENO);
    if (server->file_bytes_max > 0) {
        const struct rlimit limit = {server->file_bytes_max, server->file_bytes_max};
        (void)setrlimit(RLIMIT_FSIZE, &limit);
    }
    (void)execv(path, arguments);
    _exit(99);
}

/* Starts it; returns where its stdout can be read. */
static int launch(struct raw_server *server)
{
    int fds[2];
    assert_non_null(getenv("SOUKD"));
    assert_int_equal(server->pid, 0);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        become_server(server, fds[1]);
    (void)close(fds[1]);
    return fds[0];
}

static int wait_for_end(struct raw_server *server)
{
    int status = 0;
    for (u32 i = 0; i < RAW_TIMEOUT_MS; i++) {
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        raw_sleep_ms(1);
    }
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, &status, 0);
    server->pid = 0;
    fail_msg("the server did not end");
    return -1;
}

void raw_server_start(struct raw_server *server)
{
    const int fd = launch(server);
    size_t at = 0;
    while (at + 1 < sizeof server->ready) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, RAW_TIMEOUT_MS) <= 0 || read(fd, server->ready + at, 1) != 1) {
            (void)close(fd);
            (void)raw_server_end(server, SIGKILL);
            fail_msg("the server did not become ready; see %s", server->log_path);
        }
        if (server->ready[at] == '\n')
            break;
        at++;
    }
    server->ready[at] = '\0';
    (void)close(fd);
    assert_int_equal(strncmp(server->ready, "ready ", 6), 0);
    const char *colon = strchr(server->ready, ':');
    const char *shards = strstr(server->ready, "shards=");
    assert_true(colon != NULL && shards != NULL);
    server->port = (u16)strtoul(colon + 1, NULL, 10);
    server->shard_count = (u16)strtoul(shards + 7, NULL, 10);
}

int raw_server_expect_exit(struct raw_server *server)
{
    (void)close(launch(server));
    return wait_for_end(server);
}

int raw_server_end(struct raw_server *server, int signal)
{
    assert_true(server->pid > 0);
    (void)kill(server->pid, signal);
    return wait_for_end(server);
}

bool raw_server_is_alive(const struct raw_server *server)
{
    return server->pid > 0 && waitpid(server->pid, NULL, WNOHANG) == 0;
}

bool raw_server_log_has(const struct raw_server *server, const char *text)
{
    static char log[1 << 20];
    FILE *file = fopen(server->log_path, "re");
    assert_non_null(file);
    log[fread(log, 1, sizeof log - 1, file)] = '\0';
    (void)fclose(file);
    return strstr(log, text) != NULL;
}

void raw_server_remove(struct raw_server *server)
{
    if (server->pid > 0)
        (void)raw_server_end(server, SIGKILL);
    char command[256];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", server->root);
    assert_int_equal(system(command), 0);
}
