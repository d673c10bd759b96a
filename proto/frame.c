/* frame: judging, walking and writing frames. See proto/frame.h for the layout.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/frame.h"

#include <string.h>

static bool refuse(struct frame_refusal *refusal, u16 status, const char *reason)
{
    *refusal = (struct frame_refusal){.reason = reason, .status = status};
    return false;
}

static bool refuse_with(struct frame_refusal *refusal, u16 status, const char *reason, u64 limit,
                        u64 actual)
{
    *refusal = (struct frame_refusal){
        .reason = reason, .status = status, .detail = {.limit = limit, .actual = actual}};
    return false;
}

bool frame_prefix_valid(const u8 *bytes, u32 *length, struct frame_refusal *refusal)
{
    u32 magic;
    memcpy(&magic, bytes, sizeof magic);
    memcpy(length, bytes + 4, sizeof *length);
    if (magic != FRAME_MAGIC) {
        (void)refuse(refusal, STATUS_BAD_FRAME, "the frame does not begin with SOUK");
    } else if (*length < FRAME_HEADER_BYTES) {
        (void)refuse_with(refusal, STATUS_BAD_FRAME, "the length is below the header's",
                          FRAME_HEADER_BYTES, *length);
    } else if (*length > FRAME_BYTES_MAX) {
        (void)refuse_with(refusal, STATUS_TOO_LARGE, "the frame is longer than 1 MiB",
                          FRAME_BYTES_MAX, *length);
    } else if (*length % 8 != 0) {
        (void)refuse(refusal, STATUS_BAD_FRAME, "the length is not a multiple of 8");
    } else {
        return true;
    }
    refusal->is_fatal = true;
    return false;
}

static bool header_valid(const struct frame_header *header, enum frame_direction direction,
                         struct frame_refusal *refusal)
{
    if (header->version != FRAME_VERSION)
        return refuse_with(refusal, STATUS_VERSION_UNSUPPORTED, "unknown protocol version",
                           FRAME_VERSION, header->version);
    if ((header->flags & ~FRAME_FLAGS_ALL) != 0 || header->reserved != 0)
        return refuse(refusal, STATUS_RESERVED_BITS, "a reserved bit of the header is set");
    if (direction == FRAME_DIRECTION_REPLY) {
        if ((header->flags & FRAME_FLAG_REPLY) == 0)
            return refuse(refusal, STATUS_BAD_FRAME, "a reply without the reply flag");
        return true;
    }
    if ((header->flags & FRAME_FLAG_REPLY) != 0)
        return refuse(refusal, STATUS_NOT_A_REQUEST, "a request with the reply flag");
    if ((header->flags & FRAME_FLAG_REPLAYED) != 0 || header->status != 0 || header->lsn != 0 ||
        header->time_ns != 0 || header->retry_after_ms != 0)
        return refuse(refusal, STATUS_RESERVED_BITS, "a field of replies is set in a request");
    return true;
}

/* A span that is a table holds whole rows, and their reserved fields are zero. */
static bool rows_valid(const struct row_info *row, const u8 *bytes, u32 length,
                       struct frame_refusal *refusal)
{
    if (length % row->bytes != 0)
        return refuse(refusal, STATUS_BAD_FRAME, "a table ends inside a row");
    if (!rows_reserved_zero(row, bytes, length / row->bytes))
        return refuse(refusal, STATUS_RESERVED_BITS, "a reserved field of a row is not zero");
    return true;
}

bool frame_records_valid(const struct message_info *info, enum frame_direction direction,
                         const u8 *body, u32 bytes, u32 count, struct frame_refusal *refusal)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    if (count == 0 || count > FRAME_RECORDS_MAX)
        return refuse_with(refusal, STATUS_BAD_FRAME, "the record count is out of range",
                           FRAME_RECORDS_MAX, count);
    if (count > info->records_max)
        return refuse_with(refusal, STATUS_TOO_LARGE, "more records than this operation takes",
                           info->records_max, count);
    if (side->span_count == 0) {
        if ((u64)count * side->fixed_bytes != bytes)
            return refuse(refusal, STATUS_BAD_FRAME, "the record count does not fit the length");
        if (side->reserved_count != 0)
            for (u32 i = 0; i < count; i++)
                if (!side->reserved_zero(body + (size_t)i * side->fixed_bytes))
                    return refuse(refusal, STATUS_RESERVED_BITS, "a reserved field is not zero");
        return true;
    }
    u32 at = 0;
    for (u32 i = 0; i < count; i++) {
        if (bytes - at < side->fixed_bytes)
            return refuse(refusal, STATUS_BAD_FRAME, "the record count does not fit the length");
        if (!side->reserved_zero(body + at))
            return refuse(refusal, STATUS_RESERVED_BITS, "a reserved field is not zero");
        at += side->fixed_bytes;
        for (u32 s = 0; s < side->span_count; s++) {
            u32 length;
            if (bytes - at < sizeof length)
                return refuse(refusal, STATUS_BAD_FRAME, "a span goes past the end");
            memcpy(&length, body + at, sizeof length);
            at += (u32)sizeof length;
            if (length > side->spans[s].bytes_max)
                return refuse_with(refusal, STATUS_TOO_LARGE, "a span is longer than its limit",
                                   side->spans[s].bytes_max, length);
            if (bytes - at < length)
                return refuse(refusal, STATUS_BAD_FRAME, "a span goes past the end");
            const struct row_info *row = message_row(info, direction == FRAME_DIRECTION_REPLY, s);
            if (row != NULL && !rows_valid(row, body + at, length, refusal))
                return false;
            at += length;
        }
        for (; at % 8 != 0; at++)
            if (at >= bytes || body[at] != 0)
                return refuse(refusal, STATUS_BAD_FRAME, "the padding of a record is not zero");
    }
    if (at != bytes)
        return refuse(refusal, STATUS_BAD_FRAME, "bytes are left after the last record");
    return true;
}

bool frame_valid(const u8 *bytes, u32 length, enum frame_direction direction,
                 struct frame_refusal *refusal)
{
    MUST(length >= FRAME_HEADER_BYTES);
    const struct frame_header header = frame_header_read(bytes);
    MUST(header.length == length);
    /* Version first: another generation may compute its checksum differently. */
    if (header.version != FRAME_VERSION)
        return header_valid(&header, direction, refusal);
    if (checksum64(bytes + FRAME_CHECKSUM_FROM, length - FRAME_CHECKSUM_FROM) != header.checksum) {
        (void)refuse(refusal, STATUS_BAD_CHECKSUM, "the checksum does not match");
        refusal->is_fatal = true;
        return false;
    }
    if (!header_valid(&header, direction, refusal))
        return false;
    const struct message_info *info = message_find(header.opcode);
    if (info != NULL && (info->class == MESSAGE_CLASS_MAIL || info->class == MESSAGE_CLASS_PART))
        info = NULL; /* for shards among themselves: never from a client */
    if (info == NULL)
        return refuse(refusal, STATUS_UNKNOWN_OPCODE, "no such operation");
    const u32 body_bytes = length - FRAME_HEADER_BYTES;
    if (direction == FRAME_DIRECTION_REPLY && header.status != STATUS_OK) {
        if (header.record_count != 0 || body_bytes != sizeof(struct frame_detail))
            return refuse(refusal, STATUS_BAD_FRAME, "a refusal without its detail");
        return true;
    }
    return frame_records_valid(info, direction, bytes + FRAME_HEADER_BYTES, body_bytes,
                               header.record_count, refusal);
}

void frame_record_next(const struct message_info *info, enum frame_direction direction,
                       const u8 *body, u32 *offset, struct record_view *view)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    const u32 start = *offset;
    u32 at = start + side->fixed_bytes;
    view->fixed = body + start;
    for (u32 s = 0; s < side->span_count; s++) {
        u32 length;
        memcpy(&length, body + at, sizeof length);
        at += (u32)sizeof length;
        view->spans[s] = (struct span){.data = body + at, .bytes = length};
        at += length;
    }
    at = ROUND_UP(at, 8u);
    view->bytes = at - start;
    *offset = at;
}

u32 frame_record_bytes(const struct message_info *info, enum frame_direction direction,
                       const struct span *spans)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    u32 bytes = side->fixed_bytes;
    for (u32 s = 0; s < side->span_count; s++)
        bytes += 4 + spans[s].bytes;
    return ROUND_UP(bytes, 8u);
}

u32 frame_record_write(const struct message_info *info, enum frame_direction direction, u8 *to,
                       u32 capacity, const void *fixed, const struct span *spans)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    for (u32 s = 0; s < side->span_count; s++)
        if (spans[s].bytes > side->spans[s].bytes_max)
            return 0;
    const u32 bytes = frame_record_bytes(info, direction, spans);
    if (bytes > capacity)
        return 0;
    memcpy(to, fixed, side->fixed_bytes);
    u32 at = side->fixed_bytes;
    for (u32 s = 0; s < side->span_count; s++) {
        memcpy(to + at, &spans[s].bytes, 4);
        at += 4;
        if (spans[s].bytes != 0)
            memcpy(to + at, spans[s].data, spans[s].bytes);
        at += spans[s].bytes;
    }
    memset(to + at, 0, bytes - at);
    return bytes;
}

/* What of `bytes` bytes at `from`, which belong at `begin`, lies in the window. */
static void copy_window(u8 *to, u32 begin, const void *from, u32 bytes, u32 at, u32 until)
{
    const u32 first = MAX(begin, at), last = MIN(begin + bytes, until);
    if (first < last)
        memcpy(to + first, (const u8 *)from + (first - begin), last - first);
}

bool frame_record_write_some(const struct message_info *info, enum frame_direction direction,
                             u8 *to, const void *fixed, const struct span *spans, u32 *at, u32 most)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    const u32 bytes = frame_record_bytes(info, direction, spans);
    const u32 until = *at + MIN(most, bytes - *at);
    static const u8 zeros[8];
    copy_window(to, 0, fixed, side->fixed_bytes, *at, until);
    u32 begin = side->fixed_bytes;
    for (u32 s = 0; s < side->span_count; s++) {
        copy_window(to, begin, &spans[s].bytes, 4, *at, until);
        copy_window(to, begin + 4, spans[s].data, spans[s].bytes, *at, until);
        begin += 4 + spans[s].bytes;
    }
    MUST(bytes - begin < sizeof zeros);
    copy_window(to, begin, zeros, bytes - begin, *at, until);
    *at = until;
    return until == bytes;
}

void frame_seal(u8 *frame, u32 length)
{
    MUST(length >= FRAME_HEADER_BYTES && length <= FRAME_BYTES_MAX);
    MUST(length % 8 == 0);
    struct frame_header header = frame_header_read(frame);
    header.magic = FRAME_MAGIC;
    header.length = length;
    header.version = FRAME_VERSION;
    memcpy(frame, &header, sizeof header);
    header.checksum = checksum64(frame + FRAME_CHECKSUM_FROM, length - FRAME_CHECKSUM_FROM);
    memcpy(frame + offsetof(struct frame_header, checksum), &header.checksum, 8);
}

u32 frame_write_refusal(u8 *to, const struct frame_header *request, u16 status, u32 retry_after_ms,
                        struct frame_detail detail)
{
    MUST(status != STATUS_OK);
    struct frame_header header = {
        .opcode = request->opcode,
        .flags = FRAME_FLAG_REPLY,
        .status = status,
        .shard = request->shard,
        .request_id = request->request_id,
        .session = request->session,
        .session_seq = request->session_seq,
        .acked_seq = request->acked_seq,
        .retry_after_ms = retry_after_ms,
    };
    memcpy(to, &header, sizeof header);
    memcpy(to + sizeof header, &detail, sizeof detail);
    frame_seal(to, FRAME_REFUSAL_BYTES);
    return FRAME_REFUSAL_BYTES;
}
STATIC_CHECK(FRAME_REFUSAL_BYTES == FRAME_HEADER_BYTES + sizeof(struct frame_detail));
