/* test_order_outbox: commands for the outside world: who gets which, for how long, and what becomes of those
 * that nobody does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/shard_handlers.h"
#include "tests/unit/shards/order_fixture.h"

#define A      COMMAND_KIND_AUTHORIZE
#define C      COMMAND_KIND_CAPTURE
#define MINUTE (60 * 1000 * NS_PER_MS)

static u16 poll(struct of *of, u32 group, u32 kinds, u64 lease_ms, struct msg_command_poll_rsp *to)
{
    const struct msg_command_poll_req ask = {.group = group, .kinds = kinds, .lease_ms = lease_ms};
    return town_ask(of->town, OPCODE_COMMAND_POLL, 0, &ask, NULL, to, NULL);
}

static u16 nack(struct of *of, const struct msg_command_poll_rsp *command, u64 delay_ms,
                struct msg_command_nack_rsp *to)
{
    const struct msg_command_nack_req ask = {.order = command->order,
                                             .lease = command->lease,
                                             .step = command->step,
                                             .attempt = command->attempt,
                                             .delay_ms = delay_ms,
                                             .reason = 4};
    return town_ask(of->town, OPCODE_COMMAND_NACK, 0, &ask, NULL, to, NULL);
}

static u16 ack(struct of *of, const struct msg_command_poll_rsp *command,
               struct msg_command_ack_rsp *to)
{
    const struct msg_command_ack_req ask = {.order = command->order,
                                            .lease = command->lease,
                                            .step = command->step,
                                            .attempt = command->attempt};
    return town_ask(of->town, OPCODE_COMMAND_ACK, 0, &ask, NULL, to, NULL);
}

static struct id128 buy_in_group(struct of *of, u32 group)
{
    const struct row_checkout_line line = {
        .sku_id = of_sku_id(0), .quantity = 1, .agreed_price = -1};
    const struct row_tender tender = {
        .amount = OF_PRICE(0), .group = group, .token = text64_of("tok_4711", 8)};
    const struct id128 order = {.high = OF_USER,
                                .low = of->town->now_ns / NS_PER_MS << 16 | (of->made++ & 0xFFFF)};
    const struct msg_checkout_req ask = {
        .order = order, .expected_total = OF_PRICE(0), .currency = OF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)&line, sizeof line},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender}};
    assert_int_equal(town_ask(of->town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL), STATUS_OK);
    return order;
}

static u64 ready(struct of *of, u32 group, u32 kinds)
{
    const struct msg_command_wait_req ask = {.group = group, .kinds = kinds};
    struct msg_command_wait_rsp answer;
    town_read(of->town, OPCODE_COMMAND_WAIT, 0, &ask, NULL, &answer, NULL);
    return answer.ready;
}

static void the_one_that_became_ready_first_is_leased_first(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command;
    of_open(&of, 1);
    struct id128 orders[5];
    for (u32 i = 0; i < 5; i++)
        orders[i] = buy_in_group(&of, i % 2);
    assert_int_equal(poll(&of, 0, 0, 1000, &command), STATUS_OK);
    assert_true(id128_equal(command.order, orders[0]));
    assert_int_equal(command.delivery, 1);
    assert_int_equal(command.kind, A);
    assert_int_equal(command.amount, OF_PRICE(0));
    assert_int_equal(command.leased_until_ns, of.town->now_ns + NS_PER_S);
    assert_memory_equal(command.token.bytes, "tok_4711", 9);
    const u64 lease = command.lease;
    town_wait(of.town, NS_PER_S - 1);
    assert_int_equal(ready(&of, 0, 0), 4);
    town_wait(of.town, 1); /* the lease is over: behind the others */
    assert_int_equal(ready(&of, 0, 0), 5);
    for (u32 i = 1; i <= 5; i++) {
        assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
        assert_true(id128_equal(command.order, orders[i % 5]));
    }
    assert_int_equal(command.delivery, 2);
    assert_int_not_equal(command.lease, lease);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_NONE_READY);
    of_close(&of);
}

static void filters_pass_groups_and_kinds(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command;
    of_open(&of, 1);
    const struct id128 none = buy_in_group(&of, 0);
    const struct id128 seven = buy_in_group(&of, 7);
    const struct id128 nine = buy_in_group(&of, 9);
    const struct id128 seven_too = buy_in_group(&of, 7);
    assert_int_equal(ready(&of, 7, 0), 2);
    assert_int_equal(ready(&of, 7, 1u << C), 0);
    assert_int_equal(ready(&of, 8, 0), 0);
    assert_int_equal(ready(&of, 0, 1u << A), 4);
    assert_int_equal(poll(&of, 8, 0, 0, &command), STATUS_NONE_READY);
    assert_int_equal(poll(&of, 0, 1u << C, 0, &command), STATUS_NONE_READY);
    assert_int_equal(poll(&of, 0, 1u << COMMAND_KIND_COUNT, 0, &command), STATUS_BAD_ARGUMENT);
    assert_int_equal(poll(&of, 0, 1, 0, &command), STATUS_BAD_ARGUMENT);
    assert_int_equal(poll(&of, 9, 1u << A | 1u << C, 0, &command), STATUS_OK);
    assert_true(id128_equal(command.order, nine));
    assert_int_equal(command.group, 9);
    assert_int_equal(poll(&of, 7, 0, 0, &command), STATUS_OK);
    assert_true(id128_equal(command.order, seven));
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_true(id128_equal(command.order, none));
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_true(id128_equal(command.order, seven_too));
    of_close(&of);
}

static void a_nack_waits_longer_each_time(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command;
    struct msg_command_nack_rsp answer;
    of_open(&of, 1);
    const struct id128 order = buy_in_group(&of, 0);
    static const u64 waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000};
    for (u32 i = 0; i < ARRAY_COUNT(waits_ms); i++) {
        assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
        assert_int_equal(command.delivery, i + 1);
        assert_int_equal(nack(&of, &command, 0, &answer), STATUS_OK);
        assert_int_equal(answer.due_ns, of.town->now_ns + waits_ms[i] * NS_PER_MS);
        assert_int_equal(nack(&of, &command, 0, &answer), STATUS_LEASE_LOST);
        town_wait(of.town, waits_ms[i] * NS_PER_MS - 1);
        assert_int_equal(ready(&of, 0, 0), 0);
        town_wait(of.town, 1);
        assert_int_equal(ready(&of, 0, 0), 1);
    }
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(nack(&of, &command, 0, &answer), STATUS_OK); /* the tenth: dead */
    assert_int_equal(answer.due_ns, 0);
    assert_int_equal(answer.state, SAGA_STATE_AUTH_UNKNOWN);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTH_UNKNOWN);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_DEAD), 1);
    struct msg_command_wait_rsp wait;
    const struct msg_command_wait_req ask = {.kinds = 1u << A};
    town_read(of.town, OPCODE_COMMAND_WAIT, 0, &ask, NULL, &wait, NULL);
    assert_int_equal(wait.ready, 0);
    assert_int_equal(wait.dead, 1);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(command.kind, COMMAND_KIND_QUERY);
    assert_int_equal(command.subject, 1);
    assert_int_equal(command.subject_kind, A);
    of_close(&of);
}

static void a_pause_may_be_told(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command;
    struct msg_command_nack_rsp answer;
    of_open(&of, 1);
    (void)buy_in_group(&of, 3);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(nack(&of, &command, LEASE_MS_MAX + 1, &answer), STATUS_BAD_ARGUMENT);
    assert_int_equal(nack(&of, &command, 7, &answer), STATUS_OK);
    assert_int_equal(answer.due_ns, of.town->now_ns + 7 * NS_PER_MS);
    town_wait(of.town, 7 * NS_PER_MS);
    assert_int_equal(ready(&of, 3, 0), 1);
    of_close(&of);
}

static void what_was_handed_over_is_asked_for(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command, query;
    struct msg_command_ack_rsp answer;
    of_open(&of, 1);
    const struct id128 order = buy_in_group(&of, 0);
    assert_int_equal(poll(&of, 0, 0, 1000, &command), STATUS_OK);
    assert_int_equal(ack(&of, &command, &answer), STATUS_OK);
    assert_int_equal(answer.head.flags, 0);
    assert_int_equal(ack(&of, &command, &answer), STATUS_OK);
    assert_int_equal(answer.head.flags, RECORD_FLAG_REPLAYED);
    town_wait(of.town, 2 * MINUTE - 1); /* its lease says nothing any more */
    assert_int_equal(ready(&of, 0, 0), 0);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTHORIZING);
    town_wait(of.town, 1);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTH_UNKNOWN);
    /* A query that is acknowledged and brings nothing is there again. */
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(poll(&of, 0, 0, 0, &query), STATUS_OK);
        assert_int_equal(query.kind, COMMAND_KIND_QUERY);
        assert_int_equal(query.delivery, i + 1);
        assert_int_equal(ack(&of, &query, &answer), STATUS_OK);
        town_wait(of.town, 2 * MINUTE);
    }
    /* The result ends both. */
    struct msg_payment_event_req event = {.order = order,
                                          .step = command.step,
                                          .attempt = command.attempt,
                                          .lease = command.lease,
                                          .amount = command.amount,
                                          .kind = PAYMENT_EVENT_AUTHORIZED,
                                          .currency = OF_GBP};
    event.reference = text64_of("pi_1", 4);
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, NULL, NULL),
                     STATUS_OK);
    assert_int_equal(ready(&of, 0, 1u << COMMAND_KIND_QUERY), 0);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(command.kind, C);
    assert_memory_equal(command.reference.bytes, "pi_1", 5);
    of_close(&of);
}

static void a_lost_lease_does_nothing(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp first, second;
    of_open(&of, 1);
    const struct id128 order = buy_in_group(&of, 0);
    assert_int_equal(poll(&of, 0, 0, 1, &first), STATUS_OK);
    town_wait(of.town, NS_PER_MS);
    assert_int_equal(ack(&of, &first, NULL), STATUS_LEASE_LOST); /* nobody else has it yet */
    assert_int_equal(poll(&of, 0, 0, 0, &second), STATUS_OK);
    assert_int_equal(ack(&of, &first, NULL), STATUS_LEASE_LOST);
    assert_int_equal(nack(&of, &first, 0, NULL), STATUS_LEASE_LOST);
    const u64 lease = second.lease;
    second.attempt++;
    assert_int_equal(ack(&of, &second, NULL), STATUS_LEASE_LOST);
    second.attempt--;
    second.step++;
    assert_int_equal(ack(&of, &second, NULL), STATUS_NOT_FOUND);
    second.step--;
    second.lease = 0;
    assert_int_equal(ack(&of, &second, NULL), STATUS_LEASE_LOST);
    /* But what the provider did is written down. */
    const struct msg_payment_event_req event = {.order = order,
                                                .step = first.step,
                                                .attempt = first.attempt,
                                                .lease = first.lease,
                                                .amount = first.amount,
                                                .kind = PAYMENT_EVENT_AUTHORIZED,
                                                .currency = OF_GBP};
    struct msg_payment_event_rsp answer;
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, &answer, NULL),
                     STATUS_LEASE_LOST);
    assert_int_equal(answer.effect, PAYMENT_EFFECT_APPLIED);
    assert_int_equal(answer.state, SAGA_STATE_CAPTURING);
    second.lease = lease;
    assert_int_equal(ack(&of, &second, NULL), STATUS_OK); /* it is done; so much is true */
    of_close(&of);
}

/* ---- reads ---- */

static void whoever_waits_is_told(void **state)
{
    (void)state;
    struct of of;
    struct shard_reply reply;
    struct msg_command_poll_rsp command;
    static u8 body[FRAME_BYTES_MAX];
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    (void)buy_in_group(&of, 0);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(nack(&of, &command, 7, NULL), STATUS_OK);
    const struct msg_command_wait_req ask = {.wait_ms = 5000};
    const struct frame_header header = {.opcode = OPCODE_COMMAND_WAIT, .record_count = 1};
    assert_int_equal(shard_read(shard, &header, (const u8 *)&ask, sizeof ask, of.town->now_ns, true,
                                body, sizeof body, &reply),
                     SHARD_READ_PARK);
    assert_int_equal(reply.notice, NOTICE_TOKEN_COMMANDS);
    assert_int_equal(reply.wait_ms, 5000);
    const u64 due_ns = of.town->now_ns + 7 * NS_PER_MS;
    assert_true(shard_expire(shard, due_ns - 1, 100));
    assert_int_equal(shard_notice_next(shard), 0);
    assert_true(shard_expire(shard, due_ns, 100));
    assert_int_equal(shard_notice_next(shard), NOTICE_TOKEN_COMMANDS);
    assert_int_equal(shard_notice_next(shard), 0);
    town_wait(of.town, 7 * NS_PER_MS);
    assert_int_equal(shard_read(shard, &header, (const u8 *)&ask, sizeof ask, of.town->now_ns, true,
                                body, sizeof body, &reply),
                     SHARD_READ_DONE);
    assert_int_equal(((const struct msg_command_wait_rsp *)(const void *)body)->ready, 1);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK); /* so that the log has the time */
    of_close(&of);
}

static u32 list_page(struct of *of, struct msg_command_list_req ask, struct row_command *rows,
                     u64 *more)
{
    struct msg_command_list_rsp answer;
    struct record_view view;
    town_read(of->town, OPCODE_COMMAND_LIST, 0, &ask, NULL, &answer, &view);
    const struct span span = view.spans[SPAN_OF(command_list_rsp, commands)];
    memcpy(rows, span.data, span.bytes);
    *more = answer.more;
    return span.bytes / (u32)sizeof *rows;
}

static void lists_are_sorted_and_paged(void **state)
{
    (void)state;
    struct of of;
    static struct row_command rows[LIST_PAGE_ROWS];
    struct msg_command_poll_rsp command;
    u64 more;
    of_open(&of, 1);
    for (u32 i = 0; i < 1300; i++)
        (void)of_buy(
            &of, (struct of_want){.lines = 1, .units = {1}, .user = 1 + i * 2654435761u % 100000});
    struct msg_command_list_req ask = {0};
    struct row_command before = {0};
    u32 seen = 0, pages = 0;
    do {
        const u32 count = list_page(&of, ask, rows, &more);
        for (u32 i = 0; i < count; i++) {
            assert_true(
                rows[i].order.high > before.order.high ||
                (rows[i].order.high == before.order.high && rows[i].order.low > before.order.low));
            assert_int_equal(rows[i].state, COMMAND_STATE_READY);
            before = rows[i];
        }
        seen += count;
        ask.after = before.order;
        ask.after_step = before.step;
        pages++;
    } while (more != 0);
    assert_int_equal(seen, 1300);
    assert_int_equal(pages, 3);
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    assert_int_equal(list_page(&of,
                               (struct msg_command_list_req){.states = 1u << COMMAND_STATE_LEASED},
                               rows, &more),
                     1);
    assert_true(id128_equal(rows[0].order, command.order));
    of_answer(&of, &command);
    assert_int_equal(list_page(&of,
                               (struct msg_command_list_req){.states = 1u << COMMAND_STATE_DONE},
                               rows, &more),
                     1);
    assert_int_equal(rows[0].kind, A);
    of_close(&of);
}

static void stuck_orders_are_listed_the_longest_waiting_first(void **state)
{
    (void)state;
    struct of of;
    struct msg_command_poll_rsp command;
    of_open(&of, 1);
    struct id128 orders[4];
    for (u32 i = 0; i < 4; i++) {
        orders[i] = buy_in_group(&of, 0);
        town_wait(of.town, MINUTE);
    }
    /* The first is unknown since now, so it has waited least. */
    assert_int_equal(poll(&of, 0, 0, 0, &command), STATUS_OK);
    const struct msg_payment_event_req event = {
        .order = orders[0], .step = command.step, .kind = PAYMENT_EVENT_UNKNOWN};
    assert_int_equal(town_ask(of.town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, NULL, NULL),
                     STATUS_OK);
    static const struct {
        u64 older_ms;
        u32 states;
        u32 count;
        u32 first;
    } cases[] = {{0, 0, 4, 1},
                 {0, 1u << SAGA_STATE_AUTH_UNKNOWN, 1, 0},
                 {0, 1u << SAGA_STATE_AUTHORIZING, 3, 1},
                 {2 * 60 * 1000, 0, 2, 1},
                 {3 * 60 * 1000 + 1, 0, 0, 0}};
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct msg_stuck_list_req ask = {.older_ms = cases[i].older_ms,
                                               .states = cases[i].states};
        struct msg_stuck_list_rsp answer;
        struct record_view view;
        town_read(of.town, OPCODE_STUCK_LIST, 0, &ask, NULL, &answer, &view);
        struct row_stuck rows[4];
        assert_int_equal(view.spans[0].bytes, cases[i].count * sizeof rows[0]);
        memcpy(rows, view.spans[0].data, view.spans[0].bytes);
        if (cases[i].count != 0)
            assert_true(id128_equal(rows[0].order, orders[cases[i].first]));
    }
    of_close(&of);
}

static void no_order_is_left_out_of_the_pages(void **state)
{
    (void)state;
    struct of of;
    static u8 seen[1300];
    of_open(&of, 1);
    memset(seen, 0, sizeof seen);
    for (u32 i = 0; i < 1300; i++) {
        (void)buy_in_group(&of, 0);
        if (i % 100 == 0)
            town_wait(of.town, NS_PER_MS);
    }
    struct msg_stuck_list_req ask = {0};
    struct msg_stuck_list_rsp answer;
    do {
        struct record_view view;
        struct row_stuck row = {0};
        town_read(of.town, OPCODE_STUCK_LIST, 0, &ask, NULL, &answer, &view);
        for (u32 at = 0; at < view.spans[0].bytes; at += (u32)sizeof row) {
            memcpy(&row, view.spans[0].data + at, sizeof row);
            assert_true(row.since_ns >= ask.after_since_ns);
            seen[row.order.low & 0xFFFF] = 1;
            ask.after_since_ns = row.since_ns;
        }
        ask.after = row.order;
        /* The cursor's order goes on: the next page finds its place by the time. */
        const struct msg_checkout_cancel_req cancel = {.order = row.order, .reason = 1};
        assert_int_equal(town_ask(of.town, OPCODE_CHECKOUT_CANCEL, 0, &cancel, NULL, NULL, NULL),
                         STATUS_OK);
    } while (answer.more != 0);
    for (u32 i = 0; i < ARRAY_COUNT(seen); i++)
        assert_int_equal(seen[i], 1);
    of_close(&of);
}

static void nothing_of_an_order_is_linked(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct id128 order = buy_in_group(&of, 0);
    struct shard *shard = of.town->shards[0].shard;
    struct order_room *room = &shard->orders;
    const u64 ticket = room->last_ticket;
    const struct entry_header entry = {.flags = FRAME_FLAG_LINKED};
    const struct shard_call call = {
        .now_ns = of.town->now_ns, .is_key_good = true, .object = 1, .entry = &entry};
    const struct msg_checkout_cancel_req cancel = {.order = order, .reason = 1};
    const struct msg_command_poll_req ask = {0};
    struct msg_checkout_cancel_rsp cancelled;
    memset(&cancelled, 0, sizeof cancelled);
    struct msg_command_poll_rsp polled;
    memset(&polled, 0, sizeof polled);
    shard_apply_checkout_cancel(shard, &call, &cancel, &cancelled);
    shard_apply_command_poll(shard, &call, &ask, &polled);
    assert_int_equal(cancelled.head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(polled.head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(room->last_ticket, ticket);
    assert_int_equal(of_state(&of, order), SAGA_STATE_AUTHORIZING);
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_that_became_ready_first_is_leased_first),
        cmocka_unit_test(filters_pass_groups_and_kinds),
        cmocka_unit_test(a_nack_waits_longer_each_time),
        cmocka_unit_test(a_pause_may_be_told),
        cmocka_unit_test(what_was_handed_over_is_asked_for),
        cmocka_unit_test(a_lost_lease_does_nothing),
        cmocka_unit_test(whoever_waits_is_told),
        cmocka_unit_test(lists_are_sorted_and_paged),
        cmocka_unit_test(stuck_orders_are_listed_the_longest_waiting_first),
        cmocka_unit_test(no_order_is_left_out_of_the_pages),
        cmocka_unit_test(nothing_of_an_order_is_linked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
