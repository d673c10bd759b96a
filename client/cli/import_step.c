/* import_step: see client/cli/import_step.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/import_step.h"

#include <string.h>

#include "proto/limits.h"
#include "proto/messages.h"

/* The text of a slug (0) or key (1). */
static struct souk_text alias_of(const struct import_product *product, u32 part)
{
    return part == 0 ? product->put.slug : product->put.external_key;
}

static u64 alias_id(const struct import_product *product, u32 part)
{
    char name[ALIAS_BYTES_MAX + 2];
    const struct souk_text text = alias_of(product, part);
    if (text.bytes == 0)
        return 0;
    const int bytes =
        snprintf(name, sizeof name, "%s%.*s", part == 0 ? "" : "/", (int)text.bytes, text.data);
    return souk_id(name, (size_t)bytes);
}

void import_step_aliases(const struct import_product *product, u64 ids[IMPORT_ALIASES])
{
    for (u32 part = 0; part < IMPORT_ALIASES; part++)
        ids[part] = alias_id(product, part);
}

static bool fill_alias(const struct import_product *product, u32 part, void *record)
{
    const u64 id = alias_id(product, part);
    if (id == 0)
        return false;
    *(struct souk_alias_put *)record =
        (struct souk_alias_put){.alias_id = id,
                                .product_id = product->put.product_id,
                                .kind = part == 0 ? ALIAS_KIND_SLUG : ALIAS_KIND_KEY,
                                .alias = alias_of(product, part)};
    return true;
}

static bool fill_product(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    *(struct souk_product_put *)record = product->put;
    return true;
}

static bool fill_sku(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    if (!product->has_sku)
        return false;
    *(struct souk_sku_put *)record =
        (struct souk_sku_put){.resource = {.id = product->put.product_id},
                              .product_id = product->put.product_id,
                              .price = product->put.price,
                              .currency = product->put.currency,
                              .code = product->put.code};
    return true;
}

static bool fill_stock(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    if (product->stock < 0)
        return false;
    *(struct souk_stock_set *)record = (struct souk_stock_set){
        .resource = {.id = product->put.product_id}, .value = product->stock, .expected = -1};
    return true;
}

struct step {
    u16 op;
    u32 part; /* told to fill */
    bool (*fill)(const struct import_product *product, u32 part, void *record);
    size_t put_bytes, reply_bytes;
};
#define SIZES(name) sizeof(struct souk_##name), sizeof(struct souk_##name##_reply)
static const struct step steps[IMPORT_STEPS] = {
    {SOUK_OP_ALIAS_PUT, 0, fill_alias, SIZES(alias_put)},
    {SOUK_OP_ALIAS_PUT, 1, fill_alias, SIZES(alias_put)},
    {SOUK_OP_PRODUCT_PUT, 0, fill_product, SIZES(product_put)},
    {SOUK_OP_SKU_PUT, 0, fill_sku, SIZES(sku_put)},
    {SOUK_OP_STOCK_SET, 0, fill_stock, SIZES(stock_set)}};

u16 import_step_op(u32 step)
{
    MUST(step < IMPORT_STEPS);
    return steps[step].op;
}

size_t import_step_put_bytes(u32 step)
{
    MUST(step < IMPORT_STEPS);
    return steps[step].put_bytes;
}

size_t import_step_reply_bytes(u32 step)
{
    MUST(step < IMPORT_STEPS);
    return steps[step].reply_bytes;
}

bool import_step_fill(u32 step, const struct import_product *product, void *record)
{
    MUST(step < IMPORT_STEPS);
    return steps[step].fill(product, steps[step].part, record);
}
