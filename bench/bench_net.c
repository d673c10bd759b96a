/* bench_net: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/bench_net.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_up = false;
    if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
        is_up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    }
    if (fd >= 0)
        (void)close(fd);
    return is_up;
}

static bool set_default(const char *name)
{
    const int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY | O_CLOEXEC);
    const bool is_set = fd >= 0 && write(fd, name, strlen(name)) == (ssize_t)strlen(name);
    if (fd >= 0)
        (void)close(fd);
    return is_set;
}

const char *bench_net_isolate(void)
{
    if (unshare(CLONE_NEWNET) != 0 || !raise_loopback())
        return NULL;
    if (set_default("cubic"))
        return "cubic";
    return set_default("reno") ? "reno" : NULL;
}
