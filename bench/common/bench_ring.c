/* bench_ring: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_ring.h"

#include "proto/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_GROUP 7

static void *map_memory(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static int open_buffers(struct bench_ring *ring)
{
    const size_t ring_bytes = ring->buffer_count * sizeof(struct io_uring_buf);
    ring->buffer_ring = map_memory(ring_bytes);
    ring->buffers = map_memory((size_t)ring->buffer_count * ring->buffer_bytes);
    if (ring->buffer_ring == NULL || ring->buffers == NULL)
        return -ENOMEM;
    memset(ring->buffers, 0, (size_t)ring->buffer_count * ring->buffer_bytes);
    struct io_uring_buf_reg reg = {.ring_addr = (u64)(uintptr_t)ring->buffer_ring,
                                   .ring_entries = ring->buffer_count,
                                   .bgid = BUFFER_GROUP};
    const int result = io_uring_register_buf_ring(&ring->uring, &reg, 0);
    if (result != 0)
        return result;
    io_uring_buf_ring_init(ring->buffer_ring);
    for (u32 i = 0; i < ring->buffer_count; i++)
        bench_ring_return(ring, (u16)i);
    return 0;
}

int bench_ring_open(struct bench_ring *ring, u32 entries, u32 buffer_count, u32 buffer_bytes)
{
    MUST(IS_POWER_OF_TWO(buffer_count) && buffer_count <= 32768);
    memset(ring, 0, sizeof *ring);
    ring->buffer_count = buffer_count;
    ring->buffer_bytes = buffer_bytes;
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                                              IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                     .cq_entries = entries * 8};
    const int result = io_uring_queue_init_params(entries, &ring->uring, &params);
    if (result != 0)
        return result;
    (void)io_uring_register_ring_fd(&ring->uring);
    return open_buffers(ring);
}

void bench_ring_close(struct bench_ring *ring)
{
    io_uring_queue_exit(&ring->uring);
    (void)munmap(ring->buffer_ring, ring->buffer_count * sizeof(struct io_uring_buf));
    (void)munmap(ring->buffers, (size_t)ring->buffer_count * ring->buffer_bytes);
}

struct io_uring_sqe *bench_ring_sqe(struct bench_ring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
    while (sqe == NULL) {
        (void)io_uring_submit(&ring->uring);
        sqe = io_uring_get_sqe(&ring->uring);
    }
    return sqe;
}

static void tag(struct io_uring_sqe *sqe, const struct bench_link *link, enum bench_ring_kind kind)
{
    io_uring_sqe_set_data64(sqe, (u64)(uintptr_t)link | (u64)kind);
}

void bench_ring_accept(struct bench_ring *ring, int listener)
{
    struct io_uring_sqe *sqe = bench_ring_sqe(ring);
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    tag(sqe, NULL, BENCH_RING_ACCEPT);
}

void bench_ring_recv(struct bench_ring *ring, struct bench_link *link)
{
    struct io_uring_sqe *sqe = bench_ring_sqe(ring);
    io_uring_prep_recv_multishot(sqe, link->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    link->is_starved = false;
    tag(sqe, link, BENCH_RING_RECV);
}

void bench_ring_return(struct bench_ring *ring, u16 buffer)
{
    io_uring_buf_ring_add(ring->buffer_ring, ring->buffers + (size_t)buffer * ring->buffer_bytes,
                          ring->buffer_bytes, buffer, io_uring_buf_ring_mask(ring->buffer_count),
                          (int)ring->returned);
    ring->returned++;
}

static struct bench_ring_event read_event(struct bench_ring *ring, const struct io_uring_cqe *cqe)
{
    const u64 user = cqe->user_data;
    struct bench_ring_event event = {
        .kind = (enum bench_ring_kind)(user & BENCH_RING_KIND_MASK),
        .link = (struct bench_link *)(uintptr_t)(user & ~(u64)BENCH_RING_KIND_MASK),
        .result = cqe->res,
        .is_last = (cqe->flags & IORING_CQE_F_MORE) == 0};
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        event.has_buffer = true;
        event.buffer = (u16)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        event.data = ring->buffers + (size_t)event.buffer * ring->buffer_bytes;
    }
    return event;
}

i32 bench_ring_turn(struct bench_ring *ring, u64 timeout_ns, struct bench_ring_event *events,
                    u32 max)
{
    if (ring->returned != 0) {
        io_uring_buf_ring_advance(ring->buffer_ring, (int)ring->returned);
        ring->returned = 0;
    }
    struct io_uring_cqe *cqe = NULL;
    int result;
    if (timeout_ns == 0) {
        result = io_uring_submit_and_get_events(&ring->uring);
    } else {
        struct __kernel_timespec time = {.tv_sec = (i64)(timeout_ns / NS_PER_S),
                                         .tv_nsec = (i64)(timeout_ns % NS_PER_S)};
        result = io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1,
                                                  timeout_ns == UINT64_MAX ? NULL : &time, NULL);
    }
    if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN && result != -EBUSY)
        return result;
    u32 count = 0;
    unsigned head;
    io_uring_for_each_cqe(&ring->uring, head, cqe)
    {
        if (count == max)
            break;
        events[count++] = read_event(ring, cqe);
    }
    io_uring_cq_advance(&ring->uring, count);
    return (i32)count;
}

int bench_link_open(struct bench_link *link, int fd, u32 out_capacity, u32 rest_capacity)
{
    memset(link, 0, sizeof *link);
    link->fd = fd;
    link->out_capacity = out_capacity;
    link->rest_capacity = rest_capacity;
    link->out[0] = map_memory(out_capacity);
    link->out[1] = map_memory(out_capacity);
    link->rest = map_memory(rest_capacity);
    return link->out[0] != NULL && link->out[1] != NULL && link->rest != NULL ? 0 : -ENOMEM;
}

void bench_link_close(struct bench_link *link)
{
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
    link->is_closed = true;
    for (u32 i = 0; i < 2; i++)
        if (link->out[i] != NULL)
            (void)munmap(link->out[i], link->out_capacity);
    if (link->rest != NULL)
        (void)munmap(link->rest, link->rest_capacity);
    link->out[0] = link->out[1] = link->rest = NULL;
}

static void send_lent(struct bench_ring *ring, struct bench_link *link)
{
    const u32 lent = link->filling ^ 1u;
    struct io_uring_sqe *sqe = bench_ring_sqe(ring);
    io_uring_prep_send(sqe, link->fd, link->out[lent] + link->sent_bytes,
                       link->out_bytes[lent] - link->sent_bytes, MSG_WAITALL | MSG_NOSIGNAL);
    tag(sqe, link, BENCH_RING_SEND);
}

void bench_link_flush(struct bench_ring *ring, struct bench_link *link)
{
    if (link->is_sending || link->is_closed || link->out_bytes[link->filling] == 0)
        return;
    link->filling ^= 1;
    link->out_bytes[link->filling] = 0;
    link->sent_bytes = 0;
    link->is_sending = true;
    send_lent(ring, link);
}

void bench_link_sent(struct bench_ring *ring, struct bench_link *link, i32 result)
{
    MUST(link->is_sending);
    if (result <= 0) {
        link->is_sending = false;
        link->is_closed = true;
        return;
    }
    link->sent_bytes += (u32)result;
    if (link->sent_bytes < link->out_bytes[link->filling ^ 1]) {
        send_lent(ring, link);
        return;
    }
    link->is_sending = false;
}

/* Completes the frame whose beginning is in rest. Returns the bytes taken from data, or UINT32_MAX
 * when the stream is not Souk's. *length is set when the frame is whole, else 0. */
static u32 complete_rest(struct bench_link *link, const u8 *data, u32 bytes, u32 *length)
{
    u32 taken = 0;
    *length = 0;
    if (link->rest_bytes < 8) {
        taken = MIN(8 - link->rest_bytes, bytes);
        memcpy(link->rest + link->rest_bytes, data, taken);
        link->rest_bytes += taken;
        if (link->rest_bytes < 8)
            return taken;
    }
    struct frame_refusal refusal;
    u32 whole;
    if (!frame_prefix_valid(link->rest, &whole, &refusal) || whole > link->rest_capacity)
        return UINT32_MAX;
    const u32 more = MIN(whole - link->rest_bytes, bytes - taken);
    memcpy(link->rest + link->rest_bytes, data + taken, more);
    link->rest_bytes += more;
    if (link->rest_bytes == whole)
        *length = whole;
    return taken + more;
}

bool bench_link_split(struct bench_link *link, const u8 *data, u32 bytes, bench_on_frame *on_frame,
                      void *context)
{
    u32 at = 0, length;
    if (link->rest_bytes != 0) {
        at = complete_rest(link, data, bytes, &length);
        if (at == UINT32_MAX)
            return false;
        if (length == 0)
            return true;
        on_frame(context, link, link->rest, length);
        link->rest_bytes = 0;
    }
    struct frame_refusal refusal;
    while (bytes - at >= 8) {
        if (!frame_prefix_valid(data + at, &length, &refusal))
            return false;
        if (length > bytes - at)
            break;
        on_frame(context, link, data + at, length);
        at += length;
    }
    if (bytes - at > link->rest_capacity)
        return false;
    memcpy(link->rest, data + at, bytes - at);
    link->rest_bytes = bytes - at;
    return true;
}
