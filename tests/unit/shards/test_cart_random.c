/* test_cart_random: carts against a plain second implementation of docs/carts.md, command by command: edits,
 * merges whose messages take their time, checkouts, time, snapshots, over one shard and over two.
 *
 * SOUK_SEED=n repeats a run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <time.h>

#include "tests/unit/shards/cart_fixture.h"

#define PEOPLE  10u /* half of them guests */
#define SKUS    45u
#define COUPONS 11u
#define STEPS   10000u
#define LINES   160u /* of the model: all keys that are drawn, twice */

struct model_cart {
    bool is_there;
    u64 user_id, version, created_ns, changed_ns, expires_ns;
    u16 state;
    struct row_cart_line lines[LINES];
    u32 line_count;
    u64 coupons[ORDER_COUPONS_MAX];
    bool is_claimed[ORDER_COUPONS_MAX];
    u32 coupon_count;
    struct id128 order;
    u64 target, merge_version;
    struct id128 merge_order;
    u16 merge_status, strategy;
    struct row_pour_line report[2 * LINES];
    u32 report_count;
};

static struct fx town[2];
static u32 town_count;
static u64 carried[2][2];
static struct model_cart people[PEOPLE];
static u64 random_state;
static u64 now_ns;
static u64 order_number;
static u32 merged, refused_frozen, expired, placed;

static u64 draw(u64 below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static struct fx *home_of(u64 user_id)
{
    return &town[route_shard(route_hash_u64(user_id), (u16)town_count)];
}

/* ---- the model ---- */

static struct model_cart *of_user(u64 user_id)
{
    for (u32 i = 0; i < PEOPLE; i++)
        if (people[i].user_id == user_id)
            return &people[i];
    fail_msg("nobody");
    return NULL;
}

static void forget(struct model_cart *cart)
{
    const u64 user_id = cart->user_id;
    memset(cart, 0, sizeof *cart);
    cart->user_id = user_id;
}

static bool is_mortal(const struct model_cart *cart)
{
    return cart->is_there && (cart->state == CART_STATE_ACTIVE || cart->state == CART_STATE_MERGED);
}

static void pass_time(u64 ns)
{
    now_ns += ns;
    for (u32 i = 0; i < PEOPLE; i++)
        if (is_mortal(&people[i]) && people[i].expires_ns <= now_ns) {
            forget(&people[i]);
            expired++;
        }
}

static void renew(struct model_cart *cart)
{
    const u64 days = (cart->user_id & ID_GUEST_BIT) != 0 ? 30 : 90;
    cart->expires_ns = now_ns + days * CX_DAY_MS * NS_PER_MS;
}

static void touch(struct model_cart *cart)
{
    if (!cart->is_there) {
        cart->is_there = true;
        cart->state = CART_STATE_ACTIVE;
        cart->created_ns = now_ns;
    }
    cart->version++;
    cart->changed_ns = now_ns;
    renew(cart);
}

static u32 find_line(const struct model_cart *cart, u64 sku_id, u64 options)
{
    u32 at = 0;
    while (at < cart->line_count &&
           (cart->lines[at].sku_id != sku_id || cart->lines[at].options != options))
        at++;
    return at;
}

static void cut_line(struct model_cart *cart, u32 at)
{
    cart->line_count--;
    memmove(&cart->lines[at], &cart->lines[at + 1], (cart->line_count - at) * sizeof *cart->lines);
}

static u32 find_coupon(const struct model_cart *cart, u64 coupon_id)
{
    u32 at = 0;
    while (at < cart->coupon_count && cart->coupons[at] != coupon_id)
        at++;
    return at;
}

static void cut_coupon(struct model_cart *cart, u32 at)
{
    cart->coupon_count--;
    for (; at < cart->coupon_count; at++) {
        cart->coupons[at] = cart->coupons[at + 1];
        cart->is_claimed[at] = cart->is_claimed[at + 1];
    }
}

static u16 judge(const struct model_cart *cart, u64 if_version)
{
    if (cart->state == CART_STATE_MERGED || cart->state == CART_STATE_MERGING)
        return STATUS_CART_MERGED;
    if (cart->state == CART_STATE_FROZEN)
        return STATUS_CART_FROZEN;
    return if_version != 0 && if_version != cart->version ? STATUS_VERSION_CONFLICT : STATUS_OK;
}

static u16 model_put(struct model_cart *cart, const struct msg_cart_add_req *ask, bool is_set)
{
    const u32 at = find_line(cart, ask->sku_id, ask->options);
    const bool is_told = ask->price_seen >= 0 && ask->currency != 0;
    struct row_cart_line line = {
        .sku_id = ask->sku_id, .options = ask->options, .price_seen = -1, .added_at_ns = now_ns};
    if (at < cart->line_count)
        line = cart->lines[at];
    if (is_set && ask->quantity == 0) {
        if (at < cart->line_count) {
            cut_line(cart, at);
            touch(cart);
        }
        return STATUS_OK;
    }
    if (!is_set && line.quantity + ask->quantity > QUANTITY_MAX)
        return STATUS_EXCEEDS;
    line.quantity = is_set ? ask->quantity : line.quantity + ask->quantity;
    line.saved = is_set ? line.saved : 0;
    line.price_seen = is_told ? ask->price_seen : line.price_seen;
    line.currency = is_told ? ask->currency : line.currency;
    if (at < cart->line_count && memcmp(&line, &cart->lines[at], sizeof line) == 0)
        return STATUS_OK;
    if (at == cart->line_count)
        cart->line_count++;
    assert_true(at < LINES);
    cart->lines[at] = line;
    touch(cart);
    return STATUS_OK;
}

static void model_clear(struct model_cart *cart)
{
    const u32 lines = cart->line_count, coupons = cart->coupon_count;
    for (u32 i = cart->line_count; i > 0; i--)
        if (cart->lines[i - 1].saved == 0)
            cut_line(cart, i - 1);
    cart->coupon_count = 0;
    if (lines != cart->line_count || coupons != 0)
        touch(cart);
}

static u16 model_coupon(struct model_cart *cart, u64 coupon_id, bool is_listed)
{
    const u32 at = find_coupon(cart, coupon_id);
    if (!is_listed && at == cart->coupon_count)
        return STATUS_NOT_FOUND;
    if (is_listed && at < cart->coupon_count)
        return STATUS_OK;
    if (is_listed && at == ORDER_COUPONS_MAX)
        return STATUS_TOO_MANY;
    if (is_listed) {
        cart->coupons[at] = coupon_id;
        cart->is_claimed[at] = false;
        cart->coupon_count++;
    } else {
        cut_coupon(cart, at);
    }
    touch(cart);
    return STATUS_OK;
}

/* What a line of the guest does to a line of the user: the table of docs/carts.md. */
static u16 model_pour_both(u16 strategy, bool was_empty, struct row_cart_line *own,
                           const struct row_cart_line *line)
{
    const i64 sum = own->quantity + line->quantity;
    u16 outcome = POUR_REPLACED;
    i64 quantity = line->quantity;
    if (strategy != MERGE_GUEST_WINS && line->saved != 0)
        return POUR_KEPT;
    if (strategy == MERGE_SUM) {
        quantity = sum > QUANTITY_MAX ? QUANTITY_MAX : sum;
        outcome = sum > QUANTITY_MAX ? POUR_CLAMPED : POUR_SUMMED;
    } else if (strategy == MERGE_MAX) {
        if (own->quantity >= line->quantity && own->saved == 0)
            return POUR_KEPT;
        quantity = own->quantity > line->quantity ? own->quantity : line->quantity;
    } else if (strategy != MERGE_GUEST_WINS && !was_empty) {
        return POUR_KEPT;
    }
    own->quantity = quantity;
    own->saved = line->saved;
    if (line->currency != 0) {
        own->currency = line->currency;
        own->price_seen = line->price_seen;
    }
    return outcome;
}

static u16 model_pour_new(struct model_cart *cart, u16 strategy, bool was_empty, u16 currency,
                          const struct row_cart_line *line)
{
    const bool is_summing = strategy == MERGE_SUM || strategy == MERGE_MAX;
    if (line->saved == 0 && !was_empty && !is_summing && strategy != MERGE_GUEST_WINS)
        return POUR_KEPT;
    if (line->saved == 0 && is_summing && currency != 0 && line->currency != 0 &&
        line->currency != currency)
        return POUR_DROPPED_CURRENCY;
    assert_true(cart->line_count < LINES);
    cart->lines[cart->line_count++] = *line;
    return POUR_ADDED;
}

/* The report of a pour, made when the user's shard has it, kept when the guest's shard hears. */
static struct row_pour_line poured[PEOPLE][2 * LINES];
static u32 poured_count[PEOPLE];

static void model_pour(struct model_cart *guest)
{
    struct model_cart *user = of_user(guest->target), before = *user;
    const u32 at_guest = (u32)(guest - people);
    bool was_empty = true;
    u16 currency = 0;
    poured_count[at_guest] = 0;
    guest->merge_status = STATUS_OK;
    guest->merge_order = (struct id128){0, 0};
    if (user->state == CART_STATE_FROZEN) {
        guest->merge_status = STATUS_CART_FROZEN;
        guest->merge_order = user->order;
        guest->merge_version = user->version;
        return;
    }
    for (u32 i = user->line_count; i > 0; i--)
        if (user->lines[i - 1].saved == 0) {
            was_empty = false;
            currency = user->lines[i - 1].currency != 0 ? user->lines[i - 1].currency : currency;
        }
    u32 cut = 0;
    for (u32 i = 0; guest->strategy == MERGE_GUEST_WINS && i < user->line_count;) {
        const struct row_cart_line line = user->lines[i];
        if (line.saved != 0 || find_line(guest, line.sku_id, line.options) < guest->line_count) {
            i++;
            continue;
        }
        poured[at_guest][guest->line_count + cut++] =
            (struct row_pour_line){.sku_id = line.sku_id,
                                   .options = line.options,
                                   .user_quantity = line.quantity,
                                   .outcome = POUR_REMOVED};
        cut_line(user, i);
    }
    for (u32 i = 0; i < guest->line_count; i++) {
        const struct row_cart_line *line = &guest->lines[i];
        const u32 at = find_line(user, line->sku_id, line->options);
        struct row_pour_line *row = &poured[at_guest][i];
        *row = (struct row_pour_line){
            .sku_id = line->sku_id, .options = line->options, .guest_quantity = line->quantity};
        if (at < user->line_count) {
            row->user_quantity = user->lines[at].quantity;
            row->outcome = model_pour_both(guest->strategy, was_empty, &user->lines[at], line);
        } else {
            row->outcome = model_pour_new(user, guest->strategy, was_empty, currency, line);
        }
        const u32 after = find_line(user, line->sku_id, line->options);
        row->quantity = after < user->line_count ? user->lines[after].quantity : 0;
    }
    poured_count[at_guest] = guest->line_count + cut;
    for (u32 i = 0; i < guest->coupon_count; i++)
        if (find_coupon(user, guest->coupons[i]) == user->coupon_count &&
            user->coupon_count < ORDER_COUPONS_MAX) {
            user->is_claimed[user->coupon_count] = false;
            user->coupons[user->coupon_count++] = guest->coupons[i];
        }
    const bool is_changed =
        user->line_count != before.line_count || cut != 0 ||
        user->coupon_count != before.coupon_count ||
        memcmp(user->lines, before.lines, user->line_count * sizeof *user->lines) != 0;
    if (is_changed)
        touch(user);
    guest->merge_version = user->version;
}

static void model_poured(struct model_cart *guest)
{
    const u32 at_guest = (u32)(guest - people);
    assert_int_equal(guest->state, CART_STATE_MERGING);
    if (guest->merge_status != STATUS_OK) {
        guest->state = CART_STATE_ACTIVE;
        renew(guest);
        refused_frozen++;
        return;
    }
    guest->state = CART_STATE_MERGED;
    guest->line_count = 0;
    guest->coupon_count = 0;
    guest->report_count = poured_count[at_guest];
    memcpy(guest->report, poured[at_guest], guest->report_count * sizeof *guest->report);
    touch(guest);
    merged++;
}

/* ---- messages ---- */

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
    u64 guest_id;
    STATIC_CHECK(offsetof(struct msg_mail_cart_pour_req, guest_id) == 0);
    STATIC_CHECK(offsetof(struct msg_mail_cart_poured_req, guest_id) == 0);
    memcpy(&guest_id, mail.body, sizeof guest_id);
    carried[from][to] = mail.seq;
    town[to].now_ns = now_ns;
    if (mail.opcode == OPCODE_MAIL_CART_POUR)
        model_pour(of_user(guest_id));
    else
        model_poured(of_user(guest_id));
    fx_apply(&town[to], &entry, mail.body);
    return true;
}

/* ---- commands ---- */

static void assert_reply(const struct model_cart *cart, u16 status, u64 sku_id, u64 options)
{
    const struct fx *fx = home_of(cart->user_id);
    const struct msg_cart_add_rsp reply = FX_RSP(fx, cart_add, 0);
    const u32 at = find_line(cart, sku_id, options);
    assert_int_equal(reply.head.status, status);
    assert_int_equal(reply.version, cart->version);
    assert_int_equal(reply.line_count, cart->line_count);
    assert_int_equal(reply.quantity, at < cart->line_count ? cart->lines[at].quantity : 0);
    assert_int_equal(reply.moved_to, status == STATUS_CART_MERGED ? cart->target : 0);
    const struct id128 none = {0, 0};
    assert_true(id128_equal(reply.order, status == STATUS_CART_FROZEN ? cart->order : none));
}

static void send(u64 user_id, u16 opcode, const void *record)
{
    struct fx *fx = home_of(user_id);
    fx->now_ns = now_ns;
    (void)fx_send(fx, opcode, record, 1);
    assert_int_equal(fx->reply.status, STATUS_OK);
}

static void step_put(struct model_cart *cart, u64 if_version)
{
    static const u16 currencies[] = {0, FX_GBP, FX_GBP, CX_EUR};
    const bool is_set = draw(3) == 0;
    const struct msg_cart_add_req ask = {
        .user_id = cart->user_id,
        .sku_id = 1 + draw(SKUS),
        .options = draw(2),
        .quantity = draw(60) == 0 ? QUANTITY_MAX - (i64)draw(2) : (i64)draw(5) + (is_set ? 0 : 1),
        .price_seen = (i64)draw(4) - 1,
        .currency = currencies[draw(ARRAY_COUNT(currencies))],
        .if_version = if_version};
    u16 status = judge(cart, if_version);
    if (status == STATUS_OK)
        status = model_put(cart, &ask, is_set);
    send(cart->user_id, is_set ? OPCODE_CART_SET : OPCODE_CART_ADD, &ask);
    assert_reply(cart, status, ask.sku_id, ask.options);
}

static void step_line(struct model_cart *cart, u64 if_version)
{
    const u16 saved = (u16)draw(3); /* 2: remove */
    const struct msg_cart_save_req ask = {.user_id = cart->user_id,
                                          .sku_id = 1 + draw(SKUS),
                                          .options = draw(2),
                                          .if_version = if_version,
                                          .saved = saved};
    u16 status = judge(cart, if_version);
    const u32 at = find_line(cart, ask.sku_id, ask.options);
    if (status == STATUS_OK && at == cart->line_count)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK && saved == 2) {
        cut_line(cart, at);
        touch(cart);
    } else if (status == STATUS_OK && cart->lines[at].saved != saved) {
        cart->lines[at].saved = saved;
        touch(cart);
    }
    send(cart->user_id, saved == 2 ? OPCODE_CART_REMOVE : OPCODE_CART_SAVE, &ask);
    assert_reply(cart, status, ask.sku_id, ask.options);
}
STATIC_CHECK(offsetof(struct msg_cart_save_req, if_version) ==
             offsetof(struct msg_cart_remove_req, if_version));

static void step_whole(struct model_cart *cart, u64 if_version)
{
    const bool is_clear = draw(5) == 0;
    u16 status = judge(cart, if_version);
    if (is_clear) {
        const struct msg_cart_clear_req ask = {.user_id = cart->user_id, .if_version = if_version};
        if (status == STATUS_OK)
            model_clear(cart);
        send(cart->user_id, OPCODE_CART_CLEAR, &ask);
    } else {
        const struct msg_cart_coupon_req ask = {.user_id = cart->user_id,
                                                .coupon_id = 1 + draw(COUPONS),
                                                .if_version = if_version,
                                                .listed = draw(4) != 0 ? 1 : 0};
        if (status == STATUS_OK)
            status = model_coupon(cart, ask.coupon_id, ask.listed != 0);
        send(cart->user_id, OPCODE_CART_COUPON, &ask);
    }
    assert_reply(cart, status, 0, 0);
}

static void step_merge(struct model_cart *guest, u64 target_id)
{
    const struct msg_cart_merge_req ask = {
        .user_id = guest->user_id, .target_id = target_id, .strategy = (u16)(1 + draw(5))};
    const bool is_free = !guest->is_there || guest->state == CART_STATE_ACTIVE;
    const bool is_bought = guest->state == CART_STATE_CLAIMED || guest->state == CART_STATE_FROZEN;
    const bool is_own = town_count == 1;
    if (is_free) {
        guest->target = target_id;
        guest->strategy = ask.strategy;
        guest->merge_status = STATUS_OK;
        guest->merge_order = (struct id128){0, 0};
        guest->merge_version = 0;
        if (guest->line_count == 0 && guest->coupon_count == 0) {
            touch(guest);
            guest->state = CART_STATE_MERGED;
        } else {
            guest->state = CART_STATE_MERGING;
        }
    }
    struct model_cart said = *guest;
    if (guest->state == CART_STATE_MERGING && is_free && is_own) {
        model_pour(guest);
        model_poured(guest);
    }
    send(guest->user_id, OPCODE_CART_MERGE, &ask);
    const struct msg_cart_merge_rsp reply = FX_RSP(home_of(guest->user_id), cart_merge, 0);
    assert_int_equal(reply.head.status, is_bought ? STATUS_CART_FROZEN : STATUS_OK);
    assert_int_equal(reply.head.flags, !is_bought && !is_free ? RECORD_FLAG_REPLAYED : 0);
    assert_int_equal(reply.state, said.state);
    assert_int_equal(reply.target_id, is_bought ? 0 : said.target);
    assert_int_equal(reply.version, said.state == CART_STATE_MERGED ? said.merge_version : 0);
}

/* What an order does, beside the log. */
static void step_order(struct model_cart *cart)
{
    struct shard *shard = home_of(cart->user_id)->shard;
    if (!cart->is_there || cart->state >= CART_STATE_MERGING)
        return;
    if (cart->state == CART_STATE_ACTIVE) {
        cart->order = (struct id128){.low = ++order_number, .high = cart->user_id};
        cart->state = CART_STATE_CLAIMED;
        for (u32 i = 0; i < cart->coupon_count; i++)
            cart->is_claimed[i] = true;
        cart_claim(shard, cart->user_id, cart->order);
        return;
    }
    if (draw(3) != 0) {
        const bool is_frozen = draw(2) == 0;
        cart->state = is_frozen ? CART_STATE_FROZEN : CART_STATE_CLAIMED;
        cart_freeze(shard, cart->user_id, cart->order, is_frozen);
        return;
    }
    const struct id128 order = cart->order;
    struct row_cart_line bought[8];
    const u32 count = draw(3) == 0 ? 0 : 1 + (u32)draw(ARRAY_COUNT(bought));
    bool is_changed = false;
    for (u32 i = 0; i < count; i++)
        bought[i] = (struct row_cart_line){
            .sku_id = 1 + draw(SKUS), .options = draw(2), .quantity = 1 + (i64)draw(4)};
    cart->state = CART_STATE_ACTIVE;
    cart->order = (struct id128){0, 0};
    for (u32 i = 0; i < count; i++) {
        const u32 at = find_line(cart, bought[i].sku_id, bought[i].options);
        if (at == cart->line_count)
            continue;
        is_changed = true;
        cart->lines[at].quantity -= bought[i].quantity;
        if (cart->lines[at].quantity <= 0)
            cut_line(cart, at);
    }
    for (u32 i = cart->coupon_count; i > 0; i--) {
        if (count != 0 && cart->is_claimed[i - 1]) {
            cut_coupon(cart, i - 1);
            is_changed = true;
        } else {
            cart->is_claimed[i - 1] = false;
        }
    }
    if (is_changed)
        touch(cart);
    else
        renew(cart);
    placed += count != 0 ? 1 : 0;
    cart_let_go(shard, cart->user_id, order, bought, count, now_ns);
}

/* ---- comparing ---- */

static void assert_equal(const struct model_cart *cart)
{
    struct fx *fx = home_of(cart->user_id);
    const struct cx_cart *is = cx_get(fx, cart->user_id);
    assert_int_equal(is->head.version, cart->version);
    assert_int_equal(is->head.state, cart->state);
    assert_int_equal(is->head.created_at_ns, cart->created_ns);
    assert_int_equal(is->head.changed_at_ns, cart->changed_ns);
    assert_int_equal(is->head.expires_at_ns, is_mortal(cart) ? cart->expires_ns : 0);
    assert_true(id128_equal(is->head.order, cart->order));
    assert_int_equal(is->line_count, cart->line_count);
    assert_memory_equal(is->lines, cart->lines, cart->line_count * sizeof *cart->lines);
    assert_int_equal(is->coupon_count, cart->coupon_count);
    for (u32 i = 0; i < cart->coupon_count; i++)
        assert_int_equal(is->coupons[i].coupon_id, cart->coupons[i]);
    const struct msg_cart_merge_status_rsp status =
        FX_READ(fx, OPCODE_CART_MERGE_STATUS, cart_merge_status, .user_id = cart->user_id);
    assert_int_equal(status.target_id, cart->target);
    if (cart->state == CART_STATE_MERGING)
        return; /* the model knows more already */
    static struct row_pour_line report[CART_LINES_MAX];
    assert_int_equal(cx_rows(fx, OPCODE_CART_MERGE_STATUS, SPAN_OF(cart_merge_status_rsp, lines),
                             report, sizeof *report),
                     cart->report_count);
    assert_memory_equal(report, cart->report, cart->report_count * sizeof *report);
    assert_int_equal(status.version, cart->merge_version);
    assert_int_equal(status.outcome, cart->merge_status);
    assert_true(id128_equal(status.order, cart->merge_order));
}

/* A shard goes on from its snapshot. */
static void restart(struct fx *fx)
{
    struct shard *loaded = fx_reload(fx);
    fx_assert_digest(fx->shard, loaded);
    shard_close(fx->shard);
    fx->shard = loaded;
}

static void step(bool has_orders)
{
    struct model_cart *cart = &people[draw(PEOPLE)];
    const u64 if_version = draw(8) == 0 ? cart->version + draw(2) : 0;
    static const u64 gaps_ms[] = {1, 1000, 3600000, CX_DAY_MS, 11 * CX_DAY_MS, 31 * CX_DAY_MS};
    pass_time(draw(100) == 0 ? gaps_ms[draw(ARRAY_COUNT(gaps_ms))] * NS_PER_MS : draw(1000));
    for (u32 i = 0; i < town_count; i++)
        fx_at(&town[i], now_ns);
    for (u32 i = 0; town_count == 2 && i < 2; i++)
        if (draw(4) == 0)
            (void)carry_one((u16)i, (u16)(1 - i));
    switch (draw(12)) {
    case 0:
    case 1: step_line(cart, if_version); break;
    case 2: step_whole(cart, if_version); break;
    case 3:
        if ((cart->user_id & ID_GUEST_BIT) != 0 && draw(4) == 0)
            step_merge(cart, people[2 * draw(PEOPLE / 2)].user_id);
        break;
    case 4:
        if (has_orders)
            step_order(cart);
        break;
    default: step_put(cart, if_version);
    }
    assert_equal(cart);
}

static void run(u32 shards, bool has_orders)
{
    const char *seed = getenv("SOUK_SEED");
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : (u64)time(NULL) * 2654435761u + 1;
    printf("  carts over %u shards: SOUK_SEED=%llu\n", shards, (unsigned long long)random_state);
    town_count = shards;
    now_ns = FX_START_NS;
    merged = refused_frozen = expired = placed = 0;
    memset(carried, 0, sizeof carried);
    memset(people, 0, sizeof people);
    for (u16 i = 0; i < shards; i++)
        fx_open_with(&town[i], (struct shard_options){.index = i, .count = (u16)shards});
    /* Users in even places, guests in odd ones, so that they are poured from shard to shard. */
    u64 from = 100;
    for (u32 i = 0; i < PEOPLE; i++) {
        const u16 home = shards == 2 ? (u16)(i % 2) : 0;
        do
            from++;
        while (route_shard(route_hash_u64(i % 2 == 0 ? from : cx_guest(from)), (u16)shards) !=
               home);
        people[i].user_id = i % 2 == 0 ? from : cx_guest(from);
    }
    for (u32 s = 0; s < STEPS; s++) {
        step(has_orders);
        if (s % 500 == 499) {
            for (u32 i = 0; i < PEOPLE; i++)
                assert_equal(&people[i]);
            for (u32 i = 0; i < shards; i++) {
                (void)fx_verify(&town[i]);
                restart(&town[i]);
            }
        }
    }
    assert_true(merged > 3);
    assert_true(expired > 3);
    assert_true(!has_orders || placed > 3);
    for (u32 i = 0; i < shards; i++) {
        if (!has_orders)
            cx_assert_sound(&town[i]);
        fx_close(&town[i]);
    }
}

static void one_shard_does_what_the_model_does(void **state)
{
    (void)state;
    run(1, false);
}

static void two_shards_do_what_the_model_does(void **state)
{
    (void)state;
    run(2, false);
}

static void with_orders_too(void **state)
{
    (void)state;
    run(1, true);
    run(2, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_does_what_the_model_does),
        cmocka_unit_test(two_shards_do_what_the_model_does),
        cmocka_unit_test(with_orders_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
