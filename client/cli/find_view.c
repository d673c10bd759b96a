/* find_view: see find_view.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/find_view.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/cli_width.h"
#include "proto/messages.h"

struct souk_text find_text(struct souk_text texts, u64 offset, u64 bytes)
{
    if (offset > texts.bytes || bytes > texts.bytes - offset)
        return (struct souk_text){NULL, 0};
    return (struct souk_text){.data = texts.data + offset, .bytes = (u32)bytes};
}

const char *find_state(u16 state)
{
    static const char *const words[] = {"none", "low", "some"};
    return state < ARRAY_COUNT(words) ? words[state] : "?";
}

static json_t *text_at(struct souk_text texts, u64 offset, u64 bytes)
{
    return cli_json_text(find_text(texts, offset, bytes));
}

/* 450 -> "4.5", 0 -> null */
static json_t *rating_json(u16 hundredths)
{
    char text[16];
    if (hundredths == 0)
        return json_null();
    (void)snprintf(text, sizeof text, "%u.%u", hundredths / 100u, hundredths % 100u / 10u);
    return json_string(text);
}

static json_t *hit_flags(u16 flags)
{
    static const char *const words[] = {"sponsored", "pinned", "boosted", "inexact",
                                        "words_missing"};
    json_t *array = json_array();
    for (u32 i = 0; i < ARRAY_COUNT(words); i++)
        if ((flags & 1u << i) != 0)
            (void)json_array_append_new(array, json_string(words[i]));
    return array;
}

json_t *find_hits(struct souk_text hits, struct souk_text texts)
{
    json_t *array = json_array();
    struct souk_row_hit hit;
    for (u32 at = 0; hits.bytes - at >= sizeof hit; at += (u32)sizeof hit) {
        memcpy(&hit, hits.data + at, sizeof hit);
        json_t *object = json_pack(
            "{s:o, s:o, s:o, s:I, s:o, s:o, s:i, s:s, s:o, s:I, s:i, s:i, s:I, s:o, s:o}", "code",
            text_at(texts, hit.text_offset, hit.code_bytes), "title",
            text_at(texts, (u64)hit.text_offset + hit.code_bytes, hit.title_bytes), "price",
            cli_json_money(hit.price, hit.currency), "price_minor", (json_int_t)hit.price,
            "price_before",
            hit.price_before == 0 ? json_null() : cli_json_money(hit.price_before, hit.currency),
            "rating", rating_json(hit.rating), "rating_count", (int)hit.rating_count, "stock",
            find_state(hit.state), "flags", hit_flags(hit.flags), "popularity",
            (json_int_t)hit.popularity, "text_score", (int)hit.text_score, "rank_score",
            (int)hit.rank_score, "words", (json_int_t)hit.words, "product_id",
            record_id(hit.product_id), "ad_id", record_id(hit.ad_id));
        MUST(object != NULL);
        (void)json_array_append_new(array, object);
    }
    return array;
}

json_t *find_recommended(struct souk_text items, struct souk_text texts)
{
    static const char *const reasons[] = {
        "?",        "bought with",   "viewed with", "similar", "trending in category",
        "trending", "of the catalog"};
    json_t *array = json_array();
    struct souk_row_recommended item;
    for (u32 at = 0; items.bytes - at >= sizeof item; at += (u32)sizeof item) {
        memcpy(&item, items.data + at, sizeof item);
        json_t *object =
            json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:o, s:i, s:o, s:o}", "code",
                      text_at(texts, item.text_offset, item.code_bytes), "title",
                      text_at(texts, (u64)item.text_offset + item.code_bytes, item.title_bytes),
                      "price", cli_json_money(item.price, item.currency), "price_minor",
                      (json_int_t)item.price, "stock", find_state(item.state), "reason",
                      item.reason < ARRAY_COUNT(reasons) ? reasons[item.reason] : "?", "rating",
                      rating_json(item.rating), "support", (int)item.support, "score",
                      cli_json_u64(item.score), "product_id", record_id(item.product_id));
        MUST(object != NULL);
        (void)json_array_append_new(array, object);
    }
    return array;
}

json_t *find_facet_names(const char *facets)
{
    json_t *names = json_array();
    for (const char *at = facets; *at != '\0';) {
        const size_t bytes = strcspn(at, ",");
        const size_t name_bytes = MIN(bytes, strcspn(at, ":"));
        (void)json_array_append_new(names, json_stringn(at, name_bytes));
        at += bytes;
        at += *at == ',' ? 1 : 0;
    }
    return names;
}

static json_t *facet_array(json_t *names, json_t *object, u16 facet)
{
    const char *name = json_string_value(json_array_get(names, facet));
    return name == NULL ? NULL : json_object_get(object, name);
}

json_t *find_facets(const char *facets, const struct souk_search_reply *reply)
{
    json_t *names = find_facet_names(facets);
    json_t *object = json_object(), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        (void)json_object_set_new(object, json_string_value(name), json_array());
    }
    struct souk_row_facet_value value;
    for (u32 at = 0; reply->values.bytes - at >= sizeof value; at += (u32)sizeof value) {
        memcpy(&value, reply->values.data + at, sizeof value);
        json_t *row = json_pack("{s:o, s:i, s:b, s:o}", "value",
                                text_at(reply->texts, value.text_offset, value.text_bytes), "count",
                                (int)value.count, "chosen", value.is_chosen != 0, "parent",
                                record_id(value.parent_id));
        json_t *array = facet_array(names, object, value.facet);
        if (array == NULL || json_array_append_new(array, row) != 0)
            json_decref(row);
    }
    struct souk_row_facet_range range;
    for (u32 at = 0; reply->ranges.bytes - at >= sizeof range; at += (u32)sizeof range) {
        memcpy(&range, reply->ranges.data + at, sizeof range);
        json_t *row =
            json_pack("{s:I, s:I, s:i, s:b}", "from", (json_int_t)range.from, "until",
                      (json_int_t)range.until, "count", (int)range.count, "bar", range.is_bar != 0);
        json_t *array = facet_array(names, object, range.facet);
        if (array == NULL || json_array_append_new(array, row) != 0)
            json_decref(row);
    }
    json_decref(names);
    return object;
}

json_t *find_notes(u32 notes)
{
    static const char *const words[] = {"partial", "corrected", "words_dropped", "at_least",
                                        "reindexing"};
    json_t *array = json_array();
    for (u32 i = 0; i < ARRAY_COUNT(words); i++)
        if ((notes & 1u << i) != 0)
            (void)json_array_append_new(array, json_string(words[i]));
    return array;
}

json_t *find_code_of(struct cli *cli, u64 product_id)
{
    const struct souk_product_card ask = {.product_id = product_id};
    struct souk_product_card_reply reply;
    if (souk_product_card(cli->client, &ask, &reply) != 0)
        return record_id(product_id);
    json_t *code = reply.status == SOUK_OK ? cli_json_text(reply.code) : record_id(product_id);
    souk_free(reply.memory);
    return code;
}

int find_product(struct cli *cli, const char *code)
{
    const struct souk_product_card ask = {.product_id = souk_id(code, strlen(code))};
    struct souk_product_card_reply reply;
    const int error = souk_product_card(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    const u16 status = reply.status;
    souk_free(reply.memory);
    return status != SOUK_NOT_FOUND
               ? CLI_EXIT_DONE
               : cli_refused(cli, code, status, 0, json_pack("{s:s}", "code", code));
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_heading(const struct souk_search_reply *reply)
{
    char number[32];
    (void)printf("%s%s product%s", (reply->notes & SEARCH_NOTE_AT_LEAST) != 0 ? "at least " : "",
                 value_print_grouped((i64)reply->total, number), reply->total == 1 ? "" : "s");
    if ((reply->notes & SEARCH_NOTE_CORRECTED) != 0)
        (void)printf("; understood as: %.*s", (int)reply->corrected.bytes, reply->corrected.data);
    if ((reply->notes & SEARCH_NOTE_DROPPED) != 0)
        (void)printf("; with %u of the %u words", reply->words_required, reply->words);
    if ((reply->notes & SEARCH_NOTE_PARTIAL) != 0)
        (void)printf("; partial: the deadline came first");
    if ((reply->notes & SEARCH_NOTE_REINDEXING) != 0)
        (void)printf("; the index is being rebuilt");
    (void)putchar('\n');
}

/* A number of a facet's range as people write it: docs/search.md has the units. */
static const char *print_number(const char *name, json_int_t number, u16 currency, char *to,
                                size_t bytes)
{
    const char *sign = number < 0 ? "-" : "";
    const unsigned long long size =
        number < 0 ? 0ull - (unsigned long long)number : (unsigned long long)number;
    if (strcmp(name, "price") == 0 && currency != 0)
        return souk_money_print(number, currency, to, bytes);
    if (strcmp(name, "price") == 0)
        (void)snprintf(to, bytes, "%s%llu", sign, size);
    else if (strcmp(name, "popularity") == 0)
        (void)snprintf(to, bytes, "%s%llu", sign, size);
    else if (strcmp(name, "rating") == 0 || strcmp(name, "discount") == 0)
        (void)snprintf(to, bytes, "%s%llu.%02llu%s", sign, size / 100, size % 100,
                       *name == 'd' ? " %" : "");
    else if (size % 1000 == 0)
        (void)snprintf(to, bytes, "%s%llu", sign, size / 1000);
    else
        (void)snprintf(to, bytes, "%s%llu.%03llu", sign, size / 1000, size % 1000);
    return to;
}

static void print_facet(const char *name, const json_t *rows, u16 currency)
{
    size_t i;
    json_t *row;
    (void)printf("\n%s%s\n", name,
                 strcmp(name, "price") == 0 && currency == 0 ? ", in minor units" : "");
    json_array_foreach(rows, i, row)
    {
        const json_t *value = json_object_get(row, "value");
        const json_int_t count = json_integer_value(json_object_get(row, "count"));
        char from[SOUK_MONEY_TEXT_MAX], until[SOUK_MONEY_TEXT_MAX];
        if (value != NULL) {
            (void)printf("  %8lld  %s%s\n", (long long)count, json_string_value(value),
                         json_is_true(json_object_get(row, "chosen")) ? "  *" : "");
            continue;
        }
        (void)printf("  %8lld  %s to %s%s\n", (long long)count,
                     print_number(name, json_integer_value(json_object_get(row, "from")), currency,
                                  from, sizeof from),
                     print_number(name, json_integer_value(json_object_get(row, "until")), currency,
                                  until, sizeof until),
                     json_is_true(json_object_get(row, "bar")) ? "" : "  in all");
    }
}

void find_print_search(struct cli *cli, const char *facets, const struct souk_search_reply *reply)
{
    print_heading(reply);
    json_t *hits = find_hits(reply->hits, reply->texts);
    size_t i;
    json_t *hit;
    json_array_foreach(hits, i, hit)
    {
        json_t *flags = json_object_get(hit, "flags");
        const char *mark = "";
        if (json_array_size(flags) > 0)
            mark = json_string_value(json_array_get(flags, 0));
        (void)json_object_set_new(hit, "mark", json_string(mark));
    }
    if (json_array_size(hits) > 0)
        table_print(stdout, hits, NULL,
                    "code title price stock ?rating ?rating_count=reviews ?mark=_");
    json_decref(hits);
    json_t *object = find_facets(facets, reply);
    struct souk_row_hit first = {0}; /* prices of a facet are taken for those of the hits */
    (void)souk_row_at(reply->hits, sizeof first, 0, &first);
    const char *name;
    json_t *rows;
    json_object_foreach(object, name, rows)
    {
        print_facet(name, rows, first.currency);
    }
    json_decref(object);
    if (reply->explanation.bytes > 0)
        (void)printf("\n%.*s\n", (int)reply->explanation.bytes, reply->explanation.data);
    if (reply->cursor.bytes > 0) {
        char hex[2 * CURSOR_BYTES_MAX + 1];
        find_hex(reply->cursor, hex);
        cli_say(cli, "\nmore: the same with --cursor %s", hex);
    }
}

#define MARKED_CELLS 60u

void find_mark_place(struct souk_text text, u32 at, struct souk_text problem)
{
    char line[FILTER_BYTES_MAX + 1];
    const u32 bytes = MIN(text.bytes, FILTER_BYTES_MAX);
    size_t first = 0, before = 0;
    if (bytes != 0) {
        const u32 place = MIN(at, bytes);
        memcpy(line, text.data, bytes);
        line[bytes] = '\0';
        for (u32 i = 0; i < bytes; i++)
            line[i] = line[i] == '\n' || line[i] == '\0' ? ' ' : line[i];
        const char kept = line[place];
        line[place] = '\0'; /* what stands before the place, as much as is worth it */
        while (width_of(line + first) > MARKED_CELLS / 2)
            first += MAX(width_fit(line + first, 1), (size_t)1);
        before = width_of(line + first);
        line[place] = kept;
        (void)fputs("      ", stderr);
        (void)width_print(stderr, line + first, MARKED_CELLS);
        (void)fputc('\n', stderr);
    }
    (void)fprintf(stderr, "      %*s%sbyte %u: %.*s\n", (int)before, "", bytes != 0 ? "^ " : "", at,
                  (int)problem.bytes, problem.data);
}

void find_hex(struct souk_text bytes, char *to)
{
    static const char digits[] = "0123456789abcdef";
    const u32 count = MIN(bytes.bytes, CURSOR_BYTES_MAX);
    for (u32 i = 0; i < count; i++) {
        const u8 byte = (u8)bytes.data[i];
        to[2 * i] = digits[byte >> 4];
        to[2 * i + 1] = digits[byte & 15];
    }
    to[2 * count] = '\0';
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool find_unhex(const char *text, u8 *to, u32 max, u32 *bytes)
{
    const size_t length = strlen(text);
    if (length % 2 != 0 || length / 2 > max)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (u8)(high << 4 | low);
    }
    *bytes = (u32)(length / 2);
    return true;
}
