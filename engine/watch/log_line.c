/* log_line: see log_line.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/watch/log_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_INFO: return "info";
    case LOG_LEVEL_WARN: return "warn";
    case LOG_LEVEL_ERROR: return "error";
    }
    return "error";
}

static size_t write_head(char *line, size_t bytes, enum log_level level, const char *event)
{
    struct timespec now = {0};
    struct tm utc = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    const int count =
        snprintf(line, bytes, "time=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s event=%s",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, now.tv_nsec / 1000000, level_name(level), event);
    return count < 0 ? 0 : MIN((size_t)count, bytes - 1);
}

void log_line(const struct log_out *out, enum log_level level, const char *event,
              const char *format, ...)
{
    if (out->fd < 0)
        return;
    char line[LOG_LINE_BYTES_MAX];
    const char *tail = out->is_insecure ? " insecure=true\n" : "\n";
    const size_t room = sizeof line - 32; /* for the tail */
    size_t at = write_head(line, room, level, event);
    if (format[0] != '\0' && at + 1 < room) {
        line[at++] = ' ';
        va_list arguments;
        va_start(arguments, format);
        const int count = vsnprintf(line + at, room - at, format, arguments);
        va_end(arguments);
        at += count < 0 ? 0 : MIN((size_t)count, room - at - 1);
    }
    at += (size_t)snprintf(line + at, sizeof line - at, "%s", tail);
    const ssize_t written = write(out->fd, line, at);
    (void)written;
}

const char *log_quote(char *to, size_t bytes, const char *text)
{
    MUST(bytes >= 3);
    size_t at = 0;
    to[at++] = '"';
    for (; *text != '\0' && at + 3 < bytes; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            to[at++] = '\\';
        to[at++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    to[at++] = '"';
    to[at] = '\0';
    return to;
}
