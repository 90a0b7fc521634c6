// SPDX-License-Identifier: Apache-2.0
/* Captions, as people type them. Each mentions a random part of what is true of the picture and
 * seen in it, in varying order and words; nothing else is ever said.
 */
#include "words.h"

enum { SCENE_FORMS = 6 };

static const char *const scene_forms[SCENE_COUNT][SCENE_FORMS] = {
    [SCENE_LIGHTHOUSE] = {"@lighthouse", "@lighthouse by the sea", "@lighthouse on the coast",
                          "@tall lighthouse"},
    [SCENE_LAKE] = {"@lake", "@mountain lake", "@lake in the mountains", "@quiet lake"},
    [SCENE_HOUSE] = {"@house", "@small house", "@cosy house", "@family house"},
    [SCENE_TREE] = {"@tree", "@big tree", "@lone tree", "@green tree", "@tree in @field"},
    [SCENE_CITY] = {"@city", "@city skyline", "tall buildings of @city", "skyline of @city"},
    [SCENE_SUNSET] = {"@sunset", "@beach at sunset", "sunset over the sea", "@beautiful sunset"},
    [SCENE_FOREST] = {"@forest", "trees in @forest", "the woods", "@quiet forest"},
    [SCENE_DESERT] = {"@desert", "desert dunes", "sand dunes in @desert", "@hot desert"},
    [SCENE_BOAT] = {"@boat", "@sailing boat", "@boat on the water", "@boat on the sea"},
    [SCENE_NIGHT] = {"@night sky", "the moon and stars at night", "@full moon at night",
                     "night sky with @moon"},
    [SCENE_MOUNTAINS] = {"mountains", "@mountain landscape", "high mountains", "@mountain range"},
    [SCENE_BEACH] = {"@beach", "@sandy beach", "@beach by the sea", "@sunny beach"},
    [SCENE_CASTLE] = {"@castle", "@old castle", "@medieval castle", "@castle with towers"},
    [SCENE_BRIDGE] = {"@bridge", "@bridge over @river", "@bridge over water", "@long bridge"},
    [SCENE_STREET] = {"@street", "@city street", "@street in @town", "@street with houses"},
    [SCENE_CAT] = {"@cat", "@cute cat", "@cat", "@pet cat"},
    [SCENE_DOG] = {"@dog", "@cute dog", "@dog", "@friendly dog"},
    [SCENE_BIRD] = {"@bird", "@small bird", "@bird", "@cute bird"},
    [SCENE_HORSE] = {"@horse", "@beautiful horse", "@horse", "@horse in @field"},
    [SCENE_FLOWERS] = {"flowers", "some flowers", "beautiful flowers", "colourful flowers"},
    [SCENE_CAR] = {"@car", "@car on @road", "@car", "@small car"},
    [SCENE_FRUIT] = {"fruit", "some fruit", "fresh fruit", "@still life with fruit"},
};

static void caption_scene(struct text *t, struct rng *r, const struct picture *p)
{
    static const char *const openings[] = {"@picture of ", "@photo of ",  "@3d render of ",
                                           "@image of ",   "picture of ", "photo of ",
                                           "@drawing of "};
    static const char *const ends[] = {", no people", ", nobody", ", no person", " without people"};
    if (chance(r, 0.5f))
        text_say(t, pick(r, openings, FACE_COUNT(openings)));
    const char *form = pick(r, scene_forms[p->scene], SCENE_FORMS);
    bool bare = t->used == 0 && form[0] == '@' && chance(r, 0.3f);
    text_say(t, bare ? form + 1 : form);
    if (chance(r, 0.1f))
        text_say(t, pick(r, ends, FACE_COUNT(ends)));
}

void caption_write(const struct picture *p, uint64_t seed, char *out, size_t size)
{
    struct rng r = rng_make(seed, 4);
    struct text t = {.used = 0};
    if (p->people == 0)
        caption_scene(&t, &r, p);
    else if (p->people == 1)
        caption_portrait(&t, &r, &p->person[0]);
    else
        caption_group(&t, &r, p);
    bool sentence = t.used && t.words[t.used - 1] == '.';
    float formal = rng_unit(&r);
    bool capitals = formal < (sentence ? 0.8f : 0.25f);
    text_finish(&t, capitals, capitals && formal < 0.15f, out, size);
}
