/* ring_sim: see ring_sim.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sim/ring_sim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIM_RINGS_MAX   64u
#define SIM_SOCKETS_MAX 4096u
#define SIM_OPS_MAX     16384u
#define SIM_SECTOR      512u

struct sim_bytes {
    u8 *data;
    u32 bytes;
    u32 capacity;
};

struct sim_socket {
    struct sim_bytes in;  /* injected, not received yet */
    struct sim_bytes out; /* sent, not taken yet */
    struct ring_op *recv_op;
    bool is_hung_up;
    bool is_shut_down;
    bool is_closed;
};

/* A prepared operation that has not been executed. */
struct sim_request {
    struct ring_op *op;
    enum sim_operation operation;
    bool is_send;
    int fd;
    const u8 *data;
    u32 bytes;
    u64 offset;
    const char *path;
    const char *path2;
    int flags;
};

struct sim_fault {
    u64 nth; /* as sim_count counts; 0: none */
    i32 result;
    bool is_lasting;
};

struct ring {
    struct ring_statistics statistics;
    struct sim_request requests[SIM_OPS_MAX];
    u32 request_count;
    struct ring_completion completions[SIM_OPS_MAX];
    u32 completion_head, completion_count;
    struct sim_socket sockets[SIM_SOCKETS_MAX];
    u32 socket_count;
    struct {
        struct ring_op *op;
        int fd;
    } accepts[16], polls[16];
    struct sim_fault faults[SIM_OPERATION_COUNT];
    u64 counts[SIM_OPERATION_COUNT];
    u8 *buffers;
    u8 *is_lent;
    u32 buffer_count, buffer_bytes, lent_count;
    u32 in_flight;
    int address;
    bool are_writes_held, are_sends_held;
};

static struct ring *rings[SIM_RINGS_MAX];

struct ring *sim_ring(u32 index)
{
    u32 seen = 0;
    for (u32 i = 0; i < SIM_RINGS_MAX; i++)
        if (rings[i] != NULL && seen++ == index)
            return rings[i];
    return NULL;
}

/* ---- open and close -------------------------------------------------------------------------- */

int ring_open(struct ring **out, const struct ring_options *options)
{
    struct ring *ring = calloc(1, sizeof *ring);
    u32 place = 0;
    MUST(ring != NULL);
    while (place < SIM_RINGS_MAX && rings[place] != NULL)
        place++;
    MUST(place < SIM_RINGS_MAX);
    rings[place] = ring;
    ring->address = (int)place;
    ring->buffer_count =
        options->buffer_count != 0 ? options->buffer_count : RING_BUFFER_COUNT_DEFAULT;
    ring->buffer_bytes =
        options->buffer_bytes != 0 ? options->buffer_bytes : RING_BUFFER_BYTES_DEFAULT;
    ring->buffers = malloc((size_t)ring->buffer_count * ring->buffer_bytes);
    ring->is_lent = calloc(ring->buffer_count, 1);
    MUST(ring->buffers != NULL && ring->is_lent != NULL);
    *out = ring;
    return 0;
}

const char *ring_open_advice(int error)
{
    (void)error;
    return "the simulated ring always opens";
}

void ring_close(struct ring *ring)
{
    MUST(ring->in_flight == 0);
    for (u32 i = 0; i < ring->socket_count; i++) {
        free(ring->sockets[i].in.data);
        free(ring->sockets[i].out.data);
    }
    rings[ring->address] = NULL;
    free(ring->buffers);
    free(ring->is_lent);
    free(ring);
}

/* ---- completions ----------------------------------------------------------------------------- */

static void complete(struct ring *ring, struct ring_completion completion)
{
    MUST(ring->completion_count < SIM_OPS_MAX && completion.op->state != RING_STATE_FREE);
    completion.generation = completion.op->generation & 0xffffu;
    ring->completions[(ring->completion_head + ring->completion_count++) % SIM_OPS_MAX] =
        completion;
    ring->statistics.completions++;
}

static void complete_last(struct ring *ring, struct ring_op *op, i32 result)
{
    complete(ring, (struct ring_completion){.op = op, .result = result, .is_last = true});
}

u32 ring_collect(struct ring *ring, struct ring_completion *out, u32 max)
{
    u32 count = 0;
    for (; count < max && ring->completion_count > 0; count++) {
        out[count] = ring->completions[ring->completion_head];
        ring->completion_head = (ring->completion_head + 1) % SIM_OPS_MAX;
        ring->completion_count--;
    }
    return count;
}

void ring_run(struct ring *ring, const struct ring_completion *completions, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct ring_op *op = completions[i].op;
        MUST(op->state != RING_STATE_FREE);
        MUST((op->generation & 0xffffu) == completions[i].generation);
        if (completions[i].is_last) {
            op->state = RING_STATE_FREE;
            ring->in_flight--;
        }
        op->done(op, &completions[i]);
    }
}

static void prepare(struct ring *ring, struct ring_op *op, enum ring_kind kind)
{
    MUST(op->state == RING_STATE_FREE && op->done != NULL);
    op->generation++;
    op->kind = (u8)kind;
    op->state = RING_STATE_QUEUED;
    ring->in_flight++;
    ring->statistics.submissions++;
}

static struct sim_request *prepare_request(struct ring *ring, struct ring_op *op,
                                           enum ring_kind kind)
{
    prepare(ring, op, kind);
    MUST(ring->request_count < SIM_OPS_MAX);
    struct sim_request *request = &ring->requests[ring->request_count++];
    *request = (struct sim_request){.op = op};
    return request;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static void append_bytes(struct sim_bytes *to, const void *data, u32 bytes)
{
    if (to->bytes + bytes > to->capacity) {
        to->capacity = 2 * (to->bytes + bytes);
        to->data = realloc(to->data, to->capacity);
        MUST(to->data != NULL);
    }
    if (bytes > 0)
        memcpy(to->data + to->bytes, data, bytes);
    to->bytes += bytes;
}

static void drop_bytes(struct sim_bytes *from, u32 bytes)
{
    MUST(bytes <= from->bytes);
    from->bytes -= bytes;
    if (from->bytes > 0)
        memmove(from->data, from->data + bytes, from->bytes);
}

static struct sim_socket *find_socket(const struct ring *ring, int fd)
{
    const u32 index = (u32)(fd - SIM_FD_FIRST);
    if (fd < SIM_FD_FIRST || index >= ring->socket_count)
        return NULL;
    return (struct sim_socket *)(uintptr_t)&ring->sockets[index];
}

int sim_connect(struct ring *ring, int listener_fd)
{
    for (size_t i = 0; i < ARRAY_COUNT(ring->accepts); i++) {
        if (ring->accepts[i].op == NULL || (listener_fd >= 0 && ring->accepts[i].fd != listener_fd))
            continue;
        MUST(ring->socket_count < SIM_SOCKETS_MAX);
        const int fd = SIM_FD_FIRST + (int)ring->socket_count++;
        complete(ring, (struct ring_completion){.op = ring->accepts[i].op, .result = fd});
        return fd;
    }
    return -1;
}

void sim_inject(struct ring *ring, int fd, const void *data, u32 bytes)
{
    struct sim_socket *one = find_socket(ring, fd);
    MUST(one != NULL && !one->is_hung_up);
    append_bytes(&one->in, data, bytes);
}

void sim_hang_up(struct ring *ring, int fd)
{
    find_socket(ring, fd)->is_hung_up = true;
}

u32 sim_sent(const struct ring *ring, int fd, const u8 **data)
{
    const struct sim_socket *one = find_socket(ring, fd);
    *data = one->out.data;
    return one->out.bytes;
}

void sim_take_sent(struct ring *ring, int fd, u32 bytes)
{
    drop_bytes(&find_socket(ring, fd)->out, bytes);
}

bool sim_is_closed(const struct ring *ring, int fd)
{
    return find_socket(ring, fd)->is_closed;
}

void sim_hold_sends(struct ring *ring, bool is_held)
{
    ring->are_sends_held = is_held;
}

static u32 find_buffer(const struct ring *ring)
{
    u32 buffer = 0;
    while (buffer < ring->buffer_count && ring->is_lent[buffer])
        buffer++;
    return buffer;
}

/* Moves what was injected into buffers; ends the receive where the stream or the buffers end. */
static void run_socket(struct ring *ring, struct sim_socket *one)
{
    while (one->recv_op != NULL) {
        struct ring_op *op = one->recv_op;
        const u32 buffer = find_buffer(ring);
        const u32 bytes = MIN(one->in.bytes, ring->buffer_bytes);
        if (one->is_shut_down || (one->in.bytes == 0 && one->is_hung_up)) {
            one->recv_op = NULL;
            complete_last(ring, op, 0);
        } else if (one->in.bytes == 0) {
            return;
        } else if (buffer == ring->buffer_count) {
            one->recv_op = NULL;
            ring->statistics.starved++;
            complete(ring, (struct ring_completion){
                               .op = op, .result = -ENOBUFS, .is_last = true, .is_starved = true});
        } else {
            u8 *data = ring->buffers + (size_t)buffer * ring->buffer_bytes;
            memcpy(data, one->in.data, bytes);
            drop_bytes(&one->in, bytes);
            ring->is_lent[buffer] = 1;
            ring->lent_count++;
            complete(ring,
                     (struct ring_completion){
                         .op = op, .result = (i32)bytes, .data = data, .buffer = (u16)buffer});
        }
    }
}

void ring_accept(struct ring *ring, struct ring_op *op, int listener_fd)
{
    prepare(ring, op, RING_KIND_ACCEPT);
    size_t i = 0;
    while (i < ARRAY_COUNT(ring->accepts) && ring->accepts[i].op != NULL)
        i++;
    MUST(i < ARRAY_COUNT(ring->accepts));
    ring->accepts[i].op = op;
    ring->accepts[i].fd = listener_fd;
}

void ring_recv(struct ring *ring, struct ring_op *op, int fd)
{
    struct sim_socket *one = find_socket(ring, fd);
    prepare(ring, op, RING_KIND_RECV);
    if (one == NULL || one->is_closed) {
        complete_last(ring, op, -EBADF);
        return;
    }
    MUST(one->recv_op == NULL);
    one->recv_op = op;
}

void ring_buffer_return(struct ring *ring, u16 buffer)
{
    MUST(buffer < ring->buffer_count && ring->is_lent[buffer]);
    ring->is_lent[buffer] = 0;
    ring->lent_count--;
    /* Whoever still looks at it sees nonsense. */
    memset(ring->buffers + (size_t)buffer * ring->buffer_bytes, 0xDB, ring->buffer_bytes);
}

u32 ring_buffers_lent(const struct ring *ring)
{
    return ring->lent_count;
}

u32 ring_buffer_count(const struct ring *ring)
{
    return ring->buffer_count;
}

void ring_send(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes)
{
    MUST(bytes > 0);
    struct sim_request *request = prepare_request(ring, op, RING_KIND_SEND);
    request->is_send = true;
    request->fd = fd;
    request->data = data;
    request->bytes = bytes;
}

void ring_poll(struct ring *ring, struct ring_op *op, int fd, u32 events)
{
    (void)events;
    prepare(ring, op, RING_KIND_POLL);
    size_t i = 0;
    while (i < ARRAY_COUNT(ring->polls) && ring->polls[i].op != NULL)
        i++;
    MUST(i < ARRAY_COUNT(ring->polls));
    ring->polls[i].op = op;
    ring->polls[i].fd = fd;
}

void ring_shutdown(struct ring *ring, int fd)
{
    struct sim_socket *one = find_socket(ring, fd);
    if (one != NULL)
        one->is_shut_down = true;
    for (size_t i = 0; i < ARRAY_COUNT(ring->accepts); i++)
        if (ring->accepts[i].op != NULL && ring->accepts[i].fd == fd) {
            complete_last(ring, ring->accepts[i].op, -ECANCELED);
            ring->accepts[i].op = NULL;
        }
}

void ring_close_fd(struct ring *ring, int fd)
{
    struct sim_socket *one = find_socket(ring, fd);
    if (one == NULL) {
        (void)close(fd);
        return;
    }
    MUST(one->recv_op == NULL && !one->is_closed);
    one->is_closed = true;
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct sim_request *prepare_file(struct ring *ring, struct ring_op *op, enum ring_kind kind,
                                        enum sim_operation operation)
{
    struct sim_request *request = prepare_request(ring, op, kind);
    request->operation = operation;
    ring->counts[operation]++;
    return request;
}

static void prepare_write(struct ring *ring, struct ring_op *op, int fd, const void *data,
                          u32 bytes, u64 offset, enum sim_operation operation)
{
    MUST(bytes > 0);
    struct sim_request *request = prepare_file(ring, op, RING_KIND_WRITE, operation);
    request->fd = fd;
    request->data = data;
    request->bytes = bytes;
    request->offset = offset;
}

void ring_write_durable(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                        u64 offset)
{
    prepare_write(ring, op, fd, data, bytes, offset, SIM_OPERATION_WRITE_DURABLE);
}

void ring_write(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                u64 offset)
{
    prepare_write(ring, op, fd, data, bytes, offset, SIM_OPERATION_WRITE);
}

void ring_sync(struct ring *ring, struct ring_op *op, int fd)
{
    prepare_file(ring, op, RING_KIND_SYNC, SIM_OPERATION_SYNC)->fd = fd;
}

void ring_open_file(struct ring *ring, struct ring_op *op, int dir_fd, const char *path, int flags)
{
    struct sim_request *request = prepare_file(ring, op, RING_KIND_OPEN, SIM_OPERATION_OPEN);
    request->fd = dir_fd;
    request->path = path;
    request->flags = flags;
}

void ring_rename(struct ring *ring, struct ring_op *op, int dir_fd, const char *from,
                 const char *to)
{
    struct sim_request *request = prepare_file(ring, op, RING_KIND_RENAME, SIM_OPERATION_RENAME);
    request->fd = dir_fd;
    request->path = from;
    request->path2 = to;
}

void ring_unlink(struct ring *ring, struct ring_op *op, int dir_fd, const char *path)
{
    struct sim_request *request = prepare_file(ring, op, RING_KIND_UNLINK, SIM_OPERATION_UNLINK);
    request->fd = dir_fd;
    request->path = path;
}

static i32 as_result(ssize_t value)
{
    return value < 0 ? -errno : (i32)value;
}

static i32 execute_file(const struct sim_request *request)
{
    switch (request->operation) {
    case SIM_OPERATION_WRITE_DURABLE:
    case SIM_OPERATION_WRITE:
        return as_result(
            pwrite(request->fd, request->data, request->bytes, (off_t)request->offset));
    case SIM_OPERATION_SYNC: return 0; /* the page cache is this disk's medium */
    case SIM_OPERATION_OPEN:
        return as_result(openat(request->fd, request->path, request->flags | O_CLOEXEC, 0644));
    case SIM_OPERATION_RENAME:
        return as_result(renameat(request->fd, request->path, request->fd, request->path2));
    case SIM_OPERATION_UNLINK: return as_result(unlinkat(request->fd, request->path, 0));
    case SIM_OPERATION_COUNT: break;
    }
    PANIC("no such operation");
}

static void execute(struct ring *ring, const struct sim_request *request)
{
    struct sim_fault *fault = &ring->faults[request->operation];
    struct sim_request faulty = *request;
    i32 result = 0;
    if (request->is_send) {
        struct sim_socket *one = find_socket(ring, request->fd);
        if (one == NULL || one->is_hung_up || one->is_shut_down) {
            complete_last(ring, request->op, -EPIPE);
            return;
        }
        append_bytes(&one->out, request->data, request->bytes);
        complete_last(ring, request->op, (i32)request->bytes);
        return;
    }
    if (fault->nth == 1) {
        result = fault->result;
        faulty.bytes = (u32)MAX(result, 0);
        if (result > 0)
            (void)execute_file(&faulty);
        fault->nth = fault->is_lasting ? 1 : 0;
    } else {
        if (fault->nth > 1)
            fault->nth--;
        result = execute_file(request);
    }
    complete_last(ring, request->op, result);
}

static bool is_held(const struct ring *ring, const struct sim_request *request)
{
    if (request->is_send)
        return ring->are_sends_held;
    return ring->are_writes_held && request->operation == SIM_OPERATION_WRITE_DURABLE;
}

int ring_turn(struct ring *ring, u64 timeout_ns)
{
    (void)timeout_ns;
    u32 kept = 0;
    ring->statistics.enters++;
    for (u32 i = 0; i < ring->request_count; i++) {
        struct sim_request request = ring->requests[i];
        if (request.op->state == RING_STATE_QUEUED)
            request.op->state = RING_STATE_INFLIGHT;
        if (request.op->state == RING_STATE_CANCELLING)
            complete_last(ring, request.op, -ECANCELED);
        else if (is_held(ring, &request))
            ring->requests[kept++] = request;
        else
            execute(ring, &request);
    }
    ring->request_count = kept;
    for (u32 i = 0; i < ring->socket_count; i++)
        run_socket(ring, &ring->sockets[i]);
    return 0;
}

void sim_hold_writes(struct ring *ring, bool is_on)
{
    ring->are_writes_held = is_on;
}

u32 sim_writes_held(const struct ring *ring)
{
    u32 count = 0;
    for (u32 i = 0; i < ring->request_count; i++)
        count += !ring->requests[i].is_send &&
                 ring->requests[i].operation == SIM_OPERATION_WRITE_DURABLE;
    return count;
}

static u32 find_durable(const struct ring *ring)
{
    u32 i = 0;
    while (i < ring->request_count && (ring->requests[i].is_send ||
                                       ring->requests[i].operation != SIM_OPERATION_WRITE_DURABLE))
        i++;
    return i;
}

void sim_release_write(struct ring *ring)
{
    const u32 i = find_durable(ring);
    MUST(i < ring->request_count);
    const struct sim_request request = ring->requests[i];
    memmove(&ring->requests[i], &ring->requests[i + 1],
            (ring->request_count - i - 1) * sizeof request);
    ring->request_count--;
    execute(ring, &request);
}

void sim_fail(struct ring *ring, enum sim_operation operation, u32 nth, i32 result, bool is_lasting)
{
    ring->faults[operation] =
        (struct sim_fault){.nth = nth, .result = result, .is_lasting = is_lasting};
}

u64 sim_count(const struct ring *ring, enum sim_operation operation)
{
    return ring->counts[operation];
}

static void crash_write(const struct sim_request *request, u64 sector_mask, bool keep_rest)
{
    /* Through the page cache: sectors are smaller than what O_DIRECT takes. */
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", request->fd);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    MUST(fd >= 0);
    for (u32 at = 0, i = 0; at < request->bytes; at += SIM_SECTOR, i++) {
        const bool is_kept = i < 64 ? (sector_mask >> i & 1) != 0 : keep_rest;
        if (is_kept)
            MUST(pwrite(fd, request->data + at, SIM_SECTOR, (off_t)(request->offset + at)) ==
                 (ssize_t)SIM_SECTOR);
    }
    (void)close(fd);
}

static void free_op(struct ring *ring, struct ring_op *op)
{
    if (op != NULL && op->state != RING_STATE_FREE) {
        op->state = RING_STATE_FREE;
        ring->in_flight--;
    }
}

void sim_crash(struct ring *ring, u64 sector_mask, bool keep_rest)
{
    const u32 durable = find_durable(ring);
    if (durable < ring->request_count)
        crash_write(&ring->requests[durable], sector_mask, keep_rest);
    for (u32 i = 0; i < ring->request_count; i++)
        free_op(ring, ring->requests[i].op);
    for (u32 i = 0; i < ring->completion_count; i++)
        free_op(ring, ring->completions[(ring->completion_head + i) % SIM_OPS_MAX].op);
    for (u32 i = 0; i < ring->socket_count; i++) {
        free_op(ring, ring->sockets[i].recv_op);
        ring->sockets[i].recv_op = NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(ring->accepts); i++) {
        free_op(ring, ring->accepts[i].op);
        free_op(ring, ring->polls[i].op);
        ring->accepts[i].op = NULL;
        ring->polls[i].op = NULL;
    }
    ring->request_count = 0;
    ring->completion_count = 0;
}

/* ---- cancel, wake ---------------------------------------------------------------------------- */

void ring_cancel(struct ring *ring, struct ring_op *op)
{
    if (op->state == RING_STATE_FREE || op->state == RING_STATE_CANCELLING)
        return;
    for (size_t i = 0; i < ARRAY_COUNT(ring->accepts); i++) {
        if (ring->accepts[i].op == op)
            ring->accepts[i].op = NULL;
        else if (ring->polls[i].op == op)
            ring->polls[i].op = NULL;
        else
            continue;
        op->state = RING_STATE_CANCELLING;
        complete_last(ring, op, -ECANCELED);
        return;
    }
    for (u32 i = 0; i < ring->socket_count; i++)
        if (ring->sockets[i].recv_op == op) {
            op->state = RING_STATE_CANCELLING;
            ring->sockets[i].recv_op = NULL;
            complete_last(ring, op, -ECANCELED);
            return;
        }
    /* A request is cancelled in the next turn, if it has not been executed by then. */
    op->state = RING_STATE_CANCELLING;
}

struct ring_address ring_address(const struct ring *ring)
{
    return (struct ring_address){.ring_fd = ring->address, .event_fd = ring->address};
}

void ring_wake(struct ring *from, struct ring_address target)
{
    (void)from;
    ring_wake_outside(target);
}

void ring_wake_outside(struct ring_address target)
{
    if (target.ring_fd >= 0 && target.ring_fd < (int)SIM_RINGS_MAX && rings[target.ring_fd] != NULL)
        rings[target.ring_fd]->statistics.wakes++;
}

u32 ring_in_flight(const struct ring *ring)
{
    return ring->in_flight;
}

const struct ring_statistics *ring_statistics(const struct ring *ring)
{
    return &ring->statistics;
}

const char *ring_backend(const struct ring *ring)
{
    (void)ring;
    return "simulated";
}
