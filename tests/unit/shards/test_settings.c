/* test_settings: the sentences of docs/prices.md about settings: how a version comes into force on
 * every shard, exactly once, whatever is lost, doubled or restarted; and every refusal of a put.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/settings_case.h"

/* ---- in force everywhere, exactly once ---- */

static void a_put_is_in_force_at_home_and_travels_to_all_others(void **state)
{
    const u64 list = st_id_of(1, 10);
    (void)state;
    const struct msg_price_list_put_rsp put = ST_LIST(&st, .home_id = list);
    assert_int_equal(put.head.status, STATUS_OK);
    assert_int_equal(put.version, 1);
    assert_int_equal(put.pending, 2);
    assert_int_equal(st_price(&st, list, 5, 900).pending, 2);
    assert_int_equal(st_cost(&st, 1, 5), 900);
    assert_int_equal(st_cost(&st, 0, 5), 1000);
    assert_true(st_carry(&st, 1, 0)); /* the list */
    assert_true(st_carry(&st, 1, 0)); /* its price */
    assert_false(st_carry(&st, 1, 0));
    assert_int_equal(st_cost(&st, 0, 5), 900);
    assert_int_equal(st_cost(&st, 2, 5), 1000);
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).pending, 2);
    assert_true(st_carry(&st, 0, 1));
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE_LIST, list, 0).pending, 1);
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).pending, 2);
    st_settle(&st);
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE_LIST, list, 0).pending, 0);
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).pending, 0);
    assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).version, 1);
    for (u16 i = 0; i < ST_SHARDS; i++)
        assert_int_equal(st_cost(&st, i, 5), 900);
    st_assert_agreed(&st);
    /* One message there and one back, per shard and setting. */
    assert_int_equal(shard_mail_sent(st.shards[1].shard, 0), 2);
    assert_int_equal(shard_mail_sent(st.shards[0].shard, 1), 2);
    assert_int_equal(shard_mail_sent(st.shards[0].shard, 2), 0);
}

static void one_shard_alone_waits_for_nobody(void **state)
{
    struct fx fx;
    (void)state;
    fx_open(&fx);
    assert_int_equal(st_list_at(&fx, (struct msg_price_list_put_req){.home_id = 7}).pending, 0);
    const struct msg_setting_status_rsp status = FX_READ(
        &fx, OPCODE_SETTING_STATUS, setting_status, .home_id = 7, .kind = SETTING_KIND_PRICE_LIST);
    assert_int_equal(status.head.status, STATUS_OK);
    assert_int_equal(status.version, 1);
    assert_int_equal(status.pending, 0);
    fx_close(&fx);
}

static void what_is_sent_again_is_dropped(void **state)
{
    const u64 sale = st_id_of(0, 10);
    (void)state;
    assert_int_equal(st_promotion_at(&st.shards[0], st_tenth(sale)).pending, 2);
    assert_true(st_carry(&st, 0, 1));
    st_carry_again(&st, 0, 1);
    st_carry_again(&st, 0, 1);
    assert_int_equal(shard_mail_sent(st.shards[1].shard, 0), 1);
    assert_int_equal(st_cost(&st, 1, 5), 900);
    assert_true(st_carry(&st, 1, 0));
    st_carry_again(&st, 1, 0);
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).pending, 1);
    st_settle(&st);
    st_assert_agreed(&st);
}

static void two_puts_in_a_row_are_done_when_the_second_is(void **state)
{
    const u64 sale = st_id_of(2, 10);
    struct msg_promotion_put_req put = st_tenth(sale);
    (void)state;
    assert_int_equal(st_promotion_at(&st.shards[2], put).version, 1);
    assert_true(st_carry(&st, 2, 0));
    put.value = 5000;
    const struct msg_promotion_put_rsp second = st_promotion_at(&st.shards[2], put);
    assert_int_equal(second.version, 2);
    assert_int_equal(second.pending, 2);
    assert_true(st_carry(&st, 0, 2)); /* of the first: does not count any more */
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).pending, 2);
    assert_int_equal(st_cost(&st, 0, 5), 900);
    assert_true(st_carry(&st, 2, 1));
    assert_true(st_carry(&st, 2, 1));
    assert_int_equal(st_cost(&st, 1, 5), 500);
    assert_true(st_carry(&st, 1, 2)); /* of the first */
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).pending, 2);
    assert_true(st_carry(&st, 1, 2));
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).pending, 1);
    st_settle(&st);
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).pending, 0);
    assert_int_equal(st_status(&st, SETTING_KIND_PROMOTION, sale, 0).version, 2);
    for (u16 i = 0; i < ST_SHARDS; i++)
        assert_int_equal(st_cost(&st, i, 5), 500);
    st_assert_agreed(&st);
}

/* Made anew from the logs at every point on the way; everything not acknowledged is sent again. */
static void a_restart_at_any_moment_changes_nothing(void **state)
{
    const u64 list = st_id_of(0, 10);
    (void)state;
    for (u32 moment = 0; moment < 6; moment++) {
        const i64 price = 900 + moment;
        (void)ST_LIST(&st, .home_id = list, .priority = moment);
        (void)st_price(&st, list, 5, price);
        for (u32 step = 0; step < moment; step++) {
            static const u16 from[] = {0, 1, 0, 2, 0}, to[] = {1, 0, 2, 0, 2};
            (void)st_carry(&st, from[step], to[step]);
            if (step == 3)
                st_acknowledge(&st, 0, 1);
        }
        st_restart(&st);
        assert_int_equal(st_cost(&st, 0, 5), price);
        st_settle(&st);
        st_restart(&st);
        st_settle(&st);
        assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).pending, 0);
        assert_int_equal(st_status(&st, SETTING_KIND_PRICE, list, 5).version, moment + 1);
        for (u16 i = 0; i < ST_SHARDS; i++)
            assert_int_equal(st_cost(&st, i, 5), price);
        st_assert_agreed(&st);
    }
}

static enum shard_read_result ask_status(struct fx *fx, u64 home_id, u32 wait_ms, bool may_park)
{
    const struct frame_header header = {.opcode = OPCODE_SETTING_STATUS, .record_count = 1};
    const struct msg_setting_status_req ask = {
        .home_id = home_id, .kind = SETTING_KIND_PROMOTION, .wait_ms = wait_ms};
    return shard_read(fx->shard, &header, (const u8 *)&ask, sizeof ask, fx->now_ns, may_park,
                      fx->read_body, FX_BODY_MAX, &fx->reply);
}

static void status_waits_until_all_have_told(void **state)
{
    const u64 sale = st_id_of(0, 10);
    struct fx *home = &st.shards[0];
    (void)state;
    (void)st_promotion_at(home, st_tenth(sale));
    assert_int_equal(ask_status(home, sale, 500, false), SHARD_READ_DONE);
    assert_int_equal(ask_status(home, sale, 0, true), SHARD_READ_DONE);
    assert_int_equal(ask_status(home, sale, 500, true), SHARD_READ_PARK);
    const u64 notice = home->reply.notice;
    assert_int_not_equal(notice, 0);
    assert_int_equal(home->reply.wait_ms, 500);
    assert_true(st_carry(&st, 0, 1));
    assert_true(st_carry(&st, 1, 0));
    assert_int_equal(shard_notice_next(home->shard), 0);
    st_settle(&st);
    assert_int_equal(shard_notice_next(home->shard), notice);
    assert_int_equal(shard_notice_next(home->shard), 0);
    assert_int_equal(ask_status(home, sale, 500, true), SHARD_READ_DONE);
    const struct msg_setting_status_rsp *status = (const void *)home->read_body;
    assert_int_equal(status->head.status, STATUS_OK);
    assert_int_equal(status->pending, 0);
    assert_int_equal(status->version, 1);
}

/* Random puts, steps and restarts: in the end all shards have the last version of everything. */
static u64 random_state;

static u64 draw(u64 limit)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % limit;
}

static void random_put(u64 *versions)
{
    const u64 what = draw(12), id = 100 + what;
    struct fx *fx = st_at(&st, id);
    u64 version;
    if (what < 4) {
        version = st_list_at(fx, (struct msg_price_list_put_req){.home_id = id,
                                                                 .group_id = draw(2),
                                                                 .priority = (u32)draw(3),
                                                                 .is_off = draw(3) == 0})
                      .version;
    } else if (what < 8) {
        const struct msg_price_put_rsp put = st_price(&st, id - 4, 1 + draw(2), (i64)draw(100));
        assert_true(put.head.status == (versions[what - 4] != 0 ? STATUS_OK : STATUS_NOT_FOUND));
        return;
    } else {
        struct msg_promotion_put_req put = st_tenth(id);
        put.coupon_id = draw(3);
        put.is_off = draw(3) == 0;
        put.priority = (u32)draw(2);
        version = st_promotion_at(fx, put).version;
    }
    assert_int_equal(version, ++versions[what]);
}

static void random_puts_and_restarts_end_equal_everywhere(void **state)
{
    u64 versions[12] = {0};
    (void)state;
    for (u64 round = 0; round < 40; round++) {
        random_state = round * 77 + 5;
        for (u32 step = 0; step < 60; step++) {
            const u16 from = (u16)draw(ST_SHARDS), to = (u16)((from + 1 + draw(2)) % ST_SHARDS);
            const u64 choice = draw(10);
            if (choice < 3)
                random_put(versions);
            else if (choice < 8)
                (void)st_carry(&st, from, to);
            else if (choice == 8 &&
                     st.carried[from][to] > shard_mail_acked(st.shards[from].shard, to))
                st_carry_again(&st, from, to);
            else if (choice == 9)
                st_acknowledge(&st, from, to);
            if (draw(40) == 0)
                st_restart(&st);
        }
        st_settle(&st);
        st_assert_agreed(&st);
        for (u16 i = 0; i < ST_SHARDS; i++)
            (void)fx_verify(&st.shards[i]);
    }
    for (u32 what = 0; what < 12; what++)
        for (u16 i = 0; what < 4 && i < ST_SHARDS; i++)
            assert_int_equal(st_version(&st, i, list_name(100 + what)), versions[what]);
    assert_true(versions[0] > 50);
}

/* ---- versions ---- */

static void if_version_is_any_absent_or_the_one_there_is(void **state)
{
    const u64 list = st_id_of(0, 10);
    (void)state;
    assert_int_equal(ST_LIST(&st, .home_id = list, .if_version = 1).head.status, STATUS_NOT_FOUND);
    assert_int_equal(ST_LIST(&st, .home_id = list, .if_version = VERSION_ABSENT).head.status,
                     STATUS_OK);
    const struct msg_price_list_put_rsp again =
        ST_LIST(&st, .home_id = list, .if_version = VERSION_ABSENT);
    assert_int_equal(again.head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(again.version, 1);
    assert_int_equal(again.pending, 2);
    assert_int_equal(ST_LIST(&st, .home_id = list, .if_version = 2).head.status,
                     STATUS_VERSION_CONFLICT);
    assert_int_equal(ST_LIST(&st, .home_id = list, .if_version = 1).version, 2);
    assert_int_equal(ST_LIST(&st, .home_id = list).version, 3);
    st_settle(&st);
    assert_int_equal(shard_mail_sent(st.shards[0].shard, 1), 3); /* refusals are told to nobody */
    for (u16 i = 0; i < ST_SHARDS; i++)
        assert_int_equal(st_version(&st, i, list_name(list)), 3);
}

static void a_price_has_a_version_of_its_own(void **state)
{
    const u64 list = st_id_of(0, 10);
    const struct row_price_tier tier = {1, 5};
    (void)state;
    (void)ST_LIST(&st, .home_id = list);
    (void)ST_LIST(&st, .home_id = list);
    const struct msg_price_put_req put = {
        .home_id = list, .sku_id = 5, .if_version = VERSION_ABSENT};
    assert_int_equal(st_tiers_at(&st.shards[0], put, &tier, 1).version, 1);
    assert_int_equal(st_tiers_at(&st.shards[0], put, &tier, 1).head.status,
                     STATUS_VERSION_CONFLICT);
    assert_int_equal(st_price(&st, list, 6, 9).version, 1);
    assert_int_equal(st_price(&st, list, 5, 9).version, 2);
}

/* ---- questions before a put ---- */

static void everything_is_asked_at_home(void **state)
{
    const u64 id = st_id_of(0, 10);
    struct fx *other = &st.shards[1];
    (void)state;
    (void)ST_LIST(&st, .home_id = id);
    (void)st_price(&st, id, 5, 9);
    (void)st_promotion_at(&st.shards[0], st_tenth(id));
    st_settle(&st);
    assert_int_equal(st_list_at(other, (struct msg_price_list_put_req){.home_id = id}).head.status,
                     STATUS_WRONG_SHARD);
    assert_int_equal(
        st_tiers_at(other, (struct msg_price_put_req){.home_id = id, .sku_id = 5}, NULL, 0)
            .head.status,
        STATUS_WRONG_SHARD);
    assert_int_equal(st_promotion_at(other, st_tenth(id)).head.status, STATUS_WRONG_SHARD);
    assert_int_equal(
        FX_READ(other, OPCODE_PRICE_LIST_GET, price_list_get, .home_id = id).head.status,
        STATUS_WRONG_SHARD);
    assert_int_equal(
        FX_READ(other, OPCODE_PRICE_GET, price_get, .home_id = id, .sku_id = 5).head.status,
        STATUS_WRONG_SHARD);
    assert_int_equal(FX_READ(other, OPCODE_PROMOTION_GET, promotion_get, .home_id = id).head.status,
                     STATUS_WRONG_SHARD);
    assert_int_equal(FX_READ(other, OPCODE_SETTING_STATUS, setting_status, .home_id = id,
                             .kind = SETTING_KIND_PROMOTION)
                         .head.status,
                     STATUS_WRONG_SHARD);
    struct fx *not_home = &st.shards[(st_home(POLICY_HOME_ID) + 1) % ST_SHARDS];
    assert_int_equal(st_policy_at(not_home, st_policy()).head.status, STATUS_WRONG_SHARD);
    assert_int_equal(
        FX_READ(not_home, OPCODE_POLICY_GET, policy_get, .home_id = POLICY_HOME_ID).head.status,
        STATUS_WRONG_SHARD);
}

static void a_price_needs_its_list(void **state)
{
    const u64 list = st_id_of(0, 10);
    (void)state;
    assert_int_equal(st_price(&st, list, 5, 9).head.status, STATUS_NOT_FOUND);
    (void)st_promotion_at(&st.shards[0], st_tenth(list)); /* of the same id: another kind */
    assert_int_equal(st_price(&st, list, 5, 9).head.status, STATUS_NOT_FOUND);
    (void)ST_LIST(&st, .home_id = list, .is_off = 1);
    assert_int_equal(st_price(&st, list, 5, 9).head.status, STATUS_OK);
}

static void settings_are_not_linked(void **state)
{
    const u64 id = st_id_of(0, 10);
    (void)state;
    st.shards[0].is_linked = true;
    assert_int_equal(ST_LIST(&st, .home_id = id).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(st_promotion_at(&st.shards[0], st_tenth(id)).head.status, STATUS_BAD_ARGUMENT);
    st.shards[0].is_linked = false;
    assert_int_equal(ST_LIST(&st, .home_id = id).head.status, STATUS_OK);
    assert_int_equal(shard_mail_sent(st.shards[0].shard, 1), 1);
}

static u16 list_status(struct msg_price_list_put_req put)
{
    put.home_id = st_id_of(0, 10);
    return st_list_at(&st.shards[0], put).head.status;
}

static void bad_price_lists_are_refused(void **state)
{
    typedef struct msg_price_list_put_req put;
    struct text64 full, dirty = text64_of("a", 1);
    (void)state;
    memset(&full, 'x', sizeof full);
    dirty.bytes[5] = 'b';
    assert_int_equal(list_status((put){.is_off = 2}), STATUS_BAD_ARGUMENT);
    assert_int_equal(list_status((put){.currency = 1}), STATUS_BAD_ARGUMENT);
    assert_int_equal(list_status((put){.valid_from_ns = 5, .valid_until_ns = 5}),
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(list_status((put){.name = full}), STATUS_BAD_ARGUMENT);
    assert_int_equal(list_status((put){.name = dirty}), STATUS_BAD_ARGUMENT);
    assert_int_equal(list_status((put){.name = text64_of("\xff", 1)}), STATUS_BAD_ARGUMENT);
    full.bytes[63] = 0;
    assert_int_equal(list_status((put){.name = full}), STATUS_OK);
    assert_int_equal(list_status((put){.valid_from_ns = 5, .valid_until_ns = 6}), STATUS_OK);
    assert_int_equal(list_status((put){.valid_from_ns = 5}), STATUS_OK);
    const struct msg_price_list_put_req unnamed = {.home_id = st_id_of(0, 10), .currency = FX_GBP};
    st_send(&st.shards[0], OPCODE_PRICE_LIST_PUT, &unnamed, NULL);
    assert_int_equal(FX_RSP(&st.shards[0], price_list_put, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(
        st_list_at(&st.shards[0], (struct msg_price_list_put_req){.home_id = 0}).head.status,
        STATUS_BAD_ARGUMENT);
}

static u16 tiers_status(const struct row_price_tier *tiers, u32 count, u64 sku_id)
{
    const struct msg_price_put_req put = {.home_id = st_id_of(0, 10), .sku_id = sku_id};
    return st_tiers_at(&st.shards[0], put, tiers, count).head.status;
}

#define TIERS(...)                                    \
    tiers_status(                                     \
        (const struct row_price_tier[]){__VA_ARGS__}, \
        sizeof((const struct row_price_tier[]){__VA_ARGS__}) / sizeof(struct row_price_tier), 5)

static void bad_prices_are_refused(void **state)
{
    struct row_price_tier tiers[PRICE_TIERS_MAX];
    (void)state;
    (void)ST_LIST(&st, .home_id = st_id_of(0, 10));
    assert_int_equal(TIERS({2, 5}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({0, 5}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, 5}, {1, 4}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, 5}, {9, 4}, {8, 3}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, 5}, {QUANTITY_MAX + 1, 4}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, -1}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, PRICE_MAX + 1}), STATUS_BAD_ARGUMENT);
    assert_int_equal(TIERS({1, PRICE_MAX}, {QUANTITY_MAX, 0}), STATUS_OK);
    for (u32 i = 0; i < PRICE_TIERS_MAX; i++)
        tiers[i] = (struct row_price_tier){1 + i, 5};
    assert_int_equal(tiers_status(tiers, PRICE_TIERS_MAX, 5), STATUS_OK);
    assert_int_equal(tiers_status(tiers, PRICE_TIERS_MAX, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(tiers_status(NULL, 0, 5), STATUS_OK);
    /* A frame has whole rows only; a body that has not is refused wherever else it comes from. */
    struct {
        struct msg_price_put_req put;
        struct row_price_tier tiers[2];
    } body = {.put = {.home_id = 7, .sku_id = 5}, .tiers = {{1, 9}, {2, 8}}};
    const struct setting_name name = {.home_id = 7, .key = 5, .kind = SETTING_KIND_PRICE};
    for (u32 bytes = 0; bytes <= sizeof body; bytes++) {
        const struct span span = {.data = (const u8 *)&body, .bytes = bytes};
        const bool is_whole = bytes >= sizeof body.put && (bytes - sizeof body.put) % 16 == 0;
        assert_true((setting_invalid(name, span) == NULL) == is_whole);
    }
}

static u16 promotion_status(struct msg_promotion_put_req put)
{
    put.home_id = st_id_of(0, 10);
    return st_promotion_at(&st.shards[0], put).head.status;
}

static void bad_promotions_are_refused(void **state)
{
    typedef struct msg_promotion_put_req put;
    (void)state;
    const put bad[] = {
        {.kind = 0, .value = 1},
        {.kind = 5, .value = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 0},
        {.kind = PROMOTION_KIND_PERCENT, .value = -1},
        {.kind = PROMOTION_KIND_PERCENT, .value = PERCENT_MAX + 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .buy = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .currency = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .threshold = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .threshold = -1, .currency = FX_GBP},
        {.kind = PROMOTION_KIND_PERCENT,
         .value = 1,
         .threshold = PRICE_MAX + 1,
         .currency = FX_GBP},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .is_off = 2},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .is_exclusive = 2},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .is_limited = 2, .coupon_id = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .is_limited = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .per_customer = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .per_customer = -1, .coupon_id = 1},
        {.kind = PROMOTION_KIND_PERCENT,
         .value = 1,
         .per_customer = QUANTITY_MAX + 1,
         .coupon_id = 1},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .valid_from_ns = 2, .valid_until_ns = 1},
        {.kind = PROMOTION_KIND_FIXED, .value = 1},
        {.kind = PROMOTION_KIND_FIXED, .value = 0, .currency = FX_GBP},
        {.kind = PROMOTION_KIND_FIXED, .value = PRICE_MAX + 1, .currency = FX_GBP},
        {.kind = PROMOTION_KIND_FIXED, .value = 1, .currency = FX_GBP, .pay = 1},
        {.kind = PROMOTION_KIND_N_FOR_M, .buy = 3, .pay = 2},
        {.kind = PROMOTION_KIND_N_FOR_M, .sku_id = 5, .buy = 3, .pay = 3},
        {.kind = PROMOTION_KIND_N_FOR_M, .sku_id = 5, .buy = 3},
        {.kind = PROMOTION_KIND_N_FOR_M, .sku_id = 5, .buy = 3, .pay = 2, .value = 1},
        {.kind = PROMOTION_KIND_FREE_SHIPPING, .value = 1},
        {.kind = PROMOTION_KIND_FREE_SHIPPING, .buy = 1, .pay = 1},
    };
    const put good[] = {
        {.kind = PROMOTION_KIND_PERCENT, .value = PERCENT_MAX},
        {.kind = PROMOTION_KIND_PERCENT, .value = 1, .threshold = PRICE_MAX, .currency = FX_GBP},
        {.kind = PROMOTION_KIND_FIXED, .value = PRICE_MAX, .currency = FX_GBP},
        {.kind = PROMOTION_KIND_N_FOR_M, .sku_id = 5, .buy = 3, .pay = 2},
        {.kind = PROMOTION_KIND_FREE_SHIPPING},
        {.kind = PROMOTION_KIND_FREE_SHIPPING,
         .coupon_id = 1,
         .is_limited = 1,
         .per_customer = QUANTITY_MAX},
    };
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(promotion_status(bad[i]), STATUS_BAD_ARGUMENT);
    assert_int_equal(map_count(&st.shards[0].shard->settings.map), 0);
    for (u32 i = 0; i < ARRAY_COUNT(good); i++)
        assert_int_equal(promotion_status(good[i]), STATUS_OK);
    const put unnamed = {.home_id = st_id_of(0, 10), .kind = PROMOTION_KIND_FREE_SHIPPING};
    st_send(&st.shards[0], OPCODE_PROMOTION_PUT, &unnamed, NULL);
    assert_int_equal(FX_RSP(&st.shards[0], promotion_put, 0).head.status, STATUS_BAD_ARGUMENT);
}

static void at_most_1024_promotions_are_on(void **state)
{
    (void)state;
    u64 last = 0;
    for (u64 i = 0; i < PROMOTIONS_MAX; i++) {
        struct msg_promotion_put_req put = st_tenth(100 + i);
        put.coupon_id = i % 2;
        assert_int_equal(st_promotion_at(st_at(&st, put.home_id), put).head.status, STATUS_OK);
        last = put.home_id;
    }
    st_settle(&st);
    const u64 more = st_id_of(0, 9000);
    struct msg_promotion_put_req put = st_tenth(more);
    struct msg_promotion_put_rsp answer = st_promotion_at(&st.shards[0], put);
    assert_int_equal(answer.head.status, STATUS_TOO_MANY);
    assert_int_equal(answer.version, 0);
    put.is_off = 1;
    assert_int_equal(st_promotion_at(&st.shards[0], put).head.status, STATUS_OK);
    put.is_off = 0;
    answer = st_promotion_at(&st.shards[0], put);
    assert_int_equal(answer.head.status, STATUS_TOO_MANY);
    assert_int_equal(answer.version, 1);
    struct msg_promotion_put_req other = st_tenth(last); /* it is on: changing it takes no room */
    assert_int_equal(st_promotion_at(st_at(&st, last), other).head.status, STATUS_OK);
    other.is_off = 1;
    assert_int_equal(st_promotion_at(st_at(&st, last), other).head.status, STATUS_OK);
    st_settle(&st);
    assert_int_equal(st_promotion_at(&st.shards[0], put).head.status, STATUS_OK);
    st_settle(&st);
    st_assert_agreed(&st);
}

/* Homes that have not heard of each other may pass the limit together; nothing is lost by it. */
static void two_homes_may_pass_the_limit_in_the_same_moment(void **state)
{
    (void)state;
    for (u64 i = 0; i < PROMOTIONS_MAX - 1; i++)
        (void)st_promotion_at(st_at(&st, 100 + i), st_tenth(100 + i));
    st_settle(&st);
    for (u16 home = 0; home < 2; home++)
        assert_int_equal(
            st_promotion_at(&st.shards[home], st_tenth(st_id_of(home, 9000))).head.status,
            STATUS_OK);
    st_settle(&st);
    st_assert_agreed(&st);
    for (u16 home = 0; home < ST_SHARDS; home++) {
        assert_int_equal(st.shards[home].shard->settings.promotions_on, PROMOTIONS_MAX + 1);
        assert_int_equal(
            st_promotion_at(&st.shards[home], st_tenth(st_id_of(home, 9500))).head.status,
            STATUS_TOO_MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_put_is_in_force_at_home_and_travels_to_all_others),
        TEST(one_shard_alone_waits_for_nobody),
        TEST(what_is_sent_again_is_dropped),
        TEST(two_puts_in_a_row_are_done_when_the_second_is),
        TEST(a_restart_at_any_moment_changes_nothing),
        TEST(status_waits_until_all_have_told),
        TEST(random_puts_and_restarts_end_equal_everywhere),
        TEST(if_version_is_any_absent_or_the_one_there_is),
        TEST(a_price_has_a_version_of_its_own),
        TEST(everything_is_asked_at_home),
        TEST(a_price_needs_its_list),
        TEST(settings_are_not_linked),
        TEST(bad_price_lists_are_refused),
        TEST(bad_prices_are_refused),
        TEST(bad_promotions_are_refused),
        TEST(at_most_1024_promotions_are_on),
        TEST(two_homes_may_pass_the_limit_in_the_same_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
