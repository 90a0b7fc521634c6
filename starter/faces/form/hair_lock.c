// SPDX-License-Identifier: Apache-2.0
/* Locks: a lock is a flat tapering tube along a guide, and the guide is grown. From its root it
 * takes steps in the direction it is combed, laid along whatever is below it; a step that ends
 * closer to the ground than its layer allows is pushed out along the distance's gradient, one that
 * stands off the head is drawn in. Waves and curls are wound round the finished guide, so that they
 * do not disturb the combing.
 */
#include "hair.h"
#include "solid.h"

/* Distance to everything hair lies on. */
static float gap_at(const struct hair *h, struct vec3 p, bool face)
{
    const struct body *b = h->b;
    float d = head_distance(b, p);
    if (p.y < -0.7f)
        d = minf(d, trunk_distance(b, p) - 0.01f);
    if (h->style->covers && !h->tuck[p.x > 0] && fabsf(p.x) > 0.45f && fabsf(p.z) < 0.7f)
        d = solid_join(d, solid_ellipsoid(p, h->ear[p.x > 0], v3(0.12f, 0.26f, 0.20f)), 0.12f);
    if (!face && p.z > 0) /* a guard before the face, which frames it */
        d = minf(d, solid_ellipsoid(p, v3(0, -0.30f, 0.90f), v3(0.82f * b->width, 0.75f, 0.62f)) -
                        0.8f * h->style->curl);
    return d;
}

float hair_ground(const struct hair *h, struct vec3 p, bool face, struct vec3 *normal)
{
    const float e = 0.012f;
    float d = gap_at(h, p, face);
    *normal = v3_unit(v3(gap_at(h, v3(p.x + e, p.y, p.z), face) - d,
                         gap_at(h, v3(p.x, p.y + e, p.z), face) - d,
                         gap_at(h, v3(p.x, p.y, p.z + e), face) - d));
    return d;
}

/* The direction combed at p, along the ground with normal n. */
static struct vec3 combed(const struct hair *h,
                          const struct strand *s,
                          struct vec3 p,
                          struct vec3 n)
{
    const struct comb *c = &h->style->comb;
    struct vec3 f;
    if (h->style->tie && !s->face) {
        f = v3_unit(v3_sub(h->knot[s->side > 0], p));
    } else {
        float top = ramp(0.15f, 0.75f, p.y);
        struct vec3 away = v3_unit(v3_sub(p, v3(0, 0.9f, -0.45f)));
        f = v3(c->side * (float)s->side * top, -c->down, -c->back * ramp(-0.5f, 0.1f, p.y));
        f = v3_add(f, v3_add(v3_scale(away, c->whorl), v3_scale(n, c->out * mixf(0.15f, 1, top))));
        f = v3_add(f, v3_scale(s->lean, h->style->ragged));
        if (h->tuck[p.x > 0] && p.z > -0.42f && p.y > -0.4f)
            f.z -= 2.2f * ramp(0.35f, 0.6f, fabsf(p.x));
    }
    float in = v3_dot(f, n);
    return v3_unit(in < 0 ? v3_sub(f, v3_scale(n, in)) : f);
}

/* Height over the ground after a share t of the length: out of the skin at the root, up to the
 * lock's layer, and down again at the tip of short hair. */
static float layer(const struct hair *h, const struct strand *s, struct vec3 p, float t)
{
    float tuck = h->style->covers ? 1 : mixf(1, 0.4f, ramp(0.55f, 1, t));
    float risen = ramp(-0.05f, minf(0.3f * s->length, 0.25f), t * s->length);
    float high = h->style->shell + mixf(-0.012f, s->height * tuck, risen);
    return minf(high, hair_ceiling(h->b, p.y));
}

/* Below the jaw long hair falls before the shoulders or behind them, not out over them. */
static struct vec3 shoulder_fall(const struct hair *h,
                                 const struct strand *s,
                                 struct vec3 p,
                                 struct vec3 d)
{
    float low = ramp(-0.35f, -0.8f, p.y), own = 0.5f + s->lean.x; /* 0..1 */
    bool front = s->root.z > -0.25f - 0.2f * own && !h->tuck[p.x > 0];
    float wide = 0.52f + 0.30f * own;
    float in = p.x > 0 ? -ramp(wide, wide + 0.25f, p.x) : ramp(wide, wide + 0.25f, -p.x);
    float ahead = front ? 0.5f * ramp(0.50f, 0.15f, p.z) : -0.35f * ramp(-0.95f, -0.6f, p.z);
    return v3_unit(v3_add(d, v3_scale(v3(0.5f * in, -0.3f, ahead), low)));
}

static void guide_grow(const struct hair *h, const struct strand *s, struct lock *l)
{
    const struct hair_style *style = h->style;
    struct vec3 n, p = s->root, d;
    float step = s->length / (float)(style->points - 1);
    hair_ground(h, p, s->face, &n);
    d = v3_unit(
        v3_add(combed(h, s, p, n), v3_scale(n, 0.4f + 2 * style->comb.out * ramp(0, 0.6f, p.y))));
    for (l->n = 0; l->n < style->points; l->n++) {
        float t = step01(l->n, style->points), lie = ramp(-0.35f, 0.25f, p.y);
        float high = layer(h, s, p, t), gap = hair_ground(h, p, s->face, &n);
        if (gap < high && (l->n || style->comb.out < 0.5f))
            p = v3_add(p, v3_scale(n, high - gap));
        else if (gap > hair_ceiling(h->b, p.y))
            p = v3_sub(p, v3_scale(n, gap - hair_ceiling(h->b, p.y)));
        else if (style->comb.out < 0.5f)
            p = v3_sub(p, v3_scale(n, (gap - high) * 0.6f * lie));
        l->path[l->n] = p;
        l->face[l->n] = n;
        if (p.y < s->end && l->n > 2) { /* cut along a line */
            struct vec3 a = l->path[l->n - 1];
            l->path[l->n] = v3_mix(a, p, clampf((a.y - s->end) / (a.y - p.y + 1e-6f), 0.1f, 1));
            break;
        }
        if (style->tie && !s->face && v3_length(v3_sub(p, h->knot[s->side > 0])) < 0.13f)
            break;
        d = v3_unit(v3_mix(d, combed(h, s, p, n), style->stiff));
        if (style->covers && style->hem == 0)
            d = shoulder_fall(h, s, p, d);
        if (style->hem < 0) /* the ends turn in */
            d.x -= 0.5f * p.x * ramp(style->hem + 0.45f, style->hem, p.y);
        p = v3_add(p, v3_scale(d, step));
    }
    l->n = l->n < style->points ? l->n + 1 : style->points;
}

/* Winds the guide round itself: a helix of growing radius. */
static void guide_curl(const struct hair *h, const struct strand *s, struct lock *l)
{
    float way = 0, pitch = h->style->pitch;
    struct vec3 before = l->path[0];
    for (int i = 1; i < l->n; i++) {
        struct vec3 along = v3_sub(l->path[i], before);
        way += v3_length(along);
        before = l->path[i];
        struct vec3 side = v3_unit(v3_cross(l->face[i], v3_unit(along)));
        float a = s->phase + 2 * PI * way / pitch, r = s->curl * ramp(0, pitch, way);
        r = minf(r, maxf(hair_ceiling(h->b, before.y) * 0.7f, 0.01f));
        struct vec3 off = v3_add(v3_scale(side, sinf(a)), v3_scale(l->face[i], 0.8f * cosf(a)));
        l->path[i] = v3_add(before, v3_scale(off, r));
    }
}

/* Faces stay square to the path even where it runs along the normal. */
static void faces_square(struct lock *l)
{
    struct vec3 last = v3(0, 0, 0);
    for (int i = 0; i < l->n; i++) {
        int a = i ? i - 1 : 0, b = i < l->n - 1 ? i + 1 : i;
        struct vec3 along = v3_unit(v3_sub(l->path[b], l->path[a]));
        struct vec3 f = v3_add(l->face[i], v3_scale(last, 0.6f));
        f = v3_sub(f, v3_scale(along, v3_dot(f, along)));
        if (v3_dot(f, f) < 0.04f) {
            struct vec3 z = v3(0.3f, 0.2f, 1);
            f = v3_sub(z, v3_scale(along, v3_dot(z, along)));
        }
        last = l->face[i] = v3_unit(f);
    }
}

static void taper(struct lock *l, float width, float blunt)
{
    if (l->n < 2)
        return;
    for (int i = 0; i < l->n; i++) {
        float t = step01(i, l->n);
        float tip = sqrtf(maxf(1 - t * t * t, 0));
        l->radius[i] = width * (0.45f + 0.55f * ramp(-0.03f, 0.12f, t)) * mixf(blunt, 1, tip);
    }
}

void lock_shape(struct lock *l, struct vec3 middle, float width, float blunt)
{
    for (int i = 0; i < l->n; i++)
        l->face[i] = v3_unit(v3_sub(l->path[i], middle));
    faces_square(l);
    taper(l, width, blunt);
}

void lock_grow(const struct hair *h, const struct strand *s, struct lock *l)
{
    guide_grow(h, s, l);
    if (s->curl > 0)
        guide_curl(h, s, l);
    faces_square(l);
    taper(l, s->width, h->style->blunt);
}

void lock_add(struct hair *h, const struct lock *l, float flat, int mat)
{
    if (l->n < 3)
        return;
    struct tube t = {.path = l->path,
                     .radius = l->radius,
                     .n = l->n,
                     .sides = h->style->sides,
                     .flat = flat,
                     .face = l->face};
    model_tube(h->m, h->b, &t, h->joint, mat, h->tag++);
}
