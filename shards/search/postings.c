/* postings: lists that grow at their end and are written again in pieces; see postings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/postings.h"

#include <string.h>

#define PLACE_BYTES     sizeof(struct postings_place)
#define POSTING_BYTES   5u    /* not packed: u32 document, u8 impact */
#define JOIN_POSTINGS   2048u /* neighbours that have no more together become one segment */
#define KEEP_POSTINGS   2048u /* lists that are shorter give the tail back when it is empty */
#define PIECES_MAX      16u   /* segments from one writing again: 60 blocks, 12 of them in each */
#define BLOCK_BYTES_MAX (POSTINGS_WIDTH_MAX * POSTINGS_WIDTH_BYTES + POSTINGS_BLOCK)

STATIC_CHECK(sizeof(struct postings_segment) + sizeof(struct postings_block) + BLOCK_BYTES_MAX <=
             POSTINGS_SEGMENT_BYTES);
STATIC_CHECK(POSTINGS_SEGMENT_BYTES / 16 < 1024); /* bits of a place */
STATIC_CHECK(POSTINGS_WIDTH_MAX < 64);
STATIC_CHECK(POSTINGS_FEW *POSTING_BYTES <= sizeof((struct postings_list){0}.few));

static void *take(struct postings_room *room, size_t bytes)
{
    room->bytes += arena_capacity(bytes);
    return arena_acquire(room->arena, bytes);
}

static void give(struct postings_room *room, void *object, size_t bytes)
{
    room->bytes -= arena_capacity(bytes);
    arena_release(room->arena, object, bytes);
}

void postings_room_init(struct postings_room *room, struct store_memory *memory,
                        struct arena *arena, const struct index_documents *documents)
{
    *room = (struct postings_room){.arena = arena, .documents = documents};
    pool_init(&room->lists, memory, sizeof(struct postings_list));
}

static void release_list(struct postings_room *room, struct postings_list *list)
{
    for (u32 i = 0; i < list->segment_count; i++)
        give(room, list->places[i].segment, list->places[i].segment->bytes);
    if (list->segment_count != 0)
        give(room, list->places, list->segment_count * PLACE_BYTES);
    if (list->tail_capacity > POSTINGS_FEW)
        give(room, list->tail, (size_t)list->tail_capacity * POSTING_BYTES);
}

void postings_room_deinit(struct postings_room *room)
{
    for (u32 term = 1; term < room->lists.next_fresh; term++)
        release_list(room, postings_list_of(room, term));
    MUST(room->bytes == 0);
    postings_room_drop(room);
}

void postings_room_drop(struct postings_room *room)
{
    pool_deinit(&room->lists);
}

/* ---- the directory ------------------------------------------------------------------------------ */

u32 postings_find_segment(const struct postings_list *list, u32 from, u32 doc)
{
    u32 end = list->segment_count;
    if (from < end && list->places[from].last_doc >= doc)
        return from;
    while (from < end) {
        const u32 middle = from + (end - from) / 2;
        if (list->places[middle].last_doc < doc)
            from = middle + 1;
        else
            end = middle;
    }
    return end;
}

u32 postings_find_block(const struct postings_segment *segment, u32 from, u32 doc)
{
    u32 end = segment->block_count;
    if (from < end && segment->blocks[from].last_doc >= doc)
        return from;
    while (from < end) {
        const u32 middle = from + (end - from) / 2;
        if (segment->blocks[middle].last_doc < doc)
            from = middle + 1;
        else
            end = middle;
    }
    return end;
}

/* Makes the directory as long as `count` asks for; only the places that both have are kept. */
static void resize_places(struct postings_room *room, struct postings_list *list, u32 count)
{
    const u32 before = list->segment_count;
    list->segment_count = count;
    if (before != 0 && count != 0 &&
        arena_class_of(before * PLACE_BYTES) == arena_class_of(count * PLACE_BYTES))
        return;
    struct postings_place *places = count == 0 ? NULL : take(room, count * PLACE_BYTES);
    if (before != 0) {
        if (count != 0)
            memcpy(places, list->places, MIN(before, count) * PLACE_BYTES);
        give(room, list->places, before * PLACE_BYTES);
    }
    list->places = places;
}

/* Puts `with_count` places where `count` places from `at` on are. */
static void replace_places(struct postings_room *room, struct postings_list *list, u32 at,
                           u32 count, const struct postings_place *with, u32 with_count)
{
    const u32 behind = list->segment_count - at - count;
    const u32 new_count = list->segment_count - count + with_count;
    if (with_count > count)
        resize_places(room, list, new_count);
    if (behind != 0)
        memmove(list->places + at + with_count, list->places + at + count, behind * PLACE_BYTES);
    if (with_count < count)
        resize_places(room, list, new_count);
    if (with_count != 0)
        memcpy(list->places + at, with, with_count * PLACE_BYTES);
    list->version++;
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static u8 greatest(const u8 *impacts, u32 count)
{
    u8 most = 0;
    for (u32 i = 0; i < count; i++)
        most = MAX(most, impacts[i]);
    return most;
}

static size_t segment_used(const struct postings_segment *segment)
{
    return sizeof *segment + segment->block_count * sizeof segment->blocks[0] + segment->data_bytes;
}

/* The segment in an object of at least `bytes`, or a new one. Data stays at the end. */
static struct postings_segment *resize_segment(struct postings_room *room,
                                               struct postings_segment *segment, size_t bytes)
{
    const u32 capacity = arena_capacity(bytes);
    MUST(capacity <= POSTINGS_SEGMENT_BYTES && capacity % 16 == 0);
    struct postings_segment *larger = take(room, capacity);
    if (segment == NULL) {
        *larger = (struct postings_segment){.bytes = (u16)capacity};
        return larger;
    }
    memcpy(larger, segment, segment_used(segment) - segment->data_bytes);
    memcpy((u8 *)larger + capacity - segment->data_bytes,
           (u8 *)segment + segment->bytes - segment->data_bytes, segment->data_bytes);
    larger->bytes = (u16)capacity;
    give(room, segment, segment->bytes);
    return larger;
}

/* Adds a block of `count` postings to the segment of a place, which may be NULL: then one begins after
 * `base_doc`. docs[] has room for 128 and is filled up. False: it does not fit, nothing was changed. */
static bool append_block(struct postings_room *room, struct postings_place *place, u32 base_doc,
                         u32 *docs, const u8 *impacts, u32 count)
{
    MUST(count > 0 && count <= POSTINGS_BLOCK);
    for (u32 i = count; i < POSTINGS_BLOCK; i++)
        docs[i] = docs[i - 1] + 1;
    struct postings_segment *segment = place->segment;
    const u32 base = segment == NULL ? base_doc : place->last_doc;
    const u32 width = postings_pack_width(docs, base);
    const size_t bytes = width * POSTINGS_WIDTH_BYTES + ROUND_UP(count, 16u);
    const size_t used = segment == NULL ? sizeof *segment : segment_used(segment);
    const size_t wanted = used + sizeof segment->blocks[0] + bytes;
    if (wanted > POSTINGS_SEGMENT_BYTES)
        return false;
    if (segment == NULL || wanted > segment->bytes) {
        segment = resize_segment(room, segment, wanted);
        if (place->segment == NULL)
            segment->base_doc = base_doc;
        place->segment = segment;
    }
    segment->data_bytes = (u16)(segment->data_bytes + bytes);
    segment->posting_count = (u16)(segment->posting_count + count);
    struct postings_block *block = &segment->blocks[segment->block_count++];
    *block = (struct postings_block){.last_doc = docs[count - 1],
                                     .place = (u16)(segment->data_bytes / 16u | width << 10),
                                     .count_less_1 = (u8)(count - 1),
                                     .impact_max = greatest(impacts, count)};
    u8 *data = (u8 *)segment + segment->bytes - segment->data_bytes;
    postings_pack(data, docs, base, width);
    memcpy(data + width * POSTINGS_WIDTH_BYTES, impacts, count);
    place->last_doc = block->last_doc;
    place->impact_max = MAX(place->impact_max, block->impact_max);
    return true;
}

/* ---- the tail ----------------------------------------------------------------------------------- */

static u32 *tail_docs(struct postings_list *list)
{
    return list->tail_capacity <= POSTINGS_FEW ? list->few : (u32 *)(void *)list->tail;
}

static u8 *tail_impacts(struct postings_list *list)
{
    return (u8 *)(tail_docs(list) + list->tail_capacity);
}

/* What a tail for `count` postings has room for: all of the object that they get. */
static u32 tail_capacity_of(const struct postings_list *list, u32 count)
{
    if (count == 0)
        return 0;
    if (count <= POSTINGS_FEW && list->segment_count == 0)
        return POSTINGS_FEW;
    return MIN(POSTINGS_BLOCK, arena_capacity((size_t)count * POSTING_BYTES) / POSTING_BYTES);
}

/* A tail with room for `count`, at least as many as it has. */
static void resize_tail(struct postings_room *room, struct postings_list *list, u32 count)
{
    MUST(count >= list->tail_count);
    const struct postings_list old = *list;
    list->version++;
    list->tail_capacity = (u8)tail_capacity_of(list, count);
    if (list->segment_count == 0)
        memset(list->few, 0, sizeof list->few);
    if (list->tail_capacity > POSTINGS_FEW)
        list->tail = take(room, (size_t)list->tail_capacity * POSTING_BYTES);
    else if (list->segment_count != 0)
        list->tail = NULL;
    if (old.tail_count != 0) {
        memcpy(tail_docs(list), postings_tail_docs(&old), old.tail_count * sizeof(u32));
        memcpy(tail_impacts(list), postings_tail_impacts(&old), old.tail_count);
    }
    if (old.tail_capacity > POSTINGS_FEW)
        give(room, old.tail, (size_t)old.tail_capacity * POSTING_BYTES);
}

/* Recomputes the greatest impact from what is noted. */
static void update_impact_max(struct postings_list *list)
{
    u8 most = list->tail_max;
    for (u32 i = 0; i < list->segment_count; i++)
        most = MAX(most, list->places[i].impact_max);
    list->impact_max = most;
}

/* Takes what is buried out of the tail. */
static void purge_tail(struct postings_room *room, struct postings_list *list)
{
    u32 *docs = tail_docs(list);
    u8 *impacts = tail_impacts(list);
    u32 kept = 0;
    for (u32 i = 0; i < list->tail_count; i++) {
        docs[kept] = docs[i];
        impacts[kept] = impacts[i];
        kept += index_documents_is_present(room->documents, docs[i]);
    }
    MUST(kept + list->tail_dead == list->tail_count);
    list->count -= list->tail_dead;
    room->count -= list->tail_dead;
    room->purge_count++;
    list->tail_dead = 0;
    list->tail_count = (u8)kept;
    list->version++;
    list->tail_max = greatest(impacts, kept);
    if (kept == 0 || kept < list->tail_capacity / 4u)
        resize_tail(room, list, kept);
    update_impact_max(list);
}

/* The full tail becomes a block. */
static void seal_tail(struct postings_room *room, struct postings_list *list)
{
    MUST(list->tail_count == POSTINGS_BLOCK && list->tail_dead == 0);
    struct postings_place *last =
        list->segment_count == 0 ? NULL : &list->places[list->segment_count - 1];
    if (last == NULL ||
        !append_block(room, last, 0, tail_docs(list), tail_impacts(list), POSTINGS_BLOCK)) {
        struct postings_place place = {0};
        const bool is_written = append_block(room, &place, last == NULL ? 0 : last->last_doc,
                                             tail_docs(list), tail_impacts(list), POSTINGS_BLOCK);
        MUST(is_written);
        replace_places(room, list, list->segment_count, 0, &place, 1);
    }
    list->tail_count = 0;
    list->tail_max = 0;
    list->version++;
    /* A frequent word fills it again soon; for the others it would be much beside their few blocks. */
    if (list->count < KEEP_POSTINGS)
        resize_tail(room, list, 0);
}

/* The record of a term, made if it is new, with those of all terms before it. */
static struct postings_list *ensure_list(struct postings_room *room, u32 term)
{
    MUST(term != 0);
    struct postings_list *list = postings_list_of(room, term);
    while (UNLIKELY(list == NULL)) { /* ends: each record is one more */
        (void)pool_acquire(&room->lists);
        list = postings_list_of(room, term);
    }
    return list;
}

void postings_append(struct postings_room *room, u32 term, u32 doc, u8 impact)
{
    struct postings_list *list = ensure_list(room, term);
    if (UNLIKELY(list->tail_count == list->tail_capacity))
        resize_tail(room, list, list->tail_count + 1u);
    const u32 at = list->tail_count;
    MUST(at == 0 || tail_docs(list)[at - 1] < doc);
    tail_docs(list)[at] = doc;
    tail_impacts(list)[at] = impact;
    list->tail_count++;
    list->tail_max = MAX(list->tail_max, impact);
    list->impact_max = MAX(list->impact_max, impact);
    list->count++;
    list->df++;
    room->count++;
    if (UNLIKELY(list->tail_count == POSTINGS_BLOCK)) {
        if (list->tail_dead != 0)
            purge_tail(room, list);
        else
            seal_tail(room, list);
    }
}

/* ---- dead postings ------------------------------------------------------------------------------ */

/* Segments that are written again, and what becomes of them. */
struct rewrite {
    u32 *docs; /* what is kept, and room for one block more */
    u8 *impacts;
    u32 count;
    u32 capacity;
    u32 first; /* of the segments */
    u32 segment_count;
    u32 base_doc;
};

/* Which documents of a window are present; looked up again when the window changes. */
struct presence {
    const u64 *bits;
    u32 window;
};

static inline bool is_present(const struct index_documents *documents, struct presence *presence,
                              u32 doc)
{
    static const u64 none[INDEX_WINDOW_WORDS];
    if (UNLIKELY(doc / INDEX_WINDOW_DOCS != presence->window || presence->bits == NULL)) {
        presence->window = doc / INDEX_WINDOW_DOCS;
        const struct index_window *window = index_documents_window(documents, presence->window);
        presence->bits = window == NULL ? none : window->present;
    }
    return index_documents_has(presence->bits, doc);
}

/* Adds what is present of a segment. */
static void rewrite_collect(const struct postings_room *room, struct rewrite *rewrite,
                            const struct postings_segment *segment)
{
    u32 docs[POSTINGS_BLOCK];
    struct presence presence = {0};
    MUST(rewrite->count + segment->posting_count <= rewrite->capacity);
    for (u32 block = 0; block < segment->block_count; block++) {
        const u32 count = postings_block_count(segment, block);
        const u8 *impacts = postings_block_impacts(segment, block);
        postings_block_docs(segment, block, docs);
        for (u32 i = 0; i < count; i++) {
            rewrite->docs[rewrite->count] = docs[i];
            rewrite->impacts[rewrite->count] = impacts[i];
            rewrite->count += is_present(room->documents, &presence, docs[i]);
        }
    }
}

/* Replaces the segments by new ones with what was collected. */
static void rewrite_finish(struct postings_room *room, struct postings_list *list,
                           const struct rewrite *rewrite)
{
    struct postings_place pieces[PIECES_MAX];
    u32 piece_count = 0;
    u32 base_doc = rewrite->base_doc;
    for (u32 at = 0; at < rewrite->count; at += POSTINGS_BLOCK) {
        u32 docs[POSTINGS_BLOCK];
        const u32 count = MIN(POSTINGS_BLOCK, rewrite->count - at);
        memcpy(docs, rewrite->docs + at, count * sizeof docs[0]);
        bool is_written = piece_count != 0 && append_block(room, &pieces[piece_count - 1], 0, docs,
                                                           rewrite->impacts + at, count);
        if (!is_written) {
            MUST(piece_count < PIECES_MAX);
            pieces[piece_count] = (struct postings_place){0};
            is_written = append_block(room, &pieces[piece_count++], base_doc, docs,
                                      rewrite->impacts + at, count);
            MUST(is_written);
        }
        base_doc = docs[count - 1];
    }
    for (u32 i = 0; i < rewrite->segment_count; i++) {
        struct postings_segment *segment = list->places[rewrite->first + i].segment;
        list->count -= segment->posting_count;
        room->count -= segment->posting_count;
        give(room, segment, segment->bytes);
    }
    list->count += rewrite->count;
    room->count += rewrite->count;
    replace_places(room, list, rewrite->first, rewrite->segment_count, pieces, piece_count);
}

static u32 live_of(const struct postings_place *place)
{
    return place->segment->posting_count - (u32)place->dead_count;
}

/* Writes a segment again without what is buried, together with a neighbour if both are small. */
static void purge_segment(struct postings_room *room, struct postings_list *list, u32 at)
{
    u32 first = at;
    u32 last = at;
    const u32 live = live_of(&list->places[at]);
    if (live != 0 && at + 1 < list->segment_count &&
        live + live_of(&list->places[at + 1]) <= JOIN_POSTINGS)
        last++;
    else if (live != 0 && at != 0 && live + live_of(&list->places[at - 1]) <= JOIN_POSTINGS)
        first--;
    struct rewrite rewrite = {.first = first, .segment_count = last - first + 1};
    u32 kept = 0;
    for (u32 i = first; i <= last; i++) {
        rewrite.capacity += list->places[i].segment->posting_count;
        kept += live_of(&list->places[i]);
    }
    rewrite.base_doc = list->places[first].segment->base_doc;
    const size_t bytes = (size_t)(rewrite.capacity + 1) * POSTING_BYTES;
    rewrite.docs = arena_acquire(room->arena, bytes);
    rewrite.impacts = (u8 *)(rewrite.docs + rewrite.capacity + 1);
    for (u32 i = first; live != 0 && i <= last; i++)
        rewrite_collect(room, &rewrite, list->places[i].segment);
    MUST(rewrite.count == kept);
    rewrite_finish(room, list, &rewrite);
    arena_release(room->arena, rewrite.docs, bytes);
    room->purge_count++;
    if (list->count == 0 && list->tail_capacity != 0)
        resize_tail(room, list, 0);
    update_impact_max(list);
}

void postings_forget(struct postings_room *room, u32 term)
{
    struct postings_list *list = postings_list_of(room, term);
    MUST(list != NULL && list->df > 0);
    list->df--;
}

void postings_bury(struct postings_room *room, u32 term, u32 doc)
{
    struct postings_list *list = postings_list_of(room, term);
    MUST(list != NULL);
    const u32 at = postings_find_segment(list, 0, doc);
    if (at == list->segment_count) {
        MUST(list->tail_dead < list->tail_count);
        list->tail_dead++;
        if (list->tail_dead * 4u > list->tail_count)
            purge_tail(room, list);
        return;
    }
    struct postings_place *place = &list->places[at];
    MUST(place->dead_count < place->segment->posting_count);
    place->dead_count++;
    if (place->dead_count * 4u <= place->segment->posting_count)
        return;
    if (place->dead_count == place->segment->posting_count) {
        purge_segment(room, list, at);
    } else if (room->purges_allowed > 0) {
        room->purges_allowed--;
        purge_segment(room, list, at);
    }
}

/* ---- checks ------------------------------------------------------------------------------------- */

/* What a walk over a list has seen. */
struct walk {
    const struct index_documents *documents;
    u32 doc;
    u32 count;
    u32 live_count;
    u32 buried_count;
    u8 impact_max;
};

static bool walk_on(struct walk *walk, const u32 *docs, const u8 *impacts, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (docs[i] <= walk->doc)
            return false;
        walk->doc = docs[i];
        walk->count++;
        walk->live_count += index_documents_is_live(walk->documents, docs[i]);
        walk->buried_count += !index_documents_is_present(walk->documents, docs[i]);
        walk->impact_max = MAX(walk->impact_max, impacts[i]);
    }
    return true;
}

static bool walk_segment(struct walk *walk, const struct postings_place *place)
{
    const struct postings_segment *segment = place->segment;
    const u32 count = walk->count;
    const u32 buried = walk->buried_count;
    const u8 impact_max = walk->impact_max;
    walk->impact_max = 0;
    if (segment->block_count == 0 || segment_used(segment) > segment->bytes)
        return false;
    for (u32 block = 0; block < segment->block_count; block++) {
        u32 docs[POSTINGS_BLOCK];
        postings_block_docs(segment, block, docs);
        const u8 *impacts = postings_block_impacts(segment, block);
        const u32 block_count = postings_block_count(segment, block);
        if (!walk_on(walk, docs, impacts, block_count) ||
            walk->doc != segment->blocks[block].last_doc ||
            greatest(impacts, block_count) != segment->blocks[block].impact_max)
            return false;
    }
    const bool is_good = walk->doc == place->last_doc && walk->impact_max == place->impact_max &&
                         walk->buried_count - buried == place->dead_count &&
                         walk->count - count == segment->posting_count;
    walk->impact_max = MAX(walk->impact_max, impact_max);
    return is_good;
}

bool postings_list_valid(const struct postings_room *room, u32 term)
{
    const struct postings_list *list = postings_list_of(room, term);
    if (list == NULL)
        return false;
    struct walk walk = {.documents = room->documents};
    for (u32 i = 0; i < list->segment_count; i++)
        if (!walk_segment(&walk, &list->places[i]))
            return false;
    const u32 buried = walk.buried_count;
    if (list->tail_count != 0 &&
        !walk_on(&walk, postings_tail_docs(list), postings_tail_impacts(list), list->tail_count))
        return false;
    if (list->tail_max !=
        (list->tail_count == 0 ? 0 : greatest(postings_tail_impacts(list), list->tail_count)))
        return false;
    if (list->count == 0 && (list->tail_capacity != 0 || list->segment_count != 0))
        return false;
    if (list->tail_capacity == POSTINGS_FEW && list->segment_count != 0)
        return false;
    return walk.count == list->count && walk.live_count == list->df &&
           walk.buried_count - buried == list->tail_dead && walk.impact_max <= list->impact_max &&
           list->tail_count < POSTINGS_BLOCK && list->tail_dead * 4u <= list->tail_count;
}
