/* cli_value: see client/cli/cli_value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/cli_value.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/text.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Digits from *at on, as many as there are; moves *at. False when there are none or too many. */
static bool read_digits(const char **at, u64 *number)
{
    u64 value = 0;
    if (!is_digit(**at))
        return false;
    for (; is_digit(**at); (*at)++) {
        const u64 digit = (u64)(**at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

const char *value_parse_u64(const char *text, u64 *number)
{
    const char *at = text;
    u64 value;
    if (!read_digits(&at, &value) || *at != '\0')
        return "is not a whole number";
    *number = value;
    return NULL;
}

const char *value_parse_count(const char *text, i64 min, i64 max, i64 *count)
{
    MUST(min <= max);
    const bool is_negative = *text == '-';
    const char *at = text + (is_negative ? 1 : 0);
    u64 value;
    if (!is_digit(*at))
        return "is not a whole number";
    if (!read_digits(&at, &value))
        return "is out of range";
    if (*at != '\0')
        return "is not a whole number";
    if (value > INT64_MAX)
        return "is out of range";
    const i64 number = is_negative ? -(i64)value : (i64)value;
    if (number < min || number > max)
        return "is out of range";
    *count = number;
    return NULL;
}

const char *value_parse_duration(const char *text, u64 *ms)
{
    static const struct {
        const char *suffix;
        u64 ms;
    } units[] = {{"", 1000},     {"s", 1000},    {"ms", 1},      {"m", 60000},
                 {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *at = text;
    u64 value;
    if (!read_digits(&at, &value))
        return "is not a duration such as 600s, 10m, 2h or 500ms";
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (strcmp(at, units[i].suffix) != 0)
            continue;
        if (value > VALUE_DURATION_MS_MAX / units[i].ms)
            return "is longer than a year";
        *ms = value * units[i].ms;
        return NULL;
    }
    return "is not a duration such as 600s, 10m, 2h or 500ms";
}

/* Sixteen hex digits. */
static bool read_half(const char *text, u64 *half)
{
    u64 value = 0;
    for (u32 i = 0; i < 16; i++) {
        const int digit = hex_value(text[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (u64)digit;
    }
    *half = value;
    return true;
}

const char *value_parse_id(const char *text, struct id128 *id)
{
    struct id128 value;
    if (strlen(text) != VALUE_ID_DIGITS || !read_half(text, &value.high) ||
        !read_half(text + 16, &value.low))
        return "is not an id of 32 hex digits";
    if (id128_is_none(value))
        return "is the id 0, which names nothing";
    *id = value;
    return NULL;
}

const char *value_parse_user(const char *text, u64 *user)
{
    static const char guest[] = "guest:";
    const size_t guest_bytes = sizeof guest - 1;
    if (strncmp(text, guest, guest_bytes) == 0) {
        const char *token = text + guest_bytes;
        if (*token == '\0')
            return "has no token behind guest:";
        *user = id_from_code(token, strlen(token)) | ID_GUEST_BIT;
        return NULL;
    }
    if (*text == '\0')
        return "is empty";
    if (*text != '#') {
        *user = id_from_code(text, strlen(text));
        return NULL;
    }
    if (strlen(text) != 17 || !read_half(text + 1, user))
        return "is not '#' and 16 hex digits";
    return NULL;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static u64 days_of(u64 year, u64 month, u64 day)
{
    /* The year begins in March here, so the leap day is its last one. */
    const u64 y = month <= 2 ? year - 1 : year;
    const u64 m = month <= 2 ? month + 9 : month - 3;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 719469;
}

/* `count` digits and then `end` (0: nothing more); moves *at behind both. */
static bool read_part(const char **at, u32 count, char end, u64 *number)
{
    const char *from = *at;
    if (!read_digits(at, number) || *at != from + count || (end != 0 && **at != end))
        return false;
    *at += end != 0 ? 1 : 0;
    return true;
}

/* "12:50", "12:50:00", with or without Z. */
static bool read_clock(const char **at, u64 *seconds)
{
    u64 hour, minute, second = 0;
    if (!read_part(at, 2, ':', &hour) || !read_part(at, 2, 0, &minute))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!read_part(at, 2, 0, &second))
            return false;
    }
    *at += **at == 'Z' ? 1 : 0;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

const char *value_parse_time(const char *text, u64 now_ns, u64 *ns)
{
    static const u64 lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char wrong[] = "is not a time such as 2d (ago), 2011-12-09 or 2011-12-09T12:50:00";
    const char *at = text;
    u64 ms, year, month, day, seconds = 0;
    if (value_parse_duration(text, &ms) == NULL) {
        *ns = now_ns > ms * NS_PER_MS ? now_ns - ms * NS_PER_MS : 0;
        return NULL;
    }
    if (!read_part(&at, 4, '-', &year) || !read_part(&at, 2, '-', &month) ||
        !read_part(&at, 2, 0, &day))
        return wrong;
    if (*at == 'T' || *at == ' ') {
        at++;
        if (!read_clock(&at, &seconds))
            return wrong;
    }
    if (*at != '\0' || year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1)
        return wrong;
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && is_leap ? 1 : 0))
        return wrong;
    *ns = (days_of(year, month, day) * 86400 + seconds) * NS_PER_S;
    return NULL;
}

char *value_print_time(u64 ns, char *to)
{
    const time_t seconds = (time_t)(ns / NS_PER_S);
    struct tm parts;
    char day[24];
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        day[0] = '\0';
    (void)snprintf(to, VALUE_TIME_BYTES, "%s.%03u", day, (u32)(ns % NS_PER_S / NS_PER_MS));
    return to;
}

const char *value_parse_factor(const char *text, u64 *millionths)
{
    if (strcmp(text, "inf") == 0) {
        *millionths = VALUE_FACTOR_INF;
        return NULL;
    }
    const char *at = text;
    u64 whole, fraction = 0;
    if (!read_digits(&at, &whole) || whole > 1000000)
        return "is not a factor such as 0.8, or inf";
    if (*at == '.') {
        u64 scale = VALUE_FACTOR_ONE / 10;
        for (at++; is_digit(*at); at++, scale /= 10) {
            if (scale == 0)
                return "has more than six decimals";
            fraction += scale * (u64)(*at - '0');
        }
    }
    if (*at != '\0')
        return "is not a factor such as 0.8, or inf";
    *millionths = whole * VALUE_FACTOR_ONE + fraction;
    return NULL;
}

bool value_looks_like_token(const char *text)
{
    const size_t bytes = strlen(text);
    u64 half;
    if (bytes <= VALUE_ID_DIGITS || text[bytes - VALUE_ID_DIGITS - 1] != '@')
        return false;
    const char *id = text + bytes - VALUE_ID_DIGITS;
    return read_half(id, &half) && read_half(id + 16, &half);
}

const char *value_code_invalid(const char *text)
{
    const size_t bytes = strlen(text);
    if (bytes == 0)
        return "is empty";
    if (bytes > CODE_BYTES_MAX)
        return "is longer than 64 bytes";
    return text_invalid((const u8 *)text, (u32)bytes, false) == NULL
               ? NULL
               : "is not UTF-8 text without control characters";
}

const char *value_parse_token(const char *text, struct value_token *token)
{
    if (!value_looks_like_token(text))
        return "is not a token CODE@ID, as take --id and hold print it";
    const size_t code_bytes = strlen(text) - VALUE_ID_DIGITS - 1;
    struct value_token value;
    if (code_bytes == 0 || code_bytes > CODE_BYTES_MAX)
        return "has no code of 1 to 64 bytes before the '@'";
    memcpy(value.code, text, code_bytes);
    value.code[code_bytes] = '\0';
    const char *reason = value_code_invalid(value.code);
    if (reason == NULL)
        reason = value_parse_id(text + code_bytes + 1, &value.id);
    if (reason == NULL)
        *token = value;
    return reason;
}

const char *value_parse_price(const char *text, size_t bytes, u32 digits, i64 *minor,
                              bool *is_positive)
{
    size_t at = 0;
    const bool is_negative = bytes > 0 && text[0] == '-';
    u64 value = 0;
    u32 decimals = 0, round_digit = 0, digit_count = 0;
    bool seen_point = false, seen_nonzero = false;
    for (at = is_negative ? 1 : 0; at < bytes; at++) {
        if (text[at] == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (!is_digit(text[at]))
            return "is not a decimal number";
        const u32 digit = (u32)(text[at] - '0');
        digit_count++;
        seen_nonzero |= digit != 0;
        if (seen_point && ++decimals > digits) {
            if (decimals == digits + 1)
                round_digit = digit;
            continue;
        }
        value = value * 10 + digit;
        if (value > (u64)PRICE_MAX)
            return "is too large";
    }
    if (digit_count == 0)
        return "is not a decimal number";
    for (; decimals < digits && value <= (u64)PRICE_MAX; decimals++)
        value *= 10;
    value += round_digit >= 5 ? 1 : 0;
    if (value > (u64)PRICE_MAX)
        return "is too large";
    *minor = is_negative ? -(i64)value : (i64)value;
    *is_positive = seen_nonzero && !is_negative;
    return NULL;
}

char *value_print_id(struct id128 id, char *to)
{
    (void)snprintf(to, VALUE_ID_DIGITS + 1, "%016llx%016llx", (unsigned long long)id.high,
                   (unsigned long long)id.low);
    return to;
}

char *value_print_user(u64 user, char *to)
{
    (void)snprintf(to, 18, "#%016llx", (unsigned long long)user);
    return to;
}

char *value_print_grouped(i64 number, char *to)
{
    char digits[24];
    const u64 size = number < 0 ? 0 - (u64)number : (u64)number;
    const int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
    char *at = to;
    if (number < 0)
        *at++ = '-';
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return to;
}

char *value_print_duration(u64 ms, char *to)
{
    const unsigned long long s = ms / 1000;
    if (ms < 1000)
        (void)snprintf(to, 32, "%llu ms", (unsigned long long)ms);
    else if (s < 60)
        (void)snprintf(to, 32, "%llu.%03llu s", s, (unsigned long long)(ms % 1000));
    else if (s < 3600)
        (void)snprintf(to, 32, "%llum %llus", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(to, 32, "%lluh %llum", s / 3600, s / 60 % 60);
    else
        (void)snprintf(to, 32, "%llud %lluh", s / 86400, s / 3600 % 24);
    return to;
}
