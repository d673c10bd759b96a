/* test_print: records and headers in words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/print.h"

static void a_request_is_printed_field_by_field(void **state)
{
    (void)state;
    char text[512];
    const struct msg_take_req req = {.resource = {.id = 7, .kind = RESOURCE_KIND_COUPON},
                                     .quantity = -5,
                                     .owner = 42,
                                     .id = {.low = 1, .high = 0x18f}};
    print_record(message_find(OPCODE_TAKE), FRAME_DIRECTION_REQUEST, (const u8 *)&req, text,
                 sizeof text);
    assert_string_equal(text, "take resource=coupon:7 quantity=-5 owner=42 "
                              "id=000000000000018f-0000000000000001 replaces=0");
}

static void a_reply_begins_with_its_status(void **state)
{
    (void)state;
    char text[512];
    struct msg_take_rsp rsp = {.head = {.status = STATUS_ALL_HELD, .retry_after_ms = 20},
                               .sellable = 3};
    const struct message_info *info = message_find(OPCODE_TAKE);
    print_record(info, FRAME_DIRECTION_REPLY, (const u8 *)&rsp, text, sizeof text);
    assert_string_equal(text, "take ALL_HELD retry_after_ms=20 sellable=3");
    rsp.head = (struct record_status){.status = 99, .flags = 5};
    print_record(info, FRAME_DIRECTION_REPLY, (const u8 *)&rsp, text, sizeof text);
    assert_string_equal(text, "take status=99 REPLAYED flags=0x5 sellable=3");
}

static void reserved_fields_are_left_out_and_text_is_quoted(void **state)
{
    (void)state;
    char text[512];
    u64 record[32];
    const struct msg_sku_put_req req = {.resource = {.id = 1, .kind = 9, .tenant = 2}};
    const struct span code = {(const u8 *)"a\"\\\n\xC3", 5};
    const struct message_info *info = message_find(OPCODE_SKU_PUT);
    assert_true(frame_record_write(info, FRAME_DIRECTION_REQUEST, (u8 *)record, sizeof record, &req,
                                   &code) != 0);
    print_record(info, FRAME_DIRECTION_REQUEST, (const u8 *)record, text, sizeof text);
    assert_string_equal(text,
                        "sku_put resource=kind9:1(tenant 2, location 0) product_id=0 "
                        "if_version=0 price=0 safety_stock=0 oversell_cap=0 "
                        "lease_default_ms=0 currency=0 low_at=0 code=\"a\\\"\\\\\\x0a\\xc3\"");
}

static void whatever_the_capacity_the_text_is_terminated(void **state)
{
    (void)state;
    const u64 record[2] = {1, 2};
    char full[64], text[64];
    const struct message_info *info = message_find(OPCODE_STOCK_GET);
    print_record(info, FRAME_DIRECTION_REQUEST, (const u8 *)record, full, sizeof full);
    for (size_t capacity = 1; capacity < sizeof text; capacity++) {
        memset(text, 'x', sizeof text);
        print_record(info, FRAME_DIRECTION_REQUEST, (const u8 *)record, text, capacity);
        assert_true(strlen(text) < capacity);
        assert_int_equal(strncmp(text, full, strlen(text)), 0);
    }
}

static void several_records_are_lines(void **state)
{
    (void)state;
    const u64 body[2] = {1, 2};
    char text[128];
    print_records(message_find(OPCODE_PING), FRAME_DIRECTION_REQUEST, (const u8 *)body, 2, text,
                  sizeof text);
    assert_string_equal(text, "ping echo=1\nping echo=2\n");
}

static void a_header_is_one_line(void **state)
{
    (void)state;
    char text[256];
    struct frame_header header = {.opcode = OPCODE_TAKE,
                                  .flags = FRAME_FLAG_LINKED,
                                  .length = 160,
                                  .record_count = 1,
                                  .session = {1, 2},
                                  .session_seq = 3};
    print_header(&header, text, sizeof text);
    assert_string_equal(text, "take request LINKED length=160 records=1 "
                              "session=0000000000000002-0000000000000001 session_seq=3");
    header = (struct frame_header){
        .opcode = 7, .flags = FRAME_FLAG_REPLY | FRAME_FLAG_REPLAYED, .status = STATUS_TOO_OLD};
    print_header(&header, text, sizeof text);
    assert_string_equal(text, "opcode 0x0007 reply TOO_OLD REPLAYED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_printed_field_by_field),
        cmocka_unit_test(a_reply_begins_with_its_status),
        cmocka_unit_test(reserved_fields_are_left_out_and_text_is_quoted),
        cmocka_unit_test(whatever_the_capacity_the_text_is_terminated),
        cmocka_unit_test(several_records_are_lines),
        cmocka_unit_test(a_header_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
