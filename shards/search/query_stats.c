/* query_stats: see query_stats.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_stats.h"

#include <string.h>

#include "proto/checksum.h"
#include "proto/text.h"

STATIC_CHECK(2 * sizeof(struct query_table) <= STORE_CHUNK_BYTES);

void query_stats_init(struct query_stats *stats, struct store_memory *memory)
{
    *stats = (struct query_stats){.memory = memory};
}

void query_stats_deinit(struct query_stats *stats)
{
    if (stats->tables != NULL)
        store_memory_release(stats->memory, stats->tables, 2 * sizeof *stats->tables);
    stats->tables = NULL;
}

/* The slot of a hash: that of its counter, or the free one where it would be. */
static u32 slot_of(const struct query_table *table, u64 hash)
{
    u32 slot = (u32)hash % QUERY_STATS_SLOTS;
    while (table->slots[slot] != 0 && table->counters[table->slots[slot] - 1].hash != hash)
        slot = (slot + 1) % QUERY_STATS_SLOTS; /* ends: three in four are free */
    return slot;
}

/* Frees the slot and closes the gap, so that no search is cut short. */
static void drop_slot(struct query_table *table, u64 hash)
{
    u32 gap = slot_of(table, hash);
    MUST(table->slots[gap] != 0);
    for (u32 at = (gap + 1) % QUERY_STATS_SLOTS; table->slots[at] != 0;
         at = (at + 1) % QUERY_STATS_SLOTS) {
        const u32 home = (u32)table->counters[table->slots[at] - 1].hash % QUERY_STATS_SLOTS;
        const u32 from_home = (at + QUERY_STATS_SLOTS - home) % QUERY_STATS_SLOTS;
        if (from_home < (at + QUERY_STATS_SLOTS - gap) % QUERY_STATS_SLOTS)
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap] = 0;
}

static void put_in_heap(struct query_table *table, u32 place, u32 counter)
{
    table->heap[place] = counter;
    table->counters[counter].place = place;
}

/* A count has grown: its counter sinks. */
static void sink(struct query_table *table, u32 counter)
{
    u32 at = table->counters[counter].place;
    const u64 count = table->counters[counter].count;
    for (u32 child; (child = 2 * at + 1) < table->count; at = child) {
        if (child + 1 < table->count && table->counters[table->heap[child + 1]].count <
                                            table->counters[table->heap[child]].count)
            child++;
        if (table->counters[table->heap[child]].count >= count)
            break;
        put_in_heap(table, at, table->heap[child]);
    }
    put_in_heap(table, at, counter);
}

static u32 take_counter(struct query_table *table, u64 hash, const struct text64 *query)
{
    u32 counter = 0;
    if (table->count < QUERY_STATS_ROWS) {
        counter = table->count++;
        table->counters[counter] = (struct query_counter){0};
        /* The last leaf with the least count: up to the root. */
        u32 at = counter;
        for (; at != 0 && table->counters[table->heap[(at - 1) / 2]].count > 0; at = (at - 1) / 2)
            put_in_heap(table, at, table->heap[(at - 1) / 2]);
        put_in_heap(table, at, counter);
    } else {
        counter = table->heap[0];
        drop_slot(table, table->counters[counter].hash);
        table->counters[counter].error = table->counters[counter].count;
        table->counters[counter].empty = 0;
    }
    table->counters[counter].hash = hash;
    table->counters[counter].query = *query;
    table->slots[slot_of(table, hash)] = (u16)(counter + 1);
    return counter;
}

static void count(struct query_table *table, u64 hash, const struct text64 *query, bool is_empty,
                  u64 now_ns)
{
    const u16 known = table->slots[slot_of(table, hash)];
    const u32 at = known != 0 ? known - 1u : take_counter(table, hash, query);
    struct query_counter *counter = &table->counters[at];
    counter->count++;
    counter->empty += is_empty ? 1 : 0;
    counter->last_ns = now_ns;
    sink(table, at);
}

void query_stats_see(struct query_stats *stats, struct span query, u64 total, u64 now_ns)
{
    if (query.bytes == 0)
        return;
    if (stats->tables == NULL)
        stats->tables = store_memory_acquire(stats->memory, 2 * sizeof *stats->tables);
    u32 bytes = MIN(query.bytes, TEXT64_BYTES - 1);
    while (bytes < query.bytes && bytes != 0 && (query.data[bytes] & 0xc0) == 0x80)
        bytes--; /* not in the middle of a character */
    const struct text64 text = text64_of((const char *)query.data, bytes);
    const u64 hash = checksum64(&text, sizeof text);
    stats->asked++;
    count(&stats->tables[0], hash, &text, total == 0, now_ns);
    if (total == 0) {
        stats->empty++;
        count(&stats->tables[1], hash, &text, true, now_ns);
    }
}

static struct row_query_count row_of(const struct query_counter *counter)
{
    return (struct row_query_count){.asked = counter->count - counter->error,
                                    .empty = counter->empty,
                                    .last_ns = counter->last_ns,
                                    .query = counter->query};
}

static bool row_precedes(const struct row_query_count *a, const struct row_query_count *b)
{
    return a->asked != b->asked ? a->asked > b->asked
                                : memcmp(&a->query, &b->query, sizeof a->query) < 0;
}

u32 query_stats_rows(const struct query_stats *stats, bool hopeless, struct row_query_count *rows,
                     u32 limit)
{
    if (stats->tables == NULL)
        return 0;
    const struct query_table *table = &stats->tables[hopeless ? 1 : 0];
    u32 used = 0;
    for (u32 i = 0; i < table->count; i++) {
        const struct row_query_count row = row_of(&table->counters[i]);
        if (used == limit && (used == 0 || !row_precedes(&row, &rows[used - 1])))
            continue;
        u32 at = used < limit ? used++ : used - 1;
        for (; at != 0 && row_precedes(&row, &rows[at - 1]); at--)
            rows[at] = rows[at - 1];
        rows[at] = row;
    }
    return used;
}

static bool table_valid(const struct query_table *table)
{
    u32 used = 0;
    for (u32 i = 0; i < table->count; i++) {
        const struct query_counter *counter = &table->counters[table->heap[i]];
        if (counter->place != i || counter->error > counter->count)
            return false;
        if (i != 0 && table->counters[table->heap[(i - 1) / 2]].count > counter->count)
            return false;
        if (table->slots[slot_of(table, counter->hash)] != table->heap[i] + 1)
            return false;
    }
    for (u32 i = 0; i < QUERY_STATS_SLOTS; i++)
        used += table->slots[i] != 0 ? 1 : 0;
    return used == table->count;
}

bool query_stats_valid(const struct query_stats *stats)
{
    return stats->tables == NULL ||
           (table_valid(&stats->tables[0]) && table_valid(&stats->tables[1]));
}
