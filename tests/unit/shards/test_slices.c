/* test_slices: a batch that is applied in slices ends where one that is applied at once does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/shard_fixture.h"

#define ENTRIES 100u
#define STOCK   70

static struct fx fx;

struct replies {
    u32 count;
    struct msg_take_rsp takes[ENTRIES];
};

static int open_mug(void **state)
{
    (void)state;
    fx_open(&fx);
    fx_mug(&fx, STOCK);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

/* ENTRIES frames, each of which takes one unit. */
static u32 write_batch(u8 *to)
{
    const struct msg_take_req take = {.resource = fx_sku(1), .quantity = 1};
    struct batch_header header = {
        .stamp_ns = fx.now_ns, .entry_count = ENTRIES, .state_version = BATCH_STATE_VERSION};
    u32 used = sizeof header;
    for (u32 i = 0; i < ENTRIES; i++) {
        const struct entry_header entry = {.body_bytes = sizeof take,
                                           .source = ENTRY_SOURCE_SESSION,
                                           .opcode = OPCODE_TAKE,
                                           .record_count = 1,
                                           .session = fx.session,
                                           .session_seq = fx.seq + 1 + i,
                                           .acked_seq = fx.seq};
        memcpy(to + used, &entry, sizeof entry);
        memcpy(to + used + sizeof entry, &take, sizeof take);
        used += (u32)(sizeof entry + sizeof take);
    }
    header.bytes = used;
    memcpy(to, &header, sizeof header);
    return used;
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct replies *replies = context;
    assert_int_equal(entry_index, replies->count);
    assert_int_equal(reply->status, STATUS_OK);
    assert_int_equal(reply->body_bytes, sizeof replies->takes[0]);
    memcpy(&replies->takes[replies->count++], reply->body, sizeof replies->takes[0]);
}

static _Alignas(8) u8 batch[ENTRIES * 256 + 256];

static void slices_end_where_the_whole_batch_does(void **state)
{
    (void)state;
    const u32 bytes = write_batch(batch);
    static struct replies whole, sliced;
    whole.count = 0;
    sliced.count = 0;
    struct shard *other = fx_replay(&fx);
    fx_expire(other, fx.now_ns);
    shard_apply(other, fx.lsn + 1, batch, bytes, false, on_reply, &whole);

    fx_expire(fx.shard, fx.now_ns);
    u32 left = ENTRIES, slices = 0;
    while (left != 0) {
        const u32 now_left =
            shard_apply_slice(fx.shard, fx.lsn + 1, batch, bytes, false, on_reply, &sliced);
        assert_true(now_left < left);
        assert_int_equal(sliced.count, ENTRIES - now_left);
        left = now_left;
        slices++;
        /* What is applied can be read; the batch counts when it is whole. */
        assert_int_equal(fx_levels(&fx).allocated, MIN(sliced.count, STOCK));
        assert_int_equal(shard_applied_lsn(fx.shard), left == 0 ? fx.lsn + 1 : fx.lsn);
    }
    assert_true(slices > 3);
    assert_int_equal(whole.count, ENTRIES);
    assert_memory_equal(whole.takes, sliced.takes, sizeof whole.takes);
    assert_int_equal(sliced.takes[STOCK - 1].head.status, STATUS_OK);
    assert_int_equal(sliced.takes[STOCK].head.status, STATUS_SOLD_OUT);
    fx_assert_digest(fx.shard, other);
    shard_close(other);
}

static void sums_and_digest_wait_for_the_end_of_a_batch(void **state)
{
    (void)state;
    const u32 bytes = write_batch(batch);
    const struct msg_verify_req ask = {0};
    fx_expire(fx.shard, fx.now_ns);
    assert_int_equal(fx_read(&fx, OPCODE_VERIFY, &ask), SHARD_READ_DONE);
    assert_true(shard_apply_slice(fx.shard, fx.lsn + 1, batch, bytes, false, NULL, NULL) != 0);
    assert_int_equal(fx_read(&fx, OPCODE_VERIFY, &ask), SHARD_READ_WAIT);
    expect_assert_failure(shard_digest(fx.shard));
    while (shard_apply_slice(fx.shard, fx.lsn + 1, batch, bytes, false, NULL, NULL) != 0) {}
    assert_int_equal(fx_read(&fx, OPCODE_VERIFY, &ask), SHARD_READ_DONE);
}

static void nothing_expires_in_the_middle_of_a_batch(void **state)
{
    (void)state;
    const u32 bytes = write_batch(batch);
    fx_expire(fx.shard, fx.now_ns);
    assert_true(shard_apply_slice(fx.shard, fx.lsn + 1, batch, bytes, false, NULL, NULL) != 0);
    expect_assert_failure((void)!shard_expire(fx.shard, fx.now_ns, 1));
    while (shard_apply_slice(fx.shard, fx.lsn + 1, batch, bytes, false, NULL, NULL) != 0) {}
    assert_true(shard_expire(fx.shard, fx.now_ns, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slices_end_where_the_whole_batch_does, open_mug, close_all),
        cmocka_unit_test_setup_teardown(sums_and_digest_wait_for_the_end_of_a_batch, open_mug,
                                        close_all),
        cmocka_unit_test_setup_teardown(nothing_expires_in_the_middle_of_a_batch, open_mug,
                                        close_all),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
