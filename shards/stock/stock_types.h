/* stock_types: the records of the stock room.
 *
 *   hot    64 bytes, one cache line: what an anonymous take reads and changes
 *   cold  256 bytes: price, policy, the sums of the ledger, the heap of leases
 *   grant 128 bytes: one hold or allocation, open or remembered
 *
 * Fields marked (soft) follow from the others: they are neither dumped nor digested, and an undo
 * keeps their present value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STOCK_STOCK_TYPES_H
#define SOUK_SHARDS_STOCK_STOCK_TYPES_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "shards/store/heap.h"

enum stock_hot_flag {
    STOCK_HOT_PLACEHOLDER = 1 << 0, /* (soft) a grant was loaded, its resource not yet */
    /* granted_named is large: a take must look at the exact sum before it adds to it. */
    STOCK_HOT_NEAR_LIMIT = 1 << 1,
    STOCK_HOT_TELLS = 1 << 2,   /* (soft) a product is told of it: stock_tell.h */
    STOCK_HOT_MARKED = 1 << 3,  /* (soft) it has something to tell when the entry is done */
    STOCK_HOT_CHANGED = 1 << 4, /* (soft) price or product are others */
    STOCK_HOT_TOLD_SHIFT = 5    /* (soft) two bits: the enum stock_state that was told */
};

struct stock_hot {
    u64 id;
    i64 on_hand;
    i64 unavailable;
    i64 held;
    i64 allocated;
    i64 margin;          /* oversell_cap - safety_stock */
    i64 taken_anonymous; /* units ever taken without an id: the anonymous part of `granted` */
    u32 cold;
    u8 kind;    /* enum resource_kind; tenant and location are 0 */
    u8 flags;   /* enum stock_hot_flag */
    u16 low_at; /* so few sellable units are told as low */
};
STATIC_CHECK(sizeof(struct stock_hot) == 64);
STATIC_CHECK(offsetof(struct stock_hot, low_at) == 62);
STATIC_CHECK(RESOURCE_KIND_COUNT <= UINT8_MAX);

struct stock_cold {
    /* First line: what holds and anonymous ships touch. */
    struct heap leases;    /* (soft) HELD grants with a lease, by expires_at */
    u32 deadline_position; /* (soft) in the shard's heap of resources */
    u32 hot;               /* (soft) the record this one belongs to */
    u32 lease_default_ms;  /* 0 = ten minutes */
    u16 currency;
    u16 code_bytes;
    i64 granted_named;
    i64 shipped_anonymous;
    i64 cancelled_anonymous;
    i64 returned_anonymous; /* sellable and damaged */
    /* The rest. */
    i64 received;
    i64 returned_sellable;
    i64 returned_damaged;
    i64 adjusted;
    i64 shipped;
    i64 written_off;
    i64 cancelled;
    i64 safety_stock;
    i64 oversell_cap;
    i64 price;
    u64 product_id;
    u64 version;
    u8 code[CODE_BYTES_MAX];
    i64 check_held;      /* (soft) verify's sums over the grants */
    i64 check_allocated; /* (soft) */
    u64 told_product_id; /* (soft) the product that knows of it; 0 = none */
    u64 reserved;
};
STATIC_CHECK(sizeof(struct stock_cold) == 256);
STATIC_CHECK(offsetof(struct stock_cold, received) == 64);

/* ORDER: made by a message of the order that the grant is named by. */
enum stock_origin { STOCK_ORIGIN_TAKE = 1, STOCK_ORIGIN_HOLD = 2, STOCK_ORIGIN_ORDER = 3 };
enum stock_timer { STOCK_TIMER_NONE, STOCK_TIMER_LEASE, STOCK_TIMER_RETENTION };

struct stock_grant {
    /* First line: the key and what decides about confirm, release, extend. */
    struct id128 id;
    struct id128 order; /* 0 = not bound */
    u64 owner;
    u64 expires_at_ns; /* as it last was; 0 for a take and for a bound hold */
    u32 resource;      /* index of the hot record */
    u32 position;      /* (soft) in the heap that `timer` names */
    u8 state;          /* enum grant_state */
    u8 origin;         /* enum stock_origin */
    u8 timer;          /* (soft) enum stock_timer */
    u8 zero;
    u32 held;
    /* Second line. Quantities are at most 2^31. */
    u32 quantity;
    u32 allocated; /* ever */
    u32 shipped;
    u32 cancelled;
    u32 returned_sellable;
    u32 returned_damaged;
    u32 lease_ms; /* the first one, so that a replay can say the first expires_at */
    u32 life_ms;
    u64 created_at_ns;
    u64 end_ns; /* when it became RELEASED, EXPIRED or FINISHED */
    u64 fingerprint;
    i64 first_sellable; /* of the first answer */
};
STATIC_CHECK(sizeof(struct stock_grant) == 128);
STATIC_CHECK(offsetof(struct stock_grant, quantity) == 64);
STATIC_CHECK(LEASE_MS_MAX <= UINT32_MAX);
STATIC_CHECK(QUANTITY_MAX <= UINT32_MAX);

#endif
