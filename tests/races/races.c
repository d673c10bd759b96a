/* races: what shoppers, workers, webhooks and the shop do at the same moment, many times over.
 *
 *      races [--rounds N] [--seed N] [--only NAME]
 *
 *      carts       two devices check out one cart: one order
 *      repeats     one order id from 64 connections: one order, one answer
 *      cancels     webhook against worker against checkout_cancel: placed or cancelled, never half
 *      ships       order_cancel against fulfil_ship: the units go one way
 *      edits       a cart is edited while it is paid for: frozen then, and nothing is lost
 *      coupons     a single-use coupon by a thousand users at once: one has it
 *      gifts       a gift card is spent twice at once: once
 *
 * Each race has a server of its own; after its rounds all orders, SKUs and the provider's books are
 * held against each other (market_audit). Prints one line per race.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/saga.h"
#include "tests/races/market.h"

#define SKUS        12u
#define STOCK       1000000
#define FIRST_USER  5000u
#define CONNECTIONS 64u
#define USERS       1000u
#define PAUSE_US    1500u

struct wishes {
    u32 rounds;
    u64 seed;
    const char *only;
};

/* One race under way. */
struct race {
    struct market market;
    struct wishes wishes;
    pthread_mutex_t lock;
    u32 round;
    u64 random;
    u32 counts[4]; /* what a race wants to count */
    struct souk_client *connections[CONNECTIONS];
    /* Of the round. */
    u64 user;
    struct souk_id128 orders[2];
    struct souk_checkout_reply checkouts[CONNECTIONS];
    u64 cart_version;
    u16 statuses[2];
    i64 added[2];
    bool is_begun, is_ended;
};

static void count_one(struct race *race, u32 index)
{
    (void)pthread_mutex_lock(&race->lock);
    race->counts[index]++;
    (void)pthread_mutex_unlock(&race->lock);
}

static void new_round(struct race *race)
{
    race->round++;
    race->user = FIRST_USER + race->round;
    race->orders[0] = souk_order_new(race->user);
    race->orders[1] = souk_order_new(race->user);
    race->added[0] = race->added[1] = 0;
    race->is_begun = race->is_ended = false;
}

/* ---- carts ----------------------------------------------------------------------------------- */

static struct souk_cart_add_reply add_to_cart(struct race *race, u32 sku, i64 quantity)
{
    const struct souk_cart_add add = {.user_id = race->user,
                                      .sku_id = market_sku(sku).id,
                                      .quantity = quantity,
                                      .price_seen = market_price(sku),
                                      .currency = MARKET_GBP};
    struct souk_cart_add_reply reply;
    const int error = souk_cart_add(race->market.client, &add, &reply);
    MUST(error == 0);
    return reply;
}

static struct souk_cart_get_reply cart_of(struct race *race)
{
    const struct souk_cart_get ask = {.user_id = race->user};
    struct souk_cart_get_reply reply;
    const int error = souk_cart_get(race->market.client, &ask, &reply);
    MUST(error == 0 && reply.status == SOUK_OK);
    return reply;
}

static i64 quantity_in(const struct souk_cart_get_reply *cart, u32 sku)
{
    struct souk_row_cart_line row;
    for (u32 i = 0; souk_row_at(cart->lines, sizeof row, i, &row); i++) /* ends: no such row */
        if (row.sku_id == market_sku(sku).id)
            return row.quantity;
    return 0;
}

static void check_out_cart(struct market_member *member)
{
    struct race *race = member->context;
    const struct market_wish wish = {.order = race->orders[member->index],
                                     .total = 2 * market_price(0) + market_price(1),
                                     .cart_version = race->cart_version,
                                     .from_cart = true};
    races_pause(&member->random, PAUSE_US);
    race->checkouts[member->index] = market_checkout(&race->market, &wish);
}

static void race_carts(struct race *race)
{
    const u16 fair[] = {SOUK_CART_FROZEN, SOUK_VERSION_CONFLICT, SOUK_CART_EMPTY};
    (void)add_to_cart(race, 0, 2);
    const u64 version = add_to_cart(race, 1, 1).version;
    race->cart_version = race->round % 2 == 0 ? version : 0;
    market_crowd(2, race->random + race->round, check_out_cart, race);
    const struct souk_checkout_reply *replies = race->checkouts;
    const u32 winner = replies[0].status == SOUK_OK ? 0 : 1;
    const struct souk_checkout_reply *loser = &replies[1 - winner];
    market_must(replies[winner].status == SOUK_OK, "no order of the cart", race->orders[winner]);
    bool is_fair = false;
    for (u32 i = 0; i < ARRAY_COUNT(fair); i++)
        is_fair = is_fair || loser->status == fair[i];
    market_must(is_fair, souk_status_name(loser->status), race->orders[1 - winner]);
    if (loser->status == SOUK_CART_FROZEN) {
        market_must(memcmp(&loser->frozen_by, &race->orders[winner], sizeof loser->frozen_by) == 0,
                    "another order is named", race->orders[1 - winner]);
        count_one(race, 1);
    }
    const u16 state = market_await(&race->market, race->orders[winner]).state;
    market_must(state == SAGA_STATE_PAID, souk_state_name(state), race->orders[winner]);
    const struct souk_cart_get_reply cart = cart_of(race);
    market_must(cart.lines.bytes == 0, "ordered, and still in the cart", race->orders[winner]);
    souk_free(cart.memory);
    count_one(race, 0);
}

/* ---- repeats --------------------------------------------------------------------------------- */

static void repeat_checkout(struct market_member *member)
{
    struct race *race = member->context;
    struct market_wish wish = {
        .order = race->orders[0], .client = race->connections[member->index], .line_count = 2};
    wish.lines[0] = (struct market_line){.sku = 2, .quantity = 1};
    wish.lines[1] = (struct market_line){.sku = 5, .quantity = 2};
    races_pause(&member->random, PAUSE_US);
    race->checkouts[member->index] = market_checkout(&race->market, &wish);
}

static void race_repeats(struct race *race)
{
    u32 first = 0;
    market_crowd(CONNECTIONS, race->random + race->round, repeat_checkout, race);
    for (u32 i = 0; i < CONNECTIONS; i++) {
        market_must(race->checkouts[i].status == SOUK_OK,
                    souk_status_name(race->checkouts[i].status), race->orders[0]);
        first += (race->checkouts[i].flags & SOUK_FLAG_REPLAYED) == 0 ? 1 : 0;
    }
    market_must(first == 1, "the order was made more than once, or never", race->orders[0]);
    const u16 state = market_await(&race->market, race->orders[0]).state;
    market_must(state == SAGA_STATE_PAID, souk_state_name(state), race->orders[0]);
    const struct souk_order_list ask = {.user_id = race->user};
    struct souk_order_list_reply list;
    const int error = souk_order_list(race->market.client, &ask, &list);
    MUST(error == 0);
    market_must(list.count == 1, "more than one order in the history", race->orders[0]);
    souk_free(list.memory);
    market_must(provider_account(race->market.provider, race->orders[0], 0).captures == 1,
                "captured more than once", race->orders[0]);
    count_one(race, 0);
}

/* ---- cancels --------------------------------------------------------------------------------- */

/* Every member has orders of its own and gives each up at some moment. */
static void order_and_cancel(struct market_member *member)
{
    struct race *race = member->context;
    struct market_wish wish = {.order = souk_order_new(race->user * 16 + member->index),
                               .line_count = 2,
                               .on_ship = races_below(&member->random, 4) == 0};
    const struct souk_checkout_cancel cancel = {.order = wish.order, .reason = 1};
    struct souk_checkout_cancel_reply reply;
    wish.lines[0] = (struct market_line){.sku = member->index, .quantity = 1};
    wish.lines[1] = (struct market_line){.sku = member->index + 1, .quantity = 1};
    (void)market_checkout(&race->market, &wish);
    races_pause(&member->random, 8 * PAUSE_US);
    const int error = souk_checkout_cancel(race->market.client, &cancel, &reply);
    MUST(error == 0);
    market_must(reply.status == SOUK_OK || reply.status == SOUK_ALREADY_PLACED ||
                    reply.status == SOUK_ORDER_CANCELLED,
                souk_status_name(reply.status), wish.order);
    const struct souk_checkout_status_reply end = market_await(&race->market, wish.order);
    const bool is_placed = end.state == SAGA_STATE_PAID || end.state == SAGA_STATE_PLACED;
    market_must(is_placed || end.state == SAGA_STATE_CANCELLED ||
                    end.state == SAGA_STATE_VOID_PENDING,
                souk_state_name(end.state), wish.order);
    market_must(is_placed == (reply.status == SOUK_ALREADY_PLACED) ||
                    (!is_placed && end.reason == SOUK_PAYMENT_DECLINED),
                "cancelled, and not cancelled", wish.order);
    count_one(race, is_placed ? 1 : 0);
}

static void race_cancels(struct race *race)
{
    market_crowd(8, race->random + race->round, order_and_cancel, race);
}

/* ---- ships ----------------------------------------------------------------------------------- */

static void ship_or_cancel(struct market_member *member)
{
    struct race *race = member->context;
    races_pause(&member->random, PAUSE_US / 4);
    if (member->index == 0) {
        const struct souk_fulfil_ship ship = {.order = race->orders[0], .number = 1};
        struct souk_fulfil_ship_reply reply;
        const int error = souk_fulfil_ship(race->market.client, &ship, &reply);
        MUST(error == 0);
        race->statuses[0] = reply.status;
    } else {
        const struct souk_row_line_quantity row = {.line = 0, .quantity = 3};
        const struct souk_order_cancel cancel = {
            .order = race->orders[0], .reason = 1, .lines = souk_rows_of(&row, sizeof row, 1)};
        struct souk_order_cancel_reply reply;
        const int error = souk_order_cancel(race->market.client, &cancel, &reply);
        MUST(error == 0);
        race->statuses[1] = reply.status;
    }
}

static void plan_parcel(struct race *race)
{
    const struct souk_fulfil_create ask = {.order = race->orders[0], .number = 1};
    struct souk_fulfil_create_reply reply;
    const int error = souk_fulfil_create(race->market.client, &ask, &reply);
    MUST(error == 0);
    market_must(reply.status == SOUK_OK, souk_status_name(reply.status), race->orders[0]);
}

static void race_ships(struct race *race)
{
    struct market_wish wish = {.order = race->orders[0], .line_count = 1};
    wish.lines[0] = (struct market_line){.sku = race->round % SKUS, .quantity = 3};
    (void)market_checkout(&race->market, &wish);
    const u16 paid = market_await(&race->market, wish.order).state;
    market_must(paid == SAGA_STATE_PAID, souk_state_name(paid), wish.order);
    plan_parcel(race);
    market_crowd(2, race->random + race->round, ship_or_cancel, race);
    const bool is_shipped = race->statuses[0] == SOUK_OK;
    const bool is_cancelled = race->statuses[1] == SOUK_OK;
    market_must(is_shipped != is_cancelled, "shipped and cancelled, or neither", wish.order);
    market_must(is_cancelled || race->statuses[1] == SOUK_ALREADY_SHIPPED,
                souk_status_name(race->statuses[1]), wish.order);
    u16 state = 0;
    for (u32 i = 0; i < 6000 && !souk_state_is_resting(state); i++) { /* ends: soon */
        state = market_await(&race->market, wish.order).state;
        if (is_shipped && state == SAGA_STATE_PAID)
            state = 0; /* the parcel is leaving */
        served_nap(souk_state_is_resting(state) ? 0 : 5);
    }
    market_must(state == (is_shipped ? SAGA_STATE_SHIPPED : SAGA_STATE_CANCELLED),
                souk_state_name(state), wish.order);
    count_one(race, is_shipped ? 1 : 0);
}

/* ---- edits ----------------------------------------------------------------------------------- */

static void say(struct race *race, bool *what)
{
    (void)pthread_mutex_lock(&race->lock);
    *what = true;
    (void)pthread_mutex_unlock(&race->lock);
}

static bool is_said(struct race *race, const bool *what)
{
    (void)pthread_mutex_lock(&race->lock);
    const bool is_said = *what;
    (void)pthread_mutex_unlock(&race->lock);
    return is_said;
}

static void pay_or_edit(struct market_member *member)
{
    struct race *race = member->context;
    if (member->index == 0) {
        const struct market_wish wish = {
            .order = race->orders[0], .total = 2 * market_price(0), .from_cart = true};
        races_pause(&member->random, PAUSE_US / 4);
        race->checkouts[0] = market_checkout(&race->market, &wish);
        say(race, &race->is_begun);
        if (race->checkouts[0].status == SOUK_OK)
            race->statuses[0] = market_await(&race->market, wish.order).state;
        say(race, &race->is_ended);
        return;
    }
    while (race->round % 4 != 0 &&
           !is_said(race, &race->is_begun)) /* ends: the other one says it */
        served_nap(0);
    for (bool is_ended = false; !is_ended;) { /* ends: the other one does */
        const u32 sku = member->index; /* one edits what is ordered, one adds something else */
        const struct souk_cart_add_reply reply = add_to_cart(race, sku - 1, 1);
        market_must(reply.status == SOUK_OK || reply.status == SOUK_CART_FROZEN,
                    souk_status_name(reply.status), race->orders[0]);
        if (reply.status == SOUK_OK)
            race->added[sku - 1]++;
        else
            count_one(race, 1);
        market_must(reply.status == SOUK_OK ||
                        memcmp(&reply.order, &race->orders[0], sizeof reply.order) == 0,
                    "frozen by another order", race->orders[0]);
        races_pause(&member->random, PAUSE_US / 8);
        is_ended = is_said(race, &race->is_ended);
    }
}

static i64 ordered_units(struct race *race, u32 sku)
{
    const struct souk_order_get_reply order = market_order(&race->market, race->orders[0]);
    struct souk_row_order_line row;
    i64 units = 0;
    for (u32 i = 0; souk_row_at(order.lines, sizeof row, i, &row); i++) /* ends: no such row */
        units += row.sku_id == market_sku(sku).id ? row.quantity : 0;
    souk_free(order.memory);
    return units;
}

/* The shopper saw two units of the first SKU: with more in the cart the order fails, and the cart
 * stays as it is. */
static void race_edits(struct race *race)
{
    (void)add_to_cart(race, 0, 2);
    market_crowd(3, race->random + race->round, pay_or_edit, race);
    const struct souk_id128 order = race->orders[0];
    market_must(race->checkouts[0].status == SOUK_OK, souk_status_name(race->checkouts[0].status),
                order);
    const bool is_paid = race->statuses[0] == SAGA_STATE_PAID;
    market_must(is_paid || race->statuses[0] == SAGA_STATE_CANCELLED,
                souk_state_name(race->statuses[0]), order);
    const struct souk_cart_get_reply cart = cart_of(race);
    for (u32 sku = 0; sku < 2; sku++) {
        const i64 had = race->added[sku] + (sku == 0 ? 2 : 0);
        const i64 left = had - (is_paid ? ordered_units(race, sku) : 0);
        market_must(quantity_in(&cart, sku) == left, "the cart lost or kept something", order);
    }
    market_must(cart.state == SOUK_CART_STATE_ACTIVE || cart.state == SOUK_CART_STATE_NONE,
                "the cart is not free again", order);
    souk_free(cart.memory);
    count_one(race, is_paid ? 0 : 2);
}

/* ---- coupons --------------------------------------------------------------------------------- */

#define COUPON_OFF 60

static struct souk_resource coupon_of(const struct race *race)
{
    return (struct souk_resource){.id = 770000 + race->round, .kind = SOUK_KIND_COUPON};
}

static void put_coupon(struct race *race)
{
    const struct souk_promotion_put put = {.home_id = 880000 + race->round,
                                           .value = COUPON_OFF,
                                           .coupon_id = coupon_of(race).id,
                                           .per_customer = 1,
                                           .kind = SOUK_PROMOTION_FIXED,
                                           .currency = MARKET_GBP,
                                           .is_limited = 1,
                                           .name = souk_text64_of("single use")};
    struct souk_setting_status_reply reply;
    market_put(&race->market, coupon_of(race), 0, 1);
    const int error = souk_setting_put_wait(race->market.client, SOUK_OP_PROMOTION_PUT, &put,
                                            MARKET_WAIT_MS, &reply);
    MUST(error == 0);
    MUST(reply.status == SOUK_OK && reply.pending == 0);
}

static void use_coupon(struct market_member *member)
{
    struct race *race = member->context;
    for (u32 i = member->index; i < USERS; i += CONNECTIONS) {
        struct market_wish wish = {.order = souk_order_new(race->user * USERS + i),
                                   .client = race->connections[member->index],
                                   .line_count = 1,
                                   .total = market_price(i % SKUS) - COUPON_OFF,
                                   .coupon_id = coupon_of(race).id};
        wish.lines[0] = (struct market_line){.sku = i % SKUS, .quantity = 1};
        const struct souk_checkout_reply reply = market_checkout(&race->market, &wish);
        market_must(reply.status == SOUK_OK, souk_status_name(reply.status), wish.order);
        const struct souk_checkout_status_reply end = market_await(&race->market, wish.order);
        market_must(end.state == SAGA_STATE_PAID ||
                        (end.state == SAGA_STATE_CANCELLED && end.reason == SOUK_COUPON_EXHAUSTED),
                    souk_status_name(end.reason), wish.order);
        count_one(race, end.state == SAGA_STATE_PAID ? 0 : 1);
    }
}

static void race_coupons(struct race *race)
{
    const u32 before = race->counts[0];
    put_coupon(race);
    market_crowd(CONNECTIONS, race->random + race->round, use_coupon, race);
    if (race->counts[0] != before + 1)
        (void)fprintf(stderr, "%u have the coupon\n", race->counts[0] - before);
    MUST(race->counts[0] == before + 1);
    const struct souk_sku_get_reply coupon = market_get_at_rest(&race->market, coupon_of(race));
    MUST(coupon.sellable == 0);
}

/* ---- gifts ----------------------------------------------------------------------------------- */

#define GIFT_UNITS 1000
#define GIFT_PART  800

static struct souk_resource gift_of(const struct race *race)
{
    return (struct souk_resource){.id = 660000 + race->round, .kind = SOUK_KIND_GIFT_CARD};
}

static void spend_gift(struct market_member *member)
{
    struct race *race = member->context;
    struct market_wish wish = {.order = race->orders[member->index],
                               .line_count = 1,
                               .gift_card = gift_of(race).id,
                               .gift = GIFT_PART};
    wish.lines[0] = (struct market_line){.sku = 7, .quantity = 4 + (i64)(race->round % 3)};
    races_pause(&member->random, PAUSE_US / 4);
    race->checkouts[member->index] = market_checkout(&race->market, &wish);
    race->statuses[member->index] = market_await(&race->market, wish.order).state;
}

static void race_gifts(struct race *race)
{
    market_put(&race->market, gift_of(race), 0, GIFT_UNITS);
    market_crowd(2, race->random + race->round, spend_gift, race);
    u32 paid = 0;
    for (u32 i = 0; i < 2; i++) {
        const struct souk_order_get_reply order = market_order(&race->market, race->orders[i]);
        paid += order.state == SAGA_STATE_PAID ? 1 : 0;
        market_must(order.state == SAGA_STATE_PAID ||
                        (order.state == SAGA_STATE_CANCELLED && order.reason == SOUK_CREDIT_SHORT),
                    souk_status_name(order.reason), order.order);
        souk_free(order.memory);
    }
    market_must(paid == 1, "the card paid for both, or for none", race->orders[0]);
    const struct souk_sku_get_reply card = market_get_at_rest(&race->market, gift_of(race));
    MUST(card.allocated == 0);
    MUST(card.sellable == GIFT_UNITS - GIFT_PART);
    count_one(race, 0);
}

/* ---- the races ------------------------------------------------------------------------------- */

static const struct entry {
    const char *name;
    void (*run)(struct race *race);
    u32 percent;          /* of the rounds asked for */
    const char *words[3]; /* what the counts are */
    struct provider_options provider;
    bool has_connections;
} entries[] = {
    {"carts",
     race_carts,
     100,
     {"sold once", "told the other order", NULL},
     {.is_twice = true},
     false},
    {"repeats", race_repeats, 25, {"made once", NULL, NULL}, {.is_twice = true}, true},
    {"cancels",
     race_cancels,
     200,
     {"cancelled", "placed", NULL},
     {.workers = 4, .pause_us_max = PAUSE_US, .decline = 10, .fail = 10, .is_twice = true},
     false},
    {"ships", race_ships, 100, {"cancelled", "shipped", NULL}, {.is_twice = true}, false},
    {"edits",
     race_edits,
     100,
     {"paid", "edits refused", "at another price"},
     {.pause_us_max = PAUSE_US},
     false},
    {"coupons", race_coupons, 1, {"had it", "had not", NULL}, {.workers = 2}, true},
    {"gifts", race_gifts, 100, {"spent once", NULL, NULL}, {.workers = 2}, false},
};

static void open_connections(struct race *race)
{
    const struct souk_options options = {.address = race->market.served.address,
                                         .deadline_ms = 60000};
    for (u32 i = 0; i < CONNECTIONS; i++) {
        const int error = souk_open(&options, &race->connections[i]);
        MUST(error == 0);
    }
}

static void run_entry(const struct entry *entry, const struct wishes *wishes)
{
    static struct race race;
    const u32 rounds = MAX(wishes->rounds * entry->percent / 100, 1);
    struct market_options options = {.shards = 3, .reactors = 2, .skus = SKUS, .stock = STOCK};
    options.provider = entry->provider;
    options.provider.deeds_max = 64 * rounds + 64 * USERS;
    race = (struct race){.wishes = *wishes, .random = wishes->seed * 7919};
    market_open(&race.market, &options);
    (void)pthread_mutex_init(&race.lock, NULL);
    if (entry->has_connections)
        open_connections(&race);
    for (u32 i = 0; i < rounds; i++) {
        new_round(&race);
        entry->run(&race);
    }
    market_settle(&race.market);
    const struct market_sums sums = market_audit(&race.market);
    for (u32 i = 0; i < CONNECTIONS; i++)
        souk_close(race.connections[i]);
    market_close(&race.market);
    (void)pthread_mutex_destroy(&race.lock);
    (void)printf("races: %s: %u rounds, %u orders, %u placed", entry->name, rounds, sums.orders,
                 sums.placed);
    for (u32 i = 0; i < ARRAY_COUNT(entry->words) && entry->words[i] != NULL; i++)
        (void)printf(", %u %s", race.counts[i], entry->words[i]);
    (void)printf("\n");
    (void)fflush(stdout);
}

int main(int count, char **arguments)
{
    struct wishes wishes = {.rounds = 40, .seed = 1};
    for (int i = 1; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], "--rounds") == 0)
            wishes.rounds = (u32)strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--seed") == 0)
            wishes.seed = strtoull(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--only") == 0)
            wishes.only = arguments[i + 1];
    }
    u32 run = 0;
    for (u32 i = 0; i < ARRAY_COUNT(entries); i++) {
        if (wishes.only != NULL && strcmp(wishes.only, entries[i].name) != 0)
            continue;
        run_entry(&entries[i], &wishes);
        run++;
    }
    if (count % 2 == 0 || run == 0) {
        (void)fprintf(stderr, "usage: races [--rounds N] [--seed N] [--only NAME]\n");
        return 2;
    }
    return 0;
}
