/* mail_fixture: messages between shards in unit tests: what another shard sends (mx_send), and what the
 * shard under test has sent (mx_take).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_TESTS_UNIT_SHARDS_MAIL_FIXTURE_H
#define SOUK_TESTS_UNIT_SHARDS_MAIL_FIXTURE_H

#include "tests/unit/shards/shard_fixture.h"

/* The traffic of a shard under test with one other shard. */
struct mx {
    struct fx *fx;
    u16 other;
    u64 sent;  /* numbers given to what the other shard sent */
    u64 taken; /* number of the last message seen from the shard under test */
    u16 opcode;
    struct record_view view; /* of that message; borrowed until the next apply */
};

/* Applies one message of the other shard, as a batch of its own. */
static inline void mx_send(struct mx *mx, u16 opcode, const void *fixed, const struct span *spans)
{
    const struct message_info *info = message_find(opcode);
    const u32 bytes = frame_record_bytes(info, FRAME_DIRECTION_REQUEST, spans);
    u8 *body = malloc(bytes);
    assert_non_null(body);
    assert_int_equal(frame_record_write(info, FRAME_DIRECTION_REQUEST, body, bytes, fixed, spans),
                     bytes);
    const struct entry_header entry = {.body_bytes = bytes,
                                       .source = ENTRY_SOURCE_SHARD,
                                       .source_shard = mx->other,
                                       .opcode = opcode,
                                       .record_count = 1,
                                       .session_seq = ++mx->sent};
    fx_apply(mx->fx, &entry, body);
    free(body);
}

/* The next message to the other shard; false when there is none. */
static inline bool mx_take(struct mx *mx)
{
    struct shard_mail mail;
    u32 offset = 0;
    if (!shard_mail_next(mx->fx->shard, mx->other, mx->taken, &mail))
        return false;
    assert_int_equal(mail.seq, mx->taken + 1);
    mx->taken = mail.seq;
    mx->opcode = mail.opcode;
    frame_record_next(message_find(mail.opcode), FRAME_DIRECTION_REQUEST, mail.body, &offset,
                      &mx->view);
    assert_int_equal(offset, mail.body_bytes);
    return true;
}

#endif
