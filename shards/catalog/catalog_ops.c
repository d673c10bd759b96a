/* catalog_ops: product_put, patch, delete, get: the questions and their order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/shard_handlers.h"

static bool texts_good(const struct span *texts, u32 used)
{
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++)
        if ((used & (1u << i)) != 0 &&
            text_invalid(texts[i].data, texts[i].bytes, i == PRODUCT_TEXT_ATTRIBUTES) != NULL)
            return false;
    return true;
}

/* May a product that exists be changed by a request for this version? */
static bool version_fits(const struct product *product, u64 if_version)
{
    return if_version == VERSION_ANY || if_version == product->version;
}

static u16 judge_put(const struct catalog *catalog, u32 index,
                     const struct msg_product_put_req *ask, struct span code)
{
    if (index == 0)
        return ask->if_version == VERSION_ANY || ask->if_version == VERSION_ABSENT
                   ? STATUS_OK
                   : STATUS_NOT_FOUND;
    const struct product *product = product_at(catalog, index);
    if (product->text_bytes[PRODUCT_TEXT_CODE] != code.bytes ||
        memcmp(product->blob, code.data, code.bytes) != 0)
        return STATUS_ID_COLLISION;
    if (product->is_deleted != 0 && ask->if_version == VERSION_ABSENT)
        return STATUS_OK;
    return version_fits(product, ask->if_version) ? STATUS_OK : STATUS_VERSION_CONFLICT;
}

void shard_apply_product_put(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_product_put_req ask;
    struct msg_product_put_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct span *texts = call->spans;
    const bool is_good = product_price_good(ask.price, ask.currency) &&
                         texts[PRODUCT_TEXT_CODE].bytes != 0 &&
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
    product->price = ask.price;
    product->currency = ask.currency;
    product->version++;
    catalog_set_texts(catalog, index, texts);
    catalog_set_deleted(catalog, index, false);
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

void shard_apply_product_patch(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct catalog *catalog = &shard->catalog;
    struct msg_product_patch_req ask;
    struct msg_product_patch_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    /* Bits 1..4 of fields are the texts 1..4; the patch's spans begin with the title. */
    struct span texts[PRODUCT_TEXT_COUNT] = {{NULL, 0}};
    memcpy(texts + 1, call->spans, (PRODUCT_TEXT_COUNT - 1) * sizeof *texts);
    const u32 used = ask.fields & ~(u32)PATCH_FIELD_PRICE;
    const bool is_good =
        ask.fields != 0 && (ask.fields & ~PATCH_FIELDS_ALL) == 0 && texts_good(texts, used) &&
        IMPLIES((ask.fields & PATCH_FIELD_PRICE) != 0, product_price_good(ask.price, ask.currency));
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
    if ((ask.fields & PATCH_FIELD_PRICE) != 0) {
        product->price = ask.price;
        product->currency = ask.currency;
    }
    catalog_set_texts(catalog, call->object, now);
    product->version++;
    answer->version = product->version;
}
STATIC_CHECK(PATCH_FIELD_TITLE == 1 << PRODUCT_TEXT_TITLE);
STATIC_CHECK(PATCH_FIELD_BRAND == 1 << PRODUCT_TEXT_BRAND);
STATIC_CHECK(PATCH_FIELD_CATEGORY == 1 << PRODUCT_TEXT_CATEGORY);
STATIC_CHECK(PATCH_FIELD_ATTRIBUTES == 1 << PRODUCT_TEXT_ATTRIBUTES);

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
    catalog_set_texts(catalog, call->object, texts);
    catalog_set_deleted(catalog, call->object, true);
    product->price = 0;
    product->currency = 0;
    product->version++;
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
    answer->price = product->price;
    answer->currency = product->currency;
    product_texts(product, spans);
    return true;
}
