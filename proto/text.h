/* text: what a code, title or path may contain.
 *
 * Valid UTF-8 without control characters (U+0000 to U+001F, U+007F); attributes may also contain
 * line feeds. Overlong forms, surrogates and code points beyond U+10FFFF are not valid.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_TEXT_H
#define SOUK_PROTO_TEXT_H

#include "proto/base.h"
#include "proto/id.h"

/* NULL when the bytes are good text, else the reason. `allow_lines`: line feeds are fine. */
const char *text_invalid(const u8 *bytes, u32 count, bool allow_lines);

/* How many bytes from the beginning are valid UTF-8, whatever signs they are; `count`: all. */
u32 text_utf8_bytes(const u8 *bytes, u32 count);

/* A text of the fixed part of a record. `bytes` beyond TEXT64_BYTES are cut off. */
struct text64 text64_of(const char *bytes, size_t count);
/* Its length, up to the first zero byte. */
u32 text64_bytes(const struct text64 *text);
/* NULL when it is good text followed by zeros only, else the reason. The empty text is good. */
const char *text64_invalid(const struct text64 *text);
static inline bool text64_is_empty(const struct text64 *text)
{
    return text->bytes[0] == 0;
}

#endif
