/* replay_progress: how far a replay is, as a bar (bar.h); says so when the server is away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_PROGRESS_H
#define SOUK_CLIENT_REPLAY_PROGRESS_H

#include "client/cli/bar.h"
#include "client/cli/replay_run.h"

struct progress {
    struct bar bar;
    u64 next_warning_ns;
};

void progress_begin(struct progress *progress, const struct run *run);
void progress_show(struct progress *progress, const struct run *run);
void progress_end(struct progress *progress, const struct run *run);

#endif
