/* settings_case: the town that every test of settings begins with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_SETTINGS_CASE_H
#define SOUK_TESTS_UNIT_SHARDS_SETTINGS_CASE_H

#include "tests/unit/shards/settings_town.h"

#include "shards/settings/settings_index.h"
#include "shards/settings/settings_judge.h"

static struct st st;

static inline int open_town(void **state)
{
    (void)state;
    st_open(&st);
    return 0;
}

static inline int close_town(void **state)
{
    (void)state;
    st_close(&st);
    return 0;
}

static inline struct setting_name list_name(u64 home_id)
{
    return (struct setting_name){.home_id = home_id, .kind = SETTING_KIND_PRICE_LIST};
}

/* ---- dump, load, verify, memory ---- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

#endif
