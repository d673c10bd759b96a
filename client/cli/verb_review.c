/* verb_review: review put, get, list, moderate, vote, reply, delete, erase, queue, policy; rating.
 *
 * Products are named by their codes, users as everywhere. A page of a list ends with what --after takes
 * for the next one. erase and queue ask every shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/cli_width.h"
#include "client/cli/find_view.h"

static const char *const states[] = {"pending", "approved", "rejected", "flagged"};

/* PRODUCT USER, the first two arguments. */
static bool name_arguments(struct cli *cli, const struct verb_args *args, u64 *product_id,
                           u64 *user_id)
{
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_user(cli, args, 1, user_id))
        return false;
    *product_id = souk_id(code, strlen(code));
    return true;
}

/* ---- changes ---- */

static bool parse_stars(struct cli *cli, const char *text, i64 *stars)
{
    if (value_parse_count(text, 1, 5, stars) == NULL)
        return true;
    (void)cli_usage(cli, "stars \"%s\": 1 to 5", text);
    return false;
}

/* The rating of the product, as it is now. */
static void add_rating(json_t *object)
{
    char text[32] = "-";
    const json_int_t sum = json_integer_value(json_object_get(object, "rating_sum"));
    const json_int_t count = json_integer_value(json_object_get(object, "rating_count"));
    if (count != 0)
        (void)snprintf(text, sizeof text, "%.2f", (double)sum / (double)count);
    (void)json_object_set_new(object, "rating", json_string(text));
}

/* Makes a change and says what has become of the review and of the product's rating. */
static int change(struct cli *cli, u16 op, const void *record, const struct verb_args *args)
{
    struct cli_answer answer;
    char what[160];
    (void)snprintf(what, sizeof what, "review of %.64s by %.64s", args->words[0], args->words[1]);
    int exit_code = cli_ask(cli, op, 0, record, &answer);
    if (exit_code == CLI_EXIT_DONE && (cli->is_json || answer.status != SOUK_OK)) {
        exit_code = cli_answer(cli, op, &answer, what, 0, "");
    } else if (exit_code == CLI_EXIT_DONE) {
        json_t *object = record_reply(op, answer.reply);
        add_rating(object);
        (void)json_object_set_new(object, "replayed", json_boolean(answer.is_replayed));
        table_print_one(stdout, object, NULL,
                        "version state ?is_verified=verified rating=product_rating "
                        "rating_count=of_reviews ?replayed");
        const char *state = json_string_value(json_object_get(object, "state"));
        if (op == SOUK_OP_REVIEW_PUT && state != NULL && strcmp(state, states[0]) == 0)
            cli_say(cli, "it waits for: souk review moderate %s %s approved", args->words[0],
                    args->words[1]);
        json_decref(object);
    }
    cli_answer_end(op, &answer);
    return exit_code;
}

int verb_review_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_put put = {0};
    i64 stars = 0;
    if (!name_arguments(cli, args, &put.product_id, &put.user_id) ||
        !parse_stars(cli, args->words[2], &stars) ||
        !cli_option_version(cli, args, &put.if_version) ||
        !cli_text_line(cli, "--title", verb_option(args, "--title"), REVIEW_TITLE_BYTES_MAX,
                       &put.title) ||
        !cli_text_lines(cli, "--body", verb_option(args, "--body"), REVIEW_BODY_BYTES_MAX,
                        &put.body) ||
        !cli_text_lines(cli, "--media", verb_option(args, "--media"), REVIEW_MEDIA_BYTES_MAX,
                        &put.media))
        return CLI_EXIT_USAGE;
    put.stars = (u16)stars;
    return change(cli, SOUK_OP_REVIEW_PUT, &put, args);
}

int verb_review_moderate(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_moderate ask = {0};
    if (!name_arguments(cli, args, &ask.product_id, &ask.user_id) ||
        !cli_word(cli, "state", args->words[2], states, ARRAY_COUNT(states), 1, &ask.state) ||
        !cli_option_name(cli, args, "--actor", &ask.actor) ||
        !cli_option_reason(cli, args, &ask.reason) ||
        !cli_option_version(cli, args, &ask.if_version))
        return CLI_EXIT_USAGE;
    return change(cli, SOUK_OP_REVIEW_MODERATE, &ask, args);
}

int verb_review_vote(struct cli *cli, const struct verb_args *args)
{
    static const char *const votes[] = {"none", "helpful", "unhelpful"};
    struct souk_review_vote ask = {0};
    if (!name_arguments(cli, args, &ask.product_id, &ask.user_id) ||
        !cli_user(cli, args, 2, &ask.voter_id) ||
        !cli_word(cli, "vote", args->words[3], votes, ARRAY_COUNT(votes), 0, &ask.vote))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_REVIEW_VOTE, &ask, args->words[0], "helpful unhelpful ?replayed");
}

int verb_review_reply(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_reply ask = {0};
    const bool is_removed = verb_option(args, "--remove") != NULL;
    if (!name_arguments(cli, args, &ask.product_id, &ask.user_id) ||
        !cli_option_name(cli, args, "--actor", &ask.actor))
        return CLI_EXIT_USAGE;
    if ((args->count == 3) == is_removed || (args->count == 3 && args->words[2][0] == 0))
        return cli_usage(cli, "review reply: a text, or --remove");
    if (!is_removed &&
        !cli_text_lines(cli, "the reply", args->words[2], REVIEW_BODY_BYTES_MAX, &ask.reply))
        return CLI_EXIT_USAGE;
    return change(cli, SOUK_OP_REVIEW_REPLY, &ask, args);
}

int verb_review_delete(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_delete ask = {0};
    if (!name_arguments(cli, args, &ask.product_id, &ask.user_id) ||
        !cli_option_version(cli, args, &ask.if_version))
        return CLI_EXIT_USAGE;
    return change(cli, SOUK_OP_REVIEW_DELETE, &ask, args);
}

/* Every shard, each until nothing is left. */
int verb_review_erase(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_erase ask = {0};
    u64 reviews = 0, votes = 0;
    if (!cli_user(cli, args, 0, &ask.user_id))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const u16 shards = souk_server(cli->client).shard_count;
    for (u16 shard = 0; shard < shards; shard++) {
        struct souk_review_erase_reply reply;
        do {
            const int error = souk_review_erase(cli->client, shard, &ask, &reply);
            if (error != 0)
                return cli_no_answer(cli, cli->client, error);
            if (reply.status != SOUK_OK)
                return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, NULL);
            reviews += reply.reviews;
            votes += reply.votes;
        } while (reply.left != 0); /* ends: each call erases some */
    }
    return cli_print(cli, json_pack("{s:o, s:o, s:o}", "user_id", record_id(ask.user_id), "reviews",
                                    cli_json_u64(reviews), "votes", cli_json_u64(votes)));
}

/* ---- reviews as people read them ---- */

static json_t *part_of(struct souk_text texts, u32 *at, u32 bytes)
{
    json_t *text = NULL;
    if (*at <= texts.bytes && bytes <= texts.bytes - *at)
        text = cli_json_text((struct souk_text){.data = texts.data + *at, .bytes = bytes});
    *at += bytes;
    return text != NULL ? text : json_null();
}

/* The rows with their texts instead of places. */
static json_t *with_texts(struct souk_text rows, struct souk_text texts)
{
    json_t *list = record_rows("review_brief", rows);
    struct souk_row_review_brief row;
    for (u32 i = 0; souk_row_at(rows, sizeof row, i, &row); i++) {
        json_t *object = json_array_get(list, i);
        u32 at = row.text_offset;
        (void)json_object_set_new(object, "title", part_of(texts, &at, row.title_bytes));
        (void)json_object_set_new(object, "body", part_of(texts, &at, row.body_bytes));
        (void)json_object_set_new(object, "reply", part_of(texts, &at, row.reply_bytes));
        (void)json_object_del(object, "text_offset");
        (void)json_object_del(object, "title_bytes");
        (void)json_object_del(object, "body_bytes");
        (void)json_object_del(object, "reply_bytes");
    }
    return list;
}

static const char *string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* "#0123456789abcdef" */
static u64 id_of(const json_t *object, const char *name)
{
    const char *text = string_of(object, name);
    return text[0] == '#' ? strtoull(text + 1, NULL, 16) : 0;
}

/* A text with each of its lines moved in. */
static void print_lines(const char *head, const char *text)
{
    if (text[0] == 0)
        return;
    printf("    %s", head);
    width_print_lines(stdout, text, 4, width_of_terminal(stdout));
    printf("\n");
}

static void print_review(const json_t *review)
{
    static const char stars[] = "*****.....";
    const json_int_t count = json_integer_value(json_object_get(review, "stars"));
    const json_int_t helpful = json_integer_value(json_object_get(review, "helpful"));
    const json_int_t unhelpful = json_integer_value(json_object_get(review, "unhelpful"));
    const char *title = string_of(review, "title");
    char time[VALUE_TIME_BYTES];
    (void)value_print_time((u64)json_integer_value(json_object_get(review, "created_at_ns")), time);
    printf("%.5s%s", stars + 5 - MAX(MIN(count, 5), 0), title[0] != 0 ? "  " : "");
    width_print_lines(stdout, title, 7, width_of_terminal(stdout));
    printf("\n    by %s on %.10s, %s%s", string_of(review, "user_id"), time,
           string_of(review, "state"),
           json_is_true(json_object_get(review, "is_verified")) ? ", verified" : "");
    if (helpful + unhelpful != 0)
        printf(", helpful to %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT, helpful,
               helpful + unhelpful);
    printf("\n");
    print_lines("", string_of(review, "body"));
    print_lines("reply: ", string_of(review, "reply"));
}

static void print_reviews(const json_t *list)
{
    size_t i;
    const json_t *review;
    json_array_foreach(list, i, review)
    {
        if (i != 0)
            printf("\n");
        print_review(review);
    }
}

/* ---- get ---- */

/* The edits with their texts instead of places. */
static json_t *edits_of(const struct souk_review_get_reply *reply)
{
    json_t *list = record_rows("review_edit", reply->edits);
    struct souk_row_review_edit row;
    for (u32 i = 0; souk_row_at(reply->edits, sizeof row, i, &row); i++) {
        json_t *object = json_array_get(list, i);
        u32 at = row.text_offset;
        (void)json_object_set_new(object, "title", part_of(reply->texts, &at, row.title_bytes));
        (void)json_object_set_new(object, "body", part_of(reply->texts, &at, row.body_bytes));
        (void)json_object_del(object, "text_offset");
        (void)json_object_del(object, "title_bytes");
        (void)json_object_del(object, "body_bytes");
    }
    return list;
}

int verb_review_get(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_get get = {0};
    struct souk_review_get_reply reply;
    if (!name_arguments(cli, args, &get.product_id, &get.user_id))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_review_get(cli->client, &get, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = record_reply(SOUK_OP_REVIEW_GET, &reply);
    (void)json_object_set_new(object, "user_id", record_id(get.user_id));
    (void)json_object_set_new(object, "edits", edits_of(&reply));
    (void)json_object_del(object, "texts");
    if (reply.status != SOUK_OK) {
        exit_code = cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, object);
    } else if (cli->is_json) {
        exit_code = cli_print(cli, object);
    } else {
        print_review(object);
        print_lines("media: ", string_of(object, "media"));
        table_print(stdout, json_object_get(object, "edits"), NULL,
                    "version @changed_at_ns=until stars state title");
        json_decref(object);
    }
    souk_free(reply.memory);
    return exit_code;
}

/* ---- list ---- */

/* "KEY:NS:USER", as the page before has told it. */
static bool option_after(struct cli *cli, const struct verb_args *args,
                         struct souk_review_list *list)
{
    const char *text = verb_option(args, "--after");
    int end = 0;
    if (text == NULL)
        return true;
    if (sscanf(text, "%" SCNu64 ":%" SCNu64 ":%" SCNx64 "%n", &list->after_key, &list->after_ns,
               &list->after_user, &end) == 3 &&
        text[end] == 0 && list->after_user != 0)
        return true;
    (void)cli_usage(cli, "--after \"%s\" is not what a page has ended with", text);
    return false;
}

static bool option_stars(struct cli *cli, const struct verb_args *args, u16 *stars)
{
    static const char *const words[] = {"1", "2", "3", "4", "5"};
    u32 bits = 0;
    if (!cli_option_words(cli, args, "--stars", words, ARRAY_COUNT(words), 0, &bits))
        return false;
    *stars = (u16)bits;
    return true;
}

static bool list_arguments(struct cli *cli, const struct verb_args *args,
                           struct souk_review_list *list)
{
    static const char *const sorts[] = {"newest", "helpful", "best", "worst"};
    const char *code;
    i64 limit = 10;
    u32 state_bits = 0;
    if (!cli_code(cli, args, 0, &code) ||
        !cli_option_word(cli, args, "--sort", sorts, ARRAY_COUNT(sorts), 0, &list->sort) ||
        !option_stars(cli, args, &list->stars) ||
        !cli_option_words(cli, args, "--state", states, ARRAY_COUNT(states), 1, &state_bits) ||
        !cli_option_count(cli, args, "--limit", 1, REVIEW_LIST_MAX, &limit) ||
        !option_after(cli, args, list))
        return false;
    list->product_id = souk_id(code, strlen(code));
    list->states = (u16)state_bits;
    list->is_verified = verb_option(args, "--verified") != NULL ? 1 : 0;
    list->limit = (u32)limit;
    return true;
}

int verb_review_list(struct cli *cli, const struct verb_args *args)
{
    struct souk_review_list list = {0};
    struct souk_review_list_reply reply;
    char next[80] = "";
    if (!list_arguments(cli, args, &list))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_review_list(cli->client, &list, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, args->words[0], reply.status, reply.retry_after_ms, NULL);
    if (reply.next_user != 0)
        (void)snprintf(next, sizeof next, "%" PRIu64 ":%" PRIu64 ":%016" PRIx64, reply.next_key,
                       reply.next_ns, reply.next_user);
    json_t *rows = with_texts(reply.reviews, reply.texts);
    souk_free(reply.memory);
    if (cli->is_json)
        return cli_print(cli, json_pack("{s:o, s:s*, s:o}", "total", cli_json_u64(reply.total),
                                        "next", next[0] != 0 ? next : NULL, "reviews", rows));
    print_reviews(rows);
    cli_say(cli, "%s%" PRIu64 " in all%s%s", json_array_size(rows) != 0 ? "\n" : "", reply.total,
            next[0] != 0 ? "; more: --after " : "", next);
    json_decref(rows);
    return CLI_EXIT_DONE;
}

/* ---- queue ---- */

/* Adds a shard's reviews that wait to `rows`, up to `limit`. Returns an exit code. */
static int queue_of_shard(struct cli *cli, u16 shard, struct souk_review_queue ask, json_t *rows,
                          u64 *total)
{
    u32 left = ask.limit;
    while (left != 0) { /* ends: a row less each time, or leaves */
        struct souk_review_queue_reply reply;
        struct souk_row_review_brief row;
        u32 count = 0;
        ask.limit = left;
        const int error = souk_review_queue(cli->client, shard, &ask, &reply);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (reply.status != SOUK_OK)
            return cli_refused(cli, "review queue", reply.status, reply.retry_after_ms, NULL);
        *total += ask.after_user == 0 ? reply.total : 0;
        for (; souk_row_at(reply.reviews, sizeof row, count, &row); count++) {
            ask.after_ns = row.changed_at_ns;
            ask.after_product = row.product_id;
            ask.after_user = row.user_id;
        }
        json_t *part = with_texts(reply.reviews, reply.texts);
        souk_free(reply.memory);
        (void)json_array_extend(rows, part);
        json_decref(part);
        if (count == 0)
            return CLI_EXIT_DONE;
        left -= MIN(count, left);
    }
    return CLI_EXIT_DONE;
}

static json_int_t changed_at(const json_t *row)
{
    return json_integer_value(json_object_get(row, "changed_at_ns"));
}

/* The `limit` oldest of what the shards have told, each of them oldest first. */
static json_t *oldest_of(json_t *rows, u32 limit)
{
    json_t *sorted = json_array();
    for (u32 taken = 0; taken < limit && json_array_size(rows) != 0; taken++) {
        size_t first = 0;
        for (size_t i = 1; i < json_array_size(rows); i++)
            if (changed_at(json_array_get(rows, i)) < changed_at(json_array_get(rows, first)))
                first = i;
        (void)json_array_append(sorted, json_array_get(rows, first));
        (void)json_array_remove(rows, first);
    }
    return sorted;
}

int verb_review_queue(struct cli *cli, const struct verb_args *args)
{
    static const char *const waiting[] = {"pending", NULL, NULL, "flagged"};
    struct souk_review_queue ask = {.state = 1};
    i64 limit = 10;
    u64 total = 0;
    if (!cli_option_word(cli, args, "--state", waiting, ARRAY_COUNT(waiting), 1, &ask.state) ||
        !cli_option_count(cli, args, "--limit", 1, REVIEW_LIST_MAX, &limit))
        return CLI_EXIT_USAGE;
    ask.limit = (u32)limit;
    int exit_code = cli_connect(cli);
    json_t *rows = json_array();
    for (u16 shard = 0; exit_code == CLI_EXIT_DONE && shard < souk_server(cli->client).shard_count;
         shard++)
        exit_code = queue_of_shard(cli, shard, ask, rows, &total);
    json_t *sorted = oldest_of(rows, ask.limit);
    json_decref(rows);
    if (exit_code != CLI_EXIT_DONE) {
        json_decref(sorted);
        return exit_code;
    }
    if (cli->is_json)
        return cli_print(cli,
                         json_pack("{s:o, s:o}", "total", cli_json_u64(total), "reviews", sorted));
    size_t i;
    json_t *row;
    json_array_foreach(sorted, i, row)
    {
        (void)json_object_set_new(row, "code", find_code_of(cli, id_of(row, "product_id")));
    }
    table_print(stdout, sorted, NULL,
                "code=product user_id=user @changed_at_ns=since stars "
                "?is_verified=verified title body");
    cli_say(cli, "%" PRIu64 " wait", total);
    json_decref(sorted);
    return CLI_EXIT_DONE;
}

/* ---- rating ---- */

int verb_rating(struct cli *cli, const struct verb_args *args)
{
    const char *code;
    for (u32 i = 0; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    json_t *rows = json_array();
    for (u32 i = 0; exit_code == CLI_EXIT_DONE && i < args->count; i++) {
        struct souk_rating_get_reply reply;
        code = args->words[i];
        const struct souk_rating_get get = {.product_id = souk_id(code, strlen(code))};
        const int error = souk_rating_get(cli->client, &get, &reply);
        if (error != 0) {
            exit_code = cli_no_answer(cli, cli->client, error);
        } else if (reply.status != SOUK_OK) {
            exit_code = cli_refused(cli, code, reply.status, reply.retry_after_ms,
                                    json_pack("{s:s}", "code", code));
        } else {
            char average[16] = "-";
            json_t *row = record_reply(SOUK_OP_RATING_GET, &reply);
            if (reply.count != 0)
                (void)snprintf(average, sizeof average, "%.2f",
                               (double)reply.sum / (double)reply.count);
            (void)json_object_set_new(row, "code", json_string(code));
            (void)json_object_set_new(row, "average", json_string(average));
            (void)json_array_append_new(rows, row);
        }
    }
    if (exit_code != CLI_EXIT_DONE || cli->is_json) {
        if (exit_code == CLI_EXIT_DONE)
            return cli_print_rows(cli, rows);
        json_decref(rows);
        return exit_code;
    }
    table_print(stdout, rows, NULL,
                "code average count=reviews stars5=5 stars4=4 stars3=3 stars2=2 stars1=1");
    json_decref(rows);
    return CLI_EXIT_DONE;
}

/* ---- the policy ---- */

static bool option_policy(struct cli *cli, const struct verb_args *args,
                          struct souk_review_policy_put *put)
{
    static const char *const answers[] = {"no", "yes"};
    i64 per_day = put->per_day;
    if (!cli_option_count(cli, args, "--per-day", 0, UINT16_MAX, &per_day) ||
        !cli_option_word(cli, args, "--moderated", answers, ARRAY_COUNT(answers), 0,
                         &put->is_moderated) ||
        !cli_option_word(cli, args, "--needs-purchase", answers, ARRAY_COUNT(answers), 0,
                         &put->needs_purchase))
        return false;
    put->per_day = (u32)per_day;
    return true;
}

static int print_policy(struct cli *cli, const struct souk_review_policy_get_reply *reply)
{
    return cli_print(cli, json_pack("{s:o, s:o, s:s, s:s}", "version", cli_json_u64(reply->version),
                                    "per_day", cli_json_u64(reply->per_day), "moderated",
                                    reply->is_moderated != 0 ? "yes" : "no", "needs_purchase",
                                    reply->needs_purchase != 0 ? "yes" : "no"));
}

int verb_review_policy(struct cli *cli, const struct verb_args *args)
{
    const struct souk_review_policy_get get = {.home_id = SOUK_POLICY_HOME};
    struct souk_review_policy_put put = {.home_id = SOUK_POLICY_HOME};
    struct souk_review_policy_put probe = {0};
    struct souk_review_policy_get_reply now;
    /* Wrong arguments are told before anything is sent. */
    if (!option_policy(cli, args, &probe) || !cli_option_version(cli, args, &put.if_version))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_review_policy_get(cli->client, &get, &now);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (now.status != SOUK_OK)
        return cli_refused(cli, "review policy", now.status, now.retry_after_ms, NULL);
    if (args->option_count == 0)
        return print_policy(cli, &now);
    /* What is not named stays; somebody else's change in between is not overwritten. */
    put.per_day = now.per_day;
    put.is_moderated = now.is_moderated;
    put.needs_purchase = now.needs_purchase;
    if (put.if_version == SOUK_VERSION_ANY && now.version != 0)
        put.if_version = now.version;
    if (!option_policy(cli, args, &put))
        return CLI_EXIT_USAGE;
    return cli_put_setting(cli, args, SOUK_OP_REVIEW_POLICY_PUT, &put, "review policy");
}
