/* mailbox: see mailbox.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/mailbox.h"

/* The thread sanitizer does not model fences and gcc warns of it; what it checks, the hand-over of
 * mail by `tail` and `head`, does not rest on them. */
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

bool mailbox_push(struct mailbox *box, struct mail *mail)
{
    MUST(mail != NULL);
    const u32 tail = atomic_load_explicit(&box->tail, memory_order_relaxed);
    if (tail - box->head_seen == MAILBOX_SLOTS) {
        box->head_seen = atomic_load_explicit(&box->head, memory_order_acquire);
        if (tail - box->head_seen == MAILBOX_SLOTS)
            return false;
    }
    MUST(tail - box->head_seen < MAILBOX_SLOTS); /* M1 */
    box->slots[tail % MAILBOX_SLOTS] = mail;
    atomic_store_explicit(&box->tail, tail + 1, memory_order_release);
    return true;
}

bool mailbox_is_empty(struct mailbox *box)
{
    const u32 head = atomic_load_explicit(&box->head, memory_order_relaxed);
    if (head != box->tail_seen)
        return false;
    box->tail_seen = atomic_load_explicit(&box->tail, memory_order_acquire);
    return head == box->tail_seen;
}

struct mail *mailbox_pop(struct mailbox *box)
{
    if (mailbox_is_empty(box))
        return NULL;
    const u32 head = atomic_load_explicit(&box->head, memory_order_relaxed);
    MUST(box->tail_seen - head <= MAILBOX_SLOTS); /* M1 */
    struct mail *mail = box->slots[head % MAILBOX_SLOTS];
    atomic_store_explicit(&box->head, head + 1, memory_order_release);
    MUST(mail != NULL);
    return mail;
}

bool mailbox_bell_must_ring(struct mailbox_bell *bell)
{
    atomic_thread_fence(memory_order_seq_cst); /* M3: the push before, the flag after */
    if (atomic_load_explicit(&bell->is_sleeping, memory_order_relaxed) == 0)
        return false;
    return atomic_exchange_explicit(&bell->is_sleeping, 0, memory_order_relaxed) != 0;
}

void mailbox_bell_sleep(struct mailbox_bell *bell)
{
    atomic_store_explicit(&bell->is_sleeping, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst); /* M3: the flag before, the boxes after */
}

void mailbox_bell_awake(struct mailbox_bell *bell)
{
    atomic_store_explicit(&bell->is_sleeping, 0, memory_order_relaxed);
}
