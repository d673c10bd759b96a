/* fields of placed orders: reading, cancelling, parcels, returns; docs/orders.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_ORDER_H
#define SOUK_PROTO_FIELDS_ORDER_H

/* What every change of an order answers, refused ones included. */
#define ORDER_REPLY(F, Z)                                                  \
    F(u16, state, "enum saga_state, after it; 0 = there is no such order") \
    F(u16, summary, "enum order_summary")                                  \
    F(u32, line, "of a refusal: index of the line; 2^32-1 = none")         \
    F(i64, refund, "minor units that this step gives back; 0 = none")

#define ORDER_GET_REQ(F, Z, S)   \
    F(id128, order, "the order") \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")
#define ORDER_GET_RSP(F, Z, S)                                                      \
    F(id128, order, "the order")                                                    \
    F(u64, owner, "who may see it")                                                 \
    F(u64, group_id, "customer group")                                              \
    F(u64, created_at_ns, "log time")                                               \
    F(u64, placed_at_ns, "log time; 0 = not")                                       \
    F(u64, changed_at_ns, "log time")                                               \
    F(u16, state, "enum saga_state")                                                \
    F(u16, summary, "enum order_summary")                                           \
    F(u16, payment, "as in payment_get")                                            \
    F(u16, fulfilment, "0 none, 1 part shipped, 2 shipped, 3 delivered")            \
    F(u16, returned, "0 none, 1 requested, 2 part returned, 3 returned")            \
    F(u16, reason, "a status: why it failed, 0 = it has not")                       \
    F(u16, currency, "ISO 4217 number")                                             \
    F(u16, capture, "0 now, 1 when shipped")                                        \
    F(i64, goods, "sum of quantity x unit price")                                   \
    F(i64, discount, "sum of all discounts")                                        \
    F(i64, charges, "tax, shipping and fees")                                       \
    LEDGER_SUMS(F)                                                                  \
    F(i64, owed, "total less what was given up by cancels and returns")             \
    S(lines, ROWS(order_line, ORDER_LINES_MAX), "as bought, with their quantities") \
    S(amounts, ROWS(amount, ORDER_AMOUNTS_MAX), "with their rules")                 \
    S(tenders, ROWS(order_tender, ORDER_TENDERS_MAX), "with their sums")            \
    S(parcels, ROWS(parcel, ORDER_PARCELS_MAX), "fulfilments")                      \
    S(returns, ROWS(return, ORDER_PARCELS_MAX), "returns")                          \
    S(parts, ROWS(part, ORDER_PARTS_MAX), "lines of parcels and returns")           \
    S(address, ADDRESS_BYTES_MAX, "as given")

#define ORDER_EVENTS_REQ(F, Z, S)                                       \
    F(id128, order, "the order")                                        \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")         \
    F(u32, after, "number of the last event known; 0 = from the start") \
    Z(u32, zero0)
#define ORDER_EVENTS_RSP(F, Z, S)      \
    F(u64, more, "1 = there are more") \
    S(events, ROWS(order_event, LIST_PAGE_ROWS), "in order")

#define ORDER_LIST_REQ(F, Z, S)                                                      \
    F(u64, user_id, "whose orders")                                                  \
    F(id128, after, "order of the last row of the page before; 0 = from the newest") \
    F(u64, after_created_ns, "created_at_ns of that row")                            \
    F(u64, from_ns, "created at or after this; 0 = any")                             \
    F(u64, until_ns, "created before this; 0 = any")                                 \
    F(u32, summaries, "bits 1 << summary; bit 0: orders of other shards; 0 = all")   \
    F(u32, limit, "rows, 1 to 512; 0 = 50")
#define ORDER_LIST_RSP(F, Z, S)                                                      \
    F(u64, more, "1 = there are more, or may be: filters look at so many at a time") \
    F(u64, count, "orders in the user's history, filters aside")                     \
    F(id128, next, "with more: `after` of the next page")                            \
    F(u64, next_created_ns, "with more: `after_created_ns` of the next page")        \
    S(orders, ROWS(order_brief, LIST_PAGE_ROWS), "newest first")

#define ORDER_CANCEL_REQ(F, Z, S)                               \
    F(id128, order, "the order")                                \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself") \
    F(u16, reason, "as in checkout_cancel")                     \
    Z(u16, zero0)                                               \
    Z(u32, zero1)                                               \
    S(lines, ROWS(line_quantity, ORDER_LINES_MAX),              \
      "units cancelled in total of each line; empty = all that is not shipped")
#define ORDER_CANCEL_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define ORDER_ATTACH_REQ(F, Z, S) \
    F(id128, order, "of a guest") \
    F(u64, user_id, "the account that gets it")
#define ORDER_ATTACH_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define FULFIL_CREATE_REQ(F, Z, S)                                                            \
    F(id128, order, "the order")                                                              \
    F(u32, number, "of the parcel, from 1; the same number and lines again: the same parcel") \
    Z(u32, zero0)                                                                             \
    S(lines, ROWS(line_quantity, ORDER_LINES_MAX),                                            \
      "what is in it; empty = all that is not in a parcel yet")
#define FULFIL_CREATE_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define FULFIL_SHIP_REQ(F, Z, S)       \
    F(id128, order, "the order")       \
    F(u32, number, "of the parcel")    \
    Z(u32, zero0)                      \
    F(text64, carrier, "may be empty") \
    F(text64, tracking, "may be empty")
#define FULFIL_SHIP_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define FULFIL_DELIVER_REQ(F, Z, S) \
    F(id128, order, "the order")    \
    F(u32, number, "of the parcel") \
    Z(u32, zero0)
#define FULFIL_DELIVER_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define FULFIL_CANCEL_REQ(F, Z, S)  \
    F(id128, order, "the order")    \
    F(u32, number, "of the parcel") \
    Z(u32, zero0)
#define FULFIL_CANCEL_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define RETURN_OPEN_REQ(F, Z, S)                                                              \
    F(id128, order, "the order")                                                              \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")                               \
    F(u32, number, "of the return, from 1; the same number and lines again: the same return") \
    F(u16, reason, "a number that means something to the shop")                               \
    Z(u16, zero0)                                                                             \
    S(lines, ROWS(line_quantity, ORDER_LINES_MAX), "what is to come back")
#define RETURN_OPEN_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define RETURN_DECIDE_REQ(F, Z, S)             \
    F(id128, order, "the order")               \
    F(u32, number, "of the return")            \
    F(u16, approved, "1 approved, 0 rejected") \
    Z(u16, zero0)
#define RETURN_DECIDE_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define RETURN_RECEIVE_REQ(F, Z, S)                \
    F(id128, order, "the order")                   \
    F(u32, number, "of the return")                \
    Z(u32, zero0)                                  \
    S(lines, ROWS(line_quantity, ORDER_LINES_MAX), \
      "received in total of each line, of them damaged; what is missing is not named")
#define RETURN_RECEIVE_RSP(F, Z, S) ORDER_REPLY(F, Z)

#define RETURN_REFUND_REQ(F, Z, S)  \
    F(id128, order, "the order")    \
    F(u32, number, "of the return") \
    Z(u32, zero0)                   \
    F(i64, amount, "minor units; -1 = what was paid for the units received")
#define RETURN_REFUND_RSP(F, Z, S) ORDER_REPLY(F, Z)

#endif
