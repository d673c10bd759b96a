/* query_pack: plans and findings as flat bytes, between a gather and the shards of its process.
 *
 *      writer  pack_u32(&pack, 7); pack_text(&pack, span); ...   is_full: it did not fit
 *      reader  unpack_u32(&unpack) ...                           in the same order
 *
 * Numbers are little-endian and unaligned, a text is a u16 length and its bytes. The bytes never leave
 * the process, so both sides are one version; what does not fit together is a bug.
 *
 * Ownership  the bytes are the caller's; texts that are read point into them.
 * Failure    a writer that is full writes nothing more and says so; a reader that runs out panics.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_QUERY_PACK_H
#define SOUK_SHARDS_SEARCH_QUERY_PACK_H

#include <string.h>

#include "proto/base.h"
#include "proto/frame.h"

struct query_pack {
    u8 *data;
    u32 used;
    u32 capacity;
    bool is_full;
};

struct query_unpack {
    const u8 *data;
    u32 at;
    u32 bytes;
};

/* Room for `bytes` bytes, or NULL: full. */
static inline u8 *pack_room(struct query_pack *pack, u32 bytes)
{
    if (pack->is_full || bytes > pack->capacity - pack->used) {
        pack->is_full = true;
        return NULL;
    }
    u8 *room = pack->data + pack->used;
    pack->used += bytes;
    return room;
}

static inline void pack_bytes(struct query_pack *pack, const void *data, u32 bytes)
{
    u8 *room = pack_room(pack, bytes);
    if (room != NULL && bytes != 0)
        memcpy(room, data, bytes);
}

static inline void pack_u8(struct query_pack *pack, u8 value)
{
    pack_bytes(pack, &value, sizeof value);
}
static inline void pack_u16(struct query_pack *pack, u16 value)
{
    pack_bytes(pack, &value, sizeof value);
}
static inline void pack_u32(struct query_pack *pack, u32 value)
{
    pack_bytes(pack, &value, sizeof value);
}
static inline void pack_u64(struct query_pack *pack, u64 value)
{
    pack_bytes(pack, &value, sizeof value);
}
static inline void pack_text(struct query_pack *pack, struct span text)
{
    MUST(text.bytes <= UINT16_MAX);
    pack_u16(pack, (u16)text.bytes);
    pack_bytes(pack, text.data, text.bytes);
}

/* A count that is known only later: returns where it is. */
static inline u32 pack_later(struct query_pack *pack)
{
    const u32 at = pack->used;
    pack_u32(pack, 0);
    return at;
}
static inline void pack_at(struct query_pack *pack, u32 at, u32 value)
{
    if (!pack->is_full)
        memcpy(pack->data + at, &value, sizeof value);
}

static inline const u8 *unpack_bytes(struct query_unpack *from, u32 bytes)
{
    MUST(bytes <= from->bytes - from->at);
    const u8 *at = from->data + from->at;
    from->at += bytes;
    return at;
}

#define UNPACK_NUMBER(type)                                             \
    static inline type unpack_##type(struct query_unpack *from)         \
    {                                                                   \
        type value;                                                     \
        memcpy(&value, unpack_bytes(from, sizeof value), sizeof value); \
        return value;                                                   \
    }
UNPACK_NUMBER(u8)
UNPACK_NUMBER(u16)
UNPACK_NUMBER(u32)
UNPACK_NUMBER(u64)

static inline struct span unpack_text(struct query_unpack *from)
{
    const u16 bytes = unpack_u16(from);
    return (struct span){.data = unpack_bytes(from, bytes), .bytes = bytes};
}

static inline struct query_unpack unpack_of(struct span data)
{
    return (struct query_unpack){.data = data.data, .bytes = data.bytes};
}

static inline bool pack_equal(struct span a, struct span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

/* Where the byte is first, from `at` on; the length when it is nowhere. */
static inline u32 pack_find(struct span text, u32 at, u8 byte)
{
    while (at < text.bytes && text.data[at] != byte)
        at++;
    return at;
}

/* By bytes, a prefix first. */
static inline int pack_compare(struct span a, struct span b)
{
    const u32 common = MIN(a.bytes, b.bytes);
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

#endif
