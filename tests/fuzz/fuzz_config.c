/* fuzz_config: arbitrary bytes as soukd's command line and configuration file.
 *
 *   first byte   how many words follow (0 to 15); bit 4: the file is named on the command line too
 *   words        each ends with a NUL
 *   rest         the file
 *
 * A refusal must say why. What is accepted must keep the promises of config.h, must not come from a
 * file with a line that cannot have been understood, and must be accepted again, with the same
 * result, when all of its values are given on a command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/config.h"
#include "engine/log/replog.h"
#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX   15u
#define OPTIONS_MAX 32u
#define WORD_BYTES  (CONFIG_TEXT_BYTES + 64u)

static char *word_of(const void *data, size_t bytes)
{
    char *word = malloc(bytes + 1);
    if (word == NULL)
        PANIC("out of memory");
    memcpy(word, data, bytes);
    word[bytes] = '\0';
    return word;
}

/* Every line must be one that a reader of config.h's rules could follow. */
static void check_file(const u8 *data, size_t bytes)
{
    size_t line_bytes = 0;
    for (size_t i = 0; i < bytes; i++) {
        MUST(data[i] != '\0');
        line_bytes = data[i] == '\n' ? 0 : line_bytes + 1;
        MUST(line_bytes < CONFIG_LINE_BYTES);
    }
}

static void check_values(const struct config *config)
{
    MUST(memchr(config->directory, '\0', sizeof config->directory) != NULL);
    MUST(config->directory[0] != '\0');
    MUST(memchr(config->listen, '\0', sizeof config->listen) != NULL);
    MUST(memchr(config->listen_host, '\0', sizeof config->listen_host) != NULL);
    MUST(memchr(config->unix_path, '\0', sizeof config->unix_path) != NULL);
    MUST(config->listen_host[0] != '\0' || config->unix_path[0] != '\0');
    MUST(config->shards <= SHARDS_MAX && config->reactors <= REACTORS_MAX);
    MUST(config->async_max_ms >= 1 && config->async_max_ms <= ASYNC_MAX_MS_LIMIT);
    MUST(config->spin_us <= SPIN_US_LIMIT);
    MUST(config_mode_name(config->durability) != NULL);
    const bool is_loopback = config->listen_host[0] == '\0' ||
                             strncmp(config->listen_host, "127.", 4) == 0 ||
                             strcmp(config->listen_host, "::1") == 0;
    MUST(is_loopback || config->is_insecure);
}

#define PRINT_TEXT(field)  "%s", config->field
#define PRINT_COUNT(field) "%llu", (unsigned long long)config->field
#define PRINT_SIZE(field)  "%llu", (unsigned long long)config->field
#define PRINT_MODE(field)  "%s", config_mode_name(config->field)
#define PRINT_FLAG(field)  "%s", config->field ? "yes" : "no"

static void check_again(const struct config *config)
{
    static char words[OPTIONS_MAX][WORD_BYTES];
    static struct config again;
    char *arguments[OPTIONS_MAX + 2] = {words[0]};
    char reason[256];
    int count = 1;
    u32 used = 1;
#define OPTION(name, field, KIND, argument, preset, help)                        \
    used = (u32)snprintf(words[count], WORD_BYTES, "--" name "=");               \
    (void)snprintf(words[count] + used, WORD_BYTES - used, PRINT_##KIND(field)); \
    arguments[count] = words[count];                                             \
    count++;
#include "engine/options.def"
#undef OPTION
    MUST(used != 0 && count < (int)OPTIONS_MAX);
    char *directory = word_of(config->directory, strlen(config->directory));
    arguments[count++] = directory;
    MUST(config_parse(&again, count, arguments, reason, sizeof reason) == CONFIG_RUN);
    MUST(strcmp(again.directory, config->directory) == 0);
    MUST(strcmp(again.listen_host, config->listen_host) == 0);
    MUST(again.listen_port == config->listen_port);
    MUST(strcmp(again.unix_path, config->unix_path) == 0);
    MUST(again.shards == config->shards && again.reactors == config->reactors);
    MUST(again.durability == config->durability && again.async_max_ms == config->async_max_ms);
    MUST(again.memory_max == config->memory_max && again.log_reserve == config->log_reserve);
    MUST(again.memory_reserve == config->memory_reserve && again.spin_us == config->spin_us);
    MUST(again.is_insecure == config->is_insecure);
    free(directory);
}

static int make_file(const u8 *data, size_t bytes)
{
    const int fd = memfd_create("souk.conf", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
        PANIC("the configuration file cannot be made");
    return fd;
}

/* What config_parse makes of the words, with the file before them if there is one. */
static void parse(int count, char *const *words, const u8 *file, size_t file_bytes)
{
    static struct config config;
    char reason[512] = "";
    const enum config_result result = config_parse(&config, count, words, reason, sizeof reason);
    MUST(memchr(reason, '\0', sizeof reason) != NULL);
    MUST(IMPLIES(result == CONFIG_WRONG, reason[0] != '\0'));
    if (result != CONFIG_RUN)
        return;
    check_file(file, file_bytes);
    check_values(&config);
    check_again(&config);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct fuzz_input input = {data, bytes};
    const u64 how = fuzz_take(&input, 1);
    char *words[WORDS_MAX + 2] = {word_of("soukd", 5)};
    char path[64];
    int count = 1, fd = -1;
    const bool has_file = (how & 16) != 0;
    if (has_file) /* its word is known when the others have been read */
        words[count++] = NULL;
    bool is_safe = true;
    for (u64 i = 0; i < how % (WORDS_MAX + 1) && input.left > 0; i++) {
        const size_t length = strnlen((const char *)input.data, input.left);
        const size_t taken = MIN(length + 1, input.left);
        words[count] = word_of(input.data, length);
        /* No file but ours is read. */
        is_safe = is_safe && strncmp(words[count], "--config", 8) != 0;
        count++;
        input.data += taken;
        input.left -= taken;
    }
    if (has_file) {
        fd = make_file(input.data, input.left);
        (void)snprintf(path, sizeof path, "--config=/proc/self/fd/%d", fd);
        words[1] = word_of(path, strlen(path));
    }
    if (is_safe)
        parse(count, words, input.data, has_file ? input.left : 0);
    if (has_file)
        (void)close(fd);
    for (int i = 0; i < count; i++)
        free(words[i]);
    return 0;
}
