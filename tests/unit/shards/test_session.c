/* test_session: exactly-once answers, the window, eviction, budgets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/shard_fixture.h"

#define MUG .resource = {.id = 1}

static struct fx fx;

static int open_mug(void **state)
{
    (void)state;
    fx_open(&fx);
    fx_mug(&fx, 1000);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
    struct shard *loaded = fx_reload(&fx);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_close(&fx);
    return 0;
}

static const struct msg_take_req one_mug = {MUG, .quantity = 1};

/* Sends frame `seq` with what has been received up to `acked`. */
static u16 send_as(u64 seq, u64 acked, u32 records)
{
    struct msg_take_req takes[8];
    assert_true(records <= ARRAY_COUNT(takes));
    for (u32 i = 0; i < records; i++)
        takes[i] = one_mug;
    fx.seq = seq;
    fx.acked_seq = acked;
    (void)fx_frame(&fx, OPCODE_TAKE, (const u8 *)takes, records * (u32)sizeof *takes, records);
    return fx.reply.status;
}

static i64 allocated(void)
{
    return fx_levels(&fx).allocated;
}

static void a_frame_sent_twice_is_executed_once(void **state)
{
    (void)state;
    const u64 seq = fx.seq + 1;
    assert_int_equal(send_as(seq, 0, 3), STATUS_OK);
    assert_int_equal(fx.reply.flags, 0);
    const struct msg_take_rsp first = FX_RSP(&fx, take, 2);
    assert_int_equal(send_as(seq, 0, 3), STATUS_OK);
    assert_int_equal(fx.reply.flags, FRAME_FLAG_REPLAYED);
    assert_int_equal(fx.reply.record_count, 3);
    assert_memory_equal(&FX_RSP(&fx, take, 2), &first, sizeof first);
    assert_int_equal(allocated(), 3);
}

static void a_replay_is_answered_on_arrival(void **state)
{
    (void)state;
    fx.is_local = true;
    const u64 seq = fx.seq + 1;
    assert_int_equal(send_as(seq, 0, 1), STATUS_OK);
    const u64 lsn = fx.lsn;
    assert_int_equal(send_as(seq, 0, 1), STATUS_OK);
    assert_int_equal(fx.reply.flags, FRAME_FLAG_REPLAYED);
    assert_int_equal(fx.lsn, lsn);
}

static void a_number_with_another_operation_is_a_mismatch(void **state)
{
    (void)state;
    const u64 seq = fx.seq + 1;
    assert_int_equal(send_as(seq, 0, 1), STATUS_OK);
    assert_int_equal(send_as(seq, 0, 2), STATUS_ID_MISMATCH);
    fx.is_local = true;
    assert_int_equal(send_as(seq, 0, 2), STATUS_ID_MISMATCH);
    const struct msg_stock_receive_req receive = {MUG, .quantity = 1};
    (void)fx_frame(&fx, OPCODE_STOCK_RECEIVE, (const u8 *)&receive, sizeof receive, 1);
    assert_int_equal(fx.reply.status, STATUS_ID_MISMATCH);
}

static void numbers_may_come_in_any_order_and_leave_holes(void **state)
{
    (void)state;
    const u64 base = fx.seq;
    assert_int_equal(send_as(base + 7, base, 1), STATUS_OK);
    assert_int_equal(send_as(base + 2, base, 1), STATUS_OK);
    assert_int_equal(send_as(base + 1000, base, 1), STATUS_OK);
    assert_int_equal(send_as(base + 7, base, 1), STATUS_OK);
    assert_int_equal(fx.reply.flags, FRAME_FLAG_REPLAYED);
    assert_int_equal(send_as(base + 3, base, 1), STATUS_OK);
    assert_int_equal(fx.reply.flags, 0);
    assert_int_equal(allocated(), 4);
}

static void what_is_acknowledged_is_forgotten(void **state)
{
    (void)state;
    const u64 base = fx.seq;
    assert_int_equal(send_as(base + 1, base, 8), STATUS_OK);
    assert_int_equal(send_as(base + 2, base, 8), STATUS_OK);
    assert_int_equal(session_at(&fx.shard->sessions, 1)->kept_count, 2);
    assert_int_equal(send_as(base + 3, base + 2, 1), STATUS_OK);
    assert_int_equal(session_at(&fx.shard->sessions, 1)->kept_count, 1);
    assert_int_equal(session_at(&fx.shard->sessions, 1)->kept_bytes, sizeof(struct msg_take_rsp));
    assert_int_equal(send_as(base + 2, base, 8), STATUS_TOO_OLD);
    assert_int_equal(allocated(), 17);
    assert_int_equal(send_as(UINT64_MAX, UINT64_MAX - 1, 1), STATUS_OK);
    assert_int_equal(send_as(base + 4, base, 8), STATUS_TOO_OLD);
}

static void the_window_ends_at_its_frames(void **state)
{
    (void)state;
    const u64 base = fx.seq;
    assert_int_equal(send_as(base + SESSION_WINDOW_FRAMES, base, 1), STATUS_OK);
    assert_int_equal(send_as(base + SESSION_WINDOW_FRAMES + 1, base, 1), STATUS_SESSION_BUSY);
    fx.is_local = true;
    assert_int_equal(send_as(base + SESSION_WINDOW_FRAMES + 1, base, 1), STATUS_SESSION_BUSY);
    assert_int_not_equal(fx.reply.retry_after_ms, 0);
    assert_int_equal(send_as(base + SESSION_WINDOW_FRAMES + 1, base + 1, 1), STATUS_OK);
}

static void writes_need_a_session_and_a_number(void **state)
{
    (void)state;
    for (u32 i = 0; i < 2; i++) {
        fx.is_local = i == 1;
        assert_int_equal(send_as(0, 0, 1), STATUS_NO_SESSION);
        const struct id128 mine = fx.session;
        fx.session = (struct id128){0, 0};
        assert_int_equal(send_as(1, 0, 1), STATUS_NO_SESSION);
        fx.session = (struct id128){9, 9};
        assert_int_equal(send_as(1, 0, 1), STATUS_SESSION_EXPIRED);
        fx.session = mine;
        assert_int_equal(send_as(5, 5, 1), STATUS_TOO_OLD);
        fx.seq = 100;
    }
    assert_int_equal(allocated(), 0);
}

static void opening_again_is_flagged_and_forgets_nothing(void **state)
{
    (void)state;
    const u64 seq = fx.seq + 1;
    const struct msg_session_open_req record = {0};
    assert_int_equal(send_as(seq, 0, 1), STATUS_OK);
    fx.seq = 0;
    fx.acked_seq = 0;
    (void)fx_frame(&fx, OPCODE_SESSION_OPEN, (const u8 *)&record, sizeof record, 1);
    assert_int_equal(FX_RSP(&fx, session_open, 0).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(FX_RSP(&fx, session_open, 0).window_frames, SESSION_WINDOW_FRAMES);
    assert_int_equal(FX_RSP(&fx, session_open, 0).reply_bytes_max, SESSION_REPLY_BYTES_MAX);
    assert_int_equal(send_as(seq, 0, 1), STATUS_OK);
    assert_int_equal(fx.reply.flags, FRAME_FLAG_REPLAYED);
}

static struct id128 session_number(u64 number)
{
    return (struct id128){.low = number, .high = 77};
}

static bool is_known(u64 number)
{
    const struct id128 id = session_number(number);
    return session_find(&fx.shard->sessions, session_hash(id), id) != 0;
}

static void the_least_recently_used_session_is_evicted(void **state)
{
    (void)state;
    fx_open_with(&fx, (struct shard_options){.count = 1, .sessions_max = 4});
    fx_mug(&fx, 100);
    for (u64 i = 1; i <= 3; i++)
        fx_open_session(&fx, session_number(i));
    /* 1 is used again, so the first session of all goes, then 2. */
    fx.session = session_number(1);
    assert_int_equal(send_as(1, 0, 1), STATUS_OK);
    fx_open_session(&fx, session_number(4));
    assert_true(is_known(1) && is_known(2) && is_known(3) && is_known(4));
    fx_open_session(&fx, session_number(5));
    assert_true(is_known(1) && is_known(3) && is_known(4) && is_known(5));
    assert_false(is_known(2));
    fx.session = session_number(2);
    assert_int_equal(send_as(1, 0, 1), STATUS_SESSION_EXPIRED);
    struct shard_counters counters;
    shard_counters_read(fx.shard, &counters);
    assert_int_equal(counters.sessions, 4);
    assert_int_equal(counters.sessions_evicted, 2);
}

static void the_order_of_eviction_survives_a_reload(void **state)
{
    (void)state;
    fx_open_with(&fx, (struct shard_options){.count = 1, .sessions_max = 3});
    for (u64 i = 1; i <= 3; i++)
        fx_open_session(&fx, session_number(i));
    fx_open_session(&fx, session_number(1));
    struct shard *loaded = fx_reload(&fx);
    shard_close(fx.shard);
    fx.shard = loaded;
    fx_open_session(&fx, session_number(4));
    assert_true(is_known(1));
    assert_false(is_known(2));
    assert_true(is_known(3));
    fx_close(&fx);
}

/* Admits frame `seq` without applying it. */
static enum shard_verdict admit(u16 opcode, const void *body, u32 count, u64 seq,
                                struct shard_reply *reply)
{
    const struct frame_header header = {.opcode = opcode,
                                        .record_count = (u16)count,
                                        .session = fx.session,
                                        .session_seq = seq,
                                        .acked_seq = fx.seq};
    return shard_admit(fx.shard, &header, body, count * message_find(opcode)->request.fixed_bytes,
                       fx.now_ns, reply);
}

static void a_session_may_not_keep_more_than_its_bytes(void **state)
{
    (void)state;
    static struct msg_stock_receive_req records[FRAME_RECORDS_MAX];
    struct shard_reply reply;
    const u32 reply_bytes = FRAME_RECORDS_MAX * (u32)sizeof(struct msg_stock_receive_rsp);
    const u32 fit = (u32)(SESSION_REPLY_BYTES_MAX / reply_bytes);
    for (u32 i = 0; i < FRAME_RECORDS_MAX; i++)
        records[i] = (struct msg_stock_receive_req){MUG, .quantity = 1};
    for (u32 i = 0; i < fit; i++)
        assert_int_equal(
            admit(OPCODE_STOCK_RECEIVE, records, FRAME_RECORDS_MAX, fx.seq + 1 + i, &reply),
            SHARD_VERDICT_LOG);
    assert_int_equal(
        admit(OPCODE_STOCK_RECEIVE, records, FRAME_RECORDS_MAX, fx.seq + 1 + fit, &reply),
        SHARD_VERDICT_ANSWER);
    assert_int_equal(reply.status, STATUS_SESSION_BUSY);
    /* Kept bytes that this very frame acknowledges do not count. */
    struct session *session = session_at(&fx.shard->sessions, 1);
    session->way_bytes = 0;
    session->way_frames = 0;
    const u64 base = fx.seq;
    for (u32 i = 0; i < fit; i++) {
        fx.seq = base + 1 + i;
        fx.acked_seq = base;
        (void)fx_frame(&fx, OPCODE_STOCK_RECEIVE, (const u8 *)records, sizeof records,
                       FRAME_RECORDS_MAX);
    }
    fx.seq = base;
    assert_int_equal(
        admit(OPCODE_STOCK_RECEIVE, records, FRAME_RECORDS_MAX, base + 1 + fit, &reply),
        SHARD_VERDICT_ANSWER);
    fx.seq = base + fit;
    assert_int_equal(
        admit(OPCODE_STOCK_RECEIVE, records, FRAME_RECORDS_MAX, base + 1 + fit, &reply),
        SHARD_VERDICT_LOG);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_mug, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_frame_sent_twice_is_executed_once),
        T(a_replay_is_answered_on_arrival),
        T(a_number_with_another_operation_is_a_mismatch),
        T(numbers_may_come_in_any_order_and_leave_holes),
        T(what_is_acknowledged_is_forgotten),
        T(the_window_ends_at_its_frames),
        T(writes_need_a_session_and_a_number),
        T(opening_again_is_flagged_and_forgets_nothing),
        cmocka_unit_test_teardown(the_least_recently_used_session_is_evicted, close_all),
        cmocka_unit_test(the_order_of_eviction_survives_a_reload),
        T(a_session_may_not_keep_more_than_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
