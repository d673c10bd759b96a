/* raw: a real server and the bare protocol, for tests that must send what no client would.
 *
 * raw_server starts $SOUKD (set by `make integration`) on a temporary directory; raw_peer is one
 * socket with a session; frames are built field by field, so every field can be wrong on purpose.
 * Everything here fails the test when it does not work.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_INTEGRATION_RAW_H
#define SOUK_TESTS_INTEGRATION_RAW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/route.h"

#define RAW_TIMEOUT_MS 20000
#define RAW_ARGUMENTS  24

struct raw_server {
    pid_t pid; /* 0: not running */
    u16 port;
    u16 shard_count;
    char root[64];      /* temporary directory; the data lies in root/data */
    char directory[96]; /* of the data */
    char unix_path[96];
    char log_path[96]; /* its stderr */
    char ready[512];   /* the ready line */
    const char *options[RAW_ARGUMENTS];
    u64 file_bytes_max; /* RLIMIT_FSIZE of the server, 0 = none */
};

/* A temporary directory and the options for all starts; not started yet. */
void raw_server_make(struct raw_server *server, const char *const *options);
/* Starts and waits for the ready line. */
void raw_server_start(struct raw_server *server);
/* Starts and expects it to end by itself: its exit code. */
int raw_server_expect_exit(struct raw_server *server);
/* Sends a signal and waits for the end: exit code, or 128 + signal. */
int raw_server_end(struct raw_server *server, int signal);
/* Does it still run? */
bool raw_server_is_alive(const struct raw_server *server);
bool raw_server_log_has(const struct raw_server *server, const char *text);
/* Removes the temporary directory. */
void raw_server_remove(struct raw_server *server);

struct raw_peer {
    int fd;
    u16 shard;
    u64 request_id; /* of the last request */
    struct id128 session;
    u64 seq; /* of the last write */
    u64 acked;
};

struct raw_reply {
    struct frame_header header;
    u8 *body; /* in the buffer below */
    u32 body_bytes;
    u8 *frame;
};

struct raw_peer raw_connect(const struct raw_server *server, bool is_unix);
void raw_close(struct raw_peer *peer);
void raw_send(struct raw_peer *peer, const void *bytes, size_t count);
/* Sends what the socket takes without waiting; returns how much. */
size_t raw_send_some(struct raw_peer *peer, const void *bytes, size_t count);

/* Builds and seals a request at `to`; returns its length. Takes the next request id. */
u32 raw_build(struct raw_peer *peer, u8 *to, u16 opcode, const void *body, u32 body_bytes,
              u32 record_count);
/* The same for a write: with session and the next number. */
u32 raw_build_write(struct raw_peer *peer, u8 *to, u16 opcode, const void *body, u32 body_bytes,
                    u32 record_count);
/* Builds and sends. */
void raw_request(struct raw_peer *peer, u16 opcode, const void *body, u32 body_bytes, u32 count);
void raw_write(struct raw_peer *peer, u16 opcode, const void *body, u32 body_bytes, u32 count);

/* The next reply, checked for form; false: the stream has ended. Release it. */
bool raw_receive(struct raw_peer *peer, struct raw_reply *reply);
void raw_release(struct raw_reply *reply);
/* Receives a reply and returns its frame status; fails the test when the stream ends. */
u16 raw_receive_status(struct raw_peer *peer);
/* True when the stream ends within the timeout and nothing comes before. */
bool raw_is_ended(struct raw_peer *peer);

/* ---- small commands, each sent and answered -------------------------------------------------- */

void raw_hello(struct raw_peer *peer, u16 want_shard);
u16 raw_ping(struct raw_peer *peer);
/* Opens the peer's session on a shard, which all its further writes go to. */
void raw_session_open(struct raw_peer *peer, u16 shard, u64 number);
struct resource raw_sku(u64 id);
u16 raw_shard_of(const struct raw_server *server, u64 sku);
/* A SKU of the given shard: the n-th, by trying codes. Returns its id and writes its code. */
u64 raw_sku_on_shard(const struct raw_server *server, u16 shard, u32 number, char code[16]);
/* Status of the only record, or of the frame when it is not OK. */
u16 raw_sku_put(struct raw_peer *peer, u64 sku, const char *code, i64 price);
u16 raw_stock_receive(struct raw_peer *peer, u64 sku, i64 quantity);
u16 raw_take(struct raw_peer *peer, u64 sku, i64 quantity, struct id128 id);
struct msg_stock_get_rsp raw_stock_get(struct raw_peer *peer, u64 sku);
struct msg_verify_rsp raw_verify(struct raw_peer *peer, u16 shard);
/* The text of info or stats; free it. */
char *raw_text(struct raw_peer *peer, u16 opcode);
/* A number in that text: the first "name":number. */
u64 raw_number(const char *text, const char *name);

struct id128 raw_id(u64 number);
void raw_sleep_ms(u32 ms);

#endif
