/* wal_format: sealing and judging segment headers and frames.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/log/wal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/checksum.h"

static u64 keyed_hash(const void *data, size_t bytes, u64 key)
{
    return XXH3_64bits_withSeed(data, bytes, key);
}

bool wal_is_zero(const u8 *data, size_t bytes)
{
    return bytes == 0 || (data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0);
}

void wal_segment_name(char name[WAL_SEGMENT_NAME], u64 seq, const char *suffix)
{
    const int bytes = snprintf(name, WAL_SEGMENT_NAME, "wal-%010" PRIu64 "%s", seq, suffix);
    MUST(bytes > 0 && bytes < (int)WAL_SEGMENT_NAME);
}

u64 wal_segment_seq(const char *name)
{
    char again[WAL_SEGMENT_NAME];
    if (strncmp(name, "wal-", 4) != 0 || name[4] < '0' || name[4] > '9' || strlen(name) > 24)
        return 0;
    const u64 seq = strtoull(name + 4, NULL, 10);
    wal_segment_name(again, seq, ".log");
    return strcmp(name, again) == 0 ? seq : 0;
}

void wal_segment_seal(u8 *blocks, const struct wal_segment_header *header, u64 hash_key)
{
    struct wal_segment_header sealed = *header;
    MUST(sealed.seq > 0 && sealed.first_lsn > 0 && sealed.zero0 == 0);
    sealed.magic = WAL_SEGMENT_MAGIC;
    sealed.format_version = WAL_FORMAT_VERSION;
    sealed.state_version = BATCH_STATE_VERSION;
    memset(blocks, 0, (size_t)2 * LOG_BLOCK_BYTES);
    memcpy(blocks, &sealed, sizeof sealed);
    sealed.hash = keyed_hash(blocks + 8, LOG_BLOCK_BYTES - 8, hash_key);
    memcpy(blocks, &sealed.hash, sizeof sealed.hash);
    memcpy(blocks + LOG_BLOCK_BYTES, blocks, LOG_BLOCK_BYTES);
}

const char *wal_segment_invalid(const u8 *block, u64 hash_key, struct wal_segment_header *header)
{
    memcpy(header, block, sizeof *header);
    if (header->magic != WAL_SEGMENT_MAGIC)
        return "the magic of the segment header is wrong";
    if (header->hash != keyed_hash(block + 8, LOG_BLOCK_BYTES - 8, hash_key))
        return "the checksum of the segment header is wrong (damaged, or of another directory)";
    if (header->format_version != WAL_FORMAT_VERSION)
        return "the segment has a format that this version does not know";
    if (header->seq == 0 || header->first_lsn == 0 || header->zero0 != 0)
        return "the segment header makes no sense";
    return NULL;
}

u64 wal_frame_seal(u8 *frame, const struct wal_frame_header *header, u64 hash_key)
{
    struct wal_frame_header sealed = *header;
    MUST(sealed.payload_bytes <= LOG_BATCH_BYTES_MAX && sealed.lsn > sealed.durable_lsn);
    MUST(sealed.offset % LOG_BLOCK_BYTES == 0 && sealed.offset >= WAL_FRAMES_OFFSET);
    const u32 used = (u32)sizeof sealed + sealed.payload_bytes;
    memset(frame + used, 0, wal_frame_bytes(sealed.payload_bytes) - used);
    sealed.magic = WAL_FRAME_MAGIC;
    sealed.format_version = WAL_FORMAT_VERSION;
    sealed.state_version = BATCH_STATE_VERSION;
    sealed.payload_hash = keyed_hash(frame + sizeof sealed, sealed.payload_bytes, hash_key);
    sealed.hash = keyed_hash((const u8 *)&sealed + 8, sizeof sealed - 8, hash_key);
    memcpy(frame, &sealed, sizeof sealed);
    return sealed.hash;
}

const char *wal_frame_header_invalid(const u8 *frame, u64 hash_key, u64 segment_seq, u64 offset,
                                     struct wal_frame_header *header)
{
    memcpy(header, frame, sizeof *header);
    if (header->magic != WAL_FRAME_MAGIC)
        return "no frame is here";
    if (header->hash != keyed_hash(frame + 8, sizeof *header - 8, hash_key))
        return "the checksum of the frame header is wrong";
    if (header->segment_seq != segment_seq)
        return "the frame was written for another segment";
    if (header->offset != offset)
        return "the frame was written for another place";
    if (header->payload_bytes > LOG_BATCH_BYTES_MAX ||
        header->payload_bytes < sizeof(struct batch_header))
        return "the length of the frame is out of bounds";
    return NULL;
}

const char *wal_frame_payload_invalid(const u8 *frame, u64 hash_key,
                                      const struct wal_frame_header *header)
{
    const u8 *payload = frame + sizeof *header;
    const u32 used = (u32)sizeof *header + header->payload_bytes;
    struct batch_header batch;
    if (header->payload_hash != keyed_hash(payload, header->payload_bytes, hash_key))
        return "the checksum of the payload is wrong";
    if (!wal_is_zero(frame + used, wal_frame_bytes(header->payload_bytes) - used))
        return "the padding of the frame is not zero";
    memcpy(&batch, payload, sizeof batch);
    if (batch.bytes != header->payload_bytes || batch.entry_count != header->entry_count)
        return "frame and batch header contradict each other";
    return NULL;
}
