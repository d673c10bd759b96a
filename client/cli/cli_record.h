/* cli_record: replies and rows as JSON, from the field tables of proto/messages.h and proto/rows.h.
 *
 *      {"state": "PAID", "reason": null, "is_settled": true, "total": 1300, ...}
 *
 * One rule for every operation, so that an operation or field that is added is printed without a line
 * here: the name of a field is its key. What the values look like:
 *
 *      numbers, times       as they are: minor units of money, ns since 1970
 *      ids                  "#" and 16 hex digits, as users and names are typed; null for none
 *      orders               their number; null for none
 *      states, kinds        words, as docs/orders.md and the fields' comments have them
 *      currency             "GBP"
 *      tables               arrays of objects
 *
 * Ownership  returns a new reference.
 * Not here   words for people, names of ids: the verbs add those.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_RECORD_H
#define SOUK_CLIENT_CLI_RECORD_H

#include <jansson.h>

#include "client/lib/souk.h"
#include "proto/messages.h"

/* A public reply struct of an operation, without its status. */
json_t *record_reply(u16 op, const void *reply);
/* A table: an array of its rows. `name` as in proto/rows.def. */
json_t *record_rows(const char *name, struct souk_text rows);
/* "#0123456789abcdef", or null for 0. */
json_t *record_id(u64 id);
/* An order's number, or null for none. */
json_t *record_order(struct souk_id128 order);

/* Words of numbers, "?" for one that has none. */
const char *record_cart_state(u16 state);
const char *record_merge_strategy(u16 strategy);
const char *record_pour_outcome(u16 outcome);
const char *record_promotion_kind(u16 kind);
const char *record_cancel_reason(u16 reason);

#endif
