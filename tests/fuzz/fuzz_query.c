/* fuzz_query: any bytes as a query: parsed or refused with a place, never beyond its limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "shards/search/query_text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct query_text query;
    u8 joined[TEXT_WORD_BYTES];
    /* A copy, so that reading past the end is noticed. */
    u8 *copy = malloc(bytes + 1);
    MUST(copy != NULL);
    for (size_t i = 0; i < bytes; i++)
        copy[i] = data[i];
    const struct span source = {.data = copy, .bytes = (u32)bytes};
    if (query_text_parse(&query, source) != NULL) {
        MUST(query.error_at < source.bytes);
        free(copy);
        return 0;
    }
    MUST(query.slot_count <= QUERY_WORDS_MAX && query.part_count <= QUERY_PARTS_MAX);
    u32 parts = 0;
    for (u32 i = 0; i < query.slot_count; i++) {
        const struct query_slot *slot = &query.slots[i];
        MUST(slot->begin < slot->end && slot->end <= source.bytes);
        MUST(i == 0 || slot->begin >= query.slots[i - 1].begin);
        MUST(slot->count >= 1 && slot->first + slot->count <= query.part_count);
        MUST(slot->joined == QUERY_NO_PART || slot->joined < query.part_count);
        MUST(IMPLIES((slot->flags & QUERY_SLOT_OPEN) != 0, i + 1 == query.slot_count));
        MUST(query_text_join(&query, i, i, joined) <= TEXT_WORD_BYTES);
        parts += slot->count;
    }
    for (u32 i = 0; i < query.part_count; i++)
        MUST(query.parts[i].bytes >= 1 && query.parts[i].bytes <= TEXT_WORD_BYTES);
    MUST(parts <= query.part_count);
    free(copy);
    return 0;
}
