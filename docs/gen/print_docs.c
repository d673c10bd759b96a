/* print_docs: prints the generated parts of the documents from the .def files.
 *
 *      print_docs operations | fields | statuses | limits | options | options-man
 *
 * docs/gen/splice.sh puts what it prints between the markers of a document, so that a table can
 * never say something else than the code. Used by `make docs` and `make docs-check`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/messages.h"
#include "proto/saga.h"
#include "proto/status.h"

static const char *class_name(enum message_class class)
{
    switch (class) {
    case MESSAGE_CLASS_CONTROL: return "control";
    case MESSAGE_CLASS_READ: return "read";
    case MESSAGE_CLASS_WRITE: return "write";
    case MESSAGE_CLASS_GATHER: return "gather";
    case MESSAGE_CLASS_PART: return "part";
    case MESSAGE_CLASS_MAIL: return "mail";
    }
    return "?";
}

static const char *route_name(enum message_route route)
{
    switch (route) {
    case MESSAGE_ROUTE_NONE: return "-";
    case MESSAGE_ROUTE_SHARD: return "header";
    case MESSAGE_ROUTE_RESOURCE: return "resource";
    case MESSAGE_ROUTE_PRODUCT: return "product_id";
    case MESSAGE_ROUTE_USER: return "user_id";
    case MESSAGE_ROUTE_ORDER: return "order (high half)";
    case MESSAGE_ROUTE_ALIAS: return "alias_id";
    case MESSAGE_ROUTE_ANY: return "any";
    case MESSAGE_ROUTE_ALL: return "home_id";
    }
    return "?";
}

static const char *type_name(u8 type)
{
    static const char *const names[] = {"u16", "u32", "u64", "i64", "id128", "resource", "text64"};
    return type < ARRAY_COUNT(names) ? names[type] : "?";
}

static void print_operations(void)
{
    printf("| code | operation | class | routed by | records | request bytes | reply bytes | what "
           "it does |\n|---|---|---|---|---|---|---|---|\n");
    const struct message_info *info;
    for (size_t i = 0; (info = message_at(i)) != NULL; i++)
        printf("| 0x%04X | `%s` | %s | %s | %u | %u%s | %u%s | %s |\n", info->code, info->name,
               class_name(info->class), route_name(info->route), info->records_max,
               info->request.fixed_bytes, info->request.span_count != 0 ? " + spans" : "",
               info->reply.fixed_bytes, info->reply.span_count != 0 ? " + spans" : "",
               info->summary);
}

static void print_span(u32 index, const struct message_span *span)
{
    const struct row_info *row = message_span_row(span);
    if (row != NULL)
        printf("| span %u | 4 + n | rows of %s | %s | at most %u rows: %s |\n", index, row->name,
               span->name, span->bytes_max / row->bytes, span->text);
    else
        printf("| span %u | 4 + n | bytes | %s | at most %u bytes: %s |\n", index, span->name,
               span->bytes_max, span->text);
}

static void print_side(const struct message_side *side, const char *title, u32 offset)
{
    printf("\n%s\n\n| offset | bytes | type | field | meaning |\n|---|---|---|---|---|\n", title);
    if (offset != 0)
        printf("| 0 | 2 | u16 | status | status of this record |\n"
               "| 2 | 2 | u16 | flags | bit 0: REPLAYED |\n"
               "| 4 | 4 | u32 | retry_after_ms | when to ask again, 0 = nothing to say |\n");
    for (u32 i = 0; i < side->field_count; i++) {
        const struct message_field *field = &side->fields[i];
        printf("| %u | %u | %s | %s | %s |\n", offset, field->bytes, type_name(field->type),
               field->name, field->text == NULL ? "reserved, 0" : field->text);
        offset += field->bytes;
    }
    for (u32 i = 0; i < side->span_count; i++)
        print_span(i, &side->spans[i]);
}

static void print_rows(void)
{
    const struct row_info *row;
    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        printf("%s### Row %s\n\n%s; %u bytes.\n\n| offset | bytes | type | field | meaning "
               "|\n|---|---|---|---|---|\n",
               i == 0 ? "" : "\n", row->name, row->summary, row->bytes);
        u32 offset = 0;
        for (u32 f = 0; f < row->field_count; f++) {
            const struct message_field *field = &row->fields[f];
            printf("| %u | %u | %s | %s | %s |\n", offset, field->bytes, type_name(field->type),
                   field->name, field->text == NULL ? "reserved, 0" : field->text);
            offset += field->bytes;
        }
    }
}

/* The states, and every way from one to the next. */
static void print_saga(void)
{
    static const char *const kinds[] = {"?", "moving", "waiting", "resting"};
    printf("| state | name | kind | meaning |\n|---|---|---|---|\n");
    for (u16 number = 1; number < SAGA_STATE_COUNT; number++) {
        const struct saga_state_info *state = saga_state_find(number);
        if (state != NULL)
            printf("| %u | `%s` | %s | %s |\n", number, state->name, kinds[state->kind],
                   state->meaning);
    }
    printf("\n| from | event | to | what it means |\n|---|---|---|---|\n");
    const struct saga_transition *way;
    for (size_t i = 0; (way = saga_transition_at(i)) != NULL; i++)
        printf("| `%s` | %s | `%s` | %s |\n", saga_state_name(way->from), way->event,
               saga_state_name(way->to), way->text);
}

static void print_fields(void)
{
    const struct message_info *info;
    for (size_t i = 0; (info = message_at(i)) != NULL; i++) {
        printf("%s### %s (0x%04X)\n\n%s; %s, at most %u records per frame.\n", i == 0 ? "" : "\n",
               info->name, info->code, info->summary, class_name(info->class), info->records_max);
        print_side(&info->request, "Request record", 0);
        print_side(&info->reply, "Reply record", (u32)sizeof(struct record_status));
    }
}

static void print_statuses(void)
{
    printf("| number | name | class | meaning | cause | what the caller does |\n"
           "|---|---|---|---|---|---|\n");
    const struct status_info *info;
    for (size_t i = 0; (info = status_at(i)) != NULL; i++)
        printf("| %u | `%s` | %s | %s | %s | %s |\n", info->number, info->name,
               status_class_name(info->class), info->meaning, info->cause, info->action);
}

static void print_limits(void)
{
#define LIMIT(name, text) printf("| `%s` | %llu | %s |\n", #name, (unsigned long long)(name), text)
    printf("| limit | value | what |\n|---|---|---|\n");
    LIMIT(FRAME_BYTES_MAX, "bytes of a frame");
    LIMIT(FRAME_RECORDS_MAX, "records in a frame; operations with large replies take fewer");
    LIMIT(CODE_BYTES_MAX, "bytes of a code");
    LIMIT(TITLE_BYTES_MAX, "bytes of a title");
    LIMIT(BRAND_BYTES_MAX, "bytes of a brand");
    LIMIT(CATEGORY_BYTES_MAX, "bytes of a category path");
    LIMIT(ATTRIBUTES_BYTES_MAX, "bytes of all attributes of a product");
    LIMIT(QUANTITY_MAX, "units in one command");
    LIMIT(COUNTER_MAX, "units in any counter or sum");
    LIMIT(PRICE_MAX, "minor units of a price");
    LIMIT(LEASE_MS_MAX, "ms of a lease or a hold's life");
    LIMIT(LEASE_MS_DEFAULT, "ms of a lease where neither command nor SKU names one");
    LIMIT(HOLD_LIFE_MS_DEFAULT, "ms of a hold's life where none is named");
    LIMIT(GRANT_RETENTION_MS, "ms that a finished hold or allocation is remembered");
    LIMIT(ID_FUTURE_MS_MAX, "ms that the time in an id may be ahead of the server");
    LIMIT(CART_LINES_MAX, "lines of a cart");
    LIMIT(ORDER_LINES_MAX, "lines of an order");
    LIMIT(ORDER_CHARGES_MAX, "charges (tax, shipping, fees) of an order");
    LIMIT(ORDER_TENDERS_MAX, "tenders of an order");
    LIMIT(ORDER_COUPONS_MAX, "coupons of a cart or order");
    LIMIT(ORDER_PARCELS_MAX, "parcels of an order, and as many returns");
    LIMIT(ORDER_EVENTS_MAX, "events in an order's history");
    LIMIT(ADDRESS_BYTES_MAX, "bytes of the addresses of an order");
    LIMIT(PRICE_TIERS_MAX, "tiers of a price");
    LIMIT(PROMOTIONS_MAX, "promotions of a shop that are on");
    LIMIT(LIST_PAGE_ROWS, "rows of one page of a listing");
    LIMIT(WAIT_MS_MAX, "ms that a read may wait");
    LIMIT(COMMAND_LEASE_MS_MAX, "ms of a worker's lease on a command");
    LIMIT(SHARDS_MAX, "shards of a data directory");
    LIMIT(REACTORS_MAX, "reactors of a server");
    LIMIT(SESSIONS_PER_SHARD_MAX, "sessions that a shard remembers; the least recently used goes");
    LIMIT(SESSION_WINDOW_FRAMES, "frames of a session on a shard beyond acked_seq");
    LIMIT(SESSION_REPLY_BYTES_MAX, "bytes of replies kept for a session on a shard");
    LIMIT(LOG_SEGMENT_BYTES, "bytes of a log segment");
    LIMIT(LOG_BATCH_BYTES_MAX, "bytes of commands in one log write");
#undef LIMIT
}

/* One line of engine/options.def. */
struct option_line {
    const char *name, *argument, *initial, *help;
};
static const struct option_line options[] = {
#define OPTION(name, field, KIND, argument, initial, help) {name, argument, initial, help},
#include "engine/options.def"
#undef OPTION
};

static void print_options(void)
{
    printf("| option | argument | default | what |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_COUNT(options); i++)
        printf("| `--%s` | %s | %s | %s |\n", options[i].name, options[i].argument,
               options[i].initial, options[i].help);
}

/* In the macros of man(7); a hyphen that is typed is written as \-. */
static void print_hyphens(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '-')
            printf("\\-");
        else
            (void)putchar(*text);
}

static void print_options_man(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        printf(".TP\n.B \\-\\-");
        print_hyphens(options[i].name);
        printf("%s%s\n", options[i].argument[0] == '\0' ? "" : " ", options[i].argument);
        print_hyphens(options[i].help);
        if (options[i].initial[0] != '\0') {
            printf(". Default: ");
            print_hyphens(options[i].initial);
        }
        printf(".\n");
    }
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "operations") == 0)
        print_operations();
    else if (strcmp(what, "fields") == 0)
        print_fields();
    else if (strcmp(what, "rows") == 0)
        print_rows();
    else if (strcmp(what, "saga") == 0)
        print_saga();
    else if (strcmp(what, "statuses") == 0)
        print_statuses();
    else if (strcmp(what, "limits") == 0)
        print_limits();
    else if (strcmp(what, "options") == 0)
        print_options();
    else if (strcmp(what, "options-man") == 0)
        print_options_man();
    else {
        (void)fprintf(
            stderr,
            "usage: print_docs operations|fields|rows|saga|statuses|limits|options|options-man\n");
        return 2;
    }
    return 0;
}
