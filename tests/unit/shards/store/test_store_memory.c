/* test_store_memory: chunks that are put aside are counted until they are given back, and nothing is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shards/store/store_memory.h"

static const size_t sizes[] = {8,        15,    16, 64,    4096, 65536, 1u << 20, STORE_CHUNK_BYTES,
                               3u << 20, 65536, 64, 100000};

static void what_is_put_aside_comes_back_in_steps(void **state)
{
    (void)state;
    struct store_memory memory;
    void *chunks[ARRAY_COUNT(sizes)];
    store_memory_init(&memory);
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        chunks[i] = store_memory_acquire(&memory, sizes[i]);
        memset(chunks[i], 0xee, sizes[i]);
    }
    void *kept = store_memory_acquire(&memory, 4096);
    const u64 all = memory.used_bytes;
    store_memory_put_off(&memory, true);
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++)
        store_memory_release(&memory, chunks[i], sizes[i]);
    store_memory_put_off(&memory, false);
    assert_int_equal(memory.used_bytes, all - 8 - 15); /* too small to be put aside */
    u32 steps = 1;
    for (u64 before = memory.used_bytes; !store_memory_give_back(&memory); steps++) {
        assert_true(memory.used_bytes < before);
        assert_true(before - memory.used_bytes < (256u << 10) + (3u << 20));
        before = memory.used_bytes;
    }
    assert_true(steps >= 4);
    assert_int_equal(memory.used_bytes, 4096);
    assert_true(store_memory_give_back(&memory));
    store_memory_release(&memory, kept, 4096);
    assert_int_equal(memory.used_bytes, 0);
    assert_int_equal(memory.chunk_count, 0);
}

static void putting_off_twice_is_a_bug(void **state)
{
    (void)state;
    struct store_memory memory;
    store_memory_init(&memory);
    store_memory_put_off(&memory, true);
    expect_assert_failure(store_memory_put_off(&memory, true));
    expect_assert_failure((void)store_memory_give_back(&memory));
    store_memory_put_off(&memory, false);
    assert_true(store_memory_give_back(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_aside_comes_back_in_steps),
        cmocka_unit_test(putting_off_twice_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
