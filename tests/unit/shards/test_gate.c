/* test_gate: what is refused on arrival, and what is not although it could be.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/shard_fixture.h"

#define MUG .resource = {.id = 1}

static struct fx fx;
static struct shard_reply reply;

static int open_sold_out(void **state)
{
    (void)state;
    fx_open(&fx);
    fx_mug(&fx, 5);
    (void)FX_ONE(&fx, OPCODE_TAKE, take, MUG, .quantity = 5);
    return 0;
}

static int close_shard(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

/* Asks for admission only: what is let through stays under way. */
static enum shard_verdict admit_linked(u16 opcode, const void *records, u32 count, u16 flags)
{
    const struct frame_header header = {.opcode = opcode,
                                        .flags = flags,
                                        .record_count = (u16)count,
                                        .session = fx.session,
                                        .session_seq = ++fx.seq,
                                        .acked_seq = 0};
    return shard_admit(fx.shard, &header, records,
                       count * message_find(opcode)->request.fixed_bytes, fx.now_ns, &reply);
}

static enum shard_verdict admit(u16 opcode, const void *records, u32 count)
{
    return admit_linked(opcode, records, count, 0);
}

static enum shard_verdict admit_take(struct msg_take_req take)
{
    return admit(OPCODE_TAKE, &take, 1);
}

static const struct msg_take_req one = {MUG, .quantity = 1};

static void a_frame_of_sold_out_takes_is_refused_on_arrival(void **state)
{
    (void)state;
    struct msg_take_req takes[64];
    for (u32 i = 0; i < 64; i++)
        takes[i] = one;
    assert_int_equal(admit(OPCODE_TAKE, takes, 64), SHARD_VERDICT_ANSWER);
    assert_int_equal(reply.status, STATUS_OK);
    assert_int_equal(reply.record_count, 64);
    assert_int_equal(reply.body_bytes, 64 * sizeof(struct msg_take_rsp));
    const struct msg_take_rsp *last = (const void *)(reply.body + 63 * sizeof *last);
    assert_int_equal(last->head.status, STATUS_SOLD_OUT);
    assert_int_equal(last->sellable, 0);
    struct shard_counters counters;
    shard_counters_read(fx.shard, &counters);
    assert_int_equal(counters.refused_on_arrival, 64);
    assert_int_equal(counters.refused_sold_out, 64);
    assert_int_equal(counters.under_way_entries, 0);
    takes[63].resource.id = 2;
    assert_int_equal(admit(OPCODE_TAKE, takes, 64), SHARD_VERDICT_LOG);
}

static void nothing_is_refused_while_stock_may_come(void **state)
{
    (void)state;
    const struct msg_stock_receive_req receive = {MUG, .quantity = 1};
    assert_int_equal(admit(OPCODE_STOCK_RECEIVE, &receive, 1), SHARD_VERDICT_LOG);
    assert_int_equal(admit_take(one), SHARD_VERDICT_LOG);
}

static void what_may_bring_stock_is_known(void **state)
{
    (void)state;
    const struct {
        u16 opcode;
        u16 flags;
        bool is_adder;
    } table[] = {
        {OPCODE_STOCK_RECEIVE, 0, true},
        {OPCODE_STOCK_ADJUST, 0, true},
        {OPCODE_STOCK_SET, 0, true},
        {OPCODE_ALLOC_CANCEL, 0, true},
        {OPCODE_ALLOC_RETURN, 0, true},
        {OPCODE_HOLD_RELEASE, 0, true},
        {OPCODE_HOLD_CONFIRM, 0, true},
        {OPCODE_TAKE, FRAME_FLAG_LINKED, true},
        {OPCODE_TAKE, 0, false},
        {OPCODE_HOLD, 0, false},
        {OPCODE_ALLOC_SHIP, 0, false},
        {OPCODE_HOLD_EXTEND, 0, false},
        {OPCODE_STOCK_WRITE_OFF, 0, false},
    };
    for (u32 i = 0; i < ARRAY_COUNT(table); i++) {
        const u8 record[256] = {0}; /* a resource of id 0: never refused on arrival */
        fx_open(&fx);
        fx_mug(&fx, 0);
        assert_int_equal(admit_linked(table[i].opcode, record, 1, table[i].flags),
                         SHARD_VERDICT_LOG);
        assert_int_equal(fx.shard->gate.adders, table[i].is_adder ? 1 : 0);
        assert_int_equal(admit_take(one),
                         table[i].is_adder ? SHARD_VERDICT_LOG : SHARD_VERDICT_ANSWER);
        fx_close(&fx);
    }
}

static void replaces_and_linked_frames_always_go_through_the_log(void **state)
{
    (void)state;
    assert_int_equal(admit_linked(OPCODE_TAKE, &one, 1, FRAME_FLAG_LINKED), SHARD_VERDICT_LOG);
    fx.shard->gate.adders = 0;
    assert_int_equal(admit_take((struct msg_take_req){MUG, .quantity = 1, .replaces = {1, 1}}),
                     SHARD_VERDICT_LOG);
    fx.shard->gate.adders = 1;
}

static void an_id_that_is_known_or_under_way_is_logged(void **state)
{
    (void)state;
    const struct id128 id = fx_fresh(&fx, 4), old = fx_id(1, 4);
    const struct msg_stock_receive_req receive = {MUG, .quantity = 1};
    struct msg_take_req named = {MUG, .quantity = 2, .id = id};
    assert_int_equal(admit_take(named), SHARD_VERDICT_ANSWER);
    /* Something that stands in the way: the named take is logged, and so is its twin. */
    (void)fx_send(&fx, OPCODE_STOCK_RECEIVE, &receive, 1);
    named.quantity = 1;
    assert_int_equal(admit_take(named), SHARD_VERDICT_LOG);
    named.quantity = 2;
    assert_int_equal(admit_take(named), SHARD_VERDICT_LOG);
    named.id = old;
    assert_int_equal(admit_take(named), SHARD_VERDICT_LOG);
    named.id = fx_fresh(&fx, 5);
    assert_int_equal(admit_take(named), SHARD_VERDICT_ANSWER);
}

static void a_number_under_way_is_logged_again(void **state)
{
    (void)state;
    const struct msg_take_req unknown = {.resource = {.id = 99}, .quantity = 1};
    assert_int_equal(admit_take(unknown), SHARD_VERDICT_LOG);
    fx.seq--;
    assert_int_equal(admit_take(one), SHARD_VERDICT_LOG);
    assert_int_equal(admit_take(one), SHARD_VERDICT_ANSWER);
}

static void all_held_is_not_said_when_a_lease_is_due(void **state)
{
    (void)state;
    const struct msg_stock_receive_req receive = {MUG, .quantity = 3};
    const struct msg_hold_req hold = {MUG, .quantity = 3, .id = fx_fresh(&fx, 1), .lease_ms = 5000};
    (void)fx_send(&fx, OPCODE_STOCK_RECEIVE, &receive, 1);
    (void)fx_send(&fx, OPCODE_HOLD, &hold, 1);
    fx.now_ns += 1000 * NS_PER_MS;
    assert_int_equal(admit_take(one), SHARD_VERDICT_ANSWER);
    const struct msg_take_rsp *rsp = (const void *)reply.body;
    assert_int_equal(rsp->head.status, STATUS_ALL_HELD);
    assert_int_equal(rsp->head.retry_after_ms, 4000);
    fx.now_ns += 4000 * NS_PER_MS;
    assert_int_equal(admit_take(one), SHARD_VERDICT_LOG);
    const struct msg_take_req many = {MUG, .quantity = 9};
    assert_int_equal(admit_take(many), SHARD_VERDICT_ANSWER); /* SOLD_OUT, leases or not */
}

static void a_session_that_lives_on_refusals_is_touched_now_and_then(void **state)
{
    (void)state;
    fx.now_ns += 60 * NS_PER_S - 1;
    assert_int_equal(admit_take(one), SHARD_VERDICT_ANSWER);
    fx.now_ns += 1;
    assert_int_equal(admit_take(one), SHARD_VERDICT_LOG);
}

static void what_comes_in_goes_out(void **state)
{
    (void)state;
    fx.is_local = true;
    for (u64 i = 0; i < 50; i++) {
        const struct msg_stock_receive_req receive = {MUG, .quantity = 2};
        const struct msg_hold_req hold = {MUG, .quantity = 1, .id = fx_fresh(&fx, 10 + i)};
        const struct msg_take_req take = {MUG, .quantity = 1, .replaces = hold.id};
        (void)fx_send(&fx, OPCODE_STOCK_RECEIVE, &receive, 1);
        (void)fx_send(&fx, OPCODE_HOLD, &hold, 1);
        (void)fx_send(&fx, OPCODE_TAKE, &take, 1);
        assert_int_equal(FX_RSP(&fx, take, 0).head.status, STATUS_OK);
    }
    const struct gate *gate = &fx.shard->gate;
    assert_int_equal(gate->under_way, 0);
    assert_int_equal(gate->adders, 0);
    assert_int_equal(gate->need.arena_bytes, 0);
    assert_int_equal(gate->need.grants, 0);
    for (u32 i = 0; i < GATE_CELLS; i++)
        assert_int_equal(gate->cells[i], 0);
    assert_int_equal(session_at(&fx.shard->sessions, 1)->way_frames, 0);
    assert_int_equal(session_at(&fx.shard->sessions, 1)->way_bytes, 0);
}

static void memory_is_refused_before_anything_is_logged(void **state)
{
    (void)state;
    struct fx small;
    fx_open_with(&small, (struct shard_options){.count = 1, .memory_max = 24u << 20});
    fx_mug(&small, QUANTITY_MAX);
    small.is_local = true;
    static struct msg_hold_req holds[1024];
    u64 number = 0;
    u32 frames = 0;
    for (; frames < 1000; frames++) {
        for (u32 i = 0; i < 1024; i++)
            holds[i] = (struct msg_hold_req){MUG, .quantity = 1, .id = fx_fresh(&small, ++number),
                                             .lease_ms = 60000};
        if (fx_send(&small, OPCODE_HOLD, holds, 1024))
            break;
        assert_true(shard_memory_used(small.shard) <= 24u << 20);
    }
    assert_in_range(frames, 8, 200);
    assert_int_equal(small.reply.status, STATUS_MEMORY_LIMIT);
    assert_int_equal(small.reply.detail.limit, 24u << 20);
    assert_int_equal(small.reply.detail.actual, shard_memory_used(small.shard));
    assert_int_not_equal(small.reply.retry_after_ms, 0);
    /* Nothing is lost, and what is forgotten makes room again. */
    assert_int_equal(fx_levels(&small).held, 1024 * (i64)frames);
    small.seq--;
    fx_later(&small, 60000);
    fx_later(&small, GRANT_RETENTION_MS);
    for (u32 i = 0; i < 1024; i++)
        holds[i].id = fx_fresh(&small, ++number);
    assert_false(fx_send(&small, OPCODE_HOLD, holds, 1024));
    fx_close(&small);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_sold_out, close_shard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_frame_of_sold_out_takes_is_refused_on_arrival),
        T(nothing_is_refused_while_stock_may_come),
        cmocka_unit_test(what_may_bring_stock_is_known),
        T(replaces_and_linked_frames_always_go_through_the_log),
        T(an_id_that_is_known_or_under_way_is_logged),
        T(a_number_under_way_is_logged_again),
        T(all_held_is_not_said_when_a_lease_is_due),
        T(a_session_that_lives_on_refusals_is_touched_now_and_then),
        T(what_comes_in_goes_out),
        cmocka_unit_test(memory_is_refused_before_anything_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
