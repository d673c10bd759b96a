/* test_search: searches end to end, over one shard and over several.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static int open_one(void **state)
{
    (void)state;
    sx_open(&sx, 1);
    return 0;
}

static int open_three(void **state)
{
    (void)state;
    sx_open(&sx, 3);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

static void put_shop(void)
{
    sx_put(&sx, "HEART", .title = "White hanging heart T-light holder", .brand = "Acme",
           .category = "home/lighting", .price = 255, .attributes = "color=white\nmaterial=metal");
    sx_put(&sx, "LANTERN", .title = "White metal lantern", .brand = "Acme",
           .category = "home/lighting", .price = 339, .attributes = "color=white");
    sx_put(&sx, "MUG", .title = "Red heart mug", .brand = "Zeta", .category = "kitchen",
           .price = 125, .attributes = "color=red");
    sx_put(&sx, "BOTTLE", .title = "Hot water bottle", .brand = "Zeta", .category = "home",
           .price = 700, .description = "with a knitted heart");
}

static void words_are_all_wanted(void **state)
{
    (void)state;
    put_shop();
    sx_ask(&sx, .query = "white heart", .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "HEART");
    assert_int_equal(sx.rsp.total, 1);
    assert_int_equal(sx.rsp.words, 2);
    sx_ask(&sx, .query = "heart ", .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.rsp.total, 3);
    sx_ask(&sx, .query = "");
    assert_int_equal(sx.rsp.total, 4);
}

#define ON_ONE(test)   cmocka_unit_test_setup_teardown(test, open_one, close_all)
#define ON_THREE(test) {"three_" #test, test, open_three, close_all, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ONE(words_are_all_wanted),
        ON_THREE(words_are_all_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
