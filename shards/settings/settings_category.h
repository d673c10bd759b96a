/* settings_category: the tree of the declared categories.
 *
 *      setting_category(s)->parent_id     what was put
 *      settings->top_categories           the first child of nothing, then by `next`
 *      setting.first_child, child_count   of a category; siblings by position, then name, then id
 *
 * A category's parent is declared before it, by the same home, so it is there wherever the category is.
 * Categories that only products name are not in this tree: what stands before the last slash of their
 * code is their parent.
 *
 * Invariants
 *   I1  a category is in the list of its parent's children, or of those at the top, in order.
 *   I2  no category is below itself, and none is deeper than CATEGORY_DEPTH_MAX.
 * Ownership  derived, one core; neither dumped nor digested.
 * Failure    CATEGORY_CYCLE at the home shard, before a version is given. What a snapshot brings is
 *            judged when all has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_CATEGORY_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_CATEGORY_H

#include "shards/settings/settings.h"

/* Index of a declared category, or 0. */
u32 category_find(const struct settings *settings, u64 category_id);
/* The category above: as put, or of an undeclared one by its code; 0 = it is at the top. */
u64 category_parent(const struct settings *settings, u64 category_id, struct span code);
/* Its children, or those at the top: the first one, then setting->next. */
u32 category_first_child(const struct settings *settings, u64 category_id);
/* Names from the top down to it, a line each; the bytes written to `to`, at most `capacity`. */
u32 category_path(const struct settings *settings, u32 index, u8 *to, u32 capacity);

/* May this be put, as things are? STATUS_OK, NOT_FOUND (of the parent) or CATEGORY_CYCLE. */
u16 category_refusal(const struct settings *settings, u32 index,
                     const struct msg_category_put_req *put);

/* A category has a new body: before and after. */
void category_unlink(struct settings *settings, u32 index);
void category_link(struct settings *settings, u32 index);
/* Are all categories of a load in a tree? */
const char *category_tree_invalid(const struct settings *settings);

#endif
