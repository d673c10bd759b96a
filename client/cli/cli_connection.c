/* cli_connection: see client/cli/cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"

int cli_open(struct cli *cli, struct souk_options options, struct souk_client **client)
{
    options.address = cli->address;
    options.agent = "souk " SOUK_VERSION;
    if (options.deadline_ms == 0)
        options.deadline_ms = cli->timeout_ms;
    if (options.connect_timeout_ms == 0)
        options.connect_timeout_ms = cli->timeout_ms;
    const int error = souk_open(&options, client);
    if (error == 0)
        return CLI_EXIT_DONE;
    const int exit_code = cli_no_answer(cli, *client, error);
    souk_close(*client);
    *client = NULL;
    return exit_code;
}

int cli_connect(struct cli *cli)
{
    if (cli->client != NULL)
        return CLI_EXIT_DONE;
    return cli_open(cli, (struct souk_options){0}, &cli->client);
}

void cli_disconnect(struct cli *cli)
{
    souk_close(cli->client);
    cli->client = NULL;
}

int cli_run(struct cli *cli, int argc, char **argv)
{
    struct verb_args args;
    char error[VERB_ERROR_BYTES];
    const struct verb *verb = verb_parse(argc, argv, &args, error, sizeof error);
    if (verb == NULL) {
        /* A verb that is known, but wrongly used, is explained at once. */
        if (args.verb != NULL && !cli->is_json) {
            (void)fprintf(stderr, "souk: %s\n\n", error);
            cli_help_verb(stderr, args.verb);
            return CLI_EXIT_USAGE;
        }
        return cli_usage(cli, "%s; `souk help` lists the verbs", error);
    }
    return verb->run(cli, &args);
}
