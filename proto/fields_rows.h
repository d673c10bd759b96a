/* fields of the rows of proto/rows.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_ROWS_H
#define SOUK_PROTO_FIELDS_ROWS_H

#define CART_LINE_ROW(F, Z)                                                                \
    F(u64, sku_id, "souk_id(code)")                                                        \
    F(u64, options, "hash of the options; 0 = none")                                       \
    F(i64, quantity, "1 to 2^31")                                                          \
    F(i64, price_seen, "unit price that the shopper saw when it was added; -1 = not told") \
    F(u64, added_at_ns, "log time of the first add")                                       \
    F(u16, currency, "of price_seen; 0 = not told")                                        \
    F(u16, saved, "1 = saved for later, not part of a checkout")                           \
    Z(u32, zero0)

#define COUPON_ROW(F, Z)               \
    F(u64, coupon_id, "souk_id(code)") \
    F(text64, code, "as the shopper wrote it")

#define SKU_NOW_ROW(F, Z)                                      \
    F(u64, sku_id, "souk_id(code)")                            \
    F(i64, price, "base price, minor units; -1 = no such SKU") \
    F(i64, sellable, "units")                                  \
    F(u16, currency, "ISO 4217 number")                        \
    Z(u16, zero0)                                              \
    Z(u32, zero1)

#define QUOTE_LINE_ROW(F, Z)                                                                 \
    F(u64, sku_id, "souk_id(code)")                                                          \
    F(u64, options, "as in the cart")                                                        \
    F(i64, quantity, "as in the cart")                                                       \
    F(i64, price_seen, "as in the cart")                                                     \
    F(i64, unit_price, "now, after price lists")                                             \
    F(i64, discount, "of the line, its share of order discounts included")                   \
    F(i64, total, "quantity x unit price - discount")                                        \
    F(i64, sellable, "as told by the caller")                                                \
    F(u64, price_rule, "the price list; 0 = the SKU's own price")                            \
    F(u64, price_version, "of that list's entry")                                            \
    F(u32, problems,                                                                         \
      "bits: 1 price changed, 2 out of stock, 4 fewer than wanted, 8 no such SKU, 16 other " \
      "currency, 32 too many")                                                               \
    Z(u32, zero0)

#define POUR_LINE_ROW(F, Z)                                                                      \
    F(u64, sku_id, "souk_id(code)")                                                              \
    F(u64, options, "as in the cart")                                                            \
    F(i64, guest_quantity, "in the guest's cart")                                                \
    F(i64, user_quantity, "in the user's cart before")                                           \
    F(i64, quantity, "in the user's cart after")                                                 \
    F(u16, outcome,                                                                              \
      "1 added, 2 summed, 3 replaced, 4 kept, 5 clamped, 6 dropped: too many lines, 7 dropped: " \
      "other currency, 8 removed")                                                               \
    Z(u16, zero0)                                                                                \
    Z(u32, zero1)

#define PRICE_TIER_ROW(F, Z)                             \
    F(i64, quantity, "from so many units on, 1 to 2^31") \
    F(i64, price, "unit price, 0 to 2^53")

#define AMOUNT_ROW(F, Z)                                                                          \
    F(u64, rule, "the price list, promotion, coupon, charge code or reason")                      \
    F(u64, version, "of that rule; 0 = it has none")                                              \
    F(i64, amount, "minor units; discounts are negative")                                         \
    F(u32, line, "index of the line; 2^32-1 = the whole order")                                   \
    F(u16, kind,                                                                                  \
      "1 goods at base price, 2 goods by price list, 3 goods at an agreed price, 4 promotion, 5 " \
      "tax, 6 shipping, 7 fee, 8 free shipping")                                                  \
    Z(u16, zero0)

#define CHECKOUT_LINE_ROW(F, Z)                                                  \
    F(u64, sku_id, "souk_id(code)")                                              \
    F(u64, options, "as in the cart; 0 = none")                                  \
    F(i64, quantity, "1 to 2^31")                                                \
    F(i64, agreed_price,                                                         \
      "unit price agreed with the customer, 0 to 2^53; -1 = the price in force") \
    F(u64, reason, "of the agreed price, stored as its rule; 0 without one")     \
    F(id128, hold,                                                               \
      "an earlier hold of the same user on this SKU, which ends in the same step; 0 = none")

#define CHARGE_ROW(F, Z)                                              \
    F(i64, amount, "minor units, 0 to 2^53")                          \
    F(u64, code, "what it is, stored as its rule: souk_id of a name") \
    F(u32, line, "index of the line; 2^32-1 = the whole order")       \
    F(u16, kind, "5 tax, 6 shipping, 7 fee")                          \
    Z(u16, zero0)

#define TENDER_ROW(F, Z)                                                       \
    F(u64, account, "id of the gift card or credit account; 0 = paid outside") \
    F(i64, amount, "minor units, 1 to 2^53; gift card and credit to 2^31")     \
    F(u32, group, "which workers get the commands")                            \
    F(u16, kind, "0 outside (card), 1 gift card, 2 store credit")              \
    Z(u16, zero0)                                                              \
    F(text64, token, "the provider's token of the payment method; never card data")

#define FAILED_LINE_ROW(F, Z)                                                               \
    F(u64, sku_id, "of the line, or the coupon, gift card or account")                      \
    F(i64, wanted, "units, or minor units")                                                 \
    F(i64, sellable, "what there was")                                                      \
    F(i64, price, "unit price in force")                                                    \
    F(u32, line, "index of the line; 2^32-1 = a coupon, gift card or account")              \
    F(u16, status,                                                                          \
      "SOLD_OUT, ALL_HELD, NOT_FOUND, PRICE_CHANGED, CURRENCY_MISMATCH, COUPON_EXHAUSTED, " \
      "CREDIT_SHORT, ...")                                                                  \
    F(u16, kind, "resource kind, 0 = a SKU")

#define COMMAND_ROW(F, Z)                                                                      \
    F(id128, order, "whose command")                                                           \
    F(i64, amount, "minor units")                                                              \
    F(u64, since_ns, "log time at which it was emitted")                                       \
    F(u64, due_ns, "log time at which it is ready, its lease ends, or its answer is overdue")  \
    F(u32, step, "number of the command within the order, from 1")                             \
    F(u32, attempt, "1, and one more after each failure that was proven")                      \
    F(u32, deliveries, "times leased")                                                         \
    F(u32, group, "of its tender")                                                             \
    F(u32, reason, "as the last nack said")                                                    \
    F(u16, kind, "1 authorize, 2 capture, 3 void, 4 refund, 5 query, 6 notify shipped")        \
    F(u16, state, "1 ready, 2 leased, 3 waiting for its result, 4 done, 5 dead, 6 taken back") \
    F(u16, tender, "index of the tender")                                                      \
    F(u16, currency, "ISO 4217 number")                                                        \
    Z(u32, zero0)

#define STUCK_ROW(F, Z)                                          \
    F(id128, order, "the order")                                 \
    F(u64, user_id, "its owner")                                 \
    F(u64, since_ns, "log time at which it came into the state") \
    F(i64, total, "minor units")                                 \
    F(u16, state, "enum saga_state")                             \
    F(u16, reason, "a status, 0 = none")                         \
    F(u16, currency, "ISO 4217 number")                          \
    Z(u16, zero0)

#define ORDER_LINE_ROW(F, Z)                                                                 \
    F(u64, sku_id, "souk_id(code)")                                                          \
    F(u64, product_id, "of the SKU, when it was bought")                                     \
    F(u64, options, "as ordered")                                                            \
    F(i64, quantity, "ordered")                                                              \
    F(i64, unit_price, "as bought")                                                          \
    F(i64, base_price, "of the SKU, when it was bought")                                     \
    F(i64, discount, "of the line")                                                          \
    F(i64, charges, "tax and others of the line")                                            \
    F(i64, total, "quantity x unit price - discount + charges")                              \
    F(i64, allocated, "sold and still to be shipped")                                        \
    F(i64, shipped, "ever")                                                                  \
    F(i64, delivered, "of shipped")                                                          \
    F(i64, cancelled, "before they were shipped; ordered = allocated + shipped + cancelled") \
    F(i64, returned_sellable, "of shipped")                                                  \
    F(i64, returned_damaged, "of shipped")                                                   \
    F(i64, refunded, "minor units, decided for cancelled and returned units")

#define ORDER_TENDER_ROW(F, Z)                                                                     \
    F(u64, account, "as in checkout")                                                              \
    F(i64, amount, "as in checkout")                                                               \
    F(i64, authorized, "minor units, ever")                                                        \
    F(i64, captured, "at most authorized")                                                         \
    F(i64, refunded, "at most captured")                                                           \
    F(i64, charged_back, "taken back by the bank")                                                 \
    F(i64, overcharged, "captured by the provider beyond what was asked for; refunded by itself")  \
    F(u32, group, "as in checkout")                                                                \
    F(u16, kind, "as in checkout")                                                                 \
    F(u16, state,                                                                                  \
      "1 waiting, 2 authorized, 3 declined, 4 action required, 5 unknown, 6 voided, 7 expired, 8 " \
      "held, 9 spent, 10 released")                                                                \
    F(text64, token, "as in checkout")                                                             \
    F(text64, reference, "the provider's")

#define ORDER_EVENT_ROW(F, Z)                                  \
    F(u64, time_ns, "log time")                                \
    F(i64, value, "an amount or a quantity, as the kind says") \
    F(u64, what, "an id, a step or a line, as the kind says")  \
    F(u32, number, "from 1, without gaps")                     \
    F(u16, kind, "enum order_event_kind")                      \
    F(u16, state, "enum saga_state, after it")                 \
    F(u16, status, "a status or reason, 0 = none")             \
    Z(u16, zero0)                                              \
    Z(u32, zero1)                                              \
    F(text64, text, "a reference, a tracking number, an actor, words")

#define ORDER_BRIEF_ROW(F, Z)                                                         \
    F(id128, order, "the order")                                                      \
    F(u64, created_at_ns, "log time")                                                 \
    F(i64, total, "minor units")                                                      \
    F(i64, captured, "minor units")                                                   \
    F(i64, refunded, "minor units")                                                   \
    F(u32, line_count, "lines")                                                       \
    F(u16, currency, "ISO 4217 number")                                               \
    F(u16, state, "enum saga_state; 0 = the order lives on another shard: ask there") \
    F(u16, summary, "enum order_summary")                                             \
    Z(u16, zero0)                                                                     \
    Z(u32, zero1)

#define PARCEL_ROW(F, Z)                                                                         \
    F(u64, created_at_ns, "log time")                                                            \
    F(u64, shipped_at_ns, "log time; 0 = not")                                                   \
    F(u64, delivered_at_ns, "log time; 0 = not")                                                 \
    F(u32, number, "chosen by the client, from 1")                                               \
    F(u16, state,                                                                                \
      "1 planned, 2 leaving, 3 shipped, 4 delivered, 5 cancelled, 6 short: not all of it is in " \
      "the warehouse")                                                                           \
    Z(u16, zero0)                                                                                \
    F(text64, carrier, "as told")                                                                \
    F(text64, tracking, "as told")

#define RETURN_ROW(F, Z)                                                         \
    F(u64, opened_at_ns, "log time")                                             \
    F(u64, closed_at_ns, "log time; 0 = open")                                   \
    F(i64, refund, "minor units decided")                                        \
    F(u32, number, "chosen by the client, from 1")                               \
    F(u16, state, "1 requested, 2 approved, 3 rejected, 4 received, 5 refunded") \
    F(u16, reason, "a number that means something to the shop")

#define PART_ROW(F, Z)                                               \
    F(i64, quantity, "units in the parcel, or asked to be returned") \
    F(i64, sellable, "of a return: received, back on the shelf")     \
    F(i64, damaged, "of a return: received, unavailable")            \
    F(u32, of, "number of the parcel or return")                     \
    F(u32, line, "index of the line")                                \
    F(u16, kind, "1 parcel, 2 return")                               \
    Z(u16, zero0)                                                    \
    Z(u32, zero1)

#define LINE_QUANTITY_ROW(F, Z)                                \
    F(i64, quantity, "units")                                  \
    F(i64, damaged, "return_receive: of them damaged; else 0") \
    F(u32, line, "index of the line")                          \
    Z(u32, zero0)

#define HOLD_ITEM_ROW(F, Z)                                                                 \
    F(resource, resource, "what")                                                           \
    F(i64, quantity, "1 to 2^31")                                                           \
    F(i64, allowance, "-1; else create the resource if there is none, with so much in all") \
    F(id128, replaces, "a hold of the order's user that ends in the same step; 0 = none")

#define HELD_ITEM_ROW(F, Z)                                \
    F(resource, resource, "what")                          \
    F(i64, wanted, "units")                                \
    F(i64, sellable, "before")                             \
    F(i64, price, "of a SKU, minor units")                 \
    F(u64, product_id, "of a SKU")                         \
    F(u64, version, "of price and policy")                 \
    F(u32, retry_after_ms, "with ALL_HELD")                \
    F(u16, status, "OK; or what was wrong with this item") \
    F(u16, currency, "of a SKU, gift card or account")

#define CHANGE_ITEM_ROW(F, Z)                                                                     \
    F(resource, resource, "what")                                                                 \
    F(i64, quantity, "units; 0 = all that is held")                                               \
    F(u16, action,                                                                                \
      "1 release, 2 confirm, 3 consume (confirm and ship), 4 ship, 5 cancel, 6 return sellable, " \
      "7 return damaged, 8 unship: a ship is taken back, on hand and allocated again")            \
    F(u16, status, "in an answer: OK, SHORT_STOCK, ...")                                          \
    Z(u32, zero0)

#define PAGE_SKU_ROW(F, Z)                                                 \
    F(u64, sku_id, "souk_id(code)")                                        \
    F(i64, price, "minor units")                                           \
    F(i64, sellable, "units; -1 = not asked for: see state")               \
    F(u64, as_of_ns, "log time of the SKU's shard at which this was true") \
    F(u16, currency, "ISO 4217 number")                                    \
    F(u16, state, "0 none, 1 low, 2 some")                                 \
    Z(u32, zero0)                                                          \
    F(text64, code, "the shop's code")

#define PRODUCT_NAME_ROW(F, Z)            \
    F(u64, product_id, "souk_id(code)")   \
    F(u64, version, "counts the changes") \
    F(text64, code, "the shop's code")

#define CATEGORY_CHILD_ROW(F, Z)                 \
    F(u64, category_id, "souk_id(code)")         \
    F(u32, position, "order among its siblings") \
    F(u32, child_count, "categories below it")   \
    F(text64, name, "what a shopper reads")

#define PRODUCT_REF_ROW(F, Z) F(u64, product_id, "souk_id(code)")

#define HIT_ROW(F, Z)                                                                           \
    F(u64, product_id, "souk_id(code)")                                                         \
    F(u64, ad_id, "the sponsored product whose slot this is; 0 = none")                         \
    F(i64, price, "minor units: the lowest of its SKUs, or the product's own")                  \
    F(i64, price_before, "what it is compared with; 0 = nothing")                               \
    F(u64, sort_key, "what it was sorted by, greater is earlier")                               \
    F(u32, text_score, "how well the words match")                                              \
    F(u32, rank_score, "what the profile adds within a bucket")                                 \
    F(u32, rating_count, "approved reviews")                                                    \
    F(u32, popularity, "as put")                                                                \
    F(u32, words, "bits: which words of the query it has, the first is bit 0")                  \
    F(u32, text_offset, "of code and title in texts")                                           \
    F(u16, code_bytes, "in texts, followed by the title")                                       \
    F(u16, title_bytes, "in texts")                                                             \
    F(u16, currency, "ISO 4217 number")                                                         \
    F(u16, rating, "average stars in hundredths; 0 = no review")                                \
    F(u16, state, "availability: 0 none, 1 low, 2 some")                                        \
    F(u16, flags, "bits: 1 sponsored, 2 pinned, 4 boosted, 8 typo or prefix, 16 words missing") \
    F(u16, highlight_offset, "first of its rows in highlights")                                 \
    F(u16, highlight_count, "rows")

#define HIGHLIGHT_ROW(F, Z)                                 \
    F(u16, offset, "bytes from the beginning of the title") \
    F(u16, bytes, "of the title")                           \
    F(u16, word, "of the query, the first is 0")            \
    Z(u16, zero0)

#define FACET_VALUE_ROW(F, Z)                                          \
    F(u64, value_id, "souk_id of the value; of a category its id")     \
    F(u64, parent_id, "of a category; 0 = at the top, or no category") \
    F(u32, count, "matches")                                           \
    F(u32, text_offset, "of the value in texts")                       \
    F(u16, text_bytes, "in texts")                                     \
    F(u16, facet, "of the request, the first is 0")                    \
    F(u16, is_chosen, "1 = the filter asks for it")                    \
    Z(u16, zero0)

#define FACET_RANGE_ROW(F, Z)                                                             \
    F(i64, from, "least number, inclusive")                                               \
    F(i64, until,                                                                         \
      "greatest number, inclusive; of a bar of the histogram exclusive but for the last") \
    F(u32, count, "matches")                                                              \
    F(u16, facet, "of the request, the first is 0")                                       \
    F(u16, is_bar, "0 = of all, 1 = a bar of the histogram")

#define SHARD_SPAN_ROW(F, Z)                           \
    F(u64, first_lsn, "applied when it began to look") \
    F(u64, last_lsn, "applied when it had finished")   \
    F(u16, shard, "index")                             \
    Z(u16, zero0)                                      \
    Z(u32, zero1)

#define COMPLETION_ROW(F, Z)               \
    F(u32, text_offset, "in texts")        \
    F(u32, text_bytes, "in texts")         \
    F(u32, count, "products that have it") \
    Z(u32, zero0)

#define QUERY_COUNT_ROW(F, Z)               \
    F(u64, asked, "times")                  \
    F(u64, empty, "times without a hit")    \
    F(u64, last_ns, "log time of the last") \
    F(text64, query, "folded, cut at 64 bytes")

#define CURATION_ACTION_ROW(F, Z)                                             \
    F(u64, product_id, "souk_id(code)")                                       \
    F(u32, value, "pin: its place, from 1; boost: percent of the text score") \
    F(u16, kind, "1 pin, 2 hide, 3 boost")                                    \
    Z(u16, zero0)

#define RECOMMENDED_ROW(F, Z)                                                                      \
    F(u64, product_id, "souk_id(code)")                                                            \
    F(u64, score, "greater is better; comparable within one answer")                               \
    F(i64, price, "minor units")                                                                   \
    F(u32, support, "baskets or visits behind it")                                                 \
    F(u16, reason,                                                                                 \
      "1 bought with, 2 viewed with, 3 similar, 4 trending in its category, 5 trending, 6 of the " \
      "catalog")                                                                                   \
    F(u16, state, "availability: 1 low, 2 some")                                                   \
    F(u16, currency, "ISO 4217 number")                                                            \
    F(u16, rating, "average stars in hundredths; 0 = no review")                                   \
    F(u32, text_offset, "of code and title in texts")                                              \
    F(u16, code_bytes, "in texts, followed by the title")                                          \
    F(u16, title_bytes, "in texts")                                                                \
    Z(u32, zero0)

#define REVIEW_BRIEF_ROW(F, Z)                                            \
    F(u64, product_id, "the product")                                     \
    F(u64, user_id, "who wrote it")                                       \
    F(u64, created_at_ns, "log time of the first version")                \
    F(u64, changed_at_ns, "log time of this version")                     \
    F(u32, helpful, "votes")                                              \
    F(u32, unhelpful, "votes")                                            \
    F(u32, text_offset, "of title, body and reply in texts")              \
    F(u32, body_bytes, "in texts, after the title")                       \
    F(u32, reply_bytes, "in texts, after the body")                       \
    F(u16, title_bytes, "in texts")                                       \
    F(u16, stars, "1 to 5")                                               \
    F(u16, state, "1 pending, 2 approved, 3 rejected, 4 flagged")         \
    F(u16, is_verified, "1 = bought, received and not wholly given back") \
    F(u32, version, "counts the changes")

#define REVIEW_EDIT_ROW(F, Z)                         \
    F(u64, changed_at_ns, "log time of that version") \
    F(u32, version, "of the review")                  \
    F(u16, stars, "1 to 5")                           \
    F(u16, state, "that it had")                      \
    F(u32, text_offset, "of title and body in texts") \
    F(u16, title_bytes, "in texts")                   \
    F(u16, body_bytes, "in texts, after the title")

#endif
