/* shop_work: what a shop does about its orders; see tests/town/shop.h.
 *
 * What is asked for may be refused: it was drawn without a look at the order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/saga.h"
#include "proto/text.h"
#include "tests/town/shop_parts.h"

/* ---- cancels and money ----------------------------------------------------------------------- */

static void cancel_units(struct shop *shop, const struct purchase *purchase)
{
    const u32 line = (u32)town_below(shop->town, purchase->line_count);
    const struct row_line_quantity row = {
        .line = line, .quantity = 1 + (i64)town_below(shop->town, (u64)purchase->quantities[line])};
    const bool is_all = town_chance(shop->town, 40);
    const struct msg_order_cancel_req ask = {.order = purchase->order, .reason = 1};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, is_all ? 0 : sizeof row}};
    struct msg_order_cancel_rsp reply;
    town_write(shop->town, OPCODE_ORDER_CANCEL, 0, &ask, spans, &reply);
}

static struct msg_payment_get_rsp ledger_of(struct shop *shop, struct id128 order)
{
    const struct msg_payment_get_req ask = {.order = order};
    struct msg_payment_get_rsp reply;
    town_read(shop->town, OPCODE_PAYMENT_GET, 0, &ask, NULL, &reply, NULL);
    return reply;
}

static void move_money(struct shop *shop, struct purchase *purchase)
{
    const struct msg_payment_get_rsp ledger = ledger_of(shop, purchase->order);
    const i64 part = 1 + (i64)town_below(shop->town, (u64)MAX(ledger.total, 0) + 1);
    const i64 amount = town_chance(shop->town, 30) ? MAX(ledger.total, 1) : part;
    if (town_chance(shop->town, 50)) {
        const struct msg_payment_capture_req ask = {.order = purchase->order,
                                                    .captured_total = amount};
        struct msg_payment_capture_rsp reply;
        town_write(shop->town, OPCODE_PAYMENT_CAPTURE, 0, &ask, NULL, &reply);
        purchase->has_extras |= reply.head.status == STATUS_OK;
    } else {
        const struct msg_payment_refund_req ask = {
            .order = purchase->order, .refunded_total = MIN(amount, ledger.captured), .reason = 3};
        struct msg_payment_refund_rsp reply;
        town_write(shop->town, OPCODE_PAYMENT_REFUND, 0, &ask, NULL, &reply);
        purchase->has_extras |= reply.head.status == STATUS_OK;
    }
}

static void attach(struct shop *shop, struct purchase *purchase)
{
    const u64 account = purchase->user & ~ID_GUEST_BIT;
    const struct msg_order_attach_req ask = {.order = purchase->order, .user_id = account};
    struct msg_order_attach_rsp reply;
    if ((purchase->user & ID_GUEST_BIT) == 0)
        return;
    town_write(shop->town, OPCODE_ORDER_ATTACH, 0, &ask, NULL, &reply);
    MUST(reply.head.status == STATUS_OK);
    purchase->account = account;
}

/* ---- parcels --------------------------------------------------------------------------------- */

static void plan_parcel(struct shop *shop, struct purchase *purchase)
{
    struct town *town = shop->town;
    const struct row_line_quantity row = {.line = (u32)town_below(town, purchase->line_count),
                                          .quantity = 1};
    const struct msg_fulfil_create_req ask = {.order = purchase->order,
                                              .number = purchase->parcels + 1};
    const bool is_all = town_chance(town, 50);
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, is_all ? 0 : sizeof row}};
    struct msg_fulfil_create_rsp reply;
    town_write(town, OPCODE_FULFIL_CREATE, 0, &ask, spans, &reply);
    purchase->parcels += reply.head.status == STATUS_OK ? 1 : 0;
}

static void move_parcel(struct shop *shop, struct purchase *purchase)
{
    struct town *town = shop->town;
    const u32 number = 1 + (u32)town_below(town, purchase->parcels + 1);
    const u64 what = town_below(town, 10);
    if (what < 3 && purchase->parcels < 4) {
        plan_parcel(shop, purchase);
    } else if (what < 6) {
        struct msg_fulfil_ship_req ask = {.order = purchase->order, .number = number};
        ask.tracking = text64_of("TRACK", 5);
        struct msg_fulfil_ship_rsp reply;
        town_write(town, OPCODE_FULFIL_SHIP, 0, &ask, NULL, &reply);
    } else if (what < 9) {
        const struct msg_fulfil_deliver_req ask = {.order = purchase->order, .number = number};
        struct msg_fulfil_deliver_rsp reply;
        town_write(town, OPCODE_FULFIL_DELIVER, 0, &ask, NULL, &reply);
    } else {
        const struct msg_fulfil_cancel_req ask = {.order = purchase->order, .number = number};
        struct msg_fulfil_cancel_rsp reply;
        town_write(town, OPCODE_FULFIL_CANCEL, 0, &ask, NULL, &reply);
    }
}

/* ---- returns --------------------------------------------------------------------------------- */

static void open_return(struct shop *shop, struct purchase *purchase,
                        const struct row_line_quantity *row)
{
    const struct msg_return_open_req ask = {
        .order = purchase->order, .number = purchase->returns + 1, .reason = 2};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)row, sizeof *row}};
    struct msg_return_open_rsp reply;
    town_write(shop->town, OPCODE_RETURN_OPEN, 0, &ask, spans, &reply);
    purchase->returns += reply.head.status == STATUS_OK ? 1 : 0;
}

static void move_return(struct shop *shop, struct purchase *purchase)
{
    struct town *town = shop->town;
    const u32 line = (u32)town_below(town, purchase->line_count);
    const struct row_line_quantity plain = {.line = line, .quantity = 1};
    const struct row_line_quantity row = {
        .line = line, .quantity = 1, .damaged = (i64)town_below(town, 2)};
    const u32 number = 1 + (u32)town_below(town, purchase->returns + 1);
    const u64 what = town_below(town, 8);
    if (what < 2 && purchase->returns < 4) {
        open_return(shop, purchase, &plain);
    } else if (what < 4) {
        const struct msg_return_decide_req ask = {
            .order = purchase->order, .number = number, .approved = town_chance(town, 90)};
        struct msg_return_decide_rsp reply;
        town_write(town, OPCODE_RETURN_DECIDE, 0, &ask, NULL, &reply);
    } else if (what < 6) {
        const struct msg_return_receive_req ask = {.order = purchase->order, .number = number};
        const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, sizeof row}};
        struct msg_return_receive_rsp reply;
        town_write(town, OPCODE_RETURN_RECEIVE, 0, &ask, spans, &reply);
    } else {
        const struct msg_return_refund_req ask = {
            .order = purchase->order, .number = number, .amount = -1};
        struct msg_return_refund_rsp reply;
        town_write(town, OPCODE_RETURN_REFUND, 0, &ask, NULL, &reply);
    }
}

/* What this shop does more of than others. */
static bool work_more(struct shop *shop, struct purchase *purchase)
{
    const struct shop_options *options = &shop->options;
    if (options->cancel_share + options->money_share == 0)
        return false;
    const u64 what = town_below(shop->town, 100);
    if (what < options->cancel_share)
        cancel_units(shop, purchase);
    else if (what < options->cancel_share + options->money_share)
        move_money(shop, purchase);
    return what < options->cancel_share + options->money_share;
}

void shop_work(struct shop *shop)
{
    struct purchase *purchase = shop_draw(shop);
    if (purchase == NULL)
        return;
    if (work_more(shop, purchase))
        return;
    const u64 what = town_below(shop->town, 100);
    if (what < 6)
        shop_give_up(shop, purchase);
    else if (!shop->options.has_aftermath)
        return;
    else if (what < 10)
        cancel_units(shop, purchase);
    else if (what < 12)
        move_money(shop, purchase);
    else if (what < 14)
        attach(shop, purchase);
    else if (what < 70)
        move_parcel(shop, purchase);
    else
        move_return(shop, purchase);
}

/* ---- operators ------------------------------------------------------------------------------- */

static struct purchase *purchase_of(struct shop *shop, struct id128 order)
{
    for (u32 i = shop->made; i-- > 0;)
        if (id128_equal(shop->purchases[i].order, order))
            return &shop->purchases[i];
    PANIC("an order that nobody made");
}

/* First it is tried again; what needs somebody twice is decided. */
static u16 decide(struct shop *shop, struct purchase *purchase)
{
    const u32 calls = purchase->resolves++;
    if (!shop->options.has_operators || shop->is_finishing)
        return calls < 2 ? RESOLVE_RETRY : RESOLVE_CANCEL;
    const u64 what = town_below(shop->town, 3);
    return what == 0 ? RESOLVE_RETRY : what == 1 ? RESOLVE_FORCE_PAID : RESOLVE_CANCEL;
}

static void resolve(struct shop *shop, struct id128 order)
{
    struct purchase *purchase = purchase_of(shop, order);
    struct msg_order_resolve_req ask = {.order = order, .decision = decide(shop, purchase)};
    ask.actor = text64_of("alice", 5);
    ask.reason = text64_of("the bank is back", 16);
    struct msg_order_resolve_rsp reply;
    town_write(shop->town, OPCODE_ORDER_RESOLVE, 0, &ask, NULL, &reply);
    shop->operator_calls++;
    if (ask.decision == RESOLVE_FORCE_PAID && reply.head.status == STATUS_INVALID_STATE)
        return; /* it was never placed: there is nothing to be paid */
    MUST(reply.head.status == STATUS_OK);
    purchase->is_forced |= ask.decision != RESOLVE_RETRY;
}

void shop_call_operators(struct shop *shop)
{
    struct town *town = shop->town;
    for (u16 shard = 0; shard < town->options.shard_count; shard++) {
        const struct msg_stuck_list_req ask = {.states = 1u << SAGA_STATE_NEEDS_OPERATOR};
        struct msg_stuck_list_rsp reply;
        struct record_view view;
        town_read(town, OPCODE_STUCK_LIST, shard, &ask, NULL, &reply, &view);
        if (view.spans[0].bytes == 0)
            continue;
        struct row_stuck row;
        memcpy(&row, view.spans[0].data, sizeof row);
        resolve(shop, row.order);
    }
}
