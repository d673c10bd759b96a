/* payment_http: requests with retries over one connection, and what their silence means.
 *
 * All tries of a request are under one idempotency key, so it does not matter how many of them arrive.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_EXAMPLES_PAYMENT_HTTP_H
#define SOUK_EXAMPLES_PAYMENT_HTTP_H

#include <curl/curl.h>
#include <stddef.h>

#define HTTP_TRIES      4
#define HTTP_FORM_BYTES 4096
#define HTTP_PATH_BYTES 1024

enum http_outcome {
    HTTP_ANSWERED, /* status and answer are the other side's word */
    HTTP_NOT_DONE, /* certainly not executed */
    HTTP_UNSURE    /* it may have been executed */
};

struct http {
    CURL *curl;
    const char *url; /* of the API, without /v1 */
    const char *token;
    long timeout_ms;
    char answer[64 << 10]; /* ends with a zero byte */
    size_t answer_bytes;
    long status; /* of the last try; 0 = no answer */
};

/* `form` NULL: a GET, and no key. */
enum http_outcome http_ask(struct http *http, const char *path, const char *form, const char *key);
/* Appends NAME=VALUE to a form of HTTP_FORM_BYTES; the value is escaped. */
void http_field(struct http *http, char *form, const char *name, const char *value);

#endif
