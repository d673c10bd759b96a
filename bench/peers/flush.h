/* flush: what a durable step costs at least: one write of a log frame with synchronous data.
 *
 * Writes blocks of 4 KiB, one after the other, with O_DIRECT and RWF_DSYNC into a file that was
 * written with zeros before, in the directory where a server would have its log. The latency of each is
 * the unit in which latencies of durable operations are judged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_PEERS_FLUSH_H
#define SOUK_BENCH_PEERS_FLUSH_H

#include "bench/load.h"

NODISCARD int flush_run(const struct load_options *options, struct load_result *result);

#endif
