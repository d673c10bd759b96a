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
    queued->body = NULL;
    queued->echo = frame_echo_of(header);
    queued->late_ns = header->deadline_ms == 0
                          ? UINT64_MAX
                          : origin->arrival_ns + header->deadline_ms * NS_PER_MS;
    origin_defer(origin, &queued->origin);
    return DISPATCH_DONE;
}

/* Some of the reply; its room is taken with the first piece. */
static void answer(struct shard_host *host, u32 at)
{
    struct reactor *reactor = host->reactor;
    struct part_queue *queue = &host->parts;
    struct queued_part *queued = &queue->parts[at];
    const struct origin origin = origin_resume(reactor, &queued->origin);
    if (queued->body == NULL)
        queued->body = origin_reply_begin(reactor, &origin, &queued->echo,
                                          shard_part_reply_bytes(queued->part),
                                          shard_applied_lsn(host->shard));
    if (!shard_part_reply(queued->part, queued->body))
        return;
    shard_part_end(host->shard, queued->part);
    origin_reply_end(reactor, &origin, queued->body);
    *queued = queue->parts[--queue->count]; /* the last one moves here: its turn comes next */
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
    if (queued->body != NULL || shard_part_step(host->shard, queued->part, is_late))
        answer(host, at);
    else
        queue->next = at + 1;
    return true;
}

void part_queue_close(struct shard_host *host)
{
    while (host->parts.count > 0)
        shard_part_end(host->shard, host->parts.parts[--host->parts.count].part);
}
