/* core_net: the core of a client and a server, and a network between them that is two buffers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_CLIENT_CORE_NET_H
#define SOUK_TESTS_UNIT_CLIENT_CORE_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/lib/core.h"
#include "tests/unit/client/fake_server.h"

#define MS NS_PER_MS

struct net {
    struct core core;
    struct fake_server fake;
    u64 now_ns;
    bool is_mute; /* the server executes, and its replies are lost */
};

static inline struct net *net_open(u16 shards, i64 stock, struct souk_options options)
{
    struct net *net = calloc(1, sizeof *net);
    net->now_ns = 1000 * MS;
    core_init(&net->core, &options, (struct id128){11, 22});
    fake_init(&net->fake, shards, stock);
    return net;
}

static inline void net_close(struct net *net)
{
    core_deinit(&net->core);
    fake_deinit(&net->fake);
    free(net);
}

/* Gives bytes to the client as if they had come from the network. */
static const char *feed(struct net *net, u16 connection, const u8 *bytes, u32 count)
{
    while (count != 0) {
        u32 room;
        u8 *to = core_input_room(&net->core, connection, &room);
        const u32 part = MIN(room, count);
        memcpy(to, bytes, part);
        const char *reason = core_received(&net->core, connection, part, net->now_ns);
        if (reason != NULL)
            return reason;
        bytes += part;
        count -= part;
    }
    return NULL;
}

/* Moves what a connection has to send to the server. Returns frames moved. */
static inline u32 push_out(struct net *net, u16 connection)
{
    u32 frames = 0;
    for (;;) {
        struct iovec vectors[8];
        const u32 count = core_output(&net->core, connection, vectors, 8);
        if (count == 0)
            return frames;
        u64 bytes = 0;
        for (u32 i = 0; i < count; i++) {
            assert_true(fake_receive(&net->fake, vectors[i].iov_base, (u32)vectors[i].iov_len));
            bytes += vectors[i].iov_len;
        }
        core_sent(&net->core, connection, bytes);
        frames += count;
    }
}

static inline void connect_all(struct net *net)
{
    for (u16 i = 0; i < net->core.connection_count; i++)
        if (core_wants_connect(&net->core, i, net->now_ns)) {
            core_connecting(&net->core, i);
            assert_true(core_connected(&net->core, i, net->now_ns));
        }
}

/* One exchange on every connection. */
static inline void turn(struct net *net, bool is_flush)
{
    connect_all(net);
    core_pump(&net->core, net->now_ns, is_flush);
    for (u16 i = 0; i < net->core.connection_count; i++) {
        if (net->core.connections[i].state < CORE_CONNECTION_GREETING)
            continue;
        (void)push_out(net, i);
        if (!net->is_mute)
            assert_null(feed(net, i, net->fake.out, net->fake.out_bytes));
        net->fake.out_bytes = 0;
    }
}

static inline void run(struct net *net, u32 turns)
{
    for (u32 i = 0; i < turns; i++)
        turn(net, true);
}

struct taken {
    struct core_call call;
    struct souk_take_reply replies[64];
};

static inline int take(struct net *net, struct taken *taken, u32 count, u32 deadline_ms,
                       u64 first_id)
{
    struct souk_take records[64] = {0};
    for (u32 i = 0; i < count; i++)
        records[i] = (struct souk_take){.resource = {.id = first_id + i}, .quantity = 1};
    const struct souk_request request = {
        .op = SOUK_OP_TAKE, .count = count, .records = records, .deadline_ms = deadline_ms};
    *taken = (struct taken){.call = {.replies = (u8 *)taken->replies}};
    return core_submit(&net->core, net->now_ns, &request, &taken->call);
}

static inline void lose(struct net *net, u16 connection)
{
    core_lost(&net->core, connection, net->now_ns);
}

#endif
