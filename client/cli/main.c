/* souk: the command line of Souk.
 *
 * Options before or behind the verb, then the verb; without a verb the interactive mode. What the
 * verbs are is in client/cli/verbs.def.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/cli.h"
#include "client/cli/cli_width.h"

static bool take_options(struct cli *cli, int *argc, char **argv, int *exit_code);

int main(int argc, char **argv)
{
    struct cli cli = {.address = getenv("SOUK_ADDRESS")};
    int exit_code = CLI_EXIT_DONE;
    width_begin();
    if (cli.address == NULL || cli.address[0] == '\0')
        cli.address = SOUK_ADDRESS_DEFAULT;
    /* A reader that goes away (| head) ends the program by an error of write, not by a signal that
     * could come between two frames. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (!take_options(&cli, &argc, argv, &exit_code))
        return exit_code;
    char *interactive[] = {"repl", NULL};
    exit_code = argc > 1 ? cli_run(&cli, argc - 1, argv + 1) : cli_run(&cli, 1, interactive);
    cli_disconnect(&cli);
    if (fflush(stdout) != 0 && exit_code == CLI_EXIT_DONE)
        exit_code = CLI_EXIT_REFUSED;
    return exit_code;
}

/* The value of an option that is "-s X", "--name X" or "--name=X"; NULL where `word` is another. */
static const char *option_value(const char *word, const char *name, char **argv, int argc, int *at)
{
    const size_t bytes = strlen(name);
    if (strcmp(word, name) == 0)
        return *at + 1 < argc ? argv[++*at] : "";
    if (bytes > 2 && strncmp(word, name, bytes) == 0 && word[bytes] == '=')
        return word + bytes + 1;
    return NULL;
}

/* Takes the options of the program out of argv, wherever they stand before "--". Returns false when
 * there is nothing more to do. */
static bool take_options(struct cli *cli, int *argc, char **argv, int *exit_code)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *word = argv[i], *value;
        if (strcmp(word, "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        if (strcmp(word, "--json") == 0) {
            cli->is_json = true;
        } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
            printf("souk %s\n", souk_version());
            return false;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            argv[i] = "help";
            char *help[] = {"help", kept > 1 ? argv[1] : NULL, kept > 2 ? argv[2] : NULL, NULL};
            *exit_code = cli_run(cli, kept > 3 ? 3 : kept, help);
            return false;
        } else if ((value = option_value(word, "-s", argv, *argc, &i)) != NULL ||
                   (value = option_value(word, "--server", argv, *argc, &i)) != NULL) {
            cli->address = value;
            if (*value == '\0') {
                *exit_code = cli_usage(cli, "-s needs an address such as %s or unix:/path",
                                       SOUK_ADDRESS_DEFAULT);
                return false;
            }
        } else if ((value = option_value(word, "--timeout", argv, *argc, &i)) != NULL) {
            i64 ms;
            const char *reason = value_parse_count(value, 1, 3600000, &ms);
            if (reason != NULL) {
                *exit_code =
                    cli_usage(cli, "--timeout %s %s (milliseconds, 1 to 3600000)", value, reason);
                return false;
            }
            cli->timeout_ms = (u32)ms;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}
