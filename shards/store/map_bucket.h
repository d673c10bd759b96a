/* map_bucket: one cache line of the hash map, and how its seven hashes are compared at once.
 *
 * The layout is told in map.h. Where SSE2 is, two instructions compare the first half of the line,
 * which includes the link field: the bits above `fill` are masked off, and so is what an empty slot
 * holds. Elsewhere the same answer is found slot by slot. Both are compiled where both exist, and a
 * test holds them equal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_MAP_BUCKET_H
#define SOUK_SHARDS_STORE_MAP_BUCKET_H

#include <string.h>

#include "proto/base.h"
#include "shards/store/pool.h"

#define MAP_BUCKET_SLOTS 7u
#define MAP_UNIT_BUCKETS (POOL_UNIT_BYTES / (u32)sizeof(struct map_bucket))

struct map_bucket {
    u32 hashes[MAP_BUCKET_SLOTS];
    u32 link;
    u32 indexes[MAP_BUCKET_SLOTS];
    u8 fill;
    u8 version;
    u16 reserved; /* 0 */
};
STATIC_CHECK(sizeof(struct map_bucket) == 64);
STATIC_CHECK(offsetof(struct map_bucket, link) == 28);
STATIC_CHECK(offsetof(struct map_bucket, fill) == 60);

/* What a bucket keeps of a hash. */
static inline u32 map_hash_low(u64 hash)
{
    return (u32)hash;
}

/* The bits of the slots in use; by I1 of map.h they are the first ones. */
static inline u32 map_bucket_used(const struct map_bucket *bucket)
{
    return (1u << bucket->fill) - 1;
}

/* Bit i is set where slot i is in use and has this hash. */
static inline u32 map_bucket_match_portable(const struct map_bucket *bucket, u32 hash)
{
    u32 matches = 0;
    for (u32 slot = 0; slot < MAP_BUCKET_SLOTS; slot++)
        matches |= (u32)(bucket->hashes[slot] == hash) << slot;
    return matches & map_bucket_used(bucket);
}

#ifdef __SSE2__
/* The vector types of the compiler instead of <emmintrin.h>, which drags in <stdlib.h>. */
static inline u32 map_bucket_match_sse2(const struct map_bucket *bucket, u32 hash)
{
    typedef u32 word_vector __attribute__((vector_size(16)));
    typedef float float_vector __attribute__((vector_size(16)));
    word_vector low, high;
    memcpy(&low, bucket, sizeof low);
    memcpy(&high, (const u8 *)bucket + sizeof low, sizeof high);
    const word_vector wanted = {hash, hash, hash, hash};
    const u32 first = (u32)__builtin_ia32_movmskps((float_vector)(low == wanted));
    const u32 second = (u32)__builtin_ia32_movmskps((float_vector)(high == wanted));
    return (first | second << 4) & map_bucket_used(bucket);
}
#endif

static inline u32 map_bucket_match(const struct map_bucket *bucket, u32 hash)
{
#ifdef __SSE2__
    return map_bucket_match_sse2(bucket, hash);
#else
    return map_bucket_match_portable(bucket, hash);
#endif
}

#endif
