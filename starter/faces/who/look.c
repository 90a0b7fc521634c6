// SPDX-License-Identifier: Apache-2.0
/* Looks: balanced over gender, age group and skin tone; what depends on them (hair, beard, grey,
 * earrings) is drawn given them. Every draw takes the same random numbers whatever the age, so one
 * seed at two ages is one person who aged.
 *
 * What shows of the hair under a hat: cap, beanie and brim cover the crown and the hair is seen at
 * the temples and below; a headscarf covers all of it and the ears. Styles that stand up or are
 * tied up high are worn down under a hat (`under_hat`), and a fringe is tucked in.
 */
#include "faces.h"
#include "who/who.h"

enum { FIRST_BEARD = 18, FIRST_LONG_BEARD = 25, FIRST_EARRINGS = 8, FIRST_DYE = 16 };

static const int first_years[AGE_COUNT + 1] = {YEARS_LEAST, 14, 36, 60, YEARS_MOST + 1};
static const float age_weights[AGE_COUNT] = {0.20f, 0.28f, 0.26f, 0.26f};

int age_group(int years)
{
    int age = CHILD;
    while (age < OLD && years >= first_years[age + 1])
        age++;
    return age;
}

int years_within(uint64_t seed, int age)
{
    struct rng r = rng_make(seed, FOR_YEARS);
    return first_years[age] + rng_below(&r, first_years[age + 1] - first_years[age]);
}

/* Weights, even enough that no style is too rare to be learned: bald buzz short side-part slicked
 * spiky curly afro, bob long wavy long-curly ponytail bun braids locs. */
static const float hair_styles[2][AGE_COUNT][HAIR_COUNT] = {
    [WOMAN] = {{0, 0, 5, 2, 2, 2, 9, 9, 11, 13, 8, 7, 11, 7, 10, 6},
               {1, 2, 6, 3, 3, 2, 9, 9, 11, 12, 8, 6, 9, 8, 8, 7},
               {1, 2, 8, 4, 4, 2, 9, 8, 13, 11, 9, 6, 7, 8, 6, 6},
               {1, 2, 10, 5, 4, 2, 12, 8, 13, 9, 7, 5, 6, 10, 5, 5}},
    [MAN] = {{0, 8, 20, 12, 5, 9, 15, 10, 2, 7, 2, 1, 1, 1, 3, 6},
             {9, 7, 11, 9, 8, 8, 11, 10, 2, 8, 3, 2, 2, 3, 2, 7},
             {12, 8, 13, 10, 9, 5, 9, 9, 1, 8, 3, 2, 1, 2, 1, 7},
             {16, 9, 15, 11, 8, 2, 7, 8, 0, 8, 3, 1, 1, 1, 0, 7}},
};
static const float coily_by_skin[SKIN_COUNT] = {0.8f, 0.8f, 0.9f, 1.1f, 1.3f, 1.3f};
/* black brown blonde red */
static const float natural_colours[SKIN_COUNT][4] = {
    {13, 30, 31, 26}, {16, 31, 31, 22}, {33, 37, 19, 11},
    {42, 38, 12, 8},  {62, 27, 6, 5},   {68, 24, 5, 3},
};
static const float dye_share = 0.09f; /* blue or pink, of the young and neither white nor grey */
static const int under_hat[HAIR_COUNT] = {
    [HAIR_BALD] = HAIR_BALD,       [HAIR_BUZZ] = HAIR_BUZZ,     [HAIR_SHORT] = HAIR_SHORT,
    [HAIR_SIDE_PART] = HAIR_SHORT, [HAIR_SLICKED] = HAIR_SHORT, [HAIR_SPIKY] = HAIR_SHORT,
    [HAIR_CURLY] = HAIR_CURLY,     [HAIR_AFRO] = HAIR_CURLY,    [HAIR_BOB] = HAIR_BOB,
    [HAIR_LONG] = HAIR_LONG,       [HAIR_WAVY] = HAIR_WAVY,     [HAIR_LONG_CURLY] = HAIR_LONG_CURLY,
    [HAIR_PONYTAIL] = HAIR_LONG,   [HAIR_BUN] = HAIR_LONG,      [HAIR_BRAIDS] = HAIR_BRAIDS,
    [HAIR_LOCS] = HAIR_LOCS,
};
/* Of the styles that can be drawn with one, see hair_style.bangs. */
static const bool wears_fringe[HAIR_COUNT] = {
    [HAIR_SHORT] = true, [HAIR_BOB] = true,      [HAIR_LONG] = true,
    [HAIR_WAVY] = true,  [HAIR_PONYTAIL] = true, [HAIR_BUN] = true,
};
static const float fringe_share[2][AGE_COUNT] = {
    [WOMAN] = {0.40f, 0.34f, 0.26f, 0.20f}, [MAN] = {0.30f, 0.15f, 0.06f, 0.03f}};
/* none stubble full long moustache goatee */
static const float beards[BEARD_COUNT] = {0.40f, 0.15f, 0.17f, 0.09f, 0.10f, 0.09f};
static const float glasses_weights[GLASSES_COUNT] = {0.70f, 0.135f, 0.125f, 0.04f};
/* none cap beanie brim headscarf */
static const float hats[2][HAT_COUNT] = {
    [WOMAN] = {0.75f, 0.055f, 0.06f, 0.06f, 0.075f}, [MAN] = {0.77f, 0.085f, 0.07f, 0.065f, 0.01f}};
static const float girl_hats[HAT_COUNT] = {0.76f, 0.065f, 0.07f, 0.065f, 0.04f};
/* none studs hoops */
static const float earrings[2][EARRINGS_COUNT] = {
    [WOMAN] = {0.60f, 0.19f, 0.21f}, [MAN] = {0.94f, 0.04f, 0.02f}};
/* t-shirt striped shirt hoodie jacket sweater dress */
static const float clothes[2][CLOTHES_COUNT] = {
    [WOMAN] = {0.16f, 0.13f, 0.14f, 0.12f, 0.10f, 0.15f, 0.20f},
    [MAN] = {0.19f, 0.15f, 0.19f, 0.16f, 0.16f, 0.15f, 0}};
static const float childrens_clothes[2][CLOTHES_COUNT] = {
    [WOMAN] = {0.20f, 0.17f, 0.09f, 0.16f, 0.01f, 0.14f, 0.23f},
    [MAN] = {0.26f, 0.22f, 0.14f, 0.20f, 0.03f, 0.15f, 0}};

static int hair_style(struct rng *r, const struct look *k)
{
    float w[HAIR_COUNT];
    for (int i = 0; i < HAIR_COUNT; i++)
        w[i] = hair_styles[k->gender][k->age][i];
    w[HAIR_AFRO] *= coily_by_skin[k->skin];
    w[HAIR_LOCS] *= coily_by_skin[k->skin];
    w[HAIR_BRAIDS] *= coily_by_skin[k->skin];
    return rng_weighted(r, w, HAIR_COUNT);
}

/* Natural, then grey, then white with the years; a few dye it, or keep their colour for good. */
static int hair_colour(struct rng *r, const struct look *k)
{
    int natural = rng_weighted(r, natural_colours[k->skin], 4);
    float grey = 51 + 7 * rng_normal(r), white = grey + rng_range(r, 6, 24);
    bool kept = rng_chance(r, 0.05f), dyed = rng_chance(r, dye_share);
    int dye = rng_below(r, 2) ? HAIR_BLUE : HAIR_PINK;
    if (dyed && k->age == YOUNG && k->years >= FIRST_DYE)
        return dye;
    float years = kept ? 0 : (float)k->years;
    return years < maxf(grey, 36) ? natural : years < white ? HAIR_GREY : HAIR_WHITE;
}

static void hat_and_hair(struct rng *r, struct look *k)
{
    bool girl = k->gender == WOMAN && k->age == CHILD;
    k->hat = rng_weighted(r, girl ? girl_hats : hats[k->gender], HAT_COUNT);
    k->hat_colour = rng_below(r, CLOTH_COLOURS);
    bool fringe = rng_chance(r, fringe_share[k->gender][k->age]);
    k->fringe = fringe && wears_fringe[k->hair] && k->hat == HAT_NONE;
    if (k->hat != HAT_NONE)
        k->hair = under_hat[k->hair];
}

struct look look_at(uint64_t seed, int gender, int years)
{
    struct rng r = rng_make(seed, FOR_LOOK_AT);
    struct look k = {.seed = seed, .gender = gender, .age = age_group(years), .years = years};
    k.skin = rng_below(&r, SKIN_COUNT);
    k.tone = rng_range(&r, -1, 1);
    k.volume = rng_range(&r, -1, 1);
    k.part_left = rng_below(&r, 2) == 0;
    k.hair = hair_style(&r, &k);
    k.hair_colour = hair_colour(&r, &k);
    hat_and_hair(&r, &k);
    int beard = rng_weighted(&r, beards, BEARD_COUNT);
    if (beard == BEARD_LONG && years < FIRST_LONG_BEARD)
        beard = BEARD_FULL;
    k.beard = gender == MAN && years >= FIRST_BEARD ? beard : BEARD_NONE;
    k.glasses = rng_weighted(&r, glasses_weights, GLASSES_COUNT);
    int ears = rng_weighted(&r, earrings[gender], EARRINGS_COUNT);
    k.earrings = years >= FIRST_EARRINGS && k.hat != HAT_HEADSCARF ? ears : EARRINGS_NONE;
    k.clothes = rng_weighted(&r, k.age == CHILD ? childrens_clothes[gender] : clothes[gender],
                             CLOTHES_COUNT);
    k.clothes_colour = rng_below(&r, CLOTH_COLOURS);
    return k;
}

struct look look_make(uint64_t seed, int gender)
{
    struct rng r = rng_make(seed, FOR_LOOK);
    int drawn = rng_below(&r, 2), age = rng_weighted(&r, age_weights, AGE_COUNT);
    return look_at(seed, gender < 0 ? drawn : gender, years_within(seed, age));
}

struct look look_aged(const struct look *k, int years)
{
    struct look then = look_at(k->seed, k->gender, years), now = *k;
    now.years = years;
    now.age = then.age;
    now.beard = then.beard;
    now.earrings = now.hat == HAT_HEADSCARF ? EARRINGS_NONE : then.earrings;
    now.hair_colour = then.hair_colour;
    if (hair_styles[k->gender][then.age][k->hair] == 0) {
        now.hair = now.hat == HAT_NONE ? then.hair : under_hat[then.hair];
        now.fringe = now.fringe && wears_fringe[now.hair];
    }
    return now;
}

/* Strands of this hair can fall over the face. */
static bool hair_falls(const struct look *k)
{
    static const bool falls[HAIR_COUNT] = {
        [HAIR_BOB] = true, [HAIR_LONG] = true, [HAIR_WAVY] = true, [HAIR_LONG_CURLY] = true};
    return falls[k->hair] && k->hat != HAT_HEADSCARF;
}

void person_settle(struct person *p)
{
    struct look *k = &p->look;
    if (k->hat != HAT_NONE)
        k->hair = under_hat[k->hair];
    k->fringe = k->fringe && wears_fringe[k->hair] && k->hat == HAT_NONE;
    if (p->shot.front == FRONT_HAIR && !hair_falls(k))
        p->shot.front = FRONT_NOTHING;
}
