/* test_review_dump: reviews in snapshots: pieces in any order, under load, damaged field by field; what
 * the limit of memory refuses; frames that are linked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "shards/review/review_parts.h"
#include "tests/unit/shards/dump_fixture.h"
#include "tests/unit/shards/mail_fixture.h"

#define USERS    20u
#define PRODUCTS 6u

static struct fx fx;
static struct mx mx;
static u64 products[PRODUCTS]; /* of this shard, the first of two */
static struct dx dx = {.fx = &fx, .verify = review_verify};

static u64 draw(u64 below)
{
    return dx_draw(&dx, below);
}

static struct span text_of(const char *text)
{
    return (struct span){.data = (const u8 *)text, .bytes = (u32)strlen(text)};
}

/* One record with spans, as the next frame of the session. */
static void send_spans(u16 opcode, const void *fixed, const struct span *spans)
{
    static u8 body[64u << 10];
    const u32 bytes = frame_record_write(message_find(opcode), FRAME_DIRECTION_REQUEST, body,
                                         sizeof body, fixed, spans);
    assert_int_not_equal(bytes, 0);
    fx.seq++;
    fx.acked_seq = fx.seq - 1;
    fx_frame(&fx, opcode, body, bytes, 1);
}

static void put_products(void)
{
    u32 count = 0;
    for (u64 id = 1; count < PRODUCTS; id++) {
        if (route_shard(route_hash_u64(id), 2) != 0)
            continue;
        char code[16];
        (void)snprintf(code, sizeof code, "p%u", (unsigned)id);
        const struct msg_product_put_req put = {.product_id = id};
        const struct span spans[MESSAGE_SPANS_MAX] = {text_of(code)};
        send_spans(OPCODE_PRODUCT_PUT, &put, spans);
        assert_int_equal(FX_RSP(&fx, product_put, 0).head.status, STATUS_OK);
        products[count++] = id;
    }
}

static int open_world(void **state)
{
    (void)state;
    dx.random = 0x1357bdf;
    fx_open_with(&fx, (struct shard_options){.count = 2});
    mx = (struct mx){.fx = &fx, .other = 1};
    put_products();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

static u64 draw_product(void)
{
    return products[draw(PRODUCTS)];
}

static void put(u64 product, u64 user, u16 stars)
{
    static const char *const titles[] = {"", "good", "bad enough"};
    const struct msg_review_put_req ask = {.product_id = product, .user_id = user, .stars = stars};
    const struct span spans[MESSAGE_SPANS_MAX] = {text_of(titles[draw(3)]), text_of("words"),
                                                  text_of("a.jpg\nb.jpg")};
    send_spans(OPCODE_REVIEW_PUT, &ask, spans);
}

static void moderate(u64 product, u64 user, u16 state)
{
    (void)FX_ONE(&fx, OPCODE_REVIEW_MODERATE, review_moderate, .product_id = product,
                 .user_id = user, .state = state, .actor = 1 + draw(3), .reason = (u32)draw(4));
}

static void reply_to(u64 product, u64 user)
{
    const struct msg_review_reply_req ask = {.product_id = product, .user_id = user, .actor = 5};
    const struct span spans[MESSAGE_SPANS_MAX] = {text_of(draw(3) == 0 ? "" : "we are sorry")};
    send_spans(OPCODE_REVIEW_REPLY, &ask, spans);
}

static void purchase(u64 product, u64 user, i64 units)
{
    const struct msg_mail_purchase_req told = {
        .user_id = user, .product_id = product, .order = {1, 2}, .units = units};
    const struct span none[MESSAGE_SPANS_MAX] = {{NULL, 0}};
    mx_send(&mx, OPCODE_MAIL_PURCHASE, &told, none);
}

static i64 units_of(u64 product, u64 user)
{
    const u32 index = review_purchase_find(&fx.shard->reviews, user, product);
    return index != 0 ? review_purchase_at(&fx.shard->reviews, index)->units : 0;
}

static void step(void)
{
    const u64 product = draw_product(), user = 1 + draw(USERS);
    fx.now_ns += draw(2000) * NS_PER_S;
    switch (draw(10)) {
    case 0:
    case 1: put(product, user, (u16)(1 + draw(5))); break;
    case 2:
    case 3:
        moderate(product, user, (u16)(draw(2) == 0 ? REVIEW_STATE_APPROVED : 1 + draw(4)));
        break;
    case 4: reply_to(product, user); break;
    case 5: purchase(product, user, units_of(product, user) > 0 && draw(3) == 0 ? -1 : 1); break;
    case 6:
        if (draw(3) == 0)
            (void)FX_ONE(&fx, OPCODE_REVIEW_DELETE, review_delete, .product_id = product,
                         .user_id = user);
        break;
    case 7:
        if (draw(19) == 0)
            (void)FX_ONE(&fx, OPCODE_REVIEW_ERASE, review_erase, .user_id = user);
        break;
    default:
        (void)FX_ONE(&fx, OPCODE_REVIEW_VOTE, review_vote, .product_id = product, .user_id = user,
                     .voter_id = 1 + draw(USERS), .vote = (u16)draw(3));
    }
}

static void fill(void)
{
    for (u32 i = 0; i < 3000; i++)
        step();
}

static void pieces_come_back_in_any_order(void **state)
{
    (void)state;
    struct fx_records records;
    fill();
    fx_records_read(fx.shard, &records);
    for (u32 round = 0; round < 5; round++)
        shard_close(dx_load_shuffled(&dx, &records));
    fx_records_free(&records);
}

/* One that is gone and has no votes is missed by nobody, nor what was written or bought. */
static bool is_missed(const struct dump_view *view)
{
    const struct review_room *room = &fx.shard->reviews;
    struct msg_review_get_req name;
    memcpy(&name, view->body, sizeof name);
    if (view->kind != DUMP_KIND_REVIEW)
        return view->kind == DUMP_KIND_REVIEW_EDIT || view->kind == DUMP_KIND_REVIEW_VOTE;
    const u32 index = review_find(room, name.product_id, name.user_id);
    return index != 0 && review_at(room, index)->state == REVIEW_STATE_APPROVED;
}

/* A record that is left out, or comes twice. */
static void a_missing_or_double_piece_is_noticed(void **state)
{
    (void)state;
    struct fx_records records;
    u32 tried[DUMP_KIND_REVIEW_PURCHASE + 1] = {0};
    fill();
    fx_records_read(fx.shard, &records);
    for (u32 i = 0; i < records.count; i++) {
        const struct dump_view view = dx_view(&records, i);
        if (view.kind < DUMP_KIND_REVIEW || view.kind > DUMP_KIND_REVIEW_PURCHASE ||
            tried[view.kind] == 40)
            continue;
        const char *reason = dx_load_without(&dx, &records, i);
        if (is_missed(&view))
            assert_non_null(reason);
        dx_assert_not_twice(&dx, &records, i);
        tried[view.kind]++;
    }
    for (u32 kind = DUMP_KIND_REVIEW; kind <= DUMP_KIND_REVIEW_PURCHASE; kind++)
        if (tried[kind] < 6)
            fail_msg("kind %u: %u", kind, tried[kind]);
    fx_records_free(&records);
}

static void garbage_is_refused_or_sound(void **state)
{
    (void)state;
    struct fx_records records;
    u32 noticed = 0;
    fill();
    fx_records_read(fx.shard, &records);
    for (u32 i = 0; i < 1500; i++)
        noticed += dx_damage(&dx, &records, (u32)draw(records.count - 1), 200) ? 1 : 0;
    assert_in_range(noticed, 500, 1500);
    fx_records_free(&records);
}

static void a_sliced_dump_under_load_is_the_state_at_its_beginning(void **state)
{
    (void)state;
    dx.step = step;
    fill();
    for (u32 round = 0; round < 25; round++) {
        for (u32 i = 0; i < 40; i++)
            step();
        struct dx_load load =
            dx_dump_under_load(&dx, &(const struct dx_plan){.steps = 60, .slice_steps = 1});
        dx_catch_up(&dx, &load);
    }
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
}

/* ---- field by field ---- */

struct damage {
    const char *name;
    void *place;
    size_t bytes;
    u64 value;
};
#define DAMAGE(place, value)                                       \
    {                                                              \
#place " = " #value, &(place), sizeof(place), (u64)(value) \
    }

/* Breaks one number after the other: none is taken. */
static void try_damages(const struct damage *damages, size_t count)
{
    assert_null(dx_load_again(fx.shard));
    for (size_t i = 0; i < count; i++) {
        u8 kept[8];
        memcpy(kept, damages[i].place, damages[i].bytes);
        memcpy(damages[i].place, &damages[i].value, damages[i].bytes); /* the low bytes */
        if (dx_load_again(fx.shard) == NULL)
            fail_msg("%s: taken", damages[i].name);
        memcpy(damages[i].place, kept, damages[i].bytes);
    }
    assert_null(dx_load_again(fx.shard));
}

/* Of user 7, with a text before it, a reply, a vote; of user 9, deleted; of user 11, rejected, so that no
 * rating says how many stars it has. */
static void put_reviews(u64 product)
{
    put(product, 7, 3);
    put(product, 7, 4);
    moderate(product, 7, REVIEW_STATE_APPROVED);
    reply_to(product, 7);
    (void)FX_ONE(&fx, OPCODE_REVIEW_VOTE, review_vote, .product_id = product, .user_id = 7,
                 .voter_id = 8, .vote = 1);
    put(product, 9, 1);
    (void)FX_ONE(&fx, OPCODE_REVIEW_DELETE, review_delete, .product_id = product, .user_id = 9);
    put(product, 11, 2);
    moderate(product, 11, REVIEW_STATE_REJECTED);
    purchase(product, 7, 2);
}

static void a_review_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct review_room *room = &fx.shard->reviews;
    put_reviews(products[0]);
    struct review *live = review_at(room, review_find(room, products[0], 7));
    struct review *gone = review_at(room, review_find(room, products[0], 9));
    const struct damage damages[] = {
        DAMAGE(live->user_id, 0),
        DAMAGE(live->version, 0),
        DAMAGE(live->version, 1), /* before its text */
        DAMAGE(live->state, 5),
        DAMAGE(live->state, REVIEW_STATE_NONE),
        DAMAGE(live->state, REVIEW_STATE_PENDING), /* then the product's rating is wrong */
        DAMAGE(live->is_suspect, 1),
        DAMAGE(live->created_ns, UINT64_MAX),
        DAMAGE(live->changed_ns, 1),
        DAMAGE(live->replied_ns, UINT64_MAX),
        DAMAGE(live->edit_count, 0),
        DAMAGE(live->edit_count, 2),
        DAMAGE(live->edit_count, 9),
        DAMAGE(live->votes.count, 0),
        DAMAGE(gone->version, 0),
        DAMAGE(gone->is_suspect, 2),
        DAMAGE(gone->moderator, 1),
        DAMAGE(gone->reason, 1),
        DAMAGE(gone->created_ns, 1),
        DAMAGE(gone->replied_by, 1),
        DAMAGE(gone->edit_count, 1),
    };
    try_damages(damages, ARRAY_COUNT(damages));
}

static void a_text_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct review_room *room = &fx.shard->reviews;
    put_reviews(products[0]);
    struct review_text *text = review_at(room, review_find(room, products[0], 7))->text;
    struct review_text *rejected = review_at(room, review_find(room, products[0], 11))->text;
    assert_int_equal(text->stars, 4);
    const struct damage damages[] = {
        DAMAGE(text->version, 0),
        DAMAGE(text->version, UINT64_MAX),
        DAMAGE(text->version, 1), /* that of the text before */
        DAMAGE(text->stars, 0),
        DAMAGE(text->stars, 6),
        DAMAGE(text->stars, 5), /* the rating again */
        DAMAGE(rejected->stars, 0),
        DAMAGE(rejected->stars, 6),
        DAMAGE(text->changed_ns, UINT64_MAX),
        DAMAGE(text->bytes[text->title_bytes], 7),
        DAMAGE(text->older->version, 0),
        DAMAGE(text->older->version, 99), /* newer than the present one */
        DAMAGE(text->older->stars, 0),
        DAMAGE(text->older->state, 0),
        DAMAGE(text->older->state, 5),
    };
    try_damages(damages, ARRAY_COUNT(damages));
}

static void what_else_cannot_be_is_refused(void **state)
{
    (void)state;
    struct review_room *room = &fx.shard->reviews;
    const u64 p = products[0];
    put_reviews(p);
    struct review_person *person = review_person_at(room, review_person_find(room, 7));
    struct review_purchase *bought = review_purchase_at(room, review_purchase_find(room, 7, p));
    struct review_vote *vote =
        review_vote_at(room, review_vote_find(room, (struct review_vote_name){p, 7, 8}));
    struct product *product =
        product_at(&fx.shard->catalog, catalog_find(&fx.shard->catalog, route_hash_u64(p), p));
    const struct damage damages[] = {
        DAMAGE(vote->voter_id, 7), /* the author */
        DAMAGE(vote->voter_id, 0),        DAMAGE(vote->is_helpful, 2),
        DAMAGE(person->user_id, 4711), /* who has neither reviews nor votes */
        DAMAGE(person->user_id, 0),       DAMAGE(person->written[person->hour % REVIEW_HOURS], 0),
        DAMAGE(bought->user_id, 0),       DAMAGE(bought->product_id, 0),
        DAMAGE(bought->units, 0),         DAMAGE(product->rating_sum, 3),
        DAMAGE(product->rating_count, 2),
    };
    try_damages(damages, ARRAY_COUNT(damages));
}

/* ---- memory, frames ---- */

static void reviews_do_not_grow_beyond_the_limit_of_memory(void **state)
{
    (void)state;
    const u64 limit = 24u << 20;
    static char body[4001];
    u64 user = 1;
    fx_close(&fx);
    fx_open_with(&fx, (struct shard_options){.count = 2, .memory_max = limit});
    put_products();
    memset(body, 'b', sizeof body - 1);
    fx.is_local = true;
    for (; user < 100000; user++) {
        const struct msg_review_put_req ask = {
            .product_id = draw_product(), .user_id = user, .stars = 3};
        const struct span spans[MESSAGE_SPANS_MAX] = {text_of(""),
                                                      {(const u8 *)body, (u32)draw(4000)}};
        send_spans(OPCODE_REVIEW_PUT, &ask, spans);
        assert_true(shard_memory_used(fx.shard) <= limit);
        if (fx.reply.status != STATUS_OK)
            break;
    }
    assert_int_equal(fx.reply.status, STATUS_MEMORY_LIMIT);
    assert_true(user > 2000); /* and it was of use before */
    assert_int_equal(fx.shard->gate.under_way, 0);
    assert_int_equal(fx.shard->gate.need.reviews, 0);
    /* What makes room is still done. */
    fx.is_local = false;
    (void)FX_ONE(&fx, OPCODE_REVIEW_ERASE, review_erase, .user_id = 1);
    (void)fx_verify(&fx);
}

/* Frames that are admitted together, before any of them is applied. */
#define BURST 24u
struct burst {
    struct entry_header entries[BURST];
    u8 *bodies[BURST];
    u32 count;
};

/* False: this one was refused. */
static bool admit(struct burst *burst, u16 opcode, const u8 *body, u32 bytes, u32 count)
{
    const u64 seq = ++fx.seq;
    struct shard_reply reply;
    const struct frame_header header = {.opcode = opcode,
                                        .record_count = (u16)count,
                                        .session = fx.session,
                                        .session_seq = seq,
                                        .acked_seq = fx.acked_seq};
    if (shard_admit(fx.shard, &header, body, bytes, fx.now_ns, &reply) == SHARD_VERDICT_ANSWER) {
        assert_int_equal(reply.status, STATUS_MEMORY_LIMIT);
        return false;
    }
    burst->entries[burst->count] = (struct entry_header){.body_bytes = bytes,
                                                         .source = ENTRY_SOURCE_SESSION,
                                                         .opcode = opcode,
                                                         .record_count = (u16)count,
                                                         .session = fx.session,
                                                         .session_seq = seq,
                                                         .acked_seq = fx.acked_seq};
    burst->bodies[burst->count] = malloc(bytes);
    assert_non_null(burst->bodies[burst->count]);
    memcpy(burst->bodies[burst->count++], body, bytes);
    return true;
}

static void apply_burst(struct burst *burst)
{
    fx.is_local = true;
    for (u32 i = 0; i < burst->count; i++) {
        fx_apply(&fx, &burst->entries[i], burst->bodies[i]);
        free(burst->bodies[i]);
    }
    fx.is_local = false;
    fx.acked_seq = fx.seq;
    burst->count = 0;
}

static void open_small(u64 limit)
{
    fx_close(&fx);
    fx_open_with(&fx, (struct shard_options){.count = 2, .memory_max = limit});
    put_products();
}

static void votes_do_not_grow_beyond_the_limit_of_memory(void **state)
{
    (void)state;
    const u64 limit = 40u << 20;
    static struct msg_review_vote_req asks[8000];
    static struct burst burst;
    u64 voter = 100;
    bool is_full = false;
    open_small(limit);
    put(products[0], 7, 5);
    moderate(products[0], 7, REVIEW_STATE_APPROVED);
    while (!is_full) {
        while (burst.count < BURST && !is_full) {
            for (u32 i = 0; i < ARRAY_COUNT(asks); i++)
                asks[i] = (struct msg_review_vote_req){
                    .product_id = products[0], .user_id = 7, .voter_id = voter++, .vote = 1};
            is_full = !admit(&burst, OPCODE_REVIEW_VOTE, (const u8 *)asks, sizeof asks,
                             ARRAY_COUNT(asks));
        }
        apply_burst(&burst);
        assert_true(shard_memory_used(fx.shard) <= limit);
    }
    assert_true(voter > 50000);
    assert_int_equal(fx.shard->gate.under_way, 0);
    assert_int_equal(fx.shard->gate.need.review_votes, 0);
    (void)fx_verify(&fx);
}

static void bursts_of_reviews_do_not_grow_beyond_the_limit_of_memory(void **state)
{
    (void)state;
    const u64 limit = 40u << 20;
    static u8 body[900u << 10];
    static struct burst burst;
    u64 user = 100;
    bool is_full = false;
    open_small(limit);
    const struct message_info *info = message_find(OPCODE_REVIEW_PUT);
    while (!is_full) {
        while (burst.count < BURST && !is_full) {
            u32 bytes = 0;
            for (u32 i = 0; i < 1000; i++) {
                const struct msg_review_put_req ask = {
                    .product_id = draw_product(), .user_id = user++, .stars = 3};
                const struct span spans[MESSAGE_SPANS_MAX] = {text_of("short")};
                bytes += frame_record_write(info, FRAME_DIRECTION_REQUEST, body + bytes,
                                            (u32)sizeof body - bytes, &ask, spans);
            }
            is_full = !admit(&burst, OPCODE_REVIEW_PUT, body, bytes, 1000);
        }
        apply_burst(&burst);
        assert_true(shard_memory_used(fx.shard) <= limit);
    }
    assert_true(user > 20000);
    assert_int_equal(fx.shard->gate.need.reviews, 0);
    (void)fx_verify(&fx);
}

/* What the gate counts for texts is at least what they take. */
static void texts_are_counted_before_they_are_written(void **state)
{
    (void)state;
    static u8 text[REVIEW_BODY_BYTES_MAX], body[64u << 10];
    memset(text, 't', sizeof text);
    fx.is_local = true;
    for (u32 i = 0; i < 300; i++) {
        const bool is_reply = i % 3 == 2;
        const u16 opcode = is_reply ? OPCODE_REVIEW_REPLY : OPCODE_REVIEW_PUT;
        const struct msg_review_put_req put_ask = {
            .product_id = products[0], .user_id = 100 + i / 3, .stars = 3};
        const struct msg_review_reply_req reply_ask = {
            .product_id = products[0], .user_id = 100 + i / 3, .actor = 1};
        const u32 bytes_max = draw(2) == 0 ? 60 : REVIEW_BODY_BYTES_MAX;
        const struct span one = {.data = text, .bytes = 1 + (u32)draw(bytes_max)};
        const struct span spans[MESSAGE_SPANS_MAX] = {is_reply ? one : text_of(""), one};
        const u32 bytes =
            frame_record_write(message_find(opcode), FRAME_DIRECTION_REQUEST, body, sizeof body,
                               is_reply ? (const void *)&reply_ask : &put_ask, spans);
        const struct gate_frame frame = {
            .info = message_find(opcode), .body = body, .body_bytes = bytes, .record_count = 1};
        const u64 before = arena_live_bytes(&fx.shard->arena);
        fx.acked_seq = fx.seq++;
        fx_frame(&fx, opcode, body, bytes, 1);
        const u64 after = arena_live_bytes(&fx.shard->arena);
        if (after > before + gate_need_of(&frame).arena_bytes)
            fail_msg("%u: %u bytes of %u: %u took %u", i, one.bytes, bytes,
                     (unsigned)gate_need_of(&frame).arena_bytes, (unsigned)(after - before));
    }
    fx.is_local = false;
}

static void reviews_are_not_linked(void **state)
{
    (void)state;
    put(products[0], 7, 5);
    const struct msg_review_moderate_req asks[2] = {
        {.product_id = products[0], .user_id = 7, .state = REVIEW_STATE_APPROVED},
        {.product_id = products[0], .user_id = 8, .state = REVIEW_STATE_APPROVED}};
    fx.is_linked = true;
    (void)fx_send(&fx, OPCODE_REVIEW_MODERATE, asks, 2);
    fx.is_linked = false;
    assert_int_equal(FX_RSP(&fx, review_moderate, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(FX_RSP(&fx, review_moderate, 1).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(FX_READ(&fx, OPCODE_RATING_GET, rating_get, .product_id = products[0]).count,
                     0);
}

static void a_moderation_does_not_keep_sold_out_from_being_answered(void **state)
{
    (void)state;
    const struct gate_frame frame = {.info = message_find(OPCODE_REVIEW_VOTE),
                                     .body = (const u8 *)&(struct msg_review_vote_req){0},
                                     .body_bytes = sizeof(struct msg_review_vote_req),
                                     .record_count = 1};
    gate_enter(&fx.shard->gate, &frame);
    assert_int_equal(fx.shard->gate.adders, 0);
    gate_leave(&fx.shard->gate, &frame);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_come_back_in_any_order),
        TEST(a_missing_or_double_piece_is_noticed),
        TEST(garbage_is_refused_or_sound),
        TEST(a_sliced_dump_under_load_is_the_state_at_its_beginning),
        TEST(a_review_that_cannot_be_is_refused),
        TEST(a_text_that_cannot_be_is_refused),
        TEST(what_else_cannot_be_is_refused),
        TEST(reviews_do_not_grow_beyond_the_limit_of_memory),
        TEST(votes_do_not_grow_beyond_the_limit_of_memory),
        TEST(bursts_of_reviews_do_not_grow_beyond_the_limit_of_memory),
        TEST(texts_are_counted_before_they_are_written),
        TEST(reviews_are_not_linked),
        TEST(a_moderation_does_not_keep_sold_out_from_being_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
