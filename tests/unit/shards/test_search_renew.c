/* test_search_renew: another policy makes another index, in the background: answers come from the old one until the
 * new one is whole, whatever changes meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

#define PRODUCTS 600u

static struct sx sx;

static void put(u32 at, const char *title, const char *brand)
{
    char code[16];
    snprintf(code, sizeof code, "P%u", at);
    sx_put(&sx, code, .title = title, .brand = brand, .attributes = "color=red\nmade=oak");
}

static void put_all(void)
{
    for (u32 i = 0; i < PRODUCTS; i++)
        put(i, "Lamps", "Acme");
    feeder_flush(sx.feeder);
}

SX_SHOP(put_all)

static struct search *search_of(u16 shard)
{
    return &feeder_shards(sx.feeder)[shard]->search;
}

static bool is_renewing(void)
{
    for (u16 i = 0; i < feeder_count(sx.feeder); i++)
        if (search_of(i)->is_renewing)
            return true;
    return false;
}

/* As an idle reactor does. */
static void finish_renewal(void)
{
    for (u16 i = 0; i < feeder_count(sx.feeder); i++)
        while (shard_work(feeder_shards(sx.feeder)[i])) {}
    assert_false(is_renewing());
}

static void put_policy(u16 title, u16 brand, const char *language)
{
    struct msg_search_policy_put_req put_req = {.home_id = POLICY_HOME_ID,
                                                .weight_title = title,
                                                .weight_brand = brand,
                                                .weight_attributes = 10,
                                                .weight_code = 10};
    memcpy(put_req.language.bytes, language, strlen(language));
    sx_setting(&sx, OPCODE_SEARCH_POLICY_PUT, &put_req, NULL);
}

static u64 count_of(const char *query)
{
    const bool was_renewing = is_renewing();
    sx_ask(&sx, .query = query, .limit = 1, .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    assert_int_equal(sx.status, STATUS_OK);
    if (was_renewing ==
        is_renewing()) /* a question helps; if the last ones were done, it began anew */
        assert_int_equal(sx.rsp.notes & SEARCH_NOTE_REINDEXING,
                         was_renewing ? SEARCH_NOTE_REINDEXING : 0);
    return sx.rsp.total;
}

/* Shards change over one by one: with one there is nothing between old and new. */
static bool is_old(void)
{
    return is_renewing() && feeder_count(sx.feeder) == 1;
}

static void assert_valid(void)
{
    for (u16 i = 0; i < feeder_count(sx.feeder); i++) {
        const struct search *search = search_of(i);
        assert_int_equal(search->question_count, 0);
        assert_true(search_index_valid(&search->indexes[search->current]));
    }
}

/* By stems "lamp" finds "Lamps"; without stems only "lamps" does. */
static void the_old_index_answers_until_the_new_one_is_whole(void **state)
{
    (void)state;
    assert_int_equal(count_of("lamp "), PRODUCTS);
    assert_int_equal(count_of("acme "), PRODUCTS);
    put_policy(10, 0, "none");
    u32 asked = 0;
    for (; is_renewing(); asked++) {
        assert_true(asked < PRODUCTS);
        const u64 brands = count_of("acme ");
        if (is_old()) /* a question helps: with the last one it may be the new one */
            assert_int_equal(brands, PRODUCTS);
    }
    assert_true(asked > 10);
    assert_int_equal(count_of("acme "), 0); /* brands have no weight any more */
    assert_int_equal(count_of("lamp "), 0); /* and words no stems */
    assert_int_equal(count_of("lamps "), PRODUCTS);
    assert_valid();
}

/* Every kind of change, of products that the new index has and of those that it has not. */
static void what_changes_meanwhile_is_in_the_new_index(void **state)
{
    (void)state;
    char code[16];
    put_policy(10, 0, "none");
    u32 checked = 0;
    for (u32 i = 0; i < 40 && is_renewing(); i++) {
        const u32 first = i, last = PRODUCTS - 1 - i;
        put(first, "Chairs", "Zeta");
        put(last, "Chairs", "Zeta");
        snprintf(code, sizeof code, "P%u", 100 + i);
        sx_delete(&sx, code);
        snprintf(code, sizeof code, "P%u", PRODUCTS - 101 - i);
        sx_delete(&sx, code);
        put(PRODUCTS + i, "Tables", "Zeta");
        feeder_flush(sx.feeder);
        if (!is_renewing())
            break;
        const u64 chairs = count_of("chair "), tables = count_of("table "),
                  lamps = count_of("lamp ");
        if (!is_old())
            continue;
        assert_int_equal(chairs, 2 * (i + 1)); /* searchable at once, by stems */
        assert_int_equal(tables, i + 1);
        assert_int_equal(lamps, PRODUCTS - 4 * (i + 1));
        checked++;
    }
    assert_true(checked > 4 || feeder_count(sx.feeder) != 1);
    finish_renewal();
    const u64 chairs = count_of("chairs ");
    assert_int_equal(count_of("chair "), 0);
    assert_int_equal(count_of("tables ") * 2, chairs);
    assert_int_equal(count_of("lamps ") + 2 * chairs, PRODUCTS);
    assert_true(chairs > 4);
    assert_valid();
}

static void a_second_policy_meanwhile_begins_anew(void **state)
{
    (void)state;
    put_policy(10, 0, "none");
    (void)count_of("lamp ");
    assert_true(is_renewing());
    put_policy(0, 10, "english"); /* brands, not titles */
    assert_true(is_renewing());
    const u64 lamps = count_of("lamp ");
    assert_true(!is_old() || lamps == PRODUCTS); /* the first index still */
    finish_renewal();
    assert_int_equal(count_of("lamps "), 0);
    assert_int_equal(count_of("acme "), PRODUCTS);
    /* The policy of the index that answers, put while another one is made. */
    put_policy(10, 10, "none");
    put_policy(0, 10, "english");
    finish_renewal();
    assert_int_equal(count_of("lamps "), 0);
    assert_int_equal(count_of("acme "), PRODUCTS);
    assert_valid();
}

static void an_attribute_that_is_not_searched_any_more(void **state)
{
    (void)state;
    assert_int_equal(count_of("oak "), PRODUCTS);
    sx_attribute(&sx, "made", ATTRIBUTE_TYPE_ENUM, false);
    const u64 oaks = count_of("oak ");
    assert_true(!is_old() || oaks == PRODUCTS);
    finish_renewal();
    assert_int_equal(count_of("oak "), 0);
    assert_int_equal(count_of("red "), PRODUCTS);
}

static void a_restart_meanwhile_comes_up_with_the_new_policy(void **state)
{
    (void)state;
    put_policy(10, 0, "none");
    (void)count_of("lamp ");
    assert_true(is_renewing());
    feeder_restart(sx.feeder);
    finish_renewal();
    assert_int_equal(count_of("acme "), 0);
    assert_int_equal(count_of("lamps "), PRODUCTS);
    assert_int_equal(count_of("lamp "), 0);
    assert_valid();
}

/* Synonyms and curations are found by stems, which are others now. */
static void words_of_settings_follow_the_language(void **state)
{
    (void)state;
    const struct row_curation_action hide = {.product_id = sx_id("P1"), .kind = CURATION_HIDE};
    sx_synonym(&sx, "light", "lights,lamps", false);
    sx_curate(&sx, "one", (struct sx_curation){.words = "lamps"}, &hide, 1);
    assert_int_equal(count_of("light "), PRODUCTS);
    assert_int_equal(count_of("lamp "), PRODUCTS - 1);
    put_policy(10, 0, "none");
    const u64 lights = count_of("light ");
    assert_true(!is_old() || lights == PRODUCTS);
    finish_renewal();
    assert_int_equal(count_of("light "), 0);
    assert_int_equal(count_of("lights "), PRODUCTS);
    assert_int_equal(count_of("lamps "), PRODUCTS - 1);
    sx_synonym(&sx, "seat", "seats,lamps", false); /* put while there is a new index */
    assert_int_equal(count_of("seats "), PRODUCTS);
}

/* Numbers of documents, and nodes of categories, are never used again: before they run out the index is
 * made anew. */
static void an_index_that_is_worn_is_made_anew(void **state)
{
    (void)state;
    char category[32];
    for (u16 i = 0; i < feeder_count(sx.feeder); i++)
        search_of(i)->doc_limit = 5 * PRODUCTS / feeder_count(sx.feeder);
    u32 put_count = 0;
    while (!is_renewing()) {
        put(put_count % PRODUCTS, put_count / PRODUCTS % 2 != 0 ? "Lamps" : "Lamp", "Acme");
        put_count++;
        feeder_flush(sx.feeder);
        assert_true(put_count < 20 * PRODUCTS);
    }
    assert_true(put_count > PRODUCTS);
    finish_renewal();
    assert_int_equal(count_of("lamp "), PRODUCTS);
    for (u16 i = 0; i < feeder_count(sx.feeder); i++) {
        search_of(i)->doc_limit = UINT32_MAX;
        search_of(i)->node_limit = 100;
    }
    for (u32 i = 0; !is_renewing(); i++) {
        assert_true(i < 1000);
        snprintf(category, sizeof category, "c%u", i);
        sx_put(&sx, "P1", .title = "Lamps", .category = category);
        feeder_flush(sx.feeder);
    }
    finish_renewal();
    assert_int_equal(count_of("lamp "), PRODUCTS);
    for (u16 i = 0; i < feeder_count(sx.feeder); i++)
        assert_true(search_of(i)->indexes[search_of(i)->current].columns.tree.node_end < 100);
    assert_valid();
}

/* ---- an index that is replaced while a question is asked ---- */

static u32 switches_left; /* how many times */
static u32 rounds_seen;
static bool is_without_stems;

/* Between the rounds of a question, once it has heard of the words: every shard has another language. */
static void replace_indexes(void *context)
{
    (void)context;
    rounds_seen++;
    if (switches_left == 0)
        return;
    switches_left--;
    is_without_stems = !is_without_stems;
    const struct msg_search_policy_put_req before =
        settings_search_policy(&feeder_shards(sx.feeder)[0]->settings);
    struct msg_search_policy_put_req put_req = before;
    put_req.language = (struct text64){0};
    memcpy(put_req.language.bytes, is_without_stems ? "none" : "english", is_without_stems ? 4 : 7);
    sx_setting(&sx, OPCODE_SEARCH_POLICY_PUT, &put_req, NULL);
    finish_renewal();
}

static void ask_and_switch(const char *query, u32 switches)
{
    switches_left = switches;
    rounds_seen = 0;
    sx.loop->after_round = replace_indexes;
    sx_ask(&sx, .query = query, .limit = 10, .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    sx.loop->after_round = NULL;
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(switches_left, 0);
}

/* What begins with "run" is one stem of english, told by one word; without stems it is three words. */
static void a_question_begins_anew_when_the_index_is_replaced(void **state)
{
    (void)state;
    is_without_stems = false;
    for (u32 i = 0; i < 8; i++)
        put(i, i % 3 == 0 ? "Running" : i % 3 == 1 ? "Runs" : "Run", "Acme");
    feeder_flush(sx.feeder);
    assert_int_equal(count_of("run"), 8);
    ask_and_switch("run", 1); /* english -> none */
    assert_int_equal(sx.rsp.total, 8);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_REINDEXING, 0); /* all of it is the new index's */
    const u32 rounds = rounds_seen;
    ask_and_switch("run", 0);
    assert_int_equal(sx.rsp.total, 8);
    assert_true(rounds_seen < rounds);
    ask_and_switch("run", 2);
    assert_int_equal(sx.rsp.total, 8);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_REINDEXING, 0);
}

/* An index that is replaced again and again does not keep a question for ever: the answer says so. */
static void a_question_begins_anew_twice_at_most(void **state)
{
    (void)state;
    is_without_stems = false;
    put(0, "Running", "Acme");
    feeder_flush(sx.feeder);
    ask_and_switch("running ", 3);
    assert_int_equal(sx.rsp.notes & SEARCH_NOTE_REINDEXING, SEARCH_NOTE_REINDEXING);
    assert_int_equal(sx.rsp.total, 1);
    const u32 rounds = rounds_seen;
    ask_and_switch("running ", 4);
    assert_in_range(rounds_seen, rounds, rounds + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(the_old_index_answers_until_the_new_one_is_whole),
        SX_ON_BOTH(what_changes_meanwhile_is_in_the_new_index),
        SX_ON_BOTH(a_second_policy_meanwhile_begins_anew),
        SX_ON_BOTH(an_attribute_that_is_not_searched_any_more),
        SX_ON_BOTH(a_restart_meanwhile_comes_up_with_the_new_policy),
        SX_ON_BOTH(words_of_settings_follow_the_language),
        SX_ON_BOTH(an_index_that_is_worn_is_made_anew),
        SX_ON_BOTH(a_question_begins_anew_when_the_index_is_replaced),
        SX_ON_BOTH(a_question_begins_anew_twice_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
