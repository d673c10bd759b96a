/* print: see proto/print.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/text.h"

/* Where the text goes; `at` stops at capacity - 1. */
struct printer {
    char *to;
    size_t at;
    size_t capacity;
};

static void PRINTF(2, 3) add(struct printer *printer, const char *format, ...)
{
    if (printer->at + 1 >= printer->capacity)
        return;
    va_list list;
    va_start(list, format);
    const int count =
        vsnprintf(printer->to + printer->at, printer->capacity - printer->at, format, list);
    va_end(list);
    if (count > 0)
        printer->at = MIN(printer->at + (size_t)count, printer->capacity - 1);
}

static struct printer printer_begin(char *to, size_t capacity)
{
    MUST(capacity > 0);
    to[0] = '\0';
    return (struct printer){.to = to, .capacity = capacity};
}

static void add_resource(struct printer *printer, struct resource key)
{
    static const char *const kinds[RESOURCE_KIND_COUNT] = {"sku",    "coupon",    "gift_card",
                                                           "credit", "allowance", "ad_budget"};
    if (key.kind < RESOURCE_KIND_COUNT)
        add(printer, "%s:%llu", kinds[key.kind], (unsigned long long)key.id);
    else
        add(printer, "kind%u:%llu", key.kind, (unsigned long long)key.id);
    if (key.tenant != 0 || key.location != 0)
        add(printer, "(tenant %u, location %u)", key.tenant, key.location);
}

static void add_id(struct printer *printer, struct id128 id)
{
    if (id128_is_none(id))
        add(printer, "0");
    else
        add(printer, "%016llx-%016llx", (unsigned long long)id.high, (unsigned long long)id.low);
}

static void add_text(struct printer *printer, const char *name, struct span span)
{
    add(printer, " %s=\"", name);
    for (u32 i = 0; i < span.bytes; i++) {
        const u8 byte = span.data[i];
        if (byte == '"' || byte == '\\')
            add(printer, "\\%c", byte);
        else if (byte >= 0x20 && byte < 0x7F)
            add(printer, "%c", byte);
        else
            add(printer, "\\x%02x", byte);
    }
    add(printer, "\"");
}

static void add_field(struct printer *printer, const struct message_field *field, const u8 *bytes)
{
    union {
        u16 n16;
        u32 n32;
        u64 n64;
        i64 signed64;
        struct id128 id;
        struct resource key;
        struct text64 text;
    } value;
    memcpy(&value, bytes, field->bytes);
    if (field->type == WIRE_KIND_text64) {
        const struct span text = {value.text.bytes, text64_bytes(&value.text)};
        add_text(printer, field->name, text);
        return;
    }
    add(printer, " %s=", field->name);
    switch ((enum wire_type)field->type) {
    case WIRE_KIND_u16: add(printer, "%u", value.n16); break;
    case WIRE_KIND_u32: add(printer, "%u", value.n32); break;
    case WIRE_KIND_u64: add(printer, "%llu", (unsigned long long)value.n64); break;
    case WIRE_KIND_i64: add(printer, "%lld", (long long)value.signed64); break;
    case WIRE_KIND_id128: add_id(printer, value.id); break;
    case WIRE_KIND_resource: add_resource(printer, value.key); break;
    case WIRE_KIND_text64: break;
    }
}

static void add_status(struct printer *printer, const u8 *fixed)
{
    struct record_status head;
    memcpy(&head, fixed, sizeof head);
    if (status_find(head.status) != NULL)
        add(printer, " %s", status_name(head.status));
    else
        add(printer, " status=%u", head.status);
    if ((head.flags & RECORD_FLAG_REPLAYED) != 0)
        add(printer, " REPLAYED");
    if ((head.flags & ~RECORD_FLAG_REPLAYED) != 0)
        add(printer, " flags=0x%x", head.flags);
    if (head.retry_after_ms != 0)
        add(printer, " retry_after_ms=%u", head.retry_after_ms);
}

static void add_record(struct printer *printer, const struct message_info *info,
                       enum frame_direction direction, const struct record_view *view)
{
    const bool is_reply = direction == FRAME_DIRECTION_REPLY;
    const struct message_side *side = is_reply ? &info->reply : &info->request;
    u32 at = 0;
    add(printer, "%s", info->name);
    if (is_reply) {
        add_status(printer, view->fixed);
        at = sizeof(struct record_status);
    }
    for (u32 i = 0; i < side->field_count; i++) {
        if (side->fields[i].text != NULL)
            add_field(printer, &side->fields[i], view->fixed + at);
        at += side->fields[i].bytes;
    }
    for (u32 i = 0; i < side->span_count; i++)
        add_text(printer, side->spans[i].name, view->spans[i]);
}

char *print_record(const struct message_info *info, enum frame_direction direction,
                   const u8 *record, char *to, size_t capacity)
{
    struct printer printer = printer_begin(to, capacity);
    struct record_view view;
    u32 offset = 0;
    frame_record_next(info, direction, record, &offset, &view);
    add_record(&printer, info, direction, &view);
    return to;
}

char *print_records(const struct message_info *info, enum frame_direction direction, const u8 *body,
                    u32 count, char *to, size_t capacity)
{
    struct printer printer = printer_begin(to, capacity);
    u32 offset = 0;
    for (u32 i = 0; i < count; i++) {
        struct record_view view;
        frame_record_next(info, direction, body, &offset, &view);
        add_record(&printer, info, direction, &view);
        add(&printer, "\n");
    }
    return to;
}

static void add_number(struct printer *printer, const char *name, u64 value)
{
    if (value != 0)
        add(printer, " %s=%llu", name, (unsigned long long)value);
}

char *print_header(const struct frame_header *header, char *to, size_t capacity)
{
    struct printer printer = printer_begin(to, capacity);
    const struct message_info *info = message_find(header->opcode);
    const bool is_reply = (header->flags & FRAME_FLAG_REPLY) != 0;
    if (info != NULL)
        add(&printer, "%s %s", info->name, is_reply ? "reply" : "request");
    else
        add(&printer, "opcode 0x%04x %s", header->opcode, is_reply ? "reply" : "request");
    if (is_reply)
        add(&printer, " %s", status_name(header->status));
    if ((header->flags & FRAME_FLAG_LINKED) != 0)
        add(&printer, " LINKED");
    if ((header->flags & FRAME_FLAG_REPLAYED) != 0)
        add(&printer, " REPLAYED");
    add_number(&printer, "length", header->length);
    add_number(&printer, "shard", header->shard);
    add_number(&printer, "records", header->record_count);
    add_number(&printer, "deadline_ms", header->deadline_ms);
    add_number(&printer, "request_id", header->request_id);
    if (!id128_is_none(header->session)) {
        add(&printer, " session=");
        add_id(&printer, header->session);
    }
    add_number(&printer, "session_seq", header->session_seq);
    add_number(&printer, "acked_seq", header->acked_seq);
    add_number(&printer, "lsn", header->lsn);
    add_number(&printer, "time_ns", header->time_ns);
    add_number(&printer, "retry_after_ms", header->retry_after_ms);
    return to;
}
