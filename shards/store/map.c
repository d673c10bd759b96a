/* map: linear hashing with chains of cache lines; see the header for the layout and invariants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/map.h"

static struct map_bucket *next_of(const struct map *map, const struct map_bucket *bucket)
{
    const u32 link = map_bucket_link(bucket);
    return link == 0 ? NULL : pool_at(&map->overflow, link);
}

/* The bucket that the next split divides. */
static u32 next_split_of(const struct map *map)
{
    return map->bucket_count - (map->level_mask + 1);
}

/* Makes the next bucket, empty. */
static struct map_bucket *append_bucket(struct map *map)
{
    MUST(map->bucket_count < MAP_BUCKET_COUNT_MAX);
    const u32 record = pool_acquire(&map->buckets);
    MUST(record == map->bucket_count + 1);
    map->bucket_count++;
    return map_bucket_at(map, map->bucket_count - 1);
}

/* Adds to the end of a chain, which keeps it packed. */
static void chain_append(struct map *map, struct map_bucket *bucket, u8 tag, u32 index)
{
    for (struct map_bucket *next; (next = next_of(map, bucket)) != NULL;)
        bucket = next;
    u32 slot = map_bucket_fill(bucket);
    if (UNLIKELY(slot == MAP_BUCKET_SLOTS)) {
        const u32 link = pool_acquire(&map->overflow);
        MUST(link <= MAP_OVERFLOW_MAX);
        MUST(map_bucket_link(bucket) == 0);
        bucket->link_version |= link;
        bucket = pool_at(&map->overflow, link);
        slot = 0;
    }
    MUST(bucket->tags[slot] == 0);
    bucket->tags[slot] = tag;
    bucket->indexes[slot] = index;
}

/* Takes the last entry of a chain out and returns its index; an overflow bucket that becomes empty
 * is given back. Puts the entry's tag into *tag. */
static u32 chain_take_last(struct map *map, struct map_bucket *bucket, u8 *tag)
{
    struct map_bucket *before = NULL;
    for (struct map_bucket *next; (next = next_of(map, bucket)) != NULL; bucket = next)
        before = bucket;
    const u32 fill = map_bucket_fill(bucket);
    MUST(fill > 0);
    const u32 index = bucket->indexes[fill - 1];
    *tag = bucket->tags[fill - 1];
    bucket->tags[fill - 1] = 0;
    bucket->indexes[fill - 1] = 0;
    if (fill == 1 && before != NULL) {
        u32 link = map_bucket_link(before);
        before->link_version &= ~MAP_LINK_MASK;
        pool_release(&map->overflow, &link);
    }
    return index;
}

/* Where in its chain an index is; NULL if it is not there. */
static u32 *chain_find(const struct map *map, struct map_bucket *bucket, u8 tag, u32 index,
                       u8 **tag_at)
{
    for (; bucket != NULL; bucket = next_of(map, bucket)) {
        u32 matches = map_bucket_match(bucket, tag);
        for (; matches != 0; matches &= matches - 1) {
            const u32 slot = (u32)__builtin_ctz(matches);
            if (bucket->indexes[slot] != index)
                continue;
            *tag_at = &bucket->tags[slot];
            return &bucket->indexes[slot];
        }
    }
    return NULL;
}

static void prefetch_records(const struct map *map, const struct map_bucket *bucket)
{
    if (map->records.prefetch == NULL)
        return;
    const u32 fill = map_bucket_fill(bucket);
    for (u32 slot = 0; slot < fill; slot++)
        map->records.prefetch(map->records.context, bucket->indexes[slot]);
}

/* Gives the entries of a copied bucket to the two buckets of a split. */
static void distribute(struct map *map, const struct map_bucket *from, u32 low, u32 high)
{
    prefetch_records(map, from);
    const u32 fill = map_bucket_fill(from);
    for (u32 slot = 0; slot < fill; slot++) {
        const u64 hash = map->records.hash_of(map->records.context, from->indexes[slot]);
        const u32 bucket = map_bucket_of(map, hash);
        MUST(bucket == low || bucket == high);
        MUST(map_tag(hash) == from->tags[slot]);
        chain_append(map, map_bucket_at(map, bucket), from->tags[slot], from->indexes[slot]);
    }
}

/* Divides one bucket in two. Its chain is taken apart bucket by bucket: each is copied and given
 * back before its entries are placed, so a split never needs more room than it frees, and one. */
static void split(struct map *map)
{
    const u32 low = next_split_of(map);
    const u32 high = map->bucket_count;
    (void)map_visit(map, low);
    struct map_bucket *source = map_bucket_at(map, low);
    struct map_bucket *target = append_bucket(map);
    if (map->bucket_count == 2 * (map->level_mask + 1))
        map->level_mask = 2 * map->level_mask + 1;
    target->link_version = (u32)map->cut << MAP_LINK_BITS;

    struct map_bucket part = *source;
    *source = (struct map_bucket){.link_version = (u32)map->cut << MAP_LINK_BITS};
    for (;;) { /* ends: the chain is finite */
        u32 link = map_bucket_link(&part);
        distribute(map, &part, low, high);
        if (link == 0)
            break;
        part = *(struct map_bucket *)pool_at(&map->overflow, link);
        pool_release(&map->overflow, &link);
    }
    MUST(map_bucket_version(source) == map_bucket_version(target));
}

/* Splits when the average is reached. One insert earlier the records of the bucket that will be
 * split are brought near, and one before that the bucket itself: a split reads a dozen records at
 * random and would otherwise wait for each. */
static void keep_fill(struct map *map)
{
    const u64 limit = (u64)map->bucket_count * MAP_FILL;
    if (LIKELY(map->count + 1 < limit) || map->bucket_count == MAP_BUCKET_COUNT_MAX)
        return;
    if (map->count > limit)
        split(map);
    else if (map->count == limit)
        prefetch_records(map, map_bucket_at(map, next_split_of(map)));
    else
        store_prefetch(map_bucket_at(map, next_split_of(map)));
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
    u8 *tag_at = NULL;
    struct map_bucket *bucket = map_bucket_at(map, map_bucket_of(map, hash));
    return chain_find(map, bucket, map_tag(hash), index, &tag_at) != NULL;
}

void map_insert(struct map *map, u64 hash, u32 index)
{
    MUST(index != 0);
    MUST(!map->is_in_hook);
    CHECK(!map_has(map, hash, index));
    map_before_change(map, hash);
    chain_append(map, map_bucket_at(map, map_bucket_of(map, hash)), map_tag(hash), index);
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
    u8 *tag_at = NULL;
    u32 *index_at = chain_find(map, bucket, map_tag(hash), index, &tag_at);
    MUST(index_at != NULL);
    u8 last_tag = 0;
    const u32 last = chain_take_last(map, bucket, &last_tag);
    if (last != index) { /* the last entry fills the hole */
        *index_at = last;
        *tag_at = last_tag;
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
    if (map_bucket_version(at) == map->cut)
        return false;
    if (map->hook != NULL) {
        MUST(!map->is_in_hook);
        const u32 count = map->count;
        map->is_in_hook = true;
        map->hook(map->hook_context, map, bucket);
        map->is_in_hook = false;
        MUST(map->count == count);
    }
    at->link_version = map_bucket_link(at) | (u32)map->cut << MAP_LINK_BITS;
    return true;
}

u32 map_bucket_read(const struct map *map, u32 bucket, u32 *out, u32 max)
{
    MUST(bucket < map->bucket_count);
    u32 count = 0;
    const struct map_bucket *at = map_bucket_at(map, bucket);
    for (; at != NULL; at = next_of(map, at)) {
        const u32 fill = map_bucket_fill(at);
        for (u32 slot = 0; slot < fill; slot++, count++)
            if (count < max)
                out[count] = at->indexes[slot];
    }
    return count;
}

void map_prepare(struct map *map, u32 insert_count)
{
    /* Measured: at most 15 overflow buckets to 100 others, but while a level is young they grow as
     * fast as half of the others. */
    pool_prepare(&map->buckets, insert_count / MAP_FILL + 1);
    pool_prepare(&map->overflow, insert_count / MAP_FILL + 1);
}

/* A packed bucket with its entries where they belong. `*count` grows by what it holds. */
static bool is_bucket_valid(const struct map *map, const struct map_bucket *at, u32 bucket,
                            u32 *count)
{
    const u32 fill = map_bucket_fill(at);
    if (map_bucket_link(at) != 0 && fill != MAP_BUCKET_SLOTS)
        return false;
    for (u32 slot = 0; slot < MAP_BUCKET_SLOTS; slot++) {
        if (slot >= fill) {
            if (at->tags[slot] != 0 || at->indexes[slot] != 0)
                return false;
            continue;
        }
        const u64 hash = map->records.hash_of(map->records.context, at->indexes[slot]);
        if (map_bucket_of(map, hash) != bucket || map_tag(hash) != at->tags[slot])
            return false;
    }
    *count += fill;
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
            if (++overflow_count > pool_count(&map->overflow) || map_bucket_fill(at) == 0 ||
                map_bucket_version(at) != 0 || !is_bucket_valid(map, at, bucket, &count))
                return false;
        }
    }
    return count == map->count && overflow_count == pool_count(&map->overflow) &&
           pool_count(&map->buckets) == map->bucket_count;
}
