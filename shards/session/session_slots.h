/* session_slots: the ring of kept replies, for the two files of the session room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SESSION_SESSION_SLOTS_H
#define SOUK_SHARDS_SESSION_SESSION_SLOTS_H

#include "shards/session/session.h"

/* The slot of a number that is not kept yet, growing the ring until it is free. NULL when a ring of
 * the largest size is not enough, which only a bad snapshot can bring about. */
struct session_kept *session_slot_make(struct session_room *room, struct session *session, u64 seq);

/* An empty record in the map, with no slots. */
u32 session_create(struct session_room *room, struct id128 id);

/* Puts it into the order of eviction. */
void session_enlist(struct session_room *room, u32 index);

#endif
