/* verbs: the table of client/cli/verbs.def, and the parser that it drives.
 *
 *      stock adjust ABC -5 --reason 3
 *      ^^^^^^^^^^^^ ^^^^^^ ^^^^^^^^^^
 *      words        arguments and options, in any order
 *
 * The longest words win: `hold confirm X` is the verb "hold confirm". `--` ends the options, and
 * before the arguments it ends the words, so `hold -- confirm 1` holds a SKU called "confirm". A
 * word like -5 is an argument. `--name=value` and `--name value` are the same.
 *
 * Ownership: everything points into the caller's argv, which outlives the call.
 * Failure: verb_parse returns NULL after filling `error` with a sentence for the user.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_VERBS_H
#define SOUK_CLIENT_CLI_VERBS_H

#include "proto/base.h"

#define VERB_OPTIONS_MAX 256u /* given in one call, repeated ones counted */
#define VERB_ERROR_BYTES 320u

struct cli;
struct verb_args;

struct verb_option {
    const char *name;  /* "--title" */
    const char *value; /* "T"; NULL for a flag; "NAME=VALUE..." may be repeated */
    const char *text;
};

struct verb {
    const char *words;     /* "stock adjust" */
    const char *arguments; /* "CODE N" */
    const char *summary;
    const struct verb_option *options; /* ends with a NULL name */
    u32 arguments_min;
    u32 arguments_max;
    int (*run)(struct cli *cli, const struct verb_args *args); /* an exit code */
};

struct verb_args {
    const struct verb *verb;
    char *const *words; /* NULL-terminated copy of the arguments, options taken out */
    u32 count;
    u32 option_count;
    struct {
        const struct verb_option *option;
        const char *value; /* "" for a flag */
    } options[VERB_OPTIONS_MAX];
};

/* The i-th verb in the order of the file, or NULL past the end. */
const struct verb *verb_at(size_t index);
/* The verb of exactly these words, or NULL. */
const struct verb *verb_find(const char *words);

/* Finds the verb of argv and sorts the rest into arguments and options; argv is reordered. Returns
 * the verb, or NULL with a sentence in `error`. */
const struct verb *verb_parse(int argc, char **argv, struct verb_args *args, char *error,
                              size_t error_bytes);

/* Value of an option of the verb, NULL where it was not given. */
const char *verb_option(const struct verb_args *args, const char *name);
/* The next value of a repeated option at or after *at; moves *at behind it. */
const char *verb_option_next(const struct verb_args *args, const char *name, u32 *at);

#define VERB(words, function, arguments, least, most, summary, ...) \
    int function(struct cli *cli, const struct verb_args *args);
#include "client/cli/verbs.def"
#undef VERB

#endif
