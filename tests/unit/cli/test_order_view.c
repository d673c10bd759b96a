/* Tests of client/cli/cli_record, cli_table, order_view: what replies look like to programs and to
 * people.
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

#include "client/cli/cli_record.h"
#include "client/cli/cli_table.h"
#include "client/cli/order_view.h"
#include "proto/saga.h"

#define GBP 826u

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "(not a text)" : text;
}

static void replies_become_json_by_the_names_of_their_fields(void **state)
{
    (void)state;
    struct souk_row_failed_line failed = {
        .sku_id = 0xABC, .wanted = 3, .sellable = 1, .line = 1, .status = SOUK_ALL_HELD};
    const struct souk_checkout_status_reply reply = {
        .state = SOUK_STATE_CANCELLED,
        .reason = SOUK_OUT_OF_STOCK,
        .is_settled = 1,
        .summary = SOUK_SUMMARY_CANCELLED,
        .total = 1300,
        .failed = souk_rows_of(&failed, sizeof failed, 1),
        .action = souk_text_of("do \"this\""),
    };
    json_t *object = record_reply(SOUK_OP_CHECKOUT_STATUS, &reply);
    assert_string_equal(text_of(object, "state"), "CANCELLED");
    assert_string_equal(text_of(object, "reason"), "OUT_OF_STOCK");
    assert_string_equal(text_of(object, "summary"), "CANCELLED");
    assert_string_equal(text_of(object, "action"), "do \"this\"");
    assert_true(json_is_true(json_object_get(object, "is_settled")));
    assert_int_equal(json_integer_value(json_object_get(object, "total")), 1300);
    json_t *row = json_array_get(json_object_get(object, "failed"), 0);
    assert_string_equal(text_of(row, "sku_id"), "#0000000000000abc");
    assert_string_equal(text_of(row, "status"), "ALL_HELD");
    assert_string_equal(text_of(row, "kind"), "sku");
    assert_int_equal(json_integer_value(json_object_get(row, "line")), 1);
    json_decref(object);
}

static void none_is_null(void **state)
{
    (void)state;
    const struct souk_order_get_reply reply = {.currency = GBP};
    json_t *object = record_reply(SOUK_OP_ORDER_GET, &reply);
    static const char *const nulls[] = {"order", "owner", "group_id", "state", "reason"};
    for (size_t i = 0; i < ARRAY_COUNT(nulls); i++)
        assert_true(json_is_null(json_object_get(object, nulls[i])));
    assert_string_equal(text_of(object, "currency"), "GBP");
    assert_int_equal(json_array_size(json_object_get(object, "lines")), 0);
    assert_true(json_is_array(json_object_get(object, "lines")));
    json_decref(object);
}

/* Every operation and row has a form, also those that are added. */
static void everything_can_be_printed(void **state)
{
    (void)state;
    const struct message_info *info;
    const struct row_info *row;
    u64 reply[128];
    u8 zeros[512] = {0};
    for (size_t i = 0; (info = message_at(i)) != NULL; i++) {
        memset(reply, 0, sizeof reply);
        json_t *object = record_reply(info->code, reply);
        size_t fields = info->reply.span_count;
        for (u32 f = 0; f < info->reply.field_count; f++)
            fields += info->reply.fields[f].text != NULL ? 1 : 0;
        assert_int_equal(json_object_size(object), fields);
        json_decref(object);
    }
    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        json_t *rows = record_rows(row->name, souk_rows_of(zeros, row->bytes, 1));
        assert_int_equal(json_array_size(rows), 1);
        json_decref(rows);
    }
}

static void commands_have_their_key(void **state)
{
    (void)state;
    const struct souk_row_command row = {
        .order = {.low = 0x0123456789ABCDEFull, .high = 0x0FEDCBA987654321ull},
        .step = 3,
        .attempt = 2,
        .kind = SOUK_COMMAND_CAPTURE,
        .state = SOUK_COMMAND_STATE_DEAD};
    json_t *rows = record_rows("command", souk_rows_of(&row, sizeof row, 1));
    const json_t *object = json_array_get(rows, 0);
    assert_string_equal(text_of(object, "key"), "0FXQ-5TK1-V58C-GG28-T5CY-4TQK-FFE.3.2");
    assert_string_equal(text_of(object, "kind"), "capture");
    assert_string_equal(text_of(object, "state"), "dead");
    json_decref(rows);
}

/* ---- tables ---- */

static void assert_prints(json_t *rows, const char *columns, const char *wanted)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *to = open_memstream(&text, &bytes);
    assert_non_null(to);
    table_print(to, rows, "GBP", columns);
    (void)fclose(to);
    assert_string_equal(text, wanted);
    free(text);
}

static void tables_have_the_columns_that_were_asked_for(void **state)
{
    (void)state;
    json_t *rows = json_pack("[{s:s,s:i,s:i,s:n,s:b,s:[s,s]},{s:s,s:i,s:i,s:n,s:b,s:[]}]", "code",
                             "MUG", "n", 2, "price", 450, "none", "off", 0, "bad", "a", "b", "code",
                             "LAMP-1", "n", 10, "price", 12345, "none", "off", 1, "bad");
    assert_non_null(rows);
    assert_prints(rows, "code n=how_many $price ?none ?off bad",
                  "code    how many   price  off  bad\n"
                  "MUG            2    4.50  no   a, b\n"
                  "LAMP-1        10  123.45  yes\n");
    assert_prints(rows, "absent ?absent code", "absent  code\n-       MUG\n-       LAMP-1\n");
    json_decref(rows);
    rows = json_array();
    assert_prints(rows, "code", "");
    json_decref(rows);
}

/* ---- the story ---- */

static const char *words_of(struct souk_row_order_event event, char *to)
{
    return order_story_words(&event, GBP, to, 256);
}

static void events_are_sentences(void **state)
{
    (void)state;
    char text[256];
    struct souk_row_order_event event = {.kind = SOUK_HISTORY_CREATED, .value = 1300};
    assert_string_equal(words_of(event, text), "ordered for 13.00 GBP");
    event = (struct souk_row_order_event){
        .kind = SOUK_HISTORY_CAPTURED, .value = 1300, .text = souk_text64_of("ch_1")};
    assert_string_equal(words_of(event, text), "13.00 GBP captured (ch_1)");
    event.text = souk_text64_of("");
    assert_string_equal(words_of(event, text), "13.00 GBP captured");
    event =
        (struct souk_row_order_event){.kind = SOUK_HISTORY_REFUSED, .status = SOUK_OUT_OF_STOCK};
    assert_string_equal(words_of(event, text), "refused: OUT_OF_STOCK");
    event =
        (struct souk_row_order_event){.kind = SOUK_HISTORY_CANCELLED_UNITS, .value = 2, .what = 3};
    assert_string_equal(words_of(event, text), "2 of line 3 cancelled");
    event =
        (struct souk_row_order_event){.kind = SOUK_HISTORY_CANCEL_ASKED, .what = SOUK_CANCEL_FRAUD};
    assert_string_equal(words_of(event, text), "cancel asked for: reason fraud");
    event = (struct souk_row_order_event){.kind = SOUK_HISTORY_ATTACHED, .what = 0xABC};
    assert_string_equal(words_of(event, text), "given to account #0000000000000abc");
    event = (struct souk_row_order_event){.kind = 999};
    assert_string_equal(words_of(event, text), "event of kind 999");
}

/* No mark is left standing in any sentence, and none is cut in the middle of the buffer. */
static void every_sentence_is_filled_in(void **state)
{
    (void)state;
    char text[256], small[8];
    u32 seen = 0;
    for (u16 kind = 1; kind < 200; kind++) {
        const struct souk_row_order_event event = {.kind = kind, .text = souk_text64_of("T")};
        if (souk_history_words(kind)[0] == '\0')
            continue;
        seen++;
        assert_null(strchr(words_of(event, text), '%'));
        assert_true(strlen(order_story_words(&event, GBP, small, sizeof small)) < sizeof small);
    }
    assert_true(seen >= 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_become_json_by_the_names_of_their_fields),
        cmocka_unit_test(none_is_null),
        cmocka_unit_test(everything_can_be_printed),
        cmocka_unit_test(commands_have_their_key),
        cmocka_unit_test(tables_have_the_columns_that_were_asked_for),
        cmocka_unit_test(events_are_sentences),
        cmocka_unit_test(every_sentence_is_filled_in),
    };
    return cmocka_run_group_tests_name("order_view", tests, NULL, NULL);
}
