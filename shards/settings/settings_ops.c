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

#include "shards/search/search.h"
#include "shards/settings/settings_category.h"
#include "shards/settings/settings_judge.h"
#include "shards/settings/settings_kinds.h"
#include "shards/shard_handlers.h"

/* ---- puts ---- */

/* A put as it is judged and kept. */
struct put {
    struct setting_name name;
    u64 if_version;
    struct span body;
};

/* All puts answer alike: SETTING_REPLY. */
struct put_answer {
    struct record_status head;
    SETTING_REPLY(WIRE_DECL_F, WIRE_DECL_Z)
};

/* One more promotion that is on, category or attribute, and one too many? */
static bool is_too_many(const struct settings *settings, u32 index, const struct put *put)
{
    struct msg_promotion_put_req now;
    if (put->name.kind == SETTING_KIND_CATEGORY)
        return index == 0 && settings->kind_count[SETTING_KIND_CATEGORY] >= CATEGORIES_MAX;
    if (put->name.kind == SETTING_KIND_ATTRIBUTE)
        return index == 0 && settings->kind_count[SETTING_KIND_ATTRIBUTE] >= ATTRIBUTE_NAMES_MAX;
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
    if (put->name.kind == SETTING_KIND_CATEGORY) {
        struct msg_category_put_req category;
        memcpy(&category, put->body.data, sizeof category);
        const u16 status = category_refusal(settings, index, &category);
        if (status != STATUS_OK)
            return status;
    }
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

/* In force on this shard from now on. */
static u32 put_in_force(struct shard *shard, struct setting_name name, u64 version,
                        struct span body)
{
    const u32 index = settings_apply(&shard->settings, name, version, body);
    if (setting_kind_is_found((u16)name.kind))
        search_setting(shard, index);
    return index;
}

/* The name in a request, which begins with it. */
static struct setting_name name_in(u16 kind, const u8 *request)
{
    const u16 names = setting_kind_info(kind)->names;
    struct setting_name name = {.kind = kind};
    memcpy(&name.home_id, request, sizeof name.home_id);
    if (names == SETTING_NAMED_BY_BOTH || names == SETTING_NAMED_BY_KEY)
        memcpy(&name.key, request + sizeof name.home_id, sizeof name.key);
    return name;
}

/* A linked frame could not take its mail back, and would not be in force at once elsewhere: settings
 * are put one by one. */
static void apply_put(struct shard *shard, const struct shard_call *call, u16 kind,
                      const u8 *request, struct put_answer *answer)
{
    struct settings *settings = &shard->settings;
    u64 body[SETTING_BYTES_MAX / sizeof(u64)];
    struct put put = {.name = name_in(kind, request)};
    memcpy(&put.if_version, request + setting_kind_info(kind)->version_at, sizeof put.if_version);
    put.body = setting_body_write(kind, request, call->spans, (u8 *)body);
    const bool is_linked = (call->entry->flags & FRAME_FLAG_LINKED) != 0;
    const bool is_good = !is_linked && setting_invalid(put.name, put.body) == NULL;
    u16 status = shard_call_refusal_create(call, is_good);
    u32 index = 0;
    if (status == STATUS_OK) {
        index = settings_find(settings, put.name);
        status = judge(settings, index, &put);
    }
    if (status == STATUS_OK) {
        const u64 version = index != 0 ? setting_at(settings, index)->version + 1 : 1;
        MUST(version != VERSION_ANY && version != VERSION_ABSENT);
        index = put_in_force(shard, put.name, version, put.body);
        settings_set_pending(settings, index, shard->options.count - 1u);
        tell_others(shard, setting_at(settings, index));
    }
    answer->head.status = status;
    if (index == 0)
        return;
    answer->version = setting_at(settings, index)->version;
    answer->pending = setting_at(settings, index)->pending;
}

#define PUT(name, KIND)                                                                 \
    void shard_apply_##name##_put(struct shard *shard, const struct shard_call *call,   \
                                  const void *request, void *reply)                     \
    {                                                                                   \
        STATIC_CHECK(sizeof(struct msg_##name##_put_rsp) == sizeof(struct put_answer)); \
        apply_put(shard, call, SETTING_KIND_##KIND, request, reply);                    \
    }
PUT(price_list, PRICE_LIST)
PUT(price, PRICE)
PUT(promotion, PROMOTION)
PUT(policy, POLICY)
PUT(category, CATEGORY)
PUT(attribute, ATTRIBUTE)
PUT(collection, COLLECTION)
PUT(synonym, SYNONYM)
PUT(stop_words, STOP_WORDS)
PUT(rank_profile, RANK_PROFILE)
PUT(curation, CURATION)
PUT(ad, AD)
PUT(search_policy, SEARCH_POLICY)
PUT(review_policy, REVIEW_POLICY)

/* ---- mail ---- */

void shard_mail_setting(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_setting_req told;
    memcpy(&told, call->fixed, sizeof told);
    const struct setting_name name = {.home_id = told.home_id, .key = told.key, .kind = told.kind};
    const struct span body = call->spans[SPAN_OF(mail_setting_req, body)];
    MUST(setting_invalid(name, body) == NULL);
    MUST(route_shard(route_hash_u64(told.home_id), shard->options.count) == call->source);
    (void)put_in_force(shard, name, told.version, body);
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

/* The version, the fields and spans of a get are those of the put. */
static u32 read_get(const struct shard *shard, const struct shard_call *call, u16 kind,
                    const u8 *request, u8 *reply, struct span *spans)
{
    const struct setting_kind_info *info = setting_kind_info(kind);
    struct record_status *head = (struct record_status *)(void *)reply;
    const u32 index = find_for_read(shard, call, name_in(kind, request), &head->status);
    if (index == 0)
        return 0;
    const struct setting *setting = setting_at(&shard->settings, index);
    memcpy(reply + sizeof *head, &setting->version, sizeof setting->version);
    memcpy(reply + info->answer_at, setting->body + info->field_at, info->field_bytes);
    if (kind != SETTING_KIND_PRICE)
        for (u32 i = 0; i < message_find(info->put_opcode)->request.span_count; i++)
            spans[i] = setting_span(setting, i);
    return index;
}

#define GET(name, KIND)                                                                \
    bool shard_read_##name##_get(struct shard *shard, const struct shard_call *call,   \
                                 const void *request, void *reply, struct span *spans) \
    {                                                                                  \
        (void)read_get(shard, call, SETTING_KIND_##KIND, request, reply, spans);       \
        return true;                                                                   \
    }
GET(promotion, PROMOTION)
GET(attribute, ATTRIBUTE)
GET(collection, COLLECTION)
GET(synonym, SYNONYM)
GET(stop_words, STOP_WORDS)
GET(rank_profile, RANK_PROFILE)
GET(curation, CURATION)
GET(ad, AD)

bool shard_read_price_list_get(struct shard *shard, const struct shard_call *call,
                               const void *request, void *reply, struct span *spans)
{
    struct msg_price_list_get_rsp *answer = reply;
    const u32 index = read_get(shard, call, SETTING_KIND_PRICE_LIST, request, reply, spans);
    if (index != 0)
        answer->price_count = setting_at(&shard->settings, index)->price_count;
    return true;
}

bool shard_read_price_get(struct shard *shard, const struct shard_call *call, const void *request,
                          void *reply, struct span *spans)
{
    const u32 index = read_get(shard, call, SETTING_KIND_PRICE, request, reply, spans);
    u32 count;
    if (index == 0)
        return true;
    const struct row_price_tier *tiers = setting_tiers(setting_at(&shard->settings, index), &count);
    spans[SPAN_OF(price_get_rsp, tiers)] =
        (struct span){.data = (const u8 *)tiers, .bytes = ROWS(price_tier, count)};
    return true;
}

bool shard_read_category_get(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    const u32 index = read_get(shard, call, SETTING_KIND_CATEGORY, request, reply, spans);
    if (index == 0)
        return true;
    const u32 bytes = category_path(&shard->settings, index, shard->scratch, SHARD_SCRATCH_BYTES);
    spans[SPAN_OF(category_get_rsp, path)] = (struct span){.data = shard->scratch, .bytes = bytes};
    return true;
}

/* The children of a category, or of nothing: from `after` on, by position, then by name. */
static u32 write_children(const struct settings *settings, u32 first,
                          const struct msg_category_list_req *ask, struct row_category_child *rows)
{
    u32 count = 0, skipped = 0;
    for (u32 i = first; i != 0 && count < ask->limit; i = setting_at(settings, i)->next) {
        const struct setting *child = setting_at(settings, i);
        if (skipped++ < ask->after)
            continue;
        const struct msg_category_put_req *put = setting_category(child);
        rows[count++] = (struct row_category_child){.category_id = child->key,
                                                    .position = put->position,
                                                    .child_count = child->child_count,
                                                    .name = put->name};
    }
    return count;
}
STATIC_CHECK(ROWS(category_child, LIST_PAGE_ROWS) <= SHARD_SCRATCH_BYTES);

bool shard_read_category_list(struct shard *shard, const struct shard_call *call,
                              const void *request, void *reply, struct span *spans)
{
    const struct settings *settings = &shard->settings;
    struct msg_category_list_req ask;
    struct msg_category_list_rsp *answer = reply;
    struct row_category_child *rows = (struct row_category_child *)(void *)shard->scratch;
    memcpy(&ask, request, sizeof ask);
    const bool is_good =
        ask.home_id == POLICY_HOME_ID && ask.limit >= 1 && ask.limit <= LIST_PAGE_ROWS;
    answer->head.status = shard_call_refusal(call, is_good);
    if (answer->head.status != STATUS_OK)
        return true;
    const u32 index = ask.category_id != 0 ? category_find(settings, ask.category_id) : 0;
    if (ask.category_id != 0 && index == 0) {
        answer->head.status = STATUS_NOT_FOUND;
        return true;
    }
    answer->total = index != 0 ? setting_at(settings, index)->child_count : settings->top_count;
    const u32 count =
        write_children(settings, category_first_child(settings, ask.category_id), &ask, rows);
    spans[SPAN_OF(category_list_rsp, children)] =
        (struct span){.data = shard->scratch, .bytes = ROWS(category_child, count)};
    return true;
}

/* There is always such a policy: version 0 is the one built in. */
static void read_policy(const struct shard *shard, const struct shard_call *call, u16 kind,
                        const u8 *request, u8 *reply, const void *in_force)
{
    const struct setting_kind_info *info = setting_kind_info(kind);
    struct record_status *head = (struct record_status *)(void *)reply;
    u64 home_id;
    memcpy(&home_id, request, sizeof home_id);
    head->status = shard_call_refusal(call, home_id == POLICY_HOME_ID);
    if (head->status != STATUS_OK)
        return;
    const u32 index = settings_first(&shard->settings, kind);
    if (index != 0)
        memcpy(reply + sizeof *head, &setting_at(&shard->settings, index)->version, sizeof(u64));
    memcpy(reply + info->answer_at, (const u8 *)in_force + info->field_at, info->field_bytes);
}

bool shard_read_search_policy_get(struct shard *shard, const struct shard_call *call,
                                  const void *request, void *reply, struct span *spans)
{
    const struct msg_search_policy_put_req policy = settings_search_policy(&shard->settings);
    (void)spans;
    read_policy(shard, call, SETTING_KIND_SEARCH_POLICY, request, reply, &policy);
    return true;
}

bool shard_read_review_policy_get(struct shard *shard, const struct shard_call *call,
                                  const void *request, void *reply, struct span *spans)
{
    const struct msg_review_policy_put_req policy = settings_review_policy(&shard->settings);
    (void)spans;
    read_policy(shard, call, SETTING_KIND_REVIEW_POLICY, request, reply, &policy);
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
    if (answer->head.status == STATUS_NOT_FOUND &&
        setting_kind_info(ask.kind)->names == SETTING_NAMED_BY_KIND_ALONE)
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
