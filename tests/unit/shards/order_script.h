/* order_script: what happens to one order, as a table: who does what, and what comes of it.
 *
 *      {BUY, .state = SAGA_STATE_AUTHORIZING},
 *      {LEASE, COMMAND_KIND_AUTHORIZE},
 *      {TELL, PAYMENT_EVENT_AUTHORIZED, .state = SAGA_STATE_CAPTURING, .effect = PAYMENT_EFFECT_APPLIED},
 *      {END}
 *
 * A script is run in a town of one shard and in one of three, where mail is carried after each line unless
 * the line says otherwise; and once more with every shard made again from a dump of itself after each
 * line. Zeros are not looked at. At the end every shard is verified, and made again from its log and from a
 * dump of itself (of_close).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_ORDER_SCRIPT_H
#define SOUK_TESTS_UNIT_SHARDS_ORDER_SCRIPT_H

#include "shards/shard_state.h"
#include "tests/unit/shards/order_fixture.h"

/* Lines of a script say what matters, and zeros are not looked at. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define MINUTE (60ll * 1000)

enum act {
    END,
    BUY,      /* two units of SKU 0, one of SKU 1; what = 1: captured when shipped */
    LEASE,    /* what = kind of command, which must be ready; value = lease in ms, 0 = an hour */
    NO_LEASE, /* what = kind of command, of which none is ready */
    TELL,     /* what = kind of event, by the worker that leased the command of its kind */
    HOOK,     /* what = kind of event, by a webhook that knows the order alone */
    AGAIN,    /* the last event once more, the same bytes */
    ACK,      /* what = kind of command that was leased */
    NACK,     /* likewise; value = delay in ms */
    WAIT,     /* value = ms */
    GIVE_UP,  /* checkout_cancel */
    RESOLVE,  /* what = decision */
    STEAL,    /* somebody else takes all there is of SKU 0 */
    CANCEL,   /* order_cancel; what = units of SKU 0 cancelled in all, 0 = everything */
    SHIP,     /* what = units of SKU 0 in a parcel of their own, 0 = all that is left */
    DELIVER,  /* what = number of the parcel */
    CAPTURE,  /* payment_capture; value = total of tender 0 */
    REFUND,   /* payment_refund; value = total */
    CARRY     /* the mail */
};

struct line {
    enum act act;
    u16 what;
    i64 value;  /* of events: the amount, 0 = what the command says */
    u16 status; /* of the reply; OK if not said */
    u16 state;
    u16 reason; /* of the order */
    u16 effect;
    u16 of;            /* TELL: kind of the command that it answers, if it is not the event's own */
    bool is_held_back; /* mail is not carried */
    bool is_nameless;  /* of events: without a reference */
};

struct script {
    const char *name;
    const struct line *lines;
    i64 captured, refunded;           /* in the end */
    i64 card;                         /* paid by gift card */
    u16 attempts_max, deliveries_max; /* 0 = 3 and 10 */
    bool is_spread;                   /* only where there are several shards */
};

struct run {
    struct of of;
    struct id128 order;
    struct msg_command_poll_rsp leased[COMMAND_KIND_COUNT];
    struct msg_payment_event_req last;
    u64 references;
    u32 parcels;
    const struct script *script;
    u32 line;
    u64 taken[SAGA_LINE_COUNT]; /* lines of the saga, summed up over all runs */
    bool is_thawing;
    u32 thawed[SAGA_STATE_COUNT]; /* so often the order was in that state when it was made again */
};

/* ---- doing ---- */

static inline void run_expect(const struct run *run, const char *what, u32 is, u32 should)
{
    if (is != should)
        fail_msg("%s, line %u: %s is %u instead of %u", run->script->name, run->line, what, is,
                 should);
}

static inline u16 run_buy(struct run *run, const struct line *line)
{
    run->order =
        of_buy(&run->of,
               (struct of_want){
                   .lines = 2, .units = {2, 1}, .capture = line->what, .card = run->script->card});
    return STATUS_OK;
}

static inline u16 run_lease(struct run *run, const struct line *line)
{
    const u16 shard =
        route_shard(route_hash_u64(run->order.high), run->of.town->options.shard_count);
    const struct msg_command_poll_req poll = {
        .kinds = 1u << line->what, .lease_ms = line->value != 0 ? (u64)line->value : 3600000};
    struct msg_command_poll_rsp command;
    const u16 status =
        town_ask(run->of.town, OPCODE_COMMAND_POLL, shard, &poll, NULL, &command, NULL);
    if (status == STATUS_OK)
        run->leased[line->what] = command;
    return status;
}

static inline u16 run_kind_of(u16 event)
{
    switch (event) {
    case PAYMENT_EVENT_CAPTURED:
    case PAYMENT_EVENT_CAPTURE_FAILED: return COMMAND_KIND_CAPTURE;
    case PAYMENT_EVENT_VOIDED:
    case PAYMENT_EVENT_VOID_FAILED: return COMMAND_KIND_VOID;
    case PAYMENT_EVENT_REFUNDED:
    case PAYMENT_EVENT_REFUND_FAILED: return COMMAND_KIND_REFUND;
    default: return COMMAND_KIND_AUTHORIZE;
    }
}

static inline u16 run_send(struct run *run, const struct line *line)
{
    struct msg_payment_event_rsp answer;
    const u16 status =
        town_ask(run->of.town, OPCODE_PAYMENT_EVENT, 0, &run->last, NULL, &answer, NULL);
    if (line->effect != 0)
        run_expect(run, "the effect", answer.effect, line->effect);
    return status;
}

static inline u16 run_event(struct run *run, const struct line *line)
{
    const struct msg_command_poll_rsp *command =
        &run->leased[line->of != 0 ? line->of : run_kind_of(line->what)];
    char reference[24] = "ref_";
    for (u32 i = 0; i < 8; i++)
        reference[4 + i] = (char)('a' + (run->references >> (4 * i) & 15));
    run->references++;
    run->last = (struct msg_payment_event_req){.order = run->order,
                                               .amount = line->value,
                                               .kind = line->what,
                                               .tender = run->script->card != 0 ? 1 : 0,
                                               .currency = OF_GBP,
                                               .reference = text64_of(reference, 12)};
    if (line->is_nameless)
        run->last.reference = (struct text64){0};
    if (line->value == 0)
        run->last.amount = command->amount != 0 ? command->amount : 1;
    if (line->act == TELL) {
        run->last.lease = command->lease;
        run->last.step = command->step;
        run->last.attempt = command->attempt;
        run->last.tender = 0;
    }
    return run_send(run, line);
}

static inline u16 run_ack(struct run *run, const struct line *line)
{
    const struct msg_command_poll_rsp *command = &run->leased[line->what];
    const struct msg_command_nack_req ask = {.order = command->order,
                                             .lease = command->lease,
                                             .step = command->step,
                                             .attempt = command->attempt,
                                             .delay_ms = (u64)line->value,
                                             .reason = 9};
    return town_ask(run->of.town, line->act == ACK ? OPCODE_COMMAND_ACK : OPCODE_COMMAND_NACK, 0,
                    &ask, NULL, NULL, NULL);
}

static inline u16 run_steal(struct run *run)
{
    const struct msg_stock_get_rsp level = of_levels(&run->of, 0);
    const struct msg_take_req take = {.resource = of_sku(0), .quantity = level.sellable};
    return town_ask(run->of.town, OPCODE_TAKE, 0, &take, NULL, NULL, NULL);
}

static inline u16 run_resolve(struct run *run, const struct line *line)
{
    struct msg_order_resolve_req ask = {.order = run->order, .decision = line->what};
    ask.actor = text64_of("alice", 5);
    ask.reason = text64_of("the bank has called", 19);
    return town_ask(run->of.town, OPCODE_ORDER_RESOLVE, 0, &ask, NULL, NULL, NULL);
}

static inline u16 run_money(struct run *run, const struct line *line)
{
    const struct msg_payment_capture_req capture = {.order = run->order,
                                                    .captured_total = line->value};
    const struct msg_payment_refund_req refund = {.order = run->order,
                                                  .refunded_total = line->value};
    return line->act == CAPTURE
               ? town_ask(run->of.town, OPCODE_PAYMENT_CAPTURE, 0, &capture, NULL, NULL, NULL)
               : town_ask(run->of.town, OPCODE_PAYMENT_REFUND, 0, &refund, NULL, NULL, NULL);
}

static inline u16 run_give_up(struct run *run)
{
    const struct msg_checkout_cancel_req ask = {.order = run->order, .reason = 1};
    return town_ask(run->of.town, OPCODE_CHECKOUT_CANCEL, 0, &ask, NULL, NULL, NULL);
}

static inline u16 run_goods(struct run *run, const struct line *line)
{
    if (line->act == CANCEL)
        return line->what == 0
                   ? of_cancel(&run->of, run->order, OF_NONE).head.status
                   : of_cancel(&run->of, run->order, OF_UNITS({0, line->what, 0})).head.status;
    if (line->act == DELIVER)
        return of_deliver(&run->of, run->order, line->what).head.status;
    const u32 parcel = ++run->parcels;
    if (line->what == 0)
        OF_DONE(of_plan(&run->of, run->order, parcel, OF_NONE));
    else
        OF_DONE(of_plan(&run->of, run->order, parcel, OF_UNITS({0, line->what, 0})));
    return of_ship(&run->of, run->order, parcel).head.status;
}

static inline u16 run_act(struct run *run, const struct line *line)
{
    switch (line->act) {
    case BUY: return run_buy(run, line);
    case LEASE: return run_lease(run, line);
    case NO_LEASE: return run_lease(run, line) == STATUS_NONE_READY ? STATUS_OK : UINT16_MAX;
    case TELL:
    case HOOK: return run_event(run, line);
    case AGAIN: return run_send(run, line);
    case ACK:
    case NACK: return run_ack(run, line);
    case WAIT: town_wait(run->of.town, (u64)line->value * NS_PER_MS); return STATUS_OK;
    case GIVE_UP: return run_give_up(run);
    case RESOLVE: return run_resolve(run, line);
    case STEAL: return run_steal(run);
    case CANCEL:
    case SHIP:
    case DELIVER: return run_goods(run, line);
    case CAPTURE:
    case REFUND: return run_money(run, line);
    case CARRY:
    case END: return STATUS_OK;
    }
    return UINT16_MAX;
}

/* ---- running ---- */

static inline void run_policy(struct run *run)
{
    const u32 attempts = run->script->attempts_max, deliveries = run->script->deliveries_max;
    const struct msg_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                           .cart_guest_ms = 30 * 24 * 60 * (u64)MINUTE,
                                           .cart_user_ms = 90 * 24 * 60 * (u64)MINUTE,
                                           .payment_lease_ms = 15 * (u64)MINUTE,
                                           .unpaid_ms = 60 * (u64)MINUTE,
                                           .answer_ms = 2 * (u64)MINUTE,
                                           .backoff_ms = 1000,
                                           .backoff_max_ms = 5 * (u64)MINUTE,
                                           .deliveries_max = deliveries != 0 ? deliveries : 10,
                                           .attempts_max = attempts != 0 ? attempts : 3};
    assert_int_equal(town_ask(run->of.town, OPCODE_POLICY_PUT, 0, &put, NULL, NULL, NULL),
                     STATUS_OK);
    town_carry_all(run->of.town);
}

/* What is left when nothing is under way any more: nothing held, nothing charged in vain. */
static inline void run_end(struct run *run)
{
    const struct of_order *order = of_get(&run->of, run->order);
    i64 allocated = 0;
    assert_int_equal(order->head.captured, run->script->captured);
    assert_int_equal(order->head.refunded, run->script->refunded);
    for (u32 i = 0; i < order->line_count; i++)
        allocated += order->lines[i].allocated;
    const u16 state = order->head.state;
    const bool is_over = state == SAGA_STATE_CANCELLED || state == SAGA_STATE_PAID ||
                         state == SAGA_STATE_SHIPPED || state == SAGA_STATE_DELIVERED;
    if (is_over)
        assert_int_equal(of_levels(&run->of, 0).held + of_levels(&run->of, 1).held, 0);
    if (state == SAGA_STATE_CANCELLED)
        assert_int_equal(allocated, 0);
}

static inline void run_thaw(struct run *run)
{
    run->thawed[of_state(&run->of, run->order)]++;
    for (u16 i = 0; i < run->of.town->options.shard_count; i++)
        town_thaw(run->of.town, i);
    town_verify(run->of.town);
}

static inline void run_script_on(struct run *run, const struct script *script, u16 shards)
{
    of_open(&run->of, shards);
    run->script = script;
    run->parcels = 0;
    memset(run->leased, 0, sizeof run->leased);
    run_policy(run);
    for (run->line = 0; script->lines[run->line].act != END; run->line++) {
        const struct line *line = &script->lines[run->line];
        run_expect(run, "the status", run_act(run, line), line->status);
        if (!line->is_held_back)
            town_carry_all(run->of.town);
        if (run->is_thawing)
            run_thaw(run);
        const struct of_order *order = of_get(&run->of, run->order);
        if (line->state != 0)
            run_expect(run, "the state", order->head.state, line->state);
        if (line->reason != 0)
            run_expect(run, "the reason", order->head.reason, line->reason);
    }
    run_end(run);
    for (u16 i = 0; i < shards; i++)
        for (u32 way = 1; way < SAGA_LINE_COUNT; way++)
            run->taken[way] += order_line_count(&run->of.town->shards[i].shard->orders, way - 1);
    of_close(&run->of);
}

static inline void run_script(struct run *run, const struct script *script)
{
    if (!script->is_spread)
        run_script_on(run, script, 1);
    run_script_on(run, script, 3);
    run->is_thawing = true;
    run_script_on(run, script, 3);
    run->is_thawing = false;
}

#endif
