/* ring_uring: the ring on io_uring.
 *
 * The flags are SINGLE_ISSUER, DEFER_TASKRUN, SUBMIT_ALL, CQSIZE and CLAMP, with a fall back on what
 * the kernel takes. The system call is made here and not by liburing's helpers, because liburing
 * 2.3 would enter twice where completions are waiting and submissions too, and would hide how many
 * were accepted.
 *
 * user_data is the address of the op with 16 bits of its generation above it; the low three bits,
 * always zero in an address, mark what belongs to the ring itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/ring/ring_setup.h"

#define USER_DATA_SHIFT 48
#define USER_DATA_MASK  ((1ull << USER_DATA_SHIFT) - 1)
#define BUFFER_GROUP    0u
#define SUBMIT_TRIES    100000u
#define SPIN_LOOKS      64u /* between two looks at the clock */

/* What is not an op. The rest of the word may carry a descriptor. */
enum user_tag {
    USER_TAG_OP = 0,
    USER_TAG_IGNORE = 1,      /* result of a cancel */
    USER_TAG_WAKE = 2,        /* another ring's message */
    USER_TAG_EVENT = 3,       /* our eventfd has been written */
    USER_TAG_WAKE_FAILED = 4, /* our message was not taken: write the other's eventfd */
    USER_TAG_MASK = 7
};

struct ring {
    struct io_uring uring;
    struct ring_statistics statistics;
    pthread_t owner;
    int enter_fd;
    unsigned enter_flags;
    u32 in_flight;
    u32 koverflow_seen;
    int event_fd;
    /* Which op stands in which slot of the submission queue; NULL for our own. */
    struct ring_op **queued;
    struct io_uring_buf_ring *buffer_ring;
    u8 *buffers;
    u8 *is_lent; /* per buffer */
    size_t buffer_ring_bytes;
    size_t buffers_bytes;
    u32 buffer_count;
    u32 buffer_bytes;
    u32 lent_count;
    u64 spin_ns;
};

static u64 op_user_data(const struct ring_op *op)
{
    const u64 address = (u64)(uintptr_t)op;
    MUST((address & ~USER_DATA_MASK) == 0 && (address & USER_TAG_MASK) == 0);
    return address | (u64)(op->generation & 0xffffu) << USER_DATA_SHIFT;
}

static u64 tag_user_data(enum user_tag tag, int fd)
{
    return (u64)tag | (u64)(u32)fd << 8;
}

/* ---- submission ------------------------------------------------------------------------------ */

/* Publishes what has been prepared; returns how much the kernel has not taken yet. */
static u32 flush_submissions(struct ring *ring)
{
    struct io_uring_sq *sq = &ring->uring.sq;
    sq->sqe_head = sq->sqe_tail;
    __atomic_store_n(sq->ktail, sq->sqe_tail, __ATOMIC_RELEASE);
    return sq->sqe_tail - __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
}

/* Everything that the kernel has taken since `head` is in flight now. */
static void mark_submitted(struct ring *ring, u32 head)
{
    const struct io_uring_sq *sq = &ring->uring.sq;
    const u32 head_now = __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
    for (; head != head_now; head++) {
        struct ring_op *op = ring->queued[head & (sq->ring_entries - 1)];
        if (op != NULL && op->state == RING_STATE_QUEUED)
            op->state = RING_STATE_INFLIGHT;
        ring->statistics.submissions++;
    }
}

static int enter(struct ring *ring, u32 wait_count, unsigned flags, u64 timeout_ns)
{
    const u32 head = *ring->uring.sq.khead;
    const u32 submit_count = flush_submissions(ring);
    struct __kernel_timespec timeout = {.tv_sec = (i64)(timeout_ns / NS_PER_S),
                                        .tv_nsec = (i64)(timeout_ns % NS_PER_S)};
    struct io_uring_getevents_arg argument = {.sigmask_sz = _NSIG / 8};
    if (timeout_ns != UINT64_MAX)
        argument.ts = (u64)(uintptr_t)&timeout;
    ring->statistics.enters++;
    const int result = io_uring_enter2((unsigned)ring->enter_fd, submit_count, wait_count,
                                       flags | ring->enter_flags | IORING_ENTER_EXT_ARG,
                                       (sigset_t *)(void *)&argument, sizeof argument);
    mark_submitted(ring, head);
    if (result >= 0 && (u32)result < submit_count)
        ring->statistics.stalls++;
    return result;
}

static bool is_passing_error(int error)
{
    return error == -EINTR || error == -EAGAIN || error == -EBUSY || error == -ETIME;
}

/* A full queue is handed over without waiting for anything; that runs no completion (R3). */
static struct io_uring_sqe *take_sqe(struct ring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
    for (u32 tries = 0; sqe == NULL; tries++) {
        if (tries > 0) {
            ring->statistics.stalls++;
            (void)sched_yield();
        }
        MUST(tries < SUBMIT_TRIES);
        /* From the second try on also flush the kernel's overflow list, which may be what is in
         * the way. */
        const int result = enter(ring, 0, tries == 0 ? 0 : IORING_ENTER_GETEVENTS, 0);
        MUST(result >= 0 || is_passing_error(result));
        sqe = io_uring_get_sqe(&ring->uring);
    }
    const u32 slot = (u32)(sqe - ring->uring.sq.sqes);
    MUST(slot < ring->uring.sq.ring_entries);
    ring->queued[slot] = NULL;
    return sqe;
}

static struct io_uring_sqe *take_sqe_for(struct ring *ring, struct ring_op *op, enum ring_kind kind)
{
    MUST(op->state == RING_STATE_FREE);
    MUST(op->done != NULL);
    struct io_uring_sqe *sqe = take_sqe(ring);
    ring->queued[sqe - ring->uring.sq.sqes] = op;
    op->generation++;
    op->kind = (u8)kind;
    op->state = RING_STATE_QUEUED;
    ring->in_flight++;
    return sqe;
}

/* Tells the processor that this is a wait, so that it gives its resources to the other thread. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Something has completed, or the kernel has work of ours that ends in completions. */
static bool has_news(const struct ring *ring)
{
    return io_uring_cq_ready(&ring->uring) > 0 ||
           (__atomic_load_n(ring->uring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_TASKRUN) != 0;
}

/* Looks for completions without giving the processor away. Returns what is left of the timeout: 0
 * when there is something to take. */
static u64 spin(const struct ring *ring, u64 timeout_ns)
{
    const u64 begin_ns = clock_monotonic_ns();
    const u64 spin_ns = MIN(ring->spin_ns, timeout_ns);
    for (u64 spent_ns = 0; spent_ns < spin_ns; spent_ns = clock_monotonic_ns() - begin_ns)
        for (u32 i = 0; i < SPIN_LOOKS; i++) {
            if (has_news(ring))
                return 0;
            cpu_relax();
        }
    return timeout_ns == UINT64_MAX ? UINT64_MAX : timeout_ns - spin_ns;
}

int ring_turn(struct ring *ring, u64 timeout_ns)
{
    MUST(pthread_equal(ring->owner, pthread_self()));
    const bool is_ready = io_uring_cq_ready(&ring->uring) > 0;
    const bool must_wait = timeout_ns > 0 && !is_ready;
    const bool must_spin = must_wait && ring->spin_ns > 0;
    int result = enter(ring, must_wait && !must_spin ? 1 : 0, IORING_ENTER_GETEVENTS, timeout_ns);
    if (must_spin && (result >= 0 || is_passing_error(result)) &&
        io_uring_cq_ready(&ring->uring) == 0) {
        const u64 left_ns = spin(ring, timeout_ns);
        result = enter(ring, left_ns > 0 ? 1 : 0, IORING_ENTER_GETEVENTS, left_ns);
    }
    return result >= 0 || is_passing_error(result) ? 0 : result;
}

/* ---- completion ------------------------------------------------------------------------------ */

static void arm_event(struct ring *ring)
{
    struct io_uring_sqe *sqe = take_sqe(ring);
    io_uring_prep_poll_multishot(sqe, ring->event_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, tag_user_data(USER_TAG_EVENT, 0));
}

/* Completions of the ring's own submissions. */
static void take_own(struct ring *ring, u64 user_data, u32 flags, bool *rearm)
{
    u64 count = 0;
    switch ((enum user_tag)(user_data & USER_TAG_MASK)) {
    case USER_TAG_IGNORE: break;
    case USER_TAG_WAKE: ring->statistics.wakes++; break;
    case USER_TAG_EVENT:
        ring->statistics.wakes++;
        (void)!read(ring->event_fd, &count, sizeof count);
        *rearm = *rearm || (flags & IORING_CQE_F_MORE) == 0;
        break;
    case USER_TAG_WAKE_FAILED:
        ring_wake_outside((struct ring_address){.event_fd = (int)(u32)(user_data >> 8)});
        break;
    case USER_TAG_OP:
    case USER_TAG_MASK: PANIC("completion of nobody");
    }
}

static void take_buffer(struct ring *ring, u32 flags, struct ring_completion *out)
{
    const u16 buffer = (u16)(flags >> IORING_CQE_BUFFER_SHIFT);
    MUST(buffer < ring->buffer_count && !ring->is_lent[buffer]);
    ring->is_lent[buffer] = 1;
    ring->lent_count++;
    if (out->result <= 0) {
        ring_buffer_return(ring, buffer);
        return;
    }
    out->buffer = buffer;
    out->data = ring->buffers + (size_t)buffer * ring->buffer_bytes;
}

static void take_completion(struct ring *ring, const struct io_uring_cqe *cqe,
                            struct ring_completion *out)
{
    struct ring_op *op = (struct ring_op *)(uintptr_t)(cqe->user_data & USER_DATA_MASK);
    const u32 generation = (u32)(cqe->user_data >> USER_DATA_SHIFT);
    MUST(op->state != RING_STATE_FREE && op->kind != RING_KIND_NONE);
    MUST((op->generation & 0xffffu) == generation);
    *out = (struct ring_completion){.op = op,
                                    .result = cqe->res,
                                    .generation = generation,
                                    .is_last = (cqe->flags & IORING_CQE_F_MORE) == 0};
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0)
        take_buffer(ring, cqe->flags, out);
    if (op->kind == RING_KIND_RECV && cqe->res == -ENOBUFS) {
        out->is_starved = true;
        ring->statistics.starved++;
    }
    ring->statistics.completions++;
}

static u32 collect_ready(struct ring *ring, struct ring_completion *out, u32 max, bool *rearm)
{
    struct io_uring_cq *cq = &ring->uring.cq;
    const u32 head = *cq->khead;
    const u32 ready = __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE) - head;
    u32 count = 0, seen = 0;
    for (; seen < ready && count < max; seen++) {
        const struct io_uring_cqe *cqe = &cq->cqes[(head + seen) & (cq->ring_entries - 1)];
        if ((cqe->user_data & USER_TAG_MASK) != USER_TAG_OP)
            take_own(ring, cqe->user_data, cqe->flags, rearm);
        else
            take_completion(ring, cqe, &out[count++]);
    }
    io_uring_cq_advance(&ring->uring, seen);
    return count;
}

u32 ring_collect(struct ring *ring, struct ring_completion *out, u32 max)
{
    bool rearm = false;
    u32 count = collect_ready(ring, out, max, &rearm);
    if (UNLIKELY(io_uring_cq_has_overflow(&ring->uring))) {
        /* Nothing is lost: the kernel keeps a list and refills the queue when asked. */
        ring->statistics.overflows++;
        (void)io_uring_get_events(&ring->uring);
        ring->statistics.enters++;
        count += collect_ready(ring, out + count, max - count, &rearm);
    }
    if (rearm)
        arm_event(ring);
    return count;
}

void ring_run(struct ring *ring, const struct ring_completion *completions, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const struct ring_completion *completion = &completions[i];
        struct ring_op *op = completion->op;
        MUST(op->state != RING_STATE_FREE);
        MUST((op->generation & 0xffffu) == completion->generation);
        if (completion->is_last) {
            MUST(ring->in_flight > 0);
            op->state = RING_STATE_FREE;
            ring->in_flight--;
        }
        op->done(op, completion);
    }
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
    return "io_uring";
}

/* ---- sockets --------------------------------------------------------------------------------- */

void ring_accept(struct ring *ring, struct ring_op *op, int listener_fd)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_ACCEPT);
    io_uring_prep_multishot_accept(sqe, listener_fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_recv(struct ring *ring, struct ring_op *op, int fd)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_RECV);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_buffer_return(struct ring *ring, u16 buffer)
{
    MUST(buffer < ring->buffer_count && ring->is_lent[buffer]);
    ring->is_lent[buffer] = 0;
    ring->lent_count--;
    io_uring_buf_ring_add(ring->buffer_ring, ring->buffers + (size_t)buffer * ring->buffer_bytes,
                          ring->buffer_bytes, buffer, io_uring_buf_ring_mask(ring->buffer_count),
                          0);
    io_uring_buf_ring_advance(ring->buffer_ring, 1);
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
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_SEND);
    io_uring_prep_send(sqe, fd, data, bytes, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_poll(struct ring *ring, struct ring_op *op, int fd, u32 events)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_POLL);
    io_uring_prep_poll_multishot(sqe, fd, events);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_shutdown(struct ring *ring, int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
    struct io_uring_sqe *sqe = take_sqe(ring);
    io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, tag_user_data(USER_TAG_IGNORE, 0));
}

void ring_close_fd(struct ring *ring, int fd)
{
    (void)ring;
    (void)close(fd);
}

/* ---- files ----------------------------------------------------------------------------------- */

void ring_write_durable(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                        u64 offset)
{
    MUST(bytes > 0);
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_WRITE);
    io_uring_prep_write(sqe, fd, data, bytes, offset);
    sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_write(struct ring *ring, struct ring_op *op, int fd, const void *data, u32 bytes,
                u64 offset)
{
    MUST(bytes > 0);
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_WRITE);
    io_uring_prep_write(sqe, fd, data, bytes, offset);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_sync(struct ring *ring, struct ring_op *op, int fd)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_SYNC);
    io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_open_file(struct ring *ring, struct ring_op *op, int dir_fd, const char *path, int flags)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_OPEN);
    io_uring_prep_openat(sqe, dir_fd, path, flags | O_CLOEXEC, 0644);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_rename(struct ring *ring, struct ring_op *op, int dir_fd, const char *from,
                 const char *to)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_RENAME);
    io_uring_prep_renameat(sqe, dir_fd, from, dir_fd, to, 0);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

void ring_unlink(struct ring *ring, struct ring_op *op, int dir_fd, const char *path)
{
    struct io_uring_sqe *sqe = take_sqe_for(ring, op, RING_KIND_UNLINK);
    io_uring_prep_unlinkat(sqe, dir_fd, path, 0);
    io_uring_sqe_set_data64(sqe, op_user_data(op));
}

/* ---- cancel, wake ---------------------------------------------------------------------------- */

void ring_cancel(struct ring *ring, struct ring_op *op)
{
    if (op->state == RING_STATE_FREE || op->state == RING_STATE_CANCELLING)
        return;
    op->state = RING_STATE_CANCELLING;
    struct io_uring_sqe *sqe = take_sqe(ring);
    io_uring_prep_cancel64(sqe, op_user_data(op), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, tag_user_data(USER_TAG_IGNORE, 0));
}

struct ring_address ring_address(const struct ring *ring)
{
    return (struct ring_address){.ring_fd = ring->uring.ring_fd, .event_fd = ring->event_fd};
}

void ring_wake(struct ring *from, struct ring_address target)
{
    struct io_uring_sqe *sqe = take_sqe(from);
    io_uring_prep_msg_ring(sqe, target.ring_fd, 0, tag_user_data(USER_TAG_WAKE, 0), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, tag_user_data(USER_TAG_WAKE_FAILED, target.event_fd));
}

void ring_wake_outside(struct ring_address target)
{
    const int error = errno; /* may run inside a signal handler */
    const u64 one = 1;
    (void)!write(target.event_fd, &one, sizeof one);
    errno = error;
}

/* ---- open and close -------------------------------------------------------------------------- */

static int open_buffers(struct ring *ring, const struct ring_options *options)
{
    ring->buffer_count =
        options->buffer_count != 0 ? options->buffer_count : RING_BUFFER_COUNT_DEFAULT;
    ring->buffer_bytes =
        options->buffer_bytes != 0 ? options->buffer_bytes : RING_BUFFER_BYTES_DEFAULT;
    MUST(IS_POWER_OF_TWO(ring->buffer_count) && ring->buffer_count <= 32768);
    MUST(ring->buffer_bytes % 4096 == 0);
    ring->buffer_ring_bytes = ROUND_UP(ring->buffer_count * sizeof(struct io_uring_buf), 4096ul);
    ring->buffers_bytes = (size_t)ring->buffer_count * ring->buffer_bytes;
    ring->buffer_ring = ring_map(ring->buffer_ring_bytes);
    ring->buffers = ring_map(ring->buffers_bytes);
    ring->is_lent = calloc(ring->buffer_count, 1);
    if (ring->buffer_ring == NULL || ring->buffers == NULL || ring->is_lent == NULL)
        return -ENOMEM;

    struct io_uring_buf_reg registration = {.ring_addr = (u64)(uintptr_t)ring->buffer_ring,
                                            .ring_entries = ring->buffer_count,
                                            .bgid = BUFFER_GROUP};
    const int result = io_uring_register_buf_ring(&ring->uring, &registration, 0);
    if (result != 0)
        return result == -EINVAL ? -EOPNOTSUPP : result;
    io_uring_buf_ring_init(ring->buffer_ring);
    for (u32 i = 0; i < ring->buffer_count; i++) {
        ring->is_lent[i] = 1;
        ring->lent_count++;
        ring_buffer_return(ring, (u16)i);
    }
    return 0;
}

static int open_uring(struct ring *ring, const struct ring_options *options)
{
    const u32 entries = options->entries != 0 ? options->entries : RING_ENTRIES_DEFAULT;
    const u32 cq_entries = options->cq_entries != 0 ? options->cq_entries : 8 * entries;
    MUST(IS_POWER_OF_TWO(entries));
    int result = ring_setup(&ring->uring, entries, cq_entries, options->spin_ns != 0);
    if (result != 0)
        return result;
    ring->enter_fd = ring->uring.ring_fd;
    ring->enter_flags = 0;
    if (io_uring_register_ring_fd(&ring->uring) == 1) {
        ring->enter_fd = ring->uring.enter_ring_fd;
        ring->enter_flags = IORING_ENTER_REGISTERED_RING;
    }
    ring->queued = calloc(ring->uring.sq.ring_entries, sizeof(struct ring_op *));
    result = ring->queued == NULL ? -ENOMEM : ring_probe(&ring->uring);
    if (result == 0)
        result = open_buffers(ring, options);
    return result;
}

int ring_open(struct ring **out, const struct ring_options *options)
{
    struct ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return -ENOMEM;
    ring->owner = pthread_self();
    ring->spin_ns = options->spin_ns;
    ring->uring.ring_fd = -1;
    ring->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = ring->event_fd < 0 ? -errno : open_uring(ring, options);
    if (result == 0) {
        arm_event(ring);
        result = ring_turn(ring, 0);
    }
    if (result != 0) {
        ring_close(ring);
        return result;
    }
    *out = ring;
    return 0;
}

void ring_close(struct ring *ring)
{
    MUST(ring->in_flight == 0);
    if (ring->uring.ring_fd >= 0)
        io_uring_queue_exit(&ring->uring);
    if (ring->event_fd >= 0)
        (void)close(ring->event_fd);
    ring_unmap(ring->buffer_ring, ring->buffer_ring_bytes);
    ring_unmap(ring->buffers, ring->buffers_bytes);
    free(ring->is_lent);
    free(ring->queued);
    free(ring);
}
