/* find_world: see find_world.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/find/find_world.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/id.h"
#include "proto/route.h"
#include "proto/status.h"
#include "proto/text.h"
#include "tests/relevance/relevance_sets.h"

u64 find_random(u64 *state)
{
    return relevance_next(state);
}

u32 find_pick(u64 *state, u32 end)
{
    return end == 0 ? 0 : (u32)(find_random(state) % end);
}

bool find_chance(u64 *state, u32 percent)
{
    return find_pick(state, 100) < percent;
}

static struct span span_of(const char *text)
{
    return find_span(text);
}
static u64 id_of(const char *text)
{
    return find_id(find_span(text));
}

void find_put(struct find_worlds *worlds, u16 opcode, const void *fixed, const struct span *spans)
{
    for (u32 i = 0; i < worlds->count; i++)
        feeder_put(worlds->worlds[i].feeder, opcode, fixed, spans);
}

/* ---- texts ---- */

/* Few letters, so that words collide. */
static void add_word(u64 *random, char *to, size_t bytes)
{
    static const char *const syllables[] = {"ka", "ki", "ta", "ti", "a", "k", "t", "na"};
    static const char *const others[] = {
        "5 in",    "5in",  "kt-5",  "mq8n2b/a", "3/4 oz", "the",    "wi-fi",  "wifi",  "tä",
        "katas",   "12",   "120",   "kat5a",    "kat5",   "kat5ab", "o'kan",  "64 gb", "64gb",
        "running", "runs", "ka ki", "1,000",    "é",      "tk",     "kita12", "kita1"};
    const size_t used = strlen(to);
    char word[64] = "";
    if (find_chance(random, 22)) {
        (void)snprintf(word, sizeof word, "%s", others[find_pick(random, ARRAY_COUNT(others))]);
    } else {
        const u32 count = 1 + find_pick(random, 5);
        for (u32 i = 0; i < count; i++)
            (void)snprintf(word + strlen(word), sizeof word - strlen(word), "%s",
                           syllables[find_pick(random, ARRAY_COUNT(syllables))]);
    }
    (void)snprintf(to + used, bytes - used, "%s%s", used != 0 ? " " : "", word);
}

static char *make_words(u64 *random, u32 least, u32 most)
{
    char text[512] = "";
    const u32 count = least + find_pick(random, most - least + 1);
    for (u32 i = 0; i < count; i++)
        add_word(random, text, sizeof text);
    return strdup(text);
}

static char *make_attributes(u64 *random, const char *more)
{
    static const char *const colors[] = {"red", "blue", "Blue", "dark red", "a\"b", "gold/ka"};
    static const char *const truths[] = {"true", "no", "YES", "0", "perhaps"};
    char text[1024];
    (void)snprintf(text, sizeof text, "%s", more);
    const u32 lines = find_pick(random, 6);
    for (u32 i = 0; i < lines; i++) {
        char line[128] = "";
        switch (find_pick(random, 6)) {
        case 0:
        case 1: (void)snprintf(line, sizeof line, "color=%s", colors[find_pick(random, 6)]); break;
        case 2:
            (void)snprintf(line, sizeof line, "size=%s%u.%u", find_chance(random, 10) ? "-" : "",
                           find_pick(random, 300), find_pick(random, 100));
            break;
        case 3:
            (void)snprintf(line, sizeof line, "organic=%s", truths[find_pick(random, 5)]);
            break;
        case 4: (void)snprintf(line, sizeof line, "note=ka ti%u", find_pick(random, 9)); break;
        default: (void)snprintf(line, sizeof line, "kind=k%u", find_pick(random, 40)); break;
        }
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%s", used != 0 ? "\n" : "", line);
    }
    return strdup(text);
}

char *find_category_make(u64 *random)
{
    static const char *const names[] = {"home",         "home/ka", "home/ka/ti", "garden",
                                        "garden/tools", "toys",    "toys/ka"};
    const u32 at = find_pick(random, ARRAY_COUNT(names) + 1);
    return strdup(at == ARRAY_COUNT(names) ? "" : names[at]);
}

static char *make_brand(u64 *random)
{
    static const char *const names[] = {"Acme", "Zeta", "kata", "O'Kan & Co", "ACME", ""};
    return strdup(names[find_pick(random, ARRAY_COUNT(names))]);
}

/* ---- documents ---- */

static void make_numbers(struct find_worlds *worlds, struct find_doc *doc)
{
    u64 *random = &worlds->random;
    const u64 now = feeder_now_ns(worlds->worlds[0].feeder);
    const u64 hour = 3600 * NS_PER_S;
    struct msg_product_put_req *put = &doc->put;
    *put = (struct msg_product_put_req){.product_id = doc->id, .currency = 826};
    put->price = find_chance(random, 50) ? find_pick(random, 30) * 100 : find_pick(random, 100000);
    if (find_chance(random, 5))
        put->currency = 0, put->price = 0;
    if (find_chance(random, 40) && put->currency != 0)
        put->price_before = put->price + find_pick(random, 5000);
    put->popularity = find_chance(random, 30) ? 0 : find_pick(random, 1u << find_pick(random, 30));
    put->margin = (u16)find_pick(random, 10001);
    put->marks = find_chance(random, 4)   ? PRODUCT_MARK_DRAFT
                 : find_chance(random, 4) ? PRODUCT_MARK_UNLISTED
                                          : 0;
    if (find_chance(random, 6))
        put->visible_from_ns = now - hour + 2 * hour * find_pick(random, 2);
    if (find_chance(random, 6))
        put->visible_until_ns = now + hour * (1 + find_pick(random, 2));
    if (put->visible_until_ns != 0 && put->visible_from_ns >= put->visible_until_ns)
        put->visible_from_ns = 0;
    if (find_chance(random, 6))
        put->buyable_from_ns = now - hour + 2 * hour * find_pick(random, 2);
}

static void put_doc(struct find_worlds *worlds, struct find_doc *doc)
{
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    for (u32 i = 0; i < FIND_TEXTS; i++)
        spans[i] = span_of(doc->texts[i]);
    doc->is_live = true;
    find_put(worlds, OPCODE_PRODUCT_PUT, &doc->put, spans);
}

static void put_sku(struct find_worlds *worlds, struct find_doc *doc, struct find_sku *sku)
{
    const struct resource resource = {.id = sku->id};
    const struct msg_sku_put_req put = {.resource = resource,
                                        .product_id = doc->id,
                                        .price = sku->price,
                                        .currency = sku->currency,
                                        .low_at = (u16)sku->low_at};
    const struct span code = span_of(sku->code);
    find_put(worlds, OPCODE_SKU_PUT, &put, &code);
    const struct msg_stock_set_req set = {
        .resource = resource, .expected = -1, .value = sku->quantity};
    find_put(worlds, OPCODE_STOCK_SET, &set, NULL);
}

static void change_stock(struct find_worlds *worlds, struct find_doc *doc)
{
    u64 *random = &worlds->random;
    u32 at = find_pick(random, doc->sku_count);
    if (doc->sku_count == 0 || (doc->sku_count < FIND_SKUS_MAX && find_chance(random, 20))) {
        at = doc->sku_count++;
        struct find_sku *sku = &doc->skus[at];
        *sku = (struct find_sku){.currency = find_chance(random, 90) ? 826 : 978};
        (void)snprintf(sku->code, sizeof sku->code, "%s-%u", doc->texts[FIND_CODE],
                       worlds->next_id++);
        sku->id = id_of(sku->code);
    }
    struct find_sku *sku = &doc->skus[at];
    sku->price = find_pick(random, 20000);
    sku->quantity = find_chance(random, 30) ? 0 : find_pick(random, 20);
    sku->low_at = find_pick(random, 10);
    put_sku(worlds, doc, sku);
}

static void change_rating(struct find_worlds *worlds, struct find_doc *doc)
{
    const u16 stars = (u16)(1 + find_pick(&worlds->random, 5));
    const u64 user = ++worlds->next_id;
    const struct msg_review_put_req put = {.product_id = doc->id, .user_id = user, .stars = stars};
    const struct msg_review_moderate_req moderate = {
        .product_id = doc->id, .user_id = user, .state = REVIEW_STATE_APPROVED};
    const struct span spans[MESSAGE_SPANS_MAX] = {span_of("title"), span_of("body")};
    find_put(worlds, OPCODE_REVIEW_PUT, &put, spans);
    find_put(worlds, OPCODE_REVIEW_MODERATE, &moderate, NULL);
    doc->rating_sum += stars;
    doc->rating_count++;
}

static void patch_numbers(struct find_worlds *worlds, struct find_doc *doc)
{
    u64 *random = &worlds->random;
    doc->put.price = find_pick(random, 50000);
    doc->put.currency = 826;
    doc->put.price_before = find_chance(random, 50) ? find_pick(random, 60000) : 0;
    doc->put.popularity = find_pick(random, 100000);
    const struct msg_product_patch_req patch = {
        .product_id = doc->id,
        .fields = PATCH_FIELD_PRICE | PATCH_FIELD_PRICE_BEFORE | PATCH_FIELD_POPULARITY,
        .price = doc->put.price,
        .currency = doc->put.currency,
        .price_before = doc->put.price_before,
        .popularity = doc->put.popularity};
    find_put(worlds, OPCODE_PRODUCT_PATCH, &patch, NULL);
}

static void retitle(struct find_worlds *worlds, struct find_doc *doc)
{
    u64 *random = &worlds->random;
    const struct find_doc *other = &worlds->shop.docs[find_pick(random, worlds->shop.doc_count)];
    char text[500];
    (void)snprintf(text, sizeof text, "%.240s", other->texts[FIND_TITLE]);
    if (find_chance(random, 50))
        add_word(random, text, sizeof text);
    free(doc->texts[FIND_TITLE]);
    doc->texts[FIND_TITLE] = strdup(text);
    if (find_chance(random, 50)) {
        free(doc->texts[FIND_ATTRIBUTES]);
        doc->texts[FIND_ATTRIBUTES] = make_attributes(random, "");
    }
    if (find_chance(random, 30)) {
        free(doc->texts[FIND_CATEGORY]);
        doc->texts[FIND_CATEGORY] = find_category_make(random);
    }
    put_doc(worlds, doc);
}

u32 find_worlds_change(struct find_worlds *worlds)
{
    const u32 at = find_pick(&worlds->random, worlds->shop.doc_count);
    struct find_doc *doc = &worlds->shop.docs[at];
    const u32 kind = doc->is_live ? find_pick(&worlds->random, 100) : 0;
    if (kind < 30) {
        retitle(worlds, doc);
    } else if (kind < 40) {
        const struct msg_product_delete_req record = {.product_id = doc->id};
        find_put(worlds, OPCODE_PRODUCT_DELETE, &record, NULL);
        doc->is_live = false;
    } else if (kind < 60) {
        patch_numbers(worlds, doc);
    } else if (kind < 85) {
        change_stock(worlds, doc);
    } else {
        change_rating(worlds, doc);
    }
    find_doc_read(&worlds->shop, doc);
    return at;
}

/* ---- catalogs ---- */

static void make_doc(struct find_worlds *worlds, const struct relevance_offer *offer)
{
    u64 *random = &worlds->random;
    struct find_doc *doc = &worlds->shop.docs[worlds->shop.doc_count++];
    char code[32];
    (void)snprintf(code, sizeof code, "P%u", worlds->next_id++);
    *doc = (struct find_doc){.id = id_of(code)};
    doc->texts[FIND_CODE] = strdup(code);
    doc->texts[FIND_TITLE] = offer != NULL ? strdup(offer->title) : make_words(random, 1, 6);
    doc->texts[FIND_BRAND] = make_brand(random);
    doc->texts[FIND_CATEGORY] = offer != NULL && offer->category[0] != 0
                                    ? strdup(offer->category)
                                    : find_category_make(random);
    doc->texts[FIND_ATTRIBUTES] = make_attributes(random, offer != NULL ? offer->attributes : "");
    doc->texts[FIND_DESCRIPTION] = offer == NULL ? make_words(random, 0, 8) : strdup("");
    for (u32 i = 0; i < FIND_TEXTS; i++)
        MUST(doc->texts[i] != NULL);
    make_numbers(worlds, doc);
    put_doc(worlds, doc);
    if (find_chance(random, 60))
        change_stock(worlds, doc);
    find_doc_read(&worlds->shop, doc);
}

static bool load(enum find_catalog catalog, struct relevance_set *set)
{
    const char *data = getenv("SOUK_DATA");
    switch (catalog) {
    case FIND_GIFTS: return relevance_load_gifts(set, data);
    case FIND_CLOTHES: return relevance_load_clothes(set, data);
    case FIND_OFFERS: return relevance_load_offers(set, data);
    case FIND_RANDOM:
    case FIND_CATALOGS: break;
    }
    return true;
}

bool find_worlds_open(struct find_worlds *worlds, enum find_catalog catalog, u32 docs, u64 seed,
                      const u16 *shards, u32 count)
{
    struct relevance_set set = {0};
    if (!load(catalog, &set))
        return false;
    *worlds = (struct find_worlds){.count = count, .random = seed};
    find_shop_init(&worlds->shop);
    for (u32 i = 0; i < count; i++) {
        worlds->worlds[i].feeder = feeder_open(shards[i], true);
        worlds->worlds[i].loop =
            gather_loop_open(feeder_shards(worlds->worlds[i].feeder), shards[i]);
    }
    find_settings_put(worlds, catalog == FIND_RANDOM);
    worlds->shop.docs = calloc(docs, sizeof worlds->shop.docs[0]);
    MUST(worlds->shop.docs != NULL);
    for (u32 i = 0; i < docs; i++)
        make_doc(worlds, catalog == FIND_RANDOM
                             ? NULL
                             : &set.offers[find_pick(&worlds->random, set.offer_count)]);
    for (u32 i = 0; i < docs / 3; i++)
        if (worlds->shop.docs[i].is_live)
            change_rating(worlds, &worlds->shop.docs[i]);
    relevance_free(&set);
    find_settings_name_products(worlds);
    find_worlds_settle(worlds);
    find_worlds_track(worlds);
    return true;
}

void find_worlds_close(struct find_worlds *worlds)
{
    for (u32 i = 0; i < worlds->count; i++) {
        gather_loop_close(worlds->worlds[i].loop);
        feeder_close(worlds->worlds[i].feeder);
    }
    find_shop_free(&worlds->shop);
}

/* The shard alone knows when its batch was stamped. */
void find_worlds_read(struct find_worlds *worlds, u32 at)
{
    for (u32 i = 0; i < worlds->count; i++) {
        const struct find_world *world = &worlds->worlds[i];
        struct find_doc *doc = &worlds->shop.docs[at];
        const struct msg_product_get_req get = {.product_id = doc->id};
        struct msg_product_get_rsp reply;
        const u16 shard = route_shard(route_hash_u64(doc->id), feeder_count(world->feeder));
        if (doc->is_live && gather_loop_ask_shard(world->loop, shard, OPCODE_PRODUCT_GET,
                                                  feeder_now_ns(world->feeder), &get, NULL, &reply,
                                                  NULL) == STATUS_OK)
            doc->created_at_ns[i] = reply.created_at_ns;
    }
}

static void take_taste(struct find_user *user, u64 category_id)
{
    u32 at = 0;
    while (at < user->taste_count && user->tastes[at] != category_id)
        at++;
    if (at == user->taste_count && user->taste_count < FIND_TASTES_MAX)
        user->taste_count++;
    for (at = MIN(at, FIND_TASTES_MAX - 1); at != 0; at--)
        user->tastes[at] = user->tastes[at - 1];
    user->tastes[0] = category_id;
}

/* Asks until every world answers from the index of the policy in force. */
static void wait_for_index(struct find_worlds *worlds)
{
    const struct span none[MESSAGE_SPANS_MAX] = {{0}};
    const struct msg_search_req ask = {.limit = 1};
    struct msg_search_rsp reply = {.notes = 0};
    for (u32 i = 0; i < worlds->count; i++)
        do {
            MUST(gather_loop_ask(worlds->worlds[i].loop, OPCODE_SEARCH, find_worlds_now(worlds),
                                 &ask, none, &reply, NULL) == STATUS_OK);
        } while ((reply.notes & SEARCH_NOTE_REINDEXING) != 0); /* ends: each helps */
}

u64 find_worlds_now(const struct find_worlds *worlds)
{
    u64 now_ns = 0;
    for (u32 i = 0; i < worlds->count; i++)
        now_ns = MAX(now_ns, feeder_now_ns(worlds->worlds[i].feeder));
    return now_ns;
}

void find_worlds_pass(struct find_worlds *worlds, u64 ns)
{
    for (u32 i = 0; i < worlds->count; i++)
        feeder_pass(worlds->worlds[i].feeder, ns);
}

/* Users look at products: soft, so it is told now and forgotten with a restart. */
void find_worlds_track(struct find_worlds *worlds)
{
    struct find_shop *shop = &worlds->shop;
    u64 *random = &worlds->random;
    const u64 now_ns = find_worlds_now(worlds);
    shop->user_count = ARRAY_COUNT(shop->users);
    for (u32 i = 0; i < 40; i++) {
        struct find_user *user = &shop->users[find_pick(random, shop->user_count)];
        const struct find_doc *doc = &shop->docs[find_pick(random, shop->doc_count)];
        user->id = (u64)(user - shop->users) + 77;
        const struct msg_track_req track = {
            .user_id = user->id, .product_id = doc->id, .kind = (u16)(1 + find_pick(random, 4))};
        const bool is_seen = find_is_visible(doc, now_ns);
        for (u32 world = 0; world < worlds->count; world++)
            MUST(gather_loop_ask(worlds->worlds[world].loop, OPCODE_TRACK, now_ns, &track, NULL,
                                 NULL, NULL) == (is_seen ? STATUS_OK : STATUS_NOT_FOUND));
        if (is_seen && doc->texts[FIND_CATEGORY][0] != 0)
            take_taste(user, id_of(doc->texts[FIND_CATEGORY]));
    }
}

void find_worlds_settle(struct find_worlds *worlds)
{
    for (u32 i = 0; i < worlds->count; i++) {
        feeder_flush(worlds->worlds[i].feeder);
        MUST(feeder_refused(worlds->worlds[i].feeder) == 0);
    }
    for (u32 i = 0; i < worlds->shop.doc_count; i++)
        find_worlds_read(worlds, i);
    wait_for_index(worlds);
}

void find_worlds_restart(struct find_worlds *worlds)
{
    for (u32 i = 0; i < worlds->count; i++)
        feeder_restart(worlds->worlds[i].feeder);
    memset(worlds->shop.users, 0, sizeof worlds->shop.users);
}
