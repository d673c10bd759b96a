/* recovery: reads a shard's log from the disk, decides where it ends, and never guesses.
 *
 *      segments:   begun | begun | begun (tail) | prepared | prepared
 *      frames:     valid ... valid | ?
 *
 * At the first invalid frame of the tail, with lsn e, let D be the highest lsn known to be durable:
 * the highest of the superblock's and of the durable_lsn in all valid frames.
 *
 *      e <= D                                       damage: an acknowledged frame is gone
 *      e >  D and a valid frame follows             damage: the writer never leaves a hole
 *      e >  D, nothing valid follows, not all zero  torn tail: cut, said in a note
 *      e >  D, all zero                             the clean end
 *
 * What follows a cut is never written over: the log goes on in a fresh segment, whose header says
 * after which lsn and chain hash it comes, so the torn frame is out of the log for good. In a segment
 * that has a successor, nothing after the successor's predecessor is looked at, and everything up to
 * it must be valid.
 *
 * Invariants
 *   C1  an error of reading is an error, never an end.
 *   C2  missing, truncated, swapped and foreign files are refused: seqs have no gap, the header
 *       names data, shard, seq, predecessor and first lsn, the superblock names the first and the
 *       last segment.
 *   C3  on_commit gets only frames that are valid with their whole chain.
 * Failure    -EUCLEAN for damage, -EPROTO for another version, else -errno; always with a reason
 *            that names file, offset and lsn and says what can be done. Nothing has been changed.
 * Not here   writing, except that half-made files (*.tmp) are removed at start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_LOG_RECOVERY_H
#define SOUK_ENGINE_LOG_RECOVERY_H

#include "engine/log/data_dir.h"
#include "engine/log/replog.h"
#include "engine/log/superblock.h"

/* How many segments a log may have; the table of first lsns below has this many places. */
#define WAL_SEGMENTS_MAX 65536u

struct recovery_options {
    const struct data_dir *dir;
    const struct superblock *superblock;
    const struct replog_callbacks *callbacks;
    u64 *first_lsns; /* NULL, or WAL_SEGMENTS_MAX places, filled at seq % WAL_SEGMENTS_MAX */
    u64 from_lsn;    /* batches below are checked but not delivered */
    u64 to_lsn;      /* stop after it; UINT64_MAX: find the end */
    int shard_fd;
    u16 shard;
};

struct recovery_result {
    u64 last_lsn; /* 0 in an empty log */
    u64 last_chain;
    u64 epoch;
    u64 stamp_ns;
    u64 spare_first;   /* lowest seq that exists; files below the superblock's first are spare */
    u64 tail_seq;      /* the last segment that has been begun; 0: none */
    u64 tail_offset;   /* where the next frame would go */
    u64 prepared_last; /* highest seq that exists; 0: no files */
    bool is_tail_torn; /* the tail must not be continued in place */
};

NODISCARD int recovery_run(const struct recovery_options *options, struct recovery_result *result,
                           char *reason, size_t reason_bytes);

#endif
