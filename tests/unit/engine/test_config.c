/* Options: from the command line, from a file, and what is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/config.h"
#include "engine/log/replog.h"

static struct config config;
static char reason[CONFIG_LINE_BYTES];

/* Parses up to eight words after the program's name. */
static enum config_result parse(const char *const *words)
{
    char copies[9][256] = {"soukd"};
    char *arguments[10] = {copies[0]};
    int count = 1;
    for (; words[count - 1] != NULL; count++) {
        (void)snprintf(copies[count], sizeof copies[count], "%s", words[count - 1]);
        arguments[count] = copies[count];
    }
    reason[0] = '\0';
    return config_parse(&config, count, arguments, reason, sizeof reason);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void defaults_are_those_of_the_list(void **state)
{
    (void)state;
    assert_int_equal(PARSE("data"), CONFIG_RUN);
    assert_string_equal(config.directory, "data");
    assert_string_equal(config.listen_host, "127.0.0.1");
    assert_int_equal(config.listen_port, 7685);
    assert_int_equal(config.durability, REPLOG_MODE_DURABLE);
    assert_int_equal(config.async_max_ms, 1000);
    assert_int_equal(config.memory_max, 0);
    assert_int_equal(config.spin_us, 0);
    assert_false(config.is_insecure);
}

static void options_take_values_in_both_forms(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--shards", "3", "data", "--durability=async", "--memory-max=512M"),
                     CONFIG_RUN);
    assert_int_equal(config.shards, 3);
    assert_int_equal(config.durability, REPLOG_MODE_ASYNC);
    assert_int_equal(config.memory_max, 512ull << 20);
    assert_int_equal(PARSE("data", "--log-reserve", "8g"), CONFIG_RUN);
    assert_int_equal(config.log_reserve, 8ull << 30);
}

static void wrong_values_are_refused_with_the_option_named(void **state)
{
    (void)state;
    assert_int_equal(PARSE("data", "--shards", "two"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "shards"));
    assert_int_equal(PARSE("data", "--memory-max", "12X"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "memory-max"));
    assert_int_equal(PARSE("data", "--memory-max", "99999999999T"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--memory-max", "-5"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--durability", "maybe"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "durable, async or none"));
    assert_int_equal(PARSE("data", "--shards", "257"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--async-max-ms", "0"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--spin-us", "1000001"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "spin-us"));
}

static void unknown_and_incomplete_words_are_refused(void **state)
{
    (void)state;
    assert_int_equal(PARSE("data", "--colour", "red"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "--colour"));
    assert_int_equal(PARSE("data", "--shards"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "-v"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "more"), CONFIG_WRONG);
    assert_int_equal(PARSE("--shards", "1"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "directory"));
}

static void help_and_version_win(void **state)
{
    (void)state;
    assert_int_equal(PARSE("--colour", "--help"), CONFIG_HELP);
    assert_int_equal(PARSE("--version"), CONFIG_VERSION);
}

static void only_loopback_is_secure(void **state)
{
    (void)state;
    assert_int_equal(PARSE("data", "--listen", "0.0.0.0:1"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "--insecure"));
    assert_int_equal(PARSE("data", "--listen", "[::]:1"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "10.0.0.1:1"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "10.0.0.1:1", "--insecure"), CONFIG_RUN);
    assert_true(config.is_insecure);
    assert_int_equal(PARSE("data", "--listen", "[::1]:70"), CONFIG_RUN);
    assert_string_equal(config.listen_host, "::1");
    assert_int_equal(PARSE("data", "--listen", "127.0.0.9:0"), CONFIG_RUN);
}

static void addresses_must_be_numeric_and_whole(void **state)
{
    (void)state;
    assert_int_equal(PARSE("data", "--listen", "localhost:1"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "127.0.0.1"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "127.0.0.1:70000"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "none"), CONFIG_WRONG);
    assert_int_equal(PARSE("data", "--listen", "none", "--unix", "/tmp/x"), CONFIG_RUN);
    assert_string_equal(config.listen_host, "");
}

static void the_command_line_wins_over_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/souk-config-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, "# a shop\nshards = 4   # four\n\n memory-max=1G\ninsecure = yes\n");
    assert_int_equal(PARSE("data", "--shards", "2", "--config", path), CONFIG_RUN);
    assert_int_equal(config.shards, 2);
    assert_int_equal(config.memory_max, 1ull << 30);
    assert_true(config.is_insecure);
    write_file(path, "shards = 4\ncolour = red\n");
    assert_int_equal(PARSE("data", "--config", path), CONFIG_WRONG);
    assert_non_null(strstr(reason, "line 2"));
    assert_non_null(strstr(reason, "colour"));
    write_file(path, "shards\n");
    assert_int_equal(PARSE("data", "--config", path), CONFIG_WRONG);
    assert_non_null(strstr(reason, "line 1"));
    (void)unlink(path);
    assert_int_equal(PARSE("data", "--config", path), CONFIG_WRONG);
    assert_non_null(strstr(reason, path));
}

static void a_file_that_cannot_be_understood_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/test-config-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    /* The end of a long comment is no line of its own. */
    static char text[CONFIG_LINE_BYTES + 64] = "shards = 2\n#";
    memset(text + 12, 'x', CONFIG_LINE_BYTES - 2);
    memcpy(text + 12 + CONFIG_LINE_BYTES - 2, "shards = 9\n", 12);
    write_file(path, text);
    assert_int_equal(PARSE("data", "--config", path), CONFIG_WRONG);
    assert_non_null(strstr(reason, "line 2"));
    assert_non_null(strstr(reason, "longer"));
    /* Nothing is cut off at a NUL byte. */
    assert_int_equal(write(fd, "shards = 1\0 000\n", 17), 17);
    assert_int_equal(ftruncate(fd, 17), 0);
    assert_int_equal(PARSE("data", "--config", path), CONFIG_WRONG);
    assert_non_null(strstr(reason, "line 1"));
    assert_non_null(strstr(reason, "NUL"));
    (void)close(fd);
    (void)unlink(path);
    /* What cannot be read is not empty. */
    assert_int_equal(PARSE("data", "--config", "/tmp"), CONFIG_WRONG);
    assert_non_null(strstr(reason, "/tmp"));
}

static void help_names_every_option(void **state)
{
    (void)state;
    char text[8192] = "";
    FILE *file = fmemopen(text, sizeof text, "w");
    assert_non_null(file);
    config_print_help(file);
    (void)fclose(file);
#define OPTION(name, field, KIND, argument, preset, help) assert_non_null(strstr(text, "--" name));
#include "engine/options.def"
#undef OPTION
    assert_non_null(strstr(text, "--config"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_list),
        cmocka_unit_test(options_take_values_in_both_forms),
        cmocka_unit_test(wrong_values_are_refused_with_the_option_named),
        cmocka_unit_test(unknown_and_incomplete_words_are_refused),
        cmocka_unit_test(help_and_version_win),
        cmocka_unit_test(only_loopback_is_secure),
        cmocka_unit_test(addresses_must_be_numeric_and_whole),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(a_file_that_cannot_be_understood_is_refused),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
