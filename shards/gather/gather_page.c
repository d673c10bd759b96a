/* gather_page: product_page: everything that a product's page shows.
 *
 *      by slug or key   round 0  alias_get    at the alias's shard -> product_id
 *                       round 1  page_part    at the product's shard: texts, facts, rating, SKUs
 *      exact stock      round 2  stock_get    at every SKU's shard
 *      recommended      then     gather_recommend_for_page, until it asks nothing; not beside the SKUs,
 *                                which may be as many as there are asks in a round
 *
 * A step that is not needed is left out. A product that is not there, not shown or not modified ends it
 * after the first answer of its shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/route.h"
#include "shards/catalog/alias.h"
#include "shards/gather/gather.h"
#include "shards/gather/gather_recommend.h"

enum page_step { PAGE_STEP_ALIAS, PAGE_STEP_PRODUCT, PAGE_STEP_STOCK, PAGE_STEP_RECOMMEND };

struct page_state {
    u32 step; /* enum page_step: whose answers come next */
    u32 sku_count;
    u64 product_id;
    struct row_page_sku *skus;
    struct recommend_job *job;
};

static struct msg_product_page_req request_of(const struct gather *gather)
{
    struct msg_product_page_req ask;
    memcpy(&ask, gather->fixed, sizeof ask);
    return ask;
}

static struct span alias_of(const struct gather *gather)
{
    return gather->spans[SPAN_OF(product_page_req, alias)];
}

#define PAGE_FLAGS_ALL (PAGE_FLAG_EXACT_STOCK | PAGE_FLAG_NO_BLOB | PAGE_FLAG_STAFF)

static bool is_good(const struct gather *gather, const struct msg_product_page_req *ask)
{
    const u32 alias_bytes = alias_of(gather).bytes;
    if (ask->recommended > RECOMMEND_LIMIT_MAX || (ask->flags & ~(u32)PAGE_FLAGS_ALL) != 0)
        return false;
    if (ask->by == PAGE_BY_ID)
        return ask->product_id != 0 && alias_bytes == 0;
    return (ask->by == PAGE_BY_SLUG || ask->by == PAGE_BY_KEY) && ask->product_id == 0 &&
           alias_bytes != 0;
}

static void ask_alias(struct gather *gather, const struct msg_product_page_req *ask)
{
    const u16 kind = ask->by == PAGE_BY_SLUG ? ALIAS_KIND_SLUG : ALIAS_KIND_KEY;
    const struct msg_alias_get_req get = {
        .alias_id = alias_id_of((enum alias_kind)kind, alias_of(gather)), .kind = kind};
    const u16 shard = route_shard(route_hash_u64(get.alias_id), gather->shard_count);
    gather_ask(gather, OPCODE_ALIAS_GET, shard, &get, NULL);
}

static void ask_product(struct gather *gather, const struct msg_product_page_req *ask,
                        u64 product_id)
{
    const struct msg_page_part_req part = {
        .product_id = product_id, .if_version = ask->if_version, .flags = ask->flags};
    const u16 shard = route_shard(route_hash_u64(product_id), gather->shard_count);
    gather_ask(gather, OPCODE_PAGE_PART, shard, &part, NULL);
}

static void ask_stock(struct gather *gather, const struct page_state *state)
{
    for (u32 i = 0; i < state->sku_count; i++) {
        const struct resource key = {.id = state->skus[i].sku_id, .kind = RESOURCE_KIND_SKU};
        const struct msg_stock_get_req get = {.resource = key};
        gather_ask(gather, OPCODE_STOCK_GET,
                   route_shard(route_hash_resource(key), gather->shard_count), &get, NULL);
    }
}
STATIC_CHECK(PRODUCT_SKUS_MAX <= GATHER_ASKS_MAX);

/* The alias's shard has answered. */
static void on_alias(struct gather *gather, struct page_state *state)
{
    const struct msg_product_page_req ask = request_of(gather);
    const struct record_view *view = &gather->asks[0].answer;
    const struct span text = view->spans[SPAN_OF(alias_get_rsp, alias)];
    const struct span wanted = alias_of(gather);
    struct msg_alias_get_rsp answer;
    memcpy(&answer, view->fixed, sizeof answer);
    if (answer.head.status != STATUS_OK || text.bytes != wanted.bytes ||
        memcmp(text.data, wanted.data, text.bytes) != 0) {
        gather_refuse(gather, STATUS_NOT_FOUND);
        return;
    }
    state->product_id = answer.product_id;
    state->step = PAGE_STEP_PRODUCT;
    ask_product(gather, &ask, answer.product_id);
}

/* Of the reply: fixed part and texts. The SKUs are ours to change. */
static bool take_page(struct gather *gather, struct page_state *state,
                      const struct msg_page_part_rsp *part, const struct span *spans)
{
    struct msg_product_page_rsp *reply = (struct msg_product_page_rsp *)(void *)gather->reply;
    reply->product_id = state->product_id;
    reply->version = part->version;
    reply->created_at_ns = part->created_at_ns;
    reply->as_of_lsn = part->as_of_lsn;
    reply->is_not_modified = part->is_not_modified;
    memcpy(&reply->page_version, &part->page_version,
           sizeof *part - offsetof(struct msg_page_part_rsp, page_version));
    memcpy(gather->reply_spans, spans, SPAN_OF(page_part_rsp, skus) * sizeof *spans);
    const struct span skus = spans[SPAN_OF(page_part_rsp, skus)];
    state->sku_count = skus.bytes / (u32)sizeof(struct row_page_sku);
    if (state->sku_count == 0)
        return true;
    state->skus = gather_acquire(gather, skus.bytes);
    if (state->skus == NULL)
        return false;
    memcpy(state->skus, skus.data, skus.bytes);
    gather->reply_spans[SPAN_OF(product_page_rsp, skus)] =
        (struct span){.data = (const u8 *)state->skus, .bytes = skus.bytes};
    return true;
}
STATIC_CHECK(SPAN_OF(page_part_rsp, skus) == SPAN_OF(product_page_rsp, skus));
STATIC_CHECK(sizeof(struct msg_product_page_rsp) -
                 offsetof(struct msg_product_page_rsp, page_version) ==
             sizeof(struct msg_page_part_rsp) - offsetof(struct msg_page_part_rsp, page_version));

/* ---- recommendations ---- */

static void go_on_recommending(struct gather *gather, const struct page_state *state)
{
    if (!gather_recommend_ask(gather, state->job))
        gather_recommend_take(gather, state->job,
                              &gather->reply_spans[SPAN_OF(product_page_rsp, items)],
                              &gather->reply_spans[SPAN_OF(product_page_rsp, texts)]);
}

/* The last step, if it is wanted. Without memory the page goes without. */
static void begin_recommending(struct gather *gather, struct page_state *state)
{
    const struct msg_product_page_req ask = request_of(gather);
    if (ask.recommended == 0)
        return;
    state->job = gather_recommend_for_page(gather, state->product_id, ask.user_id, ask.recommended);
    if (state->job == NULL)
        return;
    state->step = PAGE_STEP_RECOMMEND;
    go_on_recommending(gather, state);
}

static void on_product(struct gather *gather, struct page_state *state)
{
    const struct msg_product_page_req ask = request_of(gather);
    const struct record_view *view = &gather->asks[0].answer;
    struct msg_page_part_rsp part;
    memcpy(&part, view->fixed, sizeof part);
    if (part.head.status != STATUS_OK) {
        gather_refuse(gather, part.head.status);
        return;
    }
    if (!take_page(gather, state, &part, view->spans)) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    if (part.is_not_modified != 0)
        return;
    if ((ask.flags & PAGE_FLAG_EXACT_STOCK) == 0 || state->sku_count == 0) {
        begin_recommending(gather, state);
        return;
    }
    state->step = PAGE_STEP_STOCK;
    ask_stock(gather, state);
}

/* Every SKU's shard has answered: what it says is newer than what the product knows. */
static void on_stock(struct gather *gather, struct page_state *state)
{
    MUST(gather->ask_count == state->sku_count);
    for (u32 i = 0; i < state->sku_count; i++) {
        struct msg_stock_get_rsp answer;
        memcpy(&answer, gather->asks[i].answer.fixed, sizeof answer);
        if (answer.head.status == STATUS_OK)
            state->skus[i].sellable = answer.sellable;
    }
    begin_recommending(gather, state);
}

void gather_product_page(struct gather *gather)
{
    const struct msg_product_page_req ask = request_of(gather);
    struct page_state *state = gather->state;
    if (state == NULL) {
        state = gather->state = gather_acquire(gather, sizeof *state);
        if (state == NULL || !is_good(gather, &ask)) {
            gather_refuse(gather, state == NULL ? STATUS_TOO_LARGE : STATUS_BAD_ARGUMENT);
            return;
        }
        *state = (struct page_state){.product_id = ask.product_id};
        state->step = ask.by == PAGE_BY_ID ? PAGE_STEP_PRODUCT : PAGE_STEP_ALIAS;
        if (ask.by == PAGE_BY_ID)
            ask_product(gather, &ask, ask.product_id);
        else
            ask_alias(gather, &ask);
        return;
    }
    switch ((enum page_step)state->step) {
    case PAGE_STEP_ALIAS: on_alias(gather, state); return;
    case PAGE_STEP_PRODUCT: on_product(gather, state); return;
    case PAGE_STEP_STOCK: on_stock(gather, state); return;
    case PAGE_STEP_RECOMMEND:
        gather_recommend_hear(gather, state->job);
        go_on_recommending(gather, state);
        return;
    }
    PANIC("no such step of a page");
}
