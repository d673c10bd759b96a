/* Tests of client/cli/verbs: how a command line becomes a verb with arguments and options.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "client/cli/verbs.h"

#define WORDS_MAX 16

/* Splits at blanks and parses. */
struct line {
    char text[256];
    char *argv[WORDS_MAX + 1];
    struct verb_args args;
    char error[VERB_ERROR_BYTES];
};

static const struct verb *parse(struct line *line, const char *text)
{
    char *rest = NULL;
    int argc = 0;
    (void)snprintf(line->text, sizeof line->text, "%s", text);
    for (char *word = strtok_r(line->text, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        line->argv[argc++] = word;
    line->argv[argc] = NULL;
    return verb_parse(argc, line->argv, &line->args, line->error, sizeof line->error);
}

static void longest_words_win(void **state)
{
    (void)state;
    struct line line;
    assert_string_equal(parse(&line, "hold ABC 3")->words, "hold");
    assert_string_equal(line.args.words[1], "3");
    assert_string_equal(parse(&line, "hold confirm TOKEN")->words, "hold confirm");
    assert_string_equal(parse(&line, "hold -- confirm 3")->words, "hold");
    assert_string_equal(line.args.words[0], "confirm");
}

static void options_stand_anywhere_and_negative_numbers_are_arguments(void **state)
{
    (void)state;
    struct line line;
    assert_non_null(parse(&line, "stock adjust --reason 4 ABC -5"));
    assert_int_equal(line.args.count, 2);
    assert_string_equal(line.args.words[0], "ABC");
    assert_string_equal(line.args.words[1], "-5");
    assert_string_equal(verb_option(&line.args, "--reason"), "4");
    assert_non_null(parse(&line, "stock set A 1 --expected=7"));
    assert_string_equal(verb_option(&line.args, "--expected"), "7");
    assert_non_null(parse(&line, "alloc return A 1 --damaged"));
    assert_string_equal(verb_option(&line.args, "--damaged"), "");
    assert_non_null(parse(&line, "search lamp -desk --limit 3"));
    assert_int_equal(line.args.count, 2);
    assert_string_equal(line.args.words[1], "-desk");
    assert_null(parse(&line, "take A -x"));
    assert_non_null(parse(&line, "take A 1"));
    assert_null(verb_option(&line.args, "--id"));
}

static void only_some_options_may_be_repeated(void **state)
{
    (void)state;
    struct line line;
    u32 at = 0;
    assert_non_null(parse(&line, "product put A --attr x=1 --title T --attr y=2"));
    assert_string_equal(verb_option_next(&line.args, "--attr", &at), "x=1");
    assert_string_equal(verb_option_next(&line.args, "--attr", &at), "y=2");
    assert_null(verb_option_next(&line.args, "--attr", &at));
    assert_null(parse(&line, "product put A --title T --title U"));
    assert_non_null(strstr(line.error, "twice"));
}

static void wrong_lines_are_explained(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "bogus",
                                      "stock",
                                      "stock bogus",
                                      "take A",
                                      "take A 1 2",
                                      "take A 1 --nothing",
                                      "take A 1 --id",
                                      "alloc return A 1 --damaged=yes",
                                      "ping now"};
    struct line line;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_null(parse(&line, bad[i]));
        assert_true(strlen(line.error) > 0);
    }
}

static void table_is_sane(void **state)
{
    (void)state;
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        assert_ptr_equal(verb_find(verb->words), verb);
        assert_non_null(verb->run);
        assert_true(verb->arguments_min <= verb->arguments_max);
        assert_int_equal(verb->arguments_max == 0, verb->arguments[0] == '\0');
        for (const struct verb_option *option = verb->options; option->name != NULL; option++)
            assert_memory_equal(option->name, "--", 2);
    }
}

static void slips_of_the_finger_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } all[] = {
        {"serch lamp", "serch is not a verb; did you mean search?"},
        {"prodcut get A", "prodcut is not a verb; did you mean product?"},
        {"xyzzy", "xyzzy is not a verb"},
        {"product", "product needs a second word: put patch get delete"},
        {"product gett A", "product gett is not a verb; there are put patch get delete"},
        {"search --limt 3", "search: --limt is not an option of this verb; did you mean --limit?"},
        {"search --lmiit=3",
         "search: --lmiit=3 is not an option of this verb; did you mean --limit?"},
        {"search --quite-another 3", "search: --quite-another is not an option of this verb"},
        {"search --limit", "search: --limit needs a value"}, /* it is one */
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct line line;
        assert_null(parse(&line, all[i].line));
        assert_string_equal(line.error, all[i].error);
    }
}

static void words_with_a_minus_are_words_of_a_query(void **state)
{
    (void)state;
    struct line line;
    assert_non_null(parse(&line, "suggest mug -red whi"));
    assert_int_equal(line.args.count, 3);
    assert_non_null(parse(&line, "search mug -red"));
    assert_int_equal(line.args.count, 2);
    assert_null(parse(&line, "page -red"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longest_words_win),
        cmocka_unit_test(options_stand_anywhere_and_negative_numbers_are_arguments),
        cmocka_unit_test(only_some_options_may_be_repeated),
        cmocka_unit_test(wrong_lines_are_explained),
        cmocka_unit_test(table_is_sane),
        cmocka_unit_test(slips_of_the_finger_are_understood),
        cmocka_unit_test(words_with_a_minus_are_words_of_a_query),
    };
    return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
