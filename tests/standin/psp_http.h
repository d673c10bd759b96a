/* psp_http: libmicrohttpd around psp_api.
 *
 *      head, body in parts -> psp_request -> api_answer -> now, later (suspended), or never (closed)
 *
 * One thread of libmicrohttpd serves all connections; a delayed answer suspends its connection until the
 * agenda of the api resumes it, and its idempotency key is in use until then.
 *
 * Failure    a body beyond 64 KiB is 413; an answer that is lost closes the connection without a byte.
 * The end    api_stop first, so that no connection is suspended any more; then http_close, then api_close.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_HTTP_H
#define SOUK_TESTS_PSP_HTTP_H

#include "tests/standin/psp_api.h"

struct psp_http;

/* NULL where the port cannot be had. Listens on 127.0.0.1 only. */
NODISCARD struct psp_http *http_open(struct psp_api *api, u16 port);
u16 http_port(const struct psp_http *http);
void http_close(struct psp_http *http);

#endif
