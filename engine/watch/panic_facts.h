/* panic_facts: what a thread was doing, kept at hand for the moment of a panic.
 *
 * The one mutable thing at file level in the engine: each thread has a pointer to facts that live in
 * its reactor, because a failed MUST has nothing in hand but a file and a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_WATCH_PANIC_FACTS_H
#define SOUK_ENGINE_WATCH_PANIC_FACTS_H

#include "proto/base.h"

struct panic_facts {
    u64 applied_lsn;
    u64 durable_lsn;
    u16 reactor;
    u16 shard;
    u16 opcode;       /* of the frame or entry that was being worked on; 0 = none */
    const char *step; /* of the turn; static text */
};

/* Facts of the calling thread from now on; NULL for none. They must outlive the thread's work. */
void panic_facts_bind(const struct panic_facts *facts);
const struct panic_facts *panic_facts_bound(void);

#endif
