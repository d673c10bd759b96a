/* catalog: the product record: what its page shows, under a version.
 *
 *      map -> product (192 B) -> one blob in the arena: code title brand category attributes
 *                               description slug external_key page
 *
 * A deleted product leaves a tombstone: its code (so that another code under the same id is an
 * ID_COLLISION for ever) and its version (so that versions never repeat).
 *
 * Invariants
 *   I1  the blob is the nine texts, one after the other, in the order of PRODUCT_SPANS;
 *       text_bytes are their lengths; a tombstone has only its code.
 *   I2  version begins with 1 and grows by 1 with each put, patch and delete.
 * Ownership  a blob belongs to its product. A replaced one is given back at once, or, in a linked
 *            frame, when the frame has succeeded (the undo keeps the old record until then).
 * Failure    refusals are answers; a lack of memory is a panic.
 * Not here   search, category trees, stock and price of SKUs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CATALOG_CATALOG_H
#define SOUK_SHARDS_CATALOG_CATALOG_H

#include "proto/base.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/route.h"
#include "proto/wire.h"
#include "shards/dump.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"
#include "shards/undo.h"

#define PRODUCT_TEXT_COUNT 9u
#define PRODUCT_BLOB_BYTES_MAX                                                 \
    (CODE_BYTES_MAX + TITLE_BYTES_MAX + BRAND_BYTES_MAX + CATEGORY_BYTES_MAX + \
     ATTRIBUTES_BYTES_MAX + DESCRIPTION_BYTES_MAX + 2 * ALIAS_BYTES_MAX + PAGE_BYTES_MAX)

enum product_text {
    PRODUCT_TEXT_CODE,
    PRODUCT_TEXT_TITLE,
    PRODUCT_TEXT_BRAND,
    PRODUCT_TEXT_CATEGORY,
    PRODUCT_TEXT_ATTRIBUTES,
    PRODUCT_TEXT_DESCRIPTION,
    PRODUCT_TEXT_SLUG,
    PRODUCT_TEXT_EXTERNAL_KEY,
    PRODUCT_TEXT_PAGE
};

/* As put: PRODUCT_FACTS. */
struct product_facts {
    PRODUCT_FACTS(WIRE_DECL_F, WIRE_DECL_Z)
};

struct product {
    u64 product_id;
    u64 version;
    u64 created_at_ns;
    u8 *blob;
    struct product_facts facts;
    u16 text_bytes[PRODUCT_TEXT_COUNT];
    u16 is_deleted;
    u32 zero0;
    u64 zero1[9];
};
STATIC_CHECK(sizeof(struct product) == 192);

enum catalog_watch { CATALOG_WATCH_DUMP = 1 << 0, CATALOG_WATCH_UNDO = 1 << 1 };

struct catalog {
    struct pool pool;
    struct map map;
    struct arena *arena;
    struct undo *undo;
    u64 live_count; /* products that are not deleted */
    u8 watch;       /* enum catalog_watch */
};

void catalog_init(struct catalog *catalog, struct store_memory *memory, struct arena *arena,
                  struct undo *undo);
void catalog_deinit(struct catalog *catalog);

static inline struct product *product_at(const struct catalog *catalog, u32 index)
{
    return pool_at(&catalog->pool, index);
}

/* Index of a product or tombstone, 0 when there is none. */
u32 catalog_find(const struct catalog *catalog, u64 hash, u64 product_id);

/* An empty, deleted product with version 0. */
u32 catalog_create(struct catalog *catalog, u64 hash, u64 product_id);

/* To be called before a change. */
void catalog_before_change(struct catalog *catalog, u32 index);

/* Gives the product these texts (which may point into its present blob). */
void catalog_set_texts(struct catalog *catalog, u32 index, const struct span *texts);
void catalog_set_deleted(struct catalog *catalog, u32 index, bool is_deleted);

/* The nine texts, borrowed until the next change. */
void product_texts(const struct product *product, struct span *texts);

/* Price and currency as a product or SKU may have them. */
bool product_price_good(i64 price, u16 currency);
/* All facts as a product may have them. */
bool product_facts_good(const struct product_facts *facts);
/* A text as a product may have it; the page is opaque, attributes and description have lines. */
bool product_text_good(u32 text, struct span span);

/* A linked frame has failed: take one change back; or has succeeded: drop what was replaced. */
void catalog_undo(struct catalog *catalog, struct undo_entry entry, const void *image);
void catalog_commit(struct catalog *catalog, struct undo_entry entry, const void *image);

/* ---- catalog_dump.c ---- */
void catalog_dump_bucket(struct catalog *catalog, u32 bucket, struct dump_sink *sink);
const char *catalog_load(struct catalog *catalog, const u8 *body, u32 bytes);

#endif
