/* postgres_server: see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/peers/postgres_server.h"

#include "bench/common/bench_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PREFERRED  "/usr/lib/postgresql/15/bin"
#define ANY        "/usr/lib/postgresql/*/bin"
#define READY_NS   (60 * NS_PER_S)
#define ARGS_MAX   128u
#define TEXT_BYTES 600u

/* Durable as Souk is: an answered transaction is on the disk. The rest is what is fastest on one
 * processor and a short run. */
static const char *const settings[] = {
    "fsync=on", "synchronous_commit=on", "full_page_writes=on",
    /* 10 % more than open_datasync, which writes two blocks in two steps. */
    "wal_sync_method=fdatasync",
    /* No replica, no archive: the least log. Its segments are made ahead by the setup. */
    "wal_level=minimal", "max_wal_senders=0", "wal_buffers=64MB", "wal_compression=off",
    "min_wal_size=1GB", "max_wal_size=16GB",
    /* Whoever waits for a flush leaves the processor to the others, so commits gather by themselves. */
    "commit_delay=0",
    /* Everything is in memory; no checkpoint, no writer and no vacuum within the measured time. */
    "shared_buffers=1GB", "huge_pages=try", "checkpoint_timeout=1h", "bgwriter_lru_maxpages=0",
    "autovacuum=off",
    /* Statements of microseconds: no compiling, no workers, a plan once and for ever. */
    "jit=off", "max_parallel_workers_per_gather=0", "plan_cache_mode=force_generic_plan",
    /* The tables are planned for when they are empty: what is right when they are full is by index.
     * Nested loops keep the order of the SKUs, see postgres.sql. */
    "enable_seqscan=off", "enable_bitmapscan=off", "enable_hashjoin=off", "enable_mergejoin=off",
    /* No statistics about sessions. */
    "track_activities=off", "track_counts=off", "update_process_title=off", "max_connections=300",
    "superuser_reserved_connections=0"};

struct identity {
    bool is_other; /* we are root: become this user */
    uid_t uid;
    gid_t gid;
};

static struct identity find_identity(void)
{
    if (geteuid() != 0)
        return (struct identity){0};
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL)
        user = getpwnam("nobody");
    return user == NULL ? (struct identity){0}
                        : (struct identity){true, user->pw_uid, user->pw_gid};
}

/* For good: group first, since afterwards there is no right to change it. */
static bool become(const struct identity *identity)
{
    return !identity->is_other || (setgroups(0, NULL) == 0 &&
                                   setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
                                   setresuid(identity->uid, identity->uid, identity->uid) == 0);
}

static void find_programs(char *to, size_t bytes)
{
    glob_t found;
    to[0] = 0; /* the path */
    if (access(PREFERRED "/postgres", X_OK) == 0) {
        (void)snprintf(to, bytes, PREFERRED "/");
    } else if (glob(ANY, 0, NULL, &found) == 0) {
        (void)snprintf(to, bytes, "%s/", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
    }
}

/* Runs a program as that user, pinned, its output in DIR/stderr. */
static pid_t start_program(const struct bench_server *server, const struct identity *identity,
                           i32 cpu, char *const *args)
{
    char path[TEXT_BYTES];
    (void)snprintf(path, sizeof path, "%s/stderr", server->dir);
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    const int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    /* The kernel forgets the death signal when the user changes. */
    if (out < 0 || bench_pin(cpu) != 0 || !become(identity) || chdir(server->dir) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGQUIT) != 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    (void)execvp(args[0], args);
    /* A directory of the path that this user may not enter makes an absent program EACCES. */
    _exit(errno == ENOENT || errno == EACCES ? 127 : 126);
}

static int code_of(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -ECHILD;
}

static int run_initdb(const struct bench_server *server, const struct identity *identity, i32 cpu,
                      const char *programs, const char *data)
{
    char program[TEXT_BYTES], dir[TEXT_BYTES];
    (void)snprintf(program, sizeof program, "%.500sinitdb", programs);
    (void)snprintf(dir, sizeof dir, "%s", data);
    char *args[] = {program,
                    (char[]){"-D"},
                    dir,
                    (char[]){"-U"},
                    (char[]){POSTGRES_USER},
                    (char[]){"--no-locale"},
                    (char[]){"--encoding=UTF8"},
                    (char[]){"--auth=trust"},
                    (char[]){"--no-sync"},
                    (char[]){"--no-instructions"},
                    NULL};
    const pid_t pid = start_program(server, identity, cpu, args);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -errno;
    return code_of(status);
}

/* Adds the settings to the file that initdb has made, which says the same for no one else. */
static int write_settings(const struct bench_server *server, const char *data)
{
    char path[TEXT_BYTES];
    (void)snprintf(path, sizeof path, "%.500s/postgresql.conf", data);
    FILE *file = fopen(path, "ae");
    if (file == NULL)
        return -errno;
    (void)fprintf(file, "listen_addresses=''\nunix_socket_directories='%s'\n", server->dir);
    (void)fprintf(file, "unix_socket_permissions=0700\n");
    for (size_t i = 0; i < ARRAY_COUNT(settings); i++)
        (void)fprintf(file, "%s\n", settings[i]);
    return fclose(file) == 0 ? 0 : -errno;
}

/* The eighth line of postmaster.pid is the state. */
static bool is_ready(const char *data)
{
    char path[TEXT_BYTES], line[TEXT_BYTES] = "";
    (void)snprintf(path, sizeof path, "%.500s/postmaster.pid", data);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    for (u32 i = 0; i < 8; i++)
        if (fgets(line, sizeof line, file) == NULL)
            line[0] = 0;
    (void)fclose(file);
    return strncmp(line, "ready", 5) == 0;
}

static int await_ready(struct bench_server *server, const char *data)
{
    const u64 until_ns = bench_now_ns() + READY_NS;
    while (!is_ready(data)) {
        int status;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            return status == 0 ? -ECHILD : code_of(status);
        }
        if (bench_now_ns() > until_ns)
            return -ETIMEDOUT;
        (void)usleep(10000);
    }
    return 0;
}

/* The directory is the server's, and the one above lets it pass. */
static int give_directory(const struct bench_server *server, const struct identity *identity)
{
    char above[BENCH_PATH_BYTES];
    struct stat info;
    (void)snprintf(above, sizeof above, "%s", server->dir);
    char *slash = strrchr(above, '/');
    if (!identity->is_other || slash == NULL)
        return 0;
    *slash = 0;
    if (stat(above, &info) != 0 || chmod(above, (info.st_mode & 07777) | 0011) != 0 ||
        chown(server->dir, identity->uid, identity->gid) != 0)
        return -errno;
    return 0;
}

int postgres_server_start(struct bench_server *server, const struct bench_server_options *options)
{
    const struct identity identity = find_identity();
    char programs[TEXT_BYTES / 2], data[TEXT_BYTES], program[TEXT_BYTES];
    find_programs(programs, sizeof programs);
    (void)snprintf(data, sizeof data, "%s/data", server->dir);
    (void)snprintf(program, sizeof program, "%spostgres", programs);
    (void)snprintf(server->address, sizeof server->address, "%s", server->dir);
    server->stop_signal = SIGQUIT;
    int error = give_directory(server, &identity);
    if (error == 0)
        error = run_initdb(server, &identity, options->cpu, programs, data);
    if (error == 0)
        error = write_settings(server, data);
    if (error != 0)
        return error;
    char *args[] = {program, (char[]){"-D"}, data, NULL};
    server->pid = start_program(server, &identity, options->cpu, args);
    return server->pid < 0 ? -errno : await_ready(server, data);
}
