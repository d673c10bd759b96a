/* bar: how far long work is, on stderr: a bar that is drawn over itself on a terminal, a line now and
 * then otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_BAR_H
#define SOUK_CLIENT_BAR_H

#include "proto/base.h"

struct bar {
    const char *unit; /* "lines" */
    u64 begin_ns;
    u64 first;      /* count at the beginning, e.g. of what was resumed */
    u64 first_part; /* of the work, when the bar was shown first */
    bool is_shown;
    u64 next_ns;
    bool is_terminal;
    bool is_drawn; /* a bar stands on the current line */
    bool is_quiet;
};

void bar_begin(struct bar *bar, const char *unit, u64 first, bool is_quiet);
/* `count` of the units are done, `part` of `whole` of the work (whole 0: not known). Draws now and then. */
void bar_show(struct bar *bar, u64 count, u64 part, u64 whole);
/* Takes the bar off its line, so that something else can be said there. */
void bar_clear(struct bar *bar);
/* Draws the last time, and goes to the next line. */
void bar_end(struct bar *bar, u64 count, u64 part, u64 whole);

#endif
