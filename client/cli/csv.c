/* csv: see client/cli/csv.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/csv.h"

#include <string.h>

static const char nul_byte[] = "a NUL byte";

void csv_init(struct csv_reader *reader, char *text, size_t bytes)
{
    MUST(text != NULL);
    memset(reader, 0, sizeof *reader);
    reader->text = text;
    reader->bytes = bytes;
    reader->separator = ',';
    reader->line = 1;
    /* A byte order mark is not part of the first field. */
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        reader->at = reader->line_start = 3;
}

char csv_separator(const char *text, size_t bytes)
{
    static const char all[] = ",;\t";
    u32 counts[sizeof all] = {0};
    u32 best = 0;
    bool is_quoted = false;
    for (size_t at = 0; at < bytes && (is_quoted || text[at] != '\n'); at++) {
        if (text[at] == '"')
            is_quoted = !is_quoted;
        for (u32 i = 0; i + 1 < sizeof all; i++)
            counts[i] += !is_quoted && text[at] == all[i] ? 1 : 0;
    }
    for (u32 i = 1; i + 1 < sizeof all; i++)
        best = counts[i] > counts[best] ? i : best;
    return all[best];
}

static u32 column_of(const struct csv_reader *reader, size_t at)
{
    return (u32)(at - reader->line_start + 1);
}

/* Notes the reason and goes on to the next line. */
static int refuse(struct csv_reader *reader, size_t at, const char *reason)
{
    MUST(reason != NULL);
    reader->reason = reason;
    reader->reason_line = reader->line;
    reader->reason_column = column_of(reader, at);
    const char *end = memchr(reader->text + reader->at, '\n', reader->bytes - reader->at);
    reader->at = end == NULL ? reader->bytes : (size_t)(end - reader->text) + 1;
    reader->line_start = reader->at;
    reader->line++;
    return -1;
}

/* Reads the quoted field that begins at reader->at; the text moves left over the quotes, but only
 * when the field is whole: what is refused is looked at again, as it was. Returns NULL and sets
 * bytes, or the reason. */
static const char *read_quoted(struct csv_reader *reader, u32 *bytes)
{
    char *text = reader->text;
    const size_t start = reader->at + 1;
    u64 line = reader->line;
    size_t line_start = reader->line_start, end = start, to = reader->at;
    bool is_nul = false;
    for (; end < reader->bytes && !is_nul; end++) {
        const bool is_double = text[end] == '"' && end + 1 < reader->bytes && text[end + 1] == '"';
        if (text[end] == '"' && !is_double)
            break;
        end += is_double ? 1 : 0;
        if (text[end] == '\n') {
            line++;
            line_start = end + 1;
        }
        is_nul = text[end] == '\0';
    }
    /* Told where it opens; the rest of the file is inside of it. */
    if (end >= reader->bytes && !is_nul)
        return "a quote is never closed";
    reader->line = line;
    reader->line_start = line_start;
    if (is_nul) {
        reader->at = end - 1;
        return nul_byte;
    }
    for (size_t from = start; from < end; from++) {
        from += text[from] == '"' ? 1 : 0;
        text[to++] = text[from];
    }
    *bytes = (u32)(to - reader->at);
    reader->at = end + 1;
    return NULL;
}

static const char *read_plain(struct csv_reader *reader, u32 *bytes)
{
    const size_t start = reader->at;
    size_t at = start;
    for (; at < reader->bytes; at++) {
        const char c = reader->text[at];
        if (c == reader->separator || c == '\n')
            break;
        if (c == '"' || c == '\0') {
            reader->at = at;
            return c == '\0' ? nul_byte : "a quote inside a field that does not begin with one";
        }
    }
    reader->at = at;
    *bytes = (u32)(at - start);
    if ((at == reader->bytes || reader->text[at] == '\n') && *bytes > 0 &&
        reader->text[at - 1] == '\r')
        (*bytes)--;
    return NULL;
}

/* What stands behind a field: a separator: more, '\n' or the end: the row is over; else an error. */
static const char *read_separator(struct csv_reader *reader, bool *is_last)
{
    if (reader->at < reader->bytes && reader->text[reader->at] == '\r' &&
        (reader->at + 1 == reader->bytes || reader->text[reader->at + 1] == '\n'))
        reader->at++;
    *is_last = true;
    if (reader->at >= reader->bytes)
        return NULL;
    const char c = reader->text[reader->at];
    if (c != reader->separator && c != '\n')
        return "text after a closing quote";
    reader->at++;
    *is_last = c == '\n';
    if (c == '\n') {
        reader->line++;
        reader->line_start = reader->at;
    }
    return NULL;
}

int csv_next(struct csv_reader *reader, struct csv_row *row)
{
    if (reader->at >= reader->bytes)
        return 0;
    bool is_last = false;
    row->line = reader->line;
    row->field_count = 0;
    while (!is_last) {
        const size_t start = reader->at;
        if (row->field_count == CSV_FIELDS_MAX)
            return refuse(reader, start, "too many fields");
        struct csv_field *field = &row->fields[row->field_count++];
        field->text = reader->text + start;
        field->column = column_of(reader, start);
        const bool is_quoted = start < reader->bytes && reader->text[start] == '"';
        const char *reason =
            is_quoted ? read_quoted(reader, &field->bytes) : read_plain(reader, &field->bytes);
        if (reason == NULL)
            reason = read_separator(reader, &is_last);
        if (reason != NULL)
            return refuse(reader, reader->at, reason);
        field->text[field->bytes] = '\0';
    }
    MUST(row->field_count >= 1);
    return 1;
}
