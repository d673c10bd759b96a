/* reactor: one turn of the loop. See reactor.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/reactor.h"

#include <stdlib.h>
#include <string.h>

/* The clock is read where a step ends, and nowhere else in a turn. */
static void enter_step(struct reactor *reactor, enum turn_step step)
{
    reactor->now_ns = clock_monotonic_ns();
    stall_enter(&reactor->stall, step, reactor->now_ns, reactor->facts.opcode);
    reactor->facts.step = stall_step_name(step);
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* What has happened since the last turn: bytes, connections, finished writes and sends, and mail.
 * Received bytes are only noted here; they are served in the next step. */
static void collect(struct reactor *reactor)
{
    reactor->now_ns = clock_monotonic_ns();
    reactor->turn_ns = reactor->now_ns;
    reactor->log_now_ns = log_clock_advance(&reactor->clock, clock_wall_ns(), reactor->now_ns);
    stall_begin(&reactor->stall, reactor->now_ns);
    reactor->facts.step = stall_step_name(TURN_STEP_COLLECT);
    const u32 room = REACTOR_RECEIVED - reactor->received_count;
    MUST(room == REACTOR_RECEIVED);
    const u32 count = ring_collect(reactor->ring, reactor->completions, REACTOR_COMPLETIONS);
    ring_run(reactor->ring, reactor->completions, count);
    forward_collect(reactor);
}

/* Mail of shards, and frames, become entries of the open batch; frames also answers (reads from
 * durable state, refusals, replays). Mail first: it finishes what was begun. Then those that had to
 * wait. Then every received buffer goes back to the ring. */
static void admit(struct reactor *reactor)
{
    for (u32 i = 0; i < reactor->host_count; i++)
        post_admit(&reactor->hosts[i]);
    connection_resume_all(reactor);
    forward_serve_all(reactor);
    for (u32 i = 0; i < reactor->received_count; i++) {
        const struct received *received = &reactor->received[i];
        connection_received(received->connection, received->bytes, received->count);
        ring_buffer_return(reactor->ring, received->buffer);
    }
    reactor->received_count = 0;
    connection_rearm_starved(reactor);
}

static void start_log_writes(struct reactor *reactor)
{
    for (u32 i = 0; i < reactor->host_count; i++)
        host_append(&reactor->hosts[i]);
}

static void apply_durable(struct reactor *reactor)
{
    for (u32 i = 0; i < reactor->host_count; i++)
        host_deliver(&reactor->hosts[i]);
    if (post_turn(reactor))
        start_log_writes(reactor);
    for (u32 i = 0; i < reactor->host_count; i++)
        park_turn(&reactor->hosts[i]);
    inquiry_turn(reactor);
}

/* Replies of this turn leave: one send per connection, however many replies it has. */
static void leave_effects(struct reactor *reactor)
{
    for (u32 class = 0; class < LATENCY_CLASS_COUNT; class ++) {
        if (reactor->same_turn[class] == 0)
            continue;
        histogram_add(&reactor->metrics->latency[class], reactor->now_ns - reactor->turn_ns,
                      reactor->same_turn[class]);
        reactor->same_turn[class] = 0;
    }
    for (u32 i = 0; i < reactor->host_count; i++)
        host_publish(&reactor->hosts[i]);
    connection_settle_all(reactor);
}

static void publish_ring(struct reactor *reactor)
{
    const struct ring_statistics *ring = ring_statistics(reactor->ring);
    struct metrics *metrics = reactor->metrics;
    metric_set(&metrics->ring_enters, ring->enters);
    metric_set(&metrics->ring_submissions, ring->submissions);
    metric_set(&metrics->ring_completions, ring->completions);
    metric_set(&metrics->ring_wakes, ring->wakes);
    metric_set(&metrics->ring_overflows, ring->overflows);
    metric_set(&metrics->ring_starved, ring->starved);
    metric_set(&metrics->ring_stalls, ring->stalls);
    metric_set(&metrics->connections_open, reactor->connections.open_count);
    metric_set(&metrics->buffer_bytes, reactor->buffers.idle_bytes + reactor->buffers.given_bytes);
}

static void advance_phase(struct reactor *reactor);

/* A slice of what may wait. Returns when the next turn is wanted at the latest (monotonic). */
static u64 work_in_background(struct reactor *reactor)
{
    u64 wanted_ns = UINT64_MAX;
    for (u32 i = 0; i < reactor->host_count; i++)
        wanted_ns = MIN(wanted_ns, host_tick(&reactor->hosts[i]));
    wanted_ns = MIN(wanted_ns, listener_tick(&reactor->tcp, reactor->now_ns));
    wanted_ns = MIN(wanted_ns, listener_tick(&reactor->unix_socket, reactor->now_ns));
    if (reactor->connections.open_count > 0) {
        if (reactor->now_ns - reactor->sweep_ns >= REACTOR_SWEEP_NS) {
            reactor->sweep_ns = reactor->now_ns;
            connection_sweep(reactor);
        }
        wanted_ns = MIN(wanted_ns, reactor->sweep_ns + REACTOR_SWEEP_NS);
    }
    if (reactor->is_any_outbox_full)
        wanted_ns = MIN(wanted_ns, reactor->now_ns + NS_PER_MS);
    publish_ring(reactor);
    advance_phase(reactor);
    if (reactor->phase > REACTOR_PHASE_SERVING && reactor->phase != REACTOR_PHASE_DRAINED)
        wanted_ns = MIN(wanted_ns, reactor->now_ns + NS_PER_MS);
    return wanted_ns;
}

/* Everything that was prepared goes to the kernel in one system call, which also waits. */
static void submit_and_wait(struct reactor *reactor, u64 wanted_ns)
{
    const struct server *server = reactor->server;
    struct mailbox_bell *bell = &server->bells[reactor->index];
    mailbox_bell_sleep(bell);
    bool has_work = reactor->connections.dirty_count > 0 || inquiry_has_work(reactor);
    for (u32 from = 0; !has_work && from <= server->reactor_count; from++)
        has_work = !mailbox_is_empty(server_mailbox(server, from, reactor->index));
    u64 timeout_ns = wanted_ns;
    if (wanted_ns != UINT64_MAX)
        timeout_ns = wanted_ns > reactor->now_ns ? wanted_ns - reactor->now_ns : 0;
    const int error = ring_turn(reactor->ring, has_work ? 0 : timeout_ns);
    mailbox_bell_awake(bell);
    if (error != 0)
        server_tell(server, SERVER_EVENT_FAILED, reactor->index, EXIT_RUNTIME,
                    "the ring failed: io_uring_enter returned an error that a retry cannot mend");
}

/* One turn. The order is the design:
 *
 *   1 collect     first, so that everything below sees the same state of the world
 *   2 admit       before the log write, so that all that has gathered goes into it: the batch of a
 *                 write is what arrived while the one before was under way (no timers)
 *   3 log         before applying, so that disk and processor work at the same time
 *   4 apply       what is durable, and only that; replies are written into the outputs, mail between
 *                 shards goes into the open batches of this core's shards, which are written at once
 *                 if no write is in flight. Then slices of searches, which wait for all that. A large batch waits one turn when 3 has started a write,
 *                 so that 7 hands that to the disk first
 *   5 effects     after applying, once: a connection with replies from 2 and 4 gets one send
 *   6 background  last, when nobody waits for it any more
 *   7 wait        one system call submits sends, writes and receives, and collects for step 1
 */
bool reactor_turn(struct reactor *reactor)
{
    collect(reactor);
    enter_step(reactor, TURN_STEP_ADMIT);
    admit(reactor);
    enter_step(reactor, TURN_STEP_LOG);
    start_log_writes(reactor);
    enter_step(reactor, TURN_STEP_APPLY);
    apply_durable(reactor);
    enter_step(reactor, TURN_STEP_EFFECTS);
    leave_effects(reactor);
    enter_step(reactor, TURN_STEP_BACKGROUND);
    const u64 wanted_ns = work_in_background(reactor);
    if (reactor->phase == REACTOR_PHASE_OVER)
        return false;
    reactor->now_ns = clock_monotonic_ns();
    (void)stall_end(&reactor->stall, reactor->now_ns, reactor->facts.opcode, reactor->index,
                    reactor->metrics, &reactor->server->log);
    reactor->facts.step = stall_step_name(TURN_STEP_WAIT);
    submit_and_wait(reactor, wanted_ns);
    return true;
}

/* ---- phases ---------------------------------------------------------------------------------- */

void reactor_start(struct reactor *reactor)
{
    if (reactor->phase != REACTOR_PHASE_STARTING)
        return;
    reactor->phase = REACTOR_PHASE_SERVING;
    listener_start(&reactor->tcp);
    listener_start(&reactor->unix_socket);
}

void reactor_drain(struct reactor *reactor)
{
    if (reactor->phase >= REACTOR_PHASE_DRAINING)
        return;
    reactor->phase = REACTOR_PHASE_DRAINING;
    listener_stop(&reactor->tcp);
    listener_stop(&reactor->unix_socket);
}

void reactor_leave(struct reactor *reactor)
{
    MUST(reactor->phase == REACTOR_PHASE_DRAINED);
    reactor->phase = REACTOR_PHASE_LEAVING;
    reactor->drain_until_ns = reactor->now_ns + REACTOR_DRAIN_NS;
    connection_end_all(reactor, false);
}

/* Moves the drain on when a phase has nothing left to do. */
static void advance_phase(struct reactor *reactor)
{
    if (reactor->phase == REACTOR_PHASE_DRAINING) {
        bool is_stopped = true;
        for (u32 i = 0; i < reactor->host_count; i++) {
            host_stop(&reactor->hosts[i]);
            is_stopped = is_stopped && host_is_stopped(&reactor->hosts[i]);
        }
        if (!is_stopped)
            return;
        reactor->phase = REACTOR_PHASE_DRAINED;
        server_tell(reactor->server, SERVER_EVENT_DRAINED, reactor->index, EXIT_CLEAN, "");
    } else if (reactor->phase == REACTOR_PHASE_LEAVING) {
        if (reactor->connections.open_count > 0) {
            if (reactor->now_ns > reactor->drain_until_ns)
                connection_end_all(reactor, true);
            return;
        }
        if (forward_is_quiet(reactor) && inquiry_is_quiet(reactor) &&
            ring_in_flight(reactor->ring) == 0)
            reactor->phase = REACTOR_PHASE_OVER;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

struct shard_host *reactor_host(struct reactor *reactor, u16 shard)
{
    const u32 at = shard / reactor->server->reactor_count;
    MUST(reactor_of_shard(reactor, shard) == reactor->index && at < reactor->host_count);
    MUST(reactor->hosts[at].index == shard);
    return &reactor->hosts[at];
}

static int open_hosts(struct reactor *reactor, char *reason, size_t reason_bytes)
{
    const struct server *server = reactor->server;
    u64 floor_ns = 0;
    for (u32 shard = reactor->index; shard < server->shard_count; shard += server->reactor_count) {
        struct shard_host *host = &reactor->hosts[reactor->host_count];
        const int failed = host_open(host, reactor, (u16)shard, reason, reason_bytes);
        if (failed != 0)
            return failed;
        reactor->host_count++;
        floor_ns = MAX(floor_ns, host->stamp_ns);
        host_publish(host);
    }
    log_clock_init(&reactor->clock, clock_wall_ns(), clock_monotonic_ns(), floor_ns);
    return 0;
}

int reactor_open(struct reactor *reactor, const struct server *server, u16 index, char *reason,
                 size_t reason_bytes)
{
    MUST(index < server->reactor_count);
    memset(reactor, 0, sizeof *reactor);
    reactor->server = server;
    reactor->metrics = &server->metrics[index];
    reactor->index = index;
    reactor->facts.reactor = index;
    panic_facts_bind(&reactor->facts);
    const u32 hosts_max = server->shard_count / server->reactor_count + 1u;
    reactor->hosts = calloc(hosts_max, sizeof *reactor->hosts);
    reactor->peers = calloc(server->reactor_count, sizeof *reactor->peers);
    reactor->scratch = aligned_alloc(64, FRAME_BYTES_MAX);
    if (reactor->hosts == NULL || reactor->peers == NULL || reactor->scratch == NULL) {
        (void)snprintf(reason, reason_bytes, "no memory for reactor %u", index);
        return EXIT_RUNTIME;
    }
    const struct ring_options options = {.buffer_count = REACTOR_RECEIVED,
                                         .spin_ns = server->config.spin_us * NS_PER_US};
    const int error = ring_open(&reactor->ring, &options);
    if (error != 0) {
        (void)snprintf(reason, reason_bytes, "%s", ring_open_advice(error));
        return EXIT_RUNTIME;
    }
    server->bells[index].address = ring_address(reactor->ring);
    const bool is_unix = index == 0;
    listener_init(&reactor->tcp, reactor, server->tcp_fds[index], true);
    listener_init(&reactor->unix_socket, reactor, is_unix ? server->unix_fd : -1, false);
    inquiry_prepare(reactor);
    return open_hosts(reactor, reason, reason_bytes);
}

void reactor_close(struct reactor *reactor)
{
    connection_table_deinit(reactor);
    inquiry_close(reactor);
    for (u32 i = 0; i < reactor->host_count; i++)
        host_close(&reactor->hosts[i]);
    ring_close(reactor->ring);
    forward_deinit(reactor);
    buffer_pool_deinit(&reactor->buffers);
    free(reactor->hosts);
    free(reactor->peers);
    free(reactor->scratch);
    panic_facts_bind(NULL);
    reactor->ring = NULL;
}
