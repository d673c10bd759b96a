/* replay_audit: what the server says of the orders of a replay, against the replay's own book.
 *
 *      outbox empty (the provider has answered everything) -> every order is read whole -> stuck lists
 *
 * The sums of captured and refunded money in the report are those of the server's ledgers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_AUDIT_H
#define SOUK_CLIENT_REPLAY_AUDIT_H

#include "client/cli/replay_run.h"

#define AUDIT_STATES 18u /* of enum souk_state */

struct audit {
    u64 orders;      /* read */
    u64 wrong;       /* that differ from the book, each told on stderr */
    u64 not_at_rest; /* in another state than PAID, SHIPPED, DELIVERED, CANCELLED */
    u64 stuck;       /* in the stuck lists, whoever's */
    u64 commands;    /* of the outbox that are not done, whoever's */
    u64 returned;    /* delivered, and all of it came back */
    u64 states[AUDIT_STATES];
    i64 captured;
    i64 refunded;
};

/* Returns an exit code; the error has been printed. */
NODISCARD int audit_orders(struct run *run, struct audit *audit);
bool audit_is_sound(const struct audit *audit);

#endif
