/* test_heap: the heap against a plain array of keys, its positions, and its storage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/store/heap.h"

/* Items are numbers below item_count; each remembers its position as the heap told it. */
struct timers {
    struct store_memory memory;
    struct arena arena;
    struct heap heap;
    u32 *positions;
    u64 *keys;
    u64 moved_count;
};

static void moved(void *context, u32 item, u32 position)
{
    struct timers *timers = context;
    timers->positions[item] = position;
    timers->moved_count++;
}

static struct heap_owner owner_of(struct timers *timers)
{
    return (struct heap_owner){.arena = &timers->arena, .context = timers, .moved = moved};
}

static void timers_open(struct timers *timers, u32 item_count)
{
    *timers = (struct timers){0};
    store_memory_init(&timers->memory);
    arena_init(&timers->arena, &timers->memory);
    timers->positions = calloc(item_count, sizeof(u32));
    timers->keys = calloc(item_count, sizeof(u64));
    assert_non_null(timers->positions);
    assert_non_null(timers->keys);
}

static void timers_close(struct timers *timers)
{
    heap_deinit(&timers->heap, &timers->arena);
    assert_int_equal(arena_live_bytes(&timers->arena), 0);
    arena_deinit(&timers->arena);
    assert_int_equal(timers->memory.used_bytes, 0);
    free(timers->positions);
    free(timers->keys);
}

static void push(struct timers *timers, u64 key, u32 item)
{
    const struct heap_owner owner = owner_of(timers);
    timers->keys[item] = key;
    heap_push(&timers->heap, &owner, key, item);
}

/* Every item is where its position says, with its key. */
static void require_positions(const struct timers *timers)
{
    assert_true(heap_valid(&timers->heap));
    for (u32 i = 0; i < heap_count(&timers->heap); i++) {
        const struct heap_entry entry = heap_entry_at(&timers->heap, HEAP_ROOT + i);
        assert_int_equal(timers->positions[entry.item], HEAP_ROOT + i);
        assert_int_equal(timers->keys[entry.item], entry.key);
    }
}

static void an_empty_heap_holds_no_memory_and_one_entry_a_line(void **state)
{
    (void)state;
    struct timers timers;
    timers_open(&timers, 4);
    const struct heap_owner owner = owner_of(&timers);
    assert_true(heap_valid(&timers.heap));
    push(&timers, 50, 2);
    assert_int_equal(arena_live_bytes(&timers.arena), 64);
    assert_int_equal(heap_top(&timers.heap).item, 2);
    assert_int_equal(heap_top(&timers.heap).key, 50);
    assert_int_equal(timers.positions[2], HEAP_ROOT);
    heap_pop(&timers.heap, &owner);
    assert_int_equal(timers.positions[2], 0);
    assert_int_equal(arena_live_bytes(&timers.arena), 0);
    timers_close(&timers);
}

static void pops_come_in_order_of_keys(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct fuzz fuzz = fuzz_begin("order");
    struct timers timers;
    timers_open(&timers, COUNT);
    const struct heap_owner owner = owner_of(&timers);
    for (u32 i = 0; i < COUNT; i++)
        push(&timers, fuzz_below(&fuzz, 500), i);
    u64 before = 0;
    for (u32 i = 0; i < COUNT; i++) {
        const struct heap_entry top = heap_top(&timers.heap);
        assert_true(top.key >= before);
        before = top.key;
        heap_pop(&timers.heap, &owner);
    }
    assert_int_equal(heap_count(&timers.heap), 0);
    timers_close(&timers);
}

static void a_push_in_order_moves_nothing_else(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct timers timers;
    timers_open(&timers, COUNT);
    for (u32 i = 0; i < COUNT; i++)
        push(&timers, i / 3, i);
    assert_int_equal(timers.moved_count, COUNT);
    require_positions(&timers);
    timers_close(&timers);
}

static void a_push_at_the_end_is_refused_where_something_would_move(void **state)
{
    (void)state;
    struct timers timers;
    timers_open(&timers, 100);
    assert_int_equal(heap_push_last(&timers.heap, 5, 0), 0); /* no storage yet */
    push(&timers, 5, 0);
    assert_int_equal(heap_push_last(&timers.heap, 6, 1), 0); /* no room */
    push(&timers, 6, 1);
    assert_int_equal(heap_push_last(&timers.heap, 4, 2), 0); /* would come first */
    assert_int_equal(heap_count(&timers.heap), 2);
    timers.keys[2] = 5;
    timers.positions[2] = heap_push_last(&timers.heap, 5, 2);
    assert_int_equal(timers.positions[2], HEAP_ROOT + 2);
    assert_int_equal(timers.moved_count, 2);
    require_positions(&timers);
    timers_close(&timers);
}

static void a_key_moves_both_ways(void **state)
{
    (void)state;
    struct timers timers;
    timers_open(&timers, 100);
    const struct heap_owner owner = owner_of(&timers);
    for (u32 i = 0; i < 100; i++)
        push(&timers, 1000 + i, i);
    timers.keys[90] = 1;
    heap_update(&timers.heap, &owner, timers.positions[90], 1);
    assert_int_equal(heap_top(&timers.heap).item, 90);
    timers.keys[90] = 9999;
    heap_update(&timers.heap, &owner, timers.positions[90], 9999);
    assert_int_equal(heap_top(&timers.heap).item, 0);
    require_positions(&timers);
    timers_close(&timers);
}

static void storage_follows_the_count_up_and_down(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    struct timers timers;
    timers_open(&timers, COUNT);
    const struct heap_owner owner = owner_of(&timers);
    for (u32 i = 0; i < COUNT; i++)
        push(&timers, COUNT - i, i); /* the hardest order */
    require_positions(&timers);
    const u64 full = arena_live_bytes(&timers.arena);
    assert_true(full <= COUNT * sizeof(struct heap_entry) + (128u << 10));
    for (u32 i = 0; i < COUNT - 10; i++)
        heap_remove(&timers.heap, &owner, timers.positions[(i * 7919u) % COUNT]);
    require_positions(&timers);
    assert_true(arena_live_bytes(&timers.arena) <= 129u << 10);
    timers_close(&timers);

    timers_open(&timers, COUNT);
    for (u32 i = 0; i < 4000; i++)
        push(&timers, i, i);
    for (u32 i = 0; i < 3999; i++)
        heap_pop(&timers.heap, &owner);
    assert_true(arena_live_bytes(&timers.arena) <= 256);
    assert_int_equal(heap_top(&timers.heap).item, 3999);
    timers_close(&timers);
}

static void misuse_is_caught(void **state)
{
    (void)state;
    struct timers timers;
    timers_open(&timers, 4);
    const struct heap_owner owner = owner_of(&timers);
    expect_assert_failure((void)heap_top(&timers.heap));
    expect_assert_failure(heap_pop(&timers.heap, &owner));
    push(&timers, 1, 1);
    expect_assert_failure(heap_remove(&timers.heap, &owner, 0));
    expect_assert_failure(heap_remove(&timers.heap, &owner, HEAP_ROOT + 1));
    expect_assert_failure(heap_update(&timers.heap, &owner, HEAP_ROOT + 1, 5));
    timers_close(&timers);
}

/* One random operation on a heap whose model is `positions != 0` and `keys`. */
static void mutate(struct fuzz *fuzz, struct timers *timers, u32 item_count, bool is_growing)
{
    const struct heap_owner owner = owner_of(timers);
    const u32 item = fuzz_below(fuzz, item_count);
    const u64 key = fuzz_below(fuzz, 100000);
    const u32 position = timers->positions[item];
    if (position == 0) {
        if (!is_growing && fuzz_below(fuzz, 4) != 0)
            return;
        timers->keys[item] = key;
        timers->positions[item] = heap_push_last(&timers->heap, key, item);
        if (timers->positions[item] == 0)
            push(timers, key, item);
    } else if (fuzz_below(fuzz, 3) == 0) {
        timers->keys[item] = key;
        heap_update(&timers->heap, &owner, position, key);
    } else if (!is_growing || fuzz_below(fuzz, 4) == 0) {
        heap_remove(&timers->heap, &owner, position);
        assert_int_equal(timers->positions[item], 0);
    }
}

static void fuzz_heap(struct fuzz *fuzz, u32 item_count, u32 turns)
{
    struct timers timers;
    timers_open(&timers, item_count);
    for (u32 turn = 0; turn < turns; turn++) {
        mutate(fuzz, &timers, item_count, (turn / (item_count * 3)) % 2 == 0);
        if (turn % (turns / 64) != 0)
            continue;
        require_positions(&timers);
        u32 count = 0;
        u64 least = UINT64_MAX;
        for (u32 i = 0; i < item_count; i++) {
            count += timers.positions[i] != 0;
            least = timers.positions[i] != 0 ? MIN(least, timers.keys[i]) : least;
        }
        assert_int_equal(heap_count(&timers.heap), count);
        if (count > 0)
            assert_int_equal(heap_top(&timers.heap).key, least);
    }
    timers_close(&timers);
}

static void heap_equals_a_naive_model(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("heap");
    fuzz_heap(&fuzz, 7, 20000);
    fuzz_heap(&fuzz, 300, 50000);
    fuzz_heap(&fuzz, 20000, 400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_holds_no_memory_and_one_entry_a_line),
        cmocka_unit_test(pops_come_in_order_of_keys),
        cmocka_unit_test(a_push_in_order_moves_nothing_else),
        cmocka_unit_test(a_push_at_the_end_is_refused_where_something_would_move),
        cmocka_unit_test(a_key_moves_both_ways),
        cmocka_unit_test(storage_follows_the_count_up_and_down),
        cmocka_unit_test(misuse_is_caught),
        cmocka_unit_test(heap_equals_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
