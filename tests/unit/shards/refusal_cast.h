/* refusal_cast: orders in every state that matters, and cases of operations that are refused and change nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_REFUSAL_CAST_H
#define SOUK_TESTS_UNIT_SHARDS_REFUSAL_CAST_H

#include "proto/checksum.h"
#include "proto/route.h"
#include "shards/dump.h"
#include "tests/unit/shards/order_fixture.h"

#define CHUNK_BYTES (1u << 20)
#define STRANGER    999ull
#define GUEST       (ID_GUEST_BIT | 41)
#define ACCOUNT     42ull
#define FROZEN_USER 301ull
#define MERGED_USER 302ull
#define MERGED      (ID_GUEST_BIT | 303)
#define LIST        71ull
#define PROMOTION   72ull
#define COUPON      73ull

/* What a case is about; an operation needs some of each kind that fits it. */
enum kind { UNKNOWN = 1 << 0, FOREIGN = 1 << 1, FINISHED = 1 << 2, WRONG = 1 << 3 };

/* Orders in every state that matters. */
struct cast {
    struct of of;
    u8 kinds[MESSAGE_COUNT]; /* of the cases that were run, by operation */
    u32 cases;
    struct id128 never, paid, given_up, cancelled, done, shipped, attached, guests, open, leased;
    struct msg_command_poll_rsp command; /* of `leased`: the lease that holds */
    u64 lost_lease;
};

static struct cast cast;

/* ---- nothing changed ------------------------------------------------------------------------- */

static inline u64 sum_of_chunk(const u8 *chunk, u32 bytes)
{
    u64 sum = 0;
    for (u32 offset = 0; offset < bytes;) {
        struct dump_view view;
        assert_null(dump_next(chunk, bytes, &offset, &view));
        if (view.kind != DUMP_KIND_SESSION && view.kind != DUMP_KIND_REPLY &&
            view.kind != DUMP_KIND_SCALARS)
            sum += checksum64(view.body, view.body_bytes) * (2 * (u64)view.kind + 1);
    }
    return sum;
}

static inline u64 sum_of_all(void)
{
    struct town *town = cast.of.town;
    u8 *chunk = aligned_alloc(64, CHUNK_BYTES);
    u64 sum = 0;
    assert_non_null(chunk);
    for (u16 i = 0; i < town->options.shard_count; i++) {
        u32 bytes;
        shard_dump_begin(town->shards[i].shard);
        while ((bytes = shard_dump_chunk(town->shards[i].shard, chunk, CHUNK_BYTES)) != 0)
            sum += (i + 1u) * sum_of_chunk(chunk, bytes); /* ends: a dump is finite */
    }
    free(chunk);
    return sum;
}

/* Asks, and it is refused so, and nothing has changed. */
static inline void refuse(enum kind kind, u16 opcode, const void *fixed, const struct span *spans,
                          u16 wanted)
{
    const struct message_info *info = message_find(opcode);
    const u64 before = sum_of_all();
    const u16 status = town_ask(cast.of.town, opcode, 0, fixed, spans, NULL, NULL);
    if (status != wanted)
        fail_msg("%s: %s instead of %s", info->name, status_name(status), status_name(wanted));
    if (sum_of_all() != before)
        fail_msg("%s: refused with %s, and something has changed", info->name, status_name(status));
    assert_false(town_carry(cast.of.town)); /* and nobody was told anything */
    cast.kinds[info->index] |= (u8)kind;
    cast.cases++;
}

#define REFUSE(kind, OPCODE, name, wanted, ...) \
    refuse((kind), (OPCODE), &(const struct msg_##name##_req){__VA_ARGS__}, NULL, (wanted))
#define ROWS_SPAN(...) \
    ((const struct span[MESSAGE_SPANS_MAX]){{(const u8 *)(__VA_ARGS__), (u32)sizeof(__VA_ARGS__)}})
#define REFUSE_ROWS(kind, OPCODE, name, wanted, rows, ...)                                   \
    refuse((kind), (OPCODE), &(const struct msg_##name##_req){__VA_ARGS__}, ROWS_SPAN(rows), \
           (wanted))

/* ---- the cast -------------------------------------------------------------------------------- */

static inline struct id128 fresh(u64 user)
{
    return (struct id128){
        .high = user, .low = cast.of.town->now_ns / NS_PER_MS << 16 | (cast.of.made++ & 0xFFFF)};
}

static inline void must_ok(u16 opcode, const void *fixed, const struct span *spans)
{
    const u16 status = town_ask(cast.of.town, opcode, 0, fixed, spans, NULL, NULL);
    if (status != STATUS_OK)
        fail_msg("%s: %s", message_find(opcode)->name, status_name(status));
}

static inline void fill_cart(u64 user)
{
    const struct msg_cart_add_req add = {
        .user_id = user, .sku_id = of_sku_id(0), .quantity = 2, .price_seen = -1};
    must_ok(OPCODE_CART_ADD, &add, NULL);
}

static inline void check_out_cart(struct id128 order)
{
    const struct row_tender tender = {.amount = 2 * OF_PRICE(0)};
    const struct msg_checkout_req ask = {
        .order = order, .expected_total = tender.amount, .currency = OF_GBP, .from_cart = 1};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender}};
    must_ok(OPCODE_CHECKOUT, &ask, spans);
}

/* Its command is leased, the lease ends, somebody else has it. */
static inline void lease_twice(void)
{
    struct town *town = cast.of.town;
    const struct msg_command_poll_req poll = {.group = 0, .lease_ms = 1};
    const struct msg_command_poll_req longer = {.lease_ms = 3600000};
    const u16 shard = route_shard(route_hash_u64(cast.leased.high), town->options.shard_count);
    assert_int_equal(town_ask(town, OPCODE_COMMAND_POLL, shard, &poll, NULL, &cast.command, NULL),
                     STATUS_OK);
    assert_true(id128_equal(cast.command.order, cast.leased));
    cast.lost_lease = cast.command.lease;
    town_wait(town, 5 * NS_PER_MS);
    assert_int_equal(town_ask(town, OPCODE_COMMAND_POLL, shard, &longer, NULL, &cast.command, NULL),
                     STATUS_OK);
    assert_true(id128_equal(cast.command.order, cast.leased));
    assert_int_not_equal(cast.command.lease, cast.lost_lease);
}

static inline void put_settings(void)
{
    const struct msg_price_list_put_req list = {
        .home_id = LIST, .currency = OF_GBP, .name = text64_of("list", 4)};
    const struct msg_promotion_put_req promotion = {.home_id = PROMOTION,
                                                    .value = 1000,
                                                    .coupon_id = COUPON,
                                                    .kind = PROMOTION_KIND_PERCENT,
                                                    .name = text64_of("ten", 3)};
    must_ok(OPCODE_PRICE_LIST_PUT, &list, NULL);
    must_ok(OPCODE_PROMOTION_PUT, &promotion, NULL);
}

static inline void return_all(struct id128 order)
{
    struct of *of = &cast.of;
    of_send_all(of, order, 1);
    OF_DONE(of_return(of, order, 1, OF_UNITS({0, 2, 0}, {1, 1, 0})));
    OF_DONE(of_decide(of, order, 1, 1));
    OF_DONE(of_receive(of, order, 1, OF_UNITS({0, 2, 0}, {1, 1, 0})));
    OF_DONE(of_refund(of, order, 1, -1));
    of_pay(of);
}

static inline void make_cast(void)
{
    struct of *of = &cast.of;
    const struct of_want want = {.lines = 2, .units = {2, 1}};
    const struct of_want guest = {.lines = 1, .units = {1}, .user = GUEST};
    put_settings();
    cast.paid = of_buy_and_pay(of, want);
    cast.cancelled = of_buy_and_pay(of, want);
    OF_DONE(of_cancel(of, cast.cancelled, OF_NONE));
    cast.done = of_buy_and_pay(of, want);
    return_all(cast.done);
    cast.shipped = of_buy_and_pay(of, want);
    OF_DONE(of_plan(of, cast.shipped, 1, OF_NONE));
    OF_DONE(of_ship(of, cast.shipped, 1));
    cast.guests = of_buy_and_pay(of, guest);
    cast.attached = of_buy_and_pay(of, guest);
    const struct msg_order_attach_req attach = {.order = cast.attached, .user_id = ACCOUNT};
    must_ok(OPCODE_ORDER_ATTACH, &attach, NULL);
    cast.given_up = of_buy(of, want);
    const struct msg_checkout_cancel_req cancel = {.order = cast.given_up, .reason = 1};
    must_ok(OPCODE_CHECKOUT_CANCEL, &cancel, NULL);
    fill_cart(MERGED);
    const struct msg_cart_merge_req merge = {
        .user_id = MERGED, .target_id = MERGED_USER, .strategy = MERGE_SUM};
    must_ok(OPCODE_CART_MERGE, &merge, NULL);
    of_pay(of);
    fill_cart(FROZEN_USER);
    cast.leased = of_buy(of, want);
    town_carry_all(of->town);
    lease_twice();
    cast.open = fresh(FROZEN_USER);
    check_out_cart(cast.open);
    town_carry_all(of->town);
    cast.never = fresh(OF_USER);
}

static inline void the_cast_is_in_its_states(void **state)
{
    (void)state;
    const struct {
        struct id128 order;
        u16 state;
    } expected[] = {{cast.paid, SAGA_STATE_PAID},          {cast.cancelled, SAGA_STATE_CANCELLED},
                    {cast.done, SAGA_STATE_DELIVERED},     {cast.shipped, SAGA_STATE_SHIPPED},
                    {cast.guests, SAGA_STATE_PAID},        {cast.attached, SAGA_STATE_PAID},
                    {cast.given_up, SAGA_STATE_CANCELLED}, {cast.leased, SAGA_STATE_AUTHORIZING},
                    {cast.open, SAGA_STATE_AUTHORIZING}};
    for (u32 i = 0; i < ARRAY_COUNT(expected); i++)
        assert_int_equal(of_state(&cast.of, expected[i].order), expected[i].state);
}

/* The sum that the other tests trust does see a change. */
static inline void a_change_is_seen(void **state)
{
    (void)state;
    const u64 before = sum_of_all();
    fill_cart(4711);
    assert_int_not_equal(sum_of_all(), before);
    const u64 between = sum_of_all();
    assert_int_equal(of_cancel(&cast.of, cast.given_up, OF_NONE).head.status,
                     STATUS_ORDER_CANCELLED);
    assert_int_equal(sum_of_all(), between);
    const struct msg_command_poll_req poll = {.lease_ms = 3600000};
    const u16 shard =
        route_shard(route_hash_u64(cast.open.high), cast.of.town->options.shard_count);
    assert_int_equal(town_ask(cast.of.town, OPCODE_COMMAND_POLL, shard, &poll, NULL, NULL, NULL),
                     STATUS_OK);
    assert_int_not_equal(sum_of_all(), between);
}

#endif
