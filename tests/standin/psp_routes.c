/* psp_routes: see tests/standin/psp_routes.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_routes.h"

#include <stdlib.h>
#include <string.h>

#include "tests/standin/psp_json.h"
#include "tests/standin/psp_value.h"

#define SEARCH_MAX 100u

static const struct psp_result granted = {.status = 200};

static struct psp_result refuse(u32 status, const char *code, const char *param,
                                const char *message)
{
    struct psp_result result = {
        .status = status, .type = "invalid_request_error", .code = code, .param = param};
    (void)snprintf(result.message, sizeof result.message, "%s", message);
    return result;
}

static json_t *refused(const struct psp_result *result, u32 *status)
{
    *status = result->status;
    return json_of_error(result);
}

static json_t *missing(u32 *status, const char *param)
{
    const struct psp_result result =
        refuse(404, "resource_missing", param, "There is no object of that id.");
    return refused(&result, status);
}

static json_t *metadata_of(const struct psp_form *form)
{
    json_t *metadata = json_object();
    for (u32 i = 0; i < form->count; i++) {
        char key[FORM_TEXT_MAX];
        if (form_metadata_name(form->fields[i].name, key))
            value_put(metadata, key, json_string(form->fields[i].value));
    }
    return metadata;
}

static void send_intent(const struct psp_call *call, const char *type, u32 intent)
{
    webhooks_send(&call->api->webhooks, type, json_of_intent(&call->api->ledger.intents[intent]),
                  call->request->key);
}

static void send_charge(const struct psp_call *call, const char *type, u32 intent)
{
    webhooks_send(&call->api->webhooks, type, json_of_charge(&call->api->ledger.intents[intent]),
                  call->request->key);
}

/* ---- the shopper ------------------------------------------------------------------------------ */

struct shopper {
    struct psp_api *api;
    u32 intent;
};

static struct psp_result finish_action(struct psp_api *api, u32 intent, bool is_authorised,
                                       const char *key)
{
    const struct psp_result result = ledger_finish_action(&api->ledger, intent, is_authorised);
    if (result.status == 200)
        webhooks_send(&api->webhooks,
                      is_authorised ? "payment_intent.amount_capturable_updated"
                                    : "payment_intent.payment_failed",
                      json_of_intent(&api->ledger.intents[intent]), key);
    return result;
}

/* A job of the agenda. That the intent was cancelled meanwhile is nothing unusual. */
static void act(void *context, bool is_closing)
{
    struct shopper *shopper = context;
    struct psp_api *api = shopper->api;
    if (!is_closing) {
        (void)pthread_mutex_lock(&api->lock);
        const bool fails = faults_hit(&api->options->faults, FAULT_ACTION_FAIL,
                                      api->ledger.intents[shopper->intent].id, 0);
        (void)finish_action(api, shopper->intent, !fails, NULL);
        (void)pthread_mutex_unlock(&api->lock);
    }
    free(shopper);
}

static void call_shopper(struct psp_api *api, u32 intent)
{
    if (api->options->action_ms == 0)
        return;
    struct shopper *shopper = malloc(sizeof *shopper);
    MUST(shopper != NULL);
    *shopper = (struct shopper){api, intent};
    agenda_add(&api->agenda, agenda_now_ns() + api->options->action_ms * NS_PER_MS, act, shopper);
}

/* ---- payment intents --------------------------------------------------------------------------- */

/* What the bank says: the token decides, or the rates. */
static enum psp_verdict judge(const struct psp_call *call, const char *method,
                              const char **decline_code)
{
    const struct psp_faults *faults = &call->api->options->faults;
    *decline_code = strstr(method, "chargeDeclinedInsufficientFunds") != NULL ? "insufficient_funds"
                                                                              : "generic_decline";
    if (strstr(method, "chargeDeclined") != NULL)
        return PSP_DECLINE;
    if (strstr(method, "authenticationRequired") != NULL)
        return PSP_ASK_SHOPPER;
    if (faults_hit(faults, FAULT_DECLINE, call->fault_name, 0))
        return PSP_DECLINE;
    return faults_hit(faults, FAULT_ACTION, call->fault_name, 0) ? PSP_ASK_SHOPPER : PSP_AUTHORISE;
}

static json_t *run_create(const struct psp_call *call, u32 *status)
{
    const struct psp_form *form = &call->request->form;
    struct psp_ledger *ledger = &call->api->ledger;
    struct psp_create create = {.amount = call->amount,
                                .currency = form_get(form, "currency"),
                                .payment_method = form_get(form, "payment_method"),
                                .metadata = metadata_of(form)};
    create.verdict = judge(call, create.payment_method, &create.decline_code);
    const u32 intent = ledger_create(ledger, &create);
    switch (create.verdict) {
    case PSP_AUTHORISE:
        send_intent(call, "payment_intent.amount_capturable_updated", intent);
        break;
    case PSP_ASK_SHOPPER: call_shopper(call->api, intent); break;
    case PSP_DECLINE:
        send_intent(call, "payment_intent.payment_failed", intent);
        *status = 402;
        return json_of_decline(&ledger->intents[intent]);
    }
    *status = 200;
    return json_of_intent(&ledger->intents[intent]);
}

static json_t *run_get(const struct psp_call *call, u32 *status)
{
    const u32 intent = ledger_find_intent(&call->api->ledger, call->id);
    if (intent == PSP_NONE)
        return missing(status, "intent");
    *status = 200;
    return json_of_intent(&call->api->ledger.intents[intent]);
}

static json_t *run_capture(const struct psp_call *call, u32 *status)
{
    struct psp_ledger *ledger = &call->api->ledger;
    const char *final = form_get(&call->request->form, "final_capture");
    const u32 intent = ledger_find_intent(ledger, call->id);
    u32 entry;
    if (intent == PSP_NONE)
        return missing(status, "intent");
    const struct psp_result result =
        ledger_capture(ledger, intent, call->amount, final == NULL || strcmp(final, "true") == 0,
                       call->request->key, &entry);
    if (result.status != 200)
        return refused(&result, status);
    send_charge(call, "charge.captured", intent);
    *status = 200;
    return json_of_intent(&ledger->intents[intent]);
}

static json_t *run_cancel(const struct psp_call *call, u32 *status)
{
    struct psp_ledger *ledger = &call->api->ledger;
    const u32 intent = ledger_find_intent(ledger, call->id);
    u32 entry;
    if (intent == PSP_NONE)
        return missing(status, "intent");
    const struct psp_result result = ledger_cancel(ledger, intent, call->request->key, &entry);
    if (result.status != 200)
        return refused(&result, status);
    send_intent(call, "payment_intent.canceled", intent);
    *status = 200;
    return json_of_intent(&ledger->intents[intent]);
}

static json_t *run_finish_action(const struct psp_call *call, u32 *status)
{
    struct psp_ledger *ledger = &call->api->ledger;
    const char *outcome = form_get(&call->request->form, "outcome");
    const u32 intent = ledger_find_intent(ledger, call->id);
    if (intent == PSP_NONE)
        return missing(status, "intent");
    const struct psp_result result =
        finish_action(call->api, intent, strcmp(outcome, "authorized") == 0, call->request->key);
    if (result.status != 200)
        return refused(&result, status);
    *status = 200;
    return json_of_intent(&ledger->intents[intent]);
}

/* ---- search ------------------------------------------------------------------------------------ */

/* The text between quotes at *at, which moves behind them; \ before a character takes it as it is. */
static bool read_quoted(const char **at, char to[FORM_TEXT_MAX])
{
    const char quote = **at;
    u32 bytes = 0;
    if (quote != '\'' && quote != '"')
        return false;
    for ((*at)++; **at != quote; (*at)++) {
        if (**at == '\\')
            (*at)++;
        if (**at == '\0')
            return false;
        to[bytes++] = **at;
    }
    to[bytes] = '\0';
    (*at)++;
    return true;
}

/* metadata['name']:'value' */
static bool read_query(const char *query, char name[FORM_TEXT_MAX], char value[FORM_TEXT_MAX])
{
    const char *at = query + 9;
    if (strncmp(query, "metadata[", 9) != 0 || !read_quoted(&at, name))
        return false;
    if (strncmp(at, "]:", 2) != 0)
        return false;
    at += 2;
    return read_quoted(&at, value) && *at == '\0';
}

/* Adds the intent to what was found, unless it is too young, another's, or one too many. */
static void match(const struct psp_call *call, u32 index, const char *name, const char *value,
                  json_t *data)
{
    const struct psp_intent *intent = &call->api->ledger.intents[index];
    const char *has = json_string_value(json_object_get(intent->metadata, name));
    const u64 lag_ns = call->api->options->search_lag_ms * NS_PER_MS;
    if (has != NULL && strcmp(has, value) == 0 && json_array_size(data) < SEARCH_MAX &&
        intent->created_ns + lag_ns <= agenda_now_ns())
        value_append(data, json_of_intent(intent));
}

static json_t *run_search(const struct psp_call *call, u32 *status)
{
    const struct psp_ledger *ledger = &call->api->ledger;
    char name[FORM_TEXT_MAX], value[FORM_TEXT_MAX];
    json_t *data = json_array();
    const bool is_query = read_query(form_get(&call->request->form, "query"), name, value);
    MUST(is_query); /* route_check */
    /* By the ledger's own key there is a list; by another one all are looked at. */
    const bool is_listed = strcmp(name, ledger->key_name) == 0;
    const json_t *listed = is_listed ? json_object_get(ledger->keys, value) : NULL;
    for (size_t i = is_listed ? json_array_size(listed) : ledger->intent_count; i-- > 0;)
        match(call, is_listed ? (u32)json_integer_value(json_array_get(listed, i)) : (u32)i, name,
              value, data);
    *status = 200;
    json_t *found = json_pack("{s:s, s:s, s:b, s:o}", "object", "search_result", "url",
                              "/v1/payment_intents/search", "has_more", 0, "data", data);
    MUST(found != NULL);
    return found;
}

/* ---- refunds ----------------------------------------------------------------------------------- */

static json_t *run_refund(const struct psp_call *call, u32 *status)
{
    struct psp_ledger *ledger = &call->api->ledger;
    const struct psp_form *form = &call->request->form;
    const u32 intent = ledger_find_intent(ledger, form_get(form, "payment_intent"));
    u32 entry;
    if (intent == PSP_NONE)
        return missing(status, "payment_intent");
    const struct psp_result result =
        ledger_refund(ledger, intent, call->amount, metadata_of(form), call->request->key, &entry);
    if (result.status != 200)
        return refused(&result, status);
    send_charge(call, "charge.refunded", intent);
    *status = 200;
    return json_of_refund(ledger, entry);
}

static json_t *run_get_refund(const struct psp_call *call, u32 *status)
{
    const u32 refund = ledger_find_refund(&call->api->ledger, call->id);
    if (refund == PSP_NONE)
        return missing(status, "refund");
    *status = 200;
    return json_of_refund(&call->api->ledger, refund);
}

static json_t *run_list_refunds(const struct psp_call *call, u32 *status)
{
    const u32 intent =
        ledger_find_intent(&call->api->ledger, form_get(&call->request->form, "payment_intent"));
    if (intent == PSP_NONE)
        return missing(status, "payment_intent");
    *status = 200;
    return json_of_refunds(&call->api->ledger, intent, "/v1/refunds");
}

/* ---- finding and checking ----------------------------------------------------------------------- */

static const struct psp_route routes[] = {
    {.method = "POST",
     .path = "/v1/payment_intents",
     .parameters = " amount currency payment_method capture_method confirm metadata description ",
     .required = {"amount", "currency", "payment_method", "capture_method", "confirm"},
     .has_faults = true,
     .run = run_create},
    {.method = "GET",
     .path = "/v1/payment_intents/search",
     .parameters = " query limit ",
     .required = {"query"},
     .has_faults = true,
     .run = run_search},
    {.method = "GET",
     .path = "/v1/payment_intents/*",
     .parameters = "",
     .has_faults = true,
     .run = run_get},
    {.method = "POST",
     .path = "/v1/payment_intents/*/capture",
     .parameters = " amount_to_capture final_capture ",
     .has_faults = true,
     .run = run_capture},
    {.method = "POST",
     .path = "/v1/payment_intents/*/cancel",
     .parameters = " cancellation_reason ",
     .has_faults = true,
     .run = run_cancel},
    {.method = "POST",
     .path = "/v1/refunds",
     .parameters = " payment_intent amount reason metadata ",
     .required = {"payment_intent"},
     .has_faults = true,
     .run = run_refund},
    {.method = "GET",
     .path = "/v1/refunds",
     .parameters = " payment_intent limit ",
     .required = {"payment_intent"},
     .has_faults = true,
     .run = run_list_refunds},
    {.method = "GET",
     .path = "/v1/refunds/*",
     .parameters = "",
     .has_faults = true,
     .run = run_get_refund},
    {.method = "POST",
     .path = "/v1/test_helpers/payment_intents/*/finish_action",
     .parameters = " outcome ",
     .required = {"outcome"},
     .run = run_finish_action},
};

/* Does the path fit the pattern? What stands for the * comes into `id`. */
static bool fits(const char *pattern, const char *path, char id[PSP_ID_BYTES])
{
    const char *star = strchr(pattern, '*');
    id[0] = '\0';
    if (star == NULL)
        return strcmp(pattern, path) == 0;
    const size_t before = (size_t)(star - pattern), after = strlen(star + 1);
    const size_t bytes = strlen(path);
    if (bytes <= before + after || bytes - before - after >= PSP_ID_BYTES ||
        strncmp(path, pattern, before) != 0 || strcmp(path + bytes - after, star + 1) != 0)
        return false;
    memcpy(id, path + before, bytes - before - after);
    id[bytes - before - after] = '\0';
    return strchr(id, '/') == NULL;
}

const struct psp_route *route_find(const char *method, const char *path, char id[PSP_ID_BYTES])
{
    for (u32 i = 0; i < ARRAY_COUNT(routes); i++)
        if (strcmp(routes[i].method, method) == 0 && fits(routes[i].path, path, id))
            return &routes[i];
    id[0] = '\0';
    return NULL;
}

/* Is " name " in the list? */
static bool is_listed(const char *list, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
        if (at > list && at[-1] == ' ' && at[bytes] == ' ')
            return true;
    return false;
}

static bool read_amount(const char *text, i64 *amount)
{
    *amount = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || at - text >= 12)
            return false;
        *amount = *amount * 10 + (*at - '0');
    }
    STATIC_CHECK(PSP_AMOUNT_MAX == 999999999999ll);
    return *amount > 0;
}

/* The values that only some words may have. */
static struct psp_result check_word(const char *name, const char *value)
{
    static const struct {
        const char *name;
        const char *words;
        const char *message;
    } rules[] = {
        {"capture_method", " manual ", "Only capture_method=manual is played here."},
        {"confirm", " true ", "Only confirm=true is played here."},
        {"final_capture", " true false ", "Invalid boolean."},
        {"outcome", " authorized failed ", "outcome is authorized or failed."},
        {"cancellation_reason", " duplicate fraudulent requested_by_customer abandoned ",
         "Invalid cancellation_reason."},
        {"reason", " duplicate fraudulent requested_by_customer ", "Invalid reason."},
    };
    for (u32 i = 0; i < ARRAY_COUNT(rules); i++)
        if (strcmp(rules[i].name, name) == 0 &&
            (value[0] == '\0' || strchr(value, ' ') != NULL || !is_listed(rules[i].words, value)))
            return refuse(400, NULL, rules[i].name, rules[i].message);
    return granted;
}

static bool is_currency(const char *value)
{
    for (u32 i = 0; i < 3; i++)
        if (value[i] < 'a' || value[i] > 'z')
            return false;
    return value[3] == '\0';
}

static struct psp_result check_field(const struct psp_route *route, struct psp_call *call,
                                     const struct psp_field *field)
{
    char key[FORM_TEXT_MAX], query_name[FORM_TEXT_MAX], query_value[FORM_TEXT_MAX];
    const char *name = form_metadata_name(field->name, key) ? "metadata" : field->name;
    if (!is_listed(route->parameters, name) || strchr(name, ' ') != NULL ||
        (strcmp(name, "metadata") == 0 && name == field->name))
        return refuse(400, "parameter_unknown", field->name, "Received unknown parameter.");
    if ((strcmp(name, "amount") == 0 || strcmp(name, "amount_to_capture") == 0) &&
        !read_amount(field->value, &call->amount))
        return refuse(400, "parameter_invalid_integer", field->name,
                      "This value must be a whole number from 1 to 999999999999.");
    if (strcmp(name, "currency") == 0 && !is_currency(field->value))
        return refuse(400, "invalid_currency", field->name, "Three small letters, please.");
    if (strcmp(name, "payment_method") == 0 && strncmp(field->value, "pm_", 3) != 0)
        return refuse(400, "resource_missing", field->name, "No such PaymentMethod.");
    if (strcmp(name, "query") == 0 && !read_query(field->value, query_name, query_value))
        return refuse(400, NULL, field->name, "Only metadata['NAME']:'VALUE' can be asked here.");
    return check_word(name, field->value);
}

struct psp_result route_check(const struct psp_route *route, struct psp_call *call)
{
    const struct psp_form *form = &call->request->form;
    call->amount = 0;
    for (u32 i = 0; i < form->count; i++) {
        const struct psp_result result = check_field(route, call, &form->fields[i]);
        if (result.status != 200)
            return result;
    }
    for (u32 i = 0; i < ROUTE_REQUIRED_MAX && route->required[i] != NULL; i++)
        if (form_get(form, route->required[i]) == NULL)
            return refuse(400, "parameter_missing", route->required[i], "Missing required param.");
    return granted;
}
