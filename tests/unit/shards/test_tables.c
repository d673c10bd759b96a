/* test_tables: runs the scripts of tests/table, which a shopkeeper can read.
 *
 *   sku MUG price 2.50 GBP oversell 2      -> OK version=1
 *   receive MUG 10                         -> OK on_hand=10 sellable=10
 *   hold MUG 3 as h1 lease 60s owner 5     -> OK sellable=7 expires_at=+60s
 *   at +60s                                time passes (an empty batch of the log)
 *   confirm MUG h1 owner 5                 -> HOLD_EXPIRED
 *   linked take MUG 1, CUP 2               -> LINKED_FAILED, SOLD_OUT
 *
 * A line is a verb, a SKU, the name of a hold or allocation ("as h1" names a new one), a number,
 * and words with values; then what is expected: a status, `replayed`, and fields of the reply.
 * `levels` and `facts` read. A line that begins with # is a comment. Each script runs in a shard
 * of its own, which is replayed and reloaded at the end.
 *
 * Run without arguments from the top folder, or with the names of scripts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>

#include "proto/money.h"
#include "proto/status.h"
#include "tests/unit/shards/shard_fixture.h"

#define WORDS_MAX   32u
#define NAMES_MAX   64u
#define RECORDS_MAX 8u

struct verb {
    const char *word;
    u16 opcode;
    const char *number; /* field of a bare number */
};

static const struct verb verbs[] = {
    {"receive", OPCODE_STOCK_RECEIVE, "quantity"},
    {"adjust", OPCODE_STOCK_ADJUST, "delta"},
    {"set", OPCODE_STOCK_SET, "value"},
    {"take", OPCODE_TAKE, "quantity"},
    {"hold", OPCODE_HOLD, "quantity"},
    {"extend", OPCODE_HOLD_EXTEND, NULL},
    {"confirm", OPCODE_HOLD_CONFIRM, "quantity"},
    {"release", OPCODE_HOLD_RELEASE, NULL},
    {"bind", OPCODE_HOLD_BIND, NULL},
    {"ship", OPCODE_ALLOC_SHIP, "quantity"},
    {"cancel", OPCODE_ALLOC_CANCEL, "quantity"},
    {"return", OPCODE_ALLOC_RETURN, "quantity"},
    {"write_off", OPCODE_STOCK_WRITE_OFF, "quantity"},
    {"levels", OPCODE_STOCK_GET, NULL},
    {"facts", OPCODE_HOLD_GET, NULL},
};

struct script {
    struct fx fx;
    const char *path;
    u32 line;
    char names[NAMES_MAX][16];
    struct id128 ids[NAMES_MAX];
    u32 name_count;
};

#define FAIL_LINE(script, ...)                                            \
    do {                                                                  \
        print_error("%s:%u: ", (script)->path, (unsigned)(script)->line); \
        print_error(__VA_ARGS__);                                         \
        print_error("\n");                                                \
        fail();                                                           \
    } while (0)

/* "60s" "5m" "2h" "10ms" "3ns" as nanoseconds. */
static u64 duration_ns(struct script *script, const char *word)
{
    char *unit;
    const u64 number = strtoull(word, &unit, 10);
    static const struct {
        const char *name;
        u64 ns;
    } units[] = {{"ns", 1},
                 {"ms", NS_PER_MS},
                 {"s", NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"h", 3600 * NS_PER_S},
                 {"d", 24 * 3600 * NS_PER_S}};
    for (u32 i = 0; i < ARRAY_COUNT(units); i++)
        if (strcmp(unit, units[i].name) == 0)
            return number * units[i].ns;
    FAIL_LINE(script, "%s is not a duration", word);
    return 0;
}

/* The id of a name; a new name gets one that is made now. */
static struct id128 id_of(struct script *script, const char *name)
{
    for (u32 i = 0; i < script->name_count; i++)
        if (strcmp(script->names[i], name) == 0)
            return script->ids[i];
    if (script->name_count == NAMES_MAX || strlen(name) >= sizeof script->names[0])
        FAIL_LINE(script, "too many names, or too long: %s", name);
    const u32 i = script->name_count++;
    memcpy(script->names[i], name, strlen(name) + 1);
    script->ids[i] = fx_fresh(&script->fx, checksum64(name, strlen(name)));
    return script->ids[i];
}

/* Where a field lies; reply fields come after the head. NULL when there is none. */
static const struct message_field *find_field(const struct message_side *side, const char *name,
                                              u32 *offset)
{
    for (u32 i = 0; i < side->field_count; i++) {
        if (strcmp(side->fields[i].name, name) == 0)
            return &side->fields[i];
        *offset += side->fields[i].bytes;
    }
    return NULL;
}

static void set_field(struct script *script, const struct message_info *info, u8 *record,
                      const char *name, const void *value, u32 bytes)
{
    u32 offset = 0;
    const struct message_field *field = find_field(&info->request, name, &offset);
    if (field == NULL || field->bytes > bytes)
        FAIL_LINE(script, "%s has no %s", info->name, name);
    memcpy(record + offset, value, field->bytes);
}

/* One word with its value. Returns how many words it took. */
static u32 set_word(struct script *script, const struct message_info *info, u8 *record,
                    char **words, u32 left)
{
    const char *word = words[0];
    const u64 one = 1;
    if (strcmp(word, "damaged") == 0) {
        set_field(script, info, record, "disposition", &one, sizeof one);
        return 1;
    }
    if (strcmp(word, "sellable") == 0)
        return 1;
    if (left < 2) {
        FAIL_LINE(script, "%s needs a value", word);
        return 1;
    }
    if (strcmp(word, "as") == 0 || strcmp(word, "replaces") == 0) {
        const struct id128 id = id_of(script, words[1]);
        set_field(script, info, record, word[0] == 'a' ? "id" : word, &id, sizeof id);
    } else if (strcmp(word, "order") == 0) {
        const struct id128 order = {.low = strtoull(words[1], NULL, 10), .high = 1};
        set_field(script, info, record, word, &order, sizeof order);
    } else if (strcmp(word, "lease") == 0 || strcmp(word, "life") == 0) {
        const u64 ms = duration_ns(script, words[1]) / NS_PER_MS;
        set_field(script, info, record, word[1] == 'e' ? "lease_ms" : "max_life_ms", &ms,
                  sizeof ms);
    } else {
        const i64 number = strtoll(words[1], NULL, 10);
        set_field(script, info, record, word, &number, sizeof number);
    }
    return 2;
}

/* "MUG 3 as h1 lease 60s" as a record. */
static void parse_record(struct script *script, const struct verb *verb, char **words, u32 count,
                         u8 *record)
{
    const struct message_info *info = message_find(verb->opcode);
    memset(record, 0, info->request.fixed_bytes);
    if (count == 0)
        FAIL_LINE(script, "%s needs a SKU", verb->word);
    const struct resource sku = fx_sku(id_from_code(words[0], strlen(words[0])));
    set_field(script, info, record, "resource", &sku, sizeof sku);
    if (verb->opcode == OPCODE_STOCK_SET) {
        const i64 any = -1;
        set_field(script, info, record, "expected", &any, sizeof any);
    }
    u32 at = 1;
    if (at < count && islower((unsigned char)words[at][0]) &&
        isdigit((unsigned char)words[at][1])) {
        const struct id128 id = id_of(script, words[at++]);
        set_field(script, info, record, "id", &id, sizeof id);
    }
    if (at < count && (isdigit((unsigned char)words[at][0]) || words[at][0] == '-')) {
        const i64 number = strtoll(words[at++], NULL, 10);
        set_field(script, info, record, verb->number, &number, sizeof number);
    }
    while (at < count) /* ends: a word or more each time */
        at += set_word(script, info, record, words + at, count - at);
}

static u64 state_number(const char *word)
{
    static const char *const states[] = {"",         "held",    "allocated",
                                         "released", "expired", "finished"};
    for (u32 i = 1; i < ARRAY_COUNT(states); i++)
        if (strcmp(word, states[i]) == 0)
            return i;
    return strtoull(word, NULL, 10);
}

/* "sellable=7", "expires_at=+60s", "state=held", "wait=5000" against a reply record. */
static void expect_word(struct script *script, const struct message_info *info, const u8 *reply,
                        char *word)
{
    struct record_status head;
    memcpy(&head, reply, sizeof head);
    char *value = strchr(word, '=');
    if (value == NULL) {
        if (strcmp(word, "replayed") != 0 || (head.flags & RECORD_FLAG_REPLAYED) == 0)
            FAIL_LINE(script, "not %s", word);
        return;
    }
    *value++ = '\0';
    char name[40];
    const bool is_time = value[0] == '+';
    (void)snprintf(name, sizeof name, "%s%s", word, is_time ? "_ns" : "");
    u64 expected = strcmp(word, "state") == 0 ? state_number(value)
                   : is_time                  ? script->fx.now_ns + duration_ns(script, value + 1)
                                              : (u64)strtoll(value, NULL, 10);
    u64 actual = 0;
    if (strcmp(word, "wait") == 0) {
        actual = head.retry_after_ms;
    } else {
        u32 offset = sizeof head;
        const struct message_field *field = find_field(&info->reply, name, &offset);
        if (field == NULL)
            FAIL_LINE(script, "%s does not say %s", info->name, name);
        else
            memcpy(&actual, reply + offset, field->bytes);
    }
    if (actual != expected)
        FAIL_LINE(script, "%s is %lld, not %lld", word, (long long)actual, (long long)expected);
}

static void expect(struct script *script, const struct message_info *info, const u8 *reply,
                   char **words, u32 count)
{
    struct record_status head;
    memcpy(&head, reply, sizeof head);
    if (count == 0)
        return;
    if (strcmp(status_name(head.status), words[0]) != 0)
        FAIL_LINE(script, "%s, not %s", status_name(head.status), words[0]);
    for (u32 i = 1; i < count; i++)
        expect_word(script, info, reply, words[i]);
}

/* Splits at blanks; a comma becomes a word of its own. */
static u32 split(char *text, char **words)
{
    static char comma[] = ",";
    u32 count = 0;
    for (char *at = text; *at != '\0' && count + 2 < WORDS_MAX;) {
        at += strspn(at, " \t\n");
        const size_t length = strcspn(at, " \t\n,");
        const char end = at[length];
        if (length != 0)
            words[count++] = at;
        if (end == ',')
            words[count++] = comma;
        if (end != '\0')
            at[length] = '\0';
        at += length + (end != '\0' ? 1 : 0);
    }
    return count;
}

static u32 until_comma(char **words, u32 count)
{
    u32 at = 0;
    while (at < count && strcmp(words[at], ",") != 0)
        at++;
    return at;
}

/* "sku MUG price 2.50 GBP safety 1 oversell 2 lease 60s version 3" */
static void run_sku(struct script *script, char **words, u32 count, char **wanted, u32 wanted_count)
{
    struct msg_sku_put_req put = {.currency = FX_GBP};
    put.resource = fx_sku(id_from_code(words[0], strlen(words[0])));
    for (u32 i = 1; i + 1 < count; i += 2) {
        if (strcmp(words[i], "price") == 0 && i + 2 < count) {
            const struct currency_info *currency = currency_find_letters(words[i + 2]);
            assert_non_null(currency);
            assert_null(money_parse(words[i + 1], currency, &put.price));
            put.currency = currency->number;
            i++;
        } else if (strcmp(words[i], "safety") == 0) {
            put.safety_stock = strtoll(words[i + 1], NULL, 10);
        } else if (strcmp(words[i], "oversell") == 0) {
            put.oversell_cap = strtoll(words[i + 1], NULL, 10);
        } else if (strcmp(words[i], "lease") == 0) {
            put.lease_default_ms = (u32)(duration_ns(script, words[i + 1]) / NS_PER_MS);
        } else if (strcmp(words[i], "version") == 0) {
            put.if_version = strcmp(words[i + 1], "absent") == 0 ? VERSION_ABSENT
                                                                 : strtoull(words[i + 1], NULL, 10);
        } else {
            FAIL_LINE(script, "a SKU has no %s", words[i]);
        }
    }
    (void)fx_sku_put(&script->fx, put, words[0]);
    expect(script, message_find(OPCODE_SKU_PUT), script->fx.reply_body, wanted, wanted_count);
}

static void run_verb(struct script *script, const struct verb *verb, char **words, u32 count,
                     char **wanted, u32 wanted_count)
{
    const struct message_info *info = message_find(verb->opcode);
    u8 records[RECORDS_MAX * 128];
    u32 record_count = 0;
    for (u32 at = 0; at < count;) { /* ends: a record each time */
        const u32 length = until_comma(words + at, count - at);
        assert_true(record_count < RECORDS_MAX);
        parse_record(script, verb, words + at, length,
                     records + record_count++ * info->request.fixed_bytes);
        at += length + 1;
    }
    const u8 *reply = script->fx.reply_body;
    if (info->class == MESSAGE_CLASS_READ) {
        assert_int_equal(fx_read(&script->fx, verb->opcode, records), SHARD_READ_DONE);
        reply = script->fx.read_body;
    } else {
        (void)fx_send(&script->fx, verb->opcode, records, record_count);
        assert_int_equal(script->fx.reply.status, STATUS_OK);
    }
    for (u32 at = 0, i = 0; at < wanted_count && i < record_count; i++) {
        const u32 length = until_comma(wanted + at, wanted_count - at);
        expect(script, info, reply + i * info->reply.fixed_bytes, wanted + at, length);
        at += length + 1;
    }
}

static void run_line(struct script *script, char *line)
{
    char *words[WORDS_MAX], *wanted[WORDS_MAX];
    char *arrow = strstr(line, "->");
    u32 wanted_count = 0;
    if (line[0] == '#')
        return;
    if (arrow != NULL) {
        wanted_count = split(arrow + 2, wanted);
        *arrow = '\0';
    }
    const u32 count = split(line, words);
    if (count == 0)
        return;
    if (count < 2)
        FAIL_LINE(script, "%s needs more words", words[0]);
    if (strcmp(words[0], "at") == 0) {
        fx_at(&script->fx, script->fx.now_ns + duration_ns(script, words[1] + 1));
        return;
    }
    if (strcmp(words[0], "sku") == 0) {
        run_sku(script, words + 1, count - 1, wanted, wanted_count);
        return;
    }
    const u32 at = strcmp(words[0], "linked") == 0 ? 1 : 0;
    for (u32 i = 0; i < ARRAY_COUNT(verbs); i++)
        if (strcmp(verbs[i].word, words[at]) == 0) {
            script->fx.is_linked = at == 1;
            run_verb(script, &verbs[i], words + at + 1, count - at - 1, wanted, wanted_count);
            script->fx.is_linked = false;
            return;
        }
    FAIL_LINE(script, "no such verb: %s", words[at]);
}

static void run_script(const char *path)
{
    static struct script script;
    char line[512];
    memset(&script, 0, sizeof script);
    script.path = path;
    fx_open(&script.fx);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) { /* ends: a line further each time */
        script.line++;
        run_line(&script, line);
    }
    (void)fclose(file);
    (void)fx_verify(&script.fx);
    struct shard *again = fx_replay(&script.fx), *loaded = fx_reload(&script.fx);
    fx_assert_digest(script.fx.shard, again);
    fx_assert_digest(script.fx.shard, loaded);
    shard_close(again);
    shard_close(loaded);
    fx_close(&script.fx);
}

static void all_scripts_say_what_happens(void **state)
{
    glob_t found;
    (void)state;
    assert_int_equal(glob("tests/table/*.tab", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 4);
    for (size_t i = 0; i < found.gl_pathc; i++)
        run_script(found.gl_pathv[i]);
    globfree(&found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_scripts_say_what_happens)};
    for (int i = 1; i < argc; i++)
        run_script(argv[i]);
    return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
