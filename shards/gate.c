/* gate: see shards/gate.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gate.h"

#include <string.h>

#include "proto/frame.h"
#include "shards/catalog/catalog.h"
#include "shards/session/session.h"
#include "shards/store/arena.h"

/* Entries of the heaps of leases, deadlines and retentions, with room for their doubling. */
#define TIMER_BYTES 160u

/* Of a cart beside its lines: coupons, an order, a merge, what the smallest blocks grow by. */
#define CART_BYTES 1408u

/* The head of a text, in the smallest classes of the arena. */
#define REVIEW_BYTES 96u

/* What a message about a setting is longer than the put: its head in the queue and its fixed part, in
 * whole classes of the arena. */
#define TOLD_BYTES 160u

STATIC_CHECK(offsetof(struct msg_take_req, id) == offsetof(struct msg_hold_req, id));
STATIC_CHECK(offsetof(struct msg_take_req, replaces) == offsetof(struct msg_hold_req, replaces));

/* What the ids of a frame of takes or holds say, from one pass over it. */
struct gate_ids {
    u32 named;
    bool has_replaces;
};

static bool makes_grants(u16 opcode)
{
    return opcode == OPCODE_TAKE || opcode == OPCODE_HOLD;
}

/* Looks at the ids, and counts those that may become grants up or down in the cells by `delta`,
 * modulo 2^32; NULL: only looks. */
static struct gate_ids scan_ids(u32 *cells, const struct gate_frame *frame, u32 delta)
{
    struct gate_ids ids = {0};
    if (!makes_grants(frame->info->code))
        return ids;
    const u32 bytes = frame->info->request.fixed_bytes;
    const u8 *record = frame->body;
    for (u32 i = 0; i < frame->record_count; i++, record += bytes) {
        struct id128 id, replaces;
        memcpy(&id, record + offsetof(struct msg_take_req, id), sizeof id);
        memcpy(&replaces, record + offsetof(struct msg_take_req, replaces), sizeof replaces);
        ids.has_replaces |= !id128_is_none(replaces);
        if (id128_is_none(id))
            continue;
        ids.named++;
        if (cells != NULL)
            cells[gate_cell(gate_hash_id(id))] += delta;
    }
    return ids;
}

/* May it make more sellable, or lower held? Shipping and writing off change both sides of the sum. */
static bool is_adder(const struct gate_frame *frame, struct gate_ids ids)
{
    if (frame->is_linked)
        return true;
    /* Everything may, but what is known not to: an order that ends releases what it held. */
    switch (frame->info->route) {
    case MESSAGE_ROUTE_PRODUCT:
    case MESSAGE_ROUTE_USER:
    case MESSAGE_ROUTE_ALIAS:
    case MESSAGE_ROUTE_ALL: return false;
    case MESSAGE_ROUTE_NONE:
    case MESSAGE_ROUTE_ANY:
    case MESSAGE_ROUTE_SHARD:
    case MESSAGE_ROUTE_ORDER:
    case MESSAGE_ROUTE_RESOURCE: break;
    }
    switch (frame->info->code) {
    case OPCODE_TAKE:
    case OPCODE_HOLD: return ids.has_replaces;
    case OPCODE_STOCK_WRITE_OFF:
    case OPCODE_ALLOC_SHIP:
    case OPCODE_HOLD_EXTEND:
    case OPCODE_HOLD_BIND:
    case OPCODE_REVIEW_ERASE:
    case OPCODE_SESSION_OPEN: return false;
    default: return true;
    }
}

/* May it make a cart, or make one larger? */
static bool is_cart_change(u16 opcode)
{
    return opcode == OPCODE_CART_ADD || opcode == OPCODE_CART_SET || opcode == OPCODE_CART_COUPON ||
           opcode == OPCODE_CART_MERGE;
}

static bool is_review_change(u16 opcode)
{
    return opcode >= OPCODE_REVIEW_PUT && opcode <= OPCODE_REVIEW_ERASE;
}

/* May an order become paid for by it, or lose units? */
static bool is_of_basket(u16 opcode)
{
    return opcode != OPCODE_COMMAND_POLL && opcode != OPCODE_COMMAND_ACK &&
           opcode != OPCODE_COMMAND_NACK;
}

/* Every other change of an order: payments, commands, parcels, returns. */
static bool is_order_step(const struct message_info *info)
{
    return info->route == MESSAGE_ROUTE_ORDER || info->code == OPCODE_COMMAND_POLL;
}

static struct gate_need need_of(const struct gate_frame *frame, struct gate_ids ids)
{
    const u32 count = frame->record_count;
    const u32 reply_bytes = count * frame->info->reply.fixed_bytes;
    struct gate_need need = {.arena_bytes = (u64)arena_capacity(reply_bytes) +
                                            2 * sizeof(struct session_kept)};
    if (makes_grants(frame->info->code)) {
        need.grants = ids.named;
        need.facts = 2 * count; /* now, and when leases end */
        need.arena_bytes += (u64)(ids.named + (ids.has_replaces ? count : 0)) * TIMER_BYTES;
    } else if (frame->info->code == OPCODE_SKU_PUT) {
        need.resources = count;
        need.facts = 2 * count; /* to the product that it was of, and to the one that it is of */
        need.products = count;  /* a SKU may be known before its product */
    } else if (frame->info->code == OPCODE_SESSION_OPEN) {
        need.sessions = 1;
        need.arena_bytes += TIMER_BYTES;
    } else if (frame->info->code == OPCODE_PRODUCT_PUT) {
        need.products = count;
        need.arena_bytes += (u64)frame->body_bytes * 2;
    } else if (frame->info->code == OPCODE_PRODUCT_DELETE) {
        need.arena_bytes += (u64)count * arena_capacity(CODE_BYTES_MAX);
    } else if (frame->info->route == MESSAGE_ROUTE_ALIAS) {
        need.aliases = count;
        need.arena_bytes += (u64)frame->body_bytes * 2;
    } else if (is_review_change(frame->info->code)) {
        /* Texts: a class of the arena is at most half as large again. */
        need.reviews = frame->info->code == OPCODE_REVIEW_PUT ? count : 0;
        need.review_votes = frame->info->code == OPCODE_REVIEW_VOTE ? count : 0;
        need.arena_bytes += (u64)frame->body_bytes * 2 + (u64)count * REVIEW_BYTES;
    } else if (frame->info->route == MESSAGE_ROUTE_PRODUCT) {
        /* A patch writes the remaining texts anew before the old ones go. */
        need.arena_bytes += (u64)count * arena_capacity(PRODUCT_BLOB_BYTES_MAX);
    } else if (frame->info->route == MESSAGE_ROUTE_ALL) {
        /* A class of the arena is at most half as large again, or the smallest. */
        need.settings = count;
        need.arena_bytes += (u64)frame->body_bytes * 2;
        need.told_bytes = (u64)frame->body_bytes * 2 + (u64)count * TOLD_BYTES;
    } else if (frame->info->code == OPCODE_CHECKOUT) {
        need.orders = count;
        need.order_steps = count;
        need.baskets = count;
        need.order_bytes = frame->body_bytes;
    } else if (is_order_step(frame->info)) {
        need.order_steps = count;
        need.baskets = is_of_basket(frame->info->code) ? count : 0;
        need.arena_bytes += (u64)frame->body_bytes * 2; /* as mail */
    } else if (is_cart_change(frame->info->code)) {
        need.carts = count;
        need.cart_changes = count;
        need.cart_merges = frame->info->code == OPCODE_CART_MERGE ? count : 0;
        need.arena_bytes += (u64)count * (TIMER_BYTES + CART_BYTES);
    } else {
        /* The end of a grant moves it to the heap of what is remembered. */
        need.facts = frame->info->route == MESSAGE_ROUTE_RESOURCE ? count : 0;
        need.arena_bytes += (u64)count * TIMER_BYTES;
    }
    return need;
}

struct gate_need gate_need_of(const struct gate_frame *frame)
{
    return need_of(frame, scan_ids(NULL, frame, 0));
}

void gate_need_add(struct gate_need *sum, const struct gate_need *need)
{
    sum->resources += need->resources;
    sum->grants += need->grants;
    sum->products += need->products;
    sum->sessions += need->sessions;
    sum->settings += need->settings;
    sum->carts += need->carts;
    sum->cart_changes += need->cart_changes;
    sum->cart_merges += need->cart_merges;
    sum->orders += need->orders;
    sum->facts += need->facts;
    sum->aliases += need->aliases;
    sum->order_steps += need->order_steps;
    sum->baskets += need->baskets;
    sum->order_bytes += need->order_bytes;
    sum->reviews += need->reviews;
    sum->review_votes += need->review_votes;
    sum->arena_bytes += need->arena_bytes;
    sum->told_bytes += need->told_bytes;
}

static void subtract_need(struct gate_need *sum, const struct gate_need *need)
{
    MUST(sum->resources >= need->resources);
    MUST(sum->grants >= need->grants);
    MUST(sum->products >= need->products);
    MUST(sum->sessions >= need->sessions);
    MUST(sum->settings >= need->settings);
    MUST(sum->carts >= need->carts);
    MUST(sum->cart_changes >= need->cart_changes);
    MUST(sum->cart_merges >= need->cart_merges);
    MUST(sum->orders >= need->orders);
    MUST(sum->facts >= need->facts);
    MUST(sum->aliases >= need->aliases);
    MUST(sum->order_steps >= need->order_steps);
    MUST(sum->baskets >= need->baskets);
    MUST(sum->order_bytes >= need->order_bytes);
    MUST(sum->reviews >= need->reviews);
    MUST(sum->review_votes >= need->review_votes);
    MUST(sum->arena_bytes >= need->arena_bytes);
    MUST(sum->told_bytes >= need->told_bytes);
    sum->resources -= need->resources;
    sum->grants -= need->grants;
    sum->products -= need->products;
    sum->sessions -= need->sessions;
    sum->settings -= need->settings;
    sum->carts -= need->carts;
    sum->cart_changes -= need->cart_changes;
    sum->cart_merges -= need->cart_merges;
    sum->orders -= need->orders;
    sum->facts -= need->facts;
    sum->aliases -= need->aliases;
    sum->order_steps -= need->order_steps;
    sum->baskets -= need->baskets;
    sum->order_bytes -= need->order_bytes;
    sum->reviews -= need->reviews;
    sum->review_votes -= need->review_votes;
    sum->arena_bytes -= need->arena_bytes;
    sum->told_bytes -= need->told_bytes;
}

void gate_enter(struct gate *gate, const struct gate_frame *frame)
{
    const struct gate_ids ids = scan_ids(gate->cells, frame, 1);
    const struct gate_need need = need_of(frame, ids);
    gate->under_way++;
    gate->adders += is_adder(frame, ids) ? 1 : 0;
    gate->cells[gate_cell(gate_hash_sequence(frame->session, frame->session_seq))]++;
    gate_need_add(&gate->need, &need);
    MUST(gate->adders <= gate->under_way);
}

void gate_leave(struct gate *gate, const struct gate_frame *frame)
{
    const struct gate_ids ids = scan_ids(gate->cells, frame, UINT32_MAX); /* down by one */
    const struct gate_need need = need_of(frame, ids);
    u32 *cell = &gate->cells[gate_cell(gate_hash_sequence(frame->session, frame->session_seq))];
    const bool adds = is_adder(frame, ids);
    MUST(gate->under_way != 0);
    MUST(*cell != 0);
    MUST(IMPLIES(adds, gate->adders != 0));
    gate->under_way--;
    gate->adders -= adds ? 1 : 0;
    *cell -= 1;
    subtract_need(&gate->need, &need);
}

void gate_enter_mail(struct gate *gate)
{
    gate->under_way++;
    gate->adders++;
}

void gate_leave_mail(struct gate *gate)
{
    MUST(gate->under_way != 0 && gate->adders != 0);
    gate->under_way--;
    gate->adders--;
}
