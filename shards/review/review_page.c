/* review_page: reviews of a product, sorted and filtered, page by page.
 *
 *      filter -> lanes: the classes that it asks for and that have reviews, at most 40
 *      each lane is found from the cursor in its tree, O(log n)
 *      page:   the first of all lanes, again and again          newest, most helpful
 *              the same, stars after stars                      best, worst
 *
 * The cursor is the key of the last review of a page: what the sort is by, when it was written, by
 * whom. So the next page begins behind that key, whatever has changed: a review whose key did not
 * change is neither skipped nor repeated. The time of writing never changes.
 *
 * Rows and texts of a page go to the shard's scratch. A page ends early when its texts fill it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_rows.h"
#include "shards/shard_handlers.h"

#define STARS_ALL ((1u << REVIEW_STARS_MAX) - 1)
#define STATES_ALL                                                                            \
    (1u << REVIEW_STATE_PENDING | 1u << REVIEW_STATE_APPROVED | 1u << REVIEW_STATE_REJECTED | \
     1u << REVIEW_STATE_FLAGGED)

/* What a review comes after, within a lane and between lanes. */
struct place {
    u64 key; /* of the sort; smaller comes first */
    u64 age; /* ~created_ns */
    u64 user_id;
};

struct lane {
    u32 class;
    u32 item; /* the next of it, 0 = no more */
    struct place place;
};

struct page {
    const struct review_room *room;
    const struct review_shelf *shelf;
    const struct msg_review_list_req *ask;
    struct ordered_owner owner; /* of the trees that are walked */
    const struct ordered *tree;
    struct review_rows rows;
    u32 lane_count;
    struct lane lanes[REVIEW_CLASS_COUNT];
};

static bool is_less(const struct place *a, const struct place *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->age != b->age ? a->age < b->age : a->user_id < b->user_id;
}

static bool is_by_stars(u16 sort)
{
    return sort == REVIEW_SORT_HIGHEST || sort == REVIEW_SORT_LOWEST;
}

/* The lane's next one is this item, if it is of its class still. */
static void lane_set(const struct page *page, struct lane *lane, u32 item)
{
    lane->item = 0;
    if (item == 0)
        return;
    const struct ordered_key key = page->owner.key_of(page->room, item);
    if (key.part[0] != lane->class)
        return;
    lane->item = item;
    lane->place = (struct place){.key = key.part[1], .age = key.part[2], .user_id = key.part[3]};
}

/* Opens the lanes of these stars; `after` is where the page before ended, or NULL. */
static void open_lanes(struct page *page, u32 stars_bits, const struct place *after)
{
    const struct msg_review_list_req *ask = page->ask;
    page->lane_count = 0;
    for (u32 class = 0; class < REVIEW_CLASS_COUNT; class ++) {
        const u32 state = class / 2 / REVIEW_STARS_MAX + 1;
        const u32 stars = class / 2 % REVIEW_STARS_MAX + 1;
        if (page->shelf->counts[class] == 0 || (ask->states >> state & 1) == 0 ||
            (stars_bits >> (stars - 1) & 1) == 0 || (ask->is_verified != 0 && class % 2 == 0))
            continue;
        struct ordered_key key = {{class}};
        if (after != NULL)
            key = (struct ordered_key){{class, after->key, after->age, after->user_id}};
        struct lane *lane = &page->lanes[page->lane_count];
        lane->class = class;
        lane_set(page, lane, ordered_seek(page->tree, &page->owner, &key));
        page->lane_count += lane->item != 0 ? 1 : 0;
    }
}

/* The lane whose next one comes first; NULL: there is none. */
static struct lane *first_lane(struct page *page)
{
    struct lane *first = NULL;
    for (u32 i = 0; i < page->lane_count; i++) {
        struct lane *lane = &page->lanes[i];
        if (lane->item != 0 && (first == NULL || is_less(&lane->place, &first->place)))
            first = lane;
    }
    return first;
}

/* Rows from the open lanes. False: the page is full, and there are more. */
static bool take_rows(struct page *page)
{
    struct lane *lane;
    while ((lane = first_lane(page)) != NULL) { /* ends: a row each time */
        if (page->rows.count == page->ask->limit ||
            !review_rows_add(&page->rows, review_at(page->room, lane->item)))
            return false;
        lane_set(page, lane, ordered_next(&page->owner, lane->item));
    }
    return true;
}

/* Stars after stars, from those of the cursor on. True: all were seen. */
static bool take_by_stars(struct page *page, const struct place *after)
{
    const bool is_down = page->ask->sort == REVIEW_SORT_HIGHEST;
    const u64 from = after != NULL ? after->key : 0;
    for (u32 i = 1; i <= REVIEW_STARS_MAX; i++) {
        const u32 stars = is_down ? REVIEW_STARS_MAX + 1 - i : i;
        const struct place within = {.key = 0,
                                     .age = after != NULL ? after->age : 0,
                                     .user_id = after != NULL ? after->user_id : 0};
        if (from != 0 && (is_down ? stars > from : stars < from))
            continue;
        open_lanes(page, page->ask->stars & 1u << (stars - 1), stars == from ? &within : NULL);
        if (!take_rows(page))
            return false;
    }
    return true;
}

static u64 count_matches(const struct review_shelf *shelf, const struct msg_review_list_req *ask)
{
    u64 sum = 0;
    for (u32 state = REVIEW_STATE_PENDING; state <= REVIEW_STATE_FLAGGED; state++)
        for (u32 stars = 1; stars <= REVIEW_STARS_MAX; stars++) {
            if ((ask->states >> state & 1) == 0 || (ask->stars >> (stars - 1) & 1) == 0)
                continue;
            sum += shelf->counts[review_class(state, stars, true)];
            if (ask->is_verified == 0)
                sum += shelf->counts[review_class(state, stars, false)];
        }
    return sum;
}

/* What the sort is by, as the cursor tells it: nothing, votes, stars. */
static u64 key_of_cursor(u16 sort, const struct review *review)
{
    if (is_by_stars(sort))
        return review->stars;
    return sort == REVIEW_SORT_HELPFUL ? review_score(review) : 0;
}

static void fill_page(struct page *page, struct msg_review_list_rsp *answer)
{
    const struct msg_review_list_req *ask = page->ask;
    const bool is_helpful = ask->sort == REVIEW_SORT_HELPFUL;
    const struct place cursor = {.key = is_helpful ? ~ask->after_key : ask->after_key,
                                 .age = ~ask->after_ns,
                                 .user_id = ask->after_user};
    const struct place *after = ask->after_user != 0 ? &cursor : NULL;
    page->owner = is_helpful ? review_by_help(page->room) : review_by_time(page->room);
    page->tree = is_helpful ? &page->shelf->by_help : &page->shelf->by_time;
    answer->total = count_matches(page->shelf, ask);
    bool is_all = true;
    if (is_by_stars(ask->sort)) {
        is_all = take_by_stars(page, after);
    } else {
        open_lanes(page, ask->stars, after);
        is_all = take_rows(page);
    }
    if (is_all)
        return;
    MUST(page->rows.last != NULL); /* the scratch has room for one */
    answer->next_key = key_of_cursor(ask->sort, page->rows.last);
    answer->next_ns = page->rows.last->created_ns;
    answer->next_user = page->rows.last->user_id;
}

static bool cursor_good(const struct msg_review_list_req *ask)
{
    if (ask->after_user == 0)
        return ask->after_key == 0 && ask->after_ns == 0;
    if (is_by_stars(ask->sort))
        return ask->after_key >= 1 && ask->after_key <= REVIEW_STARS_MAX;
    return ask->sort == REVIEW_SORT_HELPFUL || ask->after_key == 0;
}

bool shard_read_review_list(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply, struct span *spans)
{
    struct msg_review_list_req ask;
    struct msg_review_list_rsp *answer = reply;
    memcpy(&ask, request, sizeof ask);
    const bool is_good = ask.limit >= 1 && ask.limit <= REVIEW_LIST_MAX &&
                         ask.sort <= REVIEW_SORT_LOWEST && ask.stars <= STARS_ALL &&
                         ask.is_verified <= 1 && (ask.states & ~STATES_ALL) == 0 &&
                         cursor_good(&ask);
    answer->head.status = shard_call_refusal(call, is_good);
    const u32 shelf =
        answer->head.status == STATUS_OK ? review_shelf_find(&shard->reviews, ask.product_id) : 0;
    if (shelf == 0)
        return true;
    ask.stars = ask.stars != 0 ? ask.stars : STARS_ALL;
    ask.states = ask.states != 0 ? ask.states : 1u << REVIEW_STATE_APPROVED;
    struct page page = {
        .room = &shard->reviews, .shelf = review_shelf_at(&shard->reviews, shelf), .ask = &ask};
    review_rows_begin(&page.rows, shard->scratch);
    fill_page(&page, answer);
    spans[SPAN_OF(review_list_rsp, reviews)] = review_rows_span(&page.rows);
    spans[SPAN_OF(review_list_rsp, texts)] = review_rows_texts(&page.rows);
    return true;
}
