/* cli_width: how much room a text takes on a terminal, and how much room there is.
 *
 *      "MUG"    3 cells       "茶碗"    4 cells: two for each of these signs
 *      "café"   4 cells, whether its accent is a sign of its own or not
 *
 * The C library knows the widths of signs in the locale C.UTF-8, which is in force for signs only:
 * numbers and messages stay as they are. Without that locale each sign counts as one cell.
 *
 * Failure    bytes that are not UTF-8 and control characters take one cell each, and are written as '?'
 *            by width_print, so that no text can steer the terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_WIDTH_H
#define SOUK_CLIENT_CLI_WIDTH_H

#include <stdio.h>

#include "proto/base.h"

/* Once, before the others. */
void width_begin(void);

/* Cells of the text. */
size_t width_of(const char *text);
/* Bytes of the text that fit into `cells` cells: whole signs with the accents that follow them. */
size_t width_fit(const char *text, size_t cells);
/* As much as fits; what does not ends with an ellipsis. Returns the cells written. */
size_t width_print(FILE *to, const char *text, size_t cells);

/* A text of several lines, each after the first moved in by `indent` cells; where a line is to have at most
 * `cells` (0: any number) it is broken at blanks. No line feed at the end. */
void width_print_lines(FILE *to, const char *text, size_t indent, size_t cells);

/* Cells in a line of the terminal that `to` writes to; 0: it is none, there is no end. */
size_t width_of_terminal(FILE *to);

#endif
