/* catalog_town: products and SKUs on several shards, for tests of what a product knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_CATALOG_TOWN_H
#define SOUK_TESTS_UNIT_SHARDS_CATALOG_TOWN_H

#include <stdio.h>

#include "proto/route.h"
#include "shards/catalog/alias.h"
#include "tests/support/gather_loop.h"
#include "tests/town/town.h"
#include "tests/unit/shards/shard_fixture.h"

#define CT_SHARDS 3u

struct ct {
    struct town *town;
    struct gather_loop *loop;
    struct shard *shards[CT_SHARDS];
    struct msg_product_page_rsp page; /* the last one, with its view */
    struct record_view view;
};

static inline struct span ct_text(const char *from)
{
    return (struct span){.data = (const u8 *)from, .bytes = (u32)strlen(from)};
}

static inline void ct_open(struct ct *ct)
{
    memset(ct, 0, sizeof *ct);
    ct->town = town_open(
        &(const struct town_options){.shard_count = CT_SHARDS, .seed = 7, .keeps_log = true});
    ct->loop = gather_loop_open(ct->shards, CT_SHARDS);
}

static inline void ct_close(struct ct *ct)
{
    town_carry_all(ct->town);
    town_verify(ct->town);
    for (u16 i = 0; i < CT_SHARDS; i++) {
        town_restart(ct->town, i);
        town_thaw(ct->town, i);
    }
    town_verify(ct->town);
    gather_loop_close(ct->loop);
    town_close(ct->town);
}

static inline u16 ct_home(u64 id)
{
    return route_shard(route_hash_u64(id), CT_SHARDS);
}
static inline u16 ct_sku_home(u64 id)
{
    return route_shard(route_hash_resource(fx_sku(id)), CT_SHARDS);
}
/* Ids on a shard, from `first` on. */
static inline u64 ct_product_on(u16 shard, u64 first)
{
    u64 id = first;
    while (ct_home(id) != shard)
        id++;
    return id;
}
static inline u64 ct_sku_on(u16 shard, u64 first)
{
    u64 id = first;
    while (ct_sku_home(id) != shard)
        id++;
    return id;
}

/* A product "P<id>" of 5 pounds. */
static inline u16 ct_product(struct ct *ct, u64 id, u64 if_version, struct span page)
{
    char code[32], slug[32];
    (void)snprintf(code, sizeof code, "P%llu", (unsigned long long)id);
    (void)snprintf(slug, sizeof slug, "slug-%llu", (unsigned long long)id);
    const struct msg_product_put_req put = {
        .product_id = id, .if_version = if_version, .price = 500, .currency = FX_GBP};
    const struct span spans[] = {ct_text(code),         ct_text("A title"), ct_text("Brand"),
                                 ct_text("home/lamps"), ct_text("a=b"),     ct_text("Words."),
                                 ct_text(slug),         ct_text(""),        page};
    struct msg_product_put_rsp reply;
    return town_ask(ct->town, OPCODE_PRODUCT_PUT, 0, &put, spans, &reply, NULL);
}

static inline u16 ct_patch(struct ct *ct, struct msg_product_patch_req patch)
{
    struct msg_product_patch_rsp reply;
    const struct span spans[MESSAGE_SPANS_MAX] = {{NULL, 0}};
    return town_ask(ct->town, OPCODE_PRODUCT_PATCH, 0, &patch, spans, &reply, NULL);
}

struct ct_sku {
    u64 id, product;
    i64 price;
    u16 low_at;
    u16 kind;
};
static inline void ct_sku(struct ct *ct, struct ct_sku sku)
{
    char code[32];
    (void)snprintf(code, sizeof code, "S%llu", (unsigned long long)sku.id);
    const struct msg_sku_put_req put = {.resource = {.id = sku.id, .kind = sku.kind},
                                        .product_id = sku.product,
                                        .price = sku.price,
                                        .currency = FX_GBP,
                                        .low_at = sku.low_at};
    const struct span span = ct_text(code);
    struct msg_sku_put_rsp reply;
    assert_int_equal(town_ask(ct->town, OPCODE_SKU_PUT, 0, &put, &span, &reply, NULL), STATUS_OK);
}

static inline u16 ct_receive(struct ct *ct, u64 sku, i64 quantity)
{
    struct msg_stock_receive_rsp reply;
    return town_ask(
        ct->town, OPCODE_STOCK_RECEIVE, 0,
        &(const struct msg_stock_receive_req){.resource = fx_sku(sku), .quantity = quantity}, NULL,
        &reply, NULL);
}
static inline u16 ct_take(struct ct *ct, u64 sku, i64 quantity)
{
    struct msg_take_rsp reply;
    return town_ask(ct->town, OPCODE_TAKE, 0,
                    &(const struct msg_take_req){.resource = fx_sku(sku), .quantity = quantity},
                    NULL, &reply, NULL);
}
static inline u16 ct_hold(struct ct *ct, u64 sku, i64 quantity, u64 number, u64 lease_ms)
{
    struct msg_hold_rsp reply;
    const struct msg_hold_req hold = {.resource = fx_sku(sku),
                                      .quantity = quantity,
                                      .id = fx_id(ct->town->now_ns / NS_PER_MS, number),
                                      .lease_ms = lease_ms};
    return town_ask(ct->town, OPCODE_HOLD, 0, &hold, NULL, &reply, NULL);
}

static inline struct msg_product_card_rsp ct_card(struct ct *ct, u64 product)
{
    struct msg_product_card_rsp reply;
    struct record_view view;
    (void)town_ask(ct->town, OPCODE_PRODUCT_CARD, 0,
                   &(const struct msg_product_card_req){.product_id = product}, NULL, &reply,
                   &view);
    return reply;
}

static inline u16 ct_page(struct ct *ct, struct msg_product_page_req ask, const char *alias)
{
    const struct span span = ct_text(alias);
    for (u16 i = 0; i < CT_SHARDS; i++)
        ct->shards[i] = ct->town->shards[i].shard;
    return gather_loop_ask(ct->loop, OPCODE_PRODUCT_PAGE, ct->town->now_ns, &ask, &span, &ct->page,
                           &ct->view);
}
/* The SKUs of the last page. */
static inline const struct row_page_sku *ct_skus(const struct ct *ct, u32 *count)
{
    static struct row_page_sku rows[PRODUCT_SKUS_MAX]; /* in the record they are not aligned */
    const struct span span = ct->view.spans[SPAN_OF(product_page_rsp, skus)];
    *count = span.bytes / (u32)sizeof(struct row_page_sku);
    MUST(span.bytes <= sizeof rows);
    if (span.bytes != 0)
        memcpy(rows, span.data, span.bytes);
    return rows;
}

static inline u64 ct_mail_sent(const struct ct *ct, u16 shard)
{
    struct shard_counters counters;
    shard_counters_read(ct->town->shards[shard].shard, &counters);
    return counters.mail_sent;
}

#endif
