/* Tests of a replay as orders, without a server: events of a file, what the book says of them, the
 * journal's ends of events, the provider's answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "client/cli/cli_value.h"
#include "client/cli/replay_book.h"
#include "client/cli/replay_journal.h"
#include "client/cli/replay_provider.h"

#define HEADER "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
#define DATE   "2010-12-01 08:26:00"

/* A file as far as a replay knows it before it talks to anybody. */
struct sales {
    struct replay_plan plan;
    struct replay_events events;
    struct shop shop;
    struct book book;
    char errors[512];
    bool is_good;
};

static struct sales *load(const char *rows)
{
    struct sales *sales = calloc(1, sizeof *sales);
    char *text = malloc(strlen(HEADER) + strlen(rows) + 1);
    assert_non_null(sales);
    assert_non_null(text);
    (void)sprintf(text, "%s%s", HEADER, rows);
    FILE *file = fmemopen(sales->errors, sizeof sales->errors, "w");
    assert_non_null(file);
    assert_true(
        replay_plan_parse(&sales->plan, text, strlen(text), "f.csv", VALUE_FACTOR_INF, file));
    sales->is_good = replay_events_make(&sales->events, &sales->plan, "f.csv", file);
    (void)fclose(file);
    if (sales->is_good) {
        shop_init(&sales->shop, &sales->plan);
        book_init(&sales->book, &sales->events, &sales->shop);
    }
    return sales;
}

static void end(struct sales *sales)
{
    if (sales->is_good) {
        book_deinit(&sales->book);
        shop_deinit(&sales->shop);
    }
    replay_events_close(&sales->events);
    replay_plan_close(&sales->plan);
    free(sales);
}

/* ---- events ---- */

static void an_invoice_is_one_event_at_the_place_of_its_first_line(void **state)
{
    (void)state;
    struct sales *sales = load("1,11111,A,2," DATE ",1.00,17850.0,UK\n"
                               "2,11111,A,3," DATE ",1.00, 17850 ,UK\n"
                               "2,POST,P,1," DATE ",9.00,17850.0,UK\n"
                               "1,22222,B,4," DATE ",0.25,17850,UK\n"
                               "3,11111,A,5," DATE ",0.00,17850.0,UK\n"
                               "C4,11111,A,-1," DATE ",1.00,17850.00,UK\n"
                               "5,11111,A,-6," DATE ",0.00,,UK\n"
                               "6,11111,A,1," DATE ",1.00,,UK\n"
                               "1,11111,A,1," DATE ",1.50,17850.0,UK\n");
    const struct replay_event *events = sales->events.events;
    assert_true(sales->is_good);
    assert_int_equal(sales->events.count, 5);
    assert_int_equal(events[0].kind, REPLAY_EVENT_ORDER);
    assert_int_equal(events[0].line_count, 3);
    assert_int_equal(events[0].units, 7);
    assert_int_equal(events[0].minor, 2 * 100 + 4 * 25 + 150);
    assert_int_equal(events[0].first_line, 0);
    assert_int_equal(sales->events.lines[0].next, 3);
    assert_int_equal(sales->events.lines[3].next, 8);
    assert_int_equal(sales->events.lines[8].index, 2);
    assert_int_equal(events[1].minor, 300);
    assert_int_equal(events[2].kind, REPLAY_EVENT_RETURN);
    assert_int_equal(events[3].kind, REPLAY_EVENT_CORRECTION);
    assert_int_equal(events[3].units, 6);
    assert_int_equal(events[4].kind, REPLAY_EVENT_ORDER);
    /* One customer, however written; a guest is nobody's customer. */
    assert_int_equal(events[0].previous, REPLAY_NONE);
    assert_int_equal(events[0].next, 1);
    assert_int_equal(events[1].next, 2);
    assert_int_equal(events[2].previous, 1);
    assert_int_equal(events[2].next, REPLAY_NONE);
    assert_true(events[0].user_id == events[2].user_id);
    assert_true(events[0].user_id == souk_id("17850", 5));
    assert_true(events[4].user_id >> 63 == 1);
    assert_int_equal(events[4].previous, REPLAY_NONE);
    assert_int_equal(sales->events.guest_orders, 1);
    end(sales);
}

static void an_invoice_of_two_customers_is_refused(void **state)
{
    (void)state;
    struct sales *sales = load("1,11111,A,2," DATE ",1.00,17850.0,UK\n"
                               "1,11111,A,2," DATE ",1.00,17851.0,UK\n");
    assert_false(sales->is_good);
    assert_non_null(strstr(sales->errors, "f.csv:3: invoice 1 has another customer"));
    end(sales);
}

static void an_order_beyond_what_money_can_be_is_refused(void **state)
{
    (void)state;
    struct sales *sales = load("1,11111,A,2147483648," DATE ",10000000.00,17850.0,UK\n");
    assert_false(sales->is_good);
    assert_non_null(strstr(sales->errors, "f.csv:2: invoice 1 costs more"));
    end(sales);
}

static void ids_follow_from_file_and_start_and_are_distinct(void **state)
{
    (void)state;
    const u64 start_ms = 1700000000000ull;
    struct sales *sales = load("1,11111,A,2," DATE ",1.00,17850.0,UK\n"
                               "2,11111,A,2," DATE ",1.00,17850.0,UK\n"
                               "3,11111,A,2," DATE ",1.00,,UK\n");
    struct souk_id128 ids[3];
    for (u32 i = 0; i < 3; i++)
        ids[i] = replay_order_id(&sales->events, i, start_ms);
    assert_true(ids[0].high == ids[1].high && ids[0].low != ids[1].low);
    assert_true(ids[2].high != ids[0].high);
    assert_true(ids[0].low >> 16 == start_ms && ids[1].low >> 16 == start_ms);
    const struct souk_id128 again = replay_order_id(&sales->events, 1, start_ms);
    assert_memory_equal(&again, &ids[1], sizeof again);
    end(sales);
}

/* ---- the book ---- */

/* Runs what may begin until nothing may: orders are accepted but for `refused`. Returns the number of
 * scans. */
static u32 play(struct sales *sales, u32 most, const char *refused)
{
    u32 events[64];
    u32 scans = 0;
    for (;; scans++) {
        const u32 count = book_choose(&sales->book, events, most);
        if (count == 0)
            return scans;
        for (u32 i = 0; i < count; i++) {
            const struct replay_event *event = &sales->events.events[events[i]];
            const bool is_refused = refused != NULL && strcmp(event->invoice, refused) == 0;
            struct book_part *parts;
            i64 value = 0;
            if (event->kind == REPLAY_EVENT_ORDER)
                value = is_refused ? 0 : event->minor;
            if (event->kind == REPLAY_EVENT_CORRECTION)
                value = event->units;
            if (event->kind == REPLAY_EVENT_RETURN) {
                const u32 part_count = book_parts_of(&sales->book, events[i], &parts);
                for (u32 j = 0; j < part_count; j++)
                    value += parts[j].units * sales->plan.lines[parts[j].line].price;
                free(parts);
            }
            assert_null(
                book_end(&sales->book, events[i], is_refused ? SOUK_OUT_OF_STOCK : SOUK_OK, value));
        }
    }
}

static void a_return_takes_from_the_newest_order_and_its_first_line(void **state)
{
    (void)state;
    struct book_part *parts;
    struct sales *sales = load("1,11111,A,5," DATE ",1.00,7,UK\n" /* line 0 */
                               "2,11111,A,2," DATE ",2.00,7,UK\n" /* 1 */
                               "2,22222,B,2," DATE ",9.00,7,UK\n"
                               "2,11111,A,3," DATE ",3.00,7,UK\n" /* 3 */
                               "3,11111,A,9," DATE ",4.00,7,UK\n" /* refused */
                               "4,11111,A,9," DATE ",5.00,8,UK\n" /* another customer's */
                               "C5,11111,A,-3," DATE ",7.00,7,UK\n"
                               "C5,11111,A,-3," DATE ",7.00,7,UK\n"
                               "C6,11111,A,-9," DATE ",7.00,7,UK\n");
    const u32 back = 4;
    u32 events[8];
    assert_int_equal(book_choose(&sales->book, events, 8), 2); /* one of each customer */
    assert_int_equal(events[1], 3);
    assert_null(book_end(&sales->book, 0, SOUK_OK, 500));
    assert_null(book_end(&sales->book, 1, SOUK_OK, 400 + 1800 + 900));
    assert_null(book_end(&sales->book, 2, SOUK_OUT_OF_STOCK, 0));
    assert_null(book_end(&sales->book, 3, SOUK_OK, 4500));
    assert_int_equal(book_parts_of(&sales->book, back, &parts), 3);
    assert_true(parts[0].order == 1 && parts[0].line == 1 && parts[0].units == 2);
    assert_true(parts[1].order == 1 && parts[1].line == 3 && parts[1].units == 3);
    assert_true(parts[2].order == 0 && parts[2].line == 0 && parts[2].units == 1);
    free(parts);
    assert_non_null(book_end(&sales->book, back, SOUK_OK, 1)); /* another amount */
    assert_null(book_end(&sales->book, back, SOUK_OK, 2 * 200 + 3 * 300 + 100));
    assert_int_equal(sales->book.entries[1].returns, 1);
    assert_int_equal(sales->book.entries[1].returned, 5);
    assert_int_equal(sales->book.entries[1].refunded, 1300);
    assert_int_equal(sales->book.left[0], 4);
    /* The next one finds the rest, and no more. */
    assert_null(book_end(&sales->book, 5, SOUK_OK, 400));
    assert_int_equal(sales->book.entries[5].units, 4);
    assert_int_equal(sales->book.totals.returned_units, 10);
    assert_int_equal(sales->book.totals.unmatched_units, 5);
    assert_int_equal(sales->book.totals.refunded, 1800);
    assert_int_equal(sales->book.totals.captured, 500 + 3100 + 4500);
    assert_int_equal(sales->book.totals.refused_units, 9);
    assert_int_equal(sales->book.totals.reasons[0].status, SOUK_OUT_OF_STOCK);
    assert_true(book_is_complete(&sales->book));
    assert_int_equal(sales->shop.totals.lines_done, sales->plan.line_count);
    end(sales);
}

static void a_customers_events_wait_for_each_other_and_others_do_not(void **state)
{
    (void)state;
    u32 events[8];
    struct sales *sales = load("1,11111,A,1," DATE ",1.00,7,UK\n"
                               "2,11111,A,1," DATE ",1.00,7,UK\n"
                               "3,11111,A,1," DATE ",1.00,8,UK\n"
                               "4,11111,A,1," DATE ",1.00,,UK\n"
                               "5,11111,A,1," DATE ",1.00,,UK\n");
    assert_int_equal(book_choose(&sales->book, events, 3), 3);
    assert_true(events[0] == 0 && events[1] == 2 && events[2] == 3);
    assert_int_equal(book_choose(&sales->book, events, 3), 1);
    assert_int_equal(events[0], 4);
    assert_non_null(book_end(&sales->book, 1, SOUK_OK, 100)); /* its turn has not come */
    assert_null(book_end(&sales->book, 0, SOUK_OK, 100));
    assert_int_equal(book_choose(&sales->book, events, 3), 1);
    assert_int_equal(events[0], 1);
    assert_non_null(book_end(&sales->book, 0, SOUK_OK, 100)); /* over already */
    end(sales);
}

static void a_correction_has_its_sku_to_itself(void **state)
{
    (void)state;
    u32 events[8];
    struct sales *sales = load("1,11111,A,1," DATE ",1.00,,UK\n"
                               "2,11111,A,-1," DATE ",0.00,,UK\n"
                               "3,11111,A,1," DATE ",1.00,,UK\n"
                               "4,22222,B,1," DATE ",1.00,,UK\n"
                               "5,11111,A,-1," DATE ",0.00,,UK\n");
    /* The correction waits for the order before it, and what comes after waits for the correction. */
    assert_int_equal(book_choose(&sales->book, events, 8), 2);
    assert_true(events[0] == 0 && events[1] == 3);
    assert_null(book_end(&sales->book, 0, SOUK_OK, 100));
    assert_int_equal(book_choose(&sales->book, events, 8), 1);
    assert_int_equal(events[0], 1);
    assert_int_equal(book_choose(&sales->book, events, 8), 0);
    assert_null(book_end(&sales->book, 1, SOUK_OK, 0)); /* nothing was there */
    assert_int_equal(sales->book.totals.adjusted_beyond, 1);
    assert_int_equal(book_choose(&sales->book, events, 8), 1);
    assert_int_equal(events[0], 2);
    assert_null(book_end(&sales->book, 2, SOUK_OK, 100));
    assert_int_equal(book_choose(&sales->book, events, 8), 1);
    assert_int_equal(events[0], 4);
    end(sales);
}

static void one_slot_plays_the_file_in_its_order(void **state)
{
    (void)state;
    u32 event;
    struct sales *sales = load("1,11111,A,4," DATE ",1.00,7,UK\n"
                               "9,11111,A,-1," DATE ",0.00,,UK\n"
                               "C2,11111,A,-1," DATE ",1.00,7,UK\n"
                               "3,11111,A,1," DATE ",1.00,,UK\n"
                               "C4,11111,A,-1," DATE ",1.00,,UK\n" /* a guest has bought nothing */
                               "5,11111,A,1," DATE ",0.001,7,UK\n");
    for (u32 i = 0; i < sales->events.count; i++) {
        struct book_part *parts;
        assert_int_equal(book_choose(&sales->book, &event, 1), 1);
        assert_int_equal(event, i);
        static const i64 values[] = {400, 1, 100, 100, 0, 0};
        if (i == 4) {
            assert_int_equal(book_parts_of(&sales->book, 4, &parts), 0);
            assert_null(parts);
        }
        assert_null(book_end(&sales->book, event, SOUK_OK, values[i]));
    }
    assert_true(book_is_complete(&sales->book));
    assert_int_equal(sales->book.totals.unmatched_units, 1);
    assert_int_equal(sales->shop.skus[0].shipped, 6);
    assert_int_equal(sales->shop.skus[0].returned, 1);
    assert_int_equal(sales->shop.skus[0].adjusted, 1);
    end(sales);
}

/* A return that finds nothing is over when its turn comes, not when its SKU is set up. */
static void setting_up_ends_no_line_of_an_order(void **state)
{
    (void)state;
    struct sales *sales = load("C1,11111,A,-5," DATE ",1.00,7,UK\n"
                               "2,11111,A,8," DATE ",1.00,7,UK\n");
    const struct shop_item sku = {0, 0}, goods = {0, 8};
    assert_null(shop_apply(&sales->shop, SHOP_STEP_SKU, sku, (struct shop_answer){SOUK_OK, 1}));
    assert_null(
        shop_apply(&sales->shop, SHOP_STEP_RECEIVE, goods, (struct shop_answer){SOUK_OK, 8}));
    assert_int_equal(sales->shop.totals.lines_done, 0);
    assert_int_equal(play(sales, 1, NULL), 2);
    assert_int_equal(sales->shop.totals.lines_done, 2);
    assert_int_equal(sales->book.totals.unmatched_units, 5);
    end(sales);
}

/* However many run at once, money and units follow from what was accepted. */
static void totals_do_not_depend_on_the_number_of_slots(void **state)
{
    (void)state;
    static const char rows[] = "1,11111,A,4," DATE ",1.00,7,UK\n"
                               "2,11111,A,4," DATE ",2.00,8,UK\n"
                               "C3,11111,A,-3," DATE ",1.00,7,UK\n"
                               "4,11111,A,2," DATE ",3.00,7,UK\n"
                               "6,11111,A,-2," DATE ",0.00,,UK\n"
                               "C5,11111,A,-5," DATE ",1.00,7,UK\n"
                               "C7,11111,A,-5," DATE ",1.00,8,UK\n";
    for (u32 most = 1; most <= 8; most *= 2) {
        struct sales *sales = load(rows);
        const u32 scans = play(sales, most, "4");
        assert_int_equal(scans, most == 1 ? 7 : 4);
        assert_true(book_is_complete(&sales->book));
        assert_int_equal(sales->book.totals.captured, 400 + 800);
        assert_int_equal(sales->book.totals.refunded, 400 + 800);
        assert_int_equal(sales->book.totals.returned_units, 8);
        assert_int_equal(sales->book.totals.unmatched_units, 5);
        assert_int_equal(sales->book.totals.refused_minor, 600);
        end(sales);
    }
}

static void what_a_journal_may_not_say_of_a_correction(void **state)
{
    (void)state;
    struct sales *sales = load("1,11111,A,4," DATE ",1.00,7,UK\n"
                               "2,11111,A,-3," DATE ",0.00,,UK\n");
    assert_null(book_check_adjustment(&sales->book, (struct shop_item){1, 3}));
    assert_non_null(book_check_adjustment(&sales->book, (struct shop_item){1, 4}));
    assert_non_null(book_check_adjustment(&sales->book, (struct shop_item){1, 0}));
    assert_non_null(book_check_adjustment(&sales->book, (struct shop_item){0, 1}));
    assert_non_null(book_check_adjustment(&sales->book, (struct shop_item){2, 1}));
    assert_non_null(book_end(&sales->book, 1, SOUK_OK, 4));
    assert_non_null(book_end(&sales->book, 2, SOUK_OK, 0));
    assert_null(book_end(&sales->book, 1, SOUK_OK, 3));
    assert_non_null(book_check_adjustment(&sales->book, (struct shop_item){1, 1}));
    end(sales);
}

/* ---- the journal ---- */

static void the_journal_keeps_mode_start_and_ends_of_events(void **state)
{
    (void)state;
    char path[] = "/tmp/souk-journal.XXXXXX";
    struct journal journal;
    struct journal_reader reader;
    struct journal_identity identity = {.mode = JOURNAL_MODE_ORDERS,
                                        .start_ms = 1700000000123ull,
                                        .clients = 1,
                                        .batch = 3,
                                        .shards = 4};
    struct journal_entry *entry = malloc(sizeof *entry);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_non_null(entry);
    (void)close(fd);
    assert_null(journal_open(&journal, path, &reader));
    journal_put_identity(&journal, &identity);
    journal_put_end(&journal, 9, (struct shop_answer){SOUK_OUT_OF_STOCK, 0});
    journal_put_end(&journal, 4000000000u, (struct shop_answer){SOUK_OK, 123456789012});
    assert_int_equal(journal_flush(&journal), 0);
    journal_reader_close(&reader);
    journal_close(&journal);

    memset(&identity, 0, sizeof identity);
    assert_null(journal_open(&journal, path, &reader));
    assert_null(journal_read_identity(&reader, &identity));
    assert_int_equal(identity.mode, JOURNAL_MODE_ORDERS);
    assert_true(identity.start_ms == 1700000000123ull);
    assert_int_equal(journal_read_entry(&reader, entry), 1);
    assert_int_equal(entry->kind, JOURNAL_ENTRY_END);
    assert_int_equal(entry->event, 9);
    assert_int_equal(entry->answers[0].status, SOUK_OUT_OF_STOCK);
    assert_int_equal(journal_read_entry(&reader, entry), 1);
    assert_true(entry->event == 4000000000u && entry->answers[0].value == 123456789012);
    assert_int_equal(journal_read_entry(&reader, entry), 0);
    journal_reader_close(&reader);
    journal_close(&journal);
    (void)unlink(path);
    free(entry);
}

/* ---- the provider ---- */

static void the_provider_answers_a_key_always_alike(void **state)
{
    (void)state;
    struct souk_payment_event first, second;
    struct souk_command_poll_reply command = {.order = {5, 6},
                                              .lease = 7,
                                              .amount = 800,
                                              .step = 2,
                                              .attempt = 1,
                                              .kind = SOUK_COMMAND_CAPTURE,
                                              .currency = 826};
    assert_true(provider_answer(&command, &first));
    assert_int_equal(first.kind, SOUK_EVENT_CAPTURED);
    assert_true(first.amount == 800 && first.lease == 7 && first.step == 2);
    command.lease = 99; /* delivered again */
    assert_true(provider_answer(&command, &second));
    assert_memory_equal(&first.reference, &second.reference, sizeof first.reference);
    command.attempt = 2; /* a new request */
    assert_true(provider_answer(&command, &second));
    assert_memory_not_equal(&first.reference, &second.reference, sizeof first.reference);
    command.kind = SOUK_COMMAND_NOTIFY_SHIPPED;
    assert_false(provider_answer(&command, &second));
}

static void a_query_is_answered_as_what_it_asks_about(void **state)
{
    (void)state;
    struct souk_payment_event answer, asked;
    const struct souk_command_poll_reply capture = {
        .order = {5, 6}, .amount = 800, .step = 2, .attempt = 3, .kind = SOUK_COMMAND_CAPTURE};
    const struct souk_command_poll_reply query = {.order = {5, 6},
                                                  .lease = 7,
                                                  .amount = 800,
                                                  .step = 4,
                                                  .attempt = 1,
                                                  .subject = 2,
                                                  .subject_attempt = 3,
                                                  .subject_kind = SOUK_COMMAND_CAPTURE,
                                                  .kind = SOUK_COMMAND_QUERY};
    assert_true(provider_answer(&capture, &asked));
    assert_true(provider_answer(&query, &answer));
    assert_memory_equal(&answer.reference, &asked.reference, sizeof asked.reference);
    assert_true(answer.kind == asked.kind && answer.step == 2 && answer.attempt == 3);
    assert_true(answer.lease == 0); /* that of the query is not the subject's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invoice_is_one_event_at_the_place_of_its_first_line),
        cmocka_unit_test(an_invoice_of_two_customers_is_refused),
        cmocka_unit_test(an_order_beyond_what_money_can_be_is_refused),
        cmocka_unit_test(ids_follow_from_file_and_start_and_are_distinct),
        cmocka_unit_test(a_return_takes_from_the_newest_order_and_its_first_line),
        cmocka_unit_test(a_customers_events_wait_for_each_other_and_others_do_not),
        cmocka_unit_test(a_correction_has_its_sku_to_itself),
        cmocka_unit_test(one_slot_plays_the_file_in_its_order),
        cmocka_unit_test(setting_up_ends_no_line_of_an_order),
        cmocka_unit_test(totals_do_not_depend_on_the_number_of_slots),
        cmocka_unit_test(what_a_journal_may_not_say_of_a_correction),
        cmocka_unit_test(the_journal_keeps_mode_start_and_ends_of_events),
        cmocka_unit_test(the_provider_answers_a_key_always_alike),
        cmocka_unit_test(a_query_is_answered_as_what_it_asks_about),
    };
    return cmocka_run_group_tests_name("replay as orders", tests, NULL, NULL);
}
