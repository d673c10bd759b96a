/* client_composed: what takes several calls: a checkout, a setting, a merge that is waited for; a
 * question to all shards. Made of the calls of souk.h alone.
 *
 * A wait is a read that stays at the server for up to a minute, made again until it has what it waits
 * for. A server that cannot let it stay answers at once; then this side pauses, longer each time.
 *
 * Failure  as of the calls; a checkout or merge whose outcome is unknown is repeated, because it names
 *   an order or a cart of the caller's: the same one again is answered as the first time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/lib/client_parts.h"

#define REPEATS_MAX    3u
#define PAUSE_MS_FIRST 1u
#define PAUSE_MS_MAX   50u

/* How long is left to wait, and how often the server would not wait. */
struct patience {
    u64 until_ns;
    u64 asked_ns;
    u32 asked_ms;
    u32 pause_ms;
};

static struct patience patience_begin(u32 wait_ms)
{
    return (struct patience){.until_ns = client_now_ns() + wait_ms * NS_PER_MS,
                             .pause_ms = PAUSE_MS_FIRST};
}

/* What the next read may wait; 0 when the time is over. */
static u32 patience_next(struct patience *patience)
{
    const u64 now_ns = client_now_ns();
    const u64 left_ns = patience->until_ns > now_ns ? patience->until_ns - now_ns : 0;
    patience->asked_ns = now_ns;
    patience->asked_ms = (u32)MIN((left_ns + NS_PER_MS - 1) / NS_PER_MS, WAIT_MS_MAX);
    return patience->asked_ms;
}

/* After an answer that was not what was waited for: whether to ask again. Pauses if the server did not
 * wait. */
static bool patience_lasts(struct patience *patience)
{
    const u64 now_ns = client_now_ns();
    if (patience->asked_ms == 0 || now_ns >= patience->until_ns)
        return false;
    if (now_ns - patience->asked_ns >= patience->asked_ms * NS_PER_MS / 2)
        return true;
    const u64 pause_ns = MIN(patience->pause_ms * NS_PER_MS, patience->until_ns - now_ns);
    const struct timespec pause = {.tv_sec = 0, .tv_nsec = (long)pause_ns};
    (void)nanosleep(&pause, NULL);
    patience->pause_ms = MIN(patience->pause_ms * 2, PAUSE_MS_MAX);
    return true;
}

/* ---- orders ---- */

int souk_order_wait(struct souk_client *client, struct souk_id128 order, uint64_t user_id,
                    uint32_t wait_ms, struct souk_checkout_status_reply *last)
{
    struct patience patience = patience_begin(wait_ms);
    for (;;) {
        const struct souk_checkout_status ask = {
            .order = order, .user_id = user_id, .wait_ms = patience_next(&patience)};
        const int error = souk_checkout_status(client, &ask, last);
        if (error != 0 || last->status != SOUK_OK || last->is_settled != 0 ||
            !patience_lasts(&patience))
            return error;
        souk_free(last->memory);
        last->memory = NULL;
    }
}

int souk_checkout_wait(struct souk_client *client, const struct souk_checkout *record,
                       uint32_t wait_ms, struct souk_checkout_reply *first,
                       struct souk_checkout_status_reply *last)
{
    struct souk_checkout_reply own;
    const u64 begin_ns = client_now_ns();
    int error = SOUK_ERROR_UNKNOWN_OUTCOME;
    if (first == NULL)
        first = &own;
    for (u32 i = 0; i < REPEATS_MAX && error == SOUK_ERROR_UNKNOWN_OUTCOME; i++)
        error = souk_checkout(client, record, first);
    memset(last, 0, sizeof *last);
    last->status = first->status;
    last->retry_after_ms = first->retry_after_ms;
    if (error != 0 || first->status != SOUK_OK)
        return error;
    const u64 gone_ms = (client_now_ns() - begin_ns) / NS_PER_MS;
    const u32 left_ms = gone_ms < wait_ms ? wait_ms - (u32)gone_ms : 0;
    return souk_order_wait(client, record->order, 0, left_ms, last);
}

/* ---- settings ---- */

int souk_setting_wait(struct souk_client *client, enum souk_setting_kind kind, uint64_t home_id,
                      uint64_t key, uint32_t wait_ms, struct souk_setting_status_reply *reply)
{
    struct patience patience = patience_begin(wait_ms);
    for (;;) {
        const struct souk_setting_status ask = {
            .home_id = home_id, .key = key, .kind = (u16)kind, .wait_ms = patience_next(&patience)};
        const int error = souk_setting_status(client, &ask, reply);
        if (error != 0 || reply->status != SOUK_OK || reply->pending == 0 ||
            !patience_lasts(&patience))
            return error;
    }
}

/* All puts begin with the home_id and answer alike; prices, categories and attributes have their key
 * behind it. */
#define SETTINGS(S)                        \
    S(PRICE_LIST, price_list, false)       \
    S(PRICE, price, true)                  \
    S(PROMOTION, promotion, false)         \
    S(POLICY, policy, false)               \
    S(CATEGORY, category, true)            \
    S(ATTRIBUTE, attribute, true)          \
    S(COLLECTION, collection, false)       \
    S(SYNONYM, synonym, false)             \
    S(STOP_WORDS, stop_words, false)       \
    S(RANK_PROFILE, rank_profile, false)   \
    S(CURATION, curation, false)           \
    S(AD, ad, false)                       \
    S(SEARCH_POLICY, search_policy, false) \
    S(REVIEW_POLICY, review_policy, false)
#define SETTING_CHECK(NAME, name, has_key)                          \
    STATIC_CHECK(offsetof(struct souk_##name##_put, home_id) == 0); \
    STATIC_CHECK(sizeof(struct souk_##name##_put_reply) == sizeof(struct souk_policy_put_reply));
SETTINGS(SETTING_CHECK)
#define KEY_OFFSET 8u
STATIC_CHECK(offsetof(struct souk_price_put, sku_id) == KEY_OFFSET);
STATIC_CHECK(offsetof(struct souk_category_put, category_id) == KEY_OFFSET);
STATIC_CHECK(offsetof(struct souk_attribute_put, attribute_id) == KEY_OFFSET);

int souk_setting_put_wait(struct souk_client *client, uint16_t op, const void *record,
                          uint32_t wait_ms, struct souk_setting_status_reply *reply)
{
#define SETTING_OP(NAME, name, has_key)  [SOUK_SETTING_##NAME] = SOUK_OP_##NAME##_PUT,
#define SETTING_KEY(NAME, name, has_key) [SOUK_SETTING_##NAME] = has_key,
    static const u16 ops[] = {SETTINGS(SETTING_OP)};
    static const bool has_keys[] = {SETTINGS(SETTING_KEY)};
    struct souk_policy_put_reply put = {0};
    u64 home_id;
    u64 key = 0;
    u16 kind = SOUK_SETTING_PRICE_LIST;
    while (kind < ARRAY_COUNT(ops) && ops[kind] != op)
        kind++;
    *reply = (struct souk_setting_status_reply){.status = 0};
    if (kind == ARRAY_COUNT(ops) || record == NULL)
        return SOUK_ERROR_ARGUMENT;
    memcpy(&home_id, record, sizeof home_id);
    if (has_keys[kind])
        memcpy(&key, (const u8 *)record + KEY_OFFSET, sizeof key);
    const struct souk_request request = {.op = op, .count = 1, .records = record, .replies = &put};
    const int error = souk_call(client, &request);
    *reply = (struct souk_setting_status_reply){.status = put.status,
                                                .flags = put.flags,
                                                .retry_after_ms = put.retry_after_ms,
                                                .version = put.version,
                                                .pending = put.pending};
    if (error != 0 || put.status != SOUK_OK || put.pending == 0)
        return error;
    return souk_setting_wait(client, (enum souk_setting_kind)kind, home_id, key, wait_ms, reply);
}

/* ---- merges ---- */

int souk_cart_merge_wait(struct souk_client *client, const struct souk_cart_merge *record,
                         uint32_t wait_ms, struct souk_cart_merge_status_reply *reply)
{
    struct souk_cart_merge_reply merge;
    int error = SOUK_ERROR_UNKNOWN_OUTCOME;
    for (u32 i = 0; i < REPEATS_MAX && error == SOUK_ERROR_UNKNOWN_OUTCOME; i++)
        error = souk_cart_merge(client, record, &merge);
    *reply = (struct souk_cart_merge_status_reply){.status = merge.status,
                                                   .flags = merge.flags,
                                                   .retry_after_ms = merge.retry_after_ms,
                                                   .target_id = merge.target_id,
                                                   .version = merge.version,
                                                   .order = merge.order,
                                                   .state = merge.state};
    if (error != 0 || merge.status != SOUK_OK)
        return error;
    struct patience patience = patience_begin(wait_ms);
    for (;;) {
        const struct souk_cart_merge_status ask = {.user_id = record->user_id,
                                                   .wait_ms = patience_next(&patience)};
        error = souk_cart_merge_status(client, &ask, reply);
        reply->flags |= merge.flags; /* REPLAYED is told by the first answer */
        if (error != 0 || reply->status != SOUK_OK || reply->state != SOUK_CART_STATE_MERGING ||
            !patience_lasts(&patience))
            return error;
        souk_free(reply->memory);
        reply->memory = NULL;
    }
}

/* ---- all shards ---- */

int souk_payment_find_all(struct souk_client *client, const char *reference,
                          struct souk_payment_find_reply *reply)
{
    const struct souk_payment_find record = {.reference = souk_text64_of(reference)};
    *reply = (struct souk_payment_find_reply){.status = SOUK_NOT_FOUND};
    struct souk_ping_reply pong;
    if (souk_server(client).shard_count == 0) /* not reached yet: any call tries again */
        (void)souk_ping(client, &(struct souk_ping){.echo = 1}, &pong);
    const u16 count = souk_server(client).shard_count;
    if (count == 0)
        return SOUK_ERROR_NO_SERVER;
    struct souk_request *requests = calloc(count, sizeof *requests);
    struct souk_payment_find_reply *replies = calloc(count, sizeof *replies);
    int error = requests == NULL || replies == NULL ? SOUK_ERROR_MEMORY : 0;
    for (u16 i = 0; i < count && error == 0; i++)
        requests[i] = (struct souk_request){.op = SOUK_OP_PAYMENT_FIND,
                                            .shard = i,
                                            .count = 1,
                                            .records = &record,
                                            .replies = &replies[i]};
    if (error == 0)
        error = souk_call_all(client, requests, count);
    for (u16 i = 0; i < count && replies != NULL; i++) {
        /* What was found counts, whoever did not answer; else a refusal is worth more than "no". */
        if (replies[i].status == SOUK_OK)
            error = 0;
        if (replies[i].status == SOUK_OK ||
            (reply->status == SOUK_NOT_FOUND && replies[i].status < SOUK_UNANSWERED))
            *reply = replies[i];
        if (reply->status == SOUK_OK)
            break;
    }
    free(requests);
    free(replies);
    return error;
}
