/* test_dump: equal logs give equal digests; a dump taken in slices under load is the state at its
 * beginning; what is not a dump is refused with a reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "tests/unit/shards/shard_fixture.h"

#define SKUS     40u
#define SESSIONS 6u
#define GRANTS   200u

static struct fx fx;
static u64 random_state;
static u64 seqs[SESSIONS + 1];

static u64 draw(u64 below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static struct id128 draw_id(void)
{
    const u64 ms = (fx.now_ns / NS_PER_MS / 4000 - draw(3)) * 4000; /* the same for a while */
    return fx_id(ms, 1 + draw(GRANTS));
}

static u32 draw_put(u8 *to)
{
    char code[16];
    const u64 id = 1 + draw(SKUS);
    const struct msg_sku_put_req put = {.resource = fx_sku(id),
                                        .price = (i64)draw(500),
                                        .currency = FX_GBP,
                                        .oversell_cap = (i64)draw(3)};
    const struct span span = {.data = (const u8 *)code,
                              .bytes = (u32)snprintf(code, sizeof code, "S%u", (u32)id)};
    return frame_record_write(message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST, to, 256, &put,
                              &span);
}

static u32 draw_product(u8 *to)
{
    static char words[4096];
    memset(words, 'w', sizeof words);
    const struct span spans[] = {{(const u8 *)"P", 1},
                                 {(const u8 *)words, (u32)draw(200)},
                                 {(const u8 *)words, (u32)draw(50)},
                                 {(const u8 *)words, (u32)draw(50)},
                                 {(const u8 *)words, (u32)draw(3000)},
                                 {(const u8 *)words, (u32)draw(1000)},
                                 {(const u8 *)words, (u32)draw(20)},
                                 {(const u8 *)words, (u32)draw(20)},
                                 {(const u8 *)words, (u32)draw(2000)}};
    const struct msg_product_put_req put = {.product_id = 1 + draw(20)};
    return frame_record_write(message_find(OPCODE_PRODUCT_PUT), FRAME_DIRECTION_REQUEST, to, 8192,
                              &put, spans);
}

/* The fields of a record of any fixed operation on a resource, by name where they have one. */
static u32 draw_fixed(const struct message_info *info, u8 *to)
{
    const struct resource sku = fx_sku(1 + draw(SKUS));
    const struct id128 id = draw_id(), none = {0, 0};
    memset(to, 0, info->request.fixed_bytes);
    memcpy(to, &sku, sizeof sku);
    u32 at = 0;
    for (u32 f = 0; f < info->request.field_count; f++) {
        const struct message_field *field = &info->request.fields[f];
        const i64 number = 1 + (i64)draw(5);
        if (strcmp(field->name, "id") == 0)
            memcpy(to + at, draw(4) == 0 && info->code == OPCODE_TAKE ? &none : &id, 16);
        else if (strcmp(field->name, "quantity") == 0 || strcmp(field->name, "delta") == 0 ||
                 strcmp(field->name, "value") == 0)
            memcpy(to + at, &number, 8);
        else if (strcmp(field->name, "lease_ms") == 0) {
            const u64 lease_ms = 1 + draw(2000);
            memcpy(to + at, &lease_ms, 8);
        } else if (strcmp(field->name, "replaces") == 0 && draw(5) == 0) {
            const struct id128 other = draw_id();
            memcpy(to + at, &other, 16);
        }
        at += field->bytes;
    }
    return info->request.fixed_bytes;
}

/* One more batch of the random log. */
static void step(void)
{
    static const u16 opcodes[] = {OPCODE_TAKE,          OPCODE_TAKE,         OPCODE_HOLD,
                                  OPCODE_HOLD,          OPCODE_HOLD,         OPCODE_HOLD_EXTEND,
                                  OPCODE_HOLD_BIND,     OPCODE_HOLD_CONFIRM, OPCODE_HOLD_RELEASE,
                                  OPCODE_ALLOC_SHIP,    OPCODE_ALLOC_CANCEL, OPCODE_ALLOC_RETURN,
                                  OPCODE_STOCK_RECEIVE, OPCODE_STOCK_ADJUST, OPCODE_STOCK_WRITE_OFF,
                                  OPCODE_SKU_PUT,       OPCODE_PRODUCT_PUT};
    static u8 body[1u << 20];
    const struct message_info *info = message_find(opcodes[draw(ARRAY_COUNT(opcodes))]);
    const u64 session = 1 + draw(SESSIONS);
    fx.session = (struct id128){session, 9};
    fx.is_linked = draw(4) == 0;
    const u32 count = 1 + (u32)draw(draw(20) == 0 ? 1500 : 24);
    u32 bytes = 0, records = 0;
    for (; records < count && bytes < sizeof body / 2; records++) {
        if (info->code == OPCODE_SKU_PUT)
            bytes += draw_put(body + bytes);
        else if (info->code == OPCODE_PRODUCT_PUT)
            bytes += draw_product(body + bytes);
        else
            bytes += draw_fixed(info, body + bytes);
    }
    fx.now_ns += draw(400) * NS_PER_MS;
    fx.seq = ++seqs[session];
    fx.acked_seq = fx.seq > 5 ? fx.seq - 1 - draw(5) : 0;
    (void)fx_frame(&fx, info->code, body, bytes, records);
    assert_int_equal(fx.reply.status, STATUS_OK);
    fx.is_linked = false;
}

static int open_world(void **state)
{
    (void)state;
    random_state = 0x1234567;
    fx_open_with(&fx, (struct shard_options){.count = 1, .retention_ms = 20000});
    memset(seqs, 0, sizeof seqs);
    for (u64 i = 1; i <= SESSIONS; i++)
        fx_open_session(&fx, (struct id128){i, 9});
    fx.session = (struct id128){1, 9};
    for (u64 i = 1; i <= SKUS; i++) {
        char code[16];
        (void)snprintf(code, sizeof code, "S%u", (u32)i);
        fx.seq = seqs[1]++;
        const struct msg_sku_put_req put = {.resource = fx_sku(i), .currency = FX_GBP};
        assert_int_equal(fx_sku_put(&fx, put, code).head.status, STATUS_OK);
    }
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

static void equal_logs_give_equal_digests(void **state)
{
    (void)state;
    struct shard_counters counters;
    u64 holds_most = 0;
    for (u32 i = 0; i < 600; i++) {
        step();
        shard_counters_read(fx.shard, &counters);
        holds_most = MAX(holds_most, counters.holds);
    }
    (void)fx_verify(&fx);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
    shard_counters_read(fx.shard, &counters);
    assert_int_not_equal(holds_most, 0);
    assert_int_not_equal(counters.tombstones, 0);
    assert_int_not_equal(counters.expired_holds, 0);
    assert_int_not_equal(counters.granted_records, 0);
}

static void a_digest_notices_a_single_unit(void **state)
{
    (void)state;
    const struct id128 before = shard_digest(fx.shard);
    stock_hot_at(&fx.shard->stock, 3)->on_hand += 1;
    const struct id128 after = shard_digest(fx.shard);
    assert_false(id128_equal(before, after));
    stock_hot_at(&fx.shard->stock, 3)->on_hand -= 1;
    const struct id128 back = shard_digest(fx.shard);
    assert_true(id128_equal(before, back));
}

static void a_sliced_dump_under_load_is_the_state_at_its_beginning(void **state)
{
    (void)state;
    for (u32 round = 0; round < 12; round++) {
        struct fx_dump dump;
        for (u32 i = 0; i < 60; i++)
            step();
        const struct id128 at_cut = shard_digest(fx.shard);
        const u32 cut = fx.log_count;
        fx_dump_init(&dump);
        shard_dump_begin(fx.shard);
        /* Mostly steps, so that much of the dump comes from the hooks. */
        do {
            for (u32 i = 0; i < 1 + round * 4; i++)
                step();
        } while (fx_dump_step(&dump, fx.shard));
        struct shard *loaded = fx_dump_load(&dump, &fx.options);
        const struct id128 digest = shard_digest(loaded);
        assert_int_equal(digest.low, at_cut.low);
        assert_int_equal(digest.high, at_cut.high);
        assert_int_equal(shard_applied_lsn(loaded), cut);
        /* A snapshot and the log after it are the whole. */
        fx_replay_on(&fx, loaded, cut);
        fx_assert_digest(fx.shard, loaded);
        shard_close(loaded);
        fx_dump_deinit(&dump);
    }
    (void)fx_verify(&fx);
}

static void a_refused_linked_frame_leaves_no_trace_in_the_rooms(void **state)
{
    (void)state;
    for (u32 i = 0; i < 200; i++)
        step();
    fx.session = (struct id128){1, 9};
    u32 refused = 0;
    for (u32 i = 0; i < 400; i++) {
        struct dump_sink before, after;
        struct msg_hold_req records[12];
        for (u32 r = 0; r < 12; r++)
            (void)draw_fixed(message_find(OPCODE_HOLD), (u8 *)&records[r]);
        fx.seq = seqs[1]++;
        dump_sink_init_digest(&before);
        dump_sink_init_digest(&after);
        fx_expire(fx.shard, fx.now_ns);
        for (u32 b = 0; b < map_bucket_count(&fx.shard->stock.resources); b++)
            stock_dump_resource_bucket(&fx.shard->stock, b, &before);
        for (u32 b = 0; b < map_bucket_count(&fx.shard->stock.grant_map); b++)
            stock_dump_grant_bucket(&fx.shard->stock, b, &before);
        fx.is_linked = true;
        (void)fx_send(&fx, OPCODE_HOLD, records, 12);
        fx.is_linked = false;
        bool is_refused = false;
        for (u32 r = 0; r < 12; r++)
            is_refused |= FX_RSP(&fx, hold, r).head.status != STATUS_OK;
        for (u32 b = 0; b < map_bucket_count(&fx.shard->stock.resources); b++)
            stock_dump_resource_bucket(&fx.shard->stock, b, &after);
        for (u32 b = 0; b < map_bucket_count(&fx.shard->stock.grant_map); b++)
            stock_dump_grant_bucket(&fx.shard->stock, b, &after);
        refused += is_refused ? 1 : 0;
        if (is_refused)
            assert_true(id128_equal(before.digest, after.digest));
    }
    assert_in_range(refused, 100, 400);
    (void)fx_verify(&fx);
}

static void garbage_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct fx_dump dump;
    for (u32 i = 0; i < 100; i++)
        step();
    fx_dump_init(&dump);
    shard_dump_begin(fx.shard);
    while (fx_dump_step(&dump, fx.shard)) {}
    u8 *copy = malloc(dump.used);
    assert_non_null(copy);
    u32 noticed = 0;
    for (u32 i = 0; i < 300; i++) {
        struct shard *shard = shard_open(&fx.options);
        memcpy(copy, dump.bytes, dump.used);
        copy[draw(dump.used)] ^= (u8)(1 + draw(255));
        const u32 bytes = i % 3 == 0 ? (u32)draw(dump.used) : dump.used;
        const char *reason = shard_load_chunk(shard, copy, bytes);
        if (reason == NULL)
            reason = shard_load_finish(shard);
        noticed += reason != NULL ? 1 : 0;
        shard_close(shard);
    }
    assert_in_range(noticed, 100, 300);
    struct shard_options other = fx.options;
    other.sessions_max = 77;
    struct shard *shard = shard_open(&other);
    assert_non_null(shard_load_chunk(shard, dump.bytes, dump.ends[0]));
    shard_close(shard);
    shard = shard_open(&fx.options);
    assert_non_null(shard_load_finish(shard));
    shard_close(shard);
    free(copy);
    fx_dump_deinit(&dump);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(equal_logs_give_equal_digests),
        T(a_digest_notices_a_single_unit),
        T(a_sliced_dump_under_load_is_the_state_at_its_beginning),
        T(a_refused_linked_frame_leaves_no_trace_in_the_rooms),
        T(garbage_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
