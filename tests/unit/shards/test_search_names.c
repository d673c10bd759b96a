/* test_search_names: names of categories and attributes that come and go: what is not used any more is given
 * back, and does not keep others out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

/* For many commands: what was applied is not kept. */
static int open_long(void **state)
{
    (void)state;
    memset(&sx, 0, sizeof sx);
    sx.feeder = feeder_open(1, false);
    sx.loop = gather_loop_open(feeder_shards(sx.feeder), 1);
    return 0;
}

static int close_long(void **state)
{
    (void)state;
    sx_close(&sx);
    return 0;
}

static const struct columns *columns(void)
{
    return &search_current(&feeder_shards(sx.feeder)[0]->search)->columns;
}

/* One product in ever new categories: their nodes are given back by a new index from time to time. */
static void categories_that_nobody_has_are_given_back(void **state)
{
    enum { PUTS = 30000, DEPTH = 8, NODES_MOST = 3 << 16 };
    char category[128];
    u32 most = 0, shrunk = 0, before = 0;
    (void)state;
    for (u32 i = 0; i < PUTS; i++) {
        u32 used = (u32)snprintf(category, sizeof category, "c%u", i);
        for (u32 depth = 1; depth < DEPTH; depth++)
            used += (u32)snprintf(category + used, sizeof category - used, "/b");
        sx_put(&sx, "P", .title = "lamp", .category = category);
        const u32 nodes = columns()->tree.node_end;
        shrunk += nodes < before ? 1 : 0;
        before = nodes;
        most = MAX(most, nodes);
        if (i % 1000 == 0) {
            sx_ask(&sx, .query = "lamp");
            assert_int_equal(sx.rsp.total, 1);
        }
    }
    assert_true(shrunk >= 2);
    assert_true(most < NODES_MOST);
    assert_true(column_tree_valid(&columns()->tree));
    sx_ask(&sx, .query = "lamp", .filter = "category:c29999");
    assert_int_equal(sx.rsp.total, 1);
    sx_ask(&sx, .query = "lamp", .filter = "category:c29998");
    assert_int_equal(sx.rsp.total, 0);
}

/* More names of attributes than there may be, one after the other: the last ones are found. */
static void attributes_that_nobody_has_keep_no_other_out(void **state)
{
    enum { PUTS = 3 * ATTRIBUTE_NAMES_MAX };
    char line[64], filter[64];
    (void)state;
    sx_put(&sx, "STAYS", .title = "lamp", .attributes = "color=red");
    for (u32 i = 0; i < PUTS; i++) {
        snprintf(line, sizeof line, "name%u=yes", i);
        sx_put(&sx, "P", .title = "lamp", .attributes = line);
        assert_true(columns()->fields.field_count <= COLUMN_FIELDS_MAX);
    }
    sx_put(&sx, "Q", .title = "lamp", .attributes = "late=yes");
    for (u32 i = 0; i < 64; i++) /* what is made anew comes in force */
        sx_ask(&sx, .query = "lamp");
    sx_ask(&sx, .query = "lamp", .filter = "late:yes");
    assert_int_equal(sx.rsp.total, 1);
    snprintf(filter, sizeof filter, "name%u:yes", PUTS - 1);
    sx_ask(&sx, .query = "lamp", .filter = filter);
    assert_int_equal(sx.rsp.total, 1);
    sx_ask(&sx, .query = "lamp", .filter = "color:red");
    assert_int_equal(sx.rsp.total, 1);
    assert_true(column_fields_valid(&columns()->fields));
}

/* More than there may be at once: who asks for one that found no room is told so, and nobody else. */
static void attributes_without_room_are_told(void **state)
{
    char line[64], code[16];
    (void)state;
    for (u32 i = 0; i < ATTRIBUTE_NAMES_MAX; i++) {
        snprintf(code, sizeof code, "P%u", i);
        snprintf(line, sizeof line, "name%u=yes", i);
        sx_put(&sx, code, .title = "lamp", .attributes = line);
    }
    sx_ask(&sx, .query = "lamp", .filter = "late:yes");
    assert_int_equal(sx.status, STATUS_BAD_FILTER);
    assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, problem)),
                        "late: no product has this attribute, and it is not declared");
    sx_put(&sx, "LATE", .title = "lamp", .attributes = "late=yes\nname3=yes");
    for (u32 i = 0; i < 2; i++) { /* declared or not */
        sx_ask(&sx, .query = "lamp", .filter = "name1:yes AND late:yes");
        assert_int_equal(sx.status, STATUS_BAD_FILTER);
        assert_int_equal(sx.rsp.error_at, 14);
        assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, problem)),
                            "late: more than 1,024 names of attributes are in use, and not all "
                            "products are found by this one");
        sx_ask(&sx, .query = "lamp", .facets = "name1,late");
        assert_int_equal(sx.status, STATUS_BAD_FILTER);
        assert_int_equal(sx.rsp.error_at, 6);
        sx_ask(&sx, .query = "lamp", .filter = "name3:yes", .facets = "name3");
        assert_int_equal(sx.status, STATUS_OK);
        assert_int_equal(sx.rsp.total, 2);
        sx_ask(&sx, .query = "lamp", .filter = "nobody:yes");
        assert_string_equal(sx_span(&sx, SPAN_OF(search_rsp, problem)),
                            "nobody: no product has this attribute, and it is not declared");
        if (i == 0)
            sx_attribute(&sx, "late", ATTRIBUTE_TYPE_ENUM, true);
        for (u32 turn = 0; turn < 200; turn++) /* what is made anew comes in force */
            sx_ask(&sx, .query = "lamp");
    }
    sx_ask(&sx, .query = "yes");
    assert_int_equal(sx.rsp.total, ATTRIBUTE_NAMES_MAX + 1); /* its words are found */
    /* Others make room. */
    for (u32 i = 0; i < ATTRIBUTE_NAMES_MAX / 4; i++) {
        snprintf(code, sizeof code, "P%u", 100 + i);
        sx_delete(&sx, code);
    }
    sx_put(&sx, "MORE", .title = "lamp");
    for (u32 turn = 0; turn < 2000; turn++)
        sx_ask(&sx, .query = "lamp", .limit = 1);
    sx_ask(&sx, .query = "lamp", .filter = "late:yes");
    assert_int_equal(sx.status, STATUS_OK);
    assert_int_equal(sx.rsp.total, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(categories_that_nobody_has_are_given_back, open_long,
                                        close_long),
        cmocka_unit_test_setup_teardown(attributes_that_nobody_has_keep_no_other_out, open_long,
                                        close_long),
        cmocka_unit_test_setup_teardown(attributes_without_room_are_told, open_long, close_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
