/* control: see control.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/control.h"

#include <string.h>

#include "engine/reactor.h"
#include "engine/watch/stats_text.h"

static const char server_name[] = "soukd " SOUK_VERSION;

/* Writes one reply record with at most one span, and sends it. */
static void reply_record(struct reactor *reactor, const struct origin *origin,
                         const struct frame_header *header, const void *fixed, struct span text)
{
    const struct message_info *info = message_find(header->opcode);
    const struct frame_echo echo = frame_echo_of(header);
    const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REPLY, reactor->scratch,
                                         FRAME_BYTES_MAX - FRAME_HEADER_BYTES, fixed, &text);
    MUST(bytes > 0);
    const struct shard_reply reply = {
        .status = STATUS_OK, .record_count = 1, .body_bytes = bytes, .body = reactor->scratch};
    origin_reply(reactor, origin, &echo, &reply, 0);
}

static enum dispatch_result serve_hello(struct reactor *reactor, const struct origin *origin,
                                        const struct frame_header *header, const u8 *body)
{
    const struct server *server = reactor->server;
    const struct frame_echo echo = frame_echo_of(header);
    struct msg_hello_req hello;
    memcpy(&hello, body, sizeof hello);
    if (hello.version_min > FRAME_VERSION || hello.version_max < FRAME_VERSION) {
        origin_refuse(reactor, origin, &echo, STATUS_VERSION_UNSUPPORTED, 0,
                      (struct frame_detail){.limit = FRAME_VERSION, .actual = hello.version_max});
        return DISPATCH_DONE;
    }
    if (hello.want_shard != SHARD_ANY && hello.want_shard >= server->shard_count) {
        origin_refuse(
            reactor, origin, &echo, STATUS_WRONG_SHARD, 0,
            (struct frame_detail){.limit = server->shard_count, .actual = hello.want_shard});
        return DISPATCH_DONE;
    }
    const struct msg_hello_rsp fixed = {
        .version = FRAME_VERSION,
        .shard_count = server->shard_count,
        .reactor_count = server->reactor_count,
        .durability = (u16)server->config.durability,
        .data_id = server->dir.data_id,
        .time_ns = clock_wall_ns(),
        .frame_bytes_max = FRAME_BYTES_MAX,
        .frame_records_max = FRAME_RECORDS_MAX,
        .window_frames = SESSION_WINDOW_FRAMES,
        .session_reply_bytes_max = SESSION_REPLY_BYTES_MAX,
        .grant_retention_ms = GRANT_RETENTION_MS,
    };
    reply_record(reactor, origin, header, &fixed,
                 (struct span){(const u8 *)server_name, sizeof server_name - 1});
    if (hello.want_shard == SHARD_ANY ||
        reactor_of_shard(reactor, hello.want_shard) == reactor->index)
        return DISPATCH_DONE;
    origin->connection->move_to = (u16)reactor_of_shard(reactor, hello.want_shard);
    return DISPATCH_MOVE;
}

static void serve_text(struct reactor *reactor, const struct origin *origin,
                       const struct frame_header *header)
{
    const struct server *server = reactor->server;
    char *text = header->opcode == OPCODE_INFO ? stats_text_info(server) : stats_text_stats(server);
    const u64 uptime_ns = reactor->now_ns - server->started_ns;
    reactor->stall.heavy_opcode = header->opcode;
    if (text == NULL) {
        const struct frame_echo echo = frame_echo_of(header);
        origin_refuse(reactor, origin, &echo, STATUS_OVERLOADED, HOST_RETRY_MS,
                      (struct frame_detail){0});
        return;
    }
    /* info and stats have replies of the same shape */
    STATIC_CHECK(sizeof(struct msg_info_rsp) == sizeof(struct msg_stats_rsp));
    const struct msg_info_rsp fixed = {.uptime_ns = uptime_ns};
    reply_record(reactor, origin, header, &fixed,
                 (struct span){(const u8 *)text, (u32)strlen(text)});
    stats_text_release(text);
}

enum dispatch_result control_serve(struct reactor *reactor, const struct origin *origin,
                                   const struct frame_header *header, const u8 *body)
{
    enum dispatch_result result = DISPATCH_DONE;
    if (header->opcode == OPCODE_HELLO) {
        result = serve_hello(reactor, origin, header, body);
    } else if (header->opcode == OPCODE_PING) {
        struct msg_ping_req ping;
        memcpy(&ping, body, sizeof ping);
        const struct msg_ping_rsp fixed = {.echo = ping.echo};
        reply_record(reactor, origin, header, &fixed, (struct span){0});
    } else {
        MUST(header->opcode == OPCODE_INFO || header->opcode == OPCODE_STATS);
        serve_text(reactor, origin, header);
    }
    origin_measure(reactor, origin, LATENCY_CLASS_CONTROL);
    return result;
}
