/* store_fuzz: the seed and the random numbers of the container tests.
 *
 * SOUK_SEED=n repeats a run; each randomised test prints the seed that it uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_STORE_FUZZ_H
#define SOUK_TESTS_UNIT_SHARDS_STORE_FUZZ_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base.h"
#include "proto/checksum.h"

struct fuzz {
    u64 seed;
    u64 draw_count;
};

static inline u64 fuzz_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static inline struct fuzz fuzz_begin(const char *test)
{
    const char *given = getenv("SOUK_SEED");
    const u64 seed = given != NULL ? strtoull(given, NULL, 10) : fuzz_now_ns() % 1000000007;
    print_message("  %s: SOUK_SEED=%llu\n", test, (unsigned long long)seed);
    return (struct fuzz){.seed = seed};
}

static inline u64 fuzz_next(struct fuzz *fuzz)
{
    fuzz->draw_count++;
    return checksum64(fuzz, sizeof *fuzz);
}

/* [0, end) */
static inline u32 fuzz_below(struct fuzz *fuzz, u32 end)
{
    return (u32)((fuzz_next(fuzz) >> 32) * end >> 32);
}

#endif
