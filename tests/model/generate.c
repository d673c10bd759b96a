/* generate: see generate.h. This file has the world, time and sessions; generate_records.c has what
 * the commands say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/generate_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/route.h"
#include "tests/model/model.h"

/* The first entries put SKUs and stock into the world. */
#define FURNISHING_ENTRIES 6u

/* splitmix64 of Steele, Lea and Flood. */
u64 generate_random(struct generator *generator)
{
    u64 z = generator->random += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

u64 generate_below(struct generator *generator, u64 below)
{
    MUST(below > 0);
    return generate_random(generator) % below;
}

bool generate_chance(struct generator *generator, u32 permille)
{
    return generate_below(generator, 1000) < permille;
}

/* 1 to max, small values as likely as large ones. */
static u64 draw_scaled(struct generator *generator, u64 max)
{
    u32 bits = 0;
    while (bits < 63 && (max >> bits) > 1)
        bits++;
    const u64 limit = 1ull << generate_below(generator, bits + 1);
    const u64 value = limit + generate_below(generator, limit);
    return MIN(max, value);
}

static void draw_weights(struct generator *generator)
{
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->class != MESSAGE_CLASS_WRITE || !model_knows(info))
            continue;
        u32 weight = generate_chance(generator, 200) ? 0 : (u32)draw_scaled(generator, 64);
        if (info->code == OPCODE_SESSION_OPEN)
            weight = 1;
        if (info->code == OPCODE_SKU_PUT || info->route == MESSAGE_ROUTE_PRODUCT)
            weight = weight / 4;
        if (info->code == OPCODE_TAKE || info->code == OPCODE_HOLD)
            weight = weight * 2 + 8;
        generator->weights[i] = weight;
        generator->weight_sum += weight;
    }
}

static void draw_ids(struct generator *generator)
{
    for (u32 i = 0; i < generator->sku_count; i++) {
        struct resource *key = &generator->skus[i];
        const bool is_foreign = generate_chance(generator, 20);
        do {
            *key = (struct resource){.id = 1 + generate_below(generator, 1u << 20)};
            key->kind = generate_chance(generator, 50) ? (u16)generate_below(generator, 6) : 0;
        } while (!is_foreign &&
                 route_shard(route_hash_resource(*key), generator->count) != generator->index);
    }
    for (u32 i = 0; i < generator->product_count; i++) {
        const bool is_foreign = generate_chance(generator, 20);
        u64 *id = &generator->products[i];
        do
            *id = 1 + generate_below(generator, 1u << 20);
        while (!is_foreign &&
               route_shard(route_hash_u64(*id), generator->count) != generator->index);
    }
}

void generate_init(struct generator *generator, u64 seed, u16 index, u16 count)
{
    static const u64 retentions[] = {0, 1, 50, 1000, 60000, 3600000};
    static const u32 limits[] = {0, 0, 2, 3, 5};
    memset(generator, 0, sizeof *generator);
    generator->random = seed;
    generator->index = index;
    generator->count = count;
    generator->retention_ms = retentions[generate_below(generator, ARRAY_COUNT(retentions))];
    generator->sessions_max = limits[generate_below(generator, ARRAY_COUNT(limits))];
    generator->sku_count = (u32)draw_scaled(generator, GENERATE_SKUS_MAX - 1);
    generator->product_count = (u32)draw_scaled(generator, GENERATE_PRODUCTS_MAX - 1);
    generator->session_count = (u32)draw_scaled(generator, GENERATE_SESSIONS_MAX);
    generator->owner_count = (u32)draw_scaled(generator, 4);
    generator->records_max = (u32)draw_scaled(generator, 256);
    generator->quantity_max = (i64)draw_scaled(generator, 1000);
    generator->lease_ms_max = draw_scaled(generator, LEASE_MS_MAX);
    generator->step_bits_max = 1 + (u32)generate_below(generator, 46);
    generator->linked_permille = generate_chance(generator, 300) ? 0 : 200;
    generator->bad_permille = generate_chance(generator, 300) ? 0 : 15;
    generator->repeat_permille = (u32)draw_scaled(generator, 300);
    generator->resend_permille = (u32)draw_scaled(generator, 200);
    generator->now = 1700000000ull * NS_PER_S;
    draw_weights(generator);
    draw_ids(generator);
    for (u32 i = 0; i < generator->session_count; i++)
        generator->sessions[i].id = (struct id128){generate_random(generator), i + 1};
}

void generate_deinit(struct generator *generator)
{
    for (u32 i = 0; i < generator->session_count; i++)
        for (u32 j = 0; j < GENERATE_SENT; j++)
            free(generator->sessions[i].sent[j].body);
}

u64 generate_stamp(struct generator *generator, u64 now, u64 deadline)
{
    const bool is_near = deadline != UINT64_MAX && deadline > now &&
                         deadline - now < 2ull << generator->step_bits_max;
    if (is_near && generate_chance(generator, 150))
        return deadline + generate_below(generator, 3) - 1;
    /* Skipping far ahead lets whole generations end; seldom, or nothing would ever live. */
    if (deadline != UINT64_MAX && deadline > now && generate_chance(generator, 5))
        return deadline;
    return now +
           generate_below(generator, 1ull << generate_below(generator, generator->step_bits_max));
}

static const struct message_info *draw_operation(struct generator *generator)
{
    u64 at = generate_below(generator, generator->weight_sum);
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        if (at < generator->weights[i])
            return message_at(i);
        at -= generator->weights[i];
    }
    PANIC("the weights do not add up");
}

static void note_sent(struct generator *generator, struct generated_session *session,
                      const struct entry_header *entry, const u8 *body)
{
    if (entry->body_bytes > 4096)
        return;
    const bool is_full = session->sent_count == GENERATE_SENT;
    const u64 at = is_full ? generate_below(generator, GENERATE_SENT) : session->sent_count++;
    struct generated_frame *frame = &session->sent[at];
    free(frame->body);
    frame->entry = *entry;
    frame->body = malloc(entry->body_bytes);
    if (frame->body == NULL)
        PANIC("out of memory");
    memcpy(frame->body, body, entry->body_bytes);
}

/* The number of the next frame: mostly the next one, sometimes with a hole or beyond the window. */
static void draw_numbers(struct generator *generator, struct generated_session *session,
                         struct entry_header *entry)
{
    session->seq++;
    if (generate_chance(generator, 20))
        session->seq += generate_below(generator, 5);
    entry->session_seq = session->seq;
    if (generate_chance(generator, 10) && session->seq > 3)
        entry->session_seq -= generate_below(generator, 3);
    if (generate_chance(generator, 3))
        entry->session_seq += SESSION_WINDOW_FRAMES - generate_below(generator, 8);
    if (generate_chance(generator, 300) && session->seq > session->acked)
        session->acked += generate_below(generator, session->seq - session->acked);
    entry->acked_seq = session->acked;
    if (generate_chance(generator, 3))
        entry->acked_seq = entry->session_seq;
}

static bool resend(struct generator *generator, struct generated_session *session,
                   struct entry_header *entry, u8 *body)
{
    if (session->sent_count == 0 || !generate_chance(generator, generator->resend_permille))
        return false;
    const struct generated_frame *frame =
        &session->sent[generate_below(generator, session->sent_count)];
    *entry = frame->entry;
    memcpy(body, frame->body, entry->body_bytes);
    if (generate_chance(generator, 300))
        entry->acked_seq = session->acked;
    return true;
}

void generate_entry(struct generator *generator, u64 now, struct entry_header *entry, u8 *body)
{
    struct generated_session *session =
        &generator->sessions[generate_below(generator, generator->session_count)];
    generator->now = now;
    const u32 entry_index = generator->entries++;
    const bool is_furnishing = entry_index < FURNISHING_ENTRIES;
    if (is_furnishing)
        session = &generator->sessions[0];
    else if (resend(generator, session, entry, body))
        return;
    const struct message_info *info = draw_operation(generator);
    if (is_furnishing)
        info = message_find(entry_index < FURNISHING_ENTRIES / 2 ? OPCODE_SKU_PUT
                                                                 : OPCODE_STOCK_RECEIVE);
    if (!session->is_open && (is_furnishing || !generate_chance(generator, 50)))
        info = message_find(OPCODE_SESSION_OPEN);
    memset(entry, 0, sizeof *entry);
    entry->source = ENTRY_SOURCE_SESSION;
    entry->opcode = info->code;
    entry->session = session->id;
    draw_numbers(generator, session, entry);
    u32 count = 1;
    if (info->code == OPCODE_SESSION_OPEN)
        session->is_open = true;
    else
        count = 1 + (u32)generate_below(generator, generator->records_max);
    if (is_furnishing && info->code != OPCODE_SESSION_OPEN)
        count = 1 + generator->sku_count * 2;
    else if (generate_chance(generator, generator->linked_permille)) {
        entry->flags = FRAME_FLAG_LINKED;
        const u32 few = 1 + (u32)generate_below(generator, 8);
        count = MIN(count, few);
    }
    for (u32 i = 0; i < count; i++) {
        const u32 bytes = generate_record(generator, info, body + entry->body_bytes,
                                          GENERATE_ENTRY_BYTES - entry->body_bytes);
        if (bytes == 0)
            break;
        entry->body_bytes += bytes;
        entry->record_count++;
    }
    MUST(entry->record_count > 0);
    note_sent(generator, session, entry, body);
}

void generate_lost_session(struct generator *generator, struct id128 id)
{
    for (u32 i = 0; i < generator->session_count; i++) {
        struct generated_session *session = &generator->sessions[i];
        if (!id128_equal(session->id, id))
            continue;
        session->is_open = false;
        session->seq = session->acked = 0;
        if (generate_chance(generator, 500))
            session->id.low = generate_random(generator);
    }
}

u32 generate_reads(struct generator *generator, u64 now, u16 opcode, u32 count, u8 *body)
{
    u32 bytes = 0;
    generator->now = now;
    for (u32 i = 0; i < count; i++)
        bytes += generate_record(generator, message_find(opcode), body + bytes,
                                 GENERATE_ENTRY_BYTES - bytes);
    return bytes;
}
