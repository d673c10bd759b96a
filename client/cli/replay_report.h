/* replay_report: what a replay did: the table, the JSON object, the files per SKU and per line, and
 * the comparison of the replay's books with the server's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_REPORT_H
#define SOUK_CLIENT_REPLAY_REPORT_H

#include "client/cli/replay_audit.h"
#include "client/cli/replay_run.h"

/* What was found out when all was done. */
struct report_facts {
    u64 books_checked;
    u64 books_wrong;
    json_t *verify;     /* taken over by the one who prints */
    struct audit audit; /* as orders */
};

/* Compares what this replay knows of each SKU that it created with what the server says of it.
 * *wrong counts the SKUs that differ, each of them told on stderr. */
NODISCARD int report_check_books(struct run *run, u64 *checked, u64 *wrong);

/* Prints the table or the JSON object of a replay as takes. */
void report_print(struct run *run, const char *file, const struct report_facts *facts);

/* CSV files; "false" after a message. */
bool report_write_skus(struct run *run, const char *path);
bool report_write_lines(struct run *run, const char *path);

/* ---- as orders (replay_report_orders.c) ---- */

void report_orders_print(struct run *run, const char *file, const struct report_facts *facts);
bool report_orders_write_skus(struct run *run, const char *path);
bool report_orders_write_lines(struct run *run, const char *path);
bool report_orders_write_invoices(struct run *run, const char *path);

/* ---- what both are made of (replay_report.c) ---- */

FILE *report_open_file(const char *path); /* NULL after a message */
bool report_close_file(FILE *file, const char *path);
void report_set_count(json_t *object, const char *name, i64 count);
double report_seconds(const struct run *run);
void report_print_row(const char *name, u64 lines, i64 units, const char *note);
/* Books and verify, at the end of the table. */
void report_print_proof(const struct report_facts *facts);
void report_set_proof(json_t *object, const struct report_facts *facts);

#endif
