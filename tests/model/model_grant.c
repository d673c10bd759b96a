/* model_grant: grants of the model: how they are made, live, end and are forgotten; one function per
 * line of the table in docs/stock.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/model/model_call.h"

/* ---- Words ---- */

static u64 retention_ns(const struct model *model)
{
    return model->options.retention_ms * NS_PER_MS;
}

static struct model_grant *find_grant(const struct model *model, struct resource key,
                                      struct id128 id)
{
    return model_table_find(&model->grants, model_key_grant(key, id));
}

static bool is_id_too_old(const struct model_call *call, struct id128 id)
{
    return id128_ms(id) + call->model->options.retention_ms <= call->now / NS_PER_MS;
}

static u16 missing_grant(const struct model_call *call, struct id128 id)
{
    return is_id_too_old(call, id) ? STATUS_TOO_OLD : STATUS_NOT_FOUND;
}

static u16 fresh_question(const struct model_call *call, struct id128 id)
{
    if (is_id_too_old(call, id))
        return STATUS_TOO_OLD;
    if (id128_ms(id) > call->now / NS_PER_MS + ID_FUTURE_MS_MAX)
        return STATUS_ID_IN_FUTURE;
    return STATUS_OK;
}

static void touch_grant(struct model_call *call, struct model_grant *grant)
{
    model_touch(call->model, &call->model->grants, grant);
}

/* The grant is a tombstone from `end` on. */
static void bury(struct model *model, struct model_grant *grant, u16 state, u64 end)
{
    u64 from = MAX(end, id128_ms(grant->id) * NS_PER_MS);
    if (model_mutates(model, MODEL_MUTATION_TOMBSTONE_EARLY))
        from = id128_ms(grant->id) * NS_PER_MS;
    grant->state = state;
    grant->forget_at = from + retention_ns(model);
    model->next_due = MIN(model->next_due, grant->forget_at);
}

/* ---- Time ---- */

static void expire_grant(struct model *model, struct model_grant *grant)
{
    u64 now = model->now;
    if (model_mutates(model, MODEL_MUTATION_EXPIRY_LATE))
        now--;
    if (grant->state == GRANT_STATE_HELD && grant->expires_at != 0 && grant->expires_at <= now) {
        grant->sku->held -= grant->held;
        grant->held = 0;
        bury(model, grant, GRANT_STATE_EXPIRED, grant->expires_at);
    }
    const bool is_tombstone =
        grant->state != GRANT_STATE_HELD && grant->state != GRANT_STATE_ALLOCATED;
    if (is_tombstone && grant->forget_at <= model->now)
        model_table_remove(&model->grants, grant);
}

u64 model_stock_expire(struct model *model)
{
    MUST(!model->is_linked);
    for (u32 i = 0; i < model->grants.end; i++) {
        struct model_grant *grant = model_table_at(&model->grants, i);
        if (grant != NULL)
            expire_grant(model, grant);
    }
    u32 kept = 0;
    for (u32 i = 0; i < model->open_hold_count; i++) {
        const struct model_grant *grant = model_table_at(&model->grants, model->open_holds[i]);
        if (grant != NULL && grant->state == GRANT_STATE_HELD)
            model->open_holds[kept++] = model->open_holds[i];
    }
    model->open_hold_count = kept;
    return model_next_deadline(model);
}

static void note_open_hold(struct model *model, const struct model_grant *grant)
{
    if (model->open_hold_count == model->open_hold_room) {
        model->open_hold_room = model->open_hold_room * 2 + 64;
        model->open_holds = model_memory(model->open_holds, model->open_hold_room * sizeof(u32));
    }
    model->open_holds[model->open_hold_count++] = grant->item.index;
    if (grant->expires_at != 0)
        model->next_due = MIN(model->next_due, grant->expires_at);
}

/* Milliseconds until the earliest lease of the SKU ends. */
static u32 earliest_lease_ms(const struct model_call *call)
{
    const struct model *model = call->model;
    u64 earliest = UINT64_MAX;
    for (u32 i = 0; i < model->open_hold_count; i++) {
        const struct model_grant *grant = model_table_at(&model->grants, model->open_holds[i]);
        if (grant != NULL && grant->sku == call->sku && grant->state == GRANT_STATE_HELD &&
            grant->expires_at != 0)
            earliest = MIN(earliest, grant->expires_at);
    }
    if (earliest == UINT64_MAX)
        return 1000;
    const bool is_short = model_mutates(model, MODEL_MUTATION_RETRY_SHORT);
    const u64 wait = earliest - call->now + (is_short ? 0 : NS_PER_MS - 1);
    return (u32)MAX(wait / NS_PER_MS, 1);
}

/* ---- Take and hold ---- */

struct model_wish model_read_wish(const struct model_call *call, u16 opcode)
{
    struct msg_take_req take;
    struct msg_hold_req hold;
    if (opcode == OPCODE_TAKE) {
        memcpy(&take, call->record->fixed, sizeof take);
        return (struct model_wish){opcode, take.quantity, take.owner, take.id, take.replaces, 0, 0};
    }
    memcpy(&hold, call->record->fixed, sizeof hold);
    return (struct model_wish){opcode,        hold.quantity, hold.owner,      hold.id,
                               hold.replaces, hold.lease_ms, hold.max_life_ms};
}

static u32 wish_bytes(u16 opcode)
{
    return opcode == OPCODE_TAKE ? sizeof(struct msg_take_req) : sizeof(struct msg_hold_req);
}

/* Lease and life in force; BAD_ARGUMENT when the life is below the lease. */
static u16 settle_lease(const struct model_call *call, struct model_wish *wish)
{
    if (wish->lease_ms == 0)
        wish->lease_ms = call->sku->lease_default_ms;
    if (wish->lease_ms == 0)
        wish->lease_ms = LEASE_MS_DEFAULT;
    if (wish->max_life_ms == 0)
        wish->max_life_ms = MAX(HOLD_LIFE_MS_DEFAULT, wish->lease_ms);
    return wish->max_life_ms < wish->lease_ms ? STATUS_BAD_ARGUMENT : STATUS_OK;
}

/* May the hold that the wish replaces end for it? Sets *replaced and the units that come back. */
static u16 replaces_question(const struct model_call *call, const struct model_wish *wish,
                             struct model_grant **replaced, i64 *back)
{
    struct model_grant *grant = find_grant(call->model, call->sku->key, wish->replaces);
    if (grant == NULL)
        return missing_grant(call, wish->replaces);
    if (grant->owner != wish->owner)
        return STATUS_OWNER_MISMATCH;
    if (!id128_is_none(grant->order))
        return STATUS_BOUND_TO_OTHER;
    if (grant->state == GRANT_STATE_ALLOCATED || grant->state == GRANT_STATE_FINISHED)
        return STATUS_INVALID_STATE;
    *replaced = grant;
    *back = grant->held;
    return STATUS_OK;
}

static void release_hold(struct model_call *call, struct model_grant *grant)
{
    model_touch_sku(call);
    touch_grant(call, grant);
    call->sku->held -= grant->held;
    grant->held = 0;
    bury(call->model, grant, GRANT_STATE_RELEASED, call->now);
}

static void create_grant(struct model_call *call, const struct model_wish *wish,
                         struct msg_hold_rsp *rsp)
{
    struct model *model = call->model;
    struct model_grant *grant =
        model_table_add(&model->grants, model_key_grant(call->sku->key, wish->id));
    model_created(model, &model->grants, grant);
    grant->sku = call->sku;
    grant->key = call->sku->key;
    grant->id = wish->id;
    grant->owner = wish->owner;
    grant->opcode = wish->opcode;
    grant->quantity = wish->quantity;
    grant->created_at = call->now;
    memcpy(grant->arguments, call->record->fixed, wish_bytes(wish->opcode));
    if (wish->opcode == OPCODE_TAKE) {
        grant->state = GRANT_STATE_ALLOCATED;
        grant->allocated = wish->quantity;
    } else {
        grant->state = GRANT_STATE_HELD;
        grant->held = wish->quantity;
        grant->expires_at = call->now + wish->lease_ms * NS_PER_MS;
        grant->max_life_at = call->now + wish->max_life_ms * NS_PER_MS;
        rsp->expires_at_ns = grant->expires_at;
        note_open_hold(model, grant);
    }
    grant->first_expires_at = grant->expires_at;
    grant->first_sellable = model_sellable(model, call->sku);
}

/* A grant has the id: the same answer again, or a mismatch. */
static u16 answer_again(struct model_call *call, const struct model_grant *grant, u16 opcode,
                        struct msg_hold_rsp *rsp)
{
    const bool is_same = grant->opcode == opcode &&
                         memcmp(grant->arguments, call->record->fixed, wish_bytes(opcode)) == 0;
    if (!is_same &&
        !(grant->opcode == opcode && model_mutates(call->model, MODEL_MUTATION_REPLAY_BLIND)))
        return STATUS_ID_MISMATCH;
    call->is_replayed = true;
    rsp->sellable = grant->first_sellable;
    if (opcode == OPCODE_HOLD)
        rsp->expires_at_ns = grant->first_expires_at;
    return STATUS_OK;
}

static u16 grant_units(struct model_call *call, struct model_wish *wish, struct msg_hold_rsp *rsp)
{
    struct model_sku *sku = call->sku;
    struct model_grant *replaced = NULL;
    i64 back = 0;
    u16 status = STATUS_OK;
    if (!id128_is_none(wish->id))
        status = fresh_question(call, wish->id);
    if (status == STATUS_OK && !id128_is_none(wish->replaces))
        status = replaces_question(call, wish, &replaced, &back);
    if (status == STATUS_OK && wish->opcode == OPCODE_HOLD)
        status = settle_lease(call, wish);
    if (status != STATUS_OK)
        return status;
    const i64 free_units = model_sellable(call->model, sku);
    if (free_units + back < wish->quantity) {
        if (free_units + sku->held < wish->quantity)
            return STATUS_SOLD_OUT;
        call->retry_after_ms = earliest_lease_ms(call);
        return STATUS_ALL_HELD;
    }
    const bool is_take = wish->opcode == OPCODE_TAKE;
    if (is_take && (!model_counter_fits(sku->granted + wish->quantity) ||
                    !model_counter_fits(sku->allocated + wish->quantity)))
        return STATUS_EXCEEDS;
    if (!is_take && !model_counter_fits(sku->held - back + wish->quantity))
        return STATUS_EXCEEDS;
    if (replaced != NULL && replaced->state == GRANT_STATE_HELD)
        release_hold(call, replaced);
    model_touch_sku(call);
    if (is_take) {
        sku->allocated += wish->quantity;
        sku->granted += wish->quantity;
        if (id128_is_none(wish->id))
            sku->allocated_anonymous += wish->quantity;
    } else {
        sku->held += wish->quantity;
    }
    if (!id128_is_none(wish->id))
        create_grant(call, wish, rsp);
    return STATUS_OK;
}

u16 model_take_or_hold(struct model_call *call, u16 opcode, struct msg_hold_rsp *rsp)
{
    struct model_wish wish = model_read_wish(call, opcode);
    if (!id128_is_none(wish.id)) {
        const struct model_grant *same = find_grant(call->model, call->sku->key, wish.id);
        if (same != NULL) {
            rsp->sellable = model_sellable(call->model, call->sku);
            return answer_again(call, same, opcode, rsp);
        }
    }
    const u16 status = grant_units(call, &wish, rsp);
    rsp->sellable = model_sellable(call->model, call->sku);
    return status;
}

/* ---- Life of a hold ---- */

/* What a command that needs a hold says to one that is not held any more. */
static u16 not_held(const struct model_grant *grant)
{
    switch ((enum grant_state)grant->state) {
    case GRANT_STATE_EXPIRED: return STATUS_HOLD_EXPIRED;
    case GRANT_STATE_RELEASED: return STATUS_HOLD_RELEASED;
    case GRANT_STATE_ALLOCATED:
    case GRANT_STATE_FINISHED: return STATUS_INVALID_STATE;
    case GRANT_STATE_HELD: return STATUS_OK;
    }
    return STATUS_OK;
}

/* The grant is found and the owner is the one. */
static u16 owned_question(const struct model_call *call, struct id128 id, u64 owner,
                          struct model_grant **grant)
{
    *grant = find_grant(call->model, call->sku->key, id);
    if (*grant == NULL)
        return missing_grant(call, id);
    return (*grant)->owner == owner ? STATUS_OK : STATUS_OWNER_MISMATCH;
}

u16 model_hold_extend(struct model_call *call, struct msg_hold_extend_rsp *rsp)
{
    struct msg_hold_extend_req req;
    struct model_grant *grant;
    memcpy(&req, call->record->fixed, sizeof req);
    u16 status = owned_question(call, req.id, req.owner, &grant);
    if (status == STATUS_OK && !id128_is_none(grant->order))
        status = STATUS_BOUND_TO_OTHER;
    if (status == STATUS_OK)
        status = not_held(grant);
    if (status != STATUS_OK)
        return status;
    const u64 wanted = call->now + req.lease_ms * NS_PER_MS;
    const u64 before = grant->expires_at;
    touch_grant(call, grant);
    grant->expires_at = MAX(before, MIN(wanted, grant->max_life_at));
    rsp->expires_at_ns = grant->expires_at;
    return grant->expires_at == before && wanted > before ? STATUS_MAX_LIFE : STATUS_OK;
}

static u16 confirm_again(struct model_call *call, const struct model_grant *grant, i64 quantity,
                         struct msg_hold_confirm_rsp *rsp)
{
    const i64 units = quantity == 0 ? grant->quantity : quantity;
    if (units != grant->allocated)
        return STATUS_ID_MISMATCH;
    call->is_replayed = true;
    rsp->allocated = grant->allocated;
    rsp->released = grant->quantity - grant->allocated;
    return STATUS_OK;
}

u16 model_hold_confirm(struct model_call *call, struct msg_hold_confirm_rsp *rsp)
{
    struct msg_hold_confirm_req req;
    struct model_grant *grant;
    struct model_sku *sku = call->sku;
    memcpy(&req, call->record->fixed, sizeof req);
    u16 status = owned_question(call, req.id, req.owner, &grant);
    if (status != STATUS_OK)
        return status;
    if (!id128_equal(grant->order, req.order))
        return STATUS_BOUND_TO_OTHER;
    if (grant->opcode == OPCODE_TAKE)
        return STATUS_INVALID_STATE;
    if (grant->state == GRANT_STATE_ALLOCATED || grant->state == GRANT_STATE_FINISHED)
        return confirm_again(call, grant, req.quantity, rsp);
    if (grant->state != GRANT_STATE_HELD)
        return not_held(grant);
    const i64 units = req.quantity == 0 ? grant->held : req.quantity;
    if (units > grant->held || !model_counter_fits(sku->granted + units) ||
        !model_counter_fits(sku->allocated + units))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    touch_grant(call, grant);
    sku->held -= model_mutates(call->model, MODEL_MUTATION_PARTIAL_KEEPS) ? units : grant->held;
    sku->allocated += units;
    sku->granted += units;
    grant->allocated = units;
    grant->held = 0;
    grant->state = GRANT_STATE_ALLOCATED;
    rsp->allocated = units;
    rsp->released = grant->quantity - units;
    return STATUS_OK;
}

u16 model_hold_release(struct model_call *call, struct msg_hold_release_rsp *rsp)
{
    struct msg_hold_release_req req;
    struct model_grant *grant;
    memcpy(&req, call->record->fixed, sizeof req);
    const u16 status = owned_question(call, req.id, req.owner, &grant);
    if (status != STATUS_OK)
        return status;
    if (!id128_equal(grant->order, req.order))
        return STATUS_BOUND_TO_OTHER;
    if (grant->state == GRANT_STATE_HELD)
        release_hold(call, grant);
    else if (grant->state == GRANT_STATE_RELEASED)
        call->is_replayed = true;
    else
        return not_held(grant);
    rsp->released = grant->quantity;
    return STATUS_OK;
}

u16 model_hold_bind(struct model_call *call, struct msg_hold_bind_rsp *rsp)
{
    struct msg_hold_bind_req req;
    struct model_grant *grant;
    memcpy(&req, call->record->fixed, sizeof req);
    u16 status = owned_question(call, req.id, req.owner, &grant);
    if (status != STATUS_OK)
        return status;
    const bool is_bound = !id128_is_none(grant->order);
    if (is_bound && !id128_equal(grant->order, req.order))
        return STATUS_BOUND_TO_OTHER;
    status = not_held(grant);
    if (status != STATUS_OK)
        return status;
    call->is_replayed = is_bound;
    rsp->held = grant->held;
    if (is_bound)
        return STATUS_OK;
    touch_grant(call, grant);
    grant->order = req.order;
    if (!model_mutates(call->model, MODEL_MUTATION_BOUND_EXPIRES))
        grant->expires_at = 0;
    return STATUS_OK;
}

u16 model_hold_get(struct model_call *call, struct msg_hold_get_rsp *rsp)
{
    struct msg_hold_get_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    const struct model_grant *grant = find_grant(call->model, call->sku->key, req.id);
    if (grant == NULL)
        return missing_grant(call, req.id);
    rsp->owner = grant->owner;
    rsp->order = grant->order;
    rsp->state = grant->state;
    rsp->quantity = grant->quantity;
    rsp->held = grant->held;
    rsp->allocated = grant->allocated;
    rsp->shipped = grant->shipped;
    rsp->cancelled = grant->cancelled;
    rsp->returned_sellable = grant->returned[DISPOSITION_SELLABLE];
    rsp->returned_damaged = grant->returned[DISPOSITION_DAMAGED];
    rsp->created_at_ns = grant->created_at;
    rsp->expires_at_ns = grant->expires_at;
    rsp->max_life_at_ns = grant->max_life_at;
    return STATUS_OK;
}

/* ---- Life of an allocation ---- */

/* The allocation of an id, for ship, cancel and return. */
static u16 allocation_question(const struct model_call *call, struct id128 id,
                               struct model_grant **grant)
{
    *grant = find_grant(call->model, call->sku->key, id);
    if (*grant == NULL)
        return missing_grant(call, id);
    const bool is_allocation =
        (*grant)->state == GRANT_STATE_ALLOCATED || (*grant)->state == GRANT_STATE_FINISHED;
    return is_allocation ? STATUS_OK : STATUS_INVALID_STATE;
}

static void finish_if_done(struct model_call *call, struct model_grant *grant)
{
    if (grant->state == GRANT_STATE_ALLOCATED &&
        grant->shipped + grant->cancelled == grant->allocated)
        bury(call->model, grant, GRANT_STATE_FINISHED, call->now);
}

/* How many units a ship or cancel means now; `total` and `done` of a grant. */
static u16 step_question(struct model_call *call, struct id128 id, i64 quantity, bool is_ship,
                         struct model_grant **grant, i64 *units)
{
    *grant = NULL;
    *units = quantity;
    if (id128_is_none(id))
        return quantity <= call->sku->allocated_anonymous ? STATUS_OK : STATUS_EXCEEDS;
    const u16 status = allocation_question(call, id, grant);
    if (status != STATUS_OK)
        return status;
    const i64 done = is_ship ? (*grant)->shipped : (*grant)->cancelled;
    const i64 other = is_ship ? (*grant)->cancelled : (*grant)->shipped;
    call->is_replayed = quantity <= done;
    if (call->is_replayed)
        return STATUS_OK;
    *units = quantity - done;
    return quantity + other > (*grant)->allocated ? STATUS_EXCEEDS : STATUS_OK;
}

u16 model_alloc_ship(struct model_call *call)
{
    struct msg_alloc_ship_req req;
    struct model_grant *grant;
    struct model_sku *sku = call->sku;
    i64 units;
    memcpy(&req, call->record->fixed, sizeof req);
    const u16 status = step_question(call, req.id, req.quantity, true, &grant, &units);
    if (status != STATUS_OK || call->is_replayed)
        return status;
    if (sku->on_hand - sku->unavailable < units)
        return STATUS_SHORT_STOCK;
    if (!model_counter_fits(sku->shipped + units))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    sku->on_hand -= units;
    sku->allocated -= units;
    sku->shipped += units;
    if (grant == NULL) {
        sku->allocated_anonymous -= units;
        sku->anonymous_shipped += units;
        return STATUS_OK;
    }
    touch_grant(call, grant);
    grant->shipped += units;
    finish_if_done(call, grant);
    return STATUS_OK;
}

u16 model_alloc_cancel(struct model_call *call)
{
    struct msg_alloc_cancel_req req;
    struct model_grant *grant;
    struct model_sku *sku = call->sku;
    i64 units;
    memcpy(&req, call->record->fixed, sizeof req);
    const u16 status = step_question(call, req.id, req.quantity, false, &grant, &units);
    if (status != STATUS_OK || call->is_replayed)
        return status;
    if (!model_counter_fits(sku->cancelled + units))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    if (!model_mutates(call->model, MODEL_MUTATION_CANCEL_LEAKS))
        sku->allocated -= units;
    sku->cancelled += units;
    if (grant == NULL) {
        sku->allocated_anonymous -= units;
        return STATUS_OK;
    }
    touch_grant(call, grant);
    grant->cancelled += units;
    finish_if_done(call, grant);
    return STATUS_OK;
}

static u16 return_question(struct model_call *call, const struct msg_alloc_return_req *req,
                           struct model_grant **grant, i64 *units)
{
    const struct model_sku *sku = call->sku;
    *grant = NULL;
    *units = req->quantity;
    if (id128_is_none(req->id))
        return req->quantity <= sku->anonymous_shipped - sku->anonymous_returned ? STATUS_OK
                                                                                 : STATUS_EXCEEDS;
    const u16 status = allocation_question(call, req->id, grant);
    if (status != STATUS_OK)
        return status;
    const i64 done = (*grant)->returned[req->disposition];
    const i64 other = (*grant)->returned[1 - req->disposition];
    call->is_replayed = req->quantity <= done;
    *units = req->quantity - done;
    if (call->is_replayed)
        return STATUS_OK;
    return req->quantity + other > (*grant)->shipped ? STATUS_EXCEEDS : STATUS_OK;
}

u16 model_alloc_return(struct model_call *call)
{
    struct msg_alloc_return_req req;
    struct model_grant *grant;
    struct model_sku *sku = call->sku;
    i64 units;
    memcpy(&req, call->record->fixed, sizeof req);
    const u16 status = return_question(call, &req, &grant, &units);
    if (status != STATUS_OK || call->is_replayed)
        return status;
    const bool is_damaged = req.disposition == DISPOSITION_DAMAGED;
    i64 *sum = is_damaged ? &sku->returned_damaged : &sku->returned_sellable;
    if (!model_counter_fits(sku->on_hand + units) || !model_counter_fits(*sum + units))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    sku->on_hand += units;
    *sum += units;
    if (is_damaged && !model_mutates(call->model, MODEL_MUTATION_DAMAGED_SELLABLE))
        sku->unavailable += units;
    if (grant == NULL) {
        sku->anonymous_returned += units;
        return STATUS_OK;
    }
    touch_grant(call, grant);
    grant->returned[req.disposition] += units;
    return STATUS_OK;
}
