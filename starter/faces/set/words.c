// SPDX-License-Identifier: Apache-2.0
/* What can be said of a person. Wordings are rows of data: the topic, the manner in which the words
 * stand in a sentence, and forms for every value of a class; here one is chosen and coloured. Nouns
 * go by years and gender.
 */
#include "words.h"

#include <stdio.h>
#include <string.h>

/* ---- colours ---- */

static const char *const hair_synonyms[HAIR_COLOUR_COUNT][VARIANTS] = {
    {"black"},
    {"brown", "brown", "brown", "chestnut"},
    {"blonde", "blonde", "blond", "golden"},
    {"red", "red", "ginger"},
    {"grey", "grey", "gray"},
    {"white"},
    {"blue"},
    {"pink"},
};
static const char *const cloth_synonyms[CLOTH_COLOURS][VARIANTS] = {
    {"red"},
    {"blue"},
    {"green"},
    {"yellow"},
    {"white"},
    {"black"},
    {"grey", "grey", "gray"},
    {"purple", "purple", "violet"},
    {"orange"},
    {"pink"},
};
static const char *const wall_synonyms[WALL_COLOURS][VARIANTS] = {
    {"blue"},
    {"green"},
    {"red"},
    {"yellow"},
    {"purple", "purple", "violet"},
    {"grey", "grey", "gray"},
    {"orange"},
    {"pink"},
    {"teal", "turquoise"},
};

/* NULL where the colour had better not be said. */
static const char *colour_word(struct rng *r, const struct person *p, enum colour of)
{
    const struct look *k = &p->look;
    switch (of) {
    case COLOUR_BEARD: /* who dyes the hair seldom dyes the beard */
        if (k->hair_colour == HAIR_BLUE || k->hair_colour == HAIR_PINK)
            return NULL;
        return pick(r, hair_synonyms[k->hair_colour], VARIANTS);
    case COLOUR_HAIR:
        return pick(r, hair_synonyms[k->hair_colour], VARIANTS);
    case COLOUR_HAT:
        return pick(r, cloth_synonyms[k->hat_colour], VARIANTS);
    case COLOUR_CLOTHES:
        return pick(r, cloth_synonyms[k->clothes_colour], VARIANTS);
    case COLOUR_WALL:
        return pick(r, wall_synonyms[p->shot.wall], VARIANTS);
    default:
        return NULL;
    }
}

void form_fill(const char *form, const char *colour, bool tinted, char *out)
{
    const char *sign = strpbrk(form, "#*");
    if (!sign)
        snprintf(out, PHRASE_MAX, "%s", form);
    else if (colour && (tinted || *sign == '*'))
        snprintf(out, PHRASE_MAX, "%.*s%s %s", (int)(sign - form), form, colour, sign + 1);
    else
        snprintf(out, PHRASE_MAX, "%.*s%s", (int)(sign - form), form, sign + 1);
}

/* ---- wordings ---- */

static const char *const *forms_of(const struct wording *w,
                                   const struct person *p,
                                   enum topic topic,
                                   enum manner manner)
{
    int row = w->topic == topic && w->manner == manner ? w->row(p) : -1;
    return row >= 0 && w->forms[row][0] ? w->forms[row] : NULL;
}

bool tell(struct rng *r, const struct person *p, enum topic topic, enum manner manner, char *out)
{
    const struct {
        const struct wording *rows;
        size_t count;
    } books[] = {{look_wordings, look_wording_count}, {shot_wordings, shot_wording_count}};
    const struct wording *chosen = NULL;
    int found = 0;
    for (size_t b = 0; b < COUNT_OF(books); b++)
        for (size_t i = 0; i < books[b].count; i++) {
            const struct wording *w = &books[b].rows[i];
            if (forms_of(w, p, topic, manner) && rng_below(r, ++found) == 0)
                chosen = w;
        }
    if (!chosen)
        return false;
    const char *form = pick(r, forms_of(chosen, p, topic, manner), VARIANTS);
    const char *colour = colour_word(r, p, chosen->colour);
    form_fill(form, colour, rng_chance(r, 0.72f), out);
    return true;
}

/* ---- nouns ---- */

/* Kinds of people that have nouns of their own. */
enum band { BAND_CHILD, BAND_TEEN, BAND_YOUNG, BAND_MIDDLE, BAND_OLD, BAND_COUNT };
enum { NOUNS = 7 }; /* what is said more often is there more often */

/* clang-format off */
static const struct noun nouns[BAND_COUNT][2][NOUNS] = {
    [BAND_CHILD] = {
         {{"", "girl"}, {"", "girl"}, {"little", "girl"}, {"young", "girl"}, {"", "child"},
          {"", "kid"}, {"little", "girl"}},
         {{"", "boy"}, {"", "boy"}, {"little", "boy"}, {"young", "boy"}, {"", "child"},
          {"", "kid"}, {"little", "boy"}}},
    [BAND_TEEN] = {
         {{"teenage", "girl"}, {"teenage", "girl"}, {"", "teenager"}, {"teen", "girl"},
          {"teenage", "girl"}, {"", "teenage girl"}, {"young", "person"}},
         {{"teenage", "boy"}, {"teenage", "boy"}, {"", "teenager"}, {"teen", "boy"},
          {"teenage", "boy"}, {"", "teenage boy"}, {"young", "person"}}},
    [BAND_YOUNG] = {
         {{"young", "woman"}, {"young", "woman"}, {"young", "woman"}, {"", "woman"},
          {"", "woman"}, {"young", "lady"}, {"young", "adult"}},
         {{"young", "man"}, {"young", "man"}, {"young", "man"}, {"", "man"}, {"", "man"},
          {"young", "guy"}, {"", "guy"}}},
    [BAND_MIDDLE] = {
         {{"middle-aged", "woman"}, {"middle-aged", "woman"}, {"middle-aged", "woman"},
          {"", "woman"}, {"", "woman"}, {"", "lady"}, {"middle-aged", "lady"}},
         {{"middle-aged", "man"}, {"middle-aged", "man"}, {"middle-aged", "man"}, {"", "man"},
          {"", "man"}, {"", "gentleman"}, {"", "guy"}}},
    [BAND_OLD] = {
         {{"old", "woman"}, {"old", "woman"}, {"elderly", "woman"}, {"old", "lady"},
          {"elderly", "lady"}, {"", "grandma"}, {"", "granny"}},
         {{"old", "man"}, {"old", "man"}, {"elderly", "man"}, {"old", "man"},
          {"elderly", "gentleman"}, {"", "grandpa"}, {"", "grandfather"}}},
};
/* clang-format on */

static enum band band_of(const struct look *k)
{
    static const enum band bands[AGE_COUNT] = {BAND_CHILD, BAND_YOUNG, BAND_MIDDLE, BAND_OLD};
    return k->age == YOUNG && k->years < 18 ? BAND_TEEN : bands[k->age];
}

struct noun noun_pick(struct rng *r, const struct look *k)
{
    return nouns[band_of(k)][k->gender][rng_below(r, NOUNS)];
}

const char *noun_plain(const struct look *k, bool many)
{
    static const char *const words[3][2][2] = {
        {{"girl", "girls"}, {"boy", "boys"}},
        {{"teenage girl", "teenage girls"}, {"teenage boy", "teenage boys"}},
        {{"woman", "women"}, {"man", "men"}}};
    enum band band = band_of(k);
    return words[band < BAND_YOUNG ? band : BAND_YOUNG][k->gender][many];
}
