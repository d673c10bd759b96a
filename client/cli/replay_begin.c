/* replay_begin: the beginning and the end of a run: connections, journal, sessions, lanes. See
 * client/cli/replay_run.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/replay_drive.h"
#include "client/cli/replay_provider.h"
#include "client/cli/replay_run.h"
#include "client/cli/replay_send.h"

#define CONNECT_PAUSE_NS (200 * NS_PER_MS)
#define AGE_MS_MAX       (23u * 3600 * 1000) /* a server takes new orders under ids of a day */

/* A client that connects within the time that the options give, when a journal says that there has
 * been a server; else at once or not at all. */
struct souk_client *run_open_client(struct run *run, u32 deadline_ms, bool is_patient,
                                    int *exit_code)
{
    struct souk_client *client;
    const u64 end_ns = run_now_ns() + (is_patient ? run->options.retry_ms : 0u) * NS_PER_MS;
    const struct souk_options options = {.address = run->cli->address,
                                         .agent = "souk replay",
                                         .deadline_ms = deadline_ms,
                                         .connect_timeout_ms = run->cli->timeout_ms};
    const struct timespec pause = {.tv_nsec = (long)CONNECT_PAUSE_NS};
    for (bool is_told = false;;) {
        const int error = souk_open(&options, &client);
        if (error == 0)
            return client;
        if (run_now_ns() >= end_ns) {
            *exit_code = cli_no_answer(run->cli, client, error);
            souk_close(client);
            return NULL;
        }
        if (!is_told && !run->options.is_quiet)
            (void)fprintf(stderr, "souk: no server at %s yet; trying for %u s\n", run->cli->address,
                          run->options.retry_ms / 1000);
        is_told = true;
        souk_close(client);
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- lanes ---- */

static struct lane *lane_of(struct run *run, u32 sku, u16 shard)
{
    return &run->lanes[sku % run->options.clients * run->identity.shards + shard];
}

static u16 sku_shard(const struct run *run, u32 sku)
{
    return souk_shard_of(run->plan->skus[sku].resource, (u16)run->identity.shards);
}

static u16 product_shard(const struct run *run, u32 sku)
{
    const char *code = run->plan->skus[sku].code;
    return souk_shard_of_product(souk_id(code, strlen(code)), (u16)run->identity.shards);
}

static void *must_calloc(size_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);
    MUST(memory != NULL);
    return memory;
}

/* As orders, lanes have no lines of their own: a correction is given to one when its turn comes. */
static bool goes_by_lane(const struct run *run, const struct replay_line *line)
{
    return run->options.mode == JOURNAL_MODE_TAKES && line->rule != REPLAY_RULE_CHARGE &&
           line->rule != REPLAY_RULE_UNPRICED;
}

/* Deals SKUs, products and lines out, in two passes: count, then fill. */
static void make_lanes(struct run *run)
{
    const struct replay_plan *plan = run->plan;
    run->lane_count = run->options.clients * run->identity.shards;
    run->lanes = must_calloc(run->lane_count, sizeof *run->lanes);
    for (u32 i = 0; i < plan->sku_count; i++) {
        lane_of(run, i, product_shard(run, i))->product_count++;
        lane_of(run, i, sku_shard(run, i))->sku_count++;
    }
    for (u32 i = 0; i < plan->line_count; i++)
        if (goes_by_lane(run, &plan->lines[i]))
            lane_of(run, plan->lines[i].sku, sku_shard(run, plan->lines[i].sku))->line_count++;
    for (u32 i = 0; i < run->lane_count; i++) {
        struct lane *lane = &run->lanes[i];
        lane->run = run;
        lane->index = i;
        lane->client = i / run->identity.shards;
        lane->shard = (u16)(i % run->identity.shards);
        lane->products = must_calloc(lane->product_count, sizeof *lane->products);
        lane->skus = must_calloc(lane->sku_count, sizeof *lane->skus);
        lane->lines = must_calloc(lane->line_count, sizeof *lane->lines);
        lane->items = must_calloc(run->options.batch, sizeof *lane->items);
        lane->taken = must_calloc(run->options.batch, sizeof *lane->taken);
        lane->product_count = lane->sku_count = lane->line_count = 0;
    }
    for (u32 i = 0; i < plan->sku_count; i++) {
        struct lane *products = lane_of(run, i, product_shard(run, i));
        struct lane *skus = lane_of(run, i, sku_shard(run, i));
        products->products[products->product_count++] = i;
        skus->skus[skus->sku_count++] = i;
    }
    for (u32 i = 0; i < plan->line_count; i++) {
        if (!goes_by_lane(run, &plan->lines[i]))
            continue;
        struct lane *lane = lane_of(run, plan->lines[i].sku, sku_shard(run, plan->lines[i].sku));
        lane->lines[lane->line_count++] = i;
    }
}

/* ---- the journal of an earlier run ---- */

static const char *add_item(struct run *run, const struct journal_entry *entry, u32 index)
{
    const bool is_orders = run->options.mode == JOURNAL_MODE_ORDERS;
    if (!is_orders || entry->step <= SHOP_STEP_RECEIVE)
        return shop_add_item(&run->shop, entry->step, entry->items[index]);
    if (entry->step != SHOP_STEP_ADJUST || entry->count != 1)
        return "a frame has a step that orders do not take";
    return book_check_adjustment(&run->book, entry->items[index]);
}

static const char *restore_intent(struct run *run, struct lane *lane,
                                  const struct journal_entry *entry)
{
    if (lane->count != 0 || entry->seq != lane->seq + 1 || entry->count > run->options.batch)
        return "a frame is out of order";
    shop_begin_frame(&run->shop);
    for (u32 i = 0; i < entry->count; i++) {
        if (i > 0 && entry->items[i].index <= entry->items[i - 1].index)
            return "a frame names something twice";
        const char *reason = add_item(run, entry, i);
        if (reason != NULL)
            return reason;
    }
    lane->seq = entry->seq;
    lane->step = entry->step;
    lane->count = entry->count;
    memcpy(lane->items, entry->items, entry->count * sizeof *lane->items);
    return NULL;
}

static const char *restore_entry(struct run *run, const struct journal_entry *entry)
{
    if (entry->kind == JOURNAL_ENTRY_OPENED) {
        run->is_opened = true;
        return NULL;
    }
    if (entry->kind == JOURNAL_ENTRY_END)
        return book_end(&run->book, entry->event, entry->answers[0].status,
                        entry->answers[0].value);
    if (entry->lane >= run->lane_count)
        return "no such lane";
    struct lane *lane = &run->lanes[entry->lane];
    if (entry->kind == JOURNAL_ENTRY_INTENT)
        return restore_intent(run, lane, entry);
    if (lane->count != entry->count || entry->seq != lane->seq)
        return "an answer belongs to no frame";
    run_apply(lane, entry->answers);
    return run->reason;
}

static int restore(struct run *run, struct journal_reader *reader)
{
    struct journal_entry *entry = must_calloc(1, sizeof *entry);
    const char *reason = NULL;
    int got;
    while (reason == NULL && (got = journal_read_entry(reader, entry)) != 0)
        reason = got < 0 ? "it cannot be read" : restore_entry(run, entry);
    if (reason != NULL)
        (void)cli_usage(run->cli, "%s:%llu: %s", run->options.journal_path,
                        (unsigned long long)reader->line - 1, reason);
    for (u32 i = 0; i < run->lane_count; i++)
        run->resent_lanes += run->lanes[i].count > 0;
    run->lines_before = run->shop.totals.lines_done;
    run->ops_before = run->shop.totals.ops;
    run->orders_before = run->book.totals.accepted + run->book.totals.refused;
    free(entry);
    return reason == NULL ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

/* NULL, or in what the journal's replay differs from this one. */
static const char *identity_differs(const struct journal_identity *a,
                                    const struct journal_identity *b)
{
    if (a->mode != b->mode)
        return "a replay of the other kind: --as takes, or --as orders";
    if (a->digest != b->digest || a->bytes != b->bytes)
        return "another file of sales";
    if (a->factor != b->factor)
        return "another --stock";
    if (a->clients != b->clients)
        return "another --clients";
    if (a->batch != b->batch)
        return "another --batch";
    if (a->shards != b->shards || memcmp(&a->data_id, &b->data_id, sizeof a->data_id) != 0)
        return "another server's data directory";
    return NULL;
}

/* Reads what an earlier run left, or begins the journal. */
static int open_journal(struct run *run, struct journal_reader *reader)
{
    struct journal_identity earlier;
    const char *reason;
    if (reader->bytes == 0) {
        make_lanes(run);
        journal_put_identity(&run->journal, &run->identity);
        const int error = journal_flush(&run->journal);
        return error == 0
                   ? CLI_EXIT_DONE
                   : cli_usage(run->cli, "%s: %s", run->options.journal_path, strerror(-error));
    }
    memset(&earlier, 0, sizeof earlier);
    reason = journal_read_identity(reader, &earlier);
    if (reason != NULL)
        return cli_usage(run->cli, "%s %s", run->options.journal_path, reason);
    reason = identity_differs(&earlier, &run->identity);
    if (reason != NULL)
        return cli_usage(run->cli, "%s belongs to %s; name another --resume file, or remove it",
                         run->options.journal_path, reason);
    if (earlier.mode == JOURNAL_MODE_ORDERS &&
        run->identity.start_ms > earlier.start_ms + AGE_MS_MAX)
        return cli_usage(run->cli,
                         "%s is older than %u hours, and new orders of such an age are not taken",
                         run->options.journal_path, AGE_MS_MAX / 3600000u);
    run->identity = earlier;
    run->is_resumed = true;
    make_lanes(run);
    return restore(run, reader);
}

/* Every session on every shard. Once that is in the journal it is not done again: a session that
 * the server has forgotten since must be reported, not silently begun anew. */
static int open_sessions(struct run *run)
{
    for (u32 i = 0; i < run->client_count && !run->is_opened; i++) {
        for (u32 shard = 0; shard < run->identity.shards; shard++) {
            const int answer =
                souk_open_session(run->clients[i], (u16)shard, run->identity.sessions[i]);
            if (answer < 0)
                return cli_no_answer(run->cli, run->clients[i], answer);
            if (answer > 0)
                return cli_refused(run->cli, "session open", (u16)answer, 0, NULL);
        }
    }
    if (run->is_opened)
        return CLI_EXIT_DONE;
    journal_put_opened(&run->journal);
    return journal_flush(&run->journal) == 0
               ? CLI_EXIT_DONE
               : cli_usage(run->cli, "%s cannot be written", run->options.journal_path);
}

static void describe(struct run *run)
{
    const struct souk_server_info info = souk_server(run->clients[0]);
    struct journal_identity *identity = &run->identity;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    identity->mode = run->options.mode;
    identity->start_ms = (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / NS_PER_MS;
    identity->digest = run->plan->digest;
    identity->bytes = run->plan->text_bytes;
    identity->factor = run->options.factor;
    identity->clients = run->options.clients;
    identity->batch = run->options.batch;
    identity->shards = info.shard_count;
    identity->data_id = info.data_id;
    for (u32 i = 0; i < identity->clients; i++)
        identity->sessions[i] = souk_new_session();
}

int run_begin(struct run *run, struct cli *cli, const struct replay_events *events,
              struct run_options options)
{
    struct journal_reader reader = {0};
    const struct replay_plan *plan = events->plan;
    memset(run, 0, sizeof *run);
    run->cli = cli;
    run->plan = plan;
    run->events = events;
    run->options = options;
    run->journal.fd = -1;
    shop_init(&run->shop, plan);
    book_init(&run->book, events, &run->shop);
    run->records = must_calloc(1, send_records_bytes(options.batch));
    run->latencies = must_calloc(RUN_LATENCY_US_MAX, sizeof *run->latencies);
    MUST(options.clients >= 1 && options.clients <= JOURNAL_SESSIONS_MAX);
    MUST(options.batch >= 1 && options.batch <= JOURNAL_ITEMS_MAX);
    if (options.journal_path != NULL) {
        const char *reason = journal_open(&run->journal, options.journal_path, &reader);
        if (reason != NULL) {
            journal_reader_close(&reader);
            return cli_usage(cli, "%s: %s", options.journal_path, reason);
        }
    }
    int exit_code = CLI_EXIT_DONE;
    for (u32 i = 0; i < options.clients && exit_code == CLI_EXIT_DONE; i++) {
        run->clients[i] = run_open_client(run, options.retry_ms, reader.bytes > 0, &exit_code);
        run->client_count += run->clients[i] != NULL;
    }
    if (exit_code == CLI_EXIT_DONE) {
        describe(run);
        exit_code = open_journal(run, &reader);
    }
    journal_reader_close(&reader);
    return exit_code == CLI_EXIT_DONE ? open_sessions(run) : exit_code;
}

void run_end(struct run *run)
{
    provider_stop(run->provider);
    for (u32 i = 0; i < run->client_count; i++)
        souk_close(run->clients[i]);
    drive_end(run);
    for (u32 i = 0; run->lanes != NULL && i < run->lane_count; i++) {
        free(run->lanes[i].products);
        free(run->lanes[i].skus);
        free(run->lanes[i].lines);
        free(run->lanes[i].items);
        free(run->lanes[i].taken);
    }
    free(run->lanes);
    free(run->records);
    free(run->latencies);
    journal_close(&run->journal);
    book_deinit(&run->book);
    shop_deinit(&run->shop);
    memset(run, 0, sizeof *run);
}
