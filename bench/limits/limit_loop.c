/* limit_loop: the bare durable loop, the upper limit of any server that logs before it answers.
 *
 * It speaks just enough of Souk's bytes to be driven by Souk's own load generator, on the same ring
 * recipe, and does the least that a durable server could possibly do for a take:
 *
 *      receive -> append entry header + body to the gathering buffer
 *              -> one O_DIRECT + RWF_DSYNC write in flight, holding all that has gathered
 *              -> written: one counter goes down once per record, one reply record each
 *              -> one send per connection and turn
 *
 * What is written is exactly as long as Souk's log would be: a frame header, struct batch_header,
 * and per frame a struct entry_header and the records as they arrived, rounded up to 4 KiB. The log
 * file has really been written with zeros before and is used over and over again.
 *
 * What it leaves out, and a server cannot: it looks at magic, length and opcode of a request and at
 * nothing else (no checksum, no version, no reserved fields, no record walked before it is logged);
 * it has no sessions, no exactly-once, no SKUs, no lookup, no refusals: every take is granted from
 * one counter. It does not compute a checksum of what it logs. Replies, on the other hand, are whole:
 * header filled and sealed with its checksum, because a client of Souk would refuse them otherwise
 * and the load generator checks them. So it does what no server may leave out, and nothing more.
 *
 * take and hold go through the log; every other operation is answered at once with as many records
 * of zeros as were asked for (hello, session_open, sku_put, stock_receive of a load generator).
 * With --mode nolog the write is left out and the rest stays.
 *
 * Limits  8 MiB of commands may be waiting for a write; a client that sends more ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"
#include "bench/common/bench_options.h"
#include "bench/common/bench_ring.h"
#include "bench/common/bench_socket.h"
#include "proto/batch.h"
#include "proto/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOG_HEADER_BYTES  80u /* the frame header of Souk's log */
#define BATCH_BYTES       (8u << 20)
#define BATCH_FRAMES      65536u
#define LINK_OUT_BYTES    (4u << 20)
#define EVENTS_MAX        2048u
#define ZERO_BYTES        (4u << 20)
#define RING_ENTRIES      1024u
#define RING_BUFFER_COUNT 512u
#define RING_BUFFER_BYTES (32u << 10)

/* Whom a logged frame is answered to. What else the reply needs is in the logged entry. */
struct waiting {
    struct bench_link *link;
    u64 request_id;
};

struct batch {
    u8 *bytes; /* aligned to 4 KiB */
    u32 used;
    u32 frame_count;
    struct waiting *waiting;
};

struct loop {
    struct bench_ring ring;
    struct batch batches[2];
    u32 gathering; /* the other one is being written, or free */
    bool is_writing;
    int log_fd; /* negative: nolog */
    u64 log_bytes;
    u64 log_offset;
    u64 lsn;
    i64 sellable;
    struct bench_link **dirty;
    u32 dirty_count;
    u32 dirty_capacity;
    u64 record_count;
    u64 write_count;
    u64 written_bytes;
};

STATIC_CHECK(offsetof(struct msg_take_req, quantity) == offsetof(struct msg_hold_req, quantity));

static volatile sig_atomic_t is_stopping;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static NORETURN void fail(const char *what, int error)
{
    (void)fprintf(stderr, "limit_loop: %s: %s\n", what, strerror(error));
    exit(1);
}

static void mark_dirty(struct loop *loop, struct bench_link *link)
{
    if (link->is_dirty)
        return;
    if (loop->dirty_count == loop->dirty_capacity) {
        loop->dirty_capacity = loop->dirty_capacity == 0 ? 256 : 2 * loop->dirty_capacity;
        loop->dirty = realloc(loop->dirty, loop->dirty_capacity * sizeof(*loop->dirty));
        if (loop->dirty == NULL)
            fail("memory", ENOMEM);
    }
    link->is_dirty = true;
    loop->dirty[loop->dirty_count++] = link;
}

/* A reply header and room for its records. */
static u8 *begin_reply(struct bench_link *link, const struct frame_header *header, u32 body_bytes)
{
    u8 *to = bench_link_room(link, FRAME_HEADER_BYTES + body_bytes);
    if (to == NULL)
        fail("a client does not read its replies", ENOBUFS);
    memcpy(to, header, sizeof *header);
    return to;
}

static void end_reply(struct loop *loop, struct bench_link *link, u8 *reply, u32 body_bytes)
{
    frame_seal(reply, FRAME_HEADER_BYTES + body_bytes);
    bench_link_commit(link, FRAME_HEADER_BYTES + body_bytes);
    mark_dirty(loop, link);
}

/* Grants every record of one logged entry and answers. */
static void apply_entry(struct loop *loop, const struct entry_header *entry, const u8 *body,
                        const struct waiting *waiting, u64 now_ns)
{
    const bool is_take = entry->opcode == OPCODE_TAKE;
    const u32 request_bytes =
        is_take ? (u32)sizeof(struct msg_take_req) : (u32)sizeof(struct msg_hold_req);
    const u32 reply_bytes =
        is_take ? (u32)sizeof(struct msg_take_rsp) : (u32)sizeof(struct msg_hold_rsp);
    const struct frame_header header = {.opcode = entry->opcode,
                                        .flags = FRAME_FLAG_REPLY,
                                        .shard = entry->source_shard,
                                        .record_count = entry->record_count,
                                        .request_id = waiting->request_id,
                                        .session = entry->session,
                                        .session_seq = entry->session_seq,
                                        .acked_seq = entry->acked_seq,
                                        .lsn = loop->lsn,
                                        .time_ns = now_ns};
    loop->record_count += entry->record_count;
    if (waiting->link->is_closed)
        return;
    u8 *reply = begin_reply(waiting->link, &header, entry->record_count * reply_bytes);
    u8 *to = reply + FRAME_HEADER_BYTES;
    const u64 expires_at_ns = now_ns + LEASE_MS_DEFAULT * NS_PER_MS;
    for (u32 i = 0; i < entry->record_count; i++) {
        i64 quantity;
        memcpy(&quantity, body + offsetof(struct msg_take_req, quantity), sizeof quantity);
        loop->sellable -= quantity;
        const struct msg_hold_rsp rsp = {.sellable = loop->sellable,
                                         .expires_at_ns = expires_at_ns};
        memcpy(to, &rsp, is_take ? sizeof(struct msg_take_rsp) : sizeof rsp);
        body += request_bytes;
        to += reply_bytes;
    }
    end_reply(loop, waiting->link, reply, entry->record_count * reply_bytes);
}

static void apply_batch(struct loop *loop, struct batch *batch)
{
    const u64 now_ns = bench_now_ns();
    u32 at = LOG_HEADER_BYTES + (u32)sizeof(struct batch_header);
    for (u32 i = 0; i < batch->frame_count; i++) {
        struct entry_header entry;
        memcpy(&entry, batch->bytes + at, sizeof entry);
        apply_entry(loop, &entry, batch->bytes + at + sizeof entry, &batch->waiting[i], now_ns);
        at += (u32)sizeof entry + entry.body_bytes;
    }
    MUST(at == batch->used);
    batch->used = LOG_HEADER_BYTES + (u32)sizeof(struct batch_header);
    batch->frame_count = 0;
}

/* Starts the write of what has gathered, if none is in flight. */
static void start_write(struct loop *loop)
{
    struct batch *batch = &loop->batches[loop->gathering];
    if (batch->frame_count == 0 || loop->is_writing)
        return;
    loop->lsn++;
    if (loop->log_fd < 0) {
        apply_batch(loop, batch);
        return;
    }
    const struct batch_header header = {.stamp_ns = bench_now_ns(),
                                        .bytes = batch->used - LOG_HEADER_BYTES,
                                        .entry_count = batch->frame_count,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(batch->bytes, &loop->lsn, sizeof loop->lsn);
    memcpy(batch->bytes + LOG_HEADER_BYTES, &header, sizeof header);
    const u32 bytes = ROUND_UP(batch->used, LOG_BLOCK_BYTES);
    memset(batch->bytes + batch->used, 0, bytes - batch->used);
    if (loop->log_offset + bytes > loop->log_bytes)
        loop->log_offset = 0;
    struct io_uring_sqe *sqe = bench_ring_sqe(&loop->ring);
    io_uring_prep_write(sqe, loop->log_fd, batch->bytes, bytes, loop->log_offset);
    sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data64(sqe, BENCH_RING_WRITE);
    loop->log_offset += bytes;
    loop->written_bytes += bytes;
    loop->write_count++;
    loop->is_writing = true;
    loop->gathering ^= 1;
}

static void append_entry(struct loop *loop, struct bench_link *link, const u8 *frame, u32 bytes)
{
    struct batch *batch = &loop->batches[loop->gathering];
    const u32 body_bytes = bytes - FRAME_HEADER_BYTES;
    const struct frame_header header = frame_header_read(frame);
    const struct entry_header entry = {.body_bytes = body_bytes,
                                       .source = ENTRY_SOURCE_SESSION,
                                       .source_shard = header.shard,
                                       .opcode = header.opcode,
                                       .record_count = header.record_count,
                                       .session = header.session,
                                       .session_seq = header.session_seq,
                                       .acked_seq = header.acked_seq};
    if (batch->used + sizeof entry + body_bytes > BATCH_BYTES || batch->frame_count == BATCH_FRAMES)
        fail("a client has more than 8 MiB in flight", ENOBUFS);
    memcpy(batch->bytes + batch->used, &entry, sizeof entry);
    memcpy(batch->bytes + batch->used + sizeof entry, frame + FRAME_HEADER_BYTES, body_bytes);
    batch->used += (u32)sizeof entry + body_bytes;
    batch->waiting[batch->frame_count++] = (struct waiting){link, header.request_id};
}

/* Everything but take and hold: zeros, except where a client would stumble over them. */
static void answer_plainly(struct loop *loop, struct bench_link *link,
                           const struct frame_header *header)
{
    const struct message_info *info = message_find(header->opcode);
    if (info == NULL || header->record_count == 0)
        fail("a frame that no load generator sends", EPROTO);
    const u32 record_bytes = ROUND_UP(info->reply.fixed_bytes + 4u * info->reply.span_count, 8u);
    const u32 body_bytes = header->record_count * record_bytes;
    const struct frame_header answer = {.opcode = header->opcode,
                                        .flags = FRAME_FLAG_REPLY,
                                        .shard = header->shard,
                                        .record_count = header->record_count,
                                        .request_id = header->request_id,
                                        .session = header->session,
                                        .session_seq = header->session_seq,
                                        .acked_seq = header->acked_seq};
    u8 *reply = begin_reply(link, &answer, body_bytes);
    memset(reply + FRAME_HEADER_BYTES, 0, body_bytes);
    if (header->opcode == OPCODE_HELLO) {
        const struct msg_hello_rsp hello = {.version = FRAME_VERSION,
                                            .shard_count = 1,
                                            .reactor_count = 1,
                                            .durability = loop->log_fd < 0 ? 2 : 0,
                                            .frame_bytes_max = FRAME_BYTES_MAX,
                                            .frame_records_max = FRAME_RECORDS_MAX,
                                            .window_frames = SESSION_WINDOW_FRAMES,
                                            .session_reply_bytes_max = SESSION_REPLY_BYTES_MAX,
                                            .grant_retention_ms = GRANT_RETENTION_MS};
        memcpy(reply + FRAME_HEADER_BYTES, &hello, sizeof hello);
    }
    end_reply(loop, link, reply, body_bytes);
}

static void on_frame(void *context, struct bench_link *link, const u8 *frame, u32 bytes)
{
    struct loop *loop = context;
    const struct frame_header header = frame_header_read(frame);
    if (header.opcode == OPCODE_TAKE || header.opcode == OPCODE_HOLD)
        append_entry(loop, link, frame, bytes);
    else
        answer_plainly(loop, link, &header);
}

static void on_accept(struct loop *loop, i32 fd)
{
    if (fd < 0)
        return;
    bench_socket_tune(fd);
    struct bench_link *link = aligned_alloc(64, ROUND_UP(sizeof *link, 64u));
    if (link == NULL || bench_link_open(link, fd, LINK_OUT_BYTES, FRAME_BYTES_MAX) != 0)
        fail("memory", ENOMEM);
    bench_ring_recv(&loop->ring, link);
}

static void on_recv(struct loop *loop, const struct bench_ring_event *event)
{
    struct bench_link *link = event->link;
    if (event->result > 0 && event->has_buffer) {
        if (!link->is_closed &&
            !bench_link_split(link, event->data, (u32)event->result, on_frame, loop))
            link->is_closed = true;
        bench_ring_return(&loop->ring, event->buffer);
    } else if (event->result != -ENOBUFS) {
        /* The link itself stays: frames of it may still be in a batch. */
        link->is_closed = true;
        (void)shutdown(link->fd, SHUT_RDWR);
        return;
    }
    if (event->is_last && !link->is_closed)
        bench_ring_recv(&loop->ring, link);
}

static void on_event(struct loop *loop, const struct bench_ring_event *event)
{
    switch (event->kind) {
    case BENCH_RING_ACCEPT: on_accept(loop, event->result); break;
    case BENCH_RING_RECV: on_recv(loop, event); break;
    case BENCH_RING_SEND:
        bench_link_sent(&loop->ring, event->link, event->result);
        mark_dirty(loop, event->link);
        break;
    case BENCH_RING_WRITE:
        if (event->result <= 0 || (u32)event->result % LOG_BLOCK_BYTES != 0)
            fail("log write", event->result < 0 ? -event->result : EIO);
        loop->is_writing = false;
        break;
    case BENCH_RING_KIND_MASK: break;
    }
}

/* One turn: collect, start the next write, apply what was written, flush, wait. The next write
 * starts before the last batch is applied, as in the server, so that disk and processor overlap. */
static void run(struct loop *loop)
{
    struct bench_ring_event *events = calloc(EVENTS_MAX, sizeof *events);
    if (events == NULL)
        fail("memory", ENOMEM);
    while (!is_stopping) {
        const i32 count = bench_ring_turn(&loop->ring, NS_PER_S, events, EVENTS_MAX);
        if (count < 0)
            fail("ring", -count);
        const bool was_writing = loop->is_writing;
        struct batch *written = &loop->batches[loop->gathering ^ 1];
        for (i32 i = 0; i < count; i++)
            on_event(loop, &events[i]);
        const bool has_written = was_writing && !loop->is_writing;
        if (!has_written) {
            start_write(loop);
        } else if (loop->batches[loop->gathering].frame_count != 0) {
            start_write(loop);
            /* `written` gathers from now on, once it has been applied. */
            apply_batch(loop, written);
        } else {
            apply_batch(loop, written);
        }
        for (u32 i = 0; i < loop->dirty_count; i++) {
            loop->dirty[i]->is_dirty = false;
            bench_link_flush(&loop->ring, loop->dirty[i]);
        }
        loop->dirty_count = 0;
    }
    free(events);
}

/* A file of `bytes` that was really written: unwritten extents would cost a journal commit each. */
static int open_log(const char *path, u64 bytes)
{
    struct stat info;
    const bool is_ready = stat(path, &info) == 0 && (u64)info.st_size == bytes;
    const int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
    if (fd < 0)
        fail(path, errno);
    if (is_ready)
        return fd;
    void *zeros =
        mmap(NULL, ZERO_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (zeros == MAP_FAILED || ftruncate(fd, 0) != 0)
        fail(path, errno);
    for (u64 at = 0; at < bytes; at += ZERO_BYTES)
        if (pwrite(fd, zeros, MIN(ZERO_BYTES, bytes - at), (off_t)at) <= 0)
            fail(path, errno);
    if (fsync(fd) != 0)
        fail(path, errno);
    (void)munmap(zeros, ZERO_BYTES);
    return fd;
}

static void open_batches(struct loop *loop)
{
    for (u32 i = 0; i < 2; i++) {
        struct batch *batch = &loop->batches[i];
        batch->bytes = aligned_alloc(LOG_BLOCK_BYTES, BATCH_BYTES + LOG_BLOCK_BYTES);
        batch->waiting = calloc(BATCH_FRAMES, sizeof *batch->waiting);
        if (batch->bytes == NULL || batch->waiting == NULL)
            fail("memory", ENOMEM);
        memset(batch->bytes, 0, BATCH_BYTES + LOG_BLOCK_BYTES);
        batch->used = LOG_HEADER_BYTES + (u32)sizeof(struct batch_header);
    }
}

int main(int argc, char **argv)
{
    const char *listen_on = NULL, *unix_path = NULL, *mode = "durable", *log_path = NULL;
    u64 log_size = 1ull << 30;
    i32 cpu = 0;
    u32 seconds = 0;
    bool is_json = false;
    const struct bench_option table[] = {
        {"listen", BENCH_OPTION_TEXT, &listen_on, "HOST:PORT; port 0 = any"},
        {"unix", BENCH_OPTION_TEXT, &unix_path, "PATH of a Unix socket"},
        {"mode", BENCH_OPTION_TEXT, &mode, "durable (default) or nolog"},
        {"log", BENCH_OPTION_TEXT, &log_path, "FILE of the log (durable)"},
        {"log-size", BENCH_OPTION_SIZE, &log_size, "bytes written ahead and used in turn (1g)"},
        {"cpu", BENCH_OPTION_I32, &cpu, "pin to this processor (0); -1 = do not"},
        {"seconds", BENCH_OPTION_U32, &seconds, "stop by itself; 0 = at SIGTERM"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the closing line as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "limit_loop: the bare durable loop behind Souk's wire bytes.", argc,
                        argv);
    const bool is_durable = strcmp(mode, "durable") == 0;
    if ((!is_durable && strcmp(mode, "nolog") != 0) || (is_durable && log_path == NULL) ||
        (listen_on == NULL && unix_path == NULL)) {
        (void)fprintf(stderr,
                      "limit_loop: needs --listen or --unix, and --log FILE when durable\n");
        return 2;
    }
    struct loop loop = {.log_fd = -1, .log_bytes = log_size, .sellable = COUNTER_MAX};
    if (is_durable)
        loop.log_fd = open_log(log_path, log_size);
    if (bench_pin(cpu) != 0)
        fail("pin", EINVAL);
    open_batches(&loop);
    int result = bench_ring_open(&loop.ring, RING_ENTRIES, RING_BUFFER_COUNT, RING_BUFFER_BYTES);
    if (result != 0)
        fail("io_uring", -result);
    const char *const addresses[] = {listen_on, unix_path};
    char actual[2][128] = {"", ""};
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        if (addresses[i] == NULL)
            continue;
        const int listener = bench_listen(addresses[i], actual[i], sizeof actual[i]);
        if (listener < 0)
            fail(addresses[i], -listener);
        bench_ring_accept(&loop.ring, listener);
    }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGALRM, on_signal);
    (void)alarm(seconds);
    (void)printf("ready %s %s\n", actual[0], actual[1]);
    (void)fflush(stdout);
    run(&loop);
    (void)printf(is_json ? "{\"records\":%llu,\"writes\":%llu,\"bytes\":%llu}\n"
                         : "%llu records in %llu writes of %llu bytes together\n",
                 (unsigned long long)loop.record_count, (unsigned long long)loop.write_count,
                 (unsigned long long)loop.written_bytes);
    return 0;
}
