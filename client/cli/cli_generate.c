/* cli_generate: a made-up shop's sales, in the CSV format that `souk replay` reads.
 *
 * The same seed gives the same bytes everywhere: the random numbers are splitmix64 and nothing uses
 * floating point or the clock. It has what real files have: invoices of several lines, few SKUs that
 * sell much and many that sell little, cancellations, most of them of what the customer bought last,
 * stock corrections, lines without a price, charges that are no product, codes in two letter cases,
 * commas and quotes in descriptions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <time.h>

#include "client/cli/cli.h"
#include "client/cli/generator.h"

#define BEGIN_TIME      1291190400 /* 2010-12-01 08:00:00 */
#define INVOICE_FIRST   536365u
#define SKUS_MAX        50000
#define LINES_MAX       100000000
#define INVOICE_LINES   24u
#define OPEN_HOURS      10u
#define SECONDS_PER_DAY 86400
#define CUSTOMER_FIRST  12346u
#define CUSTOMERS       4000u

struct purchase {
    u32 sku;
    i64 quantity; /* 0 = none */
};

struct generator {
    u64 random;
    u32 sku_count;
    u32 invoice;
    u32 invoice_lines_left;
    time_t time;
    u32 customer; /* 0 = blank */
    struct purchase last[CUSTOMERS];
};

static u32 below(struct generator *generator, u32 bound)
{
    return generate_below(&generator->random, bound);
}

static void begin_invoice(struct generator *generator)
{
    struct tm day;
    generator->invoice++;
    generator->invoice_lines_left = 1 + below(generator, INVOICE_LINES);
    generator->time += 20 + below(generator, 600);
    generator->customer =
        below(generator, 4) == 0 ? 0 : CUSTOMER_FIRST + below(generator, CUSTOMERS);
    /* The shop is open for some hours a day. */
    (void)gmtime_r(&generator->time, &day);
    if (day.tm_hour >= 8 + (int)OPEN_HOURS)
        generator->time += SECONDS_PER_DAY - (time_t)OPEN_HOURS * 3600;
}

/* "20017", "20021B"; now and then in small letters, as tills write it. */
static void print_code(u32 sku, bool is_lower)
{
    const char letter = sku % 7 == 3 ? (char)('A' + sku / 7 % 5) : '\0';
    printf("%05u", 20000 + sku);
    if (letter != '\0')
        (void)putchar(is_lower ? letter - 'A' + 'a' : letter);
}

static void print_description(u32 sku)
{
    static const char *const colours[] = {"RED", "IVORY", "PINK", "BLUE", "VINTAGE", "WOODEN"};
    static const char *const things[] = {"LUNCH BAG",     "T-LIGHT HOLDER",   "CAKE STAND",
                                         "DOOR MAT",      "HOT WATER BOTTLE", "METAL LANTERN",
                                         "BIRTHDAY CARD", "PARTY BUNTING"};
    const char *colour = colours[sku % ARRAY_COUNT(colours)];
    const char *thing = things[sku / 5 % ARRAY_COUNT(things)];
    if (sku % 11 == 0)
        printf("\"%s %s, SET OF %u\"", colour, thing, sku % 6 + 2);
    else if (sku % 29 == 0)
        printf("\"%s \"\"%s\"\" SIGN\"", colour, thing);
    else
        printf("%s %s", colour, thing);
}

/* Price of a SKU in pence, the same in all its lines. */
static u32 price_of(u32 sku)
{
    return 29 + sku * 7919 % 1466;
}

static void print_tail(const struct generator *generator, i64 quantity, u32 price)
{
    char date[32];
    struct tm day;
    (void)gmtime_r(&generator->time, &day);
    (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &day);
    printf(",%lld,%s,%u.%02u,", (long long)quantity, date, price / 100, price % 100);
    if (generator->customer != 0)
        printf("%u.0", generator->customer);
    (void)puts(",United Kingdom");
}

/* What the customer bought last, or a part of it; nothing changes for one who has bought nothing. */
static void recall(struct generator *generator, u32 *sku, i64 *quantity)
{
    if (generator->customer == 0)
        return;
    const struct purchase *last = &generator->last[generator->customer - CUSTOMER_FIRST];
    if (last->quantity == 0)
        return;
    *sku = last->sku;
    *quantity = MIN(*quantity, last->quantity);
}

static void print_line(struct generator *generator)
{
    static const char *const charges[] = {"POST", "DOT", "M", "BANK CHARGES"};
    const u32 dice = below(generator, 1000);
    /* The smallest of three: the first SKUs are asked for most. */
    u32 sku = below(generator, generator->sku_count);
    sku = MIN(sku, below(generator, generator->sku_count));
    sku = MIN(sku, below(generator, generator->sku_count));
    const u32 few = 1 + below(generator, 12);
    i64 quantity = below(generator, 40) == 0 ? few * 48 : few;
    const bool is_lower = below(generator, 50) == 0;
    if (dice < 6) {
        const char *charge = charges[below(generator, ARRAY_COUNT(charges))];
        printf("%u,%s,%s", generator->invoice, charge, charge);
        print_tail(generator, 1, 1800);
        return;
    }
    const bool is_cancellation = dice < 26;
    if (is_cancellation && dice < 20)
        recall(generator, &sku, &quantity);
    printf("%s%u,", is_cancellation ? "C" : "", generator->invoice);
    print_code(sku, is_lower);
    (void)putchar(',');
    if (dice >= 26 && dice < 30) { /* a stock correction: no description, no price */
        print_tail(generator, -quantity, 0);
        return;
    }
    print_description(sku);
    const bool is_sale = dice >= 33;
    print_tail(generator, is_cancellation ? -quantity : quantity,
               is_sale || is_cancellation ? price_of(sku) : 0);
    if (is_sale && generator->customer != 0)
        generator->last[generator->customer - CUSTOMER_FIRST] = (struct purchase){sku, quantity};
}

int verb_generate(struct cli *cli, const struct verb_args *args)
{
    i64 seed = 1, lines = 20000, skus = 500, products = 10000;
    const bool is_catalog = strcmp(args->words[0], "catalog") == 0;
    if (!is_catalog && strcmp(args->words[0], "online-retail") != 0)
        return cli_usage(cli, "the format \"%s\" is not known; online-retail and catalog are",
                         args->words[0]);
    if (!cli_option_count(cli, args, "--seed", 0, INT64_MAX, &seed) ||
        !cli_option_count(cli, args, "--lines", 1, LINES_MAX, &lines) ||
        !cli_option_count(cli, args, "--skus", 1, SKUS_MAX, &skus))
        return CLI_EXIT_USAGE;
    if (!cli_option_count(cli, args, "--products", 1, 10000000, &products))
        return CLI_EXIT_USAGE;
    if (is_catalog)
        return generate_catalog((u64)seed, (u32)products);
    struct generator generator = {
        .random = (u64)seed, .sku_count = (u32)skus, .invoice = INVOICE_FIRST, .time = BEGIN_TIME};
    (void)puts("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
    for (i64 i = 0; i < lines && ferror(stdout) == 0; i++) {
        if (generator.invoice_lines_left == 0)
            begin_invoice(&generator);
        generator.invoice_lines_left--;
        print_line(&generator);
    }
    return ferror(stdout) == 0 ? CLI_EXIT_DONE : CLI_EXIT_REFUSED;
}
