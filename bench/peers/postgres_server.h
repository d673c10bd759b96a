/* postgres_server: a PostgreSQL of our own on a fresh directory, for the time of one measurement.
 *
 *      start:  directory -> initdb -> postgres (pinned) -> postmaster.pid says "ready"
 *
 * PostgreSQL refuses to run as root. When we are root, its programs are run as the system's user
 * `postgres` (`nobody` where there is none), who gets the directory; and the directory above, which
 * the benchmark has made for itself, may be passed through by everybody.
 *
 * It listens on a Unix socket in its directory alone. Its settings stand in the source as a table with
 * reasons: durable, one processor, nothing in the background that the measurement does not need.
 * The postmaster is killed with us; at a stop it leaves at once, without a checkpoint.
 *
 * The programs are looked for in Debian's directory of version 15, then of any other version, then in
 * the path. This file needs nothing of PostgreSQL to be compiled.
 *
 * Failure  -ENOENT when PostgreSQL is not installed, another -errno with its messages on stderr.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_POSTGRES_SERVER_H
#define SOUK_BENCH_PEERS_POSTGRES_SERVER_H

#include "bench/bench_server.h"

/* Name of the only role, and of the database. */
#define POSTGRES_USER "postgres"

/* server->dir is there and empty. Sets pid (of the postmaster), address (the directory of the socket)
 * and stop_signal. */
NODISCARD int postgres_server_start(struct bench_server *server,
                                    const struct bench_server_options *options);

#endif
