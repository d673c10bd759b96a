/* settings_judge_find: what categories, attributes, collections and the settings of searches and reviews
 * may look like.
 *
 * Only what a body says of itself is judged here; what depends on other settings (a parent that is not
 * there, a cycle, too many) is judged where a version is given: settings_ops.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_JUDGE_FIND_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_JUDGE_FIND_H

#include "shards/settings/settings.h"

#define RANK_WEIGHT_MAX    1000u
#define SEARCH_WEIGHT_MAX  100u
#define SEARCH_WORD_BYTES  64u /* letters from which on typos are allowed: at most */
#define CURATION_PLACE_MAX 100u
#define CURATION_BOOST_MAX 1000u /* percent */
#define REVIEWS_DAY_MAX    100000u

/* NULL, or what is wrong: of any kind from CATEGORY on, a record of the put that is well formed. */
const char *setting_found_invalid(struct setting_name name, const struct record_view *put);

/* Also of price lists and promotions. */
bool setting_name_text_good(const struct text64 *text);
static inline bool setting_validity_good(u64 from_ns, u64 until_ns)
{
    return until_ns == 0 || from_ns < until_ns;
}

#endif
