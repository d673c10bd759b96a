/* gather_recommend: see shards/gather/gather_recommend.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/gather/gather_recommend.h"

#include <string.h>

#include "proto/route.h"

/* Different candidates that are remembered at most, and those that are asked about. */
#define CANDIDATES_MAX 16384u
#define SHOWN_MAX      512u

enum stage {
    STAGE_START,
    STAGE_RECENT,
    STAGE_CANDIDATES,
    STAGE_SHOW,
    STAGE_SIMILAR,
    STAGE_FALLBACK,
    STAGE_CATALOG,
    STAGE_DONE
};

struct candidate {
    u64 product_id;
    u64 bought; /* sums of pulls */
    u64 viewed;
    u32 support;
    u32 name; /* in co-purchases of the shard `told_by` */
    u16 told_by;
    u16 zero[3];
};

/* A row that may be in the answer; row and text lie where the shard's answer does. */
struct found {
    u64 product_id;
    u64 score;
    const u8 *row; /* struct recommend_shown, not aligned */
    const u8 *text;
    u32 support;
    u32 reason;
};

struct recommend_job {
    struct recommend_wish wish;
    enum stage stage; /* whose answers come next */
    u32 first_ask;
    u32 ask_count;
    u32 anchor_count;
    u32 candidate_count;
    u32 found_count;
    u32 candidate_max;
    bool has_profile;
    struct candidate *candidates; /* candidate_max */
    u32 *places;                  /* 1 + index of a candidate; NULL: none can come twice */
    u32 place_mask;
    /* Not zeroed at the beginning. */
    u64 anchors[RECOMMEND_ANCHORS_MAX];
    struct recommend_profile profile;
    struct found found[RECOMMEND_LIMIT_MAX]; /* in the order of the answer */
};

static u64 id_at(struct span rows, u32 at)
{
    u64 id;
    memcpy(&id, rows.data + at * sizeof id, sizeof id);
    return id;
}

static u32 id_count(struct span rows)
{
    return rows.bytes / (u32)sizeof(u64);
}

static u16 shard_of(const struct gather *gather, u64 id)
{
    return gather->shard_count == 1 ? 0 : route_shard(route_hash_u64(id), gather->shard_count);
}

static bool has_kind(const struct recommend_job *job, enum recommend_reason kind)
{
    return (job->wish.kinds >> kind & 1) != 0;
}

struct recommend_job *gather_recommend_begin(struct gather *gather,
                                             const struct recommend_wish *wish)
{
    MUST(wish->limit <= RECOMMEND_LIMIT_MAX);
    struct recommend_job *job = gather_acquire(gather, sizeof *job);
    if (job == NULL)
        return NULL;
    memset(job, 0, offsetof(struct recommend_job, anchors));
    job->wish = *wish;
    for (u32 i = 0; i < id_count(wish->products) && i < RECOMMEND_ANCHORS_MAX; i++)
        job->anchors[job->anchor_count++] = id_at(wish->products, i);
    return job;
}

struct recommend_job *gather_recommend_for_page(struct gather *gather, u64 product_id, u64 user_id,
                                                u32 limit)
{
    u64 *anchor = gather_acquire(gather, sizeof *anchor);
    if (anchor == NULL)
        return NULL;
    *anchor = product_id;
    const struct recommend_wish wish = {
        .user_id = user_id,
        .kinds = 1u << RECOMMEND_BOUGHT | 1u << RECOMMEND_VIEWED,
        .limit = limit,
        .products = {.data = (const u8 *)anchor, .bytes = sizeof *anchor}};
    return gather_recommend_begin(gather, &wish);
}

/* ---- candidates ---- */

static bool is_left_out(const struct recommend_job *job, u64 product_id)
{
    for (u32 i = 0; i < job->anchor_count; i++)
        if (job->anchors[i] == product_id)
            return true;
    for (u32 i = RECOMMEND_ANCHORS_MAX; i < id_count(job->wish.products); i++)
        if (id_at(job->wish.products, i) == product_id)
            return true;
    for (u32 i = 0; i < id_count(job->wish.without); i++)
        if (id_at(job->wish.without, i) == product_id)
            return true;
    return false;
}

/* The candidate of a product, made if there is none; NULL: it is left out, or there are too many. */
static struct candidate *candidate_of(struct recommend_job *job, u64 product_id)
{
    u32 *place = NULL;
    if (job->places != NULL) {
        u32 at = (u32)(product_id * 0x9E3779B97F4A7C15ull >> 40) & job->place_mask;
        for (; job->places[at] != 0; at = (at + 1) & job->place_mask) /* ends: half are free */
            if (job->candidates[job->places[at] - 1].product_id == product_id)
                return &job->candidates[job->places[at] - 1];
        place = &job->places[at];
    }
    if (job->candidate_count == job->candidate_max || is_left_out(job, product_id))
        return NULL;
    struct candidate *candidate = &job->candidates[job->candidate_count++];
    *candidate = (struct candidate){.product_id = product_id};
    if (place != NULL)
        *place = job->candidate_count;
    return candidate;
}

static u64 sum_of(u64 a, u64 b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static void hear_candidate(struct recommend_job *job, const struct recommend_candidate *row,
                           enum recommend_reason reason, u16 told_by)
{
    struct candidate *candidate = candidate_of(job, row->product_id);
    if (candidate == NULL)
        return;
    u64 *sum = reason == RECOMMEND_BOUGHT ? &candidate->bought : &candidate->viewed;
    *sum = sum_of(*sum, row->pull);
    candidate->support = MAX(candidate->support, row->support);
    if (row->name != 0) {
        candidate->name = row->name;
        candidate->told_by = told_by;
    }
}

static bool take_bytes(struct span *data, void *to, u32 bytes)
{
    if (data->bytes < bytes)
        return false;
    memcpy(to, data->data, bytes);
    data->data += bytes;
    data->bytes -= bytes;
    return true;
}

static void hear_candidates(struct recommend_job *job, struct span data, u16 told_by)
{
    struct recommend_found found;
    while (take_bytes(&data, &found, sizeof found)) { /* ends: less each time */
        if (job->wish.category_id == 0 && job->anchor_count != 0 &&
            found.product_id == job->anchors[0])
            job->wish.category_id = found.category_id;
        for (u64 i = 0; i < (u64)found.bought_count + found.viewed_count; i++) {
            struct recommend_candidate row;
            if (!take_bytes(&data, &row, sizeof row))
                return;
            hear_candidate(job, &row, i < found.bought_count ? RECOMMEND_BOUGHT : RECOMMEND_VIEWED,
                           told_by);
        }
        if (found.has_profile != 0)
            job->has_profile = take_bytes(&data, &job->profile, sizeof job->profile);
    }
}

/* ---- what is in the answer ---- */

static bool precedes(const struct found *a, const struct found *b)
{
    if (a->reason != b->reason &&
        (a->reason >= RECOMMEND_TRENDING_CATEGORY || b->reason >= RECOMMEND_TRENDING_CATEGORY))
        return a->reason < b->reason;
    return a->score != b->score ? a->score > b->score : a->product_id < b->product_id;
}

/* A product that is there already stays where its better reason puts it. */
static void add_found(struct recommend_job *job, const struct found *found)
{
    const u32 limit = job->wish.limit;
    u32 after = job->found_count;
    if (after == limit && (limit == 0 || !precedes(found, &job->found[limit - 1])))
        return;
    if (is_left_out(job, found->product_id))
        return;
    for (u32 i = 0; i < job->found_count; i++) {
        if (job->found[i].product_id != found->product_id)
            continue;
        if (!precedes(found, &job->found[i]))
            return;
        after = i; /* this one goes */
    }
    if (after == job->found_count) {
        if (after < limit)
            job->found_count++;
        else
            after--;
    }
    for (; after > 0 && precedes(found, &job->found[after - 1]); after--)
        job->found[after] = job->found[after - 1];
    job->found[after] = *found;
}

static void hear_rows(struct recommend_job *job, struct span data)
{
    struct recommend_rows head;
    if (!take_bytes(&data, &head, sizeof head) ||
        data.bytes < (u64)head.count * sizeof(struct recommend_shown) + head.text_bytes)
        return;
    const u8 *texts = data.data + head.count * sizeof(struct recommend_shown);
    for (u32 i = 0; i < head.count; i++) {
        struct recommend_shown row;
        struct found found = {.row = data.data};
        if (!take_bytes(&data, &row, sizeof row))
            return;
        found.product_id = row.product_id;
        found.text = texts + row.text_offset;
        found.score = row.score;
        found.support = row.support;
        found.reason = row.reason;
        add_found(job, &found);
    }
}

/* ---- asking ---- */

static void ask_part(struct gather *gather, struct recommend_job *job, u16 shard,
                     enum recommend_step step, const void *data, u32 bytes)
{
    const struct msg_recommend_part_req ask = {.step = step};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(recommend_part_req, data)] = {.data = data, .bytes = bytes}};
    if (job->ask_count == 0)
        job->first_ask = gather->open_count == 0 ? 0 : gather->ask_count;
    gather_ask(gather, OPCODE_RECOMMEND_PART, shard, &ask, spans);
    job->ask_count++;
}

static void ask_recent(struct gather *gather, struct recommend_job *job)
{
    const struct msg_track_part_req ask = {.step = TRACK_STEP_RECENT, .user_id = job->wish.user_id};
    job->first_ask = gather->open_count == 0 ? 0 : gather->ask_count;
    gather_ask(gather, OPCODE_TRACK_PART, shard_of(gather, job->wish.user_id), &ask, NULL);
    job->ask_count = 1;
}

/* Rows of one step, with the shard of each. Before them there is room for the head. */
struct rows {
    u8 *data;
    u32 row_bytes;
    u32 count;
    u16 shards[SHOWN_MAX];
};

static bool begin_rows(struct gather *gather, struct rows *rows, u32 row_bytes, u32 row_max)
{
    MUST(row_max <= SHOWN_MAX);
    rows->row_bytes = row_bytes;
    rows->count = 0;
    rows->data = gather_acquire(gather, sizeof(struct recommend_head) + row_max * row_bytes);
    return rows->data != NULL;
}

static void *row_of(const struct rows *rows, u32 at)
{
    return rows->data + sizeof(struct recommend_head) + at * rows->row_bytes;
}
STATIC_CHECK(sizeof(struct recommend_head) % 8 == 0);

/* The rows of each shard side by side. */
static bool sort_rows(struct gather *gather, const struct rows *rows, struct rows *to, u32 *ends)
{
    if (!begin_rows(gather, to, rows->row_bytes, rows->count))
        return false;
    memset(ends, 0, gather->shard_count * sizeof *ends);
    for (u32 i = 0; i < rows->count; i++)
        ends[rows->shards[i]]++;
    for (u32 shard = 1; shard < gather->shard_count; shard++)
        ends[shard] += ends[shard - 1];
    for (u32 i = rows->count; i > 0; i--) /* from the end: ends go down to where each begins */
        memcpy(row_of(to, --ends[rows->shards[i - 1]]), row_of(rows, i - 1), rows->row_bytes);
    for (u32 i = 0; i < rows->count; i++) /* and up again */
        ends[rows->shards[i]]++;
    return true;
}

/* One ask for each shard that has some of the rows. The head of the next one takes the place of rows that
 * were asked already. */
static void ask_by_shard(struct gather *gather, struct recommend_job *job, enum recommend_step step,
                         const struct recommend_head *head, const struct rows *rows)
{
    u32 ends[SHARDS_MAX];
    struct rows sorted;
    if (gather->shard_count == 1) {
        memcpy(rows->data, head, sizeof *head);
        ask_part(gather, job, 0, step, rows->data,
                 (u32)sizeof *head + rows->count * rows->row_bytes);
        return;
    }
    if (!sort_rows(gather, rows, &sorted, ends))
        return;
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        const u32 first = shard == 0 ? 0 : ends[shard - 1];
        if (first == ends[shard])
            continue;
        u8 *data = (u8 *)row_of(&sorted, first) - sizeof *head;
        memcpy(data, head, sizeof *head);
        ask_part(gather, job, shard, step, data,
                 (u32)sizeof *head + (ends[shard] - first) * rows->row_bytes);
    }
}
STATIC_CHECK(RECOMMEND_ANCHORS_MAX <= SHOWN_MAX);

static u32 shown_most(const struct recommend_job *job);

/* With one anchor and one kind no candidate comes twice, so no more come than are asked about. */
static bool is_plain(const struct recommend_job *job)
{
    return job->anchor_count == 1 &&
           !(has_kind(job, RECOMMEND_BOUGHT) && has_kind(job, RECOMMEND_VIEWED));
}

static void ask_candidates(struct gather *gather, struct recommend_job *job)
{
    const struct recommend_head head = {.classes = job->wish.kinds};
    const u32 most = shown_most(job) + id_count(job->wish.without);
    struct rows rows;
    if (!begin_rows(gather, &rows, sizeof(struct recommend_anchor), job->anchor_count))
        return;
    for (u32 i = 0; i < job->anchor_count; i++) {
        const struct recommend_anchor row = {.product_id = job->anchors[i],
                                             .kinds = (u16)job->wish.kinds,
                                             .most = (u16)(is_plain(job)
                                                               ? MIN(most, RECOMMEND_CANDIDATES_MAX)
                                                               : RECOMMEND_CANDIDATES_MAX)};
        memcpy(row_of(&rows, rows.count), &row, sizeof row);
        rows.shards[rows.count++] = shard_of(gather, row.product_id);
    }
    ask_by_shard(gather, job, RECOMMEND_STEP_CANDIDATES, &head, &rows);
}

/* A candidate as it is chosen: by its sum, then by the lesser id. */
struct choice {
    u64 sum;
    const struct candidate *candidate;
};

static bool is_worse(const struct choice *a, const struct choice *b)
{
    return a->sum != b->sum ? a->sum < b->sum : a->candidate->product_id > b->candidate->product_id;
}

/* `choices` is a heap, the worst on top. */
static void sink_choice(struct choice *choices, u32 count, u32 hole, struct choice one)
{
    for (u32 child; (child = 2 * hole + 1) < count; hole = child) { /* ends: deeper */
        if (child + 1 < count && is_worse(&choices[child + 1], &choices[child]))
            child++;
        if (!is_worse(&choices[child], &one))
            break;
        choices[hole] = choices[child];
    }
    choices[hole] = one;
}

/* How many candidates are asked about: enough that the order by score is that of all. */
static u32 shown_most(const struct recommend_job *job)
{
    return MIN((2 * job->wish.limit + 16) * (1 + job->anchor_count / 2), SHOWN_MAX);
}

static void add_asked(const struct gather *gather, struct rows *rows,
                      const struct candidate *candidate)
{
    const u16 shard = shard_of(gather, candidate->product_id);
    const struct recommend_asked row = {.product_id = candidate->product_id,
                                        .bought = candidate->bought,
                                        .viewed = candidate->viewed,
                                        .support = candidate->support,
                                        .name = candidate->told_by == shard ? candidate->name : 0};
    memcpy(row_of(rows, rows->count), &row, sizeof row);
    rows->shards[rows->count++] = shard;
}

/* The candidates with the greatest sums, before it is known how often each is bought. */
static u32 choose(const struct recommend_job *job, u32 most, struct choice *choices)
{
    u32 count = 0;
    for (u32 i = 0; i < job->candidate_count; i++) {
        const struct candidate *candidate = &job->candidates[i];
        const struct choice one = {.sum = sum_of(candidate->bought, candidate->viewed),
                                   .candidate = candidate};
        if (count < most) {
            choices[count++] = one;
            for (u32 at = count / 2; count == most && at > 0; at--)
                sink_choice(choices, count, at - 1, choices[at - 1]);
        } else if (is_worse(&choices[0], &one)) {
            sink_choice(choices, count, 0, one);
        }
    }
    return count;
}

static void ask_show(struct gather *gather, struct recommend_job *job)
{
    const struct recommend_head head = {.most = job->wish.limit, .classes = job->wish.kinds};
    const u32 most = shown_most(job);
    struct choice choices[SHOWN_MAX];
    struct rows rows;
    if (!begin_rows(gather, &rows, sizeof(struct recommend_asked), MIN(most, job->candidate_count)))
        return;
    const bool has_all = job->candidate_count <= most;
    const u32 count = has_all ? job->candidate_count : choose(job, most, choices);
    for (u32 i = 0; i < count; i++)
        add_asked(gather, &rows, has_all ? &job->candidates[i] : choices[i].candidate);
    ask_by_shard(gather, job, RECOMMEND_STEP_SHOW, &head, &rows);
}

static void ask_similar(struct gather *gather, struct recommend_job *job)
{
    struct recommend_head head = {.most = job->wish.limit + id_count(job->wish.without)};
    u8 data[sizeof head + sizeof job->profile];
    head.without = job->anchors[0];
    memcpy(data, &head, sizeof head);
    memcpy(data + sizeof head, &job->profile, sizeof job->profile);
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        ask_part(gather, job, shard, RECOMMEND_STEP_SIMILAR, data, sizeof data);
}

static void ask_fallback(struct gather *gather, struct recommend_job *job, u32 classes)
{
    /* Any of what is left out, or there already, may be among what is told. */
    const u32 most =
        job->wish.limit + job->anchor_count + id_count(job->wish.without) + job->found_count;
    const struct recommend_head head = {
        .most = most, .classes = classes, .category_id = job->wish.category_id};
    MUST(most <= RECOMMEND_FALLBACK_MAX);
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        ask_part(gather, job, shard, RECOMMEND_STEP_FALLBACK, &head, sizeof head);
}

/* ---- the rounds ---- */

static void hear_recent(struct recommend_job *job, struct span products)
{
    for (u32 i = 0; i < id_count(products) && job->anchor_count < RECOMMEND_ANCHORS_MAX; i++)
        job->anchors[job->anchor_count++] = id_at(products, i);
}

void gather_recommend_hear(struct gather *gather, struct recommend_job *job)
{
    for (u32 i = 0; i < job->ask_count; i++) {
        const struct gather_ask *ask = &gather->asks[job->first_ask + i];
        MUST(ask->is_answered);
        if (job->stage == STAGE_RECENT)
            hear_recent(job, ask->answer.spans[SPAN_OF(track_part_rsp, products)]);
        else if (job->stage == STAGE_CANDIDATES)
            hear_candidates(job, ask->answer.spans[SPAN_OF(recommend_part_rsp, data)], ask->shard);
        else
            hear_rows(job, ask->answer.spans[SPAN_OF(recommend_part_rsp, data)]);
    }
    job->ask_count = 0;
}

static bool prepare_candidates(struct gather *gather, struct recommend_job *job)
{
    const u32 per_anchor = RECOMMEND_CANDIDATES_MAX + RECOMMEND_VIEWED_MAX;
    job->candidate_max = MIN(per_anchor * job->anchor_count, CANDIDATES_MAX);
    job->candidates = gather_acquire(gather, job->candidate_max * sizeof *job->candidates);
    if (is_plain(job))
        return job->candidates != NULL;
    u32 places = 256;
    while (places < 2 * job->candidate_max)
        places *= 2; /* ends: it doubles */
    job->place_mask = places - 1;
    job->places = gather_acquire(gather, places * sizeof *job->places);
    if (job->candidates == NULL || job->places == NULL)
        return false;
    memset(job->places, 0, places * sizeof *job->places);
    return true;
}

/* Asks what a stage asks, if it has anything to ask. */
static void ask_stage(struct gather *gather, struct recommend_job *job)
{
    const bool needs_more = job->found_count < job->wish.limit && !job->wish.is_strict;
    switch (job->stage) {
    case STAGE_RECENT:
        if (job->wish.user_id != 0 && job->wish.has_views)
            ask_recent(gather, job);
        break;
    case STAGE_CANDIDATES:
        if (job->wish.kinds != 0 && job->anchor_count != 0 && prepare_candidates(gather, job))
            ask_candidates(gather, job);
        break;
    case STAGE_SHOW:
        if (job->candidate_count != 0)
            ask_show(gather, job);
        break;
    case STAGE_SIMILAR:
        if (job->has_profile && has_kind(job, RECOMMEND_SIMILAR))
            ask_similar(gather, job);
        break;
    case STAGE_FALLBACK:
        if (needs_more || job->wish.kinds == 0)
            ask_fallback(gather, job, 1u << RECOMMEND_TRENDING_CATEGORY | 1u << RECOMMEND_TRENDING);
        break;
    case STAGE_CATALOG:
        if (needs_more)
            ask_fallback(gather, job, 1u << RECOMMEND_CATALOG);
        break;
    case STAGE_START:
    case STAGE_DONE: break;
    }
}

bool gather_recommend_ask(struct gather *gather, struct recommend_job *job)
{
    MUST(job->ask_count == 0);
    while (job->stage != STAGE_DONE && job->ask_count == 0) { /* ends: a stage further each time */
        job->stage++;
        if (job->wish.limit != 0)
            ask_stage(gather, job);
    }
    return job->ask_count != 0;
}

/* Texts are cut short of the answer's room: then their rows are the last. */
void gather_recommend_take(struct gather *gather, const struct recommend_job *job,
                           struct span *items, struct span *texts)
{
    struct row_recommended *rows = gather_acquire(gather, MAX(job->found_count, 1u) * sizeof *rows);
    u8 *text = gather_acquire(gather, (size_t)MAX(job->found_count, 1u) *
                                          (CODE_BYTES_MAX + TITLE_BYTES_MAX));
    u32 count = 0, bytes = 0;
    if (rows == NULL || text == NULL)
        return;
    for (; count < job->found_count; count++) {
        const struct found *found = &job->found[count];
        struct recommend_shown row;
        memcpy(&row, found->row, sizeof row);
        const u32 own = (u32)row.code_bytes + row.title_bytes;
        /* Fallbacks come after all that was asked for, so their scores are smaller. */
        const u64 rank = 7u - MAX(found->reason, 3u);
        rows[count] =
            (struct row_recommended){.product_id = row.product_id,
                                     .score = rank << 56 | MIN(found->score, (1ull << 56) - 1),
                                     .price = row.price,
                                     .support = found->support,
                                     .reason = (u16)found->reason,
                                     .state = row.state,
                                     .currency = row.currency,
                                     .rating = row.rating,
                                     .text_offset = bytes,
                                     .code_bytes = row.code_bytes,
                                     .title_bytes = row.title_bytes};
        memcpy(text + bytes, found->text, own);
        bytes += own;
    }
    *items = (struct span){.data = (const u8 *)rows, .bytes = count * (u32)sizeof *rows};
    *texts = (struct span){.data = text, .bytes = bytes};
}
STATIC_CHECK(RECOMMEND_LIMIT_MAX *(CODE_BYTES_MAX + TITLE_BYTES_MAX) <= SEARCH_TEXTS_BYTES_MAX);
