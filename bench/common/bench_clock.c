/* bench_clock: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static u64 read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

u64 bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

u64 bench_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int bench_pin(i32 cpu)
{
    if (cpu < 0)
        return 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

/* Reads a small file as text; false when it is not there. */
static bool read_text(const char *path, char *to, size_t bytes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const size_t got = fread(to, 1, bytes - 1, file);
    to[got] = 0;
    (void)fclose(file);
    return got != 0;
}

/* The n-th field (from 1, the command name is field 2) of a stat line. */
static u64 stat_field(const char *stat, u32 n)
{
    const char *at = strrchr(stat, ')');
    for (u32 i = 2; at != NULL && i < n; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

static u64 switches_of(const char *task_dir)
{
    char path[640], text[4096];
    (void)snprintf(path, sizeof path, "%s/status", task_dir);
    if (!read_text(path, text, sizeof text))
        return 0;
    u64 sum = 0;
    const char *at = text;
    while ((at = strstr(at, "ctxt_switches:")) != NULL) {
        at += strlen("ctxt_switches:");
        sum += strtoull(at, NULL, 10);
    }
    return sum;
}

static void add_task(struct bench_process_use *use, const char *task_dir, bool *has_schedstat)
{
    char path[640], text[256];
    (void)snprintf(path, sizeof path, "%s/schedstat", task_dir);
    if (read_text(path, text, sizeof text))
        use->cpu_ns += strtoull(text, NULL, 10);
    else
        *has_schedstat = false;
    use->context_switches += switches_of(task_dir);
}

struct bench_process_use bench_process_use(pid_t pid)
{
    struct bench_process_use use = {0};
    char path[64], stat[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid <= 0 || !read_text(path, stat, sizeof stat))
        return use;
    use.minor_faults = stat_field(stat, 10);
    use.major_faults = stat_field(stat, 12);
    use.rss_bytes = stat_field(stat, 24) * (u64)sysconf(_SC_PAGESIZE);
    bool has_schedstat = true;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks != NULL) {
        for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
            if (entry->d_name[0] == '.')
                continue;
            char task_dir[400];
            (void)snprintf(task_dir, sizeof task_dir, "%s/%s", path, entry->d_name);
            add_task(&use, task_dir, &has_schedstat);
        }
        (void)closedir(tasks);
    }
    if (!has_schedstat || tasks == NULL) {
        const u64 ticks = stat_field(stat, 14) + stat_field(stat, 15);
        use.cpu_ns = ticks * (NS_PER_S / (u64)sysconf(_SC_CLK_TCK));
    }
    return use;
}

static pid_t parent_of(const char *pid)
{
    char path[300], stat[1024];
    (void)snprintf(path, sizeof path, "/proc/%s/stat", pid);
    return read_text(path, stat, sizeof stat) ? (pid_t)stat_field(stat, 4) : 0;
}

struct bench_process_use bench_family_use(pid_t pid)
{
    struct bench_process_use sum = bench_process_use(pid);
    DIR *processes = pid <= 0 ? NULL : opendir("/proc");
    if (processes == NULL)
        return sum;
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || parent_of(entry->d_name) != pid)
            continue;
        const struct bench_process_use child =
            bench_process_use((pid_t)strtol(entry->d_name, NULL, 10));
        sum.cpu_ns += child.cpu_ns;
        sum.minor_faults += child.minor_faults;
        sum.major_faults += child.major_faults;
        sum.context_switches += child.context_switches;
        sum.rss_bytes += child.rss_bytes;
    }
    (void)closedir(processes);
    return sum;
}

struct bench_machine_use bench_machine_use(void)
{
    struct bench_machine_use use = {0};
    char text[8192];
    if (!read_text("/proc/stat", text, sizeof text))
        return use;
    i32 line = -1; /* -1 is the sum over all processors */
    for (char *at = text; at != NULL && strncmp(at, "cpu", 3) == 0 && line < 2; line++) {
        u64 v[8] = {0};
        char *end = strchr(at, ' ');
        for (size_t i = 0; i < 8 && end != NULL; i++)
            v[i] = strtoull(end, &end, 10);
        u64 total = 0;
        for (size_t i = 0; i < 8; i++)
            total += v[i];
        if (line < 0) {
            use.total = total;
            use.steal = v[7];
        } else {
            use.busy[line] = total - v[3] - v[4];
        }
        at = strchr(at, '\n');
        if (at != NULL)
            at++;
    }
    return use;
}

double bench_steal_percent(const struct bench_machine_use *before,
                           const struct bench_machine_use *after)
{
    const u64 total = after->total - before->total;
    return total == 0 ? 0 : 100.0 * (double)(after->steal - before->steal) / (double)total;
}
