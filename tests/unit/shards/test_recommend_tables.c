/* The tables of what was bought together by themselves: many partners, forgotten levels, epochs, damaged
 * snapshots; and the cache of what is soft.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/route.h"
#include "shards/recommend/copurchase.h"
#include "shards/recommend/recommend_cache.h"

#define START_NS (1000ull * COPURCHASE_EPOCH_NS)
#define ANCHOR   1ull

struct room {
    struct store_memory memory;
    struct arena arena;
    struct copurchase bought;
};

static struct room *open_room(void)
{
    struct room *room = calloc(1, sizeof *room);
    assert_non_null(room);
    store_memory_init(&room->memory);
    arena_init(&room->arena, &room->memory);
    copurchase_init(&room->bought, &room->memory, &room->arena, &room->arena);
    return room;
}

static void close_room(struct room *room)
{
    assert_true(copurchase_valid(&room->bought));
    copurchase_deinit(&room->bought);
    arena_deinit(&room->arena);
    assert_int_equal(room->memory.used_bytes, 0);
    free(room);
}

static struct id128 order_of(u64 number)
{
    return (struct id128){.high = 99, .low = 1700000000000ull << 16 | number};
}

static u32 level_of(u64 number)
{
    const struct id128 order = order_of(number);
    u64 lot = checksum64(&order, sizeof order);
    u32 level = 0;
    for (; (lot & 3) == 0 && level < COPURCHASE_LEVELS - 1; lot >>= 2)
        level++;
    return level;
}

/* The anchor, first of all and alone on this shard, with others. */
static void change(struct room *room, u64 number, const u64 *others, u32 count, u64 bought_ns,
                   u64 now_ns, bool is_taken_back)
{
    u64 products[BASKET_PRODUCTS_MAX] = {ANCHOR};
    memcpy(products + 1, others, count * sizeof *others);
    copurchase_change(&room->bought,
                      &(const struct copurchase_basket){.products = products,
                                                        .count = count + 1,
                                                        .own_count = 1,
                                                        .order = order_of(number),
                                                        .bought_at_ns = bought_ns,
                                                        .is_taken_back = is_taken_back},
                      now_ns);
}

static const struct copurchase_table *table_of(const struct room *room)
{
    const u32 name = copurchase_name_find(&room->bought, ANCHOR);
    const u32 table = name == 0 ? 0 : copurchase_name_at(&room->bought, name)->table;
    return table == 0 ? NULL : copurchase_table_at(&room->bought, table);
}

static int compare_partners(const void *a, const void *b)
{
    const struct copurchase_partner *left = a, *right = b;
    if (left->weight != right->weight)
        return left->weight > right->weight ? -1 : 1;
    return (left->product_id > right->product_id) - (left->product_id < right->product_id);
}

/* Sorted. */
static u32 best(struct room *room, u64 now_ns, struct copurchase_partner *to)
{
    const u32 count = copurchase_best(&room->bought, copurchase_name_find(&room->bought, ANCHOR),
                                      now_ns, COPURCHASE_BEST_MAX, to);
    assert_true(count <= COPURCHASE_BEST_MAX);
    qsort(to, count, sizeof *to, compare_partners);
    return count;
}

/* As if the table were read for the first time. */
static u32 best_anew(struct room *room, u64 now_ns, struct copurchase_partner *to)
{
    struct copurchase *bought = &room->bought;
    const u32 name = copurchase_name_find(bought, ANCHOR);
    struct copurchase_table *table =
        copurchase_table_at(bought, copurchase_name_at(bought, name)->table);
    struct copurchase_leaders *leaders = table->leaders;
    table->leaders = NULL;
    const u32 count = best(room, now_ns, to);
    if (table->leaders != NULL)
        arena_release(&room->arena, table->leaders, sizeof *table->leaders);
    table->leaders = leaders;
    return count;
}

/* More partners than there are slots: levels are forgotten, and what is left is exact for the baskets of
 * the levels that are left. Then all is taken back. */
static void a_table_is_bounded_and_stays_exact(void **state)
{
    enum { BASKETS = 12000, PARTNERS = 40000 };
    struct room *room = open_room();
    u32 *counts = calloc(PARTNERS, sizeof *counts);
    struct copurchase_partner partner[COPURCHASE_BEST_MAX], fresh[COPURCHASE_BEST_MAX];
    (void)state;
    assert_non_null(counts);
    for (u32 back = 0; back < 2; back++) {
        for (u64 n = 0; n < BASKETS; n++) {
            /* One partner in every third basket, the others once. */
            const u64 others[2] = {100 + n * 3 % PARTNERS,
                                   n % 3 == 0 ? 7u : 100 + n * 3 % PARTNERS + 1};
            change(room, n, others, 2, START_NS, START_NS, back != 0);
            assert_true(table_of(room) == NULL || table_of(room)->used <= COPURCHASE_SLOTS_MAX);
            if (n % 100 == 0) /* what a read leaves there is forgotten with a level */
                (void)best(room, START_NS, partner);
        }
        if (back != 0)
            break;
        const u32 level = table_of(room)->level;
        assert_true(level >= 1);
        assert_true(room->bought.thinned >= 1);
        u32 sampled = 0;
        for (u64 n = 0; n < BASKETS; n++)
            sampled += n % 3 == 0 && level_of(n) >= level ? 1 : 0;
        assert_int_equal(best(room, START_NS, partner), COPURCHASE_BEST_MAX);
        assert_int_equal(best_anew(room, START_NS, fresh), COPURCHASE_BEST_MAX);
        assert_memory_equal(partner, fresh, sizeof partner);
        assert_int_equal(partner[0].product_id, 7);
        assert_int_equal(partner[0].support, sampled << 2 * level);
        assert_int_equal(partner[0].weight, (u64)copurchase_weight(0) * partner[0].support);
        const u32 name = copurchase_name_find(&room->bought, ANCHOR);
        assert_int_equal(copurchase_baskets(&room->bought, name, START_NS),
                         (u64)copurchase_weight(0) * BASKETS);
        assert_int_equal(copurchase_support(&room->bought, name, START_NS), BASKETS);
        assert_true(room->bought.slot_bytes <= 96u << 10);
    }
    assert_null(table_of(room));
    assert_int_equal(copurchase_bytes(&room->bought), map_count(&room->bought.map) * 32);
    assert_int_equal(room->bought.slot_bytes, 0);
    assert_int_equal(room->bought.slot_count, 0);
    assert_int_equal(room->bought.lost, 0);
    free(counts);
    close_room(room);
}

/* Of equals those with the least ids, whatever the layout of the table. */
static void of_equal_partners_the_least_ids_are_told(void **state)
{
    struct room *room = open_room();
    struct copurchase_partner partner[COPURCHASE_BEST_MAX];
    (void)state;
    for (u64 n = 0; n < 200; n++) {
        const u64 other = 100 + n * 77 % 200;
        change(room, n, &other, 1, START_NS, START_NS, false);
    }
    assert_int_equal(best(room, START_NS, partner), COPURCHASE_BEST_MAX);
    for (u32 i = 0; i < COPURCHASE_BEST_MAX; i++)
        assert_int_equal(partner[i].product_id, 100 + i);
    close_room(room);
}

/* Leaders are kept up by what is counted between reads: they are those of a table that is read for the
 * first time. */
static void leaders_are_the_best_at_any_time(void **state)
{
    enum { PARTNERS = 150, STEPS = 12000, BASKETS = 3000 };
    static u64 others[BASKETS][3];
    static u64 bought_ns[BASKETS];
    static bool is_counted[BASKETS];
    struct room *room = open_room();
    struct copurchase_partner kept[COPURCHASE_BEST_MAX], fresh[COPURCHASE_BEST_MAX];
    u64 random = 9, now_ns = START_NS;
    u32 had = 0;
    (void)state;
    for (u32 step = 0; step < STEPS; step++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const u32 b = (u32)(random >> 40) % BASKETS;
        const bool is_back = is_counted[b] && (random >> 33) % 4 == 0;
        if (is_back) {
            change(room, b, others[b], 3, bought_ns[b], now_ns, true);
            is_counted[b] = false;
        } else if (!is_counted[b]) {
            for (u32 i = 0; i < 3; i++) /* the first ones more often */
                others[b][i] = 100 + 50 * i +
                               ((random >> (8 + 8 * i)) & 255) * ((random >> (30 - 8 * i)) & 255) %
                                   (PARTNERS / 3);
            bought_ns[b] = now_ns;
            is_counted[b] = true;
            change(room, b, others[b], 3, bought_ns[b], now_ns, false);
        }
        if (step % 2500 == 2499)
            now_ns += COPURCHASE_EPOCH_NS;
        if (step % 3 != 0 || table_of(room) == NULL)
            continue;
        had += table_of(room)->leaders != NULL ? 1 : 0;
        const u32 count = best(room, now_ns, kept);
        assert_int_equal(best_anew(room, now_ns, fresh), count);
        assert_memory_equal(kept, fresh, count * sizeof kept[0]);
    }
    assert_true(had > STEPS / 10);
    close_room(room);
}

static void a_count_that_is_full_forgets_its_level(void **state)
{
    struct room *room = open_room();
    struct copurchase_partner partner[COPURCHASE_BEST_MAX];
    const u64 other = 7;
    u32 high = 0;
    (void)state;
    for (u64 n = 0; n < 100000; n++) {
        change(room, n, &other, 1, START_NS, START_NS, false);
        high += level_of(n) >= 1 ? 1 : 0;
    }
    assert_int_equal(table_of(room)->level, 1);
    assert_int_equal(best(room, START_NS, partner), 1);
    assert_int_equal(partner[0].support, 4 * high);
    for (u64 n = 0; n < 100000; n++)
        change(room, n, &other, 1, START_NS, START_NS, true);
    assert_null(table_of(room));
    assert_int_equal(room->bought.lost, 0);
    close_room(room);
}

static void epochs_come_and_go(void **state)
{
    struct room *room = open_room();
    struct copurchase_partner partner[COPURCHASE_BEST_MAX];
    const u64 a = 11, b = 12;
    (void)state;
    change(room, 1, &a, 1, START_NS, START_NS, false);
    change(room, 2, &b, 1, START_NS + COPURCHASE_EPOCH_NS, START_NS + COPURCHASE_EPOCH_NS, false);
    const u64 third_ns = START_NS + 3 * COPURCHASE_EPOCH_NS;
    assert_int_equal(best(room, third_ns, partner), 2);
    assert_int_equal(partner[0].product_id, b);
    assert_int_equal(partner[0].weight, copurchase_weight(2));
    assert_int_equal(partner[1].weight, copurchase_weight(3));
    assert_int_equal(best(room, START_NS + 4 * COPURCHASE_EPOCH_NS, partner), 1);
    assert_int_equal(best(room, START_NS + 5 * COPURCHASE_EPOCH_NS, partner), 0);
    /* Too old to be taken back, and too old to be counted. */
    const u64 late_ns = START_NS + 4 * COPURCHASE_EPOCH_NS;
    change(room, 1, &a, 1, START_NS, late_ns, true);
    change(room, 3, &a, 1, START_NS, late_ns, false);
    assert_int_equal(best(room, late_ns, partner), 1);
    const u32 name = copurchase_name_find(&room->bought, ANCHOR);
    assert_int_equal(copurchase_baskets(&room->bought, name, late_ns), copurchase_weight(3));
    assert_int_equal(copurchase_support(&room->bought, name, late_ns), 1);
    /* The last that counts is taken back: what is too old goes with it. */
    change(room, 2, &b, 1, START_NS + COPURCHASE_EPOCH_NS, late_ns, true);
    assert_null(table_of(room));
    assert_int_equal(room->bought.lost, 0);
    close_room(room);
}

/* Baskets of all four epochs, read in the last of them and later. */
static void baskets_weigh_by_age(void **state)
{
    struct room *room = open_room();
    const u64 other = 7;
    u64 sum = 0;
    (void)state;
    for (u32 epoch = 0; epoch < COPURCHASE_EPOCHS; epoch++) {
        const u64 now_ns = START_NS + epoch * COPURCHASE_EPOCH_NS;
        for (u64 n = 0; n < (u64)1 << 4 * epoch; n++)
            change(room, (u64)epoch << 32 | n, &other, 1, now_ns, now_ns, false);
    }
    const u32 name = copurchase_name_find(&room->bought, ANCHOR);
    for (u32 later = 0; later <= COPURCHASE_EPOCHS; later++) {
        const u64 now_ns = START_NS + (COPURCHASE_EPOCHS - 1 + later) * COPURCHASE_EPOCH_NS;
        u32 support = 0;
        sum = 0;
        for (u32 epoch = 0; epoch < COPURCHASE_EPOCHS; epoch++) {
            const u32 age = COPURCHASE_EPOCHS - 1 - epoch + later;
            sum += (u64)copurchase_weight(age) << 4 * epoch;
            support += age < COPURCHASE_EPOCHS ? 1u << 4 * epoch : 0;
        }
        assert_int_equal(copurchase_baskets(&room->bought, name, now_ns), sum);
        assert_int_equal(copurchase_support(&room->bought, name, now_ns), support);
    }
    close_room(room);
}

/* ---- dumps ---- */

static u32 dump_room(struct room *room, u8 *to, u32 capacity)
{
    struct dump_sink sink;
    u32 bytes = 0;
    dump_sink_init_queue(&sink, &room->memory);
    for (u32 bucket = 0; bucket < map_bucket_count(&room->bought.map); bucket++)
        copurchase_dump_bucket(&room->bought, bucket, &sink);
    for (u32 taken; (taken = dump_take(&sink, to + bytes, capacity - bytes)) != 0;)
        bytes += taken;
    dump_sink_deinit(&sink);
    return bytes;
}

static struct id128 digest_of(struct room *room)
{
    struct dump_sink sink;
    dump_sink_init_digest(&sink);
    for (u32 bucket = 0; bucket < map_bucket_count(&room->bought.map); bucket++)
        copurchase_dump_bucket(&room->bought, bucket, &sink);
    return sink.digest;
}

static const char *load_room(struct room *room, const u8 *bytes, u32 count)
{
    for (u32 at = 0; at < count;) {
        struct dump_view view;
        const char *reason = dump_next(bytes, count, &at, &view);
        if (reason == NULL)
            reason = copurchase_load(&room->bought, view.body, view.body_bytes);
        if (reason != NULL)
            return reason;
    }
    return copurchase_load_finish(&room->bought, 0, 1);
}

static void fill(struct room *room, u32 baskets)
{
    for (u64 n = 0; n < baskets; n++) {
        const u64 others[3] = {100 + n * n % 4001, 5000 + n, 20000 + n % 77};
        change(room, n, others, 3, START_NS + n % 3 * COPURCHASE_EPOCH_NS,
               START_NS + 3 * COPURCHASE_EPOCH_NS, false);
    }
}

static void a_dump_is_loaded_and_goes_on_alike(void **state)
{
    enum { CAPACITY = 1 << 20 };
    u8 *bytes = aligned_alloc(64, CAPACITY);
    (void)state;
    assert_non_null(bytes);
    for (u32 baskets = 1; baskets <= 9000; baskets = baskets * 5 + 1) {
        struct room *room = open_room();
        struct room *again = open_room();
        fill(room, baskets);
        const u32 count = dump_room(room, bytes, CAPACITY);
        assert_null(load_room(again, bytes, count));
        assert_true(id128_equal(digest_of(room), digest_of(again)));
        for (u64 n = 0; n < baskets; n += 2) {
            const u64 others[3] = {100 + n * n % 4001, 5000 + n, 20000 + n % 77};
            const u64 at_ns = START_NS + n % 3 * COPURCHASE_EPOCH_NS;
            change(room, n, others, 3, at_ns, START_NS + 4 * COPURCHASE_EPOCH_NS, true);
            change(again, n, others, 3, at_ns, START_NS + 4 * COPURCHASE_EPOCH_NS, true);
        }
        assert_true(id128_equal(digest_of(room), digest_of(again)));
        assert_int_equal(again->bought.lost, 0);
        close_room(room);
        close_room(again);
    }
    free(bytes);
}

/* Whatever bytes are changed: refused, or loaded into something valid. */
static void a_damaged_dump_is_refused_or_harmless(void **state)
{
    enum { CAPACITY = 1 << 20 };
    u8 *bytes = aligned_alloc(64, CAPACITY);
    struct room *room = open_room();
    u32 refused = 0;
    (void)state;
    assert_non_null(bytes);
    fill(room, 6);
    const u32 count = dump_room(room, bytes, CAPACITY);
    for (u32 at = sizeof(struct dump_head); at < count; at++) {
        struct room *again = open_room();
        bytes[at] ^= (u8)(1 + at * 37 % 255);
        refused += load_room(again, bytes, count) != NULL ? 1 : 0;
        bytes[at] ^= (u8)(1 + at * 37 % 255);
        assert_true(again->bought.missing != 0 || copurchase_valid(&again->bought));
        close_room(again);
    }
    assert_true(refused > count / 4);
    struct room *twice = open_room();
    assert_null(load_room(twice, bytes, count));
    assert_non_null(load_room(twice, bytes, count));
    close_room(twice);
    close_room(room);
    free(bytes);
}

/* ---- the cache ---- */

struct record {
    struct cache_head head;
    u64 value;
};

static void count_evicted(void *context, void *record)
{
    *(u64 *)context += ((struct record *)record)->value;
}

static void the_cache_keeps_what_was_used_last(void **state)
{
    enum { MOST = 50, IDS = 200, STEPS = 20000 };
    struct store_memory memory;
    struct recommend_cache cache;
    u64 used_at[IDS + 1] = {0};
    u64 evicted = 0, made = 0, random = 1, dropped = 0;
    (void)state;
    store_memory_init(&memory);
    cache_init(&cache, &memory, sizeof(struct record), MOST);
    cache.evict = count_evicted;
    cache.context = &evicted;
    for (u64 step = 1; step <= STEPS; step++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const u64 id = 1 + (random >> 33) % IDS;
        struct record *record = cache_find(&cache, id);
        u32 newer = 0;
        for (u32 i = 1; i <= IDS; i++)
            newer += used_at[i] > used_at[id] ? 1 : 0;
        assert_int_equal(record != NULL, used_at[id] != 0 && newer < MOST);
        if (random >> 60 == 0) {
            cache_drop(&cache, id);
            dropped++;
            /* The model does not follow drops of what is there: it begins anew. */
            if (record != NULL)
                for (u32 i = 1; i <= IDS; i++) {
                    cache_drop(&cache, i);
                    used_at[i] = 0;
                }
            continue;
        }
        record = cache_use(&cache, id);
        assert_int_equal(record->head.id, id);
        made += record->value == 0 ? 1 : 0;
        record->value = 1;
        used_at[id] = step;
        if (step % 100 == 0)
            assert_true(cache_valid(&cache));
    }
    assert_true(dropped > 100);
    assert_int_equal(made, evicted + pool_count(&cache.pool));
    cache_deinit(&cache);
    assert_int_equal(memory.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_bounded_and_stays_exact),
        cmocka_unit_test(of_equal_partners_the_least_ids_are_told),
        cmocka_unit_test(leaders_are_the_best_at_any_time),
        cmocka_unit_test(a_count_that_is_full_forgets_its_level),
        cmocka_unit_test(epochs_come_and_go),
        cmocka_unit_test(baskets_weigh_by_age),
        cmocka_unit_test(a_dump_is_loaded_and_goes_on_alike),
        cmocka_unit_test(a_damaged_dump_is_refused_or_harmless),
        cmocka_unit_test(the_cache_keeps_what_was_used_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
