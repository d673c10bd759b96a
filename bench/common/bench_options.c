/* bench_options: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bench_size_parse(const char *text, u64 *bytes)
{
    char *end;
    errno = 0;
    const u64 number = strtoull(text, &end, 10);
    if (errno != 0 || end == text)
        return false;
    const char *const units = "kmg";
    u32 shift = 0;
    if (*end != 0) {
        const char *unit = strchr(units, *end | 0x20);
        if (unit == NULL || end[1] != 0)
            return false;
        shift = (u32)(unit - units + 1) * 10;
    }
    if (number > (UINT64_MAX >> shift))
        return false;
    *bytes = number << shift;
    return true;
}

static bool store_number(const struct bench_option *option, const char *value)
{
    char *end;
    errno = 0;
    if (option->kind == BENCH_OPTION_REAL) {
        *(double *)option->to = strtod(value, &end);
    } else {
        const long long number = strtoll(value, &end, 10);
        if (option->kind == BENCH_OPTION_U64)
            *(u64 *)option->to = (u64)number;
        else if (option->kind == BENCH_OPTION_U32 && number >= 0 && number <= UINT32_MAX)
            *(u32 *)option->to = (u32)number;
        else if (option->kind == BENCH_OPTION_I32 && number >= INT32_MIN && number <= INT32_MAX)
            *(i32 *)option->to = (i32)number;
        else
            return false;
    }
    return errno == 0 && end != value && *end == 0;
}

static bool store(const struct bench_option *option, const char *value)
{
    switch (option->kind) {
    case BENCH_OPTION_FLAG: *(bool *)option->to = true; return true;
    case BENCH_OPTION_TEXT: *(const char **)option->to = value; return true;
    case BENCH_OPTION_SIZE: return bench_size_parse(value, option->to);
    case BENCH_OPTION_U32:
    case BENCH_OPTION_I32:
    case BENCH_OPTION_U64:
    case BENCH_OPTION_REAL: return store_number(option, value);
    }
    return false;
}

static void print_help(const struct bench_option *table, const char *usage)
{
    (void)printf("%s\n", usage);
    for (const struct bench_option *option = table; option->name != NULL; option++)
        (void)printf("  --%-16s %s\n", option->name, option->help);
}

static NORETURN void fail(const char *program, const char *what, const char *argument)
{
    (void)fprintf(stderr, "%s: %s: %s (see --help)\n", program, what, argument);
    exit(2);
}

void bench_options_parse(const struct bench_option *table, const char *usage, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help(table, usage);
            exit(0);
        }
        if (strncmp(argv[i], "--", 2) != 0)
            fail(argv[0], "not an option", argv[i]);
        const char *name = argv[i] + 2;
        const char *equals = strchr(name, '=');
        const size_t bytes = equals == NULL ? strlen(name) : (size_t)(equals - name);
        const struct bench_option *option = table;
        while (option->name != NULL &&
               !(strlen(option->name) == bytes && strncmp(option->name, name, bytes) == 0))
            option++;
        if (option->name == NULL)
            fail(argv[0], "unknown option", argv[i]);
        const char *value = equals == NULL ? NULL : equals + 1;
        if (option->kind != BENCH_OPTION_FLAG && value == NULL) {
            if (i + 1 == argc)
                fail(argv[0], "an option without its value", argv[i]);
            value = argv[++i];
        }
        if (!store(option, value))
            fail(argv[0], "not a value for this option", argv[i]);
    }
}
