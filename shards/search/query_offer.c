/* query_offer: see query_offer.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_offer.h"

#include <string.h>

#include "proto/checksum.h"
#include "shards/recommend/recommend.h"
#include "shards/search/filter.h"
#include "shards/shard_state.h"

#define STEM_TABLE_SLOTS (4 * QUERY_PREFIX_STEMS_MAX)

/* A step under way. */
struct offer_state {
    struct query_ask ask;
    struct query_text text;
    struct query_names names;
    struct query_pack pack;
    struct query_unpack words; /* COUNTS: what is still to be counted */
    u32 slot;                  /* the next one */
    u32 count_at;              /* of the slot in hand, in the pack */
    u32 count;
    u32 flags_at;
    u32 work;
    bool has_begun;  /* the slot in hand */
    u32 stem_count;  /* of words with the prefix */
    u32 after_bytes; /* the last one that was read */
    u8 after[TEXT_WORD_BYTES];
    u32 stems[STEM_TABLE_SLOTS];  /* hash table of their terms, 0 = free */
    u32 places[STEM_TABLE_SLOTS]; /* of what is apart, in the pack */
};

/* ---- names of places ---- */

void query_names_read(struct query_names *names, const struct search_index *index,
                      const struct query_text *query)
{
    u32 at = 0;
    for (u32 i = 0; i < query->slot_count; i++) {
        names->begins[i] = at;
        const u32 bytes = search_place_name(index, query, i, names->bytes + at);
        at += bytes;
        if (bytes != 0)
            names->bytes[at++] = '\n';
    }
    names->begins[query->slot_count] = at;
}

bool query_names_hash(const struct query_names *names, const struct query_text *query, u32 first,
                      u32 last, u64 *hash)
{
    for (u32 i = first; i <= last; i++)
        if (names->begins[i] == names->begins[i + 1] ||
            (i != first && (query->slots[i].flags & QUERY_SLOT_APART) != 0))
            return false;
    *hash = checksum64(names->bytes + names->begins[first],
                       names->begins[last + 1] - names->begins[first]);
    return true;
}

bool query_names_are_all(const struct query_text *query, u32 first, u32 last)
{
    for (u32 i = 0; i < query->slot_count; i++)
        if ((i < first || i > last) && (query->slots[i].flags & QUERY_SLOT_EXCLUDED) == 0)
            return false;
    return true;
}

/* ---- facts ---- */

static void write_known(struct shard *shard, struct span name, struct query_pack *to)
{
    const struct column_fields *fields = &search_current(&shard->search)->columns.fields;
    const u32 field = column_field_find(fields, name);
    const u16 type = search_attribute_type(shard, name);
    const bool is_known =
        type != 0 || (field != 0 && column_field_at(fields, field)->live_count != 0);
    pack_u8(to, (u8)((is_known ? FILTER_KNOWN : 0) |
                     (column_field_left_out(fields, name) ? FILTER_LEFT_OUT : 0)));
    pack_u8(to, (u8)type);
}

/* The filter of the collection that is asked for. */
static void find_collection(struct shard *shard, u64 collection_id, struct query_facts *facts)
{
    const struct settings *settings = &shard->settings;
    const u32 at = settings_find(
        settings, (struct setting_name){.home_id = collection_id, .kind = SETTING_KIND_COLLECTION});
    if (at == 0 || setting_collection(setting_at(settings, at))->is_off != 0)
        return;
    facts->has_collection = 1;
    facts->collection = setting_span(setting_at(settings, at), SPAN_OF(collection_put_req, filter));
}

static void write_collection_names(struct shard *shard, struct part *part, struct span text,
                                   struct query_pack *to)
{
    struct filter_problem problem = {0};
    const struct filter *filter =
        text.bytes != 0 ? filter_parse(text, &part->bump, &problem) : NULL;
    const u32 count = filter != NULL ? filter->name_count : 0;
    pack_u32(to, count);
    for (u32 i = 0; i < count; i++)
        write_known(shard, filter_name(filter, i), to);
}

static bool applies(const struct msg_curation_put_req *curation, u64 now_ns)
{
    return product_time_good(curation->valid_from_ns, curation->valid_until_ns, now_ns);
}

static u32 write_actions(const struct setting *setting, struct query_pack *to)
{
    const struct span actions = setting_span(setting, SPAN_OF(curation_put_req, actions));
    for (u32 at = 0; at < actions.bytes; at += (u32)sizeof(struct row_curation_action)) {
        pack_u64(to, setting->home_id);
        pack_bytes(to, actions.data + at, sizeof(struct row_curation_action));
    }
    return actions.bytes / (u32)sizeof(struct row_curation_action);
}

/* The actions of the curations that a phrase leads to. */
static u32 write_curations(struct shard *shard, struct offer_state *state, u64 hash, bool is_all)
{
    u32 count = 0;
    for (u32 at = search_phrase_find(&shard->search.words, hash); at != 0;
         at = search_phrase_at(&shard->search.words, at)->same) {
        const struct search_phrase *phrase = search_phrase_at(&shard->search.words, at);
        if (phrase->kind != SETTING_KIND_CURATION)
            continue;
        const struct setting *setting = setting_at(&shard->settings, phrase->setting);
        const struct msg_curation_put_req *curation = setting_curation(setting);
        if (applies(curation, state->ask.now_ns) && (is_all || curation->is_part != 0))
            count += write_actions(setting, &state->pack);
    }
    return count;
}

static void write_all_curations(struct shard *shard, struct offer_state *state)
{
    const struct query_text *text = &state->text;
    const u32 at = pack_later(&state->pack);
    u32 count = 0;
    u64 hash;
    if ((state->ask.flags & SEARCH_FLAG_NO_CURATION) == 0) {
        for (u32 i = 0; i < text->slot_count; i++)
            for (u32 j = i; j < MIN(text->slot_count, i + SEARCH_PHRASE_PLACES) &&
                            query_names_hash(&state->names, text, i, j, &hash);
                 j++)
                count += write_curations(shard, state, hash, query_names_are_all(text, i, j));
        if (text->slot_count == 0 && state->ask.category_id != 0)
            count +=
                write_curations(shard, state, search_category_hash(state->ask.category_id), true);
    }
    pack_at(&state->pack, at, count);
}

static void write_facts(struct shard *shard, struct part *part, struct offer_state *state)
{
    const struct search *search = &shard->search;
    struct query_facts facts = {
        .live = index_live(&search->indexes[search->current].index),
        .generation = search->generation,
        .notes = search->is_renewing ? SEARCH_NOTE_REINDEXING : 0,
        .drop_below = search->policy.drop_below,
        .typo1_bytes = search->policy.typo1_bytes,
        .typo2_bytes = search->policy.typo2_bytes,
    };
    facts.has_profile = search_profile(shard, state->ask.profile_id, &facts.profile) ? 1 : 0;
    if (state->ask.collection_id != 0)
        find_collection(shard, state->ask.collection_id, &facts);
    if (state->ask.user_id != 0)
        facts.recent_count = (u16)recommend_recent_categories(shard, state->ask.user_id,
                                                              facts.recents, QUERY_RECENT_MAX);
    query_facts_write(&facts, &state->pack);
    for (u32 i = 0; i < state->ask.name_count; i++)
        write_known(shard, state->ask.names[i], &state->pack);
    write_collection_names(shard, part, facts.collection, &state->pack);
    write_all_curations(shard, state);
    pack_u32(&state->pack, state->text.slot_count);
}

/* ---- words of a slot ---- */

static u32 df_of(const struct search_index *index, u32 term)
{
    return term != 0 ? index_df(&index->index, term) : 0;
}

static void put_offer(struct offer_state *state, struct query_offer *offer)
{
    query_offer_write(offer, &state->pack);
    state->count++;
    state->work += 300;
}

/* One word, with its stem as key. */
static void offer_word(const struct search_index *index, struct offer_state *state,
                       struct query_offer *offer, struct span word)
{
    u8 stem[TEXT_WORD_BYTES];
    offer->word_count = 1;
    offer->words = word;
    offer->key = (struct span){.data = stem, .bytes = search_index_stem(index, word, stem)};
    offer->dfs[0] = df_of(index, dict_find_stem(&index->dict, word));
    put_offer(state, offer);
}

/* Words in a row: all parts of some slots of a query. */
static void offer_row(const struct search_index *index, struct offer_state *state,
                      enum score_kind kind, const struct query_text *text, u32 first, u32 last)
{
    u8 row[FORWARD_PHRASE_MAX * (TEXT_WORD_BYTES + 1)];
    struct query_offer offer = {.kind = (u8)kind};
    u32 bytes = 0, count = 0;
    for (u32 slot = first; slot <= last; slot++)
        for (u32 i = 0; i < text->slots[slot].count; i++) {
            const struct span word = query_text_part(text, text->slots[slot].first + i);
            if (count == FORWARD_PHRASE_MAX)
                return;
            if (count != 0)
                row[bytes++] = ' ';
            memcpy(row + bytes, word.data, word.bytes);
            bytes += word.bytes;
            offer.dfs[count++] = df_of(index, dict_find_stem(&index->dict, word));
        }
    const struct span words = {.data = row, .bytes = bytes};
    if (count == 1) {
        offer_word(index, state, &offer, words);
        return;
    }
    offer.word_count = (u8)count;
    offer.words = words;
    offer.key = words;
    put_offer(state, &offer);
}

/* What a slot of `text` says by itself. */
static void offer_slot(const struct search_index *index, struct offer_state *state,
                       enum score_kind kind, const struct query_text *text, u32 slot)
{
    const struct query_slot *place = &text->slots[slot];
    if (place->joined != QUERY_NO_PART) {
        struct query_offer offer = {.kind = (u8)kind};
        offer_word(index, state, &offer, query_text_part(text, place->joined));
    }
    if (place->joined != place->first)
        offer_row(index, state, kind, text, slot, slot);
}

static bool is_plain(const struct query_text *text, u32 slot)
{
    return (text->slots[slot].flags & (QUERY_SLOT_PHRASE | QUERY_SLOT_EXCLUDED)) == 0;
}

/* Words here that are the model number `word` and some more; false: too many. */
static bool offer_models(const struct search_index *index, struct offer_state *state,
                         struct span word, bool is_joined)
{
    u32 surfaces[DICT_PREFIX_MAX / 4];
    u8 text[TEXT_WORD_BYTES];
    struct span after = {.data = text};
    u32 found = 0, count;
    if (word.bytes < 4 || !query_has_digit(word) || query_is_number(word))
        return true;
    do {
        count = dict_prefix_in_order(&index->dict, word, after, surfaces, ARRAY_COUNT(surfaces));
        state->work += 1000 + 50 * count;
        for (u32 i = 0; i < count; i++) {
            const struct span longer = dict_text(&index->dict, surfaces[i]);
            memcpy(text, longer.data, longer.bytes);
            after.bytes = longer.bytes;
            if (!score_goes_on(word.data, word.bytes, longer.data, longer.bytes))
                continue;
            if (found++ == QUERY_MODELS_SEEN_MAX)
                return false;
            struct query_offer offer = {.kind = SCORE_MODEL, .is_joined = is_joined ? 1 : 0};
            offer_word(index, state, &offer, longer);
        }
    } while (count == ARRAY_COUNT(surfaces)); /* ends: words grow */
    return true;
}

/* What the slot is together with others, and the model numbers that go on; false: too many. */
static bool offer_joined(const struct search_index *index, struct offer_state *state, u32 slot)
{
    const struct query_text *text = &state->text;
    u8 bytes[TEXT_WORD_BYTES];
    const u32 least = slot + 1 >= SCORE_JOIN_SLOTS ? slot + 1 - SCORE_JOIN_SLOTS : 0;
    bool is_good = true;
    for (u32 i = least; i <= slot; i++)
        for (u32 j = slot; j < MIN(text->slot_count, i + SCORE_JOIN_SLOTS); j++) {
            const struct span word = {.data = bytes, .bytes = query_text_join(text, i, j, bytes)};
            if (word.bytes == 0)
                continue;
            is_good = offer_models(index, state, word, j != i) && is_good;
            const u32 surface = j != i ? dict_find(&index->dict, word) : 0;
            state->work += 100;
            if (surface == 0 || dict_live(&index->dict, surface) == 0)
                continue;
            struct query_offer offer = {.kind = SCORE_JOINED, .is_joined = 1};
            offer_word(index, state, &offer, word);
        }
    return is_good;
}

/* The other entries of a synonym. */
static void offer_entries(struct shard *shard, struct offer_state *state,
                          const struct search_phrase *phrase)
{
    const struct setting *setting = setting_at(&shard->settings, phrase->setting);
    const struct span words = setting_span(setting, SPAN_OF(synonym_put_req, words));
    struct query_text entry_text;
    struct span entry;
    u32 number = 0;
    if (setting_synonym(setting)->is_one_way != 0 && phrase->entry != 0)
        return;
    for (u32 at = 0; search_words_next(words, &at, &entry); number++) {
        if (number == phrase->entry || query_text_parse(&entry_text, entry) != NULL ||
            entry_text.slot_count == 0)
            continue;
        if (entry_text.slot_count == 1)
            offer_slot(search_current(&shard->search), state, SCORE_SYNONYM, &entry_text, 0);
        else
            offer_row(search_current(&shard->search), state, SCORE_SYNONYM, &entry_text, 0,
                      entry_text.slot_count - 1);
    }
}

/* Synonyms of every row of places in which the slot is; and is it a stop word? */
static u8 offer_synonyms(struct shard *shard, struct offer_state *state, u32 slot)
{
    const struct query_text *text = &state->text;
    u8 flags = 0;
    u64 hash;
    const u32 least = slot + 1 >= SEARCH_PHRASE_PLACES ? slot + 1 - SEARCH_PHRASE_PLACES : 0;
    for (u32 i = least; i <= slot; i++)
        for (u32 j = slot; j < MIN(text->slot_count, i + SEARCH_PHRASE_PLACES); j++) {
            if (!query_names_hash(&state->names, text, i, j, &hash))
                break;
            for (u32 at = search_phrase_find(&shard->search.words, hash); at != 0;
                 at = search_phrase_at(&shard->search.words, at)->same) {
                const struct search_phrase *phrase = search_phrase_at(&shard->search.words, at);
                if (phrase->kind == SETTING_KIND_SYNONYM)
                    offer_entries(shard, state, phrase);
                if (phrase->kind == SETTING_KIND_STOP_WORDS && i == j)
                    flags |= QUERY_OFFER_STOP;
            }
        }
    return flags;
}

/* ---- words that begin with an open slot ---- */

static void offer_longer(const struct search_index *index, struct offer_state *state,
                         struct span prefix, u32 surface)
{
    const struct span word = dict_text(&index->dict, surface);
    const u32 term = dict_term(&index->dict, surface);
    const u8 apart = (u8)(query_letters(word) - query_letters(prefix));
    if (word.bytes == prefix.bytes)
        return; /* the word itself */
    u32 slot = (term * 2654435761u) % STEM_TABLE_SLOTS;
    while (state->stems[slot] != 0 && state->stems[slot] != term)
        slot = (slot + 1) % STEM_TABLE_SLOTS; /* ends: three in four are free */
    if (state->stems[slot] == term) {
        u8 *nearest = state->pack.data + state->places[slot];
        if (!state->pack.is_full)
            *nearest = MIN(*nearest, apart);
        return;
    }
    if (state->stem_count++ == QUERY_PREFIX_STEMS_MAX)
        return;
    state->stems[slot] = term;
    state->places[slot] = state->pack.used; /* `apart` is the first byte of an offer */
    struct query_offer offer = {.kind = SCORE_PREFIX,
                                .apart = apart,
                                .word_count = 1,
                                .words = word,
                                .key = dict_stem(&index->dict, term)};
    offer.dfs[0] = df_of(index, term);
    put_offer(state, &offer);
}

/* One page of them; true: that was the last. */
static bool offer_prefix(const struct search_index *index, struct offer_state *state, u32 slot)
{
    u32 surfaces[DICT_PREFIX_MAX / 2];
    const struct span prefix = query_text_part(&state->text, state->text.slots[slot].joined);
    const struct span after = {.data = state->after, .bytes = state->after_bytes};
    const u32 count =
        dict_prefix_in_order(&index->dict, prefix, after, surfaces, ARRAY_COUNT(surfaces));
    for (u32 i = 0; i < count; i++)
        offer_longer(index, state, prefix, surfaces[i]);
    state->work += 150 * count;
    if (count < ARRAY_COUNT(surfaces) || state->stem_count > QUERY_PREFIX_STEMS_MAX)
        return true;
    const struct span last = dict_text(&index->dict, surfaces[count - 1]);
    memcpy(state->after, last.data, last.bytes);
    state->after_bytes = last.bytes;
    return false;
}

static void end_slot(struct offer_state *state, u8 flags)
{
    if (!state->pack.is_full)
        state->pack.data[state->flags_at] |= flags;
    pack_at(&state->pack, state->count_at, state->count);
    state->has_begun = false;
    state->slot++;
}

static void begin_slot(struct offer_state *state)
{
    state->flags_at = state->pack.used;
    pack_u8(&state->pack, 0);
    state->count_at = pack_later(&state->pack);
    state->count = 0;
    state->has_begun = true;
    state->after_bytes = 0;
}

static void offer_words(struct shard *shard, struct offer_state *state)
{
    const struct search_index *index = search_current(&shard->search);
    const struct query_text *text = &state->text;
    const u32 slot = state->slot;
    u8 flags = 0;
    if (!state->has_begun) {
        begin_slot(state);
        offer_slot(index, state, SCORE_SELF, text, slot);
        if (is_plain(text, slot)) {
            flags = offer_synonyms(shard, state, slot);
            if (!offer_joined(index, state, slot))
                flags |= QUERY_OFFER_TOO_MANY_MODELS;
        }
        state->work += 1000;
        if ((text->slots[slot].flags & QUERY_SLOT_OPEN) == 0 ||
            (state->ask.flags & SEARCH_FLAG_NO_PREFIX) != 0) {
            end_slot(state, flags);
            return;
        }
        memset(state->stems, 0, sizeof state->stems);
        state->stem_count = 0;
        if (!state->pack.is_full)
            state->pack.data[state->flags_at] = flags;
    }
    if (offer_prefix(index, state, slot))
        end_slot(state, state->stem_count > QUERY_PREFIX_STEMS_MAX ? QUERY_OFFER_TOO_MANY : (u8)0);
}

/* ---- typos ---- */

/* Both halves of every cut, whether or not there are such words: counts add up over shards. */
static void offer_halves(const struct search_index *index, struct offer_state *state,
                         struct span word)
{
    u8 row[TEXT_WORD_BYTES + 1];
    for (u32 at = 1; at < word.bytes; at++) {
        const struct span left = {.data = word.data, .bytes = at};
        const struct span right = {.data = word.data + at, .bytes = word.bytes - at};
        if ((word.data[at] & 0xc0) == 0x80 || query_letters(left) < 2 || query_letters(right) < 2)
            continue;
        const u32 first = dict_find(&index->dict, left), second = dict_find(&index->dict, right);
        struct query_offer offer = {.kind = SCORE_SPLIT, .word_count = 2};
        offer.dfs[0] = first != 0 ? dict_live(&index->dict, first) : 0;
        offer.dfs[1] = second != 0 ? dict_live(&index->dict, second) : 0;
        memcpy(row, word.data, at);
        row[at] = ' ';
        memcpy(row + at + 1, word.data + at, word.bytes - at);
        offer.words = (struct span){.data = row, .bytes = word.bytes + 1};
        offer.key = offer.words;
        if (offer.dfs[0] != 0 || offer.dfs[1] != 0)
            put_offer(state, &offer);
    }
}

/* What parts of a row are by themselves, alone or joined: a typo of the whole row that is one of these is
 * no reading. "lamp s" does not mean "lamp". */
static u32 read_parts(const struct search_index *index, const struct query_text *text, u32 first,
                      u32 last, u32 *terms)
{
    u8 bytes[TEXT_WORD_BYTES];
    u32 count = 0;
    for (u32 i = first; i <= last; i++)
        for (u32 j = i; j <= last; j++) {
            if (i == first && j == last)
                continue;
            const u32 part_bytes = query_text_join(text, i, j, bytes);
            if (part_bytes != 0)
                terms[count++] =
                    dict_find_stem(&index->dict, (struct span){.data = bytes, .bytes = part_bytes});
        }
    return count;
}
#define ROW_PARTS_MAX (SCORE_JOIN_TYPO_SLOTS * (SCORE_JOIN_TYPO_SLOTS + 1) / 2 - 1)

static bool is_one_of(const u32 *terms, u32 count, u32 term)
{
    for (u32 i = 0; i < count; i++)
        if (terms[i] == term)
            return true;
    return false;
}

/* Words like the row from `first` to `last`: the first QUERY_TYPOS_MAX by (cost, bytes) that may be
 * meant. */
static void offer_likes(struct shard *shard, struct offer_state *state, u32 first, u32 last)
{
    const struct search_index *index = search_current(&shard->search);
    const struct search_policy *policy = &shard->search.policy;
    struct dict_like likes[4 * QUERY_TYPOS_MAX];
    u32 parts[ROW_PARTS_MAX];
    u8 bytes[TEXT_WORD_BYTES];
    const struct span word = {.data = bytes,
                              .bytes = query_text_join(&state->text, first, last, bytes)};
    const bool is_joined = first != last;
    const u32 letters = query_letters(word);
    const bool is_number = query_is_number(word);
    const bool two =
        !is_joined && !is_number && policy->typo2_bytes != 0 && letters >= policy->typo2_bytes;
    if (word.bytes == 0 || policy->typo1_bytes == 0 || letters + 1 < policy->typo1_bytes ||
        (is_joined && is_number))
        return;
    const u32 part_count = read_parts(index, &state->text, first, last, parts);
    const u32 count = dict_typo(&index->dict, word, two ? 2 : 1, likes, ARRAY_COUNT(likes));
    u32 offered = 0;
    for (u32 i = 0; i < count && offered < QUERY_TYPOS_MAX; i++) {
        const struct span like = dict_text(&index->dict, likes[i].surface);
        if (MAX(letters, query_letters(like)) < policy->typo1_bytes ||
            (query_is_number(like) && !is_number) ||
            is_one_of(parts, part_count, dict_term(&index->dict, likes[i].surface)))
            continue;
        struct query_offer offer = {.kind = SCORE_TYPO,
                                    .apart = likes[i].distance,
                                    .cost = likes[i].cost,
                                    .is_joined = is_joined ? 1 : 0};
        offer_word(index, state, &offer, like);
        offered++;
    }
    state->work += 15000;
}

/* Rows of slots with this one in them that may have a typo when they are joined. */
static void offer_joined_likes(struct shard *shard, struct offer_state *state, u32 slot)
{
    for (u32 more = 1; more < SCORE_JOIN_TYPO_SLOTS; more++)
        for (u32 i = slot >= more ? slot - more : 0; i <= slot; i++)
            if ((state->ask.rows[more - 1] >> i & 1) != 0 && i + more < state->text.slot_count)
                offer_likes(shard, state, i, i + more);
}

static void offer_typos(struct shard *shard, struct offer_state *state)
{
    const u32 at = state->slot;
    const struct query_slot *slot = &state->text.slots[at];
    begin_slot(state);
    if (is_plain(&state->text, at) && slot->joined != QUERY_NO_PART) {
        const struct span word = query_text_part(&state->text, slot->joined);
        if ((state->ask.slots >> at & 1) != 0) {
            offer_likes(shard, state, at, at);
            offer_halves(search_current(&shard->search), state, word);
        }
        offer_joined_likes(shard, state, at);
    }
    end_slot(state, 0);
}

/* ---- counts of words that other shards have offered ---- */

static void write_counts(struct shard *shard, struct offer_state *state)
{
    const struct search_index *index = search_current(&shard->search);
    struct span word;
    const struct span words = unpack_text(&state->words);
    for (u32 at = 0; query_words_next(words, &at, &word); state->work += 300)
        pack_u32(&state->pack, df_of(index, dict_find_stem(&index->dict, word)));
}

/* ---- the steps ---- */

static struct offer_state *begin(struct shard *shard, struct part *part, enum search_step step)
{
    const struct span data = part->spans[SPAN_OF(search_part_req, data)];
    struct offer_state *state = bump_acquire(&part->bump, sizeof *state);
    u8 *reply = bump_acquire(&part->bump, PART_BYTES_MAX);
    MUST(state != NULL && reply != NULL); /* the first of the part */
    state->pack = (struct query_pack){.data = reply, .capacity = PART_BYTES_MAX};
    state->slot = 0;
    state->has_begun = false;
    state->text.slot_count = 0;
    if (step == SEARCH_STEP_COUNTS) {
        state->words = unpack_of(data);
        return state;
    }
    struct query_unpack unpack = unpack_of(data);
    query_ask_read(&state->ask, &unpack);
    MUST(query_text_parse(&state->text, state->ask.query) == NULL); /* the gather has judged it */
    query_names_read(&state->names, search_current(&shard->search), &state->text);
    if (step == SEARCH_STEP_WORDS)
        write_facts(shard, part, state);
    return state;
}

/* One slot, or one word; false: there is none. */
static bool take_next(struct shard *shard, struct offer_state *state, enum search_step step)
{
    if (step == SEARCH_STEP_COUNTS) {
        if (state->words.at == state->words.bytes)
            return false;
        write_counts(shard, state);
        return true;
    }
    if (state->slot >= state->text.slot_count)
        return false;
    if (step == SEARCH_STEP_TYPOS)
        offer_typos(shard, state);
    else
        offer_words(shard, state);
    return true;
}

/* The part is over, answered or dropped. */
static void let_go(struct shard *shard, struct part *part)
{
    (void)part;
    MUST(shard->search.question_count != 0);
    shard->search.question_count--;
}

bool query_offer_step(struct shard *shard, struct part *part, enum search_step step)
{
    struct msg_search_part_rsp *reply = (void *)part->reply;
    if (part->state == NULL) {
        part->state = begin(shard, part, step);
        shard->search.question_count++; /* numbers of terms keep their meaning */
        part->on_end = let_go;
    }
    struct offer_state *state = part->state;
    state->work = 0;
    while (state->work < QUERY_SLICE_WORK)
        if (!take_next(shard, state, step)) {
            reply->first_lsn = part->first_lsn;
            reply->last_lsn = shard->applied_lsn;
            if (state->pack.is_full)
                reply->head.status = STATUS_TOO_LARGE;
            else
                part->reply_spans[SPAN_OF(search_part_rsp, data)] =
                    (struct span){.data = state->pack.data, .bytes = state->pack.used};
            return true;
        }
    return false;
}
