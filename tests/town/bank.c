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
#define ACTION_MAX_NS (600ull * NS_PER_S)
#define POLL_MAX      64u
#define EFFECTS       8u
#define LEASE_MS      30000u

/* What is still to come. */
enum future_kind {
    FUTURE_TELL,   /* an event reaches the shop */
    FUTURE_ACT,    /* a shopper does what was asked for, or turns away */
    FUTURE_EXECUTE /* a worker that had stalled goes on */
};
struct future {
    u64 due_ns;
    u64 number; /* of those due at one time, the first comes first */
    enum future_kind kind;
    struct msg_payment_event_req event;
    struct books_command command; /* ACT, EXECUTE */
};

struct bank {
    struct bank_options options;
    struct books *books;
    struct future *futures; /* a heap */
    u64 future_count, future_capacity;
    u64 arrivals, delivered;
    u64 effects[EFFECTS];
    u64 outage_until_ns;
};

struct bank *bank_open(const struct bank_options *options)
{
    struct bank *bank = calloc(1, sizeof *bank);
    MUST(bank != NULL);
    bank->options = *options;
    bank->books = books_open(options->deeds_max != 0 ? options->deeds_max : 10000);
    return bank;
}

void bank_close(struct bank *bank)
{
    books_close(bank->books);
    free(bank->futures);
    free(bank);
}

void bank_calm(struct bank *bank)
{
    bank->options = (struct bank_options){0};
    bank->outage_until_ns = 0;
}

struct books *bank_books(struct bank *bank)
{
    return bank->books;
}

u64 bank_event_count(const struct bank *bank)
{
    return bank->delivered;
}

u64 bank_effect_count(const struct bank *bank, u16 effect)
{
    return effect < EFFECTS ? bank->effects[effect] : 0;
}

/* ---- the future ------------------------------------------------------------------------------ */

static bool is_before(const struct future *a, const struct future *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void push(struct bank *bank, struct future future)
{
    if (bank->future_count == bank->future_capacity) {
        bank->future_capacity = MAX(1024, 2 * bank->future_capacity);
        bank->futures = realloc(bank->futures, bank->future_capacity * sizeof *bank->futures);
        MUST(bank->futures != NULL);
    }
    u64 at = bank->future_count++;
    future.number = bank->arrivals++;
    while (at > 0 && is_before(&future, &bank->futures[(at - 1) / 2])) { /* ends at the root */
        bank->futures[at] = bank->futures[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    bank->futures[at] = future;
}

static struct future pop(struct bank *bank)
{
    const struct future first = bank->futures[0];
    const struct future last = bank->futures[--bank->future_count];
    u64 at = 0;
    for (;;) { /* ends at a leaf */
        u64 child = 2 * at + 1;
        if (child >= bank->future_count)
            break;
        if (child + 1 < bank->future_count &&
            is_before(&bank->futures[child + 1], &bank->futures[child]))
            child++;
        if (!is_before(&bank->futures[child], &last))
            break;
        bank->futures[at] = bank->futures[child];
        at = child;
    }
    if (bank->future_count != 0)
        bank->futures[at] = last;
    return first;
}

u64 bank_next_ns(const struct bank *bank)
{
    return bank->future_count == 0 ? UINT64_MAX : bank->futures[0].due_ns;
}

/* ---- telling --------------------------------------------------------------------------------- */

static struct msg_payment_event_req event_of(const struct town *town, const struct books_deed *deed)
{
    const struct books_command *command = &deed->command;
    return (struct msg_payment_event_req){.order = command->order,
                                          .amount = command->amount,
                                          .provider_time_ns = town->now_ns,
                                          .step = command->step,
                                          .attempt = command->attempt,
                                          .kind = deed->result,
                                          .tender = command->tender,
                                          .currency = command->currency,
                                          .reference = books_reference(deed->number)};
}

static void push_event(struct bank *bank, u64 due_ns, const struct msg_payment_event_req *event)
{
    push(bank, (struct future){.due_ns = due_ns, .kind = FUTURE_TELL, .event = *event});
}

/* How it is told. */
struct words {
    u64 lease;
    const struct msg_command_poll_rsp *query; /* it is the answer to this; NULL: to no question */
    bool is_certain;
};

static bool is_failure(u16 result)
{
    return result == PAYMENT_EVENT_CAPTURE_FAILED || result == PAYMENT_EVENT_VOID_FAILED ||
           result == PAYMENT_EVENT_REFUND_FAILED;
}

/* Under one name or the other: the command's, the question's, the payment's, none; of what has failed,
 * the provider has not always a reference. */
static struct msg_payment_event_req word(const struct bank *bank, struct town *town,
                                         const struct books_deed *deed, const struct words *words)
{
    struct msg_payment_event_req event = event_of(town, deed);
    const struct books_account payment = books_account(bank->books, event.order, event.tender);
    event.lease = words->lease;
    if (is_failure(deed->result) && town_chance(town, 30))
        event.reference = (struct text64){{0}};
    if (words->query != NULL && town_chance(town, 50)) {
        event.step = words->query->step;
        event.attempt = words->query->attempt;
    }
    if (town_chance(town, bank->options.webhook)) {
        event.lease = 0;
        event.step = town_chance(town, 50) ? payment.step : 0;
        event.attempt = 0;
    }
    return event;
}

/* Tells what came of a command: once, twice, late, or never. What was authorised when nobody waited for
 * it any more is told for certain: a shop that has not heard of it has nothing to ask about. */
static void tell(struct bank *bank, struct town *town, const struct books_deed *deed,
                 struct words words)
{
    if (town_chance(town, bank->options.lost) && !words.is_certain)
        return;
    const u32 times = town_chance(town, bank->options.duplicate) ? 2 : 1;
    for (u32 i = 0; i < times; i++) {
        u64 due_ns = town->now_ns;
        if (i != 0 || town_chance(town, bank->options.late)) {
            due_ns += town_below(town, LATE_MAX_NS);
            words.lease = 0;
        }
        const struct msg_payment_event_req event = word(bank, town, deed, &words);
        push_event(bank, due_ns, &event);
    }
}

static void deliver(struct bank *bank, struct town *town, const struct msg_payment_event_req *event)
{
    struct msg_payment_event_rsp reply;
    const struct span action[MESSAGE_SPANS_MAX] = {{(const u8 *)"3ds", 3}};
    const bool is_action = event->kind == PAYMENT_EVENT_ACTION;
    town_write(town, OPCODE_PAYMENT_EVENT, 0, event, is_action ? action : NULL, &reply);
    if (reply.head.status != STATUS_OK && reply.head.status != STATUS_LEASE_LOST) {
        (void)fprintf(stderr, "event kind %u amount %lld step %u: %s\n", event->kind,
                      (long long)event->amount, event->step, status_name(reply.head.status));
        PANIC("an event of the bank was refused");
    }
    if (reply.effect < EFFECTS)
        bank->effects[reply.effect]++;
    bank->delivered++;
}

/* ---- executing ------------------------------------------------------------------------------- */

static enum books_mood draw_mood(const struct bank *bank, struct town *town, u16 kind)
{
    if (kind != COMMAND_KIND_AUTHORIZE)
        return town_chance(town, bank->options.fail) ? BOOKS_MOOD_FAILS : BOOKS_MOOD_WILLING;
    if (town_chance(town, bank->options.decline))
        return BOOKS_MOOD_DECLINES;
    return town_chance(town, bank->options.action) ? BOOKS_MOOD_ASKS : BOOKS_MOOD_WILLING;
}

/* What happens after a deed by itself. */
static void draw_sequel(struct bank *bank, struct town *town, const struct books_deed *deed)
{
    const struct books_command *command = &deed->command;
    struct msg_payment_event_req event = event_of(town, deed);
    event.step = event.attempt = 0;
    event.reference = books_reference(books_next_number(bank->books));
    const u64 later_ns = town->now_ns + town_below(town, LATE_MAX_NS);
    if (deed->result == PAYMENT_EVENT_ACTION) {
        push(bank, (struct future){.due_ns = town->now_ns + town_below(town, ACTION_MAX_NS),
                                   .kind = FUTURE_ACT,
                                   .command = *command});
    } else if (deed->result == PAYMENT_EVENT_AUTHORIZED &&
               town_chance(town, bank->options.expire) &&
               books_expire(bank->books, command->order, command->tender)) {
        event.kind = PAYMENT_EVENT_AUTH_EXPIRED;
        push_event(bank, town->now_ns + town_below(town, ACTION_MAX_NS), &event);
    } else if (deed->result == PAYMENT_EVENT_CAPTURED &&
               town_chance(town, bank->options.overcharge)) {
        /* Told for certain, both of them: else nobody could know. */
        const struct books_deed twin = books_overcharge(bank->books, deed);
        const struct msg_payment_event_req twin_event = event_of(town, &twin);
        event = event_of(town, deed);
        push_event(bank, later_ns, &twin_event);
        push_event(bank, later_ns, &event);
    } else if (deed->result == PAYMENT_EVENT_CAPTURED &&
               town_chance(town, bank->options.charge_back)) {
        event.kind = PAYMENT_EVENT_CHARGED_BACK;
        push_event(bank, later_ns, &event);
    }
}

static void run(struct bank *bank, struct town *town, const struct books_command *command,
                struct words words)
{
    const char *refusal = books_refusal(bank->books, command);
    if (refusal != NULL) {
        town_tell_order(town, command->order);
        PANIC(refusal);
    }
    const bool is_new =
        books_find(bank->books, command->order, command->step, command->attempt) == NULL;
    const struct books_deed *deed =
        books_execute(bank->books, command, draw_mood(bank, town, command->kind));
    tell(bank, town, deed, words);
    if (is_new)
        draw_sequel(bank, town, deed);
}

u32 bank_deliver(struct bank *bank, struct town *town)
{
    u32 count = 0;
    for (; bank->future_count != 0 && bank->futures[0].due_ns <= town->now_ns; count++) {
        const struct future future = pop(bank); /* ends: what it leads to is later, or told once */
        const struct books_command *command = &future.command;
        const struct words certain = {.is_certain = command->kind == COMMAND_KIND_AUTHORIZE};
        switch (future.kind) {
        case FUTURE_TELL: deliver(bank, town, &future.event); break;
        case FUTURE_EXECUTE: run(bank, town, command, certain); break;
        case FUTURE_ACT: {
            const struct books_deed *asked =
                books_find(bank->books, command->order, command->step, command->attempt);
            tell(bank, town, books_act(bank->books, asked, town_chance(town, 20)), certain);
            break;
        }
        }
    }
    return count;
}

/* ---- working --------------------------------------------------------------------------------- */

static void acknowledge(struct town *town, const struct msg_command_poll_rsp *command)
{
    const struct msg_command_ack_req ack = {.order = command->order,
                                            .lease = command->lease,
                                            .step = command->step,
                                            .attempt = command->attempt};
    struct msg_command_ack_rsp reply;
    town_write(town, OPCODE_COMMAND_ACK, 0, &ack, NULL, &reply);
    MUST(reply.head.status == STATUS_OK || reply.head.status == STATUS_LEASE_LOST);
}

/* The truth about another command. */
static void answer_query(struct bank *bank, struct town *town,
                         const struct msg_command_poll_rsp *command)
{
    const struct books_deed *deed =
        books_find(bank->books, command->order, command->subject, command->subject_attempt);
    struct books_deed answer = {.command = {.order = command->order,
                                            .step = command->subject,
                                            .attempt = command->subject_attempt,
                                            .kind = command->subject_kind,
                                            .tender = command->tender,
                                            .currency = command->currency},
                                .number = books_next_number(bank->books),
                                .result = PAYMENT_EVENT_NO_SUCH_PAYMENT};
    const struct books_account account =
        books_account(bank->books, command->order, command->tender);
    if (deed != NULL)
        answer = *deed;
    else if (command->subject_kind == COMMAND_KIND_VOID &&
             (account.authorized != 0 || account.is_asked))
        answer.result = PAYMENT_EVENT_VOID_FAILED; /* there is such a payment, and no such void */
    tell(bank, town, &answer, (struct words){.query = command});
    acknowledge(town, command);
}

static void refuse(struct town *town, const struct msg_command_poll_rsp *command)
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

static void be_puzzled(struct bank *bank, struct town *town,
                       const struct msg_command_poll_rsp *command)
{
    const struct msg_payment_event_req event = {.order = command->order,
                                                .lease = command->lease,
                                                .provider_time_ns = town->now_ns,
                                                .step = command->step,
                                                .attempt = command->attempt,
                                                .kind = PAYMENT_EVENT_UNKNOWN,
                                                .tender = command->tender,
                                                .currency = command->currency};
    push_event(bank, town->now_ns, &event);
}

static void work_on(struct bank *bank, struct town *town, const struct msg_command_poll_rsp *leased)
{
    const struct bank_options *options = &bank->options;
    const struct books_command command = {.order = leased->order,
                                          .amount = leased->amount,
                                          .step = leased->step,
                                          .attempt = leased->attempt,
                                          .kind = leased->kind,
                                          .tender = leased->tender,
                                          .currency = leased->currency};
    if (leased->kind == COMMAND_KIND_NOTIFY_SHIPPED)
        acknowledge(town, leased);
    else if (town_chance(town, options->nack))
        refuse(town, leased);
    else if (leased->kind != COMMAND_KIND_QUERY && town_chance(town, options->puzzled))
        be_puzzled(bank, town, leased);
    else if (town_chance(town, options->dropped))
        return; /* the worker dies with it; its lease ends */
    else if (leased->kind == COMMAND_KIND_QUERY)
        answer_query(bank, town, leased);
    else if (town_chance(town,
                         leased->kind == COMMAND_KIND_AUTHORIZE ? options->stall : options->hang))
        push(bank, (struct future){.due_ns = town->now_ns + town_below(town, LATE_MAX_NS),
                                   .kind = FUTURE_EXECUTE,
                                   .command = command});
    else
        run(bank, town, &command, (struct words){.lease = leased->lease});
}

u32 bank_work(struct bank *bank, struct town *town, u16 shard, u32 count)
{
    struct msg_command_poll_req asks[POLL_MAX] = {{0}};
    struct msg_command_poll_rsp replies[POLL_MAX];
    MUST(count <= POLL_MAX);
    if (town_below(town, 10000) < bank->options.outage)
        bank->outage_until_ns = town->now_ns + town_below(town, LATE_MAX_NS);
    if (town->now_ns < bank->outage_until_ns)
        return 0;
    for (u32 i = 0; i < count; i++)
        asks[i] = (struct msg_command_poll_req){.lease_ms = LEASE_MS};
    town_write_many(town, OPCODE_COMMAND_POLL, shard, asks, count, replies);
    u32 found = 0;
    for (u32 i = 0; i < count; i++) {
        if (replies[i].head.status == STATUS_NONE_READY)
            continue;
        MUST(replies[i].head.status == STATUS_OK);
        work_on(bank, town, &replies[i]);
        found++;
    }
    return found;
}
