/* replay_file: the bytes of a file, of stdin, or of what xz unpacks, in memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_REPLAY_FILE_H
#define SOUK_CLIENT_REPLAY_FILE_H

#include <stdio.h>

#include "proto/base.h"

/* Sets *text (to be freed; one writable byte follows the last) and *bytes. "-" is stdin, a name
 * that ends with .xz is read through `xz -dc`. False after a message to `errors`. */
NODISCARD bool replay_file_read(const char *path, char **text, size_t *bytes, FILE *errors);

#endif
