/* money: the currency table, parsing and printing. See proto/money.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/money.h"

#include <stdio.h>
#include <string.h>

#include "proto/limits.h"

/* By number. */
static const struct currency_info table[] = {
    {36, 2, "AUD"},  {48, 3, "BHD"},  {124, 2, "CAD"}, {152, 0, "CLP"}, {156, 2, "CNY"},
    {203, 2, "CZK"}, {208, 2, "DKK"}, {344, 2, "HKD"}, {348, 2, "HUF"}, {352, 0, "ISK"},
    {356, 2, "INR"}, {360, 2, "IDR"}, {376, 2, "ILS"}, {392, 0, "JPY"}, {400, 3, "JOD"},
    {410, 0, "KRW"}, {414, 3, "KWD"}, {458, 2, "MYR"}, {484, 2, "MXN"}, {504, 2, "MAD"},
    {512, 3, "OMR"}, {554, 2, "NZD"}, {578, 2, "NOK"}, {608, 2, "PHP"}, {682, 2, "SAR"},
    {702, 2, "SGD"}, {704, 0, "VND"}, {710, 2, "ZAR"}, {752, 2, "SEK"}, {756, 2, "CHF"},
    {764, 2, "THB"}, {784, 2, "AED"}, {788, 3, "TND"}, {818, 2, "EGP"}, {826, 2, "GBP"},
    {840, 2, "USD"}, {901, 2, "TWD"}, {946, 2, "RON"}, {949, 2, "TRY"}, {975, 2, "BGN"},
    {978, 2, "EUR"}, {980, 2, "UAH"}, {985, 2, "PLN"}, {986, 2, "BRL"},
};

const struct currency_info *currency_find(u16 number)
{
    const struct currency_info *low = table;
    for (size_t count = ARRAY_COUNT(table); count > 1;) { /* ends: half of it each time */
        const size_t half = count / 2;
        low += low[half].number <= number ? half : 0;
        count -= half;
    }
    return low->number == number ? low : NULL;
}

const struct currency_info *currency_find_letters(const char *letters)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (strcmp(table[i].letters, letters) == 0)
            return &table[i];
    return NULL;
}

const char *money_parse(const char *text, const struct currency_info *currency, i64 *minor)
{
    const bool is_negative = *text == '-';
    const char *at = text + (is_negative ? 1 : 0);
    i64 value = 0;
    u32 digits = 0, decimals = 0;
    bool seen_point = false;
    for (; *at != '\0'; at++) {
        if (*at == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            return "not a number";
        if (seen_point && ++decimals > currency->digits)
            return "more decimal digits than the currency has";
        value = value * 10 + (*at - '0');
        digits++;
        if (value > PRICE_MAX)
            return "too large";
    }
    if (digits == 0)
        return "not a number";
    for (; decimals < currency->digits; decimals++) {
        value *= 10;
        if (value > PRICE_MAX)
            return "too large";
    }
    *minor = is_negative ? -value : value;
    return NULL;
}

char *money_print(struct money amount, char *to, size_t bytes)
{
    const struct currency_info *currency = currency_find(amount.currency);
    if (currency == NULL) {
        (void)snprintf(to, bytes, "%lld (currency %u)", (long long)amount.minor, amount.currency);
        return to;
    }
    u64 unit = 1;
    for (u32 i = 0; i < currency->digits; i++)
        unit *= 10;
    const bool is_negative = amount.minor < 0;
    const u64 value = is_negative ? 0 - (u64)amount.minor : (u64)amount.minor;
    if (currency->digits == 0)
        (void)snprintf(to, bytes, "%s%llu %s", is_negative ? "-" : "", (unsigned long long)value,
                       currency->letters);
    else
        (void)snprintf(to, bytes, "%s%llu.%0*llu %s", is_negative ? "-" : "",
                       (unsigned long long)(value / unit), currency->digits,
                       (unsigned long long)(value % unit), currency->letters);
    return to;
}
