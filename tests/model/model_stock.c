/* model_stock: the commands of docs/stock.md that name no grant, and the order of the questions for
 * all of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/model_call.h"

#include <string.h>

#include "proto/money.h"
#include "proto/route.h"
#include "proto/text.h"

/* ---- SKU and stock ---- */

static u16 sku_put(struct model_call *call, struct msg_sku_put_rsp *rsp)
{
    struct msg_sku_put_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    const struct span code = call->record->spans[0];
    struct model_sku *sku = call->sku;
    if (sku == NULL && req.if_version != VERSION_ANY && req.if_version != VERSION_ABSENT)
        return STATUS_NOT_FOUND;
    if (sku == NULL) {
        sku = model_table_add(&call->model->skus, model_key_resource(req.resource));
        model_created(call->model, &call->model->skus, sku);
        sku->key = req.resource;
    } else {
        if ((sku->code_bytes != code.bytes || memcmp(sku->code, code.data, code.bytes) != 0) &&
            !model_mutates(call->model, MODEL_MUTATION_CODE_IGNORED))
            return STATUS_ID_COLLISION;
        if (req.if_version != VERSION_ANY && req.if_version != sku->version) {
            rsp->version = sku->version;
            return STATUS_VERSION_CONFLICT;
        }
        model_touch_sku(call);
    }
    sku->product_id = req.product_id;
    sku->price = req.price;
    sku->currency = req.currency;
    sku->safety_stock = req.safety_stock;
    sku->oversell_cap = req.oversell_cap;
    sku->lease_default_ms = req.lease_default_ms;
    sku->code_bytes = code.bytes;
    memcpy(sku->code, code.data, code.bytes);
    rsp->version = ++sku->version;
    return STATUS_OK;
}

static u16 stock_receive(struct model_call *call)
{
    struct msg_stock_receive_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    struct model_sku *sku = call->sku;
    if (!model_counter_fits(sku->on_hand + req.quantity) ||
        !model_counter_fits(sku->received + req.quantity))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    sku->on_hand += req.quantity;
    sku->received += req.quantity;
    return STATUS_OK;
}

static u16 change_on_hand(struct model_call *call, i64 delta)
{
    struct model_sku *sku = call->sku;
    if (sku->on_hand + delta < sku->unavailable)
        return STATUS_BELOW_ZERO;
    if (!model_counter_fits(sku->on_hand + delta) || !model_counter_fits(sku->adjusted + delta))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    sku->on_hand += delta;
    sku->adjusted += delta;
    return STATUS_OK;
}

static u16 stock_adjust(struct model_call *call)
{
    struct msg_stock_adjust_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    return change_on_hand(call, req.delta);
}

static u16 stock_set(struct model_call *call)
{
    struct msg_stock_set_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    if (req.expected != -1 && req.expected != call->sku->on_hand)
        return STATUS_COMPARE_FAILED;
    return change_on_hand(call, req.value - call->sku->on_hand);
}

static u16 stock_write_off(struct model_call *call)
{
    struct msg_stock_write_off_req req;
    memcpy(&req, call->record->fixed, sizeof req);
    struct model_sku *sku = call->sku;
    if (req.quantity > sku->unavailable || !model_counter_fits(sku->written_off + req.quantity))
        return STATUS_EXCEEDS;
    model_touch_sku(call);
    sku->on_hand -= req.quantity;
    sku->unavailable -= req.quantity;
    sku->written_off += req.quantity;
    return STATUS_OK;
}

/* ---- Reads ---- */

static void fill_levels(const struct model_call *call, struct msg_stock_get_rsp *rsp)
{
    const struct model_sku *sku = call->sku;
    rsp->on_hand = sku->on_hand;
    rsp->unavailable = sku->unavailable;
    rsp->held = sku->held;
    rsp->allocated = sku->allocated;
    rsp->sellable = model_sellable(call->model, sku);
}

static u16 sku_get(struct model_call *call, struct msg_sku_get_rsp *rsp, struct span *spans)
{
    const struct model_sku *sku = call->sku;
    rsp->product_id = sku->product_id;
    rsp->version = sku->version;
    rsp->price = sku->price;
    rsp->safety_stock = sku->safety_stock;
    rsp->oversell_cap = sku->oversell_cap;
    rsp->lease_default_ms =
        sku->lease_default_ms == 0 ? (u32)LEASE_MS_DEFAULT : sku->lease_default_ms;
    rsp->currency = sku->currency;
    rsp->on_hand = sku->on_hand;
    rsp->unavailable = sku->unavailable;
    rsp->held = sku->held;
    rsp->allocated = sku->allocated;
    rsp->sellable = model_sellable(call->model, sku);
    rsp->allocated_anonymous = sku->allocated_anonymous;
    rsp->received = sku->received;
    rsp->shipped = sku->shipped;
    rsp->returned_sellable = sku->returned_sellable;
    rsp->returned_damaged = sku->returned_damaged;
    rsp->adjusted = sku->adjusted;
    rsp->written_off = sku->written_off;
    rsp->granted = sku->granted;
    rsp->cancelled = sku->cancelled;
    spans[0] = (struct span){sku->code, sku->code_bytes};
    return STATUS_OK;
}

/* ---- The order of the questions ---- */

static bool in_range(i64 value, i64 low, i64 high)
{
    return value >= low && value <= high;
}

static bool sku_put_good(const struct record_view *record)
{
    struct msg_sku_put_req req;
    memcpy(&req, record->fixed, sizeof req);
    const struct span code = record->spans[0];
    return in_range(req.price, 0, PRICE_MAX) && in_range(req.safety_stock, 0, QUANTITY_MAX) &&
           in_range(req.oversell_cap, 0, QUANTITY_MAX) && req.lease_default_ms <= LEASE_MS_MAX &&
           currency_find(req.currency) != NULL && code.bytes != 0 &&
           text_invalid(code.data, code.bytes, false) == NULL;
}

static bool wish_good(const struct record_view *record, u16 opcode)
{
    const struct model_call call = {.record = record};
    const struct model_wish wish = model_read_wish(&call, opcode);
    if (!in_range(wish.quantity, 1, QUANTITY_MAX))
        return false;
    if (!id128_is_none(wish.id) && id128_equal(wish.id, wish.replaces))
        return false;
    if (opcode == OPCODE_TAKE)
        return true;
    if (id128_is_none(wish.id) || wish.lease_ms > LEASE_MS_MAX || wish.max_life_ms > LEASE_MS_MAX)
        return false;
    return wish.lease_ms == 0 || wish.max_life_ms == 0 || wish.max_life_ms >= wish.lease_ms;
}

/* The one quantity of a record that has nothing else to judge. */
#define QUANTITY_OF(name, field) (memcpy(&req.name, record->fixed, sizeof req.name), req.name.field)

static bool arguments_good(const struct record_view *record, u16 opcode)
{
    union {
        struct msg_stock_receive_req receive;
        struct msg_stock_adjust_req adjust;
        struct msg_stock_set_req set;
        struct msg_hold_extend_req extend;
        struct msg_hold_confirm_req confirm;
        struct msg_hold_release_req release;
        struct msg_hold_get_req get;
        struct msg_hold_bind_req bind;
        struct msg_alloc_ship_req ship;
        struct msg_alloc_cancel_req cancel;
        struct msg_alloc_return_req back;
        struct msg_stock_write_off_req off;
    } req;
    switch (opcode) {
    case OPCODE_SKU_PUT: return sku_put_good(record);
    case OPCODE_TAKE:
    case OPCODE_HOLD: return wish_good(record, opcode);
    case OPCODE_STOCK_RECEIVE: return in_range(QUANTITY_OF(receive, quantity), 1, QUANTITY_MAX);
    case OPCODE_STOCK_ADJUST:
        return in_range(QUANTITY_OF(adjust, delta), -QUANTITY_MAX, QUANTITY_MAX) &&
               req.adjust.delta != 0;
    case OPCODE_STOCK_SET:
        return in_range(QUANTITY_OF(set, value), 0, QUANTITY_MAX) &&
               in_range(req.set.expected, -1, COUNTER_MAX);
    case OPCODE_HOLD_EXTEND:
        return QUANTITY_OF(extend, lease_ms) >= 1 && req.extend.lease_ms <= LEASE_MS_MAX &&
               !id128_is_none(req.extend.id);
    case OPCODE_HOLD_CONFIRM:
        return in_range(QUANTITY_OF(confirm, quantity), 0, QUANTITY_MAX) &&
               !id128_is_none(req.confirm.id);
    case OPCODE_HOLD_RELEASE: return !id128_is_none(QUANTITY_OF(release, id));
    case OPCODE_HOLD_GET: return !id128_is_none(QUANTITY_OF(get, id));
    case OPCODE_HOLD_BIND:
        return !id128_is_none(QUANTITY_OF(bind, order)) && !id128_is_none(req.bind.id);
    case OPCODE_ALLOC_SHIP: return in_range(QUANTITY_OF(ship, quantity), 1, QUANTITY_MAX);
    case OPCODE_ALLOC_CANCEL: return in_range(QUANTITY_OF(cancel, quantity), 1, QUANTITY_MAX);
    case OPCODE_ALLOC_RETURN:
        return in_range(QUANTITY_OF(back, quantity), 1, QUANTITY_MAX) &&
               req.back.disposition <= DISPOSITION_DAMAGED;
    case OPCODE_STOCK_WRITE_OFF: return in_range(QUANTITY_OF(off, quantity), 1, QUANTITY_MAX);
    default: return true;
    }
}

static bool resource_good(struct resource key)
{
    return key.kind < RESOURCE_KIND_COUNT && key.tenant == 0 && key.location == 0 && key.id != 0;
}

static u16 execute(struct model_call *call, u16 opcode, struct model_answer *answer)
{
    void *rsp = answer->fixed;
    switch (opcode) {
    case OPCODE_SKU_PUT: return sku_put(call, rsp);
    case OPCODE_SKU_GET: return sku_get(call, rsp, answer->spans);
    case OPCODE_STOCK_RECEIVE: return stock_receive(call);
    case OPCODE_STOCK_ADJUST: return stock_adjust(call);
    case OPCODE_STOCK_SET: return stock_set(call);
    case OPCODE_STOCK_GET: return STATUS_OK;
    case OPCODE_TAKE:
    case OPCODE_HOLD: {
        struct msg_hold_rsp both = {0};
        const u16 status = model_take_or_hold(call, opcode, &both);
        memcpy(rsp, &both,
               opcode == OPCODE_TAKE ? sizeof(struct msg_take_rsp) : sizeof(struct msg_hold_rsp));
        return status;
    }
    case OPCODE_HOLD_EXTEND: return model_hold_extend(call, rsp);
    case OPCODE_HOLD_CONFIRM: return model_hold_confirm(call, rsp);
    case OPCODE_HOLD_RELEASE: return model_hold_release(call, rsp);
    case OPCODE_HOLD_GET: return model_hold_get(call, rsp);
    case OPCODE_HOLD_BIND: return model_hold_bind(call, rsp);
    case OPCODE_ALLOC_SHIP: return model_alloc_ship(call);
    case OPCODE_ALLOC_CANCEL: return model_alloc_cancel(call);
    case OPCODE_ALLOC_RETURN: return model_alloc_return(call);
    case OPCODE_STOCK_WRITE_OFF: return stock_write_off(call);
    default: PANIC("an operation that the model does not know");
    }
}

static bool has_levels(u16 opcode)
{
    switch (opcode) {
    case OPCODE_STOCK_RECEIVE:
    case OPCODE_STOCK_ADJUST:
    case OPCODE_STOCK_SET:
    case OPCODE_STOCK_GET:
    case OPCODE_ALLOC_SHIP:
    case OPCODE_ALLOC_CANCEL:
    case OPCODE_ALLOC_RETURN:
    case OPCODE_STOCK_WRITE_OFF: return true;
    default: return false;
    }
}
STATIC_CHECK(sizeof(struct msg_stock_receive_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_stock_write_off_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(sizeof(struct msg_alloc_return_rsp) == sizeof(struct msg_stock_get_rsp));
STATIC_CHECK(offsetof(struct msg_hold_rsp, sellable) == offsetof(struct msg_take_rsp, sellable));

void model_stock_record(struct model *model, u16 opcode, const struct record_view *record,
                        struct model_answer *answer)
{
    struct resource key;
    struct model_call call = {.model = model, .record = record, .now = model->now};
    memcpy(&key, record->fixed, sizeof key);
    if (!resource_good(key) || !arguments_good(record, opcode)) {
        answer->status = STATUS_BAD_ARGUMENT;
        return;
    }
    if (route_shard(route_hash_resource(key), model->options.count) != model->options.index) {
        answer->status = STATUS_WRONG_SHARD;
        return;
    }
    call.sku = model_table_find(&model->skus, model_key_resource(key));
    if (call.sku == NULL && opcode != OPCODE_SKU_PUT) {
        answer->status = STATUS_NOT_FOUND;
        return;
    }
    answer->status = execute(&call, opcode, answer);
    answer->is_replayed = call.is_replayed;
    answer->retry_after_ms = call.retry_after_ms;
    if (has_levels(opcode))
        fill_levels(&call, (void *)answer->fixed);
}
