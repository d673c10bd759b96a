/* base: the checks and small helpers that every room stands on.
 *
 * Three strengths of assertion, so that each says what it costs:
 *
 *      STATIC_CHECK(cond)  at compile time: sizes, offsets, relations between limits
 *      MUST(cond)          always on, O(1): preconditions, post-conditions, invariants
 *      CHECK(cond)         only where SOUK_CHECKS is defined (debug, fuzz, sanitizer builds); may
 *                          walk a whole structure
 *
 * A MUST that fails is a bug of ours, never of a client or a disk: input is validated by functions
 * named x_invalid() that return NULL or the reason. A failed MUST calls base_panic(), which is a
 * link seam: the server prints the state of the shard, a test turns it into a mock assertion.
 *
 * Not here: logging, allocation, anything that knows the time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_BASE_H
#define SOUK_PROTO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

#define NODISCARD    __attribute__((warn_unused_result))
#define NORETURN     __attribute__((noreturn))
#define UNUSED       __attribute__((unused))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define LIKELY(x)    __builtin_expect(!!(x), 1)
#define UNLIKELY(x)  __builtin_expect(!!(x), 0)

/* Prints where and why and does not return. `what` is "MUST", "CHECK" or "panic". Defined by the
 * program: engine/watch/panic.c, client/lib/client_panic.c, or a test. */
NORETURN void base_panic(const char *what, const char *file, int line, const char *condition);

#define STATIC_CHECK(cond) _Static_assert(cond, #cond)
#define IMPLIES(a, b)      (!(a) || (b))

#define MUST(cond)                                         \
    do {                                                   \
        if (UNLIKELY(!(cond)))                             \
            base_panic("MUST", __FILE__, __LINE__, #cond); \
    } while (0)

#define PANIC(reason) base_panic("panic", __FILE__, __LINE__, reason)

#ifdef SOUK_CHECKS
#define CHECK(cond)                                         \
    do {                                                    \
        if (UNLIKELY(!(cond)))                              \
            base_panic("CHECK", __FILE__, __LINE__, #cond); \
    } while (0)
#else
#define CHECK(cond) ((void)sizeof(cond))
#endif

#define ARRAY_COUNT(a)     (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)          ((a) < (b) ? (a) : (b))
#define MAX(a, b)          ((a) > (b) ? (a) : (b))
#define IS_POWER_OF_TWO(x) ((x) != 0 && ((x) & ((x)-1)) == 0)
/* Rounds x up to a multiple of the power of two a. */
#define ROUND_UP(x, a) (((x) + ((a)-1)) & ~((a)-1))

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

STATIC_CHECK(sizeof(void *) == 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Souk's frames and logs are little-endian and read in place: a little-endian host is needed"
#endif

#endif
