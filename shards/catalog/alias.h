/* alias: slugs and external keys: which product has one.
 *
 *      map -> alias (32 B) -> its text in the arena
 *
 * An alias lives on the shard of its own id, so that two products of different shards cannot both get it.
 * It names the product that has it; that the product names the alias in its record is the caller's
 * business (docs/catalog.md says in which order).
 *
 * Invariants
 *   I1  an alias is there exactly as long as a product has it.
 *   I2  an id is that of one text and one kind: another text under it is an ID_COLLISION.
 * Ownership  one core; a text belongs to its alias.
 * Failure    refusals are answers; a lack of memory is a panic.
 * Not here   whether the product exists: it may live on another shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CATALOG_ALIAS_H
#define SOUK_SHARDS_CATALOG_ALIAS_H

#include "shards/catalog/catalog.h"

struct alias {
    u64 alias_id;
    u64 product_id;
    u8 *text;
    u16 text_bytes;
    u16 kind; /* enum alias_kind */
    u32 zero0;
};
STATIC_CHECK(sizeof(struct alias) == 32);

void alias_room_init(struct catalog *catalog, struct store_memory *memory);
void alias_room_deinit(struct catalog *catalog);

static inline struct alias *alias_at(const struct catalog *catalog, u32 index)
{
    return pool_at(&catalog->alias_pool, index);
}

/* The id of a text. */
u64 alias_id_of(enum alias_kind kind, struct span text);

/* ---- dump and load ---- */
void alias_dump_bucket(struct catalog *catalog, u32 bucket, struct dump_sink *sink);
const char *alias_load(struct catalog *catalog, const u8 *body, u32 bytes);

#endif
