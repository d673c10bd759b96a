/* model_state: what the model remembers, shared by its three files (model, model_stock,
 * model_catalog).
 *
 * Whoever changes an item calls model_touch first, and model_created after adding one: inside a
 * linked frame that is what brings the old state back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_MODEL_STATE_H
#define SOUK_TESTS_MODEL_STATE_H

#include "tests/model/model.h"
#include "tests/model/model_table.h"

struct model_sku {
    struct model_item item;
    struct resource key;
    u64 product_id, version;
    i64 price, safety_stock, oversell_cap;
    u32 lease_default_ms;
    u16 currency;
    u32 code_bytes;
    u8 code[CODE_BYTES_MAX];
    i64 on_hand, unavailable, held, allocated, allocated_anonymous;
    i64 received, shipped, returned_sellable, returned_damaged, adjusted, written_off, granted,
        cancelled;
    i64 anonymous_shipped, anonymous_returned;
};

struct model_grant {
    struct model_item item;
    struct model_sku *sku; /* of the same model; found again by key after a copy */
    struct resource key;
    struct id128 id;
    u64 owner;
    struct id128 order;
    u16 opcode; /* that made it: take or hold */
    u16 state;
    i64 quantity, held, allocated, shipped, cancelled;
    i64 returned[2];
    u64 created_at, expires_at, max_life_at;
    u64 forget_at; /* of a tombstone */
    u8 arguments[sizeof(struct msg_hold_req)];
    i64 first_sellable;
    u64 first_expires_at;
};

/* What a product is put with beside its texts. */
struct model_facts {
    PRODUCT_FACTS(WIRE_DECL_F, WIRE_DECL_Z)
};

struct model_product {
    struct model_item item;
    u64 version;
    bool is_deleted;
    u64 created_at_ns;
    struct model_facts facts;
    u32 bytes[9];
    u8 code[CODE_BYTES_MAX], title[TITLE_BYTES_MAX], brand[BRAND_BYTES_MAX],
        category[CATEGORY_BYTES_MAX], attributes[ATTRIBUTES_BYTES_MAX],
        description[DESCRIPTION_BYTES_MAX], slug[ALIAS_BYTES_MAX], external_key[ALIAS_BYTES_MAX],
        page[PAGE_BYTES_MAX];
};

struct model_session {
    struct model_item item;
    u64 base;       /* replies up to this number have been received */
    u64 last_used;  /* order of use */
    u64 opened;     /* order of opening */
    u64 kept_bytes; /* of kept replies */
};

/* The bytes of a kept reply, shared by copies of the model. */
struct model_body {
    u32 users;
    u32 bytes;
    u8 data[];
};

struct model_kept {
    struct model_item item;
    u16 opcode;
    u16 record_count;
    struct model_body *body;
};

/* One step of a linked frame that may have to be taken back. */
struct model_undo {
    struct model_table *table;
    void *item;
    void *before; /* NULL: the item was created */
};

struct model {
    struct model_options options;
    u64 now;
    u64 next_due; /* nothing is due before it */
    u64 uses;     /* counts session uses */
    struct model_table skus, grants, products, sessions, kept;
    struct model_undo *undo;
    u32 undo_count, undo_room;
    bool is_linked;
    u32 *open_holds; /* grants that may be HELD; cleaned by model_advance */
    u32 open_hold_count, open_hold_room;
    u8 *body; /* of the last reply */
    u32 body_room;
};

/* The answer to one record: the fixed part, whose head is filled by the caller, and spans. */
struct model_answer {
    u16 status;
    bool is_replayed;
    u32 retry_after_ms;
    u8 *fixed;
    struct span spans[MESSAGE_SPANS_MAX];
};

static inline bool model_mutates(const struct model *model, enum model_mutation mutation)
{
    return model->options.mutation == mutation;
}

void *model_memory(void *old, size_t bytes);
void model_touch(struct model *model, struct model_table *table, void *item);
void model_created(struct model *model, struct model_table *table, void *item);

/* Execute or answer one record. */
void model_stock_record(struct model *model, u16 opcode, const struct record_view *record,
                        struct model_answer *answer);
void model_catalog_record(struct model *model, u16 opcode, const struct record_view *record,
                          struct model_answer *answer);

/* Ends holds and forgets tombstones that are due; returns the next time at which something is. */
u64 model_stock_expire(struct model *model);

#endif
