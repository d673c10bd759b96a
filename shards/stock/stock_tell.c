/* stock_tell: see shards/stock/stock_tell.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/stock/stock_tell.h"

#include "shards/mail/mail.h"
#include "shards/shard_handlers.h"

/* Which of the two heaps: an id may name a SKU and a budget. */
static u32 heap_of(u8 kind)
{
    return kind == RESOURCE_KIND_AD_BUDGET ? 1 : 0;
}

static void on_moved(void *context, u32 item, u32 position)
{
    (void)context, (void)item, (void)position; /* nothing is taken out but the first */
}

static struct heap_owner owner_of(struct stock *stock)
{
    return (struct heap_owner){.arena = stock->arena, .context = stock, .moved = on_moved};
}

static bool may_tell(const struct stock_hot *hot)
{
    return hot->kind == RESOURCE_KIND_SKU || hot->kind == RESOURCE_KIND_AD_BUDGET;
}

void stock_mark(struct stock *stock, u32 index)
{
    const struct heap_owner owner = owner_of(stock);
    struct stock_hot *hot = stock_hot_at(stock, index);
    if ((hot->flags & STOCK_HOT_MARKED) != 0)
        return;
    hot->flags |= STOCK_HOT_MARKED;
    heap_push(&stock->marked[heap_of(hot->kind)], &owner, hot->id, index);
}

void stock_mark_changed(struct stock *stock, u32 index)
{
    struct stock_hot *hot = stock_hot_at(stock, index);
    if (!may_tell(hot))
        return;
    stock_mark(stock, index);
    hot->flags |= STOCK_HOT_CHANGED;
}

static void set_told(struct stock *stock, struct stock_hot *hot, struct stock_cold *cold)
{
    const bool tells = may_tell(hot) && cold->product_id != 0;
    stock->tell_count -= cold->told_product_id != 0 ? 1 : 0;
    stock->tell_count += tells ? 1 : 0;
    u32 flags = hot->flags & ~(u32)(STOCK_HOT_TELLS | STOCK_HOT_MARKED | STOCK_HOT_CHANGED |
                                    3u << STOCK_HOT_TOLD_SHIFT);
    if (tells)
        flags |= STOCK_HOT_TELLS | (u32)stock_state_of(hot) << STOCK_HOT_TOLD_SHIFT;
    hot->flags = (u8)flags;
    cold->told_product_id = tells ? cold->product_id : 0;
}

void stock_set_told(struct stock *stock, struct stock_hot *hot)
{
    set_told(stock, hot, stock_cold_of(stock, hot));
}

/* A message to a product. To one of this shard it is applied at once, so that few wait at a time. */
static void post_fact(struct shard *shard, const struct stock_hot *hot,
                      const struct stock_cold *cold, const struct msg_mail_sku_fact_req *fact,
                      u64 now_ns)
{
    const u16 target = route_shard(route_hash_u64(fact->product_id), shard->options.count);
    const struct span code = {.data = cold->code, .bytes = cold->code_bytes};
    MUST(hot->id == fact->resource.id && fact->product_id != 0);
    mail_post(shard, target, OPCODE_MAIL_SKU_FACT, fact, &code);
    if (target == shard->options.index)
        mail_apply_own(shard, now_ns);
}

static void tell(struct shard *shard, u32 index, u64 now_ns)
{
    struct stock_hot *hot = stock_hot_at(&shard->stock, index);
    struct stock_cold *cold = stock_cold_of(&shard->stock, hot);
    const u64 before = cold->told_product_id;
    const bool is_changed = (hot->flags & STOCK_HOT_CHANGED) != 0;
    const enum stock_state told = stock_told_state(hot);
    MUST((hot->flags & STOCK_HOT_MARKED) != 0);
    struct msg_mail_sku_fact_req fact = {.resource = stock_key_of(hot),
                                         .price = cold->price,
                                         .as_of_ns = now_ns,
                                         .currency = cold->currency,
                                         .state = (u16)stock_state_of(hot)};
    set_told(&shard->stock, hot, cold);
    if (before != 0 && before != cold->told_product_id) {
        fact.product_id = before;
        fact.is_gone = 1;
        post_fact(shard, hot, cold, &fact, now_ns);
    }
    fact.product_id = cold->told_product_id;
    fact.is_gone = 0;
    if (fact.product_id != 0 && (is_changed || fact.product_id != before || fact.state != told))
        post_fact(shard, hot, cold, &fact, now_ns);
}

bool stock_tell_marked(struct shard *shard, u64 now_ns, u32 *budget)
{
    struct stock *stock = &shard->stock;
    const struct heap_owner owner = owner_of(stock);
    for (u32 h = 0; h < ARRAY_COUNT(stock->marked); h++) {
        struct heap *marked = &stock->marked[h];
        while (heap_count(marked) != 0) { /* ends: one less each time */
            if (*budget == 0)
                return false;
            *budget -= 1;
            const u32 index = heap_top(marked).item;
            heap_pop(marked, &owner);
            tell(shard, index, now_ns);
        }
    }
    return true;
}

void stock_forget_marked(struct stock *stock)
{
    for (u32 h = 0; h < ARRAY_COUNT(stock->marked); h++)
        heap_deinit(&stock->marked[h], stock->arena);
}
