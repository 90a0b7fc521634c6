// SPDX-License-Identifier: Apache-2.0
/* The scalp: a hairline that runs round the head, and a shell over everything above it, so that no
 * skin shines through between locks. Hairlines are elevations seen from the middle of the head, as
 * directions are what rays to its surface need.
 */
#include "hair.h"
#include "solid.h"

/* Forehead, temple, sideburn before the ear, over the ear, down behind it, nape. */
static const struct {
    float degrees, elevation;
} line[] = {{0, 50},  {20, 49.5f}, {38, 47},  {50, 39},   {60, 29},   {68, 18},  {73, 0},
            {84, -6}, {91, 12},    {112, 14}, {124, -18}, {150, -33}, {180, -36}};

float hair_line(const struct hair *h, float degrees)
{
    const struct body *b = h->b;
    float d = fabsf(degrees), e = line[0].elevation;
    for (size_t i = 0; i + 1 < COUNT_OF(line); i++)
        if (d >= line[i].degrees)
            e = mixf(line[i].elevation, line[i + 1].elevation,
                     clampf((d - line[i].degrees) / (line[i + 1].degrees - line[i].degrees), 0, 1));
    float man = b->look->gender == MAN ? 1 - b->child : 0, front = ramp(66, 40, d);
    float receding = man * ramp(0.42f, 1, b->old) * (float)(hash01(7, 3, h->seed) < 0.7f);
    e += front * h->style->line + 1.5f * b->id->g[G_FOREHEAD] * front;
    e += man * (2.5f + 11 * receding) * gauss(d - 34, 15) + 7 * receding * front;
    if (b->look->gender == WOMAN || b->child > 0.3f) /* no sideburns */
        e += 12 * gauss(d - 80, 7);
    return e;
}

struct vec3 hair_direction(float degrees, float elevation)
{
    return v3_heading(degrees * PI / 180, elevation * PI / 180);
}

float hair_ceiling(const struct body *b, float y)
{
    if (b->look->hat == HAT_NONE)
        return 9;
    return 0.015f + 0.6f * ramp(0.36f, -0.2f, y);
}

float hair_puff(const struct hair *h, float elevation, float degrees)
{
    float above = elevation - hair_line(h, degrees), side = ramp(40, 90, fabsf(degrees));
    float round = sqrtf(clampf((above + 3) / mixf(26, 40, side), 0, 1));
    return h->style->lift * (1 + 0.25f * h->b->look->volume) * round *
           (1 - 0.12f * ramp(60, 90, elevation));
}

void hair_shell(const struct hair *h)
{
    bool ball = h->style->ball;
    struct grid *g = grid_start(h->m, ball ? 44 : 22, ball ? 89 : 97, true);
    for (int k = 0; k < g->cols; k++) {
        float degrees = 360 * (float)k / (float)(g->cols - 1) - 180, low = hair_line(h, degrees);
        for (int r = 0; r < g->rows; r++) {
            float v = step01(r, g->rows);
            float elevation = mixf(90, low - (ball ? 3 : 1), v);
            struct vec3 dir = hair_direction(degrees, elevation);
            struct vec3 p = head_towards(h->b, dir);
            float up = h->style->shell;
            if (ball) {
                float fine = noise2(dir.x * 9 + dir.z * 7, dir.y * 9, h->seed);
                up = hair_puff(h, elevation, degrees) * (0.88f + 0.10f * fine);
            }
            if (h->b->look->hair == HAIR_BALD) /* under the skin but for the wreath */
                up -= 0.05f * maxf(ramp(0.05f, 0.2f, p.z), ramp(0.48f, 0.6f, p.y));
            up = minf(up, hair_ceiling(h->b, p.y)) * ramp(1, 0.9f, v) - 0.012f * ramp(0.9f, 1, v);
            g->p[r * g->cols + k] = v3_add(p, v3_scale(dir, up));
        }
    }
    model_grid(h->m, h->b, JOINT_HEAD, ball ? MAT_HAIR : MAT_SCALP, ball ? TAG_SHELL : SCALP_HAIR);
}
