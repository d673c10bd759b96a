/* cli_record: see client/cli/cli_record.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/cli_record.h"

#include <stdio.h>
#include <string.h>

#include "client/cli/cli.h"

/* ---- words ---- */

#define WORDS(name, ...)                                          \
    const char *name(u16 number)                                  \
    {                                                             \
        static const char *const words[] = {__VA_ARGS__};         \
        return number < ARRAY_COUNT(words) ? words[number] : "?"; \
    }
/* clang-format off */
WORDS(record_cart_state, "none", "active", "claimed", "frozen", "merging", "merged")
WORDS(record_merge_strategy, "?", "sum", "guest-wins", "user-wins", "max", "guest-if-user-empty")
WORDS(record_pour_outcome, "?", "added", "summed", "replaced", "kept", "clamped", "dropped: full",
      "dropped: currency", "removed")
WORDS(record_promotion_kind, "?", "percent", "fixed", "n-for-m", "free-shipping")
WORDS(record_cancel_reason, "?", "customer", "declined", "fraud", "inventory", "staff", "other",
      "expired")
static WORDS(review_state, "none", "pending", "approved", "rejected", "flagged")
static WORDS(resource_kind, "sku", "coupon", "gift-card", "credit", "allowance", "ad-budget")
static WORDS(amount_kind, "?", "base price", "price list", "agreed price", "promotion", "tax",
             "shipping", "fee", "free shipping")
static WORDS(capture_policy, "now", "ship")
static WORDS(tender_kind, "card", "gift-card", "credit")
static WORDS(payment_summary, "none", "part authorized", "authorized", "part paid", "paid",
             "refunding", "refunded", "unknown", "charged back")
static WORDS(fulfilment_summary, "none", "part shipped", "shipped", "delivered")
static WORDS(return_summary, "none", "requested", "part returned", "returned")
static WORDS(parcel_state, "?", "planned", "leaving", "shipped", "delivered", "cancelled", "short")
static WORDS(return_state, "?", "requested", "approved", "rejected", "received", "refunded")
static WORDS(part_kind, "?", "parcel", "return")
static WORDS(grant_state, "?", "held", "allocated", "released", "expired", "finished")
static WORDS(attribute_type, "?", "enum", "number", "bool", "text")
static WORDS(search_sort, "relevance", "price", "price-down", "newest", "popularity", "rating",
             "discount")
static WORDS(curation_kind, "?", "pin", "hide", "boost")
    /* clang-format on */

    /* ---- what fields mean ---- */

    enum form {
        FORM_PLAIN,
        FORM_ID,
        FORM_BOOL,
        FORM_CURRENCY,
        FORM_PROBLEMS,
        FORM_WORD,   /* the number's word */
        FORM_STATUS, /* null for 0 */
        FORM_STATE,  /* of an order; null for 0 */
        FORM_LINE    /* null for none */
    };

struct rule {
    const char *record; /* name of the operation or row; NULL = all others */
    const char *field;
    enum form form;
    const char *(*word)(u16 number);
};

/* The first that fits. */
static const struct rule rules[] = {
    {NULL, "currency", FORM_CURRENCY, NULL},
    {NULL, "user_id", FORM_ID, NULL},
    {NULL, "owner", FORM_ID, NULL},
    {NULL, "moved_to", FORM_ID, NULL},
    {NULL, "target_id", FORM_ID, NULL},
    {NULL, "sku_id", FORM_ID, NULL},
    {NULL, "product_id", FORM_ID, NULL},
    {NULL, "coupon_id", FORM_ID, NULL},
    {NULL, "group_id", FORM_ID, NULL},
    {NULL, "options", FORM_ID, NULL},
    {NULL, "account", FORM_ID, NULL},
    {NULL, "category_id", FORM_ID, NULL},
    {NULL, "parent_id", FORM_ID, NULL},
    {NULL, "rule", FORM_ID, NULL},
    {NULL, "price_rule", FORM_ID, NULL},
    {NULL, "is_settled", FORM_BOOL, NULL},
    {NULL, "is_off", FORM_BOOL, NULL},
    {NULL, "is_searched", FORM_BOOL, NULL},
    {NULL, "is_one_way", FORM_BOOL, NULL},
    {NULL, "is_part", FORM_BOOL, NULL},
    {"attribute_get", "type", FORM_WORD, attribute_type},
    {"collection_get", "sort", FORM_WORD, search_sort},
    {"curation_action", "kind", FORM_WORD, curation_kind},
    {NULL, "is_exclusive", FORM_BOOL, NULL},
    {NULL, "is_limited", FORM_BOOL, NULL},
    {NULL, "saved", FORM_BOOL, NULL},
    {NULL, "free_shipping", FORM_BOOL, NULL},
    {NULL, "problems", FORM_PROBLEMS, NULL},
    {NULL, "line", FORM_LINE, NULL},
    {NULL, "status", FORM_STATUS, NULL},
    {"pour_line", "outcome", FORM_WORD, record_pour_outcome},
    {NULL, "outcome", FORM_STATUS, NULL},
    {NULL, "summary", FORM_WORD, souk_summary_name},
    {NULL, "effect", FORM_WORD, souk_effect_name},
    {NULL, "payment", FORM_WORD, payment_summary},
    {NULL, "fulfilment", FORM_WORD, fulfilment_summary},
    {NULL, "returned", FORM_WORD, return_summary},
    {NULL, "capture", FORM_WORD, capture_policy},
    {"cart_get", "state", FORM_WORD, record_cart_state},
    {"cart_merge", "state", FORM_WORD, record_cart_state},
    {"cart_merge_status", "state", FORM_WORD, record_cart_state},
    {"command", "state", FORM_WORD, souk_command_state_name},
    {"order_tender", "state", FORM_WORD, souk_tender_state_name},
    {"parcel", "state", FORM_WORD, parcel_state},
    {"return", "state", FORM_WORD, return_state},
    {"hold_get", "state", FORM_WORD, grant_state},
    {"review_put", "state", FORM_WORD, review_state},
    {"review_moderate", "state", FORM_WORD, review_state},
    {"review_reply", "state", FORM_WORD, review_state},
    {"review_delete", "state", FORM_WORD, review_state},
    {"review_get", "state", FORM_WORD, review_state},
    {"review_brief", "state", FORM_WORD, review_state},
    {"review_edit", "state", FORM_WORD, review_state},
    {NULL, "moderator", FORM_ID, NULL},
    {NULL, "replied_by", FORM_ID, NULL},
    {NULL, "is_verified", FORM_BOOL, NULL},
    {NULL, "state", FORM_STATE, NULL},
    {"command", "kind", FORM_WORD, souk_command_kind_name},
    {"command_poll", "kind", FORM_WORD, souk_command_kind_name},
    {"command_poll", "subject_kind", FORM_WORD, souk_command_kind_name},
    {"amount", "kind", FORM_WORD, amount_kind},
    {"failed_line", "kind", FORM_WORD, resource_kind},
    {"order_tender", "kind", FORM_WORD, tender_kind},
    {"order_event", "kind", FORM_WORD, souk_history_name},
    {"part", "kind", FORM_WORD, part_kind},
    {"promotion_get", "kind", FORM_WORD, record_promotion_kind},
    {"checkout", "reason", FORM_STATUS, NULL},
    {"checkout_status", "reason", FORM_STATUS, NULL},
    {"order_get", "reason", FORM_STATUS, NULL},
    {"stuck", "reason", FORM_STATUS, NULL},
};

static const struct rule *find_rule(const char *record, const char *field)
{
    static const struct rule plain = {NULL, "", FORM_PLAIN, NULL};
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++)
        if (strcmp(rules[i].field, field) == 0 &&
            (rules[i].record == NULL || strcmp(rules[i].record, record) == 0))
            return &rules[i];
    return &plain;
}

/* ---- values ---- */

json_t *record_id(u64 id)
{
    char text[18];
    return id == 0 ? json_null() : json_string(value_print_user(id, text));
}

json_t *record_order(struct souk_id128 order)
{
    char text[SOUK_NUMBER_TEXT_MAX];
    return (order.low | order.high) == 0 ? json_null()
                                         : json_string(souk_order_number(order, text));
}

static json_t *problems_of(u64 bits)
{
    static const char *const words[] = {"price changed",   "out of stock",   "fewer than wanted",
                                        "no such SKU",     "other currency", "too many",
                                        "coupon not valid"};
    json_t *list = json_array();
    for (u32 i = 0; i < ARRAY_COUNT(words); i++)
        if ((bits >> i & 1) != 0)
            (void)json_array_append_new(list, json_string(words[i]));
    return list;
}

static json_t *number_of(const struct rule *rule, u64 number, bool is_signed)
{
    const u16 small = (u16)MIN(number, UINT16_MAX);
    switch (rule->form) {
    case FORM_ID: return record_id(number);
    case FORM_BOOL: return json_boolean(number != 0);
    case FORM_CURRENCY:
        return souk_currency_letters(small) == NULL ? json_null()
                                                    : json_string(souk_currency_letters(small));
    case FORM_PROBLEMS: return problems_of(number);
    case FORM_WORD: return json_string(rule->word(small));
    case FORM_STATUS: return small == 0 ? json_null() : json_string(souk_status_name(small));
    case FORM_STATE: return small == 0 ? json_null() : json_string(souk_state_name(small));
    case FORM_LINE: return number == LINE_NONE ? json_null() : json_integer((json_int_t)number);
    case FORM_PLAIN: break;
    }
    return is_signed ? json_integer((json_int_t)number) : cli_json_u64(number);
}

static json_t *value_of(const char *record, const struct message_field *field, const u8 *bytes)
{
    const struct rule *rule = find_rule(record, field->name);
    struct souk_id128 order;
    struct souk_text64 short_text;
    char text[SOUK_TEXT64_MAX];
    u64 number = 0;
    switch ((enum wire_type)field->type) {
    case WIRE_KIND_u16:
    case WIRE_KIND_u32:
    case WIRE_KIND_u64:
    case WIRE_KIND_i64:
        memcpy(&number, bytes, field->bytes);
        return number_of(rule, number, field->type == WIRE_KIND_i64);
    case WIRE_KIND_id128: memcpy(&order, bytes, sizeof order); return record_order(order);
    case WIRE_KIND_resource: break;
    case WIRE_KIND_text64:
        memcpy(&short_text, bytes, sizeof short_text);
        return json_string(souk_text64_print(&short_text, text));
    }
    return json_null();
}

static void add_fields(json_t *object, const char *record, const struct message_field *fields,
                       u32 count, const u8 *bytes)
{
    for (u32 i = 0; i < count; i++) {
        if (fields[i].text != NULL) {
            json_t *value = value_of(record, &fields[i], bytes);
            (void)json_object_set_new(object, fields[i].name, value == NULL ? json_null() : value);
        }
        bytes += fields[i].bytes;
    }
}

/* A command has a key, which is more use than its parts. */
static void add_key(json_t *object, struct souk_id128 order, u32 step, u32 attempt)
{
    char key[SOUK_KEY_TEXT_MAX];
    if (step != 0)
        (void)json_object_set_new(object, "key",
                                  json_string(souk_command_key(order, step, attempt, key)));
}

json_t *record_rows(const char *name, struct souk_text rows)
{
    const struct row_info *info = row_find(name, strlen(name));
    json_t *list = json_array();
    u8 row[512];
    MUST(info != NULL && info->bytes <= sizeof row);
    for (u32 i = 0; souk_row_at(rows, info->bytes, i, row); i++) {
        json_t *object = json_object();
        add_fields(object, name, info->fields, info->field_count, row);
        if (strcmp(name, "command") == 0) {
            struct souk_row_command command;
            memcpy(&command, row, sizeof command);
            add_key(object, command.order, command.step, command.attempt);
        }
        (void)json_array_append_new(list, object);
    }
    return list;
}

json_t *record_reply(u16 op, const void *reply)
{
    const struct message_info *info = message_find(op);
    MUST(info != NULL);
    const u8 *bytes = reply;
    const struct message_side *side = &info->reply;
    json_t *object = json_object();
    add_fields(object, info->name, side->fields, side->field_count,
               bytes + sizeof(struct record_status));
    for (u32 i = 0; i < side->span_count; i++) {
        struct souk_text text;
        memcpy(&text, bytes + side->fixed_bytes + i * sizeof text, sizeof text);
        const struct row_info *row = message_span_row(&side->spans[i]);
        json_t *value = row != NULL ? record_rows(row->name, text) : cli_json_text(text);
        (void)json_object_set_new(object, side->spans[i].name, value == NULL ? json_null() : value);
    }
    if (op == OPCODE_COMMAND_POLL) {
        struct souk_command_poll_reply command;
        memcpy(&command, reply, sizeof command);
        add_key(object, command.order, command.step, command.attempt);
    }
    return object;
}
