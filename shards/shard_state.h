/* shard_state: what a struct shard is made of; for the files of shards/ only.
 *
 *      shard.c        life, facts           shard_admit.c  may this frame be logged?
 *      shard_apply.c  batches               shard_read.c   answers from durable state
 *      shard_group.c  records of a frame    shard_dump.c   digest, dump, load
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SHARD_STATE_H
#define SOUK_SHARDS_SHARD_STATE_H

#include "shards/cart/cart.h"
#include "shards/catalog/catalog.h"
#include "shards/dump.h"
#include "shards/gate.h"
#include "shards/mail/mail.h"
#include "shards/notice.h"
#include "shards/order/order.h"
#include "shards/part.h"
#include "shards/recommend/recommend.h"
#include "shards/review/review.h"
#include "shards/search/search_room.h"
#include "shards/session/session.h"
#include "shards/settings/settings.h"
#include "shards/shard.h"
#include "shards/stock/stock.h"
#include "shards/store/arena.h"
#include "shards/store/store_memory.h"
#include "shards/undo.h"

#define SHARD_GROUP_RECORDS  32u /* hashed and prefetched together; a bit of a u64 each */
#define SHARD_WINDOW_ENTRIES 16u /* of a batch, likewise */
#define SHARD_SCRATCH_BYTES  (256u << 10)

/* A dump under way: which bucket of which room is next. */
enum shard_dump_room {
    SHARD_DUMP_ROOM_RESOURCES,
    SHARD_DUMP_ROOM_GRANTS,
    SHARD_DUMP_ROOM_PRODUCTS,
    SHARD_DUMP_ROOM_ALIASES,
    SHARD_DUMP_ROOM_SESSIONS,
    SHARD_DUMP_ROOM_SETTINGS,
    SHARD_DUMP_ROOM_CARTS,
    SHARD_DUMP_ROOM_ORDERS,
    SHARD_DUMP_ROOM_HISTORIES,
    SHARD_DUMP_ROOM_COPURCHASES,
    SHARD_DUMP_ROOM_REVIEWS,
    SHARD_DUMP_ROOM_REVIEW_VOTES,
    SHARD_DUMP_ROOM_REVIEW_PERSONS,
    SHARD_DUMP_ROOM_REVIEW_PURCHASES,
    SHARD_DUMP_ROOM_COUNT
};

struct shard_dump {
    struct dump_sink queue;
    u32 room; /* enum shard_dump_room; COUNT: all buckets are visited */
    u32 bucket;
    u8 cut;
    bool is_active;
};

struct shard {
    /* The state: what the log determines. */
    struct stock stock;
    struct catalog catalog;
    struct session_room sessions;
    struct settings settings;
    struct cart_room carts;
    struct order_room orders;
    struct review_room reviews;
    struct recommend recommend; /* but for what is soft of it */
    struct mail_room mail;
    u64 applied_lsn;
    u64 stamp_ns;   /* of the last batch */
    u64 expired_ns; /* everything due up to here has expired */
    /* Soft. */
    u64 expiring_ns;   /* not 0: an expiry up to this stamp is under way */
    u32 slice_offset;  /* not 0: a batch is half applied, up to here */
    u32 slice_entries; /* of it that are applied */
    struct gate gate;
    struct part_room parts;
    struct search search;
    struct notice_board notices;
    u64 parked_notice; /* what the read that is being served wants to wait for */
    u32 parked_wait_ms;
    struct undo undo;
    struct shard_dump dump;
    u64 replayed_frames;
    u64 refused_on_arrival;
    struct shard_options options;
    struct store_memory memory;
    struct arena arena;
    u8 *scratch;      /* SHARD_SCRATCH_BYTES, for replies that are not kept */
    bool has_scalars; /* a load has seen them */
};

/* One record on its way to its handler. */
struct shard_call {
    u64 now_ns;
    u64 now_ms;
    u64 hash;        /* of the routing key */
    u64 resource_id; /* of that key, if it is a resource */
    u64 grant_hash;  /* of the grant that the record names, if known already; 0 = not */
    u32 object;      /* index of the resource or product, 0 = there is none */
    bool is_key_good;
    bool is_foreign; /* the key belongs to another shard */
    const struct span *spans;
    const struct entry_header *entry; /* NULL in a read */
    bool may_park;                    /* a read may wait: shard_read_park */
};

/* A read wants to wait for `token`: true if it may, and then it answers nothing. */
static inline bool shard_read_park(struct shard *shard, const struct shard_call *call, u64 token,
                                   u32 wait_ms)
{
    if (!call->may_park || wait_ms == 0 || !notice_watch(&shard->notices, token))
        return false;
    shard->parked_notice = token;
    shard->parked_wait_ms = MIN(wait_ms, WAIT_MS_MAX);
    return true;
}

/* Where the grant of an id is found. */
static inline u64 shard_call_grant_hash(const struct shard_call *call, struct id128 id)
{
    return call->grant_hash != 0 ? call->grant_hash : stock_grant_hash(call->resource_id, id);
}

/* The first questions of docs/stock.md: arguments, shard, existence. */
static inline u16 shard_call_refusal(const struct shard_call *call, bool is_argument_good)
{
    if (UNLIKELY(!is_argument_good || !call->is_key_good))
        return STATUS_BAD_ARGUMENT;
    if (UNLIKELY(call->is_foreign))
        return STATUS_WRONG_SHARD;
    return LIKELY(call->object != 0) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* The same for commands that create what they name. */
static inline u16 shard_call_refusal_create(const struct shard_call *call, bool is_argument_good)
{
    const u16 status = shard_call_refusal(call, is_argument_good);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static inline bool shard_resource_key_good(struct resource key)
{
    return key.id != 0 && key.kind < RESOURCE_KIND_COUNT && key.tenant == 0 && key.location == 0;
}

static inline bool shard_owns(const struct shard *shard, u64 hash)
{
    return route_shard(hash, shard->options.count) == shard->options.index;
}

/* Milliseconds left until `at_ns`, rounded up, at least 1. */
static inline u32 shard_wait_ms(u64 at_ns, u64 now_ns)
{
    const u64 left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    const u64 left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    return (u32)MIN(MAX(left_ms, 1), UINT32_MAX);
}

/* ---- shard_group.c ---- */

/* Executes the records of one WRITE frame and writes their replies, record_count times the
 * operation's fixed reply. Linked: all or none. */
struct shard_frame {
    const struct message_info *info;
    const struct entry_header *entry;
    const u8 *body;
    u8 *replies;
    u64 now_ns;
    u64 first_hash;       /* of the first record's resource, if has_first_hash */
    u64 first_grant_hash; /* of the grant that the first record names, 0 = not looked at */
    bool has_first_hash;
};
/* Where the fixed part of an operation has the id of a grant; 0 = it has none. */
u32 shard_grant_id_offset(u16 opcode);
void shard_execute(struct shard *shard, const struct shard_frame *frame);

/* The routing key of a record and what it names. */
void shard_call_route(struct shard *shard, const struct message_info *info, const u8 *fixed,
                      struct shard_call *call);

#endif
