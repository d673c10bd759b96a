/* dense: see dense.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dense.h"

#include <string.h>

#include "shards/search/index.h"

#define BITS_BYTES  (INDEX_WINDOW_WORDS * sizeof(u64))
#define WINDOWS_MAX (ARENA_BYTES_MAX / sizeof(struct dense_window))

const u64 dense_no_bits[INDEX_WINDOW_WORDS];

/* ---- memory --------------------------------------------------------------------------------------- */

static void *take(struct index *index, size_t bytes)
{
    index->dense.bytes += arena_capacity(bytes);
    return arena_acquire(index->arena, bytes);
}

static void give(struct index *index, void *object, size_t bytes)
{
    index->dense.bytes -= arena_capacity(bytes);
    arena_release(index->arena, object, bytes);
}

static void close_window(struct index *index, struct dense_window *window)
{
    if (window->impacts == NULL)
        return;
    give(index, window->bits, BITS_BYTES);
    give(index, window->impacts, INDEX_WINDOW_DOCS);
    *window = (struct dense_window){.bits = (u64 *)(uintptr_t)dense_no_bits};
}

static void close_table(struct index *index, struct dense_table *table)
{
    struct postings_list *list = postings_list_of(&index->postings, table->term);
    if (list != NULL)
        list->dense = 0;
    for (u32 i = 0; i < table->window_count; i++)
        close_window(index, &table->windows[i]);
    if (table->capacity != 0)
        give(index, table->windows, table->capacity * sizeof table->windows[0]);
    *table = (struct dense_table){0};
}

void dense_deinit(struct index *index)
{
    for (u32 i = 0; i < DENSE_TABLES; i++)
        close_table(index, &index->dense.tables[i]);
    MUST(index->dense.bytes == 0);
}

/* So many windows at least, all of them with bits. */
static void lengthen(struct index *index, struct dense_table *table, u32 count)
{
    if (count > table->capacity) {
        const u32 capacity = MAX(count, MIN(2 * table->capacity, (u32)WINDOWS_MAX));
        struct dense_window *windows = take(index, capacity * sizeof windows[0]);
        if (table->capacity != 0) {
            memcpy(windows, table->windows, table->window_count * sizeof windows[0]);
            give(index, table->windows, table->capacity * sizeof windows[0]);
        }
        table->windows = windows;
        table->capacity = capacity;
    }
    for (; table->window_count < count; table->window_count++)
        table->windows[table->window_count] =
            (struct dense_window){.bits = (u64 *)(uintptr_t)dense_no_bits};
}

static struct dense_window *open_window(struct index *index, struct dense_table *table, u32 number)
{
    lengthen(index, table, number + 1);
    struct dense_window *window = &table->windows[number];
    if (window->impacts == NULL) {
        window->bits = take(index, BITS_BYTES);
        window->impacts = take(index, INDEX_WINDOW_DOCS);
        memset(window->bits, 0, BITS_BYTES);
        memset(window->impacts, 0, INDEX_WINDOW_DOCS);
    }
    return window;
}

/* ---- which words ---------------------------------------------------------------------------------- */

static u32 unused_for(const struct dense_room *room, const struct dense_table *table)
{
    return table->term == 0 ? UINT32_MAX : room->use_count - table->last_use;
}

/* A table for another term; DENSE_TABLES: all are in use. */
static u32 find_table(struct index *index)
{
    struct dense_room *room = &index->dense;
    u32 best = DENSE_TABLES, longest = DENSE_USES_UNUSED - 1;
    for (u32 i = 0; i < DENSE_TABLES; i++) {
        const u32 unused = unused_for(room, &room->tables[i]);
        if (room->tables[i].users != 0 || unused <= longest)
            continue;
        longest = unused;
        best = i;
    }
    if (best != DENSE_TABLES)
        close_table(index, &room->tables[best]);
    return best;
}

bool dense_is_worth(const struct index *index, u32 term)
{
    const u32 df = index_df(index, term);
    return df >= DENSE_DF_MIN && (u64)df * DENSE_SHARE >= index_live(index) &&
           index_end(index) / INDEX_WINDOW_DOCS < WINDOWS_MAX;
}

u32 dense_want(struct index *index, const struct index_question *question, u32 term)
{
    if (!dense_is_worth(index, term))
        return DENSE_TABLES;
    struct postings_list *list = postings_list_of(&index->postings, term);
    const u32 number = list->dense != 0 ? list->dense - 1u : find_table(index);
    if (number == DENSE_TABLES)
        return number;
    struct dense_table *table = &index->dense.tables[number];
    list->dense = (u8)(number + 1);
    table->term = term;
    table->users |= 1u << question->slot;
    table->last_use = ++index->dense.use_count;
    lengthen(index, table, question->end / INDEX_WINDOW_DOCS + 1);
    return number;
}

void dense_leave(struct index *index, const struct index_question *question)
{
    for (u32 i = 0; i < DENSE_TABLES; i++)
        index->dense.tables[i].users &= ~(1u << question->slot);
}

/* ---- postings ------------------------------------------------------------------------------------- */

static inline void set(struct dense_window *window, u32 at, u8 impact)
{
    window->bits[at / 64] |= 1ull << at % 64;
    window->impacts[at] = impact;
}

void dense_add(struct index *index, u32 number, u32 doc, u8 impact)
{
    struct dense_table *table = &index->dense.tables[number];
    if (UNLIKELY(doc / INDEX_WINDOW_DOCS >= WINDOWS_MAX))
        return; /* dense_want offers it to nobody any more */
    set(open_window(index, table, doc / INDEX_WINDOW_DOCS), doc % INDEX_WINDOW_DOCS, impact);
}

void dense_fill(struct index *index, u32 number, struct postings_cursor *cursor, u32 *work)
{
    struct dense_table *table = &index->dense.tables[number];
    u16 docs[INDEX_WINDOW_DOCS];
    u8 impacts[INDEX_WINDOW_DOCS];
    const u32 at = table->filled++;
    *work += 100;
    if (index_documents_window(&index->documents, at) == NULL)
        return;
    const u32 count = postings_window(cursor, at, docs, impacts);
    if (count == 0)
        return;
    struct dense_window *window = open_window(index, table, at);
    for (u32 i = 0; i < count; i++)
        set(window, docs[i], impacts[i]);
    *work += 3 * count;
}

void dense_drop_window(struct index *index, u32 window)
{
    for (u32 i = 0; i < DENSE_TABLES; i++) {
        struct dense_table *table = &index->dense.tables[i];
        if (window < table->window_count)
            close_window(index, &table->windows[window]);
    }
}

u32 dense_next(const struct dense_window *windows, u32 doc, u32 end)
{
    while (doc < end) {
        const u32 at = doc % INDEX_WINDOW_DOCS;
        const u64 bits = windows[doc / INDEX_WINDOW_DOCS].bits[at / 64] >> at % 64;
        if (bits != 0) {
            doc += (u32)__builtin_ctzll(bits);
            return doc < end ? doc : POSTINGS_DOC_END;
        }
        doc += 64 - at % 64;
    }
    return POSTINGS_DOC_END;
}

/* ---- checks --------------------------------------------------------------------------------------- */

/* Is every posting of a window that is filled in the table? */
static bool is_table_valid(const struct index *index, u32 number)
{
    const struct dense_table *table = &index->dense.tables[number];
    struct postings_cursor cursor;
    if (postings_list_of(&index->postings, table->term)->dense != number + 1)
        return false;
    postings_open(&cursor, index, table->term);
    while (cursor.doc < table->filled * INDEX_WINDOW_DOCS) {
        if (index_is_live(index, cursor.doc) &&
            (cursor.doc / INDEX_WINDOW_DOCS >= table->window_count ||
             dense_get(table->windows, cursor.doc) != cursor.impact))
            return false;
        (void)postings_next(&cursor);
    }
    return true;
}

bool dense_valid(const struct index *index)
{
    u64 bytes = 0;
    for (u32 i = 0; i < DENSE_TABLES; i++) {
        const struct dense_table *table = &index->dense.tables[i];
        if (table->term != 0 && !is_table_valid(index, i))
            return false;
        if (table->capacity != 0)
            bytes += arena_capacity(table->capacity * sizeof table->windows[0]);
        for (u32 j = 0; j < table->window_count; j++) {
            const bool is_open = table->windows[j].impacts != NULL;
            if (is_open && index_documents_window(&index->documents, j) == NULL)
                return false;
            bytes += is_open ? BITS_BYTES + INDEX_WINDOW_DOCS : 0;
        }
    }
    return bytes == index->dense.bytes;
}
