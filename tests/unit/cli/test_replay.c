/* Tests of the replay's pure parts: the plan of a file, the shop's state, the journal.
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
#include "client/cli/replay_journal.h"
#include "client/cli/replay_shop.h"

#define HEADER "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
#define DATE   "2010-12-01 08:26:00"

static bool load(struct replay_plan *plan, const char *rows, u64 factor, char *errors, size_t bytes)
{
    char *text = malloc(strlen(HEADER) + strlen(rows) + 1);
    assert_non_null(text);
    (void)sprintf(text, "%s%s", HEADER, rows);
    FILE *file = fmemopen(errors, bytes, "w");
    assert_non_null(file);
    memset(errors, 0, bytes);
    const bool is_good = replay_plan_parse(plan, text, strlen(text), "f.csv", factor, file);
    (void)fclose(file);
    return is_good;
}

static void lines_are_classified_by_the_rules_in_their_order(void **state)
{
    (void)state;
    char errors[512];
    struct replay_plan plan;
    static const enum replay_rule rules[] = {
        REPLAY_RULE_SALE,       REPLAY_RULE_CHARGE,   REPLAY_RULE_CHARGE, REPLAY_RULE_CANCELLATION,
        REPLAY_RULE_CORRECTION, REPLAY_RULE_UNPRICED, REPLAY_RULE_SALE,   REPLAY_RULE_UNPRICED};
    assert_true(load(&plan,
                     "1, 85123a ,\"A, B\",6," DATE ",2.55,17850.0,UK\n"
                     "1,POST,POSTAGE,1," DATE ",18.0,,UK\n"
                     "C1,D,Discount,-1," DATE ",27.5,,UK\n"
                     "C1,85123A,A,-2," DATE ",2.55,,UK\n"
                     "1,85123A,,-3," DATE ",0.0,,UK\n"
                     "1,85123A,,5," DATE ",-1.0,,UK\n"
                     "1,85123A,,5," DATE ",0.001,,UK\n"
                     "1,85123A,,5," DATE ",0.000,,UK\n",
                     500000, errors, sizeof errors));
    assert_int_equal(plan.line_count, ARRAY_COUNT(rules));
    for (u32 i = 0; i < plan.line_count; i++)
        assert_int_equal(plan.lines[i].rule, rules[i]);
    assert_int_equal(plan.sku_count, 1);
    assert_string_equal(plan.skus[0].code, "85123A");
    assert_int_equal(plan.skus[0].title.bytes, 4);
    assert_true(plan.skus[0].sale_units == 11);
    assert_true(plan.skus[0].receive == 5); /* floor(0.5 x 11) */
    assert_true(plan.sale_revenue == 6 * 255);
    replay_plan_close(&plan);
}

static void bad_rows_are_told_with_line_and_column(void **state)
{
    (void)state;
    char errors[1024];
    struct replay_plan plan;
    assert_false(load(&plan,
                      "1,85123A,A,6," DATE ",2.55,,UK\n"
                      "1,85123A,A,six," DATE ",2.55,,UK\n"
                      "1,85123A,A,6,yesterday,2.55,,UK\n"
                      "1,85123A,A,6," DATE ",cheap,,UK\n"
                      "1,85123A,A,0," DATE ",1.0,,UK\n"
                      "1,85123A\n",
                      VALUE_FACTOR_INF, errors, sizeof errors));
    assert_non_null(strstr(errors, "f.csv:3:12: Quantity \"six\""));
    assert_non_null(strstr(errors, "f.csv:4:14: InvoiceDate"));
    assert_non_null(strstr(errors, "f.csv:5:34: UnitPrice \"cheap\""));
    assert_non_null(strstr(errors, "f.csv:6:12: Quantity \"0\""));
    assert_non_null(strstr(errors, "f.csv:7:1: the row has not eight fields"));
    replay_plan_close(&plan);
}

static void lines_are_put_in_time_order(void **state)
{
    (void)state;
    char errors[256];
    struct replay_plan plan;
    assert_true(load(&plan,
                     "1,11111,A,1,2010-12-02 08:00:00,1.0,,UK\n"
                     "1,11111,A,2,2010-12-01 08:00:00,1.0,,UK\n"
                     "1,11111,A,3,2010-12-01 08:00:00,1.0,,UK\n",
                     VALUE_FACTOR_INF, errors, sizeof errors));
    assert_true(plan.lines[0].quantity == 2);
    assert_true(plan.lines[1].quantity == 3);
    assert_true(plan.lines[2].quantity == 1);
    replay_plan_close(&plan);
}

/* Answers as a server would that has `on_hand` units, until nothing is left to ask. */
static void serve(struct shop *shop, u32 line_count, i64 *on_hand)
{
    for (u32 turn = 0; turn < line_count * 2; turn++) {
        shop_begin_frame(shop);
        for (u32 line = 0; line < line_count; line++) {
            if (shop->lines[line].state == SHOP_LINE_DONE || !shop_may_go(shop, line))
                continue;
            const struct shop_need need = shop_need_of(shop, line);
            const struct shop_item item = {line, need.quantity};
            struct shop_answer answer = {SOUK_OK, 0};
            if (need.step == SHOP_STEP_TAKE && *on_hand < need.quantity)
                answer.status = SOUK_SOLD_OUT;
            if (need.step == SHOP_STEP_SHIP || need.step == SHOP_STEP_ADJUST)
                *on_hand -= need.quantity;
            if (need.step == SHOP_STEP_RETURN)
                *on_hand += need.quantity;
            answer.value = *on_hand;
            assert_null(shop_add_item(shop, need.step, item));
            assert_null(shop_apply(shop, need.step, item, answer));
            break;
        }
    }
}

static void set_up(struct shop *shop, i64 receive)
{
    const struct shop_item sku = {0, 0}, goods = {0, receive};
    assert_null(shop_apply(shop, SHOP_STEP_SKU, sku, (struct shop_answer){SOUK_OK, 1}));
    if (receive > 0)
        assert_null(
            shop_apply(shop, SHOP_STEP_RECEIVE, goods, (struct shop_answer){SOUK_OK, receive}));
}

static void returns_and_corrections_stop_at_what_there_is(void **state)
{
    (void)state;
    char errors[256];
    struct replay_plan plan;
    struct shop shop;
    i64 on_hand = 10;
    assert_true(load(&plan,
                     "C1,11111,A,-5," DATE ",1.0,,UK\n" /* nothing was shipped yet: 5 beyond */
                     "1,11111,A,8," DATE ",1.0,,UK\n"   /* sold */
                     "1,11111,A,4," DATE ",1.0,,UK\n"   /* refused: 2 left */
                     "C1,11111,A,-9," DATE ",1.0,,UK\n" /* 8 returned, 1 beyond */
                     "1,11111,A,-12," DATE ",0.0,,UK\n" /* 10 out, 2 beyond */
                     "1,11111,A,1," DATE ",1.0,,UK\n"   /* refused */
                     "1,11111,A,-1," DATE ",0.0,,UK\n", /* nothing there: 1 beyond */
                     VALUE_FACTOR_ONE, errors, sizeof errors));
    plan.skus[0].receive = on_hand;
    shop_init(&shop, &plan);
    set_up(&shop, on_hand);
    serve(&shop, plan.line_count, &on_hand);
    assert_int_equal(shop.totals.lines_done, plan.line_count);
    assert_int_equal(shop.totals.sold_units, 8);
    assert_int_equal(shop.totals.refused_lines, 2);
    assert_int_equal(shop.totals.refused_units, 5);
    assert_int_equal(shop.totals.returned_units, 8);
    assert_int_equal(shop.totals.return_beyond, 6);
    assert_int_equal(shop.totals.adjusted_units, 10);
    assert_int_equal(shop.totals.adjust_beyond, 3);
    assert_int_equal(shop.totals.reasons[0].status, SOUK_SOLD_OUT);
    assert_int_equal(on_hand, 0);
    shop_deinit(&shop);
    replay_plan_close(&plan);
}

static void a_frame_takes_runs_of_sales_and_nothing_beyond_them(void **state)
{
    (void)state;
    char errors[256];
    struct replay_plan plan;
    struct shop shop;
    assert_true(load(&plan,
                     "1,11111,A,1," DATE ",1.0,,UK\n"
                     "1,11111,A,2," DATE ",1.0,,UK\n"
                     "C1,11111,A,-1," DATE ",1.0,,UK\n"
                     "1,11111,A,3," DATE ",1.0,,UK\n",
                     VALUE_FACTOR_INF, errors, sizeof errors));
    shop_init(&shop, &plan);
    assert_false(shop_may_go(&shop, 0)); /* not set up yet */
    set_up(&shop, 6);
    shop_begin_frame(&shop);
    assert_false(shop_may_go(&shop, 1));
    assert_non_null(shop_add_item(&shop, SHOP_STEP_TAKE, (struct shop_item){1, 2}));
    assert_non_null(shop_add_item(&shop, SHOP_STEP_TAKE, (struct shop_item){0, 9}));
    assert_null(shop_add_item(&shop, SHOP_STEP_TAKE, (struct shop_item){0, 1}));
    assert_null(shop_add_item(&shop, SHOP_STEP_TAKE, (struct shop_item){1, 2}));
    assert_false(shop_may_go(&shop, 2));
    assert_false(shop_may_go(&shop, 3));
    shop_deinit(&shop);
    replay_plan_close(&plan);
}

/* ---- the journal ---- */

struct saved {
    char path[64];
};

static void make_journal(struct saved *saved)
{
    struct journal journal;
    struct journal_reader reader;
    struct journal_identity identity = {
        .digest = 7, .bytes = 8, .factor = VALUE_FACTOR_INF, .clients = 2, .batch = 3, .shards = 4};
    const struct shop_item items[] = {{5, 6}, {7, 8}};
    const struct shop_answer answers[] = {{SOUK_OK, 1}, {SOUK_SOLD_OUT, -2}};
    (void)strcpy(saved->path, "/tmp/souk-journal.XXXXXX");
    const int fd = mkstemp(saved->path);
    assert_true(fd >= 0);
    (void)close(fd);
    identity.sessions[0].low = 1;
    identity.sessions[1].high = 2;
    assert_null(journal_open(&journal, saved->path, &reader));
    assert_int_equal(reader.bytes, 0);
    journal_put_identity(&journal, &identity);
    journal_put_opened(&journal);
    journal_put_intent(&journal, 1, 9, SHOP_STEP_TAKE, items, 2);
    journal_put_answer(&journal, 1, 9, answers, 2);
    assert_int_equal(journal_flush(&journal), 0);
    journal_reader_close(&reader);
    journal_close(&journal);
}

static void journal_gives_back_what_was_put(void **state)
{
    (void)state;
    struct saved saved;
    struct journal journal, second;
    struct journal_reader reader, other;
    struct journal_identity identity;
    struct journal_entry *entry = malloc(sizeof *entry);
    assert_non_null(entry);
    make_journal(&saved);
    assert_null(journal_open(&journal, saved.path, &reader));
    assert_non_null(journal_open(&second, saved.path, &other)); /* locked */
    journal_reader_close(&other);
    journal_close(&second);
    assert_null(journal_read_identity(&reader, &identity));
    assert_true(identity.digest == 7 && identity.factor == VALUE_FACTOR_INF);
    assert_true(identity.sessions[0].low == 1 && identity.sessions[1].high == 2);
    assert_int_equal(journal_read_entry(&reader, entry), 1);
    assert_int_equal(entry->kind, JOURNAL_ENTRY_OPENED);
    assert_int_equal(journal_read_entry(&reader, entry), 1);
    assert_int_equal(entry->kind, JOURNAL_ENTRY_INTENT);
    assert_int_equal(entry->step, SHOP_STEP_TAKE);
    assert_int_equal(entry->lane, 1);
    assert_int_equal(entry->count, 2);
    assert_int_equal(entry->items[1].index, 7);
    assert_true(entry->items[1].quantity == 8);
    assert_int_equal(journal_read_entry(&reader, entry), 1);
    assert_int_equal(entry->kind, JOURNAL_ENTRY_ANSWER);
    assert_int_equal(entry->answers[1].status, SOUK_SOLD_OUT);
    assert_true(entry->answers[1].value == -2);
    assert_int_equal(journal_read_entry(&reader, entry), 0);
    journal_reader_close(&reader);
    journal_close(&journal);
    (void)unlink(saved.path);
    free(entry);
}

static u32 count_entries(const char *path)
{
    struct journal journal;
    struct journal_reader reader;
    struct journal_identity identity;
    struct journal_entry *entry = malloc(sizeof *entry);
    u32 count = 0;
    assert_non_null(entry);
    assert_null(journal_open(&journal, path, &reader));
    if (reader.bytes > 0) {
        assert_null(journal_read_identity(&reader, &identity));
        while (journal_read_entry(&reader, entry) == 1)
            count++;
    }
    journal_reader_close(&reader);
    journal_close(&journal);
    free(entry);
    return count;
}

/* Cut at every byte, a journal is a shorter journal, never a wrong one. */
static void torn_tail_is_cut_and_damage_is_refused(void **state)
{
    (void)state;
    struct saved saved;
    struct journal journal;
    struct journal_reader reader;
    char bytes[1024];
    make_journal(&saved);
    FILE *file = fopen(saved.path, "r");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_int_equal(count_entries(saved.path), 3);
    for (size_t cut = size; cut-- > 0;) {
        file = fopen(saved.path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, cut, file), cut);
        (void)fclose(file);
        assert_true(count_entries(saved.path) < 3);
    }
    char *middle = strstr(bytes, "opened");
    assert_non_null(middle);
    *middle = 'x';
    file = fopen(saved.path, "w");
    assert_non_null(file);
    (void)fwrite(bytes, 1, size, file);
    (void)fclose(file);
    assert_non_null(journal_open(&journal, saved.path, &reader));
    journal_reader_close(&reader);
    journal_close(&journal);
    (void)unlink(saved.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_classified_by_the_rules_in_their_order),
        cmocka_unit_test(bad_rows_are_told_with_line_and_column),
        cmocka_unit_test(lines_are_put_in_time_order),
        cmocka_unit_test(returns_and_corrections_stop_at_what_there_is),
        cmocka_unit_test(a_frame_takes_runs_of_sales_and_nothing_beyond_them),
        cmocka_unit_test(journal_gives_back_what_was_put),
        cmocka_unit_test(torn_tail_is_cut_and_damage_is_refused),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
