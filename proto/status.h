/* status: the numbers of proto/status.def as an enum, with their class and texts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_STATUS_H
#define SOUK_PROTO_STATUS_H

#include "proto/base.h"

enum status {
#define STATUS(number, NAME, CLASS, meaning, cause, action) STATUS_##NAME = number,
#include "proto/status.def"
#undef STATUS
};

enum status_class {
    STATUS_CLASS_DONE,
    STATUS_CLASS_RETRY,   /* nothing happened, the same request may be sent again */
    STATUS_CLASS_REFUSED, /* a business answer, the same request gets the same answer */
    STATUS_CLASS_FIX      /* the request is wrong */
};

/* One line of status.def. All texts are static. */
struct status_info {
    u16 number;
    enum status_class class;
    const char *name;    /* "SOLD_OUT" */
    const char *meaning; /* one sentence without a full stop */
    const char *cause;
    const char *action; /* what the caller does next */
};

/* The line of a number, or NULL where there is none. */
const struct status_info *status_find(u16 number);
/* The i-th line in the order of the file, or NULL past the end. */
const struct status_info *status_at(size_t index);
/* "SOLD_OUT"; "UNKNOWN" for a number that is not declared. Never NULL. */
const char *status_name(u16 number);
const char *status_class_name(enum status_class class);

#endif
