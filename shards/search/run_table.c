/* run_table: see run_table.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run_table.h"

#include <string.h>

#define WINDOWS_AT_ONCE 256u /* of one piece of memory */

struct dense_window *run_table_make(struct bump *bump, u32 end)
{
    const u32 count = end / WINDOW_DOCS + 1;
    struct dense_window *windows = bump_acquire(bump, count * sizeof windows[0]);
    u64 *bits = NULL;
    u8 *impacts = NULL;
    for (u32 i = 0; windows != NULL && i < count; i++) {
        if (i % WINDOWS_AT_ONCE == 0) {
            const size_t some = MIN(count - i, WINDOWS_AT_ONCE);
            bits = bump_acquire_zeroed(bump, some * WINDOW_DOCS / 8);
            impacts = bump_acquire(bump, some * WINDOW_DOCS);
            if (bits == NULL || impacts == NULL)
                return NULL;
        }
        windows[i].bits = bits + (size_t)i % WINDOWS_AT_ONCE * WINDOW_WORDS;
        windows[i].impacts = impacts + (size_t)i % WINDOWS_AT_ONCE * WINDOW_DOCS;
    }
    return windows;
}

typedef u8 lanes __attribute__((vector_size(16)));
typedef u16 wide_lanes __attribute__((vector_size(16)));

/* Sixteen times run_slot_impact, the even bytes and the odd ones by themselves; 0 stays. */
static inline lanes scale(lanes impacts, u16 factor)
{
    if (factor == SCORE_FACTOR_ONE)
        return impacts;
    const wide_lanes pairs = (wide_lanes)impacts;
    const wide_lanes low = (pairs & 255) * factor >> 8, high = (pairs >> 8) * factor & 0xff00;
    const lanes scaled = (lanes)(low | high);
    return scaled | ((lanes)((impacts != 0) & (scaled == 0)) & 1);
}
STATIC_CHECK(SCORE_FACTOR_ONE == 1 << 8);

static inline lanes greater(lanes a, lanes b)
{
    const lanes mask = (lanes)(a > b);
    return (a & mask) | (b & ~mask);
}

void run_table_merge(struct dense_window *to, const struct dense_window *word, u16 factor,
                     bool is_first)
{
    lanes from, before = {0};
    MUST(factor <= SCORE_FACTOR_ONE);
    if (word->impacts == NULL && is_first)
        memset(to->impacts, 0, WINDOW_DOCS);
    if (word->impacts == NULL)
        return;
    for (u32 i = 0; i < WINDOW_WORDS; i++)
        to->bits[i] |= word->bits[i];
    for (u32 i = 0; i < WINDOW_DOCS; i += sizeof from) {
        memcpy(&from, word->impacts + i, sizeof from);
        from = scale(from, factor);
        if (!is_first)
            memcpy(&before, to->impacts + i, sizeof before);
        from = greater(from, before);
        memcpy(to->impacts + i, &from, sizeof from);
    }
}
