/* row_source: see client/cli/row_source.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/row_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cli/replay_file.h"

#define READ_BYTES (1u << 20)

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Reads on; false when the file cannot be read. */
static bool read_more(struct row_source *source)
{
    if (source->parsed > 0) {
        memmove(source->text, source->text + source->parsed, source->used - source->parsed);
        source->used -= source->parsed;
        source->parsed = 0;
    }
    if (source->capacity - source->used < READ_BYTES + 1) {
        source->capacity = source->used + 2 * READ_BYTES + 1;
        source->text = realloc(source->text, source->capacity);
        MUST(source->text != NULL);
    }
    for (;;) {
        const ssize_t got = read(source->fd, source->text + source->used, READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            (void)snprintf(source->message, sizeof source->message, "%s", strerror(errno));
            source->reason = source->message;
            return false;
        }
        source->is_end = got == 0;
        source->used += (size_t)got;
        return true;
    }
}

/* Length of the row that begins at `parsed`, with its line feed; 0: there is not all of it. Of CSV a
 * line feed inside quotes does not end it: an odd number of quotes before it. */
static size_t row_bytes(const struct row_source *source)
{
    bool is_quoted = false;
    const char *begin = source->text + source->parsed;
    const size_t left = source->used - source->parsed;
    for (size_t i = 0; i < left; i++) {
        if (begin[i] == '"' && source->format == ROW_FORMAT_CSV)
            is_quoted = !is_quoted;
        if (begin[i] == '\n' && !is_quoted)
            return i + 1;
    }
    return source->is_end ? left : 0;
}

/* ---- open ------------------------------------------------------------------------------------ */

static bool read_heading(struct row_source *source, FILE *errors, const char *path)
{
    struct csv_reader reader;
    struct csv_row row;
    size_t bytes;
    while ((bytes = row_bytes(source)) == 0 && !source->is_end)
        if (!read_more(source))
            break;
    if (bytes == 0) {
        (void)fprintf(errors, "souk: %s: %s\n", path,
                      source->reason != NULL ? source->reason : "it is empty");
        return false;
    }
    const char after = source->text[bytes];
    csv_init(&reader, source->text, bytes);
    reader.separator = source->separator = csv_separator(source->text, bytes);
    const int got = csv_next(&reader, &row);
    source->text[bytes] = after;
    if (got != 1) {
        (void)fprintf(errors, "souk: %s: line 1: %s\n", path,
                      got == 0 ? "no heading" : reader.reason);
        return false;
    }
    source->heading = calloc(row.field_count, sizeof *source->heading);
    MUST(source->heading != NULL);
    source->heading_count = row.field_count;
    for (u32 i = 0; i < row.field_count; i++)
        (void)snprintf(source->heading[i], ROW_NAME_BYTES, "%s", row.fields[i].text);
    source->parsed = bytes;
    source->offset = bytes;
    source->line = reader.line;
    return true;
}

bool row_source_open(struct row_source *source, const char *path, enum row_format format,
                     FILE *errors)
{
    struct stat facts;
    memset(source, 0, sizeof *source);
    source->format = format;
    source->line = 1;
    source->fd = replay_file_open(path, &source->child, errors);
    if (source->fd < 0)
        return false;
    if (source->child == 0 && fstat(source->fd, &facts) == 0 && S_ISREG(facts.st_mode))
        source->bytes = (u64)facts.st_size;
    if (!read_more(source)) {
        (void)fprintf(errors, "souk: %s: %s\n", path, source->reason);
        row_source_close(source);
        return false;
    }
    if (format == ROW_FORMAT_CSV && !read_heading(source, errors, path)) {
        row_source_close(source);
        return false;
    }
    return true;
}

void row_source_close(struct row_source *source)
{
    int status;
    if (source->fd > 0)
        (void)close(source->fd);
    if (source->child != 0)
        while (waitpid(source->child, &status, 0) < 0 && errno == EINTR)
            continue;
    free(source->text);
    free(source->heading);
    json_decref(source->object);
    source->fd = -1;
    source->child = 0;
    source->text = NULL;
    source->heading = NULL;
    source->object = NULL;
}

i32 row_source_want(struct row_source *source, const char *name)
{
    i32 place = -1;
    for (u32 i = 0; i < source->heading_count && place < 0; i++)
        if (strcmp(source->heading[i], name) == 0)
            place = (i32)i;
    if (source->format == ROW_FORMAT_CSV && place < 0)
        return -1;
    for (u32 i = 0; i < source->name_count; i++)
        if (strcmp(source->names[i], name) == 0)
            return (i32)i;
    if (source->name_count == ROW_NAMES_MAX)
        return -1;
    const u32 at = source->name_count++;
    (void)snprintf(source->names[at], ROW_NAME_BYTES, "%s", name);
    source->place[at] = place;
    return (i32)at;
}

u32 row_source_columns(const struct row_source *source, bool unwanted, char *to, size_t bytes)
{
    u32 count = 0;
    size_t used = 0;
    *to = '\0';
    for (u32 i = 0; i < source->heading_count; i++) {
        bool is_wanted = false;
        for (u32 j = 0; j < source->name_count; j++)
            is_wanted = is_wanted || source->place[j] == (i32)i;
        if (unwanted && is_wanted)
            continue;
        const char *name = source->heading[i][0] != '\0' ? source->heading[i] : "(no name)";
        const char *between = count++ == 0 ? "" : ", ";
        if (used + strlen(between) + strlen(name) + 5 < bytes)
            used += (size_t)snprintf(to + used, bytes - used, "%s%s", between, name);
        else if (used + 5 < bytes && (used < 3 || strcmp(to + used - 3, "...") != 0))
            used += (size_t)snprintf(to + used, bytes - used, "...");
    }
    return count;
}

bool row_source_skip(struct row_source *source, u64 offset, u64 line)
{
    while (source->offset < offset) {
        const u64 have = source->used - source->parsed;
        const u64 step = MIN(have, offset - source->offset);
        source->parsed += (size_t)step;
        source->offset += step;
        if (source->offset < offset && (source->is_end || !read_more(source)))
            return false;
    }
    source->line = line;
    return source->offset == offset;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int bad(struct row_source *source, u64 line, u32 column, const char *reason)
{
    source->row_line = line;
    source->column = column;
    source->reason = reason;
    return -1;
}

static int next_csv(struct row_source *source, char *text, size_t bytes)
{
    struct csv_reader reader;
    struct csv_row row;
    const char after = text[bytes];
    csv_init(&reader, text, bytes);
    reader.separator = source->separator;
    reader.line = source->row_line;
    const int got = csv_next(&reader, &row);
    text[bytes] = after;
    source->line = MAX(reader.line, source->row_line + 1);
    if (got < 0) {
        /* The rest of the file seemed to be inside of a quote that is never closed: it is as written. */
        source->parsed -= source->is_end ? bytes - reader.at : 0;
        source->offset -= source->is_end ? bytes - reader.at : 0;
        return bad(source, reader.reason_line, reader.reason_column, reader.reason);
    }
    if (got == 0 || (row.field_count == 1 && row.fields[0].bytes == 0))
        return 2; /* an empty line */
    if (row.field_count != source->heading_count) {
        (void)snprintf(source->message, sizeof source->message, "%u values, but %u in the heading",
                       row.field_count, source->heading_count);
        return bad(source, source->row_line, 1, source->message);
    }
    for (u32 i = 0; i < source->name_count; i++) {
        const struct csv_field *field = &row.fields[source->place[i]];
        source->values[i] = (struct souk_text){.data = field->text, .bytes = field->bytes};
        source->columns[i] = field->column;
    }
    return 1;
}

static struct souk_text text_of_json(struct row_source *source, u32 i, const json_t *value)
{
    if (json_is_string(value))
        return (struct souk_text){.data = json_string_value(value),
                                  .bytes = (u32)json_string_length(value)};
    char *to = source->scratch[i];
    *to = '\0';
    if (json_is_integer(value))
        (void)snprintf(to, sizeof source->scratch[i], "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(to, sizeof source->scratch[i], "%.12g", json_real_value(value));
    else if (json_is_boolean(value))
        (void)snprintf(to, sizeof source->scratch[i], "%s", json_is_true(value) ? "yes" : "no");
    return souk_text_of(to);
}

static int next_json(struct row_source *source, const char *text, size_t bytes)
{
    json_error_t error;
    source->line = source->row_line + 1;
    if (strspn(text, " \t\r\n") >= bytes)
        return 2;
    json_decref(source->object);
    source->object = json_loadb(text, bytes, 0, &error);
    if (source->object == NULL) {
        (void)snprintf(source->message, sizeof source->message, "not JSON: %.200s", error.text);
        return bad(source, source->row_line, (u32)MAX(error.column, 1), source->message);
    }
    if (!json_is_object(source->object))
        return bad(source, source->row_line, 1, "not an object");
    for (u32 i = 0; i < source->name_count; i++) {
        const json_t *value = json_object_get(source->object, source->names[i]);
        source->columns[i] = 1;
        if (json_is_array(value) || json_is_object(value))
            return bad(source, source->row_line, 1, "a value that is not a text or a number");
        source->values[i] = text_of_json(source, i, value);
    }
    return 1;
}

/* No row ends within what a row may have: the line it begins with is bad, the next ones are as written. */
static int drop_line(struct row_source *source)
{
    const char *begin = source->text + source->parsed;
    const char *end = memchr(begin, '\n', source->used - source->parsed);
    const size_t bytes = end != NULL ? (size_t)(end - begin) + 1 : source->used - source->parsed;
    const u64 line = source->line;
    source->offset += bytes;
    source->parsed += bytes;
    source->line += end != NULL ? 1 : 0;
    return bad(source, line, 1, "a row of more than 4 MiB, or a quote that is never closed");
}

int row_source_next(struct row_source *source)
{
    for (;;) {
        size_t bytes;
        while ((bytes = row_bytes(source)) == 0) {
            if (source->used - source->parsed > ROW_BYTES_MAX)
                return drop_line(source);
            if (source->is_end)
                return 0;
            if (!read_more(source))
                return -2;
        }
        char *text = source->text + source->parsed;
        source->row_line = source->line;
        source->parsed += bytes;
        source->offset += bytes;
        const int got = source->format == ROW_FORMAT_CSV ? next_csv(source, text, bytes)
                                                         : next_json(source, text, bytes);
        if (got != 2)
            return got;
    }
}
