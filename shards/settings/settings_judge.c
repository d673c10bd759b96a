/* settings_judge: see shards/settings/settings_judge.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings_judge.h"

#include <string.h>

#include "proto/money.h"
#include "shards/settings/settings_judge_find.h"
#include "shards/settings/settings_kinds.h"

bool setting_name_good(struct setting_name name)
{
    if (name.home_id == 0)
        return false;
    if (!setting_kind_good(name.kind))
        return false;
    switch ((enum setting_names)setting_kind_info((u16)name.kind)->names) {
    case SETTING_NAMED_BY_HOME: return name.key == 0;
    case SETTING_NAMED_BY_BOTH: return name.key != 0;
    case SETTING_NAMED_BY_KEY: return name.key != 0 && name.home_id == POLICY_HOME_ID;
    case SETTING_NAMED_BY_KIND_ALONE: return name.key == 0 && name.home_id == POLICY_HOME_ID;
    }
    PANIC("no such way of naming");
}

static const char *price_list_invalid(const struct msg_price_list_put_req *put)
{
    if (!setting_name_text_good(&put->name))
        return "a price list needs a name of 1 to 63 bytes";
    if (!setting_validity_good(put->valid_from_ns, put->valid_until_ns))
        return "a price list ends before it begins";
    if (currency_find(put->currency) == NULL)
        return "a price list of an unknown currency";
    return put->is_off <= 1 ? NULL : "is_off is 0 or 1";
}

static const char *tiers_invalid(const u8 *bytes, u32 count)
{
    i64 before = 0;
    for (u32 i = 0; i < count; i++) {
        struct row_price_tier tier;
        memcpy(&tier, bytes + (size_t)i * sizeof tier, sizeof tier);
        if (i == 0 && tier.quantity != 1)
            return "the first tier begins with 1";
        if (tier.quantity <= before || tier.quantity > QUANTITY_MAX)
            return "the quantities of tiers ascend, up to 2^31";
        if (tier.price < 0 || tier.price > PRICE_MAX)
            return "a price is 0 to 2^53";
        before = tier.quantity;
    }
    return NULL;
}

/* What the value, the counts and the currency are, kind by kind. */
static const char *promotion_kind_invalid(const struct msg_promotion_put_req *put)
{
    const bool has_counts = put->buy != 0 || put->pay != 0;
    switch (put->kind) {
    case PROMOTION_KIND_PERCENT:
        if (put->value < 1 || put->value > PERCENT_MAX || has_counts)
            return "percent: a value of 1 to 10,000, no counts";
        break;
    case PROMOTION_KIND_FIXED:
        if (put->value < 1 || put->value > PRICE_MAX || has_counts || put->currency == 0)
            return "fixed: a value of 1 to 2^53 in a currency, no counts";
        break;
    case PROMOTION_KIND_N_FOR_M:
        if (put->value != 0 || put->pay == 0 || put->pay >= put->buy || put->sku_id == 0)
            return "N for M: of one SKU, M of 1 to N - 1, no value";
        break;
    case PROMOTION_KIND_FREE_SHIPPING:
        if (put->value != 0 || has_counts)
            return "free shipping: no value, no counts";
        break;
    default: return "no such kind of promotion";
    }
    return NULL;
}

static const char *promotion_invalid(const struct msg_promotion_put_req *put)
{
    if (!setting_name_text_good(&put->name))
        return "a promotion needs a name of 1 to 63 bytes";
    if (!setting_validity_good(put->valid_from_ns, put->valid_until_ns))
        return "a promotion ends before it begins";
    if (put->currency != 0 && currency_find(put->currency) == NULL)
        return "a promotion of an unknown currency";
    if (put->threshold < 0 || put->threshold > PRICE_MAX)
        return "a threshold is 0 to 2^53";
    if (put->threshold != 0 && put->currency == 0)
        return "a threshold needs a currency";
    if (put->per_customer < 0 || put->per_customer > QUANTITY_MAX)
        return "uses per customer are 0 to 2^31";
    if (put->is_exclusive > 1 || put->is_limited > 1 || put->is_off > 1 || put->zero0 != 0)
        return "a flag is 0 or 1";
    if (put->coupon_id == 0 && (put->is_limited != 0 || put->per_customer != 0))
        return "only the uses of a coupon are limited";
    return promotion_kind_invalid(put);
}

static const char *policy_invalid(const struct msg_policy_put_req *put)
{
    const u64 times[] = {put->cart_guest_ms, put->cart_user_ms, put->payment_lease_ms,
                         put->unpaid_ms,     put->answer_ms,    put->backoff_ms,
                         put->backoff_max_ms};
    for (u32 i = 0; i < ARRAY_COUNT(times); i++)
        if (times[i] < 1 || times[i] > POLICY_TIME_MS_MAX)
            return "times are 1 ms to 366 days";
    if (put->return_window_ms > POLICY_TIME_MS_MAX)
        return "the time for returns is 0 to 366 days";
    if (put->backoff_ms > put->backoff_max_ms)
        return "the longest wait is not below the first";
    if (put->deliveries_max < 1 || put->deliveries_max > POLICY_TRIES_MAX ||
        put->attempts_max < 1 || put->attempts_max > POLICY_TRIES_MAX)
        return "deliveries and attempts are 1 to 1,000";
    return NULL;
}

/* Its name is that which the put has, and its if_version is 0. */
static bool names_itself(struct setting_name name, struct span body)
{
    const struct setting_kind_info *info = setting_kind_info((u16)name.kind);
    const bool has_key =
        info->names == SETTING_NAMED_BY_BOTH || info->names == SETTING_NAMED_BY_KEY;
    u64 home_id, key = 0, if_version;
    memcpy(&home_id, body.data, sizeof home_id);
    if (has_key)
        memcpy(&key, body.data + sizeof home_id, sizeof key);
    memcpy(&if_version, body.data + info->version_at, sizeof if_version);
    return home_id == name.home_id && key == name.key && if_version == VERSION_ANY;
}

static const char *price_invalid(struct span body)
{
    const u32 tail = body.bytes - (u32)sizeof(struct msg_price_put_req);
    if (tail % sizeof(struct row_price_tier) != 0 || tail > ROWS(price_tier, PRICE_TIERS_MAX))
        return "a setting of a wrong length";
    return tiers_invalid(body.data + sizeof(struct msg_price_put_req),
                         tail / (u32)sizeof(struct row_price_tier));
}

/* All but prices are kept as whole records. */
static const char *record_invalid(struct setting_name name, struct span body)
{
    union {
        u64 words[SETTING_BYTES_MAX / sizeof(u64)];
        struct msg_price_list_put_req list;
        struct msg_promotion_put_req promotion;
        struct msg_policy_put_req policy;
    } put;
    const struct message_info *info = message_find(setting_kind_info((u16)name.kind)->put_opcode);
    struct frame_refusal refusal;
    struct record_view view;
    u32 offset = 0;
    if (body.bytes > sizeof put)
        return "a setting of a wrong length";
    memcpy(&put, body.data, body.bytes); /* aligned */
    if (!frame_records_valid(info, FRAME_DIRECTION_REQUEST, (const u8 *)&put, body.bytes, 1,
                             &refusal))
        return "a setting that is not well formed";
    frame_record_next(info, FRAME_DIRECTION_REQUEST, (const u8 *)&put, &offset, &view);
    if (setting_kind_is_found((u16)name.kind))
        return setting_found_invalid(name, &view);
    if (name.kind == SETTING_KIND_PRICE_LIST)
        return price_list_invalid(&put.list);
    if (name.kind == SETTING_KIND_PROMOTION)
        return promotion_invalid(&put.promotion);
    MUST(name.kind == SETTING_KIND_POLICY);
    return policy_invalid(&put.policy);
}

const char *setting_invalid(struct setting_name name, struct span body)
{
    if (!setting_name_good(name))
        return "a setting cannot have this name";
    if (body.bytes < setting_kind_info((u16)name.kind)->put_bytes)
        return "a setting of a wrong length";
    if (!names_itself(name, body))
        return "a setting that names another";
    return name.kind == SETTING_KIND_PRICE ? price_invalid(body) : record_invalid(name, body);
}
STATIC_CHECK(sizeof(struct msg_price_put_req) + ROWS(price_tier, PRICE_TIERS_MAX) <=
             SETTING_BYTES_MAX);
STATIC_CHECK(sizeof(struct msg_promotion_put_req) <= SETTING_BYTES_MAX);
