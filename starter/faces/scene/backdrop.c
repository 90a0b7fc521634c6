// SPDX-License-Identifier: Apache-2.0
/* What stands behind people: each place has its painter, each light its hour and its grade. The key
 * light that models the faces comes from the same side here.
 */
#include "layer.h"

/* Light that a window throws on a wall: two leaning panes, or none. */
static float window_light(const struct spot *s)
{
    float kind = chance(s, 40);
    if (kind < 0.45f)
        return 0;
    float lean =
        s->u + 0.45f * (s->v - 0.5f) * (s->towards.x < 0 ? 1 : -1) - choose(s, 41, -0.15f, 0.15f);
    float bars = kind < 0.75f ? ramp(0.012f, 0.050f, fabsf(lean - 0.5f)) : 1;
    return ramp(0.16f, 0.26f, lean) * ramp(0.84f, 0.74f, lean) * bars * ramp(1.1f, 0.5f, s->v);
}

static void place_colour(struct spot *s)
{
    float x = s->u - 0.5f - 0.30f * s->towards.x, y = s->v - 0.34f;
    float near = clampf(1 - 0.95f * (x * x + 0.8f * y * y), 0, 1);
    float plaster = noise2(s->u * 5, s->v * 5, s->seed) - 0.5f;
    float light = mixf(0.50f, 1.14f, near * near) + 0.035f * plaster;
    struct vec3 warm = v3_mix(v3(1, 1, 1), v3(1.06f, 1, 0.93f), near);
    s->colour = v3_mul(v3_scale(s->wall, light), warm);
    s->colour = v3_add(s->colour, v3_scale(s->wall, 0.16f * window_light(s)));
}

/* Seamless paper: the wall bends into the floor. */
static void place_studio(struct spot *s)
{
    struct vec3 paper = v3_mix(srgb(0xb4b6bc), srgb(0xc2beba), chance(s, 1));
    float x = s->u - 0.5f - 0.35f * s->towards.x, y = s->v - 0.36f;
    float near = clampf(1 - 1.25f * (x * x + 0.75f * y * y), 0, 1);
    float bend = ramp(0.60f, 1.0f, s->v);
    s->colour = v3_scale(paper, mixf(0.30f, 1.10f, near * near) + 0.14f * bend);
}

/* Leaves of a big house plant in a pot. */
static void house_plant(struct spot *s, float u, float v, float size)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -0.8f, -1.3f, 0.8f, 0.1f))
        return;
    static const float tips[8][2] = {{-0.62f, -0.78f}, {0.60f, -0.82f}, {-0.36f, -1.08f},
                                     {0.34f, -1.12f},  {0.02f, -1.20f}, {-0.56f, -0.50f},
                                     {0.56f, -0.52f},  {0.10f, -0.84f}};
    for (int i = 0; i < 8; i++) {
        float tu = tips[i][0], tv = tips[i][1], mu = 0.55f * tu, mv = -0.30f + 0.62f * (tv + 0.30f);
        struct form leaf = join(limb(&in, 0.1f * tu, -0.28f, 0.014f, mu, mv, 0.11f),
                                limb(&in, mu, mv, 0.11f, tu, tv, 0.012f), 0.04f);
        fill(&in, leaf, i & 1 ? srgb(0x4f9450) : srgb(0x75ad58), 0.05f);
    }
    fill(&in, drum(&in, 0, -0.30f, 0.20f, 0.0f, 0.15f), srgb(0xd98c66), 0.05f);
    s->colour = in.colour;
}

static void shelf(struct spot *s, float u0, float u1, float v)
{
    static const unsigned spines[6] = {0xc65d4c, 0x4f7fa6, 0xe2b25a, 0x6f9a72, 0x8d6ba0, 0xe9dcc4};
    struct form board = slab(s, 0.5f * (u0 + u1), v, 0.5f * (u1 - u0), 0.012f, 0.010f);
    if (!within(s, u0 - 0.05f, v - 0.2f, u1 + 0.05f, v + 0.08f))
        return;
    float step = 0.028f, p = s->u / step;
    int i = floor_of(p);
    float top = v - 0.09f - 0.045f * hash01(i, 5, s->seed), mid = ((float)i + 0.5f) * step;
    if (mid > u0 + 0.02f && mid < u1 - 0.02f && hash01(i / 5, 6, s->seed) < 0.8f)
        fill(s, slab(s, mid, 0.5f * (top + v), 0.5f * step, 0.5f * (v - top), 0.008f),
             srgb(spines[(int)(hash01(i, 7, s->seed) * 6)]), 0);
    fill(s, board, srgb(0xa8714a), 0);
}

static void place_room(struct spot *s)
{
    static const unsigned walls[4] = {0xeedcc2, 0xd8dccb, 0xe6cfc0, 0xcfd8de};
    defocus(s, 0.014f);
    struct vec3 wall = srgb(choose_of(s, 1, walls, 4)), white = srgb(0xfffaf2);
    s->colour = v3_scale(wall, 1.06f - 0.26f * s->v - 0.22f * ramp(0.2f, 1.0f, s->u));
    float x = choose(s, 2, 0.10f, 0.18f), top = 0.06f, low = 0.60f;
    glow(s, x, 0.35f, 0.55f, v3(0.20f, 0.19f, 0.15f));
    struct spot out = *s;
    out.soft = 0.03f;
    s->sky_top = srgb(0x9ccdf4);
    out.colour = v3_mix(srgb(0xa9d8fa), srgb(0xf6fbf4), ramp(top, 0.45f, s->v));
    paint_hills(&out, 0.62f, 0.22f, 6, 3, srgb(0x8fc474), 0.2f);
    paint_bokeh(&out, 0.10f, 4, 0.6f, 0.04f,
                v3_scale(v3(0.16f, 0.18f, 0.06f), ramp(0.34f, 0.48f, s->v)));
    put(s, inside_box(s, x - 0.17f, top, x + 0.17f, low), white);
    put(s, inside_box(s, x - 0.15f, top + 0.02f, x + 0.15f, low - 0.02f),
        v3_scale(out.colour, 1.05f));
    put(s,
        minf(inside_box(s, x - 0.16f, top, x + 0.16f, low),
             maxf(0.012f - fabsf(s->u - x), 0.011f - fabsf(s->v - 0.31f))),
        white);
    struct form curtain = {0.07f - fabsf(s->u - x - 0.21f) + 0.02f * s->v,
                           0.45f * sinf((s->u - x) * 110), 0};
    fill(s, carve(curtain, 0.80f - s->v),
         v3_mix(srgb(0xd98a6e), srgb(0x7fa0b4), ramp(0.45f, 0.55f, chance(s, 5))), 0);
    fill(s, slab(s, 0.63f, 0.22f, 0.085f, 0.105f, 0.012f), srgb(0x9c6b48), 0);
    struct vec3 art =
        v3_mix(srgb(0xf2d6a0), srgb(0x6f9cb0), ramp(0.17f, 0.27f, s->v + 0.06f * sinf(s->u * 40)));
    put(s, slab(s, 0.63f, 0.22f, 0.066f, 0.086f, 0.01f).depth, art);
    shelf(s, 0.76f, 1.05f, 0.26f);
    shelf(s, 0.76f, 1.05f, 0.46f);
    house_plant(s, choose(s, 6, 0.86f, 0.93f), 0.90f, choose(s, 7, 0.36f, 0.42f));
}

static void place_library(struct spot *s)
{
    static const unsigned spines[8] = {0x9c4038, 0x2f5f7c, 0xc8954a, 0x4f7350,
                                       0x6a4674, 0xd9c49a, 0x7a4a32, 0x35506a};
    defocus(s, 0.0085f);
    s->colour = v3_scale(srgb(0x5a3826), 0.7f);
    s->wall = v3(0.75f, 0.55f, 0.40f);
    float rise = 0.235f, shift = choose(s, 1, 0, 0.2f), p = (s->v + shift) / rise;
    int row = floor_of(p);
    float low = ((float)row + 1) * rise - shift - 0.022f;
    float bay = fmodf(s->u + choose(s, 2, 0, 0.5f), 0.52f);
    float pitch = 0.030f + 0.010f * hash01(row, 3, s->seed),
          q = s->u / pitch + 7 * hash01(row, 4, s->seed);
    int i = floor_of(q);
    float mid = s->u + ((float)i + 0.5f - q) * pitch,
          high = 0.125f + 0.055f * hash01(i, row, s->seed);
    struct vec3 leather = srgb(spines[(int)(hash01(i, row + 50, s->seed) * 8)]);
    struct form book = slab(s, mid, low - 0.5f * high, 0.47f * pitch, 0.5f * high, 0.012f);
    if (hash01(i, row + 90, s->seed) < 0.93f) {
        fill(s, book, leather, 0.05f);
        float line = minf(fabsf(s->v - low + 0.8f * high), fabsf(s->v - low + 0.25f * high));
        glaze(s, 0.55f * ramp(0.010f, 0.002f, line) * cover(s, book.depth), srgb(0xe8c26a));
    }
    glaze(s, 0.55f * ramp(0.075f, 0.0f, s->v - low + rise - 0.022f), srgb(0x2a1a18));
    fill(s, slab(s, 0.5f, low + 0.011f, 2, 0.013f, 0.009f), srgb(0x9c6840), 0.05f);
    fill(s, slab(s, s->u - bay + 0.26f, 0.5f, 0.022f, 2, 0.014f), srgb(0xa87046), 0.05f);
    float x = s->towards.x > 0 ? 0.86f : 0.14f, y = choose(s, 5, 0.16f, 0.30f);
    float d = (s->u - x) * (s->u - x) + (s->v - y) * (s->v - y);
    s->colour = v3_mul(s->colour,
                       v3_mix(v3(0.72f, 0.66f, 0.66f), v3(1.45f, 1.25f, 0.95f), 1 / (1 + 7 * d)));
    glow(s, x, y, 0.30f, v3(0.34f, 0.22f, 0.08f));
    paint_bokeh(s, 0.25f, 3, 0.35f, 0.06f, v3(0.20f, 0.13f, 0.05f));
}

static void (*const places[PLACE_COUNT])(struct spot *) = {
    [PLACE_COLOUR] = place_colour,       [PLACE_STUDIO] = place_studio,
    [PLACE_MEADOW] = place_meadow,       [PLACE_ROOM] = place_room,
    [PLACE_FOREST] = place_forest,       [PLACE_BEACH] = place_beach,
    [PLACE_STREET] = place_street,       [PLACE_LIBRARY] = place_library,
    [PLACE_MOUNTAINS] = place_mountains, [PLACE_SNOW] = place_snow,
    [PLACE_NIGHT] = place_night,
};

/* What a light does to a place: the hours it may be (by the seed), a tint, light lost towards the
 * edges, and a glow behind the head. */
static const struct {
    int hours[HOURS];
    struct vec3 tint;
    float vignette;
    struct vec3 behind;
} grades[LIGHT_COUNT] = {
    [LIGHT_SOFT] = {{HOUR_DAY, HOUR_DAY, HOUR_MORNING}, {1, 1, 1}, 0.16f, {0, 0, 0}},
    [LIGHT_WARM] = {{HOUR_GOLDEN, HOUR_GOLDEN, HOUR_GOLDEN},
                    {1.05f, 0.98f, 0.87f},
                    0.20f,
                    {0.04f, 0.02f, 0}},
    [LIGHT_DRAMATIC] = {{HOUR_DAY, HOUR_DAY, HOUR_GOLDEN}, {0.70f, 0.67f, 0.70f}, 0.62f, {0, 0, 0}},
    [LIGHT_COOL] = {{HOUR_DAY, HOUR_DAY, HOUR_DAY},
                    {0.86f, 0.96f, 1.07f},
                    0.18f,
                    {0, 0.01f, 0.03f}},
    [LIGHT_BACK] = {{HOUR_MORNING, HOUR_MORNING, HOUR_GOLDEN},
                    {0.96f, 0.96f, 0.98f},
                    0.24f,
                    {0.40f, 0.34f, 0.25f}},
};

struct vec3 backdrop_colour(const struct shot *shot, float u, float v, float pixel)
{
    struct vec3 key = v3_unit(v3(shot->light_x, shot->light_y, 1));
    struct spot s =
        spot_make(shot->seed, 100 + shot->place, grades[shot->light].hours, key, u, v, pixel);
    s.wall = shot->place == PLACE_COLOUR ? srgb(wall_colours[shot->wall]) : v3(1, 1, 1);
    places[shot->place](&s);
    float x = u - 0.5f, y = v - 0.45f, far = minf(2.2f * (x * x + y * y), 1);
    struct vec3 tint = grades[shot->light].tint;
    if (shot->place == PLACE_COLOUR) /* paint has to keep its name */
        tint = v3_mix(tint, v3(tint.y, tint.y, tint.y), 0.65f);
    s.colour = v3_mul(s.colour, v3_scale(tint, 1 - grades[shot->light].vignette * far));
    s.u = u;
    glow(&s, 0.5f, 0.36f, 0.62f, v3_mul(grades[shot->light].behind, s.wall));
    return v3_min(s.colour, 1.1f);
}
