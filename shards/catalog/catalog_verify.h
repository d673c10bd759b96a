/* catalog_verify: what the catalog derives, worked out a second time; for shard_read_verify.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_CATALOG_CATALOG_VERIFY_H
#define SOUK_SHARDS_CATALOG_CATALOG_VERIFY_H

#include "proto/messages.h"

struct shard;

/* Appends what does not agree to `text` (ATTRIBUTES_BYTES_MAX). */
void catalog_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
