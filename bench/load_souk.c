/* load_souk: Souk's own protocol for the load generator (see bench/load.h).
 *
 * Setup, blocking: hello on a connection of its own tells the number of shards. Connection i then
 * talks to shard i mod shard_count, with a random session of its own that it opens there. The first
 * connection of each shard creates that shard's SKUs and receives stock for them, under a session
 * that is used for this alone.
 *
 * A frame's request id is its slot in the low 16 bits and its sequence number above. acked_seq is the
 * highest number up to which every reply has been seen, kept in a bitmap of the session's window.
 *
 * Which SKU a record is about was drawn before the run (struct draws) and is read in sequence, so the
 * generator touches memory in order whatever the pattern.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"

#include "bench/souk_wire.h"
#include "proto/route.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAWS_COUNT        (1u << 21)
#define SETUP_PUTS         1000u /* SKUs per frame */
#define SETUP_RECEIPTS_HOT 64u
#define WINDOW             (2 * SESSION_WINDOW_FRAMES)
#define CURRENCY_GBP       826
#define CART_LINES         5u

struct session {
    struct id128 id;
    u64 next_seq;
    u64 acked_seq;
    u32 draw_at;
    u64 next_id; /* low half of ids of holds and named takes */
    u8 is_done[WINDOW];
};

/* SKU ids of one shard, and the order in which a run asks for them. */
struct draws {
    u64 *skus;
    u32 sku_count;
    u64 *order;
    u32 order_count;
};

struct souk_state {
    u16 shard_count;
    struct draws *draws; /* per shard */
    u64 id_high;         /* milliseconds now, shifted: the upper half of every new id */
    struct souk_wire wire;
    const struct message_info *info;
};

static bool is_cart(enum load_op op)
{
    return op == LOAD_OP_CART_ADD || op == LOAD_OP_CART_GET;
}

/* Codes of SKUs with stock begin with B, of those without with X. */
static struct span sku_code(char *to, const struct load *load, u32 i)
{
    const char first = load->options.op == LOAD_OP_SOLD_OUT ? 'X' : 'B';
    const int bytes = snprintf(to, CODE_BYTES_MAX, "%c%08u", first, i);
    return (struct span){.data = (const u8 *)to, .bytes = (u32)bytes};
}

/* Finds SKU codes until each shard has its part of sku_count. */
static int choose_skus(struct load *load, struct souk_state *state)
{
    char code[CODE_BYTES_MAX];
    const u32 part = MAX(1u, load->options.sku_count / state->shard_count);
    for (u16 s = 0; s < state->shard_count; s++) {
        state->draws[s].skus = calloc(part, sizeof(u64));
        if (state->draws[s].skus == NULL)
            return -ENOMEM;
    }
    u32 missing = part * state->shard_count;
    for (u32 i = 0; missing != 0; i++) {
        const struct span span = sku_code(code, load, i);
        const struct resource key = {.id = id_from_code(span.data, span.bytes)};
        /* Of a cart it is the user that routes. */
        const u64 hash =
            is_cart(load->options.op) ? route_hash_u64(key.id) : route_hash_resource(key);
        struct draws *draws = &state->draws[route_shard(hash, state->shard_count)];
        if (draws->sku_count == part)
            continue;
        draws->skus[draws->sku_count++] = key.id;
        missing--;
    }
    return 0;
}

/* Which of n SKUs, by Zipf's law: the inverse of the cumulated weights, by bisection. */
static u32 draw_zipf(const double *sums, u32 n, u64 *random)
{
    const double wanted = (double)(load_random(random) >> 11) * 0x1p-53 * sums[n - 1];
    u32 low = 0, high = n - 1;
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (sums[middle] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int draw_order(struct load *load, struct draws *draws)
{
    const u32 n = draws->sku_count;
    draws->order_count = load->options.pattern == LOAD_PATTERN_HOT ? 1 : DRAWS_COUNT;
    draws->order = calloc(draws->order_count, sizeof(u64));
    double *sums = NULL;
    if (draws->order == NULL)
        return -ENOMEM;
    if (load->options.pattern == LOAD_PATTERN_ZIPF) {
        sums = calloc(n, sizeof *sums);
        if (sums == NULL)
            return -ENOMEM;
        for (u32 i = 0; i < n; i++)
            sums[i] = (i == 0 ? 0 : sums[i - 1]) + pow((double)i + 1, -load->options.theta);
    }
    for (u32 i = 0; i < draws->order_count; i++) {
        u32 sku = 0;
        if (sums != NULL)
            /* Neighbours in rank are no neighbours in the order of creation. */
            sku = (u32)((u64)draw_zipf(sums, n, &load->random) * 2654435761u % n);
        else if (load->options.pattern == LOAD_PATTERN_UNIFORM)
            sku = (u32)((load_random(&load->random) >> 32) * n >> 32);
        draws->order[i] = draws->skus[sku];
    }
    free(sums);
    return 0;
}

static struct frame_header write_header(struct session *session, u16 opcode, u16 shard, u32 count)
{
    const u64 seq = session->next_seq++;
    return (struct frame_header){.opcode = opcode,
                                 .shard = shard,
                                 .record_count = (u16)count,
                                 .request_id = seq,
                                 .session = session->id,
                                 .session_seq = seq,
                                 .acked_seq = seq - 1};
}

static int put_skus(struct load *load, struct souk_state *state, int fd, u16 shard,
                    struct session *session)
{
    const struct message_info *info = message_find(OPCODE_SKU_PUT);
    char code[CODE_BYTES_MAX];
    u32 count = 0, bytes = 0, done = 0;
    int error = 0;
    for (u32 i = 0; done < state->draws[shard].sku_count && error == 0; i++) {
        const struct span span = sku_code(code, load, i);
        const struct resource key = {.id = id_from_code(span.data, span.bytes)};
        if (route_shard(route_hash_resource(key), state->shard_count) != shard)
            continue;
        MUST(state->draws[shard].skus[done] == key.id);
        const struct msg_sku_put_req put = {
            .resource = key, .price = 255, .currency = CURRENCY_GBP};
        bytes += frame_record_write(info, FRAME_DIRECTION_REQUEST,
                                    state->wire.frame + FRAME_HEADER_BYTES + bytes,
                                    FRAME_BYTES_MAX - FRAME_HEADER_BYTES - bytes, &put, &span);
        if (++count == SETUP_PUTS || done + 1 == state->draws[shard].sku_count) {
            error = souk_wire_call(&state->wire, fd,
                                   write_header(session, OPCODE_SKU_PUT, shard, count), bytes);
            count = bytes = 0;
        }
        done++;
    }
    return error;
}

static int receive_stock(struct load *load, struct souk_state *state, int fd, u16 shard,
                         struct session *session)
{
    const struct draws *draws = &state->draws[shard];
    const u32 total = draws->sku_count + SETUP_RECEIPTS_HOT; /* the hot one gets more */
    int error = 0;
    if (load->options.op == LOAD_OP_SOLD_OUT)
        return 0;
    for (u32 done = 0; done < total && error == 0;) {
        const u32 count = MIN(total - done, SETUP_PUTS);
        for (u32 i = 0; i < count; i++) {
            const u32 sku = done + i < draws->sku_count ? done + i : 0;
            const struct msg_stock_receive_req receive = {.resource = {.id = draws->skus[sku]},
                                                          .quantity = QUANTITY_MAX};
            memcpy(state->wire.frame + FRAME_HEADER_BYTES + (size_t)i * sizeof receive, &receive,
                   sizeof receive);
        }
        error = souk_wire_call(&state->wire, fd,
                               write_header(session, OPCODE_STOCK_RECEIVE, shard, count),
                               count * (u32)sizeof(struct msg_stock_receive_req));
        done += count;
    }
    return error;
}

static struct msg_cart_add_req cart_add_of(u64 user_id, u64 line)
{
    return (struct msg_cart_add_req){.user_id = user_id,
                                     .sku_id = 1000 + line % CART_LINES,
                                     .quantity = 1,
                                     .price_seen = 255,
                                     .currency = CURRENCY_GBP};
}

/* Five lines in every cart. */
static int fill_carts(struct souk_state *state, int fd, u16 shard, struct session *session)
{
    const struct draws *draws = &state->draws[shard];
    int error = 0;
    for (u32 done = 0; done < draws->sku_count && error == 0;) {
        const u32 users = MIN(draws->sku_count - done, SETUP_PUTS);
        for (u32 i = 0; i < users * CART_LINES; i++) {
            const struct msg_cart_add_req add = cart_add_of(draws->skus[done + i / CART_LINES], i);
            memcpy(state->wire.frame + FRAME_HEADER_BYTES + (size_t)i * sizeof add, &add,
                   sizeof add);
        }
        error = souk_wire_call(&state->wire, fd,
                               write_header(session, OPCODE_CART_ADD, shard, users * CART_LINES),
                               users * CART_LINES * (u32)sizeof(struct msg_cart_add_req));
        done += users;
    }
    return error;
}

static int set_up_shard(struct load *load, struct souk_state *state, int fd, u16 shard)
{
    struct session session;
    int error = draw_order(load, &state->draws[shard]);
    if (error != 0 || load->options.skip_setup)
        return error;
    memset(&session, 0, sizeof session);
    error = souk_wire_session(&state->wire, fd, shard, &session.id);
    session.next_seq = 1;
    if (is_cart(load->options.op))
        return error != 0 ? error : fill_carts(state, fd, shard, &session);
    if (error == 0)
        error = put_skus(load, state, fd, shard, &session);
    if (error == 0)
        error = receive_stock(load, state, fd, shard, &session);
    return error;
}

static u16 op_code(enum load_op op)
{
    switch (op) {
    case LOAD_OP_HOLD: return OPCODE_HOLD;
    case LOAD_OP_STOCK_GET: return OPCODE_STOCK_GET;
    case LOAD_OP_RECEIVE: return OPCODE_STOCK_RECEIVE;
    case LOAD_OP_CART_ADD: return OPCODE_CART_ADD;
    case LOAD_OP_CART_GET: return OPCODE_CART_GET;
    case LOAD_OP_CHECKOUT:
    case LOAD_OP_TAKE:
    case LOAD_OP_TAKE_NAMED:
    case LOAD_OP_SOLD_OUT:
    case LOAD_OP_COUNT: break;
    }
    return OPCODE_TAKE;
}

static int open_souk(struct load *load)
{
    struct souk_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    load->state = state;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    state->id_high = ((u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000) << 16;
    state->info = message_find(op_code(load->options.op));
    int error = souk_wire_open(&state->wire);
    if (error != 0)
        return error;
    int fd;
    error = souk_wire_hello(&state->wire, load->options.address, SHARD_ANY, &fd);
    if (fd >= 0)
        (void)close(fd);
    state->shard_count = state->wire.shard_count;
    if (error == 0 && load->options.inflight > state->wire.window_frames)
        error = -EPROTO;
    if (error != 0)
        return error;
    state->draws = calloc(state->shard_count, sizeof *state->draws);
    if (state->draws == NULL)
        return -ENOMEM;
    error = choose_skus(load, state);
    for (u32 i = 0; i < load->options.connections && error == 0; i++) {
        struct load_connection *connection = &load->connections[i];
        struct session *session = calloc(1, sizeof *session);
        connection->state = session;
        connection->shard = (u16)(i % state->shard_count);
        if (session == NULL)
            return -ENOMEM;
        error = souk_wire_hello(&state->wire, load->options.address, connection->shard,
                                &connection->link.fd);
        if (error == 0 && i < state->shard_count)
            error = set_up_shard(load, state, connection->link.fd, connection->shard);
        if (error == 0)
            error = souk_wire_session(&state->wire, connection->link.fd, connection->shard,
                                      &session->id);
        if (error == 0) {
            const struct draws *draws = &state->draws[connection->shard];
            session->draw_at = (u32)(load_random(&load->random) % draws->order_count);
            session->next_seq = 1;
            session->next_id = session->id.low << 20;
        }
    }
    return error;
}

static void close_souk(struct load *load)
{
    struct souk_state *state = load->state;
    if (state == NULL)
        return;
    for (u16 s = 0; state->draws != NULL && s < state->shard_count; s++) {
        free(state->draws[s].skus);
        free(state->draws[s].order);
    }
    free(state->draws);
    souk_wire_close(&state->wire);
    free(state);
}

static u32 souk_frame_bytes(const struct load *load)
{
    const struct souk_state *state = load->state;
    return FRAME_HEADER_BYTES + load->options.records * state->info->request.fixed_bytes;
}

static void frame_init(struct load *load, struct load_connection *connection, u8 *frame)
{
    const struct souk_state *state = load->state;
    const struct session *session = connection->state;
    const struct frame_header header = {.opcode = state->info->code,
                                        .shard = connection->shard,
                                        .record_count = (u16)load->options.records,
                                        .session = session->id};
    memcpy(frame, &header, sizeof header);
    const struct resource key = {.id = state->draws[connection->shard].order[0]};
    for (u32 i = 0; i < load->options.records; i++) {
        u8 *record = frame + FRAME_HEADER_BYTES + (size_t)i * state->info->request.fixed_bytes;
        memset(record, 0, state->info->request.fixed_bytes);
        if (state->info->code == OPCODE_HOLD) {
            const struct msg_hold_req hold = {
                .resource = key, .quantity = 1, .owner = 7, .lease_ms = load->options.lease_ms};
            memcpy(record, &hold, sizeof hold);
        } else if (state->info->code == OPCODE_TAKE) {
            const struct msg_take_req take = {.resource = key, .quantity = 1};
            memcpy(record, &take, sizeof take);
        } else if (state->info->code == OPCODE_CART_ADD) {
            const struct msg_cart_add_req add = cart_add_of(key.id, i);
            memcpy(record, &add, sizeof add);
        } else if (state->info->code == OPCODE_STOCK_RECEIVE) {
            const struct msg_stock_receive_req receive = {.resource = key, .quantity = 1};
            memcpy(record, &receive, sizeof receive);
        } else {
            memcpy(record, &key, MIN(sizeof key, state->info->request.fixed_bytes));
        }
    }
}
STATIC_CHECK(offsetof(struct msg_cart_add_req, user_id) == 0);
STATIC_CHECK(offsetof(struct msg_cart_get_req, user_id) == 0);

STATIC_CHECK(offsetof(struct msg_take_req, resource) == 0);
STATIC_CHECK(offsetof(struct msg_hold_req, resource) == 0);
STATIC_CHECK(offsetof(struct msg_take_req, id) == offsetof(struct msg_hold_req, id));

static void write_records(struct load *load, struct load_connection *connection, u8 *frame)
{
    const struct souk_state *state = load->state;
    const struct draws *draws = &state->draws[connection->shard];
    struct session *session = connection->state;
    const u32 step = state->info->request.fixed_bytes;
    const bool has_ids = load->options.op == LOAD_OP_HOLD || load->options.op == LOAD_OP_TAKE_NAMED;
    u8 *record = frame + FRAME_HEADER_BYTES;
    if (draws->order_count == 1 && !has_ids)
        return;
    for (u32 i = 0; i < load->options.records; i++, record += step) {
        memcpy(record, &draws->order[session->draw_at], sizeof(u64));
        session->draw_at = session->draw_at + 1 == draws->order_count ? 0 : session->draw_at + 1;
        if (has_ids) {
            const struct id128 id = {.low = session->next_id++, .high = state->id_high};
            memcpy(record + offsetof(struct msg_take_req, id), &id, sizeof id);
        }
    }
}

static void frame_next(struct load *load, struct load_connection *connection, u8 *frame, u16 slot)
{
    const struct souk_state *state = load->state;
    struct session *session = connection->state;
    struct frame_header *header = (struct frame_header *)(void *)frame;
    const u64 seq = session->next_seq++;
    header->request_id = seq << 16 | slot;
    if (state->info->class == MESSAGE_CLASS_WRITE) {
        header->session_seq = seq;
        header->acked_seq = session->acked_seq;
    }
    write_records(load, connection, frame);
    frame_seal(frame, load->frame_bytes);
}

static void count_records(struct load *load, const struct souk_state *state, const u8 *frame,
                          u32 bytes, u32 count)
{
    struct load_result *result = load->result;
    const u8 *body = frame + FRAME_HEADER_BYTES;
    const bool has_spans = state->info->reply.span_count != 0;
    const u32 step = (bytes - FRAME_HEADER_BYTES) / MAX(count, 1u);
    u32 granted = 0, offset = 0;
    for (u32 i = 0; i < count; i++) {
        u16 status;
        struct record_view view = {.fixed = body + (size_t)i * step};
        if (has_spans)
            frame_record_next(state->info, FRAME_DIRECTION_REPLY, body, &offset, &view);
        memcpy(&status, view.fixed, sizeof status);
        if (LIKELY(status == STATUS_OK))
            granted++;
        else
            result->statuses[MIN(status, LOAD_STATUS_MAX - 1u)]++;
    }
    result->granted += granted;
    result->statuses[STATUS_OK] += granted;
}

struct frame_context {
    struct load *load;
    const char *nonsense;
};

static void on_frame(void *context, struct bench_link *link, const u8 *frame, u32 bytes)
{
    struct frame_context *c = context;
    struct load *load = c->load;
    struct load_connection *connection = (struct load_connection *)link;
    struct session *session = connection->state;
    const struct frame_header header = frame_header_read(frame);
    const u16 slot = (u16)header.request_id;
    const u64 seq = header.request_id >> 16;
    if (!load->options.skip_verify &&
        checksum64(frame + FRAME_CHECKSUM_FROM, bytes - FRAME_CHECKSUM_FROM) != header.checksum)
        c->nonsense = "the checksum of a reply does not match";
    else if (slot >= load->options.inflight || seq >= session->next_seq ||
             seq <= session->acked_seq || (header.flags & FRAME_FLAG_REPLY) == 0)
        c->nonsense = "a reply to something that was not asked";
    else if (header.status == STATUS_OK && header.record_count != load->options.records)
        c->nonsense = "a reply with another number of records";
    if (c->nonsense != NULL)
        return;
    session->is_done[seq % WINDOW] = 1;
    while (session->is_done[(session->acked_seq + 1) % WINDOW]) {
        session->acked_seq++;
        session->is_done[session->acked_seq % WINDOW] = 0;
    }
    if (header.status == STATUS_OK)
        count_records(load, load->state, frame, bytes, header.record_count);
    else
        load->result->statuses[MIN(header.status, LOAD_STATUS_MAX - 1u)] += load->options.records;
    load_answered(load, connection, slot, load->options.records);
}

static bool on_bytes(struct load *load, struct load_connection *connection, const u8 *data,
                     u32 bytes)
{
    struct frame_context context = {.load = load};
    const bool is_souk = bench_link_split(&connection->link, data, bytes, on_frame, &context);
    if (is_souk && context.nonsense == NULL)
        return true;
    (void)snprintf(load->result->reason, LOAD_REASON_BYTES, "%s",
                   is_souk ? context.nonsense : "the server does not speak Souk's protocol");
    return false;
}

const struct load_protocol load_souk_protocol = {.name = "souk",
                                                 .open = open_souk,
                                                 .close = close_souk,
                                                 .frame_bytes = souk_frame_bytes,
                                                 .frame_init = frame_init,
                                                 .frame_next = frame_next,
                                                 .on_bytes = on_bytes};
