/* test_stock_mail: what orders hold by mail, and what goes wrong.
 *
 * The shard under test is number 0 of 2; the order lives on number 1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/stock_mail_case.h"

/* ---- hold ---- */

static void a_hold_grants_all_items_bound_to_the_order_without_a_lease(void **state)
{
    (void)state;
    const struct row_hold_item items[] = {want(skus[0], 4), want(skus[1], 10)};
    const struct id128 order = new_order();
    assert_int_equal(hold(order, items, 2), STATUS_OK);
    const struct row_held_item row = held_row(0);
    assert_int_equal(row.status, STATUS_OK);
    assert_int_equal(row.wanted, 4);
    assert_int_equal(row.sellable, 10);
    assert_int_equal(row.price, 250);
    assert_int_equal(row.product_id, 77);
    assert_int_equal(row.version, 1);
    assert_int_equal(row.currency, FX_GBP);
    assert_levels(skus[0], 10, 4, 0);
    assert_levels(skus[1], 10, 10, 0);
    const struct msg_hold_get_rsp grant = grant_of(order, skus[0]);
    assert_int_equal(grant.head.status, STATUS_OK);
    assert_int_equal(grant.state, GRANT_STATE_HELD);
    assert_int_equal(grant.owner, USER);
    assert_true(id128_equal(grant.order, order));
    assert_int_equal(grant.held, 4);
    assert_int_equal(grant.expires_at_ns, 0);
    assert_int_equal(grant.max_life_at_ns, 0);
    fx_later(&fx, 40ull * 24 * 3600 * 1000); /* it never ends by itself */
    assert_int_equal(grant_of(order, skus[0]).state, GRANT_STATE_HELD);
}

static void a_refused_item_leaves_nothing_held(void **state)
{
    (void)state;
    const struct row_hold_item items[] = {want(skus[0], 4), want(skus[1], 11), want(skus[2], 1)};
    const struct id128 order = new_order();
    assert_int_equal(hold(order, items, 3), STATUS_SOLD_OUT);
    assert_int_equal(held_row(0).status, STATUS_OK);
    assert_int_equal(held_row(1).status, STATUS_SOLD_OUT);
    assert_int_equal(held_row(1).sellable, 10);
    assert_int_equal(held_row(2).status, STATUS_OK);
    for (u32 i = 0; i < 3; i++)
        assert_levels(skus[i], 10, 0, 0);
    assert_int_equal(grant_of(order, skus[0]).head.status, STATUS_NOT_FOUND);
}

static void an_unknown_resource_is_not_found(void **state)
{
    (void)state;
    const u64 unknown = next_own(1000000, RESOURCE_KIND_SKU);
    const struct row_hold_item items[] = {want(skus[0], 1), want(unknown, 1)};
    assert_int_equal(hold(new_order(), items, 2), STATUS_NOT_FOUND);
    assert_int_equal(held_row(1).status, STATUS_NOT_FOUND);
    assert_levels(skus[0], 10, 0, 0);
    const struct row_hold_item huge = want(skus[0], QUANTITY_MAX + 1);
    assert_int_equal(hold(new_order(), &huge, 1), STATUS_EXCEEDS);
}

static void held_units_of_others_are_all_held_with_a_time_to_ask_again(void **state)
{
    (void)state;
    const struct id128 other = fx_fresh(&fx, 99);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD, hold, .resource = fx_sku(skus[0]), .quantity = 8,
                            .owner = 4, .id = other, .lease_ms = 5000)
                         .head.status,
                     STATUS_OK);
    const struct row_hold_item item = want(skus[0], 3);
    assert_int_equal(hold(new_order(), &item, 1), STATUS_ALL_HELD);
    assert_int_equal(held_row(0).retry_after_ms, 5000);
    assert_int_equal(held_row(0).sellable, 2);
    fx_later(&fx, 5000);
    assert_int_equal(hold(new_order(), &item, 1), STATUS_OK);
    /* What orders hold has no lease: ask again in a second. */
    const struct row_hold_item more = want(skus[0], 8);
    assert_int_equal(hold(new_order(), &more, 1), STATUS_ALL_HELD);
    assert_int_equal(held_row(0).retry_after_ms, 1000);
}

static u16 browse(u64 owner, struct id128 id, i64 quantity)
{
    return FX_ONE(&fx, OPCODE_HOLD, hold, .resource = fx_sku(skus[0]), .quantity = quantity,
                  .owner = owner, .id = id, .lease_ms = 60000)
        .head.status;
}

static void the_shoppers_own_hold_is_replaced_in_the_same_step(void **state)
{
    (void)state;
    const struct id128 own = fx_fresh(&fx, 1);
    assert_int_equal(browse(USER, own, 10), STATUS_OK);
    struct row_hold_item item = want(skus[0], 10);
    item.replaces = own;
    const struct id128 order = new_order();
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    assert_int_equal(held_row(0).sellable, 0); /* before, and without it */
    assert_int_equal(grant_of(own, skus[0]).state, GRANT_STATE_RELEASED);
    assert_int_equal(grant_of(order, skus[0]).held, 10);
    assert_levels(skus[0], 10, 10, 0);
}

static void a_refused_hold_leaves_the_shoppers_own_hold(void **state)
{
    (void)state;
    const struct id128 own = fx_fresh(&fx, 1);
    assert_int_equal(browse(USER, own, 5), STATUS_OK);
    struct row_hold_item items[] = {want(skus[0], 5), want(skus[1], 11)};
    items[0].replaces = own;
    assert_int_equal(hold(new_order(), items, 2), STATUS_SOLD_OUT);
    assert_int_equal(held_row(0).status, STATUS_OK);
    assert_int_equal(grant_of(own, skus[0]).state, GRANT_STATE_HELD);
    assert_levels(skus[0], 10, 5, 0);
}

static void a_hold_to_replace_that_is_gone_or_of_another_is_ignored(void **state)
{
    (void)state;
    const struct id128 expired = fx_fresh(&fx, 1), foreign = fx_fresh(&fx, 2),
                       bound = fx_fresh(&fx, 3), none = fx_fresh(&fx, 4);
    assert_int_equal(browse(USER, expired, 1), STATUS_OK);
    fx_later(&fx, 60000);
    assert_int_equal(browse(USER + 1, foreign, 1), STATUS_OK);
    assert_int_equal(browse(USER, bound, 1), STATUS_OK);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, .resource = fx_sku(skus[0]),
                            .id = bound, .owner = USER, .order = {7, 7})
                         .head.status,
                     STATUS_OK);
    const struct id128 replaced[] = {expired, foreign, bound, none};
    for (u32 i = 0; i < ARRAY_COUNT(replaced); i++) {
        struct row_hold_item item = want(skus[0], 2);
        item.replaces = replaced[i];
        assert_int_equal(hold(new_order(), &item, 1), STATUS_OK);
    }
    assert_levels(skus[0], 10, 10, 0);
    assert_int_equal(grant_of(foreign, skus[0]).state, GRANT_STATE_HELD);
    assert_int_equal(grant_of(bound, skus[0]).state, GRANT_STATE_HELD);
}

static void a_hold_bound_to_this_order_before_is_replaced(void **state)
{
    (void)state;
    const struct id128 own = fx_fresh(&fx, 1), order = new_order();
    assert_int_equal(browse(USER, own, 10), STATUS_OK);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, .resource = fx_sku(skus[0]),
                            .id = own, .owner = USER, .order = order)
                         .head.status,
                     STATUS_OK);
    struct row_hold_item item = want(skus[0], 9);
    item.replaces = own;
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    assert_levels(skus[0], 10, 9, 0);
}

static void a_second_round_uses_the_released_grant_again(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 0), STATUS_OK);
    assert_levels(skus[0], 10, 0, 0);
    fx_later(&fx, 1000);
    const struct row_hold_item item = want(skus[0], 6);
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    const struct msg_hold_get_rsp grant = grant_of(order, skus[0]);
    assert_int_equal(grant.state, GRANT_STATE_HELD);
    assert_int_equal(grant.quantity, 6);
    assert_levels(skus[0], 10, 6, 0);
    fx_later(&fx, GRANT_RETENTION_MS + 5000); /* the tombstone's time does not run on */
    assert_int_equal(grant_of(order, skus[0]).held, 6);
    assert_int_equal(CHANGE(order, skus[0], CONFIRM, 0), STATUS_OK);
    assert_levels(skus[0], 10, 0, 6);
}

static void a_released_grant_is_forgotten_a_retention_after_its_end(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    fx_later(&fx, 3000);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 4), STATUS_OK);
    fx_later(&fx, GRANT_RETENTION_MS - 1);
    assert_int_equal(grant_of(order, skus[0]).state, GRANT_STATE_RELEASED);
    fx_later(&fx, 1);
    assert_int_not_equal(grant_of(order, skus[0]).head.status, STATUS_OK);
    struct shard_counters counters;
    shard_counters_read(fx.shard, &counters);
    assert_int_equal(counters.tombstones, 0);
    const struct row_hold_item item = want(skus[0], 2);
    assert_int_equal(hold(order, &item, 1), STATUS_OK); /* an id is never too old here */
}

static void a_grant_that_a_client_named_so_is_not_the_orders(void **state)
{
    (void)state;
    /* A user id that looks like a time: then a client can name a hold so. */
    const struct id128 order = {.low = 5, .high = fx.now_ns / NS_PER_MS << 16};
    assert_int_equal(browse(USER, order, 1), STATUS_OK);
    const struct row_hold_item item = want(skus[0], 2);
    assert_int_equal(hold_as(order, order.high, &item, 1), STATUS_ID_MISMATCH);
    assert_int_equal(CHANGE(order, skus[0], CONFIRM, 0), STATUS_NOT_FOUND);
    assert_int_equal(CHANGE(order, skus[0], RELEASE, 0), STATUS_OK);
    assert_levels(skus[0], 10, 1, 0);
}

/* ---- allowances ---- */

static struct row_hold_item use_of(struct resource allowance, i64 limit)
{
    return (struct row_hold_item){.resource = allowance, .quantity = 1, .allowance = limit};
}

static struct resource an_allowance(void)
{
    return (struct resource){.id = next_own(500, RESOURCE_KIND_ALLOWANCE),
                             .kind = RESOURCE_KIND_ALLOWANCE};
}

static void an_allowance_is_made_by_its_first_use(void **state)
{
    (void)state;
    const struct resource allowance = an_allowance();
    const struct row_hold_item refused[] = {use_of(allowance, 2), want(skus[0], 11)};
    assert_int_equal(hold(new_order(), refused, 2), STATUS_SOLD_OUT);
    assert_int_equal(levels_of(allowance).head.status, STATUS_NOT_FOUND); /* all or none */
    const struct row_hold_item item = use_of(allowance, 2);
    const struct id128 first = new_order(), second = new_order();
    assert_int_equal(hold(first, &item, 1), STATUS_OK);
    assert_int_equal(held_row(0).sellable, 2);
    assert_int_equal(hold(second, &item, 1), STATUS_OK);
    assert_int_equal(hold(new_order(), &item, 1), STATUS_ALL_HELD);
    assert_int_equal(change(first, allowance, CHANGE_ACTION_CONSUME, 0), STATUS_OK);
    assert_int_equal(change(second, allowance, CHANGE_ACTION_CONSUME, 0), STATUS_OK);
    assert_int_equal(hold(new_order(), &item, 1), STATUS_SOLD_OUT);
    assert_int_equal(levels_of(allowance).on_hand, 0);
    const struct row_hold_item nothing = use_of(
        (struct resource){.id = next_own(900, RESOURCE_KIND_ALLOWANCE), .kind = allowance.kind}, 0);
    assert_int_equal(hold(new_order(), &nothing, 1), STATUS_SOLD_OUT);
}

static void an_allowance_follows_a_new_limit(void **state)
{
    (void)state;
    const struct resource allowance = an_allowance();
    struct row_hold_item item = use_of(allowance, 3);
    const struct id128 first = new_order(), second = new_order();
    assert_int_equal(hold(first, &item, 1), STATUS_OK);
    assert_int_equal(hold(second, &item, 1), STATUS_OK);
    assert_int_equal(change(first, allowance, CHANGE_ACTION_CONSUME, 0), STATUS_OK);
    assert_int_equal(change(second, allowance, CHANGE_ACTION_CONSUME, 0), STATUS_OK);
    item.allowance = 1; /* less than was used */
    assert_int_equal(hold(new_order(), &item, 1), STATUS_SOLD_OUT);
    assert_int_equal(held_row(0).sellable, 0);
    assert_int_equal(levels_of(allowance).on_hand, 1); /* refused: nothing has changed */
    item.allowance = 4;
    const struct id128 third = new_order();
    assert_int_equal(hold(third, &item, 1), STATUS_OK);
    assert_int_equal(held_row(0).sellable, 2);
    assert_int_equal(levels_of(allowance).on_hand, 2);
    item.allowance = 3;
    assert_int_equal(hold(new_order(), &item, 1), STATUS_ALL_HELD);
    assert_int_equal(change(third, allowance, CHANGE_ACTION_RELEASE, 0), STATUS_OK);
    assert_int_equal(hold(new_order(), &item, 1), STATUS_OK);
    assert_int_equal(levels_of(allowance).on_hand, 1);
    /* Given back to a limit that was lowered below what was used meanwhile. */
    assert_int_equal(change(first, allowance, CHANGE_ACTION_RETURN_SELLABLE, 1), STATUS_OK);
    assert_int_equal(levels_of(allowance).on_hand, 2);
}

/* ---- change ---- */

static void a_change_without_a_ticket_is_not_answered(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    const struct row_change_item items[] = {
        {.resource = fx_sku(skus[0]), .action = CHANGE_ACTION_CONFIRM},
        {.resource = fx_sku(skus[1]), .action = CHANGE_ACTION_CONFIRM}, /* fails alone */
    };
    const struct msg_mail_change_req ask = {.order = order};
    const struct span span = {(const u8 *)items, sizeof items};
    mx_send(&mx, OPCODE_MAIL_CHANGE, &ask, &span);
    assert_false(mx_take(&mx));
    assert_levels(skus[0], 10, 0, 4);
    const struct resource unknown = {.id = next_own(1000000, RESOURCE_KIND_SKU)};
    assert_int_equal(change(order, unknown, CHANGE_ACTION_SHIP, 1), STATUS_NOT_FOUND);
    assert_int_equal(change(order, (struct resource){0}, CHANGE_ACTION_SHIP, 1), STATUS_NOT_FOUND);
}

static void a_message_applied_twice_takes_effect_once(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    mx.sent--; /* the same number again, as after a restart */
    const struct row_change_item item = {.resource = fx_sku(skus[0]),
                                         .action = CHANGE_ACTION_RELEASE};
    const struct msg_mail_change_req ask = {.order = order};
    const struct span span = {(const u8 *)&item, sizeof item};
    mx_send(&mx, OPCODE_MAIL_CHANGE, &ask, &span);
    assert_levels(skus[0], 10, 4, 0);
}

/* ---- clients and such a grant ---- */

static void clients_cannot_change_what_an_order_holds(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4);
    const struct resource sku = fx_sku(skus[0]);
    const u64 lease_ms = 1000;
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_EXTEND, hold_extend, .resource = sku, .id = order,
                            .owner = USER, .lease_ms = lease_ms)
                         .head.status,
                     STATUS_FORBIDDEN);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_CONFIRM, hold_confirm, .resource = sku, .id = order,
                            .owner = USER, .order = order)
                         .head.status,
                     STATUS_FORBIDDEN);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_RELEASE, hold_release, .resource = sku, .id = order,
                            .owner = USER, .order = order)
                         .head.status,
                     STATUS_FORBIDDEN);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_BIND, hold_bind, .resource = sku, .id = order,
                            .owner = USER, .order = order)
                         .head.status,
                     STATUS_FORBIDDEN);
    assert_int_equal(FX_ONE(&fx, OPCODE_HOLD_RELEASE, hold_release, .resource = sku, .id = order,
                            .owner = 3, .order = order)
                         .head.status,
                     STATUS_OWNER_MISMATCH);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_TAKE, take, .resource = sku, .id = order, .quantity = 4, .owner = USER)
            .head.status,
        STATUS_ID_MISMATCH);
    assert_int_equal(FX_ONE(&fx, OPCODE_TAKE, take, .resource = sku, .quantity = 4, .owner = USER,
                            .replaces = order)
                         .head.status,
                     STATUS_BOUND_TO_OTHER);
    assert_levels(skus[0], 10, 4, 0);
    assert_int_equal(CHANGE(order, skus[0], CONFIRM, 0), STATUS_OK);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_ALLOC_SHIP, alloc_ship, .resource = sku, .id = order, .quantity = 1)
            .head.status,
        STATUS_FORBIDDEN);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_ALLOC_CANCEL, alloc_cancel, .resource = sku, .id = order, .quantity = 1)
            .head.status,
        STATUS_FORBIDDEN);
    assert_int_equal(
        FX_ONE(&fx, OPCODE_ALLOC_RETURN, alloc_return, .resource = sku, .id = order, .quantity = 1)
            .head.status,
        STATUS_FORBIDDEN);
    assert_levels(skus[0], 10, 0, 4);
}

static struct stock_grant *record_of(struct id128 id, u64 sku)
{
    struct stock *stock = &fx.shard->stock;
    const struct resource key = fx_sku(sku);
    const u32 resource = stock_resource_find(stock, route_hash_resource(key), &key);
    const u32 index = stock_grant_find(stock, stock_grant_hash(sku, id), resource, id);
    assert_int_not_equal(index, 0);
    return stock_grant_at(stock, index);
}

static u16 take_four(struct id128 id, u64 sku)
{
    return FX_ONE(&fx, OPCODE_TAKE, take, .resource = fx_sku(sku), .id = id, .quantity = 4,
                  .owner = USER)
        .head.status;
}

static void a_take_that_hashes_like_an_order_is_not_answered_for_it(void **state)
{
    (void)state;
    const struct id128 order = held_order(skus[0], 4), own = fx_fresh(&fx, 8);
    struct stock_grant *grant = record_of(order, skus[0]);
    const u64 fingerprint = grant->fingerprint;
    assert_int_equal(take_four(own, skus[1]), STATUS_OK);
    grant->fingerprint = record_of(own, skus[1])->fingerprint;
    assert_int_equal(take_four(order, skus[0]), STATUS_ID_MISMATCH);
    grant->fingerprint = fingerprint;
}

/* ---- whole messages, snapshots ---- */

static void as_many_items_as_an_order_may_have(void **state)
{
    (void)state;
    struct row_hold_item *items = calloc(ORDER_ITEMS_MAX, sizeof *items);
    assert_non_null(items);
    u64 id = 1000;
    for (u32 i = 0; i < ORDER_ITEMS_MAX; i++) {
        id = next_own(id + 1, RESOURCE_KIND_ALLOWANCE);
        items[i] = use_of((struct resource){.id = id, .kind = RESOURCE_KIND_ALLOWANCE}, 1);
    }
    assert_int_equal(hold(new_order(), items, ORDER_ITEMS_MAX), STATUS_OK);
    assert_int_equal(held_row(ORDER_ITEMS_MAX - 1).sellable, 1);
    assert_int_equal(hold(new_order(), items, ORDER_ITEMS_MAX), STATUS_ALL_HELD);
    assert_int_equal(levels_of(items[ORDER_ITEMS_MAX - 1].resource).held, 1);
    free(items);
}

static u64 random_state = 0x77777;

static u64 draw(u64 below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* A random hold or change of one of a few orders, whatever comes of it. */
static void step(struct id128 *orders, u32 count)
{
    const struct id128 order = orders[draw(count)];
    const u64 sku = skus[draw(ARRAY_COUNT(skus))];
    struct row_hold_item item = want(sku, 1 + (i64)draw(4));
    fx.now_ns += draw(3000) * NS_PER_MS;
    const u16 action = (u16)draw(9);
    const struct stock *stock = &fx.shard->stock;
    const struct resource key = fx_sku(sku);
    const u32 resource = stock_resource_find(stock, route_hash_resource(key), &key);
    const u32 grant = stock_grant_find(stock, stock_grant_hash(sku, order), resource, order);
    const bool is_free = grant == 0 || stock_grant_at(stock, grant)->state == GRANT_STATE_RELEASED;
    if (action == 0 && is_free)
        (void)hold(order, &item, 1);
    else if (action != 0)
        (void)change(order, key, action,
                     action <= CHANGE_ACTION_CONSUME ? (i64)draw(3) : 1 + (i64)draw(3));
}

static void random_changes_keep_the_sums_and_a_snapshot_under_way(void **state)
{
    (void)state;
    struct id128 orders[6];
    for (u32 i = 0; i < ARRAY_COUNT(orders); i++)
        orders[i] = new_order();
    for (u32 round = 0; round < 8; round++) {
        struct fx_dump dump;
        for (u32 i = 0; i < 300; i++)
            step(orders, ARRAY_COUNT(orders));
        const struct id128 at_cut = shard_digest(fx.shard);
        const u32 cut = fx.log_count;
        fx_dump_init(&dump);
        shard_dump_begin(fx.shard);
        for (u32 i = 0; i < 40; i++)
            step(orders, ARRAY_COUNT(orders));
        while (fx_dump_step(&dump, fx.shard)) {}
        struct shard *loaded = fx_dump_load(&dump, &fx.options);
        assert_true(id128_equal(shard_digest(loaded), at_cut));
        fx_replay_on(&fx, loaded, cut);
        fx_assert_digest(fx.shard, loaded);
        shard_close(loaded);
        fx_dump_deinit(&dump);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hold_grants_all_items_bound_to_the_order_without_a_lease),
        TEST(a_refused_item_leaves_nothing_held),
        TEST(an_unknown_resource_is_not_found),
        TEST(held_units_of_others_are_all_held_with_a_time_to_ask_again),
        TEST(the_shoppers_own_hold_is_replaced_in_the_same_step),
        TEST(a_refused_hold_leaves_the_shoppers_own_hold),
        TEST(a_hold_to_replace_that_is_gone_or_of_another_is_ignored),
        TEST(a_hold_bound_to_this_order_before_is_replaced),
        TEST(a_second_round_uses_the_released_grant_again),
        TEST(a_released_grant_is_forgotten_a_retention_after_its_end),
        TEST(a_grant_that_a_client_named_so_is_not_the_orders),
        TEST(an_allowance_is_made_by_its_first_use),
        TEST(an_allowance_follows_a_new_limit),
        TEST(a_change_without_a_ticket_is_not_answered),
        TEST(a_message_applied_twice_takes_effect_once),
        TEST(clients_cannot_change_what_an_order_holds),
        TEST(a_take_that_hashes_like_an_order_is_not_answered_for_it),
        TEST(as_many_items_as_an_order_may_have),
        TEST(random_changes_keep_the_sums_and_a_snapshot_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
