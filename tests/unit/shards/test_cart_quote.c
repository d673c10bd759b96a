/* test_cart_quote: what a cart costs now, and what is wrong with its lines. The prices themselves are
 * test_pricing's business.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/cart_fixture.h"

#define USER  0x1111ull
#define MUG   11ull
#define LAMP  12ull
#define CHAIR 13ull

static struct fx fx;
static struct row_sku_now skus[CART_LINES_MAX];
static u32 sku_count;
static struct row_quote_line lines[CART_LINES_MAX];
static u32 line_count;
static struct row_amount amounts[ORDER_AMOUNTS_MAX];
static u32 amount_count;

static int open_world(void **state)
{
    (void)state;
    fx_open(&fx);
    sku_count = 0;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

static void know(u64 sku_id, i64 price, i64 sellable)
{
    skus[sku_count++] = (struct row_sku_now){
        .sku_id = sku_id, .price = price, .sellable = sellable, .currency = FX_GBP};
}

static struct msg_cart_quote_rsp quote_in(u64 user_id, u16 currency)
{
    static u8 body[FX_BODY_MAX];
    const struct msg_cart_quote_req ask = {.user_id = user_id, .currency = currency};
    const struct span span = {(const u8 *)skus, sku_count * (u32)sizeof *skus};
    const u32 bytes = frame_record_write(message_find(OPCODE_CART_QUOTE), FRAME_DIRECTION_REQUEST,
                                         body, sizeof body, &ask, &span);
    const struct frame_header header = {.opcode = OPCODE_CART_QUOTE, .record_count = 1};
    assert_int_not_equal(bytes, 0);
    assert_int_equal(shard_read(fx.shard, &header, body, bytes, fx.now_ns, false, fx.read_body,
                                FX_BODY_MAX, &fx.reply),
                     SHARD_READ_DONE);
    line_count =
        cx_rows(&fx, OPCODE_CART_QUOTE, SPAN_OF(cart_quote_rsp, lines), lines, sizeof *lines);
    amount_count =
        cx_rows(&fx, OPCODE_CART_QUOTE, SPAN_OF(cart_quote_rsp, amounts), amounts, sizeof *amounts);
    return *(const struct msg_cart_quote_rsp *)(const void *)fx.read_body;
}

static struct msg_cart_quote_rsp quote(void)
{
    const struct msg_cart_quote_rsp reply = quote_in(USER, FX_GBP);
    assert_int_equal(reply.head.status, STATUS_OK);
    return reply;
}

static void see(u64 sku_id, i64 quantity, i64 price, u16 currency)
{
    assert_int_equal(CX_ADD(&fx, .user_id = USER, .sku_id = sku_id, .quantity = quantity,
                            .price_seen = price, .currency = currency)
                         .head.status,
                     STATUS_OK);
}

static void a_quote_prices_the_lines_that_are_not_saved(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 2);
    cx_add(&fx, USER, CHAIR, 9);
    cx_add(&fx, USER, LAMP, 3);
    cx_save(&fx, USER, CHAIR);
    know(LAMP, 1000, 50);
    know(MUG, 250, 50);
    const struct msg_cart_quote_rsp reply = quote();
    assert_int_equal(reply.version, 4);
    assert_int_equal(reply.goods, 3500);
    assert_int_equal(reply.discount, 0);
    assert_int_equal(reply.total, 3500);
    assert_int_equal(reply.currency, FX_GBP);
    assert_int_equal(reply.problems, 0);
    assert_int_equal(line_count, 2);
    assert_int_equal(lines[0].sku_id, MUG);
    assert_int_equal(lines[0].quantity, 2);
    assert_int_equal(lines[0].unit_price, 250);
    assert_int_equal(lines[0].total, 500);
    assert_int_equal(lines[0].sellable, 50);
    assert_int_equal(lines[0].price_seen, -1);
    assert_int_equal(lines[1].total, 3000);
    assert_int_equal(amount_count, 2);
    assert_int_equal(amounts[1].amount, 3000);
    assert_int_equal(amounts[1].line, 1);
    assert_int_equal(amounts[1].kind, AMOUNT_KIND_BASE);
}

static void no_cart_costs_nothing(void **state)
{
    (void)state;
    const struct msg_cart_quote_rsp reply = quote();
    assert_int_equal(reply.version, 0);
    assert_int_equal(reply.total, 0);
    assert_int_equal(line_count, 0);
    assert_int_equal(reply.problems, 0);
}

static void each_problem_has_its_bit(void **state)
{
    (void)state;
    see(1, 1, 100, FX_GBP); /* as seen */
    see(2, 1, 100, FX_GBP); /* dearer */
    see(3, 1, 100, CX_EUR); /* seen in another currency: not compared */
    see(4, 2, 100, FX_GBP); /* sold out */
    see(5, 3, 100, FX_GBP); /* fewer */
    see(6, 1, 100, FX_GBP); /* no such SKU */
    see(7, 1, 100, FX_GBP); /* the caller said nothing */
    see(8, 1, 100, FX_GBP); /* costs another currency */
    see(9, QUANTITY_MAX, 100, FX_GBP);
    know(1, 100, 1);
    know(2, 101, 1);
    know(3, 99, 1);
    know(4, 100, 0);
    know(5, 100, 2);
    know(6, -1, 0);
    know(8, 100, 1);
    skus[sku_count - 1].currency = CX_EUR;
    know(9, PRICE_MAX, QUANTITY_MAX);
    const struct msg_cart_quote_rsp reply = quote();
    static const u32 bits[] = {0, 1, 0, 2, 4, 8, 8, 16, 32};
    assert_int_equal(line_count, ARRAY_COUNT(bits));
    for (u32 i = 0; i < line_count; i++)
        assert_int_equal(lines[i].problems, bits[i]);
    assert_int_equal(reply.problems, 63);
    assert_int_equal(reply.goods, 100 + 101 + 99 + 200 + 300);
    assert_int_equal(lines[5].total, 0);
    assert_int_equal(lines[7].total, 0);
    assert_int_equal(lines[8].total, 0);
}

static void lines_of_one_sku_want_together(void **state)
{
    (void)state;
    for (u64 options = 0; options < 3; options++)
        assert_int_equal(
            CX_ADD(&fx, .user_id = USER, .sku_id = MUG, .options = options, .quantity = 2)
                .head.status,
            STATUS_OK);
    know(MUG, 100, 6);
    assert_int_equal(quote().problems, 0);
    know(MUG, 100, 99); /* the first row counts */
    skus[0].sellable = 5;
    assert_int_equal(quote().problems, QUOTE_PROBLEM_FEWER);
    for (u32 i = 0; i < 3; i++)
        assert_int_equal(lines[i].problems, QUOTE_PROBLEM_FEWER);
}

static void put_promotion(u64 home_id, u64 coupon_id, i64 threshold)
{
    const struct msg_promotion_put_req put = {.home_id = home_id,
                                              .value = 1000,
                                              .threshold = threshold,
                                              .coupon_id = coupon_id,
                                              .kind = PROMOTION_KIND_PERCENT,
                                              .currency = FX_GBP,
                                              .name = {"TENTH"}};
    (void)fx_send(&fx, OPCODE_PROMOTION_PUT, &put, 1);
    assert_int_equal(FX_RSP(&fx, promotion_put, 0).head.status, STATUS_OK);
}

static void coupons_give_or_are_a_problem(void **state)
{
    (void)state;
    put_promotion(1, 70, 0);
    put_promotion(2, 71, 100000);
    cx_add(&fx, USER, MUG, 2);
    know(MUG, 1000, 5);
    assert_int_equal(quote().discount, 0);
    cx_coupon(&fx, USER, 70);
    struct msg_cart_quote_rsp reply = quote();
    assert_int_equal(reply.discount, 200);
    assert_int_equal(reply.total, 1800);
    assert_int_equal(reply.problems, 0);
    assert_int_equal(lines[0].discount, 200);
    assert_int_equal(lines[0].total, 1800);
    cx_coupon(&fx, USER, 71); /* gives nothing yet */
    reply = quote();
    assert_int_equal(reply.discount, 200);
    assert_int_equal(reply.problems, QUOTE_PROBLEM_COUPON);
    (void)CX_COUPON(&fx, .user_id = USER, .coupon_id = 71);
    assert_int_equal(quote().problems, 0);
    cx_coupon(&fx, USER, 99); /* of no promotion */
    reply = quote();
    assert_int_equal(reply.discount, 200);
    assert_int_equal(reply.problems, QUOTE_PROBLEM_COUPON);
}

static void sums_beyond_their_range_are_exceeds(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    cx_add(&fx, USER, LAMP, 1);
    know(MUG, PRICE_MAX, 1);
    know(LAMP, 1, 1);
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_EXCEEDS);
    assert_int_equal(line_count, 0);
}

static void rows_out_of_range_are_refused(void **state)
{
    (void)state;
    cx_add(&fx, USER, MUG, 1);
    assert_int_equal(quote_in(USER, 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(quote_in(0, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    know(MUG, 100, 1);
    skus[0].sku_id = 0;
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    skus[0] = (struct row_sku_now){.sku_id = MUG, .price = -2, .currency = FX_GBP};
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    skus[0].price = PRICE_MAX + 1;
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    skus[0] = (struct row_sku_now){.sku_id = MUG, .price = 5};
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    skus[0].currency = FX_GBP;
    skus[0].sellable = COUNTER_MAX + 1;
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_BAD_ARGUMENT);
    skus[0].sellable = -5; /* oversold: fine */
    assert_int_equal(quote_in(USER, FX_GBP).head.status, STATUS_OK);
    assert_int_equal(lines[0].problems, QUOTE_PROBLEM_OUT_OF_STOCK);
}

static void a_tombstone_has_no_quote(void **state)
{
    (void)state;
    cx_add(&fx, cx_guest(5), MUG, 1);
    (void)CX_MERGE(&fx, .user_id = cx_guest(5), .target_id = USER, .strategy = MERGE_SUM);
    assert_int_equal(quote_in(cx_guest(5), FX_GBP).head.status, STATUS_CART_MERGED);
    know(MUG, 100, 1);
    assert_int_equal(quote().total, 100);
}

static void the_largest_cart_is_quoted(void **state)
{
    (void)state;
    for (u64 i = 1; i <= CART_LINES_MAX; i++) {
        cx_add(&fx, USER, i * 4096, 2); /* ids that a poor table would put on one heap */
        know((CART_LINES_MAX + 1 - i) * 4096, 10, 5);
    }
    const struct msg_cart_quote_rsp reply = quote();
    assert_int_equal(line_count, CART_LINES_MAX);
    assert_int_equal(reply.total, 20 * CART_LINES_MAX);
    assert_int_equal(reply.problems, 0);
    assert_int_equal(amount_count, CART_LINES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quote_prices_the_lines_that_are_not_saved),
        TEST(no_cart_costs_nothing),
        TEST(each_problem_has_its_bit),
        TEST(lines_of_one_sku_want_together),
        TEST(coupons_give_or_are_a_problem),
        TEST(sums_beyond_their_range_are_exceeds),
        TEST(rows_out_of_range_are_refused),
        TEST(a_tombstone_has_no_quote),
        TEST(the_largest_cart_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
