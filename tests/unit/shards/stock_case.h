/* stock_case: the mug that every test of stock begins with, and what is done with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_STOCK_CASE_H
#define SOUK_TESTS_UNIT_SHARDS_STOCK_CASE_H

#include "tests/unit/shards/shard_fixture.h"

#define MUG .resource = {.id = 1}

static struct fx fx;

static inline int open_mug(void **state)
{
    (void)state;
    fx_open(&fx);
    fx_mug(&fx, 10);
    return 0;
}

static inline int close_all(void **state)
{
    (void)state;
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
    struct shard *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_close(&fx);
    return 0;
}

static inline struct msg_take_rsp take(i64 quantity)
{
    return FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = quantity);
}

static inline struct msg_hold_rsp hold_as(i64 quantity, struct id128 id, u64 lease_ms)
{
    return FX_ONE(&fx, OPCODE_HOLD, hold, MUG, .quantity = quantity, .id = id, .owner = 5,
                  .lease_ms = lease_ms);
}

static inline struct msg_hold_get_rsp get(struct id128 id)
{
    return FX_READ(&fx, OPCODE_HOLD_GET, hold_get, MUG, .id = id);
}

/* ---- sku_put ---- */

static inline u16 put_status(struct msg_sku_put_req put, const char *code)
{
    return fx_sku_put(&fx, put, code).head.status;
}

/* ---- expiry ---- */

#define T(name) cmocka_unit_test_setup_teardown(name, open_mug, close_all)

#endif
