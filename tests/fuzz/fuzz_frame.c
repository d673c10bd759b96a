/* fuzz_frame: arbitrary bytes as a frame, in both directions.
 *
 *   first byte   bit 0: repair the length, bit 1: repair magic, version and checksum, so that the
 *                fuzzer comes past them; bit 2: judge only the records, of the operation that the
 *                second byte picks
 *   rest         the frame, or the body
 *
 * What is accepted must be walkable within its bytes, printable, and come out of the writer as the
 * same bytes. What is refused must say why.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/print.h"
#include "tests/fuzz/fuzz.h"

/* Walks a body that has been accepted and writes every record again. */
static void walk(const struct message_info *info, enum frame_direction direction, const u8 *body,
                 u32 bytes, u32 count)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    u8 *again = malloc(bytes);
    u32 offset = 0;
    char text[256];
    if (again == NULL)
        PANIC("out of memory");
    for (u32 i = 0; i < count; i++) {
        struct record_view view;
        const u32 start = offset;
        frame_record_next(info, direction, body, &offset, &view);
        MUST(offset <= bytes);
        MUST(view.bytes == offset - start);
        for (u32 s = 0; s < side->span_count; s++) {
            MUST(view.spans[s].bytes <= side->spans[s].bytes_max);
            MUST(view.spans[s].data + view.spans[s].bytes <= body + offset);
        }
        const u32 written = frame_record_write(info, direction, again + start, bytes - start,
                                               view.fixed, view.spans);
        MUST(written == view.bytes);
        print_record(info, direction, view.fixed, text, sizeof text);
        MUST(strlen(text) < sizeof text);
    }
    MUST(offset == bytes);
    MUST(memcmp(again, body, bytes) == 0);
    free(again);
}

static void judge_frame(const u8 *frame, u32 length, enum frame_direction direction)
{
    struct frame_refusal refusal = {0};
    char text[256];
    const struct frame_header header = frame_header_read(frame);
    print_header(&header, text, sizeof text);
    if (!frame_valid(frame, length, direction, &refusal)) {
        MUST(refusal.reason != NULL);
        MUST(status_find(refusal.status) != NULL);
        return;
    }
    MUST(refusal.reason == NULL);
    if (header.record_count != 0)
        walk(message_find(header.opcode), direction, frame + FRAME_HEADER_BYTES,
             length - FRAME_HEADER_BYTES, header.record_count);
}

static void judge_records(struct fuzz_input input)
{
    const struct message_info *info = message_at(fuzz_take(&input, 1) % MESSAGE_COUNT);
    const u32 count = (u32)fuzz_take(&input, 1);
    for (u32 d = 0; d < 2; d++) {
        const enum frame_direction direction = (enum frame_direction)d;
        struct frame_refusal refusal = {0};
        if (frame_records_valid(info, direction, input.data, (u32)input.left, count, &refusal))
            walk(info, direction, input.data, (u32)input.left, count);
        else
            MUST(refusal.reason != NULL);
    }
}

static void repair(u8 *frame, u32 bytes, u64 how)
{
    const u32 magic = FRAME_MAGIC;
    const u16 version = FRAME_VERSION;
    if ((how & 1) != 0)
        memcpy(frame + offsetof(struct frame_header, length), &bytes, sizeof bytes);
    if ((how & 2) == 0)
        return;
    memcpy(frame, &magic, sizeof magic);
    memcpy(frame + offsetof(struct frame_header, version), &version, sizeof version);
    const u64 sum = checksum64(frame + FRAME_CHECKSUM_FROM, bytes - FRAME_CHECKSUM_FROM);
    memcpy(frame + offsetof(struct frame_header, checksum), &sum, sizeof sum);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
    struct fuzz_input input = {data, bytes};
    if (bytes < 10 || bytes > FRAME_BYTES_MAX)
        return 0;
    const u64 how = fuzz_take(&input, 1);
    if ((how & 4) != 0) {
        judge_records(input);
        return 0;
    }
    const u32 count = (u32)input.left;
    u8 *frame = malloc(count);
    if (frame == NULL)
        PANIC("out of memory");
    memcpy(frame, input.data, count);
    if (count >= FRAME_HEADER_BYTES)
        repair(frame, count, how);
    struct frame_refusal refusal = {0};
    u32 length = 0;
    if (!frame_prefix_valid(frame, &length, &refusal)) {
        MUST(refusal.reason != NULL);
        MUST(refusal.is_fatal);
    } else if (length <= count) {
        judge_frame(frame, length, FRAME_DIRECTION_REQUEST);
        judge_frame(frame, length, FRAME_DIRECTION_REPLY);
    }
    free(frame);
    return 0;
}
