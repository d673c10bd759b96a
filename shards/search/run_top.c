/* run_top: see run_top.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run_top.h"

/* Lets the entry at `at` sink below everything that comes after it. */
static void sink(struct run_hit *entries, u32 count, u32 at)
{
    const struct run_hit entry = entries[at];
    for (u32 child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && run_hit_precedes(&entries[child], &entries[child + 1]))
            child++;
        if (!run_hit_precedes(&entry, &entries[child]))
            break;
        entries[at] = entries[child];
    }
    entries[at] = entry;
}

void run_top_offer(struct run_top *top, const struct run_hit *entry)
{
    if (top->count == top->capacity) {
        if (top->capacity == 0 || !run_hit_precedes(entry, &top->entries[0]))
            return;
        top->entries[0] = *entry;
        sink(top->entries, top->count, 0);
        return;
    }
    u32 at = top->count++;
    while (at != 0 && run_hit_precedes(&top->entries[(at - 1) / 2], entry)) {
        top->entries[at] = top->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    top->entries[at] = *entry;
}

bool run_top_sort(struct run_top *top, u32 most)
{
    for (; most != 0 && top->sorted + 1 < top->count; most--) {
        const u32 left = top->count - top->sorted;
        const struct run_hit last = top->entries[0];
        top->entries[0] = top->entries[left - 1];
        top->entries[left - 1] = last;
        sink(top->entries, left - 1, 0);
        top->sorted++;
    }
    return top->sorted + 1 >= top->count;
}
