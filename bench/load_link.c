/* load_link: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load_link.h"

#include "proto/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BYTES  (256u << 10)
#define OUT_BYTES (8u * LINK_FRAME_BYTES)

static int fail(struct link *link, int error, const char *reason)
{
    link->reason = reason;
    return error;
}

int link_open(struct link *link)
{
    *link = (struct link){.fd = -1, .in = malloc(IN_BYTES), .out = malloc(OUT_BYTES)};
    return link->in == NULL || link->out == NULL ? fail(link, -ENOMEM, "memory") : 0;
}

void link_close(struct link *link)
{
    if (link->fd >= 0)
        (void)close(link->fd);
    free(link->in);
    free(link->out);
    *link = (struct link){.fd = -1};
}

u8 *link_body(struct link *link)
{
    return link->out + link->out_count + FRAME_HEADER_BYTES;
}

int link_flush(struct link *link)
{
    for (u32 sent = 0; sent < link->out_count;) { /* ends: the server reads, or closes */
        const ssize_t count =
            send(link->fd, link->out + sent, link->out_count - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return fail(link, -EPIPE, "a connection broke");
        sent += (u32)count;
    }
    link->out_count = 0;
    return 0;
}

int link_put(struct link *link, struct frame_header header, u32 body_bytes)
{
    u8 *frame = link->out + link->out_count;
    const u32 bytes = FRAME_HEADER_BYTES + body_bytes;
    MUST(bytes <= LINK_FRAME_BYTES);
    header.shard = link->shard;
    memcpy(frame, &header, sizeof header);
    frame_seal(frame, bytes);
    link->out_count += bytes;
    return OUT_BYTES - link->out_count < LINK_FRAME_BYTES ? link_flush(link) : 0;
}

int link_read(struct link *link)
{
    link->in_count -= link->in_taken;
    memmove(link->in, link->in + link->in_taken, link->in_count);
    link->in_taken = 0;
    const ssize_t got =
        recv(link->fd, link->in + link->in_count, IN_BYTES - link->in_count, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : fail(link, -EPIPE, "a connection broke");
    link->in_count += (u32)got;
    return 0;
}

const u8 *link_next(struct link *link, int *error)
{
    const u8 *frame = link->in + link->in_taken;
    const u32 count = link->in_count - link->in_taken;
    struct frame_refusal refusal;
    u32 bytes;
    if (count < 8)
        return NULL;
    *error = -EPROTO;
    if (!frame_prefix_valid(frame, &bytes, &refusal) || bytes > IN_BYTES) {
        link->reason = "the server does not speak Souk's protocol";
        return NULL;
    }
    if (count < bytes) {
        *error = 0;
        return NULL;
    }
    if (!frame_valid(frame, bytes, FRAME_DIRECTION_REPLY, &refusal)) {
        link->reason = refusal.reason;
        return NULL;
    }
    const u16 status = frame_header_read(frame).status;
    if (status != STATUS_OK) {
        link->reason = status_name(status);
        return NULL;
    }
    *error = 0;
    link->in_taken += bytes;
    return frame;
}
