/* levels: see client/cli/levels.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/levels.h"

json_t *levels_object(const char *code, struct levels levels)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I}", "code", code, "on_hand", (json_int_t)levels.on_hand,
        "unavailable", (json_int_t)levels.unavailable, "held", (json_int_t)levels.held, "allocated",
        (json_int_t)levels.allocated, "sellable", (json_int_t)levels.sellable);
    MUST(object != NULL);
    return object;
}

int levels_answer(struct cli *cli, const char *code, u16 status, u32 retry_after_ms,
                  bool is_replayed, struct levels levels)
{
    json_t *object = levels_object(code, levels);
    if (status != SOUK_OK)
        return cli_refused(cli, code, status, retry_after_ms, object);
    if (is_replayed)
        (void)json_object_set_new(object, "replayed", json_true());
    if (cli->is_json)
        return cli_print(cli, object);
    json_t *rows = json_array();
    (void)json_array_append_new(rows, object);
    return cli_print_rows(cli, rows);
}
