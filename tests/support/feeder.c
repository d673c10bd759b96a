/* feeder: see feeder.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/feeder.h"

#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"
#include "proto/route.h"
#include "proto/status.h"
#include "shards/shard.h"

#define FEEDER_SHARDS_MAX 16u
#define BATCH_BYTES       (LOG_BATCH_BYTES_MAX - 64 * 1024u)
#define START_NS          (1700000000ull * NS_PER_S)
#define TICK_NS           (100 * NS_PER_US)

struct kept {
    struct kept *next;
    u64 lsn;
    u64 stamp_ns;
    u32 bytes;
    u8 payload[];
};

struct lane {
    u8 *entries;
    u32 bytes;
    u32 count;
    u64 seq; /* of the session */
    u64 lsn;
    u64 told[FEEDER_SHARDS_MAX]; /* mail taken from here to each shard */
    struct kept *first;
    struct kept *last;
};

struct feeder {
    struct shard *shards[FEEDER_SHARDS_MAX];
    struct lane lanes[FEEDER_SHARDS_MAX];
    u16 count;
    bool is_kept;
    u64 now_ns;
    u64 refused;
    u8 *batch;
    /* Of a call. */
    void *reply;
    u32 reply_bytes;
    u16 status;
    bool is_calling;
};

static struct id128 session_of(void)
{
    return (struct id128){.low = 0xfeedull, .high = 0x1234567890abcdefull};
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct feeder *feeder = context;
    (void)entry_index;
    if (reply->status != STATUS_OK || reply->record_count == 0) {
        feeder->refused += reply->status != STATUS_OK;
        feeder->status = reply->status;
        return;
    }
    const u8 *at = reply->body;
    const u32 bytes = reply->body_bytes / reply->record_count;
    for (u32 i = 0; i < reply->record_count; i++, at += bytes) {
        struct record_status head;
        memcpy(&head, at, sizeof head);
        feeder->refused += head.status != STATUS_OK && !feeder->is_calling;
        feeder->status = head.status;
    }
    if (feeder->is_calling && feeder->reply != NULL)
        memcpy(feeder->reply, reply->body, MIN(bytes, feeder->reply_bytes));
}

/* ---- batches --------------------------------------------------------------------------------- */

static void keep(struct feeder *feeder, struct lane *lane, u64 stamp_ns, u32 bytes)
{
    if (!feeder->is_kept)
        return;
    struct kept *kept = malloc(sizeof *kept + bytes);
    MUST(kept != NULL);
    *kept = (struct kept){.lsn = lane->lsn, .stamp_ns = stamp_ns, .bytes = bytes};
    memcpy(kept->payload, feeder->batch, bytes);
    if (lane->last == NULL)
        lane->first = kept;
    else
        lane->last->next = kept;
    lane->last = kept;
}

/* What may be told to have arrived, in front of the entries. */
static u32 write_acks(struct feeder *feeder, u16 shard, u8 *to)
{
    u32 count = 0;
    for (u16 other = 0; other < feeder->count; other++) {
        if (other == shard)
            continue;
        const u64 applied = shard_mail_applied(feeder->shards[other], shard);
        if (applied <= shard_mail_acked(feeder->shards[shard], other))
            continue;
        const struct batch_ack ack = {.seq = applied, .shard = other};
        memcpy(to + count++ * sizeof ack, &ack, sizeof ack);
    }
    return count;
}

static void apply(struct feeder *feeder, u16 shard)
{
    struct lane *lane = &feeder->lanes[shard];
    struct batch_header header = {.entry_count = lane->count, .state_version = BATCH_STATE_VERSION};
    header.ack_count = write_acks(feeder, shard, feeder->batch + sizeof header);
    const u32 head = (u32)(sizeof header + header.ack_count * sizeof(struct batch_ack));
    memcpy(feeder->batch + head, lane->entries, lane->bytes);
    feeder->now_ns += TICK_NS;
    header.stamp_ns = feeder->now_ns;
    header.bytes = head + lane->bytes;
    memcpy(feeder->batch, &header, sizeof header);
    lane->bytes = 0;
    lane->count = 0;
    lane->lsn++;
    keep(feeder, lane, header.stamp_ns, header.bytes);
    while (!shard_expire(feeder->shards[shard], header.stamp_ns, 4096)) {}
    shard_apply(feeder->shards[shard], lane->lsn, feeder->batch, header.bytes, false, on_reply,
                feeder);
}

/* Room for an entry; applies what is there when it does not fit. */
static u8 *entry_room(struct feeder *feeder, u16 shard, u32 bytes)
{
    struct lane *lane = &feeder->lanes[shard];
    if (lane->bytes + bytes > BATCH_BYTES)
        apply(feeder, shard);
    MUST(lane->bytes + bytes <= BATCH_BYTES);
    u8 *to = lane->entries + lane->bytes;
    lane->bytes += bytes;
    lane->count++;
    return to;
}

void feeder_put_at(struct feeder *feeder, u16 shard, u16 opcode, const void *fixed,
                   const struct span *spans)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    const struct message_info *info = message_find(opcode);
    const struct span *texts = spans != NULL ? spans : none;
    struct lane *lane = &feeder->lanes[shard];
    MUST(info != NULL && info->class == MESSAGE_CLASS_WRITE);
    const u32 bytes = frame_record_bytes(info, FRAME_DIRECTION_REQUEST, texts);
    u8 *to = entry_room(feeder, shard, (u32)sizeof(struct entry_header) + bytes);
    const bool is_open = opcode == OPCODE_SESSION_OPEN;
    lane->seq += is_open ? 0 : 1;
    const struct entry_header entry = {.body_bytes = bytes,
                                       .source = ENTRY_SOURCE_SESSION,
                                       .opcode = opcode,
                                       .record_count = 1,
                                       .session = session_of(),
                                       .session_seq = is_open ? 0 : lane->seq,
                                       .acked_seq = is_open ? 0 : lane->seq - 1};
    memcpy(to, &entry, sizeof entry);
    MUST(frame_record_write(info, FRAME_DIRECTION_REQUEST, to + sizeof entry, bytes, fixed,
                            texts) == bytes);
}

static u16 route(const struct feeder *feeder, const struct message_info *info, const void *fixed)
{
    const u8 *at = (const u8 *)fixed + info->route_offset;
    u64 id;
    MUST(info->route != MESSAGE_ROUTE_SHARD);
    if (info->route == MESSAGE_ROUTE_RESOURCE) {
        struct resource key;
        memcpy(&key, at, sizeof key);
        return route_shard(route_hash_resource(key), feeder->count);
    }
    memcpy(&id, at + (info->route == MESSAGE_ROUTE_ORDER ? offsetof(struct id128, high) : 0),
           sizeof id);
    return route_shard(route_hash_u64(id), feeder->count);
}

void feeder_put(struct feeder *feeder, u16 opcode, const void *fixed, const struct span *spans)
{
    const struct message_info *info = message_find(opcode);
    MUST(info != NULL);
    feeder_put_at(feeder, route(feeder, info, fixed), opcode, fixed, spans);
}

/* ---- mail ------------------------------------------------------------------------------------ */

/* Takes mail from one shard to another into its batch. True: there was some. */
static bool carry(struct feeder *feeder, u16 from, u16 to)
{
    struct lane *lane = &feeder->lanes[from];
    struct shard_mail mail;
    bool is_any = false;
    while (shard_mail_next(feeder->shards[from], to, lane->told[to], &mail)) {
        const struct entry_header entry = {.body_bytes = mail.body_bytes,
                                           .source = ENTRY_SOURCE_SHARD,
                                           .source_shard = from,
                                           .opcode = mail.opcode,
                                           .record_count = 1,
                                           .session_seq = mail.seq};
        u8 *at = entry_room(feeder, to, (u32)sizeof entry + mail.body_bytes);
        memcpy(at, &entry, sizeof entry);
        memcpy(at + sizeof entry, mail.body, mail.body_bytes);
        lane->told[to] = mail.seq;
        is_any = true;
    }
    return is_any;
}

static bool has_acks(const struct feeder *feeder, u16 shard)
{
    for (u16 other = 0; other < feeder->count; other++)
        if (other != shard && shard_mail_applied(feeder->shards[other], shard) >
                                  shard_mail_acked(feeder->shards[shard], other))
            return true;
    return false;
}

void feeder_flush(struct feeder *feeder)
{
    for (bool is_busy = true; is_busy;) {
        is_busy = false;
        for (u16 shard = 0; shard < feeder->count; shard++)
            if (feeder->lanes[shard].count > 0 || has_acks(feeder, shard)) {
                apply(feeder, shard);
                is_busy = true;
            }
        for (u16 from = 0; from < feeder->count; from++)
            for (u16 to = 0; to < feeder->count; to++)
                if (from != to && carry(feeder, from, to))
                    is_busy = true;
    }
}

u16 feeder_call(struct feeder *feeder, u16 opcode, const void *fixed, const struct span *spans,
                void *reply)
{
    const struct message_info *info = message_find(opcode);
    MUST(info != NULL);
    feeder_flush(feeder);
    feeder->is_calling = true;
    feeder->reply = reply;
    feeder->reply_bytes = info->reply.fixed_bytes;
    const u16 shard = route(feeder, info, fixed);
    feeder_put_at(feeder, shard, opcode, fixed, spans);
    apply(feeder, shard);
    feeder->is_calling = false;
    const u16 status = feeder->status;
    feeder_flush(feeder);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void open_shards(struct feeder *feeder)
{
    for (u16 i = 0; i < feeder->count; i++) {
        feeder->shards[i] = shard_open(&(struct shard_options){.index = i, .count = feeder->count});
        MUST(feeder->shards[i] != NULL);
    }
}

struct feeder *feeder_open(u16 shards, bool is_kept)
{
    const struct msg_session_open_req open = {0};
    struct feeder *feeder = calloc(1, sizeof *feeder);
    MUST(feeder != NULL && shards > 0 && shards <= FEEDER_SHARDS_MAX);
    feeder->count = shards;
    feeder->is_kept = is_kept;
    feeder->now_ns = START_NS;
    feeder->batch = aligned_alloc(64, LOG_BATCH_BYTES_MAX);
    MUST(feeder->batch != NULL);
    open_shards(feeder);
    for (u16 i = 0; i < shards; i++) {
        feeder->lanes[i].entries = aligned_alloc(64, LOG_BATCH_BYTES_MAX);
        MUST(feeder->lanes[i].entries != NULL);
        feeder_put_at(feeder, i, OPCODE_SESSION_OPEN, &open, NULL);
    }
    feeder_flush(feeder);
    MUST(feeder->refused == 0);
    return feeder;
}

void feeder_close(struct feeder *feeder)
{
    for (u16 i = 0; i < feeder->count; i++) {
        for (struct kept *kept = feeder->lanes[i].first; kept != NULL;) {
            struct kept *next = kept->next;
            free(kept);
            kept = next;
        }
        free(feeder->lanes[i].entries);
        shard_close(feeder->shards[i]);
    }
    free(feeder->batch);
    free(feeder);
}

void feeder_restart(struct feeder *feeder)
{
    MUST(feeder->is_kept);
    feeder_flush(feeder);
    for (u16 i = 0; i < feeder->count; i++)
        shard_close(feeder->shards[i]);
    open_shards(feeder);
    for (u16 i = 0; i < feeder->count; i++)
        for (const struct kept *kept = feeder->lanes[i].first; kept != NULL; kept = kept->next) {
            while (!shard_expire(feeder->shards[i], kept->stamp_ns, 4096)) {}
            shard_apply(feeder->shards[i], kept->lsn, kept->payload, kept->bytes, false, NULL,
                        NULL);
        }
}

struct shard *const *feeder_shards(const struct feeder *feeder)
{
    return feeder->shards;
}

u16 feeder_count(const struct feeder *feeder)
{
    return feeder->count;
}

u64 feeder_now_ns(const struct feeder *feeder)
{
    return feeder->now_ns;
}

void feeder_pass(struct feeder *feeder, u64 ns)
{
    feeder->now_ns += ns;
}

u64 feeder_refused(const struct feeder *feeder)
{
    return feeder->refused;
}
