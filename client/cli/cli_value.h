/* cli_value: how people write numbers, durations, factors, users and grants, and back.
 *
 *      count      7, 1000000                        decimal digits only
 *      duration   500ms  600s  10m  2h  1d  600     a bare number is seconds; result in ms
 *      id         32 hex digits                     the high half first
 *      token      CODE@ID                           a grant: its SKU's code, '@', its id
 *      user       alice  or  #00000000000000ff      a code (hashed as souk_id does), or a raw id;
 *                 guest:TOKEN                       a guest (hashed as souk_guest does)
 *      time       2d  or  2011-12-09T12:50:00       so long ago, or a date or time of UTC; result in ns
 *      factor     0.8  1  2.125                     at most six decimals, exact; or inf
 *      price      2.55  0.001  -11062.06            minor units, halves rounded away from zero
 *
 * A token is split at its last '@', so a code may contain one; what follows must be exactly 32 hex
 * digits. Nothing here uses floating point: a factor is a numerator over a million.
 *
 * Failure: every parser returns NULL, or the reason as a static text; then nothing was written.
 * Not here: currencies (proto/money.h), what is allowed for one command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_VALUE_H
#define SOUK_CLIENT_CLI_VALUE_H

#include "proto/base.h"
#include "proto/id.h"
#include "proto/limits.h"

#define VALUE_ID_DIGITS       32u
#define VALUE_TOKEN_BYTES_MAX (CODE_BYTES_MAX + 1 + VALUE_ID_DIGITS + 1)
#define VALUE_FACTOR_ONE      1000000ull
#define VALUE_FACTOR_INF      UINT64_MAX
#define VALUE_TIME_BYTES      32u
#define VALUE_DURATION_MS_MAX (366ull * 24 * 3600 * 1000)

/* A whole number in [min, max]; a leading '-' is accepted where min is negative. */
NODISCARD const char *value_parse_count(const char *text, i64 min, i64 max, i64 *count);
NODISCARD const char *value_parse_u64(const char *text, u64 *number);
NODISCARD const char *value_parse_duration(const char *text, u64 *ms);
NODISCARD const char *value_parse_id(const char *text, struct id128 *id);
NODISCARD const char *value_parse_user(const char *text, u64 *user);
/* A moment: a duration before `now_ns`, or a date of 1970 to 2261 with or without a time of day. */
NODISCARD const char *value_parse_time(const char *text, u64 now_ns, u64 *ns);
NODISCARD const char *value_parse_factor(const char *text, u64 *millionths);

struct value_token {
    char code[CODE_BYTES_MAX + 1];
    struct id128 id;
};
NODISCARD const char *value_parse_token(const char *text, struct value_token *token);
/* Whether the text ends like a token: '@' and 32 hex digits. */
bool value_looks_like_token(const char *text);

/* A price of a file as minor units with `digits` decimals. `is_positive` says whether the number as
 * written is above 0, which 0.001 is although it rounds to 0 pence. */
NODISCARD const char *value_parse_price(const char *text, size_t bytes, u32 digits, i64 *minor,
                                        bool *is_positive);

/* NULL, or why the text cannot be a code: 1 to 64 bytes of UTF-8 without control characters. */
NODISCARD const char *value_code_invalid(const char *text);

/* Writes 32 hex digits and a zero. `to` has VALUE_ID_DIGITS + 1 bytes. Returns `to`. */
char *value_print_id(struct id128 id, char *to);
/* "#" and 16 hex digits; `to` has 18 bytes. Returns `to`. */
char *value_print_user(u64 user, char *to);
/* "2011-12-09 12:50:00.123", UTC; `to` has VALUE_TIME_BYTES. Returns `to`. */
char *value_print_time(u64 ns, char *to);
/* "1,234,567"; `to` has at least 32 bytes. Returns `to`. */
char *value_print_grouped(i64 number, char *to);
/* "2d 3h", "10m 0s", "1.250 s", "3 ms"; `to` has at least 32 bytes. Returns `to`. */
char *value_print_duration(u64 ms, char *to);

#endif
