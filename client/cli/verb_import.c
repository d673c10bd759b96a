/* verb_import: products out of a file, row by row, into a server that goes on serving.
 *
 *      rows -> import_map -> import_pipe: slugs and keys claimed, products put, SKUs put, stock set
 *                                 |
 *                                 v in the order of the file
 *                    bad and refused rows to a file, the journal: so far, all is done
 *
 * Every step is a put of everything, so doing a row twice is harmless: after a stop the import goes on
 * behind the last row before which all are settled. The file of bad rows then has what was said about
 * the rows before that, each once.
 *
 * Low priority is small frames, and few where calls take long (import_pipe.h): at most --lanes batches of
 * --batch rows are under way at a time, each at one step; --rate leaves the server more. A server that refuses with a status of class RETRY is left alone for
 * as long as it says, then asked again, for as long as it takes.
 *
 * Policies: `skip` (default) writes bad rows to a file and goes on; `all` checks every row first and
 * sends nothing if one is bad, and stops at the first refusal (batches under way may be done).
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
#include "client/cli/import_pipe.h"

#define JOURNAL_MAGIC       "souk import 2"
#define JOURNAL_INTERVAL_NS (NS_PER_S / 5)
#define SAY_INTERVAL_NS     (2 * NS_PER_S)
#define TURN_MS             100u
#define LANES_DEFAULT       16
#define BATCH_DEFAULT       32

/* Where an import goes on: behind the rows that have left the pipe. */
struct place {
    u64 offset, line;
    u64 rows, bad_rows;
    u64 bad_bytes; /* of the file of bad rows */
};

struct import {
    struct cli *cli;
    const char *path;
    struct row_source source;
    struct import_map map;
    struct souk_client *client;
    struct import_pipe pipe;
    struct place place;
    FILE *bad;
    char bad_path[512];
    char journal_path[512];
    bool has_journal;
    bool is_quiet;
    bool is_all; /* policy */
    bool is_resumed;
    bool has_opened; /* the file; it is opened twice for the policy `all` */
    u32 lanes, batch;
    u64 rate; /* rows per second; 0 = any */
    u64 added, created, changed, refused;
    u64 begin_ns, journal_ns, say_ns;
    struct bar bar;
};

static u64 monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* ---- bad rows -------------------------------------------------------------------------------- */

static int open_bad(struct import *import)
{
    import->bad = fopen(import->bad_path, import->place.bad_bytes > 0 ? "r+e" : "we");
    if (import->bad == NULL) {
        (void)fprintf(stderr, "souk: %s: %s\n", import->bad_path, strerror(errno));
        return CLI_EXIT_USAGE;
    }
    /* What was said about rows that are done again is said again. */
    if (import->place.bad_bytes == 0)
        (void)fputs("line,column,code,reason\n", import->bad);
    else if (ftruncate(fileno(import->bad), (off_t)import->place.bad_bytes) != 0 ||
             fseek(import->bad, 0, SEEK_END) != 0)
        (void)fprintf(stderr, "souk: %s: %s\n", import->bad_path, strerror(errno));
    return CLI_EXIT_DONE;
}

/* One line of the file of bad rows: line, column, code, reason. */
static int note_bad(struct import *import, const struct pipe_row *row, const char *reason)
{
    const struct souk_text code = row->product.put.code;
    import->place.bad_rows++;
    if (import->bad == NULL) {
        const int exit_code = open_bad(import);
        if (exit_code != CLI_EXIT_DONE)
            return exit_code;
    }
    (void)fprintf(import->bad, "%llu,%u,\"", (unsigned long long)row->line, row->column);
    for (u32 i = 0; i < code.bytes; i++) {
        if (code.data[i] == '"')
            (void)fputc('"', import->bad);
        (void)fputc(code.data[i], import->bad);
    }
    (void)fprintf(import->bad, "\",\"%s\"\n", reason);
    if (import->is_all)
        (void)fprintf(stderr, "souk: %s: line %llu, column %u: %s\n", import->path,
                      (unsigned long long)row->line, row->column, reason);
    return CLI_EXIT_DONE;
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void write_journal(struct import *import)
{
    char next[600];
    const struct place *place = &import->place;
    if (!import->has_journal)
        return;
    if (import->bad != NULL) {
        const long bytes = fflush(import->bad) == 0 ? ftell(import->bad) : -1;
        if (bytes < 0)
            return; /* the journal before is still true */
        import->place.bad_bytes = (u64)bytes;
    }
    (void)snprintf(next, sizeof next, "%s.new", import->journal_path);
    FILE *to = fopen(next, "we");
    if (to == NULL)
        return;
    (void)fprintf(to,
                  JOURNAL_MAGIC "\nbytes %llu\noffset %llu\nline %llu\nrows %llu\n"
                                "bad_rows %llu\nbad_bytes %llu\n",
                  (unsigned long long)import->source.bytes, (unsigned long long)place->offset,
                  (unsigned long long)place->line, (unsigned long long)place->rows,
                  (unsigned long long)place->bad_rows, (unsigned long long)place->bad_bytes);
    const bool is_good = fflush(to) == 0 && fsync(fileno(to)) == 0;
    (void)fclose(to);
    if (is_good)
        (void)rename(next, import->journal_path);
}

/* Goes on where the journal says. */
static int resume(struct import *import)
{
    unsigned long long bytes = 0, offset = 0, line = 0, rows = 0, bad_rows = 0, bad_bytes = 0;
    FILE *from = fopen(import->journal_path, "re");
    if (from == NULL)
        return cli_usage(import->cli, "--resume: %s: %s; nothing was begun, or it has ended",
                         import->journal_path, strerror(errno));
    const int got = fscanf(from,
                           JOURNAL_MAGIC " bytes %llu offset %llu line %llu rows %llu"
                                         " bad_rows %llu bad_bytes %llu",
                           &bytes, &offset, &line, &rows, &bad_rows, &bad_bytes);
    (void)fclose(from);
    if (got != 6)
        return cli_usage(import->cli, "--resume: %s is no journal of an import",
                         import->journal_path);
    if (bytes != import->source.bytes)
        return cli_usage(import->cli,
                         "--resume: %s has other bytes than when the import began; "
                         "delete %s to begin anew",
                         import->path, import->journal_path);
    if (!row_source_skip(&import->source, offset, line))
        return cli_usage(import->cli, "--resume: %s is shorter than it was", import->path);
    import->place = (struct place){
        .offset = offset, .line = line, .rows = rows, .bad_rows = bad_rows, .bad_bytes = bad_bytes};
    if (!import->is_quiet)
        (void)fprintf(stderr, "souk: going on at line %llu\n", line);
    return CLI_EXIT_DONE;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* What stays of a bad row: its code, which is borrowed from the file until then, and the reason. */
static void keep_bad(struct pipe_row *row, const char *reason)
{
    struct souk_text *code = &row->product.put.code;
    char *to = row->product.memory = malloc(code->bytes + 1u);
    MUST(to != NULL);
    if (code->bytes > 0)
        memcpy(to, code->data, code->bytes);
    code->data = to;
    (void)snprintf(row->reason, sizeof row->reason, "%s", reason);
}

/* The next row of the file to `row`. 1: there is one; 0: the end; less: the file cannot be read. */
static int read_row(struct import *import, struct pipe_row *row)
{
    struct row_source *source = &import->source;
    const int got = row_source_next(source);
    if (got == 0 || got == -2)
        return got;
    const char *reason = source->reason;
    row->column = source->column;
    if (got == 1)
        reason = import_product_make(&import->map, source, &row->product, &row->column);
    row->is_bad = reason != NULL;
    if (row->is_bad)
        keep_bad(row, reason);
    source->reason = NULL;
    row->line = source->row_line;
    row->end_line = source->line;
    row->end_offset = source->offset;
    return 1;
}

/* Counts a row that has left; notes what was wrong with it. */
static int settle(struct import *import, const struct pipe_row *row)
{
    int exit_code = CLI_EXIT_DONE;
    if (row->is_bad)
        return note_bad(import, row, row->reason);
    import->place.rows++;
    import->created += row->is_put && row->is_new ? 1 : 0;
    import->changed += row->is_put && !row->is_new ? 1 : 0;
    if (row->status == SOUK_OK)
        return exit_code;
    import->refused++;
    exit_code = note_bad(import, row, souk_status_name(row->status));
    return import->is_all && exit_code == CLI_EXIT_DONE ? CLI_EXIT_REFUSED : exit_code;
}

/* Every row without sending it: the policy `all`. */
static int check_rows(struct import *import)
{
    int exit_code = CLI_EXIT_DONE;
    for (;;) { /* ends with the file */
        struct pipe_row row = {0};
        const int got = read_row(import, &row);
        if (got < 0)
            return cli_usage(import->cli, "%s: %s", import->path, import->source.reason);
        if (got == 0 || exit_code != CLI_EXIT_DONE)
            return exit_code;
        if (row.is_bad)
            exit_code = note_bad(import, &row, row.reason);
        import_product_free(&row.product);
        import->added++;
        bar_show(&import->bar, import->added, import->source.offset, import->source.bytes);
    }
}

/* Reads rows until the pipe is full, the file ends, or --rate says so. */
static int fill_pipe(struct import *import, u64 now_ns, bool *is_end)
{
    const u64 due =
        import->rate == 0 ? UINT64_MAX : (now_ns - import->begin_ns) * import->rate / NS_PER_S + 1;
    struct pipe_row *row;
    while (!*is_end && import->added < due && (row = pipe_room(&import->pipe)) != NULL) {
        const int got = read_row(import, row);
        if (got < 0)
            return cli_usage(import->cli, "%s: %s", import->path, import->source.reason);
        *is_end = got == 0;
        if (*is_end)
            break;
        import->added += row->is_bad ? 0 : 1;
        pipe_add(&import->pipe, row);
    }
    return CLI_EXIT_DONE;
}

/* Takes out what is settled. */
static int empty_pipe(struct import *import, u64 now_ns)
{
    int exit_code = CLI_EXIT_DONE;
    const struct pipe_row *row;
    while (exit_code == CLI_EXIT_DONE && (row = pipe_head(&import->pipe)) != NULL) {
        exit_code = settle(import, row);
        if (exit_code != CLI_EXIT_DONE)
            break;
        import->place.offset = row->end_offset;
        import->place.line = row->end_line;
        pipe_drop(&import->pipe);
    }
    if (now_ns >= import->journal_ns) {
        write_journal(import);
        import->journal_ns = monotonic_ns() + JOURNAL_INTERVAL_NS;
    }
    return exit_code;
}

/* The bar, or why it stands still. */
static void show(struct import *import, u64 now_ns)
{
    const u16 status = pipe_waiting(&import->pipe);
    bar_show(&import->bar, import->place.rows, import->place.offset, import->source.bytes);
    if (status == SOUK_OK) {
        import->say_ns = now_ns + SAY_INTERVAL_NS;
    } else if (now_ns >= import->say_ns && !import->is_quiet) {
        import->say_ns = now_ns + SAY_INTERVAL_NS;
        bar_clear(&import->bar);
        (void)fprintf(stderr, "souk: %s: %s; waiting (Ctrl-C, and --resume goes on)\n",
                      souk_status_name(status), souk_status_text(status));
    }
}

/* Puts all rows. */
static int send_rows(struct import *import)
{
    bool is_end = false;
    int exit_code = CLI_EXIT_DONE;
    import->begin_ns = monotonic_ns();
    import->journal_ns = import->begin_ns;
    while (exit_code == CLI_EXIT_DONE && (!is_end || import->pipe.count > 0)) {
        const u64 now_ns = monotonic_ns();
        exit_code = fill_pipe(import, now_ns, &is_end);
        const bool is_slow = import->rate != 0 && pipe_room(&import->pipe) != NULL;
        pipe_turn(&import->pipe, now_ns, is_end || is_slow,
                  import->rate != 0 && !is_end ? 1 : TURN_MS);
        if (import->pipe.error != 0)
            exit_code = cli_no_answer(import->cli, import->client, import->pipe.error);
        if (exit_code == CLI_EXIT_DONE)
            exit_code = empty_pipe(import, now_ns);
        show(import, now_ns);
    }
    write_journal(import);
    return exit_code;
}

static int report(struct import *import, int exit_code)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "rows", cli_json_u64(import->place.rows), "created",
        cli_json_u64(import->created), "changed", cli_json_u64(import->changed), "refused",
        cli_json_u64(import->refused), "bad_rows", cli_json_u64(import->place.bad_rows));
    MUST(object != NULL);
    if (import->place.bad_rows > 0)
        (void)json_object_set_new(object, "bad_rows_file", json_string(import->bad_path));
    const u64 ms = (monotonic_ns() - import->begin_ns) / NS_PER_MS;
    (void)json_object_set_new(object, "ms", cli_json_u64(ms));
    (void)cli_print(import->cli, object);
    if (exit_code == CLI_EXIT_DONE && import->place.bad_rows > 0)
        return CLI_EXIT_REFUSED;
    return exit_code;
}

static bool open_source(struct import *import, const char *map, enum row_format format)
{
    char error[640];
    if (!row_source_open(&import->source, import->path, format, stderr))
        return false;
    if (import_map_parse(&import->map, &import->source, map, error, sizeof error)) {
        if (map == NULL && !import->is_quiet && !import->has_opened &&
            row_source_columns(&import->source, true, error, sizeof error) > 0)
            (void)fprintf(stderr,
                          "souk: %s: columns that are no fields of a product are left out: %s\n"
                          "      souk help import lists the fields; --map says which is what\n",
                          import->path, error);
        import->has_opened = true;
        return true;
    }
    (void)cli_usage(import->cli, "%s", error);
    return false;
}

/* The whole file, before anything is sent. */
static int check(struct import *import, const char *map, enum row_format format)
{
    bar_begin(&import->bar, "rows checked", 0, import->is_quiet);
    int exit_code = check_rows(import);
    bar_end(&import->bar, import->added, 1, 1);
    import->added = 0;
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    if (import->place.bad_rows > 0)
        return report(import, CLI_EXIT_REFUSED);
    row_source_close(&import->source);
    return open_source(import, map, format) ? CLI_EXIT_DONE : CLI_EXIT_USAGE;
}

static int run(struct import *import, const char *map, enum row_format format)
{
    if (!open_source(import, map, format))
        return CLI_EXIT_USAGE;
    int exit_code = import->is_all ? check(import, map, format) : CLI_EXIT_DONE;
    import->place.offset = import->source.offset;
    import->place.line = import->source.line;
    /* The pipe waits by itself, so that it can say so. */
    if (exit_code == CLI_EXIT_DONE)
        exit_code = cli_open(import->cli, (struct souk_options){.retry_limit = 1}, &import->client);
    if (exit_code == CLI_EXIT_DONE && import->is_resumed)
        exit_code = resume(import);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    pipe_init(&import->pipe, import->client, import->lanes, import->batch);
    bar_begin(&import->bar, "rows", import->place.rows, import->is_quiet);
    exit_code = send_rows(import);
    bar_end(&import->bar, import->place.rows, import->place.offset, import->source.bytes);
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
    i64 lanes = LANES_DEFAULT, batch = BATCH_DEFAULT, rate = 0;
    const char *bad = verb_option(args, "--bad-rows"), *journal = verb_option(args, "--journal");
    import->map.currency = 826;
    if (!cli_option_word(cli, args, "--policy", policies, ARRAY_COUNT(policies), 0, &policy) ||
        !cli_option_count(cli, args, "--lanes", 1, PIPE_LANES_MAX, &lanes) ||
        !cli_option_count(cli, args, "--batch", 1, PIPE_BATCH_MAX, &batch) ||
        !cli_option_count(cli, args, "--rate", 1, 10000000, &rate) ||
        !cli_option_currency(cli, args, &import->map.currency))
        return false;
    import->is_all = policy == 1;
    import->lanes = (u32)lanes;
    import->batch = (u32)batch;
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
    const char *format = format_of(import, args);
    int exit_code = CLI_EXIT_USAGE;
    if (format == NULL)
        (void)cli_usage(cli, "--format is csv or jsonl");
    else if (options_of(import, args))
        exit_code = run(import, verb_option(args, "--map"),
                        strcmp(format, "jsonl") == 0 ? ROW_FORMAT_JSONL : ROW_FORMAT_CSV);
    row_source_close(&import->source);
    souk_close(import->client); /* calls that are under way end here, before the pipe goes */
    pipe_deinit(&import->pipe);
    if (import->bad != NULL)
        (void)fclose(import->bad);
    free(import);
    return exit_code;
}
