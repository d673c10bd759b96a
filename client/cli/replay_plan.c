/* replay_plan: see client/cli/replay_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_plan.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/cli_value.h"
#include "client/cli/csv.h"
#include "client/cli/replay_file.h"
#include "proto/checksum.h"
#include "proto/text.h"

#define BAD_ROWS_MAX 10u

enum column {
    COLUMN_INVOICE,
    COLUMN_CODE,
    COLUMN_DESCRIPTION,
    COLUMN_QUANTITY,
    COLUMN_DATE,
    COLUMN_PRICE,
    COLUMN_CUSTOMER,
    COLUMN_COUNTRY,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {"InvoiceNo",  "StockCode",   "Description",
                                                       "Quantity",   "InvoiceDate", "UnitPrice",
                                                       "CustomerID", "Country"};

/* Where in the row something is wrong. */
struct fault {
    const char *reason;
    u32 column; /* enum column */
};

const char *replay_rule_name(enum replay_rule rule)
{
    static const char *const names[REPLAY_RULE_COUNT] = {"sale", "cancellation", "correction",
                                                         "unpriced", "charge"};
    MUST(rule < REPLAY_RULE_COUNT);
    return names[rule];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct souk_text trim(const struct csv_field *field)
{
    struct souk_text text = {.data = field->text, .bytes = field->bytes};
    while (text.bytes > 0 && is_blank(text.data[0])) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 && is_blank(text.data[text.bytes - 1]))
        text.bytes--;
    return text;
}

/* Trimmed and upper-cased into `code`; false where that is not [0-9]{5}[A-Z]{0,2}. */
static bool read_code(const struct csv_field *field, char code[REPLAY_CODE_BYTES + 1])
{
    const struct souk_text text = trim(field);
    if (text.bytes < 5 || text.bytes > REPLAY_CODE_BYTES)
        return false;
    for (u32 i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (i < 5 ? c < '0' || c > '9' : c < 'A' || c > 'Z')
            return false;
        code[i] = c;
    }
    code[text.bytes] = '\0';
    return true;
}

/* "2010-12-01 08:26:00" as 20101201082600. */
static bool read_date(const struct csv_field *field, i64 *time)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    i64 value = 0;
    if (field->bytes != sizeof form - 1)
        return false;
    for (u32 i = 0; i < field->bytes; i++) {
        const char c = field->text[i];
        if (form[i] != 'd' && c != form[i])
            return false;
        if (form[i] != 'd')
            continue;
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *time = value;
    return true;
}

/* "17850.0" and " 17850 " are customer 17850. The text is cut in place. */
static const char *read_customer(const struct csv_field *field)
{
    const struct souk_text text = trim(field);
    char *begin = field->text + (text.data - field->text);
    u32 bytes = text.bytes;
    begin[bytes] = '\0';
    while (bytes > 0 && begin[bytes - 1] == '0')
        bytes--;
    if (bytes > 0 && begin[bytes - 1] == '.')
        begin[bytes - 1] = '\0';
    return begin;
}

/* The slot of a code: its SKU, or an empty one. */
static u32 *find_slot(const struct replay_plan *plan, const char *code)
{
    u32 at = (u32)souk_id(code, strlen(code)) & (plan->slot_count - 1);
    while (plan->sku_slots[at] != REPLAY_NONE &&
           strcmp(plan->skus[plan->sku_slots[at]].code, code) != 0)
        at = (at + 1) & (plan->slot_count - 1);
    return &plan->sku_slots[at];
}

static void grow_skus(struct replay_plan *plan)
{
    plan->sku_capacity = plan->sku_capacity == 0 ? 4096 : plan->sku_capacity * 2;
    plan->slot_count = plan->sku_capacity * 2;
    plan->skus = realloc(plan->skus, plan->sku_capacity * sizeof *plan->skus);
    plan->sku_slots = realloc(plan->sku_slots, plan->slot_count * sizeof *plan->sku_slots);
    MUST(plan->skus != NULL && plan->sku_slots != NULL);
    memset(plan->sku_slots, 0xFF, plan->slot_count * sizeof *plan->sku_slots);
    for (u32 i = 0; i < plan->sku_count; i++)
        *find_slot(plan, plan->skus[i].code) = i;
}

static u32 find_or_add_sku(struct replay_plan *plan, const char *code)
{
    if (plan->sku_count == plan->sku_capacity)
        grow_skus(plan);
    u32 *slot = find_slot(plan, code);
    if (*slot == REPLAY_NONE) {
        struct replay_sku *sku = &plan->skus[plan->sku_count];
        memset(sku, 0, sizeof *sku);
        memcpy(sku->code, code, strlen(code) + 1);
        sku->resource = souk_sku(code);
        sku->first_line = sku->last_line = REPLAY_NONE;
        *slot = plan->sku_count++;
    }
    return *slot;
}

static struct replay_line *add_line(struct replay_plan *plan)
{
    if (plan->line_count == plan->line_capacity) {
        plan->line_capacity = plan->line_capacity == 0 ? 65536 : plan->line_capacity * 2;
        plan->lines = realloc(plan->lines, plan->line_capacity * sizeof *plan->lines);
        MUST(plan->lines != NULL);
    }
    struct replay_line *line = &plan->lines[plan->line_count++];
    memset(line, 0, sizeof *line);
    line->sku = line->next = REPLAY_NONE;
    return line;
}

static void note_title(struct replay_sku *sku, const struct csv_field *field)
{
    if (sku->title.bytes > 0)
        return;
    struct souk_text title = trim(field);
    if (title.bytes <= TITLE_BYTES_MAX &&
        text_invalid((const u8 *)title.data, title.bytes, false) == NULL)
        sku->title = title;
}

/* The rules, in their order. */
static enum replay_rule rule_of(bool is_code, const char *invoice, i64 quantity, bool is_positive)
{
    if (!is_code)
        return REPLAY_RULE_CHARGE;
    if (invoice[0] == 'C')
        return REPLAY_RULE_CANCELLATION;
    if (quantity < 0)
        return REPLAY_RULE_CORRECTION;
    return is_positive ? REPLAY_RULE_SALE : REPLAY_RULE_UNPRICED;
}

static struct fault read_row(struct replay_plan *plan, const struct csv_row *row)
{
    char code[REPLAY_CODE_BYTES + 1];
    i64 quantity, price, time;
    bool is_positive;
    if (row->field_count != COLUMN_COUNT)
        return (struct fault){"has not eight fields", 0};
    const char *reason = value_parse_count(row->fields[COLUMN_QUANTITY].text, -QUANTITY_MAX,
                                           QUANTITY_MAX, &quantity);
    if (reason != NULL)
        return (struct fault){reason, COLUMN_QUANTITY};
    if (!read_date(&row->fields[COLUMN_DATE], &time))
        return (struct fault){"is not a date such as 2010-12-01 08:26:00", COLUMN_DATE};
    reason = value_parse_price(row->fields[COLUMN_PRICE].text, row->fields[COLUMN_PRICE].bytes,
                               REPLAY_DIGITS, &price, &is_positive);
    if (reason != NULL)
        return (struct fault){reason, COLUMN_PRICE};
    const bool is_code = read_code(&row->fields[COLUMN_CODE], code);
    if (is_code && quantity == 0)
        return (struct fault){"is 0: a line that moves nothing", COLUMN_QUANTITY};

    struct replay_line *line = add_line(plan);
    line->rule = (u8)rule_of(is_code, row->fields[COLUMN_INVOICE].text, quantity, is_positive);
    line->invoice = row->fields[COLUMN_INVOICE].text;
    line->customer = read_customer(&row->fields[COLUMN_CUSTOMER]);
    line->time = time;
    line->quantity = quantity < 0 ? -quantity : quantity;
    line->is_negative = quantity < 0;
    line->price = price;
    line->file_line = (u32)row->line;
    if (is_code) {
        line->sku = find_or_add_sku(plan, code);
        note_title(&plan->skus[line->sku], &row->fields[COLUMN_DESCRIPTION]);
    }
    return (struct fault){NULL, 0};
}

static bool check_header(struct csv_reader *reader, const char *name, FILE *errors)
{
    struct csv_row row;
    if (csv_next(reader, &row) != 1) {
        (void)fprintf(errors, "souk: %s:1:1: no header line\n", name);
        return false;
    }
    for (u32 i = 0; i < COLUMN_COUNT; i++) {
        if (i < row.field_count && strcmp(row.fields[i].text, column_names[i]) == 0)
            continue;
        (void)fprintf(errors, "souk: %s:1:%u: the header's column %u is not %s\n", name,
                      i < row.field_count ? row.fields[i].column : 1, i + 1, column_names[i]);
        return false;
    }
    if (row.field_count != COLUMN_COUNT)
        (void)fprintf(errors, "souk: %s:1: the header has more than eight columns\n", name);
    return row.field_count == COLUMN_COUNT;
}

static int compare_time(const void *left, const void *right)
{
    const struct replay_line *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->file_line < b->file_line ? -1 : a->file_line > b->file_line;
}

/* Lines in time order, equal times in the order of the file. */
static void sort_lines(struct replay_plan *plan)
{
    for (u32 i = 1; i < plan->line_count; i++) {
        if (plan->lines[i].time >= plan->lines[i - 1].time)
            continue;
        qsort(plan->lines, plan->line_count, sizeof *plan->lines, compare_time);
        return;
    }
}

/* floor(factor x sold units), or for inf all that the file takes out. */
static i64 units_to_receive(const struct replay_sku *sku, u64 factor)
{
    if (factor == VALUE_FACTOR_INF)
        return sku->sale_units + sku->remove_units;
    /* In two parts, so that nothing overflows: a factor is at most 10^12 millionths. */
    const u64 units = (u64)sku->sale_units;
    return (i64)(units / VALUE_FACTOR_ONE * factor +
                 units % VALUE_FACTOR_ONE * factor / VALUE_FACTOR_ONE);
}

/* Chains the lines of each SKU and adds up what the file says. False where a SKU would receive more
 * than one command can. */
static bool add_up(struct replay_plan *plan, u64 factor)
{
    for (u32 i = 0; i < plan->line_count; i++) {
        struct replay_line *line = &plan->lines[i];
        plan->rule_lines[line->rule]++;
        plan->rule_units[line->rule] += (u64)line->quantity;
        if (line->rule == REPLAY_RULE_CHARGE || line->rule == REPLAY_RULE_UNPRICED)
            continue;
        struct replay_sku *sku = &plan->skus[line->sku];
        if (line->rule == REPLAY_RULE_SALE) {
            sku->price = sku->sale_units == 0 ? line->price : sku->price;
            sku->sale_units += line->quantity;
            plan->sale_revenue += line->quantity * line->price;
        }
        if (line->rule == REPLAY_RULE_CORRECTION)
            sku->remove_units += line->quantity;
        if (sku->first_line == REPLAY_NONE)
            sku->first_line = i;
        else
            plan->lines[sku->last_line].next = i;
        sku->last_line = i;
    }
    for (u32 i = 0; i < plan->sku_count; i++) {
        plan->skus[i].receive = units_to_receive(&plan->skus[i], factor);
        plan->receive_units += plan->skus[i].receive;
        if (plan->skus[i].receive > QUANTITY_MAX)
            return false;
    }
    return true;
}

bool replay_plan_parse(struct replay_plan *plan, char *text, size_t bytes, const char *name,
                       u64 factor, FILE *errors)
{
    struct csv_reader reader;
    struct csv_row row;
    u32 bad_rows = 0;
    int got;
    memset(plan, 0, sizeof *plan);
    plan->text = text;
    plan->text_bytes = bytes;
    plan->digest = checksum64(text, bytes);
    csv_init(&reader, text, bytes);
    if (!check_header(&reader, name, errors))
        return false;
    while (bad_rows < BAD_ROWS_MAX && (got = csv_next(&reader, &row)) != 0) {
        if (got < 0) {
            (void)fprintf(errors, "souk: %s:%llu:%u: %s\n", name,
                          (unsigned long long)reader.reason_line, reader.reason_column,
                          reader.reason);
            bad_rows++;
            continue;
        }
        const struct fault fault = read_row(plan, &row);
        if (fault.reason == NULL)
            continue;
        bad_rows++;
        const bool has_column = fault.column < row.field_count;
        (void)fprintf(errors, "souk: %s:%llu:%u: %s%s%s%s%s\n", name, (unsigned long long)row.line,
                      has_column ? row.fields[fault.column].column : 1,
                      fault.column == 0 ? "the row" : column_names[fault.column],
                      fault.column == 0 ? "" : " \"",
                      fault.column == 0 ? "" : row.fields[fault.column].text,
                      fault.column == 0 ? " " : "\" ", fault.reason);
    }
    if (bad_rows == BAD_ROWS_MAX)
        (void)fprintf(errors, "souk: %s: more bad rows may follow\n", name);
    if (bad_rows > 0)
        return false;
    sort_lines(plan);
    if (add_up(plan, factor))
        return true;
    (void)fprintf(errors, "souk: %s: a SKU would receive more than 2^31 units; lower --stock\n",
                  name);
    return false;
}

bool replay_plan_load(struct replay_plan *plan, const char *path, u64 factor, FILE *errors)
{
    char *text = NULL;
    size_t bytes = 0;
    memset(plan, 0, sizeof *plan);
    if (!replay_file_read(path, &text, &bytes, errors))
        return false;
    return replay_plan_parse(plan, text, bytes, path, factor, errors);
}

void replay_plan_close(struct replay_plan *plan)
{
    free(plan->text);
    free(plan->lines);
    free(plan->skus);
    free(plan->sku_slots);
    memset(plan, 0, sizeof *plan);
}
