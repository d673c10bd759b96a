/* replay_send: see client/cli/replay_send.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_send.h"

#include <string.h>

#define ADJUST_REASON 1u /* a correction of the file */

/* One record of whichever step, to know the largest. */
union any_record {
    struct souk_product_put product;
    struct souk_sku_put sku;
    struct souk_stock_receive receive;
    struct souk_take take;
    struct souk_alloc_ship ship;
    struct souk_alloc_return back;
    struct souk_stock_adjust adjust;
};

static const u16 ops[SHOP_STEP_COUNT] = {
    [SHOP_STEP_PRODUCT] = SOUK_OP_PRODUCT_PUT,   [SHOP_STEP_SKU] = SOUK_OP_SKU_PUT,
    [SHOP_STEP_RECEIVE] = SOUK_OP_STOCK_RECEIVE, [SHOP_STEP_TAKE] = SOUK_OP_TAKE,
    [SHOP_STEP_SHIP] = SOUK_OP_ALLOC_SHIP,       [SHOP_STEP_RETURN] = SOUK_OP_ALLOC_RETURN,
    [SHOP_STEP_ADJUST] = SOUK_OP_STOCK_ADJUST};

u16 send_op_of(enum shop_step step)
{
    MUST(step > SHOP_STEP_NONE && step < SHOP_STEP_COUNT);
    return ops[step];
}

u32 send_records_max(const struct run *run, enum shop_step step)
{
    return MIN(run->options.batch, souk_records_max(send_op_of(step)));
}

size_t send_records_bytes(u32 count)
{
    return count * sizeof(union any_record);
}

static void fill_puts(const struct replay_plan *plan, enum shop_step step,
                      const struct shop_item *items, u32 count, void *records)
{
    struct souk_product_put *products = records;
    struct souk_sku_put *skus = records;
    for (u32 i = 0; i < count; i++) {
        const struct replay_sku *sku = &plan->skus[items[i].index];
        const struct souk_text code = souk_text_of(sku->code);
        const u64 product_id = souk_id(code.data, code.bytes);
        if (step == SHOP_STEP_PRODUCT)
            products[i] = (struct souk_product_put){.product_id = product_id,
                                                    .price = sku->price,
                                                    .currency = REPLAY_CURRENCY,
                                                    .code = code,
                                                    .title = sku->title};
        else
            skus[i] = (struct souk_sku_put){.resource = sku->resource,
                                            .product_id = product_id,
                                            .price = sku->price,
                                            .currency = REPLAY_CURRENCY,
                                            .code = code};
    }
}

void send_fill(const struct replay_plan *plan, enum shop_step step, const struct shop_item *items,
               u32 count, void *records)
{
    struct souk_stock_receive *receives = records;
    struct souk_take *takes = records;
    struct souk_alloc_ship *ships = records;
    struct souk_alloc_return *returns = records;
    struct souk_stock_adjust *adjusts = records;
    if (step == SHOP_STEP_PRODUCT || step == SHOP_STEP_SKU) {
        fill_puts(plan, step, items, count, records);
        return;
    }
    for (u32 i = 0; i < count; i++) {
        const u32 sku =
            step == SHOP_STEP_RECEIVE ? items[i].index : plan->lines[items[i].index].sku;
        const struct souk_resource resource = plan->skus[sku].resource;
        const i64 quantity = items[i].quantity;
        switch (step) {
        case SHOP_STEP_RECEIVE:
            receives[i] = (struct souk_stock_receive){.resource = resource, .quantity = quantity};
            break;
        case SHOP_STEP_TAKE:
            takes[i] = (struct souk_take){.resource = resource, .quantity = quantity};
            break;
        case SHOP_STEP_SHIP:
            ships[i] = (struct souk_alloc_ship){.resource = resource, .quantity = quantity};
            break;
        case SHOP_STEP_RETURN:
            returns[i] = (struct souk_alloc_return){.resource = resource, .quantity = quantity};
            break;
        case SHOP_STEP_ADJUST:
            adjusts[i] = (struct souk_stock_adjust){
                .resource = resource, .delta = -quantity, .reason = ADJUST_REASON};
            break;
        case SHOP_STEP_PRODUCT:
        case SHOP_STEP_SKU:
        case SHOP_STEP_NONE:
        case SHOP_STEP_COUNT: PANIC("not a step with a quantity");
        }
    }
}

#define ANSWER(type, field)                                              \
    do {                                                                 \
        const struct type *reply = (const struct type *)replies + index; \
        answer->status = reply->status;                                  \
        answer->value = (i64)reply->field;                               \
        return reply->flags;                                             \
    } while (0)

u16 send_answer_of(enum shop_step step, const void *replies, u32 index, struct shop_answer *answer)
{
    switch (step) {
    case SHOP_STEP_PRODUCT: ANSWER(souk_product_put_reply, version);
    case SHOP_STEP_SKU: ANSWER(souk_sku_put_reply, version);
    case SHOP_STEP_RECEIVE: ANSWER(souk_stock_receive_reply, on_hand);
    case SHOP_STEP_TAKE: ANSWER(souk_take_reply, sellable);
    case SHOP_STEP_SHIP: ANSWER(souk_alloc_ship_reply, on_hand);
    case SHOP_STEP_RETURN: ANSWER(souk_alloc_return_reply, on_hand);
    case SHOP_STEP_ADJUST: ANSWER(souk_stock_adjust_reply, on_hand);
    case SHOP_STEP_NONE:
    case SHOP_STEP_COUNT: break;
    }
    PANIC("not a step");
}
