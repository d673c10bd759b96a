/* verb_import: products out of a file, row by row, into a server that goes on serving.
 *
 *      rows -> import_map -> a batch of products -> slugs and keys claimed, products put, SKUs put,
 *                                                   stock set -> the journal: so far, all is done
 *
 * Every step is a put of everything, so doing a row twice is harmless: after a stop the import goes on
 * behind the last batch whose rows are all settled. One batch at a time is under way, which leaves the
 * server's time to shoppers; --rate leaves more.
 *
 * Policies: `skip` (default) writes bad rows to a file and goes on; `all` checks every row first and
 * sends nothing if one is bad, and stops at the first refusal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/bar.h"
#include "client/cli/cli.h"
#include "client/cli/import_map.h"
#include "proto/limits.h"
#include "proto/messages.h"

#define BATCH_MAX     256
#define JOURNAL_MAGIC "souk import 1"
#define TRIES_MAX     200u

struct import {
    struct cli *cli;
    const char *path;
    struct row_source source;
    struct import_map map;
    struct import_product *products;
    u16 *statuses; /* of the batch's products */
    u32 batch_max;
    u32 count; /* of the batch */
    FILE *bad;
    char bad_path[512];
    char journal_path[512];
    bool has_journal;
    bool is_quiet;
    bool is_all; /* policy */
    bool is_resumed;
    u64 rate; /* rows per second; 0 = any */
    u64 rows, created, changed, bad_rows, refused;
    u64 begin_ns;
    struct bar bar;
};

static u64 monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static void pause_ms(u64 ms)
{
    const struct timespec time = {.tv_sec = (time_t)(ms / 1000),
                                  .tv_nsec = (long)(ms % 1000 * 1000000)};
    (void)nanosleep(&time, NULL);
}

/* ---- bad rows -------------------------------------------------------------------------------- */

/* One line of the file of bad rows: line, column, code, reason. */
static int note_bad(struct import *import, u64 line, u32 column, struct souk_text code,
                    const char *reason)
{
    import->bad_rows++;
    if (import->bad == NULL) {
        import->bad = fopen(import->bad_path, "we");
        if (import->bad == NULL) {
            (void)fprintf(stderr, "souk: %s: %s\n", import->bad_path, strerror(errno));
            return CLI_EXIT_USAGE;
        }
        (void)fputs("line,column,code,reason\n", import->bad);
    }
    (void)fprintf(import->bad, "%llu,%u,\"", (unsigned long long)line, column);
    for (u32 i = 0; i < code.bytes; i++) {
        if (code.data[i] == '"')
            (void)fputc('"', import->bad);
        (void)fputc(code.data[i], import->bad);
    }
    (void)fprintf(import->bad, "\",\"%s\"\n", reason);
    if (import->is_all)
        (void)fprintf(stderr, "souk: %s: line %llu, column %u: %s\n", import->path,
                      (unsigned long long)line, column, reason);
    return CLI_EXIT_DONE;
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void write_journal(const struct import *import, u64 offset, u64 line)
{
    char next[600];
    if (!import->has_journal)
        return;
    (void)snprintf(next, sizeof next, "%s.new", import->journal_path);
    FILE *to = fopen(next, "we");
    if (to == NULL)
        return;
    (void)fprintf(to, JOURNAL_MAGIC "\nbytes %llu\noffset %llu\nline %llu\nrows %llu\n",
                  (unsigned long long)import->source.bytes, (unsigned long long)offset,
                  (unsigned long long)line, (unsigned long long)import->rows);
    const bool is_good = fflush(to) == 0 && fsync(fileno(to)) == 0;
    (void)fclose(to);
    if (is_good)
        (void)rename(next, import->journal_path);
}

/* Goes on where the journal says. */
static int resume(struct import *import)
{
    unsigned long long bytes = 0, offset = 0, line = 0, rows = 0;
    FILE *from = fopen(import->journal_path, "re");
    if (from == NULL)
        return cli_usage(import->cli, "--resume: %s: %s; nothing was begun, or it has ended",
                         import->journal_path, strerror(errno));
    const int got = fscanf(from, JOURNAL_MAGIC " bytes %llu offset %llu line %llu rows %llu",
                           &bytes, &offset, &line, &rows);
    (void)fclose(from);
    if (got != 4)
        return cli_usage(import->cli, "--resume: %s is no journal of an import",
                         import->journal_path);
    if (bytes != import->source.bytes)
        return cli_usage(import->cli,
                         "--resume: %s has other bytes than when the import began; "
                         "delete %s to begin anew",
                         import->path, import->journal_path);
    if (!row_source_skip(&import->source, offset, line))
        return cli_usage(import->cli, "--resume: %s is shorter than it was", import->path);
    import->rows = rows;
    if (!import->is_quiet)
        (void)fprintf(stderr, "souk: going on at line %llu\n", line);
    return CLI_EXIT_DONE;
}

/* ---- one batch ------------------------------------------------------------------------------- */

static bool is_retry(u16 status)
{
    return souk_status_class(status) == SOUK_CLASS_RETRY;
}

/* What one step needs for one product. False: nothing. */
typedef bool fill_fn(const struct import_product *product, u32 part, void *record);

static bool fill_alias(const struct import_product *product, u32 part, void *record)
{
    struct souk_alias_put *put = record;
    char name[ALIAS_BYTES_MAX + 2];
    const struct souk_text text = part == 0 ? product->put.slug : product->put.external_key;
    if (text.bytes == 0)
        return false;
    const int bytes =
        snprintf(name, sizeof name, "%s%.*s", part == 0 ? "" : "/", (int)text.bytes, text.data);
    *put = (struct souk_alias_put){.alias_id = souk_id(name, (size_t)bytes),
                                   .product_id = product->put.product_id,
                                   .kind = part == 0 ? ALIAS_KIND_SLUG : ALIAS_KIND_KEY,
                                   .alias = text};
    return true;
}

static bool fill_product(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    *(struct souk_product_put *)record = product->put;
    return true;
}

static bool fill_sku(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    *(struct souk_sku_put *)record =
        (struct souk_sku_put){.resource = {.id = product->put.product_id},
                              .product_id = product->put.product_id,
                              .price = product->put.price,
                              .currency = product->put.currency,
                              .code = product->put.code};
    return true;
}

static bool fill_stock(const struct import_product *product, u32 part, void *record)
{
    (void)part;
    if (product->stock < 0)
        return false;
    *(struct souk_stock_set *)record = (struct souk_stock_set){
        .resource = {.id = product->put.product_id}, .value = product->stock, .expected = -1};
    return true;
}

struct step {
    u16 op;
    u32 part; /* told to fill */
    fill_fn *fill;
};
static const struct step steps[] = {{SOUK_OP_ALIAS_PUT, 0, fill_alias},
                                    {SOUK_OP_ALIAS_PUT, 1, fill_alias},
                                    {SOUK_OP_PRODUCT_PUT, 0, fill_product},
                                    {SOUK_OP_SKU_PUT, 0, fill_sku},
                                    {SOUK_OP_STOCK_SET, 0, fill_stock}};

/* The largest record and reply of the steps. */
union any_put {
    struct souk_alias_put alias;
    struct souk_product_put product;
    struct souk_sku_put sku;
    struct souk_stock_set stock;
};
union any_reply {
    struct souk_alias_put_reply alias;
    struct souk_product_put_reply product;
    struct souk_sku_put_reply sku;
    struct souk_stock_set_reply stock;
    struct {
        u16 status;
        u16 flags;
        u32 retry_after_ms;
    } head;
};

static size_t put_bytes(u16 op)
{
    switch (op) {
    case SOUK_OP_ALIAS_PUT: return sizeof(struct souk_alias_put);
    case SOUK_OP_PRODUCT_PUT: return sizeof(struct souk_product_put);
    case SOUK_OP_SKU_PUT: return sizeof(struct souk_sku_put);
    default: return sizeof(struct souk_stock_set);
    }
}

static size_t reply_bytes(u16 op)
{
    switch (op) {
    case SOUK_OP_ALIAS_PUT: return sizeof(struct souk_alias_put_reply);
    case SOUK_OP_PRODUCT_PUT: return sizeof(struct souk_product_put_reply);
    case SOUK_OP_SKU_PUT: return sizeof(struct souk_sku_put_reply);
    default: return sizeof(struct souk_stock_set_reply);
    }
}

/* Counts what a product_put has done. */
static void count_put(struct import *import, const struct souk_product_put_reply *reply)
{
    if (reply->version == 1)
        import->created++;
    else
        import->changed++;
}

/* One step for those of the batch that are good so far and not done; those that shall be tried again
 * get their pause. Returns 0 or an error of the library. */
static int run_step(struct import *import, const struct step *step, u8 *is_done, u64 *pause)
{
    u8 *records = malloc(import->count * sizeof(union any_put));
    u8 *replies = malloc(import->count * sizeof(union any_reply));
    u32 *whose = malloc(import->count * sizeof *whose);
    MUST(records != NULL && replies != NULL && whose != NULL);
    const size_t record = put_bytes(step->op), reply = reply_bytes(step->op);
    u32 count = 0;
    for (u32 i = 0; i < import->count; i++)
        if (import->statuses[i] == SOUK_OK && !is_done[i] &&
            step->fill(&import->products[i], step->part, records + count * record))
            whose[count++] = i;
    int error = 0;
    if (count > 0) {
        const struct souk_request request = {
            .op = step->op, .count = count, .records = records, .replies = replies};
        error = souk_call(import->cli->client, &request);
    }
    for (u32 k = 0; k < count && error == 0; k++) {
        union any_reply answer;
        memcpy(&answer, replies + k * reply, reply);
        if (is_retry(answer.head.status)) {
            *pause = MAX(*pause, MAX(answer.head.retry_after_ms, 1u));
            continue;
        }
        is_done[whose[k]] = 1;
        import->statuses[whose[k]] = answer.head.status;
        if (step->op == SOUK_OP_PRODUCT_PUT && answer.head.status == SOUK_OK)
            count_put(import, &answer.product);
    }
    free(records);
    free(replies);
    free(whose);
    return error;
}

/* A step until nothing has to be tried again. */
static int finish_step(struct import *import, const struct step *step)
{
    u8 is_done[BATCH_MAX] = {0};
    for (u32 tries = 0; tries < TRIES_MAX; tries++) {
        u64 pause = 0;
        const int error = run_step(import, step, is_done, &pause);
        if (error != 0)
            return error;
        if (pause == 0)
            return 0;
        pause_ms(pause);
    }
    for (u32 i = 0; i < import->count; i++)
        if (import->statuses[i] == SOUK_OK && !is_done[i])
            import->statuses[i] = SOUK_OVERLOADED;
    return 0;
}

static void drop_batch(struct import *import)
{
    for (u32 i = 0; i < import->count; i++)
        import_product_free(&import->products[i]);
    import->count = 0;
}

/* Sends the batch; its rows are settled afterwards. */
static int send_batch(struct import *import)
{
    int exit_code = CLI_EXIT_DONE;
    if (import->count == 0)
        return exit_code;
    memset(import->statuses, 0, import->count * sizeof *import->statuses);
    for (u32 s = 0; s < ARRAY_COUNT(steps); s++) {
        if (s >= 3 && !import->map.has_skus)
            break;
        const int error = finish_step(import, &steps[s]);
        if (error != 0)
            return cli_no_answer(import->cli, import->cli->client, error);
    }
    const struct import_product *last = &import->products[import->count - 1];
    for (u32 i = 0; i < import->count && exit_code == CLI_EXIT_DONE; i++) {
        const u16 status = import->statuses[i];
        if (status == SOUK_OK)
            continue;
        import->refused++;
        const struct import_product *product = &import->products[i];
        exit_code = note_bad(import, product->line, 1, product->put.code, souk_status_name(status));
        if (import->is_all)
            exit_code = CLI_EXIT_REFUSED;
    }
    import->rows += import->count;
    if (exit_code == CLI_EXIT_DONE)
        write_journal(import, last->offset, import->source.line);
    drop_batch(import);
    if (import->rate != 0) {
        const u64 due_ns = import->begin_ns + import->rows * NS_PER_S / import->rate;
        const u64 now_ns = monotonic_ns();
        if (due_ns > now_ns)
            pause_ms((due_ns - now_ns) / NS_PER_MS);
    }
    return exit_code;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Reads all rows; `is_sending`: puts them. */
static int read_rows(struct import *import, bool is_sending)
{
    struct row_source *source = &import->source;
    int exit_code = CLI_EXIT_DONE;
    int got;
    while (exit_code == CLI_EXIT_DONE && (got = row_source_next(source)) != 0) {
        struct import_product *product = &import->products[import->count];
        u32 column = source->column;
        const char *reason = source->reason;
        struct souk_text code = {"", 0};
        if (got == -2)
            return cli_usage(import->cli, "%s: %s", import->path, source->reason);
        if (got == 1) {
            reason = import_product_make(&import->map, source, product, &column);
            code = product->put.code;
        }
        if (reason != NULL && (got == -1 || got == 1)) {
            exit_code = note_bad(import, source->row_line, column, code, reason);
            source->reason = NULL;
            continue;
        }
        import->count++;
        if (!is_sending)
            drop_batch(import);
        else if (import->count == import->batch_max)
            exit_code = send_batch(import);
        bar_show(&import->bar, import->rows, source->offset, source->bytes);
    }
    if (exit_code == CLI_EXIT_DONE && is_sending)
        exit_code = send_batch(import);
    return exit_code;
}

static int report(struct import *import, int exit_code)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "rows", cli_json_u64(import->rows), "created",
        cli_json_u64(import->created), "changed", cli_json_u64(import->changed), "refused",
        cli_json_u64(import->refused), "bad_rows", cli_json_u64(import->bad_rows));
    MUST(object != NULL);
    if (import->bad_rows > 0)
        (void)json_object_set_new(object, "bad_rows_file", json_string(import->bad_path));
    const u64 ms = (monotonic_ns() - import->begin_ns) / NS_PER_MS;
    (void)json_object_set_new(object, "ms", cli_json_u64(ms));
    (void)cli_print(import->cli, object);
    if (exit_code == CLI_EXIT_DONE && import->bad_rows > 0)
        return CLI_EXIT_REFUSED;
    return exit_code;
}

static int run(struct import *import, const char *map, const char *format)
{
    char error[256];
    const bool is_json = strcmp(format, "jsonl") == 0;
    if (!row_source_open(&import->source, import->path, is_json ? ROW_FORMAT_JSONL : ROW_FORMAT_CSV,
                         stderr))
        return CLI_EXIT_USAGE;
    if (!import_map_parse(&import->map, &import->source, map, error, sizeof error))
        return cli_usage(import->cli, "%s", error);
    if (import->is_all) { /* the whole file first */
        bar_begin(&import->bar, "rows checked", 0, import->is_quiet);
        int exit_code = read_rows(import, false);
        bar_end(&import->bar, import->rows, 1, 1);
        row_source_close(&import->source);
        if (exit_code == CLI_EXIT_DONE && import->bad_rows > 0)
            exit_code = CLI_EXIT_REFUSED;
        if (exit_code != CLI_EXIT_DONE)
            return exit_code == CLI_EXIT_REFUSED ? report(import, exit_code) : exit_code;
        if (!row_source_open(&import->source, import->path,
                             is_json ? ROW_FORMAT_JSONL : ROW_FORMAT_CSV, stderr) ||
            !import_map_parse(&import->map, &import->source, map, error, sizeof error))
            return CLI_EXIT_USAGE;
    }
    int exit_code = cli_connect(import->cli);
    if (exit_code == CLI_EXIT_DONE && import->is_resumed)
        exit_code = resume(import);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    import->begin_ns = monotonic_ns();
    bar_begin(&import->bar, "rows", import->rows, import->is_quiet);
    exit_code = read_rows(import, true);
    bar_end(&import->bar, import->rows, import->source.offset, import->source.bytes);
    if (exit_code == CLI_EXIT_DONE && import->has_journal)
        (void)unlink(import->journal_path);
    else if (import->has_journal && exit_code == CLI_EXIT_NO_SERVER)
        (void)fprintf(stderr, "souk: go on with the same command and --resume\n");
    return report(import, exit_code);
}

static const char *format_of(struct import *import, const struct verb_args *args)
{
    const char *format = verb_option(args, "--format");
    const size_t bytes = strlen(import->path);
    if (format != NULL)
        return strcmp(format, "csv") == 0 || strcmp(format, "jsonl") == 0 ? format : NULL;
    return bytes > 6 && strcmp(import->path + bytes - 6, ".jsonl") == 0 ? "jsonl" : "csv";
}

static bool options_of(struct import *import, const struct verb_args *args)
{
    struct cli *cli = import->cli;
    static const char *const policies[] = {"skip", "all"};
    u16 policy = 0;
    i64 batch = 64, rate = 0;
    const char *bad = verb_option(args, "--bad-rows"), *journal = verb_option(args, "--journal");
    import->map.currency = 826;
    if (!cli_option_word(cli, args, "--policy", policies, ARRAY_COUNT(policies), 0, &policy) ||
        !cli_option_count(cli, args, "--batch", 1, BATCH_MAX, &batch) ||
        !cli_option_count(cli, args, "--rate", 1, 10000000, &rate) ||
        !cli_option_currency(cli, args, &import->map.currency))
        return false;
    import->is_all = policy == 1;
    import->batch_max = (u32)batch;
    import->rate = (u64)rate;
    import->is_quiet = verb_option(args, "--quiet") != NULL;
    import->is_resumed = verb_option(args, "--resume") != NULL;
    import->map.has_skus = verb_option(args, "--skus") != NULL;
    const bool is_stdin = strcmp(import->path, "-") == 0;
    import->has_journal = journal != NULL || !is_stdin;
    (void)snprintf(import->bad_path, sizeof import->bad_path, "%s",
                   bad != NULL ? bad
                   : is_stdin  ? "stdin.bad.csv"
                               : "");
    if (import->bad_path[0] == '\0')
        (void)snprintf(import->bad_path, sizeof import->bad_path, "%.480s.bad.csv", import->path);
    if (journal != NULL)
        (void)snprintf(import->journal_path, sizeof import->journal_path, "%s", journal);
    else
        (void)snprintf(import->journal_path, sizeof import->journal_path, "%.480s.import",
                       import->path);
    if (is_stdin && import->is_all) {
        (void)cli_usage(cli, "--policy all reads the file twice: stdin cannot be");
        return false;
    }
    if (is_stdin && import->is_resumed && journal == NULL) {
        (void)cli_usage(cli, "--resume of stdin needs --journal FILE");
        return false;
    }
    return true;
}

int verb_import(struct cli *cli, const struct verb_args *args)
{
    struct import *import = calloc(1, sizeof *import);
    MUST(import != NULL);
    import->cli = cli;
    import->path = args->words[0];
    import->source.fd = -1;
    import->map.now_ns = (u64)time(NULL) * NS_PER_S;
    import->begin_ns = monotonic_ns();
    import->products = calloc(BATCH_MAX, sizeof *import->products);
    import->statuses = calloc(BATCH_MAX, sizeof *import->statuses);
    MUST(import->products != NULL && import->statuses != NULL);
    const char *format = format_of(import, args);
    int exit_code = CLI_EXIT_USAGE;
    if (format == NULL)
        (void)cli_usage(cli, "--format is csv or jsonl");
    else if (options_of(import, args))
        exit_code = run(import, verb_option(args, "--map"), format);
    row_source_close(&import->source);
    drop_batch(import);
    if (import->bad != NULL)
        (void)fclose(import->bad);
    free(import->products);
    free(import->statuses);
    free(import);
    return exit_code;
}
