/* psp_options: see tests/standin/psp_options.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_MAX 600000u

static const struct {
    const char *option;
    const char *help;
} fault_options[FAULT_COUNT] = {
#define FAULT_OPTION(NAME, option, help) {"--" option, help},
    PSP_FAULTS(FAULT_OPTION)
#undef FAULT_OPTION
};

static void print_help(FILE *to)
{
    (void)fputs(
        "psp-standin: a payment provider for tests, on 127.0.0.1; prints \"port N\" when ready\n\n"
        "  --port N           0 is any (default)\n"
        "  --token T          the bearer token that is asked for; any by default\n"
        "  --seed N           of everything that is drawn (default 1)\n"
        "  --key-name NAME    which metadata names a payment in the ledger (default key)\n"
        "  --webhook URL      where events go, http://127.0.0.1:... or http://localhost:...\n"
        "  --log FILE         a line per request\n"
        "  --delay-ms N       how late a delayed answer is (default 300)\n"
        "  --action-ms N      the shopper acts by himself after that; 0: never (default)\n"
        "  --late-ms N        how late a webhook can be (default 200)\n"
        "  --search-lag-ms N  how old a payment must be to be found by search (default 0)\n\n"
        "per mille of requests or events:\n",
        to);
    for (u32 i = 0; i < FAULT_COUNT; i++)
        (void)fprintf(to, "  %-19s %s\n", fault_options[i].option, fault_options[i].help);
}

static u64 parse_number(const char *option, const char *text, u64 most)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= most)
        return value;
    (void)fprintf(stderr, "psp-standin: %s \"%s\" is not a number up to %llu\n", option, text,
                  (unsigned long long)most);
    exit(2);
}

static bool parse_fault(struct psp_options *options, const char *option, const char *value)
{
    for (u32 i = 0; i < FAULT_COUNT; i++) {
        if (strcmp(option, fault_options[i].option) != 0)
            continue;
        options->faults.rate[i] = (u32)parse_number(option, value, FAULT_ALWAYS);
        return true;
    }
    return false;
}

static bool parse_number_option(struct psp_options *options, const char *option, const char *value)
{
    const struct {
        const char *option;
        u64 *to;
        u64 least;
        u64 most;
    } numbers[] = {{"--port", &options->port, 0, 65535},
                   {"--seed", &options->faults.seed, 0, UINT64_MAX},
                   {"--delay-ms", &options->delay_ms, 0, MS_MAX},
                   {"--action-ms", &options->action_ms, 0, MS_MAX},
                   {"--late-ms", &options->late_ms, 1, MS_MAX},
                   {"--search-lag-ms", &options->search_lag_ms, 0, MS_MAX}};
    for (u32 i = 0; i < ARRAY_COUNT(numbers); i++) {
        if (strcmp(option, numbers[i].option) != 0)
            continue;
        *numbers[i].to = MAX(parse_number(option, value, numbers[i].most), numbers[i].least);
        return true;
    }
    return false;
}

static bool parse_text_option(struct psp_options *options, const char *option, const char *value)
{
    const struct {
        const char *option;
        const char **to;
    } texts[] = {{"--token", &options->token},
                 {"--key-name", &options->key_name},
                 {"--webhook", &options->webhook},
                 {"--log", &options->log}};
    for (u32 i = 0; i < ARRAY_COUNT(texts); i++) {
        if (strcmp(option, texts[i].option) != 0)
            continue;
        *texts[i].to = value;
        return true;
    }
    return false;
}

static bool is_loopback(const char *url)
{
    return strncmp(url, "http://127.0.0.1:", 17) == 0 || strncmp(url, "http://localhost:", 17) == 0;
}

void options_parse(struct psp_options *options, int count, char **arguments)
{
    *options = (struct psp_options){
        .key_name = "key", .delay_ms = 300, .late_ms = 200, .faults = {.seed = 1}};
    if (count == 2 && strcmp(arguments[1], "--help") == 0) {
        print_help(stdout);
        exit(0);
    }
    for (int i = 1; i < count; i += 2) {
        const char *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (value != NULL && (parse_fault(options, arguments[i], value) ||
                              parse_number_option(options, arguments[i], value) ||
                              parse_text_option(options, arguments[i], value)))
            continue;
        (void)fprintf(stderr, "psp-standin: %s %s; see --help\n", arguments[i],
                      value == NULL ? "lacks a value, or is not known" : "is not known");
        exit(2);
    }
    if (options->webhook != NULL && !is_loopback(options->webhook)) {
        (void)fprintf(stderr, "psp-standin: --webhook %s is not on loopback\n", options->webhook);
        exit(2);
    }
}
