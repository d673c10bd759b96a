/* catalog_view: product_card, product_list, and what one shard knows of a page.
 *
 * A listing goes through the products in the order of their ids' hashes with the bits reversed. In this
 * order the hashes of a bucket of the map lie side by side, however many buckets there are, so a page is
 * found without an index, and neither growth of the map nor a restart disturbs a listing: who is there
 * all the time is listed once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/catalog/catalog_view.h"

#include <string.h>

#include "shards/shard_handlers.h"

/* ---- cards ---- */

bool shard_read_product_card(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    struct msg_product_card_req ask;
    struct msg_product_card_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    u16 status = shard_call_refusal(call, true);
    const struct product *product =
        status == STATUS_OK ? product_at(&shard->catalog, call->object) : NULL;
    if (product != NULL && product->is_deleted != 0)
        status = STATUS_NOT_FOUND;
    else if (product != NULL && !product_is_visible(product, call->now_ns))
        status = STATUS_NOT_VISIBLE;
    answer->head.status = status;
    if (status != STATUS_OK)
        return true;
    const struct product_live live = product_live_of(product, call->now_ns);
    answer->page_version = live.page_version;
    answer->is_buyable = live.is_buyable; /* time alone changes it, so it is told in any case */
    if (ask.if_version == live.page_version) {
        answer->is_not_modified = 1;
        return true;
    }
    memcpy((u8 *)answer + offsetof(struct msg_product_card_rsp, page_version), &live, sizeof live);
    answer->price_before = product->facts.price_before;
    answer->currency = product->facts.currency;
    answer->marks = product->facts.marks;
    spans[SPAN_OF(product_card_rsp, code)] = product_code(product);
    spans[SPAN_OF(product_card_rsp, title)] = product_title(product);
    return true;
}
STATIC_CHECK(offsetof(struct msg_product_card_rsp, price_before) -
                 offsetof(struct msg_product_card_rsp, page_version) ==
             sizeof(struct product_live));

/* ---- listing ---- */

#define LIST_BUCKETS_MAX 1024u /* looked at for one page: tombstones are not listed */

static u64 reverse(u64 value)
{
    value = (value >> 1 & 0x5555555555555555ull) | (value & 0x5555555555555555ull) << 1;
    value = (value >> 2 & 0x3333333333333333ull) | (value & 0x3333333333333333ull) << 2;
    value = (value >> 4 & 0x0F0F0F0F0F0F0F0Full) | (value & 0x0F0F0F0F0F0F0F0Full) << 4;
    return __builtin_bswap64(value);
}

static u64 place_of(const struct product *product)
{
    return reverse(route_hash_u64(product->product_id));
}

/* The products of one bucket from a place on, in order. */
struct shelf {
    u32 indexes[DUMP_BUCKET_MAX];
    u64 places[DUMP_BUCKET_MAX];
    u32 count;
    u64 end; /* the first place that is not of this bucket; 0 = it is the last */
};

static bool is_listed(const struct product *product, bool has_deleted)
{
    return product->version != 0 && (has_deleted || product->is_deleted == 0);
}

static void read_shelf(const struct catalog *catalog, u64 from, bool has_deleted,
                       struct shelf *shelf)
{
    u32 indexes[DUMP_BUCKET_MAX];
    const u32 bucket = map_bucket_of(&catalog->map, reverse(from));
    const u32 count = map_bucket_read(&catalog->map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    shelf->count = 0;
    for (u32 i = 0; i < count; i++) {
        const struct product *product = product_at(catalog, indexes[i]);
        const u64 place = place_of(product);
        if (place < from || !is_listed(product, has_deleted))
            continue;
        u32 at = shelf->count++;
        for (; at > 0 && shelf->places[at - 1] > place; at--) {
            shelf->places[at] = shelf->places[at - 1];
            shelf->indexes[at] = shelf->indexes[at - 1];
        }
        shelf->places[at] = place;
        shelf->indexes[at] = indexes[i];
    }
    /* All hashes with these low bits: a bucket that has been split, or is one half, has one bit more. */
    const u32 wide = bucket | (catalog->map.level_mask + 1);
    const bool is_split = wide < map_bucket_count(&catalog->map);
    const u64 mask = is_split ? catalog->map.level_mask * 2ull + 1 : catalog->map.level_mask;
    shelf->end = (from | ~reverse(mask)) + 1;
}

static struct row_product_name name_of(const struct product *product)
{
    struct row_product_name row = {.product_id = product->product_id, .version = product->version};
    memcpy(row.code.bytes, product->blob, product->text_bytes[PRODUCT_TEXT_CODE]);
    return row;
}
STATIC_CHECK(CODE_BYTES_MAX <= TEXT64_BYTES);
STATIC_CHECK(ROWS(product_name, LIST_PAGE_ROWS) <= SHARD_SCRATCH_BYTES);

bool shard_read_product_list(struct shard *shard, const struct shard_call *call,
                             const void *request, void *reply, struct span *spans)
{
    const struct catalog *catalog = &shard->catalog;
    struct msg_product_list_req ask;
    struct msg_product_list_rsp *answer = reply;
    struct row_product_name *rows = (struct row_product_name *)(void *)shard->scratch;
    struct shelf shelf;
    u32 count = 0;
    (void)call;
    memcpy(&ask, request, sizeof ask);
    if (ask.limit < 1 || ask.limit > LIST_PAGE_ROWS || ask.has_deleted > 1) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    u64 from = ask.after;
    for (u32 b = 0; b < LIST_BUCKETS_MAX && count < ask.limit; b++) {
        read_shelf(catalog, from, ask.has_deleted != 0, &shelf);
        const u32 taken = MIN(shelf.count, ask.limit - count);
        for (u32 i = 0; i < taken; i++)
            rows[count++] = name_of(product_at(catalog, shelf.indexes[i]));
        from = taken < shelf.count ? shelf.places[taken] : shelf.end;
        if (from == 0)
            break;
    }
    answer->next = from;
    answer->product_count = catalog->live_count;
    spans[SPAN_OF(product_list_rsp, products)] =
        (struct span){.data = shard->scratch, .bytes = ROWS(product_name, count)};
    return true;
}

/* ---- pages ---- */

u32 product_sku_rows(const struct product *product, struct row_page_sku *rows)
{
    u32 count = 0;
    for (u32 i = 0; i < product->sku_count && product->skus[i].kind == RESOURCE_KIND_SKU; i++) {
        const struct product_sku *sku = &product->skus[i];
        struct row_page_sku *row = &rows[count++];
        *row = (struct row_page_sku){.sku_id = sku->sku_id,
                                     .price = sku->price,
                                     .sellable = -1,
                                     .as_of_ns = sku->as_of_ns,
                                     .currency = sku->currency,
                                     .state = sku->state};
        memcpy(row->code.bytes, product_sku_code(product, i).data, sku->code_bytes);
    }
    return count;
}

/* A page's texts and SKUs, copied: commands may be applied before they are sent. */
static bool copy_page(struct part *part, const struct product *product, bool has_blob)
{
    struct span *to = part->reply_spans;
    u8 *texts = bump_acquire(&part->bump, PRODUCT_BLOB_BYTES_MAX);
    u8 *page = bump_acquire(&part->bump, PAGE_BYTES_MAX);
    struct row_page_sku *rows = bump_acquire(&part->bump, ROWS(page_sku, PRODUCT_SKUS_MAX));
    if (texts == NULL || page == NULL || rows == NULL)
        return false;
    struct span from[PRODUCT_TEXT_COUNT];
    product_texts(product, from);
    from[PRODUCT_TEXT_PAGE] =
        has_blob ? catalog_page(product, page) : (struct span){.data = NULL, .bytes = 0};
    for (u32 i = 0; i < PRODUCT_TEXT_COUNT; i++) {
        if (from[i].bytes != 0)
            memcpy(texts, from[i].data, from[i].bytes);
        to[i] = (struct span){.data = texts, .bytes = from[i].bytes};
        texts += from[i].bytes;
    }
    const u32 count = product_sku_rows(product, rows);
    to[SPAN_OF(page_part_rsp, skus)] =
        (struct span){.data = (const u8 *)rows, .bytes = ROWS(page_sku, count)};
    return true;
}
STATIC_CHECK(SPAN_OF(page_part_rsp, code) == 0 &&
             SPAN_OF(page_part_rsp, page) == PRODUCT_TEXT_COUNT - 1);

static u16 judge_page(const struct product *product, const struct msg_page_part_req *ask,
                      u64 now_ns)
{
    if (product == NULL || product->is_deleted != 0)
        return STATUS_NOT_FOUND;
    if ((ask->flags & PAGE_FLAG_STAFF) == 0 && !product_is_visible(product, now_ns))
        return STATUS_NOT_VISIBLE;
    return STATUS_OK;
}

bool shard_part_page_part(struct shard *shard, struct part *part)
{
    struct msg_page_part_req ask;
    struct msg_page_part_rsp *answer = (struct msg_page_part_rsp *)(void *)part->reply;
    memcpy(&ask, part->fixed, sizeof ask);
    const u32 index = catalog_find(&shard->catalog, route_hash_u64(ask.product_id), ask.product_id);
    const struct product *product = index != 0 ? product_at(&shard->catalog, index) : NULL;
    answer->head.status = judge_page(product, &ask, part->now_ns);
    if (answer->head.status != STATUS_OK)
        return true;
    const struct product_live live = product_live_of(product, part->now_ns);
    answer->version = product->version;
    answer->created_at_ns = product->created_at_ns;
    answer->as_of_lsn = shard->applied_lsn;
    memcpy(&answer->page_version, &live, sizeof live);
    if (ask.if_version == live.page_version) {
        answer->is_not_modified = 1;
        return true;
    }
    memcpy(&answer->price, &product->facts, sizeof product->facts);
    if (!copy_page(part, product, (ask.flags & PAGE_FLAG_NO_BLOB) == 0)) {
        memset(answer, 0, sizeof *answer);
        memset(part->reply_spans, 0, sizeof part->reply_spans);
        answer->head.status = STATUS_TOO_LARGE;
    }
    return true;
}
STATIC_CHECK(offsetof(struct msg_page_part_rsp, price) -
                 offsetof(struct msg_page_part_rsp, page_version) ==
             sizeof(struct product_live));
STATIC_CHECK(sizeof(struct msg_page_part_rsp) - offsetof(struct msg_page_part_rsp, price) ==
             sizeof(struct product_facts));
STATIC_CHECK(sizeof(struct msg_page_part_rsp) <= PART_REPLY_WORDS * sizeof(u64));
