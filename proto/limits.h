/* limits: every maximum of the system, and the relations that must hold between them.
 *
 * A limit that a client can meet is told by `hello`. Changing one that is marked [disk] needs a new
 * state version, because a log written under the old limit must still replay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_LIMITS_H
#define SOUK_PROTO_LIMITS_H

#include "proto/base.h"

/* Frames. */
#define FRAME_BYTES_MAX        (1u << 20)
#define FRAME_RECORDS_MAX      8190u
#define FRAME_HEADER_BYTES     96u
#define RECORD_REPLY_FIXED_MAX 320u /* the largest fixed reply record of a WRITE operation */

/* Spans, in bytes. [disk] */
#define CODE_BYTES_MAX        64u
#define TITLE_BYTES_MAX       512u
#define BRAND_BYTES_MAX       128u
#define CATEGORY_BYTES_MAX    256u
#define ATTRIBUTES_BYTES_MAX  4096u
#define DESCRIPTION_BYTES_MAX 8192u
#define PAGE_BYTES_MAX        (32u << 10) /* the opaque blob of a product */
#define ALIAS_BYTES_MAX       128u        /* a slug or an external key */
#define AGENT_BYTES_MAX       128u
#define TEXT_BYTES_MAX        (256u << 10) /* replies of info and stats */

/* Quantities and money. A quantity beyond this is refused as BAD_ARGUMENT; counters saturate far
 * below the range of i64, so no sum of two legal values overflows. [disk] */
#define QUANTITY_MAX (1ll << 31)
#define COUNTER_MAX  (1ll << 53)
#define PRICE_MAX    (1ll << 53)

/* Leases. [disk] */
#define LEASE_MS_MAX         (31ull * 24 * 3600 * 1000)
#define LEASE_MS_DEFAULT     (600ull * 1000)
#define HOLD_LIFE_MS_DEFAULT (3600ull * 1000)

/* How long a finished hold or allocation is remembered, counted from the time in its id or from
 * its end, whichever is later; and how far in the future an id may claim to be made. [disk] */
#define GRANT_RETENTION_MS (24ull * 3600 * 1000)
#define ID_FUTURE_MS_MAX   (3600ull * 1000)

/* Carts, prices, orders. A checkout takes a whole cart; what one order needs fits into one frame and
 * one message. [disk] */
#define CART_LINES_MAX       2000u
#define ORDER_LINES_MAX      2000u
#define ORDER_CHARGES_MAX    4000u /* tax and shipping lines of the caller */
#define ORDER_AMOUNTS_MAX    8000u /* amounts with their rules */
#define ORDER_TENDERS_MAX    8u
#define ORDER_COUPONS_MAX    8u
#define ORDER_ITEMS_MAX      2024u /* held on one shard: lines, coupons with allowances, gift cards */
#define ORDER_PARCELS_MAX    64u   /* fulfilments of an order; and as many returns */
#define ORDER_PARTS_MAX      4000u
#define ORDER_EVENTS_MAX     4096u
#define ORDER_COMMANDS_MAX   512u
#define ADDRESS_BYTES_MAX    4096u
#define ACTION_BYTES_MAX     2048u /* what the shopper must do, in the provider's words */
#define PRICE_TIERS_MAX      8u
#define PROMOTIONS_MAX       1024u /* that are on, of the whole shop */
#define LIST_PAGE_ROWS       512u  /* rows of one page of a listing */
#define SETTING_BYTES_MAX    2048u
#define PERCENT_MAX          10000  /* hundredths of a percent */
#define WAIT_MS_MAX          60000u /* of a read that waits */
#define COMMAND_LEASE_MS_MAX (3600ull * 1000)

/* The catalog and what is found in it. [disk] */
#define PRODUCT_SKUS_MAX       256u /* that a page knows; more are not shown */
#define CATEGORIES_MAX         65535u
#define CATEGORY_DEPTH_MAX     16u
#define ATTRIBUTE_NAMES_MAX    1024u /* of the whole shop */
#define COLLECTION_BYTES_MAX   1024u
#define WORDS_BYTES_MAX        1024u /* of a synonym, a list of stop words, keywords */
#define CURATION_ACTIONS_MAX   32u
#define REVIEW_TITLE_BYTES_MAX 256u
#define REVIEW_BODY_BYTES_MAX  8192u
#define REVIEW_MEDIA_BYTES_MAX 1024u
#define REVIEW_EDITS_MAX       8u
#define BASKET_PRODUCTS_MAX    20u /* of an order that count as bought together */

/* Questions. */
#define QUERY_BYTES_MAX        1024u
#define QUERY_WORDS_MAX        32u
#define FILTER_BYTES_MAX       4096u
#define FACETS_BYTES_MAX       1024u
#define FACETS_MAX             16u
#define CURSOR_BYTES_MAX       128u
#define SEARCH_LIMIT_MAX       100u
#define SEARCH_OFFSET_MAX      10000u
#define SEARCH_TEXTS_BYTES_MAX (256u << 10)
#define SUGGEST_LIMIT_MAX      50u
#define RECOMMEND_LIMIT_MAX    100u
#define REVIEW_LIST_MAX        50u
#define PART_BYTES_MAX         (1000u << 10)

/* Shards and sessions. [disk] */
#define SHARDS_MAX              256u
#define REACTORS_MAX            64u
#define SESSIONS_PER_SHARD_MAX  65536u
#define SESSION_WINDOW_FRAMES   1024u
#define SESSION_REPLY_BYTES_MAX (4ull << 20)
#define RESOURCES_PER_SHARD_MAX (1u << 28)

/* The log. */
#define LOG_BLOCK_BYTES     4096u
#define LOG_SEGMENT_BYTES   (64u << 20)
#define LOG_BATCH_BYTES_MAX (2u << 20) /* payload of one log write */

/* Time. */
#define EXPIRY_BATCH_INTERVAL_NS (10 * NS_PER_MS) /* at most one batch for expiry alone in this */

STATIC_CHECK(FRAME_RECORDS_MAX < UINT16_MAX);
STATIC_CHECK(IS_POWER_OF_TWO(SESSION_WINDOW_FRAMES));
/* The reply to a full frame of the smallest write record must fit into a frame itself. */
STATIC_CHECK(FRAME_RECORDS_MAX * 48u + FRAME_HEADER_BYTES < FRAME_BYTES_MAX);
/* One frame always fits into an empty log batch, with its entry header and the batch header. */
STATIC_CHECK(LOG_BATCH_BYTES_MAX >= FRAME_BYTES_MAX + 1024);
STATIC_CHECK(LOG_BATCH_BYTES_MAX + 2 * LOG_BLOCK_BYTES < LOG_SEGMENT_BYTES / 4);
/* A session may keep the replies of at least one full frame. */
STATIC_CHECK(SESSION_REPLY_BYTES_MAX >= 2 * FRAME_BYTES_MAX);
STATIC_CHECK(COUNTER_MAX > QUANTITY_MAX * 1024);
STATIC_CHECK(ORDER_ITEMS_MAX >= ORDER_LINES_MAX + 2 * ORDER_COUPONS_MAX + ORDER_TENDERS_MAX);

#endif
