/* test_data_dir: formatting, refusing, locking.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/log/data_dir.h"
#include "engine/log/superblock.h"

static char base[64];
static char path[128];
static char reason[4096];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(base, sizeof base, "/tmp/test-data-dir-XXXXXX");
    assert_non_null(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/data", base);
    return 0;
}

static int teardown(void **state)
{
    char command[256];
    (void)state;
    (void)snprintf(command, sizeof command, "chmod -R u+w '%s'; rm -rf '%s'", base, base);
    return system(command);
}

static int open_dir(struct data_dir *dir, u32 shard_count)
{
    const struct data_dir_options options = {
        .path = path, .shard_count = shard_count, .now_ns = 77};
    reason[0] = 0;
    return data_dir_open(dir, &options, reason, sizeof reason);
}

static void expect_refusal(u32 shard_count, int error, const char *word)
{
    struct data_dir dir;
    assert_int_equal(open_dir(&dir, shard_count), -error);
    if (strstr(reason, word) == NULL || strstr(reason, path) == NULL)
        fail_msg("%s", reason);
}

static int meta_file(int flags)
{
    char name[200];
    (void)snprintf(name, sizeof name, "%s/souk.meta", path);
    const int fd = open(name, flags | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static void a_new_directory_is_formatted_and_found_again(void **state)
{
    (void)state;
    struct data_dir first, second;
    assert_int_equal(open_dir(&first, 3), 0);
    assert_true(first.is_new);
    for (u32 shard = 0; shard < 3; shard++) {
        struct superblock superblock;
        const int fd = data_dir_open_shard(&first, shard);
        assert_true(fd >= 0);
        assert_int_equal(superblock_load(fd, first.hash_key, &superblock, reason, sizeof reason),
                         0);
        assert_int_equal(superblock.shard, shard);
        (void)close(fd);
    }
    data_dir_close(&first);
    assert_int_equal(open_dir(&second, 0), 0);
    assert_false(second.is_new);
    assert_int_equal(second.shard_count, 3);
    assert_true(id128_equal(first.data_id, second.data_id));
    assert_int_equal(first.hash_key, second.hash_key);
    assert_int_equal(second.created_ns, 77);
    expect_assert_failure((void)!data_dir_open_shard(&second, 3));
    data_dir_close(&second);
    expect_refusal(4, EINVAL, "formatted with 3 shards");
}

static void two_directories_have_different_names(void **state)
{
    (void)state;
    struct data_dir first, second;
    assert_int_equal(open_dir(&first, 1), 0);
    (void)snprintf(path, sizeof path, "%s/other", base);
    assert_int_equal(open_dir(&second, 1), 0);
    assert_false(id128_equal(first.data_id, second.data_id));
    assert_true(first.hash_key != second.hash_key);
    data_dir_close(&first);
    data_dir_close(&second);
}

static void a_second_server_is_refused(void **state)
{
    (void)state;
    struct data_dir dir;
    assert_int_equal(open_dir(&dir, 1), 0);
    expect_refusal(0, EBUSY, "another server");
    data_dir_close(&dir);
    assert_int_equal(open_dir(&dir, 0), 0);
    data_dir_close(&dir);
}

static void a_directory_of_something_else_is_left_alone(void **state)
{
    (void)state;
    char name[200];
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(name, sizeof name, "%s/letters.txt", path);
    (void)close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    expect_refusal(1, ENOTEMPTY, "not empty");
    (void)snprintf(name, sizeof name, "%s/souk.lock", path);
    assert_int_equal(access(name, F_OK), -1);
}

static void an_interrupted_formatting_is_begun_again(void **state)
{
    (void)state;
    struct data_dir dir;
    char name[200];
    assert_int_equal(open_dir(&dir, 2), 0);
    data_dir_close(&dir);
    (void)snprintf(name, sizeof name, "%s/souk.meta", path);
    assert_int_equal(unlink(name), 0); /* it is written last */
    assert_int_equal(open_dir(&dir, 2), 0);
    assert_true(dir.is_new);
    data_dir_close(&dir);
}

static void a_new_directory_needs_a_sane_number_of_shards(void **state)
{
    (void)state;
    expect_refusal(0, EINVAL, "number of shards");
    expect_refusal(257, EINVAL, "number of shards");
}

static void a_damaged_copy_of_the_meta_file_is_survived_two_are_not(void **state)
{
    (void)state;
    struct data_dir dir;
    u8 byte = 0;
    assert_int_equal(open_dir(&dir, 1), 0);
    data_dir_close(&dir);
    const int fd = meta_file(O_RDWR);
    for (off_t offset = 0; offset < 4096; offset += 41) {
        assert_int_equal(pread(fd, &byte, 1, offset), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
        assert_int_equal(open_dir(&dir, 1), 0);
        data_dir_close(&dir);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    }
    for (off_t offset = 30; offset < 8192; offset += 4096)
        assert_int_equal(pwrite(fd, "x", 1, offset), 1);
    expect_refusal(0, EUCLEAN, "damaged");
    assert_int_equal(ftruncate(fd, 10), 0);
    expect_refusal(0, EUCLEAN, "not Souk's");
    (void)close(fd);
}

static void another_format_is_refused(void **state)
{
    (void)state;
    struct data_dir dir;
    u8 block[4096];
    assert_int_equal(open_dir(&dir, 1), 0);
    data_dir_close(&dir);
    const int fd = meta_file(O_RDWR);
    assert_int_equal(pread(fd, block, sizeof block, 0), sizeof block);
    block[16] = 2; /* the version */
    const u64 hash = checksum64(block + 8, sizeof block - 8);
    memcpy(block, &hash, sizeof hash);
    assert_int_equal(pwrite(fd, block, sizeof block, 0), sizeof block);
    assert_int_equal(pwrite(fd, block, sizeof block, 4096), sizeof block);
    expect_refusal(0, EUCLEAN, "does not know");
    (void)close(fd);
}

static void what_is_no_directory_is_refused(void **state)
{
    (void)state;
    (void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    expect_refusal(1, ENOTDIR, "cannot be opened");
    (void)snprintf(path, sizeof path, "%s/no/such/parent", base);
    expect_refusal(1, ENOENT, "cannot be made");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char *long_path = malloc(DATA_DIR_PATH_MAX + 1);
    memset(long_path, 'x', DATA_DIR_PATH_MAX);
    long_path[DATA_DIR_PATH_MAX] = 0;
    const struct data_dir_options options = {.path = long_path, .shard_count = 1};
    struct data_dir dir;
    assert_int_equal(data_dir_open(&dir, &options, reason, sizeof reason), -ENAMETOOLONG);
    free(long_path);
}

/* Root may write everywhere, so the attempt is made as nobody. */
static void a_read_only_directory_is_refused_with_advice(void **state)
{
    (void)state;
    assert_int_equal(chmod(base, 0755), 0);
    assert_int_equal(mkdir(path, 0555), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct data_dir dir;
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(100);
        const int result = open_dir(&dir, 1);
        _exit(strstr(reason, "mount it writable") != NULL ? -result : 101);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_directory_is_formatted_and_found_again),
        TEST(two_directories_have_different_names),
        TEST(a_second_server_is_refused),
        TEST(a_directory_of_something_else_is_left_alone),
        TEST(an_interrupted_formatting_is_begun_again),
        TEST(a_new_directory_needs_a_sane_number_of_shards),
        TEST(a_damaged_copy_of_the_meta_file_is_survived_two_are_not),
        TEST(another_format_is_refused),
        TEST(what_is_no_directory_is_refused),
        TEST(a_path_that_is_too_long_is_refused),
        TEST(a_read_only_directory_is_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
