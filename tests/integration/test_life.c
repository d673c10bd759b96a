/* Starts, stops, crashes, disks: what the server does with its directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/integration/raw.h"

#define BLOCK 4096u

static const char *const one_shard[] = {"--shards", "1", "--reactors", "1", NULL};
static const char *const three_shards[] = {"--shards", "3", "--reactors", "2", NULL};

static int make_server(void **state)
{
    struct raw_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    raw_server_make(server, one_shard);
    *state = server;
    return 0;
}

static int remove_server(void **state)
{
    raw_server_remove(*state);
    free(*state);
    return 0;
}

static void set_options(struct raw_server *server, const char *const *options)
{
    memset(server->options, 0, sizeof server->options);
    for (u32 i = 0; options[i] != NULL; i++)
        server->options[i] = options[i];
}

/* Puts a SKU on shard 0, receives 1000 and takes `takes`; returns its id. The session stays open in
 * the peer. */
static u64 sell(struct raw_server *server, struct raw_peer *peer, u32 takes)
{
    char code[16];
    const u64 sku = raw_sku_on_shard(server, 0, 0, code);
    *peer = raw_connect(server, true);
    raw_hello(peer, 0);
    raw_session_open(peer, 0, 4711);
    assert_int_equal(raw_sku_put(peer, sku, code, 5), STATUS_OK);
    assert_int_equal(raw_stock_receive(peer, sku, 1000), STATUS_OK);
    for (u32 i = 0; i < takes; i++)
        assert_int_equal(raw_take(peer, sku, 1, raw_id(i + 1)), STATUS_OK);
    return sku;
}

static void check_sold(struct raw_server *server, u64 sku, i64 allocated, struct id128 digest)
{
    struct raw_peer peer = raw_connect(server, false);
    raw_hello(&peer, 0);
    assert_int_equal(raw_stock_get(&peer, sku).allocated, allocated);
    assert_int_equal(raw_stock_get(&peer, sku).on_hand, 1000);
    const struct msg_verify_rsp verify = raw_verify(&peer, 0);
    assert_int_equal(verify.violations, 0);
    if (!id128_is_none(digest))
        assert_true(id128_equal(verify.digest, digest));
    raw_close(&peer);
}

/* ---- restart --------------------------------------------------------------------------------- */

static void a_clean_stop_and_restart_keep_everything(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    const u64 sku = sell(server, &peer, 20);
    const struct id128 digest = raw_verify(&peer, 0).digest;
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    raw_server_start(server);
    check_sold(server, sku, 20, digest);
    assert_int_equal(raw_server_end(server, SIGINT), 0);
}

static void kill_and_restart_keep_what_was_acknowledged(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    struct id128 digest = {0};
    u64 sku = 0;
    raw_server_start(server);
    for (u32 round = 0; round < 4; round++) {
        if (round == 0) {
            sku = sell(server, &peer, 25);
        } else {
            peer = raw_connect(server, true); /* the session lives in the log, too */
            raw_hello(&peer, 0);
            peer.session = (struct id128){.low = 4711, .high = ~4711ull};
            peer.seq = 27 + (round - 1) * 25 + 1;
            peer.acked = peer.seq - 1;
            for (u32 i = 0; i < 25; i++)
                assert_int_equal(raw_take(&peer, sku, 1, raw_id(1000 * round + i)), STATUS_OK);
        }
        digest = raw_verify(&peer, 0).digest;
        assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
        raw_close(&peer);
        raw_server_start(server);
        check_sold(server, sku, 25 * (i64)(round + 1), digest);
    }
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

/* Kills while writes are under way: what was answered is there, and at most what was sent. */
static void kill_under_load(void **state)
{
    enum { SENT = 400 };
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    const u64 sku = sell(server, &peer, 0);
    i64 answered_total = 0, sent_total = 0;
    for (u32 round = 0; round < 3; round++) {
        const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = 1};
        peer.acked = 0;
        for (u32 i = 0; i < SENT / 4; i++)
            raw_write(&peer, OPCODE_TAKE, &take, sizeof take, 1);
        sent_total += SENT / 4;
        for (u32 i = 0; i < 10 + round * 7; i++) {
            assert_int_equal(raw_receive_status(&peer), STATUS_OK);
            answered_total++;
        }
        assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
        raw_close(&peer);
        raw_server_start(server);
        peer = raw_connect(server, true);
        raw_hello(&peer, 0);
        const i64 allocated = raw_stock_get(&peer, sku).allocated;
        assert_true(allocated >= answered_total && allocated <= sent_total);
        assert_int_equal(raw_verify(&peer, 0).violations, 0);
        answered_total = sent_total = allocated;
        raw_session_open(&peer, 0, 5000 + round);
    }
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void a_stop_answers_what_it_has_admitted(void **state)
{
    enum { SENT = 200 };
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    const u64 sku = sell(server, &peer, 0);
    const struct msg_take_req take = {.resource = raw_sku(sku), .quantity = 1};
    peer.acked = 0;
    for (u32 i = 0; i < SENT; i++)
        raw_write(&peer, OPCODE_TAKE, &take, sizeof take, 1);
    (void)kill(server->pid, SIGTERM);
    i64 granted = 0;
    for (struct raw_reply reply; raw_receive(&peer, &reply); raw_release(&reply)) {
        assert_true(reply.header.status == STATUS_OK || reply.header.status == STATUS_UNAVAILABLE);
        granted += reply.header.status == STATUS_OK;
    }
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, 0), 0);
    raw_server_start(server);
    check_sold(server, sku, granted, (struct id128){0});
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void shards_open_on_fewer_reactors(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    set_options(server, three_shards);
    raw_server_start(server);
    assert_int_equal(server->shard_count, 3);
    const u64 sku = sell(server, &peer, 10);
    struct id128 digests[3];
    for (u16 i = 0; i < 3; i++)
        digests[i] = raw_verify(&peer, i).digest;
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    set_options(server, (const char *const[]){"--reactors", "1", NULL});
    raw_server_start(server);
    assert_int_equal(server->shard_count, 3);
    check_sold(server, sku, 10, digests[0]);
    peer = raw_connect(server, true);
    for (u16 i = 0; i < 3; i++)
        assert_true(id128_equal(raw_verify(&peer, i).digest, digests[i]));
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    set_options(server, (const char *const[]){"--shards", "2", NULL});
    assert_int_equal(raw_server_expect_exit(server), 3);
    assert_true(raw_server_log_has(server, "3 shards"));
}

static void async_and_none_acknowledge_at_once(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    set_options(server, (const char *const[]){"--shards", "1", "--durability", "async", NULL});
    raw_server_start(server);
    assert_non_null(strstr(server->ready, "durability=async"));
    const u64 sku = sell(server, &peer, 30);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0); /* a clean stop writes it all */
    raw_server_start(server);
    check_sold(server, sku, 30, (struct id128){0});
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    /* none would serve an empty shop beside that log */
    set_options(server, (const char *const[]){"--durability", "none", NULL});
    assert_int_equal(raw_server_expect_exit(server), 3);
    raw_server_remove(server);
    raw_server_make(server, (const char *const[]){"--shards", "1", "--durability", "none", NULL});
    raw_server_start(server);
    assert_non_null(strstr(server->ready, "durability=none"));
    (void)sell(server, &peer, 30);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void holds_expire_without_any_traffic(void **state)
{
    char code[16];
    struct raw_server *server = *state;
    raw_server_start(server);
    struct raw_peer peer = raw_connect(server, true);
    const u64 sku = raw_sku_on_shard(server, 0, 0, code);
    raw_session_open(&peer, 0, 1);
    assert_int_equal(raw_sku_put(&peer, sku, code, 5), STATUS_OK);
    assert_int_equal(raw_stock_receive(&peer, sku, 10), STATUS_OK);
    const struct msg_hold_req hold = {
        .resource = raw_sku(sku), .quantity = 10, .id = raw_id(1), .lease_ms = 300};
    raw_write(&peer, OPCODE_HOLD, &hold, sizeof hold, 1);
    assert_int_equal(raw_receive_status(&peer), STATUS_OK);
    assert_int_equal(raw_stock_get(&peer, sku).held, 10);
    raw_sleep_ms(250);
    const i64 held = raw_stock_get(&peer, sku).held;
    raw_sleep_ms(150);
    assert_int_equal(raw_stock_get(&peer, sku).held, 0);
    assert_int_equal(raw_stock_get(&peer, sku).sellable, 10);
    assert_true(held == 10 || held == 0); /* a slow machine may have slept longer */
    char *stats = raw_text(&peer, OPCODE_STATS);
    assert_int_equal(raw_number(stats, "batches_empty"), 1);
    assert_int_equal(raw_number(stats, "expired_holds"), 1);
    free(stats);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void an_idle_server_does_not_spin(void **state)
{
    struct raw_server *server = *state;
    raw_server_start(server);
    struct raw_peer peer = raw_connect(server, true);
    assert_int_equal(raw_ping(&peer), STATUS_OK);
    raw_sleep_ms(200); /* the superblock after 10 ms of idling, the next segment */
    char *before = raw_text(&peer, OPCODE_STATS);
    raw_sleep_ms(2000);
    char *after = raw_text(&peer, OPCODE_STATS);
    assert_true(raw_number(after, "turns") - raw_number(before, "turns") < 60);
    free(before);
    free(after);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

/* ---- refusals at start ----------------------------------------------------------------------- */

static void a_second_server_on_the_directory_is_refused(void **state)
{
    struct raw_server *server = *state;
    raw_server_start(server);
    struct raw_server second = *server;
    second.pid = 0;
    (void)snprintf(second.unix_path, sizeof second.unix_path, "%s/socket2", server->root);
    assert_int_equal(raw_server_expect_exit(&second), 3);
    assert_true(raw_server_is_alive(server));
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    raw_server_start(server);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void a_taken_port_or_socket_is_refused(void **state)
{
    struct raw_server *server = *state;
    raw_server_start(server);
    struct raw_server second;
    char address[32];
    (void)snprintf(address, sizeof address, "--listen=127.0.0.1:%u", server->port);
    raw_server_make(&second, (const char *const[]){address, NULL});
    assert_int_equal(raw_server_expect_exit(&second), 1);
    assert_true(raw_server_log_has(&second, "another server"));
    second.options[0] = NULL;
    memcpy(second.unix_path, server->unix_path, sizeof second.unix_path);
    assert_int_equal(raw_server_expect_exit(&second), 1);
    raw_server_remove(&second);
    /* but a socket file that a killed server has left is taken over */
    assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
    raw_server_start(server);
    struct raw_peer peer = raw_connect(server, true);
    assert_int_equal(raw_ping(&peer), STATUS_OK);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void a_directory_of_another_kind_is_refused(void **state)
{
    struct raw_server *server = *state;
    char path[128];
    assert_int_equal(mkdir(server->directory, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/PG_VERSION", server->directory);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(raw_server_expect_exit(server), 3);
    assert_true(raw_server_log_has(server, "not Souk's"));
}

static void a_damaged_meta_file_is_refused(void **state)
{
    struct raw_server *server = *state;
    char path[128];
    raw_server_start(server);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    (void)snprintf(path, sizeof path, "%s/souk.meta", server->directory);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, 30), 1);
    raw_server_start(server); /* one of two copies is enough */
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    assert_int_equal(pwrite(fd, "xxxxxxxx", 8, 26), 8);
    assert_int_equal(pwrite(fd, "xxxxxxxx", 8, 4096 + 26), 8);
    (void)close(fd);
    assert_int_equal(raw_server_expect_exit(server), 3);
}

static void a_directory_that_cannot_be_written_is_refused(void **state)
{
    struct raw_server *server = *state;
    /* as root, modes do not hold; a path below a file, and /proc, do for everybody */
    (void)snprintf(server->directory, sizeof server->directory, "/proc/souk");
    assert_int_equal(raw_server_expect_exit(server), 3);
    (void)snprintf(server->directory, sizeof server->directory, "%s/log/data", server->root);
    assert_int_equal(raw_server_expect_exit(server), 3);
    if (geteuid() == 0)
        return;
    (void)snprintf(server->directory, sizeof server->directory, "%s/data", server->root);
    assert_int_equal(mkdir(server->directory, 0500), 0);
    assert_int_equal(raw_server_expect_exit(server), 3);
}

static void wrong_usage_is_told(void **state)
{
    struct raw_server *server = *state;
    set_options(server, (const char *const[]){"--listen=0.0.0.0:0", NULL});
    assert_int_equal(raw_server_expect_exit(server), 2);
    assert_true(raw_server_log_has(server, "--insecure"));
    set_options(server, (const char *const[]){"--colour", "red", NULL});
    assert_int_equal(raw_server_expect_exit(server), 2);
    set_options(server, (const char *const[]){"--listen=0.0.0.0:0", "--insecure", NULL});
    raw_server_start(server);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    assert_true(raw_server_log_has(server, "insecure=true"));
}

static void a_second_signal_ends_it_at_once(void **state)
{
    struct raw_server *server = *state;
    raw_server_start(server);
    (void)kill(server->pid, SIGTERM);
    (void)kill(server->pid, SIGINT);
    const int code = raw_server_end(server, SIGTERM);
    assert_true(code == 0 || code == 1); /* whichever came first */
    raw_server_start(server);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* The only segment of shard 0 that has frames, and the offset of the n-th block with something in it
 * from block 2 on; the offset behind the last when there are fewer. */
static int open_segment(const struct raw_server *server, u32 number, off_t *offset, u32 *count)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/shard-000", server->directory);
    DIR *listing = opendir(path);
    assert_non_null(listing);
    char name[64] = "";
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        if (strncmp(entry->d_name, "wal-", 4) == 0 && strstr(entry->d_name, ".log") != NULL &&
            (name[0] == '\0' || strcmp(entry->d_name, name) < 0))
            (void)snprintf(name, sizeof name, "%.60s", entry->d_name);
    (void)closedir(listing);
    (void)snprintf(path, sizeof path, "%s/shard-000/%s", server->directory, name);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    static u8 block[BLOCK];
    *count = 0;
    *offset = 2 * BLOCK;
    for (off_t at = 2 * BLOCK; pread(fd, block, BLOCK, at) == BLOCK; at += BLOCK) {
        u64 sum = 0;
        for (u32 i = 0; i < BLOCK; i++)
            sum += block[i];
        if (sum == 0)
            break;
        if (*count <= number)
            *offset = at;
        if (++*count <= number)
            *offset = at + BLOCK;
    }
    return fd;
}

static void flip(int fd, off_t at)
{
    u8 byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void damage_in_the_middle_of_the_log_is_refused(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    const u64 sku = sell(server, &peer, 20);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
    off_t offset = 0;
    u32 count = 0;
    const int fd = open_segment(server, 8, &offset, &count);
    assert_true(count >= 20);
    flip(fd, offset + 100);
    assert_int_equal(raw_server_expect_exit(server), 3);
    assert_true(raw_server_log_has(server, "wal-"));
    assert_true(raw_server_log_has(server, "lsn"));
    flip(fd, offset + 100); /* mended, it serves again */
    (void)close(fd);
    raw_server_start(server);
    check_sold(server, sku, 20, (struct id128){0});
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void damage_of_the_last_acknowledged_frame_is_refused(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    (void)sell(server, &peer, 10);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0); /* the superblock knows the last lsn */
    off_t offset = 0;
    u32 count = 0;
    int fd = open_segment(server, UINT32_MAX, &offset, &count);
    (void)close(fd);
    fd = open_segment(server, count - 1, &offset, &count);
    flip(fd, offset + 90);
    (void)close(fd);
    assert_int_equal(raw_server_expect_exit(server), 3);
}

static void a_torn_tail_is_cut_and_nothing_else(void **state)
{
    struct raw_server *server = *state;
    struct raw_peer peer;
    raw_server_start(server);
    const u64 sku = sell(server, &peer, 15);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
    off_t offset = 0;
    u32 count = 0;
    const int fd = open_segment(server, UINT32_MAX - 1, &offset, &count);
    u8 torn[BLOCK / 2];
    memset(torn, 0xA5, sizeof torn); /* half a block of a write that never completed */
    assert_int_equal(pwrite(fd, torn, sizeof torn, (2 + (off_t)count) * BLOCK), sizeof torn);
    (void)close(fd);
    raw_server_start(server);
    check_sold(server, sku, 15, (struct id128){0});
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    raw_server_start(server);
    check_sold(server, sku, 15, (struct id128){0});
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

/* ---- no space -------------------------------------------------------------------------------- */

/* Receives one unit per record until the server says NO_SPACE; returns the units received. */
static i64 fill_log(struct raw_server *server, struct raw_peer *peer, u64 sku)
{
    enum { RECORDS = 8000 };
    struct msg_stock_receive_req *receives = calloc(RECORDS, sizeof *receives);
    assert_non_null(receives);
    for (u32 i = 0; i < RECORDS; i++)
        receives[i] = (struct msg_stock_receive_req){.resource = raw_sku(sku), .quantity = 1};
    i64 received = 0;
    (void)server;
    for (u32 i = 0; i < 4000; i++) {
        struct raw_reply reply;
        raw_write(peer, OPCODE_STOCK_RECEIVE, receives, RECORDS * sizeof *receives, RECORDS);
        assert_true(raw_receive(peer, &reply));
        const u16 status = reply.header.status;
        if (status == STATUS_NO_SPACE)
            assert_true(reply.header.retry_after_ms > 0);
        raw_release(&reply);
        if (status == STATUS_NO_SPACE) {
            free(receives);
            peer->seq--;
            return received;
        }
        assert_int_equal(status, STATUS_OK);
        received += RECORDS;
    }
    fail_msg("the log was never full");
    return 0;
}

static void check_full(struct raw_server *server, void (*mend)(struct raw_server *))
{
    char code[16];
    struct raw_peer peer = raw_connect(server, true);
    const u64 sku = raw_sku_on_shard(server, 0, 0, code);
    raw_session_open(&peer, 0, 1);
    assert_int_equal(raw_sku_put(&peer, sku, code, 5), STATUS_OK);
    const i64 received = fill_log(server, &peer, sku);
    assert_int_equal(raw_stock_get(&peer, sku).on_hand, received); /* reads go on */
    assert_int_equal(raw_ping(&peer), STATUS_OK);
    u16 status = raw_stock_receive(&peer, sku, 1);
    assert_int_equal(status, STATUS_NO_SPACE);
    mend(server);
    for (u32 i = 0; status == STATUS_NO_SPACE && i < 100; i++) {
        raw_sleep_ms(100);
        peer.seq--;
        status = raw_stock_receive(&peer, sku, 1);
    }
    assert_int_equal(status, STATUS_OK); /* by itself */
    assert_int_equal(raw_stock_get(&peer, sku).on_hand, received + 1);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    raw_server_start(server);
    peer = raw_connect(server, true);
    assert_int_equal(raw_stock_get(&peer, sku).on_hand, received + 1);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void set_descriptors(struct raw_server *server, u64 count)
{
    const struct rlimit limit = {count, 4096};
    assert_int_equal(prlimit(server->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void give_descriptors(struct raw_server *server)
{
    set_descriptors(server, 4096);
}

/* A segment that cannot be created, for want of descriptors: needs no privileges. */
static void a_log_that_cannot_grow_refuses_writes_and_recovers(void **state)
{
    struct raw_server *server = *state;
    raw_server_start(server);
    /* connections need descriptors too: open ours first */
    char code[16];
    struct raw_peer peer = raw_connect(server, true);
    const u64 sku = raw_sku_on_shard(server, 0, 0, code);
    raw_session_open(&peer, 0, 1);
    assert_int_equal(raw_sku_put(&peer, sku, code, 5), STATUS_OK);
    set_descriptors(server, 3);
    const i64 received = fill_log(server, &peer, sku);
    assert_int_equal(raw_stock_get(&peer, sku).on_hand, received);
    give_descriptors(server);
    u16 status = STATUS_NO_SPACE;
    for (u32 i = 0; status == STATUS_NO_SPACE && i < 100; i++) {
        raw_sleep_ms(100);
        status = raw_stock_receive(&peer, sku, 1);
        peer.seq -= status == STATUS_NO_SPACE;
    }
    assert_int_equal(status, STATUS_OK);
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

static void mount_larger(struct raw_server *server)
{
    assert_int_equal(mount("none", server->directory, "tmpfs", MS_REMOUNT, "size=400m"), 0);
}

/* A file system of 160 MiB really is full; then it grows. Only where mounting is allowed. */
static void a_full_disk_refuses_writes_and_recovers(void **state)
{
    struct raw_server *server = *state;
    assert_int_equal(mkdir(server->directory, 0700), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", server->directory, "tmpfs", 0, "size=160m") != 0) {
        print_message("mounting is not allowed here: the full disk is not tried\n");
        skip();
    }
    raw_server_start(server);
    check_full(server, mount_larger);
    (void)umount(server->directory);
}

/* The limit on a file's size makes the very first segment impossible. */
static void a_disk_too_small_for_the_first_segment_is_told(void **state)
{
    struct raw_server *server = *state;
    server->file_bytes_max = 8u << 20;
    assert_int_equal(raw_server_expect_exit(server), 3);
    server->file_bytes_max = 0;
    raw_server_start(server); /* nothing half-made is left */
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
}

#define LIFE(test) cmocka_unit_test_setup_teardown(test, make_server, remove_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE(a_clean_stop_and_restart_keep_everything),
        LIFE(kill_and_restart_keep_what_was_acknowledged),
        LIFE(kill_under_load),
        LIFE(a_stop_answers_what_it_has_admitted),
        LIFE(shards_open_on_fewer_reactors),
        LIFE(async_and_none_acknowledge_at_once),
        LIFE(holds_expire_without_any_traffic),
        LIFE(an_idle_server_does_not_spin),
        LIFE(a_second_server_on_the_directory_is_refused),
        LIFE(a_taken_port_or_socket_is_refused),
        LIFE(a_directory_of_another_kind_is_refused),
        LIFE(a_damaged_meta_file_is_refused),
        LIFE(a_directory_that_cannot_be_written_is_refused),
        LIFE(wrong_usage_is_told),
        LIFE(a_second_signal_ends_it_at_once),
        LIFE(damage_in_the_middle_of_the_log_is_refused),
        LIFE(damage_of_the_last_acknowledged_frame_is_refused),
        LIFE(a_torn_tail_is_cut_and_nothing_else),
        LIFE(a_log_that_cannot_grow_refuses_writes_and_recovers),
        LIFE(a_full_disk_refuses_writes_and_recovers),
        LIFE(a_disk_too_small_for_the_first_segment_is_told),
    };
    cmocka_set_test_filter(getenv("TEST")); /* e.g. TEST='kill*' */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
