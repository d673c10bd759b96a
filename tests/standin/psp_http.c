/* psp_http: see tests/standin/psp_http.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define BODY_BYTES_MAX  65536u
#define CONNECTIONS_MAX 2000u
#define IDLE_SECONDS    60u

struct psp_http {
    struct psp_api *api;
    struct MHD_Daemon *daemon;
};

enum exchange_step { EXCHANGE_READING, EXCHANGE_WAITING, EXCHANGE_ANSWERING };

/* One request and its answer. */
struct exchange {
    struct psp_http *http;
    struct MHD_Connection *connection;
    enum exchange_step step;
    char *body;
    size_t body_bytes;
    bool is_too_long;
    struct psp_answer answer;
};

static enum MHD_Result take_body(struct exchange *exchange, const char *data, size_t bytes)
{
    if (exchange->body_bytes + bytes > BODY_BYTES_MAX) {
        exchange->is_too_long = true;
        return MHD_YES;
    }
    char *body = realloc(exchange->body, exchange->body_bytes + bytes);
    MUST(body != NULL);
    memcpy(body + exchange->body_bytes, data, bytes);
    exchange->body = body;
    exchange->body_bytes += bytes;
    return MHD_YES;
}

struct query {
    struct psp_form *form;
    const char *wrong;
};

static enum MHD_Result take_argument(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct query *query = context;
    (void)kind;
    if (strlen(name) >= FORM_TEXT_MAX || (value != NULL && strlen(value) >= FORM_TEXT_MAX))
        query->wrong = "a parameter is too long";
    if (query->wrong == NULL)
        query->wrong = form_add(query->form, name, value == NULL ? "" : value);
    return MHD_YES;
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    const struct psp_answer *answer = &exchange->answer;
    char number[32];
    if (answer->is_lost)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(answer->body), answer->body, MHD_RESPMEM_MUST_COPY);
    MUST(response != NULL);
    (void)snprintf(number, sizeof number, "req_%08llu", (unsigned long long)answer->number);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    (void)MHD_add_response_header(response, "Request-Id", number);
    if (answer->is_replay)
        (void)MHD_add_response_header(response, "Idempotent-Replayed", "true");
    const enum MHD_Result result =
        MHD_queue_response(exchange->connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* A job of the agenda: the delay is over. */
static void resume(void *context, bool is_closing)
{
    struct exchange *exchange = context;
    (void)is_closing;
    MUST(exchange->step == EXCHANGE_WAITING);
    api_release(exchange->http->api, &exchange->answer);
    exchange->step = EXCHANGE_ANSWERING;
    MHD_resume_connection(exchange->connection);
}

/* Under the lock of the api, so that nothing is added to an agenda that is being closed. */
static bool suspend(struct exchange *exchange)
{
    struct psp_api *api = exchange->http->api;
    const u64 due_ns = agenda_now_ns() + exchange->answer.delay_ms * NS_PER_MS;
    (void)pthread_mutex_lock(&api->lock);
    const bool is_possible = exchange->answer.delay_ms > 0 && !api->is_stopping;
    if (is_possible) {
        exchange->step = EXCHANGE_WAITING;
        MHD_suspend_connection(exchange->connection);
        agenda_add(&api->agenda, due_ns, resume, exchange);
    }
    (void)pthread_mutex_unlock(&api->lock);
    return is_possible;
}

static enum MHD_Result answer_or_wait(struct exchange *exchange)
{
    if (suspend(exchange))
        return MHD_YES;
    api_release(exchange->http->api, &exchange->answer);
    exchange->step = EXCHANGE_ANSWERING;
    return send_answer(exchange);
}

static void ask_api(struct exchange *exchange, const char *method, const char *path)
{
    struct psp_request request = {.method = method, .path = path};
    struct query query = {.form = &request.form};
    const char *authorization = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                            MHD_HTTP_HEADER_AUTHORIZATION);
    if (authorization != NULL && strncmp(authorization, "Bearer ", 7) == 0 &&
        authorization[7] != '\0')
        request.token = authorization + 7;
    request.key =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Idempotency-Key");
    (void)MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, take_argument,
                                    &query);
    request.form_wrong = query.wrong;
    if (request.form_wrong == NULL)
        request.form_wrong = form_parse(&request.form, exchange->body, exchange->body_bytes);
    if (exchange->is_too_long)
        request.form_wrong = "the body is longer than 65536 bytes";
    api_answer(exchange->http->api, &request, &exchange->answer);
    form_clear(&request.form);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *data_bytes, void **exchange_at)
{
    struct exchange *exchange = *exchange_at;
    (void)version;
    if (exchange == NULL) {
        exchange = calloc(1, sizeof *exchange);
        MUST(exchange != NULL);
        exchange->http = context;
        exchange->connection = connection;
        *exchange_at = exchange;
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        const enum MHD_Result result = take_body(exchange, data, *data_bytes);
        *data_bytes = 0;
        return result;
    }
    switch (exchange->step) {
    case EXCHANGE_READING: ask_api(exchange, method, path); return answer_or_wait(exchange);
    case EXCHANGE_WAITING: return MHD_YES;
    case EXCHANGE_ANSWERING: return send_answer(exchange);
    }
    PANIC("unknown step of an exchange");
}

static void on_completed(void *context, struct MHD_Connection *connection, void **exchange_at,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *exchange_at;
    (void)context;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    free(exchange->body);
    free(exchange->answer.body);
    free(exchange);
    *exchange_at = NULL;
}

struct psp_http *http_open(struct psp_api *api, u16 port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct psp_http *http = calloc(1, sizeof *http);
    MUST(http != NULL);
    http->api = api;
    http->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
    if (http->daemon != NULL)
        return http;
    free(http);
    return NULL;
}

u16 http_port(const struct psp_http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    MUST(info != NULL);
    return info->port;
}

void http_close(struct psp_http *http)
{
    MHD_stop_daemon(http->daemon);
    free(http);
}
