/* gather_search_page: what the shards have found, made one page: see gather_search.h.
 *
 *      hits of the shards, each in order  -> merged; pins at their places; ads before all
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

/* The hits of a shard, in order. */
struct stream {
    struct search_hit head;
    const u8 *hits;
    struct query_unpack details;
    u32 left;
    bool has_details;
    bool is_there;
};

static void next_head(struct stream *stream)
{
    stream->is_there = stream->left != 0;
    if (!stream->is_there)
        return;
    stream->head = (struct search_hit){0};
    memcpy(&stream->head.hit, stream->hits, sizeof stream->head.hit);
    stream->hits += sizeof stream->head.hit;
    stream->left--;
    take_detail(&stream->details, stream->has_details, &stream->head);
}

/* What all shards have found. */
struct merge {
    struct stream *streams;
    u32 stream_count;
    struct search_hit *pins;
    u32 pin_count;
    struct search_hit *ads;
    u32 ad_count;
};

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
static void read_found(struct gather *gather, u32 ask, const struct run_found *found,
                       struct query_unpack *from, struct merge *merge)
{
    (void)gather;
    struct stream *stream = &merge->streams[ask];
    struct search_hit hit = {0};
    stream->left = found->hit_count;
    stream->has_details = found->has_details != 0;
    stream->hits = unpack_bytes(from, found->hit_count * (u32)sizeof(struct run_hit));
    const u8 *pins = unpack_bytes(from, found->pin_count * (u32)sizeof(struct run_hit));
    const u8 *ads = unpack_bytes(from, found->ad_count * (u32)sizeof(struct run_ad));
    stream->details = *from;
    for (u32 i = 0; i < found->hit_count; i++)
        take_detail(from, stream->has_details, &hit);
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
    next_head(stream);
}

static struct stream *best_stream(struct merge *merge)
{
    struct stream *best = NULL;
    for (u32 i = 0; i < merge->stream_count; i++) {
        struct stream *stream = &merge->streams[i];
        if (stream->is_there &&
            (best == NULL || run_hit_precedes(&stream->head.hit, &best->head.hit)))
            best = stream;
    }
    return best;
}

/* Each pin at its place, or right after the one before it; those beyond the end at the end, so that a
 * cursor knows which of them have been shown. */
static void place_pins(struct merge *merge, u64 total)
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

static void make_page(struct search_state *state, struct merge *merge)
{
    const u32 wanted = state->request.offset + state->request.limit;
    u64 position = state->cursor.position;
    u32 pin = 0;
    state->ad_count = MIN(merge->ad_count, state->request.ads);
    memcpy(state->page, merge->ads, state->ad_count * sizeof state->page[0]);
    state->page_count = state->ad_count;
    state->next = state->cursor;
    if (state->request.limit == 0)
        return;
    while (pin < merge->pin_count && merge->pins[pin].hit.place <= position)
        pin++;
    for (u32 n = 0; n < wanted; n++, position++) {
        struct stream *stream = best_stream(merge);
        const bool is_pin = pin < merge->pin_count &&
                            (stream == NULL || merge->pins[pin].hit.place == position + 1);
        if (!is_pin && stream == NULL)
            break;
        if (n >= state->request.offset)
            state->page[state->page_count++] = is_pin ? merge->pins[pin] : stream->head;
        if (is_pin) {
            pin++;
            continue;
        }
        state->next.key = stream->head.hit.key;
        state->next.product_id = stream->head.hit.product_id;
        next_head(stream);
    }
    state->next.position = position;
    state->has_more = pin < merge->pin_count || best_stream(merge) != NULL;
}

/* A copy where the findings of a shard may lie. */
static const u8 *copy_findings(struct gather *gather, const u8 *from, u32 bytes)
{
    u8 *copy = bytes <= STORE_CHUNK_BYTES ? gather_acquire(gather, bytes) : NULL;
    if (copy != NULL)
        memcpy(copy, from, bytes);
    return copy;
}

bool search_merge(struct gather *gather, struct search_state *state)
{
    const u16 count = gather->shard_count;
    struct merge merge = {.stream_count = count};
    const u8 **findings = gather_acquire(gather, count * sizeof(findings[0]));
    u32 pins = 0, ads = 0;
    for (u16 i = 0; i < count; i++) {
        struct query_unpack from = search_answer(gather, i);
        struct run_found found;
        memcpy(&found, unpack_bytes(&from, sizeof found), sizeof found);
        pins += found.pin_count;
        ads += found.ad_count;
    }
    merge.streams = gather_acquire(gather, count * sizeof merge.streams[0]);
    merge.pins = gather_acquire(gather, (pins + 1) * sizeof merge.pins[0]);
    merge.ads = gather_acquire(gather, (ads + 1) * sizeof merge.ads[0]);
    state->page = gather_acquire(gather, (SEARCH_LIMIT_MAX + 10) * sizeof state->page[0]);
    if (findings == NULL || merge.streams == NULL || merge.pins == NULL || merge.ads == NULL ||
        state->page == NULL)
        return false;
    for (u16 i = 0; i < count; i++) {
        struct query_unpack from = search_answer(gather, i);
        struct run_found found;
        memcpy(&found, unpack_bytes(&from, sizeof found), sizeof found);
        findings[i] =
            copy_findings(gather, unpack_bytes(&from, found.facet_bytes), found.facet_bytes);
        if (findings[i] == NULL)
            return false;
        read_found(gather, i, &found, &from, &merge);
    }
    place_pins(&merge, state->total);
    make_page(state, &merge);
    return state->facets->count == 0 ||
           facet_merge(state->facets, findings, count, &gather->bump, &state->merged);
}

/* ---- what is still needed ---- */

static bool needs_detail(const struct search_state *state, u32 at, u16 shard, u16 shard_count)
{
    const struct search_hit *hit = &state->page[at];
    return hit->detail.data == NULL &&
           route_shard(route_hash_u64(hit->hit.product_id), shard_count) == shard;
}

static void ask_details(struct gather *gather, struct search_state *state)
{
    struct run_hit hits[SEARCH_LIMIT_MAX + 10];
    for (u16 shard = 0; shard < gather->shard_count; shard++) {
        struct query_pack pack;
        u32 count = 0;
        for (u32 i = 0; i < state->page_count; i++)
            if (needs_detail(state, i, shard, gather->shard_count))
                hits[count++] = state->page[i].hit;
        if (count == 0)
            continue;
        if (!search_write_run(gather, state, 0, hits, count, &pack))
            return;
        search_ask_step(gather, shard, SEARCH_STEP_DETAILS, &pack);
        state->detail_asks++;
    }
}

static void ask_labels(struct gather *gather, struct search_state *state)
{
    const u32 count = state->merged.value_count;
    if (count == 0)
        return;
    const u32 capacity = state->facets->bytes + 16 + count * 10;
    struct query_pack pack = {.data = gather_acquire(gather, capacity), .capacity = capacity};
    if (pack.data == NULL) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    pack_u32(&pack, state->facets->bytes);
    pack_bytes(&pack, state->facets, state->facets->bytes);
    pack_u32(&pack, count);
    for (u32 i = 0; i < count; i++) {
        pack_u16(&pack, state->merged.values[i].facet);
        pack_u64(&pack, state->merged.values[i].value_id);
    }
    for (u16 shard = 0; shard < gather->shard_count; shard++)
        search_ask_step(gather, shard, SEARCH_STEP_LABELS, &pack);
    state->label_asks = gather->shard_count;
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

void search_ask_rest(struct gather *gather, struct search_state *state)
{
    ask_labels(gather, state);
    ask_details(gather, state);
    ask_seen(gather, state);
}

/* ---- the reply ---- */

struct reply_rows {
    struct query_pack hits;
    struct query_pack highlights;
    struct query_pack values;
    struct query_pack texts;
    struct query_pack explanation;
};

static bool open_rows(struct gather *gather, const struct search_state *state,
                      struct reply_rows *rows)
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

static void take_details(struct gather *gather, struct search_state *state)
{
    for (u32 ask = state->label_asks; ask < state->label_asks + state->detail_asks; ask++) {
        struct query_unpack from = search_answer(gather, ask);
        for (u32 i = 0; i < state->page_count; i++)
            if (needs_detail(state, i, gather->asks[ask].shard, gather->shard_count))
                take_detail(&from, true, &state->page[i]);
    }
}

static void write_values(struct gather *gather, const struct search_state *state,
                         struct reply_rows *rows)
{
    struct query_unpack answers[SHARDS_MAX];
    for (u32 i = 0; i < state->label_asks; i++)
        answers[i] = search_answer(gather, i);
    for (u32 i = 0; i < state->merged.value_count; i++) {
        const struct facet_found *value = &state->merged.values[i];
        struct row_facet_value row = {.value_id = value->value_id,
                                      .count = value->count,
                                      .facet = value->facet,
                                      .text_offset = rows->texts.used};
        struct span text = {0};
        for (u32 j = 0; j < state->label_asks; j++) {
            const u8 is_known = unpack_u8(&answers[j]);
            const u64 parent_id = unpack_u64(&answers[j]);
            const struct span label = unpack_text(&answers[j]);
            if (is_known != 0 && text.bytes == 0) {
                text = label;
                row.parent_id = parent_id;
            }
        }
        row.text_bytes = (u16)text.bytes;
        row.is_chosen = filter_chooses(state->filter,
                                       (enum filter_field)state->facets->items[value->facet].field,
                                       facet_name(state->facets, value->facet), value->value_id)
                            ? 1
                            : 0;
        pack_bytes(&rows->texts, text.data, text.bytes);
        pack_bytes(&rows->values, &row, sizeof row);
    }
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

void search_reply(struct gather *gather, struct search_state *state)
{
    struct msg_search_rsp *reply = (void *)gather->reply;
    struct reply_rows rows;
    if (reply->head.status != STATUS_OK)
        return;
    take_details(gather, state);
    if (!open_rows(gather, state, &rows)) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    search_write_hits(state, &rows.hits, &rows.highlights, &rows.texts, &rows.explanation);
    write_values(gather, state, &rows);
    if (rows.texts.is_full || rows.highlights.is_full) {
        gather_refuse(gather, STATUS_TOO_LARGE);
        return;
    }
    reply->total = state->total;
    reply->notes = state->notes | (state->plan.is_corrected ? SEARCH_NOTE_CORRECTED : 0u);
    reply->words = (u16)state->plan.count;
    reply->words_required = (u16)state->required;
    give(gather, SPAN_OF(search_rsp, hits), &rows.hits);
    give(gather, SPAN_OF(search_rsp, highlights), &rows.highlights);
    give(gather, SPAN_OF(search_rsp, values), &rows.values);
    give(gather, SPAN_OF(search_rsp, texts), &rows.texts);
    give(gather, SPAN_OF(search_rsp, explanation), &rows.explanation);
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
