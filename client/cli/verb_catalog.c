/* verb_catalog: product put, patch, get, delete; sku put, get.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/cli/cli.h"

#define GBP 826u

/* Joins the --attr options to lines of NAME=VALUE. */
static bool gather_attributes(struct cli *cli, const struct verb_args *args, char *to,
                              struct souk_text *text)
{
    u32 at = 0;
    size_t bytes = 0;
    const char *value;
    while ((value = verb_option_next(args, "--attr", &at)) != NULL) {
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

static bool option_text(struct cli *cli, const struct verb_args *args, const char *name, u32 max,
                        struct souk_text *text)
{
    const char *value = verb_option(args, name);
    *text = souk_text_of(value);
    if (text->bytes <= max)
        return true;
    (void)cli_usage(cli, "%s is longer than %u bytes", name, max);
    return false;
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
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &put.if_version) ||
        !cli_option_price(cli, args, &put.price, &put.currency) ||
        !option_text(cli, args, "--title", TITLE_BYTES_MAX, &put.title) ||
        !option_text(cli, args, "--brand", BRAND_BYTES_MAX, &put.brand) ||
        !option_text(cli, args, "--category", CATEGORY_BYTES_MAX, &put.category) ||
        !gather_attributes(cli, args, attributes, &put.attributes))
        return CLI_EXIT_USAGE;
    put.code = souk_text_of(code);
    put.product_id = souk_id(code, put.code.bytes);
    const int exit_code = cli_connect(cli);
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
    const char *code;
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &patch.if_version) ||
        !cli_option_price(cli, args, &patch.price, &patch.currency) ||
        !option_text(cli, args, "--title", TITLE_BYTES_MAX, &patch.title) ||
        !option_text(cli, args, "--brand", BRAND_BYTES_MAX, &patch.brand) ||
        !option_text(cli, args, "--category", CATEGORY_BYTES_MAX, &patch.category) ||
        !gather_attributes(cli, args, attributes, &patch.attributes))
        return CLI_EXIT_USAGE;
    static const struct {
        const char *option;
        u16 bit; /* of fields, as the protocol numbers them */
    } bits[] = {{"--price", 1 << 0},
                {"--title", 1 << 1},
                {"--brand", 1 << 2},
                {"--category", 1 << 3},
                {"--attr", 1 << 4}};
    for (size_t i = 0; i < ARRAY_COUNT(bits); i++)
        if (verb_option(args, bits[i].option) != NULL)
            patch.fields |= bits[i].bit;
    if (patch.fields == 0)
        return cli_usage(cli, "product patch: nothing to change; name a field, such as --title T");
    patch.product_id = souk_id(code, strlen(code));
    const int exit_code = cli_connect(cli);
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

static void print_product(struct cli *cli, const struct souk_product_get_reply *reply)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "code", cli_json_text(reply->code),
                  "title", cli_json_text(reply->title), "brand", cli_json_text(reply->brand),
                  "category", cli_json_text(reply->category), "price",
                  cli_json_money(reply->price, reply->currency), "price_minor",
                  json_integer((json_int_t)reply->price), "version", cli_json_u64(reply->version));
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
    if (!cli_code(cli, args, 0, &code) || !cli_option_version(cli, args, &put.if_version) ||
        !cli_option_price(cli, args, &put.price, &put.currency) ||
        !cli_option_count(cli, args, "--safety", 0, QUANTITY_MAX, &put.safety_stock) ||
        !cli_option_count(cli, args, "--oversell", 0, QUANTITY_MAX, &put.oversell_cap) ||
        !cli_option_duration(cli, args, "--lease", LEASE_MS_MAX, &lease_ms))
        return CLI_EXIT_USAGE;
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
