/* find_stubs: operations that are declared and not yet there: they answer INVALID_STATE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather.h"
#include "shards/mail/mail.h"
#include "shards/shard_handlers.h"

#define STUB_WRITE(name)                                                        \
    void shard_apply_##name(struct shard *shard, const struct shard_call *call, \
                            const void *request, void *reply)                   \
    {                                                                           \
        (void)shard, (void)call, (void)request;                                 \
        ((struct record_status *)reply)->status = STATUS_INVALID_STATE;         \
    }
#define STUB_READ(name)                                                          \
    bool shard_read_##name(struct shard *shard, const struct shard_call *call,   \
                           const void *request, void *reply, struct span *spans) \
    {                                                                            \
        (void)shard, (void)call, (void)request, (void)spans;                     \
        ((struct record_status *)reply)->status = STATUS_INVALID_STATE;          \
        return true;                                                             \
    }
#define STUB_GATHER(name)                            \
    void gather_##name(struct gather *gather)        \
    {                                                \
        gather_refuse(gather, STATUS_INVALID_STATE); \
    }
#define STUB_PART(name)                                            \
    bool shard_part_##name(struct shard *shard, struct part *part) \
    {                                                              \
        (void)shard, (void)part;                                   \
        return true;                                               \
    }
#define STUB_MAIL(name)                                                  \
    void shard_##name(struct shard *shard, const struct mail_call *call) \
    {                                                                    \
        (void)shard, (void)call;                                         \
    }

/* clang-format off */
STUB_GATHER(suggest)
STUB_PART(suggest_part)

#include "shards/search/search.h"
void search_budget(struct shard *shard, u64 ad_id, bool is_left) { (void)shard, (void)ad_id, (void)is_left; }
