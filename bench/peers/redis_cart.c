/* redis_cart: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/redis_cart.h"

#include "bench/common/bench_socket.h"
#include "bench/peers/redis_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES         5u
#define DIGITS        8u
#define CARTS_MAX     99999999u
#define COMMAND_BYTES 256u
#define SETUP_BATCH   128u
#define ADD_MIN       2 /* the setup has put one of each line into the cart */
#define GET_ELEMENTS  (2 * LINES)

/* DIGITS zeros stand where digits are written. */
#define USER       "$13\r\ncart:00000000\r\n"
#define SKU        "$9\r\nB00000000\r\n"
#define ADD        "*4\r\n$7\r\nHINCRBY\r\n" USER SKU "$1\r\n1\r\n"
#define GET        "*2\r\n$7\r\nHGETALL\r\n" USER
#define FILL_LINE  SKU "$1\r\n1\r\n"
#define FILL       "*12\r\n$4\r\nHSET\r\n" USER FILL_LINE FILL_LINE FILL_LINE FILL_LINE FILL_LINE
#define FILL_REPLY ":5\r\n"

struct redis_cart {
    char command[COMMAND_BYTES];
    u32 command_bytes;
    u32 user_at;
    u32 sku_at; /* 0: the command names no SKU */
};

static void write_digits(u8 *to, u32 number)
{
    for (u32 i = DIGITS; i-- > 0; number /= 10)
        to[i] = (u8)('0' + number % 10);
}

/* The SKU of a line of a user's cart: five different ones, scattered over the users. */
static u32 sku_of(u32 user, u32 line)
{
    return (u32)(((u64)user * 7919 + (u64)line * 104729) % (CARTS_MAX + 1ull));
}

static u32 find(const char *command, const char *prefix)
{
    const char *at = strstr(command, prefix);
    return at == NULL ? 0 : (u32)(at - command) + (u32)strlen(prefix);
}

/* Fills the carts [first, first + count). */
static int fill_some(int fd, u32 first, u32 count)
{
    const u32 bytes = (u32)strlen(FILL), line_bytes = (u32)strlen(FILL_LINE);
    u8 commands[SETUP_BATCH * (sizeof FILL - 1)];
    char replies[SETUP_BATCH * (sizeof FILL_REPLY - 1)];
    for (u32 i = 0; i < count; i++) {
        u8 *command = commands + (size_t)i * bytes;
        memcpy(command, FILL, bytes);
        write_digits(command + find(FILL, "cart:"), first + i);
        for (u32 line = 0; line < LINES; line++)
            write_digits(command + find(FILL, "\r\nB") + (size_t)line * line_bytes,
                         sku_of(first + i, line));
    }
    int error = bench_send_all(fd, commands, (size_t)count * bytes);
    if (error == 0)
        error = bench_recv_all(fd, replies, count * strlen(FILL_REPLY));
    for (u32 i = 0; i < count && error == 0; i++)
        if (memcmp(replies + i * strlen(FILL_REPLY), FILL_REPLY, strlen(FILL_REPLY)) != 0)
            error = -EPROTO;
    return error;
}

static int open_cart(struct load *load)
{
    struct redis_cart *state = calloc(1, sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    load->state = state;
    const char *command = strcmp(load->options.peer, "cart_add") == 0 ? ADD : GET;
    state->command_bytes = (u32)snprintf(state->command, COMMAND_BYTES, "%s", command);
    state->user_at = find(command, "cart:");
    state->sku_at = find(command, "\r\nB");
    const u32 carts = load->options.sku_count;
    int error = carts > CARTS_MAX ? -EINVAL : redis_connect(load);
    for (u32 first = 0; first < carts && error == 0; first += SETUP_BATCH)
        error = fill_some(load->connections[0].link.fd, first, MIN(SETUP_BATCH, carts - first));
    return error;
}

static void close_cart(struct load *load)
{
    free(load->state);
}

static u32 frame_bytes(const struct load *load)
{
    const struct redis_cart *state = load->state;
    return load->options.records * state->command_bytes;
}

static void frame_init(struct load *load, struct load_connection *connection, u8 *frame)
{
    (void)connection;
    const struct redis_cart *state = load->state;
    for (u32 i = 0; i < load->options.records; i++)
        memcpy(frame + (size_t)i * state->command_bytes, state->command, state->command_bytes);
}

static void frame_next(struct load *load, struct load_connection *connection, u8 *frame, u16 slot)
{
    const struct redis_cart *state = load->state;
    for (u32 i = 0; i < load->options.records; i++, frame += state->command_bytes) {
        const u64 random = load_random(&load->random);
        const u32 user = (u32)((random >> 32) % load->options.sku_count);
        write_digits(frame + state->user_at, user);
        if (state->sku_at != 0)
            write_digits(frame + state->sku_at, sku_of(user, (u32)random % LINES));
    }
    redis_sent(load, connection, slot);
}

static enum redis_verdict judge(const struct load *load, const struct redis_reply *reply)
{
    const struct redis_cart *state = load->state;
    const bool is_right = state->sku_at != 0 ? reply->kind == ':' && reply->number >= ADD_MIN
                                             : reply->kind == '*' && reply->number == GET_ELEMENTS;
    return is_right ? REDIS_GRANTED : REDIS_WRONG;
}

static bool on_bytes(struct load *load, struct load_connection *connection, const u8 *data,
                     u32 bytes)
{
    return redis_read(load, connection, data, bytes, judge);
}

const struct load_protocol redis_cart_protocol = {.name = "redis_cart",
                                                  .open = open_cart,
                                                  .close = close_cart,
                                                  .frame_bytes = frame_bytes,
                                                  .frame_init = frame_init,
                                                  .frame_next = frame_next,
                                                  .on_bytes = on_bytes};
