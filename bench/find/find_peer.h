/* find_peer: another search engine in this process, for comparison: the same titles, the same queries.
 *
 *      fts5     SQLite's FTS5, in memory, ORDER BY rank (its BM25)
 *      xapian   Xapian on a directory in memory (tmpfs), its BM25
 *
 * Both get the title as it is, stem by Porter, and want all words. The ten best titles' numbers and, where
 * the engine has it for nothing, the number of matches.
 *
 * Failure    a peer that cannot be opened says why on stderr and is left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_BENCH_FIND_FIND_PEER_H
#define SOUK_BENCH_FIND_FIND_PEER_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stdint.h>

struct find_peer;

struct find_peer_calls {
    const char *name;
    struct find_peer *(*open)(void);
    void (*close)(struct find_peer *peer);
    /* Between the first and the last add; 0 or less than 0 on failure. */
    int (*add)(struct find_peer *peer, uint32_t i, const char *title);
    int (*finish)(struct find_peer *peer);
    /* `words`: `count` words that must all match; is_prefix: the last one may go on; is_phrase: side by
     * side. How many of the ten best there were; less than 0: it cannot do that. */
    int (*search)(struct find_peer *peer, const char *const *words, uint32_t count, bool is_prefix,
                  bool is_phrase, uint32_t hits[10]);
};

/* NULL where the program was built without it. */
const struct find_peer_calls *find_peer_fts5(void);
const struct find_peer_calls *find_peer_xapian(void);

#ifdef __cplusplus
}
#endif
#endif
