/* order_work: a step over the lines of a placed order: what the request says of each line, what is
 * taken up already, and the messages that tell the stock.
 *
 *      order_named      which order, and may this user ask?
 *      work_read        rows of the request -> wanted[line], damaged[line]
 *      work_parcels     units of each line in parcels of the states given -> busy[line]
 *      work_stock       units[line] -> one MAIL_CHANGE per shard, SKUs of several lines summed
 *
 * The work area lies in the shard's scratch and lives inside one step; nothing of it may be used
 * after order_settle, which may use the scratch itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_ORDER_ORDER_WORK_H
#define SOUK_SHARDS_ORDER_ORDER_WORK_H

#include "shards/order/order_parts.h"
#include "shards/settings/spread.h"
#include "shards/shard_state.h"

/* Numbers of each line of one order, cleared as far as it has lines. */
struct order_work {
    i64 wanted[ORDER_LINES_MAX];
    i64 damaged[ORDER_LINES_MAX];
    i64 busy[ORDER_LINES_MAX];
    i64 other[ORDER_LINES_MAX];
    struct spread_pair pairs[ORDER_LINES_MAX];
    u16 shards[ORDER_LINES_MAX];
    struct row_change_item items[ORDER_LINES_MAX];
    struct row_change_item sorted[ORDER_LINES_MAX];
};
STATIC_CHECK(sizeof(struct order_work) <= SHARD_SCRATCH_BYTES);

/* An input about a placed order on its way. Until step_change it has changed nothing. */
struct order_step {
    struct order_turn turn; /* from step_change on */
    struct shard *shard;
    struct order *order; /* NULL: there is none, or it is not to be seen */
    struct order_work *work;
    u64 now_ns;
    u32 index;
    u32 line; /* that a refusal is about */
    i64 refund;
    u16 flags;
    bool is_changed;
};

/* The first questions of every operation about a placed order: arguments, linked frame, shard,
 * existence, owner. `user_id` 0: the shop itself. Clears the work area. */
u16 step_begin(struct order_step *step, struct shard *shard, const struct shard_call *call,
               struct id128 order, u64 user_id, bool is_argument_good);
/* A step that no client has asked for: it is part of another turn. */
void step_join(struct order_step *step, const struct order_turn *turn);
/* The whole reply, after everything that the shard has told itself. */
void step_answer(const struct order_step *step, u16 status, void *reply);

/* May anything be done to the order: ORDER_CANCELLED; INVALID_STATE while it is not placed. */
u16 step_placed(const struct order_step *step);
/* May its quantities and its money be changed: also INVALID_STATE while an operator is needed. */
u16 step_movable(const struct order_step *step);

/* TOO_MANY: the history of the order is full. For steps that a client could repeat for ever. */
u16 step_has_room(const struct order_step *step);

/* From here on the order changes. */
void step_change(struct order_step *step);
/* Notes an event. */
static inline void step_tell(const struct order_step *step, struct order_event event)
{
    MUST(step->is_changed);
    order_event_add(&step->turn, &event);
}

enum work_rows {
    WORK_ROWS_PLAIN,  /* damaged is 0 */
    WORK_ROWS_DAMAGED /* damaged is at most quantity */
};
/* BAD_ARGUMENT: a quantity out of range, a line twice; NOT_FOUND: no such line. Names the line. */
u16 work_read(struct order_step *step, const struct span *rows, enum work_rows kind);
/* Of the lines that the request names, in whatever order; `salt` is what else it says. */
u64 work_fingerprint(const struct order_step *step, u64 salt);

/* Bits 1 << enum parcel_state. */
#define PARCELS_LIVE \
    (1u << PARCEL_STATE_PLANNED | 1u << PARCEL_STATE_LEAVING | 1u << PARCEL_STATE_SHORT)
#define PARCELS_GIVING (1u << PARCEL_STATE_PLANNED | 1u << PARCEL_STATE_SHORT)
#define PARCELS_GONE   (1u << PARCEL_STATE_SHIPPED | 1u << PARCEL_STATE_DELIVERED)
/* busy[line] = units in parcels of these states. */
void work_parcels(struct order_step *step, u32 states);

/* The index of the parcel or return of a number, or its count. */
u32 parcel_find(const struct order *order, u32 number);
u32 return_find(const struct order *order, u32 number);

/* Sends `units[line]` (0 = nothing) as changes with `action` to the shards of the SKUs; each item is
 * at least 1. Returns how many shards were told. With `only`, no other shard is told. */
#define WORK_ALL_SHARDS NULL
u16 work_stock(struct order_step *step, const i64 *units, u16 action, u64 ticket, const u64 *only);

/* units[line] = what the parcel has of each line. */
void work_parcel_units(const struct order_step *step, u32 number, i64 *units);

/* Tells the products' shards (order_received.c): the owner has received units[line], or given them
 * back; or the order has another owner than before. */
void order_tell_received(const struct order_step *step, const i64 *units, bool is_back);
void order_tell_new_owner(const struct order_step *step, u64 before);

/* Appends one part for each line with wanted[line]; work_parts_fit says whether there is room. */
bool work_parts_fit(const struct order_step *step);
void work_push_parts(struct order_step *step, u16 kind, u32 number);

/* busy[line] = units given up so far: cancelled, and received in returns that were refunded. */
void work_given(struct order_step *step);
/* What `units` more of a line are worth, after busy[line] given up before. */
i64 work_worth(const struct order_step *step, u32 line, i64 units);

#endif
