/* Reviews against a second, plain room of arrays: random puts, decisions, votes, replies, deletes,
 * erasures, orders and returns, guests who become users, over shards that restart and thaw; and every
 * page of every list, also while things change between two pages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/review_fixture.h"

#define PRODUCTS 3u
#define USERS    14u
#define TEXTS    4u
#define ORDERS   40u
#define WRITES   4096u

static const char *const texts[TEXTS] = {"fine", "not at all what it says", "", "ok"};

struct plain_edit {
    u64 version, changed_ns;
    u16 stars, state;
    u32 text;
};

struct plain {
    u16 state; /* 0 = there is none */
    bool was_there, is_suspect;
    u64 version, created_ns, changed_ns;
    u16 stars;
    u32 text;
    u64 text_version, text_ns;
    u64 moderator, replied_by;
    u32 reason, reply;
    u32 edit_count;
    struct plain_edit edits[64]; /* the last first */
    u16 votes[USERS];            /* 0, 1 helpful, 2 not */
};

struct plain_order {
    struct id128 id;
    u64 user; /* a user's number; guests begin at USERS / 2 */
    u32 owner;
    u32 product;
    i64 units, back;
    u32 returns;
};

struct model {
    struct of of;
    struct plain reviews[PRODUCTS][USERS];
    i64 units[PRODUCTS][USERS];
    u64 writes[USERS][WRITES]; /* times, per user and, by the upper bits, shard */
    u32 write_count[USERS];
    struct plain_order orders[ORDERS];
    u32 order_count;
    bool is_moderated, needs_purchase;
    u32 per_day;
    u64 checked_pages, refused[256];
};

static u32 below(struct model *m, u32 limit)
{
    return (u32)town_below(m->of.town, limit);
}

/* Half of them are guests. */
static u64 user_id(u32 user)
{
    return user < USERS / 2 ? 500 + 7 * (u64)user : (user - USERS / 2 + 1) | ID_GUEST_BIT;
}

static u32 helpful_of(const struct plain *review, u16 vote)
{
    u32 sum = 0;
    for (u32 v = 0; v < USERS; v++)
        sum += review->votes[v] == vote ? 1 : 0;
    return sum;
}

/* ---- the operations, plainly ---- */

static u32 written(const struct model *m, u32 user, u16 shard)
{
    const u64 hour = m->of.town->now_ns / (3600 * NS_PER_S);
    u32 sum = 0;
    for (u32 i = 0; i < m->write_count[user]; i++) {
        const u64 then = m->writes[user][i] >> 4;
        if ((m->writes[user][i] & 15) == shard && then + 24 >= hour)
            sum++;
    }
    return sum;
}

static bool repeats(const struct plain *r, u64 if_version, u16 stars, u32 text)
{
    if (r->stars != stars || r->text != text)
        return false;
    if (if_version == RF_ABSENT)
        return r->edit_count == 0;
    return if_version == 0 || if_version == r->version || if_version + 1 == r->text_version;
}

static u16 plain_put(struct model *m, u32 p, u32 u, u64 if_version, u16 stars, u32 text)
{
    struct plain *r = &m->reviews[p][u];
    const u16 shard = rf_home(&m->of, rf_product(p));
    if (r->state == 0) {
        if (if_version != 0 && if_version != RF_ABSENT)
            return STATUS_NOT_FOUND;
    } else {
        if (repeats(r, if_version, stars, text))
            return STATUS_OK;
        if (if_version != 0 && if_version != r->version)
            return STATUS_VERSION_CONFLICT;
    }
    if (m->needs_purchase && m->units[p][u] <= 0)
        return STATUS_NOT_PURCHASED;
    if (m->per_day != 0 && written(m, u, shard) >= m->per_day)
        return STATUS_RATE_LIMITED;
    m->writes[u][m->write_count[u]++ % WRITES] =
        m->of.town->now_ns / (3600 * NS_PER_S) << 4 | shard;
    assert_true(m->write_count[u] < WRITES);
    if (r->state != 0) {
        const u32 keep = MIN(r->edit_count, 63u);
        memmove(r->edits + 1, r->edits, keep * sizeof r->edits[0]);
        r->edits[0] = (struct plain_edit){r->text_version, r->text_ns, r->stars, r->state, r->text};
        r->edit_count = MIN(r->edit_count + 1, REVIEW_EDITS_MAX);
    } else {
        r->created_ns = m->of.town->now_ns;
        r->edit_count = 0;
    }
    if (m->is_moderated)
        r->state = REVIEW_STATE_PENDING;
    else if (r->state == 0)
        r->state = r->is_suspect ? REVIEW_STATE_PENDING : REVIEW_STATE_APPROVED;
    else if (r->state == REVIEW_STATE_REJECTED)
        r->state = REVIEW_STATE_PENDING;
    r->was_there = true;
    r->is_suspect = false;
    r->stars = stars;
    r->text = text;
    r->version++;
    r->changed_ns = r->text_ns = m->of.town->now_ns;
    r->text_version = r->version;
    return STATUS_OK;
}

static void plain_gone(struct model *m, struct plain *r)
{
    struct plain old = *r;
    *r = (struct plain){.was_there = true,
                        .is_suspect = old.state != REVIEW_STATE_APPROVED,
                        .version = old.version + 1,
                        .changed_ns = m->of.town->now_ns};
    memcpy(r->votes, old.votes, sizeof r->votes);
}

static void note(struct model *m, u16 wanted, u16 got, const char *what)
{
    if (wanted != got)
        print_error("%s: wanted %u, got %u\n", what, wanted, got);
    assert_int_equal(wanted, got);
    m->refused[got]++;
}

static u64 some_version(struct model *m, const struct plain *r)
{
    switch (below(m, 6)) {
    case 0: return RF_ABSENT;
    case 1: return r->version;
    case 2: return r->version + 1;
    case 3: return r->version != 0 ? r->version - 1 : 0;
    default: return 0;
    }
}

static void do_put(struct model *m)
{
    const u32 p = below(m, PRODUCTS), u = below(m, USERS), text = below(m, TEXTS);
    const u16 stars = (u16)(1 + below(m, 5));
    const u64 if_version = some_version(m, &m->reviews[p][u]);
    const u16 wanted = plain_put(m, p, u, if_version, stars, text);
    const struct msg_review_put_rsp got =
        RF_PUT(&m->of, .product = rf_product(p), .user = user_id(u), .if_version = if_version,
               .stars = stars, .title = texts[text], .body = texts[text]);
    note(m, wanted, got.head.status, "put");
    assert_int_equal(got.version, m->reviews[p][u].version);
    assert_int_equal(got.state, m->reviews[p][u].state);
}

static void do_moderate(struct model *m)
{
    const u32 p = below(m, PRODUCTS), u = below(m, USERS);
    struct plain *r = &m->reviews[p][u];
    const u16 state = (u16)(1 + below(m, 4));
    const u64 actor = 1 + below(m, 2), version = below(m, 4) == 0 ? r->version : 0;
    const u32 reason = below(m, 2);
    u16 wanted = STATUS_OK;
    if (r->state == 0)
        wanted = STATUS_NOT_FOUND;
    else if (r->state == state && r->moderator == actor && r->reason == reason)
        wanted = STATUS_OK;
    else if (r->state == state ||
             (r->state == REVIEW_STATE_REJECTED && state == REVIEW_STATE_FLAGGED))
        wanted = STATUS_INVALID_STATE;
    else {
        r->state = state;
        r->moderator = actor;
        r->reason = reason;
        r->version++;
        r->changed_ns = m->of.town->now_ns;
    }
    const struct msg_review_moderate_rsp got =
        RF_MODERATE(&m->of, .product_id = rf_product(p), .user_id = user_id(u),
                    .if_version = r->state == 0 ? 0 : version, .actor = actor, .reason = reason,
                    .state = state);
    note(m, wanted, got.head.status, "moderate");
    assert_int_equal(got.version, r->version);
}

static void do_vote(struct model *m)
{
    const u32 p = below(m, PRODUCTS), u = below(m, USERS), v = below(m, USERS);
    struct plain *r = &m->reviews[p][u];
    const u16 vote = (u16)below(m, 3);
    u16 wanted = STATUS_OK;
    if (r->state == 0)
        wanted = STATUS_NOT_FOUND;
    else if (u == v)
        wanted = STATUS_SELF_VOTE;
    else if (vote != 0 && r->state != REVIEW_STATE_APPROVED)
        wanted = STATUS_INVALID_STATE;
    else
        r->votes[v] = vote;
    const struct msg_review_vote_rsp got =
        RF_VOTE(&m->of, .product_id = rf_product(p), .user_id = user_id(u), .voter_id = user_id(v),
                .vote = vote);
    note(m, wanted, got.head.status, "vote");
    if (wanted == STATUS_OK) {
        assert_int_equal(got.helpful, helpful_of(r, 1));
        assert_int_equal(got.unhelpful, helpful_of(r, 2));
    }
}

static void do_reply(struct model *m)
{
    const u32 p = below(m, PRODUCTS), u = below(m, USERS), text = below(m, TEXTS);
    struct plain *r = &m->reviews[p][u];
    const u64 actor = 1 + below(m, 2);
    const bool is_empty = texts[text][0] == 0;
    u16 wanted = r->state != 0 ? STATUS_OK : STATUS_NOT_FOUND;
    const bool had = r->replied_by != 0;
    const bool same = is_empty ? !had : had && r->replied_by == actor && r->reply == text;
    if (wanted == STATUS_OK && !same) {
        r->reply = is_empty ? 0 : text;
        r->replied_by = is_empty ? 0 : actor;
        r->version++;
        r->changed_ns = m->of.town->now_ns;
    }
    const struct msg_review_reply_rsp got =
        rf_reply(&m->of, rf_product(p), user_id(u), actor, texts[text]);
    note(m, wanted, got.head.status, "reply");
    assert_int_equal(got.version, r->version);
}

static void do_delete(struct model *m)
{
    const u32 p = below(m, PRODUCTS), u = below(m, USERS);
    struct plain *r = &m->reviews[p][u];
    const u64 if_version = some_version(m, r);
    u16 wanted = STATUS_OK;
    if (r->state == 0)
        wanted = STATUS_NOT_FOUND;
    else if (if_version != 0 && if_version != r->version)
        wanted = STATUS_VERSION_CONFLICT;
    else
        plain_gone(m, r);
    const struct msg_review_delete_rsp got = RF_DELETE(
        &m->of, .product_id = rf_product(p), .user_id = user_id(u), .if_version = if_version);
    note(m, wanted, got.head.status, "delete");
    assert_int_equal(got.version, r->version);
}

static void do_erase(struct model *m)
{
    const u32 u = below(m, USERS);
    u32 reviews = 0, votes = 0, wanted_reviews = 0, wanted_votes = 0;
    for (u16 shard = 0; shard < m->of.town->options.shard_count; shard++) {
        struct msg_review_erase_rsp got;
        do {
            got = rf_erase(&m->of, shard, user_id(u));
            assert_int_equal(got.head.status, STATUS_OK);
            reviews += got.reviews;
            votes += got.votes;
        } while (got.left != 0);
    }
    for (u32 p = 0; p < PRODUCTS; p++) {
        wanted_reviews += m->reviews[p][u].state != 0 ? 1 : 0;
        wanted_votes += helpful_of(&m->reviews[p][u], 1) + helpful_of(&m->reviews[p][u], 2);
        memset(&m->reviews[p][u], 0, sizeof m->reviews[p][u]);
        for (u32 author = 0; author < USERS; author++) {
            wanted_votes += m->reviews[p][author].votes[u] != 0 ? 1 : 0;
            m->reviews[p][author].votes[u] = 0;
        }
    }
    m->write_count[u] = 0;
    assert_int_equal(reviews, wanted_reviews);
    assert_int_equal(votes, wanted_votes);
    m->write_count[u] = 0;
}

/* What a user writes is counted on a shard as long as the shard knows the user by a review or vote. */
static void forget_unknown(struct model *m)
{
    for (u32 u = 0; u < USERS; u++)
        for (u16 shard = 0; shard < m->of.town->options.shard_count; shard++) {
            bool is_known = false;
            for (u32 p = 0; p < PRODUCTS; p++) {
                if (rf_home(&m->of, rf_product(p)) != shard)
                    continue;
                is_known |= m->reviews[p][u].was_there;
                for (u32 a = 0; a < USERS; a++)
                    is_known |= m->reviews[p][a].votes[u] != 0;
            }
            for (u32 i = 0; !is_known && i < m->write_count[u]; i++)
                if ((m->writes[u][i] & 15) == shard)
                    m->writes[u][i] = 0;
        }
}

static void do_order(struct model *m)
{
    if (m->order_count == ORDERS)
        return;
    struct plain_order *order = &m->orders[m->order_count++];
    const u32 u = below(m, USERS), p = below(m, PRODUCTS);
    *order = (struct plain_order){.owner = u, .product = p, .units = 1 + below(m, 3)};
    order->id = of_buy_and_pay(&m->of, (struct of_want){.lines = 1,
                                                        .units = {order->units},
                                                        .skus = {p},
                                                        .has_skus = true,
                                                        .user = user_id(u)});
    of_send_all(&m->of, order->id, 1);
    m->units[p][u] += order->units;
}

static void do_return(struct model *m)
{
    if (m->order_count == 0)
        return;
    struct plain_order *order = &m->orders[below(m, m->order_count)];
    if (order->back == order->units || order->returns == 8)
        return;
    const i64 units = 1 + (i64)below(m, (u32)(order->units - order->back));
    const i64 damaged = below(m, 2);
    const u32 number = ++order->returns;
    if (of_return(&m->of, order->id, number, OF_UNITS({0, units})).head.status != STATUS_OK)
        return; /* too late */
    assert_int_equal(of_decide(&m->of, order->id, number, 1).head.status, STATUS_OK);
    assert_int_equal(
        of_receive(&m->of, order->id, number, OF_UNITS({0, units, damaged})).head.status,
        STATUS_OK);
    of_pay(&m->of);
    order->back += units;
    m->units[order->product][order->owner] -= units;
}

static void do_attach(struct model *m)
{
    if (m->order_count == 0)
        return;
    struct plain_order *order = &m->orders[below(m, m->order_count)];
    const u32 to = below(m, USERS / 2);
    const struct msg_order_attach_req ask = {.order = order->id, .user_id = user_id(to)};
    const u16 status = town_ask(m->of.town, OPCODE_ORDER_ATTACH, 0, &ask, NULL, NULL, NULL);
    if (order->owner < USERS / 2) {
        assert_true(status != STATUS_OK || order->owner == to);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    town_carry_all(m->of.town);
    m->units[order->product][order->owner] -= order->units - order->back;
    order->owner = to;
    m->units[order->product][to] += order->units - order->back;
}

static void do_policy(struct model *m)
{
    const u32 per_day = below(m, 3) == 0 ? 0 : 2 + below(m, 12);
    const u16 is_moderated = (u16)below(m, 2), needs_purchase = below(m, 4) == 0 ? 1 : 0;
    rf_policy(&m->of, per_day, is_moderated, needs_purchase);
    m->per_day = per_day;
    m->is_moderated = is_moderated != 0;
    m->needs_purchase = needs_purchase != 0;
}

/* ---- what is told ---- */

static void check_review(struct model *m, u32 p, u32 u)
{
    const struct plain *r = &m->reviews[p][u];
    const struct rf_review *got = rf_get(&m->of, rf_product(p), user_id(u));
    if (r->state == 0) {
        assert_int_equal(got->head.head.status, STATUS_NOT_FOUND);
        return;
    }
    assert_int_equal(got->head.head.status, STATUS_OK);
    assert_int_equal(got->head.version, r->version);
    assert_int_equal(got->head.created_at_ns, r->created_ns);
    assert_int_equal(got->head.changed_at_ns, r->changed_ns);
    assert_int_equal(got->head.moderator, r->moderator);
    assert_int_equal(got->head.reason, r->reason);
    assert_int_equal(got->head.replied_by, r->replied_by);
    assert_int_equal(got->head.helpful, helpful_of(r, 1));
    assert_int_equal(got->head.unhelpful, helpful_of(r, 2));
    assert_int_equal(got->head.stars, r->stars);
    assert_int_equal(got->head.state, r->state);
    assert_int_equal(got->head.is_verified, m->units[p][u] > 0 ? 1 : 0);
    assert_string_equal(got->title, texts[r->text]);
    assert_string_equal(got->body, texts[r->text]);
    assert_string_equal(got->reply, r->replied_by != 0 ? texts[r->reply] : "");
    assert_int_equal(got->edit_count, r->edit_count);
    for (u32 i = 0; i < r->edit_count; i++) {
        assert_int_equal(got->edits[i].version, r->edits[i].version);
        assert_int_equal(got->edits[i].changed_at_ns, r->edits[i].changed_ns);
        assert_int_equal(got->edits[i].stars, r->edits[i].stars);
        assert_int_equal(got->edits[i].state, r->edits[i].state);
        assert_string_equal(got->edit_titles[i], texts[r->edits[i].text]);
    }
}

static void check_rating(struct model *m, u32 p)
{
    u32 stars[5] = {0}, count = 0;
    u64 sum = 0;
    for (u32 u = 0; u < USERS; u++) {
        const struct plain *r = &m->reviews[p][u];
        if (r->state != REVIEW_STATE_APPROVED)
            continue;
        stars[r->stars - 1]++;
        count++;
        sum += r->stars;
    }
    const struct msg_rating_get_rsp got = RF_RATING(&m->of, .product_id = rf_product(p));
    assert_int_equal(got.head.status, STATUS_OK);
    assert_int_equal(got.sum, sum);
    assert_int_equal(got.count, count);
    assert_int_equal(got.stars1, stars[0]);
    assert_int_equal(got.stars2, stars[1]);
    assert_int_equal(got.stars3, stars[2]);
    assert_int_equal(got.stars4, stars[3]);
    assert_int_equal(got.stars5, stars[4]);
}

/* The key of a review in a list, larger comes first. */
struct rank {
    i64 key;
    u64 created_ns;
    u64 user;
    u64 version;
};

static struct rank rank_of(const struct plain *r, u32 u, u16 sort)
{
    const i64 keys[4] = {0, (i64)helpful_of(r, 1) - (i64)helpful_of(r, 2), r->stars, -r->stars};
    return (struct rank){keys[sort], r->created_ns, user_id(u), r->version};
}

static bool is_before(struct rank a, struct rank b)
{
    if (a.key != b.key)
        return a.key > b.key;
    if (a.created_ns != b.created_ns)
        return a.created_ns > b.created_ns;
    return a.user < b.user;
}

static bool is_same(struct rank a, struct rank b)
{
    return a.key == b.key && a.created_ns == b.created_ns && a.user == b.user;
}

static bool matches(const struct model *m, u32 p, u32 u, const struct msg_review_list_req *ask)
{
    const struct plain *r = &m->reviews[p][u];
    const u32 states = ask->states != 0 ? ask->states : 1u << REVIEW_STATE_APPROVED;
    return r->state != 0 && (states >> r->state & 1) != 0 &&
           (ask->stars == 0 || (ask->stars >> (r->stars - 1) & 1) != 0) &&
           (ask->is_verified == 0 || m->units[p][u] > 0);
}

static u32 plain_list(const struct model *m, u32 p, const struct msg_review_list_req *ask,
                      struct rank *to)
{
    u32 count = 0;
    for (u32 u = 0; u < USERS; u++) {
        if (!matches(m, p, u, ask))
            continue;
        const struct rank rank = rank_of(&m->reviews[p][u], u, ask->sort);
        u32 at = count++;
        for (; at != 0 && is_before(rank, to[at - 1]); at--)
            to[at] = to[at - 1];
        to[at] = rank;
    }
    return count;
}

static void something(struct model *m);

/* Walks a list page by page. With `changes`, things happen between two pages: then what stands in the
 * list before and after under one key comes exactly once, and keys only go down. */
static void walk(struct model *m, bool changes)
{
    const u32 p = below(m, PRODUCTS);
    struct msg_review_list_req ask = {.product_id = rf_product(p),
                                      .limit = 1 + below(m, 5),
                                      .sort = (u16)below(m, 4),
                                      .stars = (u16)(below(m, 2) == 0 ? 0 : below(m, 32)),
                                      .is_verified = below(m, 4) == 0 ? 1 : 0,
                                      .states = (u16)(below(m, 2) == 0 ? 0 : 2 * below(m, 16))};
    const u16 sort = ask.sort;
    struct rank before[USERS], after[USERS], seen[4 * USERS];
    struct {
        struct rank key;
        bool is_stable;
    } stable[USERS];
    const u32 before_count = plain_list(m, p, &ask, before);
    u32 seen_count = 0;
    for (u32 i = 0; i < before_count; i++) {
        stable[i].key = before[i];
        stable[i].is_stable = true;
    }
    do {
        const struct rf_page *page = rf_list(&m->of, ask);
        assert_int_equal(page->status, STATUS_OK);
        assert_true(page->count <= ask.limit);
        const u32 now_count = plain_list(m, p, &ask, after);
        assert_int_equal(page->total, now_count);
        assert_true(page->count == ask.limit || page->next_user == 0);
        for (u32 i = 0; i < page->count; i++) {
            const struct row_review_brief *row = &page->rows[i].row;
            const i64 keys[4] = {0, (i64)row->helpful - (i64)row->unhelpful, row->stars,
                                 -(i64)row->stars};
            const struct rank rank = {keys[sort], row->created_at_ns, row->user_id, row->version};
            assert_true(seen_count == 0 || is_before(seen[seen_count - 1], rank));
            assert_true(seen_count < 4 * USERS);
            seen[seen_count++] = rank;
            u32 at = 0;
            while (at < now_count && !is_same(after[at], rank))
                at++;
            assert_true(at < now_count);
            assert_int_equal(after[at].version, rank.version);
        }
        m->checked_pages++;
        for (u32 i = 0; i < before_count; i++) {
            bool is_there = false;
            for (u32 k = 0; k < now_count; k++)
                is_there |= is_same(after[k], stable[i].key);
            stable[i].is_stable &= is_there;
        }
        ask.after_key = page->next_key;
        ask.after_ns = page->next_ns;
        ask.after_user = page->next_user;
        if (ask.after_user != 0 && changes)
            something(m);
    } while (ask.after_user != 0);
    for (u32 i = 0; i < before_count; i++) {
        u32 times = 0;
        for (u32 k = 0; k < seen_count; k++)
            times += is_same(seen[k], stable[i].key) ? 1 : 0;
        assert_true(times <= 1);
        if (stable[i].is_stable)
            assert_int_equal(times, 1);
    }
    if (!changes) {
        assert_int_equal(seen_count, before_count);
        assert_memory_equal(seen, before, seen_count * sizeof seen[0]);
    }
}

/* The queue of a shard: all that wait, oldest first. */
static void check_queue(struct model *m, u16 shard, u16 state)
{
    struct msg_review_queue_req ask = {.state = state, .limit = 1 + below(m, 6)};
    u64 last_ns = 0;
    u32 seen = 0, wanted = 0;
    for (u32 p = 0; p < PRODUCTS; p++)
        for (u32 u = 0; u < USERS; u++)
            wanted +=
                m->reviews[p][u].state == state && rf_home(&m->of, rf_product(p)) == shard ? 1 : 0;
    for (;;) {
        const struct rf_page *page = rf_queue(&m->of, shard, ask);
        assert_int_equal(page->status, STATUS_OK);
        assert_int_equal(page->total, wanted);
        if (page->count == 0)
            break;
        for (u32 i = 0; i < page->count; i++) {
            const struct row_review_brief *row = &page->rows[i].row;
            assert_true(row->changed_at_ns >= last_ns);
            assert_int_equal(row->state, state);
            last_ns = row->changed_at_ns;
            ask.after_ns = row->changed_at_ns;
            ask.after_product = row->product_id;
            ask.after_user = row->user_id;
            seen++;
        }
    }
    assert_int_equal(seen, wanted);
}

static void check_all(struct model *m)
{
    for (u32 p = 0; p < PRODUCTS; p++) {
        check_rating(m, p);
        for (u32 u = 0; u < USERS; u++)
            check_review(m, p, u);
    }
    for (u16 shard = 0; shard < m->of.town->options.shard_count; shard++) {
        check_queue(m, shard, REVIEW_STATE_PENDING);
        check_queue(m, shard, REVIEW_STATE_FLAGGED);
    }
    town_verify(m->of.town);
}

/* ---- a run ---- */

static void something(struct model *m)
{
    const u32 dice = below(m, 1000);
    if (dice < 330)
        do_put(m);
    else if (dice < 560)
        do_moderate(m);
    else if (dice < 860)
        do_vote(m);
    else if (dice < 910)
        do_reply(m);
    else if (dice < 940)
        do_delete(m);
    else if (dice < 945)
        do_erase(m);
    else if (dice < 955)
        do_order(m);
    else if (dice < 970)
        do_return(m);
    else if (dice < 980)
        do_attach(m);
    else if (dice < 985)
        do_policy(m);
    else if (dice < 997)
        town_wait(m->of.town, below(m, 5) * 1000 * NS_PER_S);
    else
        town_wait(m->of.town, below(m, 9) * 3600 * NS_PER_S);
    forget_unknown(m);
}

static void run(u16 shards, u64 seed, u32 steps)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    rf_open(&m.of, shards);
    m.of.town->random = seed;
    m.is_moderated = true;
    m.per_day = 20;
    for (u32 i = 0; i < steps; i++) {
        something(&m);
        if (i % 8 == 0)
            walk(&m, false);
        if (i % 16 == 5)
            walk(&m, true);
        if (i % 256 == 17)
            check_all(&m);
        if (below(&m, 400) == 0)
            town_restart(m.of.town, (u16)below(&m, shards));
        if (below(&m, 200) == 0)
            town_thaw(m.of.town, (u16)below(&m, shards));
    }
    check_all(&m);
    assert_true(m.refused[STATUS_VERSION_CONFLICT] > 20);
    assert_true(m.refused[STATUS_INVALID_STATE] > 20);
    assert_true(m.refused[STATUS_SELF_VOTE] > 5);
    assert_true(m.refused[STATUS_RATE_LIMITED] > 5);
    assert_true(m.checked_pages > steps / 8);
    of_close(&m.of);
}

static void random_changes_are_those_of_a_plain_room_on_one_shard(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 3; seed++)
        run(1, seed, 2500);
}

static void random_changes_are_those_of_a_plain_room_on_three_shards(void **state)
{
    (void)state;
    for (u64 seed = 11; seed <= 13; seed++)
        run(3, seed, 2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_are_those_of_a_plain_room_on_one_shard),
        cmocka_unit_test(random_changes_are_those_of_a_plain_room_on_three_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
