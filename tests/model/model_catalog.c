/* model_catalog: the product record, plainly.
 *
 * Order of the questions: arguments, shard, existence, code, version. A deleted product keeps its
 * code and version for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/model_state.h"

#include <string.h>

#include "proto/money.h"
#include "proto/route.h"
#include "proto/text.h"

enum {
    CODE,
    TITLE,
    BRAND,
    CATEGORY,
    ATTRIBUTES,
    DESCRIPTION,
    SLUG,
    EXTERNAL_KEY,
    PAGE,
    TEXT_COUNT
};

static bool price_good(i64 price, u16 currency)
{
    if (price < 0 || price > PRICE_MAX)
        return false;
    return currency == 0 ? price == 0 : currency_find(currency) != NULL;
}

static u8 *text_at(struct model_product *product, u32 which)
{
    u8 *const all[TEXT_COUNT] = {product->code,     product->title,        product->brand,
                                 product->category, product->attributes,   product->description,
                                 product->slug,     product->external_key, product->page};
    return all[which];
}

static void set_text(struct model_product *product, u32 which, struct span text)
{
    u8 *to = text_at(product, which);
    if (text.bytes != 0)
        memcpy(to, text.data, text.bytes);
    product->bytes[which] = text.bytes;
}

static bool text_good(struct span text, u32 which)
{
    return which == PAGE ||
           text_invalid(text.data, text.bytes, which == ATTRIBUTES || which == DESCRIPTION) == NULL;
}

static bool times_good(u64 from_ns, u64 until_ns)
{
    return until_ns == 0 || from_ns < until_ns;
}

static bool facts_good(const struct model_facts *facts)
{
    return price_good(facts->price, facts->currency) && facts->price_before >= 0 &&
           facts->price_before <= PRICE_MAX && facts->marks <= PRODUCT_MARKS_ALL &&
           times_good(facts->visible_from_ns, facts->visible_until_ns) &&
           times_good(facts->buyable_from_ns, facts->buyable_until_ns);
}

/* They begin with the price wherever they stand. */
static struct model_facts facts_at(const i64 *price)
{
    struct model_facts facts;
    memcpy(&facts, price, sizeof facts);
    return facts;
}

/* Those that the bits of a patch name, of one into the other. */
static void take_facts(struct model_facts *to, const struct model_facts *from, u32 fields)
{
    if ((fields & PATCH_FIELD_PRICE) != 0) {
        to->price = from->price;
        to->currency = from->currency;
    }
    if ((fields & PATCH_FIELD_PRICE_BEFORE) != 0)
        to->price_before = from->price_before;
    if ((fields & PATCH_FIELD_VISIBLE) != 0) {
        to->visible_from_ns = from->visible_from_ns;
        to->visible_until_ns = from->visible_until_ns;
    }
    if ((fields & PATCH_FIELD_BUYABLE) != 0) {
        to->buyable_from_ns = from->buyable_from_ns;
        to->buyable_until_ns = from->buyable_until_ns;
    }
    if ((fields & PATCH_FIELD_POPULARITY) != 0)
        to->popularity = from->popularity;
    if ((fields & PATCH_FIELD_MARGIN) != 0)
        to->margin = from->margin;
    if ((fields & PATCH_FIELD_MARKS) != 0)
        to->marks = from->marks;
}

static bool put_good(const struct msg_product_put_req *req, const struct span *spans)
{
    const struct model_facts facts = facts_at(&req->price);
    if (req->product_id == 0 || !facts_good(&facts) || spans[CODE].bytes == 0)
        return false;
    for (u32 i = 0; i < TEXT_COUNT; i++)
        if (!text_good(spans[i], i))
            return false;
    return true;
}

/* The spans of a patch begin with the title, so span i is text i + 1, as is bit i + 1. */
static bool patch_good(const struct msg_product_patch_req *req, const struct span *spans)
{
    struct model_facts facts = {0};
    const struct model_facts asked = facts_at(&req->price);
    take_facts(&facts, &asked, req->fields);
    if (req->product_id == 0 || req->fields == 0 || (req->fields & ~(u32)PATCH_FIELDS_ALL) != 0 ||
        !facts_good(&facts))
        return false;
    for (u32 i = TITLE; i < TEXT_COUNT; i++)
        if ((req->fields >> i & 1) != 0 && !text_good(spans[i - 1], i))
            return false;
    return true;
}

static u16 put(struct model *model, struct model_product *product,
               const struct msg_product_put_req *req, const struct record_view *record,
               u64 *version)
{
    const struct span *spans = record->spans;
    if (product == NULL && req->if_version != VERSION_ANY && req->if_version != VERSION_ABSENT)
        return STATUS_NOT_FOUND;
    if (product == NULL) {
        product = model_table_add(&model->products, model_key_product(req->product_id));
        model_created(model, &model->products, product);
    } else {
        if (product->bytes[CODE] != spans[CODE].bytes ||
            memcmp(product->code, spans[CODE].data, spans[CODE].bytes) != 0)
            if (!model_mutates(model, MODEL_MUTATION_CODE_IGNORED))
                return STATUS_ID_COLLISION;
        const bool is_absent_wanted = req->if_version == VERSION_ABSENT && product->is_deleted;
        if (req->if_version != VERSION_ANY && req->if_version != product->version &&
            !is_absent_wanted) {
            *version = product->version;
            return STATUS_VERSION_CONFLICT;
        }
        model_touch(model, &model->products, product);
    }
    if (product->version == 0 || product->is_deleted)
        product->created_at_ns = model->now;
    product->is_deleted = false;
    product->facts = facts_at(&req->price);
    for (u32 i = 0; i < TEXT_COUNT; i++)
        set_text(product, i, spans[i]);
    *version = ++product->version;
    return STATUS_OK;
}

static u16 patch(struct model *model, struct model_product *product,
                 const struct msg_product_patch_req *req, const struct record_view *record,
                 u64 *version)
{
    if (product == NULL || product->is_deleted)
        return STATUS_NOT_FOUND;
    if (req->if_version != VERSION_ANY && req->if_version != product->version) {
        *version = product->version;
        return STATUS_VERSION_CONFLICT;
    }
    model_touch(model, &model->products, product);
    const struct model_facts asked = facts_at(&req->price);
    take_facts(&product->facts, &asked, req->fields);
    for (u32 i = TITLE; i < TEXT_COUNT; i++)
        if ((req->fields >> i & 1) != 0)
            set_text(product, i, record->spans[i - 1]);
    *version = ++product->version;
    return STATUS_OK;
}

static u16 delete (struct model *model, struct model_product *product, u64 if_version, u64 *version)
{
    if (product == NULL || product->is_deleted)
        return STATUS_NOT_FOUND;
    if (if_version != VERSION_ANY && if_version != product->version) {
        *version = product->version;
        return STATUS_VERSION_CONFLICT;
    }
    model_touch(model, &model->products, product);
    product->is_deleted = true;
    *version = ++product->version;
    return STATUS_OK;
}

static u16 get(struct model_product *product, struct model_answer *answer)
{
    if (product == NULL || product->is_deleted)
        return STATUS_NOT_FOUND;
    struct msg_product_get_rsp *rsp = (void *)answer->fixed;
    rsp->version = product->version;
    rsp->created_at_ns = product->created_at_ns;
    memcpy(&rsp->price, &product->facts, sizeof product->facts);
    for (u32 i = 0; i < TEXT_COUNT; i++)
        answer->spans[i] = (struct span){text_at(product, i), product->bytes[i]};
    return STATUS_OK;
}

void model_catalog_record(struct model *model, u16 opcode, const struct record_view *record,
                          struct model_answer *answer)
{
    struct msg_product_put_req put_req;
    struct msg_product_patch_req patch_req;
    struct msg_product_delete_req delete_req;
    u64 product_id;
    bool is_good = true;
    memcpy(&product_id, record->fixed, sizeof product_id);
    if (opcode == OPCODE_PRODUCT_PUT) {
        memcpy(&put_req, record->fixed, sizeof put_req);
        is_good = put_good(&put_req, record->spans);
    } else if (opcode == OPCODE_PRODUCT_PATCH) {
        memcpy(&patch_req, record->fixed, sizeof patch_req);
        is_good = patch_good(&patch_req, record->spans);
    } else if (opcode == OPCODE_PRODUCT_DELETE) {
        memcpy(&delete_req, record->fixed, sizeof delete_req);
    }
    if (product_id == 0 || !is_good) {
        answer->status = STATUS_BAD_ARGUMENT;
        return;
    }
    if (route_shard(route_hash_u64(product_id), model->options.count) != model->options.index) {
        answer->status = STATUS_WRONG_SHARD;
        return;
    }
    struct model_product *product =
        model_table_find(&model->products, model_key_product(product_id));
    struct msg_product_put_rsp *rsp = (void *)answer->fixed;
    if (opcode == OPCODE_PRODUCT_PUT)
        answer->status = put(model, product, &put_req, record, &rsp->version);
    else if (opcode == OPCODE_PRODUCT_PATCH)
        answer->status = patch(model, product, &patch_req, record, &rsp->version);
    else if (opcode == OPCODE_PRODUCT_DELETE)
        answer->status = delete (model, product, delete_req.if_version, &rsp->version);
    else
        answer->status = get(product, answer);
}
