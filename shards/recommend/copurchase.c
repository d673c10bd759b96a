/* copurchase: see shards/recommend/copurchase.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/recommend/copurchase.h"

#include <string.h>

#include "proto/route.h"

#define KEY_MASK 0xFFFFFFFFFFFF0000ull

/* In which the slots of a table are added up. */
#define PLACES_MAX 16384u

static u64 hash_of_name(const void *context, u32 index)
{
    return route_hash_u64(copurchase_name_at(context, index)->product_id);
}

static bool is_named(const void *context, u32 index, const void *key)
{
    return copurchase_name_at(context, index)->product_id == *(const u64 *)key;
}

void copurchase_init(struct copurchase *room, struct store_memory *memory, struct arena *arena)
{
    *room = (struct copurchase){.arena = arena};
    pool_init(&room->names, memory, sizeof(struct copurchase_name));
    pool_init(&room->tables, memory, sizeof(struct copurchase_table));
    map_init(&room->map, memory, (struct map_records){.context = room, .hash_of = hash_of_name});
}

void copurchase_deinit(struct copurchase *room)
{
    map_deinit(&room->map);
    pool_deinit(&room->tables);
    pool_deinit(&room->names);
}

u32 copurchase_name_find(const struct copurchase *room, u64 product_id)
{
    return map_find(&room->map, route_hash_u64(product_id), is_named, room, &product_id);
}

u32 copurchase_name_of(struct copurchase *room, u64 product_id)
{
    const u64 hash = route_hash_u64(product_id);
    u32 index = map_find(&room->map, hash, is_named, room, &product_id);
    if (index != 0)
        return index;
    index = pool_acquire(&room->names);
    copurchase_name_at(room, index)->product_id = product_id;
    map_insert(&room->map, hash, index);
    return index;
}

struct copurchase_table *copurchase_table_of(struct copurchase *room, u32 index, u32 epoch)
{
    struct copurchase_name *name = copurchase_name_at(room, index);
    if (name->table == 0) {
        name->table = pool_acquire(&room->tables);
        copurchase_table_at(room, name->table)->epoch = (u16)epoch;
    }
    return copurchase_table_at(room, name->table);
}

/* ---- slots ---- */

/* How many epochs ago, 0 for what is still to come: epochs are numbers of 12 bits, a thousand years. */
static u32 age_of(u32 epoch, u32 now_epoch)
{
    const u32 age = (now_epoch - epoch) & 0xFFF;
    return age < 0x800 ? age : 0;
}

static u32 home_of(u64 slot, u32 capacity)
{
    const u32 mixed = (u32)((slot >> 16) * 0x9E3779B97F4A7C15ull >> 32);
    return (u32)((u64)mixed * capacity >> 32);
}

/* The place of a key, or the empty one where it would be. */
static u32 place_of(const struct copurchase_table *table, u64 key, u32 capacity)
{
    u32 at = home_of(key, capacity);
    while (table->slots[at] != 0 && (table->slots[at] & KEY_MASK) != (key & KEY_MASK))
        at = at + 1 == capacity ? 0 : at + 1; /* ends: a table is never full */
    return at;
}

/* Takes a slot out and moves those up that would not be found any more. */
static void remove_at(struct copurchase *room, struct copurchase_table *table, u32 hole)
{
    const u32 capacity = copurchase_capacity(table);
    u32 at = hole;
    for (;;) { /* ends: a table is never full */
        at = at + 1 == capacity ? 0 : at + 1;
        if (table->slots[at] == 0)
            break;
        const u32 home = home_of(table->slots[at], capacity);
        /* May stay if its home lies cyclically in (hole, at]. */
        const bool stays = hole < at ? home > hole && home <= at : home > hole || home <= at;
        if (stays)
            continue;
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole] = 0;
    table->used--;
    room->slot_count--;
}

static void release_slots(struct copurchase *room, struct copurchase_table *table)
{
    if (table->slots == NULL)
        return;
    const u32 bytes = arena_class_bytes(table->class);
    room->slot_bytes -= bytes;
    room->slot_count -= table->used;
    arena_release(room->arena, table->slots, bytes);
    table->slots = NULL;
    table->used = 0;
}

/* Moves all slots that are of a level that the table has and not too old into `class`. */
static void rebuild(struct copurchase *room, struct copurchase_table *table, u32 class,
                    u32 now_epoch)
{
    const struct copurchase_table before = *table;
    const u32 before_capacity = copurchase_capacity(&before);
    const u32 bytes = arena_class_bytes(class);
    table->slots = arena_acquire(room->arena, bytes);
    memset(table->slots, 0, bytes);
    table->class = (u8) class;
    table->used = 0;
    const u32 capacity = copurchase_capacity(table);
    for (u32 i = 0; i < before_capacity; i++) {
        const u64 slot = before.slots[i];
        if (slot == 0 || copurchase_slot_level(slot) < table->level ||
            age_of(copurchase_slot_epoch(slot), now_epoch) >= COPURCHASE_EPOCHS)
            continue;
        table->slots[place_of(table, slot, capacity)] = slot;
        table->used++;
    }
    room->slot_bytes += bytes;
    room->slot_count += table->used;
    struct copurchase_table old = before;
    release_slots(room, &old);
    MUST(table->used < capacity);
}

/* 13 of 16 places may be taken: an insert looks at about 15 of them then, at 3 on the average. */
static bool is_crowded(u32 used, u32 capacity)
{
    return used * 16 > capacity * 13;
}

/* The smallest class in which so many slots are not crowded. */
static u32 class_for(u32 used)
{
    u32 class = 0;
    while (is_crowded(used, arena_class_bytes(class) / (u32)sizeof(u64)))
        class ++;
    MUST(class < ARENA_CLASS_COUNT);
    return class;
}

/* Forgets all levels below `level`. */
static void thin(struct copurchase *room, struct copurchase_table *table, u32 level, u32 now_epoch)
{
    MUST(level > table->level && level <= COPURCHASE_LEVELS);
    table->level = (u8)level;
    room->thinned++;
    rebuild(room, table, table->class, now_epoch);
}

/* Room for one more slot: false, if the table does not have its level any more. */
static bool make_room(struct copurchase *room, struct copurchase_table *table, u64 key,
                      u32 now_epoch)
{
    if (table->slots == NULL)
        rebuild(room, table, class_for(1), now_epoch);
    if (table->used == COPURCHASE_SLOTS_MAX)
        rebuild(room, table, table->class, now_epoch); /* what is too old goes first */
    while (table->used == COPURCHASE_SLOTS_MAX)        /* ends: there are 8 levels */
        thin(room, table, table->level + 1u, now_epoch);
    if (copurchase_slot_level(key) < table->level)
        return false;
    if (is_crowded(table->used + 1, copurchase_capacity(table)))
        rebuild(room, table, class_for(table->used + 1), now_epoch);
    return true;
}

/* A new slot of a key that is not there; the table may forget a level instead. */
static void put_slot(struct copurchase *room, struct copurchase_table *table, u64 slot,
                     u32 now_epoch)
{
    if (!make_room(room, table, slot, now_epoch))
        return;
    const u32 at = place_of(table, slot, copurchase_capacity(table));
    MUST(table->slots[at] == 0);
    table->slots[at] = slot;
    table->used++;
    room->slot_count++;
    MUST(table->used <= COPURCHASE_SLOTS_MAX); /* I2 */
}

bool copurchase_slot_load(struct copurchase *room, struct copurchase_table *table, u64 slot)
{
    if (table->slots != NULL &&
        table->slots[place_of(table, slot, copurchase_capacity(table))] != 0)
        return false;
    put_slot(room, table, slot, table->epoch);
    return true;
}

static void add_pair(struct copurchase *room, struct copurchase_table *table, u64 key,
                     u32 now_epoch)
{
    if (copurchase_slot_level(key) < table->level)
        return;
    if (table->slots != NULL) {
        const u32 at = place_of(table, key, copurchase_capacity(table));
        if (table->slots[at] != 0) {
            if (LIKELY(copurchase_slot_count(table->slots[at]) < COPURCHASE_COUNT_MAX))
                table->slots[at]++;
            else
                thin(room, table, copurchase_slot_level(key) + 1, now_epoch);
            return;
        }
    }
    put_slot(room, table, key | 1, now_epoch);
}

static void subtract_pair(struct copurchase *room, struct copurchase_table *table, u64 key)
{
    if (copurchase_slot_level(key) < table->level)
        return;
    const u32 capacity = copurchase_capacity(table);
    const u32 at = capacity == 0 ? 0 : place_of(table, key, capacity);
    if (capacity == 0 || table->slots[at] == 0) {
        room->lost++;
        return;
    }
    MUST(copurchase_slot_count(table->slots[at]) != 0);
    table->slots[at]--;
    if (copurchase_slot_count(table->slots[at]) == 0)
        remove_at(room, table, at);
}

/* ---- baskets ---- */

/* Time has come to `now`: the places of epochs that are new begin empty. */
static void roll(struct copurchase_table *table, u32 now_epoch)
{
    const u32 passed = (now_epoch - table->epoch) & 0xFFF;
    if (passed == 0 || passed >= 0x800)
        return;
    const u32 ahead = COPURCHASE_RING - COPURCHASE_EPOCHS;
    for (u32 i = 1; i <= MIN(passed, COPURCHASE_RING); i++)
        table->baskets[(now_epoch + ahead + 1 - i) % COPURCHASE_RING] = 0;
    table->epoch = (u16)now_epoch;
}

static bool has_baskets(const struct copurchase_table *table)
{
    for (u32 i = 0; i < COPURCHASE_RING; i++)
        if (table->baskets[i] != 0)
            return true;
    return false;
}

/* A table that holds nothing leaves nothing; one that holds little does not keep much. */
static void give_back(struct copurchase *room, u32 name, u32 now_epoch)
{
    struct copurchase_name *own = copurchase_name_at(room, name);
    struct copurchase_table *table = copurchase_table_at(room, own->table);
    if (!has_baskets(table)) { /* I5: what slots there may be are too old */
        release_slots(room, table);
        pool_release(&room->tables, &own->table);
        return;
    }
    if (table->used * 4 < copurchase_capacity(table) && table->class > 0)
        rebuild(room, table, class_for(2 * table->used + 1), now_epoch);
}

static void change_product(struct copurchase *room, const struct copurchase_basket *basket,
                           const u32 *names, u32 own, u32 now_epoch)
{
    const u32 epoch = copurchase_epoch(basket->bought_at_ns);
    const u64 lot = checksum64(&basket->order, sizeof basket->order);
    const u32 level = MIN((u32)__builtin_ctzll(lot | 1ull << 63) / 2, COPURCHASE_LEVELS - 1);
    map_before_change(&room->map, route_hash_u64(basket->products[own]));
    struct copurchase_table *table = copurchase_table_of(room, names[own], now_epoch);
    roll(table, now_epoch);
    u32 *baskets = &table->baskets[epoch % COPURCHASE_RING];
    if (!basket->is_taken_back)
        (*baskets)++;
    else if (*baskets != 0)
        (*baskets)--;
    else
        room->lost++;
    for (u32 i = 0; i < basket->count; i++) {
        if (i == own)
            continue;
        const u64 key = copurchase_key(names[i], epoch, level);
        if (basket->is_taken_back)
            subtract_pair(room, table, key);
        else
            add_pair(room, table, key, now_epoch);
    }
    if (basket->is_taken_back)
        give_back(room, names[own], now_epoch);
}

void copurchase_change(struct copurchase *room, const struct copurchase_basket *basket, u64 now_ns)
{
    u32 names[BASKET_PRODUCTS_MAX];
    const u32 now_epoch = copurchase_epoch(now_ns);
    MUST(basket->count <= BASKET_PRODUCTS_MAX);
    MUST(basket->own_count != 0 && basket->own_count <= basket->count);
    const u32 age = age_of(copurchase_epoch(basket->bought_at_ns), now_epoch);
    if (age >= COPURCHASE_EPOCHS)
        return; /* forgotten, and so is what is to be taken back */
    for (u32 i = 0; i < basket->count; i++)
        map_prefetch(&room->map, route_hash_u64(basket->products[i]));
    for (u32 i = 0; i < basket->count; i++)
        names[i] = copurchase_name_of(room, basket->products[i]);
    for (u32 own = 0; own < basket->own_count; own++)
        change_product(room, basket, names, own, now_epoch);
}

/* ---- reading ---- */

u32 copurchase_weight(u32 age)
{
    static const u32 weights[COPURCHASE_EPOCHS] = {8, 6, 4, 2};
    return age < COPURCHASE_EPOCHS ? weights[age] : 0;
}

static const struct copurchase_table *table_of_product(const struct copurchase *room,
                                                       u64 product_id)
{
    const u32 name = copurchase_name_find(room, product_id);
    if (name == 0 || copurchase_name_at(room, name)->table == 0)
        return NULL;
    return copurchase_table_at(room, copurchase_name_at(room, name)->table);
}

u32 copurchase_size(const struct copurchase *room, u64 product_id)
{
    const struct copurchase_table *table = table_of_product(room, product_id);
    return table == NULL ? 0 : copurchase_capacity(table);
}

u64 copurchase_baskets(const struct copurchase *room, u64 product_id, u64 now_ns, u32 *support)
{
    const struct copurchase_table *table = table_of_product(room, product_id);
    const u32 now_epoch = copurchase_epoch(now_ns);
    u64 sum = 0;
    u32 count = 0;
    for (u32 i = 0; table != NULL && i < COPURCHASE_RING; i++) {
        const u32 epoch = table->epoch - (COPURCHASE_EPOCHS - 1) + i;
        const u32 baskets = table->baskets[epoch % COPURCHASE_RING];
        const u32 weight = copurchase_weight(age_of(epoch & 0xFFF, now_epoch));
        sum += (u64)weight * baskets;
        count += weight != 0 ? baskets : 0;
    }
    if (support != NULL)
        *support = count;
    return sum;
}

/* A partner while its slots are added up. */
struct sum {
    u64 weight;
    u32 support;
    u32 name; /* 0 = a free place */
};

/* Adds all slots up by partner, in `sums` (a power of two). How many partners there are: their places
 * in `found`. */
static u32 add_up(const struct copurchase_table *table, u32 now_epoch, struct sum *sums, u32 mask,
                  u32 *found)
{
    const u32 capacity = copurchase_capacity(table);
    u32 weights[COPURCHASE_EPOCHS];
    u32 count = 0;
    for (u32 i = 0; i < ARRAY_COUNT(weights); i++)
        weights[i] = copurchase_weight(i);
    memset(sums, 0, ((size_t)mask + 1) * sizeof *sums);
    for (u32 i = 0; i < capacity; i++) {
        const u64 slot = table->slots[i];
        const u32 age = age_of(copurchase_slot_epoch(slot), now_epoch);
        if (slot == 0 || age >= COPURCHASE_EPOCHS)
            continue;
        const u32 name = copurchase_slot_name(slot);
        u32 at = (name * 0x9E3779B1u >> 15) & mask;
        while (sums[at].name != 0 && sums[at].name != name)
            at = (at + 1) & mask; /* ends: there are more places than slots */
        if (sums[at].name == 0) {
            sums[at].name = name;
            found[count++] = at;
        }
        sums[at].weight += (u64)weights[age] * copurchase_slot_count(slot) << 2 * table->level;
        sums[at].support += copurchase_slot_count(slot) << 2 * table->level;
    }
    return count;
}

static bool is_better(const struct copurchase_partner *a, const struct copurchase_partner *b)
{
    return a->weight != b->weight ? a->weight > b->weight : a->product_id < b->product_id;
}

/* Keeps `to` sorted; small, so moving is faster than a heap. */
static u32 insert_partner(struct copurchase_partner *to, u32 count, u32 most,
                          const struct copurchase_partner *partner)
{
    if (count == most && !is_better(partner, &to[count - 1]))
        return count;
    u32 at = count < most ? count : count - 1;
    for (; at > 0 && is_better(partner, &to[at - 1]); at--)
        to[at] = to[at - 1];
    to[at] = *partner;
    return count < most ? count + 1 : count;
}

u32 copurchase_best(const struct copurchase *room, u64 product_id, u64 now_ns,
                    struct copurchase_partner *to, u32 most, void *scratch)
{
    const struct copurchase_table *table = table_of_product(room, product_id);
    if (table == NULL || table->used == 0 || most == 0)
        return 0;
    u32 places = 16;
    while (places < table->used + table->used / 3)
        places *= 2; /* ends: it doubles */
    MUST(places <= PLACES_MAX);
    struct sum *sums = scratch;
    u32 *found = (u32 *)(void *)(sums + places);
    const u32 partners = add_up(table, copurchase_epoch(now_ns), sums, places - 1, found);
    u32 count = 0;
    for (u32 i = 0; i < partners; i++) {
        const struct sum *sum = &sums[found[i]];
        if (count == most && sum->weight < to[count - 1].weight)
            continue;
        const struct copurchase_partner partner = {
            .product_id = copurchase_name_at(room, sum->name)->product_id,
            .weight = sum->weight,
            .support = sum->support};
        count = insert_partner(to, count, most, &partner);
    }
    return count;
}
STATIC_CHECK(PLACES_MAX >= COPURCHASE_SLOTS_MAX + COPURCHASE_SLOTS_MAX / 3);
STATIC_CHECK(COPURCHASE_SCRATCH_BYTES >=
             PLACES_MAX * sizeof(struct sum) + COPURCHASE_SLOTS_MAX * sizeof(u32));

/* ---- for checks ---- */

static bool table_valid(const struct copurchase_table *table)
{
    const u32 capacity = copurchase_capacity(table);
    u32 used = 0;
    for (u32 i = 0; i < capacity; i++) {
        const u64 slot = table->slots[i];
        if (slot == 0)
            continue;
        used++;
        if (copurchase_slot_count(slot) == 0 || copurchase_slot_name(slot) == 0 ||
            copurchase_slot_level(slot) < table->level || place_of(table, slot, capacity) != i)
            return false;
    }
    return used == table->used && used <= COPURCHASE_SLOTS_MAX;
}

bool copurchase_valid(const struct copurchase *room)
{
    u64 slots = 0;
    for (u32 i = 1; i < room->names.next_fresh; i++) {
        const u32 index = copurchase_name_at(room, i)->table;
        if (index == 0)
            continue;
        if (!table_valid(copurchase_table_at(room, index)) ||
            !has_baskets(copurchase_table_at(room, index)))
            return false;
        slots += copurchase_table_at(room, index)->used;
    }
    return slots == room->slot_count;
}
