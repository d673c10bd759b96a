/* payment_provider: see client/examples/payment/payment_provider.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/examples/payment/payment_provider.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/examples/payment/payment_http.h"

#define ID_BYTES 64

struct provider {
    struct http http;
    unsigned sure_after;
    struct souk_client *client;
};

struct provider *provider_open(const struct provider_options *options, struct souk_client *client)
{
    struct provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL)
        return NULL;
    provider->client = client;
    provider->sure_after = options->sure_after;
    provider->http.url = options->url;
    provider->http.token = options->token;
    provider->http.timeout_ms = options->timeout_ms;
    provider->http.curl = curl_easy_init();
    if (provider->http.curl != NULL)
        return provider;
    free(provider);
    return NULL;
}

void provider_close(struct provider *provider)
{
    if (provider != NULL)
        curl_easy_cleanup(provider->http.curl);
    free(provider);
}

/* ---- answers ---- */

/* The answer as JSON; an empty object for what is none. */
static json_t *answer_of(const struct provider *provider)
{
    json_t *answer = json_loads(provider->http.answer, 0, NULL);
    return answer != NULL ? answer : json_object();
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* Whether the last answer refuses the request for good: P3. Any other status is trouble between the
 * shop and the provider (a wrong token, a proxy), and says nothing about the payment. */
static bool is_refusal(const struct provider *provider)
{
    json_t *answer = answer_of(provider);
    const long status = provider->http.status;
    const char *type = text_at(json_object_get(answer, "error"), "type");
    const bool is_for_good =
        (status == 400 || status == 402 || status == 404) && strcmp(type, "idempotency_error") != 0;
    json_decref(answer);
    return is_for_good;
}

/* ---- results ---- */

static struct provider_result give_back(enum provider_reason reason)
{
    return (struct provider_result){.reason = (uint16_t)reason};
}

static struct provider_result tell(enum souk_event event, int64_t amount, const char *reference)
{
    struct provider_result result = {.event = (uint16_t)event, .amount = amount};
    snprintf(result.reference, sizeof result.reference, "%.63s", reference);
    return result;
}

/* P1, P2 */
static struct provider_result without_answer(enum http_outcome outcome)
{
    if (outcome == HTTP_NOT_DONE)
        return give_back(PROVIDER_REASON_AWAY);
    struct provider_result result = tell(SOUK_EVENT_UNKNOWN, 0, "");
    result.reason = PROVIDER_REASON_UNSURE;
    return result;
}

/* The provider's words about a request that it does not take. */
static void note_message(const struct provider *provider, struct provider_result *result)
{
    json_t *answer = answer_of(provider);
    snprintf(result->message, sizeof result->message, "%ld %.*s", provider->http.status,
             (int)sizeof result->message - 16,
             text_at(json_object_get(answer, "error"), "message"));
    json_decref(answer);
}

/* A request that was refused; `failed` is the event that says so. */
static struct provider_result refused(const struct provider *provider, enum souk_event failed)
{
    struct provider_result result = give_back(PROVIDER_REASON_REFUSED);
    if (is_refusal(provider))
        result.event = (uint16_t)failed;
    note_message(provider, &result);
    return result;
}

/* P4 */
static struct provider_result not_found(const struct provider *provider,
                                        const struct souk_command_poll_reply *command)
{
    return command->delivery < provider->sure_after ? give_back(PROVIDER_REASON_UNSURE)
                                                    : tell(SOUK_EVENT_NO_SUCH_PAYMENT, 0, "");
}

/* ---- forms ---- */

static void add_number(struct provider *provider, char *form, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    http_field(&provider->http, form, name, text);
}

static const char *reference_of(const struct souk_command_poll_reply *command,
                                char to[SOUK_TEXT64_MAX])
{
    return souk_text64_print(&command->reference, to);
}

/* ---- the engine's ledger of an order ---- */

/* `reply` has memory, also where the answer is false. */
static bool get_ledger(const struct provider *provider,
                       const struct souk_command_poll_reply *command,
                       struct souk_payment_get_reply *reply)
{
    const struct souk_payment_get get = {.order = command->order};
    *reply = (struct souk_payment_get_reply){0};
    return souk_payment_get(provider->client, &get, reply) == 0 && reply->status == SOUK_OK;
}

/* The key under which the tender of a command was authorised, or may have been. */
static bool find_authorize_key(const struct provider *provider,
                               const struct souk_command_poll_reply *command,
                               char key[SOUK_KEY_TEXT_MAX])
{
    struct souk_payment_get_reply reply;
    struct souk_row_command row;
    bool is_found = false;
    if (get_ledger(provider, command, &reply))
        for (uint32_t i = 0; !is_found && souk_row_at(reply.commands, sizeof row, i, &row); i++)
            is_found = row.kind == SOUK_COMMAND_AUTHORIZE && row.tender == command->tender;
    souk_free(reply.memory);
    if (is_found)
        souk_command_key(command->order, row.step, row.attempt, key);
    return is_found;
}

/* ---- authorising ---- */

/* What a payment's state says about its authorisation. */
static struct provider_result judge_intent(const json_t *intent)
{
    const char *status = text_at(intent, "status"), *id = text_at(intent, "id");
    if (strcmp(status, "requires_capture") == 0 || strcmp(status, "succeeded") == 0)
        return tell(SOUK_EVENT_AUTHORIZED, number_at(intent, "amount"), id);
    if (strcmp(status, "requires_payment_method") == 0 || strcmp(status, "canceled") == 0)
        return tell(SOUK_EVENT_DECLINED, 0, id);
    if (strcmp(status, "requires_action") != 0)
        return give_back(PROVIDER_REASON_UNSURE); /* under way, or a word that we do not know */
    struct provider_result result = tell(SOUK_EVENT_ACTION, 0, id);
    const json_t *next = json_object_get(intent, "next_action");
    snprintf(result.action, sizeof result.action, "%.1000s",
             text_at(json_object_get(next, "redirect_to_url"), "url"));
    return result;
}

/* "gbp" of 826. */
static void print_currency(uint16_t currency, char to[4])
{
    const char *letters = souk_currency_letters(currency);
    memset(to, 0, 4);
    for (int i = 0; letters != NULL && i < 3 && letters[i] != '\0'; i++)
        to[i] = (char)(letters[i] - 'A' + 'a');
}

/* The same bytes whenever it is made: a key with another request is refused. */
static enum http_outcome post_intent(struct provider *provider,
                                     const struct souk_command_poll_reply *command, const char *key)
{
    char form[HTTP_FORM_BYTES] = "", token[SOUK_TEXT64_MAX], number[SOUK_NUMBER_TEXT_MAX];
    char currency[4];
    print_currency(command->currency, currency);
    add_number(provider, form, "amount", command->amount);
    http_field(&provider->http, form, "currency", currency);
    http_field(&provider->http, form, "payment_method", souk_text64_print(&command->token, token));
    http_field(&provider->http, form, "capture_method", "manual");
    http_field(&provider->http, form, "confirm", "true");
    http_field(&provider->http, form, "metadata[key]", key);
    http_field(&provider->http, form, "metadata[order]", souk_order_number(command->order, number));
    return http_ask(&provider->http, "payment_intents", form, key);
}

static struct provider_result
authorize(struct provider *provider, const struct souk_command_poll_reply *command, const char *key)
{
    const enum http_outcome outcome = post_intent(provider, command, key);
    if (outcome != HTTP_ANSWERED)
        return without_answer(outcome);
    json_t *answer = answer_of(provider);
    /* A request that should not have been made is no decline: an operator has to look. */
    struct provider_result result = give_back(PROVIDER_REASON_REFUSED);
    note_message(provider, &result);
    if (provider->http.status == 200)
        result = judge_intent(answer);
    else if (provider->http.status == 402)
        result = judge_intent(json_object_get(json_object_get(answer, "error"), "payment_intent"));
    json_decref(answer);
    return result;
}

/* Reads a payment. Whether it is there. */
static bool get_intent(struct provider *provider, const char *id)
{
    char path[HTTP_PATH_BYTES];
    snprintf(path, sizeof path, "payment_intents/%s", id);
    return http_ask(&provider->http, path, NULL, NULL) == HTTP_ANSWERED &&
           provider->http.status == 200;
}

/* The id of the payment of a key: as the engine knows it, else by search; "" for none. False: the
 * provider does not say. */
static bool find_intent(struct provider *provider, const struct souk_command_poll_reply *command,
                        const char *key, char id[ID_BYTES])
{
    char path[HTTP_PATH_BYTES], query[SOUK_KEY_TEXT_MAX + 32], reference[SOUK_TEXT64_MAX];
    snprintf(id, ID_BYTES, "%.63s", reference_of(command, reference));
    if (id[0] != '\0')
        return true;
    snprintf(query, sizeof query, "metadata['key']:'%s'", key);
    char *escaped = curl_easy_escape(provider->http.curl, query, 0);
    snprintf(path, sizeof path, "payment_intents/search?query=%s", escaped == NULL ? "" : escaped);
    curl_free(escaped);
    if (http_ask(&provider->http, path, NULL, NULL) != HTTP_ANSWERED ||
        provider->http.status != 200)
        return false;
    json_t *answer = answer_of(provider);
    snprintf(id, ID_BYTES, "%.63s",
             text_at(json_array_get(json_object_get(answer, "data"), 0), "id"));
    json_decref(answer);
    return true;
}

static struct provider_result query_authorization(struct provider *provider,
                                                  const struct souk_command_poll_reply *command,
                                                  const char *key)
{
    char id[ID_BYTES];
    if (!find_intent(provider, command, key, id))
        return give_back(PROVIDER_REASON_UNSURE);
    if (id[0] == '\0') {
        /* The same request again has the first one's answer, or is the first: the order still waits. */
        const struct provider_result result = authorize(provider, command, key);
        return result.event == SOUK_EVENT_UNKNOWN ? not_found(provider, command) : result;
    }
    if (!get_intent(provider, id))
        return give_back(PROVIDER_REASON_UNSURE);
    json_t *answer = answer_of(provider);
    const struct provider_result result = judge_intent(answer);
    json_decref(answer);
    return result;
}

/* ---- capturing ---- */

static struct provider_result
capture(struct provider *provider, const struct souk_command_poll_reply *command, const char *key)
{
    char path[HTTP_PATH_BYTES], form[HTTP_FORM_BYTES] = "", reference[SOUK_TEXT64_MAX];
    snprintf(path, sizeof path, "payment_intents/%s/capture", reference_of(command, reference));
    add_number(provider, form, "amount_to_capture", command->amount);
    http_field(&provider->http, form, "final_capture", "false"); /* the engine voids what is left */
    const enum http_outcome outcome = http_ask(&provider->http, path, form, key);
    if (outcome != HTTP_ANSWERED)
        return without_answer(outcome);
    if (provider->http.status != 200)
        return refused(provider, SOUK_EVENT_CAPTURE_FAILED);
    json_t *answer = answer_of(provider);
    const struct provider_result result =
        tell(SOUK_EVENT_CAPTURED, command->amount, text_at(answer, "latest_charge"));
    json_decref(answer);
    return result;
}

/* What the engine has down as captured from the tender; -1 when it does not say. */
static int64_t captured_so_far(const struct provider *provider,
                               const struct souk_command_poll_reply *command)
{
    struct souk_payment_get_reply reply;
    struct souk_row_order_tender tender;
    int64_t captured = -1;
    if (get_ledger(provider, command, &reply) &&
        souk_row_at(reply.tenders, sizeof tender, command->tender, &tender))
        captured = tender.captured + tender.overcharged;
    souk_free(reply.memory);
    return captured;
}

/* What the payment has received tells whether this capture is in it: the engine has one capture of a
 * tender under way at a time. */
static struct provider_result weigh_capture(struct provider *provider,
                                            const struct souk_command_poll_reply *command)
{
    char reference[SOUK_TEXT64_MAX];
    const int64_t before = captured_so_far(provider, command);
    if (before < 0 || !get_intent(provider, reference_of(command, reference)))
        return give_back(PROVIDER_REASON_UNSURE);
    struct provider_result result = give_back(PROVIDER_REASON_UNSURE);
    json_t *answer = answer_of(provider);
    const int64_t received = number_at(answer, "amount_received");
    if (received == before + command->amount)
        result = tell(SOUK_EVENT_CAPTURED, command->amount, text_at(answer, "latest_charge"));
    else if (received == before)
        result = tell(SOUK_EVENT_CAPTURE_FAILED, 0, "");
    json_decref(answer);
    return result;
}

static struct provider_result query_capture(struct provider *provider,
                                            const struct souk_command_poll_reply *command,
                                            const char *key)
{
    const struct provider_result result = capture(provider, command, key);
    if (result.event != SOUK_EVENT_UNKNOWN)
        return result;
    /* 500 is repeated for ever under this key; silence may still become an answer. */
    return provider->http.status == 500 ? weigh_capture(provider, command)
                                        : give_back(PROVIDER_REASON_UNSURE);
}

/* ---- voiding ---- */

/* What the payment says about being voided. */
static struct provider_result look_at_void(struct provider *provider, const char *id)
{
    if (!get_intent(provider, id))
        return give_back(PROVIDER_REASON_UNSURE);
    json_t *answer = answer_of(provider);
    const char *status = text_at(answer, "status");
    /* A declined payment and a wholly captured one have nothing left to give back. */
    const bool is_over = strcmp(status, "canceled") == 0 || strcmp(status, "succeeded") == 0 ||
                         strcmp(status, "requires_payment_method") == 0;
    const struct provider_result result =
        tell(is_over ? SOUK_EVENT_VOIDED : SOUK_EVENT_VOID_FAILED, 0, is_over ? id : "");
    json_decref(answer);
    return result;
}

/* `subject`: the key of the authorisation. */
static struct provider_result void_payment(struct provider *provider,
                                           const struct souk_command_poll_reply *command,
                                           const char *key, const char *subject)
{
    char path[HTTP_PATH_BYTES], id[ID_BYTES];
    if (!find_intent(provider, command, subject, id))
        return give_back(PROVIDER_REASON_UNSURE);
    if (id[0] == '\0')
        return not_found(provider, command);
    snprintf(path, sizeof path, "payment_intents/%s/cancel", id);
    const enum http_outcome outcome =
        http_ask(&provider->http, path, "cancellation_reason=requested_by_customer", key);
    if (outcome == HTTP_NOT_DONE)
        return give_back(PROVIDER_REASON_AWAY);
    /* Whatever was answered: what counts is what the payment is now. That it is not void is proof only
     * where the request can not be executed any more. */
    const bool is_final = outcome == HTTP_ANSWERED || provider->http.status == 500;
    const struct provider_result result = look_at_void(provider, id);
    return result.event == SOUK_EVENT_VOID_FAILED && !is_final ? give_back(PROVIDER_REASON_UNSURE)
                                                               : result;
}

/* P5: the void may never have come, and the payment be there all the same, unknown to the engine. */
static struct provider_result query_void(struct provider *provider,
                                         const struct souk_command_poll_reply *command)
{
    char id[ID_BYTES], authorize_key[SOUK_KEY_TEXT_MAX];
    if (!find_authorize_key(provider, command, authorize_key) ||
        !find_intent(provider, command, authorize_key, id))
        return give_back(PROVIDER_REASON_UNSURE);
    if (id[0] == '\0')
        return not_found(provider, command);
    const struct provider_result result = look_at_void(provider, id);
    /* Not void yet: the request may still be on its way, and make another attempt needless. */
    return result.event == SOUK_EVENT_VOID_FAILED && command->delivery < provider->sure_after
               ? give_back(PROVIDER_REASON_UNSURE)
               : result;
}

/* ---- refunding ---- */

static struct provider_result refund(struct provider *provider,
                                     const struct souk_command_poll_reply *command, const char *key)
{
    char form[HTTP_FORM_BYTES] = "", reference[SOUK_TEXT64_MAX];
    http_field(&provider->http, form, "payment_intent", reference_of(command, reference));
    add_number(provider, form, "amount", command->amount);
    http_field(&provider->http, form, "metadata[key]", key);
    const enum http_outcome outcome = http_ask(&provider->http, "refunds", form, key);
    if (outcome != HTTP_ANSWERED)
        return without_answer(outcome);
    if (provider->http.status != 200)
        return refused(provider, SOUK_EVENT_REFUND_FAILED);
    json_t *answer = answer_of(provider);
    const struct provider_result result =
        tell(SOUK_EVENT_REFUNDED, number_at(answer, "amount"), text_at(answer, "id"));
    json_decref(answer);
    return result;
}

/* In the list of the payment's refunds, of which each has its key. */
static struct provider_result find_refund(struct provider *provider,
                                          const struct souk_command_poll_reply *command,
                                          const char *key)
{
    char path[HTTP_PATH_BYTES], reference[SOUK_TEXT64_MAX];
    snprintf(path, sizeof path, "refunds?payment_intent=%s", reference_of(command, reference));
    if (http_ask(&provider->http, path, NULL, NULL) != HTTP_ANSWERED ||
        provider->http.status != 200)
        return give_back(PROVIDER_REASON_UNSURE);
    struct provider_result result = tell(SOUK_EVENT_REFUND_FAILED, 0, "");
    json_t *answer = answer_of(provider);
    const json_t *list = json_object_get(answer, "data");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (strcmp(text_at(json_object_get(item, "metadata"), "key"), key) == 0)
            result = tell(SOUK_EVENT_REFUNDED, number_at(item, "amount"), text_at(item, "id"));
    }
    json_decref(answer);
    return result;
}

static struct provider_result query_refund(struct provider *provider,
                                           const struct souk_command_poll_reply *command,
                                           const char *key)
{
    const struct provider_result result = refund(provider, command, key);
    if (result.event != SOUK_EVENT_UNKNOWN)
        return result;
    return provider->http.status == 500 ? find_refund(provider, command, key)
                                        : give_back(PROVIDER_REASON_UNSURE);
}

/* ---- commands ---- */

/* What became of another command; `subject` is its key. */
static struct provider_result
query(struct provider *provider, const struct souk_command_poll_reply *command, const char *subject)
{
    switch (command->subject_kind) {
    case SOUK_COMMAND_AUTHORIZE: return query_authorization(provider, command, subject);
    case SOUK_COMMAND_CAPTURE: return query_capture(provider, command, subject);
    case SOUK_COMMAND_REFUND: return query_refund(provider, command, subject);
    case SOUK_COMMAND_VOID: return query_void(provider, command);
    default: return give_back(PROVIDER_REASON_REFUSED);
    }
}

struct provider_result provider_execute(struct provider *provider,
                                        const struct souk_command_poll_reply *command)
{
    char key[SOUK_KEY_TEXT_MAX], subject[SOUK_KEY_TEXT_MAX];
    souk_command_key(command->order, command->step, command->attempt, key);
    souk_command_key(command->order, command->subject, command->subject_attempt, subject);
    switch (command->kind) {
    case SOUK_COMMAND_AUTHORIZE: return authorize(provider, command, key);
    case SOUK_COMMAND_CAPTURE: return capture(provider, command, key);
    case SOUK_COMMAND_VOID: return void_payment(provider, command, key, subject);
    case SOUK_COMMAND_REFUND: return refund(provider, command, key);
    case SOUK_COMMAND_QUERY: return query(provider, command, subject);
    default: return give_back(PROVIDER_REASON_REFUSED); /* of a newer engine */
    }
}
