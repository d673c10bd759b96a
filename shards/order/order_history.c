/* order_history: whose orders there are, newest first. Declared in shards/order/order_parts.h.
 *
 *      map histories: user -> history -> tree of entries, by (time, order)
 *
 *                        entry 5                in order: newest to oldest
 *                       /       \               above:    the larger mix of the order's id
 *                  newer 7     older 2
 *
 * The tree is a treap: where an entry stands follows from its key and a mix of its order's id, so it
 * is balanced without anything to keep, and equal after a replay. A page is found from its cursor in
 * O(log n), whatever was added or taken away meanwhile: the cursor is a key, not a place.
 *
 * Invariants
 *   H1  a history has exactly the orders of which the user is the owner: those of this shard (by
 *       index), and references to those of other shards (index 0).
 *   H2  newer < entry < older in the order of the list; mixes do not grow on the way down.
 *   H3  a history has at least one entry; count is how many.
 * Ownership  entries belong to their history; an order does not know its entry, its key finds it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/order/order_history.h"
#include "shards/shard_handlers.h"

#define HISTORY_ROWS_DEFAULT 50u
/* Entries that a filtered page looks at before it lets others have their turn: below a millisecond. */
#define HISTORY_LOOKS_MAX 2048u

STATIC_CHECK(LIST_PAGE_ROWS * sizeof(struct row_order_brief) <= SHARD_SCRATCH_BYTES);

static u64 hash_of_history(const void *context, u32 index)
{
    const struct order_room *room = context;
    return route_hash_u64(history_at(room, index)->user_id);
}

static bool history_equal(const void *context, u32 index, const void *key)
{
    const u64 *user_id = key;
    return history_at(context, index)->user_id == *user_id;
}

u32 history_find(const struct order_room *room, u64 user_id)
{
    return map_find(&room->histories, route_hash_u64(user_id), history_equal, room, &user_id);
}

void history_init(struct order_room *room, struct store_memory *memory)
{
    pool_init(&room->entries, memory, sizeof(struct history_entry));
    pool_init(&room->history_pool, memory, sizeof(struct history));
    map_init(&room->histories, memory,
             (struct map_records){.context = room, .hash_of = hash_of_history});
}

void history_deinit(struct order_room *room)
{
    map_deinit(&room->histories);
    pool_deinit(&room->history_pool);
    pool_deinit(&room->entries);
}

/* ---- the tree ---- */

static struct history_key key_of(const struct history_entry *entry)
{
    return (struct history_key){.created_ns = entry->created_ns, .order = entry->order};
}

/* Does `a` come before `b` in the list? */
static bool is_newer(struct history_key a, struct history_key b)
{
    if (a.created_ns != b.created_ns)
        return a.created_ns > b.created_ns;
    if (a.order.low != b.order.low)
        return a.order.low > b.order.low;
    return a.order.high > b.order.high;
}

static u64 mix_of(const struct history_entry *entry)
{
    const u64 mixed =
        (entry->order.low * 0x9E3779B97F4A7C15ull ^ entry->order.high) * 0xD6E8FEB86659FD93ull;
    return mixed ^ mixed >> 32;
}

/* Where the number of an entry stands in the tree. */
static u32 *link_to(struct order_room *room, struct history *history, u32 index)
{
    const struct history_entry *entry = history_entry_at(room, index);
    if (entry->above == 0)
        return &history->root;
    struct history_entry *above = history_entry_at(room, entry->above);
    return above->newer == index ? &above->newer : &above->older;
}

/* Changes places with the one above, keeping the order. */
static void lift(struct order_room *room, struct history *history, u32 index)
{
    struct history_entry *entry = history_entry_at(room, index);
    const u32 sunk = entry->above;
    struct history_entry *above = history_entry_at(room, sunk);
    MUST(above->newer == index || above->older == index);
    u32 *link = link_to(room, history, sunk);
    u32 moved;
    entry->above = above->above;
    above->above = index;
    if (above->newer == index) {
        moved = entry->older;
        above->newer = moved;
        entry->older = sunk;
    } else {
        moved = entry->newer;
        above->older = moved;
        entry->newer = sunk;
    }
    if (moved != 0)
        history_entry_at(room, moved)->above = sunk;
    *link = index;
}

static void tree_insert(struct order_room *room, struct history *history, u32 index)
{
    struct history_entry *entry = history_entry_at(room, index);
    const struct history_key key = key_of(entry);
    u32 *link = &history->root;
    u32 above = 0;
    while (*link != 0) { /* ends: a level further down each time */
        struct history_entry *at = history_entry_at(room, *link);
        above = *link;
        link = is_newer(key, key_of(at)) ? &at->newer : &at->older;
    }
    *link = index;
    entry->above = above;
    while (entry->above != 0 && mix_of(history_entry_at(room, entry->above)) < mix_of(entry))
        lift(room, history, index); /* ends: a level further up each time */
    history->count++;
}

static void tree_remove(struct order_room *room, struct history *history, u32 index)
{
    struct history_entry *entry = history_entry_at(room, index);
    while (entry->newer != 0 && entry->older != 0) { /* ends: a level further down each time */
        const bool is_newer_first = mix_of(history_entry_at(room, entry->newer)) >
                                    mix_of(history_entry_at(room, entry->older));
        lift(room, history, is_newer_first ? entry->newer : entry->older);
    }
    const u32 child = entry->newer != 0 ? entry->newer : entry->older;
    *link_to(room, history, index) = child;
    if (child != 0)
        history_entry_at(room, child)->above = entry->above;
    MUST(history->count != 0);
    history->count--;
}

u32 history_seek(const struct order_room *room, const struct history *history,
                 const struct history_key *key)
{
    u32 found = 0;
    u32 at = history->root;
    while (at != 0) { /* ends: a level further down each time */
        const struct history_entry *entry = history_entry_at(room, at);
        if (key == NULL || is_newer(*key, key_of(entry))) {
            found = at;
            at = entry->newer;
        } else {
            at = entry->older;
        }
    }
    return found;
}

u32 history_next(const struct order_room *room, u32 index)
{
    const struct history_entry *entry = history_entry_at(room, index);
    if (entry->older != 0) {
        index = entry->older;
        while (history_entry_at(room, index)->newer != 0) /* ends: a level further down each time */
            index = history_entry_at(room, index)->newer;
        return index;
    }
    while (entry->above != 0 &&
           history_entry_at(room, entry->above)->older == index) { /* ends: upwards */
        index = entry->above;
        entry = history_entry_at(room, index);
    }
    return entry->above;
}

static u32 tree_find(const struct order_room *room, const struct history *history,
                     struct history_key key)
{
    u32 at = history->root;
    while (at != 0) { /* ends: a level further down each time */
        const struct history_entry *entry = history_entry_at(room, at);
        if (id128_equal(entry->order, key.order))
            return at;
        at = is_newer(key, key_of(entry)) ? entry->newer : entry->older;
    }
    return 0;
}

/* What H2 says about one entry and those right below it. */
static bool entry_valid(const struct order_room *room, u32 index)
{
    const struct history_entry *entry = history_entry_at(room, index);
    const u32 below[2] = {entry->newer, entry->older};
    for (u32 i = 0; i < 2; i++) {
        if (below[i] == 0)
            continue;
        const struct history_entry *child = history_entry_at(room, below[i]);
        if (child->above != index || mix_of(child) > mix_of(entry) ||
            is_newer(key_of(child), key_of(entry)) != (i == 0))
            return false;
    }
    return true;
}

bool history_valid(const struct order_room *room, u64 user_id)
{
    const u32 index = history_find(room, user_id);
    if (index == 0)
        return true;
    const struct history *history = history_at(room, index);
    u32 count = 0;
    u32 before = 0;
    for (u32 at = history_seek(room, history, NULL); at != 0; at = history_next(room, at)) {
        if (!entry_valid(room, at))
            return false;
        if (before != 0 &&
            !is_newer(key_of(history_entry_at(room, before)), key_of(history_entry_at(room, at))))
            return false;
        before = at;
        count++;
    }
    return count == history->count && count != 0;
}

/* ---- entries come and go ---- */

static struct history *history_of(struct order_room *room, u64 user_id)
{
    MUST(user_id != 0);
    u32 index = history_find(room, user_id);
    if (index == 0) {
        index = pool_acquire(&room->history_pool);
        history_at(room, index)->user_id = user_id;
        map_insert(&room->histories, route_hash_u64(user_id), index);
    } else if (room->is_dumped) {
        map_before_change(&room->histories, route_hash_u64(user_id));
    }
    return history_at(room, index);
}

bool history_enter(struct order_room *room, u64 user_id, const struct history_entry *entry)
{
    struct history *history = history_of(room, user_id);
    if (tree_find(room, history, key_of(entry)) != 0)
        return false;
    const u32 index = pool_acquire(&room->entries);
    *history_entry_at(room, index) = *entry;
    tree_insert(room, history, index);
    return true;
}

static void add_entry(struct order_room *room, u64 user_id, const struct history_entry *entry)
{
    const bool is_entered = history_enter(room, user_id, entry);
    MUST(is_entered);
}

void history_add(struct shard *shard, u32 order)
{
    struct order_room *room = &shard->orders;
    const struct order *record = order_at(room, order);
    MUST(shard_owns(shard, route_hash_u64(record->owner)));
    room->counts.lines_most = MAX(room->counts.lines_most, record->lines.count);
    add_entry(room, record->owner,
              &(struct history_entry){
                  .order = record->id, .created_ns = record->created_ns, .index = order});
}

void history_drop(struct shard *shard, u32 order)
{
    struct order_room *room = &shard->orders;
    const struct order *record = order_at(room, order);
    u32 index = history_find(room, record->owner);
    MUST(index != 0);
    struct history *history = history_at(room, index);
    u32 entry = tree_find(
        room, history, (struct history_key){.created_ns = record->created_ns, .order = record->id});
    MUST(entry != 0 && history_entry_at(room, entry)->index == order);
    if (room->is_dumped)
        map_before_change(&room->histories, route_hash_u64(record->owner));
    tree_remove(room, history, entry);
    pool_release(&room->entries, &entry);
    if (history->count != 0)
        return;
    map_remove(&room->histories, route_hash_u64(record->owner), index);
    pool_release(&room->history_pool, &index);
}

bool history_has(const struct shard *shard, u32 order)
{
    const struct order_room *room = &shard->orders;
    const struct order *record = order_at(room, order);
    if (!shard_owns(shard, route_hash_u64(record->owner)))
        return true;
    const u32 index = history_find(room, record->owner);
    if (index == 0)
        return false;
    const u32 entry =
        tree_find(room, history_at(room, index),
                  (struct history_key){.created_ns = record->created_ns, .order = record->id});
    return entry != 0 && history_entry_at(room, entry)->index == order;
}

/* ---- the list ---- */

/* A page on its way. */
struct page {
    const struct order_room *room;
    const struct msg_order_list_req *ask;
    struct msg_order_list_rsp *answer;
    u8 *rows;
    u32 count;
    u32 limit;
};

static struct row_order_brief brief_of(const struct order_room *room,
                                       const struct history_entry *entry)
{
    if (entry->index == 0)
        return (struct row_order_brief){.order = entry->order,
                                        .created_at_ns = entry->created_ns,
                                        .total = entry->total,
                                        .line_count = entry->line_count,
                                        .currency = entry->currency};
    const struct order *order = order_at(room, entry->index);
    const struct order_sums sums = order_sums_of(order);
    return (struct row_order_brief){.order = order->id,
                                    .created_at_ns = order->created_ns,
                                    .total = order->total,
                                    .captured = sums.captured,
                                    .refunded = sums.refunded,
                                    .line_count = order->lines.count,
                                    .currency = order->currency,
                                    .state = order->state,
                                    .summary = order_summary_of(order)};
}

static void put_row(struct page *page, const struct history_entry *entry)
{
    const struct row_order_brief row = brief_of(page->room, entry);
    const u32 wanted = page->ask->summaries;
    if (wanted != 0 && (row.summary >= 32 || (wanted >> row.summary & 1) == 0))
        return;
    memcpy(page->rows + (size_t)page->count * sizeof row, &row, sizeof row);
    page->count++;
}

/* From where on: after the cursor, and before `until_ns`. */
static u32 first_of_page(const struct page *page, const struct history *history)
{
    const struct msg_order_list_req *ask = page->ask;
    const bool has_cursor = !id128_is_none(ask->after);
    const struct history_key cursor = {.created_ns = ask->after_created_ns, .order = ask->after};
    const struct history_key until = {.created_ns = ask->until_ns};
    if (ask->until_ns != 0 && (!has_cursor || is_newer(cursor, until)))
        return history_seek(page->room, history, &until);
    return history_seek(page->room, history, has_cursor ? &cursor : NULL);
}

static void fill_page(struct page *page, const struct history *history)
{
    u32 at = first_of_page(page, history);
    for (u32 looks = 0; at != 0; looks++) { /* ends: one further each time */
        const struct history_entry *entry = history_entry_at(page->room, at);
        if (entry->created_ns < page->ask->from_ns)
            return;
        if (page->count == page->limit || looks == HISTORY_LOOKS_MAX) {
            page->answer->more = 1;
            return;
        }
        put_row(page, entry);
        page->answer->next = entry->order;
        page->answer->next_created_ns = entry->created_ns;
        at = history_next(page->room, at);
    }
}

bool shard_read_order_list(struct shard *shard, const struct shard_call *call, const void *request,
                           void *reply, struct span *spans)
{
    struct msg_order_list_req ask;
    struct msg_order_list_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good =
        ask.limit <= LIST_PAGE_ROWS && IMPLIES(id128_is_none(ask.after), ask.after_created_ns == 0);
    answer->head.status = shard_call_refusal(call, is_good);
    if (answer->head.status != STATUS_OK)
        return true;
    struct page page = {.room = &shard->orders,
                        .ask = &ask,
                        .answer = answer,
                        .rows = shard->scratch,
                        .limit = ask.limit != 0 ? ask.limit : HISTORY_ROWS_DEFAULT};
    const u32 index = history_find(&shard->orders, ask.user_id);
    if (index == 0)
        return true;
    const struct history *history = history_at(&shard->orders, index);
    answer->count = history->count;
    fill_page(&page, history);
    if (answer->more == 0) {
        answer->next = (struct id128){0};
        answer->next_created_ns = 0;
    }
    spans[SPAN_OF(order_list_rsp, orders)] = (struct span){
        .data = shard->scratch, .bytes = page.count * (u32)sizeof(struct row_order_brief)};
    return true;
}
