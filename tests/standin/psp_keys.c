/* psp_keys: see tests/standin/psp_keys.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_keys.h"

#include <stdlib.h>
#include <string.h>

#include "tests/standin/psp_value.h"

void keys_open(struct psp_keys *keys)
{
    *keys = (struct psp_keys){.index = json_object()};
    MUST(keys->index != NULL);
}

void keys_close(struct psp_keys *keys)
{
    for (u32 i = 0; i < keys->count; i++) {
        free(keys->list[i].request);
        free(keys->list[i].body);
    }
    free(keys->list);
    json_decref(keys->index);
}

u32 keys_find(const struct psp_keys *keys, const char *name)
{
    const json_t *index = json_object_get(keys->index, name);
    return index == NULL ? KEYS_NONE : (u32)json_integer_value(index);
}

u32 keys_begin(struct psp_keys *keys, const char *name, char *request)
{
    MUST(keys_find(keys, name) == KEYS_NONE); /* I2 */
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity == 0 ? 1024 : keys->capacity * 2;
        keys->list = realloc(keys->list, keys->capacity * sizeof *keys->list);
        MUST(keys->list != NULL);
    }
    keys->list[keys->count] = (struct psp_key){.request = request, .is_running = true};
    value_put(keys->index, name, json_integer(keys->count));
    return keys->count++;
}

void keys_answer(struct psp_keys *keys, u32 key, u32 status, const char *body)
{
    MUST(key < keys->count);
    MUST(keys->list[key].body == NULL); /* I1 */
    keys->list[key].status = status;
    keys->list[key].body = strdup(body);
    MUST(keys->list[key].body != NULL);
}

void keys_release(struct psp_keys *keys, u32 key)
{
    MUST(key < keys->count);
    MUST(keys->list[key].body != NULL);
    keys->list[key].is_running = false;
}
