/* generator: made-up files: what the generators share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_GENERATOR_H
#define SOUK_CLIENT_GENERATOR_H

#include "proto/base.h"

/* splitmix64 (Steele, Lea, Flood 2014): the next of a sequence that `random` is the state of. */
static inline u64 generate_next(u64 *random)
{
    u64 z = *random += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

static inline u32 generate_below(u64 *random, u32 bound)
{
    MUST(bound > 0);
    return (u32)(generate_next(random) % bound);
}

/* A catalog of `count` products as CSV on stdout (cli_generate_catalog.c). An exit code. */
int generate_catalog(u64 seed, u32 count);

#endif
