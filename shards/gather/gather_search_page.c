/* gather_search_page: what the shards have found, made one page: see gather_search.h.
 *
 *      hits of the shards, each in order  -> merged, in pieces; pins at their places; ads before all
 *      counts of the facets               -> merged; texts of the values that are shown are asked for
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/checksum.h"
#include "proto/route.h"
#include "shards/gather/gather_search.h"

#define HIGHLIGHTS_MAX  4096u
#define EXPLANATION_MAX 16384u

/* ---- details ---- */

struct detail {
    struct row_hit row;
    struct span code;
    struct span title;
    struct span highlights;
    struct span explanation;
};

static void read_detail(struct query_unpack *from, struct detail *detail)
{
    memcpy(&detail->row, unpack_bytes(from, sizeof detail->row), sizeof detail->row);
    detail->code = unpack_text(from);
    detail->title = unpack_text(from);
    const u32 count = unpack_u32(from);
    detail->highlights.bytes = count * (u32)sizeof(struct row_highlight);
    detail->highlights.data = unpack_bytes(from, detail->highlights.bytes);
    detail->explanation.bytes = unpack_u32(from);
    detail->explanation.data = unpack_bytes(from, detail->explanation.bytes);
}

static void take_detail(struct query_unpack *from, bool is_there, struct search_hit *hit)
{
    struct detail detail;
    if (!is_there)
        return;
    hit->detail.data = from->data + from->at;
    const u32 begin = from->at;
    read_detail(from, &detail);
    hit->detail.bytes = from->at - begin;
}

/* ---- merging ---- */

/* Nanoseconds, about. */
#define COST_HIT    15u /* and for each time that the shards double */
#define COST_DETAIL 40u
#define COST_LABEL  10u /* of a shard */
#define COST_VALUE  60u

/* The next hit of the stream; false: there is none. */
static bool next_head(struct search_stream *stream)
{
    if (stream->left == 0)
        return false;
    memcpy(&stream->key, stream->hits + offsetof(struct run_hit, key), sizeof stream->key);
    memcpy(&stream->product_id, stream->hits + offsetof(struct run_hit, product_id),
           sizeof stream->product_id);
    stream->left--;
    return true;
}

static bool stream_precedes(const struct search_stream *a, const struct search_stream *b)
{
    return a->key != b->key ? a->key > b->key : a->product_id < b->product_id;
}

static void sink_stream(struct search_merge *merge, u32 at)
{
    struct search_stream *streams = merge->streams;
    const struct search_stream stream = streams[at];
    for (u32 child; (child = 2 * at + 1) < merge->stream_count; at = child) {
        if (child + 1 < merge->stream_count &&
            stream_precedes(&streams[child + 1], &streams[child]))
            child++;
        if (!stream_precedes(&streams[child], &stream))
            break;
        streams[at] = streams[child];
    }
    streams[at] = stream;
}

/* The first hit of all shards; into `hit`, if that is not NULL. */
static void take_hit(struct search_merge *merge, struct search_hit *hit)
{
    struct search_stream *first = &merge->streams[0];
    struct search_hit skipped;
    struct search_hit *to = hit != NULL ? hit : &skipped;
    if (hit != NULL) {
        *hit = (struct search_hit){0};
        memcpy(&hit->hit, first->hits, sizeof hit->hit);
    }
    first->hits += sizeof(struct run_hit);
    take_detail(&first->details, first->has_details, to);
    if (!next_head(first))
        *first = merge->streams[--merge->stream_count];
    sink_stream(merge, 0);
}

static bool ad_precedes(const struct search_hit *a, const struct search_hit *b)
{
    return a->bid != b->bid ? a->bid > b->bid : a->ad_id < b->ad_id;
}

static bool pin_precedes(const struct search_hit *a, const struct search_hit *b)
{
    return a->hit.place != b->hit.place ? a->hit.place < b->hit.place
                                        : a->hit.product_id < b->hit.product_id;
}

static void insert(struct search_hit *list, u32 count, const struct search_hit *hit,
                   bool (*precedes)(const struct search_hit *, const struct search_hit *))
{
    u32 at = count;
    for (; at != 0 && precedes(hit, &list[at - 1]); at--)
        list[at] = list[at - 1];
    list[at] = *hit;
}

/* Hits stay where they are; pins and ads are put in order. */
static void read_found(const struct run_found *found, struct query_unpack *from,
                       struct search_merge *merge)
{
    struct search_stream *stream = &merge->streams[merge->stream_count];
    struct search_hit hit = {0};
    *stream =
        (struct search_stream){.left = found->hit_count, .has_details = found->has_details != 0};
    stream->hits = unpack_bytes(from, found->hit_count * (u32)sizeof(struct run_hit));
    const u8 *pins = unpack_bytes(from, found->pin_count * (u32)sizeof(struct run_hit));
    const u8 *ads = unpack_bytes(from, found->ad_count * (u32)sizeof(struct run_ad));
    stream->details = *from;
    for (u32 i = 0; i < found->hit_count && stream->has_details; i++)
        take_detail(from, true, &hit);
    for (u32 i = 0; i < found->pin_count; i++) {
        struct search_hit pin = {0};
        memcpy(&pin.hit, pins + i * sizeof pin.hit, sizeof pin.hit);
        take_detail(from, stream->has_details, &pin);
        insert(merge->pins, merge->pin_count++, &pin, pin_precedes);
    }
    for (u32 i = 0; i < found->ad_count; i++) {
        struct run_ad ad;
        memcpy(&ad, ads + i * sizeof ad, sizeof ad);
        struct search_hit slot = {.hit = ad.hit, .ad_id = ad.ad_id, .bid = ad.bid};
        take_detail(from, true, &slot);
        insert(merge->ads, merge->ad_count++, &slot, ad_precedes);
    }
    if (next_head(stream))
        merge->stream_count++;
}

static struct run_found found_of(struct query_unpack *from)
{
    struct run_found found;
    memcpy(&found, unpack_bytes(from, sizeof found), sizeof found);
    return found;
}

void search_open_page(struct gather *gather, struct search_state *state)
{
    const u16 count = gather->shard_count;
    struct search_merge *merge = &state->merge;
    u32 pins = 0, ads = 0;
    for (u16 i = 0; i < count; i++) {
        struct query_unpack from = search_answer(gather, i);
        const struct run_found found = found_of(&from);
        pins += found.pin_count;
        ads += found.ad_count;
    }
    *merge = (struct search_merge){0};
    merge->findings = gather_acquire(gather, count * sizeof(merge->findings[0]));
    merge->streams = gather_acquire(gather, count * sizeof merge->streams[0]);
    merge->pins = gather_acquire(gather, (pins + 1) * sizeof merge->pins[0]);
    merge->ads = gather_acquire(gather, (ads + 1) * sizeof merge->ads[0]);
    state->page = gather_acquire(gather, (SEARCH_LIMIT_MAX + 10) * sizeof state->page[0]);
    gather->work += 1000 + 20u * count;
}

/* What one shard has found. */
void search_read_stage(struct gather *gather, struct search_state *state)
{
    struct search_merge *merge = &state->merge;
    struct query_unpack from = search_answer(gather, state->at);
    const struct run_found found = found_of(&from);
    merge->findings[state->at] = unpack_bytes(&from, found.facet_bytes);
    read_found(&found, &from, merge);
    const u32 details = found.has_details != 0 ? found.hit_count : 0;
    gather->work += 200 + COST_DETAIL * (details + 2 * found.pin_count + 2 * found.ad_count);
    if (++state->at != gather->shard_count)
        return;
    for (u32 at = merge->stream_count / 2; at-- > 0;)
        sink_stream(merge, at);
    gather->work += COST_HIT * gather->shard_count;
    search_go(state, SEARCH_STAGE_PAGE);
}

/* Each pin at its place, or right after the one before it; those beyond the end at the end, so that a
 * cursor knows which of them have been shown. */
static void place_pins(struct search_merge *merge, u64 total)
{
    u32 least = 1;
    for (u32 i = 0; i < merge->pin_count; i++) {
        merge->pins[i].hit.place = MAX(merge->pins[i].hit.place, least);
        least = merge->pins[i].hit.place + 1;
    }
    u64 most = MAX(total, (u64)merge->pin_count);
    for (u32 i = merge->pin_count; i-- > 0; most = merge->pins[i].hit.place - 1)
        merge->pins[i].hit.place = (u32)MIN((u64)merge->pins[i].hit.place, most);
}

/* Ads stand first, and nothing has been taken. */
static void begin_page(struct search_state *state)
{
    struct search_merge *merge = &state->merge;
    place_pins(merge, state->total);
    merge->position = state->cursor.position;
    while (merge->pin < merge->pin_count && merge->pins[merge->pin].hit.place <= merge->position)
        merge->pin++;
    state->ad_count = MIN(merge->ad_count, state->request.ads);
    memcpy(state->page, merge->ads, state->ad_count * sizeof state->page[0]);
    state->page_count = state->ad_count;
    state->next = state->cursor;
}

/* One more hit or pin; false: there is none. */
static bool take_next(struct search_state *state)
{
    struct search_merge *merge = &state->merge;
    const bool has_hit = merge->stream_count != 0;
    const bool is_pin = merge->pin < merge->pin_count &&
                        (!has_hit || merge->pins[merge->pin].hit.place == merge->position + 1);
    const bool is_shown = merge->taken >= state->request.offset;
    if (!is_pin && !has_hit)
        return false;
    if (is_pin) {
        if (is_shown)
            state->page[state->page_count++] = merge->pins[merge->pin];
        merge->pin++;
    } else {
        state->next.key = merge->streams[0].key;
        state->next.product_id = merge->streams[0].product_id;
        take_hit(merge, is_shown ? &state->page[state->page_count++] : NULL);
    }
    merge->taken++;
    merge->position++;
    return true;
}

void search_page_stage(struct gather *gather, struct search_state *state)
{
    struct search_merge *merge = &state->merge;
    const u32 wanted = state->request.offset + state->request.limit;
    u32 cost = COST_HIT;
    for (u32 shards = gather->shard_count; shards > 1; shards /= 2)
        cost += COST_HIT;
    if (state->at++ == 0)
        begin_page(state);
    while (state->request.limit != 0 && merge->taken < wanted) {
        if (!gather_has_time(gather))
            return;
        if (!take_next(state))
            break;
        gather->work += cost;
    }
    if (state->request.limit != 0) {
        state->next.position = merge->position;
        state->has_more = merge->pin < merge->pin_count || merge->stream_count != 0;
    }
    for (u32 i = 0; i < state->page_count; i++)
        state->page[i].shard =
            route_shard(route_hash_u64(state->page[i].hit.product_id), gather->shard_count);
    gather->work += COST_HIT * state->page_count;
    search_go(state, SEARCH_STAGE_FACETS);
}

void search_facets_stage(struct gather *gather, struct search_state *state)
{
    struct search_merge *merge = &state->merge;
    const u32 most = GATHER_PIECE_WORK;
    if (state->facets->count != 0 && merge->facets == NULL) {
        merge->facets =
            facet_merge_begin(state->facets, merge->findings, gather->shard_count, &gather->bump);
        gather->work += 2000;
        if (merge->facets == NULL) {
            search_refuse(gather, state, STATUS_TOO_LARGE);
            return;
        }
    }
    if (merge->facets != NULL &&
        !facet_merge_step(merge->facets, &gather->work, most, &state->merged))
        return;
    state->round = SEARCH_ROUND_LAST;
    search_go(state, SEARCH_STAGE_LABELS);
}

/* ---- what is still needed ---- */

/* The texts of the values. */
void search_labels_stage(struct gather *gather, struct search_state *state)
{
    const u32 count = state->merged.value_count;
    struct query_pack *pack = &state->pack;
    if (count == 0) {
        search_go(state, SEARCH_STAGE_REST);
        return;
    }
    if (state->at == 0) {
        if (!search_open_pack(gather, state, SEARCH_STEP_LABELS, &pack))
            return;
        pack_u32(pack, state->facets->bytes);
        pack_bytes(pack, state->facets, state->facets->bytes);
        pack_u32(pack, count);
    }
    for (; state->at < count; state->at++) {
        if (!gather_has_time(gather))
            return;
        pack_u16(pack, state->merged.values[state->at].facet);
        pack_u64(pack, state->merged.values[state->at].value_id);
        gather->work += COST_LABEL;
    }
    MUST(!pack->is_full);
    search_ask_all(gather, SEARCH_STEP_LABELS, pack);
    state->label_asks = gather->shard_count;
    search_go(state, SEARCH_STAGE_REST);
}
STATIC_CHECK(FACET_VALUES_MAX * 10u + (64u << 10) <= PART_BYTES_MAX / 2);

static bool needs_detail(const struct search_hit *hit, u16 shard)
{
    return hit->detail.data == NULL && hit->shard == shard;
}

/* The query as it is counted: its words folded, with their signs. */
static struct span folded_query(struct gather *gather, const struct query_text *text)
{
    const u32 capacity = QUERY_BYTES_MAX;
    struct query_pack pack = {.data = gather_acquire(gather, capacity), .capacity = capacity};
    for (u32 i = 0; i < text->slot_count && pack.data != NULL; i++) {
        const struct query_slot *slot = &text->slots[i];
        const bool is_phrase = (slot->flags & QUERY_SLOT_PHRASE) != 0;
        if (i != 0)
            pack_u8(&pack, ' ');
        if ((slot->flags & QUERY_SLOT_EXCLUDED) != 0)
            pack_u8(&pack, '-');
        if (is_phrase)
            pack_u8(&pack, '"');
        for (u32 j = 0; j < slot->count; j++) {
            const struct span word = query_text_part(text, slot->first + j);
            if (j != 0)
                pack_u8(&pack, ' ');
            pack_bytes(&pack, word.data, word.bytes);
        }
        if (is_phrase)
            pack_u8(&pack, '"');
    }
    return (struct span){.data = pack.data, .bytes = pack.data != NULL ? pack.used : 0};
}

/* First pages are counted, where the query's hash says. */
static void ask_seen(struct gather *gather, struct search_state *state)
{
    if (state->is_suggestion || state->text.slot_count == 0 || state->cursor.check != 0 ||
        state->request.offset != 0 || (state->notes & SEARCH_NOTE_PARTIAL) != 0)
        return;
    const struct msg_query_seen_req seen = {.total = state->total};
    const struct span query = folded_query(gather, &state->text);
    const u16 shard = route_shard(checksum64(query.data, query.bytes), gather->shard_count);
    gather_ask(gather, OPCODE_QUERY_SEEN, shard, &seen, &query);
}

/* Details of the hits of one shard. */
static void ask_details(struct gather *gather, struct search_state *state, u16 shard)
{
    struct run_hit hits[SEARCH_LIMIT_MAX + 10];
    u32 count = 0;
    for (u32 i = 0; i < state->page_count; i++)
        if (needs_detail(&state->page[i], shard))
            hits[count++] = state->page[i].hit;
    gather->work += 2 * state->page_count;
    if (count == 0)
        return;
    const struct query_pack *pack =
        search_write_run(gather, state, SEARCH_STEP_DETAILS, 0, hits, count);
    if (pack == NULL)
        return;
    search_ask_step(gather, shard, SEARCH_STEP_DETAILS, pack);
    state->detail_asks++;
}

void search_rest_stage(struct gather *gather, struct search_state *state)
{
    if (state->at < gather->shard_count) {
        ask_details(gather, state, (u16)state->at++);
        return;
    }
    ask_seen(gather, state);
    if (gather->open_count != 0)
        search_go(state, SEARCH_STAGE_END);
    else
        search_go(state, SEARCH_STAGE_DETAILS);
}

/* ---- the reply ---- */

static bool open_rows(struct gather *gather, const struct search_state *state,
                      struct search_rows *rows)
{
    const u32 explained = (state->request.flags & SEARCH_FLAG_EXPLAIN) != 0 ? EXPLANATION_MAX : 8;
    const struct {
        struct query_pack *pack;
        u32 bytes;
    } packs[] = {
        {&rows->hits, (state->page_count + 1) * (u32)sizeof(struct row_hit)},
        {&rows->highlights, HIGHLIGHTS_MAX * (u32)sizeof(struct row_highlight)},
        {&rows->values, (state->merged.value_count + 1) * (u32)sizeof(struct row_facet_value)},
        {&rows->texts, SEARCH_TEXTS_BYTES_MAX},
        {&rows->explanation, explained},
    };
    for (u32 i = 0; i < ARRAY_COUNT(packs); i++) {
        *packs[i].pack = (struct query_pack){.data = gather_acquire(gather, packs[i].bytes),
                                             .capacity = packs[i].bytes};
        if (packs[i].pack->data == NULL)
            return false;
    }
    return true;
}

static void write_hit(const struct search_hit *hit, struct query_pack *hits,
                      struct query_pack *highlights, struct query_pack *texts,
                      struct query_pack *explanation)
{
    struct query_unpack from = unpack_of(hit->detail);
    struct detail detail = {0};
    if (hit->detail.data != NULL)
        read_detail(&from, &detail);
    struct row_hit row = detail.row;
    row.product_id = hit->hit.product_id;
    row.text_offset = texts->used;
    row.code_bytes = (u16)detail.code.bytes;
    row.title_bytes = (u16)detail.title.bytes;
    pack_bytes(texts, detail.code.data, detail.code.bytes);
    pack_bytes(texts, detail.title.data, detail.title.bytes);
    if (highlights != NULL) {
        const u32 left = explanation->capacity - explanation->used;
        row.highlight_offset = (u16)(highlights->used / sizeof(struct row_highlight));
        row.highlight_count = (u16)(detail.highlights.bytes / sizeof(struct row_highlight));
        pack_bytes(highlights, detail.highlights.data, detail.highlights.bytes);
        pack_bytes(explanation, detail.explanation.data, MIN(detail.explanation.bytes, left));
    }
    pack_bytes(hits, &row, sizeof row);
}

void search_write_hits(struct search_state *state, struct query_pack *hits,
                       struct query_pack *highlights, struct query_pack *texts,
                       struct query_pack *explanation)
{
    for (u32 i = 0; i < state->page_count; i++)
        write_hit(&state->page[i], hits, highlights, texts, explanation);
}

/* Of one ask. */
void search_details_stage(struct gather *gather, struct search_state *state)
{
    const u32 ask = state->label_asks + state->at;
    if (state->at < state->detail_asks) {
        struct query_unpack from = search_answer(gather, ask);
        const u16 shard = gather->asks[ask].shard;
        for (u32 i = 0; i < state->page_count; i++)
            if (needs_detail(&state->page[i], shard))
                take_detail(&from, true, &state->page[i]);
        gather->work += COST_DETAIL * state->page_count;
        state->at++;
        return;
    }
    if (state->is_suggestion) {
        search_go(state, SEARCH_STAGE_REPLY);
        return;
    }
    if (!open_rows(gather, state, &state->rows))
        return; /* the gather is full */
    for (u32 i = 0; i < state->label_asks; i++)
        state->answers[i] = search_answer(gather, i);
    search_write_hits(state, &state->rows.hits, &state->rows.highlights, &state->rows.texts,
                      &state->rows.explanation);
    gather->work += COST_VALUE * state->page_count;
    search_go(state, SEARCH_STAGE_VALUES);
}

/* What the shards say of the next value: the first that knows it is right. */
static struct span read_label(struct search_state *state, u64 *parent_id)
{
    struct span text = {0};
    for (u32 i = 0; i < state->label_asks; i++) {
        struct query_unpack *from = &state->answers[i];
        const u8 is_known = unpack_u8(from);
        const u64 parent = unpack_u64(from);
        const struct span label = unpack_text(from);
        if (is_known != 0 && text.bytes == 0) {
            text = label;
            *parent_id = parent;
        }
    }
    return text;
}

static void write_value(struct search_state *state, const struct facet_found *value)
{
    struct search_rows *rows = &state->rows;
    struct row_facet_value row = {.value_id = value->value_id,
                                  .count = value->count,
                                  .facet = value->facet,
                                  .text_offset = rows->texts.used};
    u64 parent_id = 0;
    const struct span text = read_label(state, &parent_id);
    row.parent_id = parent_id;
    row.text_bytes = (u16)text.bytes;
    row.is_chosen =
        filter_chooses(state->filter, (enum filter_field)state->facets->items[value->facet].field,
                       facet_name(state->facets, value->facet), value->value_id)
            ? 1
            : 0;
    pack_bytes(&rows->texts, text.data, text.bytes);
    pack_bytes(&rows->values, &row, sizeof row);
}

void search_values_stage(struct gather *gather, struct search_state *state)
{
    const u32 cost = COST_VALUE + COST_LABEL * state->label_asks + 4u * state->filter->term_count;
    for (; state->at < state->merged.value_count; state->at++) {
        if (!gather_has_time(gather))
            return;
        write_value(state, &state->merged.values[state->at]);
        gather->work += cost;
    }
    search_go(state, SEARCH_STAGE_REPLY);
}

static void give(struct gather *gather, u32 span, const struct query_pack *pack)
{
    gather->reply_spans[span] = (struct span){.data = pack->data, .bytes = pack->used};
}

static void write_cursor(struct gather *gather, struct search_state *state)
{
    if (!state->has_more)
        return;
    state->next.check = checksum64(&state->next, offsetof(struct search_cursor, check));
    gather->reply_spans[SPAN_OF(search_rsp, cursor)] =
        (struct span){.data = (const u8 *)&state->next, .bytes = sizeof state->next};
}

static void write_reply(struct gather *gather, struct search_state *state)
{
    struct msg_search_rsp *reply = (void *)gather->reply;
    struct search_rows *rows = &state->rows;
    if (rows->texts.is_full || rows->highlights.is_full) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    reply->total = state->total;
    reply->notes = state->notes | (state->plan.is_corrected ? SEARCH_NOTE_CORRECTED : 0u);
    reply->words = (u16)state->plan.count;
    reply->words_required = (u16)state->required;
    give(gather, SPAN_OF(search_rsp, hits), &rows->hits);
    give(gather, SPAN_OF(search_rsp, highlights), &rows->highlights);
    give(gather, SPAN_OF(search_rsp, values), &rows->values);
    give(gather, SPAN_OF(search_rsp, texts), &rows->texts);
    give(gather, SPAN_OF(search_rsp, explanation), &rows->explanation);
    gather->reply_spans[SPAN_OF(search_rsp, ranges)] =
        (struct span){.data = (const u8 *)state->merged.ranges,
                      .bytes = state->merged.range_count * (u32)sizeof state->merged.ranges[0]};
    gather->reply_spans[SPAN_OF(search_rsp, shards)] =
        (struct span){.data = (const u8 *)state->shards,
                      .bytes = gather->shard_count * (u32)sizeof state->shards[0]};
    gather->reply_spans[SPAN_OF(search_rsp, corrected)] =
        plan_corrected(&state->plan, gather->spans[SPAN_OF(search_req, query)]);
    write_cursor(gather, state);
}

void search_reply_stage(struct gather *gather, struct search_state *state)
{
    if (state->is_suggestion)
        suggest_reply(gather, state);
    else
        write_reply(gather, state);
    search_go(state, SEARCH_STAGE_END);
}
