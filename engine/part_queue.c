/* part_queue: see part_queue.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/part_queue.h"

#include "engine/reactor.h"

enum dispatch_result part_queue_add(struct shard_host *host, const struct origin *origin,
                                    const struct frame_header *header, const u8 *body,
                                    u32 body_bytes)
{
    struct part_queue *queue = &host->parts;
    struct reactor *reactor = host->reactor;
    if (queue->count == PART_QUEUE_MAX)
        return DISPATCH_WAIT;
    struct part *part =
        shard_part_begin(host->shard, header, body, body_bytes, reactor->log_now_ns);
    if (part == NULL)
        return DISPATCH_WAIT;
    struct queued_part *queued = &queue->parts[queue->count++];
    queued->part = part;
    queued->echo = frame_echo_of(header);
    queued->late_ns = header->deadline_ms == 0
                          ? UINT64_MAX
                          : origin->arrival_ns + header->deadline_ms * NS_PER_MS;
    origin_defer(origin, &queued->origin);
    return DISPATCH_DONE;
}

static void answer(struct shard_host *host, u32 at)
{
    struct reactor *reactor = host->reactor;
    struct part_queue *queue = &host->parts;
    const struct queued_part done = queue->parts[at];
    queue->parts[at] = queue->parts[--queue->count];
    struct shard_reply reply = {0};
    shard_part_reply(done.part, reactor->scratch, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
    const struct origin origin = origin_resume(reactor, &done.origin);
    origin_reply(reactor, &origin, &done.echo, &reply, shard_applied_lsn(host->shard));
    shard_part_end(host->shard, done.part);
}

bool part_queue_slice(struct shard_host *host)
{
    struct part_queue *queue = &host->parts;
    if (queue->count == 0)
        return false;
    const u32 at = queue->next % queue->count;
    struct queued_part *queued = &queue->parts[at];
    host->reactor->facts.opcode = queued->echo.opcode;
    host->reactor->facts.shard = host->index;
    const bool is_late = queued->late_ns != UINT64_MAX && host->reactor->now_ns >= queued->late_ns;
    if (shard_part_step(host->shard, queued->part, is_late))
        answer(host, at); /* the last one moves here: its turn comes next */
    else
        queue->next = at + 1;
    return true;
}

void part_queue_close(struct shard_host *host)
{
    while (host->parts.count > 0)
        shard_part_end(host->shard, host->parts.parts[--host->parts.count].part);
}
