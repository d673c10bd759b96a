/* settings: see shards/settings/settings.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings.h"

#define DAY_MS (24ull * 3600 * 1000)

void settings_init(struct settings *settings, struct store_memory *memory, struct arena *arena)
{
    (void)memory;
    *settings = (struct settings){
        .arena = arena,
        .policy = {.cart_guest_ms = 30 * DAY_MS,
                   .cart_user_ms = 90 * DAY_MS,
                   .payment_lease_ms = 15 * 60 * 1000,
                   .unpaid_ms = 60 * 60 * 1000,
                   .answer_ms = 2 * 60 * 1000,
                   .backoff_ms = 1000,
                   .backoff_max_ms = 5 * 60 * 1000,
                   .deliveries_max = 10,
                   .attempts_max = 3},
    };
}

void settings_deinit(struct settings *settings)
{
    (void)settings;
}
