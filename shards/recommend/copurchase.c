/* copurchase: see shards/recommend/copurchase.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/recommend/copurchase.h"

#include <string.h>

#include "proto/route.h"

#define KEY_MASK 0xFFFFFFFFFFFF0000ull

static u64 hash_of_name(const void *context, u32 index)
{
    return route_hash_u64(copurchase_name_at(context, index)->product_id);
}

static bool is_named(const void *context, u32 index, const void *key)
{
    return copurchase_name_at(context, index)->product_id == *(const u64 *)key;
}

void copurchase_init(struct copurchase *room, struct store_memory *memory, struct arena *arena,
                     struct arena *soft)
{
    *room = (struct copurchase){.arena = arena, .soft = soft};
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

static u32 tail_of(u32 capacity)
{
    return MIN(capacity / 8, 32u);
}

/* In the order of the slots themselves, so that slots lie sorted. What is beyond the last home takes
 * what is pushed over the end. */
static u32 home_of(u64 slot, u32 capacity)
{
    return (u32)((slot >> 32) * (capacity - tail_of(capacity)) >> 32);
}

/* The place of a key: its own, or that of the next greater slot, or an empty one, or the end. */
static u32 place_of(const struct copurchase_table *table, u64 key, u32 capacity)
{
    const u64 least = key & KEY_MASK;
    u32 at = home_of(key, capacity);
    while (at < capacity && table->slots[at] != 0 && table->slots[at] < least)
        at++; /* ends: at the end at the latest */
    return at;
}

static bool has_key(const struct copurchase_table *table, u32 at, u32 capacity, u64 key)
{
    return at < capacity && ((table->slots[at] ^ key) & KEY_MASK) == 0;
}

/* Puts a slot where place_of says; what is there moves up. False: there is no room up to the end. */
static bool insert_at(struct copurchase_table *table, u32 at, u32 capacity, u64 slot)
{
    u32 hole = at;
    while (hole < capacity && table->slots[hole] != 0)
        hole++; /* ends: at the end at the latest */
    if (hole == capacity)
        return false;
    memmove(table->slots + at + 1, table->slots + at, (hole - at) * sizeof slot);
    table->slots[at] = slot;
    table->used++;
    return true;
}

/* Takes a slot out; those after it that are not at home move down. */
static void remove_at(struct copurchase *room, struct copurchase_table *table, u32 at)
{
    const u32 capacity = copurchase_capacity(table);
    u32 end = at + 1;
    while (end < capacity && table->slots[end] != 0 && home_of(table->slots[end], capacity) < end)
        end++; /* ends: at the end at the latest */
    memmove(table->slots + at, table->slots + at + 1, (end - at - 1) * sizeof table->slots[0]);
    table->slots[end - 1] = 0;
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

/* Copies all slots that are of a level that the table has, and not too old. They come sorted, so each goes
 * to the first free place from its home on. False: the last ones do not fit. */
static bool copy_slots(const struct copurchase_table *from, struct copurchase_table *to,
                       u32 now_epoch)
{
    const u32 from_capacity = copurchase_capacity(from);
    const u32 capacity = copurchase_capacity(to);
    u32 next = 0;
    for (u32 i = 0; i < from_capacity; i++) {
        const u64 slot = from->slots[i];
        if (slot == 0 || copurchase_slot_level(slot) < to->level ||
            age_of(copurchase_slot_epoch(slot), now_epoch) >= COPURCHASE_EPOCHS)
            continue;
        next = MAX(next, home_of(slot, capacity));
        if (next == capacity)
            return false;
        to->slots[next++] = slot;
        to->used++;
    }
    return true;
}

/* Moves what is to be kept into `class`, or the first larger one that takes it. */
static void rebuild(struct copurchase *room, struct copurchase_table *table, u32 class,
                    u32 now_epoch)
{
    struct copurchase_table before = *table;
    for (bool is_copied = false; !is_copied; class ++) { /* ends: some class takes all */
        const u32 bytes = arena_class_bytes(class);
        MUST(class < ARENA_CLASS_COUNT);
        table->slots = arena_acquire(room->arena, bytes);
        memset(table->slots, 0, bytes);
        table->class = (u8) class;
        table->used = 0;
        is_copied = copy_slots(&before, table, now_epoch);
        if (!is_copied)
            arena_release(room->arena, table->slots, bytes);
    }
    room->slot_bytes += arena_class_bytes(table->class);
    room->slot_count += table->used;
    release_slots(room, &before);
}

/* Three of four places may be taken: a key is about two places from its home then. */
static bool is_crowded(u32 used, u32 capacity)
{
    return used * 4 > (capacity - tail_of(capacity)) * 3;
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

static void drop_leaders(struct copurchase *room, struct copurchase_table *table)
{
    if (table->leaders != NULL)
        ARENA_RELEASE(room->soft, table->leaders, sizeof *table->leaders);
}

/* Forgets all levels below `level`. */
static void thin(struct copurchase *room, struct copurchase_table *table, u32 level, u32 now_epoch)
{
    MUST(level > table->level && level <= COPURCHASE_LEVELS);
    table->level = (u8)level;
    room->thinned++;
    drop_leaders(room, table);
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

/* ---- leaders ---- */

u32 copurchase_weight(u32 age)
{
    static const u32 weights[COPURCHASE_EPOCHS] = {8, 6, 4, 2};
    return age < COPURCHASE_EPOCHS ? weights[age] : 0;
}

/* Is `a` before `b`? Ids are looked up only where weights are equal. */
static bool is_better(const struct copurchase *room, const struct copurchase_leader *a,
                      const struct copurchase_leader *b)
{
    if (a->weight != b->weight)
        return a->weight > b->weight;
    return copurchase_name_at(room, a->name)->product_id <
           copurchase_name_at(room, b->name)->product_id;
}

/* One that belongs before the place `end`, which is free or may be lost. */
static void put_before(const struct copurchase *room, struct copurchase_leader *of, u32 end,
                       struct copurchase_leader one)
{
    u32 at = 0;
    for (u32 after = end; at < after;) { /* ends: halved each time */
        const u32 middle = (at + after) / 2;
        if (is_better(room, &one, &of[middle]))
            after = middle;
        else
            at = middle + 1;
    }
    memmove(of + at + 1, of + at, (end - at) * sizeof one);
    of[at] = one;
}

static void offer(const struct copurchase *room, struct copurchase_leaders *leaders,
                  const struct copurchase_leader *one)
{
    if (leaders->count < COPURCHASE_BEST_MAX)
        put_before(room, leaders->of, leaders->count++, *one);
    else if (is_better(room, one, &leaders->of[COPURCHASE_BEST_MAX - 1]))
        put_before(room, leaders->of, COPURCHASE_BEST_MAX - 1, *one);
}

/* What a slot adds to its partner. */
static void add_slot(struct copurchase_leader *to, u64 slot, u32 level, u32 now_epoch)
{
    const u32 weight = copurchase_weight(age_of(copurchase_slot_epoch(slot), now_epoch));
    const u32 count = weight == 0 ? 0 : copurchase_slot_count(slot) << 2 * level;
    to->weight += (u64)weight * count;
    to->support += count;
}

/* Adds up the next partner from slot *at on: its slots lie side by side. False: there is none. */
static bool next_partner(const struct copurchase_table *table, u32 capacity, u32 now_epoch, u32 *at,
                         struct copurchase_leader *to)
{
    const u64 *slots = table->slots;
    u32 i = *at;
    while (i < capacity && slots[i] == 0)
        i++;
    if (i == capacity)
        return false;
    const u64 mixed = slots[i] >> 32;
    *to = (struct copurchase_leader){.name = copurchase_slot_name(slots[i])};
    for (; i < capacity && slots[i] >> 32 == mixed; i++)
        add_slot(to, slots[i], table->level, now_epoch);
    *at = i;
    return true;
}

/* The best of all partners. */
static void add_up(const struct copurchase *room, const struct copurchase_table *table,
                   u32 now_epoch, struct copurchase_leaders *to)
{
    const u32 capacity = copurchase_capacity(table);
    struct copurchase_leader one;
    *to = (struct copurchase_leaders){.epoch = (u16)now_epoch};
    for (u32 at = 0; next_partner(table, capacity, now_epoch, &at, &one);)
        if (one.weight != 0)
            offer(room, to, &one);
}

/* The leaders as of now, if there are any. */
static struct copurchase_leaders *leaders_of(struct copurchase *room,
                                             struct copurchase_table *table, u32 now_epoch)
{
    if (table->leaders != NULL && table->leaders->epoch != now_epoch)
        drop_leaders(room, table);
    return table->leaders;
}

static struct copurchase_leader *find_leader(struct copurchase_leaders *leaders, u32 name)
{
    for (u32 i = 0; i < leaders->count; i++)
        if (leaders->of[i].name == name)
            return &leaders->of[i];
    return NULL;
}

/* One more was counted in the slot at a place: its partner may have come to the front. */
static void raise_leader(struct copurchase *room, struct copurchase_table *table, u32 at,
                         u32 now_epoch)
{
    struct copurchase_leaders *leaders = leaders_of(room, table, now_epoch);
    if (leaders == NULL)
        return;
    const u32 capacity = copurchase_capacity(table);
    const u64 *slots = table->slots;
    struct copurchase_leader one = {.name = copurchase_slot_name(slots[at])};
    u32 from = at;
    while (from > 0 && slots[from - 1] >> 32 == slots[at] >> 32)
        from--; /* ends: a partner has at most 32 slots */
    for (u32 i = from; i < capacity && slots[i] >> 32 == slots[at] >> 32; i++)
        add_slot(&one, slots[i], table->level, now_epoch);
    if (one.weight == 0 || (leaders->count == COPURCHASE_BEST_MAX &&
                            one.weight < leaders->of[COPURCHASE_BEST_MAX - 1].weight))
        return;
    const struct copurchase_leader *known = find_leader(leaders, one.name);
    if (known == NULL)
        offer(room, leaders, &one);
    else /* it is better than it was */
        put_before(room, leaders->of, (u32)(known - leaders->of), one);
}

/* One less of a partner: if it is a leader, another one may come before it now. */
static void lower_leader(struct copurchase *room, struct copurchase_table *table, u32 name)
{
    if (table->leaders != NULL && find_leader(table->leaders, name) != NULL)
        drop_leaders(room, table);
}

/* ---- pairs ---- */

/* A new slot of a key that is not there; the table may forget a level instead. */
static void put_slot(struct copurchase *room, struct copurchase_table *table, u64 slot,
                     u32 now_epoch)
{
    if (!make_room(room, table, slot, now_epoch))
        return;
    u32 at = 0;
    for (bool is_put = false; !is_put;) { /* ends: a larger class each time */
        const u32 capacity = copurchase_capacity(table);
        at = place_of(table, slot, capacity);
        MUST(!has_key(table, at, capacity, slot));
        is_put = insert_at(table, at, capacity, slot);
        if (!is_put)
            rebuild(room, table, table->class + 1u, now_epoch);
    }
    room->slot_count++;
    raise_leader(room, table, at, now_epoch);
    MUST(table->used <= COPURCHASE_SLOTS_MAX); /* I2 */
}

bool copurchase_slot_load(struct copurchase *room, struct copurchase_table *table, u64 slot)
{
    const u32 capacity = copurchase_capacity(table);
    if (capacity != 0 && has_key(table, place_of(table, slot, capacity), capacity, slot))
        return false;
    put_slot(room, table, slot, table->epoch);
    return true;
}

static void add_pair(struct copurchase *room, struct copurchase_table *table, u64 key,
                     u32 now_epoch)
{
    if (copurchase_slot_level(key) < table->level)
        return;
    const u32 capacity = copurchase_capacity(table);
    const u32 at = capacity == 0 ? 0 : place_of(table, key, capacity);
    if (!has_key(table, at, capacity, key)) {
        put_slot(room, table, key | 1, now_epoch);
        return;
    }
    if (UNLIKELY(copurchase_slot_count(table->slots[at]) == COPURCHASE_COUNT_MAX)) {
        thin(room, table, copurchase_slot_level(key) + 1, now_epoch);
        return;
    }
    table->slots[at]++;
    raise_leader(room, table, at, now_epoch);
}

static void subtract_pair(struct copurchase *room, struct copurchase_table *table, u64 key)
{
    if (copurchase_slot_level(key) < table->level)
        return;
    const u32 capacity = copurchase_capacity(table);
    const u32 at = capacity == 0 ? 0 : place_of(table, key, capacity);
    if (!has_key(table, at, capacity, key)) {
        room->lost++;
        return;
    }
    MUST(copurchase_slot_count(table->slots[at]) != 0);
    lower_leader(room, table, copurchase_slot_name(key));
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
        drop_leaders(room, table);
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

static struct copurchase_table *table_of_name(const struct copurchase *room, u32 name)
{
    const u32 table = name == 0 ? 0 : copurchase_name_at(room, name)->table;
    return table == 0 ? NULL : copurchase_table_at(room, table);
}

u32 copurchase_size(const struct copurchase *room, u32 name)
{
    const struct copurchase_table *table = table_of_name(room, name);
    return table == NULL ? 0 : copurchase_capacity(table);
}

void copurchase_prefetch(const struct copurchase *room, u64 hash)
{
    const u32 first = map_first_candidate(&room->map, hash);
    if (first != 0)
        pool_prefetch(&room->names, first);
}

bool copurchase_is_name(const struct copurchase *room, u32 name, u64 product_id)
{
    return name != 0 && name < room->names.next_fresh &&
           copurchase_name_at(room, name)->product_id == product_id;
}

u32 copurchase_find(const struct copurchase *room, u64 hash, u64 product_id)
{
    return map_find(&room->map, hash, is_named, room, &product_id);
}

void copurchase_prefetch_table(const struct copurchase *room, u32 name)
{
    const struct copurchase_table *table = table_of_name(room, name);
    if (table != NULL)
        store_prefetch(table);
}

u64 copurchase_baskets(const struct copurchase *room, u32 name, u64 now_ns)
{
    /* By place from the oldest epoch on, in the epoch of the last change: nearly always now. */
    static const u32 weights[COPURCHASE_RING] = {2, 4, 6, 8, 8, 8, 8, 8};
    const struct copurchase_table *table = table_of_name(room, name);
    u64 sum = 0;
    if (table == NULL)
        return 0;
    const u32 now_epoch = copurchase_epoch(now_ns);
    const u32 first = table->epoch - (COPURCHASE_EPOCHS - 1);
    if (LIKELY(table->epoch == now_epoch)) {
        for (u32 i = 0; i < COPURCHASE_RING; i++)
            sum += (u64)weights[i] * table->baskets[(first + i) % COPURCHASE_RING];
        return sum;
    }
    for (u32 i = 0; i < COPURCHASE_RING; i++)
        sum += (u64)copurchase_weight(age_of((first + i) & 0xFFF, now_epoch)) *
               table->baskets[(first + i) % COPURCHASE_RING];
    return sum;
}

u32 copurchase_support(const struct copurchase *room, u32 name, u64 now_ns)
{
    const struct copurchase_table *table = table_of_name(room, name);
    const u32 now_epoch = copurchase_epoch(now_ns);
    u32 count = 0;
    for (u32 i = 0; table != NULL && i < COPURCHASE_RING; i++) {
        const u32 epoch = table->epoch - (COPURCHASE_EPOCHS - 1) + i;
        if (age_of(epoch & 0xFFF, now_epoch) < COPURCHASE_EPOCHS)
            count += table->baskets[epoch % COPURCHASE_RING];
    }
    return count;
}

static void tell_leaders(const struct copurchase *room, const struct copurchase_leader *of,
                         u32 count, struct copurchase_partner *to)
{
    for (u32 i = 0; i < count; i++)
        to[i] = (struct copurchase_partner){.product_id =
                                                copurchase_name_at(room, of[i].name)->product_id,
                                            .weight = of[i].weight,
                                            .support = of[i].support,
                                            .name = of[i].name};
}

/* A table with few slots is added up each time; only if too many partners come of it they are compared. */
static u32 best_of_few(const struct copurchase *room, const struct copurchase_table *table,
                       u32 now_epoch, u32 most, struct copurchase_partner *to)
{
    struct copurchase_leader few[COPURCHASE_BEST_MAX + 1];
    const u32 capacity = copurchase_capacity(table);
    u32 count = 0;
    for (u32 at = 0; next_partner(table, capacity, now_epoch, &at, &few[count]);)
        count += few[count].weight != 0 ? 1 : 0;
    MUST(count <= COPURCHASE_BEST_MAX);
    for (u32 i = 1; count > most && i < count; i++)
        put_before(room, few, i, few[i]);
    count = MIN(count, most);
    tell_leaders(room, few, count, to);
    return count;
}

u32 copurchase_best(struct copurchase *room, u32 name, u64 now_ns, u32 most,
                    struct copurchase_partner *to)
{
    const u32 now_epoch = copurchase_epoch(now_ns);
    struct copurchase_table *table = table_of_name(room, name);
    if (table == NULL)
        return 0;
    if (table->used <= COPURCHASE_BEST_MAX) /* as fast as it would be to look them up */
        return best_of_few(room, table, now_epoch, MIN(most, COPURCHASE_BEST_MAX), to);
    if (leaders_of(room, table, now_epoch) == NULL) {
        table->leaders = arena_acquire(room->soft, sizeof *table->leaders);
        add_up(room, table, now_epoch, table->leaders);
    }
    const u32 count = MIN(table->leaders->count, most);
    tell_leaders(room, table->leaders->of, count, to);
    return count;
}

u64 copurchase_bytes(const struct copurchase *room)
{
    const u64 name_bytes = sizeof(struct copurchase_name) + 16; /* and its place in the map */
    return room->slot_bytes + pool_count(&room->tables) * sizeof(struct copurchase_table) +
           map_count(&room->map) * name_bytes;
}

/* ---- for checks ---- */

static bool table_valid(const struct copurchase_table *table)
{
    const u32 capacity = copurchase_capacity(table);
    u32 used = 0;
    u64 last = 0;
    for (u32 i = 0; i < capacity; i++) {
        const u64 slot = table->slots[i];
        if (slot == 0)
            continue;
        used++;
        if (copurchase_slot_count(slot) == 0 || copurchase_slot_name(slot) == 0 || slot <= last ||
            copurchase_slot_level(slot) < table->level || place_of(table, slot, capacity) != i)
            return false;
        last = slot;
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
