/* Buffers: sizes, reuse, growth that keeps the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/net/buffer_pool.h"

static void a_buffer_is_at_least_as_large_as_asked(void **state)
{
    (void)state;
    struct buffer_pool pool = {0};
    for (u32 bytes = 1; bytes <= 1u << 20; bytes = bytes * 2 + 1) {
        u32 capacity = 0;
        u8 *buffer = buffer_pool_acquire(&pool, bytes, &capacity);
        assert_true(capacity >= bytes && capacity < 2 * MAX(bytes, BUFFER_BYTES_MIN));
        memset(buffer, 1, capacity);
        buffer_pool_release(&pool, &buffer, capacity);
        assert_null(buffer);
    }
    assert_int_equal(pool.given_bytes, 0);
    buffer_pool_deinit(&pool);
}

static void the_last_one_given_back_is_the_next_one_out(void **state)
{
    (void)state;
    struct buffer_pool pool = {0};
    u32 capacity = 0;
    u8 *a = buffer_pool_acquire(&pool, 5000, &capacity);
    u8 *b = buffer_pool_acquire(&pool, 5000, &capacity);
    const u8 *last = a;
    buffer_pool_release(&pool, &b, capacity);
    buffer_pool_release(&pool, &a, capacity);
    assert_int_equal(pool.idle_bytes, 2 * capacity);
    u8 *again = buffer_pool_acquire(&pool, 6000, &capacity);
    assert_ptr_equal(again, last);
    buffer_pool_release(&pool, &again, capacity);
    buffer_pool_deinit(&pool);
}

static void growth_and_drops_keep_the_bytes_in_order(void **state)
{
    (void)state;
    struct buffer_pool pool = {0};
    struct buffer buffer = {0};
    u8 written = 0, read = 0;
    for (u32 round = 0; round < 3000; round++) {
        const u32 more = 1 + round * 7 % 300;
        u8 *to = buffer_room(&pool, &buffer, more);
        for (u32 i = 0; i < more; i++)
            to[i] = written++;
        buffer.end += more;
        const u32 drop = MIN(buffer_count(&buffer), round * 11 % 290);
        for (u32 i = 0; i < drop; i++)
            assert_int_equal(buffer.bytes[buffer.begin + i], read++);
        buffer_drop(&pool, &buffer, drop);
    }
    buffer_drop(&pool, &buffer, buffer_count(&buffer));
    assert_null(buffer.bytes);
    assert_int_equal(pool.given_bytes, 0);
    buffer_pool_deinit(&pool);
}

static void releasing_with_another_size_is_a_bug(void **state)
{
    (void)state;
    struct buffer_pool pool = {0};
    u32 capacity = 0;
    u8 *buffer = buffer_pool_acquire(&pool, 100, &capacity);
    expect_assert_failure(buffer_pool_release(&pool, &buffer, capacity + 8));
    buffer_pool_release(&pool, &buffer, capacity);
    buffer_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_is_at_least_as_large_as_asked),
        cmocka_unit_test(the_last_one_given_back_is_the_next_one_out),
        cmocka_unit_test(growth_and_drops_keep_the_bytes_in_order),
        cmocka_unit_test(releasing_with_another_size_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
