/* fuzz_search: any request for a search or a suggestion, asked of a small shop on two shards and on one.
 *
 *   byte 0         bit 0: a suggestion; bit 1: late; bit 2: answers come from the last to the first; bit 3: a cursor
 *   byte 1         flags
 *   bytes 2 - 5    sort, limit, offset, ads
 *   byte 6         bars; which bit of the cursor is turned over, 0 = none
 *   rest           query, filter and facets, with newlines between
 *
 * Whatever is asked, the answer must be well formed, hold no more than was wanted, leave no question open, and be
 * the same from one shard as from two (unless it is partial). A cursor that was changed must be refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "proto/messages.h"
#include "proto/status.h"
#include "shards/shard_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/feeder.h"
#include "tests/support/gather_loop.h"

#define PRODUCTS 120u
#define HITS_MAX (SEARCH_LIMIT_MAX + 10)

struct shop {
    struct feeder *feeder;
    struct gather_loop *loop;
};

struct request {
    bool is_suggestion, is_late, is_turned, has_cursor;
    u8 turned_bit;
    struct msg_search_req search;
    struct span texts[3]; /* query, filter, facets */
};

struct answer {
    u16 status;
    struct msg_search_rsp rsp;
    struct row_hit hits[HITS_MAX];
    u32 hit_count;
    u8 cursor[CURSOR_BYTES_MAX];
    u32 cursor_bytes;
};

static struct span text_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static void put_product(struct feeder *feeder, u32 i)
{
    static const char *const words[] = {"white", "heart", "lamp",  "lamps",  "mug",
                                        "kd-49", "64",    "gb",    "5.5",    "in",
                                        "wi-fi", "wifi",  "metal", "holder", "caf\303\251"};
    static const char *const brands[] = {"acme", "zeta", "a b", ""};
    static const char *const categories[] = {"home/light", "home", "garden", ""};
    static const char *const lines[] = {"color=red\nsize=40", "color=blue", "size=5.5\nok=true",
                                        ""};
    char code[16], title[96];
    const u32 n = i * 2654435761u;
    (void)snprintf(code, sizeof code, "P%u", i);
    (void)snprintf(title, sizeof title, "%s %s %s %u", words[n % 15], words[(n >> 8) % 15],
                   words[(n >> 16) % 15], i % 9);
    const struct msg_product_put_req put = {.product_id = 1000 + i,
                                            .price = 100 + (n >> 20) % 50,
                                            .price_before = i % 4 * 60,
                                            .currency = 826,
                                            .popularity = i % 13 * 100,
                                            .marks = i % 17 == 0 ? PRODUCT_MARK_DRAFT : 0};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        text_of(code), text_of(title), text_of(brands[i % 4]), text_of(categories[i / 4 % 4]),
        text_of(lines[i / 16 % 4])};
    feeder_put(feeder, OPCODE_PRODUCT_PUT, &put, spans);
}

static struct shop *open_shop(u16 shards)
{
    static struct shop shops[3];
    struct shop *shop = &shops[shards];
    if (shop->feeder != NULL)
        return shop;
    shop->feeder = feeder_open(shards, false);
    for (u32 i = 0; i < PRODUCTS; i++)
        put_product(shop->feeder, i);
    const struct msg_attribute_put_req size = {.home_id = POLICY_HOME_ID,
                                               .attribute_id = 77,
                                               .type = ATTRIBUTE_TYPE_NUMBER,
                                               .is_searched = 1,
                                               .name = {.bytes = "size"}};
    (void)feeder_call(shop->feeder, OPCODE_ATTRIBUTE_PUT, &size, NULL, NULL);
    feeder_flush(shop->feeder);
    for (u16 i = 0; i < shards; i++)
        while (shard_work(feeder_shards(shop->feeder)[i])) {}
    shop->loop = gather_loop_open(feeder_shards(shop->feeder), shards);
    return shop;
}

static struct span take_line(struct fuzz_input *input, u32 most)
{
    struct span line = {.data = input->data};
    while (input->left != 0 && *input->data != '\n' && line.bytes < most) {
        input->data++;
        input->left--;
        line.bytes++;
    }
    (void)fuzz_take(input, 1);
    return line;
}

static struct request take_request(struct fuzz_input *input)
{
    struct request request = {.is_late = false};
    const u8 kind = (u8)fuzz_take(input, 1);
    request.is_suggestion = (kind & 1) != 0;
    request.is_late = (kind & 2) != 0;
    request.is_turned = (kind & 4) != 0;
    request.has_cursor = (kind & 8) != 0;
    request.search.flags = (u16)fuzz_take(input, 1);
    request.search.sort = (u16)(fuzz_take(input, 1) % (SEARCH_SORT_COUNT + 1));
    request.search.limit = (u32)(fuzz_take(input, 1) % 103);
    request.search.offset = (u32)(fuzz_take(input, 1) * 41);
    request.search.ads = (u16)(fuzz_take(input, 1) % 12);
    request.turned_bit = (u8)fuzz_take(input, 1);
    request.search.bars = request.turned_bit % 52;
    request.texts[0] = take_line(input, QUERY_BYTES_MAX);
    request.texts[1] = take_line(input, FILTER_BYTES_MAX);
    request.texts[2] = take_line(input, FACETS_BYTES_MAX);
    return request;
}

static void ask(struct shop *shop, const struct request *request, struct span cursor,
                struct answer *answer)
{
    struct record_view view;
    const struct span spans[MESSAGE_SPANS_MAX] = {request->texts[0], request->texts[1],
                                                  request->texts[2], cursor};
    shop->loop->is_late = request->is_late;
    shop->loop->turns = request->is_turned;
    memset(answer, 0, sizeof *answer);
    answer->status = gather_loop_ask(shop->loop, OPCODE_SEARCH, feeder_now_ns(shop->feeder),
                                     &request->search, spans, &answer->rsp, &view);
    const struct span hits = view.spans[SPAN_OF(search_rsp, hits)];
    const struct span next = view.spans[SPAN_OF(search_rsp, cursor)];
    answer->hit_count = hits.bytes / (u32)sizeof answer->hits[0];
    MUST(answer->hit_count <= request->search.limit + request->search.ads);
    MUST(IMPLIES(answer->status != STATUS_OK, hits.bytes == 0 && answer->rsp.total == 0));
    MUST(IMPLIES(answer->status == STATUS_BAD_QUERY,
                 answer->rsp.error_at < request->texts[0].bytes));
    if (hits.bytes != 0)
        memcpy(answer->hits, hits.data, hits.bytes);
    MUST(next.bytes <= CURSOR_BYTES_MAX);
    answer->cursor_bytes = next.bytes;
    if (next.bytes != 0)
        memcpy(answer->cursor, next.data, next.bytes);
    for (u16 i = 0; i < feeder_count(shop->feeder); i++)
        MUST(feeder_shards(shop->feeder)[i]->search.question_count == 0);
}

static void suggest(struct shop *shop, const struct request *request)
{
    const struct msg_suggest_req req = {.words = request->search.limit % 52,
                                        .products = request->search.offset % 52};
    const struct span spans[MESSAGE_SPANS_MAX] = {request->texts[0]};
    (void)gather_loop_ask(shop->loop, OPCODE_SUGGEST, feeder_now_ns(shop->feeder), &req, spans,
                          NULL, NULL);
}

/* One shard and two have the same products, and so the same answer; they were put at other times. */
static void compare(const struct request *request, const struct answer *one,
                    const struct answer *two)
{
    MUST(one->status == two->status);
    if (request->search.sort == SEARCH_SORT_NEWEST)
        return;
    if (one->status != STATUS_OK || ((one->rsp.notes | two->rsp.notes) & SEARCH_NOTE_PARTIAL) != 0)
        return;
    MUST(one->hit_count == two->hit_count);
    for (u32 i = 0; i < one->hit_count; i++)
        MUST(one->hits[i].product_id == two->hits[i].product_id &&
             one->hits[i].sort_key == two->hits[i].sort_key);
    if (((one->rsp.notes | two->rsp.notes) & SEARCH_NOTE_AT_LEAST) == 0)
        MUST(one->rsp.total == two->rsp.total);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    static struct answer one, two, next;
    struct fuzz_input input = {.data = data, .left = bytes};
    const struct request request = take_request(&input);
    struct shop *shops[2] = {open_shop(1), open_shop(2)};
    if (request.is_suggestion) {
        suggest(shops[0], &request);
        suggest(shops[1], &request);
        return 0;
    }
    ask(shops[0], &request, (struct span){0}, &one);
    ask(shops[1], &request, (struct span){0}, &two);
    compare(&request, &one, &two);
    if (!request.has_cursor || one.cursor_bytes == 0)
        return 0;
    struct request following = request;
    following.search.offset = 0;
    const u32 bit = request.turned_bit % (one.cursor_bytes * 8 + 1);
    if (bit != 0)
        one.cursor[(bit - 1) / 8] ^= (u8)(1u << (bit - 1) % 8);
    ask(shops[0], &following, (struct span){one.cursor, one.cursor_bytes}, &next);
    MUST(bit == 0 || next.status == STATUS_CURSOR_MISMATCH);
    MUST(bit != 0 || next.status == STATUS_OK);
    return 0;
}
