/* test_pool: the pool against a list of what is held, and its contracts one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/store/pool.h"

static void first_record_is_1_and_an_empty_pool_holds_no_memory(void **state)
{
    (void)state;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    pool_init(&pool, &memory, 64);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(pool_acquire(&pool), 1);
    assert_true(memory.used_bytes > 0 && memory.used_bytes <= POOL_UNIT_BYTES + 64);
    pool_deinit(&pool);
    assert_int_equal(memory.used_bytes, 0);
    assert_true(store_memory_valid(&memory));
}

static void a_released_record_comes_back_first_and_zeroed(void **state)
{
    (void)state;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    pool_init(&pool, &memory, 40);
    u32 a = pool_acquire(&pool);
    u32 b = pool_acquire(&pool);
    memset(pool_at(&pool, a), 0xff, 40);
    memset(pool_at(&pool, b), 0xff, 40);
    u32 copy = a;
    pool_release(&pool, &a);
    assert_int_equal(a, 0);
    assert_int_equal(pool_acquire(&pool), copy);
    static const u8 zero[40];
    assert_memory_equal(pool_at(&pool, copy), zero, 40);
    assert_int_equal(pool_count(&pool), 2);
    pool_deinit(&pool);
}

static void records_of_64_bytes_are_lines_and_do_not_move(void **state)
{
    (void)state;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    pool_init(&pool, &memory, 128);
    const u32 first = pool_acquire(&pool);
    void *at = pool_at(&pool, first);
    for (u32 i = 0; i < 100000; i++) {
        const u32 index = pool_acquire(&pool);
        assert_int_equal(index, first + 1 + i);
        assert_int_equal((uintptr_t)pool_at(&pool, index) % 64, 0);
    }
    assert_ptr_equal(pool_at(&pool, first), at);
    assert_true(pool_valid(&pool));
    pool_deinit(&pool);
    assert_int_equal(memory.used_bytes, 0);
}

static void prepare_makes_the_next_acquires_free_of_growth(void **state)
{
    (void)state;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    pool_init(&pool, &memory, 72);
    pool_prepare(&pool, 50000);
    const u64 used = memory.used_bytes;
    for (u32 i = 0; i < 50000; i++)
        assert_int_equal(pool_acquire(&pool), i + 1);
    assert_int_equal(memory.used_bytes, used);
    assert_true(used < 50000 * 72 * 2);
    pool_deinit(&pool);
}

static void misuse_is_caught(void **state)
{
    (void)state;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    expect_assert_failure(pool_init(&pool, &memory, 12));
    expect_assert_failure(pool_init(&pool, &memory, POOL_RECORD_BYTES_MAX + 8));
    pool_init(&pool, &memory, 16);
    u32 none = 0;
    u32 beyond = 7;
    expect_assert_failure(pool_release(&pool, &none));
    expect_assert_failure(pool_release(&pool, &beyond));
    u32 held = pool_acquire(&pool);
    u32 other = pool_acquire(&pool);
    u32 twice = held;
    assert_int_not_equal(other, 0);
    pool_release(&pool, &held);
    expect_assert_failure(pool_release(&pool, &twice));
    pool_deinit(&pool);
}

/* Fills a record with what its index and its turn say, so that any overlap shows. */
static void stamp(const struct pool *pool, u32 index, u64 value)
{
    u64 *words = pool_at(pool, index);
    for (u32 i = 0; i < pool->record_bytes / 8; i++)
        words[i] = value + i;
}

static void require_stamp(const struct pool *pool, u32 index, u64 value)
{
    const u64 *words = pool_at(pool, index);
    for (u32 i = 0; i < pool->record_bytes / 8; i++)
        assert_int_equal(words[i], value + i);
}

static void fuzz_pool(struct fuzz *fuzz, u32 record_bytes, u32 turns)
{
    enum { HELD_MAX = 8192 };
    static u32 held[HELD_MAX];
    static u64 values[HELD_MAX];
    u32 held_count = 0;
    struct store_memory memory;
    struct pool pool;
    store_memory_init(&memory);
    pool_init(&pool, &memory, record_bytes);
    for (u32 turn = 0; turn < turns; turn++) {
        const bool is_growing = (turn / 6000) % 3 != 2;
        if (held_count < HELD_MAX && fuzz_below(fuzz, 10) < (is_growing ? 7u : 2u)) {
            const u32 index = pool_acquire(&pool);
            const u64 *words = pool_at(&pool, index);
            for (u32 i = 0; i < record_bytes / 8; i++)
                assert_int_equal(words[i], 0);
            values[held_count] = fuzz_next(fuzz);
            stamp(&pool, index, values[held_count]);
            held[held_count++] = index;
        } else if (held_count > 0) {
            const u32 i = fuzz_below(fuzz, held_count);
            require_stamp(&pool, held[i], values[i]);
            pool_release(&pool, &held[i]);
            held_count--;
            held[i] = held[held_count];
            values[i] = values[held_count];
        }
        assert_int_equal(pool_count(&pool), held_count);
    }
    assert_true(pool_valid(&pool));
    for (u32 i = 0; i < held_count; i++)
        require_stamp(&pool, held[i], values[i]);
    pool_deinit(&pool);
    assert_int_equal(memory.used_bytes, 0);
}

static void pool_equals_a_naive_model(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("pool");
    static const u32 sizes[] = {8, 24, 64, 72, 1000, 4096};
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++)
        fuzz_pool(&fuzz, sizes[i], sizes[i] > 100 ? 12000 : 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_record_is_1_and_an_empty_pool_holds_no_memory),
        cmocka_unit_test(a_released_record_comes_back_first_and_zeroed),
        cmocka_unit_test(records_of_64_bytes_are_lines_and_do_not_move),
        cmocka_unit_test(prepare_makes_the_next_acquires_free_of_growth),
        cmocka_unit_test(misuse_is_caught),
        cmocka_unit_test(pool_equals_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
