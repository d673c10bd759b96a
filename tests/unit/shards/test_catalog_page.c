/* test_catalog_page: pages by id, slug and key, cards, listings, aliases, packed blobs.
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

static struct msg_alias_put_rsp claim(u16 kind, const char *text, u64 product, u64 if_product)
{
    struct msg_alias_put_rsp reply;
    const struct span span = ct_text(text);
    const struct msg_alias_put_req put = {.alias_id = alias_id_of((enum alias_kind)kind, span),
                                          .product_id = product,
                                          .if_product_id = if_product,
                                          .kind = kind};
    (void)town_ask(ct.town, OPCODE_ALIAS_PUT, 0, &put, &span, &reply, NULL);
    return reply;
}

static u64 holder(u16 kind, const char *text)
{
    struct msg_alias_get_rsp reply;
    struct record_view view;
    const struct msg_alias_get_req get = {
        .alias_id = alias_id_of((enum alias_kind)kind, ct_text(text)), .kind = kind};
    const u16 status = town_ask(ct.town, OPCODE_ALIAS_GET, 0, &get, NULL, &reply, &view);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_NOT_FOUND);
        return 0;
    }
    assert_int_equal(view.spans[0].bytes, strlen(text));
    assert_memory_equal(view.spans[0].data, text, strlen(text));
    return reply.product_id;
}

static void an_alias_has_one_holder(void **state)
{
    (void)state;
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 5, 0).head.status, STATUS_OK);
    assert_int_equal(holder(ALIAS_KIND_SLUG, "lamp"), 5);
    assert_int_equal(holder(ALIAS_KIND_KEY, "lamp"), 0);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 5, 0).head.status, STATUS_OK); /* again */
    const struct msg_alias_put_rsp taken = claim(ALIAS_KIND_SLUG, "lamp", 6, 0);
    assert_int_equal(taken.head.status, STATUS_ALIAS_TAKEN);
    assert_int_equal(taken.product_id, 5);
    assert_int_equal(claim(ALIAS_KIND_KEY, "lamp", 6, 0).head.status, STATUS_OK); /* another one */
    /* Handing over, and giving up: only from whom the caller thinks has it. */
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 7, 8).head.status, STATUS_ALIAS_TAKEN);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 7, 5).product_id, 7);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 0, 5).head.status, STATUS_ALIAS_TAKEN);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 0, 0).head.status, STATUS_ALIAS_TAKEN);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 0, 7).head.status, STATUS_OK);
    assert_int_equal(holder(ALIAS_KIND_SLUG, "lamp"), 0);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 0, 0).head.status, STATUS_OK);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 9, 5).head.status, STATUS_ALIAS_TAKEN);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", 9, 0).head.status, STATUS_OK);
    for (u16 i = 0; i < CT_SHARDS; i++) {
        town_restart(ct.town, i);
        town_thaw(ct.town, i);
    }
    assert_int_equal(holder(ALIAS_KIND_SLUG, "lamp"), 9);
    assert_int_equal(holder(ALIAS_KIND_KEY, "lamp"), 6);
}

static void bad_aliases_are_refused(void **state)
{
    (void)state;
    struct msg_alias_put_rsp reply;
    struct msg_alias_get_rsp got;
    struct record_view view;
    const struct span lamp = ct_text("lamp"), bell = ct_text("a\a"), none = ct_text("");
    const u64 id = alias_id_of(ALIAS_KIND_SLUG, lamp);
    const struct {
        struct msg_alias_put_req put;
        struct span text;
    } bad[] = {
        {{.alias_id = id, .product_id = 5, .kind = 3}, lamp},
        {{.alias_id = id, .product_id = 5}, lamp},
        {{.alias_id = id, .product_id = 5, .kind = ALIAS_KIND_KEY}, lamp}, /* the other's id */
        {{.alias_id = id + 1, .product_id = 5, .kind = ALIAS_KIND_SLUG}, lamp},
        {{.alias_id = 0, .product_id = 5, .kind = ALIAS_KIND_SLUG}, lamp},
        {{.alias_id = alias_id_of(ALIAS_KIND_SLUG, bell), .product_id = 5, .kind = ALIAS_KIND_SLUG},
         bell},
        {{.alias_id = alias_id_of(ALIAS_KIND_SLUG, none), .product_id = 5, .kind = ALIAS_KIND_SLUG},
         none},
    };
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(
            town_ask(ct.town, OPCODE_ALIAS_PUT, 0, &bad[i].put, &bad[i].text, &reply, NULL),
            STATUS_BAD_ARGUMENT);
    assert_int_equal(town_ask(ct.town, OPCODE_ALIAS_GET, 0,
                              &(const struct msg_alias_get_req){.alias_id = id}, NULL, &got, &view),
                     STATUS_BAD_ARGUMENT);
    assert_int_equal(holder(ALIAS_KIND_SLUG, "lamp"), 0);
}

static void a_page_is_found_by_id_slug_and_key(void **state)
{
    (void)state;
    const u64 product = ct_product_on(1, 10), sku = ct_sku_on(2, 10);
    const struct msg_product_page_req by_slug = {.by = PAGE_BY_SLUG}, by_key = {.by = PAGE_BY_KEY},
                                      by_id = {.product_id = product};
    assert_int_equal(ct_page(&ct, by_id, ""), STATUS_NOT_FOUND);
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, ct_text("a blob")), STATUS_OK);
    ct_sku(&ct, (struct ct_sku){.id = sku, .product = product, .price = 30});
    assert_int_equal(ct_receive(&ct, sku, 5), STATUS_OK);
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, by_slug, "lamp"), STATUS_NOT_FOUND);
    assert_int_equal(claim(ALIAS_KIND_SLUG, "lamp", product, 0).head.status, STATUS_OK);
    assert_int_equal(claim(ALIAS_KIND_KEY, "K-1", product, 0).head.status, STATUS_OK);
    assert_int_equal(ct_page(&ct, by_slug, "lamp"), STATUS_OK);
    assert_int_equal(ct.page.product_id, product);
    assert_int_equal(ct_page(&ct, by_slug, "K-1"), STATUS_NOT_FOUND);
    assert_int_equal(ct_page(&ct, by_key, "K-1"), STATUS_OK);
    assert_int_equal(ct.page.product_id, product);
    assert_int_equal(ct_page(&ct, by_id, ""), STATUS_OK);
    assert_int_equal(ct.page.version, 1);
    assert_int_equal(ct.page.price, 500);
    assert_int_equal(ct.page.price_from, 30);
    assert_int_equal(ct.page.is_buyable, 1);
    assert_int_equal(ct.page.as_of_lsn, shard_applied_lsn(ct.town->shards[1].shard));
    const struct span blob = ct.view.spans[SPAN_OF(product_page_rsp, page)];
    assert_int_equal(blob.bytes, 6);
    assert_memory_equal(blob.data, "a blob", 6);
    assert_memory_equal(ct.view.spans[SPAN_OF(product_page_rsp, title)].data, "A title", 7);
    u32 count;
    const struct row_page_sku *rows = ct_skus(&ct, &count);
    assert_int_equal(count, 1);
    assert_int_equal(rows->sellable, -1);
    assert_int_equal(rows->as_of_ns, ct.town->now_ns);
    /* Exact: what the SKU says itself, though nothing was carried. */
    assert_int_equal(ct_take(&ct, sku, 1), STATUS_OK);
    const struct msg_product_page_req exact = {.product_id = product,
                                               .flags = PAGE_FLAG_EXACT_STOCK | PAGE_FLAG_NO_BLOB};
    assert_int_equal(ct_page(&ct, exact, ""), STATUS_OK);
    assert_int_equal(ct_skus(&ct, &count)->sellable, 4);
    assert_int_equal(ct.view.spans[SPAN_OF(product_page_rsp, page)].bytes, 0);
    assert_int_equal(ct.loop->use.asks, 2);
}

static void a_page_recommends_what_may_be_had(void **state)
{
    (void)state;
    for (u64 id = 1; id <= 6; id++) {
        assert_int_equal(ct_product(&ct, id, VERSION_ANY, NONE), STATUS_OK);
        ct_sku(&ct, (struct ct_sku){.id = 100 + id, .product = id, .price = 30});
        if (id != 4) /* sold out */
            assert_int_equal(ct_receive(&ct, 100 + id, 5), STATUS_OK);
    }
    town_carry_all(ct.town);
    const struct msg_product_page_req asks[] = {
        {.product_id = 1, .recommended = 3},
        {.product_id = 1, .recommended = 100, .flags = PAGE_FLAG_EXACT_STOCK}};
    const u32 most[] = {3, 4};
    for (u32 a = 0; a < ARRAY_COUNT(asks); a++) {
        assert_int_equal(ct_page(&ct, asks[a], ""), STATUS_OK);
        const struct span items = ct.view.spans[SPAN_OF(product_page_rsp, items)];
        assert_int_equal(items.bytes / sizeof(struct row_recommended), most[a]);
        for (u32 i = 0; i < most[a]; i++) {
            struct row_recommended row;
            memcpy(&row, items.data + i * sizeof row, sizeof row);
            assert_true(row.product_id != 1 && row.product_id != 4);
        }
        u32 count;
        assert_int_equal(ct_skus(&ct, &count)->sellable, a == 0 ? -1 : 5);
    }
}

static void a_page_that_has_not_changed_says_so(void **state)
{
    (void)state;
    const u64 product = ct_product_on(1, 10);
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, NONE), STATUS_OK);
    ct_sku(&ct, (struct ct_sku){.id = 4, .product = product, .price = 30});
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    const u64 version = ct.page.page_version;
    assert_int_equal(ct.page.is_not_modified, 0);
    const struct msg_product_page_req again = {
        .product_id = product, .if_version = version, .flags = PAGE_FLAG_EXACT_STOCK};
    assert_int_equal(ct_page(&ct, again, ""), STATUS_OK);
    assert_int_equal(ct.page.is_not_modified, 1);
    assert_int_equal(ct.page.page_version, version);
    assert_int_equal(ct.loop->use.asks, 1);
    for (u32 i = 0; i < SPAN_OF(product_page_rsp, end); i++)
        assert_int_equal(ct.view.spans[i].bytes, 0);
    struct msg_product_card_rsp card;
    struct record_view view;
    const struct msg_product_card_req ask = {.product_id = product, .if_version = version};
    assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_CARD, 0, &ask, NULL, &card, &view),
                     STATUS_OK);
    assert_int_equal(card.is_not_modified, 1);
    assert_int_equal(view.spans[0].bytes, 0);
    /* A change of anything that is shown is one. */
    assert_int_equal(ct_receive(&ct, 4, 1), STATUS_OK);
    town_carry_all(ct.town);
    assert_int_equal(ct_page(&ct, again, ""), STATUS_OK);
    assert_int_equal(ct.page.is_not_modified, 0);
    assert_int_equal(ct.page.page_version, version + 1);
    assert_int_equal(ct.page.version, 1);
}

static void who_may_see_a_product_depends_on_marks_and_time(void **state)
{
    (void)state;
    const u64 product = ct_product_on(0, 10), now_ns = ct.town->now_ns;
    const struct msg_product_page_req shopper = {.product_id = product},
                                      staff = {.product_id = product, .flags = PAGE_FLAG_STAFF};
    assert_int_equal(ct_product(&ct, product, VERSION_ANY, NONE), STATUS_OK);
    const struct {
        struct msg_product_patch_req patch;
        u16 status;
    } cases[] = {
        {{.fields = PATCH_FIELD_MARKS, .marks = PRODUCT_MARK_DRAFT}, STATUS_NOT_VISIBLE},
        {{.fields = PATCH_FIELD_MARKS, .marks = PRODUCT_MARK_UNLISTED}, STATUS_OK},
        {{.fields = PATCH_FIELD_VISIBLE, .visible_from_ns = now_ns + 1}, STATUS_NOT_VISIBLE},
        {{.fields = PATCH_FIELD_VISIBLE, .visible_until_ns = now_ns}, STATUS_NOT_VISIBLE},
        {{.fields = PATCH_FIELD_VISIBLE, .visible_from_ns = now_ns, .visible_until_ns = now_ns + 1},
         STATUS_OK},
    };
    for (u32 i = 0; i < ARRAY_COUNT(cases); i++) {
        struct msg_product_patch_req patch = cases[i].patch;
        patch.product_id = product;
        patch.fields |= PATCH_FIELD_MARKS | PATCH_FIELD_VISIBLE;
        assert_int_equal(ct_patch(&ct, patch), STATUS_OK);
        assert_int_equal(ct_page(&ct, shopper, ""), cases[i].status);
        assert_int_equal(ct_card(&ct, product).head.status, cases[i].status);
        assert_int_equal(ct_page(&ct, staff, ""), STATUS_OK);
    }
    struct product facts = {.state = STOCK_STATE_LOW};
    assert_true(product_is_buyable(&facts, now_ns) && product_is_listed(&facts, now_ns));
    facts.facts.marks = PRODUCT_MARK_UNLISTED;
    assert_true(product_is_visible(&facts, now_ns) && !product_is_listed(&facts, now_ns));
    facts.facts.buyable_until_ns = now_ns;
    assert_false(product_is_buyable(&facts, now_ns));
    facts.facts.buyable_until_ns = 0;
    facts.facts.buyable_from_ns = now_ns + 1;
    assert_false(product_is_buyable(&facts, now_ns));
    facts.facts.buyable_from_ns = now_ns;
    assert_true(product_is_buyable(&facts, now_ns));
    facts.state = STOCK_STATE_NONE;
    assert_false(product_is_buyable(&facts, now_ns));
}

static void bad_questions_for_pages_are_refused(void **state)
{
    (void)state;
    const struct {
        struct msg_product_page_req ask;
        const char *alias;
    } bad[] = {
        {{.product_id = 0}, ""},
        {{.product_id = 5}, "lamp"},
        {{.product_id = 5, .by = PAGE_BY_SLUG}, "lamp"},
        {{.by = PAGE_BY_SLUG}, ""},
        {{.by = 3}, "lamp"},
        {{.product_id = 5, .flags = 8}, ""},
        {{.product_id = 5, .recommended = RECOMMEND_LIMIT_MAX + 1}, ""},
    };
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(ct_page(&ct, bad[i].ask, bad[i].alias), STATUS_BAD_ARGUMENT);
}

/* ---- packed blobs ---- */

static void check_blob(u64 product, struct span page)
{
    struct msg_product_get_rsp got;
    struct record_view view;
    assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_GET, 0,
                              &(const struct msg_product_get_req){.product_id = product}, NULL,
                              &got, &view),
                     STATUS_OK);
    const struct span is = view.spans[SPAN_OF(product_get_rsp, page)];
    assert_int_equal(is.bytes, page.bytes);
    if (page.bytes != 0)
        assert_memory_equal(is.data, page.data, page.bytes);
    assert_int_equal(ct_page(&ct, (struct msg_product_page_req){.product_id = product}, ""),
                     STATUS_OK);
    const struct span shown = ct.view.spans[SPAN_OF(product_page_rsp, page)];
    assert_int_equal(shown.bytes, page.bytes);
    if (page.bytes != 0)
        assert_memory_equal(shown.data, page.data, page.bytes);
}

static void a_blob_comes_back_whole_packed_or_not(void **state)
{
    (void)state;
    static u8 bytes[PAGE_BYTES_MAX];
    const u32 lengths[] = {0, 1, 255, 256, 257, 5000, PAGE_BYTES_MAX};
    const u64 product = ct_product_on(0, 10);
    for (u32 kind = 0; kind < 3; kind++) {
        for (u32 i = 0; i < sizeof bytes; i++)
            bytes[i] = (u8)(kind == 0 ? 'x' : kind == 1 ? town_below(ct.town, 256) : i / 7 % 90);
        for (u32 i = 0; i < ARRAY_COUNT(lengths); i++) {
            const struct span page = {.data = bytes, .bytes = lengths[i]};
            assert_int_equal(ct_product(&ct, product, VERSION_ANY, page), STATUS_OK);
            check_blob(product, page);
            town_thaw(ct.town, 0);
            check_blob(product, page);
            /* What else changes leaves it as it is. */
            assert_int_equal(
                ct_patch(&ct, (struct msg_product_patch_req){.product_id = product,
                                                             .fields = PATCH_FIELD_TITLE}),
                STATUS_OK);
            check_blob(product, page);
        }
    }
    /* It was worth it: a page of one letter takes little, one of noise is not packed. */
    u8 packed[PAGE_BYTES_MAX];
    memset(bytes, 'x', sizeof bytes);
    const struct span same = {.data = bytes, .bytes = sizeof bytes};
    assert_true(catalog_pack_page(same, packed).bytes < 300);
    for (u32 i = 0; i < sizeof bytes; i++)
        bytes[i] = (u8)town_below(ct.town, 256);
    assert_ptr_equal(catalog_pack_page(same, packed).data, bytes);
}

/* ---- listing ---- */

static u32 list_page(u16 shard, u64 after, u32 limit, u32 has_deleted, u64 *next, u64 *ids)
{
    struct msg_product_list_rsp reply;
    struct record_view view;
    const struct msg_product_list_req ask = {
        .after = after, .limit = limit, .has_deleted = has_deleted};
    town_read(ct.town, OPCODE_PRODUCT_LIST, shard, &ask, NULL, &reply, &view);
    assert_int_equal(reply.head.status, STATUS_OK);
    const u32 count = view.spans[0].bytes / (u32)sizeof(struct row_product_name);
    for (u32 i = 0; i < count; i++) {
        struct row_product_name row;
        char code[TEXT64_BYTES];
        memcpy(&row, view.spans[0].data + i * sizeof row, sizeof row);
        (void)snprintf(code, sizeof code, "P%llu", (unsigned long long)row.product_id);
        assert_string_equal((const char *)row.code.bytes, code);
        ids[i] = row.product_id;
    }
    *next = reply.next;
    return count;
}

static void a_listing_misses_nobody_while_the_shard_grows(void **state)
{
    (void)state;
    static u8 seen[4000];
    u64 ids[LIST_PAGE_ROWS], next;
    for (u32 round = 0; round < 6; round++) {
        const u32 limit = round % 2 == 0 ? 7 : 64;
        const u64 there = 100 + 300 * round; /* products 1 .. there exist at the beginning */
        memset(seen, 0, sizeof seen);
        for (u64 id = 1; id <= there; id++)
            if (ct_home(id) == 1)
                (void)ct_product(&ct, id, VERSION_ANY, NONE);
        u64 newest = there;
        u32 pages = 0;
        next = 0;
        do { /* ends: a page further each time */
            const u32 count = list_page(1, next, limit, 0, &next, ids);
            assert_true(count <= limit);
            for (u32 i = 0; i < count; i++)
                assert_int_equal(++seen[ids[i]], 1);
            for (u32 i = 0; i < limit / 2; i++) { /* they come slower than they are listed */
                newest = ct_product_on(1, newest + 1);
                (void)ct_product(&ct, newest, VERSION_ANY, NONE);
            }
            if (++pages % 9 == 0)
                town_thaw(ct.town, 1); /* and a restart does not disturb it */
        } while (next != 0 && newest < sizeof seen - 50);
        if (next == 0)
            for (u64 id = 1; id <= there; id++)
                assert_int_equal(seen[id], ct_home(id) == 1 ? 1 : 0);
        else
            fail();
        for (u64 id = 1; id < sizeof seen; id++) {
            struct msg_product_delete_rsp reply;
            if (ct_home(id) == 1)
                (void)town_ask(ct.town, OPCODE_PRODUCT_DELETE, 0,
                               &(const struct msg_product_delete_req){.product_id = id}, NULL,
                               &reply, NULL);
        }
    }
    assert_int_equal(list_page(1, 0, 512, 0, &next, ids), 0);
    assert_int_equal(next, 0);
    assert_int_not_equal(list_page(1, 0, 512, 1, &next, ids), 0);
}

static void bad_listings_are_refused(void **state)
{
    (void)state;
    struct msg_product_list_rsp reply;
    struct record_view view;
    const struct msg_product_list_req bad[] = {
        {.limit = 0}, {.limit = LIST_PAGE_ROWS + 1}, {.limit = 1, .has_deleted = 2}};
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_LIST, 0, &bad[i], NULL, &reply, &view),
                         STATUS_BAD_ARGUMENT);
    /* Any cursor is a place. */
    assert_int_equal(town_ask(ct.town, OPCODE_PRODUCT_LIST, 0,
                              &(const struct msg_product_list_req){.after = 12345, .limit = 1},
                              NULL, &reply, &view),
                     STATUS_OK);
    assert_int_equal(reply.next, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_alias_has_one_holder),
        T(bad_aliases_are_refused),
        T(a_page_is_found_by_id_slug_and_key),
        T(a_page_recommends_what_may_be_had),
        T(a_page_that_has_not_changed_says_so),
        T(who_may_see_a_product_depends_on_marks_and_time),
        T(bad_questions_for_pages_are_refused),
        T(a_blob_comes_back_whole_packed_or_not),
        T(a_listing_misses_nobody_while_the_shard_grows),
        T(bad_listings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
