/* test_settings_policy: the policy in force, and what is read of settings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/settings_case.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_a_policy_from_the_first_day),
        TEST(the_policy_in_force_is_that_of_every_shard),
        TEST(bad_policies_are_refused),
        TEST(gets_give_what_was_put),
        TEST(a_promotion_is_given_as_it_was_put),
        TEST(reads_of_what_is_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
