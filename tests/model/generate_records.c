/* generate_records: see generate_records.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/model/generate_records.h"

#include <stdio.h>
#include <string.h>

static bool is_bad(struct generator *generator)
{
    return generate_chance(generator, generator->bad_permille);
}

static i64 draw_quantity(struct generator *generator)
{
    static const i64 edges[] = {0,         -1,        QUANTITY_MAX,  QUANTITY_MAX + 1,
                                INT64_MAX, INT64_MIN, -QUANTITY_MAX, -QUANTITY_MAX - 1};
    if (is_bad(generator))
        return edges[generate_below(generator, ARRAY_COUNT(edges))];
    return 1 + (i64)generate_below(generator, (u64)generator->quantity_max);
}

static i64 draw_plenty(struct generator *generator)
{
    return 1 + (i64)generate_below(generator, 16 * (u64)generator->quantity_max);
}

static struct resource draw_resource(struct generator *generator)
{
    struct resource key = generator->skus[generate_below(generator, generator->sku_count)];
    if (!is_bad(generator))
        return key;
    switch (generate_below(generator, 5)) {
    case 0: key.id = 0; break;
    case 1: key.tenant = 1; break;
    case 2: key.location = 1; break;
    case 3: key.kind = RESOURCE_KIND_COUNT; break;
    default: key.id = generate_random(generator); break;
    }
    return key;
}

static u64 draw_owner(struct generator *generator)
{
    return generate_below(generator, generator->owner_count);
}

/* A new id, mostly made just now; now and then at the edge of what is accepted. */
static struct id128 draw_new_id(struct generator *generator)
{
    const u64 now_ms = generator->now / NS_PER_MS;
    const u64 retention =
        generator->retention_ms == 0 ? GRANT_RETENTION_MS : generator->retention_ms;
    u64 ms = now_ms;
    if (is_bad(generator) || generate_chance(generator, 20)) {
        switch (generate_below(generator, 5)) {
        case 0: ms = now_ms - retention + generate_below(generator, 3) - 1; break;
        case 1: ms = now_ms + ID_FUTURE_MS_MAX + generate_below(generator, 3) - 1; break;
        case 2: ms = now_ms + generate_below(generator, ID_FUTURE_MS_MAX); break;
        case 3: ms = now_ms - generate_below(generator, retention + 1); break;
        default: ms = generate_random(generator) >> 16; break;
        }
    }
    return (struct id128){.low = ++generator->names, .high = ms << 16};
}

static struct generated_grant *draw_grant(struct generator *generator)
{
    if (generator->grant_count == 0)
        return NULL;
    /* The young ones are the lively ones. */
    const u32 room = MIN(generator->grant_count, GENERATE_GRANTS);
    const u32 back =
        1 + (u32)generate_below(generator, generate_chance(generator, 700) ? MIN(room, 16) : room);
    return &generator->grants[(generator->grant_count - back) % GENERATE_GRANTS];
}

static void note_grant(struct generator *generator, u16 opcode, const struct msg_hold_req *req)
{
    struct generated_grant *grant = &generator->grants[generator->grant_count++ % GENERATE_GRANTS];
    *grant = (struct generated_grant){.key = req->resource,
                                      .id = req->id,
                                      .owner = req->owner,
                                      .quantity = req->quantity,
                                      .opcode = opcode};
    memcpy(grant->record, req, sizeof *req);
}

static u64 draw_lease(struct generator *generator)
{
    if (is_bad(generator))
        return generate_chance(generator, 500) ? LEASE_MS_MAX + generate_below(generator, 2)
                                               : generate_random(generator);
    return 1 + generate_below(generator, generator->lease_ms_max);
}

static struct id128 draw_replaced(struct generator *generator, struct msg_hold_req *req)
{
    const struct generated_grant *grant = draw_grant(generator);
    if (grant == NULL || !generate_chance(generator, 100))
        return (struct id128){0, 0};
    if (!is_bad(generator)) {
        req->resource = grant->key;
        req->owner = grant->owner;
    }
    return grant->id;
}

/* A hold; a take is its first bytes. */
static void draw_hold(struct generator *generator, u16 opcode, struct msg_hold_req *req)
{
    const struct generated_grant *old = draw_grant(generator);
    if (old != NULL && generate_chance(generator, generator->repeat_permille)) {
        memcpy(req, old->record, sizeof *req);
        if (generate_chance(generator, 200))
            req->quantity = draw_quantity(generator);
        return;
    }
    memset(req, 0, sizeof *req);
    req->resource = draw_resource(generator);
    req->quantity = draw_quantity(generator);
    req->owner = draw_owner(generator);
    req->replaces = draw_replaced(generator, req);
    const u32 named = opcode == OPCODE_HOLD ? 995 : 500;
    if (generate_chance(generator, named))
        req->id = draw_new_id(generator);
    if (is_bad(generator))
        req->id = req->replaces;
    if (opcode == OPCODE_HOLD) {
        req->lease_ms = generate_chance(generator, 300) ? 0 : draw_lease(generator);
        req->max_life_ms = generate_chance(generator, 500) ? 0 : draw_lease(generator);
        if (!is_bad(generator) && req->max_life_ms != 0 && req->max_life_ms < req->lease_ms)
            req->max_life_ms = MIN(LEASE_MS_MAX, req->lease_ms + req->max_life_ms);
    }
    /* Some that may never exist, and some that exist only when this frame is executed. */
    if (!id128_is_none(req->id) && generate_chance(generator, 100))
        note_grant(generator, opcode, req);
}
STATIC_CHECK(offsetof(struct msg_hold_req, replaces) == offsetof(struct msg_take_req, replaces));
STATIC_CHECK(offsetof(struct msg_hold_req, lease_ms) == sizeof(struct msg_take_req));

void generate_note_replies(struct generator *generator, const struct entry_header *entry,
                           const u8 *body, const u8 *replies)
{
    if (entry->opcode != OPCODE_TAKE && entry->opcode != OPCODE_HOLD)
        return;
    const struct message_info *info = message_find(entry->opcode);
    for (u32 i = 0; i < entry->record_count; i++) {
        struct record_status head;
        struct msg_hold_req req = {.quantity = 0};
        memcpy(&head, replies + (size_t)i * info->reply.fixed_bytes, sizeof head);
        memcpy(&req, body + (size_t)i * info->request.fixed_bytes, info->request.fixed_bytes);
        if (head.status == STATUS_OK && head.flags == 0 && !id128_is_none(req.id))
            note_grant(generator, entry->opcode, &req);
    }
}

/* What every command about a grant begins with. */
struct aim {
    struct resource key;
    struct id128 id;
    u64 owner;
    struct id128 order;
    i64 quantity;
};

static struct aim draw_aim(struct generator *generator)
{
    const struct generated_grant *grant = draw_grant(generator);
    struct aim aim = {.key = draw_resource(generator), .owner = draw_owner(generator)};
    if (grant == NULL || is_bad(generator)) {
        aim.id = generate_chance(generator, 200) ? (struct id128){0, 0} : draw_new_id(generator);
        aim.quantity = draw_quantity(generator);
        return aim;
    }
    aim.key = grant->key;
    aim.id = grant->id;
    aim.order = grant->order;
    if (!generate_chance(generator, 40))
        aim.owner = grant->owner;
    if (generate_chance(generator, 40))
        aim.order = (struct id128){generate_below(generator, 3), 7};
    aim.quantity = grant->quantity;
    return aim;
}

/* Parts of a whole, as total or difference. */
static i64 draw_part(struct generator *generator, i64 whole)
{
    if (is_bad(generator))
        return draw_quantity(generator);
    if (whole <= 1 || generate_chance(generator, 400))
        return whole;
    return 1 + (i64)generate_below(generator, (u64)whole + 1);
}

static void draw_bind(struct generator *generator, struct msg_hold_bind_req *req)
{
    const struct aim aim = draw_aim(generator);
    *req = (struct msg_hold_bind_req){aim.key, aim.id, aim.owner, aim.order};
    if (id128_is_none(req->order) || is_bad(generator))
        req->order = (struct id128){1 + generate_below(generator, 3), 7};
    if (is_bad(generator))
        req->order = (struct id128){0, 0};
    for (u32 i = 0; i < GENERATE_GRANTS; i++)
        if (id128_equal(generator->grants[i].id, aim.id) && id128_is_none(aim.order))
            generator->grants[i].order = req->order;
}

static u32 draw_text(struct generator *generator, u8 *to, u32 max, bool may_have_lines)
{
    static const char *const pieces[] = {"lamp",         "Tea light ", "\xC3\xA9",        "x",
                                         "\xE2\x82\xAC", "/a/b",       "\xF0\x9F\x9B\x92"};
    static const char *const wrong[] = {"\xFF", "\x01", "\n", "\xC0\x80", "\x7F", "\xE2\x82"};
    u32 bytes = 0;
    const u64 count = generate_below(generator, 6);
    for (u64 i = 0; i < count; i++) {
        const char *piece = pieces[generate_below(generator, ARRAY_COUNT(pieces))];
        if (is_bad(generator))
            piece = wrong[generate_below(generator, ARRAY_COUNT(wrong))];
        else if (may_have_lines && generate_chance(generator, 300))
            piece = "\nname=";
        const u32 length = (u32)strlen(piece);
        if (bytes + length > max)
            break;
        memcpy(to + bytes, piece, length);
        bytes += length;
    }
    return bytes;
}

static u32 draw_code(struct generator *generator, u64 id, u8 *to)
{
    if (is_bad(generator))
        return draw_text(generator, to, CODE_BYTES_MAX, false);
    char text[CODE_BYTES_MAX + 1];
    const int count = snprintf(text, sizeof text, "code-%llu", (unsigned long long)id);
    memcpy(to, text, (size_t)count);
    return (u32)count;
}

static u64 draw_if_version(struct generator *generator)
{
    if (generate_chance(generator, 700))
        return VERSION_ANY;
    return generate_chance(generator, 400) ? VERSION_ABSENT : 1 + generate_below(generator, 6);
}

static i64 draw_price(struct generator *generator)
{
    static const i64 edges[] = {-1, 0, PRICE_MAX, PRICE_MAX + 1, INT64_MIN};
    if (is_bad(generator))
        return edges[generate_below(generator, ARRAY_COUNT(edges))];
    return (i64)generate_below(generator, 100000);
}

static u16 draw_currency(struct generator *generator)
{
    static const u16 known[] = {826, 978, 840, 392};
    if (is_bad(generator))
        return (u16)generate_below(generator, 1000);
    return known[generate_below(generator, ARRAY_COUNT(known))];
}

static u32 write_sku_put(struct generator *generator, const struct message_info *info, u8 *to,
                         u32 capacity)
{
    u8 code[CODE_BYTES_MAX];
    struct msg_sku_put_req req = {.resource = draw_resource(generator),
                                  .product_id = generate_below(generator, 5),
                                  .if_version = draw_if_version(generator),
                                  .price = draw_price(generator),
                                  .currency = draw_currency(generator)};
    if (generate_chance(generator, 300))
        req.safety_stock =
            is_bad(generator) ? QUANTITY_MAX + 1 : (i64)generate_below(generator, 20);
    if (generate_chance(generator, 300))
        req.oversell_cap = is_bad(generator) ? -1 : draw_quantity(generator);
    if (generate_chance(generator, 300))
        req.lease_default_ms = (u32)draw_lease(generator);
    const struct span span = {code, draw_code(generator, req.resource.id, code)};
    return frame_record_write(info, FRAME_DIRECTION_REQUEST, to, capacity, &req, &span);
}

static u64 draw_product(struct generator *generator)
{
    if (is_bad(generator))
        return generate_below(generator, 3);
    return generator->products[generate_below(generator, generator->product_count)];
}

struct product_facts_drawn {
    PRODUCT_FACTS(WIRE_DECL_F, WIRE_DECL_Z)
};

/* All but price and currency. */
static void draw_facts(struct generator *generator, struct product_facts_drawn *facts)
{
    facts->price_before = generate_chance(generator, 500) ? 0 : draw_price(generator);
    facts->visible_from_ns = generate_below(generator, 3);
    facts->visible_until_ns = is_bad(generator) ? 1 : generate_below(generator, 2) * 100;
    facts->buyable_from_ns = generate_below(generator, 3);
    facts->buyable_until_ns = is_bad(generator) ? 1 : generate_below(generator, 2) * 100;
    facts->popularity = (u32)generate_random(generator);
    facts->margin = (u16)generate_random(generator);
    facts->marks = (u16)generate_below(generator, is_bad(generator) ? 6 : 4);
}

static u32 write_product_put(struct generator *generator, const struct message_info *info, u8 *to,
                             u32 capacity)
{
    u8 texts[MESSAGE_SPANS_MAX][256];
    struct span spans[MESSAGE_SPANS_MAX];
    struct msg_product_put_req req = {.product_id = draw_product(generator),
                                      .if_version = draw_if_version(generator)};
    struct product_facts_drawn facts = {0};
    draw_facts(generator, &facts);
    if (generate_chance(generator, 800) || is_bad(generator)) {
        facts.price = draw_price(generator);
        facts.currency = draw_currency(generator);
    }
    memcpy(&req.price, &facts, sizeof facts);
    for (u32 i = 0; i < MESSAGE_SPANS_MAX; i++)
        spans[i] = (struct span){texts[i], draw_text(generator, texts[i], 128, i == 4 || i == 5)};
    spans[0].bytes = draw_code(generator, req.product_id, texts[0]);
    return frame_record_write(info, FRAME_DIRECTION_REQUEST, to, capacity, &req, spans);
}

static u32 write_product_patch(struct generator *generator, const struct message_info *info, u8 *to,
                               u32 capacity)
{
    u8 texts[MESSAGE_SPANS_MAX][256];
    struct span spans[MESSAGE_SPANS_MAX];
    struct msg_product_patch_req req = {.product_id = draw_product(generator),
                                        .if_version = draw_if_version(generator),
                                        .fields = (u32)generate_below(generator, 1 << 15)};
    struct product_facts_drawn facts = {0};
    draw_facts(generator, &facts);
    facts.price = draw_price(generator);
    facts.currency = draw_currency(generator);
    memcpy(&req.price, &facts, sizeof facts);
    if (is_bad(generator))
        req.fields = (u32)generate_random(generator);
    else if (generate_chance(generator, 500))
        req.fields &= 1u << generate_below(generator, 15);
    for (u32 i = 0; i < MESSAGE_SPANS_MAX - 1; i++)
        spans[i] = (struct span){texts[i], draw_text(generator, texts[i], 128, i == 3 || i == 4)};
    return frame_record_write(info, FRAME_DIRECTION_REQUEST, to, capacity, &req, spans);
}

/* Commands without spans; `to` has room for the largest of them. */
static void draw_stock(struct generator *generator, u16 opcode, void *to)
{
    const struct resource key = draw_resource(generator);
    const i64 quantity = draw_quantity(generator);
    switch (opcode) {
    case OPCODE_STOCK_RECEIVE:
        *(struct msg_stock_receive_req *)to = (struct msg_stock_receive_req){
            key, generate_chance(generator, 500) ? quantity : draw_plenty(generator)};
        break;
    case OPCODE_STOCK_ADJUST:
        *(struct msg_stock_adjust_req *)to = (struct msg_stock_adjust_req){
            .resource = key, .delta = generate_chance(generator, 500) ? quantity : -(quantity / 2)};
        break;
    case OPCODE_STOCK_SET:
        *(struct msg_stock_set_req *)to = (struct msg_stock_set_req){
            .resource = key,
            .expected = generate_chance(generator, 700) ? -1 : draw_quantity(generator),
            .value = generate_chance(generator, 100) ? 0 : quantity};
        break;
    case OPCODE_STOCK_WRITE_OFF:
        *(struct msg_stock_write_off_req *)to =
            (struct msg_stock_write_off_req){.resource = key, .quantity = quantity};
        break;
    default: memcpy(to, &key, sizeof key); break;
    }
}

static void draw_life(struct generator *generator, u16 opcode, void *to)
{
    const struct aim aim = draw_aim(generator);
    const struct id128 id = generate_chance(generator, 200) ? (struct id128){0, 0} : aim.id;
    switch (opcode) {
    case OPCODE_HOLD_EXTEND:
        *(struct msg_hold_extend_req *)to =
            (struct msg_hold_extend_req){aim.key, aim.id, aim.owner, draw_lease(generator)};
        break;
    case OPCODE_HOLD_CONFIRM:
        *(struct msg_hold_confirm_req *)to = (struct msg_hold_confirm_req){
            aim.key, aim.id, aim.owner, aim.order,
            generate_chance(generator, 400) ? 0 : draw_part(generator, aim.quantity)};
        break;
    case OPCODE_HOLD_RELEASE:
        *(struct msg_hold_release_req *)to =
            (struct msg_hold_release_req){aim.key, aim.id, aim.owner, aim.order};
        break;
    case OPCODE_HOLD_GET:
        *(struct msg_hold_get_req *)to = (struct msg_hold_get_req){aim.key, aim.id};
        break;
    case OPCODE_ALLOC_SHIP:
        *(struct msg_alloc_ship_req *)to =
            (struct msg_alloc_ship_req){aim.key, id, draw_part(generator, aim.quantity)};
        break;
    case OPCODE_ALLOC_CANCEL:
        *(struct msg_alloc_cancel_req *)to =
            (struct msg_alloc_cancel_req){aim.key, id, draw_part(generator, aim.quantity)};
        break;
    case OPCODE_ALLOC_RETURN:
        *(struct msg_alloc_return_req *)to = (struct msg_alloc_return_req){
            .resource = aim.key,
            .id = id,
            .quantity = draw_part(generator, aim.quantity),
            .disposition = (u16)generate_below(generator, is_bad(generator) ? 4 : 2)};
        break;
    default: PANIC("an operation that the generator does not know");
    }
}

u32 generate_record(struct generator *generator, const struct message_info *info, u8 *to,
                    u32 capacity)
{
    u64 fixed[32] = {0};
    MUST(info->request.fixed_bytes <= sizeof fixed);
    switch (info->code) {
    case OPCODE_SESSION_OPEN: break;
    case OPCODE_SKU_PUT: return write_sku_put(generator, info, to, capacity);
    case OPCODE_PRODUCT_PUT: return write_product_put(generator, info, to, capacity);
    case OPCODE_PRODUCT_PATCH: return write_product_patch(generator, info, to, capacity);
    case OPCODE_PRODUCT_GET: fixed[0] = draw_product(generator); break;
    case OPCODE_PRODUCT_DELETE:
        fixed[0] = draw_product(generator);
        fixed[1] = draw_if_version(generator);
        break;
    case OPCODE_TAKE:
    case OPCODE_HOLD: draw_hold(generator, info->code, (void *)fixed); break;
    case OPCODE_HOLD_BIND: draw_bind(generator, (void *)fixed); break;
    case OPCODE_STOCK_RECEIVE:
    case OPCODE_STOCK_ADJUST:
    case OPCODE_STOCK_SET:
    case OPCODE_STOCK_WRITE_OFF:
    case OPCODE_STOCK_GET:
    case OPCODE_SKU_GET: draw_stock(generator, info->code, fixed); break;
    default: draw_life(generator, info->code, fixed); break;
    }
    return frame_record_write(info, FRAME_DIRECTION_REQUEST, to, capacity, fixed, NULL);
}
