/* cli_table: chosen columns of JSON objects as a table, or one object as lines, for people.
 *
 *      "line code quantity $unit_price=price ?$discount $total"
 *
 *      name         the value of that key
 *      name=title   under another title; '_' in a title is a blank, alone no title
 *      $name        minor units as money, in the object's own currency or the one given
 *      @name        ns since 1970 as a time
 *      ?name        left out where no row has anything but null, 0, false or nothing
 *
 * $ and @ stand before the name, ? before them. Numbers and money are aligned to the right.
 *
 * On a terminal a table fits into its lines: the widest texts are cut and end with an ellipsis, but not
 * those of the first column; texts of an object go on below. Elsewhere nothing is cut.
 *
 * Ownership  objects are borrowed.
 * Failure    a key that an object lacks is printed as "-".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_TABLE_H
#define SOUK_CLIENT_CLI_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "proto/base.h"

/* Nothing where there is no row. */
void table_print(FILE *to, const json_t *rows, const char *currency, const char *columns);
/* The same for lines of `cells` cells; 0: without end. */
void table_print_within(FILE *to, const json_t *rows, const char *currency, const char *columns,
                        size_t cells);
/* The same of one object. */
void table_print_one(FILE *to, json_t *object, const char *currency, const char *columns);
/* One object, a line for each column. */
void table_print_lines(FILE *to, const json_t *object, const char *currency, const char *columns);
void table_print_lines_within(FILE *to, const json_t *object, const char *currency,
                              const char *columns, size_t cells);

#endif
