/* verb_export: all products of a shop into a file, as rows that `souk import` reads.
 *
 *      each shard: product_list, a page at a time -> product_get, a few at a time -> a row each
 *
 * A shop goes on meanwhile: every row is one state of its product; what is created or deleted meanwhile
 * may or may not be there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/bar.h"
#include "client/cli/cli.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "proto/money.h"

#define GET_BATCH 8u

struct export
{
    struct cli *cli;
    FILE *to;
    bool is_csv;
    u64 rows;
    u64 all; /* products of the shards that were asked so far, scaled to all shards */
    struct bar bar;
};

static const char csv_heading[] =
    "code,title,brand,category,attributes,description,slug,key,price,price_before,currency,"
    "popularity,margin,draft,unlisted,visible_from,visible_until,buyable_from,buyable_until,page,"
    "page_hex\n";

static void csv_text(FILE *to, struct souk_text text, const char *after)
{
    (void)fputc('"', to);
    for (u32 i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"')
            (void)fputc('"', to);
        (void)fputc(text.data[i], to);
    }
    (void)fputc('"', to);
    (void)fputs(after, to);
}

/* "2.55", without the currency. */
static void price_text(char *to, size_t bytes, i64 minor, u16 currency)
{
    *to = '\0';
    if (currency == 0)
        return;
    char text[64];
    (void)money_print((struct money){.minor = minor, .currency = currency}, text, sizeof text);
    (void)snprintf(to, bytes, "%.*s", (int)strcspn(text, " "), text);
}

/* "2011-12-09T12:50:00", or nothing. */
static void time_text(char *to, u64 ns)
{
    char text[VALUE_TIME_BYTES];
    *to = '\0';
    if (ns == 0)
        return;
    (void)value_print_time(ns, text);
    text[10] = 'T';
    text[19] = '\0';
    memcpy(to, text, 20);
}

struct texts {
    char price[48], price_before[48], currency[8];
    char times[4][VALUE_TIME_BYTES];
};

static void make_texts(const struct souk_product_get_reply *reply, struct texts *texts)
{
    const u64 times[] = {reply->visible_from_ns, reply->visible_until_ns, reply->buyable_from_ns,
                         reply->buyable_until_ns};
    const struct currency_info *currency = currency_find(reply->currency);
    price_text(texts->price, sizeof texts->price, reply->price, reply->currency);
    price_text(texts->price_before, sizeof texts->price_before, reply->price_before,
               reply->price_before == 0 ? 0 : reply->currency);
    (void)snprintf(texts->currency, sizeof texts->currency, "%s",
                   currency == NULL ? "" : currency->letters);
    for (u32 i = 0; i < ARRAY_COUNT(times); i++)
        time_text(texts->times[i], times[i]);
}

static void write_csv(FILE *to, const struct souk_product_get_reply *reply)
{
    struct texts texts;
    make_texts(reply, &texts);
    csv_text(to, reply->code, ",");
    csv_text(to, reply->title, ",");
    csv_text(to, reply->brand, ",");
    csv_text(to, reply->category, ",");
    csv_text(to, reply->attributes, ",");
    csv_text(to, reply->description, ",");
    csv_text(to, reply->slug, ",");
    csv_text(to, reply->external_key, ",");
    (void)fprintf(to, "%s,%s,%s,%u,%u,%s,%s,%s,%s,%s,%s,", texts.price, texts.price_before,
                  texts.currency, reply->popularity, reply->margin,
                  (reply->marks & PRODUCT_MARK_DRAFT) != 0 ? "yes" : "no",
                  (reply->marks & PRODUCT_MARK_UNLISTED) != 0 ? "yes" : "no", texts.times[0],
                  texts.times[1], texts.times[2], texts.times[3]);
    csv_text(to, cli_is_text(reply->page) ? reply->page : (struct souk_text){0}, ",");
    json_t *hex = cli_is_text(reply->page) ? NULL : cli_json_blob(reply->page);
    (void)fprintf(to, "%s\n", hex != NULL ? json_string_value(hex) : "");
    json_decref(hex);
}

static void set_text(json_t *object, const char *name, struct souk_text text)
{
    if (text.bytes > 0)
        (void)json_object_set_new(object, name, cli_json_text(text));
}

static void write_json(FILE *to, const struct souk_product_get_reply *reply)
{
    static const char *const time_names[] = {"visible_from", "visible_until", "buyable_from",
                                             "buyable_until"};
    struct texts texts;
    json_t *object = json_object();
    make_texts(reply, &texts);
    set_text(object, "code", reply->code);
    set_text(object, "title", reply->title);
    set_text(object, "brand", reply->brand);
    set_text(object, "category", reply->category);
    set_text(object, "attributes", reply->attributes);
    set_text(object, "description", reply->description);
    set_text(object, "slug", reply->slug);
    set_text(object, "key", reply->external_key);
    set_text(object, "price", souk_text_of(texts.price));
    set_text(object, "price_before", souk_text_of(texts.price_before));
    set_text(object, "currency", souk_text_of(texts.currency));
    if (reply->popularity != 0)
        (void)json_object_set_new(object, "popularity", json_integer(reply->popularity));
    if (reply->margin != 0)
        (void)json_object_set_new(object, "margin", json_integer(reply->margin));
    if ((reply->marks & PRODUCT_MARK_DRAFT) != 0)
        (void)json_object_set_new(object, "draft", json_true());
    if ((reply->marks & PRODUCT_MARK_UNLISTED) != 0)
        (void)json_object_set_new(object, "unlisted", json_true());
    for (u32 i = 0; i < ARRAY_COUNT(time_names); i++)
        set_text(object, time_names[i], souk_text_of(texts.times[i]));
    if (reply->page.bytes > 0)
        (void)json_object_set_new(object, cli_is_text(reply->page) ? "page" : "page_hex",
                                  cli_json_blob(reply->page));
    (void)json_dumpf(object, to, JSON_COMPACT);
    (void)fputc('\n', to);
    json_decref(object);
}

/* Gets and writes a few products. A product that has gone meanwhile is left out. */
static int write_some(struct export *export, struct souk_text names, u32 first)
{
    struct souk_product_get gets[GET_BATCH] = {{0}};
    struct souk_product_get_reply replies[GET_BATCH] = {{0}};
    struct souk_row_product_name name;
    u32 count = 0;
    while (count < GET_BATCH && souk_row_at(names, sizeof name, first + count, &name))
        gets[count++] = (struct souk_product_get){.product_id = name.product_id};
    const int error = souk_product_get_batch(export->cli->client, gets, count, replies, 0);
    if (error != 0)
        return cli_no_answer(export->cli, export->cli->client, error);
    for (u32 i = 0; i < count; i++) {
        if (replies[i].status == SOUK_OK) {
            if (export->is_csv)
                write_csv(export->to, &replies[i]);
            else
                write_json(export->to, &replies[i]);
            export->rows++;
        }
        souk_free(replies[i].memory);
    }
    bar_show(&export->bar, export->rows, export->rows, export->all);
    return CLI_EXIT_DONE;
}

static int write_shard(struct export *export, u16 shard, u16 shards)
{
    struct souk_product_list ask = {.limit = LIST_PAGE_ROWS};
    do {
        struct souk_product_list_reply page;
        const int error = souk_product_list(export->cli->client, shard, &ask, &page);
        if (error != 0)
            return cli_no_answer(export->cli, export->cli->client, error);
        if (page.status != SOUK_OK)
            return cli_refused(export->cli, "export", page.status, page.retry_after_ms, NULL);
        export->all = MAX(export->all, page.product_count * shards);
        const u32 count = page.products.bytes / (u32)sizeof(struct souk_row_product_name);
        int exit_code = CLI_EXIT_DONE;
        for (u32 i = 0; i < count && exit_code == CLI_EXIT_DONE; i += GET_BATCH)
            exit_code = write_some(export, page.products, i);
        ask.after = page.next;
        souk_free(page.memory);
        if (exit_code != CLI_EXIT_DONE)
            return exit_code;
    } while (ask.after != 0);
    return CLI_EXIT_DONE;
}

int verb_export(struct cli *cli, const struct verb_args *args)
{
    const char *path = args->words[0], *format = verb_option(args, "--format");
    const size_t bytes = strlen(path);
    if (format == NULL)
        format = bytes > 4 && strcmp(path + bytes - 4, ".csv") == 0 ? "csv" : "jsonl";
    if (strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
        return cli_usage(cli, "--format is csv or jsonl");
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const bool is_stdout = strcmp(path, "-") == 0;
    struct export export = {.cli = cli, .is_csv = strcmp(format, "csv") == 0};
    export.to = is_stdout ? stdout : fopen(path, "we");
    if (export.to == NULL)
        return cli_usage(cli, "%s: %s", path, strerror(errno));
    if (export.is_csv)
        (void)fputs(csv_heading, export.to);
    bar_begin(&export.bar, "products", 0, verb_option(args, "--quiet") != NULL);
    const u16 shards = souk_server(cli->client).shard_count;
    for (u16 shard = 0; shard < shards && exit_code == CLI_EXIT_DONE; shard++)
        exit_code = write_shard(&export, shard, shards);
    bar_end(&export.bar, export.rows, 1, 1);
    const bool is_failed = ferror(export.to) != 0;
    const bool is_written =
        (is_stdout ? fflush(stdout) == 0 : fclose(export.to) == 0) && !is_failed;
    if (!is_written)
        return cli_usage(cli, "%s: %s", path, strerror(errno));
    if (exit_code == CLI_EXIT_DONE && !is_stdout)
        return cli_print(cli, json_pack("{s:o}", "products", cli_json_u64(export.rows)));
    return exit_code;
}
