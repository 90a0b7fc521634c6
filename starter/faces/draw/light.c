// SPDX-License-Identifier: Apache-2.0
/* Light: a key, a sky-to-ground ambient and a rim, with wrapped diffuse whose terminator is tinted
 * warm as light in skin is (after Green, GPU Gems 1, ch. 16), and depth darkening for soft
 * occlusion (Luft et al. 2006: a sample behind its blurred neighbourhood is darkened).
 */
#include "body.h"

static const struct {
    struct vec3 key, sky, ground, rim;
} lights[LIGHT_COUNT] = {
    [LIGHT_SOFT] = {{0.93f, 0.90f, 0.865f},
                    {0.40f, 0.42f, 0.46f},
                    {0.24f, 0.21f, 0.19f},
                    {0.35f, 0.37f, 0.42f}},
    [LIGHT_WARM] = {{1.10f, 0.91f, 0.70f},
                    {0.36f, 0.31f, 0.30f},
                    {0.26f, 0.19f, 0.14f},
                    {0.75f, 0.45f, 0.20f}},
    [LIGHT_DRAMATIC] = {{1.42f, 1.34f, 1.24f},
                        {0.085f, 0.09f, 0.11f},
                        {0.05f, 0.045f, 0.045f},
                        {0.6f, 0.62f, 0.72f}},
    [LIGHT_COOL] = {{0.82f, 0.92f, 1.06f},
                    {0.35f, 0.39f, 0.47f},
                    {0.19f, 0.20f, 0.24f},
                    {0.30f, 0.5f, 0.85f}},
};

static void blur_line(const float *in, float *out, int n, int stride, int radius)
{
    float sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += in[(i < 0 ? 0 : i < n ? i : n - 1) * stride];
    for (int i = 0; i < n; i++) {
        out[i * stride] = sum / (float)(2 * radius + 1);
        int add = i + radius + 1 < n ? i + radius + 1 : n - 1,
            drop = i - radius > 0 ? i - radius : 0;
        sum += in[add * stride] - in[drop * stride];
    }
}

/* c->depth [h,w] of the touched rectangle becomes the box-blurred depth; background counts as far.
 */
static void depth_blur(struct canvas *c)
{
    int w = c->x1 - c->x0, h = c->y1 - c->y0;
    int radius = (int)(c->scale * 0.09f);
    radius = radius < 1 ? 1 : radius;
    float *d = c->depth, *tmp = d + (size_t)c->side * (size_t)c->side;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const struct sample *s =
                &c->buffer[(size_t)(y + c->y0) * (size_t)c->side + (size_t)(x + c->x0)];
            d[y * w + x] = s->mat ? s->z : -1.2f;
        }
    for (int y = 0; y < h; y++)
        blur_line(d + y * w, tmp + y * w, w, 1, radius);
    for (int x = 0; x < w; x++)
        blur_line(tmp + x, d + x, h, w, radius);
}

static struct vec3 shade(const struct body *b,
                         const struct surface *o,
                         struct vec3 key_dir,
                         float soft)
{
    int kind = b->shot->light;
    struct vec3 n = o->normal;
    float l = v3_dot(n, key_dir), wrap = o->wrap;
    float diffuse = clampf((l + wrap) / (1 + wrap), 0, 1);
    diffuse *= 0.5f + 0.5f * diffuse;
    float red = o->hair ? 0 : 0.26f * gauss(l - 0.05f, 0.38f) * (wrap > 0.3f ? 1.0f : 0.3f);
    struct vec3 direct = v3_scale(lights[kind].key, diffuse);
    direct.x += red * 0.55f;
    direct.y += red * 0.10f;
    struct vec3 ambient = v3_mix(lights[kind].ground, lights[kind].sky, 0.5f + 0.5f * n.y);
    float occlusion = o->occlusion * soft;
    struct vec3 light =
        v3_add(v3_scale(direct, 0.35f + 0.65f * occlusion), v3_scale(ambient, occlusion));
    struct vec3 out = v3_mul(o->colour, light);
    struct vec3 half = v3_unit(v3_add(key_dir, v3(0, 0, 1)));
    float spec = maxf(v3_dot(n, half), 0);
    if (o->hair) {
        /* Kajiya-Kay with strands running down the surface */
        struct vec3 t = v3_unit(v3_cross(v3(n.z, 0, -n.x), n));
        float th = v3_dot(t, half);
        spec = powf(maxf(1 - th * th, 0), 24) * (0.3f + 0.7f * diffuse);
        struct vec3 tint = v3_add(v3_scale(o->colour, 1.6f), v3(0.06f, 0.06f, 0.06f));
        out = v3_add(out,
                     v3_scale(v3_mul(tint, lights[kind].key), spec * o->gloss * 1.5f * occlusion));
    } else {
        float s2 = spec * spec, s8 = s2 * s2 * s2 * s2;
        float amount = o->gloss * 0.45f * s8 + o->shine * s8 * s8 * s8;
        out = v3_add(out, v3_scale(lights[kind].key, amount * occlusion));
    }
    float edge = 1 - clampf(n.z, 0, 1);
    float rim = edge * edge * edge *
                clampf(0.5f - 0.9f * n.x * (key_dir.x > 0 ? 1.0f : -1.0f) + 0.4f * n.y, 0, 1);
    struct vec3 base = v3_add(o->colour, v3(0.10f, 0.10f, 0.10f));
    out = v3_add(out, v3_scale(v3_mul(base, lights[kind].rim), 1.4f * rim * soft));
    return v3_add(out, v3_scale(v3(1, 1, 1), o->glow * 0.9f));
}

static const uint8_t mask_of[] = {
    [MAT_NONE] = MASK_BACKGROUND, [MAT_HEAD] = MASK_SKIN,     [MAT_EAR] = MASK_EAR_NECK,
    [MAT_NECK] = MASK_EAR_NECK,   [MAT_HAIR] = MASK_HAIR,     [MAT_BEARD] = MASK_BEARD,
    [MAT_FRAME] = MASK_GLASSES,   [MAT_CLOTH] = MASK_CLOTHES, [MAT_COLLAR] = MASK_CLOTHES,
};

static struct vec3 sample_light(const struct body *b,
                                const struct sample *s,
                                struct vec3 key,
                                float blurred)
{
    struct surface o = {.normal = v3_unit(s->n), .occlusion = 1};
    if (o.normal.z < 0)
        o.normal.z = 0;
    switch (s->mat) {
    case MAT_HEAD:
    case MAT_EAR:
    case MAT_NECK:
        skin_paint(b, s, &o);
        break;
    case MAT_HAIR:
    case MAT_BEARD:
        hair_paint(b, s, &o);
        break;
    case MAT_FRAME:
        o.colour = b->look->glasses == GLASSES_ROUND ? v3(0.10f, 0.05f, 0.025f)
                                                     : v3(0.012f, 0.012f, 0.015f);
        o.shine = 0.6f;
        break;
    default:
        cloth_paint(b, s, &o);
        break;
    }
    float soft = 1 - clampf(1.3f * (blurred - s->z - 0.02f), 0, 0.62f);
    return shade(b, &o, key, soft);
}

void person_light(struct canvas *c, const struct body *b, uint8_t *mask)
{
    if (c->x0 >= c->x1 || c->y0 >= c->y1)
        return;
    depth_blur(c);
    struct vec3 key = v3_unit(v3(b->shot->light_x, b->shot->light_y, 1));
    int ss = c->samples, w = c->x1 - c->x0;
    float weight = 1.0f / (float)(ss * ss);
    for (int py = c->y0 / ss; py * ss < c->y1; py++)
        for (int px = c->x0 / ss; px * ss < c->x1; px++) {
            struct vec3 sum = v3(0, 0, 0);
            int hits = 0, count[7] = {0};
            for (int i = 0; i < ss * ss; i++) {
                int x = px * ss + i % ss, y = py * ss + i / ss;
                const struct sample *s = &c->buffer[(size_t)y * (size_t)c->side + (size_t)x];
                if (s->mat == MAT_NONE)
                    continue;
                struct vec3 light = sample_light(b, s, key, c->depth[(y - c->y0) * w + x - c->x0]);
                sum = v3_add(sum,
                             v3(minf(light.x, 1.15f), minf(light.y, 1.15f), minf(light.z, 1.15f)));
                hits++;
                count[mask_of[s->mat]]++;
            }
            if (!hits)
                continue;
            size_t at = (size_t)py * (size_t)c->size + (size_t)px;
            struct vec3 *dst = &c->linear[at];
            *dst = v3_add(v3_scale(*dst, 1 - (float)hits * weight), v3_scale(sum, weight));
            if (mask && hits * 2 >= ss * ss) {
                int best = 0;
                for (int k = 1; k < 7; k++)
                    best = count[k] > count[best] ? k : best;
                mask[at] = (uint8_t)best;
            }
        }
}
