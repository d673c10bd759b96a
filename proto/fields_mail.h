/* fields of the messages from shard to shard: shards/mail/mail.h says how they travel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_MAIL_H
#define SOUK_PROTO_FIELDS_MAIL_H

#define MAIL_HOLD_REQ(F, Z, S)                                              \
    F(id128, order, "names the grants too")                                 \
    F(u64, user_id, "owner of the grants")                                  \
    F(u32, round, "which try of the order this is; repeated in the answer") \
    Z(u32, zero0)                                                           \
    S(items, ROWS(hold_item, ORDER_ITEMS_MAX), "all or none of them; no resource twice")
#define MAIL_HOLD_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_HOLD_ANSWER_REQ(F, Z, S)                     \
    F(id128, order, "as asked")                           \
    F(u32, round, "as asked")                             \
    F(u16, status, "OK: all are held; else none of them") \
    Z(u16, zero0)                                         \
    S(items, ROWS(held_item, ORDER_ITEMS_MAX), "in the order asked")
#define MAIL_HOLD_ANSWER_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_CHANGE_REQ(F, Z, S)                                   \
    F(id128, order, "names the grants")                            \
    F(u64, ticket, "not 0: an answer is wanted, with this number") \
    S(items, ROWS(change_item, ORDER_ITEMS_MAX), "each for itself")
#define MAIL_CHANGE_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_CHANGE_ANSWER_REQ(F, Z, S) \
    F(id128, order, "as asked")         \
    F(u64, ticket, "as asked")          \
    S(items, ROWS(change_item, ORDER_ITEMS_MAX), "as asked, with their status")
#define MAIL_CHANGE_ANSWER_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_CART_POUR_REQ(F, Z, S)                           \
    F(u64, guest_id, "whose lines")                           \
    F(u64, user_id, "whose cart gets them")                   \
    F(u16, strategy, "as in cart_merge")                      \
    Z(u16, zero0)                                             \
    Z(u32, zero1)                                             \
    S(lines, ROWS(cart_line, CART_LINES_MAX), "of the guest") \
    S(coupons, ROWS(coupon, ORDER_COUPONS_MAX), "of the guest")
#define MAIL_CART_POUR_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_CART_POURED_REQ(F, Z, S)                                             \
    F(u64, guest_id, "as asked")                                                  \
    F(u64, user_id, "as asked")                                                   \
    F(u64, version, "of the user's cart after")                                   \
    F(u16, status, "OK; CART_FROZEN: nothing was poured, the guest's cart stays") \
    Z(u16, zero0)                                                                 \
    Z(u32, zero1)                                                                 \
    F(id128, order, "that has frozen the user's cart")                            \
    S(lines, ROWS(pour_line, CART_LINES_MAX), "what became of each")
#define MAIL_CART_POURED_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_SETTING_REQ(F, Z, S)                                                     \
    F(u64, home_id, "as in the put")                                                  \
    F(u64, key, "kind-dependent second half of its name: the SKU of a price, else 0") \
    F(u64, version, "that it gets")                                                   \
    F(u16, kind, "enum setting_kind")                                                 \
    Z(u16, zero0)                                                                     \
    Z(u32, zero1)                                                                     \
    S(body, SETTING_BYTES_MAX,                                                        \
      "the fixed part of the put and its spans, as the settings room keeps them")
#define MAIL_SETTING_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_SETTING_DONE_REQ(F, Z, S) \
    F(u64, home_id, "as told")         \
    F(u64, key, "as told")             \
    F(u64, version, "in force")        \
    F(u16, kind, "enum setting_kind")  \
    Z(u16, zero0)                      \
    Z(u32, zero1)
#define MAIL_SETTING_DONE_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_ATTACH_REQ(F, Z, S)                    \
    F(u64, user_id, "whose history gets it")        \
    F(id128, order, "which lives on another shard") \
    F(u64, created_at_ns, "of the order")           \
    F(i64, total, "minor units")                    \
    F(u32, line_count, "lines")                     \
    F(u16, currency, "ISO 4217 number")             \
    Z(u16, zero0)
#define MAIL_ATTACH_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_SKU_FACT_REQ(F, Z, S)                                  \
    F(resource, resource, "the SKU, or an ad's budget")             \
    F(u64, product_id, "whose page shows it")                       \
    F(i64, price, "minor units")                                    \
    F(u64, as_of_ns, "log time of the sender")                      \
    F(u16, currency, "ISO 4217 number")                             \
    F(u16, state, "0 none, 1 low, 2 some")                          \
    F(u16, is_gone, "1 = it is not a SKU of this product any more") \
    Z(u16, zero0)                                                   \
    S(code, CODE_BYTES_MAX, "the shop's code")
#define MAIL_SKU_FACT_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_BASKET_REQ(F, Z, S)                                                        \
    F(id128, order, "that it comes from")                                               \
    F(u64, bought_at_ns, "log time at which it was paid")                               \
    F(u16, is_taken_back, "1 = what was counted is subtracted")                         \
    Z(u16, zero0)                                                                       \
    F(u32, own_count, "of the products, the first so many live on the receiving shard") \
    S(products, ROWS(product_ref, BASKET_PRODUCTS_MAX), "no product twice")
#define MAIL_BASKET_RSP(F, Z, S) Z(u64, zero0)

#define MAIL_PURCHASE_REQ(F, Z, S)        \
    F(u64, user_id, "whose order it is")  \
    F(u64, product_id, "what")            \
    F(id128, order, "that it comes from") \
    F(i64, units, "received; negative: given back")
#define MAIL_PURCHASE_RSP(F, Z, S) Z(u64, zero0)

#endif
