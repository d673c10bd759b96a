/* books: see tests/town/books.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/town/books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

struct account_slot {
    struct id128 order;
    u16 tender;
    bool is_used;
    struct books_account account;
};

struct books {
    struct books_deed *deeds; /* open addressing, never full */
    u64 deed_mask, deed_count;
    struct account_slot *accounts;
    u64 account_mask, account_count;
    u64 number;
};

struct books *books_open(u32 deeds_max)
{
    struct books *books = calloc(1, sizeof *books);
    u64 slots = 1024;
    MUST(books != NULL);
    while (slots < 2ull * deeds_max)
        slots *= 2;
    books->deed_mask = books->account_mask = slots - 1;
    books->deeds = calloc(slots, sizeof *books->deeds);
    books->accounts = calloc(slots, sizeof *books->accounts);
    MUST(books->deeds != NULL && books->accounts != NULL);
    return books;
}

void books_close(struct books *books)
{
    free(books->deeds);
    free(books->accounts);
    free(books);
}

/* ---- finding --------------------------------------------------------------------------------- */

static u64 mix(struct id128 order, u64 more)
{
    u64 z = order.low ^ (order.high + more) * 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 29) * 0xBF58476D1CE4E5B9ull;
    return z ^ z >> 32;
}

/* The slot of a key: free, if the key was never executed. */
static struct books_deed *deed_slot(const struct books *books, struct id128 order, u32 step,
                                    u32 attempt)
{
    u64 at = mix(order, (u64)step << 32 | attempt) & books->deed_mask;
    for (;; at = (at + 1) & books->deed_mask) { /* ends: never full */
        struct books_deed *deed = &books->deeds[at];
        const struct books_command *own = &deed->command;
        if (own->kind == 0 ||
            (id128_equal(own->order, order) && own->step == step && own->attempt == attempt))
            return deed;
    }
}

static struct account_slot *account_slot(const struct books *books, struct id128 order, u16 tender)
{
    u64 at = mix(order, tender) & books->account_mask;
    for (;; at = (at + 1) & books->account_mask) { /* ends: never full */
        struct account_slot *slot = &books->accounts[at];
        if (!slot->is_used || (id128_equal(slot->order, order) && slot->tender == tender))
            return slot;
    }
}

static struct books_account *account_of(struct books *books, struct id128 order, u16 tender)
{
    struct account_slot *slot = account_slot(books, order, tender);
    if (!slot->is_used) {
        MUST(books->account_count++ < books->account_mask / 4 * 3);
        *slot = (struct account_slot){.order = order, .tender = tender, .is_used = true};
    }
    return &slot->account;
}

struct books_account books_account(const struct books *books, struct id128 order, u16 tender)
{
    const struct account_slot *slot = account_slot(books, order, tender);
    return slot->is_used ? slot->account : (struct books_account){0};
}

const struct books_deed *books_find(const struct books *books, struct id128 order, u32 step,
                                    u32 attempt)
{
    const struct books_deed *deed = deed_slot(books, order, step, attempt);
    return deed->command.kind != 0 ? deed : NULL;
}

u64 books_next_number(struct books *books)
{
    return ++books->number;
}

struct text64 books_reference(u64 number)
{
    char text[32];
    const int length = snprintf(text, sizeof text, "ref_%llu", (unsigned long long)number);
    return text64_of(text, (size_t)length);
}

/* ---- executing ------------------------------------------------------------------------------- */

static const char *account_refusal(const struct books_account *account,
                                   const struct books_command *command)
{
    const i64 amount = command->amount;
    switch (command->kind) {
    case COMMAND_KIND_AUTHORIZE:
        if (account->authorized != 0)
            return "a tender is authorised twice";
        return amount > 0 ? NULL : "nothing is authorised";
    case COMMAND_KIND_CAPTURE:
        if (account->is_voided)
            return "a capture after a void";
        if (amount <= 0 || account->captured + amount > account->authorized)
            return "a capture beyond the authorisation";
        return NULL;
    case COMMAND_KIND_REFUND:
        return amount > 0 && account->refunded + amount <= account->captured + account->overcharged
                   ? NULL
                   : "a refund beyond what was captured";
    case COMMAND_KIND_VOID: return NULL;
    default: return "a command that no provider knows";
    }
}

const char *books_refusal(const struct books *books, const struct books_command *command)
{
    const struct books_deed *deed =
        books_find(books, command->order, command->step, command->attempt);
    const struct books_account account = books_account(books, command->order, command->tender);
    if (deed == NULL)
        return account_refusal(&account, command);
    return deed->command.kind == command->kind && deed->command.amount == command->amount &&
                   deed->command.tender == command->tender
               ? NULL
               : "one key for two things";
}

static u16 authorize(struct books_account *account, i64 amount, enum books_mood mood)
{
    MUST(account->authorized == 0 && amount > 0);
    if (mood == BOOKS_MOOD_DECLINES)
        return PAYMENT_EVENT_DECLINED;
    account->is_asked = mood == BOOKS_MOOD_ASKS;
    if (account->is_asked)
        return PAYMENT_EVENT_ACTION;
    account->authorized = amount;
    return PAYMENT_EVENT_AUTHORIZED;
}

static u16 capture(struct books_account *account, i64 amount, enum books_mood mood)
{
    /* Of an authorisation that has ended, the shop may not have heard yet. */
    if (mood == BOOKS_MOOD_FAILS || account->is_expired)
        return PAYMENT_EVENT_CAPTURE_FAILED;
    account->captured += amount;
    account->captures++;
    return PAYMENT_EVENT_CAPTURED;
}

static u16 refund(struct books_account *account, i64 amount, enum books_mood mood)
{
    if (mood == BOOKS_MOOD_FAILS)
        return PAYMENT_EVENT_REFUND_FAILED;
    account->refunded += amount;
    return PAYMENT_EVENT_REFUNDED;
}

static u16 execute(struct books_account *account, const struct books_command *command,
                   enum books_mood mood)
{
    switch (command->kind) {
    case COMMAND_KIND_AUTHORIZE: return authorize(account, command->amount, mood);
    case COMMAND_KIND_CAPTURE: return capture(account, command->amount, mood);
    case COMMAND_KIND_REFUND: return refund(account, command->amount, mood);
    case COMMAND_KIND_VOID:
        if (account->authorized == 0 && !account->is_asked)
            return PAYMENT_EVENT_NO_SUCH_PAYMENT;
        if (mood == BOOKS_MOOD_FAILS)
            return PAYMENT_EVENT_VOID_FAILED;
        account->is_voided = true;
        return PAYMENT_EVENT_VOIDED;
    default: PANIC("a command that no provider knows");
    }
}

const struct books_deed *books_execute(struct books *books, const struct books_command *command,
                                       enum books_mood mood)
{
    struct books_deed *deed = deed_slot(books, command->order, command->step, command->attempt);
    if (deed->command.kind == 0) {
        MUST(books->deed_count++ < books->deed_mask / 4 * 3);
        struct books_account *account = account_of(books, command->order, command->tender);
        if (command->kind == COMMAND_KIND_AUTHORIZE)
            account->step = command->step;
        deed->result = execute(account, command, mood);
        deed->command = *command;
        deed->number = books_next_number(books);
    }
    return deed;
}

const struct books_deed *books_act(struct books *books, const struct books_deed *asked,
                                   bool is_declined)
{
    const struct books_command *command = &asked->command;
    struct books_deed *deed = deed_slot(books, command->order, command->step, command->attempt);
    struct books_account *account = account_of(books, command->order, command->tender);
    MUST(deed->result == PAYMENT_EVENT_ACTION);
    deed->number = books_next_number(books);
    deed->result =
        authorize(account, command->amount, is_declined ? BOOKS_MOOD_DECLINES : BOOKS_MOOD_WILLING);
    return deed;
}

bool books_expire(struct books *books, struct id128 order, u16 tender)
{
    struct account_slot *slot = account_slot(books, order, tender);
    const struct books_account *account = &slot->account;
    if (!slot->is_used || account->authorized == account->captured || account->is_voided)
        return false;
    slot->account.is_expired = true;
    return true;
}

struct books_deed books_overcharge(struct books *books, const struct books_deed *deed)
{
    struct books_deed twin = *deed;
    MUST(deed->result == PAYMENT_EVENT_CAPTURED);
    account_of(books, deed->command.order, deed->command.tender)->overcharged +=
        deed->command.amount;
    twin.number = books_next_number(books);
    return twin;
}
