/* test_search_life: an index that lives for long: questions that are dropped, products that change again and
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather.h"
#include "shards/part.h"
#include "shards/search/run.h"
#include "shards/store/bump.h"
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_nothing(void) {}

/* For many commands: what was applied is not kept. */
static int open_long(void **state)
{
    (void)state;
    memset(&sx, 0, sizeof sx);
    sx.feeder = feeder_open(1, false);
    sx.loop = gather_loop_open(feeder_shards(sx.feeder), 1);
    return 0;
}

SX_SHOP(put_nothing)

/* ---- a question that is left alone in the middle ---- */

#define ANSWERS_MAX    256u
#define STEP_OF_OTHERS 15u

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

static u8 run_body[4096];
static u32 run_bytes;
static u32 kept_step; /* enum search_step whose request to shard 0 is kept, 0 = none */

static u32 slices_checked, work_most;

static u32 step_of(const struct gather_ask *ask)
{
    struct record_view view;
    struct msg_search_part_req asked;
    u32 offset = 0;
    if (ask->info->code != OPCODE_SEARCH_PART)
        return STEP_OF_OTHERS; /* the query is counted */
    frame_record_next(ask->info, FRAME_DIRECTION_REQUEST, ask->body, &offset, &view);
    memcpy(&asked, view.fixed, sizeof asked);
    if (kept_step == asked.step && ask->shard == 0) {
        assert_true(ask->body_bytes <= sizeof run_body);
        memcpy(run_body, ask->body, ask->body_bytes);
        run_bytes = ask->body_bytes;
    }
    return asked.step;
}

static struct shard *shard_at(u16 shard)
{
    return feeder_shards(sx.feeder)[shard];
}

/* A slice ends when its work is done: a piece that was begun before may be beyond. */
static void check_work(const struct part *part, u32 step)
{
    const struct run *run = part->state;
    if (step != SEARCH_STEP_RUN && step != SEARCH_STEP_SLOTS && step != SEARCH_STEP_DETAILS)
        return;
    slices_checked++;
    work_most = MAX(work_most, run->work);
}

/* False: the asker has gone. */
static bool answer_ask(struct asker *asker, u32 i)
{
    struct gather_ask *ask = &asker->gather.asks[i];
    const u32 step = step_of(ask);
    struct shard *shard = shard_at(ask->shard);
    const struct frame_header header = {
        .opcode = ask->info->code, .shard = ask->shard, .record_count = 1};
    u8 *answer = malloc(FRAME_BYTES_MAX);
    MUST(answer != NULL && asker->answer_count < ANSWERS_MAX);
    asker->answers[asker->answer_count++] = answer;
    struct part *part =
        shard_part_begin(shard, &header, ask->body, ask->body_bytes, asker->gather.now_ns);
    bool is_done = false;
    while (!is_done && asker->left != 0) {
        is_done = shard_part_step(shard, part, false);
        asker->left--;
        check_work(part, step);
    }
    if (is_done) {
        while (!shard_part_reply(part, answer)) {}
        (void)gather_answer(&asker->gather, i, answer, shard_applied_lsn(shard));
    } else {
        asker->dropped_step = step;
    }
    shard_part_end(shard, part);
    return is_done;
}

static void run_rounds(struct asker *asker)
{
    for (u32 count; (count = gather_next(&asker->gather)) != 0;)
        for (u32 i = 0; i < count && count != GATHER_GOES_ON; i++)
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

#define UNIT_WORK_MOST 34000u /* a slot in a window, a piece of a table: begun, they are not cut */

/* Everything matches, all of it is counted and sorted, and many words begin so. */
static void no_slice_does_more_than_its_work(void **state)
{
    (void)state;
    static const struct {
        const char *query, *facets;
    } questions[] = {{"peg hats", "price,brand"},
                     {"", "price,brand"},
                     {"woden hats coats missing pe", "price,brand,popularity,rating,discount"},
                     {"wooden peg for hats and coats 1 2 3 4 5 6 7 8 9 10 11 12", ""},
                     {"\"wooden peg\" \"for hats\" -coats", "brand"},
                     {"wooden 1", ""}};
    put_pegs(9000);
    for (u32 i = 0; i < ARRAY_COUNT(questions); i++) {
        slices_checked = work_most = 0;
        assert_int_equal(ask_and_go(questions[i].query, questions[i].facets, UINT32_MAX), 0);
        assert_true(slices_checked > 0);
        if (work_most > QUERY_SLICE_WORK + UNIT_WORK_MOST)
            fail_msg("\"%s\": %u", questions[i].query, work_most);
    }
}

/* ---- questions that overlap without a pause ---- */

/* What shard 0 is asked to run for a query. */
static void keep_run(const char *query, const char *facets)
{
    kept_step = SEARCH_STEP_RUN;
    run_bytes = 0;
    assert_int_equal(ask_and_go(query, facets, UINT32_MAX), 0);
    kept_step = 0;
    assert_true(run_bytes != 0);
    /* Of whatever index the shard has by then: generation 0 in the first place of those of the shards. */
    struct record_view view;
    u32 offset = 0;
    frame_record_next(message_find(OPCODE_SEARCH_PART), FRAME_DIRECTION_REQUEST, run_body, &offset,
                      &view);
    const struct span data = view.spans[SPAN_OF(search_part_req, data)];
    memset(run_body + (data.data - run_body) + sizeof(u32), 0, sizeof(u32));
}

static struct part *begin_run(void)
{
    const struct frame_header header = {.opcode = OPCODE_SEARCH_PART, .record_count = 1};
    struct part *part =
        shard_part_begin(shard_at(0), &header, run_body, run_bytes, feeder_now_ns(sx.feeder));
    assert_non_null(part);
    return part;
}

/* Two questions at a time: when one ends, the next one begins, and it takes its first slice before the
 * other goes on. Returns how many have ended in so many turns, or until the condition is true. */
static u32 overlap_until(bool (*is_reached)(void), void (*meanwhile)(u32), u32 turns)
{
    struct part *parts[2] = {begin_run(), begin_run()};
    u32 count = 0;
    for (u32 turn = 0, at = 0; turn < turns && !is_reached(); turn++, at = 1 - at) {
        for (u32 i = 0; i < 3; i++)
            if (!parts[at]->is_done)
                (void)!shard_part_step(shard_at(0), parts[at], false);
        if (!parts[at]->is_done)
            continue;
        shard_part_end(shard_at(0), parts[at]);
        parts[at] = begin_run();
        (void)!shard_part_step(shard_at(0), parts[at], false);
        if (meanwhile != NULL)
            meanwhile(count);
        count++;
    }
    shard_part_end(shard_at(0), parts[0]);
    shard_part_end(shard_at(0), parts[1]);
    return count;
}

static bool never(void)
{
    return false;
}

static bool is_renewed(void)
{
    return !shard_at(0)->search.is_renewing;
}

static void put_policy(u16 title, u16 code, const char *language)
{
    struct msg_search_policy_put_req put = {
        .home_id = POLICY_HOME_ID, .weight_title = title, .weight_code = code};
    memcpy(put.language.bytes, language, strlen(language));
    sx_setting(&sx, OPCODE_SEARCH_POLICY_PUT, &put, NULL);
}

static void a_new_index_comes_into_force_under_questions_without_a_pause(void **state)
{
    (void)state;
    put_pegs(9000);
    keep_run("peg hats", "price,brand");
    put_policy(10, 10, "none");
    while (search_renew(shard_at(0), 1000)) {}
    put_policy(10, 10, "english");
    struct part *open = begin_run();
    assert_false(shard_part_step(shard_at(0), open, false));
    while (shard_at(0)->search.renewed < shard_at(0)->catalog.pool.next_fresh)
        (void)search_renew(shard_at(0), 1000);
    assert_false(is_renewed());
    /* Others wait for the one that is open, and begin when it has ended. */
    assert_int_equal(overlap_until(is_renewed, NULL, 1000), 0);
    assert_false(is_renewed());
    shard_part_end(shard_at(0), open);
    assert_int_equal(overlap_until(is_renewed, NULL, 1000), 0);
    assert_true(is_renewed());
    assert_true(overlap_until(never, NULL, 1000) > 10);
    assert_no_question_is_open();
}

static u32 dead_most;

static void change_pegs(u32 count)
{
    const struct search_index *index = search_current(&shard_at(0)->search);
    for (u32 i = 0; i < 20; i++) {
        char code[16], title[64];
        snprintf(code, sizeof code, "P%05u", (count * 20 + i) % 500);
        snprintf(title, sizeof title, "Wooden peg n%xq%x for hats", count, i);
        sx_put(&sx, code, .title = title);
    }
    feeder_flush(sx.feeder);
    dead_most = MAX(dead_most, index->columns.dead_count);
}

static void the_dead_are_given_back_under_questions_without_a_pause(void **state)
{
    (void)state;
    put_pegs(9000);
    keep_run("peg hats", "price,brand");
    dead_most = 0;
    const u32 count = overlap_until(never, change_pegs, 20000);
    assert_no_question_is_open();
    const struct search_index *index = search_current(&shard_at(0)->search);
    print_message("%u questions, %u changes, at most %u dead\n", count, 20 * count, dead_most);
    assert_true(20 * count > 10000); /* more changes than may lie dead, each with a new word */
    assert_true(dead_most < 6000);
    assert_true(dict_unused_count(&index->dict) <
                2 * SEARCH_UNUSED_WORDS + index->dict.live_count + 1000);
    assert_true(index->dict.live_count < 20000);
    assert_true(search_index_valid(index));
}

/* ---- products that change for ever ---- */

static u64 bytes_used(void)
{
    feeder_flush(sx.feeder);
    return shard_at(0)->search.memory.used_bytes;
}

static u32 random_state;

static u32 random_below(u32 end)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % end;
}

/* Product `at` with words that no other product ever had. */
static void put_new_words(u32 at, u32 change)
{
    char code[16], title[96];
    snprintf(code, sizeof code, "P%u", at);
    snprintf(title, sizeof title, "Lamp w%xq v%xz longword%xindeedverylong", change, change * 7 + 1,
             change);
    sx_put(&sx, code, .title = title);
}

static u32 changes(void)
{
    const char *wanted = getenv("CHURN_CHANGES");
    return wanted != NULL ? (u32)atoi(wanted) : 60000;
}

static void words_that_nobody_has_any_more_leave_no_memory_behind(void **state)
{
    (void)state;
    const u32 products = 500, count = changes();
    u64 early = 0;
    for (u32 i = 0; i < count; i++) {
        put_new_words(i % products, i);
        if (i == 10000)
            early = bytes_used();
    }
    const u64 late = bytes_used();
    const struct search_index *index = search_current(&shard_at(0)->search);
    assert_true(search_index_valid(index));
    assert_true(late <= early + early / 4);
    assert_true(index->dict.surface_count < 10 * products);
    sx_ask(&sx, .query = "lamp ", .limit = 1);
    assert_int_equal(sx.rsp.total, products);
    char word[32];
    snprintf(word, sizeof word, "w%xq ", count - 1);
    sx_ask(&sx, .query = word, .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    assert_int_equal(sx.rsp.total, 1);
    snprintf(word, sizeof word, "w%xq ", count - 1 - products);
    sx_ask(&sx, .query = word, .flags = SEARCH_FLAG_NO_DROP | SEARCH_FLAG_NO_TYPOS);
    assert_int_equal(sx.rsp.total, 0);
}

/* Words by Zipf, some new ones, attributes, brands and categories of which there are many. */
static void put_any(u32 at)
{
    char code[16], title[128], attributes[128], category[32], brand[32];
    u32 used = 0;
    snprintf(code, sizeof code, "P%u", at);
    for (u32 i = 0; i < 8; i++)
        used += (u32)snprintf(title + used, sizeof title - used, "%sx%xy", i != 0 ? " " : "",
                              (1u << random_below(16)) + random_below(64));
    snprintf(attributes, sizeof attributes, "color=c%u\nsize=%u\nserial=s%u", random_below(20),
             random_below(40), random_below(1u << 20));
    snprintf(category, sizeof category, "top/c%u", random_below(200));
    snprintf(brand, sizeof brand, "brand%u", random_below(1000));
    sx_put(&sx, code, .title = title, .attributes = attributes, .category = category,
           .brand = brand, .price = 100 + random_below(100000), .price_before = 200000,
           .popularity = random_below(1000), .margin = (u16)random_below(1000),
           .visible_from_ns = 1 + random_below(1000));
}

static void products_that_change_at_random_take_no_more_than_twice(void **state)
{
    (void)state;
    const u32 products = 30000;
    random_state = 7;
    for (u32 i = 0; i < products; i++)
        put_any(i);
    const u64 fresh = bytes_used();
    u64 most = fresh;
    for (u32 i = 0; i < 5 * products; i++) {
        put_any(random_below(products));
        if (i % 4096 == 0)
            most = MAX(most, bytes_used());
    }
    most = MAX(most, bytes_used());
    const struct search_index *index = search_current(&shard_at(0)->search);
    assert_true(search_index_valid(index));
    sx_ask(&sx, .limit = 1);
    assert_int_equal(sx.rsp.total, products);
    print_message("fresh %.1f MiB, after five changes of each %.1f MiB\n", (double)fresh / 1048576,
                  (double)most / 1048576);
    assert_true(most <= 2 * fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(a_question_that_is_dropped_is_ended),
        SX_ON_BOTH(no_slice_does_more_than_its_work),
        cmocka_unit_test_setup_teardown(
            a_new_index_comes_into_force_under_questions_without_a_pause, open_one, close_all),
        cmocka_unit_test_setup_teardown(the_dead_are_given_back_under_questions_without_a_pause,
                                        open_one, close_all),
        cmocka_unit_test_setup_teardown(words_that_nobody_has_any_more_leave_no_memory_behind,
                                        open_long, close_all),
        cmocka_unit_test_setup_teardown(products_that_change_at_random_take_no_more_than_twice,
                                        open_long, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
