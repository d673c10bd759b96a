/* session: see shards/session/session.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/session/session.h"

#include <string.h>

#include "shards/session/session_slots.h"

STATIC_CHECK(IS_POWER_OF_TWO(SESSION_SLOTS_FIRST));
STATIC_CHECK(SESSION_SLOTS_FIRST <= SESSION_WINDOW_FRAMES);

static u64 hash_of_session(const void *context, u32 index)
{
    return session_hash(session_at(context, index)->id);
}

void session_room_init(struct session_room *room, struct store_memory *memory, struct arena *arena,
                       u32 sessions_max)
{
    MUST(sessions_max != 0);
    *room = (struct session_room){.arena = arena, .sessions_max = sessions_max};
    pool_init(&room->pool, memory, sizeof(struct session));
    map_init(&room->map, memory, (struct map_records){.context = room, .hash_of = hash_of_session});
}

void session_room_deinit(struct session_room *room)
{
    map_deinit(&room->map);
    pool_deinit(&room->pool);
}

static bool session_equal(const void *context, u32 index, const void *key)
{
    const struct id128 *wanted = key;
    return id128_equal(session_at(context, index)->id, *wanted);
}

u32 session_find(const struct session_room *room, u64 hash, struct id128 id)
{
    return map_find(&room->map, hash, session_equal, room, &id);
}

static void on_session_moved(void *context, u32 item, u32 position)
{
    session_at(context, item)->recency_position = position;
}

static struct heap_owner recency_owner(struct session_room *room)
{
    return (struct heap_owner){.arena = room->arena, .context = room, .moved = on_session_moved};
}

void session_before_change(struct session_room *room, u32 index)
{
    if (UNLIKELY(room->is_dumped))
        map_before_change(&room->map, hash_of_session(room, index));
}

static void forget_reply(struct session_room *room, struct session *session,
                         struct session_kept *kept)
{
    MUST(kept->seq != 0);
    MUST(session->kept_count != 0);
    MUST(session->kept_bytes >= kept->bytes);
    session->kept_count--;
    session->kept_bytes -= kept->bytes;
    if (kept->bytes > SESSION_INLINE_BYTES)
        arena_release(room->arena, kept->blob, kept->bytes);
    kept->seq = 0;
}

static void forget_session(struct session_room *room, u32 index)
{
    struct session *session = session_at(room, index);
    const u64 hash = session_hash(session->id);
    const struct heap_owner owner = recency_owner(room);
    session_before_change(room, index);
    for (u32 i = 0; i < session->slot_count; i++)
        if (session->slots[i].seq != 0)
            forget_reply(room, session, &session->slots[i]);
    MUST(session->kept_count == 0);
    MUST(session->kept_bytes == 0);
    if (session->slots != NULL)
        arena_release(room->arena, session->slots,
                      session->slot_count * sizeof(struct session_kept));
    heap_remove(&room->recency, &owner, session->recency_position);
    map_remove(&room->map, hash, index);
    pool_release(&room->pool, &index);
}

/* Keys in the heap may be old: the top is brought up to date until it is true. */
static void evict_one(struct session_room *room)
{
    const struct heap_owner owner = recency_owner(room);
    for (;;) { /* ends: each turn makes one key current, and there are finitely many */
        const struct heap_entry first = heap_top(&room->recency);
        const u64 touch = session_at(room, first.item)->touch;
        MUST(first.key <= touch);
        if (first.key == touch) {
            forget_session(room, first.item);
            room->evicted_count++;
            return;
        }
        heap_update(&room->recency, &owner, HEAP_ROOT, touch);
    }
}

u32 session_create(struct session_room *room, struct id128 id)
{
    MUST(!id128_is_none(id));
    u32 index = pool_acquire(&room->pool);
    session_at(room, index)->id = id;
    map_insert(&room->map, session_hash(id), index);
    return index;
}

void session_enlist(struct session_room *room, u32 index)
{
    const struct heap_owner owner = recency_owner(room);
    struct session *session = session_at(room, index);
    MUST(session->recency_position == 0);
    heap_push(&room->recency, &owner, session->touch, index);
}

u32 session_open(struct session_room *room, struct id128 id, u64 now_ns, bool *is_new)
{
    u32 index = session_find(room, session_hash(id), id);
    *is_new = index == 0;
    if (*is_new) {
        if (map_count(&room->map) >= room->sessions_max)
            evict_one(room);
        index = session_create(room, id);
    }
    session_touch(room, index, now_ns);
    if (*is_new)
        session_enlist(room, index);
    MUST(map_count(&room->map) <= room->sessions_max);
    return index;
}

void session_touch(struct session_room *room, u32 index, u64 now_ns)
{
    session_before_change(room, index);
    struct session *session = session_at(room, index);
    session->touch = ++room->touch;
    session->touched_ns = now_ns;
}

static struct session_kept *slot_of(const struct session *session, u64 seq)
{
    return &session->slots[seq & (session->slot_count - 1u)];
}

struct session_kept *session_kept_find(const struct session *session, u64 seq)
{
    if (session->slot_count == 0)
        return NULL;
    struct session_kept *kept = slot_of(session, seq);
    return kept->seq == seq ? kept : NULL;
}

void session_trim(struct session_room *room, u32 index, u64 acked_seq)
{
    struct session *session = session_at(room, index);
    if (acked_seq <= session->acked_seq)
        return;
    session_before_change(room, index);
    const u64 first = session->acked_seq + 1;
    session->acked_seq = acked_seq;
    if (session->kept_count == 0)
        return;
    if (acked_seq - first + 1 < session->slot_count) {
        for (u64 seq = first; seq <= acked_seq; seq++)
            if (slot_of(session, seq)->seq == seq)
                forget_reply(room, session, slot_of(session, seq));
        return;
    }
    for (u32 i = 0; i < session->slot_count; i++)
        if (session->slots[i].seq != 0 && session->slots[i].seq <= acked_seq)
            forget_reply(room, session, &session->slots[i]);
}

u32 session_kept_bytes_after(const struct session *session, u64 acked_seq)
{
    u32 bytes = 0;
    for (u32 i = 0; i < session->slot_count; i++)
        if (session->slots[i].seq > acked_seq)
            bytes += session->slots[i].bytes;
    MUST(bytes <= session->kept_bytes);
    return bytes;
}

/* Twice the slots. Numbers that had different slots have different ones again. */
static void grow_slots(struct session_room *room, struct session *session)
{
    const u16 count = (u16)MAX(session->slot_count * 2u, SESSION_SLOTS_FIRST);
    MUST(count <= SESSION_WINDOW_FRAMES);
    const size_t bytes = count * sizeof(struct session_kept);
    struct session_kept *slots = arena_acquire(room->arena, bytes);
    memset(slots, 0, bytes);
    for (u32 i = 0; i < session->slot_count; i++)
        if (session->slots[i].seq != 0)
            slots[session->slots[i].seq & (count - 1u)] = session->slots[i];
    if (session->slots != NULL)
        arena_release(room->arena, session->slots,
                      session->slot_count * sizeof(struct session_kept));
    session->slots = slots;
    session->slot_count = count;
}

struct session_kept *session_slot_make(struct session_room *room, struct session *session, u64 seq)
{
    while (session->slot_count == 0 || slot_of(session, seq)->seq != 0) { /* ends: doubles */
        if (session->slot_count == SESSION_WINDOW_FRAMES)
            return NULL;
        grow_slots(room, session);
    }
    return slot_of(session, seq);
}

u8 *session_keep(struct session_room *room, u32 index, const struct session_kept *facts)
{
    session_before_change(room, index);
    struct session *session = session_at(room, index);
    MUST(facts->seq > session->acked_seq);
    MUST(facts->seq - session->acked_seq <= SESSION_WINDOW_FRAMES);
    struct session_kept *kept = session_slot_make(room, session, facts->seq);
    MUST(kept != NULL);
    kept->seq = facts->seq;
    kept->bytes = facts->bytes;
    kept->opcode = facts->opcode;
    kept->record_count = facts->record_count;
    kept->missing = 0;
    if (facts->bytes > SESSION_INLINE_BYTES)
        kept->blob = arena_acquire(room->arena, facts->bytes);
    session->kept_count++;
    session->kept_bytes += facts->bytes;
    return session_kept_body(kept);
}
