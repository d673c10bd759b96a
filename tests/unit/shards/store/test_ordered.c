/* test_ordered: the order of keys against a sorted array, under random inserts and removals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shards/store/ordered.h"

#define ITEMS 3000u

struct record {
    struct ordered_link link;
    struct ordered_key key;
};

static struct record records[ITEMS + 1];
static u64 random_state = 88172645463325252ull;

static u64 draw(u64 below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static struct ordered_link *link_of(const void *context, u32 item)
{
    (void)context;
    return &records[item].link;
}

static struct ordered_key key_of(const void *context, u32 item)
{
    (void)context;
    return records[item].key;
}

static const struct ordered_owner owner = {.link_of = link_of, .key_of = key_of};

/* Positions count: the parts of a key are few numbers, so that later parts decide often. */
static struct ordered_key draw_key(void)
{
    return (struct ordered_key){{draw(4), draw(4) * UINT64_MAX / 4, draw(6), draw(100)}};
}

/* Items in order, naively. */
static u32 sorted[ITEMS];
static u32 sorted_count;

static u32 place_after(const struct ordered_key *key)
{
    u32 at = 0;
    while (at < sorted_count && !ordered_is_less(key, &records[sorted[at]].key))
        at++;
    return at;
}

static void check_walk(const struct ordered *tree)
{
    const struct ordered_key least = {{0}};
    u32 at = 0;
    assert_true(ordered_valid(tree, &owner));
    assert_int_equal(tree->count, sorted_count);
    for (u32 item = ordered_seek(tree, &owner, &least); item != 0;
         item = ordered_next(&owner, item)) {
        assert_true(at < sorted_count);
        assert_int_equal(sorted[at], item);
        at++;
    }
    assert_int_equal(at, sorted_count);
}

static void it_is_a_sorted_array(void **state)
{
    (void)state;
    struct ordered tree = {0};
    for (u32 round = 0; round < 40000; round++) {
        const u32 item = 1 + (u32)draw(ITEMS);
        const struct ordered_key key = draw_key();
        const u32 found = ordered_find(&tree, &owner, &key);
        const u32 at = place_after(&key);
        if (found != 0)
            assert_memory_equal(&records[found].key, &key, sizeof key);
        assert_int_equal(found,
                         at != 0 && memcmp(&records[sorted[at - 1]].key, &key, sizeof key) == 0
                             ? sorted[at - 1]
                             : 0);
        assert_int_equal(ordered_seek(&tree, &owner, &key), at < sorted_count ? sorted[at] : 0);
        u32 own = 0;
        while (own < sorted_count && sorted[own] != item)
            own++;
        if (own < sorted_count) {
            ordered_remove(&tree, &owner, item);
            memmove(sorted + own, sorted + own + 1, (--sorted_count - own) * sizeof sorted[0]);
        } else if (found == 0 && (key.part[0] | key.part[1] | key.part[2] | key.part[3]) != 0) {
            records[item].key = key;
            memmove(sorted + at + 1, sorted + at, (sorted_count++ - at) * sizeof sorted[0]);
            sorted[at] = item;
            ordered_insert(&tree, &owner, item);
        }
        if (round % 500 == 0)
            check_walk(&tree);
    }
    check_walk(&tree);
    assert_true(sorted_count > 500);
    while (sorted_count != 0)
        ordered_remove(&tree, &owner, sorted[--sorted_count]);
    assert_int_equal(tree.root, 0);
}

static u32 depth_of(u32 item)
{
    u32 depth = 1;
    for (; records[item].link.above != 0; depth++)
        item = records[item].link.above;
    return depth;
}

static void keys_that_only_grow_do_not_make_it_deep(void **state)
{
    (void)state;
    struct ordered tree = {0};
    u32 most = 0;
    memset(records, 0, sizeof records);
    for (u32 item = 1; item <= ITEMS; item++) {
        records[item].key = (struct ordered_key){{item}};
        ordered_insert(&tree, &owner, item);
    }
    for (u32 item = 1; item <= ITEMS; item++)
        most = depth_of(item) > most ? depth_of(item) : most;
    assert_true(ordered_valid(&tree, &owner));
    assert_in_range(most, 12, 40); /* a balanced one has 12 levels */
}

static void what_is_in_no_tree_is_not_removed(void **state)
{
    (void)state;
    struct ordered tree = {0};
    memset(records, 0, sizeof records);
    records[1].key.part[0] = 1;
    records[2].key.part[0] = 2;
    ordered_insert(&tree, &owner, 1);
    expect_assert_failure(ordered_remove(&tree, &owner, 2));
    ordered_insert(&tree, &owner, 2);
    expect_assert_failure(ordered_insert(&tree, &owner, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_a_sorted_array),
        cmocka_unit_test(keys_that_only_grow_do_not_make_it_deep),
        cmocka_unit_test(what_is_in_no_tree_is_not_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
