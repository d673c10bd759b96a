/* config: see config.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/log/replog.h"
#include "proto/limits.h"

enum option_kind { KIND_TEXT, KIND_COUNT, KIND_SIZE, KIND_MODE, KIND_FLAG };

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *argument;
    const char *preset;
    const char *help;
};

static const struct option_row options[] = {
#define OPTION(name, field, KIND, argument, preset, help) \
    {name, KIND_##KIND, offsetof(struct config, field), argument, preset, help},
#include "engine/options.def"
#undef OPTION
};

static const char *const mode_names[] = {
    [REPLOG_MODE_DURABLE] = "durable", [REPLOG_MODE_ASYNC] = "async", [REPLOG_MODE_NONE] = "none"};

const char *config_mode_name(u32 mode)
{
    MUST(mode < ARRAY_COUNT(mode_names));
    return mode_names[mode];
}

static const struct option_row *find_option(const char *name, size_t bytes)
{
    for (size_t i = 0; i < ARRAY_COUNT(options); i++)
        if (strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0)
            return &options[i];
    return NULL;
}

/* A number with an optional unit; false unless the whole text is one. */
static bool read_number(const char *text, bool with_unit, u64 *number)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    static const char units[] = "KMGT";
    u32 shift = 0;
    if (with_unit && *end != '\0') {
        const char *unit = strchr(units, toupper((unsigned char)*end));
        if (unit == NULL || *unit == '\0')
            return false;
        shift = 10 * (u32)(unit - units + 1);
        end++;
    }
    if (*end != '\0' || value > UINT64_MAX >> shift)
        return false;
    *number = (u64)value << shift;
    return true;
}

static bool read_flag(const char *text, bool *flag)
{
    *flag = strcmp(text, "yes") == 0;
    return *flag || strcmp(text, "no") == 0;
}

static bool read_mode(const char *text, u32 *mode)
{
    for (u32 i = 0; i < ARRAY_COUNT(mode_names); i++)
        if (strcmp(text, mode_names[i]) == 0) {
            *mode = i;
            return true;
        }
    return false;
}

/* NULL or what a value of the kind looks like. */
static const char *set_value(struct config *config, const struct option_row *row, const char *value)
{
    u8 *field = (u8 *)config + row->offset;
    switch (row->kind) {
    case KIND_TEXT:
        if (strlen(value) >= CONFIG_TEXT_BYTES)
            return "at most 511 bytes";
        memcpy(field, value, strlen(value) + 1);
        return NULL;
    case KIND_COUNT: return read_number(value, false, (u64 *)(void *)field) ? NULL : "a number";
    case KIND_SIZE:
        return read_number(value, true, (u64 *)(void *)field)
                   ? NULL
                   : "a number of bytes, with K, M, G or T if you like, e.g. 512M";
    case KIND_MODE: return read_mode(value, (u32 *)(void *)field) ? NULL : "durable, async or none";
    case KIND_FLAG: return read_flag(value, (bool *)(void *)field) ? NULL : "yes or no";
    }
    return "nothing";
}

const char *config_set(struct config *config, const char *name, const char *value, char *reason,
                       size_t reason_bytes)
{
    const struct option_row *row = find_option(name, strlen(name));
    if (row == NULL) {
        (void)snprintf(reason, reason_bytes, "there is no option '%s'; soukd --help lists them",
                       name);
        return reason;
    }
    const char *wanted = set_value(config, row, value);
    if (wanted == NULL)
        return NULL;
    (void)snprintf(reason, reason_bytes, "%s takes %s, not '%s'", name, wanted, value);
    return reason;
}

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t bytes = strlen(text);
    while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
        bytes--;
    text[bytes] = '\0';
    return text;
}

static const char *read_line(struct config *config, char *line, char *reason, size_t reason_bytes)
{
    char *comment = strchr(line, '#');
    if (comment != NULL)
        *comment = '\0';
    char *key = trim(line);
    if (key[0] == '\0')
        return NULL;
    char *equals = strchr(key, '=');
    if (equals == NULL)
        return "a line is 'key = value', or a comment that begins with #";
    *equals = '\0';
    return config_set(config, trim(key), trim(equals + 1), reason, reason_bytes);
}

/* The next line without its end. False at the end of the file, and with *wrong when it cannot be
 * taken for a line: then what follows would be misread. */
static bool next_line(FILE *file, char line[CONFIG_LINE_BYTES], const char **wrong)
{
    u32 bytes = 0;
    int c;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (c == '\0')
            *wrong = "there is a NUL byte in it";
        else if (bytes + 1 == CONFIG_LINE_BYTES)
            *wrong = "it is longer than 4095 bytes";
        if (*wrong != NULL)
            return false;
        line[bytes++] = (char)c;
    }
    line[bytes] = '\0';
    if (ferror(file) != 0)
        *wrong = strerror(errno);
    return *wrong == NULL && (c != EOF || bytes != 0);
}

static const char *read_file(struct config *config, const char *path, char *reason,
                             size_t reason_bytes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)snprintf(reason, reason_bytes, "cannot read the configuration file %s: %s", path,
                       strerror(errno));
        return reason;
    }
    char line[CONFIG_LINE_BYTES];
    char why[1024];
    const char *wrong = NULL;
    u32 number = 1;
    for (; next_line(file, line, &wrong); number++) {
        wrong = read_line(config, line, why, sizeof why);
        if (wrong != NULL)
            break;
    }
    if (wrong != NULL)
        (void)snprintf(reason, reason_bytes, "%s line %u: %s", path, number, wrong);
    (void)fclose(file);
    return wrong == NULL ? NULL : reason;
}

/* Splits `listen` into host and port; an IPv6 address stands in brackets. */
static const char *split_listen(struct config *config)
{
    static const char shape[] = "listen takes ADDRESS:PORT with a numeric address, or none";
    config->listen_host[0] = '\0';
    if (strcmp(config->listen, "none") == 0)
        return config->unix_path[0] == '\0' ? "--listen none needs --unix PATH" : NULL;
    const char *colon = strrchr(config->listen, ':');
    u64 port = 0;
    if (colon == NULL || !read_number(colon + 1, false, &port) || port > UINT16_MAX)
        return shape;
    const char *host = config->listen;
    size_t bytes = (size_t)(colon - host);
    if (bytes >= 2 && host[0] == '[' && host[bytes - 1] == ']') {
        host++;
        bytes -= 2;
    }
    memcpy(config->listen_host, host, bytes);
    config->listen_host[bytes] = '\0';
    config->listen_port = (u16)port;
    u8 address[16];
    if (inet_pton(AF_INET, config->listen_host, address) == 1)
        return address[0] == 127 || config->is_insecure ? NULL : "";
    if (inet_pton(AF_INET6, config->listen_host, address) != 1)
        return shape;
    return strcmp(config->listen_host, "::1") == 0 || config->is_insecure ? NULL : "";
}

static const char *check(struct config *config, char *reason, size_t reason_bytes)
{
    const char *wrong = split_listen(config);
    if (wrong != NULL && wrong[0] == '\0') {
        (void)snprintf(reason, reason_bytes,
                       "refused to listen on %s: others can reach that address, and this version "
                       "has neither authentication nor encryption; use 127.0.0.1, or --insecure if "
                       "the network is yours alone",
                       config->listen);
        return reason;
    }
    if (wrong != NULL)
        return wrong;
    if (config->directory[0] == '\0')
        return "which directory? Usage: soukd DIR [options]; soukd --help lists them";
    if (config->shards > SHARDS_MAX)
        return "--shards is at most 256";
    if (config->reactors > REACTORS_MAX)
        return "--reactors is at most 64";
    if (config->async_max_ms == 0 || config->async_max_ms > ASYNC_MAX_MS_LIMIT)
        return "--async-max-ms is 1 to 60000";
    if (config->spin_us > SPIN_US_LIMIT)
        return "--spin-us is at most 1000000";
    return NULL;
}

/* What the words of the command line mean, before any is used. */
struct words {
    int count;
    char *const *arguments;
    int at;
    const char *config_path;
};

/* The value of the option at words->at: after '=' or the next word. NULL when there is none. */
static const char *take_value(struct words *words, const char *equals)
{
    if (equals != NULL)
        return equals + 1;
    return words->at + 1 < words->count ? words->arguments[++words->at] : NULL;
}

static const char *take_option(struct config *config, struct words *words, bool is_first_pass,
                               char *reason, size_t reason_bytes)
{
    const char *word = words->arguments[words->at] + 2;
    const char *equals = strchr(word, '=');
    const size_t bytes = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const bool is_config = bytes == 6 && memcmp(word, "config", 6) == 0;
    const struct option_row *row = find_option(word, bytes);
    if (row == NULL && !is_config) {
        (void)snprintf(reason, reason_bytes, "there is no option --%.*s; soukd --help lists them",
                       (int)MIN(bytes, 64), word);
        return reason;
    }
    if (!is_config && row->kind == KIND_FLAG && equals == NULL)
        return is_first_pass ? NULL : config_set(config, row->name, "yes", reason, reason_bytes);
    const char *value = take_value(words, equals);
    if (value == NULL) {
        (void)snprintf(reason, reason_bytes, "--%.*s needs a value", (int)bytes, word);
        return reason;
    }
    if (is_config) {
        words->config_path = value;
        return NULL;
    }
    return is_first_pass ? NULL : config_set(config, row->name, value, reason, reason_bytes);
}

/* Goes over the words once. The first pass only looks for --config, the second sets. */
static const char *walk(struct config *config, struct words *words, bool is_first_pass,
                        char *reason, size_t reason_bytes)
{
    for (words->at = 1; words->at < words->count; words->at++) {
        const char *word = words->arguments[words->at];
        const char *wrong = NULL;
        if (word[0] == '-' && word[1] == '-' && word[2] != '\0') {
            wrong = take_option(config, words, is_first_pass, reason, reason_bytes);
        } else if (word[0] == '-') {
            wrong = "options begin with two dashes; soukd --help lists them";
        } else if (!is_first_pass) {
            if (config->directory[0] != '\0')
                wrong = "more than one directory was given";
            else if (strlen(word) >= CONFIG_PATH_BYTES || word[0] == '\0')
                wrong = "the directory's path is empty or too long";
            else
                memcpy(config->directory, word, strlen(word) + 1);
        }
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

enum config_result config_parse(struct config *config, int count, char *const *arguments,
                                char *reason, size_t reason_bytes)
{
    memset(config, 0, sizeof *config);
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
            return CONFIG_HELP;
        if (strcmp(arguments[i], "--version") == 0)
            return CONFIG_VERSION;
    }
    for (size_t i = 0; i < ARRAY_COUNT(options); i++)
        MUST(set_value(config, &options[i], options[i].preset) == NULL);
    struct words words = {.count = count, .arguments = arguments};
    char why[CONFIG_LINE_BYTES];
    const char *wrong = walk(config, &words, true, why, sizeof why);
    if (wrong == NULL && words.config_path != NULL)
        wrong = read_file(config, words.config_path, why, sizeof why);
    if (wrong == NULL)
        wrong = walk(config, &words, false, why, sizeof why);
    if (wrong == NULL)
        wrong = check(config, why, sizeof why);
    if (wrong == NULL)
        return CONFIG_RUN;
    (void)snprintf(reason, reason_bytes, "%s", wrong);
    return CONFIG_WRONG;
}

void config_print_help(FILE *to)
{
    (void)fprintf(
        to, "Usage: soukd DIR [options]\n\n"
            "Serves the stock of a store from the data directory DIR, which is created and\n"
            "formatted if it is missing or empty. Prints one line 'ready ...' when it does.\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s %s", options[i].name, options[i].argument);
        (void)fprintf(to, "  %-24s %s", left, options[i].help);
        if (options[i].preset[0] != '\0' && options[i].kind != KIND_FLAG)
            (void)fprintf(to, " (default %s)", options[i].preset);
        (void)fprintf(to, "\n");
    }
    (void)fprintf(to, "  %-24s %s\n", "--config FILE",
                  "read options from FILE, lines of 'key = value'; the command line wins");
    (void)fprintf(to, "  %-24s %s\n", "--help", "this text");
    (void)fprintf(to, "  %-24s %s\n\n", "--version", "name and version");
    (void)fprintf(
        to, "SIGTERM or SIGINT stop it cleanly. Exit codes: 0 stopped cleanly, 1 failed while\n"
            "running, 2 wrong usage, 3 something is wrong with the data directory.\n");
}
