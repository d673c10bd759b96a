/* route: which shard owns a thing.
 *
 * XXH3-64 (seed 0) of the key's little-endian bytes, scaled to the number of shards by its high
 * bits: shard = (hash * shard_count) >> 64. Hash tables inside a shard use the low bits of the same
 * hash, so the two do not interfere. This is part of the on-disk contract: changing it would
 * strand every record on the wrong shard. Golden values: tests/golden/routes.txt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_ROUTE_H
#define SOUK_PROTO_ROUTE_H

#include "proto/base.h"
#include "proto/checksum.h"
#include "proto/id.h"

static inline u64 route_hash_u64(u64 id)
{
    return checksum64(&id, sizeof id);
}

static inline u64 route_hash_resource(struct resource key)
{
    return checksum64(&key, sizeof key);
}

/* Wide enough for hash * count; not ISO C, so marked as the extension that it is. */
__extension__ typedef unsigned __int128 route_u128;

/* hash -> [0, shard_count). shard_count must be at least 1. */
static inline u16 route_shard(u64 hash, u16 shard_count)
{
    return (u16)(((route_u128)hash * shard_count) >> 64);
}

#endif
