/* test_park: reads that wait: answered when it happens, when their time is over, or never, if nobody
 * is there any more; they keep neither their connection nor a stop waiting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/engine/post_house.h"

static struct house *house;

static void begin(u16 shards, u16 reactors)
{
    house = house_new(shards, reactors, REPLOG_MODE_DURABLE);
}

static int tear_down(void **state)
{
    (void)state;
    if (house != NULL)
        remove_house(house);
    house = NULL;
    return 0;
}

static void end(void)
{
    close_house(house);
}

/* Waits until `count` messages have been applied on a shard. */
static u64 ask(struct client *client, u16 shard, u64 count, u32 wait_ms)
{
    const struct msg_setting_status_req status = {.home_id = 1, .key = count, .wait_ms = wait_ms};
    return request(house, client, shard, OPCODE_SETTING_STATUS, &status, sizeof status);
}

/* How many the next answer says; it must be of that request. */
static u64 answer(struct client *client, u64 request_id)
{
    struct frame_header header;
    struct msg_setting_status_rsp record = {0};
    assert_true(reply(house, client, &header, &record, sizeof record));
    assert_int_equal(header.request_id, request_id);
    assert_int_equal(header.status, STATUS_OK);
    assert_int_equal(header.opcode, OPCODE_SETTING_STATUS);
    return record.version;
}

static bool is_silent(const struct client *client)
{
    const u8 *sent = NULL;
    return sim_sent(house->rings[client->reactor], client->fd, &sent) == 0;
}

/* `count` messages from shard 0 to `shard`; takes the answer of the command. */
static void post(struct client *client, u16 shard, u32 count)
{
    struct frame_header header;
    struct record_status status;
    send_fan(house, client, &(struct fan){.shard = 0, .targets = 1ull << shard, .count = count});
    turn(house, 20);
    assert_true(reply(house, client, &header, &status, sizeof status));
    assert_int_equal(header.opcode, OPCODE_POLICY_PUT);
}

static u32 parked_on(u16 shard)
{
    return host_of(house, shard)->park.count;
}

static u32 watched_on(u16 shard)
{
    return host_of(house, shard)->shard->notices.watched_count;
}

/* ---- when it happens, and when it does not --------------------------------------------------- */

static void a_read_is_answered_when_it_happens_and_its_connection_goes_on_meanwhile(void **state)
{
    (void)state;
    begin(2, 1);
    struct client writer = open_client(house, 0, 1);
    struct client reader = connect_client(house, 0, 2);
    const u64 first = ask(&reader, 1, 3, 5000);
    turn(house, 10);
    assert_true(is_silent(&reader));
    assert_int_equal(parked_on(1), 1);
    const u64 second = ask(&reader, 1, 0, 5000); /* another frame of the same connection */
    turn(house, 4);
    assert_int_equal(answer(&reader, second), 0);
    post(&writer, 1, 2); /* something happens, but not enough */
    assert_true(is_silent(&reader));
    assert_int_equal(parked_on(1), 1);
    post(&writer, 1, 1);
    assert_int_equal(answer(&reader, first), 3);
    assert_int_equal(parked_on(1), 0);
    assert_int_equal(watched_on(1), 0);
    assert_int_equal(metric_read(&house->reactors[0]->metrics->reads_parked), 1);
    end();
}

static void a_read_is_answered_in_the_turn_that_applies_what_it_waits_for(void **state)
{
    (void)state;
    begin(2, 1);
    struct client writer = open_client(house, 0, 1);
    struct client reader = connect_client(house, 0, 2);
    const u64 id = ask(&reader, 1, 1, 5000);
    turn(house, 4);
    send_fan(house, &writer, &(struct fan){.shard = 0, .targets = 2, .count = 1});
    while (books[1].applied_count == 0) {
        assert_true(is_silent(&reader));
        turn(house, 1);
    }
    turn(house, 1); /* the send itself */
    assert_int_equal(answer(&reader, id), 1);
    end();
}

static void a_read_is_answered_at_its_time_and_wakes_the_reactor_for_it(void **state)
{
    (void)state;
    begin(2, 1);
    struct client reader = connect_client(house, 0, 2);
    const u64 late = ask(&reader, 1, 1, 800);
    const u64 soon = ask(&reader, 1, 1, 300);
    turn(house, 4);
    const u64 begin_ns = house_now_ns;
    struct shard_host *host = host_of(house, 1);
    assert_true(host_tick(host) <= begin_ns + 300 * NS_PER_MS);
    assert_true(host_tick(host) >= begin_ns + 290 * NS_PER_MS);
    pass(house, 280);
    assert_true(is_silent(&reader));
    pass(house, 30);
    assert_int_equal(answer(&reader, soon), 0);
    assert_int_equal(watched_on(1), 1); /* the other one waits for the same */
    pass(house, 450);
    assert_true(is_silent(&reader));
    pass(house, 60);
    assert_int_equal(answer(&reader, late), 0);
    assert_int_equal(parked_on(1), 0);
    assert_int_equal(watched_on(1), 0); /* K3 */
    end();
}

static void a_read_that_may_not_wait_is_answered_at_once(void **state)
{
    (void)state;
    begin(2, 1);
    struct client reader = connect_client(house, 0, 2);
    const u64 id = ask(&reader, 1, 1, 0);
    turn(house, 4);
    assert_int_equal(answer(&reader, id), 0);
    /* several records in a frame never wait */
    struct {
        struct frame_header header;
        struct msg_setting_status_req records[2];
    } frame = {.header = {.opcode = OPCODE_SETTING_STATUS,
                          .record_count = 2,
                          .shard = 1,
                          .request_id = ++house->request_id},
               .records = {{.home_id = 1, .key = 1, .wait_ms = 1000},
                           {.home_id = 1, .key = 1, .wait_ms = 1000}}};
    frame_seal((u8 *)&frame, sizeof frame);
    sim_inject(house->rings[0], reader.fd, &frame, sizeof frame);
    turn(house, 4);
    assert_int_equal(answer(&reader, house->request_id), 0);
    end();
}

/* A deadline is about how long a frame waits to be served; this one is being served. */
static void a_deadline_does_not_end_a_read_that_waits(void **state)
{
    (void)state;
    begin(2, 1);
    struct client reader = connect_client(house, 0, 2);
    struct {
        struct frame_header header;
        struct msg_setting_status_req record;
    } frame = {.header = {.opcode = OPCODE_SETTING_STATUS,
                          .record_count = 1,
                          .shard = 1,
                          .deadline_ms = 20,
                          .request_id = ++house->request_id},
               .record = {.home_id = 1, .key = 1, .wait_ms = 500}};
    frame_seal((u8 *)&frame, sizeof frame);
    sim_inject(house->rings[0], reader.fd, &frame, sizeof frame);
    pass(house, 490);
    assert_true(is_silent(&reader));
    pass(house, 20);
    assert_int_equal(answer(&reader, house->request_id), 0);
    end();
}

/* ---- many ------------------------------------------------------------------------------------ */

static void a_full_table_answers_at_once_and_is_emptied_by_one_notice(void **state)
{
    (void)state;
    begin(2, 1);
    struct client writer = open_client(house, 0, 1);
    struct client reader = connect_client(house, 0, 2);
    u64 first = 0, over = 0;
    for (u32 i = 0; i < PARK_READS_MAX; i++) {
        const u64 id = ask(&reader, 1, 1, 20000 + i);
        first = first == 0 ? id : first;
        if (i % 64 == 0)
            turn(house, 1);
    }
    turn(house, 8);
    assert_int_equal(parked_on(1), PARK_READS_MAX);
    assert_true(is_silent(&reader));
    over = ask(&reader, 1, 1, 20000);
    turn(house, 4);
    assert_int_equal(answer(&reader, over), 0);
    post(&writer, 1, 1);
    turn(house, 8);
    u32 count = 0;
    u8 seen[PARK_READS_MAX] = {0};
    struct frame_header header;
    struct msg_setting_status_rsp record;
    while (reply(house, &reader, &header, &record, sizeof record)) {
        assert_int_equal(record.version, 1);
        assert_true(header.request_id >= first && header.request_id < first + PARK_READS_MAX);
        assert_int_equal(seen[header.request_id - first]++, 0); /* K2 */
        count++;
    }
    assert_int_equal(count, PARK_READS_MAX);
    assert_int_equal(parked_on(1), 0);
    /* places are used again */
    over = ask(&reader, 1, 2, 20000);
    turn(house, 4);
    assert_int_equal(parked_on(1), 1);
    end();
}

/* ---- nobody is there any more ---------------------------------------------------------------- */

static void a_connection_that_went_away_drops_its_reads(void **state)
{
    (void)state;
    begin(2, 1);
    struct client writer = open_client(house, 0, 1);
    struct client reader = connect_client(house, 0, 2);
    struct client other = connect_client(house, 0, 3);
    (void)ask(&reader, 1, 1, 60000);
    const u64 id = ask(&other, 1, 1, 60000);
    turn(house, 4);
    assert_int_equal(parked_on(1), 2);
    struct reactor *reactor = house->reactors[0];
    for (u32 i = 0; i < reactor->connections.capacity; i++) {
        struct connection *connection = connection_at(reactor, i);
        if (connection->state != CONNECTION_STATE_FREE && connection->fd == reader.fd)
            connection_close(connection);
    }
    turn(house, 4);
    assert_true(sim_is_closed(house->rings[0], reader.fd));
    assert_int_equal(parked_on(1), 2);
    post(&writer, 1, 1);
    assert_int_equal(answer(&other, id), 1);
    assert_int_equal(parked_on(1), 0);
    assert_int_equal(metric_read(&reactor->metrics->replies_lost), 0);
    end();
}

/* ---- other reactors -------------------------------------------------------------------------- */

static void a_forwarded_read_waits_too_and_leaves_room_for_others(void **state)
{
    (void)state;
    begin(2, 2);
    struct client writer = open_client(house, 0, 1);
    struct client reader = connect_client(house, 0, 2); /* shard 1 is on the other reactor */
    for (u32 i = 0; i < FORWARD_PARKED_MAX; i++)
        (void)ask(&reader, 1, 1, 30000);
    turn(house, 8);
    assert_int_equal(parked_on(1), FORWARD_PARKED_MAX);
    assert_true(is_silent(&reader));
    const u64 over = ask(&reader, 1, 1, 30000);
    turn(house, 8);
    assert_int_equal(answer(&reader, over), 0); /* may not wait */
    struct client near = connect_client(house, 1, 3);
    const u64 id = ask(&near, 1, 1, 30000); /* of this reactor's own connections it may */
    turn(house, 8);
    assert_true(is_silent(&near));
    post(&writer, 1, 1);
    turn(house, 8);
    assert_int_equal(answer(&near, id), 1);
    struct frame_header header;
    struct msg_setting_status_rsp record;
    u32 count = 0;
    while (reply(house, &reader, &header, &record, sizeof record)) {
        assert_int_equal(record.version, 1);
        count++;
    }
    assert_int_equal(count, FORWARD_PARKED_MAX);
    assert_int_equal(house->reactors[1]->peers[0].parked_count, 0);
    assert_int_equal(house->reactors[1]->peers[0].parked_bytes, 0);
    assert_int_equal(house->reactors[0]->peers[1].frames_under_way, 0);
    end();
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void a_stop_answers_everybody_and_is_not_kept_waiting(void **state)
{
    (void)state;
    for (u16 reactors = 1; reactors <= 2; reactors++) {
        begin(2, reactors);
        struct client reader = connect_client(house, 0, 2);
        const u64 near = ask(&reader, 0, 1, 60000);
        const u64 far = ask(&reader, 1, 1, 60000);
        turn(house, 8);
        assert_int_equal(parked_on(0) + parked_on(1), 2);
        for (u32 i = 0; i < reactors; i++)
            reactor_drain(house->reactors[i]);
        turn(house, 8);
        struct frame_header header;
        struct msg_setting_status_rsp record;
        for (u32 i = 0; i < 2; i++) {
            assert_true(reply(house, &reader, &header, &record, sizeof record));
            assert_int_equal(header.status, STATUS_OK);
            assert_true(header.request_id == near || header.request_id == far);
        }
        const u64 id = ask(&reader, 0, 1, 60000); /* nobody waits any more */
        turn(house, 8);
        assert_int_equal(answer(&reader, id), 0);
        const u64 begin_ns = house_now_ns;
        end();
        assert_true(house_now_ns - begin_ns < NS_PER_S);
        (void)tear_down(NULL);
    }
}

#define PARK(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PARK(a_read_is_answered_when_it_happens_and_its_connection_goes_on_meanwhile),
        PARK(a_read_is_answered_in_the_turn_that_applies_what_it_waits_for),
        PARK(a_read_is_answered_at_its_time_and_wakes_the_reactor_for_it),
        PARK(a_read_that_may_not_wait_is_answered_at_once),
        PARK(a_deadline_does_not_end_a_read_that_waits),
        PARK(a_full_table_answers_at_once_and_is_emptied_by_one_notice),
        PARK(a_connection_that_went_away_drops_its_reads),
        PARK(a_forwarded_read_waits_too_and_leaves_room_for_others),
        PARK(a_stop_answers_everybody_and_is_not_kept_waiting),
    };
    cmocka_set_test_filter(getenv("TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
