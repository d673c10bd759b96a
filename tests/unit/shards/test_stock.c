/* test_stock: every sentence of docs/stock.md's table but those about holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/stock_case.h"

/* For tests that put numbers into the state which no log of theirs explains. */
static int close_alone(void **state)
{
    (void)state;
    (void)fx_verify(&fx);
    fx_close(&fx);
    return 0;
}

static struct msg_take_rsp take_as(i64 quantity, struct id128 id)
{
    return FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = quantity, .id = id);
}

static struct msg_alloc_ship_rsp ship(struct id128 id, i64 quantity)
{
    return FX_ONE(&fx, OPCODE_ALLOC_SHIP, alloc_ship, MUG, .id = id, .quantity = quantity);
}

static struct msg_alloc_cancel_rsp cancel(struct id128 id, i64 quantity)
{
    return FX_ONE(&fx, OPCODE_ALLOC_CANCEL, alloc_cancel, MUG, .id = id, .quantity = quantity);
}

static struct msg_alloc_return_rsp take_back(struct id128 id, i64 quantity, u16 disposition)
{
    return FX_ONE(&fx, OPCODE_ALLOC_RETURN, alloc_return, MUG, .id = id, .quantity = quantity,
                  .disposition = disposition);
}

static const struct id128 anonymous = {0, 0};

/* ---- the order of the questions ---- */

static void arguments_come_before_shard_and_existence(void **state)
{
    (void)state;
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = fx_sku(99), .quantity = 0).head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = fx_sku(99), .quantity = 1).head.status,
        STATUS_NOT_FOUND);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = {.id = 1, .kind = 77}, .quantity = 1)
            .head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = {.id = 1, .tenant = 1}, .quantity = 1)
            .head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = {.id = 1, .location = 1}, .quantity = 1)
            .head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = {.id = 0}, .quantity = 1).head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(FX_ONE(&fx, OPCODE_TAKE, take,
                            .resource = {.id = 1, .kind = RESOURCE_KIND_COUPON}, .quantity = 1)
                         .head.status,
                     STATUS_NOT_FOUND);
}

static void a_resource_of_another_shard_is_wrong_shard(void **state)
{
    (void)state;
    struct fx other;
    fx_open_with(&other, (struct shard_options){.index = 1, .count = 2});
    u32 foreign = 0;
    for (u64 id = 1; id <= 64; id++) {
        const bool is_own = route_shard(route_hash_resource(fx_sku(id)), 2) == 1;
        const u16 status =
            FX_ONE(&other, OPCODE_TAKE, take, .resource = fx_sku(id), .quantity = 1).head.status;
        assert_int_equal(status, is_own ? STATUS_NOT_FOUND : STATUS_WRONG_SHARD);
        foreign += is_own ? 0 : 1;
    }
    assert_in_range(foreign, 10, 54);
    fx_close(&other);
}

static void quantities_are_1_to_2_31(void **state)
{
    (void)state;
    assert_int_equal(take(0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(take(-1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(take(QUANTITY_MAX + 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(take(QUANTITY_MAX).head.status, STATUS_SOLD_OUT);
    assert_int_equal(take(INT64_MAX).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(take(INT64_MIN).head.status, STATUS_BAD_ARGUMENT);
}

/* ---- sku_put ---- */

static void sku_put_judges_its_arguments(void **state)
{
    (void)state;
    const struct msg_sku_put_req good = {.resource = fx_sku(2), .price = 1, .currency = FX_GBP};
    struct msg_sku_put_req bad[] = {good, good, good, good, good, good, good, good};
    bad[0].price = -1;
    bad[1].price = PRICE_MAX + 1;
    bad[2].safety_stock = -1;
    bad[3].safety_stock = QUANTITY_MAX + 1;
    bad[4].oversell_cap = -1;
    bad[5].oversell_cap = QUANTITY_MAX + 1;
    bad[6].lease_default_ms = (u32)LEASE_MS_MAX + 1;
    bad[7].currency = 1;
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(put_status(bad[i], "CUP"), STATUS_BAD_ARGUMENT);
    assert_int_equal(put_status(good, ""), STATUS_BAD_ARGUMENT);
    assert_int_equal(put_status(good, "a\nb"), STATUS_BAD_ARGUMENT);
    assert_int_equal(put_status(good, "\xff"), STATUS_BAD_ARGUMENT);
    assert_int_equal(put_status(good, "CUP"), STATUS_OK);
}

static void sku_put_counts_versions_and_compares_them(void **state)
{
    (void)state;
    struct msg_sku_put_req put = {.resource = fx_sku(1), .price = 300, .currency = FX_GBP};
    assert_int_equal(fx_sku_put(&fx, put, "MUG").version, 2);
    put.if_version = VERSION_ABSENT;
    struct msg_sku_put_rsp rsp = fx_sku_put(&fx, put, "MUG");
    assert_int_equal(rsp.head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(rsp.version, 2);
    put.if_version = 1;
    assert_int_equal(fx_sku_put(&fx, put, "MUG").head.status, STATUS_VERSION_CONFLICT);
    put.if_version = 2;
    assert_int_equal(fx_sku_put(&fx, put, "MUG").version, 3);
    assert_int_equal(put_status(put, "CUP"), STATUS_ID_COLLISION);
    put.resource.id = 3;
    assert_int_equal(put_status(put, "JUG"), STATUS_NOT_FOUND);
    put.if_version = VERSION_ABSENT;
    assert_int_equal(fx_sku_put(&fx, put, "JUG").version, 1);
}

static void policy_may_leave_sellable_negative(void **state)
{
    (void)state;
    struct msg_sku_put_req put = {
        .resource = fx_sku(1), .price = 300, .currency = FX_GBP, .oversell_cap = 5};
    assert_int_equal(put_status(put, "MUG"), STATUS_OK);
    assert_int_equal(fx_levels(&fx).sellable, 15);
    assert_int_equal(take(14).sellable, 1);
    put.oversell_cap = 0;
    put.safety_stock = 2;
    assert_int_equal(put_status(put, "MUG"), STATUS_OK);
    assert_int_equal(fx_levels(&fx).sellable, -6);
    assert_int_equal(take(1).head.status, STATUS_SOLD_OUT);
    const struct msg_sku_get_rsp sku = FX_READ(&fx, OPCODE_SKU_GET, sku_get, MUG);
    assert_int_equal(sku.version, 3);
    assert_int_equal(sku.allocated_anonymous, 14);
    assert_int_equal(sku.granted, 14);
    assert_int_equal(sku.lease_default_ms, LEASE_MS_DEFAULT);
    const u8 *span = fx.read_body + sizeof sku;
    assert_memory_equal(span, "\3\0\0\0MUG", 7);
}

/* ---- physical stock ---- */

static void receive_adds_and_never_passes_the_counter(void **state)
{
    (void)state;
    assert_int_equal(fx_levels(&fx).on_hand, 10);
    const struct msg_stock_receive_rsp rsp =
        FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, MUG, .quantity = 5);
    assert_int_equal(rsp.on_hand, 15);
    assert_int_equal(rsp.sellable, 15);
    struct stock_hot *hot = stock_hot_at(&fx.shard->stock, 1);
    struct stock_cold *cold = stock_cold_of(&fx.shard->stock, hot);
    hot->on_hand += COUNTER_MAX - 16; /* as years of receipts would */
    cold->received += COUNTER_MAX - 16;
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, MUG, .quantity = 2).head.status,
        STATUS_EXCEEDS);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, MUG, .quantity = 1).head.status,
        STATUS_OK);
    hot->on_hand -= COUNTER_MAX - 16;
    cold->received -= COUNTER_MAX - 16;
}

static void adjust_stays_at_or_above_unavailable(void **state)
{
    (void)state;
    struct msg_stock_adjust_rsp rsp =
        FX_ONE(&fx, OPCODE_STOCK_ADJUST, stock_adjust, MUG, .delta = -11);
    assert_int_equal(rsp.head.status, STATUS_BELOW_ZERO);
    assert_int_equal(rsp.on_hand, 10);
    assert_int_equal(take(4).head.status, STATUS_OK);
    rsp = FX_ONE(&fx, OPCODE_STOCK_ADJUST, stock_adjust, MUG, .delta = -8, .reason = 3);
    assert_int_equal(rsp.head.status, STATUS_OK);
    assert_int_equal(rsp.on_hand, 2);
    assert_int_equal(rsp.sellable, -2);
    assert_int_equal(FX_ONE(&fx, OPCODE_STOCK_ADJUST, stock_adjust, MUG, .delta = 0).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_ADJUST, stock_adjust, MUG, .delta = -QUANTITY_MAX - 1).head.status,
        STATUS_BAD_ARGUMENT);
}

static void set_compares_first(void **state)
{
    (void)state;
    struct msg_stock_set_rsp rsp =
        FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = 9, .value = 3);
    assert_int_equal(rsp.head.status, STATUS_COMPARE_FAILED);
    assert_int_equal(rsp.on_hand, 10);
    rsp = FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = 10, .value = 3);
    assert_int_equal(rsp.on_hand, 3);
    rsp = FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = -1, .value = 7);
    assert_int_equal(rsp.on_hand, 7);
    assert_int_equal(FX_READ(&fx, OPCODE_SKU_GET, sku_get, MUG).adjusted, -3);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = -2, .value = 7).head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = -1, .value = -1).head.status,
        STATUS_BAD_ARGUMENT);
}

static void damaged_units_bound_adjust_set_and_write_off(void **state)
{
    (void)state;
    assert_int_equal(take(3).head.status, STATUS_OK);
    assert_int_equal(ship(anonymous, 3).on_hand, 7);
    const struct msg_alloc_return_rsp back = take_back(anonymous, 2, DISPOSITION_DAMAGED);
    assert_int_equal(back.on_hand, 9);
    assert_int_equal(back.unavailable, 2);
    assert_int_equal(back.sellable, 7);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_SET, stock_set, MUG, .expected = -1, .value = 1).head.status,
        STATUS_BELOW_ZERO);
    assert_int_equal(FX_ONE(&fx, OPCODE_STOCK_ADJUST, stock_adjust, MUG, .delta = -8).head.status,
                     STATUS_BELOW_ZERO);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_STOCK_WRITE_OFF, stock_write_off, MUG, .quantity = 3).head.status,
        STATUS_EXCEEDS);
    const struct msg_stock_write_off_rsp off =
        FX_ONE(&fx, OPCODE_STOCK_WRITE_OFF, stock_write_off, MUG, .quantity = 2);
    assert_int_equal(off.on_hand, 7);
    assert_int_equal(off.unavailable, 0);
    assert_int_equal(off.sellable, 7);
}

/* ---- take ---- */

static void take_grants_until_nothing_is_sellable(void **state)
{
    (void)state;
    assert_int_equal(take(10).sellable, 0);
    const struct msg_take_rsp refused = take(1);
    assert_int_equal(refused.head.status, STATUS_SOLD_OUT);
    assert_int_equal(refused.head.retry_after_ms, 0);
    assert_int_equal(refused.sellable, 0);
    assert_int_equal(fx_levels(&fx).allocated, 10);
}

static void a_named_take_is_answered_again_and_never_done_twice(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    assert_int_equal(take_as(4, id).sellable, 6);
    assert_int_equal(take(1).sellable, 5);
    const struct msg_take_rsp again = take_as(4, id);
    assert_int_equal(again.head.status, STATUS_OK);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.sellable, 6);
    assert_int_equal(take_as(3, id).head.status, STATUS_ID_MISMATCH);
    assert_int_equal(take_as(3, id).sellable, 5);
    assert_int_equal(hold_as(4, id, 0).head.status, STATUS_ID_MISMATCH);
    assert_int_equal(fx_levels(&fx).allocated, 5);
}

static struct msg_hold_rsp ask(struct msg_hold_req hold)
{
    return FX_ONE(&fx, OPCODE_HOLD, hold, .resource = hold.resource, .quantity = hold.quantity,
                  .owner = hold.owner, .id = hold.id, .replaces = hold.replaces,
                  .lease_ms = hold.lease_ms, .max_life_ms = hold.max_life_ms);
}

/* The resource is not among them: the same id may name a hold of each of many SKUs. */
static void every_argument_of_a_hold_is_part_of_what_its_id_asked(void **state)
{
    (void)state;
    const struct msg_hold_req first = {MUG,
                                       .quantity = 4,
                                       .owner = 5,
                                       .id = fx_fresh(&fx, 1),
                                       .lease_ms = 60000,
                                       .max_life_ms = 90000};
    assert_int_equal(ask(first).head.flags, 0);
    assert_int_equal(ask(first).head.flags, RECORD_FLAG_REPLAYED);
    for (u32 bit = 0; bit < 6; bit++) {
        struct msg_hold_req other = first;
        other.quantity ^= bit == 0 ? 1 : 0;
        other.owner ^= bit == 1 ? 1ull << 63 : 0;
        other.replaces.low ^= bit == 2 ? 1 : 0;
        other.replaces.high ^= bit == 3 ? 1ull << 63 : 0;
        other.lease_ms ^= bit == 4 ? 1 : 0;
        other.max_life_ms ^= bit == 5 ? 1 : 0;
        assert_int_equal(ask(other).head.status, STATUS_ID_MISMATCH);
    }
    assert_int_equal(ask(first).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(fx_levels(&fx).held, 4);
}

static void ids_must_be_fresh(void **state)
{
    (void)state;
    const u64 now_ms = fx.now_ns / NS_PER_MS;
    assert_int_equal(take_as(1, fx_id(now_ms - GRANT_RETENTION_MS, 1)).head.status, STATUS_TOO_OLD);
    assert_int_equal(take_as(1, fx_id(now_ms - GRANT_RETENTION_MS + 1, 1)).head.status, STATUS_OK);
    assert_int_equal(take_as(1, fx_id(now_ms + ID_FUTURE_MS_MAX + 1, 2)).head.status,
                     STATUS_ID_IN_FUTURE);
    assert_int_equal(take_as(1, fx_id(now_ms + ID_FUTURE_MS_MAX, 3)).head.status, STATUS_OK);
}

static void sold_out_and_all_held_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(hold_as(8, fx_fresh(&fx, 1), 5000).head.status, STATUS_OK);
    const struct msg_take_rsp held = take(3);
    assert_int_equal(held.head.status, STATUS_ALL_HELD);
    assert_int_equal(held.head.retry_after_ms, 5000);
    assert_int_equal(held.sellable, 2);
    assert_int_equal(take(11).head.status, STATUS_SOLD_OUT);
    fx_at(&fx, fx.now_ns + 1);
    assert_int_equal(take(3).head.retry_after_ms, 5000); /* rounded up */
    fx_later(&fx, 4999);
    assert_int_equal(take(3).head.retry_after_ms, 1);
}

static void all_held_without_leases_says_a_second(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    assert_int_equal(hold_as(8, id, 5000).head.status, STATUS_OK);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, MUG, .id = id, .owner = 5, .order = {7, 7}).held,
        8);
    assert_int_equal(take(3).head.status, STATUS_ALL_HELD);
    assert_int_equal(take(3).head.retry_after_ms, 1000);
}

static struct msg_take_rsp take_replacing(i64 quantity, struct id128 replaces, u64 owner)
{
    return FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = quantity, .owner = owner,
                  .replaces = replaces);
}

static void replaces_counts_the_own_hold_as_free(void **state)
{
    (void)state;
    const struct id128 mine = fx_fresh(&fx, 1);
    assert_int_equal(hold_as(8, mine, 5000).head.status, STATUS_OK);
    assert_int_equal(take_replacing(10, mine, 6).head.status, STATUS_OWNER_MISMATCH);
    assert_int_equal(take_replacing(11, mine, 5).head.status, STATUS_SOLD_OUT);
    assert_int_equal(fx_levels(&fx).held, 8);
    assert_int_equal(take_replacing(10, mine, 5).sellable, 0);
    assert_int_equal(fx_levels(&fx).held, 0);
    assert_int_equal(get(mine).state, GRANT_STATE_RELEASED);
    /* What it held is gone, so it gives nothing back a second time. */
    assert_int_equal(take_replacing(1, mine, 5).head.status, STATUS_SOLD_OUT);
    assert_int_equal(take_replacing(1, fx_fresh(&fx, 9), 5).head.status, STATUS_NOT_FOUND);
    assert_int_equal(take_replacing(1, fx_id(1, 9), 5).head.status, STATUS_TOO_OLD);
}

static void replaces_refuses_what_is_sold_or_bound(void **state)
{
    (void)state;
    const struct id128 sold = fx_fresh(&fx, 1), bound = fx_fresh(&fx, 2);
    assert_int_equal(take_as(1, sold).head.status, STATUS_OK);
    assert_int_equal(take_replacing(1, sold, 0).head.status, STATUS_INVALID_STATE);
    assert_int_equal(hold_as(1, bound, 0).head.status, STATUS_OK);
    (void)FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, MUG, .id = bound, .owner = 5, .order = {7, 7});
    assert_int_equal(take_replacing(1, bound, 5).head.status, STATUS_BOUND_TO_OTHER);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = 1, .id = sold, .replaces = sold)
            .head.status,
        STATUS_BAD_ARGUMENT);
}

static void takes_stop_where_the_sum_of_grants_ends(void **state)
{
    (void)state;
    struct stock_hot *hot = stock_hot_at(&fx.shard->stock, 1);
    struct stock_cold *cold = stock_cold_of(&fx.shard->stock, hot);
    const i64 long_ago = COUNTER_MAX - 2;
    hot->taken_anonymous += long_ago; /* as if taken and cancelled */
    cold->cancelled += long_ago;
    cold->cancelled_anonymous += long_ago;
    assert_int_equal(take(3).head.status, STATUS_EXCEEDS);
    assert_int_equal(take(2).head.status, STATUS_OK);
    assert_int_equal(take_as(1, fx_fresh(&fx, 1)).head.status, STATUS_EXCEEDS);
    hot->taken_anonymous -= long_ago;
    cold->cancelled -= long_ago;
    cold->cancelled_anonymous -= long_ago;
}

/* ---- ship, cancel, return ---- */

static void named_totals_are_harmless_to_repeat(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)take_as(6, id);
    assert_int_equal(ship(id, 2).on_hand, 8);
    assert_int_equal(ship(id, 2).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(ship(id, 1).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(cancel(id, 5).head.status, STATUS_EXCEEDS);
    assert_int_equal(cancel(id, 3).allocated, 1);
    assert_int_equal(ship(id, 4).head.status, STATUS_EXCEEDS);
    assert_int_equal(get(id).state, GRANT_STATE_ALLOCATED);
    assert_int_equal(ship(id, 3).allocated, 0);
    assert_int_equal(get(id).state, GRANT_STATE_FINISHED);
    assert_int_equal(take_back(id, 4, 0).head.status, STATUS_EXCEEDS);
    assert_int_equal(take_back(id, 2, 0).on_hand, 9);
    assert_int_equal(take_back(id, 2, 1).head.status, STATUS_EXCEEDS);
    assert_int_equal(take_back(id, 1, 1).unavailable, 1);
    assert_int_equal(take_back(id, 1, 1).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(take_back(id, 1, 2).head.status, STATUS_BAD_ARGUMENT);
}

static void anonymous_units_never_eat_named_ones(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)take_as(6, id);
    (void)take(3);
    assert_int_equal(ship(anonymous, 4).head.status, STATUS_EXCEEDS);
    assert_int_equal(ship(anonymous, 2).allocated, 7);
    assert_int_equal(cancel(anonymous, 2).head.status, STATUS_EXCEEDS);
    assert_int_equal(cancel(anonymous, 1).allocated, 6);
    assert_int_equal(take_back(anonymous, 3, 0).head.status, STATUS_EXCEEDS);
    assert_int_equal(take_back(anonymous, 1, 0).head.status, STATUS_OK);
    assert_int_equal(take_back(anonymous, 1, 1).head.status, STATUS_OK);
    assert_int_equal(take_back(anonymous, 1, 0).head.status, STATUS_EXCEEDS);
}

static void what_was_oversold_ships_when_it_has_arrived(void **state)
{
    (void)state;
    const struct msg_sku_put_req put = {
        .resource = fx_sku(1), .currency = FX_GBP, .oversell_cap = 5};
    assert_int_equal(put_status(put, "MUG"), STATUS_OK);
    assert_int_equal(take(15).sellable, 0);
    assert_int_equal(ship(anonymous, 11).head.status, STATUS_SHORT_STOCK);
    assert_int_equal(ship(anonymous, 10).on_hand, 0);
    (void)FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, MUG, .quantity = 5);
    assert_int_equal(ship(anonymous, 5).on_hand, 0);
}

static void steps_on_what_is_not_sold_are_refused(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 1);
    (void)hold_as(2, id, 0);
    assert_int_equal(ship(id, 1).head.status, STATUS_INVALID_STATE);
    assert_int_equal(cancel(id, 1).head.status, STATUS_INVALID_STATE);
    assert_int_equal(take_back(id, 1, 0).head.status, STATUS_INVALID_STATE);
    assert_int_equal(ship(fx_fresh(&fx, 2), 1).head.status, STATUS_NOT_FOUND);
    assert_int_equal(ship(fx_id(5, 2), 1).head.status, STATUS_TOO_OLD);
}

/* ---- linked frames ---- */

static void a_linked_frame_is_all_or_none(void **state)
{
    (void)state;
    const struct id128 kept = fx_fresh(&fx, 1);
    (void)hold_as(2, kept, 60000);
    const struct msg_take_req takes[3] = {
        {MUG, .quantity = 4, .id = fx_fresh(&fx, 2)},
        {MUG, .quantity = 4, .owner = 5, .replaces = kept},
        {MUG, .quantity = 4},
    };
    fx.is_linked = true;
    fx_send(&fx, OPCODE_TAKE, takes, 3);
    assert_int_equal(FX_RSP(&fx, take, 0).head.status, STATUS_LINKED_FAILED);
    assert_int_equal(FX_RSP(&fx, take, 0).sellable, 0);
    assert_int_equal(FX_RSP(&fx, take, 1).head.status, STATUS_LINKED_FAILED);
    assert_int_equal(FX_RSP(&fx, take, 2).head.status, STATUS_SOLD_OUT);
    assert_int_equal(get(kept).state, GRANT_STATE_HELD);
    assert_int_equal(get(fx_fresh(&fx, 2)).head.status, STATUS_NOT_FOUND);
    fx_send(&fx, OPCODE_TAKE, takes, 2);
    assert_int_equal(FX_RSP(&fx, take, 0).head.status, STATUS_OK);
    assert_int_equal(FX_RSP(&fx, take, 1).head.status, STATUS_OK);
    assert_int_equal(FX_RSP(&fx, take, 1).sellable, 2);
    fx.is_linked = false;
}

static void undoing_restores_timers_too(void **state)
{
    (void)state;
    const struct id128 first = fx_fresh(&fx, 1), second = fx_fresh(&fx, 2);
    (void)hold_as(2, first, 1000);
    (void)hold_as(2, second, 2000);
    const u64 deadline = shard_next_deadline_ns(fx.shard);
    const struct msg_hold_extend_req extends[3] = {
        {MUG, .id = first, .owner = 5, .lease_ms = 9000},
        {MUG, .id = second, .owner = 5, .lease_ms = 9000},
        {MUG, .id = second, .owner = 6, .lease_ms = 9000},
    };
    fx.is_linked = true;
    fx_send(&fx, OPCODE_HOLD_EXTEND, extends, 3);
    fx.is_linked = false;
    assert_int_equal(FX_RSP(&fx, hold_extend, 2).head.status, STATUS_OWNER_MISMATCH);
    assert_int_equal(shard_next_deadline_ns(fx.shard), deadline);
    fx_later(&fx, 1000);
    assert_int_equal(fx_levels(&fx).held, 2);
    fx_later(&fx, 1000);
    assert_int_equal(fx_levels(&fx).held, 0);
}

/* ---- expiry ---- */

static void a_mass_expiry_is_sliced_and_reads_wait_for_it(void **state)
{
    (void)state;
    for (u64 i = 1; i <= 8; i++)
        (void)hold_as(1, fx_fresh(&fx, i), 1000);
    const struct msg_stock_get_req get_mug = {MUG};
    const struct msg_verify_req verify = {0};
    const u64 stamp = fx.now_ns + 1000 * NS_PER_MS;
    assert_false(shard_expire(fx.shard, stamp, 3));
    assert_int_equal(fx_read(&fx, OPCODE_STOCK_GET, &get_mug), SHARD_READ_WAIT);
    assert_int_equal(fx_read(&fx, OPCODE_VERIFY, &verify), SHARD_READ_WAIT);
    assert_false(shard_expire(fx.shard, stamp, 3));
    assert_true(shard_expire(fx.shard, stamp, 3));
    assert_int_equal(fx_read(&fx, OPCODE_STOCK_GET, &get_mug), SHARD_READ_DONE);
    fx_at(&fx, stamp);
    assert_int_equal(fx_levels(&fx).held, 0);
    struct shard_counters counters;
    shard_counters_read(fx.shard, &counters);
    assert_int_equal(counters.expired_holds, 8);
    assert_int_equal(counters.tombstones, 8);
}

static void a_batch_before_its_expiry_is_a_bug(void **state)
{
    (void)state;
    const struct batch_header header = {
        .stamp_ns = fx.now_ns + 5000, .bytes = sizeof header, .state_version = BATCH_STATE_VERSION};
    expect_assert_failure(
        shard_apply(fx.shard, fx.lsn + 1, (const u8 *)&header, sizeof header, false, NULL, NULL));
}

static void verify_finds_a_broken_sum(void **state)
{
    (void)state;
    struct stock_hot *hot = stock_hot_at(&fx.shard->stock, 1);
    hot->held += 1;
    const struct msg_verify_rsp rsp = FX_READ(&fx, OPCODE_VERIFY, verify, .zero0 = 0);
    assert_int_equal(rsp.violations, 1);
    const char *text = (const char *)fx.read_body + sizeof rsp + 4;
    assert_memory_equal(text, "MUG: held is 1, its parts sum to 0\n", 35);
    hot->held -= 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(arguments_come_before_shard_and_existence),
        T(a_resource_of_another_shard_is_wrong_shard),
        T(quantities_are_1_to_2_31),
        T(sku_put_judges_its_arguments),
        T(sku_put_counts_versions_and_compares_them),
        T(policy_may_leave_sellable_negative),
        cmocka_unit_test_setup_teardown(receive_adds_and_never_passes_the_counter, open_mug,
                                        close_alone),
        T(adjust_stays_at_or_above_unavailable),
        T(set_compares_first),
        T(damaged_units_bound_adjust_set_and_write_off),
        T(take_grants_until_nothing_is_sellable),
        T(a_named_take_is_answered_again_and_never_done_twice),
        T(every_argument_of_a_hold_is_part_of_what_its_id_asked),
        T(ids_must_be_fresh),
        T(sold_out_and_all_held_are_told_apart),
        T(all_held_without_leases_says_a_second),
        T(replaces_counts_the_own_hold_as_free),
        T(replaces_refuses_what_is_sold_or_bound),
        cmocka_unit_test_setup_teardown(takes_stop_where_the_sum_of_grants_ends, open_mug,
                                        close_alone),
        T(named_totals_are_harmless_to_repeat),
        T(anonymous_units_never_eat_named_ones),
        T(what_was_oversold_ships_when_it_has_arrived),
        T(steps_on_what_is_not_sold_are_refused),
        T(a_linked_frame_is_all_or_none),
        T(undoing_restores_timers_too),
        T(a_mass_expiry_is_sliced_and_reads_wait_for_it),
        T(a_batch_before_its_expiry_is_a_bug),
        T(verify_finds_a_broken_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
