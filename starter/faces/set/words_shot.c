// SPDX-License-Identifier: Apache-2.0
/* Words for what a shot shows: expression, pose, what is before the face, what is absent, place and
 * light. Left and right are the viewer's.
 */
#include "words.h"

static int expression(const struct person *p)
{
    bool seen = p->shot.front != FRONT_HAND_MOUTH && p->shot.height > 0.15f;
    return seen ? p->shot.expression : -1;
}

static forms expression_adjectives[EXPR_COUNT] = {
    {"calm"},
    {"smiling", "smiling", "happy"},
    {"laughing", "laughing", "cheerful"},
    {"serious"},
    {"surprised", "astonished"},
    {"sad", "sad", "unhappy"},
    {"angry", "angry", "furious"},
};
static forms expression_objects[EXPR_COUNT] = {
    {"@calm face", "@neutral expression", "@relaxed face"},
    {"@smile", "@friendly smile", "@happy face"},
    {"@big laugh", "@laughing face"},
    {"@serious expression", "@serious face"},
    {"@surprised expression", "@surprised face"},
    {"@sad expression", "@sad face"},
    {"@angry expression", "@angry face"},
};
static forms expression_phrases[EXPR_COUNT] = {
    {"neutral expression", "calm expression", "looking calm", "with @neutral face"},
    {"smiling", "smiling", "with @smile", "looking happy"},
    {"laughing", "laughing", "with @big laugh"},
    {"looking serious", "serious expression", "with @serious look"},
    {"looking surprised", "surprised expression", "with @surprised look"},
    {"looking sad", "sad expression", "with @sad look"},
    {"looking angry", "angry expression", "with @angry look", "frowning"},
};

/* ---- the pose ---- */

enum {
    POSE_FRONT,
    POSE_LEFT,
    POSE_RIGHT,
    POSE_FAR_LEFT,
    POSE_FAR_RIGHT,
    POSE_PROFILE_LEFT,
    POSE_PROFILE_RIGHT,
    POSE_UP,
    POSE_DOWN,
    POSE_TILT_LEFT,
    POSE_TILT_RIGHT,
    POSE_CONTACT,
    POSE_COUNT
};

static int pose_yaw(const struct person *p)
{
    static const struct {
        float from, to;
        int left; /* the pose; the one after it is its mirror image */
    } ranges[] = {{13, 24, POSE_LEFT}, {24, 45, POSE_FAR_LEFT}, {45, 90, POSE_PROFILE_LEFT}};
    float yaw = fabsf(p->shot.yaw) / DEGREE;
    if (yaw < 6 && fabsf(p->shot.pitch) < 7 * DEGREE)
        return POSE_FRONT;
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (yaw > ranges[i].from && yaw <= ranges[i].to)
            return ranges[i].left + (p->shot.yaw > 0);
    return -1;
}

static int pose_pitch(const struct person *p)
{
    float pitch = p->shot.pitch / DEGREE;
    return pitch > 12 ? POSE_UP : pitch < -12 ? POSE_DOWN : -1;
}

static int pose_roll(const struct person *p)
{
    float roll = p->shot.roll / DEGREE;
    return roll > 9 ? POSE_TILT_RIGHT : roll < -9 ? POSE_TILT_LEFT : -1;
}

static int pose_contact(const struct person *p)
{
    bool meets = fabsf(p->shot.gaze + p->shot.yaw * 1.2f) < 0.25f && fabsf(p->shot.yaw) < 0.6f;
    bool seen = p->look.glasses != GLASSES_SUN && p->shot.height > 0.3f;
    return meets && seen && fabsf(p->shot.pitch) < 8 * DEGREE ? POSE_CONTACT : -1;
}

static forms pose_forms[POSE_COUNT] = {
    {"facing the camera", "front view", "facing forward"},
    {"head turned to the left", "turned slightly to the left", "facing slightly left"},
    {"head turned to the right", "turned slightly to the right", "facing slightly right"},
    {"looking to the left", "facing left", "looking left", "head turned to the left"},
    {"looking to the right", "facing right", "looking right", "head turned to the right"},
    {"in profile", "profile view", "side view", "looking to the left", "facing left"},
    {"in profile", "profile view", "side view", "looking to the right", "facing right"},
    {"looking up", "looking upwards"},
    {"looking down", "looking downwards"},
    {"head tilted to the left", "with @tilted head", "head tilted"},
    {"head tilted to the right", "with @tilted head", "head tilted"},
    {"looking at the camera", "looking at the viewer"},
};

static int front(const struct person *p)
{
    return p->shot.front;
}

static forms front_forms[FRONT_COUNT] = {
    [FRONT_HAND_CHIN] = {"hand on the chin", "with @hand on the chin", "resting the chin on @hand"},
    [FRONT_HAND_CHEEK] = {"hand on the cheek", "with @hand on the cheek"},
    [FRONT_HAND_MOUTH] = {"hand over the mouth", "with @hand over the mouth",
                          "covering the mouth with @hand"},
    [FRONT_HAIR] = {"hair over the face", "with hair over the face", "hair falling over the face"},
};

static int no_glasses(const struct person *p)
{
    return p->look.glasses == GLASSES_NONE ? 0 : -1;
}
static int no_hat(const struct person *p)
{
    return p->look.hat == HAT_NONE ? 1 : -1;
}
static int no_beard(const struct person *p)
{
    return chin_of_man(p) == BEARD_NONE ? 2 : -1;
}

static forms absent_forms[3] = {{"without glasses", "no glasses"},
                                {"without @hat", "no hat"},
                                {"without @beard", "no beard", "clean-shaven"}};

/* ---- place and light ---- */

static int place(const struct person *p)
{
    return p->shot.place != PLACE_COLOUR && p->shot.height < 0.68f ? p->shot.place : -1;
}

static int wall(const struct person *p)
{
    return p->shot.place == PLACE_COLOUR ? 0 : -1;
}

static forms place_at[PLACE_COUNT] = {
    [PLACE_STUDIO] = {"in @studio", "in @photo studio"},
    [PLACE_MEADOW] = {"on @meadow", "in @green meadow", "outdoors", "in @field", "outside"},
    [PLACE_ROOM] = {"in @room", "indoors", "in @room with @window", "inside @room"},
    [PLACE_FOREST] = {"in @forest", "in the woods", "among trees", "in front of trees"},
    [PLACE_BEACH] = {"on @beach", "at the beach", "by the sea", "on the beach"},
    [PLACE_STREET] = {"in @street", "on @street", "on @city street", "in the city"},
    [PLACE_LIBRARY] = {"in @library", "in front of @bookshelf", "in front of bookshelves",
                       "in front of books"},
    [PLACE_MOUNTAINS] = {"in the mountains", "in front of mountains", "in front of @mountain"},
    [PLACE_SNOW] = {"in the snow", "in @snowy landscape", "outdoors in winter", "in winter"},
    [PLACE_NIGHT] = {"at night", "outside at night", "in the night"},
};
static forms place_tags[PLACE_COUNT] = {
    [PLACE_STUDIO] = {"studio", "studio background"},
    [PLACE_MEADOW] = {"meadow", "meadow background", "nature"},
    [PLACE_ROOM] = {"room", "indoors", "window in the background"},
    [PLACE_FOREST] = {"forest", "forest background", "trees in the background"},
    [PLACE_BEACH] = {"beach", "beach background", "sea in the background"},
    [PLACE_STREET] = {"street", "city street", "street in the background"},
    [PLACE_LIBRARY] = {"library", "books in the background", "bookshelf background"},
    [PLACE_MOUNTAINS] = {"mountains", "mountains in the background", "mountain landscape"},
    [PLACE_SNOW] = {"snow", "winter", "snowy background"},
    [PLACE_NIGHT] = {"night", "night background", "at night"},
};
static forms wall_at[1] = {{"in front of @*background", "in front of @*wall"}};
static forms wall_tags[1] = {{"*background"}};

static int light(const struct person *p)
{
    return p->shot.light;
}

static forms light_forms[LIGHT_COUNT] = {
    {"soft light", "soft lighting", "in soft light", "softly lit"},
    {"warm light", "warm lighting", "in warm light"},
    {"dramatic light", "dramatic lighting", "in dramatic light"},
    {"cool light", "cold light", "cool lighting", "in cool light"},
    {"backlit", "backlight", "light from behind", "rim light"},
};

const struct wording shot_wordings[] = {
    {TOPIC_EXPRESSION, AS_ADJECTIVE, expression, COLOUR_NONE, expression_adjectives},
    {TOPIC_EXPRESSION, AS_OBJECT, expression, COLOUR_NONE, expression_objects},
    {TOPIC_EXPRESSION, AS_PHRASE, expression, COLOUR_NONE, expression_phrases},
    {TOPIC_POSE, AS_PHRASE, pose_yaw, COLOUR_NONE, pose_forms},
    {TOPIC_POSE, AS_PHRASE, pose_pitch, COLOUR_NONE, pose_forms},
    {TOPIC_POSE, AS_PHRASE, pose_roll, COLOUR_NONE, pose_forms},
    {TOPIC_POSE, AS_PHRASE, pose_contact, COLOUR_NONE, pose_forms},
    {TOPIC_FRONT, AS_PHRASE, front, COLOUR_NONE, front_forms},
    {TOPIC_ABSENT, AS_PHRASE, no_glasses, COLOUR_NONE, absent_forms},
    {TOPIC_ABSENT, AS_PHRASE, no_hat, COLOUR_NONE, absent_forms},
    {TOPIC_ABSENT, AS_PHRASE, no_beard, COLOUR_NONE, absent_forms},
    {TOPIC_PLACE, AS_AT, place, COLOUR_NONE, place_at},
    {TOPIC_PLACE, AS_AT, wall, COLOUR_WALL, wall_at},
    {TOPIC_PLACE, AS_TAG, place, COLOUR_NONE, place_tags},
    {TOPIC_PLACE, AS_TAG, wall, COLOUR_WALL, wall_tags},
    {TOPIC_LIGHT, AS_PHRASE, light, COLOUR_NONE, light_forms},
};
const size_t shot_wording_count = COUNT_OF(shot_wordings);
