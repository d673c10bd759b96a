/* near_word: is a word a slip of the finger away from another?
 *
 *      serch -> search    --limt -> --limit    vote -> note
 *
 * Letters put in, left out, replaced, or two neighbours swapped: one of these in words of up to four
 * letters, two in longer ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_NEAR_WORD_H
#define SOUK_CLIENT_NEAR_WORD_H

#include "proto/base.h"

/* How many slips lie between the first `a_bytes` of `a` and `b_bytes` of `b`; UINT32_MAX: too many to be
 * meant, or one of them is longer than 31 bytes. */
u32 near_word(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

#endif
