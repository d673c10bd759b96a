/* verb_setting: what every shard has for finding: categories, attributes, collections, synonyms, stop
 * words, ranking profiles, curations, ads, the search policy; and slugs and keys of products.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/find_view.h"
#include "proto/limits.h"
#include "proto/messages.h"

static u16 is_given(const struct verb_args *args, const char *name)
{
    return verb_option(args, name) == NULL ? 0 : 1;
}

/* A code or name of any length as an id, 0 where the option was not given. */
static u64 option_id(const struct verb_args *args, const char *name)
{
    const char *text = verb_option(args, name);
    return text == NULL ? 0 : souk_id(text, strlen(text));
}

static bool option_small(struct cli *cli, const struct verb_args *args, const char *name, i64 max,
                         u16 *value)
{
    i64 number = *value;
    if (!cli_option_count(cli, args, name, 0, max, &number))
        return false;
    *value = (u16)number;
    return true;
}

/* The arguments from `first` on, joined with commas. */
static bool join_words(struct cli *cli, const struct verb_args *args, u32 first, char *to,
                       struct souk_text *text)
{
    size_t used = 0;
    for (u32 i = first; i < args->count; i++) {
        char what[24];
        struct souk_text word;
        (void)snprintf(what, sizeof what, "word %u", i - first + 1);
        if (!cli_text_line(cli, what, args->words[i], WORDS_BYTES_MAX, &word))
            return false;
        const size_t bytes = word.bytes;
        if (used + bytes + 1 > WORDS_BYTES_MAX) {
            (void)cli_usage(cli, "words of more than %u bytes in all", WORDS_BYTES_MAX);
            return false;
        }
        if (used > 0)
            to[used++] = ',';
        memcpy(to + used, args->words[i], bytes);
        used += bytes;
    }
    *text = (struct souk_text){.data = to, .bytes = (u32)used};
    return true;
}

/* ---- categories, attributes, collections ----------------------------------------------------- */

/* A category that cannot be put because the one above it was not. */
static void explain_parent(struct cli *cli, const struct souk_category_put *put, const char *parent)
{
    const struct souk_category_get get = {.home_id = SOUK_SHOP, .category_id = put->parent_id};
    struct souk_category_get_reply reply = {0};
    if (put->parent_id == 0 || souk_category_get(cli->client, &get, &reply) != 0)
        return;
    souk_free(reply.memory);
    const char *code = parent != NULL ? parent : put->code.data;
    const size_t bytes =
        parent != NULL ? strlen(parent) : (size_t)(strrchr(put->code.data, '/') - put->code.data);
    if (reply.status == SOUK_NOT_FOUND)
        (void)fprintf(stderr, "      the category above it comes first: souk category put %.*s\n",
                      (int)bytes, code);
}

int verb_category_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_category_put put = {.home_id = SOUK_SHOP, .is_off = is_given(args, "--off")};
    const char *code = args->words[0], *name = verb_option(args, "--name");
    const char *slash = strrchr(code, '/');
    i64 position = 0;
    if (name == NULL)
        name = slash != NULL ? slash + 1 : code;
    if (!cli_text_line(cli, "the code", code, CATEGORY_BYTES_MAX, &put.code) ||
        !cli_text64(cli, "--name", name, &put.name) ||
        !cli_option_count(cli, args, "--position", 0, UINT32_MAX, &position) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    put.category_id = souk_id(code, put.code.bytes);
    put.position = (u32)position;
    put.parent_id = option_id(args, "--parent");
    if (verb_option(args, "--parent") == NULL && slash != NULL)
        put.parent_id = souk_id(code, (size_t)(slash - code));
    if (is_given(args, "--top") != 0)
        put.parent_id = 0;
    const int exit_code = cli_put_setting(cli, args, SOUK_OP_CATEGORY_PUT, &put, code);
    if (exit_code == CLI_EXIT_REFUSED)
        explain_parent(cli, &put, verb_option(args, "--parent"));
    return exit_code;
}

int verb_category_get(struct cli *cli, const struct verb_args *args)
{
    const char *code = args->words[0];
    const struct souk_category_get get = {.home_id = SOUK_SHOP,
                                          .category_id = souk_id(code, strlen(code))};
    return cli_call(cli, SOUK_OP_CATEGORY_GET, &get, code,
                    "code name parent_id position ?is_off=off path version");
}

/* The codes of children: a listing has their ids and names. */
static int add_codes(struct cli *cli, json_t *rows, struct souk_text children)
{
    struct souk_category_get gets[LIST_PAGE_ROWS];
    struct souk_row_category_child child;
    u32 count = 0;
    for (; count < LIST_PAGE_ROWS && souk_row_at(children, sizeof child, count, &child); count++)
        gets[count] =
            (struct souk_category_get){.home_id = SOUK_SHOP, .category_id = child.category_id};
    struct souk_category_get_reply *replies = calloc(MAX(count, 1u), sizeof *replies);
    MUST(replies != NULL);
    const int error =
        count == 0 ? 0 : souk_category_get_batch(cli->client, gets, count, replies, 0);
    for (u32 i = 0; i < count; i++) {
        if (replies[i].status == SOUK_OK)
            (void)json_object_set_new(json_array_get(rows, i), "code",
                                      cli_json_text(replies[i].code));
        souk_free(replies[i].memory);
    }
    free(replies);
    return error == 0 ? CLI_EXIT_DONE : cli_no_answer(cli, cli->client, error);
}

int verb_category_list(struct cli *cli, const struct verb_args *args)
{
    struct souk_category_list ask = {.home_id = SOUK_SHOP, .limit = LIST_PAGE_ROWS};
    if (args->count > 0)
        ask.category_id = souk_id(args->words[0], strlen(args->words[0]));
    int exit_code = cli_connect(cli);
    json_t *rows = json_array();
    while (exit_code == CLI_EXIT_DONE) {
        struct souk_category_list_reply reply;
        const int error = souk_category_list(cli->client, &ask, &reply);
        if (error != 0) {
            exit_code = cli_no_answer(cli, cli->client, error);
            break;
        }
        if (reply.status != SOUK_OK) {
            exit_code = cli_refused(cli, args->count > 0 ? args->words[0] : "categories",
                                    reply.status, reply.retry_after_ms, NULL);
        } else {
            json_t *more = record_rows("category_child", reply.children);
            exit_code = add_codes(cli, more, reply.children);
            ask.after += (u32)json_array_size(more);
            (void)json_array_extend(rows, more);
            const bool is_last = json_array_size(more) == 0 || ask.after >= reply.total;
            json_decref(more);
            if (is_last) {
                souk_free(reply.memory);
                break;
            }
        }
        souk_free(reply.memory);
    }
    if (exit_code == CLI_EXIT_DONE && cli->is_json)
        return cli_print_rows(cli, rows);
    if (exit_code == CLI_EXIT_DONE)
        table_print(stdout, rows, NULL, "code name position child_count=below");
    json_decref(rows);
    return exit_code;
}

int verb_attribute_put(struct cli *cli, const struct verb_args *args)
{
    static const char *const types[] = {"enum", "number", "bool", "text"};
    struct souk_attribute_put put = {.home_id = SOUK_SHOP,
                                     .type = ATTRIBUTE_TYPE_ENUM,
                                     .is_searched = is_given(args, "--not-searched") ^ 1};
    const char *name = args->words[0];
    if (!cli_text64(cli, "the name", name, &put.name) ||
        !cli_option_word(cli, args, "--type", types, ARRAY_COUNT(types), 1, &put.type) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    put.attribute_id = souk_id(name, strlen(name));
    return cli_put_setting(cli, args, SOUK_OP_ATTRIBUTE_PUT, &put, name);
}

int verb_attribute_get(struct cli *cli, const struct verb_args *args)
{
    const char *name = args->words[0];
    const struct souk_attribute_get get = {.home_id = SOUK_SHOP,
                                           .attribute_id = souk_id(name, strlen(name))};
    return cli_call(cli, SOUK_OP_ATTRIBUTE_GET, &get, name,
                    "name type is_searched=searched version");
}

/* Asks a search with the rule whether it can be read. An attribute that no product has yet is only told:
 * products may come. Returns an exit code. */
static int try_rule(struct cli *cli, const struct souk_collection_put *put)
{
    static const char unknown[] = "no product has this attribute";
    const struct souk_search ask = {.filter = put->filter};
    struct souk_search_reply reply;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_search(cli->client, &ask, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status == SOUK_BAD_FILTER) {
        const bool is_unknown =
            memmem(reply.problem.data, reply.problem.bytes, unknown, sizeof unknown - 1) != NULL;
        if (is_unknown)
            (void)cli_usage(cli, "the rule finds nothing before a product has this:");
        else
            exit_code = cli_refused(cli, "--filter", reply.status, 0,
                                    json_pack("{s:o, s:o}", "problem", cli_json_text(reply.problem),
                                              "at", cli_json_u64(reply.error_at)));
        find_mark_place(put->filter, reply.error_at, reply.problem);
    }
    souk_free(reply.memory);
    return exit_code;
}

int verb_collection_put(struct cli *cli, const struct verb_args *args)
{
    static const char *const sorts[] = {"relevance",  "price",  "price-down", "newest",
                                        "popularity", "rating", "discount"};
    struct souk_collection_put put = {.is_off = is_given(args, "--off")};
    const char *name = args->words[0];
    if (!cli_name(cli, "collection", name, &put.home_id) ||
        !cli_text64(cli, "the name", name, &put.name) ||
        !cli_text_line(cli, "--filter", verb_option(args, "--filter"), COLLECTION_BYTES_MAX,
                       &put.filter) ||
        !cli_option_word(cli, args, "--sort", sorts, ARRAY_COUNT(sorts), 0, &put.sort) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    const int exit_code = try_rule(cli, &put);
    return exit_code != CLI_EXIT_DONE
               ? exit_code
               : cli_put_setting(cli, args, SOUK_OP_COLLECTION_PUT, &put, name);
}

/* A get by the id of a name. */
static int get_named(struct cli *cli, const struct verb_args *args, u16 op, const char *columns)
{
    struct {
        u64 home_id;
    } get;
    if (!cli_name(cli, "name", args->words[0], &get.home_id))
        return CLI_EXIT_USAGE;
    return cli_call(cli, op, &get, args->words[0], columns);
}

int verb_collection_get(struct cli *cli, const struct verb_args *args)
{
    return get_named(cli, args, SOUK_OP_COLLECTION_GET, "name filter sort ?is_off=off version");
}

/* ---- words ----------------------------------------------------------------------------------- */

int verb_synonym_put(struct cli *cli, const struct verb_args *args)
{
    char words[WORDS_BYTES_MAX];
    struct souk_synonym_put put = {.is_one_way = is_given(args, "--one-way"),
                                   .is_off = is_given(args, "--off")};
    if (!cli_name(cli, "synonym", args->words[0], &put.home_id) ||
        !join_words(cli, args, 1, words, &put.words) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_SYNONYM_PUT, &put, args->words[0]);
}

int verb_synonym_get(struct cli *cli, const struct verb_args *args)
{
    return get_named(cli, args, SOUK_OP_SYNONYM_GET,
                     "words is_one_way=one_way ?is_off=off version");
}

int verb_stop_words_put(struct cli *cli, const struct verb_args *args)
{
    char words[WORDS_BYTES_MAX];
    struct souk_stop_words_put put = {.is_off = is_given(args, "--off")};
    if (!cli_name(cli, "list", args->words[0], &put.home_id) ||
        !join_words(cli, args, 1, words, &put.words) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_STOP_WORDS_PUT, &put, args->words[0]);
}

int verb_stop_words_get(struct cli *cli, const struct verb_args *args)
{
    return get_named(cli, args, SOUK_OP_STOP_WORDS_GET, "words ?is_off=off version");
}

/* ---- ranking --------------------------------------------------------------------------------- */

int verb_rank_profile_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_rank_profile_put put = {0};
    const char *name = args->words[0];
    i64 bucket = 0;
    if (!cli_name(cli, "profile", name, &put.home_id) ||
        !cli_text64(cli, "the name", name, &put.name) ||
        !cli_option_count(cli, args, "--bucket", 0, UINT32_MAX, &bucket) ||
        !option_small(cli, args, "--popularity", 1000, &put.popularity) ||
        !option_small(cli, args, "--availability", 1000, &put.availability) ||
        !option_small(cli, args, "--rating", 1000, &put.rating) ||
        !option_small(cli, args, "--margin", 1000, &put.margin) ||
        !option_small(cli, args, "--recent-category", 1000, &put.recent_category) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    put.bucket = (u32)bucket;
    return cli_put_setting(cli, args, SOUK_OP_RANK_PROFILE_PUT, &put, name);
}

int verb_rank_profile_get(struct cli *cli, const struct verb_args *args)
{
    return get_named(cli, args, SOUK_OP_RANK_PROFILE_GET,
                     "name bucket popularity availability rating margin recent_category version");
}

/* --pin CODE=N, --hide CODE, --boost CODE=PERCENT */
static bool gather_actions(struct cli *cli, const struct verb_args *args, const char *option,
                           u16 kind, struct souk_row_curation_action *rows, u32 *count)
{
    u32 at = 0;
    const char *value;
    while ((value = verb_option_next(args, option, &at)) != NULL) {
        const char *equals = strrchr(value, '=');
        i64 number = 0;
        if (*count == CURATION_ACTIONS_MAX) {
            (void)cli_usage(cli, "%s: more than %u actions", option, CURATION_ACTIONS_MAX);
            return false;
        }
        if (kind == CURATION_HIDE)
            equals = value + strlen(value);
        else if (equals == NULL || value_parse_count(equals + 1, 1, 10000, &number) != NULL) {
            (void)cli_usage(cli, "%s \"%s\" is not CODE=N", option, value);
            return false;
        }
        rows[(*count)++] = (struct souk_row_curation_action){
            .product_id = souk_id(value, (size_t)(equals - value)),
            .value = (u32)number,
            .kind = kind};
    }
    return true;
}

int verb_curation_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_row_curation_action rows[CURATION_ACTIONS_MAX];
    struct souk_curation_put put = {.is_part = is_given(args, "--part"),
                                    .is_off = is_given(args, "--off"),
                                    .category_id = option_id(args, "--category")};
    const char *name = args->words[0];
    u32 count = 0;
    if (!cli_name(cli, "curation", name, &put.home_id) ||
        !cli_text_line(cli, "--query", verb_option(args, "--query"), WORDS_BYTES_MAX, &put.words) ||
        !cli_option_time(cli, args, "--from", &put.valid_from_ns) ||
        !cli_option_time(cli, args, "--until", &put.valid_until_ns) ||
        !gather_actions(cli, args, "--pin", CURATION_PIN, rows, &count) ||
        !gather_actions(cli, args, "--hide", CURATION_HIDE, rows, &count) ||
        !gather_actions(cli, args, "--boost", CURATION_BOOST, rows, &count) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    put.actions = souk_rows_of(rows, sizeof rows[0], count);
    return cli_put_setting(cli, args, SOUK_OP_CURATION_PUT, &put, name);
}

/* The code of a product that a reply or a row names; "-" for none. */
static void add_code(struct cli *cli, json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "product_id"));
    const u64 product_id = id != NULL && id[0] == '#' ? strtoull(id + 1, NULL, 16) : 0;
    (void)json_object_set_new(object, "code",
                              product_id != 0 ? find_code_of(cli, product_id) : json_string("-"));
}

int verb_curation_get(struct cli *cli, const struct verb_args *args)
{
    static const char columns[] = "?words ?category_id is_part=part ?@valid_from_ns=from "
                                  "?@valid_until_ns=until ?is_off=off version";
    struct souk_curation_get get = {0};
    struct cli_answer answer;
    if (!cli_name(cli, "name", args->words[0], &get.home_id))
        return CLI_EXIT_USAGE;
    int exit_code = cli_ask(cli, SOUK_OP_CURATION_GET, 0, &get, &answer);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = cli_answer(cli, SOUK_OP_CURATION_GET, &answer, args->words[0], 0, columns);
    if (exit_code == CLI_EXIT_DONE && !cli->is_json) {
        json_t *object = record_reply(SOUK_OP_CURATION_GET, answer.reply);
        const json_t *actions = json_object_get(object, "actions");
        size_t i;
        json_t *row;
        json_array_foreach(actions, i, row)
        {
            add_code(cli, row);
        }
        table_print(stdout, actions, NULL, "code=product kind=action value=place_or_percent");
        json_decref(object);
    }
    cli_answer_end(SOUK_OP_CURATION_GET, &answer);
    return exit_code;
}

int verb_ad_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_ad_put put = {.is_off = is_given(args, "--off"),
                              .category_id = option_id(args, "--category"),
                              .product_id = option_id(args, "--product")};
    const char *name = args->words[0];
    u16 currency = 826;
    if (put.product_id == 0)
        return cli_usage(cli, "ad put: --product CODE says what is shown");
    if (!cli_name(cli, "ad", name, &put.home_id) ||
        !cli_text_line(cli, "--words", verb_option(args, "--words"), WORDS_BYTES_MAX, &put.words) ||
        !cli_option_currency(cli, args, &currency) ||
        !cli_option_amount(cli, args, "--bid", currency, &put.bid) ||
        !cli_option_time(cli, args, "--from", &put.valid_from_ns) ||
        !cli_option_time(cli, args, "--until", &put.valid_until_ns) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_AD_PUT, &put, name);
}

int verb_ad_get(struct cli *cli, const struct verb_args *args)
{
    return get_named(cli, args, SOUK_OP_AD_GET,
                     "product_id ?words ?category_id bid ?@valid_from_ns=from "
                     "?@valid_until_ns=until ?is_off=off version");
}

/* ---- the search policy ----------------------------------------------------------------------- */

static int ask_policy(struct cli *cli, struct souk_search_policy_get_reply *reply)
{
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_search_policy_get get = {.home_id = SOUK_SHOP};
    const int error = souk_search_policy_get(cli->client, &get, reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    return reply->status == SOUK_OK
               ? CLI_EXIT_DONE
               : cli_refused(cli, "search policy", reply->status, reply->retry_after_ms, NULL);
}

/* What is not named stays as it is. */
int verb_search_policy_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_search_policy_get_reply now;
    const int exit_code = ask_policy(cli, &now);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    struct souk_search_policy_put put = {.home_id = SOUK_SHOP,
                                         .drop_below = now.drop_below,
                                         .typo1_bytes = now.typo1_bytes,
                                         .typo2_bytes = now.typo2_bytes,
                                         .weight_title = now.weight_title,
                                         .weight_brand = now.weight_brand,
                                         .weight_category = now.weight_category,
                                         .weight_attributes = now.weight_attributes,
                                         .weight_description = now.weight_description,
                                         .weight_code = now.weight_code,
                                         .language = now.language};
    i64 drop_below = now.drop_below;
    if (!cli_option_text64(cli, args, "--language", &put.language) ||
        !cli_option_count(cli, args, "--drop-below", 0, UINT32_MAX, &drop_below) ||
        !option_small(cli, args, "--typo1", 64, &put.typo1_bytes) ||
        !option_small(cli, args, "--typo2", 64, &put.typo2_bytes) ||
        !option_small(cli, args, "--title", 100, &put.weight_title) ||
        !option_small(cli, args, "--brand", 100, &put.weight_brand) ||
        !option_small(cli, args, "--category", 100, &put.weight_category) ||
        !option_small(cli, args, "--attributes", 100, &put.weight_attributes) ||
        !option_small(cli, args, "--description", 100, &put.weight_description) ||
        !option_small(cli, args, "--code", 100, &put.weight_code) ||
        !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    put.drop_below = (u32)drop_below;
    return cli_put_setting(cli, args, SOUK_OP_SEARCH_POLICY_PUT, &put, "search policy");
}

int verb_search_policy_get(struct cli *cli, const struct verb_args *args)
{
    const struct souk_search_policy_get get = {.home_id = SOUK_SHOP};
    (void)args;
    return cli_call(cli, SOUK_OP_SEARCH_POLICY_GET, &get, "search policy",
                    "language drop_below typo1_bytes=typo1 typo2_bytes=typo2 weight_title=title "
                    "weight_brand=brand weight_category=category weight_attributes=attributes "
                    "weight_description=description weight_code=code version");
}

/* ---- slugs and keys -------------------------------------------------------------------------- */

/* The id that a slug or key has. */
static bool alias_of(struct cli *cli, const struct verb_args *args, u16 *kind,
                     struct souk_text *alias, u64 *alias_id)
{
    static const char *const kinds[] = {"slug", "key"};
    char name[ALIAS_BYTES_MAX + 2];
    *kind = ALIAS_KIND_SLUG;
    if (!cli_option_word(cli, args, "--kind", kinds, ARRAY_COUNT(kinds), 1, kind) ||
        !cli_text_line(cli, "the name", args->words[0], ALIAS_BYTES_MAX, alias))
        return false;
    const int bytes =
        snprintf(name, sizeof name, "%s%s", *kind == ALIAS_KIND_KEY ? "/" : "", args->words[0]);
    *alias_id = souk_id(name, (size_t)bytes);
    return true;
}

/* Whose a slug or key is, by the code; with --json by the id, as it was answered. */
static int ask_alias(struct cli *cli, u16 op, const void *record, const char *name)
{
    struct cli_answer answer;
    int exit_code = cli_ask(cli, op, 0, record, &answer);
    if (exit_code == CLI_EXIT_DONE) {
        json_t *object = record_reply(op, answer.reply);
        add_code(cli, object);
        (void)json_object_set_new(object, "alias", json_string(name));
        if (cli->is_json || answer.status != SOUK_OK)
            exit_code = cli_answer(cli, op, &answer, name, 0, "");
        else
            table_print_one(stdout, object, NULL, "alias code=product");
        if (answer.status == SOUK_ALIAS_TAKEN)
            (void)fprintf(stderr, "      it is %s's; --from-product takes it from there\n",
                          json_string_value(json_object_get(object, "code")));
        json_decref(object);
    }
    cli_answer_end(op, &answer);
    return exit_code;
}

int verb_alias_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_alias_put put = {0};
    if (!alias_of(cli, args, &put.kind, &put.alias, &put.alias_id))
        return CLI_EXIT_USAGE;
    if (args->count > 1)
        put.product_id = souk_id(args->words[1], strlen(args->words[1]));
    put.if_product_id = option_id(args, "--from-product");
    if ((args->count > 1) == (is_given(args, "--none") != 0))
        return cli_usage(cli, "alias put: a product's CODE, or --none");
    return ask_alias(cli, SOUK_OP_ALIAS_PUT, &put, args->words[0]);
}

int verb_alias_get(struct cli *cli, const struct verb_args *args)
{
    struct souk_alias_get get = {0};
    struct souk_text alias;
    if (!alias_of(cli, args, &get.kind, &alias, &get.alias_id))
        return CLI_EXIT_USAGE;
    return ask_alias(cli, SOUK_OP_ALIAS_GET, &get, args->words[0]);
}
