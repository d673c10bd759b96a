/* test_inquiry: questions that several shards answer: rounds, slices between which commands are
 * served, deadlines, limits, a connection that goes, a stop.
 *
 *      trending   asks every shard `limit` times one after the other: the sum of what they say; each
 *                 round takes `pieces` pieces of 20 microseconds each
 *      search     asks every shard once, in slices; a part that is late says so in its lsn
 *      a part     takes `slices` slices of 20 microseconds each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather.h"
#include "shards/part.h"
#include "tests/unit/engine/post_house.h"

#define SLICE_NS 20000ull

static struct house *house;
static u32 slices = 1;
static u32 slices_done;
static u32 pieces = 1;
static u32 pieces_done;
static u32 answer_bytes; /* of a search's part */

/* ---- operations with test meanings ----------------------------------------------------------- */

static void ask_all(struct gather *gather, u16 opcode, const void *fixed)
{
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        gather_ask(gather, opcode, shard, fixed, NULL);
}

/* The sum of 2^shard over all shards, in each of `limit` rounds; then how many pieces a round took. */
void gather_trending(struct gather *gather)
{
    struct msg_trending_req ask;
    struct msg_trending_rsp *answer = (void *)gather->reply;
    memcpy(&ask, gather->fixed, sizeof ask);
    u64 *sum = gather->state;
    if (sum == NULL) {
        sum = gather_acquire(gather, 2 * sizeof *sum);
        sum[0] = sum[1] = 0;
        gather->state = sum;
    }
    if (pieces > 1) {
        house_now_ns += SLICE_NS;
        pieces_done++;
    }
    gather->goes_on = ++sum[1] % pieces != 0;
    if (gather->goes_on)
        return;
    for (u32 i = 0; i < gather->ask_count; i++) {
        struct msg_track_part_rsp part;
        memcpy(&part, gather->asks[i].answer.fixed, sizeof part);
        assert_int_equal(part.head.status, STATUS_OK);
        *sum += part.category_id;
    }
    if (gather->round < ask.limit) {
        const struct msg_track_part_req fixed = {.product_id = gather->round};
        ask_all(gather, OPCODE_TRACK_PART, &fixed);
    }
    answer->head.retry_after_ms = (u32)*sum;
}

static bool slice(struct part *part)
{
    u32 *done = part->state;
    if (done == NULL)
        part->state = done = bump_acquire_zeroed(&part->bump, sizeof *done);
    house_now_ns += SLICE_NS;
    slices_done++;
    return ++*done >= slices || part->is_late;
}

bool shard_part_track_part(struct shard *shard, struct part *part)
{
    struct msg_track_part_rsp *answer = (void *)part->reply;
    answer->category_id = 1ull << shard->options.index;
    return slice(part);
}

void gather_search(struct gather *gather)
{
    struct msg_search_rsp *answer = (void *)gather->reply;
    const struct msg_search_part_req fixed = {0};
    if (gather->round == 0) {
        ask_all(gather, OPCODE_SEARCH_PART, &fixed);
        return;
    }
    for (u32 i = 0; i < gather->ask_count; i++) {
        struct msg_search_part_rsp part;
        memcpy(&part, gather->asks[i].answer.fixed, sizeof part);
        answer->total += part.last_lsn;
        const struct span data = gather->asks[i].answer.spans[SPAN_OF(search_part_rsp, data)];
        assert_int_equal(data.bytes, answer_bytes);
        for (u32 at = 0; at < data.bytes; at++)
            assert_int_equal(data.data[at], (u8)(at * 7 + gather->asks[i].shard));
    }
}

bool shard_part_search_part(struct shard *shard, struct part *part)
{
    struct msg_search_part_rsp *answer = (void *)part->reply;
    answer->last_lsn = part->is_late ? 1 : 0;
    if (!slice(part))
        return false;
    u8 *data = bump_acquire(&part->bump, answer_bytes + 1);
    for (u32 at = 0; at < answer_bytes; at++)
        data[at] = (u8)(at * 7 + shard->options.index);
    part->reply_spans[SPAN_OF(search_part_rsp, data)] =
        (struct span){.data = data, .bytes = answer_bytes};
    return true;
}

/* ---- the room -------------------------------------------------------------------------------- */

static void begin(u16 shards, u16 reactors)
{
    house = house_new(shards, reactors, REPLOG_MODE_DURABLE);
    slices = 1;
    slices_done = 0;
    pieces = 1;
    pieces_done = 0;
    answer_bytes = 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (house != NULL)
        remove_house(house);
    house = NULL;
    return 0;
}

static u64 ask_trending(struct client *client, u16 shard, u32 rounds)
{
    struct {
        struct msg_trending_req fixed;
    } body = {.fixed = {.limit = rounds}};
    return request(house, client, shard, OPCODE_TRENDING, &body, sizeof body);
}

/* A request record with four empty spans. */
static u64 ask_search(struct client *client, u16 shard, u32 deadline_ms)
{
    struct {
        struct msg_search_req fixed;
        u32 spans[4];
    } body = {.fixed = {.deadline_ms = deadline_ms}};
    return request(house, client, shard, OPCODE_SEARCH, &body, sizeof body);
}

static u32 take_sum(struct client *client, u64 request_id)
{
    struct frame_header header;
    struct msg_trending_rsp record = {0};
    assert_true(reply(house, client, &header, &record, sizeof record));
    assert_int_equal(header.request_id, request_id);
    assert_int_equal(header.status, STATUS_OK);
    return record.head.retry_after_ms;
}

static bool is_silent(const struct client *client)
{
    const u8 *sent = NULL;
    return sim_sent(house->rings[client->reactor], client->fd, &sent) == 0;
}

static bool is_quiet(void)
{
    for (u32 i = 0; i < house->reactor_count; i++)
        if (!inquiry_is_quiet(house->reactors[i]))
            return false;
    return true;
}

/* Nothing is under way for some turns: frames and answers between reactors have arrived, too. */
static void await_quiet(void)
{
    u32 quiet_turns = 0;
    for (u32 i = 0; quiet_turns < 8; i++) {
        turn(house, 1);
        quiet_turns = is_quiet() ? quiet_turns + 1 : 0;
        assert_true(i < 100000);
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void every_shard_answers_in_every_round(void **state)
{
    static const struct {
        u16 shards, reactors;
    } houses[] = {{1, 1}, {3, 1}, {4, 2}, {3, 2}};
    for (u32 i = 0; i < ARRAY_COUNT(houses); i++) {
        begin(houses[i].shards, houses[i].reactors);
        struct client client = connect_client(house, 0, 1);
        for (u32 rounds = 1; rounds < 6; rounds++)
            for (u16 shard = 0; shard < houses[i].shards; shard++) {
                const u64 id = ask_trending(&client, shard, rounds);
                turn(house, 1);
                await_quiet();
                assert_int_equal(take_sum(&client, id), rounds * ((1u << houses[i].shards) - 1));
            }
        close_house(house);
        (void)tear_down(state);
    }
}

/* While a part takes its slices, commands are logged, applied and answered. */
static void commands_are_served_between_slices(void **state)
{
    (void)state;
    begin(2, 1);
    struct client reader = connect_client(house, 0, 1);
    struct client writer = open_client(house, 0, 2);
    slices = 200;
    slices_done = 0;
    const u64 id = ask_trending(&reader, 0, 1);
    turn(house, 2);
    assert_false(is_quiet());
    u32 answered = 0;
    while (!is_quiet()) {
        struct frame_header header;
        struct record_status status;
        const u32 before = slices_done;
        send_fan(house, &writer, &(struct fan){.shard = 0, .targets = 2, .count = 1});
        for (u32 n = 0; !reply(house, &writer, &header, &status, sizeof status); n++) {
            turn(house, 1);
            assert_true(n < 20);
        }
        answered++;
        assert_true(slices_done - before < 40);
    }
    assert_true(answered >= 10);
    turn(house, 2);
    assert_int_equal(take_sum(&reader, id), 3);
    assert_int_equal(slices_done, 400);
    close_house(house);
}

/* The same while rounds go on for many pieces, of several questions at once. */
static void commands_are_served_between_pieces(void **state)
{
    (void)state;
    begin(2, 1);
    struct client reader = connect_client(house, 0, 1);
    struct client other = connect_client(house, 0, 3);
    struct client writer = open_client(house, 0, 2);
    pieces = 100;
    const u64 id = ask_trending(&reader, 0, 2);
    const u64 other_id = ask_trending(&other, 1, 1);
    turn(house, 2);
    assert_false(is_quiet());
    u32 answered = 0, most = 0;
    while (!is_quiet()) {
        struct frame_header header;
        struct record_status status;
        send_fan(house, &writer, &(struct fan){.shard = 0, .targets = 2, .count = 1});
        for (u32 n = 0; !reply(house, &writer, &header, &status, sizeof status); n++) {
            const u32 before = pieces_done;
            turn(house, 1);
            most = MAX(most, pieces_done - before);
            assert_true(n < 20);
        }
        answered++;
    }
    assert_true(answered >= 10);
    assert_true(most * SLICE_NS < PART_TURN_NS + SLICE_NS);
    turn(house, 2);
    assert_int_equal(take_sum(&reader, id), 6);
    assert_int_equal(take_sum(&other, other_id), 3);
    assert_int_equal(pieces_done, 5 * 100); /* 3 rounds of one, 2 of the other */
    close_house(house);
}

/* A turn gives all parts together about PART_TURN_NS, and one slice to each shard at least. */
static void a_turn_gives_parts_little_time(void **state)
{
    (void)state;
    begin(1, 1);
    struct client client = connect_client(house, 0, 1);
    slices = 10;
    (void)ask_trending(&client, 0, 1);
    for (u32 i = 0; !is_quiet() || slices_done == 0; i++) {
        const u32 before = slices_done;
        turn(house, 1);
        assert_true((slices_done - before) * SLICE_NS < PART_TURN_NS + SLICE_NS);
        assert_true(i < 20);
    }
    await_quiet();
    close_house(house);
}

/* In pieces, from this core and from another one. */
static void long_answers_arrive_whole(void **state)
{
    static const u32 sizes[] = {1000, INQUIRY_COPY_MAX, PART_REPLY_PIECE, 404000, PART_BYTES_MAX};
    struct frame_header header;
    struct msg_search_rsp record;
    (void)state;
    begin(3, 2);
    struct client client = connect_client(house, 0, 1);
    for (u32 i = 0; i < ARRAY_COUNT(sizes); i++) {
        answer_bytes = sizes[i];
        const u64 id = ask_search(&client, (u16)(i % 3), 0);
        const u64 other = ask_search(&client, 0, 0);
        turn(house, 1);
        await_quiet();
        assert_true(reply(house, &client, &header, &record, sizeof record));
        assert_true(header.request_id == id || header.request_id == other);
        assert_true(reply(house, &client, &header, &record, sizeof record));
        assert_int_equal(header.status, STATUS_OK);
    }
    close_house(house);
}

/* A stop while they are being written. */
static void long_answers_may_be_dropped(void **state)
{
    for (u32 turns = 1; turns < 30; turns++) {
        begin(3, 2);
        struct client client = connect_client(house, 0, 1);
        answer_bytes = PART_BYTES_MAX;
        (void)ask_search(&client, 0, 0);
        turn(house, turns);
        close_house(house);
        (void)tear_down(state);
    }
}

static void many_at_once_wait_or_are_refused(void **state)
{
    static const u16 reactors[] = {1, 2};
    for (u32 r = 0; r < ARRAY_COUNT(reactors); r++) {
        begin(4, reactors[r]);
        struct client client = connect_client(house, 0, 1);
        u32 answers = 0, refusals = 0;
        slices = 3;
        for (u32 i = 0; i < 3 * INQUIRIES_MAX; i++)
            (void)ask_trending(&client, 0, 2);
        struct frame_header header;
        struct msg_trending_rsp record;
        for (u32 i = 0; answers + refusals < 3 * INQUIRIES_MAX && i < 10000; i++) {
            turn(house, 1);
            if (!reply(house, &client, &header, &record, sizeof record))
                continue;
            if (header.status == STATUS_OK) {
                assert_int_equal(record.head.retry_after_ms, 2 * 15);
                answers++;
                continue;
            }
            assert_int_equal(header.status, STATUS_OVERLOADED);
            assert_true(header.retry_after_ms > 0);
            refusals++;
        }
        assert_int_equal(answers + refusals, 3 * INQUIRIES_MAX);
        assert_true(answers >= INQUIRIES_MAX);
        assert_true(refusals > 0);
        close_house(house);
        (void)tear_down(state);
    }
}

static void a_deadline_ends_with_what_there_is(void **state)
{
    (void)state;
    begin(4, 2);
    struct client client = connect_client(house, 0, 1);
    slices = 1000000;
    const u64 id = ask_search(&client, 0, 5);
    const u64 began_ns = house_now_ns;
    turn(house, 1);
    await_quiet();
    struct frame_header header;
    struct msg_search_rsp record = {0};
    assert_true(reply(house, &client, &header, &record, sizeof record));
    assert_int_equal(header.request_id, id);
    assert_int_equal(record.total, 4); /* all four were late */
    assert_in_range(house_now_ns - began_ns, 5 * NS_PER_MS, 12 * NS_PER_MS);
    slices = 2;
    (void)ask_search(&client, 0, 1000);
    turn(house, 1);
    await_quiet();
    assert_true(reply(house, &client, &header, &record, sizeof record));
    assert_int_equal(record.total, 0);
    close_house(house);
}

static void whoever_has_gone_is_not_answered(void **state)
{
    (void)state;
    begin(4, 2);
    struct client client = connect_client(house, 0, 1);
    struct client other = connect_client(house, 1, 2);
    slices = 50;
    (void)ask_trending(&client, 0, 3);
    (void)ask_trending(&client, 1, 3);
    const u64 id = ask_trending(&other, 0, 3);
    turn(house, 3);
    assert_false(is_quiet());
    sim_hang_up(house->rings[0], client.fd);
    turn(house, 1);
    await_quiet();
    assert_int_equal(take_sum(&other, id), 45);
    assert_true(is_silent(&other));
    close_house(house);
}

static void a_stop_does_not_wait_for_ever(void **state)
{
    (void)state;
    begin(4, 2);
    struct client client = connect_client(house, 0, 1);
    slices = 100;
    for (u32 i = 0; i < 10; i++)
        (void)ask_trending(&client, (u16)(i % 4), 4);
    turn(house, 2);
    assert_false(is_quiet());
    close_house(house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_shard_answers_in_every_round, tear_down),
        cmocka_unit_test_teardown(commands_are_served_between_slices, tear_down),
        cmocka_unit_test_teardown(commands_are_served_between_pieces, tear_down),
        cmocka_unit_test_teardown(a_turn_gives_parts_little_time, tear_down),
        cmocka_unit_test_teardown(long_answers_arrive_whole, tear_down),
        cmocka_unit_test_teardown(long_answers_may_be_dropped, tear_down),
        cmocka_unit_test_teardown(many_at_once_wait_or_are_refused, tear_down),
        cmocka_unit_test_teardown(a_deadline_ends_with_what_there_is, tear_down),
        cmocka_unit_test_teardown(whoever_has_gone_is_not_answered, tear_down),
        cmocka_unit_test_teardown(a_stop_does_not_wait_for_ever, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
