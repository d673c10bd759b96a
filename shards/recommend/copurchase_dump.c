/* copurchase_dump: tables of products bought together, on their way into a snapshot and back.
 *
 *      piece     product, baskets, how many slots in all, which of them follow
 *      row       partner, epoch, level, count: 16 bytes, sorted by these
 *
 * Names are not dumped: whoever is named in a row, or has a table, gets one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/route.h"
#include "shards/recommend/copurchase.h"

struct dump_copurchase {
    u64 product_id;
    u32 baskets[COPURCHASE_RING];
    u16 epoch;
    u16 level;
    u32 total;
    u32 offset;
    u32 count;
};
STATIC_CHECK(sizeof(struct dump_copurchase) == 56);

struct dump_row {
    u64 partner_id;
    u16 epoch;
    u16 level;
    u32 count;
};
STATIC_CHECK(sizeof(struct dump_row) == 16);

#define PIECE_ROWS 2048u
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_copurchase) +
                 PIECE_ROWS * sizeof(struct dump_row) <=
             DUMP_RECORD_BYTES_MAX);

/* ---- out ---- */

static bool precedes(const struct dump_row *a, const struct dump_row *b)
{
    if (a->partner_id != b->partner_id)
        return a->partner_id < b->partner_id;
    return a->epoch != b->epoch ? a->epoch < b->epoch : a->level < b->level;
}

static void sift(struct dump_row *rows, u32 count, u32 at)
{
    const struct dump_row row = rows[at];
    for (u32 child; (child = 2 * at + 1) < count; at = child) { /* ends: a level down each time */
        if (child + 1 < count && precedes(&rows[child], &rows[child + 1]))
            child++;
        if (!precedes(&row, &rows[child]))
            break;
        rows[at] = rows[child];
    }
    rows[at] = row;
}

static void sort_rows(struct dump_row *rows, u32 count)
{
    for (u32 at = count / 2; at > 0; at--)
        sift(rows, count, at - 1);
    for (u32 last = count; last > 1; last--) {
        const struct dump_row greatest = rows[0];
        rows[0] = rows[last - 1];
        rows[last - 1] = greatest;
        sift(rows, last - 1, 0);
    }
}

static bool is_current(u32 epoch, u32 table_epoch)
{
    const u32 age = (table_epoch - epoch) & 0xFFF;
    return age < COPURCHASE_EPOCHS || age >= 0x800;
}

static u32 rows_of(const struct copurchase *room, const struct copurchase_table *table,
                   struct dump_row *rows)
{
    const u32 capacity = copurchase_capacity(table);
    u32 count = 0;
    for (u32 i = 0; i < capacity; i++) {
        const u64 slot = table->slots[i];
        if (slot == 0 || !is_current(copurchase_slot_epoch(slot), table->epoch))
            continue;
        MUST(count < table->used);
        rows[count++] = (struct dump_row){
            .partner_id = copurchase_name_at(room, copurchase_slot_name(slot))->product_id,
            .epoch = (u16)copurchase_slot_epoch(slot),
            .level = (u16)copurchase_slot_level(slot),
            .count = copurchase_slot_count(slot)};
    }
    sort_rows(rows, count);
    return count;
}

static void dump_table(struct copurchase *room, const struct copurchase_name *name,
                       struct dump_sink *sink)
{
    const struct copurchase_table *table = copurchase_table_at(room, name->table);
    const size_t row_bytes = table->used * sizeof(struct dump_row);
    struct dump_row *rows = arena_acquire(room->arena, row_bytes);
    struct dump_copurchase fixed = {.product_id = name->product_id,
                                    .epoch = table->epoch,
                                    .level = table->level,
                                    .total = rows_of(room, table, rows)};
    memcpy(fixed.baskets, table->baskets, sizeof fixed.baskets);
    do { /* ends: a piece further each time */
        fixed.count = MIN(fixed.total - fixed.offset, PIECE_ROWS);
        dump_put(sink, DUMP_KIND_COPURCHASE, &fixed, sizeof fixed, rows + fixed.offset,
                 fixed.count * (u32)sizeof rows[0]);
        fixed.offset += fixed.count;
    } while (fixed.offset < fixed.total);
    arena_release(room->arena, rows, row_bytes);
}

void copurchase_dump_bucket(struct copurchase *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct copurchase_name *name = copurchase_name_at(room, indexes[i]);
        if (name->table != 0)
            dump_table(room, name, sink);
    }
}

/* ---- in ---- */

static const char *piece_invalid(const struct dump_copurchase *fixed, u32 bytes)
{
    u32 baskets = 0;
    for (u32 i = 0; i < COPURCHASE_RING; i++)
        baskets |= fixed->baskets[i];
    if (fixed->product_id == 0 || baskets == 0 || fixed->epoch > 0xFFF ||
        fixed->level > COPURCHASE_LEVELS)
        return "what was bought with a product has a field that cannot be";
    if (fixed->total > COPURCHASE_SLOTS_MAX || fixed->count > PIECE_ROWS ||
        fixed->offset > fixed->total || fixed->count > fixed->total - fixed->offset ||
        bytes != sizeof *fixed + fixed->count * sizeof(struct dump_row))
        return "what was bought with a product has a length that cannot be";
    return NULL;
}

static const char *row_invalid(const struct dump_copurchase *fixed, const struct dump_row *row)
{
    if (row->partner_id == 0 || row->partner_id == fixed->product_id || row->count == 0 ||
        row->count > COPURCHASE_COUNT_MAX || row->epoch > 0xFFF || row->level < fixed->level ||
        row->level >= COPURCHASE_LEVELS || !is_current(row->epoch, fixed->epoch))
        return "what was bought with a product has a row that cannot be";
    return NULL;
}

/* The first piece that comes makes the table; the others must say the same. */
static const char *take_head(struct copurchase *room, const struct dump_copurchase *fixed)
{
    const u32 name = copurchase_name_of(room, fixed->product_id);
    const bool is_new = copurchase_name_at(room, name)->table == 0;
    struct copurchase_table *table = copurchase_table_of(room, name, fixed->epoch);
    if (is_new) {
        table->level = (u8)fixed->level;
        memcpy(table->baskets, fixed->baskets, sizeof table->baskets);
        room->missing += fixed->total;
        return NULL;
    }
    return table->epoch == fixed->epoch && table->level == fixed->level &&
                   memcmp(table->baskets, fixed->baskets, sizeof table->baskets) == 0
               ? NULL
               : "pieces of what was bought with a product do not fit";
}

const char *copurchase_load(struct copurchase *room, const u8 *body, u32 bytes)
{
    struct dump_copurchase fixed;
    if (bytes < sizeof fixed)
        return "what was bought with a product is too short";
    memcpy(&fixed, body, sizeof fixed);
    const char *reason = piece_invalid(&fixed, bytes);
    if (reason == NULL)
        reason = take_head(room, &fixed);
    for (u32 i = 0; reason == NULL && i < fixed.count; i++) {
        struct dump_row row;
        memcpy(&row, body + sizeof fixed + i * sizeof row, sizeof row);
        reason = row_invalid(&fixed, &row);
        if (reason != NULL)
            break;
        const u32 partner = copurchase_name_of(room, row.partner_id);
        const u32 name = copurchase_name_find(room, fixed.product_id);
        struct copurchase_table *table =
            copurchase_table_at(room, copurchase_name_at(room, name)->table);
        if (table->used == COPURCHASE_SLOTS_MAX ||
            !copurchase_slot_load(room, table,
                                  copurchase_key(partner, row.epoch, row.level) | row.count))
            return "what was bought with a product comes twice";
        room->missing--;
    }
    return reason;
}

const char *copurchase_load_finish(struct copurchase *room, u16 shard, u16 shard_count)
{
    if (room->missing != 0)
        return "what was bought with a product lacks a piece";
    for (u32 i = 1; i < room->names.next_fresh; i++) {
        const struct copurchase_name *name = copurchase_name_at(room, i);
        if (name->table != 0 && route_shard(route_hash_u64(name->product_id), shard_count) != shard)
            return "what was bought with a product of another shard";
    }
    return NULL;
}
