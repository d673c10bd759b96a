/* client_text: ids, routes, statuses and money for callers: thin wrappers over proto/.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "client/lib/souk.h"
#include "proto/id.h"
#include "proto/messages.h"
#include "proto/money.h"
#include "proto/route.h"
#include "proto/status.h"

STATIC_CHECK(sizeof(struct souk_resource) == sizeof(struct resource));
STATIC_CHECK(offsetof(struct souk_resource, tenant) == offsetof(struct resource, tenant));
STATIC_CHECK(offsetof(struct souk_resource, kind) == offsetof(struct resource, kind));
STATIC_CHECK(offsetof(struct souk_resource, location) == offsetof(struct resource, location));
STATIC_CHECK(offsetof(struct souk_id128, high) == offsetof(struct id128, high));

uint64_t souk_id(const char *code, size_t bytes)
{
    return id_from_code(code, bytes);
}

struct souk_resource souk_sku(const char *code)
{
    return (struct souk_resource){.id = id_from_code(code, strlen(code)), .kind = SOUK_KIND_SKU};
}

struct souk_text souk_text_of(const char *string)
{
    const size_t bytes = string == NULL ? 0 : strlen(string);
    return (struct souk_text){.data = string, .bytes = (uint32_t)MIN(bytes, (size_t)UINT32_MAX)};
}

struct souk_id128 souk_new_session(void)
{
    struct souk_id128 id = {0, 0};
    while ((id.low | id.high) == 0)
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
            id = (struct souk_id128){0, 0};
    return id;
}

struct souk_id128 souk_new_id(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const u64 ms = (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / NS_PER_MS;
    struct souk_id128 id = souk_new_session();
    id.high = ms << 16 | (id.high & 0xffff);
    return id;
}

const char *souk_id_print(struct souk_id128 id, char *to)
{
    (void)snprintf(to, SOUK_ID_TEXT_MAX, "%016llx%016llx", (unsigned long long)id.high,
                   (unsigned long long)id.low);
    return to;
}

int souk_id_parse(const char *text, struct souk_id128 *id)
{
    u64 halves[2] = {0, 0};
    for (u32 i = 0; i < 32; i++) {
        const char c = text[i];
        u64 digit;
        if (c >= '0' && c <= '9')
            digit = (u64)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (u64)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (u64)(c - 'A') + 10;
        else
            return SOUK_ERROR_ARGUMENT;
        halves[i / 16] = halves[i / 16] << 4 | digit;
    }
    if (text[32] != '\0')
        return SOUK_ERROR_ARGUMENT;
    *id = (struct souk_id128){.low = halves[1], .high = halves[0]};
    return 0;
}

uint16_t souk_shard_of(struct souk_resource resource, uint16_t shard_count)
{
    struct resource key;
    memcpy(&key, &resource, sizeof key);
    return shard_count == 0 ? 0 : route_shard(route_hash_resource(key), shard_count);
}

uint16_t souk_shard_of_product(uint64_t product_id, uint16_t shard_count)
{
    return shard_count == 0 ? 0 : route_shard(route_hash_u64(product_id), shard_count);
}

uint16_t souk_shard_of_user(uint64_t user_id, uint16_t shard_count)
{
    return souk_shard_of_product(user_id, shard_count);
}

uint32_t souk_records_max(uint16_t op)
{
    const struct message_info *info = message_find(op);
    return info == NULL ? 0 : info->records_max;
}

/* ---- statuses and errors ---- */

struct error_info {
    const char *name;
    const char *meaning;
};

static struct error_info error_find(int error)
{
    static const struct error_info table[] = {
        {"NONE", "there is an answer"},
        {"NO_SERVER", "nobody answers at the address; it was not executed"},
        {"TIMEOUT", "the deadline passed; it was not executed"},
        {"UNKNOWN_OUTCOME", "it was sent, and whether it was executed cannot be known"},
        {"ARGUMENT", "a text is too long, or the shard or operation does not exist"},
        {"MEMORY", "the client has no memory for it; it was not executed"},
        {"SHARDS", "the records of a linked or lone call live on several shards"},
        {"TOO_LARGE", "a linked, numbered or lone call does not fit in one frame"},
        {"BUSY", "too many calls wait for their answer: poll first"},
        {"CLOSED", "the client was closed before the answer came"},
    };
    const u32 index = (u32)-error;
    return index < ARRAY_COUNT(table) ? table[index] : (struct error_info){"UNKNOWN", "unknown"};
}

const char *souk_error_name(int error)
{
    return error_find(error).name;
}

const char *souk_error_meaning(int error)
{
    return error_find(error).meaning;
}

static bool is_unanswered(uint16_t status)
{
    return status > SOUK_UNANSWERED;
}

const char *souk_status_name(uint16_t status)
{
    if (is_unanswered(status))
        return souk_error_name(-(status - SOUK_UNANSWERED));
    return status_name(status);
}

const char *souk_status_text(uint16_t status)
{
    if (is_unanswered(status))
        return souk_error_meaning(-(status - SOUK_UNANSWERED));
    const struct status_info *info = status_find(status);
    return info == NULL ? "a status that this version does not know" : info->meaning;
}

const char *souk_status_action(uint16_t status)
{
    const struct status_info *info = status_find(status);
    return info == NULL ? "" : info->action;
}

enum souk_status_class souk_status_class(uint16_t status)
{
    if (is_unanswered(status))
        return SOUK_CLASS_UNANSWERED;
    const struct status_info *info = status_find(status);
    return info == NULL ? SOUK_CLASS_FIX : (enum souk_status_class)info->class;
}

/* ---- money ---- */

const char *souk_money_print(int64_t minor, uint16_t currency, char *to, size_t bytes)
{
    return money_print((struct money){.minor = minor, .currency = currency}, to, bytes);
}

const char *souk_money_parse(const char *text, uint16_t currency, int64_t *minor)
{
    const struct currency_info *info = currency_find(currency);
    return info == NULL ? "the currency is not known" : money_parse(text, info, minor);
}

uint16_t souk_currency(const char *letters)
{
    const struct currency_info *info = currency_find_letters(letters);
    return info == NULL ? 0 : info->number;
}

const char *souk_currency_letters(uint16_t currency)
{
    const struct currency_info *info = currency_find(currency);
    return info == NULL ? NULL : info->letters;
}

void souk_free(void *memory)
{
    free(memory);
}

const char *souk_version(void)
{
    return SOUK_VERSION;
}
