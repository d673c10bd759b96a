/* plain_panic: for programs that are neither server nor unit test: print and abort.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base.h"

void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: %s failed: %s\n", file, line, what, condition);
    abort();
}
