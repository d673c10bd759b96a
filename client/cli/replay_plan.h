/* replay_plan: a file of sales as lines and SKUs, classified. The rules are in docs/replay.md.
 *
 *      file (.csv, .csv.xz, stdin) -> text in memory -> rows -> lines in time order
 *                                                            -> SKUs, each with its chain of lines
 *
 * A plan depends on the file and the stock factor alone, so a replay that was killed makes the same
 * plan again: lines and SKUs are numbered by their order in the file, and `digest` names its bytes.
 *
 * Ownership  the plan owns all; titles, invoices and customers point into its text.
 * Failure    a bad row ends the loading: every bad row (ten at most) is told as file:line:column
 *            with the reason, and nothing has been sent to anybody.
 * Not here   no server, no journal, no outcome.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_PLAN_H
#define SOUK_CLIENT_REPLAY_PLAN_H

#include <stdio.h>

#include "client/lib/souk.h"
#include "proto/base.h"

#define REPLAY_NONE       UINT32_MAX
#define REPLAY_CODE_BYTES 7u /* five digits, up to two letters */
#define REPLAY_CURRENCY   826u
#define REPLAY_DIGITS     2u

enum replay_rule {
    REPLAY_RULE_SALE,
    REPLAY_RULE_CANCELLATION,
    REPLAY_RULE_CORRECTION,
    REPLAY_RULE_UNPRICED,
    REPLAY_RULE_CHARGE,
    REPLAY_RULE_COUNT
};

struct replay_line {
    const char *invoice;  /* as written */
    const char *customer; /* without blanks and decimals; "" = a guest */
    i64 time;             /* YYYYMMDDhhmmss */
    i64 quantity;         /* units, above 0, but for charges */
    i64 price;            /* minor units for one */
    u32 sku;              /* REPLAY_NONE for a charge */
    u32 next;             /* the SKU's next line that moves stock */
    u32 file_line;
    u8 rule; /* enum replay_rule */
    u8 is_negative;
    u8 zero0[2];
};

struct replay_sku {
    char code[REPLAY_CODE_BYTES + 1];
    struct souk_text title; /* first description that is not blank */
    struct souk_resource resource;
    i64 price;        /* of its first sale; 0 without one */
    i64 sale_units;   /* what the file sells */
    i64 remove_units; /* what corrections take out */
    i64 receive;      /* units to receive before the first line */
    u32 first_line;   /* chain of lines that move stock */
    u32 last_line;
};

struct replay_plan {
    char *text;
    size_t text_bytes;
    u64 digest;
    struct replay_line *lines; /* in time order */
    u32 line_count;
    u32 line_capacity;
    struct replay_sku *skus; /* in the order in which the file names them */
    u32 sku_count;
    u32 sku_capacity;
    u32 *sku_slots; /* open addressing over souk_id(code) */
    u32 slot_count; /* a power of two */
    u64 rule_lines[REPLAY_RULE_COUNT];
    u64 rule_units[REPLAY_RULE_COUNT];
    i64 sale_revenue; /* of all sales of the file, minor units */
    i64 receive_units;
};

/* Reads and classifies `path` ("-" is stdin, *.xz goes through xz). `factor` is in millionths, or
 * VALUE_FACTOR_INF. Errors go to `errors`. Returns false on failure; close in both cases. */
NODISCARD bool replay_plan_load(struct replay_plan *plan, const char *path, u64 factor,
                                FILE *errors);
/* The same for a text in memory, which the plan takes over; text[bytes] is writable. */
NODISCARD bool replay_plan_parse(struct replay_plan *plan, char *text, size_t bytes,
                                 const char *name, u64 factor, FILE *errors);
void replay_plan_close(struct replay_plan *plan);

/* "sale", "cancellation", ... */
const char *replay_rule_name(enum replay_rule rule);

#endif
