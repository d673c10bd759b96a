/* psp_faults: see tests/standin/psp_faults.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_faults.h"

#include <string.h>

#include "proto/checksum.h"

u64 faults_draw(const struct psp_faults *faults, enum psp_fault fault, const char *name, u64 number)
{
    MUST(fault < FAULT_COUNT);
    const u64 parts[4] = {faults->seed, (u64)fault, number, checksum64(name, strlen(name))};
    return checksum64(parts, sizeof parts);
}

bool faults_hit(const struct psp_faults *faults, enum psp_fault fault, const char *name, u64 number)
{
    MUST(faults->rate[fault] <= FAULT_ALWAYS);
    return faults_draw(faults, fault, name, number) % FAULT_ALWAYS < faults->rate[fault];
}
