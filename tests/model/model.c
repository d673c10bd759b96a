/* model: life, sessions, linked frames, and which rule answers which record. See model.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/model_state.h"

#include <stdlib.h>
#include <string.h>

#include "proto/route.h"

void *model_memory(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL)
        PANIC("out of memory");
    return memory;
}

struct model *model_open(const struct model_options *options)
{
    struct model *model = model_memory(NULL, sizeof *model);
    memset(model, 0, sizeof *model);
    model->options = *options;
    if (model->options.sessions_max == 0)
        model->options.sessions_max = SESSIONS_PER_SHARD_MAX;
    if (model->options.retention_ms == 0)
        model->options.retention_ms = GRANT_RETENTION_MS;
    model->next_due = UINT64_MAX;
    model_table_init(&model->skus, sizeof(struct model_sku));
    model_table_init(&model->grants, sizeof(struct model_grant));
    model_table_init(&model->products, sizeof(struct model_product));
    model_table_init(&model->sessions, sizeof(struct model_session));
    model_table_init(&model->kept, sizeof(struct model_kept));
    return model;
}

static void release_body(struct model_body *body)
{
    if (--body->users == 0)
        free(body);
}

void model_close(struct model *model)
{
    for (u32 i = 0; i < model->kept.end; i++) {
        struct model_kept *kept = model_table_at(&model->kept, i);
        if (kept != NULL)
            release_body(kept->body);
    }
    model_table_deinit(&model->skus);
    model_table_deinit(&model->grants);
    model_table_deinit(&model->products);
    model_table_deinit(&model->sessions);
    model_table_deinit(&model->kept);
    free(model->undo);
    free(model->open_holds);
    free(model->body);
    free(model);
}

struct model *model_copy(const struct model *from)
{
    MUST(from->undo_count == 0);
    struct model *to = model_memory(NULL, sizeof *to);
    *to = *from;
    model_table_copy(&to->skus, &from->skus);
    model_table_copy(&to->grants, &from->grants);
    model_table_copy(&to->products, &from->products);
    model_table_copy(&to->sessions, &from->sessions);
    model_table_copy(&to->kept, &from->kept);
    for (u32 i = 0; i < to->grants.end; i++) {
        struct model_grant *grant = model_table_at(&to->grants, i);
        if (grant != NULL)
            grant->sku = model_table_find(&to->skus, model_key_resource(grant->key));
    }
    for (u32 i = 0; i < to->kept.end; i++) {
        struct model_kept *kept = model_table_at(&to->kept, i);
        if (kept != NULL)
            kept->body->users++;
    }
    to->undo = NULL;
    to->undo_room = 0;
    to->open_hold_room = from->open_hold_count;
    to->open_holds = model_memory(NULL, (from->open_hold_count + 1) * sizeof(u32));
    if (from->open_hold_count != 0)
        memcpy(to->open_holds, from->open_holds, from->open_hold_count * sizeof(u32));
    to->body = NULL;
    to->body_room = 0;
    return to;
}

/* ---- Linked frames ---- */

static void remember(struct model *model, struct model_table *table, void *item, void *before)
{
    if (model->undo_count == model->undo_room) {
        model->undo_room = model->undo_room * 2 + 16;
        model->undo = model_memory(model->undo, model->undo_room * sizeof *model->undo);
    }
    model->undo[model->undo_count++] =
        (struct model_undo){.table = table, .item = item, .before = before};
}

void model_touch(struct model *model, struct model_table *table, void *item)
{
    if (!model->is_linked)
        return;
    void *before = model_memory(NULL, table->item_bytes);
    memcpy(before, item, table->item_bytes);
    remember(model, table, item, before);
}

void model_created(struct model *model, struct model_table *table, void *item)
{
    if (model->is_linked)
        remember(model, table, item, NULL);
}

/* Ends a linked frame: forgets the old state or brings it back. */
static void end_linked(struct model *model, bool is_kept)
{
    while (model->undo_count > 0) {
        const struct model_undo *undo = &model->undo[--model->undo_count];
        /* The item's place in its chain is not part of what is brought back. */
        const size_t from = sizeof(struct model_item);
        if (!is_kept && undo->before == NULL)
            model_table_remove(undo->table, undo->item);
        else if (!is_kept)
            memcpy((u8 *)undo->item + from, (u8 *)undo->before + from,
                   undo->table->item_bytes - from);
        free(undo->before);
    }
    model->is_linked = false;
}

/* ---- Time ---- */

void model_advance(struct model *model, u64 now_ns)
{
    MUST(now_ns >= model->now);
    model->now = now_ns;
    if (now_ns >= model->next_due)
        model->next_due = model_stock_expire(model);
}

u64 model_next_deadline(const struct model *model)
{
    u64 next = UINT64_MAX;
    for (u32 i = 0; i < model->grants.end; i++) {
        const struct model_grant *grant = model_table_at(&model->grants, i);
        if (grant == NULL)
            continue;
        if (grant->state == GRANT_STATE_HELD && grant->expires_at != 0)
            next = MIN(next, grant->expires_at);
        else if (grant->state != GRANT_STATE_HELD && grant->state != GRANT_STATE_ALLOCATED)
            next = MIN(next, grant->forget_at);
    }
    return next;
}

/* ---- Sessions ---- */

static struct model_kept *find_kept(const struct model *model, struct id128 session, u64 seq)
{
    return model_table_find(&model->kept, model_key_session(session, seq));
}

/* Forgets the replies of a session up to `seq`. */
static void drop_kept(struct model *model, struct model_session *session, struct id128 id, u64 seq)
{
    const u64 last = MIN(seq, session->base + SESSION_WINDOW_FRAMES);
    for (u64 i = session->base + 1; i <= last; i++) {
        struct model_kept *kept = find_kept(model, id, i);
        if (kept == NULL)
            continue;
        session->kept_bytes -= kept->body->bytes;
        release_body(kept->body);
        model_table_remove(&model->kept, kept);
    }
}

static void evict_one(struct model *model)
{
    const bool is_fifo = model_mutates(model, MODEL_MUTATION_SESSION_FIFO);
    struct model_session *oldest = NULL;
    for (u32 i = 0; i < model->sessions.end; i++) {
        struct model_session *session = model_table_at(&model->sessions, i);
        if (session == NULL)
            continue;
        if (oldest == NULL ||
            (is_fifo ? session->opened < oldest->opened : session->last_used < oldest->last_used))
            oldest = session;
    }
    const struct id128 id = {oldest->item.key.words[0], oldest->item.key.words[1]};
    drop_kept(model, oldest, id, UINT64_MAX);
    model_table_remove(&model->sessions, oldest);
}

static struct model_session *find_session(const struct model *model, struct id128 id)
{
    return model_table_find(&model->sessions, model_key_session(id, 0));
}

static struct model_session *open_session(struct model *model, struct id128 id)
{
    if (model->sessions.count >= model->options.sessions_max)
        evict_one(model);
    struct model_session *session = model_table_add(&model->sessions, model_key_session(id, 0));
    session->opened = ++model->uses;
    return session;
}

static void keep_reply(struct model *model, struct model_session *session,
                       const struct entry_header *entry, const struct model_reply *reply)
{
    struct model_kept *kept =
        model_table_add(&model->kept, model_key_session(entry->session, entry->session_seq));
    kept->opcode = entry->opcode;
    kept->record_count = reply->record_count;
    kept->body = model_memory(NULL, sizeof *kept->body + reply->body_bytes);
    kept->body->users = 1;
    kept->body->bytes = reply->body_bytes;
    memcpy(kept->body->data, reply->body, reply->body_bytes);
    session->kept_bytes += reply->body_bytes;
}

/* ---- Records ---- */

static void answer_record(struct model *model, const struct message_info *info,
                          const struct record_view *record, bool is_known_session,
                          struct model_answer *answer)
{
    if (info->code == OPCODE_SESSION_OPEN) {
        struct msg_session_open_rsp *rsp = (void *)answer->fixed;
        rsp->window_frames = SESSION_WINDOW_FRAMES;
        rsp->reply_bytes_max = SESSION_REPLY_BYTES_MAX;
        answer->is_replayed = is_known_session;
    } else if (info->route == MESSAGE_ROUTE_PRODUCT) {
        model_catalog_record(model, info->code, record, answer);
    } else {
        model_stock_record(model, info->code, record, answer);
    }
}

/* Answers the next record at the end of the reply. */
static u16 append_answer(struct model *model, const struct message_info *info, const u8 *body,
                         u32 *offset, bool is_known_session, u32 *reply_bytes)
{
    u64 fixed[64] = {0};
    MUST(info->reply.fixed_bytes <= sizeof fixed);
    struct model_answer answer = {.fixed = (u8 *)fixed};
    struct record_view record;
    frame_record_next(info, FRAME_DIRECTION_REQUEST, body, offset, &record);
    answer_record(model, info, &record, is_known_session, &answer);
    const struct record_status head = {.status = answer.status,
                                       .flags = answer.is_replayed ? RECORD_FLAG_REPLAYED : 0,
                                       .retry_after_ms = answer.retry_after_ms};
    memcpy(fixed, &head, sizeof head);
    const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REPLY, model->body + *reply_bytes,
                                         model->body_room - *reply_bytes, fixed, answer.spans);
    MUST(bytes != 0);
    *reply_bytes += bytes;
    return answer.status;
}

/* All the others of a linked frame in which record `failed` was refused. */
static u32 write_linked_failure(struct model *model, const struct message_info *info, u32 count,
                                u32 failed, u32 failed_offset)
{
    const u32 bytes = info->reply.fixed_bytes;
    u8 own[512];
    MUST(bytes <= sizeof own);
    memcpy(own, model->body + failed_offset, bytes);
    const struct record_status head = {.status = STATUS_LINKED_FAILED};
    memset(model->body, 0, (size_t)count * bytes);
    for (u32 i = 0; i < count; i++) {
        u8 *to = model->body + (size_t)i * bytes;
        if (i == failed)
            memcpy(to, own, bytes);
        else
            memcpy(to, &head, sizeof head);
    }
    return count * bytes;
}

static struct model_reply answer_records(struct model *model, const struct message_info *info,
                                         u32 count, const u8 *body, bool is_linked,
                                         bool is_known_session)
{
    u32 offset = 0, reply_bytes = 0;
    const u32 room = count * info->reply.record_bytes_max;
    if (room > model->body_room) {
        model->body = model_memory(model->body, room);
        model->body_room = room;
    }
    model->is_linked = is_linked;
    for (u32 i = 0; i < count; i++) {
        const u32 reply_offset = reply_bytes;
        const u16 status =
            append_answer(model, info, body, &offset, is_known_session, &reply_bytes);
        if (is_linked && status != STATUS_OK) {
            end_linked(model, model_mutates(model, MODEL_MUTATION_LINKED_KEPT));
            reply_bytes = write_linked_failure(model, info, count, i, reply_offset);
            break;
        }
    }
    end_linked(model, true);
    return (struct model_reply){
        .record_count = (u16)count, .body_bytes = reply_bytes, .body = model->body};
}

/* What the numbers of a frame say, in the order of the questions. */
static u16 judge_numbers(const struct model *model, const struct model_session *session,
                         const struct entry_header *entry, bool *is_replay)
{
    const u64 base = MAX(session->base, entry->acked_seq);
    const u64 seq = entry->session_seq;
    *is_replay = false;
    if (seq <= base)
        return STATUS_TOO_OLD;
    const struct model_kept *kept = find_kept(model, entry->session, seq);
    *is_replay = kept != NULL;
    /* Another command under the number has no answer among the stored ones. */
    if (kept != NULL &&
        (kept->opcode != entry->opcode || kept->record_count != entry->record_count))
        return STATUS_ID_MISMATCH;
    if (kept != NULL)
        return STATUS_OK;
    return seq - base > SESSION_WINDOW_FRAMES ? STATUS_SESSION_BUSY : STATUS_OK;
}

u16 model_session_question(const struct model *model, const struct entry_header *entry,
                           bool *is_replay)
{
    *is_replay = false;
    if (entry->opcode == OPCODE_SESSION_OPEN)
        return STATUS_OK;
    const struct model_session *session = find_session(model, entry->session);
    if (session == NULL)
        return STATUS_SESSION_EXPIRED;
    return judge_numbers(model, session, entry, is_replay);
}

/* Opens the session or finds it. The numbers of the frame say nothing, so it is kept nowhere: to
 * open again is harmless. */
static struct model_reply apply_open(struct model *model, const struct entry_header *entry,
                                     const u8 *body)
{
    struct model_session *session = find_session(model, entry->session);
    const bool is_known = session != NULL;
    if (session == NULL)
        session = open_session(model, entry->session);
    session->last_used = ++model->uses;
    return answer_records(model, message_find(entry->opcode), entry->record_count, body, false,
                          is_known);
}

struct model_reply model_apply(struct model *model, const struct entry_header *entry,
                               const u8 *body)
{
    if (entry->opcode == OPCODE_SESSION_OPEN)
        return apply_open(model, entry, body);
    struct model_session *session = find_session(model, entry->session);
    if (session == NULL)
        return (struct model_reply){.status = STATUS_SESSION_EXPIRED};
    session->last_used = ++model->uses;
    if (entry->acked_seq > session->base) {
        drop_kept(model, session, entry->session, entry->acked_seq);
        session->base = entry->acked_seq;
    }
    bool is_replay;
    const u16 verdict = judge_numbers(model, session, entry, &is_replay);
    if (verdict != STATUS_OK)
        return (struct model_reply){.status = verdict};
    if (is_replay && !model_mutates(model, MODEL_MUTATION_REPLIES_FORGOTTEN)) {
        const struct model_kept *kept = find_kept(model, entry->session, entry->session_seq);
        return (struct model_reply){.flags = FRAME_FLAG_REPLAYED,
                                    .record_count = kept->record_count,
                                    .body_bytes = kept->body->bytes,
                                    .body = kept->body->data};
    }
    const bool is_linked = (entry->flags & FRAME_FLAG_LINKED) != 0;
    const struct model_reply reply = answer_records(model, message_find(entry->opcode),
                                                    entry->record_count, body, is_linked, true);
    if (!is_replay)
        keep_reply(model, session, entry, &reply);
    return reply;
}

struct model_reply model_read(struct model *model, u16 opcode, u32 record_count, const u8 *body)
{
    return answer_records(model, message_find(opcode), record_count, body, false, true);
}

/* ---- Sums ---- */

struct model_totals model_totals(const struct model *model)
{
    struct model_totals totals = {.resources = model->skus.count,
                                  .sessions = model->sessions.count};
    for (u32 i = 0; i < model->skus.end; i++) {
        const struct model_sku *sku = model_table_at(&model->skus, i);
        if (sku == NULL)
            continue;
        totals.on_hand += sku->on_hand;
        totals.unavailable += sku->unavailable;
        totals.held += sku->held;
        totals.allocated += sku->allocated;
        totals.received += sku->received;
        totals.shipped += sku->shipped;
        totals.returned += sku->returned_sellable + sku->returned_damaged;
        totals.adjusted += sku->adjusted;
        totals.written_off += sku->written_off;
    }
    for (u32 i = 0; i < model->grants.end; i++) {
        const struct model_grant *grant = model_table_at(&model->grants, i);
        if (grant == NULL)
            continue;
        totals.holds += grant->state == GRANT_STATE_HELD;
        totals.allocations += grant->state == GRANT_STATE_ALLOCATED;
        totals.tombstones +=
            grant->state != GRANT_STATE_HELD && grant->state != GRANT_STATE_ALLOCATED;
    }
    for (u32 i = 0; i < model->products.end; i++) {
        const struct model_product *product = model_table_at(&model->products, i);
        totals.products += product != NULL && !product->is_deleted;
    }
    return totals;
}

const char *model_mutation_name(enum model_mutation mutation)
{
    static const char *const names[MODEL_MUTATION_COUNT] = {
        "none",         "safety_ignored",    "expiry_late",   "linked_kept",     "replay_blind",
        "cancel_leaks", "damaged_sellable",  "partial_keeps", "tombstone_early", "bound_expires",
        "retry_short",  "replies_forgotten", "session_fifo",  "code_ignored"};
    MUST(mutation < MODEL_MUTATION_COUNT);
    return names[mutation];
}
