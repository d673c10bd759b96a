/* model_call: one record of a stock command while it is judged, shared by model_stock and
 * model_grant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_CALL_H
#define SOUK_TESTS_MODEL_CALL_H

#include "tests/model/model_state.h"

/* One record being judged. */
struct model_call {
    struct model *model;
    const struct record_view *record;
    struct model_sku *sku;
    u64 now;
    bool is_replayed;
    u32 retry_after_ms;
};

static inline i64 model_sellable(const struct model *model, const struct model_sku *sku)
{
    const i64 safety = model_mutates(model, MODEL_MUTATION_SAFETY_IGNORED) ? 0 : sku->safety_stock;
    return sku->on_hand - sku->unavailable - sku->held - sku->allocated - safety +
           sku->oversell_cap;
}

static inline bool model_counter_fits(i64 value)
{
    return value >= -COUNTER_MAX && value <= COUNTER_MAX;
}

static inline void model_touch_sku(struct model_call *call)
{
    model_touch(call->model, &call->model->skus, call->sku);
}

/* What take and hold have in common; a take has no lease. */
struct model_wish {
    u16 opcode;
    i64 quantity;
    u64 owner;
    struct id128 id, replaces;
    u64 lease_ms, max_life_ms;
};

struct model_wish model_read_wish(const struct model_call *call, u16 opcode);

/* ---- model_grant: commands that make a grant or name one; the answer is a status ---- */
u16 model_take_or_hold(struct model_call *call, u16 opcode, struct msg_hold_rsp *rsp);
u16 model_hold_extend(struct model_call *call, struct msg_hold_extend_rsp *rsp);
u16 model_hold_confirm(struct model_call *call, struct msg_hold_confirm_rsp *rsp);
u16 model_hold_release(struct model_call *call, struct msg_hold_release_rsp *rsp);
u16 model_hold_bind(struct model_call *call, struct msg_hold_bind_rsp *rsp);
u16 model_hold_get(struct model_call *call, struct msg_hold_get_rsp *rsp);
u16 model_alloc_ship(struct model_call *call);
u16 model_alloc_cancel(struct model_call *call);
u16 model_alloc_return(struct model_call *call);

#endif
