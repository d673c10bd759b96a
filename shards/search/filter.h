/* filter: an expression over brand, category, numbers and attributes; docs/search.md, "Filters".
 *
 *      brand:acme|zeta AND price:1000..5000 AND NOT (color:red OR in_stock)
 *
 * Parsed once, by the gather, into flat bytes that go to the shards in their part's data:
 *
 *      struct filter | nodes | terms | values | names | texts
 *
 * Nodes are in prefix order; node i has size[i] nodes, itself included, so its children are i + 1,
 * i + 1 + size[i + 1] and so on. There is no node for NOT: it is pushed down to the terms (and turns AND
 * into OR on its way), and a node's children are never of its own kind.
 *
 * Happy path gather: filter_parse, filter_names to the shards' plans, filter_judge with what they said;
 *            shard: filter_compile, filter_window (filter_run.h).
 * Invariants
 *   I1  at most FILTER_DEPTH_MAX brackets within each other, FILTER_TERMS_MAX terms.
 *   I2  a filter has no pointers; it may be moved to any address that is a multiple of 8.
 * Failure    a text that is wrong gives NULL, and where and why in struct filter_problem; so does a
 *            bump without memory, with an empty reason: TOO_LARGE.
 * Not here   which attributes exist: the gather asks the shards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_SHARDS_SEARCH_FILTER_H
#define SOUK_SHARDS_SEARCH_FILTER_H

#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "shards/store/bump.h"

#define FILTER_DEPTH_MAX   16u
#define FILTER_TERMS_MAX   256u
#define FILTER_PROBLEM_MAX 160u
#define FILTER_NO_NAME     0xffffu

/* What a term or a facet is about. */
enum filter_field {
    FILTER_FIELD_ATTRIBUTE,
    FILTER_FIELD_CATEGORY,
    FILTER_FIELD_BRAND,
    FILTER_FIELD_PRICE,
    FILTER_FIELD_RATING,
    FILTER_FIELD_POPULARITY,
    FILTER_FIELD_DISCOUNT,
    FILTER_FIELD_IN_STOCK,
    FILTER_FIELD_BUYABLE,
    FILTER_FIELD_CODE,
    FILTER_FIELD_COUNT
};

enum filter_kind { FILTER_KIND_TERM, FILTER_KIND_AND, FILTER_KIND_OR };

struct filter_node {
    u16 size; /* nodes, itself included */
    u16 term; /* of FILTER_KIND_TERM */
    u8 kind;
    u8 is_not; /* of FILTER_KIND_TERM */
    u16 zero;
};

struct filter_term {
    u32 at; /* byte of the text */
    u16 first_value;
    u16 value_count; /* 0: the name stands alone */
    u16 name;        /* of an attribute, else FILTER_NO_NAME */
    u8 field;        /* enum filter_field */
    u8 type;         /* enum attribute_type, known after filter_judge; 0 before */
    u32 zero;
};

enum filter_shape {
    FILTER_SHAPE_RANGE = 1 << 0,  /* from .. until */
    FILTER_SHAPE_NUMBER = 1 << 1, /* from and until: the text reads as this number */
};

struct filter_value {
    i64 from; /* thousandths */
    i64 until;
    u32 at;
    u32 text_offset;
    u16 text_bytes;
    u8 shape; /* enum filter_shape */
    u8 zero[5];
};

struct filter_name {
    u32 at;
    u32 text_offset;
    u32 text_bytes;
};

struct filter {
    u32 bytes; /* of all */
    u32 text_bytes;
    u16 node_count; /* 0: everything is true */
    u16 term_count;
    u16 value_count;
    u16 name_count;
};
STATIC_CHECK(sizeof(struct filter_node) == 8);
STATIC_CHECK(sizeof(struct filter_term) == 16);
STATIC_CHECK(sizeof(struct filter_value) == 32);
STATIC_CHECK(sizeof(struct filter_name) == 12);
STATIC_CHECK(sizeof(struct filter) == 16);

/* Where a text is wrong and why; text_bytes 0: nothing is. */
struct filter_problem {
    u32 at;
    u32 text_bytes;
    u8 text[FILTER_PROBLEM_MAX];
};

/* What shards know of an attribute: combine those of several with filter_known_add. */
enum filter_knowledge {
    FILTER_KNOWN = 1, /* a product has it, or it is declared */
    FILTER_LEFT_OUT =
        2 /* products have it, or may, that are not found by it: too many names are in use */
};
struct filter_known {
    u8 knowledge; /* bits */
    u8 type;      /* enum attribute_type as declared; 0 = it is not */
};

/* An empty text gives a filter without nodes. */
struct filter *filter_parse(struct span text, struct bump *bump, struct filter_problem *problem);

/* The attributes that it names, each once: 0 .. filter->name_count - 1. */
struct span filter_name(const struct filter *filter, u32 name);
static inline void filter_known_add(struct filter_known *known, struct filter_known other)
{
    known->knowledge |= other.knowledge;
    known->type = MAX(known->type, other.type);
}
/* Do these attributes (in the order of the names) have the values that the filter asks for? Notes
 * their types in the filter. */
bool filter_judge(struct filter *filter, const struct filter_known *known,
                  struct filter_problem *problem);

/* Is a value asked for by a term that is not negated? `name` is that of an attribute. */
bool filter_chooses(const struct filter *filter, enum filter_field field, struct span name,
                    u64 value_id);

/* The field of a name, with "attr." taken off the name of an attribute. */
enum filter_field filter_field_of(struct span *name);
/* Why the text of a filter or of facets is no text, and at which byte; NULL: it is. */
const char *filter_text_invalid(struct span text, u32 *at);
/* Adds to the reason; starts one if `at` is another. */
void filter_problem_add(struct filter_problem *problem, const char *text);
void filter_problem_add_span(struct filter_problem *problem, struct span text);
/* Why a filter or a facet cannot name the attribute; NULL: it can. */
const char *filter_known_invalid(struct filter_known known);

static inline const struct filter_node *filter_nodes(const struct filter *filter)
{
    return (const struct filter_node *)(const void *)(filter + 1);
}
static inline const struct filter_value *filter_values(const struct filter *filter)
{
    return (const struct filter_value *)(const void *)(filter_nodes(filter) + filter->node_count);
}
static inline const struct filter_term *filter_terms(const struct filter *filter)
{
    return (const struct filter_term *)(const void *)(filter_values(filter) + filter->value_count);
}
static inline const struct filter_name *filter_names(const struct filter *filter)
{
    return (const struct filter_name *)(const void *)(filter_terms(filter) + filter->term_count);
}
static inline struct span filter_text(const struct filter *filter, u32 offset, u32 bytes)
{
    const u8 *texts = (const u8 *)(filter_names(filter) + filter->name_count);
    return (struct span){.data = texts + offset, .bytes = bytes};
}

#endif
