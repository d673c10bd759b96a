/* client_order: what names orders and what lies inside their records: ids and numbers, keys of
 * commands, guests, short texts, rows, names of states. See souk.h.
 *
 *      order id     high: user                low: milliseconds << 16 | random
 *      number       26 digits of 5 bits, the highest first (the first is at most 7), then the check
 *      check        the sum of digit x a^(26 - i) over the field of 32 elements, a^5 = a^2 + 1
 *
 * Crockford's own check symbol is a remainder of 37, so it needs *, ~, $, = and U; that is no good in
 * a shell or an address of the web. Here every place has another power of a as its weight, so any one
 * wrong digit and any two exchanged ones change the sum, and the check is a digit like the others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "client/lib/souk.h"
#include "proto/id.h"
#include "proto/messages.h"
#include "proto/saga.h"
#include "proto/text.h"

#define NUMBER_DIGITS  26u /* without the check */
#define NUMBER_GROUP   4u
#define NUMBER_BASE    32u
#define NUMBER_FIELD   0x25u /* a^5 + a^2 + 1 */
#define KEY_NUMBER_MAX 40u   /* of a number inside a key, dashes included */

STATIC_CHECK(SOUK_NUMBER_TEXT_MAX == NUMBER_DIGITS + 1 + NUMBER_DIGITS / NUMBER_GROUP + 1);
/* NUMBER . STEP . ATTEMPT, each of the last two up to ten digits. */
STATIC_CHECK(SOUK_KEY_TEXT_MAX >= SOUK_NUMBER_TEXT_MAX + 2 * 11);
STATIC_CHECK(SOUK_TEXT64_MAX == TEXT64_BYTES + 1);
STATIC_CHECK(sizeof(struct souk_text64) == sizeof(struct text64));

static const char alphabet[NUMBER_BASE + 1] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- ids and numbers ---- */

uint64_t souk_guest(const char *token)
{
    return id_from_code(token, strlen(token)) | ID_GUEST_BIT;
}

struct souk_id128 souk_order_new(uint64_t user_id)
{
    return (struct souk_id128){.high = user_id, .low = souk_new_id().high};
}

/* One more digit of the sum that makes the check. */
static u32 add_digit(u32 sum, u32 digit)
{
    const u32 next = (sum ^ digit) << 1;
    return next >= NUMBER_BASE ? next ^ NUMBER_FIELD : next;
}

const char *souk_order_number(struct souk_id128 order, char *to)
{
    u32 digits[NUMBER_DIGITS + 1];
    u32 sum = 0;
    u32 at = 0;
    for (u32 i = NUMBER_DIGITS; i-- > 0;) {
        digits[i] = (u32)(order.low % NUMBER_BASE);
        order.low = order.low >> 5 | order.high << 59;
        order.high >>= 5;
    }
    for (u32 i = 0; i < NUMBER_DIGITS; i++)
        sum = add_digit(sum, digits[i]);
    digits[NUMBER_DIGITS] = sum;
    for (u32 i = 0; i <= NUMBER_DIGITS; i++) {
        if (i != 0 && i % NUMBER_GROUP == 0)
            to[at++] = '-';
        to[at++] = alphabet[digits[i]];
    }
    MUST(at == SOUK_NUMBER_TEXT_MAX - 1);
    to[at] = '\0';
    return to;
}

/* The digit that a character stands for, NUMBER_BASE where it stands for none. */
static u32 digit_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    for (u32 i = 0; i < NUMBER_BASE; i++)
        if (alphabet[i] == c)
            return i;
    return NUMBER_BASE;
}

int souk_order_number_parse(const char *text, struct souk_id128 *order)
{
    struct souk_id128 id = {0, 0};
    u32 count = 0;
    u32 sum = 0;
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == ' ')
            continue;
        const u32 digit = digit_of(*text);
        if (digit == NUMBER_BASE || count > NUMBER_DIGITS || (count == 0 && digit > 7))
            return SOUK_ERROR_ARGUMENT;
        if (count++ == NUMBER_DIGITS) {
            sum ^= digit;
            continue;
        }
        sum = add_digit(sum, digit);
        id.high = id.high << 5 | id.low >> 59;
        id.low = id.low << 5 | digit;
    }
    if (count != NUMBER_DIGITS + 1 || sum != 0 || (id.low | id.high) == 0)
        return SOUK_ERROR_ARGUMENT;
    *order = id;
    return 0;
}

/* ---- keys of commands ---- */

const char *souk_command_key(struct souk_id128 order, uint32_t step, uint32_t attempt, char *to)
{
    char number[SOUK_NUMBER_TEXT_MAX];
    (void)snprintf(to, SOUK_KEY_TEXT_MAX, "%s.%u.%u", souk_order_number(order, number), step,
                   attempt);
    return to;
}

/* A '.' and a number as souk_command_key writes it; moves *text behind it. */
static bool take_number(const char **text, u32 *number)
{
    const char *at = *text;
    u64 value = 0;
    if (*at++ != '.' || *at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9'))
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (u64)(*at - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *text = at;
    *number = (u32)value;
    return true;
}

int souk_command_key_parse(const char *text, struct souk_id128 *order, uint32_t *step,
                           uint32_t *attempt)
{
    char number[KEY_NUMBER_MAX + 1];
    const size_t bytes = strcspn(text, ".");
    struct souk_id128 id;
    u32 values[2];
    if (bytes > KEY_NUMBER_MAX)
        return SOUK_ERROR_ARGUMENT;
    memcpy(number, text, bytes);
    number[bytes] = '\0';
    const char *rest = text + bytes;
    if (souk_order_number_parse(number, &id) != 0 || !take_number(&rest, &values[0]) ||
        !take_number(&rest, &values[1]) || *rest != '\0')
        return SOUK_ERROR_ARGUMENT;
    *order = id;
    *step = values[0];
    *attempt = values[1];
    return 0;
}

/* ---- short texts and rows ---- */

struct souk_text64 souk_text64_of(const char *string)
{
    struct souk_text64 text = {{0}};
    size_t bytes = string == NULL ? 0 : strlen(string);
    if (bytes > sizeof text.bytes) {
        bytes = sizeof text.bytes;
        while (bytes > 0 && ((u8)string[bytes] & 0xC0) == 0x80)
            bytes--;
    }
    if (bytes != 0)
        memcpy(text.bytes, string, bytes);
    return text;
}

const char *souk_text64_print(const struct souk_text64 *text, char *to)
{
    (void)snprintf(to, SOUK_TEXT64_MAX, "%.*s", (int)sizeof text->bytes, (const char *)text->bytes);
    return to;
}

int souk_row_at(struct souk_text rows, size_t row_bytes, uint32_t index, void *row)
{
    if (row_bytes == 0 || index >= rows.bytes / row_bytes)
        return 0;
    memcpy(row, rows.data + (size_t)index * row_bytes, row_bytes);
    return 1;
}

int souk_rows(struct souk_text rows, size_t row_bytes, uint32_t *count)
{
    if (row_bytes == 0 || rows.bytes % row_bytes != 0)
        return SOUK_ERROR_ARGUMENT;
    *count = (u32)(rows.bytes / row_bytes);
    return 0;
}

struct souk_text souk_rows_of(const void *rows, size_t row_bytes, uint32_t count)
{
    const u64 bytes = (u64)row_bytes * count;
    return (struct souk_text){.data = rows, .bytes = (u32)MIN(bytes, UINT32_MAX)};
}

/* ---- names ---- */

const char *souk_state_name(uint16_t state)
{
    return saga_state_name(state);
}

int souk_state_is_resting(uint16_t state)
{
    const struct saga_state_info *info = saga_state_find(state);
    return info != NULL && info->kind == SAGA_KIND_RESTING;
}

const char *souk_summary_name(uint16_t summary)
{
    return order_summary_name(summary);
}

const char *souk_history_name(uint16_t kind)
{
    return order_event_name(kind);
}

const char *souk_history_words(uint16_t kind)
{
    return order_event_words(kind);
}

#define NAME_OF(number, ...)                                             \
    do {                                                                 \
        static const char *const names[] = {__VA_ARGS__};                \
        return (number) < ARRAY_COUNT(names) ? names[number] : names[0]; \
    } while (0)

const char *souk_command_kind_name(uint16_t kind)
{
    NAME_OF(kind, "?", "authorize", "capture", "void", "refund", "query", "notify shipped");
}

const char *souk_command_state_name(uint16_t state)
{
    NAME_OF(state, "?", "ready", "leased", "waiting", "done", "dead", "taken back");
}

const char *souk_event_name(uint16_t kind)
{
    NAME_OF(kind, "?", "authorized", "declined", "action", "captured", "capture-failed", "voided",
            "void-failed", "refunded", "refund-failed", "charged-back", "auth-expired", "unknown",
            "no-such-payment");
}

const char *souk_effect_name(uint16_t effect)
{
    NAME_OF(effect, "?", "applied", "seen before", "stale", "flagged", "late: taken again",
            "late: given back");
}

const char *souk_tender_state_name(uint16_t state)
{
    NAME_OF(state, "?", "waiting", "authorized", "declined", "action required", "unknown", "voided",
            "expired", "held", "spent", "released");
}
