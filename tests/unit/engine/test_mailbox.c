/* The mailbox: order, bounds, and no lost wake-up between two threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>

#include "engine/mailbox.h"

#define TRIPS 200000u

static struct mailbox *new_box(void)
{
    struct mailbox *box = aligned_alloc(MAILBOX_LINE_BYTES, sizeof *box);
    assert_non_null(box);
    *box = (struct mailbox){0};
    return box;
}

static void an_empty_box_gives_nothing(void **state)
{
    (void)state;
    struct mailbox *box = new_box();
    assert_true(mailbox_is_empty(box));
    assert_null(mailbox_pop(box));
    free(box);
}

static void mail_comes_out_in_order_over_many_rounds(void **state)
{
    (void)state;
    struct mailbox *box = new_box();
    struct mail mails[3] = {{.count = 0}};
    for (u32 round = 0; round < 3 * MAILBOX_SLOTS; round++) {
        for (u32 i = 0; i < 3; i++)
            assert_true(mailbox_push(box, &mails[i]));
        for (u32 i = 0; i < 3; i++)
            assert_ptr_equal(mailbox_pop(box), &mails[i]);
    }
    assert_true(mailbox_is_empty(box));
    free(box);
}

static void a_full_box_refuses_and_takes_again_after_a_pop(void **state)
{
    (void)state;
    struct mailbox *box = new_box();
    struct mail mail = {0};
    for (u32 i = 0; i < MAILBOX_SLOTS; i++)
        assert_true(mailbox_push(box, &mail));
    assert_false(mailbox_push(box, &mail));
    assert_ptr_equal(mailbox_pop(box), &mail);
    assert_true(mailbox_push(box, &mail));
    assert_false(mailbox_push(box, &mail));
    free(box);
}

static void a_bell_rings_once_for_a_sleeper(void **state)
{
    (void)state;
    struct mailbox_bell bell = {0};
    assert_false(mailbox_bell_must_ring(&bell));
    mailbox_bell_sleep(&bell);
    assert_true(mailbox_bell_must_ring(&bell));
    assert_false(mailbox_bell_must_ring(&bell));
    mailbox_bell_sleep(&bell);
    mailbox_bell_awake(&bell);
    assert_false(mailbox_bell_must_ring(&bell));
}

/* A consumer that really sleeps, on a semaphore that only the bell posts: a lost wake-up would leave
 * both threads waiting for ever, and the test would not end. */
struct pair {
    struct mailbox *box;
    struct mailbox_bell bell;
    sem_t wake;
    u64 sum;
};

static void *consume(void *argument)
{
    struct pair *pair = argument;
    for (u32 taken = 0; taken < TRIPS;) {
        struct mail *mail = mailbox_pop(pair->box);
        if (mail != NULL) {
            pair->sum += mail->count;
            mail->count = 0;
            taken++;
            continue;
        }
        mailbox_bell_sleep(&pair->bell);
        if (mailbox_is_empty(pair->box))
            (void)sem_wait(&pair->wake);
        mailbox_bell_awake(&pair->bell);
    }
    return NULL;
}

static void two_threads_lose_neither_mail_nor_wake_up(void **state)
{
    (void)state;
    struct pair *pair = aligned_alloc(MAILBOX_LINE_BYTES, sizeof *pair);
    assert_non_null(pair);
    *pair = (struct pair){.box = new_box()};
    (void)sem_init(&pair->wake, 0, 0);
    struct mail *mails = calloc(TRIPS, sizeof *mails);
    assert_non_null(mails);
    pthread_t consumer;
    assert_int_equal(pthread_create(&consumer, NULL, consume, pair), 0);
    u64 sum = 0;
    for (u32 i = 0; i < TRIPS; i++) {
        mails[i].count = i;
        sum += i;
        while (!mailbox_push(pair->box, &mails[i]))
            if (mailbox_bell_must_ring(&pair->bell))
                (void)sem_post(&pair->wake);
        if (mailbox_bell_must_ring(&pair->bell))
            (void)sem_post(&pair->wake);
    }
    assert_int_equal(pthread_join(consumer, NULL), 0);
    assert_int_equal(pair->sum, sum);
    free(mails);
    free(pair->box);
    (void)sem_destroy(&pair->wake);
    free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_box_gives_nothing),
        cmocka_unit_test(mail_comes_out_in_order_over_many_rounds),
        cmocka_unit_test(a_full_box_refuses_and_takes_again_after_a_pop),
        cmocka_unit_test(a_bell_rings_once_for_a_sleeper),
        cmocka_unit_test(two_threads_lose_neither_mail_nor_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
