/* client_poller: souk_command_poll_wait: commands of all shards, waited for without asking again and
 * again.
 *
 *      ask all shards what is ready -> lease it, one frame per shard, all shards at once
 *      nothing ready? park a command_wait at every shard that has none of ours -> one comes back
 *                     -> lease what it says
 *
 * Invariants
 *   P1  of one group and kinds at most one command_wait is parked at a shard, however many threads wait
 *       and however often they ask: what nobody waited for is found by the next who does.
 *   P2  a wait that came back at once without a command is not made again for AGAIN_NS.
 * Ownership  pollers belong to the client, under its lock, until souk_close: a parked read outlives the
 *   call that began it.
 * Failure    an error of one shard is the caller's only if no other shard gave a command.
 * Not here   what a command means; leases that ended: the server gives the command to somebody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/client_parts.h"

#define PARK_MS_MAX 20000u
#define AGAIN_NS    (10 * NS_PER_MS)

/* One call of souk_command_poll_wait. */
struct polling {
    struct souk_client *client;
    const struct souk_command_poll *record;
    struct client_poller *poller;
    struct souk_command_poll_reply *commands;
    u32 max;
    u16 shard_count;
    u16 turn;              /* shard that is leased from first */
    u16 status;            /* of the last refusal that was not NONE_READY */
    u64 ready[SHARDS_MAX]; /* what each shard said it has, and this call may take */
};

void client_free_pollers(struct souk_client *client)
{
    while (client->pollers != NULL) {
        struct client_poller *poller = client->pollers;
        client->pollers = poller->next;
        free(poller);
    }
}

static struct client_poller *find_poller(struct souk_client *client, u32 group, u32 kinds)
{
    struct client_poller *poller = client->pollers;
    while (poller != NULL && (poller->group != group || poller->kinds != kinds))
        poller = poller->next;
    if (poller != NULL)
        return poller;
    poller = calloc(1, sizeof *poller);
    if (poller == NULL)
        return NULL;
    poller->group = group;
    poller->kinds = kinds;
    for (u32 i = 0; i < SHARDS_MAX; i++)
        poller->watches[i].poller = poller;
    poller->next = client->pollers;
    client->pollers = poller;
    return poller;
}

void client_watch_ended(struct souk_client *client, struct client_watch *watch)
{
    MUST(watch->is_out);
    watch->is_out = false;
    watch->error = watch->call.error;
    watch->status = watch->error == 0 ? watch->reply.status : 0;
    watch->ready = watch->error == 0 && watch->status == SOUK_OK ? watch->reply.ready : 0;
    if (watch->ready == 0)
        watch->again_ns = client_now_ns() + AGAIN_NS;
    for (struct waiter *waiter = client->waiters; waiter != NULL; waiter = waiter->next) {
        if (waiter->poller != watch->poller)
            continue;
        waiter->is_woken = true;
        (void)pthread_cond_signal(&waiter->condition);
    }
}

/* ---- waiting ---- */

/* Parks a wait at every shard that has none. Returns when one of those that may not be made yet is to
 * be made, CORE_NEVER if there is none. */
static u64 park(struct polling *polling, u64 now_ns)
{
    struct souk_client *client = polling->client;
    const struct souk_command_wait record = {
        .group = polling->poller->group, .kinds = polling->poller->kinds, .wait_ms = PARK_MS_MAX};
    u64 again_ns = CORE_NEVER;
    for (u16 shard = 0; shard < client->core.server.shard_count; shard++) {
        struct client_watch *watch = &polling->poller->watches[shard];
        if (watch->is_out)
            continue;
        if (now_ns < watch->again_ns) { /* P2 */
            again_ns = MIN(again_ns, watch->again_ns);
            continue;
        }
        const struct souk_request request = {
            .op = OPCODE_COMMAND_WAIT, .shard = shard, .count = 1, .records = &record};
        watch->call =
            (struct core_call){.replies = (u8 *)&watch->reply, .flags = CLIENT_CALL_WATCH};
        watch->is_out = true; /* P1 */
        const int error = core_submit(&client->core, now_ns, &request, &watch->call);
        if (error != 0) {
            watch->is_out = false;
            watch->error = error;
            watch->again_ns = now_ns + AGAIN_NS;
        }
    }
    client_send_all(client, false);
    client_collect(client);
    return again_ns;
}

/* Takes over what the watches have told. Returns an error if that is all they told. */
static int take_news(struct polling *polling)
{
    int error = 0;
    bool is_any = false;
    for (u16 shard = 0; shard < polling->shard_count; shard++) {
        struct client_watch *watch = &polling->poller->watches[shard];
        polling->ready[shard] = watch->ready;
        is_any |= watch->ready != 0;
        if (watch->error != 0)
            error = watch->error;
        if (watch->status != SOUK_OK)
            polling->status = watch->status;
        watch->ready = 0;
        watch->error = 0;
        watch->status = SOUK_OK;
    }
    return is_any ? 0 : error;
}

/* Waits until a shard has something, or until_ns. */
static int await_ready(struct polling *polling, u64 until_ns)
{
    struct souk_client *client = polling->client;
    struct waiter waiter;
    (void)pthread_mutex_lock(&client->lock);
    client_enlist(client, &waiter);
    waiter.poller = polling->poller;
    const u64 again_ns = park(polling, client_now_ns());
    client_await(client, &waiter, &waiter.is_woken, MIN(until_ns, again_ns));
    const int error = take_news(polling);
    client_leave(client, &waiter);
    (void)pthread_mutex_unlock(&client->lock);
    return error;
}

/* ---- asking and leasing ---- */

/* What every shard has now. */
static int ask_all(struct polling *polling)
{
    const u16 count = polling->shard_count;
    MUST(count != 0);
    const struct souk_command_wait record = {.group = polling->record->group,
                                             .kinds = polling->record->kinds};
    struct souk_request requests[SHARDS_MAX];
    struct souk_command_wait_reply replies[SHARDS_MAX];
    for (u16 i = 0; i < count; i++)
        requests[i] = (struct souk_request){.op = OPCODE_COMMAND_WAIT,
                                            .shard = i,
                                            .count = 1,
                                            .records = &record,
                                            .replies = &replies[i]};
    const int error = souk_call_all(polling->client, requests, count);
    bool is_any = false;
    for (u16 i = 0; i < count; i++) {
        polling->ready[i] = replies[i].status == SOUK_OK ? replies[i].ready : 0;
        is_any |= polling->ready[i] != 0;
        if (replies[i].status < SOUK_UNANSWERED && replies[i].status != SOUK_OK)
            polling->status = replies[i].status;
    }
    return is_any ? 0 : error;
}

/* Keeps the commands that were leased, in front. Returns how many. */
static u32 keep_leased(struct polling *polling, u32 count)
{
    u32 kept = 0;
    for (u32 i = 0; i < count; i++) {
        const struct souk_command_poll_reply *command = &polling->commands[i];
        if (command->status == SOUK_OK)
            polling->commands[kept++] = *command;
        else if (command->status != SOUK_NONE_READY && command->status < SOUK_UNANSWERED)
            polling->status = command->status;
    }
    return kept;
}

/* Leases what is said to be ready, beginning with the shard whose turn it is. */
static int lease(struct polling *polling)
{
    struct souk_request requests[SHARDS_MAX];
    u32 request_count = 0;
    u32 asked = 0;
    u32 largest = 0;
    for (u16 i = 0; i < polling->shard_count && asked < polling->max; i++) {
        const u16 shard = (u16)((polling->turn + i) % polling->shard_count);
        u64 count = MIN(polling->ready[shard], polling->max - asked);
        count = MIN(count, souk_records_max(OPCODE_COMMAND_POLL));
        if (count == 0)
            continue;
        requests[request_count++] = (struct souk_request){.op = OPCODE_COMMAND_POLL,
                                                          .shard = shard,
                                                          .count = (u32)count,
                                                          .replies = polling->commands + asked};
        asked += (u32)count;
        largest = MAX(largest, (u32)count);
    }
    if (asked == 0)
        return 0;
    struct souk_command_poll *records = calloc(largest, sizeof *records);
    if (records == NULL)
        return SOUK_ERROR_MEMORY;
    for (u32 i = 0; i < largest; i++)
        records[i] = *polling->record;
    for (u32 i = 0; i < request_count; i++)
        requests[i].records = records;
    const int error = souk_call_all(polling->client, requests, request_count);
    free(records);
    const u32 leased = keep_leased(polling, asked);
    return leased == 0 ? error : (int)leased;
}

/* Whose turn it is, and where the watches are. */
static int begin(struct polling *polling)
{
    struct souk_client *client = polling->client;
    (void)pthread_mutex_lock(&client->lock);
    polling->poller = find_poller(client, polling->record->group, polling->record->kinds);
    polling->shard_count = client->core.server.shard_count;
    if (polling->poller != NULL)
        polling->turn = polling->poller->turn++;
    (void)pthread_mutex_unlock(&client->lock);
    return polling->poller == NULL ? SOUK_ERROR_MEMORY : 0;
}

int souk_command_poll_wait(struct souk_client *client, const struct souk_command_poll *record,
                           uint32_t wait_ms, struct souk_command_poll_reply *commands, uint32_t max)
{
    struct polling polling = {.client = client,
                              .record = record,
                              .commands = commands,
                              .max = MIN(max, (u32)INT32_MAX),
                              .status = SOUK_NONE_READY};
    const u64 until_ns = client_now_ns() + wait_ms * NS_PER_MS;
    if (max == 0)
        return SOUK_ERROR_ARGUMENT;
    int result = begin(&polling);
    if (result == 0 && polling.shard_count == 0) { /* not reached yet: any call tries again */
        struct souk_ping_reply pong;
        result = souk_ping(client, &(struct souk_ping){.echo = 1}, &pong);
        polling.shard_count = souk_server(client).shard_count;
    }
    if (result == 0)
        result = polling.shard_count == 0 ? SOUK_ERROR_NO_SERVER : ask_all(&polling);
    while (result == 0) {
        result = lease(&polling);
        if (result != 0 || polling.status != SOUK_NONE_READY || client_now_ns() >= until_ns)
            break;
        result = await_ready(&polling, until_ns);
    }
    if (result <= 0)
        commands[0] = (struct souk_command_poll_reply){
            .status = result == 0 ? polling.status : SOUK_UNANSWERED_BY(result)};
    return result;
}
