/* index_documents: see index_documents.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/index_documents.h"

#include <string.h>

#include "shards/search/column_bits.h"

static struct index_window **window_at(struct index_documents *documents, u32 window)
{
    return pool_at(&documents->windows, window + 1);
}

void index_documents_init(struct index_documents *documents, struct store_memory *memory,
                          struct arena *arena)
{
    *documents = (struct index_documents){.arena = arena, .end = 1};
    pool_init(&documents->windows, memory, sizeof(struct index_window *));
    pool_init(&documents->graves, memory, sizeof(struct index_grave));
}

static void window_open(struct index_documents *documents)
{
    const u32 record = pool_acquire(&documents->windows);
    MUST(record == documents->end / INDEX_WINDOW_DOCS + 1);
    struct index_window *window = arena_acquire(documents->arena, sizeof *window);
    memset(window, 0, sizeof *window);
    window->details = arena_acquire(documents->arena, sizeof *window->details);
    *window_at(documents, record - 1) = window;
    documents->window_bytes += arena_capacity(sizeof *window) + sizeof *window->details;
}

static void window_close(struct index_documents *documents, u32 number)
{
    struct index_window **window = window_at(documents, number);
    documents->window_bytes -= arena_capacity(sizeof **window) + sizeof *(*window)->details;
    arena_release(documents->arena, (*window)->details, sizeof *(*window)->details);
    ARENA_RELEASE(documents->arena, *window, sizeof **window);
}

void index_documents_deinit(struct index_documents *documents)
{
    for (u32 window = 0; window + 1 < documents->windows.next_fresh; window++)
        if (*window_at(documents, window) != NULL)
            window_close(documents, window);
    MUST(documents->window_bytes == 0);
    index_documents_drop(documents);
}

void index_documents_drop(struct index_documents *documents)
{
    pool_deinit(&documents->windows);
    pool_deinit(&documents->graves);
}

u32 index_documents_add(struct index_documents *documents, u32 product, u32 *words)
{
    MUST(documents->end < INDEX_DOC_MAX);
    const u32 doc = documents->end;
    if (doc == 1 || doc % INDEX_WINDOW_DOCS == 0)
        window_open(documents);
    struct index_window *window = *window_at(documents, doc / INDEX_WINDOW_DOCS);
    MUST(window != NULL);
    const u32 slot = doc % INDEX_WINDOW_DOCS;
    window->live[slot / 64] |= 1ull << (slot % 64);
    window->present[slot / 64] |= 1ull << (slot % 64);
    window->details->places[slot] = (u64)(uintptr_t)words;
    window->details->products[slot] = product;
    window->live_count++;
    window->present_count++;
    documents->live_count++;
    documents->end++;
    return doc;
}

/* The window of a live document, which is not live any more. */
static struct index_window *take_life(struct index_documents *documents, u32 doc)
{
    struct index_window *window = index_documents_window(documents, doc / INDEX_WINDOW_DOCS);
    MUST(window != NULL && index_documents_has(window->live, doc));
    window->live[doc % INDEX_WINDOW_DOCS / 64] &= ~(1ull << (doc % 64));
    window->live_count--;
    documents->live_count--;
    documents->death_count++;
    return window;
}

/* Closes the window when it was the last one, if no document can come. */
static void take_presence(struct index_documents *documents, struct index_window *window, u32 doc)
{
    window->present[doc % INDEX_WINDOW_DOCS / 64] &= ~(1ull << (doc % 64));
    MUST(window->present_count > 0);
    window->present_count--;
    const u32 number = doc / INDEX_WINDOW_DOCS;
    if (window->present_count == 0 && (number + 1) * INDEX_WINDOW_DOCS <= documents->end)
        window_close(documents, number);
}

void index_documents_kill(struct index_documents *documents, u32 doc)
{
    struct index_window *window = take_life(documents, doc);
    const u32 number = pool_acquire(&documents->graves);
    struct index_grave *grave = pool_at(&documents->graves, number);
    u64 *place = &window->details->places[doc % INDEX_WINDOW_DOCS];
    *grave = (struct index_grave){
        .words = (u32 *)(uintptr_t)*place, .death = documents->death_count, .doc = doc};
    *place = number;
    if (documents->oldest_grave == 0)
        documents->oldest_grave = number;
    else
        ((struct index_grave *)pool_at(&documents->graves, documents->newest_grave))->next = number;
    documents->newest_grave = number;
}

bool index_documents_bury(struct index_documents *documents, u64 horizon, struct index_grave *grave)
{
    if (documents->oldest_grave == 0)
        return false;
    *grave = *(const struct index_grave *)pool_at(&documents->graves, documents->oldest_grave);
    if (grave->death > horizon)
        return false;
    pool_release(&documents->graves, &documents->oldest_grave);
    documents->oldest_grave = grave->next;
    struct index_window *window = index_documents_window(documents, grave->doc / INDEX_WINDOW_DOCS);
    MUST(window != NULL && index_documents_has(window->present, grave->doc));
    take_presence(documents, window, grave->doc);
    return true;
}

u32 *index_documents_remove(struct index_documents *documents, u32 doc)
{
    struct index_window *window = take_life(documents, doc);
    u32 *words = (u32 *)(uintptr_t)window->details->places[doc % INDEX_WINDOW_DOCS];
    take_presence(documents, window, doc);
    return words;
}

/* Counts what the bits say. */
static bool is_window_valid(const struct index_documents *documents,
                            const struct index_window *window, u32 number, u64 *live, u64 *dead)
{
    u32 live_count = 0;
    u32 present_count = 0;
    for (u32 word = 0; word < INDEX_WINDOW_WORDS; word++) {
        if ((window->live[word] & ~window->present[word]) != 0)
            return false;
        live_count += bits_count(window->live[word]);
        present_count += bits_count(window->present[word]);
    }
    *live += live_count;
    *dead += present_count - live_count;
    return live_count == window->live_count && present_count == window->present_count &&
           (present_count != 0 || (number + 1) * INDEX_WINDOW_DOCS > documents->end);
}

bool index_documents_valid(const struct index_documents *documents)
{
    u64 live = 0;
    u64 dead = 0;
    u64 grave_count = 0;
    u64 death = 0;
    for (u32 number = 0; number + 1 < documents->windows.next_fresh; number++) {
        const struct index_window *window = index_documents_window(documents, number);
        if (window != NULL && !is_window_valid(documents, window, number, &live, &dead))
            return false;
    }
    for (u32 at = documents->oldest_grave; at != 0; grave_count++) {
        const struct index_grave *grave = pool_at(&documents->graves, at);
        if (grave_count == dead || grave->death <= death || grave->words == NULL ||
            (grave->next == 0) != (at == documents->newest_grave) ||
            !index_documents_is_present(documents, grave->doc) ||
            index_documents_is_live(documents, grave->doc))
            return false;
        death = grave->death;
        at = grave->next;
    }
    return live == documents->live_count && grave_count == dead &&
           dead == pool_count(&documents->graves) && death <= documents->death_count;
}
