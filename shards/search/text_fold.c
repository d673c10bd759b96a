/* text_fold: characters by utf8proc; see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/text_fold.h"

#include <utf8proc.h>

#define DECOMPOSED_MAX 32

#define L   TEXT_KIND_LETTER
#define D   TEXT_KIND_DIGIT
#define C   TEXT_KIND_CONNECTOR
#define H   TEXT_KIND_HIGH
#define H16 H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H
const u8 text_kinds[256] = {
    /* 00 */ 0,   0,   0,   0,   0,   0,   0,   0,  0, 0, 0, 0, 0, 0, 0, 0,
    /* 10 */ 0,   0,   0,   0,   0,   0,   0,   0,  0, 0, 0, 0, 0, 0, 0, 0,
    /* 20 */ 0,   0,   0,   0,   0,   0,   C,   C,  0, 0, 0, 0, 0, C, C, C,
    /* 30 */ D,   D,   D,   D,   D,   D,   D,   D,  D, D, 0, 0, 0, 0, 0, 0,
    /* 40 */ 0,   L,   L,   L,   L,   L,   L,   L,  L, L, L, L, L, L, L, L,
    /* 50 */ L,   L,   L,   L,   L,   L,   L,   L,  L, L, L, 0, 0, 0, 0, C,
    /* 60 */ 0,   L,   L,   L,   L,   L,   L,   L,  L, L, L, L, L, L, L, L,
    /* 70 */ L,   L,   L,   L,   L,   L,   L,   L,  L, L, L, 0, 0, 0, 0, 0,
    /* 80 */ H16, H16, H16, H16, H16, H16, H16, H16};
#undef L
#undef D
#undef C
#undef H
#undef H16

static bool is_word(utf8proc_int32_t code_point)
{
    const utf8proc_category_t category = utf8proc_category(code_point);
    if (code_point == 0x2bc) /* a letter to Unicode, an apostrophe to us */
        return false;
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

static bool is_ideograph(utf8proc_int32_t code_point)
{
    return (code_point >= 0x3400 && code_point <= 0x9fff) ||
           (code_point >= 0xf900 && code_point <= 0xfaff) ||
           (code_point >= 0x20000 && code_point <= 0x3ffff);
}

/* What connects words, by the sign of ASCII that means the same; 0 = it does not. */
static u8 connector_of(utf8proc_int32_t code_point)
{
    switch (code_point) {
    case 0x2bc:  /* modifier letter apostrophe */
    case 0x2018: /* single quotation marks */
    case 0x2019: return '\'';
    case 0x2010: return '-'; /* hyphen; the unbreakable one decomposes to it */
    case 0x2044: return '/'; /* fraction slash */
    default: break;
    }
    return code_point < 0x80 && text_kinds[code_point] == TEXT_KIND_CONNECTOR ? (u8)code_point : 0;
}

static void append(struct text_folded *folded, utf8proc_int32_t code_point)
{
    if (folded->bytes + 4 <= TEXT_FOLD_BYTES)
        folded->bytes +=
            (u32)utf8proc_encode_char(code_point, (utf8proc_uint8_t *)folded->data + folded->bytes);
}

static void one_connector(struct text_folded *folded, u8 connector)
{
    folded->kind = TEXT_KIND_CONNECTOR;
    folded->data[0] = connector;
    folded->bytes = 1;
}

void text_fold_high(struct span data, struct text_folded *folded)
{
    utf8proc_int32_t code_point = 0;
    *folded = (struct text_folded){.kind = TEXT_KIND_OTHER, .source_bytes = 1};
    const utf8proc_ssize_t bytes =
        utf8proc_iterate(data.data, (utf8proc_ssize_t)data.bytes, &code_point);
    if (bytes <= 0)
        return;
    folded->source_bytes = (u32)bytes;
    if (connector_of(code_point) != 0) {
        one_connector(folded, connector_of(code_point));
        return;
    }
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int boundary = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(code_point, parts, DECOMPOSED_MAX,
                                UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                    UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
                                &boundary);
    if (count < 0 || count > DECOMPOSED_MAX)
        return;
    if (count == 0) {
        folded->kind = TEXT_KIND_NOTHING;
        return;
    }
    if (count == 1 && connector_of(parts[0]) != 0) {
        one_connector(folded, connector_of(parts[0]));
        return;
    }
    bool is_fraction = false;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        if (is_word(parts[i]))
            append(folded, parts[i]);
        else if (parts[i] == 0x2044 && folded->bytes != 0) {
            append(folded, '/');
            is_fraction = true;
        }
    }
    if (folded->bytes != 0 && folded->data[folded->bytes - 1] == '/') { /* "1/", U+215F */
        folded->bytes--;
        is_fraction = false;
    }
    if (folded->bytes == 0)
        return;
    folded->kind = is_fraction                                        ? TEXT_KIND_FRACTION
                   : is_ideograph(parts[0])                           ? TEXT_KIND_IDEOGRAPH
                   : folded->data[0] >= '0' && folded->data[0] <= '9' ? TEXT_KIND_DIGIT
                                                                      : TEXT_KIND_LETTER;
}
