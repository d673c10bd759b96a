/* bank: see tests/town/bank.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/town/bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

#define LATE_MAX_NS   (2ull * 3600 * NS_PER_S)
#define ACTION_MAX_NS (300ull * NS_PER_S)
#define POLL_MAX      64u
#define EFFECTS       8u

/* What a key was executed as, for ever. */
struct deed {
    struct id128 order;
    u32 step;
    u32 attempt;
    u16 kind;   /* enum command_kind; 0 = a free slot */
    u16 result; /* enum payment_event_kind */
    u16 tender;
    u16 currency;
    i64 amount;
    u64 number; /* makes the reference */
};

struct account_slot {
    struct id128 order;
    u16 tender;
    bool is_used;
    struct bank_account books;
};

struct event {
    u64 due_ns;
    u64 order_of_arrival;
    struct msg_payment_event_req message;
};

struct bank {
    struct bank_options options;
    struct deed *deeds;
    u64 deed_mask, deed_count;
    struct account_slot *accounts;
    u64 account_mask, account_count;
    struct event *events; /* a heap by due_ns, then by arrival */
    u64 event_count, event_capacity;
    u64 arrivals, delivered;
    u64 effects[EFFECTS];
    u64 number;
};

struct bank *bank_open(const struct bank_options *options)
{
    struct bank *bank = calloc(1, sizeof *bank);
    MUST(bank != NULL);
    bank->options = *options;
    bank->deed_mask = bank->account_mask = (1u << 21) - 1;
    bank->deeds = calloc(bank->deed_mask + 1, sizeof *bank->deeds);
    bank->accounts = calloc(bank->account_mask + 1, sizeof *bank->accounts);
    MUST(bank->deeds != NULL && bank->accounts != NULL);
    return bank;
}

void bank_close(struct bank *bank)
{
    free(bank->deeds);
    free(bank->accounts);
    free(bank->events);
    free(bank);
}

void bank_calm(struct bank *bank)
{
    bank->options = (struct bank_options){0};
}

/* ---- books ----------------------------------------------------------------------------------- */

static u64 mix(struct id128 order, u64 more)
{
    u64 z = order.low ^ (order.high + more) * 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 29) * 0xBF58476D1CE4E5B9ull;
    return z ^ z >> 32;
}

/* The slot of a key: free, if the key was never executed. */
static struct deed *deed_of(struct bank *bank, struct id128 order, u32 step, u32 attempt)
{
    MUST(bank->deed_count < bank->deed_mask / 4 * 3);
    u64 at = mix(order, (u64)step << 32 | attempt) & bank->deed_mask;
    for (;; at = (at + 1) & bank->deed_mask) { /* ends: never full */
        struct deed *deed = &bank->deeds[at];
        if (deed->kind == 0 ||
            (id128_equal(deed->order, order) && deed->step == step && deed->attempt == attempt))
            return deed;
    }
}

static struct account_slot *account_of(const struct bank *bank, struct id128 order, u16 tender)
{
    MUST(bank->account_count < bank->account_mask / 4 * 3);
    u64 at = mix(order, tender) & bank->account_mask;
    for (;; at = (at + 1) & bank->account_mask) { /* ends: never full */
        struct account_slot *slot = &bank->accounts[at];
        if (!slot->is_used || (id128_equal(slot->order, order) && slot->tender == tender))
            return slot;
    }
}

static struct bank_account *books_of(struct bank *bank, struct id128 order, u16 tender)
{
    struct account_slot *slot = account_of(bank, order, tender);
    if (!slot->is_used) {
        *slot = (struct account_slot){.order = order, .tender = tender, .is_used = true};
        bank->account_count++;
    }
    return &slot->books;
}

struct bank_account bank_account(const struct bank *bank, struct id128 order, u16 tender)
{
    const struct account_slot *slot = account_of(bank, order, tender);
    return slot->is_used ? slot->books : (struct bank_account){0};
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns
                                  : a->order_of_arrival < b->order_of_arrival;
}

static void push_event(struct bank *bank, u64 due_ns, const struct msg_payment_event_req *message)
{
    if (bank->event_count == bank->event_capacity) {
        bank->event_capacity = MAX(1024, 2 * bank->event_capacity);
        bank->events = realloc(bank->events, bank->event_capacity * sizeof *bank->events);
        MUST(bank->events != NULL);
    }
    u64 at = bank->event_count++;
    struct event event = {
        .due_ns = due_ns, .order_of_arrival = bank->arrivals++, .message = *message};
    while (at > 0 && is_before(&event, &bank->events[(at - 1) / 2])) { /* ends at the root */
        bank->events[at] = bank->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    bank->events[at] = event;
}

static struct event pop_event(struct bank *bank)
{
    const struct event first = bank->events[0];
    const struct event last = bank->events[--bank->event_count];
    u64 at = 0;
    for (;;) { /* ends at a leaf */
        u64 child = 2 * at + 1;
        if (child >= bank->event_count)
            break;
        if (child + 1 < bank->event_count &&
            is_before(&bank->events[child + 1], &bank->events[child]))
            child++;
        if (!is_before(&bank->events[child], &last))
            break;
        bank->events[at] = bank->events[child];
        at = child;
    }
    if (bank->event_count != 0)
        bank->events[at] = last;
    return first;
}

u64 bank_next_ns(const struct bank *bank)
{
    return bank->event_count == 0 ? UINT64_MAX : bank->events[0].due_ns;
}

u64 bank_event_count(const struct bank *bank)
{
    return bank->delivered;
}

u64 bank_effect_count(const struct bank *bank, u16 effect)
{
    return effect < EFFECTS ? bank->effects[effect] : 0;
}

u32 bank_deliver(struct bank *bank, struct town *town)
{
    u32 count = 0;
    while (bank->event_count != 0 && bank->events[0].due_ns <= town->now_ns) { /* ends: one less */
        const struct event event = pop_event(bank);
        struct msg_payment_event_rsp reply;
        const struct span action[MESSAGE_SPANS_MAX] = {{(const u8 *)"3ds", 3}};
        const bool is_action = event.message.kind == PAYMENT_EVENT_ACTION;
        town_write(town, OPCODE_PAYMENT_EVENT, 0, &event.message, is_action ? action : NULL,
                   &reply);
        if (reply.head.status != STATUS_OK && reply.head.status != STATUS_LEASE_LOST) {
            (void)fprintf(stderr, "event kind %u amount %lld step %u: %s\n", event.message.kind,
                          (long long)event.message.amount, event.message.step,
                          status_name(reply.head.status));
            PANIC("an event of the bank was refused");
        }
        if (reply.effect < EFFECTS)
            bank->effects[reply.effect]++;
        bank->delivered++;
        count++;
    }
    return count;
}

/* Tells the result of a deed: once, twice, late, or never. */
static void tell(struct bank *bank, struct town *town, const struct deed *deed, u64 lease)
{
    struct msg_payment_event_req message = {.order = deed->order,
                                            .lease = lease,
                                            .amount = deed->amount,
                                            .provider_time_ns = town->now_ns,
                                            .step = deed->step,
                                            .attempt = deed->attempt,
                                            .kind = deed->result,
                                            .tender = deed->tender,
                                            .currency = deed->currency};
    char reference[32];
    const int length =
        snprintf(reference, sizeof reference, "ref_%llu", (unsigned long long)deed->number);
    message.reference = text64_of(reference, (size_t)length);
    if (town_chance(town, bank->options.lost))
        return;
    const u32 times = town_chance(town, bank->options.duplicate) ? 2 : 1;
    for (u32 i = 0; i < times; i++) {
        u64 due_ns = town->now_ns;
        if (i != 0 || town_chance(town, bank->options.late)) {
            due_ns += town_below(town, LATE_MAX_NS);
            message.lease = 0;
        }
        if (town_chance(town, bank->options.webhook)) {
            message.lease = 0;
            message.step = 0;
            message.attempt = 0;
        }
        push_event(bank, due_ns, &message);
    }
}

/* ---- executing ------------------------------------------------------------------------------- */

static u16 authorize(struct bank *bank, struct town *town, struct deed *deed)
{
    struct bank_account *books = books_of(bank, deed->order, deed->tender);
    MUST(books->authorized == 0); /* one authorisation per tender */
    if (town_chance(town, bank->options.decline))
        return PAYMENT_EVENT_DECLINED;
    if (town_chance(town, bank->options.action))
        return PAYMENT_EVENT_ACTION;
    books->authorized = deed->amount;
    return PAYMENT_EVENT_AUTHORIZED;
}

static u16 execute_kind(struct bank *bank, struct town *town, struct deed *deed)
{
    struct bank_account *books = books_of(bank, deed->order, deed->tender);
    const bool fails = town_chance(town, bank->options.fail);
    switch (deed->kind) {
    case COMMAND_KIND_AUTHORIZE: return authorize(bank, town, deed);
    case COMMAND_KIND_CAPTURE:
        if (fails)
            return PAYMENT_EVENT_CAPTURE_FAILED;
        MUST(!books->is_voided); /* nobody may ask for these */
        MUST(books->captured + deed->amount <= books->authorized);
        books->captured += deed->amount;
        books->captures++;
        return PAYMENT_EVENT_CAPTURED;
    case COMMAND_KIND_VOID:
        if (books->authorized == 0)
            return PAYMENT_EVENT_NO_SUCH_PAYMENT;
        if (fails)
            return PAYMENT_EVENT_VOID_FAILED;
        books->is_voided = true; /* of what is not captured */
        return PAYMENT_EVENT_VOIDED;
    case COMMAND_KIND_REFUND:
        if (fails)
            return PAYMENT_EVENT_REFUND_FAILED;
        MUST(books->refunded + deed->amount <= books->captured);
        books->refunded += deed->amount;
        return PAYMENT_EVENT_REFUNDED;
    default: PANIC("a command that no bank knows");
    }
}

/* After 3-D Secure: most shoppers do it, some turn away. */
static void finish_action(struct bank *bank, struct town *town, struct deed *deed)
{
    struct deed after = *deed;
    after.number = ++bank->number;
    if (town_chance(town, 20)) {
        after.result = PAYMENT_EVENT_DECLINED;
    } else {
        books_of(bank, deed->order, deed->tender)->authorized = deed->amount;
        after.result = PAYMENT_EVENT_AUTHORIZED;
    }
    deed->result = after.result;
    deed->number = after.number;
    const u64 now_ns = town->now_ns;
    town->now_ns += town_below(town, ACTION_MAX_NS); /* told later */
    tell(bank, town, &after, 0);
    town->now_ns = now_ns;
}

static void run(struct bank *bank, struct town *town, const struct msg_command_poll_rsp *command)
{
    struct deed *deed = deed_of(bank, command->order, command->step, command->attempt);
    if (deed->kind == 0) {
        *deed = (struct deed){.order = command->order,
                              .step = command->step,
                              .attempt = command->attempt,
                              .kind = command->kind,
                              .tender = command->tender,
                              .currency = command->currency,
                              .amount = command->amount,
                              .number = ++bank->number};
        bank->deed_count++;
        deed->result = execute_kind(bank, town, deed);
    }
    MUST(deed->kind == command->kind && deed->amount == command->amount);
    tell(bank, town, deed, command->lease);
    if (deed->result == PAYMENT_EVENT_ACTION)
        finish_action(bank, town, deed);
}

/* The truth about another command. */
static void answer_query(struct bank *bank, struct town *town,
                         const struct msg_command_poll_rsp *command)
{
    const struct deed *deed =
        deed_of(bank, command->order, command->subject, command->subject_attempt);
    struct deed answer = *deed;
    if (deed->kind == 0)
        answer = (struct deed){.order = command->order,
                               .step = command->subject,
                               .attempt = command->subject_attempt,
                               .kind = command->subject_kind,
                               .result = PAYMENT_EVENT_NO_SUCH_PAYMENT,
                               .tender = command->tender,
                               .currency = command->currency,
                               .number = ++bank->number};
    tell(bank, town, &answer, 0);
    const struct msg_command_ack_req ack = {.order = command->order,
                                            .lease = command->lease,
                                            .step = command->step,
                                            .attempt = command->attempt};
    struct msg_command_ack_rsp reply;
    town_write(town, OPCODE_COMMAND_ACK, 0, &ack, NULL, &reply);
}

static void nack(struct town *town, const struct msg_command_poll_rsp *command)
{
    const struct msg_command_nack_req message = {.order = command->order,
                                                 .lease = command->lease,
                                                 .step = command->step,
                                                 .attempt = command->attempt,
                                                 .reason = 7};
    struct msg_command_nack_rsp reply;
    town_write(town, OPCODE_COMMAND_NACK, 0, &message, NULL, &reply);
    MUST(reply.head.status == STATUS_OK || reply.head.status == STATUS_LEASE_LOST);
}

static void work_on(struct bank *bank, struct town *town,
                    const struct msg_command_poll_rsp *command)
{
    if (command->kind == COMMAND_KIND_NOTIFY_SHIPPED) {
        const struct msg_command_ack_req ack = {.order = command->order,
                                                .lease = command->lease,
                                                .step = command->step,
                                                .attempt = command->attempt};
        struct msg_command_ack_rsp reply;
        town_write(town, OPCODE_COMMAND_ACK, 0, &ack, NULL, &reply);
        MUST(reply.head.status == STATUS_OK);
    } else if (town_chance(town, bank->options.nack)) {
        nack(town, command);
    } else if (town_chance(town, bank->options.dropped)) {
        /* The worker dies with it; its lease ends. */
    } else if (command->kind == COMMAND_KIND_QUERY) {
        answer_query(bank, town, command);
    } else {
        run(bank, town, command);
    }
}

u32 bank_work(struct bank *bank, struct town *town, u16 shard, u32 count)
{
    struct msg_command_poll_req asks[POLL_MAX];
    static struct msg_command_poll_rsp replies[POLL_MAX];
    MUST(count <= POLL_MAX);
    for (u32 i = 0; i < count; i++)
        asks[i] = (struct msg_command_poll_req){.lease_ms = 30000};
    town_write_many(town, OPCODE_COMMAND_POLL, shard, asks, count, replies);
    static struct msg_command_poll_rsp own[POLL_MAX];
    memcpy(own, replies, sizeof own);
    u32 found = 0;
    for (u32 i = 0; i < count; i++) {
        if (own[i].head.status == STATUS_NONE_READY)
            continue;
        MUST(own[i].head.status == STATUS_OK);
        work_on(bank, town, &own[i]);
        found++;
    }
    return found;
}
