/* fields of reviews; docs/reviews.md is the contract.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_FIELDS_REVIEW_H
#define SOUK_PROTO_FIELDS_REVIEW_H

/* Who wrote about what: the name of a review. */
#define REVIEW_NAME(F)                \
    F(u64, product_id, "the product") \
    F(u64, user_id, "who wrote it")

/* What every change of a review answers. */
#define REVIEW_CHANGED(F, Z)                                                         \
    F(u64, version, "of the review after the change, or the current one")            \
    F(u64, rating_sum, "stars of the product's approved reviews")                    \
    F(u32, rating_count, "approved reviews of the product")                          \
    F(u16, state, "1 pending, 2 approved, 3 rejected, 4 flagged; 0 = there is none") \
    F(u16, is_verified, "1 = bought, received and not wholly given back")

#define REVIEW_PUT_REQ(F, Z, S)                                                           \
    REVIEW_NAME(F)                                                                        \
    F(u64, if_version, "0 = any; 2^64-1 = must not exist; else the version it must have") \
    F(u16, stars, "1 to 5")                                                               \
    Z(u16, zero0)                                                                         \
    Z(u32, zero1)                                                                         \
    S(title, REVIEW_TITLE_BYTES_MAX, "UTF-8 text")                                        \
    S(body, REVIEW_BODY_BYTES_MAX, "UTF-8 text")                                          \
    S(media, REVIEW_MEDIA_BYTES_MAX, "lines of references")
#define REVIEW_PUT_RSP(F, Z, S) REVIEW_CHANGED(F, Z)

#define REVIEW_MODERATE_REQ(F, Z, S)                                       \
    REVIEW_NAME(F)                                                         \
    F(u64, if_version, "0 = any; else the version that the moderator saw") \
    F(u64, actor, "who decides")                                           \
    F(u32, reason, "a number that means something to the shop")            \
    F(u16, state, "1 pending, 2 approved, 3 rejected, 4 flagged")          \
    Z(u16, zero0)
#define REVIEW_MODERATE_RSP(F, Z, S) REVIEW_CHANGED(F, Z)

#define REVIEW_VOTE_REQ(F, Z, S)                                    \
    REVIEW_NAME(F)                                                  \
    F(u64, voter_id, "who votes, once; not the author")             \
    F(u16, vote, "1 helpful, 2 not helpful, 0 takes the vote back") \
    Z(u16, zero0)                                                   \
    Z(u32, zero1)
#define REVIEW_VOTE_RSP(F, Z, S) \
    F(u32, helpful, "votes")     \
    F(u32, unhelpful, "votes")

#define REVIEW_REPLY_REQ(F, Z, S)                 \
    REVIEW_NAME(F)                                \
    F(u64, actor, "who replies for the merchant") \
    S(reply, REVIEW_BODY_BYTES_MAX, "UTF-8 text; empty = no reply any more")
#define REVIEW_REPLY_RSP(F, Z, S) REVIEW_CHANGED(F, Z)

#define REVIEW_DELETE_REQ(F, Z, S) \
    REVIEW_NAME(F)                 \
    F(u64, if_version, "0 = any; else the version it must have")
#define REVIEW_DELETE_RSP(F, Z, S) REVIEW_CHANGED(F, Z)

#define REVIEW_ERASE_REQ(F, Z, S) F(u64, user_id, "whose reviews and votes")
#define REVIEW_ERASE_RSP(F, Z, S)                                              \
    F(u32, reviews, "erased on this shard by this command")                    \
    F(u32, votes, "of the user, or about the user's reviews; erased likewise") \
    F(u32, left, "still there: ask again until it is 0")                       \
    Z(u32, zero0)

#define REVIEW_GET_REQ(F, Z, S) REVIEW_NAME(F)
#define REVIEW_GET_RSP(F, Z, S)                                                      \
    F(u64, version, "counts the changes")                                            \
    F(u64, created_at_ns, "log time of the first version")                           \
    F(u64, changed_at_ns, "log time of this version")                                \
    F(u64, moderator, "who decided last")                                            \
    F(u64, replied_by, "who replied")                                                \
    F(u64, replied_at_ns, "log time of the reply")                                   \
    F(u32, helpful, "votes")                                                         \
    F(u32, unhelpful, "votes")                                                       \
    F(u32, reason, "of the last decision")                                           \
    F(u16, stars, "1 to 5")                                                          \
    F(u16, state, "1 pending, 2 approved, 3 rejected, 4 flagged")                    \
    F(u16, is_verified, "1 = bought, received and not wholly given back")            \
    Z(u16, zero0)                                                                    \
    Z(u32, zero1)                                                                    \
    S(title, REVIEW_TITLE_BYTES_MAX, "UTF-8 text")                                   \
    S(body, REVIEW_BODY_BYTES_MAX, "UTF-8 text")                                     \
    S(media, REVIEW_MEDIA_BYTES_MAX, "lines of references")                          \
    S(reply, REVIEW_BODY_BYTES_MAX, "of the merchant")                               \
    S(edits, ROWS(review_edit, REVIEW_EDITS_MAX), "versions before, the last first") \
    S(texts, REVIEW_EDITS_MAX *(REVIEW_TITLE_BYTES_MAX + REVIEW_BODY_BYTES_MAX), "of the edits")

#define REVIEW_LIST_REQ(F, Z, S)                                                        \
    F(u64, product_id, "the product")                                                   \
    F(u64, after_key, "next_key of the page before")                                    \
    F(u64, after_ns, "next_ns of the page before")                                      \
    F(u64, after_user, "next_user of the page before; 0 = from the beginning")          \
    F(u32, limit, "rows, 1 to 50; fewer come where texts are long")                     \
    F(u16, sort, "0 newest, 1 most helpful, 2 best, 3 worst; then newest")              \
    F(u16, stars, "bits: 1 one star, 2 two, ... 16 five; 0 = all")                      \
    F(u16, is_verified, "1 = only verified ones")                                       \
    F(u16, states, "bits: 2 pending, 4 approved, 8 rejected, 16 flagged; 0 = approved") \
    Z(u32, zero0)
#define REVIEW_LIST_RSP(F, Z, S)                                                    \
    F(u64, total, "that match")                                                     \
    F(u64, next_key, "for the next page")                                           \
    F(u64, next_ns, "for the next page")                                            \
    F(u64, next_user, "for the next page; 0 = that was the last")                   \
    S(reviews, ROWS(review_brief, REVIEW_LIST_MAX), "in order")                     \
    S(texts, REVIEW_LIST_MAX *(REVIEW_TITLE_BYTES_MAX + 2 * REVIEW_BODY_BYTES_MAX), \
      "of the reviews")

#define RATING_GET_REQ(F, Z, S) F(u64, product_id, "the product")
#define RATING_GET_RSP(F, Z, S)              \
    F(u64, sum, "stars of approved reviews") \
    F(u32, count, "approved reviews")        \
    F(u32, stars1, "of them with one star")  \
    F(u32, stars2, "two")                    \
    F(u32, stars3, "three")                  \
    F(u32, stars4, "four")                   \
    F(u32, stars5, "five")

#define REVIEW_QUEUE_REQ(F, Z, S)                                             \
    F(u64, after_ns, "changed_at_ns of the last row; 0 = from the beginning") \
    F(u64, after_product, "product_id of the last row")                       \
    F(u64, after_user, "user_id of the last row")                             \
    F(u32, limit, "rows, 1 to 50; fewer come where texts are long")           \
    F(u16, state, "1 pending, 4 flagged")                                     \
    Z(u16, zero0)
#define REVIEW_QUEUE_RSP(F, Z, S)                                                   \
    F(u64, total, "in this state on this shard")                                    \
    S(reviews, ROWS(review_brief, REVIEW_LIST_MAX), "oldest first")                 \
    S(texts, REVIEW_LIST_MAX *(REVIEW_TITLE_BYTES_MAX + 2 * REVIEW_BODY_BYTES_MAX), \
      "of the reviews")

#define REVIEW_POLICY_FIELDS(F, Z)                                                      \
    F(u32, per_day,                                                                     \
      "reviews that a user may write or change on a shard in 24 hours; 0 = any number") \
    F(u16, is_moderated, "1 = a review is pending until a moderator approves it")       \
    F(u16, needs_purchase, "1 = only who has bought and received it may write")
#define REVIEW_POLICY_PUT_REQ(F, Z, S)                           \
    F(u64, home_id, "1")                                         \
    F(u64, if_version, "0 = any; else the version it must have") \
    REVIEW_POLICY_FIELDS(F, Z)
#define REVIEW_POLICY_PUT_RSP(F, Z, S) SETTING_REPLY(F, Z)
#define REVIEW_POLICY_GET_REQ(F, Z, S) F(u64, home_id, "1")
#define REVIEW_POLICY_GET_RSP(F, Z, S)                                          \
    F(u64, version, "0 = as built in: moderated, no purchase needed, 20 a day") \
    REVIEW_POLICY_FIELDS(F, Z)

#endif
