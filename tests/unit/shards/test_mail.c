/* test_mail: numbers, queues, trimming, duplicates, mail to oneself, dumps with messages in pieces.
 *
 * Three operations have test meanings here (the program is linked with -z muldefs): policy_put posts
 * messages, mail_setting and mail_hold (with a long table) are noted and may be answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "proto/rows.h"
#include "shards/shard_handlers.h"
#include "tests/unit/shards/mail_fixture.h"

#define SHARDS    4u
#define OWN       2u
#define NOTES_MAX 512u
#define ROW_BYTES (ROWS(hold_item, 1))

static struct fx fx;
static u64 noted[NOTES_MAX]; /* tags in the order in which their handlers ran */
static u32 noted_count;

/* ---- operations with test meanings ---- */

static void post_one(struct shard *shard, u16 target, u64 tag, u64 hops, u32 rows)
{
    static u8 table[ROWS(hold_item, ORDER_LINES_MAX)];
    if (rows == 0) {
        const struct msg_mail_setting_req fixed = {.home_id = tag, .key = hops};
        mail_post(shard, target, OPCODE_MAIL_SETTING, &fixed, &(struct span){NULL, 0});
        return;
    }
    const struct msg_mail_hold_req fixed = {.order = {.low = tag}, .user_id = hops};
    for (u32 i = 0; i < rows * ROW_BYTES; i++)
        table[i] = (u8)(tag + i / 97);
    mail_post(shard, target, OPCODE_MAIL_HOLD, &fixed, &(struct span){table, rows * ROW_BYTES});
}

static void note(u64 tag)
{
    assert_true(noted_count < NOTES_MAX);
    noted[noted_count++] = tag;
}

/* Notes answer_ms, then posts cart_user_ms messages to shard cart_guest_ms. */
void shard_apply_policy_put(struct shard *shard, const struct shard_call *call, const void *request,
                            void *reply)
{
    struct msg_policy_put_req ask;
    (void)call;
    (void)reply;
    memcpy(&ask, request, sizeof ask);
    note(ask.answer_ms);
    for (u64 i = 1; i <= ask.cart_user_ms; i++)
        post_one(shard, (u16)ask.cart_guest_ms, ask.answer_ms + i, ask.payment_lease_ms,
                 (u32)ask.unpaid_ms);
}

void shard_mail_setting(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_setting_req told;
    memcpy(&told, call->fixed, sizeof told);
    note(told.home_id);
    if (told.key > 0)
        post_one(shard, call->source, told.home_id + 100, told.key - 1, 0);
}

void shard_mail_hold(struct shard *shard, const struct mail_call *call)
{
    struct msg_mail_hold_req told;
    (void)shard;
    memcpy(&told, call->fixed, sizeof told);
    note(told.order.low);
}

/* ---- a shard of four ---- */

static int open_shard(void **state)
{
    (void)state;
    noted_count = 0;
    fx_open_with(&fx, (struct shard_options){.index = OWN, .count = SHARDS});
    return 0;
}

static int close_shard(void **state)
{
    (void)state;
    fx_close(&fx);
    return 0;
}

/* One command that posts `count` messages to `target`, tagged tag + 1 and so on. */
static void post(u16 target, u32 count, u64 tag, u64 hops, u32 rows)
{
    const struct msg_policy_put_req put = {.home_id = 1,
                                           .cart_guest_ms = target,
                                           .cart_user_ms = count,
                                           .payment_lease_ms = hops,
                                           .unpaid_ms = rows,
                                           .answer_ms = tag};
    (void)fx_send(&fx, OPCODE_POLICY_PUT, &put, 1);
    assert_int_equal(fx.reply.status, STATUS_OK);
}

/* A batch of acknowledgements alone. */
static void acknowledge(const struct batch_ack *acks, u32 count)
{
    const u32 bytes = (u32)(sizeof(struct batch_header) + count * sizeof *acks);
    const struct batch_header header = {.stamp_ns = fx.now_ns,
                                        .bytes = bytes,
                                        .ack_count = count,
                                        .state_version = BATCH_STATE_VERSION};
    fx_apply(&fx, NULL, NULL); /* makes room in the kept log */
    struct fx_batch *batch = &fx.log[fx.log_count++];
    assert_true(fx.log_count <= fx.log_capacity);
    *batch = (struct fx_batch){.bytes = malloc(bytes), .count = bytes};
    assert_non_null(batch->bytes);
    memcpy(batch->bytes, &header, sizeof header);
    memcpy(batch->bytes + sizeof header, acks, count * sizeof *acks);
    shard_apply(fx.shard, ++fx.lsn, batch->bytes, bytes, false, NULL, NULL);
}

static void acknowledge_one(u16 shard, u64 seq)
{
    acknowledge(&(struct batch_ack){.seq = seq, .shard = shard}, 1);
}

static struct shard_counters counters(void)
{
    struct shard_counters all;
    shard_counters_read(fx.shard, &all);
    return all;
}

static u64 tag_of(const struct shard_mail *mail)
{
    struct msg_mail_setting_req told;
    struct msg_mail_hold_req hold;
    memcpy(&told, mail->body, sizeof told);
    memcpy(&hold, mail->body, sizeof hold);
    return mail->opcode == OPCODE_MAIL_SETTING ? told.home_id : hold.order.low;
}

static void expect_noted(const u64 *tags, u32 count)
{
    assert_int_equal(noted_count, count);
    for (u32 i = 0; i < count; i++)
        assert_int_equal(noted[i], tags[i]);
}

/* ---- mail to oneself ---- */

static void mail_to_oneself_is_applied_before_the_next_entry(void **state)
{
    (void)state;
    post(OWN, 2, 10, 1, 0); /* each is answered once, to oneself */
    const u64 first[] = {10, 11, 12, 111, 112};
    expect_noted(first, ARRAY_COUNT(first));
    post(OWN, 0, 20, 0, 0);
    assert_int_equal(noted[noted_count - 1], 20);
    assert_int_equal(counters().mail_queued, 0);
    assert_int_equal(counters().mail_sent, 0);
    assert_int_equal(fx.shard->mail.own_count, 0);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
}

/* ---- queues ---- */

static void messages_are_given_out_in_order_from_any_number(void **state)
{
    (void)state;
    struct shard_mail mail;
    post(0, 50, 1000, 0, 0);
    post(1, 3, 2000, 0, 0);
    post(0, 50, 1050, 0, 0);
    assert_int_equal(shard_mail_sent(fx.shard, 0), 100);
    for (u64 after = 0; after < 100; after++) {
        assert_true(shard_mail_next(fx.shard, 0, after, &mail));
        assert_int_equal(mail.seq, after + 1);
        assert_int_equal(tag_of(&mail), 1000 + mail.seq);
        /* asked in order, the next one is found without looking at those before */
        assert_non_null(fx.shard->mail.out[0].cursor);
    }
    assert_false(shard_mail_next(fx.shard, 0, 100, &mail));
    assert_false(shard_mail_next(fx.shard, 0, 1000, &mail));
    assert_false(shard_mail_next(fx.shard, 3, 0, &mail));
    for (u64 after = 99; after > 0; after -= 9) {
        assert_true(shard_mail_next(fx.shard, 0, after, &mail));
        assert_int_equal(mail.seq, after + 1);
    }
    acknowledge_one(0, 40); /* the cursor may have stood there */
    for (u64 after = 0; after < 100; after++) {
        assert_true(shard_mail_next(fx.shard, 0, after, &mail));
        assert_int_equal(mail.seq, MAX(after, 40) + 1);
    }
    assert_true(shard_mail_next(fx.shard, 0, 44, &mail));
    acknowledge_one(0, 45);
    assert_true(shard_mail_next(fx.shard, 0, 45, &mail));
    assert_int_equal(mail.seq, 46);
}

static void acknowledgements_trim_and_old_ones_do_nothing(void **state)
{
    (void)state;
    for (u32 i = 0; i < 3; i++)
        post(0, 0, 0, 0, 0); /* the session has what it needs */
    const u64 before = fx.shard->arena.live_bytes;
    post(0, 10, 1000, 0, 0);
    post(3, 4, 2000, 0, 1000);
    const u64 full = shard_mail_queued_bytes(fx.shard);
    assert_true(full > 4 * 1000 * ROW_BYTES);
    assert_int_equal(counters().mail_queued, 14);
    acknowledge((const struct batch_ack[]){{.seq = 6, .shard = 0}, {.seq = 4, .shard = 3}}, 2);
    assert_int_equal(counters().mail_queued, 4);
    assert_true(shard_mail_queued_bytes(fx.shard) < 1000);
    acknowledge_one(0, 2);
    assert_int_equal(shard_mail_acked(fx.shard, 0), 6);
    assert_int_equal(counters().mail_queued, 4);
    acknowledge_one(0, 10);
    assert_int_equal(counters().mail_queued, 0);
    assert_int_equal(shard_mail_queued_bytes(fx.shard), 0);
    assert_int_equal(fx.shard->arena.live_bytes, before);
    assert_int_equal(counters().mail_sent, 14);
    struct shard *again = fx_replay(&fx);
    fx_assert_digest(fx.shard, again);
    shard_close(again);
}

static void an_acknowledgement_of_what_was_not_sent_is_a_panic(void **state)
{
    (void)state;
    post(0, 1, 1000, 0, 0);
    expect_assert_failure(mail_trim(fx.shard, 0, 2));
    expect_assert_failure(mail_trim(fx.shard, OWN, 0));
}

/* ---- what comes ---- */

static void a_message_is_applied_once_and_its_answer_is_queued(void **state)
{
    (void)state;
    struct mx mx = {.fx = &fx, .other = 1};
    const struct msg_mail_setting_req told = {.home_id = 7, .key = 1};
    mx_send(&mx, OPCODE_MAIL_SETTING, &told, &(struct span){NULL, 0});
    mx.sent--; /* again, under the same number */
    mx_send(&mx, OPCODE_MAIL_SETTING, &told, &(struct span){NULL, 0});
    const u64 once[] = {7};
    expect_noted(once, 1);
    assert_int_equal(shard_mail_applied(fx.shard, 1), 1);
    assert_int_equal(shard_mail_applied(fx.shard, 0), 0);
    assert_true(mx_take(&mx));
    assert_int_equal(mx.opcode, OPCODE_MAIL_SETTING);
    assert_false(mx_take(&mx));
    assert_int_equal(counters().mail_applied, 1);
    const struct entry_header gap = {.source = ENTRY_SOURCE_SHARD,
                                     .source_shard = 1,
                                     .opcode = OPCODE_MAIL_SETTING,
                                     .record_count = 1,
                                     .session_seq = 3};
    expect_assert_failure(mail_apply_entry(fx.shard, &gap, (const u8 *)&told, fx.now_ns));
}

/* One that is refused at once when nothing is under way. */
static enum shard_verdict admit_take(struct resource sku, struct shard_reply *reply)
{
    const struct msg_take_req take = {.resource = sku, .quantity = 1};
    const struct frame_header header = {.opcode = OPCODE_TAKE,
                                        .record_count = 1,
                                        .session = fx.session,
                                        .session_seq = fx.seq + 1,
                                        .acked_seq = fx.seq};
    return shard_admit(fx.shard, &header, (const u8 *)&take, sizeof take, fx.now_ns, reply);
}

/* Logged: the gate counts it in; applied, whatever becomes of it: out. */
static void a_message_under_way_keeps_refusals_back_also_if_it_is_a_duplicate(void **state)
{
    (void)state;
    struct shard_reply reply;
    struct mx mx = {.fx = &fx, .other = 1};
    const struct msg_mail_setting_req told = {.home_id = 7};
    const struct shard_mail mail = {.seq = 1, .opcode = OPCODE_MAIL_SETTING};
    struct resource sku = fx_sku(1);
    while (route_shard(route_hash_resource(sku), SHARDS) != OWN)
        sku.id++;
    const struct msg_sku_put_req put = {.resource = sku, .price = 250, .currency = FX_GBP};
    assert_int_equal(fx_sku_put(&fx, put, "MUG").head.status, STATUS_OK);
    fx.is_local = true;
    assert_int_equal(admit_take(sku, &reply), SHARD_VERDICT_ANSWER);
    for (u32 i = 0; i < 2; i++) {
        shard_mail_admit(fx.shard, &mail);
        assert_int_equal(counters().under_way_entries, 1);
        assert_int_equal(fx.shard->gate.adders, 1);
        mx.sent = 0;
        mx_send(&mx, OPCODE_MAIL_SETTING, &told, &(struct span){NULL, 0});
        assert_int_equal(counters().under_way_entries, 0);
        assert_int_equal(fx.shard->gate.adders, 0);
    }
    assert_int_equal(noted_count, 1);
    assert_int_equal(admit_take(sku, &reply), SHARD_VERDICT_ANSWER);
    shard_mail_admit(fx.shard, &mail);
    assert_int_equal(admit_take(sku, &reply), SHARD_VERDICT_LOG);
    expect_assert_failure(shard_mail_admit(fx.shard, &(struct shard_mail){.opcode = OPCODE_TAKE}));
}

/* ---- digest, dump, load ---- */

static void fill(void)
{
    struct mx mx = {.fx = &fx, .other = 3};
    const struct msg_mail_setting_req told = {.home_id = 7, .key = 1};
    post(0, 5, 1000, 0, 0);
    post(1, 2, 2000, 0, 2000); /* in three pieces each */
    post(0, 1, 3000, 0, 700);  /* exactly more than one */
    for (u32 i = 0; i < 3; i++)
        mx_send(&mx, OPCODE_MAIL_SETTING, &told, &(struct span){NULL, 0});
    acknowledge_one(0, 2);
}

static void a_digest_notices_queues_and_every_number(void **state)
{
    (void)state;
    fill();
    struct mail_room *room = &fx.shard->mail;
    const struct id128 before = shard_digest(fx.shard);
    u64 *numbers[] = {&room->out[0].sent_seq, &room->out[0].acked_seq, &room->applied_seq[3],
                      &room->applied_seq[0]};
    for (u32 i = 0; i < ARRAY_COUNT(numbers); i++) {
        ++*numbers[i];
        assert_false(id128_equal(before, shard_digest(fx.shard)));
        --*numbers[i];
        assert_true(id128_equal(before, shard_digest(fx.shard)));
    }
    struct shard_mail mail;
    u64 after = 0;
    for (u32 i = 0; shard_mail_next(fx.shard, 1, after, &mail); i++) {
        u8 *last = (u8 *)(uintptr_t)mail.body + mail.body_bytes - 1;
        *last ^= 1;
        assert_false(id128_equal(before, shard_digest(fx.shard)));
        *last ^= 1;
        after = mail.seq;
    }
    assert_int_equal(after, 2);
    assert_true(id128_equal(before, shard_digest(fx.shard)));
}

static void a_dump_carries_messages_in_pieces_and_goes_on_where_it_was(void **state)
{
    (void)state;
    fill();
    struct fx_dump dump;
    const u32 cut = fx.log_count;
    const struct id128 at_cut = shard_digest(fx.shard);
    fx_dump_init(&dump);
    shard_dump_begin(fx.shard);
    post(1, 3, 4000, 0, 10); /* meanwhile the state goes on */
    acknowledge_one(1, 1);
    while (fx_dump_step(&dump, fx.shard)) {}
    assert_true(dump.count >= 4);
    struct shard *loaded = fx_dump_load(&dump, &fx.options); /* last chunk first */
    assert_true(id128_equal(shard_digest(loaded), at_cut));
    struct shard_mail mail;
    for (u64 seq = 1; seq <= 2; seq++) {
        assert_true(shard_mail_next(loaded, 1, seq - 1, &mail));
        assert_int_equal(tag_of(&mail), 2000 + seq);
        struct record_view view;
        u32 offset = 0;
        frame_record_next(message_find(mail.opcode), FRAME_DIRECTION_REQUEST, mail.body, &offset,
                          &view);
        assert_int_equal(view.spans[0].bytes, 2000 * ROW_BYTES);
        for (u32 i = 0; i < 2000 * ROW_BYTES; i++)
            assert_int_equal(view.spans[0].data[i], (u8)(2000 + seq + i / 97));
    }
    struct shard_counters all;
    shard_counters_read(loaded, &all);
    assert_int_equal(all.mail_queued, 3 + 2 + 1 + 3);
    assert_int_equal(all.mail_sent, 6 + 2 + 3);
    assert_int_equal(all.mail_applied, 3);
    fx_replay_on(&fx, loaded, cut);
    fx_assert_digest(fx.shard, loaded);
    shard_close(loaded);
    fx_dump_deinit(&dump);
}

/* A record of a dump, as it stands in its chunk. */
struct piece {
    u8 *bytes;
    u32 count;
    u16 kind;
};

/* Loads all records but `skip`, and `twice` two times (-1: none). The reason, NULL when it is good. */
static const char *load(const struct piece *pieces, u32 count, i32 skip, i32 twice)
{
    struct shard *shard = shard_open(&fx.options);
    const char *reason = NULL;
    assert_non_null(shard);
    for (i32 i = 0; i < (i32)count && reason == NULL; i++) {
        if (i != skip)
            reason = shard_load_chunk(shard, pieces[i].bytes, pieces[i].count);
        if (i == twice && reason == NULL)
            reason = shard_load_chunk(shard, pieces[i].bytes, pieces[i].count);
    }
    if (reason == NULL)
        reason = shard_load_finish(shard);
    shard_close(shard);
    return reason;
}

static void a_dump_with_missing_doubled_or_wrong_mail_is_refused(void **state)
{
    (void)state;
    enum { PIECES_MAX = 256 };
    static struct piece pieces[PIECES_MAX];
    struct fx_dump dump;
    u32 count = 0, mail_count = 0, refused = 0;
    fill();
    fx_dump_init(&dump);
    shard_dump_begin(fx.shard);
    while (fx_dump_step(&dump, fx.shard)) {}
    for (u32 at = 0; at < dump.used; count++) {
        struct dump_head head;
        assert_true(count < PIECES_MAX);
        memcpy(&head, dump.bytes + at, sizeof head);
        pieces[count] =
            (struct piece){.bytes = dump.bytes + at, .count = head.bytes, .kind = head.kind};
        at += head.bytes;
    }
    assert_null(load(pieces, count, -1, -1));
    for (i32 i = 0; i < (i32)count; i++) {
        if (pieces[i].kind != DUMP_KIND_MAIL_PEER && pieces[i].kind != DUMP_KIND_MAIL_PIECE)
            continue;
        mail_count++;
        assert_non_null(load(pieces, count, i, -1));
        assert_non_null(load(pieces, count, -1, i));
        for (u32 at = 8; at < MIN(pieces[i].count, 48u); at++) {
            pieces[i].bytes[at] ^= 0x80;
            const bool is_refused = load(pieces, count, -1, -1) != NULL;
            refused += is_refused;
            if (pieces[i].kind == DUMP_KIND_MAIL_PIECE && at < 8 + 24) /* its number, place, size */
                assert_true(is_refused);
            pieces[i].bytes[at] ^= 0x80;
        }
    }
    assert_int_equal(mail_count, SHARDS + 3 + 2 * 3 + 2 + 3);
    assert_true(refused > mail_count * 20); /* the rest are numbers that might be */
    fx_dump_deinit(&dump);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_shard, close_shard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(mail_to_oneself_is_applied_before_the_next_entry),
        T(messages_are_given_out_in_order_from_any_number),
        T(acknowledgements_trim_and_old_ones_do_nothing),
        T(an_acknowledgement_of_what_was_not_sent_is_a_panic),
        T(a_message_is_applied_once_and_its_answer_is_queued),
        T(a_message_under_way_keeps_refusals_back_also_if_it_is_a_duplicate),
        T(a_digest_notices_queues_and_every_number),
        T(a_dump_carries_messages_in_pieces_and_goes_on_where_it_was),
        T(a_dump_with_missing_doubled_or_wrong_mail_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
