/* column_category: the tree of the categories, as nodes that documents point to.
 *
 *      node 1 "home"  <- node 2 "home/lighting"  <- node 3 "home/lighting/lamps"
 *
 * A category that was put (column_category_declare) has the parent that was put. One that only products
 * name has as parent what stands before the last slash of its code, or none. A node is found by its id,
 * souk_id(code); the parent of a node may be known by its id alone until its code is met.
 *
 * Invariants
 *   I1  a node is in the list of children of its parent exactly if it has one.
 *   I2  nodes are never removed. Their numbers are the ordinals of the field "category". Those that products
 *       have left behind go when the columns are made anew: from 65,536 and twice as many as there were on.
 *   I3  who is whose parent is a function of what was declared and of the codes met, not of the order.
 * Failure    a cycle (which the settings refuse) is walked once around: every walk ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_COLUMN_CATEGORY_H
#define SOUK_SHARDS_SEARCH_COLUMN_CATEGORY_H

#include "proto/frame.h"
#include "shards/store/arena.h"
#include "shards/store/map.h"
#include "shards/store/pool.h"

/* More than any path has: codes have at most 256 bytes, declared trees are less deep. */
#define COLUMN_CATEGORY_WALK_MAX 192u

struct column_node {
    u64 category_id;
    u8 *code; /* NULL: known by its id alone */
    u32 parent;
    u32 first_child;
    u32 next; /* of the same parent */
    u32 previous;
    u32 live_count; /* documents of exactly this category */
    u16 code_bytes;
    u8 is_declared;
    u8 zero;
};
STATIC_CHECK(sizeof(struct column_node) == 40);

struct column_tree {
    struct arena *arena;
    struct pool pool;
    struct map map;
    u32 node_end; /* nodes are 1 .. node_end - 1 */
};

void column_tree_init(struct column_tree *tree, struct store_memory *memory, struct arena *arena);
void column_tree_deinit(struct column_tree *tree);
/* Leaves what is in the arena to who owns that. */
void column_tree_drop(struct column_tree *tree);

/* The node of an id, or 0. */
u32 column_category_find(const struct column_tree *tree, u64 category_id);
/* The node of a code, made with all above it if it is new. */
u32 column_category_add(struct column_tree *tree, struct span code);
/* A category was put, or put again elsewhere. parent_id 0: at the top. */
void column_category_declare(struct column_tree *tree, u64 category_id, struct span code,
                             u64 parent_id);

/* Sets the bits (node_end of them, zeroed before) of a node and all below it. */
void column_category_below(const struct column_tree *tree, u32 node, u64 *bits);

bool column_tree_valid(const struct column_tree *tree);

static inline struct column_node *column_node_at(const struct column_tree *tree, u32 node)
{
    return pool_at(&tree->pool, node);
}

#endif
