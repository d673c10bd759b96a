/* text: see proto/text.h. The byte ranges are those of RFC 3629, section 4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/text.h"

#include <string.h>

/* Length of the sequence that begins at `at`, 0 where it is not valid. */
static u32 sequence_bytes(const u8 *at, u32 left)
{
    const u8 lead = at[0];
    u32 length;
    u8 low = 0x80, high = 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < length || at[1] < low || at[1] > high)
        return 0;
    for (u32 i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return length;
}

const char *text_invalid(const u8 *bytes, u32 count, bool allow_lines)
{
    u32 at = 0;
    while (at < count) {
        const u8 byte = bytes[at];
        if ((byte < 0x20 && !(allow_lines && byte == '\n')) || byte == 0x7F)
            return "a control character";
        const u32 length = sequence_bytes(bytes + at, count - at);
        if (length == 0)
            return "not valid UTF-8";
        at += length;
    }
    return NULL;
}

struct text64 text64_of(const char *bytes, size_t count)
{
    struct text64 text = {{0}};
    memcpy(text.bytes, bytes, MIN(count, sizeof text.bytes));
    return text;
}

u32 text64_bytes(const struct text64 *text)
{
    u32 count = 0;
    while (count < TEXT64_BYTES && text->bytes[count] != 0)
        count++;
    return count;
}

const char *text64_invalid(const struct text64 *text)
{
    const u32 count = text64_bytes(text);
    for (u32 i = count; i < TEXT64_BYTES; i++)
        if (text->bytes[i] != 0)
            return "bytes after the end";
    return text_invalid(text->bytes, count, false);
}
