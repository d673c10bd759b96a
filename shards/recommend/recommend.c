/* recommend: see shards/recommend/recommend.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/recommend/recommend.h"

#include <string.h>

#include "shards/settings/settings_category.h"
#include "shards/shard_handlers.h"

static void evict_item(void *context, void *record)
{
    struct recommend *room = context;
    struct recommend_item *item = record;
    if (item->together != NULL)
        ARENA_RELEASE(&room->arena, item->together, sizeof *item->together);
}

void recommend_init(struct recommend *room, struct store_memory *memory, struct arena *arena)
{
    memset(room, 0, sizeof *room);
    store_memory_init(&room->memory);
    arena_init(&room->arena, &room->memory);
    copurchase_init(&room->bought, memory, arena, &room->arena);
    cache_init(&room->users, &room->memory, sizeof(struct recommend_user), RECOMMEND_USERS_MAX);
    cache_init(&room->items, &room->memory, sizeof(struct recommend_item), RECOMMEND_ITEMS_MAX);
    cache_init(&room->categories, &room->memory, sizeof(struct recommend_category),
               RECOMMEND_CATEGORIES_MAX);
    cache_init(&room->alike, &room->memory, sizeof(struct recommend_alike), RECOMMEND_ALIKE_MAX);
    room->items.evict = evict_item;
    room->items.context = room;
}

void recommend_deinit(struct recommend *room)
{
    for (u32 i = 0; i < room->link_pages; i++)
        if (room->links[i] != NULL)
            store_memory_release(&room->memory, room->links[i],
                                 RECOMMEND_LINKS_PAGE * sizeof *room->links[i]);
    if (room->links != NULL)
        store_memory_release(&room->memory, (void *)room->links,
                             room->link_pages * sizeof(struct recommend_link *));
    cache_deinit(&room->alike);
    cache_deinit(&room->categories);
    cache_deinit(&room->items);
    cache_deinit(&room->users);
    arena_deinit(&room->arena);
    MUST(room->memory.used_bytes == 0);
    copurchase_deinit(&room->bought);
}

void shard_mail_basket(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_basket_req told;
    u64 products[BASKET_PRODUCTS_MAX];
    memcpy(&told, call->fixed, sizeof told);
    const struct span *rows = &call->spans[SPAN_OF(mail_basket_req, products)];
    MUST(rows->bytes <= sizeof products);
    memcpy(products, rows->data, rows->bytes);
    const struct copurchase_basket basket = {.products = products,
                                             .count = rows->bytes / (u32)sizeof products[0],
                                             .own_count = told.own_count,
                                             .order = told.order,
                                             .bought_at_ns = told.bought_at_ns,
                                             .is_taken_back = told.is_taken_back != 0};
    copurchase_change(&shard->recommend.bought, &basket, call->now_ns);
    for (u32 i = 0; !basket.is_taken_back && i < basket.own_count; i++)
        recommend_trend_add(shard, products[i], RECOMMEND_TREND_BOUGHT, call->now_ns);
}

/* ---- categories of products ---- */

u64 recommend_category_of(const struct shard *shard, u32 product, struct span *code)
{
    struct span texts[PRODUCT_TEXT_COUNT];
    *code = (struct span){NULL, 0};
    if (product == 0 || product_at(&shard->catalog, product)->is_deleted != 0)
        return 0;
    product_texts(product_at(&shard->catalog, product), texts);
    *code = texts[PRODUCT_TEXT_CATEGORY];
    return code->bytes == 0 ? 0 : id_from_code(code->data, code->bytes);
}

u64 recommend_category_above(const struct shard *shard, u64 category_id, struct span *code)
{
    const u64 above = category_parent(&shard->settings, category_id, *code);
    while (code->bytes > 0 && code->data[code->bytes - 1] != '/')
        code->bytes--; /* ends: shorter each time */
    if (code->bytes > 0)
        code->bytes--;
    return above;
}

struct recommend_link *recommend_link_find(const struct recommend *room, u32 product)
{
    const u32 page = product / RECOMMEND_LINKS_PAGE;
    if (page >= room->link_pages || room->links[page] == NULL)
        return NULL;
    return &room->links[page][product % RECOMMEND_LINKS_PAGE];
}

/* The directory doubles; a page is made when the first product of it comes. */
static struct recommend_link *link_make(struct recommend *room, u32 product)
{
    const u32 page = product / RECOMMEND_LINKS_PAGE;
    if (page >= room->link_pages) {
        u32 pages = MAX(16u, 2 * room->link_pages);
        while (pages <= page)
            pages *= 2; /* ends: it doubles */
        struct recommend_link **links =
            store_memory_acquire(&room->memory, pages * sizeof(struct recommend_link *));
        if (room->links != NULL) {
            memcpy((void *)links, (const void *)room->links,
                   room->link_pages * sizeof(struct recommend_link *));
            store_memory_release(&room->memory, (void *)room->links,
                                 room->link_pages * sizeof(struct recommend_link *));
        }
        room->links = links;
        room->link_pages = pages;
    }
    if (room->links[page] == NULL)
        room->links[page] = store_memory_acquire(&room->memory, RECOMMEND_LINKS_PAGE *
                                                                    sizeof(struct recommend_link));
    return &room->links[page][product % RECOMMEND_LINKS_PAGE];
}

static void unlink_product(struct recommend *room, u32 product)
{
    struct recommend_link *link = recommend_link_find(room, product);
    if (link == NULL || link->category_id == 0)
        return;
    struct recommend_category *category = cache_find(&room->categories, link->category_id);
    MUST(category != NULL && category->count > 0); /* its records are never evicted */
    if (link->before != 0)
        recommend_link_find(room, link->before)->next = link->next;
    else
        category->first = link->next;
    if (link->next != 0)
        recommend_link_find(room, link->next)->before = link->before;
    category->count--;
    category->version++;
    *link = (struct recommend_link){0};
}

static void link_product(struct recommend *room, u32 product, u64 category_id)
{
    if (cache_find(&room->categories, category_id) == NULL &&
        map_count(&room->categories.map) == RECOMMEND_CATEGORIES_MAX)
        return; /* so many that none is kept any more */
    struct recommend_category *category = cache_use(&room->categories, category_id);
    struct recommend_link *link = link_make(room, product);
    *link = (struct recommend_link){.category_id = category_id, .next = category->first};
    if (category->first != 0)
        recommend_link_find(room, category->first)->before = product;
    category->first = product;
    category->count++;
    category->version++;
}

void recommend_refresh(struct shard *shard, u32 product)
{
    struct recommend *room = &shard->recommend;
    struct span code;
    const u64 category_id = recommend_category_of(shard, product, &code);
    const struct recommend_link *link = recommend_link_find(room, product);
    if (link != NULL && link->category_id == category_id) {
        struct recommend_category *category = cache_find(&room->categories, category_id);
        if (category != NULL)
            category->version++;
        return;
    }
    unlink_product(room, product);
    if (category_id != 0)
        link_product(room, product, category_id);
}
