/* settings_kinds: see shards/settings/settings_kinds.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings_kinds.h"

#include <string.h>

#define FIELDS(name, first)                                          \
    .put_bytes = sizeof(struct msg_##name##_put_req),                \
    .version_at = offsetof(struct msg_##name##_put_req, if_version), \
    .field_at = offsetof(struct msg_##name##_put_req, first),        \
    .answer_at = offsetof(struct msg_##name##_get_rsp, first),       \
    .field_bytes =                                                   \
        sizeof(struct msg_##name##_put_req) - offsetof(struct msg_##name##_put_req, first)

/* A get answers what was put, from the first field on. */
#define SAME(name, first)                                                                     \
    STATIC_CHECK(                                                                             \
        sizeof(struct msg_##name##_put_req) - offsetof(struct msg_##name##_put_req, first) == \
        sizeof(struct msg_##name##_get_rsp) - offsetof(struct msg_##name##_get_rsp, first));  \
    STATIC_CHECK(offsetof(struct msg_##name##_put_req, home_id) == 0);                        \
    STATIC_CHECK(offsetof(struct msg_##name##_get_rsp, version) == sizeof(struct record_status))
SAME(price_list, group_id);
SAME(promotion, value);
SAME(policy, cart_guest_ms);
SAME(category, parent_id);
SAME(attribute, type);
SAME(collection, sort);
SAME(synonym, is_one_way);
SAME(stop_words, is_off);
SAME(rank_profile, bucket);
SAME(curation, category_id);
SAME(ad, product_id);
SAME(search_policy, drop_below);
SAME(review_policy, per_day);
STATIC_CHECK(offsetof(struct msg_price_put_req, sku_id) == sizeof(u64));
STATIC_CHECK(offsetof(struct msg_category_put_req, category_id) == sizeof(u64));
STATIC_CHECK(offsetof(struct msg_attribute_put_req, attribute_id) == sizeof(u64));

const struct setting_kind_info *setting_kind_info(u16 kind)
{
    static const struct setting_kind_info kinds[SETTING_KIND_COUNT] = {
        [SETTING_KIND_PRICE_LIST] = {OPCODE_PRICE_LIST_PUT, SETTING_NAMED_BY_HOME,
                                     FIELDS(price_list, group_id)},
        [SETTING_KIND_PRICE] = {OPCODE_PRICE_PUT, SETTING_NAMED_BY_BOTH,
                                .put_bytes = sizeof(struct msg_price_put_req),
                                .version_at = offsetof(struct msg_price_put_req, if_version)},
        [SETTING_KIND_PROMOTION] = {OPCODE_PROMOTION_PUT, SETTING_NAMED_BY_HOME,
                                    FIELDS(promotion, value)},
        [SETTING_KIND_POLICY] = {OPCODE_POLICY_PUT, SETTING_NAMED_BY_KIND_ALONE,
                                 FIELDS(policy, cart_guest_ms)},
        [SETTING_KIND_CATEGORY] = {OPCODE_CATEGORY_PUT, SETTING_NAMED_BY_KEY,
                                   FIELDS(category, parent_id)},
        [SETTING_KIND_ATTRIBUTE] = {OPCODE_ATTRIBUTE_PUT, SETTING_NAMED_BY_KEY,
                                    FIELDS(attribute, type)},
        [SETTING_KIND_COLLECTION] = {OPCODE_COLLECTION_PUT, SETTING_NAMED_BY_HOME,
                                     FIELDS(collection, sort)},
        [SETTING_KIND_SYNONYM] = {OPCODE_SYNONYM_PUT, SETTING_NAMED_BY_HOME,
                                  FIELDS(synonym, is_one_way)},
        [SETTING_KIND_STOP_WORDS] = {OPCODE_STOP_WORDS_PUT, SETTING_NAMED_BY_HOME,
                                     FIELDS(stop_words, is_off)},
        [SETTING_KIND_RANK_PROFILE] = {OPCODE_RANK_PROFILE_PUT, SETTING_NAMED_BY_HOME,
                                       FIELDS(rank_profile, bucket)},
        [SETTING_KIND_CURATION] = {OPCODE_CURATION_PUT, SETTING_NAMED_BY_HOME,
                                   FIELDS(curation, category_id)},
        [SETTING_KIND_AD] = {OPCODE_AD_PUT, SETTING_NAMED_BY_HOME, FIELDS(ad, product_id)},
        [SETTING_KIND_SEARCH_POLICY] = {OPCODE_SEARCH_POLICY_PUT, SETTING_NAMED_BY_KIND_ALONE,
                                        FIELDS(search_policy, drop_below)},
        [SETTING_KIND_REVIEW_POLICY] = {OPCODE_REVIEW_POLICY_PUT, SETTING_NAMED_BY_KIND_ALONE,
                                        FIELDS(review_policy, per_day)},
    };
    MUST(setting_kind_good(kind));
    return &kinds[kind];
}

struct span setting_body_write(u16 kind, const void *put, const struct span *spans, u8 *to)
{
    const struct setting_kind_info *info = setting_kind_info(kind);
    const u64 none = 0; /* equal settings are equal bytes */
    u32 bytes = info->put_bytes;
    if (kind == SETTING_KIND_PRICE) {
        const struct span tiers = spans[SPAN_OF(price_put_req, tiers)];
        MUST(bytes + tiers.bytes <= SETTING_BYTES_MAX);
        memcpy(to, put, bytes);
        if (tiers.bytes != 0)
            memcpy(to + bytes, tiers.data, tiers.bytes);
        bytes += tiers.bytes;
    } else {
        bytes = frame_record_write(message_find(info->put_opcode), FRAME_DIRECTION_REQUEST, to,
                                   SETTING_BYTES_MAX, put, spans);
    }
    MUST(bytes != 0); /* the frame was judged, and the longest put fits */
    memcpy(to + info->version_at, &none, sizeof none);
    return (struct span){.data = to, .bytes = bytes};
}
#define FITS(name, spans) \
    STATIC_CHECK(sizeof(struct msg_##name##_put_req) + (spans) + 16 <= SETTING_BYTES_MAX)
FITS(category, CATEGORY_BYTES_MAX);
FITS(collection, COLLECTION_BYTES_MAX);
FITS(synonym, WORDS_BYTES_MAX);
FITS(curation, WORDS_BYTES_MAX + ROWS(curation_action, CURATION_ACTIONS_MAX));
FITS(ad, WORDS_BYTES_MAX);
