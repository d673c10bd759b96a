/* sales: see tests/recommend/sales.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/recommend/sales.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proto/id.h"

#define FIELDS     8u
#define LINES_MAX  (1u << 20)
#define BASKET_MAX (1u << 16)

u64 sales_day(u32 year, u32 month, u32 day)
{
    /* Days of the civil calendar, March being the first month of a year. */
    const u32 y = month <= 2 ? year - 1 : year;
    const u32 of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const u64 era = y / 400, of_era = y % 400;
    return (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468) * 86400;
}

/* Cuts a line into its fields in place, quotes taken out. */
static u32 split(char *line, char **fields)
{
    u32 count = 0;
    char *from = line, *to = line;
    while (count < FIELDS) { /* ends: a field further each time */
        bool is_quoted = false;
        fields[count++] = to;
        for (; *from != 0 && (is_quoted || *from != ','); from++) {
            if (*from == '"' && is_quoted && from[1] == '"')
                *to++ = *++from;
            else if (*from == '"')
                is_quoted = !is_quoted;
            else
                *to++ = *from;
        }
        const bool is_last = *from == 0;
        from++;
        *to++ = 0;
        if (is_last)
            break;
    }
    return count;
}

/* Five digits and up to two letters, which become capitals. */
static bool take_code(const char *text, char *to)
{
    u32 bytes = 0;
    while (*text == ' ')
        text++;
    for (; *text != 0 && *text != ' ' && bytes < 8; text++)
        to[bytes++] = (char)toupper((unsigned char)*text);
    to[bytes] = 0;
    if (bytes < 5 || bytes > 7)
        return false;
    for (u32 i = 0; i < bytes; i++)
        if (i < 5 ? !isdigit((unsigned char)to[i]) : !isupper((unsigned char)to[i]))
            return false;
    return true;
}

static u64 pence_of(const char *text)
{
    const double pounds = strtod(text, NULL);
    return pounds <= 0 ? 0 : (u64)(pounds * 100 + 0.5);
}

static u32 product_of(struct sales *sales, char **fields, const char *code)
{
    const u64 id = id_from_code(code, strlen(code));
    for (u32 i = 0; i < sales->product_count; i++)
        if (sales->products[i].id == id)
            return i;
    MUST(sales->product_count < SALES_PRODUCTS_MAX);
    struct sales_product *product = &sales->products[sales->product_count];
    product->id = id;
    product->price = pence_of(fields[5]);
    (void)snprintf(product->code, sizeof product->code, "%s", code);
    (void)snprintf(product->title, sizeof product->title, "%s", fields[2]);
    return sales->product_count++;
}

static u64 time_of(const char *text)
{
    u32 year, month, day, hour, minute, second;
    if (sscanf(text, "%u-%u-%u %u:%u:%u", &year, &month, &day, &hour, &minute, &second) != 6)
        PANIC("a line has no time");
    return sales_day(year, month, day) + hour * 3600 + minute * 60 + second;
}

static void add_line(struct sales *sales, char **fields, char *invoice)
{
    char code[16];
    if (fields[0][0] == 'C' || !take_code(fields[1], code) || atol(fields[3]) <= 0 ||
        pence_of(fields[5]) == 0)
        return;
    if (strcmp(invoice, fields[0]) != 0) {
        (void)snprintf(invoice, 16, "%s", fields[0]);
        MUST(sales->basket_count < BASKET_MAX);
        const char *who = fields[6][0] != 0 ? fields[6] : fields[0];
        sales->baskets[sales->basket_count++] =
            (struct sales_basket){.user_id = id_from_code(who, strlen(who)),
                                  .time_s = time_of(fields[4]),
                                  .first = sales->line_count};
    }
    struct sales_basket *basket = &sales->baskets[sales->basket_count - 1];
    const u32 product = product_of(sales, fields, code);
    for (u32 i = 0; i < basket->count; i++)
        if (sales->lines[basket->first + i] == product)
            return;
    MUST(sales->line_count < LINES_MAX);
    sales->lines[sales->line_count++] = product;
    basket->count++;
}

struct sales *sales_read(FILE *from)
{
    static char line[4096];
    char invoice[16] = "";
    struct sales *sales = calloc(1, sizeof *sales);
    MUST(sales != NULL);
    sales->baskets = calloc(BASKET_MAX, sizeof *sales->baskets);
    sales->lines = calloc(LINES_MAX, sizeof *sales->lines);
    MUST(sales->baskets != NULL && sales->lines != NULL);
    if (fgets(line, sizeof line, from) == NULL || strncmp(line, "InvoiceNo,StockCode,", 20) != 0)
        PANIC("these are not the sales that are wanted");
    while (fgets(line, sizeof line, from) != NULL) {
        char *fields[FIELDS];
        line[strcspn(line, "\r\n")] = 0;
        if (split(line, fields) != FIELDS)
            PANIC("a line has not eight fields");
        add_line(sales, fields, invoice);
    }
    return sales;
}
