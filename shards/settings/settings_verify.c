/* settings_verify: what the settings room derives, counted a second time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/settings/settings_index.h"
#include "shards/settings/settings_verify.h"
#include "shards/shard_state.h"

/* What should agree. */
struct tally {
    u64 lists, prices, priced, coupon_promotions, automatic_promotions;      /* of the settings */
    u64 in_groups, in_skus, list_prices, in_coupons, in_slots, out_of_place; /* of the indexes */
    u64 foreign_pending;
};

static void count_setting(const struct shard *shard, const struct setting *setting,
                          struct tally *tally)
{
    u32 tiers;
    const bool is_home = shard_owns(shard, route_hash_u64(setting->home_id));
    if (setting->pending >= shard->options.count || (!is_home && setting->pending != 0))
        tally->foreign_pending++;
    switch ((enum setting_kind)setting->kind) {
    case SETTING_KIND_PRICE_LIST:
        tally->lists++;
        tally->list_prices += setting->price_count;
        return;
    case SETTING_KIND_PRICE:
        (void)setting_tiers(setting, &tiers);
        tally->prices++;
        tally->priced += tiers != 0 ? 1 : 0;
        return;
    case SETTING_KIND_PROMOTION:
        if (setting_promotion(setting)->is_off != 0)
            return;
        if (setting_promotion(setting)->coupon_id != 0)
            tally->coupon_promotions++;
        else
            tally->automatic_promotions++;
        return;
    case SETTING_KIND_CATEGORY:
    case SETTING_KIND_ATTRIBUTE:
    case SETTING_KIND_COLLECTION:
    case SETTING_KIND_SYNONYM:
    case SETTING_KIND_STOP_WORDS:
    case SETTING_KIND_RANK_PROFILE:
    case SETTING_KIND_CURATION:
    case SETTING_KIND_AD:
    case SETTING_KIND_SEARCH_POLICY:
    case SETTING_KIND_REVIEW_POLICY:
    case SETTING_KIND_COUNT: return;
    case SETTING_KIND_POLICY:
        tally->out_of_place += shard->settings.policy.version != setting->version ? 1 : 0;
        return;
    }
    PANIC("no such kind of setting");
}

static void count_chain(const struct settings *settings, const struct settings_index *is,
                        struct tally *tally)
{
    u32 count = 0;
    const struct setting *before = NULL;
    for (u32 at = is->items[0]; at != 0; at = setting_at(settings, at)->next) {
        const struct setting *setting = setting_at(settings, at);
        const u64 id = setting->kind == SETTING_KIND_PRICE_LIST
                           ? setting_list(setting)->group_id
                           : setting_promotion(setting)->coupon_id;
        if (id != is->id || (before != NULL && !setting_precedes(before, setting)))
            tally->out_of_place++;
        before = setting;
        count++;
    }
    tally->out_of_place += count != is->count ? 1 : 0;
}

static void count_index(const struct settings *settings, const struct settings_index *is,
                        struct tally *tally)
{
    switch ((enum settings_index_kind)is->kind) {
    case SETTINGS_INDEX_SKU:
        tally->in_skus += is->count;
        for (u32 i = 0; i < MIN(is->count, SETTINGS_INDEX_ITEMS); i++)
            tally->out_of_place += setting_at(settings, is->items[i])->key != is->id ? 1 : 0;
        return;
    case SETTINGS_INDEX_GROUP:
        tally->in_groups += is->count;
        count_chain(settings, is, tally);
        return;
    case SETTINGS_INDEX_COUPON:
        tally->in_coupons += is->count;
        count_chain(settings, is, tally);
        return;
    }
    PANIC("no such kind of index");
}

static void count_slots(const struct settings *settings, struct tally *tally)
{
    tally->in_slots = settings->automatic_count;
    for (u32 i = 0; i < settings->automatic_count; i++) {
        const struct setting *setting = setting_at(settings, settings->automatic[i].promotion);
        if (setting_promotion(setting)->coupon_id != 0 || setting_promotion(setting)->is_off != 0)
            tally->out_of_place++;
        if (i > 0 &&
            !setting_precedes(setting_at(settings, settings->automatic[i - 1].promotion), setting))
            tally->out_of_place++;
    }
}

/* Where violations are told. */
struct verdict {
    struct msg_verify_rsp *to;
    u8 *text;
    u32 *text_bytes;
};

static void tell(const struct verdict *verdict, const char *reason, u32 bytes)
{
    verdict->to->violations++;
    if (ATTRIBUTES_BYTES_MAX - *verdict->text_bytes < bytes)
        return;
    memcpy(verdict->text + *verdict->text_bytes, reason, bytes);
    *verdict->text_bytes += bytes;
}
#define EXPECT(condition, reason)                                                                \
    do {                                                                                         \
        if (UNLIKELY(!(condition)))                                                              \
            tell(&verdict, "settings: " reason "\n", (u32)sizeof("settings: " reason "\n") - 1); \
    } while (0)

static u32 read_bucket(const struct map *map, u32 bucket, u32 *indexes)
{
    const u32 count = map_bucket_read(map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    return count;
}

void settings_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    const struct settings *settings = &shard->settings;
    const struct verdict verdict = {.to = to, .text = text, .text_bytes = text_bytes};
    struct tally tally = {0};
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(&settings->map); b++)
        for (u32 i = read_bucket(&settings->map, b, indexes); i > 0; i--)
            count_setting(shard, setting_at(settings, indexes[i - 1]), &tally);
    for (u32 b = 0; b < map_bucket_count(&settings->index_map); b++)
        for (u32 i = read_bucket(&settings->index_map, b, indexes); i > 0; i--)
            count_index(settings, pool_at(&settings->index_pool, indexes[i - 1]), &tally);
    count_slots(settings, &tally);
    EXPECT(tally.foreign_pending == 0, "pending is told by a shard that is not home, or too large");
    EXPECT(tally.in_groups == tally.lists, "lists and chains of groups differ");
    EXPECT(tally.in_skus == tally.prices, "prices and indexes of SKUs differ");
    EXPECT(tally.list_prices == tally.priced, "prices and counts of lists differ");
    EXPECT(tally.in_coupons == tally.coupon_promotions, "promotions and chains of coupons differ");
    EXPECT(tally.in_slots == tally.automatic_promotions, "promotions and their slots differ");
    EXPECT(settings->promotions_on == tally.in_coupons + tally.in_slots,
           "promotions that are on are counted wrongly");
    EXPECT(tally.out_of_place == 0, "something is not where its fields say");
}
