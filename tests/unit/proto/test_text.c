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

/* Eight bytes are looked at together: one that is not good is found wherever it stands. */
static void one_bad_byte_is_found_at_every_place(void **state)
{
    (void)state;
    for (u32 count = 1; count <= TEXT64_BYTES; count++)
        for (u32 at = 0; at < count; at++)
            for (u32 value = 0; value < 256; value++) {
                u8 text[TEXT64_BYTES];
                memset(text, 'a' + (int)(at % 26), sizeof text);
                text[at] = (u8)value;
                const bool is_good = (value >= 0x20 && value < 0x7F);
                assert_true((text_invalid(text, count, false) == NULL) == is_good);
                assert_true((text_invalid(text, count, true) == NULL) ==
                            (is_good || value == '\n'));
            }
}

static void short_texts_end_with_zeros(void **state)
{
    (void)state;
    for (u32 count = 0; count <= TEXT64_BYTES; count++) {
        char bytes[TEXT64_BYTES];
        memset(bytes, 0x7E, sizeof bytes);
        struct text64 text = text64_of(bytes, count);
        assert_int_equal(text64_bytes(&text), count);
        assert_null(text64_invalid(&text));
        for (u32 at = count + 1; at < TEXT64_BYTES; at++) {
            text.bytes[at] = 1;
            assert_int_equal(text64_bytes(&text), count);
            assert_non_null(text64_invalid(&text));
            text.bytes[at] = 0;
        }
        if (count != 0) {
            text.bytes[count - 1] = 0x80;
            assert_int_equal(text64_bytes(&text), count);
            assert_non_null(text64_invalid(&text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_text_is_accepted),
        cmocka_unit_test(one_bad_byte_is_found_at_every_place),
        cmocka_unit_test(short_texts_end_with_zeros),
        cmocka_unit_test(bad_sequences_are_refused),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(line_feeds_are_fine_where_lines_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
