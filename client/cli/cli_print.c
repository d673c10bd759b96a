/* cli_print: answers and errors, for people and for programs. See client/cli/cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/cli_width.h"
#include "proto/text.h"

#define COLUMNS_MAX    32u
#define CELL_BYTES_MAX 64u

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list list;
    (void)cli;
    (void)fputs("souk: ", stderr);
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputc('\n', stderr);
    return CLI_EXIT_USAGE;
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    va_list list;
    if (cli->is_json)
        return;
    va_start(list, format);
    (void)vprintf(format, list);
    va_end(list);
    (void)putchar('\n');
}

int cli_no_answer(struct cli *cli, struct souk_client *client, int error)
{
    char text[SOUK_ERROR_TEXT_MAX] = "";
    if (client != NULL)
        (void)souk_error_text(client, text, sizeof text);
    (void)fprintf(stderr, "souk: %s: %s\n", souk_error_name(error), souk_error_meaning(error));
    if (text[0] != '\0')
        (void)fprintf(stderr, "      %s\n", text);
    if (error == SOUK_ERROR_NO_SERVER && strstr(text, "soukd") == NULL) {
        const char *option = strncmp(cli->address, "unix:", 5) == 0 ? "--unix" : "--listen";
        const char *where =
            strncmp(cli->address, "unix:", 5) == 0 ? cli->address + 5 : cli->address;
        (void)fprintf(stderr, "      tried %s; a server there is started with\n", cli->address);
        (void)fprintf(stderr, "          soukd DIR %s %s\n", option, where);
    }
    if (cli->is_json) {
        json_t *object =
            json_pack("{s:s, s:s}", "error", souk_error_name(error), "address", cli->address);
        cli_print_json(object);
    }
    return error == SOUK_ERROR_ARGUMENT || error == SOUK_ERROR_SHARDS ? CLI_EXIT_USAGE
                                                                      : CLI_EXIT_NO_SERVER;
}

int cli_refused(struct cli *cli, const char *what, u16 status, u32 retry_after_ms, json_t *object)
{
    const char *action = souk_status_action(status);
    (void)fflush(stdout);
    (void)fprintf(stderr, "souk: %s%s%s: %s\n", what, *what == '\0' ? "" : ": ",
                  souk_status_name(status), souk_status_text(status));
    if (*action != '\0')
        (void)fprintf(stderr, "      %s\n", action);
    if (retry_after_ms != 0) {
        char text[32];
        (void)fprintf(stderr, "      try again after %s\n",
                      value_print_duration(retry_after_ms, text));
    }
    if (cli->is_json) {
        if (object == NULL)
            object = json_object();
        (void)json_object_set_new(object, "status", json_string(souk_status_name(status)));
        (void)json_object_set_new(object, "meaning", json_string(souk_status_text(status)));
        (void)json_object_set_new(object, "action", json_string(action));
        (void)json_object_set_new(object, "retry_after_ms", json_integer(retry_after_ms));
        cli_print_json(object);
    } else {
        json_decref(object);
    }
    return CLI_EXIT_REFUSED;
}

void cli_print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    MUST(text != NULL);
    (void)puts(text);
    free(text);
    json_decref(value);
}

/* A value as a cell: text as it is, the rest as JSON. */
static const char *print_cell(const json_t *value, char *to, size_t bytes)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        (void)snprintf(to, bytes, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(to, bytes, "%.3f", json_real_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(to, bytes, "%s", json_is_true(value) ? "yes" : "no");
    else
        (void)snprintf(to, bytes, "-");
    return to;
}

static void print_padded(const char *text, size_t width, bool is_right, bool is_last)
{
    const size_t own = width_of(text);
    const int pad = own < width ? (int)(width - own) : 0;
    if (is_right)
        printf("%*s%s", pad, "", text);
    else
        printf("%s%*s", text, is_last ? 0 : pad, "");
    (void)fputs(is_last ? "\n" : "  ", stdout);
}

int cli_print(struct cli *cli, json_t *object)
{
    MUST(json_is_object(object));
    if (cli->is_json) {
        cli_print_json(object);
        return CLI_EXIT_DONE;
    }
    const char *key;
    json_t *value;
    size_t width = 0;
    json_object_foreach(object, key, value) width = MAX(width, strlen(key));
    json_object_foreach(object, key, value)
    {
        char cell[CELL_BYTES_MAX];
        if (json_is_object(value) || json_is_array(value))
            continue;
        print_padded(key, width, false, false);
        (void)puts(print_cell(value, cell, sizeof cell));
    }
    json_decref(object);
    return CLI_EXIT_DONE;
}

int cli_print_rows(struct cli *cli, json_t *rows)
{
    const char *keys[COLUMNS_MAX], *key;
    size_t widths[COLUMNS_MAX], count = 0, index;
    json_t *row, *value;
    char cell[CELL_BYTES_MAX];
    json_array_foreach(rows, index, row)
    {
        if (cli->is_json)
            cli_print_json(json_incref(row));
    }
    if (cli->is_json || json_array_size(rows) == 0) {
        json_decref(rows);
        return CLI_EXIT_DONE;
    }
    json_object_foreach(json_array_get(rows, 0), key, value)
    {
        MUST(count < COLUMNS_MAX);
        keys[count] = key;
        widths[count] = strlen(key);
        json_array_foreach(rows, index, row)
        {
            const json_t *at = json_object_get(row, key);
            widths[count] = MAX(widths[count], width_of(print_cell(at, cell, sizeof cell)));
        }
        count++;
    }
    for (size_t i = 0; i < count; i++)
        print_padded(keys[i], widths[i],
                     json_is_number(json_object_get(json_array_get(rows, 0), keys[i])),
                     i + 1 == count);
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < count; i++) {
            const json_t *at = json_object_get(row, keys[i]);
            print_padded(print_cell(at, cell, sizeof cell), widths[i], json_is_number(at),
                         i + 1 == count);
        }
    }
    json_decref(rows);
    return CLI_EXIT_DONE;
}

json_t *cli_json_u64(u64 number)
{
    char text[24];
    if (number <= INT64_MAX)
        return json_integer((json_int_t)number);
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return json_string(text);
}

json_t *cli_json_money(i64 minor, u16 currency)
{
    char text[SOUK_MONEY_TEXT_MAX];
    if (currency == 0)
        return json_null();
    return json_string(souk_money_print(minor, currency, text, sizeof text));
}

bool cli_is_text(struct souk_text text)
{
    return text.bytes == 0 || (memchr(text.data, 0, text.bytes) == NULL &&
                               text_utf8_bytes((const u8 *)text.data, text.bytes) == text.bytes);
}

json_t *cli_json_blob(struct souk_text text)
{
    static const char digits[] = "0123456789abcdef";
    if (cli_is_text(text))
        return cli_json_text(text);
    char *hex = malloc(2ul * text.bytes + 1);
    MUST(hex != NULL);
    for (u32 i = 0; i < text.bytes; i++) {
        hex[2 * i] = digits[(u8)text.data[i] >> 4];
        hex[2 * i + 1] = digits[(u8)text.data[i] & 15];
    }
    json_t *value = json_stringn(hex, 2ul * text.bytes);
    free(hex);
    return value;
}

json_t *cli_json_text(struct souk_text text)
{
    return json_stringn(text.data == NULL ? "" : text.data, text.bytes);
}
