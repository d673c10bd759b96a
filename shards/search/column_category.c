/* column_category: see column_category.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/column_category.h"

#include <string.h>

#include "proto/id.h"
#include "proto/limits.h"

STATIC_CHECK(COLUMN_CATEGORY_WALK_MAX > CATEGORY_BYTES_MAX / 2 + CATEGORY_DEPTH_MAX);

static u64 hash_of_node(const void *context, u32 index)
{
    const struct column_tree *tree = context;
    return column_node_at(tree, index)->category_id;
}

static bool node_equal(const void *context, u32 index, const void *key)
{
    const struct column_tree *tree = context;
    return column_node_at(tree, index)->category_id == *(const u64 *)key;
}

void column_tree_init(struct column_tree *tree, struct store_memory *memory, struct arena *arena)
{
    *tree = (struct column_tree){.arena = arena, .node_end = 1};
    pool_init(&tree->pool, memory, sizeof(struct column_node));
    map_init(&tree->map, memory, (struct map_records){.context = tree, .hash_of = hash_of_node});
}

void column_tree_deinit(struct column_tree *tree)
{
    for (u32 node = 1; node < tree->node_end; node++) {
        struct column_node *record = column_node_at(tree, node);
        if (record->code != NULL)
            arena_release(tree->arena, record->code, record->code_bytes);
    }
    column_tree_drop(tree);
}

void column_tree_drop(struct column_tree *tree)
{
    map_deinit(&tree->map);
    pool_deinit(&tree->pool);
}

u32 column_category_find(const struct column_tree *tree, u64 category_id)
{
    return map_find(&tree->map, category_id, node_equal, tree, &category_id);
}

static u32 find_or_make(struct column_tree *tree, u64 category_id)
{
    u32 node = column_category_find(tree, category_id);
    if (node != 0)
        return node;
    node = pool_acquire(&tree->pool);
    MUST(node == tree->node_end);
    tree->node_end++;
    column_node_at(tree, node)->category_id = category_id;
    map_insert(&tree->map, category_id, node);
    return node;
}

static void unlink_node(struct column_tree *tree, u32 node)
{
    struct column_node *record = column_node_at(tree, node);
    if (record->parent == 0)
        return;
    if (record->previous != 0)
        column_node_at(tree, record->previous)->next = record->next;
    else
        column_node_at(tree, record->parent)->first_child = record->next;
    if (record->next != 0)
        column_node_at(tree, record->next)->previous = record->previous;
    record->parent = record->next = record->previous = 0;
}

static void link_node(struct column_tree *tree, u32 node, u32 parent)
{
    struct column_node *record = column_node_at(tree, node);
    unlink_node(tree, node);
    if (parent == 0 || parent == node)
        return;
    struct column_node *above = column_node_at(tree, parent);
    record->parent = parent;
    record->next = above->first_child;
    if (record->next != 0)
        column_node_at(tree, record->next)->previous = node;
    above->first_child = node;
}

static void set_code(struct column_tree *tree, u32 node, struct span code)
{
    struct column_node *record = column_node_at(tree, node);
    if (record->code != NULL || code.bytes == 0)
        return; /* an id has one code for ever */
    record->code = arena_acquire(tree->arena, code.bytes);
    record->code_bytes = (u16)code.bytes;
    memcpy(record->code, code.data, code.bytes);
}

/* What stands before the last slash; empty without one. */
static struct span code_above(struct span code)
{
    while (code.bytes != 0 && code.data[code.bytes - 1] != '/')
        code.bytes--;
    if (code.bytes != 0)
        code.bytes--;
    return code;
}

u32 column_category_add(struct column_tree *tree, struct span code)
{
    MUST(code.bytes > 0 && code.bytes <= UINT16_MAX);
    u32 first = 0, below = 0;
    while (code.bytes != 0) { /* ends: it gets shorter */
        const u32 node = find_or_make(tree, id_from_code(code.data, code.bytes));
        const struct column_node *record = column_node_at(tree, node);
        const bool is_new = record->code == NULL;
        set_code(tree, node, code);
        if (below != 0)
            link_node(tree, below, node);
        first = first == 0 ? node : first;
        if (!is_new || record->is_declared)
            break; /* it knows those above */
        below = node;
        code = code_above(code);
    }
    return first;
}

void column_category_declare(struct column_tree *tree, u64 category_id, struct span code,
                             u64 parent_id)
{
    MUST(category_id != 0);
    const u32 node = find_or_make(tree, category_id);
    const u32 parent = parent_id == 0 ? 0 : find_or_make(tree, parent_id);
    set_code(tree, node, code);
    column_node_at(tree, node)->is_declared = 1;
    link_node(tree, node, parent);
}

/* The first of a list of siblings without its bit; 0: there is none. */
static u32 first_new(const struct column_tree *tree, u32 node, const u64 *bits)
{
    while (node != 0 && (bits[node / 64] >> node % 64 & 1) != 0) /* ends: a list of siblings */
        node = column_node_at(tree, node)->next;
    return node;
}

void column_category_below(const struct column_tree *tree, u32 node, u64 *bits)
{
    u32 at = node;
    bits[at / 64] |= 1ull << at % 64;
    for (;;) { /* ends: each round sets a bit, and what has its bit has been gone through */
        u32 next = first_new(tree, column_node_at(tree, at)->first_child, bits);
        while (next == 0 && at != node) { /* ends: it came down this way */
            next = first_new(tree, column_node_at(tree, at)->next, bits);
            at = column_node_at(tree, at)->parent;
        }
        if (next == 0)
            return;
        at = next;
        bits[at / 64] |= 1ull << at % 64;
    }
}

bool column_tree_valid(const struct column_tree *tree)
{
    u32 linked = 0, with_parent = 0;
    for (u32 node = 1; node < tree->node_end; node++) {
        const struct column_node *record = column_node_at(tree, node);
        with_parent += record->parent != 0;
        for (u32 child = record->first_child, before = 0; child != 0;) {
            const struct column_node *below = column_node_at(tree, child);
            if (below->parent != node || below->previous != before || ++linked >= tree->node_end)
                return false;
            before = child;
            child = below->next;
        }
    }
    return linked == with_parent && map_valid(&tree->map);
}
