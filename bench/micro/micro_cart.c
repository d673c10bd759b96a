/* micro_cart: what carts cost, alone on one core, without log and network.
 *
 *   micro_cart [--json] [--case NAME] [--ops N] [--carts N]
 *
 * --carts carts (200,000 if not said) of 5 lines each are filled first, in an order that spreads them; then
 *
 *   add16, add1      one more unit of a random line of a random cart, in frames of 16 records or of 1
 *   get16, get1      a random cart of 5 lines, read in frames of 16 records or of 1
 *   fill             the five adds that make a cart, per add
 *   fill2000         a cart of 2,000 lines, per add
 *   memory           bytes per cart of 5 lines: record, index, deadlines, block of lines
 *
 * Each prints the median of ROUNDS rounds. With --case and a fixed --ops it is fit for callgrind:
 *   valgrind --tool=callgrind --toggle-collect=shard_apply micro_cart --case add16 --ops 65536
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/status.h"
#include "shards/shard.h"
#include "shards/shard_state.h"

#define ROUNDS        7u
#define SESSIONS      64u
#define CHUNK_BATCHES 16u
#define BATCH_RECORDS 1024u
#define CART_LINES    5u
#define START_NS      (1700000000ull * NS_PER_S)

struct bench {
    struct shard *shard;
    u8 *batches[CHUNK_BATCHES];
    u32 batch_bytes[CHUNK_BATCHES];
    u64 stamps[CHUNK_BATCHES];
    u8 *reply;
    u64 lsn;
    u64 now_ns;
    u64 seqs[SESSIONS];
    u64 random;
    u64 refused;
    u64 bytes_read;
    u32 next_session;
    u32 cart_count;
    bool is_json;
    bool is_first;
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

/* Ids are hashes in a real shop. */
static u64 user_of(u32 number)
{
    const u64 id = (number + 1) * 0x9E3779B97F4A7C15ull;
    return (id ^ id >> 29) >> 1 | 1;
}

static u64 sku_of(u64 user_id, u32 line)
{
    return (user_id ^ line * 0xD6E8FEB86659FD93ull) >> 1 | 1;
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct bench *bench = context;
    (void)entry_index;
    const struct record_status *head = (const void *)reply->body;
    bench->refused += reply->status != STATUS_OK || head->status != STATUS_OK ? 1 : 0;
}

static void batch_begin(struct bench *bench, u32 slot)
{
    bench->batch_bytes[slot] = sizeof(struct batch_header);
}

static u8 *entry_add(struct bench *bench, u32 slot, u16 opcode, u32 records)
{
    const u32 session = bench->next_session++ % SESSIONS;
    const u64 seq = ++bench->seqs[session];
    const struct entry_header entry = {
        .body_bytes = records * message_find(opcode)->request.fixed_bytes,
        .source = ENTRY_SOURCE_SESSION,
        .opcode = opcode,
        .record_count = (u16)records,
        .session = session_id(session),
        .session_seq = opcode == OPCODE_SESSION_OPEN ? 0 : seq,
        .acked_seq = opcode == OPCODE_SESSION_OPEN || seq < 16 ? 0 : seq - 16,
    };
    u8 *to = bench->batches[slot] + bench->batch_bytes[slot];
    memcpy(to, &entry, sizeof entry);
    bench->batch_bytes[slot] += (u32)sizeof entry + entry.body_bytes;
    MUST(bench->batch_bytes[slot] <= LOG_BATCH_BYTES_MAX);
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

static void write_add(u8 *to, u64 user_id, u64 sku_id)
{
    const struct msg_cart_add_req record = {
        .user_id = user_id, .sku_id = sku_id, .quantity = 1, .price_seen = 1000, .currency = 826};
    memcpy(to, &record, sizeof record);
}

static void open_shard(struct bench *bench)
{
    const struct shard_options options = {.count = 1};
    bench->shard = shard_open(&options);
    MUST(bench->shard != NULL);
    bench->lsn = 0;
    bench->now_ns = START_NS;
    bench->random = 88172645463325252ull;
    bench->refused = 0;
    bench->next_session = 0;
    memset(bench->seqs, 0, sizeof bench->seqs);
    batch_begin(bench, 0);
    for (u32 i = 0; i < SESSIONS; i++) {
        u8 *to = entry_add(bench, 0, OPCODE_SESSION_OPEN, 1);
        memset(to, 0, sizeof(struct msg_session_open_req));
        bench->seqs[i] = 0;
    }
    batch_seal(bench, 0, SESSIONS);
    batch_apply(bench, 0);
}

/* Line by line over all carts, so that a cart's memory is not in one place by chance. Returns the ns. */
static u64 fill_carts(struct bench *bench)
{
    u64 spent_ns = 0;
    for (u32 line = 0; line < CART_LINES; line++)
        for (u32 done = 0; done < bench->cart_count;) { /* ends: a batch each time */
            const u32 count = MIN(bench->cart_count - done, BATCH_RECORDS);
            batch_begin(bench, 0);
            u8 *to = entry_add(bench, 0, OPCODE_CART_ADD, count);
            for (u32 i = 0; i < count; i++, to += sizeof(struct msg_cart_add_req))
                write_add(to, user_of(done + i), sku_of(user_of(done + i), line));
            batch_seal(bench, 0, 1);
            const u64 begin_ns = clock_ns();
            batch_apply(bench, 0);
            spent_ns += clock_ns() - begin_ns;
            done += count;
        }
    MUST(bench->refused == 0);
    MUST(map_count(&bench->shard->carts.map) == bench->cart_count);
    return spent_ns;
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

/* ---- add ---- */

static double add_round(struct bench *bench, u32 records, u64 ops)
{
    u64 done = 0, spent_ns = 0;
    while (done < ops) { /* ends: a chunk each time */
        for (u32 b = 0; b < CHUNK_BATCHES; b++) {
            batch_begin(bench, b);
            for (u32 f = 0; f < BATCH_RECORDS / records; f++) {
                u8 *to = entry_add(bench, b, OPCODE_CART_ADD, records);
                for (u32 r = 0; r < records; r++, to += sizeof(struct msg_cart_add_req)) {
                    const u64 user_id = user_of((u32)(next_random(bench) % bench->cart_count));
                    write_add(to, user_id, sku_of(user_id, (u32)(next_random(bench) % CART_LINES)));
                }
            }
            batch_seal(bench, b, BATCH_RECORDS / records);
        }
        const u64 begin_ns = clock_ns();
        for (u32 b = 0; b < CHUNK_BATCHES; b++)
            batch_apply(bench, b);
        spent_ns += clock_ns() - begin_ns;
        done += (u64)CHUNK_BATCHES * BATCH_RECORDS;
    }
    return (double)spent_ns / (double)done;
}

/* ---- get ---- */

static double get_round(struct bench *bench, u32 records, u64 ops)
{
    struct msg_cart_get_req asks[BATCH_RECORDS];
    const struct frame_header header = {.opcode = OPCODE_CART_GET, .record_count = (u16)records};
    u64 done = 0, spent_ns = 0;
    while (done < ops) { /* ends: some frames each time */
        for (u32 i = 0; i < BATCH_RECORDS; i++)
            asks[i].user_id = user_of((u32)(next_random(bench) % bench->cart_count));
        const u64 begin_ns = clock_ns();
        for (u32 i = 0; i < BATCH_RECORDS; i += records) {
            struct shard_reply reply;
            const enum shard_read_result result = shard_read(
                bench->shard, &header, (const u8 *)&asks[i], records * (u32)sizeof *asks,
                bench->now_ns, false, bench->reply, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
            MUST(result == SHARD_READ_DONE);
            bench->bytes_read += reply.body_bytes;
        }
        spent_ns += clock_ns() - begin_ns;
        done += BATCH_RECORDS;
    }
    MUST(bench->bytes_read / done >= CART_LINES * sizeof(struct row_cart_line));
    bench->bytes_read = 0;
    return (double)spent_ns / (double)done;
}

/* ---- cases ---- */

typedef double round_fn(struct bench *bench, u32 records, u64 ops);

static const struct {
    const char *name;
    round_fn *run;
    u32 records;
} plans[] = {
    {"add16", add_round, 16},
    {"add1", add_round, 1},
    {"get16", get_round, 16},
    {"get1", get_round, 1},
};

static u64 pool_bytes(const struct pool *pool)
{
    return (u64)pool->fresh_end * pool->record_bytes;
}

static void print_memory(struct bench *bench)
{
    const struct cart_room *room = &bench->shard->carts;
    const double count = bench->cart_count;
    const u64 index = pool_bytes(&room->map.buckets) + pool_bytes(&room->map.overflow);
    const u64 heap = (u64)room->deadlines.capacity * sizeof(struct heap_entry);
    print_figure(bench, "memory_record", "bytes/cart", (double)pool_bytes(&room->pool) / count);
    print_figure(bench, "memory_index", "bytes/cart", (double)index / count);
    print_figure(bench, "memory_lines", "bytes/cart", (double)room->counts.block_bytes / count);
    print_figure(bench, "memory_deadlines", "bytes/cart", (double)heap / count);
    print_figure(bench, "memory_all", "bytes/cart",
                 (double)(pool_bytes(&room->pool) + index + room->counts.block_bytes + heap) /
                     count);
}

static void run_fill_2000(struct bench *bench)
{
    double values[ROUNDS];
    for (u32 r = 0; r < ROUNDS; r++) {
        const u64 user_id = 1000000000000ull + r;
        u64 spent_ns = 0;
        for (u32 line = 0; line < CART_LINES_MAX; line++) {
            batch_begin(bench, 0);
            write_add(entry_add(bench, 0, OPCODE_CART_ADD, 1), user_id, sku_of(user_id, line));
            batch_seal(bench, 0, 1);
            const u64 begin_ns = clock_ns();
            batch_apply(bench, 0);
            spent_ns += clock_ns() - begin_ns;
        }
        values[r] = (double)spent_ns / CART_LINES_MAX;
    }
    MUST(bench->refused == 0);
    print_median(bench, "fill2000", values, ROUNDS);
}

static void run_all(struct bench *bench, const char *only, u64 ops, u32 rounds)
{
    double values[ROUNDS];
    open_shard(bench);
    const u64 fill_ns = fill_carts(bench);
    if (only == NULL || strcmp(only, "fill") == 0)
        print_figure(bench, "fill", "ns/record",
                     (double)fill_ns / (double)(bench->cart_count * CART_LINES));
    if (only == NULL || strcmp(only, "memory") == 0)
        print_memory(bench);
    for (size_t i = 0; i < ARRAY_COUNT(plans); i++) {
        if (only != NULL && strcmp(only, plans[i].name) != 0)
            continue;
        for (u32 r = 0; r < rounds; r++)
            values[r] = plans[i].run(bench, plans[i].records, ops / rounds);
        print_median(bench, plans[i].name, values, rounds);
    }
    if (only == NULL || strcmp(only, "fill2000") == 0)
        run_fill_2000(bench);
    MUST(bench->refused == 0);
    shard_close(bench->shard);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const char *only = NULL;
    u64 ops = 2u << 20;
    u32 rounds = ROUNDS;
    bench.cart_count = 200000;
    bench.is_first = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            bench.is_json = true;
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--ops") == 0 && i + 1 < argc)
            ops = strtoull(argv[++i], NULL, 10), rounds = 1;
        else if (strcmp(argv[i], "--carts") == 0 && i + 1 < argc)
            bench.cart_count = (u32)strtoul(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "micro_cart: unknown argument %s\n", argv[i]), 2;
    }
    for (u32 b = 0; b < CHUNK_BATCHES; b++) {
        bench.batches[b] = aligned_alloc(4096, LOG_BATCH_BYTES_MAX);
        MUST(bench.batches[b] != NULL);
    }
    bench.reply = malloc(FRAME_BYTES_MAX);
    MUST(bench.reply != NULL && bench.cart_count != 0);
    if (bench.is_json)
        printf("[");
    run_all(&bench, only, ops, rounds);
    if (bench.is_json)
        printf("\n]\n");
    return 0;
}
