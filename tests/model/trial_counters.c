/* trial_counters: one SKU driven to the end of its counters, 2^53, where EXCEEDS begins.
 *
 * Random worlds never get there: it takes four million receipts of the largest quantity, then as
 * many takes. No log is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/model/trial.h"

#define FRAME_UNITS 8190u

static const struct resource key = {.id = 7};

/* Runs one frame of `count` records that are all `fixed`, as a batch of its own. */
static void run_frame(struct trial *trial, u16 opcode, const void *fixed, u32 count)
{
    const struct message_info *info = message_find(opcode);
    static const struct span code = {(const u8 *)"limit", 5};
    struct entry_header entry = {.source = ENTRY_SOURCE_SESSION,
                                 .opcode = opcode,
                                 .record_count = (u16)count,
                                 .session = {1, 1}};
    if (trial->is_failed)
        return;
    if (opcode != OPCODE_SESSION_OPEN) {
        entry.session_seq = ++trial->generator.entries;
        entry.acked_seq = entry.session_seq - 1;
    }
    for (u32 i = 0; i < count; i++)
        entry.body_bytes +=
            frame_record_write(info, FRAME_DIRECTION_REQUEST, trial->scratch + entry.body_bytes,
                               FRAME_BYTES_MAX - entry.body_bytes, fixed, &code);
    trial_batch_begin(trial, trial->now + 1);
    MUST(trial_batch_add(trial, &entry, trial->scratch));
    trial_batch_run(trial, false);
}

static void check_levels(struct trial *trial, i64 on_hand, i64 allocated)
{
    const struct model_totals totals = model_totals(trial->model);
    if (totals.on_hand != on_hand || totals.allocated != allocated)
        trial_fail(trial, "on hand %lld, allocated %lld: the end of the counters was not met",
                   (long long)totals.on_hand, (long long)totals.allocated);
}

void trial_counters(struct trial *trial)
{
    const u32 frames = (u32)(COUNTER_MAX / QUANTITY_MAX / FRAME_UNITS);
    const u32 rest = (u32)(COUNTER_MAX / QUANTITY_MAX % FRAME_UNITS);
    const struct msg_session_open_req open = {0};
    const struct msg_sku_put_req put = {
        .resource = key, .currency = 826, .oversell_cap = QUANTITY_MAX};
    const struct msg_stock_receive_req receive = {key, QUANTITY_MAX};
    const struct msg_stock_receive_req one = {key, 1};
    const struct msg_stock_adjust_req less = {.resource = key, .delta = -1};
    const struct msg_stock_adjust_req more = {.resource = key, .delta = 1};
    const struct msg_take_req take = {.resource = key, .quantity = QUANTITY_MAX};
    const struct msg_take_req take_one = {.resource = key, .quantity = 1};
    run_frame(trial, OPCODE_SESSION_OPEN, &open, 1);
    run_frame(trial, OPCODE_SKU_PUT, &put, 1);
    for (u32 i = 0; i < frames; i++)
        run_frame(trial, OPCODE_STOCK_RECEIVE, &receive, FRAME_UNITS);
    run_frame(trial, OPCODE_STOCK_RECEIVE, &receive, rest);
    check_levels(trial, COUNTER_MAX, 0);
    run_frame(trial, OPCODE_STOCK_RECEIVE, &one, 2);
    run_frame(trial, OPCODE_STOCK_ADJUST, &more, 2);
    run_frame(trial, OPCODE_STOCK_ADJUST, &less, 2);
    run_frame(trial, OPCODE_STOCK_ADJUST, &more, 3);
    run_frame(trial, OPCODE_STOCK_RECEIVE, &one, 2);
    check_levels(trial, COUNTER_MAX, 0);
    for (u32 i = 0; i < frames; i++)
        run_frame(trial, OPCODE_TAKE, &take, FRAME_UNITS);
    run_frame(trial, OPCODE_TAKE, &take, rest);
    check_levels(trial, COUNTER_MAX, COUNTER_MAX);
    run_frame(trial, OPCODE_TAKE, &take_one, 2);
    run_frame(trial, OPCODE_TAKE, &take, 2);
    check_levels(trial, COUNTER_MAX, COUNTER_MAX);
}
