/* server: what all reactors share, and the thread that starts and stops them.
 *
 *      main thread                               reactor i (i = 0 .. R-1)
 *      config, directory, sockets bound
 *      start threads  ------------------------>  pin, arena, ring, logs opened and replayed
 *      all ready? print the line, mail START  <- event READY
 *      signal? mail STOP  -------------------->  no new writes, drain, flush
 *      all drained? mail EXIT  <---------------  event DRAINED (mail is still served)
 *      join, exit 0                              close everything
 *
 * Invariants
 *   V1  after the threads have started, everything here is read-only but the mailboxes, the bells,
 *       the metrics (their own rules) and the pipe.
 *   V2  mailbox [from * R + to] is written by `from` and read by `to`; from = R is the main thread.
 * Ownership  the main thread makes it and outlives the reactors.
 * Failure    an event FAILED carries the exit code and the reason; the process ends with it at once:
 *            after a log has failed nothing may be acknowledged any more.
 * Not here   what a reactor does in a turn (reactor.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_SERVER_H
#define SOUK_ENGINE_SERVER_H

#include "engine/config.h"
#include "engine/log/data_dir.h"
#include "engine/mailbox.h"
#include "engine/watch/log_line.h"
#include "engine/watch/metrics.h"

enum server_exit { EXIT_CLEAN = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2, EXIT_DATA = 3 };

enum server_event_kind {
    SERVER_EVENT_READY,
    SERVER_EVENT_DRAINED,
    SERVER_EVENT_FAILED,
    SERVER_EVENT_MEMORY /* the reactor has taken a chunk that lay ahead (engine/memory.h) */
};

/* Goes through a pipe in one piece, so it is smaller than PIPE_BUF. */
struct server_event {
    u32 kind; /* enum server_event_kind */
    u32 reactor;
    u32 exit_code; /* FAILED */
    char text[1024];
};
STATIC_CHECK(sizeof(struct server_event) < 4096);

struct server {
    struct config config;
    struct data_dir dir;
    struct log_out log;
    u16 shard_count;
    u16 reactor_count;
    bool is_pinned; /* reactors have cores of their own */
    u64 started_ns; /* monotonic */
    int event_read_fd;
    int event_write_fd;
    int unix_fd;                /* listener, -1 = none; reactor 0 accepts from it */
    int tcp_fds[REACTORS_MAX];  /* one listener per reactor; -1 = none */
    int cores[REACTORS_MAX];    /* core of each reactor */
    char address[80];           /* as bound: "127.0.0.1:7685"; "none" */
    char io_backend[32];        /* of the rings: "io_uring" */
    struct mailbox *mailboxes;  /* (R + 1) * R of them */
    struct mailbox_bell *bells; /* one per reactor */
    struct metrics *metrics;    /* one per reactor */
    struct memory_feed *feeds;  /* one per reactor: filled by the main thread */
    struct shard_metrics *shard_metrics;
};

/* Boxes, bells and metrics for shard_count and reactor_count; the rest is the caller's. False: no
 * memory. */
NODISCARD bool server_init(struct server *server);
void server_deinit(struct server *server);

static inline struct mailbox *server_mailbox(const struct server *server, u32 from, u32 to)
{
    MUST(from <= server->reactor_count && to < server->reactor_count);
    return &server->mailboxes[from * server->reactor_count + to];
}

/* From any thread. */
void server_tell(const struct server *server, enum server_event_kind kind, u32 reactor,
                 u32 exit_code, const char *text);

/* Binds, starts, serves until a signal, stops. Returns the exit code. Signals SIGTERM and SIGINT
 * must be blocked already. */
int server_run(struct server *server);

#endif
