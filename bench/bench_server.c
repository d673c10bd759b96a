/* bench_server: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_server.h"

#include "bench/common/bench_clock.h"
#include "bench/common/bench_socket.h"
#include "bench/peers/postgres_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_NS   (300 * NS_PER_S) /* writing a large log ahead takes its time */
#define STOP_NS    (20 * NS_PER_S)
#define ARGS_MAX   24u
#define REDIS_PORT "7690"

/* A command line with room for the texts that had to be printed. */
struct command {
    const char *args[ARGS_MAX];
    u32 count;
    char texts[5][BENCH_PATH_BYTES];
};

static void add(struct command *command, const char *argument)
{
    MUST(command->count + 1 < ARGS_MAX);
    command->args[command->count++] = argument;
    command->args[command->count] = NULL;
}

static void add_pair(struct command *command, const char *name, const char *value)
{
    add(command, name);
    add(command, value);
}

static void command_souk(struct command *command, const struct bench_server_options *options,
                         const struct bench_server *server)
{
    (void)snprintf(command->texts[0], BENCH_PATH_BYTES, "%.400s/data", server->dir);
    (void)snprintf(command->texts[1], BENCH_PATH_BYTES, "%.400s/socket", server->dir);
    (void)snprintf(command->texts[2], BENCH_PATH_BYTES, "%llu",
                   (unsigned long long)options->log_bytes);
    (void)snprintf(command->texts[3], BENCH_PATH_BYTES, "%llu",
                   (unsigned long long)options->memory_bytes);
    add(command, options->soukd);
    add(command, command->texts[0]);
    add_pair(command, "--listen", "127.0.0.1:0");
    add_pair(command, "--unix", command->texts[1]);
    add_pair(command, "--shards", "1");
    add_pair(command, "--reactors", "1");
    add_pair(command, "--durability", options->mode);
    if (strcmp(options->mode, "none") != 0)
        add_pair(command, "--log-reserve", command->texts[2]);
    add_pair(command, "--memory-reserve", command->texts[3]);
    if (options->spin_us != 0) {
        (void)snprintf(command->texts[4], BENCH_PATH_BYTES, "%u", options->spin_us);
        add_pair(command, "--spin-us", command->texts[4]);
    }
}

static void command_loop(struct command *command, const struct bench_server_options *options,
                         const struct bench_server *server)
{
    (void)snprintf(command->texts[0], BENCH_PATH_BYTES, "%.400s/limit_loop.log", options->dir);
    (void)snprintf(command->texts[1], BENCH_PATH_BYTES, "%.400s/socket", server->dir);
    add(command, options->limit_loop);
    add_pair(command, "--listen", "127.0.0.1:0");
    add_pair(command, "--unix", command->texts[1]);
    add_pair(command, "--mode", options->mode);
    add_pair(command, "--log", command->texts[0]);
    add_pair(command, "--log-size", "4g");
    add_pair(command, "--cpu", "-1"); /* it inherits the affinity of bench_server_start */
}

static void command_redis(struct command *command, const struct bench_server_options *options,
                          const struct bench_server *server)
{
    const bool is_always = strcmp(options->mode, "always") == 0;
    (void)snprintf(command->texts[1], BENCH_PATH_BYTES, "%.400s/socket", server->dir);
    add(command, "redis-server");
    add_pair(command, "--port", options->is_unix ? "0" : REDIS_PORT);
    add_pair(command, "--bind", "127.0.0.1");
    add_pair(command, "--unixsocket", command->texts[1]);
    add_pair(command, "--dir", server->dir);
    add_pair(command, "--save", "");
    add_pair(command, "--appendonly", is_always ? "yes" : "no");
    add_pair(command, "--appendfsync", "always");
    add_pair(command, "--daemonize", "no");
}

static NORETURN void become(const struct command *command, const struct bench_server *server,
                            const struct bench_server_options *options)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    char path[BENCH_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/stderr", server->dir);
    const int err = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    (void)snprintf(path, sizeof path, "%s/stdout", server->dir);
    const int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (bench_pin(options->cpu) != 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    if (server->alloc_counts != NULL) {
        (void)snprintf(path, sizeof path, "%s/counts", server->dir);
        (void)setenv("SOUK_ALLOC_COUNT", path, 1);
        (void)setenv("LD_PRELOAD", options->hook, 1);
    }
    char *args[ARGS_MAX];
    for (u32 i = 0; i <= command->count; i++)
        memcpy(&args[i], &command->args[i], sizeof args[i]);
    (void)execvp(args[0], args);
    _exit(errno == ENOENT ? 127 : 126);
}

/* The address in a line "ready ... 127.0.0.1:4711 ...". */
static bool find_address(const char *line, char *to, size_t bytes)
{
    const char *at = strstr(line, "127.0.0.1:");
    if (at == NULL)
        return false;
    const size_t length = strspn(at, "0123456789.:");
    (void)snprintf(to, bytes, "%.*s", (int)length, at);
    return true;
}

/* 0 while the server runs; else why it does not. */
static int exited(struct bench_server *server)
{
    int status;
    if (waitpid(server->pid, &status, WNOHANG) != server->pid)
        return 0;
    server->pid = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -ECHILD;
}

static void read_output(const struct bench_server *server, const char *name, char *to, size_t bytes)
{
    char path[BENCH_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/%s", server->dir, name);
    FILE *file = fopen(path, "re");
    to[0] = 0;
    if (file == NULL)
        return;
    to[fread(to, 1, bytes - 1, file)] = 0;
    (void)fclose(file);
}

/* Waits for the ready line in the server's output, and takes the address from it. */
static int await_ready(struct bench_server *server, bool is_unix)
{
    char text[8192];
    const u64 until_ns = bench_now_ns() + READY_NS;
    while (bench_now_ns() < until_ns) {
        read_output(server, "stdout", text, sizeof text);
        const char *ready = strncmp(text, "ready", 5) == 0 ? text : strstr(text, "\nready");
        if (ready != NULL && strchr(ready + 1, '\n') != NULL)
            return is_unix || find_address(ready, server->address, BENCH_PATH_BYTES) ? 0 : -EPROTO;
        const int error = exited(server);
        if (error != 0)
            return error;
        (void)usleep(10000);
    }
    return -ETIMEDOUT;
}

/* Redis says nothing that could be relied on: ask until it answers. */
static int await_answer(struct bench_server *server)
{
    const u64 until_ns = bench_now_ns() + 10 * NS_PER_S;
    while (bench_now_ns() < until_ns) {
        const int error = exited(server);
        if (error != 0)
            return error;
        const int fd = bench_connect(server->address);
        char reply[7];
        if (fd >= 0) {
            const bool answers = bench_send_all(fd, "PING\r\n", 6) == 0 &&
                                 bench_recv_all(fd, reply, sizeof reply) == 0;
            (void)close(fd);
            if (answers)
                return 0;
        }
        (void)usleep(20000);
    }
    return -ETIMEDOUT;
}

static void show_errors(const struct bench_server *server)
{
    char text[2048];
    read_output(server, "stderr", text, sizeof text);
    (void)fprintf(stderr, "%s", text);
}

static int open_counts(struct bench_server *server)
{
    char path[BENCH_PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/counts", server->dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return -errno;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (page == MAP_FAILED)
        return -errno;
    server->alloc_counts = page;
    return 0;
}

static int await(struct bench_server *server, const struct bench_server_options *options)
{
    if (options->kind != BENCH_SERVER_REDIS)
        return await_ready(server, options->is_unix);
    if (!options->is_unix)
        (void)snprintf(server->address, BENCH_PATH_BYTES, "127.0.0.1:%s", REDIS_PORT);
    return await_answer(server);
}

static int start_command(struct bench_server *server, const struct bench_server_options *options)
{
    struct command command = {0};
    switch (options->kind) {
    case BENCH_SERVER_SOUK: command_souk(&command, options, server); break;
    case BENCH_SERVER_LOOP: command_loop(&command, options, server); break;
    case BENCH_SERVER_REDIS: command_redis(&command, options, server); break;
    case BENCH_SERVER_POSTGRES:
    case BENCH_SERVER_NONE: return -EINVAL;
    }
    server->pid = fork();
    if (server->pid == 0)
        become(&command, server, options);
    return server->pid < 0 ? -errno : await(server, options);
}

int bench_server_start(struct bench_server *server, const struct bench_server_options *options)
{
    *server = (struct bench_server){.stop_signal = SIGTERM};
    (void)snprintf(server->dir, BENCH_PATH_BYTES, "%.300s/server-XXXXXX", options->dir);
    if (mkdtemp(server->dir) == NULL)
        return -errno;
    (void)snprintf(server->address, BENCH_PATH_BYTES, "%.400s/socket", server->dir);
    int error = options->hook == NULL ? 0 : open_counts(server);
    if (error != 0)
        return error;
    if (options->kind == BENCH_SERVER_NONE)
        return error;
    if (options->kind == BENCH_SERVER_POSTGRES)
        error = postgres_server_start(server, options);
    else
        error = start_command(server, options);
    if (error != 0) {
        if (error != -ENOENT)
            show_errors(server);
        bench_server_stop(server);
    }
    return error;
}

void bench_server_stop(struct bench_server *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, server->stop_signal);
        const u64 until_ns = bench_now_ns() + STOP_NS;
        while (waitpid(server->pid, NULL, WNOHANG) == 0) {
            if (bench_now_ns() > until_ns)
                (void)kill(server->pid, SIGKILL);
            (void)usleep(2000);
        }
        server->pid = 0;
    }
    if (server->alloc_counts != NULL) {
        void *page;
        memcpy(&page, &server->alloc_counts, sizeof page);
        (void)munmap(page, 4096);
    }
    server->alloc_counts = NULL;
    bench_remove_tree(server->dir);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    (void)remove(path);
    return 0;
}

void bench_remove_tree(const char *path)
{
    if (path[0] != 0)
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
