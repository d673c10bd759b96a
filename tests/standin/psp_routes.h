/* psp_routes: what each address of the API takes and does.
 *
 *      route_find(method, path) -> route, id -> route_check: parameters -> route->run: the ledger
 *
 * Checking and running are two steps because Stripe keeps an answer under an idempotency key only once
 * execution has begun: what route_check refuses is not kept.
 *
 * Called with the lock of the api held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_ROUTES_H
#define SOUK_TESTS_PSP_ROUTES_H

#include "tests/standin/psp_api.h"

#define ROUTE_REQUIRED_MAX 6u

/* One request on its way. */
struct psp_call {
    struct psp_api *api;
    const struct psp_request *request;
    const char *fault_name; /* what its faults are drawn by */
    char id[PSP_ID_BYTES];  /* of the address, or empty */
    i64 amount;             /* 0: not given */
};

struct psp_route {
    const char *method;
    const char *path; /* * is the id */
    const char
        *parameters; /* that may be given: " name name "; metadata stands for metadata[...] */
    const char *required[ROUTE_REQUIRED_MAX];
    bool has_faults;
    /* The answer and its status. */
    json_t *(*run)(const struct psp_call *call, u32 *status);
};

/* NULL where the API has no such address. `id` is left empty without one. */
const struct psp_route *route_find(const char *method, const char *path, char id[PSP_ID_BYTES]);
/* Status 200, or the refusal. Fills call->amount. */
struct psp_result route_check(const struct psp_route *route, struct psp_call *call);

#endif
