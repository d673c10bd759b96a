/* souk-bench: measures Souk and what it is compared with.
 *
 *      souk-bench load ...   drive a running server
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/load.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "load") == 0)
        return load_main(argc - 1, argv + 1);
    return 2;
}
