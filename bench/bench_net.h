/* bench_net: a loopback of our own, so that every server under test uses the same congestion control.
 *
 * Souk and the load generator choose cubic on their sockets, peers take the system's default; where
 * that is bbr, a comparison would measure the difference. With the right to do so (CAP_SYS_ADMIN),
 * the benchmark moves into a network namespace of its own, brings up its loopback and makes cubic
 * the default there: nothing of the system is changed. A kernel that does not allow cubic as the
 * default of a namespace takes reno, which on a loopback without losses behaves alike. Where the
 * namespace is not allowed, everybody uses Unix sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_BENCH_NET_H
#define SOUK_BENCH_BENCH_NET_H

#include "proto/base.h"

/* Enters the namespace and returns the default congestion control in it (static text); NULL where
 * that is not allowed. Before any thread is started. */
NODISCARD const char *bench_net_isolate(void);

#endif
