/* stock_policy: sku_put: creates a resource, or changes its price and policy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/money.h"
#include "proto/text.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_tell.h"

static bool policy_good(const struct msg_sku_put_req *ask, struct span code)
{
    return ask->price >= 0 && ask->price <= PRICE_MAX && ask->safety_stock >= 0 &&
           ask->safety_stock <= QUANTITY_MAX && ask->oversell_cap >= 0 &&
           ask->oversell_cap <= QUANTITY_MAX && ask->lease_default_ms <= LEASE_MS_MAX &&
           currency_find(ask->currency) != NULL && code.bytes >= 1 &&
           code.bytes <= CODE_BYTES_MAX && text_invalid(code.data, code.bytes, false) == NULL;
}

static u16 judge(const struct stock *stock, u32 index, u64 if_version, struct span code)
{
    if (index == 0)
        return if_version == VERSION_ANY || if_version == VERSION_ABSENT ? STATUS_OK
                                                                         : STATUS_NOT_FOUND;
    const struct stock_cold *cold = stock_cold_of(stock, stock_hot_at(stock, index));
    if (cold->code_bytes != code.bytes || memcmp(cold->code, code.data, code.bytes) != 0)
        return STATUS_ID_COLLISION;
    return if_version == VERSION_ANY || if_version == cold->version ? STATUS_OK
                                                                    : STATUS_VERSION_CONFLICT;
}

void shard_apply_sku_put(struct shard *shard, const struct shard_call *call, const void *request,
                         void *reply)
{
    struct stock *stock = &shard->stock;
    struct msg_sku_put_req ask;
    struct msg_sku_put_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct span code = call->spans[0];
    u16 status = shard_call_refusal_create(call, policy_good(&ask, code));
    if (status == STATUS_OK)
        status = judge(stock, call->object, ask.if_version, code);
    answer->head.status = status;
    if (status == STATUS_VERSION_CONFLICT)
        answer->version = stock_cold_of(stock, stock_hot_at(stock, call->object))->version;
    if (status != STATUS_OK)
        return;
    const u32 index =
        call->object != 0 ? call->object : stock_resource_create(stock, ask.resource, call->hash);
    stock_resource_before_change(stock, index);
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    const bool is_told = cold->version == 0 || cold->product_id != ask.product_id ||
                         cold->price != ask.price || cold->currency != ask.currency;
    cold->product_id = ask.product_id;
    cold->price = ask.price;
    cold->currency = ask.currency;
    cold->safety_stock = ask.safety_stock;
    cold->oversell_cap = ask.oversell_cap;
    cold->lease_default_ms = ask.lease_default_ms;
    cold->code_bytes = (u16)code.bytes;
    memcpy(cold->code, code.data, code.bytes);
    cold->version++;
    hot->margin = ask.oversell_cap - ask.safety_stock;
    hot->low_at = ask.low_at;
    if (is_told && (ask.product_id != 0 || cold->told_product_id != 0))
        stock_mark_changed(stock, index);
    else
        stock_notice_edge(stock, index);
    answer->version = cold->version;
    MUST(cold->version != 0 && cold->version != VERSION_ABSENT);
    MUST(cold->hot == index);
}
