/* replay_file: the bytes of a file, of stdin, or of what xz unpacks, in memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_FILE_H
#define SOUK_CLIENT_REPLAY_FILE_H

#include <stdio.h>
#include <sys/types.h>

#include "proto/base.h"

/* Sets *text (to be freed; one writable byte follows the last) and *bytes. "-" is stdin, a name
 * that ends with .xz is read through `xz -dc`. False after a message to `errors`. */
NODISCARD bool replay_file_read(const char *path, char **text, size_t *bytes, FILE *errors);

/* Opens it for reading from the beginning, an .xz file through xz, whose process goes to *child. A
 * descriptor, or less than 0 after saying why on `errors`. */
int replay_file_open(const char *path, pid_t *child, FILE *errors);

#endif
