/* settings_ops: puts, gets, status, and the mail that carries a version to every shard.
 *
 *      home                                    every other shard
 *      put: judge, version + 1, apply
 *           pending = all others
 *           MAIL_SETTING  ------------------->  apply
 *           pending - 1   <-------------------  MAIL_SETTING_DONE (of the latest version only: a shard
 *                                               tells of each, in order)
 *           pending == 0: readers of setting_status are woken
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/settings/settings_judge.h"
#include "shards/shard_handlers.h"

/* ---- puts ---- */

/* A put as it is judged and kept. */
struct put {
    struct setting_name name;
    u64 if_version;
    struct span body;
};

/* All puts answer alike: SETTING_REPLY. */
STATIC_CHECK(sizeof(struct msg_policy_put_rsp) == sizeof(struct msg_price_list_put_rsp));
STATIC_CHECK(sizeof(struct msg_policy_put_rsp) == sizeof(struct msg_price_put_rsp));
STATIC_CHECK(sizeof(struct msg_policy_put_rsp) == sizeof(struct msg_promotion_put_rsp));

/* One more promotion that is on? */
static bool is_too_many(const struct settings *settings, u32 index, const struct put *put)
{
    struct msg_promotion_put_req now;
    if (put->name.kind != SETTING_KIND_PROMOTION)
        return false;
    memcpy(&now, put->body.data, sizeof now);
    const bool was_on = index != 0 && setting_promotion(setting_at(settings, index))->is_off == 0;
    return now.is_off == 0 && !was_on && settings->promotions_on >= PROMOTIONS_MAX;
}

static u16 judge(const struct settings *settings, u32 index, const struct put *put)
{
    const struct setting_name list = {.home_id = put->name.home_id,
                                      .kind = SETTING_KIND_PRICE_LIST};
    if (put->name.kind == SETTING_KIND_PRICE && settings_find(settings, list) == 0)
        return STATUS_NOT_FOUND;
    if (index == 0 && put->if_version != VERSION_ANY && put->if_version != VERSION_ABSENT)
        return STATUS_NOT_FOUND;
    if (index != 0 && put->if_version != VERSION_ANY &&
        put->if_version != setting_at(settings, index)->version)
        return STATUS_VERSION_CONFLICT;
    return is_too_many(settings, index, put) ? STATUS_TOO_MANY : STATUS_OK;
}

static void tell_others(struct shard *shard, const struct setting *setting)
{
    const struct msg_mail_setting_req fixed = {.home_id = setting->home_id,
                                               .key = setting->key,
                                               .version = setting->version,
                                               .kind = setting->kind};
    const struct span body = {.data = setting->body, .bytes = setting->body_bytes};
    for (u16 target = 0; target < shard->options.count; target++)
        if (target != shard->options.index)
            mail_post(shard, target, OPCODE_MAIL_SETTING, &fixed, &body);
}

/* A linked frame could not take its mail back, and would not be in force at once elsewhere: settings
 * are put one by one. */
static void apply_put(struct shard *shard, const struct shard_call *call, const struct put *put,
                      struct msg_policy_put_rsp *answer)
{
    struct settings *settings = &shard->settings;
    const bool is_linked = (call->entry->flags & FRAME_FLAG_LINKED) != 0;
    const bool is_good = !is_linked && setting_invalid(put->name, put->body) == NULL;
    u16 status = shard_call_refusal_create(call, is_good);
    u32 index = 0;
    if (status == STATUS_OK) {
        index = settings_find(settings, put->name);
        status = judge(settings, index, put);
    }
    if (status == STATUS_OK) {
        const u64 version = index != 0 ? setting_at(settings, index)->version + 1 : 1;
        MUST(version != VERSION_ANY && version != VERSION_ABSENT);
        index = settings_apply(settings, put->name, version, put->body);
        settings_set_pending(settings, index, shard->options.count - 1u);
        tell_others(shard, setting_at(settings, index));
    }
    answer->head.status = status;
    if (index == 0)
        return;
    answer->version = setting_at(settings, index)->version;
    answer->pending = setting_at(settings, index)->pending;
}

void shard_apply_price_list_put(struct shard *shard, const struct shard_call *call,
                                const void *request, void *reply)
{
    struct msg_price_list_put_req ask;
    memcpy(&ask, request, sizeof ask);
    struct put put = {.name = {.home_id = ask.home_id, .kind = SETTING_KIND_PRICE_LIST},
                      .if_version = ask.if_version,
                      .body = {.data = (const u8 *)&ask, .bytes = sizeof ask}};
    ask.if_version = 0; /* equal settings are equal bytes */
    apply_put(shard, call, &put, reply);
}

void shard_apply_price_put(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply)
{
    struct {
        struct msg_price_put_req ask;
        u8 tiers[ROWS(price_tier, PRICE_TIERS_MAX)];
    } body;
    const struct span tiers = call->spans[SPAN_OF(price_put_req, tiers)];
    MUST(tiers.bytes <= sizeof body.tiers); /* the frame was judged */
    memcpy(&body.ask, request, sizeof body.ask);
    if (tiers.bytes != 0)
        memcpy(body.tiers, tiers.data, tiers.bytes);
    struct put put = {
        .name = {.home_id = body.ask.home_id, .key = body.ask.sku_id, .kind = SETTING_KIND_PRICE},
        .if_version = body.ask.if_version,
        .body = {.data = (const u8 *)&body, .bytes = (u32)sizeof body.ask + tiers.bytes}};
    body.ask.if_version = 0;
    apply_put(shard, call, &put, reply);
}

void shard_apply_promotion_put(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply)
{
    struct msg_promotion_put_req ask;
    memcpy(&ask, request, sizeof ask);
    struct put put = {.name = {.home_id = ask.home_id, .kind = SETTING_KIND_PROMOTION},
                      .if_version = ask.if_version,
                      .body = {.data = (const u8 *)&ask, .bytes = sizeof ask}};
    ask.if_version = 0;
    apply_put(shard, call, &put, reply);
}

void shard_apply_policy_put(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct msg_policy_put_req ask;
    memcpy(&ask, request, sizeof ask);
    struct put put = {.name = {.home_id = ask.home_id, .kind = SETTING_KIND_POLICY},
                      .if_version = ask.if_version,
                      .body = {.data = (const u8 *)&ask, .bytes = sizeof ask}};
    ask.if_version = 0;
    apply_put(shard, call, &put, reply);
}

/* ---- mail ---- */

void shard_mail_setting(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_setting_req told;
    memcpy(&told, call->fixed, sizeof told);
    const struct setting_name name = {.home_id = told.home_id, .key = told.key, .kind = told.kind};
    const struct span body = call->spans[SPAN_OF(mail_setting_req, body)];
    MUST(setting_invalid(name, body) == NULL);
    MUST(route_shard(route_hash_u64(told.home_id), shard->options.count) == call->source);
    (void)settings_apply(&shard->settings, name, told.version, body);
    const struct msg_mail_setting_done_req done = {
        .home_id = told.home_id, .key = told.key, .version = told.version, .kind = told.kind};
    mail_post(shard, call->source, OPCODE_MAIL_SETTING_DONE, &done, NULL);
}

void shard_mail_setting_done(struct shard *shard, const struct mail_call *call)
{
    struct settings *settings = &shard->settings;
    struct msg_mail_setting_done_req done;
    memcpy(&done, call->fixed, sizeof done);
    const u32 index = settings_find(
        settings,
        (struct setting_name){.home_id = done.home_id, .key = done.key, .kind = done.kind});
    MUST(index != 0);
    const struct setting *setting = setting_at(settings, index);
    MUST(done.version <= setting->version);
    if (done.version != setting->version)
        return; /* it will tell of the latest one too */
    MUST(setting->pending != 0);
    settings_set_pending(settings, index, setting->pending - 1);
    if (setting->pending == 0)
        notice_raise(&shard->notices, notice_token_setting(done.home_id, done.key));
}

/* ---- reads ---- */

/* Index of what is asked for, or 0 and the status. */
static u32 find_for_read(const struct shard *shard, const struct shard_call *call,
                         struct setting_name name, u16 *status)
{
    *status = shard_call_refusal(call, setting_name_good(name));
    if (*status != STATUS_OK)
        return 0;
    const u32 index = settings_find(&shard->settings, name);
    if (index == 0)
        *status = STATUS_NOT_FOUND;
    return index;
}

bool shard_read_price_list_get(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply, struct span *spans)
{
    struct msg_price_list_get_req ask;
    struct msg_price_list_get_rsp *answer = reply;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    const u32 index = find_for_read(
        shard, call, (struct setting_name){.home_id = ask.home_id, .kind = SETTING_KIND_PRICE_LIST},
        &answer->head.status);
    if (index == 0)
        return true;
    const struct setting *setting = setting_at(&shard->settings, index);
    const struct msg_price_list_put_req *put = setting_list(setting);
    answer->version = setting->version;
    answer->price_count = setting->price_count;
    answer->group_id = put->group_id;
    answer->valid_from_ns = put->valid_from_ns;
    answer->valid_until_ns = put->valid_until_ns;
    answer->priority = put->priority;
    answer->currency = put->currency;
    answer->is_off = put->is_off;
    answer->name = put->name;
    return true;
}

bool shard_read_price_get(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply, struct span *spans)
{
    struct msg_price_get_req ask;
    struct msg_price_get_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const struct setting_name name = {
        .home_id = ask.home_id, .key = ask.sku_id, .kind = SETTING_KIND_PRICE};
    const u32 index = find_for_read(shard, call, name, &answer->head.status);
    if (index == 0)
        return true;
    const struct setting *setting = setting_at(&shard->settings, index);
    u32 count;
    const struct row_price_tier *tiers = setting_tiers(setting, &count);
    answer->version = setting->version;
    spans[SPAN_OF(price_get_rsp, tiers)] =
        (struct span){.data = (const u8 *)tiers, .bytes = ROWS(price_tier, count)};
    return true;
}

bool shard_read_promotion_get(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply, struct span *spans)
{
    struct msg_promotion_get_req ask;
    struct msg_promotion_get_rsp *answer = reply;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    const u32 index = find_for_read(
        shard, call, (struct setting_name){.home_id = ask.home_id, .kind = SETTING_KIND_PROMOTION},
        &answer->head.status);
    if (index == 0)
        return true;
    const struct setting *setting = setting_at(&shard->settings, index);
    const struct msg_promotion_put_req *put = setting_promotion(setting);
    answer->version = setting->version;
    answer->value = put->value;
    answer->threshold = put->threshold;
    answer->sku_id = put->sku_id;
    answer->group_id = put->group_id;
    answer->coupon_id = put->coupon_id;
    answer->valid_from_ns = put->valid_from_ns;
    answer->valid_until_ns = put->valid_until_ns;
    answer->per_customer = put->per_customer;
    answer->buy = put->buy;
    answer->pay = put->pay;
    answer->priority = put->priority;
    answer->kind = put->kind;
    answer->currency = put->currency;
    answer->is_exclusive = put->is_exclusive;
    answer->is_limited = put->is_limited;
    answer->is_off = put->is_off;
    answer->name = put->name;
    return true;
}

/* There is always a policy: version 0 is the one built in. */
bool shard_read_policy_get(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct msg_policy_get_req ask;
    struct msg_policy_get_rsp *answer = reply;
    const struct policy *policy = settings_policy(&shard->settings);
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    answer->head.status = shard_call_refusal(call, ask.home_id == POLICY_HOME_ID);
    if (answer->head.status != STATUS_OK)
        return true;
    answer->version = policy->version;
    answer->cart_guest_ms = policy->cart_guest_ms;
    answer->cart_user_ms = policy->cart_user_ms;
    answer->payment_lease_ms = policy->payment_lease_ms;
    answer->unpaid_ms = policy->unpaid_ms;
    answer->answer_ms = policy->answer_ms;
    answer->backoff_ms = policy->backoff_ms;
    answer->backoff_max_ms = policy->backoff_max_ms;
    answer->return_window_ms = policy->return_window_ms;
    answer->deliveries_max = policy->deliveries_max;
    answer->attempts_max = policy->attempts_max;
    return true;
}

bool shard_read_setting_status(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply, struct span *spans)
{
    struct msg_setting_status_req ask;
    struct msg_setting_status_rsp *answer = reply;
    (void)spans;
    memcpy(&ask, request, sizeof ask);
    if (ask.wait_ms > WAIT_MS_MAX) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    const struct setting_name name = {.home_id = ask.home_id, .key = ask.key, .kind = ask.kind};
    const u32 index = find_for_read(shard, call, name, &answer->head.status);
    if (answer->head.status == STATUS_NOT_FOUND && ask.kind == SETTING_KIND_POLICY)
        answer->head.status = STATUS_OK; /* the one built in is in force everywhere */
    if (index == 0)
        return true;
    const struct setting *setting = setting_at(&shard->settings, index);
    if (setting->pending != 0 &&
        shard_read_park(shard, call, notice_token_setting(ask.home_id, ask.key), ask.wait_ms))
        return true;
    answer->version = setting->version;
    answer->pending = setting->pending;
    return true;
}
