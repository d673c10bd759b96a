/* souk_header: prints the generated section of client/lib/souk.h.
 *
 *      souk_header FILE          prints FILE with the section between its two marker lines renewed
 *      souk_header --check FILE  exits 1 when the section of FILE is not what would be printed
 *
 * The public header must not include anything of proto/, and must be readable as text by people and
 * by binding generators; so what proto/messages.def and proto/fields_*.h declare once is expanded
 * here, by the same macros, instead of in the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/messages.h"
#include "proto/status.h"

#define MARK_BEGIN "/* generated: begin"
#define MARK_END   "/* generated: end"
#define COLUMNS    100

static const char *type_name(u8 type)
{
    static const char *const names[] = {
        [WIRE_KIND_u16] = "uint16_t",
        [WIRE_KIND_u32] = "uint32_t",
        [WIRE_KIND_u64] = "uint64_t",
        [WIRE_KIND_i64] = "int64_t",
        [WIRE_KIND_id128] = "struct souk_id128",
        [WIRE_KIND_resource] = "struct souk_resource",
        [WIRE_KIND_text64] = "struct souk_text64",
    };
    MUST(type < ARRAY_COUNT(names));
    return names[type];
}

/* A member and its comment, on one line if that fits. */
static void print_member(FILE *to, const char *type, const char *name, const char *text)
{
    const size_t width = 4 + strlen(type) + 1 + strlen(name) + 1 + 4 + strlen(text) + 3;
    if (width <= COLUMNS)
        (void)fprintf(to, "    %s %s; /* %s */\n", type, name, text);
    else
        (void)fprintf(to, "    /* %s */\n    %s %s;\n", text, type, name);
}

static void print_fields(FILE *to, const struct message_field *fields, u32 count)
{
    for (u32 i = 0; i < count; i++)
        print_member(to, type_name(fields[i].type), fields[i].name,
                     fields[i].text != NULL ? fields[i].text : "reserved: 0");
}

static void print_side(FILE *to, const struct message_side *side)
{
    print_fields(to, side->fields, side->field_count);
    for (u32 i = 0; i < side->span_count; i++) {
        char text[240];
        const struct row_info *row = message_span_row(&side->spans[i]);
        if (row != NULL)
            (void)snprintf(text, sizeof text, "at most %u struct souk_row_%s; %s",
                           side->spans[i].bytes_max / row->bytes, row->name, side->spans[i].text);
        else
            (void)snprintf(text, sizeof text, "at most %u bytes; %s", side->spans[i].bytes_max,
                           side->spans[i].text);
        print_member(to, "struct souk_text", side->spans[i].name, text);
    }
}

/* Between shards: not for clients. */
static bool is_internal(const struct message_info *info)
{
    return info->class == MESSAGE_CLASS_MAIL || info->class == MESSAGE_CLASS_PART;
}

/* The calls of an operation: those without a key take the shard, or none. */
static void print_calls(FILE *to, const struct message_info *info)
{
    const char *name = info->name;
    const char *shard = info->route == MESSAGE_ROUTE_SHARD ? "uint16_t shard, " : "";
    (void)fprintf(to,
                  "int souk_%s(struct souk_client *client, %sconst struct souk_%s *record,\n"
                  "    struct souk_%s_reply *reply);\n",
                  name, shard, name, name);
    (void)fprintf(to,
                  "int souk_%s_async(struct souk_client *client, %sconst struct souk_%s *record,\n"
                  "    souk_callback *callback, void *context);\n",
                  name, shard, name);
    if (info->route == MESSAGE_ROUTE_NONE || (*shard != '\0' && info->records_max == 1))
        return;
    (void)fprintf(to,
                  "int souk_%s_batch(struct souk_client *client, %sconst struct souk_%s *records,\n"
                  "    uint32_t count, struct souk_%s_reply *replies, uint32_t flags);\n",
                  name, shard, name, name);
}

static void print_operation(FILE *to, const struct message_info *info)
{
    (void)fprintf(to, "\n/* %s: %s */\n", info->name, info->summary);
    (void)fprintf(to, "struct souk_%s {\n", info->name);
    print_side(to, &info->request);
    (void)fprintf(to, "};\nstruct souk_%s_reply {\n", info->name);
    (void)fprintf(to, "    uint16_t status; /* enum souk_status */\n");
    (void)fprintf(to, "    uint16_t flags; /* enum souk_flag */\n");
    (void)fprintf(to, "    uint32_t retry_after_ms;\n");
    print_side(to, &info->reply);
    if (info->reply.span_count != 0)
        print_member(to, "void", "*memory", "of the texts; give it to souk_free()");
    (void)fprintf(to, "};\n");
    print_calls(to, info);
}

static void print_upper(FILE *to, const char *name)
{
    for (; *name != '\0'; name++)
        (void)fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, to);
}

static void print_rows(FILE *to)
{
    const struct row_info *row;
    (void)fprintf(to,
                  "\n/* Rows: what texts that are tables are made of, one after the other. */\n");
    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        (void)fprintf(to, "/* %s */\nstruct souk_row_%s {\n", row->summary, row->name);
        print_fields(to, row->fields, row->field_count);
        (void)fprintf(to, "};\n");
    }
}

/* What proto/saga.def lists. */
struct saga_entry {
    const char *name;
    const char *text;
    u32 number;
};

static void print_entries(FILE *to, const char *name, const struct saga_entry *entries,
                          size_t count)
{
    (void)fprintf(to, "enum souk_%s {\n", name);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(to, "    SOUK_");
        print_upper(to, name);
        (void)fprintf(to, "_%s = %u, /* %s */\n", entries[i].name, entries[i].number,
                      entries[i].text);
    }
    (void)fprintf(to, "};\n");
}

#define ENTRY(number_, NAME, text_) {.name = #NAME, .text = text_, .number = number_},
static void print_saga(FILE *to)
{
    static const struct saga_entry states[] = {
#define STATE(number_, NAME, KIND, meaning) ENTRY(number_, NAME, meaning)
#include "proto/saga.def"
    };
    static const struct saga_entry summaries[] = {
#define SUMMARY(number_, NAME, meaning) ENTRY(number_, NAME, meaning)
#include "proto/saga.def"
    };
    static const struct saga_entry history[] = {
#define HISTORY(number_, NAME, words) ENTRY(number_, NAME, words)
#include "proto/saga.def"
    };
    (void)fprintf(to, "\n/* States of an order; docs/orders.md has the ways between them. */\n");
    print_entries(to, "state", states, ARRAY_COUNT(states));
    (void)fprintf(to, "\n/* What an order has come to, in short. */\n");
    print_entries(to, "summary", summaries, ARRAY_COUNT(summaries));
    (void)fprintf(
        to, "\n/* Kinds of events in an order's history. In their words %%v is the value as\n"
            " * money, %%n as a number, %%w the field what, %%s the status, %%t the text. */\n");
    print_entries(to, "history", history, ARRAY_COUNT(history));
}

static void print_section(FILE *to)
{
    (void)fprintf(to, "/* What an answer says; docs/errors.md has causes and what to do. */\n");
    (void)fprintf(to, "enum souk_status {\n");
    const struct status_info *status;
    for (size_t i = 0; (status = status_at(i)) != NULL; i++)
        (void)fprintf(to, "    SOUK_%s = %u, /* %s: %s */\n", status->name, status->number,
                      status_class_name(status->class), status->meaning);
    (void)fprintf(to, "};\n\n/* The operations, for souk_call() and souk_submit(). */\n");
    (void)fprintf(to, "enum souk_op {\n");
    const struct message_info *info;
    for (size_t i = 0; (info = message_at(i)) != NULL; i++) {
        if (is_internal(info))
            continue;
        (void)fprintf(to, "    SOUK_OP_");
        print_upper(to, info->name);
        (void)fprintf(to, " = 0x%04X,\n", info->code);
    }
    (void)fprintf(to, "};\n");
    print_saga(to);
    print_rows(to);
    for (size_t i = 0; (info = message_at(i)) != NULL; i++)
        if (!is_internal(info))
            print_operation(to, info);
}

/* Copies `from` to `to` with the section renewed. Returns false where the markers are missing. */
static bool renew(FILE *from, FILE *to)
{
    char line[1024];
    bool in_section = false;
    bool is_done = false;
    while (fgets(line, sizeof line, from) != NULL) {
        if (strncmp(line, MARK_END, strlen(MARK_END)) == 0) {
            is_done = in_section;
            in_section = false;
        }
        if (!in_section)
            (void)fputs(line, to);
        if (strncmp(line, MARK_BEGIN, strlen(MARK_BEGIN)) == 0) {
            in_section = true;
            print_section(to);
        }
    }
    return is_done;
}

/* Whether both streams have the same bytes. */
static bool same(FILE *a, FILE *b)
{
    int x;
    int y;
    do {
        x = fgetc(a);
        y = fgetc(b);
    } while (x == y && x != EOF);
    return x == y;
}

int main(int count, char **arguments)
{
    const bool is_check = count == 3 && strcmp(arguments[1], "--check") == 0;
    if (count != 2 && !is_check) {
        (void)fprintf(stderr, "usage: souk_header [--check] client/lib/souk.h\n");
        return 2;
    }
    const char *path = arguments[count - 1];
    FILE *from = fopen(path, "r");
    if (from == NULL) {
        perror(path);
        return 2;
    }
    FILE *to = is_check ? tmpfile() : stdout;
    if (to == NULL || !renew(from, to)) {
        (void)fprintf(stderr, "%s: the marker lines are missing\n", path);
        return 2;
    }
    if (!is_check)
        return fflush(stdout) == 0 ? 0 : 2;
    rewind(from);
    rewind(to);
    if (same(from, to))
        return 0;
    (void)fprintf(stderr, "%s: the generated section is stale: run `make docs`\n", path);
    return 1;
}

void base_panic(const char *what, const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: %s failed: %s\n", file, line, what, condition);
    abort();
}
