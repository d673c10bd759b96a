/* catalog_ops: product_put, patch, delete, get: the questions and their order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/catalog/catalog_live.h"
#include "shards/search/search.h"
#include "shards/shard_handlers.h"

static bool texts_good(const struct span *texts, u32 used)
{
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++)
        if ((used & (1u << i)) != 0 && !product_text_good(i, texts[i]))
            return false;
    return true;
}

/* The facts stand in puts, patches and answers as PRODUCT_FACTS lists them, without padding. */
#define FACTS_AT(op) offsetof(struct msg_##op, price)
#define FACTS_FIT(op)                                                                     \
    STATIC_CHECK(FACTS_AT(op) + sizeof(struct product_facts) <= sizeof(struct msg_##op)); \
    STATIC_CHECK(offsetof(struct msg_##op, zero1) - FACTS_AT(op) ==                       \
                 offsetof(struct product_facts, zero1))
FACTS_FIT(product_put_req);
FACTS_FIT(product_patch_req);
FACTS_FIT(product_get_rsp);

static struct product_facts facts_of(const void *message, size_t at)
{
    struct product_facts facts;
    memcpy(&facts, (const u8 *)message + at, sizeof facts);
    return facts;
}

/* May a product that exists be changed by a request for this version? */
static bool version_fits(const struct product *product, u64 if_version)
{
    return if_version == VERSION_ANY || if_version == product->version;
}

static u16 judge_put(const struct catalog *catalog, u32 index,
                     const struct msg_product_put_req *ask, struct span code)
{
    const struct product *product = index != 0 ? product_at(catalog, index) : NULL;
    if (product == NULL || product->version == 0) /* only a SKU has named it */
        return ask->if_version == VERSION_ANY || ask->if_version == VERSION_ABSENT
                   ? STATUS_OK
                   : STATUS_NOT_FOUND;
    if (product->text_bytes[PRODUCT_TEXT_CODE] != code.bytes ||
        memcmp(product->blob, code.data, code.bytes) != 0)
        return STATUS_ID_COLLISION;
    if (product->is_deleted != 0 && ask->if_version == VERSION_ABSENT)
        return STATUS_OK;
    return version_fits(product, ask->if_version) ? STATUS_OK : STATUS_VERSION_CONFLICT;
}

/* The words that a search looks at. */
static bool is_searched(u32 text)
{
    return text <= PRODUCT_TEXT_DESCRIPTION;
}
STATIC_CHECK(PRODUCT_TEXT_CODE == 0 && PRODUCT_TEXT_DESCRIPTION == 5);

/* Gives the product these texts, of which the page is stored as it is or packed, and says what the
 * search room must look at again: `what` at least. */
static void change_texts(struct catalog *catalog, u32 index, const struct span *texts,
                         u32 page_bytes, u32 what)
{
    const struct product *product = product_at(catalog, index);
    struct span now[PRODUCT_TEXT_COUNT];
    product_texts(product, now);
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++)
        if (is_searched(i) &&
            (now[i].bytes != texts[i].bytes ||
             (now[i].bytes != 0 && memcmp(now[i].data, texts[i].data, now[i].bytes) != 0)))
            what = SEARCH_REFRESH_TEXT;
    catalog_set_texts(catalog, index, texts, page_bytes);
    catalog_derive(product_at(catalog, index));
    catalog_touch(catalog, index, what);
}

void shard_apply_product_put(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_product_put_req ask;
    struct msg_product_put_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    struct span texts[PRODUCT_TEXT_COUNT];
    memcpy(texts, call->spans, sizeof texts);
    const struct product_facts facts = facts_of(&ask, FACTS_AT(product_put_req));
    const bool is_good = product_facts_good(&facts) && texts[PRODUCT_TEXT_CODE].bytes != 0 &&
                         texts_good(texts, (1u << PRODUCT_TEXT_COUNT) - 1);
    u16 status = shard_call_refusal_create(call, is_good);
    if (status == STATUS_OK)
        status = judge_put(catalog, call->object, &ask, texts[PRODUCT_TEXT_CODE]);
    answer->head.status = status;
    if (status != STATUS_OK) {
        if (status == STATUS_VERSION_CONFLICT)
            answer->version = product_at(catalog, call->object)->version;
        return;
    }
    const u32 index =
        call->object != 0 ? call->object : catalog_create(catalog, call->hash, ask.product_id);
    catalog_before_change(catalog, index);
    struct product *product = product_at(catalog, index);
    product->facts = facts;
    const u32 what = product->is_deleted != 0 ? SEARCH_REFRESH_TEXT : SEARCH_REFRESH_COLUMNS;
    if (product->is_deleted != 0)
        product->created_at_ns = call->now_ns;
    product->version++;
    const u32 page_bytes = texts[PRODUCT_TEXT_PAGE].bytes;
    texts[PRODUCT_TEXT_PAGE] = catalog_pack_page(texts[PRODUCT_TEXT_PAGE], shard->scratch);
    catalog_set_deleted(catalog, index, false);
    change_texts(catalog, index, texts, page_bytes, what);
    answer->version = product->version;
    MUST(product->version != 0 && product->version != VERSION_ABSENT);
}

/* For patch and delete: must exist, and have the version. */
static u16 judge_existing(const struct catalog *catalog, const struct shard_call *call,
                          bool is_good, u64 if_version, u64 *version)
{
    const u16 status = shard_call_refusal(call, is_good);
    if (status != STATUS_OK)
        return status;
    const struct product *product = product_at(catalog, call->object);
    if (product->is_deleted != 0)
        return STATUS_NOT_FOUND;
    if (version_fits(product, if_version))
        return STATUS_OK;
    *version = product->version;
    return STATUS_VERSION_CONFLICT;
}

/* The facts with those that the patch names. */
static struct product_facts patch_facts(const struct product_facts *now,
                                        const struct product_facts *asked, u32 fields)
{
    struct product_facts facts = *now;
    if ((fields & PATCH_FIELD_PRICE) != 0) {
        facts.price = asked->price;
        facts.currency = asked->currency;
    }
    if ((fields & PATCH_FIELD_PRICE_BEFORE) != 0)
        facts.price_before = asked->price_before;
    if ((fields & PATCH_FIELD_VISIBLE) != 0) {
        facts.visible_from_ns = asked->visible_from_ns;
        facts.visible_until_ns = asked->visible_until_ns;
    }
    if ((fields & PATCH_FIELD_BUYABLE) != 0) {
        facts.buyable_from_ns = asked->buyable_from_ns;
        facts.buyable_until_ns = asked->buyable_until_ns;
    }
    if ((fields & PATCH_FIELD_POPULARITY) != 0)
        facts.popularity = asked->popularity;
    if ((fields & PATCH_FIELD_MARGIN) != 0)
        facts.margin = asked->margin;
    if ((fields & PATCH_FIELD_MARKS) != 0)
        facts.marks = asked->marks;
    return facts;
}

#define PATCH_TEXTS                                                                          \
    (PATCH_FIELD_TITLE | PATCH_FIELD_BRAND | PATCH_FIELD_CATEGORY | PATCH_FIELD_ATTRIBUTES | \
     PATCH_FIELD_DESCRIPTION | PATCH_FIELD_SLUG | PATCH_FIELD_EXTERNAL_KEY | PATCH_FIELD_PAGE)

void shard_apply_product_patch(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_product_patch_req ask;
    struct msg_product_patch_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    /* Bits 1..8 of fields are the texts 1..8; the patch's spans begin with the title. */
    struct span texts[PRODUCT_TEXT_COUNT] = {{NULL, 0}};
    memcpy(texts + 1, call->spans, (PRODUCT_TEXT_COUNT - 1) * sizeof *texts);
    const u32 used = ask.fields & PATCH_TEXTS;
    const struct product_facts asked = facts_of(&ask, FACTS_AT(product_patch_req));
    const struct product_facts none = {0};
    const struct product_facts checked = patch_facts(&none, &asked, ask.fields);
    const bool is_good = ask.fields != 0 && (ask.fields & ~(u32)PATCH_FIELDS_ALL) == 0 &&
                         texts_good(texts, used) && product_facts_good(&checked);
    answer->head.status = judge_existing(catalog, call, is_good, ask.if_version, &answer->version);
    if (answer->head.status != STATUS_OK)
        return;
    catalog_before_change(catalog, call->object);
    struct product *product = product_at(catalog, call->object);
    struct span now[PRODUCT_TEXT_COUNT];
    product_texts(product, now);
    for (u32 i = 1; i < PRODUCT_TEXT_COUNT; i++)
        if ((used & (1u << i)) != 0)
            now[i] = texts[i];
    u32 page_bytes = product->page_bytes;
    if ((used & PATCH_FIELD_PAGE) != 0) {
        page_bytes = texts[PRODUCT_TEXT_PAGE].bytes;
        now[PRODUCT_TEXT_PAGE] = catalog_pack_page(texts[PRODUCT_TEXT_PAGE], shard->scratch);
    }
    product->facts = patch_facts(&product->facts, &asked, ask.fields);
    product->version++;
    change_texts(catalog, call->object, now, page_bytes, SEARCH_REFRESH_COLUMNS);
    answer->version = product->version;
}
STATIC_CHECK(PATCH_FIELD_TITLE == 1 << PRODUCT_TEXT_TITLE);
STATIC_CHECK(PATCH_FIELD_ATTRIBUTES == 1 << PRODUCT_TEXT_ATTRIBUTES);
STATIC_CHECK(PATCH_FIELD_DESCRIPTION == 1 << PRODUCT_TEXT_DESCRIPTION);
STATIC_CHECK(PATCH_FIELD_PAGE == 1 << PRODUCT_TEXT_PAGE);

void shard_apply_product_delete(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_product_delete_req ask;
    struct msg_product_delete_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = judge_existing(catalog, call, true, ask.if_version, &answer->version);
    if (answer->head.status != STATUS_OK)
        return;
    catalog_before_change(catalog, call->object);
    struct product *product = product_at(catalog, call->object);
    struct span texts[PRODUCT_TEXT_COUNT];
    product_texts(product, texts);
    for (u32 i = 1; i < PRODUCT_TEXT_COUNT; i++)
        texts[i] = (struct span){NULL, 0};
    product->facts = (struct product_facts){0};
    product->created_at_ns = 0;
    product->version++;
    catalog_set_deleted(catalog, call->object, true);
    change_texts(catalog, call->object, texts, 0, SEARCH_REFRESH_TEXT);
    answer->version = product->version;
}

bool shard_read_product_get(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply, struct span *spans)
{
    struct msg_product_get_rsp *answer = reply;
    (void)request;
    u16 status = shard_call_refusal(call, true);
    const struct product *product =
        status == STATUS_OK ? product_at(&shard->catalog, call->object) : NULL;
    if (product != NULL && product->is_deleted != 0)
        status = STATUS_NOT_FOUND;
    answer->head.status = status;
    if (status != STATUS_OK)
        return true;
    answer->version = product->version;
    answer->created_at_ns = product->created_at_ns;
    memcpy((u8 *)answer + FACTS_AT(product_get_rsp), &product->facts, sizeof product->facts);
    product_texts(product, spans);
    spans[PRODUCT_TEXT_PAGE] = catalog_page(product, shard->scratch);
    return true;
}
STATIC_CHECK(SHARD_SCRATCH_BYTES >= PAGE_BYTES_MAX);
