/* log_line: one line per event on stderr, made of key=value.
 *
 *      time=2026-01-31T10:15:02.123Z level=info event=start shards=2 reactors=2
 *
 * With --insecure every line ends with insecure=true, so that it cannot be overlooked.
 *
 * Ownership  any thread; a line is one write, so lines do not mix.
 * Failure    a line that cannot be written is dropped: the server does not stop for its own log.
 * Not here   files, rotation, filters: that is what the service manager is for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_WATCH_LOG_LINE_H
#define SOUK_ENGINE_WATCH_LOG_LINE_H

#include "proto/base.h"

#define LOG_LINE_BYTES_MAX 2048u

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_out {
    int fd; /* -1: silent */
    bool is_insecure;
};

/* `format` gives the rest of the line, e.g. "shard=%u lsn=%llu", or "". */
void log_line(const struct log_out *out, enum log_level level, const char *event,
              const char *format, ...) PRINTF(4, 5);
/* Copies `text` in double quotes, with quotes, backslashes and control characters made harmless. */
const char *log_quote(char *to, size_t bytes, const char *text);

#endif
