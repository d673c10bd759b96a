/* bench_tool: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_tool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES  65536u
#define CALLGRIND_OPS (1u << 19) /* a multiple of what micro_apply does at once */

const struct bench_tool bench_tools[] = {
    {"limit_sys", "limits", "limits/limit_sys", .args = {"--json"}},
    {"limit_codec", "limits", "limits/limit_codec", .args = {"--json"}},
    {"limit_mem", "limits", "limits/limit_mem", .args = {"--json"}},
    {"limit_sync", "limits", "limits/limit_sync", .args = {"--json"}},
    {"limit_echo_1", "limits", "limits/limit_echo",
     .args = {"--drive", "--inflight", "1", "--json"}},
    {"limit_echo_16", "limits", "limits/limit_echo",
     .args = {"--drive", "--inflight", "16", "--json"}},
    {"limit_echo_64", "limits", "limits/limit_echo",
     .args = {"--drive", "--inflight", "64", "--json"}},
    {"micro_apply", "micro", "micro/micro_apply", .args = {"--json", "--slope"}},
    {"callgrind", "micro", "micro/micro_apply", .args = {"--case", "take64"}, .is_callgrind = true},
    {.name = NULL}};

const struct bench_tool_gate bench_tool_gates[] = {
    {"micro_apply", "take64", true, 50, "in-core apply of a take, ns"},
    {"callgrind", "instructions", true, 200, "in-core apply of a take, instructions"},
    {"micro_apply", "slope_hot_and_index", true, 100,
     "bytes per SKU from 1 to 2 million, hot record and index"},
    {.tool = NULL}};

/* Runs in the child: output to the pipe, errors to nobody. */
static NORETURN void become(const struct bench_tool *tool, const char *path, const char *cwd,
                            int out)
{
    char *args[8] = {0};
    memcpy(&args[0], &path, sizeof path);
    for (u32 i = 0; i < ARRAY_COUNT(tool->args) && tool->args[i] != NULL; i++)
        memcpy(&args[i + 1], &tool->args[i], sizeof path);
    if (chdir(cwd) != 0 || dup2(out, 1) < 0)
        _exit(126);
    (void)execv(path, args);
    _exit(127);
}

/* [{name, value}, ...] -> {name: value, ...}; anything else stays as it is. */
static json_t *by_name(json_t *json)
{
    size_t index;
    json_t *item;
    if (!json_is_array(json))
        return json;
    json_t *object = json_object();
    json_array_foreach(json, index, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name != NULL)
            (void)json_object_set(object, name, json_object_get(item, "value"));
    }
    json_decref(json);
    return object;
}

/* What a program prints, or NULL when it fails. The caller frees it. */
static char *read_output(const struct bench_tool *tool, const char *path, const char *cwd)
{
    int pipes[2];
    if (access(path, X_OK) != 0 || pipe(pipes) != 0)
        return NULL;
    const pid_t pid = fork();
    if (pid == 0)
        become(tool, path, cwd, pipes[1]);
    (void)close(pipes[1]);
    char *text = calloc(1, OUTPUT_BYTES);
    size_t used = 0;
    for (ssize_t got = 1; text != NULL && got > 0 && used + 1 < OUTPUT_BYTES;) {
        got = read(pipes[0], text + used, OUTPUT_BYTES - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    (void)close(pipes[0]);
    int status = 1;
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    if (status == 0)
        return text;
    free(text);
    return NULL;
}

/* Instructions of one run under callgrind, within shard_apply. 0 when that cannot be done. */
static u64 count_instructions(const struct bench_tool *tool, const char *path, const char *cwd,
                              u64 ops)
{
    char command[2048], line[512];
    (void)snprintf(command, sizeof command,
                   "cd '%s' && valgrind --tool=callgrind --callgrind-out-file=/dev/null"
                   " --toggle-collect=shard_apply '%s' %s %s --ops %llu 2>&1",
                   cwd, path, tool->args[0], tool->args[1], (unsigned long long)ops);
    FILE *pipe_in = popen(command, "r");
    u64 count = 0;
    while (pipe_in != NULL && fgets(line, sizeof line, pipe_in) != NULL) {
        const char *at = strstr(line, "Collected :");
        if (at != NULL)
            count = strtoull(at + strlen("Collected :"), NULL, 10);
    }
    if (pipe_in != NULL)
        (void)pclose(pipe_in);
    return count;
}

/* The slope between two lengths: what is done once, such as opening sessions, drops out. */
static json_t *run_callgrind(const struct bench_tool *tool, const char *path, const char *cwd)
{
    const u64 less = count_instructions(tool, path, cwd, CALLGRIND_OPS);
    const u64 more = count_instructions(tool, path, cwd, 2 * CALLGRIND_OPS);
    if (less == 0 || more <= less)
        return NULL;
    return json_pack("{s:f}", "instructions", (double)(more - less) / (double)CALLGRIND_OPS);
}

json_t *bench_tool_run(const struct bench_tool *tool, const char *base, const char *cwd)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%.400s/%s", base, tool->path);
    if (tool->is_callgrind)
        return run_callgrind(tool, path, cwd);
    char *text = read_output(tool, path, cwd);
    json_t *json = text == NULL ? NULL : json_loads(text, 0, NULL);
    free(text);
    return by_name(json);
}

bool bench_tool_number(const json_t *json, const char *field, double *number)
{
    const json_t *found = json_object_get(json, field);
    if (!json_is_number(found))
        return false;
    *number = json_number_value(found);
    return true;
}
