/* map: linear hashing with chains of cache lines; see the header for the layout and invariants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/map.h"

static struct map_bucket *next_of(const struct map *map, const struct map_bucket *bucket)
{
    return bucket->link == 0 ? NULL : pool_at(&map->overflow, bucket->link);
}

/* The bucket that the next split divides. */
static u32 next_split_of(const struct map *map)
{
    return map->bucket_count - (map->level_mask + 1);
}

/* Makes the next bucket, empty. */
static inline struct map_bucket *append_bucket(struct map *map)
{
    MUST(map->bucket_count < MAP_BUCKET_COUNT_MAX);
    const u32 record = pool_acquire(&map->buckets);
    MUST(record == map->bucket_count + 1);
    map->bucket_count++;
    return map_bucket_at(map, map->bucket_count - 1);
}

static inline void bucket_append(struct map_bucket *bucket, u32 hash, u32 index)
{
    const u32 slot = bucket->fill;
    MUST(slot < MAP_BUCKET_SLOTS);
    bucket->hashes[slot] = hash;
    bucket->indexes[slot] = index;
    bucket->fill = (u8)(slot + 1);
}

/* The last bucket of a chain whose first one is full, with room for one entry. */
__attribute__((noinline)) static struct map_bucket *chain_extend(struct map *map,
                                                                 struct map_bucket *bucket)
{
    for (struct map_bucket *next; (next = next_of(map, bucket)) != NULL;)
        bucket = next;
    if (bucket->fill < MAP_BUCKET_SLOTS)
        return bucket;
    MUST(bucket->link == 0);
    bucket->link = pool_acquire(&map->overflow);
    return pool_at(&map->overflow, bucket->link);
}

/* Adds to the end of a chain, which keeps it packed. */
static inline void chain_append(struct map *map, struct map_bucket *bucket, u32 hash, u32 index)
{
    if (UNLIKELY(bucket->fill == MAP_BUCKET_SLOTS))
        bucket = chain_extend(map, bucket);
    bucket_append(bucket, hash, index);
}

/* Takes the last entry of a chain out and returns its index; an overflow bucket that becomes empty
 * is given back. Puts what is kept of its hash into *hash. */
static u32 chain_take_last(struct map *map, struct map_bucket *bucket, u32 *hash)
{
    struct map_bucket *before = NULL;
    for (struct map_bucket *next; (next = next_of(map, bucket)) != NULL; bucket = next)
        before = bucket;
    MUST(bucket->fill > 0);
    const u32 slot = --bucket->fill;
    const u32 index = bucket->indexes[slot];
    *hash = bucket->hashes[slot];
    bucket->hashes[slot] = 0;
    bucket->indexes[slot] = 0;
    if (slot == 0 && before != NULL) {
        pool_release(&map->overflow, &before->link);
        MUST(before->link == 0);
    }
    return index;
}

/* Where an index is: the bucket of the chain, and its slot; NULL if it is not there. */
static struct map_bucket *chain_find(const struct map *map, struct map_bucket *bucket, u32 hash,
                                     u32 index, u32 *slot)
{
    for (; bucket != NULL; bucket = next_of(map, bucket)) {
        u32 matches = map_bucket_match(bucket, hash);
        for (; matches != 0; matches &= matches - 1) {
            *slot = (u32)__builtin_ctz(matches);
            if (bucket->indexes[*slot] == index)
                return bucket;
        }
    }
    return NULL;
}

/* Brings the lines of the next split near, some inserts ahead: the chain of its bucket, which came
 * near at the split before, the bucket after it, and the new one. */
static inline void prefetch_split(const struct map *map)
{
    const u32 next = next_split_of(map);
    const u32 link = map_bucket_at(map, next)->link;
    if (link != 0)
        pool_prefetch(&map->overflow, link);
    if (LIKELY(next + 1 < map->bucket_count))
        store_prefetch(map_bucket_at(map, next + 1));
    pool_prefetch_fresh(&map->buckets);
}

/* Gives the entries of a copied bucket and of its chain, which goes, to the two sides. */
__attribute__((noinline)) static void distribute_chain(struct map *map, struct map_bucket *part,
                                                       struct map_bucket *sides[2], u32 bit)
{
    for (;;) { /* ends: the chain is finite */
        for (u32 slot = 0; slot < part->fill; slot++)
            chain_append(map, sides[(part->hashes[slot] & bit) != 0], part->hashes[slot],
                         part->indexes[slot]);
        u32 link = part->link;
        if (link == 0)
            return;
        *part = *(struct map_bucket *)pool_at(&map->overflow, link);
        pool_release(&map->overflow, &link);
    }
}

/* The same for the only bucket of a chain: both sides have room, and no branch asks which. */
static inline void distribute_only(const struct map_bucket *part, struct map_bucket *sides[2],
                                   u32 bit)
{
    u32 fills[2] = {0, 0};
    for (u32 slot = 0; slot < part->fill; slot++) {
        const u32 hash = part->hashes[slot];
        const u32 side = (hash & bit) != 0;
        sides[side]->hashes[fills[side]] = hash;
        sides[side]->indexes[fills[side]] = part->indexes[slot];
        fills[side]++;
    }
    sides[0]->fill = (u8)fills[0];
    sides[1]->fill = (u8)fills[1];
}

/* Divides one bucket in two. Its chain is taken apart bucket by bucket: each is copied and given
 * back before its entries are placed, so a split never needs more room than it frees, and one. */
__attribute__((noinline)) static void split(struct map *map)
{
    const u32 low = next_split_of(map);
    const u32 bit = map->level_mask + 1; /* of the hash: which side */
    struct map_bucket *source = map_bucket_at(map, low);
    if (UNLIKELY(source->version != map->cut))
        (void)map_visit(map, low);
    struct map_bucket *target = append_bucket(map);
    struct map_bucket *sides[2] = {source, target};
    if (map->bucket_count == 2 * bit)
        map->level_mask = 2 * map->level_mask + 1;
    target->version = map->cut;

    struct map_bucket part = *source;
    *source = (struct map_bucket){.version = map->cut};
    if (LIKELY(part.link == 0))
        distribute_only(&part, sides, bit);
    else
        distribute_chain(map, &part, sides, bit);
    MUST(source->version == target->version);
    prefetch_split(map);
}

/* Splits when the average is reached. */
static inline void keep_fill(struct map *map)
{
    if (UNLIKELY(map->count > (u64)map->bucket_count * MAP_FILL &&
                 map->bucket_count != MAP_BUCKET_COUNT_MAX))
        split(map);
}

void map_init(struct map *map, struct store_memory *memory, struct map_records records)
{
    MUST(records.hash_of != NULL);
    *map = (struct map){.records = records};
    pool_init(&map->buckets, memory, sizeof(struct map_bucket));
    pool_init(&map->overflow, memory, sizeof(struct map_bucket));
    MUST(1u << map->buckets.unit_shift == MAP_UNIT_BUCKETS);
    (void)append_bucket(map);
    CHECK(map_valid(map));
}

void map_deinit(struct map *map)
{
    MUST(!map->is_in_hook);
    pool_deinit(&map->overflow);
    pool_deinit(&map->buckets);
    *map = (struct map){0};
}

bool map_has(const struct map *map, u64 hash, u32 index)
{
    u32 slot;
    struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    return chain_find(map, bucket, map_hash_low(hash), index, &slot) != NULL;
}

void map_insert(struct map *map, u64 hash, u32 index)
{
    MUST(index != 0);
    MUST(!map->is_in_hook);
    CHECK(!map_has(map, hash, index));
    const u32 bucket = map_bucket_of(map, hash);
    struct map_bucket *at = map_bucket_at(map, bucket);
    if (UNLIKELY(at->version != map->cut))
        (void)map_visit(map, bucket);
    chain_append(map, at, map_hash_low(hash), index);
    map->count++;
    keep_fill(map);
    CHECK(map_has(map, hash, index));
}

void map_remove(struct map *map, u64 hash, u32 index)
{
    MUST(index != 0);
    MUST(!map->is_in_hook);
    MUST(map->count > 0);
    map_before_change(map, hash);
    struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    u32 slot = 0;
    struct map_bucket *at = chain_find(map, bucket, map_hash_low(hash), index, &slot);
    MUST(at != NULL);
    u32 last_hash = 0;
    const u32 last = chain_take_last(map, bucket, &last_hash);
    if (last != index) { /* the last entry fills the hole */
        at->indexes[slot] = last;
        at->hashes[slot] = last_hash;
    }
    map->count--;
    CHECK(!map_has(map, hash, index));
}

void map_set_hook(struct map *map, map_before_change_hook *hook, void *context)
{
    MUST(!map->is_in_hook);
    map->hook = hook;
    map->hook_context = context;
}

void map_set_cut(struct map *map, u8 version)
{
    MUST(!map->is_in_hook);
    MUST(version != map->cut);
    map->cut = version;
}

bool map_visit(struct map *map, u32 bucket)
{
    MUST(bucket < map->bucket_count);
    struct map_bucket *at = map_bucket_at(map, bucket);
    if (at->version == map->cut)
        return false;
    if (map->hook != NULL) {
        MUST(!map->is_in_hook);
        const u32 count = map->count;
        map->is_in_hook = true;
        map->hook(map->hook_context, map, bucket);
        map->is_in_hook = false;
        MUST(map->count == count);
    }
    at->version = map->cut;
    return true;
}

u32 map_bucket_read(const struct map *map, u32 bucket, u32 *out, u32 max)
{
    MUST(bucket < map->bucket_count);
    u32 count = 0;
    const struct map_bucket *at = map_bucket_at(map, bucket);
    for (; at != NULL; at = next_of(map, at)) {
        for (u32 slot = 0; slot < at->fill; slot++, count++)
            if (count < max)
                out[count] = at->indexes[slot];
    }
    return count;
}

void map_prepare(struct map *map, u32 insert_count)
{
    /* Measured: at most 19 overflow buckets to 100 others, but while a level is young they grow as
     * fast as half of the others. */
    pool_prepare(&map->buckets, insert_count / MAP_FILL + 1);
    pool_prepare(&map->overflow, insert_count / MAP_FILL + 1);
}

/* A packed bucket with its entries where they belong. `*count` grows by what it holds. */
static bool is_bucket_valid(const struct map *map, const struct map_bucket *at, u32 bucket,
                            u32 *count)
{
    if (at->fill > MAP_BUCKET_SLOTS || at->reserved != 0 ||
        (at->link != 0 && at->fill != MAP_BUCKET_SLOTS))
        return false;
    for (u32 slot = 0; slot < MAP_BUCKET_SLOTS; slot++) {
        if (slot >= at->fill) {
            if (at->hashes[slot] != 0 || at->indexes[slot] != 0)
                return false;
            continue;
        }
        const u64 hash = map->records.hash_of(map->records.context, at->indexes[slot]);
        if (map_bucket_of(map, hash) != bucket || map_hash_low(hash) != at->hashes[slot])
            return false;
    }
    *count += at->fill;
    return true;
}

bool map_valid(const struct map *map)
{
    if (map->bucket_count <= map->level_mask || map->bucket_count > 2 * (map->level_mask + 1) ||
        !IS_POWER_OF_TWO(map->level_mask + 1))
        return false;
    if (!pool_valid(&map->buckets) || !pool_valid(&map->overflow))
        return false;
    u32 count = 0;
    u32 overflow_count = 0;
    for (u32 bucket = 0; bucket < map->bucket_count; bucket++) {
        const struct map_bucket *at = map_bucket_at(map, bucket);
        if (!is_bucket_valid(map, at, bucket, &count))
            return false;
        while ((at = next_of(map, at)) != NULL) {
            if (++overflow_count > pool_count(&map->overflow) || at->fill == 0 ||
                at->version != 0 || !is_bucket_valid(map, at, bucket, &count))
                return false;
        }
    }
    return count == map->count && overflow_count == pool_count(&map->overflow) &&
           pool_count(&map->buckets) == map->bucket_count;
}
