/* replay_report: what a replay did: the table, the JSON object, the files per SKU and per line, and
 * the comparison of the replay's books with the server's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_REPORT_H
#define SOUK_CLIENT_REPLAY_REPORT_H

#include "client/cli/replay_run.h"

/* Compares what this replay knows of each SKU that it created with what the server says of it.
 * *wrong counts the SKUs that differ, each of them told on stderr. */
NODISCARD int report_check_books(struct run *run, u64 *checked, u64 *wrong);

/* Prints the table or the JSON object, with the result of `verify` in it. */
void report_print(struct run *run, const char *file, u64 books_checked, u64 books_wrong,
                  json_t *verify);

/* CSV files; "false" after a message. */
bool report_write_skus(struct run *run, const char *path);
bool report_write_lines(struct run *run, const char *path);

#endif
