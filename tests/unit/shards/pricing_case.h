/* pricing_case: the shop and the basket that every test of prices begins with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_PRICING_CASE_H
#define SOUK_TESTS_UNIT_SHARDS_PRICING_CASE_H

#include "tests/unit/shards/pricing_fixture.h"

#include "proto/text.h"
#include "shards/settings/settings_index.h"
#include "shards/settings/spread.h"

static struct shop shop;
static struct basket basket;

static inline int open_shop(void **state)
{
    (void)state;
    shop_open(&shop);
    basket_begin(&basket);
    return 0;
}

static inline int close_shop(void **state)
{
    (void)state;
    shop_close(&shop);
    return 0;
}

/* ---- spreading ---- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)

#endif
