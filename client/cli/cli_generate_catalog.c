/* cli_generate_catalog: a made-up shop's catalog, as CSV that `souk import` reads without a map.
 *
 * The same seed gives the same bytes everywhere. Titles are put together from a pattern and a thing,
 * which decides the category, with a brand, a colour, a material and a size as attributes; popularity
 * falls as 1/rank; one product in ten has no stock, one in five is reduced.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/cli/cli.h"
#include "client/cli/generator.h"

struct thing {
    const char *name;
    const char *category;
    u32 pence; /* about what it costs */
};

static const struct thing things[] = {
    {"T-LIGHT HOLDER", "home/lighting/candles", 295},
    {"LANTERN", "home/lighting/lanterns", 895},
    {"DESK LAMP", "home/lighting/lamps", 2495},
    {"FAIRY LIGHTS 10 M", "home/lighting/lights", 1250},
    {"MUG 0.3 L", "kitchen/tableware/mugs", 450},
    {"TEAPOT 1.2 L", "kitchen/tableware/teapots", 1895},
    {"CAKE STAND", "kitchen/baking/stands", 1650},
    {"BISCUIT TIN", "kitchen/storage/tins", 795},
    {"LUNCH BAG", "kitchen/storage/bags", 165},
    {"APRON", "kitchen/textiles/aprons", 1195},
    {"TEA TOWEL", "kitchen/textiles/towels", 395},
    {"CUSHION COVER 45 CM", "home/textiles/cushions", 995},
    {"THROW", "home/textiles/throws", 2950},
    {"DOORMAT", "home/textiles/doormats", 795},
    {"PICTURE FRAME 13X18 CM", "home/decoration/frames", 695},
    {"WALL CLOCK", "home/decoration/clocks", 1995},
    {"WREATH", "home/decoration/wreaths", 1250},
    {"JEWELLERY BOX", "home/decoration/boxes", 1450},
    {"BIRD HOUSE", "garden/animals/houses", 1695},
    {"PLANTER", "garden/plants/planters", 1295},
    {"WATERING CAN 5 L", "garden/tools/cans", 1795},
    {"GARDEN GLOVES", "garden/tools/gloves", 595},
    {"PARASOL 2.5 M", "garden/furniture/parasols", 4995},
    {"GIFT WRAP", "paper/wrapping/paper", 250},
    {"GREETING CARD", "paper/cards/greeting", 195},
    {"NOTEBOOK A5", "paper/notebooks/ruled", 495},
    {"CALENDAR", "paper/calendars/wall", 895},
    {"DOLL", "toys/dolls/rag", 1495},
    {"JIGSAW 500 PIECES", "toys/puzzles/jigsaws", 1095},
    {"WOODEN TRAIN", "toys/vehicles/trains", 2295},
};
static const char *const patterns[] = {
    "HANGING HEART", "RETROSPOT",  "POLKA DOT",    "STRAWBERRY", "BUTTERFLY",   "ROSE GARDEN",
    "SKULL",         "PAISLEY",    "WOODLAND",     "SPACEBOY",   "VINTAGE MAP", "ALPHABET",
    "CIRCUS PARADE", "LOVE BIRD",  "SCANDINAVIAN", "FELTCRAFT",  "REGENCY",     "ZINC",
    "DAISY",         "JUMBO STAR", "CHERRY",       "HARLEQUIN",  "FRENCH BLUE", "LAVENDER"};
static const char *const colours[] = {"white", "red",   "ivory", "pink",  "blue",
                                      "green", "black", "cream", "silver"};
static const char *const materials[] = {"wood", "glass", "ceramic", "metal", "cotton", "paper"};
static const char *const brands[] = {"Lytton",     "Hartley & Co", "Nordlys", "Fern",
                                     "Oak Street", "Pigeon Post",  "Marlowe", "Bright"};
static const char *const sizes[] = {"small", "medium", "large"};

#define PICK(list) list[generate_below(&random, ARRAY_COUNT(list))]

int generate_catalog(u64 seed, u32 count)
{
    u64 random = seed;
    (void)puts("code,title,brand,category,description,price,price_before,currency,popularity,"
               "margin,stock,attr.color,attr.material,attr.size,attr.weight");
    for (u32 i = 0; i < count; i++) {
        const struct thing *thing = &PICK(things);
        const char *pattern = PICK(patterns), *colour = PICK(colours), *material = PICK(materials);
        const u32 pence = thing->pence * (60 + generate_below(&random, 100)) / 100 / 5 * 5 + 5;
        const bool is_reduced = generate_below(&random, 5) == 0;
        char title[160], before[32] = "";
        (void)snprintf(title, sizeof title, "%s %s %s", colour, pattern, thing->name);
        for (char *c = title; *c != '\0'; c++)
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        if (is_reduced)
            (void)snprintf(before, sizeof before, "%u.%02u", (pence + pence / 4) / 100,
                           (pence + pence / 4) % 100);
        (void)printf("P%06u,%s,%s,%s,\"%s %s of %s, in %s\",%u.%02u,%s,GBP,%u,%u,%u,%s,%s,%s,%u\n",
                     100000 + i, title, PICK(brands), thing->category, colour, thing->name,
                     material, pattern, pence / 100, pence % 100, before, 1000000 / (i + 1),
                     1000 + generate_below(&random, 5000),
                     generate_below(&random, 10) == 0 ? 0 : 1 + generate_below(&random, 500),
                     colour, material, PICK(sizes), 50 + generate_below(&random, 2000));
    }
    return ferror(stdout) != 0 ? CLI_EXIT_USAGE : CLI_EXIT_DONE;
}
