/* cli: what every verb of the command line gets: the options before it, the connection, and one way
 * to print answers and one to print errors.
 *
 *      exit code  0  done
 *                 1  the server answered, and refused
 *                 2  the command line is wrong; nothing was sent
 *                 3  no server, or no answer from it
 *
 * Answers go to stdout, errors to stderr. With --json every answer is one JSON object on a line of
 * its own, refusals included ({"status": "SOLD_OUT", ...}), so stdout can always be parsed. Field
 * names are part of the interface.
 *
 * A verb builds its answer as a jansson object once; cli_print() writes it as JSON or as aligned
 * names and values. Rows of equal objects become a table with cli_print_rows().
 *
 * Ownership  functions that print take the JSON value over (a reference is stolen, as jansson says).
 * Threads    one, but for the verbs that say otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_H
#define SOUK_CLIENT_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "client/cli/cli_value.h"
#include "client/cli/verbs.h"
#include "client/lib/souk.h"
#include "proto/base.h"

enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_REFUSED = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_NO_SERVER = 3
};

struct cli {
    const char *address; /* as the user gave it, or the default */
    u32 timeout_ms;      /* 0 = the library's */
    bool is_json;
    bool is_interactive;        /* inside the interactive mode */
    struct souk_client *client; /* NULL until the first verb that needs it */
};

/* ---- the connection (cli_connection.c) ---- */

/* Opens cli->client if it is not open. Returns an exit code; not DONE: the error is printed. */
NODISCARD int cli_connect(struct cli *cli);
/* A client of its own for verbs that need several: `options` without address and agent. */
NODISCARD int cli_open(struct cli *cli, struct souk_options options, struct souk_client **client);
void cli_disconnect(struct cli *cli);

/* ---- errors (cli_print.c) ---- */

/* "souk: ..." on stderr; returns CLI_EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) PRINTF(2, 3);
/* There is no answer: says why and what to do. Returns CLI_EXIT_NO_SERVER, or USAGE for an argument
 * that the library does not take. */
int cli_no_answer(struct cli *cli, struct souk_client *client, int error);
/* The server refused: name, meaning and action of the status on stderr; with --json `object` with
 * the status on stdout. `what` is the thing it was about; `object` may be NULL. Returns
 * CLI_EXIT_REFUSED. */
int cli_refused(struct cli *cli, const char *what, u16 status, u32 retry_after_ms, json_t *object);

/* ---- answers (cli_print.c) ---- */

/* One object; returns CLI_EXIT_DONE. */
int cli_print(struct cli *cli, json_t *object);
/* An array of objects: JSON lines, or a table whose columns are the keys of the first one. */
int cli_print_rows(struct cli *cli, json_t *rows);
/* One line for people; nothing with --json. */
void cli_say(const struct cli *cli, const char *format, ...) PRINTF(2, 3);
/* Writes a JSON value on one line. */
void cli_print_json(json_t *value);

/* Numbers beyond 2^63-1 (ids, versions) as JSON: integers where they fit. */
json_t *cli_json_u64(u64 number);
/* "2.55 GBP", or null where there is no currency. */
json_t *cli_json_money(i64 minor, u16 currency);
json_t *cli_json_text(struct souk_text text);
/* Bytes that may be no text: as they are where they are UTF-8 without zero bytes, else in hex digits; the
 * name of the field says which: page, page_hex. */
bool cli_is_text(struct souk_text text);
json_t *cli_json_blob(struct souk_text text);

/* ---- arguments (cli_arguments.c): each prints a usage error and returns false ---- */

bool cli_code(struct cli *cli, const struct verb_args *args, u32 index, const char **code);
bool cli_count(struct cli *cli, const struct verb_args *args, u32 index, i64 min, i64 max,
               i64 *count);
/* Options leave *value alone where they were not given. */
bool cli_option_count(struct cli *cli, const struct verb_args *args, const char *name, i64 min,
                      i64 max, i64 *value);
bool cli_option_duration(struct cli *cli, const struct verb_args *args, const char *name, u64 max,
                         u64 *ms);
bool cli_option_user(struct cli *cli, const struct verb_args *args, u64 *user); /* --owner */
/* 32 hex digits, or an order's number; "new" makes one where `may_be_new`. */
bool cli_option_id(struct cli *cli, const struct verb_args *args, const char *name, bool may_be_new,
                   struct souk_id128 *id);
bool cli_option_version(struct cli *cli, const struct verb_args *args, u64 *version);
bool cli_option_reason(struct cli *cli, const struct verb_args *args, u32 *reason);
/* --price and --currency; *currency is the default, 0 where a price needs one to be given. */
bool cli_option_price(struct cli *cli, const struct verb_args *args, i64 *price, u16 *currency);

/* A grant on the command line: code, resource and id. */
struct cli_grant {
    struct value_token token;
    struct souk_resource resource;
    struct souk_id128 id;
};
bool cli_grant(struct cli *cli, const struct verb_args *args, u32 index, struct cli_grant *grant);
/* --replaces TOKEN, which must be of the SKU `code`. */
bool cli_option_replaces(struct cli *cli, const struct verb_args *args, const char *code,
                         struct souk_id128 *id);

/* ---- arguments of carts and orders (cli_terms.c), likewise ---- */

bool cli_user(struct cli *cli, const struct verb_args *args, u32 index, u64 *user);
/* A user in an option of any name, such as --user. */
bool cli_option_user_of(struct cli *cli, const struct verb_args *args, const char *name, u64 *user);
/* An order's number, or 32 hex digits. */
bool cli_order(struct cli *cli, const struct verb_args *args, u32 index, struct souk_id128 *order);
bool cli_option_order(struct cli *cli, const struct verb_args *args, const char *name,
                      struct souk_id128 *order);
/* The id of a name (souk_id), or a raw one: # and 16 hex digits. */
bool cli_name(struct cli *cli, const char *what, const char *text, u64 *id);
bool cli_option_name(struct cli *cli, const struct verb_args *args, const char *name, u64 *id);
/* A moment, as value_parse_time takes it. */
bool cli_option_time(struct cli *cli, const struct verb_args *args, const char *name, u64 *ns);
/* An amount of money, 0 to 2^53. */
bool cli_amount(struct cli *cli, const char *what, const char *text, u16 currency, i64 *minor);
bool cli_option_amount(struct cli *cli, const struct verb_args *args, const char *name,
                       u16 currency, i64 *minor);
bool cli_option_currency(struct cli *cli, const struct verb_args *args, u16 *currency);
/* One of `count` words, of which the first has the number `first`. NULL words are none. */
bool cli_word(struct cli *cli, const char *what, const char *text, const char *const *words,
              u32 count, u16 first, u16 *number);
bool cli_option_word(struct cli *cli, const struct verb_args *args, const char *name,
                     const char *const *words, u32 count, u16 first, u16 *number);
/* The bits of all words that a repeated option names. */
bool cli_option_words(struct cli *cli, const struct verb_args *args, const char *name,
                      const char *const *words, u32 count, u16 first, u32 *bits);
/* A text of at most `max` bytes; NULL is the empty text. It is borrowed. cli_text takes any bytes,
 * cli_text_line UTF-8 without control characters, cli_text_lines that and line feeds. */
bool cli_text(struct cli *cli, const char *what, const char *text, u32 max, struct souk_text *to);
bool cli_text_line(struct cli *cli, const char *what, const char *text, u32 max,
                   struct souk_text *to);
bool cli_text_lines(struct cli *cli, const char *what, const char *text, u32 max,
                    struct souk_text *to);
/* A short text inside a record: at most 63 bytes, no control characters. */
bool cli_text64(struct cli *cli, const char *what, const char *text, struct souk_text64 *to);
bool cli_option_text64(struct cli *cli, const struct verb_args *args, const char *name,
                       struct souk_text64 *to);
/* What kind of resource --kind names (default: a SKU). */
bool cli_option_kind(struct cli *cli, const struct verb_args *args, u16 *kind);
/* --line LINE=N or LINE=N:DAMAGED, repeated. The rows are to be freed, in every case. */
struct cli_lines {
    struct souk_row_line_quantity *rows;
    u32 count;
};
bool cli_option_lines(struct cli *cli, const struct verb_args *args, bool has_damaged,
                      struct cli_lines *lines);

/* ---- calls of one record (cli_call.c) ---- */

/* Connects, makes the call, prints the answer: with --json all of it, else `columns` (cli_table.h).
 * `what` is the thing it is about, for a refusal. Returns an exit code. */
int cli_call(struct cli *cli, u16 op, const void *record, const char *what, const char *columns);
/* The same for a change of an order; `currency` of its amounts, 0 = to be looked up if there are any. */
int cli_call_order(struct cli *cli, u16 op, const void *record, const char *what, u16 currency,
                   const char *columns);
/* The same in steps. */
struct cli_answer {
    u64 reply[128]; /* the public reply struct */
    u16 status;
    bool is_replayed;
    u32 retry_after_ms;
};
/* Connects and makes the call; not DONE: the error is printed. Afterwards cli_answer_end. */
NODISCARD int cli_ask(struct cli *cli, u16 op, u16 shard, const void *record,
                      struct cli_answer *answer);
/* Prints the answer as cli_call does. `currency` of its amounts, where it has none itself; or 0. */
int cli_answer(struct cli *cli, u16 op, const struct cli_answer *answer, const char *what,
               u16 currency, const char *columns);
/* Frees the texts of the reply. */
void cli_answer_end(u16 op, struct cli_answer *answer);
/* Puts what every shard has, waits until it is in force (--wait), prints. Returns an exit code. */
int cli_put_setting(struct cli *cli, const struct verb_args *args, u16 op, const void *record,
                    const char *what);
/* The currency of an order, which amounts are written in. Returns an exit code. */
NODISCARD int cli_order_currency(struct cli *cli, const char *what, struct souk_id128 order,
                                 u16 *currency);

/* ---- help (cli_help.c) ---- */

void cli_help_overview(FILE *to);
void cli_help_verb(FILE *to, const struct verb *verb);

/* Runs one command line without the options before the verb; prints errors, returns an exit code.
 * argv is reordered. */
int cli_run(struct cli *cli, int argc, char **argv);

#endif
