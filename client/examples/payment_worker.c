/* payment_worker: carries an engine's payment commands to a provider over HTTP, and brings the results
 * back. What the provider's API is like, is in payment/payment_provider.h.
 *
 *      payment_worker --psp http://127.0.0.1:8080 [--server ADDRESS] [--token T] [--threads N]
 *                     [--timeout-ms N] [--lease-ms N] [--group N] [--sure-after N] [--quiet]
 *
 *      souk_command_poll_wait -> the provider, with the command's key -> souk_payment_event
 *
 * What makes it safe to run any number of these, and to kill any of them at any time:
 *
 *   W1  The key of a command is minted by the engine and does not change while its outcome is not known. The
 *       provider executes a key once; so asking again, by whomever, is harmless, and this is how a lost
 *       answer is found again.
 *   W2  What is certainly not done is given back (command_nack). The engine hands it out again later, and
 *       in the end to an operator.
 *   W3  What may have been done is never guessed: the worker says so (unknown), and the engine asks with a
 *       QUERY. Only the provider's own word is reported as a result.
 *   W4  Results may be reported late, twice, and without a lease: the engine sorts that out.
 *
 * Threads    one per HTTP request under way, each with its own connection; one souk_client for all.
 * Failure    it ends when the engine cannot be reached for longer than the client's deadline; whatever it
 *            had leased is handed to another worker when the lease is over.
 * Not here   webhooks (any web server of the shop's can send payment_event with the key that it finds in
 *            metadata), settlement reports. Card data never comes near.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <curl/curl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <souk.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/examples/payment/payment_provider.h"

#define POLL_WAIT_MS 1000
#define THREADS_MAX  64
#define REPORTS_MAX  5

struct options {
    const char *server;
    struct provider_options provider;
    unsigned lease_ms; /* longer than all tries of a request take */
    unsigned threads;
    unsigned group;
    bool is_quiet;
};

struct shop {
    struct options options;
    struct souk_client *client;
    atomic_bool is_stopping;
    atomic_bool has_failed;
};

struct worker {
    struct shop *shop;
    pthread_t thread;
    struct provider *provider;
};

/* ---- one command ---- */

/* Tells the engine. An event may be told any number of times, so an unknown outcome is told again. */
static int report(struct worker *worker, const struct souk_command_poll_reply *command,
                  const struct provider_result *result)
{
    struct souk_client *client = worker->shop->client;
    const struct souk_payment_event event = {.order = command->order,
                                             .lease = command->lease,
                                             .amount = result->amount,
                                             .step = command->step,
                                             .attempt = command->attempt,
                                             .kind = result->event,
                                             .tender = command->tender,
                                             .currency = command->currency,
                                             .reason = result->reason,
                                             .reference = souk_text64_of(result->reference),
                                             .action = souk_text_of(result->action)};
    const struct souk_command_nack nack = {.order = command->order,
                                           .lease = command->lease,
                                           .step = command->step,
                                           .attempt = command->attempt,
                                           .reason = result->reason};
    struct souk_payment_event_reply told = {.status = SOUK_OK};
    struct souk_command_nack_reply given = {.status = SOUK_OK};
    int error = SOUK_ERROR_UNKNOWN_OUTCOME;
    for (int i = 0; i < REPORTS_MAX && error == SOUK_ERROR_UNKNOWN_OUTCOME; i++)
        error = result->event != 0 ? souk_payment_event(client, &event, &told)
                                   : souk_command_nack(client, &nack, &given);
    const uint16_t status = result->event != 0 ? told.status : given.status;
    if (error == 0 && status != SOUK_OK && status != SOUK_LEASE_LOST)
        fprintf(stderr, "payment_worker: the engine says %s to %s\n", souk_status_name(status),
                souk_event_name(result->event));
    return error;
}

static int acknowledge(struct worker *worker, const struct souk_command_poll_reply *command)
{
    const struct souk_command_ack ack = {.order = command->order,
                                         .lease = command->lease,
                                         .step = command->step,
                                         .attempt = command->attempt};
    struct souk_command_ack_reply reply;
    return souk_command_ack(worker->shop->client, &ack, &reply);
}

static int handle(struct worker *worker, const struct souk_command_poll_reply *command)
{
    char key[SOUK_KEY_TEXT_MAX], money[SOUK_MONEY_TEXT_MAX];
    souk_command_key(command->order, command->step, command->attempt, key);
    if (command->kind == SOUK_COMMAND_NOTIFY_SHIPPED)
        return acknowledge(worker, command); /* here the shop would write to its customer */
    const struct provider_result result = provider_execute(worker->provider, command);
    if (!worker->shop->options.is_quiet)
        printf("%s %s %s: %s %s%s\n", key, souk_command_kind_name(command->kind),
               souk_money_print(command->amount, command->currency, money, sizeof money),
               result.event != 0 ? souk_event_name(result.event) : "given back", result.reference,
               result.message);
    return report(worker, command, &result);
}

/* ---- threads ---- */

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shop *shop = worker->shop;
    const struct souk_command_poll poll = {.group = shop->options.group,
                                           .lease_ms = shop->options.lease_ms};
    while (!atomic_load(&shop->is_stopping)) {
        struct souk_command_poll_reply command;
        const int count = souk_command_poll_wait(shop->client, &poll, POLL_WAIT_MS, &command, 1);
        int error = count < 0 ? count : 0;
        if (count > 0)
            error = handle(worker, &command);
        if (error != 0) {
            fprintf(stderr, "payment_worker: %s\n", souk_error_meaning(error));
            atomic_store(&shop->has_failed, true);
            atomic_store(&shop->is_stopping, true);
        }
    }
    return NULL;
}

static int run(struct shop *shop)
{
    static const struct timespec look = {.tv_nsec = 100000000};
    struct worker *workers = calloc(shop->options.threads, sizeof *workers);
    unsigned started = 0;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread is made */
    for (; workers != NULL && started < shop->options.threads; started++) {
        workers[started].shop = shop;
        workers[started].provider = provider_open(&shop->options.provider, shop->client);
        if (workers[started].provider == NULL ||
            pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
            break;
    }
    while (started != 0 && !atomic_load(&shop->is_stopping))
        if (sigtimedwait(&signals, NULL, &look) > 0)
            atomic_store(&shop->is_stopping, true);
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; workers != NULL && i < shop->options.threads; i++)
        provider_close(workers[i].provider);
    free(workers);
    return started == 0 || atomic_load(&shop->has_failed) ? 1 : 0;
}

/* A number of at least `least`, or the end of the program. */
static unsigned number_of(const char *option, const char *text, unsigned least, unsigned most)
{
    char *end;
    const unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most) {
        fprintf(stderr, "payment_worker: --%s %s is not a number of %u to %u\n", option, text,
                least, most);
        exit(2);
    }
    return (unsigned)number;
}

static void parse(struct options *options, int count, char **arguments)
{
    static const struct option names[] = {{"server", required_argument, NULL, 's'},
                                          {"psp", required_argument, NULL, 'p'},
                                          {"token", required_argument, NULL, 't'},
                                          {"threads", required_argument, NULL, 'n'},
                                          {"timeout-ms", required_argument, NULL, 'm'},
                                          {"lease-ms", required_argument, NULL, 'l'},
                                          {"group", required_argument, NULL, 'g'},
                                          {"sure-after", required_argument, NULL, 'a'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {NULL, 0, NULL, 0}};
    int name;
    while ((name = getopt_long(count, arguments, "", names, NULL)) != -1)
        switch (name) {
        case 's': options->server = optarg; break;
        case 'p': options->provider.url = optarg; break;
        case 't': options->provider.token = optarg; break;
        case 'n': options->threads = number_of("threads", optarg, 1, THREADS_MAX); break;
        case 'm':
            options->provider.timeout_ms = (long)number_of("timeout-ms", optarg, 1, 600000);
            break;
        case 'l': options->lease_ms = number_of("lease-ms", optarg, 1, 3600000); break;
        case 'g': options->group = number_of("group", optarg, 0, UINT32_MAX); break;
        case 'a': options->provider.sure_after = number_of("sure-after", optarg, 1, 1000000); break;
        case 'q': options->is_quiet = true; break;
        default: exit(2);
        }
    if (options->provider.url == NULL || optind != count) {
        fprintf(stderr, "usage: payment_worker --psp URL [--server ADDRESS] [--token T] ...\n");
        exit(2);
    }
}

int main(int count, char **arguments)
{
    struct shop shop = {
        .options = {.server = getenv("SOUK_ADDRESS"),
                    .provider = {.token = "sk_test", .timeout_ms = 10000, .sure_after = 6},
                    .lease_ms = 60000,
                    .threads = 8}};
    char text[SOUK_ERROR_TEXT_MAX];
    parse(&shop.options, count, arguments);
    const struct souk_options options = {.address = shop.options.server, .agent = "payment_worker"};
    int result = 3;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (souk_open(&options, &shop.client) == 0)
        result = run(&shop);
    else
        fprintf(stderr, "%s\n", souk_error_text(shop.client, text, sizeof text));
    souk_close(shop.client);
    curl_global_cleanup();
    return result;
}
