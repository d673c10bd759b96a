/* bench_tool: programs that measure by themselves and print JSON: limits and micro benchmarks.
 *
 *      limits/limit_sys, limit_codec, limit_mem, limit_sync, limit_echo   what the machine can do
 *      micro/micro_apply                                                  the state machine in-core
 *
 * `souk-bench run` runs them first, keeps what they print in the report under "tools", and judges
 * the fields of bench_tool_gates. A program that is not there, fails, or lacks the field is reported
 * as ABSENT, and its gate counts as missed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_TOOL_H
#define SOUK_BENCH_BENCH_TOOL_H

#include "proto/base.h"

#include <jansson.h>
#include <stdio.h>

struct bench_tool {
    const char *name;  /* in the report */
    const char *group; /* "limits" or "micro", for --only */
    const char *path;  /* below the directory of souk-bench */
    const char *args[6];
    bool is_callgrind; /* counted under callgrind instead of timed; see bench_tool.c */
};

struct bench_tool_gate {
    const char *tool;
    const char *field; /* a number in the tool's JSON */
    bool is_at_most;
    double limit;
    const char *text;
};

extern const struct bench_tool bench_tools[];           /* ends with a NULL name */
extern const struct bench_tool_gate bench_tool_gates[]; /* ends with a NULL tool */

/* Runs a tool in directory `cwd` and returns its JSON, or NULL. A list of {name, value} becomes an
 * object {name: value}. */
json_t *bench_tool_run(const struct bench_tool *tool, const char *base, const char *cwd);
/* The number of that name; false where there is none. */
NODISCARD bool bench_tool_number(const json_t *json, const char *field, double *number);

#endif
