/* replay_audit: see client/cli/replay_audit.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/replay_audit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_ORDERS   256u
#define WRONG_TOLD_MAX 10u
#define DRAIN_NS       (15 * NS_PER_S) /* longer than a lease of a provider that was killed */
#define DRAIN_PAUSE_NS (20 * NS_PER_MS)

STATIC_CHECK(AUDIT_STATES == SOUK_STATE_NEEDS_OPERATOR + 1);

/* ---- the outbox ---- */

static int count_commands(struct run *run, u64 *count)
{
    const u16 shards = (u16)run->identity.shards;
    *count = 0;
    for (u16 shard = 0; shard < shards; shard++) {
        struct souk_command_list_reply reply;
        u32 rows = 0;
        const int error =
            souk_command_list(run->clients[0], shard, &(struct souk_command_list){0}, &reply);
        if (error != 0)
            return cli_no_answer(run->cli, run->clients[0], error);
        if (reply.status != SOUK_OK)
            return cli_refused(run->cli, "command list", reply.status, 0, NULL);
        (void)souk_rows(reply.commands, sizeof(struct souk_row_command), &rows);
        *count += rows;
        souk_free(reply.memory);
    }
    return CLI_EXIT_DONE;
}

/* Waits until nobody is asked for anything any more, for some time. */
static int drain(struct run *run, u64 *count)
{
    const u64 end_ns = run_now_ns() + DRAIN_NS;
    const struct timespec pause = {.tv_nsec = (long)DRAIN_PAUSE_NS};
    for (;;) {
        const int exit_code = count_commands(run, count);
        if (exit_code != CLI_EXIT_DONE || *count == 0 || run_now_ns() >= end_ns)
            return exit_code;
        (void)nanosleep(&pause, NULL);
    }
}

/* ---- one order ---- */

static const char *find_line_difference(const struct run *run, u32 event,
                                        const struct souk_order_get_reply *reply)
{
    const struct replay_event *planned = &run->events->events[event];
    struct souk_row_order_line row;
    u32 index = 0;
    for (u32 line = planned->first_line; line != REPLAY_NONE;
         line = run->events->lines[line].next) {
        const struct replay_line *sold = &run->plan->lines[line];
        if (!souk_row_at(reply->lines, sizeof row, index++, &row))
            return "lines";
        if (row.sku_id != run->plan->skus[sold->sku].resource.id)
            return "SKU of a line";
        if (row.quantity != sold->quantity || row.unit_price != sold->price)
            return "quantity or price of a line";
        if (row.delivered != sold->quantity || row.shipped != sold->quantity)
            return "delivered units of a line";
        if (row.returned_sellable != sold->quantity - run->book.left[line])
            return "returned units of a line";
    }
    return souk_row_at(reply->lines, sizeof row, index, &row) ? "number of lines" : NULL;
}

/* NULL, or what is not as the book has it. */
static const char *find_difference(const struct run *run, u32 event,
                                   const struct souk_order_get_reply *reply)
{
    const struct replay_event *planned = &run->events->events[event];
    const struct book_event *own = &run->book.entries[event];
    if (reply->status != SOUK_OK)
        return souk_status_name(reply->status);
    if (reply->captured != own->money)
        return "captured";
    if (reply->refunded != own->refunded)
        return "refunded";
    if (own->status != SOUK_OK)
        return reply->state == SOUK_STATE_CANCELLED ? NULL : "refused, and not cancelled";
    if (reply->state != SOUK_STATE_DELIVERED)
        return "not delivered";
    if (reply->total != planned->minor || reply->owed != planned->minor - own->refunded)
        return "total";
    return find_line_difference(run, event, reply);
}

static bool is_at_rest(u16 state)
{
    return state == SOUK_STATE_PAID || state == SOUK_STATE_SHIPPED ||
           state == SOUK_STATE_DELIVERED || state == SOUK_STATE_CANCELLED;
}

static void judge(struct run *run, struct audit *audit, u32 event,
                  const struct souk_order_get_reply *reply)
{
    char number[SOUK_NUMBER_TEXT_MAX];
    const char *what = find_difference(run, event, reply);
    audit->orders++;
    audit->states[reply->state < AUDIT_STATES ? reply->state : 0]++;
    audit->not_at_rest += !is_at_rest(reply->state);
    audit->returned += reply->summary == SOUK_SUMMARY_RETURNED;
    audit->captured += reply->captured;
    audit->refunded += reply->refunded;
    if (what == NULL || audit->wrong++ >= WRONG_TOLD_MAX)
        return;
    (void)fprintf(
        stderr, "souk: the server has another order %s of invoice %s (%s): %s\n",
        souk_order_number(replay_order_id(run->events, event, run->identity.start_ms), number),
        run->events->events[event].invoice, souk_state_name(reply->state), what);
}

/* ---- all of them ---- */

struct batch {
    struct souk_order_get gets[BATCH_ORDERS];
    struct souk_order_get_reply replies[BATCH_ORDERS];
    u32 events[BATCH_ORDERS];
    u32 count;
};

static int read_batch(struct run *run, struct audit *audit, struct batch *batch)
{
    if (batch->count == 0)
        return CLI_EXIT_DONE;
    const int error =
        souk_order_get_batch(run->clients[0], batch->gets, batch->count, batch->replies, 0);
    for (u32 i = 0; i < batch->count; i++) {
        if (error == 0)
            judge(run, audit, batch->events[i], &batch->replies[i]);
        souk_free(batch->replies[i].memory);
    }
    batch->count = 0;
    return error == 0 ? CLI_EXIT_DONE : cli_no_answer(run->cli, run->clients[0], error);
}

static int read_orders(struct run *run, struct audit *audit)
{
    struct batch *batch = calloc(1, sizeof *batch);
    int exit_code = CLI_EXIT_DONE;
    MUST(batch != NULL);
    for (u32 event = 0; event < run->events->count && exit_code == CLI_EXIT_DONE; event++) {
        if (run->events->events[event].kind != REPLAY_EVENT_ORDER ||
            run->book.entries[event].state != BOOK_DONE)
            continue;
        batch->events[batch->count] = event;
        batch->gets[batch->count++] = (struct souk_order_get){
            .order = replay_order_id(run->events, event, run->identity.start_ms)};
        if (batch->count == BATCH_ORDERS)
            exit_code = read_batch(run, audit, batch);
    }
    if (exit_code == CLI_EXIT_DONE)
        exit_code = read_batch(run, audit, batch);
    free(batch);
    return exit_code;
}

static int count_stuck(struct run *run, struct audit *audit)
{
    for (u16 shard = 0; shard < run->identity.shards; shard++) {
        struct souk_stuck_list_reply reply;
        struct souk_row_stuck row;
        char number[SOUK_NUMBER_TEXT_MAX];
        const int error =
            souk_stuck_list(run->clients[0], shard, &(struct souk_stuck_list){0}, &reply);
        if (error != 0)
            return cli_no_answer(run->cli, run->clients[0], error);
        if (reply.status != SOUK_OK)
            return cli_refused(run->cli, "stuck list", reply.status, 0, NULL);
        for (u32 i = 0; souk_row_at(reply.orders, sizeof row, i, &row); i++)
            if (audit->stuck++ < WRONG_TOLD_MAX)
                (void)fprintf(stderr, "souk: order %s waits in %s\n",
                              souk_order_number(row.order, number), souk_state_name(row.state));
        souk_free(reply.memory);
    }
    return CLI_EXIT_DONE;
}

int audit_orders(struct run *run, struct audit *audit)
{
    memset(audit, 0, sizeof *audit);
    int exit_code = drain(run, &audit->commands);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = read_orders(run, audit);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = count_stuck(run, audit);
    return exit_code;
}

bool audit_is_sound(const struct audit *audit)
{
    return audit->wrong == 0 && audit->not_at_rest == 0 && audit->stuck == 0;
}
