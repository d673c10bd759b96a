/* test_order_damage: a snapshot with a number in an order that cannot be is refused, number by number: by its
 * row, or by the sums that do not agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_types.h"
#include "tests/unit/shards/dump_fixture.h"
#include "tests/unit/shards/order_fixture.h"

/* A number in the state of a shard, and what it must not be. */
struct damage {
    const char *name;
    void *place;
    size_t bytes;
    i64 value;
};
#define DAMAGE(place, value)                                       \
    {                                                              \
#place " = " #value, &(place), sizeof(place), (i64)(value) \
    }

static void assert_all_refused(struct shard *shard, const struct damage *damages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        u8 kept[8];
        memcpy(kept, damages[i].place, damages[i].bytes);
        memcpy(damages[i].place, &damages[i].value, damages[i].bytes); /* the low bytes */
        if (dx_load_again(shard) == NULL)
            fail_msg("%s: taken", damages[i].name);
        memcpy(damages[i].place, kept, damages[i].bytes);
    }
    assert_null(dx_load_again(shard));
}

/* Two parcels, one delivered and partly back, the other planned; a capture that nobody knows of. */
static u32 make_rich_order(struct of *of)
{
    const struct id128 order =
        of_buy_and_pay(of, (struct of_want){.lines = 2, .units = {3, 2}, .shipping = 100});
    OF_DONE(of_plan(of, order, 1, OF_UNITS({0, 2, 0})));
    OF_DONE(of_ship(of, order, 1));
    of_pay(of);
    OF_DONE(of_deliver(of, order, 1));
    OF_DONE(of_plan(of, order, 2, OF_UNITS({1, 1, 0})));
    OF_DONE(of_return(of, order, 1, OF_UNITS({0, 1, 0})));
    const struct msg_payment_refund_req refund = {.order = order, .refunded_total = 50};
    assert_int_equal(town_ask(of->town, OPCODE_PAYMENT_REFUND, 0, &refund, NULL, NULL, NULL),
                     STATUS_OK);
    const struct msg_command_poll_req poll = {.kinds = 1u << COMMAND_KIND_REFUND};
    struct msg_command_poll_rsp leased;
    assert_int_equal(town_ask(of->town, OPCODE_COMMAND_POLL, 0, &poll, NULL, &leased, NULL),
                     STATUS_OK);
    const struct msg_payment_event_req unknown = {.order = order,
                                                  .lease = leased.lease,
                                                  .step = leased.step,
                                                  .attempt = leased.attempt,
                                                  .kind = PAYMENT_EVENT_UNKNOWN};
    assert_int_equal(town_ask(of->town, OPCODE_PAYMENT_EVENT, 0, &unknown, NULL, NULL, NULL),
                     STATUS_OK);
    return order_find(&of->town->shards[0].shard->orders, order);
}

static void heads_and_lines_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    struct order *order = order_at(&shard->orders, make_rich_order(&of));
    struct row_order_line *line = order_lines(order);
    struct order_parcel *parcels = order_parcels(order);
    struct row_part *part = order_parts(order);
    assert_null(dx_load_again(shard));
    const struct damage damages[] = {
        DAMAGE(order->id.high, 0),
        DAMAGE(order->state, SAGA_STATE_NONE),
        DAMAGE(order->state, SAGA_STATE_COUNT),
        DAMAGE(order->owner, 0),
        DAMAGE(order->currency, 1),
        DAMAGE(order->capture, 2),
        DAMAGE(order->expected_total, -1),
        DAMAGE(order->goods, order->goods + 1),
        DAMAGE(order->discount, -1),
        DAMAGE(order->charges, INT64_MIN),
        DAMAGE(order->total, -1),
        DAMAGE(order->given_up, -1),
        DAMAGE(order->cancelled_worth, order->given_up + 1),
        DAMAGE(order->capture_asked, -1),
        DAMAGE(order->since_ns, order->changed_ns + 1),
        DAMAGE(order->last_step, order->last_step + 1),
        DAMAGE(order->last_step, 0),
        DAMAGE(order->event_count, order->event_count + 1),
        DAMAGE(order->last_payment, order->events.count + 1),
        DAMAGE(order->events.rows[0], 0xFF),
        DAMAGE(order_holds(order)->shard, 1),
        DAMAGE(order_holds(order)->state, ORDER_HOLD_RELEASED + 1),
        DAMAGE(line->sku_id, 0),
        DAMAGE(line->quantity, 0),
        DAMAGE(line->quantity, line->quantity + 1),
        DAMAGE(line->total, -1),
        DAMAGE(line->total, order->total + 1),
        DAMAGE(line->discount, -1),
        DAMAGE(line->allocated, -1),
        DAMAGE(line->shipped, line->shipped + 1),
        DAMAGE(line->cancelled, -1),
        DAMAGE(line->delivered, line->shipped + 1),
        DAMAGE(line->delivered, 0),
        DAMAGE(line->returned_sellable, 1),
        DAMAGE(line->returned_damaged, -1),
        DAMAGE(parcels[0].row.state, PARCEL_STATE_LEAVING),
        DAMAGE(parcels[0].row.state, PARCEL_STATE_SHIPPED),
        DAMAGE(parcels[0].row.number, 2),
        DAMAGE(parcels[0].answered, parcels[0].asked + 1),
        DAMAGE(part->line, 2),
        DAMAGE(part->quantity, -1),
        DAMAGE(part->quantity, 3),
        DAMAGE(part->of, 3),
        DAMAGE(part->sellable, 1),
        DAMAGE(part->kind, 9),
    };
    assert_all_refused(shard, damages, ARRAY_COUNT(damages));
    of_close(&of);
}

static struct order_command *command_of(struct order_room *room, const struct order *order,
                                        enum command_kind kind)
{
    u32 index = order->first_command;
    while (order_command_at(room, index)->kind != kind)
        index = order_command_at(room, index)->next;
    return order_command_at(room, index);
}

static void money_and_commands_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    struct order_room *room = &shard->orders;
    struct order *order = order_at(room, make_rich_order(&of));
    struct order_tender *tender = order_tenders(order);
    struct order_command *done = command_of(room, order, COMMAND_KIND_CAPTURE);
    struct order_command *refund = command_of(room, order, COMMAND_KIND_REFUND);
    struct order_command *query = command_of(room, order, COMMAND_KIND_QUERY);
    struct order_command *notify = command_of(room, order, COMMAND_KIND_NOTIFY_SHIPPED);
    assert_int_equal(refund->state, COMMAND_STATE_WAITING);
    const struct damage damages[] = {
        DAMAGE(tender->kind, TENDER_KIND_CREDIT + 1),
        DAMAGE(tender->kind, TENDER_KIND_CREDIT), /* and commands for the outside */
        DAMAGE(tender->state, 0),
        DAMAGE(tender->state, TENDER_STATE_RELEASED + 1),
        DAMAGE(tender->token, UINT32_MAX),
        DAMAGE(tender->token_bytes, TEXT64_BYTES + 1),
        DAMAGE(tender->reference, order->events.count),
        DAMAGE(tender->reference_bytes, TEXT64_BYTES + 1),
        DAMAGE(tender->amount, -1),
        DAMAGE(tender->authorized, tender->amount + 1),
        DAMAGE(tender->authorized, 0),
        DAMAGE(tender->captured, tender->authorized + 1),
        DAMAGE(tender->captured, INT64_MAX),
        DAMAGE(tender->refunded, tender->captured),
        DAMAGE(tender->capturing, 1),
        DAMAGE(tender->refunding, 0),
        DAMAGE(tender->overcharged, -1),
        DAMAGE(tender->overcharge_back, 1),
        DAMAGE(tender->charged_back, -1),
        DAMAGE(tender->forced, -1),
        DAMAGE(tender->forced_back, INT64_MIN),
        DAMAGE(done->kind, 0),
        DAMAGE(done->kind, COMMAND_KIND_COUNT),
        DAMAGE(done->state, 0),
        DAMAGE(done->state, COMMAND_STATE_TAKEN_BACK + 1),
        DAMAGE(done->state, COMMAND_STATE_LEASED), /* until when? */
        DAMAGE(done->step, 1),
        DAMAGE(done->attempt, 0),
        DAMAGE(done->amount, -1),
        DAMAGE(done->tender, 1),
        DAMAGE(done->ticket, room->last_ticket + 1),
        DAMAGE(done->flags, ORDER_COMMAND_TIMED),
        DAMAGE(refund->amount, refund->amount + 1),
        DAMAGE(refund->state, COMMAND_STATE_DONE), /* but its money is under way */
        DAMAGE(refund->flags, ORDER_COMMAND_EXCESS),
        DAMAGE(query->subject, 0),
        DAMAGE(query->subject, query->step),
        DAMAGE(query->subject, notify->step),
        DAMAGE(query->subject, UINT32_MAX),
    };
    assert_all_refused(shard, damages, ARRAY_COUNT(damages));
    of_close(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_and_lines_that_cannot_be_are_refused),
        cmocka_unit_test(money_and_commands_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
