/* cli_help: help, the man page's sections and the completion script, all from the verb table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"

static void print_usage_line(FILE *to, const struct verb *verb)
{
    (void)fprintf(to, "souk %s%s%s%s", verb->words, verb->arguments[0] == '\0' ? "" : " ",
                  verb->arguments, verb->options[0].name == NULL ? "" : " [options]");
}

void cli_help_overview(FILE *to)
{
    (void)fputs("souk: the command line of Souk\n\n"
                "usage: souk [-s ADDRESS] [--json] [--timeout MS] VERB ...\n\n",
                to);
    const struct verb *verb;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", verb->words, verb->arguments);
        (void)fprintf(to, "  %-28s %s\n", left, verb->summary);
    }
    (void)fputs(
        "\n  -s ADDRESS     host:port or unix:/path; else $SOUK_ADDRESS, else " SOUK_ADDRESS_DEFAULT
        "\n  --json         one JSON object per line on stdout"
        "\n  --timeout MS   how long to wait for an answer (default 10000)"
        "\n  --version, --help\n\n"
        "Without a verb, verbs are read from the terminal or a pipe, one per line.\n"
        "`souk help VERB` explains one. TOKEN is CODE@ID as hold and take --id print it.\n"
        "Exit code: 0 done, 1 refused, 2 usage, 3 no server.\n",
        to);
}

void cli_help_verb(FILE *to, const struct verb *verb)
{
    (void)fputs("usage: ", to);
    print_usage_line(to, verb);
    (void)fprintf(to, "\n\n  %s\n", verb->summary);
    for (const struct verb_option *o = verb->options; o->name != NULL; o++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%s%s", o->name, o->value == NULL ? "" : " ",
                       o->value == NULL ? "" : o->value);
        const bool is_long = strlen(left) > 24;
        (void)fprintf(to, "%s  %-*s%s", o == verb->options ? "\n" : "", is_long ? 0 : 24, left,
                      is_long ? "\n                           " : " ");
        (void)fprintf(to, "%s\n", o->text);
    }
}

/* A hyphen that is to be typed is \- in a man page. */
static void print_roff(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
}

static void print_man(void)
{
    const struct verb *verb;
    (void)puts(".SH VERBS");
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        (void)fputs(".TP\n.B ", stdout);
        print_roff(verb->words);
        (void)putchar(' ');
        print_roff(verb->arguments);
        (void)putchar('\n');
        print_roff(verb->summary);
        (void)puts(".");
        for (const struct verb_option *o = verb->options; o->name != NULL; o++) {
            (void)fputs(o == verb->options ? ".RS\n.TP\n.B " : ".TP\n.B ", stdout);
            print_roff(o->name);
            if (o->value != NULL) {
                (void)fputs(" \\fI", stdout);
                print_roff(o->value);
                (void)fputs("\\fR", stdout);
            }
            (void)putchar('\n');
            print_roff(o->text);
            (void)puts(o[1].name == NULL ? "\n.RE" : "");
        }
    }
}

int verb_help(struct cli *cli, const struct verb_args *args)
{
    if (verb_option(args, "--man") != NULL) {
        print_man();
        return CLI_EXIT_DONE;
    }
    if (args->count == 0) {
        cli_help_overview(stdout);
        return CLI_EXIT_DONE;
    }
    char words[128];
    (void)snprintf(words, sizeof words, "%.60s%s%.60s", args->words[0], args->count > 1 ? " " : "",
                   args->count > 1 ? args->words[1] : "");
    const size_t bytes = strlen(args->words[0]);
    u32 printed = 0;
    const struct verb *verb = verb_find(words);
    if (verb != NULL) {
        cli_help_verb(stdout, verb);
        printed++;
    }
    /* `souk help stock` explains everything that begins with the word. */
    for (size_t i = 0; args->count == 1 && (verb = verb_at(i)) != NULL; i++) {
        if (strncmp(verb->words, words, bytes) != 0 || verb->words[bytes] != ' ')
            continue;
        if (printed++ > 0)
            (void)putchar('\n');
        cli_help_verb(stdout, verb);
    }
    return printed > 0 ? CLI_EXIT_DONE : cli_usage(cli, "%s is not a verb", words);
}

/* The distinct first words, or the second words behind `first`. */
static void print_words(const char *first)
{
    const struct verb *verb;
    const size_t bytes = first == NULL ? 0 : strlen(first);
    const char *last = "";
    size_t last_bytes = 0;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        const char *word = verb->words;
        if (first != NULL && (strncmp(word, first, bytes) != 0 || word[bytes] != ' '))
            continue;
        word += first == NULL ? 0 : bytes + 1;
        const size_t word_bytes = strcspn(word, " ");
        if (word_bytes == last_bytes && strncmp(word, last, word_bytes) == 0)
            continue;
        printf("%.*s ", (int)word_bytes, word);
        last = word;
        last_bytes = word_bytes;
    }
}

int verb_completion(struct cli *cli, const struct verb_args *args)
{
    const struct verb *verb;
    if (strcmp(args->words[0], "bash") != 0)
        return cli_usage(cli, "completion for \"%s\" does not exist; bash does", args->words[0]);
    (void)puts("# bash completion of souk, printed by `souk completion bash`\n"
               "_souk() {\n"
               "    local word=\"${COMP_WORDS[COMP_CWORD]}\" i words=() list=\"\"\n"
               "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
               "        case \"${COMP_WORDS[i]}\" in\n"
               "        -s|--server|--timeout) i=$((i + 1)) ;;\n"
               "        -*) ;;\n"
               "        *) words+=(\"${COMP_WORDS[i]}\") ;;\n"
               "        esac\n"
               "    done\n"
               "    COMPREPLY=()\n"
               "    case \"${words[0]} ${words[1]}\" in");
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        if (verb->options[0].name == NULL)
            continue;
        printf("    \"%s\"*) list=\"", verb->words);
        for (const struct verb_option *o = verb->options; o->name != NULL; o++)
            printf("%s ", o->name);
        (void)puts("\" ;;");
    }
    (void)fputs("    esac\n    case \"${#words[@]} ${words[0]}\" in\n    \"0 \") list=\"", stdout);
    print_words(NULL);
    (void)puts("-s --json --timeout --help --version\" ;;");
    const char *seen = "";
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        char first[32];
        const size_t bytes = strcspn(verb->words, " ");
        if (verb->words[bytes] == '\0' || strncmp(seen, verb->words, bytes + 1) == 0)
            continue;
        seen = verb->words;
        (void)snprintf(first, sizeof first, "%.*s", (int)bytes, verb->words);
        printf("    \"1 %s\") list=\"$list ", first);
        print_words(first);
        (void)puts("\" ;;");
    }
    (void)puts("    esac\n"
               "    [[ $word == */* ]] || COMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n"
               "}\n"
               "complete -o default -F _souk souk");
    return CLI_EXIT_DONE;
}
