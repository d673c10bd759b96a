/* load_use: what server, client and machine have used between two readings (see bench/load.h).
 *
 * The clock is read last, so that what the reading itself takes does not count as measured at its
 * beginning.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"

#include <string.h>

#define JIFFIES_PER_S 100u /* of /proc/stat */

struct load_use load_use_read(const struct load_options *options)
{
    const volatile u64 *counts = options->alloc_counts;
    return (struct load_use){.server = options->is_family ? bench_family_use(options->server_pid)
                                                          : bench_process_use(options->server_pid),
                             .machine = bench_machine_use(),
                             .allocations = counts == NULL ? 0 : counts[0] + counts[1],
                             .client_cpu_ns = bench_thread_cpu_ns(),
                             .wall_ns = bench_now_ns()};
}

void load_use_store(struct load_result *result, const struct load_use *from,
                    const struct load_use *to)
{
    result->wall_ns = to->wall_ns - from->wall_ns;
    result->client_cpu_ns = to->client_cpu_ns - from->client_cpu_ns;
    result->server = (struct bench_process_use){
        .cpu_ns = to->server.cpu_ns - from->server.cpu_ns,
        .minor_faults = to->server.minor_faults - from->server.minor_faults,
        .major_faults = to->server.major_faults - from->server.major_faults,
        .context_switches = to->server.context_switches - from->server.context_switches,
        .rss_bytes = to->server.rss_bytes};
    for (u32 i = 0; i < 2; i++)
        result->cpu_busy_ns[i] =
            (to->machine.busy[i] - from->machine.busy[i]) * (NS_PER_S / JIFFIES_PER_S);
    result->allocations = to->allocations - from->allocations;
    result->steal_percent = bench_steal_percent(&from->machine, &to->machine);
}

void load_use_clear(struct load_result *result)
{
    result->ops = result->frames = result->granted = result->turns = result->late_ns_max = 0;
    memset(result->statuses, 0, sizeof result->statuses);
    bench_histogram_clear(&result->latency);
}
