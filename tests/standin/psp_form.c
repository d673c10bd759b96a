/* psp_form: see tests/standin/psp_form.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/standin/psp_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes `bytes` bytes into `to`; false for a bad escape, a zero byte or too much. */
static bool decode(const char *text, size_t bytes, char to[FORM_TEXT_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i] == '+' ? ' ' : text[i];
        if (text[i] == '%') {
            const int high = i + 2 < bytes ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < bytes ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= FORM_TEXT_MAX)
            return false;
        to[used++] = c;
    }
    to[used] = '\0';
    return true;
}

const char *form_add(struct psp_form *form, const char *name, const char *value)
{
    if (name[0] == '\0')
        return "a parameter without a name";
    if (text_invalid((const u8 *)name, (u32)strlen(name), true) != NULL ||
        text_invalid((const u8 *)value, (u32)strlen(value), true) != NULL)
        return "a parameter is not UTF-8 text";
    if (form_get(form, name) != NULL)
        return "a parameter is given twice";
    if (form->count == FORM_FIELDS_MAX)
        return "too many parameters";
    struct psp_field *field = &form->fields[form->count++];
    field->name = strdup(name);
    field->value = strdup(value);
    MUST(field->name != NULL && field->value != NULL);
    return NULL;
}

const char *form_parse(struct psp_form *form, const char *text, size_t bytes)
{
    size_t begin = 0;
    while (begin < bytes) {
        char name[FORM_TEXT_MAX], value[FORM_TEXT_MAX];
        const char *end = memchr(text + begin, '&', bytes - begin);
        const size_t length = end == NULL ? bytes - begin : (size_t)(end - (text + begin));
        const char *equals = memchr(text + begin, '=', length);
        const size_t name_bytes = equals == NULL ? length : (size_t)(equals - (text + begin));
        const size_t value_at = equals == NULL ? length : name_bytes + 1;
        if (!decode(text + begin, name_bytes, name) ||
            !decode(text + begin + value_at, length - value_at, value))
            return "a parameter is not form-encoded, or too long";
        const char *reason = length == 0 ? NULL : form_add(form, name, value);
        if (reason != NULL)
            return reason;
        begin += length + 1;
    }
    return NULL;
}

const char *form_get(const struct psp_form *form, const char *name)
{
    for (u32 i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return NULL;
}

bool form_metadata_name(const char *name, char key[FORM_TEXT_MAX])
{
    const size_t bytes = strlen(name);
    if (strncmp(name, "metadata[", 9) != 0 || bytes < 11 || name[bytes - 1] != ']')
        return false;
    MUST(bytes < FORM_TEXT_MAX);
    memcpy(key, name + 9, bytes - 10);
    key[bytes - 10] = '\0';
    return true;
}

static int compare_names(const void *left, const void *right)
{
    const struct psp_field *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

char *form_canonical(const struct psp_form *form, const char *request)
{
    const struct psp_field *sorted[FORM_FIELDS_MAX];
    char *text = NULL;
    size_t bytes = 0;
    for (u32 i = 0; i < form->count; i++)
        sorted[i] = &form->fields[i];
    qsort(sorted, form->count, sizeof sorted[0], compare_names);
    FILE *to = open_memstream(&text, &bytes);
    MUST(to != NULL);
    (void)fputs(request, to);
    /* Lengths, so that no value can pretend to be two. */
    for (u32 i = 0; i < form->count; i++)
        (void)fprintf(to, "&%zu:%s=%zu:%s", strlen(sorted[i]->name), sorted[i]->name,
                      strlen(sorted[i]->value), sorted[i]->value);
    const int failed = fclose(to);
    MUST(failed == 0);
    return text;
}

void form_clear(struct psp_form *form)
{
    for (u32 i = 0; i < form->count; i++) {
        free(form->fields[i].name);
        free(form->fields[i].value);
    }
    form->count = 0;
}
