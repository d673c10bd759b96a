/* query_step: see query_step.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_step.h"

void query_generations_write(const u32 *generations, u16 shard_count, struct query_pack *to)
{
    pack_u32(to, shard_count);
    pack_bytes(to, generations, shard_count * (u32)sizeof generations[0]);
}

bool query_generations_read(struct query_unpack *from, u16 shard, u32 generation)
{
    u32 own;
    const u32 count = unpack_u32(from);
    const u8 *generations = unpack_bytes(from, count * (u32)sizeof own);
    MUST(shard < count);
    memcpy(&own, generations + shard * sizeof own, sizeof own);
    return own == 0 || own == generation;
}

void query_ask_write(const struct query_ask *ask, struct query_pack *to)
{
    pack_u64(to, ask->profile_id);
    pack_u64(to, ask->collection_id);
    pack_u64(to, ask->user_id);
    pack_u64(to, ask->category_id);
    pack_u64(to, ask->now_ns);
    pack_u32(to, ask->slots);
    pack_bytes(to, ask->rows, sizeof ask->rows);
    pack_u16(to, ask->flags);
    pack_u16(to, ask->name_count);
    pack_text(to, ask->query);
    for (u32 i = 0; i < ask->name_count; i++)
        pack_text(to, ask->names[i]);
}

void query_ask_read(struct query_ask *ask, struct query_unpack *from)
{
    ask->profile_id = unpack_u64(from);
    ask->collection_id = unpack_u64(from);
    ask->user_id = unpack_u64(from);
    ask->category_id = unpack_u64(from);
    ask->now_ns = unpack_u64(from);
    ask->slots = unpack_u32(from);
    memcpy(ask->rows, unpack_bytes(from, sizeof ask->rows), sizeof ask->rows);
    ask->flags = unpack_u16(from);
    ask->name_count = unpack_u16(from);
    ask->query = unpack_text(from);
    MUST(ask->name_count <= QUERY_NAMES_MAX);
    for (u32 i = 0; i < ask->name_count; i++)
        ask->names[i] = unpack_text(from);
}

void query_offer_write(const struct query_offer *offer, struct query_pack *to)
{
    MUST(offer->word_count >= 1 && offer->word_count <= FORWARD_PHRASE_MAX);
    pack_u8(to, offer->apart);
    pack_u8(to, offer->kind);
    pack_u8(to, offer->cost);
    pack_u8(to, offer->is_joined);
    pack_u8(to, offer->word_count);
    for (u32 i = 0; i < offer->word_count; i++)
        pack_u32(to, offer->dfs[i]);
    pack_text(to, offer->key);
    pack_text(to, offer->words);
}

void query_offer_read(struct query_offer *offer, struct query_unpack *from)
{
    offer->apart = unpack_u8(from);
    offer->kind = unpack_u8(from);
    offer->cost = unpack_u8(from);
    offer->is_joined = unpack_u8(from);
    offer->word_count = unpack_u8(from);
    MUST(offer->word_count >= 1 && offer->word_count <= FORWARD_PHRASE_MAX);
    for (u32 i = 0; i < offer->word_count; i++)
        offer->dfs[i] = unpack_u32(from);
    offer->key = unpack_text(from);
    offer->words = unpack_text(from);
}

void query_profile_write(const struct rank_profile *profile, struct query_pack *to)
{
    pack_u32(to, profile->bucket);
    pack_u16(to, profile->popularity);
    pack_u16(to, profile->availability);
    pack_u16(to, profile->rating);
    pack_u16(to, profile->margin);
    pack_u16(to, profile->recent_category);
}

void query_profile_read(struct rank_profile *profile, struct query_unpack *from)
{
    profile->bucket = unpack_u32(from);
    profile->popularity = unpack_u16(from);
    profile->availability = unpack_u16(from);
    profile->rating = unpack_u16(from);
    profile->margin = unpack_u16(from);
    profile->recent_category = unpack_u16(from);
}

void query_facts_write(const struct query_facts *facts, struct query_pack *to)
{
    pack_u64(to, facts->live);
    pack_u32(to, facts->generation);
    pack_u32(to, facts->notes);
    pack_u32(to, facts->drop_below);
    pack_u16(to, facts->typo1_bytes);
    pack_u16(to, facts->typo2_bytes);
    pack_u8(to, facts->has_profile);
    pack_u8(to, facts->has_collection);
    pack_u16(to, facts->recent_count);
    query_profile_write(&facts->profile, to);
    for (u32 i = 0; i < facts->recent_count; i++)
        pack_u64(to, facts->recents[i]);
    pack_text(to, facts->collection);
}

void query_facts_read(struct query_facts *facts, struct query_unpack *from)
{
    facts->live = unpack_u64(from);
    facts->generation = unpack_u32(from);
    facts->notes = unpack_u32(from);
    facts->drop_below = unpack_u32(from);
    facts->typo1_bytes = unpack_u16(from);
    facts->typo2_bytes = unpack_u16(from);
    facts->has_profile = unpack_u8(from);
    facts->has_collection = unpack_u8(from);
    facts->recent_count = unpack_u16(from);
    MUST(facts->recent_count <= QUERY_RECENT_MAX);
    query_profile_read(&facts->profile, from);
    for (u32 i = 0; i < facts->recent_count; i++)
        facts->recents[i] = unpack_u64(from);
    facts->collection = unpack_text(from);
}
