// SPDX-License-Identifier: Apache-2.0
#include "caption_claims.h"

#include <string.h>

#define V(x) (1u << (x))
#define DEGREE 0.01745329f

/* ---- what is so, and seen ---- */

static bool woman(const struct person *p)
{
    return p->look.gender == WOMAN;
}
static bool no_hat(const struct person *p)
{
    return p->look.hat == HAT_NONE;
}
static bool hair_seen(const struct person *p)
{
    return p->look.hat != HAT_HEADSCARF && (p->look.hat == HAT_NONE || p->look.hair != HAIR_BALD);
}
static bool fringe(const struct person *p)
{
    return p->look.fringe && p->look.hat == HAT_NONE;
}
static bool ears_seen(const struct person *p)
{
    return p->look.hat != HAT_HEADSCARF && p->look.hat != HAT_BEANIE;
}
static bool eyes_seen(const struct person *p)
{
    return p->look.glasses != GLASSES_SUN && p->shot.height > 0.3f;
}
static bool mouth_seen(const struct person *p)
{
    return p->shot.front != FRONT_HAND_MOUTH;
}
static bool freckles(const struct person *p)
{
    return p->id.g[G_FRECKLES] > 0.4f && p->shot.height > 0.3f;
}
static bool near(const struct person *p)
{
    return p->shot.height > 0.45f;
}
static bool left(const struct person *p)
{
    return p->shot.yaw < -12 * DEGREE;
}
static bool right(const struct person *p)
{
    return p->shot.yaw > 12 * DEGREE;
}
static bool frontal(const struct person *p)
{
    return fabsf(p->shot.yaw) < 8 * DEGREE && fabsf(p->shot.pitch) < 9 * DEGREE;
}
static bool profile(const struct person *p)
{
    return fabsf(p->shot.yaw) > 45 * DEGREE;
}
static bool up(const struct person *p)
{
    return p->shot.pitch > 10 * DEGREE;
}
static bool down(const struct person *p)
{
    return p->shot.pitch < -10 * DEGREE;
}
static bool tilt_left(const struct person *p)
{
    return p->shot.roll < -8 * DEGREE;
}
static bool tilt_right(const struct person *p)
{
    return p->shot.roll > 8 * DEGREE;
}
static bool tilted(const struct person *p)
{
    return fabsf(p->shot.roll) > 8 * DEGREE;
}
static bool contact(const struct person *p)
{
    return fabsf(p->shot.gaze + 1.2f * p->shot.yaw) < 0.3f && p->look.glasses != GLASSES_SUN;
}
static bool grown_man(const struct person *p)
{
    return p->look.gender == MAN && p->look.years >= 18;
}
static bool child(const struct person *p)
{
    return p->look.years <= 13;
}
static bool teen(const struct person *p)
{
    return p->look.years >= 14 && p->look.years <= 19;
}
static bool minor(const struct person *p)
{
    return p->look.years <= 19;
}
static bool young(const struct person *p)
{
    return p->look.years <= 35;
}
static bool adult(const struct person *p)
{
    return p->look.years >= 18;
}
static bool old(const struct person *p)
{
    return p->look.years >= 60;
}

/* ---- claims ---- */

const struct claim claims[] = {
    {"year old", CLAIM_OTHER, 0, NULL},
    {"very short ~ hair", CLASS_HAIR, V(HAIR_BUZZ), no_hat},
    {"short ~ hair with a side part", CLASS_HAIR, V(HAIR_SIDE_PART), no_hat},
    {"short spiky ~ hair", CLASS_HAIR, V(HAIR_SPIKY), no_hat},
    {"short curly ~ hair", CLASS_HAIR, V(HAIR_CURLY), no_hat},
    {"long straight ~ hair", CLASS_HAIR, V(HAIR_LONG), hair_seen},
    {"long wavy ~ hair", CLASS_HAIR, V(HAIR_WAVY), hair_seen},
    {"long curly ~ hair", CLASS_HAIR, V(HAIR_LONG_CURLY), hair_seen},
    {"slicked back ~ hair", CLASS_HAIR, V(HAIR_SLICKED), no_hat},
    {"~ hair tied in a ponytail", CLASS_HAIR, V(HAIR_PONYTAIL), no_hat},
    {"~ hair tied up in a bun", CLASS_HAIR, V(HAIR_BUN), no_hat},
    {"~ hair in a ponytail", CLASS_HAIR, V(HAIR_PONYTAIL), no_hat},
    {"~ hair in a bun", CLASS_HAIR, V(HAIR_BUN), no_hat},
    {"~ hair in braids", CLASS_HAIR, V(HAIR_BRAIDS), hair_seen},
    {"~ hair combed back", CLASS_HAIR, V(HAIR_SLICKED), no_hat},
    {"slicked-back ~ hair", CLASS_HAIR, V(HAIR_SLICKED), no_hat},
    {"side-parted ~ hair", CLASS_HAIR, V(HAIR_SIDE_PART), no_hat},
    {"a short haircut", CLASS_HAIR, V(HAIR_SHORT), no_hat},
    {"short haircut", CLASS_HAIR, V(HAIR_SHORT), no_hat},
    {"~ bob haircut", CLASS_HAIR, V(HAIR_BOB), no_hat},
    {"~ bob", CLASS_HAIR, V(HAIR_BOB), no_hat},
    {"chin-length ~ hair", CLASS_HAIR, V(HAIR_BOB), hair_seen},
    {"~ afro hairstyle", CLASS_HAIR, V(HAIR_AFRO), no_hat},
    {"~ afro", CLASS_HAIR, V(HAIR_AFRO), no_hat},
    {"~ buzz cut", CLASS_HAIR, V(HAIR_BUZZ), no_hat},
    {"~ crew cut", CLASS_HAIR, V(HAIR_BUZZ), no_hat},
    {"braided ~ hair", CLASS_HAIR, V(HAIR_BRAIDS), hair_seen},
    {"~ braids", CLASS_HAIR, V(HAIR_BRAIDS), hair_seen},
    {"~ dreadlocks", CLASS_HAIR, V(HAIR_LOCS), hair_seen},
    {"~ locs", CLASS_HAIR, V(HAIR_LOCS), hair_seen},
    {"long ~ curls", CLASS_HAIR, V(HAIR_LONG_CURLY), hair_seen},
    {"~ curls", CLASS_HAIR, V(HAIR_CURLY) | V(HAIR_LONG_CURLY), hair_seen},
    {"short ~ hair", CLASS_HAIR, V(HAIR_SHORT) | V(HAIR_SIDE_PART), hair_seen},
    {"long ~ hair", CLASS_HAIR, V(HAIR_LONG) | V(HAIR_WAVY) | V(HAIR_LONG_CURLY), hair_seen},
    {"straight ~ hair", CLASS_HAIR, V(HAIR_LONG), hair_seen},
    {"wavy ~ hair", CLASS_HAIR, V(HAIR_WAVY), hair_seen},
    {"curly ~ hair", CLASS_HAIR, V(HAIR_CURLY) | V(HAIR_LONG_CURLY), hair_seen},
    {"spiky ~ hair", CLASS_HAIR, V(HAIR_SPIKY), no_hat},
    {"~ ponytail", CLASS_HAIR, V(HAIR_PONYTAIL), no_hat},
    {"~ bun", CLASS_HAIR, V(HAIR_BUN), no_hat},
    {"a bald head", CLASS_HAIR, V(HAIR_BALD), no_hat},
    {"bald head", CLASS_HAIR, V(HAIR_BALD), no_hat},
    {"no hair", CLASS_HAIR, V(HAIR_BALD), no_hat},
    {"bald", CLASS_HAIR, V(HAIR_BALD), no_hat},
    {"hair falling over the face", CLASS_FRONT, V(FRONT_HAIR), hair_seen},
    {"hair over the face", CLASS_FRONT, V(FRONT_HAIR), hair_seen},
    {"~ hair", CLASS_HAIR_COLOUR, 0, hair_seen},
    {"short-haired", CLASS_HAIR, V(HAIR_SHORT), no_hat},
    {"curly-haired", CLASS_HAIR, V(HAIR_CURLY) | V(HAIR_LONG_CURLY), no_hat},
    {"long-haired", CLASS_HAIR, V(HAIR_LONG) | V(HAIR_WAVY) | V(HAIR_LONG_CURLY), no_hat},
    {"black-haired", CLASS_HAIR_COLOUR, V(HAIR_BLACK), hair_seen},
    {"dark-haired", CLASS_HAIR_COLOUR, V(HAIR_BLACK) | V(HAIR_BROWN), hair_seen},
    {"brown-haired", CLASS_HAIR_COLOUR, V(HAIR_BROWN), hair_seen},
    {"fair-haired", CLASS_HAIR_COLOUR, V(HAIR_BLONDE), hair_seen},
    {"red-haired", CLASS_HAIR_COLOUR, V(HAIR_RED), hair_seen},
    {"redheaded", CLASS_HAIR_COLOUR, V(HAIR_RED), hair_seen},
    {"grey-haired", CLASS_HAIR_COLOUR, V(HAIR_GREY), hair_seen},
    {"gray-haired", CLASS_HAIR_COLOUR, V(HAIR_GREY), hair_seen},
    {"white-haired", CLASS_HAIR_COLOUR, V(HAIR_WHITE), hair_seen},
    {"blue-haired", CLASS_HAIR_COLOUR, V(HAIR_BLUE), hair_seen},
    {"pink-haired", CLASS_HAIR_COLOUR, V(HAIR_PINK), hair_seen},
    {"a fringe", CLAIM_OTHER, 0, fringe},
    {"fringe", CLAIM_OTHER, 0, fringe},
    {"bangs", CLAIM_OTHER, 0, fringe},
    {"full ~ beard", CLASS_BEARD, V(BEARD_FULL), grown_man},
    {"long ~ beard", CLASS_BEARD, V(BEARD_LONG), grown_man},
    {"without a beard", CLASS_BEARD, V(BEARD_NONE), grown_man},
    {"no beard", CLASS_BEARD, V(BEARD_NONE), grown_man},
    {"clean-shaven", CLASS_BEARD, V(BEARD_NONE), grown_man},
    {"~ beard", CLASS_BEARD, V(BEARD_FULL) | V(BEARD_LONG), grown_man},
    {"bearded", CLASS_BEARD, V(BEARD_FULL) | V(BEARD_LONG), grown_man},
    {"~ moustache", CLASS_BEARD, V(BEARD_MOUSTACHE), grown_man},
    {"~ mustache", CLASS_BEARD, V(BEARD_MOUSTACHE), grown_man},
    {"moustached", CLASS_BEARD, V(BEARD_MOUSTACHE), grown_man},
    {"~ goatee", CLASS_BEARD, V(BEARD_GOATEE), grown_man},
    {"stubbly chin", CLASS_BEARD, V(BEARD_STUBBLE), grown_man},
    {"stubble", CLASS_BEARD, V(BEARD_STUBBLE), grown_man},
    {"unshaven", CLASS_BEARD, V(BEARD_STUBBLE), grown_man},
    {"without glasses", CLASS_GLASSES, V(GLASSES_NONE), NULL},
    {"no glasses", CLASS_GLASSES, V(GLASSES_NONE), NULL},
    {"round glasses", CLASS_GLASSES, V(GLASSES_ROUND), NULL},
    {"round spectacles", CLASS_GLASSES, V(GLASSES_ROUND), NULL},
    {"spectacles", CLASS_GLASSES, V(GLASSES_ROUND), NULL},
    {"square glasses", CLASS_GLASSES, V(GLASSES_SQUARE), NULL},
    {"rectangular glasses", CLASS_GLASSES, V(GLASSES_SQUARE), NULL},
    {"eyeglasses", CLASS_GLASSES, V(GLASSES_SQUARE), NULL},
    {"dark glasses", CLASS_GLASSES, V(GLASSES_SUN), NULL},
    {"sunglasses", CLASS_GLASSES, V(GLASSES_SUN), NULL},
    {"shades", CLASS_GLASSES, V(GLASSES_SUN), NULL},
    {"glasses", CLASS_GLASSES, V(GLASSES_ROUND) | V(GLASSES_SQUARE), NULL},
    {"bespectacled", CLASS_GLASSES, V(GLASSES_ROUND) | V(GLASSES_SQUARE), NULL},
    {"without a hat", CLASS_HAT, V(HAT_NONE), NULL},
    {"no hat", CLASS_HAT, V(HAT_NONE), NULL},
    {"~ baseball cap", CLASS_HAT, V(HAT_CAP), NULL},
    {"~ cap", CLASS_HAT, V(HAT_CAP), NULL},
    {"~ beanie", CLASS_HAT, V(HAT_BEANIE), NULL},
    {"~ knit hat", CLASS_HAT, V(HAT_BEANIE), NULL},
    {"~ woolly hat", CLASS_HAT, V(HAT_BEANIE), NULL},
    {"~ hat with a brim", CLASS_HAT, V(HAT_BRIM), NULL},
    {"~ brimmed hat", CLASS_HAT, V(HAT_BRIM), NULL},
    {"~ hat", CLASS_HAT, V(HAT_BRIM), NULL},
    {"~ headscarf", CLASS_HAT, V(HAT_HEADSCARF), NULL},
    {"~ head scarf", CLASS_HAT, V(HAT_HEADSCARF), NULL},
    {"~ hijab", CLASS_HAT, V(HAT_HEADSCARF), woman},
    {"stud earrings", CLASS_EARRINGS, V(EARRINGS_STUDS), ears_seen},
    {"small earrings", CLASS_EARRINGS, V(EARRINGS_STUDS), ears_seen},
    {"ear studs", CLASS_EARRINGS, V(EARRINGS_STUDS), ears_seen},
    {"hoop earrings", CLASS_EARRINGS, V(EARRINGS_HOOPS), ears_seen},
    {"big earrings", CLASS_EARRINGS, V(EARRINGS_HOOPS), ears_seen},
    {"earrings", CLASS_EARRINGS, V(EARRINGS_STUDS) | V(EARRINGS_HOOPS), ears_seen},
    {"~ striped t-shirt", CLASS_CLOTHES, V(CLOTHES_STRIPED), NULL},
    {"striped ~ t-shirt", CLASS_CLOTHES, V(CLOTHES_STRIPED), NULL},
    {"~ t-shirt", CLASS_CLOTHES, V(CLOTHES_TSHIRT), NULL},
    {"~ tee", CLASS_CLOTHES, V(CLOTHES_TSHIRT), NULL},
    {"~ collared shirt", CLASS_CLOTHES, V(CLOTHES_SHIRT), NULL},
    {"~ shirt", CLASS_CLOTHES, V(CLOTHES_SHIRT), NULL},
    {"~ hooded sweatshirt", CLASS_CLOTHES, V(CLOTHES_HOODIE), NULL},
    {"~ hoodie", CLASS_CLOTHES, V(CLOTHES_HOODIE), NULL},
    {"~ suit jacket", CLASS_CLOTHES, V(CLOTHES_JACKET), NULL},
    {"~ suit", CLASS_CLOTHES, V(CLOTHES_JACKET), NULL},
    {"~ jacket", CLASS_CLOTHES, V(CLOTHES_JACKET), NULL},
    {"~ blazer", CLASS_CLOTHES, V(CLOTHES_JACKET), NULL},
    {"~ turtleneck sweater", CLASS_CLOTHES, V(CLOTHES_SWEATER), NULL},
    {"~ turtleneck", CLASS_CLOTHES, V(CLOTHES_SWEATER), NULL},
    {"~ sweater", CLASS_CLOTHES, V(CLOTHES_SWEATER), NULL},
    {"~ jumper", CLASS_CLOTHES, V(CLOTHES_SWEATER), NULL},
    {"~ dress", CLASS_CLOTHES, V(CLOTHES_DRESS), woman},
    {"thick eyebrows", CLAIM_HIGH, G_BROW_THICK, NULL},
    {"bushy eyebrows", CLAIM_HIGH, G_BROW_THICK, NULL},
    {"thin eyebrows", CLAIM_LOW, G_BROW_THICK, NULL},
    {"full lips", CLAIM_HIGH, G_LIP_LOWER, NULL},
    {"thin lips", CLAIM_LOW, G_LIP_LOWER, NULL},
    {"long nose", CLAIM_HIGH, G_NOSE_LENGTH, NULL},
    {"short nose", CLAIM_LOW, G_NOSE_LENGTH, NULL},
    {"small nose", CLAIM_LOW, G_NOSE_LENGTH, NULL},
    {"wide nose", CLAIM_HIGH, G_NOSE_WIDTH, NULL},
    {"broad nose", CLAIM_HIGH, G_NOSE_WIDTH, NULL},
    {"narrow nose", CLAIM_LOW, G_NOSE_WIDTH, NULL},
    {"wide face", CLAIM_HIGH, G_FACE_WIDTH, NULL},
    {"broad face", CLAIM_HIGH, G_FACE_WIDTH, NULL},
    {"narrow face", CLAIM_LOW, G_FACE_WIDTH, NULL},
    {"slim face", CLAIM_LOW, G_FACE_WIDTH, NULL},
    {"strong jaw", CLAIM_HIGH, G_JAW_WIDTH, NULL},
    {"cleft chin", CLAIM_HIGH, G_CHIN_CLEFT, NULL},
    {"big eyes", CLAIM_HIGH, G_EYE_SIZE, NULL},
    {"large eyes", CLAIM_HIGH, G_EYE_SIZE, NULL},
    {"small eyes", CLAIM_LOW, G_EYE_SIZE, NULL},
    {"dark eyes", CLASS_EYES, V(4), eyes_seen},
    {"~ eyes", CLASS_EYES, 0, eyes_seen},
    {"freckled face", CLAIM_OTHER, 0, freckles},
    {"freckled", CLAIM_OTHER, 0, freckles},
    {"freckles", CLAIM_OTHER, 0, freckles},
    {"pale skin", CLASS_SKIN, V(SKIN_PALE), NULL},
    {"fair skin", CLASS_SKIN, V(SKIN_PALE) | V(SKIN_LIGHT), NULL},
    {"light skin", CLASS_SKIN, V(SKIN_LIGHT), NULL},
    {"olive skin", CLASS_SKIN, V(SKIN_OLIVE), NULL},
    {"tan skin", CLASS_SKIN, V(SKIN_TAN), NULL},
    {"tanned skin", CLASS_SKIN, V(SKIN_TAN), NULL},
    {"brown skin", CLASS_SKIN, V(SKIN_BROWN), NULL},
    {"dark skin", CLASS_SKIN, V(SKIN_DARK), NULL},
    {"dark complexion", CLASS_SKIN, V(SKIN_DARK), NULL},
    {"pale", CLASS_SKIN, V(SKIN_PALE), NULL},
    {"light-skinned", CLASS_SKIN, V(SKIN_LIGHT), NULL},
    {"fair-skinned", CLASS_SKIN, V(SKIN_LIGHT), NULL},
    {"olive-skinned", CLASS_SKIN, V(SKIN_OLIVE), NULL},
    {"tanned", CLASS_SKIN, V(SKIN_TAN), NULL},
    {"brown-skinned", CLASS_SKIN, V(SKIN_BROWN), NULL},
    {"dark-skinned", CLASS_SKIN, V(SKIN_DARK), NULL},
    {"head turned to the left", CLAIM_OTHER, 0, left},
    {"head turned to the right", CLAIM_OTHER, 0, right},
    {"turned slightly to the left", CLAIM_OTHER, 0, left},
    {"turned slightly to the right", CLAIM_OTHER, 0, right},
    {"facing slightly left", CLAIM_OTHER, 0, left},
    {"facing slightly right", CLAIM_OTHER, 0, right},
    {"looking to the left", CLAIM_OTHER, 0, left},
    {"looking to the right", CLAIM_OTHER, 0, right},
    {"looking left", CLAIM_OTHER, 0, left},
    {"looking right", CLAIM_OTHER, 0, right},
    {"facing left", CLAIM_OTHER, 0, left},
    {"facing right", CLAIM_OTHER, 0, right},
    {"head tilted to the left", CLAIM_OTHER, 0, tilt_left},
    {"head tilted to the right", CLAIM_OTHER, 0, tilt_right},
    {"a tilted head", CLAIM_OTHER, 0, tilted},
    {"head tilted", CLAIM_OTHER, 0, tilted},
    {"looking at the camera", CLAIM_OTHER, 0, contact},
    {"looking at the viewer", CLAIM_OTHER, 0, contact},
    {"facing the camera", CLAIM_OTHER, 0, frontal},
    {"facing forward", CLAIM_OTHER, 0, frontal},
    {"front view", CLAIM_OTHER, 0, frontal},
    {"in profile", CLAIM_OTHER, 0, profile},
    {"profile view", CLAIM_OTHER, 0, profile},
    {"side view", CLAIM_OTHER, 0, profile},
    {"looking upwards", CLAIM_OTHER, 0, up},
    {"looking up", CLAIM_OTHER, 0, up},
    {"looking downwards", CLAIM_OTHER, 0, down},
    {"looking down", CLAIM_OTHER, 0, down},
    {"hand on the chin", CLASS_FRONT, V(FRONT_HAND_CHIN), NULL},
    {"resting the chin on a hand", CLASS_FRONT, V(FRONT_HAND_CHIN), NULL},
    {"hand on the cheek", CLASS_FRONT, V(FRONT_HAND_CHEEK), NULL},
    {"hand over the mouth", CLASS_FRONT, V(FRONT_HAND_MOUTH), NULL},
    {"covering the mouth with a hand", CLASS_FRONT, V(FRONT_HAND_MOUTH), NULL},
    {"neutral", CLASS_EXPRESSION, V(EXPR_NEUTRAL), mouth_seen},
    {"calm", CLASS_EXPRESSION, V(EXPR_NEUTRAL), mouth_seen},
    {"relaxed", CLASS_EXPRESSION, V(EXPR_NEUTRAL), mouth_seen},
    {"smiling", CLASS_EXPRESSION, V(EXPR_SMILE), mouth_seen},
    {"smile", CLASS_EXPRESSION, V(EXPR_SMILE), mouth_seen},
    {"happy", CLASS_EXPRESSION, V(EXPR_SMILE), mouth_seen},
    {"laughing", CLASS_EXPRESSION, V(EXPR_LAUGH), mouth_seen},
    {"laugh", CLASS_EXPRESSION, V(EXPR_LAUGH), mouth_seen},
    {"cheerful", CLASS_EXPRESSION, V(EXPR_LAUGH), mouth_seen},
    {"serious", CLASS_EXPRESSION, V(EXPR_SERIOUS), mouth_seen},
    {"surprised", CLASS_EXPRESSION, V(EXPR_SURPRISED), mouth_seen},
    {"astonished", CLASS_EXPRESSION, V(EXPR_SURPRISED), mouth_seen},
    {"sad", CLASS_EXPRESSION, V(EXPR_SAD), mouth_seen},
    {"unhappy", CLASS_EXPRESSION, V(EXPR_SAD), mouth_seen},
    {"angry", CLASS_EXPRESSION, V(EXPR_ANGRY), mouth_seen},
    {"furious", CLASS_EXPRESSION, V(EXPR_ANGRY), mouth_seen},
    {"frowning", CLASS_EXPRESSION, V(EXPR_ANGRY), mouth_seen},
    {"soft light", CLASS_LIGHT, V(LIGHT_SOFT), NULL},
    {"soft lighting", CLASS_LIGHT, V(LIGHT_SOFT), NULL},
    {"softly lit", CLASS_LIGHT, V(LIGHT_SOFT), NULL},
    {"light is soft", CLASS_LIGHT, V(LIGHT_SOFT), NULL},
    {"warm light", CLASS_LIGHT, V(LIGHT_WARM), NULL},
    {"warm lighting", CLASS_LIGHT, V(LIGHT_WARM), NULL},
    {"light is warm", CLASS_LIGHT, V(LIGHT_WARM), NULL},
    {"dramatic light", CLASS_LIGHT, V(LIGHT_DRAMATIC), NULL},
    {"dramatic lighting", CLASS_LIGHT, V(LIGHT_DRAMATIC), NULL},
    {"light is dramatic", CLASS_LIGHT, V(LIGHT_DRAMATIC), NULL},
    {"cool light", CLASS_LIGHT, V(LIGHT_COOL), NULL},
    {"cold light", CLASS_LIGHT, V(LIGHT_COOL), NULL},
    {"cool lighting", CLASS_LIGHT, V(LIGHT_COOL), NULL},
    {"light is cool", CLASS_LIGHT, V(LIGHT_COOL), NULL},
    {"backlit", CLASS_LIGHT, V(LIGHT_BACK), NULL},
    {"backlight", CLASS_LIGHT, V(LIGHT_BACK), NULL},
    {"light from behind", CLASS_LIGHT, V(LIGHT_BACK), NULL},
    {"rim light", CLASS_LIGHT, V(LIGHT_BACK), NULL},
    {"studio background", CLASS_PLACE, V(PLACE_STUDIO), NULL},
    {"meadow background", CLASS_PLACE, V(PLACE_MEADOW), NULL},
    {"forest background", CLASS_PLACE, V(PLACE_FOREST), NULL},
    {"beach background", CLASS_PLACE, V(PLACE_BEACH), NULL},
    {"bookshelf background", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"snowy background", CLASS_PLACE, V(PLACE_SNOW), NULL},
    {"night background", CLASS_PLACE, V(PLACE_NIGHT), NULL},
    {"window in the background", CLASS_PLACE, V(PLACE_ROOM), NULL},
    {"trees in the background", CLASS_PLACE, V(PLACE_FOREST), NULL},
    {"sea in the background", CLASS_PLACE, V(PLACE_BEACH), NULL},
    {"street in the background", CLASS_PLACE, V(PLACE_STREET), NULL},
    {"books in the background", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"mountains in the background", CLASS_PLACE, V(PLACE_MOUNTAINS), NULL},
    {"~ background", CLASS_PLACE, V(PLACE_COLOUR), NULL},
    {"~ wall", CLASS_PLACE, V(PLACE_COLOUR), NULL},
    {"studio", CLASS_PLACE, V(PLACE_STUDIO), NULL},
    {"meadow", CLASS_PLACE, V(PLACE_MEADOW), NULL},
    {"field", CLASS_PLACE, V(PLACE_MEADOW), NULL},
    {"nature", CLASS_PLACE, V(PLACE_MEADOW), NULL},
    {"room", CLASS_PLACE, V(PLACE_ROOM), NULL},
    {"window", CLASS_PLACE, V(PLACE_ROOM), NULL},
    {"forest", CLASS_PLACE, V(PLACE_FOREST), NULL},
    {"woods", CLASS_PLACE, V(PLACE_FOREST), NULL},
    {"trees", CLASS_PLACE, V(PLACE_FOREST), NULL},
    {"beach", CLASS_PLACE, V(PLACE_BEACH), NULL},
    {"sea", CLASS_PLACE, V(PLACE_BEACH), NULL},
    {"city street", CLASS_PLACE, V(PLACE_STREET), NULL},
    {"street", CLASS_PLACE, V(PLACE_STREET), NULL},
    {"city", CLASS_PLACE, V(PLACE_STREET), NULL},
    {"library", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"bookshelf", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"bookshelves", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"books", CLASS_PLACE, V(PLACE_LIBRARY), NULL},
    {"mountain landscape", CLASS_PLACE, V(PLACE_MOUNTAINS), NULL},
    {"mountains", CLASS_PLACE, V(PLACE_MOUNTAINS), NULL},
    {"mountain", CLASS_PLACE, V(PLACE_MOUNTAINS), NULL},
    {"snow", CLASS_PLACE, V(PLACE_SNOW), NULL},
    {"snowy landscape", CLASS_PLACE, V(PLACE_SNOW), NULL},
    {"winter", CLASS_PLACE, V(PLACE_SNOW), NULL},
    {"night", CLASS_PLACE, V(PLACE_NIGHT), NULL},
    {"outdoors", CLASS_PLACE,
     V(PLACE_MEADOW) | V(PLACE_FOREST) | V(PLACE_BEACH) | V(PLACE_STREET) | V(PLACE_MOUNTAINS) |
         V(PLACE_SNOW) | V(PLACE_NIGHT),
     NULL},
    {"outside", CLASS_PLACE,
     V(PLACE_MEADOW) | V(PLACE_FOREST) | V(PLACE_BEACH) | V(PLACE_STREET) | V(PLACE_MOUNTAINS) |
         V(PLACE_SNOW) | V(PLACE_NIGHT),
     NULL},
    {"indoors", CLASS_PLACE, V(PLACE_ROOM) | V(PLACE_LIBRARY), NULL},
    {"teenage girl", CLASS_GENDER, V(WOMAN), teen},
    {"teen girl", CLASS_GENDER, V(WOMAN), teen},
    {"teenage boy", CLASS_GENDER, V(MAN), teen},
    {"teen boy", CLASS_GENDER, V(MAN), teen},
    {"little", CLAIM_OTHER, 0, child},
    {"teenage", CLAIM_OTHER, 0, teen},
    {"teen", CLAIM_OTHER, 0, teen},
    {"teenager", CLAIM_OTHER, 0, teen},
    {"young", CLAIM_OTHER, 0, young},
    {"middle-aged", CLASS_AGE, V(MIDDLE_AGED), NULL},
    {"old", CLAIM_OTHER, 0, old},
    {"elderly", CLAIM_OTHER, 0, old},
    {"girl", CLASS_GENDER, V(WOMAN), minor},
    {"boy", CLASS_GENDER, V(MAN), minor},
    {"child", CLAIM_OTHER, 0, child},
    {"kid", CLAIM_OTHER, 0, child},
    {"woman", CLASS_GENDER, V(WOMAN), adult},
    {"lady", CLASS_GENDER, V(WOMAN), adult},
    {"man", CLASS_GENDER, V(MAN), adult},
    {"guy", CLASS_GENDER, V(MAN), adult},
    {"gentleman", CLASS_GENDER, V(MAN), adult},
    {"grandma", CLASS_GENDER, V(WOMAN), old},
    {"granny", CLASS_GENDER, V(WOMAN), old},
    {"grandpa", CLASS_GENDER, V(MAN), old},
    {"grandfather", CLASS_GENDER, V(MAN), old},
    {"adult", CLAIM_OTHER, 0, adult},
    {"she", CLASS_GENDER, V(WOMAN), NULL},
    {"her", CLASS_GENDER, V(WOMAN), NULL},
    {"he", CLASS_GENDER, V(MAN), NULL},
    {"his", CLASS_GENDER, V(MAN), NULL},
    {"blonde", CLASS_HAIR_COLOUR, V(HAIR_BLONDE), hair_seen},
    {"blond", CLASS_HAIR_COLOUR, V(HAIR_BLONDE), hair_seen},
    {"ginger", CLASS_HAIR_COLOUR, V(HAIR_RED), hair_seen},
    {"close-up", CLAIM_OTHER, 0, near},
};
const int claim_count = COUNT_OF(claims);

int claim_tint(const struct claim *c)
{
    static const struct {
        int class, tint;
    } tints[] = {{CLASS_HAIR, CLASS_HAIR_COLOUR},
                 {CLASS_BEARD, CLASS_HAIR_COLOUR},
                 {CLASS_HAT, CLASS_HAT_COLOUR},
                 {CLASS_CLOTHES, CLASS_CLOTHES_COLOUR},
                 {CLASS_PLACE, CLASS_WALL}};
    for (size_t i = 0; i < COUNT_OF(tints); i++)
        if (tints[i].class == c->class)
            return tints[i].tint;
    return c->class;
}

/* ---- other words ---- */

const struct plural *plural_named(const char *word)
{
    static const struct plural plurals[] = {
        {"women", WOMAN, 18, 85}, {"men", MAN, 18, 85},  {"girls", WOMAN, 5, 13},
        {"boys", MAN, 5, 13},     {"people", -1, 5, 85}, {"children", -1, 5, 13},
        {"kids", -1, 5, 13},
    };
    for (size_t i = 0; i < COUNT_OF(plurals); i++)
        if (strcmp(plurals[i].word, word) == 0)
            return &plurals[i];
    return NULL;
}

const char *colour_named(const char *word)
{
    static const char *const same[][2] = {
        {"gray", "grey"},      {"golden", "blonde"}, {"blond", "blonde"},  {"ginger", "red"},
        {"chestnut", "brown"}, {"violet", "purple"}, {"turquoise", "teal"}};
    static const char *const own[] = {"black",  "brown",  "blonde", "red",   "grey",
                                      "white",  "blue",   "pink",   "green", "yellow",
                                      "purple", "orange", "teal"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        if (strcmp(same[i][0], word) == 0)
            return same[i][1];
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(own[i], word) == 0)
            return own[i];
    return NULL;
}

bool word_neutral(const char *word)
{
    static const char *const words[] = {
        "a",       "an",      "and",      "with",     "in",    "of",         "on",       "at",
        "the",     "by",      "is",       "are",      "has",   "to",         "looks",    "looking",
        "look",    "wearing", "stands",   "standing", "poses", "posing",     "portrait", "photo",
        "picture", "image",   "headshot", "render",   "3d",    "expression", "face",     "friendly",
        "big",     "front",   "inside",   "among",    "aged",  "years",      "person",   "green",
        "group",   "next",    "beside",   "between",  ":"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

bool scene_named(char *const *word, int n, int scene)
{
    static const char *const keys[SCENE_COUNT][4] = {{"lighthouse"},
                                                     {"lake"},
                                                     {"house", "cottage"},
                                                     {"tree"},
                                                     {"city"},
                                                     {"sunset"},
                                                     {"forest", "woods"},
                                                     {"desert"},
                                                     {"boat"},
                                                     {"night"},
                                                     {"mountains", "mountain"},
                                                     {"beach"},
                                                     {"castle"},
                                                     {"bridge"},
                                                     {"street"},
                                                     {"cat"},
                                                     {"dog"},
                                                     {"bird"},
                                                     {"horse"},
                                                     {"flowers"},
                                                     {"car"},
                                                     {"fruit"}};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4 && keys[scene][k]; k++)
            if (strcmp(word[i], keys[scene][k]) == 0)
                return true;
    return false;
}
