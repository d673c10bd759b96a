/* test_order_names: numbers of orders, keys of commands, guests, short texts, rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client/lib/souk.h"
#include "proto/id.h"
#include "proto/messages.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* A reproducible series of ids. */
static struct souk_id128 id_at(u64 i)
{
    const u64 seeds[2] = {i, ~i};
    return (struct souk_id128){checksum64(&seeds[0], 8), checksum64(&seeds[1], 8)};
}

static void assert_same(struct souk_id128 a, struct souk_id128 b)
{
    assert_true(a.low == b.low && a.high == b.high);
}

static void an_order_is_its_users_and_of_now(void **state)
{
    (void)state;
    const u64 user = souk_id("alice", 5);
    const u64 before_ms = (u64)time(NULL) * 1000;
    const struct souk_id128 order = souk_order_new(user);
    assert_true(order.high == user);
    assert_true(order.low >> 16 >= before_ms);
    assert_true(order.low >> 16 <= before_ms + 60000);
    u32 same = 0;
    for (u32 i = 0; i < 100; i++)
        same += souk_order_new(user).low == order.low ? 1 : 0;
    assert_true(same < 3);
}

static void guests_are_users_with_the_top_bit(void **state)
{
    (void)state;
    assert_true(souk_guest("token") == (souk_id("token", 5) | ID_GUEST_BIT));
    assert_true(souk_guest("token") != souk_guest("tokem"));
}

/* On paper once and for ever: numbers are in letters to customers. */
static void numbers_do_not_change(void **state)
{
    (void)state;
    char text[SOUK_NUMBER_TEXT_MAX];
    assert_string_equal(souk_order_number((struct souk_id128){.low = 1}, text),
                        "0000-0000-0000-0000-0000-0000-012");
    assert_string_equal(souk_order_number((struct souk_id128){UINT64_MAX, UINT64_MAX}, text),
                        "7ZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZC");
    const struct souk_id128 order = {.low = 0x0123456789ABCDEFull, .high = 0x0FEDCBA987654321ull};
    assert_string_equal(souk_order_number(order, text), "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE");
}

static void numbers_come_back(void **state)
{
    (void)state;
    char text[SOUK_NUMBER_TEXT_MAX];
    struct souk_id128 back;
    for (u64 i = 0; i < 20000; i++) {
        const struct souk_id128 id = id_at(i);
        souk_order_number(id, text);
        assert_int_equal(strlen(text), SOUK_NUMBER_TEXT_MAX - 1);
        assert_int_equal(souk_order_number_parse(text, &back), 0);
        assert_same(back, id);
    }
}

static void people_may_write_them_as_they_like(void **state)
{
    (void)state;
    const struct souk_id128 id = {.low = 0x0123456789ABCDEFull, .high = 0x0FEDCBA987654321ull};
    static const char *const good[] = {
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE", "0fxq-5tk1-v58c-gg28-t5cy-4tqk-ffe",
        "0FXQ5TK1V58CGG28T5CY4TQKFFE",       "OFXQ-5TKI-V58C-GG28-T5CY-4TQK-FFE",
        "ofxq5tkLv58cgg28t5cy4tqkffe",       " 0FXQ 5TK1 V58C GG28 T5CY 4TQK FFE ",
    };
    struct souk_id128 back;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(souk_order_number_parse(good[i], &back), 0);
        assert_same(back, id);
    }
    static const char *const bad[] = {
        "",
        "-",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FF",   /* without its check */
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFEE", /* one more */
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFU",  /* a letter that is none */
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FF#",
        "8FXQ-5TK1-V58C-GG28-T5CY-4TQK-FF7", /* more than 128 bits */
        "0000-0000-0000-0000-0000-0000-000", /* none */
        "0fedcba98765432100123456789abcdef",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        back = (struct souk_id128){7, 7};
        assert_int_equal(souk_order_number_parse(bad[i], &back), SOUK_ERROR_ARGUMENT);
        assert_same(back, (struct souk_id128){7, 7});
    }
}

static void every_wrong_character_is_noticed(void **state)
{
    (void)state;
    char text[SOUK_NUMBER_TEXT_MAX];
    struct souk_id128 back;
    for (u64 i = 0; i < 50; i++) {
        souk_order_number(id_at(i), text);
        for (u32 at = 0; text[at] != '\0'; at++) {
            const char right = text[at];
            if (right == '-')
                continue;
            for (const char *c = alphabet; *c != '\0'; c++) {
                text[at] = *c;
                assert_int_equal(souk_order_number_parse(text, &back) == 0, *c == right);
            }
            text[at] = right;
        }
    }
}

static void every_exchange_of_two_is_noticed(void **state)
{
    (void)state;
    char text[SOUK_NUMBER_TEXT_MAX];
    struct souk_id128 back;
    for (u64 i = 0; i < 50; i++) {
        souk_order_number(id_at(i), text);
        for (u32 a = 0; text[a] != '\0'; a++)
            for (u32 b = a + 1; text[b] != '\0'; b++) {
                if (text[a] == text[b] || text[a] == '-' || text[b] == '-')
                    continue;
                const char held = text[a];
                text[a] = text[b];
                text[b] = held;
                assert_int_equal(souk_order_number_parse(text, &back), SOUK_ERROR_ARGUMENT);
                text[b] = text[a];
                text[a] = held;
            }
    }
}

static void keys_name_a_command(void **state)
{
    (void)state;
    char key[SOUK_KEY_TEXT_MAX];
    const struct souk_id128 id = {.low = 0x0123456789ABCDEFull, .high = 0x0FEDCBA987654321ull};
    assert_string_equal(souk_command_key(id, 3, 1, key), "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.3.1");
    struct souk_id128 order;
    u32 step;
    u32 attempt;
    assert_int_equal(souk_command_key_parse(key, &order, &step, &attempt), 0);
    assert_same(order, id);
    assert_int_equal(step, 3);
    assert_int_equal(attempt, 1);
    souk_command_key((struct souk_id128){UINT64_MAX, UINT64_MAX}, UINT32_MAX, UINT32_MAX, key);
    assert_true(strlen(key) < SOUK_KEY_TEXT_MAX - 1); /* nothing was cut off */
    assert_int_equal(souk_command_key_parse(key, &order, &step, &attempt), 0);
    assert_true(step == UINT32_MAX && attempt == UINT32_MAX);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".1.1",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.1",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.1.",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE..1",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.1.1.1",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.-1.1",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.01.1", /* one key per command */
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.1.4294967296",
        "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFH.1.1",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    };
    struct souk_id128 order = {7, 7};
    u32 step = 7;
    u32 attempt = 7;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(souk_command_key_parse(bad[i], &order, &step, &attempt),
                         SOUK_ERROR_ARGUMENT);
    assert_true(order.low == 7 && step == 7 && attempt == 7);
}

static void short_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[SOUK_TEXT64_MAX];
    struct souk_text64 to = souk_text64_of("DHL");
    assert_string_equal(souk_text64_print(&to, text), "DHL");
    assert_int_equal(to.bytes[3], 0);
    to = souk_text64_of(NULL);
    assert_string_equal(souk_text64_print(&to, text), "");
    char full[65] = "";
    memset(full, 'x', 64);
    to = souk_text64_of(full);
    assert_string_equal(souk_text64_print(&to, text), full);
    /* 63 bytes and a character of two: it does not fit. */
    char long_one[80] = "";
    memset(long_one, 'x', 63);
    memcpy(long_one + 63, "\xC3\xA9\xC3\xA9", 4);
    to = souk_text64_of(long_one);
    assert_int_equal(strlen(souk_text64_print(&to, text)), 63);
    memcpy(long_one + 62, "\xC3\xA9z", 4);
    to = souk_text64_of(long_one);
    assert_int_equal(strlen(souk_text64_print(&to, text)), 64);
}

static void rows_are_copied_from_anywhere(void **state)
{
    (void)state;
    const struct souk_row_line_quantity rows[3] = {{.quantity = 5, .line = 0},
                                                   {.quantity = 6, .line = 1},
                                                   {.quantity = 7, .line = 2, .damaged = 2}};
    struct souk_text text = souk_rows_of(rows, sizeof rows[0], 3);
    assert_int_equal(text.bytes, sizeof rows);
    char elsewhere[sizeof rows + 1];
    memcpy(elsewhere + 1, rows, sizeof rows); /* as in a reply: not aligned */
    text.data = elsewhere + 1;
    struct souk_row_line_quantity row;
    u32 count = 0;
    assert_int_equal(souk_rows(text, sizeof row, &count), 0);
    assert_int_equal(count, 3);
    assert_true(souk_row_at(text, sizeof row, 2, &row));
    assert_int_equal(row.quantity, 7);
    assert_int_equal(row.damaged, 2);
    row.quantity = 99;
    assert_false(souk_row_at(text, sizeof row, 3, &row));
    assert_int_equal(row.quantity, 99);
    text.bytes--;
    assert_int_equal(souk_rows(text, sizeof row, &count), SOUK_ERROR_ARGUMENT);
    assert_false(souk_row_at(text, sizeof row, 2, &row));
    assert_int_equal(souk_rows((struct souk_text){NULL, 0}, sizeof row, &count), 0);
    assert_int_equal(count, 0);
    assert_false(souk_row_at((struct souk_text){NULL, 0}, sizeof row, 0, &row));
}

static void names_are_words_even_for_unknown_numbers(void **state)
{
    (void)state;
    assert_string_equal(souk_state_name(SOUK_STATE_PAID), "PAID");
    assert_string_equal(souk_state_name(999), "?");
    assert_string_equal(souk_summary_name(SOUK_SUMMARY_SHIPPED), "SHIPPED");
    assert_string_equal(souk_history_name(SOUK_HISTORY_CAPTURED), "CAPTURED");
    assert_string_equal(souk_history_words(999), "");
    assert_string_equal(souk_command_kind_name(SOUK_COMMAND_REFUND), "refund");
    assert_string_equal(souk_event_name(SOUK_EVENT_NO_SUCH_PAYMENT), "no-such-payment");
    assert_string_equal(souk_event_name(SOUK_EVENT_NO_SUCH_PAYMENT + 1), "?");
    assert_string_equal(souk_effect_name(SOUK_EFFECT_LATE_VOID), "late: given back");
    assert_string_equal(souk_tender_state_name(SOUK_TENDER_STATE_RELEASED), "released");
    assert_string_equal(souk_command_state_name(SOUK_COMMAND_STATE_TAKEN_BACK), "taken back");
    assert_true(souk_state_is_resting(SOUK_STATE_CANCELLED));
    assert_false(souk_state_is_resting(SOUK_STATE_AUTHORIZING));
    assert_false(souk_state_is_resting(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_its_users_and_of_now),
        cmocka_unit_test(guests_are_users_with_the_top_bit),
        cmocka_unit_test(numbers_do_not_change),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(people_may_write_them_as_they_like),
        cmocka_unit_test(every_wrong_character_is_noticed),
        cmocka_unit_test(every_exchange_of_two_is_noticed),
        cmocka_unit_test(keys_name_a_command),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(short_texts_are_cut_between_characters),
        cmocka_unit_test(rows_are_copied_from_anywhere),
        cmocka_unit_test(names_are_words_even_for_unknown_numbers),
    };
    return cmocka_run_group_tests_name("order names", tests, NULL, NULL);
}
