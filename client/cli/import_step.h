/* import_step: what is done for a row of an import, one operation after the other:
 *
 *      slug claimed -> key claimed -> product put -> SKU put -> stock set
 *
 * Each is a put of everything, so doing it twice is harmless. A step that a row does not need (no slug)
 * is left out for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_IMPORT_STEP_H
#define SOUK_CLIENT_IMPORT_STEP_H

#include "client/cli/import_map.h"

#define IMPORT_STEPS   5u
#define IMPORT_ALIASES 2u /* slug and key */

/* The largest record and reply of the steps. */
union import_put {
    struct souk_alias_put alias;
    struct souk_product_put product;
    struct souk_sku_put sku;
    struct souk_stock_set stock;
};
union import_reply {
    struct souk_alias_put_reply alias;
    struct souk_product_put_reply product;
    struct souk_sku_put_reply sku;
    struct souk_stock_set_reply stock;
    struct {
        u16 status;
        u16 flags;
        u32 retry_after_ms;
    } head;
};

/* The operation of a step, and the sizes of its record and reply in arrays. */
u16 import_step_op(u32 step);
size_t import_step_put_bytes(u32 step);
size_t import_step_reply_bytes(u32 step);
/* Writes the record of a step for a product, import_step_put_bytes of it. False: it needs none. The
 * texts are borrowed. */
bool import_step_fill(u32 step, const struct import_product *product, void *record);
/* The ids of its slug and key; 0 where it has none. */
void import_step_aliases(const struct import_product *product, u64 ids[IMPORT_ALIASES]);

#endif
