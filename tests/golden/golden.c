/* golden: the bytes of frames, log batches and routes, pinned for ever.
 *
 *      golden DIR           checks DIR/frames.txt, batches.txt, routes.txt
 *      golden --write DIR   appends the vectors that are missing; never changes a line
 *
 * A vector is a line `name = value`; comments above it say in words what it is, so that the files
 * are enough to test a client in another language. A vector that the program no longer makes, or
 * makes otherwise, is a failure: what is on disk and on the wire cannot be changed, only added to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/print.h"
#include "proto/route.h"

#define VECTORS_MAX 1024u
#define WORDS_BYTES 16384u
#define ROW_BYTES   512u

struct vector {
    char *name;
    char *value;
    char *words;
    bool is_seen;
};

/* All vectors of one file. */
struct vectors {
    const char *file;
    const char *heading;
    struct vector items[VECTORS_MAX];
    u32 count;
};

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        PANIC("out of memory");
    return copy;
}

static void add_vector(struct vectors *vectors, const char *name, const char *value,
                       const char *words)
{
    MUST(vectors->count < VECTORS_MAX);
    vectors->items[vectors->count++] = (struct vector){
        .name = copy_text(name), .value = copy_text(value), .words = copy_text(words)};
}

static void add_bytes(struct vectors *vectors, const char *name, const u8 *bytes, u32 count,
                      const char *words)
{
    char *hex = malloc((size_t)count * 2 + 1);
    if (hex == NULL)
        PANIC("out of memory");
    for (u32 i = 0; i < count; i++)
        (void)snprintf(hex + (size_t)i * 2, 3, "%02x", bytes[i]);
    hex[(size_t)count * 2] = '\0';
    add_vector(vectors, name, hex, words);
    free(hex);
}

/* ---- Records: fields and texts that follow from their place alone ---- */

static void fill_field(const struct message_field *field, u32 index, u8 *to)
{
    const u16 n16 = (u16)(0x0101u + index);
    const u32 n32 = 0x00010001u + index;
    const u64 n64 = 0x0000000100000001ull + index;
    const i64 signed64 = index % 2 == 0 ? -(i64)(1000 + index) : (i64)(1000 + index);
    const struct id128 id = {0x0807060504030201ull + index, 0x018BCFE568007000ull + index};
    const struct text64 text = {"pi_3MtwBwLkdIwHu7ix28a3tqPa"};
    const struct resource key = {.id = id_from_code("85123A", 6)};
    switch ((enum wire_type)field->type) {
    case WIRE_KIND_u16: memcpy(to, &n16, sizeof n16); break;
    case WIRE_KIND_u32: memcpy(to, &n32, sizeof n32); break;
    case WIRE_KIND_u64: memcpy(to, &n64, sizeof n64); break;
    case WIRE_KIND_i64: memcpy(to, &signed64, sizeof signed64); break;
    case WIRE_KIND_id128: memcpy(to, &id, sizeof id); break;
    case WIRE_KIND_resource: memcpy(to, &key, sizeof key); break;
    case WIRE_KIND_text64: memcpy(to, &text, sizeof text); break;
    }
}

/* Two rows of a table. Returns their bytes. */
static u32 fill_rows(const struct row_info *row, u8 *to)
{
    u32 at = 0;
    MUST(row->bytes <= ROW_BYTES);
    memset(to, 0, 2 * ROW_BYTES);
    for (u32 i = 0; i < 2; i++)
        for (u32 f = 0; f < row->field_count; f++) {
            if (row->fields[f].text != NULL)
                fill_field(&row->fields[f], f + i * 16, to + at);
            at += row->fields[f].bytes;
        }
    return at;
}

/* Record number `record`: the second one has empty spans and, as a reply, another status. */
static u32 write_record(const struct message_info *info, enum frame_direction direction, u32 record,
                        u8 *to, u32 capacity)
{
    const bool is_reply = direction == FRAME_DIRECTION_REPLY;
    const struct message_side *side = is_reply ? &info->reply : &info->request;
    const struct record_status head = {.status = record == 0 ? STATUS_OK : STATUS_ALL_HELD,
                                       .flags = record == 0 ? RECORD_FLAG_REPLAYED : 0,
                                       .retry_after_ms = record == 0 ? 0 : 1500};
    u8 fixed[512] = {0};
    char texts[MESSAGE_SPANS_MAX][64];
    u8 rows[MESSAGE_SPANS_MAX][2 * ROW_BYTES];
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    u32 at = 0;
    MUST(side->fixed_bytes <= sizeof fixed);
    if (is_reply) {
        memcpy(fixed, &head, sizeof head);
        at = sizeof head;
    }
    for (u32 f = 0; f < side->field_count; f++) {
        if (side->fields[f].text != NULL)
            fill_field(&side->fields[f], f + record * 16, fixed + at);
        at += side->fields[f].bytes;
    }
    for (u32 s = 0; s < side->span_count && record == 0; s++) {
        const struct row_info *row = message_span_row(&side->spans[s]);
        if (row != NULL) {
            spans[s] = (struct span){rows[s], fill_rows(row, rows[s])};
            continue;
        }
        (void)snprintf(texts[s], sizeof texts[s], "%s \xC3\xA9%.*s", side->spans[s].name, (int)s,
                       "xyzxyz");
        spans[s] = (struct span){(const u8 *)texts[s], (u32)strlen(texts[s])};
    }
    return frame_record_write(info, direction, to, capacity, fixed, spans);
}

static u32 write_records(const struct message_info *info, enum frame_direction direction, u32 count,
                         u8 *to, u32 capacity)
{
    u32 bytes = 0;
    for (u32 i = 0; i < count; i++) {
        const u32 written = write_record(info, direction, i, to + bytes, capacity - bytes);
        MUST(written != 0);
        bytes += written;
    }
    return bytes;
}

/* ---- Frames ---- */

static struct frame_header frame_facts(const struct message_info *info,
                                       enum frame_direction direction, u32 count)
{
    const bool is_write = info->class == MESSAGE_CLASS_WRITE;
    struct frame_header header = {
        .opcode = info->code, .record_count = (u16)count, .request_id = 0x1122334455667788ull};
    header.shard = info->class == MESSAGE_CLASS_CONTROL ? 0 : 2;
    if (is_write) {
        header.session = (struct id128){0x1111111111111111ull, 0x2222222222222222ull};
        header.session_seq = 7;
        header.acked_seq = 5;
        header.flags = count > 1 ? FRAME_FLAG_LINKED : 0;
    }
    if (direction == FRAME_DIRECTION_REQUEST) {
        header.deadline_ms = 250;
        return header;
    }
    header.flags |= FRAME_FLAG_REPLY;
    if (is_write && count > 1)
        header.flags |= FRAME_FLAG_REPLAYED;
    header.lsn = 9000;
    header.time_ns = 1700000000ull * NS_PER_S + 1;
    return header;
}

static void add_frame(struct vectors *vectors, const char *name, u8 *frame, u32 length,
                      enum frame_direction direction)
{
    static char words[WORDS_BYTES], records[WORDS_BYTES / 2];
    struct frame_refusal refusal;
    if (!frame_valid(frame, length, direction, &refusal))
        PANIC(refusal.reason);
    const struct frame_header header = frame_header_read(frame);
    char line[512];
    records[0] = '\0';
    if (header.record_count != 0)
        print_records(message_find(header.opcode), direction, frame + FRAME_HEADER_BYTES,
                      header.record_count, records, sizeof records);
    (void)snprintf(words, sizeof words, "%s\n%s", print_header(&header, line, sizeof line),
                   records);
    add_bytes(vectors, name, frame, length, words);
}

static void make_frames(struct vectors *vectors)
{
    static u64 words[1024];
    u8 *frame = (u8 *)words;
    char name[64];
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->class == MESSAGE_CLASS_MAIL || info->class == MESSAGE_CLASS_PART)
            continue; /* never in a frame: make_mail; parts are never stored nor sent */
        for (u32 d = 0; d < 2; d++) {
            const enum frame_direction direction = (enum frame_direction)d;
            for (u32 count = 1; count <= MIN(info->records_max, 2); count++) {
                const struct frame_header header = frame_facts(info, direction, count);
                memcpy(frame, &header, sizeof header);
                const u32 length = FRAME_HEADER_BYTES +
                                   write_records(info, direction, count, frame + FRAME_HEADER_BYTES,
                                                 (u32)sizeof words - FRAME_HEADER_BYTES);
                frame_seal(frame, length);
                (void)snprintf(name, sizeof name, "%s.%s.%u", info->name,
                               d == 0 ? "request" : "reply", count);
                add_frame(vectors, name, frame, length, direction);
            }
        }
    }
    const struct frame_header asked =
        frame_facts(message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, 1);
    const u32 length = frame_write_refusal(frame, &asked, STATUS_MEMORY_LIMIT, 20,
                                           (struct frame_detail){1u << 30, (1u << 30) - 7});
    add_frame(vectors, "refusal", frame, length, FRAME_DIRECTION_REPLY);
}

/* ---- Log batches ---- */

static u32 add_entry(u8 *batch, u32 at, u16 opcode, u16 flags, u32 count, u64 seq)
{
    const struct message_info *info = message_find(opcode);
    struct entry_header entry = {.source = ENTRY_SOURCE_SESSION,
                                 .opcode = opcode,
                                 .flags = flags,
                                 .record_count = (u16)count,
                                 .session = {0x1111111111111111ull, 0x2222222222222222ull},
                                 .session_seq = seq,
                                 .acked_seq = seq - 1};
    entry.body_bytes =
        write_records(info, FRAME_DIRECTION_REQUEST, count, batch + at + sizeof entry, 4096);
    memcpy(batch + at, &entry, sizeof entry);
    return at + (u32)sizeof entry + entry.body_bytes;
}

static void make_mail(struct vectors *vectors);

static void make_batches(struct vectors *vectors)
{
    static u64 words[2048];
    u8 *batch = (u8 *)words;
    struct batch_header header = {.stamp_ns = 1700000000ull * NS_PER_S,
                                  .bytes = sizeof header,
                                  .state_version = BATCH_STATE_VERSION};
    memcpy(batch, &header, sizeof header);
    add_bytes(vectors, "empty", batch, header.bytes, "a batch of time alone, 1700000000 s\n");
    const struct batch_ack ack = {.seq = 41, .shard = 3};
    memcpy(batch + sizeof header, &ack, sizeof ack);
    u32 at = (u32)(sizeof header + sizeof ack);
    at = add_entry(batch, at, OPCODE_SESSION_OPEN, 0, 1, 1);
    at = add_entry(batch, at, OPCODE_TAKE, FRAME_FLAG_LINKED, 2, 2);
    at = add_entry(batch, at, OPCODE_PRODUCT_PUT, 0, 1, 3);
    header.bytes = at;
    header.entry_count = 3;
    header.ack_count = 1;
    header.stamp_ns++;
    memcpy(batch, &header, sizeof header);
    add_bytes(vectors, "three_entries", batch, at,
              "one acknowledgement (shard 3, seq 41), then session_open, a linked take of two "
              "records, product_put\n");
    make_mail(vectors);
}

/* Messages between shards, as the body of their log entry. */
static void make_mail(struct vectors *vectors)
{
    static u64 words[1024];
    static char text[WORDS_BYTES];
    u8 *body = (u8 *)words;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->class != MESSAGE_CLASS_MAIL)
            continue;
        const u32 bytes = write_records(info, FRAME_DIRECTION_REQUEST, 1, body, sizeof words);
        print_records(info, FRAME_DIRECTION_REQUEST, body, 1, text, sizeof text);
        add_bytes(vectors, info->name, body, bytes, text);
    }
}

/* ---- Routes ---- */

static void make_routes(struct vectors *vectors)
{
    static const char *const codes[] = {
        "85123A",
        "22423",
        "POST",
        "a",
        "0",
        "caf\xC3\xA9",
        "T-SHIRT/RED/XL",
        "souk",
        "0123456789012345678901234567890123456789012345678901234567890123"};
    static const u16 counts[] = {1, 2, 3, 8, 256};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        const u64 id = id_from_code(codes[i], strlen(codes[i]));
        const u64 product = route_hash_u64(id);
        const u64 sku = route_hash_resource((struct resource){.id = id});
        const u64 coupon =
            route_hash_resource((struct resource){.id = id, .kind = RESOURCE_KIND_COUPON});
        char value[512];
        int at = snprintf(value, sizeof value,
                          "id %016llx product %016llx sku %016llx coupon "
                          "%016llx shards",
                          (unsigned long long)id, (unsigned long long)product,
                          (unsigned long long)sku, (unsigned long long)coupon);
        for (size_t c = 0; c < ARRAY_COUNT(counts); c++)
            at += snprintf(value + at, sizeof value - (size_t)at, " %u:%u/%u/%u", counts[c],
                           route_shard(product, counts[c]), route_shard(sku, counts[c]),
                           route_shard(coupon, counts[c]));
        add_vector(vectors, codes[i], value, "");
    }
}

/* ---- Files ---- */

static struct vector *find_vector(struct vectors *vectors, const char *name)
{
    for (u32 i = 0; i < vectors->count; i++)
        if (strcmp(vectors->items[i].name, name) == 0)
            return &vectors->items[i];
    return NULL;
}

/* Compares the lines of an open file with the vectors; returns how many are wrong. */
static u32 compare_lines(struct vectors *vectors, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    u32 wrong = 0;
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *middle = strstr(line, " = ");
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (middle == NULL) {
            (void)fprintf(stderr, "%s: not a vector: %.60s\n", vectors->file, line);
            wrong++;
            continue;
        }
        *middle = '\0';
        struct vector *vector = find_vector(vectors, line);
        if (vector == NULL) {
            (void)fprintf(stderr, "%s: %s is not made any more\n", vectors->file, line);
            wrong++;
            continue;
        }
        vector->is_seen = true;
        if (strcmp(vector->value, middle + 3) != 0) {
            (void)fprintf(stderr, "%s: %s has changed\n  was %s\n  is  %s\n", vectors->file, line,
                          middle + 3, vector->value);
            wrong++;
        }
    }
    free(line);
    return wrong;
}

static void append_vector(FILE *file, const struct vector *vector)
{
    (void)fputc('\n', file);
    for (const char *at = vector->words; *at != '\0';) {
        const size_t length = strcspn(at, "\n");
        (void)fprintf(file, "# %.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
    (void)fprintf(file, "%s = %s\n", vector->name, vector->value);
}

/* Returns how many vectors of the file are wrong or missing. */
static u32 check_file(struct vectors *vectors, const char *directory, bool is_write)
{
    char path[1024];
    u32 wrong = 0, missing = 0;
    (void)snprintf(path, sizeof path, "%s/%s", directory, vectors->file);
    FILE *file = fopen(path, "r");
    const bool is_new = file == NULL;
    if (file != NULL) {
        wrong = compare_lines(vectors, file);
        (void)fclose(file);
    }
    if (is_write && wrong == 0) {
        file = fopen(path, "a");
        if (file == NULL) {
            perror(path);
            return 1;
        }
        if (is_new)
            (void)fputs(vectors->heading, file);
    }
    for (u32 i = 0; i < vectors->count; i++) {
        if (vectors->items[i].is_seen)
            continue;
        missing++;
        if (is_write && wrong == 0)
            append_vector(file, &vectors->items[i]);
        else
            (void)fprintf(stderr, "%s: %s is missing; `golden --write` adds it\n", vectors->file,
                          vectors->items[i].name);
    }
    if (is_write && wrong == 0) {
        (void)fclose(file);
        (void)printf("golden: %s: %u vectors, %u added\n", vectors->file, vectors->count, missing);
        return 0;
    }
    (void)printf("golden: %s: %u vectors, %u wrong, %u missing\n", vectors->file, vectors->count,
                 wrong, missing);
    return wrong + missing;
}

static void free_vectors(struct vectors *vectors)
{
    for (u32 i = 0; i < vectors->count; i++) {
        free(vectors->items[i].name);
        free(vectors->items[i].value);
        free(vectors->items[i].words);
    }
}

static struct vectors frames = {
    .file = "frames.txt",
    .heading =
        "# Whole frames as hexadecimal bytes, in the order in which they go over the wire. Append "
        "only.\n"
        "# name.request.N and name.reply.N have N records; the comment above says what is in "
        "them.\n"
        "# Layout: docs/protocol.md. Numbers are little-endian; ids are printed as high-low and "
        "sent\n"
        "# low half first. A decoder must find the words in the bytes, an encoder the bytes from "
        "the\n"
        "# words, checksum included (XXH3-64, seed 0, of bytes 16 to the end, at offset 8).\n",
};
static struct vectors batches = {
    .file = "batches.txt",
    .heading = "# Payloads of log frames (proto/batch.h) as hexadecimal bytes. Append only.\n",
};
static struct vectors routes = {
    .file = "routes.txt",
    .heading =
        "# code = its id, the routing hashes of a product, a SKU and a coupon of that id, and\n"
        "# their shards as shard_count:product/sku/coupon. Append only.\n"
        "#   id      = XXH3-64 (seed 0) of the code's bytes, top bit cleared\n"
        "#   product = XXH3-64 of the 8 bytes of the id, little-endian\n"
        "#   sku     = XXH3-64 of 16 bytes: id u64, tenant u32 0, kind u16 (SKU 0, coupon 1), "
        "location u16 0\n"
        "#   shard   = (hash * shard_count) >> 64\n",
};

int main(int argc, char **argv)
{
    const bool is_write = argc == 3 && strcmp(argv[1], "--write") == 0;
    if (argc != 2 && !is_write) {
        (void)fprintf(stderr, "usage: golden [--write] DIR\n");
        return 2;
    }
    const char *directory = argv[argc - 1];
    make_frames(&frames);
    make_batches(&batches);
    make_routes(&routes);
    const u32 wrong = check_file(&frames, directory, is_write) +
                      check_file(&batches, directory, is_write) +
                      check_file(&routes, directory, is_write);
    free_vectors(&frames);
    free_vectors(&batches);
    free_vectors(&routes);
    return wrong == 0 ? 0 : 1;
}
