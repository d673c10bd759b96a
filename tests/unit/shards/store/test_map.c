/* test_map: the hash map against plain arrays, its growth, and its promise to snapshots.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/store/map.h"

/* The records: key and value by index; the hash of a key may be made bad on purpose. */
struct shop {
    u64 *keys;
    u64 *values;
    u64 hash_mask; /* all ones, or few bits so that chains get long */
    struct map map;
    struct store_memory memory;
};

static u64 key_hash(const struct shop *shop, u64 key)
{
    return checksum64(&key, sizeof key) & shop->hash_mask;
}

static u64 hash_of(const void *context, u32 index)
{
    const struct shop *shop = context;
    return key_hash(shop, shop->keys[index]);
}

static bool equal(const void *context, u32 index, const void *key)
{
    const struct shop *shop = context;
    return shop->keys[index] == *(const u64 *)key;
}

static u32 find(const struct shop *shop, u64 key)
{
    return map_find(&shop->map, key_hash(shop, key), equal, shop, &key);
}

static void shop_open(struct shop *shop, u32 record_count, u64 hash_mask)
{
    *shop = (struct shop){.hash_mask = hash_mask};
    shop->keys = calloc(record_count, sizeof(u64));
    shop->values = calloc(record_count, sizeof(u64));
    assert_non_null(shop->keys);
    assert_non_null(shop->values);
    store_memory_init(&shop->memory);
    map_init(&shop->map, &shop->memory, (struct map_records){.context = shop, .hash_of = hash_of});
}

static void shop_close(struct shop *shop)
{
    map_deinit(&shop->map);
    assert_int_equal(shop->memory.used_bytes, 0);
    free(shop->keys);
    free(shop->values);
}

static void an_absent_key_is_index_0_and_a_present_one_is_found(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 4, UINT64_MAX);
    assert_int_equal(find(&shop, 77), 0);
    shop.keys[3] = 77;
    map_insert(&shop.map, key_hash(&shop, 77), 3);
    assert_int_equal(find(&shop, 77), 3);
    assert_int_equal(map_first_candidate(&shop.map, key_hash(&shop, 77)), 3);
    assert_int_equal(map_count(&shop.map), 1);
    map_remove(&shop.map, key_hash(&shop, 77), 3);
    assert_int_equal(find(&shop, 77), 0);
    shop_close(&shop);
}

static void keys_of_equal_hash_are_told_apart(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 201, 0);
    for (u32 i = 1; i <= 200; i++) {
        shop.keys[i] = i;
        map_insert(&shop.map, 0, i);
    }
    for (u32 i = 1; i <= 200; i++)
        assert_int_equal(find(&shop, i), i);
    assert_true(map_valid(&shop.map));
    u32 few[10];
    u32 all[200];
    assert_int_equal(map_bucket_read(&shop.map, 0, few, 10), 200);
    assert_int_equal(map_bucket_read(&shop.map, 0, all, 200), 200);
    assert_memory_equal(few, all, sizeof few);
    shop_close(&shop);
}

static void both_ways_to_compare_hashes_agree(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("hashes");
    for (u32 turn = 0; turn < 100000; turn++) {
        const u32 hash = (u32)fuzz_next(&fuzz);
        struct map_bucket bucket = {.link = hash, .fill = (u8)fuzz_below(&fuzz, 8)};
        u32 expected = 0;
        for (u32 i = 0; i < MAP_BUCKET_SLOTS; i++) { /* slots beyond the fill too */
            bucket.hashes[i] = hash + fuzz_below(&fuzz, 2) * (1u << fuzz_below(&fuzz, 32));
            expected |= (u32)(i < bucket.fill && bucket.hashes[i] == hash) << i;
        }
        assert_int_equal(map_bucket_match_portable(&bucket, hash), expected);
        assert_int_equal(map_bucket_match(&bucket, hash), expected);
    }
}

/* Also when the hash kept of it is 0, as an empty slot has it. */
static void an_entry_of_hash_0_is_told_from_an_empty_slot(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 4, 0);
    assert_int_equal(find(&shop, 0), 0);
    assert_int_equal(map_first_candidate(&shop.map, 0), 0);
    shop.keys[3] = 8;
    map_insert(&shop.map, 0, 3);
    assert_int_equal(find(&shop, 8), 3);
    map_remove(&shop.map, 0, 3);
    assert_int_equal(map_first_candidate(&shop.map, 0), 0);
    assert_true(map_valid(&shop.map));
    shop_close(&shop);
}

static u64 no_hash_of(const void *context, u32 index)
{
    (void)context;
    (void)index;
    base_panic("panic", __FILE__, __LINE__, "a record was looked at");
}

static void growing_looks_at_no_record(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 1, UINT64_MAX);
    shop.map.records.hash_of = no_hash_of;
    for (u32 i = 1; i <= 20000; i++)
        map_insert(&shop.map, key_hash(&shop, i), i);
    for (u32 i = 1; i <= 20000; i++)
        assert_true(map_has(&shop.map, key_hash(&shop, i), i));
    shop_close(&shop);
}

static void misuse_is_caught(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 4, UINT64_MAX);
    shop.keys[1] = 5;
    expect_assert_failure(map_insert(&shop.map, key_hash(&shop, 5), 0));
    map_insert(&shop.map, key_hash(&shop, 5), 1);
    expect_assert_failure(map_remove(&shop.map, key_hash(&shop, 5), 2));
    expect_assert_failure(map_set_cut(&shop.map, 0)); /* a cut must be new */
    expect_assert_failure((void)map_visit(&shop.map, map_bucket_count(&shop.map)));
#ifdef SOUK_CHECKS
    expect_assert_failure(map_insert(&shop.map, key_hash(&shop, 5), 1));
#endif
    shop_close(&shop);
}

/* Keys 1..KEYS; key k has index k when it is in. The model is the array `is_in`. */
static void fuzz_map(struct fuzz *fuzz, u64 hash_mask, u32 key_count, u32 turns)
{
    struct shop shop;
    shop_open(&shop, key_count + 1, hash_mask);
    bool *is_in = calloc(key_count + 1, sizeof *is_in);
    assert_non_null(is_in);
    u32 count = 0;
    for (u32 turn = 0; turn < turns; turn++) {
        const u32 key = 1 + fuzz_below(fuzz, key_count);
        const bool is_growing = (turn / (key_count * 2)) % 2 == 0;
        assert_int_equal(find(&shop, key), is_in[key] ? key : 0);
        if (!is_in[key] && (is_growing || fuzz_below(fuzz, 4) == 0)) {
            shop.keys[key] = key;
            map_insert(&shop.map, key_hash(&shop, key), key);
            is_in[key] = true;
            count++;
        } else if (is_in[key] && (!is_growing || fuzz_below(fuzz, 4) == 0)) {
            map_remove(&shop.map, key_hash(&shop, key), key);
            shop.keys[key] = 0; /* the map must not look at it again */
            is_in[key] = false;
            count--;
        }
        assert_int_equal(map_count(&shop.map), count);
        if (turn % (turns / 8) == 0)
            assert_true(map_valid(&shop.map));
    }
    for (u32 key = 1; key <= key_count; key++)
        assert_int_equal(find(&shop, key), is_in[key] ? key : 0);
    assert_true(map_valid(&shop.map));
    free(is_in);
    shop_close(&shop);
}

static void map_equals_a_naive_model(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("map");
    fuzz_map(&fuzz, UINT64_MAX, 20000, 300000);
    fuzz_map(&fuzz, 0xff000000000003full, 2000, 60000); /* chains, one tag */
    fuzz_map(&fuzz, 7, 300, 20000);
}

/* A snapshot under test: what the hook and the walker dumped since the cut. */
struct dump {
    struct shop *shop;
    u64 *keys; /* by index; 0 = not dumped */
    u64 *values;
    u32 record_count;
    u32 hook_count;
};

static void dump_bucket(void *context, struct map *map, u32 bucket)
{
    struct dump *dump = context;
    u32 indexes[256];
    const u32 count = map_bucket_read(map, bucket, indexes, ARRAY_COUNT(indexes));
    assert_true(count <= ARRAY_COUNT(indexes));
    for (u32 i = 0; i < count; i++) {
        const u32 index = indexes[i];
        assert_int_equal(dump->keys[index], 0); /* nothing is dumped twice */
        dump->keys[index] = dump->shop->keys[index];
        dump->values[index] = dump->shop->values[index];
    }
    dump->record_count += count;
    dump->hook_count++;
}

/* One random change: a new record, a removal, or a new value, announced as the contract wants. */
static void mutate(struct fuzz *fuzz, struct shop *shop, u32 key_count)
{
    const u32 key = 1 + fuzz_below(fuzz, key_count);
    const u64 hash = key_hash(shop, key);
    if (shop->keys[key] == 0) {
        shop->keys[key] = key;
        shop->values[key] = fuzz_next(fuzz);
        map_insert(&shop->map, hash, key);
    } else if (fuzz_below(fuzz, 3) == 0) {
        map_remove(&shop->map, hash, key);
        shop->keys[key] = 0;
        shop->values[key] = 0;
    } else {
        map_before_change(&shop->map, hash);
        shop->values[key] = fuzz_next(fuzz);
    }
}

/* Walks in slices between changes and compares with the state at the cut. */
static void take_dump(struct fuzz *fuzz, struct shop *shop, u32 key_count, u8 version)
{
    const size_t bytes = (key_count + 1) * sizeof(u64);
    struct dump dump = {.shop = shop, .keys = calloc(1, bytes), .values = calloc(1, bytes)};
    u64 *keys_at_cut = malloc(bytes);
    u64 *values_at_cut = malloc(bytes);
    memcpy(keys_at_cut, shop->keys, bytes);
    memcpy(values_at_cut, shop->values, bytes);
    const u32 count_at_cut = map_count(&shop->map);

    map_set_hook(&shop->map, dump_bucket, &dump);
    map_set_cut(&shop->map, version);
    for (u32 bucket = 0; bucket < map_bucket_count(&shop->map);) {
        for (u32 i = fuzz_below(fuzz, 30); i > 0; i--)
            mutate(fuzz, shop, key_count);
        for (u32 i = fuzz_below(fuzz, 9); i > 0 && bucket < map_bucket_count(&shop->map); i--)
            (void)map_visit(&shop->map, bucket++);
    }
    const u32 hook_count = dump.hook_count;
    for (u32 i = 0; i < 1000; i++)
        mutate(fuzz, shop, key_count);
    assert_int_equal(dump.hook_count, hook_count); /* all is visited: no more work */
    map_set_hook(&shop->map, NULL, NULL);

    assert_int_equal(dump.record_count, count_at_cut);
    assert_memory_equal(dump.keys, keys_at_cut, bytes);
    assert_memory_equal(dump.values, values_at_cut, bytes);
    assert_true(map_valid(&shop->map));
    free(dump.keys);
    free(dump.values);
    free(keys_at_cut);
    free(values_at_cut);
}

static void a_sliced_walk_sees_the_state_at_the_cut(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin("cut");
    struct shop shop;
    const u32 key_count = 6000;
    shop_open(&shop, key_count + 1, UINT64_MAX);
    for (u32 i = 0; i < 500; i++)
        mutate(&fuzz, &shop, key_count);
    /* The first dumps see the map grow manyfold; 300 cuts go once around the versions. */
    for (u32 cut = 1; cut <= 12; cut++)
        take_dump(&fuzz, &shop, key_count, (u8)cut);
    for (u32 cut = 13; cut <= 300; cut++) {
        map_set_cut(&shop.map, (u8)cut);
        for (u32 bucket = 0; bucket < map_bucket_count(&shop.map); bucket++)
            assert_true(map_visit(&shop.map, bucket));
    }
    take_dump(&fuzz, &shop, key_count, 45);
    shop_close(&shop);
}

static void insert_in_hook(void *context, struct map *map, u32 bucket)
{
    (void)bucket;
    map_insert(map, key_hash(context, 9), 2);
}

static void a_hook_that_changes_the_map_is_caught(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, 4, UINT64_MAX);
    shop.keys[2] = 9;
    map_set_hook(&shop.map, insert_in_hook, &shop);
    map_set_cut(&shop.map, 1);
    expect_assert_failure((void)map_visit(&shop.map, 0));
    shop.map.is_in_hook = false; /* the panic left it set */
    shop_close(&shop);
}

static void prepared_inserts_ask_for_no_memory(void **state)
{
    (void)state;
    enum { KEYS = 300000, STEP = 5000 };
    struct shop shop;
    shop_open(&shop, KEYS + 1, UINT64_MAX);
    for (u32 key = 1; key <= KEYS;) {
        map_prepare(&shop.map, STEP);
        const u64 used_bytes = shop.memory.used_bytes;
        for (u32 i = 0; i < STEP; i++, key++) {
            shop.keys[key] = key;
            map_insert(&shop.map, key_hash(&shop, key), key);
        }
        assert_int_equal(shop.memory.used_bytes, used_bytes);
    }
    shop_close(&shop);
}

static int compare_u32(const void *a, const void *b)
{
    const u32 x = *(const u32 *)a;
    const u32 y = *(const u32 *)b;
    return x < y ? -1 : x > y;
}

/* What the cache lines in use take; the rest of the last chunks is for later keys. */
static double line_bytes(const struct map *map)
{
    return (double)sizeof(struct map_bucket) *
           (pool_count(&map->buckets) + pool_count(&map->overflow));
}

/* Processor time of this thread: who else runs on the machine is not in it. */
static u64 thread_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), 0);
    return (u64)time.tv_sec * NS_PER_S + (u64)time.tv_nsec;
}

static void two_million_inserts_have_no_pause_and_take_few_bytes(void **state)
{
    (void)state;
    enum { KEYS = 2000000 };
    struct shop shop;
    shop_open(&shop, KEYS + 1, UINT64_MAX);
    u32 *cost_ns = malloc(KEYS * sizeof *cost_ns);
    assert_non_null(cost_ns);
    double bytes_worst = 0;
    for (u32 i = 1; i <= KEYS; i++) {
        shop.keys[i] = i;
        const u64 hash = key_hash(&shop, i);
        const u64 begin_ns = thread_ns();
        map_insert(&shop.map, hash, i);
        cost_ns[i - 1] = (u32)(thread_ns() - begin_ns);
        if (i >= 1000000 && i % 10000 == 0)
            bytes_worst = MAX(bytes_worst, line_bytes(&shop.map) / i);
    }
    const double bytes = (double)shop.memory.used_bytes / KEYS;
    qsort(cost_ns, KEYS, sizeof *cost_ns, compare_u32);
    print_message("  insert ns: p50 %u  p99 %u  p99.99 %u  worst %u\n", cost_ns[KEYS / 2],
                  cost_ns[KEYS / 100 * 99], cost_ns[KEYS / 10000 * 9999], cost_ns[KEYS - 1]);
    print_message("  bytes per key: %.2f with whole chunks, %.2f in lines at worst from 1 million "
                  "on; %u buckets + %u overflow\n",
                  bytes, bytes_worst, map_bucket_count(&shop.map), pool_count(&shop.map.overflow));
    assert_true(bytes <= 18.0);
    assert_true(bytes_worst <= 16.0);
    assert_true(cost_ns[KEYS / 10000 * 9999] < 1000000); /* a rehash of it all would be 100 ms */
    for (u32 i = 1; i <= KEYS; i += 7)
        assert_int_equal(find(&shop, i), i);
    free(cost_ns);
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_key_is_index_0_and_a_present_one_is_found),
        cmocka_unit_test(keys_of_equal_hash_are_told_apart),
        cmocka_unit_test(both_ways_to_compare_hashes_agree),
        cmocka_unit_test(an_entry_of_hash_0_is_told_from_an_empty_slot),
        cmocka_unit_test(growing_looks_at_no_record),
        cmocka_unit_test(misuse_is_caught),
        cmocka_unit_test(map_equals_a_naive_model),
        cmocka_unit_test(a_sliced_walk_sees_the_state_at_the_cut),
        cmocka_unit_test(a_hook_that_changes_the_map_is_caught),
        cmocka_unit_test(prepared_inserts_ask_for_no_memory),
        cmocka_unit_test(two_million_inserts_have_no_pause_and_take_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
