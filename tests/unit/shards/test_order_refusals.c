/* test_order_refusals: every operation on carts, settings, orders, parcels, returns and payments, with
 * ids that nobody has, that belong to somebody else, that are over, and with arguments that cannot be:
 * the precise status, and nothing changed.
 *
 * "Nothing" is the sum of all records of a dump of all shards, without what every answered frame
 * changes: the session that it came in, and the scalars of the shard (position, time).
 *
 * The last test goes through messages.def: an operation that has no case here fails it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/refusal_cast.h"

/* ---- carts ----------------------------------------------------------------------------------- */

static void carts_refuse_arguments(void **state)
{
    (void)state;
    const u64 sku = of_sku_id(0);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 0, .sku_id = sku,
           .quantity = 1, .price_seen = -1);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .quantity = 1,
           .price_seen = -1);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = 0, .price_seen = -1);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = -1, .price_seen = -1);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = QUANTITY_MAX + 1, .price_seen = -1);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = 1, .price_seen = -2);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = 1, .price_seen = PRICE_MAX + 1, .currency = OF_GBP);
    REFUSE(WRONG, OPCODE_CART_ADD, cart_add, STATUS_BAD_ARGUMENT, .user_id = 5, .sku_id = sku,
           .quantity = 1, .price_seen = 5, .currency = 12345);
    REFUSE(UNKNOWN, OPCODE_CART_ADD, cart_add, STATUS_VERSION_CONFLICT, .user_id = 5, .sku_id = sku,
           .quantity = 1, .price_seen = -1, .if_version = 7);
    REFUSE(WRONG, OPCODE_CART_SET, cart_set, STATUS_BAD_ARGUMENT, .user_id = MERGED_USER,
           .sku_id = sku, .quantity = -1, .price_seen = -1);
    REFUSE(UNKNOWN, OPCODE_CART_SET, cart_set, STATUS_VERSION_CONFLICT, .user_id = 5, .sku_id = sku,
           .quantity = 1, .price_seen = -1, .if_version = 1);
    REFUSE(UNKNOWN, OPCODE_CART_REMOVE, cart_remove, STATUS_NOT_FOUND, .user_id = 5, .sku_id = sku);
    REFUSE(UNKNOWN, OPCODE_CART_REMOVE, cart_remove, STATUS_NOT_FOUND, .user_id = MERGED_USER,
           .sku_id = 99);
    REFUSE(WRONG, OPCODE_CART_REMOVE, cart_remove, STATUS_BAD_ARGUMENT, .user_id = 0,
           .sku_id = sku);
    REFUSE(UNKNOWN, OPCODE_CART_CLEAR, cart_clear, STATUS_VERSION_CONFLICT, .user_id = 5,
           .if_version = 3);
    REFUSE(WRONG, OPCODE_CART_CLEAR, cart_clear, STATUS_BAD_ARGUMENT, .user_id = 0);
    REFUSE(UNKNOWN, OPCODE_CART_SAVE, cart_save, STATUS_NOT_FOUND, .user_id = MERGED_USER,
           .sku_id = 99, .saved = 1);
    REFUSE(WRONG, OPCODE_CART_SAVE, cart_save, STATUS_BAD_ARGUMENT, .user_id = MERGED_USER,
           .sku_id = sku, .saved = 2);
    REFUSE(UNKNOWN, OPCODE_CART_COUPON, cart_coupon, STATUS_NOT_FOUND, .user_id = MERGED_USER,
           .coupon_id = 8, .listed = 0);
    REFUSE(WRONG, OPCODE_CART_COUPON, cart_coupon, STATUS_BAD_ARGUMENT, .user_id = MERGED_USER,
           .coupon_id = 8, .listed = 2);
    REFUSE(WRONG, OPCODE_CART_COUPON, cart_coupon, STATUS_BAD_ARGUMENT, .user_id = MERGED_USER,
           .coupon_id = 0, .listed = 1);
    REFUSE(WRONG, OPCODE_CART_MERGE, cart_merge, STATUS_BAD_ARGUMENT, .user_id = 5, .target_id = 6,
           .strategy = MERGE_SUM);
    REFUSE(WRONG, OPCODE_CART_MERGE, cart_merge, STATUS_BAD_ARGUMENT, .user_id = ID_GUEST_BIT | 5,
           .target_id = ID_GUEST_BIT | 6, .strategy = MERGE_SUM);
    REFUSE(WRONG, OPCODE_CART_MERGE, cart_merge, STATUS_BAD_ARGUMENT, .user_id = ID_GUEST_BIT | 5,
           .target_id = 6, .strategy = 6);
    REFUSE(UNKNOWN, OPCODE_CART_GET, cart_get, STATUS_OK, .user_id = 5);
    REFUSE(WRONG, OPCODE_CART_GET, cart_get, STATUS_BAD_ARGUMENT, .user_id = 0);
    REFUSE(UNKNOWN, OPCODE_CART_QUOTE, cart_quote, STATUS_OK, .user_id = 5, .currency = OF_GBP);
    REFUSE(WRONG, OPCODE_CART_QUOTE, cart_quote, STATUS_BAD_ARGUMENT, .user_id = MERGED_USER,
           .currency = 12345);
    REFUSE(UNKNOWN, OPCODE_CART_MERGE_STATUS, cart_merge_status, STATUS_OK,
           .user_id = ID_GUEST_BIT | 5);
    REFUSE(WRONG, OPCODE_CART_MERGE_STATUS, cart_merge_status, STATUS_BAD_ARGUMENT, .user_id = 0);
    REFUSE(WRONG, OPCODE_CART_MERGE_STATUS, cart_merge_status, STATUS_BAD_ARGUMENT,
           .user_id = ID_GUEST_BIT | 5, .wait_ms = WAIT_MS_MAX + 1);
    REFUSE(WRONG, OPCODE_CHECKOUT_STATUS, checkout_status, STATUS_BAD_ARGUMENT, .order = cast.paid,
           .wait_ms = WAIT_MS_MAX + 1);
    REFUSE(WRONG, OPCODE_COMMAND_WAIT, command_wait, STATUS_BAD_ARGUMENT,
           .wait_ms = WAIT_MS_MAX + 1);
    REFUSE(WRONG, OPCODE_SETTING_STATUS, setting_status, STATUS_BAD_ARGUMENT, .home_id = LIST,
           .kind = SETTING_KIND_PRICE_LIST, .wait_ms = WAIT_MS_MAX + 1);
}

static void carts_that_are_frozen_or_gone_refuse_changes(void **state)
{
    (void)state;
    const u64 users[] = {FROZEN_USER, MERGED};
    const u16 wanted[] = {STATUS_CART_FROZEN, STATUS_CART_MERGED};
    const u64 sku = of_sku_id(0);
    for (u32 i = 0; i < ARRAY_COUNT(users); i++) {
        const u64 user = users[i];
        REFUSE(FINISHED, OPCODE_CART_ADD, cart_add, wanted[i], .user_id = user, .sku_id = sku,
               .quantity = 1, .price_seen = -1);
        REFUSE(FINISHED, OPCODE_CART_SET, cart_set, wanted[i], .user_id = user, .sku_id = sku,
               .quantity = 1, .price_seen = -1);
        REFUSE(FINISHED, OPCODE_CART_REMOVE, cart_remove, wanted[i], .user_id = user,
               .sku_id = sku);
        REFUSE(FINISHED, OPCODE_CART_CLEAR, cart_clear, wanted[i], .user_id = user);
        REFUSE(FINISHED, OPCODE_CART_SAVE, cart_save, wanted[i], .user_id = user, .sku_id = sku,
               .saved = 1);
        REFUSE(FINISHED, OPCODE_CART_COUPON, cart_coupon, wanted[i], .user_id = user,
               .coupon_id = COUPON, .listed = 1);
    }
    /* The first merge is answered again. */
    REFUSE(FINISHED, OPCODE_CART_MERGE, cart_merge, STATUS_OK, .user_id = MERGED, .target_id = 77,
           .strategy = MERGE_MAX);
}

/* ---- settings -------------------------------------------------------------------------------- */

static void settings_refuse(void **state)
{
    (void)state;
    const struct text64 name = text64_of("name", 4);
    const struct row_price_tier tiers[] = {{.quantity = 1, .price = 5}};
    const struct row_price_tier late[] = {{.quantity = 2, .price = 5}};
    const struct row_price_tier negative[] = {{.quantity = 1, .price = -5}};
    REFUSE(WRONG, OPCODE_PRICE_LIST_PUT, price_list_put, STATUS_BAD_ARGUMENT, .home_id = 0,
           .currency = OF_GBP, .name = name);
    REFUSE(WRONG, OPCODE_PRICE_LIST_PUT, price_list_put, STATUS_BAD_ARGUMENT, .home_id = LIST,
           .currency = 12345, .name = name);
    REFUSE(WRONG, OPCODE_PRICE_LIST_PUT, price_list_put, STATUS_VERSION_CONFLICT, .home_id = LIST,
           .currency = OF_GBP, .name = name, .if_version = VERSION_ABSENT);
    REFUSE(UNKNOWN, OPCODE_PRICE_LIST_PUT, price_list_put, STATUS_NOT_FOUND, .home_id = 5,
           .currency = OF_GBP, .name = name, .if_version = 1);
    REFUSE_ROWS(UNKNOWN, OPCODE_PRICE_PUT, price_put, STATUS_NOT_FOUND, tiers, .home_id = 5,
                .sku_id = 5);
    REFUSE_ROWS(WRONG, OPCODE_PRICE_PUT, price_put, STATUS_BAD_ARGUMENT, late, .home_id = LIST,
                .sku_id = 5);
    REFUSE_ROWS(WRONG, OPCODE_PRICE_PUT, price_put, STATUS_BAD_ARGUMENT, negative, .home_id = LIST,
                .sku_id = 5);
    REFUSE(WRONG, OPCODE_PROMOTION_PUT, promotion_put, STATUS_BAD_ARGUMENT, .home_id = PROMOTION,
           .value = PERCENT_MAX + 1, .kind = PROMOTION_KIND_PERCENT, .name = name);
    REFUSE(WRONG, OPCODE_PROMOTION_PUT, promotion_put, STATUS_BAD_ARGUMENT, .home_id = PROMOTION,
           .value = -5, .kind = PROMOTION_KIND_FIXED, .currency = OF_GBP, .name = name);
    REFUSE(UNKNOWN, OPCODE_PROMOTION_PUT, promotion_put, STATUS_NOT_FOUND, .home_id = 5,
           .value = 100, .kind = PROMOTION_KIND_PERCENT, .name = name, .if_version = 9);
    REFUSE(UNKNOWN, OPCODE_POLICY_PUT, policy_put, STATUS_BAD_ARGUMENT, .home_id = 2);
    REFUSE(WRONG, OPCODE_POLICY_PUT, policy_put, STATUS_BAD_ARGUMENT, .home_id = POLICY_HOME_ID);
    REFUSE(UNKNOWN, OPCODE_PRICE_LIST_GET, price_list_get, STATUS_NOT_FOUND, .home_id = 5);
    REFUSE(UNKNOWN, OPCODE_PRICE_GET, price_get, STATUS_NOT_FOUND, .home_id = LIST, .sku_id = 5);
    REFUSE(UNKNOWN, OPCODE_PROMOTION_GET, promotion_get, STATUS_NOT_FOUND, .home_id = 5);
    REFUSE(UNKNOWN, OPCODE_POLICY_GET, policy_get, STATUS_BAD_ARGUMENT, .home_id = 2);
    REFUSE(UNKNOWN, OPCODE_SETTING_STATUS, setting_status, STATUS_NOT_FOUND, .home_id = 5,
           .kind = SETTING_KIND_PROMOTION);
    REFUSE(WRONG, OPCODE_SETTING_STATUS, setting_status, STATUS_BAD_ARGUMENT, .home_id = LIST,
           .kind = 5);
}

/* ---- checkout -------------------------------------------------------------------------------- */

/* A checkout that is good but for what a test changes. */
struct wish {
    struct msg_checkout_req ask;
    struct row_checkout_line lines[3];
    struct row_charge charges[2];
    struct row_tender tenders[2];
    struct row_coupon coupons[2];
    u32 line_count, charge_count, tender_count, coupon_count;
};

static struct wish good_wish(void)
{
    const i64 goods = 2 * OF_PRICE(0) + OF_PRICE(1);
    return (struct wish){
        .ask = {.order = fresh(OF_USER), .expected_total = goods + 30, .currency = OF_GBP},
        .lines = {{.sku_id = of_sku_id(0), .quantity = 2, .agreed_price = -1},
                  {.sku_id = of_sku_id(1), .quantity = 1, .agreed_price = -1}},
        .charges = {{.amount = 30, .line = LINE_NONE, .kind = AMOUNT_KIND_SHIPPING, .code = 3}},
        .tenders = {{.amount = goods + 30}},
        .line_count = 2,
        .charge_count = 1,
        .tender_count = 1};
}

static void refuse_wish(enum kind kind, const struct wish *wish, u16 wanted)
{
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)wish->lines,
                                          wish->line_count * (u32)sizeof wish->lines[0]},
        [SPAN_OF(checkout_req, charges)] = {(const u8 *)wish->charges,
                                            wish->charge_count * (u32)sizeof wish->charges[0]},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)wish->tenders,
                                            wish->tender_count * (u32)sizeof wish->tenders[0]},
        [SPAN_OF(checkout_req, coupons)] = {(const u8 *)wish->coupons,
                                            wish->coupon_count * (u32)sizeof wish->coupons[0]}};
    refuse(kind, OPCODE_CHECKOUT, &wish->ask, spans, wanted);
}

#define REFUSE_WISH(kind, wanted, ...)        \
    do {                                      \
        struct wish wish = good_wish();       \
        __VA_ARGS__;                          \
        refuse_wish((kind), &wish, (wanted)); \
    } while (0)

static void checkouts_refuse_arguments(void **state)
{
    (void)state;
    const u64 hour = 3600ull * 1000;
    const u64 now_ms = cast.of.town->now_ns / NS_PER_MS;
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.order.high = 0);
    REFUSE_WISH(WRONG, STATUS_ID_IN_FUTURE, wish.ask.order.low = (now_ms + hour + 5000) << 16);
    REFUSE_WISH(WRONG, STATUS_TOO_OLD, wish.ask.order.low = (now_ms - 24 * hour - 5000) << 16);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.currency = 12345);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.capture = 2);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.from_cart = 2);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.from_cart = 1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.ask.expected_total = -1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[0].sku_id = 0);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[0].quantity = 0);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[1].quantity = -1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[1].quantity = QUANTITY_MAX + 1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[1].agreed_price = -2);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.lines[1].agreed_price = PRICE_MAX + 1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.charges[0].amount = -30);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.charges[0].kind = AMOUNT_KIND_PROMOTION);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.tenders[0].amount = 0);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.tenders[0].amount = -1);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.tenders[0].kind = 3);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.tenders[0].account = OF_CARD.id);
    REFUSE_WISH(WRONG, STATUS_BAD_ARGUMENT, wish.tenders[0].kind = TENDER_KIND_GIFT_CARD);
    REFUSE_WISH(WRONG, STATUS_CART_EMPTY, wish.line_count = 0);
}

static void checkouts_refuse_sums(void **state)
{
    (void)state;
    REFUSE_WISH(WRONG, STATUS_SUM_MISMATCH, wish.tenders[0].amount -= 1);
    REFUSE_WISH(WRONG, STATUS_SUM_MISMATCH, wish.tender_count = 0);
    REFUSE_WISH(WRONG, STATUS_SUM_MISMATCH, wish.charges[0].line = 2);
    REFUSE_WISH(WRONG, STATUS_EXCEEDS, wish.lines[0].quantity = 5,
                wish.lines[0].agreed_price = PRICE_MAX);
    REFUSE_WISH(WRONG, STATUS_EXCEEDS, wish.lines[0].agreed_price = PRICE_MAX / 2,
                wish.lines[1].agreed_price = PRICE_MAX / 2);
    REFUSE_WISH(WRONG, STATUS_EXCEEDS, wish.charge_count = 2, wish.charges[0].amount = PRICE_MAX,
                wish.charges[1] = wish.charges[0]);
    REFUSE_WISH(WRONG, STATUS_EXCEEDS, wish.tender_count = 2, wish.tenders[0].amount = PRICE_MAX,
                wish.tenders[1] = wish.tenders[0]);
}

static void checkouts_refuse_what_is_known(void **state)
{
    (void)state;
    REFUSE_WISH(FINISHED, STATUS_ID_MISMATCH, wish.ask.order = cast.paid);
    REFUSE_WISH(FINISHED, STATUS_ID_MISMATCH, wish.ask.order = cast.given_up);
    REFUSE_WISH(FINISHED, STATUS_ID_MISMATCH, wish.ask.order = cast.open);
    REFUSE_WISH(UNKNOWN, STATUS_CART_EMPTY, wish.line_count = 0, wish.ask.from_cart = 1,
                wish.ask.order = fresh(5));
    REFUSE_WISH(FINISHED, STATUS_CART_FROZEN, wish.line_count = 0, wish.ask.from_cart = 1,
                wish.ask.order = fresh(FROZEN_USER));
    REFUSE_WISH(FINISHED, STATUS_CART_MERGED, wish.line_count = 0, wish.ask.from_cart = 1,
                wish.ask.order = fresh(MERGED));
    REFUSE_WISH(WRONG, STATUS_VERSION_CONFLICT, wish.line_count = 0, wish.ask.from_cart = 1,
                wish.ask.cart_version = 1000, wish.ask.order = fresh(MERGED_USER));
}

static void orders_under_way_refuse(void **state)
{
    (void)state;
    REFUSE(UNKNOWN, OPCODE_CHECKOUT_STATUS, checkout_status, STATUS_NOT_FOUND, .order = cast.never);
    REFUSE(FOREIGN, OPCODE_CHECKOUT_STATUS, checkout_status, STATUS_FORBIDDEN, .order = cast.paid,
           .user_id = STRANGER);
    REFUSE(UNKNOWN, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_NOT_FOUND, .order = cast.never,
           .reason = 1);
    REFUSE(FOREIGN, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_FORBIDDEN, .order = cast.open,
           .user_id = STRANGER, .reason = 1);
    REFUSE(WRONG, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_BAD_ARGUMENT, .order = cast.open,
           .reason = 0);
    REFUSE(WRONG, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_BAD_ARGUMENT, .order = cast.open,
           .reason = 8);
    REFUSE(FINISHED, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_ALREADY_PLACED,
           .order = cast.paid, .reason = 1);
    REFUSE(FINISHED, OPCODE_CHECKOUT_CANCEL, checkout_cancel, STATUS_ALREADY_PLACED,
           .order = cast.done, .reason = 1);
}

/* ---- the outbox ------------------------------------------------------------------------------ */

static void leases_that_are_lost_refuse(void **state)
{
    (void)state;
    const struct msg_command_poll_rsp *own = &cast.command;
    const u64 leases[] = {cast.lost_lease, 0, own->lease + 1000};
    for (u32 i = 0; i < ARRAY_COUNT(leases); i++) {
        REFUSE(WRONG, OPCODE_COMMAND_ACK, command_ack, STATUS_LEASE_LOST, .order = cast.leased,
               .lease = leases[i], .step = own->step, .attempt = own->attempt);
        REFUSE(WRONG, OPCODE_COMMAND_NACK, command_nack, STATUS_LEASE_LOST, .order = cast.leased,
               .lease = leases[i], .step = own->step, .attempt = own->attempt);
    }
    REFUSE(WRONG, OPCODE_COMMAND_ACK, command_ack, STATUS_LEASE_LOST, .order = cast.leased,
           .lease = own->lease, .step = own->step, .attempt = own->attempt + 1);
    REFUSE(UNKNOWN, OPCODE_COMMAND_ACK, command_ack, STATUS_NOT_FOUND, .order = cast.leased,
           .lease = own->lease, .step = own->step + 7, .attempt = 1);
    REFUSE(UNKNOWN, OPCODE_COMMAND_ACK, command_ack, STATUS_NOT_FOUND, .order = cast.never,
           .lease = own->lease, .step = 1, .attempt = 1);
    REFUSE(UNKNOWN, OPCODE_COMMAND_NACK, command_nack, STATUS_NOT_FOUND, .order = cast.never,
           .lease = own->lease, .step = 1, .attempt = 1);
    REFUSE(FINISHED, OPCODE_COMMAND_ACK, command_ack, STATUS_LEASE_LOST, .order = cast.paid,
           .lease = 1, .step = 1, .attempt = 1);
    REFUSE(FINISHED, OPCODE_COMMAND_NACK, command_nack, STATUS_LEASE_LOST, .order = cast.paid,
           .lease = 1, .step = 1, .attempt = 1);
    REFUSE(WRONG, OPCODE_COMMAND_POLL, command_poll, STATUS_BAD_ARGUMENT,
           .lease_ms = COMMAND_LEASE_MS_MAX + 1);
    REFUSE(WRONG, OPCODE_COMMAND_POLL, command_poll, STATUS_NONE_READY, .group = 4711);
    REFUSE(WRONG, OPCODE_COMMAND_WAIT, command_wait, STATUS_OK, .group = 4711);
    REFUSE(UNKNOWN, OPCODE_COMMAND_LIST, command_list, STATUS_OK, .after = cast.never);
}

/* ---- payments -------------------------------------------------------------------------------- */

static void payment_events_refuse(void **state)
{
    (void)state;
    const struct text64 reference = text64_of("ref_nobody", 10);
    REFUSE(UNKNOWN, OPCODE_PAYMENT_EVENT, payment_event, STATUS_NOT_FOUND, .order = cast.never,
           .kind = PAYMENT_EVENT_AUTHORIZED, .amount = 1, .currency = OF_GBP,
           .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_BAD_ARGUMENT, .order = cast.open,
           .kind = 0, .amount = 1, .currency = OF_GBP, .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_BAD_ARGUMENT, .order = cast.open,
           .kind = 14, .amount = 1, .currency = OF_GBP, .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_BAD_ARGUMENT, .order = cast.open,
           .kind = PAYMENT_EVENT_AUTHORIZED, .amount = -1, .currency = OF_GBP,
           .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_BAD_ARGUMENT, .order = cast.open,
           .kind = PAYMENT_EVENT_AUTHORIZED, .amount = PRICE_MAX + 1, .currency = OF_GBP,
           .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_CURRENCY_MISMATCH, .order = cast.open,
           .kind = PAYMENT_EVENT_AUTHORIZED, .amount = 2 * OF_PRICE(0), .currency = 978,
           .reference = reference);
    REFUSE(WRONG, OPCODE_PAYMENT_EVENT, payment_event, STATUS_NOT_FOUND, .order = cast.open,
           .kind = PAYMENT_EVENT_AUTHORIZED, .amount = 1, .currency = OF_GBP, .tender = 1,
           .reference = reference);
    REFUSE(FINISHED, OPCODE_PAYMENT_EVENT, payment_event, STATUS_NOT_FOUND, .order = cast.paid,
           .kind = PAYMENT_EVENT_CAPTURED, .amount = 1, .currency = OF_GBP, .step = 77,
           .attempt = 1, .reference = reference);
}

static void money_by_hand_is_refused(void **state)
{
    (void)state;
    const i64 total = of_get(&cast.of, cast.paid)->head.total;
    REFUSE(UNKNOWN, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_NOT_FOUND, .order = cast.never,
           .captured_total = 1);
    REFUSE(WRONG, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_EXCEEDS_AUTHORIZED,
           .order = cast.paid, .captured_total = total + 1);
    REFUSE(WRONG, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_BAD_ARGUMENT, .order = cast.paid,
           .captured_total = -1);
    REFUSE(WRONG, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_NOT_FOUND, .order = cast.paid,
           .captured_total = 1, .tender = 1);
    REFUSE(WRONG, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_INVALID_STATE, .order = cast.open,
           .captured_total = 1);
    REFUSE(FINISHED, OPCODE_PAYMENT_CAPTURE, payment_capture, STATUS_ORDER_CANCELLED,
           .order = cast.cancelled, .captured_total = 1);
    REFUSE(UNKNOWN, OPCODE_PAYMENT_REFUND, payment_refund, STATUS_NOT_FOUND, .order = cast.never,
           .refunded_total = 1);
    REFUSE(WRONG, OPCODE_PAYMENT_REFUND, payment_refund, STATUS_EXCEEDS_CAPTURED,
           .order = cast.paid, .refunded_total = total + 1);
    REFUSE(WRONG, OPCODE_PAYMENT_REFUND, payment_refund, STATUS_BAD_ARGUMENT, .order = cast.paid,
           .refunded_total = -1);
    REFUSE(WRONG, OPCODE_PAYMENT_REFUND, payment_refund, STATUS_INVALID_STATE, .order = cast.open,
           .refunded_total = 1);
    REFUSE(FINISHED, OPCODE_PAYMENT_REFUND, payment_refund, STATUS_ORDER_CANCELLED,
           .order = cast.given_up, .refunded_total = 1);
    REFUSE(UNKNOWN, OPCODE_PAYMENT_GET, payment_get, STATUS_NOT_FOUND, .order = cast.never);
    REFUSE(FOREIGN, OPCODE_PAYMENT_GET, payment_get, STATUS_FORBIDDEN, .order = cast.paid,
           .user_id = STRANGER);
    REFUSE(UNKNOWN, OPCODE_PAYMENT_FIND, payment_find, STATUS_NOT_FOUND,
           .reference = text64_of("ref_nobody", 10));
    REFUSE(WRONG, OPCODE_PAYMENT_FIND, payment_find, STATUS_BAD_ARGUMENT,
           .reference = text64_of("", 0));
}

static void operators_are_refused(void **state)
{
    (void)state;
    const struct text64 actor = text64_of("alice", 5);
    REFUSE(UNKNOWN, OPCODE_STUCK_LIST, stuck_list, STATUS_OK, .states = 1u << SAGA_STATE_NEW);
    REFUSE(UNKNOWN, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_NOT_FOUND, .order = cast.never,
           .decision = RESOLVE_RETRY, .actor = actor, .reason = actor);
    REFUSE(WRONG, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_BAD_ARGUMENT, .order = cast.open,
           .decision = 4, .actor = actor, .reason = actor);
    REFUSE(WRONG, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_BAD_ARGUMENT, .order = cast.open,
           .decision = RESOLVE_CANCEL, .reason = actor);
    REFUSE(WRONG, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_BAD_ARGUMENT, .order = cast.open,
           .decision = RESOLVE_CANCEL, .actor = actor);
    REFUSE(FINISHED, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_ORDER_CANCELLED,
           .order = cast.given_up, .decision = RESOLVE_CANCEL, .actor = actor, .reason = actor);
    REFUSE(FINISHED, OPCODE_ORDER_RESOLVE, order_resolve, STATUS_INVALID_STATE, .order = cast.done,
           .decision = RESOLVE_FORCE_PAID, .actor = actor, .reason = actor);
}

/* ---- placed orders --------------------------------------------------------------------------- */

static void reads_of_orders_refuse(void **state)
{
    (void)state;
    REFUSE(UNKNOWN, OPCODE_ORDER_GET, order_get, STATUS_NOT_FOUND, .order = cast.never);
    REFUSE(FOREIGN, OPCODE_ORDER_GET, order_get, STATUS_FORBIDDEN, .order = cast.paid,
           .user_id = STRANGER);
    REFUSE(FOREIGN, OPCODE_ORDER_GET, order_get, STATUS_FORBIDDEN, .order = cast.attached,
           .user_id = GUEST);
    REFUSE(UNKNOWN, OPCODE_ORDER_EVENTS, order_events, STATUS_NOT_FOUND, .order = cast.never);
    REFUSE(FOREIGN, OPCODE_ORDER_EVENTS, order_events, STATUS_FORBIDDEN, .order = cast.paid,
           .user_id = STRANGER);
    REFUSE(UNKNOWN, OPCODE_ORDER_LIST, order_list, STATUS_OK, .user_id = STRANGER);
    REFUSE(WRONG, OPCODE_ORDER_LIST, order_list, STATUS_BAD_ARGUMENT, .user_id = 0);
    REFUSE(WRONG, OPCODE_ORDER_LIST, order_list, STATUS_BAD_ARGUMENT, .user_id = OF_USER,
           .limit = LIST_PAGE_ROWS + 1);
}

static void cancels_and_attaches_refuse(void **state)
{
    (void)state;
    const struct row_line_quantity none[] = {{.line = 0, .quantity = 0}};
    const struct row_line_quantity negative[] = {{.line = 0, .quantity = -1}};
    const struct row_line_quantity beyond[] = {{.line = 0, .quantity = 3}};
    const struct row_line_quantity nowhere[] = {{.line = 2, .quantity = 1}};
    const struct row_line_quantity twice[] = {{.line = 0, .quantity = 1},
                                              {.line = 0, .quantity = 1}};
    const struct row_line_quantity damaged[] = {{.line = 0, .quantity = 1, .damaged = 1}};
    const struct row_line_quantity one[] = {{.line = 0, .quantity = 1}};
    REFUSE_ROWS(UNKNOWN, OPCODE_ORDER_CANCEL, order_cancel, STATUS_NOT_FOUND, one,
                .order = cast.never, .reason = 1);
    REFUSE_ROWS(FOREIGN, OPCODE_ORDER_CANCEL, order_cancel, STATUS_FORBIDDEN, one,
                .order = cast.paid, .user_id = STRANGER, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_BAD_ARGUMENT, one,
                .order = cast.paid, .reason = 8);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_BAD_ARGUMENT, none,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_BAD_ARGUMENT, negative,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_EXCEEDS, beyond,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_NOT_FOUND, nowhere,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_BAD_ARGUMENT, twice,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_BAD_ARGUMENT, damaged,
                .order = cast.paid, .reason = 1);
    REFUSE_ROWS(WRONG, OPCODE_ORDER_CANCEL, order_cancel, STATUS_INVALID_STATE, one,
                .order = cast.open, .reason = 1);
    REFUSE_ROWS(FINISHED, OPCODE_ORDER_CANCEL, order_cancel, STATUS_ORDER_CANCELLED, one,
                .order = cast.given_up, .reason = 1);
    REFUSE_ROWS(FINISHED, OPCODE_ORDER_CANCEL, order_cancel, STATUS_OK, one, /* it is: REPLAYED */
                .order = cast.cancelled, .reason = 1);
    REFUSE_ROWS(FINISHED, OPCODE_ORDER_CANCEL, order_cancel, STATUS_ALREADY_SHIPPED, one,
                .order = cast.shipped, .reason = 1);
    REFUSE(UNKNOWN, OPCODE_ORDER_ATTACH, order_attach, STATUS_NOT_FOUND,
           .order = {.high = GUEST, .low = cast.never.low}, .user_id = ACCOUNT);
    REFUSE(FINISHED, OPCODE_ORDER_ATTACH, order_attach, STATUS_FORBIDDEN, .order = cast.attached,
           .user_id = STRANGER);
    REFUSE(WRONG, OPCODE_ORDER_ATTACH, order_attach, STATUS_INVALID_STATE, .order = cast.paid,
           .user_id = ACCOUNT);
    REFUSE(WRONG, OPCODE_ORDER_ATTACH, order_attach, STATUS_BAD_ARGUMENT, .order = cast.guests,
           .user_id = GUEST);
    REFUSE(FOREIGN, OPCODE_ORDER_ATTACH, order_attach, STATUS_BAD_ARGUMENT, .order = cast.guests,
           .user_id = 0);
}

static void parcels_refuse(void **state)
{
    (void)state;
    const struct row_line_quantity beyond[] = {{.line = 0, .quantity = 3}};
    const struct row_line_quantity negative[] = {{.line = 0, .quantity = -3}};
    const struct row_line_quantity one[] = {{.line = 0, .quantity = 1}};
    REFUSE(UNKNOWN, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1);
    REFUSE(WRONG, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_BAD_ARGUMENT, .order = cast.paid,
           .number = 0);
    REFUSE_ROWS(WRONG, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_EXCEEDS, beyond,
                .order = cast.paid, .number = 1);
    REFUSE_ROWS(WRONG, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_BAD_ARGUMENT, negative,
                .order = cast.paid, .number = 1);
    REFUSE(WRONG, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_INVALID_STATE, .order = cast.open,
           .number = 1);
    REFUSE(FINISHED, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_ORDER_CANCELLED,
           .order = cast.cancelled, .number = 1);
    REFUSE_ROWS(FINISHED, OPCODE_FULFIL_CREATE, fulfil_create, STATUS_ID_MISMATCH, one,
                .order = cast.shipped, .number = 1);
    REFUSE(UNKNOWN, OPCODE_FULFIL_SHIP, fulfil_ship, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1);
    REFUSE(UNKNOWN, OPCODE_FULFIL_SHIP, fulfil_ship, STATUS_NOT_FOUND, .order = cast.paid,
           .number = 9);
    REFUSE(FINISHED, OPCODE_FULFIL_SHIP, fulfil_ship, STATUS_ID_MISMATCH, .order = cast.shipped,
           .number = 1, .tracking = text64_of("other", 5));
    REFUSE(UNKNOWN, OPCODE_FULFIL_DELIVER, fulfil_deliver, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1);
    REFUSE(UNKNOWN, OPCODE_FULFIL_DELIVER, fulfil_deliver, STATUS_NOT_FOUND, .order = cast.shipped,
           .number = 2);
    REFUSE(FINISHED, OPCODE_FULFIL_DELIVER, fulfil_deliver, STATUS_NOT_FOUND,
           .order = cast.cancelled, .number = 1);
    REFUSE(UNKNOWN, OPCODE_FULFIL_CANCEL, fulfil_cancel, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1);
    REFUSE(FINISHED, OPCODE_FULFIL_CANCEL, fulfil_cancel, STATUS_ALREADY_SHIPPED,
           .order = cast.shipped, .number = 1);
}

static void returns_refuse(void **state)
{
    (void)state;
    const struct row_line_quantity one[] = {{.line = 0, .quantity = 1}};
    const struct row_line_quantity other[] = {{.line = 1, .quantity = 1}};
    const struct row_line_quantity beyond[] = {{.line = 0, .quantity = 3}};
    const struct row_line_quantity negative[] = {{.line = 0, .quantity = -1}};
    const struct row_line_quantity damaged[] = {{.line = 0, .quantity = 1, .damaged = 2}};
    REFUSE_ROWS(UNKNOWN, OPCODE_RETURN_OPEN, return_open, STATUS_NOT_FOUND, one,
                .order = cast.never, .number = 1);
    REFUSE_ROWS(FOREIGN, OPCODE_RETURN_OPEN, return_open, STATUS_FORBIDDEN, one,
                .order = cast.shipped, .number = 1, .user_id = STRANGER);
    REFUSE_ROWS(WRONG, OPCODE_RETURN_OPEN, return_open, STATUS_NOT_DELIVERED, one,
                .order = cast.shipped, .number = 1);
    REFUSE_ROWS(WRONG, OPCODE_RETURN_OPEN, return_open, STATUS_BAD_ARGUMENT, negative,
                .order = cast.shipped, .number = 1);
    REFUSE(WRONG, OPCODE_RETURN_OPEN, return_open, STATUS_BAD_ARGUMENT, .order = cast.shipped,
           .number = 1);
    REFUSE_ROWS(FINISHED, OPCODE_RETURN_OPEN, return_open, STATUS_ID_MISMATCH, one,
                .order = cast.done, .number = 1);
    REFUSE_ROWS(FINISHED, OPCODE_RETURN_OPEN, return_open, STATUS_EXCEEDS, one, .order = cast.done,
                .number = 2);
    REFUSE(UNKNOWN, OPCODE_RETURN_DECIDE, return_decide, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1, .approved = 1);
    REFUSE(UNKNOWN, OPCODE_RETURN_DECIDE, return_decide, STATUS_NOT_FOUND, .order = cast.done,
           .number = 5, .approved = 1);
    REFUSE(WRONG, OPCODE_RETURN_DECIDE, return_decide, STATUS_BAD_ARGUMENT, .order = cast.done,
           .number = 1, .approved = 2);
    REFUSE(FINISHED, OPCODE_RETURN_DECIDE, return_decide, STATUS_INVALID_STATE, .order = cast.done,
           .number = 1, .approved = 0);
    REFUSE_ROWS(UNKNOWN, OPCODE_RETURN_RECEIVE, return_receive, STATUS_NOT_FOUND, one,
                .order = cast.never, .number = 1);
    REFUSE_ROWS(WRONG, OPCODE_RETURN_RECEIVE, return_receive, STATUS_BAD_ARGUMENT, damaged,
                .order = cast.done, .number = 1);
    REFUSE_ROWS(FINISHED, OPCODE_RETURN_RECEIVE, return_receive, STATUS_EXCEEDS, beyond,
                .order = cast.done, .number = 1);
    REFUSE_ROWS(UNKNOWN, OPCODE_RETURN_RECEIVE, return_receive, STATUS_NOT_FOUND, other,
                .order = cast.shipped, .number = 1);
    REFUSE(UNKNOWN, OPCODE_RETURN_REFUND, return_refund, STATUS_NOT_FOUND, .order = cast.never,
           .number = 1, .amount = -1);
    REFUSE(WRONG, OPCODE_RETURN_REFUND, return_refund, STATUS_BAD_ARGUMENT, .order = cast.done,
           .number = 1, .amount = -2);
    REFUSE(FINISHED, OPCODE_RETURN_REFUND, return_refund, STATUS_ID_MISMATCH, .order = cast.done,
           .number = 1, .amount = 1);
    REFUSE(UNKNOWN, OPCODE_RETURN_REFUND, return_refund, STATUS_NOT_FOUND, .order = cast.shipped,
           .number = 1, .amount = -1);
}

/* ---- nothing is forgotten -------------------------------------------------------------------- */

static bool has_field(const struct message_info *info, const char *name)
{
    for (u32 i = 0; i < info->request.field_count; i++)
        if (strcmp(info->request.fields[i].name, name) == 0)
            return true;
    return false;
}

/* Carts, prices, orders; what is found and reviewed has tests of its own. */
static bool is_of_orders(const struct message_info *info)
{
    return info->code >= OPCODE_CART_ADD && info->code < OPCODE_SEARCH;
}

/* What a case of an operation could be about. */
static u8 kinds_wanted(const struct message_info *info)
{
    if (!is_of_orders(info))
        return 0;
    switch (info->route) {
    case MESSAGE_ROUTE_ORDER: {
        u8 kinds = UNKNOWN;
        kinds |= has_field(info, "user_id") && info->code != OPCODE_ORDER_ATTACH ? FOREIGN : 0;
        kinds |= info->class == MESSAGE_CLASS_WRITE ? FINISHED : 0;
        return kinds;
    }
    case MESSAGE_ROUTE_USER: return info->class == MESSAGE_CLASS_WRITE ? FINISHED | WRONG : WRONG;
    case MESSAGE_ROUTE_ALL: return UNKNOWN;
    case MESSAGE_ROUTE_NONE:
    case MESSAGE_ROUTE_ANY:
    case MESSAGE_ROUTE_ALIAS:
    case MESSAGE_ROUTE_SHARD:
    case MESSAGE_ROUTE_RESOURCE:
    case MESSAGE_ROUTE_PRODUCT: return 0;
    }
    return 0;
}

static void every_operation_has_its_cases(void **state)
{
    (void)state;
    u32 missing = 0;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        const u8 wanted = kinds_wanted(info);
        const bool is_new = is_of_orders(info);
        if ((cast.kinds[i] & wanted) == wanted && (!is_new || cast.kinds[i] != 0))
            continue;
        print_error("%s: cases of kinds %x, wanted %x\n", info->name, cast.kinds[i], wanted);
        missing++;
    }
    assert_int_equal(missing, 0);
    assert_true(cast.cases > 150);
}

static int open_cast(void **state)
{
    (void)state;
    of_open(&cast.of, 2);
    make_cast();
    return 0;
}

static int close_cast(void **state)
{
    (void)state;
    of_close(&cast.of);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cast_is_in_its_states),
        cmocka_unit_test(a_change_is_seen),
        cmocka_unit_test(carts_refuse_arguments),
        cmocka_unit_test(carts_that_are_frozen_or_gone_refuse_changes),
        cmocka_unit_test(settings_refuse),
        cmocka_unit_test(checkouts_refuse_arguments),
        cmocka_unit_test(checkouts_refuse_sums),
        cmocka_unit_test(checkouts_refuse_what_is_known),
        cmocka_unit_test(orders_under_way_refuse),
        cmocka_unit_test(leases_that_are_lost_refuse),
        cmocka_unit_test(payment_events_refuse),
        cmocka_unit_test(money_by_hand_is_refused),
        cmocka_unit_test(operators_are_refused),
        cmocka_unit_test(reads_of_orders_refuse),
        cmocka_unit_test(cancels_and_attaches_refuse),
        cmocka_unit_test(parcels_refuse),
        cmocka_unit_test(returns_refuse),
        cmocka_unit_test(every_operation_has_its_cases),
    };
    return cmocka_run_group_tests(tests, open_cast, close_cast);
}
