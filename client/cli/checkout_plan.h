/* checkout_plan: a checkout as its options say it, and what it has to cost.
 *
 *      --line SKU=N[@PRICE[:REASON]]    or the cart's lines
 *      --tax P --shipping P --fee NAME=P
 *      --gift-card CODE=P --credit ACCOUNT=P --card TOKEN[=P]
 *
 * One card may be without an amount: it pays what the others leave of the total. The total is what the
 * shopper saw: --total, or else what the quote of the cart or the SKUs' own prices come to, with the
 * charges.
 *
 * Ownership  the rows live in the plan.
 * Failure    a wrong option is a usage error, told before anything is ordered.
 * Not here   the order itself: verb_checkout.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_CHECKOUT_PLAN_H
#define SOUK_CLIENT_CLI_CHECKOUT_PLAN_H

#include "client/cli/cli.h"

#define PLAN_LINES_MAX VERB_OPTIONS_MAX

struct checkout_plan {
    struct souk_checkout record;
    u64 user_id;
    struct souk_row_checkout_line lines[PLAN_LINES_MAX];
    struct souk_row_charge charges[PLAN_LINES_MAX];
    struct souk_row_tender tenders[ORDER_TENDERS_MAX];
    struct souk_row_coupon coupons[ORDER_COUPONS_MAX];
    u32 line_count;
    u32 charge_count;
    u32 tender_count;
    u32 coupon_count;
    i64 charged;   /* sum of the charges */
    i64 shipping;  /* of them, shipping */
    i64 tendered;  /* sum of the tenders with an amount */
    i32 open_card; /* index of the card without one; -1 */
    bool has_total;
    char address[ADDRESS_BYTES_MAX + 1];
};

/* From the options; prints usage errors. */
bool checkout_plan_read(struct cli *cli, const struct verb_args *args, struct checkout_plan *plan);
/* Finds the total where none was given, and settles the tenders. Returns an exit code. */
int checkout_plan_price(struct cli *cli, struct checkout_plan *plan);

/* "SKU=N@PRICE:REASON" in `currency`. NULL or the reason why not; for the tests. */
const char *checkout_line_parse(const char *text, u16 currency,
                                struct souk_row_checkout_line *line);

#endif
