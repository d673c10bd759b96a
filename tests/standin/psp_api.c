/* psp_api: see tests/standin/psp_api.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_api.h"

#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"
#include "tests/standin/psp_json.h"
#include "tests/standin/psp_routes.h"
#include "tests/standin/psp_value.h"

#define NAME_BYTES (KEYS_BYTES_MAX + 1)

/* What one request meets, for the log. */
struct fate {
    u64 attempt;
    const char *fault; /* "" without one */
};

void api_open(struct psp_api *api, const struct psp_options *options)
{
    *api = (struct psp_api){.options = options, .attempts = json_object()};
    MUST(api->attempts != NULL);
    (void)pthread_mutex_init(&api->lock, NULL);
    ledger_open(&api->ledger, options->key_name, options->faults.seed);
    keys_open(&api->keys);
    if (options->log != NULL)
        api->log = fopen(options->log, "we");
    webhooks_open(&api->webhooks, options->webhook, &options->faults, (u32)options->late_ms);
    agenda_open(&api->agenda);
}

void api_stop(struct psp_api *api)
{
    (void)pthread_mutex_lock(&api->lock);
    api->is_stopping = true;
    (void)pthread_mutex_unlock(&api->lock);
    agenda_close(&api->agenda);
}

void api_close(struct psp_api *api)
{
    MUST(api->is_stopping);
    webhooks_close(&api->webhooks);
    keys_close(&api->keys);
    ledger_close(&api->ledger);
    json_decref(api->attempts);
    if (api->log != NULL)
        (void)fclose(api->log);
    (void)pthread_mutex_destroy(&api->lock);
}

static void answer_json(struct psp_answer *answer, u32 status, json_t *json)
{
    MUST(answer->body == NULL);
    answer->status = status;
    answer->body = value_text(json);
    json_decref(json);
}

static void answer_error(struct psp_answer *answer, u32 status, const char *type, const char *code,
                         const char *message)
{
    struct psp_result result = {.status = status, .type = type, .code = code};
    (void)snprintf(result.message, sizeof result.message, "%s", message);
    answer_json(answer, status, json_of_error(&result));
}

static json_t *counts_json(const struct psp_counts *counts)
{
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "requests",
        (json_int_t)counts->requests, "executed", (json_int_t)counts->executed, "replayed",
        (json_int_t)counts->replayed, "refused", (json_int_t)counts->refused, "key_in_use",
        (json_int_t)counts->key_in_use, "key_mismatch", (json_int_t)counts->key_mismatch,
        "lost_before", (json_int_t)counts->lost_before, "lost_after",
        (json_int_t)counts->lost_after, "delayed", (json_int_t)counts->delayed, "errors_before",
        (json_int_t)counts->errors_before, "errors", (json_int_t)counts->errors);
    MUST(json != NULL);
    return json;
}

static void answer_ledger(struct psp_api *api, struct psp_answer *answer)
{
    json_t *ledger = json_of_ledger(&api->ledger);
    value_put(ledger, "requests", counts_json(&api->counts));
    value_put(ledger, "webhooks", webhooks_json(&api->webhooks));
    answer_json(answer, 200, ledger);
}

/* How often this name has been tried before. */
static u64 count_attempt(struct psp_api *api, const char *name)
{
    const u64 before = (u64)json_integer_value(json_object_get(api->attempts, name));
    value_put(api->attempts, name, json_integer((json_int_t)before + 1));
    return before;
}

/* Printable, or it would not be the name of anything. */
static bool is_key(const char *key)
{
    const size_t bytes = strlen(key);
    for (size_t i = 0; i < bytes; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return bytes > 0 && bytes <= KEYS_BYTES_MAX;
}

/* What is wrong before anything is looked at. */
static bool refuse_early(const struct psp_api *api, const struct psp_request *request,
                         const struct psp_route *route, struct psp_answer *answer)
{
    const char *wanted = api->options->token;
    if (request->token == NULL || (wanted != NULL && strcmp(wanted, request->token) != 0))
        answer_error(answer, 401, "invalid_request_error", NULL, "Authorization: Bearer TOKEN?");
    else if (route == NULL)
        answer_error(answer, 404, "invalid_request_error", NULL, "Unrecognized request URL.");
    else if (request->form_wrong != NULL)
        answer_error(answer, 400, "invalid_request_error", NULL, request->form_wrong);
    else if (request->key != NULL && !is_key(request->key))
        answer_error(answer, 400, "invalid_request_error", NULL,
                     "An idempotency key has 1 to 255 printable characters.");
    else
        return false;
    return true;
}

/* A key that is known answers at once: true then. */
static bool answer_known_key(struct psp_api *api, u32 index, const char *canonical,
                             struct psp_answer *answer)
{
    if (index == KEYS_NONE)
        return false;
    const struct psp_key *key = &api->keys.list[index];
    if (strcmp(key->request, canonical) != 0) {
        api->counts.key_mismatch++;
        answer_error(answer, 400, "idempotency_error", NULL,
                     "Keys for idempotent requests can only be used with the same parameters they "
                     "were first used with.");
    } else if (key->is_running) {
        api->counts.key_in_use++;
        answer_error(answer, 409, "invalid_request_error", "idempotency_key_in_use",
                     "Another request with this idempotency key is in progress.");
    } else {
        api->counts.replayed++;
        answer->status = key->status;
        answer->body = strdup(key->body);
        MUST(answer->body != NULL);
        answer->is_replay = true;
    }
    return true;
}

/* From here on the answer is kept under the key. */
static void execute(struct psp_api *api, const struct psp_route *route, const struct psp_call *call,
                    struct psp_answer *answer, struct fate *fate)
{
    const struct psp_faults *faults = &api->options->faults;
    static const char *const failed = "An error occurred on our side.";
    if (route->has_faults &&
        faults_hit(faults, FAULT_ERROR_BEFORE, call->fault_name, fate->attempt)) {
        api->counts.errors_before++;
        fate->fault = "error_before";
        answer_error(answer, 500, "api_error", NULL, failed);
        return;
    }
    u32 status = 500;
    json_t *json = route->run(call, &status);
    api->counts.executed++;
    if (!route->has_faults || !faults_hit(faults, FAULT_ERROR, call->fault_name, fate->attempt)) {
        answer_json(answer, status, json);
        return;
    }
    json_decref(json);
    api->counts.errors++;
    fate->fault = "error";
    answer_error(answer, 500, "api_error", NULL, failed);
}

/* A request whose token, address and form are good. */
static void answer_call(struct psp_api *api, const struct psp_route *route, struct psp_call *call,
                        struct psp_answer *answer, struct fate *fate)
{
    const char *key = call->request->key;
    const bool is_keyed = key != NULL && strcmp(route->method, "POST") == 0;
    char *canonical = form_canonical(&call->request->form, call->request->path);
    if (is_keyed && answer_known_key(api, keys_find(&api->keys, key), canonical, answer)) {
        free(canonical);
        return;
    }
    const struct psp_result result = route_check(route, call);
    if (result.status != 200) {
        api->counts.refused++;
        answer_json(answer, result.status, json_of_error(&result));
        free(canonical);
        return;
    }
    if (is_keyed)
        answer->key = keys_begin(&api->keys, key, canonical);
    else
        free(canonical);
    execute(api, route, call, answer, fate);
    if (is_keyed)
        keys_answer(&api->keys, answer->key, answer->status, answer->body);
}

/* Draws what becomes of the answer on its way. */
static void send_through_faults(struct psp_api *api, const char *name, struct psp_answer *answer,
                                struct fate *fate)
{
    const struct psp_faults *faults = &api->options->faults;
    if (faults_hit(faults, FAULT_DELAY, name, fate->attempt)) {
        api->counts.delayed++;
        answer->delay_ms = api->options->delay_ms;
        fate->fault = fate->fault[0] == '\0' ? "delay" : fate->fault;
    }
    if (faults_hit(faults, FAULT_LOSE_AFTER, name, fate->attempt)) {
        api->counts.lost_after++;
        answer->is_lost = true;
        fate->fault = "lose_after";
    }
}

static void write_log(struct psp_api *api, const struct psp_request *request,
                      const struct psp_answer *answer, const struct fate *fate)
{
    if (api->log == NULL)
        return;
    (void)fprintf(api->log, "%llu %s %s key=%s attempt=%llu status=%u%s fault=%s\n",
                  (unsigned long long)answer->number, request->method, request->path,
                  request->key == NULL ? "-" : request->key, (unsigned long long)fate->attempt + 1,
                  answer->status, answer->is_replay ? " replay" : "",
                  fate->fault[0] == '\0' ? "-" : fate->fault);
    (void)fflush(api->log);
}

/* By what its faults are drawn and its attempts counted: its key, or all that it says. */
static void name_request(const struct psp_request *request, char name[NAME_BYTES])
{
    if (request->key != NULL && strcmp(request->method, "POST") == 0) {
        (void)snprintf(name, NAME_BYTES, "%s", request->key);
        return;
    }
    char *canonical = form_canonical(&request->form, request->path);
    (void)snprintf(name, NAME_BYTES, "%s %016llx", request->method,
                   (unsigned long long)checksum64(canonical, strlen(canonical)));
    free(canonical);
}

static void answer_locked(struct psp_api *api, const struct psp_request *request,
                          struct psp_answer *answer)
{
    struct psp_call call = {.api = api, .request = request};
    struct fate fate = {.fault = ""};
    char name[NAME_BYTES];
    answer->number = ++api->counts.requests;
    if (strcmp(request->method, "GET") == 0 && strcmp(request->path, "/ledger") == 0) {
        answer_ledger(api, answer);
        return;
    }
    const struct psp_route *route = route_find(request->method, request->path, call.id);
    if (refuse_early(api, request, route, answer)) {
        api->counts.refused++;
        write_log(api, request, answer, &fate);
        return;
    }
    name_request(request, name);
    call.fault_name = name;
    fate.attempt = count_attempt(api, name);
    if (route->has_faults &&
        faults_hit(&api->options->faults, FAULT_LOSE_BEFORE, name, fate.attempt)) {
        api->counts.lost_before++;
        answer->is_lost = true;
        fate.fault = "lose_before";
    } else {
        answer_call(api, route, &call, answer, &fate);
        if (route->has_faults)
            send_through_faults(api, name, answer, &fate);
    }
    write_log(api, request, answer, &fate);
}

void api_answer(struct psp_api *api, const struct psp_request *request, struct psp_answer *answer)
{
    *answer = (struct psp_answer){.key = KEYS_NONE};
    (void)pthread_mutex_lock(&api->lock);
    answer->is_lost = api->is_stopping;
    if (!api->is_stopping)
        answer_locked(api, request, answer);
    (void)pthread_mutex_unlock(&api->lock);
    MUST(answer->is_lost || answer->body != NULL);
}

void api_release(struct psp_api *api, const struct psp_answer *answer)
{
    if (answer->key == KEYS_NONE)
        return;
    (void)pthread_mutex_lock(&api->lock);
    keys_release(&api->keys, answer->key);
    (void)pthread_mutex_unlock(&api->lock);
}
