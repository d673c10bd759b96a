/* order_types: the records of the order room.
 *
 *   order   one fixed record per order, and tables beside it in the arena: lines, amounts, tenders,
 *           events, commands, parcels, returns, parts, failed lines. Rows are those of the wire
 *           (proto/rows.def) where that is compact enough, so that reading is copying.
 *
 * Fields marked (soft) follow from the others: they are neither dumped nor digested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_TYPES_H
#define SOUK_SHARDS_ORDER_ORDER_TYPES_H

#include "proto/messages.h"
#include "proto/saga.h"

/* Rows of one kind, growing by doubling; the bytes lie in the arena. */
struct order_table {
    u8 *rows;
    u32 count;
    u32 capacity; /* in rows */
};

/* A tender: its row, and what is under way for it. */
struct order_tender {
    struct row_order_tender row;
    i64 capturing; /* asked for and not answered */
    i64 refunding;
    i64 forced; /* an operator took care of so much elsewhere */
    u32 step;   /* of the command under way, 0 = none */
    u32 voids;  /* bit 0: a void was emitted; bit 1: one was leased */
};

/* What one shard has been asked to hold in the present round. */
struct order_hold {
    u16 shard;
    u16 state; /* 1 asked, 2 granted, 3 refused, 4 release asked, 5 released, 0 not asked yet */
    u32 zero0;
};

/* A thing that happened; texts lie in order.texts, from `text` on. */
struct order_event {
    u64 time_ns;
    i64 value;
    u64 what;
    u32 text; /* offset */
    u16 kind; /* enum order_event_kind */
    u16 status;
    u16 state;
    u16 text_bytes;
    u32 zero0;
};
STATIC_CHECK(sizeof(struct order_event) == 40);

/* A command for the outside world. */
struct order_command {
    u64 since_ns;
    u64 due_ns; /* ready at, or lease ends, or answer overdue */
    u64 lease;  /* the number given to the worker that has it */
    i64 amount;
    u32 step;
    u32 attempt;
    u32 deliveries;
    u32 reason;
    u32 subject; /* step it is about; a parcel for NOTIFY_SHIPPED */
    u16 subject_attempt;
    u16 kind;  /* enum command_kind */
    u16 state; /* enum command_state */
    u16 tender;
    u32 group;
    u32 order;    /* (soft) index of the order */
    u32 position; /* (soft) in the heap of ready or of waiting commands */
};

/* A parcel: its row, and what is needed to recognise it and to follow its ship mails. */
struct order_parcel {
    struct row_parcel row;
    u64 fingerprint; /* of the lines that it was planned with */
    u64 ticket;      /* of the last ship mails, 0 = none yet; counts up within the order */
    u64 shipped[SHARDS_MAX / 64]; /* shards that have taken all of it out of stock */
    u16 asked;                    /* shards */
    u16 answered;
    u16 is_short; /* some of it was not there */
    u16 zero0;
};

/* A return: its row, and what is needed to recognise it. */
struct order_return {
    struct row_return row;
    u64 fingerprint; /* of its reason and lines */
};

enum order_flag {
    ORDER_FLAG_FROM_CART = 1 << 0,
    ORDER_FLAG_CONFIRMED = 1 << 1, /* holds are allocations */
    ORDER_FLAG_SPENT = 1 << 2,     /* coupons, gift cards, credit are consumed */
    ORDER_FLAG_LATE = 1 << 3,      /* taking stock again for a late authorisation */
    ORDER_FLAG_ABANDONED = 1 << 4, /* an operator said: no further commands */
    ORDER_FLAG_FREE_SHIPPING = 1 << 5
};

struct order {
    struct id128 id;
    u64 owner;
    u64 group_id;
    u64 fingerprint; /* of the bytes of its checkout */
    u64 created_ns;
    u64 placed_ns;
    u64 delivered_ns; /* the last parcel */
    u64 changed_ns;
    u64 since_ns;  /* in its state */
    u64 timer_ns;  /* when the state's timer rings; 0 = none */
    u64 unpaid_ns; /* the hard maximum */
    i64 expected_total;
    i64 goods, discount, charges, total;
    i64 given_up; /* worth of cancelled and returned units, and refunds by hand: owed = total - given_up */
    i64 refund_asked; /* by payment_refund, cumulative */
    u64 cart_version;
    struct order_table lines;       /* struct row_order_line */
    struct order_table charge_rows; /* struct row_charge */
    struct order_table amounts;     /* struct row_amount */
    struct order_table tenders;     /* struct order_tender */
    struct order_table coupons;     /* struct row_coupon */
    struct order_table holds;       /* struct order_hold */
    struct order_table failed;      /* struct row_failed_line */
    struct order_table commands;    /* struct order_command */
    struct order_table parcels;     /* struct order_parcel */
    struct order_table returns;     /* struct order_return */
    struct order_table parts;       /* struct row_part */
    struct order_table events;      /* struct order_event */
    struct order_table texts;       /* bytes */
    struct order_table address;     /* bytes */
    struct order_table action;      /* bytes */
    u32 timer_position;             /* (soft) in the heap of timers */
    u32 stuck_position;             /* (soft) */
    u32 round;                      /* of holding */
    u32 last_step;
    u32 placeholder; /* (soft) a piece was loaded, the head not yet */
    u16 state;       /* enum saga_state */
    u16 reason;      /* a status */
    u16 currency;
    u8 capture; /* enum capture_policy */
    u8 flags;   /* enum order_flag */
};

/* Tables as arrays: borrowed until the table grows. */
#define ORDER_TABLE(name, table, type)                         \
    static inline struct type *name(const struct order *order) \
    {                                                          \
        return (struct type *)(void *)order->table.rows;       \
    }
ORDER_TABLE(order_lines, lines, row_order_line)
ORDER_TABLE(order_tenders, tenders, order_tender)
ORDER_TABLE(order_commands, commands, order_command)
ORDER_TABLE(order_parcels, parcels, order_parcel)
ORDER_TABLE(order_returns, returns, order_return)
ORDER_TABLE(order_parts, parts, row_part)
ORDER_TABLE(order_events, events, order_event)
#undef ORDER_TABLE

/* An order in a user's history; it may live on another shard. What lives on this one follows from the
 * orders: only references to other shards are dumped. */
struct history_entry {
    struct id128 order;
    u64 created_ns;
    i64 total;      /* of an order of another shard; else 0 */
    u32 line_count; /* likewise */
    u32 index;      /* (soft) of the order in the room; 0 = it lives on another shard */
    u32 newer;      /* (soft) the tree: all that is newer below here; 0 = none */
    u32 older;      /* (soft) */
    u32 above;      /* (soft) */
    u16 currency;
    u16 zero0;
};
STATIC_CHECK(sizeof(struct history_entry) == 56);

/* A user's history: a tree of its entries, newest first. */
struct history {
    u64 user_id;
    u32 root; /* (soft) */
    u32 count;
};

#endif
