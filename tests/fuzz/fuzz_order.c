/* fuzz_order: well-formed operations of every class that the input chooses, on two shards with mail
 * between them: carts, settings, checkouts, workers, webhooks, parcels, returns, operators, time.
 *
 *      byte -> an operation with fields and rows from small pools (drawn by their names)
 *           or a checkout whose sums are right, a worker's poll and its result, mail, time
 *
 * At the end all mail is carried, verify must find nothing, and every shard, made again from its log and
 * from a dump of itself, must have the digest that it has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/town/town.h"

#define STEPS_MAX   300u
#define SKUS        4u
#define ORDERS      8u
#define LEASES      8u
#define ROWS_BYTES  2048u
#define FIXED_WORDS 48u
#define GBP         826u
#define NOW_MS      (1700000000ull * 1000)
#define COUPON      31u
#define GIFT_CARD   32u

struct run {
    struct fuzz_input input;
    struct town *town;
    struct msg_command_poll_rsp leased[LEASES]; /* the last ones */
    u32 lease_count;
    u8 rows[MESSAGE_SPANS_MAX][ROWS_BYTES];
};

static u64 draw(struct run *run, u64 limit)
{
    return fuzz_take(&run->input, 1) % limit;
}

static i64 price_of(u64 sku)
{
    return 100 * (i64)sku;
}

/* ---- pools ----------------------------------------------------------------------------------- */

static u64 draw_user(struct run *run)
{
    static const u64 users[] = {1, 2, 3, 0, ID_GUEST_BIT | 1, ID_GUEST_BIT | 2};
    return users[draw(run, ARRAY_COUNT(users))];
}

static struct id128 draw_order(struct run *run)
{
    const u64 choice = draw(run, 256);
    return (struct id128){.high = choice % 16 == 15 ? ID_GUEST_BIT | 1 : 1 + choice % 3,
                          .low = NOW_MS << 16 | choice / 3 % ORDERS};
}

static u64 draw_number(struct run *run)
{
    static const u64 edges[] = {(u64)QUANTITY_MAX,
                                (u64)QUANTITY_MAX + 1,
                                (u64)PRICE_MAX,
                                (u64)PRICE_MAX + 1,
                                UINT64_MAX,
                                UINT64_MAX - 1,
                                1ull << 63,
                                WAIT_MS_MAX + 1,
                                COMMAND_LEASE_MS_MAX,
                                LINE_NONE,
                                1000,
                                10000};
    const u64 choice = fuzz_take(&run->input, 1);
    if (choice < 220)
        return choice % 6;
    if (choice < 252)
        return edges[choice % ARRAY_COUNT(edges)];
    return fuzz_take(&run->input, 8);
}

static const struct msg_command_poll_rsp *draw_leased(struct run *run)
{
    static const struct msg_command_poll_rsp none;
    const u64 choice = draw(run, 256);
    return run->lease_count == 0 || choice > 230
               ? &none
               : &run->leased[choice % MIN(run->lease_count, LEASES)];
}

static struct text64 draw_text(struct run *run)
{
    static const char *const texts[] = {"", "a", "ref_1", "ref_2", "\xff", "tok"};
    const char *text = texts[draw(run, ARRAY_COUNT(texts))];
    return text64_of(text, strlen(text));
}

static bool name_is(const struct message_field *field, const char *name)
{
    return strcmp(field->name, name) == 0;
}

/* A number by the name of its field. */
static u64 draw_named(struct run *run, const struct message_field *field)
{
    if (name_is(field, "user_id") || name_is(field, "target_id"))
        return draw_user(run);
    if (name_is(field, "sku_id"))
        return draw(run, SKUS + 2);
    if (name_is(field, "currency"))
        return draw(run, 16) == 0 ? 978 : GBP;
    if (name_is(field, "coupon_id"))
        return COUPON * draw(run, 2);
    if (name_is(field, "account"))
        return GIFT_CARD * draw(run, 2);
    if (name_is(field, "if_version") || name_is(field, "cart_version"))
        return draw(run, 8) == 0 ? draw_number(run) : VERSION_ANY;
    if (name_is(field, "line"))
        return draw(run, 8) == 0 ? LINE_NONE : draw(run, 3);
    if (name_is(field, "home_id"))
        return 1 + draw(run, 4);
    if (name_is(field, "agreed_price") || name_is(field, "price_seen"))
        return draw(run, 4) == 0 ? draw_number(run) : UINT64_MAX;
    return draw_number(run);
}

static void draw_fields(struct run *run, const struct message_field *fields, u32 count, u8 *to)
{
    for (u32 i = 0, at = 0; i < count; at += fields[i++].bytes) {
        const struct message_field *field = &fields[i];
        if (field->text == NULL)
            continue; /* reserved */
        if (field->type == WIRE_KIND_id128) {
            const struct id128 order = draw_order(run);
            memcpy(to + at, &order, sizeof order);
        } else if (field->type == WIRE_KIND_resource) {
            const struct resource key = {.id = draw(run, SKUS + 2)};
            memcpy(to + at, &key, sizeof key);
        } else if (field->type == WIRE_KIND_text64) {
            const struct text64 text = draw_text(run);
            memcpy(to + at, &text, sizeof text);
        } else {
            const u64 number = draw_named(run, field);
            memcpy(to + at, &number, field->bytes);
        }
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static void draw_spans(struct run *run, const struct message_side *side, struct span *spans)
{
    for (u32 s = 0; s < side->span_count; s++) {
        const struct row_info *row = message_span_row(&side->spans[s]);
        const u32 count = (u32)draw(run, 4);
        memset(run->rows[s], 'a', ROWS_BYTES);
        if (row != NULL)
            memset(run->rows[s], 0, ROWS_BYTES);
        MUST(row == NULL || count * row->bytes <= ROWS_BYTES);
        for (u32 i = 0; row != NULL && i < count; i++)
            draw_fields(run, row->fields, row->field_count, run->rows[s] + i * row->bytes);
        const u32 bytes = row != NULL ? count * row->bytes : count;
        spans[s] = (struct span){run->rows[s], MIN(bytes, side->spans[s].bytes_max)};
    }
}

/* Any operation that a client may send, with anything in it. */
static void ask_anything(struct run *run)
{
    const struct message_info *info = message_at(fuzz_take(&run->input, 1) % MESSAGE_COUNT);
    u64 fixed[FIXED_WORDS] = {0};
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    if ((info->class != MESSAGE_CLASS_READ && info->class != MESSAGE_CLASS_WRITE) ||
        info->code == OPCODE_SESSION_OPEN)
        return;
    MUST(info->request.fixed_bytes <= sizeof fixed);
    draw_fields(run, info->request.fields, info->request.field_count, (u8 *)fixed);
    draw_spans(run, &info->request, spans);
    (void)town_ask(run->town, info->code, (u16)draw(run, 2), fixed, spans, NULL, NULL);
}

/* Lines at the price in force, and tenders that add up; half of them from a cart that is filled so. */
static void check_out(struct run *run)
{
    struct row_checkout_line lines[3] = {{0}};
    struct row_tender tenders[2] = {{0}};
    struct msg_checkout_req ask = {.order = draw_order(run), .currency = GBP};
    const u64 how = fuzz_take(&run->input, 1);
    const u32 count = 1 + (u32)(how % 3);
    u32 tender_count = 0;
    ask.from_cart = how >> 2 & 1;
    ask.capture = how >> 3 & 1;
    for (u32 i = 0; i < count; i++) {
        lines[i] = (struct row_checkout_line){
            .sku_id = 1 + draw(run, SKUS), .quantity = 1 + (i64)draw(run, 4), .agreed_price = -1};
        ask.expected_total += lines[i].quantity * price_of(lines[i].sku_id);
        const struct msg_cart_set_req set = {.user_id = ask.order.high,
                                             .sku_id = lines[i].sku_id,
                                             .quantity = lines[i].quantity,
                                             .price_seen = -1};
        if (ask.from_cart != 0)
            (void)town_ask(run->town, OPCODE_CART_SET, 0, &set, NULL, NULL, NULL);
    }
    const i64 gift = how >> 4 & 1 ? MIN(ask.expected_total, 1 + (i64)(how >> 5) * 100) : 0;
    if (gift != 0)
        tenders[tender_count++] = (struct row_tender){
            .account = GIFT_CARD, .amount = gift, .kind = TENDER_KIND_GIFT_CARD};
    if (gift < ask.expected_total)
        tenders[tender_count++] = (struct row_tender){.amount = ask.expected_total - gift};
    const struct span spans[MESSAGE_SPANS_MAX] = {
        [SPAN_OF(checkout_req, lines)] = {(const u8 *)lines,
                                          ask.from_cart != 0 ? 0 : count * (u32)sizeof lines[0]},
        [SPAN_OF(checkout_req, tenders)] = {(const u8 *)tenders,
                                            tender_count * (u32)sizeof tenders[0]}};
    (void)town_ask(run->town, OPCODE_CHECKOUT, 0, &ask, spans, NULL, NULL);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void poll(struct run *run)
{
    const struct msg_command_poll_req ask = {.lease_ms = draw(run, 4) * 1000};
    struct msg_command_poll_rsp *to = &run->leased[run->lease_count % LEASES];
    struct msg_command_poll_rsp reply;
    if (town_ask(run->town, OPCODE_COMMAND_POLL, (u16)draw(run, 2), &ask, NULL, &reply, NULL) !=
        STATUS_OK)
        return;
    *to = reply;
    run->lease_count++;
}

/* Mostly what it was asked for, else anything. */
static u16 draw_result(struct run *run, u16 kind)
{
    static const u16 results[] = {0,
                                  PAYMENT_EVENT_AUTHORIZED,
                                  PAYMENT_EVENT_CAPTURED,
                                  PAYMENT_EVENT_VOIDED,
                                  PAYMENT_EVENT_REFUNDED,
                                  PAYMENT_EVENT_NO_SUCH_PAYMENT};
    const u64 choice = draw(run, 64);
    return choice < 40 && kind < ARRAY_COUNT(results) ? results[kind] : (u16)(choice % 14);
}

static void report(struct run *run)
{
    const struct msg_command_poll_rsp *leased = draw_leased(run);
    const u64 how = fuzz_take(&run->input, 1);
    const bool is_query = leased->kind == COMMAND_KIND_QUERY;
    struct msg_payment_event_req event = {
        .order = how == 255 ? draw_order(run) : leased->order,
        .lease = how % 4 == 0 ? 0 : leased->lease,
        .amount = how % 16 == 3 ? (i64)draw_number(run) : leased->amount,
        .step = how % 8 == 4 ? 0
                : is_query   ? leased->subject
                             : leased->step,
        .attempt = how % 8 == 4 ? 0
                   : is_query   ? leased->subject_attempt
                                : leased->attempt,
        .kind = draw_result(run, is_query ? leased->subject_kind : leased->kind),
        .tender = leased->tender,
        .currency = GBP,
        .reference = draw_text(run)};
    (void)town_ask(run->town, OPCODE_PAYMENT_EVENT, 0, &event, NULL, NULL, NULL);
}

static void hand_back(struct run *run)
{
    const struct msg_command_poll_rsp *leased = draw_leased(run);
    const struct msg_command_nack_req nack = {.order = leased->order,
                                              .lease = leased->lease,
                                              .step = leased->step,
                                              .attempt = leased->attempt,
                                              .delay_ms = draw(run, 3) * 500};
    const struct msg_command_ack_req ack = {.order = leased->order,
                                            .lease = leased->lease,
                                            .step = leased->step,
                                            .attempt = leased->attempt};
    if (draw(run, 2) == 0)
        (void)town_ask(run->town, OPCODE_COMMAND_ACK, 0, &ack, NULL, NULL, NULL);
    else
        (void)town_ask(run->town, OPCODE_COMMAND_NACK, 0, &nack, NULL, NULL, NULL);
}

/* ---- parcels and returns --------------------------------------------------------------------- */

/* What a shop does with an order, with numbers that fit more often than not. */
static void handle(struct run *run)
{
    static const u16 opcodes[] = {
        OPCODE_FULFIL_CREATE, OPCODE_FULFIL_SHIP,   OPCODE_FULFIL_DELIVER, OPCODE_FULFIL_CANCEL,
        OPCODE_RETURN_OPEN,   OPCODE_RETURN_DECIDE, OPCODE_RETURN_RECEIVE, OPCODE_RETURN_REFUND,
        OPCODE_ORDER_CANCEL,  OPCODE_ORDER_RESOLVE, OPCODE_PAYMENT_REFUND, OPCODE_PAYMENT_CAPTURE};
    const u16 opcode = opcodes[draw(run, ARRAY_COUNT(opcodes))];
    const struct message_info *info = message_find(opcode);
    const struct row_line_quantity row = {.line = (u32)draw(run, 2),
                                          .quantity = 1 + (i64)draw(run, 2)};
    const u32 row_bytes = draw(run, 2) != 0 ? sizeof row : 0;
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)&row, row_bytes}};
    u64 fixed[FIXED_WORDS] = {0};
    draw_fields(run, info->request.fields, info->request.field_count, (u8 *)fixed);
    const struct id128 order = draw_order(run);
    memcpy(fixed, &order, sizeof order);
    (void)town_ask(run->town, opcode, 0, fixed, spans, NULL, NULL);
}

/* ---- the run --------------------------------------------------------------------------------- */

static void put(struct run *run, struct resource key, i64 price, i64 units)
{
    u8 code[2] = {'c', (u8)('0' + key.id)};
    const struct msg_sku_put_req ask = {.resource = key, .price = price, .currency = GBP};
    const struct span spans[MESSAGE_SPANS_MAX] = {{code, sizeof code}};
    const struct msg_stock_receive_req receive = {.resource = key, .quantity = units};
    town_write(run->town, OPCODE_SKU_PUT, 0, &ask, spans, NULL);
    town_write(run->town, OPCODE_STOCK_RECEIVE, 0, &receive, NULL, NULL);
}

/* Every run begins with goods and a coupon, else most inputs would say nothing. */
static void furnish(struct run *run)
{
    for (u64 id = 1; id <= SKUS; id++)
        put(run, (struct resource){.id = id}, price_of(id), 12);
    put(run, (struct resource){.id = COUPON, .kind = RESOURCE_KIND_COUPON}, 0, 2);
    put(run, (struct resource){.id = GIFT_CARD, .kind = RESOURCE_KIND_GIFT_CARD}, 0, 900);
    const struct msg_promotion_put_req promotion = {.home_id = 4,
                                                    .value = 10,
                                                    .coupon_id = COUPON,
                                                    .per_customer = 1,
                                                    .kind = PROMOTION_KIND_FIXED,
                                                    .currency = GBP,
                                                    .is_limited = 1,
                                                    .name = text64_of("off", 3)};
    town_write(run->town, OPCODE_PROMOTION_PUT, 0, &promotion, NULL, NULL);
    town_carry_all(run->town);
}

static u64 draw_wait_ns(struct run *run)
{
    static const u64 waits_s[] = {0, 0, 1, 2, 30, 60, 900, 3600};
    const u64 choice = draw(run, 256);
    return waits_s[choice % ARRAY_COUNT(waits_s)] * NS_PER_S + choice * NS_PER_MS;
}

static void run_step(struct run *run)
{
    switch (fuzz_take(&run->input, 1) % 16) {
    case 0:
    case 1: ask_anything(run); break;
    case 2:
    case 3: check_out(run); break;
    case 4:
    case 5: poll(run); break;
    case 6:
    case 7:
    case 8: report(run); break;
    case 9: hand_back(run); break;
    case 10:
    case 11: handle(run); break;
    case 12: town_wait(run->town, draw_wait_ns(run)); break;
    case 13: town_carry_all(run->town); break;
    default: (void)town_carry(run->town);
    }
}

static void check_end(struct run *run)
{
    town_carry_all(run->town);
    town_verify(run->town);
    for (u16 i = 0; i < run->town->options.shard_count; i++) {
        town_restart(run->town, i);
        town_thaw(run->town, i);
    }
    town_carry_all(run->town);
    town_verify(run->town);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    const struct town_options options = {.shard_count = 2, .seed = 1, .keeps_log = true};
    struct run *run = calloc(1, sizeof *run);
    MUST(run != NULL);
    run->input = (struct fuzz_input){data, bytes};
    run->town = town_open(&options);
    furnish(run);
    for (u32 i = 0; i < STEPS_MAX && run->input.left > 0; i++)
        run_step(run);
    check_end(run);
    town_close(run->town);
    free(run);
    return 0;
}
