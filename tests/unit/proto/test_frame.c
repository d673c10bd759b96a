/* test_frame: writing and reading frames, and every reason to refuse one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/frame.h"

/* A frame in the making; bytes are aligned to 8. */
struct draft {
    u64 words[4096];
    u32 length;
};

static u8 *bytes_of(struct draft *draft)
{
    return (u8 *)draft->words;
}

/* A request of one operation with `count` records, fields and spans full of a pattern. */
static void begin(struct draft *draft, const struct message_info *info,
                  enum frame_direction direction, u32 count)
{
    const struct message_side *side =
        direction == FRAME_DIRECTION_REQUEST ? &info->request : &info->reply;
    static u8 text[8 * 512];
    struct span spans[MESSAGE_SPANS_MAX];
    u8 fixed[512] = {0};
    memset(draft, 0, sizeof *draft);
    u32 at = direction == FRAME_DIRECTION_REPLY ? sizeof(struct record_status) : 0;
    for (u32 f = 0; f < side->field_count; f++) {
        if (side->fields[f].text != NULL)
            memset(fixed + at, (int)f + 1, side->fields[f].bytes);
        at += side->fields[f].bytes;
    }
    for (u32 s = 0; s < side->span_count; s++) {
        const struct row_info *row = message_row(info, direction == FRAME_DIRECTION_REPLY, s);
        spans[s] = (struct span){text, s * (row != NULL ? row->bytes : 1u)};
        assert_true(spans[s].bytes <= sizeof text);
        assert_ptr_equal(row, message_span_row(&side->spans[s]));
    }
    const struct frame_header header = {
        .opcode = info->code,
        .flags = direction == FRAME_DIRECTION_REPLY ? FRAME_FLAG_REPLY : 0,
        .record_count = (u16)count,
        .request_id = 99};
    memcpy(bytes_of(draft), &header, sizeof header);
    draft->length = FRAME_HEADER_BYTES;
    for (u32 i = 0; i < count; i++) {
        const u32 bytes =
            frame_record_write(info, direction, bytes_of(draft) + draft->length,
                               (u32)sizeof draft->words - draft->length, fixed, spans);
        assert_int_equal(bytes, frame_record_bytes(info, direction, spans));
        draft->length += bytes;
    }
    frame_seal(bytes_of(draft), draft->length);
}

static struct frame_refusal judge(struct draft *draft, enum frame_direction direction)
{
    struct frame_refusal refusal = {0};
    u32 length = 0;
    if (!frame_prefix_valid(bytes_of(draft), &length, &refusal)) {
        assert_non_null(refusal.reason);
        assert_true(refusal.is_fatal);
        return refusal;
    }
    /* Exactly as long as it is, so that reading past the end is noticed by the tools. */
    u8 *exact = malloc(length);
    assert_non_null(exact);
    memcpy(exact, bytes_of(draft), length);
    const bool is_good = frame_valid(exact, length, direction, &refusal);
    free(exact);
    assert_true(is_good == (refusal.reason == NULL));
    return refusal;
}

static u16 judge_request(struct draft *draft)
{
    return judge(draft, FRAME_DIRECTION_REQUEST).status;
}

static void set_bytes(struct draft *draft, u32 offset, const void *from, u32 count)
{
    memcpy(bytes_of(draft) + offset, from, count);
}

/* Changes a field and makes the checksum right again. */
static void set_u16(struct draft *draft, u32 offset, u16 value)
{
    set_bytes(draft, offset, &value, sizeof value);
    const u64 sum =
        checksum64(bytes_of(draft) + FRAME_CHECKSUM_FROM, draft->length - FRAME_CHECKSUM_FROM);
    set_bytes(draft, 8, &sum, sizeof sum);
}

static void set_u32(struct draft *draft, u32 offset, u32 value)
{
    set_u16(draft, offset, (u16)value);
    set_u16(draft, offset + 2, (u16)(value >> 16));
}

#define OFFSET(field) ((u32)offsetof(struct frame_header, field))

static void every_message_goes_round(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->class == MESSAGE_CLASS_MAIL || info->class == MESSAGE_CLASS_PART)
            continue; /* never in a frame */
        const u32 count = MIN(info->records_max, 3);
        for (u32 d = 0; d < 2; d++) {
            const enum frame_direction direction = (enum frame_direction)d;
            struct draft draft;
            begin(&draft, info, direction, count);
            const struct frame_refusal refusal = judge(&draft, direction);
            if (refusal.reason != NULL)
                fail_msg("%s: %s", info->name, refusal.reason);
            u32 offset = 0, written = 0;
            u8 again[sizeof draft.words];
            for (u32 r = 0; r < count; r++) {
                struct record_view view;
                frame_record_next(info, direction, bytes_of(&draft) + FRAME_HEADER_BYTES, &offset,
                                  &view);
                written += frame_record_write(info, direction, again + written,
                                              (u32)sizeof again - written, view.fixed, view.spans);
            }
            assert_int_equal(offset, draft.length - FRAME_HEADER_BYTES);
            assert_int_equal(written, offset);
            assert_memory_equal(again, bytes_of(&draft) + FRAME_HEADER_BYTES, written);
        }
    }
}

static void a_bad_prefix_is_fatal(void **state)
{
    (void)state;
    static const struct {
        u32 length;
        u16 status;
    } cases[] = {{0, STATUS_BAD_FRAME},         {8, STATUS_BAD_FRAME},
                 {95, STATUS_BAD_FRAME},        {97, STATUS_BAD_FRAME},
                 {100, STATUS_BAD_FRAME},       {FRAME_BYTES_MAX + 8, STATUS_TOO_LARGE},
                 {UINT32_MAX, STATUS_TOO_LARGE}};
    struct draft draft;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        begin(&draft, message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, 1);
        set_bytes(&draft, OFFSET(length), &cases[i].length, 4);
        assert_int_equal(judge_request(&draft), cases[i].status);
    }
    begin(&draft, message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, 1);
    bytes_of(&draft)[3] = 'P';
    assert_int_equal(judge_request(&draft), STATUS_BAD_FRAME);
}

static void the_limits_of_the_length_are_accepted(void **state)
{
    (void)state;
    u8 prefix[8];
    u32 length = FRAME_BYTES_MAX;
    struct frame_refusal refusal;
    memcpy(prefix, "SOUK", 4);
    memcpy(prefix + 4, &length, 4);
    assert_true(frame_prefix_valid(prefix, &length, &refusal));
    length = FRAME_HEADER_BYTES;
    memcpy(prefix + 4, &length, 4);
    assert_true(frame_prefix_valid(prefix, &length, &refusal));
    assert_int_equal(length, FRAME_HEADER_BYTES);
}

static void one_wrong_bit_breaks_the_checksum(void **state)
{
    (void)state;
    struct draft draft;
    begin(&draft, message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, 2);
    for (u32 bit = 64; bit < draft.length * 8; bit++) {
        /* Another version is another refusal, since its checksum may be another. */
        if (bit / 8 == OFFSET(version) || bit / 8 == OFFSET(version) + 1)
            continue;
        bytes_of(&draft)[bit / 8] ^= (u8)(1u << bit % 8);
        const struct frame_refusal refusal = judge(&draft, FRAME_DIRECTION_REQUEST);
        assert_int_equal(refusal.status, STATUS_BAD_CHECKSUM);
        assert_true(refusal.is_fatal);
        bytes_of(&draft)[bit / 8] ^= (u8)(1u << bit % 8);
    }
    assert_int_equal(judge_request(&draft), STATUS_OK);
}

static void headers_that_are_wrong_are_refused(void **state)
{
    (void)state;
    static const struct {
        u32 offset;
        u16 value;
        u16 status;
    } cases[] = {
        {OFFSET(version), 0, STATUS_VERSION_UNSUPPORTED},
        {OFFSET(version), 2, STATUS_VERSION_UNSUPPORTED},
        {OFFSET(opcode), 0, STATUS_UNKNOWN_OPCODE},
        {OFFSET(opcode), 0xFFFF, STATUS_UNKNOWN_OPCODE},
        {OFFSET(flags), 8, STATUS_RESERVED_BITS},
        {OFFSET(flags), 0x8000, STATUS_RESERVED_BITS},
        {OFFSET(flags), FRAME_FLAG_REPLY, STATUS_NOT_A_REQUEST},
        {OFFSET(flags), FRAME_FLAG_REPLAYED, STATUS_RESERVED_BITS},
        {OFFSET(status), 1, STATUS_RESERVED_BITS},
        {OFFSET(lsn), 1, STATUS_RESERVED_BITS},
        {OFFSET(time_ns), 1, STATUS_RESERVED_BITS},
        {OFFSET(retry_after_ms), 1, STATUS_RESERVED_BITS},
        {OFFSET(reserved), 1, STATUS_RESERVED_BITS},
        {OFFSET(record_count), 0, STATUS_BAD_FRAME},
        {OFFSET(record_count), 1, STATUS_BAD_FRAME},
        {OFFSET(record_count), 3, STATUS_BAD_FRAME},
        {OFFSET(record_count), FRAME_RECORDS_MAX, STATUS_BAD_FRAME},
        {OFFSET(record_count), FRAME_RECORDS_MAX + 1, STATUS_BAD_FRAME},
        {OFFSET(record_count), UINT16_MAX, STATUS_BAD_FRAME},
        {OFFSET(flags), FRAME_FLAG_LINKED, STATUS_OK},
        {OFFSET(deadline_ms), 5, STATUS_OK},
        {OFFSET(shard), 77, STATUS_OK},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct draft draft;
        begin(&draft, message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, 2);
        set_u16(&draft, cases[i].offset, cases[i].value);
        assert_int_equal(judge_request(&draft), cases[i].status);
    }
}

static void an_unsupported_version_says_which_is_supported(void **state)
{
    (void)state;
    struct draft draft;
    begin(&draft, message_find(OPCODE_PING), FRAME_DIRECTION_REQUEST, 1);
    const u16 version = 7;
    set_bytes(&draft, OFFSET(version), &version, 2); /* and the checksum is wrong */
    const struct frame_refusal refusal = judge(&draft, FRAME_DIRECTION_REQUEST);
    assert_int_equal(refusal.status, STATUS_VERSION_UNSUPPORTED);
    assert_int_equal(refusal.detail.limit, FRAME_VERSION);
    assert_int_equal(refusal.detail.actual, 7);
}

static void reserved_fields_of_records_are_refused(void **state)
{
    (void)state;
    struct draft draft;
    begin(&draft, message_find(OPCODE_STOCK_ADJUST), FRAME_DIRECTION_REQUEST, 2);
    const u32 second = FRAME_HEADER_BYTES + (u32)sizeof(struct msg_stock_adjust_req);
    set_u16(&draft, second + (u32)offsetof(struct msg_stock_adjust_req, zero0) + 2, 1);
    assert_int_equal(judge_request(&draft), STATUS_RESERVED_BITS);
    begin(&draft, message_find(OPCODE_PRODUCT_PUT), FRAME_DIRECTION_REQUEST, 1);
    set_u16(&draft, FRAME_HEADER_BYTES + (u32)offsetof(struct msg_product_put_req, zero0), 0x100);
    assert_int_equal(judge_request(&draft), STATUS_RESERVED_BITS);
}

/* sku_put has one span, its code; its length stands right after the fixed part. */
#define CODE_LENGTH_AT (FRAME_HEADER_BYTES + (u32)sizeof(struct msg_sku_put_req))

static void spans_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        u32 length;
        u16 status;
    } cases[] = {{4, STATUS_OK},
                 {5, STATUS_BAD_FRAME}, /* one past the end */
                 {12, STATUS_BAD_FRAME},
                 {CODE_BYTES_MAX, STATUS_BAD_FRAME},
                 {CODE_BYTES_MAX + 1, STATUS_TOO_LARGE},
                 {0x80000000u, STATUS_TOO_LARGE},
                 {UINT32_MAX, STATUS_TOO_LARGE}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct draft draft;
        begin(&draft, message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST, 1);
        set_u32(&draft, CODE_LENGTH_AT, cases[i].length);
        assert_int_equal(judge_request(&draft), cases[i].status);
    }
}

static void rows_that_are_cut_or_have_reserved_bits_are_refused(void **state)
{
    (void)state;
    const struct message_info *info = message_find(OPCODE_ORDER_CANCEL);
    const struct row_line_quantity rows[2] = {{.quantity = 1, .line = 3}, {.zero0 = 1}};
    const struct msg_order_cancel_req ask = {.reason = 1};
    static const struct {
        u32 bytes;
        u16 status;
    } cases[] = {{0, STATUS_OK},
                 {sizeof rows[0], STATUS_OK},
                 {sizeof rows[0] - 1, STATUS_BAD_FRAME},
                 {sizeof rows[0] + 8, STATUS_BAD_FRAME},
                 {sizeof rows, STATUS_RESERVED_BITS}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        u64 room[32];
        struct frame_refusal refusal = {0};
        const struct span span = {(const u8 *)rows, cases[i].bytes};
        const u32 bytes =
            frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)room, sizeof room, &ask, &span);
        assert_int_not_equal(bytes, 0);
        const bool is_good =
            frame_records_valid(info, FRAME_DIRECTION_REQUEST, (u8 *)room, bytes, 1, &refusal);
        assert_int_equal(refusal.status, cases[i].status);
        assert_true(is_good == (refusal.status == STATUS_OK));
    }
}

static void padding_that_is_not_zero_is_refused(void **state)
{
    (void)state;
    struct draft draft;
    begin(&draft, message_find(OPCODE_SKU_PUT), FRAME_DIRECTION_REQUEST, 1);
    set_u32(&draft, CODE_LENGTH_AT, 3);
    assert_int_equal(judge_request(&draft), STATUS_OK);
    set_u16(&draft, CODE_LENGTH_AT + 6, 0x0100);
    assert_int_equal(judge_request(&draft), STATUS_BAD_FRAME);
    set_u32(&draft, CODE_LENGTH_AT, 4);
    assert_int_equal(judge_request(&draft), STATUS_OK);
}

static void a_body_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const struct message_info *info = message_find(OPCODE_PRODUCT_PUT);
    struct draft draft;
    begin(&draft, info, FRAME_DIRECTION_REQUEST, 2);
    const u32 full = draft.length;
    for (u32 length = FRAME_HEADER_BYTES; length < full; length += 8) {
        draft.length = length;
        frame_seal(bytes_of(&draft), length);
        assert_int_equal(judge_request(&draft), STATUS_BAD_FRAME);
    }
    draft.length = full + 8;
    frame_seal(bytes_of(&draft), draft.length);
    assert_int_equal(judge_request(&draft), STATUS_BAD_FRAME);
}

static void more_records_than_the_reply_has_room_for_are_refused(void **state)
{
    (void)state;
    const struct message_info *info = message_find(OPCODE_PRODUCT_GET);
    struct draft draft;
    assert_true(info->records_max < FRAME_RECORDS_MAX);
    begin(&draft, info, FRAME_DIRECTION_REQUEST, info->records_max);
    assert_int_equal(judge_request(&draft), STATUS_OK);
    begin(&draft, info, FRAME_DIRECTION_REQUEST, info->records_max + 1u);
    const struct frame_refusal refusal = judge(&draft, FRAME_DIRECTION_REQUEST);
    assert_int_equal(refusal.status, STATUS_TOO_LARGE);
    assert_int_equal(refusal.detail.limit, info->records_max);
    begin(&draft, message_find(OPCODE_PING), FRAME_DIRECTION_REQUEST, 2);
    assert_int_equal(judge_request(&draft), STATUS_TOO_LARGE);
}

static void a_refusal_is_a_good_reply(void **state)
{
    (void)state;
    struct draft draft = {.length = FRAME_REFUSAL_BYTES};
    const struct frame_header request = {.opcode = OPCODE_TAKE,
                                         .flags = FRAME_FLAG_LINKED,
                                         .shard = 3,
                                         .request_id = 5,
                                         .session = {1, 2},
                                         .session_seq = 9};
    const u32 bytes = frame_write_refusal(bytes_of(&draft), &request, STATUS_MEMORY_LIMIT, 20,
                                          (struct frame_detail){100, 200});
    assert_int_equal(bytes, FRAME_REFUSAL_BYTES);
    assert_int_equal(judge(&draft, FRAME_DIRECTION_REPLY).status, STATUS_OK);
    const struct frame_header header = frame_header_read(bytes_of(&draft));
    assert_int_equal(header.status, STATUS_MEMORY_LIMIT);
    assert_int_equal(header.flags, FRAME_FLAG_REPLY);
    assert_int_equal(header.request_id, 5);
    assert_int_equal(header.session_seq, 9);
    assert_int_equal(header.retry_after_ms, 20);
    assert_int_equal(judge_request(&draft), STATUS_NOT_A_REQUEST);
    /* With a record count, or with another length, it is none. */
    set_u16(&draft, OFFSET(record_count), 1);
    assert_int_equal(judge(&draft, FRAME_DIRECTION_REPLY).status, STATUS_BAD_FRAME);
    set_u16(&draft, OFFSET(record_count), 0);
    draft.length += 8;
    frame_seal(bytes_of(&draft), draft.length);
    assert_int_equal(judge(&draft, FRAME_DIRECTION_REPLY).status, STATUS_BAD_FRAME);
}

static void a_request_is_no_reply(void **state)
{
    (void)state;
    struct draft draft;
    begin(&draft, message_find(OPCODE_PING), FRAME_DIRECTION_REQUEST, 1);
    assert_int_equal(judge(&draft, FRAME_DIRECTION_REPLY).status, STATUS_BAD_FRAME);
}

static void a_record_that_does_not_fit_is_not_written(void **state)
{
    (void)state;
    const struct message_info *info = message_find(OPCODE_SKU_PUT);
    static const u8 code[CODE_BYTES_MAX + 1];
    const struct msg_sku_put_req req = {.price = 1};
    struct span span = {code, 5};
    u64 room[32];
    const u32 bytes = frame_record_bytes(info, FRAME_DIRECTION_REQUEST, &span);
    assert_int_equal(
        frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)room, bytes - 1, &req, &span), 0);
    assert_int_equal(
        frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)room, bytes, &req, &span), bytes);
    span.bytes = CODE_BYTES_MAX + 1;
    assert_int_equal(
        frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)room, sizeof room, &req, &span), 0);
}

/* Of any size, over bytes that were something else: it is the record that is written at once. */
static void a_record_is_the_same_in_pieces(void **state)
{
    (void)state;
    const struct message_info *info = message_find(OPCODE_PRODUCT_PUT);
    const struct msg_product_put_req req = {.product_id = 0x123456789abcdef0u, .price = -7};
    const struct span spans[MESSAGE_SPANS_MAX] = {{(const u8 *)"MUG", 3},
                                                  {(const u8 *)"a white mug", 11},
                                                  {NULL, 0},
                                                  {(const u8 *)"mugs", 4}};
    u8 whole[1024], pieces[1024];
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, whole, sizeof whole, &req, spans);
    assert_true(bytes != 0);
    for (u32 most = 1; most <= bytes + 1; most++) {
        u32 at = 0, count = 1;
        memset(pieces, 0xee, sizeof pieces);
        for (; !frame_record_write_some(info, FRAME_DIRECTION_REQUEST, pieces, &req, spans, &at,
                                        most);
             count++)
            assert_int_equal(at, count * most);
        assert_int_equal(at, bytes);
        assert_int_equal(count, (bytes + most - 1) / most);
        assert_memory_equal(pieces, whole, bytes);
        assert_int_equal(pieces[bytes], 0xee);
    }
}

static void sealing_nonsense_is_a_bug(void **state)
{
    (void)state;
    static u8 frame[256];
    expect_assert_failure(frame_seal(frame, 88));
    expect_assert_failure(frame_seal(frame, 97));
    expect_assert_failure(frame_seal(frame, FRAME_BYTES_MAX + 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_goes_round),
        cmocka_unit_test(a_bad_prefix_is_fatal),
        cmocka_unit_test(the_limits_of_the_length_are_accepted),
        cmocka_unit_test(one_wrong_bit_breaks_the_checksum),
        cmocka_unit_test(headers_that_are_wrong_are_refused),
        cmocka_unit_test(an_unsupported_version_says_which_is_supported),
        cmocka_unit_test(reserved_fields_of_records_are_refused),
        cmocka_unit_test(spans_that_do_not_fit_are_refused),
        cmocka_unit_test(rows_that_are_cut_or_have_reserved_bits_are_refused),
        cmocka_unit_test(padding_that_is_not_zero_is_refused),
        cmocka_unit_test(a_body_cut_anywhere_is_refused),
        cmocka_unit_test(more_records_than_the_reply_has_room_for_are_refused),
        cmocka_unit_test(a_refusal_is_a_good_reply),
        cmocka_unit_test(a_request_is_no_reply),
        cmocka_unit_test(a_record_that_does_not_fit_is_not_written),
        cmocka_unit_test(a_record_is_the_same_in_pieces),
        cmocka_unit_test(sealing_nonsense_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
