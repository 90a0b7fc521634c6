// SPDX-License-Identifier: Apache-2.0
/* Words for how a person looks: hair, what is worn, the face. What is not seen is not said: hair
 * under a headscarf, eyes behind sunglasses, freckles of a small face.
 */
#include "words.h"

/* ---- hair and beard ---- */

static int hair_open(const struct person *p)
{
    return p->look.hat == HAT_NONE ? p->look.hair : -1;
}

static forms hair_forms[HAIR_COUNT] = {
    [HAIR_BALD] = {"@bald head", "@bald head", "no hair"},
    [HAIR_BUZZ] = {"@#buzz cut", "very short #hair", "@#crew cut"},
    [HAIR_SHORT] = {"short #hair", "short #hair", "@short haircut"},
    [HAIR_SIDE_PART] = {"side-parted #hair", "short #hair with @side part", "short #hair"},
    [HAIR_SLICKED] = {"slicked back #hair", "slicked-back #hair", "#hair combed back"},
    [HAIR_SPIKY] = {"spiky #hair", "short spiky #hair"},
    [HAIR_CURLY] = {"curly #hair", "short curly #hair", "#curls"},
    [HAIR_AFRO] = {"@#afro", "@#afro", "@#afro hairstyle"},
    [HAIR_BOB] = {"@#bob", "@#bob haircut", "chin-length #hair"},
    [HAIR_LONG] = {"long #hair", "long straight #hair", "straight #hair"},
    [HAIR_WAVY] = {"wavy #hair", "long wavy #hair", "long #hair"},
    [HAIR_LONG_CURLY] = {"long curly #hair", "curly #hair", "long #curls"},
    [HAIR_PONYTAIL] = {"@#ponytail", "#hair in @ponytail", "#hair tied in @ponytail"},
    [HAIR_BUN] = {"@#bun", "#hair in @bun", "#hair tied up in @bun"},
    [HAIR_BRAIDS] = {"#braids", "braided #hair", "#hair in braids"},
    [HAIR_LOCS] = {"#dreadlocks", "#locs", "#dreadlocks"},
};

static int hair_hatted(const struct person *p)
{
    bool below = p->look.hat != HAT_NONE && p->look.hat != HAT_HEADSCARF;
    return below ? p->look.hair : -1;
}

static forms hatted_forms[HAIR_COUNT] = {
    [HAIR_SHORT] = {"short #hair", "*hair"},
    [HAIR_SIDE_PART] = {"*hair"},
    [HAIR_SLICKED] = {"*hair"},
    [HAIR_SPIKY] = {"*hair"},
    [HAIR_CURLY] = {"curly #hair", "#curls"},
    [HAIR_AFRO] = {"*hair"},
    [HAIR_BOB] = {"chin-length #hair", "*hair"},
    [HAIR_LONG] = {"long #hair", "long straight #hair"},
    [HAIR_WAVY] = {"wavy #hair", "long #hair"},
    [HAIR_LONG_CURLY] = {"long curly #hair", "curly #hair"},
    [HAIR_PONYTAIL] = {"*hair"},
    [HAIR_BUN] = {"*hair"},
    [HAIR_BRAIDS] = {"#braids"},
    [HAIR_LOCS] = {"#dreadlocks"},
};

/* Enough hair is seen to have a colour. */
static int hair_coloured(const struct person *p)
{
    bool enough = p->look.hair != HAIR_BALD && p->look.hair != HAIR_BUZZ;
    return enough && p->look.hat != HAT_HEADSCARF ? p->look.hair_colour : -1;
}

static int hair_any(const struct person *p)
{
    return hair_coloured(p) >= 0 ? 0 : -1;
}

static forms plain_hair[1] = {{"*hair"}};
static forms hair_adjectives[HAIR_COLOUR_COUNT] = {
    {"black-haired", "dark-haired"},
    {"brown-haired", "dark-haired"},
    {"blonde", "blond", "fair-haired"},
    {"red-haired", "ginger", "redheaded"},
    {"grey-haired", "gray-haired"},
    {"white-haired"},
    {"blue-haired"},
    {"pink-haired"},
};
static forms style_adjectives[HAIR_COUNT] = {
    [HAIR_BALD] = {"bald"},          [HAIR_SHORT] = {"short-haired"},
    [HAIR_CURLY] = {"curly-haired"}, [HAIR_LONG] = {"long-haired"},
    [HAIR_WAVY] = {"long-haired"},   [HAIR_LONG_CURLY] = {"curly-haired", "long-haired"},
};

static int fringe(const struct person *p)
{
    return p->look.fringe && p->look.hat == HAT_NONE ? 0 : -1;
}

static forms fringe_forms[1] = {{"@fringe", "bangs"}};

/* Also says where there could be one and is none. */
int chin_of_man(const struct person *p)
{
    bool hidden = p->shot.front == FRONT_HAND_MOUTH || p->shot.front == FRONT_HAND_CHIN;
    return p->look.gender == MAN && p->look.years >= 18 && !hidden ? p->look.beard : -1;
}

static forms beard_forms[BEARD_COUNT] = {
    [BEARD_STUBBLE] = {"stubble", "@stubbly chin", "stubble"},
    [BEARD_FULL] = {"@#beard", "@#beard", "@full #beard"},
    [BEARD_LONG] = {"@long #beard", "@long #beard", "@#beard"},
    [BEARD_MOUSTACHE] = {"@#moustache", "@#mustache"},
    [BEARD_GOATEE] = {"@#goatee"},
};
static forms beard_adjectives[BEARD_COUNT] = {
    [BEARD_NONE] = {"clean-shaven"}, [BEARD_STUBBLE] = {"unshaven"},     [BEARD_FULL] = {"bearded"},
    [BEARD_LONG] = {"bearded"},      [BEARD_MOUSTACHE] = {"moustached"},
};

/* ---- what is worn ---- */

static int glasses(const struct person *p)
{
    return p->look.glasses;
}

static forms glasses_forms[GLASSES_COUNT] = {
    [GLASSES_ROUND] = {"round glasses", "round glasses", "glasses", "round spectacles",
                       "spectacles"},
    [GLASSES_SQUARE] = {"square glasses", "square glasses", "glasses", "rectangular glasses",
                        "eyeglasses"},
    [GLASSES_SUN] = {"sunglasses", "sunglasses", "dark glasses", "shades"},
};
static forms glasses_adjectives[GLASSES_COUNT] = {
    [GLASSES_ROUND] = {"bespectacled"}, [GLASSES_SQUARE] = {"bespectacled"}};

static int hat(const struct person *p)
{
    return p->shot.cy - 0.5f * p->shot.height > 0.06f ? p->look.hat : -1;
}

static int hijab(const struct person *p)
{
    return hat(p) == HAT_HEADSCARF && p->look.gender == WOMAN ? 0 : -1;
}

static forms hat_forms[HAT_COUNT] = {
    [HAT_CAP] = {"@#cap", "@#baseball cap"},
    [HAT_BEANIE] = {"@#beanie", "@#beanie", "@#knit hat", "@#woolly hat"},
    [HAT_BRIM] = {"@#hat", "@#hat", "@#hat with @brim", "@#brimmed hat"},
    [HAT_HEADSCARF] = {"@#headscarf", "@#headscarf", "@#head scarf"},
};
static forms hijab_forms[1] = {{"@#hijab"}};

static int earrings(const struct person *p)
{
    bool seen = p->look.hat != HAT_HEADSCARF && p->look.hat != HAT_BEANIE;
    return seen && p->shot.height > 0.3f ? p->look.earrings : -1;
}

static forms earring_forms[EARRINGS_COUNT] = {
    [EARRINGS_STUDS] = {"earrings", "stud earrings", "small earrings", "ear studs"},
    [EARRINGS_HOOPS] = {"hoop earrings", "hoop earrings", "earrings", "big earrings"},
};

static int clothes(const struct person *p)
{
    return p->shot.cy + 0.85f * p->shot.height < 1.03f ? p->look.clothes : -1;
}

static forms clothes_forms[CLOTHES_COUNT] = {
    [CLOTHES_TSHIRT] = {"@#t-shirt", "@#t-shirt", "@#tee"},
    [CLOTHES_STRIPED] = {"@striped #t-shirt", "@#striped t-shirt", "@striped t-shirt"},
    [CLOTHES_SHIRT] = {"@#shirt", "@#shirt", "@#collared shirt"},
    [CLOTHES_HOODIE] = {"@#hoodie", "@#hoodie", "@#hooded sweatshirt"},
    [CLOTHES_JACKET] = {"@#jacket", "@#suit", "@#suit jacket", "@#blazer"},
    [CLOTHES_SWEATER] = {"@#sweater", "@#turtleneck", "@#turtleneck sweater", "@#jumper"},
    [CLOTHES_DRESS] = {"@#dress"},
};

/* ---- the face ---- */

static int eyes(const struct person *p)
{
    return p->look.glasses != GLASSES_SUN && p->shot.height > 0.35f ? p->id.eyes : -1;
}

static forms eye_forms[EYE_COLOURS] = {
    {"brown eyes"}, {"blue eyes"}, {"green eyes"}, {"grey eyes", "gray eyes"}, {"dark eyes"}};

static int freckles(const struct person *p)
{
    bool seen = p->shot.height > 0.35f && p->look.skin < SKIN_BROWN;
    return seen && p->id.g[G_FRECKLES] > 0.45f ? 0 : -1;
}

static forms freckle_forms[1] = {{"freckles", "freckles", "@freckled face"}};
static forms freckle_adjectives[1] = {{"freckled"}};

static int skin(const struct person *p)
{
    return p->look.skin;
}

static forms skin_forms[SKIN_COUNT] = {
    {"pale skin", "pale skin", "fair skin"},
    {"light skin", "light skin", "fair skin"},
    {"olive skin"},
    {"tan skin", "tanned skin"},
    {"brown skin"},
    {"dark skin", "dark skin", "@dark complexion"},
};
static forms skin_adjectives[SKIN_COUNT] = {
    {"pale"},          {"light-skinned", "fair-skinned"},
    {"olive-skinned"}, {"tanned"},
    {"brown-skinned"}, {"dark-skinned"},
};

/* Geometry far from the middle, signed, of faces large enough. */
static const struct {
    int g;
    float sign;
    bool chin; /* a beard hides it */
} shapes[] = {
    {G_BROW_THICK, 1, false},  {G_BROW_THICK, -1, false}, {G_LIP_LOWER, 1, false},
    {G_LIP_LOWER, -1, true},   {G_NOSE_LENGTH, 1, false}, {G_NOSE_LENGTH, -1, false},
    {G_NOSE_WIDTH, 1, false},  {G_NOSE_WIDTH, -1, false}, {G_FACE_WIDTH, 1, false},
    {G_FACE_WIDTH, -1, false}, {G_JAW_WIDTH, 1, true},    {G_CHIN_CLEFT, 1, true},
    {G_EYE_SIZE, 1, false},    {G_EYE_SIZE, -1, false},
};
static forms shape_forms[COUNT_OF(shapes)] = {
    {"thick eyebrows", "bushy eyebrows"},
    {"thin eyebrows"},
    {"full lips"},
    {"thin lips"},
    {"@long nose"},
    {"@short nose", "@small nose"},
    {"@wide nose", "@broad nose"},
    {"@narrow nose"},
    {"@wide face", "@broad face"},
    {"@narrow face", "@slim face"},
    {"@strong jaw"},
    {"@cleft chin"},
    {"big eyes", "large eyes"},
    {"small eyes"},
};

static int shape(const struct person *p)
{
    bool hand = p->shot.front != FRONT_NOTHING, bare = p->look.beard == BEARD_NONE;
    bool eyes = p->look.glasses == GLASSES_NONE && p->shot.expression == EXPR_NEUTRAL;
    if (p->shot.height < 0.35f || hand || fabsf(p->shot.yaw) > 25 * DEGREE)
        return -1;
    for (size_t i = 0, from = p->id.seed % COUNT_OF(shapes); i < COUNT_OF(shapes); i++) {
        size_t k = (i + from) % COUNT_OF(shapes);
        bool seen = (!shapes[k].chin || bare) && (shapes[k].g != G_EYE_SIZE || eyes);
        if (seen && p->id.g[shapes[k].g] * shapes[k].sign > 0.95f)
            return (int)k;
    }
    return -1;
}

const struct wording look_wordings[] = {
    {TOPIC_HAIR, AS_OBJECT, hair_open, COLOUR_HAIR, hair_forms},
    {TOPIC_HAIR, AS_OBJECT, hair_open, COLOUR_HAIR, hair_forms},
    {TOPIC_HAIR, AS_OBJECT, hair_hatted, COLOUR_HAIR, hatted_forms},
    {TOPIC_HAIR, AS_OBJECT, hair_any, COLOUR_HAIR, plain_hair},
    {TOPIC_HAIR, AS_ADJECTIVE, hair_coloured, COLOUR_NONE, hair_adjectives},
    {TOPIC_HAIR, AS_ADJECTIVE, hair_open, COLOUR_NONE, style_adjectives},
    {TOPIC_FRINGE, AS_OBJECT, fringe, COLOUR_NONE, fringe_forms},
    {TOPIC_BEARD, AS_OBJECT, chin_of_man, COLOUR_BEARD, beard_forms},
    {TOPIC_BEARD, AS_ADJECTIVE, chin_of_man, COLOUR_NONE, beard_adjectives},
    {TOPIC_GLASSES, AS_OBJECT, glasses, COLOUR_NONE, glasses_forms},
    {TOPIC_GLASSES, AS_WORN, glasses, COLOUR_NONE, glasses_forms},
    {TOPIC_GLASSES, AS_ADJECTIVE, glasses, COLOUR_NONE, glasses_adjectives},
    {TOPIC_HAT, AS_OBJECT, hat, COLOUR_HAT, hat_forms},
    {TOPIC_HAT, AS_WORN, hat, COLOUR_HAT, hat_forms},
    {TOPIC_HAT, AS_WORN, hijab, COLOUR_HAT, hijab_forms},
    {TOPIC_EARRINGS, AS_OBJECT, earrings, COLOUR_NONE, earring_forms},
    {TOPIC_EARRINGS, AS_WORN, earrings, COLOUR_NONE, earring_forms},
    {TOPIC_EYES, AS_OBJECT, eyes, COLOUR_NONE, eye_forms},
    {TOPIC_FRECKLES, AS_OBJECT, freckles, COLOUR_NONE, freckle_forms},
    {TOPIC_FRECKLES, AS_ADJECTIVE, freckles, COLOUR_NONE, freckle_adjectives},
    {TOPIC_SKIN, AS_OBJECT, skin, COLOUR_NONE, skin_forms},
    {TOPIC_SKIN, AS_ADJECTIVE, skin, COLOUR_NONE, skin_adjectives},
    {TOPIC_SHAPE, AS_OBJECT, shape, COLOUR_NONE, shape_forms},
    {TOPIC_CLOTHES, AS_WORN, clothes, COLOUR_CLOTHES, clothes_forms},
};
const size_t look_wording_count = COUNT_OF(look_wordings);
