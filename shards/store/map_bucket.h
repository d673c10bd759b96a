/* map_bucket: one cache line of the hash map, and how its twelve tags are compared at once.
 *
 * The layout is told in map.h. Comparing is one instruction on 16 bytes where SSE2 is, which
 * includes the link field: the four bits above the tags are masked off. Elsewhere the same answer
 * is found by arithmetic on two 64-bit words. Both are compiled where both exist, and a test holds
 * them equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_MAP_BUCKET_H
#define SOUK_SHARDS_STORE_MAP_BUCKET_H

#include <string.h>

#include "proto/base.h"
#include "shards/store/pool.h"

#define MAP_BUCKET_SLOTS 12u
#define MAP_SLOTS_MASK   ((1u << MAP_BUCKET_SLOTS) - 1)
#define MAP_LINK_BITS    24u
#define MAP_LINK_MASK    ((1u << MAP_LINK_BITS) - 1)
#define MAP_TAG_SHIFT    40u
#define MAP_UNIT_BUCKETS (POOL_UNIT_BYTES / (u32)sizeof(struct map_bucket))

struct map_bucket {
    u8 tags[MAP_BUCKET_SLOTS];
    u32 link_version;
    u32 indexes[MAP_BUCKET_SLOTS];
};
STATIC_CHECK(sizeof(struct map_bucket) == 64);
STATIC_CHECK(offsetof(struct map_bucket, link_version) == 12);

/* 1..255: from bits that choose neither shard nor bucket. */
static inline u8 map_tag(u64 hash)
{
    const u8 tag = (u8)(hash >> MAP_TAG_SHIFT);
    return tag != 0 ? tag : 1;
}

static inline u32 map_bucket_link(const struct map_bucket *bucket)
{
    return bucket->link_version & MAP_LINK_MASK;
}

static inline u8 map_bucket_version(const struct map_bucket *bucket)
{
    return (u8)(bucket->link_version >> MAP_LINK_BITS);
}

/* Bit i is set where byte i of `word` equals `tag`. Exact: no borrow runs between bytes. */
static inline u32 map_match_word(u64 word, u8 tag)
{
    const u64 low7 = 0x7f7f7f7f7f7f7f7full;
    const u64 difference = word ^ (0x0101010101010101ull * tag);
    const u64 is_zero = ~(((difference & low7) + low7) | difference | low7); /* bit 7 of each */
    return (u32)(((is_zero >> 7) * 0x0102040810204080ull) >> 56);
}

/* Bit i is set where slot i has this tag; with tag 0, the empty slots. */
static inline u32 map_bucket_match_portable(const struct map_bucket *bucket, u8 tag)
{
    u64 words[2];
    memcpy(words, bucket, sizeof words);
    return (map_match_word(words[0], tag) | map_match_word(words[1], tag) << 8) & MAP_SLOTS_MASK;
}

#ifdef __SSE2__
/* The vector types of the compiler instead of <emmintrin.h>, which drags in <stdlib.h>. */
static inline u32 map_bucket_match_sse2(const struct map_bucket *bucket, u8 tag)
{
    typedef char byte_vector __attribute__((vector_size(16)));
    byte_vector tags;
    memcpy(&tags, bucket, sizeof tags);
    const byte_vector wanted = (byte_vector){0} + (char)tag;
    return (u32)__builtin_ia32_pmovmskb128((byte_vector)(tags == wanted)) & MAP_SLOTS_MASK;
}
#endif

static inline u32 map_bucket_match(const struct map_bucket *bucket, u8 tag)
{
#ifdef __SSE2__
    return map_bucket_match_sse2(bucket, tag);
#else
    return map_bucket_match_portable(bucket, tag);
#endif
}

/* How many slots are in use; by I1 of map.h they are the first ones. */
static inline u32 map_bucket_fill(const struct map_bucket *bucket)
{
    const u32 empty = map_bucket_match(bucket, 0);
    return empty == 0 ? MAP_BUCKET_SLOTS : (u32)__builtin_ctz(empty);
}

#endif
