/* test_route: shards of keys, and ids of codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/limits.h"
#include "proto/route.h"

static void one_shard_owns_everything(void **state)
{
    (void)state;
    assert_int_equal(route_shard(0, 1), 0);
    assert_int_equal(route_shard(UINT64_MAX, 1), 0);
}

static void the_hash_is_scaled_by_its_high_bits(void **state)
{
    (void)state;
    for (u32 count = 1; count <= SHARDS_MAX; count++) {
        assert_int_equal(route_shard(0, (u16)count), 0);
        assert_int_equal(route_shard(UINT64_MAX, (u16)count), count - 1);
    }
    assert_int_equal(route_shard(1ull << 63, 2), 1);
    assert_int_equal(route_shard((1ull << 63) - 1, 2), 0);
    assert_int_equal(route_shard(0xC000000000000000ull, 4), 3);
}

static void keys_spread_evenly(void **state)
{
    (void)state;
    u32 counts[8] = {0};
    for (u64 id = 1; id <= 80000; id++)
        counts[route_shard(route_hash_u64(id), 8)]++;
    for (u32 i = 0; i < 8; i++)
        assert_in_range(counts[i], 9500, 10500);
}

static void every_part_of_a_resource_is_hashed(void **state)
{
    (void)state;
    const u64 plain = route_hash_resource((struct resource){.id = 7});
    assert_true(plain != route_hash_resource((struct resource){.id = 8}));
    assert_true(plain != route_hash_resource((struct resource){.id = 7, .tenant = 1}));
    assert_true(plain != route_hash_resource((struct resource){.id = 7, .kind = 1}));
    assert_true(plain != route_hash_resource((struct resource){.id = 7, .location = 1}));
}

static void an_id_of_a_code_has_no_guest_bit_and_is_not_zero(void **state)
{
    (void)state;
    for (u32 i = 0; i < 10000; i++) {
        const u64 id = id_from_code(&i, sizeof i);
        assert_true(id != 0);
        assert_true((id & ID_GUEST_BIT) == 0);
    }
    assert_true(id_from_code(NULL, 0) != 0);
}

static void an_id128_begins_with_its_milliseconds(void **state)
{
    (void)state;
    assert_true(id128_ms((struct id128){.low = 5, .high = 1234ull << 16 | 0xFFFF}) == 1234);
    assert_true(id128_is_none((struct id128){0, 0}));
    assert_false(id128_is_none((struct id128){0, 1}));
    assert_false(id128_is_none((struct id128){1, 0}));
    assert_true(id128_equal((struct id128){1, 2}, (struct id128){1, 2}));
    assert_false(id128_equal((struct id128){1, 2}, (struct id128){2, 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_owns_everything),
        cmocka_unit_test(the_hash_is_scaled_by_its_high_bits),
        cmocka_unit_test(keys_spread_evenly),
        cmocka_unit_test(every_part_of_a_resource_is_hashed),
        cmocka_unit_test(an_id_of_a_code_has_no_guest_bit_and_is_not_zero),
        cmocka_unit_test(an_id128_begins_with_its_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
