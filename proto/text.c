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

/* Eight bytes at once: most texts are plain ASCII. */
#define EACH(byte) ((byte)*0x0101010101010101ull)

static bool is_plain(u64 word)
{
    const u64 not_del = word ^ EACH(0x7Full);
    const bool is_ascii = (word & EACH(0x80ull)) == 0;
    const bool is_printed = ((word - EACH(0x20ull)) & EACH(0x80ull)) == 0; /* if it is ASCII */
    return is_ascii && is_printed && ((not_del - EACH(0x01ull)) & ~not_del & EACH(0x80ull)) == 0;
}

static u64 word_at(const u8 *bytes)
{
    u64 word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

const char *text_invalid(const u8 *bytes, u32 count, bool allow_lines)
{
    u32 at = 0;
    while (at < count) {
        if (count - at >= 8 && is_plain(word_at(bytes + at))) {
            at += 8;
            continue;
        }
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

u32 text_utf8_bytes(const u8 *bytes, u32 count)
{
    u32 at = 0;
    while (at < count) {
        const u32 length = sequence_bytes(bytes + at, count - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

struct text64 text64_of(const char *bytes, size_t count)
{
    struct text64 text = {{0}};
    memcpy(text.bytes, bytes, MIN(count, sizeof text.bytes));
    return text;
}

u32 text64_bytes(const struct text64 *text)
{
    for (u32 at = 0; at < TEXT64_BYTES; at += 8) {
        const u64 word = word_at(text->bytes + at);
        const u64 zeros = (word - EACH(0x01ull)) & ~word & EACH(0x80ull);
        if (zeros != 0) /* the lowest mark is exact */
            return at + (u32)__builtin_ctzll(zeros) / 8;
    }
    return TEXT64_BYTES;
}

const char *text64_invalid(const struct text64 *text)
{
    const u32 count = text64_bytes(text);
    u64 rest = 0;
    u32 i = count;
    for (; i % 8 != 0; i++)
        rest |= text->bytes[i];
    for (; i < TEXT64_BYTES; i += 8)
        rest |= word_at(text->bytes + i);
    if (rest != 0)
        return "bytes after the end";
    return text_invalid(text->bytes, count, false);
}
