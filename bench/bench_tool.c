/* bench_tool: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_tool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES 65536u

const struct bench_tool bench_tools[] = {
    {"limit_sys", "limits", "limits/limit_sys", {"--json"}},
    {"limit_codec", "limits", "limits/limit_codec", {"--json"}},
    {"limit_mem", "limits", "limits/limit_mem", {"--json"}},
    {"limit_sync", "limits", "limits/limit_sync", {"--json"}},
    {"limit_echo_1", "limits", "limits/limit_echo", {"--drive", "--inflight", "1", "--json"}},
    {"limit_echo_16", "limits", "limits/limit_echo", {"--drive", "--inflight", "16", "--json"}},
    {"limit_echo_64", "limits", "limits/limit_echo", {"--drive", "--inflight", "64", "--json"}},
    {"micro_apply", "micro", "micro/micro_apply", {"--json"}},
    {.name = NULL}};

const struct bench_tool_gate bench_tool_gates[] = {
    {"micro_apply", "take_ns", true, 50, "in-core apply of a take, ns"},
    {"micro_apply", "take_instructions", true, 200, "in-core apply of a take, instructions"},
    {"micro_apply", "hot_bytes_per_sku", true, 100,
     "memory per SKU from 1 to 2 million, hot record and index, bytes"},
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

json_t *bench_tool_run(const struct bench_tool *tool, const char *base, const char *cwd)
{
    char path[512];
    int pipes[2];
    (void)snprintf(path, sizeof path, "%.400s/%s", base, tool->path);
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
    json_t *json = status == 0 && text != NULL ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return json;
}

bool bench_tool_number(const json_t *json, const char *path, double *number)
{
    char name[64];
    while (json != NULL) {
        const size_t bytes = strcspn(path, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)bytes, path);
        json = json_object_get(json, name);
        if (path[bytes] == 0)
            break;
        path += bytes + 1;
    }
    if (!json_is_number(json))
        return false;
    *number = json_number_value(json);
    return true;
}
