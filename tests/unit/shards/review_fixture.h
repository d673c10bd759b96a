/* review_fixture: what tests of reviews say and ask, in a town of shards.
 *
 * Product p (from 0) has the id rf_product(p); SKU i of the order fixture is a variant of product i.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_REVIEW_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_REVIEW_FIXTURE_H

#include <stdio.h>

#include "proto/route.h"
#include "tests/unit/shards/order_fixture.h"

#define RF_PRODUCTS OF_SKUS
#define RF_ANY      0ull
#define RF_ABSENT   UINT64_MAX

static inline u64 rf_product(u32 p)
{
    return 900 + 31 * (u64)p;
}

static inline struct span rf_text(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

static inline u16 rf_home(const struct of *of, u64 product_id)
{
    return route_shard(route_hash_u64(product_id), of->town->options.shard_count);
}

static inline void rf_product_put(struct of *of, u32 p)
{
    char code[24];
    (void)snprintf(code, sizeof code, "product-%u", p);
    const struct msg_product_put_req put = {.product_id = rf_product(p)};
    const struct span spans[MESSAGE_SPANS_MAX] = {[SPAN_OF(product_put_req, code)] = rf_text(code)};
    assert_int_equal(town_ask(of->town, OPCODE_PRODUCT_PUT, 0, &put, spans, NULL, NULL), STATUS_OK);
}

/* The SKUs become variants of the products. */
static inline void rf_open(struct of *of, u16 shards)
{
    of_open(of, shards);
    for (u32 i = 0; i < OF_SKUS; i++) {
        char code[24] = "x";
        for (u32 k = 0; k < 12; k++)
            code[1 + k] = (char)('a' + (of_sku(i).id >> 4 * k & 15));
        const struct msg_sku_put_req put = {.resource = of_sku(i),
                                            .product_id = rf_product(i),
                                            .price = OF_PRICE(i),
                                            .currency = OF_GBP};
        const struct span spans[MESSAGE_SPANS_MAX] = {rf_text(code)};
        rf_product_put(of, i);
        assert_int_equal(town_ask(of->town, OPCODE_SKU_PUT, 0, &put, spans, NULL, NULL), STATUS_OK);
    }
    town_carry_all(of->town);
}

/* ---- changes ---- */

struct rf_put {
    u64 product, user, if_version;
    u16 stars;
    const char *title, *body, *media;
};

static inline struct msg_review_put_rsp rf_put(struct of *of, struct rf_put put)
{
    const struct msg_review_put_req ask = {.product_id = put.product,
                                           .user_id = put.user,
                                           .if_version = put.if_version,
                                           .stars = put.stars};
    const struct span spans[MESSAGE_SPANS_MAX] = {rf_text(put.title != NULL ? put.title : ""),
                                                  rf_text(put.body != NULL ? put.body : ""),
                                                  rf_text(put.media != NULL ? put.media : "")};
    struct msg_review_put_rsp answer;
    (void)town_ask(of->town, OPCODE_REVIEW_PUT, 0, &ask, spans, &answer, NULL);
    return answer;
}
#define RF_PUT(of, ...) rf_put((of), (struct rf_put){__VA_ARGS__})

#define RF_SENDER(OPCODE, name)                                                       \
    static inline struct msg_##name##_rsp rf_send_##name(struct of *of,               \
                                                         struct msg_##name##_req ask) \
    {                                                                                 \
        struct msg_##name##_rsp answer;                                               \
        (void)town_ask(of->town, OPCODE, 0, &ask, NULL, &answer, NULL);               \
        return answer;                                                                \
    }
RF_SENDER(OPCODE_REVIEW_MODERATE, review_moderate)
RF_SENDER(OPCODE_REVIEW_VOTE, review_vote)
RF_SENDER(OPCODE_REVIEW_DELETE, review_delete)
RF_SENDER(OPCODE_RATING_GET, rating_get)
#undef RF_SENDER
#define RF_MODERATE(of, ...) \
    rf_send_review_moderate((of), (struct msg_review_moderate_req){__VA_ARGS__})
#define RF_VOTE(of, ...)   rf_send_review_vote((of), (struct msg_review_vote_req){__VA_ARGS__})
#define RF_DELETE(of, ...) rf_send_review_delete((of), (struct msg_review_delete_req){__VA_ARGS__})
#define RF_RATING(of, ...) rf_send_rating_get((of), (struct msg_rating_get_req){__VA_ARGS__})

static inline struct msg_review_reply_rsp rf_reply(struct of *of, u64 product, u64 user, u64 actor,
                                                   const char *text)
{
    const struct msg_review_reply_req ask = {
        .product_id = product, .user_id = user, .actor = actor};
    const struct span spans[MESSAGE_SPANS_MAX] = {rf_text(text)};
    struct msg_review_reply_rsp answer;
    (void)town_ask(of->town, OPCODE_REVIEW_REPLY, 0, &ask, spans, &answer, NULL);
    return answer;
}

static inline struct msg_review_erase_rsp rf_erase(struct of *of, u16 shard, u64 user)
{
    const struct msg_review_erase_req ask = {.user_id = user};
    struct msg_review_erase_rsp answer;
    (void)town_ask(of->town, OPCODE_REVIEW_ERASE, shard, &ask, NULL, &answer, NULL);
    return answer;
}

static inline struct msg_review_moderate_rsp rf_approve(struct of *of, u64 product, u64 user)
{
    return RF_MODERATE(of, .product_id = product, .user_id = user, .actor = 9,
                       .state = REVIEW_STATE_APPROVED);
}

/* ---- reads ---- */

struct rf_row {
    struct row_review_brief row;
    char title[REVIEW_TITLE_BYTES_MAX + 1];
    char body[64]; /* the beginning */
    char reply[64];
};

struct rf_page {
    u16 status;
    u64 total, next_key, next_ns, next_user;
    u32 count;
    struct rf_row rows[REVIEW_LIST_MAX];
};

static inline void rf_copy(char *to, size_t room, const u8 *from, u32 bytes)
{
    const size_t count = MIN(bytes, room - 1);
    memcpy(to, from, count);
    to[count] = 0;
}

static inline void rf_rows(struct rf_page *page, struct span rows, struct span texts)
{
    page->count = rows.bytes / (u32)sizeof(struct row_review_brief);
    u32 at = 0;
    for (u32 i = 0; i < page->count; i++) {
        struct rf_row *to = &page->rows[i];
        memcpy(&to->row, rows.data + i * sizeof to->row, sizeof to->row);
        assert_int_equal(to->row.text_offset, at);
        rf_copy(to->title, sizeof to->title, texts.data + at, to->row.title_bytes);
        at += to->row.title_bytes;
        rf_copy(to->body, sizeof to->body, texts.data + at, to->row.body_bytes);
        at += to->row.body_bytes;
        rf_copy(to->reply, sizeof to->reply, texts.data + at, to->row.reply_bytes);
        at += to->row.reply_bytes;
        assert_true(at <= texts.bytes);
    }
    assert_int_equal(at, texts.bytes);
}

static inline const struct rf_page *rf_list(struct of *of, struct msg_review_list_req ask)
{
    static struct rf_page page;
    struct msg_review_list_rsp answer;
    struct record_view view;
    memset(&page, 0, sizeof page);
    page.status = town_ask(of->town, OPCODE_REVIEW_LIST, 0, &ask, NULL, &answer, &view);
    if (page.status != STATUS_OK)
        return &page;
    page.total = answer.total;
    page.next_key = answer.next_key;
    page.next_ns = answer.next_ns;
    page.next_user = answer.next_user;
    rf_rows(&page, view.spans[SPAN_OF(review_list_rsp, reviews)],
            view.spans[SPAN_OF(review_list_rsp, texts)]);
    return &page;
}
#define RF_LIST(of, ...) rf_list((of), (struct msg_review_list_req){__VA_ARGS__})

static inline const struct rf_page *rf_queue(struct of *of, u16 shard,
                                             struct msg_review_queue_req ask)
{
    static struct rf_page page;
    struct msg_review_queue_rsp answer;
    struct record_view view;
    memset(&page, 0, sizeof page);
    page.status = town_ask(of->town, OPCODE_REVIEW_QUEUE, shard, &ask, NULL, &answer, &view);
    if (page.status != STATUS_OK)
        return &page;
    page.total = answer.total;
    rf_rows(&page, view.spans[SPAN_OF(review_queue_rsp, reviews)],
            view.spans[SPAN_OF(review_queue_rsp, texts)]);
    return &page;
}

/* A review as review_get tells it. */
struct rf_review {
    struct msg_review_get_rsp head;
    char title[REVIEW_TITLE_BYTES_MAX + 1];
    char body[64];
    char media[64];
    char reply[64];
    u32 edit_count;
    struct row_review_edit edits[REVIEW_EDITS_MAX];
    char edit_titles[REVIEW_EDITS_MAX][64];
};

static inline const struct rf_review *rf_get(struct of *of, u64 product, u64 user)
{
    static struct rf_review to;
    const struct msg_review_get_req ask = {.product_id = product, .user_id = user};
    struct record_view view;
    memset(&to, 0, sizeof to);
    if (town_ask(of->town, OPCODE_REVIEW_GET, 0, &ask, NULL, &to.head, &view) != STATUS_OK)
        return &to;
#define COPY(name)                                                                   \
    rf_copy(to.name, sizeof to.name, view.spans[SPAN_OF(review_get_rsp, name)].data, \
            view.spans[SPAN_OF(review_get_rsp, name)].bytes)
    COPY(title);
    COPY(body);
    COPY(media);
    COPY(reply);
#undef COPY
    const struct span rows = view.spans[SPAN_OF(review_get_rsp, edits)];
    const struct span texts = view.spans[SPAN_OF(review_get_rsp, texts)];
    to.edit_count = rows.bytes / (u32)sizeof to.edits[0];
    assert_true(to.edit_count <= REVIEW_EDITS_MAX);
    memcpy(to.edits, rows.data, rows.bytes);
    for (u32 i = 0; i < to.edit_count; i++)
        rf_copy(to.edit_titles[i], sizeof to.edit_titles[i], texts.data + to.edits[i].text_offset,
                to.edits[i].title_bytes);
    return &to;
}

static inline u16 rf_state(struct of *of, u64 product, u64 user)
{
    return rf_get(of, product, user)->head.state;
}

static inline void rf_policy(struct of *of, u32 per_day, u16 is_moderated, u16 needs_purchase)
{
    const struct msg_review_policy_put_req ask = {.home_id = POLICY_HOME_ID,
                                                  .per_day = per_day,
                                                  .is_moderated = is_moderated,
                                                  .needs_purchase = needs_purchase};
    assert_int_equal(town_ask(of->town, OPCODE_REVIEW_POLICY_PUT, 0, &ask, NULL, NULL, NULL),
                     STATUS_OK);
    town_carry_all(of->town);
}

#endif
