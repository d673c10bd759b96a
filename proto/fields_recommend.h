/* fields of recommendations and events; docs/recommend.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_RECOMMEND_H
#define SOUK_PROTO_FIELDS_RECOMMEND_H

#define TRACK_REQ(F, Z, S)                                                    \
    F(u64, user_id, "who; a guest too")                                       \
    F(u64, product_id, "what")                                                \
    F(u16, kind, "1 view, 2 click, 3 put into the cart, 4 found by a search") \
    Z(u16, zero0)                                                             \
    Z(u32, zero1)
#define TRACK_RSP(F, Z, S) Z(u64, zero0)

#define RECOMMENDATIONS(S)                                             \
    S(items, ROWS(recommended, RECOMMEND_LIMIT_MAX), "the best first") \
    S(texts, SEARCH_TEXTS_BYTES_MAX, "codes and titles")

#define RELATED_REQ(F, Z, S)                                                              \
    F(u64, product_id, "related to what")                                                 \
    F(u32, limit, "items wanted, 1 to 100")                                               \
    F(u16, kind, "1 bought with it, 2 viewed with it, 3 similar to it")                   \
    F(u16, is_strict, "1 = only that: no fallback to other kinds when there are too few") \
    S(without, ROWS(product_ref, RECOMMEND_LIMIT_MAX), "products to leave out")
#define RELATED_RSP(F, Z, S) \
    Z(u64, zero0)            \
    RECOMMENDATIONS(S)

#define RECOMMEND_REQ(F, Z, S)                                         \
    F(u64, user_id, "whose recent views count; 0 = nobody's")          \
    F(u32, limit, "items wanted, 1 to 100")                            \
    F(u16, is_strict, "1 = only what the cart and the views give")     \
    Z(u16, zero0)                                                      \
    S(products, ROWS(product_ref, RECOMMEND_LIMIT_MAX), "of the cart") \
    S(without, ROWS(product_ref, RECOMMEND_LIMIT_MAX), "more products to leave out")
#define RECOMMEND_RSP(F, Z, S) \
    Z(u64, zero0)              \
    RECOMMENDATIONS(S)

#define TRENDING_REQ(F, Z, S)                                   \
    F(u64, category_id, "and what is below it; 0 = everything") \
    F(u32, limit, "items wanted, 1 to 100")                     \
    Z(u32, zero0)
#define TRENDING_RSP(F, Z, S) \
    Z(u64, zero0)             \
    RECOMMENDATIONS(S)

#define RECENTLY_VIEWED_REQ(F, Z, S) \
    F(u64, user_id, "who")           \
    F(u32, limit, "1 to 100")        \
    F(u32, is_forgotten, "1 = forget them after this answer")
#define RECENTLY_VIEWED_RSP(F, Z, S) \
    Z(u64, zero0)                    \
    S(products, ROWS(product_ref, RECOMMEND_LIMIT_MAX), "the last first")

#define RECOMMEND_PART_REQ(F, Z, S)     \
    F(u32, step, "enum recommend_step") \
    Z(u32, zero0)                       \
    S(data, PART_BYTES_MAX / 2, "what the step needs")
#define RECOMMEND_PART_RSP(F, Z, S) \
    Z(u64, zero0)                   \
    S(data, PART_BYTES_MAX, "what the step found")
#define TRACK_PART_REQ(F, Z, S)                                    \
    F(u32, step, "enum track_step")                                \
    F(u32, kind, "as in track; 0 = the other direction of a pair") \
    F(u64, user_id, "who")                                         \
    F(u64, product_id, "what")                                     \
    F(u64, category_id, "of the product")                          \
    S(products, ROWS(product_ref, 64), "viewed before")
#define TRACK_PART_RSP(F, Z, S)           \
    F(u64, category_id, "of the product") \
    S(products, ROWS(product_ref, 64), "viewed before; or categories")

#endif
