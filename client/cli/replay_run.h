/* replay_run: the lanes of a replay: frames on their way to the server and back. As takes they carry
 * everything; as orders they carry the set-up and corrections, and replay_drive.h does the rest.
 *
 *      lane = (client, shard)      every SKU belongs to one lane: by its number to a client, by its
 *                                  resource to a shard; a product by its own shard
 *
 *      choose -> journal: intent -> library -> server -> library -> journal: answer -> shop -> choose
 *
 * A lane has at most one frame in flight, so a SKU has too, and the order in which lanes are served
 * changes nothing in what becomes of a line. First a lane creates its products and SKUs and receives
 * their goods, then its lines go, the earliest first; what was taken is shipped before anything else.
 *
 * Each client has a connection per reactor and a session of its own; a lane's frames are numbered in
 * its session on its shard. All clients run on the caller's thread.
 *
 * Failure    The library resends over broken connections until retry_ms are over; an error after
 *            that, or a status of a whole frame, ends the run with `reason`; the journal then has
 *            what is needed to go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_RUN_H
#define SOUK_CLIENT_REPLAY_RUN_H

#include "client/cli/cli.h"
#include "client/cli/replay_book.h"
#include "client/cli/replay_journal.h"
#include "client/cli/replay_shop.h"

#define RUN_LATENCY_US_MAX (1u << 20) /* what takes longer is counted as this */
#define RUN_WINDOW_LINES   16384u     /* how far ahead a lane looks for lines that may go */

struct slot;
struct provider;

struct lane {
    struct run *run;
    struct slot *slot; /* that waits for the correction in flight, or NULL */
    u32 index;
    u32 client;
    u16 shard;
    bool is_in_flight;
    u64 seq; /* of the last frame; the next is one more */
    u64 sent_ns;
    enum shop_step step; /* of the frame in flight, or of the one that the journal left */
    u32 count;
    struct shop_item *items;
    struct shop_item *taken; /* to be shipped */
    u32 taken_count;
    u32 *products; /* SKU numbers whose product lives on this shard */
    u32 product_count, product_at;
    u32 *skus;
    u32 sku_count, put_at, receive_at;
    u32 *lines; /* those that move stock, in time order */
    u32 line_count, line_first;
};

struct run_options {
    enum journal_mode mode;
    bool has_provider; /* of its own, for payments */
    u64 factor;
    u32 clients;
    u32 batch;
    u32 retry_ms;
    u64 stop_after;           /* lines; UINT64_MAX = all */
    const char *journal_path; /* NULL = none */
    bool is_quiet;
};

struct run {
    struct cli *cli;
    struct run_options options;
    const struct replay_plan *plan;
    const struct replay_events *events; /* as orders */
    struct shop shop;
    struct book book; /* as orders */
    struct journal journal;
    struct journal_identity identity;
    struct souk_client *clients[JOURNAL_SESSIONS_MAX];
    int fds[JOURNAL_SESSIONS_MAX];
    u32 client_count;
    bool is_watched; /* fds are there */
    struct lane *lanes;
    u32 lane_count;
    u32 in_flight;
    struct provider *provider;                  /* of payments; NULL = somebody else's */
    struct slot *slots;                         /* replay_drive.c */
    struct souk_row_checkout_line *order_lines; /* scratch for one checkout, */
    struct souk_row_line_quantity *part_lines;  /* for one return */
    void *records;                              /* scratch for one frame */
    u32 *latencies; /* by microseconds: of frames, or of orders from checkout to PAID */
    u64 latency_count;
    u64 frames;
    u64 ops_before; /* answered in earlier runs of this journal */
    u64 lines_before;
    u64 orders_before;
    u64 stored_answers; /* frames answered from the server's memory: sent before, executed once */
    u32 resent_lanes;
    u64 begin_ns, end_ns, answer_ns;
    bool is_resumed;
    bool is_opened;     /* all sessions are open */
    const char *reason; /* why the run ended early */
    char about[96];     /* what the reason is about, or "" */
    int error;          /* enum souk_error, where that is why */
    u16 status;         /* enum souk_status, where that is why */
};

/* Connects, reads the journal, opens the sessions, makes the lanes. `events` belong to a replay as
 * orders. Returns an exit code; the error has been printed. run_end in any case. */
NODISCARD int run_begin(struct run *run, struct cli *cli, const struct replay_events *events,
                        struct run_options options);
/* One more client, with patience while the server is away if there has been one. NULL: an error has
 * been printed, and *exit_code says which. */
struct souk_client *run_open_client(struct run *run, u32 deadline_ms, bool is_patient,
                                    int *exit_code);
/* Sends everything that is left. Returns an exit code. */
NODISCARD int run_all(struct run *run);
void run_end(struct run *run);

/* Whether every line has its end. */
bool run_is_complete(const struct run *run);
/* The latency below which `per_mille` of what was measured in this run lie, in microseconds. */
u32 run_latency_us(const struct run *run, u32 per_mille);
void run_note_latency(struct run *run, u64 ns);
u64 run_now_ns(void);

/* For replay_drive: */
/* The run ends early. `reason` is static. */
void run_fail(struct run *run, const char *reason, int error, u16 status);
/* Waits for answers and lets the clients take them in. */
void run_wait(struct run *run, u64 wait_ns);
/* Takes units out for a correction; false: its lane is busy. */
bool run_adjust(struct run *run, u32 line, i64 quantity, struct slot *slot);

#endif
