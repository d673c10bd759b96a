/* stats_text: the JSON of the operations info and stats.
 *
 *      info   version, mode, addresses, shards with log positions and memory, io back-end
 *      stats  counters and latency histograms per reactor, counters per shard
 *
 * Read from metrics that other cores write, so two numbers may be of different moments.
 *
 * Ownership  a text belongs to the caller until stats_text_release. Any thread.
 * Failure    NULL: no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_WATCH_STATS_TEXT_H
#define SOUK_ENGINE_WATCH_STATS_TEXT_H

#include "engine/server.h"

/* At most TEXT_BYTES_MAX bytes. */
char *stats_text_info(const struct server *server);
char *stats_text_stats(const struct server *server);
void stats_text_release(char *text);

#endif
