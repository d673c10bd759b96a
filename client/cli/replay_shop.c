/* replay_shop: see client/cli/replay_shop.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_shop.h"

#include <stdlib.h>
#include <string.h>

void shop_init(struct shop *shop, const struct replay_plan *plan)
{
    memset(shop, 0, sizeof *shop);
    shop->plan = plan;
    shop->lines = calloc(plan->line_count + 1, sizeof *shop->lines);
    shop->skus = calloc(plan->sku_count + 1, sizeof *shop->skus);
    MUST(shop->lines != NULL && shop->skus != NULL);
    for (u32 i = 0; i < plan->sku_count; i++)
        shop->skus[i].head = plan->skus[i].first_line;
    for (u32 i = 0; i < plan->line_count; i++) {
        const u8 rule = plan->lines[i].rule;
        if (rule != REPLAY_RULE_CHARGE && rule != REPLAY_RULE_UNPRICED)
            continue;
        shop->lines[i].state = SHOP_LINE_DONE;
        shop->totals.lines_done++;
    }
}

void shop_deinit(struct shop *shop)
{
    free(shop->lines);
    free(shop->skus);
    memset(shop, 0, sizeof *shop);
}

/* What can be returned of a cancellation, or taken out by a correction. */
static i64 units_possible(const struct shop *shop, u32 line)
{
    const struct replay_line *planned = &shop->plan->lines[line];
    const struct shop_sku *sku = &shop->skus[planned->sku];
    const i64 limit =
        planned->rule == REPLAY_RULE_CANCELLATION ? sku->shipped - sku->returned : sku->on_hand;
    MUST(limit >= 0); /* R3 */
    return MIN(limit, planned->quantity);
}

struct shop_need shop_need_of(const struct shop *shop, u32 line)
{
    const struct replay_line *planned = &shop->plan->lines[line];
    MUST(shop->lines[line].state != SHOP_LINE_DONE);
    if (shop->lines[line].state == SHOP_LINE_TAKEN)
        return (struct shop_need){SHOP_STEP_SHIP, planned->quantity};
    if (planned->rule == REPLAY_RULE_SALE)
        return (struct shop_need){SHOP_STEP_TAKE, planned->quantity};
    return (struct shop_need){planned->rule == REPLAY_RULE_CANCELLATION ? SHOP_STEP_RETURN
                                                                        : SHOP_STEP_ADJUST,
                              units_possible(shop, line)};
}

void shop_begin_frame(struct shop *shop)
{
    shop->frame++;
}

bool shop_may_go(const struct shop *shop, u32 line)
{
    const struct shop_sku *sku = &shop->skus[shop->plan->lines[line].sku];
    return sku->is_ready && line == (sku->frame == shop->frame ? sku->expected : sku->head);
}

void shop_add_line(struct shop *shop, u32 line)
{
    struct shop_sku *sku = &shop->skus[shop->plan->lines[line].sku];
    const enum shop_step step = shop_need_of(shop, line).step;
    MUST(shop_may_go(shop, line));
    sku->frame = shop->frame;
    sku->expected = REPLAY_NONE;
    if (step != SHOP_STEP_TAKE && step != SHOP_STEP_SHIP)
        return;
    u32 next = shop->plan->lines[line].next;
    while (next != REPLAY_NONE && shop->lines[next].state == SHOP_LINE_DONE)
        next = shop->plan->lines[next].next;
    if (next != REPLAY_NONE && shop->plan->lines[next].rule == REPLAY_RULE_SALE &&
        shop_need_of(shop, next).step == step)
        sku->expected = next;
}

static void count_reason(struct shop *shop, u16 status, i64 units)
{
    struct shop_totals *totals = &shop->totals;
    u32 at = 0;
    while (at < totals->reason_count && totals->reasons[at].status != status)
        at++;
    if (at == SHOP_REASONS_MAX)
        return; /* more kinds of refusal than a stock command has: counted in the sum alone */
    if (at == totals->reason_count) {
        totals->reasons[at].status = status;
        totals->reason_count++;
    }
    totals->reasons[at].lines++;
    totals->reasons[at].units += (u64)units;
}

static void count_beyond(struct shop *shop, u32 line, i64 units)
{
    const struct replay_line *planned = &shop->plan->lines[line];
    struct shop_sku *sku = &shop->skus[planned->sku];
    MUST(units >= 0 && units <= planned->quantity);
    shop->lines[line].units_beyond = (i32)MIN(units, INT32_MAX);
    if (planned->rule == REPLAY_RULE_CANCELLATION) {
        sku->return_beyond += units;
        shop->totals.return_beyond += (u64)units;
    } else {
        sku->adjust_beyond += units;
        shop->totals.adjust_beyond += (u64)units;
    }
}

/* Moves the head over lines that are done, and ends those for which nothing can be done, until one
 * needs a command (R2). */
static void settle(struct shop *shop, struct shop_sku *sku)
{
    while (sku->head != REPLAY_NONE) {
        const u32 line = sku->head;
        if (shop->lines[line].state == SHOP_LINE_DONE) {
            sku->head = shop->plan->lines[line].next;
            continue;
        }
        if (shop->plan->lines[line].rule == REPLAY_RULE_SALE || units_possible(shop, line) > 0)
            return;
        count_beyond(shop, line, shop->plan->lines[line].quantity);
        shop->lines[line].state = SHOP_LINE_DONE;
        shop->totals.lines_done++;
        sku->head = shop->plan->lines[line].next;
    }
}

static void end_line(struct shop *shop, u32 line, u16 status)
{
    struct shop_sku *sku = &shop->skus[shop->plan->lines[line].sku];
    MUST(shop->lines[line].state != SHOP_LINE_DONE);
    shop->lines[line].state = SHOP_LINE_DONE;
    shop->lines[line].status = status;
    shop->totals.lines_done++;
    settle(shop, sku);
}

static void make_ready(struct shop *shop, struct shop_sku *sku)
{
    MUST(!sku->is_ready);
    sku->is_ready = 1;
    if (!shop->is_booked)
        settle(shop, sku);
}

const char *shop_add_item(struct shop *shop, enum shop_step step, struct shop_item item)
{
    if (step == SHOP_STEP_NONE || step >= SHOP_STEP_COUNT)
        return "no such step";
    if (step <= SHOP_STEP_RECEIVE) {
        if (item.index >= shop->plan->sku_count)
            return "no such SKU";
        if (step != SHOP_STEP_PRODUCT && shop->skus[item.index].is_ready)
            return "the SKU is set up already";
        const i64 receive = shop->plan->skus[item.index].receive;
        return step == SHOP_STEP_RECEIVE && item.quantity != receive ? "another receipt" : NULL;
    }
    if (item.index >= shop->plan->line_count ||
        shop->plan->lines[item.index].rule > REPLAY_RULE_CORRECTION)
        return "no such line";
    if (shop->lines[item.index].state == SHOP_LINE_DONE)
        return "the line is done already";
    if (!shop_may_go(shop, item.index))
        return "the line's turn has not come";
    const struct shop_need need = shop_need_of(shop, item.index);
    if (need.step != step || need.quantity != item.quantity)
        return "the line needs something else";
    shop_add_line(shop, item.index);
    return NULL;
}

static const char *apply_setup(struct shop *shop, enum shop_step step, struct shop_item item,
                               struct shop_answer answer)
{
    struct shop_sku *sku = &shop->skus[item.index];
    if (answer.status != SOUK_OK)
        return step == SHOP_STEP_PRODUCT ? "a product could not be created"
               : step == SHOP_STEP_SKU   ? "a SKU could not be created"
                                         : "goods could not be received";
    if (step == SHOP_STEP_SKU) {
        sku->is_new = answer.value == 1;
        if (shop->plan->skus[item.index].receive == 0)
            make_ready(shop, sku);
    }
    if (step == SHOP_STEP_RECEIVE) {
        sku->on_hand = answer.value;
        shop->totals.received_units += (u64)item.quantity;
        make_ready(shop, sku);
    }
    return NULL;
}

static void apply_take(struct shop *shop, u32 line, struct shop_answer answer)
{
    const struct replay_line *planned = &shop->plan->lines[line];
    struct shop_sku *sku = &shop->skus[planned->sku];
    if (answer.status == SOUK_OK) {
        shop->lines[line].state = SHOP_LINE_TAKEN;
        return;
    }
    sku->refused_lines++;
    sku->refused_units += planned->quantity;
    shop->totals.refused_lines++;
    shop->totals.refused_units += (u64)planned->quantity;
    shop->totals.refused_revenue += planned->quantity * planned->price;
    count_reason(shop, answer.status, planned->quantity);
    end_line(shop, line, answer.status);
}

static void apply_ship(struct shop *shop, u32 line, struct shop_answer answer)
{
    const struct replay_line *planned = &shop->plan->lines[line];
    struct shop_sku *sku = &shop->skus[planned->sku];
    if (answer.status == SOUK_OK) {
        sku->on_hand = answer.value;
        sku->shipped += planned->quantity;
    } else {
        shop->totals.unshipped_lines++;
        count_reason(shop, answer.status, planned->quantity);
    }
    sku->sold_lines++;
    sku->revenue += planned->quantity * planned->price;
    shop->totals.sold_lines++;
    shop->totals.sold_units += (u64)planned->quantity;
    shop->totals.revenue += planned->quantity * planned->price;
    end_line(shop, line, answer.status);
}

/* A return or an adjustment. */
static void apply_correction(struct shop *shop, struct shop_item item, struct shop_answer answer)
{
    const struct replay_line *planned = &shop->plan->lines[item.index];
    struct shop_sku *sku = &shop->skus[planned->sku];
    const bool is_done = answer.status == SOUK_OK;
    const i64 units = is_done ? item.quantity : 0;
    if (!is_done)
        count_reason(shop, answer.status, item.quantity);
    /* Refusals carry the levels too. */
    sku->on_hand = MAX(answer.value, 0);
    if (planned->rule == REPLAY_RULE_CANCELLATION) {
        sku->returned += units;
        shop->totals.returned_units += (u64)units;
    } else {
        sku->adjusted += units;
        shop->totals.adjusted_units += (u64)units;
    }
    count_beyond(shop, item.index, planned->quantity - units);
    end_line(shop, item.index, answer.status);
}

const char *shop_apply(struct shop *shop, enum shop_step step, struct shop_item item,
                       struct shop_answer answer)
{
    MUST(step <= SHOP_STEP_RECEIVE || shop_need_of(shop, item.index).step == step);
    shop->totals.ops++;
    switch (step) {
    case SHOP_STEP_PRODUCT:
    case SHOP_STEP_SKU:
    case SHOP_STEP_RECEIVE: return apply_setup(shop, step, item, answer);
    case SHOP_STEP_TAKE: apply_take(shop, item.index, answer); break;
    case SHOP_STEP_SHIP: apply_ship(shop, item.index, answer); break;
    case SHOP_STEP_RETURN:
    case SHOP_STEP_ADJUST: apply_correction(shop, item, answer); break;
    case SHOP_STEP_NONE:
    case SHOP_STEP_COUNT: PANIC("not a step");
    }
    return NULL;
}
