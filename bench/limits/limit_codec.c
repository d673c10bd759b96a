/* limit_codec: how fast bytes can be hashed and packed, the floor under frames, log and snapshots.
 *
 *      XXH3-64     of 8, 24, 144 and 4,096 bytes (a key, a span, a frame of one take, a frame of 64)
 *      lz4         compressing and decompressing 64 KiB blocks of records that look like a shop's:
 *                  64-byte lines with a few small counters and a random key
 *
 * Built with the flags of the server, so it says what the server gets, not what the machine could do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/common/bench_clock.h"
#include "bench/common/bench_options.h"
#include "proto/checksum.h"

#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK  (64u << 10)
#define BLOCKS 64u /* 4 MiB: out of the first caches, within the last */

static const u32 hash_sizes[] = {8, 24, 144, 4096};

static double hash_ns(const u8 *data, u32 bytes, u64 budget, u64 *sum)
{
    const u64 count = budget / (bytes + 32);
    const u64 begin_ns = bench_now_ns();
    u64 seed = 0;
    for (u64 i = 0; i < count; i++) /* each hash chooses the next place, so none can be left out */
        seed = checksum64(data + (seed & 4088), bytes);
    *sum += seed;
    return (double)(bench_now_ns() - begin_ns) / (double)count;
}

static void fill_records(u8 *to, size_t bytes)
{
    u64 random = 0x9E3779B97F4A7C15ull;
    for (size_t at = 0; at + 64 <= bytes; at += 64) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const u64 line[8] = {random, 0, random % 1000, 0, random % 7, random % 90, 0, 10};
        memcpy(to + at, line, sizeof line);
    }
}

struct packing {
    double pack_gb_per_s;
    double unpack_gb_per_s;
    double ratio;
};

static bool measure_packing(const u8 *data, u8 *packed, u8 *unpacked, struct packing *packing)
{
    const int room = LZ4_compressBound(BLOCK);
    int sizes[BLOCKS];
    u64 total = 0;
    u64 begin_ns = bench_now_ns();
    for (u32 i = 0; i < BLOCKS; i++) {
        sizes[i] = LZ4_compress_default((const char *)data + (size_t)i * BLOCK,
                                        (char *)packed + (size_t)i * (u32)room, BLOCK, room);
        if (sizes[i] <= 0)
            return false;
        total += (u64)sizes[i];
    }
    packing->pack_gb_per_s = (double)BLOCKS * BLOCK / (double)(bench_now_ns() - begin_ns);
    begin_ns = bench_now_ns();
    for (u32 i = 0; i < BLOCKS; i++)
        if (LZ4_decompress_safe((const char *)packed + (size_t)i * (u32)room,
                                (char *)unpacked + (size_t)i * BLOCK, sizes[i], BLOCK) != BLOCK)
            return false;
    packing->unpack_gb_per_s = (double)BLOCKS * BLOCK / (double)(bench_now_ns() - begin_ns);
    packing->ratio = (double)BLOCKS * BLOCK / (double)total;
    return memcmp(data, unpacked, (size_t)BLOCKS * BLOCK) == 0;
}

int main(int argc, char **argv)
{
    i32 cpu = 0;
    bool is_json = false;
    const struct bench_option table[] = {
        {"cpu", BENCH_OPTION_I32, &cpu, "pin to this processor (0); -1 = do not"},
        {"json", BENCH_OPTION_FLAG, &is_json, "the result as JSON"},
        {NULL, BENCH_OPTION_FLAG, NULL, NULL}};
    bench_options_parse(table, "limit_codec: XXH3 and lz4.", argc, argv);
    const size_t bytes = (size_t)BLOCKS * BLOCK;
    u8 *data = malloc(bytes), *unpacked = malloc(bytes);
    u8 *packed = malloc((size_t)BLOCKS * (u32)LZ4_compressBound(BLOCK));
    if (data == NULL || packed == NULL || unpacked == NULL || bench_pin(cpu) != 0)
        return 1;
    fill_records(data, bytes);
    u64 sum = 0;
    (void)printf(is_json ? "{" : "XXH3-64:");
    for (size_t i = 0; i < ARRAY_COUNT(hash_sizes); i++) {
        const double ns = hash_ns(data, hash_sizes[i], 1u << 29, &sum);
        (void)printf(is_json ? "\"xxh3_%u_ns\":%.2f," : " %u bytes %.1f ns,", hash_sizes[i], ns);
    }
    struct packing packing;
    /* The first pass brings the pages in. */
    if (!measure_packing(data, packed, unpacked, &packing) ||
        !measure_packing(data, packed, unpacked, &packing)) {
        (void)fprintf(stderr, "limit_codec: lz4 does not give back what it was given\n");
        return 1;
    }
    (void)printf(is_json
                     ? "\"lz4_pack_gb_per_s\":%.2f,\"lz4_unpack_gb_per_s\":%.2f,\"lz4_ratio\":%.2f}"
                     : " lz4 packs %.2f GB/s, unpacks %.2f GB/s, %.1f : 1",
                 packing.pack_gb_per_s, packing.unpack_gb_per_s, packing.ratio);
    (void)printf("\n");
    (void)fprintf(stderr, sum == 0 ? " " : "");
    free(data);
    free(packed);
    free(unpacked);
    return 0;
}
