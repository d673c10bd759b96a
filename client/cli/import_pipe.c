/* import_pipe: see client/cli/import_pipe.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/import_pipe.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NONE           UINT32_MAX
#define UNKNOWN_PAUSE  (50 * NS_PER_MS) /* before what may have been executed is done again */
#define RETRY_PAUSE_MS 10u              /* at least, before a refused call is made again */

void pipe_init(struct import_pipe *pipe, struct souk_client *client, u32 lanes, u32 batch)
{
    MUST(lanes > 0 && lanes <= PIPE_LANES_MAX && batch > 0 && batch <= PIPE_BATCH_MAX);
    *pipe = (struct import_pipe){.client = client,
                                 .lane_count = lanes,
                                 .batch_max = batch,
                                 .window_size = 2 * lanes * batch,
                                 .pace = PIPE_PACE_ONE};
    pipe->window = calloc(pipe->window_size, sizeof *pipe->window);
    pipe->lanes = calloc(lanes, sizeof *pipe->lanes);
    pipe->records = calloc(batch, sizeof(union import_put));
    MUST(pipe->window != NULL && pipe->lanes != NULL && pipe->records != NULL);
    for (u32 i = 0; i < lanes; i++) {
        pipe->lanes[i].pipe = pipe;
        pipe->lanes[i].queue_first = NONE;
        pipe->lanes[i].replies = calloc(batch, sizeof(union import_reply));
        MUST(pipe->lanes[i].replies != NULL);
    }
}

static struct pipe_row *row_at(const struct import_pipe *pipe, u32 index)
{
    MUST(index < pipe->window_size);
    return &pipe->window[index];
}

/* The row `place` behind the head. */
static u32 index_of(const struct import_pipe *pipe, u32 place)
{
    return (pipe->head + place) % pipe->window_size;
}

void pipe_deinit(struct import_pipe *pipe)
{
    while (pipe->count > 0) {
        import_product_free(&row_at(pipe, pipe->head)->product);
        pipe->head = index_of(pipe, 1);
        pipe->count--;
    }
    for (u32 i = 0; i < pipe->lane_count; i++)
        free(pipe->lanes[i].replies);
    free(pipe->window);
    free(pipe->lanes);
    free(pipe->records);
    *pipe = (struct import_pipe){0};
}

/* ---- rows come ------------------------------------------------------------------------------- */

struct pipe_row *pipe_room(struct import_pipe *pipe)
{
    if (pipe->is_blocked || pipe->count == pipe->window_size || pipe->bytes >= PIPE_BYTES_MAX)
        return NULL;
    struct pipe_row *row = row_at(pipe, index_of(pipe, pipe->count));
    memset(row, 0, sizeof *row);
    return row;
}

static u32 lane_of(const struct import_pipe *pipe, const struct pipe_row *row)
{
    return (u32)(row->product.put.product_id % pipe->lane_count);
}

/* Whether a row of another lane is about to claim one of its aliases. */
static bool is_contested(const struct import_pipe *pipe, const struct pipe_row *row)
{
    if (row->aliases[0] == 0 && row->aliases[1] == 0)
        return false;
    for (u32 i = 0; i < pipe->count; i++) {
        const struct pipe_row *other = row_at(pipe, index_of(pipe, i));
        if (other == row || other->is_settled || lane_of(pipe, other) == lane_of(pipe, row))
            continue;
        for (u32 a = 0; a < IMPORT_ALIASES * IMPORT_ALIASES; a++) {
            const u64 mine = row->aliases[a / IMPORT_ALIASES];
            if (mine != 0 && mine == other->aliases[a % IMPORT_ALIASES])
                return true;
        }
    }
    return false;
}

/* Behind the other rows of its lane, unless it has to wait. */
static void queue_row(struct import_pipe *pipe, u32 index)
{
    struct pipe_row *row = row_at(pipe, index);
    struct pipe_lane *lane = &pipe->lanes[lane_of(pipe, row)];
    pipe->is_blocked = is_contested(pipe, row);
    if (pipe->is_blocked)
        return;
    row->next = NONE;
    if (lane->queue_first == NONE)
        lane->queue_first = index;
    else
        row_at(pipe, lane->queue_last)->next = index;
    lane->queue_last = index;
    lane->queue_count++;
}

static u32 text_bytes(const struct souk_product_put *put)
{
    return put->code.bytes + put->title.bytes + put->brand.bytes + put->category.bytes +
           put->attributes.bytes + put->description.bytes + put->slug.bytes +
           put->external_key.bytes + put->page.bytes;
}

void pipe_add(struct import_pipe *pipe, struct pipe_row *row)
{
    const u32 index = index_of(pipe, pipe->count);
    MUST(row == row_at(pipe, index) && !pipe->is_blocked);
    pipe->count++;
    row->is_settled = row->is_bad;
    row->bytes = row->is_bad ? 0 : text_bytes(&row->product.put);
    pipe->bytes += row->bytes;
    if (row->is_bad)
        return;
    import_step_aliases(&row->product, row->aliases);
    queue_row(pipe, index);
}

/* ---- rows leave ------------------------------------------------------------------------------ */

struct pipe_row *pipe_head(struct import_pipe *pipe)
{
    if (pipe->count == 0 || !row_at(pipe, pipe->head)->is_settled)
        return NULL;
    return row_at(pipe, pipe->head);
}

void pipe_drop(struct import_pipe *pipe)
{
    struct pipe_row *row = pipe_head(pipe);
    MUST(row != NULL && pipe->bytes >= row->bytes);
    pipe->bytes -= row->bytes;
    import_product_free(&row->product);
    pipe->head = index_of(pipe, 1);
    pipe->count--;
}

u16 pipe_waiting(const struct import_pipe *pipe)
{
    return pipe->waiting;
}

void pipe_pace(struct import_pipe *pipe, u64 now_ns, u64 took_ns)
{
    MUST(pipe->pace >= PIPE_PACE_ONE && pipe->pace <= pipe->lane_count * PIPE_PACE_ONE);
    if (took_ns <= PIPE_CALM_NS) {
        const u32 more = MAX(PIPE_PACE_ONE * PIPE_PACE_ONE / pipe->pace, 1u);
        pipe->pace = MIN(pipe->pace + more, pipe->lane_count * PIPE_PACE_ONE);
    } else if (now_ns >= pipe->calm_ns) { /* once for all calls that waited side by side */
        pipe->pace = MAX(pipe->pace * 3 / 4, PIPE_PACE_ONE);
        pipe->calm_ns = now_ns + took_ns;
    }
}

/* ---- one lane -------------------------------------------------------------------------------- */

static u64 monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* Takes rows of the queue. */
static void begin_batch(struct import_pipe *pipe, struct pipe_lane *lane)
{
    MUST(lane->count == 0 && !lane->is_flying);
    while (lane->count < pipe->batch_max && lane->queue_first != NONE) {
        lane->rows[lane->count++] = lane->queue_first;
        lane->queue_first = row_at(pipe, lane->queue_first)->next;
        lane->queue_count--;
    }
    lane->step = lane->first = 0;
}

static void end_batch(struct import_pipe *pipe, struct pipe_lane *lane)
{
    for (u32 i = 0; i < lane->count; i++)
        row_at(pipe, lane->rows[i])->is_settled = true;
    lane->count = 0;
}

/* From the record `from` of the call on, the step is done again after a pause (I3). */
static void try_again(struct pipe_lane *lane, u32 from, u64 pause_ns, u16 status)
{
    MUST(from < lane->sent_count);
    lane->first = lane->sent[from];
    lane->due_ns = monotonic_ns() + pause_ns;
    lane->pipe->waiting = status;
    lane->pipe->pace = PIPE_PACE_ONE;
}

static void note_answer(struct pipe_lane *lane, struct pipe_row *row,
                        const union import_reply *reply)
{
    row->status = reply->head.status;
    if (import_step_op(lane->step) != SOUK_OP_PRODUCT_PUT || row->status != SOUK_OK || row->is_put)
        return;
    row->is_put = true;
    row->is_new = reply->product.version == 1;
}

/* souk_callback: the call of a lane has ended. */
static void on_call_done(void *context, int error, const void *replies, u32 count)
{
    struct pipe_lane *lane = context;
    struct import_pipe *pipe = lane->pipe;
    const size_t bytes = import_step_reply_bytes(lane->step);
    const u64 now_ns = monotonic_ns();
    MUST(lane->is_flying && count == lane->sent_count);
    lane->is_flying = false;
    pipe_pace(pipe, now_ns, now_ns - lane->sent_ns);
    if (error != 0 && error != SOUK_ERROR_UNKNOWN_OUTCOME) {
        pipe->error = error;
        return;
    }
    for (u32 k = 0; k < count; k++) {
        union import_reply reply = {0};
        memcpy(&reply, (const u8 *)replies + k * bytes, bytes);
        switch (souk_status_class(reply.head.status)) {
        case SOUK_CLASS_RETRY:
            try_again(lane, k, MAX(reply.head.retry_after_ms, RETRY_PAUSE_MS) * NS_PER_MS,
                      reply.head.status);
            return;
        case SOUK_CLASS_UNANSWERED: try_again(lane, k, UNKNOWN_PAUSE, SOUK_OK); return;
        case SOUK_CLASS_DONE:
        case SOUK_CLASS_REFUSED:
        case SOUK_CLASS_FIX: note_answer(lane, row_at(pipe, lane->rows[lane->sent[k]]), &reply);
        }
    }
    pipe->waiting = SOUK_OK;
    lane->step++;
    lane->first = 0;
}

/* Makes the call of the lane's step. False: no row needs it. */
static bool begin_step(struct import_pipe *pipe, struct pipe_lane *lane)
{
    const size_t bytes = import_step_put_bytes(lane->step);
    lane->sent_count = 0;
    for (u32 i = lane->first; i < lane->count; i++) {
        const struct pipe_row *row = row_at(pipe, lane->rows[i]);
        if (row->status == SOUK_OK &&
            import_step_fill(lane->step, &row->product, pipe->records + lane->sent_count * bytes))
            lane->sent[lane->sent_count++] = i;
    }
    if (lane->sent_count == 0)
        return false;
    const struct souk_request request = {.op = import_step_op(lane->step),
                                         .count = lane->sent_count,
                                         .records = pipe->records,
                                         .replies = lane->replies};
    lane->is_flying = true;
    lane->sent_ns = monotonic_ns();
    pipe->error = souk_submit(pipe->client, &request, on_call_done, lane);
    if (pipe->error != 0)
        lane->is_flying = false;
    return true;
}

static u32 lanes_at_work(const struct import_pipe *pipe)
{
    u32 count = 0;
    for (u32 i = 0; i < pipe->lane_count; i++)
        count += pipe->lanes[i].count > 0 ? 1 : 0;
    return count;
}

/* Goes on until a call is in flight, or there is nothing to do. */
static void advance(struct import_pipe *pipe, struct pipe_lane *lane, u64 now_ns, bool no_more)
{
    if (lane->is_flying || lane->due_ns > now_ns)
        return;
    while (pipe->error == 0) { /* ends: each time a batch less */
        if (lane->count == 0) {
            if (lane->queue_count == 0 || (lane->queue_count < pipe->batch_max && !no_more) ||
                lanes_at_work(pipe) >= pipe->pace / PIPE_PACE_ONE)
                return;
            begin_batch(pipe, lane);
        }
        for (; lane->step < IMPORT_STEPS; lane->step++, lane->first = 0)
            if (begin_step(pipe, lane))
                return;
        end_batch(pipe, lane);
    }
}

/* ---- a turn ---------------------------------------------------------------------------------- */

void pipe_turn(struct import_pipe *pipe, u64 now_ns, bool no_more, u32 wait_ms)
{
    u64 wait_ns = wait_ms * NS_PER_MS;
    bool is_flying = false;
    if (pipe->is_blocked)
        queue_row(pipe, index_of(pipe, pipe->count - 1));
    no_more = no_more || pipe_room(pipe) == NULL;
    /* The lane of the oldest row first: all others wait for it in the end. */
    const u32 first = pipe->count > 0 ? lane_of(pipe, row_at(pipe, pipe->head)) : 0;
    for (u32 i = 0; i < pipe->lane_count && pipe->error == 0; i++) {
        struct pipe_lane *lane = &pipe->lanes[(first + i) % pipe->lane_count];
        advance(pipe, lane, now_ns, no_more);
        is_flying = is_flying || lane->is_flying;
        if (lane->due_ns > now_ns)
            wait_ns = MIN(wait_ns, lane->due_ns - now_ns);
    }
    if (pipe->error != 0)
        return;
    if (pipe_head(pipe) != NULL)
        wait_ns = 0;
    if (!is_flying && wait_ns > 0) {
        const struct timespec time = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                                      .tv_nsec = (long)(wait_ns % NS_PER_S)};
        (void)nanosleep(&time, NULL);
        return;
    }
    const int got = souk_poll(pipe->client, (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
    if (got < 0)
        pipe->error = got;
}
