/* arena: slabs, runs, classes; see the header for the picture and the invariants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/store/arena.h"

#include <string.h>

#define SLAB_BYTES STORE_CHUNK_BYTES
#define LINK_SHIFT 4u /* free lists count in steps of 16 bytes: every class is a multiple */

__extension__ typedef unsigned __int128 page_set; /* bit i = page i */

/* A piece of a slab with objects of one class. Kept in the slab's header, at the index of its first
 * page; in the entries of its other pages only first_page is meaningful. */
struct arena_run {
    struct arena_run *next; /* in the class's list of runs with room */
    struct arena_run *previous;
    u32 free_head; /* offset of a free object in steps of 16, plus 1; 0 = none */
    u16 live_count;
    u16 fresh_count; /* objects handed out at least once; those after were never used */
    u16 object_count;
    u8 class_index;
    u8 first_page;
    u8 page_count; /* 0 = no run begins here */
    u8 reserved[3];
};
STATIC_CHECK(sizeof(struct arena_run) == 32);

struct arena_slab {
    struct arena_slab *next; /* all slabs */
    struct arena_slab *previous;
    struct arena_slab *next_roomy; /* slabs of equal room */
    struct arena_slab *previous_roomy;
    u32 room; /* length of the longest row of free pages */
    u32 reserved[3];
    page_set free_pages;
    struct arena_run runs[ARENA_PAGE_COUNT];
};
STATIC_CHECK(sizeof(struct arena_slab) <= ARENA_PAGE_BYTES);
STATIC_CHECK(ARENA_PAGE_BYTES *ARENA_PAGE_COUNT == SLAB_BYTES);
STATIC_CHECK(ARENA_PAGE_COUNT == 8 * sizeof(page_set));
STATIC_CHECK(ARENA_BYTES_MAX <= SLAB_BYTES - ARENA_PAGE_BYTES);

static const page_set ALL_FREE = ~(page_set)1; /* page 0 is the header */

static struct arena_slab *slab_of(const void *inside)
{
    return (struct arena_slab *)((uintptr_t)inside & ~(uintptr_t)(SLAB_BYTES - 1));
}

static u8 *run_base(const struct arena_run *run)
{
    return (u8 *)slab_of(run) + (size_t)run->first_page * ARENA_PAGE_BYTES;
}

static bool has_room(const struct arena_run *run)
{
    return run->live_count < run->object_count;
}

/* Pages of a run such that objects fill it exactly: 3 pages divide by every 3 x 2^n. */
static u32 run_pages(u32 class_index)
{
    const u32 pages_min = class_index % 2 == 0 ? 1 : 3;
    const u32 object_pages = arena_class_bytes(class_index) / ARENA_PAGE_BYTES;
    return MAX(pages_min, object_pages);
}

static page_set pages_mask(u32 first, u32 count)
{
    return (((page_set)1 << count) - 1) << first;
}

/* The number of the lowest bit; the set is not empty. */
static u32 lowest_page(page_set pages)
{
    const u64 low = (u64)pages;
    if (low != 0)
        return (u32)__builtin_ctzll(low);
    MUST(pages != 0);
    return 64 + (u32)__builtin_ctzll((u64)(pages >> 64));
}

/* The first of `count` neighbouring free pages, which must exist. Each step keeps those bits that
 * have the next `shift` bits set too. */
static u32 find_pages(page_set free_pages, u32 count)
{
    u32 missing = count - 1;
    for (u32 step = 1; missing != 0; step *= 2) {
        const u32 shift = MIN(step, missing);
        free_pages &= free_pages >> shift;
        missing -= shift;
    }
    return lowest_page(free_pages);
}

/* The length of the longest row of free pages. rows[i] has the pages that begin a row of 2^i; the
 * answer is put together from the largest of these downwards. */
static u32 longest_row(page_set free_pages)
{
    page_set rows[7];
    rows[0] = free_pages;
    for (u32 i = 1; i < ARRAY_COUNT(rows); i++)
        rows[i] = rows[i - 1] & (rows[i - 1] >> (1u << (i - 1)));
    u32 length = 0;
    page_set begins = ~(page_set)0; /* pages that begin a row of `length` */
    for (u32 i = ARRAY_COUNT(rows); i-- > 0;) {
        const page_set longer = begins & (rows[i] >> length);
        if (longer == 0)
            continue;
        begins = longer;
        length += 1u << i;
    }
    return length;
}

static void link_roomy_slab(struct arena *arena, struct arena_slab *slab)
{
    struct arena_slab **head = &arena->roomy_slabs[slab->room];
    slab->previous_roomy = NULL;
    slab->next_roomy = *head;
    if (slab->next_roomy != NULL)
        slab->next_roomy->previous_roomy = slab;
    *head = slab;
    arena->rooms[slab->room / 64] |= 1ull << (slab->room % 64);
}

static void unlink_roomy_slab(struct arena *arena, struct arena_slab *slab)
{
    struct arena_slab **head = &arena->roomy_slabs[slab->room];
    if (slab->next_roomy != NULL)
        slab->next_roomy->previous_roomy = slab->previous_roomy;
    if (slab->previous_roomy != NULL)
        slab->previous_roomy->next_roomy = slab->next_roomy;
    else
        *head = slab->next_roomy;
    if (*head == NULL)
        arena->rooms[slab->room / 64] &= ~(1ull << (slab->room % 64));
}

/* To be called when free_pages has changed. */
static void update_room(struct arena *arena, struct arena_slab *slab)
{
    const u32 room = longest_row(slab->free_pages);
    MUST(room < ARENA_PAGE_COUNT);
    if (room == slab->room)
        return;
    if (slab->room != 0)
        unlink_roomy_slab(arena, slab);
    slab->room = room;
    if (room != 0)
        link_roomy_slab(arena, slab);
}

static void link_run(struct arena *arena, struct arena_run *run)
{
    struct arena_run **head = &arena->roomy_runs[run->class_index];
    run->previous = NULL;
    run->next = *head;
    if (run->next != NULL)
        run->next->previous = run;
    *head = run;
}

static void unlink_run(struct arena *arena, struct arena_run *run)
{
    if (run->next != NULL)
        run->next->previous = run->previous;
    if (run->previous != NULL)
        run->previous->next = run->next;
    else
        arena->roomy_runs[run->class_index] = run->next;
}

static struct arena_slab *acquire_slab(struct arena *arena)
{
    struct arena_slab *slab = store_memory_acquire(arena->memory, SLAB_BYTES);
    MUST(slab_of(slab) == slab);
    slab->free_pages = ALL_FREE;
    slab->next = arena->slabs;
    if (slab->next != NULL)
        slab->next->previous = slab;
    arena->slabs = slab;
    arena->slab_count++;
    arena->empty_slab_count++;
    update_room(arena, slab);
    return slab;
}

static void release_slab(struct arena *arena, struct arena_slab *slab)
{
    MUST(slab->free_pages == ALL_FREE);
    unlink_roomy_slab(arena, slab);
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        arena->slabs = slab->next;
    arena->slab_count--;
    arena->empty_slab_count--;
    store_memory_release(arena->memory, slab, SLAB_BYTES);
}

/* The slab with the smallest room for `pages` pages: so the pieces are used before the whole. */
static struct arena_slab *find_slab(struct arena *arena, u32 pages)
{
    MUST(pages > 0 && pages < ARENA_PAGE_COUNT);
    const page_set rooms = (page_set)arena->rooms[1] << 64 | arena->rooms[0];
    const page_set fitting = rooms & ~(((page_set)1 << pages) - 1);
    if (fitting == 0)
        return acquire_slab(arena);
    return arena->roomy_slabs[lowest_page(fitting)];
}

static struct arena_run *acquire_run(struct arena *arena, u32 class_index)
{
    const u32 pages = run_pages(class_index);
    struct arena_slab *slab = find_slab(arena, pages);
    const u32 first = find_pages(slab->free_pages, pages);
    const page_set taken = pages_mask(first, pages);
    MUST((slab->free_pages & taken) == taken);
    arena->empty_slab_count -= slab->free_pages == ALL_FREE;
    slab->free_pages &= ~taken;
    update_room(arena, slab);

    for (u32 page = first; page < first + pages; page++)
        slab->runs[page].first_page = (u8)first;
    struct arena_run *run = &slab->runs[first];
    run->class_index = (u8)class_index;
    run->page_count = (u8)pages;
    run->object_count = (u16)(pages * ARENA_PAGE_BYTES / arena_class_bytes(class_index));
    run->free_head = 0;
    run->live_count = 0;
    run->fresh_count = 0;
    link_run(arena, run);
    return run;
}

static void release_run(struct arena *arena, struct arena_run *run)
{
    struct arena_slab *slab = slab_of(run);
    const page_set given = pages_mask(run->first_page, run->page_count);
    MUST(run->live_count == 0);
    MUST((slab->free_pages & given) == 0);
    unlink_run(arena, run);
    run->page_count = 0;
    slab->free_pages |= given;
    update_room(arena, slab);
    if (slab->free_pages != ALL_FREE)
        return;
    arena->empty_slab_count++;
    if (arena->empty_slab_count > 1)
        release_slab(arena, slab);
}

void arena_init(struct arena *arena, struct store_memory *memory)
{
    MUST(memory != NULL);
    *arena = (struct arena){.memory = memory};
}

void arena_deinit(struct arena *arena)
{
    CHECK(arena_valid(arena));
    while (arena->slabs != NULL) {
        struct arena_slab *next = arena->slabs->next;
        store_memory_release(arena->memory, arena->slabs, SLAB_BYTES);
        arena->slabs = next;
    }
    arena_init(arena, arena->memory);
}

bool arena_deinit_some(struct arena *arena)
{
    if (arena->slabs != NULL) {
        struct arena_slab *next = arena->slabs->next;
        store_memory_release(arena->memory, arena->slabs, SLAB_BYTES);
        arena->slabs = next;
    }
    if (arena->slabs != NULL)
        return false;
    arena_init(arena, arena->memory);
    return true;
}

void *arena_acquire(struct arena *arena, size_t bytes)
{
    MUST(bytes <= ARENA_BYTES_MAX);
    const u32 class_index = arena_class_of(bytes);
    const u32 class_bytes = arena_class_bytes(class_index);
    struct arena_run *run = arena->roomy_runs[class_index];
    if (UNLIKELY(run == NULL))
        run = acquire_run(arena, class_index);
    MUST(has_room(run));
    u8 *object = NULL;
    if (run->free_head != 0) {
        object = run_base(run) + ((size_t)(run->free_head - 1) << LINK_SHIFT);
        memcpy(&run->free_head, object, sizeof run->free_head);
    } else {
        MUST(run->fresh_count < run->object_count);
        object = run_base(run) + (size_t)run->fresh_count * class_bytes;
        run->fresh_count++;
    }
    run->live_count++;
    if (!has_room(run))
        unlink_run(arena, run);
    arena->live_bytes += class_bytes;
    arena->live_count++;
#ifdef SOUK_CHECKS
    memset(object, 0xa5, class_bytes);
#endif
    return object;
}

void arena_release(struct arena *arena, void *object, size_t bytes)
{
    MUST(object != NULL);
    MUST(bytes <= ARENA_BYTES_MAX);
    struct arena_slab *slab = slab_of(object);
    const size_t page = (size_t)((u8 *)object - (u8 *)slab) / ARENA_PAGE_BYTES;
    struct arena_run *run = &slab->runs[slab->runs[page].first_page];
    MUST(run->class_index == arena_class_of(bytes));
    MUST(run->live_count > 0);
    const size_t offset = (size_t)((u8 *)object - run_base(run));
    CHECK(offset % arena_class_bytes(run->class_index) == 0);
    MUST(run->free_head != (offset >> LINK_SHIFT) + 1); /* the commonest double release */

    if (!has_room(run))
        link_run(arena, run);
    memcpy(object, &run->free_head, sizeof run->free_head);
    run->free_head = (u32)(offset >> LINK_SHIFT) + 1;
    run->live_count--;
    MUST(arena->live_count > 0);
    arena->live_bytes -= arena_class_bytes(run->class_index);
    arena->live_count--;
    if (run->live_count == 0)
        release_run(arena, run);
}

/* Every fresh object is live or once in the free list. */
static bool is_run_valid(const struct arena_run *run)
{
    const u32 class_bytes = arena_class_bytes(run->class_index);
    if (run->live_count > run->fresh_count || run->fresh_count > run->object_count ||
        run->object_count * class_bytes != run->page_count * ARENA_PAGE_BYTES)
        return false;
    u32 link = run->free_head;
    for (u32 i = run->live_count; i < run->fresh_count; i++) {
        const size_t offset = (size_t)(link - 1) << LINK_SHIFT;
        if (link == 0 || offset % class_bytes != 0 || offset / class_bytes >= run->fresh_count)
            return false;
        memcpy(&link, run_base(run) + offset, sizeof link);
    }
    return link == 0;
}

/* I3; adds up what the slab holds. */
static bool is_slab_valid(const struct arena_slab *slab, u64 *live_bytes, u32 *roomy_run_count)
{
    page_set seen = slab->free_pages | 1;
    for (u32 page = 1; page < ARENA_PAGE_COUNT; page++) {
        const struct arena_run *run = &slab->runs[page];
        if (run->page_count == 0 || run->first_page != page || (slab->free_pages >> page & 1))
            continue;
        const page_set pages = pages_mask(page, run->page_count);
        if ((seen & pages) != 0 || !is_run_valid(run))
            return false;
        seen |= pages;
        *live_bytes += (u64)run->live_count * arena_class_bytes(run->class_index);
        *roomy_run_count += has_room(run);
        page += run->page_count - 1u;
    }
    return seen == ~(page_set)0;
}

/* I4; counts the slabs in the lists. */
static bool is_room_list_valid(const struct arena *arena, u32 room, u32 *slab_count)
{
    const struct arena_slab *slab = arena->roomy_slabs[room];
    if ((slab != NULL) != (arena->rooms[room / 64] >> (room % 64) & 1))
        return false;
    for (; slab != NULL; slab = slab->next_roomy)
        if (slab->room != room || ++*slab_count > arena->slab_count)
            return false;
    return true;
}

bool arena_valid(const struct arena *arena)
{
    u64 live_bytes = 0;
    u32 slab_count = 0;
    u32 full_slab_count = 0;
    u32 listed_slab_count = 0;
    u32 roomy_run_count = 0; /* by looking at the runs, then by walking the lists */
    for (const struct arena_slab *slab = arena->slabs; slab != NULL; slab = slab->next) {
        if (++slab_count > arena->slab_count ||
            !is_slab_valid(slab, &live_bytes, &roomy_run_count) ||
            slab->room != longest_row(slab->free_pages))
            return false;
        full_slab_count += slab->room == 0;
    }
    for (u32 room = 1; room < ARENA_PAGE_COUNT; room++)
        if (!is_room_list_valid(arena, room, &listed_slab_count))
            return false;
    for (u32 i = 0; i < ARENA_CLASS_COUNT; i++) {
        const struct arena_run *run = arena->roomy_runs[i];
        for (; run != NULL; run = run->next, roomy_run_count--)
            if (roomy_run_count == 0 || run->class_index != i || !has_room(run))
                return false;
    }
    return roomy_run_count == 0 && slab_count == arena->slab_count &&
           listed_slab_count + full_slab_count == slab_count && live_bytes == arena->live_bytes;
}
