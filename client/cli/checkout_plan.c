/* checkout_plan: see client/cli/checkout_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/checkout_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GBP 826u

/* The last place of a character: codes may have it too. */
static size_t split_at(const char *text, char c)
{
    const char *at = strrchr(text, c);
    return at == NULL ? strlen(text) : (size_t)(at - text);
}

/* ---- lines ---- */

const char *checkout_line_parse(const char *text, u16 currency, struct souk_row_checkout_line *line)
{
    char code[CODE_BYTES_MAX + 1], quantity[24], price[40];
    const size_t code_bytes = split_at(text, '=');
    if (text[code_bytes] == '\0' || code_bytes > CODE_BYTES_MAX)
        return "is not SKU=N, SKU=N@PRICE or SKU=N@PRICE:REASON";
    (void)snprintf(code, sizeof code, "%.*s", (int)code_bytes, text);
    const char *rest = text + code_bytes + 1;
    const size_t quantity_bytes = strcspn(rest, "@");
    if (quantity_bytes >= sizeof quantity)
        return "has a quantity that is out of range";
    (void)snprintf(quantity, sizeof quantity, "%.*s", (int)quantity_bytes, rest);
    struct souk_row_checkout_line value = {.agreed_price = -1};
    const char *reason = value_code_invalid(code);
    if (reason == NULL)
        reason = value_parse_count(quantity, 1, QUANTITY_MAX, &value.quantity);
    if (reason != NULL)
        return reason;
    value.sku_id = souk_id(code, code_bytes);
    if (rest[quantity_bytes] == '@') {
        rest += quantity_bytes + 1;
        const size_t price_bytes = strcspn(rest, ":");
        if (price_bytes >= sizeof price)
            return "has a price that is too large";
        (void)snprintf(price, sizeof price, "%.*s", (int)price_bytes, rest);
        reason = souk_money_parse(price, currency, &value.agreed_price);
        if (reason != NULL)
            return reason;
        if (value.agreed_price < 0 || value.agreed_price > PRICE_MAX)
            return "has a price that is out of range";
        const char *why = rest[price_bytes] == ':' ? rest + price_bytes + 1 : "agreed";
        if (*why == '\0')
            return "has no reason behind the ':'";
        value.reason = souk_id(why, strlen(why));
    }
    *line = value;
    return NULL;
}

static bool read_lines(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan)
{
    u32 at = 0;
    const char *text;
    while ((text = verb_option_next(args, "--line", &at)) != NULL) {
        MUST(plan->line_count < PLAN_LINES_MAX);
        const char *reason =
            checkout_line_parse(text, plan->record.currency, &plan->lines[plan->line_count]);
        if (reason != NULL) {
            (void)cli_usage(cli, "--line \"%s\" %s", text, reason);
            return false;
        }
        plan->line_count++;
    }
    plan->record.from_cart = verb_option(args, "--cart") == NULL ? 0 : 1;
    if ((plan->line_count != 0) == (plan->record.from_cart != 0)) {
        (void)cli_usage(cli, "checkout needs --cart, or a --line SKU=N for each thing to order");
        return false;
    }
    at = 0;
    while ((text = verb_option_next(args, "--coupon", &at)) != NULL) {
        if (plan->record.from_cart != 0 || plan->coupon_count == ORDER_COUPONS_MAX) {
            (void)cli_usage(cli, "--coupon: %s",
                            plan->record.from_cart != 0 ? "a cart has its own: cart coupon"
                                                        : "at most 8");
            return false;
        }
        struct souk_row_coupon *coupon = &plan->coupons[plan->coupon_count++];
        if (!cli_name(cli, "--coupon", text, &coupon->coupon_id) ||
            !cli_text64(cli, "--coupon", text, &coupon->code))
            return false;
    }
    return true;
}

/* ---- charges ---- */

static bool add_charge(struct cli *cli, struct checkout_plan *plan, const char *option,
                       const char *name, const char *amount, u16 kind)
{
    MUST(plan->charge_count < PLAN_LINES_MAX);
    struct souk_row_charge *charge = &plan->charges[plan->charge_count++];
    *charge = (struct souk_row_charge){.line = SOUK_LINE_NONE, .kind = kind};
    if (!cli_name(cli, option, name, &charge->code) ||
        !cli_amount(cli, option, amount, plan->record.currency, &charge->amount))
        return false;
    plan->charged += charge->amount; /* at most 256 amounts of 2^53 */
    plan->shipping += kind == SOUK_AMOUNT_SHIPPING ? charge->amount : 0;
    return true;
}

static bool read_charges(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan)
{
    const char *tax = verb_option(args, "--tax"), *shipping = verb_option(args, "--shipping");
    if (tax != NULL && !add_charge(cli, plan, "--tax", "tax", tax, SOUK_AMOUNT_TAX))
        return false;
    if (shipping != NULL &&
        !add_charge(cli, plan, "--shipping", "shipping", shipping, SOUK_AMOUNT_SHIPPING))
        return false;
    u32 at = 0;
    const char *text;
    while ((text = verb_option_next(args, "--fee", &at)) != NULL) {
        char name[CODE_BYTES_MAX + 1];
        const size_t bytes = split_at(text, '=');
        if (text[bytes] == '\0' || bytes > CODE_BYTES_MAX) {
            (void)cli_usage(cli, "--fee \"%s\" is not NAME=AMOUNT", text);
            return false;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)bytes, text);
        if (!add_charge(cli, plan, "--fee", name, text + bytes + 1, SOUK_AMOUNT_FEE))
            return false;
    }
    return true;
}

/* ---- tenders ---- */

/* "CODE=AMOUNT"; a card may be without its amount. */
static bool add_tender(struct cli *cli, struct checkout_plan *plan, const char *option,
                       const char *text, u16 kind, u32 group)
{
    char name[CODE_BYTES_MAX + 1];
    size_t bytes = split_at(text, '=');
    if (plan->tender_count == ORDER_TENDERS_MAX) {
        (void)cli_usage(cli, "%s \"%s\": at most %u means of payment", option, text,
                        ORDER_TENDERS_MAX);
        return false;
    }
    if (bytes > CODE_BYTES_MAX || (text[bytes] == '\0' && kind != SOUK_TENDER_OUTSIDE)) {
        (void)cli_usage(cli, "%s \"%s\" is not %s=AMOUNT", option, text,
                        kind == SOUK_TENDER_CREDIT ? "ACCOUNT" : "CODE");
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)bytes, text);
    const u32 index = plan->tender_count++;
    struct souk_row_tender *tender = &plan->tenders[index];
    *tender = (struct souk_row_tender){.kind = kind};
    if (kind == SOUK_TENDER_OUTSIDE) {
        tender->group = group;
        if (!cli_text64(cli, option, name, &tender->token))
            return false;
    } else if (!cli_name(cli, option, name, &tender->account)) {
        return false;
    }
    if (text[bytes] == '\0') {
        if (plan->open_card >= 0) {
            (void)cli_usage(cli, "only one --card may be without an amount");
            return false;
        }
        plan->open_card = (i32)index;
        return true;
    }
    if (!cli_amount(cli, option, text + bytes + 1, plan->record.currency, &tender->amount))
        return false;
    plan->tendered += tender->amount;
    return true;
}

static bool read_tenders(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan)
{
    static const struct {
        const char *option;
        u16 kind;
    } kinds[] = {{"--gift-card", SOUK_TENDER_GIFT_CARD},
                 {"--credit", SOUK_TENDER_CREDIT},
                 {"--card", SOUK_TENDER_OUTSIDE}};
    i64 group = 0;
    plan->open_card = -1;
    if (!cli_option_count(cli, args, "--workers", 0, UINT32_MAX, &group))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        u32 at = 0;
        const char *text;
        while ((text = verb_option_next(args, kinds[i].option, &at)) != NULL)
            if (!add_tender(cli, plan, kinds[i].option, text, kinds[i].kind, (u32)group))
                return false;
    }
    return true;
}

/* ---- all of it ---- */

static bool read_address(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan)
{
    const char *path = verb_option(args, "--address");
    if (path == NULL)
        return true;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)cli_usage(cli, "--address %s: %s", path, strerror(errno));
        return false;
    }
    const size_t bytes = fread(plan->address, 1, sizeof plan->address, file);
    const bool is_good = ferror(file) == 0;
    (void)fclose(file);
    if (!is_good || bytes > ADDRESS_BYTES_MAX) {
        (void)cli_usage(cli, "--address %s: %s", path,
                        is_good ? "longer than 4096 bytes" : "cannot be read");
        return false;
    }
    plan->record.address = (struct souk_text){.data = plan->address, .bytes = (u32)bytes};
    return true;
}

bool checkout_plan_read(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan)
{
    static const char *const captures[] = {"now", "ship"};
    memset(plan, 0, sizeof *plan);
    struct souk_checkout *record = &plan->record;
    record->currency = GBP;
    if (!cli_user(cli, args, 0, &plan->user_id) ||
        !cli_option_currency(cli, args, &record->currency) ||
        !cli_option_order(cli, args, "--order", &record->order) ||
        !cli_option_name(cli, args, "--group", &record->group_id) ||
        !cli_option_word(cli, args, "--capture", captures, ARRAY_COUNT(captures), 0,
                         &record->capture) ||
        !read_lines(cli, args, plan) || !read_charges(cli, args, plan) ||
        !read_tenders(cli, args, plan) ||
        !cli_option_amount(cli, args, "--total", record->currency, &record->expected_total) ||
        !read_address(cli, args, plan))
        return false;
    i64 version = 0;
    if (!cli_option_count(cli, args, "--cart-version", 1, INT64_MAX, &version))
        return false;
    record->cart_version = (u64)version;
    plan->has_total = verb_option(args, "--total") != NULL;
    if ((record->order.low | record->order.high) == 0)
        record->order = souk_order_new(plan->user_id);
    if (record->order.high != plan->user_id) {
        (void)cli_usage(cli, "--order is an order of another user");
        return false;
    }
    record->lines = souk_rows_of(plan->lines, sizeof plan->lines[0], plan->line_count);
    record->charges = souk_rows_of(plan->charges, sizeof plan->charges[0], plan->charge_count);
    record->coupons = souk_rows_of(plan->coupons, sizeof plan->coupons[0], plan->coupon_count);
    return true;
}

/* What the goods of the cart cost now. */
static int price_cart(struct cli *cli, struct checkout_plan *plan, i64 *goods)
{
    struct souk_cart_view view;
    int exit_code = CLI_EXIT_DONE;
    const int error = souk_cart_view(cli->client, plan->user_id, plan->record.group_id,
                                     plan->record.currency, &view);
    if (error != 0) {
        exit_code = cli_no_answer(cli, cli->client, error);
    } else if (view.line_count == 0) {
        exit_code = cli_refused(cli, "cart", SOUK_CART_EMPTY, 0, NULL);
    } else if (view.quote.status != SOUK_OK) {
        exit_code = cli_refused(cli, "cart", view.quote.status, view.quote.retry_after_ms, NULL);
    } else {
        *goods = view.quote.total;
        if (view.quote.free_shipping != 0)
            *goods -= plan->shipping;
    }
    souk_cart_view_end(&view);
    return exit_code;
}

/* What lines cost by the SKUs' own prices; lists and promotions are the engine's. */
static int price_lines(struct cli *cli, struct checkout_plan *plan, i64 *goods)
{
    *goods = 0;
    for (u32 i = 0; i < plan->line_count; i++) {
        const struct souk_row_checkout_line *line = &plan->lines[i];
        i64 price = line->agreed_price;
        if (price < 0) {
            struct souk_sku_get_reply reply = {0};
            const struct souk_sku_get get = {.resource = {.id = line->sku_id}};
            const int error = souk_sku_get(cli->client, &get, &reply);
            souk_free(reply.memory);
            if (error != 0)
                return cli_no_answer(cli, cli->client, error);
            if (reply.status != SOUK_OK)
                return cli_refused(cli, "line", reply.status, reply.retry_after_ms, NULL);
            price = reply.price;
        }
        if (price != 0 && line->quantity > (PRICE_MAX - *goods) / price)
            return cli_usage(cli, "the lines cost more than 2^53");
        *goods += price * line->quantity;
    }
    return CLI_EXIT_DONE;
}

int checkout_plan_price(struct cli *cli, struct checkout_plan *plan)
{
    struct souk_checkout *record = &plan->record;
    if (!plan->has_total) {
        i64 goods = 0;
        const int exit_code =
            record->from_cart != 0 ? price_cart(cli, plan, &goods) : price_lines(cli, plan, &goods);
        if (exit_code != CLI_EXIT_DONE)
            return exit_code;
        record->expected_total = goods + plan->charged;
    }
    const i64 rest = record->expected_total - plan->tendered;
    if (plan->open_card >= 0 && rest > 0) {
        plan->tenders[plan->open_card].amount = rest;
    } else if (plan->open_card >= 0) { /* the last one is the open card: nothing is left for it */
        MUST(plan->tender_count != 0);
        for (u32 i = (u32)plan->open_card + 1; i < plan->tender_count; i++)
            plan->tenders[i - 1] = plan->tenders[i];
        plan->tender_count--;
    }
    record->tenders = souk_rows_of(plan->tenders, sizeof plan->tenders[0], plan->tender_count);
    return CLI_EXIT_DONE;
}
