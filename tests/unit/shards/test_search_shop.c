/* test_search_shop: searches end to end: filters, facets, sorts, pages, and what the shop sets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_shop(void)
{
    sx_put(&sx, "A", .title = "Lamp one", .brand = "Acme", .category = "home/lighting",
           .price = 100, .price_before = 200, .popularity = 5, .attributes = "color=red\nwatt=40");
    sx_put(&sx, "B", .title = "Lamp two", .brand = "Acme", .category = "home/lighting",
           .price = 200, .popularity = 50, .attributes = "color=blue\nwatt=60");
    sx_put(&sx, "C", .title = "Lamp three", .brand = "Zeta", .category = "home", .price = 300,
           .price_before = 310, .popularity = 500, .attributes = "color=red\nwatt=100");
    sx_put(&sx, "D", .title = "Lamp four", .brand = "Zeta", .category = "garden", .price = 300,
           .popularity = 5000, .attributes = "color=green");
    sx_put(&sx, "E", .title = "Chair", .brand = "Acme", .category = "garden", .price = 50);
}

SX_SHOP(put_shop)

static void filters_leave_what_is_true(void **state)
{
    (void)state;
    sx_ask(&sx, .query = "lamp ", .filter = "color:red", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "A,C");
    sx_ask(&sx, .filter = "brand:Acme|ACME AND price:60..", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "A,B");
    sx_ask(&sx, .filter = "category:home", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "A,B,C");
    sx_ask(&sx, .filter = "NOT (category:home OR color:green)");
    sx_expect(&sx, "E");
    sx_ask(&sx, .filter = "watt:50..");
    assert_int_equal(sx.status, STATUS_BAD_FILTER); /* no number, unless it is declared */
    sx_attribute(&sx, "watt", ATTRIBUTE_TYPE_NUMBER, true);
    sx_ask(&sx, .filter = "watt:50..", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "B,C");
}

static void facets_count_exactly(void **state)
{
    (void)state;
    sx_ask(&sx, .query = "lamp ", .facets = "color,brand,category,price", .bars = 5);
    assert_int_equal(sx.rsp.total, 4);
    assert_string_equal(sx_facet(&sx, 0), sx_id("blue") < sx_id("green") ? "red 2,blue 1,green 1"
                                                                         : "red 2,green 1,blue 1");
    assert_string_equal(sx_facet(&sx, 1), /* equal counts by their ids */
                        sx_id("Acme") < sx_id("Zeta") ? "Acme 2,Zeta 2" : "Zeta 2,Acme 2");
    assert_string_equal(sx_facet(&sx, 2), "home 3,home/lighting 2,garden 1");
    struct row_facet_range range;
    const struct span ranges = sx.view.spans[SPAN_OF(search_rsp, ranges)];
    assert_true(ranges.bytes >= sizeof range);
    memcpy(&range, ranges.data, sizeof range);
    assert_int_equal(range.facet, 3);
    assert_int_equal(range.from, 100);
    assert_int_equal(range.until, 300);
    /* What the filter asks for does not restrict its own facet. */
    sx_ask(&sx, .query = "lamp ", .filter = "color:red", .facets = "color,brand");
    assert_int_equal(sx.rsp.total, 2);
    assert_string_equal(sx_facet(&sx, 0), sx_id("blue") < sx_id("green") ? "red 2*,blue 1,green 1"
                                                                         : "red 2*,green 1,blue 1");
    assert_string_equal(sx_facet(&sx, 1),
                        sx_id("Acme") < sx_id("Zeta") ? "Acme 1,Zeta 1" : "Zeta 1,Acme 1");
    sx_ask(&sx, .query = "lamp ", .facets = "color:1");
    assert_string_equal(sx_facet(&sx, 0), "red 2");
    sx_ask(&sx, .query = "nothing", .facets = "color", .flags = SEARCH_FLAG_NO_DROP);
    assert_string_equal(sx_facet(&sx, 0), "");
}

static void hits_are_sorted(void **state)
{
    (void)state;
    const bool is_c_first = sx_id("C") < sx_id("D");
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, is_c_first ? "A,B,C,D" : "A,B,D,C");
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_PRICE_DOWN);
    sx_expect(&sx, is_c_first ? "C,D,B,A" : "D,C,B,A");
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_POPULARITY);
    sx_expect(&sx, "D,C,B,A");
    assert_int_equal(sx.hits[0].sort_key, 5000);
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_DISCOUNT, .limit = 2);
    sx_expect(&sx, "A,C");
    assert_int_equal(sx.hits[0].sort_key, 5000);
    /* Without other differences the more popular ones come first. */
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, "D,C,B,A");
    feeder_pass(sx.feeder, NS_PER_S);
    sx_put(&sx, "F", .title = "Lamp five");
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_NEWEST, .limit = 1);
    sx_expect(&sx, "F");
}

static void cursors_go_on_where_the_page_ended(void **state)
{
    (void)state;
    char all[256], pages[256] = "";
    u8 cursor[CURSOR_BYTES_MAX];
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_PRICE_DOWN);
    snprintf(all, sizeof all, "%.255s", sx_codes(&sx));
    struct span at = {0};
    for (u32 page = 0; page < 10; page++) {
        sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_PRICE_DOWN, .limit = 1, .cursor = at);
        assert_int_equal(sx.status, STATUS_OK);
        assert_int_equal(sx.rsp.total, 4);
        snprintf(pages + strlen(pages), sizeof pages - strlen(pages), "%s%.100s",
                 page != 0 ? "," : "", sx_codes(&sx));
        at = sx.view.spans[SPAN_OF(search_rsp, cursor)];
        if (at.bytes == 0)
            break;
        memcpy(cursor, at.data, at.bytes);
        at.data = cursor;
    }
    assert_string_equal(pages, all);
    /* Another search, or another byte. */
    sx_ask(&sx, .query = "lamp ", .limit = 1);
    at = sx.view.spans[SPAN_OF(search_rsp, cursor)];
    memcpy(cursor, at.data, at.bytes);
    at.data = cursor;
    sx_ask(&sx, .query = "lamp", .limit = 1, .cursor = at);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    sx_ask(&sx, .query = "lamp ", .limit = 1, .sort = SEARCH_SORT_NEWEST, .cursor = at);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    sx_ask(&sx, .query = "lamp ", .limit = 1, .filter = "color:red", .cursor = at);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    for (u32 i = 0; i < at.bytes; i++) {
        cursor[i] ^= 1;
        sx_ask(&sx, .query = "lamp ", .limit = 1, .cursor = at);
        assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
        cursor[i] ^= 1;
    }
    at.bytes--;
    sx_ask(&sx, .query = "lamp ", .limit = 1, .cursor = at);
    assert_int_equal(sx.status, STATUS_CURSOR_MISMATCH);
    at.bytes++;
    sx_ask(&sx, .query = "lamp ", .limit = 1, .cursor = at);
    sx_expect(&sx, "C");
}

static void offsets_leave_hits_out(void **state)
{
    (void)state;
    char code[16], title[32];
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_POPULARITY, .offset = 1, .limit = 2);
    sx_expect(&sx, "C,B");
    sx_ask(&sx, .query = "lamp ", .offset = 4, .limit = 2);
    sx_expect(&sx, "");
    /* Far pages are told in a step of their own. */
    for (u32 i = 0; i < 400; i++) {
        snprintf(code, sizeof code, "P%03u", i);
        snprintf(title, sizeof title, "Peg number %u", i);
        sx_put(&sx, code, .title = title, .price = 1000 + i);
    }
    sx_ask(&sx, .query = "peg ", .sort = SEARCH_SORT_PRICE_UP, .offset = 300, .limit = 3);
    sx_expect(&sx, "P300,P301,P302");
    assert_int_equal(sx.hits[0].price, 1300);
    assert_int_equal(sx.hits[0].sort_key, ~1300ull);
    assert_int_equal(sx.rsp.total, 400);
    assert_int_equal(sx.hits[0].words, 1);
}

static void stock_and_times_decide_what_is_seen(void **state)
{
    (void)state;
    const u64 now_ns = feeder_now_ns(sx.feeder);
    sx_stock(&sx, "A-1", "A", 90, 5);
    sx_stock(&sx, "B-1", "B", 80, 0);
    sx_ask(&sx, .query = "lamp ", .filter = "in_stock");
    sx_expect(&sx, "A");
    assert_int_equal(sx.hits[0].price, 90);
    assert_int_equal(sx.hits[0].state, STOCK_STATE_SOME);
    sx_ask(&sx, .query = "a-1 ", .flags = SEARCH_FLAG_NO_DROP);
    assert_string_equal(sx_codes(&sx), "A");
    sx_put(&sx, "DRAFT", .title = "Lamp draft", .marks = PRODUCT_MARK_DRAFT);
    sx_put(&sx, "HIDDEN", .title = "Lamp unlisted", .marks = PRODUCT_MARK_UNLISTED);
    sx_put(&sx, "LATER", .title = "Lamp later", .visible_from_ns = now_ns + NS_PER_S);
    sx_put(&sx, "GONE", .title = "Lamp gone", .visible_until_ns = now_ns - NS_PER_S);
    sx_ask(&sx, .query = "lamp ");
    assert_int_equal(sx.rsp.total, 4);
    sx_ask(&sx, .query = "lamp ", .flags = SEARCH_FLAG_STAFF);
    assert_int_equal(sx.rsp.total, 8);
    feeder_pass(sx.feeder, 2 * NS_PER_S);
    sx_ask(&sx, .query = "lamp ");
    assert_int_equal(sx.rsp.total, 5);
}

static void pins_hides_and_boosts_apply(void **state)
{
    (void)state;
    const struct row_curation_action actions[] = {
        {.product_id = sx_id("E"), .kind = CURATION_PIN, .value = 2},
        {.product_id = sx_id("C"), .kind = CURATION_HIDE},
        {.product_id = sx_id("A"), .kind = CURATION_BOOST, .value = 1000}};
    const u64 now_ns = feeder_now_ns(sx.feeder);
    sx_curate(&sx, "one", (struct sx_curation){.words = "lamp"}, actions, 3);
    sx_ask(&sx, .query = "Lamps ");
    sx_expect(&sx, "A,E,D,B");
    assert_int_equal(sx.rsp.total, 4);
    assert_int_equal(sx.hits[0].flags, HIT_FLAG_BOOSTED);
    assert_int_equal(sx.hits[1].flags & HIT_FLAG_PINNED, HIT_FLAG_PINNED);
    sx_ask(&sx, .query = "lamp ", .flags = SEARCH_FLAG_NO_CURATION);
    sx_expect(&sx, "D,C,B,A");
    sx_ask(&sx, .query = "lamp ", .filter = "price:60..");
    sx_expect(&sx, "A,D,B"); /* what is pinned passes the filter too */
    sx_ask(&sx, .query = "lamp ", .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "A,B,D"); /* sorted otherwise, only hides count */
    sx_ask(&sx, .query = "lamp two", .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "B"); /* the query is not these words alone */
    sx_curate(&sx, "one", (struct sx_curation){.words = "lamp", .is_part = true}, actions, 2);
    sx_ask(&sx, .query = "lamp two", .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "B,E");
    sx_curate(&sx, "one", (struct sx_curation){.words = "lamp", .is_off = true}, actions, 2);
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, "D,C,B,A");
    sx_curate(&sx, "two",
              (struct sx_curation){.words = "lamp",
                                   .valid_from_ns = now_ns + NS_PER_S,
                                   .valid_until_ns = now_ns + 2 * NS_PER_S},
              actions, 2);
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, "D,C,B,A");
    feeder_pass(sx.feeder, NS_PER_S + NS_PER_S / 2);
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, "D,E,B,A");
    feeder_pass(sx.feeder, NS_PER_S);
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, "D,C,B,A");
    sx_curate(&sx, "three", (struct sx_curation){.category = "garden"}, actions, 1);
    sx_ask(&sx, .filter = "category:garden");
    assert_string_equal(sx_codes(&sx), "D,E");
}

/* Pins are at their places on every page, and nothing comes twice. */
static void pins_have_places_on_later_pages(void **state)
{
    (void)state;
    u8 cursor[CURSOR_BYTES_MAX];
    char pages[256] = "";
    struct span at = {0};
    const struct row_curation_action actions[] = {
        {.product_id = sx_id("A"), .kind = CURATION_PIN, .value = 1},
        {.product_id = sx_id("B"), .kind = CURATION_PIN, .value = 2},
        {.product_id = sx_id("E"), .kind = CURATION_PIN, .value = 9}};
    sx_curate(&sx, "one", (struct sx_curation){.words = "lamp"}, actions, 3);
    const char *all = "A,B,D,C,E";
    sx_ask(&sx, .query = "lamp ");
    sx_expect(&sx, all);
    assert_int_equal(sx.rsp.total, 5);
    for (u32 page = 0; page < 10; page++) {
        sx_ask(&sx, .query = "lamp ", .limit = 2, .cursor = at);
        snprintf(pages + strlen(pages), sizeof pages - strlen(pages), "%s%.100s",
                 page != 0 ? "," : "", sx_codes(&sx));
        at = sx.view.spans[SPAN_OF(search_rsp, cursor)];
        if (at.bytes == 0)
            break;
        memcpy(cursor, at.data, at.bytes);
        at.data = cursor;
    }
    assert_string_equal(pages, all);
    sx_ask(&sx, .query = "lamp ", .limit = 2, .offset = 1);
    assert_string_equal(sx_codes(&sx), "B,D");
}

/* Who hides a product from a query does not want it back as an ad; who asks for one product gets no other. */
static void ads_bring_nothing_back_that_was_left_out(void **state)
{
    (void)state;
    const struct row_curation_action hide = {.product_id = sx_id("A"), .kind = CURATION_HIDE};
    sx_put(&sx, "A", .title = "Lamp one", .popularity = 9);
    sx_put(&sx, "B", .title = "Lamp two");
    sx_stock(&sx, "A", "A", 100, 5);
    sx_stock(&sx, "B", "B", 100, 5);
    sx_ad(&sx, "ad-a", "A", "lamp", 50, 100);
    sx_ad(&sx, "ad-b", "B", "lamp", 20, 100);
    sx_ask(&sx, .query = "lamp ", .ads = 2, .limit = 1);
    sx_expect(&sx, "A,B,A");
    sx_curate(&sx, "hidden", (struct sx_curation){.words = "lamp"}, &hide, 1);
    sx_ask(&sx, .query = "lamp ", .ads = 2, .limit = 1);
    sx_expect(&sx, "B,B");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .limit = 1, .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "B,B");
    sx_ask(&sx, .query = "lamp one ", .ads = 2, .limit = 1); /* another query */
    sx_expect(&sx, "A,B,A");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .limit = 1, .flags = SEARCH_FLAG_NO_CURATION);
    sx_expect(&sx, "A,B,A");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .only_product_id = sx_id("B"));
    sx_expect(&sx, "B,B");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .only_product_id = sx_id("A"));
    sx_expect(&sx, "");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .only_product_id = sx_id("nobody"));
    sx_expect(&sx, "");
}

static void ads_are_shown_while_their_budget_lasts(void **state)
{
    (void)state;
    const char *const stocked[] = {"A", "C", "E"};
    for (u32 i = 0; i < 3; i++) {
        char sku[8];
        snprintf(sku, sizeof sku, "%s-1", stocked[i]);
        sx_stock(&sx, sku, stocked[i], 500, 3);
    }
    sx_ad(&sx, "low", "A", "lamp,light", 10, 1);
    sx_ad(&sx, "high", "C", "lamp", 20, 1);
    sx_ad(&sx, "poor", "E", "lamp", 30, 0);
    sx_ad(&sx, "unstocked", "B", "lamp", 40, 1);
    sx_ask(&sx, .query = "cheap lamps ", .ads = 3, .limit = 1, .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "C,A");
    assert_int_equal(sx.hits[0].ad_id, sx_id("high"));
    assert_int_equal(sx.hits[0].flags & HIT_FLAG_SPONSORED, HIT_FLAG_SPONSORED);
    assert_int_equal(sx.rsp.total, 0);
    sx_ask(&sx, .query = "lamp ", .ads = 1, .limit = 1);
    sx_expect(&sx, "C,C");
    sx_ask(&sx, .query = "lamp ", .ads = 2, .filter = "brand:Acme", .limit = 1);
    sx_expect(&sx, "A,A"); /* ads pass the filter */
    sx_ask(&sx, .query = "chair ", .ads = 3);
    sx_expect(&sx, "E");
    /* A click is paid: the budget is held, and then there is none. */
    const struct msg_take_req take = {
        .resource = {.id = sx_id("high"), .kind = RESOURCE_KIND_AD_BUDGET}, .quantity = 1};
    assert_int_equal(feeder_call(sx.feeder, OPCODE_TAKE, &take, NULL, NULL), STATUS_OK);
    sx_ask(&sx, .query = "lamp ", .ads = 3, .limit = 1);
    sx_expect(&sx, "A,C");
}

static void profiles_and_collections_are_looked_up(void **state)
{
    (void)state;
    const struct msg_rank_profile_put_req profile = {.home_id = sx_id("margin"),
                                                     .bucket = 1u << 30,
                                                     .margin = 1000,
                                                     .name = {.bytes = "margin"}};
    const struct msg_collection_put_req collection = {.home_id = sx_id("reds"),
                                                      .name = {.bytes = "reds"}};
    const struct span rule = sx_text("color:red");
    sx_setting(&sx, OPCODE_RANK_PROFILE_PUT, &profile, NULL);
    sx_setting(&sx, OPCODE_COLLECTION_PUT, &collection, &rule);
    sx_put(&sx, "F", .title = "Lamp five", .margin = 5000);
    sx_ask(&sx, .query = "lamp ", .profile_id = sx_id("margin"), .limit = 1);
    sx_expect(&sx, "F");
    sx_ask(&sx, .query = "lamp ", .limit = 1);
    sx_expect(&sx, "D");
    sx_ask(&sx, .collection_id = sx_id("reds"), .sort = SEARCH_SORT_PRICE_UP);
    sx_expect(&sx, "A,C");
    sx_ask(&sx, .collection_id = sx_id("reds"), .filter = "brand:Zeta", .facets = "color");
    sx_expect(&sx, "C");
    assert_string_equal(sx_facet(&sx, 0), "red 1");
    /* A rule that cannot be read is told apart from what was asked. */
    const struct span broken = sx_text("color:red AND"), unknown = sx_text("nobody:1");
    sx_setting(&sx, OPCODE_COLLECTION_PUT, &collection, &broken);
    sx_ask(&sx, .collection_id = sx_id("reds"), .filter = "brand:Zeta");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_int_equal(sx.rsp.error_at, 10);
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, problem)),
                        "collection: a term is missing after this");
    sx_setting(&sx, OPCODE_COLLECTION_PUT, &collection, &unknown);
    sx_ask(&sx, .collection_id = sx_id("reds"), .filter = "brand:Zeta");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_non_null(
        strstr(sx_span(&sx, SPAN_OF(search_rsp, problem)), "collection: nobody: no product has"));
    sx_ask(&sx, .collection_id = sx_id("blues"));
    assert_int_equal(sx.status, STATUS_NOT_FOUND);
    sx_ask(&sx, .query = "lamp", .profile_id = 5);
    assert_int_equal(sx.status, STATUS_NOT_FOUND);
    sx_ask(&sx, .query = "lamp ", .only_product_id = sx_id("B"));
    sx_expect(&sx, "B");
    sx_ask(&sx, .query = "lamp ", .only_product_id = sx_id("E"), .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "");
}

static void track(const char *user, const char *product)
{
    const struct msg_track_req event = {
        .user_id = sx_id(user), .product_id = sx_id(product), .kind = TRACK_VIEW};
    feeder_flush(sx.feeder);
    assert_int_equal(
        gather_loop_ask(sx.loop, OPCODE_TRACK, feeder_now_ns(sx.feeder), &event, NULL, NULL, NULL),
        STATUS_OK);
}

/* A little more for what is in categories that the user was in last, or below them. */
static void recent_categories_come_first_among_equals(void **state)
{
    (void)state;
    sx_put(&sx, "K1", .title = "Kettle", .category = "kitchen", .popularity = 8);
    sx_put(&sx, "K2", .title = "Kettle", .category = "camping/cooking", .popularity = 7);
    sx_put(&sx, "K3", .title = "Kettle", .category = "office", .popularity = 6);
    sx_put(&sx, "T", .title = "Tent", .category = "camping");
    sx_put(&sx, "S", .title = "Stapler", .category = "office");
    track("ann", "T");
    track("bob", "S");
    sx_ask(&sx, .query = "kettle ");
    sx_expect(&sx, "K1,K2,K3");
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("ann"));
    sx_expect(&sx, "K2,K1,K3"); /* below the one that she was in */
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("bob"));
    sx_expect(&sx, "K3,K1,K2");
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("carl"));
    sx_expect(&sx, "K1,K2,K3");
    track("bob", "K2");
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("bob"));
    sx_expect(&sx, "K2,K3,K1"); /* both count alike */
    /* It is of the ranking: other sorts and better texts are not changed by it. */
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("ann"), .sort = SEARCH_SORT_POPULARITY);
    sx_expect(&sx, "K1,K2,K3");
    sx_put(&sx, "K1", .title = "Kettle", .brand = "Kettle", .description = "kettle kettle");
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("ann"), .limit = 1);
    sx_expect(&sx, "K1");
    /* A profile without it. */
    const struct msg_rank_profile_put_req profile = {
        .home_id = sx_id("plain"), .bucket = 1u << 30, .popularity = 1000, .name = {.bytes = "p"}};
    sx_setting(&sx, OPCODE_RANK_PROFILE_PUT, &profile, NULL);
    sx_ask(&sx, .query = "kettle ", .user_id = sx_id("bob"), .profile_id = sx_id("plain"));
    sx_expect(&sx, "K2,K3,K1");
}

/* ---- what happens meanwhile ---- */

static u32 meanwhile;

static void change_something(void *context, u16 shard)
{
    char code[16], title[32];
    (void)context, (void)shard;
    snprintf(code, sizeof code, "P%03u", meanwhile % 400);
    snprintf(title, sizeof title, meanwhile % 2 != 0 ? "Peg anew %u" : "Knob %u", meanwhile);
    meanwhile++;
    if (meanwhile % 5 == 0)
        sx_delete(&sx, code);
    else
        sx_put(&sx, code, .title = title, .price = 1000 + meanwhile % 400);
    feeder_flush(sx.feeder);
}

static void answers_stay_whole_while_products_change(void **state)
{
    (void)state;
    char code[16], title[32];
    for (u32 i = 0; i < 6000; i++) {
        snprintf(code, sizeof code, i < 400 ? "P%03u" : "Q%04u", i);
        snprintf(title, sizeof title, i < 400 ? "Peg number %u" : "Knob %u peg", i);
        sx_put(&sx, code, .title = title, .price = 1000 + i);
    }
    feeder_flush(sx.feeder);
    sx.loop->between = change_something;
    meanwhile = 0;
    for (u32 i = 0; i < 30; i++) {
        sx_ask(&sx, .query = "peg", .facets = "price,brand", .limit = 100);
        assert_int_equal(sx.status, STATUS_OK);
        assert_true(sx.rsp.total >= 5600 && sx.rsp.total <= 6000);
        assert_int_equal(sx.hit_count, 100);
        for (u32 j = 0; j < sx.hit_count; j++)
            for (u32 k = j + 1; k < sx.hit_count; k++)
                assert_true(sx.hits[j].product_id != sx.hits[k].product_id);
    }
    assert_true(meanwhile != 0);
    sx.loop->between = NULL;
    const struct search *search = &feeder_shards(sx.feeder)[0]->search;
    assert_int_equal(search->question_count, 0);
    assert_true(search_index_valid(&search->indexes[search->current]));
}

static void another_policy_makes_another_index(void **state)
{
    (void)state;
    sx_ask(&sx, .query = "lamps ", .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    assert_int_equal(sx.rsp.total, 4);
    const struct msg_search_policy_put_req put = {.home_id = POLICY_HOME_ID,
                                                  .weight_title = 10,
                                                  .weight_code = 10,
                                                  .language = {.bytes = "none"}};
    sx_setting(&sx, OPCODE_SEARCH_POLICY_PUT, &put, NULL);
    for (u32 i = 0; i < 100; i++)
        sx_ask(&sx, .query = "lamps ", .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_REINDEXING, 0);
    assert_int_equal(sx.rsp.total, 0); /* no stems, no typos */
    sx_ask(&sx, .query = "lamp ", .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.rsp.total, 4);
    sx_ask(&sx, .query = "acme ", .flags = SEARCH_FLAG_NO_DROP);
    assert_int_equal(sx.rsp.total, 0); /* brands are not searched any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(filters_leave_what_is_true),
        SX_ON_BOTH(facets_count_exactly),
        SX_ON_BOTH(hits_are_sorted),
        SX_ON_BOTH(cursors_go_on_where_the_page_ended),
        SX_ON_BOTH(offsets_leave_hits_out),
        SX_ON_BOTH(stock_and_times_decide_what_is_seen),
        SX_ON_BOTH(pins_hides_and_boosts_apply),
        SX_ON_BOTH(pins_have_places_on_later_pages),
        SX_ON_BOTH(ads_bring_nothing_back_that_was_left_out),
        SX_ON_BOTH(ads_are_shown_while_their_budget_lasts),
        SX_ON_BOTH(profiles_and_collections_are_looked_up),
        SX_ON_BOTH(recent_categories_come_first_among_equals),
        SX_ON_BOTH(answers_stay_whole_while_products_change),
        SX_ON_BOTH(another_policy_makes_another_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
