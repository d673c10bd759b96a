/* test_suggest: what is offered while somebody types: words of the catalog and products, and never what is
 * hidden among those.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_nothing(void) {}

SX_SHOP(put_nothing)

/* ---- asking ---- */

struct answer {
    u16 status;
    char words[8192]; /* "lamp 3,lampion 1" */
    char codes[2048];
};

static struct answer answer;

static void take_words(const struct record_view *view, struct span texts)
{
    const struct span rows = view->spans[SPAN_OF(suggest_rsp, completions)];
    u32 used = 0;
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_completion)) {
        struct row_completion row;
        memcpy(&row, rows.data + at, sizeof row);
        assert_true(row.text_offset + row.text_bytes <= texts.bytes);
        used += (u32)snprintf(answer.words + used, sizeof answer.words - used, "%s%.*s %u",
                              at != 0 ? "," : "", (int)row.text_bytes,
                              (const char *)texts.data + row.text_offset, row.count);
    }
}

static void take_hits(const struct record_view *view, struct span texts)
{
    const struct span rows = view->spans[SPAN_OF(suggest_rsp, hits)];
    u32 used = 0;
    for (u32 at = 0; at < rows.bytes; at += (u32)sizeof(struct row_hit)) {
        struct row_hit row;
        memcpy(&row, rows.data + at, sizeof row);
        assert_true(row.text_offset + row.code_bytes <= texts.bytes);
        used += (u32)snprintf(answer.codes + used, sizeof answer.codes - used, "%s%.*s",
                              at != 0 ? "," : "", (int)row.code_bytes,
                              (const char *)texts.data + row.text_offset);
    }
}

static void type_in(const char *query, const char *category, u32 words, u32 products)
{
    struct record_view view;
    const struct msg_suggest_req req = {.category_id = category != NULL ? sx_id(category) : 0,
                                        .words = words,
                                        .products = products};
    const struct span spans[MESSAGE_SPANS_MAX] = {sx_text(query)};
    feeder_flush(sx.feeder);
    memset(&answer, 0, sizeof answer);
    answer.status = gather_loop_ask(sx.loop, OPCODE_SUGGEST, feeder_now_ns(sx.feeder), &req, spans,
                                    NULL, &view);
    take_words(&view, view.spans[SPAN_OF(suggest_rsp, texts)]);
    take_hits(&view, view.spans[SPAN_OF(suggest_rsp, texts)]);
}

static void expect_words(const char *query, const char *words)
{
    type_in(query, NULL, 50, 0);
    assert_int_equal(answer.status, STATUS_OK);
    assert_string_equal(answer.words, words);
    assert_string_equal(answer.codes, "");
}

static void expect_products(const char *query, const char *codes)
{
    type_in(query, NULL, 0, 50);
    assert_int_equal(answer.status, STATUS_OK);
    assert_string_equal(answer.codes, codes);
    assert_string_equal(answer.words, "");
}

/* ---- words ---- */

static void put_lamps(void)
{
    sx_put(&sx, "A", .title = "Lamp red", .popularity = 10);
    sx_put(&sx, "B", .title = "Lamp with lampshade", .popularity = 1000);
    sx_put(&sx, "C", .title = "Lampshade of a lamp", .popularity = 100);
    sx_put(&sx, "D", .title = "Lampion", .popularity = 5);
    sx_put(&sx, "E", .title = "Lampoon lampoon lampoon", .popularity = 1);
    sx_put(&sx, "F", .title = "Caf\303\251 table", .category = "home/tables");
}

static void words_go_on_those_of_most_products_first(void **state)
{
    (void)state;
    put_lamps();
    expect_words("la", "lamp 3,lampshade 2,lampion 1,lampoon 1");
    expect_words("lampo", "lampoon 1");
    expect_words("lampoon", "lampoon 1"); /* a word begins with itself */
    expect_words("lampoons", "");
    expect_words("la ", ""); /* no word is being typed */
    expect_words("", "");
    type_in("la", NULL, 2, 0);
    assert_string_equal(answer.words, "lamp 3,lampshade 2");
    /* What stands before stays as it was typed. */
    expect_words("Big \"Red\" -shade lampz", "");
    expect_words("Big \"Red\" -shade Lampsh", "Big \"Red\" -shade lampshade 2");
}

static void counts_follow_the_products(void **state)
{
    (void)state;
    put_lamps();
    sx_delete(&sx, "B");
    sx_put(&sx, "A", .title = "Lampion red");
    expect_words("la", "lampion 2,lamp 1,lampoon 1,lampshade 1");
    sx_delete(&sx, "C");
    expect_words("la", "lampion 2,lampoon 1");
}

static void letters_are_folded(void **state)
{
    (void)state;
    put_lamps();
    expect_words("LA", "lamp 3,lampshade 2,lampion 1,lampoon 1");
    expect_words("L\303\204", "lamp 3,lampshade 2,lampion 1,lampoon 1"); /* L with an umlaut A */
    expect_words("caf", "cafe 1");
    expect_words("CAF\303\211", "cafe 1");
    expect_words("cafe\314\201", "cafe 1"); /* the accent as a sign of its own */
    expect_products("CAFE", "F");
    expect_products("caf\303\251", "F");
}

/* A shard names its 128 best words; the best of all shards are the best there are. */
static void the_best_of_many_words_are_exact(void **state)
{
    (void)state;
    char code[16], title[32];
    u32 code_number = 0;
    for (u32 word = 0; word < 700; word++)
        for (u32 i = 0; i < (word % 100 == 7 ? 9 : word % 50 == 3 ? 5 : 1); i++) {
            snprintf(code, sizeof code, "P%u", code_number++);
            snprintf(title, sizeof title, "qq%03u", word);
            sx_put(&sx, code, .title = title);
        }
    type_in("qq", NULL, 25, 0);
    assert_true(sx.loop->use.slices_most >= 3); /* no long piece of work */
    assert_string_equal(answer.words,
                        "qq007 9,qq107 9,qq207 9,qq307 9,qq407 9,qq507 9,qq607 9,"
                        "qq003 5,qq053 5,qq103 5,qq153 5,qq203 5,qq253 5,qq303 5,qq353 5,qq403 5,"
                        "qq453 5,qq503 5,qq553 5,qq603 5,qq653 5,qq000 1,qq001 1,qq002 1,qq004 1");
}

/* ---- products ---- */

static void products_are_in_order_of_popularity(void **state)
{
    (void)state;
    sx_put(&sx, "A", .title = "Lamp one", .popularity = 10);
    sx_put(&sx, "B", .title = "Lamp two", .popularity = 100000);
    sx_put(&sx, "C", .title = "Lamp six", .popularity = 1000);
    expect_products("lam", "B,C,A");
    expect_products("LAMP", "B,C,A");
    type_in("lam", NULL, 1, 2);
    assert_string_equal(answer.codes, "B,C");
    assert_string_equal(answer.words, "lamp 3");
    sx_put(&sx, "A", .title = "Lamp one", .popularity = 1000000);
    expect_products("lam", "A,B,C");
    expect_products("lamp si", "C,A,B"); /* the word that is typed may be any that begins so */
}

static void hidden_products_are_never_offered(void **state)
{
    (void)state;
    const u64 now_ns = feeder_now_ns(sx.feeder);
    sx_put(&sx, "SHOWN", .title = "Lamp shown");
    sx_put(&sx, "DRAFT", .title = "Lamp draft", .marks = PRODUCT_MARK_DRAFT);
    sx_put(&sx, "UNLISTED", .title = "Lamp unlisted", .marks = PRODUCT_MARK_UNLISTED);
    sx_put(&sx, "LATER", .title = "Lamp later", .visible_from_ns = now_ns + 100 * NS_PER_S);
    sx_put(&sx, "SOON-OVER", .title = "Lamp over", .visible_until_ns = now_ns + 50 * NS_PER_S);
    sx_put(&sx, "DELETED", .title = "Lamp deleted");
    sx_delete(&sx, "DELETED");
    type_in("lamp", NULL, 0, 50);
    assert_non_null(strstr(answer.codes, "SHOWN"));
    assert_non_null(strstr(answer.codes, "SOON-OVER"));
    assert_int_equal(strlen(answer.codes), strlen("SHOWN,SOON-OVER"));
    feeder_pass(sx.feeder, 60 * NS_PER_S);
    expect_products("lamp", "SHOWN");
    feeder_pass(sx.feeder, 60 * NS_PER_S);
    type_in("lamp", NULL, 0, 50);
    assert_non_null(strstr(answer.codes, "LATER"));
    expect_products("dra", ""); /* not by its own name either */
    expect_products("unlis", "");
}

/* Words too: a name that is not to be known yet must not be completed. */
static void words_that_nobody_may_see_are_not_offered(void **state)
{
    (void)state;
    const u64 now_ns = feeder_now_ns(sx.feeder);
    sx_put(&sx, "SHOWN", .title = "Glow lamp");
    sx_put(&sx, "DRAFT", .title = "Glowdraft lamp", .marks = PRODUCT_MARK_DRAFT);
    sx_put(&sx, "UNLISTED", .title = "Glowunlisted lamp", .marks = PRODUCT_MARK_UNLISTED);
    sx_put(&sx, "LATER", .title = "Glowlater lamp", .visible_from_ns = now_ns + 100 * NS_PER_S);
    sx_put(&sx, "OVER", .title = "Glowover lamp", .visible_until_ns = now_ns + 50 * NS_PER_S);
    expect_words("glow", "glow 1,glowover 1");
    expect_words("lam", "lamp 5"); /* of all products that there are */
    feeder_pass(sx.feeder, 60 * NS_PER_S);
    expect_words("glow", "glow 1");
    feeder_pass(sx.feeder, 60 * NS_PER_S);
    expect_words("glow", "glow 1,glowlater 1");
    sx_put(&sx, "DRAFT", .title = "Glowdraft lamp");
    expect_words("glow", "glow 1,glowdraft 1,glowlater 1");
    sx_put(&sx, "SHOWN", .title = "Glow lamp", .marks = PRODUCT_MARK_DRAFT);
    expect_words("glow", "glowdraft 1,glowlater 1");
    /* The word itself, not another one of its stem. */
    sx_put(&sx, "ONE", .title = "Glowing lamp");
    sx_put(&sx, "TWO", .title = "Glows lamp", .marks = PRODUCT_MARK_DRAFT);
    expect_words("glowi", "glowing 1");
    expect_words("glows", "");
    /* Hidden by many before the one that is shown. */
    for (u32 i = 0; i < 6000; i++) {
        char code[16];
        snprintf(code, sizeof code, "H%u", i);
        sx_put(&sx, code, .title = "Zebra", .marks = PRODUCT_MARK_DRAFT);
    }
    expect_words("zeb", "");
    sx_put(&sx, "AT-LAST", .title = "Zebra");
    expect_words("zeb", "zebra 6001");
    sx_delete(&sx, "AT-LAST");
    expect_words("zeb", "");
}

static void a_category_keeps_others_out(void **state)
{
    (void)state;
    sx_put(&sx, "A", .title = "Lamp", .category = "home", .popularity = 3);
    sx_put(&sx, "B", .title = "Lamp", .category = "home/tables", .popularity = 2);
    sx_put(&sx, "C", .title = "Lamp", .category = "garden", .popularity = 1);
    type_in("la", "home", 0, 10);
    assert_string_equal(answer.codes, "A,B");
    type_in("la", "home/tables", 0, 10);
    assert_string_equal(answer.codes, "B");
    type_in("la", "nowhere", 0, 10);
    assert_int_equal(answer.status, STATUS_OK);
    assert_string_equal(answer.codes, "");
}

static void what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    char words[200];
    put_lamps();
    type_in("la", NULL, 51, 0);
    assert_int_equal(answer.status, STATUS_BAD_ARGUMENT);
    type_in("la", NULL, 0, UINT32_MAX);
    assert_int_equal(answer.status, STATUS_BAD_ARGUMENT);
    type_in("la\377", NULL, 1, 1);
    assert_int_equal(answer.status, STATUS_BAD_QUERY);
    words[0] = 0;
    for (u32 i = 0; i <= QUERY_WORDS_MAX; i++)
        strcat(words, "ab ");
    type_in(words, NULL, 1, 1);
    assert_int_equal(answer.status, STATUS_BAD_QUERY);
    type_in("la", NULL, 0, 0);
    assert_int_equal(answer.status, STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(words_go_on_those_of_most_products_first),
        SX_ON_BOTH(counts_follow_the_products),
        SX_ON_BOTH(letters_are_folded),
        SX_ON_BOTH(the_best_of_many_words_are_exact),
        SX_ON_BOTH(products_are_in_order_of_popularity),
        SX_ON_BOTH(hidden_products_are_never_offered),
        SX_ON_BOTH(words_that_nobody_may_see_are_not_offered),
        SX_ON_BOTH(a_category_keeps_others_out),
        SX_ON_BOTH(what_cannot_be_asked_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
