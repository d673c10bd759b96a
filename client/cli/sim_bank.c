/* sim_bank: see client/cli/sim_bank.h. Two tables by open addressing, which double when they are half
 * full.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/sim_bank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"

#define SLOTS_FIRST  1024u
#define ATTEMPTS_MAX 4u /* of an authorisation, under several keys */

struct sim_bank {
    struct sim_deed *deeds;
    struct sim_account *accounts;
    u64 deed_slots, deed_count;
    u64 account_slots, account_count;
    struct sim_totals totals;
};

struct sim_bank *sim_bank_open(void)
{
    struct sim_bank *bank = calloc(1, sizeof *bank);
    MUST(bank != NULL);
    bank->deed_slots = bank->account_slots = SLOTS_FIRST;
    bank->deeds = calloc(SLOTS_FIRST, sizeof *bank->deeds);
    bank->accounts = calloc(SLOTS_FIRST, sizeof *bank->accounts);
    MUST(bank->deeds != NULL && bank->accounts != NULL);
    return bank;
}

void sim_bank_close(struct sim_bank *bank)
{
    free(bank->deeds);
    free(bank->accounts);
    free(bank);
}

/* ---- finding ---- */

static bool is_same_order(struct souk_id128 a, struct souk_id128 b)
{
    return a.low == b.low && a.high == b.high;
}

static u64 slot_of(struct souk_id128 order, u64 more, u64 slots)
{
    const u64 key[3] = {order.low, order.high, more};
    return checksum64(key, sizeof key) & (slots - 1);
}

/* The deed of a key, or the free slot for it. */
static struct sim_deed *deed_slot(struct sim_deed *deeds, u64 slots, struct souk_id128 order,
                                  u32 step, u32 attempt)
{
    u64 at = slot_of(order, (u64)step << 32 | attempt, slots);
    for (;; at = (at + 1) & (slots - 1)) /* ends: half of the slots are free */
        if (deeds[at].kind == 0 || (is_same_order(deeds[at].order, order) &&
                                    deeds[at].step == step && deeds[at].attempt == attempt))
            return &deeds[at];
}

static struct sim_account *account_slot(struct sim_account *accounts, u64 slots,
                                        struct souk_id128 order, u16 tender)
{
    u64 at = slot_of(order, tender, slots);
    for (;; at = (at + 1) & (slots - 1)) /* ends: half of the slots are free */
        if (!accounts[at].is_used ||
            (is_same_order(accounts[at].order, order) && accounts[at].tender == tender))
            return &accounts[at];
}

static void grow_deeds(struct sim_bank *bank)
{
    const u64 slots = bank->deed_slots * 2;
    struct sim_deed *deeds = calloc(slots, sizeof *deeds);
    MUST(deeds != NULL);
    for (u64 i = 0; i < bank->deed_slots; i++) {
        const struct sim_deed *deed = &bank->deeds[i];
        if (deed->kind != 0)
            *deed_slot(deeds, slots, deed->order, deed->step, deed->attempt) = *deed;
    }
    free(bank->deeds);
    bank->deeds = deeds;
    bank->deed_slots = slots;
}

static void grow_accounts(struct sim_bank *bank)
{
    const u64 slots = bank->account_slots * 2;
    struct sim_account *accounts = calloc(slots, sizeof *accounts);
    MUST(accounts != NULL);
    for (u64 i = 0; i < bank->account_slots; i++) {
        const struct sim_account *account = &bank->accounts[i];
        if (account->is_used)
            *account_slot(accounts, slots, account->order, account->tender) = *account;
    }
    free(bank->accounts);
    bank->accounts = accounts;
    bank->account_slots = slots;
}

static struct sim_account *account_of(struct sim_bank *bank, struct souk_id128 order, u16 tender)
{
    struct sim_account *account = account_slot(bank->accounts, bank->account_slots, order, tender);
    if (account->is_used)
        return account;
    if (++bank->account_count > bank->account_slots / 2) {
        grow_accounts(bank);
        account = account_slot(bank->accounts, bank->account_slots, order, tender);
    }
    *account = (struct sim_account){.order = order, .tender = tender, .is_used = true};
    return account;
}

const struct sim_deed *sim_bank_find(const struct sim_bank *bank, struct souk_id128 order, u32 step,
                                     u32 attempt)
{
    const struct sim_deed *deed = deed_slot(bank->deeds, bank->deed_slots, order, step, attempt);
    return deed->kind != 0 ? deed : NULL;
}

bool sim_bank_next(const struct sim_bank *bank, u64 *at, struct sim_account *account)
{
    for (; *at < bank->account_slots; (*at)++) {
        if (!bank->accounts[*at].is_used)
            continue;
        *account = bank->accounts[(*at)++];
        return true;
    }
    return false;
}

/* ---- executing ---- */

static u16 authorize(struct sim_bank *bank, struct sim_account *account, i64 amount,
                     enum sim_mood mood)
{
    if (mood == SIM_MOOD_DECLINES) {
        bank->totals.declined++;
        return SOUK_EVENT_DECLINED;
    }
    if (mood == SIM_MOOD_ASKS) {
        account->is_asking = true;
        bank->totals.actions++;
        return SOUK_EVENT_ACTION;
    }
    account->authorized += amount;
    bank->totals.authorized++;
    bank->totals.authorized_amount += amount;
    return SOUK_EVENT_AUTHORIZED;
}

/* Whether this step was captured under another key. */
static bool is_captured(const struct sim_bank *bank, const struct sim_deed *deed)
{
    for (u32 attempt = 1; attempt < deed->attempt; attempt++) {
        const struct sim_deed *before = sim_bank_find(bank, deed->order, deed->step, attempt);
        if (before != NULL && before->result == SOUK_EVENT_CAPTURED)
            return true;
    }
    return false;
}

static u16 capture(struct sim_bank *bank, struct sim_account *account, const struct sim_deed *deed)
{
    struct sim_totals *totals = &bank->totals;
    const bool is_twice = is_captured(bank, deed);
    const bool is_beyond =
        !account->is_adopted && account->captured + deed->amount > account->authorized;
    totals->charged_twice += is_twice ? 1 : 0;
    totals->after_void += account->is_voided ? 1 : 0;
    totals->beyond_authorized += is_beyond && !is_twice ? 1 : 0;
    if (is_twice || account->is_voided || is_beyond)
        return SOUK_EVENT_CAPTURE_FAILED;
    account->captured += deed->amount;
    account->captures++;
    totals->captures++;
    totals->captured_amount += deed->amount;
    return SOUK_EVENT_CAPTURED;
}

static u16 refund(struct sim_bank *bank, struct sim_account *account, i64 amount)
{
    struct sim_totals *totals = &bank->totals;
    if (!account->is_adopted && account->refunded + amount > account->captured) { /* B2 */
        totals->beyond_captured++;
        return SOUK_EVENT_REFUND_FAILED;
    }
    account->refunded += amount;
    totals->refunds++;
    totals->refunded_amount += amount;
    return SOUK_EVENT_REFUNDED;
}

static bool is_there(const struct sim_account *account)
{
    return account->authorized != 0 || account->is_asking || account->is_adopted;
}

/* What is asked of the shopper, nobody may answer any more. */
static void end_actions(struct sim_bank *bank, const struct sim_deed *deed)
{
    for (u32 attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        struct sim_deed *asked =
            deed_slot(bank->deeds, bank->deed_slots, deed->order, deed->subject, attempt);
        if (asked->kind == SOUK_COMMAND_AUTHORIZE && asked->result == SOUK_EVENT_ACTION)
            asked->result = SOUK_EVENT_DECLINED;
    }
}

static u16 execute(struct sim_bank *bank, const struct sim_deed *deed, enum sim_mood mood)
{
    struct sim_account *account = account_of(bank, deed->order, deed->tender);
    if (mood == SIM_MOOD_FAILS && deed->kind != SOUK_COMMAND_AUTHORIZE) {
        bank->totals.failures++;
        return deed->kind == SOUK_COMMAND_CAPTURE ? SOUK_EVENT_CAPTURE_FAILED
               : deed->kind == SOUK_COMMAND_VOID  ? SOUK_EVENT_VOID_FAILED
                                                  : SOUK_EVENT_REFUND_FAILED;
    }
    switch (deed->kind) {
    case SOUK_COMMAND_AUTHORIZE: return authorize(bank, account, deed->amount, mood);
    case SOUK_COMMAND_CAPTURE: return capture(bank, account, deed);
    case SOUK_COMMAND_REFUND: return refund(bank, account, deed->amount);
    case SOUK_COMMAND_VOID:
        if (!is_there(account))
            return SOUK_EVENT_NO_SUCH_PAYMENT;
        end_actions(bank, deed);
        account->is_voided = true;
        bank->totals.voids++;
        return SOUK_EVENT_VOIDED;
    default: PANIC("a command that no bank knows");
    }
}

/* A payment of earlier books. */
static void adopt(struct sim_bank *bank, const struct souk_command_poll_reply *command)
{
    const struct sim_account *account =
        account_slot(bank->accounts, bank->account_slots, command->order, command->tender);
    if (command->kind == SOUK_COMMAND_AUTHORIZE || account->is_used ||
        command->reference.bytes[0] == 0)
        return;
    account_of(bank, command->order, command->tender)->is_adopted = true;
    bank->totals.adopted++;
}

const struct sim_deed *sim_bank_execute(struct sim_bank *bank,
                                        const struct souk_command_poll_reply *command,
                                        enum sim_mood mood)
{
    MUST(command->kind >= SOUK_COMMAND_AUTHORIZE && command->kind <= SOUK_COMMAND_REFUND);
    struct sim_deed *deed =
        deed_slot(bank->deeds, bank->deed_slots, command->order, command->step, command->attempt);
    if (deed->kind != 0) { /* B1 */
        deed->asked++;
        bank->totals.asked_again++;
        if (deed->kind != command->kind || deed->amount != command->amount ||
            deed->tender != command->tender)
            bank->totals.changed_keys++;
        return deed;
    }
    if (++bank->deed_count > bank->deed_slots / 2) {
        grow_deeds(bank);
        deed = deed_slot(bank->deeds, bank->deed_slots, command->order, command->step,
                         command->attempt);
    }
    *deed = (struct sim_deed){.order = command->order,
                              .amount = command->amount,
                              .step = command->step,
                              .attempt = command->attempt,
                              .subject = command->subject,
                              .kind = command->kind,
                              .tender = command->tender,
                              .currency = command->currency,
                              .asked = 1};
    bank->totals.deeds++;
    adopt(bank, command);
    deed->result = execute(bank, deed, mood);
    return deed;
}

const struct sim_deed *sim_bank_act(struct sim_bank *bank, struct souk_id128 order, u32 step,
                                    u32 attempt, bool is_declined)
{
    struct sim_deed *deed = deed_slot(bank->deeds, bank->deed_slots, order, step, attempt);
    if (deed->kind != SOUK_COMMAND_AUTHORIZE || deed->result != SOUK_EVENT_ACTION)
        return NULL;
    struct sim_account *account = account_of(bank, order, deed->tender);
    if (account->is_voided)
        return NULL;
    account->is_asking = false;
    deed->result =
        authorize(bank, account, deed->amount, is_declined ? SIM_MOOD_DECLINES : SIM_MOOD_WILLING);
    return deed;
}

u16 sim_bank_missing(const struct sim_bank *bank, const struct souk_command_poll_reply *query)
{
    const struct sim_account *account =
        account_slot(bank->accounts, bank->account_slots, query->order, query->tender);
    const bool is_of_earlier = !account->is_used && query->reference.bytes[0] != 0;
    if (query->subject_kind != SOUK_COMMAND_VOID || !(is_there(account) || is_of_earlier))
        return SOUK_EVENT_NO_SUCH_PAYMENT;
    return account->is_voided ? SOUK_EVENT_VOIDED : SOUK_EVENT_VOID_FAILED;
}

struct sim_totals sim_bank_totals(const struct sim_bank *bank)
{
    return bank->totals;
}

u64 sim_bank_violations(const struct sim_totals *totals)
{
    return totals->charged_twice + totals->beyond_authorized + totals->beyond_captured +
           totals->after_void + totals->changed_keys;
}

struct souk_text64 sim_reference(const struct sim_deed *deed)
{
    char key[SOUK_KEY_TEXT_MAX], text[SOUK_KEY_TEXT_MAX + 4];
    (void)snprintf(text, sizeof text, "sim-%s",
                   souk_command_key(deed->order, deed->step, deed->attempt, key));
    return souk_text64_of(text);
}
