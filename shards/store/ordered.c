/* ordered: see shards/store/ordered.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/ordered.h"

/* What decides who is above whom: a bijection of 32 bits, so no two records have the same. */
static u32 mix_of(u32 item)
{
    u32 x = item * 0x9E3779B1u;
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

static struct ordered_link *link_of(const struct ordered_owner *owner, u32 item)
{
    return owner->link_of(owner->context, item);
}

/* Where the number of an item stands in the tree. */
static u32 *slot_of(struct ordered *tree, const struct ordered_owner *owner, u32 item)
{
    const u32 above = link_of(owner, item)->above;
    if (above == 0)
        return &tree->root;
    struct ordered_link *link = link_of(owner, above);
    return link->before == item ? &link->before : &link->after;
}

/* Changes places with the one above, keeping the order. */
static void lift(struct ordered *tree, const struct ordered_owner *owner, u32 item)
{
    struct ordered_link *link = link_of(owner, item);
    const u32 sunk = link->above;
    struct ordered_link *above = link_of(owner, sunk);
    MUST(above->before == item || above->after == item);
    u32 *slot = slot_of(tree, owner, sunk);
    u32 moved;
    link->above = above->above;
    above->above = item;
    if (above->before == item) {
        moved = link->after;
        above->before = moved;
        link->after = sunk;
    } else {
        moved = link->before;
        above->after = moved;
        link->before = sunk;
    }
    if (moved != 0)
        link_of(owner, moved)->above = sunk;
    *slot = item;
}

void ordered_insert(struct ordered *tree, const struct ordered_owner *owner, u32 item)
{
    const struct ordered_key key = owner->key_of(owner->context, item);
    struct ordered_link *link = link_of(owner, item);
    u32 *slot = &tree->root;
    u32 above = 0;
    MUST(item != 0);
    MUST(link->before == 0 && link->after == 0 && link->above == 0); /* I3 */
    while (*slot != 0) { /* ends: a level further down */
        const struct ordered_key other = owner->key_of(owner->context, *slot);
        struct ordered_link *at = link_of(owner, *slot);
        above = *slot;
        slot = ordered_is_less(&key, &other) ? &at->before : &at->after;
    }
    *slot = item;
    link->above = above;
    while (link->above != 0 && mix_of(link->above) < mix_of(item))
        lift(tree, owner, item); /* ends: a level further up each time */
    tree->count++;
}

void ordered_remove(struct ordered *tree, const struct ordered_owner *owner, u32 item)
{
    struct ordered_link *link = link_of(owner, item);
    MUST(item != 0 && tree->count != 0);
    MUST(*slot_of(tree, owner, item) == item);
    while (link->before != 0 && link->after != 0) /* ends: a level further down each time */
        lift(tree, owner, mix_of(link->before) > mix_of(link->after) ? link->before : link->after);
    const u32 child = link->before != 0 ? link->before : link->after;
    *slot_of(tree, owner, item) = child;
    if (child != 0)
        link_of(owner, child)->above = link->above;
    *link = (struct ordered_link){0};
    tree->count--;
    MUST((tree->count == 0) == (tree->root == 0)); /* I3 */
}

u32 ordered_seek(const struct ordered *tree, const struct ordered_owner *owner,
                 const struct ordered_key *key)
{
    u32 found = 0;
    u32 at = tree->root;
    while (at != 0) { /* ends: a level further down each time */
        const struct ordered_key other = owner->key_of(owner->context, at);
        if (ordered_is_less(key, &other)) {
            found = at;
            at = link_of(owner, at)->before;
        } else {
            at = link_of(owner, at)->after;
        }
    }
    return found;
}

u32 ordered_next(const struct ordered_owner *owner, u32 item)
{
    const struct ordered_link *link = link_of(owner, item);
    if (link->after != 0) {
        item = link->after;
        for (u32 first; (first = link_of(owner, item)->before) != 0;) /* ends: downwards */
            item = first;
        return item;
    }
    while (link->above != 0 && link_of(owner, link->above)->after == item) { /* ends: upwards */
        item = link->above;
        link = link_of(owner, item);
    }
    return link->above;
}

u32 ordered_find(const struct ordered *tree, const struct ordered_owner *owner,
                 const struct ordered_key *key)
{
    u32 at = tree->root;
    while (at != 0) { /* ends: a level further down each time */
        const struct ordered_key other = owner->key_of(owner->context, at);
        if (ordered_is_less(key, &other))
            at = link_of(owner, at)->before;
        else if (ordered_is_less(&other, key))
            at = link_of(owner, at)->after;
        else
            break;
    }
    return at;
}

/* What I2 says about an item and those right below it. */
static bool item_valid(const struct ordered_owner *owner, u32 item)
{
    const struct ordered_link *link = link_of(owner, item);
    const u32 below[2] = {link->before, link->after};
    for (u32 i = 0; i < 2; i++)
        if (below[i] != 0 &&
            (link_of(owner, below[i])->above != item || mix_of(below[i]) > mix_of(item)))
            return false;
    return true;
}

bool ordered_valid(const struct ordered *tree, const struct ordered_owner *owner)
{
    const struct ordered_key least = {{0}};
    struct ordered_key last = least;
    u32 count = 0;
    if (tree->root != 0 && link_of(owner, tree->root)->above != 0)
        return false;
    for (u32 at = ordered_seek(tree, owner, &least); at != 0; at = ordered_next(owner, at)) {
        const struct ordered_key key = owner->key_of(owner->context, at);
        if (!item_valid(owner, at) || !ordered_is_less(&last, &key) || ++count > tree->count)
            return false;
        last = key;
    }
    return count == tree->count;
}
