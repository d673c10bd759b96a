/* fields of prices, promotions and the policy: what every shard has; docs/prices.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_SETTINGS_H
#define SOUK_PROTO_FIELDS_SETTINGS_H

/* What every put answers. */
#define SETTING_REPLY(F, Z)                                                             \
    F(u64, version, "after the change, or the current one")                             \
    F(u32, pending, "shards on which it is not in force yet: wait with setting_status") \
    Z(u32, zero0)

#define PRICE_LIST_FIELDS(F, Z)                                                                  \
    F(u64, group_id, "customer group that it is for; 0 = everybody")                             \
    F(u64, valid_from_ns, "from this time on; 0 = always")                                       \
    F(u64, valid_until_ns, "before this time; 0 = always")                                       \
    F(u32, priority, "of several lists that have a price, the highest wins; then the lowest id") \
    F(u16, currency, "ISO 4217 number")                                                          \
    F(u16, is_off, "1 = not used")
#define PRICE_LIST_PUT_REQ(F, Z, S)                                                       \
    F(u64, home_id, "the list: souk_id of a name")                                        \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    PRICE_LIST_FIELDS(F, Z)                                                               \
    F(text64, name, "1 to 63 bytes")
#define PRICE_LIST_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define PRICE_LIST_GET_REQ(F, Z, S) F(u64, home_id, "the list")
#define PRICE_LIST_GET_RSP(F, Z, S)                     \
    F(u64, version, "of the list")                      \
    F(u64, price_count, "SKUs that have a price in it") \
    PRICE_LIST_FIELDS(F, Z)                             \
    F(text64, name, "as put")

#define PRICE_PUT_REQ(F, Z, S)                                                            \
    F(u64, home_id, "the list, which must exist")                                         \
    F(u64, sku_id, "souk_id(code)")                                                       \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    S(tiers, ROWS(price_tier, PRICE_TIERS_MAX),                                           \
      "quantities ascending, the first is 1; empty = no price any more")
#define PRICE_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define PRICE_GET_REQ(F, Z, S)  \
    F(u64, home_id, "the list") \
    F(u64, sku_id, "souk_id(code)")
#define PRICE_GET_RSP(F, Z, S)      \
    F(u64, version, "of the price") \
    S(tiers, ROWS(price_tier, PRICE_TIERS_MAX), "as put")

#define PROMOTION_FIELDS(F, Z)                                                                     \
    F(i64, value, "percent: hundredths of a percent; fixed: minor units; else 0")                  \
    F(i64, threshold, "only if the goods it is about cost so much; 0 = always")                    \
    F(u64, sku_id, "only for this SKU; 0 = for all lines")                                         \
    F(u64, group_id, "only for this customer group; 0 = everybody")                                \
    F(u64, coupon_id, "only with this coupon; 0 = automatic")                                      \
    F(u64, valid_from_ns, "from this time on; 0 = always")                                         \
    F(u64, valid_until_ns, "before this time; 0 = always")                                         \
    F(i64, per_customer, "uses of the coupon per customer; 0 = no limit")                          \
    F(u32, buy, "N of N-for-M")                                                                    \
    F(u32, pay, "M of N-for-M, 1 to N - 1")                                                        \
    F(u32, priority, "applied from the highest on; then the lowest id")                            \
    F(u16, kind, "1 percent off, 2 fixed amount off, 3 N for M, 4 free shipping")                  \
    F(u16, currency, "0 = any; a fixed amount and a threshold need one")                           \
    F(u16, is_exclusive, "1 = where it applies, nothing after it does")                            \
    F(u16, is_limited, "1 = the coupon's uses are limited: they are stock of the resource coupon") \
    F(u16, is_off, "1 = not used")                                                                 \
    Z(u16, zero0)
#define PROMOTION_PUT_REQ(F, Z, S)                                                        \
    F(u64, home_id, "the promotion: souk_id of a name")                                   \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    PROMOTION_FIELDS(F, Z)                                                                \
    F(text64, name, "1 to 63 bytes")
#define PROMOTION_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define PROMOTION_GET_REQ(F, Z, S) F(u64, home_id, "the promotion")
#define PROMOTION_GET_RSP(F, Z, S)      \
    F(u64, version, "of the promotion") \
    PROMOTION_FIELDS(F, Z)              \
    F(text64, name, "as put")

#define POLICY_FIELDS(F, Z)                                                                  \
    F(u64, cart_guest_ms, "a guest's cart is forgotten so long after its last change")       \
    F(u64, cart_user_ms, "a user's cart likewise")                                           \
    F(u64, payment_lease_ms, "an authorisation without an answer is asked for after this")   \
    F(u64, unpaid_ms, "an order that is not authorised after this gives its stock back")     \
    F(u64, answer_ms, "a capture, void or refund without an answer is asked for after this") \
    F(u64, backoff_ms, "first wait after a nack; doubles")                                   \
    F(u64, backoff_max_ms, "longest wait")                                                   \
    F(u64, return_window_ms, "returns are accepted so long after delivery; 0 = always")      \
    F(u32, deliveries_max, "a command delivered so often without success is dead")           \
    F(u32, attempts_max,                                                                     \
      "captures, voids and refunds are tried so often after failures that were proven")
#define POLICY_PUT_REQ(F, Z, S)                                  \
    F(u64, home_id, "1")                                         \
    F(u64, if_version, "0 = any; else the version it must have") \
    POLICY_FIELDS(F, Z)
#define POLICY_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define POLICY_GET_REQ(F, Z, S) F(u64, home_id, "1")
#define POLICY_GET_RSP(F, Z, S)        \
    F(u64, version, "0 = as built in") \
    POLICY_FIELDS(F, Z)

#define SETTING_STATUS_REQ(F, Z, S)                                                 \
    F(u64, home_id, "the list, promotion, or 1")                                    \
    F(u64, key, "of a price: the SKU; else 0")                                      \
    F(u16, kind, "enum setting_kind: 1 price list, 2 price, 3 promotion, 4 policy") \
    Z(u16, zero0)                                                                   \
    F(u32, wait_ms, "wait so long until it is in force everywhere, up to a minute")
#define SETTING_STATUS_RSP(F, Z, S)                           \
    F(u64, version, "the latest one")                         \
    F(u32, pending, "shards on which it is not in force yet") \
    Z(u32, zero0)

#endif
