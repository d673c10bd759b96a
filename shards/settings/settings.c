/* settings: records and bodies of the settings room: see shards/settings/settings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings.h"

#include <string.h>

#include "proto/checksum.h"
#include "shards/search/score.h"
#include "shards/settings/settings_index.h"
#include "shards/settings/settings_kinds.h"

#define DAY_MS (24ull * 3600 * 1000)

static u64 hash_of_name(const struct setting_name *name)
{
    return checksum64(name, sizeof *name);
}

static u64 hash_of_setting(const void *context, u32 index)
{
    const struct setting_name name = setting_name_of(setting_at(context, index));
    return hash_of_name(&name);
}

static u64 hash_of_index(const void *context, u32 index)
{
    const struct settings *settings = context;
    const struct settings_index *is = pool_at(&settings->index_pool, index);
    const u64 name[2] = {is->id, is->kind};
    return checksum64(name, sizeof name);
}

void settings_init(struct settings *settings, struct store_memory *memory, struct arena *arena)
{
    *settings = (struct settings){
        .memory = memory,
        .arena = arena,
        .policy = {.cart_guest_ms = 30 * DAY_MS,
                   .cart_user_ms = 90 * DAY_MS,
                   .payment_lease_ms = 15 * 60 * 1000,
                   .unpaid_ms = 60 * 60 * 1000,
                   .answer_ms = 2 * 60 * 1000,
                   .backoff_ms = 1000,
                   .backoff_max_ms = 5 * 60 * 1000,
                   .deliveries_max = 10,
                   .attempts_max = 3},
    };
    pool_init(&settings->pool, memory, sizeof(struct setting));
    pool_init(&settings->index_pool, memory, sizeof(struct settings_index));
    map_init(&settings->map, memory,
             (struct map_records){.context = settings, .hash_of = hash_of_setting});
    map_init(&settings->index_map, memory,
             (struct map_records){.context = settings, .hash_of = hash_of_index});
}

void settings_deinit(struct settings *settings)
{
    settings_index_deinit(settings);
    map_deinit(&settings->map);
    pool_deinit(&settings->pool);
}

static bool setting_equal(const void *context, u32 index, const void *key)
{
    const struct setting_name *name = key;
    const struct setting *setting = setting_at(context, index);
    return setting->home_id == name->home_id && setting->key == name->key &&
           setting->kind == name->kind;
}

u32 settings_find(const struct settings *settings, struct setting_name name)
{
    return map_find(&settings->map, hash_of_name(&name), setting_equal, settings, &name);
}

static u32 create(struct settings *settings, const struct setting_name *name)
{
    const u32 index = pool_acquire(&settings->pool);
    struct setting *setting = setting_at(settings, index);
    MUST(name->home_id != 0);
    setting->home_id = name->home_id;
    setting->key = name->key;
    setting->kind = (u16)name->kind;
    setting->kind_next = settings->kind_first[name->kind];
    settings->kind_first[name->kind] = index;
    settings->kind_count[name->kind]++;
    map_insert(&settings->map, hash_of_name(name), index);
    return index;
}

static void before_change(struct settings *settings, u32 index)
{
    if (UNLIKELY(settings->is_dumped))
        map_before_change(&settings->map, hash_of_setting(settings, index));
}

static void take_policy(struct settings *settings, const struct setting *setting)
{
    struct msg_policy_put_req put;
    MUST(setting->body_bytes == sizeof put);
    memcpy(&put, setting->body, sizeof put);
    settings->policy = (struct policy){
        .version = setting->version,
        .cart_guest_ms = put.cart_guest_ms,
        .cart_user_ms = put.cart_user_ms,
        .payment_lease_ms = put.payment_lease_ms,
        .unpaid_ms = put.unpaid_ms,
        .answer_ms = put.answer_ms,
        .backoff_ms = put.backoff_ms,
        .backoff_max_ms = put.backoff_max_ms,
        .return_window_ms = put.return_window_ms,
        .deliveries_max = put.deliveries_max,
        .attempts_max = put.attempts_max,
    };
}

static void set_body(struct settings *settings, struct setting *setting, struct span body)
{
    u8 *copy = arena_acquire(settings->arena, body.bytes);
    memcpy(copy, body.data, body.bytes);
    if (setting->body != NULL)
        arena_release(settings->arena, setting->body, setting->body_bytes);
    setting->body = copy;
    setting->body_bytes = (u16)body.bytes;
}

u32 settings_apply(struct settings *settings, struct setting_name name, u64 version,
                   struct span body)
{
    u32 index = settings_find(settings, name);
    MUST(body.bytes != 0 && body.bytes <= SETTING_BYTES_MAX);
    if (index == 0) {
        index = create(settings, &name);
    } else {
        before_change(settings, index);
        settings_unlink(settings, index);
    }
    struct setting *setting = setting_at(settings, index);
    MUST(version == setting->version + 1); /* I1 */
    setting->version = version;
    set_body(settings, setting, body);
    if (setting->kind == SETTING_KIND_POLICY)
        take_policy(settings, setting);
    settings_link(settings, index);
    return index;
}

void settings_restore(struct settings *settings, struct setting_name name, u64 version, u32 pending,
                      struct span body)
{
    struct setting *setting = setting_at(settings, create(settings, &name));
    setting->version = version;
    setting->pending = pending;
    set_body(settings, setting, body);
    if (setting->kind == SETTING_KIND_POLICY)
        take_policy(settings, setting);
}

void settings_set_pending(struct settings *settings, u32 index, u32 pending)
{
    before_change(settings, index);
    setting_at(settings, index)->pending = pending;
}

struct span setting_span(const struct setting *setting, u32 span)
{
    const struct message_info *info = message_find(setting_kind_info(setting->kind)->put_opcode);
    struct record_view view;
    u32 offset = 0;
    MUST(setting->kind != SETTING_KIND_PRICE && span < info->request.span_count);
    frame_record_next(info, FRAME_DIRECTION_REQUEST, setting->body, &offset, &view);
    MUST(offset == setting->body_bytes);
    return view.spans[span];
}

static const void *policy_body(const struct settings *settings, enum setting_kind kind)
{
    const u32 index = settings_first(settings, kind);
    return index != 0 ? setting_at(settings, index)->body : NULL;
}

struct msg_search_policy_put_req settings_search_policy(const struct settings *settings)
{
    const u16 *weights = score_policy_builtin.weights;
    struct msg_search_policy_put_req policy = {.home_id = POLICY_HOME_ID,
                                               .drop_below = SCORE_DROP_BELOW,
                                               .typo1_bytes = SCORE_TYPO1_LETTERS,
                                               .typo2_bytes = SCORE_TYPO2_LETTERS,
                                               .weight_title = weights[SCORE_TITLE],
                                               .weight_brand = weights[SCORE_BRAND],
                                               .weight_category = weights[SCORE_CATEGORY],
                                               .weight_attributes = weights[SCORE_ATTRIBUTES],
                                               .weight_description = weights[SCORE_DESCRIPTION],
                                               .weight_code = weights[SCORE_CODE],
                                               .language = {"english"}};
    const void *body = policy_body(settings, SETTING_KIND_SEARCH_POLICY);
    if (body != NULL)
        memcpy(&policy, body, sizeof policy);
    return policy;
}

struct msg_review_policy_put_req settings_review_policy(const struct settings *settings)
{
    struct msg_review_policy_put_req policy = {
        .home_id = POLICY_HOME_ID, .per_day = 20, .is_moderated = 1};
    const void *body = policy_body(settings, SETTING_KIND_REVIEW_POLICY);
    if (body != NULL)
        memcpy(&policy, body, sizeof policy);
    return policy;
}
