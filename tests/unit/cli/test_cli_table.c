/* Tests of client/cli/cli_table and cli_width: columns that stay in line whatever is in them, on a terminal of
 * any width and on none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/cli/cli_table.h"
#include "client/cli/cli_width.h"

static char *printed;
static size_t printed_bytes;

static int begin(void **state)
{
    (void)state;
    width_begin();
    return 0;
}

static FILE *paper(void)
{
    free(printed);
    printed = NULL;
    FILE *to = open_memstream(&printed, &printed_bytes);
    assert_non_null(to);
    return to;
}

/* Rows of code, title, price, stock. */
static json_t *goods(const char *const (*texts)[4], size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "code", texts[i][0],
                                                    "title", texts[i][1], "price", texts[i][2],
                                                    "mark", texts[i][3]));
    return rows;
}

static const char *table(const char *const (*texts)[4], size_t count, size_t cells)
{
    FILE *to = paper();
    json_t *rows = goods(texts, count);
    table_print_within(to, rows, NULL, "code title price mark=_", cells);
    (void)fclose(to);
    json_decref(rows);
    return printed;
}

static void signs_have_their_widths(void **state)
{
    (void)state;
    assert_int_equal(width_of("MUG"), 3);
    assert_int_equal(width_of("caf\303\251"), 4);
    assert_int_equal(width_of("cafe\314\201"), 4);             /* the accent alone */
    assert_int_equal(width_of("\350\214\266\347\242\227"), 4); /* two wide signs */
    assert_int_equal(width_of("\360\237\216\204x"), 3);        /* a tree */
    assert_int_equal(width_of("a\377b"), 3);
    assert_int_equal(width_of("a\033[31m"), 6);
    assert_int_equal(width_fit("\350\214\266\347\242\227", 3), 3);
    assert_int_equal(width_fit("cafe\314\201s", 4), 6);
    assert_int_equal(width_fit("cafes", 9), 5);
}

static void what_cannot_be_shown_is_a_question_mark(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        size_t cells;
    } all[] = {
        {"a\033[31mb", "a?[31mb", 9},
        {"a\377b", "a?b", 9},
        {"\302\233x", "?x", 9}, /* a control character of two bytes */
        {"long enough", "long en\342\200\246", 8},
        {"just fits", "just fits", 9},
        {"\350\214\266\347\242\227", "\350\214\266\342\200\246", 3},
        {"\350\214\266\347\242\227", "\342\200\246", 2},
        {"", "", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        FILE *to = paper();
        const size_t cells = width_print(to, all[i].text, all[i].cells);
        (void)fclose(to);
        assert_string_equal(printed, all[i].shown);
        assert_true(cells <= all[i].cells);
    }
}

static const char *const shop[][4] = {
    {"P1", "White hanging heart", "2.55 GBP", "inexact"},
    {"P22", "\350\214\266\347\242\227 tea bowl", "10.00 GBP", ""},
    {"P3", "", "0.10 GBP", ""},
};

static void columns_stay_in_line(void **state)
{
    (void)state;
    assert_string_equal(table(shop, 3, 0),
                        "code  title                price\n"
                        "P1    White hanging heart  2.55 GBP   inexact\n"
                        "P22   \350\214\266\347\242\227 tea bowl        10.00 GBP\n"
                        "P3                         0.10 GBP\n");
}

static void tables_fit_into_the_terminal(void **state)
{
    (void)state;
    char *whole = strdup(table(shop, 3, 0));
    assert_string_equal(table(shop, 3, 200), whole);
    free(whole);
    assert_string_equal(table(shop, 3, 36),
                        "code  title       price\n"
                        "P1    White han\342\200\246  2.55 GBP   inexact\n"
                        "P22   \350\214\266\347\242\227 tea \342\200\246  10.00 GBP\n"
                        "P3                0.10 GBP\n");
    /* Every line of every width, down to where nothing more can be cut. */
    for (size_t cells = 29; cells < 60; cells++) {
        char *rest = NULL;
        char *text = strdup(table(shop, 3, cells));
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            assert_true(width_of(line) <= cells);
            assert_true(line[strlen(line) - 1] != ' ');
        }
        assert_non_null(strstr(printed, "P22")); /* what names a row is whole */
        free(text);
    }
}

/* Half a price is another price. */
static void numbers_are_never_cut(void **state)
{
    (void)state;
    static const char *const all[][4] = {{"P1", "3 hearts of glass", "1234567.00 GBP", ""},
                                         {"P2", "Lamp", "12.00 GBP", ""}};
    assert_string_equal(table(all, 2, 27), "code  title  price\n"
                                           "P1    3 he\342\200\246  1234567.00 GBP\n"
                                           "P2    Lamp   12.00 GBP\n");
    char *least = strdup(printed);
    assert_string_equal(table(all, 2, 10), least); /* longer than the line rather than wrong */
    free(least);
}

static void lines_of_an_object_go_on_below(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s, s:s}", "code", "P1", "attributes",
                               "color=red\nmaterial=a b c d e f g h i j k");
    FILE *to = paper();
    table_print_lines_within(to, object, NULL, "code attributes", 0);
    (void)fclose(to);
    assert_string_equal(printed, "code        P1\n"
                                 "attributes  color=red\n"
                                 "            material=a b c d e f g h i j k\n");
    to = paper();
    table_print_lines_within(to, object, NULL, "code attributes", 30);
    (void)fclose(to);
    assert_string_equal(printed, "code        P1\n"
                                 "attributes  color=red\n"
                                 "            material=a b c d e\n"
                                 "            f g h i j k\n");
    json_decref(object);
}

static int end(void **state)
{
    (void)state;
    free(printed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_have_their_widths),
        cmocka_unit_test(what_cannot_be_shown_is_a_question_mark),
        cmocka_unit_test(columns_stay_in_line),
        cmocka_unit_test(tables_fit_into_the_terminal),
        cmocka_unit_test(numbers_are_never_cut),
        cmocka_unit_test(lines_of_an_object_go_on_below),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
