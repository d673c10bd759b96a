/* test_status: the table of statuses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/status.h"

static void every_number_is_found_and_unique(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct status_info *info; (info = status_at(count)) != NULL; count++) {
        assert_ptr_equal(status_find(info->number), info);
        assert_string_equal(status_name(info->number), info->name);
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(status_at(i)->number, info->number);
            assert_string_not_equal(status_at(i)->name, info->name);
        }
    }
    assert_true(count > 30);
}

static void numbers_lie_in_the_range_of_their_class(void **state)
{
    (void)state;
    for (size_t i = 0; status_at(i) != NULL; i++) {
        const struct status_info *info = status_at(i);
        switch (info->class) {
        case STATUS_CLASS_DONE: assert_int_equal(info->number, 0); break;
        case STATUS_CLASS_RETRY: assert_in_range(info->number, 1, 99); break;
        case STATUS_CLASS_REFUSED: assert_in_range(info->number, 100, 199); break;
        case STATUS_CLASS_FIX: assert_in_range(info->number, 200, 299); break;
        }
        assert_string_not_equal(status_class_name(info->class), "unknown");
    }
}

static void texts_say_something(void **state)
{
    (void)state;
    for (size_t i = 0; status_at(i) != NULL; i++) {
        const struct status_info *info = status_at(i);
        assert_true(strlen(info->meaning) > 0);
        if (info->number == STATUS_OK)
            continue;
        assert_true(strlen(info->cause) > 0);
        assert_true(strlen(info->action) > 0);
        assert_true(info->meaning[strlen(info->meaning) - 1] != '.');
    }
}

static void an_unknown_number_has_a_name_all_the_same(void **state)
{
    (void)state;
    assert_null(status_find(99));
    assert_null(status_find(UINT16_MAX));
    assert_string_equal(status_name(99), "UNKNOWN");
    assert_null(status_at(10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_found_and_unique),
        cmocka_unit_test(numbers_lie_in_the_range_of_their_class),
        cmocka_unit_test(texts_say_something),
        cmocka_unit_test(an_unknown_number_has_a_name_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
