/* order_view: see client/cli/order_view.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/order_view.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"

/* ---- names ---- */

static bool is_of_sku(const json_t *row)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    return json_is_string(json_object_get(row, "sku_id")) &&
           (kind == NULL || strcmp(kind, "sku") == 0);
}

static void set_name(json_t *row, const struct souk_sku_get_reply *reply)
{
    const bool is_known = reply != NULL && reply->status == SOUK_OK;
    json_t *code = is_known ? cli_json_text(reply->code) : NULL;
    (void)json_object_set_new(row, "code", code == NULL ? json_null() : json_incref(code));
    if (code != NULL)
        (void)json_object_set_new(row, "sku", code);
    else
        (void)json_object_set(row, "sku", json_object_get(row, "sku_id"));
}

void order_lines_name(struct cli *cli, json_t *rows)
{
    const size_t count = json_array_size(rows);
    struct souk_sku_get *gets = calloc(count + 1, sizeof *gets);
    struct souk_sku_get_reply *replies = calloc(count + 1, sizeof *replies);
    MUST(gets != NULL && replies != NULL);
    u32 asked = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        if (is_of_sku(row) && value_parse_user(json_string_value(json_object_get(row, "sku_id")),
                                               &gets[asked].resource.id) == NULL)
            asked++;
    }
    const bool is_told =
        asked != 0 && souk_sku_get_batch(cli->client, gets, asked, replies, 0) == 0;
    for (size_t i = 0, at = 0; i < count; i++) {
        json_t *row = json_array_get(rows, i);
        const bool is_asked = is_of_sku(row);
        set_name(row, is_asked && is_told ? &replies[at] : NULL);
        at += is_asked ? 1 : 0;
    }
    for (u32 i = 0; i < asked && is_told; i++)
        souk_free(replies[i].memory);
    free(gets);
    free(replies);
}

/* ---- the order ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void print_time(const json_t *order, const char *key, const char *label)
{
    const u64 ns = (u64)json_integer_value(json_object_get(order, key));
    char text[VALUE_TIME_BYTES];
    if (ns != 0)
        printf("%s%s", label, value_print_time(ns, text));
}

static void print_head(const json_t *order)
{
    printf("order %s  %s", text_of(order, "order"), text_of(order, "state"));
    if (text_of(order, "reason")[0] != '\0')
        printf(": %s", text_of(order, "reason"));
    printf("\nof %s", text_of(order, "owner"));
    print_time(order, "created_at_ns", ", ordered ");
    print_time(order, "placed_at_ns", ", placed ");
    printf("\n%s: payment %s, fulfilment %s", text_of(order, "summary"), text_of(order, "payment"),
           text_of(order, "fulfilment"));
    if (strcmp(text_of(order, "returned"), "none") != 0)
        printf(", returns %s", text_of(order, "returned"));
    printf(", captured %s\n",
           strcmp(text_of(order, "capture"), "now") == 0 ? "at once" : "when shipped");
}

/* Parts of parcels or returns beside the parcel or return that they belong to. */
static void print_parts(const json_t *order, const char *kind, json_t *things, const char *columns)
{
    const json_t *parts = json_object_get(order, "parts");
    const json_t *lines = json_object_get(order, "lines");
    size_t index, at;
    json_t *thing, *part;
    json_array_foreach(things, index, thing)
    {
        const json_int_t number = json_integer_value(json_object_get(thing, "number"));
        json_t *list = json_array();
        json_array_foreach(parts, at, part)
        {
            char text[96];
            const size_t line = (size_t)json_integer_value(json_object_get(part, "line"));
            if (strcmp(text_of(part, "kind"), kind) != 0 ||
                json_integer_value(json_object_get(part, "of")) != number)
                continue;
            (void)snprintf(text, sizeof text, "%lld x %s",
                           (long long)json_integer_value(json_object_get(part, "quantity")),
                           text_of(json_array_get(lines, line), "sku"));
            (void)json_array_append_new(list, json_string(text));
        }
        (void)json_object_set_new(thing, "what", list);
    }
    if (json_array_size(things) != 0)
        (void)putchar('\n');
    table_print(stdout, things, text_of(order, "currency"), columns);
}

void order_view_print(const json_t *order)
{
    const char *currency = text_of(order, "currency");
    print_head(order);
    (void)putchar('\n');
    json_t *lines = json_object_get(order, "lines");
    size_t index;
    json_t *line;
    json_array_foreach(lines, index, line)
    {
        (void)json_object_set_new(line, "line", json_integer((json_int_t)index));
    }
    table_print(stdout, lines, currency,
                "line sku ?options quantity $unit_price=price ?$discount ?$charges $total "
                "?allocated=to_ship ?shipped ?delivered ?cancelled ?returned_sellable=returned "
                "?returned_damaged=damaged ?$refunded");
    (void)putchar('\n');
    table_print_lines(stdout, order, currency,
                      "?$goods ?$discount ?$charges $total ?$authorized ?$captured ?$refunded "
                      "?$charged_back $owed");
    json_t *tenders = json_object_get(order, "tenders");
    if (json_array_size(tenders) != 0)
        (void)putchar('\n');
    table_print(stdout, tenders, currency,
                "kind=paid_by $amount state ?$authorized ?$captured ?$refunded ?$charged_back "
                "?$overcharged ?account ?token ?reference");
    print_parts(order, "parcel", json_object_get(order, "parcels"),
                "number=parcel state what ?@shipped_at_ns=shipped ?@delivered_at_ns=delivered "
                "?carrier ?tracking");
    print_parts(order, "return", json_object_get(order, "returns"),
                "number=return state what ?$refund ?reason ?@opened_at_ns=opened "
                "?@closed_at_ns=closed");
}

/* ---- the story ---- */

/* What a mark stands for. */
static void fill(const struct souk_row_order_event *event, u16 currency, char mark, char *to,
                 size_t bytes)
{
    char text[MAX(SOUK_TEXT64_MAX, SOUK_MONEY_TEXT_MAX)];
    switch (mark) {
    case 'v': souk_money_print(event->value, currency, text, sizeof text); break;
    case 'n': (void)snprintf(text, sizeof text, "%lld", (long long)event->value); break;
    case 's': (void)snprintf(text, sizeof text, "%s", souk_status_name(event->status)); break;
    case 't': (void)souk_text64_print(&event->text, text); break;
    case 'w':
        if (event->kind == SOUK_HISTORY_ATTACHED)
            (void)value_print_user(event->what, text);
        else if (event->kind == SOUK_HISTORY_CANCEL_ASKED)
            (void)snprintf(text, sizeof text, "%s", record_cancel_reason((u16)event->what));
        else
            (void)snprintf(text, sizeof text, "%llu", (unsigned long long)event->what);
        break;
    default: (void)snprintf(text, sizeof text, "%%%c", mark); break;
    }
    (void)snprintf(to, bytes, "%s", text);
}

const char *order_story_words(const struct souk_row_order_event *event, u16 currency, char *to,
                              size_t bytes)
{
    const char *words = souk_history_words(event->kind);
    size_t at = 0;
    MUST(bytes != 0);
    to[0] = '\0';
    if (*words == '\0')
        (void)snprintf(to, bytes, "event of kind %u", event->kind);
    for (; *words != '\0' && at + 1 < bytes; words++) {
        /* Without a text, what would stand in brackets is left out with them. */
        if (strncmp(words, " (%t)", 5) == 0 && event->text.bytes[0] == 0) {
            words += 4;
            continue;
        }
        if (*words == '%' && words[1] != '\0')
            fill(event, currency, *++words, to + at, bytes - at);
        else
            (void)snprintf(to + at, bytes - at, "%c", *words);
        at += strlen(to + at);
    }
    return to;
}

void order_story_print(const struct souk_row_order_event *event, u16 currency, char day[16])
{
    char time[VALUE_TIME_BYTES], words[256];
    (void)value_print_time(event->time_ns, time);
    if (strncmp(time, day, 10) != 0) {
        (void)snprintf(day, 16, "%.10s", time);
        printf("%s\n", day);
    }
    printf("  %s  %s\n", time + 11, order_story_words(event, currency, words, sizeof words));
}
