/* Tests of client/cli/csv: what a row is, and where a bad one is said to be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "client/cli/csv.h"

/* A writable copy with room for the zero behind the last field. */
static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

static void quotes_commas_and_line_ends_are_read(void **state)
{
    (void)state;
    char *text = copy_of("a,\"b,c\",\"d\"\"e\"\r\n\"two\nlines\",,x\nlast,");
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, strlen(text));
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.field_count, 3);
    assert_int_equal(row.line, 1);
    assert_string_equal(row.fields[0].text, "a");
    assert_string_equal(row.fields[1].text, "b,c");
    assert_string_equal(row.fields[2].text, "d\"e");
    assert_int_equal(row.fields[1].column, 3);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.line, 2);
    assert_int_equal(row.field_count, 3);
    assert_string_equal(row.fields[0].text, "two\nlines");
    assert_string_equal(row.fields[1].text, "");
    assert_string_equal(row.fields[2].text, "x");
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.line, 4);
    assert_int_equal(row.field_count, 2);
    assert_string_equal(row.fields[1].text, "");
    assert_int_equal(csv_next(&reader, &row), 0);
    free(text);
}

static void bad_rows_are_told_with_their_place_and_reading_goes_on(void **state)
{
    (void)state;
    char *text = copy_of("ok,1\nba\"d,2\n\"x\"y,3\nfine,4\n\"open");
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, strlen(text));
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(reader.reason_line, 2);
    assert_int_equal(reader.reason_column, 3);
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(reader.reason_line, 3);
    assert_string_equal(reader.reason, "text after a closing quote");
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[0].text, "fine");
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(reader.reason_line, 5);
    assert_int_equal(reader.reason_column, 1);
    assert_int_equal(csv_next(&reader, &row), 0);
    free(text);
}

static void too_many_fields_and_nul_bytes_are_refused(void **state)
{
    (void)state;
    char many[CSV_FIELDS_MAX + 8];
    memset(many, ',', sizeof many);
    many[sizeof many - 1] = '\0';
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, many, strlen(many));
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_string_equal(reader.reason, "too many fields");
    char nul[] = "a\0b,c\nd";
    csv_init(&reader, nul, sizeof nul - 1);
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[0].text, "d");
}

static void a_nul_byte_is_told_where_it_is_and_costs_no_other_row(void **state)
{
    (void)state;
    char text[] = "a,b\0c\ngood,row\n\"q\n\0\",x\nlast,one\n";
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, sizeof text - 1);
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_string_equal(reader.reason, "a NUL byte");
    assert_int_equal(reader.reason_line, 1);
    assert_int_equal(reader.reason_column, 4);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[0].text, "good");
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(reader.reason_line, 4);
    assert_int_equal(reader.reason_column, 1);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.line, 5);
    assert_string_equal(row.fields[0].text, "last");
}

static void after_a_quote_that_is_never_closed_the_lines_are_as_written(void **state)
{
    (void)state;
    char *text = copy_of("\"a\"\"b\"\"\nc,1\nd\n");
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, strlen(text));
    assert_int_equal(csv_next(&reader, &row), -1);
    assert_int_equal(reader.reason_line, 1);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.line, 2);
    assert_string_equal(row.fields[0].text, "c");
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[0].text, "d");
    assert_int_equal(csv_next(&reader, &row), 0);
    free(text);
}

static void byte_order_mark_is_skipped_and_empty_text_has_no_rows(void **state)
{
    (void)state;
    char *text = copy_of("\xEF\xBB\xBFname\n");
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, strlen(text));
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[0].text, "name");
    free(text);
    char empty[] = "";
    csv_init(&reader, empty, 0);
    assert_int_equal(csv_next(&reader, &row), 0);
}

static void semicolons_and_tabs_divide_where_the_heading_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char separator;
    } all[] = {
        {"code,title\nA,x;y;z\n", ','},
        {"code;title;price\nA;x, y;1\n", ';'},
        {"code\ttitle\nA\tx\n", '\t'},
        {"code\nA\n", ','},
        {"\"a;b;c\",title\n", ','},
        {"\"a,b\";\"c\nd,e\";f\n", ';'},
        {"", ','},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(csv_separator(all[i].text, strlen(all[i].text)), all[i].separator);
    char text[] = "code;title\nA;\"x; \"\"y\"\"\"\nB;a, b\n";
    struct csv_reader reader;
    struct csv_row row;
    csv_init(&reader, text, strlen(text));
    reader.separator = csv_separator(text, strlen(text));
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_int_equal(row.field_count, 2);
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[1].text, "x; \"y\"");
    assert_int_equal(csv_next(&reader, &row), 1);
    assert_string_equal(row.fields[1].text, "a, b");
    assert_int_equal(csv_next(&reader, &row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_commas_and_line_ends_are_read),
        cmocka_unit_test(bad_rows_are_told_with_their_place_and_reading_goes_on),
        cmocka_unit_test(too_many_fields_and_nul_bytes_are_refused),
        cmocka_unit_test(a_nul_byte_is_told_where_it_is_and_costs_no_other_row),
        cmocka_unit_test(after_a_quote_that_is_never_closed_the_lines_are_as_written),
        cmocka_unit_test(byte_order_mark_is_skipped_and_empty_text_has_no_rows),
        cmocka_unit_test(semicolons_and_tabs_divide_where_the_heading_has_them),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
