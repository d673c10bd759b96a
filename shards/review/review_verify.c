/* review_verify: what the review room promises, counted anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/review/review_parts.h"

/* Where violations are told, and what was counted on the way. */
struct verdict {
    struct msg_verify_rsp *to;
    u8 *text;
    u32 *text_bytes;
    u64 there, approved, waiting[2];
};

static void tell(const struct verdict *verdict, const char *reason, u32 bytes)
{
    verdict->to->violations++;
    if (ATTRIBUTES_BYTES_MAX - *verdict->text_bytes < bytes)
        return;
    memcpy(verdict->text + *verdict->text_bytes, reason, bytes);
    *verdict->text_bytes += bytes;
}
#define EXPECT(condition, reason)                                                             \
    do {                                                                                      \
        if (UNLIKELY(!(condition)))                                                           \
            tell(verdict, "reviews: " reason "\n", (u32)sizeof("reviews: " reason "\n") - 1); \
    } while (0)

static void verify_votes(const struct review_room *room, const struct review *review,
                         const struct verdict *verdict)
{
    const struct ordered_owner owner = review_vote_by_voter(room);
    const struct ordered_key first = {{0}};
    u32 helpful = 0, unhelpful = 0;
    EXPECT(ordered_valid(&review->votes, &owner), "votes are not in order");
    for (u32 at = ordered_seek(&review->votes, &owner, &first); at != 0;
         at = ordered_next(&owner, at)) {
        const struct review_vote *vote = review_vote_at(room, at);
        helpful += vote->is_helpful;
        unhelpful += vote->is_helpful != 0 ? 0 : 1;
        EXPECT(vote->voter_id != review->user_id, "an author has voted for himself");
        EXPECT(review_vote_find(room, (struct review_vote_name){review->product_id, review->user_id,
                                                                vote->voter_id}) == at,
               "a vote is not found by its name");
    }
    EXPECT(helpful == review->helpful && unhelpful == review->unhelpful,
           "votes are counted wrongly");
}

static void verify_review(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct review_room *room = &shard->reviews;
    const struct review *review = review_at(room, index);
    const bool is_there = review->state != REVIEW_STATE_NONE;
    u32 texts = 0;
    for (const struct review_text *text = review->text; text != NULL; text = text->older)
        texts++; /* ends: a chain is finite */
    EXPECT(shard_owns(shard, route_hash_u64(review->product_id)), "belongs to another shard");
    EXPECT(review->state <= REVIEW_STATE_FLAGGED && review->version != 0,
           "in a state or version that cannot be");
    EXPECT(texts == (is_there ? review->edit_count + 1u : 0), "texts are not where they are");
    EXPECT(!is_there || (review->stars >= 1 && review->stars <= REVIEW_STARS_MAX &&
                         review->text->stars == review->stars),
           "stars are not those of the text");
    EXPECT(is_there == ((review->marks & REVIEW_MARK_LISTED) != 0), "listed, or not, wrongly");
    EXPECT((review->is_verified != 0) ==
               review_has_bought(room, review->user_id, review->product_id),
           "verified, or not, by no purchase");
    verify_votes(room, review, verdict);
    verdict->there += is_there ? 1 : 0;
    verdict->approved += review->state == REVIEW_STATE_APPROVED ? 1 : 0;
    verdict->waiting[0] += review->state == REVIEW_STATE_PENDING ? 1 : 0;
    verdict->waiting[1] += review->state == REVIEW_STATE_FLAGGED ? 1 : 0;
}

/* The reviews of a shelf, counted one by one. */
static void verify_shelf(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct review_room *room = &shard->reviews;
    const struct review_shelf *shelf = review_shelf_at(room, index);
    const struct ordered_owner by_time = review_by_time(room), by_help = review_by_help(room);
    const struct ordered_key first = {{0}};
    u32 counts[REVIEW_CLASS_COUNT] = {0};
    EXPECT(ordered_valid(&shelf->by_time, &by_time), "not in the order of time");
    EXPECT(ordered_valid(&shelf->by_help, &by_help), "not in the order of helpfulness");
    EXPECT(shelf->by_time.count == shelf->by_help.count &&
               shelf->by_time.count <= shelf->review_count && shelf->review_count != 0,
           "a shelf has another number of reviews than its lists");
    for (u32 at = ordered_seek(&shelf->by_time, &by_time, &first); at != 0;
         at = ordered_next(&by_time, at)) {
        EXPECT(review_at(room, at)->shelf == index, "a review is on two shelves");
        counts[review_class_of(review_at(room, at))]++;
    }
    EXPECT(memcmp(counts, shelf->counts, sizeof counts) == 0, "stars are counted wrongly");
}

static void verify_person(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct review_room *room = &shard->reviews;
    const struct review_person *person = review_person_at(room, index);
    const struct ordered_owner by_person = review_by_person(room);
    const struct ordered_owner by_review = review_vote_by_review(room);
    const struct ordered_key first = {{0}};
    u64 received = 0;
    EXPECT(person->reviews.count != 0 || person->votes.count != 0, "a person without anything");
    EXPECT(ordered_valid(&person->reviews, &by_person), "a person's reviews are not in order");
    EXPECT(ordered_valid(&person->votes, &by_review), "a person's votes are not in order");
    for (u32 at = ordered_seek(&person->reviews, &by_person, &first); at != 0;
         at = ordered_next(&by_person, at))
        received += review_at(room, at)->votes.count;
    EXPECT(received == person->received_votes, "a person's received votes are counted wrongly");
}

static void verify_purchase(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct review_purchase *purchase = review_purchase_at(&shard->reviews, index);
    EXPECT(purchase->units > 0, "a purchase of nothing");
    EXPECT(shard_owns(shard, route_hash_u64(purchase->product_id)),
           "a purchase belongs to another shard");
}

static void verify_product(const struct shard *shard, u32 index, struct verdict *verdict)
{
    const struct product *product = product_at(&shard->catalog, index);
    const struct review_rating rating = review_rating_of(&shard->reviews, product->product_id);
    EXPECT(product->rating_sum == rating.sum && product->rating_count == rating.count,
           "a product shows another rating than its reviews give it");
}

static void verify_all(const struct shard *shard, const struct map *map, struct verdict *verdict,
                       void (*verify)(const struct shard *shard, u32 index,
                                      struct verdict *verdict))
{
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(map); b++) {
        const u32 count = map_bucket_read(map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++)
            verify(shard, indexes[i], verdict);
    }
}

void review_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    struct review_room *room = &shard->reviews;
    struct verdict own = {.to = to, .text = text, .text_bytes = text_bytes};
    struct verdict *verdict = &own;
    const struct ordered_owner by_waiting = review_by_waiting(room);
    verify_all(shard, &room->review_map, verdict, verify_review);
    verify_all(shard, &room->shelf_map, verdict, verify_shelf);
    verify_all(shard, &room->person_map, verdict, verify_person);
    verify_all(shard, &room->purchase_map, verdict, verify_purchase);
    verify_all(shard, &shard->catalog.map, verdict, verify_product);
    EXPECT(verdict->there == room->counts.reviews && verdict->approved == room->counts.approved,
           "reviews are counted wrongly");
    for (u32 i = 0; i < 2; i++)
        EXPECT(ordered_valid(&room->waiting[i], &by_waiting) &&
                   room->waiting[i].count == verdict->waiting[i],
               "what waits for a moderator is not in its queue");
}
