/* fuzz_csv: arbitrary bytes as a table, and as the values of its fields.
 *
 *   first byte   even: a CSV file; odd: one value (up to the first NUL), for every parser
 *   value only   8 + 8 bytes of bounds for counts, one byte for the decimals of a price
 *   rest         the text
 *
 * Every field must lie in the text and end with a zero, every position must be that of the original
 * text, after a refusal the reader must stand at the next line, and rows that were read must come
 * out of a second reading when they are written again. What a value parser refuses must leave its
 * result alone; what it takes must be printable back, and a price must be what long-hand says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli_value.h"
#include "client/cli/csv.h"
#include "tests/fuzz/fuzz.h"

#define CALLS_MAX 100000u

static void *copy_of(const void *data, size_t bytes, size_t extra)
{
    char *copy = malloc(bytes + extra);
    if (copy == NULL)
        PANIC("out of memory");
    if (bytes != 0)
        memcpy(copy, data, bytes);
    memset(copy + bytes, 0, extra);
    return copy;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Where a line begins, counted from 1; the end if there are fewer. */
static size_t line_offset(const char *text, size_t bytes, u64 line)
{
    size_t at = 0;
    for (u64 i = 1; i < line; i++) {
        const char *end = memchr(text + at, '\n', bytes - at);
        if (end == NULL)
            return bytes;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

static u32 column_of(const char *original, size_t offset, size_t mark_bytes)
{
    size_t start = offset;
    while (start > mark_bytes && original[start - 1] != '\n')
        start--;
    return (u32)(offset - start + 1);
}

static void check_row(const struct csv_reader *reader, const struct csv_row *row,
                      const char *original, size_t mark_bytes)
{
    MUST(row->field_count >= 1 && row->field_count <= CSV_FIELDS_MAX);
    for (u32 i = 0; i < row->field_count; i++) {
        const struct csv_field *field = &row->fields[i];
        const size_t offset = (size_t)(field->text - reader->text);
        MUST(offset + field->bytes <= reader->bytes);
        MUST(strlen(field->text) == field->bytes);
        MUST(field->column == column_of(original, offset, mark_bytes));
    }
}

/* Adds the row to `to`, every field in quotes. */
static size_t write_row(const struct csv_row *row, char *to)
{
    char *at = to;
    for (u32 i = 0; i < row->field_count; i++) {
        *at++ = i == 0 ? '"' : ',';
        if (i != 0)
            *at++ = '"';
        for (const char *c = row->fields[i].text; *c != '\0'; c++) {
            if (*c == '"')
                *at++ = '"';
            *at++ = *c;
        }
        *at++ = '"';
    }
    *at++ = '\n';
    return (size_t)(at - to);
}

static void check_again(const struct csv_row *row, struct csv_reader *again)
{
    struct csv_row second;
    MUST(csv_next(again, &second) == 1);
    MUST(second.field_count == row->field_count);
    for (u32 i = 0; i < row->field_count; i++)
        MUST(strcmp(second.fields[i].text, row->fields[i].text) == 0);
}

static void read_table(const u8 *data, size_t bytes)
{
    const char *original = (const char *)data;
    char *text = copy_of(data, bytes, 1);
    char *written = copy_of(NULL, 0, 4 * bytes + 8);
    const size_t mark_bytes = bytes >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, bytes);
    for (u32 calls = 0;; calls++) {
        const size_t before = reader.at;
        const u64 line = reader.line;
        MUST(calls < CALLS_MAX);
        const int result = csv_next(&reader, &row);
        if (result == 0)
            break;
        MUST(reader.at > before && reader.at <= bytes);
        MUST(reader.at == bytes || reader.at == line_offset(original, bytes, reader.line));
        if (result < 0) {
            MUST(reader.reason != NULL);
            MUST(reader.reason_line >= line);
            MUST(reader.reason_column >= 1 && reader.reason_column <= bytes + 1);
            MUST(reader.at == line_offset(original, bytes, reader.reason_line + 1));
            continue;
        }
        MUST(row.line == line);
        check_row(&reader, &row, original, mark_bytes);
        struct csv_reader again;
        csv_init(&again, written, write_row(&row, written));
        check_again(&row, &again);
    }
    MUST(reader.at == bytes);
    free(text);
    free(written);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void read_numbers(const char *text, i64 min, i64 max)
{
    const u64 untouched = 0x5555555555555555ull;
    i64 count = (i64)untouched;
    u64 number = untouched, ms = untouched, factor = untouched;
    const char *why_count = value_parse_count(text, min, max, &count);
    MUST(why_count != NULL ? count == (i64)untouched : count >= min && count <= max);
    const char *why_number = value_parse_u64(text, &number);
    MUST(IMPLIES(why_number != NULL, number == untouched));
    MUST(IMPLIES(why_count == NULL && count > 0, why_number == NULL && number == (u64)count));
    const char *why_ms = value_parse_duration(text, &ms);
    MUST(why_ms != NULL ? ms == untouched : ms <= VALUE_DURATION_MS_MAX);
    MUST(IMPLIES(why_ms == NULL && why_number == NULL, ms == number * 1000));
    const char *why_factor = value_parse_factor(text, &factor);
    MUST(IMPLIES(why_factor != NULL, factor == untouched));
    MUST(IMPLIES(why_factor == NULL && why_number == NULL, factor == number * VALUE_FACTOR_ONE));
    char printed[32];
    (void)value_print_grouped(count, printed);
    (void)value_print_duration(number, printed);
}

static void read_names(const char *text)
{
    struct id128 id = {1, 2}, id_again = {3, 4};
    u64 user = 3, user_again = 4;
    struct value_token token;
    char printed[VALUE_ID_DIGITS + 1], name[18];
    if (value_parse_id(text, &id) == NULL) {
        MUST(value_parse_id(value_print_id(id, printed), &id_again) == NULL);
        MUST(id128_equal(id, id_again));
    } else {
        MUST(id.low == 1 && id.high == 2);
    }
    if (value_parse_user(text, &user) == NULL) {
        MUST(value_parse_user(value_print_user(user, name), &user_again) == NULL);
        MUST(user == user_again);
    } else {
        MUST(user == 3);
    }
    memset(&token, 0x55, sizeof token);
    if (value_parse_token(text, &token) == NULL) {
        MUST(value_looks_like_token(text));
        MUST(value_code_invalid(token.code) == NULL);
        MUST(!id128_is_none(token.id));
        MUST(strncmp(text, token.code, strlen(token.code)) == 0);
        MUST(text[strlen(token.code)] == '@');
    } else {
        MUST(token.code[0] == 0x55 && token.code[CODE_BYTES_MAX] == 0x55);
    }
}

/* Long-hand: digits up to the wanted decimals, then the next one rounds. UINT64_MAX: not a number or
 * too large. */
static u64 price_of(const char *text, u32 digits)
{
    const char *point = strchr(text, '.');
    const size_t whole = point == NULL ? strlen(text) : (size_t)(point - text);
    const char *rest = point == NULL ? "" : point + 1;
    u64 value = 0;
    if (strspn(text, "0123456789") != whole || strspn(rest, "0123456789") != strlen(rest) ||
        whole + strlen(rest) == 0)
        return UINT64_MAX;
    for (size_t i = 0; i < whole + digits; i++) {
        const size_t after = i - whole;
        const char c = i < whole ? text[i] : after < strlen(rest) ? rest[after] : '0';
        value = value * 10 + (u64)(c - '0');
        if (value > (u64)PRICE_MAX)
            return UINT64_MAX;
    }
    value += strlen(rest) > digits && rest[digits] >= '5' ? 1 : 0;
    return value > (u64)PRICE_MAX ? UINT64_MAX : value;
}

static void read_price(const char *text, u32 digits)
{
    i64 minor = 0x5555;
    bool is_positive = false;
    const bool is_negative = text[0] == '-';
    const u64 expected = price_of(text + (is_negative ? 1 : 0), digits);
    const char *why = value_parse_price(text, strlen(text), digits, &minor, &is_positive);
    if (why != NULL) {
        MUST(expected == UINT64_MAX);
        MUST(minor == 0x5555);
        return;
    }
    MUST(minor == (is_negative ? -(i64)expected : (i64)expected));
    MUST(is_positive == (!is_negative && strpbrk(text, "123456789") != NULL));
}

static void read_value(struct fuzz_input input)
{
    const i64 a = (i64)fuzz_take(&input, 8), b = (i64)fuzz_take(&input, 8);
    const u32 digits = (u32)fuzz_take(&input, 1) % 5;
    char *text = copy_of(input.data, strnlen((const char *)input.data, input.left), 1);
    read_numbers(text, MIN(a, b), MAX(a, b));
    read_names(text);
    read_price(text, digits);
    free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct fuzz_input input = {data, bytes};
    if (bytes == 0)
        return 0;
    if (fuzz_take(&input, 1) % 2 == 0)
        read_table(input.data, input.left);
    else
        read_value(input);
    return 0;
}
