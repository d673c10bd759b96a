/* server: see server.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/memory.h"
#include "engine/net/listener.h"
#include "engine/reactor.h"

struct worker {
    struct server *server;
    struct reactor *reactor;
    pthread_t thread;
    u16 index;
    struct mail orders[3]; /* START, STOP, EXIT: each sent once */
};

/* ---- shared parts ---------------------------------------------------------------------------- */

static void *zeroed(size_t count, size_t size)
{
    const size_t bytes = ROUND_UP(count * size, (size_t)MAILBOX_LINE_BYTES);
    void *array = aligned_alloc(MAILBOX_LINE_BYTES, bytes);
    if (array != NULL)
        memset(array, 0, bytes);
    return array;
}

bool server_init(struct server *server)
{
    const size_t reactors = server->reactor_count;
    MUST(reactors >= 1 && reactors <= REACTORS_MAX && server->shard_count >= 1);
    server->mailboxes = zeroed((reactors + 1) * reactors, sizeof *server->mailboxes);
    server->bells = zeroed(reactors, sizeof *server->bells);
    server->metrics = zeroed(reactors, sizeof *server->metrics);
    server->feeds = zeroed(reactors, sizeof *server->feeds);
    server->shard_metrics = zeroed(server->shard_count, sizeof *server->shard_metrics);
    return server->mailboxes != NULL && server->bells != NULL && server->metrics != NULL &&
           server->feeds != NULL && server->shard_metrics != NULL;
}

void server_deinit(struct server *server)
{
    free(server->mailboxes);
    free(server->bells);
    free(server->metrics);
    free(server->feeds);
    free(server->shard_metrics);
}

void server_tell(const struct server *server, enum server_event_kind kind, u32 reactor,
                 u32 exit_code, const char *text)
{
    struct server_event event = {.kind = kind, .reactor = reactor, .exit_code = exit_code};
    (void)snprintf(event.text, sizeof event.text, "%s", text);
    const ssize_t written = write(server->event_write_fd, &event, sizeof event);
    (void)written; /* a full pipe already holds a failure that ends the process */
}

/* ---- the reactors' threads ------------------------------------------------------------------- */

static void pin_thread(const struct server *server, u16 index)
{
    if (!server->is_pinned)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)server->cores[index], &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* Seldom: when a chunk has been taken. Never more than one such event of a reactor is under way. */
static void tell_memory(void *context)
{
    const struct worker *worker = context;
    server_tell(worker->server, SERVER_EVENT_MEMORY, worker->index, 0, "");
}

static void *run_reactor(void *argument)
{
    struct worker *worker = argument;
    struct server *server = worker->server;
    char reason[1024] = "";
    pin_thread(server, worker->index);
    (void)memory_bind_thread();
    memory_feed_bind(&server->feeds[worker->index], tell_memory, worker);
    const u64 wanted = server->config.memory_reserve / server->reactor_count;
    if (!memory_prepare(wanted)) {
        (void)snprintf(reason, sizeof reason,
                       "cannot prepare %llu bytes of memory; lower --memory-reserve",
                       (unsigned long long)wanted);
        server_tell(server, SERVER_EVENT_FAILED, worker->index, EXIT_RUNTIME, reason);
        return NULL;
    }
    const int failed = reactor_open(worker->reactor, server, worker->index, reason, sizeof reason);
    if (failed != 0) {
        server_tell(server, SERVER_EVENT_FAILED, worker->index, (u32)failed, reason);
        return NULL; /* the process ends; what was opened goes with it */
    }
    server_tell(server, SERVER_EVENT_READY, worker->index, 0, ring_backend(worker->reactor->ring));
    while (reactor_turn(worker->reactor)) {}
    reactor_close(worker->reactor);
    return NULL;
}

static void order(struct worker *worker, enum mail_kind kind)
{
    struct server *server = worker->server;
    struct mail *mail = &worker->orders[kind - MAIL_KIND_START];
    *mail = (struct mail){.kind = (u16)kind, .from = server->reactor_count};
    struct mailbox *box = server_mailbox(server, server->reactor_count, worker->index);
    MUST(mailbox_push(box, mail)); /* three orders in all, and the box has more slots */
    struct mailbox_bell *bell = &server->bells[worker->index];
    if (mailbox_bell_must_ring(bell))
        ring_wake_outside(bell->address);
}

static void order_all(struct server *server, struct worker *workers, enum mail_kind kind)
{
    for (u32 i = 0; i < server->reactor_count; i++)
        order(&workers[i], kind);
}

/* ---- the main thread ------------------------------------------------------------------------- */

enum server_phase { SERVER_PHASE_STARTING, SERVER_PHASE_SERVING, SERVER_PHASE_STOPPING };

struct conduct {
    struct server *server;
    struct worker *workers;
    int signal_fd;
    enum server_phase phase;
    u32 ready_count;
    u32 drained_count;
};

/* Ends the process at once. What was not acknowledged stays so. */
NORETURN static void leave_now(struct server *server, int code)
{
    if (server->unix_fd >= 0)
        (void)unlink(server->config.unix_path);
    _exit(code);
}

static void become_ready(struct conduct *conduct, const char *backend)
{
    struct server *server = conduct->server;
    char reason[1024];
    for (u32 i = 0; i < server->reactor_count; i++)
        memory_feed_fill(&server->feeds[i]);
    (void)snprintf(server->io_backend, sizeof server->io_backend, "%.31s", backend);
    server->started_ns = clock_monotonic_ns();
    if (listener_listen_all(server, reason, sizeof reason) != 0) {
        log_line(&server->log, LOG_LEVEL_ERROR, "failed", "reason=\"%s\"", reason);
        leave_now(server, EXIT_RUNTIME);
    }
    order_all(server, conduct->workers, MAIL_KIND_START);
    conduct->phase = SERVER_PHASE_SERVING;
    const struct config *config = &server->config;
    (void)printf("ready listen=%s unix=%s shards=%u reactors=%u durability=%s io=%s pid=%ld\n",
                 server->address, config->unix_path[0] == '\0' ? "none" : config->unix_path,
                 server->shard_count, server->reactor_count, config_mode_name(config->durability),
                 server->io_backend, (long)getpid());
    (void)fflush(stdout);
    log_line(&server->log, LOG_LEVEL_INFO, "ready",
             "listen=%s shards=%u reactors=%u durability=%s io=%s version=%s", server->address,
             server->shard_count, server->reactor_count, config_mode_name(config->durability),
             server->io_backend, SOUK_VERSION);
}

static void on_event(struct conduct *conduct)
{
    struct server *server = conduct->server;
    struct server_event event;
    if (read(server->event_read_fd, &event, sizeof event) != (ssize_t)sizeof event)
        return;
    switch ((enum server_event_kind)event.kind) {
    case SERVER_EVENT_READY:
        if (++conduct->ready_count == server->reactor_count)
            become_ready(conduct, event.text);
        break;
    case SERVER_EVENT_DRAINED: conduct->drained_count++; break;
    case SERVER_EVENT_MEMORY: memory_feed_fill(&server->feeds[event.reactor]); break;
    case SERVER_EVENT_FAILED: {
        char quoted[sizeof event.text + 64];
        log_line(&server->log, LOG_LEVEL_ERROR, "failed", "reactor=%u reason=%s", event.reactor,
                 log_quote(quoted, sizeof quoted, event.text));
        leave_now(server, (int)event.exit_code);
    }
    }
}

static void on_signal(struct conduct *conduct)
{
    struct server *server = conduct->server;
    struct signalfd_siginfo info;
    if (read(conduct->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (conduct->phase == SERVER_PHASE_STOPPING) {
        log_line(&server->log, LOG_LEVEL_WARN, "stop_at_once", "signal=%u", info.ssi_signo);
        leave_now(server, EXIT_RUNTIME);
    }
    log_line(&server->log, LOG_LEVEL_INFO, "stopping", "signal=%u", info.ssi_signo);
    if (conduct->phase == SERVER_PHASE_STARTING)
        leave_now(server, EXIT_CLEAN); /* nothing was accepted yet; a replay can end anywhere */
    conduct->phase = SERVER_PHASE_STOPPING;
    order_all(server, conduct->workers, MAIL_KIND_STOP);
}

static int start_workers(struct conduct *conduct)
{
    struct server *server = conduct->server;
    for (u16 i = 0; i < server->reactor_count; i++) {
        struct worker *worker = &conduct->workers[i];
        *worker = (struct worker){.server = server, .index = i};
        worker->reactor = zeroed(1, sizeof *worker->reactor);
        if (worker->reactor == NULL)
            return -ENOMEM;
        const int error = pthread_create(&worker->thread, NULL, run_reactor, worker);
        if (error != 0)
            return -error;
    }
    return 0;
}

static void conduct_run(struct conduct *conduct)
{
    const struct server *server = conduct->server;
    while (conduct->drained_count < server->reactor_count) {
        struct pollfd fds[2] = {{.fd = conduct->signal_fd, .events = POLLIN},
                                {.fd = server->event_read_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0)
            on_event(conduct);
        if (fds[0].revents != 0)
            on_signal(conduct);
    }
}

/* Every shard's log is closed. A second signal, or a failure, still ends the wait at once. */
static void join_workers(struct conduct *conduct)
{
    struct server *server = conduct->server;
    order_all(server, conduct->workers, MAIL_KIND_EXIT);
    for (u32 i = 0; i < server->reactor_count; i++) {
        (void)pthread_join(conduct->workers[i].thread, NULL);
        free(conduct->workers[i].reactor);
    }
}

int server_run(struct server *server)
{
    int pipe_fds[2];
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    struct conduct conduct = {.server = server, .phase = SERVER_PHASE_STARTING};
    conduct.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    conduct.workers = calloc(server->reactor_count, sizeof *conduct.workers);
    if (conduct.signal_fd < 0 || conduct.workers == NULL || pipe(pipe_fds) != 0) {
        log_line(&server->log, LOG_LEVEL_ERROR, "failed", "reason=\"no descriptors or memory\"");
        return EXIT_RUNTIME;
    }
    server->event_read_fd = pipe_fds[0];
    server->event_write_fd = pipe_fds[1];
    const int error = start_workers(&conduct);
    if (error != 0) {
        log_line(&server->log, LOG_LEVEL_ERROR, "failed", "reason=\"cannot start threads: %s\"",
                 strerror(-error));
        leave_now(server, EXIT_RUNTIME);
    }
    /* From here on this thread prepares memory, and a reactor that wakes up goes before. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    conduct_run(&conduct);
    join_workers(&conduct);
    listener_close_all(server);
    (void)close(conduct.signal_fd);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    free(conduct.workers);
    log_line(&server->log, LOG_LEVEL_INFO, "stopped", "code=%d", EXIT_CLEAN);
    return EXIT_CLEAN;
}
