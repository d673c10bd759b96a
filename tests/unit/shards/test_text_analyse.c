/* test_text_analyse: words, places and variants by example; what holds for any bytes at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/store/store_fuzz.h"

#include "shards/search/text_analyse.h"
#include "shards/search/text_fold.h"
#include "shards/search/text_unit.h"

static struct span span_of(const char *text)
{
    return (struct span){(const u8 *)text, (u32)strlen(text)};
}

/* All words of a text: "data@position", "+width" and "~" before it with variants, "|" behind a place. */
static const char *words_of(struct span text)
{
    static char said[65536];
    struct text_reader reader;
    struct text_word word;
    size_t used = 0;
    said[0] = 0;
    text_begin(&reader, text);
    while (text_next(&reader, &word)) {
        const bool is_variant = (word.flags & TEXT_VARIANT) != 0;
        used += (size_t)snprintf(said + used, sizeof said - used, "%s%s%.*s@%u", used ? " " : "",
                                 is_variant ? "~" : "", (int)word.bytes, (const char *)word.data,
                                 word.position);
        if (is_variant)
            used += (size_t)snprintf(said + used, sizeof said - used, "+%u", word.width);
        if ((word.flags & TEXT_LAST) != 0)
            used += (size_t)snprintf(said + used, sizeof said - used, "|");
        assert_true(used < sizeof said);
    }
    return said;
}

struct example {
    const char *text;
    const char *words;
};

static void texts_have_the_words_that_people_type(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"", ""},
        {" \t\n,.;:!?()[]{}<>|*#@", ""},
        {"White Hanging HEART", "white@0| hanging@1| heart@2|"},
        {"1-gal. jug", "1@0 gal@1 ~1gal@0+2| jug@2|"},
        {"5.5 in", "5.5@0 in@1 ~5.5in@0+2|"},
        {"5.5 inches tall", "5.5@0 inches@1 ~5.5in@0+2| tall@2|"},
        {"5.5\" tall", "5.5@0 ~5.5in@0+1| tall@1|"},
        {"5.5\xe2\x80\x9d", "5.5@0 ~5.5in@0+1|"},
        {"mq8n2b/a", "mq8n2b@0 a@1 ~mq8n2ba@0+2|"},
        {"64 GB", "64@0 gb@1 ~64gb@0+2|"},
        {"64gb", "64@0 gb@1 ~64gb@0+2|"},
        {"64-GB", "64@0 gb@1 ~64gb@0+2|"},
        {"64 gigabytes", "64@0 gigabytes@1 ~64gb@0+2|"},
        {"64gb-ssd", "64@0 gb@1 ssd@2 ~64gb@0+2 ~64gbssd@0+3|"},
        {"wi-fi wifi", "wi@0 fi@1 ~wifi@0+2| wifi@2|"},
        {"3/4", "3@0 4@1 ~3/4@0+2|"},
        {"3/4 in", "3@0 4@1 in@2 ~3/4@0+2 ~3/4in@0+3|"},
        {"3/4in", "3@0 4@1 in@2 ~3/4@0+2 ~3/4in@0+3|"},
        {"3/4-in. x", "3@0 4@1 in@2 ~3/4@0+2 ~3/4in@0+3| x@3|"},
        {"\xc2\xbd cup 5\xc2\xbd", "1/2@0| cup@1| 5@2| 1/2@3|"},
        {"O'Neill o\xe2\x80\x99neill", "o@0 neill@1 ~oneill@0+2| o@2 neill@3 ~oneill@2+2|"},
        {"women's 80's", "women@0 ~womens@0+1| 80@1 ~80s@1+1|"},
        {"l'Or\xc3\xa9"
         "al's",
         "l@0 oreal@1 ~loreals@0+2|"},
        {"iphone11 4k s8", "iphone@0 11@1 ~iphone11@0+2| 4@2 k@3 ~4k@2+2| s8@4|"},
        {"usb3.0 1080p", "usb@0 3.0@1 ~usb3.0@0+2| 1080p@2|"},
        {"1,000 1,000,000 12,34 1,0000", "1000@0| 1000000@1| 12@2| 34@3| 1@4| 0000@5|"},
        {"1,000 ml", "1000@0 ml@1 ~1000ml@0+2|"},
        {"1.2.3 .5 7.", "1.2.3@0| 5@1| 7@2|"},
        {"u.s.a. e-mail", "u@0 s@1 a@2 ~usa@0+3| e@3 mail@4 ~email@3+2|"},
        {"red/blue end.Next", "red@0 blue@1| end@2 next@3|"},
        {"8/10/12", "8@0 10@1 12@2 ~8/10/12@0+3|"},
        {"2-in-1 2 in 1", "2@0 in@1 1@2 ~2in1@0+3| 2@3 in@4 ~2in@3+2| 1@5|"},
        {"-foo- 'bar' a--b", "foo@0| bar@1| a@2| b@3|"},
        {"h&m", "h@0 m@1 ~hm@0+2|"},
        {"\xc3\x80\xc3\x89 Stra\xc3\x9f"
         "e \xef\xac\x81x",
         "ae@0| strasse@1| fix@2|"},
        {"e\xcc\x81t\xc3\xa9", "ete@0|"},
        {"\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90",
         "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0@0|"},
        {"\xe6\x97\xa5\xe6\x9c\xac tv", "\xe6\x97\xa5@0| \xe6\x9c\xac@1| tv@2|"},
        {"\xef\xbc\x91\xef\xbc\x92 \xe3\x8e\x8f", "12@0| kg@1|"},
        {"5\xe3\x8e\xa8 abc\xe3\x8e\xa8",
         "5ms2@0| abcms2@1|"}, /* one character is not taken apart */
        {"\xc5\x89", "n@0|"},
        {"so\xc2\xad"
         "ft zero\xe2\x80\x8dwidth",
         "soft@0| zerowidth@1|"},
        {"a\xff"
         "b \xc3 c\xed\xa0\x80"
         "d \xf4\x90\x80\x80",
         "a@0| b@1| c@2| d@3|"},
        {"caf\xc3", "caf@0|"},
    };
    for (u32 i = 0; i < ARRAY_COUNT(examples); i++)
        assert_string_equal(words_of(span_of(examples[i].text)), examples[i].words);
}

static void offsets_are_those_of_the_source(void **state)
{
    (void)state;
    const char *text = "  \xc3\x89T\xc3\x89, 64gb Wi-Fi women's 5\"";
    static const struct {
        const char *source;
        u16 flags;
    } expected[] = {{"\xc3\x89T\xc3\x89", TEXT_LAST},
                    {"64", TEXT_NUMBER | TEXT_PART},
                    {"gb", TEXT_UNIT | TEXT_PART},
                    {"64gb", TEXT_UNIT | TEXT_VARIANT | TEXT_LAST},
                    {"Wi", TEXT_PART},
                    {"Fi", TEXT_PART},
                    {"Wi-Fi", TEXT_VARIANT | TEXT_LAST},
                    {"women's", TEXT_PART},
                    {"women's", TEXT_VARIANT | TEXT_LAST},
                    {"5\"", TEXT_NUMBER | TEXT_PART},
                    {"5\"", TEXT_UNIT | TEXT_VARIANT | TEXT_LAST}};
    struct text_reader reader;
    struct text_word word;
    u32 count = 0;
    text_begin(&reader, span_of(text));
    while (text_next(&reader, &word)) {
        assert_true(count < ARRAY_COUNT(expected));
        assert_int_equal(word.end - word.begin, strlen(expected[count].source));
        assert_memory_equal(text + word.begin, expected[count].source, word.end - word.begin);
        assert_int_equal(word.flags, expected[count].flags);
        count++;
    }
    assert_int_equal(count, ARRAY_COUNT(expected));
}

static void long_words_are_cut_at_a_letter(void **state)
{
    (void)state;
    char text[400];
    for (u32 shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (u32 i = 0; i < 60; i++) /* Cyrillic, two bytes */
            memcpy(text + shift + 2 * i, "\xd0\x96", 2);
        memcpy(text + shift + 120, " end", 5);
        struct text_reader reader;
        struct text_word word;
        text_begin(&reader, span_of(text));
        assert_true(text_next(&reader, &word));
        assert_int_equal(word.bytes, 64 - shift % 2);
        assert_int_equal(word.end, shift + 120);
        assert_memory_equal(word.data + word.bytes - 2, "\xd0\xb6", 2);
        assert_true(text_next(&reader, &word));
        assert_memory_equal(word.data, "end", 3);
    }
    /* What would still fit behind the cut does not count. */
    memset(text, 'x', 63);
    memcpy(text + 63, "\xd0\x96y end", 8);
    assert_int_equal(strcspn(words_of(span_of(text)), "@"), 63);
    memcpy(text + 63, "\xd0\x96-b", 5);
    assert_null(strchr(words_of(span_of(text)), '~')); /* is joined to nothing */
    memset(text, '7', 300);
    text[300] = 0;
    assert_int_equal(strlen(words_of(span_of(text))), 64 + strlen("@0|"));
}

static void a_place_ends_after_so_many_runs(void **state)
{
    (void)state;
    assert_string_equal(words_of(span_of("a-b-c-d-e-f-g-h")),
                        "a@0 b@1 c@2 d@3 e@4 f@5 ~abcdef@0+6| g@6 h@7 ~gh@6+2|");
    /* As many words as a place can have. */
    assert_string_equal(
        words_of(span_of("1gb-2gb-3gb-4gb-5gb-6gb")),
        "1@0 gb@1 2@2 gb@3 3@4 gb@5 4@6 gb@7 5@8 gb@9 6@10 gb@11 ~1gb@0+2 ~2gb@2+2 ~3gb@4+2 "
        "~4gb@6+2 ~5gb@8+2 ~6gb@10+2 ~1gb2gb3gb4gb5gb6gb@0+12|");
    assert_string_equal(words_of(span_of("1/2gb/3/4gb/5/6gb")),
                        "1@0 2@1 gb@2 3@3 4@4 gb@5 5@6 6@7 gb@8 ~1/2@0+2 ~1/2gb@0+3 ~3/4@3+2 "
                        "~3/4gb@3+3 ~5/6@6+2 ~5/6gb@6+3 ~1/2gb3/4gb5/6gb@0+9|");
}

static void units_are_found_by_all_their_spellings(void **state)
{
    (void)state;
    static const struct example spellings[] = {
        {"in", "in"},          {"inch", "in"},  {"inches", "in"}, {"gallons", "gal"},
        {"oz", "oz"},          {"litres", "l"}, {"liter", "l"},   {"lbs", "lb"},
        {"pounds", "lb"},      {"kg", "kg"},    {"feet", "ft"},   {"mah", "mah"},
        {"watts", "w"},        {"ghz", "ghz"},  {"tb", "tb"},     {"yds", "yd"},
        {"centimetres", "cm"}, {"mm", "mm"},    {"ml", "ml"},     {"g", "g"},
        {"terabytes", "tb"},   {"a", "a"},      {"pieces", "pc"}};
    for (u32 i = 0; i < ARRAY_COUNT(spellings); i++) {
        const struct span unit = text_unit(span_of(spellings[i].text));
        assert_int_equal(unit.bytes, strlen(spellings[i].words));
        assert_memory_equal(unit.data, spellings[i].words, unit.bytes);
    }
    assert_int_equal(text_unit(span_of("inchess")).bytes, 0);
    assert_int_equal(text_unit(span_of("")).bytes, 0);
    assert_int_equal(text_unit(span_of("zz")).bytes, 0);
    assert_int_equal(text_unit(span_of("centimetres and more")).bytes, 0);
}

/* ---- any text ---------------------------------------------------------------------------------- */

/* Without points and slashes, which folding a whole span leaves out. */
static u32 plain_copy(const struct text_word *word, u8 *to)
{
    u32 bytes = 0;
    for (u32 i = 0; i < word->bytes; i++)
        if (word->data[i] != '.' && word->data[i] != '/')
            to[bytes++] = word->data[i];
    return bytes;
}

/* I1 and I2, and that a word is what its bytes of the source fold to. */
static void check_text(struct span text)
{
    struct text_reader reader;
    struct text_word word;
    u32 position = 0;
    u32 begin = 0;
    u32 end_before = 0;
    u32 place_position = 0;
    u32 words = 0;
    text_begin(&reader, text);
    while (text_next(&reader, &word)) {
        assert_true(++words <= 4 * text.bytes + 4);
        assert_true(word.bytes > 0 && word.bytes <= TEXT_WORD_BYTES && word.width >= 1);
        assert_true(word.begin < word.end && word.end <= text.bytes);
        if ((word.flags & TEXT_VARIANT) == 0) {
            assert_int_equal(word.position, position++);
            assert_int_equal(word.width, 1);
            assert_true(word.begin >= end_before);
            begin = word.begin;
            end_before = word.end;
        } else {
            assert_true(word.position >= place_position && word.position + word.width <= position);
            assert_true(word.begin <= begin && word.end <= end_before);
        }
        if ((word.flags & TEXT_LAST) != 0)
            place_position = position;
        u8 own[TEXT_WORD_BYTES], folded[TEXT_WORD_BYTES], again[TEXT_WORD_BYTES];
        const struct span source = {text.data + word.begin, word.end - word.begin};
        const u32 own_bytes = plain_copy(&word, own);
        u32 bytes = text_fold(source, folded);
        const struct text_word whole = {.data = folded, .bytes = bytes};
        bytes = plain_copy(&whole, folded); /* fractions keep their slash */
        assert_int_equal(text_fold((struct span){folded, bytes}, again), bytes);
        assert_memory_equal(again, folded, bytes);
        if ((word.flags & TEXT_UNIT) == 0 && word.bytes < 30) {        /* surely not cut */
            assert_true(bytes == own_bytes || bytes == own_bytes + 1); /* the s of women's */
            assert_memory_equal(own, folded, own_bytes);
        }
    }
}

static void words_of_random_texts_are_what_the_source_folds_to(void **state)
{
    (void)state;
    struct fuzz fuzz = fuzz_begin(__func__);
    static const char *const pieces[] = {"a",
                                         "B",
                                         "7",
                                         "64",
                                         "gb",
                                         "in",
                                         "inches",
                                         "wi",
                                         "iphone",
                                         "1,000",
                                         ".5",
                                         "-",
                                         "-",
                                         "/",
                                         ".",
                                         "'",
                                         "'s",
                                         "&",
                                         " ",
                                         " ",
                                         "\"",
                                         ",",
                                         "_",
                                         "+",
                                         "\xc3\xa9",
                                         "\xcc\x81",
                                         "\xe2\x80\x99",
                                         "\xe6\x97\xa5",
                                         "\xc2\xbd",
                                         "\xd0\x96",
                                         "\xf0\x9d\x90\x80",
                                         "\xff",
                                         "\xe2\x82\xac",
                                         "\xef\xb7\xba",
                                         "\xe3\x8e\x8f",
                                         "\xc2\xad"};
    for (u32 round = 0; round < 60000; round++) {
        u8 text[200];
        u32 bytes = 0;
        for (u32 left = fuzz_below(&fuzz, 14); left > 0; left--) {
            const char *piece = pieces[fuzz_below(&fuzz, ARRAY_COUNT(pieces))];
            memcpy(text + bytes, piece, strlen(piece));
            bytes += (u32)strlen(piece);
        }
        if (round % 5 == 0 && bytes > 0)
            text[fuzz_below(&fuzz, bytes)] = (u8)fuzz_next(&fuzz);
        check_text((struct span){text, bytes});
    }
}

static void every_character_folds_and_folds_no_further(void **state)
{
    (void)state;
    u32 word_count = 0;
    for (u32 code = 1; code < 0x110000; code++) {
        u8 text[8] = {0}, once[TEXT_WORD_BYTES], twice[TEXT_WORD_BYTES];
        u32 bytes = 0;
        if (code >= 0xd800 && code < 0xe000)
            continue;
        if (code < 0x80) {
            text[bytes++] = (u8)code;
        } else if (code < 0x800) {
            text[bytes++] = (u8)(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            text[bytes++] = (u8)(0xe0 | code >> 12);
            text[bytes++] = (u8)(0x80 | (code >> 6 & 63));
        } else {
            text[bytes++] = (u8)(0xf0 | code >> 18);
            text[bytes++] = (u8)(0x80 | (code >> 12 & 63));
            text[bytes++] = (u8)(0x80 | (code >> 6 & 63));
        }
        if (code >= 0x80)
            text[bytes++] = (u8)(0x80 | (code & 63));
        const u32 folded = text_fold((struct span){text, bytes}, once);
        check_text((struct span){text, bytes});
        word_count += folded != 0;
        if (memchr(once, '/', folded) != NULL)
            continue; /* a fraction is a word of its own */
        assert_int_equal(text_fold((struct span){once, folded}, twice), folded);
        assert_memory_equal(once, twice, folded);
    }
    assert_true(word_count > 100000 && word_count < 200000);
}

static void ascii_and_all_of_unicode_agree(void **state)
{
    (void)state;
    for (u32 code = 1; code < 0x80; code++) {
        const u8 text[2] = {(u8)code, 0};
        struct text_folded folded;
        text_fold_high((struct span){text, 1}, &folded);
        assert_int_equal(folded.source_bytes, 1);
        if (text_kinds[code] == TEXT_KIND_LETTER || text_kinds[code] == TEXT_KIND_DIGIT)
            assert_int_equal(folded.data[0], text_fold_ascii((u8)code));
        if (folded.kind != TEXT_KIND_NOTHING) /* controls */
            assert_int_equal(folded.kind, text_kinds[code]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_the_words_that_people_type),
        cmocka_unit_test(offsets_are_those_of_the_source),
        cmocka_unit_test(long_words_are_cut_at_a_letter),
        cmocka_unit_test(a_place_ends_after_so_many_runs),
        cmocka_unit_test(units_are_found_by_all_their_spellings),
        cmocka_unit_test(words_of_random_texts_are_what_the_source_folds_to),
        cmocka_unit_test(every_character_folds_and_folds_no_further),
        cmocka_unit_test(ascii_and_all_of_unicode_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
