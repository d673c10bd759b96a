/* psp_options: the command line of psp-standin.
 *
 *      psp-standin [--port N] [--token T] [--seed N] [--key-name NAME] [--webhook URL] [--log FILE]
 *                  [--delay-ms N] [--action-ms N] [--late-ms N] [--search-lag-ms N] [--FAULT RATE ...]
 *
 * A rate is per mille: 0 never (default), 1000 always. The faults are those of psp_faults.h.
 *
 * Failure    a sentence on stderr and exit code 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_OPTIONS_H
#define SOUK_TESTS_PSP_OPTIONS_H

#include "tests/standin/psp_faults.h"

struct psp_options {
    u64 port;             /* 0: any */
    const char *token;    /* NULL: any bearer token will do */
    const char *key_name; /* the metadata that names a payment */
    const char *webhook;  /* NULL, or an http address on loopback */
    const char *log;      /* NULL, or a file that gets a line per request */
    u64 delay_ms;
    u64 action_ms; /* the shopper acts after that; 0: only when told */
    u64 late_ms;   /* the most by which a webhook is late */
    u64 search_lag_ms;
    struct psp_faults faults;
};

/* Does not return for --help or a wrong command line. */
void options_parse(struct psp_options *options, int count, char **arguments);

#endif
