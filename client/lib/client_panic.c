/* client_panic: what a failed MUST of the library does: it says where and ends the process.
 *
 * Nothing that a server sends leads here (client/lib/core_reply.c judges it first); a bug of the
 * library or a broken rule of souk.h does, and going on could send a write twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base.h"

void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "libsouk: %s:%d: %s failed: %s\n", file, line, what, condition);
    abort();
}
