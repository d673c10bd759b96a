/* test_score: the integer formulas against what real numbers say, and their invariants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// must come after the four above
#include <cmocka.h>

#include <string.h>

#include "proto/limits.h"
#include "shards/search/score.h"

/* The logarithm doubles, but for rounding, when x is squared. */
static void log2_is_exact_at_powers_and_grows_between(void **state)
{
    (void)state;
    for (u32 i = 0; i < 64; i++)
        assert_int_equal(score_log2(1ull << i), i * 256);
    u32 before = 0;
    for (u64 x = 1; x < 100000; x++) {
        assert_true(score_log2(x) >= before);
        before = score_log2(x);
    }
    for (u64 x = 1; x < 1u << 16; x += 7) {
        const u32 once = score_log2(x), twice = score_log2(x * x);
        assert_true(twice >= 2 * once && twice <= 2 * once + 1);
    }
    assert_int_equal(score_log2(3), 405);  /* 405.75 */
    assert_int_equal(score_log2(10), 850); /* 850.39 */
    assert_int_equal(score_log2(UINT64_MAX), 64 * 256 - 1);
}

static u8 impact(u32 field, u16 tf, u16 len)
{
    u16 tfs[SCORE_FIELDS] = {0}, lens[SCORE_FIELDS] = {0};
    tfs[field] = tf;
    lens[field] = len;
    return score_impact(&score_policy_builtin, tfs, lens);
}

static void impacts_grow_with_frequency_and_shrink_with_length(void **state)
{
    (void)state;
    for (u32 field = 0; field < SCORE_FIELDS; field++) {
        assert_int_equal(impact(field, 0, 10), 0);
        for (u16 len = 1; len < 2000; len = (u16)(len * 2))
            for (u16 tf = 1; tf < 100; tf++) {
                assert_true(impact(field, tf, len) >= 1);
                assert_true(impact(field, (u16)(tf + 1), len) >= impact(field, tf, len));
                assert_true(impact(field, tf, (u16)(len + 1)) <= impact(field, tf, len));
            }
        assert_true(impact(field, UINT16_MAX, 1) <= SCORE_IMPACT_MAX);
        assert_true(impact(field, 1, UINT16_MAX) >= 1);
    }
    assert_true(impact(SCORE_TITLE, 1, 3) > impact(SCORE_TITLE, 1, 12));
    assert_true(impact(SCORE_TITLE, 1, 9) > impact(SCORE_DESCRIPTION, 1, 60));
    assert_true(impact(SCORE_CODE, 1, 1) == impact(SCORE_CODE, 1, 40));
    /* BM25: 255 x 1 / (1 + 1.2) in a title of usual length. */
    assert_int_equal(impact(SCORE_TITLE, 1, 9), 115);
}

static void fields_add_up_and_only_proportions_of_weights_count(void **state)
{
    (void)state;
    const u16 both[SCORE_FIELDS] = {1, 1, 0, 0, 2, 0}, title[SCORE_FIELDS] = {1};
    const u16 lens[SCORE_FIELDS] = {8, 1, 3, 12, 90, 2};
    struct score_policy policy = score_policy_builtin;
    assert_true(score_impact(&policy, both, lens) > score_impact(&policy, title, lens));
    const u8 before = score_impact(&policy, both, lens);
    for (u32 i = 0; i < SCORE_FIELDS; i++)
        policy.weights[i] = (u16)(policy.weights[i] * 5);
    assert_in_range(score_impact(&policy, both, lens), before - 1, before + 1);
    policy.weights[SCORE_TITLE] = 0;
    assert_int_equal(score_impact(&policy, title, lens), 0);
    assert_true(score_impact(&policy, both, lens) > 0);
    memset(&policy, 0, sizeof policy);
    assert_int_equal(score_impact(&policy, both, lens), 0);
}

static void rarer_words_weigh_more_and_digits_a_quarter_more(void **state)
{
    (void)state;
    u32 before = UINT32_MAX;
    for (u64 df = 1; df <= 1000000; df += 1 + df / 10) {
        const u32 weight = score_weight(1000000, df, false);
        assert_true(weight >= 1 && weight <= before);
        assert_int_equal(score_weight(1000000, df, true), MAX(1u, weight + weight / 4));
        before = weight;
    }
    assert_int_equal(score_weight(1000000, 0, true), 0);
    assert_true(score_weight(1000000, 1000000, false) >= 1);
    assert_true(score_weight(10, 20, false) >= 1); /* documents may come between two counts */
    assert_true(score_weight(1ull << 32, 1, true) <= SCORE_WEIGHT_MAX);
    assert_int_equal(score_weight(1000, 10, false), 1683); /* log2(2002 / 21) = 6.5749 */
}

static void the_greatest_scores_of_all_words_fit(void **state)
{
    (void)state;
    const u64 most = score_slot(SCORE_WEIGHT_MAX, SCORE_FACTOR_ONE, SCORE_IMPACT_MAX);
    assert_true(most * QUERY_WORDS_MAX <= UINT32_MAX);
    for (u32 impact_of = 1; impact_of <= SCORE_IMPACT_MAX; impact_of++)
        assert_true(score_slot(1000, 154, impact_of) >= score_slot(1000, 154, impact_of - 1));
}

static void what_was_typed_counts_more_than_what_it_may_mean(void **state)
{
    (void)state;
    assert_int_equal(score_factor(SCORE_SELF, 0, 5), SCORE_FACTOR_ONE);
    for (u32 kind = SCORE_JOINED; kind <= SCORE_TYPO; kind++)
        assert_in_range(score_factor((enum score_kind)kind, 1, 5), 1, SCORE_FACTOR_ONE - 1);
    assert_true(score_factor(SCORE_TYPO, 1, 9) > score_factor(SCORE_TYPO, 2, 9));
    assert_true(score_factor(SCORE_PREFIX, 1, 5) > score_factor(SCORE_PREFIX, 2, 5));
    assert_true(score_factor(SCORE_PREFIX, 2, 6) > score_factor(SCORE_PREFIX, 2, 3));
    assert_true(score_factor(SCORE_PREFIX, 60, 1) >= 1);
    assert_true(score_both(179, 243) < 179);
    assert_int_equal(score_df(1000, SCORE_FACTOR_ONE), 1000);
    for (u32 kind = SCORE_SELF; kind <= SCORE_TYPO; kind++)
        assert_int_equal(score_df(1, score_factor((enum score_kind)kind, 2, 5)), 1);
    assert_int_equal(score_df(0, 205), 0);
}

static bool goes_on(const char *word, const char *longer)
{
    return score_goes_on((const u8 *)word, (u32)strlen(word), (const u8 *)longer,
                         (u32)strlen(longer));
}

static void model_numbers_go_on_and_others_do_not(void **state)
{
    (void)state;
    assert_true(goes_on("kgv33vl31", "kgv33vl31g"));
    assert_true(goes_on("qe55q8dn", "qe55q8dnatxx"));
    assert_true(goes_on("2000d", "2000deos"));
    assert_false(goes_on("qe55q8dn", "qe55q8dnatxxu")); /* five more */
    assert_false(goes_on("mq85", "mq851"));             /* another number */
    assert_true(goes_on("mq8n", "mq8n2"));
    assert_false(goes_on("kgv33vl31", "kgv33vl31"));
    assert_false(goes_on("kgv33vl31", "kgv33vl3"));
    assert_false(goes_on("kgv33vl31", "kgv34vl31g"));
    assert_false(goes_on("mq8", "mq8n"));       /* too short */
    assert_false(goes_on("iphone", "iphones")); /* no digit */
    assert_false(goes_on("2017", "2017er"));    /* no letter */
    assert_false(goes_on("10.5", "10.5in"));
}

static void typos_are_looked_for_where_nothing_is(void **state)
{
    (void)state;
    assert_true(score_wants_typos(100, 0));
    assert_true(score_wants_typos(0, 0));
    assert_false(score_wants_typos(100000, 1));
    assert_true(score_wants_typos(100001, 1));
    assert_true(score_is_likelier(0, 1));
    assert_false(score_is_likelier(0, 0));
    assert_true(score_is_likelier(5, 40));
    assert_false(score_is_likelier(5, 39));
}

static void shares_are_sixteenths_and_words_are_the_heaviest(void **state)
{
    (void)state;
    const u32 weights[] = {100, 700, 50, 150, 0};
    assert_int_equal(score_share(0, 1000), 0);
    assert_int_equal(score_share(700, 1000), 11); /* 11.2 */
    assert_int_equal(score_share(999, 1000), 15);
    assert_int_equal(score_share(1000, 1000), 16);
    assert_int_equal(score_share(2000, 1000), 16);
    assert_int_equal(score_words_required(weights, 5, 0), 1);
    assert_int_equal(score_words_required(weights, 5, 11), 1);
    assert_int_equal(score_words_required(weights, 5, 12), 2);
    assert_int_equal(score_words_required(weights, 5, 15), 3);
    assert_int_equal(score_words_required(weights, 5, 16), 4);
    assert_int_equal(score_words_required(weights, 0, 16), 1);
    assert_int_equal(score_words_required((const u32[]){1, 14, 1}, 3, 15), 2);
    /* What it says is true: the heaviest so many reach the share, and one fewer does not. */
    u32 equal[QUERY_WORDS_MAX];
    for (u32 i = 0; i < QUERY_WORDS_MAX; i++)
        equal[i] = SCORE_WEIGHT_MAX;
    for (u32 share = 1; share <= SCORE_SHARES; share++) {
        const u32 count = score_words_required(equal, QUERY_WORDS_MAX, share);
        const u32 total = QUERY_WORDS_MAX * SCORE_WEIGHT_MAX;
        assert_true(score_share(count * SCORE_WEIGHT_MAX, total) >= share);
        assert_true(score_share((count - 1) * SCORE_WEIGHT_MAX, total) < share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log2_is_exact_at_powers_and_grows_between),
        cmocka_unit_test(impacts_grow_with_frequency_and_shrink_with_length),
        cmocka_unit_test(fields_add_up_and_only_proportions_of_weights_count),
        cmocka_unit_test(rarer_words_weigh_more_and_digits_a_quarter_more),
        cmocka_unit_test(the_greatest_scores_of_all_words_fit),
        cmocka_unit_test(what_was_typed_counts_more_than_what_it_may_mean),
        cmocka_unit_test(model_numbers_go_on_and_others_do_not),
        cmocka_unit_test(typos_are_looked_for_where_nothing_is),
        cmocka_unit_test(shares_are_sixteenths_and_words_are_the_heaviest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
