/* search_settings: see search_settings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/search_settings.h"

#include <string.h>

#include "proto/checksum.h"
#include "proto/route.h"
#include "shards/search/query_pack.h"

static u64 hash_of_phrase(const void *context, u32 index)
{
    const struct search_settings *own = context;
    return search_phrase_at(own, index)->hash;
}

static u64 hash_of_source(const void *context, u32 index)
{
    const struct search_settings *own = context;
    const struct search_source *source = pool_at(&own->sources, index);
    return route_hash_u64(source->setting);
}

void search_settings_init(struct search_settings *own, struct store_memory *memory)
{
    pool_init(&own->phrases, memory, sizeof(struct search_phrase));
    pool_init(&own->sources, memory, sizeof(struct search_source));
    map_init(&own->by_hash, memory,
             (struct map_records){.context = own, .hash_of = hash_of_phrase});
    map_init(&own->by_setting, memory,
             (struct map_records){.context = own, .hash_of = hash_of_source});
}

void search_settings_deinit(struct search_settings *own)
{
    map_deinit(&own->by_setting);
    map_deinit(&own->by_hash);
    pool_deinit(&own->sources);
    pool_deinit(&own->phrases);
}

static bool phrase_has(const void *context, u32 index, const void *key)
{
    const struct search_settings *own = context;
    return search_phrase_at(own, index)->hash == *(const u64 *)key;
}

static bool source_is(const void *context, u32 index, const void *key)
{
    const struct search_settings *own = context;
    return ((const struct search_source *)pool_at(&own->sources, index))->setting ==
           *(const u32 *)key;
}

u32 search_phrase_find(const struct search_settings *own, u64 hash)
{
    return map_find(&own->by_hash, hash, phrase_has, own, &hash);
}

static struct search_phrase *phrase_at(struct search_settings *own, u32 at)
{
    return pool_at(&own->phrases, at);
}

static void add_phrase(struct search_settings *own, struct search_source *source,
                       struct search_phrase phrase)
{
    u32 at = pool_acquire(&own->phrases);
    const u32 head = search_phrase_find(own, phrase.hash);
    phrase.next = source->first;
    phrase.same = head != 0 ? phrase_at(own, head)->same : 0;
    *phrase_at(own, at) = phrase;
    source->first = at;
    if (head != 0)
        phrase_at(own, head)->same = at; /* after the head, which the map knows */
    else
        map_insert(&own->by_hash, phrase.hash, at);
}

static void drop_phrase(struct search_settings *own, u32 at)
{
    const struct search_phrase phrase = *search_phrase_at(own, at);
    u32 before = search_phrase_find(own, phrase.hash);
    if (before == at) {
        map_remove(&own->by_hash, phrase.hash, at);
        if (phrase.same != 0)
            map_insert(&own->by_hash, phrase.hash, phrase.same);
    } else {
        while (phrase_at(own, before)->same != at)
            before = phrase_at(own, before)->same; /* ends by I2 */
        phrase_at(own, before)->same = phrase.same;
    }
    pool_release(&own->phrases, &at);
}

bool search_words_next(struct span words, u32 *at, struct span *entry)
{
    while (*at < words.bytes) {
        const u32 begin = *at, bytes = pack_find(words, begin, ',') - begin;
        *at += bytes + 1;
        *entry = (struct span){.data = words.data + begin, .bytes = bytes};
        if (bytes != 0)
            return true;
    }
    return false;
}

u32 search_place_name(const struct search_index *index, const struct query_text *query, u32 slot,
                      u8 *to)
{
    const struct query_slot *place = &query->slots[slot];
    if ((place->flags & (QUERY_SLOT_PHRASE | QUERY_SLOT_EXCLUDED)) != 0)
        return 0;
    if (place->joined != QUERY_NO_PART)
        return search_index_stem(index, query_text_part(query, place->joined), to);
    u32 bytes = 0;
    for (u32 i = 0; i < place->count; i++) {
        if (i != 0)
            to[bytes++] = ' ';
        bytes += search_index_stem(index, query_text_part(query, place->first + i), to + bytes);
    }
    return bytes;
}

u64 search_category_hash(u64 category_id)
{
    u8 bytes[1 + sizeof category_id] = {0}; /* no word begins with a zero */
    memcpy(bytes + 1, &category_id, sizeof category_id);
    return checksum64(bytes, sizeof bytes);
}

/* The hash of words; false if there are none, or too many. */
static bool hash_words(const struct search_index *index, struct span words, u64 *hash)
{
    struct query_text query;
    u8 names[SEARCH_PHRASE_PLACES * (SEARCH_PLACE_BYTES + 1)];
    u32 bytes = 0;
    if (query_text_parse(&query, words) != NULL || query.slot_count == 0 ||
        query.slot_count > SEARCH_PHRASE_PLACES)
        return false;
    for (u32 i = 0; i < query.slot_count; i++) {
        const u32 more = search_place_name(index, &query, i, names + bytes);
        if (more == 0)
            return false;
        bytes += more;
        names[bytes++] = '\n';
    }
    *hash = checksum64(names, bytes);
    return true;
}

/* What the phrases of a setting are made of. */
struct phrase_source {
    struct span words;
    u64 category_id;
    bool is_list; /* with commas */
};

/* False: it is not used. */
static bool read_source(const struct setting *setting, struct phrase_source *from)
{
    *from = (struct phrase_source){.is_list = true};
    switch ((enum setting_kind)setting->kind) {
    case SETTING_KIND_SYNONYM:
        from->words = setting_span(setting, SPAN_OF(synonym_put_req, words));
        return setting_synonym(setting)->is_off == 0;
    case SETTING_KIND_STOP_WORDS:
        from->words = setting_span(setting, SPAN_OF(stop_words_put_req, words));
        return setting_stop_words(setting)->is_off == 0;
    case SETTING_KIND_CURATION:
        from->words = setting_span(setting, SPAN_OF(curation_put_req, words));
        from->category_id = setting_curation(setting)->category_id;
        from->is_list = false;
        return setting_curation(setting)->is_off == 0;
    case SETTING_KIND_AD:
        from->words = setting_span(setting, SPAN_OF(ad_put_req, words));
        from->category_id = setting_ad(setting)->category_id;
        return setting_ad(setting)->is_off == 0;
    case SETTING_KIND_PRICE_LIST:
    case SETTING_KIND_PRICE:
    case SETTING_KIND_PROMOTION:
    case SETTING_KIND_POLICY:
    case SETTING_KIND_CATEGORY:
    case SETTING_KIND_ATTRIBUTE:
    case SETTING_KIND_COLLECTION:
    case SETTING_KIND_RANK_PROFILE:
    case SETTING_KIND_SEARCH_POLICY:
    case SETTING_KIND_REVIEW_POLICY:
    case SETTING_KIND_COUNT: break;
    }
    PANIC("a setting without words");
}

static void add_phrases(struct search_settings *own, const struct settings *settings,
                        struct search_source *source, const struct search_index *index)
{
    struct phrase_source from;
    struct search_phrase phrase = {.setting = source->setting,
                                   .kind = setting_at(settings, source->setting)->kind};
    if (!read_source(setting_at(settings, source->setting), &from))
        return;
    if (from.category_id != 0) {
        phrase.hash = search_category_hash(from.category_id);
        add_phrase(own, source, phrase);
    }
    if (!from.is_list) {
        if (hash_words(index, from.words, &phrase.hash))
            add_phrase(own, source, phrase);
        return;
    }
    struct span entry;
    for (u32 at = 0; search_words_next(from.words, &at, &entry); phrase.entry++)
        if (hash_words(index, entry, &phrase.hash))
            add_phrase(own, source, phrase);
}

static void drop_phrases(struct search_settings *own, struct search_source *source)
{
    while (source->first != 0) {
        const u32 at = source->first;
        source->first = search_phrase_at(own, at)->next;
        drop_phrase(own, at);
    }
}

void search_settings_put(struct search_settings *own, const struct settings *settings, u32 at,
                         const struct search_index *index)
{
    u32 record = map_find(&own->by_setting, route_hash_u64(at), source_is, own, &at);
    if (record == 0) {
        record = pool_acquire(&own->sources);
        ((struct search_source *)pool_at(&own->sources, record))->setting = at;
        map_insert(&own->by_setting, route_hash_u64(at), record);
    }
    struct search_source *source = pool_at(&own->sources, record);
    drop_phrases(own, source);
    add_phrases(own, settings, source, index);
}

void search_settings_renew(struct search_settings *own, const struct settings *settings,
                           const struct search_index *index)
{
    for (u32 i = 1; i <= own->sources.count; i++) { /* none is ever released */
        struct search_source *source = pool_at(&own->sources, i);
        drop_phrases(own, source);
        add_phrases(own, settings, source, index);
    }
}
