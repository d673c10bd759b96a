/* soukd: the server program. Reads its options, opens the directory, runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/log/replog.h"
#include "engine/net/listener.h"
#include "engine/server.h"

static int start(struct server *server);

int main(int count, char **arguments)
{
    static struct server server; /* large, and there is one */
    char reason[CONFIG_LINE_BYTES];
    server.log = (struct log_out){.fd = STDERR_FILENO};
    switch (config_parse(&server.config, count, arguments, reason, sizeof reason)) {
    case CONFIG_RUN: return start(&server);
    case CONFIG_HELP: config_print_help(stdout); return EXIT_CLEAN;
    case CONFIG_VERSION: (void)printf("soukd %s\n", SOUK_VERSION); return EXIT_CLEAN;
    case CONFIG_WRONG: (void)fprintf(stderr, "soukd: %s\n", reason); return EXIT_USAGE;
    }
    return EXIT_USAGE;
}

/* The cores this process may use, in order; their number. */
static u32 find_cores(int *cores, u32 max)
{
    cpu_set_t set;
    u32 found = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (u32 i = 0; i < CPU_SETSIZE && found < max; i++)
            if (CPU_ISSET(i, &set))
                cores[found++] = (int)i;
    if (found == 0)
        cores[found++] = 0;
    return found;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void block_signals(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error of the write */
}

static int open_directory(struct server *server, u32 core_count, char *reason, size_t reason_bytes)
{
    const struct config *config = &server->config;
    struct data_dir_options options = {
        .path = config->directory, .shard_count = (u32)config->shards, .now_ns = clock_wall_ns()};
    int error = data_dir_open(&server->dir, &options, reason, reason_bytes);
    if (error == -EINVAL && options.shard_count == 0) { /* a new one has to be told how many */
        options.shard_count = MIN(core_count, SHARDS_MAX);
        error = data_dir_open(&server->dir, &options, reason, reason_bytes);
    }
    return error;
}

/* Does shard 0 have a log? A server without one would serve an empty shop beside it. */
static bool has_log(const struct data_dir *dir)
{
    bool found = false;
    const int fd = data_dir_open_shard(dir, 0);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL)
        return false;
    for (const struct dirent *entry; !found && (entry = readdir(listing)) != NULL;)
        found = strncmp(entry->d_name, "wal-", 4) == 0;
    (void)closedir(listing);
    return found;
}

static int fail(const char *reason, int code)
{
    (void)fprintf(stderr, "soukd: %s\n", reason);
    return code;
}

static int start(struct server *server)
{
    char reason[CONFIG_LINE_BYTES] = "";
    const u32 core_count = find_cores(server->cores, REACTORS_MAX);
    server->log.is_insecure = server->config.is_insecure;
    server->unix_fd = -1;
    for (u32 i = 0; i < REACTORS_MAX; i++)
        server->tcp_fds[i] = -1;
    block_signals();
    raise_descriptor_limit();
    if (open_directory(server, core_count, reason, sizeof reason) != 0)
        return fail(reason, EXIT_DATA);
    if (server->config.durability == REPLOG_MODE_NONE && has_log(&server->dir))
        return fail("the directory holds a log, which --durability none would neither read nor "
                    "write; use durable or async, or another directory",
                    EXIT_DATA);
    server->shard_count = (u16)server->dir.shard_count;
    const u32 wanted = server->config.reactors == 0 ? core_count : (u32)server->config.reactors;
    server->reactor_count = (u16)MIN(wanted, server->shard_count);
    server->is_pinned = server->reactor_count <= core_count;
    log_line(&server->log, LOG_LEVEL_INFO, "start", "directory=%s new=%s shards=%u reactors=%u",
             server->config.directory, server->dir.is_new ? "yes" : "no", server->shard_count,
             server->reactor_count);
    if (!server_init(server))
        return fail("no memory for the mailboxes; use fewer --reactors", EXIT_RUNTIME);
    if (listener_bind_all(server, reason, sizeof reason) != 0) {
        listener_close_all(server);
        return fail(reason, EXIT_RUNTIME);
    }
    const int code = server_run(server);
    data_dir_close(&server->dir);
    server_deinit(server);
    return code;
}
