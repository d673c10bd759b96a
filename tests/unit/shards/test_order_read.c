/* Everything that reads one order: docs/orders.md, "Access and histories", and the fields of
 * checkout_status, payment_get, payment_find, order_get and order_events in docs/protocol.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/shard_state.h"
#include "tests/unit/shards/order_fixture.h"

#define ELSEWHERE 3

static struct msg_checkout_status_rsp status_of(struct of *of, struct id128 order)
{
    const struct msg_checkout_status_req ask = {.order = order};
    struct msg_checkout_status_rsp answer;
    town_read(of->town, OPCODE_CHECKOUT_STATUS, 0, &ask, NULL, &answer, NULL);
    assert_int_equal(answer.head.status, STATUS_OK);
    return answer;
}

static void an_order_is_read_as_it_was_bought(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const u64 bought_ns = of.town->now_ns;
    const struct id128 order = of_buy_and_pay(
        &of, (struct of_want){.lines = 2, .units = {3, 1}, .shipping = 450, .card = 200});
    const i64 goods = 3 * OF_PRICE(0) + OF_PRICE(1);
    const struct of_order *now = of_get(&of, order);
    assert_true(id128_equal(now->head.order, order));
    assert_int_equal(now->head.owner, OF_USER);
    assert_int_equal(now->head.created_at_ns, bought_ns);
    assert_int_equal(now->head.placed_at_ns, bought_ns);
    assert_int_equal(now->head.changed_at_ns, bought_ns);
    assert_int_equal(now->head.state, SAGA_STATE_PAID);
    assert_int_equal(now->head.summary, ORDER_SUMMARY_PAID);
    assert_int_equal(now->head.payment, PAYMENT_SUMMARY_PAID);
    assert_int_equal(now->head.fulfilment, 0);
    assert_int_equal(now->head.returned, 0);
    assert_int_equal(now->head.reason, 0);
    assert_int_equal(now->head.currency, OF_GBP);
    assert_int_equal(now->head.goods, goods);
    assert_int_equal(now->head.discount, 0);
    assert_int_equal(now->head.charges, 450);
    assert_int_equal(now->head.total, goods + 450);
    assert_int_equal(now->head.authorized, goods + 450);
    assert_int_equal(now->head.captured, goods + 450);
    assert_int_equal(now->head.refunded, 0);
    assert_int_equal(now->head.owed, goods + 450);
    assert_int_equal(now->line_count, 2);
    assert_int_equal(now->lines[0].sku_id, of_sku_id(0));
    assert_int_equal(now->lines[1].options, 1);
    assert_int_equal(now->lines[0].unit_price, OF_PRICE(0));
    assert_int_equal(now->lines[0].base_price, OF_PRICE(0));
    assert_int_equal(now->lines[0].total, 3 * OF_PRICE(0));
    assert_int_equal(now->lines[0].allocated, 3);
    assert_int_equal(now->tender_count, 2);
    assert_int_equal(now->tenders[0].kind, TENDER_KIND_GIFT_CARD);
    assert_int_equal(now->tenders[0].state, TENDER_STATE_SPENT);
    assert_int_equal(now->tenders[0].captured, 200);
    assert_int_equal(now->tenders[1].state, TENDER_STATE_AUTHORIZED);
    assert_int_equal(now->tenders[1].captured, goods + 250);
    assert_memory_equal(now->tenders[1].token.bytes, "tok", 4);
    assert_memory_equal(now->tenders[1].reference.bytes, "ref", 3);
    /* Amounts with their rules, and the address. */
    const struct msg_order_get_req ask = {.order = order, .user_id = OF_USER};
    struct record_view view;
    town_read(of.town, OPCODE_ORDER_GET, 0, &ask, NULL, NULL, &view);
    const struct span amounts = view.spans[SPAN_OF(order_get_rsp, amounts)];
    i64 sum = 0;
    for (u32 at = 0; at < amounts.bytes; at += (u32)sizeof(struct row_amount)) {
        struct row_amount row;
        memcpy(&row, amounts.data + at, sizeof row);
        sum += row.amount;
    }
    assert_int_equal(sum, goods + 450);
    const struct span address = view.spans[SPAN_OF(order_get_rsp, address)];
    assert_int_equal(address.bytes, 15);
    assert_memory_equal(address.data, "1 Market Street", 15);
    of_close(&of);
}

static void only_the_owner_and_the_shop_may_read(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {1}});
    static const u16 opcodes[] = {OPCODE_ORDER_GET, OPCODE_PAYMENT_GET, OPCODE_CHECKOUT_STATUS,
                                  OPCODE_ORDER_EVENTS};
    for (u32 i = 0; i < ARRAY_COUNT(opcodes); i++) {
        /* All of them begin with the order and the user. */
        struct msg_order_events_req ask = {.order = order, .user_id = OF_USER};
        assert_int_equal(town_ask(of.town, opcodes[i], 0, &ask, NULL, NULL, NULL), STATUS_OK);
        ask.user_id = 0;
        assert_int_equal(town_ask(of.town, opcodes[i], 0, &ask, NULL, NULL, NULL), STATUS_OK);
        ask.user_id = OF_USER + 1;
        assert_int_equal(town_ask(of.town, opcodes[i], 0, &ask, NULL, NULL, NULL),
                         STATUS_FORBIDDEN);
        ask.order.low++;
        assert_int_equal(town_ask(of.town, opcodes[i], 0, &ask, NULL, NULL, NULL),
                         STATUS_NOT_FOUND);
        ask.order = (struct id128){.low = 1};
        assert_int_equal(town_ask(of.town, opcodes[i], 0, &ask, NULL, NULL, NULL),
                         STATUS_BAD_ARGUMENT);
    }
    of_close(&of);
}
STATIC_CHECK(sizeof(struct msg_order_events_req) >= sizeof(struct msg_order_get_req));
STATIC_CHECK(offsetof(struct msg_order_events_req, user_id) ==
             offsetof(struct msg_checkout_status_req, user_id));
STATIC_CHECK(offsetof(struct msg_order_events_req, user_id) ==
             offsetof(struct msg_payment_get_req, user_id));

/* Asks the order's shard as the engine does, with leave to wait. */
static enum shard_read_result wait_for(struct of *of, struct id128 order, u32 wait_ms,
                                       struct shard_reply *reply)
{
    static u64 body[FRAME_BYTES_MAX / 8];
    const struct msg_checkout_status_req ask = {.order = order, .wait_ms = wait_ms};
    const struct frame_header header = {.opcode = OPCODE_CHECKOUT_STATUS, .record_count = 1};
    const u16 home = town_route(of->town, message_find(OPCODE_CHECKOUT_STATUS), &ask);
    return shard_read(of->town->shards[home].shard, &header, (const u8 *)&ask, sizeof ask,
                      of->town->now_ns, true, (u8 *)body, sizeof body, reply);
}

/* One record in a batch of its own, past the town, which forgets what was waited for. */
static void apply_past_the_town(struct of *of, u16 opcode, const void *fixed, u64 seq)
{
    struct {
        struct batch_header header;
        struct entry_header entry;
        u8 body[64];
    } batch = {.header = {.stamp_ns = of->town->now_ns,
                          .entry_count = 1,
                          .state_version = BATCH_STATE_VERSION},
               .entry = {.body_bytes = message_find(opcode)->request.fixed_bytes,
                         .source = ENTRY_SOURCE_SESSION,
                         .opcode = opcode,
                         .record_count = 1,
                         .session = {3, 4},
                         .session_seq = seq}};
    struct shard *shard = of->town->shards[0].shard;
    assert_true(batch.entry.body_bytes <= sizeof batch.body);
    memcpy(batch.body, fixed, batch.entry.body_bytes);
    batch.header.bytes = (u32)(sizeof batch.header + sizeof batch.entry) + batch.entry.body_bytes;
    shard_apply(shard, shard_applied_lsn(shard) + 1, (const u8 *)&batch, batch.header.bytes, false,
                NULL, NULL);
}

static void a_status_waits_until_the_order_settles(void **state)
{
    (void)state;
    struct of of;
    struct shard_reply reply;
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    const struct id128 order = of_buy(&of, (struct of_want){.lines = 1, .units = {1}});
    assert_int_equal(status_of(&of, order).is_settled, 0);
    assert_int_equal(wait_for(&of, order, 0, &reply), SHARD_READ_DONE);
    assert_int_equal(wait_for(&of, order, WAIT_MS_MAX + 1, &reply), SHARD_READ_DONE);
    assert_int_equal(wait_for(&of, order, 5000, &reply), SHARD_READ_PARK);
    assert_int_equal(reply.wait_ms, 5000);
    assert_int_equal(reply.notice, notice_token_order(order.low, order.high));
    const u64 token = reply.notice;
    assert_int_equal(shard_notice_next(shard), 0);
    const struct msg_session_open_req hello = {0};
    const struct msg_checkout_cancel_req give_up = {.order = order, .reason = 1};
    apply_past_the_town(&of, OPCODE_SESSION_OPEN, &hello, 0);
    apply_past_the_town(&of, OPCODE_CHECKOUT_CANCEL, &give_up, 1);
    assert_int_equal(shard_notice_next(shard), token);
    assert_int_equal(wait_for(&of, order, 5000, &reply), SHARD_READ_DONE);
    assert_int_equal(status_of(&of, order).is_settled, 1);
    town_close(of.town); /* its log does not know what was applied past it */
}

/* Reads an order without leave to wait, whatever comes of it. */
static enum shard_read_result look_at(struct of *of, struct id128 order, u16 *state)
{
    static u64 body[FRAME_BYTES_MAX / 8];
    const struct msg_order_get_req ask = {.order = order};
    const struct frame_header header = {.opcode = OPCODE_ORDER_GET, .record_count = 1};
    struct shard_reply reply;
    const enum shard_read_result result =
        shard_read(of->town->shards[0].shard, &header, (const u8 *)&ask, sizeof ask,
                   of->town->now_ns, false, (u8 *)body, sizeof body, &reply);
    struct msg_order_get_rsp answer;
    memcpy(&answer, body, sizeof answer);
    *state = answer.state;
    return result;
}

static void what_is_expiring_is_not_read_as_it_was(void **state)
{
    (void)state;
    struct of of;
    struct id128 orders[40];
    u16 now;
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    for (u32 i = 0; i < ARRAY_COUNT(orders); i++)
        orders[i] = of_buy(&of, (struct of_want){.lines = 1, .units = {1}});
    /* The payment lease ends for all of them; it takes the shard several turns to see to it. */
    const u64 stamp_ns = of.town->now_ns + 16 * 60 * NS_PER_S;
    u32 waits = 0, turns = 0;
    while (!shard_expire(shard, stamp_ns, 7)) {
        turns++;
        for (u32 i = 0; i < ARRAY_COUNT(orders); i++) {
            if (look_at(&of, orders[i], &now) == SHARD_READ_WAIT)
                waits++;
            else
                assert_int_equal(now, SAGA_STATE_AUTH_UNKNOWN);
        }
    }
    assert_in_range(turns, 2, 100);
    assert_in_range(waits, 40, 40 * 100);
    for (u32 i = 0; i < ARRAY_COUNT(orders); i++) {
        assert_int_equal(look_at(&of, orders[i], &now), SHARD_READ_DONE);
        assert_int_equal(now, SAGA_STATE_AUTH_UNKNOWN);
    }
    town_close(of.town); /* its log knows nothing of that time */
}

static void a_refused_order_names_its_lines(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order =
        of_buy_and_pay(&of, (struct of_want){.lines = 2, .units = {1, OF_STOCK + 5}});
    const struct msg_checkout_status_req ask = {.order = order};
    struct msg_checkout_status_rsp answer;
    struct record_view view;
    town_read(of.town, OPCODE_CHECKOUT_STATUS, 0, &ask, NULL, &answer, &view);
    assert_int_equal(answer.state, SAGA_STATE_CANCELLED);
    assert_int_equal(answer.reason, STATUS_OUT_OF_STOCK);
    assert_int_equal(answer.summary, ORDER_SUMMARY_CANCELLED);
    assert_int_equal(answer.is_settled, 1);
    const struct span failed = view.spans[SPAN_OF(checkout_status_rsp, failed)];
    struct row_failed_line row;
    assert_int_equal(failed.bytes, sizeof row);
    memcpy(&row, failed.data, sizeof row);
    assert_int_equal(row.line, 1);
    assert_int_equal(row.sku_id, of_sku_id(1));
    assert_int_equal(row.wanted, OF_STOCK + 5);
    assert_int_equal(row.sellable, OF_STOCK);
    of_close(&of);
}

static void a_history_reads_like_a_story(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {100}});
    const u32 before = of_events(&of, order, 0);
    assert_int_equal(before, 0);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_CREATED), 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_AUTHORIZED), 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_CAPTURED), 1);
    /* More than a page: cancelled one by one. */
    for (i64 i = 1; i <= 100; i++) {
        OF_DONE(of_cancel(&of, order, OF_UNITS({0, i})));
        of_pay(&of);
    }
    assert_int_equal(of_events(&of, order, ORDER_EVENT_CANCELLED_UNITS), 100);
    struct msg_order_events_req ask = {.order = order};
    struct msg_order_events_rsp answer;
    struct record_view view;
    town_read(of.town, OPCODE_ORDER_EVENTS, 0, &ask, NULL, &answer, &view);
    assert_int_equal(answer.more, 1);
    assert_int_equal(view.spans[SPAN_OF(order_events_rsp, events)].bytes,
                     LIST_PAGE_ROWS * sizeof(struct row_order_event));
    ask.after = UINT32_MAX;
    town_read(of.town, OPCODE_ORDER_EVENTS, 0, &ask, NULL, &answer, &view);
    assert_int_equal(answer.more, 0);
    assert_int_equal(view.spans[SPAN_OF(order_events_rsp, events)].bytes, 0);
    of_close(&of);
}

static void payments_are_read_with_their_commands(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {2}});
    OF_DONE(of_cancel(&of, order, OF_UNITS({0, 1})));
    const struct msg_payment_get_req ask = {.order = order};
    struct msg_payment_get_rsp answer;
    struct record_view view;
    town_read(of.town, OPCODE_PAYMENT_GET, 0, &ask, NULL, &answer, &view);
    assert_int_equal(answer.state, SAGA_STATE_REFUND_PENDING);
    assert_int_equal(answer.payment, PAYMENT_SUMMARY_REFUNDING);
    assert_int_equal(answer.currency, OF_GBP);
    assert_int_equal(answer.captured, 2 * OF_PRICE(0));
    const struct span commands = view.spans[SPAN_OF(payment_get_rsp, commands)];
    struct row_command rows[3];
    assert_int_equal(commands.bytes, sizeof rows);
    memcpy(rows, commands.data, sizeof rows);
    static const u16 kinds[] = {COMMAND_KIND_AUTHORIZE, COMMAND_KIND_CAPTURE, COMMAND_KIND_REFUND};
    for (u32 i = 0; i < 3; i++) {
        assert_true(id128_equal(rows[i].order, order));
        assert_int_equal(rows[i].step, i + 1);
        assert_int_equal(rows[i].kind, kinds[i]);
        assert_int_equal(rows[i].state, i == 2 ? COMMAND_STATE_READY : COMMAND_STATE_DONE);
        assert_int_equal(rows[i].currency, OF_GBP);
    }
    assert_int_equal(rows[2].amount, OF_PRICE(0));
    assert_int_equal(view.spans[SPAN_OF(payment_get_rsp, tenders)].bytes,
                     sizeof(struct row_order_tender));
    of_pay(&of);
    town_read(of.town, OPCODE_PAYMENT_GET, 0, &ask, NULL, &answer, &view);
    assert_int_equal(answer.payment, PAYMENT_SUMMARY_PAID);
    assert_int_equal(answer.refunded, OF_PRICE(0));
    of_close(&of);
}

/* Asks every shard, as the library does. */
static u32 find_reference(struct of *of, const char *text, struct id128 *order)
{
    struct msg_payment_find_req ask = {.reference = text64_of(text, strlen(text))};
    struct msg_payment_find_rsp answer;
    u32 found = 0;
    for (u16 i = 0; i < of->town->options.shard_count; i++) {
        const u16 status = town_ask(of->town, OPCODE_PAYMENT_FIND, i, &ask, NULL, &answer, NULL);
        if (status == STATUS_NOT_FOUND)
            continue;
        assert_int_equal(status, STATUS_OK);
        *order = answer.order;
        found++;
    }
    return found;
}

static void an_order_is_found_by_the_providers_reference(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, ELSEWHERE);
    struct id128 orders[8], found;
    for (u32 i = 0; i < 8; i++)
        orders[i] =
            of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {1}, .user = OF_USER + i});
    for (u32 i = 0; i < 8; i++) {
        const struct of_order *order = of_get(&of, orders[i]);
        const struct text64 reference = order->tenders[0].reference;
        assert_int_equal(find_reference(&of, (const char *)reference.bytes, &found), 1);
        assert_true(id128_equal(found, orders[i]));
    }
    assert_int_equal(find_reference(&of, "nobody's", &found), 0);
    struct msg_payment_find_req empty = {{{0}}};
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_FIND, 0, &empty, NULL, NULL, NULL),
                     STATUS_BAD_ARGUMENT);
    empty.reference.bytes[1] = 'x'; /* not zero after its end */
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_FIND, 0, &empty, NULL, NULL, NULL),
                     STATUS_BAD_ARGUMENT);
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_read_as_it_was_bought),
        cmocka_unit_test(only_the_owner_and_the_shop_may_read),
        cmocka_unit_test(a_status_waits_until_the_order_settles),
        cmocka_unit_test(what_is_expiring_is_not_read_as_it_was),
        cmocka_unit_test(a_refused_order_names_its_lines),
        cmocka_unit_test(a_history_reads_like_a_story),
        cmocka_unit_test(payments_are_read_with_their_commands),
        cmocka_unit_test(an_order_is_found_by_the_providers_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
