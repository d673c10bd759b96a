/* replay_progress: see client/cli/replay_progress.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_progress.h"

#define AWAY_AFTER_NS    NS_PER_S
#define AWAY_INTERVAL_NS (2 * NS_PER_S)

void progress_begin(struct progress *progress, const struct run *run)
{
    *progress = (struct progress){.next_warning_ns = 0};
    bar_begin(&progress->bar, "lines", run->lines_before, run->options.is_quiet);
    if (run->is_resumed && !run->options.is_quiet)
        (void)fprintf(stderr, "souk: going on at line %llu of %u; %u frames sent again\n",
                      (unsigned long long)run->lines_before, run->plan->line_count,
                      run->resent_lanes);
}

void progress_show(struct progress *progress, const struct run *run)
{
    const u64 now_ns = run_now_ns();
    if (run->options.is_quiet)
        return;
    if (now_ns > run->answer_ns + AWAY_AFTER_NS && now_ns >= progress->next_warning_ns) {
        const u64 away_ns = now_ns - run->answer_ns;
        bar_clear(&progress->bar);
        (void)fprintf(stderr, "souk: no answer from %s for %llu s; trying again for %llu s more\n",
                      run->cli->address, (unsigned long long)(away_ns / NS_PER_S),
                      (unsigned long long)(run->options.retry_ms / 1000 > away_ns / NS_PER_S
                                               ? run->options.retry_ms / 1000 - away_ns / NS_PER_S
                                               : 0));
        progress->next_warning_ns = now_ns + AWAY_INTERVAL_NS;
    }
    const u64 lines = run->shop.totals.lines_done;
    bar_show(&progress->bar, lines, lines, run->plan->line_count);
}

void progress_end(struct progress *progress, const struct run *run)
{
    const u64 lines = run->shop.totals.lines_done;
    bar_end(&progress->bar, lines, lines, run->plan->line_count);
}
