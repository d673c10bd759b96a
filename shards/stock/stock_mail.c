/* stock_mail: what orders hold, sell and give back: the messages mail_hold and mail_change.
 *
 * An order names its grants by its own id. Such a grant (origin ORDER) is bound from the beginning,
 * has no lease, and is ended by messages of its order alone. docs/stock.md, "Orders", is the contract.
 *
 *      mail_hold    judge every item, then grant every item, or none -> mail_hold_answer
 *      mail_change  each item for itself                             -> mail_change_answer, if wanted
 *
 * Messages come once, so quantities are differences. What is wrong with an item is told in its
 * status; nothing here is refused with a reason that a shopper could cause and nobody hears.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/mail/mail.h"
#include "shards/shard_handlers.h"
#include "shards/stock/stock_ask.h"
#include "shards/stock/stock_tell.h"

/* An item of mail_hold after judgement. */
struct wanted {
    u64 hash;     /* of the resource */
    i64 adjust;   /* of an allowance: what on_hand has to change by */
    u32 resource; /* 0: an allowance that is to be created */
    u32 grant;    /* an earlier one of this order, to be used again; 0 = none */
    u32 replaced; /* the shopper's own hold that ends in the same step; 0 = none */
    u32 zero;
};

/* A mail_hold under way. The rows of its answer and the judgements lie in the shard's scratch. */
struct holding {
    struct stock *stock;
    struct msg_mail_hold_req ask;
    u64 now_ns;
    const u8 *items;
    u32 count;
    struct row_held_item *rows;
    struct wanted *wanted;
};
STATIC_CHECK(ORDER_ITEMS_MAX *(sizeof(struct row_held_item) + sizeof(struct wanted)) <=
             SHARD_SCRATCH_BYTES);
STATIC_CHECK(ORDER_ITEMS_MAX * sizeof(struct row_change_item) <= SHARD_SCRATCH_BYTES);

static struct row_hold_item hold_item_at(const struct holding *holding, u32 i)
{
    struct row_hold_item item;
    memcpy(&item, holding->items + (size_t)i * sizeof item, sizeof item);
    return item;
}

/* Brings a group of items near: buckets, then records. */
static void prefetch_items(const struct holding *holding, u32 from, u32 count)
{
    const struct stock *stock = holding->stock;
    for (u32 i = from; i < from + count; i++) {
        const struct row_hold_item item = hold_item_at(holding, i);
        holding->wanted[i] = (struct wanted){.hash = route_hash_resource(item.resource)};
        map_prefetch(&stock->resources, holding->wanted[i].hash);
        map_prefetch(&stock->grant_map, stock_grant_hash(item.resource.id, holding->ask.order));
    }
    for (u32 i = from; i < from + count; i++) {
        const u32 candidate = map_first_candidate(&stock->resources, holding->wanted[i].hash);
        if (candidate != 0)
            pool_prefetch(&stock->hots, candidate);
    }
}

/* The shopper's hold that the item replaces, 0 if it is gone or not theirs: an expired browse hold
 * never fails a checkout by itself. */
static u32 find_replaced(const struct holding *holding, const struct row_hold_item *item,
                         u32 resource)
{
    const struct stock *stock = holding->stock;
    if (id128_is_none(item->replaces))
        return 0;
    const u64 hash = stock_grant_hash(item->resource.id, item->replaces);
    const u32 index = stock_grant_find(stock, hash, resource, item->replaces);
    if (index == 0)
        return 0;
    const struct stock_grant *grant = stock_grant_at(stock, index);
    const bool is_free =
        id128_is_none(grant->order) || id128_equal(grant->order, holding->ask.order);
    return grant->origin == STOCK_ORIGIN_HOLD && grant->state == GRANT_STATE_HELD &&
                   grant->owner == holding->ask.user_id && is_free
               ? index
               : 0;
}

/* What on_hand of an allowance must change by for a limit of `allowance` in all: never below what is
 * unavailable, so a limit that is below what was used already leaves nothing. */
static i64 allowance_delta(const struct stock_hot *hot, const struct stock_cold *cold,
                           i64 allowance)
{
    const i64 delta = allowance - (cold->received + cold->adjusted);
    return MAX(delta, hot->unavailable - hot->on_hand);
}

/* What the stock can give of an item, before it is given. */
struct level {
    i64 sellable;
    i64 back; /* of the hold that is replaced */
    i64 held;
    i64 sold; /* ever, and what may be still */
};

static u16 shortage(const struct level *level, i64 quantity)
{
    if (level->sellable + level->back >= quantity)
        return STATUS_OK;
    return level->sellable + level->held >= quantity ? STATUS_ALL_HELD : STATUS_SOLD_OUT;
}

/* Questions about a resource that exists. */
static u16 judge_existing(const struct holding *holding, const struct row_hold_item *item,
                          struct wanted *wanted, struct row_held_item *row)
{
    struct stock *stock = holding->stock;
    const struct stock_hot *hot = stock_hot_at(stock, wanted->resource);
    const struct stock_cold *cold = stock_cold_of(stock, hot);
    struct level level = {.held = hot->held, .sold = stock_granted(hot, cold) + hot->held};
    const u64 hash = stock_grant_hash(item->resource.id, holding->ask.order);
    wanted->grant = stock_grant_find(stock, hash, wanted->resource, holding->ask.order);
    wanted->replaced = find_replaced(holding, item, wanted->resource);
    if (wanted->replaced != 0)
        level.back = stock_grant_at(stock, wanted->replaced)->held;
    if (item->allowance >= 0)
        wanted->adjust = allowance_delta(hot, cold, item->allowance);
    level.sellable = stock_sellable(hot) + wanted->adjust;
    row->sellable = level.sellable;
    row->version = cold->version;
    row->currency = cold->currency;
    if (item->resource.kind == RESOURCE_KIND_SKU) {
        row->price = cold->price;
        row->product_id = cold->product_id;
    }
    if (wanted->grant != 0) {
        const struct stock_grant *grant = stock_grant_at(stock, wanted->grant);
        if (grant->origin != STOCK_ORIGIN_ORDER)
            return STATUS_ID_MISMATCH; /* a client named a hold of its own so */
        MUST(grant->state == GRANT_STATE_RELEASED);
    }
    if (!stock_quantity_good(item->quantity) || !stock_sum_fits(level.sold, item->quantity) ||
        !stock_sum_fits(hot->held, item->quantity) || !stock_sum_fits(hot->on_hand, wanted->adjust))
        return STATUS_EXCEEDS;
    const u16 status = shortage(&level, item->quantity);
    if (status == STATUS_ALL_HELD)
        row->retry_after_ms = stock_retry_ms(stock, hot, holding->now_ns);
    return status;
}

/* Questions about one item, with their answer in its row. */
static u16 judge_item(const struct shard *shard, const struct holding *holding, u32 i)
{
    const struct row_hold_item item = hold_item_at(holding, i);
    struct wanted *wanted = &holding->wanted[i];
    struct row_held_item *row = &holding->rows[i];
    *row = (struct row_held_item){.resource = item.resource, .wanted = item.quantity};
    MUST(IMPLIES(item.allowance >= 0, item.resource.kind == RESOURCE_KIND_ALLOWANCE));
    MUST(shard_owns(shard, wanted->hash));
    if (!shard_resource_key_good(item.resource))
        row->status = STATUS_NOT_FOUND;
    else if ((wanted->resource =
                  stock_resource_find(holding->stock, wanted->hash, &item.resource)) != 0)
        row->status = judge_existing(holding, &item, wanted, row);
    else if (item.allowance < 0)
        row->status = STATUS_NOT_FOUND;
    else if (!stock_quantity_good(item.quantity) || item.allowance > QUANTITY_MAX)
        row->status = STATUS_EXCEEDS;
    else {
        row->sellable = item.allowance;
        row->status = item.quantity > item.allowance ? STATUS_SOLD_OUT : STATUS_OK;
    }
    stock_count_refusal(holding->stock, row->status);
    return row->status;
}

/* "allowance " and the id as 16 digits: what verify and people see of it. */
static void name_allowance(struct stock_cold *cold, u64 id)
{
    static const char head[] = "allowance ";
    static const char digits[] = "0123456789abcdef";
    u8 *to = cold->code;
    memcpy(to, head, sizeof head - 1);
    to += sizeof head - 1;
    for (u32 i = 0; i < 16; i++)
        *to++ = (u8)digits[id >> (60 - 4 * i) & 15];
    cold->code_bytes = (u16)(to - cold->code);
}
STATIC_CHECK(sizeof "allowance " - 1 + 16 <= CODE_BYTES_MAX);

/* A customer's allowance comes into being with its first use. */
static u32 create_allowance(struct stock *stock, const struct row_hold_item *item, u64 hash)
{
    const u32 index = stock_resource_create(stock, item->resource, hash);
    stock_resource_before_change(stock, index);
    struct stock_hot *hot = stock_hot_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, hot);
    hot->on_hand = item->allowance;
    cold->received = item->allowance;
    cold->version = 1;
    name_allowance(cold, item->resource.id);
    return index;
}

static void release_grant(struct stock *stock, struct stock_hot *hot, u32 index, u64 now_ns)
{
    struct stock_grant *grant = stock_grant_at(stock, index);
    stock_grant_before_change(stock, index);
    MUST(grant->state == GRANT_STATE_HELD);
    MUST(hot->held >= grant->held);
    hot->held -= grant->held;
    grant->held = 0;
    stock_grant_enter(stock, index, GRANT_STATE_RELEASED, now_ns);
}

/* A grant named by the order, in `state` and with nothing in it yet but its names. */
static struct stock_grant order_grant(struct id128 order, u64 owner, u64 now_ns)
{
    return (struct stock_grant){.id = order,
                                .order = order,
                                .owner = owner,
                                .origin = STOCK_ORIGIN_ORDER,
                                .created_at_ns = now_ns};
}

static void insert_grant(struct stock *stock, u32 resource, const struct stock_grant *image)
{
    const u32 index = stock_grant_acquire(stock);
    struct stock_grant *grant = stock_grant_at(stock, index);
    struct stock_hot *hot = stock_hot_at(stock, resource);
    *grant = *image;
    grant->resource = resource;
    MUST(id128_equal(grant->id, grant->order));
    stock_grant_insert(stock, stock_grant_hash(hot->id, grant->id), index, grant,
                       stock_cold_of(stock, hot));
}

static void grant_item(const struct holding *holding, u32 i)
{
    struct stock *stock = holding->stock;
    const struct row_hold_item item = hold_item_at(holding, i);
    const struct wanted *wanted = &holding->wanted[i];
    const u32 quantity = (u32)item.quantity;
    const u32 resource =
        wanted->resource != 0 ? wanted->resource : create_allowance(stock, &item, wanted->hash);
    struct stock_hot *hot = stock_hot_at(stock, resource);
    stock_resource_before_change(stock, resource);
    if (wanted->replaced != 0)
        release_grant(stock, hot, wanted->replaced, holding->now_ns);
    hot->on_hand += wanted->adjust;
    stock_cold_of(stock, hot)->adjusted += wanted->adjust;
    hot->held += quantity;
    MUST(stock_sellable(hot) >= 0);
    MUST(hot->on_hand >= hot->unavailable);
    if (wanted->grant != 0) {
        struct stock_grant *grant = stock_grant_at(stock, wanted->grant);
        stock_grant_before_change(stock, wanted->grant);
        grant->quantity = quantity;
        grant->held = quantity;
        stock_grant_revive(stock, wanted->grant, GRANT_STATE_HELD);
    } else {
        struct stock_grant image =
            order_grant(holding->ask.order, holding->ask.user_id, holding->now_ns);
        image.state = GRANT_STATE_HELD;
        image.quantity = quantity;
        image.held = quantity;
        image.first_sellable = stock_sellable(hot);
        insert_grant(stock, resource, &image);
    }
    stock->counts.granted_records++;
    stock_notice_edge(stock, resource);
}

void shard_mail_hold(struct shard *shard, const struct mail_call *call)
{
    struct holding holding = {.stock = &shard->stock,
                              .now_ns = call->now_ns,
                              .items = call->spans[SPAN_OF(mail_hold_req, items)].data};
    const u32 bytes = call->spans[SPAN_OF(mail_hold_req, items)].bytes;
    memcpy(&holding.ask, call->fixed, sizeof holding.ask);
    MUST(bytes % sizeof(struct row_hold_item) == 0);
    holding.count = bytes / (u32)sizeof(struct row_hold_item);
    MUST(holding.count <= ORDER_ITEMS_MAX);
    holding.rows = (struct row_held_item *)(void *)shard->scratch;
    holding.wanted = (struct wanted *)(void *)(holding.rows + holding.count);
    struct msg_mail_hold_answer_req answer = {.order = holding.ask.order,
                                              .round = holding.ask.round};
    for (u32 from = 0; from < holding.count; from += SHARD_GROUP_RECORDS) {
        const u32 count = MIN(holding.count - from, SHARD_GROUP_RECORDS);
        prefetch_items(&holding, from, count);
        for (u32 i = from; i < from + count; i++) {
            const u16 status = judge_item(shard, &holding, i);
            if (answer.status == STATUS_OK)
                answer.status = status;
        }
    }
    for (u32 i = 0; answer.status == STATUS_OK && i < holding.count; i++)
        grant_item(&holding, i);
    const struct span rows = {.data = shard->scratch,
                              .bytes = holding.count * (u32)sizeof(struct row_held_item)};
    mail_post(shard, call->source, OPCODE_MAIL_HOLD_ANSWER, &answer, &rows);
}

/* ---- mail_change ---- */

/* An item of mail_change on its way. */
struct change {
    struct stock *stock;
    struct stock_hot *hot;
    struct stock_cold *cold;
    struct stock_grant *grant; /* NULL: never was, or is forgotten */
    struct id128 order;
    u64 now_ns;
    i64 quantity;
    u32 resource;
    u32 index; /* of the grant */
};

static void announce(const struct change *change)
{
    stock_resource_before_change(change->stock, change->resource);
    if (change->grant != NULL)
        stock_grant_before_change(change->stock, change->index);
}

static void finish_if_spent(const struct change *change)
{
    if (stock_grant_is_spent(change->grant))
        stock_grant_enter(change->stock, change->index, GRANT_STATE_FINISHED, change->now_ns);
}

static i64 left_of(const struct stock_grant *grant)
{
    return (i64)grant->allocated - grant->shipped - grant->cancelled;
}

static i64 returnable(const struct stock_grant *grant)
{
    return (i64)grant->shipped - grant->returned_sellable - grant->returned_damaged;
}

/* A grant that is forgotten was released long before: nothing is held, as wanted. */
static u16 release(const struct change *change)
{
    const struct stock_grant *grant = change->grant;
    if (grant == NULL || grant->state == GRANT_STATE_RELEASED)
        return STATUS_OK;
    if (grant->state != GRANT_STATE_HELD)
        return STATUS_INVALID_STATE;
    if (change->quantity != 0 && change->quantity != grant->held)
        return STATUS_EXCEEDS;
    announce(change);
    release_grant(change->stock, change->hot, change->index, change->now_ns);
    return STATUS_OK;
}

/* HELD -> ALLOCATED; what is not confirmed is released. */
static u16 confirm(const struct change *change)
{
    struct stock *stock = change->stock;
    struct stock_hot *hot = change->hot;
    struct stock_grant *grant = change->grant;
    if (grant == NULL)
        return STATUS_NOT_FOUND;
    if (grant->state != GRANT_STATE_HELD)
        return STATUS_INVALID_STATE;
    const i64 quantity = change->quantity != 0 ? change->quantity : grant->held;
    if (quantity > grant->held || !stock_grant_fits(stock, hot, quantity))
        return STATUS_EXCEEDS; /* the second: 2^53 units were sold while it was held */
    announce(change);
    MUST(hot->held >= grant->held);
    hot->held -= grant->held;
    hot->allocated += quantity;
    stock_add_granted_named(hot, change->cold, quantity);
    grant->held = 0;
    grant->allocated = (u32)quantity;
    stock_grant_enter(stock, change->index, GRANT_STATE_ALLOCATED, 0);
    stock->counts.granted_records++;
    return STATUS_OK;
}

static u16 ship(const struct change *change)
{
    struct stock_hot *hot = change->hot;
    struct stock_grant *grant = change->grant;
    if (grant == NULL)
        return STATUS_NOT_FOUND;
    if (grant->state != GRANT_STATE_ALLOCATED)
        return grant->state == GRANT_STATE_FINISHED ? STATUS_EXCEEDS : STATUS_INVALID_STATE;
    if (change->quantity > left_of(grant) ||
        !stock_sum_fits(change->cold->shipped, change->quantity))
        return STATUS_EXCEEDS;
    if (hot->on_hand - hot->unavailable < change->quantity)
        return STATUS_SHORT_STOCK;
    announce(change);
    hot->on_hand -= change->quantity;
    hot->allocated -= change->quantity;
    change->cold->shipped += change->quantity;
    grant->shipped += (u32)change->quantity;
    MUST(hot->allocated >= 0);
    MUST(hot->on_hand >= hot->unavailable);
    finish_if_spent(change);
    return STATUS_OK;
}

/* Confirmed in any case, shipped if it is there: what is promised against an oversell cap stays
 * allocated. */
static u16 consume(struct change *change)
{
    const u16 status = confirm(change);
    if (status != STATUS_OK)
        return status;
    change->quantity = change->grant->allocated;
    return ship(change);
}

static u16 cancel(const struct change *change)
{
    struct stock_grant *grant = change->grant;
    if (grant == NULL)
        return STATUS_NOT_FOUND;
    if (grant->state != GRANT_STATE_ALLOCATED)
        return grant->state == GRANT_STATE_FINISHED ? STATUS_EXCEEDS : STATUS_INVALID_STATE;
    if (change->quantity > left_of(grant) ||
        !stock_sum_fits(change->cold->cancelled, change->quantity))
        return STATUS_EXCEEDS;
    announce(change);
    change->hot->allocated -= change->quantity;
    change->cold->cancelled += change->quantity;
    grant->cancelled += (u32)change->quantity;
    MUST(change->hot->allocated >= 0);
    finish_if_spent(change);
    return STATUS_OK;
}

/* Money that was consumed against an oversell cap never left: giving it back is a cancel. */
static bool is_unshipped_money(const struct change *change)
{
    return change->grant != NULL && change->grant->state == GRANT_STATE_ALLOCATED &&
           change->hot->kind != RESOURCE_KIND_SKU;
}

/* The order keeps the account of what it may take back, for ever; the grant as long as it lives. */
static u16 take_back(const struct change *change, bool is_damaged)
{
    struct stock_grant *grant = change->grant;
    struct stock_hot *hot = change->hot;
    i64 *returned = is_damaged ? &change->cold->returned_damaged : &change->cold->returned_sellable;
    if (is_unshipped_money(change))
        return cancel(change);
    if (grant != NULL && grant->state != GRANT_STATE_ALLOCATED &&
        grant->state != GRANT_STATE_FINISHED)
        return STATUS_INVALID_STATE;
    if (grant != NULL && change->quantity > returnable(grant))
        return STATUS_EXCEEDS;
    if (!stock_sum_fits(hot->on_hand, change->quantity) ||
        !stock_sum_fits(*returned, change->quantity))
        return STATUS_EXCEEDS;
    announce(change);
    hot->on_hand += change->quantity;
    *returned += change->quantity;
    if (is_damaged)
        hot->unavailable += change->quantity;
    if (grant != NULL && is_damaged)
        grant->returned_damaged += (u32)change->quantity;
    else if (grant != NULL)
        grant->returned_sellable += (u32)change->quantity;
    MUST(hot->on_hand >= hot->unavailable);
    return STATUS_OK;
}

/* A parcel did not leave after all: its units are allocated again. The grant may have been spent,
 * and even forgotten since. */
static u16 unship(const struct change *change)
{
    struct stock *stock = change->stock;
    struct stock_hot *hot = change->hot;
    struct stock_grant *grant = change->grant;
    if (grant == NULL && change->index != 0)
        return STATUS_ID_MISMATCH;
    if (grant != NULL && grant->state != GRANT_STATE_ALLOCATED &&
        grant->state != GRANT_STATE_FINISHED)
        return STATUS_INVALID_STATE;
    if (grant != NULL && change->quantity > returnable(grant))
        return STATUS_EXCEEDS;
    if (change->quantity > change->cold->shipped - change->cold->shipped_anonymous ||
        !stock_sum_fits(hot->on_hand, change->quantity) ||
        !stock_sum_fits(hot->allocated, change->quantity))
        return STATUS_EXCEEDS;
    announce(change);
    hot->on_hand += change->quantity;
    hot->allocated += change->quantity;
    change->cold->shipped -= change->quantity;
    if (grant == NULL) {
        struct stock_grant image =
            order_grant(change->order, order_user(change->order), change->now_ns);
        image.state = GRANT_STATE_ALLOCATED;
        image.quantity = (u32)change->quantity;
        image.allocated = (u32)change->quantity;
        insert_grant(stock, change->resource, &image);
        return STATUS_OK;
    }
    grant->shipped -= (u32)change->quantity;
    if (grant->state == GRANT_STATE_FINISHED)
        stock_grant_revive(stock, change->index, GRANT_STATE_ALLOCATED);
    return STATUS_OK;
}

static u16 apply_action(struct change *change, u16 action)
{
    const bool is_good = action <= CHANGE_ACTION_CONSUME
                             ? change->quantity >= 0 && change->quantity <= QUANTITY_MAX
                             : stock_quantity_good(change->quantity);
    if (!is_good)
        return STATUS_BAD_ARGUMENT;
    switch ((enum change_action)action) {
    case CHANGE_ACTION_RELEASE: return release(change);
    case CHANGE_ACTION_CONFIRM: return confirm(change);
    case CHANGE_ACTION_CONSUME: return consume(change);
    case CHANGE_ACTION_SHIP: return ship(change);
    case CHANGE_ACTION_CANCEL: return cancel(change);
    case CHANGE_ACTION_RETURN_SELLABLE: return take_back(change, false);
    case CHANGE_ACTION_RETURN_DAMAGED: return take_back(change, true);
    case CHANGE_ACTION_UNSHIP: return unship(change);
    }
    PANIC("no such change"); /* a message comes from a shard, not from a client */
}

static u16 change_item(struct stock *stock, const struct mail_call *call, struct id128 order,
                       const struct row_change_item *item)
{
    struct change change = {
        .stock = stock, .order = order, .now_ns = call->now_ns, .quantity = item->quantity};
    if (!shard_resource_key_good(item->resource))
        return STATUS_NOT_FOUND;
    change.resource =
        stock_resource_find(stock, route_hash_resource(item->resource), &item->resource);
    if (change.resource == 0)
        return STATUS_NOT_FOUND;
    change.hot = stock_hot_at(stock, change.resource);
    change.cold = stock_cold_of(stock, change.hot);
    change.index =
        stock_grant_find(stock, stock_grant_hash(item->resource.id, order), change.resource, order);
    /* A client's own grant of this name is none of the order's. */
    if (change.index != 0 && stock_grant_at(stock, change.index)->origin == STOCK_ORIGIN_ORDER)
        change.grant = stock_grant_at(stock, change.index);
    const u16 status = apply_action(&change, item->action);
    stock_notice_edge(stock, change.resource);
    return status;
}

void shard_mail_change(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_change_req ask;
    struct row_change_item *rows = (struct row_change_item *)(void *)shard->scratch;
    struct span items = call->spans[SPAN_OF(mail_change_req, items)];
    memcpy(&ask, call->fixed, sizeof ask);
    MUST(items.bytes % sizeof *rows == 0 && items.bytes <= ORDER_ITEMS_MAX * sizeof *rows);
    memcpy(rows, items.data, items.bytes);
    for (u32 i = 0; i < items.bytes / sizeof *rows; i++)
        rows[i].status = change_item(&shard->stock, call, ask.order, &rows[i]);
    if (ask.ticket == 0)
        return;
    const struct msg_mail_change_answer_req answer = {.order = ask.order, .ticket = ask.ticket};
    items.data = shard->scratch;
    mail_post(shard, call->source, OPCODE_MAIL_CHANGE_ANSWER, &answer, &items);
}
