/* money: an amount in minor units and its currency, and how people write it.
 *
 * Currencies are ISO 4217 numbers (826 = GBP); the table has the number, the three letters and how
 * many decimal digits the minor unit has. Arithmetic on amounts stays with whoever owns the rule;
 * no floating point anywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_MONEY_H
#define SOUK_PROTO_MONEY_H

#include "proto/base.h"

struct money {
    i64 minor;
    u16 currency; /* ISO 4217 number */
};

struct currency_info {
    u16 number;
    u8 digits; /* of the minor unit: 2 for GBP, 0 for JPY, 3 for KWD */
    char letters[4];
};

/* NULL where the currency is not known. */
const struct currency_info *currency_find(u16 number);
const struct currency_info *currency_find_letters(const char *letters);

/* Parses "2.55" or "-0.5" or "7" as an amount of `currency`. Returns NULL and sets *minor, or the
 * reason why not: more digits than the currency has, no digits, too large. */
const char *money_parse(const char *text, const struct currency_info *currency, i64 *minor);

/* "2.55 GBP"; a currency that is not known prints as its number. `bytes` of at least 40 suffice.
 * Returns `to`. */
char *money_print(struct money amount, char *to, size_t bytes);

#endif
