/* test_catalog: product_put, patch, delete, get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/shard_fixture.h"

static struct fx fx;

static int open_shard(void **state)
{
    (void)state;
    fx_open(&fx);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
    struct shard *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_close(&fx);
    return 0;
}

static struct span text(const char *from)
{
    return (struct span){.data = (const u8 *)from, .bytes = (u32)strlen(from)};
}

/* A product with texts; its id is 5 unless said otherwise. */
struct product_texts {
    const char *code, *title, *brand, *category, *attributes, *description, *slug, *external_key,
        *page;
};

static u32 write_put(u8 *to, const struct msg_product_put_req *put,
                     const struct product_texts *texts)
{
    const struct span spans[] = {
        text(texts->code),     text(texts->title),        text(texts->brand),
        text(texts->category), text(texts->attributes),   text(texts->description),
        text(texts->slug),     text(texts->external_key), text(texts->page)};
    const u32 bytes = frame_record_write(message_find(OPCODE_PRODUCT_PUT), FRAME_DIRECTION_REQUEST,
                                         to, 8192, put, spans);
    assert_int_not_equal(bytes, 0);
    return bytes;
}

static struct msg_product_put_rsp put(u64 product_id, u64 if_version,
                                      const struct product_texts *texts)
{
    u8 body[8192];
    const struct msg_product_put_req req = {
        .product_id = product_id, .if_version = if_version, .price = 100, .currency = FX_GBP};
    const u32 bytes = write_put(body, &req, texts);
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    (void)fx_frame(&fx, OPCODE_PRODUCT_PUT, body, bytes, 1);
    return FX_RSP(&fx, product_put, 0);
}

static const struct product_texts lamp = {"LAMP",
                                          "A lamp",
                                          "Bright",
                                          "home/lighting",
                                          "colour=red\nsize=3",
                                          "It shines.\nBrightly.",
                                          "a-lamp",
                                          "K-17",
                                          "\x01\xff opaque"};

static struct msg_product_patch_rsp patch(struct msg_product_patch_req req,
                                          const struct product_texts *texts)
{
    u8 body[8192];
    const struct span spans[] = {text(texts->title),        text(texts->brand),
                                 text(texts->category),     text(texts->attributes),
                                 text(texts->description),  text(texts->slug),
                                 text(texts->external_key), text(texts->page)};
    const u32 bytes = frame_record_write(message_find(OPCODE_PRODUCT_PATCH),
                                         FRAME_DIRECTION_REQUEST, body, sizeof body, &req, spans);
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    (void)fx_frame(&fx, OPCODE_PRODUCT_PATCH, body, bytes, 1);
    return FX_RSP(&fx, product_patch, 0);
}

static struct msg_product_delete_rsp drop(u64 product_id, u64 if_version)
{
    return FX_ONE(&fx, OPCODE_PRODUCT_DELETE, product_delete, .product_id = product_id,
                  .if_version = if_version);
}

/* Reads a product; its texts are compared with `texts`. */
static struct msg_product_get_rsp get(u64 product_id, const struct product_texts *texts)
{
    const struct msg_product_get_rsp rsp =
        FX_READ(&fx, OPCODE_PRODUCT_GET, product_get, .product_id = product_id);
    const struct product_texts none = {"", "", "", "", "", "", "", "", ""};
    if (texts == NULL)
        texts = &none;
    const char *const all[] = {texts->code,     texts->title,        texts->brand,
                               texts->category, texts->attributes,   texts->description,
                               texts->slug,     texts->external_key, texts->page};
    struct record_view view;
    u32 offset = 0;
    frame_record_next(message_find(OPCODE_PRODUCT_GET), FRAME_DIRECTION_REPLY, fx.read_body,
                      &offset, &view);
    assert_int_equal(offset, fx.reply.body_bytes);
    for (u32 i = 0; i < ARRAY_COUNT(all); i++) {
        assert_int_equal(view.spans[i].bytes, strlen(all[i]));
        assert_memory_equal(view.spans[i].data, all[i], strlen(all[i]));
    }
    return rsp;
}

static void what_was_put_is_got(void **state)
{
    (void)state;
    assert_int_equal(get(5, NULL).head.status, STATUS_NOT_FOUND);
    assert_int_equal(put(5, VERSION_ANY, &lamp).version, 1);
    const struct msg_product_get_rsp rsp = get(5, &lamp);
    assert_int_equal(rsp.version, 1);
    assert_int_equal(rsp.price, 100);
    assert_int_equal(rsp.currency, FX_GBP);
}

static void put_judges_its_arguments(void **state)
{
    (void)state;
    struct product_texts bad = lamp;
    assert_int_equal(put(0, VERSION_ANY, &lamp).head.status, STATUS_BAD_ARGUMENT);
    bad.code = "";
    assert_int_equal(put(5, VERSION_ANY, &bad).head.status, STATUS_BAD_ARGUMENT);
    bad = lamp;
    bad.title = "two\nlines";
    assert_int_equal(put(5, VERSION_ANY, &bad).head.status, STATUS_BAD_ARGUMENT);
    bad = lamp;
    bad.attributes = "bell\a";
    assert_int_equal(put(5, VERSION_ANY, &bad).head.status, STATUS_BAD_ARGUMENT);
    bad = lamp;
    bad.brand = "\xc0\x80";
    assert_int_equal(put(5, VERSION_ANY, &bad).head.status, STATUS_BAD_ARGUMENT);
    assert_true(product_price_good(0, 0));
    assert_false(product_price_good(1, 0));
    assert_false(product_price_good(-1, FX_GBP));
    assert_false(product_price_good(1, 1));
    assert_true(product_price_good(PRICE_MAX, FX_GBP));
    assert_false(product_price_good(PRICE_MAX + 1, FX_GBP));
    assert_int_equal(get(5, NULL).head.status, STATUS_NOT_FOUND);
}

static void put_compares_codes_and_versions(void **state)
{
    (void)state;
    struct product_texts other = lamp;
    other.code = "LAMP2";
    assert_int_equal(put(5, 1, &lamp).head.status, STATUS_NOT_FOUND);
    assert_int_equal(put(5, VERSION_ABSENT, &lamp).version, 1);
    assert_int_equal(put(5, VERSION_ABSENT, &lamp).head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(put(5, 7, &lamp).version, 1);
    assert_int_equal(put(5, VERSION_ANY, &other).head.status, STATUS_ID_COLLISION);
    assert_int_equal(put(5, 1, &lamp).version, 2);
}

static void a_deleted_product_leaves_code_and_version(void **state)
{
    (void)state;
    struct product_texts other = lamp;
    other.code = "LAMP2";
    assert_int_equal(drop(5, VERSION_ANY).head.status, STATUS_NOT_FOUND);
    (void)put(5, VERSION_ANY, &lamp);
    const struct msg_product_delete_rsp conflict = drop(5, 4);
    assert_int_equal(conflict.head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(conflict.version, 1);
    assert_int_equal(drop(5, 1).version, 2);
    assert_int_equal(drop(5, VERSION_ANY).head.status, STATUS_NOT_FOUND);
    assert_int_equal(get(5, NULL).head.status, STATUS_NOT_FOUND);
    assert_int_equal(put(5, VERSION_ANY, &other).head.status, STATUS_ID_COLLISION);
    assert_int_equal(put(5, 1, &lamp).head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(put(5, VERSION_ABSENT, &lamp).version, 3);
    assert_int_equal(drop(5, VERSION_ANY).version, 4);
    assert_int_equal(put(5, 4, &lamp).version, 5);
    assert_int_equal(fx_verify(&fx).product_count, 1);
}

static void patch_changes_what_its_bits_say(void **state)
{
    (void)state;
    const struct product_texts news = {"", "A better lamp", "ignored", "", "size=4", "", "", "",
                                       ""};
    assert_int_equal(
        patch((struct msg_product_patch_req){.product_id = 5, .fields = 2}, &news).head.status,
        STATUS_NOT_FOUND);
    (void)put(5, VERSION_ANY, &lamp);
    const struct msg_product_patch_req both = {
        .product_id = 5, .fields = PATCH_FIELD_TITLE | PATCH_FIELD_ATTRIBUTES};
    assert_int_equal(patch(both, &news).version, 2);
    struct product_texts now = lamp;
    now.title = news.title;
    now.attributes = news.attributes;
    assert_int_equal(get(5, &now).price, 100);
    const struct msg_product_patch_req price = {
        .product_id = 5, .if_version = 2, .fields = PATCH_FIELD_PRICE, .price = 7, .currency = 978};
    assert_int_equal(patch(price, &news).version, 3);
    assert_int_equal(get(5, &now).price, 7);
    assert_int_equal(patch(price, &news).head.status, STATUS_VERSION_CONFLICT);
    assert_int_equal(patch((struct msg_product_patch_req){.product_id = 5}, &news).head.status,
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(
        patch((struct msg_product_patch_req){.product_id = 5, .fields = 1 << 15}, &news)
            .head.status,
        STATUS_BAD_ARGUMENT);
    /* A text whose bit is not set is not looked at. */
    struct product_texts bad = news;
    bad.brand = "\n";
    assert_int_equal(patch(both, &bad).head.status, STATUS_OK);
    bad.title = "\n";
    assert_int_equal(patch(both, &bad).head.status, STATUS_BAD_ARGUMENT);
}

static void a_linked_frame_of_puts_is_undone_with_its_texts(void **state)
{
    (void)state;
    u8 body[32768];
    struct product_texts better = lamp, bad = lamp;
    better.title = "A better lamp";
    bad.code = "OTHER";
    (void)put(5, VERSION_ANY, &lamp);
    (void)put(6, VERSION_ANY, &lamp);
    (void)drop(6, VERSION_ANY);
    const u64 live = fx.shard->arena.live_bytes;
    u32 bytes = 0;
    const u64 ids[] = {5, 5, 6, 7, 5};
    for (u32 i = 0; i < ARRAY_COUNT(ids); i++) {
        const struct msg_product_put_req req = {.product_id = ids[i]};
        bytes += write_put(body + bytes, &req, i == 4 ? &bad : &better);
    }
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    fx.is_linked = true;
    (void)fx_frame(&fx, OPCODE_PRODUCT_PUT, body, bytes, 5);
    fx.is_linked = false;
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(FX_RSP(&fx, product_put, i).head.status, STATUS_LINKED_FAILED);
    assert_int_equal(FX_RSP(&fx, product_put, 4).head.status, STATUS_ID_COLLISION);
    assert_int_equal(get(5, &lamp).version, 1);
    assert_int_equal(get(6, NULL).head.status, STATUS_NOT_FOUND);
    assert_int_equal(get(7, NULL).head.status, STATUS_NOT_FOUND);
    assert_int_equal(map_count(&fx.shard->catalog.map), 2);
    /* The reply of this frame is 40 bytes longer than the one it acknowledged, which lay inline. */
    assert_in_range(fx.shard->arena.live_bytes, live, live + arena_capacity(5 * 16));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_shard, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_put_is_got),
        T(put_judges_its_arguments),
        T(put_compares_codes_and_versions),
        T(a_deleted_product_leaves_code_and_version),
        T(patch_changes_what_its_bits_say),
        T(a_linked_frame_of_puts_is_undone_with_its_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
