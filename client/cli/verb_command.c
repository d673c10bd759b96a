/* verb_command: the outbox and what is stuck: command poll, ack, nack, wait, list; stuck.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "proto/saga.h"

#define POLL_MAX      8190
#define WAIT_SLICE_MS 200u

static const char *const kind_words[] = {"authorize", "capture", "void",
                                         "refund",    "query",   "notify-shipped"};
STATIC_CHECK(ARRAY_COUNT(kind_words) == SOUK_COMMAND_NOTIFY_SHIPPED);

static bool option_group(struct cli *cli, const struct verb_args *args, u32 *group)
{
    i64 value = 0;
    if (!cli_option_count(cli, args, "--group", 0, UINT32_MAX, &value))
        return false;
    *group = (u32)value;
    return true;
}

static bool option_kinds(struct cli *cli, const struct verb_args *args, u32 *kinds)
{
    return cli_option_words(cli, args, "--kind", kind_words, ARRAY_COUNT(kind_words),
                            SOUK_COMMAND_AUTHORIZE, kinds);
}

/* ---- leasing ---- */

static void print_commands(struct cli *cli, json_t *rows)
{
    size_t index;
    json_t *row;
    if (cli->is_json)
        json_array_foreach(rows, index, row) cli_print_json(json_incref(row));
    else
        table_print(stdout, rows, NULL,
                    "key kind $amount currency tender delivery lease ?token ?reference");
}

int verb_command_poll(struct cli *cli, const struct verb_args *args)
{
    struct souk_command_poll poll = {0};
    i64 max = 1;
    u64 wait_ms = 0;
    if (!option_group(cli, args, &poll.group) || !option_kinds(cli, args, &poll.kinds) ||
        !cli_option_duration(cli, args, "--lease", COMMAND_LEASE_MS_MAX, &poll.lease_ms) ||
        !cli_option_duration(cli, args, "--wait", UINT32_MAX, &wait_ms) ||
        !cli_option_count(cli, args, "--max", 1, POLL_MAX, &max))
        return CLI_EXIT_USAGE;
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    struct souk_command_poll_reply *commands = calloc((size_t)max, sizeof *commands);
    MUST(commands != NULL);
    const int count = souk_command_poll_wait(cli->client, &poll, (u32)wait_ms, commands, (u32)max);
    const u16 status = commands[0].status;
    json_t *rows = json_array();
    for (int i = 0; i < count; i++)
        (void)json_array_append_new(rows, record_reply(SOUK_OP_COMMAND_POLL, &commands[i]));
    print_commands(cli, rows);
    json_decref(rows);
    free(commands);
    if (count < 0)
        return cli_no_answer(cli, cli->client, count);
    return count > 0 ? CLI_EXIT_DONE : cli_refused(cli, "command poll", status, 0, NULL);
}

/* KEY LEASE */
static bool take_leased(struct cli *cli, const struct verb_args *args, struct souk_id128 *order,
                        u32 *step, u32 *attempt, u64 *lease)
{
    if (souk_command_key_parse(args->words[0], order, step, attempt) != 0) {
        (void)cli_usage(cli, "key \"%s\" is not NUMBER.STEP.ATTEMPT", args->words[0]);
        return false;
    }
    if (value_parse_u64(args->words[1], lease) == NULL)
        return true;
    (void)cli_usage(cli, "lease \"%s\" is not a whole number", args->words[1]);
    return false;
}

int verb_command_ack(struct cli *cli, const struct verb_args *args)
{
    struct souk_command_ack ack = {0};
    if (!take_leased(cli, args, &ack.order, &ack.step, &ack.attempt, &ack.lease))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_COMMAND_ACK, &ack, args->words[0], "state");
}

int verb_command_nack(struct cli *cli, const struct verb_args *args)
{
    struct souk_command_nack nack = {0};
    if (!take_leased(cli, args, &nack.order, &nack.step, &nack.attempt, &nack.lease) ||
        !cli_option_duration(cli, args, "--delay", VALUE_DURATION_MS_MAX, &nack.delay_ms) ||
        !cli_option_reason(cli, args, &nack.reason))
        return CLI_EXIT_USAGE;
    return cli_call(cli, SOUK_OP_COMMAND_NACK, &nack, args->words[0], "state @due_ns=ready_again");
}

/* ---- all shards ---- */

/* What all shards have, after waiting so long at each at most. */
static int ask_ready(struct cli *cli, const struct souk_command_wait *wait, u64 *ready, u64 *dead)
{
    struct souk_request requests[SHARDS_MAX];
    struct souk_command_wait_reply replies[SHARDS_MAX];
    const u16 shards = souk_server(cli->client).shard_count;
    MUST(shards != 0);
    for (u16 i = 0; i < shards; i++)
        requests[i] = (struct souk_request){.op = SOUK_OP_COMMAND_WAIT,
                                            .shard = i,
                                            .count = 1,
                                            .records = wait,
                                            .replies = &replies[i]};
    const int error = souk_call_all(cli->client, requests, shards);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    *ready = *dead = 0;
    for (u16 i = 0; i < shards; i++) {
        if (replies[i].status != SOUK_OK)
            return cli_refused(cli, "command wait", replies[i].status, replies[i].retry_after_ms,
                               NULL);
        *ready += replies[i].ready;
        *dead += replies[i].dead;
    }
    return CLI_EXIT_DONE;
}

int verb_command_wait(struct cli *cli, const struct verb_args *args)
{
    struct souk_command_wait wait = {0};
    u64 left_ms = 0, ready = 0, dead = 0;
    if (!option_group(cli, args, &wait.group) || !option_kinds(cli, args, &wait.kinds) ||
        !cli_option_duration(cli, args, "--wait", VALUE_DURATION_MS_MAX, &left_ms))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = ask_ready(cli, &wait, &ready, &dead);
    /* In short waits, because the answer is there when the slowest shard has answered. */
    while (exit_code == CLI_EXIT_DONE && ready == 0 && left_ms != 0) {
        wait.wait_ms = (u32)MIN(left_ms, WAIT_SLICE_MS);
        left_ms -= wait.wait_ms;
        exit_code = ask_ready(cli, &wait, &ready, &dead);
    }
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    return cli_print(
        cli, json_pack("{s:o, s:o}", "ready", cli_json_u64(ready), "dead", cli_json_u64(dead)));
}

/* The commands of one shard, page by page. */
static int list_shard(struct cli *cli, u16 shard, u32 states, json_t *rows)
{
    struct souk_command_list list = {.states = states};
    bool is_more = true;
    while (is_more) {
        struct souk_command_list_reply page = {0};
        struct souk_row_command row;
        u32 i = 0;
        const int error = souk_command_list(cli->client, shard, &list, &page);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (page.status != SOUK_OK)
            return cli_refused(cli, "command list", page.status, page.retry_after_ms, NULL);
        json_t *more = record_rows("command", page.commands);
        (void)json_array_extend(rows, more);
        json_decref(more);
        for (; souk_row_at(page.commands, sizeof row, i, &row); i++) {
            list.after = row.order;
            list.after_step = row.step;
        }
        is_more = page.more != 0 && i != 0;
        souk_free(page.memory);
    }
    return CLI_EXIT_DONE;
}

int verb_command_list(struct cli *cli, const struct verb_args *args)
{
    static const char *const states[] = {"ready", "leased", "waiting",
                                         "done",  "dead",   "taken-back"};
    u32 bits = 0;
    size_t index;
    json_t *row;
    if (!cli_option_words(cli, args, "--state", states, ARRAY_COUNT(states),
                          SOUK_COMMAND_STATE_READY, &bits))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    json_t *rows = json_array();
    const u16 shards = exit_code == CLI_EXIT_DONE ? souk_server(cli->client).shard_count : 0;
    for (u16 shard = 0; shard < shards && exit_code == CLI_EXIT_DONE; shard++)
        exit_code = list_shard(cli, shard, bits, rows);
    if (exit_code == CLI_EXIT_DONE && cli->is_json)
        json_array_foreach(rows, index, row) cli_print_json(json_incref(row));
    else if (exit_code == CLI_EXIT_DONE)
        table_print(
            stdout, rows, NULL,
            "key kind $amount currency state deliveries ?reason @since_ns=since @due_ns=due");
    json_decref(rows);
    return exit_code;
}

/* ---- stuck orders ---- */

struct stuck_rows {
    struct souk_row_stuck *rows;
    size_t count;
    size_t capacity;
};

static int stuck_of_shard(struct cli *cli, u16 shard, struct souk_stuck_list list,
                          struct stuck_rows *stuck)
{
    bool is_more = true;
    while (is_more) {
        struct souk_stuck_list_reply page = {0};
        struct souk_row_stuck row;
        u32 i = 0;
        const int error = souk_stuck_list(cli->client, shard, &list, &page);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (page.status != SOUK_OK)
            return cli_refused(cli, "stuck", page.status, page.retry_after_ms, NULL);
        for (; souk_row_at(page.orders, sizeof row, i, &row); i++) {
            if (stuck->count == stuck->capacity) {
                stuck->capacity = MAX(stuck->capacity * 2, 64u);
                stuck->rows = realloc(stuck->rows, stuck->capacity * sizeof *stuck->rows);
                MUST(stuck->rows != NULL);
            }
            stuck->rows[stuck->count++] = row;
            list.after = row.order;
            list.after_since_ns = row.since_ns;
        }
        is_more = page.more != 0 && i != 0;
        souk_free(page.memory);
    }
    return CLI_EXIT_DONE;
}

static int longest_first(const void *a, const void *b)
{
    const struct souk_row_stuck *left = a, *right = b;
    return left->since_ns < right->since_ns ? -1 : left->since_ns > right->since_ns ? 1 : 0;
}

/* The WAITING states by number; NULL for the others. */
static u32 waiting_states(const char *words[SAGA_STATE_COUNT])
{
    u32 count = 0;
    for (u16 number = 1; number < SAGA_STATE_COUNT; number++) {
        const struct saga_state_info *state = saga_state_find(number);
        words[number] = state != NULL && state->kind == SAGA_KIND_WAITING ? state->name : NULL;
        count = number + 1u;
    }
    words[0] = NULL;
    return count;
}

int verb_stuck(struct cli *cli, const struct verb_args *args)
{
    const char *words[SAGA_STATE_COUNT];
    struct souk_stuck_list list = {0};
    struct stuck_rows stuck = {0};
    const u32 word_count = waiting_states(words);
    if (!cli_option_duration(cli, args, "--older", VALUE_DURATION_MS_MAX, &list.older_ms) ||
        !cli_option_words(cli, args, "--state", words, word_count, 0, &list.states))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    const u16 shards = exit_code == CLI_EXIT_DONE ? souk_server(cli->client).shard_count : 0;
    for (u16 shard = 0; shard < shards && exit_code == CLI_EXIT_DONE; shard++)
        exit_code = stuck_of_shard(cli, shard, list, &stuck);
    if (stuck.count > 1)
        qsort(stuck.rows, stuck.count, sizeof *stuck.rows, longest_first);
    for (size_t i = 0; i < stuck.count && exit_code == CLI_EXIT_DONE && cli->is_json; i++) {
        json_t *rows = record_rows("stuck", souk_rows_of(&stuck.rows[i], sizeof stuck.rows[i], 1));
        cli_print_json(json_incref(json_array_get(rows, 0)));
        json_decref(rows);
    }
    if (exit_code == CLI_EXIT_DONE && !cli->is_json) {
        json_t *rows =
            record_rows("stuck", souk_rows_of(stuck.rows, sizeof *stuck.rows, (u32)stuck.count));
        table_print(stdout, rows, NULL,
                    "order state @since_ns=since $total currency user_id=user ?reason");
        cli_say(cli, "%zu orders wait", stuck.count);
        json_decref(rows);
    }
    free(stuck.rows);
    return exit_code;
}
