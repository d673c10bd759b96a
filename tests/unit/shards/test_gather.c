/* test_gather: a gather that runs out of memory, wherever that is, ends with a refusal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/status.h"
#include "shards/gather/gather.h"

/* Asks on `shards` shards in the first round of a search, when `left` bytes of memory are left. */
static u32 asks_with(struct bump_reserve *reserve, u16 shards, u32 left, u16 *status)
{
    static _Alignas(64) u8 body[4096], reply[4096];
    static const struct span query = {.data = (const u8 *)"\"red mug\" -blue", .bytes = 15};
    const struct msg_search_req ask = {.limit = 10};
    const struct message_info *info = message_find(OPCODE_SEARCH);
    const struct span spans[MESSAGE_SPANS_MAX] = {[SPAN_OF(search_req, query)] = query};
    struct gather gather;
    gather_init(&gather, reserve);
    const u32 bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, &ask, spans);
    gather_begin(&gather, info, body, bytes, shards, 1);
    for (u32 i = 1; i < BUMP_CHUNKS_MAX; i++)
        assert_non_null(gather_acquire(&gather, i + 1 == BUMP_CHUNKS_MAX ? STORE_CHUNK_BYTES - left
                                                                         : STORE_CHUNK_BYTES));
    const u32 count = gather_next(&gather);
    if (count == 0) {
        struct record_view view;
        u32 offset = 0;
        struct record_status head;
        (void)gather_reply(&gather, reply, sizeof reply);
        frame_record_next(info, FRAME_DIRECTION_REPLY, reply, &offset, &view);
        memcpy(&head, view.fixed, sizeof head);
        *status = head.status;
    }
    gather_end(&gather);
    gather_deinit(&gather);
    return count;
}

static void without_memory_for_an_ask_nobody_is_asked(void **state)
{
    (void)state;
    enum { SHARDS = 200 };
    struct store_memory memory;
    struct bump_reserve reserve;
    u32 whole = 0, refused = 0;
    store_memory_init(&memory);
    bump_reserve_init(&reserve, &memory);
    bump_reserve_fill(&reserve, BUMP_CHUNKS_MAX);
    for (u32 left = 0; left < 1u << 20; left += 1024) {
        u16 status = STATUS_OK;
        const u32 count = asks_with(&reserve, SHARDS, left, &status);
        assert_true(count == SHARDS || (count == 0 && status == STATUS_TOO_LARGE));
        *(count == 0 ? &refused : &whole) += 1;
    }
    assert_true(whole > 100);
    assert_true(refused > 100);
    bump_reserve_deinit(&reserve);
    assert_int_equal(memory.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_for_an_ask_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
