/* verify: asks every shard to check its sums, and adds up what they say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_VERIFY_H
#define SOUK_CLIENT_CLI_VERIFY_H

#include "client/cli/cli.h"

struct verify_result {
    u64 violations;
    char resources[32]; /* grouped digits, for people */
    char on_hand[32];
    char held[32];
    char allocated[32];
    json_t *object; /* {"sound": true, "violations": 0, "first": "", totals, "shards": [...]} */
};

/* Fills `result`, whose object the caller takes over; on another exit code than DONE the error has
 * been printed and there is no object. */
NODISCARD int verify_all(struct cli *cli, struct souk_client *client, struct verify_result *result);

#endif
