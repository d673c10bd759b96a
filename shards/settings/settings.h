/* settings: what every shard has: price lists, prices, promotions, the policy. docs/prices.md is the
 * contract.
 *
 *      put at the home shard -> next version -> mail to all others -> applied -> mail back -> counted
 *
 * Invariants
 *   I1  versions of a setting come from its home alone and grow by 1; a shard applies them in order
 *       (mail of a pair is in order).
 *   I2  `pending` of a setting, at home: shards that have not told of its latest version.
 * Ownership  one core each; pointers are borrowed until the next setting is applied.
 * Failure    refusals are answers; a lack of memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_H

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

struct settings {
    struct pool pool;
    struct map map;
    struct arena *arena;
    struct policy policy; /* in force */
    bool is_dumped;
};

void settings_init(struct settings *settings, struct store_memory *memory, struct arena *arena);
void settings_deinit(struct settings *settings);

static inline const struct policy *settings_policy(const struct settings *settings)
{
    return &settings->policy;
}

/* ---- dump and load ---- */
void settings_dump_bucket(struct settings *settings, u32 bucket, struct dump_sink *sink);
const char *settings_load(struct settings *settings, u16 kind, const u8 *body, u32 bytes);
const char *settings_load_finish(struct settings *settings);

#endif
