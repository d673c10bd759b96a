/* postings_cursor: see postings_cursor.h. The block (or tail) that a cursor stands in is copied into it, so
 * that nothing of it points into memory that moves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/postings_cursor.h"

#include <string.h>

#include "shards/search/index.h"

/* The place in docs[] of the first one that is not before `doc`: there is one. All 128 are in order. */
static inline u32 find_slot(const u32 *docs, u32 doc)
{
    u32 slot = 0;
    for (u32 half = POSTINGS_BLOCK / 2; half != 0; half /= 2)
        slot += docs[slot + half - 1] < doc ? half : 0;
    return slot;
}

static inline void stand_at(struct postings_cursor *cursor, u32 slot)
{
    CHECK(slot < cursor->count);
    cursor->slot = slot;
    cursor->doc = cursor->docs[slot];
    cursor->impact = cursor->impacts[slot];
}

static void stand_behind(struct postings_cursor *cursor)
{
    cursor->doc = POSTINGS_DOC_END;
    cursor->impact = 0;
    cursor->count = 0;
    cursor->slot = 0;
}

/* Brings the block after this one near: a quarter of the time of reading a million documents. Its data
 * ends where that of this one begins. */
static inline void prefetch_next(const struct postings_segment *segment, u32 block)
{
    const u8 *end = postings_block_data(segment, block);
    for (const u8 *at = postings_block_data(segment, block + 1); at < end; at += 64)
        store_prefetch(at);
}

static void load_block(struct postings_cursor *cursor, u32 segment_index, u32 block)
{
    const struct postings_segment *segment = cursor->list->places[segment_index].segment;
    cursor->segment = segment_index;
    cursor->block = block;
    cursor->count = postings_block_count(segment, block);
    postings_block_docs(segment, block, cursor->docs);
    memcpy(cursor->impacts, postings_block_impacts(segment, block), cursor->count);
    if (LIKELY(block + 1 < segment->block_count))
        prefetch_next(segment, block);
}

/* The tail, if it has a document that is not before `doc`. */
static bool load_tail(struct postings_cursor *cursor, u32 doc)
{
    const struct postings_list *list = cursor->list;
    const u32 count = list->tail_count;
    if (count == 0 || postings_tail_docs(list)[count - 1] < doc)
        return false;
    cursor->segment = list->segment_count;
    cursor->block = 0;
    cursor->count = count;
    memcpy(cursor->docs, postings_tail_docs(list), count * sizeof cursor->docs[0]);
    memset(cursor->docs + count, 0xff, (POSTINGS_BLOCK - count) * sizeof cursor->docs[0]);
    memcpy(cursor->impacts, postings_tail_impacts(list), count);
    return true;
}

/* Finds the first posting that is not before `doc`; it is not before block `block` of segment `segment`. */
static void locate(struct postings_cursor *cursor, u32 segment, u32 block, u32 doc)
{
    const struct postings_list *list = cursor->list;
    const u32 at = postings_find_segment(list, segment, doc);
    if (at < list->segment_count) {
        const u32 from = at == segment ? block : 0;
        load_block(cursor, at, postings_find_block(list->places[at].segment, from, doc));
        stand_at(cursor, find_slot(cursor->docs, doc));
    } else if (load_tail(cursor, doc)) {
        stand_at(cursor, find_slot(cursor->docs, doc));
    } else {
        stand_behind(cursor);
    }
}

/* Postings have moved since the cursor looked: what it stands at, or what comes next, is looked up. */
static inline void catch_up(struct postings_cursor *cursor)
{
    if (LIKELY(cursor->doc == POSTINGS_DOC_END || cursor->version == cursor->list->version))
        return;
    cursor->version = cursor->list->version;
    locate(cursor, 0, 0, cursor->doc);
}

void postings_open(struct postings_cursor *cursor, const struct index *index, u32 term)
{
    cursor->list = postings_list_of(&index->postings, term);
    cursor->segment = 0;
    cursor->block = 0;
    if (cursor->list == NULL) {
        stand_behind(cursor);
        return;
    }
    cursor->version = cursor->list->version;
    locate(cursor, 0, 0, 1);
}

/* Leaves the block behind. */
static void leave_block(struct postings_cursor *cursor, u32 doc)
{
    if (cursor->segment == cursor->list->segment_count)
        stand_behind(cursor);
    else
        locate(cursor, cursor->segment, cursor->block, doc);
}

u32 postings_seek(struct postings_cursor *cursor, u32 doc)
{
    if (cursor->doc == POSTINGS_DOC_END)
        return POSTINGS_DOC_END;
    catch_up(cursor);
    if (doc <= cursor->doc)
        return cursor->doc;
    if (doc <= cursor->docs[cursor->count - 1])
        stand_at(cursor, find_slot(cursor->docs, doc));
    else
        leave_block(cursor, doc);
    return cursor->doc;
}

u32 postings_next(struct postings_cursor *cursor)
{
    if (cursor->doc == POSTINGS_DOC_END)
        return POSTINGS_DOC_END;
    if (UNLIKELY(cursor->version != cursor->list->version))
        return postings_seek(cursor, cursor->doc + 1);
    if (LIKELY(cursor->slot + 1 < cursor->count))
        stand_at(cursor, cursor->slot + 1);
    else
        leave_block(cursor, cursor->doc + 1);
    return cursor->doc;
}

/* ---- the best postings only ---- */

#define BLOCKS_AT_ONCE 512u /* then the caller looks at its clock */
#define WORK_OF_BLOCK  60u

/* The first place from `from` on with an impact of at least `least`; `count` or more: none. All 128 bytes
 * may be read. */
static u32 find_above(const u8 *impacts, u32 from, u32 count, u8 least)
{
#if defined(__x86_64__)
    typedef u8 lanes __attribute__((vector_size(16)));
    typedef char bytes __attribute__((vector_size(16)));
    for (u32 at = from & ~15u; at < count; at += 16) {
        lanes sixteen;
        memcpy(&sixteen, impacts + at, sizeof sixteen);
        const bytes above = (bytes)(sixteen >= least);
        u32 found = (u32)__builtin_ia32_pmovmskb128(above);
        if (at < from)
            found &= ~0u << (from - at);
        if (found != 0)
            return at + (u32)__builtin_ctz(found);
    }
    return count;
#else
    while (from < count && impacts[from] < least)
        from++;
    return from;
#endif
}

/* Loads the next block that has such an impact, or the tail; false: there is none. */
static bool load_above(struct postings_cursor *cursor, u8 least, struct postings_walk *walk)
{
    const struct postings_list *list = cursor->list;
    u32 looked = 0, block = cursor->block + 1;
    for (u32 at = cursor->segment; at < list->segment_count; at++, block = 0) {
        const struct postings_segment *segment = list->places[at].segment;
        const u32 end = list->places[at].impact_max >= least ? segment->block_count : 0;
        walk->has_skipped = walk->has_skipped || (end == 0 && block < segment->block_count);
        for (looked++; block < end; block++) {
            if (segment->blocks[block].impact_max >= least || ++looked > BLOCKS_AT_ONCE) {
                load_block(cursor, at, block);
                walk->work += WORK_OF_BLOCK + 2 * looked;
                return true;
            }
            walk->has_skipped = true;
        }
    }
    walk->work += WORK_OF_BLOCK + 2 * looked;
    if (cursor->segment == list->segment_count)
        return false; /* that was the tail */
    return load_tail(cursor, 0);
}

u32 postings_next_above(struct postings_cursor *cursor, u8 least, struct postings_walk *walk)
{
    if (cursor->doc == POSTINGS_DOC_END)
        return POSTINGS_DOC_END;
    if (UNLIKELY(cursor->version != cursor->list->version)) {
        if (postings_seek(cursor, cursor->doc + 1) == POSTINGS_DOC_END || cursor->impact >= least)
            return cursor->doc;
        walk->has_skipped = true;
    }
    const u32 from = cursor->slot + 1;
    const u32 slot = find_above(cursor->impacts, from, cursor->count, least);
    walk->has_skipped = walk->has_skipped || (slot != from && from < cursor->count);
    walk->work += 5;
    if (slot < cursor->count) {
        stand_at(cursor, slot);
    } else if (load_above(cursor, least, walk)) {
        const u32 first = find_above(cursor->impacts, 0, cursor->count, least);
        walk->has_skipped = walk->has_skipped || first != 0;
        if (first < cursor->count)
            stand_at(cursor, first);
        else if (cursor->segment != cursor->list->segment_count)
            stand_at(cursor, cursor->count - 1);
        else
            stand_behind(cursor);
    } else {
        stand_behind(cursor);
    }
    return cursor->doc;
}

u8 postings_impact_of(const struct index *index, u32 term, u32 doc)
{
    const struct postings_list *list = postings_list_of(&index->postings, term);
    u32 docs[POSTINGS_BLOCK];
    if (list == NULL)
        return 0;
    const u32 at = postings_find_segment(list, 0, doc);
    if (at == list->segment_count) {
        const u32 *tail = postings_tail_docs(list);
        for (u32 i = 0; i < list->tail_count; i++)
            if (tail[i] == doc)
                return postings_tail_impacts(list)[i];
        return 0;
    }
    const struct postings_segment *segment = list->places[at].segment;
    const u32 block = postings_find_block(segment, 0, doc);
    postings_block_docs(segment, block, docs);
    const u32 slot = find_slot(docs, doc);
    return docs[slot] == doc ? postings_block_impacts(segment, block)[slot] : 0;
}

/* ---- how great an impact may be ---- */

/* Where the search for a document's block may begin. */
static u32 segment_before(const struct postings_cursor *cursor)
{
    return cursor->version == cursor->list->version ? cursor->segment : 0;
}

/* Of the postings of the tail from `first` to `last`: exact if the cursor stands there. */
static u8 tail_max(const struct postings_cursor *cursor, u32 first, u32 last)
{
    const struct postings_list *list = cursor->list;
    if (cursor->version != list->version || cursor->segment != list->segment_count)
        return list->tail_max;
    u8 most = 0;
    for (u32 i = cursor->slot; i < cursor->count && cursor->docs[i] <= last; i++)
        most = cursor->docs[i] >= first ? MAX(most, cursor->impacts[i]) : most;
    return most;
}

u8 postings_block_max(const struct postings_cursor *cursor, u32 doc, u32 *last_doc)
{
    *last_doc = POSTINGS_DOC_END;
    if (cursor->doc == POSTINGS_DOC_END)
        return 0;
    const struct postings_list *list = cursor->list;
    const u32 at = postings_find_segment(list, segment_before(cursor), doc);
    if (at == list->segment_count)
        return tail_max(cursor, doc, POSTINGS_DOC_END);
    const struct postings_segment *segment = list->places[at].segment;
    const struct postings_block *block = &segment->blocks[postings_find_block(segment, 0, doc)];
    *last_doc = block->last_doc;
    return block->impact_max;
}

u8 postings_window_max(const struct postings_cursor *cursor, u32 window)
{
    const u32 first = window * INDEX_WINDOW_DOCS;
    const u32 last = first + INDEX_WINDOW_DOCS - 1;
    if (cursor->doc > last)
        return 0;
    const struct postings_list *list = cursor->list;
    u8 most = 0;
    for (u32 at = postings_find_segment(list, segment_before(cursor), first);
         at < list->segment_count; at++) {
        const struct postings_segment *segment = list->places[at].segment;
        if (segment->base_doc >= last)
            return most;
        u32 block = postings_find_block(segment, 0, first);
        for (; block < segment->block_count; block++) {
            most = MAX(most, segment->blocks[block].impact_max);
            if (segment->blocks[block].last_doc >= last)
                return most;
        }
    }
    return MAX(most, tail_max(cursor, first, last));
}

/* Documents of one window as their places in it, eight at a time. */
static void write_places(u16 *to, const u32 *docs, u32 count)
{
    typedef u32 lanes __attribute__((vector_size(16)));
    typedef u16 short_lanes __attribute__((vector_size(16)));
    u32 i = 0;
    for (; i + 8 <= count; i += 8) {
        lanes low, high;
        memcpy(&low, docs + i, sizeof low);
        memcpy(&high, docs + i + 4, sizeof high);
        low &= INDEX_WINDOW_DOCS - 1;
        high &= INDEX_WINDOW_DOCS - 1;
        const short_lanes both =
            __builtin_shufflevector((short_lanes)low, (short_lanes)high, 0, 2, 4, 6, 8, 10, 12, 14);
        memcpy(to + i, &both, sizeof both);
    }
    for (; i < count; i++)
        to[i] = (u16)(docs[i] % INDEX_WINDOW_DOCS);
}

u32 postings_window_read(struct postings_cursor *cursor, u32 window, u16 *docs, u8 *impacts)
{
    const u32 first = window * INDEX_WINDOW_DOCS;
    const u32 end = first + INDEX_WINDOW_DOCS;
    u32 written = 0;
    while (postings_seek(cursor, first) < end) { /* ends: each round writes one posting or more */
        const u32 slot = cursor->slot;
        const bool is_whole = cursor->docs[cursor->count - 1] < end;
        const u32 behind = is_whole ? cursor->count : find_slot(cursor->docs, end);
        const u32 count = behind - slot;
        write_places(docs + written, cursor->docs + slot, count);
        memcpy(impacts + written, cursor->impacts + slot, count);
        written += count;
        if (is_whole)
            leave_block(cursor, cursor->docs[behind - 1] + 1);
        else
            stand_at(cursor, behind);
    }
    MUST(written <= INDEX_WINDOW_DOCS);
    return written;
}
