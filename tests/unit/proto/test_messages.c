/* test_messages: the table that messages.def and the field lists expand to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/messages.h"

static void every_code_is_found_and_unique(void **state)
{
    (void)state;
    u32 found = 0;
    for (u32 code = 0; code <= UINT16_MAX; code++) {
        const struct message_info *info = message_find((u16)code);
        if (info == NULL)
            continue;
        found++;
        assert_int_equal(info->code, code);
        assert_ptr_equal(message_at(info->index), info);
    }
    assert_int_equal(found, MESSAGE_COUNT);
    assert_null(message_at(MESSAGE_COUNT));
    for (u32 i = 0; i < MESSAGE_COUNT; i++)
        for (u32 j = 0; j < i; j++)
            assert_string_not_equal(message_at(i)->name, message_at(j)->name);
}

static void check_side(const struct message_side *side, bool is_reply)
{
    u32 bytes = is_reply ? sizeof(struct record_status) : 0;
    u32 reserved = 0;
    assert_true(side->field_count <= MESSAGE_FIELDS_MAX);
    assert_true(side->span_count <= MESSAGE_SPANS_MAX);
    for (u32 i = 0; i < side->field_count; i++) {
        const struct message_field *field = &side->fields[i];
        /* Naturally aligned; ids and resources to 8. */
        assert_int_equal(bytes % MIN(field->bytes, 8), 0);
        bytes += field->bytes;
        reserved += field->text == NULL;
    }
    assert_int_equal(bytes, side->fixed_bytes);
    assert_int_equal(bytes % 8, 0);
    assert_int_equal(reserved, side->reserved_count);
    u32 largest = bytes;
    for (u32 i = 0; i < side->span_count; i++) {
        assert_non_null(side->spans[i].name);
        assert_true(side->spans[i].bytes_max > 0);
        largest += 4 + side->spans[i].bytes_max;
    }
    assert_null(side->spans[side->span_count].name);
    assert_int_equal(side->record_bytes_max, ROUND_UP(largest, 8u));
}

static void sizes_and_spans_add_up(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        check_side(&message_at(i)->request, false);
        check_side(&message_at(i)->reply, true);
    }
}

static void replies_of_full_frames_fit_into_a_frame(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        assert_in_range(info->records_max, 1, FRAME_RECORDS_MAX);
        assert_true((u64)info->records_max * info->reply.record_bytes_max + FRAME_HEADER_BYTES <=
                    FRAME_BYTES_MAX);
        assert_true(info->request.record_bytes_max + FRAME_HEADER_BYTES <= FRAME_BYTES_MAX);
        if (info->class == MESSAGE_CLASS_CONTROL)
            assert_int_equal(info->records_max, 1);
        if (info->class == MESSAGE_CLASS_WRITE) {
            assert_int_equal(info->reply.span_count, 0);
            assert_true(info->reply.fixed_bytes <= RECORD_REPLY_FIXED_MAX);
        }
    }
}

static void routing_fields_lie_where_the_table_says(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        u32 at = 0;
        bool seen = false;
        for (u32 f = 0; f < info->request.field_count; f++) {
            const struct message_field *field = &info->request.fields[f];
            if (info->route == MESSAGE_ROUTE_RESOURCE && field->type == WIRE_KIND_resource) {
                assert_int_equal(info->route_offset, at);
                seen = true;
            }
            if (info->route == MESSAGE_ROUTE_PRODUCT && strcmp(field->name, "product_id") == 0) {
                assert_int_equal(info->route_offset, at);
                seen = true;
            }
            at += field->bytes;
        }
        assert_true(seen == (info->route == MESSAGE_ROUTE_RESOURCE ||
                             info->route == MESSAGE_ROUTE_PRODUCT));
    }
}

/* Sets each byte of a fixed part in turn; reserved fields notice, the others do not. */
static void check_reserved(const struct message_side *side, u32 first)
{
    u8 fixed[512] = {0};
    u32 at = first;
    assert_true(side->fixed_bytes <= sizeof fixed);
    assert_true(side->reserved_zero(fixed));
    for (u32 f = 0; f < side->field_count; f++) {
        for (u32 b = 0; b < side->fields[f].bytes; b++) {
            fixed[at + b] = 0x80;
            assert_true(side->reserved_zero(fixed) == (side->fields[f].text != NULL));
            fixed[at + b] = 0;
        }
        at += side->fields[f].bytes;
    }
}

static void reserved_fields_are_noticed(void **state)
{
    (void)state;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        check_reserved(&message_at(i)->request, 0);
        check_reserved(&message_at(i)->reply, sizeof(struct record_status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_found_and_unique),
        cmocka_unit_test(sizes_and_spans_add_up),
        cmocka_unit_test(replies_of_full_frames_fit_into_a_frame),
        cmocka_unit_test(routing_fields_lie_where_the_table_says),
        cmocka_unit_test(reserved_fields_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
