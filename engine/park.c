/* park: see park.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/park.h"

#include <stdlib.h>
#include <string.h>

#include "engine/reactor.h"

void park_init(struct park *park)
{
    memset(park, 0, sizeof *park);
    park->next_deadline_ns = UINT64_MAX;
}

void park_deinit(struct park *park)
{
    free(park->places);
    park_init(park);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static u32 *chain_of(struct park *park, u64 notice)
{
    return &park->chains[(notice * 0x9E3779B97F4A7C15ull >> 48) & (PARK_CHAINS - 1)];
}

static u32 take_place(struct park *park)
{
    u32 place = park->free;
    if (place != 0) {
        park->free = park->places[place - 1].next;
    } else {
        MUST(park->fresh < PARK_READS_MAX);
        place = ++park->fresh;
    }
    park->count++;
    return place;
}

static void leave_place(struct park *park, u32 place)
{
    struct parked *parked = &park->places[place - 1];
    MUST(parked->state == PARKED_STATE_FREE && park->count > 0);
    parked->next = park->free;
    park->free = place;
    park->count--;
}

static void wait_for(struct park *park, u32 place, u64 notice)
{
    struct parked *parked = &park->places[place - 1];
    u32 *chain = chain_of(park, notice);
    MUST(notice != 0 && parked->state == PARKED_STATE_FREE);
    parked->notice = notice;
    parked->state = PARKED_STATE_WAITING;
    parked->next = *chain;
    *chain = place;
    park->next_deadline_ns = MIN(park->next_deadline_ns, parked->deadline_ns);
}

static void become_due(struct park *park, u32 place)
{
    struct parked *parked = &park->places[place - 1];
    MUST(parked->state == PARKED_STATE_FREE);
    parked->state = PARKED_STATE_DUE;
    parked->next = 0;
    if (park->due_last != 0)
        park->places[park->due_last - 1].next = place;
    else
        park->due = place;
    park->due_last = place;
    park->due_count++;
}

static u32 pop_due(struct park *park)
{
    const u32 place = park->due;
    MUST(park->due_count > 0 && place != 0);
    park->due = park->places[place - 1].next;
    if (park->due == 0)
        park->due_last = 0;
    park->due_count--;
    park->places[place - 1].state = PARKED_STATE_FREE;
    return place;
}

/* ---- reasons to ask again -------------------------------------------------------------------- */

/* Takes those out of a notice's chain that wait for it and, with a time, have a deadline until then;
 * they become due. Returns how many go on waiting for it. */
static u32 pick(struct park *park, u64 notice, u64 until_ns)
{
    u32 left = 0;
    u32 *link = chain_of(park, notice);
    while (*link != 0) { /* ends: one further, or one less, each time */
        const u32 place = *link;
        struct parked *parked = &park->places[place - 1];
        MUST(parked->state == PARKED_STATE_WAITING); /* K1 */
        if (parked->notice != notice || parked->deadline_ns > until_ns) {
            left += parked->notice == notice;
            link = &parked->next;
            continue;
        }
        *link = parked->next;
        parked->state = PARKED_STATE_FREE;
        become_due(park, place);
    }
    return left;
}

static void pick_late(struct shard_host *host, u64 now_ns)
{
    struct park *park = &host->park;
    u64 next_ns = UINT64_MAX;
    if (LIKELY(now_ns < park->next_deadline_ns))
        return;
    for (u32 i = 0; i < park->fresh; i++) {
        const struct parked *parked = &park->places[i];
        if (parked->state == PARKED_STATE_WAITING && parked->deadline_ns <= now_ns &&
            pick(park, parked->notice, now_ns) == 0)
            shard_notice_forget(host->shard, parked->notice); /* K3 */
        if (parked->state == PARKED_STATE_WAITING)
            next_ns = MIN(next_ns, parked->deadline_ns);
    }
    park->next_deadline_ns = next_ns;
}

/* ---- in and out ------------------------------------------------------------------------------ */

bool park_has_room(const struct shard_host *host, const struct origin *origin,
                   const struct frame_header *header, u32 body_bytes)
{
    if (header->record_count != 1 || body_bytes > PARK_RECORD_BYTES_MAX || host->is_stopping)
        return false;
    if (origin->mail != NULL) { /* the rest is for frames that are answered soon */
        const struct peer *peer = &host->reactor->peers[origin->mail->from];
        if (peer->parked_count >= FORWARD_PARKED_MAX ||
            peer->parked_bytes + origin->mail->capacity > FORWARD_PARKED_BYTES_MAX)
            return false;
    }
    return host->park.count < PARK_READS_MAX;
}

void park_add(struct shard_host *host, const struct origin *origin,
              const struct frame_header *header, const u8 *body, u32 body_bytes,
              const struct shard_reply *reply)
{
    struct park *park = &host->park;
    MUST(park_has_room(host, origin, header, body_bytes));
    if (park->places == NULL)
        park->places = malloc(PARK_READS_MAX * sizeof *park->places);
    if (park->places == NULL)
        PANIC("no memory for reads that wait");
    const u32 place = take_place(park);
    struct parked *parked = &park->places[place - 1];
    *parked = (struct parked){
        .header = *header,
        .deadline_ns = host->reactor->now_ns + reply->wait_ms * NS_PER_MS,
        .body_bytes = body_bytes,
    };
    memcpy(parked->body, body, body_bytes);
    origin_defer(origin, &parked->origin);
    if (origin->mail != NULL) {
        origin->mail->arrival_ns = FORWARD_PARKED;
        host->reactor->peers[origin->mail->from].parked_count++;
        host->reactor->peers[origin->mail->from].parked_bytes += origin->mail->capacity;
    }
    wait_for(park, place, reply->notice);
    metric_add(&host->reactor->metrics->reads_parked, 1);
}

static void leave(struct shard_host *host, u32 place, const struct origin *origin)
{
    if (origin->mail != NULL) {
        struct peer *peer = &host->reactor->peers[origin->mail->from];
        MUST(peer->parked_count > 0 && peer->parked_bytes >= origin->mail->capacity);
        peer->parked_count--;
        peer->parked_bytes -= origin->mail->capacity;
    }
    leave_place(&host->park, place);
}

/* Asks a due read again. False: it can only be answered in a later turn. */
static bool ask_again(struct shard_host *host, u32 place)
{
    struct reactor *reactor = host->reactor;
    struct parked *parked = &host->park.places[place - 1];
    const struct origin origin = origin_resume(reactor, &parked->origin);
    const struct frame_echo echo = frame_echo_of(&parked->header);
    const bool may_park = !host->is_stopping && reactor->now_ns < parked->deadline_ns;
    struct shard_reply reply = {0};
    if (origin.connection == NULL && origin.mail == NULL) { /* K2 */
        leave(host, place, &origin);
        return true;
    }
    if (!replog_may_answer(host->log)) {
        leave(host, place, &origin);
        origin_refuse(reactor, &origin, &echo, STATUS_UNAVAILABLE, HOST_RETRY_MS,
                      (struct frame_detail){0});
        return true;
    }
    const enum shard_read_result result = shard_read(
        host->shard, &parked->header, parked->body, parked->body_bytes, reactor->log_now_ns,
        may_park, reactor->scratch, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
    MUST(IMPLIES(result == SHARD_READ_PARK, may_park));
    if (result == SHARD_READ_DONE) {
        leave(host, place, &origin);
        origin_reply(reactor, &origin, &echo, &reply, shard_applied_lsn(host->shard));
        return true;
    }
    origin_defer(&origin, &parked->origin);
    if (result == SHARD_READ_PARK)
        wait_for(&host->park, place, reply.notice);
    else
        become_due(&host->park, place);
    return result == SHARD_READ_PARK;
}

void park_turn(struct shard_host *host)
{
    struct park *park = &host->park;
    for (u64 notice; (notice = shard_notice_next(host->shard)) != 0;)
        (void)pick(park, notice, UINT64_MAX);
    if (LIKELY(park->count == 0))
        return;
    pick_late(host, host->is_stopping ? UINT64_MAX : host->reactor->now_ns);
    const u32 due_count = park->due_count;
    for (u32 i = 0; i < due_count; i++)
        if (!ask_again(host, pop_due(park)))
            return; /* an expiry is under way, and the others would meet it, too */
}

u64 park_deadline_ns(const struct shard_host *host)
{
    const struct park *park = &host->park;
    if (park->count == 0)
        return UINT64_MAX;
    if (park->due_count > 0 || host->is_stopping)
        return host->reactor->now_ns;
    return park->next_deadline_ns;
}
