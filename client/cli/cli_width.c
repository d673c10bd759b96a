/* cli_width: see client/cli/cli_width.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/cli_width.h"

#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "proto/text.h"

#define ROOM_CELLS 10u /* a line with less room behind its indent is not broken */

void width_begin(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
}

struct sign {
    size_t bytes;
    size_t cells;
    bool is_bad; /* not to be written as it is */
};

static u32 point_of(const u8 *at, size_t bytes)
{
    static const u8 masks[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
    u32 point = at[0] & masks[bytes];
    for (size_t i = 1; i < bytes; i++)
        point = point << 6 | (at[i] & 0x3f);
    return point;
}

/* The sign at the beginning of a text that is not empty. */
static struct sign sign_at(const char *text)
{
    const u8 *at = (const u8 *)text;
    u32 bytes = 1;
    while (bytes < 4 && at[bytes] != '\0' && text_utf8_bytes(at, bytes) != bytes)
        bytes++;
    if (text_utf8_bytes(at, bytes) != bytes || at[0] < ' ' || at[0] == 0x7f)
        return (struct sign){.bytes = 1, .cells = 1, .is_bad = true};
    const u32 point = point_of(at, bytes);
    if (point >= 0x80 && point < 0xa0)
        return (struct sign){.bytes = bytes, .cells = 1, .is_bad = true};
    const int cells = point < 0x80 ? 1 : wcwidth((wchar_t)point);
    return (struct sign){.bytes = bytes, .cells = cells < 0 ? 1 : (size_t)cells};
}

size_t width_of(const char *text)
{
    size_t cells = 0;
    while (*text != '\0') {
        const struct sign sign = sign_at(text);
        cells += sign.cells;
        text += sign.bytes;
    }
    return cells;
}

size_t width_fit(const char *text, size_t cells)
{
    size_t used = 0;
    const char *at = text;
    while (*at != '\0') {
        const struct sign sign = sign_at(at);
        if (used + sign.cells > cells)
            break;
        used += sign.cells;
        at += sign.bytes;
    }
    return (size_t)(at - text);
}

static void print_sign(FILE *to, const char *text, struct sign sign)
{
    if (sign.is_bad)
        (void)fputc('?', to);
    else
        (void)fwrite(text, 1, sign.bytes, to);
}

size_t width_print(FILE *to, const char *text, size_t cells)
{
    const bool is_cut = width_fit(text, cells) != strlen(text);
    const char *end = text + (is_cut ? width_fit(text, cells > 0 ? cells - 1 : 0) : strlen(text));
    size_t used = 0;
    while (text < end) {
        const struct sign sign = sign_at(text);
        print_sign(to, text, sign);
        used += sign.cells;
        text += sign.bytes;
    }
    if (!is_cut || cells == 0)
        return used;
    (void)fputs("…", to);
    return used + 1;
}

/* The bytes of the next line: up to its line feed, else up to the last blank that fits, else what fits. */
static size_t line_bytes(const char *text, size_t cells)
{
    const size_t end = strcspn(text, "\n");
    const size_t bytes = cells == 0 ? end : MIN(end, width_fit(text, cells));
    if (bytes == end)
        return end;
    for (size_t at = bytes; at > 0; at--)
        if (text[at] == ' ')
            return at;
    return bytes > 0 ? bytes : 1;
}

void width_print_lines(FILE *to, const char *text, size_t indent, size_t cells)
{
    const size_t room = cells > indent + ROOM_CELLS ? cells - indent : 0;
    while (*text != '\0') {
        const char *end = text + line_bytes(text, room);
        while (text < end) {
            const struct sign sign = sign_at(text);
            print_sign(to, text, sign);
            text += sign.bytes;
        }
        text += *text == '\n' || *text == ' ' ? 1 : 0;
        if (*text != '\0')
            (void)fprintf(to, "\n%*s", (int)indent, "");
    }
}

size_t width_of_terminal(FILE *to)
{
    struct winsize size;
    const int fd = fileno(to);
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}
