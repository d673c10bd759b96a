/* settings_town: three shards with the mail between them, for tests of what every shard has.
 *
 * A test says when which message is carried, and may carry it again, lose the router's memory
 * (st_restart: each shard is made anew from its log), or let everything arrive (st_settle).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_SETTINGS_TOWN_H
#define SOUK_TESTS_UNIT_SHARDS_SETTINGS_TOWN_H

#include "proto/text.h"
#include "shards/settings/pricing.h"
#include "tests/unit/shards/shard_fixture.h"

#define ST_SHARDS 3u

struct st {
    struct fx shards[ST_SHARDS];
    u64 carried[ST_SHARDS][ST_SHARDS]; /* [from][to]: what the router has handed over */
};

static inline void st_open_with(struct st *st, struct shard_options options)
{
    memset(st, 0, sizeof *st);
    options.count = ST_SHARDS;
    for (u16 i = 0; i < ST_SHARDS; i++) {
        options.index = i;
        fx_open_with(&st->shards[i], options);
    }
}

static inline void st_open(struct st *st)
{
    st_open_with(st, (struct shard_options){.index = 0});
}

/* Every shard is equal after a replay of its log and after a dump and a load, and its sums agree. */
static inline void st_close(struct st *st)
{
    for (u16 i = 0; i < ST_SHARDS; i++) {
        struct fx *fx = &st->shards[i];
        (void)fx_verify(fx);
        struct shard *replayed = fx_replay(fx), *loaded = fx_reload(fx);
        fx_assert_digest(fx->shard, replayed);
        fx_assert_digest(fx->shard, loaded);
        shard_close(replayed);
        shard_close(loaded);
        fx_close(fx);
    }
}

static inline u16 st_home(u64 home_id)
{
    return route_shard(route_hash_u64(home_id), ST_SHARDS);
}

static inline struct fx *st_at(struct st *st, u64 home_id)
{
    return &st->shards[st_home(home_id)];
}

/* The n-th id from `first` on whose home is this shard. */
static inline u64 st_id_of(u16 shard, u64 first)
{
    u64 id = first;
    while (st_home(id) != shard)
        id++;
    return id;
}

/* ---- mail ---- */

/* Applies a batch and keeps it, as fx_apply does; it may acknowledge and bring a message. */
static inline void st_apply(struct fx *fx, const struct batch_ack *ack,
                            const struct shard_mail *mail, u16 from)
{
    const struct entry_header entry = {.body_bytes = mail != NULL ? mail->body_bytes : 0,
                                       .source = ENTRY_SOURCE_SHARD,
                                       .source_shard = from,
                                       .opcode = mail != NULL ? mail->opcode : 0,
                                       .record_count = 1,
                                       .session_seq = mail != NULL ? mail->seq : 0};
    if (ack == NULL) {
        if (fx->is_local)
            shard_mail_admit(fx->shard, mail);
        fx_apply(fx, &entry, mail->body);
        return;
    }
    MUST(mail == NULL);
    fx_apply(fx, NULL, NULL); /* an empty batch makes room in the log */
    struct {
        struct batch_header header;
        struct batch_ack ack;
    } batch = {.header = {.stamp_ns = fx->now_ns,
                          .bytes = sizeof batch,
                          .ack_count = 1,
                          .state_version = BATCH_STATE_VERSION},
               .ack = *ack};
    if (fx->log_count == fx->log_capacity) {
        fx->log_capacity += 64;
        fx->log = realloc(fx->log, fx->log_capacity * sizeof *fx->log);
        assert_non_null(fx->log);
    }
    struct fx_batch *kept = &fx->log[fx->log_count++];
    *kept = (struct fx_batch){.bytes = malloc(sizeof batch), .count = sizeof batch};
    assert_non_null(kept->bytes);
    memcpy(kept->bytes, &batch, sizeof batch);
    fx_expire(fx->shard, fx->now_ns);
    shard_apply(fx->shard, ++fx->lsn, kept->bytes, kept->count, false, NULL, NULL);
}

/* Carries the next message from one shard to another; false when there is none. */
static inline bool st_carry(struct st *st, u16 from, u16 to)
{
    struct shard_mail mail;
    if (!shard_mail_next(st->shards[from].shard, to, st->carried[from][to], &mail))
        return false;
    st->carried[from][to] = mail.seq;
    st_apply(&st->shards[to], NULL, &mail, from);
    return true;
}

/* The same message once more: what was acknowledged too late is sent again. */
static inline void st_carry_again(struct st *st, u16 from, u16 to)
{
    MUST(st->carried[from][to] != 0);
    st->carried[from][to]--;
    assert_true(st_carry(st, from, to));
}

/* The receiver has told that everything carried was applied. */
static inline void st_acknowledge(struct st *st, u16 from, u16 to)
{
    const struct batch_ack ack = {.seq = shard_mail_applied(st->shards[to].shard, from),
                                  .shard = to};
    st_apply(&st->shards[from], &ack, NULL, 0);
}

static inline void st_settle(struct st *st)
{
    bool is_moving = true;
    while (is_moving) { /* ends: mail about settings is answered once */
        is_moving = false;
        for (u16 from = 0; from < ST_SHARDS; from++)
            for (u16 to = 0; to < ST_SHARDS; to++)
                if (from != to)
                    is_moving |= st_carry(st, from, to);
    }
}

/* All shards are made anew from their logs; the router begins with what is not acknowledged. */
static inline void st_restart(struct st *st)
{
    for (u16 i = 0; i < ST_SHARDS; i++) {
        struct fx *fx = &st->shards[i];
        struct shard *replayed = fx_replay(fx);
        fx_assert_digest(fx->shard, replayed);
        shard_close(fx->shard);
        fx->shard = replayed;
        for (u16 to = 0; to < ST_SHARDS; to++)
            if (to != i)
                st->carried[i][to] = shard_mail_acked(replayed, to);
    }
}

/* ---- operations ---- */

/* One record with at most one span, sent to a shard. */
static inline void st_send(struct fx *fx, u16 opcode, const void *fixed, const struct span *span)
{
    const struct span none = {NULL, 0};
    u8 body[1024];
    const u32 bytes = frame_record_write(message_find(opcode), FRAME_DIRECTION_REQUEST, body,
                                         sizeof body, fixed, span != NULL ? span : &none);
    assert_int_not_equal(bytes, 0);
    fx->seq++;
    fx->acked_seq = fx->seq - 1;
    (void)fx_frame(fx, opcode, body, bytes, 1);
    assert_int_equal(fx->reply.status, STATUS_OK);
}

static inline struct msg_price_list_put_rsp st_list_at(struct fx *fx,
                                                       struct msg_price_list_put_req put)
{
    if (text64_is_empty(&put.name))
        put.name = text64_of("summer", 6);
    if (put.currency == 0)
        put.currency = FX_GBP;
    st_send(fx, OPCODE_PRICE_LIST_PUT, &put, NULL);
    return FX_RSP(fx, price_list_put, 0);
}
#define ST_LIST(st, ...)                                                        \
    st_list_at(st_at(st, (struct msg_price_list_put_req){__VA_ARGS__}.home_id), \
               (struct msg_price_list_put_req){__VA_ARGS__})

static inline struct msg_price_put_rsp st_tiers_at(struct fx *fx, struct msg_price_put_req put,
                                                   const struct row_price_tier *tiers, u32 count)
{
    const struct span span = {.data = (const u8 *)tiers, .bytes = ROWS(price_tier, count)};
    st_send(fx, OPCODE_PRICE_PUT, &put, &span);
    return FX_RSP(fx, price_put, 0);
}

static inline struct msg_price_put_rsp st_price(struct st *st, u64 list_id, u64 sku_id, i64 price)
{
    return st_tiers_at(st_at(st, list_id),
                       (struct msg_price_put_req){.home_id = list_id, .sku_id = sku_id},
                       &(const struct row_price_tier){1, price}, 1);
}

static inline struct msg_promotion_put_rsp st_promotion_at(struct fx *fx,
                                                           struct msg_promotion_put_req put)
{
    if (text64_is_empty(&put.name))
        put.name = text64_of("sale", 4);
    st_send(fx, OPCODE_PROMOTION_PUT, &put, NULL);
    return FX_RSP(fx, promotion_put, 0);
}

/* A tenth off everything, or as `put` says. */
static inline struct msg_promotion_put_req st_tenth(u64 home_id)
{
    return (struct msg_promotion_put_req){
        .home_id = home_id, .kind = PROMOTION_KIND_PERCENT, .value = 1000};
}

static inline struct msg_policy_put_req st_policy(void)
{
    return (struct msg_policy_put_req){.home_id = POLICY_HOME_ID,
                                       .cart_guest_ms = 1,
                                       .cart_user_ms = 2,
                                       .payment_lease_ms = 3,
                                       .unpaid_ms = 4,
                                       .answer_ms = 5,
                                       .backoff_ms = 6,
                                       .backoff_max_ms = 7,
                                       .return_window_ms = 8,
                                       .deliveries_max = 9,
                                       .attempts_max = 10};
}

static inline struct msg_policy_put_rsp st_policy_at(struct fx *fx, struct msg_policy_put_req put)
{
    st_send(fx, OPCODE_POLICY_PUT, &put, NULL);
    return FX_RSP(fx, policy_put, 0);
}

static inline struct msg_setting_status_rsp st_status(struct st *st, u16 kind, u64 home_id, u64 key)
{
    return FX_READ(st_at(st, home_id), OPCODE_SETTING_STATUS, setting_status, .home_id = home_id,
                   .key = key, .kind = kind);
}

/* What one unit of a SKU with a base price of 1,000 costs on a shard. */
static inline i64 st_cost(const struct st *st, u16 shard, u64 sku_id)
{
    static struct row_amount amounts[ORDER_AMOUNTS_MAX];
    struct pricing_line line = {.sku_id = sku_id,
                                .quantity = 1,
                                .base_price = 1000,
                                .agreed_price = -1,
                                .currency = FX_GBP};
    struct pricing pricing = {.now_ns = st->shards[shard].now_ns,
                              .currency = FX_GBP,
                              .lines = &line,
                              .line_count = 1,
                              .amounts = amounts};
    pricing_run(&st->shards[shard].shard->settings, &pricing);
    assert_int_equal(pricing.status, STATUS_OK);
    return pricing.total;
}

/* The version that a shard has, 0 = none. */
static inline u64 st_version(const struct st *st, u16 shard, struct setting_name name)
{
    const struct settings *settings = &st->shards[shard].shard->settings;
    const u32 index = settings_find(settings, name);
    return index != 0 ? setting_at(settings, index)->version : 0;
}

/* All shards have the same settings, and none waits for another. */
static inline void st_assert_agreed(const struct st *st)
{
    struct dump_sink sinks[ST_SHARDS];
    for (u16 i = 0; i < ST_SHARDS; i++) {
        struct settings *settings = &st->shards[i].shard->settings;
        dump_sink_init_digest(&sinks[i]);
        for (u32 bucket = 0; bucket < map_bucket_count(&settings->map); bucket++)
            settings_dump_bucket(settings, bucket, &sinks[i]);
        assert_true(id128_equal(sinks[i].digest, sinks[0].digest));
    }
}

#endif
