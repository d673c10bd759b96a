/* psp_json: see tests/standin/psp_json.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_json.h"

#include <stdio.h>

#include "tests/standin/psp_value.h"

/* A result of json_pack, which fails for a wrong format or without memory only. */
static json_t *packed(json_t *value)
{
    MUST(value != NULL);
    return value;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *card_error(const char *decline_code)
{
    return packed(json_pack("{s:s, s:s, s:s, s:s}", "type", "card_error", "code", "card_declined",
                            "decline_code", decline_code, "message", "Your card was declined."));
}

/* Where the shopper would go; nobody is there. */
static json_t *next_action(const struct psp_intent *intent)
{
    char url[128];
    if (intent->status != PSP_REQUIRES_ACTION)
        return json_null();
    (void)snprintf(url, sizeof url, "https://standin.invalid/authenticate/%s", intent->id);
    return packed(
        json_pack("{s:s, s:{s:s}}", "type", "redirect_to_url", "redirect_to_url", "url", url));
}

json_t *json_of_intent(const struct psp_intent *intent)
{
    json_t *error = intent->decline_code == NULL ? json_null() : card_error(intent->decline_code);
    return packed(json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:s, s:o, s:o, s:b, s:O, s:o, s:s, s:s}", "id",
        intent->id, "object", "payment_intent", "amount", (json_int_t)intent->amount,
        "amount_capturable", (json_int_t)intent_capturable(intent), "amount_received",
        (json_int_t)intent->captured, "capture_method", "manual", "created",
        (json_int_t)intent->created_s, "currency", intent->currency, "last_payment_error", error,
        "latest_charge", text_or_null(intent->charge), "livemode", 0, "metadata", intent->metadata,
        "next_action", next_action(intent), "payment_method", intent->payment_method, "status",
        psp_status_name(intent->status)));
}

json_t *json_of_charge(const struct psp_intent *intent)
{
    return packed(
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:s, s:O, s:s, s:b}", "id", intent->charge,
                  "object", "charge", "amount", (json_int_t)intent->authorised, "amount_captured",
                  (json_int_t)intent->captured, "amount_refunded", (json_int_t)intent->refunded,
                  "captured", intent->captured > 0, "currency", intent->currency, "metadata",
                  intent->metadata, "payment_intent", intent->id, "refunded",
                  intent->captured > 0 && intent->refunded == intent->captured));
}

json_t *json_of_refund(const struct psp_ledger *ledger, u32 index)
{
    MUST(index < ledger->entry_count);
    const struct psp_entry *entry = &ledger->entries[index];
    const struct psp_intent *intent = &ledger->intents[entry->intent];
    MUST(entry->kind == PSP_REFUND);
    return packed(json_pack("{s:s, s:s, s:I, s:s, s:I, s:s, s:O, s:s, s:s}", "id", entry->id,
                            "object", "refund", "amount", (json_int_t)entry->amount, "charge",
                            intent->charge, "created", (json_int_t)entry->created_s, "currency",
                            intent->currency, "metadata", entry->metadata, "payment_intent",
                            intent->id, "status", "succeeded"));
}

json_t *json_of_refunds(const struct psp_ledger *ledger, u32 intent, const char *url)
{
    json_t *data = json_array();
    MUST(intent < ledger->intent_count);
    for (u32 i = ledger->intents[intent].first_entry; i != PSP_NONE; i = ledger->entries[i].next)
        if (ledger->entries[i].kind == PSP_REFUND)
            value_append(data, json_of_refund(ledger, i));
    return packed(json_pack("{s:s, s:s, s:b, s:o}", "object", "list", "url", url, "has_more", 0,
                            "data", data));
}

json_t *json_of_error(const struct psp_result *result)
{
    MUST(result->status >= 400 && result->type != NULL);
    json_t *error =
        packed(json_pack("{s:s, s:s}", "type", result->type, "message", result->message));
    if (result->code != NULL)
        value_put(error, "code", json_string(result->code));
    if (result->param != NULL)
        value_put(error, "param", json_string(result->param));
    return packed(json_pack("{s:o}", "error", error));
}

json_t *json_of_decline(const struct psp_intent *intent)
{
    MUST(intent->decline_code != NULL);
    json_t *error = card_error(intent->decline_code);
    value_put(error, "payment_intent", json_of_intent(intent));
    return packed(json_pack("{s:o}", "error", error));
}

/* ---- the ledger --------------------------------------------------------------------------------- */

struct sums {
    i64 intents, declined, authorised, captured, refunded, voided;
    i64 entries[PSP_ENTRY_KINDS];
    i64 charged_twice; /* keys with money captured on more than one intent */
};

static void add_sums(struct sums *to, const struct sums *from)
{
    to->intents += from->intents;
    to->declined += from->declined;
    to->authorised += from->authorised;
    to->captured += from->captured;
    to->refunded += from->refunded;
    to->voided += from->voided;
    for (u32 kind = 0; kind < PSP_ENTRY_KINDS; kind++)
        to->entries[kind] += from->entries[kind];
    to->charged_twice += from->charged_twice;
}

static json_t *intent_row(const struct psp_intent *intent)
{
    return packed(json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", intent->id, "status",
                            psp_status_name(intent->status), "currency", intent->currency, "amount",
                            (json_int_t)intent->amount, "authorised",
                            (json_int_t)intent->authorised, "captured",
                            (json_int_t)intent->captured, "refunded", (json_int_t)intent->refunded,
                            "voided", (json_int_t)intent->voided));
}

static json_t *entry_row(const struct psp_ledger *ledger, const struct psp_entry *entry)
{
    return packed(json_pack("{s:s, s:s, s:I, s:o}", "id", entry->id, "payment_intent",
                            ledger->intents[entry->intent].id, "amount", (json_int_t)entry->amount,
                            "idempotency_key", text_or_null(entry->request_key)));
}

/* One key's intents and entries. */
static json_t *key_row(const struct psp_ledger *ledger, const json_t *indexes, struct sums *sums)
{
    json_t *intents = json_array();
    json_t *lists[PSP_ENTRY_KINDS];
    i64 charged = 0;
    for (u32 kind = 0; kind < PSP_ENTRY_KINDS; kind++)
        lists[kind] = json_array();
    for (size_t i = 0; i < json_array_size(indexes); i++) {
        const u32 index = (u32)json_integer_value(json_array_get(indexes, i));
        const struct psp_intent *intent = &ledger->intents[index];
        sums->intents++;
        sums->declined += intent->decline_code != NULL;
        sums->authorised += intent->authorised;
        sums->captured += intent->captured;
        sums->refunded += intent->refunded;
        sums->voided += intent->voided;
        charged += intent->captured > 0;
        value_append(intents, intent_row(intent));
        for (u32 at = intent->first_entry; at != PSP_NONE; at = ledger->entries[at].next) {
            const struct psp_entry *entry = &ledger->entries[at];
            sums->entries[entry->kind]++;
            value_append(lists[entry->kind], entry_row(ledger, entry));
        }
    }
    sums->charged_twice = charged > 1;
    return packed(json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "intents", intents,
                            "captures", lists[PSP_CAPTURE], "refunds", lists[PSP_REFUND], "voids",
                            lists[PSP_VOID], "authorised", (json_int_t)sums->authorised, "captured",
                            (json_int_t)sums->captured, "refunded", (json_int_t)sums->refunded,
                            "voided", (json_int_t)sums->voided));
}

json_t *json_of_ledger(const struct psp_ledger *ledger)
{
    struct sums total = {.intents = 0};
    json_t *keys = json_object();
    const char *key;
    json_t *indexes;
    json_object_foreach(ledger->keys, key, indexes)
    {
        struct sums sums = {.intents = 0};
        value_put(keys, key, key_row(ledger, indexes, &sums));
        if (key[0] == '\0')
            sums.charged_twice = 0; /* payments of no key have nothing in common */
        add_sums(&total, &sums);
    }
    return packed(json_pack(
        "{s:s, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o}", "object", "ledger",
        "totals", "keys", (json_int_t)json_object_size(ledger->keys), "intents",
        (json_int_t)total.intents, "declined", (json_int_t)total.declined, "captures",
        (json_int_t)total.entries[PSP_CAPTURE], "refunds", (json_int_t)total.entries[PSP_REFUND],
        "voids", (json_int_t)total.entries[PSP_VOID], "authorised_amount",
        (json_int_t)total.authorised, "captured_amount", (json_int_t)total.captured,
        "refunded_amount", (json_int_t)total.refunded, "voided_amount", (json_int_t)total.voided,
        "charged_twice", (json_int_t)total.charged_twice, "keys", keys));
}
