/* test_catalog_live: what a product knows of its SKUs on other shards, and when it is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/catalog_live.h"
#include "tests/unit/shards/catalog_town.h"

static struct ct ct;

static int open_town(void **state)
{
    (void)state;
    ct_open(&ct);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    ct_close(&ct);
    return 0;
}

#define NONE ct_text("")

static void a_sku_of_another_shard_tells_price_and_state(void **state)
{
    (void)state;
    const u64 product = ct_product_on(0, 10), sku = ct_sku_on(1, 10), other = ct_sku_on(2, 10);
    assert_int_equal(ct_product(&ct, product, VERSION_ABSENT, NONE), STATUS_OK);
    assert_int_equal(ct_card(&ct, product).price_from, 500);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_NONE);
    assert_int_equal(ct_card(&ct, product).is_buyable, 0);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 700, .low_at = 2});
    town_carry_all(ct.town);
    assert_int_equal(ct_card(&ct, product).price_from, 700);
    ct_sku(&ct, (struct ct_sku){.id = other, .product = product, .price = 300});
    assert_int_equal(ct_receive(&ct, sku, 2), STATUS_OK);
    assert_int_equal(ct_card(&ct, product).price_from, 700); /* nothing has been carried */
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_NONE);
    town_carry_all(ct.town);
    assert_int_equal(ct_card(&ct, product).price_from, 300);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_LOW);
    assert_int_equal(ct_card(&ct, product).is_buyable, 1);
    assert_int_equal(ct_receive(&ct, other, 1), STATUS_OK);
    town_carry_all(ct.town);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_SOME); /* the best of both */
    /* Another currency is no price to compare with. */
    assert_int_equal(ct_patch(&ct, (struct msg_product_patch_req){.product_id = product,
                                                                  .fields = PATCH_FIELD_PRICE,
                                                                  .price = 9,
                                                                  .currency = 978}),
                     STATUS_OK);
    assert_int_equal(ct_card(&ct, product).price_from, 9);
}

static void only_an_edge_is_told(void **state)
{
    (void)state;
    const u64 product = ct_product_on(0, 10), sku = ct_sku_on(1, 10);
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, NONE), STATUS_OK);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 1, .low_at = 3});
    assert_int_equal(ct_mail_sent(&ct, 1), 1);
    /* The same again says nothing; a price does. */
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 1, .low_at = 3});
    assert_int_equal(ct_mail_sent(&ct, 1), 1);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 2, .low_at = 3});
    assert_int_equal(ct_mail_sent(&ct, 1), 2);
    u64 sent = 2;
    assert_int_equal(ct_receive(&ct, sku, 6), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent); /* none -> some */
    for (u32 i = 0; i < 2; i++)
        assert_int_equal(ct_take(&ct, sku, 1), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), sent);
    assert_int_equal(ct_take(&ct, sku, 1), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent); /* 3 left: low */
    assert_int_equal(ct_take(&ct, sku, 2), STATUS_OK);
    assert_int_equal(ct_take(&ct, sku, 5), STATUS_SOLD_OUT);
    assert_int_equal(ct_mail_sent(&ct, 1), sent);
    assert_int_equal(ct_take(&ct, sku, 1), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent); /* none */
    /* A level that is said to be low says so without a sale. */
    assert_int_equal(ct_receive(&ct, sku, 10), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 2, .low_at = 20});
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent);
    town_carry_all(ct.town);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_LOW);
    /* No product, nobody to tell. */
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = 0, .price = 2, .low_at = 20});
    assert_int_equal(ct_mail_sent(&ct, 1), ++sent); /* it is gone */
    assert_int_equal(ct_take(&ct, sku, 10), STATUS_OK);
    assert_int_equal(ct_mail_sent(&ct, 1), sent);
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    u32 count;
    (void)ct_skus(&ct, &count);
    assert_int_equal(count, 0);
}

static void a_lease_that_ends_is_told_however_it_is_sliced(void **state)
{
    (void)state;
    u64 product[4], sku[40];
    for (u32 i = 0; i < ARRAY_COUNT(product); i++) {
        product[i] = ct_product_on((u16)(i % CT_SHARDS), 100 * i + 10);
        assert_int_equal(ct_product(&ct, product[i], VERSION_ANY, NONE), STATUS_OK);
    }
    for (u32 i = 0; i < ARRAY_COUNT(sku); i++) {
        sku[i] = ct_sku_on((u16)(i % 2), 1000 + 10 * i);
        ct_sku(&ct, (struct ct_sku){.id = sku[i], .product = product[i % 4], .price = 5});
        assert_int_equal(ct_receive(&ct, sku[i], 4), STATUS_OK);
        assert_int_equal(ct_hold(&ct, sku[i], 3, 2 * i + 1, 5000), STATUS_OK);
        assert_int_equal(ct_hold(&ct, sku[i], 1, 2 * i + 2, 5000), STATUS_OK);
    }
    town_carry_all(ct.town);
    for (u32 i = 0; i < ARRAY_COUNT(product); i++)
        assert_int_equal(ct_card(&ct, product[i]).state, STOCK_STATE_NONE);
    const u64 sent = ct_mail_sent(&ct, 0) + ct_mail_sent(&ct, 1);
    for (u16 i = 0; i < CT_SHARDS; i++)
        town_thaw(ct.town, i); /* leases of one moment lie in another order now */
    town_wait(ct.town, 5000 * NS_PER_MS);
    town_carry_all(ct.town);
    for (u32 i = 0; i < ARRAY_COUNT(product); i++)
        assert_int_equal(ct_card(&ct, product[i]).state, STOCK_STATE_SOME);
    /* Each SKU of another shard than its product's once, though two leases of it have ended. */
    u64 others = 0;
    for (u32 i = 0; i < ARRAY_COUNT(sku); i++)
        others += ct_sku_home(sku[i]) != ct_home(product[i % 4]);
    assert_int_equal(ct_mail_sent(&ct, 0) + ct_mail_sent(&ct, 1) - sent, others);
}

static void a_sku_may_come_before_its_product(void **state)
{
    (void)state;
    const u64 product = ct_product_on(2, 10), sku = ct_sku_on(0, 10);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 70});
    assert_int_equal(ct_receive(&ct, sku, 1), STATUS_OK);
    town_carry_all(ct.town);
    struct msg_product_get_rsp got;
    struct record_view view;
    assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_GET, 0,
                              &(const struct msg_product_get_req){.product_id = product}, NULL,
                              &got, &view),
                     STATUS_NOT_FOUND);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_NOT_FOUND);
    assert_int_equal(ct_patch(&ct, (struct msg_product_patch_req){.product_id = product,
                                                                  .fields = PATCH_FIELD_MARGIN}),
                     STATUS_NOT_FOUND);
    town_thaw(ct.town, 2);
    assert_int_equal(ct_product(&ct, product, 7, NONE), STATUS_NOT_FOUND);
    assert_int_equal(ct_product(&ct, product, VERSION_ABSENT, NONE), STATUS_OK);
    assert_int_equal(ct_card(&ct, product).price_from, 70);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_SOME);
    /* The SKUs outlive the product. */
    struct msg_product_delete_rsp deleted;
    assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_DELETE, 0,
                              &(const struct msg_product_delete_req){.product_id = product}, NULL,
                              &deleted, NULL),
                     STATUS_OK);
    assert_int_equal(ct_card(&ct, product).head.status, STATUS_NOT_FOUND);
    assert_int_equal(ct_take(&ct, sku, 1), STATUS_OK);
    town_carry_all(ct.town);
    assert_int_equal(ct_product(&ct, product, VERSION_ABSENT, NONE), STATUS_OK);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_NONE);
    assert_int_equal(ct_card(&ct, product).price_from, 70);
}

static void a_page_knows_so_many_skus_sorted_by_code(void **state)
{
    (void)state;
    const u64 product = ct_product_on(0, 10);
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, NONE), STATUS_OK);
    for (u64 i = 0; i < PRODUCT_SKUS_MAX + 10; i++)
        ct_sku(&ct, (struct ct_sku){.id = 5000 - i * 7, .product = product, .price = 5});
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    u32 count;
    const struct row_page_sku *rows = ct_skus(&ct, &count);
    assert_int_equal(count, PRODUCT_SKUS_MAX);
    for (u32 i = 1; i < count; i++)
        assert_true(memcmp(rows[i - 1].code.bytes, rows[i].code.bytes, TEXT64_BYTES) < 0);
    /* One goes, the next that says something comes in its place. */
    ct_sku(&ct, (struct ct_sku){.id = rows[0].sku_id, .product = 0, .price = 5});
    town_carry_all(ct.town);
    ct_sku(&ct, (struct ct_sku){.id = 9999, .product = product, .price = 1});
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    rows = ct_skus(&ct, &count);
    assert_int_equal(count, PRODUCT_SKUS_MAX);
    assert_int_equal(rows[count - 1].sku_id, 9999);
    assert_int_equal(ct.page.price_from, 1);
}

static void a_budget_is_no_sku(void **state)
{
    (void)state;
    const u64 product = ct_product_on(0, 10), sku = ct_sku_on(1, 10);
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, NONE), STATUS_OK);
    ct_sku(&ct, (struct ct_sku){.id = 77, .product = product, .kind = RESOURCE_KIND_AD_BUDGET});
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 5});
    const struct msg_stock_receive_req receive = {
        .resource = {.id = 77, .kind = RESOURCE_KIND_AD_BUDGET}, .quantity = 100};
    struct msg_stock_receive_rsp received;
    assert_int_equal(town_ask(ct.town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, &received, NULL),
                     STATUS_OK);
    town_carry_all(ct.town);
    assert_int_equal(ct_card(&ct, product).state, STOCK_STATE_NONE);
    assert_int_equal(ct_card(&ct, product).price_from, 5);
    u32 count;
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    assert_int_equal(ct_skus(&ct, &count)->sku_id, sku);
    assert_int_equal(count, 1);
    /* Other resources have no product, whatever they say. */
    ct_sku(&ct, (struct ct_sku){.id = 78, .product = product, .kind = RESOURCE_KIND_COUPON});
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    (void)ct_skus(&ct, &count);
    assert_int_equal(count, 1);
}

/* ---- everything at random, against what the SKUs themselves say ---- */

#define PRODUCTS 7u
#define SKUS     24u

struct world {
    u64 product[PRODUCTS];
    u64 sku[SKUS];
    u64 of[SKUS];     /* product, 0 = none */
    u16 low_at[SKUS]; /* as put */
    bool is_put[SKUS];
};

static void step(struct world *world, u64 number)
{
    const u32 i = (u32)town_below(ct.town, SKUS);
    const u32 p = (u32)town_below(ct.town, PRODUCTS + 1);
    switch (town_below(ct.town, 14)) {
    case 0:
    case 1:
        world->of[i] = p < PRODUCTS ? world->product[p] : 0;
        world->low_at[i] = (u16)town_below(ct.town, 4);
        world->is_put[i] = true;
        ct_sku(&ct, (struct ct_sku){.id = world->sku[i],
                                    .product = world->of[i],
                                    .price = (i64)town_below(ct.town, 4),
                                    .low_at = world->low_at[i]});
        return;
    case 2:
    case 3: (void)ct_receive(&ct, world->sku[i], 1 + (i64)town_below(ct.town, 5)); return;
    case 4:
    case 5: (void)ct_take(&ct, world->sku[i], 1 + (i64)town_below(ct.town, 3)); return;
    case 6:
    case 7:
        (void)ct_hold(&ct, world->sku[i], 1 + (i64)town_below(ct.town, 3), number,
                      100 * (1 + town_below(ct.town, 5)));
        return;
    case 8: town_wait(ct.town, 100 * NS_PER_MS); return;
    case 9:
        if (p < PRODUCTS)
            (void)ct_product(&ct, world->product[p], VERSION_ANY, NONE);
        return;
    case 10:
        if (town_chance(ct.town, 10))
            town_restart(ct.town, (u16)town_below(ct.town, CT_SHARDS));
        else if (town_chance(ct.town, 20))
            town_thaw(ct.town, (u16)town_below(ct.town, CT_SHARDS));
        return;
    default: (void)town_carry(ct.town); return;
    }
}

static void compare(const struct world *world, u64 product)
{
    u32 count, expected = 0;
    u16 best = STOCK_STATE_NONE;
    i64 lowest = INT64_MAX;
    if (ct_product(&ct, product, VERSION_ANY, NONE) != STATUS_OK)
        fail();
    assert_int_equal(ct_page(&ct,
                             (struct msg_product_page_req){.product_id = product,
                                                           .flags = PAGE_FLAG_EXACT_STOCK},
                             ""),
                     STATUS_OK);
    const struct row_page_sku *rows = ct_skus(&ct, &count);
    for (u32 i = 0; i < SKUS; i++) {
        if (!world->is_put[i] || world->of[i] != product)
            continue;
        struct msg_sku_get_rsp is;
        struct record_view view;
        assert_int_equal(
            town_ask(ct.town, OPCODE_SKU_GET, 0,
                     &(const struct msg_sku_get_req){.resource = fx_sku(world->sku[i])}, NULL, &is,
                     &view),
            STATUS_OK);
        u32 at = 0;
        while (at < count && rows[at].sku_id != world->sku[i])
            at++;
        assert_true(at < count);
        const u16 real = is.sellable < 1                   ? STOCK_STATE_NONE
                         : is.sellable <= world->low_at[i] ? STOCK_STATE_LOW
                                                           : STOCK_STATE_SOME;
        assert_int_equal(is.low_at, world->low_at[i]);
        assert_int_equal(rows[at].state, real);
        assert_int_equal(rows[at].price, is.price);
        assert_int_equal(rows[at].sellable, is.sellable);
        best = MAX(best, real);
        lowest = MIN(lowest, is.price);
        expected++;
    }
    assert_int_equal(count, expected);
    assert_int_equal(ct.page.state, best);
    assert_int_equal(ct.page.price_from, expected != 0 ? lowest : 500);
}

static void products_know_what_is_true_after_anything(void **state)
{
    static struct world world;
    (void)state;
    for (u32 i = 0; i < PRODUCTS; i++)
        world.product[i] = ct_product_on((u16)(i % CT_SHARDS), 100 * i + 1);
    for (u32 i = 0; i < SKUS; i++)
        world.sku[i] = 5000 + i;
    for (u64 n = 1; n <= 6000; n++)
        step(&world, n);
    town_carry_all(ct.town);
    town_wait(ct.town, NS_PER_S);
    town_carry_all(ct.town);
    for (u32 i = 0; i < PRODUCTS; i++)
        compare(&world, world.product[i]);
}

/* ---- one shard ---- */

static void a_linked_frame_that_fails_tells_nothing(void **state)
{
    static struct fx fx;
    (void)state;
    fx_open(&fx);
    const struct msg_sku_put_req put = {
        .resource = fx_sku(1), .product_id = 5, .price = 250, .currency = FX_GBP};
    assert_int_equal(fx_sku_put(&fx, put, "MUG").head.status, STATUS_OK);
    const u32 index = catalog_find(&fx.shard->catalog, route_hash_u64(5), 5);
    const struct product *product = product_at(&fx.shard->catalog, index);
    assert_int_equal(product->page_version, 1);
    (void)FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, .resource = fx_sku(1), .quantity = 2);
    assert_int_equal(product->page_version, 2);
    assert_int_equal(product->state, STOCK_STATE_SOME);
    const struct msg_take_req takes[] = {{.resource = fx_sku(1), .quantity = 2},
                                         {.resource = fx_sku(1), .quantity = 1}};
    fx.is_linked = true;
    (void)fx_send(&fx, OPCODE_TAKE, takes, 2);
    fx.is_linked = false;
    assert_int_equal(FX_RSP(&fx, take, 1).head.status, STATUS_SOLD_OUT);
    assert_int_equal(product->page_version, 2);
    assert_false(heap_count(&fx.shard->stock.marked[0]) != 0);
    /* And one that goes there and back within a frame. */
    const struct msg_stock_adjust_req there[] = {{.resource = fx_sku(1), .delta = -2},
                                                 {.resource = fx_sku(1), .delta = 2}};
    (void)fx_send(&fx, OPCODE_STOCK_ADJUST, there, 2);
    assert_int_equal(product->page_version, 2);
    fx.is_linked = true;
    (void)fx_send(&fx, OPCODE_TAKE, takes, 1);
    fx.is_linked = false;
    assert_int_equal(product->page_version, 3);
    assert_int_equal(product->state, STOCK_STATE_NONE);
    /* A SKU that is taken back was never there. */
    u8 body[512];
    u32 bytes = 0;
    const struct msg_sku_put_req puts[] = {
        {.resource = fx_sku(2), .product_id = 5, .price = 250, .currency = FX_GBP},
        {.resource = fx_sku(3), .product_id = 5, .price = -1, .currency = FX_GBP}};
    for (u32 i = 0; i < ARRAY_COUNT(puts); i++) {
        const struct span code = ct_text(i == 0 ? "CUP" : "BAD");
        bytes += frame_record_write(message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST,
                                    body + bytes, (u32)sizeof body - bytes, &puts[i], &code);
    }
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    fx.is_linked = true;
    (void)fx_frame(&fx, OPCODE_SKU_PUT, body, bytes, 2);
    fx.is_linked = false;
    assert_int_equal(FX_RSP(&fx, sku_put, 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(product->page_version, 3);
    assert_int_equal(product->sku_count, 1);
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx), *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, again);
    fx_assert_digest(fx.shard, loaded);
    shard_close(again);
    shard_close(loaded);
    fx_close(&fx);
}

/* Of a frame of many records, whatever their order. */
static void every_sku_of_a_frame_is_looked_at(void **state)
{
    static struct fx fx;
    (void)state;
    fx_open(&fx);
    const char *const codes[] = {"A", "B", "C"};
    for (u64 i = 0; i < 3; i++) {
        const struct msg_sku_put_req put = {
            .resource = fx_sku(1 + i), .product_id = 5 + i, .price = 250, .currency = FX_GBP};
        assert_int_equal(fx_sku_put(&fx, put, codes[i]).head.status, STATUS_OK);
        (void)FX_ONE(&fx, OPCODE_STOCK_RECEIVE, stock_receive, .resource = fx_sku(1 + i),
                     .quantity = 20);
    }
    struct msg_take_req takes[60];
    for (u32 i = 0; i < ARRAY_COUNT(takes); i++)
        takes[i] = (struct msg_take_req){.resource = fx_sku(1 + i / 20), .quantity = 1};
    (void)fx_send(&fx, OPCODE_TAKE, takes, ARRAY_COUNT(takes));
    for (u64 i = 0; i < 3; i++) {
        const u32 index = catalog_find(&fx.shard->catalog, route_hash_u64(5 + i), 5 + i);
        assert_int_equal(product_at(&fx.shard->catalog, index)->state, STOCK_STATE_NONE);
        assert_int_equal(product_at(&fx.shard->catalog, index)->page_version, 3);
    }
    (void)fx_verify(&fx);
    fx_close(&fx);
}

static void a_rating_is_shown_and_counted(void **state)
{
    static struct fx fx;
    (void)state;
    fx_open(&fx);
    const struct msg_sku_put_req put = {
        .resource = fx_sku(1), .product_id = 5, .price = 250, .currency = FX_GBP};
    assert_int_equal(fx_sku_put(&fx, put, "MUG").head.status, STATUS_OK);
    const u32 index = catalog_find(&fx.shard->catalog, route_hash_u64(5), 5);
    const struct product *product = product_at(&fx.shard->catalog, index);
    catalog_set_rating(fx.shard, index, 9, 2);
    catalog_tell_touched(fx.shard);
    assert_int_equal(product->page_version, 2);
    catalog_set_rating(fx.shard, index, 9, 2);
    assert_int_equal(product->page_version, 2);
    expect_assert_failure(catalog_set_rating(fx.shard, index, 11, 2));
    /* It is state. */
    const struct id128 before = shard_digest(fx.shard);
    catalog_set_rating(fx.shard, index, 10, 2);
    catalog_tell_touched(fx.shard);
    const struct id128 after = shard_digest(fx.shard);
    assert_false(id128_equal(before, after));
    fx_close(&fx);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sku_of_another_shard_tells_price_and_state),
        T(only_an_edge_is_told),
        T(a_lease_that_ends_is_told_however_it_is_sliced),
        T(a_sku_may_come_before_its_product),
        T(a_page_knows_so_many_skus_sorted_by_code),
        T(a_budget_is_no_sku),
        T(products_know_what_is_true_after_anything),
        cmocka_unit_test(a_linked_frame_that_fails_tells_nothing),
        cmocka_unit_test(every_sku_of_a_frame_is_looked_at),
        cmocka_unit_test(a_rating_is_shown_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
