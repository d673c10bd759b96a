/* test_order_dump: orders in snapshots, in whatever order their pieces come back, and under load; what is
 * not an order is refused; verify sees a sum that is wrong; the limit of memory holds. That orders of every
 * state come back is in test_order_saga.c, rows that cannot be are in test_order_damage.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/saga.h"
#include "proto/text.h"
#include "shards/order/order_types.h"
#include "tests/unit/shards/cart_fixture.h"
#include "tests/unit/shards/dump_fixture.h"

#define SKUS       700u
#define PRICE      250
#define USERS      40u
#define LINES_MOST 600u
#define MINUTE_MS  60000u

static struct fx fx;
static struct dx dx = {.fx = &fx, .verify = order_verify};
static u64 references;
static u32 made, skus;
static struct msg_command_poll_rsp leased[64];
static u32 leased_count;

static u64 draw(u64 below)
{
    return dx_draw(&dx, below);
}

static void open_shop(struct shard_options options, u32 sku_count)
{
    skus = sku_count;
    dx.random = 0x13579bdf;
    references = 0;
    made = 0;
    leased_count = 0;
    fx_open_with(&fx, options);
    for (u32 i = 1; i <= skus; i++) {
        char code[8] = "S0000";
        for (u32 at = 4, rest = i; at > 0; at--, rest /= 10)
            code[at] = (char)('0' + rest % 10);
        (void)fx_sku_put(
            &fx,
            (struct msg_sku_put_req){.resource = fx_sku(i), .price = PRICE, .currency = FX_GBP},
            code);
        (void)FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, .resource = fx_sku(i),
                     .quantity = 1000000);
    }
}

static int open_world(void **state)
{
    (void)state;
    open_shop((struct shard_options){.count = 1}, SKUS);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

/* ---- what shoppers, workers and the provider do ---- */

static void send(u16 opcode, const void *fixed, const struct span *spans)
{
    static u64 body[(LINES_MOST * sizeof(struct row_checkout_line) + 4096) / 8];
    static const struct span none[MESSAGE_SPANS_MAX];
    const u32 bytes = frame_record_write(message_find(opcode), FRAME_DIRECTION_REQUEST, (u8 *)body,
                                         sizeof body, fixed, spans != NULL ? spans : none);
    assert_int_not_equal(bytes, 0);
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    (void)fx_frame(&fx, opcode, (const u8 *)body, bytes, 1);
}

static u16 place(struct id128 order, u32 lines)
{
    static struct row_checkout_line rows[LINES_MOST];
    for (u32 i = 0; i < lines; i++)
        rows[i] = (struct row_checkout_line){
            .sku_id = 1 + (made + i) % skus, .quantity = 1 + i % 3, .agreed_price = -1};
    i64 total = 0;
    for (u32 i = 0; i < lines; i++)
        total += rows[i].quantity * PRICE;
    struct row_tender tender = {.amount = total};
    tender.token = text64_of("tok_card", 8);
    const struct msg_checkout_req ask = {.order = order,
                                         .group_id = made % 5,
                                         .expected_total = total,
                                         .currency = FX_GBP,
                                         .capture = (u16)(made % 2)};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)rows, lines * (u32)sizeof rows[0]},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)"1 Market Street", 15}};
    send(OPCODE_CHECKOUT, &ask, spans);
    return fx.reply.status;
}

static struct id128 next_order(void)
{
    made++;
    return (struct id128){.high = 1 + made % USERS, .low = fx.now_ns / NS_PER_MS << 16 | made};
}

/* What a shopper of its own has in the cart. */
static void place_cart(void)
{
    struct id128 order = next_order();
    order.high = 1000 + made;
    cx_add(&fx, order.high, 1 + made % skus, 2);
    const struct row_tender tender = {.amount = 2 * PRICE};
    const struct msg_checkout_req ask = {.order = order,
                                         .cart_version = cx_version(&fx, order.high),
                                         .expected_total = 2 * PRICE,
                                         .currency = FX_GBP,
                                         .from_cart = 1};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender}};
    send(OPCODE_CHECKOUT, &ask, spans);
    assert_int_equal(FX_RSP(&fx, checkout, 0).head.status, STATUS_OK);
}

/* Keeps what it got; false: nothing, or no memory. */
static bool poll(void)
{
    const struct msg_command_poll_req ask = {.lease_ms = 10 * MINUTE_MS};
    if (leased_count == ARRAY_COUNT(leased))
        return false;
    (void)fx_send(&fx, OPCODE_COMMAND_POLL, &ask, 1);
    if (fx.reply.status != STATUS_OK || FX_RSP(&fx, command_poll, 0).head.status != STATUS_OK)
        return false;
    leased[leased_count++] = FX_RSP(&fx, command_poll, 0);
    return true;
}

static struct msg_payment_event_req event_of(const struct msg_command_poll_rsp *command, u16 kind)
{
    u8 name[24] = "ref_of_the_provider_0000";
    struct msg_payment_event_req event = {.order = command->order,
                                          .lease = command->lease,
                                          .amount = command->amount,
                                          .step = command->step,
                                          .attempt = command->attempt,
                                          .kind = kind,
                                          .currency = FX_GBP};
    references++;
    for (u32 at = 23, rest = (u32)references; at > 19; at--, rest /= 10)
        name[at] = (u8)('0' + rest % 10);
    event.reference = text64_of((const char *)name, sizeof name);
    return event;
}

static u16 tell(const struct msg_command_poll_rsp *command, u16 kind)
{
    const struct msg_payment_event_req event = event_of(command, kind);
    send(OPCODE_PAYMENT_EVENT, &event, NULL);
    return fx.reply.status;
}

/* One of those that are leased comes to an end, often well. */
static void work(void)
{
    static const u16 kinds[COMMAND_KIND_COUNT][3] = {
        [COMMAND_KIND_AUTHORIZE] = {PAYMENT_EVENT_AUTHORIZED, PAYMENT_EVENT_DECLINED,
                                    PAYMENT_EVENT_ACTION},
        [COMMAND_KIND_CAPTURE] = {PAYMENT_EVENT_CAPTURED, PAYMENT_EVENT_CAPTURE_FAILED,
                                  PAYMENT_EVENT_UNKNOWN},
        [COMMAND_KIND_VOID] = {PAYMENT_EVENT_VOIDED, PAYMENT_EVENT_VOID_FAILED,
                               PAYMENT_EVENT_AUTHORIZED},
        [COMMAND_KIND_REFUND] = {PAYMENT_EVENT_REFUNDED, PAYMENT_EVENT_REFUND_FAILED,
                                 PAYMENT_EVENT_CHARGED_BACK},
        [COMMAND_KIND_QUERY] = {PAYMENT_EVENT_UNKNOWN, PAYMENT_EVENT_UNKNOWN,
                                PAYMENT_EVENT_UNKNOWN}};
    if (leased_count == 0)
        return;
    const u32 at = (u32)draw(leased_count);
    const struct msg_command_poll_rsp command = leased[at];
    leased[at] = leased[--leased_count];
    const u64 mood = draw(8);
    if (mood == 7 || command.kind == COMMAND_KIND_NOTIFY_SHIPPED)
        return; /* the worker is gone */
    (void)tell(&command, kinds[command.kind][mood < 6 ? 0 : 1 + draw(2)]);
}

/* Someone does something. */
static void step(void)
{
    fx.now_ns += draw(MINUTE_MS / 4) * NS_PER_MS;
    switch (draw(16)) {
    case 0: place_cart(); break;
    case 1:
    case 2:
    case 3: assert_int_equal(place(next_order(), 1 + (u32)draw(4)), STATUS_OK); break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8: (void)poll(); break;
    case 9:
        if (leased_count != 0) {
            const struct msg_checkout_cancel_req ask = {.order = leased[0].order, .reason = 1};
            (void)fx_send(&fx, OPCODE_CHECKOUT_CANCEL, &ask, 1);
        }
        break;
    default: work();
    }
}

/* An order whose history and lines are several pieces of a dump. */
static struct id128 place_long(void)
{
    const struct id128 order = next_order();
    assert_int_equal(place(order, LINES_MOST), STATUS_OK);
    const struct msg_command_poll_rsp about = {.order = order, .step = 1, .attempt = 1};
    for (u32 i = 0; i < 900; i++) /* of no effect, but noted */
        assert_int_equal(tell(&about, PAYMENT_EVENT_VOIDED), STATUS_OK);
    return order;
}

static void fill(void)
{
    for (u32 i = 0; i < 600; i++)
        step();
    (void)place_long();
    for (u32 i = 0; i < 100; i++)
        step();
}

/* Quick to load. */
static void fill_little(void)
{
    for (u32 i = 0; i < 100; i++)
        step();
}

static u32 violations(struct shard *shard)
{
    return dx_violations(&dx, shard);
}

/* ---- dumps ---- */

/* Orders in so many states. */
static u32 states_in_use(void)
{
    const struct order_room *room = &fx.shard->orders;
    u32 seen = 0, count = 0;
    for (u32 index = 1; index < room->pool.next_fresh; index++)
        seen |= 1u << order_at(room, index)->state;
    for (; seen != 0; seen &= seen - 1)
        count++;
    return count;
}

/* What follows on a shard that was loaded is what follows on the one that never was away. */
static void assert_goes_on_alike(struct dx_load *load)
{
    for (u32 i = 0; i < 300; i++)
        step();
    dx_catch_up(&dx, load);
}

static void pieces_come_back_in_any_order(void **state)
{
    (void)state;
    struct fx_records records;
    u32 pieces = 0;
    fill();
    fx_records_read(fx.shard, &records);
    for (u32 i = 0; i < records.count; i++)
        pieces += dx_record_bytes(&records, i) > 30000 ? 1 : 0;
    assert_true(pieces >= 3); /* the long one */
    assert_true(states_in_use() > 6);
    for (u32 round = 0; round < 3; round++)
        shard_close(dx_load_shuffled(&dx, &records));
    struct dx_load last = {.shard = dx_load_shuffled(&dx, &records), .cut = fx.log_count};
    assert_goes_on_alike(&last);
    fx_records_free(&records);
}

static void a_sliced_dump_under_load_is_the_state_at_its_beginning(void **state)
{
    (void)state;
    dx.step = step;
    for (u32 round = 0; round < 5; round++) {
        fill();
        struct dx_load load =
            dx_dump_under_load(&dx, &(const struct dx_plan){.steps = 200, .slice_steps = 20});
        assert_true(load.slices > 3);
        assert_goes_on_alike(&load);
    }
    struct shard *replayed = fx_replay(&fx);
    fx_assert_digest(fx.shard, replayed);
    shard_close(replayed);
}

/* A piece that is left out or comes twice. (Of an order in one piece, nothing says that it was there.) */
static void a_missing_or_double_piece_is_noticed(void **state)
{
    (void)state;
    struct fx_records records;
    u32 tried = 0;
    fill();
    fx_records_read(fx.shard, &records);
    for (u32 i = 0; i < records.count && tried < 40; i++) {
        const u32 bytes = dx_record_bytes(&records, i);
        if (dx_view(&records, i).kind != DUMP_KIND_ORDER || (bytes < 20000 && draw(6) != 0))
            continue;
        const char *reason = dx_load_without(&dx, &records, i);
        if (bytes > 20000)
            assert_non_null(reason);
        dx_assert_not_twice(&dx, &records, i);
        tried++;
    }
    assert_true(tried > 10);
    fx_records_free(&records);
}

/* A first piece that says that gigabytes will follow is not believed. */
static void a_length_that_no_order_has_is_refused(void **state)
{
    (void)state;
    const u32 most = UINT32_MAX - 7;
    struct fx_records records;
    fill_little();
    fx_records_read(fx.shard, &records);
    u32 at = 0;
    while (dx_view(&records, at).kind != DUMP_KIND_ORDER)
        at++; /* ends: there are orders */
    u8 *record = records.dump.bytes + records.begins[at];
    struct shard *shard = shard_open(&fx.options);
    const u64 before = shard_memory_used(shard);
    memcpy(record + sizeof(struct dump_head) + sizeof(struct id128), &most, sizeof most);
    assert_non_null(dx_load_record(shard, &records, at));
    assert_true(shard_memory_used(shard) - before < 64u << 20);
    shard_close(shard);
    fx_records_free(&records);
}

static void garbage_is_refused_or_sound(void **state)
{
    (void)state;
    struct fx_records records;
    u32 noticed = 0, tried = 0;
    fx_close(&fx);
    open_shop((struct shard_options){.count = 1}, 8);
    fill_little();
    fx_records_read(fx.shard, &records);
    while (tried < 1500) { /* ends: most records are orders */
        const u32 at = (u32)draw(records.count);
        if (dx_view(&records, at).kind < DUMP_KIND_ORDER && draw(100) != 0)
            continue;
        tried++;
        noticed += dx_damage(&dx, &records, at, draw(2) == 0 ? UINT32_MAX : 400u) ? 1 : 0;
    }
    assert_in_range(noticed, tried / 3, tried);
    fx_records_free(&records);
}

/* ---- sums ---- */

/* Breaks one number, looks, and puts it back. */
#define BREAK(place, by)                                           \
    do {                                                           \
        (place) += (by);                                           \
        assert_int_not_equal(violations(fx.shard), 0);             \
        assert_false(id128_equal(shard_digest(fx.shard), digest)); \
        (place) -= (by);                                           \
        assert_int_equal(violations(fx.shard), 0);                 \
        assert_true(id128_equal(shard_digest(fx.shard), digest));  \
    } while (0)

static void verify_and_digest_see_a_wrong_number(void **state)
{
    (void)state;
    struct order_room *room = &fx.shard->orders;
    fill();
    made += made % 2; /* captured at once */
    made++;
    const struct id128 id = next_order();
    assert_int_equal(place(id, 3), STATUS_OK);
    struct order *order = order_at(room, order_find(room, id));
    while (poll() || leased_count == ARRAY_COUNT(leased)) { /* ends: it is the last one */
        const struct msg_command_poll_rsp command = leased[--leased_count];
        if (id128_equal(command.order, id))
            (void)tell(&command, PAYMENT_EVENT_AUTHORIZED);
        if (order->state == SAGA_STATE_CAPTURING)
            break;
    }
    assert_int_equal(order->state, SAGA_STATE_CAPTURING);
    const struct id128 digest = shard_digest(fx.shard);
    assert_int_equal(violations(fx.shard), 0);
    struct order_tender *tender = order_tenders(order);
    struct order_command *command = order_command_at(room, order->first_command);
    BREAK(tender->capturing, 1);
    BREAK(tender->refunding, 1);
    BREAK(tender->captured, PRICE * 100);
    BREAK(tender->overcharge_back, 1);
    BREAK(order->total, -1);
    BREAK(order->goods, 1);
    BREAK(order_lines(order)[1].allocated, 1);
    BREAK(order_lines(order)[2].delivered, 1);
    BREAK(order->last_step, 1);
    BREAK(order->owner, 1);
    BREAK(command->step, 1);
    BREAK(order->timer_ns, 5);
    command->amount++; /* no sum, but what was asked for */
    assert_false(id128_equal(shard_digest(fx.shard), digest));
    command->amount--;
    room->counts.waiting_orders++; /* soft: not in the digest */
    assert_int_not_equal(violations(fx.shard), 0);
    room->counts.waiting_orders--;
}

/* ---- memory ---- */

static void orders_do_not_grow_beyond_the_limit_of_memory(void **state)
{
    (void)state;
    const u64 limit = 48u << 20;
    u32 orders = 0, refused = 0;
    fx_close(&fx);
    open_shop((struct shard_options){.count = 1, .memory_max = limit}, 300);
    fx.is_local = true;
    for (u32 i = 0; i < 60000 && refused < 200; i++) {
        const u16 status = place(next_order(), 1 + i % 3);
        orders += status == STATUS_OK ? 1 : 0;
        refused += status == STATUS_MEMORY_LIMIT ? 1 : 0;
        assert_true(status == STATUS_OK || status == STATUS_MEMORY_LIMIT);
        for (u32 turn = 0; turn < 2; turn++) {
            if (poll())
                (void)tell(&leased[--leased_count],
                           turn == 0 ? PAYMENT_EVENT_AUTHORIZED : PAYMENT_EVENT_CAPTURED);
            assert_true(shard_memory_used(fx.shard) <= limit);
        }
    }
    assert_int_equal(refused, 200);
    assert_true(orders > 1000); /* and it was of use before */
    assert_int_equal(violations(fx.shard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_come_back_in_any_order, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_sliced_dump_under_load_is_the_state_at_its_beginning,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_missing_or_double_piece_is_noticed, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_length_that_no_order_has_is_refused, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(garbage_is_refused_or_sound, open_world, close_world),
        cmocka_unit_test_setup_teardown(verify_and_digest_see_a_wrong_number, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(orders_do_not_grow_beyond_the_limit_of_memory, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
