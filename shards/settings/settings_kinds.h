/* settings_kinds: what the kinds of setting have in common, as a table: names, bodies, answers.
 *
 *      kind          home_id        key             body
 *      price list    of a name      0               the put, if_version 0
 *      price         of its list    the SKU         the put, if_version 0, then the rows of its tiers
 *      policies      1              0               the put, if_version 0
 *      category      1              category_id     )
 *      attribute     1              attribute_id    ) a whole record of the put, if_version 0: the fixed
 *      all others    of a name      0               ) part, each span as u32 length and bytes, zeros up
 *                                                     to a multiple of 8
 *
 * What a get answers is the version and, from `field_at` on, the same fields as the put.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SETTINGS_SETTINGS_KINDS_H
#define SOUK_SHARDS_SETTINGS_SETTINGS_KINDS_H

#include "shards/settings/settings.h"

enum setting_names {
    SETTING_NAMED_BY_HOME,      /* home_id is souk_id of a name, key 0 */
    SETTING_NAMED_BY_BOTH,      /* of a price */
    SETTING_NAMED_BY_KEY,       /* home_id 1 */
    SETTING_NAMED_BY_KIND_ALONE /* home_id 1, key 0: there is one */
};

struct setting_kind_info {
    u16 put_opcode;
    u16 names;       /* enum setting_names */
    u16 put_bytes;   /* fixed part of the put */
    u16 version_at;  /* if_version in the put */
    u16 field_at;    /* the first field after it */
    u16 answer_at;   /* the same field in the reply of the get */
    u16 field_bytes; /* from there to the end of both */
    u16 zero;
};

/* `kind` is one of enum setting_kind. */
const struct setting_kind_info *setting_kind_info(u16 kind);

static inline bool setting_kind_good(u64 kind)
{
    return kind >= SETTING_KIND_PRICE_LIST && kind < SETTING_KIND_COUNT;
}

/* Kinds that concern what is found: the search room hears of them. */
static inline bool setting_kind_is_found(u16 kind)
{
    return kind >= SETTING_KIND_CATEGORY;
}

/* A body as it is kept, in `to` (SETTING_BYTES_MAX): of a put with these spans. */
struct span setting_body_write(u16 kind, const void *put, const struct span *spans, u8 *to);

#endif
