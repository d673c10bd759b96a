/* cart_dump: carts on their way into a snapshot and back.
 *
 *      DUMP_KIND_CART         the cart and its coupons
 *      DUMP_KIND_CART_LINES   up to PIECE_ROWS of its lines, from a number on
 *      DUMP_KIND_CART_REPORT  likewise of the report that a tombstone keeps
 *
 * They come back in any order: whatever comes first makes the cart, in state NONE until its own record
 * is there. Rows that have not come are zero, which no row is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/money.h"
#include "proto/text.h"
#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"

#define PIECE_ROWS 512u

struct dump_cart {
    u64 user_id;
    u64 version;
    u64 created_at_ns;
    u64 changed_at_ns;
    u64 expires_at_ns;
    struct id128 order;
    struct id128 merge_order;
    u64 merge_target;
    u64 merge_version;
    u32 line_count;
    u32 report_count;
    u16 merge_status;
    u16 coupon_count;
    u16 coupons_claimed;
    u16 state;
};
STATIC_CHECK(sizeof(struct dump_cart) == 104);

struct dump_rows {
    u64 user_id;
    u32 first; /* number of the first row */
    u32 count;
    u32 total; /* of the cart */
    u32 zero0;
};
STATIC_CHECK(sizeof(struct dump_rows) == 24);
STATIC_CHECK(sizeof(struct row_pour_line) == sizeof(struct row_cart_line));
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_rows) +
                 PIECE_ROWS * sizeof(struct row_cart_line) <=
             DUMP_RECORD_BYTES_MAX);

/* Both kinds of rows have one size. */
static void dump_rows(struct dump_sink *sink, enum dump_kind kind, u64 user_id, const void *rows,
                      u32 total)
{
    const u32 row_bytes = (u32)sizeof(struct row_cart_line);
    for (u32 first = 0; first < total; first += PIECE_ROWS) {
        const struct dump_rows fixed = {.user_id = user_id,
                                        .first = first,
                                        .count = MIN(total - first, PIECE_ROWS),
                                        .total = total};
        dump_put(sink, kind, &fixed, sizeof fixed, (const u8 *)rows + (size_t)first * row_bytes,
                 fixed.count * row_bytes);
    }
}

static void dump_cart(const struct cart *cart, struct dump_sink *sink)
{
    static const struct cart_more none;
    const struct cart_more *more = cart->more != NULL ? cart->more : &none;
    const struct dump_cart fixed = {.user_id = cart->user_id,
                                    .version = cart->version,
                                    .created_at_ns = cart->created_at_ns,
                                    .changed_at_ns = cart->changed_at_ns,
                                    .expires_at_ns = cart->expires_at_ns,
                                    .order = more->order,
                                    .merge_order = more->merge_order,
                                    .merge_target = more->merge_target,
                                    .merge_version = more->merge_version,
                                    .line_count = cart->line_count,
                                    .report_count = more->report_count,
                                    .merge_status = more->merge_status,
                                    .coupon_count = more->coupon_count,
                                    .coupons_claimed = more->coupons_claimed,
                                    .state = cart->state};
    dump_put(sink, DUMP_KIND_CART, &fixed, sizeof fixed, more->coupons,
             more->coupon_count * (u32)sizeof *more->coupons);
    dump_rows(sink, DUMP_KIND_CART_LINES, cart->user_id, cart->block, cart->line_count);
    dump_rows(sink, DUMP_KIND_CART_REPORT, cart->user_id, more->report, more->report_count);
}

void cart_dump_bucket(struct cart_room *room, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = map_bucket_read(&room->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    for (u32 i = 0; i < count; i++)
        dump_cart(cart_at(room, indexes[i]), sink);
}

/* ---- load ---- */

/* The cart of a user, without a state if its own record has not come yet. */
static struct cart *cart_for_load(struct cart_room *room, u64 user_id)
{
    u32 index = cart_find(room, route_hash_u64(user_id), user_id);
    if (index == 0) {
        index = cart_create(room, user_id, 0);
        cart_at(room, index)->state = CART_STATE_NONE;
    }
    return cart_at(room, index);
}

static bool is_order_state(u16 state)
{
    return state == CART_STATE_CLAIMED || state == CART_STATE_FROZEN;
}

static const char *dump_cart_invalid(const struct dump_cart *fixed)
{
    if (fixed->user_id == 0 || fixed->version == 0)
        return "a cart has a name or version that cannot be";
    if (fixed->state < CART_STATE_ACTIVE || fixed->state > CART_STATE_MERGED ||
        is_order_state(fixed->state) == id128_is_none(fixed->order) ||
        (fixed->state >= CART_STATE_MERGING && fixed->merge_target == 0))
        return "a cart has a state that cannot be";
    if (fixed->merge_target != 0 &&
        (!cart_is_guest(fixed->user_id) || cart_is_guest(fixed->merge_target)))
        return "a cart was poured where it cannot be";
    if (fixed->merge_status != STATUS_OK && fixed->merge_status != STATUS_CART_FROZEN)
        return "a merge has an outcome that cannot be";
    if (fixed->line_count > CART_LINES_MAX || fixed->report_count > CART_LINES_MAX ||
        (fixed->state == CART_STATE_MERGED ? fixed->line_count != 0 || fixed->coupon_count != 0
                                           : fixed->report_count != 0))
        return "a cart has a number of lines that cannot be";
    if (fixed->coupons_claimed >> fixed->coupon_count != 0 ||
        (!is_order_state(fixed->state) && fixed->coupons_claimed != 0))
        return "a cart has claimed a coupon that it has not got";
    return NULL;
}

static const char *load_coupons(struct cart_room *room, struct cart *cart, const u8 *rows,
                                u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct row_coupon coupon;
        memcpy(&coupon, rows + i * sizeof coupon, sizeof coupon);
        if (coupon.coupon_id == 0 || text64_invalid(&coupon.code) != NULL)
            return "a cart has a coupon that cannot be";
        if (cart_coupon_find(cart, coupon.coupon_id) < cart_coupon_count(cart))
            return "a coupon of a cart comes twice";
        cart_coupon_add(room, cart, &coupon);
    }
    return NULL;
}

const char *cart_load(struct cart_room *room, const u8 *body, u32 bytes)
{
    struct dump_cart fixed;
    if (bytes < sizeof fixed)
        return "a cart is too short";
    memcpy(&fixed, body, sizeof fixed);
    if (fixed.coupon_count > ORDER_COUPONS_MAX ||
        bytes != sizeof fixed + fixed.coupon_count * sizeof(struct row_coupon))
        return "a cart has a length that does not fit its coupons";
    const char *reason = dump_cart_invalid(&fixed);
    if (reason != NULL)
        return reason;
    struct cart *cart = cart_for_load(room, fixed.user_id);
    if (cart->state != CART_STATE_NONE)
        return "a cart comes twice";
    cart->version = fixed.version;
    cart->created_at_ns = fixed.created_at_ns;
    cart->changed_at_ns = fixed.changed_at_ns;
    cart->expires_at_ns = fixed.expires_at_ns;
    cart->state = (u8)fixed.state;
    reason = load_coupons(room, cart, body + sizeof fixed, fixed.coupon_count);
    if (reason != NULL)
        return reason;
    if (fixed.line_count != 0 && cart->block == NULL)
        cart_lines_restore(room, cart, fixed.line_count);
    if (cart->line_count != fixed.line_count)
        return "a cart has another number of lines than its pieces say";
    if (id128_is_none(fixed.order) && fixed.merge_target == 0)
        return cart->more != NULL && cart->more->report != NULL ? "a report of no merge" : NULL;
    struct cart_more *more = cart_more_make(room, cart);
    more->order = fixed.order;
    more->merge_order = fixed.merge_order;
    more->merge_target = fixed.merge_target;
    more->merge_version = fixed.merge_version;
    more->merge_status = fixed.merge_status;
    more->coupons_claimed = (u8)fixed.coupons_claimed;
    if (fixed.report_count != 0 && more->report == NULL) {
        more->report = arena_acquire(room->arena, fixed.report_count * sizeof *more->report);
        memset(more->report, 0, fixed.report_count * sizeof *more->report);
        more->report_count = fixed.report_count;
    }
    return more->report_count != fixed.report_count
               ? "a report has another number of lines than its pieces say"
               : NULL;
}

/* The head of a piece of rows; *rows are its bytes. */
static const char *read_rows(const u8 *body, u32 bytes, struct dump_rows *fixed, const u8 **rows)
{
    if (bytes < sizeof *fixed)
        return "a piece of a cart is too short";
    memcpy(fixed, body, sizeof *fixed);
    *rows = body + sizeof *fixed;
    if (fixed->user_id == 0 || fixed->zero0 != 0 || fixed->total == 0 ||
        fixed->total > CART_LINES_MAX || fixed->first >= fixed->total ||
        fixed->first % PIECE_ROWS != 0 ||
        fixed->count != MIN(fixed->total - fixed->first, PIECE_ROWS))
        return "a piece of a cart has a place that cannot be";
    return bytes != sizeof *fixed + fixed->count * sizeof(struct row_cart_line)
               ? "a piece of a cart has a wrong length"
               : NULL;
}

static bool line_good(const struct row_cart_line *line)
{
    return line->sku_id != 0 && line->quantity >= 1 && line->quantity <= QUANTITY_MAX &&
           line->saved <= 1 && line->zero0 == 0 &&
           (line->currency == 0 ? line->price_seen == -1
                                : currency_find(line->currency) != NULL && line->price_seen >= 0 &&
                                      line->price_seen <= PRICE_MAX);
}

const char *cart_load_lines(struct cart_room *room, const u8 *body, u32 bytes)
{
    struct dump_rows fixed;
    const u8 *rows;
    const char *reason = read_rows(body, bytes, &fixed, &rows);
    if (reason != NULL)
        return reason;
    struct cart *cart = cart_for_load(room, fixed.user_id);
    if (cart->block == NULL && cart->state == CART_STATE_NONE)
        cart_lines_restore(room, cart, fixed.total);
    if (cart->line_count != fixed.total)
        return "a cart has another number of lines than its pieces say";
    struct row_cart_line *lines = cart_lines(cart);
    for (u32 i = 0; i < fixed.count; i++) {
        struct row_cart_line line;
        memcpy(&line, rows + i * sizeof line, sizeof line);
        if (!line_good(&line))
            return "a line of a cart has a field that cannot be";
        if (lines[fixed.first + i].sku_id != 0)
            return "a line of a cart comes twice";
        lines[fixed.first + i] = line;
    }
    return NULL;
}

const char *cart_load_report(struct cart_room *room, const u8 *body, u32 bytes)
{
    struct dump_rows fixed;
    const u8 *rows;
    const char *reason = read_rows(body, bytes, &fixed, &rows);
    if (reason != NULL)
        return reason;
    struct cart *cart = cart_for_load(room, fixed.user_id);
    struct cart_more *more = cart_more_make(room, cart);
    if (more->report == NULL && cart->state == CART_STATE_NONE) {
        more->report = arena_acquire(room->arena, fixed.total * sizeof *more->report);
        memset(more->report, 0, fixed.total * sizeof *more->report);
        more->report_count = fixed.total;
    }
    if (more->report_count != fixed.total)
        return "a report has another number of lines than its pieces say";
    for (u32 i = 0; i < fixed.count; i++) {
        struct row_pour_line row;
        memcpy(&row, rows + i * sizeof row, sizeof row);
        if (row.sku_id == 0 || row.outcome < POUR_ADDED || row.outcome > POUR_REMOVED ||
            row.zero0 != 0 || row.zero1 != 0)
            return "a line of a report has a field that cannot be";
        if (more->report[fixed.first + i].sku_id != 0)
            return "a line of a report comes twice";
        more->report[fixed.first + i] = row;
    }
    return NULL;
}

static const char *finish(struct cart_room *room, u32 index)
{
    struct cart *cart = cart_at(room, index);
    if (cart->state == CART_STATE_NONE)
        return "lines of no cart";
    cart_lines_index(cart);
    if (!cart_lines_valid(cart))
        return "a cart lacks a line, or has one twice";
    for (u32 i = 0; cart->more != NULL && i < cart->more->report_count; i++)
        if (cart->more->report[i].sku_id == 0)
            return "a report lacks a line";
    cart_restart_timer(room, index);
    return NULL;
}

const char *cart_load_finish(struct cart_room *room)
{
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(&room->map); b++) {
        const u32 count = map_bucket_read(&room->map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            const char *reason = finish(room, indexes[i]);
            if (reason != NULL)
                return reason;
        }
    }
    return NULL;
}
