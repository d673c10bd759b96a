/* find_view: answers of searches for people and programs: hits with their texts, facets, notes.
 *
 * Hits, values and recommendations say where their texts stand in one block of the reply; here the two
 * come together again, with every offset checked: a reply is input.
 *
 * Ownership  returns new references; nothing of the reply is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_CLIENT_CLI_FIND_VIEW_H
#define SOUK_CLIENT_CLI_FIND_VIEW_H

#include <jansson.h>

#include "client/cli/cli.h"

/* Part of a reply's texts; empty where it would lie outside. */
struct souk_text find_text(struct souk_text texts, u64 offset, u64 bytes);
/* The code of a product, or its id where there is none any more. Asks the server. */
json_t *find_code_of(struct cli *cli, u64 product_id);
/* Is there such a product? For a person who has mistyped a code, where the server would rather answer with
 * something else. Returns an exit code; not DONE: it is said. */
NODISCARD int find_product(struct cli *cli, const char *code);
/* "none", "low", "some". */
const char *find_state(u16 state);
/* An array of hits: {"code", "title", "price", ...}. */
json_t *find_hits(struct souk_text hits, struct souk_text texts);
/* An array of recommendations. */
json_t *find_recommended(struct souk_text items, struct souk_text texts);
/* The names of a list of facets as it was asked for: an array of strings. */
json_t *find_facet_names(const char *facets);
/* An object: facet name -> array of {"value", "count", ...}, ranges and bars among them. */
json_t *find_facets(const char *facets, const struct souk_search_reply *reply);
/* Words of the bits of notes: an array of strings. */
json_t *find_notes(u32 notes);
/* A search's answer as lines for people. */
void find_print_search(struct cli *cli, const char *facets, const struct souk_search_reply *reply);

/* The text that is wrong, on stderr with the place marked; empty: the place alone.
 *
 *      brand:acme AND colour:red
 *                     ^ byte 15: colour: no product has this attribute, and it is not declared
 */
void find_mark_place(struct souk_text text, u32 at, struct souk_text problem);

/* Bytes as hex digits and back, for cursors. False: not hex digits, or more than `max` bytes. */
void find_hex(struct souk_text bytes, char *to);
bool find_unhex(const char *text, u8 *to, u32 max, u32 *bytes);

#endif
