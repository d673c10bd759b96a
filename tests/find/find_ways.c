/* find_ways: see find_ways.h. This one looks into runs; what an answer must be it does not say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_ways.h"

#include <stdio.h>
#include <string.h>

#include "shards/search/run.h"

static void count_slots(const struct run *run, u32 *counts)
{
    bool has_set = false, has_table = false, has_row = false, has_bits = false, has_merged = false;
    bool has_row_bits = false;
    for (u32 i = 0; i < run->slot_count; i++) {
        const struct run_slot *slot = &run->slots[i];
        const bool is_own = slot->windows != NULL && slot->dense == DENSE_TABLES;
        has_set = has_set || slot->set_terms != NULL;
        has_table = has_table || is_own;
        has_bits = has_bits || (slot->windows != NULL && !is_own);
        has_merged = has_merged || (is_own && slot->words[0].dense != DENSE_TABLES);
        has_row = has_row || slot->row_count != 0;
        for (u32 j = 0; j < slot->row_count; j++)
            has_row_bits = has_row_bits || run_row_windows(run, &slot->rows[j], 0) != NULL;
    }
    counts[FIND_WAY_BITS] += has_bits;
    counts[FIND_WAY_MERGED] += has_merged;
    counts[FIND_WAY_ROW_BITS] += has_row_bits;
    counts[FIND_WAY_SET] += has_set;
    counts[FIND_WAY_TABLE] += has_table;
    counts[FIND_WAY_ROW] += has_row;
}

static void count_list(const struct run *run, u32 *counts)
{
    const struct run_list *list = &run->list;
    const bool is_list = list->is_possible && list->end != 0;
    const bool has_skipped = list->walk.has_skipped;
    counts[FIND_WAY_WINDOWS] += !is_list && run->positive_count != 0;
    counts[FIND_WAY_RARE] += is_list && list->is_rare;
    counts[FIND_WAY_STRETCH] += is_list && !list->is_rare;
    counts[FIND_WAY_GIVEN_UP] += is_list && !list->is_rare && list->retry != 0;
    counts[FIND_WAY_DIRECT] += is_list && list->is_direct;
    counts[FIND_WAY_GATHERED] += is_list && !list->is_direct;
    counts[FIND_WAY_ALONG] += is_list && run->slots[0].windows != NULL;
    counts[FIND_WAY_LEFT_OUT] += has_skipped;
    counts[FIND_WAY_SKIPPED] += (run->notes & SEARCH_NOTE_AT_LEAST) != 0;
}

static void count_part(void *context, const struct part *part, u32 slices)
{
    struct find_ways *ways = context;
    struct msg_search_part_req request;
    if (part->info->code != OPCODE_SEARCH_PART || part->state == NULL)
        return;
    memcpy(&request, part->fixed, sizeof request);
    const struct run *run = part->state;
    switch ((enum search_step)request.step) {
    case SEARCH_STEP_RUN:
        count_slots(run, ways->counts);
        count_list(run, ways->counts);
        ways->counts[FIND_WAY_SHARE] += run->head.share != RUN_ALL_SLOTS;
        ways->counts[FIND_WAY_SLICES] += slices > 1;
        break;
    case SEARCH_STEP_SLOTS: ways->counts[FIND_WAY_COUNTED]++; break;
    case SEARCH_STEP_DETAILS: ways->counts[FIND_WAY_DETAILS]++; break;
    case SEARCH_STEP_WORDS:
    case SEARCH_STEP_COUNTS:
    case SEARCH_STEP_TYPOS:
    case SEARCH_STEP_LABELS: break;
    }
}

void find_ways_watch(struct gather_loop *loop, struct find_ways *ways)
{
    loop->ended = count_part;
    loop->ended_context = ways;
}

bool find_ways_print(const struct find_ways *ways)
{
    static const char *const names[] = {
        "windows",     "rare",    "stretches",    "given up", "direct",   "gathered",
        "sets",        "tables",  "along tables", "rows",     "left out", "windows skipped",
        "shares",      "counted", "details",      "slices",   "bits",     "bits merged",
        "bits of rows"};
    STATIC_CHECK(ARRAY_COUNT(names) == FIND_WAYS);
    bool is_good = true;
    (void)printf("find: ways:");
    for (u32 i = 0; i < FIND_WAYS; i++) {
        (void)printf(" %s %u%s", names[i], ways->counts[i], i + 1 < FIND_WAYS ? "," : "\n");
        is_good = is_good && ways->counts[i] != 0;
    }
    if (!is_good)
        (void)printf("find: a way was never taken\n");
    return is_good;
}
