/* raw: see raw.h. Frames and small commands; the server's process is in raw_server.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/integration/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

void raw_sleep_ms(u32 ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

struct id128 raw_id(u64 number)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const u64 ms = (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
    return (struct id128){.low = number, .high = ms << 16};
}

/* ---- sockets --------------------------------------------------------------------------------- */

struct raw_peer raw_connect(const struct raw_server *server, bool is_unix)
{
    struct raw_peer peer = {.fd =
                                socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(peer.fd >= 0);
    if (is_unix) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", server->unix_path);
        assert_int_equal(connect(peer.fd, (struct sockaddr *)&address, sizeof address), 0);
        return peer;
    }
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

void raw_close(struct raw_peer *peer)
{
    (void)close(peer->fd);
    peer->fd = -1;
}

void raw_send(struct raw_peer *peer, const void *bytes, size_t count)
{
    const u8 *at = bytes;
    while (count > 0) {
        const ssize_t sent = send(peer->fd, at, count, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += sent;
        count -= (size_t)sent;
    }
}

size_t raw_send_some(struct raw_peer *peer, const void *bytes, size_t count)
{
    const ssize_t sent = send(peer->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : (size_t)sent;
}

/* 1: that many bytes; 0: the stream ended before the first; -1: nothing in time. */
static int receive_exactly(struct raw_peer *peer, u8 *to, size_t count)
{
    size_t at = 0;
    while (at < count) {
        struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, RAW_TIMEOUT_MS) <= 0)
            return -1;
        const ssize_t got = recv(peer->fd, to + at, count - at, 0);
        if (got <= 0) {
            assert_int_equal(at, 0); /* a reply is never cut */
            return 0;
        }
        at += (size_t)got;
    }
    return 1;
}

/* ---- frames ---------------------------------------------------------------------------------- */

u32 raw_build(struct raw_peer *peer, u8 *to, u16 opcode, const void *body, u32 body_bytes,
              u32 record_count)
{
    const struct frame_header header = {.opcode = opcode,
                                        .shard = peer->shard,
                                        .record_count = (u16)record_count,
                                        .request_id = ++peer->request_id};
    memcpy(to, &header, sizeof header);
    if (body_bytes > 0)
        memcpy(to + sizeof header, body, body_bytes);
    frame_seal(to, FRAME_HEADER_BYTES + body_bytes);
    return FRAME_HEADER_BYTES + body_bytes;
}

u32 raw_build_write(struct raw_peer *peer, u8 *to, u16 opcode, const void *body, u32 body_bytes,
                    u32 record_count)
{
    const u32 length = raw_build(peer, to, opcode, body, body_bytes, record_count);
    struct frame_header header = frame_header_read(to);
    header.session = peer->session;
    header.session_seq = ++peer->seq;
    header.acked_seq = peer->acked;
    memcpy(to, &header, sizeof header);
    frame_seal(to, length);
    return length;
}

void raw_request(struct raw_peer *peer, u16 opcode, const void *body, u32 body_bytes, u32 count)
{
    u8 *frame = malloc(FRAME_BYTES_MAX);
    assert_non_null(frame);
    raw_send(peer, frame, raw_build(peer, frame, opcode, body, body_bytes, count));
    free(frame);
}

void raw_write(struct raw_peer *peer, u16 opcode, const void *body, u32 body_bytes, u32 count)
{
    u8 *frame = malloc(FRAME_BYTES_MAX);
    assert_non_null(frame);
    raw_send(peer, frame, raw_build_write(peer, frame, opcode, body, body_bytes, count));
    free(frame);
}

bool raw_receive(struct raw_peer *peer, struct raw_reply *reply)
{
    u8 prefix[8];
    u32 length;
    struct frame_refusal refusal = {0};
    const int got = receive_exactly(peer, prefix, sizeof prefix);
    if (got < 0)
        fail_msg("no reply in time");
    if (got == 0)
        return false;
    assert_true(frame_prefix_valid(prefix, &length, &refusal));
    reply->frame = aligned_alloc(64, FRAME_BYTES_MAX);
    assert_non_null(reply->frame);
    memcpy(reply->frame, prefix, sizeof prefix);
    assert_int_equal(receive_exactly(peer, reply->frame + 8, length - 8), 1);
    reply->header = frame_header_read(reply->frame);
    if (reply->header.opcode != 0) /* an answer to garbage names no operation */
        if (!frame_valid(reply->frame, length, FRAME_DIRECTION_REPLY, &refusal) &&
            refusal.status != STATUS_UNKNOWN_OPCODE)
            fail_msg("a reply is not well formed: %s", refusal.reason);
    reply->body = reply->frame + FRAME_HEADER_BYTES;
    reply->body_bytes = length - FRAME_HEADER_BYTES;
    if (reply->header.status == STATUS_OK && reply->header.session_seq > peer->acked &&
        id128_equal(reply->header.session, peer->session) &&
        peer->acked + 1 == reply->header.session_seq)
        peer->acked = reply->header.session_seq;
    return true;
}

void raw_release(struct raw_reply *reply)
{
    free(reply->frame);
    *reply = (struct raw_reply){0};
}

u16 raw_receive_status(struct raw_peer *peer)
{
    struct raw_reply reply;
    assert_true(raw_receive(peer, &reply));
    const u16 status = reply.header.status;
    raw_release(&reply);
    return status;
}

bool raw_is_ended(struct raw_peer *peer)
{
    u8 byte;
    return receive_exactly(peer, &byte, 1) == 0;
}

/* Receives the answer to the last request: a copy of its first record, and its status. */
static u16 receive_record(struct raw_peer *peer, void *record, u32 bytes)
{
    struct raw_reply reply;
    assert_true(raw_receive(peer, &reply));
    assert_int_equal(reply.header.request_id, peer->request_id);
    u16 status = reply.header.status;
    if (status == STATUS_OK) {
        assert_true(reply.body_bytes >= bytes);
        memcpy(record, reply.body, bytes);
        struct record_status head;
        memcpy(&head, reply.body, sizeof head);
        status = head.status;
    }
    raw_release(&reply);
    return status;
}

/* ---- small commands -------------------------------------------------------------------------- */

void raw_hello(struct raw_peer *peer, u16 want_shard)
{
    const struct msg_hello_req hello = {
        .version_min = 1, .version_max = 1, .want_shard = want_shard};
    u8 body[256];
    const struct span agent = {(const u8 *)"raw", 3};
    const u32 bytes = frame_record_write(message_find(OPCODE_HELLO), FRAME_DIRECTION_REQUEST, body,
                                         sizeof body, &hello, &agent);
    raw_request(peer, OPCODE_HELLO, body, bytes, 1);
    struct msg_hello_rsp answer;
    assert_int_equal(receive_record(peer, &answer, sizeof answer), STATUS_OK);
    assert_int_equal(answer.version, 1);
}

u16 raw_ping(struct raw_peer *peer)
{
    const struct msg_ping_req ping = {.echo = 42 + peer->request_id};
    struct msg_ping_rsp answer = {.echo = 0};
    raw_request(peer, OPCODE_PING, &ping, sizeof ping, 1);
    const u16 status = receive_record(peer, &answer, sizeof answer);
    assert_int_equal(answer.echo, ping.echo);
    return status;
}

void raw_session_open(struct raw_peer *peer, u16 shard, u64 number)
{
    const struct msg_session_open_req open = {0};
    struct msg_session_open_rsp answer;
    peer->shard = shard;
    peer->session = (struct id128){.low = number, .high = ~number};
    peer->seq = 0;
    peer->acked = 0;
    raw_write(peer, OPCODE_SESSION_OPEN, &open, sizeof open, 1);
    assert_int_equal(receive_record(peer, &answer, sizeof answer), STATUS_OK);
    assert_int_equal(answer.window_frames, SESSION_WINDOW_FRAMES);
}

struct resource raw_sku(u64 id)
{
    return (struct resource){.id = id, .kind = RESOURCE_KIND_SKU};
}

u16 raw_shard_of(const struct raw_server *server, u64 sku)
{
    return route_shard(route_hash_resource(raw_sku(sku)), server->shard_count);
}

/* Not inlined: gcc would follow the hash of long inputs into the caller's small array. */
__attribute__((noinline)) static u64 hash_code(const char *code)
{
    return id_from_code(code, strlen(code));
}

u64 raw_sku_on_shard(const struct raw_server *server, u16 shard, u32 number, char code[16])
{
    for (u32 i = 0, found = 0; i < 1000000; i++) {
        (void)snprintf(code, 16, "SKU%u", i);
        const u64 id = hash_code(code);
        if (raw_shard_of(server, id) == shard && found++ == number)
            return id;
    }
    fail_msg("no such SKU");
    return 0;
}

u16 raw_sku_put(struct raw_peer *peer, u64 sku, const char *code, i64 price)
{
    const struct msg_sku_put_req put = {
        .resource = raw_sku(sku), .if_version = VERSION_ANY, .price = price, .currency = 826};
    u8 body[256];
    const struct span span = {(const u8 *)code, (u32)strlen(code)};
    const u32 bytes = frame_record_write(message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST,
                                         body, sizeof body, &put, &span);
    struct msg_sku_put_rsp answer;
    raw_write(peer, OPCODE_SKU_PUT, body, bytes, 1);
    return receive_record(peer, &answer, sizeof answer);
}

u16 raw_stock_receive(struct raw_peer *peer, u64 sku, i64 quantity)
{
    const struct msg_stock_receive_req receive = {.resource = raw_sku(sku), .quantity = quantity};
    struct msg_stock_receive_rsp answer;
    raw_write(peer, OPCODE_STOCK_RECEIVE, &receive, sizeof receive, 1);
    return receive_record(peer, &answer, sizeof answer);
}

u16 raw_take(struct raw_peer *peer, u64 sku, i64 quantity, struct id128 id)
{
    const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = quantity, .id = id};
    struct msg_take_rsp answer;
    raw_write(peer, OPCODE_TAKE, &take, sizeof take, 1);
    return receive_record(peer, &answer, sizeof answer);
}

struct msg_stock_get_rsp raw_stock_get(struct raw_peer *peer, u64 sku)
{
    const struct msg_stock_get_req get = {.resource = raw_sku(sku)};
    struct msg_stock_get_rsp answer = {.on_hand = -1};
    raw_request(peer, OPCODE_STOCK_GET, &get, sizeof get, 1);
    (void)receive_record(peer, &answer, sizeof answer);
    return answer;
}

struct msg_verify_rsp raw_verify(struct raw_peer *peer, u16 shard)
{
    const struct msg_verify_req verify = {0};
    struct msg_verify_rsp answer = {.violations = UINT64_MAX};
    peer->shard = shard;
    raw_request(peer, OPCODE_VERIFY, &verify, sizeof verify, 1);
    assert_int_equal(receive_record(peer, &answer, sizeof answer), STATUS_OK);
    return answer;
}

char *raw_text(struct raw_peer *peer, u16 opcode)
{
    const u64 zero = 0;
    struct raw_reply reply;
    raw_request(peer, opcode, &zero, sizeof zero, 1);
    assert_true(raw_receive(peer, &reply));
    assert_int_equal(reply.header.status, STATUS_OK);
    u32 offset = 0;
    struct record_view view;
    frame_record_next(message_find(opcode), FRAME_DIRECTION_REPLY, reply.body, &offset, &view);
    char *text = strndup((const char *)view.spans[0].data, view.spans[0].bytes);
    raw_release(&reply);
    return text;
}

u64 raw_number(const char *text, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(text, key);
    if (at == NULL)
        fail_msg("no %s in %s", name, text);
    return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}
