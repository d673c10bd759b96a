/* shard_admit: may this WRITE frame be logged, or is there an answer at once?
 *
 * The questions in their order: session, memory, refusal on arrival. Nothing here changes the
 * state; what is let through is counted by the gate and by the soft fields of its session.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/frame.h"
#include "shards/cart/cart_lines.h"
#include "shards/catalog/catalog_live.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_ask.h"

#define BUSY_RETRY_MS   10u
#define MEMORY_RETRY_MS 1000u

/* A session that lives on refusals alone is logged this often, so that it is not forgotten. */
#define TOUCH_INTERVAL_NS (60 * NS_PER_S)

/* What is not worth counting: directories of pools, the undo of a linked frame. */
#define MEMORY_SLACK_BYTES (1ull << 20)
/* An arena has room for half of its free bytes beyond these: sizes do not fit exactly. */
#define ARENA_SLACK_BYTES (1ull << 20)

STATIC_CHECK(FRAME_RECORDS_MAX * sizeof(struct msg_hold_rsp) <= SHARD_SCRATCH_BYTES);

/* A frame under judgement. */
struct arrival {
    const struct frame_header *header;
    struct gate_frame frame;
    u64 now_ns;
    u32 reply_bytes;
    u32 session; /* index, 0 = none */
};

static bool answer_status(struct shard_reply *reply, u16 status, u32 retry_after_ms)
{
    *reply = (struct shard_reply){.status = status, .retry_after_ms = retry_after_ms};
    return true;
}

/* What is kept and under way, if the frame and all before it were applied. */
static bool session_has_room(const struct session *session, const struct arrival *arrival)
{
    const u64 acked_seq =
        MAX(MAX(session->acked_seq, arrival->header->acked_seq), session->way_acked_seq);
    const u64 seq = arrival->header->session_seq;
    if (seq > acked_seq && seq - acked_seq > SESSION_WINDOW_FRAMES)
        return false;
    if (session->way_frames >= SESSION_WINDOW_FRAMES)
        return false;
    const u64 coming = (u64)session->way_bytes + arrival->reply_bytes;
    if (LIKELY(session->kept_bytes + coming <= SESSION_REPLY_BYTES_MAX))
        return true;
    return session_kept_bytes_after(session, acked_seq) + coming <= SESSION_REPLY_BYTES_MAX;
}

/* The session's questions. True: *reply is the answer. */
static bool judge_session(struct shard *shard, struct arrival *arrival, struct shard_reply *reply)
{
    const struct frame_header *header = arrival->header;
    if (id128_is_none(header->session))
        return answer_status(reply, STATUS_NO_SESSION, 0);
    if (header->opcode == OPCODE_SESSION_OPEN)
        return false; /* its numbers say nothing */
    if (header->session_seq == 0)
        return answer_status(reply, STATUS_NO_SESSION, 0);
    arrival->session =
        session_find(&shard->sessions, session_hash(header->session), header->session);
    if (arrival->session == 0)
        return answer_status(reply, STATUS_SESSION_EXPIRED, 0);
    const struct session *session = session_at(&shard->sessions, arrival->session);
    if (header->session_seq <= MAX(session->acked_seq, header->acked_seq))
        return answer_status(reply, STATUS_TOO_OLD, 0);
    struct session_kept *kept = session_kept_find(session, header->session_seq);
    if (kept != NULL) {
        shard->replayed_frames++;
        if (kept->opcode != header->opcode || kept->record_count != header->record_count)
            return answer_status(reply, STATUS_ID_MISMATCH, 0);
        *reply = (struct shard_reply){.flags = FRAME_FLAG_REPLAYED,
                                      .record_count = kept->record_count,
                                      .body_bytes = kept->bytes,
                                      .body = session_kept_body(kept)};
        return true;
    }
    return !session_has_room(session, arrival) &&
           answer_status(reply, STATUS_SESSION_BUSY, BUSY_RETRY_MS);
}

/* Bytes that a pool asks for to take `count` more records: none while it has free ones. */
static u64 pool_growth(const struct pool *pool, u64 count)
{
    const u64 held = pool_count(pool);
    const u64 free = pool->fresh_end > held + 1 ? pool->fresh_end - held - 1 : 0;
    if (count <= free)
        return 0;
    const u64 own = (u64)MAX(pool->unit_count, 1) * POOL_UNIT_BYTES;
    return ROUND_UP((count - free) * pool->record_bytes, MIN(own, STORE_CHUNK_BYTES)) +
           POOL_UNIT_BYTES;
}

/* The same for the buckets of a map. */
static u64 map_growth(const struct map *map, u64 count)
{
    const u64 buckets = (map_count(map) + count) / MAP_FILL + 1;
    const u64 more = buckets > map_bucket_count(map) ? buckets - map_bucket_count(map) : 0;
    return pool_growth(&map->buckets, more) + (more != 0 ? pool_growth(&map->overflow, more) : 0);
}

static u64 arena_growth(const struct arena *arena, u64 bytes)
{
    const u64 held = (u64)arena->slab_count * (ARENA_PAGE_COUNT - 1) * ARENA_PAGE_BYTES;
    const u64 free = held > arena_live_bytes(arena) ? held - arena_live_bytes(arena) : 0;
    if (2 * bytes + ARENA_SLACK_BYTES <= free)
        return 0;
    return ROUND_UP(bytes, (u64)STORE_CHUNK_BYTES);
}

/* Of the arena: no more blocks of lines grow than there are changes, each by half at most (and what the
 * smallest grow by is counted elsewhere); while one grows it is there twice. A merge sends its lines, and
 * what became of them is kept. */
static u64 cart_bytes(const struct cart_room *room, const struct gate_need *need)
{
    const u64 held = room->counts.block_bytes;
    const u64 grown = MIN((u64)need->cart_changes * CART_BLOCK_BYTES_MAX, held / 2);
    const u64 merged = MIN((u64)need->cart_merges * 4 * CART_BLOCK_BYTES_MAX, held * 4);
    return grown + merged + (need->cart_changes != 0 ? CART_BLOCK_BYTES_MAX : 0);
}

/* What an order needs beside its lines: addresses, tenders, a history, mail. A step lengthens a history
 * and may emit a command for each tender. */
#define ORDER_BYTES      12288u
#define ORDER_STEP_BYTES 1024u
/* What a line needs: itself, its amounts, and, for the time of a step, its part of the messages. */
#define ORDER_LINE_BYTES 768u
/* What a step about a placed line needs: a part, an event, messages to its shard and back, and to its
 * product's. */
#define ORDER_STEP_LINE_BYTES 352u

/* Lines come with the request, or lie in carts. */
static u64 order_lines_most(const struct shard *shard, const struct gate_need *need)
{
    const u64 named = need->order_bytes / sizeof(struct row_checkout_line);
    const u64 in_carts = MIN((u64)need->orders * CART_LINES_MAX, (u64)shard->carts.counts.lines);
    return MIN(named + in_carts, (u64)need->orders * ORDER_LINES_MAX);
}

/* A step about an order may name all its lines, of the largest that there is: an event and messages for
 * each, and as many parts again as there are. */
static u64 order_step_bytes(const struct order_room *room)
{
    return ORDER_STEP_BYTES + (u64)room->counts.lines_most * ORDER_STEP_LINE_BYTES +
           (u64)room->counts.parts_most * sizeof(struct row_part);
}

/* What a basket needs: messages about it, and new slots. */
#define BASKET_MAIL_BYTES 512u
#define BASKET_SLOT_BYTES (BASKET_PRODUCTS_MAX * (BASKET_PRODUCTS_MAX - 1) * 2 * sizeof(u64))

/* Of an order of so many lines at most, which may all be about products of this shard. */
static u64 basket_products(const struct shard *shard, const struct gate_need *need)
{
    const u64 lines = MAX((u64)shard->orders.counts.lines_most, order_lines_most(shard, need));
    return MIN(lines, BASKET_PRODUCTS_MAX);
}

/* Tables grow by half at most, one at a time; while one grows it is there twice. */
static u64 basket_bytes(const struct shard *shard, const struct gate_need *need)
{
    const u64 shards = MIN(shard->options.count, BASKET_PRODUCTS_MAX);
    const u64 held = shard->recommend.bought.slot_bytes;
    if (need->baskets == 0)
        return 0;
    return need->baskets * (shards * BASKET_MAIL_BYTES + BASKET_SLOT_BYTES) +
           MIN(need->baskets * basket_products(shard, need) * COPURCHASE_TABLE_BYTES_MAX, held) /
               2 +
           MIN(held, COPURCHASE_TABLE_BYTES_MAX);
}

static u64 basket_growth(const struct shard *shard, const struct gate_need *need)
{
    const struct copurchase *room = &shard->recommend.bought;
    const u64 products = need->baskets * basket_products(shard, need);
    if (products == 0)
        return 0;
    return pool_growth(&room->names, products) + pool_growth(&room->tables, products) +
           map_growth(&room->map, products);
}

static u64 order_arena_bytes(const struct shard *shard, const struct gate_need *need)
{
    const u64 lines = order_lines_most(shard, need);
    const u64 promotions = shard->settings.promotions_on;
    const u64 amounts = MIN(lines * promotions, (u64)need->orders * ORDER_AMOUNTS_MAX);
    return (u64)need->orders * ORDER_BYTES + need->order_steps * order_step_bytes(&shard->orders) +
           lines * ORDER_LINE_BYTES + amounts * sizeof(struct row_amount) * 2 +
           basket_bytes(shard, need);
}

static u64 order_growth(const struct shard *shard, const struct gate_need *need)
{
    const struct order_room *room = &shard->orders;
    const u64 commands = (u64)need->orders * ORDER_TENDERS_MAX + 2 * (u64)need->order_steps;
    const u64 grants = order_lines_most(shard, need) + (u64)need->orders * 24;
    if (need->orders == 0 && need->order_steps == 0)
        return 0;
    return pool_growth(&room->pool, need->orders) + map_growth(&room->map, need->orders) +
           pool_growth(&room->entries, need->orders) +
           pool_growth(&room->history_pool, need->orders) +
           map_growth(&room->histories, need->orders) + pool_growth(&room->commands, commands) +
           map_growth(&room->references, need->order_steps) +
           pool_growth(&shard->stock.grants, need->grants + grants) +
           map_growth(&shard->stock.grant_map, need->grants + grants) + basket_growth(shard, need);
}
STATIC_CHECK(ORDER_BYTES >= ADDRESS_BYTES_MAX + ACTION_BYTES_MAX);

static u64 review_growth(const struct shard *shard, const struct gate_need *need)
{
    const struct review_room *room = &shard->reviews;
    const u32 persons = need->reviews + need->review_votes;
    /* What was delivered, where the product's shard is the order's. */
    const u64 purchases = (u64)need->order_steps * shard->orders.counts.lines_most;
    if (persons == 0 && purchases == 0)
        return 0;
    return pool_growth(&room->reviews, need->reviews) +
           map_growth(&room->review_map, need->reviews) +
           pool_growth(&room->shelves, need->reviews) +
           map_growth(&room->shelf_map, need->reviews) + pool_growth(&room->persons, persons) +
           map_growth(&room->person_map, persons) + pool_growth(&room->votes, need->review_votes) +
           map_growth(&room->vote_map, need->review_votes) +
           pool_growth(&room->purchases, purchases) + map_growth(&room->purchase_map, purchases);
}

/* A message, what the list of a product grows by, its place in the heap of what is to be told. */
#define FACT_BYTES 512u

/* A frame tells of a SKU once, whatever its records do. */
static u64 fact_bytes(const struct shard *shard, const struct gate_need *need)
{
    const u64 told = shard->stock.tell_count + (u64)need->resources;
    const u64 facts = MIN((u64)need->facts, 2 * (shard->gate.under_way + 1) * told);
    return facts != 0 ? facts * FACT_BYTES + PRODUCT_SKUS_BYTES_MAX * 2 : 0;
}

static u64 growth_of(const struct shard *shard, const struct gate_need *need)
{
    return pool_growth(&shard->stock.hots, need->resources) +
           pool_growth(&shard->stock.colds, need->resources) +
           map_growth(&shard->stock.resources, need->resources) +
           pool_growth(&shard->stock.grants, need->grants) +
           map_growth(&shard->stock.grant_map, need->grants) +
           pool_growth(&shard->catalog.alias_pool, need->aliases) +
           map_growth(&shard->catalog.aliases, need->aliases) +
           pool_growth(&shard->catalog.pool, need->products) +
           map_growth(&shard->catalog.map, need->products) +
           pool_growth(&shard->sessions.pool, need->sessions) +
           map_growth(&shard->sessions.map, need->sessions) +
           pool_growth(&shard->settings.pool, need->settings) +
           pool_growth(&shard->carts.pool, need->carts) +
           map_growth(&shard->carts.map, need->carts) +
           map_growth(&shard->settings.map, need->settings) +
           pool_growth(&shard->settings.index_pool, need->settings) +
           map_growth(&shard->settings.index_map, need->settings) + order_growth(shard, need) +
           review_growth(shard, need) +
           arena_growth(&shard->arena, need->arena_bytes + order_arena_bytes(shard, need) +
                                           cart_bytes(&shard->carts, need) +
                                           fact_bytes(shard, need) +
                                           need->told_bytes * (shard->options.count - 1u));
}

static bool judge_memory(struct shard *shard, const struct arrival *arrival,
                         struct shard_reply *reply)
{
    const u64 limit = shard->options.memory_max;
    const bool may_create = arrival->header->opcode == OPCODE_SKU_PUT;
    if (LIKELY(limit == 0 && !may_create))
        return false;
    struct gate_need need = shard->gate.need;
    const struct gate_need own = gate_need_of(&arrival->frame);
    gate_need_add(&need, &own);
    const u64 used = shard_memory_used(shard);
    const bool is_full =
        (u64)map_count(&shard->stock.resources) + need.resources > RESOURCES_PER_SHARD_MAX;
    if (!is_full && (limit == 0 || used + growth_of(shard, &need) + MEMORY_SLACK_BYTES <= limit))
        return false;
    *reply = (struct shard_reply){.status = STATUS_MEMORY_LIMIT,
                                  .retry_after_ms = MEMORY_RETRY_MS,
                                  .detail = {.limit = limit, .actual = used}};
    return true;
}

/* May a frame like this one be refused on arrival at all? */
static bool is_refusable(const struct shard *shard, const struct arrival *arrival)
{
    const struct frame_header *header = arrival->header;
    if (header->opcode != OPCODE_TAKE && header->opcode != OPCODE_HOLD)
        return false;
    if (arrival->frame.is_linked || shard->gate.adders != 0)
        return false;
    const struct session *session = session_at(&shard->sessions, arrival->session);
    return arrival->now_ns < session->touched_ns + TOUCH_INTERVAL_NS &&
           !gate_may_be_under_way(&shard->gate,
                                  gate_hash_sequence(header->session, header->session_seq));
}

/* The answer of a frame of which every record was refused. */
static void answer_refused(struct shard *shard, const struct arrival *arrival,
                           struct shard_reply *reply)
{
    const u32 count = arrival->frame.record_count;
    const u32 bytes = arrival->frame.info->reply.fixed_bytes;
    for (u32 i = 0; i < count; i++) {
        struct record_status head;
        memcpy(&head, shard->scratch + (size_t)i * bytes, sizeof head);
        stock_count_refusal(&shard->stock, head.status);
    }
    shard->refused_on_arrival += count;
    *reply = (struct shard_reply){
        .record_count = (u16)count, .body_bytes = arrival->reply_bytes, .body = shard->scratch};
}

static bool judge_refusal(struct shard *shard, const struct arrival *arrival,
                          struct shard_reply *reply)
{
    if (!is_refusable(shard, arrival))
        return false;
    const struct message_info *info = arrival->frame.info;
    const struct stock_arrival facts = {.info = info,
                                        .gate = &shard->gate,
                                        .now_ns = arrival->now_ns,
                                        .now_ms = arrival->now_ns / NS_PER_MS};
    struct shard_call call = {.now_ns = facts.now_ns, .now_ms = facts.now_ms};
    const u8 *request = arrival->frame.body;
    const u8 *before = NULL;
    u8 *answer = shard->scratch;
    for (u32 i = 0; i < arrival->frame.record_count; i++) {
        if (before == NULL || memcmp(before, request, sizeof(struct resource)) != 0)
            shard_call_route(shard, info, request, &call);
        if (!stock_refuses_on_arrival(&shard->stock, &facts, &call, request, answer))
            return false;
        before = request;
        request += info->request.fixed_bytes;
        answer += info->reply.fixed_bytes;
    }
    answer_refused(shard, arrival, reply);
    return true;
}
STATIC_CHECK(offsetof(struct msg_take_req, resource) == 0);
STATIC_CHECK(offsetof(struct msg_hold_req, resource) == 0);

static void let_through(struct shard *shard, const struct arrival *arrival)
{
    gate_enter(&shard->gate, &arrival->frame);
    if (arrival->session == 0)
        return;
    struct session *session = session_at(&shard->sessions, arrival->session);
    session->way_frames++;
    session->way_bytes += arrival->reply_bytes;
    session->way_acked_seq = MAX(session->way_acked_seq, arrival->header->acked_seq);
}

enum shard_verdict shard_admit(struct shard *shard, const struct frame_header *header,
                               const u8 *body, u32 body_bytes, u64 now_ns,
                               struct shard_reply *reply)
{
    const struct message_info *info = message_find(header->opcode);
    MUST(info != NULL);
    MUST(info->class == MESSAGE_CLASS_WRITE);
    MUST(header->record_count >= 1 && header->record_count <= info->records_max);
    struct arrival arrival = {
        .header = header,
        .frame = {.info = info,
                  .body = body,
                  .body_bytes = body_bytes,
                  .record_count = header->record_count,
                  .is_linked = (header->flags & FRAME_FLAG_LINKED) != 0,
                  .session = header->session,
                  .session_seq = header->session_seq},
        .now_ns = now_ns,
        .reply_bytes = (u32)header->record_count * info->reply.fixed_bytes,
    };
    MUST(IMPLIES(header->opcode == OPCODE_SESSION_OPEN, header->record_count == 1));
    if (judge_session(shard, &arrival, reply) || judge_memory(shard, &arrival, reply) ||
        judge_refusal(shard, &arrival, reply))
        return SHARD_VERDICT_ANSWER;
    let_through(shard, &arrival);
    return SHARD_VERDICT_LOG;
}
