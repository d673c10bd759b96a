/* micro_checkout: what an order costs a shard from the checkout to PAID, alone on one core, without log
 * and network.
 *
 *   micro_checkout [--json] [--orders N] [--skus N] [--lines N] [--poll N] [--rounds N]
 *
 * Five operations per order: checkout (three lines, one charge, one tender, an address of 120 bytes),
 * poll, authorized, poll, captured. Checkouts and events come in frames of one record, from 64 sessions,
 * 64 frames in a batch; polls in frames of --poll records (64 if not said, 1 is the worst). Batches are
 * built outside of the timed part. Prints the median of the rounds per operation and in total, and the
 * bytes per order that the order room and its histories keep, and those that the stock keeps of it.
 *
 * With --rounds 1 it is fit for callgrind: --toggle-collect=shard_apply.
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
#include "proto/text.h"
#include "shards/shard.h"
#include "shards/shard_state.h"

#define ROUNDS_MAX   64u
#define SESSIONS     64u
#define WAVE         1024u /* orders that go along together */
#define BATCH_FRAMES 64u
#define LINES_MAX    16u
#define START_NS     (1700000000ull * NS_PER_S)
#define GBP          826u
#define PRICE        250

enum phase { CHECKOUT, POLL_AUTHORIZE, AUTHORIZED, POLL_CAPTURE, CAPTURED, PHASES };
static const char *const phase_names[PHASES] = {"checkout", "poll_authorize", "authorized",
                                                "poll_capture", "captured"};

struct bench {
    struct shard *shard;
    u8 *batch;
    u32 batch_bytes;
    u32 entries;
    u64 lsn;
    u64 now_ns;
    u64 seqs[SESSIONS];
    u64 random;
    u64 made;
    u32 next_session;
    u32 sku_count;
    u32 line_count;
    u32 poll_records;
    u64 spent_ns[PHASES];
    u64 refused;
    struct msg_command_poll_rsp *leased; /* of this wave */
    u32 leased_count;
    bool is_polling;
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

/* ---- batches --------------------------------------------------------------------------------- */

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct bench *bench = context;
    (void)entry_index;
    MUST(reply->status == STATUS_OK);
    if (bench->is_polling) {
        for (u32 i = 0; i < reply->record_count; i++) {
            struct msg_command_poll_rsp *to = &bench->leased[bench->leased_count];
            memcpy(to, reply->body + i * sizeof *to, sizeof *to);
            if (to->head.status == STATUS_OK)
                bench->leased_count++;
        }
        return;
    }
    const struct record_status *head = (const void *)reply->body;
    bench->refused += head->status != STATUS_OK ? 1 : 0;
}

static void batch_begin(struct bench *bench)
{
    bench->batch_bytes = sizeof(struct batch_header);
    bench->entries = 0;
}

static struct id128 session_id(u32 index)
{
    return (struct id128){.low = 0x5e55 + index, .high = 0x1234567890abcdefull + index};
}

/* One frame of `count` equal records, from the next session. */
static void put_frame(struct bench *bench, u16 opcode, const void *fixed, const struct span *spans,
                      u32 count)
{
    const struct message_info *info = message_find(opcode);
    const u32 session = bench->next_session++ % SESSIONS;
    const bool is_open = opcode == OPCODE_SESSION_OPEN;
    const u64 seq = is_open ? 0 : ++bench->seqs[session];
    u8 *at = bench->batch + bench->batch_bytes;
    struct entry_header entry = {.source = ENTRY_SOURCE_SESSION,
                                 .opcode = opcode,
                                 .record_count = (u16)count,
                                 .session = session_id(session),
                                 .session_seq = seq,
                                 .acked_seq = seq > 4 ? seq - 4 : 0};
    for (u32 i = 0; i < count; i++)
        entry.body_bytes +=
            frame_record_write(info, FRAME_DIRECTION_REQUEST, at + sizeof entry + entry.body_bytes,
                               1u << 16, fixed, spans);
    memcpy(at, &entry, sizeof entry);
    bench->batch_bytes += (u32)sizeof entry + entry.body_bytes;
    MUST(bench->batch_bytes <= LOG_BATCH_BYTES_MAX);
    bench->entries++;
}

static u64 batch_apply(struct bench *bench)
{
    bench->now_ns += 100 * 1000;
    const struct batch_header header = {.stamp_ns = bench->now_ns,
                                        .bytes = bench->batch_bytes,
                                        .entry_count = bench->entries,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(bench->batch, &header, sizeof header);
    const u64 begin_ns = clock_ns();
    while (!shard_expire(bench->shard, bench->now_ns, 4096)) {}
    shard_apply(bench->shard, ++bench->lsn, bench->batch, bench->batch_bytes, false, on_reply,
                bench);
    return clock_ns() - begin_ns;
}

/* ---- the phases ------------------------------------------------------------------------------ */

static void put_checkout(struct bench *bench)
{
    static const char address[120] = "Mr B. Enchmark, 1 Core Street, Cachetown";
    struct row_checkout_line lines[LINES_MAX];
    const u64 ms = bench->now_ns / NS_PER_MS;
    const u64 user = 1 + next_random(bench) % 50000;
    for (u32 i = 0; i < bench->line_count; i++)
        lines[i] = (struct row_checkout_line){
            .sku_id = 1 + next_random(bench) % bench->sku_count, .quantity = 1, .agreed_price = -1};
    const struct row_charge charge = {
        .amount = 499, .code = 7, .line = LINE_NONE, .kind = AMOUNT_KIND_SHIPPING};
    const i64 total = PRICE * (i64)bench->line_count + charge.amount;
    struct row_tender tender = {.amount = total, .token = text64_of("pm_1NirD82eZvKYlo2C", 19)};
    const struct msg_checkout_req ask = {
        .order = {.low = ms << 16 | (bench->made++ & 0xFFFF), .high = user},
        .expected_total = total,
        .currency = GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines,
                                          bench->line_count * (u32)sizeof lines[0]},
        [SPAN_OF(checkout_req, charges)] = {(const u8 *)&charge, sizeof charge},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)&tender, sizeof tender},
        [SPAN_OF(checkout_req, address)] = {(const u8 *)address, sizeof address}};
    put_frame(bench, OPCODE_CHECKOUT, &ask, spans, 1);
}

static void put_event(struct bench *bench, const struct msg_command_poll_rsp *command)
{
    const bool is_authorize = command->kind == COMMAND_KIND_AUTHORIZE;
    char reference[32];
    const int bytes = snprintf(reference, sizeof reference, "%s_3NirD82eZ%014llu",
                               is_authorize ? "pi" : "ch", (unsigned long long)command->lease);
    const struct msg_payment_event_req event = {.order = command->order,
                                                .lease = command->lease,
                                                .amount = command->amount,
                                                .step = command->step,
                                                .attempt = command->attempt,
                                                .kind = is_authorize ? PAYMENT_EVENT_AUTHORIZED
                                                                     : PAYMENT_EVENT_CAPTURED,
                                                .currency = command->currency,
                                                .reference = text64_of(reference, (size_t)bytes)};
    const struct span none[MESSAGE_SPANS_MAX] = {{NULL, 0}};
    put_frame(bench, OPCODE_PAYMENT_EVENT, &event, none, 1);
}

static u64 run_checkouts(struct bench *bench)
{
    u64 spent_ns = 0;
    for (u32 done = 0; done < WAVE; done += BATCH_FRAMES) {
        batch_begin(bench);
        for (u32 i = 0; i < BATCH_FRAMES; i++)
            put_checkout(bench);
        spent_ns += batch_apply(bench);
    }
    return spent_ns;
}

static u64 run_polls(struct bench *bench)
{
    const struct msg_command_poll_req poll = {.lease_ms = 60000};
    u64 spent_ns = 0;
    bench->leased_count = 0;
    bench->is_polling = true;
    for (u32 done = 0; done < WAVE;) {
        batch_begin(bench);
        for (u32 i = 0; i < BATCH_FRAMES && done < WAVE; i++, done += bench->poll_records)
            put_frame(bench, OPCODE_COMMAND_POLL, &poll, NULL, bench->poll_records);
        spent_ns += batch_apply(bench);
    }
    bench->is_polling = false;
    MUST(bench->leased_count == WAVE);
    return spent_ns;
}

static u64 run_events(struct bench *bench)
{
    u64 spent_ns = 0;
    for (u32 done = 0; done < WAVE; done += BATCH_FRAMES) {
        batch_begin(bench);
        for (u32 i = 0; i < BATCH_FRAMES; i++)
            put_event(bench, &bench->leased[done + i]);
        spent_ns += batch_apply(bench);
    }
    return spent_ns;
}

static void run_wave(struct bench *bench)
{
    bench->spent_ns[CHECKOUT] += run_checkouts(bench);
    bench->spent_ns[POLL_AUTHORIZE] += run_polls(bench);
    bench->spent_ns[AUTHORIZED] += run_events(bench);
    bench->spent_ns[POLL_CAPTURE] += run_polls(bench);
    bench->spent_ns[CAPTURED] += run_events(bench);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void add_skus(struct bench *bench)
{
    char code[24];
    for (u32 i = 1; i <= bench->sku_count;) {
        batch_begin(bench);
        for (u32 n = 0; n < 1024 && i <= bench->sku_count; n++, i++) {
            const struct resource key = {.id = i};
            const struct msg_sku_put_req put = {.resource = key, .price = PRICE, .currency = GBP};
            const struct span span = {.data = (const u8 *)code,
                                      .bytes = (u32)snprintf(code, sizeof code, "SKU-%08u", i)};
            put_frame(bench, OPCODE_SKU_PUT, &put, &span, 1);
            const struct msg_stock_receive_req receive = {.resource = key,
                                                          .quantity = QUANTITY_MAX};
            put_frame(bench, OPCODE_STOCK_RECEIVE, &receive, NULL, 1);
        }
        (void)batch_apply(bench);
    }
}

/* Memory for so many orders, present and in pages of its own, as a server has it ahead of time: fresh
 * pages are the machine's cost. Slabs of the arena are made by objects that need one each, and kept by
 * small ones that stay. */
static void prepare(struct bench *bench, u32 orders)
{
    enum { SLABS_MAX = 4096, PINS = 31 };
    static void *large[SLABS_MAX];
    struct order_room *room = &bench->shard->orders;
    struct stock *stock = &bench->shard->stock;
    struct arena *arena = &bench->shard->arena;
    const u32 slabs = MIN((u32)((u64)orders * 1400 / ARENA_BYTES_MAX) + 4, (u32)SLABS_MAX);
    pool_prepare(&room->pool, orders);
    pool_prepare(&room->commands, 2 * orders);
    pool_prepare(&room->entries, orders);
    pool_prepare(&room->history_pool, orders);
    pool_prepare(&stock->grants, bench->line_count * orders);
    map_prepare(&room->map, orders);
    map_prepare(&room->histories, orders);
    map_prepare(&room->references, 2 * orders);
    map_prepare(&stock->grant_map, bench->line_count * orders);
    for (u32 i = 0; i < slabs; i++)
        large[i] = arena_acquire(arena, ARENA_BYTES_MAX);
    for (u32 i = 0; i < slabs * PINS; i++) {
        const void *pin = arena_acquire(arena, 16 << 10);
        MUST(pin != NULL);
    }
    for (u32 i = 0; i < slabs; i++)
        arena_release(arena, large[i], ARENA_BYTES_MAX);
}

static void bench_open(struct bench *bench, u32 orders)
{
    const struct shard_options options = {.count = 1};
    bench->shard = shard_open(&options);
    MUST(bench->shard != NULL);
    bench->now_ns = START_NS;
    bench->random = 88172645463325252ull;
    const struct msg_session_open_req open = {0};
    batch_begin(bench);
    for (u32 i = 0; i < SESSIONS; i++)
        put_frame(bench, OPCODE_SESSION_OPEN, &open, NULL, 1);
    (void)batch_apply(bench);
    add_skus(bench);
    prepare(bench, orders);
    run_wave(bench); /* what is made with the first order */
    memset(bench->spent_ns, 0, sizeof bench->spent_ns);
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
    print_figure(bench, name, "ns/order", values[count / 2]);
}

/* Everything of the room but what a load makes anew is counted: records, tables, indexes. */
static u64 room_bytes(const struct bench *bench)
{
    const struct order_room *room = &bench->shard->orders;
    const struct pool *pools[] = {&room->pool,
                                  &room->commands,
                                  &room->entries,
                                  &room->history_pool,
                                  &room->map.buckets,
                                  &room->map.overflow,
                                  &room->histories.buckets,
                                  &room->histories.overflow,
                                  &room->references.buckets,
                                  &room->references.overflow};
    u64 bytes = 0;
    for (u32 i = 0; i < ARRAY_COUNT(pools); i++)
        bytes += (u64)pool_count(pools[i]) * pools[i]->record_bytes;
    return bytes + arena_live_bytes(&bench->shard->arena);
}

/* What the stock keeps of it. */
static u64 grant_bytes(const struct bench *bench)
{
    const struct stock *stock = &bench->shard->stock;
    return (u64)pool_count(&stock->grants) * stock->grants.record_bytes +
           (u64)pool_count(&stock->grant_map.buckets) * stock->grant_map.buckets.record_bytes +
           (u64)pool_count(&stock->grant_map.overflow) * stock->grant_map.overflow.record_bytes;
}

static void run(struct bench *bench, u64 orders, u32 rounds)
{
    static double values[PHASES + 1][ROUNDS_MAX];
    const u64 waves = orders / rounds / WAVE;
    bench_open(bench, (u32)(orders + 2 * WAVE));
    const u64 room_before = room_bytes(bench);
    const u64 grants_before = grant_bytes(bench);
    for (u32 r = 0; r < rounds; r++) {
        memset(bench->spent_ns, 0, sizeof bench->spent_ns);
        for (u64 wave = 0; wave < waves; wave++)
            run_wave(bench);
        for (u32 p = 0; p < PHASES; p++) {
            values[p][r] = (double)bench->spent_ns[p] / (double)(waves * WAVE);
            values[PHASES][r] += values[p][r];
        }
    }
    MUST(bench->refused == 0);
    const double made = (double)(rounds * waves * WAVE);
    for (u32 p = 0; p < PHASES; p++)
        print_median(bench, phase_names[p], values[p], rounds);
    print_median(bench, "placed_to_paid", values[PHASES], rounds);
    print_figure(bench, "room_bytes", "bytes/order",
                 (double)(room_bytes(bench) - room_before) / made);
    print_figure(bench, "grant_bytes", "bytes/order",
                 (double)(grant_bytes(bench) - grants_before) / made);
    shard_close(bench->shard);
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .sku_count = 10000, .line_count = 3, .poll_records = 64, .is_first = true};
    u64 orders = 7 * 16 * WAVE;
    u32 rounds = 7;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0) {
            bench.is_json = true;
            continue;
        }
        const u64 number = strtoull(value, NULL, 10);
        if (strcmp(argv[i], "--orders") == 0)
            orders = number;
        else if (strcmp(argv[i], "--skus") == 0)
            bench.sku_count = (u32)number;
        else if (strcmp(argv[i], "--lines") == 0)
            bench.line_count = (u32)MIN(number, LINES_MAX);
        else if (strcmp(argv[i], "--poll") == 0)
            bench.poll_records = (u32)MIN(MAX(number, 1), WAVE);
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = (u32)MIN(MAX(number, 1), ROUNDS_MAX);
        else
            return fprintf(stderr, "micro_checkout: unknown argument %s\n", argv[i]), 2;
        i++;
    }
    bench.batch = aligned_alloc(4096, LOG_BATCH_BYTES_MAX);
    bench.leased = calloc(WAVE * 2, sizeof *bench.leased);
    MUST(bench.batch != NULL && bench.leased != NULL);
    if (bench.is_json)
        printf("[");
    run(&bench, orders, rounds);
    if (bench.is_json)
        printf("\n]\n");
    return 0;
}
