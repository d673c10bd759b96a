/* core_connection: connections as the core sees them, and the map that hello gives. See core.h.
 *
 * One connection per reactor of the server: connection r asks for shard r, which runs on reactor r.
 * What is known of the server stays while connections come and go. When another server answers (its
 * data directory or its number of shards differs), nothing in flight can be settled any more: the
 * calls are told, every connection goes down, and the map is learned anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/core.h"

#define BACKOFF_FIRST_NS (5 * NS_PER_MS)
#define BACKOFF_MAX_NS   (1000 * NS_PER_MS)
#define GREETING_MS_MAX  5000u

u64 core_random_below(struct core *core, u64 bound)
{
    core->random = core->random * 6364136223846793005ull + 1442695040888963407ull;
    return checksum64(&core->random, sizeof core->random) % bound;
}

void core_init(struct core *core, const struct souk_options *options, struct id128 entropy)
{
    *core = (struct core){.options = *options, .next_due_ns = CORE_NEVER, .connection_count = 1};
    const char *agent = options->agent != NULL ? options->agent : "libsouk " SOUK_VERSION;
    (void)snprintf(core->agent, sizeof core->agent, "%s", agent);
    core->options.address = NULL;
    core->options.agent = NULL;
    if (core->options.deadline_ms == 0)
        core->options.deadline_ms = 10000;
    if (core->options.gather_frames == 0)
        core->options.gather_frames = 4;
    core->random = options->cut_seed != 0 ? options->cut_seed : entropy.low ^ entropy.high;
    core->random_base = (struct id128){options->session.low, options->session.high};
    if (id128_is_none(core->random_base))
        core->random_base = entropy;
    MUST(!id128_is_none(core->random_base));
    for (u16 i = 0; i < REACTORS_MAX; i++)
        core->connections[i].index = i;
}

static void close_frame(struct core *core, struct core_frame *frame, int error)
{
    const bool may_be_done =
        core_is_write(frame) && (frame->is_uncertain || frame->state == CORE_FRAME_FLIGHT);
    core_deliver_error(core, frame, may_be_done ? SOUK_ERROR_UNKNOWN_OUTCOME : error);
}

void core_deinit(struct core *core)
{
    for (u32 i = 0; i < core->frame_count; i++) {
        struct core_frame *frame = core->frames[i];
        if (frame->state != CORE_FRAME_FREE)
            core_deliver_error(core, frame, SOUK_ERROR_CLOSED);
        free(frame->bytes);
        free(frame->pieces);
        free(frame);
    }
    free(core->frames);
    for (u16 i = 0; i < core->server.shard_count; i++)
        free(core->lanes[i].slots);
    free(core->lanes);
    for (u16 i = 0; i < REACTORS_MAX; i++)
        free(core->connections[i].input);
    core->frames = NULL;
    core->frame_count = 0;
    core->lanes = NULL;
    core->server.shard_count = 0;
}

bool core_wants_connect(const struct core *core, u16 index, u64 now_ns)
{
    const struct core_connection *connection = &core->connections[index];
    if (index >= core->connection_count || connection->state != CORE_CONNECTION_DOWN)
        return false;
    const bool is_needed = connection->work != 0 || core->server.shard_count == 0;
    return is_needed && !core->is_stale && now_ns >= connection->connect_at_ns;
}

void core_connecting(struct core *core, u16 index)
{
    MUST(core->connections[index].state == CORE_CONNECTION_DOWN);
    core->connections[index].state = CORE_CONNECTION_CONNECTING;
}

bool core_connected(struct core *core, u16 index, u64 now_ns)
{
    struct core_connection *connection = &core->connections[index];
    MUST(connection->state == CORE_CONNECTION_CONNECTING);
    MUST(connection->out.head == NULL);
    const struct message_info *info = message_find(OPCODE_HELLO);
    struct core_frame *frame = core_frame_acquire(core, info, 0);
    if (frame == NULL)
        return false;
    const struct msg_hello_req record = {
        .version_min = FRAME_VERSION, .version_max = FRAME_VERSION, .want_shard = index};
    const struct span agent = {.data = (const u8 *)core->agent, .bytes = (u32)strlen(core->agent)};
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, frame->bytes + frame->length,
                           frame->capacity - frame->length, &record, &agent);
    MUST(bytes != 0);
    frame->kind = CORE_FRAME_HELLO;
    frame->timeout_ms = GREETING_MS_MAX;
    frame->deadline_ns = now_ns + GREETING_MS_MAX * NS_PER_MS;
    core->next_due_ns = MIN(core->next_due_ns, frame->deadline_ns);
    frame->record_count = 1;
    frame->length += bytes;
    core->queued_bytes += bytes;
    core_frame_seal(core, frame);
    frame->state = CORE_FRAME_OUT;
    frame->connection = index;
    core_list_push(&connection->out, frame);
    connection->state = CORE_CONNECTION_GREETING;
    connection->out_offset = 0;
    connection->cut = CORE_CUT_NO;
    connection->heard_ns = now_ns;
    core->stats.connects++;
    return true;
}

/* All connections are down after another server has answered: forget the first one. */
static void forget_server(struct core *core)
{
    for (u32 i = 0; i < core->frame_count; i++)
        MUST(core->frames[i]->state == CORE_FRAME_FREE);
    for (u16 i = 0; i < core->server.shard_count; i++)
        free(core->lanes[i].slots);
    free(core->lanes);
    core->lanes = NULL;
    core->server = (struct souk_server_info){0};
    core->connection_count = 1;
    core->session_count++;
    core->is_stale = false;
}

/* Ends every call, and every frame that is not on a connection. */
static void become_stale(struct core *core)
{
    core->is_stale = true;
    for (u32 i = 0; i < core->frame_count; i++) {
        struct core_frame *frame = core->frames[i];
        const u8 state = frame->state;
        if (state == CORE_FRAME_FREE)
            continue;
        close_frame(core, frame, SOUK_ERROR_NO_SERVER);
        frame->is_abandoned = true;
        if (state == CORE_FRAME_OUT || state == CORE_FRAME_FLIGHT)
            continue;
        struct core_lane *lane = &core->lanes[frame->shard];
        core_list_remove(state == CORE_FRAME_READY   ? &lane->ready
                         : state == CORE_FRAME_AGAIN ? &lane->again
                                                     : &core->waiting,
                         frame);
        if (lane->open[frame->info->index] == frame)
            lane->open[frame->info->index] = NULL;
        core_frame_end(core, frame);
    }
}

static const char *learn_map(struct core *core, const struct msg_hello_rsp *hello)
{
    if (hello->version != FRAME_VERSION)
        return "the server speaks another version of the protocol";
    if (hello->shard_count == 0 || hello->shard_count > SHARDS_MAX || hello->reactor_count == 0 ||
        hello->reactor_count > REACTORS_MAX)
        return "the server's shard map makes no sense";
    if (hello->frame_bytes_max < 2 * FRAME_HEADER_BYTES || hello->frame_records_max == 0 ||
        hello->window_frames == 0 || hello->frame_bytes_max < 64u << 10)
        return "the server's limits make no sense";
    core->lanes = calloc(hello->shard_count, sizeof *core->lanes);
    if (core->lanes == NULL)
        return "no memory";
    core->server = (struct souk_server_info){
        .shard_count = hello->shard_count,
        .reactor_count = hello->reactor_count,
        .durability = hello->durability,
        .version = hello->version,
        .frame_bytes_max = MIN(hello->frame_bytes_max, FRAME_BYTES_MAX),
        .frame_records_max = MIN(hello->frame_records_max, FRAME_RECORDS_MAX),
        .window_frames = hello->window_frames,
        .session_reply_bytes_max = hello->session_reply_bytes_max,
        .grant_retention_ms = hello->grant_retention_ms,
        .data_id = {hello->data_id.low, hello->data_id.high},
    };
    core->connection_count = MIN(hello->shard_count, hello->reactor_count);
    for (u16 i = 0; i < hello->shard_count; i++) {
        core->lanes[i].shard = i;
        core->lanes[i].connection = (u16)(i % hello->reactor_count) % core->connection_count;
        core_session_renew(core, &core->lanes[i]);
    }
    return NULL;
}

const char *core_greeted(struct core *core, struct core_connection *connection,
                         const struct msg_hello_rsp *hello)
{
    if (hello->head.status != STATUS_OK)
        return status_name(hello->head.status);
    if (core->is_stale)
        return "another server answers at the address";
    if (core->server.shard_count == 0) {
        const char *reason = learn_map(core, hello);
        if (reason != NULL)
            return reason;
    } else if (hello->shard_count != core->server.shard_count ||
               hello->data_id.low != core->server.data_id.low ||
               hello->data_id.high != core->server.data_id.high) {
        become_stale(core);
        return "another server answers at the address";
    }
    /* With other reactors than before, our connections still work: frames are forwarded. */
    core->server.reactor_count = hello->reactor_count;
    core->server.durability = hello->durability;
    connection->state = CORE_CONNECTION_READY;
    return NULL;
}

/* Where a frame goes whose connection is gone. */
static void take_back(struct core *core, struct core_frame *frame)
{
    const bool was_sent = frame->state == CORE_FRAME_FLIGHT;
    core_frame_unwire(core, frame);
    if (frame->kind == CORE_FRAME_HELLO || frame->is_abandoned || core->is_stale) {
        core_frame_end(core, frame);
        return;
    }
    if (was_sent) {
        core->stats.frames_resent++;
        frame->is_uncertain = true;
    }
    frame->state = CORE_FRAME_AGAIN;
    core_list_push(&core->lanes[frame->shard].again, frame);
}

void core_lost(struct core *core, u16 index, u64 now_ns)
{
    struct core_connection *connection = &core->connections[index];
    MUST(connection->state != CORE_CONNECTION_DOWN);
    MUST(!connection->is_sending);
    if (connection->state != CORE_CONNECTION_CONNECTING)
        core->stats.disconnects++;
    connection->state = CORE_CONNECTION_DOWN;
    connection->is_mute = false;
    connection->is_held = false;
    connection->input_bytes = 0;
    connection->out_offset = 0;
    connection->cut = CORE_CUT_NO;
    while (connection->flight.head != NULL)
        take_back(core, connection->flight.head);
    while (connection->out.head != NULL)
        take_back(core, connection->out.head);
    /* The first attempt is made at once; then the delay doubles. */
    u64 delay_ns = 0;
    if (connection->failures != 0)
        delay_ns = MIN(BACKOFF_FIRST_NS << MIN(connection->failures, 10u), BACKOFF_MAX_NS);
    if (delay_ns != 0)
        delay_ns = delay_ns / 2 + core_random_below(core, delay_ns);
    connection->failures++;
    connection->connect_at_ns = now_ns + delay_ns;
    if (!core->is_stale)
        return;
    for (u16 i = 0; i < core->connection_count; i++)
        if (core->connections[i].state != CORE_CONNECTION_DOWN)
            return;
    forget_server(core);
}
