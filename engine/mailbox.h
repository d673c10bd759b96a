/* mailbox: how reactors talk. One ring for each ordered pair, one writer and one reader each.
 *
 *      producer                       consumer
 *      slots[tail % N] = mail         mail = slots[head % N]
 *      tail + 1 (release)    --->     head + 1 (release)
 *
 * A message is a pointer: work travels to the data, the answer returns in the same message to the
 * one who sent it, who releases it. A bell tells the consumer, who may be asleep in its ring.
 *
 * Invariants
 *   M1  0 <= tail - head <= MAILBOX_SLOTS; the slots between are the consumer's.
 *   M2  each index is written by one side only; the sides live on cache lines of their own, each
 *       with its copy of the other's index, so that a line moves only when a copy is used up.
 *   M3  no wake-up is lost. Producer: push, fence, read `is_sleeping`. Consumer: set `is_sleeping`,
 *       fence, look into the boxes. Of two sequentially consistent fences one comes first, so either
 *       the producer sees the sleeper or the sleeper sees the mail.
 * Ownership  the matrix of boxes belongs to the server; struct mail to the reactor that made it.
 * Failure    a full box refuses (false); the caller keeps the mail and tries again.
 * Not here   what mail means (net/forward.h, net/handoff.h, post.h). Atomics appear in this file and in
 *            watch/metrics.h, nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_MAILBOX_H
#define SOUK_ENGINE_MAILBOX_H

#include <stdatomic.h>

#include "engine/ring/ring.h"
#include "proto/base.h"

#define MAILBOX_SLOTS      1024u
#define MAILBOX_LINE_BYTES 64

STATIC_CHECK(IS_POWER_OF_TWO(MAILBOX_SLOTS));

enum mail_kind {
    MAIL_KIND_FRAME,  /* a frame for a shard of the receiver */
    MAIL_KIND_REPLY,  /* the same message with the answer in it */
    MAIL_KIND_SOCKET, /* a connection moves to the receiver, with what it had not read */
    MAIL_KIND_DONE,   /* the same message, empty: release it */
    MAIL_KIND_POST,   /* messages from shard to shard (engine/post.h) */
    MAIL_KIND_POSTED, /* the same message with the acknowledgement in it */
    MAIL_KIND_START,  /* from the server: accept connections */
    MAIL_KIND_STOP,   /* from the server: drain */
    MAIL_KIND_EXIT    /* from the server: everybody has drained, leave */
};

struct inquiry;

struct mail {
    struct mail *next; /* in a list of whoever has it at the moment */
    u16 kind;          /* enum mail_kind */
    u16 from;          /* index of the reactor that made it */
    u32 connection;    /* FRAME, REPLY: whose frame it is, as index and generation */
    u32 generation;
    struct inquiry *inquiry; /* FRAME, REPLY: or the question whose ask it is */
    u32 ask;
    i32 fd; /* SOCKET */
    u64 arrival_ns;
    u8 *bytes; /* from the maker's buffer pool; room for the answer too */
    u32 count;
    u32 capacity;
};

struct mailbox {
    _Alignas(MAILBOX_LINE_BYTES) _Atomic u32 tail; /* producer */
    u32 head_seen;
    _Alignas(MAILBOX_LINE_BYTES) _Atomic u32 head; /* consumer */
    u32 tail_seen;
    _Alignas(MAILBOX_LINE_BYTES) struct mail *slots[MAILBOX_SLOTS];
};

/* One per consumer, shared by all who write to it. */
struct mailbox_bell {
    _Alignas(MAILBOX_LINE_BYTES) _Atomic u32 is_sleeping;
    struct ring_address address; /* set once, before any mail is sent */
};

/* Both sides start empty; a zeroed mailbox is an empty one. */
NODISCARD bool mailbox_push(struct mailbox *box, struct mail *mail);
/* NULL when there is none. */
struct mail *mailbox_pop(struct mailbox *box);
bool mailbox_is_empty(struct mailbox *box);

/* After pushing: does the consumer have to be woken? True for one of several producers only. */
NODISCARD bool mailbox_bell_must_ring(struct mailbox_bell *bell);
/* The consumer is about to wait: from now on it must be woken. It looks into its boxes once more
 * after this, and waits only if all are empty. */
void mailbox_bell_sleep(struct mailbox_bell *bell);
void mailbox_bell_awake(struct mailbox_bell *bell);

#endif
