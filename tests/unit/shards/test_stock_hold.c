/* test_stock_hold: the sentences of docs/stock.md's table about holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/stock_case.h"

static struct msg_hold_confirm_rsp confirm(struct id128 id, i64 quantity)
{
    return FX_ONE(&fx, OPCODE_HOLD_CONFIRM, hold_confirm, MUG, .id = id, .owner = 5,
                  .quantity = quantity);
}

static struct msg_hold_release_rsp release(struct id128 id)
{
    return FX_ONE(&fx, OPCODE_HOLD_RELEASE, hold_release, MUG, .id = id, .owner = 5);
}

/* ---- hold ---- */

static void hold_has_the_leases_that_the_contract_says(void **state)
{
    (void)state;
    const u64 now = fx.now_ns;
    assert_int_equal(hold_as(1, fx_fresh(&fx, 1), 0).expires_at_ns,
                     now + LEASE_MS_DEFAULT * NS_PER_MS);
    assert_int_equal(get(fx_fresh(&fx, 1)).max_life_at_ns, now + HOLD_LIFE_MS_DEFAULT * NS_PER_MS);
    assert_int_equal(hold_as(1, fx_fresh(&fx, 2), 7200000).expires_at_ns,
                     now + 7200000 * NS_PER_MS);
    assert_int_equal(get(fx_fresh(&fx, 2)).max_life_at_ns, now + 7200000 * NS_PER_MS);
    const struct msg_sku_put_req put = {
        .resource = fx_sku(1), .currency = FX_GBP, .lease_default_ms = 1234};
    assert_int_equal(put_status(put, "MUG"), STATUS_OK);
    assert_int_equal(hold_as(1, fx_fresh(&fx, 3), 0).expires_at_ns, now + 1234 * NS_PER_MS);
}

static u16 hold_terms_status(u64 number, u64 lease_ms, u64 life_ms)
{
    return FX_ONE(&fx, OPCODE_HOLD, hold, MUG, .quantity = 1, .id = fx_fresh(&fx, number),
                  .lease_ms = lease_ms, .max_life_ms = life_ms)
        .head.status;
}

static void hold_judges_lease_and_life(void **state)
{
    (void)state;
    assert_int_equal(hold_terms_status(1, LEASE_MS_MAX + 1, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(hold_terms_status(1, 0, LEASE_MS_MAX + 1), STATUS_BAD_ARGUMENT);
    assert_int_equal(hold_terms_status(1, 100, 99), STATUS_BAD_ARGUMENT);
    assert_int_equal(hold_terms_status(1, 0, LEASE_MS_DEFAULT - 1), STATUS_BAD_ARGUMENT);
    assert_int_equal(hold_terms_status(1, 0, LEASE_MS_DEFAULT), STATUS_OK);
    assert_int_equal(hold_terms_status(2, 100, 100), STATUS_OK);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD, hold, MUG, .quantity = 1).head.status,
                     STATUS_BAD_ARGUMENT);
}

static void hold_is_answered_again_as_the_first_time(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    const struct msg_hold_rsp first = hold_as(3, id, 60000);
    fx_later(&fx, 1000);
    (void)FX_ONE(&fx, OPCODE_HOLD_EXTEND, hold_extend, MUG, .id = id, .owner = 5,
                 .lease_ms = 90000);
    assert_int_equal(release(id).released, 3);
    const struct msg_hold_rsp again = hold_as(3, id, 60000);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.sellable, first.sellable);
    assert_int_equal(again.expires_at_ns, first.expires_at_ns);
    assert_int_equal(fx_levels(&fx).held, 0);
}

static void a_lease_ends_exactly_when_it_ends(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    const u64 ends_ns = hold_as(3, id, 60000).expires_at_ns;
    fx.now_ns = ends_ns - 1;
    assert_int_equal(
        FX_ONE(&fx, OPCODE_HOLD_EXTEND, hold_extend, MUG, .id = id, .owner = 5, .lease_ms = 1)
            .expires_at_ns,
        ends_ns - 1 + NS_PER_MS);
    fx.now_ns = ends_ns - 1 + NS_PER_MS;
    assert_int_equal(confirm(id, 0).head.status, STATUS_HOLD_EXPIRED);
    assert_int_equal(fx_levels(&fx).sellable, 10);
    assert_int_equal(get(id).state, GRANT_STATE_EXPIRED);
    assert_int_equal(release(id).head.status, STATUS_HOLD_EXPIRED);
}

static void the_end_of_an_expired_hold_is_its_lease_however_late_it_is_noticed(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    const u64 ends_ns = hold_as(3, id, 1000).expires_at_ns;
    const u64 forgotten_ns = ends_ns + GRANT_RETENTION_MS * NS_PER_MS;
    fx_at(&fx, forgotten_ns - 1);
    assert_int_equal(get(id).state, GRANT_STATE_EXPIRED);
    fx_at(&fx, forgotten_ns);
    assert_int_equal(get(id).head.status, STATUS_TOO_OLD);
    assert_int_equal(fx_verify(&fx).tombstone_count, 0);
}

static void an_id_from_the_future_is_remembered_from_its_own_time(void **state)
{
    (void)state;
    const struct id128 id = fx_id(fx.now_ns / NS_PER_MS + ID_FUTURE_MS_MAX, 1);
    assert_int_equal(hold_as(3, id, 1000).head.status, STATUS_OK);
    assert_int_equal(release(id).head.status, STATUS_OK);
    const u64 forgotten_ns = (id128_ms(id) + GRANT_RETENTION_MS) * NS_PER_MS;
    fx_at(&fx, forgotten_ns - 1);
    assert_int_equal(get(id).head.status, STATUS_OK);
    fx_at(&fx, forgotten_ns);
    assert_int_equal(get(id).head.status, STATUS_TOO_OLD);
}

static struct msg_hold_extend_rsp extend(struct id128 id, u64 owner, u64 lease_ms)
{
    return FX_ONE(&fx, OPCODE_HOLD_EXTEND, hold_extend, MUG, .id = id, .owner = owner,
                  .lease_ms = lease_ms);
}

static void extend_never_shortens_and_ends_at_max_life(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    const u64 now = fx.now_ns;
    (void)FX_ONE(&fx, OPCODE_HOLD, hold, MUG, .quantity = 1, .id = id, .owner = 5, .lease_ms = 1000,
                 .max_life_ms = 3000);
    assert_int_equal(extend(id, 5, 500).expires_at_ns, now + 1000 * NS_PER_MS);
    assert_int_equal(extend(id, 5, 500).head.status, STATUS_OK);
    assert_int_equal(extend(id, 5, 2000).expires_at_ns, now + 2000 * NS_PER_MS);
    assert_int_equal(extend(id, 5, 9000).expires_at_ns, now + 3000 * NS_PER_MS);
    const struct msg_hold_extend_rsp over = extend(id, 5, 9000);
    assert_int_equal(over.head.status, STATUS_MAX_LIFE);
    assert_int_equal(over.expires_at_ns, now + 3000 * NS_PER_MS);
    assert_int_equal(extend(id, 6, 1).head.status, STATUS_OWNER_MISMATCH);
    assert_int_equal(extend(id, 5, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(extend(id, 5, LEASE_MS_MAX + 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(extend(fx_fresh(&fx, 2), 5, 1).head.status, STATUS_NOT_FOUND);
    assert_int_equal(release(id).head.status, STATUS_OK);
    assert_int_equal(extend(id, 5, 1).head.status, STATUS_HOLD_RELEASED);
}

static void confirm_takes_all_or_a_part(void **state)
{
    (void)state;
    const struct id128 all = fx_fresh(&fx, 1), part = fx_fresh(&fx, 2);
    (void)hold_as(4, all, 0);
    (void)hold_as(4, part, 0);
    assert_int_equal(confirm(part, 5).head.status, STATUS_EXCEEDS);
    const struct msg_hold_confirm_rsp rsp = confirm(part, 3);
    assert_int_equal(rsp.allocated, 3);
    assert_int_equal(rsp.released, 1);
    assert_int_equal(confirm(all, 0).allocated, 4);
    const struct msg_stock_get_rsp levels = fx_levels(&fx);
    assert_int_equal(levels.held, 0);
    assert_int_equal(levels.allocated, 7);
    assert_int_equal(levels.sellable, 3);
    const struct msg_hold_confirm_rsp again = confirm(part, 3);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.released, 1);
    assert_int_equal(confirm(part, 2).head.status, STATUS_ID_MISMATCH);
    assert_int_equal(confirm(all, 4).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(confirm(all, -1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(release(all).head.status, STATUS_INVALID_STATE);
}

static void confirm_of_a_take_is_no_state(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = 1, .owner = 5, .id = id);
    assert_int_equal(confirm(id, 0).head.status, STATUS_INVALID_STATE);
}

static void release_is_repeated_and_then_final(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)hold_as(4, id, 0);
    assert_int_equal(release(id).released, 4);
    const struct msg_hold_release_rsp again = release(id);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.released, 4);
    assert_int_equal(confirm(id, 0).head.status, STATUS_HOLD_RELEASED);
    assert_int_equal(release(fx_fresh(&fx, 3)).head.status, STATUS_NOT_FOUND);
}

static struct msg_hold_bind_rsp bind(struct id128 id, u64 order)
{
    return FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, MUG, .id = id, .owner = 5,
                  .order = {order, order});
}

static void a_bound_hold_has_no_lease_and_only_its_order_ends_it(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)hold_as(4, id, 1000);
    assert_int_equal(bind(id, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(bind(id, 7).held, 4);
    assert_int_equal(bind(id, 7).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(bind(id, 8).head.status, STATUS_BOUND_TO_OTHER);
    assert_int_equal(get(id).expires_at_ns, 0);
    fx_later(&fx, 100 * 24 * 3600 * 1000ull);
    assert_int_equal(get(id).state, GRANT_STATE_HELD);
    assert_int_equal(extend(id, 5, 10).head.status, STATUS_BOUND_TO_OTHER);
    assert_int_equal(release(id).head.status, STATUS_BOUND_TO_OTHER);
    assert_int_equal(confirm(id, 0).head.status, STATUS_BOUND_TO_OTHER);
    const struct msg_hold_confirm_rsp rsp =
        FX_ONE(&fx, OPCODE_HOLD_CONFIRM, hold_confirm, MUG, .id = id, .owner = 5, .order = {7, 7});
    assert_int_equal(rsp.allocated, 4);
    assert_int_equal(bind(id, 7).head.status, STATUS_INVALID_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(hold_has_the_leases_that_the_contract_says),
        T(hold_judges_lease_and_life),
        T(hold_is_answered_again_as_the_first_time),
        T(a_lease_ends_exactly_when_it_ends),
        T(the_end_of_an_expired_hold_is_its_lease_however_late_it_is_noticed),
        T(an_id_from_the_future_is_remembered_from_its_own_time),
        T(extend_never_shortens_and_ends_at_max_life),
        T(confirm_takes_all_or_a_part),
        T(confirm_of_a_take_is_no_state),
        T(release_is_repeated_and_then_final),
        T(a_bound_hold_has_no_lease_and_only_its_order_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
