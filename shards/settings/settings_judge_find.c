/* settings_judge_find: see shards/settings/settings_judge_find.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings_judge_find.h"

#include <string.h>

#include "proto/text.h"

bool setting_name_text_good(const struct text64 *text)
{
    return !text64_is_empty(text) && text64_bytes(text) < TEXT64_BYTES &&
           text64_invalid(text) == NULL;
}

static bool line_good(struct span span)
{
    return text_invalid(span.data, span.bytes, false) == NULL;
}

/* How many words or phrases there are between the commas; 0 when one of them is empty. */
static u32 count_words(struct span list)
{
    u32 count = 0;
    bool is_empty = true;
    for (u32 i = 0; i < list.bytes; i++) {
        if (list.data[i] == ',') {
            if (is_empty)
                return 0;
            count++;
            is_empty = true;
        } else if (list.data[i] != ' ') {
            is_empty = false;
        }
    }
    return is_empty ? 0 : count + 1;
}

/* home, home/lighting, ...: no piece of it is empty. */
static bool category_code_good(struct span code)
{
    bool is_piece = false;
    for (u32 i = 0; i < code.bytes; i++) {
        if (code.data[i] == '/' && !is_piece)
            return false;
        is_piece = code.data[i] != '/';
    }
    return is_piece && line_good(code);
}

static const char *category_invalid(const struct record_view *view)
{
    struct msg_category_put_req put;
    const struct span code = view->spans[SPAN_OF(category_put_req, code)];
    memcpy(&put, view->fixed, sizeof put);
    if (!setting_name_text_good(&put.name))
        return "a category needs a name of 1 to 63 bytes";
    if (!category_code_good(code))
        return "the code of a category is a path of pieces that are not empty";
    if (id_from_code(code.data, code.bytes) != put.category_id)
        return "a category's id is not that of its code";
    return put.is_off <= 1 ? NULL : "is_off is 0 or 1";
}

static const char *attribute_invalid(const struct record_view *view)
{
    struct msg_attribute_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (!setting_name_text_good(&put.name))
        return "an attribute needs a name of 1 to 63 bytes";
    const u32 bytes = text64_bytes(&put.name);
    for (u32 i = 0; i < bytes; i++)
        if (put.name.bytes[i] == '=')
            return "the name of an attribute ends at the first =";
    if (id_from_code(put.name.bytes, bytes) != put.attribute_id)
        return "an attribute's id is not that of its name";
    if (put.type < ATTRIBUTE_TYPE_ENUM || put.type > ATTRIBUTE_TYPE_TEXT)
        return "no such type of attribute";
    return put.is_searched <= 1 ? NULL : "is_searched is 0 or 1";
}

static const char *collection_invalid(const struct record_view *view)
{
    struct msg_collection_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (!setting_name_text_good(&put.name))
        return "a collection needs a name of 1 to 63 bytes";
    if (!line_good(view->spans[SPAN_OF(collection_put_req, filter)]))
        return "a filter is one line of UTF-8 text";
    if (put.sort >= SEARCH_SORT_COUNT)
        return "no such sort";
    return put.is_off <= 1 ? NULL : "is_off is 0 or 1";
}

static const char *synonym_invalid(const struct record_view *view)
{
    struct msg_synonym_put_req put;
    const struct span words = view->spans[SPAN_OF(synonym_put_req, words)];
    memcpy(&put, view->fixed, sizeof put);
    if (put.is_one_way > 1 || put.is_off > 1)
        return "a flag is 0 or 1";
    if (!line_good(words))
        return "words are one line of UTF-8 text";
    return count_words(words) >= 2 ? NULL : "a synonym has two words or more, none of them empty";
}

static const char *stop_words_invalid(const struct record_view *view)
{
    struct msg_stop_words_put_req put;
    const struct span words = view->spans[SPAN_OF(stop_words_put_req, words)];
    memcpy(&put, view->fixed, sizeof put);
    if (put.is_off > 1)
        return "is_off is 0 or 1";
    if (!line_good(words))
        return "words are one line of UTF-8 text";
    return count_words(words) >= 1 ? NULL : "stop words are words, none of them empty";
}

static const char *rank_profile_invalid(const struct record_view *view)
{
    struct msg_rank_profile_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (!setting_name_text_good(&put.name))
        return "a ranking profile needs a name of 1 to 63 bytes";
    return put.popularity <= RANK_WEIGHT_MAX && put.availability <= RANK_WEIGHT_MAX &&
                   put.rating <= RANK_WEIGHT_MAX && put.margin <= RANK_WEIGHT_MAX &&
                   put.recent_category <= RANK_WEIGHT_MAX
               ? NULL
               : "weights are 0 to 1,000";
}

/* Either for a category or for words. */
static const char *aim_invalid(u64 category_id, struct span words)
{
    if (!line_good(words))
        return "words are one line of UTF-8 text";
    if (category_id != 0)
        return words.bytes == 0 ? NULL : "for a category or for words, not for both";
    return count_words(words) >= 1 ? NULL : "for a category or for words";
}

static struct row_curation_action action_at(struct span rows, u32 i)
{
    struct row_curation_action row;
    memcpy(&row, rows.data + (size_t)i * sizeof row, sizeof row);
    return row;
}

static const char *action_invalid(const struct row_curation_action *row)
{
    if (row->product_id == 0)
        return "an action is about a product";
    switch (row->kind) {
    case CURATION_PIN:
        return row->value >= 1 && row->value <= CURATION_PLACE_MAX ? NULL : "a place is 1 to 100";
    case CURATION_HIDE: return row->value == 0 ? NULL : "hiding has no value";
    case CURATION_BOOST:
        return row->value >= 1 && row->value <= CURATION_BOOST_MAX
                   ? NULL
                   : "a boost is 1 to 1,000 percent";
    default: return "no such action";
    }
}

static const char *actions_invalid(struct span rows)
{
    const u32 count = rows.bytes / (u32)sizeof(struct row_curation_action);
    for (u32 i = 0; i < count; i++) {
        const struct row_curation_action row = action_at(rows, i);
        const char *reason = action_invalid(&row);
        if (reason != NULL)
            return reason;
        for (u32 j = 0; j < i; j++) {
            const struct row_curation_action other = action_at(rows, j);
            if (other.product_id == row.product_id)
                return "a product comes twice";
            if (row.kind == CURATION_PIN && other.kind == CURATION_PIN && other.value == row.value)
                return "two products are pinned at one place";
        }
    }
    return count != 0 ? NULL : "nothing is done";
}

static const char *curation_invalid(const struct record_view *view)
{
    struct msg_curation_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (put.is_part > 1 || put.is_off > 1)
        return "a flag is 0 or 1";
    if (!setting_validity_good(put.valid_from_ns, put.valid_until_ns))
        return "a curation ends before it begins";
    const char *reason =
        aim_invalid(put.category_id, view->spans[SPAN_OF(curation_put_req, words)]);
    if (reason == NULL && put.category_id != 0 && put.is_part != 0)
        reason = "a category is not part of words";
    return reason != NULL ? reason
                          : actions_invalid(view->spans[SPAN_OF(curation_put_req, actions)]);
}

static const char *ad_invalid(const struct record_view *view)
{
    struct msg_ad_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (put.product_id == 0)
        return "an ad shows a product";
    if (put.bid < 0 || put.bid > PRICE_MAX)
        return "a bid is 0 to 2^53";
    if (put.is_off > 1)
        return "is_off is 0 or 1";
    if (!setting_validity_good(put.valid_from_ns, put.valid_until_ns))
        return "an ad ends before it begins";
    return aim_invalid(put.category_id, view->spans[SPAN_OF(ad_put_req, words)]);
}

/* A list of our own and not what the library on this machine knows: a replay elsewhere must judge
 * alike. */
static bool language_good(const struct text64 *language)
{
    static const struct text64 known[] = {
        {"none"},    {"arabic"},    {"armenian"}, {"basque"},     {"catalan"},  {"danish"},
        {"dutch"},   {"english"},   {"finnish"},  {"french"},     {"german"},   {"greek"},
        {"hindi"},   {"hungarian"}, {"irish"},    {"indonesian"}, {"italian"},  {"lithuanian"},
        {"nepali"},  {"norwegian"}, {"porter"},   {"portuguese"}, {"romanian"}, {"russian"},
        {"serbian"}, {"spanish"},   {"swedish"},  {"tamil"},      {"turkish"},  {"yiddish"}};
    for (u32 i = 0; i < ARRAY_COUNT(known); i++)
        if (memcmp(known[i].bytes, language->bytes, TEXT64_BYTES) == 0)
            return true;
    return false;
}

static const char *search_policy_invalid(const struct record_view *view)
{
    struct msg_search_policy_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (!language_good(&put.language))
        return "no such language";
    if (put.typo1_bytes > SEARCH_WORD_BYTES || put.typo2_bytes > SEARCH_WORD_BYTES)
        return "typos are allowed from at most 64 letters on";
    if (put.typo2_bytes != 0 && (put.typo1_bytes == 0 || put.typo2_bytes < put.typo1_bytes))
        return "two typos need as many letters as one";
    return put.weight_title <= SEARCH_WEIGHT_MAX && put.weight_brand <= SEARCH_WEIGHT_MAX &&
                   put.weight_category <= SEARCH_WEIGHT_MAX &&
                   put.weight_attributes <= SEARCH_WEIGHT_MAX &&
                   put.weight_description <= SEARCH_WEIGHT_MAX &&
                   put.weight_code <= SEARCH_WEIGHT_MAX
               ? NULL
               : "weights are 0 to 100";
}

static const char *review_policy_invalid(const struct record_view *view)
{
    struct msg_review_policy_put_req put;
    memcpy(&put, view->fixed, sizeof put);
    if (put.is_moderated > 1 || put.needs_purchase > 1)
        return "a flag is 0 or 1";
    return put.per_day <= REVIEWS_DAY_MAX ? NULL : "reviews per day are 0 to 100,000";
}

const char *setting_found_invalid(struct setting_name name, const struct record_view *put)
{
    switch ((enum setting_kind)name.kind) {
    case SETTING_KIND_CATEGORY: return category_invalid(put);
    case SETTING_KIND_ATTRIBUTE: return attribute_invalid(put);
    case SETTING_KIND_COLLECTION: return collection_invalid(put);
    case SETTING_KIND_SYNONYM: return synonym_invalid(put);
    case SETTING_KIND_STOP_WORDS: return stop_words_invalid(put);
    case SETTING_KIND_RANK_PROFILE: return rank_profile_invalid(put);
    case SETTING_KIND_CURATION: return curation_invalid(put);
    case SETTING_KIND_AD: return ad_invalid(put);
    case SETTING_KIND_SEARCH_POLICY: return search_policy_invalid(put);
    case SETTING_KIND_REVIEW_POLICY: return review_policy_invalid(put);
    case SETTING_KIND_PRICE_LIST:
    case SETTING_KIND_PRICE:
    case SETTING_KIND_PROMOTION:
    case SETTING_KIND_POLICY:
    case SETTING_KIND_COUNT: break;
    }
    PANIC("no such kind of setting");
}
