/* dict_tree: the surfaces of a dictionary in order of their bytes, with how frequent they are.
 *
 *      inner   up to 64 children: node, first word below it, greatest rank below it
 *      leaf    up to 64 words in order, with their ranks (dict_rank of their counts)
 *
 * A B+tree. The best words of a prefix are found from the top: of all open nodes, the child with the
 * greatest rank is opened next, the first of several; a word that is reached so is the next best. So
 * the work is one node per level and word found, however many words have the prefix.
 *
 * Invariants
 *   I1  words are in order of their bytes, all leaves are equally deep.
 *   I2  the rank of a child is the greatest of the ranks in it, its word the first in it, exactly.
 *   I3  no node is empty but the root; of two neighbours that half a node could hold, one goes.
 * Ownership  nodes belong to the tree; texts are asked of the dictionary's words. One core.
 * Happy path insert and rank: down to the leaf, some 300 ns to 1 us when the words are not in the cache.
 * Failure    no memory is a panic.
 * Not here   which words are offered: words of rank 0 are passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_TREE_H
#define SOUK_SHARDS_SEARCH_DICT_TREE_H

#include "proto/frame.h"
#include "shards/store/pool.h"

#define DICT_TREE_FANOUT   64u
#define DICT_TREE_LEVELS   8u /* inner nodes on the way to a leaf, at most */
#define DICT_TREE_BEST_MAX 128u

struct dict_tree {
    struct pool inners;
    struct pool leaves;
    const struct pool *words;
    u32 root;   /* a leaf when levels is 0 */
    u32 levels; /* inner nodes above a leaf */
    u32 count;
    u32 reserved;
};

/* `words`: struct dict_word. It must outlive the tree. */
void dict_tree_init(struct dict_tree *tree, struct store_memory *memory, const struct pool *words);
void dict_tree_deinit(struct dict_tree *tree);

/* A word that is not in the tree. */
void dict_tree_insert(struct dict_tree *tree, u32 word, u8 rank);
/* A word that is in the tree. */
void dict_tree_remove(struct dict_tree *tree, u32 word);
void dict_tree_rank(struct dict_tree *tree, u32 word, u8 rank);

/* The words that begin with `prefix`, by (rank from the highest, text), at most `max` of them, which
 * is at most DICT_TREE_BEST_MAX; without those of rank 0. */
u32 dict_tree_best(const struct dict_tree *tree, struct span prefix, u32 *words, u32 max);
/* Those of them that come after `after` (empty: all), by text, at most `max`. */
u32 dict_tree_in_order(const struct dict_tree *tree, struct span prefix, struct span after,
                       u32 *words, u32 max);

/* Walks everything. */
bool dict_tree_valid(const struct dict_tree *tree);

#endif
