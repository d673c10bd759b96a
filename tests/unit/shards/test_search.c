/* test_search: searches end to end, over one shard and over several: what words find.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_shop(void)
{
    sx_put(&sx, "HEART", .title = "White hanging heart T-light holder", .brand = "Acme",
           .category = "home/lighting", .price = 255, .attributes = "color=white\nmaterial=metal");
    sx_put(&sx, "LANTERN", .title = "White metal lantern", .brand = "Acme",
           .category = "home/lighting", .price = 339, .attributes = "color=white");
    sx_put(&sx, "MUG", .title = "Red heart mug", .brand = "Zeta", .category = "kitchen",
           .price = 125, .attributes = "color=red");
    sx_put(&sx, "BOTTLE", .title = "Hot water bottle", .brand = "Zeta", .category = "home",
           .price = 700, .description = "with a knitted heart");
}

SX_SHOP(put_shop)

/* Only what has all words. */
#define ASK_ALL(...) sx_ask(&sx, .flags = SEARCH_FLAG_NO_DROP, __VA_ARGS__)

static void words_are_all_wanted(void **state)
{
    (void)state;
    ASK_ALL(.query = "white heart");
    sx_expect(&sx, "HEART");
    assert_int_equal(sx.rsp.total, 1);
    assert_int_equal(sx.rsp.words, 2);
    assert_int_equal(sx.rsp.words_required, 2);
    assert_int_equal(sx.hits[0].words, 3);
    assert_int_equal(sx.hits[0].flags, 0);
    ASK_ALL(.query = "heart ");
    assert_int_equal(sx.rsp.total, 3);
    ASK_ALL(.query = "HÉARTS ");
    assert_int_equal(sx.rsp.total, 3);
    ASK_ALL(.query = "");
    assert_int_equal(sx.rsp.total, 4);
    assert_int_equal(sx.rsp.words, 0);
    ASK_ALL(.query = "acme lighting");
    assert_int_equal(sx.rsp.total, 2);
    ASK_ALL(.query = "lantern ", .has_no_hits = true);
    assert_int_equal(sx.rsp.total, 1);
    assert_int_equal(sx.hit_count, 0);
}

static void phrases_stand_in_a_row(void **state)
{
    (void)state;
    ASK_ALL(.query = "\"hanging heart\"");
    sx_expect(&sx, "HEART");
    ASK_ALL(.query = "\"white heart\"");
    sx_expect(&sx, "");
    ASK_ALL(.query = "\"heart hanging\"");
    sx_expect(&sx, "");
    ASK_ALL(.query = "\"metal\" white");
    sx_expect(&sx, "LANTERN,HEART");      /* a title outweighs an attribute */
    ASK_ALL(.query = "\"lantern Acme\""); /* title and brand are not one field */
    sx_expect(&sx, "");
    sx_ask(&sx, .query = "\"hanging heart\" lantern unicorn"); /* phrases are never dropped */
    sx_expect(&sx, "HEART");
}

static void minus_leaves_out(void **state)
{
    (void)state;
    ASK_ALL(.query = "heart -mug");
    sx_expect(&sx, "HEART,BOTTLE");
    ASK_ALL(.query = "heart -\"hanging heart\"");
    sx_expect(&sx, "MUG,BOTTLE");
    ASK_ALL(.query = "-heart");
    sx_expect(&sx, "LANTERN");
    assert_int_equal(sx.rsp.words, 0);
    ASK_ALL(.query = "white - heart"); /* a dash */
    sx_expect(&sx, "HEART");
}

static void the_last_word_may_go_on(void **state)
{
    (void)state;
    ASK_ALL(.query = "lant");
    sx_expect(&sx, "LANTERN");
    assert_int_equal(sx.hits[0].flags, HIT_FLAG_INEXACT);
    ASK_ALL(.query = "lan white");
    sx_expect(&sx, "");
    ASK_ALL(.query = "white hangi");
    sx_expect(&sx, "HEART");
    sx_ask(&sx, .query = "lan ", .flags = SEARCH_FLAG_NO_DROP);
    sx_expect(&sx, "");
    sx_ask(&sx, .query = "lan", .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_PREFIX);
    sx_expect(&sx, "");
    ASK_ALL(.query = "h"); /* heart, hot, hanging, holder, home */
    assert_int_equal(sx.rsp.total, 4);
}

static void typos_are_forgiven(void **state)
{
    (void)state;
    ASK_ALL(.query = "lanern ");
    sx_expect(&sx, "LANTERN");
    assert_int_equal(sx.rsp.notes, SEARCH_NOTE_CORRECTED);
    assert_int_equal(sx.hits[0].flags, HIT_FLAG_INEXACT);
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, corrected)), "lantern ");
    ASK_ALL(.query = "white  henging hart -mug");
    sx_expect(&sx, "HEART");
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, corrected)), "white  hanging heart -mug");
    ASK_ALL(.query = "white lan tren "); /* what two are together is said once */
    sx_expect(&sx, "LANTERN");
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, corrected)), "white lantern ");
    ASK_ALL(.query = "lanern lanern "); /* what was said twice is said twice */
    sx_expect(&sx, "LANTERN");
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, corrected)), "lantern lantern ");
    ASK_ALL(.query = "hto "); /* too short */
    sx_expect(&sx, "");
    sx_ask(&sx, .query = "lanern ", .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    sx_expect(&sx, "");
    assert_int_equal(sx.rsp.notes, 0);
    ASK_ALL(.query = "\"lanern\""); /* not inside of quotes */
    sx_expect(&sx, "");
}

static void words_are_joined_and_cut(void **state)
{
    (void)state;
    sx_put(&sx, "TEAPOT", .title = "Blue teapot");
    sx_put(&sx, "PAN", .title = "Frying pan 28 cm");
    sx_put(&sx, "TV", .title = "Sony KD-49XF8505 television");
    ASK_ALL(.query = "tea pot ");
    sx_expect(&sx, "TEAPOT");
    ASK_ALL(.query = "hotwater bottle");
    sx_expect(&sx, "BOTTLE");
    ASK_ALL(.query = "28cm pan");
    sx_expect(&sx, "PAN");
    ASK_ALL(.query = "kd 49 xf 8505 ");
    sx_expect(&sx, "TV");
    sx_ask(&sx, .query = "sony kd49xf850 ", .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    sx_expect(&sx, ""); /* a digit more is another number */
    sx_ask(&sx, .query = "sony kd49xf8 ", .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    sx_expect(&sx, "");
    ASK_ALL(.query = "kd49xf8505 sony");
    sx_expect(&sx, "TV");
    ASK_ALL(.query = "T light");
    sx_expect(&sx, "HEART");
}

/* Joined slots that are a word of the catalog have no typo, even where one of them is its stem. */
static void joined_words_of_the_catalog_have_no_typos(void **state)
{
    (void)state;
    sx_put(&sx, "RANKED", .title = "Ranking board");
    sx_put(&sx, "BANKED", .title = "Banking set");
    ASK_ALL(.query = "rank ing ");
    sx_expect(&sx, "RANKED");
    sx_delete(&sx, "RANKED");
    ASK_ALL(.query = "rank ing ");
    sx_expect(&sx, "BANKED");
}

/* A typo of joined slots is no reading when it is what some of them say alone: "lamp" is not what
 * somebody means who types "lamp s" and goes on. */
static void joined_words_are_no_typos_of_their_own_parts(void **state)
{
    (void)state;
    sx_put(&sx, "RED", .title = "Red lamp", .popularity = 100000);
    sx_put(&sx, "SKY", .title = "Sky lamp");
    ASK_ALL(.query = "lamp s");
    sx_expect(&sx, "SKY");
    ASK_ALL(.query = "lamp x "); /* nothing here begins so */
    sx_expect(&sx, "");
    sx_put(&sx, "NET", .title = "Wifi box", .popularity = 100000);
    sx_put(&sx, "TOP", .title = "Wifi tower");
    ASK_ALL(.query = "wi fi t");
    sx_expect(&sx, "TOP");
    sx_put(&sx, "MORE",
           .title = "Lamps of glass"); /* a word of the catalog: that is what it may be */
    ASK_ALL(.query = "lamp s");
    assert_int_equal(sx.rsp.total, 3);
    ASK_ALL(.query = "lan ter "); /* typos of the row that none of them says */
    sx_expect(&sx, "LANTERN");
    ASK_ALL(.query = "lam tern ");
    sx_expect(&sx, "LANTERN");
}

static void synonyms_find_each_other(void **state)
{
    (void)state;
    sx_put(&sx, "SOFA", .title = "Green sofa");
    sx_synonym(&sx, "a", "cup,mug", false);
    sx_synonym(&sx, "b", "love seat, sofa", false);
    sx_synonym(&sx, "c", "lamp,lantern", true);
    ASK_ALL(.query = "cup ");
    sx_expect(&sx, "MUG");
    ASK_ALL(.query = "Mugs ");
    sx_expect(&sx, "MUG");
    ASK_ALL(.query = "green love seat");
    sx_expect(&sx, "SOFA");
    assert_int_equal(sx.hits[0].words, 7);
    ASK_ALL(.query = "lamps ");
    sx_expect(&sx, "LANTERN");
    sx_put(&sx, "LAMP", .title = "Desk lamp");
    ASK_ALL(.query = "lantern "); /* not the other way round */
    sx_expect(&sx, "LANTERN");
    sx_synonym(&sx, "a", "cup,bottle", false);
    ASK_ALL(.query = "cup ");
    sx_expect(&sx, "BOTTLE");
}

static void stop_words_are_left_out(void **state)
{
    (void)state;
    sx_stop_words(&sx, "the,with,a");
    ASK_ALL(.query = "the heart with hanging");
    sx_expect(&sx, "HEART");
    assert_int_equal(sx.rsp.words, 2);
    ASK_ALL(.query = "with ");
    sx_expect(&sx, "BOTTLE");
    assert_int_equal(sx.rsp.words, 1);
    ASK_ALL(.query = "\"with a knitted\"");
    sx_expect(&sx, "BOTTLE");
}

static void words_are_dropped_when_too_few_match(void **state)
{
    (void)state;
    sx_ask(&sx, .query = "white lantern unicorn ");
    assert_int_equal(sx.status, STATUS_OK);
    assert_true((sx.rsp.notes & SEARCH_NOTE_DROPPED) != 0);
    assert_int_equal(sx.rsp.words, 3);
    assert_int_equal(sx.rsp.words_required, 1);
    sx_expect(&sx, "LANTERN,HEART");
    assert_int_equal(sx.hits[0].words, 3);
    assert_int_equal(sx.hits[0].flags, HIT_FLAG_WORDS_MISSING);
    assert_int_equal(sx.hits[1].words, 1);
    ASK_ALL(.query = "white lantern unicorn ");
    sx_expect(&sx, "");
    assert_int_equal(sx.rsp.total, 0);
}

static void titles_say_where_the_words_stand(void **state)
{
    (void)state;
    ASK_ALL(.query = "heart hanging");
    sx_expect(&sx, "HEART");
    const struct span rows = sx.view.spans[SPAN_OF(search_rsp, highlights)];
    struct row_highlight row[2];
    assert_int_equal(rows.bytes, sizeof row);
    assert_int_equal(sx.hits[0].highlight_count, 2);
    memcpy(row, rows.data, sizeof row);
    assert_int_equal(row[0].offset, 6);
    assert_int_equal(row[0].bytes, 7);
    assert_int_equal(row[0].word, 1);
    assert_int_equal(row[1].offset, 14);
    assert_int_equal(row[1].word, 0);
}

static void words_of_a_phrase_are_marked_where_it_stands(void **state)
{
    (void)state;
    sx_put(&sx, "TWICE", .title = "Hanging lamp, hanging heart, heart box");
    ASK_ALL(.query = "\"hanging heart\" lamp");
    sx_expect(&sx, "TWICE");
    const struct span rows = sx.view.spans[SPAN_OF(search_rsp, highlights)];
    struct row_highlight row[3];
    assert_int_equal(rows.bytes, sizeof row);
    memcpy(row, rows.data, sizeof row);
    assert_int_equal(row[0].offset, 8);
    assert_int_equal(row[0].word, 1);
    assert_int_equal(row[1].offset, 14);
    assert_int_equal(row[1].word, 0);
    assert_int_equal(row[2].offset, 22);
    assert_int_equal(row[2].word, 0);
}

/* One word of a cut ("hot bottle") beside a typo of the whole is no reason to call the typo the word. */
static void half_of_a_row_is_a_guess_still(void **state)
{
    (void)state;
    sx_put(&sx, "BOTH", .title = "Hot water");
    sx_put(&sx, "LIKE", .title = "Hot hotwatex");
    ASK_ALL(.query = "hotwater ");
    assert_int_equal(sx.hit_count, 3);
    for (u32 i = 0; i < sx.hit_count; i++)
        assert_int_equal((sx.hits[i].flags & HIT_FLAG_INEXACT) != 0,
                         sx.hits[i].product_id == sx_id("LIKE"));
}

static void scores_are_explained(void **state)
{
    (void)state;
    sx_ask(&sx, .query = "white lantern", .flags = SEARCH_FLAG_EXPLAIN | SEARCH_FLAG_NO_DROP);
    const char *text = sx_span(&sx, SPAN_OF(search_rsp, explanation));
    assert_non_null(strstr(text, "LANTERN: text "));
    assert_non_null(strstr(text, "  white: "));
    assert_non_null(strstr(text, "  lantern: "));
    /* The products of the lines are the score. */
    u64 sum = 0;
    for (const char *at = text; (at = strstr(at, " = ")) != NULL; at += 3)
        sum += strtoull(at + 3, NULL, 10);
    assert_int_equal(sum, sx.hits[0].text_score);
    assert_int_equal(strtoull(strstr(text, "text ") + 5, NULL, 10), sum);
}

static void what_is_written_is_found_at_once(void **state)
{
    (void)state;
    ASK_ALL(.query = "unicorn ");
    sx_expect(&sx, "");
    sx_put(&sx, "MUG", .title = "Unicorn mug");
    ASK_ALL(.query = "unicorn ");
    sx_expect(&sx, "MUG");
    ASK_ALL(.query = "unicron ");
    sx_expect(&sx, "MUG");
    ASK_ALL(.query = "mug red ");
    sx_expect(&sx, "");
    sx_delete(&sx, "MUG");
    ASK_ALL(.query = "unicorn ");
    sx_expect(&sx, "");
    assert_int_equal(sx.rsp.total, 0);
    ASK_ALL(.query = "unicron "); /* nobody has it any more */
    assert_int_equal(sx.rsp.notes, 0);
    sx_put(&sx, "MUG", .title = "Unicorn mug, again");
    ASK_ALL(.query = "unicorn ");
    sx_expect(&sx, "MUG");
    feeder_flush(sx.feeder);
    feeder_restart(sx.feeder);
    ASK_ALL(.query = "unicorn ");
    sx_expect(&sx, "MUG");
    assert_int_equal(sx.rsp.total, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(words_are_all_wanted),
        SX_ON_BOTH(phrases_stand_in_a_row),
        SX_ON_BOTH(minus_leaves_out),
        SX_ON_BOTH(the_last_word_may_go_on),
        SX_ON_BOTH(typos_are_forgiven),
        SX_ON_BOTH(words_are_joined_and_cut),
        SX_ON_BOTH(joined_words_of_the_catalog_have_no_typos),
        SX_ON_BOTH(joined_words_are_no_typos_of_their_own_parts),
        SX_ON_BOTH(synonyms_find_each_other),
        SX_ON_BOTH(stop_words_are_left_out),
        SX_ON_BOTH(words_are_dropped_when_too_few_match),
        SX_ON_BOTH(titles_say_where_the_words_stand),
        SX_ON_BOTH(words_of_a_phrase_are_marked_where_it_stands),
        SX_ON_BOTH(half_of_a_row_is_a_guess_still),
        SX_ON_BOTH(scores_are_explained),
        SX_ON_BOTH(what_is_written_is_found_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
