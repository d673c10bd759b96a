/* dict_distance: a band of five around the diagonal; see the header.
 *
 * What both words begin and end with is passed over first: of most candidates that leaves next to
 * nothing, so a table of bits per letter (Myers) would cost more to prepare than it saves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict_distance.h"

#define BAND (2 * DICT_DISTANCE_MAX + 1)

void dict_letters_of(struct span text, struct dict_letters *letters)
{
    u32 count = 0;
    MUST(text.bytes <= DICT_LETTERS_MAX);
    for (u32 at = 0; at < text.bytes; count++) {
        const u8 first = text.data[at];
        if (LIKELY(first < 0x80)) {
            letters->letters[count] = first;
            at++;
            continue;
        }
        const u32 bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        u32 letter = first & (0x7fu >> bytes);
        for (u32 i = 1; i < bytes && at + i < text.bytes; i++)
            letter = letter << 6 | (text.data[at + i] & 0x3fu);
        letters->letters[count] = letter;
        at += bytes;
    }
    letters->count = count;
}

/* Cell `i` of a row is column row + i - DICT_DISTANCE_MAX; outside of the table all is too far. */
static u32 fill_row(const u32 *a, const u32 *b, u32 b_count, u32 row, u8 rows[3][BAND], u32 far)
{
    const u8 *before = rows[(row + 2) % 3]; /* the row above, one cell to the right in the band */
    const u8 *swapped = rows[(row + 1) % 3];
    u8 *now = rows[row % 3];
    u32 least = far;
    for (u32 i = 0; i < BAND; i++) {
        const i32 column = (i32)(row + i) - (i32)DICT_DISTANCE_MAX;
        u32 value = far;
        if (column == 0) {
            value = row;
        } else if (column > 0 && column <= (i32)b_count) {
            value = a[row - 1] == b[column - 1] ? before[i] : before[i] + 1u;
            if (i + 1 < BAND)
                value = MIN(value, before[i + 1] + 1u);
            if (i > 0)
                value = MIN(value, now[i - 1] + 1u);
            if (row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1])
                value = MIN(value, swapped[i] + 1u);
        }
        now[i] = (u8)MIN(value, far);
        least = MIN(least, now[i]);
    }
    return least;
}

u32 dict_distance(const struct dict_letters *a, const struct dict_letters *b, u32 max)
{
    const u32 far = max + 1;
    u32 a_count = a->count;
    u32 b_count = b->count;
    u32 begin = 0;
    MUST(max <= DICT_DISTANCE_MAX);
    if (MAX(a_count, b_count) - MIN(a_count, b_count) > max)
        return far;
    while (a_count > 0 && b_count > 0 && a->letters[a_count - 1] == b->letters[b_count - 1]) {
        a_count--;
        b_count--;
    }
    while (begin < a_count && begin < b_count && a->letters[begin] == b->letters[begin])
        begin++;
    a_count -= begin;
    b_count -= begin;
    if (a_count == 0 || b_count == 0)
        return a_count + b_count; /* not more than max, by their lengths */
    u8 rows[3][BAND];
    for (u32 i = 0; i < BAND; i++) {
        rows[0][i] = (u8)(i < DICT_DISTANCE_MAX ? far : MIN(i - DICT_DISTANCE_MAX, far));
        rows[2][i] = (u8)far;
    }
    u32 least_before = 0;
    for (u32 row = 1; row <= a_count; row++) {
        const u32 least = fill_row(a->letters + begin, b->letters + begin, b_count, row, rows, far);
        if (least >= far && least_before >= far)
            return far;
        least_before = least;
    }
    return rows[a_count % 3][b_count + DICT_DISTANCE_MAX - a_count];
}
