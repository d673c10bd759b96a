/* replay_drive: see client/cli/replay_drive.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_drive.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/replay_provider.h"

#define PAUSE_FIRST_NS       (100000ull) /* of a step that looks whether something has happened */
#define PAUSE_MOST_NS        (10 * NS_PER_MS)
#define AWAY_PAUSE_NS        (100 * NS_PER_MS)
#define PROVIDER_DEADLINE_MS 5000u
#define TURN_NS              (100 * NS_PER_MS) /* the longest wait of a turn */

/* ---- steps ---- */

static void fail_slot(struct slot *slot, const char *reason, int error, u16 status)
{
    struct run *run = slot->run;
    const struct replay_event *event = &run->events->events[slot->event];
    char number[SOUK_NUMBER_TEXT_MAX];
    if (run->reason != NULL)
        return;
    (void)snprintf(run->about, sizeof run->about, "invoice %.20s, order %s%s%s", event->invoice,
                   souk_order_number(slot->order, number), slot->state == 0 ? "" : ", ",
                   slot->state == 0 ? "" : souk_state_name(slot->state));
    run_fail(run, reason, error, status);
}

void drive_refused(struct slot *slot, const char *what, u16 status)
{
    fail_slot(slot, what, 0, status);
}

void drive_pause(struct slot *slot, void (*again)(struct slot *slot))
{
    /* By a quarter: what took long is not looked at often, and seen at most a quarter too late. */
    slot->pause_ns =
        slot->pause_ns == 0 ? PAUSE_FIRST_NS : MIN(slot->pause_ns * 5 / 4, PAUSE_MOST_NS);
    slot->due_ns = run_now_ns() + slot->pause_ns;
    slot->again = again;
}

void drive_moved(struct slot *slot)
{
    slot->pause_ns = 0;
}

void drive_call(struct slot *slot, u16 op, const void *record, souk_callback *on_answer,
                void (*again)(struct slot *slot))
{
    const struct souk_request request = {.op = op, .count = 1, .records = record};
    slot->again = again;
    slot->due_ns = 0;
    const int error = souk_submit(slot->client, &request, on_answer, slot);
    if (error != 0)
        fail_slot(slot, "the library did not take a call", error, 0);
}

bool drive_has_answer(struct slot *slot, int error)
{
    struct run *run = slot->run;
    const u64 now_ns = run_now_ns();
    if (run->reason != NULL)
        return false;
    if (error == 0) {
        run->answer_ns = now_ns;
        run->shop.totals.ops++;
        return true;
    }
    /* Its outcome may be unknown: it is repeated (D1). */
    if (now_ns >= run->answer_ns + run->options.retry_ms * NS_PER_MS) {
        fail_slot(slot, "there was no answer", error, 0);
        return false;
    }
    slot->due_ns = now_ns + AWAY_PAUSE_NS;
    return false;
}

/* ---- events ---- */

void drive_event_over(struct slot *slot)
{
    MUST(slot->event != REPLAY_NONE);
    slot->event = REPLAY_NONE;
    slot->due_ns = 0;
    free(slot->parts);
    slot->parts = NULL;
    slot->part_count = 0;
}

void drive_end_event(struct slot *slot, u16 status, i64 value)
{
    struct run *run = slot->run;
    const u32 event = slot->event;
    const char *reason = book_end(&run->book, event, status, value);
    if (reason != NULL) {
        fail_slot(slot, reason, 0, status);
        return;
    }
    journal_put_end(&run->journal, event, (struct shop_answer){status, value});
    drive_event_over(slot);
}

static void begin_event(struct slot *slot, u32 event)
{
    static void (*const first_steps[REPLAY_EVENT_KINDS])(struct slot * slot) = {
        [REPLAY_EVENT_ORDER] = drive_order,
        [REPLAY_EVENT_RETURN] = drive_return,
        [REPLAY_EVENT_CORRECTION] = drive_correction};
    slot->event = event;
    slot->state = 0;
    slot->began_ns = run_now_ns();
    slot->checkout_ns = 0;
    slot->order = (struct souk_id128){0, 0};
    drive_moved(slot);
    first_steps[slot->run->events->events[event].kind](slot);
}

/* Gives events to slots that are free, until there is no free one or no event that may begin. Returns
 * how many are busy. */
static u32 fill_slots(struct run *run)
{
    const u32 count = run->options.clients;
    u32 events[JOURNAL_SESSIONS_MAX];
    for (;;) {
        u32 idle = 0, used = 0;
        for (u32 i = 0; i < count; i++)
            idle += run->slots[i].event == REPLAY_NONE;
        if (idle == 0 || run->reason != NULL ||
            run->shop.totals.lines_done >= run->options.stop_after)
            return count - idle;
        const u32 chosen = book_choose(&run->book, events, idle);
        if (chosen == 0)
            return count - idle;
        for (u32 i = 0; i < count && used < chosen; i++)
            if (run->slots[i].event == REPLAY_NONE)
                begin_event(&run->slots[i], events[used++]);
    }
}

/* ---- turns ---- */

static void wait_for_answers(struct run *run)
{
    const u64 now_ns = run_now_ns();
    u64 wait_ns = TURN_NS;
    for (u32 i = 0; i < run->client_count; i++) {
        const u64 due_ns = run->slots[i].due_ns;
        if (due_ns != 0)
            wait_ns = due_ns <= now_ns ? 0 : MIN(wait_ns, due_ns - now_ns);
    }
    run_wait(run, wait_ns);
}

/* Steps whose pause is over; and an end to waiting for what does not come. */
static void run_due_steps(struct run *run)
{
    const u64 now_ns = run_now_ns();
    for (u32 i = 0; i < run->client_count && run->reason == NULL; i++) {
        struct slot *slot = &run->slots[i];
        if (slot->event == REPLAY_NONE)
            continue;
        if (run->options.has_provider &&
            now_ns > slot->began_ns + 2 * run->options.retry_ms * NS_PER_MS)
            fail_slot(slot, "the order does not move on", 0, 0);
        else if (slot->due_ns != 0 && slot->due_ns <= now_ns)
            slot->again(slot);
    }
}

static void make_slots(struct run *run)
{
    run->slots = calloc(run->client_count, sizeof *run->slots);
    run->order_lines = calloc(ORDER_LINES_MAX, sizeof *run->order_lines);
    run->part_lines = calloc(ORDER_LINES_MAX, sizeof *run->part_lines);
    MUST(run->slots != NULL && run->order_lines != NULL && run->part_lines != NULL);
    for (u32 i = 0; i < run->client_count; i++) {
        run->slots[i].run = run;
        run->slots[i].client = run->clients[i];
        run->slots[i].event = REPLAY_NONE;
    }
}

static void start_provider(struct run *run)
{
    int exit_code = CLI_EXIT_DONE;
    struct souk_client *client = run_open_client(run, PROVIDER_DEADLINE_MS, true, &exit_code);
    if (client != NULL)
        run->provider = provider_start(client, run->options.clients);
    if (run->provider == NULL)
        run_fail(run, "there is no provider of payments", 0, 0);
}

void drive_all(struct run *run, struct progress *progress)
{
    make_slots(run);
    if (run->options.has_provider)
        start_provider(run);
    run->answer_ns = run_now_ns();
    while (fill_slots(run) > 0 && run->reason == NULL) {
        wait_for_answers(run);
        run_due_steps(run);
        const int error = journal_flush(&run->journal);
        if (error != 0)
            run_fail(run, strerror(-error), 0, 0);
        const char *reason = provider_failure(run->provider);
        if (reason != NULL)
            run_fail(run, reason, 0, 0);
        progress_show(progress, run);
    }
    const int error = journal_flush(&run->journal);
    if (error != 0)
        run_fail(run, strerror(-error), 0, 0);
}

void drive_end(struct run *run)
{
    for (u32 i = 0; run->slots != NULL && i < run->options.clients; i++)
        free(run->slots[i].parts);
    free(run->slots);
    free(run->order_lines);
    free(run->part_lines);
}
