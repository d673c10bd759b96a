/* recommend_show: see shards/recommend/recommend_show.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/recommend/recommend_show.h"

#include <string.h>

#include "shards/shard_state.h"

bool recommend_list_init(struct recommend_list *list, struct bump *bump, u32 row_max)
{
    const size_t fixed = sizeof(struct recommend_rows) + row_max * sizeof(struct recommend_shown);
    u8 *data = bump_acquire(bump, fixed + row_max * (size_t)(CODE_BYTES_MAX + TITLE_BYTES_MAX));
    *list = (struct recommend_list){.row_max = row_max, .data = data};
    if (data == NULL)
        return false;
    list->rows = (struct recommend_shown *)(void *)(data + sizeof(struct recommend_rows));
    list->texts = data + fixed;
    return true;
}
STATIC_CHECK(sizeof(struct recommend_rows) % _Alignof(struct recommend_shown) == 0);
/* The most that a list is asked for. */
STATIC_CHECK((3 * RECOMMEND_FALLBACK_MAX + 1) *
                     (sizeof(struct recommend_shown) + CODE_BYTES_MAX + TITLE_BYTES_MAX) +
                 64 <=
             STORE_CHUNK_BYTES);

bool recommend_may_show(const struct shard *shard, u32 product, u64 now_ns)
{
    if (product == 0)
        return false;
    const struct product *own = product_at(&shard->catalog, product);
    return product_is_listed(own, now_ns) && own->state != STOCK_STATE_NONE;
}

static u16 rating_of(const struct product *product)
{
    const u32 count = product->rating_count;
    if (count == 0)
        return 0;
    return (u16)((product->rating_sum * 100 + count / 2) / count);
}

struct recommend_shown *recommend_list_add(struct recommend_list *list, const struct shard *shard,
                                           u32 product, u64 now_ns)
{
    if (list->count == list->row_max || !recommend_may_show(shard, product, now_ns))
        return NULL;
    const struct product *own = product_at(&shard->catalog, product);
    const struct span code = product_code(own);
    const struct span title = product_title(own);
    struct recommend_shown *row = &list->rows[list->count++];
    *row = (struct recommend_shown){.product_id = own->product_id,
                                    .price = own->price_from,
                                    .text_offset = list->text_bytes,
                                    .code_bytes = (u16)code.bytes,
                                    .title_bytes = (u16)title.bytes,
                                    .currency = own->facts.currency,
                                    .rating = rating_of(own),
                                    .state = own->state};
    memcpy(list->texts + list->text_bytes, code.data, code.bytes);
    if (title.bytes != 0)
        memcpy(list->texts + list->text_bytes + code.bytes, title.data, title.bytes);
    list->text_bytes += code.bytes + title.bytes;
    return row;
}

void recommend_list_tell(struct recommend_list *list, struct part *part)
{
    const struct recommend_rows head = {.count = list->count, .text_bytes = list->text_bytes};
    const u32 fixed = (u32)sizeof head + list->count * (u32)sizeof *list->rows;
    memcpy(list->data, &head, sizeof head);
    memmove(list->data + fixed, list->texts, list->text_bytes);
    part->reply_spans[SPAN_OF(recommend_part_rsp, data)] =
        (struct span){.data = list->data, .bytes = fixed + list->text_bytes};
}
