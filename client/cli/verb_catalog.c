/* verb_catalog: product put, patch, get, delete; sku put, get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"
#include "proto/limits.h"
#include "proto/messages.h"

#define GBP 826u

/* Joins the --attr options to lines of NAME=VALUE. */
static bool gather_attributes(struct cli *cli, const struct verb_args *args, char *to,
                              struct souk_text *text)
{
    u32 at = 0;
    size_t bytes = 0;
    const char *value;
    while ((value = verb_option_next(args, "--attr", &at)) != NULL) {
        struct souk_text line;
        if (!cli_text_line(cli, "--attr", value, ATTRIBUTES_BYTES_MAX, &line))
            return false;
        const size_t value_bytes = strlen(value);
        if (value[0] == '=' || strchr(value, '=') == NULL || strchr(value, '\n') != NULL) {
            (void)cli_usage(cli, "--attr \"%s\" is not NAME=VALUE on one line", value);
            return false;
        }
        if (bytes + value_bytes + 1 > ATTRIBUTES_BYTES_MAX) {
            (void)cli_usage(cli, "--attr: more than %u bytes in all", ATTRIBUTES_BYTES_MAX);
            return false;
        }
        if (bytes > 0)
            to[bytes++] = '\n';
        memcpy(to + bytes, value, value_bytes);
        bytes += value_bytes;
    }
    *text = (struct souk_text){.data = to, .bytes = (u32)bytes};
    return true;
}

/* Fields that put and patch have alike. */
struct product_fields {
    i64 price_before;
    u64 visible_from_ns, visible_until_ns, buyable_from_ns, buyable_until_ns;
    i64 popularity, margin;
    u16 marks;
    struct souk_text description, slug, external_key, page;
};

static bool option_fields(struct cli *cli, const struct verb_args *args, u16 currency,
                          struct product_fields *fields)
{
    *fields = (struct product_fields){0};
    if (verb_option(args, "--draft") != NULL)
        fields->marks |= PRODUCT_MARK_DRAFT;
    if (verb_option(args, "--unlisted") != NULL)
        fields->marks |= PRODUCT_MARK_UNLISTED;
    return cli_option_amount(cli, args, "--price-before", currency, &fields->price_before) &&
           cli_option_time(cli, args, "--visible-from", &fields->visible_from_ns) &&
           cli_option_time(cli, args, "--visible-until", &fields->visible_until_ns) &&
           cli_option_time(cli, args, "--buyable-from", &fields->buyable_from_ns) &&
           cli_option_time(cli, args, "--buyable-until", &fields->buyable_until_ns) &&
           cli_option_count(cli, args, "--popularity", 0, UINT32_MAX, &fields->popularity) &&
           cli_option_count(cli, args, "--margin", 0, 10000, &fields->margin) &&
           cli_text_lines(cli, "--description", verb_option(args, "--description"),
                          DESCRIPTION_BYTES_MAX, &fields->description) &&
           cli_text_line(cli, "--slug", verb_option(args, "--slug"), ALIAS_BYTES_MAX,
                         &fields->slug) &&
           cli_text_line(cli, "--key", verb_option(args, "--key"), ALIAS_BYTES_MAX,
                         &fields->external_key) &&
           cli_text(cli, "--page", verb_option(args, "--page"), PAGE_BYTES_MAX, &fields->page);
}

#define SET_FIELDS(to, fields)                               \
    do {                                                     \
        (to)->price_before = (fields)->price_before;         \
        (to)->visible_from_ns = (fields)->visible_from_ns;   \
        (to)->visible_until_ns = (fields)->visible_until_ns; \
        (to)->buyable_from_ns = (fields)->buyable_from_ns;   \
        (to)->buyable_until_ns = (fields)->buyable_until_ns; \
        (to)->popularity = (u32)(fields)->popularity;        \
        (to)->margin = (u16)(fields)->margin;                \
        (to)->marks = (fields)->marks;                       \
        (to)->description = (fields)->description;           \
        (to)->slug = (fields)->slug;                         \
        (to)->external_key = (fields)->external_key;         \
        (to)->page = (fields)->page;                         \
    } while (0)

/* Claims the slug and the key for the product. An exit code. */
static int claim(struct cli *cli, u64 product_id, struct souk_text alias, u16 kind)
{
    char name[ALIAS_BYTES_MAX + 2];
    struct souk_alias_put_reply reply;
    if (alias.bytes == 0)
        return CLI_EXIT_DONE;
    const int bytes = snprintf(name, sizeof name, "%s%.*s", kind == ALIAS_KIND_KEY ? "/" : "",
                               (int)alias.bytes, alias.data);
    const struct souk_alias_put put = {.alias_id = souk_id(name, (size_t)bytes),
                                       .product_id = product_id,
                                       .kind = kind,
                                       .alias = alias};
    const int error = souk_alias_put(cli->client, &put, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    return reply.status == SOUK_OK
               ? CLI_EXIT_DONE
               : cli_refused(cli, alias.data, reply.status, reply.retry_after_ms, NULL);
}

static int claim_both(struct cli *cli, u64 product_id, const struct product_fields *fields)
{
    const int exit_code = claim(cli, product_id, fields->slug, ALIAS_KIND_SLUG);
    return exit_code != CLI_EXIT_DONE
               ? exit_code
               : claim(cli, product_id, fields->external_key, ALIAS_KIND_KEY);
}

static json_t *version_object(const char *code, u64 version)
{
    return json_pack("{s:s, s:o}", "code", code, "version", cli_json_u64(version));
}

int verb_product_put(struct cli *cli, const struct verb_args *args)
{
    char attributes[ATTRIBUTES_BYTES_MAX];
    struct souk_product_put put = {0};
    struct souk_product_put_reply reply;
    struct product_fields fields;
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &put.if_version) ||
        !cli_option_price(cli, args, &put.price, &put.currency) ||
        !cli_text_line(cli, "--title", verb_option(args, "--title"), TITLE_BYTES_MAX, &put.title) ||
        !cli_text_line(cli, "--brand", verb_option(args, "--brand"), BRAND_BYTES_MAX, &put.brand) ||
        !cli_text_line(cli, "--category", verb_option(args, "--category"), CATEGORY_BYTES_MAX,
                       &put.category) ||
        !gather_attributes(cli, args, attributes, &put.attributes) ||
        !option_fields(cli, args, put.currency, &fields))
        return CLI_EXIT_USAGE;
    SET_FIELDS(&put, &fields);
    put.code = souk_text_of(code);
    put.product_id = souk_id(code, put.code.bytes);
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = claim_both(cli, put.product_id, &fields);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_product_put(cli->client, &put, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = version_object(code, reply.version);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, code, reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

int verb_product_patch(struct cli *cli, const struct verb_args *args)
{
    char attributes[ATTRIBUTES_BYTES_MAX];
    struct souk_product_patch patch = {0};
    struct souk_product_patch_reply reply;
    struct product_fields fields;
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &patch.if_version) ||
        !cli_option_price(cli, args, &patch.price, &patch.currency) ||
        !cli_text_line(cli, "--title", verb_option(args, "--title"), TITLE_BYTES_MAX,
                       &patch.title) ||
        !cli_text_line(cli, "--brand", verb_option(args, "--brand"), BRAND_BYTES_MAX,
                       &patch.brand) ||
        !cli_text_line(cli, "--category", verb_option(args, "--category"), CATEGORY_BYTES_MAX,
                       &patch.category) ||
        !gather_attributes(cli, args, attributes, &patch.attributes) ||
        !option_fields(cli, args, patch.currency, &fields))
        return CLI_EXIT_USAGE;
    SET_FIELDS(&patch, &fields);
    static const struct {
        const char *option;
        u16 bit; /* of fields, as the protocol numbers them */
    } bits[] = {{"--price", PATCH_FIELD_PRICE},
                {"--title", PATCH_FIELD_TITLE},
                {"--brand", PATCH_FIELD_BRAND},
                {"--category", PATCH_FIELD_CATEGORY},
                {"--attr", PATCH_FIELD_ATTRIBUTES},
                {"--description", PATCH_FIELD_DESCRIPTION},
                {"--slug", PATCH_FIELD_SLUG},
                {"--key", PATCH_FIELD_EXTERNAL_KEY},
                {"--page", PATCH_FIELD_PAGE},
                {"--price-before", PATCH_FIELD_PRICE_BEFORE},
                {"--visible-from", PATCH_FIELD_VISIBLE},
                {"--visible-until", PATCH_FIELD_VISIBLE},
                {"--buyable-from", PATCH_FIELD_BUYABLE},
                {"--buyable-until", PATCH_FIELD_BUYABLE},
                {"--popularity", PATCH_FIELD_POPULARITY},
                {"--margin", PATCH_FIELD_MARGIN},
                {"--draft", PATCH_FIELD_MARKS},
                {"--unlisted", PATCH_FIELD_MARKS},
                {"--published", PATCH_FIELD_MARKS}};
    for (size_t i = 0; i < ARRAY_COUNT(bits); i++)
        if (verb_option(args, bits[i].option) != NULL)
            patch.fields |= bits[i].bit;
    if (patch.fields == 0)
        return cli_usage(cli, "product patch: nothing to change; name a field, such as --title T");
    patch.product_id = souk_id(code, strlen(code));
    int exit_code = cli_connect(cli);
    if (exit_code == CLI_EXIT_DONE)
        exit_code = claim_both(cli, patch.product_id, &fields);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_product_patch(cli->client, &patch, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = version_object(code, reply.version);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, code, reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

int verb_product_delete(struct cli *cli, const struct verb_args *args)
{
    struct souk_product_delete gone = {0};
    struct souk_product_delete_reply reply;
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &gone.if_version))
        return CLI_EXIT_USAGE;
    gone.product_id = souk_id(code, strlen(code));
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_product_delete(cli->client, &gone, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = version_object(code, reply.version);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, code, reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

/* Attributes are lines for people and an object for programs. */
static json_t *attributes_object(struct souk_text text)
{
    json_t *object = json_object();
    const char *at = text.data, *end = at + text.bytes;
    while (text.bytes > 0 && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        char name[ATTRIBUTES_BYTES_MAX + 1];
        const char *name_end = equals == NULL ? stop : equals;
        (void)snprintf(name, sizeof name, "%.*s", (int)(name_end - at), at);
        const char *value = equals == NULL ? stop : equals + 1;
        (void)json_object_set_new(object, name, json_stringn(value, (size_t)(stop - value)));
        at = stop + 1;
    }
    return object;
}

/* What was put, where it says something. */
static void add_details(json_t *object, const struct souk_product_get_reply *reply)
{
    const struct {
        const char *name;
        struct souk_text text;
    } texts[] = {{"description", reply->description},
                 {"slug", reply->slug},
                 {"key", reply->external_key},
                 {cli_is_text(reply->page) ? "page" : "page_hex", reply->page}};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        if (texts[i].text.bytes > 0)
            (void)json_object_set_new(object, texts[i].name, cli_json_blob(texts[i].text));
    const struct {
        const char *name;
        u64 value;
    } numbers[] = {
        {"popularity", reply->popularity},           {"margin", reply->margin},
        {"visible_from_ns", reply->visible_from_ns}, {"visible_until_ns", reply->visible_until_ns},
        {"buyable_from_ns", reply->buyable_from_ns}, {"buyable_until_ns", reply->buyable_until_ns}};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        if (numbers[i].value != 0)
            (void)json_object_set_new(object, numbers[i].name, cli_json_u64(numbers[i].value));
    if (reply->price_before != 0)
        (void)json_object_set_new(object, "price_before",
                                  cli_json_money(reply->price_before, reply->currency));
    if ((reply->marks & PRODUCT_MARK_DRAFT) != 0)
        (void)json_object_set_new(object, "draft", json_true());
    if ((reply->marks & PRODUCT_MARK_UNLISTED) != 0)
        (void)json_object_set_new(object, "unlisted", json_true());
}

static void print_product(struct cli *cli, const struct souk_product_get_reply *reply)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "code", cli_json_text(reply->code),
                  "title", cli_json_text(reply->title), "brand", cli_json_text(reply->brand),
                  "category", cli_json_text(reply->category), "price",
                  cli_json_money(reply->price, reply->currency), "price_minor",
                  json_integer((json_int_t)reply->price), "version", cli_json_u64(reply->version));
    add_details(object, reply);
    json_t *attributes = attributes_object(reply->attributes);
    if (cli->is_json) {
        (void)json_object_set_new(object, "attributes", attributes);
    } else {
        const char *name;
        json_t *value;
        json_object_foreach(attributes, name, value)
        {
            char key[128];
            (void)snprintf(key, sizeof key, "attr %.100s", name);
            (void)json_object_set(object, key, value);
        }
        json_decref(attributes);
    }
    (void)cli_print(cli, object);
}

int verb_product_get(struct cli *cli, const struct verb_args *args)
{
    const char *code;
    for (u32 i = 0; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    for (u32 i = 0; i < args->count; i++) {
        struct souk_product_get_reply reply;
        code = args->words[i];
        const struct souk_product_get get = {.product_id = souk_id(code, strlen(code))};
        const int error = souk_product_get(cli->client, &get, &reply);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (reply.status != SOUK_OK) {
            exit_code = cli_refused(cli, code, reply.status, reply.retry_after_ms,
                                    json_pack("{s:s}", "code", code));
        } else {
            if (i > 0 && !cli->is_json)
                (void)putchar('\n');
            print_product(cli, &reply);
        }
        souk_free(reply.memory);
    }
    return exit_code;
}

int verb_sku_put(struct cli *cli, const struct verb_args *args)
{
    struct souk_sku_put put = {.currency = GBP};
    struct souk_sku_put_reply reply;
    const char *code, *product = verb_option(args, "--product");
    u64 lease_ms = 0;
    i64 low_at = 0;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &put.if_version) ||
        !cli_option_price(cli, args, &put.price, &put.currency) ||
        !cli_option_count(cli, args, "--safety", 0, QUANTITY_MAX, &put.safety_stock) ||
        !cli_option_count(cli, args, "--oversell", 0, QUANTITY_MAX, &put.oversell_cap) ||
        !cli_option_duration(cli, args, "--lease", LEASE_MS_MAX, &lease_ms) ||
        !cli_option_count(cli, args, "--low-at", 0, UINT16_MAX, &low_at))
        return CLI_EXIT_USAGE;
    put.low_at = (u16)low_at;
    if (product != NULL) {
        const char *reason = value_code_invalid(product);
        if (reason != NULL)
            return cli_usage(cli, "--product \"%s\" %s", product, reason);
        put.product_id = souk_id(product, strlen(product));
    }
    put.lease_default_ms = (u32)lease_ms;
    put.resource = souk_sku(code);
    put.code = souk_text_of(code);
    const int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    const int error = souk_sku_put(cli->client, &put, &reply);
    if (error != 0)
        return cli_no_answer(cli, cli->client, error);
    json_t *object = version_object(code, reply.version);
    if (reply.status != SOUK_OK)
        return cli_refused(cli, code, reply.status, reply.retry_after_ms, object);
    return cli_print(cli, object);
}

static json_t *sku_object(const char *code, const struct souk_sku_get_reply *reply)
{
    json_t *object = json_pack("{s:s, s:o, s:I}", "code", code, "price",
                               cli_json_money(reply->price, reply->currency), "price_minor",
                               (json_int_t)reply->price);
    MUST(object != NULL);
#define SET(name) (void)json_object_set_new(object, #name, json_integer((json_int_t)reply->name));
    SET(on_hand)
    SET(unavailable)
    SET(held)
    SET(allocated)
    SET(sellable)
    SET(safety_stock)
    SET(oversell_cap)
    SET(lease_default_ms)
    SET(allocated_anonymous)
    SET(received)
    SET(shipped)
    SET(returned_sellable)
    SET(returned_damaged)
    SET(adjusted)
    SET(written_off)
    SET(granted)
    SET(cancelled)
#undef SET
    (void)json_object_set_new(object, "version", cli_json_u64(reply->version));
    return object;
}

int verb_sku_get(struct cli *cli, const struct verb_args *args)
{
    const char *code;
    u16 kind = SOUK_KIND_SKU;
    for (u32 i = 0; i < args->count; i++)
        if (!cli_code(cli, args, i, &code))
            return CLI_EXIT_USAGE;
    if (!cli_option_kind(cli, args, &kind))
        return CLI_EXIT_USAGE;
    int exit_code = cli_connect(cli);
    if (exit_code != CLI_EXIT_DONE)
        return exit_code;
    for (u32 i = 0; i < args->count; i++) {
        struct souk_sku_get_reply reply;
        code = args->words[i];
        struct souk_sku_get get = {.resource = souk_sku(code)};
        get.resource.kind = kind;
        const int error = souk_sku_get(cli->client, &get, &reply);
        if (error != 0)
            return cli_no_answer(cli, cli->client, error);
        if (reply.status != SOUK_OK) {
            exit_code = cli_refused(cli, code, reply.status, reply.retry_after_ms,
                                    json_pack("{s:s}", "code", code));
        } else {
            if (i > 0 && !cli->is_json)
                (void)putchar('\n');
            (void)cli_print(cli, sku_object(code, &reply));
        }
        souk_free(reply.memory);
    }
    return exit_code;
}
