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
 *   I2  the rank of a child is the greatest of the ranks in it, exactly.
 *   I3  no node is empty but the root.
 * Ownership  nodes belong to the tree; texts are asked of the dictionary by word.
 * Failure    no memory is a panic.
 * Not here   joining of nodes that have become sparse: words come and go in the same places.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_DICT_TREE_H
#define SOUK_SHARDS_SEARCH_DICT_TREE_H

#include "shards/store/pool.h"

#define DICT_TREE_FANOUT 64u
#define DICT_TREE_LEVELS 6u

struct dict_tree {
    struct pool inners;
    struct pool leaves;
    u32 root;
    u32 levels; /* inner nodes above a leaf */
    u32 count;
    u32 reserved;
};

#endif
