/* test_find_settings: categories, attributes, collections, and what searches and reviews are set by, on
 * several shards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/text.h"
#include "shards/settings/settings_category.h"
#include "shards/settings/settings_judge.h"
#include "tests/unit/shards/catalog_town.h"

static struct ct ct;

static int open_town(void **state)
{
    (void)state;
    ct_open(&ct);
    return 0;
}

static int close_town(void **state)
{
    (void)state;
    town_carry_all(ct.town);
    /* What every shard has is the same everywhere. */
    for (u16 kind = SETTING_KIND_CATEGORY; kind < SETTING_KIND_COUNT; kind++) {
        const struct settings *first = &ct.town->shards[0].shard->settings;
        for (u16 s = 1; s < CT_SHARDS; s++) {
            const struct settings *other = &ct.town->shards[s].shard->settings;
            assert_int_equal(first->kind_count[kind], other->kind_count[kind]);
            for (u32 i = settings_first(first, (enum setting_kind)kind); i != 0;
                 i = settings_next(first, i)) {
                const struct setting *a = setting_at(first, i);
                const u32 at = settings_find(other, setting_name_of(a));
                assert_int_not_equal(at, 0);
                const struct setting *b = setting_at(other, at);
                assert_int_equal(a->version, b->version);
                assert_int_equal(a->body_bytes, b->body_bytes);
                assert_memory_equal(a->body, b->body, a->body_bytes);
            }
        }
    }
    ct_close(&ct);
    return 0;
}

struct put_answer {
    struct record_status head;
    u64 version;
    u32 pending;
    u32 zero0;
};

static u16 put(u16 opcode, const void *fixed, const struct span *spans)
{
    struct put_answer answer;
    return town_ask(ct.town, opcode, 0, fixed, spans, &answer, NULL);
}

static struct text64 name_of(const char *name)
{
    return text64_of(name, strlen(name));
}

static u64 category_id(const char *code)
{
    return id_from_code(code, strlen(code));
}

struct category {
    const char *code, *parent, *name;
    u32 position;
};

static u16 category_at(struct category category, u64 if_version)
{
    const struct msg_category_put_req req = {
        .home_id = POLICY_HOME_ID,
        .category_id = category_id(category.code),
        .if_version = if_version,
        .parent_id = category.parent != NULL ? category_id(category.parent) : 0,
        .position = category.position,
        .name = name_of(category.name != NULL ? category.name : category.code)};
    const struct span span = ct_text(category.code);
    return put(OPCODE_CATEGORY_PUT, &req, &span);
}
#define CATEGORY(...) category_at((struct category){__VA_ARGS__}, VERSION_ANY)

static u32 children(const char *code, u32 after, u32 limit, char *names)
{
    struct msg_category_list_rsp reply;
    struct record_view view;
    const struct msg_category_list_req ask = {.home_id = POLICY_HOME_ID,
                                              .category_id = code != NULL ? category_id(code) : 0,
                                              .after = after,
                                              .limit = limit};
    names[0] = 0;
    if (town_ask(ct.town, OPCODE_CATEGORY_LIST, 0, &ask, NULL, &reply, &view) != STATUS_OK)
        return UINT32_MAX;
    for (u32 at = 0; at < view.spans[0].bytes; at += sizeof(struct row_category_child)) {
        struct row_category_child row;
        memcpy(&row, view.spans[0].data + at, sizeof row);
        strcat(names, (const char *)row.name.bytes);
        strcat(names, " ");
    }
    return reply.total;
}

static void categories_are_a_tree_in_order(void **state)
{
    (void)state;
    char names[4096];
    assert_int_equal(CATEGORY(.code = "home", .parent = NULL, .name = "Home", .position = 2),
                     STATUS_OK);
    assert_int_equal(CATEGORY(.code = "garden", .parent = NULL, .name = "Garden", .position = 1),
                     STATUS_OK);
    assert_int_equal(CATEGORY(.code = "attic", .parent = NULL, .name = "Attic", .position = 2),
                     STATUS_OK);
    assert_int_equal(
        CATEGORY(.code = "home/lamps", .parent = "home", .name = "Lamps", .position = 0),
        STATUS_OK);
    assert_int_equal(CATEGORY(.code = "home/beds", .parent = "home", .name = "Beds", .position = 0),
                     STATUS_OK);
    assert_int_equal(
        CATEGORY(.code = "home/lamps/red", .parent = "home/lamps", .name = "Red", .position = 0),
        STATUS_OK);
    assert_int_equal(children(NULL, 0, 10, names), 3);
    assert_string_equal(names, "Garden Attic Home ");
    assert_int_equal(children("home", 0, 10, names), 2);
    assert_string_equal(names, "Beds Lamps ");
    assert_int_equal(children("home", 1, 1, names), 2);
    assert_string_equal(names, "Lamps ");
    assert_int_equal(children("home/lamps/red", 0, 10, names), 0);
    assert_int_equal(children("nowhere", 0, 10, names), UINT32_MAX);
    /* Renamed and moved, with all below it. */
    assert_int_equal(
        CATEGORY(.code = "home/lamps", .parent = "garden", .name = "Lights", .position = 0),
        STATUS_OK);
    assert_int_equal(children("home", 0, 10, names), 1);
    assert_int_equal(children("garden", 0, 10, names), 1);
    assert_string_equal(names, "Lights ");
    struct msg_category_get_rsp got;
    struct record_view view;
    const struct msg_category_get_req ask = {.home_id = POLICY_HOME_ID,
                                             .category_id = category_id("home/lamps/red")};
    assert_int_equal(town_ask(ct.town, OPCODE_CATEGORY_GET, 0, &ask, NULL, &got, &view), STATUS_OK);
    const struct span path = view.spans[SPAN_OF(category_get_rsp, path)];
    assert_int_equal(path.bytes, strlen("Garden\nLights\nRed\n"));
    assert_memory_equal(path.data, "Garden\nLights\nRed\n", path.bytes);
    assert_memory_equal(view.spans[SPAN_OF(category_get_rsp, code)].data, "home/lamps/red", 14);
    assert_int_equal(got.version, 1);
    /* Who is above whom: as put, or by the code of what was not. */
    town_carry_all(ct.town);
    const struct settings *settings = &ct.town->shards[2].shard->settings;
    assert_int_equal(category_parent(settings, category_id("home/lamps"), ct_text("home/lamps")),
                     category_id("garden"));
    assert_int_equal(category_parent(settings, category_id("x/y/z"), ct_text("x/y/z")),
                     category_id("x/y"));
    assert_int_equal(category_parent(settings, category_id("x"), ct_text("x")), 0);
    for (u16 i = 0; i < CT_SHARDS; i++)
        town_thaw(ct.town, i);
    assert_int_equal(children(NULL, 0, 10, names), 3);
    assert_string_equal(names, "Garden Attic Home ");
}

static void a_category_is_never_below_itself_nor_too_deep(void **state)
{
    (void)state;
    char code[64], parent[64];
    assert_int_equal(CATEGORY(.code = "a", .parent = "a"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "a", .parent = "b"), STATUS_NOT_FOUND);
    assert_int_equal(CATEGORY(.code = "a"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "b", .parent = "a"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "c", .parent = "b"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "a", .parent = "c"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "a", .parent = "a"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "b", .parent = "c"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "c", .parent = "a"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "b", .parent = "c"), STATUS_OK); /* no cycle any more */
    for (u32 i = 1; i <= CATEGORY_DEPTH_MAX + 1; i++) {
        (void)snprintf(code, sizeof code, "d%u", i);
        (void)snprintf(parent, sizeof parent, "d%u", i - 1);
        assert_int_equal(CATEGORY(.code = code, .parent = i > 1 ? parent : NULL),
                         i <= CATEGORY_DEPTH_MAX ? STATUS_OK : STATUS_CATEGORY_CYCLE);
    }
    /* A subtree is moved with its depth: d15 has d16 below it. */
    assert_int_equal(CATEGORY(.code = "e"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "d1", .parent = "e"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "d2", .parent = "e"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "d15", .parent = "d14"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "f", .parent = "d15"), STATUS_OK);
    assert_int_equal(CATEGORY(.code = "g", .parent = "f"), STATUS_CATEGORY_CYCLE);
    /* a, c, b are three levels; d14 is the fourteenth now: e, d2, ... */
    assert_int_equal(CATEGORY(.code = "a", .parent = "d14"), STATUS_CATEGORY_CYCLE);
    assert_int_equal(CATEGORY(.code = "a", .parent = "d13"), STATUS_OK);
}

static void versions_pending_and_status_are_as_of_any_setting(void **state)
{
    (void)state;
    assert_int_equal(category_at((struct category){"a", NULL, "A", 0}, 3), STATUS_NOT_FOUND);
    assert_int_equal(category_at((struct category){"a", NULL, "A", 0}, VERSION_ABSENT), STATUS_OK);
    assert_int_equal(category_at((struct category){"a", NULL, "A", 0}, VERSION_ABSENT),
                     STATUS_VERSION_CONFLICT);
    struct msg_setting_status_rsp status;
    struct record_view view;
    struct msg_setting_status_req ask = {
        .home_id = POLICY_HOME_ID, .key = category_id("a"), .kind = SETTING_KIND_CATEGORY};
    assert_int_equal(town_ask(ct.town, OPCODE_SETTING_STATUS, 0, &ask, NULL, &status, &view),
                     STATUS_OK);
    assert_int_equal(status.pending, CT_SHARDS - 1);
    town_carry_all(ct.town);
    assert_int_equal(town_ask(ct.town, OPCODE_SETTING_STATUS, 0, &ask, NULL, &status, &view),
                     STATUS_OK);
    assert_int_equal(status.version, 1);
    assert_int_equal(status.pending, 0);
    ask.key = 0;
    assert_int_equal(town_ask(ct.town, OPCODE_SETTING_STATUS, 0, &ask, NULL, &status, &view),
                     STATUS_BAD_ARGUMENT);
    ask.kind = SETTING_KIND_COUNT;
    assert_int_equal(town_ask(ct.town, OPCODE_SETTING_STATUS, 0, &ask, NULL, &status, &view),
                     STATUS_BAD_ARGUMENT);
    ask.kind = SETTING_KIND_SEARCH_POLICY; /* the one built in is in force */
    assert_int_equal(town_ask(ct.town, OPCODE_SETTING_STATUS, 0, &ask, NULL, &status, &view),
                     STATUS_OK);
}

/* ---- every kind: a good one comes back as it was put, bad ones are refused ---- */

struct sample {
    u16 opcode; /* of the put; the get is the next one */
    u16 status;
    const void *fixed;
    struct span spans[2];
};

#define HOME 0x77ull
#define FIXED(name, ...)                 \
    &(const struct msg_##name##_put_req) \
    {                                    \
        __VA_ARGS__                      \
    }
#define NAME(text)    \
    {                 \
        .bytes = text \
    }

static void try_samples(const struct sample *samples, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const u16 status = put(samples[i].opcode, samples[i].fixed, samples[i].spans);
        if (status != samples[i].status)
            print_error("sample %u\n", i);
        assert_int_equal(status, samples[i].status);
    }
}

static void read_back(u16 kind, u16 opcode, u64 home_id, u64 key, const char *words)
{
    const u64 ask[2] = {home_id, key};
    u64 reply[64];
    struct record_view view;
    assert_int_equal(town_ask(ct.town, opcode, 0, ask, NULL, reply, &view), STATUS_OK);
    if (words != NULL) {
        assert_int_equal(view.spans[0].bytes, strlen(words));
        assert_memory_equal(view.spans[0].data, words, strlen(words));
    }
    /* Fields of a reply begin after head and version. */
    const struct settings *settings = &ct.town->shards[ct_home(home_id)].shard->settings;
    const struct setting *setting =
        setting_at(settings, settings_find(settings, (struct setting_name){home_id, key, kind}));
    const u32 fixed = message_find(opcode)->reply.fixed_bytes - 16;
    const u32 before = message_find((u16)(opcode - 1))->request.fixed_bytes - fixed;
    assert_memory_equal(reply + 2, setting->body + before, fixed);
    assert_int_equal(reply[1], setting->version);
}

static void words_are_lists_without_holes(void **state)
{
    (void)state;
    const struct span two = ct_text("lamp, light"), one = ct_text("lamp"), hole = ct_text("a,,b"),
                      end = ct_text("a,b,"), none = ct_text(""), bell = ct_text("a,\a"),
                      blank = ct_text(" , a");
    const struct sample samples[] = {
        {OPCODE_SYNONYM_PUT, STATUS_OK, FIXED(synonym, .home_id = HOME, .is_one_way = 1), {two}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = HOME), {one}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = HOME), {hole}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = HOME), {end}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = HOME), {bell}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = HOME), {blank}},
        {OPCODE_SYNONYM_PUT, STATUS_BAD_ARGUMENT, FIXED(synonym, .home_id = 0), {two}},
        {OPCODE_SYNONYM_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(synonym, .home_id = HOME, .is_one_way = 2),
         {two}},
        {OPCODE_SYNONYM_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(synonym, .home_id = HOME, .is_off = 2),
         {two}},
        {OPCODE_STOP_WORDS_PUT, STATUS_OK, FIXED(stop_words, .home_id = HOME), {one}},
        {OPCODE_STOP_WORDS_PUT, STATUS_BAD_ARGUMENT, FIXED(stop_words, .home_id = HOME), {none}},
        {OPCODE_STOP_WORDS_PUT, STATUS_BAD_ARGUMENT, FIXED(stop_words, .home_id = HOME), {hole}},
        {OPCODE_STOP_WORDS_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(stop_words, .home_id = HOME, .is_off = 2),
         {one}},
    };
    try_samples(samples, ARRAY_COUNT(samples));
    read_back(SETTING_KIND_SYNONYM, OPCODE_SYNONYM_GET, HOME, 0, "lamp, light");
    read_back(SETTING_KIND_STOP_WORDS, OPCODE_STOP_WORDS_GET, HOME, 0, "lamp");
}

static void attributes_and_collections_are_judged(void **state)
{
    (void)state;
    const u64 id = id_from_code("colour", 6);
    const struct span rule = ct_text("brand:acme"), lines = ct_text("a\nb");
#define ATTRIBUTE(...) FIXED(attribute, .home_id = POLICY_HOME_ID, .attribute_id = id, __VA_ARGS__)
    const struct sample samples[] = {
        {OPCODE_ATTRIBUTE_PUT, STATUS_OK, ATTRIBUTE(.type = 2, .name = NAME("colour")), {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         ATTRIBUTE(.type = 0, .name = NAME("colour")),
         {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         ATTRIBUTE(.type = 5, .name = NAME("colour")),
         {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         ATTRIBUTE(.type = 1, .name = NAME("color")),
         {{0}}},
        {OPCODE_ATTRIBUTE_PUT, STATUS_BAD_ARGUMENT, ATTRIBUTE(.type = 1), {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         ATTRIBUTE(.type = 1, .is_searched = 2, .name = NAME("colour")),
         {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(attribute, .home_id = POLICY_HOME_ID, .attribute_id = id_from_code("a=b", 3),
               .type = 1, .name = NAME("a=b")),
         {{0}}},
        {OPCODE_ATTRIBUTE_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(attribute, .home_id = 2, .attribute_id = id, .type = 1, .name = NAME("colour")),
         {{0}}},
        {OPCODE_COLLECTION_PUT,
         STATUS_OK,
         FIXED(collection, .home_id = HOME, .sort = 3, .name = NAME("New")),
         {rule}},
        {OPCODE_COLLECTION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(collection, .home_id = HOME, .sort = SEARCH_SORT_COUNT, .name = NAME("New")),
         {rule}},
        {OPCODE_COLLECTION_PUT, STATUS_BAD_ARGUMENT, FIXED(collection, .home_id = HOME), {rule}},
        {OPCODE_COLLECTION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(collection, .home_id = HOME, .name = NAME("New")),
         {lines}},
        {OPCODE_COLLECTION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(collection, .home_id = HOME, .is_off = 2, .name = NAME("New")),
         {rule}},
    };
    try_samples(samples, ARRAY_COUNT(samples));
    read_back(SETTING_KIND_ATTRIBUTE, OPCODE_ATTRIBUTE_GET, POLICY_HOME_ID, id, NULL);
    read_back(SETTING_KIND_COLLECTION, OPCODE_COLLECTION_GET, HOME, 0, "brand:acme");
}

static void bad_categories_are_refused(void **state)
{
    (void)state;
    const char *const codes[] = {"", "/", "/a", "a/", "a//b", "a\a"};
    for (u32 i = 0; i < ARRAY_COUNT(codes); i++)
        assert_int_equal(CATEGORY(.code = codes[i], .parent = NULL, .name = "Name"),
                         STATUS_BAD_ARGUMENT);
    const struct span code = ct_text("home");
#define HOMES(...) \
    FIXED(category, .home_id = POLICY_HOME_ID, .category_id = id_from_code("home", 4), __VA_ARGS__)
    const struct sample samples[] = {
        {OPCODE_CATEGORY_PUT, STATUS_BAD_ARGUMENT, HOMES(.is_off = 2, .name = NAME("H")), {code}},
        {OPCODE_CATEGORY_PUT, STATUS_BAD_ARGUMENT, HOMES(.is_off = 1), {code}},
        {OPCODE_CATEGORY_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(category, .home_id = POLICY_HOME_ID, .category_id = 5, .name = NAME("H")),
         {code}},
        {OPCODE_CATEGORY_PUT, STATUS_OK, HOMES(.is_off = 1, .name = NAME("H")), {code}},
    };
    try_samples(samples, ARRAY_COUNT(samples));
}

static struct span rows_of(const struct row_curation_action *rows, u32 count)
{
    return (struct span){.data = (const u8 *)rows, .bytes = count * (u32)sizeof *rows};
}

static const struct row_curation_action good_actions[] = {
    {5, 1, CURATION_PIN, 0}, {6, 0, CURATION_HIDE, 0}, {7, 150, CURATION_BOOST, 0}};

static void actions_of_curations_are_judged(void **state)
{
    (void)state;
    const struct span words = ct_text("white heart");
    static const struct row_curation_action bad[][2] = {
        {{5, 0, CURATION_PIN, 0}, {6, 0, CURATION_HIDE, 0}},
        {{5, 101, CURATION_PIN, 0}, {6, 0, CURATION_HIDE, 0}},
        {{5, 1, CURATION_PIN, 0}, {6, 1, CURATION_PIN, 0}},
        {{5, 1, CURATION_PIN, 0}, {5, 0, CURATION_HIDE, 0}},
        {{5, 1, CURATION_HIDE, 0}, {6, 0, CURATION_HIDE, 0}},
        {{5, 0, CURATION_BOOST, 0}, {6, 0, CURATION_HIDE, 0}},
        {{5, 1001, CURATION_BOOST, 0}, {6, 0, CURATION_HIDE, 0}},
        {{5, 1, 4, 0}, {6, 0, CURATION_HIDE, 0}},
        {{0, 0, CURATION_HIDE, 0}, {6, 0, CURATION_HIDE, 0}},
    };
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        const struct span spans[] = {words, rows_of(bad[i], 2)};
        assert_int_equal(put(OPCODE_CURATION_PUT, FIXED(curation, .home_id = HOME), spans),
                         STATUS_BAD_ARGUMENT);
    }
}

static void curations_and_ads_are_judged(void **state)
{
    (void)state;
    const struct span words = ct_text("white heart"), none = ct_text("");
    const struct span rows = rows_of(good_actions, 3);
    const struct sample samples[] = {
        {OPCODE_CURATION_PUT,
         STATUS_OK,
         FIXED(curation, .home_id = HOME, .is_part = 1),
         {words, rows}},
        {OPCODE_CURATION_PUT,
         STATUS_OK,
         FIXED(curation, .home_id = 8, .category_id = 5),
         {none, rows}},
        {OPCODE_CURATION_PUT, STATUS_BAD_ARGUMENT, FIXED(curation, .home_id = HOME), {none, rows}},
        {OPCODE_CURATION_PUT, STATUS_BAD_ARGUMENT, FIXED(curation, .home_id = HOME), {words, none}},
        {OPCODE_CURATION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(curation, .home_id = HOME, .category_id = 5),
         {words, rows}},
        {OPCODE_CURATION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(curation, .home_id = HOME, .category_id = 5, .is_part = 1),
         {none, rows}},
        {OPCODE_CURATION_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(curation, .home_id = HOME, .valid_from_ns = 5, .valid_until_ns = 5),
         {words, rows}},
        {OPCODE_AD_PUT, STATUS_OK, FIXED(ad, .home_id = HOME, .product_id = 5, .bid = 7), {words}},
        {OPCODE_AD_PUT, STATUS_BAD_ARGUMENT, FIXED(ad, .home_id = HOME, .bid = 7), {words}},
        {OPCODE_AD_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(ad, .home_id = HOME, .product_id = 5, .bid = -1),
         {words}},
        {OPCODE_AD_PUT, STATUS_BAD_ARGUMENT, FIXED(ad, .home_id = HOME, .product_id = 5), {none}},
        {OPCODE_AD_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(ad, .home_id = HOME, .product_id = 5, .category_id = 6),
         {words}},
        {OPCODE_AD_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(ad, .home_id = HOME, .product_id = 5, .is_off = 2),
         {words}},
    };
    try_samples(samples, ARRAY_COUNT(samples));
    read_back(SETTING_KIND_CURATION, OPCODE_CURATION_GET, HOME, 0, "white heart");
    read_back(SETTING_KIND_AD, OPCODE_AD_GET, HOME, 0, "white heart");
    town_carry_all(ct.town);
    const struct settings *settings = &ct.town->shards[0].shard->settings;
    const u32 at = settings_find(settings, (struct setting_name){HOME, 0, SETTING_KIND_CURATION});
    const struct span kept =
        setting_span(setting_at(settings, at), SPAN_OF(curation_put_req, actions));
    assert_int_equal(kept.bytes, sizeof good_actions);
    assert_memory_equal(kept.data, good_actions, sizeof good_actions);
}

static void profiles_and_policies_are_judged(void **state)
{
    (void)state;
#define POLICY(...) FIXED(search_policy, .home_id = POLICY_HOME_ID, __VA_ARGS__)
#define BAD_POLICY(...)                                                     \
    {                                                                       \
        OPCODE_SEARCH_POLICY_PUT, STATUS_BAD_ARGUMENT, POLICY(__VA_ARGS__), \
        {                                                                   \
            {                                                               \
                0                                                           \
            }                                                               \
        }                                                                   \
    }
    const struct sample samples[] = {
        {OPCODE_RANK_PROFILE_PUT,
         STATUS_OK,
         FIXED(rank_profile, .home_id = HOME, .rating = 1000, .name = NAME("best")),
         {{0}}},
        {OPCODE_RANK_PROFILE_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(rank_profile, .home_id = HOME, .rating = 1001, .name = NAME("best")),
         {{0}}},
        {OPCODE_RANK_PROFILE_PUT, STATUS_BAD_ARGUMENT, FIXED(rank_profile, .home_id = HOME), {{0}}},
        {OPCODE_SEARCH_POLICY_PUT,
         STATUS_OK,
         POLICY(.language = NAME("german"), .weight_title = 9),
         {{0}}},
        BAD_POLICY(.weight_title = 9),
        BAD_POLICY(.language = NAME("klingon")),
        BAD_POLICY(.language = NAME("none"), .weight_code = 101),
        BAD_POLICY(.language = NAME("none"), .typo2_bytes = 5),
        BAD_POLICY(.language = NAME("none"), .typo1_bytes = 5, .typo2_bytes = 4),
        BAD_POLICY(.language = NAME("none"), .typo1_bytes = 65),
        {OPCODE_REVIEW_POLICY_PUT,
         STATUS_OK,
         FIXED(review_policy, .home_id = POLICY_HOME_ID, .per_day = 5, .needs_purchase = 1),
         {{0}}},
        {OPCODE_REVIEW_POLICY_PUT,
         STATUS_BAD_ARGUMENT,
         FIXED(review_policy, .home_id = POLICY_HOME_ID, .is_moderated = 2),
         {{0}}},
        {OPCODE_REVIEW_POLICY_PUT, STATUS_BAD_ARGUMENT, FIXED(review_policy, .home_id = 2), {{0}}},
    };
    struct msg_search_policy_get_rsp search;
    struct msg_review_policy_get_rsp review;
    struct record_view view;
    const struct msg_search_policy_get_req ask = {.home_id = POLICY_HOME_ID};
    const struct msg_review_policy_get_req ask_review = {.home_id = POLICY_HOME_ID};
    assert_int_equal(town_ask(ct.town, OPCODE_SEARCH_POLICY_GET, 0, &ask, NULL, &search, &view),
                     STATUS_OK);
    assert_int_equal(search.version, 0);
    assert_string_equal((const char *)search.language.bytes, "english");
    assert_int_equal(
        town_ask(ct.town, OPCODE_REVIEW_POLICY_GET, 0, &ask_review, NULL, &review, &view),
        STATUS_OK);
    assert_int_equal(review.per_day, 20);
    assert_int_equal(review.is_moderated, 1);
    try_samples(samples, ARRAY_COUNT(samples));
    read_back(SETTING_KIND_RANK_PROFILE, OPCODE_RANK_PROFILE_GET, HOME, 0, NULL);
    assert_int_equal(town_ask(ct.town, OPCODE_SEARCH_POLICY_GET, 0, &ask, NULL, &search, &view),
                     STATUS_OK);
    assert_int_equal(search.version, 1);
    assert_string_equal((const char *)search.language.bytes, "german");
    assert_int_equal(
        town_ask(ct.town, OPCODE_REVIEW_POLICY_GET, 0, &ask_review, NULL, &review, &view),
        STATUS_OK);
    assert_int_equal(review.per_day, 5);
    assert_int_equal(review.is_moderated, 0);
}

static void names_are_limited(void **state)
{
    (void)state;
    char name[64];
    for (u32 i = 0; i <= ATTRIBUTE_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof name, "a%u", i);
        const struct msg_attribute_put_req req = {.home_id = POLICY_HOME_ID,
                                                  .attribute_id = category_id(name),
                                                  .type = ATTRIBUTE_TYPE_ENUM,
                                                  .name = name_of(name)};
        assert_int_equal(put(OPCODE_ATTRIBUTE_PUT, &req, NULL),
                         i < ATTRIBUTE_NAMES_MAX ? STATUS_OK : STATUS_TOO_MANY);
    }
}

static void trees_at_random_stay_trees(void **state)
{
    (void)state;
    char codes[40][8];
    u32 cycles = 0;
    for (u32 i = 0; i < ARRAY_COUNT(codes); i++) {
        (void)snprintf(codes[i], sizeof codes[i], "c%u", i);
        assert_int_equal(CATEGORY(.code = codes[i]), STATUS_OK);
    }
    for (u32 n = 0; n < 2000; n++) {
        const u64 i = town_below(ct.town, ARRAY_COUNT(codes));
        const u64 p = town_below(ct.town, ARRAY_COUNT(codes) + 2);
        const u16 status =
            CATEGORY(.code = codes[i], .parent = p < ARRAY_COUNT(codes) ? codes[p] : NULL,
                     .name = "n", .position = (u32)town_below(ct.town, 3));
        assert_true(status == STATUS_OK || status == STATUS_CATEGORY_CYCLE);
        cycles += status != STATUS_OK;
        if (n % 8 == 0)
            (void)town_carry(ct.town);
        if (n % 400 == 399)
            town_thaw(ct.town, (u16)(n / 400 % CT_SHARDS));
    }
    assert_int_not_equal(cycles, 0);
    town_carry_all(ct.town);
    for (u16 s = 0; s < CT_SHARDS; s++)
        assert_null(category_tree_invalid(&ct.town->shards[s].shard->settings));
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_town, close_town)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(categories_are_a_tree_in_order),
        T(a_category_is_never_below_itself_nor_too_deep),
        T(versions_pending_and_status_are_as_of_any_setting),
        T(words_are_lists_without_holes),
        T(attributes_and_collections_are_judged),
        T(bad_categories_are_refused),
        T(actions_of_curations_are_judged),
        T(curations_and_ads_are_judged),
        T(profiles_and_policies_are_judged),
        T(names_are_limited),
        T(trees_at_random_stay_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
