/* Carts, orders and payments over raw sockets: frames that no client would send. A frame that is refused
 * as a whole leaves every shard's digest as it was; a record that is refused is answered; and whatever
 * comes, the sums agree afterwards and the server serves on.
 *
 * What each operation refuses, with which status: tests/unit/shards/test_order_refusals.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "tests/integration/raw.h"

#define FIRST_NEW OPCODE_PRODUCT_PAGE
#define GARBAGE   400u

static const char *const three_shards[] = {"--shards", "3", "--reactors", "2", NULL};

static int start_server(void **state)
{
    struct raw_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    raw_server_make(server, three_shards);
    raw_server_start(server);
    *state = server;
    return 0;
}

/* What was answered so far is the same after a restart. */
static int stop_server(void **state)
{
    struct raw_server *server = *state;
    struct id128 digests[8];
    assert_true(raw_server_is_alive(server));
    struct raw_peer peer = raw_connect(server, true);
    for (u16 i = 0; i < server->shard_count; i++)
        digests[i] = raw_verify(&peer, i).digest;
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGKILL), 128 + SIGKILL);
    raw_server_start(server);
    peer = raw_connect(server, true);
    for (u16 i = 0; i < server->shard_count; i++) {
        const struct msg_verify_rsp answer = raw_verify(&peer, i);
        assert_true(id128_equal(answer.digest, digests[i]));
        assert_int_equal(answer.violations, 0);
    }
    raw_close(&peer);
    assert_int_equal(raw_server_end(server, SIGTERM), 0);
    assert_false(raw_server_log_has(server, "panic"));
    raw_server_remove(server);
    free(server);
    return 0;
}

struct visit {
    struct raw_server *server;
    struct raw_peer peer;
    struct id128 digests[8];
};

static u64 session_numbers = 7000;

static void remember(struct visit *visit)
{
    const u16 shard = visit->peer.shard;
    for (u16 i = 0; i < visit->server->shard_count; i++)
        visit->digests[i] = raw_verify(&visit->peer, i).digest;
    visit->peer.shard = shard;
}

static struct visit begin(void **state, u16 shard)
{
    struct visit visit = {.server = *state, .peer = raw_connect(*state, true)};
    raw_session_open(&visit.peer, shard, ++session_numbers);
    remember(&visit);
    return visit;
}

static void nothing_changed(struct visit *visit)
{
    const u16 shard = visit->peer.shard;
    for (u16 i = 0; i < visit->server->shard_count; i++) {
        const struct msg_verify_rsp answer = raw_verify(&visit->peer, i);
        assert_true(id128_equal(answer.digest, visit->digests[i]));
        assert_int_equal(answer.violations, 0);
    }
    visit->peer.shard = shard;
}

/* Between shards: no client sends it. */
static bool is_internal(const struct message_info *info)
{
    return info->class == MESSAGE_CLASS_MAIL || info->class == MESSAGE_CLASS_PART;
}

static bool is_question(const struct message_info *info)
{
    return info->class == MESSAGE_CLASS_READ || info->class == MESSAGE_CLASS_GATHER;
}

static u16 send_record(struct visit *visit, const struct message_info *info, const u8 *body,
                       u32 bytes)
{
    if (is_question(info))
        raw_request(&visit->peer, info->code, body, bytes, 1);
    else
        raw_write(&visit->peer, info->code, body, bytes, 1);
    return raw_receive_status(&visit->peer);
}

/* A frame that is refused as a whole: so, and without a trace. */
static void refuse_frame(struct visit *visit, u16 opcode, const u8 *body, u32 bytes, u16 wanted)
{
    assert_int_equal(send_record(visit, message_find(opcode), body, bytes), wanted);
    visit->peer.seq--; /* it was never executed: the number is free */
    nothing_changed(visit);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void mail_and_parts_are_not_for_clients(void **state)
{
    struct visit visit = begin(state, 0);
    static u8 body[4096];
    u32 seen = 0;
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (!is_internal(info))
            continue;
        const struct span none[MESSAGE_SPANS_MAX] = {{0}};
        const u64 fixed[64] = {0};
        const u32 bytes =
            frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, fixed, none);
        refuse_frame(&visit, info->code, body, bytes, STATUS_UNKNOWN_OPCODE);
        seen++;
    }
    assert_true(seen >= 17);
    raw_close(&visit.peer);
}

/* A checkout with `count` equal lines, of which `cut` bytes are missing. */
static u8 *write_checkout(u32 count, u32 cut, u32 *bytes)
{
    const u32 line_bytes = count * (u32)sizeof(struct row_checkout_line) - cut;
    const struct msg_checkout_req ask = {
        .order = {.high = 5, .low = raw_id(1).high}, .expected_total = 1, .currency = 826};
    u8 *body = calloc(1, FRAME_BYTES_MAX);
    u8 *at = body;
    assert_non_null(body);
    memcpy(at, &ask, sizeof ask);
    at += sizeof ask;
    memcpy(at, &line_bytes, sizeof line_bytes);
    at += sizeof line_bytes;
    for (u32 i = 0; i < count; i++) {
        const struct row_checkout_line row = {.sku_id = 1 + i, .quantity = 1, .agreed_price = -1};
        memcpy(at + i * sizeof row, &row, sizeof row);
    }
    at += line_bytes;
    memset(at, 0, 64);
    at += 4 * sizeof(u32); /* no charges, tenders, coupons, address */
    *bytes = ROUND_UP((u32)(at - body), 8u);
    return body;
}

static u16 shard_of_user(const struct visit *visit, u64 user)
{
    return route_shard(route_hash_u64(user), visit->server->shard_count);
}

static void too_many_lines_are_refused(void **state)
{
    struct visit visit = begin(state, 0);
    visit.peer.shard = shard_of_user(&visit, 5);
    const u32 counts[] = {ORDER_LINES_MAX + 1, 10001};
    for (u32 i = 0; i < ARRAY_COUNT(counts); i++) {
        u32 bytes;
        u8 *body = write_checkout(counts[i], 0, &bytes);
        refuse_frame(&visit, OPCODE_CHECKOUT, body, bytes, STATUS_TOO_LARGE);
        free(body);
    }
    raw_close(&visit.peer);
}

static void tables_that_end_inside_a_row_are_refused(void **state)
{
    struct visit visit = begin(state, 0);
    const u32 cuts[] = {1, 4, 8, 40};
    visit.peer.shard = shard_of_user(&visit, 5);
    for (u32 i = 0; i < ARRAY_COUNT(cuts); i++) {
        u32 bytes;
        u8 *body = write_checkout(3, cuts[i], &bytes);
        refuse_frame(&visit, OPCODE_CHECKOUT, body, bytes, STATUS_BAD_FRAME);
        free(body);
    }
    raw_close(&visit.peer);
}

/* Every reserved field of every row of every operation, one at a time. */
static void reserved_bits_in_rows_are_refused(void **state)
{
    struct visit visit = begin(state, 0);
    static u8 body[4096];
    u32 tried = 0;
    for (u32 m = 0; m < MESSAGE_COUNT; m++) {
        const struct message_info *info = message_at(m);
        if (info->class != MESSAGE_CLASS_READ && info->class != MESSAGE_CLASS_WRITE)
            continue;
        for (u32 s = 0; s < info->request.span_count; s++) {
            const struct row_info *row = message_span_row(&info->request.spans[s]);
            u32 at = 0;
            for (u32 f = 0; row != NULL && f < row->field_count; at += row->fields[f++].bytes) {
                if (row->fields[f].text != NULL)
                    continue; /* not reserved */
                u8 rows[256] = {0};
                const u64 fixed[64] = {0};
                struct span spans[MESSAGE_SPANS_MAX] = {{0}};
                rows[at] = 1;
                spans[s] = (struct span){rows, row->bytes};
                const u32 bytes = frame_record_write(info, FRAME_DIRECTION_REQUEST, body,
                                                     sizeof body, fixed, spans);
                refuse_frame(&visit, info->code, body, bytes, STATUS_RESERVED_BITS);
                tried++;
            }
        }
    }
    assert_true(tried >= 5);
    raw_close(&visit.peer);
}

static void the_wrong_shard_refuses(void **state)
{
    struct visit visit = begin(state, 0);
    const u64 user = 5;
    const u16 home = shard_of_user(&visit, user);
    raw_close(&visit.peer);
    visit = begin(state, (u16)((home + 1) % visit.server->shard_count));
    const struct msg_checkout_cancel_req cancel = {.order = {.high = user, .low = raw_id(1).high},
                                                   .reason = 1};
    struct raw_reply reply;
    raw_write(&visit.peer, OPCODE_CHECKOUT_CANCEL, &cancel, sizeof cancel, 1);
    assert_true(raw_receive(&visit.peer, &reply));
    struct msg_checkout_cancel_rsp answer;
    memcpy(&answer, reply.body, sizeof answer);
    assert_int_equal(reply.header.status, STATUS_OK);
    assert_int_equal(answer.head.status, STATUS_WRONG_SHARD);
    raw_release(&reply);
    raw_close(&visit.peer);
}

/* ---- records --------------------------------------------------------------------------------- */

/* A record whose fields are all zero names nothing: each operation says so, or that there is nothing. */
static void empty_records_are_answered(void **state)
{
    struct visit visit = begin(state, 0);
    static u8 body[4096];
    for (u32 i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_info *info = message_at(i);
        if (info->code < FIRST_NEW || is_internal(info))
            continue;
        const struct span none[MESSAGE_SPANS_MAX] = {{0}};
        const u64 fixed[64] = {0};
        const u32 bytes =
            frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, fixed, none);
        struct raw_reply reply;
        struct record_status head;
        if (is_question(info))
            raw_request(&visit.peer, info->code, body, bytes, 1);
        else
            raw_write(&visit.peer, info->code, body, bytes, 1);
        assert_true(raw_receive(&visit.peer, &reply));
        if (reply.header.status != STATUS_OK)
            fail_msg("%s: frame refused with %u", info->name, reply.header.status);
        memcpy(&head, reply.body, sizeof head);
        const bool is_list = info->route == MESSAGE_ROUTE_SHARD || info->route == MESSAGE_ROUTE_ANY;
        if (head.status != STATUS_BAD_ARGUMENT &&
            !(is_list && (head.status == STATUS_OK || head.status == STATUS_NONE_READY)))
            fail_msg("%s: status %u", info->name, head.status);
        raw_release(&reply);
    }
    raw_close(&visit.peer);
}

static u64 draw(u64 *random)
{
    static const u64 edges[] = {0,          1,
                                2,          5,
                                826,        1ull << 31,
                                1ull << 53, (1ull << 53) + 1,
                                1ull << 63, (1ull << 63) - 1,
                                UINT64_MAX, UINT64_MAX - 1};
    u64 z = *random += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z ^= z >> 27;
    return z % 4 == 0 ? z : edges[z / 4 % ARRAY_COUNT(edges)];
}

/* Fields of one message or row, those that are not reserved, at random. */
static void draw_fields(const struct message_field *fields, u32 count, u8 *to, u64 *random)
{
    for (u32 i = 0, at = 0; i < count; at += fields[i++].bytes)
        for (u32 b = 0; fields[i].text != NULL && b < fields[i].bytes; b += 8) {
            const u64 word = draw(random);
            memcpy(to + at + b, &word, MIN(8u, fields[i].bytes - b));
        }
}

/* Well formed, and nonsense: answered, and the sums agree. */
static void nonsense_is_survived(void **state)
{
    struct visit visit = begin(state, 0);
    static u8 body[32768], rows[MESSAGE_SPANS_MAX][4096];
    u64 random = 1;
    for (u32 i = 0; i < GARBAGE; i++) {
        const struct message_info *info = message_at(i % MESSAGE_COUNT);
        if (info->code < FIRST_NEW || is_internal(info))
            continue;
        u64 fixed[64] = {0};
        struct span spans[MESSAGE_SPANS_MAX] = {{0}};
        memset(rows, 0, sizeof rows);
        draw_fields(info->request.fields, info->request.field_count, (u8 *)fixed, &random);
        for (u32 s = 0; s < info->request.span_count; s++) {
            const struct row_info *row = message_span_row(&info->request.spans[s]);
            const u32 count = (u32)(draw(&random) % 4);
            for (u32 r = 0; row != NULL && r < count; r++)
                draw_fields(row->fields, row->field_count, rows[s] + r * row->bytes, &random);
            spans[s] = (struct span){rows[s], row != NULL ? count * row->bytes : count};
        }
        const u32 bytes =
            frame_record_write(info, FRAME_DIRECTION_REQUEST, body, sizeof body, fixed, spans);
        assert_int_not_equal(bytes, 0);
        assert_int_equal(send_record(&visit, info, body, bytes), STATUS_OK);
    }
    remember(&visit);
    nothing_changed(&visit); /* and no violations */
    raw_close(&visit.peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_and_parts_are_not_for_clients),
        cmocka_unit_test(too_many_lines_are_refused),
        cmocka_unit_test(tables_that_end_inside_a_row_are_refused),
        cmocka_unit_test(reserved_bits_in_rows_are_refused),
        cmocka_unit_test(the_wrong_shard_refuses),
        cmocka_unit_test(empty_records_are_answered),
        cmocka_unit_test(nonsense_is_survived),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
