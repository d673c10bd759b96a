/* order_types: the records of the order room.
 *
 *   order   one fixed record per order, and tables beside it in the arena. What is known when it is
 *           accepted lies in one block of exactly that length (body): lines, charges, tenders,
 *           coupons, holds, tokens, address. What comes later grows by itself: amounts, failed
 *           lines, parcels, returns, parts, history, action. A table of the body that has to grow
 *           moves out of it.
 *   command one fixed record per thing to be done by the outside world, in a chain from its order
 *   history order_event.c: a few bytes per event, texts among them
 *
 * Rows are those of the wire (proto/rows.def) where that is compact enough, so that reading is
 * copying. Fields marked (soft) follow from the others: they are neither dumped nor digested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_TYPES_H
#define SOUK_SHARDS_ORDER_ORDER_TYPES_H

#include "proto/messages.h"
#include "proto/saga.h"

/* Rows of one kind, growing by doubling; the bytes lie in the arena, or, if there is no capacity, in
 * the body of the order. */
struct order_table {
    u8 *rows;
    u32 count;
    u32 capacity; /* in rows; 0 = the rows, if any, are the body's */
};

/* Is there something at the provider that is none of the order's? */
enum order_dangling {
    ORDER_DANGLING_NOT,
    ORDER_DANGLING_PERHAPS, /* a worker had the authorisation in hand when the provider knew nothing */
    ORDER_DANGLING_SURELY /* it was told: too late, or for too little */
};

/* A tender, with what is under way for it. Texts are places: of the token in the order's texts, of
 * the reference in its history. */
struct order_tender {
    u64 account;
    i64 amount;
    i64 authorized; /* ever */
    i64 captured;
    i64 refunded;
    i64 charged_back;
    i64 overcharged; /* captured by the provider beyond what was asked for */
    i64 capturing;   /* asked for and not answered */
    i64 refunding;
    i64 overcharge_back; /* of overcharged: refunded, or asked for */
    i64 forced;          /* an operator took so much for captured */
    i64 forced_back;     /* or for refunded */
    u32 group;
    u32 token;
    u32 reference;
    u16 kind;  /* enum tender_kind */
    u16 state; /* enum tender_state */
    u8 token_bytes;
    u8 reference_bytes;
    u8 dangling; /* enum order_dangling: to be voided, whatever its state says */
    u8 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct order_tender) == 120);

/* What one shard has been asked to hold in the present round. */
enum order_hold_state {
    ORDER_HOLD_NONE, /* not asked yet */
    ORDER_HOLD_ASKED,
    ORDER_HOLD_GRANTED,
    ORDER_HOLD_REFUSED,
    ORDER_HOLD_RELEASING, /* an answer is waited for */
    ORDER_HOLD_RELEASED
};
struct order_hold {
    u16 shard;
    u16 state; /* enum order_hold_state */
};

/* A coupon that the order lists, with what is held for it. */
struct order_coupon {
    u64 coupon_id;
    i64 allowance;  /* of the customer, in all; 0 = no limit, nothing is held */
    u16 is_limited; /* a unit of the coupon is held */
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct order_coupon) == 24);

/* What is known of a line only until its price is. */
struct order_asked {
    i64 agreed_price;  /* -1 = none */
    u64 reason;        /* of the agreed price */
    u64 version;       /* of the SKU */
    struct id128 hold; /* an earlier one of the shopper, which ends when this one begins */
    u16 currency;      /* of the SKU */
    u16 zero0;
    u32 zero1;
};
STATIC_CHECK(sizeof(struct order_asked) == 48);

/* A thing that happened, as it is told and read; how it is kept: order_event.c. */
struct order_event {
    u64 time_ns; /* of the turn */
    i64 value;
    u64 what;
    const u8 *text; /* borrowed */
    u32 number;     /* from 1 */
    u16 kind;       /* enum order_event_kind */
    u16 status;
    u16 state;     /* of the order, after it */
    u8 text_bytes; /* at most 64 */
    u8 payment;    /* enum payment_event_kind; 0 = it is none */
    u8 attempt;    /* of a payment event, modulo 256 */
    u32 back;      /* of a payment event, when it is read: order_event.c */
};

/* A command for the outside world. */
enum order_command_flag {
    ORDER_COMMAND_UNKNOWN = 1 << 0, /* no answer came; a query is about it */
    ORDER_COMMAND_FAILED = 1 << 1,  /* the last attempt failed for sure */
    ORDER_COMMAND_FORCED = 1 << 2,  /* done because an operator said so */
    ORDER_COMMAND_EXCESS = 1 << 3,  /* refund of what was overcharged */
    ORDER_COMMAND_TIMED = 1 << 4,   /* (soft) in `waiting` or, once due, in `due_commands` */
    ORDER_COMMAND_DUE = 1 << 5,     /* (soft) in `due_commands` */
    ORDER_COMMAND_QUEUED = 1 << 6,  /* (soft) in the queues */
    ORDER_COMMAND_LISTED = 1 << 7,  /* (soft) in the list of those that are not finished */
    ORDER_COMMAND_PLACED = ORDER_COMMAND_TIMED | ORDER_COMMAND_DUE | ORDER_COMMAND_QUEUED,
    ORDER_COMMAND_SOFT = ORDER_COMMAND_PLACED | ORDER_COMMAND_LISTED
};
struct order_command {
    u64 since_ns;
    u64 due_ns; /* ready at, or lease ends, or answer overdue; 0 = never */
    u64 ticket; /* leased, or waiting: the lease; else its place among those that are ready, or due
                   at the same time. Never given twice. */
    i64 amount;
    u32 order; /* (soft) */
    u32 next;  /* (soft) of the same order, by step */
    u32 step;
    u32 attempt;
    u32 deliveries;
    u32 reason;
    u32 group;
    u32 subject; /* step it is about; a parcel for NOTIFY_SHIPPED */
    u32 subject_attempt;
    union {           /* (soft) */
        u32 position; /* timed: in its heap */
        struct {      /* queued: neighbours in the queue of its kind, and of its kind and group */
            u32 newer, older;
            u32 group_newer, group_older;
        };
    };
    u32 unfinished_newer; /* (soft) neighbours among those that are not finished */
    u32 unfinished_older; /* (soft) */
    u8 kind;              /* enum command_kind */
    u8 state;             /* enum command_state */
    u8 tender;
    u8 flags; /* enum order_command_flag */
};
STATIC_CHECK(sizeof(struct order_command) == 96);

/* A parcel: its row, and what is needed to recognise it and to follow its ship mails. */
struct order_parcel {
    struct row_parcel row;
    u64 fingerprint; /* of the lines that it was planned with */
    u64 ticket;      /* of the last ship mails, 0 = none yet; counts up within the order */
    u64 shipped[SHARDS_MAX / 64]; /* shards that have taken all of it out of stock */
    u16 asked;                    /* shards */
    u16 answered;
    u16 is_short; /* some of it was not there */
    u16 reason;   /* the status that the stock said of that */
};

/* A return: its row, and what is needed to recognise it. */
struct order_return {
    struct row_return row;
    u64 fingerprint; /* of its reason and lines */
    i64 asked;       /* the amount that its refund named */
};

enum order_flag {
    ORDER_FLAG_FROM_CART = 1 << 0,
    ORDER_FLAG_UNPAID = 1 << 1, /* failed for want of a payment: a late one may still revive it */
    ORDER_FLAG_SPENT = 1 << 2,  /* coupons, gift cards, credit are consumed or released */
    ORDER_FLAG_LATE = 1 << 3,   /* taking stock again for a late authorisation */
    ORDER_FLAG_ABANDONED = 1 << 4, /* an operator said: no further commands */
    ORDER_FLAG_FREE_SHIPPING = 1 << 5,
    ORDER_FLAG_IN_TURN = 1 << 6 /* this round asks shard after shard */
};

struct order {
    struct id128 id;
    u64 owner;
    u64 group_id;
    u64 fingerprint; /* of the bytes of its checkout */
    u64 created_ns;
    u64 placed_ns;
    u64 delivered_ns; /* the last parcel */
    u64 changed_ns;   /* the last event of its history */
    u64 since_ns;     /* in its state */
    u64 timer_ns;     /* when the state's timer rings; 0 = none */
    u64 timer_ticket; /* which of several that ring at one time comes first */
    u64 unpaid_ns;    /* the hard maximum */
    u64 basket_ns;    /* what was bought together is counted as of this time; 0 = not yet */
    i64 expected_total;
    i64 goods, discount, charges, total;
    i64 given_up; /* worth of cancelled and returned units, and refunds by hand: owed = total - given_up */
    i64 cancelled_worth; /* of given_up: by cancels */
    i64 capture_asked;   /* by payment_capture, cumulative over all tenders */
    u64 cart_version;
    u8 *body;
    struct order_table lines;       /* struct row_order_line */
    struct order_table charge_rows; /* struct row_charge */
    struct order_table tenders;     /* struct order_tender */
    struct order_table coupons;     /* struct order_coupon */
    struct order_table holds;       /* struct order_hold */
    struct order_table texts;       /* bytes: tokens of tenders */
    struct order_table address;     /* bytes */
    struct order_table asked;   /* struct order_asked; until prices are known: lies in amounts */
    struct order_table amounts; /* struct row_amount */
    struct order_table failed;  /* struct row_failed_line */
    struct order_table parcels; /* struct order_parcel */
    struct order_table returns; /* struct order_return */
    struct order_table parts;   /* struct row_part */
    struct order_table events;  /* bytes: order_event.c */
    struct order_table action;  /* bytes */
    u32 body_bytes;
    u32 event_count;
    u32 last_payment;   /* the last payment event: 1 + where it begins in the history; 0 = none */
    u32 first_command;  /* (soft) the chain, by step; 0 = none */
    u32 last_command;   /* (soft) */
    u32 timer_position; /* (soft) in the heap of timers, or of those that are due */
    u32 stuck_newer;    /* (soft) neighbours in the list of its state */
    u32 stuck_older;    /* (soft) */
    u32 round;          /* of holding */
    u32 last_step;
    u32 basket; /* which of its products are counted: order_basket.c */
    u16 state;  /* enum saga_state */
    u16 reason; /* a status */
    u16 currency;
    u8 capture; /* enum capture_policy */
    u8 flags;   /* enum order_flag */
    u8 is_due;  /* (soft) its timer is among those that are due */
    u8 zero0[3];
};
STATIC_CHECK(sizeof(struct order) % 8 == 0);

/* Tables as arrays: borrowed until the table grows. */
#define ORDER_TABLE(name, table, type)                         \
    static inline struct type *name(const struct order *order) \
    {                                                          \
        return (struct type *)(void *)order->table.rows;       \
    }
ORDER_TABLE(order_lines, lines, row_order_line)
ORDER_TABLE(order_charges, charge_rows, row_charge)
ORDER_TABLE(order_amounts, amounts, row_amount)
ORDER_TABLE(order_tenders, tenders, order_tender)
ORDER_TABLE(order_coupons, coupons, order_coupon)
ORDER_TABLE(order_holds, holds, order_hold)
ORDER_TABLE(order_asked, asked, order_asked)
ORDER_TABLE(order_parcels, parcels, order_parcel)
ORDER_TABLE(order_returns, returns, order_return)
ORDER_TABLE(order_parts, parts, row_part)
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
