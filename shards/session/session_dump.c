/* session_dump: sessions and their kept replies on their way into a snapshot and back.
 *
 * A session is one record, each kept reply one or more pieces of SESSION_PIECE_BYTES. They come
 * back in any order: the first record of a session that comes makes it, as a placeholder if it is
 * a piece; a reply knows how many bytes are still missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/messages.h"
#include "shards/session/session_slots.h"

struct dump_session {
    struct id128 id;
    u64 acked_seq;
    u64 touch;
    u64 touched_ns;
    u32 kept_bytes;
    u32 kept_count;
};
STATIC_CHECK(sizeof(struct dump_session) == 48);

struct dump_reply {
    struct id128 session;
    u64 seq;
    u32 bytes;  /* of the whole reply */
    u32 offset; /* of this piece */
    u32 piece_bytes;
    u16 opcode;
    u16 record_count;
};
STATIC_CHECK(sizeof(struct dump_reply) == 40);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_reply) + SESSION_PIECE_BYTES <=
             DUMP_RECORD_BYTES_MAX);

static void dump_kept(const struct session *session, struct session_kept *kept,
                      struct dump_sink *sink)
{
    for (u32 offset = 0; offset < kept->bytes; offset += SESSION_PIECE_BYTES) {
        const struct dump_reply fixed = {
            .session = session->id,
            .seq = kept->seq,
            .bytes = kept->bytes,
            .offset = offset,
            .piece_bytes = MIN(SESSION_PIECE_BYTES, kept->bytes - offset),
            .opcode = kept->opcode,
            .record_count = kept->record_count,
        };
        dump_put(sink, DUMP_KIND_REPLY, &fixed, sizeof fixed, session_kept_body(kept) + offset,
                 fixed.piece_bytes);
    }
}

void session_dump_bucket(struct session_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct session *session = session_at(room, indexes[i]);
        const struct dump_session fixed = {
            .id = session->id,
            .acked_seq = session->acked_seq,
            .touch = session->touch,
            .touched_ns = session->touched_ns,
            .kept_bytes = session->kept_bytes,
            .kept_count = session->kept_count,
        };
        dump_put(sink, DUMP_KIND_SESSION, &fixed, sizeof fixed, NULL, 0);
        for (u32 s = 0; s < session->slot_count; s++)
            if (session->slots[s].seq != 0)
                dump_kept(session, &session->slots[s], sink);
    }
}

/* The session of an id, made as a placeholder if none of its records has come yet; 0: too many. */
static u32 session_for_load(struct session_room *room, struct id128 id)
{
    const u32 index = session_find(room, session_hash(id), id);
    if (index != 0)
        return index;
    if (map_count(&room->map) >= room->sessions_max)
        return 0;
    const u32 made = session_create(room, id);
    session_at(room, made)->is_placeholder = 1;
    room->placeholders++;
    return made;
}

const char *session_load(struct session_room *room, const u8 *body, u32 bytes)
{
    struct dump_session fixed;
    if (bytes != sizeof fixed)
        return "a session has a wrong length";
    memcpy(&fixed, body, sizeof fixed);
    if (id128_is_none(fixed.id) || fixed.touch == 0 || fixed.kept_count > SESSION_WINDOW_FRAMES)
        return "a session has a field that cannot be";
    const u32 index = session_for_load(room, fixed.id);
    if (index == 0)
        return "there are more sessions than this shard may have";
    struct session *session = session_at(room, index);
    if (session->is_placeholder == 0)
        return "a session comes twice";
    MUST(room->placeholders != 0);
    room->placeholders--;
    session->is_placeholder = 0;
    session->acked_seq = fixed.acked_seq;
    session->touch = fixed.touch;
    session->touched_ns = fixed.touched_ns;
    session->loaded_bytes = (u64)fixed.kept_count << 32 | fixed.kept_bytes;
    session_enlist(room, index);
    return NULL;
}

static const char *dump_reply_invalid(const struct dump_reply *fixed, u32 bytes)
{
    if (id128_is_none(fixed->session) || fixed->seq == 0)
        return "a kept reply has a key that cannot be";
    const struct message_info *info = message_find(fixed->opcode);
    if (info == NULL || info->class != MESSAGE_CLASS_WRITE || fixed->record_count == 0 ||
        fixed->record_count > info->records_max ||
        fixed->bytes != (u32)fixed->record_count * info->reply.fixed_bytes)
        return "a kept reply has a length that does not fit its operation";
    if (fixed->offset >= fixed->bytes || fixed->offset % SESSION_PIECE_BYTES != 0 ||
        fixed->piece_bytes != MIN(SESSION_PIECE_BYTES, fixed->bytes - fixed->offset) ||
        bytes != ROUND_UP((u32)sizeof *fixed + fixed->piece_bytes, 8u))
        return "a piece of a kept reply has a length that cannot be";
    return NULL;
}

const char *session_load_reply(struct session_room *room, const u8 *body, u32 bytes)
{
    struct dump_reply fixed;
    if (bytes < sizeof fixed)
        return "a kept reply is too short";
    memcpy(&fixed, body, sizeof fixed);
    const char *reason = dump_reply_invalid(&fixed, bytes);
    if (reason != NULL)
        return reason;
    const u32 index = session_for_load(room, fixed.session);
    if (index == 0)
        return "there are more sessions than this shard may have";
    struct session *session = session_at(room, index);
    struct session_kept *kept = session_kept_find(session, fixed.seq);
    if (kept == NULL) {
        kept = session_slot_make(room, session, fixed.seq);
        if (kept == NULL)
            return "a session keeps replies beyond its window";
        *kept = (struct session_kept){.seq = fixed.seq,
                                      .bytes = fixed.bytes,
                                      .opcode = fixed.opcode,
                                      .record_count = fixed.record_count,
                                      .missing = fixed.bytes};
        if (fixed.bytes > SESSION_INLINE_BYTES)
            kept->blob = arena_acquire(room->arena, fixed.bytes);
        session->kept_count++;
        session->kept_bytes += fixed.bytes;
    }
    if (kept->bytes != fixed.bytes || kept->opcode != fixed.opcode ||
        kept->missing < fixed.piece_bytes)
        return "a piece of a kept reply does not fit the others";
    memcpy(session_kept_body(kept) + fixed.offset, body + sizeof fixed, fixed.piece_bytes);
    kept->missing -= fixed.piece_bytes;
    return NULL;
}

static const char *loaded_session_invalid(const struct session *session, u64 touch_last)
{
    if (session->loaded_bytes != ((u64)session->kept_count << 32 | session->kept_bytes))
        return "a session lacks a kept reply";
    if (session->touch > touch_last)
        return "a session was touched in the future";
    for (u32 i = 0; i < session->slot_count; i++) {
        const struct session_kept *kept = &session->slots[i];
        if (kept->seq == 0)
            continue;
        if (kept->missing != 0)
            return "a kept reply lacks a piece";
        if (kept->seq <= session->acked_seq ||
            kept->seq - session->acked_seq > SESSION_WINDOW_FRAMES)
            return "a kept reply is outside of its session's window";
    }
    return NULL;
}

const char *session_load_finish(struct session_room *room)
{
    u32 indexes[DUMP_BUCKET_MAX];
    if (room->placeholders != 0)
        return "a kept reply has no session";
    for (u32 b = 0; b < map_bucket_count(&room->map); b++) {
        const u32 count = map_bucket_read(&room->map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            const char *reason = loaded_session_invalid(session_at(room, indexes[i]), room->touch);
            if (reason != NULL)
                return reason;
        }
    }
    return NULL;
}
