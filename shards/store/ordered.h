/* ordered: records of a pool in the order of a key, found from any key on.
 *
 * A tree of links that lie in the records themselves: a treap, whose shape follows from the keys and a
 * mix of the records' indexes, so it is balanced on average without anything to keep.
 *
 *                  item 5                  in order:  before ... item ... after
 *                 /      \                 above:     the larger mix of the index
 *          before 7      after 2
 *
 * A key is four numbers, compared one after the other; what is to come first has the smaller one, so
 * that "newest first" is the complement of a time. The owner says where a record has its link and
 * what its key is; the tree stores neither.
 *
 * Invariants
 *   I1  keys of one tree differ; a key does not change while its record is in the tree.
 *   I2  before < item < after; mixes do not grow on the way down.
 *   I3  count is the number of items; a record is in one tree of a link at most.
 * Ownership  the records belong to the caller's pool. One core.
 * Happy path seek from a key: O(log n); the next one: O(1) on average; a page never looks at what is
 *            not on it, whatever was inserted or removed since the page before.
 * Failure    a record that is not in the tree is a panic where that can be seen.
 * Not here   memory; positions by number; the order of equal keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_STORE_ORDERED_H
#define SOUK_SHARDS_STORE_ORDERED_H

#include "proto/base.h"

/* In a record. All zero: not in a tree, or its only item. */
struct ordered_link {
    u32 before; /* everything that comes before is below here; 0 = nothing */
    u32 after;
    u32 above; /* 0 = it is the root */
};

/* All zero is an empty tree. */
struct ordered {
    u32 root;
    u32 count;
};

#define ORDERED_KEY_PARTS 4u
struct ordered_key {
    u64 part[ORDERED_KEY_PARTS];
};

/* What the trees of one kind have in common. */
struct ordered_owner {
    const void *context;
    struct ordered_link *(*link_of)(const void *context, u32 item);
    struct ordered_key (*key_of)(const void *context, u32 item);
};

static inline bool ordered_is_less(const struct ordered_key *a, const struct ordered_key *b)
{
    for (u32 i = 0; i < ORDERED_KEY_PARTS; i++)
        if (a->part[i] != b->part[i])
            return a->part[i] < b->part[i];
    return false;
}

/* The item is in no tree of this link, and no other has its key. */
void ordered_insert(struct ordered *tree, const struct ordered_owner *owner, u32 item);
/* The item is in this tree, under the key that it had. */
void ordered_remove(struct ordered *tree, const struct ordered_owner *owner, u32 item);

/* The first item whose key is greater than `key`; 0 = there is none. The key of all zero comes before
 * every other. */
u32 ordered_seek(const struct ordered *tree, const struct ordered_owner *owner,
                 const struct ordered_key *key);
/* The item after this one, 0 = it is the last. */
u32 ordered_next(const struct ordered_owner *owner, u32 item);
/* The item of a key, 0 = there is none. */
u32 ordered_find(const struct ordered *tree, const struct ordered_owner *owner,
                 const struct ordered_key *key);

/* Walks the tree. */
bool ordered_valid(const struct ordered *tree, const struct ordered_owner *owner);

#endif
