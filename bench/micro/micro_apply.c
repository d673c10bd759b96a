/* micro_apply: what a shard costs per record, alone on one core, without log and network.
 *
 *   micro_apply [--json] [--case NAME] [--ops N] [--skus N] [--slope]
 *
 * Cases: take64, take1, take64_named, hold64, soldout64 (shard_admit), random64 (takes spread over
 * --skus SKUs, 1,000,000 if not said). Without --case all run; each prints the median of ROUNDS
 * rounds. Batches are built outside of the timed part, and what holds and named takes need is
 * there before it. --slope measures resident memory per SKU
 * between one and two times --skus, and how much of it hot record, index and cold record are.
 *
 * With --case and a fixed --ops it is fit for callgrind:
 *   valgrind --tool=callgrind --toggle-collect=shard_apply micro_apply --case take64 --ops 65536
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/route.h"
#include "proto/status.h"
#include "shards/shard.h"
#include "shards/shard_state.h"

#define ROUNDS          7u
#define SESSIONS        64u
#define BATCH_BYTES_MAX LOG_BATCH_BYTES_MAX
#define CHUNK_BATCHES   16u
#define START_NS        (1700000000ull * NS_PER_S)

struct bench {
    struct shard *shard;
    u8 *batches[CHUNK_BATCHES];
    u32 batch_bytes[CHUNK_BATCHES];
    u64 stamps[CHUNK_BATCHES];
    u64 lsn;
    u64 now_ns;
    u64 seqs[SESSIONS];
    u64 random;
    u64 next_id;
    u32 next_session;
    u32 sku_count;
    u64 granted;
    bool is_json;
    bool is_first;
};

/* What a case puts into its frames. */
struct plan {
    const char *name;
    u16 opcode;
    u32 records; /* of a frame */
    u32 frames;  /* of a batch */
    bool is_named;
    bool is_random;
};

static const struct plan plans[] = {
    {"take64", OPCODE_TAKE, 64, 16, false, false},
    {"take1", OPCODE_TAKE, 1, 256, false, false},
    {"take64_named", OPCODE_TAKE, 64, 16, true, false},
    {"hold64", OPCODE_HOLD, 64, 16, true, false},
    {"hold1", OPCODE_HOLD, 1, 256, true, false},
    {"random64", OPCODE_TAKE, 64, 16, false, true},
    {"random1", OPCODE_TAKE, 1, 256, false, true},
};

static u64 clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static u64 next_random(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

static struct id128 session_id(u32 index)
{
    return (struct id128){.low = 0x5e55 + index, .high = 0x1234567890abcdefull + index};
}

static struct id128 fresh_id(struct bench *bench)
{
    const u64 ms = bench->now_ns / NS_PER_MS;
    return (struct id128){.low = ++bench->next_id * 0x9E3779B97F4A7C15ull, .high = ms << 16};
}

/* SKU 1 is the hot one. */
static struct resource sku(u64 number)
{
    return (struct resource){.id = number};
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct bench *bench = context;
    (void)entry_index;
    MUST(reply->status == STATUS_OK);
    const struct record_status *head = (const void *)reply->body;
    bench->granted += head->status == STATUS_OK ? 1 : 0;
}

static u8 *batch_begin(struct bench *bench, u32 slot)
{
    memset(bench->batches[slot], 0, sizeof(struct batch_header));
    bench->batch_bytes[slot] = sizeof(struct batch_header);
    return bench->batches[slot];
}

static u8 *entry_add(struct bench *bench, u32 slot, struct entry_header entry)
{
    u8 *to = bench->batches[slot] + bench->batch_bytes[slot];
    entry.source = ENTRY_SOURCE_SESSION;
    memcpy(to, &entry, sizeof entry);
    bench->batch_bytes[slot] += (u32)sizeof entry + entry.body_bytes;
    MUST(bench->batch_bytes[slot] <= BATCH_BYTES_MAX);
    return to + sizeof entry;
}

static void batch_seal(struct bench *bench, u32 slot, u32 entry_count)
{
    bench->now_ns += 100 * 1000;
    bench->stamps[slot] = bench->now_ns;
    const struct batch_header header = {.stamp_ns = bench->now_ns,
                                        .bytes = bench->batch_bytes[slot],
                                        .entry_count = entry_count,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(bench->batches[slot], &header, sizeof header);
}

static void batch_apply(struct bench *bench, u32 slot)
{
    while (!shard_expire(bench->shard, bench->stamps[slot], 4096)) {}
    shard_apply(bench->shard, ++bench->lsn, bench->batches[slot], bench->batch_bytes[slot], false,
                on_reply, bench);
}

/* The header of the next numbered frame of the next session. */
static struct entry_header numbered(struct bench *bench, u16 opcode, u32 records)
{
    const u32 session = bench->next_session++ % SESSIONS;
    const u64 seq = ++bench->seqs[session];
    return (struct entry_header){
        .body_bytes = records * message_find(opcode)->request.fixed_bytes,
        .opcode = opcode,
        .record_count = (u16)records,
        .session = session_id(session),
        .session_seq = seq,
        .acked_seq = seq > 16 ? seq - 16 : 0,
    };
}

static void write_record(struct bench *bench, const struct plan *plan, u8 *to)
{
    const u64 number = plan->is_random ? 1 + next_random(bench) % bench->sku_count : 1;
    const struct msg_hold_req record = {
        .resource = sku(number),
        .quantity = 1,
        .owner = 7,
        .id = plan->is_named ? fresh_id(bench) : (struct id128){0, 0},
        .lease_ms = 60000,
    };
    memcpy(to, &record, message_find(plan->opcode)->request.fixed_bytes);
}

static void build_batch(struct bench *bench, const struct plan *plan, u32 slot)
{
    const u32 bytes = message_find(plan->opcode)->request.fixed_bytes;
    (void)batch_begin(bench, slot);
    for (u32 f = 0; f < plan->frames; f++) {
        u8 *to = entry_add(bench, slot, numbered(bench, plan->opcode, plan->records));
        for (u32 r = 0; r < plan->records; r++)
            write_record(bench, plan, to + (size_t)r * bytes);
    }
    batch_seal(bench, slot, plan->frames);
}

/* SKUs with plenty of stock, in frames of 1024. */
static void add_skus(struct bench *bench, u32 from, u32 to)
{
    const struct message_info *put = message_find(OPCODE_SKU_PUT);
    while (from < to) { /* ends: a frame each time */
        const u32 count = MIN(1024u, to - from);
        struct entry_header entry = numbered(bench, OPCODE_SKU_PUT, count);
        char code[24];
        u8 *begin = batch_begin(bench, 0) + sizeof(struct batch_header);
        u8 *at = begin + sizeof entry;
        for (u32 i = 0; i < count; i++) {
            const struct msg_sku_put_req record = {
                .resource = sku(from + i), .price = 100, .currency = 826};
            const struct span span = {.data = (const u8 *)code,
                                      .bytes =
                                          (u32)snprintf(code, sizeof code, "SKU-%08u", from + i)};
            at += frame_record_write(put, FRAME_DIRECTION_REQUEST, at, 1024, &record, &span);
        }
        entry.source = ENTRY_SOURCE_SESSION;
        entry.body_bytes = (u32)(at - begin - (ptrdiff_t)sizeof entry);
        memcpy(begin, &entry, sizeof entry);
        bench->batch_bytes[0] = (u32)(at - bench->batches[0]);
        batch_seal(bench, 0, 1);
        batch_apply(bench, 0);
        (void)batch_begin(bench, 0);
        u8 *body = entry_add(bench, 0, numbered(bench, OPCODE_STOCK_RECEIVE, count));
        for (u32 i = 0; i < count; i++) {
            const struct msg_stock_receive_req record = {.resource = sku(from + i),
                                                         .quantity = QUANTITY_MAX};
            memcpy(body + i * sizeof record, &record, sizeof record);
        }
        batch_seal(bench, 0, 1);
        batch_apply(bench, 0);
        from += count;
    }
}

static void bench_open(struct bench *bench, u32 sku_count)
{
    const struct shard_options options = {.count = 1};
    bench->shard = shard_open(&options);
    MUST(bench->shard != NULL);
    bench->lsn = 0;
    bench->now_ns = START_NS;
    bench->random = 88172645463325252ull;
    memset(bench->seqs, 0, sizeof bench->seqs);
    (void)batch_begin(bench, 0);
    for (u32 i = 0; i < SESSIONS; i++) {
        const struct entry_header entry = {.body_bytes = sizeof(struct msg_session_open_req),
                                           .opcode = OPCODE_SESSION_OPEN,
                                           .record_count = 1,
                                           .session = session_id(i)};
        memset(entry_add(bench, 0, entry), 0, entry.body_bytes);
    }
    batch_seal(bench, 0, SESSIONS);
    batch_apply(bench, 0);
    add_skus(bench, 1, 1 + sku_count);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_figure(struct bench *bench, const char *name, const char *unit, double value)
{
    if (bench->is_json)
        printf("%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.2f}",
               bench->is_first ? "" : ",", name, unit, value);
    else
        printf("%-24s %10.2f %s\n", name, value, unit);
    bench->is_first = false;
}

static void print_median(struct bench *bench, const char *name, double *values, u32 count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    print_figure(bench, name, "ns/record", values[count / 2]);
}

/* ns per record of one round. */
static double run_round(struct bench *bench, const struct plan *plan, u64 ops)
{
    const u64 chunk_records = (u64)CHUNK_BATCHES * plan->frames * plan->records;
    u64 done = 0, spent_ns = 0;
    while (done < ops) { /* ends: a chunk each time */
        for (u32 b = 0; b < CHUNK_BATCHES; b++)
            build_batch(bench, plan, b);
        const u64 begin_ns = clock_ns();
        for (u32 b = 0; b < CHUNK_BATCHES; b++)
            batch_apply(bench, b);
        spent_ns += clock_ns() - begin_ns;
        done += chunk_records;
    }
    return (double)spent_ns / (double)done;
}

static void run_plan(struct bench *bench, const struct plan *plan, u64 ops, u32 rounds)
{
    double values[ROUNDS];
    bench_open(bench, plan->is_random ? bench->sku_count : 1);
    bench->granted = 0;
    if (plan->is_named) { /* as a server does ahead: fresh pages are the machine's cost, not ours */
        pool_prepare(&bench->shard->stock.grants, (u32)(ops + ops / 2));
        map_prepare(&bench->shard->stock.grant_map, (u32)(ops + ops / 2));
    }
    for (u32 r = 0; r < rounds; r++)
        values[r] = run_round(bench, plan, ops / rounds);
    MUST(bench->granted != 0);
    print_median(bench, plan->name, values, rounds);
    shard_close(bench->shard);
}

/* Takes of one SKU that has nothing left, refused by shard_admit. */
static void run_sold_out(struct bench *bench, u64 ops, u32 rounds)
{
    enum { RECORDS = 64 };
    static u8 body[RECORDS * sizeof(struct msg_take_req)];
    double values[ROUNDS];
    bench_open(bench, 1);
    for (u32 i = 0; i < RECORDS; i++) {
        const struct msg_take_req record = {.resource = sku(1), .quantity = QUANTITY_MAX};
        memcpy(body + i * sizeof record, &record, sizeof record);
    }
    const struct plan drain = {"", OPCODE_TAKE, 1, 1, false, false};
    build_batch(bench, &drain, 0); /* one unit less than asked for below */
    batch_apply(bench, 0);
    for (u32 r = 0; r < rounds; r++) {
        const u64 begin_ns = clock_ns();
        for (u64 done = 0; done < ops / rounds; done += RECORDS) {
            struct shard_reply reply;
            const struct frame_header header = {.opcode = OPCODE_TAKE,
                                                .record_count = RECORDS,
                                                .session = session_id(0),
                                                .session_seq = bench->seqs[0] + 1};
            const enum shard_verdict verdict =
                shard_admit(bench->shard, &header, body, sizeof body, bench->now_ns, &reply);
            MUST(verdict == SHARD_VERDICT_ANSWER);
            MUST(reply.status == STATUS_OK);
        }
        values[r] = (double)(clock_ns() - begin_ns) / (double)(ops / rounds);
    }
    print_median(bench, "soldout64", values, rounds);
    shard_close(bench->shard);
}

static u64 resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, resident = 0;
    MUST(file != NULL);
    MUST(fscanf(file, "%lu %lu", &size, &resident) == 2);
    (void)fclose(file);
    return (u64)resident * (u64)sysconf(_SC_PAGESIZE);
}

static u64 pool_bytes(const struct pool *pool)
{
    return (u64)pool->fresh_end * pool->record_bytes;
}

static void run_slope(struct bench *bench)
{
    const u32 count = bench->sku_count;
    bench_open(bench, count);
    const struct stock *stock = &bench->shard->stock;
    const u64 before = resident_bytes();
    const u64 hot = pool_bytes(&stock->hots);
    const u64 index =
        pool_bytes(&stock->resources.buckets) + pool_bytes(&stock->resources.overflow);
    const u64 cold = pool_bytes(&stock->colds);
    add_skus(bench, 1 + count, 1 + 2 * count);
    print_figure(bench, "slope_resident", "bytes/SKU",
                 (double)(resident_bytes() - before) / (double)count);
    const u64 index_after =
        pool_bytes(&stock->resources.buckets) + pool_bytes(&stock->resources.overflow);
    print_figure(bench, "slope_hot_and_index", "bytes/SKU",
                 (double)(pool_bytes(&stock->hots) - hot + index_after - index) / (double)count);
    print_figure(bench, "slope_cold", "bytes/SKU",
                 (double)(pool_bytes(&stock->colds) - cold) / (double)count);
    shard_close(bench->shard);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *only = NULL;
    u64 ops = 4u << 20;
    u32 rounds = ROUNDS;
    bool has_slope = false;
    bench.sku_count = 1000000;
    bench.is_first = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            bench.is_json = true;
        else if (strcmp(argv[i], "--slope") == 0)
            has_slope = true;
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--ops") == 0 && i + 1 < argc)
            ops = strtoull(argv[++i], NULL, 10), rounds = 1;
        else if (strcmp(argv[i], "--skus") == 0 && i + 1 < argc)
            bench.sku_count = (u32)strtoul(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "micro_apply: unknown argument %s\n", argv[i]), 2;
    }
    for (u32 b = 0; b < CHUNK_BATCHES; b++) {
        bench.batches[b] = aligned_alloc(4096, BATCH_BYTES_MAX);
        MUST(bench.batches[b] != NULL);
    }
    if (bench.is_json)
        printf("[");
    for (u32 i = 0; i < ARRAY_COUNT(plans); i++)
        if (only == NULL || strcmp(only, plans[i].name) == 0)
            run_plan(&bench, &plans[i], ops, rounds);
    if (only == NULL || strcmp(only, "soldout64") == 0)
        run_sold_out(&bench, ops, rounds);
    if (has_slope)
        run_slope(&bench);
    if (bench.is_json)
        printf("\n]\n");
    return 0;
}
