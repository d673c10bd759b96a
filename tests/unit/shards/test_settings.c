/* test_settings: the sentences of docs/prices.md about settings: how a version comes into force on
 * every shard, exactly once, whatever is lost, doubled or restarted; and every refusal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/settings_town.h"

#include "shards/settings/settings_index.h"
#include "shards/settings/settings_judge.h"

static struct st st;

static int open_town(void **state)
{
    (void)state;
    st_open(&st);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    st_close(&st);
    return 0;
}

static struct setting_name list_name(u64 home_id)
{
    return (struct setting_name){.home_id = home_id, .kind = SETTING_KIND_PRICE_LIST};
}

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

/* ---- the policy ---- */

static void there_is_a_policy_from_the_first_day(void **state)
{
    struct fx *home = st_at(&st, POLICY_HOME_ID);
    const u64 day_ms = 24ull * 3600 * 1000;
    (void)state;
    const struct msg_policy_get_rsp got =
        FX_READ(home, OPCODE_POLICY_GET, policy_get, .home_id = POLICY_HOME_ID);
    assert_int_equal(got.head.status, STATUS_OK);
    assert_int_equal(got.version, 0);
    assert_int_equal(got.cart_guest_ms, 30 * day_ms);
    assert_int_equal(got.cart_user_ms, 90 * day_ms);
    assert_int_equal(got.payment_lease_ms, 15 * 60 * 1000);
    assert_int_equal(got.unpaid_ms, 60 * 60 * 1000);
    assert_int_equal(got.answer_ms, 2 * 60 * 1000);
    assert_int_equal(got.backoff_ms, 1000);
    assert_int_equal(got.backoff_max_ms, 5 * 60 * 1000);
    assert_int_equal(got.return_window_ms, 0);
    assert_int_equal(got.deliveries_max, 10);
    assert_int_equal(got.attempts_max, 3);
    const struct msg_setting_status_rsp status =
        st_status(&st, SETTING_KIND_POLICY, POLICY_HOME_ID, 0);
    assert_int_equal(status.head.status, STATUS_OK);
    assert_int_equal(status.version, 0);
    assert_int_equal(status.pending, 0);
}

static void the_policy_in_force_is_that_of_every_shard(void **state)
{
    struct fx *home = st_at(&st, POLICY_HOME_ID);
    struct msg_policy_put_req put = st_policy();
    (void)state;
    assert_int_equal(st_policy_at(home, put).version, 1);
    assert_int_equal(settings_policy(&home->shard->settings)->unpaid_ms, 4);
    st_settle(&st);
    for (u16 i = 0; i < ST_SHARDS; i++) {
        const struct policy *policy = settings_policy(&st.shards[i].shard->settings);
        assert_int_equal(policy->version, 1);
        assert_int_equal(policy->cart_guest_ms, 1);
        assert_int_equal(policy->cart_user_ms, 2);
        assert_int_equal(policy->payment_lease_ms, 3);
        assert_int_equal(policy->unpaid_ms, 4);
        assert_int_equal(policy->answer_ms, 5);
        assert_int_equal(policy->backoff_ms, 6);
        assert_int_equal(policy->backoff_max_ms, 7);
        assert_int_equal(policy->return_window_ms, 8);
        assert_int_equal(policy->deliveries_max, 9);
        assert_int_equal(policy->attempts_max, 10);
    }
    const struct msg_policy_get_rsp got =
        FX_READ(home, OPCODE_POLICY_GET, policy_get, .home_id = POLICY_HOME_ID);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.attempts_max, 10);
    put.if_version = 2;
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_VERSION_CONFLICT);
    put.if_version = VERSION_ABSENT;
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_VERSION_CONFLICT);
    put.if_version = 1;
    assert_int_equal(st_policy_at(home, put).version, 2);
    st_settle(&st);
    st_restart(&st);
    for (u16 i = 0; i < ST_SHARDS; i++) {
        struct shard *loaded = fx_reload(&st.shards[i]);
        assert_int_equal(settings_policy(&loaded->settings)->version, 2);
        assert_int_equal(settings_policy(&loaded->settings)->answer_ms, 5);
        shard_close(loaded);
    }
}

static void bad_policies_are_refused(void **state)
{
    struct fx *home = st_at(&st, POLICY_HOME_ID);
    const u64 year_ms = 366ull * 24 * 3600 * 1000;
    (void)state;
    const size_t times[] = {
        offsetof(struct msg_policy_put_req, cart_guest_ms),
        offsetof(struct msg_policy_put_req, cart_user_ms),
        offsetof(struct msg_policy_put_req, payment_lease_ms),
        offsetof(struct msg_policy_put_req, unpaid_ms),
        offsetof(struct msg_policy_put_req, answer_ms),
        offsetof(struct msg_policy_put_req, backoff_ms),
        offsetof(struct msg_policy_put_req, backoff_max_ms),
    };
    for (u32 i = 0; i < ARRAY_COUNT(times); i++)
        for (u64 bad = 0; bad <= year_ms + 1; bad += year_ms + 1) {
            struct msg_policy_put_req put = st_policy();
            memcpy((u8 *)&put + times[i], &bad, sizeof bad);
            if (times[i] == offsetof(struct msg_policy_put_req, backoff_ms) && bad != 0)
                put.backoff_max_ms = year_ms;
            assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
        }
    struct msg_policy_put_req put = st_policy();
    put.return_window_ms = year_ms + 1;
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
    put = st_policy();
    put.backoff_ms = put.backoff_max_ms + 1;
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
    for (u32 bad = 0; bad <= 1001; bad += 1001) {
        put = st_policy();
        put.deliveries_max = bad;
        assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
        put = st_policy();
        put.attempts_max = bad;
        assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
    }
    put = st_policy();
    put.home_id = st_id_of(st_home(POLICY_HOME_ID), 2);
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_READ(home, OPCODE_POLICY_GET, policy_get, .home_id = put.home_id).head.status,
        STATUS_BAD_ARGUMENT);
    put = st_policy();
    for (u32 i = 0; i < ARRAY_COUNT(times); i++)
        memcpy((u8 *)&put + times[i], &year_ms, sizeof year_ms);
    put.return_window_ms = 0;
    assert_int_equal(st_policy_at(home, put).head.status, STATUS_OK);
}

/* ---- reads ---- */

static void gets_give_what_was_put(void **state)
{
    const u64 id = st_id_of(0, 10);
    struct fx *home = &st.shards[0];
    const struct msg_price_list_put_req list = {.home_id = id,
                                                .group_id = 3,
                                                .valid_from_ns = 4,
                                                .valid_until_ns = 5,
                                                .priority = 6,
                                                .currency = FX_GBP,
                                                .is_off = 1,
                                                .name = text64_of("winter", 6)};
    (void)state;
    (void)st_list_at(home, list);
    (void)st_price(&st, id, 5, 77);
    (void)st_price(&st, id, 6, 77);
    const struct msg_price_list_get_rsp got =
        FX_READ(home, OPCODE_PRICE_LIST_GET, price_list_get, .home_id = id);
    assert_int_equal(got.head.status, STATUS_OK);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.price_count, 2);
    assert_memory_equal(&got.group_id, &list.group_id,
                        sizeof list - offsetof(struct msg_price_list_put_req, group_id));
    (void)st_tiers_at(home, (struct msg_price_put_req){.home_id = id, .sku_id = 6}, NULL, 0);
    assert_int_equal(
        FX_READ(home, OPCODE_PRICE_LIST_GET, price_list_get, .home_id = id).price_count, 1);

    const struct row_price_tier tiers[] = {{1, 9}, {5, 8}};
    (void)st_tiers_at(home, (struct msg_price_put_req){.home_id = id, .sku_id = 5}, tiers, 2);
    const struct msg_price_get_rsp price =
        FX_READ(home, OPCODE_PRICE_GET, price_get, .home_id = id, .sku_id = 5);
    assert_int_equal(price.head.status, STATUS_OK);
    assert_int_equal(price.version, 2);
    u32 bytes;
    memcpy(&bytes, home->read_body + sizeof price, sizeof bytes);
    assert_int_equal(bytes, sizeof tiers);
    assert_memory_equal(home->read_body + sizeof price + sizeof bytes, tiers, sizeof tiers);
}

static void a_promotion_is_given_as_it_was_put(void **state)
{
    const u64 id = st_id_of(0, 10);
    struct fx *home = &st.shards[0];
    (void)state;
    struct msg_promotion_put_req promotion = {.home_id = id,
                                              .value = 1,
                                              .threshold = 2,
                                              .sku_id = 3,
                                              .group_id = 4,
                                              .coupon_id = 5,
                                              .valid_from_ns = 6,
                                              .valid_until_ns = 7,
                                              .per_customer = 8,
                                              .priority = 9,
                                              .kind = PROMOTION_KIND_FIXED,
                                              .currency = FX_GBP,
                                              .is_exclusive = 1,
                                              .is_limited = 1,
                                              .is_off = 1,
                                              .name = text64_of("bargain", 7)};
    (void)st_promotion_at(home, promotion);
    const struct msg_promotion_get_rsp sale =
        FX_READ(home, OPCODE_PROMOTION_GET, promotion_get, .home_id = id);
    assert_int_equal(sale.head.status, STATUS_OK);
    assert_int_equal(sale.version, 1);
    assert_memory_equal(&sale.value, &promotion.value,
                        sizeof promotion - offsetof(struct msg_promotion_put_req, value));
    promotion.kind = PROMOTION_KIND_N_FOR_M;
    promotion.value = 0;
    promotion.buy = 4;
    promotion.pay = 3;
    (void)st_promotion_at(home, promotion);
    const struct msg_promotion_get_rsp again =
        FX_READ(home, OPCODE_PROMOTION_GET, promotion_get, .home_id = id);
    assert_int_equal(again.buy, 4);
    assert_int_equal(again.pay, 3);
}

static u16 status_of(u16 kind, u64 home_id, u64 key)
{
    return st_status(&st, kind, home_id, key).head.status;
}

static void reads_of_what_is_not_there_are_refused(void **state)
{
    const u64 id = st_id_of(0, 10);
    struct fx *home = &st.shards[0];
    (void)state;
    assert_int_equal(
        FX_READ(home, OPCODE_PRICE_LIST_GET, price_list_get, .home_id = id).head.status,
        STATUS_NOT_FOUND);
    assert_int_equal(
        FX_READ(home, OPCODE_PRICE_GET, price_get, .home_id = id, .sku_id = 5).head.status,
        STATUS_NOT_FOUND);
    assert_int_equal(FX_READ(home, OPCODE_PROMOTION_GET, promotion_get, .home_id = id).head.status,
                     STATUS_NOT_FOUND);
    assert_int_equal(FX_READ(home, OPCODE_PROMOTION_GET, promotion_get, .home_id = 0).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_READ(home, OPCODE_PRICE_GET, price_get, .home_id = id, .sku_id = 0).head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(SETTING_KIND_PRICE_LIST, id, 0), STATUS_NOT_FOUND);
    assert_int_equal(status_of(SETTING_KIND_PRICE, id, 5), STATUS_NOT_FOUND);
    assert_int_equal(status_of(SETTING_KIND_PROMOTION, id, 0), STATUS_NOT_FOUND);
    assert_int_equal(status_of(SETTING_KIND_PRICE_LIST, id, 5), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(SETTING_KIND_PROMOTION, id, 5), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(SETTING_KIND_PRICE, id, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(SETTING_KIND_POLICY, id, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(SETTING_KIND_POLICY, POLICY_HOME_ID, 5), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(0, id, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(status_of(5, id, 0), STATUS_BAD_ARGUMENT);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

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
        TEST(there_is_a_policy_from_the_first_day),
        TEST(the_policy_in_force_is_that_of_every_shard),
        TEST(bad_policies_are_refused),
        TEST(gets_give_what_was_put),
        TEST(a_promotion_is_given_as_it_was_put),
        TEST(reads_of_what_is_not_there_are_refused),
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
