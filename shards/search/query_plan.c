/* query_plan: see query_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_plan.h"

#include "proto/checksum.h"
#include "proto/messages.h"

/* Nanoseconds, about. */
#define COST_OFFER 70u
#define COST_ITEM  4u
#define COST_TEXT  15u

#define ITEMS_FIRST (QUERY_PREFIX_STEMS_MAX + QUERY_MODELS_SEEN_MAX + 1024u)
#define DFS_AT_ONCE 4096u

static bool has_time(const struct query_plan *plan)
{
    return *plan->work < QUERY_SLICE_WORK;
}

/* The function that is under way has come to its end. */
static enum plan_result end(struct query_plan *plan, enum plan_result result)
{
    memset(&plan->cursor, 0, offsetof(struct plan_cursor, left));
    return result;
}

static u32 letters_of(const struct query_text *text, u32 slot)
{
    const struct query_slot *place = &text->slots[slot];
    const u32 part = place->joined != QUERY_NO_PART ? place->joined : place->first;
    return query_letters(query_text_part(text, part));
}

void plan_init(struct query_plan *plan, const struct query_text *text, u16 shard_count,
               struct bump *bump, u32 *work)
{
    memset(plan, 0, sizeof *plan);
    plan->text = text;
    plan->shard_count = shard_count;
    plan->bump = bump;
    plan->work = work;
    for (u32 i = 0; i < text->slot_count; i++)
        plan->slots[i].letters = letters_of(text, i);
}

/* ---- offers ---- */

static bool is_positive(const struct query_plan *plan, u32 slot)
{
    return (plan->text->slots[slot].flags & QUERY_SLOT_EXCLUDED) == 0;
}

static bool is_kind(const struct plan_alternative *item, enum score_kind kind)
{
    return (item->kinds >> kind & 1) != 0;
}

/* By a stem, or by words in a row. */
static u64 key_hash(struct span key, u32 word_count)
{
    return checksum64(key.data, key.bytes) ^ (u64)word_count << 56;
}

static u64 offer_hash(const struct query_offer *offer)
{
    return offer->kind == SCORE_TYPO ? key_hash(offer->words, offer->word_count) ^ 0x5bd1e995u
                                     : key_hash(offer->key, offer->word_count);
}

/* Where it is in the table, or where it would be: 0 stands there. */
static u32 place_of(const struct plan_slot *slot, u64 hash)
{
    u32 at = (u32)hash & slot->table_mask;
    while (slot->table[at] != 0 && slot->items[slot->table[at] - 1].hash != hash)
        at = (at + 1) & slot->table_mask; /* ends: half of the table is free */
    return at;
}

static void fill_table(struct plan_slot *slot)
{
    memset(slot->table, 0, (slot->table_mask + 1) * sizeof slot->table[0]);
    for (u32 i = 0; i < slot->count; i++)
        slot->table[place_of(slot, slot->items[i].hash)] = i + 1;
}

static bool grow(struct query_plan *plan, struct plan_slot *slot, u32 capacity)
{
    u32 table_size = 16;
    while (table_size < 2 * capacity)
        table_size *= 2;
    const size_t item_bytes = capacity * sizeof(struct plan_alternative);
    if (item_bytes > STORE_CHUNK_BYTES || table_size * sizeof(u32) > STORE_CHUNK_BYTES)
        return false;
    struct plan_alternative *items = bump_acquire(plan->bump, item_bytes);
    u32 *table = bump_acquire(plan->bump, table_size * sizeof(u32));
    if (items == NULL || table == NULL)
        return false;
    if (slot->count != 0)
        memcpy(items, slot->items, slot->count * sizeof items[0]);
    slot->items = items;
    slot->table = table;
    slot->capacity = capacity;
    slot->table_mask = table_size - 1;
    fill_table(slot);
    return true;
}

static void keep_nearest(struct plan_slot *slot);

/* Room for one more: of many words like the slot only the nearest will be kept, so the others go now. */
static bool make_room(struct query_plan *plan, struct plan_slot *slot)
{
    u32 kept = 0;
    keep_nearest(slot);
    for (u32 i = 0; i < slot->count; i++)
        if (!slot->items[i].is_out || slot->items[i].kinds != 0)
            slot->items[kept++] = slot->items[i];
    slot->count = kept;
    *plan->work += slot->capacity * COST_ITEM * 4;
    if (kept > slot->capacity / 2)
        return grow(plan, slot, 2 * slot->capacity);
    fill_table(slot);
    return true;
}

/* Counts of the words of an item, none yet. */
static u32 *take_dfs(struct query_plan *plan, u32 count)
{
    if (plan->dfs_left < count) {
        plan->dfs = bump_acquire_zeroed(plan->bump, DFS_AT_ONCE * sizeof plan->dfs[0]);
        plan->dfs_left = plan->dfs != NULL ? DFS_AT_ONCE : 0;
    }
    if (plan->dfs_left < count)
        return NULL;
    plan->dfs_left -= count;
    return plan->dfs + plan->dfs_left;
}

static struct plan_alternative *find_or_add(struct query_plan *plan, struct plan_slot *slot,
                                            const struct query_offer *offer)
{
    const u64 hash = offer_hash(offer);
    u32 at = place_of(slot, hash);
    if (slot->table[at] != 0)
        return &slot->items[slot->table[at] - 1];
    if (slot->count == slot->capacity) {
        if (!make_room(plan, slot))
            return NULL;
        at = place_of(slot, hash);
    }
    u32 *dfs = take_dfs(plan, offer->word_count);
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
static u32 factor_of(const struct plan_slot *slot, u8 kind, u8 apart, u8 is_joined)
{
    const u32 factor = score_factor((enum score_kind)kind, apart, slot->letters);
    return is_joined != 0 && kind != SCORE_JOINED
               ? score_both(factor, score_factor(SCORE_JOINED, 0, 0))
               : factor;
}

/* As what it has been offered, beside the best. */
static void take_kind(struct plan_slot *slot, struct plan_alternative *item,
                      const struct query_offer *offer)
{
    const bool is_new = !is_kind(item, (enum score_kind)offer->kind);
    if (offer->kind == SCORE_PREFIX) {
        item->prefix_apart = is_new ? offer->apart : MIN(item->prefix_apart, offer->apart);
        slot->prefix_count += is_new ? 1 : 0;
        slot->has_too_many = slot->has_too_many || slot->prefix_count > QUERY_PREFIX_STEMS_MAX;
    }
    if (offer->kind == SCORE_MODEL) {
        item->model_is_joined =
            is_new ? offer->is_joined : MIN(item->model_is_joined, offer->is_joined);
        slot->model_count += is_new ? 1 : 0;
        slot->has_too_many_models =
            slot->has_too_many_models || slot->model_count > QUERY_MODELS_SEEN_MAX;
    }
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

/* What it is best as; of words that are the same the first by bytes. */
static void take_best(struct plan_slot *slot, struct plan_alternative *item,
                      const struct query_offer *offer)
{
    const bool is_same = offer->kind == item->kind && offer->apart == item->apart &&
                         offer->is_joined == item->is_joined;
    const u32 factor = is_same ? 0 : factor_of(slot, offer->kind, offer->apart, offer->is_joined);
    const u32 before = is_same ? 0 : factor_of(slot, item->kind, item->apart, item->is_joined);
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
}

static bool take_offer(struct query_plan *plan, struct plan_slot *slot, u16 shard,
                       const struct query_offer *offer)
{
    if ((offer->kind == SCORE_PREFIX && slot->has_too_many) ||
        (offer->kind == SCORE_MODEL && slot->has_too_many_models))
        return true; /* I4: none of them will be used */
    struct plan_alternative *item = find_or_add(plan, slot, offer);
    if (item == NULL)
        return false;
    const bool is_new = item->kinds == 0;
    take_kind(slot, item, offer);
    if (offer->kind == SCORE_JOINED)
        take_joined(slot, offer->words);
    if (!is_new)
        take_best(slot, item, offer);
    if ((item->seen[shard / 64] >> shard % 64 & 1) == 0)
        for (u32 i = 0; i < offer->word_count; i++)
            item->dfs[i] += offer->dfs[i];
    item->seen[shard / 64] |= 1ull << shard % 64;
    return true;
}

/* What every shard says of the slot, before its offers. */
static bool take_heads(struct query_plan *plan, struct plan_slot *slot,
                       struct query_unpack *answers)
{
    u64 more = slot->count;
    u32 most = 0; /* of one shard: others have many of the same */
    for (u16 shard = 0; shard < plan->shard_count; shard++) {
        const u8 flags = unpack_u8(&answers[shard]);
        slot->is_stop = slot->is_stop || (flags & QUERY_OFFER_STOP) != 0;
        slot->has_too_many = slot->has_too_many || (flags & QUERY_OFFER_TOO_MANY) != 0;
        slot->has_too_many_models =
            slot->has_too_many_models || (flags & QUERY_OFFER_TOO_MANY_MODELS) != 0;
        plan->cursor.left[shard] = unpack_u32(&answers[shard]);
        more += plan->cursor.left[shard];
        most = MAX(most, plan->cursor.left[shard]);
    }
    *plan->work += 200 + 10u * plan->shard_count;
    plan->cursor.shard = 0;
    const u32 capacity = (u32)MIN(more, (u64)MIN(slot->count + 2 * most, ITEMS_FIRST));
    return capacity <= slot->capacity || grow(plan, slot, capacity);
}

/* Some of the offers for the slot. */
static enum plan_result take_offers(struct query_plan *plan, struct plan_slot *slot,
                                    struct query_unpack *answers)
{
    struct plan_cursor *cursor = &plan->cursor;
    for (; cursor->shard < plan->shard_count; cursor->shard++)
        for (; cursor->left[cursor->shard] != 0; cursor->left[cursor->shard]--) {
            struct query_offer offer;
            if (!has_time(plan))
                return PLAN_GOES_ON;
            query_offer_read(&offer, &answers[cursor->shard]);
            *plan->work += COST_OFFER;
            if (!take_offer(plan, slot, (u16)cursor->shard, &offer))
                return PLAN_FULL;
        }
    return PLAN_DONE;
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
static void judge_beginnings(struct query_plan *plan, struct plan_slot *slot)
{
    if (slot->has_too_many)
        drop_kind(slot, SCORE_PREFIX);
    if (slot->has_too_many_models)
        drop_kind(slot, SCORE_MODEL);
    *plan->work += 2 * COST_ITEM * slot->count;
}

enum plan_result plan_take(struct query_plan *plan, struct query_unpack *answers)
{
    struct plan_cursor *cursor = &plan->cursor;
    while (cursor->slot < plan->text->slot_count) {
        struct plan_slot *slot = &plan->slots[cursor->slot];
        if (!has_time(plan))
            return PLAN_GOES_ON;
        if (cursor->step == 0 && !take_heads(plan, slot, answers))
            return end(plan, PLAN_FULL);
        cursor->step = 1;
        const enum plan_result result = take_offers(plan, slot, answers);
        if (result == PLAN_FULL)
            return end(plan, PLAN_FULL);
        if (result == PLAN_GOES_ON)
            return PLAN_GOES_ON;
        judge_beginnings(plan, slot);
        cursor->step = 0;
        cursor->slot++;
    }
    return end(plan, PLAN_DONE);
}

/* ---- counts ---- */

static bool is_missing(const struct plan_alternative *item, u16 shard)
{
    return !item->is_out && item->kind != SCORE_SPLIT &&
           (item->seen[shard / 64] >> shard % 64 & 1) == 0;
}

enum plan_result plan_missing(struct query_plan *plan, u16 shard, struct query_pack *to)
{
    struct plan_cursor *cursor = &plan->cursor;
    for (; cursor->slot < plan->text->slot_count; cursor->slot++, cursor->item = 0) {
        const struct plan_slot *slot = &plan->slots[cursor->slot];
        for (; cursor->item < slot->count; cursor->item++) {
            const struct plan_alternative *item = &slot->items[cursor->item];
            if (!has_time(plan))
                return PLAN_GOES_ON;
            *plan->work += COST_ITEM;
            if (!is_missing(item, shard))
                continue;
            if (to->capacity - to->used < 2 + item->words.bytes)
                return end(plan, PLAN_FULL);
            pack_text(to, item->words);
            *plan->work += COST_TEXT;
        }
    }
    return end(plan, PLAN_DONE);
}

enum plan_result plan_take_counts(struct query_plan *plan, u16 shard, struct query_unpack *answer)
{
    struct plan_cursor *cursor = &plan->cursor;
    for (; cursor->slot < plan->text->slot_count; cursor->slot++, cursor->item = 0) {
        struct plan_slot *slot = &plan->slots[cursor->slot];
        for (; cursor->item < slot->count; cursor->item++) {
            struct plan_alternative *item = &slot->items[cursor->item];
            if (!has_time(plan))
                return PLAN_GOES_ON;
            if (answer->at == answer->bytes)
                return end(plan, PLAN_DONE);
            *plan->work += COST_ITEM;
            if (!is_missing(item, shard))
                continue;
            for (u32 k = 0; k < item->word_count; k++)
                item->dfs[k] += unpack_u32(answer);
            item->seen[shard / 64] |= 1ull << shard % 64;
        }
    }
    MUST(answer->at == answer->bytes);
    return end(plan, PLAN_DONE);
}

/* ---- decisions ---- */

static u32 df_of(const struct plan_alternative *item)
{
    u32 least = item->dfs[0];
    for (u32 i = 1; i < item->word_count; i++)
        least = MIN(least, item->dfs[i]);
    return least;
}

/* In how many documents it is what it is without guesses. */
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

enum plan_result plan_sum(struct query_plan *plan)
{
    struct plan_cursor *cursor = &plan->cursor;
    for (; cursor->slot < plan->text->slot_count; cursor->slot++) {
        struct plan_slot *slot = &plan->slots[cursor->slot];
        if (!has_time(plan))
            return PLAN_GOES_ON;
        slot->df = df_of_slot(slot);
        slot->self_df = df_of_kind(slot, SCORE_SELF);
        *plan->work += 2 * COST_ITEM * slot->count;
    }
    return end(plan, PLAN_DONE);
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
        has_unknown = has_unknown || plan->slots[i].self_df == 0;
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
        const u64 df = plan->slots[i].df;
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

static void keep_nearest(struct plan_slot *slot)
{
    for (u8 is_joined = 0; is_joined < 2; is_joined++)
        keep_first(slot, SCORE_TYPO, is_joined, QUERY_TYPOS_MAX, typo_precedes);
}

/* Of the words like it those that are far more usual than it. */
static void choose(struct plan_slot *slot)
{
    const u64 df = df_of_slot(slot);
    keep_nearest(slot);
    for (u8 is_joined = 0; is_joined < 2; is_joined++)
        keep_first(slot, SCORE_MODEL, is_joined, QUERY_MODELS_MAX, model_precedes);
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *item = &slot->items[i];
        if (item->kind == SCORE_TYPO && item->is_joined == 0 && !score_is_likelier(df, df_of(item)))
            item->is_out = true;
    }
}

static void set_factors(struct plan_slot *slot)
{
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *item = &slot->items[i];
        item->factor = factor_of(slot, item->kind, item->apart, item->is_joined);
        /* The word itself may be written at this very moment. */
        item->is_out = item->is_out || (df_of(item) == 0 && item->kind != SCORE_SELF);
    }
}

/* Is one of them better, or nearer with the same factor? */
static bool is_better(const struct plan_alternative *other, const struct plan_alternative *typo)
{
    return !other->is_out && (other->factor > typo->factor ||
                              (other->factor == typo->factor && typo_precedes(other, typo)));
}

/* Of items with one stem the one with the greatest factor stays. */
static void drop_twins(struct plan_slot *slot)
{
    struct plan_alternative *typos[2 * QUERY_TYPOS_MAX];
    u64 hashes[2 * QUERY_TYPOS_MAX];
    u32 count = 0;
    for (u32 i = 0; i < slot->count; i++) {
        struct plan_alternative *item = &slot->items[i];
        if (item->is_out || item->kind != SCORE_TYPO)
            continue;
        MUST(count < ARRAY_COUNT(typos)); /* choose has left so many */
        hashes[count] = key_hash(item->key, 1);
        typos[count++] = item;
    }
    for (u32 i = 0; i < count; i++) {
        const u32 place = slot->table[place_of(slot, hashes[i])];
        typos[i]->is_out = place != 0 && is_better(&slot->items[place - 1], typos[i]);
        for (u32 j = 0; j < count && !typos[i]->is_out; j++)
            typos[i]->is_out = hashes[j] == hashes[i] && j != i && is_better(typos[j], typos[i]);
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
    if (best == NULL)
        return;
    slot->corrected = best->words;
    slot->is_corrected_joined = best->is_joined != 0;
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

enum plan_result plan_finish(struct query_plan *plan)
{
    struct plan_cursor *cursor = &plan->cursor;
    while (cursor->slot < plan->text->slot_count) {
        struct plan_slot *slot = &plan->slots[cursor->slot];
        if (!has_time(plan))
            return PLAN_GOES_ON;
        *plan->work += 200 + 3 * COST_ITEM * slot->count;
        switch (cursor->step++) {
        case 0: choose(slot); continue;
        case 1: set_factors(slot); continue;
        case 2: drop_twins(slot); continue;
        }
        slot->weight = weight_of(plan, cursor->slot);
        if (is_positive(plan, cursor->slot) && !slot->is_out)
            correct(slot);
        plan->is_corrected = plan->is_corrected || slot->corrected.bytes != 0;
        cursor->step = 0;
        cursor->slot++;
    }
    return end(plan, PLAN_DONE);
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

static void write_item(const struct plan_alternative *item, struct query_pack *to)
{
    pack_u16(to, (u16)item->factor);
    pack_u8(to, item->kind);
    pack_u8(to, item->word_count);
    pack_text(to, item->words);
}

/* Some items of a slot; true: all. */
static bool write_items(struct query_plan *plan, const struct plan_slot *slot,
                        struct query_pack *to)
{
    struct plan_cursor *cursor = &plan->cursor;
    for (; cursor->item < slot->count; cursor->item++) {
        const struct plan_alternative *item = &slot->items[cursor->item];
        if (!has_time(plan))
            return false;
        *plan->work += COST_ITEM;
        if (item->is_out)
            continue;
        write_item(item, to);
        cursor->items++;
        *plan->work += COST_TEXT;
    }
    pack_at(to, cursor->items_at, cursor->items);
    return true;
}

enum plan_result plan_write(struct query_plan *plan, struct query_pack *to)
{
    struct plan_cursor *cursor = &plan->cursor;
    if (cursor->step == 0)
        cursor->at = pack_later(to);
    cursor->step = MAX(cursor->step, 1u);
    for (; cursor->slot < plan->text->slot_count; cursor->slot++) {
        const struct plan_slot *slot = &plan->slots[cursor->slot];
        if (slot->is_out)
            continue;
        if (cursor->step == 1) {
            pack_u16(to, plan->text->slots[cursor->slot].flags);
            pack_u32(to, slot->weight);
            cursor->items_at = pack_later(to);
            cursor->item = cursor->items = 0;
            cursor->count++;
        }
        cursor->step = 2;
        if (!write_items(plan, slot, to))
            return PLAN_GOES_ON;
        cursor->step = 1;
    }
    pack_at(to, cursor->at, cursor->count);
    return end(plan, to->is_full ? PLAN_FULL : PLAN_DONE);
}

/* Is it one word together with the slot before it? */
static bool is_said_before(const struct plan_slot *slot, const struct plan_slot *before)
{
    return slot->is_corrected_joined && before->is_corrected_joined &&
           pack_equal(slot->corrected, before->corrected);
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
        const struct plan_slot *slot = &plan->slots[i];
        if (slot->corrected.bytes == 0)
            continue;
        if (i == 0 || !is_said_before(slot, &plan->slots[i - 1])) {
            pack_bytes(&out, source.data + from, place->begin - from);
            pack_bytes(&out, slot->corrected.data, slot->corrected.bytes);
        }
        from = place->end;
    }
    pack_bytes(&out, source.data + from, source.bytes - from);
    return (struct span){.data = out.data, .bytes = out.used};
}
