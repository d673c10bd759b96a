/* text_unit: a table in order of the spellings, searched by halves.
 *
 * "m", "a" and the like are only asked about behind a number, so they may be units here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shards/search/text_unit.h"

#include <string.h>

struct unit {
    char spelling[TEXT_UNIT_BYTES];
    char unit[4];
};

static const struct unit units[] = {
    {"a", "a"},           {"ah", "ah"},
    {"amp", "a"},         {"ampere", "a"},
    {"amperes", "a"},     {"amps", "a"},
    {"btu", "btu"},       {"btus", "btu"},
    {"centiliter", "cl"}, {"centilitre", "cl"},
    {"centimeter", "cm"}, {"centimeters", "cm"},
    {"centimetre", "cm"}, {"centimetres", "cm"},
    {"cl", "cl"},         {"cm", "cm"},
    {"cms", "cm"},        {"count", "ct"},
    {"ct", "ct"},         {"db", "db"},
    {"dpi", "dpi"},       {"feet", "ft"},
    {"foot", "ft"},       {"ft", "ft"},
    {"g", "g"},           {"gal", "gal"},
    {"gallon", "gal"},    {"gallons", "gal"},
    {"gb", "gb"},         {"ghz", "ghz"},
    {"gigabyte", "gb"},   {"gigabytes", "gb"},
    {"gr", "g"},          {"gram", "g"},
    {"gramme", "g"},      {"grammes", "g"},
    {"grams", "g"},       {"hp", "hp"},
    {"hz", "hz"},         {"in", "in"},
    {"inch", "in"},       {"inches", "in"},
    {"ins", "in"},        {"k", "k"},
    {"kb", "kb"},         {"kg", "kg"},
    {"kgs", "kg"},        {"khz", "khz"},
    {"kilo", "kg"},       {"kilogram", "kg"},
    {"kilograms", "kg"},  {"kilos", "kg"},
    {"kilowatt", "kw"},   {"kilowatts", "kw"},
    {"km", "km"},         {"kw", "kw"},
    {"kwh", "kwh"},       {"l", "l"},
    {"lb", "lb"},         {"lbs", "lb"},
    {"liter", "l"},       {"liters", "l"},
    {"litre", "l"},       {"litres", "l"},
    {"lm", "lm"},         {"ltr", "l"},
    {"lumen", "lm"},      {"lumens", "lm"},
    {"m", "m"},           {"mah", "mah"},
    {"mb", "mb"},         {"mbps", "mbs"},
    {"megabyte", "mb"},   {"megabytes", "mb"},
    {"megapixel", "mp"},  {"megapixels", "mp"},
    {"meter", "m"},       {"meters", "m"},
    {"metre", "m"},       {"metres", "m"},
    {"mg", "mg"},         {"mhz", "mhz"},
    {"millilitre", "ml"}, {"millimeter", "mm"},
    {"millimetre", "mm"}, {"ml", "ml"},
    {"mls", "ml"},        {"mm", "mm"},
    {"mp", "mp"},         {"mpix", "mp"},
    {"ms", "ms"},         {"nm", "nm"},
    {"ounce", "oz"},      {"ounces", "oz"},
    {"oz", "oz"},         {"pack", "pk"},
    {"packs", "pk"},      {"pc", "pc"},
    {"pcs", "pc"},        {"piece", "pc"},
    {"pieces", "pc"},     {"pint", "pt"},
    {"pints", "pt"},      {"pk", "pk"},
    {"ply", "ply"},       {"pound", "lb"},
    {"pounds", "lb"},     {"psi", "psi"},
    {"pt", "pt"},         {"px", "px"},
    {"qt", "qt"},         {"quart", "qt"},
    {"quarts", "qt"},     {"rpm", "rpm"},
    {"sq", "sq"},         {"tb", "tb"},
    {"terabyte", "tb"},   {"terabytes", "tb"},
    {"v", "v"},           {"volt", "v"},
    {"volts", "v"},       {"w", "w"},
    {"watt", "w"},        {"watts", "w"},
    {"wh", "wh"},         {"yard", "yd"},
    {"yards", "yd"},      {"yd", "yd"},
    {"yds", "yd"},
};

struct span text_unit(struct span word)
{
    char wanted[TEXT_UNIT_BYTES] = {0};
    if (word.bytes == 0 || word.bytes > TEXT_UNIT_BYTES)
        return (struct span){0};
    memcpy(wanted, word.data, word.bytes);
    u32 low = 0;
    u32 high = ARRAY_COUNT(units);
    while (low < high) {
        const u32 middle = (low + high) / 2;
        const int order = memcmp(wanted, units[middle].spelling, TEXT_UNIT_BYTES);
        if (order == 0) {
            const char *unit = units[middle].unit;
            u32 bytes = 0;
            while (bytes < sizeof units[middle].unit && unit[bytes] != 0)
                bytes++;
            return (struct span){(const u8 *)unit, bytes};
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct span){0};
}
