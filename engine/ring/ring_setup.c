/* ring_setup: flags, probing, memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/ring/ring_setup.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES (2ul << 20)

int ring_setup(struct io_uring *uring, u32 entries, u32 cq_entries, bool tells_work)
{
    static const unsigned ladder[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL, IORING_SETUP_SUBMIT_ALL};
    int result = -EINVAL;
    for (size_t i = 0; i < ARRAY_COUNT(ladder) && result == -EINVAL; i++) {
        const bool is_deferred =
            (ladder[i] & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN)) != 0;
        const unsigned told = tells_work && is_deferred ? IORING_SETUP_TASKRUN_FLAG : 0;
        struct io_uring_params parameters = {.flags = ladder[i] | told | IORING_SETUP_CQSIZE |
                                                      IORING_SETUP_CLAMP,
                                             .cq_entries = cq_entries};
        result = io_uring_queue_init_params(entries, uring, &parameters);
        /* Without these, a wait has no timeout and an overflow loses completions. */
        const u32 needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_CQE_SKIP;
        if (result == 0 && (parameters.features & needed) != needed) {
            io_uring_queue_exit(uring);
            result = -EOPNOTSUPP;
        }
    }
    if (result != 0)
        uring->ring_fd = -1;
    return result == -EINVAL ? -EOPNOTSUPP : result;
}

int ring_probe(struct io_uring *uring)
{
    /* SEND_ZC is not used: it came with the kernel that has multishot receive, which no probe
     * tells. */
    static const u8 needed[] = {IORING_OP_ACCEPT,   IORING_OP_RECV,         IORING_OP_SEND,
                                IORING_OP_WRITE,    IORING_OP_FSYNC,        IORING_OP_OPENAT,
                                IORING_OP_RENAMEAT, IORING_OP_UNLINKAT,     IORING_OP_POLL_ADD,
                                IORING_OP_MSG_RING, IORING_OP_ASYNC_CANCEL, IORING_OP_SEND_ZC};
    struct io_uring_probe *probe = io_uring_get_probe_ring(uring);
    if (probe == NULL)
        return -EOPNOTSUPP;
    int result = 0;
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++)
        if (!io_uring_opcode_supported(probe, needed[i]))
            result = -EOPNOTSUPP;
    io_uring_free_probe(probe);
    return result;
}

void *ring_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    if (bytes >= HUGE_PAGE_BYTES)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

void ring_unmap(void *memory, size_t bytes)
{
    if (memory != NULL)
        (void)munmap(memory, bytes);
}
