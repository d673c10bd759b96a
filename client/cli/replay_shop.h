/* replay_shop: what has happened to every line and SKU of a replay, and what may be asked next.
 *
 *      line:  WAITING --take--> TAKEN --ship--> DONE          a sale
 *             WAITING --refused---------------> DONE
 *             WAITING --return / adjust-------> DONE          a cancellation, a correction
 *             WAITING ------------------------> DONE          nothing left to return or take out:
 *                                                             settled here, without a command
 *
 * The state changes by answers of the server alone (shop_apply), so feeding it the answers of a
 * journal brings it to where it was.
 *
 * Invariants
 *   R1  the head of a SKU is its first line that is not DONE. A frame asks about the head, and in the
 *       same frame about the lines that follow it as long as they are sales too: a run. So the lines
 *       of a SKU are judged in time order. That shipments come after the run changes nothing, since
 *       what is sellable falls when units are taken, not when they are shipped.
 *   R2  a head always needs a command: lines that need none are settled when they become heads.
 *   R3  returned <= shipped, for every SKU, at every moment.
 *
 * Threads  one. Not here: lanes, frames, the network, the journal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_SHOP_H
#define SOUK_CLIENT_REPLAY_SHOP_H

#include "client/cli/replay_plan.h"

/* What a frame does to its items. Numbers are in journals: append only. */
enum shop_step {
    SHOP_STEP_NONE = 0,
    SHOP_STEP_PRODUCT = 1, /* items are SKUs */
    SHOP_STEP_SKU = 2,
    SHOP_STEP_RECEIVE = 3,
    SHOP_STEP_TAKE = 4, /* items are lines from here on */
    SHOP_STEP_SHIP = 5,
    SHOP_STEP_RETURN = 6,
    SHOP_STEP_ADJUST = 7,
    SHOP_STEP_COUNT
};

enum shop_line_state { SHOP_LINE_WAITING = 0, SHOP_LINE_TAKEN = 1, SHOP_LINE_DONE = 2 };

/* One record of a frame. */
struct shop_item {
    u32 index;    /* of a line or a SKU */
    i64 quantity; /* what is asked for; 0 for puts */
};

/* One record of an answer. `value` is the version after a put, sellable after a take, else on_hand. */
struct shop_answer {
    u16 status;
    i64 value;
};

struct shop_line {
    u8 state; /* enum shop_line_state */
    u8 zero0;
    u16 status;       /* enum souk_status of what ended it */
    i32 units_beyond; /* of a cancellation or correction: what was not done */
};

struct shop_sku {
    u32 head;     /* R1; REPLAY_NONE when all is done */
    u32 expected; /* the line that the frame being built may ask about next */
    u64 frame;    /* the frame that `expected` is of */
    u8 is_ready;  /* set up: lines may go */
    u8 is_new;    /* this replay created it */
    u16 zero0;
    i64 on_hand;  /* as the server said last */
    i64 shipped;  /* by this replay */
    i64 returned; /* by this replay */
    i64 adjusted; /* taken out by this replay, positive */
    u32 sold_lines;
    u32 refused_lines;
    i64 refused_units;
    i64 return_beyond;
    i64 adjust_beyond;
    i64 revenue;
};

#define SHOP_REASONS_MAX 16u
struct shop_totals {
    u64 lines_done;
    u64 sold_lines, sold_units;
    i64 revenue;
    u64 refused_lines, refused_units;
    i64 refused_revenue;
    u64 returned_units, return_beyond;
    u64 adjusted_units, adjust_beyond;
    u64 received_units;
    u64 unshipped_lines; /* taken, and the shipment was refused: only when others interfere */
    u64 ops;             /* records answered */
    struct {
        u16 status;
        u64 lines;
        u64 units;
    } reasons[SHOP_REASONS_MAX]; /* of refused takes, returns, adjustments */
    u32 reason_count;
};

struct shop {
    const struct replay_plan *plan;
    struct shop_line *lines;
    struct shop_sku *skus;
    struct shop_totals totals;
    u64 frame;      /* counts shop_begin_frame */
    bool is_booked; /* as orders: lines are ended by the book (replay_book.h), and nothing here */
};

void shop_init(struct shop *shop, const struct replay_plan *plan);
void shop_deinit(struct shop *shop);

/* What the head `line` needs, and the quantity to ask for. */
struct shop_need {
    enum shop_step step;
    i64 quantity;
};
struct shop_need shop_need_of(const struct shop *shop, u32 line);
/* A frame is built: begin, then for every line in ascending order ask whether it may go, and add it. */
void shop_begin_frame(struct shop *shop);
/* Whether the line may be asked about in this frame: R1, and its SKU is set up. */
bool shop_may_go(const struct shop *shop, u32 line);
void shop_add_line(struct shop *shop, u32 line);

/* Adds an item to a frame that a journal tells of; returns NULL, or why it does not fit. */
const char *shop_add_item(struct shop *shop, enum shop_step step, struct shop_item item);

/* Brings in one answer. Returns NULL, or why the replay cannot go on: a refused put or receipt. */
NODISCARD const char *shop_apply(struct shop *shop, enum shop_step step, struct shop_item item,
                                 struct shop_answer answer);

#endif
