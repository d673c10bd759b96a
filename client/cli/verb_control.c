/* verb_control: hello, ping, info, stats, verify, session open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/cli.h"
#include "client/cli/verify.h"

static const char *durability_name(u16 durability)
{
    static const char *const names[] = {"durable", "async", "none"};
    return durability < ARRAY_COUNT(names) ? names[durability] : "unknown";
}

int verb_hello(struct cli *cli, const struct verb_args *args)
{
    struct souk_hello_reply reply;
    char id[SOUK_ID_TEXT_MAX];
    (void)args;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_hello hello = {.version_min = 1,
                                     .version_max = 1,
                                     .want_shard = SOUK_SHARD_ANY,
                                     .agent = souk_text_of("souk " SOUK_VERSION)};
    const int error = souk_hello(cli->client, &hello, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, "hello", reply.status, reply.retry_after_ms, NULL);
    json_t *object = json_pack(
        "{s:o, s:i, s:i, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "server",
        cli_json_text(reply.server), "protocol_version", reply.version, "shard_count",
        reply.shard_count, "reactor_count", reply.reactor_count, "durability",
        durability_name(reply.durability), "data_id", souk_id_print(reply.data_id, id), "time_ns",
        cli_json_u64(reply.time_ns), "frame_bytes_max", cli_json_u64(reply.frame_bytes_max),
        "frame_records_max", cli_json_u64(reply.frame_records_max), "window_frames",
        cli_json_u64(reply.window_frames), "session_reply_bytes_max",
        cli_json_u64(reply.session_reply_bytes_max), "grant_retention_ms",
        cli_json_u64(reply.grant_retention_ms));
    souk_free(reply.memory);
    return cli_print(cli, object);
}

int verb_ping(struct cli *cli, const struct verb_args *args)
{
    struct timespec begin, end;
    struct souk_ping_reply reply;
    (void)args;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    const int error = souk_ping(cli->client, &(struct souk_ping){.echo = 1}, &reply);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, "ping", reply.status, reply.retry_after_ms, NULL);
    const i64 us = (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000;
    return cli_print(
        cli, json_pack("{s:s, s:I}", "address", cli->address, "microseconds", (json_int_t)us));
}

#define TREE_DEPTH_MAX 6

/* One level of a walk over a JSON tree: an object or an array, and how far it is. */
struct tree_level {
    json_t *at;
    void *iterator; /* of an object */
    size_t index;   /* of an array */
    size_t path_bytes;
};

/* The next child and its name; NULL at the end. */
static json_t *next_child(struct tree_level *level, char *name, size_t bytes)
{
    if (json_is_array(level->at)) {
        (void)snprintf(name, bytes, "%zu", level->index);
        return json_array_get(level->at, level->index++);
    }
    if (level->iterator == NULL)
        return NULL;
    json_t *value = json_object_iter_value(level->iterator);
    (void)snprintf(name, bytes, "%s", json_object_iter_key(level->iterator));
    level->iterator = json_object_iter_next(level->at, level->iterator);
    return value;
}

/* Prints "a.0.c  value" for every leaf. The stack is explicit: no recursion; the documents of a
 * server are a few levels deep, what is deeper is printed as JSON. */
static void print_leaves(json_t *root)
{
    struct tree_level stack[TREE_DEPTH_MAX];
    char path[256] = "", name[128];
    size_t depth = 1;
    stack[0] = (struct tree_level){.at = root, .iterator = json_object_iter(root)};
    while (depth > 0) {
        struct tree_level *level = &stack[depth - 1];
        json_t *value = next_child(level, name, sizeof name);
        if (value == NULL) {
            depth--;
            continue;
        }
        (void)snprintf(path + level->path_bytes, sizeof path - level->path_bytes, "%s%s",
                       level->path_bytes == 0 ? "" : ".", name);
        const bool is_container = json_is_object(value) || json_is_array(value);
        if (is_container && depth < TREE_DEPTH_MAX) {
            stack[depth++] = (struct tree_level){
                .at = value, .iterator = json_object_iter(value), .path_bytes = strlen(path)};
            continue;
        }
        char *text =
            json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        printf("%-40s  %s\n", path, text == NULL ? json_string_value(value) : text);
        free(text);
    }
}

/* Texts that the server made as JSON: raw for programs, leaf by leaf for people. */
static int print_document(struct cli *cli, struct souk_text text, void *memory)
{
    json_error_t error;
    json_t *root = json_loadb(text.data, text.bytes, 0, &error);
    if (cli->is_json || !json_is_object(root)) {
        (void)fwrite(text.data, 1, text.bytes, stdout);
        (void)putchar('\n');
    } else {
        print_leaves(root);
    }
    json_decref(root);
    souk_free(memory);
    return CLI_EXIT_DONE;
}

int verb_info(struct cli *cli, const struct verb_args *args)
{
    struct souk_info_reply reply;
    (void)args;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_info(cli->client, &(struct souk_info){0}, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, "info", reply.status, reply.retry_after_ms, NULL);
    return print_document(cli, reply.text, reply.memory);
}

int verb_stats(struct cli *cli, const struct verb_args *args)
{
    struct souk_stats_reply reply;
    (void)args;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_stats(cli->client, &(struct souk_stats){0}, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, "stats", reply.status, reply.retry_after_ms, NULL);
    return print_document(cli, reply.text, reply.memory);
}

int verb_session_open(struct cli *cli, const struct verb_args *args)
{
    char text[SOUK_ID_TEXT_MAX];
    (void)args;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const struct souk_id128 session = souk_new_session();
    const u16 shards = souk_server(cli->client).shard_count;
    for (u16 shard = 0; shard < shards; shard++) {
        const int answer = souk_open_session(cli->client, shard, session);
        if (answer < 0)
            return cli_no_answer(cli, cli->client, answer);
        if (answer > 0)
            return cli_refused(cli, "session open", (u16)answer, 0, NULL);
    }
    return cli_print(cli, json_pack("{s:s, s:i}", "session", souk_id_print(session, text),
                                    "shard_count", shards));
}

/* What fits on a screen of all that --json tells of each shard. */
static json_t *short_rows(const json_t *shards)
{
    static const char *const columns[] = {"shard",   "digest", "violations", "resource_count",
                                          "on_hand", "held",   "allocated",  "session_count"};
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(shards); i++) {
        json_t *row = json_object();
        for (size_t c = 0; c < ARRAY_COUNT(columns); c++)
            (void)json_object_set(row, columns[c],
                                  json_object_get(json_array_get(shards, i), columns[c]));
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

int verb_verify(struct cli *cli, const struct verb_args *args)
{
    struct verify_result result;
    (void)args;
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = verify_all(cli, cli->client, &result);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    json_t *first = json_object_get(result.object, "first");
    const u64 violations = result.violations;
    if (!cli->is_json) {
        (void)cli_print_rows(cli, short_rows(json_object_get(result.object, "shards")));
        printf("%s: %s SKUs, on hand %s, held %s, allocated %s\n",
               violations == 0 ? "sound" : "NOT SOUND", result.resources, result.on_hand,
               result.held, result.allocated);
        if (violations != 0)
            (void)fprintf(stderr, "souk: %llu sums do not agree: %s\n",
                          (unsigned long long)violations, json_string_value(first));
        json_decref(result.object);
    } else {
        cli_print_json(result.object);
    }
    return violations == 0 ? CLI_EXIT_DONE : CLI_EXIT_REFUSED;
}
