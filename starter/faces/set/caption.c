// SPDX-License-Identifier: Apache-2.0
/* Captions, as people type them. Each mentions a random part of what is true of the picture and
 * seen in it, in varying order and words; nothing else is ever said.
 */
#include "scene/scene.h"
#include "words.h"

enum { SCENE_FORMS = 6 };

const char *const topic_names[TOPIC_COUNT] = {
    "hair",  "fringe",  "beard",      "glasses", "hat",   "earrings", "eyes",  "freckles", "skin",
    "shape", "clothes", "expression", "pose",    "front", "absent",   "place", "light",
};

/* '#' stands for what the scene's seed decides, a colour: scene_detail(). */
static const char *const scene_forms[SCENE_COUNT][SCENE_FORMS] = {
    [SCENE_LIGHTHOUSE] = {"@lighthouse", "@lighthouse by the sea", "@red and white lighthouse",
                          "@lighthouse on @island", "@striped lighthouse"},
    [SCENE_LAKE] = {"@lake", "@mountain lake", "@lake in the mountains", "@calm lake",
                    "snowy mountains reflected in @lake"},
    [SCENE_HOUSE] = {"@house", "@small house with @#roof", "@cosy house", "@house with @garden",
                     "@cottage with @fence"},
    [SCENE_TREE] = {"@#tree", "@big #tree", "@lone tree", "@#tree on @hill", "@#tree on @meadow"},
    [SCENE_CITY] = {"@city", "@city skyline", "@city skyline in the evening",
                    "tall buildings of @city", "skyline of @city"},
    [SCENE_SUNSET] = {"@sunset", "@beach at sunset", "sunset over the sea", "@palm tree at sunset",
                      "@beautiful sunset"},
    [SCENE_FOREST] = {"@forest", "@misty forest", "fir trees in @forest", "@path in @forest",
                      "the woods"},
    [SCENE_DESERT] = {"@desert", "desert dunes", "sand dunes in @desert", "@cactus in the desert",
                      "@hot desert"},
    [SCENE_BOAT] = {"@boat", "@sailing boat", "@#boat on the water", "@#boat on the sea",
                    "@#sailing boat"},
    [SCENE_NIGHT] = {"@night sky", "the moon and stars at night", "@full moon at night",
                     "night sky with @moon"},
    [SCENE_MOUNTAINS] = {"mountains", "@mountain landscape", "snowy mountains",
                         "mountains and @meadow", "@mountain range"},
    [SCENE_BEACH] = {"@beach", "@sandy beach", "@beach by the sea", "@beach with @palm tree",
                     "@beach with @#parasol"},
    [SCENE_CASTLE] = {"@castle", "@castle on @hill", "@fairy-tale castle", "@castle with towers",
                      "@castle with #roofs"},
    [SCENE_BRIDGE] = {"@bridge", "@bridge over @river", "@stone bridge",
                      "@old stone bridge over @river"},
    [SCENE_STREET] = {"@street", "@city street", "@street in @town", "@street with houses",
                      "@street with shops"},
    [SCENE_CAT] = {"@#cat", "@cute #cat", "@cat", "@#cat on @windowsill", "@#cat by the window"},
    [SCENE_DOG] = {"@#dog", "@cute #dog", "@dog", "@#dog on the grass", "@happy #dog"},
    [SCENE_BIRD] = {"@#bird", "@small #bird", "@bird", "@#bird on @branch", "@cute bird"},
    [SCENE_HORSE] = {"@#horse", "@beautiful #horse", "@horse", "@#horse in @field",
                     "@#horse on @meadow"},
    [SCENE_FLOWERS] = {"#flowers", "#flowers in @vase", "@vase of flowers", "@bunch of #flowers",
                       "beautiful flowers"},
    [SCENE_CAR] = {"@#car", "@#car on @road", "@car", "@small #car", "@old #car"},
    [SCENE_FRUIT] = {"fruit", "@bowl of fruit", "fresh fruit in @bowl", "@still life with fruit"},
};

static void caption_scene(struct text *t, struct rng *r, const struct picture *p)
{
    static const char *const openings[] = {"@picture of ", "@photo of ",  "@3d render of ",
                                           "@image of ",   "picture of ", "photo of ",
                                           "@drawing of "};
    static const char *const ends[] = {", no people", ", nobody", ", no person", " without people"};
    if (rng_chance(r, 0.5f))
        text_say(t, pick(r, openings, COUNT_OF(openings)));
    char said[PHRASE_MAX];
    bool tinted = rng_chance(r, 0.6f);
    const char *form = pick(r, scene_forms[p->scene], SCENE_FORMS);
    form_fill(form, scene_detail(p->scene, p->seed), tinted, said);
    bool bare = t->used == 0 && said[0] == '@' && rng_chance(r, 0.3f);
    text_say(t, bare ? said + 1 : said);
    if (rng_chance(r, 0.1f))
        text_say(t, pick(r, ends, COUNT_OF(ends)));
}

unsigned caption_write(const struct picture *p, uint64_t seed, char *out, size_t size)
{
    unsigned said = 0;
    struct rng r = rng_make(seed, FOR_CAPTION);
    struct text t = {.used = 0};
    if (p->people == 0)
        caption_scene(&t, &r, p);
    else if (p->people == 1)
        said = caption_portrait(&t, &r, &p->person[0]);
    else
        caption_group(&t, &r, p);
    bool sentence = t.used && t.words[t.used - 1] == '.';
    float formal = rng_unit(&r);
    bool capitals = formal < (sentence ? 0.8f : 0.25f);
    text_finish(&t, capitals, capitals && formal < 0.15f, out, size);
    return said;
}
