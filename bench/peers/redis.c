/* redis: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/redis.h"

#include "bench/common/bench_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

/* Where the parser of one connection is: replies come in order, `records` of them are a frame. */
struct replies {
    u16 *fifo; /* slots in the order of sending */
    u32 head;
    u32 tail;
    u32 in_frame;
    bool is_in_line;
    u8 kind;   /* of the line being read: ':', '-', '+' */
    u8 second; /* its second byte, 0 = not seen yet */
};

/* Sends a command and reads one reply line (of a bulk reply also the second line) into `reply`. */
static int call(int fd, const char *command, char *reply, size_t bytes)
{
    int error = bench_send_all(fd, command, strlen(command));
    size_t got = 0;
    u32 lines_wanted = 1, lines = 0;
    while (error == 0 && lines < lines_wanted && got + 1 < bytes) {
        error = bench_recv_all(fd, reply + got, 1);
        if (error != 0)
            break;
        if (got == 0 && reply[0] == '$')
            lines_wanted = 2;
        lines += reply[got++] == '\n';
    }
    reply[got] = 0;
    if (error == 0 && reply[0] == '-') {
        (void)fprintf(stderr, "souk-bench: redis: %s", reply);
        return -EPROTO;
    }
    return error;
}

static int open_redis(struct load *load)
{
    struct redis_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    load->state = state;
    for (u32 i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        connection->link.fd = bench_connect(load->options.address);
        if (connection->link.fd < 0)
            return connection->link.fd;
        struct replies *replies = calloc(1, sizeof *replies + load->options.inflight * sizeof(u16));
        if (replies == NULL)
            return -ENOMEM;
        replies->fifo = (u16 *)(void *)(replies + 1);
        connection->state = replies;
    }
    char text[1024], reply[1024];
    const int fd = load->connections[0].link.fd;
    int error = call(fd, "SET " KEY " " STOCK "\r\n", reply, sizeof reply);
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
    error = call(fd, text, reply, sizeof reply);
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
    struct replies *replies = connection->state;
    replies->fifo[replies->tail++ % load->options.inflight] = slot;
}

static bool count_reply(struct load *load, struct load_connection *connection)
{
    struct replies *replies = connection->state;
    struct load_result *result = load->result;
    if (replies->head == replies->tail)
        return false;
    if (replies->kind == '-')
        result->statuses[STATUS_BAD_ARGUMENT]++;
    else if (replies->second == '-')
        result->statuses[STATUS_SOLD_OUT]++;
    else
        result->granted++, result->statuses[STATUS_OK]++;
    if (++replies->in_frame < load->options.records)
        return true;
    replies->in_frame = 0;
    load_answered(load, connection, replies->fifo[replies->head++ % load->options.inflight],
                  load->options.records);
    return true;
}

static bool on_bytes(struct load *load, struct load_connection *connection, const u8 *data,
                     u32 bytes)
{
    struct replies *replies = connection->state;
    for (u32 i = 0; i < bytes; i++) {
        const u8 byte = data[i];
        if (!replies->is_in_line) {
            if (byte != ':' && byte != '-')
                return false;
            replies->is_in_line = true;
            replies->kind = byte;
            replies->second = 0;
        } else if (byte == '\n') {
            replies->is_in_line = false;
            if (!count_reply(load, connection))
                return false;
        } else if (replies->second == 0) {
            replies->second = byte;
        }
    }
    return true;
}

const struct load_protocol redis_protocol = {.name = "redis",
                                             .open = open_redis,
                                             .close = close_redis,
                                             .frame_bytes = frame_bytes,
                                             .frame_init = frame_init,
                                             .frame_next = frame_next,
                                             .on_bytes = on_bytes};
