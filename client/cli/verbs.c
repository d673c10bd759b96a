/* verbs: see client/cli/verbs.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/verbs.h"

#include <stdio.h>
#include <string.h>

#include "client/cli/near_word.h"

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

/* `-5` is a number, and `-red` a word for those who take a query: a search without red. */
static bool is_option(const struct verb *verb, const char *word)
{
    if (word[0] != '-' || word[1] == '\0' || (word[1] >= '0' && word[1] <= '9'))
        return false;
    const bool takes_query =
        strcmp(verb->arguments, "[WORD]...") == 0 || strcmp(verb->arguments, "WORD...") == 0;
    return word[1] == '-' || !takes_query;
}

/* ---- what may have been meant ---- */

/* The beginning of the verbs that is nearest to what was typed: a first word. NULL: none is near. */
static const char *nearest_verb(const char *typed, size_t *bytes)
{
    const char *nearest = NULL;
    u32 least = UINT32_MAX;
    for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
        const size_t word_bytes = strcspn(table[i].words, " ");
        const u32 slips = near_word(typed, strlen(typed), table[i].words, word_bytes);
        if (slips < least) {
            least = slips;
            nearest = table[i].words;
            *bytes = word_bytes;
        }
    }
    return nearest;
}

/* No verb begins with these words: says what does. */
static void explain_unknown(int argc, char **argv, char *error, size_t error_bytes)
{
    const char *first = argv[0];
    const size_t bytes = strlen(first);
    size_t near_bytes = 0;
    if (!is_first_word(first)) {
        const char *nearest = nearest_verb(first, &near_bytes);
        (void)snprintf(error, error_bytes, "%.60s is not a verb%s%.*s%s", first,
                       nearest == NULL ? "" : "; did you mean ", (int)near_bytes,
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
        return;
    }
    int used = snprintf(error, error_bytes, "%.60s%s%.60s %s", first, argc > 1 ? " " : "",
                        argc > 1 ? argv[1] : "",
                        argc > 1 ? "is not a verb; there are" : "needs a second word:");
    for (size_t i = 0; i < ARRAY_COUNT(table) && used > 0 && (size_t)used < error_bytes; i++)
        if (strncmp(table[i].words, first, bytes) == 0 && table[i].words[bytes] == ' ')
            used += snprintf(error + used, error_bytes - (size_t)used, " %s",
                             table[i].words + bytes + 1);
}

/* "is not an option of this verb", and which one may have been meant. */
static void explain_option(const struct verb *verb, const char *word, const char *reason,
                           char *error, size_t error_bytes)
{
    const size_t bytes = strcspn(word, "=");
    const char *nearest = NULL;
    u32 least = UINT32_MAX;
    for (const struct verb_option *o = verb->options; o->name != NULL; o++) {
        const u32 slips = near_word(word, bytes, o->name, strlen(o->name));
        nearest = slips < least ? o->name : nearest;
        least = MIN(least, slips);
    }
    const bool is_meant = nearest != NULL && least != 0; /* 0: it is one, and wrong otherwise */
    (void)snprintf(error, error_bytes, "%s: %.60s %s%s%s%s", verb->words, word, reason,
                   is_meant ? "; did you mean " : "", is_meant ? nearest : "", is_meant ? "?" : "");
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
        explain_unknown(argc, argv, error, error_bytes);
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
            explain_option(args->verb, word, reason, error, error_bytes);
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
