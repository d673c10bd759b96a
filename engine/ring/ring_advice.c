/* ring_advice: why there is no ring, and what to do about it, in words for whoever runs the server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/ring/ring.h"

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
