/* psp_keys: what was answered under an idempotency key.
 *
 *      new --execution begins--> running --answer leaves--> answered: the same answer for ever
 *                                   |
 *                                   +-- the same key meanwhile: 409, to be tried again
 *
 * As Stripe documents it: the first answer is kept, whatever it was, 500 included; the same key with another
 * request is an error that changes nothing; what fails before execution begins is not kept. Here
 * keys are kept until the end (there: for at least 24 hours).
 *
 * Invariants
 *   I1  an answer that was kept never changes.
 *   I2  a key belongs to one request: path and parameters.
 * Ownership  keys are named by their index; texts belong to the key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_PSP_KEYS_H
#define SOUK_TESTS_PSP_KEYS_H

#include <jansson.h>

#include "proto/base.h"

#define KEYS_NONE      UINT32_MAX
#define KEYS_BYTES_MAX 255u

struct psp_key {
    char *request; /* form_canonical */
    char *body;    /* NULL while it is executed */
    u32 status;
    bool is_running; /* the answer has not left yet */
};

struct psp_keys {
    struct psp_key *list;
    u32 count;
    u32 capacity;
    json_t *index; /* key -> its place in the list */
};

void keys_open(struct psp_keys *keys);
void keys_close(struct psp_keys *keys);
/* KEYS_NONE where the key is new. */
u32 keys_find(const struct psp_keys *keys, const char *name);
/* Execution begins. Takes `request` over. */
u32 keys_begin(struct psp_keys *keys, const char *name, char *request);
/* The answer is known; it is copied. */
void keys_answer(struct psp_keys *keys, u32 key, u32 status, const char *body);
/* The answer has left, or was lost. */
void keys_release(struct psp_keys *keys, u32 key);

#endif
