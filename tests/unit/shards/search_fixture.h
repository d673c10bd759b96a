/* search_fixture: shops on one and on several shards that get the same commands and the same questions.
 *
 *      sx_open(&sx, 3)                three shards, fed in batches
 *      sx_put(&sx, "MUG", .title = "white mug", .price = 250)
 *      sx_ask(&sx, .query = "mug")    -> sx.rsp, sx.hits ..., texts by sx_title
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_SEARCH_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_SEARCH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/id.h"
#include "proto/messages.h"
#include "proto/route.h"
#include "shards/shard.h"
#include "shards/shard_state.h"
#include "tests/support/feeder.h"
#include "tests/support/gather_loop.h"

#define SX_GBP 826u

struct sx {
    struct feeder *feeder;
    struct gather_loop *loop;
    u16 status;
    struct msg_search_rsp rsp;
    struct record_view view;
    struct row_hit hits[SEARCH_LIMIT_MAX + 10];
    u32 hit_count;
    struct row_facet_value values[8192];
    u32 value_count;
};

struct sx_product {
    const char *title, *brand, *category, *attributes, *description;
    i64 price, price_before;
    u32 popularity;
    u16 margin, marks;
    u64 visible_from_ns, visible_until_ns;
};

struct sx_question {
    const char *query, *filter, *facets;
    struct span cursor;
    u32 limit, offset; /* limit 0: ten */
    bool has_no_hits;  /* limit 0 */
    u64 profile_id, collection_id, only_product_id, user_id;
    u16 flags, sort, ads, bars;
};

static inline struct span sx_text(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = text != NULL ? (u32)strlen(text) : 0};
}

static inline u64 sx_id(const char *code)
{
    return id_from_code(code, strlen(code));
}

static inline void sx_open(struct sx *sx, u16 shards)
{
    memset(sx, 0, sizeof *sx);
    sx->feeder = feeder_open(shards, true);
    sx->loop = gather_loop_open(feeder_shards(sx->feeder), shards);
}

static inline void sx_close(struct sx *sx)
{
    gather_loop_close(sx->loop);
    feeder_close(sx->feeder);
}

static inline void sx_put_product(struct sx *sx, const char *code, struct sx_product product)
{
    const struct msg_product_put_req put = {
        .product_id = sx_id(code),
        .price = product.price != 0 ? product.price : 100,
        .price_before = product.price_before,
        .currency = SX_GBP,
        .popularity = product.popularity,
        .margin = product.margin,
        .marks = product.marks,
        .visible_from_ns = product.visible_from_ns,
        .visible_until_ns = product.visible_until_ns,
    };
    const struct span spans[MESSAGE_SPANS_MAX] = {sx_text(code),
                                                  sx_text(product.title),
                                                  sx_text(product.brand),
                                                  sx_text(product.category),
                                                  sx_text(product.attributes),
                                                  sx_text(product.description)};
    feeder_put(sx->feeder, OPCODE_PRODUCT_PUT, &put, spans);
}
#define sx_put(sx, code, ...) sx_put_product((sx), (code), (struct sx_product){__VA_ARGS__})

static inline void sx_delete(struct sx *sx, const char *code)
{
    const struct msg_product_delete_req record = {.product_id = sx_id(code)};
    feeder_put(sx->feeder, OPCODE_PRODUCT_DELETE, &record, NULL);
}

/* A SKU of the product with stock. */
static inline void sx_stock(struct sx *sx, const char *sku, const char *product, i64 price,
                            i64 quantity)
{
    const struct resource resource = {.id = sx_id(sku)};
    const struct msg_sku_put_req put = {
        .resource = resource, .price = price, .currency = SX_GBP, .product_id = sx_id(product)};
    const struct span code = sx_text(sku);
    feeder_put(sx->feeder, OPCODE_SKU_PUT, &put, &code);
    const struct msg_stock_receive_req receive = {.resource = resource, .quantity = quantity};
    if (quantity != 0)
        feeder_put(sx->feeder, OPCODE_STOCK_RECEIVE, &receive, NULL);
}

static inline void sx_take_answer(struct sx *sx)
{
    const struct span hits = sx->view.spans[SPAN_OF(search_rsp, hits)];
    const struct span values = sx->view.spans[SPAN_OF(search_rsp, values)];
    sx->hit_count = hits.bytes / (u32)sizeof sx->hits[0];
    sx->value_count = values.bytes / (u32)sizeof sx->values[0];
    if (hits.bytes != 0)
        memcpy(sx->hits, hits.data, hits.bytes);
    if (values.bytes != 0)
        memcpy(sx->values, values.data, values.bytes);
}

static inline void sx_ask_question(struct sx *sx, struct sx_question question)
{
    const struct msg_search_req req = {.user_id = question.user_id,
                                       .profile_id = question.profile_id,
                                       .collection_id = question.collection_id,
                                       .only_product_id = question.only_product_id,
                                       .limit = question.has_no_hits  ? 0
                                                : question.limit == 0 ? 10
                                                                      : question.limit,
                                       .offset = question.offset,
                                       .flags = question.flags,
                                       .sort = question.sort,
                                       .ads = question.ads,
                                       .bars = question.bars};
    const struct span spans[MESSAGE_SPANS_MAX] = {sx_text(question.query), sx_text(question.filter),
                                                  sx_text(question.facets), question.cursor};
    feeder_flush(sx->feeder);
    sx->status = gather_loop_ask(sx->loop, OPCODE_SEARCH, feeder_now_ns(sx->feeder), &req, spans,
                                 &sx->rsp, &sx->view);
    sx_take_answer(sx);
}
#define sx_ask(sx, ...) sx_ask_question((sx), (struct sx_question){__VA_ARGS__})

/* A setting of a name, which is for every shard. */
static inline void sx_setting(struct sx *sx, u16 opcode, const void *put, const struct span *spans)
{
    assert_int_equal(feeder_call(sx->feeder, opcode, put, spans, NULL), STATUS_OK);
    feeder_flush(sx->feeder);
}

static inline void sx_synonym(struct sx *sx, const char *name, const char *words, bool is_one_way)
{
    const struct msg_synonym_put_req put = {.home_id = sx_id(name), .is_one_way = is_one_way};
    const struct span span = sx_text(words);
    sx_setting(sx, OPCODE_SYNONYM_PUT, &put, &span);
}

static inline void sx_stop_words(struct sx *sx, const char *words)
{
    const struct msg_stop_words_put_req put = {.home_id = sx_id("stop")};
    const struct span span = sx_text(words);
    sx_setting(sx, OPCODE_STOP_WORDS_PUT, &put, &span);
}

static inline void sx_attribute(struct sx *sx, const char *name, u16 type, bool is_searched)
{
    struct msg_attribute_put_req put = {.home_id = POLICY_HOME_ID,
                                        .attribute_id = sx_id(name),
                                        .type = type,
                                        .is_searched = is_searched};
    memcpy(put.name.bytes, name, strlen(name));
    sx_setting(sx, OPCODE_ATTRIBUTE_PUT, &put, NULL);
}

struct sx_curation {
    const char *words, *category;
    u64 valid_from_ns, valid_until_ns;
    bool is_part, is_off;
};

static inline void sx_curate(struct sx *sx, const char *name, struct sx_curation curation,
                             const struct row_curation_action *actions, u32 count)
{
    const struct msg_curation_put_req put = {
        .home_id = sx_id(name),
        .category_id = curation.category != NULL ? sx_id(curation.category) : 0,
        .valid_from_ns = curation.valid_from_ns,
        .valid_until_ns = curation.valid_until_ns,
        .is_part = curation.is_part,
        .is_off = curation.is_off};
    const struct span spans[] = {
        sx_text(curation.words),
        {.data = (const u8 *)actions, .bytes = count * (u32)sizeof *actions}};
    sx_setting(sx, OPCODE_CURATION_PUT, &put, spans);
}

/* An ad with a budget of so many units. */
static inline void sx_ad(struct sx *sx, const char *name, const char *product, const char *words,
                         i64 bid, i64 budget)
{
    const struct msg_ad_put_req put = {
        .home_id = sx_id(name), .product_id = sx_id(product), .bid = bid};
    const struct span span = sx_text(words);
    const struct resource resource = {.id = sx_id(name), .kind = RESOURCE_KIND_AD_BUDGET};
    const struct msg_sku_put_req sku = {
        .resource = resource, .currency = SX_GBP, .product_id = sx_id(product)};
    const struct span code = sx_text(name);
    const struct msg_stock_receive_req receive = {.resource = resource, .quantity = budget};
    sx_setting(sx, OPCODE_AD_PUT, &put, &span);
    assert_int_equal(feeder_call(sx->feeder, OPCODE_SKU_PUT, &sku, &code, NULL), STATUS_OK);
    if (budget != 0)
        assert_int_equal(feeder_call(sx->feeder, OPCODE_STOCK_RECEIVE, &receive, NULL, NULL),
                         STATUS_OK);
    feeder_flush(sx->feeder);
}

/* Codes of the hits with commas. */
static inline const char *sx_codes(const struct sx *sx)
{
    static char codes[16384];
    const struct span texts = sx->view.spans[SPAN_OF(search_rsp, texts)];
    u32 used = 0;
    codes[0] = 0;
    for (u32 i = 0; i < sx->hit_count; i++) {
        const struct row_hit *hit = &sx->hits[i];
        assert_true(hit->text_offset + hit->code_bytes + hit->title_bytes <= texts.bytes);
        used += (u32)snprintf(codes + used, sizeof codes - used, "%s%.*s", i != 0 ? "," : "",
                              (int)hit->code_bytes, (const char *)texts.data + hit->text_offset);
    }
    return codes;
}

static inline const char *sx_span(const struct sx *sx, u32 span)
{
    static char text[16400];
    const struct span from = sx->view.spans[span];
    assert_true(from.bytes < sizeof text);
    if (from.bytes != 0)
        memcpy(text, from.data, from.bytes);
    text[from.bytes] = 0;
    return text;
}

/* "red 3,blue 1" of a facet. */
static inline const char *sx_facet(const struct sx *sx, u32 facet)
{
    static char text[65536];
    const struct span texts = sx->view.spans[SPAN_OF(search_rsp, texts)];
    u32 used = 0;
    text[0] = 0;
    for (u32 i = 0; i < sx->value_count; i++) {
        const struct row_facet_value *value = &sx->values[i];
        if (value->facet != facet)
            continue;
        assert_true(value->text_offset + value->text_bytes <= texts.bytes);
        used += (u32)snprintf(text + used, sizeof text - used, "%s%.*s %u%s", used != 0 ? "," : "",
                              (int)value->text_bytes, (const char *)texts.data + value->text_offset,
                              value->count, value->is_chosen != 0 ? "*" : "");
    }
    return text;
}

/* The shop `sx` of a test program, on one shard and on three, filled by `fill()`; each test runs on both. */
#define SX_SHOP(fill)                   \
    static int open_one(void **state)   \
    {                                   \
        (void)state;                    \
        sx_open(&sx, 1);                \
        fill();                         \
        return 0;                       \
    }                                   \
    static int open_three(void **state) \
    {                                   \
        (void)state;                    \
        sx_open(&sx, 3);                \
        fill();                         \
        return 0;                       \
    }                                   \
    static int close_all(void **state)  \
    {                                   \
        (void)state;                    \
        sx_close(&sx);                  \
        return 0;                       \
    }
#define SX_ON_BOTH(test)                                        \
    cmocka_unit_test_setup_teardown(test, open_one, close_all), \
    {                                                           \
        "three_" #test, test, open_three, close_all, NULL       \
    }

#define sx_expect(sx, codes)                        \
    do {                                            \
        assert_int_equal((sx)->status, STATUS_OK);  \
        assert_string_equal(sx_codes(sx), (codes)); \
    } while (0)

#endif
