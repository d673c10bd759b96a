/* redis_wire: what every load for a Redis shares: connections, the order of replies, RESP.
 *
 * Commands are built ahead by whoever sends them (redis, redis_cart); `records` commands are a frame, and
 * a frame is answered, and counted, when its last command is. Redis answers a connection's commands in order, so
 * the slots wait in a queue.
 *
 *      open -> redis_connect -> (redis_call ...) -> frame_next: redis_sent -> on_bytes: redis_read
 *
 * Replies are read where they arrived, cut anywhere: lines (: + -), bulks ($), and arrays (*) of those;
 * an array within an array is nonsense here. Of a reply only its kind and its number are kept:
 *
 *      kind     :  the integer      *  how many elements      $  its length      + -  nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_REDIS_WIRE_H
#define SOUK_BENCH_PEERS_REDIS_WIRE_H

#include "bench/load.h"

struct redis_reply {
    u8 kind;
    i64 number;
};

/* What a reply counts as: OK, SOLD_OUT, BAD_ARGUMENT. */
enum redis_verdict { REDIS_GRANTED, REDIS_SOLD_OUT, REDIS_WRONG, REDIS_VERDICTS };
typedef enum redis_verdict redis_judge(const struct load *load, const struct redis_reply *reply);

/* Connects every connection of the load. 0 or -errno. */
NODISCARD int redis_connect(struct load *load);
/* Sends one command, blocking, and reads the line that answers it (of a bulk also the second line).
 * An error reply is printed and is -EPROTO. */
NODISCARD int redis_call(int fd, const char *command, char *reply, size_t bytes);
/* A frame leaves: its slot waits for `records` replies. */
void redis_sent(struct load *load, struct load_connection *connection, u16 slot);
/* Reads what has arrived; false when it is not RESP or nobody asked for it. */
NODISCARD bool redis_read(struct load *load, struct load_connection *connection, const u8 *data,
                          u32 bytes, redis_judge *judge);

#endif
