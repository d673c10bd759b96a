/* import_pipe: the rows of an import that are under way, in order where order matters and side by side
 * where it does not.
 *
 *      the window, in the order of the file: a row leaves at the head when it is settled
 *
 *          head                                                   tail
 *          [ settled | under way | settled | under way | waiting | new ]
 *                          \                     \
 *      lanes, by product:   lane 0: one call in flight: all rows of a batch at the same step
 *                           lane 1: ...
 *
 * Rows of one product are in one lane, one behind the other, so the last row of the file wins whatever
 * the server refuses meanwhile. Lanes know nothing of each other, but for slugs and keys: a row that wants
 * one which a row of another lane is about to claim waits until that one is settled, so that the first
 * row of the file gets it.
 *
 * The pace: how many lanes are at work follows from how long calls take. A call longer than PIPE_CALM_NS means
 * that others wait too: a quarter fewer, down to one lane; else one more per round, up to all. A fixed number
 * fills the queue of a busy server: with 16 lanes the median take beside an import on one busy core had 70 to
 * 90 ms instead of 5, with a pace 6.
 *
 * Invariants
 *   I1  a lane has at most one call in flight, and only its rows [0, count) take part in it.
 *   I2  rows leave in the order in which they came: all before the head are settled. So what lies behind
 *       the head is all that has to be done again after a stop.
 *   I3  when a record of a call shall be tried again, all records behind it are, even those that were
 *       done: so no older row of a product is executed last.
 * Ownership  a row's product belongs to the pipe from pipe_add to pipe_drop.
 * Happy path row = pipe_room; fill it; pipe_add; pipe_turn; while ((row = pipe_head)) ...; pipe_drop.
 * Failure    a status of class RETRY, or an unknown outcome: the lane waits and tries again, for as long as it
 *            takes; pipe_waiting says so. Another error of the library ends the pipe: pipe->error.
 * Not here   no files, no output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_IMPORT_PIPE_H
#define SOUK_CLIENT_IMPORT_PIPE_H

#include "client/cli/import_step.h"

#define PIPE_LANES_MAX  64u
#define PIPE_BATCH_MAX  256u
#define PIPE_BYTES_MAX  (8u << 20) /* of the products in the window */
#define PIPE_REASON_MAX 256u
#define PIPE_CALM_NS    (4 * NS_PER_MS)
#define PIPE_PACE_ONE   64u /* one lane, in parts of it */

/* A row of the window. Whoever adds it sets what is above the line. */
struct pipe_row {
    struct import_product product; /* of a bad row: nothing but its code */
    u64 line, end_line;            /* of the row, and of the next one */
    u64 end_offset;                /* in the file, of the next one */
    u32 column;                    /* of what is wrong */
    bool is_bad;
    char reason[PIPE_REASON_MAX];
    /* ---- */
    bool is_settled;
    bool is_put; /* the product was; `is_new`: created */
    bool is_new;
    u16 status;
    u32 bytes;
    u32 next; /* in its lane's queue */
    u64 aliases[IMPORT_ALIASES];
};

struct pipe_lane {
    struct import_pipe *pipe;
    u32 rows[PIPE_BATCH_MAX]; /* of the window */
    u32 count;
    u32 step;
    u32 first; /* of rows: where the step goes on */
    /* The call. */
    u32 sent[PIPE_BATCH_MAX]; /* places in rows */
    u32 sent_count;
    bool is_flying;
    u8 *replies;
    u64 sent_ns;
    u64 due_ns; /* not before this */
    /* Rows that wait for the batch to end. */
    u32 queue_first, queue_last, queue_count;
};

struct import_pipe {
    struct souk_client *client;
    u32 lane_count, batch_max;
    struct pipe_row *window;
    u32 window_size, head, count; /* a ring */
    u64 bytes;
    bool is_blocked; /* the last row waits for an alias */
    struct pipe_lane *lanes;
    u8 *records;
    int error;   /* of the library */
    u16 waiting; /* pipe_waiting */
    u32 pace;    /* lanes that may be at work, in parts of PIPE_PACE_ONE */
    u64 calm_ns; /* not slower once more before this */
};

/* The client is borrowed. */
void pipe_init(struct import_pipe *pipe, struct souk_client *client, u32 lanes, u32 batch);
void pipe_deinit(struct import_pipe *pipe);
/* Room for one more row, zeroed; NULL: pipe_turn first. */
struct pipe_row *pipe_room(struct import_pipe *pipe);
/* That row is complete: its product belongs to the pipe. */
void pipe_add(struct import_pipe *pipe, struct pipe_row *row);
/* Sends what may be sent, receives, for up to `wait_ms`. `no_more`: none will be added soon, so that
 * batches are sent which are not full. */
void pipe_turn(struct import_pipe *pipe, u64 now_ns, bool no_more, u32 wait_ms);
/* The oldest row, if it is settled; NULL. */
struct pipe_row *pipe_head(struct import_pipe *pipe);
void pipe_drop(struct import_pipe *pipe);
/* A call has taken so long: sets the pace. */
void pipe_pace(struct import_pipe *pipe, u64 now_ns, u64 took_ns);
/* Why nothing moves: a status of class RETRY; SOUK_OK: it moves. */
u16 pipe_waiting(const struct import_pipe *pipe);

#endif
