/* trial_admission: entries go through shard_admit and wait before they are executed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/trial.h"

#include <stdio.h>
#include <string.h>

#include "proto/print.h"

/* Every record of a reply says SOLD_OUT or ALL_HELD. */
static bool is_all_refused(u16 opcode, u32 count, const u8 *body)
{
    const u32 bytes = message_find(opcode)->reply.fixed_bytes;
    for (u32 i = 0; i < count; i++) {
        struct record_status head;
        memcpy(&head, body + (size_t)i * bytes, sizeof head);
        if (head.status != STATUS_SOLD_OUT && head.status != STATUS_ALL_HELD)
            return false;
    }
    return true;
}

/* A frame-level answer on arrival: does the model's session say so too? */
static void check_session_answer(struct trial *trial, const struct entry_header *entry,
                                 const struct shard_reply *actual)
{
    bool is_replay;
    const u16 expected = model_session_question(trial->model, entry, &is_replay);
    bool is_busy_possible = false;
    for (u32 i = 0; i < trial->waiting_count; i++)
        is_busy_possible |= id128_equal(trial->waiting[i].session, entry->session);
    if (actual->status == STATUS_SESSION_BUSY && is_busy_possible)
        return;
    if (actual->status != expected)
        trial_fail(trial, "%s seq %llu acked %llu is answered %s on arrival, the model says %s",
                   message_find(entry->opcode)->name, (unsigned long long)entry->session_seq,
                   (unsigned long long)entry->acked_seq, status_name(actual->status),
                   status_name(expected));
}

/* A stored answer on arrival: the model gives the same. */
static void check_replay(struct trial *trial, const struct entry_header *entry, const u8 *body,
                         const struct shard_reply *actual)
{
    struct model *copy = model_copy(trial->model);
    struct entry_header unacked = *entry;
    unacked.acked_seq = 0;
    const struct model_reply expected = model_apply(copy, &unacked, body);
    if (!trial_replies_equal(&expected, actual))
        trial_fail_reply(trial, entry, body, &expected, actual);
    model_close(copy);
}

/* Adds to a failure what was under way, of which the model had executed the first `count`. */
static void note_waiting(struct trial *trial, u32 count)
{
    size_t used = strlen(trial->failure);
    for (u32 i = 0; i < trial->waiting_count; i++) {
        const struct message_info *info = message_find(trial->waiting[i].opcode);
        char text[1024];
        print_records(info, FRAME_DIRECTION_REQUEST, trial->waiting_bodies[i],
                      trial->waiting[i].record_count, text, sizeof text);
        (void)snprintf(trial->failure + used, sizeof trial->failure - used,
                       "  refused on arrival; under way%s, seq %llu:\n%s",
                       i < count ? " and executed by the model" : "",
                       (unsigned long long)trial->waiting[i].session_seq, text);
        used += strlen(trial->failure + used);
    }
}

/* Is every record of `actual` what the model says at the arrival, or what it said when it last
 * changed? The sellable units of a SOLD_OUT are those of durable state, in which a lease that is due
 * may not have ended yet; an ALL_HELD has its waiting time from now. */
static bool is_known_refusal(struct trial *trial, const struct entry_header *entry, const u8 *body,
                             const struct model_reply *now, const struct shard_reply *actual)
{
    const u32 bytes = message_find(entry->opcode)->reply.fixed_bytes;
    if (now->status != STATUS_OK || actual->flags != now->flags ||
        actual->body_bytes != now->body_bytes)
        return false;
    struct model *durable = model_copy(trial->model);
    const struct model_reply before = model_apply(durable, entry, body);
    bool is_known = before.body_bytes == now->body_bytes;
    for (u32 i = 0; i < actual->record_count && is_known; i++) {
        const size_t at = (size_t)i * bytes;
        struct record_status head;
        memcpy(&head, actual->body + at, sizeof head);
        is_known = memcmp(actual->body + at, now->body + at, bytes) == 0 ||
                   (head.status == STATUS_SOLD_OUT &&
                    memcmp(actual->body + at, before.body + at, bytes) == 0);
    }
    model_close(durable);
    return is_known;
}

/* A refusal on arrival: the model refuses too, however many of the waiting entries come first. */
static void check_refusal(struct trial *trial, const struct entry_header *entry, const u8 *body,
                          const struct shard_reply *actual)
{
    if (!is_all_refused(entry->opcode, actual->record_count, actual->body)) {
        trial_fail(trial, "%s is answered on arrival, but not by SOLD_OUT or ALL_HELD",
                   message_find(entry->opcode)->name);
        return;
    }
    struct model *ahead = model_copy(trial->model);
    model_advance(ahead, trial->now);
    for (u32 i = 0; i <= trial->waiting_count && !trial->is_failed; i++) {
        struct model *copy = model_copy(ahead);
        const struct model_reply expected = model_apply(copy, entry, body);
        /* What waits may end the session; that is no grant. */
        const bool is_refused =
            expected.status != STATUS_OK ||
            (expected.flags == 0 &&
             is_all_refused(entry->opcode, expected.record_count, expected.body));
        if (!is_refused || (i == 0 && !is_known_refusal(trial, entry, body, &expected, actual))) {
            trial_fail_reply(trial, entry, body, &expected, actual);
            note_waiting(trial, i);
        }
        model_close(copy);
        if (i < trial->waiting_count)
            (void)model_apply(ahead, &trial->waiting[i], trial->waiting_bodies[i]);
    }
    model_close(ahead);
}

static void check_answer(struct trial *trial, const struct entry_header *entry, const u8 *body,
                         const struct shard_reply *actual)
{
    trial->answered++;
    trial->records++;
    if (actual->status != STATUS_OK)
        check_session_answer(trial, entry, actual);
    else if ((actual->flags & FRAME_FLAG_REPLAYED) != 0)
        check_replay(trial, entry, body, actual);
    else
        check_refusal(trial, entry, body, actual);
    if (actual->status == STATUS_SESSION_EXPIRED)
        generate_lost_session(&trial->generator, entry->session);
}

static void admit_one(struct trial *trial)
{
    struct entry_header *entry = &trial->waiting[trial->waiting_count];
    u8 *body = trial->waiting_bodies[trial->waiting_count];
    struct shard_reply reply = {0};
    generate_entry(&trial->generator, trial->now, entry, body);
    const struct frame_header header = {.magic = FRAME_MAGIC,
                                        .length = FRAME_HEADER_BYTES + entry->body_bytes,
                                        .version = FRAME_VERSION,
                                        .opcode = entry->opcode,
                                        .flags = entry->flags,
                                        .shard = trial->shard_options.index,
                                        .record_count = entry->record_count,
                                        .session = entry->session,
                                        .session_seq = entry->session_seq,
                                        .acked_seq = entry->acked_seq};
    const enum shard_verdict verdict =
        shard_admit(trial->shard, &header, body, entry->body_bytes, trial->now, &reply);
    if (verdict == SHARD_VERDICT_LOG)
        trial->waiting_count++;
    else
        check_answer(trial, entry, body, &reply);
}

/* Executes the first `count` of the waiting entries as one batch. */
static void run_waiting(struct trial *trial, u32 count)
{
    trial_batch_begin(trial, trial->now);
    for (u32 i = 0; i < count; i++)
        MUST(trial_batch_add(trial, &trial->waiting[i], trial->waiting_bodies[i]));
    trial_batch_run(trial, true);
    for (u32 i = count; i < trial->waiting_count; i++) {
        trial->waiting[i - count] = trial->waiting[i];
        u8 *body = trial->waiting_bodies[i];
        trial->waiting_bodies[i] = trial->waiting_bodies[i - count];
        trial->waiting_bodies[i - count] = body;
    }
    trial->waiting_count -= count;
}

void trial_admission_step(struct trial *trial)
{
    struct generator *generator = &trial->generator;
    trial->now = generate_stamp(generator, trial->now, shard_next_deadline_ns(trial->shard));
    const u64 arrivals = generate_below(generator, 4);
    for (u64 i = 0; i < arrivals && trial->waiting_count < TRIAL_WAITING_MAX; i++)
        if (!trial->is_failed)
            admit_one(trial);
    /* Sums and reads are compared after a step: the clock may not stand between two batches. */
    if (!trial->is_failed)
        run_waiting(trial, (u32)generate_below(generator, trial->waiting_count + 1));
}

void trial_admission_drain(struct trial *trial)
{
    run_waiting(trial, trial->waiting_count);
    struct shard_counters counters;
    shard_counters_read(trial->shard, &counters);
    if (counters.under_way_entries != 0)
        trial_fail(trial, "%llu entries are still under way after the last batch",
                   (unsigned long long)counters.under_way_entries);
}
