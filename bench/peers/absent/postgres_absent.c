/* postgres_absent: what is linked for postgres_checkout where libpq was not there at build time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/postgres_checkout.h"

#include <errno.h>
#include <stdio.h>

int postgres_checkout_run(const struct load_options *options, struct load_result *result)
{
    (void)options;
    (void)snprintf(result->reason, LOAD_REASON_BYTES,
                   "built without libpq (make bench-deps, then make again)");
    return -ENOENT;
}
