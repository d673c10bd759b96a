/* settings_index: see shards/settings/settings_index.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings_index.h"

#include <string.h>

#include "proto/checksum.h"
#include "shards/settings/settings_category.h"

#define SLOTS_MIN 16u

struct index_name {
    u64 id;
    u64 kind;
};

static u64 hash_of_name(const struct index_name *name)
{
    return checksum64(name, sizeof *name);
}

static struct settings_index *index_at(const struct settings *settings, u32 index)
{
    return pool_at_sized(&settings->index_pool, index, sizeof(struct settings_index));
}

static bool index_equal(const void *context, u32 index, const void *key)
{
    const struct index_name *name = key;
    const struct settings_index *is = index_at(context, index);
    return is->id == name->id && is->kind == name->kind;
}

static struct settings_index *find(const struct settings *settings, const struct index_name *name)
{
    const u32 index =
        map_find(&settings->index_map, hash_of_name(name), index_equal, settings, name);
    return index != 0 ? index_at(settings, index) : NULL;
}

const struct settings_index *settings_index_find(const struct settings *settings,
                                                 enum settings_index_kind kind, u64 id)
{
    return find(settings, &(const struct index_name){.id = id, .kind = kind});
}

static struct settings_index *find_or_create(struct settings *settings,
                                             enum settings_index_kind kind, u64 id)
{
    const struct index_name name = {.id = id, .kind = kind};
    struct settings_index *is = find(settings, &name);
    if (is != NULL)
        return is;
    const u32 index = pool_acquire(&settings->index_pool);
    is = index_at(settings, index);
    is->id = id;
    is->kind = (u32)kind;
    map_insert(&settings->index_map, hash_of_name(&name), index);
    return is;
}

/* ---- order ---- */

static u32 priority_of(const struct setting *setting)
{
    return setting->kind == SETTING_KIND_PRICE_LIST ? setting_list(setting)->priority
                                                    : setting_promotion(setting)->priority;
}

bool setting_precedes(const struct setting *a, const struct setting *b)
{
    const u32 left = priority_of(a), right = priority_of(b);
    MUST(a->kind == b->kind);
    return left != right ? left > right : a->home_id < b->home_id;
}

/* ---- chains ---- */

static void chain_insert(struct settings *settings, enum settings_index_kind kind, u64 id,
                         u32 index)
{
    struct settings_index *is = find_or_create(settings, kind, id);
    struct setting *setting = setting_at(settings, index);
    u32 *link = &is->items[0];
    while (*link != 0 && setting_precedes(setting_at(settings, *link), setting))
        link = &setting_at(settings, *link)->next;
    setting->next = *link;
    *link = index;
    is->count++;
}

static void chain_remove(struct settings *settings, enum settings_index_kind kind, u64 id,
                         u32 index)
{
    struct settings_index *is = find(settings, &(const struct index_name){.id = id, .kind = kind});
    struct setting *setting = setting_at(settings, index);
    MUST(is != NULL && is->count != 0);
    u32 *link = &is->items[0];
    while (*link != index) {
        MUST(*link != 0);
        link = &setting_at(settings, *link)->next;
    }
    *link = setting->next;
    setting->next = 0;
    is->count--;
}

/* ---- automatic promotions ---- */

static u64 window_bytes(u32 capacity)
{
    return sizeof(struct promotion_window) + (u64)capacity * sizeof(u32);
}

static void window_forget(struct settings *settings)
{
    if (settings->window != NULL)
        *settings->window = (struct promotion_window){0};
}

/* Chunks of their own and not the arena: nothing bounds how many homes switch promotions on before
 * they hear of each other. */
static void release_slots(struct settings *settings)
{
    const u32 capacity = settings->automatic_capacity;
    if (capacity == 0)
        return;
    store_memory_release(settings->memory, settings->automatic,
                         (u64)capacity * sizeof *settings->automatic);
    store_memory_release(settings->memory, settings->window, window_bytes(capacity));
}

static void grow_slots(struct settings *settings)
{
    const u32 capacity = MAX(settings->automatic_capacity * 2, SLOTS_MIN);
    struct promotion_slot *slots =
        store_memory_acquire(settings->memory, (u64)capacity * sizeof *slots);
    if (settings->automatic_count != 0)
        memcpy(slots, settings->automatic, settings->automatic_count * sizeof *slots);
    release_slots(settings);
    settings->automatic = slots;
    settings->window = store_memory_acquire(settings->memory, window_bytes(capacity));
    settings->automatic_capacity = capacity;
}

static u64 until_of(const struct msg_promotion_put_req *promotion)
{
    return promotion->valid_until_ns != 0 ? promotion->valid_until_ns : UINT64_MAX;
}

static void slot_insert(struct settings *settings, u32 index)
{
    const struct setting *setting = setting_at(settings, index);
    const struct msg_promotion_put_req *promotion = setting_promotion(setting);
    if (settings->automatic_count == settings->automatic_capacity)
        grow_slots(settings);
    struct promotion_slot *slots = settings->automatic;
    u32 at = settings->automatic_count++;
    while (at > 0 && setting_precedes(setting, setting_at(settings, slots[at - 1].promotion))) {
        slots[at] = slots[at - 1];
        at--;
    }
    slots[at] = (struct promotion_slot){
        .from_ns = promotion->valid_from_ns, .until_ns = until_of(promotion), .promotion = index};
    window_forget(settings);
}

static void slot_remove(struct settings *settings, u32 index)
{
    struct promotion_slot *slots = settings->automatic;
    u32 at = 0;
    while (at < settings->automatic_count && slots[at].promotion != index)
        at++;
    MUST(at < settings->automatic_count);
    settings->automatic_count--;
    memmove(slots + at, slots + at + 1, (settings->automatic_count - at) * sizeof *slots);
    window_forget(settings);
}

/* Between two neighbouring begins and ends of all slots, the same ones are valid. */
static void window_fill(const struct settings *settings, u64 now_ns)
{
    struct promotion_window *window = settings->window;
    *window = (struct promotion_window){.until_ns = UINT64_MAX};
    for (u32 i = 0; i < settings->automatic_count; i++) {
        const struct promotion_slot *slot = &settings->automatic[i];
        const bool has_begun = slot->from_ns <= now_ns, has_ended = slot->until_ns <= now_ns;
        if (has_begun)
            window->from_ns = MAX(window->from_ns, slot->from_ns);
        else
            window->until_ns = MIN(window->until_ns, slot->from_ns);
        if (has_ended)
            window->from_ns = MAX(window->from_ns, slot->until_ns);
        else
            window->until_ns = MIN(window->until_ns, slot->until_ns);
        if (has_begun && !has_ended)
            window->promotions[window->count++] = slot->promotion;
    }
    MUST(window->count <= settings->automatic_capacity);
    MUST(window->from_ns <= now_ns);
}

const struct promotion_window *settings_window(const struct settings *settings, u64 now_ns)
{
    static const struct promotion_window nothing = {.until_ns = UINT64_MAX};
    if (settings->automatic_count == 0)
        return &nothing;
    const struct promotion_window *window = settings->window;
    if (now_ns < window->from_ns || now_ns >= window->until_ns)
        window_fill(settings, now_ns);
    return window;
}

/* ---- a setting comes and goes ---- */

static void price_link(struct settings *settings, u32 index)
{
    struct setting *price = setting_at(settings, index);
    u32 tier_count;
    (void)setting_tiers(price, &tier_count);
    if (price->list == 0) {
        price->list =
            settings_find(settings, (struct setting_name){.home_id = price->home_id,
                                                          .kind = SETTING_KIND_PRICE_LIST});
        MUST(price->list != 0); /* I3 of settings.h */
        struct settings_index *is = find_or_create(settings, SETTINGS_INDEX_SKU, price->key);
        if (is->count < SETTINGS_INDEX_ITEMS)
            is->items[is->count] = index;
        is->count++;
    }
    setting_at(settings, price->list)->price_count += tier_count != 0 ? 1 : 0;
}

static void price_unlink(struct settings *settings, u32 index)
{
    const struct setting *price = setting_at(settings, index);
    struct setting *list = setting_at(settings, price->list);
    u32 tier_count;
    (void)setting_tiers(price, &tier_count);
    MUST(IMPLIES(tier_count != 0, list->price_count != 0));
    list->price_count -= tier_count != 0 ? 1 : 0;
}

void settings_link(struct settings *settings, u32 index)
{
    const struct setting *setting = setting_at(settings, index);
    if (setting->kind == SETTING_KIND_PRICE_LIST) {
        chain_insert(settings, SETTINGS_INDEX_GROUP, setting_list(setting)->group_id, index);
    } else if (setting->kind == SETTING_KIND_PRICE) {
        price_link(settings, index);
    } else if (setting->kind == SETTING_KIND_CATEGORY) {
        category_link(settings, index);
    } else if (setting->kind == SETTING_KIND_PROMOTION) {
        const struct msg_promotion_put_req *promotion = setting_promotion(setting);
        if (promotion->is_off != 0)
            return;
        settings->promotions_on++;
        if (promotion->coupon_id != 0)
            chain_insert(settings, SETTINGS_INDEX_COUPON, promotion->coupon_id, index);
        else
            slot_insert(settings, index);
    }
}

void settings_unlink(struct settings *settings, u32 index)
{
    const struct setting *setting = setting_at(settings, index);
    if (setting->kind == SETTING_KIND_PRICE_LIST) {
        chain_remove(settings, SETTINGS_INDEX_GROUP, setting_list(setting)->group_id, index);
    } else if (setting->kind == SETTING_KIND_PRICE) {
        price_unlink(settings, index);
    } else if (setting->kind == SETTING_KIND_CATEGORY) {
        category_unlink(settings, index);
    } else if (setting->kind == SETTING_KIND_PROMOTION) {
        const struct msg_promotion_put_req *promotion = setting_promotion(setting);
        if (promotion->is_off != 0)
            return;
        MUST(settings->promotions_on != 0);
        settings->promotions_on--;
        if (promotion->coupon_id != 0)
            chain_remove(settings, SETTINGS_INDEX_COUPON, promotion->coupon_id, index);
        else
            slot_remove(settings, index);
    }
}

void settings_index_deinit(struct settings *settings)
{
    release_slots(settings);
    map_deinit(&settings->index_map);
    pool_deinit(&settings->index_pool);
}
