/* id: the names of things.
 *
 *      u64          product, SKU, user: XXH3-64 of the shop's string code (id_from_code)
 *      struct id128 hold, allocation, order, session: chosen by the client
 *
 * An id128 of a hold or allocation begins with the milliseconds since 1970 in its upper 48 bits (as
 * UUIDv7 and ULID do), so a shard can refuse an id that is older than what it still remembers. The
 * high half of an order's id is its user, so that it routes without a lookup, and the milliseconds
 * are the upper 48 bits of its low half. Session ids are random in all bits.
 *
 * The top bit of a user id marks a guest; id_from_code clears it. The id 0 means "none" everywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_ID_H
#define SOUK_PROTO_ID_H

#include "proto/base.h"
#include "proto/checksum.h"

#define ID_GUEST_BIT (1ull << 63)

/* 128 bits, low half first on the wire. */
struct id128 {
    u64 low;
    u64 high;
};
STATIC_CHECK(sizeof(struct id128) == 16);

/* The kinds of thing that can run out. Numbers are on disk: append only. */
enum resource_kind {
    RESOURCE_KIND_SKU = 0,
    RESOURCE_KIND_COUPON = 1,
    RESOURCE_KIND_GIFT_CARD = 2,
    RESOURCE_KIND_CREDIT = 3,
    RESOURCE_KIND_ALLOWANCE = 4,
    RESOURCE_KIND_AD_BUDGET = 5,
    RESOURCE_KIND_COUNT
};

/* The key of a resource: the whole of it is hashed for routing, looked up, logged and digested, so
 * a coupon and a SKU of equal id never meet. tenant and location must be 0 for now. */
struct resource {
    u64 id;
    u32 tenant;
    u16 kind; /* enum resource_kind */
    u16 location;
};
STATIC_CHECK(sizeof(struct resource) == 16);

/* A short text in a fixed part: UTF-8 without control characters, then zero bytes. */
#define TEXT64_BYTES 64u
struct text64 {
    u8 bytes[TEXT64_BYTES];
};
STATIC_CHECK(sizeof(struct text64) == TEXT64_BYTES);

static inline bool id128_equal(struct id128 a, struct id128 b)
{
    return a.low == b.low && a.high == b.high;
}

static inline bool id128_is_none(struct id128 a)
{
    return (a.low | a.high) == 0;
}

/* Milliseconds since 1970 that the id was made at, as its maker said. */
static inline u64 id128_ms(struct id128 a)
{
    return a.high >> 16;
}

/* An order's id: whose it was, and the milliseconds since 1970 that its maker said. */
static inline u64 order_user(struct id128 order)
{
    return order.high;
}
static inline u64 order_ms(struct id128 order)
{
    return order.low >> 16;
}

static inline bool resource_equal(struct resource a, struct resource b)
{
    return a.id == b.id && a.tenant == b.tenant && a.kind == b.kind && a.location == b.location;
}

/* The id of a shop's string code: XXH3-64 with the guest bit cleared; never 0. */
static inline u64 id_from_code(const void *code, size_t bytes)
{
    const u64 id = checksum64(code, bytes) & ~ID_GUEST_BIT;
    return id == 0 ? 1 : id;
}

#endif
