/* dump_fixture: what the snapshots of any room have to bear: pieces in any order, pieces that are missing or
 * come twice, bytes that have changed, changes while a dump runs.
 *
 *      static struct dx dx = {.fx = &fx, .verify = cart_verify};      dx.step, dx.random: when it opens
 *      fx_records_read(fx.shard, &records);
 *      struct shard *shard = dx_load_shuffled(&dx, &records);         equal digest, nothing is wrong
 *      dx_load_without(&dx, &records, 17)                             NULL, or why it is refused
 *      dx_assert_not_twice(&dx, &records, 17);
 *      dx_damage(&dx, &records, 17, 200)                              false: it was taken, and nothing is wrong
 *      struct dx_load load = dx_dump_under_load(&dx, &plan);          the state at its beginning
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_DUMP_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_DUMP_FIXTURE_H

#include "tests/unit/shards/shard_fixture.h"

struct dx {
    struct fx *fx;
    /* Of the room: how many sums of its own do not agree. */
    void (*verify)(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);
    void (*step)(void); /* something happens */
    u64 random;         /* not 0 */
};

static inline u64 dx_draw(struct dx *dx, u64 below)
{
    dx->random ^= dx->random << 13;
    dx->random ^= dx->random >> 7;
    dx->random ^= dx->random << 17;
    return dx->random % below;
}

static inline u32 dx_violations(const struct dx *dx, struct shard *shard)
{
    struct msg_verify_rsp verdict = {.violations = 0};
    u8 text[ATTRIBUTES_BYTES_MAX];
    u32 text_bytes = 0;
    dx->verify(shard, &verdict, text, &text_bytes);
    return (u32)verdict.violations;
}

/* ---- records of a dump that is complete ---- */

static inline u32 dx_record_bytes(const struct fx_records *records, u32 at)
{
    return records->begins[at + 1] - records->begins[at];
}

static inline struct dump_view dx_view(const struct fx_records *records, u32 at)
{
    struct dump_view view;
    u32 offset = records->begins[at];
    assert_null(dump_next(records->dump.bytes, records->dump.used, &offset, &view));
    return view;
}

static inline const char *dx_load_record(struct shard *shard, const struct fx_records *records,
                                         u32 at)
{
    return shard_load_chunk(shard, records->dump.bytes + records->begins[at],
                            dx_record_bytes(records, at));
}

/* A shard that has them all, one by one in an order that was drawn, but for the scalars, which stay first. */
static inline struct shard *dx_load_shuffled(struct dx *dx, const struct fx_records *records)
{
    struct shard *shard = shard_open(&dx->fx->options);
    u32 *order = malloc(records->count * sizeof *order);
    assert_non_null(order);
    for (u32 i = 0; i < records->count; i++)
        order[i] = i;
    for (u32 i = records->count - 1; i > 1; i--) {
        const u32 other = 1 + (u32)dx_draw(dx, i);
        const u32 kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (u32 i = 0; i < records->count; i++) {
        const char *reason = dx_load_record(shard, records, order[i]);
        if (reason != NULL)
            fail_msg("%s", reason);
    }
    free(order);
    const char *reason = shard_load_finish(shard);
    if (reason != NULL)
        fail_msg("%s", reason);
    fx_assert_digest(dx->fx->shard, shard);
    assert_int_equal(dx_violations(dx, shard), 0);
    return shard;
}

/* NULL: nobody misses it. */
static inline const char *dx_load_without(const struct dx *dx, const struct fx_records *records,
                                          u32 at)
{
    const u32 begin = records->begins[at], end = records->begins[at + 1];
    struct shard *shard = shard_open(&dx->fx->options);
    assert_null(shard_load_chunk(shard, records->dump.bytes, begin));
    const char *reason =
        shard_load_chunk(shard, records->dump.bytes + end, records->dump.used - end);
    if (reason == NULL)
        reason = shard_load_finish(shard);
    shard_close(shard);
    return reason;
}

static inline void dx_assert_not_twice(const struct dx *dx, const struct fx_records *records,
                                       u32 at)
{
    struct shard *shard = shard_open(&dx->fx->options);
    assert_null(shard_load_chunk(shard, records->dump.bytes, records->dump.used));
    assert_non_null(dx_load_record(shard, records, at));
    shard_close(shard);
}

/* One byte of the first so many of a record is another: is it refused? If not, all sums agree. */
static inline bool dx_damage(struct dx *dx, const struct fx_records *records, u32 at, u32 bytes)
{
    u8 *place = records->dump.bytes + records->begins[at] +
                dx_draw(dx, MIN(dx_record_bytes(records, at), bytes));
    const u8 kept = *place;
    struct shard *shard = shard_open(&dx->fx->options);
    *place ^= (u8)(1 + dx_draw(dx, 255));
    const char *reason = shard_load_chunk(shard, records->dump.bytes, records->dump.used);
    if (reason == NULL)
        reason = shard_load_finish(shard);
    if (reason == NULL)
        assert_int_equal(dx_violations(dx, shard), 0);
    *place = kept;
    shard_close(shard);
    return reason != NULL;
}

/* A dump of the shard as it is now, loaded: NULL, or why it is refused. */
static inline const char *dx_load_again(struct shard *shard)
{
    struct fx_dump dump;
    const char *reason = NULL;
    fx_dump_init(&dump);
    shard_dump_begin(shard);
    while (fx_dump_step(&dump, shard)) {}
    struct shard *other = shard_open(&shard->options);
    for (u32 i = 0; i < dump.count && reason == NULL; i++) {
        const u32 begin = i != 0 ? dump.ends[i - 1] : 0;
        reason = shard_load_chunk(other, dump.bytes + begin, dump.ends[i] - begin);
    }
    if (reason == NULL)
        reason = shard_load_finish(other);
    shard_close(other);
    fx_dump_deinit(&dump);
    return reason;
}

/* ---- a dump that runs ---- */

struct dx_load {
    struct shard *shard; /* what was loaded: the state at its beginning */
    u32 cut;             /* what was logged before: fx_replay_on does the rest */
    u32 slices;
};

/* How much happens after the dump has begun (after `first`, if there is one), and in each slice. */
struct dx_plan {
    void (*first)(void);
    u32 steps;
    u32 slice_steps;
};

static inline struct dx_load dx_dump_under_load(struct dx *dx, const struct dx_plan *plan)
{
    struct fx_dump dump;
    struct fx *fx = dx->fx;
    struct dx_load load = {.cut = fx->log_count};
    const struct id128 at_cut = shard_digest(fx->shard);
    fx_dump_init(&dump);
    shard_dump_begin(fx->shard);
    if (plan->first != NULL)
        plan->first();
    for (u32 i = 0; i < plan->steps; i++)
        dx->step();
    for (; fx_dump_step(&dump, fx->shard); load.slices++)
        for (u32 i = 0; i < plan->slice_steps; i++)
            dx->step();
    load.shard = fx_dump_load(&dump, &fx->options);
    assert_true(id128_equal(shard_digest(load.shard), at_cut));
    fx_dump_deinit(&dump);
    return load;
}

/* What has happened since leads to the same state, which is the end of it. */
static inline void dx_catch_up(const struct dx *dx, struct dx_load *load)
{
    fx_replay_on(dx->fx, load->shard, load->cut);
    fx_assert_digest(dx->fx->shard, load->shard);
    assert_int_equal(dx_violations(dx, load->shard), 0);
    shard_close(load->shard);
    load->shard = NULL;
}

#endif
