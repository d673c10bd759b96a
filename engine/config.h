/* config: what soukd was told, by its command line and its configuration file.
 *
 *      options.def --> defaults --> --config FILE (key = value) --> command line --> checks
 *
 * The command line wins over the file, the file over the defaults. A file has one `key = value` per
 * line, keys as on the command line without the dashes; # begins a comment.
 *
 * Ownership  plain data; filled once at start, read-only for all threads afterwards.
 * Failure    CONFIG_WRONG with a sentence that names option or file and line, and what is allowed.
 * Not here   whether directory, address and shards can be had: that is found out by using them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_CONFIG_H
#define SOUK_ENGINE_CONFIG_H

#include <stdio.h>

#include "proto/base.h"

#define CONFIG_TEXT_BYTES  512u
#define CONFIG_PATH_BYTES  3072u
#define CONFIG_LINE_BYTES  4096u
#define ASYNC_MAX_MS_LIMIT 60000u
#define SPIN_US_LIMIT      1000000u

/* The types behind the kinds of options.def. */
typedef char config_text[CONFIG_TEXT_BYTES];
#define CONFIG_TYPE_TEXT  config_text
#define CONFIG_TYPE_COUNT u64
#define CONFIG_TYPE_SIZE  u64
#define CONFIG_TYPE_MODE  u32 /* enum replog_mode */
#define CONFIG_TYPE_FLAG  bool

struct config {
    char directory[CONFIG_PATH_BYTES];
#define OPTION(name, field, KIND, argument, preset, help) CONFIG_TYPE_##KIND field;
#include "engine/options.def"
#undef OPTION
    /* from `listen` */
    char listen_host[CONFIG_TEXT_BYTES]; /* empty: no TCP */
    u16 listen_port;
};

enum config_result {
    CONFIG_RUN,     /* serve */
    CONFIG_HELP,    /* asked for help */
    CONFIG_VERSION, /* asked for the version */
    CONFIG_WRONG    /* `reason` says why */
};

enum config_result config_parse(struct config *config, int count, char *const *arguments,
                                char *reason, size_t reason_bytes);
/* One option by its name, as from the file. NULL or the reason (static or in `reason`). */
const char *config_set(struct config *config, const char *name, const char *value, char *reason,
                       size_t reason_bytes);
/* The text of --help. */
void config_print_help(FILE *to);
/* "durable", "async", "none" for a value of the kind MODE. */
const char *config_mode_name(u32 mode);

#endif
