/* fuzz: what every fuzz target has.
 *
 * A target is a file tests/fuzz/fuzz_NAME.c that defines fuzz_one. Built by `make fuzz T=NAME` it is
 * driven by libFuzzer (clang); built as $(BUILD)/fuzz/replay_NAME it runs the files and folders that
 * are named on its command line, which is how `make test` replays tests/fuzz/corpus/NAME.
 *
 * A target ends the program (PANIC, sanitizer) when something is wrong, whatever the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_FUZZ_H
#define SOUK_TESTS_FUZZ_H

#include "proto/base.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

/* Input read as a sequence of choices; zeros when it is used up. */
struct fuzz_input {
    const u8 *data;
    size_t left;
};

static inline u64 fuzz_take(struct fuzz_input *input, u32 bytes)
{
    u64 value = 0;
    const size_t count = MIN(bytes, input->left);
    __builtin_memcpy(&value, input->data, count);
    input->data += count;
    input->left -= count;
    return value;
}

#endif
