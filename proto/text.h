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

/* NULL when the bytes are good text, else the reason. `allow_lines`: line feeds are fine. */
const char *text_invalid(const u8 *bytes, u32 count, bool allow_lines);

#endif
