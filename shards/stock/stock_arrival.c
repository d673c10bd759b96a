/* stock_arrival: refusing a take or hold before it is logged.
 *
 * Only SOLD_OUT and ALL_HELD are given on arrival, and only where the same record, executed now,
 * would get exactly this answer and nothing under way could make it another one. Everything else
 * (a bad argument, a known id, enough stock) says "log it".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/stock/stock_ask.h"

/* A hold asks more than a take: its terms must be good, else the answer is another one. */
static bool hold_refusable(const struct stock *stock, const struct stock_hot *hot,
                           const u8 *request, const struct msg_take_req *take)
{
    const struct stock_terms asked = stock_terms_read(request);
    return stock_hold_good(take, asked) &&
           stock_terms_good(stock_terms_of(stock_cold_of(stock, hot), asked));
}

/* No grant has the id, none under way may get it, and it is fresh. */
static bool id_refusable(const struct stock *stock, const struct stock_arrival *arrival,
                         const struct shard_call *call, struct id128 id)
{
    return !gate_may_be_under_way(arrival->gate, gate_hash_id(id)) &&
           stock_id_refusal(stock, id, arrival->now_ms) == STATUS_OK &&
           stock_grant_find(stock, stock_grant_hash(call->resource_id, id), call->object, id) == 0;
}

bool stock_refuses_on_arrival(struct stock *stock, const struct stock_arrival *arrival,
                              const struct shard_call *call, const u8 *request, u8 *reply)
{
    const bool is_hold = arrival->info->code == OPCODE_HOLD;
    struct msg_take_req take;
    MUST(is_hold || arrival->info->code == OPCODE_TAKE);
    memcpy(&take, request, sizeof take);
    if (shard_call_refusal(call, stock_ask_good(&take)) != STATUS_OK)
        return false;
    const struct stock_hot *hot = stock_hot_at(stock, call->object);
    const u16 status = stock_shortage(hot, take.quantity, 0);
    if (status == STATUS_OK || !id128_is_none(take.replaces))
        return false;
    if (is_hold && !hold_refusable(stock, hot, request, &take))
        return false;
    if (!id128_is_none(take.id) && !id_refusable(stock, arrival, call, take.id))
        return false;
    u32 retry_ms = 0;
    if (status == STATUS_ALL_HELD) {
        if (stock_earliest_lease_ns(stock, hot) <= arrival->now_ns)
            return false;
        retry_ms = stock_retry_ms(stock, hot, arrival->now_ns);
    }
    /* A take's reply is the beginning of a hold's. */
    const struct msg_hold_rsp answer = {.head = {.status = status, .retry_after_ms = retry_ms},
                                        .sellable = stock_sellable(hot)};
    if (is_hold)
        memcpy(reply, &answer, sizeof answer);
    else
        memcpy(reply, &answer, sizeof(struct msg_take_rsp)); /* a length known here costs no call */
    return true;
}
STATIC_CHECK(offsetof(struct msg_take_rsp, sellable) == offsetof(struct msg_hold_rsp, sellable));
STATIC_CHECK(sizeof(struct msg_take_rsp) <= sizeof(struct msg_hold_rsp));
