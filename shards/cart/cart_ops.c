/* cart_ops: what shoppers do to their cart: add, set, remove, clear, save for later, coupons.
 *
 * All answer alike: version, units of the line, and why not. The questions that all share are asked by
 * begin, in the order of docs/carts.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/money.h"
#include "proto/text.h"
#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/shard_handlers.h"

STATIC_CHECK(sizeof(struct msg_cart_set_rsp) == sizeof(struct msg_cart_add_rsp));
STATIC_CHECK(sizeof(struct msg_cart_remove_rsp) == sizeof(struct msg_cart_add_rsp));
STATIC_CHECK(sizeof(struct msg_cart_clear_rsp) == sizeof(struct msg_cart_add_rsp));
STATIC_CHECK(sizeof(struct msg_cart_save_rsp) == sizeof(struct msg_cart_add_rsp));
STATIC_CHECK(sizeof(struct msg_cart_coupon_rsp) == sizeof(struct msg_cart_add_rsp));
STATIC_CHECK(sizeof(struct msg_cart_set_req) == sizeof(struct msg_cart_add_req));
STATIC_CHECK(offsetof(struct msg_cart_set_req, currency) ==
             offsetof(struct msg_cart_add_req, currency));

/* A change under way. */
struct edit {
    struct shard *shard;
    struct cart_room *room;
    const struct shard_call *call;
    struct cart *cart; /* NULL: there is none */
    u64 user_id;
    u64 sku_id; /* 0: it is about no line */
    u64 options;
    u32 index;
    u32 line; /* CART_LINE_NONE: there is none */
};

static struct edit edit_of(struct shard *shard, const struct shard_call *call, u64 user_id,
                           u64 sku_id, u64 options)
{
    return (struct edit){.shard = shard,
                         .room = &shard->carts,
                         .call = call,
                         .user_id = user_id,
                         .sku_id = sku_id,
                         .options = options,
                         .line = CART_LINE_NONE};
}

/* The questions that all share. */
static u16 begin(struct edit *edit, bool is_argument_good, u64 if_version)
{
    const u16 status = shard_call_refusal(edit->call, is_argument_good);
    if (UNLIKELY(status != STATUS_OK))
        return status;
    u64 version = 0;
    edit->index = cart_find(edit->room, edit->call->hash, edit->user_id);
    if (LIKELY(edit->index != 0)) {
        edit->cart = cart_at(edit->room, edit->index);
        version = edit->cart->version;
        if (edit->sku_id != 0)
            edit->line = cart_line_find(edit->cart, edit->sku_id, edit->options);
        if (UNLIKELY(edit->cart->state >= CART_STATE_FROZEN))
            return edit->cart->state == CART_STATE_FROZEN ? STATUS_CART_FROZEN : STATUS_CART_MERGED;
    }
    return if_version != 0 && if_version != version ? STATUS_VERSION_CONFLICT : STATUS_OK;
}
STATIC_CHECK(CART_STATE_FROZEN > CART_STATE_ACTIVE && CART_STATE_FROZEN > CART_STATE_CLAIMED);
STATIC_CHECK(CART_STATE_MERGING > CART_STATE_FROZEN && CART_STATE_MERGED > CART_STATE_FROZEN);

static void answer(const struct edit *edit, u16 status, void *reply)
{
    struct msg_cart_add_rsp *to = reply;
    const struct cart *cart = edit->cart;
    to->head.status = status;
    if (cart == NULL)
        return;
    to->version = cart->version;
    to->line_count = cart->line_count;
    if (edit->line != CART_LINE_NONE)
        to->quantity = cart_lines(cart)[edit->line].quantity;
    if (status == STATUS_CART_FROZEN)
        to->order = cart_order(cart);
    else if (status == STATUS_CART_MERGED)
        to->moved_to = cart_merge_target(cart);
}

/* The cart is about to change; made if there is none. */
static void open_for_change(struct edit *edit)
{
    if (LIKELY(edit->cart != NULL)) {
        cart_before_change(edit->room, edit->cart);
        return;
    }
    edit->index = cart_create(edit->room, edit->user_id, edit->call->now_ns);
    edit->cart = cart_at(edit->room, edit->index);
}

static void close_changed(const struct edit *edit)
{
    cart_touch(edit->shard, edit->index, edit->call->now_ns);
}

static bool line_good(const struct msg_cart_add_req *ask, i64 least)
{
    return ask->sku_id != 0 && ask->quantity >= least && ask->quantity <= QUANTITY_MAX &&
           ask->price_seen >= -1 && ask->price_seen <= PRICE_MAX &&
           (ask->currency == 0 || currency_find(ask->currency) != NULL);
}

/* A price is told with its currency, or not at all. */
static bool is_price_told(const struct msg_cart_add_req *ask)
{
    return ask->price_seen >= 0 && ask->currency != 0;
}

static u16 append(struct edit *edit, const struct msg_cart_add_req *ask)
{
    if (edit->cart != NULL && edit->cart->line_count == CART_LINES_MAX)
        return STATUS_TOO_MANY;
    const bool is_told = is_price_told(ask);
    const struct row_cart_line line = {.sku_id = ask->sku_id,
                                       .options = ask->options,
                                       .quantity = ask->quantity,
                                       .price_seen = is_told ? ask->price_seen : -1,
                                       .added_at_ns = edit->call->now_ns,
                                       .currency = is_told ? ask->currency : 0};
    open_for_change(edit);
    edit->line = edit->cart->line_count;
    cart_line_append(edit->room, edit->cart, &line);
    close_changed(edit);
    return STATUS_OK;
}

static void see_price(struct row_cart_line *line, const struct msg_cart_add_req *ask)
{
    if (!is_price_told(ask))
        return;
    line->price_seen = ask->price_seen;
    line->currency = ask->currency;
}

static u16 add(struct edit *edit, const struct msg_cart_add_req *ask)
{
    if (edit->line == CART_LINE_NONE)
        return append(edit, ask);
    struct row_cart_line *line = &cart_lines(edit->cart)[edit->line];
    if (line->quantity + ask->quantity > QUANTITY_MAX)
        return STATUS_EXCEEDS;
    open_for_change(edit);
    line->quantity += ask->quantity;
    line->saved = 0;
    see_price(line, ask);
    close_changed(edit);
    return STATUS_OK;
}

void shard_apply_cart_add(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply)
{
    struct msg_cart_add_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, ask.sku_id, ask.options);
    u16 status = begin(&edit, line_good(&ask, 1), ask.if_version);
    if (LIKELY(status == STATUS_OK))
        status = add(&edit, &ask);
    answer(&edit, status, reply);
}

static void remove_line(struct edit *edit)
{
    open_for_change(edit);
    cart_lines(edit->cart)[edit->line].quantity = 0;
    edit->line = CART_LINE_NONE;
    cart_lines_sweep(edit->room, edit->cart);
    close_changed(edit);
}

static u16 set(struct edit *edit, const struct msg_cart_add_req *ask)
{
    if (edit->line == CART_LINE_NONE)
        return ask->quantity != 0 ? append(edit, ask) : STATUS_OK;
    if (ask->quantity == 0) {
        remove_line(edit);
        return STATUS_OK;
    }
    struct row_cart_line *line = &cart_lines(edit->cart)[edit->line];
    struct row_cart_line wanted = *line;
    wanted.quantity = ask->quantity;
    see_price(&wanted, ask);
    if (memcmp(&wanted, line, sizeof wanted) == 0)
        return STATUS_OK;
    open_for_change(edit);
    *line = wanted;
    close_changed(edit);
    return STATUS_OK;
}

void shard_apply_cart_set(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply)
{
    struct msg_cart_add_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, ask.sku_id, ask.options);
    u16 status = begin(&edit, line_good(&ask, 0), ask.if_version);
    if (status == STATUS_OK)
        status = set(&edit, &ask);
    answer(&edit, status, reply);
}

void shard_apply_cart_remove(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct msg_cart_remove_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, ask.sku_id, ask.options);
    u16 status = begin(&edit, ask.sku_id != 0, ask.if_version);
    if (status == STATUS_OK && edit.line == CART_LINE_NONE)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        remove_line(&edit);
    answer(&edit, status, reply);
}

static void clear(struct edit *edit)
{
    const struct cart *cart = edit->cart;
    u32 removed = 0;
    for (u32 i = 0; cart != NULL && i < cart->line_count; i++)
        removed += cart_lines(cart)[i].saved == 0 ? 1 : 0;
    if (cart == NULL || (removed == 0 && cart_coupon_count(cart) == 0))
        return;
    open_for_change(edit);
    for (u32 i = 0; i < cart->line_count; i++)
        if (cart_lines(cart)[i].saved == 0)
            cart_lines(cart)[i].quantity = 0;
    cart_lines_sweep(edit->room, edit->cart);
    cart_coupons_keep(edit->room, edit->cart, 0);
    close_changed(edit);
}

void shard_apply_cart_clear(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct msg_cart_clear_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, 0, 0);
    const u16 status = begin(&edit, true, ask.if_version);
    if (status == STATUS_OK)
        clear(&edit);
    answer(&edit, status, reply);
}

void shard_apply_cart_save(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply)
{
    struct msg_cart_save_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, ask.sku_id, ask.options);
    u16 status = begin(&edit, ask.sku_id != 0 && ask.saved <= 1, ask.if_version);
    if (status == STATUS_OK && edit.line == CART_LINE_NONE)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && cart_lines(edit.cart)[edit.line].saved != ask.saved) {
        open_for_change(&edit);
        cart_lines(edit.cart)[edit.line].saved = ask.saved;
        close_changed(&edit);
    }
    answer(&edit, status, reply);
}

static u16 list_coupon(struct edit *edit, const struct msg_cart_coupon_req *ask)
{
    const u32 count = edit->cart != NULL ? cart_coupon_count(edit->cart) : 0;
    if (edit->cart != NULL && cart_coupon_find(edit->cart, ask->coupon_id) < count)
        return STATUS_OK;
    if (count == ORDER_COUPONS_MAX)
        return STATUS_TOO_MANY;
    const struct row_coupon coupon = {.coupon_id = ask->coupon_id, .code = ask->code};
    open_for_change(edit);
    cart_coupon_add(edit->room, edit->cart, &coupon);
    close_changed(edit);
    return STATUS_OK;
}

static u16 strike_coupon(struct edit *edit, u64 coupon_id)
{
    const u32 at = edit->cart != NULL ? cart_coupon_find(edit->cart, coupon_id) : 0;
    if (edit->cart == NULL || at == cart_coupon_count(edit->cart))
        return STATUS_NOT_FOUND;
    open_for_change(edit);
    cart_coupons_keep(edit->room, edit->cart, ~(1u << at));
    close_changed(edit);
    return STATUS_OK;
}

void shard_apply_cart_coupon(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply)
{
    struct msg_cart_coupon_req ask;
    memcpy(&ask, request, sizeof ask);
    struct edit edit = edit_of(shard, call, ask.user_id, 0, 0);
    const bool is_good = ask.coupon_id != 0 && ask.listed <= 1 && text64_invalid(&ask.code) == NULL;
    u16 status = begin(&edit, is_good, ask.if_version);
    if (status == STATUS_OK)
        status = ask.listed != 0 ? list_coupon(&edit, &ask) : strike_coupon(&edit, ask.coupon_id);
    answer(&edit, status, reply);
}
