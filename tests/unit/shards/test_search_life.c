/* test_search_life: what questions leave behind when they are dropped: nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather.h"
#include "shards/part.h"
#include "shards/search/query_step.h"
#include "shards/store/bump.h"
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static int open_one(void **state)
{
    (void)state;
    sx_open(&sx, 1);
    return 0;
}

static int open_three(void **state)
{
    (void)state;
    sx_open(&sx, 3);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

/* ---- a question that is left alone in the middle ---- */

#define ANSWERS_MAX 256u

/* A gather whose asker may go away: after `left` slices of its parts nothing is asked any more. */
struct asker {
    struct store_memory memory;
    struct bump_reserve reserve;
    struct gather gather;
    u8 *answers[ANSWERS_MAX];
    u32 answer_count;
    u32 left;
    u32 dropped_step; /* enum search_step of the part that was dropped, 0 = none */
};

static struct shard *shard_at(u16 shard)
{
    return feeder_shards(sx.feeder)[shard];
}

/* False: the asker has gone. */
static bool answer_ask(struct asker *asker, u32 i)
{
    struct gather_ask *ask = &asker->gather.asks[i];
    struct shard *shard = shard_at(ask->shard);
    const struct frame_header header = {
        .opcode = ask->info->code, .shard = ask->shard, .record_count = 1};
    struct shard_reply reply;
    u8 *answer = malloc(FRAME_BYTES_MAX);
    MUST(answer != NULL && asker->answer_count < ANSWERS_MAX);
    asker->answers[asker->answer_count++] = answer;
    struct part *part =
        shard_part_begin(shard, &header, ask->body, ask->body_bytes, asker->gather.now_ns);
    bool is_done = false;
    while (!is_done && asker->left != 0) {
        is_done = shard_part_step(shard, part, false);
        asker->left--;
    }
    if (is_done) {
        shard_part_reply(part, answer, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
        (void)gather_answer(&asker->gather, i, answer, shard_applied_lsn(shard));
    } else {
        struct msg_search_part_req asked;
        memcpy(&asked, part->fixed, sizeof asked);
        asker->dropped_step = asked.step;
    }
    shard_part_end(shard, part);
    return is_done;
}

static void run_rounds(struct asker *asker)
{
    for (u32 count; (count = gather_next(&asker->gather)) != 0;)
        for (u32 i = 0; i < count; i++)
            if (!answer_ask(asker, i))
                return;
}

/* Asks, and goes away after so many slices; the step of the part that was under way, 0: it had ended. */
static u32 ask_and_go(const char *query, const char *facets, u32 slices)
{
    static struct asker asker;
    static u8 body[4096];
    const struct msg_search_req req = {.limit = 100};
    const struct span spans[MESSAGE_SPANS_MAX] = {sx_text(query), {0}, sx_text(facets)};
    const struct message_info *info = message_find(OPCODE_SEARCH);
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, &req, spans);
    asker = (struct asker){.left = slices};
    store_memory_init(&asker.memory);
    bump_reserve_init(&asker.reserve, &asker.memory);
    gather_init(&asker.gather, &asker.reserve);
    gather_begin(&asker.gather, info, body, bytes, feeder_count(sx.feeder),
                 feeder_now_ns(sx.feeder));
    run_rounds(&asker);
    gather_end(&asker.gather);
    gather_deinit(&asker.gather);
    bump_reserve_deinit(&asker.reserve);
    for (u32 i = 0; i < asker.answer_count; i++)
        free(asker.answers[i]);
    return asker.dropped_step;
}

static void assert_no_question_is_open(void)
{
    for (u16 i = 0; i < feeder_count(sx.feeder); i++) {
        struct search *search = &shard_at(i)->search;
        assert_int_equal(search->question_count, 0);
        assert_int_equal(search_current(search)->columns.question_count, 0);
        assert_true(search_current(search)->index.horizon == UINT64_MAX);
        assert_true(part_room_is_idle(&shard_at(i)->parts));
    }
}

static void put_pegs(u32 count)
{
    char code[16], title[64];
    for (u32 i = 0; i < count; i++) {
        snprintf(code, sizeof code, "P%05u", i);
        snprintf(title, sizeof title, "Wooden peg %u for hats%s", i,
                 i % 7 == 0 ? " and coats" : "");
        sx_put(&sx, code, .title = title, .brand = i % 2 != 0 ? "Acme" : "Zeta", .price = 100 + i);
    }
    feeder_flush(sx.feeder);
}

static void a_question_that_is_dropped_is_ended(void **state)
{
    (void)state;
    u32 dropped[16] = {0};
    put_pegs(9000);
    for (u32 slices = 0;; slices++) {
        const u32 step = ask_and_go("woden hats coats missing pe", "price,brand", slices);
        assert_no_question_is_open();
        if (step == 0)
            break;
        dropped[step]++;
    }
    assert_true(dropped[SEARCH_STEP_WORDS] > 0 && dropped[SEARCH_STEP_TYPOS] > 0);
    assert_true(dropped[SEARCH_STEP_SLOTS] > 0 && dropped[SEARCH_STEP_RUN] > 0);
    /* So what dies is given back. */
    const struct search_index *index = search_current(&shard_at(0)->search);
    for (u32 i = 0; i < 50; i++)
        put_pegs(10);
    assert_int_equal(index->columns.dead_count, 0);
    assert_int_equal(index->index.documents.oldest_grave, 0);
    assert_true(search_index_valid(index));
}

#define ON_BOTH(test)                                           \
    cmocka_unit_test_setup_teardown(test, open_one, close_all), \
    {                                                           \
        "three_" #test, test, open_three, close_all, NULL       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_question_that_is_dropped_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
