/* fields of the cart operations; docs/carts.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_CART_H
#define SOUK_PROTO_FIELDS_CART_H

/* What every change of a cart answers, refused ones included. */
#define CART_REPLY(F, Z)                                                    \
    F(u64, version, "of the cart now; 0 = there is none")                   \
    F(i64, quantity, "of the line now")                                     \
    F(id128, order, "with CART_FROZEN: the order that is being paid")       \
    F(u64, moved_to, "with CART_MERGED: the user whose cart has the lines") \
    F(u32, line_count, "lines now, those saved for later included")         \
    Z(u32, zero0)

#define CART_ADD_REQ(F, Z, S)                                               \
    F(u64, user_id, "whose cart: a user, or a guest (top bit set)")         \
    F(u64, sku_id, "souk_id(code)")                                         \
    F(u64, options, "hash of the line's options; 0 = none")                 \
    F(i64, quantity, "to add, 1 to 2^31")                                   \
    F(i64, price_seen, "unit price that the shopper saw; -1 = not told")    \
    F(u64, if_version, "0 = any; else the version that the cart must have") \
    F(u16, currency, "of price_seen; 0 = not told")                         \
    Z(u16, zero0)                                                           \
    Z(u32, zero1)
#define CART_ADD_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_SET_REQ(F, Z, S)                                                      \
    F(u64, user_id, "whose cart")                                                  \
    F(u64, sku_id, "souk_id(code)")                                                \
    F(u64, options, "hash of the line's options; 0 = none")                        \
    F(i64, quantity, "the line's new quantity, 0 to 2^31; 0 removes it")           \
    F(i64, price_seen, "unit price that the shopper saw; -1 = not told: it stays") \
    F(u64, if_version, "0 = any; else the version that the cart must have")        \
    F(u16, currency, "of price_seen; 0 = not told")                                \
    Z(u16, zero0)                                                                  \
    Z(u32, zero1)
#define CART_SET_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_REMOVE_REQ(F, Z, S)                            \
    F(u64, user_id, "whose cart")                           \
    F(u64, sku_id, "souk_id(code)")                         \
    F(u64, options, "hash of the line's options; 0 = none") \
    F(u64, if_version, "0 = any; else the version that the cart must have")
#define CART_REMOVE_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_CLEAR_REQ(F, Z, S)   \
    F(u64, user_id, "whose cart") \
    F(u64, if_version, "0 = any; else the version that the cart must have")
#define CART_CLEAR_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_SAVE_REQ(F, Z, S)                                              \
    F(u64, user_id, "whose cart")                                           \
    F(u64, sku_id, "souk_id(code)")                                         \
    F(u64, options, "hash of the line's options; 0 = none")                 \
    F(u64, if_version, "0 = any; else the version that the cart must have") \
    F(u16, saved, "1 = save for later, 0 = bring back")                     \
    Z(u16, zero0)                                                           \
    Z(u32, zero1)
#define CART_SAVE_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_COUPON_REQ(F, Z, S)                                            \
    F(u64, user_id, "whose cart")                                           \
    F(u64, coupon_id, "souk_id(code)")                                      \
    F(u64, if_version, "0 = any; else the version that the cart must have") \
    F(u16, listed, "1 = list it, 0 = strike it off")                        \
    Z(u16, zero0)                                                           \
    Z(u32, zero1)                                                           \
    F(text64, code, "as the shopper wrote it")
#define CART_COUPON_RSP(F, Z, S) CART_REPLY(F, Z)

#define CART_MERGE_REQ(F, Z, S)                                                                 \
    F(u64, user_id, "whose cart is poured out: the guest")                                      \
    F(u64, target_id, "whose cart gets the lines: the user")                                    \
    F(u16, strategy, "1 sum, 2 guest wins, 3 user wins, 4 max, 5 guest if the user's is empty") \
    Z(u16, zero0)                                                                               \
    Z(u32, zero1)
#define CART_MERGE_RSP(F, Z, S)                                                 \
    F(u64, target_id, "the surviving cart: that of the first merge")            \
    F(u64, version, "of the surviving cart after the merge; 0 = not known yet") \
    F(id128, order, "with CART_FROZEN: the order that is being paid")           \
    F(u16, state, "enum cart_state of the guest's cart")                        \
    Z(u16, zero0)                                                               \
    Z(u32, zero1)

#define CART_MERGE_STATUS_REQ(F, Z, S)                                    \
    F(u64, user_id, "the guest")                                          \
    F(u32, wait_ms, "wait so long for a merge under way, up to a minute") \
    Z(u32, zero0)
#define CART_MERGE_STATUS_RSP(F, Z, S)                                                \
    F(u64, target_id, "the surviving cart")                                           \
    F(u64, version, "of the surviving cart after the merge")                          \
    F(id128, order, "of the last refusal: the order that had frozen the user's cart") \
    F(u16, state, "enum cart_state of the guest's cart")                              \
    F(u16, outcome, "a status, of the last merge: OK or CART_FROZEN")                 \
    Z(u32, zero0)                                                                     \
    S(lines, ROWS(pour_line, CART_LINES_MAX), "what became of each line")

#define CART_GET_REQ(F, Z, S) F(u64, user_id, "whose cart")
#define CART_GET_RSP(F, Z, S)                                                          \
    F(u64, version, "grows with every change")                                         \
    F(u64, created_at_ns, "log time")                                                  \
    F(u64, changed_at_ns, "log time")                                                  \
    F(u64, expires_at_ns, "log time; 0 = not while an order is under way")             \
    F(id128, order, "that it is being checked out by; 0 = none")                       \
    F(u64, moved_to, "the user whose cart has the lines, after a merge")               \
    F(u16, state, "enum cart_state")                                                   \
    Z(u16, zero0)                                                                      \
    Z(u32, zero1)                                                                      \
    S(lines, ROWS(cart_line, CART_LINES_MAX), "in the order in which they were added") \
    S(coupons, ROWS(coupon, ORDER_COUPONS_MAX), "listed")

#define CART_QUOTE_REQ(F, Z, S)                                          \
    F(u64, user_id, "whose cart")                                        \
    F(u64, group_id, "customer group, attested by the caller; 0 = none") \
    F(u16, currency, "ISO 4217 number")                                  \
    Z(u16, zero0)                                                        \
    Z(u32, zero1)                                                        \
    S(skus, ROWS(sku_now, CART_LINES_MAX), "price and stock of the cart's SKUs, in any order")
#define CART_QUOTE_RSP(F, Z, S)                                                      \
    F(u64, version, "of the cart")                                                   \
    F(i64, goods, "sum of quantity x unit price")                                    \
    F(i64, discount, "sum of all discounts")                                         \
    F(i64, total, "goods - discount: tax and shipping come from the caller")         \
    F(u16, currency, "as asked")                                                     \
    F(u16, free_shipping, "1 = a promotion pays for shipping")                       \
    F(u32, problems, "sum of the bits of all lines; 64 a coupon is not valid")       \
    S(lines, ROWS(quote_line, CART_LINES_MAX), "lines that are not saved for later") \
    S(amounts, ROWS(amount, ORDER_AMOUNTS_MAX), "with their rules")

#endif
