/* shard: life and facts of a shard: see shards/shard.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/shard.h"

#include <string.h>

#include "shards/shard_handlers.h"
#include "shards/stock/stock_tell.h"

static struct shard_options options_in_force(const struct shard_options *options)
{
    struct shard_options own = *options;
    if (own.sessions_max == 0)
        own.sessions_max = SESSIONS_PER_SHARD_MAX;
    if (own.retention_ms == 0)
        own.retention_ms = GRANT_RETENTION_MS;
    return own;
}

struct shard *shard_open(const struct shard_options *options)
{
    MUST(options->count >= 1 && options->count <= SHARDS_MAX);
    MUST(options->index < options->count);
    /* Not through the counter: it lies in the shard itself. */
    struct shard *shard = store_chunk_acquire(sizeof *shard);
    if (shard == NULL)
        return NULL;
    u8 *scratch = store_chunk_acquire(SHARD_SCRATCH_BYTES);
    if (scratch == NULL) {
        store_chunk_release(shard, sizeof *shard);
        return NULL;
    }
    shard->options = options_in_force(options);
    shard->scratch = scratch;
    store_memory_init(&shard->memory);
    arena_init(&shard->arena, &shard->memory);
    undo_init(&shard->undo, &shard->memory);
    stock_init(&shard->stock, &shard->memory, &shard->arena, &shard->undo,
               shard->options.retention_ms);
    catalog_init(&shard->catalog, &shard->memory, &shard->arena, &shard->undo);
    session_room_init(&shard->sessions, &shard->memory, &shard->arena, shard->options.sessions_max);
    settings_init(&shard->settings, &shard->memory, &shard->arena);
    part_room_init(&shard->parts);
    search_init(&shard->search, shard);
    cart_room_init(&shard->carts, &shard->memory, &shard->arena);
    order_room_init(&shard->orders, &shard->memory, &shard->arena);
    review_room_init(&shard->reviews, &shard->memory, &shard->arena);
    recommend_init(&shard->recommend, &shard->memory, &shard->arena);
    mail_room_init(&shard->mail, &shard->memory, &shard->arena, options->index, options->count);
    return shard;
}

void shard_close(struct shard *shard)
{
    dump_sink_deinit(&shard->dump.queue);
    mail_room_deinit(&shard->mail);
    recommend_deinit(&shard->recommend);
    review_room_deinit(&shard->reviews);
    order_room_deinit(&shard->orders);
    cart_room_deinit(&shard->carts);
    part_room_deinit(&shard->parts);
    search_deinit(&shard->search);
    settings_deinit(&shard->settings);
    session_room_deinit(&shard->sessions);
    catalog_deinit(&shard->catalog);
    stock_deinit(&shard->stock);
    undo_deinit(&shard->undo);
    arena_deinit(&shard->arena);
    MUST(shard->memory.used_bytes == 0);
    store_chunk_release(shard->scratch, SHARD_SCRATCH_BYTES);
    store_chunk_release(shard, sizeof *shard);
}

bool shard_expire(struct shard *shard, u64 stamp_ns, u32 budget)
{
    MUST(stamp_ns >= shard->stamp_ns);
    MUST(stamp_ns >= shard->expired_ns);
    MUST(shard->slice_offset == 0); /* a replay would let it expire after the batch */
    u32 left = budget;
    /* Stock first: an order that acts at its own time finds leases ended that ended before. */
    const bool is_done = stock_expire(&shard->stock, stamp_ns, &left) &&
                         cart_expire(shard, stamp_ns, &left) &&
                         order_expire(shard, stamp_ns, &left);
    mail_apply_own(shard, stamp_ns);
    /* Levels are told when nothing of this moment is left, however it was sliced. */
    const bool is_told = is_done && stock_tell_marked(shard, stamp_ns, &left);
    catalog_tell_touched(shard);
    if (!is_told) {
        shard->expiring_ns = stamp_ns;
        return false;
    }
    shard->expiring_ns = 0;
    shard->expired_ns = stamp_ns;
    return true;
}

u64 shard_next_deadline_ns(const struct shard *shard)
{
    const u64 soft_ns =
        MIN(cart_next_deadline_ns(&shard->carts), order_next_deadline_ns(&shard->orders));
    return MIN(stock_next_deadline_ns(&shard->stock), soft_ns);
}

u64 shard_notice_next(struct shard *shard)
{
    return notice_next(&shard->notices);
}

void shard_notice_forget(struct shard *shard, u64 token)
{
    notice_forget(&shard->notices, token);
}

bool shard_work(struct shard *shard)
{
    return search_work(shard);
}

u64 shard_applied_lsn(const struct shard *shard)
{
    return shard->applied_lsn;
}

u64 shard_last_stamp_ns(const struct shard *shard)
{
    return shard->stamp_ns;
}

u64 shard_memory_used(const struct shard *shard)
{
    return shard->memory.used_bytes + sizeof *shard + SHARD_SCRATCH_BYTES;
}

void shard_counters_read(const struct shard *shard, struct shard_counters *to)
{
    const struct stock_counts *counts = &shard->stock.counts;
    *to = (struct shard_counters){
        .resources = map_count(&shard->stock.resources),
        .products = shard->catalog.live_count,
        .holds = counts->holds,
        .allocations = counts->allocations,
        .tombstones = counts->tombstones,
        .sessions = map_count(&shard->sessions.map),
        .granted_records = counts->granted_records,
        .refused_sold_out = counts->refused_sold_out,
        .refused_all_held = counts->refused_all_held,
        .refused_on_arrival = shard->refused_on_arrival,
        .replayed_frames = shard->replayed_frames,
        .replayed_records = counts->replayed_records,
        .expired_holds = counts->expired_holds,
        .sessions_evicted = shard->sessions.evicted_count,
        .carts = map_count(&shard->carts.map),
        .cart_lines = shard->carts.counts.lines,
        .expired_carts = shard->carts.counts.expired,
        .orders = map_count(&shard->orders.map),
        .open_orders = shard->orders.counts.open_orders,
        .waiting_orders = shard->orders.counts.waiting_orders,
        .ready_commands = shard->orders.counts.ready_commands,
        .dead_commands = shard->orders.counts.dead_commands,
        .reviews = shard->reviews.counts.reviews,
        .approved_reviews = shard->reviews.counts.approved,
        .pending_reviews = shard->reviews.waiting[0].count,
        .flagged_reviews = shard->reviews.waiting[1].count,
        .review_votes = map_count(&shard->reviews.vote_map),
        .review_purchases = map_count(&shard->reviews.purchase_map),
        .copurchase_tables = pool_count(&shard->recommend.bought.tables),
        .copurchase_slots = shard->recommend.bought.slot_count,
        .copurchase_bytes = copurchase_bytes(&shard->recommend.bought),
        .copurchase_thinned = shard->recommend.bought.thinned,
        .copurchase_lost = shard->recommend.bought.lost,
        .under_way_entries = shard->gate.under_way,
        .mail_queued = shard->mail.queued_count,
        .mail_sent = shard->mail.sent_count,
        .mail_applied = shard->mail.applied_count,
    };
}
