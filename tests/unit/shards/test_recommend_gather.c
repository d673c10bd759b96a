/* The operations related, recommend, trending, track and recently_viewed: what may be shown, the fallbacks,
 * views, trends, likeness; equal answers whatever the number of shards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather_recommend.h"
#include "tests/support/feeder.h"
#include "tests/unit/shards/recommend_fixture.h"

static u16 recommend_for(struct rf *rf, u32 user, const u32 *cart, u32 count, u32 limit,
                         bool is_strict)
{
    u64 ids[RF_PRODUCTS];
    for (u32 i = 0; i < count; i++)
        ids[i] = rf_id(cart[i]);
    const struct msg_recommend_req ask = {
        .user_id = user == 0 ? 0 : rf_user(user), .limit = limit, .is_strict = is_strict ? 1 : 0};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)ids, count * 8}};
    return rf_ask(rf, OPCODE_RECOMMEND, &ask, spans);
}

static u16 trending(struct rf *rf, const char *category, u32 limit)
{
    const struct msg_trending_req ask = {
        .category_id = category == NULL ? 0 : id_from_code(category, strlen(category)),
        .limit = limit};
    return rf_ask(rf, OPCODE_TRENDING, &ask, NULL);
}

static u32 recently_viewed(struct rf *rf, u32 user, u32 limit, bool is_forgotten, u64 *to)
{
    const struct msg_recently_viewed_req ask = {
        .user_id = rf_user(user), .limit = limit, .is_forgotten = is_forgotten ? 1 : 0};
    struct record_view view;
    town_read(rf->town, OPCODE_RECENTLY_VIEWED, 0, &ask, NULL, NULL, &view);
    const struct span rows = view.spans[SPAN_OF(recently_viewed_rsp, products)];
    memcpy(to, rows.data, rows.bytes);
    return rows.bytes / 8;
}

static void what_may_not_be_shown_is_left_out(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 8);
    (void)rf_order(&rf, (u32[]){0, 1, 2, 3, 4, 5}, 6);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 5);
    rf_put(&rf, 1, (struct rf_texts){.marks = PRODUCT_MARK_DRAFT});
    rf_put(&rf, 2, (struct rf_texts){.marks = PRODUCT_MARK_UNLISTED});
    rf_stock(&rf, 3, -999999 + 0);
    const struct msg_product_delete_req gone = {.product_id = rf_id(4)};
    assert_int_equal(town_ask(rf.town, OPCODE_PRODUCT_DELETE, 0, &gone, NULL, NULL, NULL),
                     STATUS_OK);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_true(rf_has(&rf, 5));
    const u64 without = rf_id(5);
    const struct msg_related_req ask = {
        .product_id = rf_id(0), .limit = 10, .kind = RELATED_BOUGHT, .is_strict = 1};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&without, 8}};
    assert_int_equal(rf_ask(&rf, OPCODE_RELATED, &ask, spans), STATUS_OK);
    assert_int_equal(rf.row_count, 0);
    rf_close(&rf);
}

static void a_cart_gets_what_goes_with_all_of_it(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 8);
    for (u32 i = 0; i < 3; i++) {
        (void)rf_order(&rf, (u32[]){0, 2}, 2);
        (void)rf_order(&rf, (u32[]){1, 2}, 2);
        (void)rf_order(&rf, (u32[]){1, 3}, 2);
    }
    assert_int_equal(recommend_for(&rf, 0, (u32[]){0, 1}, 2, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 2);
    assert_int_equal(rf.rows[0].product_id, rf_id(2));
    assert_int_equal(rf.rows[1].product_id, rf_id(3));
    /* What is in the cart already is no recommendation. */
    assert_int_equal(recommend_for(&rf, 0, (u32[]){0, 1, 2}, 3, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(rf.rows[0].product_id, rf_id(3));
    rf_close(&rf);
}

/* More candidates than are asked about: the strongest are among these. */
static void the_strongest_of_many_candidates_is_told(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 60);
    for (u32 other = 1; other < 60; other++)
        for (u32 times = 0; times < (other == 40 ? 6 : 1); times++)
            (void)rf_order(&rf, (u32[]){0, other}, 2);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 1, true), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(rf.rows[0].product_id, rf_id(40));
    assert_int_equal(rf.rows[0].support, 6);
    rf_close(&rf);
}

/* With anything in stock there is an answer: first trends of the category, then of all, then the catalog. */
static void an_answer_is_never_empty(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 12);
    rf_put(&rf, 0, (struct rf_texts){.category = "home/lighting"});
    rf_put(&rf, 1, (struct rf_texts){.category = "home/lighting"});
    rf_put(&rf, 2, (struct rf_texts){.category = "home"});
    rf_put(&rf, 7, (struct rf_texts){.category = "goods", .popularity = 9});
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 5, true), STATUS_OK);
    assert_int_equal(rf.row_count, 0);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 5, false), STATUS_OK);
    assert_int_equal(rf.row_count, 5);
    assert_int_equal(rf.rows[0].reason, RECOMMEND_CATALOG);
    assert_int_equal(rf.rows[0].product_id, rf_id(7)); /* the most popular */
    (void)rf_order(&rf, (u32[]){1}, 1);
    (void)rf_order(&rf, (u32[]){5}, 1);
    (void)rf_order(&rf, (u32[]){5}, 1);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 5, false), STATUS_OK);
    assert_int_equal(rf.row_count, 5);
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    assert_int_equal(rf.rows[0].reason, RECOMMEND_TRENDING_CATEGORY);
    assert_int_equal(rf.rows[1].product_id, rf_id(5));
    assert_int_equal(rf.rows[1].reason, RECOMMEND_TRENDING);
    assert_int_equal(rf.rows[1].support, 2);
    assert_int_equal(rf.rows[2].product_id, rf_id(7));
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 12, false), STATUS_OK);
    assert_int_equal(rf.row_count, 11);
    assert_false(rf_has(&rf, 0));
    /* Everything but one is sold out, or left out. */
    for (u32 i = 0; i < 12; i++)
        if (i != 3)
            rf_put(&rf, i, (struct rf_texts){.marks = PRODUCT_MARK_DRAFT});
    assert_int_equal(rf_related(&rf, 0, RELATED_SIMILAR, 5, false), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(rf.rows[0].product_id, rf_id(3));
    assert_int_equal(recommend_for(&rf, 1, NULL, 0, 5, false), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(trending(&rf, NULL, 5), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    rf_close(&rf);
}

static void what_is_viewed_is_remembered_and_forgotten(void **state)
{
    struct rf rf;
    u64 seen[RECOMMEND_LIMIT_MAX];
    (void)state;
    rf_open(&rf, 3, 40);
    assert_int_equal(recently_viewed(&rf, 1, 10, false, seen), 0);
    assert_int_equal(rf_track(&rf, 1, 3, TRACK_VIEW), STATUS_OK);
    assert_int_equal(rf_track(&rf, 1, 4, TRACK_VIEW), STATUS_OK);
    assert_int_equal(rf_track(&rf, 1, 5, TRACK_CLICK), STATUS_OK); /* no view */
    assert_int_equal(rf_track(&rf, 1, 3, TRACK_VIEW), STATUS_OK);
    assert_int_equal(rf_track(&rf, 1, 999, TRACK_VIEW), STATUS_NOT_FOUND);
    assert_int_equal(recently_viewed(&rf, 1, 10, false, seen), 2);
    assert_int_equal(seen[0], rf_id(3));
    assert_int_equal(seen[1], rf_id(4));
    assert_int_equal(recently_viewed(&rf, 1, 1, false, seen), 1);
    assert_int_equal(recently_viewed(&rf, 2, 10, false, seen), 0);
    for (u32 i = 0; i < 40; i++)
        assert_int_equal(rf_track(&rf, 1, i, TRACK_VIEW), STATUS_OK);
    assert_int_equal(recently_viewed(&rf, 1, 100, false, seen), RECOMMEND_VIEWS_MAX);
    for (u32 i = 0; i < RECOMMEND_VIEWS_MAX; i++)
        assert_int_equal(seen[i], rf_id(39 - i));
    assert_int_equal(recently_viewed(&rf, 1, 5, true, seen), 5);
    assert_int_equal(recently_viewed(&rf, 1, 5, false, seen), 0);
    rf_close(&rf);
}

static void what_is_viewed_together_is_related(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 10);
    for (u32 user = 1; user <= 5; user++) {
        (void)rf_track(&rf, user, 1, TRACK_VIEW);
        (void)rf_track(&rf, user, 2, TRACK_VIEW);
    }
    (void)rf_track(&rf, 6, 1, TRACK_VIEW);
    (void)rf_track(&rf, 6, 3, TRACK_VIEW);
    assert_int_equal(rf_related(&rf, 1, RELATED_VIEWED, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 2);
    assert_int_equal(rf.rows[0].product_id, rf_id(2));
    assert_int_equal(rf.rows[0].support, 5);
    assert_int_equal(rf.rows[0].reason, RECOMMEND_VIEWED);
    assert_int_equal(rf_related(&rf, 3, RELATED_VIEWED, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 1);
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    /* A user's views are anchors; what was viewed is no recommendation itself. */
    (void)rf_track(&rf, 7, 1, TRACK_VIEW);
    assert_int_equal(recommend_for(&rf, 7, NULL, 0, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 2);
    assert_false(rf_has(&rf, 1));
    assert_int_equal(recommend_for(&rf, 0, NULL, 0, 10, true), STATUS_OK);
    assert_int_equal(rf.row_count, 0);
    rf_close(&rf);
}

/* Frequent partners stay among the 32, however many others pass by. */
static void frequent_views_are_not_crowded_out(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 2, 60);
    for (u32 round = 0; round < 40; round++) {
        (void)rf_track(&rf, 100 + round, 0, TRACK_VIEW);
        (void)rf_track(&rf, 100 + round, 1, TRACK_VIEW);
        (void)rf_track(&rf, 500 + round, 0, TRACK_VIEW);
        (void)rf_track(&rf, 500 + round, 2 + round % 58, TRACK_VIEW);
    }
    assert_int_equal(rf_related(&rf, 0, RELATED_VIEWED, 100, true), STATUS_OK);
    assert_true(rf.row_count <= RECOMMEND_PARTNERS_MAX);
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    assert_int_equal(rf.rows[0].support, 40);
    /* None of what was seen is lost from the sum: a newcomer begins where the one before it ended. */
    u32 sum = 0;
    for (u32 i = 0; i < rf.row_count; i++)
        sum += rf.rows[i].support;
    assert_int_equal(rf.row_count, RECOMMEND_PARTNERS_MAX);
    assert_int_equal(sum, 80);
    rf_close(&rf);
}

static void trends_fade_with_time(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 3, 10);
    rf_put(&rf, 1, (struct rf_texts){.category = "home/lighting/lamps"});
    rf_put(&rf, 2, (struct rf_texts){.category = "home"});
    for (u32 i = 0; i < 4; i++)
        (void)rf_track(&rf, 1 + i, 1, TRACK_VIEW);
    (void)rf_track(&rf, 1, 3, TRACK_CART);
    (void)rf_track(&rf, 1, 3, TRACK_VIEW);
    assert_int_equal(trending(&rf, NULL, 2), STATUS_OK);
    assert_int_equal(rf.rows[0].product_id, rf_id(3));
    assert_int_equal(rf.rows[1].product_id, rf_id(1));
    /* A category is all that is below it. */
    assert_int_equal(trending(&rf, "home", 1), STATUS_OK);
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    assert_int_equal(rf.rows[0].reason, RECOMMEND_TRENDING_CATEGORY);
    /* Three days later an eighth is left; a fresh view is more. */
    town_wait(rf.town, 3 * RF_DAY_NS);
    (void)rf_track(&rf, 9, 2, TRACK_VIEW);
    assert_int_equal(trending(&rf, "home", 2), STATUS_OK);
    assert_int_equal(rf.rows[0].product_id, rf_id(2));
    assert_int_equal(rf.rows[1].product_id, rf_id(1));
    town_wait(rf.town, 40 * RF_DAY_NS);
    assert_int_equal(trending(&rf, NULL, 1), STATUS_OK);
    assert_int_equal(rf.rows[0].reason, RECOMMEND_CATALOG);
    rf_close(&rf);
}

static void likeness_is_of_category_brand_values_and_words(void **state)
{
    struct rf rf;
    (void)state;
    rf_open(&rf, 4, 8);
    const char *lamps = "home/lamps";
    rf_put(&rf, 0,
           (struct rf_texts){.title = "Red glass LAMP",
                             .brand = "Lux",
                             .category = lamps,
                             .attributes = "colour=red\nmaterial=glass"});
    rf_put(&rf, 1,
           (struct rf_texts){.title = "green glass lamp",
                             .brand = "lux",
                             .category = lamps,
                             .attributes = "colour=green\nmaterial=glass"});
    rf_put(&rf, 2, (struct rf_texts){.title = "red lamp", .brand = "Nox", .category = lamps});
    rf_put(&rf, 3, (struct rf_texts){.title = "desk", .brand = "Nox", .category = lamps});
    rf_put(&rf, 4,
           (struct rf_texts){.title = "Red glass lamp", .brand = "Lux", .category = "toys"});
    assert_int_equal(rf_related(&rf, 0, RELATED_SIMILAR, 3, true), STATUS_OK);
    assert_int_equal(rf.row_count, 3);
    assert_int_equal(rf.rows[0].product_id, rf_id(1));
    assert_int_equal(rf.rows[1].product_id, rf_id(2));
    assert_int_equal(rf.rows[2].product_id, rf_id(3));
    assert_int_equal(rf.rows[0].reason, RECOMMEND_SIMILAR);
    /* A product that moves is found where it is. */
    rf_put(&rf, 4, (struct rf_texts){.title = "Red glass lamp", .brand = "Lux", .category = lamps});
    rf_put(&rf, 1, (struct rf_texts){.title = "green glass lamp", .brand = "lux", .category = "x"});
    for (u16 i = 0; i < 4; i++)
        town_restart(rf.town, i);
    assert_int_equal(rf_related(&rf, 0, RELATED_SIMILAR, 10, true), STATUS_OK);
    assert_int_equal(rf.rows[0].product_id, rf_id(4));
    assert_false(rf_has(&rf, 1));
    for (u16 i = 0; i < 4; i++)
        town_thaw(rf.town, i);
    assert_int_equal(rf_related(&rf, 0, RELATED_SIMILAR, 10, true), STATUS_OK);
    assert_int_equal(rf.rows[0].product_id, rf_id(4));
    rf_close(&rf);
}

/* The same events on 1 and on 5 shards, asked in the other order: the same bytes. */
static void answers_do_not_depend_on_the_shards(void **state)
{
    struct rf a, b;
    (void)state;
    rf_open(&a, 1, 30);
    rf_open(&b, 5, 30);
    b.loop->turns = true;
    b.town->now_ns = a.town->now_ns = MAX(a.town->now_ns, b.town->now_ns);
    u64 random = 5;
    for (u32 i = 0; i < 60; i++) {
        u32 products[3];
        for (u32 p = 0; p < 3; p++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            products[p] = 10 * p + (u32)((random >> 40) % 10);
        }
        (void)rf_order(&a, products, 3);
        (void)rf_order(&b, products, 3);
        (void)rf_track(&a, i % 5, products[0], TRACK_VIEW);
        (void)rf_track(&b, i % 5, products[0], TRACK_VIEW);
        b.town->now_ns = a.town->now_ns = MAX(a.town->now_ns, b.town->now_ns);
    }
    for (u32 p = 0; p < 30; p++)
        for (u16 kind = RELATED_BOUGHT; kind <= RELATED_SIMILAR; kind++) {
            assert_int_equal(rf_related(&a, p, kind, 12, false), STATUS_OK);
            assert_int_equal(rf_related(&b, p, kind, 12, false), STATUS_OK);
            assert_int_equal(a.row_count, b.row_count);
            assert_int_equal(a.row_count, 12);
            if (kind != RELATED_SIMILAR)
                assert_memory_equal(a.rows, b.rows, a.row_count * sizeof a.rows[0]);
        }
    assert_true(b.loop->use.rounds <= 7);
    rf_close(&a);
    rf_close(&b);
}

static void what_is_wrong_is_refused(void **state)
{
    struct rf rf;
    const u64 none = 0;
    (void)state;
    rf_open(&rf, 2, 4);
    const struct span zero[MESSAGE_SPANS_MAX] = {{(const u8 *)&none, 8}};
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 0, false), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_related(&rf, 0, RELATED_BOUGHT, 101, false), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_related(&rf, 0, 0, 10, false), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_related(&rf, 0, 4, 10, false), STATUS_BAD_ARGUMENT);
    const struct msg_related_req flags = {
        .product_id = 1, .limit = 1, .kind = RELATED_BOUGHT, .is_strict = 2};
    assert_int_equal(rf_ask(&rf, OPCODE_RELATED, &flags, NULL), STATUS_BAD_ARGUMENT);
    const struct msg_related_req good = {.product_id = 1, .limit = 1, .kind = RELATED_BOUGHT};
    assert_int_equal(rf_ask(&rf, OPCODE_RELATED, &good, zero), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_ask(&rf, OPCODE_RELATED, &good, NULL), STATUS_OK);
    const struct msg_recommend_req all = {.limit = 1};
    assert_int_equal(rf_ask(&rf, OPCODE_RECOMMEND, &all, zero), STATUS_BAD_ARGUMENT);
    assert_int_equal(trending(&rf, NULL, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_track(&rf, 1, 1, 0), STATUS_BAD_ARGUMENT);
    assert_int_equal(rf_track(&rf, 1, 1, 5), STATUS_BAD_ARGUMENT);
    const struct msg_recently_viewed_req nobody = {.limit = 1};
    assert_int_equal(town_ask(rf.town, OPCODE_RECENTLY_VIEWED, 0, &nobody, NULL, NULL, NULL),
                     STATUS_BAD_ARGUMENT);
    rf_close(&rf);
}

/* A client cannot send parts, but a shard of a broken peer could: nothing it says may harm. */
static void parts_of_arbitrary_bytes_are_harmless(void **state)
{
    struct rf rf;
    u8 bytes[512];
    u64 random = 77;
    (void)state;
    rf_open(&rf, 1, 6);
    (void)rf_order(&rf, (u32[]){0, 1, 2}, 3);
    for (u32 i = 0; i < 20000; i++) {
        for (u32 b = 0; b < sizeof bytes; b++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            bytes[b] = random >> 62 == 0 ? (u8)(random >> 40) : 0;
        }
        const u64 id = rf_id(i % 6);
        memcpy(bytes + sizeof(struct recommend_head), &id, sizeof id);
        const struct msg_recommend_part_req ask = {.step = i % 6};
        const struct span spans[MESSAGE_SPANS_MAX] = {{bytes, (u32)(random >> 33) % sizeof bytes}};
        (void)gather_loop_ask_shard(rf.loop, 0, OPCODE_RECOMMEND_PART, rf.town->now_ns, &ask, spans,
                                    NULL, NULL);
    }
    rf_close(&rf);
}

/* What is kept about likeness tells the same as looking at all again, whatever happens in between. */
static void likeness_is_kept_until_something_changes(void **state)
{
    enum { PRODUCTS = 160, STEPS = 1200, SHARDS = 2 };
    static const char *const words[] = {"red heart", "red lamp", "blue lamp", "heart lamp"};
    static const char *const categories[] = {"goods", "goods", "goods", "goods/few"};
    struct rf rf;
    struct row_recommended rows[RECOMMEND_LIMIT_MAX];
    u64 random = 5;
    u32 kept = 0, cut = 0;
    (void)state;
    rf_open(&rf, SHARDS, PRODUCTS);
    for (u32 step = 0; step < STEPS; step++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const u32 product = (u32)(random >> 40) % (step % 2 == 0 ? 8 : PRODUCTS),
                  draw = (u32)(random >> 33) & 127;
        const u32 asked = draw % 8;
        /* For a third of the time most may not be shown. */
        if (draw < 40)
            rf_put(&rf, product,
                   (struct rf_texts){.title = words[draw % 4],
                                     .category = categories[draw / 4 % 4],
                                     .marks = step % 600 > 400 ? PRODUCT_MARK_DRAFT : 0});
        else if (draw < 60)
            rf_stock(&rf, product, draw % 2 == 0 ? 1 : 5);
        assert_int_equal(rf_related(&rf, asked, RELATED_SIMILAR, 1 + draw % 60, true), STATUS_OK);
        const u32 count = rf.row_count;
        memcpy(rows, rf.rows, sizeof rows);
        for (u32 shard = 0; shard < SHARDS; shard++) {
            struct recommend *room = &rf.shards[shard]->recommend;
            const struct recommend_alike *alike = cache_find(&room->alike, rf_id(asked));
            kept += alike != NULL ? 1 : 0;
            cut += alike != NULL && alike->is_cut != 0 ? 1 : 0;
            cache_drop(&room->alike, rf_id(asked));
        }
        assert_int_equal(rf_related(&rf, asked, RELATED_SIMILAR, 1 + draw % 60, true), STATUS_OK);
        assert_int_equal(rf.row_count, count);
        for (u32 i = 0; i < count; i++) {
            assert_int_equal(rf.rows[i].product_id, rows[i].product_id);
            assert_int_equal(rf.rows[i].score, rows[i].score);
        }
    }
    assert_int_equal(kept, SHARDS * STEPS);
    assert_true(cut > STEPS / 10 && cut < SHARDS * STEPS);
    assert_true(cache_valid(&rf.shards[0]->recommend.alike));
    rf_close(&rf);
}

/* A page may ask about anything: what is not known has nothing of its own, which is no error. */
static void what_is_not_known_has_fallbacks_only(void **state)
{
    enum { GONE = 1, HIDDEN = 3, UNKNOWN = 999 };
    (void)state;
    for (u16 shards = 1; shards <= 3; shards += 2) {
        struct rf rf;
        rf_open(&rf, shards, 8);
        (void)rf_order(&rf, (u32[]){GONE, 2}, 2);
        (void)rf_order(&rf, (u32[]){HIDDEN, 2}, 2);
        for (u32 product = GONE; product <= 2; product++)
            (void)rf_track(&rf, 1, product, TRACK_VIEW);
        const struct msg_product_delete_req gone = {.product_id = rf_id(GONE)};
        assert_int_equal(town_ask(rf.town, OPCODE_PRODUCT_DELETE, 0, &gone, NULL, NULL, NULL),
                         STATUS_OK);
        rf_put(&rf, HIDDEN, (struct rf_texts){.category = "goods", .marks = PRODUCT_MARK_DRAFT});
        for (u16 kind = RELATED_BOUGHT; kind <= RELATED_SIMILAR; kind++) {
            assert_int_equal(rf_related(&rf, UNKNOWN, kind, 5, true), STATUS_OK);
            assert_int_equal(rf.row_count, 0);
            assert_int_equal(rf_related(&rf, UNKNOWN, kind, 5, false), STATUS_OK);
            assert_int_equal(rf.row_count, 5);
            for (u32 i = 0; i < rf.row_count; i++) /* it has no category */
                assert_true(rf.rows[i].reason == RECOMMEND_TRENDING ||
                            rf.rows[i].reason == RECOMMEND_CATALOG);
            /* One that was deleted: what is known of it but its texts. */
            assert_int_equal(rf_related(&rf, GONE, kind, 5, true), STATUS_OK);
            assert_int_equal(rf.row_count, kind == RELATED_SIMILAR ? 0 : 1);
            assert_true(kind == RELATED_SIMILAR || rf_has(&rf, 2));
            assert_int_equal(rf_related(&rf, GONE, kind, 5, false), STATUS_OK);
            assert_int_equal(rf.row_count, 5);
        }
        /* One that is hidden is asked about like any other. */
        assert_int_equal(rf_related(&rf, HIDDEN, RELATED_BOUGHT, 5, true), STATUS_OK);
        assert_int_equal(rf.row_count, 1);
        assert_int_equal(rf_related(&rf, HIDDEN, RELATED_SIMILAR, 8, true), STATUS_OK);
        assert_int_equal(rf.row_count, 6);
        /* In a cart it adds nothing. */
        assert_int_equal(recommend_for(&rf, 0, (u32[]){UNKNOWN}, 1, 5, true), STATUS_OK);
        assert_int_equal(rf.row_count, 0);
        assert_int_equal(recommend_for(&rf, 0, (u32[]){UNKNOWN, HIDDEN}, 2, 5, true), STATUS_OK);
        assert_int_equal(rf.row_count, 1);
        assert_int_equal(recommend_for(&rf, 0, (u32[]){UNKNOWN}, 1, 5, false), STATUS_OK);
        assert_int_equal(rf.row_count, 5);
        rf_close(&rf);
    }
}

/* ---- the walk through the catalog ---- */

static void put_draft(struct feeder *feeder, u32 product, u16 marks, u64 from_ns, u64 until_ns)
{
    char code[24];
    rf_code(product, code);
    const struct msg_product_put_req put = {.product_id = rf_id(product),
                                            .price = 100,
                                            .currency = RF_GBP,
                                            .marks = marks,
                                            .visible_from_ns = from_ns,
                                            .visible_until_ns = until_ns};
    const struct span spans[MESSAGE_SPANS_MAX] = {rf_span(code), rf_span(code)};
    feeder_put(feeder, OPCODE_PRODUCT_PUT, &put, spans);
}

static void put_stock(struct feeder *feeder, u32 product, i64 units)
{
    char code[24];
    rf_code(product, code);
    const struct resource sku = {.id = rf_id(product)};
    const struct msg_sku_put_req put = {
        .resource = sku, .product_id = rf_id(product), .currency = RF_GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {rf_span(code)};
    const struct msg_stock_adjust_req adjust = {.resource = sku, .delta = units, .reason = 1};
    feeder_put(feeder, OPCODE_SKU_PUT, &put, spans);
    feeder_put(feeder, OPCODE_STOCK_ADJUST, &adjust, NULL);
    feeder_flush(feeder);
    assert_int_equal(feeder_refused(feeder), 0);
}

/* The product that is told, 0 = none; never by much work. */
static u64 told(struct gather_loop *loop, struct feeder *feeder)
{
    const struct msg_trending_req ask = {.limit = 1};
    struct record_view view;
    struct row_recommended row = {.product_id = 0};
    assert_int_equal(
        gather_loop_ask(loop, OPCODE_TRENDING, feeder_now_ns(feeder), &ask, NULL, NULL, &view),
        STATUS_OK);
    const struct span items = view.spans[SPAN_OF(trending_rsp, items)];
    assert_true(loop->use.slices_most <= 16384 / 512);
    assert_true(items.bytes == 0 || items.bytes == sizeof row);
    if (items.bytes != 0)
        memcpy(&row, items.data, sizeof row);
    return row.product_id;
}

/* A catalog of drafts: a question ends in bounded time, and finds what is behind them after a few. */
static void hidden_products_are_passed_once(void **state)
{
    enum { HIDDEN = 50000, PAST, TIMED, LATER, LAST };
    struct feeder *feeder = feeder_open(1, false);
    struct gather_loop *loop = gather_loop_open(feeder_shards(feeder), 1);
    (void)state;
    put_draft(feeder, 0, 0, 0, 0);
    put_stock(feeder, 0, 5);
    for (u32 i = 1; i <= HIDDEN; i++)
        put_draft(feeder, i, i % 2 == 0 ? 0 : PRODUCT_MARK_DRAFT, 0, 0); /* no stock, or a draft */
    feeder_flush(feeder);
    u32 questions = 1;
    while (told(loop, feeder) == 0) {
        assert_true(loop->use.slices >= 16384 / 512);
        questions++;
        assert_true(questions < 10);
    }
    assert_int_equal(questions, HIDDEN / 16384 + 1);
    assert_int_equal(told(loop, feeder), rf_id(0));
    assert_true(loop->use.slices < 10); /* nobody looks at them again */
    /* What comes to light among them, or is new, is seen at once. */
    put_stock(feeder, 30000, 5);
    assert_int_equal(told(loop, feeder), rf_id(30000));
    put_stock(feeder, 30000, -5);
    put_draft(feeder, PAST, 0, 0, feeder_now_ns(feeder) - 1);
    put_stock(feeder, PAST, 5);
    put_draft(feeder, TIMED, 0, feeder_now_ns(feeder) + RF_DAY_NS, 0);
    put_stock(feeder, TIMED, 5);
    put_draft(feeder, LATER, 0, feeder_now_ns(feeder) + 2 * RF_DAY_NS, 0);
    put_stock(feeder, LATER, 5);
    put_draft(feeder, LAST, 0, 0, 0);
    feeder_flush(feeder);
    while (told(loop, feeder) == 0)
        assert_true(questions++ < 20);
    assert_int_equal(told(loop, feeder), rf_id(0));
    put_stock(feeder, LAST, 5);
    assert_int_equal(told(loop, feeder), rf_id(LAST));
    put_stock(feeder, LAST, -5);
    while (told(loop, feeder) == 0)
        assert_true(questions++ < 30);
    /* One whose time comes touches nothing. */
    feeder_pass(feeder, RF_DAY_NS);
    assert_int_equal(told(loop, feeder), rf_id(TIMED));
    feeder_pass(feeder, RF_DAY_NS);
    assert_int_equal(told(loop, feeder), rf_id(LATER));
    gather_loop_close(loop);
    feeder_close(feeder);
}

static void a_user_has_tastes(void **state)
{
    struct rf rf;
    u64 categories[8];
    (void)state;
    rf_open(&rf, 3, 10);
    rf_put(&rf, 1, (struct rf_texts){.category = "home"});
    (void)rf_track(&rf, 1, 0, TRACK_VIEW);
    (void)rf_track(&rf, 1, 1, TRACK_CLICK);
    rf_look(&rf);
    const u16 home = route_shard(route_hash_u64(rf_user(1)), 3);
    assert_int_equal(recommend_recent_categories(rf.shards[home], rf_user(1), categories, 8), 2);
    assert_int_equal(categories[0], id_from_code("home", 4));
    assert_int_equal(categories[1], id_from_code("goods", 5));
    assert_int_equal(recommend_recent_categories(rf.shards[home], rf_user(1), categories, 1), 1);
    assert_int_equal(recommend_recent_categories(rf.shards[home], rf_user(2), categories, 8), 0);
    rf_close(&rf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_be_shown_is_left_out),
        cmocka_unit_test(a_cart_gets_what_goes_with_all_of_it),
        cmocka_unit_test(the_strongest_of_many_candidates_is_told),
        cmocka_unit_test(an_answer_is_never_empty),
        cmocka_unit_test(what_is_viewed_is_remembered_and_forgotten),
        cmocka_unit_test(what_is_viewed_together_is_related),
        cmocka_unit_test(frequent_views_are_not_crowded_out),
        cmocka_unit_test(trends_fade_with_time),
        cmocka_unit_test(likeness_is_of_category_brand_values_and_words),
        cmocka_unit_test(answers_do_not_depend_on_the_shards),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(parts_of_arbitrary_bytes_are_harmless),
        cmocka_unit_test(likeness_is_kept_until_something_changes),
        cmocka_unit_test(what_is_not_known_has_fallbacks_only),
        cmocka_unit_test(hidden_products_are_passed_once),
        cmocka_unit_test(a_user_has_tastes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
