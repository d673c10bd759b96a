/* bar: see client/cli/bar.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/bar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/cli_value.h"
#include "client/cli/cli_width.h"

#define BAR_CELLS        30u
#define TEXT_CELLS       50u /* what is said behind it, mostly */
#define BAR_INTERVAL_NS  (NS_PER_S / 10)
#define LINE_INTERVAL_NS (2 * NS_PER_S)

static u64 now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

void bar_begin(struct bar *bar, const char *unit, u64 first, bool is_quiet)
{
    *bar = (struct bar){.unit = unit, .begin_ns = now_ns(), .first = first, .is_quiet = is_quiet};
    bar->is_terminal = isatty(STDERR_FILENO) != 0;
    bar->next_ns = bar->begin_ns + (bar->is_terminal ? BAR_INTERVAL_NS : LINE_INTERVAL_NS);
}

/* What is said behind the bar. */
static void describe(const struct bar *bar, u64 now, u64 count, u64 part, u64 whole, char *to,
                     size_t bytes)
{
    char done[32], rate[32], left[32], percent[8] = "";
    const u64 elapsed_ns = MAX(now - bar->begin_ns, 1u);
    const u64 per_second = (count - MIN(bar->first, count)) * NS_PER_S / elapsed_ns;
    const u64 done_part = part - MIN(bar->first_part, part);
    const bool is_known = whole != 0 && done_part != 0;
    const u64 left_ms =
        is_known ? elapsed_ns / NS_PER_MS * (whole - MIN(part, whole)) / done_part : 0;
    if (whole != 0)
        (void)snprintf(percent, sizeof percent, "%u%%", (u32)(MIN(part, whole) * 100 / whole));
    (void)snprintf(to, bytes, "%4s  %s %s  %s/s  %s left", percent,
                   value_print_grouped((i64)count, done), bar->unit,
                   value_print_grouped((i64)per_second, rate),
                   !is_known ? "?" : value_print_duration(left_ms, left));
}

/* On a terminal one line, as long as it is: a longer one could not be drawn over. */
static void draw(struct bar *bar, u64 now, u64 count, u64 part, u64 whole)
{
    char text[160], cells[BAR_CELLS + 1];
    describe(bar, now, count, part, whole, text, sizeof text);
    if (!bar->is_terminal) {
        (void)fprintf(stderr, "souk: %s\n", text);
        (void)fflush(stderr);
        return;
    }
    const size_t width = width_of_terminal(stderr);
    const size_t room = width == 0 ? BAR_CELLS : width - MIN(width, TEXT_CELLS);
    const u32 cell_count = (u32)MIN(room, (size_t)BAR_CELLS);
    for (u32 i = 0; i < cell_count; i++)
        cells[i] = whole != 0 && part * cell_count / whole > i ? '#' : '.';
    cells[cell_count] = '\0';
    const size_t left = width == 0 ? sizeof text : width - MIN(width, cell_count + 2u);
    (void)fprintf(stderr, "\r\033[K%s%s%.*s", cells, cell_count != 0 ? " " : "", (int)left, text);
    bar->is_drawn = true;
    (void)fflush(stderr);
}

void bar_show(struct bar *bar, u64 count, u64 part, u64 whole)
{
    const u64 now = now_ns();
    if (!bar->is_shown)
        bar->first_part = part;
    bar->is_shown = true;
    if (bar->is_quiet || now < bar->next_ns)
        return;
    bar->next_ns = now + (bar->is_terminal ? BAR_INTERVAL_NS : LINE_INTERVAL_NS);
    draw(bar, now, count, part, whole);
}

void bar_clear(struct bar *bar)
{
    if (bar->is_drawn)
        (void)fputs("\r\033[K", stderr);
    bar->is_drawn = false;
}

void bar_end(struct bar *bar, u64 count, u64 part, u64 whole)
{
    if (bar->is_terminal && !bar->is_quiet)
        draw(bar, now_ns(), count, part, whole);
    if (bar->is_drawn)
        (void)fputc('\n', stderr);
    bar->is_drawn = false;
}
