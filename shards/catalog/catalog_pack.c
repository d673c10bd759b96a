/* catalog_pack: the opaque page of a product, packed by lz4 when that pays.
 *
 * A page that is short, or gets hardly shorter, stays as it is. Nothing that is dumped or digested has
 * the packed form in it, so another lz4 that packs otherwise does no harm.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <lz4.h>
#include <string.h>

#include "shards/catalog/catalog.h"

#define PACK_BYTES_MIN 256u

/* It pays from an eighth on: reading it costs a copy. */
static u32 worth_it(u32 bytes)
{
    return bytes - bytes / 8;
}

struct span catalog_pack_page(struct span page, u8 *to)
{
    MUST(page.bytes <= PAGE_BYTES_MAX);
    if (page.bytes < PACK_BYTES_MIN)
        return page;
    const int packed = LZ4_compress_default((const char *)page.data, (char *)to, (int)page.bytes,
                                            (int)worth_it(page.bytes) - 1);
    return packed > 0 ? (struct span){.data = to, .bytes = (u32)packed} : page;
}

struct span catalog_page(const struct product *product, u8 *to)
{
    struct span texts[PRODUCT_TEXT_COUNT];
    if (product->blob == NULL)
        return (struct span){NULL, 0};
    product_texts(product, texts);
    const struct span stored = texts[PRODUCT_TEXT_PAGE];
    if (stored.bytes == product->page_bytes)
        return stored;
    const int whole = LZ4_decompress_safe((const char *)stored.data, (char *)to, (int)stored.bytes,
                                          (int)PAGE_BYTES_MAX);
    MUST(whole >= 0 && (u32)whole == product->page_bytes);
    return (struct span){.data = to, .bytes = product->page_bytes};
}
