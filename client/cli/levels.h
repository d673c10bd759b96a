/* levels: the five levels of a SKU, which most stock replies carry under the same names, as one
 * answer of the command line. Macros, because the replies are different structs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_LEVELS_H
#define SOUK_CLIENT_CLI_LEVELS_H

#include "client/cli/cli.h"

struct levels {
    i64 on_hand, unavailable, held, allocated, sellable;
};

#define LEVELS_OF(reply)                                                                    \
    ((struct levels){(reply).on_hand, (reply).unavailable, (reply).held, (reply).allocated, \
                     (reply).sellable})
#define LEVELS_OBJECT(code, reply) levels_object(code, LEVELS_OF(reply))

/* The exit code of a call that ended with `error` and `reply`, after printing either. */
#define LEVELS_ANSWER(cli, code, error, reply)                                       \
    ((error) != 0 ? cli_no_answer(cli, (cli)->client, error)                         \
                  : levels_answer(cli, code, (reply).status, (reply).retry_after_ms, \
                                  ((reply).flags & SOUK_FLAG_REPLAYED) != 0, LEVELS_OF(reply)))

json_t *levels_object(const char *code, struct levels levels);
int levels_answer(struct cli *cli, const char *code, u16 status, u32 retry_after_ms,
                  bool is_replayed, struct levels levels);

#endif
