/* test_cart: what docs/carts.md says of one cart: every sentence, races of two devices, time, orders.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart_lines.h"
#include "tests/unit/shards/cart_fixture.h"

#define USER  0x1111ull
#define MUG   11ull
#define LAMP  12ull
#define CHAIR 13ull

static struct fx fx;

static int open_world(void **state)
{
    (void)state;
    fx_open(&fx);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    cx_assert_sound(&fx);
    fx_close(&fx);
    return 0;
}

static struct id128 an_order(u64 number)
{
    return (struct id128){.low = fx.now_ns / NS_PER_MS << 16 | number, .high = USER};
}

/* ---- add ---- */

static void a_cart_is_made_by_its_first_add(void **state)
{
    (void)state;
    struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.state, CART_STATE_NONE);
    assert_int_equal(cart->head.version, 0);
    assert_int_equal(cart->line_count, 0);
    fx.now_ns += 5;
    const struct msg_cart_add_rsp reply =
        CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .options = 7, .quantity = 2, .price_seen = 250,
               .currency = FX_GBP);
    assert_int_equal(reply.head.status, STATUS_OK);
    assert_int_equal(reply.version, 1);
    assert_int_equal(reply.quantity, 2);
    assert_int_equal(reply.line_count, 1);
    cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.state, CART_STATE_ACTIVE);
    assert_int_equal(cart->head.version, 1);
    assert_int_equal(cart->head.created_at_ns, fx.now_ns);
    assert_int_equal(cart->head.changed_at_ns, fx.now_ns);
    assert_int_equal(cart->head.expires_at_ns, fx.now_ns + 90 * CX_DAY_MS * NS_PER_MS);
    assert_int_equal(cart->line_count, 1);
    assert_int_equal(cart->lines[0].sku_id, MUG);
    assert_int_equal(cart->lines[0].options, 7);
    assert_int_equal(cart->lines[0].quantity, 2);
    assert_int_equal(cart->lines[0].price_seen, 250);
    assert_int_equal(cart->lines[0].currency, FX_GBP);
    assert_int_equal(cart->lines[0].added_at_ns, fx.now_ns);
    assert_int_equal(cart->lines[0].saved, 0);
}

static void adds_of_one_line_are_summed_and_other_options_are_another_line(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 2);
    cx_add(&fx, USER, LAMP, 1);
    const struct msg_cart_add_rsp reply =
        CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 3);
    assert_int_equal(reply.quantity, 5);
    assert_int_equal(reply.version, 3);
    assert_int_equal(
        CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .options = 1, .quantity = 4).quantity, 4);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->line_count, 3);
    assert_int_equal(cart->lines[0].sku_id, MUG);
    assert_int_equal(cart->lines[0].quantity, 5);
    assert_int_equal(cart->lines[1].sku_id, LAMP);
    assert_int_equal(cart->lines[2].options, 1);
}

static void a_line_has_at_most_2_to_the_31_units(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, QUANTITY_MAX - 1);
    cx_add(&fx, USER, MUG, 1);
    const struct msg_cart_add_rsp reply =
        CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1);
    assert_int_equal(reply.head.status, STATUS_EXCEEDS);
    assert_int_equal(reply.quantity, QUANTITY_MAX);
    assert_int_equal(reply.version, 2);
}

static void the_price_seen_is_that_of_the_last_add_that_told_it(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    assert_int_equal(cx_get(&fx, USER)->lines[0].price_seen, -1);
    assert_int_equal(cx_get(&fx, USER)->lines[0].currency, 0);
    (void)CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1, .price_seen = 199,
                 .currency = FX_GBP);
    cx_add(&fx, USER, MUG, 1);
    assert_int_equal(cx_get(&fx, USER)->lines[0].price_seen, 199);
    (void)CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1, .price_seen = 0,
                 .currency = CX_EUR);
    assert_int_equal(cx_get(&fx, USER)->lines[0].price_seen, 0);
    assert_int_equal(cx_get(&fx, USER)->lines[0].currency, CX_EUR);
    /* Half of it is not told. */
    (void)CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1, .price_seen = 5);
    (void)CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1, .price_seen = -1,
                 .currency = FX_GBP);
    assert_int_equal(cx_get(&fx, USER)->lines[0].price_seen, 0);
    assert_int_equal(cx_get(&fx, USER)->lines[0].currency, CX_EUR);
    (void)CX_ADD(&fx, .user_id = USER, .sku_id = LAMP, .quantity = 1, .price_seen = 5);
    assert_int_equal(cx_get(&fx, USER)->lines[1].price_seen, -1);
    assert_int_equal(cx_get(&fx, USER)->lines[0].added_at_ns, fx.now_ns);
}

static void the_time_of_the_first_add_stays(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    const u64 first_ns = fx.now_ns;
    fx_later(&fx, 1000);
    cx_add(&fx, USER, MUG, 1);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->lines[0].added_at_ns, first_ns);
    assert_int_equal(cart->head.created_at_ns, first_ns);
    assert_int_equal(cart->head.changed_at_ns, fx.now_ns);
}

#define ADD_REFUSED(field, value)                                                    \
    do {                                                                             \
        struct msg_cart_add_req ask_ = {                                             \
            .user_id = USER, .sku_id = MUG, .quantity = 1, .currency = FX_GBP};      \
        ask_.field = (value);                                                        \
        (void)fx_send(&fx, OPCODE_CART_ADD, &ask_, 1);                               \
        assert_int_equal(FX_RSP(&fx, cart_add, 0).head.status, STATUS_BAD_ARGUMENT); \
    } while (0)

static void arguments_out_of_range_are_refused_and_nothing_changes(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    ADD_REFUSED(user_id, 0);
    ADD_REFUSED(sku_id, 0);
    ADD_REFUSED(quantity, 0);
    ADD_REFUSED(quantity, -1);
    ADD_REFUSED(quantity, QUANTITY_MAX + 1);
    ADD_REFUSED(price_seen, -2);
    ADD_REFUSED(price_seen, PRICE_MAX + 1);
    ADD_REFUSED(currency, 1);
    assert_int_equal(CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = -1).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 2).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .listed = 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 5, .listed = 2).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(
        CX_COUPON(&fx, .user_id = USER, .coupon_id = 5, .listed = 1, .code = {"A\nB"}).head.status,
        STATUS_BAD_ARGUMENT);
    assert_int_equal(cx_version(&fx, USER), 1);
    assert_int_equal(FX_READ(&fx, OPCODE_CART_GET, cart_get, .user_id = 0).head.status,
                     STATUS_BAD_ARGUMENT);
}

static void a_cart_has_at_most_2000_lines(void **state)
{
    (void)state;
    for (u64 i = 1; i <= CART_LINES_MAX; i++)
        cx_add(&fx, USER, i, (i64)i);
    const struct msg_cart_add_rsp full =
        CX_ADD(&fx, .user_id = USER, .sku_id = CART_LINES_MAX + 1, .quantity = 1);
    assert_int_equal(full.head.status, STATUS_TOO_MANY);
    assert_int_equal(full.line_count, CART_LINES_MAX);
    assert_int_equal(CX_SET(&fx, .user_id = USER, .sku_id = 9999, .quantity = 1).head.status,
                     STATUS_TOO_MANY);
    cx_add(&fx, USER, 1234, 1); /* one that is there */
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->line_count, CART_LINES_MAX);
    for (u32 i = 0; i < CART_LINES_MAX; i++) {
        assert_int_equal(cart->lines[i].sku_id, i + 1);
        assert_int_equal(cart->lines[i].quantity, i + 1 + (i == 1233 ? 1 : 0));
    }
    /* Every other line goes, the rest is found. */
    for (u64 i = 2; i <= CART_LINES_MAX; i += 2)
        assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = i).head.status, STATUS_OK);
    for (u64 i = 1; i <= CART_LINES_MAX; i += 2)
        assert_int_equal(CX_SET(&fx, .user_id = USER, .sku_id = i, .quantity = 1).line_count,
                         CART_LINES_MAX / 2);
    (void)fx_verify(&fx);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).line_count, 0);
    assert_int_equal(fx.shard->carts.counts.block_bytes, 0);
}

static void a_thousand_options_of_one_sku_are_told_apart(void **state)
{
    (void)state;
    for (u64 i = 0; i < 1000; i++)
        assert_int_equal(
            CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .options = i, .quantity = 1).line_count,
            i + 1);
    for (u64 i = 0; i < 1000; i++)
        assert_int_equal(
            CX_SET(&fx, .user_id = USER, .sku_id = MUG, .options = i, .quantity = (i64)i + 2)
                .quantity,
            i + 2);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->line_count, 1000);
    for (u32 i = 0; i < 1000; i++)
        assert_int_equal(cart->lines[i].quantity, i + 2);
}

/* ---- set, remove, clear ---- */

static void a_set_makes_changes_or_removes_a_line(void **state)
{
    (void)state;
    assert_int_equal(CX_SET(&fx, .user_id = USER, .sku_id = MUG).version, 0);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_NONE); /* 0 makes no cart */
    struct msg_cart_set_rsp reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 3);
    assert_int_equal(reply.version, 1);
    assert_int_equal(reply.quantity, 3);
    reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 3);
    assert_int_equal(reply.version, 1); /* nothing has changed */
    reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 3, .price_seen = 9,
                   .currency = FX_GBP);
    assert_int_equal(reply.version, 2);
    reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = QUANTITY_MAX);
    assert_int_equal(reply.quantity, QUANTITY_MAX);
    assert_int_equal(cx_get(&fx, USER)->lines[0].price_seen, 9); /* not told: it stays */
    reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG);
    assert_int_equal(reply.version, 4);
    assert_int_equal(reply.quantity, 0);
    assert_int_equal(reply.line_count, 0);
    reply = CX_SET(&fx, .user_id = USER, .sku_id = MUG);
    assert_int_equal(reply.head.status, STATUS_OK);
    assert_int_equal(reply.version, 4);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_ACTIVE); /* empty, and there */
}

static void a_set_leaves_a_saved_line_saved_and_an_add_brings_it_back(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    cx_save(&fx, USER, MUG);
    (void)CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 4);
    assert_int_equal(cx_get(&fx, USER)->lines[0].saved, 1);
    cx_add(&fx, USER, MUG, 1);
    assert_int_equal(cx_get(&fx, USER)->lines[0].saved, 0);
    assert_int_equal(cx_get(&fx, USER)->lines[0].quantity, 5);
}

static void a_removed_line_is_gone_and_the_order_of_the_others_stays(void **state)
{
    (void)state;
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = MUG).head.status, STATUS_NOT_FOUND);
    cx_add(&fx, USER, MUG, 1);
    cx_add(&fx, USER, LAMP, 2);
    cx_add(&fx, USER, CHAIR, 3);
    const struct msg_cart_remove_rsp reply = CX_REMOVE(&fx, .user_id = USER, .sku_id = LAMP);
    assert_int_equal(reply.head.status, STATUS_OK);
    assert_int_equal(reply.version, 4);
    assert_int_equal(reply.line_count, 2);
    assert_int_equal(reply.quantity, 0);
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = LAMP).head.status, STATUS_NOT_FOUND);
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = MUG, .options = 1).head.status,
                     STATUS_NOT_FOUND);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.version, 4);
    assert_int_equal(cart->lines[0].sku_id, MUG);
    assert_int_equal(cart->lines[1].sku_id, CHAIR);
}

static void a_clear_removes_what_is_not_saved_and_the_coupons(void **state)
{
    (void)state;
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).head.status, STATUS_OK);
    assert_int_equal(cx_version(&fx, USER), 0);
    cx_add(&fx, USER, MUG, 1);
    cx_add(&fx, USER, LAMP, 2);
    cx_save(&fx, USER, MUG);
    cx_coupon(&fx, USER, 5);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).version, 5);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->line_count, 1);
    assert_int_equal(cart->lines[0].sku_id, MUG);
    assert_int_equal(cart->coupon_count, 0);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).version, 5); /* nothing left to clear */
    cx_coupon(&fx, USER, 5);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).version, 7);
}

static void a_line_is_saved_for_later_and_brought_back(void **state)
{
    (void)state;
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 1).head.status,
                     STATUS_NOT_FOUND);
    cx_add(&fx, USER, MUG, 2);
    const struct msg_cart_save_rsp reply = CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 1);
    assert_int_equal(reply.version, 2);
    assert_int_equal(reply.quantity, 2);
    assert_int_equal(cx_get(&fx, USER)->lines[0].saved, 1);
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 1).version, 2);
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 0).version, 3);
    assert_int_equal(cx_get(&fx, USER)->lines[0].saved, 0);
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = LAMP, .saved = 0).head.status,
                     STATUS_NOT_FOUND);
}

/* ---- coupons ---- */

static void coupons_are_listed_and_struck_off(void **state)
{
    (void)state;
    cx_coupon(&fx, USER, 50); /* makes a cart */
    assert_int_equal(cx_get(&fx, USER)->head.version, 1);
    cx_coupon(&fx, USER, 50);
    assert_int_equal(cx_get(&fx, USER)->head.version, 1); /* again: nothing changes */
    for (u64 i = 51; i < 50 + ORDER_COUPONS_MAX; i++)
        cx_coupon(&fx, USER, i);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 99, .listed = 1).head.status,
                     STATUS_TOO_MANY);
    cx_coupon(&fx, USER, 53); /* listed already: fine */
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 99).head.status,
                     STATUS_NOT_FOUND);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 51).head.status, STATUS_OK);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 51).head.status,
                     STATUS_NOT_FOUND);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER + 1, .coupon_id = 51).head.status,
                     STATUS_NOT_FOUND);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->coupon_count, ORDER_COUPONS_MAX - 1);
    assert_int_equal(cart->coupons[0].coupon_id, 50);
    assert_int_equal(cart->coupons[1].coupon_id, 52);
    assert_string_equal((const char *)cart->coupons[1].code.bytes, "SAVE");
}

/* ---- two devices ---- */

static void of_two_devices_the_second_hears_of_the_first(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    const u64 seen = cx_version(&fx, USER); /* both have seen this */
    assert_int_equal(
        CX_ADD(&fx, .user_id = USER, .sku_id = LAMP, .quantity = 1, .if_version = seen).head.status,
        STATUS_OK);
    const struct msg_cart_set_rsp late =
        CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 7, .if_version = seen);
    assert_int_equal(late.head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(late.version, seen + 1); /* and learns the version and the line as it is */
    assert_int_equal(late.quantity, 1);
    assert_int_equal(late.line_count, 2);
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = MUG, .if_version = seen).head.status,
                     STATUS_VERSION_CONFLICT);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER, .if_version = seen).head.status,
                     STATUS_VERSION_CONFLICT);
    assert_int_equal(
        CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 1, .if_version = seen).head.status,
        STATUS_VERSION_CONFLICT);
    assert_int_equal(
        CX_COUPON(&fx, .user_id = USER, .coupon_id = 4, .listed = 1, .if_version = seen)
            .head.status,
        STATUS_VERSION_CONFLICT);
    assert_int_equal(
        CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 7, .if_version = late.version)
            .head.status,
        STATUS_OK);
    /* A cart that does not exist has version 0. */
    assert_int_equal(
        CX_ADD(&fx, .user_id = USER + 1, .sku_id = MUG, .quantity = 1, .if_version = 1).head.status,
        STATUS_VERSION_CONFLICT);
    assert_int_equal(cx_get(&fx, USER + 1)->head.state, CART_STATE_NONE);
}

/* ---- time ---- */

static void a_cart_is_forgotten_its_time_to_live_after_its_last_change(void **state)
{
    (void)state;
    const u64 guest = cx_guest(USER);
    cx_add(&fx, USER, MUG, 1);
    cx_add(&fx, guest, MUG, 1);
    fx_later(&fx, 20 * CX_DAY_MS);
    cx_add(&fx, guest, LAMP, 1);
    fx_later(&fx, 30 * CX_DAY_MS - 1);
    assert_int_equal(cx_get(&fx, guest)->line_count, 2);
    assert_int_equal(cx_get(&fx, guest)->head.expires_at_ns, fx.now_ns + NS_PER_MS);
    fx_later(&fx, 1);
    assert_int_equal(cx_get(&fx, guest)->head.state, CART_STATE_NONE);
    assert_int_equal(cx_get(&fx, USER)->line_count, 1);
    fx_later(&fx, 40 * CX_DAY_MS);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_NONE);
    struct shard_counters counters;
    shard_counters_read(fx.shard, &counters);
    assert_int_equal(counters.carts, 0);
    assert_int_equal(counters.cart_lines, 0);
    assert_int_equal(counters.expired_carts, 2);
    cx_add(&fx, guest, MUG, 1); /* as if it had never been */
    assert_int_equal(cx_version(&fx, guest), 1);
}

static void a_refusal_or_a_change_of_nothing_prolongs_no_life(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    const u64 end_ns = cx_get(&fx, USER)->head.expires_at_ns;
    fx_later(&fx, 1000);
    (void)CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1);
    (void)CX_REMOVE(&fx, .user_id = USER, .sku_id = LAMP);
    assert_int_equal(cx_get(&fx, USER)->head.expires_at_ns, end_ns);
}

static void the_next_deadline_is_never_late(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    const u64 end_ns = cx_get(&fx, USER)->head.expires_at_ns;
    assert_int_equal(shard_next_deadline_ns(fx.shard), end_ns);
    fx_later(&fx, 1000);
    cx_add(&fx, USER, MUG, 1);
    assert_true(shard_next_deadline_ns(fx.shard) <= end_ns + 1000 * NS_PER_MS);
    fx_at(&fx, end_ns); /* its old time: it has another one now */
    assert_int_equal(cx_get(&fx, USER)->line_count, 1);
    assert_int_equal(shard_next_deadline_ns(fx.shard), end_ns + 1000 * NS_PER_MS);
}

/* A shorter time to live comes into force with the next change of each cart. */
static void a_shorter_policy_is_for_later_changes(void **state)
{
    (void)state;
    const u64 guest = cx_guest(1), other = cx_guest(2);
    cx_add(&fx, guest, MUG, 1);
    cx_add(&fx, other, MUG, 1);
    const struct msg_policy_put_rsp put =
        FX_ONE(&fx, OPCODE_POLICY_PUT, policy_put, .home_id = POLICY_HOME_ID, .cart_guest_ms = 5000,
               .cart_user_ms = 6000, .payment_lease_ms = 1000, .unpaid_ms = 2000, .answer_ms = 1000,
               .backoff_ms = 1, .backoff_max_ms = 1, .deliveries_max = 1, .attempts_max = 1);
    assert_int_equal(put.head.status, STATUS_OK);
    cx_add(&fx, guest, MUG, 1);
    cx_add(&fx, USER, MUG, 1);
    assert_int_equal(shard_next_deadline_ns(fx.shard), fx.now_ns + 5000 * NS_PER_MS);
    fx_later(&fx, 5000);
    assert_int_equal(cx_get(&fx, guest)->head.state, CART_STATE_NONE);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_ACTIVE);
    assert_int_equal(cx_get(&fx, other)->head.state, CART_STATE_ACTIVE);
    fx_later(&fx, 1000);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_NONE);
}

static void a_read_waits_while_its_cart_is_being_forgotten(void **state)
{
    (void)state;
    for (u64 i = 1; i <= 3; i++)
        cx_add(&fx, cx_guest(i), MUG, 1);
    fx.now_ns += 31 * CX_DAY_MS * NS_PER_MS;
    assert_false(shard_expire(fx.shard, fx.now_ns, 1));
    u32 waiting = 0;
    for (u64 i = 1; i <= 3; i++) {
        const struct msg_cart_get_req ask = {.user_id = cx_guest(i)};
        const struct msg_cart_merge_status_req status = {.user_id = cx_guest(i)};
        const enum shard_read_result result = fx_read(&fx, OPCODE_CART_GET, &ask);
        assert_int_equal(fx_read(&fx, OPCODE_CART_MERGE_STATUS, &status), result);
        waiting += result == SHARD_READ_WAIT ? 1 : 0;
    }
    assert_int_equal(waiting, 2);
    fx_at(&fx, fx.now_ns);
}

/* ---- orders ---- */

static void a_claimed_cart_may_be_edited_and_is_not_forgotten(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 2);
    cart_claim(fx.shard, USER, an_order(1));
    struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.state, CART_STATE_CLAIMED);
    assert_int_equal(cart->head.version, 1);
    assert_int_equal(cart->head.expires_at_ns, 0);
    assert_true(id128_equal(cart->head.order, an_order(1)));
    cx_add(&fx, USER, LAMP, 1);
    fx_later(&fx, 400 * CX_DAY_MS);
    assert_int_equal(cx_get(&fx, USER)->line_count, 2);
    cart_let_go(fx.shard, USER, (struct id128){8, 8}, NULL, 0, fx.now_ns); /* not its order */
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_CLAIMED);
    const u64 claimed_ms = fx.now_ns / NS_PER_MS - 400 * CX_DAY_MS;
    const struct id128 order = {.low = claimed_ms << 16 | 1, .high = USER};
    cart_let_go(fx.shard, USER, order, NULL, 0, fx.now_ns);
    cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.state, CART_STATE_ACTIVE);
    assert_int_equal(cart->head.version, 2); /* the order failed: unchanged */
    assert_int_equal(cart->line_count, 2);
    assert_int_equal(cart->head.expires_at_ns, fx.now_ns + 90 * CX_DAY_MS * NS_PER_MS);
    assert_true(id128_is_none(cart->head.order));
    fx_later(&fx, 90 * CX_DAY_MS);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_NONE);
}

static void a_frozen_cart_refuses_edits_and_names_the_order(void **state)
{
    (void)state;
    const struct id128 order = an_order(1);
    cx_add(&fx, USER, MUG, 2);
    cart_claim(fx.shard, USER, order);
    cart_freeze(fx.shard, USER, (struct id128){8, 8}, true); /* not its order */
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_CLAIMED);
    cart_freeze(fx.shard, USER, order, true);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_FROZEN);
    const struct msg_cart_add_rsp add =
        CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1, .if_version = 77);
    assert_int_equal(add.head.status, STATUS_CART_FROZEN); /* asked before the version */
    assert_true(id128_equal(add.order, order));
    assert_int_equal(add.version, 1);
    assert_int_equal(add.quantity, 2);
    assert_int_equal(CX_SET(&fx, .user_id = USER, .sku_id = MUG).head.status, STATUS_CART_FROZEN);
    assert_int_equal(CX_REMOVE(&fx, .user_id = USER, .sku_id = LAMP).head.status,
                     STATUS_CART_FROZEN);
    assert_int_equal(CX_CLEAR(&fx, .user_id = USER).head.status, STATUS_CART_FROZEN);
    assert_int_equal(CX_SAVE(&fx, .user_id = USER, .sku_id = MUG, .saved = 1).head.status,
                     STATUS_CART_FROZEN);
    assert_int_equal(CX_COUPON(&fx, .user_id = USER, .coupon_id = 1, .listed = 1).head.status,
                     STATUS_CART_FROZEN);
    ADD_REFUSED(quantity, 0); /* asked first */
    fx_later(&fx, 400 * CX_DAY_MS);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_FROZEN);
    cart_freeze(fx.shard, USER, order, false);
    cx_add(&fx, USER, MUG, 1);
    cart_let_go(fx.shard, USER, order, NULL, 0, fx.now_ns);
    assert_int_equal(cx_get(&fx, USER)->head.version, 2);
}

static void a_placed_order_takes_exactly_what_it_bought(void **state)
{
    (void)state;
    const struct id128 order = an_order(1);
    cx_add(&fx, USER, MUG, 2);
    cx_add(&fx, USER, LAMP, 3);
    cx_add(&fx, USER, CHAIR, 1);
    cx_coupon(&fx, USER, 70);
    cx_coupon(&fx, USER, 71);
    struct cart_view view;
    assert_true(cart_look(fx.shard, USER, &view));
    assert_int_equal(view.line_count, 3);
    assert_int_equal(view.lines[1].sku_id, LAMP);
    assert_int_equal(view.coupon_count, 2);
    assert_int_equal(view.coupons[1].coupon_id, 71);
    assert_int_equal(view.version, 5);
    assert_int_equal(view.state, CART_STATE_ACTIVE);
    const struct row_cart_line bought[] = {{.sku_id = MUG, .quantity = 2},
                                           {.sku_id = LAMP, .quantity = 3},
                                           {.sku_id = CHAIR, .quantity = 1},
                                           {.sku_id = 999, .quantity = 1}};
    cart_claim(fx.shard, USER, order);
    assert_true(cart_look(fx.shard, USER, &view));
    assert_true(id128_equal(view.order, order));
    /* Meanwhile, on another device: */
    cx_add(&fx, USER, LAMP, 4);
    (void)CX_SET(&fx, .user_id = USER, .sku_id = CHAIR);
    cx_add(&fx, USER, MUG, 1);
    (void)CX_SET(&fx, .user_id = USER, .sku_id = MUG, .quantity = 1);
    (void)CX_COUPON(&fx, .user_id = USER, .coupon_id = 70);
    cx_coupon(&fx, USER, 70); /* listed anew: not the order's */
    cart_let_go(fx.shard, USER, order, bought, ARRAY_COUNT(bought), fx.now_ns);
    const struct cx_cart *cart = cx_get(&fx, USER);
    assert_int_equal(cart->head.state, CART_STATE_ACTIVE);
    assert_int_equal(cart->head.version, 12);
    assert_int_equal(cart->line_count, 1);
    assert_int_equal(cart->lines[0].sku_id, LAMP);
    assert_int_equal(cart->lines[0].quantity, 4);
    assert_int_equal(cart->coupon_count, 1);
    assert_int_equal(cart->coupons[0].coupon_id, 70);
    assert_false(cart_look(fx.shard, USER + 1, &view));
    cart_let_go(fx.shard, USER + 1, order, bought, 1, fx.now_ns); /* no cart: nothing */
}

static void live_and_die(void)
{
    for (u64 i = 1; i <= 50; i++)
        cx_add(&fx, USER, i, 2);
    cx_coupon(&fx, USER, 70);
    const struct id128 order = an_order(1);
    cart_claim(fx.shard, USER, order);
    struct cart_view view;
    assert_true(cart_look(fx.shard, USER, &view));
    struct row_cart_line bought[50];
    memcpy(bought, view.lines, sizeof bought);
    cart_let_go(fx.shard, USER, order, bought, ARRAY_COUNT(bought), fx.now_ns);
    const struct cart *cart =
        cart_at(&fx.shard->carts, cart_find(&fx.shard->carts, route_hash_u64(USER), USER));
    assert_null(cart->block);
    assert_null(cart->more);
    cx_add(&fx, USER, MUG, 2);
    cx_coupon(&fx, USER, 70);
    fx_later(&fx, 90 * CX_DAY_MS);
    assert_int_equal(cx_get(&fx, USER)->head.state, CART_STATE_NONE);
}

static void what_a_cart_needed_is_given_back(void **state)
{
    (void)state;
    live_and_die();
    const u64 once = arena_live_bytes(&fx.shard->arena);
    live_and_die();
    assert_int_equal(arena_live_bytes(&fx.shard->arena), once);
}

/* The calls above changed the state beside the log, so that a replay knows nothing of them. */
static int close_ordered(void **state)
{
    (void)state;
    (void)fx_verify(&fx);
    struct shard *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_close(&fx);
    return 0;
}

/* ---- frames, repeats ---- */

static void a_repeated_frame_adds_once(void **state)
{
    (void)state;
    const struct msg_cart_add_req ask = {
        .user_id = USER, .sku_id = MUG, .quantity = 2, .price_seen = -1};
    (void)fx_send(&fx, OPCODE_CART_ADD, &ask, 1);
    (void)fx_frame(&fx, OPCODE_CART_ADD, (const u8 *)&ask, sizeof ask, 1); /* the same number */
    assert_int_equal(fx.reply.flags, FRAME_FLAG_REPLAYED);
    assert_int_equal(FX_RSP(&fx, cart_add, 0).quantity, 2);
    assert_int_equal(cx_get(&fx, USER)->lines[0].quantity, 2);
}

static void many_records_of_a_frame_are_judged_one_after_the_other(void **state)
{
    (void)state;
    struct msg_cart_add_req asks[70];
    for (u32 i = 0; i < ARRAY_COUNT(asks); i++)
        asks[i] = (struct msg_cart_add_req){.user_id = USER + i % 3,
                                            .sku_id = MUG + i / 7,
                                            .quantity = i == 35 ? 0 : 1,
                                            .price_seen = -1};
    (void)fx_send(&fx, OPCODE_CART_ADD, asks, ARRAY_COUNT(asks));
    assert_int_equal(FX_RSP(&fx, cart_add, 35).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(FX_RSP(&fx, cart_add, 69).head.status, STATUS_OK);
    i64 units = 0;
    for (u32 u = 0; u < 3; u++) {
        const struct cx_cart *cart = cx_get(&fx, USER + u);
        for (u32 i = 0; i < cart->line_count; i++)
            units += cart->lines[i].quantity;
    }
    assert_int_equal(units, 69);
}

static void a_cart_of_another_shard_is_refused(void **state)
{
    (void)state;
    fx_close(&fx);
    fx_open_with(&fx, (struct shard_options){.count = 2});
    u64 foreign = 1;
    while (route_shard(route_hash_u64(foreign), 2) == 0)
        foreign++;
    assert_int_equal(CX_ADD(&fx, .user_id = foreign, .sku_id = MUG, .quantity = 1).head.status,
                     STATUS_WRONG_SHARD);
    assert_int_equal(FX_READ(&fx, OPCODE_CART_GET, cart_get, .user_id = foreign).head.status,
                     STATUS_WRONG_SHARD);
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, open_world, close_world)
#define ORDERED(name) cmocka_unit_test_setup_teardown(name, open_world, close_ordered)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cart_is_made_by_its_first_add),
        TEST(adds_of_one_line_are_summed_and_other_options_are_another_line),
        TEST(a_line_has_at_most_2_to_the_31_units),
        TEST(the_price_seen_is_that_of_the_last_add_that_told_it),
        TEST(the_time_of_the_first_add_stays),
        TEST(arguments_out_of_range_are_refused_and_nothing_changes),
        TEST(a_cart_has_at_most_2000_lines),
        TEST(a_thousand_options_of_one_sku_are_told_apart),
        TEST(a_set_makes_changes_or_removes_a_line),
        TEST(a_set_leaves_a_saved_line_saved_and_an_add_brings_it_back),
        TEST(a_removed_line_is_gone_and_the_order_of_the_others_stays),
        TEST(a_clear_removes_what_is_not_saved_and_the_coupons),
        TEST(a_line_is_saved_for_later_and_brought_back),
        TEST(coupons_are_listed_and_struck_off),
        TEST(of_two_devices_the_second_hears_of_the_first),
        TEST(a_cart_is_forgotten_its_time_to_live_after_its_last_change),
        TEST(a_refusal_or_a_change_of_nothing_prolongs_no_life),
        TEST(the_next_deadline_is_never_late),
        TEST(a_shorter_policy_is_for_later_changes),
        TEST(a_read_waits_while_its_cart_is_being_forgotten),
        ORDERED(a_claimed_cart_may_be_edited_and_is_not_forgotten),
        ORDERED(a_frozen_cart_refuses_edits_and_names_the_order),
        ORDERED(a_placed_order_takes_exactly_what_it_bought),
        ORDERED(what_a_cart_needed_is_given_back),
        TEST(a_repeated_frame_adds_once),
        TEST(many_records_of_a_frame_are_judged_one_after_the_other),
        TEST(a_cart_of_another_shard_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
