/* test_core_lies: servers that send nonsense, refuse sessions or come back as others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/client/core_net.h"

/* ---- hostile servers ---- */

/* A client with one take in flight, and the honest reply to it. */
static struct net *net_with_reply(struct taken *taken, u8 **reply, u32 *bytes)
{
    struct net *net = net_open(1, 10, (struct souk_options){0});
    run(net, 1);
    assert_int_equal(take(net, taken, 1, 0, 1), 0);
    run(net, 3);
    assert_int_equal(take(net, taken, 4, SOUK_FOREVER, 1), 0);
    core_pump(&net->core, net->now_ns, true);
    assert_int_equal(push_out(net, 0), 1);
    *bytes = net->fake.out_bytes;
    *reply = malloc(*bytes);
    memcpy(*reply, net->fake.out, *bytes);
    net->fake.out_bytes = 0;
    return net;
}

typedef void spoil_fn(struct frame_header *header);

static void spoil_request_id(struct frame_header *h)
{
    h->request_id += 1ull << 32;
}

static void spoil_index(struct frame_header *h)
{
    h->request_id |= 0xfffffff0;
}

static void spoil_opcode(struct frame_header *h)
{
    h->opcode = OPCODE_STOCK_GET;
}

static void spoil_shard(struct frame_header *h)
{
    h->shard = 9;
}

static void spoil_count(struct frame_header *h)
{
    h->record_count = 3;
}

static void spoil_flags(struct frame_header *h)
{
    h->flags = 0;
}

static void spoil_version(struct frame_header *h)
{
    h->version = 77;
}

static void spoil_status(struct frame_header *h)
{
    h->status = STATUS_SOLD_OUT;
}

static void spoil_unknown_opcode(struct frame_header *h)
{
    h->opcode = 0xffff;
}

static void replies_that_lie_cost_the_connection_and_nothing_else(void **state)
{
    (void)state;
    static spoil_fn *const spoils[] = {spoil_request_id, spoil_index,  spoil_opcode,
                                       spoil_shard,      spoil_count,  spoil_flags,
                                       spoil_version,    spoil_status, spoil_unknown_opcode};
    for (u32 i = 0; i < ARRAY_COUNT(spoils); i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        struct frame_header header = frame_header_read(reply);
        spoils[i](&header);
        const u16 version = header.version;
        memcpy(reply, &header, sizeof header);
        frame_seal(reply, bytes);
        memcpy(reply + 16, &version, sizeof version);
        assert_non_null(feed(net, 0, reply, bytes));
        assert_int_equal(net->core.stats.protocol_errors, 1);
        assert_int_equal(taken.call.left, 4);
        lose(net, 0);
        run(net, 4); /* and the stored answer comes by another connection */
        assert_int_equal(taken.call.left, 0);
        assert_int_equal(taken.replies[3].sellable, 5);
        free(reply);
        net_close(net);
    }
}

/* A well-formed reply of zeros with this header. */
static void feed_zeros(struct net *net, struct frame_header header, const char **reason)
{
    u8 bytes[1024] = {0};
    const struct message_info *info = message_find(header.opcode);
    memcpy(bytes, &header, sizeof header);
    const u32 length = FRAME_HEADER_BYTES + header.record_count * info->reply.fixed_bytes;
    frame_seal(bytes, length);
    *reason = feed(net, 0, bytes, length);
}

static void well_formed_replies_to_another_question_are_refused(void **state)
{
    (void)state;
    for (u32 i = 0; i < 4; i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        const char *reason;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        struct frame_header header = frame_header_read(reply);
        if (i == 0)
            header.record_count = 3;
        else if (i == 1)
            header.record_count = 5;
        else if (i == 2)
            header.opcode = OPCODE_STOCK_GET;
        else
            header.request_id -= 1ull << 32; /* who had the frame's memory before */
        feed_zeros(net, header, &reason);
        assert_non_null(reason);
        assert_int_equal(taken.call.left, 4);
        free(reply);
        net_close(net);
    }
}

static void a_reply_that_comes_twice_is_not_believed_twice(void **state)
{
    (void)state;
    struct taken taken;
    u8 *reply;
    u32 bytes;
    struct net *net = net_with_reply(&taken, &reply, &bytes);
    assert_null(feed(net, 0, reply, bytes));
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(take(net, &taken, 4, SOUK_FOREVER, 1), 0);
    core_pump(&net->core, net->now_ns, true);
    assert_int_equal(push_out(net, 0), 1); /* in the memory of the frame before */
    assert_non_null(feed(net, 0, reply, bytes));
    assert_int_equal(taken.call.left, 4);
    free(reply);
    net_close(net);
}

static void a_reply_in_pieces_of_one_byte_is_a_reply(void **state)
{
    (void)state;
    struct taken taken;
    u8 *reply;
    u32 bytes;
    struct net *net = net_with_reply(&taken, &reply, &bytes);
    for (u32 i = 0; i < bytes; i++)
        assert_null(feed(net, 0, reply + i, 1));
    assert_int_equal(taken.call.left, 0);
    free(reply);
    net_close(net);
}

static void lengths_that_cannot_be_are_refused_from_the_first_bytes(void **state)
{
    (void)state;
    static const u32 lengths[] = {0, 8, 88, 97, FRAME_BYTES_MAX + 8, 0xfffffff8};
    for (u32 i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        memcpy(reply + 4, &lengths[i], 4);
        assert_non_null(feed(net, 0, reply, bytes));
        free(reply);
        net_close(net);
    }
}

static void random_bytes_never_reach_a_must(void **state)
{
    (void)state;
    u64 random = 99;
    for (u32 round = 0; round < 3000; round++) {
        struct taken taken;
        u8 *reply;
        u32 bytes;
        struct net *net = net_with_reply(&taken, &reply, &bytes);
        const bool is_sealed = round % 2 == 0;
        for (u32 change = 0; change < 1 + round % 4; change++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            reply[16 + (random >> 33) % (bytes - 16)] = (u8)(random >> 20);
        }
        if (is_sealed) {
            const struct frame_header header = frame_header_read(reply);
            frame_seal(reply, bytes);
            memcpy(reply + 16, &header.version, 2);
        }
        if (feed(net, 0, reply, bytes) != NULL)
            lose(net, 0);
        net->now_ns += 5000 * MS;
        run(net, 4);
        if (taken.call.left == 0 && taken.call.error == 0)
            for (u32 i = 0; i < 4; i++)
                assert_true(taken.replies[i].status < SOUK_UNANSWERED);
        free(reply);
        net_close(net);
    }
}

static void a_server_that_refuses_sessions_is_not_hammered(void **state)
{
    (void)state;
    struct net *net = net_open(1, 10, (struct souk_options){0});
    run(net, 1);
    for (u32 i = 0; i < 6; i++) {
        net->core.connections[0].state = CORE_CONNECTION_READY;
        lose(net, 0); /* after a greeting, without any answer */
    }
    assert_true(net->core.connections[0].connect_at_ns >= net->now_ns + 50 * MS);
    net_close(net);
}

static void other_reactors_after_a_restart_change_nothing(void **state)
{
    (void)state;
    struct net *net = net_open(2, 10, (struct souk_options){0});
    struct taken taken;
    run(net, 1);
    assert_int_equal(take(net, &taken, 8, 0, 1), 0);
    net->is_mute = true;
    run(net, 3);
    for (u16 i = 0; i < 2; i++)
        if (net->core.connections[i].state != CORE_CONNECTION_DOWN)
            lose(net, i);
    net->is_mute = false;
    net->fake.reactor_count = 1;
    for (u32 i = 0; i < 10; i++) {
        run(net, 1);
        net->now_ns += 20 * MS;
    }
    assert_int_equal(taken.call.left, 0);
    assert_int_equal(taken.call.error, 0);
    net_close(net);
}

static void random_greetings_never_reach_a_must(void **state)
{
    (void)state;
    u64 random = 7;
    for (u32 round = 0; round < 5000; round++) {
        struct net *net = net_open((u16)(1 + round % 3), 10, (struct souk_options){0});
        struct taken taken = {0};
        connect_all(net);
        (void)push_out(net, 0);
        const u32 bytes = net->fake.out_bytes;
        for (u32 change = 0; change < 1 + round % 3; change++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            net->fake.out[FRAME_HEADER_BYTES + (random >> 33) % (bytes - FRAME_HEADER_BYTES)] =
                (u8)(random >> 20);
        }
        frame_seal(net->fake.out, bytes);
        if (feed(net, 0, net->fake.out, bytes) != NULL)
            lose(net, 0);
        net->fake.out_bytes = 0;
        if (take(net, &taken, 8, 100, random) == 0) {
            core_pump(&net->core, net->now_ns, true);
            net->now_ns += 5000 * MS;
            core_tick(&net->core, net->now_ns);
            assert_int_equal(taken.call.left, 0);
        }
        net_close(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_that_lie_cost_the_connection_and_nothing_else),
        cmocka_unit_test(well_formed_replies_to_another_question_are_refused),
        cmocka_unit_test(a_reply_that_comes_twice_is_not_believed_twice),
        cmocka_unit_test(a_reply_in_pieces_of_one_byte_is_a_reply),
        cmocka_unit_test(lengths_that_cannot_be_are_refused_from_the_first_bytes),
        cmocka_unit_test(random_bytes_never_reach_a_must),
        cmocka_unit_test(random_greetings_never_reach_a_must),
        cmocka_unit_test(a_server_that_refuses_sessions_is_not_hammered),
        cmocka_unit_test(other_reactors_after_a_restart_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
