/* dispatch: see dispatch.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/net/dispatch.h"

#include "engine/inquiry.h"
#include "engine/net/control.h"
#include "engine/reactor.h"

void dispatch_garbage(struct reactor *reactor, struct connection *connection,
                      const struct frame_refusal *refusal)
{
    const struct origin origin = {.connection = connection, .arrival_ns = reactor->turn_ns};
    const struct frame_echo echo = {0}; /* what follows the prefix cannot be trusted */
    metric_add(&reactor->metrics->frames_bad, 1);
    origin_refuse(reactor, &origin, &echo, refusal->status, 0, refusal->detail);
}

static enum dispatch_result refuse_bad(struct reactor *reactor, const struct origin *origin,
                                       const struct frame_header *header,
                                       const struct frame_refusal *refusal)
{
    const struct frame_echo echo = frame_echo_of(header);
    metric_add(&reactor->metrics->frames_bad, 1);
    origin_refuse(reactor, origin, &echo, refusal->status, 0, refusal->detail);
    return refusal->is_fatal ? DISPATCH_FATAL : DISPATCH_DONE;
}

enum dispatch_result dispatch_frame(struct reactor *reactor, struct connection *connection,
                                    const u8 *bytes, u32 length, u64 arrival_ns)
{
    const struct origin origin = {.connection = connection, .arrival_ns = arrival_ns};
    const struct frame_header header = frame_header_read(bytes);
    if (!connection->is_head_valid) {
        struct frame_refusal refusal;
        if (!frame_valid(bytes, length, FRAME_DIRECTION_REQUEST, &refusal))
            return refuse_bad(reactor, &origin, &header, &refusal);
        metric_add(&reactor->metrics->frames, 1);
        connection->is_head_valid = true; /* should it have to wait, it is not judged again */
    }
    const struct message_info *info = message_find(header.opcode);
    MUST(info != NULL);
    reactor->facts.opcode = header.opcode;
    const u8 *body = bytes + FRAME_HEADER_BYTES;
    if (info->class == MESSAGE_CLASS_CONTROL)
        return control_serve(reactor, &origin, &header, body);
    if (header.shard >= reactor->server->shard_count) {
        const struct frame_echo echo = frame_echo_of(&header);
        origin_refuse(reactor, &origin, &echo, STATUS_WRONG_SHARD, 0, (struct frame_detail){0});
        return DISPATCH_DONE;
    }
    if (UNLIKELY(header.opcode == OPCODE_CHECKOUT) &&
        reactor->server->config.durability == REPLOG_MODE_NONE) {
        const struct frame_echo echo = frame_echo_of(&header);
        origin_refuse(reactor, &origin, &echo, STATUS_NOT_DURABLE, 0, (struct frame_detail){0});
        return DISPATCH_DONE;
    }
    if (reactor_of_shard(reactor, header.shard) != reactor->index) {
        forward_frame(reactor, &origin, &header, bytes);
        return DISPATCH_DONE;
    }
    if (info->class == MESSAGE_CLASS_GATHER) {
        inquiry_begin(reactor, &origin, &header, body, length - FRAME_HEADER_BYTES);
        return DISPATCH_DONE;
    }
    return host_frame(reactor_host(reactor, header.shard), &origin, info, &header, body,
                      length - FRAME_HEADER_BYTES);
}
