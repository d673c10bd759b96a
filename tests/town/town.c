/* town: see tests/town/town.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/town/town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"
#include "proto/print.h"
#include "proto/route.h"
#include "proto/saga.h"

#define FIRST_NS       (1700000000ull * NS_PER_S)
#define CARRY_MAX      8u
#define EXPIRE_BUDGET  64u
#define SEQ_ACKED(seq) ((seq)-1)
#define CHUNK_BYTES    (1u << 20)
#define AGAIN_PERCENT  2u

struct town_log {
    u8 *bytes;
    u64 used;
    u64 capacity;
    u64 count;
};

static void log_append(struct town_log *log, const u8 *batch, u32 bytes)
{
    if (log->used + bytes > log->capacity) {
        log->capacity = MAX(2 * log->capacity, log->used + bytes + (1u << 20));
        log->bytes = realloc(log->bytes, log->capacity);
        MUST(log->bytes != NULL);
    }
    memcpy(log->bytes + log->used, batch, bytes);
    log->used += bytes;
    log->count++;
}

u64 town_below(struct town *town, u64 limit)
{
    /* splitmix64 */
    u64 z = town->random += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % limit;
}

bool town_chance(struct town *town, u32 percent)
{
    return town_below(town, 100) < percent;
}

static struct shard *open_shard(const struct town *town, u16 index)
{
    const struct shard_options options = {.index = index, .count = town->options.shard_count};
    struct shard *shard = shard_open(&options);
    MUST(shard != NULL);
    return shard;
}

static struct id128 session_of(u16 shard)
{
    return (struct id128){0x5E55105E55105ull + shard, 77};
}

/* ---- batches --------------------------------------------------------------------------------- */

struct batch {
    u64 words[(2u << 20) / 8];
    u32 bytes;
};
static struct batch scratch;

static void batch_begin(struct town *town, const struct batch_ack *acks, u32 ack_count)
{
    const struct batch_header header = {
        .stamp_ns = town->now_ns, .state_version = BATCH_STATE_VERSION, .ack_count = ack_count};
    memcpy(scratch.words, &header, sizeof header);
    if (ack_count != 0)
        memcpy((u8 *)scratch.words + sizeof header, acks, ack_count * sizeof *acks);
    scratch.bytes = (u32)(sizeof header + ack_count * sizeof *acks);
}

static void batch_add(const struct entry_header *entry, const u8 *body)
{
    struct batch_header header;
    memcpy(&header, scratch.words, sizeof header);
    header.entry_count++;
    memcpy(scratch.words, &header, sizeof header);
    u8 *at = (u8 *)scratch.words + scratch.bytes;
    memcpy(at, entry, sizeof *entry);
    memcpy(at + sizeof *entry, body, entry->body_bytes);
    scratch.bytes += (u32)sizeof *entry + entry->body_bytes;
}

/* What a batch answered: the replies of its last entry. */
struct heard {
    struct town *town;
    struct shard_reply reply;
};

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct heard *heard = context;
    (void)entry_index;
    heard->reply = *reply;
    MUST(reply->body_bytes <= TOWN_REPLY_MAX);
    if (reply->body_bytes != 0)
        memcpy(heard->town->reply, reply->body, reply->body_bytes);
    heard->town->reply_bytes = reply->body_bytes;
}

static void expire(struct shard *shard, u64 stamp_ns)
{
    for (u32 rounds = 0; !shard_expire(shard, stamp_ns, EXPIRE_BUDGET); rounds++)
        MUST(rounds < 10000000);
}

static void drop_notices(struct shard *shard)
{
    while (shard_notice_next(shard) != 0) {} /* ends: nobody watches here */
}

static void crash(struct town *town);

/* Applies the batch in `scratch`. False: a crash came between, the caller asks again. */
static bool commit(struct town *town, u16 index, struct heard *heard)
{
    struct town_shard *own = &town->shards[index];
    const u64 number = ++town->batches;
    struct batch_header header;
    memcpy(&header, scratch.words, sizeof header);
    header.bytes = scratch.bytes;
    memcpy(scratch.words, &header, sizeof header);
    const bool crashes = number == town->options.crash_batch;
    if (crashes && town->options.crash == TOWN_CRASH_BEFORE) {
        crash(town);
        return false;
    }
    if (town->options.keeps_log)
        log_append(own->log, (const u8 *)scratch.words, scratch.bytes);
    expire(own->shard, town->now_ns);
    shard_apply(own->shard, shard_applied_lsn(own->shard) + 1, (const u8 *)scratch.words,
                scratch.bytes, true, on_reply, heard);
    drop_notices(own->shard);
    if (town->on_batch != NULL)
        town->on_batch(town->context, index, number);
    if (crashes && town->options.crash != TOWN_CRASH_NONE) {
        crash(town);
        return false; /* the reply is lost: the caller asks again and gets the stored one */
    }
    return true;
}

/* ---- crashes --------------------------------------------------------------------------------- */

static void crash(struct town *town)
{
    for (u16 i = 0; i < town->options.shard_count; i++) {
        if (town->options.crash == TOWN_CRASH_THAW)
            town_thaw(town, i);
        else
            town_restart(town, i);
    }
    town->crashes++;
}

/* `shard` takes the place of the one that was (T2). What was soft is gone: everything that is not
 * acknowledged is carried again, both ways. */
static void replace_shard(struct town *town, u16 index, struct shard *shard)
{
    struct town_shard *own = &town->shards[index];
    const struct id128 digest = shard_digest(own->shard);
    if (!id128_equal(digest, shard_digest(shard)))
        PANIC("a shard that was made again is another one");
    MUST(shard_applied_lsn(shard) == shard_applied_lsn(own->shard));
    shard_close(own->shard);
    own->shard = shard;
    for (u16 other = 0; other < town->options.shard_count; other++) {
        own->logged_seq[other] = other == index ? 0 : shard_mail_applied(own->shard, other);
        own->carried_seq[other] = 0;
        town->shards[other].carried_seq[index] = 0;
    }
}

void town_restart(struct town *town, u16 index)
{
    struct town_shard *own = &town->shards[index];
    struct shard *shard = open_shard(town, index);
    u64 at = 0;
    MUST(town->options.keeps_log);
    for (u64 lsn = 1; lsn <= own->log->count; lsn++) {
        struct batch_header header;
        memcpy(&header, own->log->bytes + at, sizeof header);
        memcpy(scratch.words, own->log->bytes + at, header.bytes);
        expire(shard, header.stamp_ns);
        shard_apply(shard, lsn, (const u8 *)scratch.words, header.bytes, false, NULL, NULL);
        drop_notices(shard);
        at += header.bytes;
    }
    replace_shard(town, index, shard);
}

void town_thaw(struct town *town, u16 index)
{
    struct shard *shard = open_shard(town, index);
    u8 *chunk = aligned_alloc(64, CHUNK_BYTES);
    u32 bytes;
    MUST(chunk != NULL);
    shard_dump_begin(town->shards[index].shard);
    while ((bytes = shard_dump_chunk(town->shards[index].shard, chunk, CHUNK_BYTES)) != 0) {
        const char *reason = shard_load_chunk(shard, chunk, bytes); /* ends: the dump is finite */
        if (reason != NULL)
            PANIC(reason);
    }
    const char *reason = shard_load_finish(shard);
    if (reason != NULL)
        PANIC(reason);
    free(chunk);
    replace_shard(town, index, shard);
}

/* ---- calls ----------------------------------------------------------------------------------- */

u16 town_route(const struct town *town, const struct message_info *info, const void *fixed)
{
    const u8 *at = (const u8 *)fixed + info->route_offset;
    u64 id = 0;
    switch (info->route) {
    case MESSAGE_ROUTE_NONE:
    case MESSAGE_ROUTE_ANY:
    case MESSAGE_ROUTE_SHARD: return 0;
    case MESSAGE_ROUTE_RESOURCE: {
        struct resource key;
        memcpy(&key, at, sizeof key);
        return route_shard(route_hash_resource(key), town->options.shard_count);
    }
    case MESSAGE_ROUTE_ORDER: memcpy(&id, at + offsetof(struct id128, high), sizeof id); break;
    case MESSAGE_ROUTE_PRODUCT:
    case MESSAGE_ROUTE_USER:
    case MESSAGE_ROUTE_ALIAS:
    case MESSAGE_ROUTE_ALL: memcpy(&id, at, sizeof id); break;
    }
    return route_shard(route_hash_u64(id), town->options.shard_count);
}

static struct entry_header entry_of(struct town_shard *own, u16 index, u16 opcode, u32 count,
                                    u32 bytes)
{
    return (struct entry_header){.body_bytes = bytes,
                                 .source = ENTRY_SOURCE_SESSION,
                                 .opcode = opcode,
                                 .record_count = (u16)count,
                                 .session = session_of(index),
                                 .session_seq = own->session_seq,
                                 .acked_seq = SEQ_ACKED(own->session_seq)};
}

/* One frame, until it is answered: its status. The records are in `body`. */
static u16 execute(struct town *town, u16 index, u16 opcode, u32 count, const u8 *body, u32 bytes)
{
    struct town_shard *own = &town->shards[index];
    own->session_seq += opcode == OPCODE_SESSION_OPEN ? 0 : 1;
    town->reply_bytes = 0;
    for (u32 tries = 0;; tries++) { /* ends: a run has one crash */
        MUST(tries < 3);
        const struct entry_header entry = entry_of(own, index, opcode, count, bytes);
        const struct frame_header header = {.opcode = opcode,
                                            .record_count = (u16)count,
                                            .session = entry.session,
                                            .session_seq = entry.session_seq,
                                            .acked_seq = entry.acked_seq};
        struct heard heard = {.town = town};
        if (shard_admit(own->shard, &header, body, bytes, town->now_ns, &heard.reply) ==
            SHARD_VERDICT_ANSWER) {
            const struct shard_reply reply = heard.reply;
            on_reply(&heard, 0, &reply);
        } else {
            batch_begin(town, NULL, 0);
            batch_add(&entry, body);
            if (!commit(town, index, &heard))
                continue;
        }
        return heard.reply.status;
    }
}

static u64 body_words[FRAME_BYTES_MAX / 8];

/* Writes the record to `body_words`; the shard it goes to. */
static u16 prepare(const struct town *town, const struct message_info *info, u16 shard,
                   const void *fixed, const struct span *spans, u32 *bytes)
{
    static const struct span none[MESSAGE_SPANS_MAX];
    *bytes = frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)body_words, sizeof body_words,
                                fixed, spans != NULL ? spans : none);
    MUST(*bytes != 0);
    return info->route == MESSAGE_ROUTE_SHARD ? shard : town_route(town, info, fixed);
}

static void demand_ok(u16 status)
{
    if (status != STATUS_OK)
        PANIC(status_name(status));
}

void town_write(struct town *town, u16 opcode, u16 shard, const void *fixed,
                const struct span *spans, void *reply)
{
    const struct message_info *info = message_find(opcode);
    u32 bytes;
    const u16 index = prepare(town, info, shard, fixed, spans, &bytes);
    demand_ok(execute(town, index, opcode, 1, (const u8 *)body_words, bytes));
    if (reply != NULL)
        memcpy(reply, town->reply, info->reply.fixed_bytes);
}

void town_write_many(struct town *town, u16 opcode, u16 shard, const void *fixed, u32 count,
                     void *replies)
{
    const struct message_info *info = message_find(opcode);
    const u32 bytes = count * info->request.fixed_bytes;
    MUST(info->request.span_count == 0 && bytes <= sizeof body_words);
    memcpy(body_words, fixed, bytes);
    demand_ok(execute(town, shard, opcode, count, (const u8 *)body_words, bytes));
    memcpy(replies, town->reply, (size_t)count * info->reply.fixed_bytes);
}

/* One READ frame of what is in `body_words`: its status. */
static u16 look(struct town *town, u16 index, u16 opcode, u32 bytes)
{
    const struct frame_header header = {.opcode = opcode, .record_count = 1};
    struct shard_reply answer;
    /* Nothing is under way between two calls, so nothing is to be waited for. */
    if (shard_read(town->shards[index].shard, &header, (const u8 *)body_words, bytes, town->now_ns,
                   false, town->reply, TOWN_REPLY_MAX, &answer) != SHARD_READ_DONE)
        PANIC("a read that may not wait waits");
    town->reply_bytes = answer.body_bytes;
    return answer.status;
}

/* The only record of the reply in hand. */
static void view_reply(const struct town *town, const struct message_info *info, void *reply,
                       struct record_view *view)
{
    struct record_view own;
    u32 offset = 0;
    frame_record_next(info, FRAME_DIRECTION_REPLY, town->reply, &offset, &own);
    if (reply != NULL)
        memcpy(reply, own.fixed, info->reply.fixed_bytes);
    if (view != NULL)
        *view = own;
}

void town_read(struct town *town, u16 opcode, u16 shard, const void *fixed,
               const struct span *spans, void *reply, struct record_view *view)
{
    const struct message_info *info = message_find(opcode);
    u32 bytes;
    const u16 index = prepare(town, info, shard, fixed, spans, &bytes);
    demand_ok(look(town, index, opcode, bytes));
    view_reply(town, info, reply, view);
}

u16 town_ask(struct town *town, u16 opcode, u16 shard, const void *fixed, const struct span *spans,
             void *reply, struct record_view *view)
{
    const struct message_info *info = message_find(opcode);
    u32 bytes;
    const u16 index = prepare(town, info, shard, fixed, spans, &bytes);
    const u16 status = info->class == MESSAGE_CLASS_READ
                           ? look(town, index, opcode, bytes)
                           : execute(town, index, opcode, 1, (const u8 *)body_words, bytes);
    if (reply != NULL)
        memset(reply, 0, info->reply.fixed_bytes);
    if (status != STATUS_OK)
        return status;
    struct record_status head;
    memcpy(&head, town->reply, sizeof head);
    view_reply(town, info, reply, view);
    return head.status;
}

/* ---- mail ------------------------------------------------------------------------------------ */

/* Appends some messages of `from` to the log of `to`. */
static bool carry_messages(struct town *town, u16 from, u16 to)
{
    struct town_shard *source = &town->shards[from];
    struct town_shard *target = &town->shards[to];
    struct shard_mail mail;
    /* Now and then it comes again, as after a restart: all that is not acknowledged. */
    const bool is_again = town_chance(town, AGAIN_PERCENT);
    if (is_again)
        source->carried_seq[to] = 0;
    if (!shard_mail_next(source->shard, to, source->carried_seq[to], &mail))
        return false;
    const u32 count = 1 + (u32)town_below(town, CARRY_MAX);
    batch_begin(town, NULL, 0);
    u32 added = 0;
    for (u32 i = 0; i < count && shard_mail_next(source->shard, to, source->carried_seq[to], &mail);
         i++) {
        source->carried_seq[to] = mail.seq;
        if (mail.seq <= target->logged_seq[from] && !is_again)
            continue; /* carried again after a crash */
        MUST(mail.seq <= target->logged_seq[from] + 1);
        if (scratch.bytes + mail.body_bytes + 64 > sizeof scratch.words)
            break;
        const struct entry_header entry = {.body_bytes = mail.body_bytes,
                                           .source = ENTRY_SOURCE_SHARD,
                                           .source_shard = from,
                                           .opcode = mail.opcode,
                                           .record_count = 1,
                                           .session_seq = mail.seq};
        shard_mail_admit(target->shard, &mail);
        batch_add(&entry, mail.body);
        target->logged_seq[from] = MAX(target->logged_seq[from], mail.seq);
        added++;
    }
    struct heard heard = {.town = town};
    if (added != 0)
        (void)commit(town, to, &heard);
    return true;
}

/* Tells `from` how far `to` has come. */
static bool carry_ack(struct town *town, u16 from, u16 to)
{
    const u64 applied = shard_mail_applied(town->shards[to].shard, from);
    if (applied <= shard_mail_acked(town->shards[from].shard, to))
        return false;
    const struct batch_ack ack = {.seq = applied, .shard = to};
    struct heard heard = {.town = town};
    batch_begin(town, &ack, 1);
    (void)commit(town, from, &heard);
    return true;
}

bool town_carry(struct town *town)
{
    const u16 count = town->options.shard_count;
    const u32 pairs = (u32)count * count;
    const u32 first = (u32)town_below(town, pairs);
    for (u32 i = 0; i < pairs; i++) {
        const u32 pair = (first + i) % pairs;
        const u16 from = (u16)(pair / count), to = (u16)(pair % count);
        if (from == to)
            continue;
        if (carry_messages(town, from, to) || carry_ack(town, from, to))
            return true;
    }
    return false;
}

void town_carry_all(struct town *town)
{
    for (u64 rounds = 0; town_carry(town); rounds++)
        MUST(rounds < 100000000);
}

/* ---- time ------------------------------------------------------------------------------------ */

void town_wait(struct town *town, u64 ns)
{
    town->now_ns += ns;
    for (u16 i = 0; i < town->options.shard_count; i++) {
        if (shard_next_deadline_ns(town->shards[i].shard) > town->now_ns)
            continue;
        struct heard heard = {.town = town};
        batch_begin(town, NULL, 0);
        if (!commit(town, i, &heard)) {
            batch_begin(town, NULL, 0);
            MUST(commit(town, i, &heard));
        }
    }
}

u64 town_next_deadline_ns(const struct town *town)
{
    u64 next_ns = UINT64_MAX;
    for (u16 i = 0; i < town->options.shard_count; i++)
        next_ns = MIN(next_ns, shard_next_deadline_ns(town->shards[i].shard));
    return next_ns;
}

/* ---- life ------------------------------------------------------------------------------------ */

void town_tell_order(struct town *town, struct id128 order)
{
    const struct msg_order_events_req ask = {.order = order};
    struct record_view view;
    (void)fprintf(stderr, "order %016llx-%016llx:\n", (unsigned long long)order.high,
                  (unsigned long long)order.low);
    town_read(town, OPCODE_ORDER_EVENTS, 0, &ask, NULL, NULL, &view);
    for (u32 at = 0; at < view.spans[0].bytes; at += (u32)sizeof(struct row_order_event)) {
        struct row_order_event row;
        memcpy(&row, view.spans[0].data + at, sizeof row);
        (void)fprintf(stderr, "  %llu.%06llu %s %lld what %llu status %s, %s (%.64s)\n",
                      (unsigned long long)(row.time_ns / NS_PER_S),
                      (unsigned long long)(row.time_ns / 1000 % 1000000),
                      order_event_name(row.kind), (long long)row.value,
                      (unsigned long long)row.what, status_name(row.status),
                      saga_state_name(row.state), (const char *)row.text.bytes);
    }
}

void town_verify(struct town *town)
{
    for (u16 i = 0; i < town->options.shard_count; i++) {
        const struct msg_verify_req ask = {0};
        struct msg_verify_rsp answer;
        struct record_view view;
        town_read(town, OPCODE_VERIFY, i, &ask, NULL, &answer, &view);
        if (answer.violations == 0)
            continue;
        (void)fprintf(stderr, "shard %u: %llu violations: %.*s\n", i,
                      (unsigned long long)answer.violations, (int)view.spans[0].bytes,
                      (const char *)view.spans[0].data);
        PANIC("sums do not agree");
    }
}

struct town *town_open(const struct town_options *options)
{
    MUST(options->shard_count >= 1 && options->shard_count <= TOWN_SHARDS_MAX);
    struct town *town = calloc(1, sizeof *town);
    MUST(town != NULL);
    town->options = *options;
    town->now_ns = FIRST_NS;
    town->random = options->seed * 0x2545F4914F6CDD1Dull + 1;
    town->reply = aligned_alloc(64, ROUND_UP(TOWN_REPLY_MAX, 64u));
    MUST(town->reply != NULL);
    for (u16 i = 0; i < options->shard_count; i++) {
        town->shards[i].log = calloc(1, sizeof *town->shards[i].log);
        MUST(town->shards[i].log != NULL);
        town->shards[i].shard = open_shard(town, i);
        const struct msg_session_open_req ask = {0};
        town_write(town, OPCODE_SESSION_OPEN, i, &ask, NULL, NULL);
    }
    return town;
}

void town_close(struct town *town)
{
    for (u16 i = 0; i < town->options.shard_count; i++) {
        shard_close(town->shards[i].shard);
        free(town->shards[i].log->bytes);
        free(town->shards[i].log);
    }
    free(town->reply);
    free(town);
}
