/* test_cart_merge: a guest's cart is poured into a user's, over one shard and over two: each strategy line
 * by line, repeats, refusals, tombstones, waiting.
 *
 * A town is a few shards and a router: what one has mailed becomes an entry of the other's log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/cart_fixture.h"

#define SHARDS_TOWN_MAX 2u
#define MUG             11ull
#define LAMP            12ull
#define CHAIR           13ull

static struct fx town[SHARDS_TOWN_MAX];
static u32 town_count;
static u64 carried[SHARDS_TOWN_MAX][SHARDS_TOWN_MAX];
static u64 user, guest; /* on different shards, if there are two */

static struct fx *home_of(u64 user_id)
{
    return &town[route_shard(route_hash_u64(user_id), (u16)town_count)];
}

static u64 id_on(u32 shard, u64 from)
{
    while (route_shard(route_hash_u64(from), (u16)town_count) != shard)
        from++;
    return from;
}

/* One message; false when there is none. */
static bool carry_one(u16 from, u16 to)
{
    struct shard_mail mail;
    if (!shard_mail_next(town[from].shard, to, carried[from][to], &mail))
        return false;
    const struct entry_header entry = {.body_bytes = mail.body_bytes,
                                       .source = ENTRY_SOURCE_SHARD,
                                       .source_shard = from,
                                       .opcode = mail.opcode,
                                       .record_count = 1,
                                       .session_seq = mail.seq};
    carried[from][to] = mail.seq;
    fx_apply(&town[to], &entry, mail.body);
    return true;
}

static void carry_all(void)
{
    for (bool is_moving = true; is_moving;) { /* ends: a merge is two messages */
        is_moving = false;
        for (u16 from = 0; from < town_count; from++)
            for (u16 to = 0; to < town_count; to++)
                is_moving |= from != to && carry_one(from, to);
    }
}

static void open_town(u32 count)
{
    town_count = count;
    memset(carried, 0, sizeof carried);
    for (u16 i = 0; i < count; i++)
        fx_open_with(&town[i], (struct shard_options){.index = i, .count = (u16)count});
    user = id_on(0, 1000);
    guest = id_on(count - 1, cx_guest(1000));
}

static int open_one(void **state)
{
    (void)state;
    open_town(1);
    return 0;
}

static int open_two(void **state)
{
    (void)state;
    open_town(2);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    for (u32 i = 0; i < town_count; i++) {
        cx_assert_sound(&town[i]);
        fx_close(&town[i]);
    }
    return 0;
}

/* After calls beside the log: no replay. */
static int close_ordered(void **state)
{
    (void)state;
    for (u32 i = 0; i < town_count; i++) {
        (void)fx_verify(&town[i]);
        struct shard *loaded = fx_reload(&town[i]);
        fx_assert_digest(town[i].shard, loaded);
        shard_close(loaded);
        fx_close(&town[i]);
    }
    return 0;
}

/* ---- saying and asking ---- */

static struct msg_cart_merge_rsp ask_merge(u64 from, u64 to, u16 strategy)
{
    return CX_MERGE(home_of(from), .user_id = from, .target_id = to, .strategy = strategy);
}

static void merge(u16 strategy)
{
    const struct msg_cart_merge_rsp reply = ask_merge(guest, user, strategy);
    assert_int_equal(reply.head.status, STATUS_OK);
    assert_int_equal(reply.target_id, user);
    carry_all();
}

static struct row_pour_line report[CART_LINES_MAX];
static u32 report_count;

static struct msg_cart_merge_status_rsp status_of(u64 user_id)
{
    const struct msg_cart_merge_status_rsp status =
        FX_READ(home_of(user_id), OPCODE_CART_MERGE_STATUS, cart_merge_status, .user_id = user_id);
    assert_int_equal(status.head.status, STATUS_OK);
    report_count = cx_rows(home_of(user_id), OPCODE_CART_MERGE_STATUS,
                           SPAN_OF(cart_merge_status_rsp, lines), report, sizeof *report);
    return status;
}

static void add(u64 user_id, u64 sku_id, i64 quantity)
{
    cx_add(home_of(user_id), user_id, sku_id, quantity);
}

static void add_priced(u64 user_id, u64 sku_id, i64 price, u16 currency)
{
    assert_int_equal(CX_ADD(home_of(user_id), .user_id = user_id, .sku_id = sku_id, .quantity = 1,
                            .price_seen = price, .currency = currency)
                         .head.status,
                     STATUS_OK);
}

static void save(u64 user_id, u64 sku_id)
{
    cx_save(home_of(user_id), user_id, sku_id);
}

static struct cx_cart *get(u64 user_id)
{
    return cx_get(home_of(user_id), user_id);
}

/* What a cart has of a SKU: units, minus them if saved for later, 0 if not there. */
static i64 units(u64 user_id, u64 sku_id)
{
    const struct cx_cart *cart = get(user_id);
    for (u32 i = 0; i < cart->line_count; i++)
        if (cart->lines[i].sku_id == sku_id)
            return cart->lines[i].saved != 0 ? -cart->lines[i].quantity : cart->lines[i].quantity;
    return 0;
}

static void assert_row(u32 at, u64 sku_id, u16 outcome, i64 quantity)
{
    assert_true(at < report_count);
    assert_int_equal(report[at].sku_id, sku_id);
    assert_int_equal(report[at].outcome, outcome);
    assert_int_equal(report[at].quantity, quantity);
}

static void assert_tombstone(void)
{
    const struct cx_cart *cart = get(guest);
    assert_int_equal(cart->head.state, CART_STATE_MERGED);
    assert_int_equal(cart->head.moved_to, user);
    assert_int_equal(cart->line_count, 0);
    assert_int_equal(cart->coupon_count, 0);
    assert_int_equal(cart->head.expires_at_ns, home_of(guest)->now_ns + 30 * CX_DAY_MS * NS_PER_MS);
    const struct msg_cart_merge_status_rsp status = status_of(guest);
    assert_int_equal(status.state, CART_STATE_MERGED);
    assert_int_equal(status.outcome, STATUS_OK);
    assert_int_equal(status.target_id, user);
    assert_int_equal(status.version, get(user)->head.version);
}

/* The user has 2 mugs and 1 chair, the guest 3 mugs and 4 lamps. */
static void fill_both(void)
{
    add(user, MUG, 2);
    add(user, CHAIR, 1);
    add(guest, MUG, 3);
    add(guest, LAMP, 4);
}

/* ---- strategies ---- */

static void sum_adds_what_both_have(void **state)
{
    (void)state;
    fill_both();
    merge(MERGE_SUM);
    assert_tombstone();
    assert_int_equal(report_count, 2);
    assert_row(0, MUG, POUR_SUMMED, 5);
    assert_int_equal(report[0].guest_quantity, 3);
    assert_int_equal(report[0].user_quantity, 2);
    assert_row(1, LAMP, POUR_ADDED, 4);
    assert_int_equal(report[1].user_quantity, 0);
    const struct cx_cart *cart = get(user);
    assert_int_equal(cart->head.version, 3); /* one for all */
    assert_int_equal(cart->line_count, 3);
    assert_int_equal(cart->lines[0].sku_id, MUG);
    assert_int_equal(cart->lines[0].quantity, 5);
    assert_int_equal(cart->lines[1].sku_id, CHAIR);
    assert_int_equal(cart->lines[2].sku_id, LAMP);
}

static void a_sum_is_clamped(void **state)
{
    (void)state;
    add(user, MUG, QUANTITY_MAX - 1);
    add(guest, MUG, 2);
    merge(MERGE_SUM);
    assert_tombstone();
    assert_row(0, MUG, POUR_CLAMPED, QUANTITY_MAX);
    assert_int_equal(units(user, MUG), QUANTITY_MAX);
}

static void guest_wins_replaces_and_removes(void **state)
{
    (void)state;
    fill_both();
    add(user, 77, 9);
    save(user, 77);
    merge(MERGE_GUEST_WINS);
    assert_tombstone();
    assert_int_equal(report_count, 3);
    assert_row(0, MUG, POUR_REPLACED, 3);
    assert_row(1, LAMP, POUR_ADDED, 4);
    assert_row(2, CHAIR, POUR_REMOVED, 0);
    assert_int_equal(report[2].user_quantity, 1);
    assert_int_equal(report[2].guest_quantity, 0);
    assert_int_equal(units(user, MUG), 3);
    assert_int_equal(units(user, LAMP), 4);
    assert_int_equal(units(user, CHAIR), 0);
    assert_int_equal(units(user, 77), -9); /* saved for later: kept */
    assert_int_equal(get(user)->line_count, 3);
}

static void user_wins_keeps_unless_there_was_nothing(void **state)
{
    (void)state;
    fill_both();
    merge(MERGE_USER_WINS);
    assert_tombstone();
    assert_row(0, MUG, POUR_KEPT, 2);
    assert_row(1, LAMP, POUR_KEPT, 0);
    assert_int_equal(get(user)->line_count, 2);
    assert_int_equal(get(user)->head.version, 2); /* nothing has changed */
}

static void user_wins_takes_all_when_the_user_has_only_saved_lines(void **state)
{
    (void)state;
    add(user, MUG, 2);
    add(user, CHAIR, 1);
    save(user, MUG);
    save(user, CHAIR);
    add(guest, MUG, 3);
    add(guest, LAMP, 4);
    merge(MERGE_USER_WINS);
    assert_tombstone();
    assert_row(0, MUG, POUR_REPLACED, 3);
    assert_row(1, LAMP, POUR_ADDED, 4);
    assert_int_equal(units(user, MUG), 3);
    assert_int_equal(units(user, LAMP), 4);
    assert_int_equal(units(user, CHAIR), -1);
}

static void max_takes_the_larger(void **state)
{
    (void)state;
    fill_both();
    add(user, 77, 9);
    add(guest, 77, 8);
    add(user, 78, 9);
    save(user, 78);
    add(guest, 78, 8);
    merge(MERGE_MAX);
    assert_tombstone();
    assert_row(0, MUG, POUR_REPLACED, 3);
    assert_row(1, LAMP, POUR_ADDED, 4);
    assert_row(2, 77, POUR_KEPT, 9);
    assert_row(3, 78, POUR_REPLACED, 9); /* comes back */
    assert_int_equal(units(user, MUG), 3);
    assert_int_equal(units(user, CHAIR), 1);
    assert_int_equal(units(user, 78), 9);
}

static void guest_if_user_empty_is_all_or_nothing(void **state)
{
    (void)state;
    add(guest, MUG, 3);
    merge(MERGE_GUEST_IF_USER_EMPTY);
    assert_tombstone();
    assert_row(0, MUG, POUR_ADDED, 3);
    assert_int_equal(units(user, MUG), 3);
    const u64 second = id_on(town_count - 1, guest + 1);
    add(second, LAMP, 1);
    add(second, MUG, 8);
    assert_int_equal(ask_merge(second, user, MERGE_GUEST_IF_USER_EMPTY).head.status, STATUS_OK);
    carry_all();
    (void)status_of(second);
    assert_row(0, LAMP, POUR_KEPT, 0);
    assert_row(1, MUG, POUR_KEPT, 3);
    assert_int_equal(units(user, LAMP), 0);
    assert_int_equal(units(user, MUG), 3);
}

static void sum_brings_a_saved_line_back(void **state)
{
    (void)state;
    add(user, MUG, 2);
    save(user, MUG);
    add(guest, MUG, 3);
    merge(MERGE_SUM);
    (void)status_of(guest);
    assert_row(0, MUG, POUR_SUMMED, 5);
    assert_int_equal(units(user, MUG), 5);
}

static void the_guests_saved_lines_are_added_as_saved_or_change_nothing(void **state)
{
    (void)state;
    static const u16 strategies[] = {MERGE_SUM, MERGE_MAX, MERGE_USER_WINS,
                                     MERGE_GUEST_IF_USER_EMPTY};
    add(user, MUG, 2);
    for (u32 i = 0; i < ARRAY_COUNT(strategies); i++) {
        const u64 one = id_on(town_count - 1, guest + 100 * i);
        add(one, MUG, 7);
        save(one, MUG);
        add(one, 500 + i, 4);
        save(one, 500 + i);
        assert_int_equal(ask_merge(one, user, strategies[i]).head.status, STATUS_OK);
        carry_all();
        (void)status_of(one);
        assert_row(0, MUG, POUR_KEPT, 2);
        assert_row(1, 500 + i, POUR_ADDED, 4);
        assert_int_equal(units(user, MUG), 2);
        assert_int_equal(units(user, 500 + i), -4);
    }
    const u64 last = id_on(town_count - 1, guest + 1000);
    add(last, MUG, 7);
    save(last, MUG);
    assert_int_equal(ask_merge(last, user, MERGE_GUEST_WINS).head.status, STATUS_OK);
    carry_all();
    assert_int_equal(units(user, MUG), -7);
}

static void lines_of_another_currency_are_dropped_with_a_reason(void **state)
{
    (void)state;
    add_priced(user, 50, 100, CX_EUR);
    save(user, 50); /* says nothing */
    add(user, MUG, 1);
    add_priced(user, LAMP, 100, FX_GBP);
    add_priced(user, 51, 100, CX_EUR);
    add_priced(guest, CHAIR, 200, CX_EUR);
    add_priced(guest, 60, 200, FX_GBP);
    add(guest, 61, 1); /* no price told */
    add_priced(guest, LAMP, 300, CX_EUR);
    add_priced(guest, 62, 300, CX_EUR);
    save(guest, 62);
    merge(MERGE_SUM);
    assert_tombstone();
    assert_row(0, CHAIR, POUR_DROPPED_CURRENCY, 0);
    assert_row(1, 60, POUR_ADDED, 1);
    assert_row(2, 61, POUR_ADDED, 1);
    assert_row(3, LAMP, POUR_SUMMED, 2);
    assert_row(4, 62, POUR_ADDED, 1);
    assert_int_equal(units(user, CHAIR), 0);
    const struct cx_cart *cart = get(user);
    assert_int_equal(cart->lines[2].sku_id, LAMP);
    assert_int_equal(cart->lines[2].price_seen, 300); /* what was seen last */
    assert_int_equal(cart->lines[2].currency, CX_EUR);
}

static void guest_wins_looks_at_no_currency(void **state)
{
    (void)state;
    add_priced(user, LAMP, 100, FX_GBP);
    add_priced(guest, CHAIR, 200, CX_EUR);
    merge(MERGE_GUEST_WINS);
    assert_tombstone();
    assert_row(0, CHAIR, POUR_ADDED, 1);
    assert_row(1, LAMP, POUR_REMOVED, 0);
}

static void lines_beyond_2000_are_dropped_with_a_reason(void **state)
{
    (void)state;
    for (u64 i = 1; i < CART_LINES_MAX; i++)
        add(user, 10000 + i, 1);
    add(guest, 10001, 1);
    add(guest, MUG, 1);
    add(guest, LAMP, 1);
    merge(MERGE_SUM);
    assert_tombstone();
    assert_row(0, 10001, POUR_SUMMED, 2);
    assert_row(1, MUG, POUR_ADDED, 1);
    assert_row(2, LAMP, POUR_DROPPED_FULL, 0);
    assert_int_equal(get(user)->line_count, CART_LINES_MAX);
}

static void the_largest_carts_replace_each_other(void **state)
{
    (void)state;
    for (u64 i = 1; i <= CART_LINES_MAX; i++) {
        add(user, 10000 + i, 1);
        add(guest, 11000 + i, 2);
    }
    for (u64 i = 1; i <= ORDER_COUPONS_MAX; i++)
        cx_coupon(home_of(guest), guest, i);
    merge(MERGE_GUEST_WINS);
    assert_tombstone();
    assert_int_equal(report_count, CART_LINES_MAX); /* no room for those removed */
    assert_row(0, 11001, POUR_REPLACED, 2);
    assert_row(999, 12000, POUR_REPLACED, 2);
    assert_row(1000, 12001, POUR_ADDED, 2);
    assert_row(1999, 13000, POUR_ADDED, 2);
    const struct cx_cart *cart = get(user);
    assert_int_equal(cart->line_count, CART_LINES_MAX);
    for (u32 i = 0; i < CART_LINES_MAX; i++) {
        assert_int_equal(cart->lines[i].sku_id, 11001 + i);
        assert_int_equal(cart->lines[i].quantity, 2);
    }
    assert_int_equal(cart->coupon_count, ORDER_COUPONS_MAX);
}

static void coupons_are_listed_while_there_is_room(void **state)
{
    (void)state;
    for (u64 i = 1; i <= 6; i++)
        cx_coupon(home_of(user), user, i);
    for (u64 i = 5; i <= 12; i++)
        cx_coupon(home_of(guest), guest, i);
    merge(MERGE_USER_WINS);
    assert_tombstone();
    assert_int_equal(report_count, 0);
    const struct cx_cart *cart = get(user);
    assert_int_equal(cart->coupon_count, ORDER_COUPONS_MAX);
    for (u32 i = 0; i < ORDER_COUPONS_MAX; i++)
        assert_int_equal(cart->coupons[i].coupon_id, i + 1);
    assert_int_equal(cart->head.version, 7);
}

static void options_tell_lines_apart(void **state)
{
    (void)state;
    add(user, MUG, 1);
    assert_int_equal(
        CX_ADD(home_of(guest), .user_id = guest, .sku_id = MUG, .options = 4, .quantity = 2)
            .head.status,
        STATUS_OK);
    merge(MERGE_SUM);
    assert_tombstone();
    assert_row(0, MUG, POUR_ADDED, 2);
    assert_int_equal(report[0].options, 4);
    assert_int_equal(get(user)->line_count, 2);
}

/* ---- refusals, repeats, edges ---- */

static void arguments_of_a_merge_are_judged(void **state)
{
    (void)state;
    add(guest, MUG, 1);
    assert_int_equal(ask_merge(user, user, MERGE_SUM).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(ask_merge(guest, guest, MERGE_SUM).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(ask_merge(guest, 0, MERGE_SUM).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(ask_merge(guest, user, 0).head.status, STATUS_BAD_ARGUMENT);
    assert_int_equal(ask_merge(guest, user, 6).head.status, STATUS_BAD_ARGUMENT);
    carry_all();
    assert_int_equal(get(guest)->head.state, CART_STATE_ACTIVE);
    assert_int_equal(get(guest)->head.version, 1);
}

static void nothing_to_pour_is_merged_at_once(void **state)
{
    (void)state;
    const struct msg_cart_merge_rsp reply = ask_merge(guest, user, MERGE_SUM);
    assert_int_equal(reply.head.status, STATUS_OK);
    assert_int_equal(reply.state, CART_STATE_MERGED);
    assert_int_equal(reply.target_id, user);
    assert_int_equal(get(guest)->head.state, CART_STATE_MERGED);
    assert_int_equal(get(user)->head.state, CART_STATE_NONE);
    const u64 second = id_on(town_count - 1, guest + 1);
    add(second, MUG, 1);
    (void)CX_REMOVE(home_of(second), .user_id = second, .sku_id = MUG);
    assert_int_equal(ask_merge(second, user, MERGE_SUM).state, CART_STATE_MERGED);
    assert_int_equal(get(second)->head.version, 3);
}

static void a_repeat_answers_with_the_first_target(void **state)
{
    (void)state;
    fill_both();
    assert_int_equal(ask_merge(guest, user, MERGE_SUM).head.flags, 0);
    const struct msg_cart_merge_rsp early = ask_merge(guest, user + 1, MERGE_GUEST_WINS);
    assert_int_equal(early.head.status, STATUS_OK);
    assert_int_equal(early.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(early.target_id, user);
    carry_all();
    const struct msg_cart_merge_rsp late = ask_merge(guest, user + 1, MERGE_GUEST_WINS);
    assert_int_equal(late.head.status, STATUS_OK);
    assert_int_equal(late.head.flags, RECORD_FLAG_REPLAYED);
    assert_int_equal(late.target_id, user);
    assert_int_equal(late.state, CART_STATE_MERGED);
    assert_int_equal(late.version, get(user)->head.version);
    carry_all();
    assert_int_equal(units(user, MUG), 5); /* poured once */
    assert_int_equal(get(user + 1)->head.state, CART_STATE_NONE);
    assert_tombstone();
}

static void edits_of_a_merged_cart_name_the_user(void **state)
{
    (void)state;
    struct fx *fx = home_of(guest);
    add(guest, MUG, 1);
    merge(MERGE_SUM);
    const struct msg_cart_add_rsp reply =
        CX_ADD(fx, .user_id = guest, .sku_id = LAMP, .quantity = 1, .if_version = 99);
    assert_int_equal(reply.head.status, STATUS_CART_MERGED); /* asked before the version */
    assert_int_equal(reply.moved_to, user);
    assert_int_equal(reply.version, 2);
    assert_int_equal(CX_SET(fx, .user_id = guest, .sku_id = MUG).head.status, STATUS_CART_MERGED);
    assert_int_equal(CX_CLEAR(fx, .user_id = guest).head.status, STATUS_CART_MERGED);
    assert_int_equal(CX_COUPON(fx, .user_id = guest, .coupon_id = 1, .listed = 1).head.status,
                     STATUS_CART_MERGED);
    assert_int_equal(CX_SAVE(fx, .user_id = guest, .sku_id = MUG, .saved = 1).head.status,
                     STATUS_CART_MERGED);
    assert_int_equal(CX_REMOVE(fx, .user_id = guest, .sku_id = MUG).head.status,
                     STATUS_CART_MERGED);
    assert_int_equal(units(user, LAMP), 0);
}

static void a_cart_that_is_being_merged_is_neither_edited_nor_forgotten(void **state)
{
    (void)state;
    struct fx *fx = home_of(guest);
    add(guest, MUG, 1);
    (void)ask_merge(guest, user, MERGE_SUM);
    const struct msg_cart_add_rsp reply =
        CX_ADD(fx, .user_id = guest, .sku_id = LAMP, .quantity = 1);
    assert_int_equal(reply.head.status, STATUS_CART_MERGED);
    assert_int_equal(reply.moved_to, user);
    assert_int_equal(get(guest)->head.state, CART_STATE_MERGING);
    assert_int_equal(get(guest)->line_count, 1);
    assert_int_equal(get(guest)->head.expires_at_ns, 0);
    fx_later(fx, 400 * CX_DAY_MS); /* the other shard is slow */
    assert_int_equal(get(guest)->head.state, CART_STATE_MERGING);
    cx_assert_sound(fx);
    carry_all();
    assert_int_equal(get(guest)->head.state, CART_STATE_MERGED);
    assert_int_equal(get(guest)->head.expires_at_ns, fx->now_ns + 30 * CX_DAY_MS * NS_PER_MS);
    fx_later(fx, 30 * CX_DAY_MS - 1);
    assert_int_equal(status_of(guest).state, CART_STATE_MERGED);
    assert_int_equal(report_count, 1);
    fx_later(fx, 1);
    assert_int_equal(get(guest)->head.state, CART_STATE_NONE);
    assert_int_equal(status_of(guest).state, CART_STATE_NONE);
}

static void a_frozen_target_takes_nothing_and_the_guests_cart_lives_on(void **state)
{
    (void)state;
    const struct id128 order = {.low = 3, .high = user};
    struct fx *fx = home_of(guest);
    fill_both();
    cart_claim(home_of(user)->shard, user, order);
    cart_freeze(home_of(user)->shard, user, order, true);
    merge(MERGE_SUM);
    assert_int_equal(get(user)->line_count, 2);
    assert_int_equal(get(user)->head.version, 2);
    struct msg_cart_merge_status_rsp status = status_of(guest);
    assert_int_equal(status.state, CART_STATE_ACTIVE);
    assert_int_equal(status.outcome, STATUS_CART_FROZEN);
    assert_true(id128_equal(status.order, order));
    assert_int_equal(status.target_id, user);
    assert_int_equal(report_count, 0);
    const struct cx_cart *cart = get(guest);
    assert_int_equal(cart->head.version, 2); /* the version that it had */
    assert_int_equal(cart->line_count, 2);
    assert_int_equal(cart->head.moved_to, 0);
    assert_int_equal(
        CX_ADD(fx, .user_id = guest, .sku_id = 99, .quantity = 1, .if_version = 2).head.status,
        STATUS_OK);
    /* Claimed only, it may be edited, and so poured into; and now the merge counts. */
    cart_freeze(home_of(user)->shard, user, order, false);
    merge(MERGE_SUM);
    assert_tombstone();
    status = status_of(guest);
    assert_true(id128_is_none(status.order));
    assert_int_equal(units(user, 99), 1);
    assert_int_equal(get(user)->head.state, CART_STATE_CLAIMED);
}

static void a_guests_cart_that_is_being_bought_is_not_merged(void **state)
{
    (void)state;
    const struct id128 order = {.low = 3, .high = guest};
    add(guest, MUG, 1);
    cart_claim(home_of(guest)->shard, guest, order);
    struct msg_cart_merge_rsp reply = ask_merge(guest, user, MERGE_SUM);
    assert_int_equal(reply.head.status, STATUS_CART_FROZEN);
    assert_true(id128_equal(reply.order, order));
    cart_freeze(home_of(guest)->shard, guest, order, true);
    reply = ask_merge(guest, user, MERGE_SUM);
    assert_int_equal(reply.head.status, STATUS_CART_FROZEN);
    assert_int_equal(reply.state, CART_STATE_FROZEN);
    cart_let_go(home_of(guest)->shard, guest, order, NULL, 0, home_of(guest)->now_ns);
    merge(MERGE_SUM);
    assert_tombstone();
}

static void merge_status_waits_for_the_merge(void **state)
{
    (void)state;
    struct fx *fx = home_of(guest);
    add(guest, MUG, 1);
    (void)ask_merge(guest, user, MERGE_SUM);
    const struct msg_cart_merge_status_req ask = {.user_id = guest, .wait_ms = 500};
    const struct frame_header header = {.opcode = OPCODE_CART_MERGE_STATUS, .record_count = 1};
    struct shard_reply reply;
    enum shard_read_result result =
        shard_read(fx->shard, &header, (const u8 *)&ask, sizeof ask, fx->now_ns, true,
                   fx->read_body, FX_BODY_MAX, &reply);
    if (town_count == 1) { /* it is over within the same step */
        assert_int_equal(result, SHARD_READ_DONE);
        return;
    }
    assert_int_equal(result, SHARD_READ_PARK);
    assert_int_equal(reply.wait_ms, 500);
    const u64 notice = reply.notice;
    assert_int_equal(shard_notice_next(fx->shard), 0);
    carry_all();
    assert_int_equal(shard_notice_next(fx->shard), notice);
    result = shard_read(fx->shard, &header, (const u8 *)&ask, sizeof ask, fx->now_ns, true,
                        fx->read_body, FX_BODY_MAX, &reply);
    assert_int_equal(result, SHARD_READ_DONE);
    assert_tombstone();
}

static void a_snapshot_between_the_messages_loses_nothing(void **state)
{
    (void)state;
    fill_both();
    cx_coupon(home_of(guest), guest, 5);
    (void)ask_merge(guest, user, MERGE_SUM);
    for (u32 i = 0; i < town_count; i++) { /* both shards restart from their snapshots */
        struct shard *loaded = fx_reload(&town[i]);
        shard_close(town[i].shard);
        town[i].shard = loaded;
    }
    carry_all();
    assert_tombstone();
    assert_int_equal(units(user, MUG), 5);
    assert_int_equal(get(user)->coupon_count, 1);
}

static void a_snapshot_begun_between_the_messages_is_of_that_moment(void **state)
{
    (void)state;
    struct fx_dump dumps[SHARDS_TOWN_MAX];
    struct id128 digests[SHARDS_TOWN_MAX];
    fill_both();
    (void)ask_merge(guest, user, MERGE_SUM);
    for (u32 i = 0; i < town_count; i++) {
        fx_dump_init(&dumps[i]);
        digests[i] = shard_digest(town[i].shard);
        shard_dump_begin(town[i].shard);
    }
    carry_all();
    for (u32 i = 0; i < town_count; i++) {
        while (fx_dump_step(&dumps[i], town[i].shard)) {}
        struct shard *loaded = fx_dump_load(&dumps[i], &town[i].options);
        assert_true(id128_equal(shard_digest(loaded), digests[i]));
        shard_close(loaded);
        fx_dump_deinit(&dumps[i]);
    }
}

#define ONE(name)         cmocka_unit_test_setup_teardown(name, open_one, close_town)
#define TWO(name)         cmocka_unit_test_setup_teardown(name, open_two, close_town)
#define BOTH(name)        ONE(name), TWO(name)
#define ONE_ORDERED(name) cmocka_unit_test_setup_teardown(name, open_one, close_ordered)
#define TWO_ORDERED(name) cmocka_unit_test_setup_teardown(name, open_two, close_ordered)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(sum_adds_what_both_have),
        BOTH(a_sum_is_clamped),
        BOTH(guest_wins_replaces_and_removes),
        BOTH(user_wins_keeps_unless_there_was_nothing),
        BOTH(user_wins_takes_all_when_the_user_has_only_saved_lines),
        BOTH(max_takes_the_larger),
        BOTH(guest_if_user_empty_is_all_or_nothing),
        BOTH(sum_brings_a_saved_line_back),
        BOTH(the_guests_saved_lines_are_added_as_saved_or_change_nothing),
        BOTH(lines_of_another_currency_are_dropped_with_a_reason),
        BOTH(guest_wins_looks_at_no_currency),
        BOTH(lines_beyond_2000_are_dropped_with_a_reason),
        BOTH(the_largest_carts_replace_each_other),
        BOTH(coupons_are_listed_while_there_is_room),
        BOTH(options_tell_lines_apart),
        BOTH(arguments_of_a_merge_are_judged),
        BOTH(nothing_to_pour_is_merged_at_once),
        BOTH(a_repeat_answers_with_the_first_target),
        BOTH(edits_of_a_merged_cart_name_the_user),
        TWO(a_cart_that_is_being_merged_is_neither_edited_nor_forgotten),
        ONE_ORDERED(a_frozen_target_takes_nothing_and_the_guests_cart_lives_on),
        TWO_ORDERED(a_frozen_target_takes_nothing_and_the_guests_cart_lives_on),
        ONE_ORDERED(a_guests_cart_that_is_being_bought_is_not_merged),
        TWO_ORDERED(a_guests_cart_that_is_being_bought_is_not_merged),
        BOTH(merge_status_waits_for_the_merge),
        BOTH(a_snapshot_between_the_messages_loses_nothing),
        BOTH(a_snapshot_begun_between_the_messages_is_of_that_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
