/* review: see shards/review/review.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/review/review.h"

#include "shards/review/review_parts.h"

u64 review_hash(struct review_name name)
{
    return checksum64(&name, sizeof name);
}

u64 review_vote_hash(struct review_vote_name name)
{
    return checksum64(&name, sizeof name);
}

static struct review_vote_name name_of_vote(const struct review_room *room,
                                            const struct review_vote *vote)
{
    const struct review *review = review_at(room, vote->review);
    return (struct review_vote_name){
        .product_id = review->product_id, .author_id = review->user_id, .voter_id = vote->voter_id};
}

/* ---- maps ---- */

static u64 hash_of_review(const void *context, u32 index)
{
    const struct review *review = review_at(context, index);
    return review_hash((struct review_name){review->product_id, review->user_id});
}
static u64 hash_of_vote(const void *context, u32 index)
{
    return review_vote_hash(name_of_vote(context, review_vote_at(context, index)));
}
static u64 hash_of_shelf(const void *context, u32 index)
{
    return route_hash_u64(review_shelf_at(context, index)->product_id);
}
static u64 hash_of_person(const void *context, u32 index)
{
    return route_hash_u64(review_person_at(context, index)->user_id);
}
static u64 hash_of_purchase(const void *context, u32 index)
{
    const struct review_purchase *purchase = review_purchase_at(context, index);
    return review_hash((struct review_name){purchase->product_id, purchase->user_id});
}

static bool review_is(const void *context, u32 index, const void *key)
{
    const struct review *review = review_at(context, index);
    const struct review_name *name = key;
    return review->product_id == name->product_id && review->user_id == name->user_id;
}
static bool vote_is(const void *context, u32 index, const void *key)
{
    const struct review_vote_name *name = key;
    const struct review_vote_name own = name_of_vote(context, review_vote_at(context, index));
    return own.voter_id == name->voter_id && own.author_id == name->author_id &&
           own.product_id == name->product_id;
}
static bool shelf_is(const void *context, u32 index, const void *key)
{
    return review_shelf_at(context, index)->product_id == *(const u64 *)key;
}
static bool person_is(const void *context, u32 index, const void *key)
{
    return review_person_at(context, index)->user_id == *(const u64 *)key;
}
static bool purchase_is(const void *context, u32 index, const void *key)
{
    const struct review_purchase *purchase = review_purchase_at(context, index);
    const struct review_name *name = key;
    return purchase->product_id == name->product_id && purchase->user_id == name->user_id;
}

u32 review_find(const struct review_room *room, u64 product_id, u64 user_id)
{
    const struct review_name name = {.product_id = product_id, .user_id = user_id};
    return map_find(&room->review_map, review_hash(name), review_is, room, &name);
}
u32 review_shelf_find(const struct review_room *room, u64 product_id)
{
    return map_find(&room->shelf_map, route_hash_u64(product_id), shelf_is, room, &product_id);
}
u32 review_person_find(const struct review_room *room, u64 user_id)
{
    return map_find(&room->person_map, route_hash_u64(user_id), person_is, room, &user_id);
}
u32 review_vote_find(const struct review_room *room, struct review_vote_name name)
{
    return map_find(&room->vote_map, review_vote_hash(name), vote_is, room, &name);
}
u32 review_purchase_find(const struct review_room *room, u64 user_id, u64 product_id)
{
    const struct review_name name = {.product_id = product_id, .user_id = user_id};
    return map_find(&room->purchase_map, review_hash(name), purchase_is, room, &name);
}

void review_room_init(struct review_room *room, struct store_memory *memory, struct arena *arena)
{
    *room = (struct review_room){.arena = arena};
#define KIND(pool, map, type, hash)                                                           \
    do {                                                                                      \
        pool_init(&room->pool, memory, sizeof(type));                                         \
        map_init(&room->map, memory, (struct map_records){.context = room, .hash_of = hash}); \
    } while (0)
    KIND(reviews, review_map, struct review, hash_of_review);
    KIND(votes, vote_map, struct review_vote, hash_of_vote);
    KIND(shelves, shelf_map, struct review_shelf, hash_of_shelf);
    KIND(persons, person_map, struct review_person, hash_of_person);
    KIND(purchases, purchase_map, struct review_purchase, hash_of_purchase);
#undef KIND
}

void review_room_deinit(struct review_room *room)
{
#define KIND(pool, map)           \
    do {                          \
        map_deinit(&room->map);   \
        pool_deinit(&room->pool); \
    } while (0)
    KIND(purchases, purchase_map);
    KIND(persons, person_map);
    KIND(shelves, shelf_map);
    KIND(votes, vote_map);
    KIND(reviews, review_map);
#undef KIND
}

/* ---- orders ---- */

#define REVIEW_ORDER(name, link, ...)                                       \
    static struct ordered_link *link_##name(const void *context, u32 item)  \
    {                                                                       \
        return &review_at(context, item)->link;                             \
    }                                                                       \
    static struct ordered_key key_##name(const void *context, u32 item)     \
    {                                                                       \
        const struct review *review = review_at(context, item);             \
        return (struct ordered_key){{__VA_ARGS__}};                         \
    }                                                                       \
    struct ordered_owner review_##name(const struct review_room *room)      \
    {                                                                       \
        return (struct ordered_owner){                                      \
            .context = room, .link_of = link_##name, .key_of = key_##name}; \
    }
REVIEW_ORDER(by_time, by_time, review_class_of(review), 0, ~review->created_ns, review->user_id)
REVIEW_ORDER(by_help, by_help, review_class_of(review), ~review_score(review), ~review->created_ns,
             review->user_id)
REVIEW_ORDER(by_waiting, by_waiting, review->changed_ns, review->product_id, review->user_id)
REVIEW_ORDER(by_person, by_person, review->product_id)
#undef REVIEW_ORDER

static struct ordered_link *link_by_voter(const void *context, u32 item)
{
    return &review_vote_at(context, item)->by_voter;
}
static struct ordered_key key_by_voter(const void *context, u32 item)
{
    return (struct ordered_key){{review_vote_at(context, item)->voter_id}};
}
static struct ordered_link *link_by_review(const void *context, u32 item)
{
    return &review_vote_at(context, item)->by_review;
}
static struct ordered_key key_by_review(const void *context, u32 item)
{
    const struct review *review = review_at(context, review_vote_at(context, item)->review);
    return (struct ordered_key){{review->product_id, review->user_id}};
}
struct ordered_owner review_vote_by_voter(const struct review_room *room)
{
    return (struct ordered_owner){
        .context = room, .link_of = link_by_voter, .key_of = key_by_voter};
}
struct ordered_owner review_vote_by_review(const struct review_room *room)
{
    return (struct ordered_owner){
        .context = room, .link_of = link_by_review, .key_of = key_by_review};
}

/* ---- life ---- */

u32 review_person_of(struct review_room *room, u64 user_id)
{
    u32 index = review_person_find(room, user_id);
    MUST(user_id != 0);
    if (index != 0)
        return index;
    index = pool_acquire(&room->persons);
    review_person_at(room, index)->user_id = user_id;
    map_insert(&room->person_map, route_hash_u64(user_id), index);
    return index;
}

void review_person_settle(struct review_room *room, u32 index)
{
    const struct review_person *person = review_person_at(room, index);
    if (person->reviews.count != 0 || person->votes.count != 0)
        return;
    MUST(person->received_votes == 0); /* R3 */
    review_person_before_change(room, person);
    map_remove(&room->person_map, route_hash_u64(person->user_id), index);
    pool_release(&room->persons, &index);
}

static u32 shelf_of(struct review_room *room, u64 product_id)
{
    u32 index = review_shelf_find(room, product_id);
    if (index != 0)
        return index;
    index = pool_acquire(&room->shelves);
    review_shelf_at(room, index)->product_id = product_id;
    map_insert(&room->shelf_map, route_hash_u64(product_id), index);
    return index;
}

u32 review_create(struct review_room *room, u64 product_id, u64 user_id)
{
    MUST(product_id != 0 && user_id != 0);
    const u32 index = pool_acquire(&room->reviews);
    struct review *review = review_at(room, index);
    review->product_id = product_id;
    review->user_id = user_id;
    review->shelf = shelf_of(room, product_id);
    review->person = review_person_of(room, user_id);
    review->is_verified = review_has_bought(room, user_id, product_id) ? 1 : 0;
    review_shelf_at(room, review->shelf)->review_count++;
    const struct ordered_owner owner = review_by_person(room);
    ordered_insert(&review_person_at(room, review->person)->reviews, &owner, index);
    map_insert(&room->review_map, review_hash((struct review_name){product_id, user_id}), index);
    return index;
}

void review_forget(struct review_room *room, u32 index)
{
    struct review *review = review_at(room, index);
    u32 shelf = review->shelf;
    MUST(review->state == REVIEW_STATE_NONE && review->text == NULL);
    MUST(review->votes.count == 0);
    review_before_change(room, review);
    const struct ordered_owner owner = review_by_person(room);
    ordered_remove(&review_person_at(room, review->person)->reviews, &owner, index);
    map_remove(&room->review_map,
               review_hash((struct review_name){review->product_id, review->user_id}), index);
    pool_release(&room->reviews, &index);
    struct review_shelf *left = review_shelf_at(room, shelf);
    MUST(left->review_count != 0); /* R4 */
    if (--left->review_count != 0)
        return;
    map_remove(&room->shelf_map, route_hash_u64(left->product_id), shelf);
    pool_release(&room->shelves, &shelf);
}

/* ---- on the shelf, and off it ---- */

void review_enlist(struct review_room *room, u32 index)
{
    struct review *review = review_at(room, index);
    struct review_shelf *shelf = review_shelf_at(room, review->shelf);
    const struct ordered_owner by_time = review_by_time(room), by_help = review_by_help(room);
    if (review->state == REVIEW_STATE_NONE)
        return;
    MUST((review->marks & REVIEW_MARK_LISTED) == 0); /* R1 */
    review->marks |= REVIEW_MARK_LISTED;
    ordered_insert(&shelf->by_time, &by_time, index);
    ordered_insert(&shelf->by_help, &by_help, index);
    shelf->counts[review_class_of(review)]++;
    room->counts.reviews++;
    room->counts.approved += review->state == REVIEW_STATE_APPROVED ? 1 : 0;
    struct ordered *waiting = review_waiting(room, review->state);
    const struct ordered_owner by_waiting = review_by_waiting(room);
    if (waiting != NULL)
        ordered_insert(waiting, &by_waiting, index);
}

void review_delist(struct review_room *room, u32 index)
{
    struct review *review = review_at(room, index);
    struct review_shelf *shelf = review_shelf_at(room, review->shelf);
    const struct ordered_owner by_time = review_by_time(room), by_help = review_by_help(room);
    if (review->state == REVIEW_STATE_NONE)
        return;
    MUST((review->marks & REVIEW_MARK_LISTED) != 0); /* R1 */
    review->marks &= (u8)~REVIEW_MARK_LISTED;
    MUST(shelf->counts[review_class_of(review)] != 0); /* R1 */
    ordered_remove(&shelf->by_time, &by_time, index);
    ordered_remove(&shelf->by_help, &by_help, index);
    shelf->counts[review_class_of(review)]--;
    room->counts.reviews--;
    room->counts.approved -= review->state == REVIEW_STATE_APPROVED ? 1 : 0;
    struct ordered *waiting = review_waiting(room, review->state);
    const struct ordered_owner by_waiting = review_by_waiting(room);
    if (waiting != NULL)
        ordered_remove(waiting, &by_waiting, index);
}

static struct review_rating rating_of_shelf(const struct review_shelf *shelf)
{
    struct review_rating rating = {0};
    for (u32 stars = 1; stars <= REVIEW_STARS_MAX; stars++) {
        const u32 count = shelf->counts[review_class(REVIEW_STATE_APPROVED, stars, false)] +
                          shelf->counts[review_class(REVIEW_STATE_APPROVED, stars, true)];
        rating.stars[stars - 1] = count;
        rating.count += count;
        rating.sum += (u64)stars * count;
    }
    return rating;
}

struct review_rating review_rating_of(const struct review_room *room, u64 product_id)
{
    const u32 shelf = review_shelf_find(room, product_id);
    return shelf != 0 ? rating_of_shelf(review_shelf_at(room, shelf)) : (struct review_rating){0};
}

struct review_change review_change_begin(struct shard *shard, u32 index)
{
    struct review_room *room = &shard->reviews;
    struct review *review = review_at(room, index);
    review_before_change(room, review);
    const struct review_change change = {.shard = shard,
                                         .review = review,
                                         .before =
                                             rating_of_shelf(review_shelf_at(room, review->shelf)),
                                         .index = index};
    review_delist(room, index);
    return change;
}

void review_change_end(const struct review_change *change)
{
    struct shard *shard = change->shard;
    struct review_room *room = &shard->reviews;
    const u64 product_id = change->review->product_id;
    review_enlist(room, change->index);
    const struct review_rating after =
        rating_of_shelf(review_shelf_at(room, change->review->shelf));
    if (after.sum == change->before.sum && after.count == change->before.count)
        return;
    const u32 product = catalog_find(&shard->catalog, route_hash_u64(product_id), product_id);
    MUST(product != 0); /* products leave tombstones */
    catalog_set_rating(shard, product, after.sum, after.count);
}

void review_touch(struct review *review, u64 now_ns)
{
    review->version++;
    review->changed_ns = now_ns;
    MUST(review->version != VERSION_ANY && review->version != VERSION_ABSENT);
}

void review_empty(struct review_room *room, struct review *review)
{
    review_texts_release(room, review);
    review_reply_set(room, review, (struct span){0});
    review->is_suspect = review->state != REVIEW_STATE_APPROVED ? 1 : 0;
    review->state = REVIEW_STATE_NONE;
    review->stars = 0;
    review->moderator = 0;
    review->reason = 0;
    review->replied_by = 0;
    review->replied_ns = 0;
    review->created_ns = 0;
}
