/* generate_records: what the commands of a generated world say. See generate.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_GENERATE_RECORDS_H
#define SOUK_TESTS_MODEL_GENERATE_RECORDS_H

#include "tests/model/generate.h"

/* Writes one request record of an operation at `to`; returns its bytes, or 0 without room. */
u32 generate_record(struct generator *generator, const struct message_info *info, u8 *to,
                    u32 capacity);

#endif
