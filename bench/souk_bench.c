/* souk-bench: measures Souk and what it is compared with.
 *
 *      souk-bench load ...      drive a running server: one measurement
 *      souk-bench run ...       start servers, measure every case in rounds, judge every gate
 *      souk-bench compare ...   two builds of the server, interleaved
 *      souk-bench peer NAME ... start what Souk is compared with, and measure that once
 *      souk-bench list          the cases of run
 *
 * Exit codes: 0 done, 1 a gate was missed or a measurement failed, 2 usage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_run.h"
#include "bench/load.h"
#include "bench/peers/peer.h"

#include <stdio.h>
#include <string.h>

static int print_usage(FILE *to)
{
    (void)fprintf(to, "usage: souk-bench load|run|compare|peer|list [OPTIONS]   (each has --help)\n"
                      "       souk-bench --version | --help\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "load") == 0)
        return load_main(argc - 1, argv + 1);
    if (strcmp(command, "run") == 0)
        return run_main(argc - 1, argv + 1);
    if (strcmp(command, "compare") == 0)
        return compare_main(argc - 1, argv + 1);
    if (strcmp(command, "peer") == 0)
        return peer_main(argc - 1, argv + 1);
    if (strcmp(command, "list") == 0)
        return list_main();
    if (strcmp(command, "--version") == 0) {
        (void)printf("souk-bench %s\n", SOUK_VERSION);
        return 0;
    }
    return print_usage(strcmp(command, "--help") == 0 ? stdout : stderr);
}
