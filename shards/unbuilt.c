/* unbuilt: operations that are declared and not built yet. The file is empty when all are, and goes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/shard_handlers.h"

#define UNBUILT_WRITE(name)                                                     \
    void shard_apply_##name(struct shard *shard, const struct shard_call *call, \
                            const void *request, void *reply)                   \
    {                                                                           \
        (void)shard;                                                            \
        (void)call;                                                             \
        (void)request;                                                          \
        ((struct record_status *)reply)->status = STATUS_UNKNOWN_OPCODE;        \
    }
#define UNBUILT_READ(name)                                                       \
    bool shard_read_##name(struct shard *shard, const struct shard_call *call,   \
                           const void *request, void *reply, struct span *spans) \
    {                                                                            \
        (void)shard;                                                             \
        (void)call;                                                              \
        (void)request;                                                           \
        (void)spans;                                                             \
        ((struct record_status *)reply)->status = STATUS_UNKNOWN_OPCODE;         \
        return true;                                                             \
    }
#define UNBUILT_MAIL(name)                                               \
    void shard_##name(struct shard *shard, const struct mail_call *call) \
    {                                                                    \
        (void)shard;                                                     \
        (void)call;                                                      \
    }

UNBUILT_WRITE(checkout)
UNBUILT_WRITE(checkout_cancel)
UNBUILT_WRITE(command_poll)
UNBUILT_WRITE(command_ack)
UNBUILT_WRITE(command_nack)
UNBUILT_READ(command_wait)
UNBUILT_READ(command_list)
UNBUILT_WRITE(payment_event)
UNBUILT_WRITE(payment_capture)
UNBUILT_WRITE(payment_refund)
UNBUILT_READ(payment_find)
UNBUILT_READ(stuck_list)
UNBUILT_WRITE(order_resolve)
UNBUILT_MAIL(mail_hold_answer)
UNBUILT_MAIL(mail_change_answer)
