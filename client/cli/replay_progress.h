/* replay_progress: how far a replay is, on stderr: a bar that is drawn over itself on a terminal,
 * a line now and then otherwise. Says so when the server is away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_PROGRESS_H
#define SOUK_CLIENT_REPLAY_PROGRESS_H

#include "client/cli/replay_run.h"

struct progress {
    bool is_terminal;
    bool is_drawn; /* a bar stands on the current line */
    u64 next_ns;
    u64 next_warning_ns;
};

void progress_begin(struct progress *progress, const struct run *run);
void progress_show(struct progress *progress, const struct run *run);
void progress_end(struct progress *progress, const struct run *run);

#endif
