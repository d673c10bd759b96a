/* psp_value: putting values into JSON, where failing means that memory has run out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_VALUE_H
#define SOUK_TESTS_PSP_VALUE_H

#include <jansson.h>

#include "proto/base.h"

/* Both take the value over; names and texts are UTF-8. */
static inline void value_put(json_t *object, const char *name, json_t *value)
{
    const int failed = json_object_set_new(object, name, value);
    MUST(failed == 0);
}

static inline void value_append(json_t *array, json_t *value)
{
    const int failed = json_array_append_new(array, value);
    MUST(failed == 0);
}

/* Text for the wire, in one line. To be freed. */
NODISCARD static inline char *value_text(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    MUST(text != NULL);
    return text;
}

#endif
