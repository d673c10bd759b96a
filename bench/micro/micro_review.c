/* micro_review: what reviews cost, alone on one core, without log and network.
 *
 *   micro_review [--json] [--reviews N]
 *
 * One product gets --reviews reviews (100,000 if not said), one in a batch, all approved, two votes for
 * each and a purchase for every fourth; then
 *
 *   put, approve, vote   per command, on the full product
 *   first, middle        a page of 20: newest; the second from the middle of the list
 *   helpful, best        likewise by votes, by stars
 *   filtered             a page of 20 of five states' worth of classes: verified, 2 or 3 stars, most helpful
 *   rating               count, sum, histogram
 *   bytes_review, bytes_vote   memory for one, texts of 60 bytes included
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/messages.h"
#include "shards/shard.h"

#define START_NS (1700000000ull * NS_PER_S)
#define PRODUCT  1ull
#define PAGES    2000u

struct bench {
    struct shard *shard;
    u8 batch[64u << 10];
    u8 *reply;
    u64 lsn, now_ns, mails;
    u64 random;
    u64 refused;
    u32 reviews;
    bool is_json, is_first;
};

static u64 clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static u64 next_random(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

/* Ids are hashes in a real shop. */
static u64 user_of(u64 number)
{
    const u64 id = (number + 1) * 0x9E3779B97F4A7C15ull;
    return (id ^ id >> 29) >> 1 | 1;
}

static void on_reply(void *context, u32 entry_index, const struct shard_reply *reply)
{
    struct bench *bench = context;
    const struct record_status *head = (const void *)reply->body;
    (void)entry_index;
    if (reply->record_count == 0 && reply->status == STATUS_OK)
        return; /* a message */
    bench->refused += reply->status != STATUS_OK || head->status != STATUS_OK ? 1 : 0;
}

/* One record as a batch of its own. Returns the ns that applying it took. */
static u64 apply(struct bench *bench, u16 opcode, const void *fixed, const struct span *spans)
{
    static u64 seq;
    const struct message_info *info = message_find(opcode);
    const bool is_mail = info->class == MESSAGE_CLASS_MAIL;
    struct entry_header entry = {.source = is_mail ? ENTRY_SOURCE_SHARD : ENTRY_SOURCE_SESSION,
                                 .source_shard = is_mail ? 1 : 0,
                                 .opcode = opcode,
                                 .record_count = 1,
                                 .session = is_mail ? (struct id128){0} : (struct id128){1, 2}};
    if (is_mail)
        entry.session_seq = ++bench->mails;
    else if (opcode != OPCODE_SESSION_OPEN)
        entry.session_seq = ++seq;
    entry.acked_seq = is_mail || seq == 0 ? 0 : seq - 1;
    u8 *body = bench->batch + sizeof(struct batch_header) + sizeof entry;
    entry.body_bytes =
        frame_record_write(info, FRAME_DIRECTION_REQUEST, body, 32u << 10, fixed, spans);
    MUST(entry.body_bytes != 0);
    bench->now_ns += NS_PER_S;
    const struct batch_header header = {.stamp_ns = bench->now_ns,
                                        .bytes =
                                            (u32)(sizeof header + sizeof entry + entry.body_bytes),
                                        .entry_count = 1,
                                        .state_version = BATCH_STATE_VERSION};
    memcpy(bench->batch, &header, sizeof header);
    memcpy(bench->batch + sizeof header, &entry, sizeof entry);
    while (!shard_expire(bench->shard, bench->now_ns, 4096)) {}
    const u64 begin = clock_ns();
    shard_apply(bench->shard, ++bench->lsn, bench->batch, header.bytes, false, on_reply, bench);
    return clock_ns() - begin;
}

static u64 put(struct bench *bench, u64 number)
{
    static const u8 body[60] = "It does what it should, and the colour is that of the page.";
    const struct msg_review_put_req ask = {.product_id = PRODUCT,
                                           .user_id = user_of(number),
                                           .stars = (u16)(1 + next_random(bench) % 5)};
    const struct span spans[MESSAGE_SPANS_MAX] = {{NULL, 0}, {body, 59}};
    return apply(bench, OPCODE_REVIEW_PUT, &ask, spans);
}

static u64 approve(struct bench *bench, u64 number)
{
    const struct msg_review_moderate_req ask = {.product_id = PRODUCT,
                                                .user_id = user_of(number),
                                                .actor = 1,
                                                .state = REVIEW_STATE_APPROVED};
    return apply(bench, OPCODE_REVIEW_MODERATE, &ask, NULL);
}

static u64 vote(struct bench *bench, u64 number, u64 voter)
{
    const struct msg_review_vote_req ask = {.product_id = PRODUCT,
                                            .user_id = user_of(number),
                                            .voter_id = user_of(voter),
                                            .vote = (u16)(1 + next_random(bench) % 4 / 3)};
    return apply(bench, OPCODE_REVIEW_VOTE, &ask, NULL);
}

static u64 read_one(struct bench *bench, u16 opcode, const void *ask)
{
    const struct frame_header header = {.opcode = opcode, .record_count = 1};
    struct shard_reply reply;
    const u64 begin = clock_ns();
    const enum shard_read_result result = shard_read(
        bench->shard, &header, ask, message_find(opcode)->request.fixed_bytes, bench->now_ns, false,
        bench->reply, FRAME_BYTES_MAX - FRAME_HEADER_BYTES, &reply);
    const u64 took_ns = clock_ns() - begin;
    const struct record_status *head = (const void *)bench->reply;
    MUST(result == SHARD_READ_DONE && head->status == STATUS_OK);
    return took_ns;
}

static void tell(struct bench *bench, const char *name, double value, const char *unit)
{
    if (bench->is_json)
        printf("%s\"%s_%s\": %.1f", bench->is_first ? "{" : ", ", name, unit, value);
    else
        printf("%-16s %9.1f %s\n", name, value, unit);
    bench->is_first = false;
}

/* Pages from the beginning, or, where `is_middle`, from the key of a review in the middle. */
static void pages(struct bench *bench, const char *name, struct msg_review_list_req ask,
                  bool is_middle)
{
    u64 sum = 0;
    if (is_middle) {
        ask.after_ns = START_NS + (u64)bench->reviews * NS_PER_S; /* two commands before each put */
        ask.after_user = 1;
    }
    for (u32 i = 0; i < PAGES; i++)
        sum += read_one(bench, OPCODE_REVIEW_LIST, &ask);
    tell(bench, name, (double)sum / PAGES / 1000, "us");
}

static void fill(struct bench *bench)
{
    static const struct span code[MESSAGE_SPANS_MAX] = {{(const u8 *)"LAMP", 4}};
    const struct msg_product_put_req product = {.product_id = PRODUCT};
    u64 sums[3] = {0};
    (void)apply(bench, OPCODE_SESSION_OPEN, &(const struct msg_session_open_req){0}, NULL);
    (void)apply(bench, OPCODE_PRODUCT_PUT, &product, code);
    const u64 empty = shard_memory_used(bench->shard);
    for (u64 i = 0; i < bench->reviews; i++) {
        const u64 put_ns = put(bench, i), approve_ns = approve(bench, i);
        sums[0] += i >= bench->reviews / 2 ? put_ns : 0;
        sums[1] += i >= bench->reviews / 2 ? approve_ns : 0;
        const struct msg_mail_purchase_req bought = {
            .user_id = user_of(i), .product_id = PRODUCT, .order = {1, 1}, .units = 1};
        if (i % 4 == 0)
            (void)apply(bench, OPCODE_MAIL_PURCHASE, &bought, NULL);
    }
    const u64 full = shard_memory_used(bench->shard);
    for (u64 i = 0; i < 2 * (u64)bench->reviews; i++)
        sums[2] += vote(bench, next_random(bench) % bench->reviews, bench->reviews + i % 50000);
    tell(bench, "put", (double)sums[0] / (bench->reviews - bench->reviews / 2) / 1000, "us");
    tell(bench, "approve", (double)sums[1] / (bench->reviews - bench->reviews / 2) / 1000, "us");
    tell(bench, "vote", (double)sums[2] / 2 / bench->reviews / 1000, "us");
    tell(bench, "review", (double)(full - empty) / bench->reviews, "bytes");
    tell(bench, "vote", (double)(shard_memory_used(bench->shard) - full) / 2 / bench->reviews,
         "bytes");
}

int main(int argc, char **argv)
{
    static struct bench bench = {.random = 0x1234567, .reviews = 100000, .is_first = true};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            bench.is_json = true;
        else if (strcmp(argv[i], "--reviews") == 0 && i + 1 < argc)
            bench.reviews = (u32)strtoul(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "micro_review [--json] [--reviews N]\n"), 2;
    }
    /* Two shards, so that there is one to tell of purchases; the product must be of the first. */
    MUST(bench.reviews >= 2);
    bench.shard = shard_open(&(const struct shard_options){.count = 2, .index = 0});
    bench.reply = malloc(FRAME_BYTES_MAX);
    bench.now_ns = START_NS;
    MUST(bench.shard != NULL && bench.reply != NULL);
    fill(&bench);
#define LIST(...) (struct msg_review_list_req){.product_id = PRODUCT, .limit = 20, __VA_ARGS__}
    pages(&bench, "first", LIST(.sort = REVIEW_SORT_NEWEST), false);
    pages(&bench, "middle", LIST(.sort = REVIEW_SORT_NEWEST), true);
    pages(&bench, "helpful", LIST(.sort = REVIEW_SORT_HELPFUL), false);
    pages(&bench, "best", LIST(.sort = REVIEW_SORT_HIGHEST), false);
    pages(&bench, "filtered",
          LIST(.sort = REVIEW_SORT_HELPFUL, .stars = 6, .is_verified = 1, .states = 30), false);
#undef LIST
    u64 sum = 0;
    for (u32 i = 0; i < PAGES; i++)
        sum += read_one(&bench, OPCODE_RATING_GET,
                        &(const struct msg_rating_get_req){.product_id = PRODUCT});
    tell(&bench, "rating", (double)sum / PAGES / 1000, "us");
    if (bench.is_json)
        printf("}\n");
    if (bench.refused != 0)
        return fprintf(stderr, "%llu refused\n", (unsigned long long)bench.refused), 1;
    shard_close(bench.shard);
    free(bench.reply);
    return 0;
}
