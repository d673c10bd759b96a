/* search_part: the steps of a search on this shard (query_step.h), and counted queries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/query_offer.h"
#include "shards/search/query_step.h"
#include "shards/search/run.h"
#include "shards/shard_handlers.h"

/* ---- LABELS: the texts of values of facets ---- */

#define LABELS_IN_A_SLICE 80u /* a value, and its text, from anywhere */

struct labels {
    struct facets *facets;
    struct query_unpack from;
    struct query_pack pack;
    u32 left;
};

static struct labels *begin_labels(struct part *part)
{
    struct labels *labels = bump_acquire_zeroed(&part->bump, sizeof *labels);
    MUST(labels != NULL);
    labels->from = unpack_of(part->spans[SPAN_OF(search_part_req, data)]);
    const u32 bytes = unpack_u32(&labels->from);
    const u8 *facets = unpack_bytes(&labels->from, bytes);
    labels->facets = bump_acquire(&part->bump, bytes);
    labels->pack.data = bump_acquire(&part->bump, PART_BYTES_MAX);
    labels->pack.capacity = PART_BYTES_MAX;
    MUST(labels->facets != NULL && labels->pack.data != NULL);
    memcpy(labels->facets, facets, bytes);
    labels->left = unpack_u32(&labels->from);
    return labels;
}

static bool labels_step(struct shard *shard, struct part *part)
{
    struct msg_search_part_rsp *reply = (void *)part->reply;
    const struct columns *columns = &search_current(&shard->search)->columns;
    if (part->state == NULL)
        part->state = begin_labels(part);
    struct labels *labels = part->state;
    for (u32 i = 0; i < LABELS_IN_A_SLICE && labels->left != 0; i++, labels->left--) {
        const u16 facet = unpack_u16(&labels->from);
        const u64 value_id = unpack_u64(&labels->from);
        struct span text = {0};
        u64 parent_id = 0;
        const bool is_known =
            facet_label(columns, labels->facets, facet, value_id, &text, &parent_id);
        pack_u8(&labels->pack, is_known ? 1 : 0);
        pack_u64(&labels->pack, parent_id);
        pack_text(&labels->pack, is_known ? text : (struct span){0});
    }
    if (labels->left != 0)
        return false;
    reply->first_lsn = part->first_lsn;
    reply->last_lsn = shard->applied_lsn;
    if (labels->pack.is_full)
        reply->head.status = STATUS_TOO_LARGE;
    else
        part->reply_spans[SPAN_OF(search_part_rsp, data)] =
            (struct span){.data = labels->pack.data, .bytes = labels->pack.used};
    return true;
}

/* Of a part that begins: takes the generations from its data. False: it is asked about another index. */
static bool take_generation(struct shard *shard, struct part *part, enum search_step step)
{
    struct span *data = &part->spans[SPAN_OF(search_part_req, data)];
    struct query_unpack from = unpack_of(*data);
    if (!query_step_names_index(step))
        return true;
    const bool is_same =
        query_generations_read(&from, shard->options.index, shard->search.generation);
    *data = (struct span){.data = data->data + from.at, .bytes = data->bytes - from.at};
    return is_same;
}

bool shard_part_search_part(struct shard *shard, struct part *part)
{
    struct msg_search_part_req request;
    memcpy(&request, part->fixed, sizeof request);
    if (part->state == NULL && !part->is_late && !search_may_begin(shard))
        return false;
    if (part->state == NULL && !take_generation(shard, part, (enum search_step)request.step)) {
        struct msg_search_part_rsp *reply = (void *)part->reply;
        reply->first_lsn = part->first_lsn;
        reply->last_lsn = shard->applied_lsn;
        return true;
    }
    switch ((enum search_step)request.step) {
    case SEARCH_STEP_WORDS:
    case SEARCH_STEP_COUNTS:
    case SEARCH_STEP_TYPOS: return query_offer_step(shard, part, (enum search_step)request.step);
    case SEARCH_STEP_SLOTS:
    case SEARCH_STEP_RUN:
    case SEARCH_STEP_DETAILS: return run_step(shard, part, (enum search_step)request.step);
    case SEARCH_STEP_LABELS: return labels_step(shard, part);
    }
    ((struct msg_search_part_rsp *)(void *)part->reply)->head.status = STATUS_BAD_ARGUMENT;
    return true;
}

/* ---- counted queries ---- */

bool shard_part_query_seen(struct shard *shard, struct part *part)
{
    struct msg_query_seen_req request;
    memcpy(&request, part->fixed, sizeof request);
    query_stats_see(&shard->search.stats, part->spans[SPAN_OF(query_seen_req, query)],
                    request.total, part->now_ns);
    return true;
}

bool shard_read_query_stats(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply, struct span *spans)
{
    struct msg_query_stats_req asked;
    struct msg_query_stats_rsp *answer = reply;
    struct row_query_count *rows = (void *)shard->scratch;
    (void)call;
    memcpy(&asked, request, sizeof asked);
    if (asked.limit == 0 || asked.limit > 100) {
        answer->head.status = STATUS_BAD_ARGUMENT;
        return true;
    }
    answer->asked = shard->search.stats.asked;
    answer->empty = shard->search.stats.empty;
    for (u32 table = 0; table < 2; table++) {
        const u32 count =
            query_stats_rows(&shard->search.stats, table == 1, rows + table * 100, asked.limit);
        spans[table] = (struct span){.data = (const u8 *)(rows + table * 100),
                                     .bytes = count * (u32)sizeof *rows};
    }
    return true;
}
