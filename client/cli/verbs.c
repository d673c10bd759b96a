/* verbs: see client/cli/verbs.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/verbs.h"

#include <stdio.h>
#include <string.h>

#define OPT(name, value, text) {name, value, text},
#define VERB(words, function, arguments, least, most, summary, ...) \
    static const struct verb_option options_of_##function[] = {__VA_ARGS__{NULL, NULL, NULL}};
#include "client/cli/verbs.def"
#undef VERB
#undef OPT

static const struct verb table[] = {
#define VERB(words, function, arguments, least, most, summary, ...) \
    {words, arguments, summary, options_of_##function, least, most, function},
#include "client/cli/verbs.def"
#undef VERB
};

const struct verb *verb_at(size_t index)
{
    return index < ARRAY_COUNT(table) ? &table[index] : NULL;
}

const struct verb *verb_find(const char *words)
{
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (strcmp(table[i].words, words) == 0)
            return &table[i];
    return NULL;
}

/* Whether `words` is "first second". */
static bool is_two_words(const char *words, const char *first, const char *second)
{
    const size_t bytes = strlen(first);
    return strncmp(words, first, bytes) == 0 && words[bytes] == ' ' &&
           strcmp(words + bytes + 1, second) == 0;
}

/* The verb of the first two words or of the first one; *used says how many. */
static const struct verb *find_longest(int argc, char **argv, int *used)
{
    MUST(argc >= 1);
    *used = 2;
    for (size_t i = 0; argc >= 2 && i < ARRAY_COUNT(table); i++)
        if (is_two_words(table[i].words, argv[0], argv[1]))
            return &table[i];
    *used = 1;
    return verb_find(argv[0]);
}

/* Whether some verb begins with this word, as "stock" does. */
static bool is_first_word(const char *word)
{
    const size_t bytes = strlen(word);
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (strncmp(table[i].words, word, bytes) == 0 && table[i].words[bytes] == ' ')
            return true;
    return false;
}

static bool is_repeatable(const struct verb_option *option)
{
    const size_t bytes = option->value == NULL ? 0 : strlen(option->value);
    return bytes > 3 && strcmp(option->value + bytes - 3, "...") == 0;
}

/* Takes the option at argv[*at], and its value, which may be the next word. */
static const char *take_option(struct verb_args *args, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const size_t name_bytes = strcspn(word, "=");
    const struct verb_option *option = args->verb->options;
    while (option->name != NULL &&
           (strlen(option->name) != name_bytes || strncmp(option->name, word, name_bytes) != 0))
        option++;
    if (option->name == NULL)
        return "is not an option of this verb";
    if (args->option_count == VERB_OPTIONS_MAX)
        return "is one option too many";
    if (!is_repeatable(option) && verb_option(args, option->name) != NULL)
        return "is given twice";
    const char *value = word[name_bytes] == '=' ? word + name_bytes + 1 : NULL;
    if (option->value == NULL && value != NULL)
        return "takes no value";
    if (option->value == NULL)
        value = "";
    if (value == NULL) {
        if (*at + 1 >= argc)
            return "needs a value";
        value = argv[++*at];
    }
    args->options[args->option_count].option = option;
    args->options[args->option_count++].value = value;
    return NULL;
}

/* `-5` is a number, and `-red` a word for those who take any: a search without red. */
static bool is_option(const struct verb *verb, const char *word)
{
    if (word[0] != '-' || word[1] == '\0' || (word[1] >= '0' && word[1] <= '9'))
        return false;
    return word[1] == '-' || strcmp(verb->arguments, "[WORD]...") != 0;
}

const struct verb *verb_parse(int argc, char **argv, struct verb_args *args, char *error,
                              size_t error_bytes)
{
    int used;
    memset(args, 0, sizeof *args);
    if (argc < 1) {
        (void)snprintf(error, error_bytes, "no verb");
        return NULL;
    }
    args->verb = find_longest(argc, argv, &used);
    if (args->verb == NULL) {
        (void)snprintf(error, error_bytes, "%s %s", argv[0],
                       is_first_word(argv[0]) ? "needs a second word" : "is not a verb");
        return NULL;
    }
    args->words = argv + used;
    bool is_past_options = false;
    for (int i = used; i < argc; i++) {
        if (!is_past_options && strcmp(argv[i], "--") == 0) {
            is_past_options = true;
            continue;
        }
        if (is_past_options || !is_option(args->verb, argv[i])) {
            argv[used + (int)args->count++] = argv[i];
            continue;
        }
        const char *word = argv[i];
        const char *reason = take_option(args, argc, argv, &i);
        if (reason != NULL) {
            (void)snprintf(error, error_bytes, "%s: %s %s", args->verb->words, word, reason);
            return NULL;
        }
    }
    if (args->count < args->verb->arguments_min || args->count > args->verb->arguments_max) {
        (void)snprintf(error, error_bytes, "%s: expected %s%s", args->verb->words,
                       args->verb->arguments_max == 0 ? "no arguments" : "", args->verb->arguments);
        return NULL;
    }
    return args->verb;
}

const char *verb_option(const struct verb_args *args, const char *name)
{
    u32 at = 0;
    return verb_option_next(args, name, &at);
}

const char *verb_option_next(const struct verb_args *args, const char *name, u32 *at)
{
    for (; *at < args->option_count; (*at)++)
        if (strcmp(args->options[*at].option->name, name) == 0)
            return args->options[(*at)++].value;
    return NULL;
}
