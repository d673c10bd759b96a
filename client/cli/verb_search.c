/* verb_search: search, suggest, page, query stats.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/find_view.h"
#include "proto/messages.h"

static const char *const sort_words[] = {"relevance",  "price",  "price-down", "newest",
                                         "popularity", "rating", "discount"};
STATIC_CHECK(ARRAY_COUNT(sort_words) == SEARCH_SORT_COUNT);

static bool option_flag(const struct verb_args *args, const char *name, u16 bit, u16 *flags)
{
    if (verb_option(args, name) != NULL)
        *flags |= bit;
    return true;
}

/* What a search is made of, with the texts that the record points to. */
struct question {
    struct souk_search ask;
    char facets[FACETS_BYTES_MAX + 1];
    char query[QUERY_BYTES_MAX + 1];
    u8 cursor[CURSOR_BYTES_MAX];
    const char *collection; /* as it was named; NULL */
    const char *profile;
};

/* Joins values with `between`. */
static bool join(struct cli *cli, const char *what, char *to, u32 capacity, const char *value,
                 char between)
{
    const size_t used = strlen(to), bytes = strlen(value);
    if (used + 1 + bytes >= capacity) {
        (void)cli_usage(cli, "%s: more than %u bytes in all", what, capacity - 1);
        return false;
    }
    if (used > 0) {
        to[used] = between;
        to[used + 1] = '\0';
    }
    (void)strncat(to, value, capacity - strlen(to) - 1);
    return true;
}

static bool gather_words(struct cli *cli, const struct verb_args *args, struct question *question)
{
    for (u32 i = 0; i < args->count; i++)
        if (!join(cli, "the query", question->query, sizeof question->query, args->words[i], ' '))
            return false;
    question->ask.query = souk_text_of(question->query);
    u32 at = 0;
    const char *value;
    while ((value = verb_option_next(args, "--facet", &at)) != NULL)
        if (!join(cli, "--facet", question->facets, sizeof question->facets, value, ','))
            return false;
    question->ask.facets = souk_text_of(question->facets);
    const char *cursor = verb_option(args, "--cursor");
    u32 bytes = 0;
    if (cursor != NULL && !find_unhex(cursor, question->cursor, sizeof question->cursor, &bytes)) {
        (void)cli_usage(cli, "--cursor is what the page before printed, in hex digits");
        return false;
    }
    question->ask.cursor = (struct souk_text){.data = (char *)question->cursor, .bytes = bytes};
    return true;
}

static bool gather_question(struct cli *cli, const struct verb_args *args,
                            struct question *question)
{
    struct souk_search *ask = &question->ask;
    i64 limit = 10, offset = 0, ads = 0, bars = 0;
    u64 deadline_ms = 0;
    const char *filter = verb_option(args, "--filter");
    const char *product = verb_option(args, "--only");
    if (!gather_words(cli, args, question) ||
        !cli_text(cli, "--filter", filter, FILTER_BYTES_MAX, &ask->filter) ||
        !cli_option_count(cli, args, "--limit", 0, SEARCH_LIMIT_MAX, &limit) ||
        !cli_option_count(cli, args, "--offset", 0, SEARCH_OFFSET_MAX, &offset) ||
        !cli_option_count(cli, args, "--ads", 0, 10, &ads) ||
        !cli_option_count(cli, args, "--bars", 0, 50, &bars) ||
        !cli_option_duration(cli, args, "--deadline", 60000, &deadline_ms) ||
        !cli_option_word(cli, args, "--sort", sort_words, ARRAY_COUNT(sort_words), 0, &ask->sort) ||
        !cli_option_name(cli, args, "--profile", &ask->profile_id) ||
        !cli_option_name(cli, args, "--collection", &ask->collection_id) ||
        !cli_option_user_of(cli, args, "--user", &ask->user_id) ||
        !option_flag(args, "--explain", SEARCH_FLAG_EXPLAIN, &ask->flags) ||
        !option_flag(args, "--no-typos", SEARCH_FLAG_NO_TYPOS, &ask->flags) ||
        !option_flag(args, "--whole", SEARCH_FLAG_NO_PREFIX, &ask->flags) ||
        !option_flag(args, "--all-words", SEARCH_FLAG_NO_DROP, &ask->flags) ||
        !option_flag(args, "--at-least", SEARCH_FLAG_AT_LEAST, &ask->flags) ||
        !option_flag(args, "--no-curation", SEARCH_FLAG_NO_CURATION, &ask->flags) ||
        !option_flag(args, "--staff", SEARCH_FLAG_STAFF, &ask->flags))
        return false;
    question->collection = verb_option(args, "--collection");
    question->profile = verb_option(args, "--profile");
    if (product != NULL)
        ask->only_product_id = souk_id(product, strlen(product));
    ask->limit = (u32)limit;
    ask->offset = (u32)offset;
    ask->ads = (u16)ads;
    ask->bars = (u16)bars;
    ask->deadline_ms = (u32)deadline_ms;
    return true;
}

static json_t *search_json(const struct question *question, const struct souk_search_reply *reply)
{
    char cursor[2 * CURSOR_BYTES_MAX + 1];
    find_hex(reply->cursor, cursor);
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "total", cli_json_u64(reply->total),
        "notes", find_notes(reply->notes), "understood", cli_json_text(reply->corrected), "words",
        (int)reply->words, "words_required", (int)reply->words_required, "hits",
        find_hits(reply->hits, reply->texts), "highlights",
        record_rows("highlight", reply->highlights), "facets", find_facets(question->facets, reply),
        "shards", record_rows("shard_span", reply->shards), "cursor",
        *cursor == '\0' ? json_null() : json_string(cursor));
    MUST(object != NULL);
    if (reply->explanation.bytes > 0)
        (void)json_object_set_new(object, "explanation", cli_json_text(reply->explanation));
    return object;
}

#define WHAT_BYTES 96u

/* What a refusal is about: the name that nobody has, or the search. */
static void name_question(const struct question *question, const struct souk_search_reply *reply,
                          char what[WHAT_BYTES])
{
    const char *collection = question->collection, *profile = question->profile;
    if (reply->status != SOUK_NOT_FOUND)
        (void)snprintf(what, WHAT_BYTES, "search");
    else if (collection != NULL && profile != NULL)
        (void)snprintf(what, WHAT_BYTES, "collection %.30s or profile %.30s", collection, profile);
    else
        (void)snprintf(what, WHAT_BYTES, "%s %.60s", collection != NULL ? "collection" : "profile",
                       collection != NULL ? collection
                       : profile != NULL  ? profile
                                          : "");
}

/* The text that a refusal is about. */
static struct souk_text text_of_problem(const struct souk_search *ask,
                                        const struct souk_search_reply *reply)
{
    const struct souk_text problem = reply->problem;
    if (reply->status == SOUK_BAD_QUERY)
        return ask->query;
    if (reply->status != SOUK_BAD_FILTER ||
        (problem.bytes > 11 && memcmp(problem.data, "collection:", 11) == 0))
        return (struct souk_text){0};
    const bool is_facet = problem.bytes > 7 && memcmp(problem.data, "facets:", 7) == 0;
    return is_facet ? ask->facets : ask->filter;
}

/* A refusal that says where the text is wrong, with the place marked. */
static int refused(struct cli *cli, const struct question *question,
                   const struct souk_search_reply *reply)
{
    json_t *object = json_pack("{s:o, s:o}", "problem", cli_json_text(reply->problem), "at",
                               cli_json_u64(reply->error_at));
    char what[WHAT_BYTES];
    name_question(question, reply, what);
    const int exit_code = cli_refused(cli, what, reply->status, reply->retry_after_ms, object);
    if (!cli->is_json && reply->problem.bytes > 0)
        find_mark_place(text_of_problem(&question->ask, reply), reply->error_at, reply->problem);
    return exit_code;
}

int verb_search(struct cli *cli, const struct verb_args *args)
{
    struct question *question = calloc(1, sizeof *question);
    struct souk_search_reply reply;
    MUST(question != NULL);
    int exit_code = CLI_EXIT_USAGE;
    if (gather_question(cli, args, question))
        exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE) {
        free(question);
        return exit_code;
    }
    const int error = souk_search(cli->client, &question->ask, &reply);
    if (error != 0) {
        free(question);
        return cli_no_answer(cli, cli->client, error);
    }
    if (reply.status != SOUK_OK)
        exit_code = refused(cli, question, &reply);
    else if (cli->is_json)
        cli_print_json(search_json(question, &reply));
    else
        find_print_search(cli, question->facets, &reply);
    souk_free(reply.memory);
    free(question);
    return exit_code;
}

/* ---- suggest --------------------------------------------------------------------------------- */

static json_t *completions(const struct souk_suggest_reply *reply)
{
    json_t *array = json_array();
    struct souk_row_completion row;
    for (u32 at = 0; reply->completions.bytes - at >= sizeof row; at += (u32)sizeof row) {
        memcpy(&row, reply->completions.data + at, sizeof row);
        json_t *object =
            json_pack("{s:o, s:i}", "query",
                      cli_json_text(find_text(reply->texts, row.text_offset, row.text_bytes)),
                      "products", (int)row.count);
        MUST(object != NULL);
        (void)json_array_append_new(array, object);
    }
    return array;
}

static void print_suggestions(const json_t *object)
{
    const json_t *words = json_object_get(object, "completions");
    const json_t *hits = json_object_get(object, "hits");
    table_print(stdout, words, NULL, "query products");
    if (json_array_size(words) > 0 && json_array_size(hits) > 0)
        (void)putchar('\n');
    table_print(stdout, hits, NULL, "code title price stock");
    if (json_array_size(words) == 0 && json_array_size(hits) == 0)
        (void)puts("nothing");
}

int verb_suggest(struct cli *cli, const struct verb_args *args)
{
    struct souk_suggest ask = {0};
    struct souk_suggest_reply reply;
    char query[QUERY_BYTES_MAX + 1] = "";
    i64 words = 10, products = 5;
    const char *category = verb_option(args, "--category");
    for (u32 i = 0; i < args->count; i++)
        if (!join(cli, "the query", query, sizeof query, args->words[i], ' '))
            return CLI_EXIT_USAGE;
    ask.query = souk_text_of(query);
    if (!cli_option_count(cli, args, "--words", 0, SUGGEST_LIMIT_MAX, &words) ||
        !cli_option_count(cli, args, "--products", 0, SUGGEST_LIMIT_MAX, &products))
        return CLI_EXIT_USAGE;
    ask.words = (u32)words;
    ask.products = (u32)products;
    if (category != NULL)
        ask.category_id = souk_id(category, strlen(category));
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_suggest(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK) {
        exit_code = cli_refused(cli, query, reply.status, reply.retry_after_ms, NULL);
    } else {
        json_t *object = json_pack("{s:o, s:o}", "completions", completions(&reply), "hits",
                                   find_hits(reply.hits, reply.texts));
        MUST(object != NULL);
        if (cli->is_json) {
            cli_print_json(object);
        } else {
            print_suggestions(object);
            json_decref(object);
        }
    }
    souk_free(reply.memory);
    return exit_code;
}

/* ---- page ------------------------------------------------------------------------------------ */

static json_t *page_skus(const struct souk_product_page_reply *reply)
{
    json_t *array = json_array();
    struct souk_row_page_sku sku;
    char code[SOUK_TEXT64_MAX];
    for (u32 at = 0; reply->skus.bytes - at >= sizeof sku; at += (u32)sizeof sku) {
        memcpy(&sku, reply->skus.data + at, sizeof sku);
        json_t *object =
            json_pack("{s:o, s:o, s:I, s:s, s:o, s:o}", "code",
                      json_string(souk_text64_print(&sku.code, code)), "price",
                      cli_json_money(sku.price, sku.currency), "price_minor", (json_int_t)sku.price,
                      "stock", find_state(sku.state), "sellable",
                      sku.sellable < 0 ? json_null() : json_integer((json_int_t)sku.sellable),
                      "as_of_ns", cli_json_u64(sku.as_of_ns));
        MUST(object != NULL);
        (void)json_array_append_new(array, object);
    }
    return array;
}

static json_t *page_json(const struct souk_product_page_reply *reply)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:I, s:o, s:o, s:o}",
        "code", cli_json_text(reply->code), "title", cli_json_text(reply->title), "brand",
        cli_json_text(reply->brand), "category", cli_json_text(reply->category), "attributes",
        cli_json_text(reply->attributes), "description", cli_json_text(reply->description), "slug",
        cli_json_text(reply->slug), "key", cli_json_text(reply->external_key), "price",
        cli_json_money(reply->price_from, reply->currency), "price_before",
        cli_json_money(reply->price_before, reply->price_before == 0 ? 0 : reply->currency),
        "stock", find_state(reply->state), "buyable", reply->is_buyable != 0, "page_version",
        cli_json_u64(reply->page_version), "rating_count", (json_int_t)reply->rating_count,
        "version", cli_json_u64(reply->version), "skus", page_skus(reply), "recommended",
        find_recommended(reply->items, reply->texts));
    MUST(object != NULL);
    if (reply->rating_count > 0) {
        char text[48];
        const u64 tenths = reply->rating_sum * 10 / reply->rating_count;
        (void)snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(tenths / 10),
                       (unsigned long long)(tenths % 10));
        (void)json_object_set_new(object, "rating", json_string(text));
    }
    if (reply->page.bytes > 0)
        (void)json_object_set_new(object, cli_is_text(reply->page) ? "page" : "page_hex",
                                  cli_json_blob(reply->page));
    return object;
}

static void print_page(struct cli *cli, const struct souk_product_page_reply *reply)
{
    json_t *object = page_json(reply);
    if (cli->is_json) {
        cli_print_json(object);
        return;
    }
    table_print_lines(stdout, object, NULL,
                      "code ?title ?brand ?category ?attributes ?description ?slug ?key price "
                      "?price_before stock "
                      "buyable ?rating ?rating_count=reviews version page_version");
    const json_t *skus = json_object_get(object, "skus");
    const json_t *items = json_object_get(object, "recommended");
    if (json_array_size(skus) > 0) {
        (void)putchar('\n');
        table_print(stdout, skus, NULL, "code=SKU price stock ?sellable @as_of_ns=as_of");
    }
    if (json_array_size(items) > 0) {
        (void)putchar('\n');
        table_print(stdout, items, NULL, "code=recommended title price stock reason");
    }
    json_decref(object);
}

/* A code that is no product's may be that of a SKU: then the page of its product is meant. */
static bool name_product_of_sku(struct cli *cli, const char *code, struct souk_product_page *ask)
{
    const struct souk_sku_get get = {.resource = souk_sku(code)};
    struct souk_sku_get_reply reply = {0};
    if (souk_sku_get(cli->client, &get, &reply) != 0)
        return false;
    const bool is_found = reply.status == SOUK_OK && reply.product_id != 0;
    if (is_found)
        ask->product_id = reply.product_id;
    souk_free(reply.memory);
    return is_found;
}

/* One page. Returns an exit code. */
static int show_page(struct cli *cli, struct souk_product_page *ask, const char *name)
{
    static const char *const kinds[] = {"", "slug ", "key "};
    struct souk_product_page_reply reply;
    char what[WHAT_BYTES];
    int exit_code = CLI_EXIT_DONE;
    int error = souk_product_page(cli->client, ask, &reply);
    if (error == 0 && reply.status == SOUK_NOT_FOUND && ask->by == PAGE_BY_ID &&
        name_product_of_sku(cli, name, ask)) {
        souk_free(reply.memory);
        error = souk_product_page(cli->client, ask, &reply);
    }
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    (void)snprintf(what, sizeof what, "%s%.64s", kinds[ask->by], name);
    if (reply.status != SOUK_OK)
        exit_code = cli_refused(cli, what, reply.status, reply.retry_after_ms,
                                json_pack("{s:s}", ask->by == PAGE_BY_ID ? "code" : "name", name));
    else if (reply.is_not_modified != 0)
        (void)cli_print(cli, json_pack("{s:s, s:b, s:o}", "code", name, "not_modified", 1,
                                       "page_version", cli_json_u64(reply.page_version)));
    else
        print_page(cli, &reply);
    souk_free(reply.memory);
    return exit_code;
}

/* Whose page is asked for. */
static bool name_page(struct cli *cli, const char *name, struct souk_product_page *ask)
{
    if (ask->by != PAGE_BY_ID)
        return cli_text(cli, "the name", name, ALIAS_BYTES_MAX, &ask->alias);
    const char *reason = value_code_invalid(name);
    ask->product_id = souk_id(name, strlen(name));
    if (reason != NULL)
        (void)cli_usage(cli, "\"%s\" %s", name, reason);
    return reason == NULL;
}

int verb_page(struct cli *cli, const struct verb_args *args)
{
    static const char *const ways[] = {"code", "slug", "key"};
    struct souk_product_page ask = {0};
    i64 recommended = 5;
    if (!cli_option_word(cli, args, "--by", ways, ARRAY_COUNT(ways), PAGE_BY_ID, &ask.by) ||
        !cli_option_count(cli, args, "--recommended", 0, RECOMMEND_LIMIT_MAX, &recommended) ||
        !cli_option_user_of(cli, args, "--user", &ask.user_id) ||
        !cli_option_version(cli, args, &ask.if_version) ||
        !option_flag(args, "--exact", PAGE_FLAG_EXACT_STOCK, &ask.flags) ||
        !option_flag(args, "--no-blob", PAGE_FLAG_NO_BLOB, &ask.flags) ||
        !option_flag(args, "--staff", PAGE_FLAG_STAFF, &ask.flags))
        return CLI_EXIT_USAGE;
    if (args->count > 1 && ask.if_version != 0)
        return cli_usage(cli, "--if-version is of one product");
    for (u32 i = 0; i < args->count; i++)
        if (!name_page(cli, args->words[i], &ask))
            return CLI_EXIT_USAGE;
    ask.recommended = (u32)recommended;
    int exit_code = cli_connect(cli);
    for (u32 i = 0; i < args->count && exit_code <= CLI_EXIT_REFUSED; i++) {
        if (i > 0 && !cli->is_json)
            (void)putchar('\n');
        (void)name_page(cli, args->words[i], &ask);
        const int shown = show_page(cli, &ask, args->words[i]);
        exit_code = MAX(exit_code, shown);
    }
    return exit_code;
}

/* ---- query stats ----------------------------------------------------------------------------- */

/* Puts the rows of a shard where they belong: those asked most come first. */
static void add_counts(json_t *to, struct souk_text rows)
{
    json_t *more = record_rows("query_count", rows), *row;
    size_t i, at = 0;
    json_array_foreach(more, i, row) /* both lists are in order */
    {
        const json_int_t asked = json_integer_value(json_object_get(row, "asked"));
        while (at < json_array_size(to) &&
               json_integer_value(json_object_get(json_array_get(to, at), "asked")) >= asked)
            at++;
        (void)json_array_insert(to, at, row);
    }
    json_decref(more);
}

int verb_query_stats(struct cli *cli, const struct verb_args *args)
{
    i64 limit = 20;
    if (!cli_option_count(cli, args, "--limit", 1, 100, &limit))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_query_stats ask = {.limit = (u32)limit};
    struct souk_query_stats_reply reply;
    u64 asked = 0, empty = 0;
    json_t *popular = json_array(), *hopeless = json_array();
    const u16 shards = souk_server(cli->client).shard_count;
    for (u16 shard = 0; shard < shards; shard++) {
        const int error = souk_query_stats(cli->client, shard, &ask, &reply);
        if (error != 0) {
            json_decref(popular);
            json_decref(hopeless);
            return cli_no_answer(cli, cli->client, error);
        }
        if (reply.status != SOUK_OK) {
            json_decref(popular);
            json_decref(hopeless);
            souk_free(reply.memory);
            return cli_refused(cli, "query stats", reply.status, reply.retry_after_ms, NULL);
        }
        asked += reply.asked;
        empty += reply.empty;
        add_counts(popular, reply.popular);
        add_counts(hopeless, reply.hopeless);
        souk_free(reply.memory);
    }
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "asked", cli_json_u64(asked), "empty",
                               cli_json_u64(empty), "popular", popular, "hopeless", hopeless);
    MUST(object != NULL);
    if (cli->is_json) {
        cli_print_json(object);
        return CLI_EXIT_DONE;
    }
    table_print_lines(stdout, object, NULL, "asked empty");
    table_print(stdout, popular, NULL, "query asked empty @last_ns=last");
    table_print(stdout, hopeless, NULL, "query=without_hits asked @last_ns=last");
    json_decref(object);
    return CLI_EXIT_DONE;
}
