/* ring_setup: flags, probing, memory and the words for the user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/ring/ring_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/ring/ring.h"

#define HUGE_PAGE_BYTES (2ul << 20)

int ring_setup(struct io_uring *uring, u32 entries, u32 cq_entries)
{
    static const unsigned ladder[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL, IORING_SETUP_SUBMIT_ALL};
    int result = -EINVAL;
    for (size_t i = 0; i < ARRAY_COUNT(ladder) && result == -EINVAL; i++) {
        struct io_uring_params parameters = {.flags = ladder[i] | IORING_SETUP_CQSIZE |
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

/* The value of kernel.io_uring_disabled, or 0 where there is no such switch. */
static char read_disabled(void)
{
    char value = '0';
    const int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, &value, 1) != 1)
            value = '0';
        (void)close(fd);
    }
    return value;
}

static const char *advise_permission(void)
{
    switch (read_disabled()) {
    case '2':
        return "io_uring is switched off on this machine (kernel.io_uring_disabled = 2). Run "
               "'sysctl kernel.io_uring_disabled=0' as root.";
    case '1':
        return "io_uring is allowed to some processes only (kernel.io_uring_disabled = 1). Add the "
               "server's user to the group in kernel.io_uring_group, or run 'sysctl "
               "kernel.io_uring_disabled=0' as root.";
    default:
        return "io_uring is forbidden to this process, most likely by the seccomp profile of a "
               "container. Start the container with a profile that allows io_uring_setup, "
               "io_uring_enter and io_uring_register (docker: --security-opt "
               "seccomp=PROFILE.json, or seccomp=unconfined to try it).";
    }
}

const char *ring_open_advice(int error)
{
    switch (error < 0 ? -error : error) {
    case ENOSYS:
        return "this kernel has no io_uring, or a sandbox hides it. Souk needs Linux 6.1 or newer "
               "with CONFIG_IO_URING.";
    case EOPNOTSUPP:
    case EINVAL:
        return "this kernel's io_uring lacks what Souk needs (multishot receive, buffer rings, "
               "ring messages). Souk needs Linux 6.1 or newer.";
    case EPERM:
    case EACCES: return advise_permission();
    case ENOMEM:
        return "no memory for the ring: the limit of locked memory may be too low. Raise it "
               "('ulimit -l', LimitMEMLOCK= in a systemd unit), or free memory.";
    case EMFILE:
    case ENFILE:
        return "no descriptor left for the ring. Raise the limit of open files ('ulimit -n', "
               "LimitNOFILE= in a systemd unit).";
    default: return "io_uring could not be set up.";
    }
}
