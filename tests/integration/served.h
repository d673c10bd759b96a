/* served: a real soukd for a test: its own directory, a Unix socket, killed and started at will.
 *
 * The binary is $SOUKD, or build/soukd.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_SERVED_H
#define SOUK_TESTS_SERVED_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/souk.h"
#include "proto/base.h"

struct served {
    char root[64];
    char directory[96];
    char socket[96];
    char address[112];
    char shards[8];
    char reactors[8];
    char durability[16];
    pid_t pid;
};

static void served_nap(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Starts the server and waits until it answers; false when it does not within ten seconds. */
static bool served_start(struct served *served)
{
    const char *binary = getenv("SOUKD") != NULL ? getenv("SOUKD") : "build/soukd";
    char log[112];
    (void)snprintf(log, sizeof log, "%s/log", served->root);
    served->pid = fork();
    if (served->pid == 0) {
        const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that aborts leaves no server behind */
        (void)execl(binary, binary, served->directory, "--listen", "none", "--unix", served->socket,
                    "--shards", served->shards, "--reactors", served->reactors, "--durability",
                    served->durability, (char *)NULL);
        _exit(127);
    }
    for (u32 i = 0; i < 200; i++) {
        struct souk_client *client;
        const struct souk_options options = {.address = served->address};
        const int error = souk_open(&options, &client);
        souk_close(client);
        if (error == 0)
            return true;
        served_nap(50);
    }
    return false;
}

/* The exit code, or 128 + the signal that ended it; 0 when it was not running. */
static int served_stop(struct served *served, int signal_number)
{
    int status = 0;
    if (served->pid == 0)
        return 0;
    (void)kill(served->pid, signal_number);
    (void)waitpid(served->pid, &status, 0);
    (void)unlink(served->socket);
    served->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* reactors 0: as many as the machine has cores. */
UNUSED static bool served_open_with(struct served *served, u32 shards, u32 reactors,
                                    const char *durability)
{
    *served = (struct served){.pid = 0};
    (void)snprintf(served->root, sizeof served->root, "/tmp/souk-served-XXXXXX");
    if (mkdtemp(served->root) == NULL)
        return false;
    (void)snprintf(served->directory, sizeof served->directory, "%s/data", served->root);
    (void)snprintf(served->socket, sizeof served->socket, "%s/socket", served->root);
    (void)snprintf(served->address, sizeof served->address, "unix:%s", served->socket);
    (void)snprintf(served->shards, sizeof served->shards, "%u", shards);
    (void)snprintf(served->reactors, sizeof served->reactors, "%u", reactors);
    (void)snprintf(served->durability, sizeof served->durability, "%s", durability);
    return served_start(served);
}

UNUSED static bool served_open(struct served *served, u32 shards, const char *durability)
{
    return served_open_with(served, shards, 0, durability);
}

UNUSED static void served_close(struct served *served)
{
    char command[128];
    (void)served_stop(served, SIGTERM);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", served->root);
    FILE *remover = popen(command, "r");
    if (remover != NULL)
        (void)pclose(remover);
}

#endif
