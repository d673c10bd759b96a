/* load: the load generator. One thread, one ring, many connections, frames built ahead.
 *
 *      load_run:  connect -> protocol.open (blocking: hello, session, SKUs) -> turns -> result
 *      a turn:    one io_uring_enter; replies are read where they arrived, every status is counted;
 *                 each free slot gets a new frame; one send per connection
 *
 * A connection has `inflight` slots. Its two send buffers consist of `inflight` frames that are built
 * once; to send one, only what differs is written into it (request id, sequence number, ids) and it
 * is sealed. So the generator stays far ahead of any server, and what it measures is the server.
 *
 * Two ways to drive
 *   closed loop  a slot is used again as soon as its reply is there: throughput. Latency is from the
 *                turn that sent the frame to the turn that saw its reply.
 *   open loop    --rate frames/s, Poisson. A frame whose time has come and that finds no free slot
 *                waits its turn, and its latency counts from the intended time: no coordinated
 *                omission.
 *
 * The protocol is a table of functions: Souk's own (load_souk.c) and peers' (bench/peers), so that
 * everybody is measured by the same loop and the same clock.
 *
 * Ownership  everything belongs to the thread that calls load_run.
 * Failure    a connection that is closed or speaks nonsense ends the run with a reason.
 * Not here   retries: a reply is counted with its status, whatever it is, and that was it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_LOAD_H
#define SOUK_BENCH_LOAD_H

#include "bench/common/bench_clock.h"
#include "bench/common/bench_histogram.h"
#include "bench/common/bench_ring.h"
#include "proto/frame.h"
#include "proto/id.h"

#include <jansson.h>

#define LOAD_CONNECTIONS_MAX 4096u
#define LOAD_INFLIGHT_MAX    SESSION_WINDOW_FRAMES
#define LOAD_STATUS_MAX      256u
#define LOAD_REASON_BYTES    256u

enum load_op {
    LOAD_OP_TAKE,
    LOAD_OP_HOLD,
    LOAD_OP_TAKE_NAMED,
    LOAD_OP_STOCK_GET,
    LOAD_OP_SOLD_OUT, /* takes of SKUs that never had stock */
    LOAD_OP_RECEIVE,
    LOAD_OP_CART_ADD, /* carts of five lines */
    LOAD_OP_CART_GET,
    LOAD_OP_CHECKOUT, /* load_checkout.c: orders of three lines, placed to paid */
    LOAD_OP_COUNT
};
enum load_pattern { LOAD_PATTERN_HOT, LOAD_PATTERN_UNIFORM, LOAD_PATTERN_ZIPF, LOAD_PATTERN_COUNT };

struct load_options {
    const char *address; /* HOST:PORT or a path with a slash */
    u32 connections;
    u32 inflight;
    u32 records; /* per frame; of a peer: commands sent at once */
    enum load_op op;
    enum load_pattern pattern;
    double theta;  /* of zipf */
    u32 sku_count; /* created by the setup; the hot SKU is the first one of its shard */
    u64 seconds_ns;
    u64 warmup_ns;
    double rate; /* frames per second; 0 = closed loop */
    i32 cpu;
    pid_t server_pid; /* 0 = unknown, then no figures of the server */
    bool is_family;   /* the server is that process and its children */
    u64 lease_ms;     /* of holds; 0 = the SKU's default */
    u64 seed;
    u32 stock;               /* of each SKU, in a checkout; 0 = plenty */
    bool skip_setup;         /* the SKUs are there already */
    bool skip_verify;        /* do not check the checksums of replies */
    const u64 *alloc_counts; /* of the server: allocations, maps (bench/hook); or NULL */
    const char *peer;        /* NULL = Souk; else of peers/peer.c */
};

struct load_result {
    u64 ops; /* records answered within the measured time */
    u64 frames;
    u64 granted; /* records with status OK */
    u64 statuses[LOAD_STATUS_MAX];
    u64 wall_ns;
    u64 client_cpu_ns;
    struct bench_process_use server; /* the difference over the measured time; rss: at its end */
    u64 cpu_busy_ns[2];              /* of processors 0 and 1, whoever ran there */
    double steal_percent;
    u64 allocations; /* of the server, where counted */
    u64 late_ns_max; /* open loop: the longest that a frame waited for a slot */
    u64 turns;
    struct bench_histogram latency; /* per frame */
    char reason[LOAD_REASON_BYTES];
};

struct load;
struct load_connection {
    struct bench_link link; /* first: the ring's events name it */
    struct load *load;
    u32 index;
    u16 shard;
    u16 free_count;
    u16 *free_slots;
    u64 *sent_ns; /* per slot */
    void *state;  /* of the protocol */
};

struct load_protocol {
    const char *name;
    /* Connects, greets, creates what is needed; blocking. The connections' descriptors are set. */
    int (*open)(struct load *load);
    void (*close)(struct load *load);
    u32 (*frame_bytes)(const struct load *load);
    /* Writes a whole frame; later only what differs is written by frame_next. */
    void (*frame_init)(struct load *load, struct load_connection *connection, u8 *frame);
    void (*frame_next)(struct load *load, struct load_connection *connection, u8 *frame, u16 slot);
    /* Reads replies; calls load_answered for each frame. False: nonsense, load->result->reason. */
    bool (*on_bytes)(struct load *load, struct load_connection *connection, const u8 *data,
                     u32 bytes);
};
extern const struct load_protocol load_souk_protocol;

struct load {
    struct load_options options;
    const struct load_protocol *protocol;
    struct bench_ring ring;
    struct load_connection *connections;
    struct load_result *result;
    u32 frame_bytes;
    u64 now_ns; /* of this turn */
    bool is_draining;
    u32 outstanding; /* frames */
    u32 next_connection;
    u64 random;
    u64 *backlog; /* open loop: intended times of frames without a slot, a ring */
    u64 backlog_head;
    u64 backlog_tail;
    u64 due_ns;  /* the next intended time */
    void *state; /* of the protocol */
};

/* Runs one measurement. 0, or -errno with result->reason. `result` is large: not on a stack. */
NODISCARD int load_run(const struct load_options *options, struct load_result *result);
/* A whole frame has been answered with `records` records; the slot is free again. The protocol has
 * counted the statuses. */
void load_answered(struct load *load, struct load_connection *connection, u16 slot, u32 records);
/* xorshift: 64 random bits. */
static inline u64 load_random(u64 *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

const char *load_op_name(enum load_op op);
const char *load_pattern_name(enum load_pattern pattern);

/* load_options.c: the command line of `souk-bench load`. */
int load_main(int argc, char **argv);
struct load_options load_options_default(void);

/* load_use.c: what a measurement has used, and a result that starts anew after the warm-up. */
struct load_use {
    u64 wall_ns;
    u64 client_cpu_ns;
    struct bench_process_use server;
    struct bench_machine_use machine;
    u64 allocations;
};
struct load_use load_use_read(const struct load_options *options);
void load_use_store(struct load_result *result, const struct load_use *from,
                    const struct load_use *to);
void load_use_clear(struct load_result *result);

/* load_report.c */

void load_print(const struct load_options *options, const struct load_result *result);
json_t *load_json(const struct load_options *options, const struct load_result *result);

#endif
