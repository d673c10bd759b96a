/* bench_options: command line options from a table, the same way in every program of bench/.
 *
 * `--name value` or `--name=value`; FLAG takes no value. SIZE understands k, m, g (powers of 1024).
 * `--help` prints the table and ends the program with 0, a wrong option ends it with 2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_COMMON_BENCH_OPTIONS_H
#define SOUK_BENCH_COMMON_BENCH_OPTIONS_H

#include "proto/base.h"

enum bench_option_kind {
    BENCH_OPTION_FLAG, /* bool */
    BENCH_OPTION_TEXT, /* const char * */
    BENCH_OPTION_U32,
    BENCH_OPTION_I32,
    BENCH_OPTION_U64,
    BENCH_OPTION_SIZE, /* u64, bytes */
    BENCH_OPTION_REAL  /* double */
};

struct bench_option {
    const char *name; /* without the dashes; NULL ends the table */
    enum bench_option_kind kind;
    void *to;
    const char *help;
};

/* Parses argv[1..]. `usage` is printed above the table by --help. */
void bench_options_parse(const struct bench_option *table, const char *usage, int argc,
                         char **argv);
/* "64m" -> bytes. False when it is not a size. */
NODISCARD bool bench_size_parse(const char *text, u64 *bytes);

#endif
