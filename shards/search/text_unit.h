/* text_unit: the spellings of units, so that "5 inches" and "5in" are one thing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_TEXT_UNIT_H
#define SOUK_SHARDS_SEARCH_TEXT_UNIT_H

#include "proto/frame.h"

#define TEXT_UNIT_BYTES 12u /* of the longest spelling */

/* The short form of a folded word that is a unit; no bytes when it is none. */
struct span text_unit(struct span word);

#endif
