/* test_pricing_table: runs the scripts of tests/table/prices, which a shopkeeper can read.
 *
 *   sku MUG 5.00 GBP
 *   list SALE GBP group TRADER priority 5 from 100 until 200 off
 *   price SALE MUG 1:4.50 10:4.00           from one on, from ten on; without any: no price any more
 *   promotion TENTH percent 10 threshold 20.00 GBP code HELLO priority 1 exclusive
 *   promotion TWO fixed 2.00 GBP            kinds: percent, fixed, "3 for 2 of MUG", "free shipping"
 *   order MUG 2, CUP 1 at 3.00 coupon HELLO shipping 3.99 group TRADER time 150   -> 17.50 used HELLO
 *
 * `at` is the agreed price of the line before it, `surcharge` its own shipping charge. What is expected
 * is a total (and then the status is OK) or a status; `discount`, `used` and `unused` ask for more. A
 * name stands for an id, in the order in which names come up. # begins a comment. Each script has a shop
 * of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glob.h>
#include <stdio.h>

#include "proto/money.h"
#include "proto/status.h"
#include "tests/unit/shards/pricing_fixture.h"

#define WORDS_MAX 40u
#define NAMES_MAX 64u
#define TIME_NOW  50u

struct good {
    i64 price;
    u16 currency;
};

struct script {
    struct shop shop;
    const char *path;
    u32 line;
    char names[NAMES_MAX][16];
    struct good goods[NAMES_MAX];
    u32 name_count;
    char *words[WORDS_MAX];
    u32 count;
    u32 at;
};

#define FAIL_LINE(script, ...)                                            \
    do {                                                                  \
        print_error("%s:%u: ", (script)->path, (unsigned)(script)->line); \
        print_error(__VA_ARGS__);                                         \
        print_error("\n");                                                \
        fail();                                                           \
    } while (0)

/* ---- words ---- */

static const char *next(struct script *script)
{
    if (script->at == script->count)
        FAIL_LINE(script, "a word is missing");
    return script->words[script->at++];
}

/* Is the next word this one? Then it is taken. */
static bool take(struct script *script, const char *word)
{
    if (script->at == script->count || strcmp(script->words[script->at], word) != 0)
        return false;
    script->at++;
    return true;
}

static bool is_at_end(const struct script *script)
{
    return script->at == script->count;
}

static u64 name_id(struct script *script, const char *name)
{
    for (u32 i = 0; i < script->name_count; i++)
        if (strcmp(script->names[i], name) == 0)
            return i + 1;
    if (script->name_count == NAMES_MAX || strlen(name) >= sizeof script->names[0])
        FAIL_LINE(script, "too many names, or too long: %s", name);
    memcpy(script->names[script->name_count], name, strlen(name) + 1);
    return ++script->name_count;
}

static u64 number(struct script *script)
{
    return strtoull(next(script), NULL, 10);
}

static i64 amount_of(struct script *script, const char *word)
{
    i64 minor = 0;
    const char *reason = money_parse(word, currency_find(GBP), &minor);
    if (reason != NULL)
        FAIL_LINE(script, "%s: %s", word, reason);
    return minor;
}

static i64 amount(struct script *script)
{
    return amount_of(script, next(script));
}

static u16 currency(struct script *script)
{
    const char *letters = next(script);
    const struct currency_info *info = currency_find_letters(letters);
    if (info == NULL)
        FAIL_LINE(script, "%s is no currency", letters);
    return info->number;
}

/* ---- settings ---- */

static void run_sku(struct script *script)
{
    const u64 id = name_id(script, next(script));
    struct good *good = &script->goods[id - 1];
    good->price = amount(script);
    good->currency = currency(script);
}

static void run_list(struct script *script)
{
    struct msg_price_list_put_req put = {.home_id = name_id(script, next(script))};
    put.currency = currency(script);
    while (!is_at_end(script)) { /* ends: a word or more each time */
        if (take(script, "group"))
            put.group_id = name_id(script, next(script));
        else if (take(script, "priority"))
            put.priority = (u32)number(script);
        else if (take(script, "from"))
            put.valid_from_ns = number(script);
        else if (take(script, "until"))
            put.valid_until_ns = number(script);
        else if (take(script, "off"))
            put.is_off = 1;
        else
            FAIL_LINE(script, "a list has no %s", next(script));
    }
    shop_list(&script->shop, put);
}

static void run_price(struct script *script)
{
    const u64 list = name_id(script, next(script)), sku = name_id(script, next(script));
    struct row_price_tier tiers[PRICE_TIERS_MAX];
    u32 count = 0;
    while (!is_at_end(script)) { /* ends: a tier each time */
        const char *word = next(script), *colon = strchr(word, ':');
        assert_true(colon != NULL && count < PRICE_TIERS_MAX);
        tiers[count++] = (struct row_price_tier){.quantity = strtoll(word, NULL, 10),
                                                 .price = amount_of(script, colon + 1)};
    }
    shop_tiers(&script->shop, list, sku, tiers, count);
}

static void parse_kind(struct script *script, struct msg_promotion_put_req *put)
{
    if (take(script, "percent")) {
        put->kind = PROMOTION_KIND_PERCENT;
        put->value = amount(script); /* hundredths */
    } else if (take(script, "fixed")) {
        put->kind = PROMOTION_KIND_FIXED;
        put->value = amount(script);
        put->currency = currency(script);
    } else if (take(script, "free")) {
        put->kind = PROMOTION_KIND_FREE_SHIPPING;
        assert_true(take(script, "shipping"));
    } else {
        put->kind = PROMOTION_KIND_N_FOR_M;
        put->buy = (u32)number(script);
        assert_true(take(script, "for"));
        put->pay = (u32)number(script);
    }
}

static void run_promotion(struct script *script)
{
    struct msg_promotion_put_req put = {.home_id = name_id(script, next(script))};
    parse_kind(script, &put);
    while (!is_at_end(script)) { /* ends: a word or more each time */
        if (take(script, "of"))
            put.sku_id = name_id(script, next(script));
        else if (take(script, "threshold"))
            put.threshold = amount(script);
        else if (take(script, "GBP"))
            put.currency = GBP;
        else if (take(script, "code"))
            put.coupon_id = name_id(script, next(script));
        else if (take(script, "group"))
            put.group_id = name_id(script, next(script));
        else if (take(script, "priority"))
            put.priority = (u32)number(script);
        else if (take(script, "until"))
            put.valid_until_ns = number(script);
        else if (take(script, "exclusive"))
            put.is_exclusive = 1;
        else if (take(script, "off"))
            put.is_off = 1;
        else
            FAIL_LINE(script, "a promotion has no %s", next(script));
    }
    shop_promotion(&script->shop, put);
}

/* ---- orders ---- */

static void parse_line(struct script *script, struct basket *basket)
{
    const u64 sku = name_id(script, next(script));
    const struct good *good = &script->goods[sku - 1];
    if (good->currency == 0)
        FAIL_LINE(script, "no such SKU: %s", script->names[sku - 1]);
    struct pricing_line *line = basket_line(basket, sku, (i64)number(script), good->price);
    line->currency = good->currency;
    if (take(script, "at"))
        line->agreed_price = amount(script);
}

static void parse_order(struct script *script, struct basket *basket)
{
    basket_begin(basket);
    basket->pricing.now_ns = TIME_NOW;
    do
        parse_line(script, basket);
    while (take(script, ","));
    while (!is_at_end(script) && !take(script, "->")) { /* ends: a word or more each time */
        if (take(script, "coupon"))
            basket_coupon(basket, name_id(script, next(script)));
        else if (take(script, "group"))
            basket->pricing.group_id = name_id(script, next(script));
        else if (take(script, "time"))
            basket->pricing.now_ns = number(script);
        else if (take(script, "shipping"))
            basket_charge(basket, AMOUNT_KIND_SHIPPING, LINE_NONE, amount(script));
        else if (take(script, "surcharge"))
            basket_charge(basket, AMOUNT_KIND_SHIPPING, basket->pricing.line_count - 1,
                          amount(script));
        else if (take(script, "tax"))
            basket_charge(basket, AMOUNT_KIND_TAX, LINE_NONE, amount(script));
        else
            FAIL_LINE(script, "an order has no %s", next(script));
    }
}

static bool is_used(const struct basket *basket, u64 coupon_id)
{
    for (u32 i = 0; i < basket->pricing.coupon_count; i++)
        if (basket->coupons[i].coupon_id == coupon_id)
            return (basket->pricing.coupons_used >> i & 1) != 0;
    return false;
}

static void expect_amount(struct script *script, const char *what, i64 is, i64 should)
{
    if (is != should)
        FAIL_LINE(script, "%s is %lld, not %lld", what, (long long)is, (long long)should);
}

static void run_order(struct script *script)
{
    static struct basket basket;
    parse_order(script, &basket);
    const u16 status = basket_run(&script->shop, &basket);
    const char *wanted = next(script);
    const bool is_total = wanted[0] >= '0' && wanted[0] <= '9';
    if (strcmp(status_name(status), is_total ? "OK" : wanted) != 0)
        FAIL_LINE(script, "%s, not %s", status_name(status), is_total ? "OK" : wanted);
    if (is_total)
        expect_amount(script, "the total", basket.pricing.total, amount_of(script, wanted));
    while (!is_at_end(script)) { /* ends: a word or more each time */
        if (take(script, "discount"))
            expect_amount(script, "the discount", basket.pricing.discount, amount(script));
        else if (take(script, "used"))
            assert_true(is_used(&basket, name_id(script, next(script))));
        else if (take(script, "unused"))
            assert_false(is_used(&basket, name_id(script, next(script))));
        else
            FAIL_LINE(script, "%s cannot be expected", next(script));
    }
}

/* ---- scripts ---- */

/* Splits at blanks; a comma is a word of its own. */
static void split(struct script *script, char *text)
{
    static char comma[] = ",";
    script->count = 0;
    script->at = 0;
    text[strcspn(text, "#")] = '\0';
    for (char *at = text; *at != '\0' && script->count + 2 < WORDS_MAX;) {
        at += strspn(at, " \t\n");
        const size_t length = strcspn(at, " \t\n,");
        const char end = at[length];
        if (length != 0)
            script->words[script->count++] = at;
        if (end == ',')
            script->words[script->count++] = comma;
        if (end != '\0')
            at[length] = '\0';
        at += length + (end != '\0' ? 1 : 0);
    }
}

static void run_line(struct script *script, char *line)
{
    split(script, line);
    if (script->count == 0)
        return;
    if (take(script, "sku"))
        run_sku(script);
    else if (take(script, "list"))
        run_list(script);
    else if (take(script, "price"))
        run_price(script);
    else if (take(script, "promotion"))
        run_promotion(script);
    else if (take(script, "order"))
        run_order(script);
    else
        FAIL_LINE(script, "no such verb: %s", next(script));
}

static void run_script(const char *path)
{
    static struct script script;
    char line[256];
    u32 orders = 0;
    memset(&script, 0, sizeof script);
    script.path = path;
    shop_open(&script.shop);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) { /* ends: a line further each time */
        script.line++;
        orders += strncmp(line, "order ", 6) == 0 ? 1 : 0;
        run_line(&script, line);
    }
    (void)fclose(file);
    assert_true(orders >= 10);
    shop_close(&script.shop);
}

static void all_scripts_cost_what_they_say(void **state)
{
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/table/prices/*.tab", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 3);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_script(found.gl_pathv[i]);
    globfree(&found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_scripts_cost_what_they_say)};
    for (int i = 1; i < argc; i++)
        run_script(argv[i]);
    return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
