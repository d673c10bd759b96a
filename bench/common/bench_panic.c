/* bench_panic: what a failed MUST does in the programs of bench/: say where, and abort.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/base.h"

#include <stdio.h>
#include <stdlib.h>

NORETURN void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s failed at %s:%d: %s\n", what, file, line, condition);
    abort();
}
