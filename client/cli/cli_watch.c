/* cli_watch: a live view of stock and rates of some SKUs.
 *
 * Rates come from the sums that the server keeps, so a watcher that misses a second shows the
 * average over it. On a terminal the table is drawn over itself and q, Ctrl-C or Ctrl-D end it;
 * otherwise every look prints one line per SKU.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/cli.h"

struct watch {
    struct cli *cli;
    const struct verb_args *args;
    struct souk_sku_get *gets;
    struct souk_sku_get_reply *now;
    struct souk_sku_get_reply *before;
    u64 interval_ms;
    u64 elapsed_ms; /* between the two looks; 0 at the first */
    i64 looks;      /* still to do; -1 = no end */
    bool is_live;   /* a terminal on both sides */
    struct termios saved;
};

static u64 now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / NS_PER_MS;
}

/* Change per second of a sum. */
static double rate_of(const struct watch *watch, i64 now, i64 before)
{
    return watch->elapsed_ms == 0 ? 0.0
                                  : (double)(now - before) * 1000.0 / (double)watch->elapsed_ms;
}

static json_t *row_of(const struct watch *watch, u32 index)
{
    const struct souk_sku_get_reply *now = &watch->now[index], *before = &watch->before[index];
    json_t *row = json_pack("{s:s}", "code", watch->args->words[index]);
    MUST(row != NULL);
    (void)json_object_set_new(row, "status", json_string(souk_status_name(now->status)));
    (void)json_object_set_new(row, "on_hand", json_integer((json_int_t)now->on_hand));
    (void)json_object_set_new(row, "held", json_integer((json_int_t)now->held));
    (void)json_object_set_new(row, "allocated", json_integer((json_int_t)now->allocated));
    (void)json_object_set_new(row, "sellable", json_integer((json_int_t)now->sellable));
    (void)json_object_set_new(row, "granted_per_s",
                              json_real(rate_of(watch, now->granted, before->granted)));
    (void)json_object_set_new(row, "shipped_per_s",
                              json_real(rate_of(watch, now->shipped, before->shipped)));
    (void)json_object_set_new(row, "received_per_s",
                              json_real(rate_of(watch, now->received, before->received)));
    return row;
}

static void draw(struct watch *watch, bool is_first)
{
    json_t *rows = json_array();
    for (u32 i = 0; i < watch->args->count; i++)
        (void)json_array_append_new(rows, row_of(watch, i));
    if (watch->is_live) {
        if (!is_first)
            printf("\033[%uA", watch->args->count + 2);
        (void)fputs("\033[J", stdout);
    }
    (void)cli_print_rows(watch->cli, rows);
    if (watch->is_live)
        (void)puts("q ends");
    (void)fflush(stdout);
}

/* Waits for the next look; false when a key or the end of stdin says stop. */
static bool wait_for_next(const struct watch *watch)
{
    struct pollfd in = {.fd = watch->is_live ? STDIN_FILENO : -1, .events = POLLIN};
    const u64 until = now_ms() + watch->interval_ms;
    for (u64 now = now_ms(); now < until; now = now_ms()) {
        char key = 0;
        const int ready = poll(&in, 1, (int)MIN(until - now, 60000u));
        if (ready <= 0)
            continue;
        if (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q' || key == 3 || key == 4)
            return false;
    }
    return true;
}

static int look(struct watch *watch)
{
    bool is_first = true;
    u64 last_ms = now_ms();
    while (watch->looks != 0) {
        const int error =
            souk_sku_get_batch(watch->cli->client, watch->gets, watch->args->count, watch->now, 0);
        if (error != 0)
            return cli_no_answer(watch->cli, watch->cli->client, error);
        const u64 at_ms = now_ms();
        watch->elapsed_ms = is_first ? 0 : MAX(at_ms - last_ms, 1u);
        last_ms = at_ms;
        draw(watch, is_first);
        is_first = false;
        for (u32 i = 0; i < watch->args->count; i++) {
            souk_free(watch->now[i].memory);
            watch->now[i].memory = NULL;
        }
        memcpy(watch->before, watch->now, watch->args->count * sizeof *watch->now);
        if (watch->looks > 0)
            watch->looks--;
        if (watch->looks != 0 && !wait_for_next(watch))
            break;
    }
    return CLI_EXIT_DONE;
}

int verb_watch(struct cli *cli, const struct verb_args *args)
{
    struct watch watch = {.cli = cli, .args = args, .interval_ms = 1000, .looks = -1};
    const char *code;
    if (!cli_option_duration(cli, args, "--interval", 3600000, &watch.interval_ms) ||
        !cli_option_count(cli, args, "--count", 1, INT32_MAX, &watch.looks))
        return CLI_EXIT_USAGE;
    for (u32 i = 0; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    watch.gets = calloc(args->count, sizeof *watch.gets);
    watch.now = calloc(args->count, sizeof *watch.now);
    watch.before = calloc(args->count, sizeof *watch.before);
    MUST(watch.gets != NULL && watch.now != NULL && watch.before != NULL);
    for (u32 i = 0; i < args->count; i++)
        watch.gets[i].resource = souk_sku(args->words[i]);
    watch.is_live =
        !cli->is_json && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &watch.saved) == 0;
    if (watch.is_live) {
        /* Keys come one by one, Ctrl-C among them, so that the terminal is always put back. */
        struct termios raw = watch.saved;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    exit_code = look(&watch);
    if (watch.is_live)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &watch.saved);
    free(watch.gets);
    free(watch.now);
    free(watch.before);
    return exit_code;
}
