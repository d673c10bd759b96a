/* test_ring: the real ring, on real sockets and files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/ring/ring.h"

#define COLLECT_MAX 256u

static u64 now_ns(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (u64)time.tv_sec * NS_PER_S + (u64)time.tv_nsec;
}

static struct ring *open_ring(struct ring_options options)
{
    struct ring *ring = NULL;
    assert_int_equal(ring_open(&ring, &options), 0);
    assert_string_equal(ring_backend(ring), "io_uring");
    return ring;
}

static struct ring *open_small_ring(void)
{
    return open_ring(
        (struct ring_options){.entries = 64, .buffer_count = 16, .buffer_bytes = 4096});
}

/* One turn; returns how many completions were run. */
static u32 turn(struct ring *ring, u64 timeout_ns)
{
    struct ring_completion completions[COLLECT_MAX];
    assert_int_equal(ring_turn(ring, timeout_ns), 0);
    const u32 count = ring_collect(ring, completions, COLLECT_MAX);
    ring_run(ring, completions, count);
    return count;
}

/* An op that remembers its last completion. */
struct probe {
    struct ring_op op;
    struct ring_completion last;
    u32 count;
};

static void on_probe_done(struct ring_op *op, const struct ring_completion *completion)
{
    struct probe *probe = (struct probe *)op;
    probe->last = *completion;
    probe->count++;
}

static void wait_for(struct ring *ring, const struct probe *probe, u32 count)
{
    const u64 deadline = now_ns() + 5 * NS_PER_S;
    while (probe->count < count) {
        assert_true(now_ns() < deadline);
        (void)turn(ring, 100 * NS_PER_MS);
    }
}

static void drain(struct ring *ring)
{
    const u64 deadline = now_ns() + 5 * NS_PER_S;
    while (ring_in_flight(ring) > 0) {
        assert_true(now_ns() < deadline);
        (void)turn(ring, 100 * NS_PER_MS);
    }
}

static void accepts_receives_and_sends_on_a_unix_socket(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/test-ring-%d", getpid());
    (void)unlink(address.sun_path);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);

    struct probe accepted = {.op.done = on_probe_done};
    ring_accept(ring, &accepted.op, listener);
    assert_int_equal(accepted.op.state, RING_STATE_QUEUED);
    (void)turn(ring, 0);
    assert_int_equal(accepted.op.state, RING_STATE_INFLIGHT);
    for (u32 i = 1; i <= 2; i++) {
        const int client = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
        wait_for(ring, &accepted, i);
        assert_true(accepted.last.result >= 0 && !accepted.last.is_last);

        const int fd = accepted.last.result;
        struct probe received = {.op.done = on_probe_done}, sent = {.op.done = on_probe_done};
        ring_recv(ring, &received.op, fd);
        assert_int_equal(write(client, "hello", 5), 5);
        wait_for(ring, &received, 1);
        assert_int_equal(received.last.result, 5);
        assert_memory_equal(received.last.data, "hello", 5);
        assert_int_equal(ring_buffers_lent(ring), 1);
        ring_buffer_return(ring, received.last.buffer);
        assert_int_equal(ring_buffers_lent(ring), 0);

        ring_send(ring, &sent.op, fd, "there", 5);
        wait_for(ring, &sent, 1);
        char answer[5];
        assert_int_equal(read(client, answer, 5), 5);
        assert_memory_equal(answer, "there", 5);

        (void)close(client); /* the peer ends: a receive of 0 bytes, the last one */
        wait_for(ring, &received, 2);
        assert_int_equal(received.last.result, 0);
        assert_true(received.last.is_last);
        ring_close_fd(ring, fd);
    }
    ring_shutdown(ring, listener);
    drain(ring);
    (void)close(listener);
    (void)unlink(address.sun_path);
    ring_close(ring);
}

/* ---- starvation ------------------------------------------------------------------------------ */

#define WRITERS       200u
#define MESSAGES      40u
#define MESSAGE_BYTES 64u

struct stream {
    struct ring_op op;
    int fd, peer;
    u64 received;
    bool is_starved;
};
static struct stream streams[WRITERS];
static u16 kept[64];
static u32 kept_count;

static void on_stream_recv(struct ring_op *op, const struct ring_completion *completion)
{
    struct stream *stream = (struct stream *)op;
    if (completion->result > 0) {
        for (i32 i = 0; i < completion->result; i++)
            assert_int_equal(completion->data[i], (u8)((stream->received + (u64)i) * 7));
        stream->received += (u64)completion->result;
        kept[kept_count++] = completion->buffer; /* given back later: makes the ring starve */
    }
    if (completion->is_last) {
        assert_true(completion->is_starved || completion->result == -ECANCELED);
        stream->is_starved = completion->is_starved;
    }
}

static void *write_messages(void *argument)
{
    (void)argument;
    u8 message[MESSAGE_BYTES];
    for (u32 round = 0; round < MESSAGES; round++)
        for (u32 i = 0; i < WRITERS; i++) {
            for (u32 j = 0; j < MESSAGE_BYTES; j++)
                message[j] = (u8)((round * MESSAGE_BYTES + j) * 7);
            if (write(streams[i].peer, message, sizeof message) != (ssize_t)sizeof message)
                return argument;
        }
    return NULL;
}

static void eight_buffers_serve_many_writers_without_stall_or_loss(void **state)
{
    (void)state;
    struct ring *ring =
        open_ring((struct ring_options){.entries = 256, .buffer_count = 8, .buffer_bytes = 4096});
    assert_int_equal(ring_buffer_count(ring), 8);
    for (u32 i = 0; i < WRITERS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        streams[i] = (struct stream){.op.done = on_stream_recv, .fd = pair[0], .peer = pair[1]};
        ring_recv(ring, &streams[i].op, pair[0]);
    }
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_messages, NULL), 0);
    u64 total = 0;
    const u64 deadline = now_ns() + 10 * NS_PER_S;
    while (total < (u64)WRITERS * MESSAGES * MESSAGE_BYTES) {
        assert_true(now_ns() < deadline);
        (void)turn(ring, 10 * NS_PER_MS);
        const bool had_kept = kept_count > 0;
        while (kept_count > 0)
            ring_buffer_return(ring, kept[--kept_count]);
        total = 0;
        for (u32 i = 0; i < WRITERS; i++) {
            total += streams[i].received;
            /* Armed again only because buffers have come back, never by timer. */
            if (streams[i].is_starved && (had_kept || ring_buffers_lent(ring) == 0)) {
                streams[i].is_starved = false;
                ring_recv(ring, &streams[i].op, streams[i].fd);
            }
        }
    }
    void *failed = NULL;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_true(ring_statistics(ring)->starved > 0); /* or the test has tested nothing */
    for (u32 i = 0; i < WRITERS; i++) {
        assert_int_equal(streams[i].received, MESSAGES * MESSAGE_BYTES);
        ring_cancel(ring, &streams[i].op);
    }
    drain(ring);
    for (u32 i = 0; i < WRITERS; i++) {
        (void)close(streams[i].fd);
        (void)close(streams[i].peer);
    }
    ring_close(ring);
}

static void a_small_completion_queue_loses_nothing(void **state)
{
    (void)state;
    enum { OPS = 5000 };
    struct ring *ring = open_ring((struct ring_options){
        .entries = 16, .cq_entries = 64, .buffer_count = 8, .buffer_bytes = 4096});
    struct probe *probes = calloc(OPS, sizeof *probes);
    const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (u32 i = 0; i < OPS; i++) { /* far beyond both queues before the first turn */
        probes[i].op.done = on_probe_done;
        ring_write(ring, &probes[i].op, fd, "x", 1, 0);
    }
    assert_int_equal(ring_in_flight(ring), OPS);
    drain(ring);
    for (u32 i = 0; i < OPS; i++) {
        assert_int_equal(probes[i].count, 1);
        assert_int_equal(probes[i].last.result, 1);
        assert_int_equal(probes[i].op.state, RING_STATE_FREE);
    }
    assert_true(ring_statistics(ring)->overflows > 0);
    assert_int_equal(ring_statistics(ring)->completions, OPS);
    (void)close(fd);
    free(probes);
    ring_close(ring);
}

static void shutdown_with_a_pending_receive_is_seen_by_the_peer_at_once(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct probe received = {.op.done = on_probe_done};
    ring_recv(ring, &received.op, pair[0]);
    (void)turn(ring, 0);

    const u64 begin = now_ns();
    ring_shutdown(ring, pair[0]);
    while (ring_in_flight(ring) > 0)
        (void)turn(ring, 10 * NS_PER_MS);
    ring_close_fd(ring, pair[0]);
    struct pollfd end = {.fd = pair[1], .events = POLLIN};
    assert_int_equal(poll(&end, 1, 1000), 1);
    char byte;
    assert_int_equal(read(pair[1], &byte, 1), 0);
    assert_true(now_ns() - begin < 100 * NS_PER_MS);
    assert_true(received.last.is_last);
    (void)close(pair[1]);
    ring_close(ring);
}

static void a_send_larger_than_the_socket_takes_is_sent_whole(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    struct ring *ring = open_small_ring();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    u8 *data = malloc(BYTES), *got = malloc(BYTES);
    for (u32 i = 0; i < BYTES; i++)
        data[i] = (u8)(i * 31 >> 3);
    struct probe sent = {.op.done = on_probe_done};
    u32 read_bytes = 0, sent_bytes = 0;
    ring_send(ring, &sent.op, pair[0], data, BYTES);
    while (read_bytes < BYTES) {
        (void)turn(ring, NS_PER_MS);
        if (sent.op.state == RING_STATE_FREE && sent.count > 0) {
            assert_true(sent.last.result > 0); /* what was short is sent again by the caller */
            sent_bytes += (u32)sent.last.result;
            sent.count = 0;
            if (sent_bytes < BYTES)
                ring_send(ring, &sent.op, pair[0], data + sent_bytes, BYTES - sent_bytes);
        }
        const ssize_t count = recv(pair[1], got + read_bytes, 5000, MSG_DONTWAIT);
        if (count > 0)
            read_bytes += (u32)count;
    }
    drain(ring);
    assert_memory_equal(data, got, BYTES);
    free(data);
    free(got);
    (void)close(pair[0]);
    (void)close(pair[1]);
    ring_close(ring);
}

static void a_send_to_a_closed_peer_fails_without_a_signal(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    (void)close(pair[1]);
    struct probe sent = {.op.done = on_probe_done};
    ring_send(ring, &sent.op, pair[0], "x", 1);
    wait_for(ring, &sent, 1);
    assert_int_equal(sent.last.result, -EPIPE);
    (void)close(pair[0]);
    ring_close(ring);
}

static void files_are_made_written_synced_renamed_and_removed(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    char dir_path[64];
    (void)snprintf(dir_path, sizeof dir_path, "/tmp/test-ring-dir-XXXXXX");
    assert_non_null(mkdtemp(dir_path));
    const int dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct probe file = {.op.done = on_probe_done};
    u32 count = 0;
    ring_open_file(ring, &file.op, dir, "a.tmp", O_CREAT | O_EXCL | O_RDWR);
    wait_for(ring, &file, ++count);
    const int fd = file.last.result;
    assert_true(fd >= 0);

    u8 *block = aligned_alloc(4096, 8192);
    memset(block, 'x', 8192);
    ring_write_durable(ring, &file.op, fd, block, 4096, 4096);
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 4096);
    ring_write(ring, &file.op, fd, block, 4096, 0);
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 4096);
    ring_sync(ring, &file.op, fd);
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 0);
    ring_rename(ring, &file.op, dir, "a.tmp", "a.log");
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 0);
    ring_sync(ring, &file.op, dir);
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 0);
    assert_int_equal(faccessat(dir, "a.log", F_OK, 0), 0);
    u8 *back = aligned_alloc(4096, 8192);
    assert_int_equal(pread(fd, back, 8192, 0), 8192);
    assert_memory_equal(block, back, 8192);
    ring_unlink(ring, &file.op, dir, "a.log");
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, 0);
    ring_unlink(ring, &file.op, dir, "a.log");
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, -ENOENT);

    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ring_write_durable(ring, &file.op, full, block, 4096, 0);
    wait_for(ring, &file, ++count);
    assert_int_equal(file.last.result, -ENOSPC);
    ring_close_fd(ring, full);
    ring_close_fd(ring, fd);
    free(block);
    free(back);
    (void)close(dir);
    assert_int_equal(rmdir(dir_path), 0);
    ring_close(ring);
}

/* ---- wake, cancel, poll ---------------------------------------------------------------------- */

static void *wake_later(void *argument)
{
    const struct ring_address *address = argument;
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    (void)nanosleep(&pause, NULL);
    ring_wake_outside(*address);
    return NULL;
}

static void a_thread_without_a_ring_ends_the_wait(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    struct ring_address address = ring_address(ring);
    for (u64 i = 1; i <= 3; i++) { /* more than once: the watch is armed again */
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake_later, &address), 0);
        const u64 begin = now_ns();
        while (ring_statistics(ring)->wakes < i) {
            assert_int_equal(turn(ring, 2 * NS_PER_S), 0);
            assert_true(now_ns() - begin < NS_PER_S);
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    ring_close(ring);
}

static void a_ring_that_spins_sees_what_comes_and_makes_few_system_calls(void **state)
{
    (void)state;
    struct ring *ring = open_ring((struct ring_options){
        .entries = 64, .buffer_count = 16, .buffer_bytes = 4096, .spin_ns = 5 * NS_PER_S});
    struct ring_address address = ring_address(ring);
    const u64 enters = ring_statistics(ring)->enters;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_later, &address), 0);
    const u64 begin = now_ns();
    while (ring_statistics(ring)->wakes < 1)
        assert_int_equal(turn(ring, UINT64_MAX), 0);
    assert_true(now_ns() - begin < NS_PER_S);
    assert_true(ring_statistics(ring)->enters - enters <= 4);
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* Neither longer than asked, nor shorter when the spin is over first. */
    const u64 short_begin = now_ns();
    (void)turn(ring, 5 * NS_PER_MS);
    assert_in_range(now_ns() - short_begin, 5 * NS_PER_MS, NS_PER_S);
    ring_close(ring);
    ring = open_ring((struct ring_options){
        .entries = 64, .buffer_count = 16, .buffer_bytes = 4096, .spin_ns = NS_PER_MS});
    const u64 long_begin = now_ns();
    (void)turn(ring, 30 * NS_PER_MS);
    assert_in_range(now_ns() - long_begin, 30 * NS_PER_MS, NS_PER_S);
    ring_close(ring);
}

static void *wake_by_message(void *argument)
{
    const struct ring_address *address = argument;
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    struct ring_options options = {.entries = 8, .buffer_count = 8, .buffer_bytes = 4096};
    struct ring *ring = NULL;
    if (ring_open(&ring, &options) != 0)
        return argument;
    (void)nanosleep(&pause, NULL);
    ring_wake(ring, *address);
    struct ring_completion completion;
    (void)!ring_turn(ring, 0);
    (void)!ring_turn(ring, NS_PER_MS);
    (void)ring_collect(ring, &completion, 1);
    ring_close(ring);
    return NULL;
}

static void another_ring_ends_the_wait(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    /* The second address has a ring that takes no messages: the eventfd must do. */
    struct ring_address addresses[2] = {ring_address(ring), ring_address(ring)};
    addresses[1].ring_fd = -1;
    for (u64 i = 0; i < 2; i++) {
        pthread_t thread;
        void *failed = NULL;
        assert_int_equal(pthread_create(&thread, NULL, wake_by_message, &addresses[i]), 0);
        const u64 begin = now_ns();
        while (ring_statistics(ring)->wakes < i + 1) {
            assert_int_equal(turn(ring, 2 * NS_PER_S), 0);
            assert_true(now_ns() - begin < NS_PER_S);
        }
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
    }
    ring_close(ring);
}

static void poll_reports_until_it_is_cancelled(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    const int fd = eventfd(0, EFD_CLOEXEC);
    const u64 one = 1;
    struct probe polled = {.op.done = on_probe_done};
    ring_poll(ring, &polled.op, fd, POLLIN);
    (void)turn(ring, 0);
    for (u32 i = 1; i <= 3; i++) {
        assert_int_equal(write(fd, &one, sizeof one), sizeof one);
        wait_for(ring, &polled, i);
        assert_true((polled.last.result & POLLIN) != 0);
        assert_false(polled.last.is_last);
    }
    ring_cancel(ring, &polled.op);
    assert_int_equal(polled.op.state, RING_STATE_CANCELLING);
    ring_cancel(ring, &polled.op); /* twice is once */
    drain(ring);
    assert_int_equal(polled.last.result, -ECANCELED);
    ring_cancel(ring, &polled.op); /* and of a free op nothing */
    assert_int_equal(polled.op.state, RING_STATE_FREE);
    (void)close(fd);
    ring_close(ring);
}

static void an_op_in_use_cannot_be_prepared_again(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    const int fd = eventfd(0, EFD_CLOEXEC);
    struct probe polled = {.op.done = on_probe_done};
    ring_poll(ring, &polled.op, fd, POLLIN);
    expect_assert_failure(ring_poll(ring, &polled.op, fd, POLLIN));
    expect_assert_failure(ring_close(ring));
    expect_assert_failure(ring_buffer_return(ring, 0)); /* it was never lent */
    ring_cancel(ring, &polled.op);
    drain(ring);
    (void)close(fd);
    ring_close(ring);
}

static void a_turn_waits_no_longer_than_asked(void **state)
{
    (void)state;
    struct ring *ring = open_small_ring();
    const u64 begin = now_ns();
    assert_int_equal(turn(ring, 20 * NS_PER_MS), 0);
    const u64 waited = now_ns() - begin;
    assert_true(waited >= 15 * NS_PER_MS && waited < NS_PER_S);
    const u64 enters = ring_statistics(ring)->enters;
    (void)turn(ring, 0);
    assert_int_equal(ring_statistics(ring)->enters, enters + 1);
    ring_close(ring);
}

/* ---- when the kernel says no ----------------------------------------------------------------- */

/* From now on `call` fails with `error` in this process. */
static bool forbid(u32 call, u32 error)
{
    struct sock_filter filter[] = {
        {.code = BPF_LD | BPF_W | BPF_ABS, .k = offsetof(struct seccomp_data, nr)},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = call},
        {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ERRNO | error},
        {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW},
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int open_when_forbidden(u32 error)
{
    struct ring *ring = NULL;
    struct ring_options options = {.entries = 8};
    return forbid(__NR_io_uring_setup, error) ? ring_open(&ring, &options) : 1;
}

/* Submissions that are not taken stay queued, and the turn is no error. */
static int turn_when_busy(u32 error)
{
    struct ring *ring = NULL;
    struct ring_options options = {.entries = 8, .buffer_count = 8, .buffer_bytes = 4096};
    struct probe probe = {.op.done = on_probe_done};
    if (ring_open(&ring, &options) != 0 || !forbid(__NR_io_uring_enter, error))
        return 1;
    ring_write(ring, &probe.op, 1, "", 1, 0);
    const int result = ring_turn(ring, 0);
    return probe.op.state == RING_STATE_QUEUED ? result : 1;
}

static int run_apart(int (*function)(u32), u32 error)
{
    const pid_t child = fork();
    if (child == 0)
        _exit((u8)-function(error));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says_why_there_is_no_ring(void **state)
{
    (void)state;
    assert_int_equal(run_apart(open_when_forbidden, EPERM), EPERM);
    assert_int_equal(run_apart(open_when_forbidden, ENOSYS), ENOSYS);
    assert_int_equal(run_apart(open_when_forbidden, ENOMEM), ENOMEM);
    assert_int_equal(run_apart(open_when_forbidden, EINVAL), EOPNOTSUPP);
    assert_non_null(strstr(ring_open_advice(-EPERM), "io_uring"));
    assert_non_null(strstr(ring_open_advice(-ENOSYS), "6.1"));
    assert_non_null(strstr(ring_open_advice(-EOPNOTSUPP), "6.1"));
    assert_non_null(strstr(ring_open_advice(-ENOMEM), "ulimit -l"));
    assert_non_null(strstr(ring_open_advice(-EMFILE), "ulimit -n"));
    assert_non_null(ring_open_advice(-EIO));
}

static void a_busy_kernel_is_asked_again(void **state)
{
    (void)state;
    assert_int_equal(run_apart(turn_when_busy, EAGAIN), 0);
    assert_int_equal(run_apart(turn_when_busy, EBUSY), 0);
    assert_int_equal(run_apart(turn_when_busy, EINTR), 0);
    assert_int_equal(run_apart(turn_when_busy, EBADF), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_receives_and_sends_on_a_unix_socket),
        cmocka_unit_test(eight_buffers_serve_many_writers_without_stall_or_loss),
        cmocka_unit_test(a_small_completion_queue_loses_nothing),
        cmocka_unit_test(shutdown_with_a_pending_receive_is_seen_by_the_peer_at_once),
        cmocka_unit_test(a_send_larger_than_the_socket_takes_is_sent_whole),
        cmocka_unit_test(a_send_to_a_closed_peer_fails_without_a_signal),
        cmocka_unit_test(files_are_made_written_synced_renamed_and_removed),
        cmocka_unit_test(a_thread_without_a_ring_ends_the_wait),
        cmocka_unit_test(a_ring_that_spins_sees_what_comes_and_makes_few_system_calls),
        cmocka_unit_test(another_ring_ends_the_wait),
        cmocka_unit_test(poll_reports_until_it_is_cancelled),
        cmocka_unit_test(an_op_in_use_cannot_be_prepared_again),
        cmocka_unit_test(a_turn_waits_no_longer_than_asked),
        cmocka_unit_test(says_why_there_is_no_ring),
        cmocka_unit_test(a_busy_kernel_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
