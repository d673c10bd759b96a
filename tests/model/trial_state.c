/* trial_state: what a trial looks at beside the replies: reads, sums, deadlines, digests, dumps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/trial.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (64u << 10)

static bool read_from_shard(struct trial *trial, u16 opcode, u32 count, const u8 *body, u32 bytes,
                            struct shard_reply *reply)
{
    const struct frame_header header = {.magic = FRAME_MAGIC,
                                        .length = FRAME_HEADER_BYTES + bytes,
                                        .version = FRAME_VERSION,
                                        .opcode = opcode,
                                        .shard = trial->shard_options.index,
                                        .record_count = (u16)count};
    const enum shard_read_result result =
        shard_read(trial->shard, &header, body, bytes, trial->now, false, trial->scratch,
                   FRAME_BYTES_MAX - FRAME_HEADER_BYTES, reply);
    if (result != SHARD_READ_DONE)
        trial_fail(trial, "%s waits although everything has expired", message_find(opcode)->name);
    return result == SHARD_READ_DONE;
}

static void check_read(struct trial *trial, u16 opcode)
{
    struct generator *generator = &trial->generator;
    u64 body[2048];
    struct shard_reply actual = {0};
    const u32 count = 1 + (u32)generate_below(generator, 20);
    const u32 bytes = generate_reads(generator, trial->now, opcode, count, (u8 *)body);
    MUST(bytes <= sizeof body);
    if (!read_from_shard(trial, opcode, count, (const u8 *)body, bytes, &actual))
        return;
    const struct model_reply expected = model_read(trial->model, opcode, count, (const u8 *)body);
    const struct entry_header entry = {.opcode = opcode, .record_count = (u16)count};
    if (!trial_replies_equal(&expected, &actual))
        trial_fail_reply(trial, &entry, (const u8 *)body, &expected, &actual);
}

static void check_number(struct trial *trial, const char *name, i64 expected, i64 actual)
{
    if (expected != actual)
        trial_fail(trial, "verify: %s is %lld in the model and %lld in the shard", name,
                   (long long)expected, (long long)actual);
}

static void check_verify(struct trial *trial)
{
    const u64 zero = 0;
    struct shard_reply reply = {0};
    struct msg_verify_rsp rsp;
    if (!read_from_shard(trial, OPCODE_VERIFY, 1, (const u8 *)&zero, sizeof zero, &reply))
        return;
    if (reply.status != STATUS_OK || reply.body_bytes < sizeof rsp) {
        trial_fail(trial, "verify was refused with %u", reply.status);
        return;
    }
    memcpy(&rsp, reply.body, sizeof rsp);
    const struct model_totals totals = model_totals(trial->model);
    if (rsp.violations != 0) {
        u32 bytes;
        memcpy(&bytes, reply.body + sizeof rsp, sizeof bytes);
        trial_fail(trial, "verify finds %llu violations: %.*s", (unsigned long long)rsp.violations,
                   (int)bytes, (const char *)reply.body + sizeof rsp + sizeof bytes);
    }
    if (!id128_equal(rsp.digest, shard_digest(trial->shard)))
        trial_fail(trial, "verify gives another digest than shard_digest");
    check_number(trial, "resource_count", (i64)totals.resources, (i64)rsp.resource_count);
    check_number(trial, "hold_count", (i64)totals.holds, (i64)rsp.hold_count);
    check_number(trial, "allocation_count", (i64)totals.allocations, (i64)rsp.allocation_count);
    check_number(trial, "tombstone_count", (i64)totals.tombstones, (i64)rsp.tombstone_count);
    check_number(trial, "product_count", (i64)totals.products, (i64)rsp.product_count);
    check_number(trial, "session_count", (i64)totals.sessions, (i64)rsp.session_count);
    check_number(trial, "on_hand", totals.on_hand, rsp.on_hand);
    check_number(trial, "unavailable", totals.unavailable, rsp.unavailable);
    check_number(trial, "held", totals.held, rsp.held);
    check_number(trial, "allocated", totals.allocated, rsp.allocated);
    check_number(trial, "received", totals.received, rsp.received);
    check_number(trial, "shipped", totals.shipped, rsp.shipped);
    check_number(trial, "returned", totals.returned, rsp.returned);
    check_number(trial, "adjusted", totals.adjusted, rsp.adjusted);
    check_number(trial, "written_off", totals.written_off, rsp.written_off);
}

void trial_check_state(struct trial *trial)
{
    check_read(trial, OPCODE_STOCK_GET);
    check_read(trial, OPCODE_SKU_GET);
    check_read(trial, OPCODE_HOLD_GET);
    check_read(trial, OPCODE_PRODUCT_GET);
    check_verify(trial);
    const u64 due = model_next_deadline(trial->model);
    if (shard_next_deadline_ns(trial->shard) > due)
        trial_fail(trial, "something is due at %llu, the shard says %llu", (unsigned long long)due,
                   (unsigned long long)shard_next_deadline_ns(trial->shard));
    if (shard_applied_lsn(trial->shard) != trial->log_count)
        trial_fail(trial, "the applied position is not the last batch's");
    if (trial->log_count != 0 && shard_last_stamp_ns(trial->shard) != trial->now)
        trial_fail(trial, "the last stamp is not the last batch's");
}

/* ---- Dump ---- */

static void take_chunk(struct trial *trial)
{
    u8 *bytes = malloc(CHUNK_BYTES);
    if (bytes == NULL)
        PANIC("out of memory");
    const u32 count = shard_dump_chunk(trial->shard, bytes, CHUNK_BYTES);
    if (count == 0) {
        free(bytes);
        trial->is_dumping = false;
        trial->was_dumped = true;
        return;
    }
    if (count > CHUNK_BYTES)
        trial_fail(trial, "a dump chunk of %u bytes", count);
    trial->chunks = realloc(trial->chunks, (trial->chunk_count + 1) * sizeof(struct trial_batch));
    if (trial->chunks == NULL)
        PANIC("out of memory");
    trial->chunks[trial->chunk_count++] = (struct trial_batch){.bytes = bytes, .count = count};
}

void trial_dump_step(struct trial *trial)
{
    if (trial->is_dumping) {
        if (generate_chance(&trial->generator, 400))
            take_chunk(trial);
        return;
    }
    const bool is_due = trial->records * 3 > trial->options.records;
    if (trial->was_dumped || !is_due || !generate_chance(&trial->generator, 50))
        return;
    trial->dump_digest = shard_digest(trial->shard);
    trial->dumped_at = trial->log_count;
    shard_dump_begin(trial->shard);
    trial->is_dumping = true;
}

/* Replays the log from batch `from` and compares the digests. */
static void replay(struct trial *trial, struct shard *shard, u32 from, const char *who)
{
    for (u32 i = from; i < trial->log_count; i++) {
        struct batch_header header;
        memcpy(&header, trial->log[i].bytes, sizeof header);
        while (!shard_expire(shard, header.stamp_ns, 1 + i % 7)) {}
        shard_apply(shard, i + 1, trial->log[i].bytes, trial->log[i].count, false, NULL, NULL);
    }
    if (!id128_equal(shard_digest(shard), shard_digest(trial->shard)))
        trial_fail(trial, "the digest of %s differs", who);
    if (shard_applied_lsn(shard) != shard_applied_lsn(trial->shard))
        trial_fail(trial, "the position of %s differs", who);
}

static void check_loaded(struct trial *trial)
{
    while (trial->is_dumping)
        take_chunk(trial);
    if (!trial->was_dumped)
        return;
    struct shard *shard = shard_open(&trial->shard_options);
    for (u32 i = trial->chunk_count; i > 1; i--) {
        const u64 other = generate_below(&trial->generator, i);
        const struct trial_batch chunk = trial->chunks[i - 1];
        trial->chunks[i - 1] = trial->chunks[other];
        trial->chunks[other] = chunk;
    }
    const char *reason = NULL;
    for (u32 i = 0; i < trial->chunk_count && reason == NULL; i++)
        reason = shard_load_chunk(shard, trial->chunks[i].bytes, trial->chunks[i].count);
    if (reason == NULL)
        reason = shard_load_finish(shard);
    if (reason != NULL)
        trial_fail(trial, "the dump does not load: %s", reason);
    else if (!id128_equal(shard_digest(shard), trial->dump_digest))
        trial_fail(trial, "the digest of the loaded shard is not that of the dumped one");
    else
        replay(trial, shard, trial->dumped_at, "a loaded shard after the rest of the log");
    shard_close(shard);
}

void trial_check_replays(struct trial *trial)
{
    struct shard *shard = shard_open(&trial->shard_options);
    replay(trial, shard, 0, "a shard that replayed the log");
    shard_close(shard);
    if (!trial->is_failed)
        check_loaded(trial);
}
