/* bench_server: starts the server that a measurement needs, pinned to a processor, and stops it.
 *
 *      kind          what is started                                       mode
 *      SOUK          soukd on a fresh directory, one shard, one reactor    durable, async, none
 *      LOOP          limits/limit_loop                                     durable, nolog
 *      REDIS         redis-server                                          memory, always
 *      POSTGRES      PostgreSQL (peers/postgres_server.h)                  durable
 *      NONE          nothing: the load works in the directory itself       -
 *
 * A server has a directory of its own below the one given, deleted by bench_server_stop. The log of
 * the bare loop stays beside them, so that it is written ahead only once. What a server prints goes
 * to a file in its directory and is shown when it does not become ready.
 *
 * Failure  -ENOENT when the program is not there (an absent peer is reported, not skipped in
 *          silence), another -errno with a line on stderr.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_SERVER_H
#define SOUK_BENCH_BENCH_SERVER_H

#include "proto/base.h"

#include <sys/types.h>

#define BENCH_PATH_BYTES 512u

enum bench_server_kind {
    BENCH_SERVER_SOUK,
    BENCH_SERVER_LOOP,
    BENCH_SERVER_REDIS,
    BENCH_SERVER_POSTGRES,
    BENCH_SERVER_NONE
};

struct bench_server_options {
    enum bench_server_kind kind;
    const char *mode;
    const char *soukd;      /* path of the binary */
    const char *limit_loop; /* path of the binary */
    const char *hook;       /* path of alloc_hook.so, or NULL: do not count allocations */
    const char *dir;        /* below it everything happens */
    u64 log_bytes;          /* to be written ahead */
    u64 memory_bytes;       /* to be prepared ahead */
    u32 spin_us;            /* of soukd */
    i32 cpu;
    bool is_unix; /* Unix socket instead of TCP */
};

struct bench_server {
    pid_t pid;
    char dir[BENCH_PATH_BYTES];
    char address[BENCH_PATH_BYTES];
    const u64 *alloc_counts; /* allocations, maps; NULL without hook */
    int stop_signal;
};

NODISCARD int bench_server_start(struct bench_server *server,
                                 const struct bench_server_options *options);
void bench_server_stop(struct bench_server *server);
/* Removes a directory with everything in it. */
void bench_remove_tree(const char *path);

#endif
