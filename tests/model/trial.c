/* trial: see trial.h. This file runs batches and compares replies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/print.h"

static void *take_memory(size_t bytes)
{
    void *memory = malloc(bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        PANIC("out of memory");
    return memory;
}

void trial_fail(struct trial *trial, const char *format, ...)
{
    if (trial->is_failed)
        return;
    trial->is_failed = true;
    const int start =
        snprintf(trial->failure, sizeof trial->failure,
                 "batch %u, stamp %llu ns: ", trial->log_count, (unsigned long long)trial->now);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(trial->failure + start, sizeof trial->failure - (size_t)start, format, list);
    va_end(list);
}

/* ---- Saying what differs ---- */

static const u8 *record_at(const struct message_info *info, enum frame_direction direction,
                           const u8 *body, u32 index)
{
    struct record_view view = {.fixed = body};
    u32 offset = 0;
    for (u32 i = 0; i <= index; i++)
        frame_record_next(info, direction, body, &offset, &view);
    return view.fixed;
}

/* The first record whose replies differ, or the count. */
static u32 first_difference(const struct message_info *info, const u8 *a, const u8 *b, u32 count)
{
    u32 offset_a = 0, offset_b = 0;
    for (u32 i = 0; i < count; i++) {
        struct record_view view_a, view_b;
        frame_record_next(info, FRAME_DIRECTION_REPLY, a, &offset_a, &view_a);
        frame_record_next(info, FRAME_DIRECTION_REPLY, b, &offset_b, &view_b);
        if (view_a.bytes != view_b.bytes || memcmp(view_a.fixed, view_b.fixed, view_a.bytes) != 0)
            return i;
    }
    return count;
}

/* The last records of the log that begin with the same 8 bytes: the same resource or product. */
static void add_history(struct trial *trial, const u8 *record)
{
    char lines[24][512];
    u32 count = 0;
    for (u32 i = 0; i < trial->log_count; i++) {
        struct batch_header header;
        memcpy(&header, trial->log[i].bytes, sizeof header);
        u32 at = sizeof header;
        for (u32 e = 0; e < header.entry_count; e++) {
            struct entry_header entry;
            memcpy(&entry, trial->log[i].bytes + at, sizeof entry);
            const struct message_info *info = message_find(entry.opcode);
            const u8 *body = trial->log[i].bytes + at + sizeof entry;
            u32 offset = 0;
            for (u32 r = 0; r < entry.record_count; r++) {
                struct record_view view;
                frame_record_next(info, FRAME_DIRECTION_REQUEST, body, &offset, &view);
                if (memcmp(view.fixed, record, 8) != 0)
                    continue;
                char text[400];
                (void)snprintf(
                    lines[count++ % 24], sizeof lines[0], "  %u @%llu seq %llu%s %s\n", i,
                    (unsigned long long)header.stamp_ns, (unsigned long long)entry.session_seq,
                    entry.flags != 0 ? " linked" : "",
                    print_record(info, FRAME_DIRECTION_REQUEST, view.fixed, text, sizeof text));
            }
            at += (u32)sizeof entry + entry.body_bytes;
        }
    }
    size_t used = strlen(trial->failure);
    for (u32 i = count > 24 ? count - 24 : 0; i < count; i++) {
        (void)snprintf(trial->failure + used, sizeof trial->failure - used, "%s", lines[i % 24]);
        used += strlen(trial->failure + used);
    }
}

bool trial_replies_equal(const struct model_reply *expected, const struct shard_reply *actual)
{
    if (actual->status != expected->status || actual->flags != expected->flags)
        return false;
    if (expected->status != STATUS_OK)
        return actual->record_count == 0;
    return actual->record_count == expected->record_count &&
           actual->body_bytes == expected->body_bytes &&
           memcmp(actual->body, expected->body, expected->body_bytes) == 0;
}

void trial_fail_reply(struct trial *trial, const struct entry_header *entry, const u8 *body,
                      const struct model_reply *expected, const struct shard_reply *actual)
{
    const struct message_info *info = message_find(entry->opcode);
    char head[256], asked[1024], wanted[1024] = "", got[1024] = "";
    (void)snprintf(head, sizeof head,
                   "%s%s, session %llx, seq %llu, acked %llu, %u records: model %s flags %u, "
                   "shard %s flags %u",
                   info->name, entry->flags != 0 ? " linked" : "",
                   (unsigned long long)entry->session.low, (unsigned long long)entry->session_seq,
                   (unsigned long long)entry->acked_seq, entry->record_count,
                   status_name(expected->status), expected->flags, status_name(actual->status),
                   actual->flags);
    u32 at = 0;
    const bool is_comparable = expected->status == STATUS_OK && actual->status == STATUS_OK &&
                               actual->record_count == expected->record_count &&
                               actual->body_bytes == expected->body_bytes;
    if (is_comparable)
        at = first_difference(info, expected->body, actual->body, expected->record_count);
    if (at >= entry->record_count) {
        trial_fail(trial, "%s\n  a record count that is not the frame's", head);
        return;
    }
    const u8 *record = record_at(info, FRAME_DIRECTION_REQUEST, body, at);
    print_record(info, FRAME_DIRECTION_REQUEST, record, asked, sizeof asked);
    if (is_comparable) {
        print_record(info, FRAME_DIRECTION_REPLY,
                     record_at(info, FRAME_DIRECTION_REPLY, expected->body, at), wanted,
                     sizeof wanted);
        print_record(info, FRAME_DIRECTION_REPLY,
                     record_at(info, FRAME_DIRECTION_REPLY, actual->body, at), got, sizeof got);
    }
    const bool is_first = !trial->is_failed;
    trial_fail(trial, "%s\n  record %u: %s\n  model: %s\n  shard: %s\n  before:\n", head, at, asked,
               wanted, got);
    if (is_first && entry->opcode != OPCODE_SESSION_OPEN)
        add_history(trial, record);
}

/* ---- Batches ---- */

void trial_batch_begin(struct trial *trial, u64 stamp)
{
    MUST(stamp >= trial->now);
    trial->now = stamp;
    const struct batch_header header = {
        .stamp_ns = stamp, .bytes = sizeof header, .state_version = BATCH_STATE_VERSION};
    memcpy(trial->batch, &header, sizeof header);
}

bool trial_batch_add(struct trial *trial, const struct entry_header *entry, const u8 *body)
{
    struct batch_header header;
    memcpy(&header, trial->batch, sizeof header);
    if (header.bytes + sizeof *entry + entry->body_bytes > LOG_BATCH_BYTES_MAX)
        return false;
    memcpy(trial->batch + header.bytes, entry, sizeof *entry);
    memcpy(trial->batch + header.bytes + sizeof *entry, body, entry->body_bytes);
    header.bytes += (u32)sizeof *entry + entry->body_bytes;
    header.entry_count++;
    memcpy(trial->batch, &header, sizeof header);
    return true;
}

static void count_records(struct trial *trial, const struct message_info *info,
                          const struct shard_reply *reply)
{
    trial->records += reply->record_count == 0 ? 1 : reply->record_count;
    for (u32 i = 0; i < reply->record_count; i++) {
        struct record_status head;
        memcpy(&head, reply->body + (size_t)i * info->reply.fixed_bytes, sizeof head);
        if (head.status == STATUS_OK)
            trial->granted++;
        else
            trial->refused++;
    }
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct trial *trial = context;
    struct entry_header entry;
    if (trial->is_failed)
        return;
    if (entry_index != trial->entries_seen++) {
        trial_fail(trial, "the reply of entry %u came as number %u", entry_index,
                   trial->entries_seen - 1);
        return;
    }
    memcpy(&entry, trial->batch + trial->entry_offset, sizeof entry);
    const u8 *body = trial->batch + trial->entry_offset + sizeof entry;
    const struct model_reply expected = model_apply(trial->model, &entry, body);
    if (!trial_replies_equal(&expected, reply)) {
        trial_fail_reply(trial, &entry, body, &expected, reply);
        return;
    }
    count_records(trial, message_find(entry.opcode), reply);
    if (reply->status == STATUS_OK)
        generate_note_replies(&trial->generator, &entry, body, reply->body);
    if (reply->status == STATUS_SESSION_EXPIRED)
        generate_lost_session(&trial->generator, entry.session);
    trial->entry_offset += (u32)sizeof entry + entry.body_bytes;
}

static void keep_batch(struct trial *trial, u32 bytes)
{
    if (trial->log_count == trial->log_room) {
        trial->log_room = trial->log_room * 2 + 256;
        trial->log = realloc(trial->log, trial->log_room * sizeof *trial->log);
        if (trial->log == NULL)
            PANIC("out of memory");
    }
    struct trial_batch *kept = &trial->log[trial->log_count++];
    *kept = (struct trial_batch){.bytes = take_memory(bytes), .count = bytes};
    memcpy(kept->bytes, trial->batch, bytes);
}

static void let_expire(struct trial *trial)
{
    const u32 budget = 1 + (u32)generate_below(&trial->generator, 64);
    u32 rounds = 0;
    while (!shard_expire(trial->shard, trial->now, budget)) {
        if (++rounds > 1000000) {
            trial_fail(trial, "shard_expire does not come to an end");
            return;
        }
    }
}

void trial_batch_run(struct trial *trial, bool is_local)
{
    struct batch_header header;
    memcpy(&header, trial->batch, sizeof header);
    trial->lsn++;
    if (!trial->options.is_counters)
        keep_batch(trial, header.bytes);
    let_expire(trial);
    model_advance(trial->model, trial->now);
    trial->entry_offset = sizeof header;
    trial->entries_seen = 0;
    if (trial->is_failed)
        return;
    shard_apply(trial->shard, trial->lsn, trial->batch, header.bytes, is_local, on_reply, trial);
    if (trial->entries_seen != header.entry_count)
        trial_fail(trial, "%u of %u entries were answered", trial->entries_seen,
                   header.entry_count);
}

static void plain_step(struct trial *trial)
{
    struct generator *generator = &trial->generator;
    const u64 stamp = generate_stamp(generator, trial->now, shard_next_deadline_ns(trial->shard));
    trial_batch_begin(trial, stamp);
    const u64 count = generate_below(generator, 6);
    for (u64 i = 0; i < count; i++) {
        struct entry_header entry;
        generate_entry(generator, stamp, &entry, trial->scratch);
        if (!trial_batch_add(trial, &entry, trial->scratch))
            break;
    }
    trial_batch_run(trial, false);
}

/* ---- Life ---- */

static void begin(struct trial *trial, const struct trial_options *options)
{
    memset(trial, 0, sizeof *trial);
    trial->options = *options;
    struct generator *generator = &trial->generator;
    const u16 index = (u16)(options->seed % options->shards);
    generate_init(generator, options->seed, index, options->shards);
    if (options->is_admission) {
        /* The model is copied for every refusal: a small world. */
        generator->records_max = MIN(generator->records_max, 6);
        generator->sku_count = MIN(generator->sku_count, 4);
    }
    trial->now = generator->now;
    trial->shard_options = (struct shard_options){.index = index,
                                                  .count = options->shards,
                                                  .sessions_max = generator->sessions_max,
                                                  .retention_ms = generator->retention_ms};
    trial->shard = shard_open(&trial->shard_options);
    if (trial->shard == NULL)
        PANIC("no memory for an empty shard");
    const struct model_options model_options = {.index = index,
                                                .count = options->shards,
                                                .sessions_max = generator->sessions_max,
                                                .retention_ms = generator->retention_ms,
                                                .mutation = options->mutation};
    trial->model = model_open(&model_options);
    trial->batch = take_memory(LOG_BATCH_BYTES_MAX);
    trial->scratch = take_memory(FRAME_BYTES_MAX);
    for (u32 i = 0; i < TRIAL_WAITING_MAX; i++)
        trial->waiting_bodies[i] = take_memory(GENERATE_ENTRY_BYTES);
}

static void end(struct trial *trial)
{
    shard_close(trial->shard);
    model_close(trial->model);
    generate_deinit(&trial->generator);
    for (u32 i = 0; i < trial->log_count; i++)
        free(trial->log[i].bytes);
    free(trial->log);
    for (u32 i = 0; i < trial->chunk_count; i++)
        free(trial->chunks[i].bytes);
    free(trial->chunks);
    for (u32 i = 0; i < TRIAL_WAITING_MAX; i++)
        free(trial->waiting_bodies[i]);
    free(trial->batch);
    free(trial->scratch);
}

static void run_world(struct trial *trial, const struct trial_options *options)
{
    u32 steps = 0;
    while (trial->records < options->records && !trial->is_failed) {
        if (options->is_admission)
            trial_admission_step(trial);
        else
            plain_step(trial);
        if (!trial->is_failed && ++steps % 32 == 0)
            trial_check_state(trial);
        if (!trial->is_failed)
            trial_dump_step(trial);
    }
    if (!trial->is_failed && options->is_admission)
        trial_admission_drain(trial);
    if (!trial->is_failed)
        trial_check_state(trial);
    if (!trial->is_failed)
        trial_check_replays(trial);
}

const char *trial_run(struct trial *trial, const struct trial_options *options)
{
    begin(trial, options);
    if (options->is_counters)
        trial_counters(trial);
    else
        run_world(trial, options);
    end(trial);
    return trial->is_failed ? trial->failure : NULL;
}
