/* run_explain: see run_explain.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/run_explain.h"

#define put_text(to, text) pack_bytes((to), (text), (u32)sizeof(text) - 1)

static void put_number(struct query_pack *to, u64 number)
{
    u8 digits[20];
    u32 at = sizeof digits;
    do {
        digits[--at] = (u8)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    pack_bytes(to, digits + at, (u32)sizeof digits - at);
}

static u8 impact_of(const struct run *run, u32 term, u32 doc)
{
    struct postings_cursor cursor;
    postings_open(&cursor, &run->index->index, term);
    return postings_seek(&cursor, doc) == doc ? cursor.impact : 0;
}

static u8 impact_of_row(const struct run *run, const struct run_row *row, u32 doc)
{
    u8 least = UINT8_MAX;
    for (u32 i = 0; i < row->count; i++)
        least = MIN(least, impact_of(run, row->terms[i], doc));
    return least != 0 && index_phrase(&run->index->index, doc, row->terms, row->count) ? least : 0;
}

static void put_kind(struct query_pack *to, u8 kind)
{
    switch ((enum score_kind)kind) {
    case SCORE_SELF: break;
    case SCORE_JOINED: put_text(to, " joined"); break;
    case SCORE_SPLIT: put_text(to, " split"); break;
    case SCORE_SYNONYM: put_text(to, " synonym"); break;
    case SCORE_PREFIX: put_text(to, " beginning"); break;
    case SCORE_MODEL: put_text(to, " model"); break;
    case SCORE_TYPO: put_text(to, " typo"); break;
    }
}

static void explain_slot(struct run *run, const struct run_slot *slot, u32 doc,
                         struct query_pack *to)
{
    u8 best = 0, kind = 0;
    u32 term = 0;
    const u32 *words = index_forward(&run->index->index, doc);
    for (u32 i = 0; i < slot->word_count; i++) {
        const struct run_word *word = &slot->words[i];
        if (!forward_has(words, word->term))
            continue;
        const u8 impact = run_slot_impact(word->factor, impact_of(run, word->term, doc));
        if (impact > best) {
            best = impact;
            term = word->term;
            kind = word->kind;
        }
    }
    for (u32 i = 0; i < slot->row_count; i++) {
        const u8 least = impact_of_row(run, &slot->rows[i], doc);
        const u8 impact = least != 0 ? run_slot_impact(slot->rows[i].factor, least) : 0;
        if (impact > best) {
            best = impact;
            term = slot->rows[i].terms[0];
            kind = slot->rows[i].kind;
        }
    }
    run->work += 500 + 200 * slot->word_count;
    put_text(to, "  ");
    if (best == 0) {
        put_text(to, "a word is missing\n");
        return;
    }
    const struct span stem = dict_stem(&run->index->dict, term);
    pack_bytes(to, stem.data, stem.bytes);
    put_kind(to, kind);
    put_text(to, ": ");
    put_number(to, best);
    put_text(to, " x ");
    put_number(to, slot->weight);
    put_text(to, " = ");
    put_number(to, (u64)best * slot->weight);
    put_text(to, "\n");
}

void run_explain(struct run *run, const struct run_hit *hit, struct span code,
                 struct query_pack *to)
{
    pack_bytes(to, code.data, code.bytes);
    put_text(to, ": text ");
    put_number(to, hit->text_score);
    if ((hit->flags & HIT_FLAG_BOOSTED) != 0)
        put_text(to, " (boosted)");
    put_text(to, ", rank ");
    put_number(to, hit->rank_score);
    if ((hit->flags & HIT_FLAG_PINNED) != 0)
        put_text(to, ", pinned");
    put_text(to, "\n");
    for (u32 bit = 0; bit < run->positive_count; bit++)
        for (u32 i = 0; i < run->positive_count; i++)
            if (run->slots[i].bit == 1u << bit)
                explain_slot(run, &run->slots[i], hit->doc, to);
}
