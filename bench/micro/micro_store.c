/* micro_store: what the containers cost, alone on one core.
 *
 * Prints nanoseconds per operation: finding at random in maps of a thousand and of a million
 * records of 64 bytes, one at a time and in groups of 16 with the three passes that the shards
 * use; inserting; deadlines pushed in order, popped, and taken out at random. Medians of several
 * rounds. Run it pinned: `taskset -c 1 micro_store`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/checksum.h"
#include "shards/store/heap.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

#define ROUNDS       5u
#define GROUP        16u
#define LOOKUP_COUNT (1u << 20)

struct record {
    u64 key;
    u64 payload[7];
};

struct table {
    struct store_memory memory;
    struct pool records;
    struct map map;
    u32 count;
    u32 group_miss_count; /* candidates of the second pass that were not the record */
};

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static u64 hash_key(u64 key)
{
    return checksum64(&key, sizeof key);
}

static u64 record_hash(const void *context, u32 index)
{
    const struct table *table = context;
    return hash_key(((const struct record *)pool_at(&table->records, index))->key);
}

static bool record_equal(const void *context, u32 index, const void *key)
{
    const struct table *table = context;
    return ((const struct record *)pool_at(&table->records, index))->key == *(const u64 *)key;
}

/* Returns ns per insert, the record's own acquire included. */
static double table_fill(struct table *table, u32 count)
{
    *table = (struct table){.count = count};
    store_memory_init(&table->memory);
    pool_init(&table->records, &table->memory, sizeof(struct record));
    map_init(&table->map, &table->memory,
             (struct map_records){.context = table, .hash_of = record_hash});
    const u64 begin_ns = now_ns();
    for (u64 key = 1; key <= count; key++) {
        const u32 index = pool_acquire(&table->records);
        ((struct record *)pool_at(&table->records, index))->key = key;
        map_insert(&table->map, hash_key(key), index);
    }
    return (double)(now_ns() - begin_ns) / count;
}

static void table_empty(struct table *table)
{
    map_deinit(&table->map);
    pool_deinit(&table->records);
}

/* Each lookup's key depends on nothing, as in a batch; the sum keeps the compiler honest. */
static double find_single(const struct table *table, const u64 *keys, u64 *sum)
{
    const u64 begin_ns = now_ns();
    for (u32 i = 0; i < LOOKUP_COUNT; i++)
        *sum += map_find(&table->map, hash_key(keys[i]), record_equal, table, &keys[i]);
    return (double)(now_ns() - begin_ns) / LOOKUP_COUNT;
}

/* As find_single, but the next key is known only when the record has been read. */
static double find_dependent(const struct table *table, const u64 *keys, u64 *sum)
{
    u64 carry = 0;
    const u64 begin_ns = now_ns();
    for (u32 i = 0; i < LOOKUP_COUNT; i++) {
        const u64 key = keys[i] + carry;
        const u32 index = map_find(&table->map, hash_key(key), record_equal, table, &key);
        carry = ((const struct record *)pool_at(&table->records, index))->payload[0]; /* 0 */
        *sum += index;
    }
    return (double)(now_ns() - begin_ns) / LOOKUP_COUNT;
}

static double find_grouped(const struct table *table, const u64 *keys, u64 *sum)
{
    const u64 begin_ns = now_ns();
    for (u32 group = 0; group < LOOKUP_COUNT; group += GROUP) {
        u64 hashes[GROUP];
        for (u32 i = 0; i < GROUP; i++) {
            hashes[i] = hash_key(keys[group + i]);
            map_prefetch(&table->map, hashes[i]);
        }
        for (u32 i = 0; i < GROUP; i++) {
            const u32 candidate = map_first_candidate(&table->map, hashes[i]);
            if (candidate != 0)
                pool_prefetch(&table->records, candidate);
        }
        for (u32 i = 0; i < GROUP; i++)
            *sum += map_find(&table->map, hashes[i], record_equal, table, &keys[group + i]);
    }
    return (double)(now_ns() - begin_ns) / LOOKUP_COUNT;
}

static int compare_double(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare_double);
    return values[ROUNDS / 2];
}

static void measure_map(u32 count)
{
    double insert[ROUNDS];
    double single[ROUNDS];
    double dependent[ROUNDS];
    double grouped[ROUNDS];
    u64 *keys = malloc(LOOKUP_COUNT * sizeof *keys);
    u64 sum = 0;
    u64 map_bytes = 0;
    if (keys == NULL)
        exit(1);
    for (u32 round = 0; round < ROUNDS; round++) {
        struct table table;
        insert[round] = table_fill(&table, count);
        for (u32 i = 0; i < LOOKUP_COUNT; i++)
            keys[i] = 1 + hash_key(i + round * (u64)LOOKUP_COUNT) % count;
        single[round] = find_single(&table, keys, &sum);
        dependent[round] = find_dependent(&table, keys, &sum);
        grouped[round] = find_grouped(&table, keys, &sum);
        map_bytes = 64ull * (pool_count(&table.map.buckets) + pool_count(&table.map.overflow));
        table_empty(&table);
    }
    printf("map %8u keys: find one %5.1f  dependent %5.1f  in groups of %u %5.1f  insert %5.1f ns; "
           "%.2f bytes per key (%llx)\n",
           count, median(single), median(dependent), GROUP, median(grouped), median(insert),
           (double)map_bytes / count, (unsigned long long)sum);
    free(keys);
}

static void on_moved(void *context, u32 item, u32 position)
{
    ((u32 *)context)[item] = position;
}

static void measure_heap(u32 count)
{
    double push[ROUNDS];
    double removal[ROUNDS];
    double pop[ROUNDS];
    u32 *positions = calloc(count, sizeof *positions);
    if (positions == NULL)
        exit(1);
    for (u32 round = 0; round < ROUNDS; round++) {
        struct store_memory memory;
        struct arena arena;
        struct heap heap = {0};
        store_memory_init(&memory);
        arena_init(&arena, &memory);
        const struct heap_owner owner = {.arena = &arena, .context = positions, .moved = on_moved};
        u64 begin_ns = now_ns();
        for (u32 i = 0; i < count; i++)
            heap_push(&heap, &owner, i, i);
        push[round] = (double)(now_ns() - begin_ns) / count;
        begin_ns = now_ns();
        for (u32 i = 0; i < count / 2; i++) /* an odd factor visits each item once */
            heap_remove(&heap, &owner, positions[(i * 2654435761u) & (count - 1)]);
        removal[round] = (double)(now_ns() - begin_ns) / (count / 2);
        begin_ns = now_ns();
        while (heap_count(&heap) > 0)
            heap_pop(&heap, &owner);
        pop[round] = (double)(now_ns() - begin_ns) / (count - count / 2);
        arena_deinit(&arena);
    }
    printf("heap %7u entries: push in order %5.1f  remove at random %5.1f  pop %5.1f ns\n", count,
           median(push), median(removal), median(pop));
    free(positions);
}

static double measure_arena_pairs(struct arena *arena)
{
    const u64 begin_ns = now_ns();
    for (u32 i = 0; i < LOOKUP_COUNT; i++)
        arena_release(arena, arena_acquire(arena, 100 + i % 28), 100 + i % 28);
    return (double)(now_ns() - begin_ns) / LOOKUP_COUNT;
}

static void measure_pools(void)
{
    double record[ROUNDS];
    double among_others[ROUNDS];
    double alone[ROUNDS]; /* the run comes and goes with its only object */
    for (u32 round = 0; round < ROUNDS; round++) {
        struct store_memory memory;
        struct pool pool;
        struct arena arena;
        store_memory_init(&memory);
        pool_init(&pool, &memory, 64);
        arena_init(&arena, &memory);
        const u64 begin_ns = now_ns();
        for (u32 i = 0; i < LOOKUP_COUNT; i++) {
            u32 index = pool_acquire(&pool);
            pool_release(&pool, &index);
        }
        record[round] = (double)(now_ns() - begin_ns) / LOOKUP_COUNT;
        alone[round] = measure_arena_pairs(&arena);
        void *other = arena_acquire(&arena, 128);
        among_others[round] = measure_arena_pairs(&arena);
        arena_release(&arena, other, 128);
        arena_deinit(&arena);
        pool_deinit(&pool);
    }
    printf("pool acquire + release %.1f ns; arena acquire + release %.1f ns, as the only object of "
           "its class %.1f ns\n",
           median(record), median(among_others), median(alone));
}

int main(void)
{
    measure_map(1000);
    measure_map(1000000);
    measure_map(1500000); /* half way through a level: the longest chains */
    measure_heap(1u << 12);
    measure_heap(1u << 20);
    measure_pools();
    return 0;
}
