/* replay_progress: see client/cli/replay_progress.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_progress.h"

#include <string.h>
#include <unistd.h>

#define BAR_CELLS        30u
#define BAR_INTERVAL_NS  (NS_PER_S / 10)
#define LINE_INTERVAL_NS (2 * NS_PER_S)
#define AWAY_AFTER_NS    NS_PER_S
#define AWAY_INTERVAL_NS (2 * NS_PER_S)

void progress_begin(struct progress *progress, const struct run *run)
{
    memset(progress, 0, sizeof *progress);
    progress->is_terminal = isatty(STDERR_FILENO) != 0;
    progress->next_ns =
        run->begin_ns + (progress->is_terminal ? BAR_INTERVAL_NS : LINE_INTERVAL_NS);
    if (run->is_resumed && !run->options.is_quiet)
        (void)fprintf(stderr, "souk: going on at line %llu of %u; %u frames sent again\n",
                      (unsigned long long)run->lines_before, run->plan->line_count,
                      run->resent_lanes);
}

static void clear_bar(struct progress *progress)
{
    if (progress->is_drawn)
        (void)fputs("\r\033[K", stderr);
    progress->is_drawn = false;
}

static void show(struct progress *progress, const struct run *run, u64 now_ns)
{
    char done[32], rate[32], left[32], bar[BAR_CELLS + 1];
    const u64 lines = run->shop.totals.lines_done;
    const u64 all = MAX(run->plan->line_count, 1u);
    const u64 elapsed_ns = MAX(now_ns - run->begin_ns, 1u);
    const u64 per_second = (lines - run->lines_before) * NS_PER_S / elapsed_ns;
    const u64 left_ms = per_second == 0 ? 0 : (all - lines) * 1000 / per_second;
    for (u32 i = 0; i < BAR_CELLS; i++)
        bar[i] = lines * BAR_CELLS / all > i ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    (void)fprintf(stderr, "%s%s %3u%%  %s lines  %s/s  %s left%s",
                  progress->is_terminal ? "\r\033[K" : "souk: ", progress->is_terminal ? bar : "",
                  (u32)(lines * 100 / all), value_print_grouped((i64)lines, done),
                  value_print_grouped((i64)per_second, rate),
                  per_second == 0 ? "?" : value_print_duration(left_ms, left),
                  progress->is_terminal ? "" : "\n");
    progress->is_drawn = progress->is_terminal;
    (void)fflush(stderr);
}

void progress_show(struct progress *progress, const struct run *run)
{
    const u64 now_ns = run_now_ns();
    if (run->options.is_quiet)
        return;
    if (now_ns > run->answer_ns + AWAY_AFTER_NS && now_ns >= progress->next_warning_ns) {
        const u64 away_ns = now_ns - run->answer_ns;
        clear_bar(progress);
        (void)fprintf(stderr, "souk: no answer from %s for %llu s; trying again for %llu s more\n",
                      run->cli->address, (unsigned long long)(away_ns / NS_PER_S),
                      (unsigned long long)(run->options.retry_ms / 1000 > away_ns / NS_PER_S
                                               ? run->options.retry_ms / 1000 - away_ns / NS_PER_S
                                               : 0));
        progress->next_warning_ns = now_ns + AWAY_INTERVAL_NS;
    }
    if (now_ns < progress->next_ns)
        return;
    progress->next_ns = now_ns + (progress->is_terminal ? BAR_INTERVAL_NS : LINE_INTERVAL_NS);
    show(progress, run, now_ns);
}

void progress_end(struct progress *progress, const struct run *run)
{
    if (progress->is_terminal && !run->options.is_quiet)
        show(progress, run, run->end_ns);
    if (progress->is_drawn)
        (void)fputc('\n', stderr);
    progress->is_drawn = false;
}
