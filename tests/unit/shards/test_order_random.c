/* Random cancels, parcels, ships, deliveries, returns and refunds of a few orders on several shards,
 * with the mail between them carried some at a time. After every step, from what can be read alone:
 *
 *      ordered = allocated + shipped + cancelled; delivered <= shipped; returned <= delivered
 *      lines agree with their parcels and returns; owed is the total less every refund answered
 *
 * and whenever nothing is under way: stock is what the orders say, and the money is where it should be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "tests/unit/shards/order_fixture.h"

#define SHARDS       3
#define ORDERS       20u /* one after the other */
#define OPEN         4u  /* at a time */
#define STEPS_EACH   240u
#define SEEDS        12u
#define NUMBERS      3u
#define SKUS         4u
#define QUANTITY_TOP 6

/* An order, and what the answers said so far. */
struct known {
    struct id128 order;
    struct of_want want;
    i64 total;
    i64 given_up;  /* sum of the refunds answered */
    i64 by_cancel; /* of these, by cancels */
};

struct trial {
    struct of of;
    struct known known[ORDERS];
    u32 bought;
    i64 lost[SKUS]; /* taken out of the warehouse by hand */
    u64 done[OPCODE_RETURN_REFUND + 1];
};

static u64 below(struct trial *trial, u64 limit)
{
    return town_below(trial->of.town, limit);
}

/* ---- what must hold ---- */

static i64 sum_parts(const struct of_order *order, u16 kind, u32 line, u32 states)
{
    i64 sum = 0;
    for (u32 i = 0; i < order->part_count; i++) {
        const struct row_part *part = &order->parts[i];
        if (part->kind != kind || part->line != line)
            continue;
        for (u32 p = 0; p < order->parcel_count; p++)
            if (kind == PART_KIND_PARCEL && order->parcels[p].number == part->of &&
                (states >> order->parcels[p].state & 1) != 0)
                sum += part->quantity;
        if (kind == PART_KIND_RETURN)
            sum += part->sellable + part->damaged;
        assert_true(part->quantity >= 0 && part->sellable >= 0 && part->damaged >= 0);
        assert_true(
            IMPLIES(kind == PART_KIND_RETURN, part->sellable + part->damaged <= part->quantity));
    }
    return sum;
}

static void check_line(const struct of_order *order, u32 i)
{
    const struct row_order_line *line = &order->lines[i];
    const u32 live =
        1u << PARCEL_STATE_PLANNED | 1u << PARCEL_STATE_LEAVING | 1u << PARCEL_STATE_SHORT;
    const u32 left = 1u << PARCEL_STATE_SHIPPED | 1u << PARCEL_STATE_DELIVERED;
    assert_true(line->allocated >= 0 && line->shipped >= 0 && line->cancelled >= 0);
    assert_int_equal(line->quantity, line->allocated + line->shipped + line->cancelled);
    assert_true(line->delivered <= line->shipped);
    assert_true(line->returned_sellable + line->returned_damaged <= line->delivered);
    assert_true(line->refunded <= line->total);
    assert_true(sum_parts(order, PART_KIND_PARCEL, i, live) <= line->allocated);
    assert_int_equal(sum_parts(order, PART_KIND_PARCEL, i, left), line->shipped);
    assert_int_equal(sum_parts(order, PART_KIND_PARCEL, i, 1u << PARCEL_STATE_DELIVERED),
                     line->delivered);
    assert_int_equal(sum_parts(order, PART_KIND_RETURN, i, 0),
                     line->returned_sellable + line->returned_damaged);
}

static void check_order(struct trial *trial, const struct known *known)
{
    const struct of_order *order = of_get(&trial->of, known->order);
    for (u32 i = 0; i < order->line_count; i++)
        check_line(order, i);
    assert_int_equal(order->head.total, known->total);
    assert_int_equal(order->head.owed, MAX(known->total - known->given_up, 0));
    assert_true(order->head.refunded <= order->head.captured);
    assert_true(order->head.captured <= order->head.authorized);
    assert_true(order->head.authorized <= order->head.total);
}

/* What the shop should have of it now, computed from the rows. */
static i64 kept(const struct of_order *order, const struct known *known)
{
    i64 stays = 0, shipped = 0, allocated = 0, lines = 0;
    for (u32 i = 0; i < order->line_count; i++) {
        const struct row_order_line *line = &order->lines[i];
        stays += line->total * (line->quantity - line->shipped) / line->quantity;
        shipped += line->shipped;
        allocated += line->allocated;
        lines += line->total;
    }
    const i64 owed = MAX(known->total - known->given_up, 0);
    if (known->want.capture == CAPTURE_POLICY_NOW || allocated == 0)
        return owed;
    i64 left = shipped != 0 ? known->total - stays : 0;
    assert_true(left <= known->total && lines <= known->total);
    /* A gift card pays with the first parcel, as far as anything is owed then. */
    if (known->want.card != 0 && left != 0)
        left = MAX(left, order->tenders[0].captured);
    left = MIN(left, known->total - known->by_cancel);
    return MAX(left - (known->given_up - known->by_cancel), 0);
}

static bool is_resting(u16 state)
{
    return state == SAGA_STATE_PLACED || state == SAGA_STATE_PAID || state == SAGA_STATE_SHIPPED ||
           state == SAGA_STATE_DELIVERED || state == SAGA_STATE_CANCELLED;
}

/* Nothing is under way: money and stock. */
static void check_quiet(struct trial *trial)
{
    i64 allocated[SKUS] = {0}, gone[SKUS] = {0}, damaged[SKUS] = {0};
    for (u32 o = 0; o < trial->bought; o++) {
        const struct known *known = &trial->known[o];
        const struct of_order *order = of_get(&trial->of, known->order);
        assert_true(is_resting(order->head.state));
        assert_int_equal(order->head.captured - order->head.refunded, kept(order, known));
        for (u32 i = 0; i < order->line_count; i++) {
            const struct row_order_line *line = &order->lines[i];
            const u32 sku = known->want.skus[i];
            allocated[sku] += line->allocated;
            gone[sku] += line->shipped - line->returned_sellable - line->returned_damaged;
            damaged[sku] += line->returned_damaged;
        }
    }
    for (u32 i = 0; i < SKUS; i++) {
        const struct msg_stock_get_rsp level = of_levels(&trial->of, i);
        assert_int_equal(level.allocated, allocated[i]);
        assert_int_equal(level.on_hand, OF_STOCK - trial->lost[i] - gone[i]);
        assert_int_equal(level.unavailable, damaged[i]);
        assert_int_equal(level.held, 0);
    }
    town_verify(trial->of.town);
}

/* ---- what happens ---- */

static void adjust(struct trial *trial, u32 sku, i64 delta)
{
    const struct msg_stock_adjust_req ask = {.resource = of_sku(sku), .delta = delta, .reason = 1};
    assert_int_equal(town_ask(trial->of.town, OPCODE_STOCK_ADJUST, 0, &ask, NULL, NULL, NULL),
                     STATUS_OK);
    trial->lost[sku] -= delta;
}

/* The warehouse finds that it has less, or more, than it thought. */
static void count_stock(struct trial *trial)
{
    const u32 sku = (u32)below(trial, SKUS);
    const i64 there = of_levels(&trial->of, sku).on_hand - of_levels(&trial->of, sku).unavailable;
    const i64 delta = trial->lost[sku] != 0 ? trial->lost[sku] : -(there - (i64)below(trial, 3));
    if (delta != 0)
        adjust(trial, sku, delta);
}

/* Everything is found again. */
static void find_stock(struct trial *trial)
{
    for (u32 i = 0; i < SKUS; i++)
        if (trial->lost[i] != 0)
            adjust(trial, i, trial->lost[i]);
}

static void buy(struct trial *trial)
{
    struct known *known = &trial->known[trial->bought];
    known->want = (struct of_want){.lines = 1 + (u32)below(trial, 3),
                                   .has_skus = true,
                                   .capture = (u16)below(trial, 2),
                                   .shipping = (i64)below(trial, 2) * 501,
                                   .tax = (i64)below(trial, 12),
                                   .user = OF_USER + trial->bought % 5};
    known->total = known->want.shipping + known->want.tax;
    for (u32 i = 0; i < known->want.lines; i++) {
        known->want.skus[i] = (u32)below(trial, SKUS);
        known->want.units[i] = 1 + (i64)below(trial, QUANTITY_TOP);
        known->total += known->want.units[i] * OF_PRICE(known->want.skus[i]);
    }
    known->want.card = below(trial, 3) == 0 ? MIN(known->total, 700) : 0;
    find_stock(trial);
    known->order = of_buy_and_pay(&trial->of, known->want);
    trial->bought++;
}

/* Up to three rows, some of them nonsense. */
static u32 draw_rows(struct trial *trial, const struct known *known, i64 (*rows)[3],
                     bool has_damaged)
{
    const u32 count = below(trial, 10) == 0 ? 0 : 1 + (u32)(below(trial, 3) / 2);
    for (u32 i = 0; i < count; i++) {
        rows[i][0] = (i64)below(trial, known->want.lines + (below(trial, 20) == 0));
        rows[i][1] = 1 + (i64)below(trial, 2) - 2 * (below(trial, 30) == 0);
        rows[i][2] = has_damaged ? (i64)below(trial, (u64)MAX(rows[i][1], 0) + 1) : 0;
    }
    return count;
}

static struct msg_order_cancel_rsp act(struct trial *trial, const struct known *known, u16 *opcode)
{
    struct of *of = &trial->of;
    i64 rows[4][3];
    const u32 number = below(trial, 20) == 0 ? 0 : 1 + (u32)below(trial, NUMBERS);
    const bool has_damaged = below(trial, 2) == 0;
    const u32 count = draw_rows(trial, known, rows, has_damaged);
    of_units *units = (of_units *)rows;
    switch (below(trial, 24)) {
    case 0: *opcode = OPCODE_ORDER_CANCEL; return of_cancel(of, known->order, units, count);
    case 1:
    case 2:
    case 3: *opcode = OPCODE_FULFIL_CREATE; return of_plan(of, known->order, number, units, count);
    case 4:
    case 5:
    case 6: *opcode = OPCODE_FULFIL_SHIP; return of_ship(of, known->order, number);
    case 7:
    case 8: *opcode = OPCODE_FULFIL_DELIVER; return of_deliver(of, known->order, number);
    case 9: *opcode = OPCODE_FULFIL_CANCEL; return of_drop(of, known->order, number);
    case 10:
    case 11: *opcode = OPCODE_RETURN_OPEN; return of_return(of, known->order, number, units, count);
    case 12:
    case 13:
    case 14:
        *opcode = OPCODE_RETURN_DECIDE;
        return of_decide(of, known->order, number, below(trial, 4) != 0);
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
        *opcode = OPCODE_RETURN_RECEIVE;
        return of_receive(of, known->order, number, units, count);
    default:
        *opcode = OPCODE_RETURN_REFUND;
        return of_refund(of, known->order, number, (i64)below(trial, 3) * 400 - 1);
    }
}

static void step(struct trial *trial)
{
    const u32 open = MIN(trial->bought, OPEN);
    struct known *known = &trial->known[trial->bought - 1 - below(trial, open)];
    u16 opcode;
    of_remember(&trial->of, known->order);
    const struct msg_order_cancel_rsp answer = act(trial, known, &opcode);
    if (answer.head.status == STATUS_OK && answer.head.flags == 0) {
        trial->done[opcode]++;
        known->given_up += answer.refund;
        known->by_cancel += opcode == OPCODE_ORDER_CANCEL ? answer.refund : 0;
    } else {
        of_assert_unchanged(&trial->of, known->order);
    }
    check_order(trial, known);
    switch (below(trial, 12)) {
    case 0: count_stock(trial); break;
    case 1:
    case 2:
    case 3: (void)town_carry(trial->of.town); break;
    case 4: (void)of_work(&trial->of); break;
    case 5:
        of_pay(&trial->of);
        check_quiet(trial);
        break;
    case 6: town_wait(trial->of.town, below(trial, 90) * NS_PER_S); break;
    default: break;
    }
    if (below(trial, 200) == 0)
        town_restart(trial->of.town, (u16)below(trial, SHARDS));
    if (below(trial, 200) == 0)
        town_thaw(trial->of.town, (u16)below(trial, SHARDS));
}

static void run(u32 seed, u64 *done)
{
    struct trial *trial = calloc(1, sizeof *trial);
    assert_non_null(trial);
    of_open(&trial->of, SHARDS);
    trial->of.town->random += seed * 0x9E3779B97F4A7C15ull;
    for (u32 i = 0; i < ORDERS * STEPS_EACH; i++) {
        if (i % STEPS_EACH == 0)
            buy(trial);
        step(trial);
    }
    of_pay(&trial->of);
    check_quiet(trial);
    of_close(&trial->of);
    for (u32 i = 0; i <= OPCODE_RETURN_REFUND; i++)
        done[i] += trial->done[i];
    free(trial);
}

static void quantities_stock_and_money_are_conserved(void **state)
{
    (void)state;
    static const u16 opcodes[] = {
        OPCODE_ORDER_CANCEL,   OPCODE_FULFIL_CREATE,  OPCODE_FULFIL_SHIP,
        OPCODE_FULFIL_DELIVER, OPCODE_FULFIL_CANCEL,  OPCODE_RETURN_OPEN,
        OPCODE_RETURN_DECIDE,  OPCODE_RETURN_RECEIVE, OPCODE_RETURN_REFUND};
    u64 *done = calloc(OPCODE_RETURN_REFUND + 1, sizeof *done);
    assert_non_null(done);
    for (u32 seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", seed);
        run(seed, done);
    }
    for (u32 i = 0; i < ARRAY_COUNT(opcodes); i++) {
        print_message("%s: %llu\n", message_find(opcodes[i])->name,
                      (unsigned long long)done[opcodes[i]]);
        assert_true(done[opcodes[i]] >= SEEDS);
    }
    free(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_stock_and_money_are_conserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
