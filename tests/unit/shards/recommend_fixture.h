/* recommend_fixture: a town whose goods cost nothing, so that a checkout is paid at once, and questions
 * about recommendations over its shards.
 *
 *      struct rf rf;
 *      rf_open(&rf, 3, 10);                      products 0 to 9, one SKU each, all in stock
 *      rf_order(&rf, (u32[]){1, 2, 3}, 3);
 *      rf_related(&rf, 1, RELATED_BOUGHT, 10, true);
 *      rf.rows[0].product_id == rf_id(2)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_RECOMMEND_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_RECOMMEND_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/route.h"
#include "proto/saga.h"
#include "shards/shard_state.h"
#include "tests/support/gather_loop.h"
#include "tests/town/town.h"

#define RF_GBP      826u
#define RF_PRODUCTS 64u
#define RF_DAY_NS   (24ull * 3600 * NS_PER_S)

struct rf {
    struct town *town;
    struct gather_loop *loop;
    struct shard *shards[TOWN_SHARDS_MAX];
    u32 product_count;
    u32 order_count;
    u32 row_count;
    struct row_recommended rows[RECOMMEND_LIMIT_MAX];
    char titles[RECOMMEND_LIMIT_MAX][TITLE_BYTES_MAX + 1];
};

static inline void rf_code(u32 product, char *to)
{
    (void)snprintf(to, 24, "product-%u", product);
}

static inline u64 rf_id(u32 product)
{
    char code[24];
    rf_code(product, code);
    return id_from_code(code, strlen(code));
}

static inline u64 rf_user(u32 user)
{
    return 5000 + user;
}

/* The shards of a town change when they are made again. */
static inline void rf_look(struct rf *rf)
{
    for (u16 i = 0; i < rf->town->options.shard_count; i++)
        rf->shards[i] = rf->town->shards[i].shard;
}

struct rf_texts {
    const char *title, *brand, *category, *attributes;
    u16 marks;
    u32 popularity;
};

static inline struct span rf_span(const char *text)
{
    return (struct span){(const u8 *)text, text == NULL ? 0 : (u32)strlen(text)};
}

static inline void rf_put(struct rf *rf, u32 product, struct rf_texts texts)
{
    char code[24];
    rf_code(product, code);
    const struct msg_product_put_req put = {.product_id = rf_id(product),
                                            .price = 100 + product,
                                            .currency = RF_GBP,
                                            .popularity = texts.popularity,
                                            .marks = texts.marks};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        rf_span(code), rf_span(texts.title == NULL ? code : texts.title), rf_span(texts.brand),
        rf_span(texts.category), rf_span(texts.attributes)};
    assert_int_equal(town_ask(rf->town, OPCODE_PRODUCT_PUT, 0, &put, spans, NULL, NULL), STATUS_OK);
}

static inline void rf_stock(struct rf *rf, u32 product, i64 units)
{
    const struct resource sku = {.id = rf_id(product)};
    const struct msg_stock_adjust_req adjust = {.resource = sku, .delta = units, .reason = 1};
    assert_int_equal(town_ask(rf->town, OPCODE_STOCK_ADJUST, 0, &adjust, NULL, NULL, NULL),
                     STATUS_OK);
    town_carry_all(rf->town);
}

static inline void rf_sku(struct rf *rf, u32 product, i64 units)
{
    char code[24];
    rf_code(product, code);
    const struct resource sku = {.id = rf_id(product)};
    const struct msg_sku_put_req put = {
        .resource = sku, .product_id = rf_id(product), .currency = RF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {rf_span(code)};
    assert_int_equal(town_ask(rf->town, OPCODE_SKU_PUT, 0, &put, spans, NULL, NULL), STATUS_OK);
    const struct msg_stock_receive_req receive = {.resource = sku, .quantity = units};
    if (units != 0)
        assert_int_equal(town_ask(rf->town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, NULL, NULL),
                         STATUS_OK);
}

static inline void rf_open(struct rf *rf, u16 shards, u32 products)
{
    memset(rf, 0, sizeof *rf);
    rf->town = town_open(
        &(const struct town_options){.shard_count = shards, .seed = 11, .keeps_log = true});
    rf_look(rf);
    rf->loop = gather_loop_open(rf->shards, shards);
    rf->product_count = products;
    for (u32 i = 0; i < products; i++) {
        rf_put(rf, i, (struct rf_texts){.category = "goods"});
        rf_sku(rf, i, 1000000);
    }
    town_carry_all(rf->town);
}

static inline void rf_close(struct rf *rf)
{
    town_carry_all(rf->town);
    town_verify(rf->town);
    for (u16 i = 0; i < rf->town->options.shard_count; i++) {
        town_restart(rf->town, i);
        town_thaw(rf->town, i);
        const struct copurchase *bought = &rf->town->shards[i].shard->recommend.bought;
        assert_true(copurchase_valid(bought));
        assert_int_equal(bought->lost, 0);
    }
    gather_loop_close(rf->loop);
    town_close(rf->town);
}

/* One unit of each, two lines of those that are odd. */
static inline struct id128 rf_order(struct rf *rf, const u32 *products, u32 count)
{
    struct row_checkout_line lines[2 * RF_PRODUCTS];
    u32 lines_count = 0;
    for (u32 i = 0; i < count; i++)
        for (u32 copy = 0; copy <= products[i] % 2; copy++)
            lines[lines_count++] = (struct row_checkout_line){
                .sku_id = rf_id(products[i]), .options = copy, .quantity = 1, .agreed_price = -1};
    const u32 number = rf->order_count++;
    const struct msg_checkout_req ask = {
        .order = {.high = rf_user(number % 7),
                  .low = rf->town->now_ns / NS_PER_MS << 16 | (number & 0xFFFF)},
        .currency = RF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines, lines_count * (u32)sizeof lines[0]}};
    assert_int_equal(town_ask(rf->town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL), STATUS_OK);
    town_carry_all(rf->town);
    return ask.order;
}

/* ---- questions ---- */

static inline u16 rf_ask(struct rf *rf, u16 opcode, const void *fixed, const struct span *spans)
{
    struct record_view view;
    rf_look(rf);
    const u16 status =
        gather_loop_ask(rf->loop, opcode, rf->town->now_ns, fixed, spans, NULL, &view);
    STATIC_CHECK(SPAN_OF(related_rsp, items) == SPAN_OF(trending_rsp, items));
    STATIC_CHECK(SPAN_OF(related_rsp, items) == SPAN_OF(recommend_rsp, items));
    const struct span items = view.spans[SPAN_OF(related_rsp, items)];
    const struct span texts = view.spans[SPAN_OF(related_rsp, texts)];
    rf->row_count = items.bytes / (u32)sizeof rf->rows[0];
    assert_true(rf->row_count <= RECOMMEND_LIMIT_MAX);
    if (items.bytes != 0)
        memcpy(rf->rows, items.data, items.bytes);
    for (u32 i = 0; i < rf->row_count; i++) {
        const struct row_recommended *row = &rf->rows[i];
        assert_true(row->text_offset + row->code_bytes + row->title_bytes <= texts.bytes);
        assert_int_equal(row->product_id,
                         id_from_code(texts.data + row->text_offset, row->code_bytes));
        memcpy(rf->titles[i], texts.data + row->text_offset + row->code_bytes, row->title_bytes);
        rf->titles[i][row->title_bytes] = 0;
        if (i > 0)
            assert_true(rf->rows[i - 1].score >= row->score);
    }
    return status;
}

static inline u16 rf_related(struct rf *rf, u32 product, u16 kind, u32 limit, bool is_strict)
{
    const struct msg_related_req ask = {
        .product_id = rf_id(product), .limit = limit, .kind = kind, .is_strict = is_strict ? 1 : 0};
    return rf_ask(rf, OPCODE_RELATED, &ask, NULL);
}

static inline u16 rf_track(struct rf *rf, u32 user, u32 product, u16 kind)
{
    const struct msg_track_req ask = {
        .user_id = rf_user(user), .product_id = rf_id(product), .kind = kind};
    rf_look(rf);
    return gather_loop_ask(rf->loop, OPCODE_TRACK, rf->town->now_ns, &ask, NULL, NULL, NULL);
}

/* Where a product is in the last answer; row_count if it is not. */
static inline u32 rf_place(const struct rf *rf, u32 product)
{
    u32 at = 0;
    while (at < rf->row_count && rf->rows[at].product_id != rf_id(product))
        at++;
    return at;
}

static inline bool rf_has(const struct rf *rf, u32 product)
{
    return rf_place(rf, product) < rf->row_count;
}

#endif
