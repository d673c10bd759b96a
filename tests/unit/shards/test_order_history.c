/* Histories of users, and guests' orders for accounts: docs/orders.md, "Access" and "Histories".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/order/order_history.h"
#include "shards/shard_handlers.h"
#include "tests/unit/shards/order_fixture.h"

#define ELSEWHERE 4
#define GUEST     (ID_GUEST_BIT | 4711)
#define MANY      100000u
#define FIRST_NS  (1600000000ull * NS_PER_S)

/* A page of a list. */
struct page {
    struct msg_order_list_rsp head;
    struct row_order_brief rows[LIST_PAGE_ROWS];
    u32 count;
};

static void list(struct of *of, struct page *page, struct msg_order_list_req ask)
{
    struct record_view view;
    memset(page, 0, sizeof *page);
    town_read(of->town, OPCODE_ORDER_LIST, 0, &ask, NULL, &page->head, &view);
    assert_int_equal(page->head.head.status, STATUS_OK);
    const struct span span = view.spans[SPAN_OF(order_list_rsp, orders)];
    memcpy(page->rows, span.data, span.bytes);
    page->count = span.bytes / (u32)sizeof page->rows[0];
}

static u32 count_of(struct of *of, u64 user)
{
    struct page page;
    list(of, &page, (struct msg_order_list_req){.user_id = user});
    return page.count;
}

static struct id128 buy_one(struct of *of, u64 user)
{
    return of_buy(of, (struct of_want){.lines = 1, .units = {1}, .user = user});
}

static void orders_are_listed_newest_first(void **state)
{
    (void)state;
    struct of of;
    struct page page;
    struct id128 orders[5];
    of_open(&of, 2);
    assert_int_equal(count_of(&of, OF_USER), 0);
    for (u32 i = 0; i < 5; i++) {
        orders[i] = buy_one(&of, OF_USER);
        if (i == 2)
            of_pay(&of);
        if (i != 3) /* the fifth is of the same time as the fourth */
            town_wait(of.town, 5 * NS_PER_MS);
    }
    (void)buy_one(&of, OF_USER + 1);
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER});
    assert_int_equal(page.count, 5);
    assert_int_equal(page.head.count, 5);
    assert_int_equal(page.head.more, 0);
    assert_true(id128_is_none(page.head.next));
    for (u32 i = 0; i < 5; i++)
        assert_true(id128_equal(page.rows[i].order, orders[4 - i]));
    const struct of_order *paid = of_get(&of, orders[2]);
    assert_int_equal(page.rows[2].summary, ORDER_SUMMARY_PAID);
    assert_int_equal(page.rows[2].state, SAGA_STATE_PAID);
    assert_int_equal(page.rows[2].total, OF_PRICE(0));
    assert_int_equal(page.rows[2].captured, OF_PRICE(0));
    assert_int_equal(page.rows[2].refunded, 0);
    assert_int_equal(page.rows[2].line_count, 1);
    assert_int_equal(page.rows[2].currency, OF_GBP);
    assert_int_equal(page.rows[2].created_at_ns, paid->head.created_at_ns);
    assert_int_equal(page.rows[1].summary, ORDER_SUMMARY_OPEN);
    of_pay(&of);
    of_close(&of);
}

static void pages_follow_each_other_whatever_is_ordered_meanwhile(void **state)
{
    (void)state;
    struct of of;
    struct page page;
    struct id128 orders[23];
    of_open(&of, 1);
    for (u32 i = 0; i < 23; i++) {
        orders[i] = buy_one(&of, OF_USER);
        if (i % 3 != 0)
            town_wait(of.town, NS_PER_MS);
    }
    struct msg_order_list_req ask = {.user_id = OF_USER, .limit = 4};
    u32 seen = 0;
    do {
        list(&of, &page, ask);
        for (u32 i = 0; i < page.count; i++)
            assert_true(id128_equal(page.rows[i].order, orders[22 - seen - i]));
        seen += page.count;
        assert_int_equal(page.head.more, seen < 23);
        if (page.head.more != 0) {
            assert_int_equal(page.count, 4);
            /* The cursor is the last row, and stays one when newer orders come. */
            assert_true(id128_equal(page.head.next, page.rows[3].order));
            assert_int_equal(page.head.next_created_ns, page.rows[3].created_at_ns);
        }
        ask.after = page.head.next;
        ask.after_created_ns = page.head.next_created_ns;
        (void)buy_one(&of, OF_USER);
    } while (page.head.more != 0);
    assert_int_equal(seen, 23);
    of_pay(&of);
    of_close(&of);
}

static void a_list_can_be_cut_by_time_and_summary(void **state)
{
    (void)state;
    struct of of;
    struct page page;
    struct id128 orders[6];
    u64 times[6];
    of_open(&of, 1);
    for (u32 i = 0; i < 6; i++) {
        orders[i] = buy_one(&of, OF_USER);
        of.is_shy = i % 2 != 0; /* every other one stays PLACED */
        of_pay(&of);
        times[i] = of.town->now_ns;
        town_wait(of.town, NS_PER_S);
    }
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .from_ns = times[4]});
    assert_int_equal(page.count, 2);
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .until_ns = times[2]});
    assert_int_equal(page.count, 2);
    assert_true(id128_equal(page.rows[0].order, orders[1]));
    list(&of, &page,
         (struct msg_order_list_req){
             .user_id = OF_USER, .from_ns = times[1], .until_ns = times[4] + 1, .limit = 3});
    assert_int_equal(page.count, 3);
    assert_true(id128_equal(page.rows[0].order, orders[4]));
    assert_int_equal(page.head.more, 1);
    list(&of, &page,
         (struct msg_order_list_req){.user_id = OF_USER,
                                     .from_ns = times[1],
                                     .until_ns = times[4] + 1,
                                     .after = page.head.next,
                                     .after_created_ns = page.head.next_created_ns});
    assert_int_equal(page.count, 1);
    assert_true(id128_equal(page.rows[0].order, orders[1]));
    /* A cursor that is newer than the end of the time asked for. */
    list(&of, &page,
         (struct msg_order_list_req){.user_id = OF_USER,
                                     .until_ns = times[2],
                                     .after = orders[4],
                                     .after_created_ns = times[4]});
    assert_int_equal(page.count, 2);
    assert_true(id128_equal(page.rows[0].order, orders[1]));
    const u32 placed = 1u << ORDER_SUMMARY_PLACED, paid = 1u << ORDER_SUMMARY_PAID;
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .summaries = placed});
    const u32 placed_count = page.count;
    assert_int_not_equal(placed_count, 0);
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .summaries = paid});
    assert_int_equal(page.count, 6 - placed_count);
    for (u32 i = 0; i < page.count; i++)
        assert_int_equal(page.rows[i].summary, ORDER_SUMMARY_PAID);
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .summaries = placed | paid});
    assert_int_equal(page.count, 6);
    list(&of, &page, (struct msg_order_list_req){.user_id = OF_USER, .summaries = 1});
    assert_int_equal(page.count, 0);
    assert_int_equal(page.head.count, 6);
    of_close(&of);
}

static void bad_lists_are_refused(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    const struct msg_order_list_req bad[] = {
        {.user_id = 0},
        {.user_id = OF_USER, .limit = LIST_PAGE_ROWS + 1},
        {.user_id = OF_USER, .after_created_ns = 1},
    };
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(town_ask(of.town, OPCODE_ORDER_LIST, 0, &bad[i], NULL, NULL, NULL),
                         STATUS_BAD_ARGUMENT);
    of_close(&of);
}

static u16 attach(struct of *of, struct id128 order, u64 user, u16 *flags)
{
    const struct msg_order_attach_req ask = {.order = order, .user_id = user};
    struct msg_order_attach_rsp answer;
    const u16 status = town_ask(of->town, OPCODE_ORDER_ATTACH, 0, &ask, NULL, &answer, NULL);
    if (flags != NULL)
        *flags = answer.head.flags;
    return status;
}

static u16 may_read(struct of *of, struct id128 order, u64 user)
{
    const struct msg_order_get_req ask = {.order = order, .user_id = user};
    return town_ask(of->town, OPCODE_ORDER_GET, 0, &ask, NULL, NULL, NULL);
}

/* Whether the account lives on the order's shard or not: the same but for what the brief says. */
static void attach_to(u64 account, bool is_same_shard)
{
    struct of of;
    struct page page;
    u16 flags;
    of_open(&of, ELSEWHERE);
    const bool is_same = route_shard(route_hash_u64(account), ELSEWHERE) ==
                         route_shard(route_hash_u64(GUEST), ELSEWHERE);
    assert_int_equal(is_same, is_same_shard);
    const struct id128 other = buy_one(&of, GUEST);
    town_wait(of.town, NS_PER_S);
    const struct id128 order = buy_one(&of, GUEST);
    of_pay(&of);
    town_wait(of.town, NS_PER_S);
    const struct id128 own = buy_one(&of, account);
    of_pay(&of);
    assert_int_equal(count_of(&of, GUEST), 2);
    assert_int_equal(may_read(&of, order, account), STATUS_FORBIDDEN);
    assert_int_equal(attach(&of, order, account, &flags), STATUS_OK);
    assert_int_equal(flags, 0);
    town_carry_all(of.town);
    assert_int_equal(may_read(&of, order, account), STATUS_OK);
    assert_int_equal(may_read(&of, order, GUEST), STATUS_FORBIDDEN);
    list(&of, &page, (struct msg_order_list_req){.user_id = GUEST});
    assert_int_equal(page.count, 1);
    assert_true(id128_equal(page.rows[0].order, other));
    list(&of, &page, (struct msg_order_list_req){.user_id = account});
    assert_int_equal(page.count, 2);
    assert_true(id128_equal(page.rows[0].order, own));
    assert_true(id128_equal(page.rows[1].order, order)); /* by its time, not the attaching */
    assert_int_equal(page.rows[1].total, OF_PRICE(0));
    assert_int_equal(page.rows[1].line_count, 1);
    assert_int_equal(page.rows[1].currency, OF_GBP);
    assert_int_equal(page.rows[1].created_at_ns, of_get(&of, order)->head.created_at_ns);
    assert_int_equal(page.rows[1].state, is_same_shard ? SAGA_STATE_PAID : 0);
    list(&of, &page, (struct msg_order_list_req){.user_id = account, .summaries = 1});
    assert_int_equal(page.count, is_same_shard ? 0 : 1);
    assert_int_equal(of_events(&of, order, ORDER_EVENT_ATTACHED), 1);
    assert_int_equal(attach(&of, order, account, &flags), STATUS_OK);
    assert_int_equal(flags, RECORD_FLAG_REPLAYED);
    town_carry_all(of.town);
    assert_int_equal(count_of(&of, account), 2);
    assert_int_equal(attach(&of, order, account + 1, NULL), STATUS_FORBIDDEN);
    assert_int_equal(attach(&of, own, account, NULL), STATUS_INVALID_STATE);
    assert_int_equal(attach(&of, other, account, NULL), STATUS_OK);
    town_carry_all(of.town);
    assert_int_equal(count_of(&of, GUEST), 0);
    assert_int_equal(count_of(&of, account), 3);
    /* From a dump of every shard it is the same. */
    list(&of, &page, (struct msg_order_list_req){.user_id = account});
    const struct page before = page;
    for (u16 i = 0; i < ELSEWHERE; i++) {
        town_thaw(of.town, i);
        assert_true(history_valid(&of.town->shards[i].shard->orders, account));
    }
    list(&of, &page, (struct msg_order_list_req){.user_id = account});
    assert_memory_equal(&page, &before, sizeof page);
    assert_int_equal(count_of(&of, GUEST), 0);
    of_close(&of);
}

static void a_guests_order_becomes_an_accounts_on_another_shard(void **state)
{
    (void)state;
    u64 account = 1;
    while (route_shard(route_hash_u64(account), ELSEWHERE) ==
           route_shard(route_hash_u64(GUEST), ELSEWHERE))
        account++;
    attach_to(account, false);
}

static void a_guests_order_becomes_an_accounts_on_the_same_shard(void **state)
{
    (void)state;
    u64 account = 1;
    while (route_shard(route_hash_u64(account), ELSEWHERE) !=
           route_shard(route_hash_u64(GUEST), ELSEWHERE))
        account++;
    attach_to(account, true);
}

static void bad_attaching_is_refused(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 2);
    const struct id128 order = buy_one(&of, GUEST);
    const struct id128 unknown = {.high = GUEST, .low = 4};
    assert_int_equal(attach(&of, order, 0, NULL), STATUS_BAD_ARGUMENT);
    assert_int_equal(attach(&of, order, GUEST + 1, NULL), STATUS_BAD_ARGUMENT);
    assert_int_equal(attach(&of, unknown, OF_USER, NULL), STATUS_NOT_FOUND);
    assert_int_equal(count_of(&of, GUEST), 1);
    of_pay(&of);
    of_close(&of);
}

/* ---- a user with very many orders ---- */

static struct msg_mail_attach_req reference(u32 i)
{
    /* Several of one time, and not in the order of time. */
    const u64 mixed = (u64)i * 2654435761u % MANY;
    return (struct msg_mail_attach_req){.user_id = OF_USER,
                                        .order = {.high = GUEST, .low = (mixed / 3) << 16 | mixed},
                                        .created_at_ns = FIRST_NS + mixed / 3 * NS_PER_S,
                                        .total = 5,
                                        .line_count = 1,
                                        .currency = OF_GBP};
}

static u32 depth_of(const struct order_room *room, u32 index)
{
    u32 depth = 0;
    for (; index != 0; index = history_entry_at(room, index)->above)
        depth++;
    return depth;
}

static void a_page_of_a_hundred_thousand_orders_is_a_few_steps_away(void **state)
{
    (void)state;
    struct of of;
    struct page page;
    of_open(&of, 1);
    struct shard *shard = of.town->shards[0].shard;
    const struct order_room *room = &shard->orders;
    for (u32 i = 0; i < MANY; i++) {
        const struct msg_mail_attach_req told = reference(i);
        const struct mail_call call = {.fixed = (const u8 *)&told};
        shard_mail_attach(shard, &call);
    }
    assert_true(history_valid(room, OF_USER));
    const struct history *history = history_at(room, history_find(room, OF_USER));
    u32 deepest = 0;
    for (u32 at = history_seek(room, history, NULL); at != 0; at = history_next(room, at))
        deepest = MAX(deepest, depth_of(room, at));
    assert_in_range(deepest, 17, 60);
    /* All pages, one after the other, each from its cursor alone. */
    struct msg_order_list_req ask = {.user_id = OF_USER, .limit = LIST_PAGE_ROWS};
    struct row_order_brief before = {.created_at_ns = UINT64_MAX};
    u32 seen = 0;
    do {
        list(&of, &page, ask);
        assert_int_equal(page.head.count, MANY);
        for (u32 i = 0; i < page.count; i++) {
            assert_true(page.rows[i].created_at_ns < before.created_at_ns ||
                        (page.rows[i].created_at_ns == before.created_at_ns &&
                         page.rows[i].order.low < before.order.low));
            before = page.rows[i];
        }
        seen += page.count;
        ask.after = page.head.next;
        ask.after_created_ns = page.head.next_created_ns;
    } while (page.head.more != 0);
    assert_int_equal(seen, MANY);
    /* A filter that nothing passes looks at so many at a time and says where it was. */
    ask = (struct msg_order_list_req){.user_id = OF_USER, .summaries = 1u << ORDER_SUMMARY_PAID};
    u32 pages = 0;
    do {
        list(&of, &page, ask);
        assert_int_equal(page.count, 0);
        ask.after = page.head.next;
        ask.after_created_ns = page.head.next_created_ns;
        pages++;
    } while (page.head.more != 0);
    assert_in_range(pages, 10, 100);
    town_close(of.town); /* the messages were not in its log */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_listed_newest_first),
        cmocka_unit_test(pages_follow_each_other_whatever_is_ordered_meanwhile),
        cmocka_unit_test(a_list_can_be_cut_by_time_and_summary),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(a_guests_order_becomes_an_accounts_on_another_shard),
        cmocka_unit_test(a_guests_order_becomes_an_accounts_on_the_same_shard),
        cmocka_unit_test(bad_attaching_is_refused),
        cmocka_unit_test(a_page_of_a_hundred_thousand_orders_is_a_few_steps_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
