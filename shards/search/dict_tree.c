/* dict_tree: a B+tree of words with the greatest rank below every child; see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict_tree.h"

#include "shards/search/dict_word.h"

#define FANOUT     DICT_TREE_FANOUT
#define MERGE_MAX  (FANOUT / 2) /* entries of two neighbours that become one node */
#define INDEX_BITS 6u           /* of a place in a node */

/* What leaves and inner nodes have in common; behind `count` all is 0. */
struct entries {
    u32 count;
    u32 reserved;
    u32 words[FANOUT]; /* of an inner node: the first word below the child */
    u8 ranks[FANOUT];
};

struct inner {
    struct entries entries;
    u32 children[FANOUT];
    u64 heads[FANOUT]; /* of the words, as numbers that order like them */
};
STATIC_CHECK(sizeof(struct entries) == 328);
STATIC_CHECK(sizeof(struct inner) == 1096);
STATIC_CHECK(1u << INDEX_BITS == FANOUT);

/* The way from the root to a leaf. */
struct path {
    u32 nodes[DICT_TREE_LEVELS + 1];
    u32 indexes[DICT_TREE_LEVELS + 1]; /* of the child that is taken; of the leaf: the entry */
};

static struct inner *inner_at(const struct dict_tree *tree, u32 node)
{
    return pool_at_sized(&tree->inners, node, sizeof(struct inner));
}

/* Of a node at a depth: `levels` are inner nodes, the one below is a leaf. */
static struct entries *entries_at(const struct dict_tree *tree, u32 depth, u32 node)
{
    if (depth == tree->levels)
        return pool_at_sized(&tree->leaves, node, sizeof(struct entries));
    return &inner_at(tree, node)->entries;
}

static const struct dict_word *word_of(const struct dict_tree *tree, u32 word)
{
    return dict_word_at(tree->words, word);
}

void dict_tree_init(struct dict_tree *tree, struct store_memory *memory, const struct pool *words)
{
    *tree = (struct dict_tree){.words = words};
    pool_init(&tree->inners, memory, sizeof(struct inner));
    pool_init(&tree->leaves, memory, sizeof(struct entries));
    tree->root = pool_acquire(&tree->leaves);
}

void dict_tree_deinit(struct dict_tree *tree)
{
    pool_deinit(&tree->leaves);
    pool_deinit(&tree->inners);
}

/* ---- finding ----------------------------------------------------------------------------------- */

/* A text to compare words with; its head decides most comparisons. */
struct probe {
    struct span text;
    u64 order;
};

static struct probe probe_of(struct span text)
{
    return (struct probe){text, dict_head_order(dict_head_load(text.data, text.bytes))};
}

static int compare_word(const struct dict_tree *tree, u32 index, const struct probe *probe)
{
    const struct dict_word *word = word_of(tree, index);
    const u64 order = dict_head_order(word->head);
    if (order != probe->order)
        return order < probe->order ? -1 : 1;
    return dict_text_compare(dict_word_text(word), probe->text);
}

static int compare_child(const struct dict_tree *tree, const struct inner *inner, u32 i,
                         const struct probe *probe)
{
    if (inner->heads[i] != probe->order)
        return inner->heads[i] < probe->order ? -1 : 1;
    return compare_word(tree, inner->entries.words[i], probe);
}

/* How many entries come before the probe (`is_after`: or are equal to it). */
static u32 count_before(const struct dict_tree *tree, u32 depth, u32 node,
                        const struct probe *probe, bool is_after)
{
    const struct entries *entries = entries_at(tree, depth, node);
    const struct inner *inner = depth == tree->levels ? NULL : inner_at(tree, node);
    u32 low = 0;
    u32 high = entries->count;
    while (low < high) {
        const u32 middle = (low + high) / 2;
        const int order = inner == NULL ? compare_word(tree, entries->words[middle], probe)
                                        : compare_child(tree, inner, middle, probe);
        if (order < 0 || (is_after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The child that has the probe's place: the last one that does not begin behind it. */
static u32 child_of(const struct dict_tree *tree, u32 depth, u32 node, const struct probe *probe)
{
    const u32 before = count_before(tree, depth, node, probe, true);
    return before == 0 ? 0 : before - 1;
}

/* Goes down to the first entry that is not before the probe (`is_after`: that is behind it), which
 * may be one behind the last of its leaf. */
static void descend(const struct dict_tree *tree, const struct probe *probe, bool is_after,
                    struct path *path)
{
    u32 node = tree->root;
    for (u32 depth = 0; depth < tree->levels; depth++) {
        path->nodes[depth] = node;
        path->indexes[depth] = child_of(tree, depth, node, probe);
        node = inner_at(tree, node)->children[path->indexes[depth]];
    }
    path->nodes[tree->levels] = node;
    path->indexes[tree->levels] = count_before(tree, tree->levels, node, probe, is_after);
}

/* ---- changing ---------------------------------------------------------------------------------- */

static u8 greatest_rank(const struct entries *entries)
{
    u8 greatest = 0;
    for (u32 i = 0; i < FANOUT; i++)
        greatest = MAX(greatest, entries->ranks[i]);
    return greatest;
}

/* Opens a gap of one entry. */
static void open_gap(struct entries *entries, struct inner *inner, u32 at)
{
    const u32 behind = entries->count - at;
    MUST(entries->count < FANOUT);
    memmove(entries->words + at + 1, entries->words + at, behind * sizeof entries->words[0]);
    memmove(entries->ranks + at + 1, entries->ranks + at, behind);
    if (inner != NULL) {
        memmove(inner->children + at + 1, inner->children + at, behind * sizeof inner->children[0]);
        memmove(inner->heads + at + 1, inner->heads + at, behind * sizeof inner->heads[0]);
    }
    entries->count++;
}

static void close_gap(struct entries *entries, struct inner *inner, u32 at)
{
    MUST(at < entries->count);
    const u32 last = --entries->count;
    const u32 behind = last - at;
    memmove(entries->words + at, entries->words + at + 1, behind * sizeof entries->words[0]);
    memmove(entries->ranks + at, entries->ranks + at + 1, behind);
    entries->words[last] = 0;
    entries->ranks[last] = 0;
    if (inner == NULL)
        return;
    memmove(inner->children + at, inner->children + at + 1, behind * sizeof inner->children[0]);
    memmove(inner->heads + at, inner->heads + at + 1, behind * sizeof inner->heads[0]);
    inner->children[last] = 0;
    inner->heads[last] = 0;
}

/* Moves the entries from `at` on behind those of another node of the same depth. */
static void move_entries(const struct dict_tree *tree, u32 depth, u32 from_node, u32 at,
                         u32 to_node)
{
    struct entries *from = entries_at(tree, depth, from_node);
    struct entries *to = entries_at(tree, depth, to_node);
    const u32 count = from->count - at;
    MUST(to->count + count <= FANOUT);
    memcpy(to->words + to->count, from->words + at, count * sizeof to->words[0]);
    memcpy(to->ranks + to->count, from->ranks + at, count);
    memset(from->words + at, 0, count * sizeof from->words[0]);
    memset(from->ranks + at, 0, count);
    if (depth != tree->levels) {
        struct inner *source = inner_at(tree, from_node);
        struct inner *target = inner_at(tree, to_node);
        memcpy(target->children + to->count, source->children + at,
               count * sizeof target->children[0]);
        memcpy(target->heads + to->count, source->heads + at, count * sizeof target->heads[0]);
        memset(source->children + at, 0, count * sizeof source->children[0]);
        memset(source->heads + at, 0, count * sizeof source->heads[0]);
    }
    to->count += count;
    from->count -= count;
}

/* What the parent says about its child. */
static void describe_child(const struct dict_tree *tree, u32 depth, u32 parent, u32 index)
{
    struct inner *inner = inner_at(tree, parent);
    const struct entries *entries = entries_at(tree, depth + 1, inner->children[index]);
    inner->entries.words[index] = entries->words[0];
    inner->entries.ranks[index] = greatest_rank(entries);
    inner->heads[index] = dict_head_order(word_of(tree, entries->words[0])->head);
}

/* Describes the children of a path anew, from the leaf upwards. */
static void describe_path(const struct dict_tree *tree, const struct path *path)
{
    for (u32 depth = tree->levels; depth-- > 0;)
        describe_child(tree, depth, path->nodes[depth], path->indexes[depth]);
}

static u32 acquire_node(struct dict_tree *tree, u32 depth)
{
    return pool_acquire(depth == tree->levels ? &tree->leaves : &tree->inners);
}

/* A new root above the old one. */
static void grow_root(struct dict_tree *tree, struct path *path)
{
    MUST(tree->levels < DICT_TREE_LEVELS);
    const u32 root = pool_acquire(&tree->inners);
    for (u32 depth = tree->levels + 1; depth > 0; depth--) {
        path->nodes[depth] = path->nodes[depth - 1];
        path->indexes[depth] = path->indexes[depth - 1];
    }
    tree->levels++;
    inner_at(tree, root)->children[0] = tree->root;
    inner_at(tree, root)->entries.count = 1;
    tree->root = root;
    path->nodes[0] = root;
    path->indexes[0] = 0;
    describe_child(tree, 0, root, 0);
}

/* Makes room in the full node at a depth of the path; its parent has room. */
static void split_node(struct dict_tree *tree, struct path *path, u32 depth)
{
    const u32 left = path->nodes[depth];
    const u32 parent = path->nodes[depth - 1];
    const u32 index = path->indexes[depth - 1];
    const u32 right = acquire_node(tree, depth);
    move_entries(tree, depth, left, FANOUT / 2, right);
    struct inner *inner = inner_at(tree, parent);
    open_gap(&inner->entries, inner, index + 1);
    inner->children[index + 1] = right;
    describe_child(tree, depth - 1, parent, index);
    describe_child(tree, depth - 1, parent, index + 1);
    if (path->indexes[depth] > FANOUT / 2 ||
        (path->indexes[depth] == FANOUT / 2 && depth != tree->levels)) {
        path->indexes[depth - 1]++;
        path->nodes[depth] = right;
        path->indexes[depth] -= FANOUT / 2;
    }
}

void dict_tree_insert(struct dict_tree *tree, u32 word, u8 rank)
{
    struct path path = {0};
    const struct probe probe = probe_of(dict_word_text(word_of(tree, word)));
    descend(tree, &probe, false, &path);
    if (entries_at(tree, 0, tree->root)->count == FANOUT)
        grow_root(tree, &path);
    for (u32 depth = 1; depth <= tree->levels; depth++)
        if (entries_at(tree, depth, path.nodes[depth])->count == FANOUT)
            split_node(tree, &path, depth);
    struct entries *leaf = entries_at(tree, tree->levels, path.nodes[tree->levels]);
    const u32 at = path.indexes[tree->levels];
    MUST(at == leaf->count || leaf->words[at] != word);
    open_gap(leaf, NULL, at);
    leaf->words[at] = word;
    leaf->ranks[at] = rank;
    tree->count++;
    describe_path(tree, &path);
}

/* The way to a word that is in the tree. */
static struct entries *find_word(const struct dict_tree *tree, u32 word, struct path *path)
{
    const struct probe probe = probe_of(dict_word_text(word_of(tree, word)));
    descend(tree, &probe, false, path);
    struct entries *leaf = entries_at(tree, tree->levels, path->nodes[tree->levels]);
    const u32 at = path->indexes[tree->levels];
    MUST(at < leaf->count && leaf->words[at] == word);
    return leaf;
}

void dict_tree_rank(struct dict_tree *tree, u32 word, u8 rank)
{
    struct path path;
    struct entries *leaf = find_word(tree, word, &path);
    leaf->ranks[path.indexes[tree->levels]] = rank;
    describe_path(tree, &path);
}

static void release_node(struct dict_tree *tree, u32 depth, u32 node)
{
    MUST(entries_at(tree, depth, node)->count == 0);
    pool_release(depth == tree->levels ? &tree->leaves : &tree->inners, &node);
}

/* Takes the child away from its parent. */
static void drop_child(struct dict_tree *tree, u32 depth, u32 parent, u32 index)
{
    struct inner *inner = inner_at(tree, parent);
    release_node(tree, depth + 1, inner->children[index]);
    close_gap(&inner->entries, inner, index);
}

/* Two neighbours below `parent` become one if they are sparse. */
static void merge_children(struct dict_tree *tree, u32 depth, u32 parent, u32 left)
{
    struct inner *inner = inner_at(tree, parent);
    if (left + 1 >= inner->entries.count)
        return;
    const u32 a = inner->children[left];
    const u32 b = inner->children[left + 1];
    if (entries_at(tree, depth + 1, a)->count + entries_at(tree, depth + 1, b)->count > MERGE_MAX)
        return;
    move_entries(tree, depth + 1, b, 0, a);
    drop_child(tree, depth, parent, left + 1);
    describe_child(tree, depth, parent, left);
}

void dict_tree_remove(struct dict_tree *tree, u32 word)
{
    struct path path;
    struct entries *leaf = find_word(tree, word, &path);
    close_gap(leaf, NULL, path.indexes[tree->levels]);
    tree->count--;
    for (u32 depth = tree->levels; depth-- > 0;) {
        const u32 parent = path.nodes[depth];
        const u32 index = path.indexes[depth];
        if (entries_at(tree, depth + 1, path.nodes[depth + 1])->count == 0) {
            drop_child(tree, depth, parent, index);
            continue;
        }
        describe_child(tree, depth, parent, index);
        merge_children(tree, depth, parent, index);
        if (index > 0)
            merge_children(tree, depth, parent, index - 1);
    }
    while (tree->levels > 0 && inner_at(tree, tree->root)->entries.count <= 1) {
        struct inner *old = inner_at(tree, tree->root);
        u32 root = tree->root;
        MUST(old->entries.count == 1);
        tree->root = old->children[0];
        tree->levels--;
        pool_release(&tree->inners, &root);
    }
}

/* ---- the best words of a prefix ---------------------------------------------------------------- */

/* A node that has been opened, and its best entry that was not taken yet. The key orders by the
 * entry's rank, then by its place in the whole tree. */
struct open_node {
    u64 key;
    u32 node;
    u8 depth;
    u8 index;
    u8 low; /* entries that may have the prefix: from low up to high */
    u8 high;
    bool is_left; /* the prefix may begin inside of entry `low`, or end inside of high - 1 */
    bool is_right;
};

#define OPEN_MAX (DICT_TREE_BEST_MAX * (DICT_TREE_LEVELS + 1) + 4 * (DICT_TREE_LEVELS + 1))

struct best_search {
    const struct dict_tree *tree;
    struct probe prefix;
    u32 count;
    struct open_node open[OPEN_MAX]; /* a heap, the greatest key first */
};

static bool has_prefix(const struct dict_tree *tree, u32 word, struct span prefix)
{
    const struct span text = dict_word_text(word_of(tree, word));
    return text.bytes >= prefix.bytes &&
           (prefix.bytes == 0 || memcmp(text.data, prefix.data, prefix.bytes) == 0);
}

/* How many entries do not come behind all words that have the prefix. */
static u32 count_until(const struct dict_tree *tree, u32 depth, u32 node,
                       const struct probe *prefix)
{
    const struct entries *entries = entries_at(tree, depth, node);
    u32 low = 0;
    u32 high = entries->count;
    while (low < high) {
        const u32 middle = (low + high) / 2;
        if (compare_word(tree, entries->words[middle], prefix) <= 0 ||
            has_prefix(tree, entries->words[middle], prefix->text))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void push_open(struct best_search *search, struct open_node open)
{
    MUST(search->count < OPEN_MAX);
    u32 at = search->count++;
    while (at > 0 && search->open[(at - 1) / 2].key < open.key) {
        search->open[at] = search->open[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    search->open[at] = open;
}

static struct open_node pop_open(struct best_search *search)
{
    const struct open_node best = search->open[0];
    const struct open_node last = search->open[--search->count];
    u32 at = 0;
    for (u32 child = 1; child < search->count; child = 2 * at + 1) {
        if (child + 1 < search->count && search->open[child + 1].key > search->open[child].key)
            child++;
        if (search->open[child].key <= last.key)
            break;
        search->open[at] = search->open[child];
        at = child;
    }
    search->open[at] = last;
    return best;
}

/* Pushes the node with its best entry after (rank, index) in the order of ranks, if there is one;
 * `path` is the node's place. */
static void push_next(struct best_search *search, struct open_node open, u64 path, u32 rank,
                      i32 index)
{
    const struct entries *entries = entries_at(search->tree, open.depth, open.node);
    u32 best = 0; /* rank, then the complement of the index */
    const u32 limit = rank << 8 | (u32)(255 - index);
    for (u32 i = open.low; i < open.high; i++) {
        const u32 value = (u32)entries->ranks[i] << 8 | (255 - i);
        best = value < limit && value > best ? value : best;
    }
    if (best >> 8 == 0)
        return;
    open.index = (u8)(255 - (best & 255));
    const u32 shift = INDEX_BITS * (DICT_TREE_LEVELS - open.depth);
    const u64 place = path | (u64)open.index << shift;
    open.key = (u64)(best >> 8) << 56 | (~place & ((1ull << 56) - 1));
    push_open(search, open);
}

/* Opens a node that lies at the beginning or at the end of what has the prefix, or between. */
static void open_node(struct best_search *search, u32 depth, u32 node, u64 path, bool is_left,
                      bool is_right)
{
    const struct dict_tree *tree = search->tree;
    const bool is_leaf = depth == tree->levels;
    struct open_node open = {.node = node,
                             .depth = (u8)depth,
                             .high = (u8)entries_at(tree, depth, node)->count,
                             .is_left = is_left,
                             .is_right = is_right};
    if (is_left)
        open.low = (u8)(is_leaf ? count_before(tree, depth, node, &search->prefix, false)
                                : child_of(tree, depth, node, &search->prefix));
    if (is_right)
        open.high = (u8)count_until(tree, depth, node, &search->prefix);
    push_next(search, open, path, 256, 0);
}

u32 dict_tree_best(const struct dict_tree *tree, struct span prefix, u32 *words, u32 max)
{
    struct best_search search;
    search.tree = tree;
    search.prefix = probe_of(prefix);
    search.count = 0;
    u32 found = 0;
    MUST(max <= DICT_TREE_BEST_MAX);
    open_node(&search, 0, tree->root, 0, prefix.bytes != 0, prefix.bytes != 0);
    while (search.count != 0 && found < max) {
        const struct open_node open = pop_open(&search);
        const struct entries *entries = entries_at(tree, open.depth, open.node);
        const u64 place = ~open.key & ((1ull << 56) - 1);
        const u32 shift = INDEX_BITS * (DICT_TREE_LEVELS - open.depth);
        push_next(&search, open, place & ~(((u64)FANOUT - 1) << shift), (u32)(open.key >> 56),
                  open.index);
        if (open.depth == tree->levels)
            words[found++] = entries->words[open.index];
        else
            open_node(&search, open.depth + 1u, inner_at(tree, open.node)->children[open.index],
                      place, open.is_left && open.index == open.low,
                      open.is_right && open.index + 1 == open.high);
    }
    return found;
}

/* ---- the words of a prefix in order ------------------------------------------------------------ */

/* Goes to the first entry of the next leaf. False: that was the last. */
static bool next_leaf(const struct dict_tree *tree, struct path *path)
{
    u32 depth = tree->levels;
    while (depth > 0 && path->indexes[depth - 1] + 1 ==
                            entries_at(tree, depth - 1, path->nodes[depth - 1])->count)
        depth--;
    if (depth == 0)
        return false;
    path->indexes[depth - 1]++;
    for (; depth <= tree->levels; depth++) {
        path->nodes[depth] =
            inner_at(tree, path->nodes[depth - 1])->children[path->indexes[depth - 1]];
        path->indexes[depth] = 0;
    }
    return true;
}

u32 dict_tree_in_order(const struct dict_tree *tree, struct span prefix, struct span after,
                       u32 *words, u32 max)
{
    const bool is_after = after.bytes != 0 && dict_text_compare(after, prefix) >= 0;
    const struct probe from = probe_of(is_after ? after : prefix);
    struct path path;
    u32 found = 0;
    descend(tree, &from, is_after, &path);
    do {
        const struct entries *leaf = entries_at(tree, tree->levels, path.nodes[tree->levels]);
        for (u32 i = path.indexes[tree->levels]; i < leaf->count; i++) {
            if (found == max || !has_prefix(tree, leaf->words[i], prefix))
                return found;
            if (leaf->ranks[i] != 0)
                words[found++] = leaf->words[i];
        }
    } while (next_leaf(tree, &path));
    return found;
}

/* ---- validity ---------------------------------------------------------------------------------- */

static bool is_node_valid(const struct dict_tree *tree, u32 depth, u32 node)
{
    const struct entries *entries = entries_at(tree, depth, node);
    if (entries->count > FANOUT || (entries->count == 0 && tree->count != 0))
        return false;
    for (u32 i = entries->count; i < FANOUT; i++)
        if (entries->words[i] != 0 || entries->ranks[i] != 0)
            return false;
    for (u32 i = 0; depth < tree->levels && i < entries->count; i++) {
        const struct inner *inner = inner_at(tree, node);
        const struct entries *below = entries_at(tree, depth + 1, inner->children[i]);
        if (entries->words[i] != below->words[0] || entries->ranks[i] != greatest_rank(below) ||
            inner->heads[i] != dict_head_order(word_of(tree, below->words[0])->head))
            return false;
    }
    return true;
}

bool dict_tree_valid(const struct dict_tree *tree)
{
    struct path path = {0};
    u32 count = 0;
    u32 node_count = 0;
    u32 last = 0;
    path.nodes[0] = tree->root;
    for (u32 depth = 1; depth <= tree->levels; depth++)
        path.nodes[depth] = inner_at(tree, path.nodes[depth - 1])->children[0];
    do {
        for (u32 depth = 0; depth <= tree->levels; depth++) {
            bool is_first = true; /* seen with its first leaf only */
            for (u32 below = depth; below < tree->levels; below++)
                is_first &= path.indexes[below] == 0;
            node_count += is_first;
            if (is_first && !is_node_valid(tree, depth, path.nodes[depth]))
                return false;
        }
        const struct entries *leaf = entries_at(tree, tree->levels, path.nodes[tree->levels]);
        for (u32 i = 0; i < leaf->count; i++, count++) {
            if (last != 0 &&
                dict_word_compare(word_of(tree, last), word_of(tree, leaf->words[i])) >= 0)
                return false;
            last = leaf->words[i];
        }
    } while (next_leaf(tree, &path));
    return count == tree->count &&
           pool_count(&tree->leaves) + pool_count(&tree->inners) == node_count;
}
