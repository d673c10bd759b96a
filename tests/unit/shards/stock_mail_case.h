/* stock_mail_case: two shards, an order on one of them, and its mail about the stock of the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_STOCK_MAIL_CASE_H
#define SOUK_TESTS_UNIT_SHARDS_STOCK_MAIL_CASE_H

#include <stdio.h>

#include "shards/stock/stock_grant.h"
#include "tests/unit/shards/mail_fixture.h"

#define USER 0x7DBA11C0FFEE5151ull /* would be a time far away */

static struct fx fx;
static struct mx mx;
static u64 skus[4]; /* ids that live on shard 0 */
static u32 order_number;

static inline u64 next_own(u64 from, u16 kind)
{
    while (route_shard(route_hash_resource((struct resource){.id = from, .kind = kind}), 2) != 0)
        from++;
    return from;
}

/* The user's half has no time in it; the number's has. */
static inline struct id128 order_of(u32 number)
{
    return (struct id128){.low = fx.now_ns / NS_PER_MS << 16 | number, .high = USER};
}

static inline void put_resource(struct resource key, const char *code, i64 on_hand, i64 cap)
{
    const struct msg_sku_put_req put = {
        .resource = key, .price = 250, .product_id = 77, .currency = FX_GBP, .oversell_cap = cap};
    assert_int_equal(fx_sku_put(&fx, put, code).head.status, STATUS_OK);
    if (on_hand != 0)
        assert_int_equal(
            FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, .resource = key, .quantity = on_hand)
                .head.status,
            STATUS_OK);
}

static inline int open_world(void **state)
{
    (void)state;
    fx_open_with(&fx, (struct shard_options){.count = 2});
    mx = (struct mx){.fx = &fx, .other = 1};
    u64 id = 1;
    for (u32 i = 0; i < ARRAY_COUNT(skus); i++) {
        char code[16];
        id = next_own(id, RESOURCE_KIND_SKU);
        skus[i] = id++;
        (void)snprintf(code, sizeof code, "SKU-%u", i);
        put_resource(fx_sku(skus[i]), code, 10, 0);
    }
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
    struct shard *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_close(&fx);
    return 0;
}

/* ---- asking ---- */

static inline struct row_hold_item want(u64 sku, i64 quantity)
{
    return (struct row_hold_item){.resource = fx_sku(sku), .quantity = quantity, .allowance = -1};
}

/* Sends a hold and gives the status of its answer; the rows are in mx.view. */
static inline u16 hold_as(struct id128 order, u64 user_id, const struct row_hold_item *items,
                          u32 count)
{
    const struct msg_mail_hold_req ask = {.order = order, .user_id = user_id, .round = 3};
    const struct span span = {(const u8 *)items, count * (u32)sizeof *items};
    struct msg_mail_hold_answer_req answer;
    mx_send(&mx, OPCODE_MAIL_HOLD, &ask, &span);
    assert_true(mx_take(&mx));
    assert_int_equal(mx.opcode, OPCODE_MAIL_HOLD_ANSWER);
    memcpy(&answer, mx.view.fixed, sizeof answer);
    assert_true(id128_equal(answer.order, order));
    assert_int_equal(answer.round, 3);
    assert_int_equal(mx.view.spans[0].bytes, count * sizeof(struct row_held_item));
    (void)fx_verify(&fx);
    return answer.status;
}

static inline u16 hold(struct id128 order, const struct row_hold_item *items, u32 count)
{
    return hold_as(order, USER, items, count);
}

static inline struct row_held_item held_row(u32 i)
{
    struct row_held_item row;
    memcpy(&row, mx.view.spans[0].data + i * sizeof row, sizeof row);
    return row;
}

/* One change with an answer: its status. */
static inline u16 change(struct id128 order, struct resource resource, u16 action, i64 quantity)
{
    const struct row_change_item item = {
        .resource = resource, .quantity = quantity, .action = action};
    const struct msg_mail_change_req ask = {.order = order, .ticket = 5};
    const struct span span = {(const u8 *)&item, sizeof item};
    struct msg_mail_change_answer_req answer;
    struct row_change_item row;
    mx_send(&mx, OPCODE_MAIL_CHANGE, &ask, &span);
    assert_true(mx_take(&mx));
    assert_int_equal(mx.opcode, OPCODE_MAIL_CHANGE_ANSWER);
    memcpy(&answer, mx.view.fixed, sizeof answer);
    assert_int_equal(answer.ticket, 5);
    assert_int_equal(mx.view.spans[0].bytes, sizeof row);
    memcpy(&row, mx.view.spans[0].data, sizeof row);
    assert_true(resource_equal(row.resource, resource));
    assert_int_equal(row.action, action);
    assert_int_equal(row.quantity, quantity);
    (void)fx_verify(&fx);
    return row.status;
}

#define CHANGE(order, sku, ACTION, quantity) \
    change(order, fx_sku(sku), CHANGE_ACTION_##ACTION, quantity)

static inline struct msg_stock_get_rsp levels_of(struct resource key)
{
    return FX_READ(&fx, OPCODE_STOCK_GET, stock_get, .resource = key);
}

static inline void assert_levels(u64 sku, i64 on_hand, i64 held, i64 allocated)
{
    const struct msg_stock_get_rsp levels = levels_of(fx_sku(sku));
    assert_int_equal(levels.on_hand, on_hand);
    assert_int_equal(levels.held, held);
    assert_int_equal(levels.allocated, allocated);
}

static inline struct msg_hold_get_rsp grant_of(struct id128 order, u64 sku)
{
    return FX_READ(&fx, OPCODE_HOLD_GET, hold_get, .resource = fx_sku(sku), .id = order);
}

static inline struct id128 new_order(void)
{
    return order_of(++order_number);
}

/* An order that holds `quantity` of a SKU. */
static inline struct id128 held_order(u64 sku, i64 quantity)
{
    const struct row_hold_item item = want(sku, quantity);
    const struct id128 order = new_order();
    assert_int_equal(hold(order, &item, 1), STATUS_OK);
    return order;
}

/* ---- whole messages, snapshots ---- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

#endif
