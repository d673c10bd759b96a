/* near_word: see client/cli/near_word.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/near_word.h"

#define BYTES_MAX 31u

u32 near_word(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    u32 table[BYTES_MAX + 1][BYTES_MAX + 1];
    if (a_bytes > BYTES_MAX || b_bytes > BYTES_MAX)
        return UINT32_MAX;
    for (size_t i = 0; i <= a_bytes; i++)
        for (size_t j = 0; j <= b_bytes; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = (u32)(i + j);
                continue;
            }
            u32 least = MIN(table[i - 1][j], table[i][j - 1]) + 1;
            least = MIN(least, table[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1u : 0u));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                least = MIN(least, table[i - 2][j - 2] + 1);
            table[i][j] = least;
        }
    const u32 allowed = a_bytes <= 4 ? 1 : 2;
    return table[a_bytes][b_bytes] <= allowed ? table[a_bytes][b_bytes] : UINT32_MAX;
}
