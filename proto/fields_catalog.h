/* fields of the catalog operations; docs/catalog.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_CATALOG_H
#define SOUK_PROTO_FIELDS_CATALOG_H

/* The first five are the numbers of enum product_text. */
#define PRODUCT_SPANS(S)                                                                        \
    S(code, CODE_BYTES_MAX, "the shop's code, 1 to 64 bytes")                                   \
    S(title, TITLE_BYTES_MAX, "UTF-8 text")                                                     \
    S(brand, BRAND_BYTES_MAX, "UTF-8 text")                                                     \
    S(category, CATEGORY_BYTES_MAX, "code of its category, a path with slashes: home/lighting") \
    S(attributes, ATTRIBUTES_BYTES_MAX, "lines of name=value; a name may come more than once")  \
    S(description, DESCRIPTION_BYTES_MAX, "UTF-8 text, searched with the least weight")         \
    S(slug, ALIAS_BYTES_MAX, "name in addresses; claimed by alias_put")                         \
    S(external_key, ALIAS_BYTES_MAX, "key in another system; claimed by alias_put")             \
    S(page, PAGE_BYTES_MAX, "what the shop's pages need, opaque")

#define PRODUCT_FACTS(F, Z)                                                                 \
    F(i64, price, "minor units, 0 to 2^53; what the page shows, SKUs have their own")       \
    F(i64, price_before, "what the price is compared with; 0 = nothing")                    \
    F(u64, visible_from_ns, "shown from this time on; 0 = always")                          \
    F(u64, visible_until_ns, "shown before this time; 0 = always")                          \
    F(u64, buyable_from_ns, "sold from this time on; 0 = always")                           \
    F(u64, buyable_until_ns, "sold before this time; 0 = always")                           \
    F(u32, popularity, "any measure of the shop's, greater is more popular")                \
    F(u16, currency, "ISO 4217 number; 0 = no price")                                       \
    F(u16, margin, "hundredths of a percent, for ranking")                                  \
    F(u16, marks, "bits: 1 draft: not shown, 2 unlisted: shown, but not found by searches") \
    Z(u16, zero0)                                                                           \
    Z(u32, zero1)

#define PRODUCT_PUT_REQ(F, Z, S)                                                          \
    F(u64, product_id, "souk_id(code)")                                                   \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    PRODUCT_FACTS(F, Z)                                                                   \
    PRODUCT_SPANS(S)
#define PRODUCT_PUT_RSP(F, Z, S) F(u64, version, "version after the change, or the current one")

#define PRODUCT_PATCH_REQ(F, Z, S)                                                                \
    F(u64, product_id, "the product")                                                             \
    F(u64, if_version, "0 = any; else the version it must have")                                  \
    F(u32, fields,                                                                                \
      "bits: 1 price and currency, 2 title, 4 brand, 8 category, 16 attributes, 32 description, " \
      "64 slug, "                                                                                 \
      "128 external_key, 256 page, 512 price_before, 1024 visible times, 2048 buyable times, "    \
      "4096 popularity, 8192 margin, 16384 marks; the others are not used")                       \
    Z(u32, zero2)                                                                                 \
    PRODUCT_FACTS(F, Z)                                                                           \
    S(title, TITLE_BYTES_MAX, "used if its bit is set")                                           \
    S(brand, BRAND_BYTES_MAX, "used if its bit is set")                                           \
    S(category, CATEGORY_BYTES_MAX, "used if its bit is set")                                     \
    S(attributes, ATTRIBUTES_BYTES_MAX, "used if its bit is set")                                 \
    S(description, DESCRIPTION_BYTES_MAX, "used if its bit is set")                               \
    S(slug, ALIAS_BYTES_MAX, "used if its bit is set")                                            \
    S(external_key, ALIAS_BYTES_MAX, "used if its bit is set")                                    \
    S(page, PAGE_BYTES_MAX, "used if its bit is set")
#define PRODUCT_PATCH_RSP(F, Z, S) F(u64, version, "version after the change, or the current one")

#define PRODUCT_GET_REQ(F, Z, S) F(u64, product_id, "the product")
#define PRODUCT_GET_RSP(F, Z, S)                       \
    F(u64, version, "counts the changes")              \
    F(u64, created_at_ns, "log time of the first put") \
    PRODUCT_FACTS(F, Z)                                \
    PRODUCT_SPANS(S)

#define PRODUCT_DELETE_REQ(F, Z, S)   \
    F(u64, product_id, "the product") \
    F(u64, if_version, "0 = any; else the version it must have")
#define PRODUCT_DELETE_RSP(F, Z, S) F(u64, version, "version of the tombstone")

/* What pages and cards show beside what was put. */
#define PRODUCT_LIVE(F, Z)                                                                 \
    F(u64, page_version, "counts the changes of all that is shown: product, SKUs, rating") \
    F(i64, price_from, "the lowest price of its SKUs; its own without any")                \
    F(u64, rating_sum, "stars of approved reviews")                                        \
    F(u32, rating_count, "approved reviews")                                               \
    F(u16, state, "availability: 0 none, 1 low, 2 some")                                   \
    F(u16, is_buyable, "1 = visible, in its time, and available")

#define PRODUCT_PAGE_REQ(F, Z, S)                                                              \
    F(u64, product_id, "the product, if it is asked for by id; else 0")                        \
    F(u64, if_version, "a page_version: if it is still that, nothing but the version is sent") \
    F(u64, user_id, "for recommendations; 0 = nobody in particular")                           \
    F(u32, recommended, "recommendations wanted, 0 to 100")                                    \
    F(u16, by, "0 id, 1 slug, 2 external key")                                                 \
    F(u16, flags,                                                                              \
      "bits: 1 ask the SKUs for exact stock, 2 without the blob, 4 also what is not visible")  \
    S(alias, ALIAS_BYTES_MAX, "slug or external key")
#define PRODUCT_PAGE_RSP(F, Z, S)                                            \
    F(u64, product_id, "the product")                                        \
    F(u64, version, "of what was put")                                       \
    F(u64, created_at_ns, "log time of the first put")                       \
    F(u64, as_of_lsn, "of the product's shard")                              \
    F(u64, is_not_modified, "1 = if_version is in force; the rest is empty") \
    PRODUCT_LIVE(F, Z)                                                       \
    PRODUCT_FACTS(F, Z)                                                      \
    PRODUCT_SPANS(S)                                                         \
    S(skus, ROWS(page_sku, PRODUCT_SKUS_MAX), "its SKUs, by code")           \
    S(items, ROWS(recommended, RECOMMEND_LIMIT_MAX), "recommendations")      \
    S(texts, SEARCH_TEXTS_BYTES_MAX, "of the recommendations")

/* Between a reactor and a shard of the same process, never stored. */
#define PAGE_PART_REQ(F, Z, S)               \
    F(u64, product_id, "the product")        \
    F(u64, if_version, "as in product_page") \
    F(u16, flags, "as in product_page")      \
    Z(u16, zero0)                            \
    Z(u32, zero1)
#define PAGE_PART_RSP(F, Z, S)                                               \
    F(u64, version, "of what was put")                                       \
    F(u64, created_at_ns, "log time of the first put")                       \
    F(u64, as_of_lsn, "of this shard")                                       \
    F(u64, is_not_modified, "1 = if_version is in force; the rest is empty") \
    PRODUCT_LIVE(F, Z)                                                       \
    PRODUCT_FACTS(F, Z)                                                      \
    PRODUCT_SPANS(S)                                                         \
    S(skus, ROWS(page_sku, PRODUCT_SKUS_MAX), "its SKUs, by code")

#define PRODUCT_CARD_REQ(F, Z, S)     \
    F(u64, product_id, "the product") \
    F(u64, if_version, "as in product_page")
#define PRODUCT_CARD_RSP(F, Z, S)                                            \
    F(u64, is_not_modified, "1 = if_version is in force; the rest is empty") \
    PRODUCT_LIVE(F, Z)                                                       \
    F(i64, price_before, "as put")                                           \
    F(u16, currency, "ISO 4217 number")                                      \
    F(u16, marks, "as put")                                                  \
    Z(u32, zero0)                                                            \
    S(code, CODE_BYTES_MAX, "the shop's code")                               \
    S(title, TITLE_BYTES_MAX, "UTF-8 text")

#define ALIAS_PUT_REQ(F, Z, S)                                                             \
    F(u64, alias_id, "souk_id of the text, of an external key with a slash before it")     \
    F(u64, product_id, "the product that gets it; 0 = nobody any more")                    \
    F(u64, if_product_id, "0 = it must be free, or this product's; else whose it must be") \
    F(u16, kind, "1 slug, 2 external key")                                                 \
    Z(u16, zero0)                                                                          \
    Z(u32, zero1)                                                                          \
    S(alias, ALIAS_BYTES_MAX, "1 to 128 bytes")
#define ALIAS_PUT_RSP(F, Z, S) F(u64, product_id, "whose it is after the command")

#define ALIAS_GET_REQ(F, Z, S)             \
    F(u64, alias_id, "as in alias_put")    \
    F(u16, kind, "1 slug, 2 external key") \
    Z(u16, zero0)                          \
    Z(u32, zero1)
#define ALIAS_GET_RSP(F, Z, S)        \
    F(u64, product_id, "whose it is") \
    S(alias, ALIAS_BYTES_MAX, "as put")

#define PRODUCT_LIST_REQ(F, Z, S)                                         \
    F(u64, after, "0 = from the beginning; else next of the page before") \
    F(u32, limit, "rows, 1 to 512")                                       \
    F(u32, has_deleted, "1 = tombstones too")
#define PRODUCT_LIST_RSP(F, Z, S)                                     \
    F(u64, next, "where the next page begins; 0 = that was the last") \
    F(u64, product_count, "on this shard, without tombstones")        \
    S(products, ROWS(product_name, LIST_PAGE_ROWS),                   \
      "in the shard's order, which changes do not disturb")

/* ---- what every shard has: categories, attributes, collections ---- */

#define CATEGORY_FIELDS(F, Z)                                  \
    F(u64, parent_id, "the category above; 0 = none")          \
    F(u32, position, "order among its siblings, then by name") \
    F(u16, is_off, "1 = not shown")                            \
    Z(u16, zero0)                                              \
    F(text64, name, "what a shopper reads, 1 to 63 bytes")
#define CATEGORY_PUT_REQ(F, Z, S)                                                         \
    F(u64, home_id, "1")                                                                  \
    F(u64, category_id, "souk_id(code)")                                                  \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    CATEGORY_FIELDS(F, Z)                                                                 \
    S(code, CATEGORY_BYTES_MAX, "what products have as category, 1 to 256 bytes")
#define CATEGORY_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define CATEGORY_GET_REQ(F, Z, S) \
    F(u64, home_id, "1")          \
    F(u64, category_id, "souk_id(code)")
#define CATEGORY_GET_RSP(F, Z, S)         \
    F(u64, version, "of the category")    \
    CATEGORY_FIELDS(F, Z)                 \
    S(code, CATEGORY_BYTES_MAX, "as put") \
    S(path, TEXT_BYTES_MAX, "names from the top down to it, a line each")
#define CATEGORY_LIST_REQ(F, Z, S)                              \
    F(u64, home_id, "1")                                        \
    F(u64, category_id, "whose children; 0 = those at the top") \
    F(u32, after, "rows to leave out")                          \
    F(u32, limit, "rows, 1 to 512")
#define CATEGORY_LIST_RSP(F, Z, S) \
    F(u32, total, "children")      \
    Z(u32, zero0)                  \
    S(children, ROWS(category_child, LIST_PAGE_ROWS), "by position, then by name")

#define ATTRIBUTE_FIELDS(F, Z)                                           \
    F(u16, type, "1 enum, 2 number, 3 bool, 4 text: searched, no facet") \
    F(u16, is_searched, "1 = words of its values find the product")      \
    Z(u32, zero0)                                                        \
    F(text64, name, "as in the lines of a product, 1 to 63 bytes")
#define ATTRIBUTE_PUT_REQ(F, Z, S)                                                        \
    F(u64, home_id, "1")                                                                  \
    F(u64, attribute_id, "souk_id(name)")                                                 \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    ATTRIBUTE_FIELDS(F, Z)
#define ATTRIBUTE_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define ATTRIBUTE_GET_REQ(F, Z, S) \
    F(u64, home_id, "1")           \
    F(u64, attribute_id, "souk_id(name)")
#define ATTRIBUTE_GET_RSP(F, Z, S)      \
    F(u64, version, "of the attribute") \
    ATTRIBUTE_FIELDS(F, Z)

#define COLLECTION_FIELDS(F, Z)     \
    F(u16, sort, "as in search")    \
    F(u16, is_off, "1 = not shown") \
    Z(u32, zero0)                   \
    F(text64, name, "what a shopper reads, 1 to 63 bytes")
#define COLLECTION_PUT_REQ(F, Z, S)                                                       \
    F(u64, home_id, "the collection: souk_id of a name")                                  \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    COLLECTION_FIELDS(F, Z)                                                               \
    S(filter, COLLECTION_BYTES_MAX, "the rule: a filter as in search")
#define COLLECTION_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define COLLECTION_GET_REQ(F, Z, S) F(u64, home_id, "the collection")
#define COLLECTION_GET_RSP(F, Z, S)      \
    F(u64, version, "of the collection") \
    COLLECTION_FIELDS(F, Z)              \
    S(filter, COLLECTION_BYTES_MAX, "as put")

#endif
