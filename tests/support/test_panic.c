/* test_panic: in unit tests a failed MUST becomes a CMocka assertion, so that
 * expect_assert_failure(f()) proves that it fires.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/base.h"

void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)what;
    mock_assert(0, condition, file, line);
    abort();
}
