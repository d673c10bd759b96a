/* test_bad_texts: every text field of catalog, searches, reviews and recommendations with bytes that are no
 * text. What is kept is refused; what asks is refused with the byte; what only separates words does that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "proto/text.h"
#include "shards/catalog/alias.h"
#include "tests/unit/shards/search_fixture.h"

static struct sx sx;

static void put_shop(void)
{
    sx_put(&sx, "MUG", .title = "Mug", .category = "home", .attributes = "color=red");
    const struct msg_review_put_req review = {.product_id = sx_id("MUG"), .user_id = 7, .stars = 4};
    const struct span texts[] = {sx_text("good"), sx_text("it is"), {0}};
    assert_int_equal(feeder_call(sx.feeder, OPCODE_REVIEW_PUT, &review, texts, NULL), STATUS_OK);
    feeder_flush(sx.feeder);
}

SX_SHOP(put_shop)

/* ---- what is kept: each of these puts a text into one field, everything else being good ---- */

static u64 id_of(struct span text)
{
    return id_from_code(text.data, text.bytes);
}

static u16 put_product(u32 field, struct span text)
{
    struct span spans[MESSAGE_SPANS_MAX] = {[PRODUCT_TEXT_CODE] = sx_text("PAN")};
    spans[field] = text;
    const struct msg_product_put_req put = {.product_id = id_of(spans[PRODUCT_TEXT_CODE])};
    return feeder_call(sx.feeder, OPCODE_PRODUCT_PUT, &put, spans, NULL);
}
#define PRODUCT_FIELD(name, number)         \
    static u16 put_##name(struct span text) \
    {                                       \
        return put_product(number, text);   \
    }
PRODUCT_FIELD(code, PRODUCT_TEXT_CODE)
PRODUCT_FIELD(title, PRODUCT_TEXT_TITLE)
PRODUCT_FIELD(brand, PRODUCT_TEXT_BRAND)
PRODUCT_FIELD(category, PRODUCT_TEXT_CATEGORY)
PRODUCT_FIELD(attributes, PRODUCT_TEXT_ATTRIBUTES)
PRODUCT_FIELD(description, PRODUCT_TEXT_DESCRIPTION)
PRODUCT_FIELD(slug, SPAN_OF(product_put_req, slug))
PRODUCT_FIELD(key, SPAN_OF(product_put_req, external_key))
PRODUCT_FIELD(page, PRODUCT_TEXT_PAGE)

static u16 patch_product(u32 bit, u32 field, struct span text)
{
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    const struct msg_product_patch_req patch = {.product_id = sx_id("MUG"), .fields = bit};
    spans[field] = text;
    return feeder_call(sx.feeder, OPCODE_PRODUCT_PATCH, &patch, spans, NULL);
}
#define PATCH_FIELD(name, bit)                                             \
    static u16 patch_##name(struct span text)                              \
    {                                                                      \
        return patch_product(bit, SPAN_OF(product_patch_req, name), text); \
    }
PATCH_FIELD(title, 2)
PATCH_FIELD(brand, 4)
PATCH_FIELD(category, 8)
PATCH_FIELD(attributes, 16)
PATCH_FIELD(description, 32)
PATCH_FIELD(slug, 64)
PATCH_FIELD(external_key, 128)
PATCH_FIELD(page, 256)

static u16 put_alias(enum alias_kind kind, struct span text)
{
    const struct msg_alias_put_req put = {
        .alias_id = alias_id_of(kind, text), .product_id = sx_id("MUG"), .kind = (u16)kind};
    return feeder_call(sx.feeder, OPCODE_ALIAS_PUT, &put, &text, NULL);
}
static u16 alias_slug(struct span text)
{
    return put_alias(ALIAS_KIND_SLUG, text);
}
static u16 alias_key(struct span text)
{
    return put_alias(ALIAS_KIND_KEY, text);
}

static u16 sku_code(struct span text)
{
    const struct msg_sku_put_req put = {.resource = {.id = id_of(text)}, .currency = SX_GBP};
    return feeder_call(sx.feeder, OPCODE_SKU_PUT, &put, &text, NULL);
}

static struct text64 short_text(struct span text)
{
    return text64_of((const char *)text.data, text.bytes);
}

static u16 category_code(struct span text)
{
    const struct msg_category_put_req put = {
        .home_id = POLICY_HOME_ID, .category_id = id_of(text), .name = short_text(sx_text("Home"))};
    return feeder_call(sx.feeder, OPCODE_CATEGORY_PUT, &put, &text, NULL);
}
static u16 category_name(struct span text)
{
    const struct msg_category_put_req put = {
        .home_id = POLICY_HOME_ID, .category_id = sx_id("home"), .name = short_text(text)};
    const struct span code = sx_text("home");
    return feeder_call(sx.feeder, OPCODE_CATEGORY_PUT, &put, &code, NULL);
}
static u16 attribute_name(struct span text)
{
    const struct msg_attribute_put_req put = {.home_id = POLICY_HOME_ID,
                                              .attribute_id = id_of(text),
                                              .type = ATTRIBUTE_TYPE_ENUM,
                                              .name = short_text(text)};
    return feeder_call(sx.feeder, OPCODE_ATTRIBUTE_PUT, &put, NULL, NULL);
}

static u16 put_collection(struct span name, struct span filter)
{
    const struct msg_collection_put_req put = {.home_id = 5, .name = short_text(name)};
    return feeder_call(sx.feeder, OPCODE_COLLECTION_PUT, &put, &filter, NULL);
}
static u16 collection_name(struct span text)
{
    return put_collection(text, sx_text("brand:acme"));
}
static u16 collection_rule(struct span text)
{
    return put_collection(sx_text("Acme"), text);
}

static u16 profile_name(struct span text)
{
    const struct msg_rank_profile_put_req put = {.home_id = 5, .name = short_text(text)};
    return feeder_call(sx.feeder, OPCODE_RANK_PROFILE_PUT, &put, NULL, NULL);
}
static u16 synonym_words(struct span text)
{
    u8 words[64];
    const struct msg_synonym_put_req put = {.home_id = 5};
    const struct span span = {.data = words, .bytes = text.bytes + 4};
    memcpy(words, "cup,", 4);
    memcpy(words + 4, text.data, text.bytes);
    return feeder_call(sx.feeder, OPCODE_SYNONYM_PUT, &put, &span, NULL);
}
static u16 stop_words(struct span text)
{
    const struct msg_stop_words_put_req put = {.home_id = 5};
    return feeder_call(sx.feeder, OPCODE_STOP_WORDS_PUT, &put, &text, NULL);
}
static u16 curation_words(struct span text)
{
    const struct msg_curation_put_req put = {.home_id = 5};
    const struct row_curation_action hide = {.product_id = 9, .kind = CURATION_HIDE};
    const struct span spans[] = {text, {.data = (const u8 *)&hide, .bytes = sizeof hide}};
    return feeder_call(sx.feeder, OPCODE_CURATION_PUT, &put, spans, NULL);
}
static u16 ad_words(struct span text)
{
    const struct msg_ad_put_req put = {.home_id = 5, .product_id = 9};
    return feeder_call(sx.feeder, OPCODE_AD_PUT, &put, &text, NULL);
}

static u16 put_review(u32 field, struct span text)
{
    struct span spans[MESSAGE_SPANS_MAX] = {{0}};
    const struct msg_review_put_req put = {.product_id = sx_id("MUG"), .user_id = 8, .stars = 5};
    spans[field] = text;
    return feeder_call(sx.feeder, OPCODE_REVIEW_PUT, &put, spans, NULL);
}
static u16 review_title(struct span text)
{
    return put_review(SPAN_OF(review_put_req, title), text);
}
static u16 review_body(struct span text)
{
    return put_review(SPAN_OF(review_put_req, body), text);
}
static u16 review_media(struct span text)
{
    return put_review(SPAN_OF(review_put_req, media), text);
}
static u16 review_reply(struct span text)
{
    const struct msg_review_reply_req put = {.product_id = sx_id("MUG"), .user_id = 7, .actor = 1};
    return feeder_call(sx.feeder, OPCODE_REVIEW_REPLY, &put, &text, NULL);
}

enum field_kind {
    ONE_LINE,
    LINES,  /* line feeds are fine */
    OPAQUE, /* not a text */
    SHORT   /* of the fixed part: ends at the first zero byte, nothing behind it */
};

static const struct {
    const char *name;
    u16 (*put)(struct span text);
    enum field_kind kind;
} fields[] = {
#define FIELD(function, kind)     \
    {                             \
#function, function, kind \
    }
    FIELD(put_code, ONE_LINE),        FIELD(put_title, ONE_LINE),
    FIELD(put_brand, ONE_LINE),       FIELD(put_category, ONE_LINE),
    FIELD(put_attributes, LINES),     FIELD(put_description, LINES),
    FIELD(put_slug, ONE_LINE),        FIELD(put_key, ONE_LINE),
    FIELD(put_page, OPAQUE),          FIELD(patch_title, ONE_LINE),
    FIELD(patch_brand, ONE_LINE),     FIELD(patch_category, ONE_LINE),
    FIELD(patch_attributes, LINES),   FIELD(patch_description, LINES),
    FIELD(patch_slug, ONE_LINE),      FIELD(patch_external_key, ONE_LINE),
    FIELD(patch_page, OPAQUE),        FIELD(alias_slug, ONE_LINE),
    FIELD(alias_key, ONE_LINE),       FIELD(sku_code, ONE_LINE),
    FIELD(category_code, ONE_LINE),   FIELD(category_name, SHORT),
    FIELD(attribute_name, SHORT),     FIELD(collection_name, SHORT),
    FIELD(collection_rule, ONE_LINE), FIELD(profile_name, SHORT),
    FIELD(synonym_words, ONE_LINE),   FIELD(stop_words, ONE_LINE),
    FIELD(curation_words, ONE_LINE),  FIELD(ad_words, ONE_LINE),
    FIELD(review_title, ONE_LINE),    FIELD(review_body, LINES),
    FIELD(review_media, LINES),       FIELD(review_reply, LINES),
#undef FIELD
};

#define TEXT(literal)                                               \
    {                                                               \
        .data = (const u8 *)(literal), .bytes = sizeof(literal) - 1 \
    }
static const struct {
    struct span text;
    u32 at; /* of the byte that is wrong; a query: what is not UTF-8 */
    bool is_utf8;
    bool is_line_feed;
} bad[] = {
    {TEXT("caf\xc3\xa9 \xff"), 6, false, false},
    {TEXT("ab\x80"), 2, false, false},              /* goes on without a beginning */
    {TEXT("a\xc0\xaf"), 1, false, false},           /* longer than needed */
    {TEXT("a\xed\xa0\x80z"), 1, false, false},      /* half of a pair */
    {TEXT("a\xf4\x90\x80\x80"), 1, false, false},   /* beyond the last plane */
    {TEXT("abcdefghij\xe2\x82"), 10, false, false}, /* ends too early */
    {TEXT("a\0b"), 1, true, false},
    {TEXT("a\x01z"), 1, true, false},
    {TEXT("a\x1b[31m"), 1, true, false}, /* would colour a terminal */
    {TEXT("abcdefgh\x7f"), 8, true, false},
    {TEXT("a\nb"), 1, true, true},
};

static void what_is_kept_is_text(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(fields); i++) {
        const struct span good = TEXT("caf\xc3\xa9-mug");
        if (fields[i].put(good) != STATUS_OK)
            fail_msg("%s: a good text is refused", fields[i].name);
        for (u32 j = 0; j < ARRAY_COUNT(bad); j++) {
            const bool is_fine =
                fields[i].kind == OPAQUE || (fields[i].kind == LINES && bad[j].is_line_feed);
            const u16 status = fields[i].put(bad[j].text);
            if (status != (is_fine ? STATUS_OK : STATUS_BAD_ARGUMENT))
                fail_msg("%s: text %u: status %u", fields[i].name, j, status);
        }
    }
}

/* ---- what asks ---- */

static void expect_at(u32 i, const char *what, u16 status, u32 before)
{
    if (sx.status != status || sx.rsp.error_at != before + bad[i].at)
        fail_msg("%s: text %u: status %u at %u", what, i, sx.status, sx.rsp.error_at);
    const char *problem = sx_span(&sx, SPAN_OF(search_rsp, problem));
    assert_non_null(strstr(problem, bad[i].is_utf8 ? "a control character" : "not UTF-8"));
    assert_int_equal(sx.loop->use.asks, 0);
}

static void ask_spans(struct span query, struct span filter, struct span facets)
{
    const struct msg_search_req req = {.limit = 10};
    const struct span spans[MESSAGE_SPANS_MAX] = {query, filter, facets};
    sx.status = gather_loop_ask(sx.loop, OPCODE_SEARCH, feeder_now_ns(sx.feeder), &req, spans,
                                &sx.rsp, &sx.view);
    sx_take_answer(&sx);
}

static struct span behind(const char *before, struct span text, const char *after)
{
    static u8 bytes[128];
    const u32 first = (u32)strlen(before), last = (u32)strlen(after);
    memcpy(bytes, before, first);
    memcpy(bytes + first, text.data, text.bytes);
    memcpy(bytes + first + text.bytes, after, last);
    return (struct span){.data = bytes, .bytes = first + text.bytes + last};
}

static void what_asks_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    const struct span none = {0};
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        ask_spans(behind("mug ", bad[i].text, ""), none, none);
        if (bad[i].is_utf8)
            assert_int_equal(sx.status, STATUS_OK); /* what stands between words */
        else
            expect_at(i, "query", STATUS_BAD_QUERY, 4);
        if (bad[i].is_line_feed)
            continue; /* a space in filters, as nobody's value in quotes */
        ask_spans(none, behind("brand:", bad[i].text, ""), none);
        expect_at(i, "value", STATUS_BAD_FILTER, 6);
        ask_spans(none, behind("brand:\"", bad[i].text, "\""), none);
        expect_at(i, "value in quotes", STATUS_BAD_FILTER, 7);
        ask_spans(none, behind("brand:a AND NOT (color:a|", bad[i].text, ")"), none);
        expect_at(i, "one of several", STATUS_BAD_FILTER, 25);
        ask_spans(none, behind("attr.", bad[i].text, ":x"), none);
        expect_at(i, "name", STATUS_BAD_FILTER, 5);
        ask_spans(none, none, behind("brand,", bad[i].text, ":5"));
        expect_at(i, "facet", STATUS_BAD_FILTER, 6);
        ask_spans(none, none, behind("brand,\"", bad[i].text, "\""));
        expect_at(i, "facet in quotes", STATUS_BAD_FILTER, 7);
    }
}

static void suggestions_are_asked_with_text(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        const struct msg_suggest_req req = {.words = 5, .products = 5};
        const struct span spans[MESSAGE_SPANS_MAX] = {behind("mu ", bad[i].text, "")};
        struct record_view view;
        const u16 status = gather_loop_ask(sx.loop, OPCODE_SUGGEST, feeder_now_ns(sx.feeder), &req,
                                           spans, NULL, &view);
        assert_int_equal(status, bad[i].is_utf8 ? STATUS_OK : STATUS_BAD_QUERY);
    }
}

/* A page is found by any bytes, and there is none. */
static void nobody_has_an_alias_that_is_no_text(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_COUNT(bad); i++) {
        const struct msg_product_page_req req = {.by = 1};
        const struct span spans[MESSAGE_SPANS_MAX] = {bad[i].text};
        struct record_view view;
        assert_int_equal(gather_loop_ask(sx.loop, OPCODE_PRODUCT_PAGE, feeder_now_ns(sx.feeder),
                                         &req, spans, NULL, &view),
                         STATUS_NOT_FOUND);
    }
}

/* A reason quotes names; it never ends within a letter. */
static void reasons_are_text(void **state)
{
    char filter[300];
    (void)state;
    for (u32 before = 0; before < 4; before++) {
        u32 used = 0;
        for (; used < before; used++)
            filter[used] = 'x';
        for (; used < 200; used += 3)
            memcpy(filter + used, "\xe2\x82\xac", 3);
        snprintf(filter + used, sizeof filter - used, ":1");
        sx_ask(&sx, .filter = filter);
        assert_int_equal(sx.status, STATUS_BAD_FILTER);
        const struct span problem = sx.view.spans[SPAN_OF(search_rsp, problem)];
        assert_true(problem.bytes != 0);
        assert_null(text_invalid(problem.data, problem.bytes, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SX_ON_BOTH(what_is_kept_is_text),
        SX_ON_BOTH(what_asks_is_refused_where_it_is_wrong),
        SX_ON_BOTH(suggestions_are_asked_with_text),
        SX_ON_BOTH(nobody_has_an_alias_that_is_no_text),
        SX_ON_BOTH(reasons_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
