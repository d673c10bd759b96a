/* psp-sink: where webhooks go in a test. Every body becomes a line of FILE.
 *
 *      psp-sink FILE [FAILURES]
 *
 * Prints "port N" when it is ready. The first FAILURES requests are answered with 500 and not written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base.h"

struct sink {
    FILE *file;
    u64 failures_left;
};

struct body {
    size_t bytes;
    char text[65536];
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    MUST(response != NULL);
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *data_bytes, void **body_at)
{
    struct sink *sink = context;
    struct body *body = *body_at;
    (void)path;
    (void)method;
    (void)version;
    if (body == NULL) {
        body = calloc(1, sizeof *body);
        MUST(body != NULL);
        *body_at = body;
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        MUST(*data_bytes <= sizeof body->text - body->bytes);
        memcpy(body->text + body->bytes, data, *data_bytes);
        body->bytes += *data_bytes;
        *data_bytes = 0;
        return MHD_YES;
    }
    if (sink->failures_left > 0) {
        sink->failures_left--;
        return reply(connection, 500);
    }
    (void)fprintf(sink->file, "%.*s\n", (int)body->bytes, body->text);
    (void)fflush(sink->file);
    return reply(connection, 200);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **body_at,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    free(*body_at);
    *body_at = NULL;
}

int main(int count, char **arguments)
{
    struct sink sink = {.failures_left = count > 2 ? strtoull(arguments[2], NULL, 10) : 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t signals;
    int signal_number;
    if (count < 2 || (sink.file = fopen(arguments[1], "ae")) == NULL) {
        (void)fputs("usage: psp-sink FILE [FAILURES]\n", stderr);
        return 2;
    }
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_request, &sink,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    (void)printf("port %u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    (void)fflush(stdout);
    (void)sigwait(&signals, &signal_number);
    MHD_stop_daemon(daemon);
    (void)fclose(sink.file);
    return 0;
}
