/* verify: see client/cli/verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/verify.h"

#include <string.h>

/* The sums of a shard by the names that programs see. */
#define VERIFY_SUMS(X)  \
    X(resource_count)   \
    X(hold_count)       \
    X(allocation_count) \
    X(tombstone_count)  \
    X(product_count)    \
    X(session_count)    \
    X(on_hand)          \
    X(unavailable)      \
    X(held) X(allocated) X(received) X(shipped) X(returned) X(adjusted) X(written_off)

static json_t *shard_object(u16 shard, const struct souk_verify_reply *reply)
{
    char digest[SOUK_ID_TEXT_MAX];
    json_t *object =
        json_pack("{s:i, s:s, s:o}", "shard", shard, "digest", souk_id_print(reply->digest, digest),
                  "violations", cli_json_u64(reply->violations));
    MUST(object != NULL);
#define SET(name) (void)json_object_set_new(object, #name, json_integer((json_int_t)reply->name));
    VERIFY_SUMS(SET)
#undef SET
    return object;
}

static json_t *totals_object(const struct souk_verify_reply *total, const char *first, u16 shards)
{
    json_t *object =
        json_pack("{s:b, s:o, s:s, s:i}", "sound", total->violations == 0, "violations",
                  cli_json_u64(total->violations), "first", first, "shard_count", shards);
    MUST(object != NULL);
#define SET(name) (void)json_object_set_new(object, #name, json_integer((json_int_t)total->name));
    VERIFY_SUMS(SET)
#undef SET
    return object;
}

int verify_all(struct cli *cli, struct souk_client *client, struct verify_result *result)
{
    const u16 shards = souk_server(client).shard_count;
    struct souk_verify_reply total = {0};
    char first[512] = "";
    json_t *rows = json_array();
    int exit_code = CLI_EXIT_DONE;
    for (u16 shard = 0; shard < shards && exit_code == CLI_EXIT_DONE; shard++) {
        struct souk_verify_reply reply;
        const int error = souk_verify(client, shard, &(struct souk_verify){0}, &reply);
        if (error != 0) {
            exit_code = cli_no_answer(cli, client, error);
            break;
        }
        if (reply.status != SOUK_OK)
            exit_code = cli_refused(cli, "verify", reply.status, reply.retry_after_ms, NULL);
        else
            (void)json_array_append_new(rows, shard_object(shard, &reply));
#define ADD(name) total.name += reply.name;
        VERIFY_SUMS(ADD)
        ADD(violations)
#undef ADD
        if (first[0] == '\0' && reply.first.bytes > 0)
            (void)snprintf(first, sizeof first, "shard %u: %.*s", shard, (int)reply.first.bytes,
                           reply.first.data);
        souk_free(reply.memory);
    }
    if (exit_code != CLI_EXIT_DONE) {
        json_decref(rows);
        return exit_code;
    }
    result->violations = total.violations;
    (void)value_print_grouped((i64)total.resource_count, result->resources);
    (void)value_print_grouped(total.on_hand, result->on_hand);
    (void)value_print_grouped(total.held, result->held);
    (void)value_print_grouped(total.allocated, result->allocated);
    result->object = totals_object(&total, first, shards);
    (void)json_object_set_new(result->object, "shards", rows);
    return CLI_EXIT_DONE;
}
