/* test_review: reviews, one operation after the other: what they answer and what they refuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/review_fixture.h"

#define P rf_product(0)

static struct of of;

static int open_town(void **state)
{
    (void)state;
    rf_open(&of, 3);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    of_close(&of);
    return 0;
}

#define ASSERT_STATUS(wanted, expression) assert_int_equal((wanted), (expression).head.status)

/* Time goes on by whole seconds, so that what is written later is newer. */
static void tick(void)
{
    town_wait(of.town, NS_PER_S);
}

/* ---- put ---- */

static void a_review_waits_until_it_is_approved_and_then_counts(void **state)
{
    (void)state;
    const struct msg_review_put_rsp put =
        RF_PUT(&of, .product = P, .user = 7, .stars = 4, .title = "Good", .body = "Two\nlines");
    ASSERT_STATUS(STATUS_OK, put);
    assert_int_equal(put.version, 1);
    assert_int_equal(put.state, REVIEW_STATE_PENDING);
    assert_int_equal(put.rating_count, 0);
    assert_int_equal(RF_RATING(&of, .product_id = P).count, 0);
    const struct msg_review_moderate_rsp approved = rf_approve(&of, P, 7);
    ASSERT_STATUS(STATUS_OK, approved);
    assert_int_equal(approved.version, 2);
    assert_int_equal(approved.rating_sum, 4);
    assert_int_equal(approved.rating_count, 1);
    const struct msg_rating_get_rsp rating = RF_RATING(&of, .product_id = P);
    assert_int_equal(rating.sum, 4);
    assert_int_equal(rating.stars4, 1);
    const struct rf_review *got = rf_get(&of, P, 7);
    assert_string_equal(got->title, "Good");
    assert_string_equal(got->body, "Two\nlines");
    assert_int_equal(got->head.moderator, 9);
}

static void the_catalog_hears_of_the_rating_in_the_same_step(void **state)
{
    (void)state;
    const struct msg_product_card_req ask = {.product_id = P};
    struct msg_product_card_rsp card;
    RF_PUT(&of, .product = P, .user = 7, .stars = 4);
    RF_PUT(&of, .product = P, .user = 8, .stars = 1);
    rf_approve(&of, P, 7);
    rf_approve(&of, P, 8);
    const u16 status = town_ask(of.town, OPCODE_PRODUCT_CARD, 0, &ask, NULL, &card, NULL);
    if (status == STATUS_OK) {
        assert_int_equal(card.rating_sum, 5);
        assert_int_equal(card.rating_count, 2);
    }
    town_verify(of.town); /* product against reviews */
}

static void a_put_says_what_is_wrong(void **state)
{
    (void)state;
    char title[REVIEW_TITLE_BYTES_MAX + 1];
    memset(title, 'x', sizeof title - 1);
    title[sizeof title - 1] = 0;
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_PUT(&of, .product = P, .user = 7, .stars = 0));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_PUT(&of, .product = P, .user = 7, .stars = 6));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_PUT(&of, .product = P, .stars = 3));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_PUT(&of, .user = 7, .stars = 3));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT,
                  RF_PUT(&of, .product = P, .user = 7, .stars = 3, .title = "two\nlines"));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT,
                  RF_PUT(&of, .product = P, .user = 7, .stars = 3, .body = "\xff"));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT,
                  RF_PUT(&of, .product = P, .user = 7, .stars = 3, .media = "\x01"));
    ASSERT_STATUS(STATUS_NOT_FOUND, RF_PUT(&of, .product = 4711, .user = 7, .stars = 3));
    ASSERT_STATUS(STATUS_NOT_FOUND,
                  RF_PUT(&of, .product = P, .user = 7, .stars = 3, .if_version = 5));
    assert_int_equal(rf_state(&of, P, 7), REVIEW_STATE_NONE);
    ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 7, .stars = 3, .title = title,
                                    .if_version = RF_ABSENT));
    const struct msg_review_put_rsp conflict =
        RF_PUT(&of, .product = P, .user = 7, .stars = 4, .if_version = RF_ABSENT);
    ASSERT_STATUS(STATUS_VERSION_CONFLICT, conflict);
    assert_int_equal(conflict.version, 1);
    assert_int_equal(conflict.state, REVIEW_STATE_PENDING);
    ASSERT_STATUS(STATUS_VERSION_CONFLICT,
                  RF_PUT(&of, .product = P, .user = 7, .stars = 4, .if_version = 2));
    ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 7, .stars = 4, .if_version = 1));
}

static void a_record_of_another_shard_is_refused(void **state)
{
    (void)state;
    u32 other = 1;
    while (rf_home(&of, rf_product(other)) == rf_home(&of, P))
        other++;
    struct msg_review_get_rsp answer;
    /* Straight to a shard that has not got it. */
    struct shard *shard = of.town->shards[rf_home(&of, P)].shard;
    const struct frame_header header = {.opcode = OPCODE_REVIEW_GET, .record_count = 1};
    const struct msg_review_get_req get = {.product_id = rf_product(other), .user_id = 7};
    struct shard_reply reply;
    static u8 to[FRAME_BYTES_MAX];
    assert_int_equal(shard_read(shard, &header, (const u8 *)&get, sizeof get, of.town->now_ns,
                                false, to, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply),
                     SHARD_READ_DONE);
    memcpy(&answer, to, sizeof answer);
    ASSERT_STATUS(STATUS_WRONG_SHARD, answer);
}

static void a_repeated_put_is_answered_and_not_done_again(void **state)
{
    (void)state;
    const struct rf_put first = {
        .product = P, .user = 7, .stars = 3, .title = "a", .if_version = RF_ABSENT};
    const struct rf_put second = {
        .product = P, .user = 7, .stars = 4, .title = "a", .if_version = 1};
    ASSERT_STATUS(STATUS_OK, rf_put(&of, first));
    struct msg_review_put_rsp again = rf_put(&of, first);
    ASSERT_STATUS(STATUS_OK, again);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.version, 1);
    ASSERT_STATUS(STATUS_OK, rf_put(&of, second));
    rf_approve(&of, P, 7);
    again = rf_put(&of, second);
    ASSERT_STATUS(STATUS_OK, again);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.version, 3);
    assert_int_equal(again.state, REVIEW_STATE_APPROVED);
    ASSERT_STATUS(STATUS_VERSION_CONFLICT, rf_put(&of, first));
}

static void edits_are_kept_the_last_eight(void **state)
{
    (void)state;
    char titles[12][8];
    for (u32 i = 0; i < 12; i++) {
        (void)snprintf(titles[i], sizeof titles[i], "t%u", i);
        ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 7, .stars = (u16)(1 + i % 5),
                                        .title = titles[i]));
        tick();
    }
    const struct rf_review *got = rf_get(&of, P, 7);
    assert_string_equal(got->title, "t11");
    assert_int_equal(got->head.version, 12);
    assert_int_equal(got->edit_count, REVIEW_EDITS_MAX);
    for (u32 i = 0; i < REVIEW_EDITS_MAX; i++) {
        assert_string_equal(got->edit_titles[i], titles[10 - i]);
        assert_int_equal(got->edits[i].version, 11 - i);
        assert_int_equal(got->edits[i].stars, 1 + (10 - i) % 5);
    }
}

static void an_edit_of_an_approved_review_is_looked_at_again(void **state)
{
    (void)state;
    RF_PUT(&of, .product = P, .user = 7, .stars = 5);
    rf_approve(&of, P, 7);
    const struct msg_review_put_rsp put = RF_PUT(&of, .product = P, .user = 7, .stars = 1);
    assert_int_equal(put.state, REVIEW_STATE_PENDING);
    assert_int_equal(put.rating_count, 0);
    assert_int_equal(rf_get(&of, P, 7)->edits[0].state, REVIEW_STATE_APPROVED);
}

static void who_writes_too_much_has_to_wait(void **state)
{
    (void)state;
    for (u32 i = 0; i < 20; i++)
        ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 7, .stars = (u16)(1 + i % 2)));
    const struct msg_review_put_rsp refused = RF_PUT(&of, .product = P, .user = 7, .stars = 5);
    ASSERT_STATUS(STATUS_RATE_LIMITED, refused);
    assert_int_equal(refused.version, 20);
    ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 8, .stars = 5));
    town_wait(of.town, 23 * 3600 * NS_PER_S);
    ASSERT_STATUS(STATUS_RATE_LIMITED, RF_PUT(&of, .product = P, .user = 7, .stars = 5));
    /* Deleting does not help, nor does it forget. */
    ASSERT_STATUS(STATUS_OK, RF_DELETE(&of, .product_id = P, .user_id = 7));
    ASSERT_STATUS(STATUS_RATE_LIMITED, RF_PUT(&of, .product = P, .user = 7, .stars = 5));
    town_wait(of.town, 2 * 3600 * NS_PER_S);
    ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = 7, .stars = 5));
}

/* ---- the policy ---- */

static void without_moderation_what_was_refused_is_still_looked_at(void **state)
{
    (void)state;
    rf_policy(&of, 0, 0, 0);
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 5).state, REVIEW_STATE_APPROVED);
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 4).state, REVIEW_STATE_APPROVED);
    RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = REVIEW_STATE_REJECTED);
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 5).state, REVIEW_STATE_PENDING);
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 4).state, REVIEW_STATE_PENDING);
    ASSERT_STATUS(STATUS_OK, RF_DELETE(&of, .product_id = P, .user_id = 7));
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 5).state, REVIEW_STATE_PENDING);
    rf_approve(&of, P, 7);
    ASSERT_STATUS(STATUS_OK, RF_DELETE(&of, .product_id = P, .user_id = 7));
    assert_int_equal(RF_PUT(&of, .product = P, .user = 7, .stars = 5).state, REVIEW_STATE_APPROVED);
}

static void where_a_purchase_is_needed_only_buyers_write(void **state)
{
    (void)state;
    rf_policy(&of, 0, 0, 1);
    ASSERT_STATUS(STATUS_NOT_PURCHASED, RF_PUT(&of, .product = P, .user = OF_USER, .stars = 5));
    const struct id128 order = of_buy_and_pay(&of, (struct of_want){.lines = 1, .units = {1}});
    ASSERT_STATUS(STATUS_NOT_PURCHASED, RF_PUT(&of, .product = P, .user = OF_USER, .stars = 5));
    of_send_all(&of, order, 1);
    const struct msg_review_put_rsp put = RF_PUT(&of, .product = P, .user = OF_USER, .stars = 5);
    ASSERT_STATUS(STATUS_OK, put);
    assert_int_equal(put.is_verified, 1);
    ASSERT_STATUS(STATUS_NOT_PURCHASED,
                  RF_PUT(&of, .product = rf_product(1), .user = OF_USER, .stars = 5));
}

/* ---- moderate, reply, delete ---- */

static void moderation_says_what_is_wrong(void **state)
{
    (void)state;
    ASSERT_STATUS(STATUS_NOT_FOUND, rf_approve(&of, P, 7));
    RF_PUT(&of, .product = P, .user = 7, .stars = 5);
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 0));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 5));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, RF_MODERATE(&of, .product_id = P, .state = 2));
    ASSERT_STATUS(STATUS_VERSION_CONFLICT,
                  RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 2, .if_version = 9));
    ASSERT_STATUS(STATUS_INVALID_STATE,
                  RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 1, .actor = 3));
    ASSERT_STATUS(STATUS_OK, RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 3, .actor = 3,
                                         .reason = 8, .if_version = 1));
    const struct msg_review_moderate_rsp again = RF_MODERATE(
        &of, .product_id = P, .user_id = 7, .state = 3, .actor = 3, .reason = 8, .if_version = 1);
    ASSERT_STATUS(STATUS_OK, again);
    assert_int_equal(again.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(again.version, 2);
    ASSERT_STATUS(STATUS_INVALID_STATE,
                  RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 3, .actor = 4));
    ASSERT_STATUS(STATUS_INVALID_STATE,
                  RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = REVIEW_STATE_FLAGGED));
    ASSERT_STATUS(STATUS_OK, rf_approve(&of, P, 7));
    ASSERT_STATUS(STATUS_OK, RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 4));
    assert_int_equal(RF_RATING(&of, .product_id = P).count, 0);
}

static void the_merchant_replies_and_takes_it_back(void **state)
{
    (void)state;
    ASSERT_STATUS(STATUS_NOT_FOUND, rf_reply(&of, P, 7, 2, "sorry"));
    RF_PUT(&of, .product = P, .user = 7, .stars = 2);
    tick();
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, rf_reply(&of, P, 7, 2, "\x07"));
    ASSERT_STATUS(STATUS_OK, rf_reply(&of, P, 7, 2, "sorry"));
    const struct rf_review *got = rf_get(&of, P, 7);
    assert_string_equal(got->reply, "sorry");
    assert_int_equal(got->head.replied_by, 2);
    assert_int_equal(got->head.replied_at_ns, of.town->now_ns);
    assert_int_equal(got->head.version, 2);
    assert_int_equal(rf_reply(&of, P, 7, 2, "sorry").head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(rf_reply(&of, P, 7, 3, "sorry").version, 3);
    assert_int_equal(rf_reply(&of, P, 7, 3, "").version, 4);
    assert_int_equal(rf_reply(&of, P, 7, 3, "").head.flags, RECORD_FLAG_REPLAYED);
    got = rf_get(&of, P, 7);
    assert_string_equal(got->reply, "");
    assert_int_equal(got->head.replied_by, 0);
    assert_int_equal(got->head.replied_at_ns, 0);
}

static void what_is_deleted_keeps_its_version_and_votes(void **state)
{
    (void)state;
    ASSERT_STATUS(STATUS_NOT_FOUND, RF_DELETE(&of, .product_id = P, .user_id = 7));
    RF_PUT(&of, .product = P, .user = 7, .stars = 2, .title = "once");
    RF_PUT(&of, .product = P, .user = 7, .stars = 3, .title = "twice");
    rf_approve(&of, P, 7);
    RF_VOTE(&of, .product_id = P, .user_id = 7, .voter_id = 8, .vote = 2);
    ASSERT_STATUS(STATUS_VERSION_CONFLICT,
                  RF_DELETE(&of, .product_id = P, .user_id = 7, .if_version = 1));
    const struct msg_review_delete_rsp gone =
        RF_DELETE(&of, .product_id = P, .user_id = 7, .if_version = 3);
    ASSERT_STATUS(STATUS_OK, gone);
    assert_int_equal(gone.version, 4);
    assert_int_equal(gone.state, REVIEW_STATE_NONE);
    assert_int_equal(gone.rating_count, 0);
    assert_int_equal(rf_get(&of, P, 7)->head.head.status, STATUS_NOT_FOUND);
    ASSERT_STATUS(STATUS_NOT_FOUND, RF_DELETE(&of, .product_id = P, .user_id = 7));
    ASSERT_STATUS(STATUS_NOT_FOUND,
                  RF_VOTE(&of, .product_id = P, .user_id = 7, .voter_id = 8, .vote = 0));
    ASSERT_STATUS(STATUS_NOT_FOUND, rf_approve(&of, P, 7));
    ASSERT_STATUS(STATUS_NOT_FOUND, rf_reply(&of, P, 7, 1, "x"));
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 9, .states = 30)->total, 0);
    const struct msg_review_put_rsp again =
        RF_PUT(&of, .product = P, .user = 7, .stars = 4, .if_version = RF_ABSENT);
    ASSERT_STATUS(STATUS_OK, again);
    assert_int_equal(again.version, 5);
    const struct rf_review *got = rf_get(&of, P, 7);
    assert_int_equal(got->edit_count, 0);
    assert_int_equal(got->head.unhelpful, 1);
}

/* ---- votes ---- */

static void a_voter_votes_once_and_may_change_it(void **state)
{
    (void)state;
#define VOTE(voter, what) \
    RF_VOTE(&of, .product_id = P, .user_id = 7, .voter_id = (voter), .vote = (what))
    ASSERT_STATUS(STATUS_NOT_FOUND, VOTE(8, 1));
    RF_PUT(&of, .product = P, .user = 7, .stars = 5);
    ASSERT_STATUS(STATUS_INVALID_STATE, VOTE(8, 1));
    rf_approve(&of, P, 7);
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, VOTE(8, 3));
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, VOTE(0, 1));
    ASSERT_STATUS(STATUS_SELF_VOTE, VOTE(7, 1));
    ASSERT_STATUS(STATUS_SELF_VOTE, VOTE(7, 0));
    assert_int_equal(VOTE(8, 1).helpful, 1);
    assert_int_equal(VOTE(8, 1).head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(VOTE(9, 1).helpful, 2);
    struct msg_review_vote_rsp vote = VOTE(8, 2);
    assert_int_equal(vote.helpful, 1);
    assert_int_equal(vote.unhelpful, 1);
    vote = VOTE(8, 0);
    assert_int_equal(vote.helpful, 1);
    assert_int_equal(vote.unhelpful, 0);
    assert_int_equal(VOTE(8, 0).head.flags, RECORD_FLAG_REPLAYED);
    RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = REVIEW_STATE_FLAGGED);
    ASSERT_STATUS(STATUS_INVALID_STATE, VOTE(8, 1));
    vote = VOTE(9, 0); /* back at any time */
    ASSERT_STATUS(STATUS_OK, vote);
    assert_int_equal(vote.helpful, 0);
#undef VOTE
}

/* ---- erase ---- */

static void a_user_of_many_votes_is_erased_in_parts(void **state)
{
    (void)state;
    const u16 home = rf_home(&of, P);
    RF_PUT(&of, .product = P, .user = 7, .stars = 5, .title = "mine");
    RF_PUT(&of, .product = P, .user = 8, .stars = 1);
    rf_approve(&of, P, 7);
    rf_approve(&of, P, 8);
    for (u64 voter = 1000; voter < 1600; voter++)
        ASSERT_STATUS(STATUS_OK, RF_VOTE(&of, .product_id = P, .user_id = 7, .voter_id = voter,
                                         .vote = (u16)(1 + voter % 2)));
    RF_VOTE(&of, .product_id = P, .user_id = 8, .voter_id = 7, .vote = 1);
    ASSERT_STATUS(STATUS_BAD_ARGUMENT, rf_erase(&of, home, 0));
    assert_int_equal(rf_erase(&of, home, 4711).left, 0);
    struct msg_review_erase_rsp erased = rf_erase(&of, home, 7);
    ASSERT_STATUS(STATUS_OK, erased);
    assert_int_equal(erased.reviews, 1);
    assert_int_equal(erased.votes, 255);
    assert_int_equal(erased.left, 1 + 345 + 1);
    assert_int_equal(rf_get(&of, P, 7)->head.head.status, STATUS_NOT_FOUND);
    assert_int_equal(RF_RATING(&of, .product_id = P).sum, 1);
    town_verify(of.town);
    town_thaw(of.town, home); /* and goes on alike */
    u32 votes = erased.votes, calls = 1;
    for (; erased.left != 0; calls++) {
        erased = rf_erase(&of, home, 7);
        assert_int_equal(erased.reviews, 0);
        votes += erased.votes;
        town_restart(of.town, home); /* whose log was never dumped: the digests must agree */
    }
    assert_int_equal(votes, 601);
    assert_int_equal(calls, 3);
    assert_int_equal(rf_get(&of, P, 8)->head.helpful, 0);
    const struct msg_review_put_rsp again = RF_PUT(&of, .product = P, .user = 7, .stars = 3);
    assert_int_equal(again.version, 1);
}

static void who_has_only_voted_is_erased_in_parts_too(void **state)
{
    (void)state;
    const u16 home = rf_home(&of, P);
    for (u64 user = 1000; user < 1300; user++) {
        RF_PUT(&of, .product = P, .user = user, .stars = 5);
        rf_approve(&of, P, user);
        RF_VOTE(&of, .product_id = P, .user_id = user, .voter_id = 7, .vote = 2);
    }
    struct msg_review_erase_rsp erased = rf_erase(&of, home, 7);
    assert_int_equal(erased.votes, 256);
    assert_int_equal(erased.left, 44);
    town_thaw(of.town, home);
    town_restart(of.town, home);
    assert_int_equal(rf_get(&of, P, 1255)->head.unhelpful, 0); /* by product, then author */
    assert_int_equal(rf_get(&of, P, 1256)->head.unhelpful, 1);
    erased = rf_erase(&of, home, 7);
    assert_int_equal(erased.votes, 44);
    assert_int_equal(erased.left, 0);
}

/* ---- lists ---- */

static void a_list_says_what_is_wrong_with_it(void **state)
{
    (void)state;
    assert_int_equal(RF_LIST(&of, .product_id = 4711, .limit = 5)->status, STATUS_NOT_FOUND);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5)->status, STATUS_OK);
    const u16 wrong = STATUS_BAD_ARGUMENT;
    assert_int_equal(RF_LIST(&of, .product_id = P)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 51)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .sort = 4)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .stars = 32)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .states = 1)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .states = 32)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .is_verified = 2)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .after_ns = 1)->status, wrong);
    assert_int_equal(
        RF_LIST(&of, .product_id = P, .limit = 5, .after_user = 1, .after_key = 1)->status, wrong);
    assert_int_equal(RF_LIST(&of, .product_id = P, .limit = 5, .after_user = 1, .sort = 2)->status,
                     wrong);
    assert_int_equal(
        RF_LIST(&of, .product_id = P, .limit = 5, .after_user = 1, .after_key = 6, .sort = 3)
            ->status,
        wrong);
    assert_int_equal(rf_queue(&of, 0, (struct msg_review_queue_req){.limit = 5})->status, wrong);
    assert_int_equal(
        rf_queue(&of, 0, (struct msg_review_queue_req){.limit = 5, .state = 2})->status, wrong);
    assert_int_equal(rf_queue(&of, 0, (struct msg_review_queue_req){.state = 1})->status, wrong);
    assert_int_equal(RF_RATING(&of, .product_id = 4711).head.status, STATUS_NOT_FOUND);
    assert_int_equal(rf_get(&of, P, 0)->head.head.status, wrong);
}

static void a_page_of_long_texts_ends_early_and_the_next_goes_on(void **state)
{
    (void)state;
    static char body[REVIEW_BODY_BYTES_MAX + 1];
    memset(body, 'b', sizeof body - 1);
    for (u64 user = 100; user < 150; user++) {
        ASSERT_STATUS(STATUS_OK, RF_PUT(&of, .product = P, .user = user, .stars = 3, .body = body));
        ASSERT_STATUS(STATUS_OK, rf_reply(&of, P, user, 1, body));
    }
    struct msg_review_list_req ask = {.product_id = P, .limit = 50, .states = 2};
    u32 pages = 0, rows = 0;
    u64 last = 99;
    do {
        const struct rf_page *page = rf_list(&of, ask);
        assert_true(page->count != 0);
        for (u32 i = 0; i < page->count; i++) {
            assert_int_equal(page->rows[i].row.user_id, last + 1);
            last = page->rows[i].row.user_id;
        }
        rows += page->count;
        pages++;
        ask.after_key = page->next_key;
        ask.after_ns = page->next_ns;
        ask.after_user = page->next_user;
    } while (ask.after_user != 0);
    assert_int_equal(rows, 50);
    assert_int_equal(pages, 4); /* 15 to a page of 256 KiB */
}

static void a_deleted_product_keeps_its_reviews_but_gets_no_more(void **state)
{
    (void)state;
    RF_PUT(&of, .product = P, .user = 7, .stars = 3);
    rf_approve(&of, P, 7);
    const struct msg_product_delete_req gone = {.product_id = P};
    assert_int_equal(town_ask(of.town, OPCODE_PRODUCT_DELETE, 0, &gone, NULL, NULL, NULL),
                     STATUS_OK);
    ASSERT_STATUS(STATUS_NOT_FOUND, RF_PUT(&of, .product = P, .user = 8, .stars = 3));
    assert_int_equal(rf_state(&of, P, 7), REVIEW_STATE_APPROVED);
    assert_int_equal(RF_RATING(&of, .product_id = P).count, 1);
    ASSERT_STATUS(STATUS_OK, RF_MODERATE(&of, .product_id = P, .user_id = 7, .state = 3));
    rf_product_put(&of, 0);
    ASSERT_STATUS(STATUS_OK, rf_approve(&of, P, 7));
    assert_int_equal(RF_RATING(&of, .product_id = P).count, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_review_waits_until_it_is_approved_and_then_counts),
        CASE(the_catalog_hears_of_the_rating_in_the_same_step),
        CASE(a_put_says_what_is_wrong),
        CASE(a_record_of_another_shard_is_refused),
        CASE(a_repeated_put_is_answered_and_not_done_again),
        CASE(edits_are_kept_the_last_eight),
        CASE(an_edit_of_an_approved_review_is_looked_at_again),
        CASE(who_writes_too_much_has_to_wait),
        CASE(without_moderation_what_was_refused_is_still_looked_at),
        CASE(where_a_purchase_is_needed_only_buyers_write),
        CASE(moderation_says_what_is_wrong),
        CASE(the_merchant_replies_and_takes_it_back),
        CASE(what_is_deleted_keeps_its_version_and_votes),
        CASE(a_voter_votes_once_and_may_change_it),
        CASE(a_user_of_many_votes_is_erased_in_parts),
        CASE(who_has_only_voted_is_erased_in_parts_too),
        CASE(a_list_says_what_is_wrong_with_it),
        CASE(a_page_of_long_texts_ends_early_and_the_next_goes_on),
        CASE(a_deleted_product_keeps_its_reviews_but_gets_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
