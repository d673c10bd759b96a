/* replay_run: see client/cli/replay_run.h. The beginning of a run is in replay_begin.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_run.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/replay_drive.h"
#include "client/cli/replay_progress.h"
#include "client/cli/replay_send.h"

static void advance(struct lane *lane);

u64 run_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* ---- choosing what goes next ---- */

static void add_item(struct lane *lane, u32 index, i64 quantity)
{
    lane->items[lane->count].index = index;
    lane->items[lane->count++].quantity = quantity;
}

static bool choose_setup(struct lane *lane)
{
    const struct replay_plan *plan = lane->run->plan;
    if (lane->product_at < lane->product_count) {
        lane->step = SHOP_STEP_PRODUCT;
        const u32 most = send_records_max(lane->run, lane->step);
        for (u32 i = lane->product_at; i < lane->product_count && lane->count < most; i++)
            add_item(lane, lane->products[i], 0);
        return true;
    }
    if (lane->put_at < lane->sku_count) {
        lane->step = SHOP_STEP_SKU;
        const u32 most = send_records_max(lane->run, lane->step);
        for (u32 i = lane->put_at; i < lane->sku_count && lane->count < most; i++)
            add_item(lane, lane->skus[i], 0);
        return true;
    }
    lane->step = SHOP_STEP_RECEIVE;
    const u32 most = send_records_max(lane->run, lane->step);
    for (; lane->receive_at < lane->sku_count && lane->count < most; lane->receive_at++) {
        const u32 sku = lane->skus[lane->receive_at];
        if (!lane->run->shop.skus[sku].is_ready)
            add_item(lane, sku, plan->skus[sku].receive);
    }
    return lane->count > 0;
}

/* The earliest lines that may go, all with the need of the first one. */
static bool choose_lines(struct lane *lane)
{
    struct shop *shop = &lane->run->shop;
    shop_begin_frame(shop);
    while (lane->line_first < lane->line_count &&
           shop->lines[lane->lines[lane->line_first]].state == SHOP_LINE_DONE)
        lane->line_first++;
    const u32 end = MIN(lane->line_count, lane->line_first + RUN_WINDOW_LINES);
    lane->step = SHOP_STEP_NONE;
    u32 most = lane->run->options.batch;
    for (u32 i = lane->line_first; i < end && lane->count < most; i++) {
        const u32 line = lane->lines[i];
        if (shop->lines[line].state == SHOP_LINE_DONE || !shop_may_go(shop, line))
            continue;
        const struct shop_need need = shop_need_of(shop, line);
        if (lane->step == SHOP_STEP_NONE) {
            lane->step = need.step;
            most = send_records_max(lane->run, need.step);
        }
        if (need.step != lane->step)
            continue;
        add_item(lane, line, need.quantity);
        shop_add_line(shop, line);
    }
    return lane->count > 0;
}

/* Fills items and step of the lane's next frame; false when the lane has nothing to do. */
static bool choose(struct lane *lane)
{
    struct run *run = lane->run;
    lane->count = 0;
    if (run->reason != NULL)
        return false;
    if (lane->taken_count > 0) {
        lane->step = SHOP_STEP_SHIP;
        lane->count = MIN(lane->taken_count, send_records_max(run, SHOP_STEP_SHIP));
        memcpy(lane->items, lane->taken, lane->count * sizeof *lane->items);
        return true;
    }
    if (choose_setup(lane))
        return true;
    if (run->options.mode == JOURNAL_MODE_ORDERS ||
        run->shop.totals.lines_done >= run->options.stop_after)
        return false;
    return choose_lines(lane);
}

/* ---- what an answer changes ---- */

void run_fail(struct run *run, const char *reason, int error, u16 status)
{
    if (run->reason != NULL)
        return;
    run->reason = reason;
    run->error = error;
    run->status = status;
}

/* A correction of a replay as orders. */
static void apply_adjustment(struct lane *lane, struct shop_answer answer)
{
    struct run *run = lane->run;
    const struct shop_item item = lane->items[0];
    const i64 units = answer.status == SOUK_OK ? item.quantity : 0;
    MUST(lane->count == 1);
    lane->count = 0;
    run->shop.totals.ops++;
    const char *reason =
        book_end(&run->book, run->events->lines[item.index].event, answer.status, units);
    if (reason != NULL)
        run_fail(run, reason, 0, 0);
}

void run_apply(struct lane *lane, const struct shop_answer *answers)
{
    struct run *run = lane->run;
    const enum shop_step step = lane->step;
    MUST(lane->count > 0);
    if (run->options.mode == JOURNAL_MODE_ORDERS && step == SHOP_STEP_ADJUST) {
        apply_adjustment(lane, answers[0]);
        return;
    }
    for (u32 i = 0; i < lane->count; i++) {
        const char *reason = shop_apply(&run->shop, step, lane->items[i], answers[i]);
        if (reason != NULL)
            run_fail(run, reason, 0, answers[i].status);
    }
    if (step == SHOP_STEP_PRODUCT)
        lane->product_at += lane->count;
    if (step == SHOP_STEP_SKU)
        lane->put_at += lane->count;
    if (step == SHOP_STEP_TAKE) {
        MUST(lane->taken_count == 0);
        for (u32 i = 0; i < lane->count; i++)
            if (answers[i].status == SOUK_OK)
                lane->taken[lane->taken_count++] = lane->items[i];
    }
    if (step == SHOP_STEP_SHIP) {
        MUST(lane->taken_count >= lane->count);
        lane->taken_count -= lane->count;
        memmove(lane->taken, lane->taken + lane->count, lane->taken_count * sizeof *lane->taken);
    }
    lane->count = 0;
}

static void on_answer(void *context, int error, const void *replies, uint32_t count)
{
    struct lane *lane = context;
    struct run *run = lane->run;
    struct shop_answer answers[JOURNAL_ITEMS_MAX];
    u16 flags = 0;
    MUST(lane->is_in_flight);
    lane->is_in_flight = false;
    run->in_flight--;
    if (error != 0) {
        run_fail(run, "there was no answer", error, 0);
        return;
    }
    MUST(count == lane->count);
    for (u32 i = 0; i < count; i++)
        flags |= send_answer_of(lane->step, replies, i, &answers[i]);
    if ((flags & SOUK_FLAG_FRAME) != 0) {
        run_fail(run, "the server refused a whole frame", 0, answers[0].status);
        return;
    }
    run->answer_ns = run_now_ns();
    run->frames++;
    run->stored_answers += (flags & SOUK_FLAG_STORED) != 0;
    if (run->options.mode == JOURNAL_MODE_TAKES)
        run_note_latency(run, run->answer_ns - lane->sent_ns);
    journal_put_answer(&run->journal, lane->index, lane->seq, answers, count);
    run_apply(lane, answers);
    advance(lane);
    struct slot *slot = lane->slot;
    lane->slot = NULL;
    if (slot != NULL)
        drive_event_over(slot);
}

/* ---- sending ---- */

static void send_frame(struct lane *lane)
{
    struct run *run = lane->run;
    struct souk_request request = {.op = send_op_of(lane->step),
                                   .shard = lane->shard,
                                   .flags = SOUK_NUMBERED,
                                   .count = lane->count,
                                   .records = run->records,
                                   .session = run->identity.sessions[lane->client],
                                   .session_seq = lane->seq,
                                   .acked_seq = lane->seq - 1};
    send_fill(run->plan, lane->step, lane->items, lane->count, run->records);
    lane->sent_ns = run_now_ns();
    const int error = souk_submit(run->clients[lane->client], &request, on_answer, lane);
    if (error != 0) {
        run_fail(run, "the library did not take a frame", error, 0);
        return;
    }
    lane->is_in_flight = true;
    run->in_flight++;
}

/* The next frame of a lane, if there is one; what the journal was told is written in any case. */
static void advance(struct lane *lane)
{
    struct run *run = lane->run;
    const bool has_next = choose(lane);
    if (has_next) {
        lane->seq++;
        journal_put_intent(&run->journal, lane->index, lane->seq, lane->step, lane->items,
                           lane->count);
    }
    const int error = journal_flush(&run->journal);
    if (error != 0) {
        run_fail(run, strerror(-error), 0, 0);
        lane->count = 0;
        return;
    }
    if (has_next)
        send_frame(lane);
}

bool run_adjust(struct run *run, u32 line, i64 quantity, struct slot *slot)
{
    const u32 sku = run->plan->lines[line].sku;
    const u16 shard = souk_shard_of(run->plan->skus[sku].resource, (u16)run->identity.shards);
    struct lane *lane = &run->lanes[sku % run->options.clients * run->identity.shards + shard];
    if (lane->is_in_flight)
        return false;
    lane->step = SHOP_STEP_ADJUST;
    lane->items[0] = (struct shop_item){line, quantity};
    lane->count = 1;
    lane->slot = slot;
    lane->seq++;
    journal_put_intent(&run->journal, lane->index, lane->seq, lane->step, lane->items, 1);
    const int error = journal_flush(&run->journal);
    if (error != 0)
        run_fail(run, strerror(-error), 0, 0);
    else
        send_frame(lane);
    return true;
}

/* The descriptors stay the same; asking for one wakes it, so that is done once. */
void run_wait(struct run *run, u64 wait_ns)
{
    struct pollfd fds[JOURNAL_SESSIONS_MAX];
    const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                                     .tv_nsec = (long)(wait_ns % NS_PER_S)};
    if (run->client_count == 1) {
        /* A wait below a millisecond is a pause of the only slot: nothing is under way. */
        if (wait_ns < NS_PER_MS)
            (void)nanosleep(&timeout, NULL);
        (void)souk_poll(run->clients[0], (int)(wait_ns / NS_PER_MS));
        return;
    }
    for (u32 i = 0; i < run->client_count; i++) {
        if (!run->is_watched)
            run->fds[i] = souk_fd(run->clients[i]);
        fds[i] = (struct pollfd){.fd = run->fds[i], .events = (short)souk_events(run->clients[i])};
    }
    run->is_watched = true;
    (void)ppoll(fds, run->client_count, &timeout, NULL);
    for (u32 i = 0; i < run->client_count; i++)
        if (fds[i].revents != 0)
            (void)souk_poll(run->clients[i], 0);
}

static int explain_failure(struct run *run)
{
    int exit_code;
    (void)fprintf(stderr, "souk: the replay stops: %s%s%s\n", run->about,
                  run->about[0] == '\0' ? "" : ": ", run->reason);
    if (run->error != 0)
        exit_code = cli_no_answer(run->cli, run->clients[0], run->error);
    else if (run->status != 0)
        exit_code = cli_refused(run->cli, "replay", run->status, 0, NULL);
    else
        exit_code = CLI_EXIT_REFUSED;
    if (run->options.journal_path != NULL)
        (void)fprintf(stderr, "      the same command goes on where it was: %s has the rest\n",
                      run->options.journal_path);
    return exit_code;
}

int run_all(struct run *run)
{
    struct progress progress;
    run->begin_ns = run->answer_ns = run_now_ns();
    progress_begin(&progress, run);
    for (u32 i = 0; i < run->lane_count; i++) {
        if (run->lanes[i].count > 0)
            send_frame(&run->lanes[i]); /* what the journal left without an answer */
        else
            advance(&run->lanes[i]);
    }
    while (run->in_flight > 0) {
        run_wait(run, 100 * NS_PER_MS);
        progress_show(&progress, run);
    }
    if (run->options.mode == JOURNAL_MODE_ORDERS && run->reason == NULL)
        drive_all(run, &progress);
    run->end_ns = run_now_ns();
    progress_end(&progress, run);
    return run->reason == NULL ? CLI_EXIT_DONE : explain_failure(run);
}

bool run_is_complete(const struct run *run)
{
    return run->shop.totals.lines_done == run->plan->line_count;
}

void run_note_latency(struct run *run, u64 ns)
{
    run->latencies[MIN(ns / 1000, RUN_LATENCY_US_MAX - 1)]++;
    run->latency_count++;
}

u32 run_latency_us(const struct run *run, u32 per_mille)
{
    const u64 target = (run->latency_count * per_mille + 999) / 1000;
    u64 seen = 0;
    if (run->latency_count == 0)
        return 0;
    for (u32 us = 0; us < RUN_LATENCY_US_MAX; us++) {
        seen += run->latencies[us];
        if (seen >= target)
            return us;
    }
    return RUN_LATENCY_US_MAX - 1;
}
