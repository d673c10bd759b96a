/* copurchase: which products were bought together, counted from paid orders, and exactly taken back.
 *
 *      map names -> name (product id) -> table, of products of this shard -> slots in the arena
 *
 *      slot, 8 bytes     partner (index of its name, mixed)  32 | epoch  12 | level  4 | count  16
 *
 * An epoch is 90 days of log time, counted from 1970; a basket belongs to that in which it was paid.
 * The last four count, by weights that are applied when the table is read: so counting and taking
 * back are additions and subtractions, which may come in any order.
 *
 * A level is a property of the order alone: how many pairs of zeros the hash of its id ends with, so
 * that three quarters of all orders have level 0, three sixteenths level 1, and so on. A table that would
 * get more slots than it may have, or a count too large for its slot, forgets the lowest level that it has
 * and never counts it again: from then on it knows a quarter of the baskets, and what it says is scaled. Which baskets those are
 * is nothing that depends on what came before.
 *
 * Invariants
 *   I1  a table has, for each basket that is counted, not taken back, of a level that the table has,
 *       and of the last four epochs, one in the slot of each partner; and nothing else of these epochs.
 *   I2  a slot's count is not 0; used is the number of slots; used <= COPURCHASE_SLOTS_MAX.
 *   I3  baskets[epoch % 8] is exact, whatever the level of the table; epochs from `epoch` - 3 on.
 *   I4  slots are sorted, with gaps: each lies at its home, which its upper 32 bits say, or after it,
 *       with no gap between. So a partner's slots lie side by side, and a table is read in one pass.
 *   I5  there is a table exactly if it has baskets. Slots of older epochs may lie in it until it is
 *       built anew; they are neither read nor dumped, and give way before a level is forgotten.
 *   I6  leaders, where there are any, are the best partners as the slots say, by the weights of `epoch`,
 *       the best first.
 * Ownership  tables and names belong to the room, slots to the arena. A name stays for ever: 16 bytes
 *            and its place in the map, per product that was ever bought with one of this shard.
 * Happy path copurchase_change with the products of a basket, n of which are of this shard:
 *            n (b - 1) slots, b <= 20, whatever was counted before. Tables grow by half or by a third.
 * Failure    no memory is a panic. What is to be taken back and is not there is counted in `lost` and
 *            left alone: clocks of two shards more than a year apart could bring that about.
 * Not here   who tells of baskets: shards/order/order_basket.c. What is made of the counts:
 *            shards/recommend/recommend_part.c and shards/gather/gather_recommend.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_RECOMMEND_COPURCHASE_H
#define SOUK_SHARDS_RECOMMEND_COPURCHASE_H

#include "proto/id.h"
#include "proto/limits.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

#define COPURCHASE_EPOCH_NS  (90ull * 24 * 3600 * NS_PER_S)
#define COPURCHASE_EPOCHS    4u
#define COPURCHASE_RING      8u
#define COPURCHASE_SLOTS_MAX 8192u
#define COPURCHASE_LEVELS    8u
/* Of a table with all slots that it may have. */
#define COPURCHASE_TABLE_BYTES_MAX (128u << 10)
#define COPURCHASE_COUNT_MAX       65535u

struct copurchase_name {
    u64 product_id;
    u32 table; /* 0 = none */
    u32 zero0;
};
STATIC_CHECK(sizeof(struct copurchase_name) == 16);

/* The partners with the greatest weights of a table with more of them: soft, made by a read, kept up by
 * what is counted, and dropped when something is taken back from one of them or an epoch ends. */
#define COPURCHASE_BEST_MAX 63u
struct copurchase_leader {
    u64 weight;
    u32 name;
    u32 support;
};
struct copurchase_leaders {
    u16 epoch; /* by which the weights are */
    u16 count;
    u32 zero0;
    u64 zero1;
    struct copurchase_leader of[COPURCHASE_BEST_MAX]; /* the best first */
};
STATIC_CHECK(sizeof(struct copurchase_leaders) == 1024);

struct copurchase_table {
    u64 *slots;                         /* NULL: none yet */
    struct copurchase_leaders *leaders; /* (soft) NULL: none */
    u32 used;
    u16 epoch; /* of the last change */
    u8 level;  /* the lowest that it has */
    u8 class;  /* of the arena: how large the slots are */
    u32 baskets[COPURCHASE_RING];
    u64 zero0; /* one line of the cache for each */
};
STATIC_CHECK(sizeof(struct copurchase_table) == 64);

struct copurchase {
    struct pool names;
    struct pool tables;
    struct map map;
    struct arena *arena;
    struct arena *soft; /* of the leaders */
    u64 slot_bytes;     /* (soft) of all tables */
    u64 slot_count;     /* (soft) */
    u64 thinned;        /* (soft) how often a table has forgotten a level */
    u64 lost;           /* (soft) */
    u64 missing;        /* (soft) while loading: slots that were announced, less those that came */
};

/* What an order has told: `products` without repetition, the first own_count of this shard. */
struct copurchase_basket {
    const u64 *products;
    u32 count;
    u32 own_count;
    struct id128 order;
    u64 bought_at_ns;
    bool is_taken_back;
};

/* A partner, as it is read: weighted by age, scaled by level. */
struct copurchase_partner {
    u64 product_id;
    u64 weight;
    u32 support; /* baskets, not weighted */
    u32 name;    /* its number in this shard: where to look first */
};

/* What is soft lies in an arena of its own, so that reads do not change what admission counts. */
void copurchase_init(struct copurchase *room, struct store_memory *memory, struct arena *arena,
                     struct arena *soft);
void copurchase_deinit(struct copurchase *room);

/* Counts a basket or takes it back. */
void copurchase_change(struct copurchase *room, const struct copurchase_basket *basket, u64 now_ns);

/* The second pass over a group of products, after map_prefetch. */
void copurchase_prefetch(const struct copurchase *room, u64 hash);
/* Is this the index of the product's name? Any number is allowed. */
bool copurchase_is_name(const struct copurchase *room, u32 name, u64 product_id);
/* The third: index of the name, 0 = none. */
u32 copurchase_find(const struct copurchase *room, u64 hash, u64 product_id);
void copurchase_prefetch_table(const struct copurchase *room, u32 name);

/* Of a name, or of 0: slots of its table, what a read of it costs. */
u32 copurchase_size(const struct copurchase *room, u32 name);
/* Baskets with the product, weighted by age; and without weights. */
u64 copurchase_baskets(const struct copurchase *room, u32 name, u64 now_ns);
u32 copurchase_support(const struct copurchase *room, u32 name, u64 now_ns);
/* The best partners by weight, then by the lesser id: at most `most`, at most COPURCHASE_BEST_MAX, in no
 * order. Changes what is soft. */
u32 copurchase_best(struct copurchase *room, u32 name, u64 now_ns, u32 most,
                    struct copurchase_partner *to);

/* What tables, their slots, and names take up, but for what is soft. */
u64 copurchase_bytes(const struct copurchase *room);

/* How much a basket counts that is so many epochs old. */
u32 copurchase_weight(u32 age);

/* Which of an order's products count, if there are too many: those with the least of these. */
static inline u64 copurchase_lot(struct id128 order, u64 product_id)
{
    const struct {
        struct id128 order;
        u64 product_id;
    } key = {order, product_id};
    return checksum64(&key, sizeof key);
}

/* ---- copurchase_dump.c ---- */
void copurchase_dump_bucket(struct copurchase *room, u32 bucket, struct dump_sink *sink);
const char *copurchase_load(struct copurchase *room, const u8 *body, u32 bytes);
/* All have come. NULL or the reason. */
const char *copurchase_load_finish(struct copurchase *room, u16 shard, u16 shard_count);

/* ---- for the files of this room ---- */

/* Index of a product's name, 0 = there is none; made if there is none. */
u32 copurchase_name_find(const struct copurchase *room, u64 product_id);
u32 copurchase_name_of(struct copurchase *room, u64 product_id);
static inline struct copurchase_name *copurchase_name_at(const struct copurchase *room, u32 index)
{
    return pool_at_sized(&room->names, index, sizeof(struct copurchase_name));
}
static inline struct copurchase_table *copurchase_table_at(const struct copurchase *room, u32 index)
{
    return pool_at_sized(&room->tables, index, sizeof(struct copurchase_table));
}
/* The table of a name, made if there is none. */
struct copurchase_table *copurchase_table_of(struct copurchase *room, u32 name, u32 epoch);
static inline u32 copurchase_capacity(const struct copurchase_table *table)
{
    return table->slots == NULL ? 0 : arena_class_bytes(table->class) / (u32)sizeof(u64);
}

/* Numbers of names spread over all of 32 bits, and back. */
static inline u32 copurchase_mix(u32 name)
{
    return name * 0x9E3779B1u;
}
static inline u32 copurchase_unmix(u32 mixed)
{
    return mixed * 0x0E8B2F51u;
}

/* The fields of a slot. */
static inline u64 copurchase_key(u32 name, u32 epoch, u32 level)
{
    return (u64)copurchase_mix(name) << 32 | (u64)(epoch & 0xFFF) << 20 | (u64)level << 16;
}
static inline u32 copurchase_slot_name(u64 slot)
{
    return copurchase_unmix((u32)(slot >> 32));
}
static inline u32 copurchase_slot_epoch(u64 slot)
{
    return (u32)(slot >> 20 & 0xFFF);
}
static inline u32 copurchase_slot_level(u64 slot)
{
    return (u32)(slot >> 16 & 15);
}
static inline u32 copurchase_slot_count(u64 slot)
{
    return (u32)(slot & 0xFFFF);
}
static inline u32 copurchase_epoch(u64 time_ns)
{
    return (u32)(time_ns / COPURCHASE_EPOCH_NS) & 0xFFF;
}
/* A slot of a dump. False: it is there already. */
bool copurchase_slot_load(struct copurchase *room, struct copurchase_table *table, u64 slot);
/* Walks all tables: I1 as far as one table shows it, I2, I4, I5. */
bool copurchase_valid(const struct copurchase *room);

#endif
