/* fields of the catalog operations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_CATALOG_H
#define SOUK_PROTO_FIELDS_CATALOG_H

#define PRODUCT_SPANS(S)                                                \
    S(code, CODE_BYTES_MAX, "the shop's code, 1 to 64 bytes")           \
    S(title, TITLE_BYTES_MAX, "UTF-8 text")                             \
    S(brand, BRAND_BYTES_MAX, "UTF-8 text")                             \
    S(category, CATEGORY_BYTES_MAX, "path with slashes: home/lighting") \
    S(attributes, ATTRIBUTES_BYTES_MAX, "lines of name=value")

#define PRODUCT_PUT_REQ(F, Z, S)                                                          \
    F(u64, product_id, "souk_id(code)")                                                   \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    F(i64, price, "minor units, 0 to 2^53; what the page shows, SKUs have their own")     \
    F(u16, currency, "ISO 4217 number; 0 = no price")                                     \
    Z(u16, zero0)                                                                         \
    Z(u32, zero1)                                                                         \
    PRODUCT_SPANS(S)
#define PRODUCT_PUT_RSP(F, Z, S) F(u64, version, "version after the change, or the current one")

#define PRODUCT_PATCH_REQ(F, Z, S)                                                           \
    F(u64, product_id, "the product")                                                        \
    F(u64, if_version, "0 = any; else the version it must have")                             \
    F(i64, price, "used if bit 0 of fields is set")                                          \
    F(u16, currency, "used if bit 0 of fields is set")                                       \
    F(u16, fields, "bits: 0 price and currency, 1 title, 2 brand, 3 category, 4 attributes") \
    Z(u32, zero0)                                                                            \
    S(title, TITLE_BYTES_MAX, "used if bit 1 is set")                                        \
    S(brand, BRAND_BYTES_MAX, "used if bit 2 is set")                                        \
    S(category, CATEGORY_BYTES_MAX, "used if bit 3 is set")                                  \
    S(attributes, ATTRIBUTES_BYTES_MAX, "used if bit 4 is set")
#define PRODUCT_PATCH_RSP(F, Z, S) F(u64, version, "version after the change, or the current one")

#define PRODUCT_GET_REQ(F, Z, S) F(u64, product_id, "the product")
#define PRODUCT_GET_RSP(F, Z, S)          \
    F(u64, version, "counts the changes") \
    F(i64, price, "minor units")          \
    F(u16, currency, "ISO 4217 number")   \
    Z(u16, zero0)                         \
    Z(u32, zero1)                         \
    PRODUCT_SPANS(S)

#define PRODUCT_DELETE_REQ(F, Z, S)   \
    F(u64, product_id, "the product") \
    F(u64, if_version, "0 = any; else the version it must have")
#define PRODUCT_DELETE_RSP(F, Z, S) F(u64, version, "version of the tombstone")

#endif
