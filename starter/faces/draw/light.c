// SPDX-License-Identifier: Apache-2.0
/* Light: a key with shadows, ambient between sky and ground, and a rim from behind. On skin light
 * creeps past the terminator, the red most (after Green, GPU Gems 1, ch. 16); hair is lit along its
 * strands (Kajiya and Kay 1989); what lies behind its blurred neighbourhood is darker (depth
 * darkening, Luft et al. 2006), in two sizes.
 */
#include "draw.h"
#include "paint/paint.h"

static const struct light {
    struct vec3 key, sky, ground, rim;
    float rim_width; /* how far the rim reaches round */
} lights[LIGHT_COUNT] = {
    [LIGHT_SOFT] = {{0.92f, 0.88f, 0.83f},
                    {0.41f, 0.43f, 0.48f},
                    {0.29f, 0.25f, 0.23f},
                    {0.40f, 0.42f, 0.48f},
                    0.30f},
    [LIGHT_WARM] = {{1.12f, 0.87f, 0.61f},
                    {0.38f, 0.32f, 0.33f},
                    {0.34f, 0.24f, 0.18f},
                    {0.95f, 0.55f, 0.25f},
                    0.38f},
    [LIGHT_DRAMATIC] = {{1.55f, 1.44f, 1.32f},
                        {0.11f, 0.12f, 0.16f},
                        {0.07f, 0.06f, 0.065f},
                        {0.75f, 0.80f, 0.95f},
                        0.36f},
    [LIGHT_COOL] = {{0.84f, 0.95f, 1.10f},
                    {0.40f, 0.45f, 0.55f},
                    {0.24f, 0.25f, 0.30f},
                    {0.35f, 0.60f, 1.00f},
                    0.34f},
    [LIGHT_BACK] = {{0.52f, 0.47f, 0.42f},
                    {0.44f, 0.43f, 0.46f},
                    {0.34f, 0.29f, 0.26f},
                    {2.10f, 1.65f, 1.15f},
                    0.50f},
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

/* c->blurred [2][h,w] of the touched rectangle: the depth under boxes of two radii, in head units.
 * Background counts as a wall close behind. */
static void depth_blur(struct canvas *c)
{
    static const float radii[2] = {0.035f, 0.13f};
    const struct bounds *t = &c->touched;
    int w = t->x1 - t->x0, h = t->y1 - t->y0;
    size_t n = (size_t)c->side * (size_t)c->side;
    for (int k = 0; k < 2; k++) {
        int radius = (int)(c->view.scale * radii[k] + 0.5f);
        radius = radius < 1 ? 1 : radius;
        float *d = c->blurred + (size_t)k * n;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                size_t at = (size_t)(y + t->y0) * (size_t)c->side + (size_t)(x + t->x0);
                d[y * w + x] = c->seen[at] < 0 ? -1.2f : c->z[at];
            }
        for (int y = 0; y < h; y++)
            blur_line(d + y * w, c->scratch + y * w, w, 1, radius);
        for (int x = 0; x < w; x++)
            blur_line(c->scratch + x, d + x, h, w, radius);
    }
}

/* Diffuse light of the key: per channel a wrap that grows with softness, most for red, which also
 * creeps into shadows. */
static struct vec3 light_diffuse(const struct light *l,
                                 const struct surface *o,
                                 float nl,
                                 float lit)
{
    static const float creep[3] = {0.42f, 0.22f, 0.16f};
    float red = minf(1, lit + 0.12f * o->soft), out[3];
    for (int i = 0; i < 3; i++) {
        float wrap = 0.12f + o->soft * creep[i];
        float d = clampf((nl + wrap) / (1 + wrap), 0, 1);
        out[i] = d * (0.55f + 0.45f * d) * (i == 0 ? red : lit);
    }
    return v3(l->key.x * out[0], l->key.y * out[1], l->key.z * out[2]);
}

static struct vec3 light_gloss(
    const struct light *l, const struct surface *o, struct vec3 key, float nl, float lit)
{
    struct vec3 half = v3_unit(v3_add(key, v3(0, 0, 1)));
    if (o->hair) {
        float th = v3_dot(o->strand, half), s = sqrtf(maxf(1 - th * th, 0)), s4 = s * s * s * s;
        float s16 = s4 * s4 * s4 * s4, s64 = s16 * s16 * s16 * s16;
        float facing = ramp(-0.3f, 0.5f, nl);
        struct vec3 tint = v3_add(v3_scale(o->colour, 1.5f), v3(0.015f, 0.015f, 0.015f));
        struct vec3 wide = v3_scale(v3_mul(tint, l->key), 0.42f * s16 * facing * lit * o->shine);
        return v3_add(wide, v3_scale(l->key, 0.16f * s64 * facing * lit * o->shine));
    }
    float a = maxf(o->rough * o->rough, 0.01f), a2 = a * a, nh = maxf(v3_dot(o->normal, half), 0);
    float q = nh * nh * (a2 - 1) + 1, spread = a2 / (PI * q * q + 1e-6f);
    float facing = 1 - maxf(v3_dot(half, v3(0, 0, 1)), 0),
          fresnel = 0.04f + 0.96f * facing * facing * facing * facing * facing;
    return v3_scale(l->key, minf(spread * fresnel * o->shine * maxf(nl, 0) * lit, 1.6f));
}

/* lit: by the key; open: to ambient light; away: how far behind the surroundings lie, 0..1, which
 * only true outlines have. */
static struct vec3 shade(const struct light *l,
                         const struct surface *o,
                         struct vec3 key,
                         float lit,
                         float open,
                         float away)
{
    struct vec3 n = o->normal;
    float nl = v3_dot(n, key), occlusion = o->occlusion * open;
    struct vec3 ambient = v3_mix(l->ground, l->sky, 0.5f + 0.5f * n.y);
    /* light between dark places is tinted by what it bounced from */
    struct vec3 bounce = v3_mix(v3(1, 1, 1), v3_scale(o->colour, 1.0f / (o->colour.x + 0.05f)),
                                0.5f * o->soft * (1 - occlusion));
    struct vec3 light = v3_add(v3_scale(light_diffuse(l, o, nl, lit), 0.45f + 0.55f * occlusion),
                               v3_mul(v3_scale(ambient, occlusion), bounce));
    struct vec3 out = v3_mul(o->colour, light);
    out = v3_add(out, v3_scale(light_gloss(l, o, key, nl, lit), occlusion));
    float edge = clampf(1 - n.z, 0, 1),
          behind = clampf(0.45f - 0.9f * n.x * (key.x > 0 ? 1.0f : -1.0f) + 0.45f * n.y, 0, 1);
    float rim = ramp(1 - l->rim_width - 0.35f, 1.0f, edge) * behind * open * (0.15f + 0.85f * away);
    struct vec3 base = v3_add(v3_scale(o->colour, 0.9f), v3(0.05f, 0.05f, 0.05f));
    out = v3_add(out, v3_scale(v3_mul(base, l->rim), rim));
    return v3_add(out, v3_scale(v3(1, 1, 1), o->glow));
}

static paint_fn *const painters[MAT_COUNT] = {
    [MAT_HEAD] = skin_paint,      [MAT_EAR] = skin_paint,     [MAT_NECK] = skin_paint,
    [MAT_HAND] = skin_paint,      [MAT_EYE] = eye_paint,      [MAT_MOUTH] = mouth_paint,
    [MAT_TEETH] = teeth_paint,    [MAT_HAIR] = hair_paint,    [MAT_BEARD] = hair_paint,
    [MAT_SCALP] = scalp_paint,    [MAT_FRAME] = prop_paint,   [MAT_GLASS] = prop_paint,
    [MAT_METAL] = prop_paint,     [MAT_CLOTH] = cloth_paint,  [MAT_COLLAR] = cloth_paint,
    [MAT_SLEEVE] = cloth_paint,   [MAT_BUTTON] = cloth_paint, [MAT_HAT] = cloth_paint,
    [MAT_HAT_BAND] = cloth_paint,
};

static struct vec3 sample_light(
    const struct canvas *c, const struct body *b, int x, int y, uint8_t *mask)
{
    const struct bounds *in = &c->touched;
    struct vertex v;
    const struct triangle *t = sample_vertex(c, x, y, &v);
    struct surface o = {.normal = v.n, .strand = v.t, .occlusion = 1, .rough = 0.5f};
    if (o.normal.z < 0)
        o.normal = v3_unit(v3(o.normal.x, o.normal.y, 0));
    painters[t->mat](b, &v, t->mat, t->tag, &o);
    *mask = o.mask;
    size_t at = (size_t)(y - in->y0) * (size_t)(in->x1 - in->x0) + (size_t)(x - in->x0),
           n = (size_t)c->side * (size_t)c->side;
    float z = v.p.z, near = clampf(2.6f * (c->blurred[at] - z - 0.01f), 0, 0.45f),
          wide = clampf(1.5f * (c->blurred[n + at] - z - 0.02f), 0, 0.55f);
    float lit = shadow_at(c, v.p, v.n);
    float away = ramp(0.02f, 0.40f, z - c->blurred[n + at]);
    return shade(&lights[b->shot->light], &o, c->light[2], lit, (1 - near) * (1 - wide), away);
}

void person_light(struct canvas *c, const struct body *b)
{
    const struct bounds *t = &c->touched;
    if (t->x0 >= t->x1 || t->y0 >= t->y1)
        return;
    depth_blur(c);
    int ss = c->samples;
    float weight = 1.0f / (float)(ss * ss);
    for (int py = t->y0 / ss; py * ss < t->y1; py++)
        for (int px = t->x0 / ss; px * ss < t->x1; px++) {
            struct vec3 sum = v3(0, 0, 0);
            int hits = 0, best = 0;
            uint8_t count[MASK_COUNT] = {0};
            for (int i = 0; i < ss * ss; i++) {
                int x = px * ss + i % ss, y = py * ss + i / ss;
                if (c->seen[(size_t)y * (size_t)c->side + (size_t)x] < 0)
                    continue;
                uint8_t mask;
                struct vec3 light = sample_light(c, b, x, y, &mask);
                sum = v3_add(sum, v3_min(light, 1.2f)); /* one sample must not outshine a pixel */
                hits++;
                count[mask]++;
            }
            if (!hits)
                continue;
            size_t at = (size_t)py * (size_t)c->size + (size_t)px;
            struct vec3 *dst = &c->linear[at];
            *dst = v3_add(v3_scale(*dst, 1 - (float)hits * weight), v3_scale(sum, weight));
            for (int k = 1; k < MASK_COUNT; k++)
                best = count[k] > count[best] ? k : best;
            if (c->mask && hits * 2 >= ss * ss)
                c->mask[at] = (uint8_t)best;
        }
}
