/* fields of the stock operations. The words are those of docs/stock.md: on_hand is what a picker
 * can count, of which unavailable cannot be sold; held is reserved for a time; allocated is sold
 * and not shipped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_STOCK_H
#define SOUK_PROTO_FIELDS_STOCK_H

#define STOCK_LEVELS(F)                                                \
    F(i64, on_hand, "physically there, 0 or more")                     \
    F(i64, unavailable, "of on_hand: damaged, not for sale")           \
    F(i64, held, "reserved by open holds")                             \
    F(i64, allocated, "sold and not yet shipped, named and anonymous") \
    F(i64, sellable, "on_hand - unavailable - held - allocated - safety_stock + oversell_cap")

#define SKU_PUT_REQ(F, Z, S)                                                              \
    F(resource, resource, "the SKU; id = souk_id(code)")                                  \
    F(u64, product_id, "the product that it is a variant of; 0 = none")                   \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    F(i64, price, "minor units, 0 to 2^53")                                               \
    F(i64, safety_stock, "units never sold, 0 to 2^31")                                   \
    F(i64, oversell_cap, "units that may be sold before they arrive, 0 to 2^31")          \
    F(u32, lease_default_ms, "lease of a hold that names none; 0 = ten minutes")          \
    F(u16, currency, "ISO 4217 number, e.g. 826 for GBP")                                 \
    F(u16, low_at, "pages say low from so few sellable units on; 0 = never")              \
                                                                                          \
    S(code, CODE_BYTES_MAX, "the shop's code, 1 to 64 bytes")
#define SKU_PUT_RSP(F, Z, S) F(u64, version, "version after the change, or the current one")

#define SKU_GET_REQ(F, Z, S) F(resource, resource, "the SKU")
#define SKU_GET_RSP(F, Z, S)                                               \
    F(u64, product_id, "as put")                                           \
    F(u64, version, "of price and policy")                                 \
    F(i64, price, "minor units")                                           \
    F(i64, safety_stock, "as put")                                         \
    F(i64, oversell_cap, "as put")                                         \
    F(u32, lease_default_ms, "in force")                                   \
    F(u16, currency, "ISO 4217 number")                                    \
    F(u16, low_at, "as put")                                               \
    STOCK_LEVELS(F)                                                        \
    F(i64, allocated_anonymous, "of allocated: by takes without an id")    \
    F(i64, received, "sum of all receipts")                                \
    F(i64, shipped, "sum of all shipments")                                \
    F(i64, returned_sellable, "sum")                                       \
    F(i64, returned_damaged, "sum")                                        \
    F(i64, adjusted, "sum of all adjustments and sets, signed")            \
    F(i64, written_off, "sum")                                             \
    F(i64, granted, "sum of all units ever allocated, by take or confirm") \
    F(i64, cancelled, "sum of all units cancelled")                        \
    S(code, CODE_BYTES_MAX, "the shop's code")

#define STOCK_RECEIVE_REQ(F, Z, S)   \
    F(resource, resource, "the SKU") \
    F(i64, quantity, "1 to 2^31")
#define STOCK_RECEIVE_RSP(F, Z, S) STOCK_LEVELS(F)

#define STOCK_ADJUST_REQ(F, Z, S)                               \
    F(resource, resource, "the SKU")                            \
    F(i64, delta, "-2^31 to 2^31, not 0")                       \
    F(u32, reason, "a number that means something to the shop") \
    Z(u32, zero0)
#define STOCK_ADJUST_RSP(F, Z, S) STOCK_LEVELS(F)

#define STOCK_SET_REQ(F, Z, S)                                       \
    F(resource, resource, "the SKU")                                 \
    F(i64, expected, "on_hand before; -1 = whatever it is")          \
    F(i64, value, "on_hand after, 0 to 2^31; not below unavailable") \
    F(u32, reason, "a number that means something to the shop")      \
    Z(u32, zero0)
#define STOCK_SET_RSP(F, Z, S) STOCK_LEVELS(F)

#define STOCK_GET_REQ(F, Z, S) F(resource, resource, "the SKU")
#define STOCK_GET_RSP(F, Z, S) STOCK_LEVELS(F)

#define TAKE_REQ(F, Z, S)                                           \
    F(resource, resource, "the SKU")                                \
    F(i64, quantity, "1 to 2^31")                                   \
    F(u64, owner, "who takes: a user id; 0 = nobody in particular") \
    F(id128, id, "names the allocation; 0 = anonymous")             \
    F(id128, replaces, "a hold of the same owner and SKU that ends in the same step; 0 = none")
#define TAKE_RSP(F, Z, S) F(i64, sellable, "after the command; when refused, what there was")

#define HOLD_REQ(F, Z, S)                                                                       \
    F(resource, resource, "the SKU")                                                            \
    F(i64, quantity, "1 to 2^31")                                                               \
    F(u64, owner, "who holds: a user id; 0 = nobody in particular")                             \
    F(id128, id, "names the hold; not 0")                                                       \
    F(id128, replaces, "a hold of the same owner and SKU that ends in the same step; 0 = none") \
    F(u64, lease_ms, "1 ms to 31 days; 0 = the SKU's default")                                  \
    F(u64, max_life_ms, "extending ends here, from now; 0 = one hour or the lease if longer")
#define HOLD_RSP(F, Z, S)                                               \
    F(i64, sellable, "after the command; when refused, what there was") \
    F(u64, expires_at_ns, "log time at which the hold ends; 0 when refused")

#define HOLD_EXTEND_REQ(F, Z, S)     \
    F(resource, resource, "the SKU") \
    F(id128, id, "the hold")         \
    F(u64, owner, "as in hold")      \
    F(u64, lease_ms, "from now, 1 ms to 31 days")
#define HOLD_EXTEND_RSP(F, Z, S) F(u64, expires_at_ns, "log time at which the hold ends now")

#define HOLD_CONFIRM_REQ(F, Z, S)                                                  \
    F(resource, resource, "the SKU")                                               \
    F(id128, id, "the hold; the allocation has the same id")                       \
    F(u64, owner, "as in hold")                                                    \
    F(id128, order, "the order that the hold is bound to; 0 when it is not bound") \
    F(i64, quantity, "how much of it, the rest is released; 0 = all")
#define HOLD_CONFIRM_RSP(F, Z, S)                         \
    F(i64, allocated, "units now allocated under the id") \
    F(i64, released, "units given back")

#define HOLD_RELEASE_REQ(F, Z, S)    \
    F(resource, resource, "the SKU") \
    F(id128, id, "the hold")         \
    F(u64, owner, "as in hold")      \
    F(id128, order, "the order that the hold is bound to; 0 when it is not bound")
#define HOLD_RELEASE_RSP(F, Z, S) F(i64, released, "units given back")

#define HOLD_GET_REQ(F, Z, S)        \
    F(resource, resource, "the SKU") \
    F(id128, id, "the hold or allocation")
#define HOLD_GET_RSP(F, Z, S)                                               \
    F(u64, owner, "as in hold")                                             \
    F(id128, order, "the order that it is bound to; 0 = none")              \
    F(u16, state, "1 held, 2 allocated, 3 released, 4 expired, 5 finished") \
    Z(u16, zero0)                                                           \
    Z(u32, zero1)                                                           \
    F(i64, quantity, "as first asked for")                                  \
    F(i64, held, "held now")                                                \
    F(i64, allocated, "confirmed or taken, ever")                           \
    F(i64, shipped, "of allocated")                                         \
    F(i64, cancelled, "of allocated")                                       \
    F(i64, returned_sellable, "of shipped")                                 \
    F(i64, returned_damaged, "of shipped")                                  \
    F(u64, created_at_ns, "log time")                                       \
    F(u64, expires_at_ns, "log time; 0 = no lease")                         \
    F(u64, max_life_at_ns, "log time beyond which it cannot be extended")

#define HOLD_BIND_REQ(F, Z, S)       \
    F(resource, resource, "the SKU") \
    F(id128, id, "the hold")         \
    F(u64, owner, "as in hold")      \
    F(id128, order, "the order; not 0")
#define HOLD_BIND_RSP(F, Z, S) F(i64, held, "units that the order now holds, without a lease")

#define ALLOC_SHIP_REQ(F, Z, S)                         \
    F(resource, resource, "the SKU")                    \
    F(id128, id, "the allocation; 0 = anonymous units") \
    F(i64, quantity, "with an id: units shipped of it in total, so far; anonymous: units now")
#define ALLOC_SHIP_RSP(F, Z, S) STOCK_LEVELS(F)

#define ALLOC_CANCEL_REQ(F, Z, S)                       \
    F(resource, resource, "the SKU")                    \
    F(id128, id, "the allocation; 0 = anonymous units") \
    F(i64, quantity, "with an id: units cancelled of it in total, so far; anonymous: units now")
#define ALLOC_CANCEL_RSP(F, Z, S) STOCK_LEVELS(F)

#define ALLOC_RETURN_REQ(F, Z, S)                                                               \
    F(resource, resource, "the SKU")                                                            \
    F(id128, id, "the allocation; 0 = anonymous units")                                         \
    F(i64, quantity, "with an id: units returned in this disposition in total; anonymous: now") \
    F(u16, disposition, "0 sellable: back on the shelf; 1 damaged: becomes unavailable")        \
    Z(u16, zero0)                                                                               \
    Z(u32, zero1)
#define ALLOC_RETURN_RSP(F, Z, S) STOCK_LEVELS(F)

#define STOCK_WRITE_OFF_REQ(F, Z, S)                            \
    F(resource, resource, "the SKU")                            \
    F(i64, quantity, "1 to 2^31, at most unavailable")          \
    F(u32, reason, "a number that means something to the shop") \
    Z(u32, zero0)
#define STOCK_WRITE_OFF_RSP(F, Z, S) STOCK_LEVELS(F)

#endif
