/* cart: life of the room, of a cart, and time: see shards/cart/cart.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/cart/cart.h"

#include <string.h>

#include "shards/cart/cart_lines.h"
#include "shards/cart/cart_parts.h"
#include "shards/cart/cart_quote.h"

static u64 hash_of_cart(const void *context, u32 index)
{
    return route_hash_u64(cart_at(context, index)->user_id);
}

void cart_room_init(struct cart_room *room, struct store_memory *memory, struct arena *arena)
{
    *room = (struct cart_room){.arena = arena, .memory = memory};
    pool_init(&room->pool, memory, sizeof(struct cart));
    map_init(&room->map, memory, (struct map_records){.context = room, .hash_of = hash_of_cart});
}

/* What lies in the arena is given back with it as a whole. */
void cart_room_deinit(struct cart_room *room)
{
    cart_quote_deinit(room);
    map_deinit(&room->map);
    pool_deinit(&room->pool);
}

#define PREFETCH_BYTES 256u /* of a block: five lines */

void cart_prefetch(const struct cart_room *room, const u64 *hashes, u32 count)
{
    u32 candidates[CART_PREFETCH_MAX];
    MUST(count <= CART_PREFETCH_MAX);
    for (u32 i = 0; i < count; i++)
        map_prefetch(&room->map, hashes[i]);
    for (u32 i = 0; i < count; i++) {
        candidates[i] = map_first_candidate(&room->map, hashes[i]);
        if (candidates[i] != 0)
            pool_prefetch(&room->pool, candidates[i]);
    }
    for (u32 i = 0; i < count; i++) {
        if (candidates[i] == 0)
            continue;
        const struct cart *cart = cart_at(room, candidates[i]);
        const u32 bytes = cart->line_count * (u32)sizeof(struct row_cart_line);
        for (u32 at = 0; at < MIN(bytes, PREFETCH_BYTES); at += 64)
            store_prefetch(cart->block + at);
    }
}

/* ---- time ---- */

static void on_cart_moved(void *context, u32 item, u32 position)
{
    cart_at(context, item)->position = position;
}

static struct heap_owner owner_of(struct cart_room *room)
{
    return (struct heap_owner){.arena = room->arena, .context = room, .moved = on_cart_moved};
}

/* A later end is not told to the heap: a cart that is changed often would be moved through it each
 * time, and every step there touches another cart. cart_expire finds out. */
void cart_renew(struct shard *shard, u32 index, u64 now_ns)
{
    struct cart_room *room = &shard->carts;
    struct cart *cart = cart_at(room, index);
    const struct heap_owner owner = owner_of(room);
    const struct policy *policy = settings_policy(&shard->settings);
    const u64 life_ms = cart_is_guest(cart->user_id) ? policy->cart_guest_ms : policy->cart_user_ms;
    const u64 before_ns = cart->expires_at_ns;
    MUST(life_ms != 0);
    cart->expires_at_ns = now_ns + life_ms * NS_PER_MS;
    if (UNLIKELY(cart->position == 0)) {
        if (cart_is_mortal(cart))
            heap_push(&room->deadlines, &owner, cart->expires_at_ns, index);
    } else if (UNLIKELY(cart->expires_at_ns < before_ns) &&
               cart->expires_at_ns < heap_entry_at(&room->deadlines, cart->position).key) {
        heap_update(&room->deadlines, &owner, cart->position, cart->expires_at_ns);
    }
}

void cart_restart_timer(struct cart_room *room, u32 index)
{
    const struct cart *cart = cart_at(room, index);
    const struct heap_owner owner = owner_of(room);
    MUST(cart->position == 0);
    if (cart_is_mortal(cart))
        heap_push(&room->deadlines, &owner, cart->expires_at_ns, index);
}

void cart_touch(struct shard *shard, u32 index, u64 now_ns)
{
    struct cart *cart = cart_at(&shard->carts, index);
    cart->version++;
    cart->changed_at_ns = now_ns;
    cart_renew(shard, index, now_ns);
}

static void drop(struct cart_room *room, u32 index)
{
    struct cart *cart = cart_at(room, index);
    const struct heap_owner owner = owner_of(room);
    MUST(cart_is_mortal(cart));
    heap_remove(&room->deadlines, &owner, cart->position);
    map_remove(&room->map, route_hash_u64(cart->user_id), index); /* a snapshot hears of it first */
    cart_lines_release(room, cart);
    cart_more_release(room, cart);
    pool_release(&room->pool, &index);
    room->counts.expired++;
}

bool cart_expire(struct shard *shard, u64 stamp_ns, u32 *budget)
{
    struct cart_room *room = &shard->carts;
    const struct heap_owner owner = owner_of(room);
    while (heap_count(&room->deadlines) != 0) { /* ends: a key less that is due, each time */
        const struct heap_entry next = heap_top(&room->deadlines);
        const struct cart *cart = cart_at(room, next.item);
        if (next.key > stamp_ns)
            break;
        if (*budget == 0)
            return false;
        *budget -= 1;
        MUST(next.key <= cart->expires_at_ns); /* I3 */
        if (!cart_is_mortal(cart))
            heap_remove(&room->deadlines, &owner,
                        cart->position); /* comes back when it is let go */
        else if (cart->expires_at_ns > stamp_ns)
            heap_update(&room->deadlines, &owner, cart->position, cart->expires_at_ns);
        else
            drop(room, next.item);
    }
    return true;
}

u64 cart_next_deadline_ns(const struct cart_room *room)
{
    return heap_count(&room->deadlines) != 0 ? heap_top(&room->deadlines).key : UINT64_MAX;
}

u32 cart_create(struct cart_room *room, u64 user_id, u64 now_ns)
{
    const u32 index = pool_acquire(&room->pool);
    struct cart *cart = cart_at(room, index);
    MUST(user_id != 0);
    cart->user_id = user_id;
    cart->created_at_ns = now_ns;
    cart->state = CART_STATE_ACTIVE;
    map_insert(&room->map, route_hash_u64(user_id), index);
    return index;
}

/* ---- what few carts have ---- */

struct cart_more *cart_more_make(struct cart_room *room, struct cart *cart)
{
    if (cart->more == NULL) {
        cart->more = arena_acquire(room->arena, sizeof *cart->more);
        memset(cart->more, 0, sizeof *cart->more);
    }
    return cart->more;
}

void cart_more_settle(struct cart_room *room, struct cart *cart)
{
    const struct cart_more *more = cart->more;
    if (more == NULL || more->coupon_count != 0 || more->merge_target != 0 ||
        !id128_is_none(more->order))
        return;
    MUST(more->coupons == NULL && more->report == NULL);
    ARENA_RELEASE(room->arena, cart->more, sizeof *cart->more);
}

void cart_more_release(struct cart_room *room, struct cart *cart)
{
    struct cart_more *more = cart->more;
    if (more == NULL)
        return;
    if (more->coupons != NULL)
        ARENA_RELEASE(room->arena, more->coupons, more->coupon_count * sizeof *more->coupons);
    if (more->report != NULL)
        ARENA_RELEASE(room->arena, more->report, more->report_count * sizeof *more->report);
    ARENA_RELEASE(room->arena, cart->more, sizeof *more);
}

u32 cart_coupon_find(const struct cart *cart, u64 coupon_id)
{
    u32 at = 0;
    while (at < cart_coupon_count(cart) && cart->more->coupons[at].coupon_id != coupon_id)
        at++; /* ends: eight at most */
    return at;
}

void cart_coupon_add(struct cart_room *room, struct cart *cart, const struct row_coupon *coupon)
{
    struct cart_more *more = cart_more_make(room, cart);
    const u32 count = more->coupon_count;
    MUST(count < ORDER_COUPONS_MAX);
    struct row_coupon *coupons = arena_acquire(room->arena, (count + 1) * sizeof *coupons);
    if (count != 0) {
        memcpy(coupons, more->coupons, count * sizeof *coupons);
        arena_release(room->arena, more->coupons, count * sizeof *coupons);
    }
    coupons[count] = *coupon;
    more->coupons = coupons;
    more->coupon_count = (u8)(count + 1);
}

void cart_coupons_keep(struct cart_room *room, struct cart *cart, u32 bits)
{
    struct row_coupon kept[ORDER_COUPONS_MAX];
    struct cart_more *more = cart->more;
    u32 count = 0, claimed = 0;
    if (cart_coupon_count(cart) == 0)
        return;
    for (u32 i = 0; i < more->coupon_count; i++)
        if ((bits >> i & 1) != 0) {
            claimed |= ((u32)more->coupons_claimed >> i & 1) << count;
            kept[count++] = more->coupons[i];
        }
    if (count == more->coupon_count)
        return;
    ARENA_RELEASE(room->arena, more->coupons, more->coupon_count * sizeof *kept);
    more->coupon_count = (u8)count;
    more->coupons_claimed = (u8)claimed;
    if (count != 0) {
        more->coupons = arena_acquire(room->arena, count * sizeof *kept);
        memcpy(more->coupons, kept, count * sizeof *kept);
    }
    cart_more_settle(room, cart);
}
