/* settings_judge: what a price list, a price, a promotion and the policy may look like.
 *
 * One judgement for all ways by which a body arrives: a client's put (BAD_ARGUMENT), mail from its home
 * (a bug), a snapshot (damage).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_JUDGE_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_JUDGE_H

#include "shards/settings/settings.h"

#define POLICY_TIME_MS_MAX (366ull * 24 * 3600 * 1000)
#define POLICY_TRIES_MAX   1000u

/* NULL, or what is wrong with the body of a setting of this name. The body need not be aligned. */
const char *setting_invalid(struct setting_name name, struct span body);

/* Can there be a setting of this name? */
bool setting_name_good(struct setting_name name);

#endif
