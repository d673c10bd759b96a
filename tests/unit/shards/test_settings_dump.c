/* test_settings_dump: settings that are dumped, loaded, verified, and the memory that they may take.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/settings_case.h"

/* ---- dump, load, verify, memory ---- */

static void a_dump_is_the_state_at_its_beginning(void **state)
{
    const u64 list = st_id_of(0, 10), sale = st_id_of(0, list + 1);
    struct fx *home = &st.shards[0];
    (void)state;
    (void)ST_LIST(&st, .home_id = list);
    for (u64 sku = 1; sku <= 3000; sku++)
        (void)st_price(&st, list, sku, (i64)sku);
    (void)st_promotion_at(home, st_tenth(sale));
    st_settle(&st);
    struct fx_dump dump;
    fx_dump_init(&dump);
    const struct id128 before = shard_digest(home->shard);
    shard_dump_begin(home->shard);
    (void)fx_dump_step(&dump, home->shard);
    for (u64 sku = 1; sku <= 3000; sku += 7)
        (void)st_price(&st, list, sku, 1);
    (void)st_price(&st, list, 4000, 1);
    (void)ST_LIST(&st, .home_id = list, .is_off = 1);
    struct msg_promotion_put_req off = st_tenth(sale);
    off.is_off = 1;
    (void)st_promotion_at(home, off);
    st_settle(&st);
    while (fx_dump_step(&dump, home->shard)) {}
    struct shard *loaded = fx_dump_load(&dump, &home->options);
    const struct id128 after = shard_digest(loaded);
    assert_true(id128_equal(before, after));
    fx_dump_deinit(&dump);
    /* Prices too, and not only their bytes. */
    struct shard *real = home->shard;
    home->shard = loaded;
    assert_int_equal(st_cost(&st, 0, 8), 8 - 0); /* floor(0.8): nothing off */
    assert_int_equal(st_cost(&st, 0, 100), 90);
    assert_int_equal(st_cost(&st, 0, 4000), 900);
    home->shard = real;
    assert_int_equal(st_cost(&st, 0, 100), 1000);
    shard_close(loaded);
}

/* How many are still to tell is state: it is dumped, and a dump under way has it as it was. */
static void a_dump_knows_who_has_not_told_yet(void **state)
{
    const u64 list = st_id_of(0, 10);
    struct fx *home = &st.shards[0];
    struct fx_dump dump;
    (void)state;
    (void)ST_LIST(&st, .home_id = list);
    assert_true(st_carry(&st, 0, 1));
    const struct id128 before = shard_digest(home->shard);
    fx_dump_init(&dump);
    shard_dump_begin(home->shard);
    assert_true(st_carry(&st, 1, 0));
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE_LIST, list, 0).pending, 1);
    while (fx_dump_step(&dump, home->shard)) {}
    struct shard *loaded = fx_dump_load(&dump, &home->options), *real = home->shard;
    const struct id128 after = shard_digest(loaded);
    assert_true(id128_equal(before, after));
    assert_false(id128_equal(before, shard_digest(real)));
    home->shard = loaded;
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE_LIST, list, 0).pending, 2);
    home->shard = real;
    shard_close(loaded);
    fx_dump_deinit(&dump);
    st_settle(&st);
}

/* The condition of a put is no part of what is kept. */
static void equal_settings_are_equal_bytes(void **state)
{
    const u64 list = st_id_of(0, 10), sale = st_id_of(0, list + 1);
    struct dump_sink sinks[2];
    (void)state;
    for (u32 round = 0; round < 2; round++) {
        const u64 if_version = round == 0 ? VERSION_ANY : VERSION_ABSENT;
        struct msg_promotion_put_req tenth = st_tenth(sale);
        struct msg_policy_put_req policy = st_policy();
        const struct row_price_tier tier = {1, 5};
        const struct msg_price_put_req price = {
            .home_id = list, .sku_id = 5, .if_version = if_version};
        struct fx fx;
        tenth.if_version = if_version;
        policy.if_version = if_version;
        fx_open(&fx);
        const struct msg_price_list_put_req put = {.home_id = list, .if_version = if_version};
        assert_int_equal(st_list_at(&fx, put).version, 1);
        assert_int_equal(st_tiers_at(&fx, price, &tier, 1).version, 1);
        assert_int_equal(st_promotion_at(&fx, tenth).version, 1);
        assert_int_equal(st_policy_at(&fx, policy).version, 1);
        dump_sink_init_digest(&sinks[round]);
        settings_dump_bucket(&fx.shard->settings, 0, &sinks[round]);
        fx_close(&fx);
    }
    assert_true(id128_equal(sinks[0].digest, sinks[1].digest));
}

struct dumped_setting {
    struct dump_head head;
    u64 home_id, key, version;
    u32 pending;
    u16 kind, body_bytes;
    struct msg_price_put_req put;
    struct row_price_tier tier;
};

STATIC_CHECK(sizeof(struct dumped_setting) == 80);

static const char *load_into_fresh(const struct dumped_setting *record, bool may_finish)
{
    struct store_memory memory;
    struct arena arena;
    struct settings settings;
    store_memory_init(&memory);
    arena_init(&arena, &memory);
    settings_init(&settings, &memory, &arena);
    const char *reason = settings_load(&settings, (const u8 *)record + sizeof record->head,
                                       record->head.bytes - (u32)sizeof record->head);
    if (reason == NULL && may_finish)
        reason = settings_load_finish(&settings);
    settings_deinit(&settings);
    arena_deinit(&arena);
    return reason;
}

static void a_damaged_setting_is_not_loaded(void **state)
{
    const struct dumped_setting good = {.head = {.bytes = sizeof good, .kind = DUMP_KIND_SETTING},
                                        .home_id = 7,
                                        .key = 5,
                                        .version = 1,
                                        .kind = SETTING_KIND_PRICE,
                                        .body_bytes = sizeof good.put + sizeof good.tier,
                                        .put = {.home_id = 7, .sku_id = 5},
                                        .tier = {1, 9}};
    (void)state;
    assert_null(load_into_fresh(&good, false));
    assert_string_equal(load_into_fresh(&good, true), "a price of no list");
    struct dumped_setting bad = good;
    bad.version = 0;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.pending = SHARDS_MAX;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.key = 6;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.put.home_id = 8;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.kind = SETTING_KIND_PROMOTION;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.kind = 0;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.tier.quantity = 2;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.body_bytes -= 8;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.body_bytes = 1000;
    assert_non_null(load_into_fresh(&bad, false));
    bad = good;
    bad.head.bytes = 24;
    assert_non_null(load_into_fresh(&bad, false));
}

static u32 violations_of(struct fx *fx)
{
    const struct msg_verify_rsp rsp = FX_READ(fx, OPCODE_VERIFY, verify, .zero0 = 0);
    return (u32)rsp.violations;
}

static void verify_finds_what_does_not_agree(void **state)
{
    const u64 list = st_id_of(0, 10), sale = st_id_of(0, list + 1);
    struct settings *settings = &st.shards[0].shard->settings;
    (void)state;
    (void)ST_LIST(&st, .home_id = list);
    (void)st_price(&st, list, 5, 9);
    (void)st_promotion_at(&st.shards[0], st_tenth(sale));
    (void)st_policy_at(st_at(&st, POLICY_HOME_ID), st_policy());
    st_settle(&st);
    assert_int_equal(violations_of(&st.shards[0]), 0);
    struct setting *kept = setting_at(settings, settings_find(settings, list_name(list)));
    kept->price_count++;
    assert_int_equal(violations_of(&st.shards[0]), 1);
    kept->price_count--;
    kept->pending = ST_SHARDS;
    assert_int_equal(violations_of(&st.shards[0]), 1);
    kept->pending = 0;
    settings->promotions_on++;
    assert_int_equal(violations_of(&st.shards[0]), 1);
    settings->promotions_on--;
    settings->policy.version++;
    assert_int_equal(violations_of(&st.shards[0]), 1);
    settings->policy.version--;
    const u32 count = settings->automatic_count;
    settings->automatic_count = 0;
    assert_int_equal(violations_of(&st.shards[0]), 2);
    settings->automatic_count = count;
    struct settings *other = &st.shards[1].shard->settings;
    setting_at(other, settings_find(other, list_name(list)))->pending = 1;
    assert_int_equal(violations_of(&st.shards[1]), 1);
    setting_at(other, settings_find(other, list_name(list)))->pending = 0;
}

/* What is admitted is counted in and out; and refused where it would not fit. */
static void memory_is_asked_for_before_a_put_is_logged(void **state)
{
    struct fx *home = &st.shards[0];
    (void)state;
    for (u16 i = 0; i < ST_SHARDS; i++) {
        st.shards[i].is_local = true;
        st.shards[i].shard->options.memory_max = shard_memory_used(home->shard) + (16u << 20);
    }
    const u64 list = st_id_of(0, 10);
    (void)ST_LIST(&st, .home_id = list);
    u64 sku = 0;
    for (;;) { /* ends: nothing is carried, so mail gathers */
        const struct msg_price_put_req put = {.home_id = list, .sku_id = ++sku};
        const struct row_price_tier tier = {1, 9};
        const struct span span = {.data = (const u8 *)&tier, .bytes = sizeof tier};
        u8 body[256];
        const u32 bytes =
            frame_record_write(message_find(OPCODE_PRICE_PUT), FRAME_DIRECTION_REQUEST, body,
                               sizeof body, &put, &span);
        home->seq++;
        home->acked_seq = home->seq - 1;
        if (fx_frame(home, OPCODE_PRICE_PUT, body, bytes, 1))
            break;
        assert_true(shard_memory_used(home->shard) <= home->shard->options.memory_max);
    }
    assert_int_equal(home->reply.status, STATUS_MEMORY_LIMIT);
    assert_true(sku > 5000);
    assert_int_equal(home->shard->gate.need.settings, 0);
    assert_int_equal(home->shard->gate.need.told_bytes, 0);
    assert_int_equal(home->shard->gate.need.arena_bytes, 0);
    assert_int_equal(home->shard->gate.under_way, 0);
    for (u16 i = 0; i < ST_SHARDS; i++)
        st.shards[i].shard->options.memory_max = 0;
    st_settle(&st);
    st_assert_agreed(&st);
}

/* A whole frame of prices, mailed to 63 others, under every limit near what it takes. */
static void a_frame_of_prices_never_passes_the_memory_limit(void **state)
{
    const struct message_info *info = message_find(OPCODE_PRICE_PUT);
    const u32 count = 6000;
    u32 admitted = 0, refused = 0;
    u64 list = 10;
    (void)state;
    while (route_shard(route_hash_u64(list), 64) != 0)
        list++;
    for (u64 room = 4u << 20; room <= 128u << 20; room += 4u << 20) {
        struct fx fx;
        u8 *body = malloc(FX_BODY_MAX);
        u32 bytes = 0;
        assert_non_null(body);
        fx_open_with(&fx, (struct shard_options){.count = 64});
        (void)st_list_at(&fx, (struct msg_price_list_put_req){.home_id = list});
        for (u32 i = 0; i < count; i++) {
            const struct msg_price_put_req put = {.home_id = list, .sku_id = 1 + i};
            const struct row_price_tier tier = {1, 9};
            const struct span span = {.data = (const u8 *)&tier, .bytes = sizeof tier};
            bytes += frame_record_write(info, FRAME_DIRECTION_REQUEST, body + bytes,
                                        FX_BODY_MAX - bytes, &put, &span);
        }
        fx.shard->options.memory_max = shard_memory_used(fx.shard) + room;
        fx.is_local = true;
        fx.seq++;
        if (fx_frame(&fx, OPCODE_PRICE_PUT, body, bytes, count)) {
            assert_int_equal(fx.reply.status, STATUS_MEMORY_LIMIT);
            refused++;
        } else {
            assert_int_equal(FX_RSP(&fx, price_put, count - 1).head.status, STATUS_OK);
            admitted++;
        }
        assert_true(shard_memory_used(fx.shard) <= fx.shard->options.memory_max);
        fx_close(&fx);
        free(body);
    }
    assert_true(admitted > 5 && refused > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dump_is_the_state_at_its_beginning),
        TEST(a_dump_knows_who_has_not_told_yet),
        TEST(equal_settings_are_equal_bytes),
        TEST(a_damaged_setting_is_not_loaded),
        TEST(verify_finds_what_does_not_agree),
        TEST(memory_is_asked_for_before_a_put_is_logged),
        TEST(a_frame_of_prices_never_passes_the_memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
