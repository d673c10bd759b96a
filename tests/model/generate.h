/* generate: random, well-formed entries that are likely to mean something.
 *
 * A seed draws a world: how many SKUs, ids, sessions and owners there are, which operations occur
 * and how often, how far apart batches are, how large quantities are (swarm testing: a world with
 * one SKU and many holds finds what an even mix never meets). Within it, commands refer to what was
 * made before: they extend, confirm, ship and repeat grants of a memory, resend whole frames under
 * old numbers, and now and then say something that is not allowed.
 *
 * Of the answers it is told which grants were given and which sessions are lost; else its memory is
 * what it has sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_GENERATE_H
#define SOUK_TESTS_MODEL_GENERATE_H

#include "proto/batch.h"
#include "proto/frame.h"

#define GENERATE_SKUS_MAX     256u
#define GENERATE_PRODUCTS_MAX 64u
#define GENERATE_SESSIONS_MAX 8u
#define GENERATE_GRANTS       256u
#define GENERATE_SENT         16u
#define GENERATE_ENTRY_BYTES  (192u << 10)

/* A grant that was asked for. */
struct generated_grant {
    struct resource key;
    struct id128 id;
    struct id128 order;
    u64 owner;
    i64 quantity;
    u16 opcode;
    u8 record[sizeof(struct msg_hold_req)];
};

/* A frame that was sent, to be sent again. */
struct generated_frame {
    struct entry_header entry;
    u8 *body;
};

struct generated_session {
    struct id128 id;
    u64 seq, acked;
    bool is_open;
    u32 sent_count;
    struct generated_frame sent[GENERATE_SENT];
};

struct generator {
    u64 random;
    u16 index, count; /* of the shard */
    u64 retention_ms;
    u32 sessions_max;
    u32 sku_count, product_count, session_count, owner_count;
    struct resource skus[GENERATE_SKUS_MAX];
    u64 products[GENERATE_PRODUCTS_MAX];
    u32 weights[MESSAGE_COUNT], weight_sum;
    u32 records_max;
    i64 quantity_max;
    u64 lease_ms_max;
    u32 step_bits_max; /* batches are up to 2^bits ns apart */
    u32 linked_permille, bad_permille, repeat_permille, resend_permille;
    u32 grant_count;
    struct generated_grant grants[GENERATE_GRANTS];
    struct generated_session sessions[GENERATE_SESSIONS_MAX];
    u64 now;
    u64 names;   /* counts ids made */
    u32 entries; /* counts entries made; the first ones furnish the world */
};

void generate_init(struct generator *generator, u64 seed, u16 index, u16 count);
void generate_deinit(struct generator *generator);

u64 generate_random(struct generator *generator);
/* 0 to below - 1. */
u64 generate_below(struct generator *generator, u64 below);
bool generate_chance(struct generator *generator, u32 permille);

/* The next stamp: after `now`, by a step of this world, or at, just before or just after
 * `deadline`. */
u64 generate_stamp(struct generator *generator, u64 now, u64 deadline);

/* Writes one entry's body at `body` (GENERATE_ENTRY_BYTES) and fills its header. */
void generate_entry(struct generator *generator, u64 now, struct entry_header *entry, u8 *body);
/* An entry of take or hold was executed: what was granted is worth talking about. */
void generate_note_replies(struct generator *generator, const struct entry_header *entry,
                           const u8 *body, const u8 *replies);
/* The entry was answered as SESSION_EXPIRED. */
void generate_lost_session(struct generator *generator, struct id128 session);

/* Writes `count` records of a READ operation about this world; returns their bytes. */
u32 generate_reads(struct generator *generator, u64 now, u16 opcode, u32 count, u8 *body);

#endif
