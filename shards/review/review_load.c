/* review_load: reviews on their way back from a snapshot, judged.
 *
 * Records come in any order: whatever comes first of a review makes it, gone and without texts, until
 * its own record is there. Places in lists, verified and ratings are found when all have come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "proto/text.h"
#include "shards/review/review_dump.h"
#include "shards/review/review_parts.h"

static u32 index_for_load(struct review_room *room, u64 product_id, u64 user_id)
{
    const u32 index = review_find(room, product_id, user_id);
    return index != 0 ? index : review_create(room, product_id, user_id);
}

static struct review *review_for_load(struct review_room *room, u64 product_id, u64 user_id)
{
    return review_at(room, index_for_load(room, product_id, user_id));
}

/* ---- reviews and their texts ---- */

/* One that is gone keeps nothing but its name, version, time and votes. */
static bool is_empty(const struct dump_review *fixed)
{
    const u64 numbers = fixed->text_version | fixed->created_ns | fixed->text_ns |
                        fixed->moderator | fixed->replied_by | fixed->replied_ns;
    const u32 lengths = (u32)fixed->title_bytes | fixed->body_bytes | fixed->media_bytes |
                        fixed->reply_bytes | fixed->stars | fixed->edit_count;
    return numbers == 0 && fixed->reason == 0 && lengths == 0;
}

static const char *dump_review_invalid(const struct dump_review *fixed)
{
    if (fixed->product_id == 0 || fixed->user_id == 0 || fixed->version == 0)
        return "a review has a name or version that cannot be";
    if (fixed->state > REVIEW_STATE_FLAGGED || fixed->is_suspect > 1)
        return "a review has a state that cannot be";
    if (fixed->state == REVIEW_STATE_NONE)
        return is_empty(fixed) ? NULL : "a review that is gone has something left";
    if (fixed->stars < 1 || fixed->stars > REVIEW_STARS_MAX || fixed->is_suspect != 0)
        return "a review has stars that cannot be";
    if (fixed->text_version == 0 || fixed->text_version > fixed->version ||
        fixed->edit_count > REVIEW_EDITS_MAX || fixed->edit_count >= fixed->text_version)
        return "a review has a text of a version that cannot be";
    if (fixed->text_ns > fixed->changed_ns || fixed->created_ns > fixed->text_ns ||
        fixed->replied_ns > fixed->changed_ns)
        return "a review has times that cannot be";
    return fixed->reply_bytes == 0 && (fixed->replied_by != 0 || fixed->replied_ns != 0)
               ? "a review has no reply, but somebody who has replied"
               : NULL;
}

static const char *dump_texts_invalid(const struct dump_review *fixed, const u8 *bytes, u32 count)
{
    if (fixed->title_bytes > REVIEW_TITLE_BYTES_MAX || fixed->body_bytes > REVIEW_BODY_BYTES_MAX ||
        fixed->media_bytes > REVIEW_MEDIA_BYTES_MAX || fixed->reply_bytes > REVIEW_BODY_BYTES_MAX ||
        count != ROUND_UP((u32)fixed->title_bytes + fixed->body_bytes + fixed->media_bytes +
                              fixed->reply_bytes,
                          8u))
        return "a review has texts of a length that cannot be";
    const u8 *body = bytes + fixed->title_bytes;
    const u8 *media = body + fixed->body_bytes;
    const struct span texts[3] = {{.data = bytes, .bytes = fixed->title_bytes},
                                  {.data = body, .bytes = fixed->body_bytes},
                                  {.data = media, .bytes = fixed->media_bytes}};
    return !review_texts_good(texts) ||
                   text_invalid(media + fixed->media_bytes, fixed->reply_bytes, true) != NULL
               ? "a review has a text that cannot be"
               : NULL;
}

static const char *load_review(struct review_room *room, const u8 *body, u32 bytes)
{
    struct dump_review fixed;
    if (bytes < sizeof fixed)
        return "a review is too short";
    memcpy(&fixed, body, sizeof fixed);
    const u8 *texts = body + sizeof fixed;
    const char *reason = dump_review_invalid(&fixed);
    if (reason == NULL)
        reason = dump_texts_invalid(&fixed, texts, bytes - (u32)sizeof fixed);
    if (reason != NULL)
        return reason;
    struct review *review = review_for_load(room, fixed.product_id, fixed.user_id);
    if ((review->marks & REVIEW_MARK_LOADED) != 0)
        return "a review comes twice";
    review->marks |= REVIEW_MARK_LOADED;
    review->version = fixed.version;
    review->created_ns = fixed.created_ns;
    review->changed_ns = fixed.changed_ns;
    review->moderator = fixed.moderator;
    review->replied_by = fixed.replied_by;
    review->replied_ns = fixed.replied_ns;
    review->reason = fixed.reason;
    review->votes_due = fixed.vote_count;
    review->edit_count = (u8)fixed.edit_count;
    review->state = (u8)fixed.state;
    review->stars = (u8)fixed.stars;
    review->is_suspect = (u8)fixed.is_suspect;
    if (fixed.state == REVIEW_STATE_NONE)
        return NULL;
    const struct review_text text = {.changed_ns = fixed.text_ns,
                                     .version = fixed.text_version,
                                     .title_bytes = fixed.title_bytes,
                                     .body_bytes = fixed.body_bytes,
                                     .media_bytes = fixed.media_bytes,
                                     .stars = (u8)fixed.stars};
    if (!review_text_restore(room, review, &text, texts))
        return "a review has two texts of one version";
    texts += fixed.title_bytes + fixed.body_bytes + fixed.media_bytes;
    review_reply_set(room, review, (struct span){.data = texts, .bytes = fixed.reply_bytes});
    return NULL;
}

static const char *load_edit(struct review_room *room, const u8 *body, u32 bytes)
{
    struct dump_review_edit fixed;
    if (bytes < sizeof fixed)
        return "an edit is too short";
    memcpy(&fixed, body, sizeof fixed);
    const u8 *texts = body + sizeof fixed;
    if (fixed.product_id == 0 || fixed.user_id == 0 || fixed.version == 0 || fixed.stars < 1 ||
        fixed.stars > REVIEW_STARS_MAX || fixed.state < REVIEW_STATE_PENDING ||
        fixed.state > REVIEW_STATE_FLAGGED)
        return "an edit has a field that cannot be";
    if (fixed.title_bytes > REVIEW_TITLE_BYTES_MAX || fixed.body_bytes > REVIEW_BODY_BYTES_MAX ||
        bytes - sizeof fixed != ROUND_UP((u32)fixed.title_bytes + fixed.body_bytes, 8u))
        return "an edit has a length that cannot be";
    if (text_invalid(texts, fixed.title_bytes, false) != NULL ||
        text_invalid(texts + fixed.title_bytes, fixed.body_bytes, true) != NULL)
        return "an edit has a text that cannot be";
    const struct review_text text = {.changed_ns = fixed.changed_ns,
                                     .version = fixed.version,
                                     .title_bytes = fixed.title_bytes,
                                     .body_bytes = fixed.body_bytes,
                                     .stars = (u8)fixed.stars,
                                     .state = (u8)fixed.state};
    struct review *review = review_for_load(room, fixed.product_id, fixed.user_id);
    return review_text_restore(room, review, &text, texts)
               ? NULL
               : "a review has two texts of one version";
}

/* ---- votes, persons, purchases ---- */

static const char *load_vote(struct review_room *room, const u8 *body, u32 bytes)
{
    struct dump_review_vote fixed;
    if (bytes != sizeof fixed)
        return "a vote has a wrong length";
    memcpy(&fixed, body, sizeof fixed);
    if (fixed.product_id == 0 || fixed.author_id == 0 || fixed.voter_id == 0 ||
        fixed.voter_id == fixed.author_id || fixed.is_helpful > 1 || fixed.zero0 != 0)
        return "a vote has a field that cannot be";
    const struct review_vote_name name = {fixed.product_id, fixed.author_id, fixed.voter_id};
    if (review_vote_find(room, name) != 0)
        return "a vote comes twice";
    review_vote_add(room, index_for_load(room, fixed.product_id, fixed.author_id), fixed.voter_id,
                    fixed.is_helpful != 0);
    return NULL;
}

static const char *load_person(struct review_room *room, const u8 *body, u32 bytes)
{
    struct dump_review_person fixed;
    if (bytes != sizeof fixed)
        return "a writer of reviews has a wrong length";
    memcpy(&fixed, body, sizeof fixed);
    if (fixed.user_id == 0 || fixed.hour == 0 || fixed.zero0 != 0 ||
        fixed.written[fixed.hour % REVIEW_HOURS] == 0)
        return "a writer of reviews has a field that cannot be";
    struct review_person *person = review_person_at(room, review_person_of(room, fixed.user_id));
    if (person->is_loaded != 0)
        return "a writer of reviews comes twice";
    person->is_loaded = 1;
    person->hour = fixed.hour;
    memcpy(person->written, fixed.written, sizeof person->written);
    return NULL;
}

static const char *load_purchase(struct review_room *room, const u8 *body, u32 bytes)
{
    struct review_purchase fixed;
    if (bytes != sizeof fixed)
        return "a purchase has a wrong length";
    memcpy(&fixed, body, sizeof fixed);
    if (fixed.user_id == 0 || fixed.product_id == 0 || fixed.units <= 0)
        return "a purchase has a field that cannot be";
    if (review_purchase_find(room, fixed.user_id, fixed.product_id) != 0)
        return "a purchase comes twice";
    const u32 index = pool_acquire(&room->purchases);
    *review_purchase_at(room, index) = fixed;
    map_insert(&room->purchase_map,
               review_hash((struct review_name){fixed.product_id, fixed.user_id}), index);
    return NULL;
}

const char *review_load(struct review_room *room, enum dump_kind kind, const u8 *body, u32 bytes)
{
    if (kind == DUMP_KIND_REVIEW)
        return load_review(room, body, bytes);
    if (kind == DUMP_KIND_REVIEW_EDIT)
        return load_edit(room, body, bytes);
    if (kind == DUMP_KIND_REVIEW_VOTE)
        return load_vote(room, body, bytes);
    if (kind == DUMP_KIND_REVIEW_PERSON)
        return load_person(room, body, bytes);
    MUST(kind == DUMP_KIND_REVIEW_PURCHASE);
    return load_purchase(room, body, bytes);
}

/* ---- when all have come ---- */

static const char *finish_review(struct shard *shard, u32 index)
{
    struct review_room *room = &shard->reviews;
    struct review *review = review_at(room, index);
    const u64 hash = route_hash_u64(review->product_id);
    if ((review->marks & REVIEW_MARK_LOADED) == 0)
        return "a vote or an edit of no review";
    if (!shard_owns(shard, hash))
        return "a review belongs to another shard";
    if (catalog_find(&shard->catalog, hash, review->product_id) == 0)
        return "a review of a product that is not there";
    if (review->votes.count != review->votes_due)
        return "a review lacks a vote, or has one too many";
    u32 texts = 0;
    for (const struct review_text *text = review->text; text != NULL; text = text->older)
        texts++; /* ends: restored one by one, no version twice */
    if (texts != (review->state == REVIEW_STATE_NONE ? 0 : review->edit_count + 1u) ||
        (texts != 0 && review->text->state != REVIEW_STATE_NONE))
        return "a review lacks a text, or has one too many";
    review->is_verified = review_has_bought(room, review->user_id, review->product_id) ? 1 : 0;
    review_enlist(room, index);
    return NULL;
}

static const char *finish_person(struct shard *shard, u32 index)
{
    const struct review_person *person = review_person_at(&shard->reviews, index);
    return person->reviews.count == 0 && person->votes.count == 0
               ? "a writer of reviews has neither reviews nor votes"
               : NULL;
}

static const char *finish_purchase(struct shard *shard, u32 index)
{
    const struct review_purchase *purchase = review_purchase_at(&shard->reviews, index);
    return shard_owns(shard, route_hash_u64(purchase->product_id))
               ? NULL
               : "a purchase belongs to another shard";
}

static const char *finish_product(struct shard *shard, u32 index)
{
    const struct product *product = product_at(&shard->catalog, index);
    const struct review_rating rating = review_rating_of(&shard->reviews, product->product_id);
    return product->rating_sum == rating.sum && product->rating_count == rating.count
               ? NULL
               : "a product has another rating than its reviews give it";
}

/* The same for every record of a map. */
static const char *finish_all(struct shard *shard, const struct map *map,
                              const char *(*finish)(struct shard *shard, u32 index))
{
    u32 indexes[DUMP_BUCKET_MAX];
    for (u32 b = 0; b < map_bucket_count(map); b++) {
        const u32 count = map_bucket_read(map, b, indexes, DUMP_BUCKET_MAX);
        MUST(count <= DUMP_BUCKET_MAX);
        for (u32 i = 0; i < count; i++) {
            const char *reason = finish(shard, indexes[i]);
            if (reason != NULL)
                return reason;
        }
    }
    return NULL;
}

const char *review_load_finish(struct shard *shard)
{
    struct review_room *room = &shard->reviews;
    const char *reason = finish_all(shard, &room->purchase_map, finish_purchase);
    if (reason == NULL)
        reason = finish_all(shard, &room->review_map, finish_review);
    if (reason == NULL)
        reason = finish_all(shard, &room->person_map, finish_person);
    if (reason == NULL)
        reason = finish_all(shard, &shard->catalog.map, finish_product);
    return reason;
}
