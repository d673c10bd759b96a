/* recommend_similar: products that are alike by what is written about them: of the same category, and the
 * more alike the more they share: brand, lines of attributes, words of the title.
 *
 * Asked is every shard, with the profile of the product. A shard looks at the SIMILAR_LOOK newest products
 * of that category, and, if those are few, of the one above; SLICE_PRODUCTS in a slice. Words are runs of
 * letters and digits without case in ASCII, bytes as they are beyond: good enough for titles of one shop,
 * and no dictionary is asked.
 *
 * What was found is kept (struct recommend_alike), whether it may be shown or not, until a text changes in
 * that category or in the one above: another question about the same product then looks only at what it
 * tells. Should too few of those that are kept be to be had, all are looked at again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/recommend/recommend_show.h"
#include "shards/shard_handlers.h"

#define SIMILAR_LOOK   512u
#define SIMILAR_FEW    32u
#define SLICE_PRODUCTS 32u
#define WORD_BYTES_MAX 64u

/* What each thing that two products share is worth. */
#define WORTH_CATEGORY 8u
#define WORTH_BRAND    12u
#define WORTH_VALUE    6u
#define WORTH_WORD     10u

static u64 fold_hash(const u8 *bytes, u32 count)
{
    u8 folded[WORD_BYTES_MAX];
    const u32 kept = MIN(count, WORD_BYTES_MAX);
    for (u32 i = 0; i < kept; i++)
        folded[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? (u8)(bytes[i] + 32) : bytes[i];
    return id_from_code(folded, kept);
}

static bool is_of_word(u8 byte)
{
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static u32 add_hash(u64 *to, u32 count, u32 most, u64 hash)
{
    for (u32 i = 0; i < count; i++)
        if (to[i] == hash)
            return count;
    if (count == most)
        return count;
    to[count] = hash;
    return count + 1;
}

/* The different words of at least two bytes. */
static u32 words_of(struct span text, u64 *to)
{
    u32 count = 0;
    for (u32 at = 0; at < text.bytes;) { /* ends: further each time */
        u32 end = at;
        while (end < text.bytes && is_of_word(text.data[end]))
            end++;
        if (end - at >= 2)
            count =
                add_hash(to, count, RECOMMEND_PROFILE_WORDS, fold_hash(text.data + at, end - at));
        at = end + 1;
    }
    return count;
}

/* The different lines. */
static u32 lines_of(struct span text, u64 *to)
{
    u32 count = 0;
    for (u32 at = 0; at < text.bytes;) { /* ends: further each time */
        u32 end = at;
        while (end < text.bytes && text.data[end] != '\n')
            end++;
        if (end > at)
            count = add_hash(to, count, RECOMMEND_PROFILE_VALUES,
                             id_from_code(text.data + at, end - at));
        at = end + 1;
    }
    return count;
}

void recommend_profile_of(const struct shard *shard, u32 product, struct recommend_profile *to)
{
    struct span texts[PRODUCT_TEXT_COUNT];
    struct span code;
    memset(to, 0, sizeof *to);
    to->category_id = recommend_category_of(shard, product, &code);
    if (product_at(&shard->catalog, product)->is_deleted != 0)
        return;
    if (to->category_id != 0)
        to->category_above = recommend_category_above(shard, to->category_id, &code);
    product_texts(product_at(&shard->catalog, product), texts);
    const struct span brand = texts[PRODUCT_TEXT_BRAND];
    to->brand = brand.bytes == 0 ? 0 : fold_hash(brand.data, brand.bytes);
    to->value_count = lines_of(texts[PRODUCT_TEXT_ATTRIBUTES], to->values);
    to->word_count = words_of(texts[PRODUCT_TEXT_TITLE], to->words);
}

static u32 shared_of(const u64 *a, u32 a_count, const u64 *b, u32 b_count)
{
    u32 shared = 0;
    for (u32 i = 0; i < a_count; i++)
        for (u32 j = 0; j < b_count; j++)
            shared += a[i] == b[j] ? 1 : 0;
    return shared;
}

/* In thousandths of what a product shares with itself, but for the category. */
static u64 likeness(const struct recommend_profile *a, const struct recommend_profile *b)
{
    const u32 words = MAX(a->word_count, b->word_count);
    const u32 values = MAX(a->value_count, b->value_count);
    u64 sum = a->category_id == b->category_id ? 1000u * WORTH_CATEGORY : 0;
    sum += a->brand != 0 && a->brand == b->brand ? 1000u * WORTH_BRAND : 0;
    if (words != 0)
        sum += 1000ull * WORTH_WORD * shared_of(a->words, a->word_count, b->words, b->word_count) /
               words;
    if (values != 0)
        sum += 1000ull * WORTH_VALUE *
               shared_of(a->values, a->value_count, b->values, b->value_count) / values;
    return sum;
}

/* The best so far, sorted; of equals the one that came first. */
struct best {
    u32 count;
    u32 most;
    struct recommend_alike_row rows[RECOMMEND_LIMIT_MAX * 2];
};
STATIC_CHECK(RECOMMEND_ALIKE_ROWS <= RECOMMEND_LIMIT_MAX * 2);

struct similar {
    struct recommend_head head;
    struct recommend_profile profile;
    u64 category_id; /* whose products are walked */
    u64 asked;       /* hash of the profile */
    u32 next;        /* product */
    u32 looked;
    u32 version; /* of the categories when it began */
    u32 version_above;
    struct best shown; /* of those that may be */
    struct best all;
};

static u32 version_of(const struct shard *shard, u64 category_id)
{
    const struct recommend_category *category =
        category_id == 0 ? NULL : cache_find(&shard->recommend.categories, category_id);
    return category == NULL ? 0 : category->version;
}

static void begin_category(struct similar *state, const struct shard *shard, u64 category_id)
{
    const struct recommend_category *category =
        category_id == 0 ? NULL : cache_find(&shard->recommend.categories, category_id);
    state->category_id = category_id;
    state->next = category == NULL ? 0 : category->first;
}

static bool begin(const struct shard *shard, struct part *part, struct similar **to)
{
    const struct span data = part->spans[SPAN_OF(recommend_part_req, data)];
    struct similar *state = bump_acquire(&part->bump, sizeof *state);
    *to = part->state = state;
    if (state == NULL || data.bytes != sizeof state->head + sizeof state->profile)
        return false;
    memset(state, 0, offsetof(struct similar, shown));
    memcpy(&state->head, data.data, sizeof state->head);
    memcpy(&state->profile, data.data + sizeof state->head, sizeof state->profile);
    state->shown.count = state->all.count = 0;
    state->shown.most = MIN(state->head.most, RECOMMEND_LIMIT_MAX * 2);
    state->all.most = RECOMMEND_ALIKE_ROWS;
    state->asked = checksum64(&state->profile, sizeof state->profile);
    state->profile.word_count = MIN(state->profile.word_count, RECOMMEND_PROFILE_WORDS);
    state->profile.value_count = MIN(state->profile.value_count, RECOMMEND_PROFILE_VALUES);
    state->version = version_of(shard, state->profile.category_id);
    state->version_above = version_of(shard, state->profile.category_above);
    begin_category(state, shard, state->profile.category_id);
    return true;
}

static void keep(struct best *best, u32 product, u32 score)
{
    const u32 most = best->most;
    if (most == 0 || (best->count == most && best->rows[most - 1].score >= score))
        return;
    u32 at = best->count < most ? best->count++ : most - 1;
    for (; at > 0 && best->rows[at - 1].score < score; at--)
        best->rows[at] = best->rows[at - 1];
    best->rows[at] = (struct recommend_alike_row){.product = product, .score = score};
}

/* Between two slices the product may have gone to another category: then the walk is over. */
static u32 next_of(const struct shard *shard, const struct similar *state, u32 product)
{
    const struct recommend_link *link = recommend_link_find(&shard->recommend, product);
    return link != NULL && link->category_id == state->category_id ? link->next : 0;
}

static void walk(struct similar *state, const struct shard *shard, u64 now_ns)
{
    for (u32 seen = 0; state->next != 0 && seen < SLICE_PRODUCTS; seen++) {
        const u32 product = state->next;
        state->next = ++state->looked < SIMILAR_LOOK ? next_of(shard, state, product) : 0;
        struct recommend_profile profile;
        if (product_at(&shard->catalog, product)->product_id == state->head.without)
            continue;
        recommend_profile_of(shard, product, &profile);
        const u32 score = (u32)likeness(&state->profile, &profile);
        keep(&state->all, product, score);
        if (recommend_may_show(shard, product, now_ns))
            keep(&state->shown, product, score);
    }
}

/* ---- what is kept ---- */

static bool is_fresh(const struct similar *state, const struct recommend_alike *alike)
{
    return alike != NULL && alike->profile == state->asked && alike->version == state->version &&
           alike->version_above == state->version_above;
}

/* Takes those that may be shown from what is kept. False: they are too few. */
static bool recall(struct similar *state, const struct shard *shard, u64 now_ns)
{
    const struct recommend_alike *alike = cache_find(&shard->recommend.alike, state->head.without);
    struct best *shown = &state->shown;
    if (!is_fresh(state, alike))
        return false;
    for (u32 i = 0; i < MIN(alike->count, shown->most); i++)
        recommend_prefetch_product(product_at(&shard->catalog, alike->rows[i].product));
    for (u32 i = 0; i < alike->count && shown->count < shown->most; i++)
        if (recommend_may_show(shard, alike->rows[i].product, now_ns))
            shown->rows[shown->count++] = alike->rows[i];
    if (shown->count == shown->most || alike->is_cut == 0)
        return true;
    shown->count = 0;
    return false;
}

/* If nothing has changed between the first slice and the last. */
static void remember(struct shard *shard, const struct similar *state)
{
    if (state->version != version_of(shard, state->profile.category_id) ||
        state->version_above != version_of(shard, state->profile.category_above))
        return;
    struct recommend_alike *alike = cache_use(&shard->recommend.alike, state->head.without);
    alike->profile = state->asked;
    alike->version = state->version;
    alike->version_above = state->version_above;
    alike->count = state->all.count;
    alike->is_cut = state->looked > RECOMMEND_ALIKE_ROWS ? 1 : 0;
    memcpy(alike->rows, state->all.rows, alike->count * sizeof alike->rows[0]);
}

static bool tell(const struct shard *shard, struct part *part, const struct best *best)
{
    struct recommend_list list;
    if (!recommend_list_init(&list, &part->bump, MAX(best->count, 1u)))
        return true;
    for (u32 i = 0; i < best->count; i++)
        store_prefetch(product_at(&shard->catalog, best->rows[i].product)->blob);
    for (u32 i = 0; i < best->count; i++) {
        struct recommend_shown *row =
            recommend_list_add(&list, shard, best->rows[i].product, part->now_ns);
        if (row == NULL)
            continue;
        row->score = best->rows[i].score;
        row->reason = RECOMMEND_SIMILAR;
    }
    recommend_list_tell(&list, part);
    return true;
}

bool recommend_similar_slice(struct shard *shard, struct part *part)
{
    struct similar *state = part->state;
    if (state == NULL) {
        if (!begin(shard, part, &state))
            return true;
        if (recall(state, shard, part->now_ns))
            return tell(shard, part, &state->shown);
    }
    walk(state, shard, part->now_ns);
    if (state->next == 0 && state->looked < SIMILAR_FEW &&
        state->category_id == state->profile.category_id)
        begin_category(state, shard, state->profile.category_above);
    if (state->next != 0 && !part->is_late)
        return false;
    if (state->next == 0)
        remember(shard, state);
    return tell(shard, part, &state->shown);
}
