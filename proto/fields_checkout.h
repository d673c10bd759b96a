/* fields of checkout, of the outbox and of payments; docs/orders.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_CHECKOUT_H
#define SOUK_PROTO_FIELDS_CHECKOUT_H

/* Sums of the payment ledger over all tenders. */
#define LEDGER_SUMS(F)                                         \
    F(i64, total, "minor units; 0 while prices are not known") \
    F(i64, authorized, "ever, gift cards and credit included") \
    F(i64, captured, "at most authorized")                     \
    F(i64, refunded, "at most captured")                       \
    F(i64, charged_back, "taken back by the bank")

#define CHECKOUT_REQ(F, Z, S)                                                                  \
    F(id128, order,                                                                            \
      "chosen by the client: high half the user id, low half milliseconds since 1970 in the "  \
      "upper 48 bits and 16 free bits")                                                        \
    F(u64, cart_version, "with from_cart: the version the cart must have; 0 = any")            \
    F(u64, group_id, "customer group, attested by the caller; 0 = none")                       \
    F(i64, expected_total,                                                                     \
      "what the shopper saw, tax and shipping included; tenders add up to it")                 \
    F(u16, currency, "ISO 4217 number")                                                        \
    F(u16, capture, "0 now, 1 when shipped")                                                   \
    F(u16, from_cart, "1 = the lines and coupons of the user's cart; else those below")        \
    Z(u16, zero0)                                                                              \
    S(lines, ROWS(checkout_line, ORDER_LINES_MAX), "what to order; empty with from_cart")      \
    S(charges, ROWS(charge, ORDER_CHARGES_MAX),                                                \
      "tax, shipping and fees, worked out by the caller")                                      \
    S(tenders, ROWS(tender, ORDER_TENDERS_MAX), "how it is paid; empty only for a total of 0") \
    S(coupons, ROWS(coupon, ORDER_COUPONS_MAX), "codes; empty with from_cart")                 \
    S(address, ADDRESS_BYTES_MAX, "addresses and whatever else belongs to the order; opaque")
#define CHECKOUT_RSP(F, Z, S)                                             \
    F(u16, state, "enum saga_state; 0 = there is no such order")          \
    F(u16, reason, "a status: why it failed, 0 = it has not")             \
    F(u16, is_settled, "1 = nothing moves by itself now")                 \
    F(u16, failed_count, "lines that failed: checkout_status names them") \
    F(u64, cart_version, "with from_cart: of the cart")                   \
    F(id128, frozen_by, "with CART_FROZEN: the other order")              \
    LEDGER_SUMS(F)

#define CHECKOUT_STATUS_REQ(F, Z, S)                                 \
    F(id128, order, "the order")                                     \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")      \
    F(u32, wait_ms, "wait so long until it settles, up to a minute") \
    Z(u32, zero0)
#define CHECKOUT_STATUS_RSP(F, Z, S)                                                 \
    F(u16, state, "enum saga_state")                                                 \
    F(u16, reason, "a status: why it failed, 0 = it has not")                        \
    F(u16, is_settled, "1 = nothing moves by itself now")                            \
    F(u16, summary, "enum order_summary")                                            \
    F(u64, since_ns, "log time at which it came into the state")                     \
    LEDGER_SUMS(F)                                                                   \
    S(failed, ROWS(failed_line, ORDER_LINES_MAX), "lines that could not be ordered") \
    S(action, ACTION_BYTES_MAX,                                                      \
      "with ACTION_REQUIRED: what the shopper must do, in the provider's words")

#define CHECKOUT_CANCEL_REQ(F, Z, S)                                                            \
    F(id128, order, "the order")                                                                \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")                                 \
    F(u16, reason, "1 customer, 2 declined, 3 fraud, 4 inventory, 5 staff, 6 other, 7 expired") \
    Z(u16, zero0)                                                                               \
    Z(u32, zero1)
#define CHECKOUT_CANCEL_RSP(F, Z, S)           \
    F(u16, state, "enum saga_state, after it") \
    Z(u16, zero0)                              \
    Z(u32, zero1)

#define COMMAND_POLL_REQ(F, Z, S)            \
    F(u32, group, "of the tenders; 0 = any") \
    F(u32, kinds, "bits 1 << kind; 0 = any") \
    F(u64, lease_ms, "1 ms to an hour; 0 = a minute")
#define COMMAND_POLL_RSP(F, Z, S)                                                       \
    F(id128, order, "whose command")                                                    \
    F(u64, lease, "to be shown with ack, nack and event")                               \
    F(u64, leased_until_ns, "log time; then somebody else gets it")                     \
    F(i64, amount, "minor units")                                                       \
    F(u64, user_id, "owner of the order")                                               \
    F(u32, step,                                                                        \
      "number of the command within the order; the provider's idempotency key is "      \
      "souk_command_key()")                                                             \
    F(u32, attempt, "part of the key")                                                  \
    F(u32, subject,                                                                     \
      "query, void, refund, capture: step of the authorisation or command it is about") \
    F(u32, delivery, "1 = leased for the first time")                                   \
    F(u32, group, "of the tender")                                                      \
    F(u16, kind, "1 authorize, 2 capture, 3 void, 4 refund, 5 query, 6 notify shipped") \
    F(u16, subject_kind, "query: kind of the command it is about")                      \
    F(u16, tender, "index of the tender; notify shipped: 0")                            \
    F(u16, currency, "ISO 4217 number")                                                 \
    F(u32, subject_attempt, "query: attempt of the command it is about")                \
    F(text64, token, "of the tender; notify shipped: the tracking number")              \
    F(text64, reference, "the provider's, if known; notify shipped: the carrier")

/* Which command: `step` and `attempt` as leased. */
#define COMMAND_NAME(F)              \
    F(id128, order, "whose command") \
    F(u64, lease, "as leased")       \
    F(u32, step, "as leased")        \
    F(u32, attempt, "as leased")
#define COMMAND_ACK_REQ(F, Z, S) COMMAND_NAME(F)
#define COMMAND_ACK_RSP(F, Z, S)               \
    F(u16, state, "enum saga_state, after it") \
    Z(u16, zero0)                              \
    Z(u32, zero1)
#define COMMAND_NACK_REQ(F, Z, S)                                    \
    COMMAND_NAME(F)                                                  \
    F(u64, delay_ms, "try again after this; 0 = as the policy says") \
    F(u32, reason, "a number that means something to the shop")      \
    Z(u32, zero0)
#define COMMAND_NACK_RSP(F, Z, S)                                         \
    F(u64, due_ns, "log time at which it is ready again; 0 = it is dead") \
    F(u16, state, "enum saga_state, after it")                            \
    Z(u16, zero0)                                                         \
    Z(u32, zero1)
#define COMMAND_WAIT_REQ(F, Z, S)                                      \
    F(u32, group, "of the tenders; 0 = any")                           \
    F(u32, kinds, "bits 1 << kind; 0 = any")                           \
    F(u32, wait_ms, "wait so long until one is ready, up to a minute") \
    Z(u32, zero0)
#define COMMAND_WAIT_RSP(F, Z, S)                       \
    F(u64, ready, "commands that a poll would get now") \
    F(u64, dead, "commands that were given up")
#define COMMAND_LIST_REQ(F, Z, S)                                                   \
    F(id128, after, "order of the last row of the page before; 0 = from the start") \
    F(u32, after_step, "step of that row")                                          \
    F(u32, states, "bits 1 << state; 0 = those that are not done")
#define COMMAND_LIST_RSP(F, Z, S)      \
    F(u64, more, "1 = there are more") \
    S(commands, ROWS(command, LIST_PAGE_ROWS), "by order and step")

#define PAYMENT_EVENT_REQ(F, Z, S)                                                               \
    F(id128, order, "the order")                                                                 \
    F(u64, lease, "of the command that this answers; 0 = from a webhook")                        \
    F(i64, amount, "minor units that the provider says; 0 where the kind has none")              \
    F(u64, provider_time_ns, "when the provider says it happened; 0 = not told")                 \
    F(u32, step,                                                                                 \
      "step of the command that this is the result of; 0 = not known: the tender's latest of "   \
      "that kind")                                                                               \
    F(u32, attempt, "of that command; 0 = not known")                                            \
    F(u16, kind,                                                                                 \
      "1 authorized, 2 declined, 3 action required, 4 captured, 5 capture failed, 6 voided, 7 "  \
      "void failed, 8 refunded, 9 refund failed, 10 charged back, 11 authorisation expired, 12 " \
      "unknown, 13 no such payment")                                                             \
    F(u16, tender, "index of the tender, if step is 0")                                          \
    F(u16, currency, "ISO 4217 number")                                                          \
    F(u16, reason, "a number that means something to the shop")                                  \
    F(text64, reference,                                                                         \
      "the provider's id of the payment, capture, refund or dispute; events with the same one "  \
      "and the same kind are the same event")                                                    \
    S(action, ACTION_BYTES_MAX, "with action required: what the shopper must do")
#define PAYMENT_EVENT_RSP(F, Z, S)                                                             \
    F(u16, state, "enum saga_state, after it")                                                 \
    F(u16, effect,                                                                             \
      "1 applied, 2 seen before, 3 stale: recorded without effect, 4 recorded and flagged, 5 " \
      "late: stock is being taken again, 6 late: given back")                                  \
    Z(u32, zero0)                                                                              \
    LEDGER_SUMS(F)

#define PAYMENT_CAPTURE_REQ(F, Z, S)                                              \
    F(id128, order, "the order")                                                  \
    F(i64, captured_total,                                                        \
      "minor units captured in total when it is done; repeating it does nothing") \
    F(u16, tender, "index of the tender")                                         \
    Z(u16, zero0)                                                                 \
    Z(u32, zero1)
#define PAYMENT_CAPTURE_RSP(F, Z, S)                  \
    F(u16, state, "enum saga_state, after it")        \
    Z(u16, zero0)                                     \
    F(u32, step, "of the command; 0 = nothing to do") \
    LEDGER_SUMS(F)
#define PAYMENT_REFUND_REQ(F, Z, S)                                                          \
    F(id128, order, "the order")                                                             \
    F(i64, refunded_total,                                                                   \
      "minor units refunded in total, over all tenders, when it is done; repeating it does " \
      "nothing")                                                                             \
    F(u64, reason, "stored in the history")
#define PAYMENT_REFUND_RSP(F, Z, S)                         \
    F(u16, state, "enum saga_state, after it")              \
    Z(u16, zero0)                                           \
    F(u32, step, "of the first command; 0 = nothing to do") \
    LEDGER_SUMS(F)
#define PAYMENT_GET_REQ(F, Z, S) \
    F(id128, order, "the order") \
    F(u64, user_id, "who asks: the owner; 0 = the shop itself")
#define PAYMENT_GET_RSP(F, Z, S)                                                                  \
    F(u16, state, "enum saga_state")                                                              \
    F(u16, payment,                                                                               \
      "0 none, 1 part authorized, 2 authorized, 3 part paid, 4 paid, 5 refunding, 6 refunded, 7 " \
      "unknown, 8 charged back")                                                                  \
    F(u16, currency, "ISO 4217 number")                                                           \
    Z(u16, zero0)                                                                                 \
    LEDGER_SUMS(F)                                                                                \
    S(tenders, ROWS(order_tender, ORDER_TENDERS_MAX), "with their sums")                          \
    S(commands, ROWS(command, ORDER_COMMANDS_MAX), "all of the order")
#define PAYMENT_FIND_REQ(F, Z, S) F(text64, reference, "the provider's")
#define PAYMENT_FIND_RSP(F, Z, S)         \
    F(id128, order, "the order")          \
    F(u32, tender, "index of the tender") \
    Z(u32, zero0)

#define STUCK_LIST_REQ(F, Z, S)                                                     \
    F(id128, after, "order of the last row of the page before; 0 = from the start") \
    F(u64, after_since_ns, "since_ns of that row")                                  \
    F(u64, older_ms, "only those that have waited longer than this")                \
    F(u32, states, "bits 1 << state; 0 = all that wait")                            \
    Z(u32, zero0)
#define STUCK_LIST_RSP(F, Z, S)        \
    F(u64, more, "1 = there are more") \
    S(orders, ROWS(stuck, LIST_PAGE_ROWS), "longest waiting first")
#define ORDER_RESOLVE_REQ(F, Z, S)                                                   \
    F(id128, order, "the order")                                                     \
    F(u16, decision, "1 retry what is dead or failed, 2 take it for paid, 3 cancel") \
    Z(u16, zero0)                                                                    \
    Z(u32, zero1)                                                                    \
    F(text64, actor, "who decides; not empty")                                       \
    F(text64, reason, "why; not empty")
#define ORDER_RESOLVE_RSP(F, Z, S)             \
    F(u16, state, "enum saga_state, after it") \
    Z(u16, zero0)                              \
    Z(u32, zero1)

#endif
