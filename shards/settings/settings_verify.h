/* settings_verify: the sums of the settings room, checked over everything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_VERIFY_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_VERIFY_H

#include "proto/messages.h"

struct shard;

/* Adds violations; `text` has room for ATTRIBUTES_BYTES_MAX bytes, of which *text_bytes are used. */
void settings_verify(struct shard *shard, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes);

#endif
