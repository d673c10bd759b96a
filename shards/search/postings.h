/* postings: for each term the documents that have it, with what each is about it (a u8 impact).
 *
 *      list of a term   segments[] (directory: last doc, greatest impact, dead ones)
 *                          |           |            tail: up to 127 postings, not packed
 *                          v           v            u32 docs[capacity], u8 impacts[capacity];
 *                       segment     segment         up to 3 in the record: most words are rare
 *
 *      segment, up to 8 KiB   header, blocks[] ->      ...      <- data of the blocks
 *      block                  last doc, greatest impact, count, width; in the data 16 x width bytes of
 *                             gaps (postings_pack.h), then one u8 impact for each posting
 *
 * A posting is appended to the tail; 128 of them become a block of the last segment. Segments grow to
 * 8 KiB, and then the next one begins: what has to be moved or written again at once is bounded.
 *
 * Postings of dead documents stay until a quarter of a segment (or tail) is buried; then it is
 * written again without them, and joined with its neighbour if both are small. That takes at most
 * about 20 microseconds, and only one segment is written again for one document that dies: others
 * wait for the next. Documents that a question may still see are not purged.
 *
 * Invariants
 *   I1  documents grow along segments, blocks and the tail.
 *   I2  count is the number of postings, df the number of those whose documents live.
 *   I3  the greatest impact that is noted is at least that of every posting it speaks for.
 *   I4  `version` changes whenever postings move or something noted about their places becomes false:
 *       a cursor then finds its place again (postings_cursor.h).
 *   I5  a list without postings holds no memory but its record.
 * Ownership  arena objects, one pool record for each term. One core.
 * Not here   which documents are dead (index_documents.h), and scores.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_POSTINGS_H
#define SOUK_SHARDS_SEARCH_POSTINGS_H

#include "proto/base.h"
#include "shards/search/index_documents.h"
#include "shards/search/postings_pack.h"
#include "shards/store/arena.h"
#include "shards/store/pool.h"

#define POSTINGS_SEGMENT_BYTES (8u << 10)
#define POSTINGS_PURGES_MAX    1u
#define POSTINGS_DOC_END       UINT32_MAX
#define POSTINGS_FEW           3u /* postings that stand in the record of the term */

struct postings_block {
    u32 last_doc;
    u16 place; /* of its data, in steps of 16 bytes before the end of the segment; bits 10-15: width */
    u8 count_less_1;
    u8 impact_max;
};
STATIC_CHECK(sizeof(struct postings_block) == 8);

struct postings_segment {
    u32 base_doc; /* the gap of its first posting counts from here */
    u16 bytes;    /* of the whole object */
    u16 data_bytes;
    u16 block_count;
    u16 posting_count;
    u32 reserved;
    struct postings_block blocks[];
};
STATIC_CHECK(sizeof(struct postings_segment) == 16);

struct postings_place {
    struct postings_segment *segment;
    u32 last_doc;
    u16 dead_count; /* buried */
    u8 impact_max;
    u8 reserved;
};
STATIC_CHECK(sizeof(struct postings_place) == 16);

struct postings_list {
    union {
        struct {
            struct postings_place *places; /* if there are segments */
            u8 *tail;                      /* if its capacity is above POSTINGS_FEW */
        };
        u32 few[4]; /* the tail, if its capacity is POSTINGS_FEW; there are no segments then */
    };
    u32 df;
    u32 count;
    u32 segment_count;
    u32 version;
    u8 tail_count;
    u8 tail_capacity;
    u8 tail_dead;
    u8 tail_max; /* greatest impact in the tail */
    u8 impact_max;
    u8 dense; /* number of its table + 1 (dense.h); 0: none */
    u8 reserved[2];
};
STATIC_CHECK(sizeof(struct postings_list) == 40);

struct postings_room {
    struct pool lists; /* record = term */
    struct arena *arena;
    const struct index_documents *documents;
    u64 count;          /* of all postings */
    u64 bytes;          /* of their arena objects, as the arena counts them */
    u64 purge_count;    /* segments and tails written again */
    u32 purges_allowed; /* for the document that is being buried */
    u32 reserved;
};

void postings_room_init(struct postings_room *room, struct store_memory *memory,
                        struct arena *arena, const struct index_documents *documents);
void postings_room_deinit(struct postings_room *room);
/* Leaves what is in the arena to who owns that. */
void postings_room_drop(struct postings_room *room);

/* `doc` is greater than any before; the term may be new. df counts it. */
void postings_append(struct postings_room *room, u32 term, u32 doc, u8 impact);

/* A document of the term has died. */
void postings_forget(struct postings_room *room, u32 term);

/* A dead document of the term is not present any more: its posting may go, now or later. */
void postings_bury(struct postings_room *room, u32 term, u32 doc);

/* Walks the list. */
bool postings_list_valid(const struct postings_room *room, u32 term);

/* NULL for a term that never had a posting, among them 0. */
static inline struct postings_list *postings_list_of(const struct postings_room *room, u32 term)
{
    if (UNLIKELY(term == 0 || term >= room->lists.next_fresh))
        return NULL;
    return pool_at_sized(&room->lists, term, sizeof(struct postings_list));
}

/* Of a list with a tail. */
static inline const u32 *postings_tail_docs(const struct postings_list *list)
{
    return list->tail_capacity <= POSTINGS_FEW ? list->few : (const u32 *)(const void *)list->tail;
}

static inline const u8 *postings_tail_impacts(const struct postings_list *list)
{
    return (const u8 *)(postings_tail_docs(list) + list->tail_capacity);
}

/* The gaps of a block; its impacts follow them. */
static inline const u8 *postings_block_data(const struct postings_segment *segment, u32 block)
{
    const u32 steps = segment->blocks[block].place & 1023u;
    return (const u8 *)segment + segment->bytes - (size_t)steps * 16;
}

static inline u32 postings_block_width(const struct postings_segment *segment, u32 block)
{
    return (u32)segment->blocks[block].place >> 10;
}

static inline u32 postings_block_count(const struct postings_segment *segment, u32 block)
{
    return segment->blocks[block].count_less_1 + 1u;
}

/* Writes the documents of a block, always 128: those beyond its count are greater than its last. */
static inline void postings_block_docs(const struct postings_segment *segment, u32 block, u32 *docs)
{
    const u32 base = block == 0 ? segment->base_doc : segment->blocks[block - 1].last_doc;
    postings_unpack(docs, postings_block_data(segment, block), base,
                    postings_block_width(segment, block));
}

static inline const u8 *postings_block_impacts(const struct postings_segment *segment, u32 block)
{
    return postings_block_data(segment, block) +
           (size_t)postings_block_width(segment, block) * POSTINGS_WIDTH_BYTES;
}

/* The first segment from `from` on whose last document is not before `doc`; segment_count: none. */
u32 postings_find_segment(const struct postings_list *list, u32 from, u32 doc);
/* The first such block of a segment; block_count: none. */
u32 postings_find_block(const struct postings_segment *segment, u32 from, u32 doc);

/* First pass over the terms of a document, second pass, then postings_append. */
static inline void postings_prefetch(const struct postings_room *room, u32 term)
{
    if (LIKELY(term < room->lists.next_fresh))
        pool_prefetch(&room->lists, term);
}

static inline void postings_prefetch_tail(const struct postings_room *room, u32 term)
{
    if (UNLIKELY(term >= room->lists.next_fresh))
        return;
    const struct postings_list *list = postings_list_of(room, term);
    if (list->tail_capacity <= POSTINGS_FEW)
        return;
    store_prefetch(postings_tail_docs(list) + list->tail_count);
    store_prefetch(postings_tail_impacts(list) + list->tail_count);
}

#endif
