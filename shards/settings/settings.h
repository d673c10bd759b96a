/* settings: what every shard has: price lists, prices, promotions, policies; categories, attributes,
 * collections; synonyms, stop words, ranking profiles, curations, ads. docs/prices.md, docs/catalog.md and
 * docs/search.md are the contracts.
 *
 *      put at the home shard -> next version -> mail to all others -> applied -> mail back -> counted
 *
 *      map of (kind, home_id, key) -> struct setting (64 B) -> body in the arena: the put as it came
 *      index of a SKU              -> its prices                  settings_index.h: what pricing asks,
 *      index of a customer group   -> its price lists, in order   derived from the settings, neither
 *      index of a coupon           -> its promotions, in order    dumped nor digested
 *      automatic promotions, in order, and which of them are valid at the moment
 *      all settings of a kind      settings_first, settings_next
 *      the tree of categories      settings_category.h
 *
 * Invariants
 *   I1  versions of a setting come from its home alone and grow by 1; a shard applies them in order
 *       (mail of a pair is in order), each once.
 *   I2  `pending` of a setting, at home: shards that have not told of its latest version; elsewhere 0.
 *   I3  a price's list, and a category's parent, exist wherever they do: they share their home, and the
 *       list or parent came first.
 *   I4  a body has passed setting_invalid (settings_judge.h), wherever it came from.
 * Ownership  one core each; pointers are borrowed until the next setting is applied. A body belongs to
 *            its setting.
 * Happy path settings_judge.h says no or yes; settings_apply; mail_post to the others (settings_ops.c).
 * Failure    refusals are answers; a lack of memory is a panic.
 * Not here   what things cost: pricing.h. Deletion: settings are switched off or emptied, never gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_H

#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

struct shard;

struct policy {
    u64 version;
    u64 cart_guest_ms, cart_user_ms, payment_lease_ms, unpaid_ms, answer_ms, backoff_ms,
        backoff_max_ms, return_window_ms;
    u32 deliveries_max, attempts_max;
};

struct setting {
    u64 home_id;
    u64 key; /* of a price: the SKU */
    u64 version;
    u8 *body; /* settings_kinds.h */
    u32 next; /* (derived) of a list: the next one of its group; of a promotion: of its coupon; of a
                 category: its next sibling */
    union {
        u32 list;        /* (derived) of a price: its list */
        u32 first_child; /* (derived) of a category */
    };
    union {
        u32 price_count; /* (derived) of a list: how many SKUs have a price in it */
        u32 child_count; /* (derived) of a category */
    };
    u32 pending;
    u16 body_bytes;
    u16 kind;      /* enum setting_kind */
    u32 kind_next; /* (derived) an older one of its kind */
    u64 zero0;
};
STATIC_CHECK(sizeof(struct setting) == 64);

struct promotion_slot;
struct promotion_window;

struct settings {
    struct pool pool; /* struct setting */
    struct map map;
    struct pool index_pool; /* (derived) struct settings_index */
    struct map index_map;
    struct promotion_slot *automatic; /* (derived) those that are on, without coupon, in order */
    struct promotion_window *window;  /* (soft) those of them that are valid at the moment */
    u32 automatic_count;
    u32 automatic_capacity;
    u32 promotions_on;                  /* (derived) with and without coupon */
    u32 kind_first[SETTING_KIND_COUNT]; /* (derived) the youngest of each kind */
    u32 kind_count[SETTING_KIND_COUNT]; /* (derived) */
    u32 top_categories;                 /* (derived) the first one that has no parent */
    u32 top_count;                      /* (derived) */
    bool is_dumped;                     /* a snapshot must hear of changes beforehand */
    struct store_memory *memory;
    struct arena *arena;
    struct policy policy; /* in force */
};

void settings_init(struct settings *settings, struct store_memory *memory, struct arena *arena);
void settings_deinit(struct settings *settings);

static inline const struct policy *settings_policy(const struct settings *settings)
{
    return &settings->policy;
}

static inline struct setting *setting_at(const struct settings *settings, u32 index)
{
    return pool_at_sized(&settings->pool, index, sizeof(struct setting));
}

/* What a setting is called. */
struct setting_name {
    u64 home_id;
    u64 key; /* of a price: the SKU; else 0 */
    u64 kind;
};
static inline struct setting_name setting_name_of(const struct setting *setting)
{
    return (struct setting_name){
        .home_id = setting->home_id, .key = setting->key, .kind = setting->kind};
}

/* Its index, 0 = there is none. */
u32 settings_find(const struct settings *settings, struct setting_name name);

/* All of a kind, in no order that means anything: from the first until 0. */
static inline u32 settings_first(const struct settings *settings, enum setting_kind kind)
{
    return settings->kind_first[kind];
}
static inline u32 settings_next(const struct settings *settings, u32 index)
{
    return setting_at(settings, index)->kind_next;
}

/* Puts a version in force on this shard: the next one after that which it has. */
u32 settings_apply(struct settings *settings, struct setting_name name, u64 version,
                   struct span body);
/* As it was dumped; settings_load_finish derives the rest. */
void settings_restore(struct settings *settings, struct setting_name name, u64 version, u32 pending,
                      struct span body);
/* At home: so many shards have not told of its latest version. */
void settings_set_pending(struct settings *settings, u32 index, u32 pending);

/* ---- bodies, typed ---- */
static inline const struct msg_price_list_put_req *setting_list(const struct setting *setting)
{
    MUST(setting->kind == SETTING_KIND_PRICE_LIST);
    return (const void *)setting->body;
}
static inline const struct msg_promotion_put_req *setting_promotion(const struct setting *setting)
{
    MUST(setting->kind == SETTING_KIND_PROMOTION);
    return (const void *)setting->body;
}
#define SETTING_TYPED(name, KIND)                                                                  \
    static inline const struct msg_##name##_put_req *setting_##name(const struct setting *setting) \
    {                                                                                              \
        MUST(setting->kind == SETTING_KIND_##KIND);                                                \
        return (const void *)setting->body;                                                        \
    }
SETTING_TYPED(category, CATEGORY)
SETTING_TYPED(attribute, ATTRIBUTE)
SETTING_TYPED(collection, COLLECTION)
SETTING_TYPED(synonym, SYNONYM)
SETTING_TYPED(stop_words, STOP_WORDS)
SETTING_TYPED(rank_profile, RANK_PROFILE)
SETTING_TYPED(curation, CURATION)
SETTING_TYPED(ad, AD)
SETTING_TYPED(search_policy, SEARCH_POLICY)
SETTING_TYPED(review_policy, REVIEW_POLICY)
/* The i-th span of any of these: setting_span(setting, SPAN_OF(synonym_put_req, words)). */
struct span setting_span(const struct setting *setting, u32 span);

/* The search policy in force, version 0 the one built in. */
struct msg_search_policy_put_req settings_search_policy(const struct settings *settings);
struct msg_review_policy_put_req settings_review_policy(const struct settings *settings);

/* The tiers of a price; *count 0: it has been emptied. */
static inline const struct row_price_tier *setting_tiers(const struct setting *setting, u32 *count)
{
    MUST(setting->kind == SETTING_KIND_PRICE);
    *count = (u32)((setting->body_bytes - sizeof(struct msg_price_put_req)) /
                   sizeof(struct row_price_tier));
    return (const void *)(setting->body + sizeof(struct msg_price_put_req));
}

/* ---- settings_dump.c ---- */
void settings_dump_bucket(struct settings *settings, u32 bucket, struct dump_sink *sink);
const char *settings_load(struct settings *settings, const u8 *body, u32 bytes);
const char *settings_load_finish(struct settings *settings);
/* After that: the search room hears of all that concern it. */
void settings_tell_loaded(struct shard *shard);

#endif
