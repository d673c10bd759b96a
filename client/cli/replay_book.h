/* replay_book: what has become of every event of a replay, and which may begin next.
 *
 *      event:  OPEN --chosen--> RUNNING --ended--> DONE
 *
 *      order       accepted: its lines have `left` units that may come back; or refused, with a status
 *      return      takes units back: the newest order first, in an order the first line first
 *      correction  takes physical units out, at most what is there
 *
 * The book changes by answers of the server alone (book_end), so feeding it the ends of a journal
 * brings it to where it was. What happens to lines and SKUs is told to the shop (replay_shop.h), which
 * counts lines that are done, and whose SKUs are compared with the server's in the end.
 *
 * Invariants
 *   B1  an event of a customer runs only when the one before it is done.
 *   B2  a correction runs only while no order with its SKU runs, and the other way round: else units
 *       that an order has just been granted could be taken out from under it. It does not starve:
 *       while it waits, later orders with its SKU wait too.
 *   B3  0 <= left <= quantity, for every order line; what comes back was bought by the same customer.
 * Threads  one. Not here: the network, the journal, how an event is carried out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_BOOK_H
#define SOUK_CLIENT_REPLAY_BOOK_H

#include "client/cli/replay_events.h"
#include "client/cli/replay_shop.h"

#define BOOK_WINDOW_EVENTS 4096u /* how far ahead of the first open event others may begin */

enum book_state { BOOK_OPEN = 0, BOOK_RUNNING = 1, BOOK_DONE = 2 };

struct book_event {
    u8 state; /* enum book_state */
    u8 zero0;
    u16 status;   /* enum souk_status; OK: accepted */
    u32 returns;  /* of an order: returns there have been, so the number of the last one */
    i64 money;    /* of an order: captured; of a return: refunded */
    i64 units;    /* of a return: found; of a correction: taken out */
    i64 returned; /* of an order: units that came back, */
    i64 refunded; /* and their worth */
};

struct book_sku {
    u32 orders;    /* running ones with this SKU */
    u32 is_barred; /* a correction runs */
    u64 scan;      /* in this scan a correction waits */
};

/* Units that a return takes back from a line of an order. */
struct book_part {
    u32 order; /* event */
    u32 line;  /* of the plan */
    i64 units;
};

#define BOOK_REASONS_MAX 32u
struct book_totals {
    u64 accepted, refused, returns;
    i64 accepted_units, refused_units;
    i64 captured, refused_minor;
    i64 returned_units, unmatched_units, refunded;
    i64 adjusted_units, adjusted_beyond;
    struct {
        u64 orders;
        i64 units;
        u16 status;
    } reasons[BOOK_REASONS_MAX]; /* why orders were refused */
    u32 reason_count;
};

struct book {
    const struct replay_events *events;
    struct shop *shop;
    struct book_event *entries; /* as many as there are events */
    i64 *left;                  /* of each line of the plan */
    struct book_sku *skus;
    u64 scan;
    u32 first_open; /* every event before it is done */
    struct book_totals totals;
};

void book_init(struct book *book, const struct replay_events *events, struct shop *shop);
void book_deinit(struct book *book);

/* Events that may begin now, up to `most` of them, the earliest first: they are RUNNING afterwards.
 * Returns how many. */
u32 book_choose(struct book *book, u32 *events, u32 most);

/* What a return takes back: by order, the newest first, and by line. Sets *parts, to be freed; returns
 * how many. Nothing is changed. */
u32 book_parts_of(struct book *book, u32 event, struct book_part **parts);

/* An event is over. `value` is what was captured, refunded, or taken out. Returns NULL, or why that
 * does not fit. */
NODISCARD const char *book_end(struct book *book, u32 event, u16 status, i64 value);
/* Whether a frame of a journal that takes out units fits: NULL, or why not. */
const char *book_check_adjustment(const struct book *book, struct shop_item item);

bool book_is_complete(const struct book *book);

#endif
