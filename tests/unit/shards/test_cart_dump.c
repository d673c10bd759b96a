/* test_cart_dump: carts in snapshots, in whatever order their pieces come back, and under load; what is not
 * a cart is refused; the limit of memory holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart_parts.h"
#include "tests/unit/shards/cart_fixture.h"
#include "tests/unit/shards/dump_fixture.h"

#define USERS 60u

static struct fx fx;
static struct dx dx = {.fx = &fx, .verify = cart_verify};

static u64 draw(u64 below)
{
    return dx_draw(&dx, below);
}

static int open_world(void **state)
{
    (void)state;
    dx.random = 0x2468ace;
    fx_open(&fx);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

static u64 draw_user(void)
{
    const u64 user = 1 + draw(USERS);
    return user % 3 == 0 ? cx_guest(user) : user;
}

/* Some carts of every kind: one of 2,000 lines among them. */
static void fill(void)
{
    for (u32 i = 0; i < 900; i++)
        cx_add(&fx, draw_user(), 1 + draw(80), 1 + (i64)draw(9));
    for (u64 i = 1; i <= CART_LINES_MAX; i++)
        cx_add(&fx, cx_guest(9999), 5000 + i, (i64)i);
    for (u32 i = 0; i < 60; i++)
        (void)CX_COUPON(&fx, .user_id = draw_user(), .coupon_id = 1 + draw(20), .listed = 1,
                        .code = {"SAVE"});
    (void)CX_MERGE(&fx, .user_id = cx_guest(9999), .target_id = 9999, .strategy = MERGE_SUM);
    (void)CX_MERGE(&fx, .user_id = cx_guest(3), .target_id = 4, .strategy = MERGE_GUEST_WINS);
    fx_later(&fx, 1000);
}

/* As orders do, beside the log. */
static void claim_some(void)
{
    for (u64 i = 1; i < USERS; i++) {
        struct cart_view view;
        const struct id128 order = {.low = i, .high = i};
        if (!cart_look(fx.shard, i, &view) || view.state != CART_STATE_ACTIVE)
            continue;
        cart_claim(fx.shard, i, order);
        if (i % 2 == 0)
            cart_freeze(fx.shard, i, order, true);
        if (i % 5 == 0)
            cart_let_go(fx.shard, i, order, NULL, 0, fx.now_ns);
    }
}

static void pieces_come_back_in_any_order(void **state)
{
    (void)state;
    struct fx_records records;
    fill();
    claim_some();
    fx_records_read(fx.shard, &records);
    for (u32 round = 0; round < 5; round++)
        shard_close(dx_load_shuffled(&dx, &records));
    fx_records_free(&records);
}

/* A cart without lines and the rest is nothing but its own record: nobody misses that. */
static bool is_missed(const struct dump_view *view)
{
    const struct cart_room *room = &fx.shard->carts;
    u64 user_id;
    memcpy(&user_id, view->body, sizeof user_id);
    return view->kind != DUMP_KIND_CART ||
           cart_at(room, cart_find(room, route_hash_u64(user_id), user_id))->line_count != 0;
}

/* A record that is left out or comes twice, of the kinds that carts are made of. */
static void a_missing_or_double_piece_is_noticed(void **state)
{
    (void)state;
    struct fx_records records;
    u32 tried = 0;
    fill();
    claim_some();
    fx_records_read(fx.shard, &records);
    for (u32 i = 0; i < records.count; i++) {
        const struct dump_view view = dx_view(&records, i);
        const bool is_cart = view.kind >= DUMP_KIND_CART && view.kind <= DUMP_KIND_CART_REPORT;
        if (!is_cart || (view.kind != DUMP_KIND_CART_REPORT && draw(8) != 0))
            continue;
        const char *reason = dx_load_without(&dx, &records, i);
        if (is_missed(&view))
            assert_non_null(reason);
        dx_assert_not_twice(&dx, &records, i);
        tried++;
    }
    assert_true(tried > 10);
    fx_records_free(&records);
}

static void garbage_is_refused_or_sound(void **state)
{
    (void)state;
    struct fx_records records;
    u32 noticed = 0;
    fill();
    claim_some();
    fx_records_read(fx.shard, &records);
    /* An id that has become another one may belong to another shard; here there is one. */
    for (u32 i = 0; i < 400; i++)
        noticed += dx_damage(&dx, &records, (u32)draw(records.count - 1), 200) ? 1 : 0;
    assert_in_range(noticed, 100, 400);
    fx_records_free(&records);
}

static void step(void)
{
    const u64 user = draw_user();
    fx.now_ns += draw(2 * 3600 * 1000) * NS_PER_MS;
    switch (draw(7)) {
    case 0: (void)CX_REMOVE(&fx, .user_id = user, .sku_id = 1 + draw(80)); break;
    case 1: (void)CX_CLEAR(&fx, .user_id = user); break;
    case 2:
        (void)CX_COUPON(&fx, .user_id = user, .coupon_id = 1 + draw(9), .listed = (u16)draw(2));
        break;
    case 3:
        (void)CX_MERGE(&fx, .user_id = cx_guest(3 + 3 * draw(USERS / 3)),
                       .target_id = 1 + draw(USERS), .strategy = (u16)(1 + draw(5)));
        break;
    default:
        (void)CX_ADD(&fx, .user_id = user, .sku_id = 1 + draw(80), .quantity = 1 + (i64)draw(9));
    }
}

static void forget_all(void)
{
    fx_later(&fx, 91 * CX_DAY_MS);
}

static void a_sliced_dump_under_load_is_the_state_at_its_beginning(void **state)
{
    (void)state;
    dx.step = step;
    fill();
    for (u32 round = 0; round < 12; round++) {
        for (u32 i = 0; i < 80; i++)
            step();
        struct dx_load load = dx_dump_under_load(
            &dx, &(const struct dx_plan){
                     .first = round % 4 == 3 ? forget_all : NULL, .steps = 60, .slice_steps = 1});
        dx_catch_up(&dx, &load);
    }
    cx_assert_sound(&fx);
}

/* Each of these changes a bucket that has not been visited. */
static void what_orders_do_while_it_runs_does_not_show(void **state)
{
    (void)state;
    fill();
    for (u32 round = 0; round < 4; round++) {
        struct fx_dump dump;
        const struct id128 at_cut = shard_digest(fx.shard);
        fx_dump_init(&dump);
        shard_dump_begin(fx.shard);
        for (u64 i = 1; i < USERS; i++) {
            const struct id128 order = {.low = i, .high = i};
            const struct row_cart_line bought = {.sku_id = 1 + draw(80), .quantity = 2};
            struct cart_view view;
            if (!cart_look(fx.shard, i, &view))
                continue;
            if (round == 0)
                cart_claim(fx.shard, i, order);
            else if (round < 3)
                cart_freeze(fx.shard, i, order, round == 1);
            else
                cart_let_go(fx.shard, i, order, &bought, 1, fx.now_ns);
        }
        while (fx_dump_step(&dump, fx.shard)) {}
        assert_false(id128_equal(shard_digest(fx.shard), at_cut));
        struct shard *loaded = fx_dump_load(&dump, &fx.options);
        assert_true(id128_equal(shard_digest(loaded), at_cut));
        shard_close(loaded);
        fx_dump_deinit(&dump);
    }
}

static void a_digest_notices_a_single_unit(void **state)
{
    (void)state;
    cx_add(&fx, 5, 6, 7);
    const struct id128 before = shard_digest(fx.shard);
    struct cart *cart =
        cart_at(&fx.shard->carts, cart_find(&fx.shard->carts, route_hash_u64(5), 5));
    ((struct row_cart_line *)(void *)cart->block)->quantity++;
    assert_false(id128_equal(before, shard_digest(fx.shard)));
}

/* ---- memory and frames ---- */

static void carts_do_not_grow_beyond_the_limit_of_memory(void **state)
{
    (void)state;
    const u64 limit = 24u << 20;
    struct msg_cart_add_req asks[64];
    u64 number = 0;
    fx_close(&fx);
    fx_open_with(&fx, (struct shard_options){.count = 1, .memory_max = limit});
    fx.is_local = true;
    u32 frames = 0;
    for (; frames < 100000; frames++) {
        for (u32 i = 0; i < ARRAY_COUNT(asks); i++, number++)
            asks[i] = (struct msg_cart_add_req){.user_id = 1 + number / 100 % 3000,
                                                .sku_id = 1 + number % 100 + number / 300000,
                                                .quantity = 1};
        (void)fx_send(&fx, OPCODE_CART_ADD, asks, ARRAY_COUNT(asks));
        assert_true(shard_memory_used(fx.shard) <= limit);
        if (fx.reply.status != STATUS_OK)
            break;
    }
    assert_int_equal(fx.reply.status, STATUS_MEMORY_LIMIT);
    assert_int_equal(fx.reply.detail.limit, limit);
    assert_true(frames > 500); /* and it was of use before */
    const struct msg_cart_get_rsp reply = FX_READ(&fx, OPCODE_CART_GET, cart_get, .user_id = 1);
    assert_int_equal(reply.head.status, STATUS_OK);
    fx.is_local = false;
}

static void carts_are_not_linked(void **state)
{
    (void)state;
    const struct msg_cart_add_req asks[2] = {{.user_id = 5, .sku_id = 6, .quantity = 1},
                                             {.user_id = 5, .sku_id = 0, .quantity = 1}};
    fx.is_linked = true;
    (void)fx_send(&fx, OPCODE_CART_ADD, asks, 2);
    fx.is_linked = false;
    assert_int_equal(FX_RSP(&fx, cart_add, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(FX_RSP(&fx, cart_add, 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(cx_get(&fx, 5)->head.state, CART_STATE_NONE);
    cx_assert_sound(&fx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_come_back_in_any_order),
        TEST(a_missing_or_double_piece_is_noticed),
        TEST(garbage_is_refused_or_sound),
        TEST(a_sliced_dump_under_load_is_the_state_at_its_beginning),
        TEST(what_orders_do_while_it_runs_does_not_show),
        TEST(a_digest_notices_a_single_unit),
        TEST(carts_do_not_grow_beyond_the_limit_of_memory),
        TEST(carts_are_not_linked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
