/* cart_fixture: what tests of carts say and ask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_CART_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_CART_FIXTURE_H

#include "tests/unit/shards/shard_fixture.h"

#define CX_DAY_MS 86400000ull
#define CX_EUR    978u

/* A cart as cart_get tells it. */
struct cx_cart {
    struct msg_cart_get_rsp head;
    u32 line_count;
    u32 coupon_count;
    struct row_cart_line lines[CART_LINES_MAX];
    struct row_coupon coupons[ORDER_COUPONS_MAX];
};

static inline u64 cx_guest(u64 number)
{
    return number | ID_GUEST_BIT;
}

/* The rows of one span of the last read, copied. Returns how many. */
static inline u32 cx_rows(const struct fx *fx, u16 opcode, u32 span, void *to, u32 row_bytes)
{
    struct record_view view;
    u32 offset = 0;
    frame_record_next(message_find(opcode), FRAME_DIRECTION_REPLY, fx->read_body, &offset, &view);
    assert_int_equal(view.spans[span].bytes % row_bytes, 0);
    memcpy(to, view.spans[span].data, view.spans[span].bytes);
    return view.spans[span].bytes / row_bytes;
}

static inline struct cx_cart *cx_get(struct fx *fx, u64 user_id)
{
    static struct cx_cart cart;
    memset(&cart, 0, sizeof cart);
    cart.head = FX_READ(fx, OPCODE_CART_GET, cart_get, .user_id = user_id);
    assert_int_equal(cart.head.head.status, STATUS_OK);
    cart.line_count =
        cx_rows(fx, OPCODE_CART_GET, SPAN_OF(cart_get_rsp, lines), cart.lines, sizeof *cart.lines);
    cart.coupon_count = cx_rows(fx, OPCODE_CART_GET, SPAN_OF(cart_get_rsp, coupons), cart.coupons,
                                sizeof *cart.coupons);
    return &cart;
}

static inline u64 cx_version(struct fx *fx, u64 user_id)
{
    return cx_get(fx, user_id)->head.version;
}

#define CX_ADD(fx, ...)    FX_ONE(fx, OPCODE_CART_ADD, cart_add, __VA_ARGS__)
#define CX_SET(fx, ...)    FX_ONE(fx, OPCODE_CART_SET, cart_set, __VA_ARGS__)
#define CX_REMOVE(fx, ...) FX_ONE(fx, OPCODE_CART_REMOVE, cart_remove, __VA_ARGS__)
#define CX_CLEAR(fx, ...)  FX_ONE(fx, OPCODE_CART_CLEAR, cart_clear, __VA_ARGS__)
#define CX_SAVE(fx, ...)   FX_ONE(fx, OPCODE_CART_SAVE, cart_save, __VA_ARGS__)
#define CX_COUPON(fx, ...) FX_ONE(fx, OPCODE_CART_COUPON, cart_coupon, __VA_ARGS__)
#define CX_MERGE(fx, ...)  FX_ONE(fx, OPCODE_CART_MERGE, cart_merge, __VA_ARGS__)

static inline void cx_add(struct fx *fx, u64 user_id, u64 sku_id, i64 quantity)
{
    assert_int_equal(
        CX_ADD(fx, .user_id = user_id, .sku_id = sku_id, .quantity = quantity).head.status,
        STATUS_OK);
}

static inline void cx_coupon(struct fx *fx, u64 user_id, u64 coupon_id)
{
    const struct msg_cart_coupon_rsp reply =
        CX_COUPON(fx, .user_id = user_id, .coupon_id = coupon_id, .listed = 1, .code = {"SAVE"});
    assert_int_equal(reply.head.status, STATUS_OK);
}

static inline void cx_save(struct fx *fx, u64 user_id, u64 sku_id)
{
    assert_int_equal(CX_SAVE(fx, .user_id = user_id, .sku_id = sku_id, .saved = 1).head.status,
                     STATUS_OK);
}

/* The state is the same after a replay and after a dump, and verify has nothing to say. */
static inline void cx_assert_sound(struct fx *fx)
{
    (void)fx_verify(fx);
    struct shard *again = fx_replay(fx);
    fx_assert_digest(fx->shard, again);
    shard_close(again);
    struct shard *loaded = fx_reload(fx);
    fx_assert_digest(fx->shard, loaded);
    shard_close(loaded);
}

#endif
