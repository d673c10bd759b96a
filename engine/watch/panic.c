/* panic: what the server prints when an invariant does not hold, before it aborts.
 *
 * No allocation, no lock: the process is not to be trusted any more. Recovery is a restart and a
 * replay, which is the path that every start takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/watch/panic_facts.h"
#include "proto/messages.h"

#define FRAMES_MAX 64

static void print(const char *text, int count, size_t capacity)
{
    if (count > 0) {
        const ssize_t written = write(STDERR_FILENO, text, MIN((size_t)count, capacity - 1));
        (void)written;
    }
}

void base_panic(const char *what, const char *file, int line, const char *condition)
{
    char text[512];
    print(text,
          snprintf(text, sizeof text, "level=panic what=%s at=%s:%d condition=\"%s\"\n", what, file,
                   line, condition),
          sizeof text);
    const struct panic_facts *facts = panic_facts_bound();
    if (facts != NULL) {
        const struct message_info *info = message_find(facts->opcode);
        print(text,
              snprintf(text, sizeof text,
                       "level=panic reactor=%u shard=%u applied_lsn=%llu durable_lsn=%llu step=%s "
                       "command=%s\n",
                       facts->reactor, facts->shard, (unsigned long long)facts->applied_lsn,
                       (unsigned long long)facts->durable_lsn,
                       facts->step == NULL ? "none" : facts->step,
                       info == NULL ? "none" : info->name),
              sizeof text);
    }
    void *frames[FRAMES_MAX];
    const int count = backtrace(frames, FRAMES_MAX);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    abort();
}
