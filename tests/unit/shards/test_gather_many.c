/* test_gather_many: a gather over as many shards as there may be, whose answers are made here: it takes little
 * memory, asks each shard for what it has not said, and ends.
 *
 *      slot i of the query    WORDS of a shard: itself; `words` words, of which shard s has offered those
 *                             (w + s) % 2 == 0, as beginnings or model numbers
 *      TYPOS                  `typos` words of each shard's own
 *      RUN                    `hits` hits of each shard, one value of the facet
 *      a suggestion           SUGGESTED words of each shard's own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/status.h"
#include "shards/gather/gather_search.h"
#include "shards/search/suggest.h"

#define SHARDS       SHARDS_MAX
#define ANSWER_BYTES (256u << 10)
#define SUGGESTED    32u

struct fake {
    const char *query, *facets;
    u32 offset, limit;
    enum score_kind kind; /* of the words */
    u32 slots, words, typos, hits;
};

static struct {
    struct fake fake;
    struct store_memory memory;
    struct bump_reserve reserve;
    struct gather gather;
    u8 *body;
    u8 *data;
    u8 **answers;
    u32 answer_count;
    size_t used_most;
    u32 asks_most, pieces, counts_asked;
    u32 counts_rounds, run_items;
    u16 status;
} room;

/* ---- answers --------------------------------------------------------------------------------- */

static struct span word_of(char *text, u32 slot, u32 word)
{
    const int bytes = snprintf(text, 32, "%c%c0word%05u", 'a' + slot / 16, 'a' + slot % 16, word);
    return (struct span){.data = (const u8 *)text, .bytes = (u32)bytes};
}

static bool has_offered(u16 shard, u32 word)
{
    return (word + shard) % 2 == 0;
}

static void write_offer(struct query_pack *to, enum score_kind kind, struct span word, u32 df)
{
    const struct query_offer offer = {.kind = (u8)kind,
                                      .cost = kind == SCORE_TYPO ? 2 : 0,
                                      .apart = 1,
                                      .word_count = 1,
                                      .words = word,
                                      .key = word,
                                      .dfs = {df}};
    query_offer_write(&offer, to);
}

static void write_words(struct query_pack *to, u16 shard)
{
    const struct query_facts facts = {
        .live = 4000, .generation = 1u + shard, .typo1_bytes = 4, .has_profile = 1};
    char text[32];
    query_facts_write(&facts, to);
    if (room.fake.facets != NULL)
        pack_u16(to, 1); /* known, of no type */
    pack_u32(to, 0);     /* names of a collection */
    pack_u32(to, 0);     /* actions */
    pack_u32(to, room.fake.slots);
    for (u32 slot = 0; slot < room.fake.slots; slot++) {
        u32 count = 1;
        pack_u8(to, 0);
        const u32 at = pack_later(to);
        const u32 length =
            (u32)snprintf(text, sizeof text, "%c%c0", 'a' + slot / 16, 'a' + slot % 16);
        write_offer(to, SCORE_SELF, (struct span){(const u8 *)text, length}, 0);
        for (u32 word = 0; word < room.fake.words; word++)
            if (has_offered(shard, word)) {
                write_offer(to, room.fake.kind, word_of(text, slot, word), 10);
                count++;
            }
        pack_at(to, at, count);
    }
}

static void write_typos(struct query_pack *to, u16 shard)
{
    char text[32];
    for (u32 slot = 0; slot < room.fake.slots; slot++) {
        pack_u8(to, 0);
        pack_u32(to, room.fake.typos);
        for (u32 i = 0; i < room.fake.typos; i++)
            write_offer(to, SCORE_TYPO, word_of(text, slot, shard * 100u + i), 1000);
    }
}

/* Of each word that is asked; none twice, none that has been offered. */
static void write_counts(struct query_pack *to, struct query_unpack *from, u16 shard)
{
    while (from->at < from->bytes) {
        const struct span words = unpack_text(from);
        u32 number = 0;
        for (u32 i = 7; i < words.bytes; i++)
            number = number * 10 + (words.data[i] - '0');
        if (words.bytes > 7 && room.fake.typos == 0)
            assert_false(has_offered(shard, number));
        pack_u32(to, 5);
        room.counts_asked++;
    }
}

static void write_found(struct query_pack *to, u16 shard)
{
    const struct facet_findings head = {
        .bytes = sizeof head + sizeof(struct facet_finding) + sizeof(struct facet_row), .count = 1};
    const struct facet_finding finding = {.row_count = 1};
    const struct facet_row row = {.key = 77, .count = 1};
    const struct run_found found = {.total = room.fake.hits,
                                    .word_total = room.fake.hits,
                                    .hit_count = room.fake.hits,
                                    .facet_bytes = room.fake.facets != NULL ? head.bytes : 0};
    pack_bytes(to, &found, sizeof found);
    if (room.fake.facets != NULL) {
        pack_bytes(to, &head, sizeof head);
        pack_bytes(to, &finding, sizeof finding);
        pack_bytes(to, &row, sizeof row);
    }
    for (u32 i = 0; i < room.fake.hits; i++) {
        const struct run_hit hit = {.key = 1000 - i, .product_id = 1u + shard + i * SHARDS};
        pack_bytes(to, &hit, sizeof hit);
    }
}

static void write_details(struct query_pack *to, struct query_unpack *from)
{
    (void)from;
    for (u32 i = 0; i < SEARCH_LIMIT_MAX; i++) { /* more than were asked for */
        const struct row_hit row = {0};
        pack_bytes(to, &row, sizeof row);
        pack_text(to, (struct span){0});
        pack_text(to, (struct span){0});
        pack_u32(to, 0);
        pack_u32(to, 0);
    }
}

static void write_labels(struct query_pack *to)
{
    pack_u8(to, 1);
    pack_u64(to, 0);
    pack_text(to, (struct span){.data = (const u8 *)"acme", .bytes = 4});
}

/* What RUN is asked: how many alternatives of all slots. */
static u32 count_items(struct query_unpack from)
{
    u32 items = 0;
    from.at += sizeof(struct run_head) + 14; /* the profile */
    (void)unpack_text(&from);
    for (u32 i = 0; i < 3; i++)
        (void)unpack_bytes(&from, unpack_u32(&from)); /* filter, collection, facets */
    assert_int_equal(unpack_u32(&from), 0);           /* hits */
    const u32 slots = unpack_u32(&from);
    for (u32 slot = 0; slot < slots; slot++) {
        (void)unpack_bytes(&from, 6);
        const u32 count = unpack_u32(&from);
        for (u32 i = 0; i < count; i++) {
            (void)unpack_bytes(&from, 4);
            (void)unpack_text(&from);
        }
        items += count;
    }
    assert_int_equal(from.at, from.bytes);
    return items;
}

static void answer_step(const struct gather_ask *ask, struct query_pack *to)
{
    struct record_view view;
    struct msg_search_part_req asked;
    u32 offset = 0;
    frame_record_next(ask->info, FRAME_DIRECTION_REQUEST, ask->body, &offset, &view);
    memcpy(&asked, view.fixed, sizeof asked);
    struct query_unpack from = unpack_of(view.spans[SPAN_OF(search_part_req, data)]);
    const enum search_step step = (enum search_step)asked.step;
    if (query_step_names_index(step)) {
        assert_true(query_generations_read(&from, ask->shard, 1u + ask->shard));
        struct query_unpack again = unpack_of(view.spans[SPAN_OF(search_part_req, data)]);
        assert_false(query_generations_read(&again, ask->shard, 2u + ask->shard));
    }
    switch (step) {
    case SEARCH_STEP_WORDS: write_words(to, ask->shard); return;
    case SEARCH_STEP_TYPOS: write_typos(to, ask->shard); return;
    case SEARCH_STEP_COUNTS: write_counts(to, &from, ask->shard); return;
    case SEARCH_STEP_RUN:
        room.run_items = count_items(from);
        write_found(to, ask->shard);
        return;
    case SEARCH_STEP_DETAILS: write_details(to, &from); return;
    case SEARCH_STEP_LABELS: write_labels(to); return;
    case SEARCH_STEP_SLOTS: break;
    }
    fail();
}

/* A word is in more products the later its shard; in one of each other shard. */
static void answer_suggest(const struct gather_ask *ask, struct query_pack *to)
{
    struct record_view view;
    struct msg_suggest_part_req asked;
    u32 offset = 0;
    char text[32];
    frame_record_next(ask->info, FRAME_DIRECTION_REQUEST, ask->body, &offset, &view);
    memcpy(&asked, view.fixed, sizeof asked);
    struct query_unpack from = unpack_of(view.spans[SPAN_OF(suggest_part_req, data)]);
    (void)unpack_u64(&from);
    if (asked.step == SUGGEST_STEP_WORDS)
        for (u32 i = 0; i < SUGGESTED; i++) {
            pack_u32(to, 1u + ask->shard);
            pack_u8(to, 1);
            pack_text(to, word_of(text, 0, ask->shard * SUGGESTED + i));
        }
    while (asked.step == SUGGEST_STEP_COUNTS && from.at < from.bytes) {
        (void)unpack_text(&from);
        pack_u32(to, 1);
        pack_u8(to, 0);
        room.counts_asked++;
    }
}

static void answer_ask(u32 i)
{
    const struct gather_ask *ask = &room.gather.asks[i];
    struct query_pack pack = {.data = room.data, .capacity = ANSWER_BYTES};
    u64 fixed[PART_REPLY_WORDS] = {0};
    if (ask->info->code == OPCODE_SEARCH_PART)
        answer_step(ask, &pack);
    if (ask->info->code == OPCODE_SUGGEST_PART)
        answer_suggest(ask, &pack);
    assert_false(pack.is_full);
    const struct span spans[MESSAGE_SPANS_MAX] = {{.data = pack.data, .bytes = pack.used}};
    u8 *answer = malloc(pack.used + 1024);
    assert_non_null(answer);
    room.answers = realloc((void *)room.answers, (room.answer_count + 1) * sizeof(room.answers[0]));
    assert_non_null(room.answers);
    room.answers[room.answer_count++] = answer;
    assert_true(frame_record_write(ask->info, FRAME_DIRECTION_REPLY, answer, pack.used + 1024,
                                   fixed, spans) != 0);
    (void)gather_answer(&room.gather, i, answer, 1);
}

/* ---- questions --------------------------------------------------------------------------------- */

static void run_rounds(void)
{
    for (u32 count; (count = gather_next(&room.gather)) != 0;) {
        assert_true(room.pieces++ < 100000);
        assert_true(room.gather.work < 2 * GATHER_PIECE_WORK + 50000);
        if (count == GATHER_GOES_ON)
            continue;
        room.used_most = MAX(room.used_most, room.memory.used_bytes);
        room.asks_most = MAX(room.asks_most, count);
        const u32 before = room.counts_asked;
        for (u32 i = 0; i < count; i++)
            answer_ask(i);
        room.counts_rounds += room.counts_asked != before ? 1 : 0;
    }
}

static void ask(struct fake fake)
{
    const struct msg_search_req req = {.limit = fake.limit, .offset = fake.offset};
    const struct message_info *info = message_find(OPCODE_SEARCH);
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(search_req, query)] = {(const u8 *)fake.query, (u32)strlen(fake.query)},
        [SPAN_OF(search_req, facets)] = {(const u8 *)fake.facets,
                                         fake.facets != NULL ? (u32)strlen(fake.facets) : 0}};
    struct record_status head;
    room.fake = fake;
    room.used_most = room.asks_most = room.pieces = room.counts_asked = room.counts_rounds = 0;
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, room.body, 4096, &req, spans);
    gather_begin(&room.gather, info, room.body, bytes, SHARDS, 1);
    run_rounds();
    memcpy(&head, room.gather.reply, sizeof head);
    room.status = head.status;
}

static void end(void)
{
    gather_end(&room.gather);
    for (u32 i = 0; i < room.answer_count; i++)
        free(room.answers[i]);
    room.answer_count = 0;
}

static int open_room(void **state)
{
    (void)state;
    memset(&room, 0, sizeof room);
    room.body = malloc(4096);
    room.data = malloc(ANSWER_BYTES);
    store_memory_init(&room.memory);
    bump_reserve_init(&room.reserve, &room.memory);
    gather_init(&room.gather, &room.reserve);
    return room.body == NULL || room.data == NULL;
}

static int close_room(void **state)
{
    (void)state;
    end();
    gather_deinit(&room.gather);
    bump_reserve_deinit(&room.reserve);
    free((void *)room.answers);
    free(room.body);
    free(room.data);
    return room.memory.used_bytes == 0 ? 0 : 1;
}

/* The slots "aa0", "ab0", ... */
static const char *query_of(u32 slots, const char *end_of_query)
{
    static char query[1024];
    u32 used = 0;
    for (u32 i = 0; i < slots; i++)
        used += (u32)snprintf(query + used, sizeof query - used, "%s%c%c0", i != 0 ? " " : "",
                              'a' + i / 16, 'a' + i % 16);
    (void)snprintf(query + used, sizeof query - used, "%s", end_of_query);
    return query;
}

static void a_beginning_of_many_words_on_many_shards(void **state)
{
    (void)state;
    ask((struct fake){.query = query_of(1, ""),
                      .limit = 10,
                      .kind = SCORE_PREFIX,
                      .slots = 1,
                      .words = 2000,
                      .hits = 1});
    assert_int_equal(room.status, STATUS_OK);
    assert_int_equal(room.counts_asked, 1000 * SHARDS);
    assert_int_equal(room.counts_rounds, 1);
    assert_int_equal(room.run_items, 2001);
    assert_true(room.used_most < 12u << 20);
}

/* More than a beginning may have, though no shard has so many. */
static void a_beginning_of_too_many_words_stands_for_itself(void **state)
{
    (void)state;
    ask((struct fake){.query = query_of(1, ""),
                      .limit = 10,
                      .kind = SCORE_PREFIX,
                      .slots = 1,
                      .words = 2060,
                      .hits = 1});
    assert_int_equal(room.status, STATUS_OK);
    assert_int_equal(room.counts_asked, 0);
    assert_int_equal(room.run_items, 1);
}

/* Counts that do not fit into one round are asked in several. */
static void model_numbers_in_every_slot_on_many_shards(void **state)
{
    (void)state;
    const u32 slots = 32;
    ask((struct fake){.query = query_of(slots, " "),
                      .limit = 10,
                      .kind = SCORE_MODEL,
                      .slots = slots,
                      .words = 256,
                      .hits = 1});
    assert_int_equal(room.status, STATUS_OK);
    assert_int_equal(room.counts_asked, 128 * slots * SHARDS);
    assert_true(room.counts_rounds > 1);
    assert_int_equal(room.run_items, 17 * slots);
    assert_true(room.used_most < 24u << 20);
}

/* The nearest of all shards are kept, not all that they have. */
static void typos_of_many_shards(void **state)
{
    (void)state;
    ask((struct fake){.query = query_of(8, " "),
                      .limit = 10,
                      .kind = SCORE_PREFIX,
                      .slots = 8,
                      .typos = 64,
                      .hits = 1});
    assert_int_equal(room.status, STATUS_OK);
    assert_int_equal(room.run_items, 8 * (1 + 64));
    assert_true(room.used_most < 24u << 20);
}

/* Labels of all shards and details of many are asked in one round. */
static void labels_and_details_of_many_shards(void **state)
{
    (void)state;
    struct msg_search_rsp reply;
    ask((struct fake){
        .query = "", .facets = "brand", .offset = 5000, .limit = SEARCH_LIMIT_MAX, .hits = 60});
    assert_int_equal(room.status, STATUS_OK);
    assert_true(room.asks_most > SHARDS + 50);
    memcpy(&reply, room.gather.reply, sizeof reply);
    assert_int_equal(reply.total, 60 * SHARDS);
    const struct span hits = room.gather.reply_spans[SPAN_OF(search_rsp, hits)];
    assert_int_equal(hits.bytes, SEARCH_LIMIT_MAX * sizeof(struct row_hit));
    for (u32 i = 0; i < SEARCH_LIMIT_MAX; i++) { /* by key, then by product */
        struct row_hit row;
        memcpy(&row, hits.data + i * sizeof row, sizeof row);
        assert_int_equal(row.product_id, 1 + 5000 + i);
    }
    struct row_facet_value value;
    memcpy(&value, room.gather.reply_spans[SPAN_OF(search_rsp, values)].data, sizeof value);
    assert_int_equal(value.count, SHARDS);
}

static void suggestions_of_many_shards(void **state)
{
    (void)state;
    const struct msg_suggest_req req = {.words = 10};
    const struct message_info *info = message_find(OPCODE_SUGGEST);
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)"aa", 2}};
    struct record_status head;
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, room.body, 4096, &req, spans);
    gather_begin(&room.gather, info, room.body, bytes, SHARDS, 1);
    run_rounds();
    memcpy(&head, room.gather.reply, sizeof head);
    assert_int_equal(head.status, STATUS_OK);
    assert_int_equal(room.counts_asked, SUGGESTED * SHARDS * (SHARDS - 1));
    assert_true(room.counts_rounds > 5);
    assert_true(room.used_most < 24u << 20);
    const struct span rows = room.gather.reply_spans[SPAN_OF(suggest_rsp, completions)];
    assert_int_equal(rows.bytes, 10 * sizeof(struct row_completion));
    for (u32 i = 0; i < 10; i++) {
        struct row_completion row;
        memcpy(&row, rows.data + i * sizeof row, sizeof row);
        assert_int_equal(row.count, SHARDS + SHARDS - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_beginning_of_many_words_on_many_shards, open_room,
                                        close_room),
        cmocka_unit_test_setup_teardown(a_beginning_of_too_many_words_stands_for_itself, open_room,
                                        close_room),
        cmocka_unit_test_setup_teardown(model_numbers_in_every_slot_on_many_shards, open_room,
                                        close_room),
        cmocka_unit_test_setup_teardown(typos_of_many_shards, open_room, close_room),
        cmocka_unit_test_setup_teardown(suggestions_of_many_shards, open_room, close_room),
        cmocka_unit_test_setup_teardown(labels_and_details_of_many_shards, open_room, close_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
