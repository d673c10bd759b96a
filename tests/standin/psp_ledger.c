/* psp_ledger: see tests/standin/psp_ledger.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/standin/psp_agenda.h"
#include "tests/standin/psp_value.h"

static const struct psp_result granted = {.status = 200};

PRINTF(3, 4)
static struct psp_result refuse(const char *code, const char *param, const char *format, ...)
{
    struct psp_result result = {
        .status = 400, .type = "invalid_request_error", .code = code, .param = param};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result.message, sizeof result.message, format, arguments);
    va_end(arguments);
    return result;
}

const char *psp_status_name(enum psp_status status)
{
    switch (status) {
    case PSP_REQUIRES_PAYMENT_METHOD: return "requires_payment_method";
    case PSP_REQUIRES_ACTION: return "requires_action";
    case PSP_REQUIRES_CAPTURE: return "requires_capture";
    case PSP_SUCCEEDED: return "succeeded";
    case PSP_CANCELED: return "canceled";
    }
    PANIC("unknown status of an intent");
}

i64 intent_capturable(const struct psp_intent *intent)
{
    return intent->status == PSP_REQUIRES_CAPTURE ? intent->authorised - intent->captured : 0;
}

static void check_intent(const struct psp_intent *intent)
{
    MUST(intent->refunded >= 0); /* I1 */
    MUST(intent->refunded <= intent->captured);
    MUST(intent->captured + intent->voided <= intent->authorised);
    MUST(intent->authorised <= intent->amount);
}

static void make_id(struct psp_ledger *ledger, const char *prefix, char id[PSP_ID_BYTES])
{
    (void)snprintf(id, PSP_ID_BYTES, "%s_%06llx%08llu", prefix,
                   (unsigned long long)(ledger->seed & 0xFFFFFF),
                   (unsigned long long)++ledger->id_count);
}

void ledger_open(struct psp_ledger *ledger, const char *key_name, u64 seed)
{
    *ledger = (struct psp_ledger){.key_name = key_name, .seed = seed};
    ledger->ids = json_object();
    ledger->keys = json_object();
    MUST(ledger->ids != NULL && ledger->keys != NULL);
}

void ledger_close(struct psp_ledger *ledger)
{
    for (u32 i = 0; i < ledger->intent_count; i++) {
        free(ledger->intents[i].payment_method);
        json_decref(ledger->intents[i].metadata);
    }
    for (u32 i = 0; i < ledger->entry_count; i++) {
        free(ledger->entries[i].request_key);
        json_decref(ledger->entries[i].metadata);
    }
    free(ledger->intents);
    free(ledger->entries);
    json_decref(ledger->ids);
    json_decref(ledger->keys);
}

/* Adds the intent to those of its key; an intent without one belongs to the key "". */
static void list_by_key(struct psp_ledger *ledger, u32 index)
{
    const char *key =
        json_string_value(json_object_get(ledger->intents[index].metadata, ledger->key_name));
    key = key == NULL ? "" : key;
    json_t *of_key = json_object_get(ledger->keys, key);
    if (of_key == NULL) {
        of_key = json_array();
        value_put(ledger->keys, key, of_key);
    }
    value_append(of_key, json_integer(index));
}

static void authorise(struct psp_ledger *ledger, struct psp_intent *intent)
{
    MUST(intent->authorised == 0);
    intent->authorised = intent->amount;
    intent->status = PSP_REQUIRES_CAPTURE;
    intent->decline_code = NULL;
    make_id(ledger, "ch", intent->charge);
}

u32 ledger_create(struct psp_ledger *ledger, const struct psp_create *create)
{
    MUST(create->amount > 0 && create->amount <= PSP_AMOUNT_MAX);
    MUST(strlen(create->currency) == 3);
    if (ledger->intent_count == ledger->intent_capacity) {
        ledger->intent_capacity = ledger->intent_capacity == 0 ? 1024 : ledger->intent_capacity * 2;
        ledger->intents =
            realloc(ledger->intents, ledger->intent_capacity * sizeof *ledger->intents);
        MUST(ledger->intents != NULL);
    }
    const u32 index = ledger->intent_count++;
    struct psp_intent *intent = &ledger->intents[index];
    *intent = (struct psp_intent){.status = PSP_REQUIRES_PAYMENT_METHOD,
                                  .payment_method = strdup(create->payment_method),
                                  .metadata = create->metadata,
                                  .amount = create->amount,
                                  .created_s = (u64)time(NULL),
                                  .created_ns = agenda_now_ns(),
                                  .first_entry = PSP_NONE,
                                  .last_entry = PSP_NONE};
    MUST(intent->payment_method != NULL && intent->metadata != NULL);
    memcpy(intent->currency, create->currency, 4);
    make_id(ledger, "pi", intent->id);
    value_put(ledger->ids, intent->id, json_integer(index));
    switch (create->verdict) {
    case PSP_AUTHORISE: authorise(ledger, intent); break;
    case PSP_ASK_SHOPPER: intent->status = PSP_REQUIRES_ACTION; break;
    case PSP_DECLINE: intent->decline_code = create->decline_code; break;
    }
    list_by_key(ledger, index);
    check_intent(intent);
    return index;
}

static u32 add_entry(struct psp_ledger *ledger, enum psp_entry_kind kind, u32 intent_index,
                     i64 amount, const char *request_key)
{
    static const char *const prefixes[PSP_ENTRY_KINDS] = {"cap", "re", "void"};
    if (ledger->entry_count == ledger->entry_capacity) {
        ledger->entry_capacity = ledger->entry_capacity == 0 ? 1024 : ledger->entry_capacity * 2;
        ledger->entries =
            realloc(ledger->entries, ledger->entry_capacity * sizeof *ledger->entries);
        MUST(ledger->entries != NULL);
    }
    const u32 index = ledger->entry_count++;
    struct psp_entry *entry = &ledger->entries[index];
    *entry = (struct psp_entry){.kind = kind,
                                .intent = intent_index,
                                .next = PSP_NONE,
                                .amount = amount,
                                .created_s = (u64)time(NULL),
                                .request_key = request_key == NULL ? NULL : strdup(request_key)};
    make_id(ledger, prefixes[kind], entry->id);
    value_put(ledger->ids, entry->id, json_integer(index));
    struct psp_intent *intent = &ledger->intents[intent_index];
    if (intent->last_entry == PSP_NONE)
        intent->first_entry = index;
    else
        ledger->entries[intent->last_entry].next = index;
    intent->last_entry = index;
    return index;
}

static struct psp_result refuse_status(const struct psp_intent *intent, const char *verb)
{
    return refuse("payment_intent_unexpected_state", NULL,
                  "This PaymentIntent could not be %s because it has a status of %s.", verb,
                  psp_status_name(intent->status));
}

struct psp_result ledger_capture(struct psp_ledger *ledger, u32 index, i64 amount, bool is_final,
                                 const char *request_key, u32 *entry)
{
    MUST(index < ledger->intent_count);
    struct psp_intent *intent = &ledger->intents[index];
    if (intent->status != PSP_REQUIRES_CAPTURE)
        return refuse_status(intent, "captured");
    const i64 capturable = intent_capturable(intent);
    const i64 wanted = amount == 0 ? capturable : amount;
    if (wanted > capturable)
        return refuse("amount_too_large", "amount_to_capture",
                      "The amount to capture, %lld, is more than the %lld that can be captured.",
                      (long long)wanted, (long long)capturable);
    intent->captured += wanted;
    if (is_final || intent->captured == intent->authorised)
        intent->status = PSP_SUCCEEDED;
    *entry = add_entry(ledger, PSP_CAPTURE, index, wanted, request_key);
    check_intent(intent);
    return granted;
}

struct psp_result ledger_cancel(struct psp_ledger *ledger, u32 index, const char *request_key,
                                u32 *entry)
{
    MUST(index < ledger->intent_count);
    struct psp_intent *intent = &ledger->intents[index];
    if (intent->status == PSP_SUCCEEDED || intent->status == PSP_CANCELED)
        return refuse_status(intent, "canceled");
    const i64 released = intent_capturable(intent);
    intent->voided += released;
    intent->status = PSP_CANCELED;
    *entry = add_entry(ledger, PSP_VOID, index, released, request_key);
    check_intent(intent);
    return granted;
}

struct psp_result ledger_refund(struct psp_ledger *ledger, u32 index, i64 amount, json_t *metadata,
                                const char *request_key, u32 *entry)
{
    MUST(index < ledger->intent_count);
    struct psp_intent *intent = &ledger->intents[index];
    const i64 left = intent->captured - intent->refunded;
    const i64 wanted = amount == 0 ? left : amount;
    struct psp_result result = granted;
    if (intent->captured == 0)
        result = refuse_status(intent, "refunded");
    else if (left == 0)
        result = refuse("charge_already_refunded", NULL, "Charge %s has already been refunded.",
                        intent->charge);
    else if (wanted > left)
        result = refuse("amount_too_large", "amount",
                        "Refund amount (%lld) is greater than unrefunded amount on charge (%lld).",
                        (long long)wanted, (long long)left);
    if (result.status != 200) {
        json_decref(metadata);
        return result;
    }
    intent->refunded += wanted;
    *entry = add_entry(ledger, PSP_REFUND, index, wanted, request_key);
    ledger->entries[*entry].metadata = metadata;
    check_intent(intent);
    return granted;
}

struct psp_result ledger_finish_action(struct psp_ledger *ledger, u32 index, bool is_authorised)
{
    MUST(index < ledger->intent_count);
    struct psp_intent *intent = &ledger->intents[index];
    if (intent->status != PSP_REQUIRES_ACTION)
        return refuse_status(intent, "authenticated");
    if (is_authorised) {
        authorise(ledger, intent);
    } else {
        intent->status = PSP_REQUIRES_PAYMENT_METHOD;
        intent->decline_code = "authentication_required";
    }
    check_intent(intent);
    return granted;
}

static u32 find_id(const struct psp_ledger *ledger, const char *prefix, const char *id)
{
    const json_t *index = json_object_get(ledger->ids, id);
    if (index == NULL || strncmp(id, prefix, strlen(prefix)) != 0)
        return PSP_NONE;
    return (u32)json_integer_value(index);
}

u32 ledger_find_intent(const struct psp_ledger *ledger, const char *id)
{
    return find_id(ledger, "pi_", id);
}

u32 ledger_find_refund(const struct psp_ledger *ledger, const char *id)
{
    return find_id(ledger, "re_", id);
}
