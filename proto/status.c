/* status: the table behind proto/status.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/status.h"

static const struct status_info table[] = {
#define STATUS(number, NAME, CLASS, meaning, cause, action) \
    {number, STATUS_CLASS_##CLASS, #NAME, meaning, cause, action},
#include "proto/status.def"
#undef STATUS
};

const struct status_info *status_at(size_t index)
{
    return index < ARRAY_COUNT(table) ? &table[index] : NULL;
}

const struct status_info *status_find(u16 number)
{
    switch (number) {
#define STATUS(number, NAME, CLASS, meaning, cause, action) case number:
#include "proto/status.def"
#undef STATUS
        break;
    default: return NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(table); i++)
        if (table[i].number == number)
            return &table[i];
    return NULL;
}

const char *status_name(u16 number)
{
    const struct status_info *info = status_find(number);
    return info == NULL ? "UNKNOWN" : info->name;
}

const char *status_class_name(enum status_class class)
{
    switch (class) {
    case STATUS_CLASS_DONE: return "done";
    case STATUS_CLASS_RETRY: return "retry";
    case STATUS_CLASS_REFUSED: return "refused";
    case STATUS_CLASS_FIX: return "fix";
    }
    return "unknown";
}
