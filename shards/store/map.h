/* map: from a 64-bit hash to the index of a record that carries its own key.
 *
 * The map stores 8 bytes per record and no keys: the caller compares. It grows by linear hashing,
 * one bucket at a time, so that no insert ever pays for a rehash. A bucket is one cache line:
 *
 *      offset size
 *           0   28  low 32 bits of the hashes of the records
 *          28    4  link: the next bucket of the chain (overflow pool, 0 = none)
 *          32   28  indexes of the records
 *          60    1  fill: how many slots are in use
 *          61    1  version (of a chain's first bucket; 0 in the others)
 *          62    2  0
 *
 * The bucket is chosen by the low bits of the hash. Its highest bits chose the shard (route.h) and
 * say nothing here. With 2^L <= bucket_count < 2^(L+1): bucket = low L+1 bits, or low L bits if
 * that bucket does not exist yet. A split moves about half of bucket (bucket_count - 2^L) into the
 * new bucket number bucket_count: bit L of the kept hashes says which, so it reads and writes these
 * two lines and never a record. (Twelve slots with tags of 8 bits took a third less memory, but a
 * split had to fetch a dozen records at random to hash them again: nearly a fifth of the
 * instructions of a hold.) The average fill is kept at 5 of 7, which is at most 16 bytes per key.
 *
 * Snapshots: map_set_cut(version) says "the state is to be dumped as it is now". Before a bucket's
 * membership changes, or a record of it does (the caller announces it by map_before_change), a
 * bucket whose version differs from the cut is given to the hook once, which dumps it. The walker
 * visits all buckets in slices by map_visit. So each record is dumped once, as it was at the cut.
 * Without a hook this costs one compare.
 *
 * Invariants
 *   I1  a chain is packed: all its buckets but the last are full, and slots fill from 0.
 *   I2  an index is in exactly the chain that its hash selects, once, under its hash.
 *   I3  count is the number of indexes; overflow buckets exist only inside chains.
 *   I4  after map_visit ran for every bucket, all versions equal the cut. A bucket made by a split
 *       has the version of the bucket that was split, which was handed to the hook before.
 *   I5  the hook does not change the map.
 * Ownership  the map owns its buckets, never the records. One core.
 * Happy path prefetch the buckets of a group of keys, prefetch their first candidates, find.
 * Failure    no memory is a panic. Hashes that collide make a chain longer, never wrong.
 * Not here   keys; merging of buckets when the map gets smaller; versions of records.
 *            A walk may be abandoned; the versions of cuts count up modulo 256, so that a bucket
 *            is mistaken for visited only after 255 abandoned walks in a row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_MAP_H
#define SOUK_SHARDS_STORE_MAP_H

#include "proto/base.h"
#include "shards/store/map_bucket.h"
#include "shards/store/pool.h"
#include "shards/store/store_memory.h"

#define MAP_FILL             5u /* average records per bucket at which the next one is split */
#define MAP_BUCKET_COUNT_MAX (1u << 30)

struct map;

/* How map_valid finds out where a record belongs; nothing else asks. */
struct map_records {
    const void *context;
    u64 (*hash_of)(const void *context, u32 index);
};

/* Called before the bucket changes for the first time since the cut. */
typedef void map_before_change_hook(void *context, struct map *map, u32 bucket);

struct map {
    struct pool buckets; /* bucket b is record b + 1 */
    struct pool overflow;
    u32 bucket_count;
    u32 level_mask; /* 2^L - 1 */
    u32 count;
    u8 cut;
    bool is_in_hook;
    u8 reserved[2];
    struct map_records records;
    map_before_change_hook *hook;
    void *hook_context;
};

/* An empty map of one bucket. `memory` and the context of `records` must outlive the map. */
void map_init(struct map *map, struct store_memory *memory, struct map_records records);
void map_deinit(struct map *map);

/* Adds a record; the caller has made sure that neither the key nor the index is in the map. */
void map_insert(struct map *map, u64 hash, u32 index);

/* Removes a record that is in the map. */
void map_remove(struct map *map, u64 hash, u32 index);

/* Is this very record in the map? For checks; lookups by key are map_find. */
bool map_has(const struct map *map, u64 hash, u32 index);

/* Installs the hook of snapshots, or takes it away with NULL. */
void map_set_hook(struct map *map, map_before_change_hook *hook, void *context);

/* From now on every bucket with another version is unvisited. */
void map_set_cut(struct map *map, u8 version);

/* Runs the hook for the bucket unless that has happened since the cut; false then. */
bool map_visit(struct map *map, u32 bucket);

/* Writes the records of a bucket and its chain, at most `max`. Returns how many there are, which
 * may be more than `max`: then the caller comes again with more room. */
NODISCARD u32 map_bucket_read(const struct map *map, u32 bucket, u32 *out, u32 max);

/* Makes sure that `insert_count` inserts into evenly filled buckets ask for no memory. */
void map_prepare(struct map *map, u32 insert_count);

/* Walks everything and calls hash_of for every record. */
bool map_valid(const struct map *map);

static inline u32 map_count(const struct map *map)
{
    return map->count;
}

static inline u32 map_bucket_count(const struct map *map)
{
    return map->bucket_count;
}

/* The bucket that owns a hash. */
static inline u32 map_bucket_of(const struct map *map, u64 hash)
{
    const u32 wide = (u32)hash & (map->level_mask * 2 + 1);
    return wide < map->bucket_count ? wide : wide & map->level_mask;
}

static inline struct map_bucket *map_bucket_at(const struct map *map, u32 bucket)
{
    CHECK(bucket < map->bucket_count);
    const u32 record = bucket + 1;
    /* As pool_at, with the record size known to the compiler. */
    u8 *unit = map->buckets.units[record / MAP_UNIT_BUCKETS];
    return (struct map_bucket *)(void *)unit + record % MAP_UNIT_BUCKETS;
}

/* First pass over a group of keys: brings the bucket near. */
static inline void map_prefetch(const struct map *map, u64 hash)
{
    store_prefetch(map_bucket_at(map, map_bucket_of(map, hash)));
}

/* Second pass: the record that map_find will most likely look at first, for the caller to prefetch;
 * 0 if the bucket has none, and then the next bucket of the chain is brought near. */
static inline u32 map_first_candidate(const struct map *map, u64 hash)
{
    const struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    const u32 matches = map_bucket_match(bucket, map_hash_low(hash));
    if (matches != 0)
        return bucket->indexes[__builtin_ctz(matches)];
    if (UNLIKELY(bucket->link != 0))
        pool_prefetch(&map->overflow, bucket->link);
    return 0;
}

/* Second pass for a key that is about to be inserted: the end of a chain, if it is not the bucket. */
static inline void map_prefetch_chain(const struct map *map, u64 hash)
{
    const struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    if (UNLIKELY(bucket->link != 0))
        pool_prefetch(&map->overflow, bucket->link);
}

/* Is this record the one that `key` names? Inlined into map_find. */
typedef bool map_equal(const void *context, u32 index, const void *key);

/* Returns the record's index or 0. Third pass of a group, or alone. */
__attribute__((always_inline)) static inline u32
map_find(const struct map *map, u64 hash, map_equal *equal, const void *context, const void *key)
{
    const struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    const u32 low = map_hash_low(hash);
    for (;;) { /* ends: a chain is finite by I3 */
        u32 matches = map_bucket_match(bucket, low);
        for (; matches != 0; matches &= matches - 1) {
            const u32 index = bucket->indexes[__builtin_ctz(matches)];
            if (LIKELY(equal(context, index, key)))
                return index;
        }
        if (LIKELY(bucket->link == 0))
            return 0;
        bucket = pool_at(&map->overflow, bucket->link);
    }
}

/* Must be called before anything of a record changes that a dump would write, by the hash it is
 * found under. */
static inline void map_before_change(struct map *map, u64 hash)
{
    const u32 bucket = map_bucket_of(map, hash);
    if (UNLIKELY(map_bucket_at(map, bucket)->version != map->cut))
        (void)map_visit(map, bucket);
}

#endif
