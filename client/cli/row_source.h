/* row_source: rows of named values out of a file that may be larger than memory: CSV with a heading,
 * or JSON objects, one on a line.
 *
 *      file, pipe, .xz -> 1 MiB at a time, cut where a row ends -> csv.h, or jansson -> values
 *
 * Values are asked for by name before the first row: row_source_want gives the place where the value
 * of that name stands in every row.
 *
 * Invariants
 *   I1  `offset` is the byte of the (unpacked) file where the next row begins: reading may go on there.
 *   I2  a row is at most ROW_BYTES_MAX long; a longer one is a bad row.
 * Ownership  values are borrowed until the next row.
 * Failure    a bad row: -1 with line, column and reason; the next call goes on after it. The file
 *            cannot be read: row_source_open prints why; later, -2 with the reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_ROW_SOURCE_H
#define SOUK_CLIENT_ROW_SOURCE_H

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

#include "client/cli/csv.h"
#include "client/lib/souk.h"

#define ROW_BYTES_MAX  (4u << 20)
#define ROW_NAMES_MAX  64u
#define ROW_NAME_BYTES 128u

enum row_format { ROW_FORMAT_CSV, ROW_FORMAT_JSONL };

struct row_source {
    enum row_format format;
    int fd;
    pid_t child; /* xz */
    u64 bytes;   /* of the file, 0 = not known */
    u64 offset;  /* where the next row begins */
    u64 line;    /* of it, from 1 */
    /* Of the last row. */
    u64 row_line;
    u32 column; /* of what is wrong with it */
    const char *reason;
    struct souk_text values[ROW_NAMES_MAX];
    u32 columns[ROW_NAMES_MAX]; /* byte of the line where a value begins; JSON: 1 */
    /* What is read. */
    char *text;
    size_t capacity;
    size_t used;
    size_t parsed; /* of it; rows before have been given out */
    bool is_end;
    char separator; /* of a CSV file */
    /* Names. */
    char names[ROW_NAMES_MAX][ROW_NAME_BYTES];
    u32 name_count;
    char (*heading)[ROW_NAME_BYTES]; /* of a CSV file */
    u32 heading_count;
    i32 place[ROW_NAMES_MAX]; /* of a name in the heading; -1 = it is not there */
    json_t *object;
    char scratch[ROW_NAMES_MAX][32]; /* numbers of JSON as text */
    char message[256];
};

/* Opens and, of CSV, reads the heading. "-" is stdin. False: why is printed to `errors`. */
bool row_source_open(struct row_source *source, const char *path, enum row_format format,
                     FILE *errors);
void row_source_close(struct row_source *source);
/* The place of a name in `values`. CSV: -1 if the heading has not got it. */
i32 row_source_want(struct row_source *source, const char *name);
/* The columns of a CSV file, with commas, as many as there is room for; `unwanted`: those that nobody has asked
 * for. Returns how many there are. */
u32 row_source_columns(const struct row_source *source, bool unwanted, char *to, size_t bytes);
/* Goes on at `offset`, which is where a row began, in line `line`. False: the file is shorter. */
bool row_source_skip(struct row_source *source, u64 offset, u64 line);
/* 1 a row; 0 the end; -1 a bad row; -2 the file cannot be read any more. */
int row_source_next(struct row_source *source);

#endif
