/* find_settings: what the shop sets: synonyms, attributes, categories, profiles, curations, ads,
 * collections, policies; in every world and in the plain arrays.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/status.h"
#include "proto/text.h"
#include "tests/find/find_world.h"

static u64 id_of(const char *text)
{
    return find_id(find_span(text));
}

/* ---- settings ---- */

static void put_synonyms(struct find_worlds *worlds, const char *const *texts, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct find_synonym *synonym = &worlds->shop.synonyms[worlds->shop.synonym_count++];
        (void)snprintf(synonym->words, sizeof synonym->words, "%s", texts[i]);
        synonym->is_one_way = i % 3 == 1;
        const struct msg_synonym_put_req put = {.home_id = id_of(texts[i]),
                                                .is_one_way = synonym->is_one_way};
        const struct span words = find_span(texts[i]);
        find_put(worlds, OPCODE_SYNONYM_PUT, &put, &words);
    }
}

static void put_stop_words(struct find_worlds *worlds)
{
    static const char *const words[] = {"the", "of", "with", "tk"};
    const struct msg_stop_words_put_req put = {.home_id = 7};
    const struct span span = find_span("the,of,with,tk");
    for (u32 i = 0; i < ARRAY_COUNT(words); i++)
        (void)snprintf(worlds->shop.stop_words[worlds->shop.stop_count++], 32, "%s", words[i]);
    find_put(worlds, OPCODE_STOP_WORDS_PUT, &put, &span);
}

static void put_attribute(struct find_worlds *worlds, const char *name, u16 type, u16 is_searched)
{
    struct find_attribute *attribute = &worlds->shop.attributes[worlds->shop.attribute_count++];
    *attribute = (struct find_attribute){.type = type, .is_searched = is_searched};
    (void)snprintf(attribute->name, sizeof attribute->name, "%s", name);
    const struct msg_attribute_put_req put = {.home_id = POLICY_HOME_ID,
                                              .attribute_id = id_of(name),
                                              .type = type,
                                              .is_searched = is_searched,
                                              .name = text64_of(name, strlen(name))};
    find_put(worlds, OPCODE_ATTRIBUTE_PUT, &put, NULL);
}

static void put_category(struct find_worlds *worlds, const char *code, const char *parent)
{
    struct find_category *category = &worlds->shop.categories[worlds->shop.category_count++];
    (void)snprintf(category->code, sizeof category->code, "%s", code);
    (void)snprintf(category->parent, sizeof category->parent, "%s", parent);
    const struct msg_category_put_req put = {.home_id = POLICY_HOME_ID,
                                             .category_id = id_of(code),
                                             .parent_id = parent[0] != 0 ? id_of(parent) : 0,
                                             .name = text64_of(code, strlen(code))};
    const struct span span = find_span(code);
    find_put(worlds, OPCODE_CATEGORY_PUT, &put, &span);
}

static void put_profiles(struct find_worlds *worlds)
{
    for (u32 i = 0; i < 2; i++) {
        struct msg_rank_profile_put_req *put = &worlds->shop.profiles[worlds->shop.profile_count++];
        *put = (struct msg_rank_profile_put_req){.home_id = 50 + i,
                                                 .bucket = i == 0 ? 0 : 20000,
                                                 .popularity = i == 0 ? 0 : 1000,
                                                 .availability = 700,
                                                 .rating = 900,
                                                 .margin = 1000,
                                                 .recent_category = i == 0 ? 1000 : 50,
                                                 .name = text64_of("profile", 7)};
        find_put(worlds, OPCODE_RANK_PROFILE_PUT, put, NULL);
    }
}

void find_settings_put(struct find_worlds *worlds, bool is_random)
{
    static const char *const made[] = {"kata,ka ki,tana", "kita,nana", "wifi,kat5a", "ti ta,kaka",
                                       "running,kata"};
    static const char *const real[] = {"heart,love",     "shirt,top,tee",  "phone,mobile,kat5a",
                                       "t-light,candle", "navy blue,blue", "white,ivory,cream"};
    put_synonyms(worlds, is_random ? made : real,
                 is_random ? ARRAY_COUNT(made) : ARRAY_COUNT(real));
    put_stop_words(worlds);
    put_attribute(worlds, "size", ATTRIBUTE_TYPE_NUMBER, 0);
    put_attribute(worlds, "organic", ATTRIBUTE_TYPE_BOOL, 0);
    put_attribute(worlds, "note", ATTRIBUTE_TYPE_TEXT, 1);
    put_category(worlds, "home", "");
    put_category(worlds, "garden", "");
    put_category(worlds, "garden/tools", "home");
    put_category(worlds, "toys", "garden");
    put_profiles(worlds);
}

/* ---- what names products and words of them ---- */

/* Always, or from or until some minutes from now. */
static void make_time(struct find_worlds *worlds, u64 *from_ns, u64 *until_ns)
{
    u64 *random = &worlds->random;
    const u64 now_ns = find_worlds_now(worlds);
    const u64 minute = 60 * NS_PER_S;
    *from_ns = *until_ns = 0;
    if (find_chance(random, 30))
        *from_ns = now_ns - 30 * minute + find_pick(random, 120) * minute;
    if (find_chance(random, 30))
        *until_ns = MAX(now_ns, *from_ns) + (1 + find_pick(random, 120)) * minute;
}

/* One word of a title, or two in a row. */
static void pick_words(struct find_worlds *worlds, char *to, size_t bytes)
{
    u64 *random = &worlds->random;
    const struct find_doc *doc = &worlds->shop.docs[find_pick(random, worlds->shop.doc_count)];
    struct text_reader reader;
    struct text_word word;
    const u32 wanted = find_chance(random, 25) ? 2 : 1;
    size_t used = strlen(to);
    text_begin(&reader, find_span(doc->texts[FIND_TITLE]));
    for (u32 i = 0; i < wanted && text_next(&reader, &word); i++) {
        if (used + word.bytes + 2 > bytes)
            return;
        used += (size_t)snprintf(to + used, bytes - used, "%s%.*s", i != 0 ? " " : "",
                                 (int)word.bytes, (const char *)word.data);
    }
}

/* Words of a product are curated: some products are pinned, hidden, boosted. */
static void put_curation(struct find_worlds *worlds, u32 number)
{
    static const char *const categories[] = {"home", "garden", "toys", "home/ka"};
    struct find_shop *shop = &worlds->shop;
    u64 *random = &worlds->random;
    struct find_curation *curation = &shop->curations[shop->curation_count++];
    struct row_curation_action rows[8];
    struct text_reader reader;
    struct text_word word;
    *curation = (struct find_curation){.is_part = number % 2 == 0};
    const struct find_doc *doc = &shop->docs[find_pick(random, shop->doc_count)];
    text_begin(&reader, find_span(doc->texts[FIND_TITLE]));
    if (number % 4 == 3)
        curation->category_id = id_of(categories[number / 4 % ARRAY_COUNT(categories)]);
    else if (text_next(&reader, &word))
        (void)snprintf(curation->words, sizeof curation->words, "%.*s", (int)MIN(word.bytes, 60u),
                       (const char *)word.data);
    make_time(worlds, &curation->from_ns, &curation->until_ns);
    /* Of documents that no other curation names. */
    for (u32 i = 0; i < 6; i++) {
        const u32 at = (number * 6 + i) % shop->doc_count;
        struct find_action *action = &curation->actions[curation->action_count++];
        *action = (struct find_action){.product_id = shop->docs[at].id,
                                       .kind = (u16)(1 + find_pick(random, 3))};
        action->value = action->kind == CURATION_PIN     ? 1 + 2 * i + find_pick(random, 2)
                        : action->kind == CURATION_BOOST ? 50 + find_pick(random, 300)
                                                         : 0;
        rows[i] = (struct row_curation_action){
            .product_id = action->product_id, .value = action->value, .kind = action->kind};
    }
    const struct msg_curation_put_req put = {.home_id = 1000 + number,
                                             .category_id = curation->category_id,
                                             .valid_from_ns = curation->from_ns,
                                             .valid_until_ns = curation->until_ns,
                                             .is_part = curation->is_part};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        find_span(curation->words),
        {.data = (const u8 *)rows, .bytes = curation->action_count * (u32)sizeof rows[0]}};
    find_put(worlds, OPCODE_CURATION_PUT, &put, spans);
}

static void put_ad(struct find_worlds *worlds, const struct find_ad *ad)
{
    const struct msg_ad_put_req put = {.home_id = ad->id,
                                       .product_id = worlds->shop.docs[ad->doc].id,
                                       .category_id = ad->category_id,
                                       .bid = ad->bid,
                                       .valid_from_ns = ad->from_ns,
                                       .valid_until_ns = ad->until_ns,
                                       .is_off = ad->is_off};
    const struct span words = find_span(ad->words);
    find_put(worlds, OPCODE_AD_PUT, &put, &words);
}

static void put_budget(struct find_worlds *worlds, struct find_ad *ad)
{
    u64 *random = &worlds->random;
    const struct resource resource = {.id = ad->id, .kind = RESOURCE_KIND_AD_BUDGET};
    ad->budget = find_chance(random, 25) ? 0 : 1 + find_pick(random, 5);
    const struct msg_stock_set_req set = {
        .resource = resource, .expected = -1, .value = ad->budget};
    find_put(worlds, OPCODE_STOCK_SET, &set, NULL);
}

static void aim_ad(struct find_worlds *worlds, struct find_ad *ad, bool is_category)
{
    static const char *const categories[] = {"home", "garden", "toys", "home/ka"};
    u64 *random = &worlds->random;
    ad->words[0] = 0;
    ad->category_id = 0;
    ad->bid = find_pick(random, 3) * 100;
    ad->is_off = find_chance(random, 8);
    make_time(worlds, &ad->from_ns, &ad->until_ns);
    if (is_category) {
        ad->category_id = id_of(categories[find_pick(random, ARRAY_COUNT(categories))]);
        return;
    }
    pick_words(worlds, ad->words, sizeof ad->words / 2);
    if (find_chance(random, 50)) {
        strcat(ad->words, ad->words[0] != 0 ? "," : "");
        pick_words(worlds, ad->words, sizeof ad->words);
    }
    if (ad->words[0] == 0 || ad->words[strlen(ad->words) - 1] == ',')
        (void)snprintf(ad->words, sizeof ad->words, "kata");
}

/* Ads of few products, so that one has several. */
static void add_ad(struct find_worlds *worlds, u32 number)
{
    struct find_shop *shop = &worlds->shop;
    u64 *random = &worlds->random;
    struct find_ad *ad = &shop->ads[shop->ad_count++];
    char code[32];
    (void)snprintf(code, sizeof code, "ad-%u", number);
    *ad = (struct find_ad){.id = id_of(code)};
    for (u32 i = 0; i < 20; i++) {
        ad->doc = find_pick(random, MIN(shop->doc_count, 24u));
        if (find_doc_state(&shop->docs[ad->doc]) != STOCK_STATE_NONE)
            break;
    }
    aim_ad(worlds, ad, number % 4 == 3);
    put_ad(worlds, ad);
    const struct msg_sku_put_req sku = {.resource = {.id = ad->id, .kind = RESOURCE_KIND_AD_BUDGET},
                                        .product_id = shop->docs[ad->doc].id,
                                        .price = 1,
                                        .currency = 826,
                                        .low_at = (u16)find_pick(random, 5)};
    const struct span text = find_span(code);
    find_put(worlds, OPCODE_SKU_PUT, &sku, &text);
    put_budget(worlds, ad);
}

void find_settings_change_ads(struct find_worlds *worlds)
{
    for (u32 i = 0; i < worlds->shop.ad_count; i++) {
        struct find_ad *ad = &worlds->shop.ads[i];
        if (find_chance(&worlds->random, 30)) {
            aim_ad(worlds, ad, find_chance(&worlds->random, 25));
            put_ad(worlds, ad);
        } else if (find_chance(&worlds->random, 50)) {
            put_budget(worlds, ad);
        }
    }
}

static void add_collection(struct find_worlds *worlds, u32 number)
{
    struct find_shop *shop = &worlds->shop;
    static struct find_question question; /* its filter is the rule */
    struct find_collection *collection = &shop->collections[shop->collection_count++];
    do
        find_filter_make(shop, find_random(&worlds->random), &question);
    while (strlen(question.filter_text) >= sizeof collection->text ||
           (number % 4 != 0 && question.filter.count > 1)); /* ends: most are short */
    *collection = (struct find_collection){.id = 300 + number, .is_off = number == 7};
    if (number != 6) { /* that one has everything */
        collection->filter = question.filter;
        memcpy(collection->text, question.filter_text, sizeof collection->text);
    }
    const struct msg_collection_put_req put = {.home_id = collection->id,
                                               .is_off = collection->is_off,
                                               .name = text64_of("collection", 10)};
    const struct span rule = find_span(collection->text);
    find_put(worlds, OPCODE_COLLECTION_PUT, &put, &rule);
}

void find_settings_name_products(struct find_worlds *worlds)
{
    for (u32 i = 0; i < 16; i++)
        put_curation(worlds, i);
    for (u32 i = 0; i < 24; i++)
        add_ad(worlds, i);
    for (u32 i = 0; i < ARRAY_COUNT(worlds->shop.collections); i++)
        add_collection(worlds, i);
}

/* ---- another policy ---- */

void find_settings_policy(struct find_worlds *worlds)
{
    static const char *const languages[] = {"english", "english", "german", "none"};
    static const u32 below[] = {0, 3, 20, 20, 20, 20, 20, 20, 50, 100};
    struct find_shop *shop = &worlds->shop;
    u64 *random = &worlds->random;
    u16 *weights = shop->policy.weights;
    const char *language = languages[find_pick(random, ARRAY_COUNT(languages))];
    for (u32 i = 0; i < SCORE_FIELDS; i++)
        weights[i] = (u16)(find_chance(random, 20) ? 0 : 1 + find_pick(random, 100));
    weights[SCORE_TITLE] = (u16)MAX(1u, weights[SCORE_TITLE]);
    shop->drop_below = below[find_pick(random, ARRAY_COUNT(below))];
    shop->typo1 = find_chance(random, 10) ? 0 : 2 + find_pick(random, 5);
    shop->typo2 = find_chance(random, 20) ? 0 : shop->typo1 + find_pick(random, 8);
    if (shop->typo1 == 0)
        shop->typo2 = 0;
    const struct msg_search_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                                  .drop_below = shop->drop_below,
                                                  .typo1_bytes = (u16)shop->typo1,
                                                  .typo2_bytes = (u16)shop->typo2,
                                                  .weight_title = weights[SCORE_TITLE],
                                                  .weight_brand = weights[SCORE_BRAND],
                                                  .weight_category = weights[SCORE_CATEGORY],
                                                  .weight_attributes = weights[SCORE_ATTRIBUTES],
                                                  .weight_description = weights[SCORE_DESCRIPTION],
                                                  .weight_code = weights[SCORE_CODE],
                                                  .language =
                                                      text64_of(language, strlen(language))};
    find_put(worlds, OPCODE_SEARCH_POLICY_PUT, &put, NULL);
    shop->is_policy_put = true;
    text_language_deinit(&shop->language);
    text_language_init(&shop->language, find_span(language));
    for (u32 i = 0; i < shop->doc_count; i++)
        find_doc_read(shop, &shop->docs[i]);
}
