/* psp_form: the parameters of a request, name=value, from a form or a query string.
 *
 *      amount=1250&currency=gbp&metadata%5Bkey%5D=K-1    ->    amount         1250
 *                                                              currency       gbp
 *                                                              metadata[key]  K-1
 *
 * Invariants
 *   I1  names are unique and not empty; a request that says one twice is refused.
 *   I2  names and values are UTF-8 text without control characters, so they are C strings and good JSON.
 * Ownership  names and values belong to the form until form_clear.
 * Failure    a reason in words; what was read until then is cleared by form_clear as ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_FORM_H
#define SOUK_TESTS_PSP_FORM_H

#include "proto/base.h"

#define FORM_FIELDS_MAX 64u
#define FORM_TEXT_MAX   1024u /* bytes of a name or a value, decoded */

struct psp_field {
    char *name;
    char *value;
};

struct psp_form {
    struct psp_field fields[FORM_FIELDS_MAX];
    u32 count;
};

/* Adds what application/x-www-form-urlencoded text says. NULL, or why not. */
const char *form_parse(struct psp_form *form, const char *text, size_t bytes);
/* Adds one parameter, decoded already. */
const char *form_add(struct psp_form *form, const char *name, const char *value);
/* NULL where it is not there. */
const char *form_get(const struct psp_form *form, const char *name);
/* "key" of "metadata[key]" into `key`; false for another name. */
bool form_metadata_name(const char *name, char key[FORM_TEXT_MAX]);
/* The request in one line, parameters sorted: equal lines are equal requests. To be freed. */
NODISCARD char *form_canonical(const struct psp_form *form, const char *request);
void form_clear(struct psp_form *form);

#endif
