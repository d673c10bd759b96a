/* settings_dump: settings on their way into a snapshot and back. What settings_index.h derives from
 * them is made anew when all have come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/search/search.h"
#include "shards/settings/settings_category.h"
#include "shards/settings/settings_index.h"
#include "shards/settings/settings_judge.h"
#include "shards/settings/settings_kinds.h"
#include "shards/shard_state.h"

struct dump_setting {
    u64 home_id;
    u64 key;
    u64 version;
    u32 pending;
    u16 kind;
    u16 body_bytes;
};
STATIC_CHECK(sizeof(struct dump_setting) == 32);
STATIC_CHECK(sizeof(struct dump_head) + sizeof(struct dump_setting) + SETTING_BYTES_MAX <
             DUMP_RECORD_BYTES_MAX);

static u32 read_bucket(const struct settings *settings, u32 bucket, u32 *indexes)
{
    const u32 count = map_bucket_read(&settings->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    return count;
}

void settings_dump_bucket(struct settings *settings, u32 bucket, struct dump_sink *sink)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 count = read_bucket(settings, bucket, indexes);
    for (u32 i = 0; i < count; i++) {
        const struct setting *setting = setting_at(settings, indexes[i]);
        const struct dump_setting fixed = {.home_id = setting->home_id,
                                           .key = setting->key,
                                           .version = setting->version,
                                           .pending = setting->pending,
                                           .kind = setting->kind,
                                           .body_bytes = setting->body_bytes};
        dump_put(sink, DUMP_KIND_SETTING, &fixed, sizeof fixed, setting->body, setting->body_bytes);
    }
}

const char *settings_load(struct settings *settings, const u8 *body, u32 bytes)
{
    struct dump_setting fixed;
    if (bytes < sizeof fixed)
        return "a setting is too short";
    memcpy(&fixed, body, sizeof fixed);
    if (bytes - sizeof fixed != ROUND_UP((u32)fixed.body_bytes, 8u))
        return "a setting has a wrong length";
    const struct setting_name name = {
        .home_id = fixed.home_id, .key = fixed.key, .kind = fixed.kind};
    const struct span put = {.data = body + sizeof fixed, .bytes = fixed.body_bytes};
    const char *reason = setting_invalid(name, put);
    if (reason != NULL)
        return reason;
    if (fixed.version == VERSION_ANY || fixed.version == VERSION_ABSENT ||
        fixed.pending >= SHARDS_MAX)
        return "a setting has a field that cannot be";
    if (settings_find(settings, name) != 0)
        return "a setting comes twice";
    settings_restore(settings, name, fixed.version, fixed.pending, put);
    return NULL;
}

const char *settings_load_finish(struct settings *settings)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const char *reason = category_tree_invalid(settings);
    if (reason != NULL)
        return reason;
    if (settings->kind_count[SETTING_KIND_CATEGORY] > CATEGORIES_MAX ||
        settings->kind_count[SETTING_KIND_ATTRIBUTE] > ATTRIBUTE_NAMES_MAX)
        return "more categories or attributes than there can be";
    for (u32 b = 0; b < map_bucket_count(&settings->map); b++)
        for (u32 i = read_bucket(settings, b, indexes); i > 0; i--) {
            const struct setting *setting = setting_at(settings, indexes[i - 1]);
            const struct setting_name list = {.home_id = setting->home_id,
                                              .kind = SETTING_KIND_PRICE_LIST};
            if (setting->kind == SETTING_KIND_PRICE && settings_find(settings, list) == 0)
                return "a price of no list";
            settings_link(settings, indexes[i - 1]);
        }
    return NULL;
}

void settings_tell_loaded(struct shard *shard)
{
    const struct settings *settings = &shard->settings;
    for (u16 kind = SETTING_KIND_CATEGORY; kind < SETTING_KIND_COUNT; kind++)
        for (u32 i = settings_first(settings, kind); i != 0; i = settings_next(settings, i))
            search_setting(shard, i);
}
