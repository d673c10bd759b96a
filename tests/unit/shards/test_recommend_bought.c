/* What is bought together: against a second, plain computation; orders that are cancelled and returned, in
 * any order, over several shards, crashes and snapshots.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/recommend_fixture.h"

static void the_products_of_an_order_are_related(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 6);
    (void)rf_order(&rf, (u32[]){0, 1, 2}, 3);
    (void)rf_order(&rf, (u32[]){0, 1}, 2);
    (void)rf_order(&rf, (u32[]){1, 3}, 2);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 2);
    /* 1: 2 x 2 / (2 x (3 + 20)); 2: 1 x 1 / (2 x (1 + 20)). */
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    assert_int_equal(rf.rows[0].support, 2);
    assert_int_equal(rf.rows[0].reason, RECOMMEND_BOUGHT);
    assert_int_equal(rf.rows[0].state, STOCK_STATE_SOME);
    assert_int_equal(rf.rows[1].product_id, rf_id(2));
    assert_int_equal(rf.rows[1].support, 1);
    assert_string_equal(rf.titles[0], "product-1");
    rf_close(&rf);
}

/* ---- the second computation ---- */

#define MODEL_PRODUCTS 24u
#define MODEL_ORDERS   160u

struct model_order {
    struct id128 id;
    u64 paid_ns;
    u32 chosen[BASKET_PRODUCTS_MAX];
    u32 chosen_count;
    u32 left; /* bits of products that are not given back */
};

struct model {
    struct model_order orders[MODEL_ORDERS];
    u32 count;
    u64 together[MODEL_PRODUCTS][MODEL_PRODUCTS]; /* on the diagonal: baskets; weighted */
    u32 support[MODEL_PRODUCTS][MODEL_PRODUCTS];
};

static void count_model(struct model *model, u64 now_ns)
{
    memset(model->together, 0, sizeof model->together);
    memset(model->support, 0, sizeof model->support);
    for (u32 o = 0; o < model->count; o++) {
        const struct model_order *order = &model->orders[o];
        const u32 weight =
            copurchase_weight(copurchase_epoch(now_ns) - copurchase_epoch(order->paid_ns));
        for (u32 i = 0; weight != 0 && i < order->chosen_count; i++)
            for (u32 j = 0; j < order->chosen_count; j++) {
                const u32 a = order->chosen[i], b = order->chosen[j];
                if ((order->left >> a & order->left >> b & 1) == 0)
                    continue;
                model->together[a][b] += weight;
                model->support[a][b]++;
            }
    }
}

static u64 model_score(const struct model *model, u32 a, u32 b)
{
    const u64 c = model->together[a][b];
    return ((c << 28) / model->together[a][a]) * c / (model->together[b][b] + 160);
}

static void compare_all(struct rf *rf, struct model *model)
{
    count_model(model, rf->town->now_ns);
    for (u32 a = 0; a < MODEL_PRODUCTS; a++) {
        u32 partners = 0;
        assert_int_equal(rf_related(rf, a, RELATED_BOUGHT, 100, true), STATUS_OK);
        for (u32 b = 0; b < MODEL_PRODUCTS; b++)
            partners += a != b && model->together[a][b] != 0 ? 1 : 0;
        assert_int_equal(rf->row_count, partners);
        for (u32 b = 0; b < MODEL_PRODUCTS; b++) {
            if (a == b || model->together[a][b] == 0)
                continue;
            const u32 at = rf_place(rf, b);
            assert_true(at < rf->row_count);
            assert_int_equal(rf->rows[at].support, model->support[a][b]);
            assert_int_equal(rf->rows[at].score, model_score(model, a, b) + (4ull << 56));
        }
    }
}

static void add_order(struct rf *rf, struct model *model)
{
    struct model_order *order = &model->orders[model->count++];
    u32 products[MODEL_PRODUCTS];
    u32 count = 0;
    /* Now and then one of more products than count. */
    const u32 chance = town_chance(rf->town, 10) ? 95 : 20;
    for (u32 i = 0; i < MODEL_PRODUCTS; i++)
        if (town_chance(rf->town, chance))
            products[count++] = i;
    if (count == 0)
        products[count++] = (u32)town_below(rf->town, MODEL_PRODUCTS);
    order->id = rf_order(rf, products, count);
    order->paid_ns = rf->town->now_ns;
    for (u32 i = 0; i < count; i++) {
        u32 below = 0;
        order->left |= 1u << products[i];
        for (u32 j = 0; j < count; j++)
            below += copurchase_lot(order->id, rf_id(products[j])) <
                     copurchase_lot(order->id, rf_id(products[i]));
        if (below < BASKET_PRODUCTS_MAX)
            order->chosen[order->chosen_count++] = products[i];
    }
}

struct lines {
    struct row_order_line rows[2 * MODEL_PRODUCTS];
    u32 count;
};

static struct lines lines_of(struct rf *rf, struct id128 order)
{
    struct lines lines;
    struct record_view view;
    const struct msg_order_get_req ask = {.order = order};
    struct msg_order_get_rsp answer;
    town_read(rf->town, OPCODE_ORDER_GET, 0, &ask, NULL, &answer, &view);
    const struct span rows = view.spans[SPAN_OF(order_get_rsp, lines)];
    lines.count = rows.bytes / (u32)sizeof lines.rows[0];
    assert_true(lines.count <= ARRAY_COUNT(lines.rows));
    memcpy(lines.rows, rows.data, rows.bytes);
    return lines;
}

static u32 product_of(u64 id)
{
    u32 product = 0;
    while (rf_id(product) != id)
        product++;
    return product;
}

static void note_left(struct rf *rf, struct model_order *order)
{
    const struct lines lines = lines_of(rf, order->id);
    order->left = 0;
    for (u32 i = 0; i < lines.count; i++)
        if (lines.rows[i].quantity > lines.rows[i].cancelled + lines.rows[i].returned_sellable +
                                         lines.rows[i].returned_damaged)
            order->left |= 1u << product_of(lines.rows[i].product_id);
}

static u16 send(struct rf *rf, u16 opcode, const void *fixed, const struct row_line_quantity *rows,
                u32 count)
{
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)rows, count * (u32)sizeof rows[0]}};
    const u16 status = town_ask(rf->town, opcode, 0, fixed, spans, NULL, NULL);
    town_carry_all(rf->town);
    return status;
}

/* Some lines, or all of them. */
static void cancel_some(struct rf *rf, struct model_order *order)
{
    const struct msg_order_cancel_req ask = {.order = order->id, .reason = 1};
    const struct lines lines = lines_of(rf, order->id);
    struct row_line_quantity rows[2 * MODEL_PRODUCTS];
    u32 count = 0;
    const bool is_whole = town_chance(rf->town, 50);
    for (u32 i = 0; !is_whole && i < lines.count; i++)
        if (town_chance(rf->town, 40))
            rows[count++] = (struct row_line_quantity){.line = i, .quantity = 1};
    (void)send(rf, OPCODE_ORDER_CANCEL, &ask, rows, count); /* may be shipped already */
    note_left(rf, order);
}

static void ship_all(struct rf *rf, struct model_order *order)
{
    const struct msg_fulfil_create_req plan = {.order = order->id, .number = 1};
    const struct msg_fulfil_ship_req ship = {.order = order->id, .number = 1};
    const struct msg_fulfil_deliver_req deliver = {.order = order->id, .number = 1};
    (void)send(rf, OPCODE_FULFIL_CREATE, &plan, NULL, 0);
    (void)send(rf, OPCODE_FULFIL_SHIP, &ship, NULL, 0);
    (void)send(rf, OPCODE_FULFIL_DELIVER, &deliver, NULL, 0);
    note_left(rf, order);
}

static void return_some(struct rf *rf, struct model_order *order)
{
    const struct lines lines = lines_of(rf, order->id);
    struct row_line_quantity rows[2 * MODEL_PRODUCTS];
    u32 count = 0;
    for (u32 i = 0; i < lines.count; i++) {
        const struct row_order_line *line = &lines.rows[i];
        if (line->delivered > line->returned_sellable + line->returned_damaged &&
            town_chance(rf->town, 60))
            rows[count++] = (struct row_line_quantity){
                .line = i, .quantity = 1, .damaged = (i64)town_below(rf->town, 2)};
    }
    if (count == 0)
        return;
    static u32 number = 0;
    struct row_line_quantity asked[2 * MODEL_PRODUCTS];
    memcpy(asked, rows, sizeof asked);
    for (u32 i = 0; i < count; i++)
        asked[i].damaged = 0;
    const struct msg_return_open_req open = {.order = order->id, .number = ++number, .reason = 3};
    const struct msg_return_decide_req decide = {
        .order = order->id, .number = number, .approved = 1};
    const struct msg_return_receive_req receive = {.order = order->id, .number = number};
    if (send(rf, OPCODE_RETURN_OPEN, &open, asked, count) != STATUS_OK)
        return;
    assert_int_equal(send(rf, OPCODE_RETURN_DECIDE, &decide, NULL, 0), STATUS_OK);
    assert_int_equal(send(rf, OPCODE_RETURN_RECEIVE, &receive, rows, count), STATUS_OK);
    note_left(rf, order);
}

static void stir(struct rf *rf, struct model *model)
{
    struct model_order *order =
        model->count == 0 ? NULL : &model->orders[town_below(rf->town, model->count)];
    const u64 what = order == NULL ? 0 : town_below(rf->town, 100);
    if (what < 35 && model->count < MODEL_ORDERS)
        add_order(rf, model);
    else if (order == NULL)
        return;
    else if (what < 60)
        cancel_some(rf, order);
    else if (what < 75)
        ship_all(rf, order);
    else if (what < 90)
        return_some(rf, order);
    else if (what < 93)
        town_restart(rf->town, (u16)town_below(rf->town, rf->town->options.shard_count));
    else if (what < 96)
        town_thaw(rf->town, (u16)town_below(rf->town, rf->town->options.shard_count));
    else
        town_wait(rf->town, town_below(rf->town, 12) * RF_DAY_NS);
}

static void stir_on(u16 shards)
{
    struct rf rf;
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    rf_open(&rf, shards, MODEL_PRODUCTS);
    for (u32 i = 0; i < 420; i++) {
        stir(&rf, model);
        if (i % 20 == 19)
            compare_all(&rf, model);
    }
    assert_true(model->count > 100);
    /* At last all of them are cancelled or returned: nothing is left. */
    for (u32 o = 0; o < model->count; o++)
        for (u32 tries = 0; model->orders[o].left != 0; tries++) {
            assert_true(tries < 200);
            cancel_some(&rf, &model->orders[o]);
            return_some(&rf, &model->orders[o]);
        }
    compare_all(&rf, model);
    for (u16 s = 0; s < shards; s++) {
        const struct copurchase *bought = &rf.town->shards[s].shard->recommend.bought;
        assert_int_equal(bought->slot_bytes, 0);
        assert_int_equal(pool_count(&bought->tables), 0);
    }
    rf_close(&rf);
    free(model);
}

static void what_is_cancelled_and_returned_leaves_no_trace(void **state)
{
    (void)state;
    stir_on(1);
    stir_on(3);
}

static void what_is_old_counts_less_and_then_not_at_all(void **state)
{
    struct rf rf;
    u64 before = 1ull << 60;
    (void)state;
    rf_open(&rf, 2, 4);
    (void)rf_order(&rf, (u32[]){0, 1}, 2);
    for (u32 epoch = 0; epoch < 4; epoch++) {
        (void)rf_order(&rf, (u32[]){0, 2}, 2); /* always fresh */
        assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 10, true), STATUS_OK);
        assert_int_equal(rf.row_count, 2);
        assert_true(rf.rows[rf_place(&rf, 1)].score < before);
        before = rf.rows[rf_place(&rf, 1)].score;
        town_wait(rf.town, 90 * RF_DAY_NS);
    }
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(rf_related(&rf, 1, RELATED_BOUGHT, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 0);
    rf_close(&rf);
}

static void tables_are_counted(void **state)
{
    struct rf rf;
    struct shard_counters counters, sum = {.copurchase_tables = 0};
    (void)state;
    rf_open(&rf, 2, 6);
    (void)rf_order(&rf, (u32[]){0, 1, 2}, 3);
    (void)rf_order(&rf, (u32[]){0, 1}, 2);
    (void)rf_order(&rf, (u32[]){4}, 1); /* a table without slots */
    rf_look(&rf);
    for (u32 i = 0; i < 2; i++) {
        shard_counters_read(rf.shards[i], &counters);
        assert_int_equal(counters.copurchase_bytes,
                         copurchase_bytes(&rf.shards[i]->recommend.bought));
        sum.copurchase_tables += counters.copurchase_tables;
        sum.copurchase_slots += counters.copurchase_slots;
        sum.copurchase_bytes += counters.copurchase_bytes;
        sum.copurchase_thinned += counters.copurchase_thinned;
        sum.copurchase_lost += counters.copurchase_lost;
    }
    assert_int_equal(sum.copurchase_tables, 4);
    assert_true(sum.copurchase_slots >= 6 && sum.copurchase_slots <= 8); /* by level of the order */
    assert_true(sum.copurchase_bytes > 4 * sizeof(struct copurchase_table) + 8 * 6);
    assert_int_equal(sum.copurchase_thinned + sum.copurchase_lost, 0);
    rf_close(&rf);
}

/* ---- memory ---- */

enum { BASKET = 20 };

/* Checks out one of each of BASKET products with so much memory beyond what is used: the frame's status. */
static u16 buy_with(struct rf *rf, u64 room_bytes)
{
    struct row_checkout_line lines[BASKET];
    struct shard *shard = rf->shards[0];
    for (u32 i = 0; i < BASKET; i++)
        lines[i] =
            (struct row_checkout_line){.sku_id = rf_id(i), .quantity = 1, .agreed_price = -1};
    const struct msg_checkout_req ask = {
        .order = {.high = rf_user(1),
                  .low = rf->town->now_ns / NS_PER_MS << 16 | (rf->order_count & 0xFFFF)},
        .currency = RF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, sizeof lines}};
    shard->options.memory_max = shard_memory_used(shard) + room_bytes;
    const u16 status = town_ask(rf->town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL);
    assert_true(shard_memory_used(shard) <= shard->options.memory_max);
    shard->options.memory_max = 0;
    if (status == STATUS_OK) {
        rf->order_count++;
        town_carry_all(rf->town);
    }
    return status;
}

/* Each of the products has a table of so many slots. */
static void fill_tables(struct copurchase *room, u64 now_ns, u32 slots)
{
    for (u64 product = 0; product < BASKET; product++)
        for (u64 at = 0; at < slots; at++) {
            const u64 products[2] = {rf_id((u32)product), 1000000 + at};
            copurchase_change(
                room,
                &(const struct copurchase_basket){.products = products,
                                                  .count = 2,
                                                  .own_count = 1,
                                                  .order = {.high = product, .low = at},
                                                  .bought_at_ns = now_ns},
                now_ns);
        }
}

/* Tables that may have to grow ask for that before the order is logged: with what is enough without them
 * the order is refused, and nothing has happened; with more it is taken. */
static void memory_of_tables_is_asked_for_before_an_order_is_logged(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 1, BASKET);
    u64 enough = 0;
    while (buy_with(&rf, enough) == STATUS_MEMORY_LIMIT) {
        enough += 64u << 10;
        assert_true(enough < 64u << 20);
    }
    struct copurchase *bought = &rf.shards[0]->recommend.bought;
    const u64 batches = rf.town->batches, slots = bought->slot_count;
    assert_int_equal(slots, BASKET * (BASKET - 1));
    assert_int_equal(buy_with(&rf, enough), STATUS_OK); /* with small tables it is enough again */
    assert_true(rf.town->batches > batches);
    assert_int_equal(rf.order_count, 2);
    assert_int_equal(bought->slot_count, slots); /* the same pairs */

    fill_tables(bought, rf.town->now_ns, 6000);
    assert_true(bought->slot_bytes > 1u << 20);
    const u64 before = rf.town->batches, filled = bought->slot_count;
    const u64 bytes = shard_memory_used(rf.shards[0]);
    const struct id128 digest = shard_digest(rf.shards[0]);
    const u64 grown = MIN(bought->slot_bytes, BASKET * (u64)COPURCHASE_TABLE_BYTES_MAX) / 2;
    assert_int_equal(buy_with(&rf, enough), STATUS_MEMORY_LIMIT);
    assert_int_equal(buy_with(&rf, enough + grown / 2), STATUS_MEMORY_LIMIT);
    assert_int_equal(rf.town->batches, before);
    assert_int_equal(bought->slot_count, filled);
    assert_int_equal(shard_memory_used(rf.shards[0]), bytes);
    const struct id128 after = shard_digest(rf.shards[0]);
    assert_memory_equal(&after, &digest, sizeof digest);
    assert_int_equal(buy_with(&rf, enough + 2 * grown + (1u << 20)), STATUS_OK);
    assert_true(rf.town->batches > before);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 100, true), STATUS_OK);
    gather_loop_close(rf.loop); /* what was filled in is in no log */
    town_close(rf.town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_products_of_an_order_are_related),
        cmocka_unit_test(what_is_cancelled_and_returned_leaves_no_trace),
        cmocka_unit_test(what_is_old_counts_less_and_then_not_at_all),
        cmocka_unit_test(tables_are_counted),
        cmocka_unit_test(memory_of_tables_is_asked_for_before_an_order_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
