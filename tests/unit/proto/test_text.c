/* test_text: what is good text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/text.h"

static bool is_good(const char *text, u32 count)
{
    return text_invalid((const u8 *)text, count, false) == NULL;
}

static void good_text_is_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "85123A",
        "a b~",
        "caf\xC3\xA9",
        "\xC2\x80",         /* U+0080 */
        "\xDF\xBF",         /* U+07FF */
        "\xE0\xA0\x80",     /* U+0800 */
        "\xED\x9F\xBF",     /* U+D7FF */
        "\xEE\x80\x80",     /* U+E000 */
        "\xEF\xBF\xBF",     /* U+FFFF */
        "\xF0\x90\x80\x80", /* U+10000 */
        "\xF4\x8F\xBF\xBF", /* U+10FFFF */
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_true(is_good(good[i], (u32)strlen(good[i])));
}

static void bad_sequences_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xC3",             /* cut short */
        "\xC0\x80",         /* overlong NUL */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xE2\x82",         /* cut short */
        "\xED\xA0\x80",     /* surrogate U+D800 */
        "\xED\xBF\xBF",     /* surrogate U+DFFF */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xF4\x90\x80\x80", /* U+110000 */
        "\xF5\x80\x80\x80", /* beyond */
        "\xFE",
        "\xFF",
        "\xC3(",
        "\xE2\x28\xA1",
        "\xF0\x9F\x9B(",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(is_good(bad[i], (u32)strlen(bad[i])));
        char inside[16];
        const size_t length = strlen(bad[i]);
        inside[0] = 'x';
        memcpy(inside + 1, bad[i], length);
        inside[length + 1] = 'y';
        assert_false(is_good(inside, (u32)length + 2));
    }
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    for (u32 byte = 0; byte < 0x80; byte++) {
        const char one = (char)byte;
        assert_true(is_good(&one, 1) == (byte >= 0x20 && byte != 0x7F));
    }
}

static void line_feeds_are_fine_where_lines_are(void **state)
{
    (void)state;
    const u8 *text = (const u8 *)"colour=red\nsize=4";
    assert_non_null(text_invalid(text, 17, false));
    assert_null(text_invalid(text, 17, true));
    assert_non_null(text_invalid((const u8 *)"a\rb", 3, true));
    assert_non_null(text_invalid((const u8 *)"a\tb", 3, true));
    assert_null(text_invalid(NULL, 0, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_is_accepted),
        cmocka_unit_test(bad_sequences_are_refused),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(line_feeds_are_fine_where_lines_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
