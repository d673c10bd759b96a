/* panic_facts: see panic_facts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/watch/panic_facts.h"

static _Thread_local const struct panic_facts *bound_facts;

void panic_facts_bind(const struct panic_facts *facts)
{
    bound_facts = facts;
}

const struct panic_facts *panic_facts_bound(void)
{
    return bound_facts;
}
