/* cli_repl: the interactive mode: the same verbs, one per line, with history and completion on a
 * terminal, and plainly from a pipe.
 *
 * Lines from a pipe go on after an error; the exit code is then that of the first verb that failed.
 * Words are split as a shell does it, with quotes and backslashes, and `#` begins a comment line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/cli.h"
#include "client/cli/find_view.h"
#include "proto/limits.h"

#define HISTORY_LINES 1000
#define LINE_WORDS    8192

struct repl {
    struct cli *cli;
    Tokenizer *tokenizer;
    int first_failure;
    bool is_over;
    char prompt[8]; /* here and not static: nothing of ours is a mutable file-level variable */
};

static void run_line(struct repl *repl, const char *line);

static char *prompt_of(EditLine *edit)
{
    struct repl *repl = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &repl);
    return repl->prompt;
}

/* How a word that is being typed may go on. */
#define CHOICES_MAX SUGGEST_LIMIT_MAX
#define SHOWN_MAX   20u

struct choices {
    char all[CHOICES_MAX][CODE_BYTES_MAX + 1];
    u32 count;
    bool is_partial; /* there may be others */
};

static void add_choice(struct choices *choices, const char *typed, const char *word, size_t bytes)
{
    if (choices->count == CHOICES_MAX || bytes > CODE_BYTES_MAX || bytes < strlen(typed) ||
        memcmp(word, typed, strlen(typed)) != 0)
        return;
    (void)snprintf(choices->all[choices->count++], CODE_BYTES_MAX + 1, "%.*s", (int)bytes, word);
}

/* Asks the server for products whose code begins like this. Silent when there is no answer. */
static void find_codes(struct cli *cli, const char *typed, struct choices *choices)
{
    const struct souk_suggest ask = {.products = CHOICES_MAX, .query = souk_text_of(typed)};
    struct souk_suggest_reply reply;
    if (cli->client == NULL || souk_suggest(cli->client, &ask, &reply) != 0)
        return;
    struct souk_row_hit hit;
    u32 count = 0;
    for (; souk_row_at(reply.hits, sizeof hit, count, &hit); count++) {
        const struct souk_text code = find_text(reply.texts, hit.text_offset, hit.code_bytes);
        add_choice(choices, typed, code.data != NULL ? code.data : "", code.bytes);
    }
    choices->is_partial = count == CHOICES_MAX;
    souk_free(reply.memory);
}

/* The verb that the line has begun, behind which something is typed. */
static const struct verb *verb_of_line(const char *line)
{
    const struct verb *verb, *found = NULL;
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        const size_t bytes = strlen(verb->words);
        if (strncmp(line, verb->words, bytes) == 0 && line[bytes] == ' ' &&
            (found == NULL || bytes > strlen(found->words)))
            found = verb;
    }
    return found;
}

static int compare_choices(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Puts in what all choices share; where that is nothing more, shows them. */
static unsigned char offer_choices(EditLine *edit, const char *typed, struct choices *choices)
{
    char common[CODE_BYTES_MAX + 2];
    if (choices->count == 0)
        return CC_ERROR;
    qsort(choices->all, choices->count, sizeof choices->all[0], compare_choices);
    const char *first = choices->all[0], *last = choices->all[choices->count - 1];
    size_t same = 0;
    while (first[same] != '\0' && first[same] == last[same]) /* they are in order */
        same++;
    (void)snprintf(common, sizeof common, "%.*s%s", (int)same, first,
                   choices->count == 1 ? " " : ""); /* a blank ends it */
    if (!choices->is_partial && strlen(common) > strlen(typed) &&
        el_insertstr(edit, common + strlen(typed)) == 0)
        return CC_REFRESH;
    (void)putchar('\n');
    for (u32 i = 0; i < MIN(choices->count, SHOWN_MAX); i++)
        printf("  %s\n", choices->all[i]);
    if (choices->is_partial || choices->count > SHOWN_MAX)
        printf("  ... and more: type on\n");
    return CC_REDISPLAY;
}

/* The option, or the code of a product, before the cursor; codes are asked of the server. */
static unsigned char complete_argument(EditLine *edit, const char *line)
{
    struct repl *repl = NULL;
    struct choices choices = {.count = 0};
    const char *blank = strrchr(line, ' ');
    const struct verb *verb = verb_of_line(line);
    if (blank == NULL || blank[1] == '\0' || verb == NULL)
        return CC_ERROR;
    const char *typed = blank + 1;
    if (typed[0] == '-') {
        for (const struct verb_option *o = verb->options; o->name != NULL; o++)
            add_choice(&choices, typed, o->name, strlen(o->name));
        return offer_choices(edit, typed, &choices);
    }
    if (strstr(verb->arguments, "CODE") == NULL)
        return CC_ERROR;
    (void)el_get(edit, EL_CLIENTDATA, &repl);
    if (repl->cli->client == NULL && cli_connect(repl->cli) != CLI_EXIT_DONE)
        return CC_REDISPLAY;
    find_codes(repl->cli, typed, &choices);
    return offer_choices(edit, typed, &choices);
}

/* The words before the cursor completed from the verb table: all that the candidates share; else an option or a
 * code. */
static unsigned char complete(EditLine *edit, int key)
{
    const LineInfo *info = el_line(edit);
    const size_t bytes = (size_t)(info->cursor - info->buffer);
    char line[256], common[64] = "";
    const struct verb *verb;
    u32 found = 0;
    (void)key;
    if (bytes >= sizeof line)
        return CC_ERROR;
    memcpy(line, info->buffer, bytes);
    line[bytes] = '\0';
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
        if (strncmp(verb->words, line, bytes) != 0)
            continue;
        if (found++ == 0) {
            (void)snprintf(common, sizeof common, "%s ", verb->words);
            continue;
        }
        size_t same = 0;
        while (common[same] != '\0' && common[same] == verb->words[same])
            same++;
        common[same] = '\0';
    }
    if (found == 0)
        return complete_argument(edit, line);
    if (strlen(common) > bytes && el_insertstr(edit, common + bytes) == 0)
        return CC_REFRESH;
    (void)putchar('\n');
    for (size_t i = 0; (verb = verb_at(i)) != NULL; i++)
        if (strncmp(verb->words, line, bytes) == 0)
            printf("  %-20s %s\n", verb->words, verb->summary);
    return CC_REDISPLAY;
}

/* $SOUK_HISTORY, or a file in the home directory; NULL where there is neither. */
static const char *history_path(char *to, size_t bytes)
{
    const char *path = getenv("SOUK_HISTORY"), *home = getenv("HOME");
    if (path != NULL)
        return *path == '\0' ? NULL : path;
    if (home == NULL || (size_t)snprintf(to, bytes, "%s/.souk_history", home) >= bytes)
        return NULL;
    return to;
}

static void run_terminal(struct repl *repl)
{
    char buffer[512];
    const char *path = history_path(buffer, sizeof buffer);
    HistEvent event;
    History *past = history_init();
    EditLine *edit = el_init("souk", stdin, stdout, stderr);
    if (past == NULL || edit == NULL) {
        (void)cli_usage(repl->cli, "the terminal cannot be set up");
        repl->first_failure = CLI_EXIT_USAGE;
        goto out;
    }
    (void)history(past, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(past, &event, H_SETUNIQUE, 1);
    if (path != NULL)
        (void)history(past, &event, H_LOAD, path);
    (void)el_set(edit, EL_CLIENTDATA, repl);
    (void)el_set(edit, EL_PROMPT, prompt_of);
    (void)el_set(edit, EL_EDITOR, "emacs");
    (void)el_set(edit, EL_HIST, history, past);
    (void)el_set(edit, EL_SIGNAL, 1);
    (void)el_set(edit, EL_ADDFN, "souk-complete", "complete a verb", complete);
    (void)el_set(edit, EL_BIND, "^I", "souk-complete", NULL);
    printf("souk %s at %s; help lists the verbs, quit ends\n", souk_version(), repl->cli->address);
    while (!repl->is_over) {
        int bytes = 0;
        const char *line = el_gets(edit, &bytes);
        if (line == NULL || bytes <= 0)
            break;
        if (line[strspn(line, " \t\n")] == '\0')
            continue;
        (void)history(past, &event, H_ENTER, line);
        run_line(repl, line);
        (void)fflush(stdout);
    }
    if (path != NULL && history(past, &event, H_SAVE, path) >= 0)
        (void)chmod(path, S_IRUSR | S_IWUSR);
    repl->first_failure = CLI_EXIT_DONE;
out:
    if (edit != NULL)
        el_end(edit);
    if (past != NULL)
        history_end(past);
}

static void run_pipe(struct repl *repl)
{
    char *line = NULL;
    size_t capacity = 0;
    while (!repl->is_over && getline(&line, &capacity, stdin) >= 0) {
        run_line(repl, line);
        (void)fflush(stdout);
    }
    free(line);
}

static void note(struct repl *repl, int exit_code)
{
    if (repl->first_failure == CLI_EXIT_DONE)
        repl->first_failure = exit_code;
}

/* Runs copies of the words: verbs reorder them, and the tokenizer keeps its own. */
static void run_words(struct repl *repl, size_t count, const char *const *words)
{
    const size_t first = strcmp(words[0], "souk") == 0 ? 1 : 0;
    char **copies = calloc(2 * count + 2, sizeof *copies);
    MUST(copies != NULL);
    char **owned = copies + count + 1; /* the same pointers in an order that nobody changes */
    for (size_t i = first; i < count; i++) {
        copies[i - first] = owned[i - first] = strdup(words[i]);
        MUST(owned[i - first] != NULL);
    }
    if (count > first)
        note(repl, cli_run(repl->cli, (int)(count - first), copies));
    for (size_t i = first; i < count; i++)
        free(owned[i - first]);
    free(copies);
}

static void run_line(struct repl *repl, const char *line)
{
    int argc = 0;
    const char **argv = NULL;
    if (line[strspn(line, " \t")] == '#')
        return;
    tok_reset(repl->tokenizer);
    if (tok_str(repl->tokenizer, line, &argc, &argv) != 0 || argc >= LINE_WORDS) {
        note(repl, cli_usage(repl->cli, "a quote is not closed, or the line is too long"));
        return;
    }
    if (argc <= 0)
        return;
    if (strcmp(argv[0], "quit") == 0 || strcmp(argv[0], "exit") == 0) {
        repl->is_over = true;
        return;
    }
    if (strcmp(argv[0], "repl") == 0) {
        note(repl, cli_usage(repl->cli, "already there"));
        return;
    }
    run_words(repl, (size_t)argc, argv);
}

int verb_repl(struct cli *cli, const struct verb_args *args)
{
    struct repl repl = {.cli = cli, .tokenizer = tok_init(NULL), .prompt = "souk> "};
    (void)args;
    MUST(repl.tokenizer != NULL);
    cli->is_interactive = true;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        run_terminal(&repl);
    else
        run_pipe(&repl);
    cli->is_interactive = false;
    tok_end(repl.tokenizer);
    return repl.first_failure;
}
