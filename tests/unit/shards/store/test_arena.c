/* test_arena: the arena against a list of what is held, its classes, and what it gives back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/store/arena.h"

#define SLAB_BYTES STORE_CHUNK_BYTES

struct held {
    u8 *bytes;
    u32 length;
    u8 fill;
};

static void every_length_gets_the_smallest_class_that_holds_it(void **state)
{
    (void)state;
    assert_int_equal(arena_class_bytes(0), 32);
    assert_int_equal(arena_class_bytes(1), 48);
    assert_int_equal(arena_class_bytes(2), 64);
    assert_int_equal(arena_class_bytes(ARENA_CLASS_COUNT - 1), ARENA_BYTES_MAX);
    assert_int_equal(arena_class_of(0), 0);
    for (u32 class_index = 0; class_index < ARENA_CLASS_COUNT; class_index++) {
        const u32 bytes = arena_class_bytes(class_index);
        assert_int_equal(arena_class_of(bytes), class_index);
        if (class_index > 0)
            assert_int_equal(arena_class_of(arena_class_bytes(class_index - 1) + 1), class_index);
        assert_true(arena_capacity(bytes) == bytes);
    }
}

static void an_object_that_comes_and_goes_costs_no_memory_call(void **state)
{
    (void)state;
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    assert_int_equal(memory.used_bytes, 0);
    void *first = arena_acquire(&arena, 100);
    assert_int_equal(memory.used_bytes, SLAB_BYTES);
    assert_int_equal(arena_live_bytes(&arena), 128);
    void *remembered = first;
    ARENA_RELEASE(&arena, first, 100);
    assert_null(first);
    assert_int_equal(arena_live_bytes(&arena), 0);
    for (u32 i = 0; i < 1000; i++) {
        void *again = arena_acquire(&arena, 97 + i % 32);
        assert_ptr_equal(again, remembered);
        arena_release(&arena, again, 97 + i % 32);
    }
    assert_int_equal(memory.used_bytes, SLAB_BYTES);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

static void memory_of_one_class_serves_another_when_it_is_empty(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    static void *held[COUNT];
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    for (u32 i = 0; i < COUNT; i++)
        held[i] = arena_acquire(&arena, 200);
    const u64 used = memory.used_bytes;
    for (u32 i = 0; i < COUNT; i++)
        arena_release(&arena, held[i], 200);
    assert_true(arena_valid(&arena));
    assert_int_equal(memory.used_bytes, SLAB_BYTES);
    for (u32 i = 0; i < COUNT / 8; i++)
        held[i] = arena_acquire(&arena, 1500);
    assert_true(memory.used_bytes <= used + SLAB_BYTES);
    assert_true(arena_valid(&arena));
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

static void the_largest_object_fits(void **state)
{
    (void)state;
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    u8 *a = arena_acquire(&arena, ARENA_BYTES_MAX);
    u8 *b = arena_acquire(&arena, ARENA_BYTES_MAX - 1000);
    memset(a, 1, ARENA_BYTES_MAX);
    memset(b, 2, ARENA_BYTES_MAX);
    assert_int_equal(a[ARENA_BYTES_MAX - 1], 1);
    assert_true(arena_valid(&arena));
    arena_release(&arena, a, ARENA_BYTES_MAX);
    arena_release(&arena, b, ARENA_BYTES_MAX);
    assert_true(arena_valid(&arena));
    arena_deinit(&arena);
}

/* The mixture: mostly codes and titles, now and then a reply of up to 60 KB. */
static void steady_load_does_not_make_memory_grow(void **state)
{
    (void)state;
    enum { HELD = 20000, ROUNDS = 10 };
    static struct held held[HELD];
    struct fuzz fuzz = fuzz_begin("steady");
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    u64 used_first = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 turn = 0; turn < 3 * HELD; turn++) {
            struct held *slot = &held[fuzz_below(&fuzz, HELD)];
            const u32 kind = fuzz_below(&fuzz, 256);
            if (slot->bytes != NULL)
                arena_release(&arena, slot->bytes, slot->length);
            slot->length = 20 + fuzz_below(&fuzz, kind == 0 ? 60000 : kind < 16 ? 3000 : 200);
            slot->bytes = arena_acquire(&arena, slot->length);
        }
        used_first = round == 1 ? memory.used_bytes : used_first;
        assert_true(arena_valid(&arena));
    }
    print_message("  %llu live bytes in %llu bytes of slabs, after the first rounds %llu\n",
                  (unsigned long long)arena_live_bytes(&arena),
                  (unsigned long long)memory.used_bytes, (unsigned long long)used_first);
    assert_true(memory.used_bytes <= used_first + used_first / 4);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

static void misuse_is_caught(void **state)
{
    (void)state;
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    void *object = NULL;
    expect_assert_failure(object = arena_acquire(&arena, ARENA_BYTES_MAX + 1));
    expect_assert_failure(arena_release(&arena, NULL, 10));
    object = arena_acquire(&arena, 40);
    void *other = arena_acquire(&arena, 40);
    expect_assert_failure(arena_release(&arena, object, 400));
    arena_release(&arena, object, 40);
    expect_assert_failure(arena_release(&arena, object, 40));
    arena_release(&arena, other, 40);
    arena_deinit(&arena);
}

static u32 random_length(struct fuzz *fuzz)
{
    const u32 kind = fuzz_below(fuzz, 200);
    if (kind == 0)
        return fuzz_below(fuzz, ARENA_BYTES_MAX + 1);
    if (kind < 10)
        return fuzz_below(fuzz, 70000);
    return fuzz_below(fuzz, kind < 100 ? 100 : 3000);
}

static void require_filled(const struct held *held)
{
    for (u32 i = 0; i < held->length; i += held->length < 64 ? 1 : 61)
        assert_int_equal(held->bytes[i], held->fill);
    if (held->length > 0)
        assert_int_equal(held->bytes[held->length - 1], held->fill);
}

static void arena_equals_a_naive_model(void **state)
{
    (void)state;
    enum { HELD_MAX = 3000, TURNS = 200000 };
    static struct held held[HELD_MAX];
    struct fuzz fuzz = fuzz_begin("arena");
    struct store_memory memory;
    struct arena arena;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    u32 count = 0;
    u64 live_bytes = 0;
    for (u32 turn = 0; turn < TURNS; turn++) {
        const bool is_growing = (turn / 10000) % 3 != 2;
        if (count < HELD_MAX && fuzz_below(&fuzz, 10) < (is_growing ? 6u : 3u)) {
            struct held *next = &held[count++];
            next->length = random_length(&fuzz);
            next->bytes = arena_acquire(&arena, next->length);
            next->fill = (u8)fuzz_next(&fuzz);
            const u32 capacity = arena_capacity(next->length);
            assert_true(capacity >= next->length);
            assert_int_equal((uintptr_t)next->bytes % (capacity % 64 == 0 ? 64 : 16), 0);
            memset(next->bytes, next->fill, next->length);
            live_bytes += capacity;
        } else if (count > 0) {
            const u32 i = fuzz_below(&fuzz, count);
            require_filled(&held[i]);
            live_bytes -= arena_capacity(held[i].length);
            arena_release(&arena, held[i].bytes, held[i].length);
            held[i] = held[--count];
        }
        assert_int_equal(arena_live_bytes(&arena), live_bytes);
        if (turn % 5000 == 0)
            assert_true(arena_valid(&arena));
    }
    print_message("  %u objects, %llu live bytes in %llu bytes of slabs\n", count,
                  (unsigned long long)live_bytes, (unsigned long long)memory.used_bytes);
    while (count > 0) {
        require_filled(&held[--count]);
        arena_release(&arena, held[count].bytes, held[count].length);
    }
    assert_int_equal(arena_live_bytes(&arena), 0);
    assert_true(arena_valid(&arena));
    assert_true(memory.used_bytes <= SLAB_BYTES);
    arena_deinit(&arena);
    assert_int_equal(memory.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_gets_the_smallest_class_that_holds_it),
        cmocka_unit_test(an_object_that_comes_and_goes_costs_no_memory_call),
        cmocka_unit_test(memory_of_one_class_serves_another_when_it_is_empty),
        cmocka_unit_test(the_largest_object_fits),
        cmocka_unit_test(steady_load_does_not_make_memory_grow),
        cmocka_unit_test(misuse_is_caught),
        cmocka_unit_test(arena_equals_a_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
