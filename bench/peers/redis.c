/* redis: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/redis.h"

#include "bench/peers/redis_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT                                                                    \
    "local s = tonumber(redis.call('GET', KEYS[1])) local q = tonumber(ARGV[1]) " \
    "if s >= q then return redis.call('DECRBY', KEYS[1], q) end return -1"
#define STOCK         "9007199254740992"
#define KEY           "stock:B00000000"
#define COMMAND_BYTES 256u

struct redis_state {
    char command[COMMAND_BYTES];
    u32 command_bytes;
};

static int open_redis(struct load *load)
{
    struct redis_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    load->state = state;
    char text[1024], reply[1024];
    int error = redis_connect(load);
    if (error != 0)
        return error;
    const int fd = load->connections[0].link.fd;
    error = redis_call(fd, "SET " KEY " " STOCK "\r\n", reply, sizeof reply);
    if (error != 0)
        return error;
    const bool is_script = strcmp(load->options.peer, "evalsha") == 0;
    if (!is_script) {
        state->command_bytes =
            (u32)snprintf(state->command, COMMAND_BYTES,
                          "*3\r\n$6\r\nDECRBY\r\n$%zu\r\n" KEY "\r\n$1\r\n1\r\n", strlen(KEY));
        return 0;
    }
    (void)snprintf(text, sizeof text, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
                   strlen(SCRIPT), SCRIPT);
    error = redis_call(fd, text, reply, sizeof reply);
    const char *sha = strchr(reply, '\n');
    if (error != 0 || sha == NULL || strlen(sha) < 41)
        return error != 0 ? error : -EPROTO;
    state->command_bytes = (u32)snprintf(
        state->command, COMMAND_BYTES,
        "*5\r\n$7\r\nEVALSHA\r\n$40\r\n%.40s\r\n$1\r\n1\r\n$%zu\r\n" KEY "\r\n$1\r\n1\r\n", sha + 1,
        strlen(KEY));
    return 0;
}

static void close_redis(struct load *load)
{
    free(load->state);
}

static u32 frame_bytes(const struct load *load)
{
    const struct redis_state *state = load->state;
    return load->options.records * state->command_bytes;
}

static void frame_init(struct load *load, struct load_connection *connection, u8 *frame)
{
    (void)connection;
    const struct redis_state *state = load->state;
    for (u32 i = 0; i < load->options.records; i++)
        memcpy(frame + (size_t)i * state->command_bytes, state->command, state->command_bytes);
}

static void frame_next(struct load *load, struct load_connection *connection, u8 *frame, u16 slot)
{
    (void)frame;
    redis_sent(load, connection, slot);
}

static enum redis_verdict judge(const struct load *load, const struct redis_reply *reply)
{
    (void)load;
    if (reply->kind != ':')
        return REDIS_WRONG;
    return reply->number < 0 ? REDIS_SOLD_OUT : REDIS_GRANTED;
}

static bool on_bytes(struct load *load, struct load_connection *connection, const u8 *data,
                     u32 bytes)
{
    return redis_read(load, connection, data, bytes, judge);
}

const struct load_protocol redis_protocol = {.name = "redis",
                                             .open = open_redis,
                                             .close = close_redis,
                                             .frame_bytes = frame_bytes,
                                             .frame_init = frame_init,
                                             .frame_next = frame_next,
                                             .on_bytes = on_bytes};
