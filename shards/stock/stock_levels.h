/* stock_levels: the reply that most stock operations share: five levels.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_LEVELS_H
#define SOUK_SHARDS_STOCK_STOCK_LEVELS_H

#include "shards/stock/stock.h"

/* All of these are a head and STOCK_LEVELS. */
STATIC_CHECK(sizeof(struct msg_stock_receive_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_stock_adjust_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_stock_set_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_alloc_ship_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_alloc_cancel_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_alloc_return_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_stock_write_off_rsp) == sizeof(struct msg_stock_get_rsp));

/* What a command has come to. */
struct stock_outcome {
    u16 status;
    u16 flags;
};

/* Writes such a reply; `hot` is NULL when the resource is not known. */
static inline void stock_levels_answer(void *reply, struct stock_outcome outcome,
                                       const struct stock_hot *hot)
{
    struct msg_stock_get_rsp answer = {.head = {.status = outcome.status, .flags = outcome.flags}};
    if (LIKELY(hot != NULL)) {
        answer.on_hand = hot->on_hand;
        answer.unavailable = hot->unavailable;
        answer.held = hot->held;
        answer.allocated = hot->allocated;
        answer.sellable = stock_sellable(hot);
    }
    __builtin_memcpy(reply, &answer, sizeof answer);
}

#endif
