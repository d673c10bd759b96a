/* psp-standin: a payment provider for tests, on 127.0.0.1. What it speaks: tests/standin/psp_api.h.
 *
 *      psp-standin --seed 7 --decline 50 --lose-after 100 --webhook http://127.0.0.1:9000/events
 *
 * Prints "port N" when it is ready, runs until SIGTERM or SIGINT, and forgets everything then.
 *
 *      psp_http -> psp_api -> psp_routes -> psp_ledger
 *                     |  \        \------> psp_webhook -> the shop
 *                     |   psp_keys         psp_agenda: later
 *                  psp_faults
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/standin/psp_http.h"

int main(int count, char **arguments)
{
    struct psp_options options;
    struct psp_api api;
    sigset_t signals;
    int signal_number;
    options_parse(&options, count, arguments);
    /* Blocked before any thread is made, so that only sigwait gets them. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    api_open(&api, &options);
    struct psp_http *http = http_open(&api, (u16)options.port);
    if (http == NULL) {
        (void)fprintf(stderr, "psp-standin: cannot listen on 127.0.0.1:%u\n",
                      (unsigned)options.port);
        api_stop(&api);
        api_close(&api);
        return 1;
    }
    (void)printf("port %u\n", http_port(http));
    (void)fflush(stdout);
    (void)sigwait(&signals, &signal_number);
    api_stop(&api);
    http_close(http);
    api_close(&api);
    curl_global_cleanup();
    return 0;
}
