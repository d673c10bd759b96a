/* settings_category: see shards/settings/settings_category.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/settings/settings_category.h"

#include <string.h>

#include "proto/text.h"

u32 category_find(const struct settings *settings, u64 category_id)
{
    return settings_find(settings, (struct setting_name){.home_id = POLICY_HOME_ID,
                                                         .key = category_id,
                                                         .kind = SETTING_KIND_CATEGORY});
}

u64 category_parent(const struct settings *settings, u64 category_id, struct span code)
{
    const u32 index = category_find(settings, category_id);
    if (index != 0)
        return setting_category(setting_at(settings, index))->parent_id;
    u32 bytes = code.bytes;
    while (bytes > 0 && code.data[bytes - 1] != '/')
        bytes--;
    return bytes > 1 ? id_from_code(code.data, bytes - 1) : 0;
}

u32 category_first_child(const struct settings *settings, u64 category_id)
{
    if (category_id == 0)
        return settings->top_categories;
    const u32 index = category_find(settings, category_id);
    return index != 0 ? setting_at(settings, index)->first_child : 0;
}

u32 category_path(const struct settings *settings, u32 index, u8 *to, u32 capacity)
{
    u32 chain[CATEGORY_DEPTH_MAX];
    u32 depth = 0;
    u32 bytes = 0;
    for (u32 at = index; at != 0 && depth < CATEGORY_DEPTH_MAX; depth++) {
        const u64 parent_id = setting_category(setting_at(settings, at))->parent_id;
        chain[depth] = at;
        at = parent_id != 0 ? category_find(settings, parent_id) : 0;
    }
    for (; depth > 0; depth--) {
        const struct text64 *name = &setting_category(setting_at(settings, chain[depth - 1]))->name;
        const u32 name_bytes = text64_bytes(name);
        MUST(bytes + name_bytes + 1 <= capacity);
        memcpy(to + bytes, name->bytes, name_bytes);
        bytes += name_bytes;
        to[bytes++] = '\n';
    }
    return bytes;
}

/* ---- the list of children ---- */

static bool precedes(const struct setting *a, const struct setting *b)
{
    const struct msg_category_put_req *left = setting_category(a), *right = setting_category(b);
    if (left->position != right->position)
        return left->position < right->position;
    const int order = memcmp(left->name.bytes, right->name.bytes, TEXT64_BYTES);
    return order != 0 ? order < 0 : a->key < b->key;
}

/* Where the first child of a category, or of nothing, is noted, and how many there are. */
static u32 *head_of(struct settings *settings, u64 parent_id, u32 **count)
{
    if (parent_id == 0) {
        *count = &settings->top_count;
        return &settings->top_categories;
    }
    const u32 index = category_find(settings, parent_id);
    MUST(index != 0);
    struct setting *parent = setting_at(settings, index);
    *count = &parent->child_count;
    return &parent->first_child;
}

void category_link(struct settings *settings, u32 index)
{
    struct setting *setting = setting_at(settings, index);
    u32 *count;
    u32 *link = head_of(settings, setting_category(setting)->parent_id, &count);
    while (*link != 0 && precedes(setting_at(settings, *link), setting))
        link = &setting_at(settings, *link)->next;
    setting->next = *link;
    *link = index;
    *count += 1;
}

void category_unlink(struct settings *settings, u32 index)
{
    struct setting *setting = setting_at(settings, index);
    u32 *count;
    u32 *link = head_of(settings, setting_category(setting)->parent_id, &count);
    while (*link != index) {
        MUST(*link != 0);
        link = &setting_at(settings, *link)->next;
    }
    *link = setting->next;
    setting->next = 0;
    MUST(*count != 0);
    *count -= 1;
}

/* ---- depth ---- */

/* How many levels there are from it down, 1 without children; `limit` + 1 when there are more. Walks the
 * subtree without a stack: down to the first child, else to the next of the nearest one above. */
static u32 height_of(const struct settings *settings, u32 root, u32 limit)
{
    u32 above[CATEGORY_DEPTH_MAX + 1];
    u32 depth = 1, height = 1;
    u32 at = root;
    for (;;) { /* ends: each category of a tree is met once */
        const struct setting *setting = setting_at(settings, at);
        if (setting->first_child != 0) {
            if (depth >= limit)
                return limit + 1;
            above[depth++] = at;
            height = MAX(height, depth);
            at = setting->first_child;
            continue;
        }
        while (depth > 1 && setting_at(settings, at)->next == 0)
            at = above[--depth];
        if (depth == 1)
            return height;
        at = setting_at(settings, at)->next;
    }
}

u16 category_refusal(const struct settings *settings, u32 index,
                     const struct msg_category_put_req *put)
{
    u32 depth = 1; /* of the category in its new place */
    for (u64 above = put->parent_id; above != 0; depth++) {
        const u32 parent = category_find(settings, above);
        if (above == put->category_id || depth >= CATEGORY_DEPTH_MAX)
            return STATUS_CATEGORY_CYCLE;
        if (parent == 0)
            return STATUS_NOT_FOUND;
        above = setting_category(setting_at(settings, parent))->parent_id;
    }
    const u32 room = CATEGORY_DEPTH_MAX - depth + 1;
    if (index != 0 && height_of(settings, index, room) > room)
        return STATUS_CATEGORY_CYCLE;
    return STATUS_OK;
}

const char *category_tree_invalid(const struct settings *settings)
{
    for (u32 i = settings->kind_first[SETTING_KIND_CATEGORY]; i != 0;
         i = setting_at(settings, i)->kind_next) {
        u32 depth = 1;
        u64 above = setting_category(setting_at(settings, i))->parent_id;
        for (; above != 0; depth++) {
            const u32 parent = category_find(settings, above);
            if (parent == 0)
                return "a category below one that is not there";
            if (depth >= CATEGORY_DEPTH_MAX)
                return "categories that are below themselves, or too deep";
            above = setting_category(setting_at(settings, parent))->parent_id;
        }
    }
    return NULL;
}
