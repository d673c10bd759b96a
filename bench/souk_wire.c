/* souk_wire: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/souk_wire.h"

#include "bench/common/bench_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int souk_wire_open(struct souk_wire *wire)
{
    *wire = (struct souk_wire){.frame = calloc(1, FRAME_BYTES_MAX),
                               .reply = calloc(1, FRAME_BYTES_MAX)};
    return wire->frame == NULL || wire->reply == NULL ? -ENOMEM : 0;
}

void souk_wire_close(struct souk_wire *wire)
{
    free(wire->frame);
    free(wire->reply);
    *wire = (struct souk_wire){0};
}

int souk_wire_call(struct souk_wire *wire, int fd, struct frame_header header, u32 body_bytes)
{
    memcpy(wire->frame, &header, sizeof header);
    frame_seal(wire->frame, FRAME_HEADER_BYTES + body_bytes);
    int error = bench_send_all(fd, wire->frame, FRAME_HEADER_BYTES + body_bytes);
    if (error == 0)
        error = bench_recv_all(fd, wire->reply, 8);
    struct frame_refusal refusal;
    u32 length;
    if (error != 0 || !frame_prefix_valid(wire->reply, &length, &refusal))
        return error != 0 ? error : -EPROTO;
    error = bench_recv_all(fd, wire->reply + 8, length - 8);
    if (error != 0)
        return error;
    if (!frame_valid(wire->reply, length, FRAME_DIRECTION_REPLY, &refusal)) {
        (void)fprintf(stderr, "souk-bench: a reply is not well formed: %s\n", refusal.reason);
        return -EPROTO;
    }
    header = frame_header_read(wire->reply);
    if (header.status == STATUS_OK)
        return 0;
    (void)fprintf(stderr, "souk-bench: %s is answered %s\n", message_find(header.opcode)->name,
                  status_name(header.status));
    return -EPROTO;
}

int souk_wire_hello(struct souk_wire *wire, const char *address, u16 want_shard, int *fd)
{
    *fd = bench_connect(address);
    if (*fd < 0)
        return *fd;
    const struct msg_hello_req request = {
        .version_min = FRAME_VERSION, .version_max = FRAME_VERSION, .want_shard = want_shard};
    const struct span agent = {.data = (const u8 *)"souk-bench", .bytes = 10};
    const u32 bytes = frame_record_write(message_find(OPCODE_HELLO), FRAME_DIRECTION_REQUEST,
                                         wire->frame + FRAME_HEADER_BYTES, 1024, &request, &agent);
    const struct frame_header header = {.opcode = OPCODE_HELLO, .record_count = 1, .request_id = 1};
    const int error = souk_wire_call(wire, *fd, header, bytes);
    if (error != 0)
        return error;
    struct msg_hello_rsp reply;
    memcpy(&reply, wire->reply + FRAME_HEADER_BYTES, sizeof reply);
    wire->shard_count = reply.shard_count;
    wire->window_frames = reply.window_frames;
    return reply.shard_count == 0 ? -EPROTO : 0;
}

int souk_wire_session(struct souk_wire *wire, int fd, u16 shard, struct id128 *session)
{
    MUST(getrandom(session, sizeof *session, 0) == (ssize_t)sizeof *session);
    memset(wire->frame + FRAME_HEADER_BYTES, 0, sizeof(struct msg_session_open_req));
    const struct frame_header header = {.opcode = OPCODE_SESSION_OPEN,
                                        .shard = shard,
                                        .record_count = 1,
                                        .request_id = 1,
                                        .session = *session};
    return souk_wire_call(wire, fd, header, sizeof(struct msg_session_open_req));
}
