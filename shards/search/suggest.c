/* suggest: see suggest.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/suggest.h"

#include "shards/shard_handlers.h"

#define COUNTS_IN_A_SLICE 256u
STATIC_CHECK(SUGGEST_WORDS_MAX <= DICT_PREFIX_MAX);

/* A step under way. */
struct suggest_state {
    struct query_unpack from;
    struct query_pack pack;
};

static void write_words(const struct dict *dict, struct suggest_state *state)
{
    u32 surfaces[SUGGEST_WORDS_MAX];
    const struct span prefix = unpack_text(&state->from);
    const u32 count = dict_prefix(dict, prefix, surfaces, SUGGEST_WORDS_MAX);
    for (u32 i = 0; i < count; i++) {
        pack_u32(&state->pack, dict_live(dict, surfaces[i]));
        pack_text(&state->pack, dict_text(dict, surfaces[i]));
    }
}

/* True: that was the last. */
static bool write_counts(const struct dict *dict, struct suggest_state *state)
{
    for (u32 i = 0; i < COUNTS_IN_A_SLICE && state->from.at < state->from.bytes; i++) {
        const u32 surface = dict_find(dict, unpack_text(&state->from));
        pack_u32(&state->pack, surface != 0 ? dict_live(dict, surface) : 0);
    }
    return state->from.at == state->from.bytes;
}

bool shard_part_suggest_part(struct shard *shard, struct part *part)
{
    struct msg_suggest_part_req request;
    struct suggest_state *state = part->state;
    const struct dict *dict = &search_current(&shard->search)->dict;
    memcpy(&request, part->fixed, sizeof request);
    if (state == NULL) {
        state = bump_acquire_zeroed(&part->bump, sizeof *state);
        MUST(state != NULL); /* the first of the part */
        state->from = unpack_of(part->spans[SPAN_OF(suggest_part_req, data)]);
        state->pack.data = bump_acquire(&part->bump, PART_BYTES_MAX);
        state->pack.capacity = PART_BYTES_MAX;
        MUST(state->pack.data != NULL);
        part->state = state;
    }
    if (request.step == SUGGEST_STEP_WORDS)
        write_words(dict, state);
    else if (!write_counts(dict, state))
        return false;
    MUST(!state->pack.is_full); /* what is asked is smaller */
    part->reply_spans[SPAN_OF(suggest_part_rsp, data)] =
        (struct span){.data = state->pack.data, .bytes = state->pack.used};
    return true;
}
