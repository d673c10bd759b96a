/* catalog: the product record: what its page shows, under a version. docs/catalog.md is the contract.
 *
 *      map -> product (192 B) -> one blob in the arena: code title brand category attributes
 *                 |              description slug external_key page (lz4 when that pays)
 *                 +-----------> its SKUs, and budgets of ads for it, as their shards last told
 *                               (catalog_live.h)
 *
 * A deleted product leaves a tombstone: its code (so that another code under the same id is an
 * ID_COLLISION for ever), its versions (so that they never repeat) and its SKUs. A SKU may be known
 * before its product: then there is a product without a code and with version 0.
 *
 * What is put has a version of its own; page_version counts every change of what a page shows: what is
 * put, price and availability of SKUs, the rating.
 *
 * Invariants
 *   I1  the blob is the nine texts, one after the other, in the order of PRODUCT_SPANS;
 *       text_bytes are their lengths; a tombstone has only its code. The page is stored packed if
 *       page_bytes, its length, is not text_bytes of it.
 *   I2  version begins with 1 and grows by 1 with each put, patch and delete.
 *   I3  price_from and state follow from the SKUs, currency and price (catalog_live.h).
 *   I4  between log entries no product is touched: whoever changes one says catalog_touch, and at the
 *       end of the entry the search room hears of each once.
 * Ownership  a blob belongs to its product. A replaced one is given back at once, or, in a linked
 *            frame, when the frame has succeeded (the undo keeps the old record until then).
 * Failure    refusals are answers; a lack of memory is a panic.
 * Not here   search; category trees (shards/settings/); how many of a SKU there are (shards/stock/).
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

struct product_sku;
struct shard;

struct product {
    u64 product_id;
    u64 version;
    u64 created_at_ns;
    u8 *blob;
    struct product_facts facts;
    u16 text_bytes[PRODUCT_TEXT_COUNT];
    u16 is_deleted;
    u32 zero2;
    u64 page_version;
    i64 price_from; /* (derived) the lowest price of its SKUs in its currency; its own without any */
    u64 rating_sum;           /* of the review room: catalog_set_rating */
    struct product_sku *skus; /* sku_count of them, then their codes: catalog_live.h */
    u32 rating_count;
    u32 sku_bytes;    /* of that block */
    u16 sku_count;    /* with budgets of ads */
    u16 state;        /* (derived) enum stock_state: the best of its SKUs */
    u32 page_bytes;   /* of the page, unpacked */
    u32 touched_next; /* (soft) the next touched product */
    u8 touched;       /* (soft) enum search_refresh, 0 = it is not touched */
    u8 is_loaded;     /* (soft) a load has seen its record */
    u16 zero0;
    u64 zero1[2];
};
STATIC_CHECK(sizeof(struct product) == 192);

enum catalog_watch { CATALOG_WATCH_DUMP = 1 << 0, CATALOG_WATCH_UNDO = 1 << 1 };

struct catalog {
    struct pool pool;
    struct map map;
    struct arena *arena;
    struct undo *undo;
    struct pool alias_pool; /* alias.h */
    struct map aliases;
    u64 live_count;    /* products that are not deleted */
    u32 touched_first; /* (soft) index of the first product that this entry has touched, 0 = none */
    u32 touched_last;  /* (soft) */
    u8 watch;          /* enum catalog_watch */
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

/* To be called before a change of what was put, and gives it a new blob. */
void catalog_before_change(struct catalog *catalog, u32 index);
/* To be called before a change of page_version, rating, SKUs and nothing else. */
void catalog_before_live_change(struct catalog *catalog, u32 index);

/* The product has changed: page_version + 1, and the search room hears of it when the entry is done.
 * `what` is an enum search_refresh. */
void catalog_touch(struct catalog *catalog, u32 index, u32 what);
/* The entry is done: tells of all that were touched. */
void catalog_tell_touched(struct shard *shard);
/* The linked frame was taken back: nothing was touched. */
void catalog_forget_touched(struct catalog *catalog);

/* Gives the product these texts, the page as it is stored (which may point into its present blob);
 * page_bytes is its length unpacked. */
void catalog_set_texts(struct catalog *catalog, u32 index, const struct span *texts,
                       u32 page_bytes);
void catalog_set_deleted(struct catalog *catalog, u32 index, bool is_deleted);

/* The review room: stars and number of approved reviews. Taken back with a linked frame. */
void catalog_set_rating(struct shard *shard, u32 index, u64 sum, u32 count);

/* The nine texts as stored, borrowed until the next change. The page may be packed: catalog_page. */
void product_texts(const struct product *product, struct span *texts);
static inline struct span product_code(const struct product *product)
{
    return (struct span){.data = product->blob, .bytes = product->text_bytes[PRODUCT_TEXT_CODE]};
}
static inline struct span product_title(const struct product *product)
{
    const u32 code_bytes = product->text_bytes[PRODUCT_TEXT_CODE];
    return (struct span){.data = product->blob == NULL ? NULL : product->blob + code_bytes,
                         .bytes = product->text_bytes[PRODUCT_TEXT_TITLE]};
}

/* ---- who may see and buy it ---- */

static inline bool product_time_good(u64 from_ns, u64 until_ns, u64 now_ns)
{
    return now_ns >= from_ns && (until_ns == 0 || now_ns < until_ns);
}
/* Shown: not deleted, no draft, in its time. */
static inline bool product_is_visible(const struct product *product, u64 now_ns)
{
    return product->is_deleted == 0 && (product->facts.marks & PRODUCT_MARK_DRAFT) == 0 &&
           product_time_good(product->facts.visible_from_ns, product->facts.visible_until_ns,
                             now_ns);
}
/* Found by searches and recommended. */
static inline bool product_is_listed(const struct product *product, u64 now_ns)
{
    return product_is_visible(product, now_ns) &&
           (product->facts.marks & PRODUCT_MARK_UNLISTED) == 0;
}
/* Sold: visible, in its time, and one of its SKUs is to be had. */
static inline bool product_is_buyable(const struct product *product, u64 now_ns)
{
    return product_is_visible(product, now_ns) &&
           product_time_good(product->facts.buyable_from_ns, product->facts.buyable_until_ns,
                             now_ns) &&
           product->state != STOCK_STATE_NONE;
}

/* ---- catalog_pack.c: the page, smaller ---- */

/* The stored form of a page, in `to` (PAGE_BYTES_MAX) or where it is. */
struct span catalog_pack_page(struct span page, u8 *to);
/* A page whole, in `to` (PAGE_BYTES_MAX) or where it lies. */
struct span catalog_page(const struct product *product, u8 *to);

/* ---- what may be put ---- */

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
const char *catalog_load_skus(struct catalog *catalog, const u8 *body, u32 bytes);
/* All have come: derives the rest, and touches every product. */
const char *catalog_load_finish(struct shard *shard);

#endif
