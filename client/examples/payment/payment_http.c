/* payment_http: see client/examples/payment/payment_http.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/examples/payment/payment_http.h"

#include <souk.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAUSE_MS 50 /* before the second try; doubles */

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct http *http = context;
    const size_t bytes = size * count;
    if (bytes > sizeof http->answer - 1 - http->answer_bytes)
        return 0; /* longer than any answer that we know */
    memcpy(http->answer + http->answer_bytes, data, bytes);
    http->answer_bytes += bytes;
    return bytes;
}

/* Half of the pause to one and a half of it: workers that failed together do not come back together. */
static void pause_before(int attempt)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long whole_ms = (long)PAUSE_MS << attempt;
    const long ms = whole_ms / 2 + now.tv_nsec / 1000 % whole_ms;
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static struct curl_slist *make_headers(const struct http *http, const char *key)
{
    char line[256];
    snprintf(line, sizeof line, "Authorization: Bearer %s", http->token);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    snprintf(line, sizeof line, "Idempotency-Key: %s", key == NULL ? "" : key);
    return key == NULL ? headers : curl_slist_append(headers, line);
}

static enum http_outcome ask_once(struct http *http, const char *url, const char *form,
                                  const char *key)
{
    struct curl_slist *headers = make_headers(http, key);
    CURL *curl = http->curl;
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    if (form != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    http->answer_bytes = 0;
    http->status = 0;
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    http->answer[http->answer_bytes] = '\0';
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return HTTP_NOT_DONE;
    if (code != CURLE_OK)
        return HTTP_UNSURE; /* sent, and then nothing */
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http->status);
    if (http->status == 429)
        return HTTP_NOT_DONE;
    /* 409: a request of this key is being executed at this moment. */
    return http->status == 409 || http->status >= 500 ? HTTP_UNSURE : HTTP_ANSWERED;
}

enum http_outcome http_ask(struct http *http, const char *path, const char *form, const char *key)
{
    char url[HTTP_PATH_BYTES + 256];
    bool may_be_done = false;
    snprintf(url, sizeof url, "%s/v1/%s", http->url, path);
    for (int attempt = 0; attempt < HTTP_TRIES; attempt++) {
        if (attempt != 0)
            pause_before(attempt - 1);
        const enum http_outcome outcome = ask_once(http, url, form, key);
        if (outcome == HTTP_ANSWERED)
            return HTTP_ANSWERED;
        may_be_done |= outcome == HTTP_UNSURE;
    }
    return may_be_done ? HTTP_UNSURE : HTTP_NOT_DONE;
}

void http_field(struct http *http, char *form, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(http->curl, value, 0);
    const size_t at = strlen(form);
    if (escaped != NULL)
        snprintf(form + at, HTTP_FORM_BYTES - at, "%s%s=%s", at == 0 ? "" : "&", name, escaped);
    curl_free(escaped);
}
