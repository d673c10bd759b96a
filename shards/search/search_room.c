/* search_room: see search_room.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/search_room.h"

#include <string.h>

#include "proto/text.h"
#include "shards/search/search.h"
#include "shards/shard_state.h"

/* Products that are put into a new index with each one that changes. */
#define RENEW_WITH_CHANGE 4u
/* An index in which numbers of documents have come so far, or twice the nodes of categories and some, is
 * made anew. */
#define WORN_DOCS  (INDEX_DOC_MAX / 2)
#define WORN_NODES (64u << 10)
/* Documents that are dead but wait, because questions are open. */
#define DEAD_MAX     4096u
#define DEAD_SLICE   16u
#define UNUSED_SLICE 8u

/* ---- settings that are found by their name ---- */

static const struct msg_attribute_put_req *find_attribute(const struct shard *shard,
                                                          struct span name)
{
    const struct settings *settings = &shard->settings;
    const u32 at =
        settings_find(settings, (struct setting_name){.home_id = POLICY_HOME_ID,
                                                      .key = id_from_code(name.data, name.bytes),
                                                      .kind = SETTING_KIND_ATTRIBUTE});
    return at != 0 ? setting_attribute(setting_at(settings, at)) : NULL;
}

u16 search_attribute_type(const struct shard *shard, struct span name)
{
    const struct msg_attribute_put_req *attribute = find_attribute(shard, name);
    return attribute != NULL ? attribute->type : 0;
}

static bool attribute_is_searched(const void *context, struct span name)
{
    const struct msg_attribute_put_req *attribute = find_attribute(context, name);
    return attribute == NULL || attribute->is_searched != 0;
}

bool search_profile(const struct shard *shard, u64 profile_id, struct rank_profile *profile)
{
    const struct settings *settings = &shard->settings;
    *profile = rank_profile_builtin;
    if (profile_id == 0)
        return true;
    const u32 at = settings_find(
        settings, (struct setting_name){.home_id = profile_id, .kind = SETTING_KIND_RANK_PROFILE});
    if (at == 0)
        return false;
    const struct msg_rank_profile_put_req *put = setting_rank_profile(setting_at(settings, at));
    *profile = (struct rank_profile){.bucket = put->bucket,
                                     .popularity = put->popularity,
                                     .availability = put->availability,
                                     .rating = put->rating,
                                     .margin = put->margin,
                                     .recent_category = put->recent_category};
    return true;
}

static struct search_policy policy_in_force(const struct shard *shard)
{
    const struct msg_search_policy_put_req put = settings_search_policy(&shard->settings);
    return (struct search_policy){
        .score = {.weights = {put.weight_title, put.weight_brand, put.weight_category,
                              put.weight_attributes, put.weight_description, put.weight_code}},
        .language = put.language,
        .drop_below = put.drop_below,
        .typo1_bytes = put.typo1_bytes,
        .typo2_bytes = put.typo2_bytes};
}

/* ---- life ---- */

static void open_index(struct search *search, const struct shard *shard, u32 which)
{
    const struct span language = {.data = search->policy.language.bytes,
                                  .bytes = text64_bytes(&search->policy.language)};
    search_index_init(&search->indexes[which], &search->memory, &search->policy.score, language,
                      attribute_is_searched, shard);
}

void search_init(struct search *search, struct shard *shard)
{
    memset(search, 0, sizeof *search);
    store_memory_init(&search->memory);
    search->policy = policy_in_force(shard);
    search->doc_limit = WORN_DOCS;
    search->node_limit = WORN_NODES;
    search->generation = 1;
    open_index(search, shard, 0);
    search_settings_init(&search->words, &search->memory);
    query_stats_init(&search->stats, &search->memory);
}

void search_deinit(struct search *search)
{
    query_stats_deinit(&search->stats);
    search_settings_deinit(&search->words);
    search_index_drop(search_current(search));
    if (search->is_renewing)
        search_index_drop(&search->indexes[1 - search->current]);
    while (!store_memory_give_back(&search->memory)) {} /* ends: a chunk less each time */
    MUST(search->memory.used_bytes == 0);
}

void search_question_begin(struct search *search, struct index_question *question)
{
    struct search_index *index = search_current(search);
    search->question_count++;
    index_question_begin(&index->index, question);
    columns_question_begin(&index->columns);
}

void search_question_end(struct search *search, struct index_question *question)
{
    struct search_index *index = search_current(search);
    MUST(search->question_count != 0);
    search->question_count--;
    columns_question_end(&index->columns);
    index_question_end(&index->index, question);
}

/* ---- another policy ---- */

static void declare_categories(const struct shard *shard, struct search_index *index);

static void begin_renewal(struct shard *shard)
{
    struct search *search = &shard->search;
    const u32 other = 1 - search->current;
    if (search->is_renewing)
        search_index_drop(&search->indexes[other]);
    search->is_renewing = true;
    search->renewed = 1;
    open_index(search, shard, other);
    declare_categories(shard, &search->indexes[other]);
    /* Nothing answers from it yet: at once. */
    while (search->question_count == 0 && index_live(&search_current(search)->index) == 0 &&
           search_renew(shard, 1024)) {}
}

/* Is this record of the pool a product? It may have been released. */
static bool is_product(const struct catalog *catalog, u32 at)
{
    const struct product *product = product_at(catalog, at);
    return catalog_find(catalog, route_hash_u64(product->product_id), product->product_id) == at;
}

bool search_renew(struct shard *shard, u32 products)
{
    struct search *search = &shard->search;
    const struct catalog *catalog = &shard->catalog;
    struct search_index *made = &search->indexes[1 - search->current];
    if (search->memory.aside != NULL)
        return !store_memory_give_back(&search->memory) || search->is_renewing;
    if (!search->is_renewing)
        return false;
    for (; products != 0 && search->renewed < catalog->pool.next_fresh; products--) {
        const u32 at = search->renewed++;
        if (is_product(catalog, at) && product_at(catalog, at)->version != 0)
            search_index_put(made, product_at(catalog, at), at);
    }
    if (search->renewed < catalog->pool.next_fresh)
        return true;
    if (search->question_count != 0)
        return true; /* they hold numbers of the old one */
    search_index_drop(search_current(search));
    search->current = 1 - search->current;
    search->generation = MAX(search->generation + 1, 1u); /* never 0: that is any */
    search->is_renewing = false;
    search->node_limit = WORN_NODES + 2 * made->columns.tree.node_end;
    search_settings_renew(&search->words, &shard->settings, search_current(search));
    return search->memory.aside != NULL;
}

#define SLICE_PRODUCTS 8u
#define SLICE_TOKENS   16u /* some 15 microseconds */

bool search_work(struct shard *shard)
{
    const struct search *search = &shard->search;
    u32 tokens = 0;
    for (u32 i = 0; i < SLICE_PRODUCTS && tokens < SLICE_TOKENS; i++) {
        const bool is_product_next = search->is_renewing && search->memory.aside == NULL;
        if (!search_renew(shard, 1))
            return false;
        if (!is_product_next || !search->is_renewing)
            return true; /* a chunk is a slice, and so is the change */
        tokens += search->indexes[1 - search->current].token_count + 4; /* its columns */
    }
    return true;
}

static bool has_many_unused(const struct search_index *index)
{
    return dict_unused_count(&index->dict) > 2 * SEARCH_UNUSED_WORDS + index->dict.live_count;
}

/* No question is open: what waits for that, some of it. True: there is much more. */
static bool tidy_between(struct shard *shard)
{
    struct search *search = &shard->search;
    (void)search_renew(shard, 1); /* whoever asks helps with the index that is being made */
    struct search_index *index = search_current(search);
    if (index->columns.dead_count > DEAD_MAX / 2) {
        columns_give_back(&index->columns, DEAD_SLICE);
        return true;
    }
    const u32 unused = dict_unused_count(&index->dict);
    search_index_sweep(index, has_many_unused(index) ? unused - UNUSED_SLICE : unused);
    return has_many_unused(index);
}

bool search_may_begin(struct shard *shard)
{
    const struct search *search = &shard->search;
    const struct search_index *index = &search->indexes[search->current];
    if (search->question_count == 0)
        return !tidy_between(shard);
    if (search->is_renewing && search->renewed == shard->catalog.pool.next_fresh)
        return false;
    if (index->columns.dead_count > DEAD_MAX || has_many_unused(index))
        return false;
    (void)search_renew(shard, 1);
    return true;
}

static bool policy_makes_other_index(const struct search_policy *a, const struct search_policy *b)
{
    return memcmp(&a->score, &b->score, sizeof a->score) != 0 ||
           memcmp(&a->language, &b->language, sizeof a->language) != 0;
}

static void take_policy(struct shard *shard)
{
    struct search *search = &shard->search;
    const struct search_policy before = search->policy;
    search->policy = policy_in_force(shard);
    if (policy_makes_other_index(&before, &search->policy))
        begin_renewal(shard);
}

/* ---- what other rooms tell ---- */

static void declare_category(const struct setting *setting, struct search_index *index)
{
    const struct msg_category_put_req *put = setting_category(setting);
    column_category_declare(&index->columns.tree, put->category_id,
                            setting_span(setting, SPAN_OF(category_put_req, code)), put->parent_id);
}

static void declare_categories(const struct shard *shard, struct search_index *index)
{
    const struct settings *settings = &shard->settings;
    for (u32 at = settings_first(settings, SETTING_KIND_CATEGORY); at != 0;
         at = settings_next(settings, at))
        declare_category(setting_at(settings, at), index);
}

void search_setting(struct shard *shard, u32 setting)
{
    struct search *search = &shard->search;
    const struct setting *put = setting_at(&shard->settings, setting);
    switch ((enum setting_kind)put->kind) {
    case SETTING_KIND_SYNONYM:
    case SETTING_KIND_STOP_WORDS:
    case SETTING_KIND_CURATION:
    case SETTING_KIND_AD:
        search_settings_put(&search->words, &shard->settings, setting, search_current(search));
        break;
    case SETTING_KIND_SEARCH_POLICY: take_policy(shard); break;
    case SETTING_KIND_ATTRIBUTE: begin_renewal(shard); break;
    case SETTING_KIND_CATEGORY:
        declare_category(put, search_current(search));
        if (search->is_renewing)
            declare_category(put, &search->indexes[1 - search->current]);
        break;
    case SETTING_KIND_PRICE_LIST:
    case SETTING_KIND_PRICE:
    case SETTING_KIND_PROMOTION:
    case SETTING_KIND_POLICY:
    case SETTING_KIND_COLLECTION:
    case SETTING_KIND_RANK_PROFILE:
    case SETTING_KIND_REVIEW_POLICY:
    case SETTING_KIND_COUNT:
        break; /* not of this room, or found by its name when it is asked for */
    }
}

static void refresh(struct search *search, const struct product *product, u32 at, u32 what)
{
    for (u32 which = 0; which < 2; which++) {
        struct search_index *index = &search->indexes[which];
        if (which != search->current && !(search->is_renewing && at < search->renewed))
            continue;
        if (what == SEARCH_REFRESH_TEXT)
            search_index_put(index, product, at);
        else
            search_index_numbers(index, product, at);
    }
}

/* What a changed text leaves behind: words that nobody has, windows of which little lives. */
static void tidy(struct shard *shard, u32 unused_before)
{
    struct search *search = &shard->search;
    struct search_index *index = search_current(search);
    const u32 worn = search_index_worn(index);
    if (worn != 0)
        search_index_put(index, product_at(&shard->catalog, worn), worn);
    if (search->question_count == 0)
        search_index_sweep(index, unused_before);
    if (!search->is_renewing && (index_end(&index->index) >= search->doc_limit ||
                                 index->columns.tree.node_end >= search->node_limit ||
                                 column_fields_worn(&index->columns.fields)))
        begin_renewal(shard);
}

void search_refresh(struct shard *shard, u32 product, u32 what)
{
    struct search *search = &shard->search;
    const u32 unused_before = dict_unused_count(&search_current(search)->dict);
    refresh(search, product_at(&shard->catalog, product), product, what);
    if (what == SEARCH_REFRESH_TEXT)
        tidy(shard, unused_before);
    (void)search_renew(shard, RENEW_WITH_CHANGE);
}
