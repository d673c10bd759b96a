/* settings_index: the questions that pricing asks, answered without a search.
 *
 *      which prices has this SKU?               index of the SKU: up to 12 prices lie in its line; a SKU
 *                                               of more lists is looked up list by list
 *      which lists are for this group?          index of the group: a chain through the lists
 *      which promotions want this coupon?       index of the coupon: a chain through the promotions
 *      which automatic promotions are valid?    settings_window: a row of them, worked out anew only
 *                                               when time has passed a begin or an end
 *
 * A chain, the slots and the window are in the order of precedence: the highest priority, then the
 * lowest id. All of it follows from the settings, so it is neither dumped nor digested.
 *
 * Invariants
 *   I1  each price list is in the chain of its group; each promotion that is on is in the chain of its
 *       coupon or, without one, in a slot; each price is counted by the index of its SKU.
 *   I2  of a SKU's index, count is all its prices and the items are the first 12.
 *   I3  a window of from == until == 0 has no contents.
 * Ownership  one core. Reads may work out the window: it is soft.
 * Failure    no memory is a panic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_INDEX_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_INDEX_H

#include "shards/settings/settings.h"

#define SETTINGS_INDEX_ITEMS 12u

enum settings_index_kind {
    SETTINGS_INDEX_SKU = 1,   /* items: its prices */
    SETTINGS_INDEX_GROUP = 2, /* items[0]: the first list */
    SETTINGS_INDEX_COUPON = 3 /* items[0]: the first promotion */
};

struct settings_index {
    u64 id;
    u32 kind;
    u32 count; /* prices, lists or promotions */
    u32 items[SETTINGS_INDEX_ITEMS];
};
STATIC_CHECK(sizeof(struct settings_index) == 64);

/* An automatic promotion; what decides about its place and time, side by side. */
struct promotion_slot {
    u64 from_ns;
    u64 until_ns; /* UINT64_MAX: always */
    u32 promotion;
    u32 zero0;
};

struct promotion_window {
    u64 from_ns; /* the contents hold from here on */
    u64 until_ns;
    u32 count;
    u32 zero0;
    u32 promotions[];
};

/* NULL: there is nothing of that name. */
const struct settings_index *settings_index_find(const struct settings *settings,
                                                 enum settings_index_kind kind, u64 id);

/* The automatic promotions that are valid at `now_ns`, in order. Borrowed until the next call. */
const struct promotion_window *settings_window(const struct settings *settings, u64 now_ns);

/* Does `a` come before `b`? Two lists, or two promotions. */
bool setting_precedes(const struct setting *a, const struct setting *b);

/* A setting has a new body: before and after. */
void settings_unlink(struct settings *settings, u32 index);
void settings_link(struct settings *settings, u32 index);

void settings_index_deinit(struct settings *settings);

#endif
