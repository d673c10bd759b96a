/* query_plan: see query_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_plan.h"

#include "proto/checksum.h"
#include "proto/messages.h"

void plan_init(struct query_plan *plan, const struct query_text *text, u16 shard_count,
               struct bump *bump)
{
    memset(plan, 0, sizeof *plan);
    plan->text = text;
    plan->shard_count = shard_count;
    plan->bump = bump;
}

/* ---- offers ---- */

static bool is_positive(const struct query_plan *plan, u32 slot)
{
    return (plan->text->slots[slot].flags & QUERY_SLOT_EXCLUDED) == 0;
}

static u64 offer_hash(const struct query_offer *offer)
{
    const struct span by = offer->kind == SCORE_TYPO ? offer->words : offer->key;
    return checksum64(by.data, by.bytes) ^ (offer->kind == SCORE_TYPO ? 0x5bd1e995u : 0u) ^
           (u64)offer->word_count << 56;
}

/* Room for `more` items. */
static bool grow(struct query_plan *plan, struct plan_slot *slot, u32 more)
{
    const u32 capacity = slot->count + more;
    if (capacity <= slot->capacity)
        return true;
    u32 table_size = 16;
    while (table_size < 2 * capacity)
        table_size *= 2;
    const size_t item_bytes = capacity * sizeof(struct plan_alternative);
    if (item_bytes > STORE_CHUNK_BYTES || table_size * sizeof(u32) > STORE_CHUNK_BYTES)
        return false;
    struct plan_alternative *items = bump_acquire(plan->bump, item_bytes);
    u32 *table = bump_acquire_zeroed(plan->bump, table_size * sizeof(u32));
    if (items == NULL || table == NULL)
        return false;
    if (slot->count != 0)
        memcpy(items, slot->items, slot->count * sizeof items[0]);
    slot->items = items;
    slot->table = table;
    slot->capacity = capacity;
    slot->table_mask = table_size - 1;
    for (u32 i = 0; i < slot->count; i++) {
        u32 at = (u32)items[i].hash & slot->table_mask;
        while (table[at] != 0)
            at = (at + 1) & slot->table_mask; /* ends: half of the table is free */
        table[at] = i + 1;
    }
    return true;
}

static struct plan_alternative *find_or_add(struct query_plan *plan, struct plan_slot *slot,
                                            const struct query_offer *offer)
{
    const u64 hash = offer_hash(offer);
    u32 at = (u32)hash & slot->table_mask;
    for (; slot->table[at] != 0; at = (at + 1) & slot->table_mask)
        if (slot->items[slot->table[at] - 1].hash == hash)
            return &slot->items[slot->table[at] - 1];
    MUST(slot->count < slot->capacity);
    u32 *dfs = bump_acquire_zeroed(plan->bump, offer->word_count * sizeof dfs[0]);
    if (dfs == NULL)
        return NULL;
    struct plan_alternative *item = &slot->items[slot->count++];
    *item = (struct plan_alternative){.hash = hash,
                                      .key = offer->key,
                                      .words = offer->words,
                                      .dfs = dfs,
                                      .kind = offer->kind,
                                      .apart = offer->apart,
                                      .cost = offer->cost,
                                      .is_joined = offer->is_joined,
                                      .word_count = offer->word_count};
    slot->table[at] = slot->count;
    return item;
}

/* Of 256: how much of a match the alternative is. */
static u32 factor_of(const struct query_plan *plan, u32 slot, u8 kind, u8 apart, u8 is_joined)
{
    const struct query_slot *place = &plan->text->slots[slot];
    const u32 part = place->joined != QUERY_NO_PART ? place->joined : place->first;
    const u32 factor = score_factor((enum score_kind)kind, apart,
                                    query_letters(query_text_part(plan->text, part)));
    return is_joined != 0 && kind != SCORE_JOINED
               ? score_both(factor, score_factor(SCORE_JOINED, 0, 0))
               : factor;
}

/* As what it has been offered, beside the best. */
static void take_kind(struct plan_alternative *item, const struct query_offer *offer)
{
    const bool is_new = (item->kinds >> offer->kind & 1) == 0;
    if (offer->kind == SCORE_PREFIX)
        item->prefix_apart = is_new ? offer->apart : MIN(item->prefix_apart, offer->apart);
    if (offer->kind == SCORE_MODEL)
        item->model_is_joined =
            is_new ? offer->is_joined : MIN(item->model_is_joined, offer->is_joined);
    item->kinds |= (u8)(1u << offer->kind);
}
STATIC_CHECK(SCORE_TYPO < 8);

/* An alternative is known by its stem, which another word may have, too: so these are kept beside. */
static void take_joined(struct plan_slot *slot, struct span word)
{
    for (u32 i = 0; i < slot->joined_count; i++)
        if (pack_equal(slot->joined[i], word))
            return;
    MUST(slot->joined_count < PLAN_JOINED_MAX);
    slot->joined[slot->joined_count++] = word;
}

static bool take_offer(struct query_plan *plan, u32 slot, u16 shard,
                       const struct query_offer *offer)
{
    struct plan_alternative *item = find_or_add(plan, &plan->slots[slot], offer);
    if (item == NULL)
        return false;
    take_kind(item, offer);
    if (offer->kind == SCORE_JOINED)
        take_joined(&plan->slots[slot], offer->words);
    const u32 factor = factor_of(plan, slot, offer->kind, offer->apart, offer->is_joined);
    const u32 before = factor_of(plan, slot, item->kind, item->apart, item->is_joined);
    if (factor > before || (factor == before && offer->kind < item->kind)) {
        item->kind = offer->kind;
        item->apart = offer->apart;
        item->cost = offer->cost;
        item->is_joined = offer->is_joined;
        item->words = offer->words;
    } else if (factor == before && offer->kind == item->kind &&
               pack_compare(offer->words, item->words) < 0) {
        item->words = offer->words;
    }
    if ((item->seen[shard / 64] >> shard % 64 & 1) == 0)
        for (u32 i = 0; i < offer->word_count; i++)
            item->dfs[i] += offer->dfs[i];
    item->seen[shard / 64] |= 1ull << shard % 64;
    return true;
}

static bool take_slot(struct query_plan *plan, struct query_unpack *answers, u32 at)
{
    struct plan_slot *slot = &plan->slots[at];
    u32 counts[SHARDS_MAX];
    u32 more = 0;
    for (u16 shard = 0; shard < plan->shard_count; shard++) {
        const u8 flags = unpack_u8(&answers[shard]);
        slot->is_stop = slot->is_stop || (flags & QUERY_OFFER_STOP) != 0;
        slot->has_too_many = slot->has_too_many || (flags & QUERY_OFFER_TOO_MANY) != 0;
        slot->has_too_many_models =
            slot->has_too_many_models || (flags & QUERY_OFFER_TOO_MANY_MODELS) != 0;
        counts[shard] = unpack_u32(&answers[shard]);
        more += counts[shard];
    }
    if (!grow(plan, slot, more))
        return false;
    for (u16 shard = 0; shard < plan->shard_count; shard++)
        for (u32 i = 0; i < counts[shard]; i++) {
            struct query_offer offer;
            query_offer_read(&offer, &answers[shard]);
            if (!take_offer(plan, at, shard, &offer))
                return false;
        }
    return true;
}

static bool is_kind(const struct plan_alternative *item, enum score_kind kind)
{
    return (item->kinds >> kind & 1) != 0;
}

static u32 count_kind(const struct plan_slot *slot, enum score_kind kind)
{
    u32 count = 0;
    for (u32 i = 0; i < slot->count; i++)
        count += is_kind(&slot->items[i], kind) ? 1 : 0;
    return count;
}

/* Then it is what it was offered as beside that: all other kinds are worth more than these two. */
static void lose_kind(struct plan_alternative *item, enum score_kind kind)
{
    item->kinds &= (u8) ~(1u << kind);
    if (item->kind != kind)
        return;
    if (is_kind(item, SCORE_MODEL)) {
        item->kind = SCORE_MODEL;
        item->apart = 0;
        item->is_joined = item->model_is_joined;
    } else if (is_kind(item, SCORE_PREFIX)) {
        item->kind = SCORE_PREFIX;
        item->apart = item->prefix_apart;
        item->is_joined = 0;
    } else {
        item->is_out = true;
    }
}

static void drop_kind(struct plan_slot *slot, enum score_kind kind)
{
    for (u32 i = 0; i < slot->count; i++)
        if (is_kind(&slot->items[i], kind))
            lose_kind(&slot->items[i], kind);
}

/* A beginning of too many words stands for itself alone. */
static void judge_beginnings(struct plan_slot *slot)
{
    slot->has_too_many =
        slot->has_too_many || count_kind(slot, SCORE_PREFIX) > QUERY_PREFIX_STEMS_MAX;
    slot->has_too_many_models =
        slot->has_too_many_models || count_kind(slot, SCORE_MODEL) > QUERY_MODELS_SEEN_MAX;
    if (slot->has_too_many)
        drop_kind(slot, SCORE_PREFIX);
    if (slot->has_too_many_models)
        drop_kind(slot, SCORE_MODEL);
}

bool plan_take(struct query_plan *plan, struct query_unpack *answers)
{
    for (u32 i = 0; i < plan->text->slot_count; i++) {
        if (!take_slot(plan, answers, i))
            return false;
        judge_beginnings(&plan->slots[i]);
    }
    return true;
}

/* ---- counts ---- */

static bool is_missing(const struct plan_alternative *item, u16 shard)
{
    return !item->is_out && item->kind != SCORE_SPLIT &&
           (item->seen[shard / 64] >> shard % 64 & 1) == 0;
}

bool plan_missing(const struct query_plan *plan, u16 shard, struct query_pack *to)
{
    bool is_any = false;
    for (u32 i = 0; i < plan->text->slot_count; i++)
        for (u32 j = 0; j < plan->slots[i].count; j++)
            if (is_missing(&plan->slots[i].items[j], shard)) {
                pack_text(to, plan->slots[i].items[j].words);
                is_any = true;
            }
    return is_any;
}

void plan_take_counts(struct query_plan *plan, u16 shard, struct query_unpack *answer)
{
    for (u32 i = 0; i < plan->text->slot_count; i++)
        for (u32 j = 0; j < plan->slots[i].count; j++) {
            struct plan_alternative *item = &plan->slots[i].items[j];
            if (!is_missing(item, shard))
                continue;
            for (u32 k = 0; k < item->word_count; k++)
                item->dfs[k] += unpack_u32(answer);
            item->seen[shard / 64] |= 1ull << shard % 64;
        }
}

/* ---- decisions ---- */

static u32 df_of(const struct plan_alternative *item)
{
    u32 least = item->dfs[0];
    for (u32 i = 1; i < item->word_count; i++)
        least = MIN(least, item->dfs[i]);
    return least;
}

/* In how many documents it is what it is without typos. */
static u64 df_of_slot(const struct plan_slot *slot)
{
    u64 sum = 0;
    for (u32 i = 0; i < slot->count; i++)
        if (!slot->items[i].is_out && slot->items[i].kind != SCORE_TYPO &&
            slot->items[i].kind != SCORE_SPLIT)
            sum += df_of(&slot->items[i]);
    return sum;
}

static u64 df_of_kind(const struct plan_slot *slot, enum score_kind kind)
{
    u64 sum = 0;
    for (u32 i = 0; i < slot->count; i++)
        if (!slot->items[i].is_out && slot->items[i].kind == kind)
            sum += df_of(&slot->items[i]);
    return sum;
}

void plan_drop_stop_words(struct query_plan *plan)
{
    u32 others = 0;
    for (u32 i = 0; i < plan->text->slot_count; i++)
        others += is_positive(plan, i) && !plan->slots[i].is_stop ? 1 : 0;
    plan->count = 0;
    for (u32 i = 0; i < plan->text->slot_count; i++) {
        plan->slots[i].is_out = plan->slots[i].is_stop && others != 0 && is_positive(plan, i);
        plan->count += is_positive(plan, i) && !plan->slots[i].is_out ? 1 : 0;
    }
}

static bool is_plain(const struct query_plan *plan, u32 slot)
{
    const struct query_slot *place = &plan->text->slots[slot];
    return is_positive(plan, slot) && !plan->slots[slot].is_out &&
           (place->flags & QUERY_SLOT_PHRASE) == 0 && place->joined != QUERY_NO_PART;
}

/* Is what the row is when joined a word of the catalog? */
static bool is_word(const struct plan_slot *slot, struct span word)
{
    for (u32 i = 0; i < slot->joined_count; i++)
        if (pack_equal(slot->joined[i], word))
            return true;
    return false;
}

/* The row from `first` to `last` may have a typo when it is joined: it is no word, and one of its slots
 * is in no document. */
static bool row_wants_typos(const struct query_plan *plan, u32 first, u32 last)
{
    u8 bytes[TEXT_WORD_BYTES];
    bool has_unknown = false;
    for (u32 i = first; i <= last; i++) {
        if (!is_plain(plan, i))
            return false;
        has_unknown = has_unknown || df_of_kind(&plan->slots[i], SCORE_SELF) == 0;
    }
    const struct span word = {.data = bytes,
                              .bytes = query_text_join(plan->text, first, last, bytes)};
    return has_unknown && word.bytes != 0 && !is_word(&plan->slots[first], word);
}

bool plan_wants_typos(const struct query_plan *plan, struct query_ask *ask)
{
    const u32 count = plan->text->slot_count;
    ask->slots = 0;
    memset(ask->rows, 0, sizeof ask->rows);
    for (u32 i = 0; i < count; i++) {
        if (!is_plain(plan, i))
            continue;
        const struct span word = query_text_part(plan->text, plan->text->slots[i].joined);
        const u64 df = df_of_slot(&plan->slots[i]);
        if (query_is_number(word) ? df == 0 : score_wants_typos(plan->live, df))
            ask->slots |= 1u << i;
        for (u32 more = 1; more < SCORE_JOIN_TYPO_SLOTS && i + more < count; more++)
            if (row_wants_typos(plan, i, i + more))
                ask->rows[more - 1] |= 1u << i;
    }
    return (ask->slots | ask->rows[0] | ask->rows[1]) != 0;
}
STATIC_CHECK(SCORE_JOIN_TYPO_SLOTS == 3);

static bool typo_precedes(const struct plan_alternative *a, const struct plan_alternative *b)
{
    return a->cost != b->cost ? a->cost < b->cost : pack_compare(a->words, b->words) < 0;
}

static bool model_precedes(const struct plan_alternative *a, const struct plan_alternative *b)
{
    return df_of(a) != df_of(b) ? df_of(a) > df_of(b) : pack_compare(a->words, b->words) < 0;
}

static u8 is_joined_as(const struct plan_alternative *item, enum score_kind kind)
{
    return kind == SCORE_MODEL ? item->model_is_joined : item->is_joined;
}

/* Of the items of a kind the first `most` stay that. */
static void keep_first(struct plan_slot *slot, enum score_kind kind, u8 is_joined, u32 most,
                       bool (*precedes)(const struct plan_alternative *,
                                        const struct plan_alternative *))
{
    struct plan_alternative *best[QUERY_TYPOS_MAX];
    u32 count = 0;
    MUST(most <= ARRAY_COUNT(best));
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *item = &slot->items[i];
        if (item->is_out || !is_kind(item, kind) || is_joined_as(item, kind) != is_joined)
            continue;
        if (count == most && !precedes(item, best[count - 1])) {
            lose_kind(item, kind);
            continue;
        }
        if (count == most)
            lose_kind(best[--count], kind);
        u32 at = count++;
        for (; at != 0 && precedes(item, best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = item;
    }
}

/* Of the words like it those that are far more usual than it. */
static void choose(struct plan_slot *slot)
{
    const u64 df = df_of_slot(slot);
    for (u8 is_joined = 0; is_joined < 2; is_joined++) {
        keep_first(slot, SCORE_TYPO, is_joined, QUERY_TYPOS_MAX, typo_precedes);
        keep_first(slot, SCORE_MODEL, is_joined, QUERY_MODELS_MAX, model_precedes);
    }
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *item = &slot->items[i];
        if (item->kind == SCORE_TYPO && item->is_joined == 0 && !score_is_likelier(df, df_of(item)))
            item->is_out = true;
    }
}

/* Of items with one stem the one with the greatest factor stays. */
static void drop_twins(struct plan_slot *slot)
{
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *typo = &slot->items[i];
        if (typo->is_out || typo->kind != SCORE_TYPO)
            continue;
        for (u32 j = 0; j < slot->count && !typo->is_out; j++) {
            const struct plan_alternative *other = &slot->items[j];
            if (j == i || other->is_out || other->word_count != 1 ||
                !pack_equal(other->key, typo->key))
                continue;
            typo->is_out = other->factor > typo->factor ||
                           (other->factor == typo->factor && typo_precedes(other, typo));
        }
    }
}

/* Which word it was most likely meant to be, if no document has the word itself. */
static void correct(struct plan_slot *slot)
{
    const struct plan_alternative *best = NULL;
    for (u32 i = 0; i < slot->count; i++) {
        const struct plan_alternative *item = &slot->items[i];
        if (item->is_out || df_of(item) == 0)
            continue;
        if (item->kind != SCORE_TYPO && item->kind != SCORE_SPLIT)
            return; /* something else than a guess is there */
        if (best == NULL || item->factor > best->factor ||
            (item->factor == best->factor && df_of(item) > df_of(best)) ||
            (item->factor == best->factor && df_of(item) == df_of(best) &&
             pack_compare(item->words, best->words) < 0))
            best = item;
    }
    if (best != NULL)
        slot->corrected = best->words;
}

static u32 weight_of(const struct query_plan *plan, u32 at)
{
    const struct plan_slot *slot = &plan->slots[at];
    const struct query_slot *place = &plan->text->slots[at];
    bool has_digit = false;
    u64 df = 0;
    for (u32 i = 0; i < place->count; i++)
        has_digit = has_digit || query_has_digit(query_text_part(plan->text, place->first + i));
    for (u32 i = 0; i < slot->count; i++)
        if (!slot->items[i].is_out)
            df += score_df(df_of(&slot->items[i]), slot->items[i].factor);
    return score_weight(plan->live, MIN(df, plan->live), has_digit);
}

void plan_finish(struct query_plan *plan)
{
    for (u32 i = 0; i < plan->text->slot_count; i++) {
        struct plan_slot *slot = &plan->slots[i];
        choose(slot);
        for (u32 j = 0; j < slot->count; j++) {
            struct plan_alternative *item = &slot->items[j];
            item->factor = factor_of(plan, i, item->kind, item->apart, item->is_joined);
            /* The word itself may be written at this very moment. */
            item->is_out = item->is_out || (df_of(item) == 0 && item->kind != SCORE_SELF);
        }
        drop_twins(slot);
        slot->weight = weight_of(plan, i);
        if (is_positive(plan, i) && !slot->is_out)
            correct(slot);
        plan->is_corrected = plan->is_corrected || slot->corrected.bytes != 0;
    }
}

u32 plan_words_required(const struct query_plan *plan, u32 share)
{
    u32 weights[QUERY_WORDS_MAX];
    u32 count = 0;
    for (u32 i = 0; i < plan->text->slot_count; i++)
        if (is_positive(plan, i) && !plan->slots[i].is_out)
            weights[count++] = plan->slots[i].weight;
    return score_words_required(weights, count, share);
}

/* ---- for the shards ---- */

void plan_write(const struct query_plan *plan, struct query_pack *to)
{
    const u32 count_at = pack_later(to);
    u32 count = 0;
    for (u32 i = 0; i < plan->text->slot_count; i++) {
        const struct plan_slot *slot = &plan->slots[i];
        if (slot->is_out)
            continue;
        count++;
        pack_u16(to, plan->text->slots[i].flags);
        pack_u32(to, slot->weight);
        const u32 items_at = pack_later(to);
        u32 items = 0;
        for (u32 j = 0; j < slot->count; j++)
            if (!slot->items[j].is_out) {
                pack_u16(to, (u16)slot->items[j].factor);
                pack_u8(to, slot->items[j].kind);
                pack_u8(to, slot->items[j].word_count);
                pack_text(to, slot->items[j].words);
                items++;
            }
        pack_at(to, items_at, items);
    }
    pack_at(to, count_at, count);
}

struct span plan_corrected(const struct query_plan *plan, struct span source)
{
    struct query_pack out = {.data = bump_acquire(plan->bump, QUERY_BYTES_MAX),
                             .capacity = QUERY_BYTES_MAX};
    u32 from = 0;
    if (!plan->is_corrected || out.data == NULL)
        return (struct span){0};
    for (u32 i = 0; i < plan->text->slot_count; i++) {
        const struct query_slot *place = &plan->text->slots[i];
        if (plan->slots[i].corrected.bytes == 0)
            continue;
        pack_bytes(&out, source.data + from, place->begin - from);
        pack_bytes(&out, plan->slots[i].corrected.data, plan->slots[i].corrected.bytes);
        from = place->end;
    }
    pack_bytes(&out, source.data + from, source.bytes - from);
    return (struct span){.data = out.data, .bytes = out.used};
}
