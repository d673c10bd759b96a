/* cart_pour: a guest's cart is poured into a user's: the user's side. The strategies are told, line by
 * line, in docs/carts.md.
 *
 * The guest's lines come as rows of a message. They are looked up in the user's cart, each in constant
 * time, so a merge of 2,000 lines with 2,000 lines is 4,000 steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/shard_handlers.h"

/* A pouring under way. */
struct pouring {
    struct shard *shard;
    struct cart_room *room;
    struct cart *cart; /* the user's; NULL: there is none yet */
    u64 user_id;
    u64 now_ns;
    const u8 *lines;              /* the guest's */
    struct row_pour_line *report; /* in the shard's scratch */
    u32 line_count;
    u32 removed_count;
    u32 index;
    u16 strategy;
    u16 currency;   /* of the user's lines, where those of another are dropped; 0 = any may come */
    bool was_empty; /* the user's cart had no line that is not saved for later */
    bool is_changed;
};
STATIC_CHECK(CART_LINES_MAX * sizeof(struct row_pour_line) <= SHARD_SCRATCH_BYTES);

static struct row_cart_line guest_line_at(const struct pouring *pouring, u32 i)
{
    struct row_cart_line line;
    memcpy(&line, pouring->lines + (size_t)i * sizeof line, sizeof line);
    return line;
}

static u32 find_line(const struct pouring *pouring, const struct row_cart_line *line)
{
    return pouring->cart != NULL ? cart_line_find(pouring->cart, line->sku_id, line->options)
                                 : CART_LINE_NONE;
}

/* What the user's cart is like before. */
static void look(struct pouring *pouring)
{
    const struct cart *cart = pouring->cart;
    const bool may_drop = pouring->strategy == MERGE_SUM || pouring->strategy == MERGE_MAX;
    pouring->was_empty = true;
    for (u32 i = 0; cart != NULL && i < cart->line_count; i++) {
        const struct row_cart_line *line = &cart_lines(cart)[i];
        if (line->saved != 0)
            continue;
        pouring->was_empty = false;
        if (may_drop && pouring->currency == 0)
            pouring->currency = line->currency;
    }
}

/* The guest wins: what the user alone has goes, and makes room. Told after the guest's lines, as far as
 * there are rows left. */
static void remove_others(struct pouring *pouring)
{
    struct cart *cart = pouring->cart;
    u64 stays[(CART_LINES_MAX + 63) / 64] = {0};
    for (u32 i = 0; i < pouring->line_count; i++) {
        const struct row_cart_line line = guest_line_at(pouring, i);
        const u32 at = find_line(pouring, &line);
        if (at != CART_LINE_NONE)
            stays[at / 64] |= 1ull << (at % 64);
    }
    for (u32 i = 0; i < cart->line_count; i++) {
        struct row_cart_line *line = &cart_lines(cart)[i];
        if (line->saved != 0 || (stays[i / 64] >> (i % 64) & 1) != 0)
            continue;
        if (pouring->line_count + pouring->removed_count < CART_LINES_MAX)
            pouring->report[pouring->line_count + pouring->removed_count++] =
                (struct row_pour_line){.sku_id = line->sku_id,
                                       .options = line->options,
                                       .user_quantity = line->quantity,
                                       .outcome = POUR_REMOVED};
        line->quantity = 0;
        pouring->is_changed = true;
    }
    cart_lines_sweep(pouring->room, cart);
}

static void open_for_change(struct pouring *pouring)
{
    pouring->is_changed = true;
    if (pouring->cart != NULL)
        return;
    pouring->index = cart_create(pouring->room, pouring->user_id, pouring->now_ns);
    pouring->cart = cart_at(pouring->room, pouring->index);
}

/* A line that only the guest has. */
static u16 pour_new(struct pouring *pouring, const struct row_cart_line *line)
{
    const bool is_saved = line->saved != 0;
    const bool is_kept =
        (pouring->strategy == MERGE_USER_WINS || pouring->strategy == MERGE_GUEST_IF_USER_EMPTY) &&
        !pouring->was_empty && !is_saved;
    const bool is_foreign = !is_saved && pouring->currency != 0 && line->currency != 0 &&
                            line->currency != pouring->currency;
    if (is_kept)
        return POUR_KEPT;
    if (is_foreign)
        return POUR_DROPPED_CURRENCY;
    if (pouring->cart != NULL && pouring->cart->line_count == CART_LINES_MAX)
        return POUR_DROPPED_FULL;
    open_for_change(pouring);
    cart_line_append(pouring->room, pouring->cart, line);
    return POUR_ADDED;
}

/* The user's line becomes an active one of so many units, at the price that the guest saw. */
static void become(struct pouring *pouring, struct row_cart_line *own, i64 quantity,
                   const struct row_cart_line *line)
{
    struct row_cart_line wanted = *own;
    wanted.quantity = quantity;
    wanted.saved = line->saved;
    if (line->currency != 0) {
        wanted.price_seen = line->price_seen;
        wanted.currency = line->currency;
    }
    if (memcmp(&wanted, own, sizeof wanted) == 0)
        return;
    *own = wanted;
    pouring->is_changed = true;
}

/* A line that both have. */
static u16 pour_both(struct pouring *pouring, struct row_cart_line *own,
                     const struct row_cart_line *line)
{
    const i64 sum = own->quantity + line->quantity;
    if (pouring->strategy != MERGE_GUEST_WINS && line->saved != 0)
        return POUR_KEPT;
    switch ((enum merge_strategy)pouring->strategy) {
    case MERGE_SUM:
        become(pouring, own, MIN(sum, QUANTITY_MAX), line);
        return sum > QUANTITY_MAX ? POUR_CLAMPED : POUR_SUMMED;
    case MERGE_GUEST_WINS: become(pouring, own, line->quantity, line); return POUR_REPLACED;
    case MERGE_MAX:
        if (line->quantity <= own->quantity && own->saved == 0)
            return POUR_KEPT;
        become(pouring, own, MAX(line->quantity, own->quantity), line);
        return POUR_REPLACED;
    case MERGE_USER_WINS:
    case MERGE_GUEST_IF_USER_EMPTY:
        if (!pouring->was_empty)
            return POUR_KEPT;
        become(pouring, own, line->quantity, line); /* it was saved for later */
        return POUR_REPLACED;
    }
    PANIC("no such strategy"); /* the guest's shard has asked */
}

static void pour_line(struct pouring *pouring, u32 i)
{
    const struct row_cart_line line = guest_line_at(pouring, i);
    struct row_pour_line *row = &pouring->report[i];
    const u32 at = find_line(pouring, &line);
    *row = (struct row_pour_line){
        .sku_id = line.sku_id, .options = line.options, .guest_quantity = line.quantity};
    if (at == CART_LINE_NONE) {
        row->outcome = pour_new(pouring, &line);
        row->quantity = row->outcome == POUR_ADDED ? line.quantity : 0;
        return;
    }
    struct row_cart_line *own = &cart_lines(pouring->cart)[at];
    row->user_quantity = own->quantity;
    row->outcome = pour_both(pouring, own, &line);
    row->quantity = own->quantity;
}

static void pour_coupons(struct pouring *pouring, struct span rows)
{
    for (u32 i = 0; i < rows.bytes / sizeof(struct row_coupon); i++) {
        struct row_coupon coupon;
        memcpy(&coupon, rows.data + i * sizeof coupon, sizeof coupon);
        const u32 count = pouring->cart != NULL ? cart_coupon_count(pouring->cart) : 0;
        if (count == ORDER_COUPONS_MAX ||
            (pouring->cart != NULL && cart_coupon_find(pouring->cart, coupon.coupon_id) < count))
            continue;
        open_for_change(pouring);
        cart_coupon_add(pouring->room, pouring->cart, &coupon);
    }
}

static void pour_all(struct pouring *pouring, struct span coupons)
{
    if (pouring->cart != NULL)
        cart_before_change(pouring->room, pouring->cart);
    look(pouring);
    if (pouring->strategy == MERGE_GUEST_WINS && pouring->cart != NULL)
        remove_others(pouring);
    for (u32 i = 0; i < pouring->line_count; i++)
        pour_line(pouring, i);
    pour_coupons(pouring, coupons);
    if (pouring->is_changed)
        cart_touch(pouring->shard, pouring->index, pouring->now_ns);
}

void shard_mail_cart_pour(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_cart_pour_req ask;
    const struct span rows = call->spans[SPAN_OF(mail_cart_pour_req, lines)];
    memcpy(&ask, call->fixed, sizeof ask);
    struct pouring pouring = {.shard = shard,
                              .room = &shard->carts,
                              .user_id = ask.user_id,
                              .now_ns = call->now_ns,
                              .lines = rows.data,
                              .line_count = rows.bytes / (u32)sizeof(struct row_cart_line),
                              .report = (struct row_pour_line *)(void *)shard->scratch,
                              .strategy = ask.strategy};
    MUST(!cart_is_guest(ask.user_id));
    MUST(rows.bytes % sizeof(struct row_cart_line) == 0);
    MUST(pouring.line_count <= CART_LINES_MAX);
    pouring.index = cart_find(pouring.room, route_hash_u64(ask.user_id), ask.user_id);
    if (pouring.index != 0)
        pouring.cart = cart_at(pouring.room, pouring.index);
    struct msg_mail_cart_poured_req answer = {.guest_id = ask.guest_id, .user_id = ask.user_id};
    struct span report = {.data = shard->scratch, .bytes = 0};
    if (pouring.cart != NULL && pouring.cart->state == CART_STATE_FROZEN) {
        answer.status = STATUS_CART_FROZEN;
        answer.order = cart_order(pouring.cart);
    } else {
        pour_all(&pouring, call->spans[SPAN_OF(mail_cart_pour_req, coupons)]);
        report.bytes =
            (pouring.line_count + pouring.removed_count) * (u32)sizeof(struct row_pour_line);
    }
    answer.version = pouring.cart != NULL ? pouring.cart->version : 0;
    mail_post(shard, call->source, OPCODE_MAIL_CART_POURED, &answer, &report);
}
