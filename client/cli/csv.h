/* csv: rows of fields out of comma-separated text, RFC 4180.
 *
 *      plain,"with, comma","with ""quotes""","two
 *      lines"
 *
 * Where heading lines are divided by semicolons or tabs, as spreadsheets write them, so are the rows:
 * `separator` of the reader, a comma unless it is changed.
 *
 * A row ends with LF or CRLF; the last one may end with the file. A quote may only open a field as
 * its first character, and after the closing quote only a separator or the end of the row may follow.
 *
 * The whole text is in memory and is changed in place: quotes are taken out, and every field gets a
 * zero behind it. So fields are strings that live as long as the text, and nothing is copied.
 *
 * Positions: `line` counts lines of the file from 1, lines inside quotes included; `column` is the
 * 1-based byte in that line where the field begins.
 *
 * Failure: csv_next returns -1 and says reason, line and column in the reader; the reader then
 * stands at the next line, so a caller may report and go on, or stop.
 * Not here: what the fields mean.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CSV_H
#define SOUK_CLIENT_CSV_H

#include "proto/base.h"

#define CSV_FIELDS_MAX 32u

struct csv_field {
    char *text; /* ends with a zero; a NUL byte in the file is refused */
    u32 bytes;
    u32 column;
};

struct csv_row {
    u64 line; /* where it begins */
    u32 field_count;
    struct csv_field fields[CSV_FIELDS_MAX];
};

struct csv_reader {
    char *text; /* borrowed from the caller, text[bytes] must be writable */
    size_t bytes;
    size_t at;
    size_t line_start; /* offset of the first byte of the current line */
    char separator;
    u64 line;
    const char *reason; /* of the last failure */
    u64 reason_line;
    u32 reason_column;
};

void csv_init(struct csv_reader *reader, char *text, size_t bytes);
/* What the first line is divided by: of comma, semicolon and tab the one that it has most of outside quotes. */
char csv_separator(const char *text, size_t bytes);
/* 1: a row; 0: the end; -1: a row that cannot be read, see the reader. */
NODISCARD int csv_next(struct csv_reader *reader, struct csv_row *row);

#endif
