/* flash_sale: many shoppers, few units, one thread: async calls inside the caller's own epoll loop.
 *
 *      flash_sale [ADDRESS [UNITS [SHOPPERS]]]
 *
 * Every shopper asks once. Exactly UNITS of them get one; the others hear SOLD_OUT. The loop waits
 * on souk_fd() next to a timer of its own, as a program with other things to do would.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <souk.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 20000u

struct sale {
    unsigned asked;
    unsigned granted;
    unsigned sold_out;
    unsigned failed;
};

static void on_taken(void *context, int error, const void *replies, uint32_t count)
{
    struct sale *sale = context;
    const struct souk_take_reply *reply = replies;
    (void)count;
    if (error != 0 || souk_status_class(reply->status) == SOUK_CLASS_FIX)
        sale->failed++;
    else if (reply->status == SOUK_OK)
        sale->granted++;
    else
        sale->sold_out++;
}

/* A fresh SKU with `units` on the shelf. Returns 0, or an error or status. */
static int stock_up(struct souk_client *client, struct souk_resource sku, const char *code,
                    long units)
{
    struct souk_sku_put_reply put = {0};
    struct souk_stock_set_reply set = {0};
    const struct souk_sku_put record = {.resource = sku,
                                        .price = 999,
                                        .currency = souk_currency("EUR"),
                                        .code = souk_text_of(code)};
    int error = souk_sku_put(client, &record, &put);
    if (error == 0 && put.status == SOUK_OK)
        error = souk_stock_set(
            client, &(struct souk_stock_set){.resource = sku, .expected = -1, .value = units},
            &set);
    return error != 0 ? error : put.status != SOUK_OK ? put.status : set.status;
}

/* Asks for as many as may be in flight. */
static void ask(struct souk_client *client, struct sale *sale, struct souk_resource sku,
                unsigned shoppers)
{
    while (sale->asked < shoppers && souk_open_calls(client) < IN_FLIGHT_MAX) {
        const struct souk_take record = {
            .resource = sku, .quantity = 1, .owner = sale->asked + 1, .id = souk_new_id()};
        if (souk_take_async(client, &record, on_taken, sale) != 0)
            return; /* the queue is full: poll first */
        sale->asked++;
    }
}

static int run(struct souk_client *client, struct souk_resource sku, unsigned shoppers)
{
    struct sale sale = {0};
    const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const struct itimerspec every = {{0, 200000000}, {0, 200000000}};
    struct epoll_event sales = {.events = (uint32_t)souk_events(client), .data.u32 = 1};
    struct epoll_event ticks = {.events = EPOLLIN, .data.u32 = 2};
    timerfd_settime(timer_fd, 0, &every, NULL);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, souk_fd(client), &sales);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &ticks);
    while (sale.granted + sale.sold_out + sale.failed < shoppers) {
        ask(client, &sale, sku, shoppers);
        struct epoll_event event;
        if (epoll_wait(epoll_fd, &event, 1, 10000) != 1)
            break;
        uint64_t expirations;
        if (event.data.u32 == 1)
            souk_poll(client, 0);
        else if (read(timer_fd, &expirations, sizeof expirations) > 0)
            printf("  %u of %u answered\n", sale.granted + sale.sold_out, shoppers);
    }
    close(timer_fd);
    close(epoll_fd);
    printf("%u shoppers: %u granted, %u refused, %u without an answer\n", shoppers, sale.granted,
           sale.sold_out, sale.failed);
    return sale.failed == 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    struct souk_client *client;
    char text[SOUK_ERROR_TEXT_MAX];
    const long units = count > 2 ? strtol(arguments[2], NULL, 10) : 100;
    const unsigned shoppers = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 10000;
    const struct souk_options options = {.address = count > 1 ? arguments[1] : NULL,
                                         .agent = "flash_sale"};
    if (souk_open(&options, &client) != 0) {
        fprintf(stderr, "%s\n", souk_error_text(client, text, sizeof text));
        souk_close(client);
        return 3;
    }
    char code[SOUK_ID_TEXT_MAX];
    souk_id_print(souk_new_id(), code);
    const struct souk_resource sku = souk_sku(code);
    int result = stock_up(client, sku, code, units);
    if (result != 0)
        fprintf(stderr, "cannot stock up: %d\n", result);
    else
        result = run(client, sku, shoppers);
    souk_close(client);
    return result == 0 ? 0 : 1;
}
