/* shard_handlers: one function per operation, declared by expansion of messages.def, so that an
 * operation without its handler does not link.
 *
 *      shard_apply_<name>  every WRITE operation: judges one record, changes the state, and writes
 *                          the whole fixed reply record (zeroed before)
 *      shard_read_<name>   every READ operation: writes the fixed reply and fills the spans, whose
 *                          bytes stay borrowed until the record has been written. False: an expiry
 *                          that concerns it is under way.
 *
 *      shard_part_<name>   every PART operation: one slice of an answer (shards/part.h)
 *
 *      shard_mail_<name>   every MAIL operation: applies one message of another shard, or of this one
 *
 * A read that wants to wait says so by shard_read_park. `request` is not aligned; handlers copy it into their struct. `reply` is aligned to 8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SHARD_HANDLERS_H
#define SOUK_SHARDS_SHARD_HANDLERS_H

#include "shards/shard_state.h"

typedef void shard_apply_fn(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply);
typedef bool shard_read_fn(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans);

#define DECLARE_CONTROL(name)
#define DECLARE_GATHER(name)
#define DECLARE_PART(name)                          shard_part_fn shard_part_##name;
#define DECLARE_MAIL(name)                          shard_mail_fn shard_##name;
#define DECLARE_WRITE(name)                         shard_apply_fn shard_apply_##name;
#define DECLARE_READ(name)                          shard_read_fn shard_read_##name;
#define OP(code, NAME, name, CLASS, ROUTE, summary) DECLARE_##CLASS(name)
#include "proto/messages.def"
#undef OP
#undef DECLARE_CONTROL
#undef DECLARE_GATHER
#undef DECLARE_PART
#undef DECLARE_MAIL
#undef DECLARE_WRITE
#undef DECLARE_READ

#endif
