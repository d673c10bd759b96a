/* dict_typo: the table of rests; see the header.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/dict_typo.h"

#include "shards/search/dict_rest.h"
#include "shards/search/dict_word.h"

#define SLOTS      15u
#define FILL       11u /* average entries per bucket at which the next one is split */
#define WORD_BITS  24u
#define WORD_MASK  ((1u << WORD_BITS) - 1)
#define TAG_STEP   4u /* levels that a tag serves */
#define BUCKET_MAX (1u << 30)
#define ASK_BATCH  256u

struct bucket {
    u32 link;
    u32 entries[SLOTS]; /* 0 = free */
};
STATIC_CHECK(sizeof(struct bucket) == 64);
STATIC_CHECK(DICT_WORDS_MAX == WORD_MASK);

static struct bucket *bucket_at(const struct dict_typo_table *table, u32 bucket)
{
    return pool_at_sized(&table->buckets, bucket + 1, sizeof(struct bucket));
}

static struct bucket *overflow_at(const struct dict_typo_table *table, u32 link)
{
    return pool_at_sized(&table->overflow, link, sizeof(struct bucket));
}

static u32 bucket_of(const struct dict_typo_table *table, u64 hash)
{
    const u32 wide = (u32)hash & (table->level_mask * 2 + 1);
    return wide < table->bucket_count ? wide : wide & table->level_mask;
}

/* L: how many bits of the hash name a bucket that was not divided at this level. */
static u32 level_low(const struct dict_typo_table *table)
{
    return table->level_mask == 0 ? 0 : 32u - (u32)__builtin_clz(table->level_mask);
}

/* How many bits of the hash name the bucket. */
static u32 level_of(const struct dict_typo_table *table, u32 bucket)
{
    const u32 level = level_low(table);
    const u32 split_count = table->bucket_count - (table->level_mask + 1);
    return (bucket & table->level_mask) < split_count ? level + 1 : level;
}

static u32 tag_of(u64 hash, u32 level)
{
    return (u32)(hash >> (level & ~(TAG_STEP - 1))) & 0xff;
}

static u32 entry_of(u32 word, u32 tag)
{
    return word | tag << WORD_BITS;
}

static u32 fill_of(const struct bucket *bucket)
{
    u32 fill = 0;
    while (fill < SLOTS && bucket->entries[fill] != 0)
        fill++;
    return fill;
}

/* Into the first bucket of the chain; what is full moves behind it. */
static void chain_push(struct dict_typo_table *table, struct bucket *first, u32 entry)
{
    u32 fill = fill_of(first);
    if (fill == SLOTS) {
        const u32 link = pool_acquire(&table->overflow);
        *overflow_at(table, link) = *first;
        *first = (struct bucket){.link = link};
        fill = 0;
    }
    first->entries[fill] = entry;
}

/* Takes one entry out of the first bucket of the chain. */
static u32 chain_pop(struct dict_typo_table *table, struct bucket *first)
{
    const u32 fill = fill_of(first);
    MUST(fill > 0);
    const u32 entry = first->entries[fill - 1];
    first->entries[fill - 1] = 0;
    if (fill == 1 && first->link != 0) {
        u32 link = first->link;
        *first = *overflow_at(table, link);
        pool_release(&table->overflow, &link);
    }
    return entry;
}

static u32 rests_of(const struct dict_typo_table *table, u32 index, u64 *rests)
{
    struct dict_letters letters;
    const struct dict_word *word = dict_word_at(table->words, index);
    dict_letters_of(dict_word_text(word), &letters);
    return dict_rests_of_word(&letters, (word->flags & DICT_WORD_DIGIT) != 0, rests);
}

/* ---- growing ----------------------------------------------------------------------------------- */

/* How often the entry stands in the chain before place `at` of `bucket`, which is in it. */
static u32 count_before(const struct dict_typo_table *table, const struct bucket *chain,
                        const struct bucket *bucket, u32 at, u32 entry)
{
    u32 count = 0;
    for (;; chain = overflow_at(table, chain->link)) { /* ends at `bucket` */
        for (u32 i = 0; i < (chain == bucket ? at : SLOTS); i++)
            count += chain->entries[i] == entry;
        if (chain == bucket)
            return count;
        MUST(chain->link != 0);
    }
}

/* The hash that the entry at a place of the old chain stands for. A word may have several rests in one
 * bucket and even with one tag: then the n-th entry stands for the n-th of them. */
static u64 hash_of_entry(const struct dict_typo_table *table, const struct bucket *chain,
                         const struct bucket *bucket, u32 at, u32 number, u32 level)
{
    u64 rests[DICT_TYPO_RESTS_MAX];
    u64 fitting[DICT_TYPO_RESTS_MAX];
    const u32 entry = bucket->entries[at];
    const u64 mask = (1ull << level) - 1;
    const u32 count = rests_of(table, entry & WORD_MASK, rests);
    u32 fitting_count = 0;
    for (u32 i = 0; i < count; i++)
        if ((rests[i] & mask) == number && tag_of(rests[i], level) == entry >> WORD_BITS)
            fitting[fitting_count++] = rests[i];
    MUST(fitting_count > 0);
    if (fitting_count == 1)
        return fitting[0];
    const u32 nth = count_before(table, chain, bucket, at, entry);
    MUST(nth < fitting_count);
    return fitting[nth];
}

/* Divides the entries of a bucket of the old chain among the two sides. */
static void distribute(struct dict_typo_table *table, const struct bucket *chain,
                       const struct bucket *bucket, u32 number, u32 level, struct bucket *sides[2])
{
    const bool is_tag_used_up = (level + 1) % TAG_STEP == 0;
    const u32 tag_bit = WORD_BITS + level % TAG_STEP;
    for (u32 i = 0; is_tag_used_up && i < SLOTS; i++)
        if (bucket->entries[i] != 0)
            store_prefetch(dict_word_at(table->words, bucket->entries[i] & WORD_MASK));
    for (u32 i = 0; i < SLOTS && bucket->entries[i] != 0; i++) {
        const u32 entry = bucket->entries[i];
        if (!is_tag_used_up) {
            chain_push(table, sides[entry >> tag_bit & 1], entry);
            continue;
        }
        const u64 hash = hash_of_entry(table, chain, bucket, i, number, level);
        chain_push(table, sides[hash >> level & 1],
                   entry_of(entry & WORD_MASK, tag_of(hash, level + 1)));
    }
}

static void append_bucket(struct dict_typo_table *table)
{
    MUST(table->bucket_count < BUCKET_MAX);
    const u32 record = pool_acquire(&table->buckets);
    MUST(record == table->bucket_count + 1);
    table->bucket_count++;
}

/* Divides one bucket in two. The old chain stays until all its entries have their new place. */
static void split(struct dict_typo_table *table)
{
    const u32 low = table->bucket_count - (table->level_mask + 1);
    const u32 level = level_low(table);
    append_bucket(table);
    if (table->bucket_count == 2 * (table->level_mask + 1))
        table->level_mask = 2 * table->level_mask + 1;
    struct bucket *sides[2] = {bucket_at(table, low), bucket_at(table, table->bucket_count - 1)};
    const struct bucket chain = *sides[0];
    *sides[0] = (struct bucket){0};
    const struct bucket *bucket = &chain;
    for (;;) { /* ends: a chain is finite */
        distribute(table, &chain, bucket, low, level, sides);
        if (bucket->link == 0)
            break;
        bucket = overflow_at(table, bucket->link);
    }
    u32 link = chain.link;
    while (link != 0) {
        const u32 next = overflow_at(table, link)->link;
        pool_release(&table->overflow, &link);
        link = next;
    }
}

/* ---- entering ---------------------------------------------------------------------------------- */

void dict_typo_init(struct dict_typo_table *table, struct store_memory *memory,
                    const struct pool *words)
{
    *table = (struct dict_typo_table){.words = words};
    pool_init(&table->buckets, memory, sizeof(struct bucket));
    pool_init(&table->overflow, memory, sizeof(struct bucket));
    append_bucket(table);
}

void dict_typo_deinit(struct dict_typo_table *table)
{
    pool_deinit(&table->overflow);
    pool_deinit(&table->buckets);
}

void dict_typo_insert(struct dict_typo_table *table, u32 word)
{
    u64 rests[DICT_TYPO_RESTS_MAX];
    const u32 count = rests_of(table, word, rests);
    MUST(word != 0 && word <= WORD_MASK);
    for (u32 i = 0; i < count; i++)
        store_prefetch(bucket_at(table, bucket_of(table, rests[i])));
    for (u32 i = 0; i < count; i++) {
        const u32 bucket = bucket_of(table, rests[i]);
        chain_push(table, bucket_at(table, bucket),
                   entry_of(word, tag_of(rests[i], level_of(table, bucket))));
    }
    table->entry_count += count;
    while (table->entry_count > (u64)table->bucket_count * FILL && table->bucket_count < BUCKET_MAX)
        split(table);
}

/* The last entry of the first bucket fills the hole. */
static void chain_remove(struct dict_typo_table *table, struct bucket *first, u32 entry)
{
    struct bucket *bucket = first;
    for (;;) { /* ends: the entry is there by I1 */
        for (u32 i = 0; i < SLOTS; i++) {
            if (bucket->entries[i] != entry)
                continue;
            const u32 last_fill = fill_of(first);
            const bool is_last = bucket == first && i == last_fill - 1;
            /* Before the pop, which may move another bucket into the place of the first. */
            if (!is_last)
                bucket->entries[i] = first->entries[last_fill - 1];
            (void)chain_pop(table, first);
            return;
        }
        MUST(bucket->link != 0);
        bucket = overflow_at(table, bucket->link);
    }
}

void dict_typo_remove(struct dict_typo_table *table, u32 word)
{
    u64 rests[DICT_TYPO_RESTS_MAX];
    const u32 count = rests_of(table, word, rests);
    for (u32 i = 0; i < count; i++) {
        const u32 bucket = bucket_of(table, rests[i]);
        chain_remove(table, bucket_at(table, bucket),
                     entry_of(word, tag_of(rests[i], level_of(table, bucket))));
    }
    MUST(table->entry_count >= count);
    table->entry_count -= count;
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* Words that wait to be near, and the latest ones, so that one that shares several rests is mostly
 * told once. */
struct batch {
    const struct dict_typo_table *table;
    dict_typo_candidate *candidate;
    void *context;
    u32 count;
    u32 words[ASK_BATCH];
    u32 seen[ASK_BATCH];
};

static void flush(struct batch *batch)
{
    for (u32 i = 0; i < batch->count; i++)
        batch->candidate(batch->context, batch->words[i]);
    batch->count = 0;
}

static inline void take(struct batch *batch, u32 word)
{
    u32 *seen = &batch->seen[word % ASK_BATCH];
    if (*seen == word)
        return;
    *seen = word;
    store_prefetch(dict_word_at(batch->table->words, word));
    batch->words[batch->count++] = word;
    if (batch->count == ASK_BATCH)
        flush(batch);
}

static inline void take_fitting(struct batch *batch, const struct bucket *bucket, u32 tag)
{
    u32 fitting = 0;
    for (u32 i = 0; i < SLOTS; i++)
        fitting |= (u32)(bucket->entries[i] >> WORD_BITS == tag) << i;
    for (; fitting != 0; fitting &= fitting - 1) {
        const u32 word = bucket->entries[__builtin_ctz(fitting)] & WORD_MASK;
        if (word != 0) /* a free slot looks like tag 0 */
            take(batch, word);
    }
}

void dict_typo_ask(const struct dict_typo_table *table, const struct dict_letters *letters,
                   u32 distance, dict_typo_candidate *candidate, void *context)
{
    u64 rests[DICT_TYPO_RESTS_MAX];
    struct batch batch = {.table = table, .candidate = candidate, .context = context};
    const u32 count = dict_rests_of_question(letters, distance, rests);
    for (u32 i = 0; i < count; i++)
        store_prefetch(bucket_at(table, bucket_of(table, rests[i])));
    for (u32 i = 0; i < count; i++) {
        const u32 number = bucket_of(table, rests[i]);
        const u32 tag = tag_of(rests[i], level_of(table, number));
        const struct bucket *bucket = bucket_at(table, number);
        for (;;) { /* ends: a chain is finite */
            take_fitting(&batch, bucket, tag);
            if (bucket->link == 0)
                break;
            bucket = overflow_at(table, bucket->link);
        }
    }
    flush(&batch);
}

/* ---- validity ---------------------------------------------------------------------------------- */

/* Is every entry of the bucket that of a rest of its word? */
static bool is_bucket_valid(const struct dict_typo_table *table, const struct bucket *bucket,
                            u32 number)
{
    u64 rests[DICT_TYPO_RESTS_MAX];
    const u32 level = level_of(table, number);
    for (u32 i = 0; i < SLOTS && bucket->entries[i] != 0; i++) {
        const u32 count = rests_of(table, bucket->entries[i] & WORD_MASK, rests);
        bool is_known = false;
        for (u32 k = 0; k < count; k++)
            is_known |= bucket_of(table, rests[k]) == number &&
                        tag_of(rests[k], level) == bucket->entries[i] >> WORD_BITS;
        if (!is_known)
            return false;
    }
    return true;
}

bool dict_typo_valid(const struct dict_typo_table *table)
{
    u64 entry_count = 0;
    u32 overflow_count = 0;
    for (u32 number = 0; number < table->bucket_count; number++) {
        const struct bucket *bucket = bucket_at(table, number);
        for (;;) { /* ends by the count of overflow buckets */
            const u32 fill = fill_of(bucket);
            for (u32 i = fill; i < SLOTS; i++)
                if (bucket->entries[i] != 0)
                    return false;
            if (!is_bucket_valid(table, bucket, number))
                return false;
            entry_count += fill;
            if (bucket->link == 0)
                break;
            bucket = overflow_at(table, bucket->link);
            if (++overflow_count > pool_count(&table->overflow) || fill_of(bucket) != SLOTS)
                return false;
        }
    }
    return entry_count == table->entry_count && overflow_count == pool_count(&table->overflow) &&
           pool_count(&table->buckets) == table->bucket_count;
}
