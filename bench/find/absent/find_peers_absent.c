/* find_peers_absent: stands in for the search peers where SQLite or Xapian is not installed (`make bench-deps`
 * installs them).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "bench/find/find_peer.h"

const struct find_peer_calls *find_peer_fts5(void)
{
    return NULL;
}

const struct find_peer_calls *find_peer_xapian(void)
{
    return NULL;
}
