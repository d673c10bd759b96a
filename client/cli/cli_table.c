/* cli_table: see client/cli/cli_table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/cli_table.h"

#include <string.h>

#include "client/cli/cli_value.h"
#include "client/cli/cli_width.h"
#include "client/lib/souk.h"

#define COLUMNS_MAX 32u
#define NAME_BYTES  32u
#define CELL_BYTES  256u
#define GAP_CELLS   2u /* between columns */
#define CUT_CELLS   5u /* a column that is cut has so many at least */

enum column_form { COLUMN_PLAIN, COLUMN_MONEY, COLUMN_TIME };

struct column {
    char name[NAME_BYTES];
    char title[NAME_BYTES];
    enum column_form form;
    bool is_optional;
    bool is_right;
    bool
        is_cuttable; /* not of numbers, money or times alone: what is cut of those says something else */
    size_t width;
};

struct table {
    const char *currency;
    bool is_lines; /* a value may have several */
    u32 count;
    struct column columns[COLUMNS_MAX];
};

/* "GBP" is the number that money is printed by. */
static u16 currency_of(const json_t *row, const char *given)
{
    const char *own = json_string_value(json_object_get(row, "currency"));
    return souk_currency(own != NULL ? own : given != NULL ? given : "");
}

/* Minor units, with the currency only where a table has no other place for it. */
static void print_money(i64 minor, u16 currency, char *to, size_t bytes)
{
    char text[SOUK_MONEY_TEXT_MAX];
    if (currency == 0) {
        (void)snprintf(to, bytes, "%lld", (long long)minor);
        return;
    }
    (void)souk_money_print(minor, currency, text, sizeof text);
    (void)snprintf(to, bytes, "%.*s", (int)strcspn(text, " "), text);
}

static void print_list(const json_t *list, char *to, size_t bytes)
{
    size_t at = 0, index;
    json_t *value;
    to[0] = '\0';
    json_array_foreach(list, index, value)
    {
        const char *word = json_string_value(value);
        const int count = snprintf(to + at, bytes - at, "%s%s", index == 0 ? "" : ", ",
                                   word == NULL ? "?" : word);
        at = MIN(at + (size_t)MAX(count, 0), bytes - 1);
    }
}

/* A text of several lines on one. */
static void print_flat(const char *text, char *to, size_t bytes)
{
    size_t at = 0;
    for (; *text != '\0' && at + 4 < bytes; text++) {
        if (*text != '\n')
            to[at++] = *text;
        else if (text[1] != '\0')
            at += (size_t)snprintf(to + at, bytes - at, " > ");
    }
    to[at] = '\0';
}

static const char *print_cell(const struct table *table, const struct column *column,
                              const json_t *row, char *to, size_t bytes)
{
    const json_t *value = json_object_get(row, column->name);
    const i64 number = (i64)json_integer_value(value);
    const char *text = json_string_value(value);
    if (text != NULL && (table->is_lines || strchr(text, '\n') == NULL))
        return text;
    if (text != NULL)
        print_flat(text, to, bytes);
    else if (json_is_array(value))
        print_list(value, to, bytes);
    else if (json_is_boolean(value))
        (void)snprintf(to, bytes, "%s", json_is_true(value) ? "yes" : "no");
    else if (!json_is_integer(value))
        (void)snprintf(to, bytes, "-");
    else if (column->form == COLUMN_MONEY)
        print_money(number, currency_of(row, table->currency), to, bytes);
    else if (column->form == COLUMN_TIME && number == 0)
        (void)snprintf(to, bytes, "-");
    else if (column->form == COLUMN_TIME && bytes >= VALUE_TIME_BYTES)
        (void)value_print_time((u64)number, to);
    else
        (void)snprintf(to, bytes, "%lld", (long long)number);
    return to;
}

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static void copy_part(char to[NAME_BYTES], const char *from, size_t bytes)
{
    MUST(bytes < NAME_BYTES); /* the lists of columns are ours */
    memcpy(to, from, bytes);
    to[bytes] = '\0';
}

/* Reads one entry of the list of columns; moves *text behind it. */
static struct column read_column(const char **text)
{
    struct column column = {.form = COLUMN_PLAIN};
    const char *at = *text;
    column.is_optional = *at == '?';
    at += column.is_optional ? 1 : 0;
    if (*at == '$' || *at == '@')
        column.form = *at++ == '$' ? COLUMN_MONEY : COLUMN_TIME;
    const size_t name_bytes = strcspn(at, " =");
    copy_part(column.name, at, name_bytes);
    const char *title = at[name_bytes] == '=' ? at + name_bytes + 1 : at;
    const size_t title_bytes = strcspn(title, " =");
    copy_part(column.title, title, title_bytes);
    if (strcmp(column.title, "_") == 0)
        column.title[0] = '\0';
    for (char *c = column.title; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
    at = title + title_bytes;
    *text = at + strspn(at, " ");
    return column;
}

/* The columns that have something to show, with their widths. */
static void lay_out(struct table *table, const json_t *rows, const char *columns)
{
    while (*columns != '\0') {
        struct column column = read_column(&columns);
        bool is_shown = !column.is_optional;
        size_t index;
        json_t *row;
        column.width = width_of(column.title);
        json_array_foreach(rows, index, row)
        {
            char cell[CELL_BYTES];
            const json_t *value = json_object_get(row, column.name);
            const char *text = print_cell(table, &column, row, cell, sizeof cell);
            column.width = MAX(column.width, width_of(text));
            column.is_right |= json_is_integer(value) && column.form != COLUMN_TIME;
            column.is_cuttable |= *text != '\0' && *text != '-' && !(*text >= '0' && *text <= '9');
            is_shown |= !is_nothing(value);
        }
        MUST(table->count < COLUMNS_MAX);
        if (is_shown)
            table->columns[table->count++] = column;
    }
}

/* Makes texts shorter until a line of the table has `cells`, the widest first; never the first column,
 * which names the row. 0: there is no end of a line. */
static void fit(struct table *table, size_t cells)
{
    size_t sum = 0;
    for (u32 i = 0; i < table->count; i++)
        sum += table->columns[i].width + (i == 0 ? 0 : GAP_CELLS);
    while (cells != 0 && sum > cells) { /* ends: one is shorter each time */
        struct column *widest = NULL;
        for (u32 i = 1; i < table->count; i++) {
            struct column *column = &table->columns[i];
            if (column->is_cuttable && column->width > CUT_CELLS &&
                (widest == NULL || column->width > widest->width))
                widest = column;
        }
        if (widest == NULL)
            return;
        widest->width--;
        sum--;
    }
}

/* Blanks are owed until something follows them: no line ends with them. */
static void print_padded(FILE *to, const char *text, const struct column *column, size_t *owed)
{
    const size_t own = MIN(width_of(text), column->width);
    const size_t pad = column->width - own;
    if (own > 0) {
        (void)fprintf(to, "%*s", (int)(*owed + (column->is_right ? pad : 0)), "");
        (void)width_print(to, text, column->width);
        *owed = 0;
    }
    *owed += GAP_CELLS + (own > 0 && column->is_right ? 0 : pad);
}

static void print_row(FILE *to, const struct table *table, const json_t *row)
{
    size_t owed = 0;
    for (u32 i = 0; i < table->count; i++) {
        char cell[CELL_BYTES];
        const struct column *column = &table->columns[i];
        const char *text =
            row == NULL ? column->title : print_cell(table, column, row, cell, sizeof cell);
        print_padded(to, text, column, &owed);
    }
    (void)fputc('\n', to);
}

void table_print_within(FILE *to, const json_t *rows, const char *currency, const char *columns,
                        size_t cells)
{
    struct table table = {.currency = currency};
    size_t index;
    json_t *row;
    if (json_array_size(rows) == 0)
        return;
    lay_out(&table, rows, columns);
    fit(&table, cells);
    print_row(to, &table, NULL);
    json_array_foreach(rows, index, row)
    {
        print_row(to, &table, row);
    }
}

void table_print(FILE *to, const json_t *rows, const char *currency, const char *columns)
{
    table_print_within(to, rows, currency, columns, width_of_terminal(to));
}

void table_print_one(FILE *to, json_t *object, const char *currency, const char *columns)
{
    json_t *rows = json_array();
    (void)json_array_append(rows, object);
    table_print(to, rows, currency, columns);
    json_decref(rows);
}

void table_print_lines(FILE *to, const json_t *object, const char *currency, const char *columns)
{
    table_print_lines_within(to, object, currency, columns, width_of_terminal(to));
}

void table_print_lines_within(FILE *to, const json_t *object, const char *currency,
                              const char *columns, size_t cells)
{
    const struct table table = {.currency = currency, .is_lines = true};
    const u16 money = currency_of(object, currency);
    size_t width = 0;
    for (const char *at = columns; *at != '\0';) {
        const struct column column = read_column(&at);
        if (!column.is_optional || !is_nothing(json_object_get(object, column.name)))
            width = MAX(width, width_of(column.title));
    }
    while (*columns != '\0') {
        const struct column column = read_column(&columns);
        char cell[CELL_BYTES];
        if (column.is_optional && is_nothing(json_object_get(object, column.name)))
            continue;
        const char *text = print_cell(&table, &column, object, cell, sizeof cell);
        const char *letters = column.form == COLUMN_MONEY ? souk_currency_letters(money) : NULL;
        (void)fprintf(to, "%s%*s  ", column.title, (int)(width - width_of(column.title)), "");
        width_print_lines(to, text, width + GAP_CELLS, cells);
        (void)fprintf(to, "%s%s\n", letters == NULL ? "" : " ", letters == NULL ? "" : letters);
    }
}
