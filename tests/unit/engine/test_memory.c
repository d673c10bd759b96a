/* test_memory: chunks of the state machines, and the reserve that they come from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/resource.h>

#include "engine/memory.h"
#include "shards/store/store_memory.h"

#define RESERVE_BYTES (64u << 20)
#define ODD_BYTES     (STORE_CHUNK_BYTES + 123456u) /* as of a pool */

static long fault_count(void)
{
    struct rusage use;
    assert_int_equal(getrusage(RUSAGE_THREAD, &use), 0);
    return use.ru_minflt + use.ru_majflt;
}

static void assert_zero(const u8 *bytes, size_t count)
{
    for (size_t i = 0; i < count; i += 512)
        assert_int_equal(bytes[i], 0);
}

static void assert_aligned(const u8 *chunk, size_t bytes)
{
    const size_t wanted = bytes == STORE_CHUNK_BYTES  ? bytes
                          : bytes > STORE_CHUNK_BYTES ? 4096
                                                      : 64;
    assert_int_equal((uintptr_t)chunk % wanted, 0);
}

static void chunks_are_zero_and_aligned(void **state)
{
    (void)state;
    const size_t sizes[] = {64, 100000, STORE_CHUNK_BYTES, ODD_BYTES, 3 * STORE_CHUNK_BYTES};
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        u8 *chunk = store_chunk_acquire(sizes[i]);
        assert_non_null(chunk);
        assert_aligned(chunk, sizes[i]);
        assert_zero(chunk, sizes[i]);
        memset(chunk, 1, sizes[i]);
        store_chunk_release(chunk, sizes[i]);
    }
}

/* Every size that a container asks for comes out of the reserve, without a fault. */
static void the_reserve_serves_chunks_of_any_size_without_faults(void **state)
{
    (void)state;
    assert_true(memory_prepare(RESERVE_BYTES));
    const size_t sizes[] = {STORE_CHUNK_BYTES, ODD_BYTES,         STORE_CHUNK_BYTES,
                            ODD_BYTES,         STORE_CHUNK_BYTES, 4 * STORE_CHUNK_BYTES};
    u8 *chunks[ARRAY_COUNT(sizes)];
    const long faults = fault_count();
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        chunks[i] = store_chunk_acquire(sizes[i]);
        assert_non_null(chunks[i]);
        assert_zero(chunks[i], sizes[i]);
        memset(chunks[i], 1, sizes[i]);
        assert_aligned(chunks[i], sizes[i]);
        for (u32 j = 0; j < i; j++) {
            assert_true(chunks[i] >= chunks[j] + sizes[j] || chunks[j] >= chunks[i] + sizes[i]);
            assert_in_range((u64)(chunks[i] - chunks[0]), 0, RESERVE_BYTES); /* of one piece */
        }
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    assert_in_range(fault_count() - faults, 0,
                    4); /* the stack; sanitizers have shadows that fault */
#else
    assert_true(fault_count() >= faults);
#endif
    u8 *beyond = store_chunk_acquire(RESERVE_BYTES); /* what does not fit comes from the system */
    assert_non_null(beyond);
    assert_zero(beyond, RESERVE_BYTES);
    store_chunk_release(beyond, RESERVE_BYTES);
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++)
        store_chunk_release(chunks[i], sizes[i]);
}

/* ---- chunks that lie ahead ---- */

static u32 told;

static void on_told(void *context)
{
    assert_null(context);
    told++;
}

static void *fill(void *feed)
{
    memory_feed_fill(feed);
    return NULL;
}

static void fill_elsewhere(struct memory_feed *feed)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fill, feed), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static bool is_of_feed(const struct memory_feed *feed, const void *chunk)
{
    for (u32 i = 0; i < MEMORY_FEED_CHUNKS; i++)
        if (atomic_load(&feed->slots[i]) == chunk)
            return true;
    return false;
}

/* Another thread fills the holes; what it has prepared is zero, aligned and present. */
static void chunks_that_lie_ahead_come_without_faults(void **state)
{
    (void)state;
    static struct memory_feed feed;
    void *chunks[MEMORY_FEED_CHUNKS + 1];
    memory_feed_bind(&feed, on_told, NULL);
    while (told == 0) /* until the reserve of the test before is used up */
        assert_non_null(store_chunk_acquire(STORE_CHUNK_BYTES));
    assert_int_equal(told, 1); /* there was none, and that was said */
    for (u32 round = 0; round < 3; round++) {
        fill_elsewhere(&feed);
        told = 0;
        const struct memory_feed before = feed;
        for (u32 i = 0; i <= MEMORY_FEED_CHUNKS; i++) {
            const long faults = fault_count();
            chunks[i] = store_chunk_acquire(STORE_CHUNK_BYTES);
            assert_int_equal(is_of_feed(&before, chunks[i]), i < MEMORY_FEED_CHUNKS);
            assert_int_equal(told, 1); /* once, until they are filled */
            assert_aligned(chunks[i], STORE_CHUNK_BYTES);
            assert_zero(chunks[i], STORE_CHUNK_BYTES);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
            assert_true(i == MEMORY_FEED_CHUNKS || fault_count() - faults < 4);
#else
            assert_true(fault_count() >= faults);
#endif
        }
        for (u32 i = 0; i <= MEMORY_FEED_CHUNKS; i++)
            store_chunk_release(chunks[i], STORE_CHUNK_BYTES);
        u8 *other = store_chunk_acquire(ODD_BYTES); /* of another size: from the system */
        store_chunk_release(other, ODD_BYTES);
    }
    memory_feed_bind(NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_zero_and_aligned),
        cmocka_unit_test(the_reserve_serves_chunks_of_any_size_without_faults),
        cmocka_unit_test(chunks_that_lie_ahead_come_without_faults),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
