/* checksum: XXH3 of xxHash, for frames, log, golden vectors and hash tables.
 *
 * Inlined from the library's header: the common inputs are keys of 8 to 40 bytes, where a call
 * would cost as much as the hash. XXH3-64 with seed 0 is part of the wire and of the disk format.
 * Source: https://github.com/Cyan4973/xxHash (BSD-2-Clause).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_CHECKSUM_H
#define SOUK_PROTO_CHECKSUM_H

#include "proto/base.h"

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wswitch-enum"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <xxhash.h>
#pragma GCC diagnostic pop

/* XXH3-64 of `bytes` bytes at `data`; `data` may be NULL when `bytes` is 0. */
static inline u64 checksum64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

#endif
