/* stock_verify: the sums of docs/stock.md, checked over everything.
 *
 * One walk over the resources clears two scratch sums, one over the grants adds to them, one over
 * the resources compares. The walks go by the maps' buckets: what is not in a map does not exist.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "shards/stock/stock_grant.h"

/* The text of violations, as far as there is room. */
struct violation_text {
    u8 *bytes;
    u32 used;
    u32 capacity;
};

static void put_text(struct violation_text *text, const void *from, u32 bytes)
{
    if (text->capacity - text->used < bytes)
        return;
    memcpy(text->bytes + text->used, from, bytes);
    text->used += bytes;
}

static void put_number(struct violation_text *text, i64 number)
{
    u8 digits[20];
    u32 at = sizeof digits;
    u64 left = number < 0 ? 0 - (u64)number : (u64)number;
    do { /* ends: 20 digits hold any u64 */
        digits[--at] = (u8)('0' + left % 10);
        left /= 10;
    } while (left != 0 && at > 0);
    if (number < 0)
        put_text(text, "-", 1);
    put_text(text, digits + at, (u32)sizeof digits - at);
}

/* A sum that must agree. */
struct expectation {
    const char *name;
    u32 name_bytes;
    i64 is;
    i64 should;
};

/* "MUG: held is 5, its parts sum to 4" */
static void expect_equal(struct violation_text *text, struct msg_verify_rsp *to,
                         const struct stock_cold *cold, struct expectation expectation)
{
    if (LIKELY(expectation.is == expectation.should))
        return;
    to->violations++;
    if (text->capacity - text->used < CODE_BYTES_MAX + 128)
        return;
    put_text(text, cold->code, cold->code_bytes);
    put_text(text, ": ", 2);
    put_text(text, expectation.name, expectation.name_bytes);
    put_text(text, " is ", 4);
    put_number(text, expectation.is);
    put_text(text, ", its parts sum to ", 19);
    put_number(text, expectation.should);
    put_text(text, "\n", 1);
}

#define EXPECT_EQUAL(label, value, sum) \
    expect_equal(                       \
        text, to, cold,                 \
        (struct expectation){           \
            .name = (label), .name_bytes = sizeof(label) - 1, .is = (value), .should = (sum)})

static void verify_resource(const struct stock_hot *hot, const struct stock_cold *cold,
                            struct msg_verify_rsp *to, struct violation_text *text)
{
    EXPECT_EQUAL("on_hand", hot->on_hand,
                 cold->received + cold->returned_sellable + cold->returned_damaged +
                     cold->adjusted - cold->shipped - cold->written_off);
    EXPECT_EQUAL("unavailable", hot->unavailable, cold->returned_damaged - cold->written_off);
    EXPECT_EQUAL("allocated", hot->allocated,
                 stock_granted(hot, cold) - cold->shipped - cold->cancelled);
    EXPECT_EQUAL("held", hot->held, cold->check_held);
    EXPECT_EQUAL("allocated", hot->allocated,
                 stock_allocated_anonymous(hot, cold) + cold->check_allocated);
    EXPECT_EQUAL("unavailable below 0 or above on_hand",
                 hot->unavailable >= 0 && hot->unavailable <= hot->on_hand, 1);
    EXPECT_EQUAL("held or allocated below 0", hot->held >= 0 && hot->allocated >= 0, 1);
    EXPECT_EQUAL("margin", hot->margin, cold->oversell_cap - cold->safety_stock);
    to->on_hand += hot->on_hand;
    to->unavailable += hot->unavailable;
    to->held += hot->held;
    to->allocated += hot->allocated;
    to->received += cold->received;
    to->shipped += cold->shipped;
    to->returned += cold->returned_sellable + cold->returned_damaged;
    to->adjusted += cold->adjusted;
    to->written_off += cold->written_off;
}

static void add_grant(struct stock *stock, u32 index, struct msg_verify_rsp *to)
{
    const struct stock_grant *grant = stock_grant_at(stock, index);
    struct stock_cold *cold = stock_cold_of(stock, stock_hot_at(stock, grant->resource));
    switch ((enum grant_state)grant->state) {
    case GRANT_STATE_HELD:
        to->hold_count++;
        cold->check_held += grant->held;
        return;
    case GRANT_STATE_ALLOCATED:
        to->allocation_count++;
        cold->check_allocated += (i64)grant->allocated - grant->shipped - grant->cancelled;
        return;
    case GRANT_STATE_RELEASED:
    case GRANT_STATE_EXPIRED:
    case GRANT_STATE_FINISHED: to->tombstone_count++; return;
    }
    PANIC("a grant in no state");
}

static u32 read_bucket(const struct map *map, u32 bucket, u32 *indexes)
{
    const u32 count = map_bucket_read(map, bucket, indexes, DUMP_BUCKET_MAX);
    MUST(count <= DUMP_BUCKET_MAX);
    return count;
}

void stock_verify(struct stock *stock, struct msg_verify_rsp *to, u8 *text, u32 *text_bytes)
{
    struct violation_text violations = {.bytes = text, .capacity = *text_bytes};
    u32 indexes[DUMP_BUCKET_MAX];
    const struct map *resources = &stock->resources;
    for (u32 b = 0; b < map_bucket_count(resources); b++)
        for (u32 i = read_bucket(resources, b, indexes); i > 0; i--) {
            struct stock_cold *cold = stock_cold_of(stock, stock_hot_at(stock, indexes[i - 1]));
            cold->check_held = 0;
            cold->check_allocated = 0;
        }
    for (u32 b = 0; b < map_bucket_count(&stock->grant_map); b++)
        for (u32 i = read_bucket(&stock->grant_map, b, indexes); i > 0; i--)
            add_grant(stock, indexes[i - 1], to);
    for (u32 b = 0; b < map_bucket_count(resources); b++)
        for (u32 i = read_bucket(resources, b, indexes); i > 0; i--) {
            const struct stock_hot *hot = stock_hot_at(stock, indexes[i - 1]);
            verify_resource(hot, stock_cold_of(stock, hot), to, &violations);
        }
    to->resource_count = map_count(resources);
    *text_bytes = violations.used;
}
