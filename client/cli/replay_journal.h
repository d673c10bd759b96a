/* replay_journal: the resume file of a replay: what was sent, written before it was sent, and what
 * was answered. With it a replay can be killed at any moment and goes on where it was.
 *
 *      souk-replay 2 as=orders start=MS file=HEX bytes=N stock=N clients=N batch=N shards=N data=ID
 *          sessions=ID,... #C                     (one line)
 *      = opened #C                                all sessions are open on all shards
 *      > LANE SEQ STEP INDEX:QUANTITY ... #C      about to be sent as number SEQ
 *      < LANE SEQ STATUS:VALUE ... #C             answered, record by record
 *      . EVENT STATUS VALUE #C                    an order, return or correction is over
 *
 * Each line ends with '#' and eight hex digits: the low half of XXH3-64 of what stands before. Text,
 * so that a person can see what was going on.
 *
 * Invariants
 *   J1  an intent is in the file before its frame is given to the library.
 *   J2  an answer is in the file before the next intent of its lane, hence before the server hears
 *       by acked_seq that the answer has arrived and may be forgotten.
 *   J3  so at most the last intent of a lane has no answer; it is sent again under its number, and
 *       the server, if it has executed it, answers with what it answered then.
 *
 * Orders and returns have no intents: their ids follow from the file and `start`, and each of their
 * steps may be repeated under its id. What was under way when the process was killed begins again at
 * its first step, and every step that had been done is answered as it was then.
 *
 * A last line that is cut off or does not match its checksum was being written when the process was
 * killed: it is removed. A bad line anywhere else is damage, and the file is refused. The file is
 * locked while it is open. It survives the death of the process; it is not flushed to disk, so a
 * power failure on the client's machine may lose the end of it.
 *
 * Ownership  the reader's arrays are valid until the next call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_JOURNAL_H
#define SOUK_CLIENT_REPLAY_JOURNAL_H

#include "client/cli/replay_shop.h"

#define JOURNAL_ITEMS_MAX    4096u
#define JOURNAL_SESSIONS_MAX 256u
#define JOURNAL_REASON_BYTES 256u

enum journal_mode { JOURNAL_MODE_TAKES = 0, JOURNAL_MODE_ORDERS = 1 };

/* All that must be equal for a journal to belong to a replay, but for start_ms and the sessions: those
 * are taken over from it. */
struct journal_identity {
    enum journal_mode mode;
    u64 start_ms; /* since 1970; order ids are made of it */
    u64 digest;   /* of the file's bytes */
    u64 bytes;
    u64 factor;
    u32 clients;
    u32 batch;
    u32 shards;
    struct souk_id128 data_id; /* of the server's data directory */
    struct souk_id128 sessions[JOURNAL_SESSIONS_MAX];
};

struct journal {
    int fd; /* -1: no journal is kept, every function does nothing */
    char *buffer;
    size_t buffer_bytes;
    size_t buffer_capacity;
    size_t line_start; /* of the line that is being written, in buffer */
};

enum journal_entry_kind {
    JOURNAL_ENTRY_OPENED,
    JOURNAL_ENTRY_INTENT,
    JOURNAL_ENTRY_ANSWER,
    JOURNAL_ENTRY_END
};

struct journal_entry {
    enum journal_entry_kind kind;
    u32 lane;
    u64 seq;
    enum shop_step step; /* of an intent */
    u32 count;
    struct shop_item items[JOURNAL_ITEMS_MAX];     /* of an intent */
    struct shop_answer answers[JOURNAL_ITEMS_MAX]; /* of an answer; the first one of an end */
    u32 event;                                     /* of an end */
};

struct journal_reader {
    char *text;
    size_t bytes; /* valid ones: a torn tail is left out */
    size_t at;
    u64 line;
};

/* Opens and locks, creating the file if need be, and reads it. Returns NULL or what is wrong. After
 * that reader->bytes is 0 for a new file. */
NODISCARD const char *journal_open(struct journal *journal, const char *path,
                                   struct journal_reader *reader);
void journal_close(struct journal *journal);

/* The first line of a file that is not empty. Returns NULL or what is wrong. */
NODISCARD const char *journal_read_identity(struct journal_reader *reader,
                                            struct journal_identity *identity);
/* 1: an entry, 0: the end, -1: it does not make sense. */
NODISCARD int journal_read_entry(struct journal_reader *reader, struct journal_entry *entry);
void journal_reader_close(struct journal_reader *reader);

void journal_put_identity(struct journal *journal, const struct journal_identity *identity);
void journal_put_opened(struct journal *journal);
void journal_put_intent(struct journal *journal, u32 lane, u64 seq, enum shop_step step,
                        const struct shop_item *items, u32 count);
void journal_put_answer(struct journal *journal, u32 lane, u64 seq,
                        const struct shop_answer *answers, u32 count);
void journal_put_end(struct journal *journal, u32 event, struct shop_answer answer);
/* Writes what has been put, in one write. Returns 0 or -errno. */
NODISCARD int journal_flush(struct journal *journal);

#endif
