/* Tests of the import against a server that refuses: client/cli/verb_import.c, import_pipe.h.
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

#include "client/cli/cli.h"
#include "client/cli/import_pipe.h"
#include "proto/messages.h"
#include "tests/unit/client/fake_listener.h"

#define PRODUCTS 40u

/* What the server has executed of each product: the row that it was put for last. */
struct heard {
    u64 ids[PRODUCTS];
    u32 last[PRODUCTS];
    u64 aliases[PRODUCTS];
    u64 owners[PRODUCTS]; /* who claimed it first */
    u64 puts;
};

static u32 place_of(u64 *ids, u64 id)
{
    u32 i = 0;
    while (i < PRODUCTS && ids[i] != 0 && ids[i] != id)
        i++;
    MUST(i < PRODUCTS);
    ids[i] = id;
    return i;
}

static void hear(void *hearer, const struct message_info *info, const struct frame_header *request,
                 const u8 *records)
{
    struct heard *heard = hearer;
    u32 offset = 0;
    for (u32 i = 0; i < request->record_count; i++) {
        struct record_view view;
        frame_record_next(info, FRAME_DIRECTION_REQUEST, records, &offset, &view);
        if (info->code == OPCODE_PRODUCT_PUT) {
            struct msg_product_put_req put;
            memcpy(&put, view.fixed, sizeof put);
            heard->last[place_of(heard->ids, put.product_id)] = put.popularity;
            heard->puts++;
        } else if (info->code == OPCODE_ALIAS_PUT) {
            struct msg_alias_put_req put;
            memcpy(&put, view.fixed, sizeof put);
            const u32 place = place_of(heard->aliases, put.alias_id);
            if (heard->owners[place] == 0)
                heard->owners[place] = put.product_id;
        }
    }
}

/* Runs `souk import` of a text. Returns its exit code. */
static int import_text(struct fake_listener *listener, const char *text, const char *options)
{
    char path[64], line[256];
    char *arguments[16];
    int count = 0;
    (void)snprintf(path, sizeof path, "/tmp/souk-test-import-%d.csv", (int)getpid());
    FILE *to = fopen(path, "we");
    MUST(to != NULL);
    (void)fputs(text, to);
    (void)fclose(to);
    struct cli cli = {.address = listener->address, .is_json = true, .timeout_ms = 300};
    (void)snprintf(line, sizeof line, "import %s --quiet %s", path, options);
    for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    const int exit_code = cli_run(&cli, count, arguments);
    (void)unlink(path);
    (void)snprintf(line, sizeof line, "%s.import", path);
    (void)unlink(line);
    return exit_code;
}

static void a_refusing_server_is_waited_for(void **state)
{
    (void)state;
    struct fake_listener *listener = listener_open(2, 0);
    struct heard heard = {0};
    listener->fake.hear = hear;
    listener->fake.hearer = &heard;
    /* For longer than a call may take, and oftener than a call is tried. */
    listener->fake.next_status = STATUS_OVERLOADED;
    listener->fake.next_status_count = 16;
    listener->fake.next_retry_ms = 40;
    assert_int_equal(import_text(listener, "code,title\nA,a\nB,b\nC,c\n", "--lanes 1"),
                     CLI_EXIT_DONE);
    assert_int_equal(listener->fake.next_status_count, 0);
    assert_int_equal(heard.puts, 3);
    listener_close(listener);
}

/* 600 rows of 40 products with pages so large that a call is several frames, and each fifth frame is
 * refused while those behind it are executed. */
static void the_last_row_of_a_product_wins(void **state)
{
    (void)state;
    const u32 page_bytes = 30000, row_count = 600;
    char *text = malloc((size_t)row_count * (page_bytes + 64) + 64), *at = text;
    MUST(text != NULL);
    at += sprintf(at, "code,popularity,page\n");
    for (u32 row = 0; row < row_count; row++) {
        at += sprintf(at, "P%u,%u,", row * 7 % PRODUCTS, row + 1);
        memset(at, 'x', page_bytes);
        at += page_bytes;
        *at++ = '\n';
    }
    *at = '\0';
    u64 again = 0;
    /* On a busy machine calls may all be short, so that nothing is behind what is refused: then once more. */
    for (u32 round = 0; round < 40 && (round < 2 || again == 0); round++) {
        const u32 lanes = round % 2 == 0 ? 1 : 4;
        struct fake_listener *listener = listener_open(2, 0);
        struct heard heard = {0};
        char options[64];
        listener->fake.hear = hear;
        listener->fake.hearer = &heard;
        listener->fake.refuses_every = 5;
        listener->fake.next_status = STATUS_OVERLOADED;
        (void)snprintf(options, sizeof options, "--lanes %u --batch 256", lanes);
        assert_int_equal(import_text(listener, text, options), CLI_EXIT_DONE);
        again += heard.puts - row_count;
        for (u32 row = row_count - PRODUCTS; row < row_count; row++) {
            char code[16];
            const int bytes = sprintf(code, "P%u", row * 7 % PRODUCTS);
            assert_int_equal(heard.last[place_of(heard.ids, souk_id(code, (size_t)bytes))],
                             row + 1);
        }
        listener_close(listener);
    }
    assert_true(again > 0); /* rows were put more than once */
    free(text);
}

/* Whichever lane the rows are in: both orders are tried, with many pairs. */
static void the_first_row_gets_the_slug(void **state)
{
    (void)state;
    char text[4096], *at = text;
    struct fake_listener *listener = listener_open(1, 0);
    struct heard heard = {0};
    listener->fake.hear = hear;
    listener->fake.hearer = &heard;
    at += sprintf(at, "code,slug\n");
    for (u32 i = 0; i < 16; i++)
        at += sprintf(at, "A%u,s%u\nB%u,s%u\n", i, i, i, i);
    assert_int_equal(import_text(listener, text, "--lanes 16 --batch 1"), CLI_EXIT_DONE);
    for (u32 i = 0; i < 16; i++) {
        char code[16], slug[16];
        const int bytes = sprintf(code, "A%u", i), slug_bytes = sprintf(slug, "s%u", i);
        const u32 place = place_of(heard.aliases, souk_id(slug, (size_t)slug_bytes));
        assert_int_equal(heard.owners[place], souk_id(code, (size_t)bytes));
    }
    listener_close(listener);
}

static void a_slow_server_gets_one_lane_and_a_quick_one_all(void **state)
{
    (void)state;
    struct import_pipe pipe;
    pipe_init(&pipe, NULL, 16, 32);
    u64 now_ns = 1;
    assert_int_equal(pipe.pace, PIPE_PACE_ONE);
    for (u32 i = 0; i < 400; i++)
        pipe_pace(&pipe, now_ns += NS_PER_MS, NS_PER_MS);
    assert_int_equal(pipe.pace, 16 * PIPE_PACE_ONE);
    /* Of calls that waited side by side only the first counts. */
    for (u32 i = 0; i < 16; i++)
        pipe_pace(&pipe, now_ns, 50 * NS_PER_MS);
    assert_int_equal(pipe.pace, 12 * PIPE_PACE_ONE);
    for (u32 i = 0; i < 20; i++)
        pipe_pace(&pipe, now_ns += 50 * NS_PER_MS, 50 * NS_PER_MS);
    assert_int_equal(pipe.pace, PIPE_PACE_ONE);
    pipe_deinit(&pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusing_server_is_waited_for),
        cmocka_unit_test(the_last_row_of_a_product_wins),
        cmocka_unit_test(the_first_row_gets_the_slug),
        cmocka_unit_test(a_slow_server_gets_one_lane_and_a_quick_one_all),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
