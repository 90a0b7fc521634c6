// SPDX-License-Identifier: Apache-2.0
/* The head as a function: cross sections w(y), front(y), back(y) closed at chin and crown, and
 * gaussian bumps along z for nose, brow, cheeks, lips and eyeballs. Because bumps move points along
 * z only, the surface at a given (x, y) has a closed form, and so every landmark is exact.
 */
#include "body.h"

static const float knots_y[6] = {-1.0f, -0.62f, -0.2f, 0.2f, 0.6f, 1.1f};
static const float knots_w[6] = {0.56f, 0.70f, 0.775f, 0.775f, 0.80f, 0.82f};

static struct pose pose_make(float yaw, float pitch, float roll, struct vec3 pivot)
{
    float cy = cosf(yaw), sy = sinf(yaw), cp = cosf(pitch), sp = sinf(pitch);
    float cr = cosf(roll), sr = sinf(roll);
    /* M = roll * yaw * pitch */
    float a[9] = {cy, -sy * sp, sy * cp, 0, cp, sp, -sy, -cy * sp, cy * cp};
    struct pose p = {.pivot = pivot};
    for (int k = 0; k < 3; k++) {
        p.m[k] = cr * a[k] + sr * a[3 + k];
        p.m[3 + k] = -sr * a[k] + cr * a[3 + k];
        p.m[6 + k] = a[6 + k];
    }
    return p;
}

static void body_features(struct body *b, const float *g)
{
    float kid = b->child;
    b->eye_x = 0.335f + 0.043f * g[G_EYE_GAP];
    b->eye_y = 0.03f + 0.035f * g[G_EYE_HEIGHT] - 0.06f * kid;
    b->eye_w = (0.178f + 0.020f * g[G_EYE_SIZE]) * (1 + 0.1f * kid);
    b->eye_h = (0.104f + 0.014f * g[G_EYE_SIZE] + 0.024f * g[G_EYE_OPEN]) * (1 + 0.14f * kid) *
               (1 - 0.12f * b->old) * (b->male > 0 ? 0.92f : 1.05f);
    b->eye_tilt = 0.04f + 0.11f * g[G_EYE_TILT];
    b->brow_y = b->eye_y + 0.235f + 0.045f * g[G_BROW_HEIGHT] - 0.015f * b->male;
    b->brow_t = 0.036f + 0.021f * g[G_BROW_THICK];
    b->brow_tilt = 0.055f * g[G_BROW_TILT] - 0.035f;
    b->brow_arch = 0.05f + 0.04f * g[G_BROW_ARCH];
    b->nose_y = -0.315f - 0.062f * g[G_NOSE_LENGTH] + 0.03f * kid;
    b->nose_w = (1 + 0.32f * g[G_NOSE_WIDTH]) * (1 - 0.1f * kid);
    b->nose_tip = (0.225f + 0.06f * g[G_NOSE_TIP]) * (1 - 0.25f * kid);
    b->nose_bridge = (0.055f + 0.05f * g[G_NOSE_BRIDGE]) * (1 - 0.5f * kid);
    b->mouth_y = -0.60f - 0.03f * g[G_MOUTH_HEIGHT] - 0.012f * g[G_NOSE_LENGTH] + 0.01f * kid;
    b->mouth_w = (0.265f + 0.055f * g[G_MOUTH_WIDTH]) * (1 - 0.1f * kid);
    b->lip_up = 0.050f + 0.022f * g[G_LIP_UPPER] - 0.012f * b->old;
    b->lip_low = 0.066f + 0.026f * g[G_LIP_LOWER] - 0.014f * b->old;
}

static void body_expression(struct body *b)
{
    static const struct {
        float smile, open, eye, brow, wider;
    } forms[EXPR_COUNT] = {
        {0.15f, 0, 1, 0, 1},
        {1, 0.035f, 0.9f, 0.01f, 1.13f},
        {1.1f, 0.13f, 0.72f, 0.03f, 1.18f},
        {-0.40f, 0, 0.92f, -0.03f, 0.97f},
        {-0.1f, 0.15f, 1.22f, 0.085f, 0.82f},
    };
    int e = b->shot->expression;
    b->smile = forms[e].smile;
    b->open = forms[e].open;
    b->eye_h *= forms[e].eye;
    b->brow_y += forms[e].brow;
    b->mouth_w *= forms[e].wider;
    if (e == EXPR_SERIOUS)
        b->brow_tilt += 0.075f;
    if (e == EXPR_SURPRISED)
        b->brow_arch += 0.02f;
}

void body_make(struct body *b, const struct person *p)
{
    *b = (struct body){.id = &p->id, .look = &p->look, .shot = &p->shot};
    const float *g = p->id.g;
    b->child = p->look.age == CHILD ? 1.0f : 0.0f;
    b->old = p->look.age == OLD ? 1.0f : p->look.age == MIDDLE_AGED ? 0.4f : 0.0f;
    b->male = p->id.gender == MAN ? 1.0f : 0.0f;
    b->width = (1 + 0.07f * g[G_FACE_WIDTH]) * (1 + 0.05f * b->child);
    b->top = 1.10f + 0.03f * g[G_FOREHEAD];
    float scale[6] = {(1 + 0.30f * g[G_CHIN_WIDTH]) * (1 + 0.06f * g[G_JAW_WIDTH]),
                      1 + 0.13f * g[G_JAW_WIDTH],
                      1 + 0.05f * g[G_CHEEKS],
                      1,
                      1 + 0.04f * g[G_FOREHEAD],
                      1};
    float male[6] = {1.12f, 1.05f, 1, 1, 1, 1}, kid[6] = {0.95f, 0.98f, 1.05f, 1.03f, 1.05f, 1.05f};
    for (int i = 0; i < 6; i++)
        b->w[i] = knots_w[i] * scale[i] * b->width * (b->male > 0 ? male[i] : 0.97f) *
                  mixf(1, kid[i], b->child);
    body_features(b, g);
    body_expression(b);
    b->chin = -1.0f - 0.07f * g[G_CHIN_LENGTH] + 0.07f * b->child - 0.03f * b->male -
              0.55f * maxf(b->open - 0.04f, 0);

    struct vec3 base = srgb(skin_tones[p->look.skin].rgb);
    b->skin = v3_scale(base, 1 + 0.10f * p->look.tone);
    b->lips = v3_mix(v3_mul(b->skin, v3(0.86f, 0.42f, 0.42f)), srgb(0xb8434d),
                     b->male > 0 ? 0.12f : 0.42f);
    b->hair = srgb(hair_colours[p->look.hair_colour].rgb);
    b->brow = v3_mix(v3_scale(b->hair, 0.55f), srgb(0x2a1c14), 0.35f);
    b->cloth = srgb(cloth_colours[p->look.clothes_colour].rgb);
    b->iris = srgb(eye_colours[p->id.eyes].rgb);
    const struct shot *s = b->shot;
    b->head = pose_make(s->yaw, s->pitch, s->roll, v3(0, -0.7f, -0.15f));
    b->neck = pose_make(s->yaw * 0.5f, s->pitch * 0.3f, s->roll * 0.6f, v3(0, -1.2f, -0.15f));
    b->torso = pose_make(s->yaw * 0.35f, 0, s->roll * 0.15f, v3(0, -1.5f, -0.15f));
}

float body_width(const struct body *b, float y)
{
    float middle = (b->top + b->chin) * 0.5f, half = (b->top - b->chin) * 0.5f;
    float t = clampf((y - middle) / half, -1, 1);
    int i = 0;
    while (i < 4 && y > knots_y[i + 1])
        i++;
    float w = mixf(b->w[i], b->w[i + 1], ramp(knots_y[i], knots_y[i + 1], y));
    return w * powf(maxf(1 - t * t, 0), 0.42f);
}

float body_mouth(const struct body *b, float q)
{
    return b->mouth_y + b->smile * 0.055f * (q * q - 0.35f);
}

float body_brow(const struct body *b, float t)
{
    return b->brow_y + b->brow_arch * (1 - 4 * (t - 0.62f) * (t - 0.62f)) * ramp(1.4f, 0.4f, t) +
           b->brow_tilt * (t - 0.5f) - 0.05f;
}

float body_lid(const struct body *b, float u, bool upper)
{
    float arc = maxf(1 - u * u, 0);
    return upper ? b->eye_h * powf(arc, 0.62f) * (1 - 0.10f * u)
                 : -b->eye_h * 0.62f * powf(arc, 0.8f);
}

static float closing(const struct body *b, float y)
{
    float middle = (b->top + b->chin) * 0.5f, half = (b->top - b->chin) * 0.5f;
    float t = clampf((y - middle) / half, -1, 1);
    return powf(maxf(1 - t * t, 0), 0.44f);
}

static float nose_bump(const struct body *b, float x, float y)
{
    float from = b->eye_y + 0.14f, tip = b->nose_y;
    float along = clampf((from - y) / (from - tip), 0, 1);
    float height =
        mixf(b->nose_bridge * ramp(from + 0.1f, from - 0.1f, y), b->nose_tip, along * along);
    if (y < tip)
        height = b->nose_tip * ramp(tip - 0.13f, tip - 0.01f, y);
    float width = mixf(0.085f, 0.125f, along) * b->nose_w;
    float ax = fabsf(x);
    return height * gauss(x, width) +
           0.085f * gauss2(ax - 0.115f * b->nose_w, 0.06f, y - (tip - 0.02f), 0.065f);
}

static float bumps(const struct body *b, float x, float y)
{
    float ax = fabsf(x), z = nose_bump(b, x, y);
    float dx = ax - b->eye_x, dy = y - b->eye_y;
    const float *g = b->id->g;
    z -= 0.10f * gauss2(dx + 0.03f, 0.22f, dy - 0.01f, 0.15f);
    z += 0.075f * gauss2(dx, 0.15f, dy, 0.105f);
    z += (0.035f + 0.02f * b->male) * gauss2(ax - 0.30f, 0.26f, y - b->brow_y + 0.02f, 0.08f);
    z += (0.035f + 0.03f * g[G_CHEEKS] + 0.03f * maxf(b->smile, 0)) *
         gauss2(ax - 0.40f, 0.17f, y + 0.25f, 0.16f);
    z += 0.06f * gauss2(x, 0.30f, y - b->mouth_y, 0.17f);
    float line = y - b->mouth_y - 0.05f * b->smile * (x / b->mouth_w) * (x / b->mouth_w);
    float along = 1 - ramp(0.6f, 1.05f, ax / b->mouth_w);
    z += along * (0.045f + 0.5f * b->lip_up) * 0.62f *
         gauss(line - b->open * 0.5f - b->lip_up * 0.6f, 0.05f);
    z += along * (0.045f + 0.5f * b->lip_low) * 0.75f *
         gauss(line + b->open * 0.5f + b->lip_low * 0.6f, 0.055f);
    z -= along * 0.03f * gauss(line, 0.02f + b->open * 0.4f);
    z -= 0.03f * gauss2(x, 0.18f, y - (b->mouth_y - b->open - 0.15f), 0.04f);
    z += (0.065f + 0.02f * b->male) *
         gauss2(x, 0.19f + 0.03f * g[G_CHIN_WIDTH], y - (b->chin + 0.14f), 0.11f);
    return z - 0.035f * gauss2(ax - 0.47f, 0.14f, y + 0.56f, 0.16f) * (1 - 0.6f * b->child);
}

struct section section_at(const struct body *b, float y)
{
    float centre = 0.30f * ramp(-0.25f, -1.05f, y), close = closing(b, y);
    float back = mixf(0.62f, 0.98f, ramp(-0.9f, 0.1f, y)) * close;
    return (struct section){y, body_width(b, y), 0.80f * close, back, centre};
}

/* sin_a: x over the half width; cos_a: negative at the back. */
static struct vec3 surface(const struct body *b, const struct section *s, float sin_a, float cos_a)
{
    float x = s->width * sin_a;
    if (cos_a < 0)
        return v3(x, s->y, s->centre + s->back * cos_a);
    float front = s->front * powf(cos_a, 0.85f);
    return v3(x, s->y, s->centre + front + bumps(b, x, s->y) * ramp(0.0f, 0.45f, cos_a));
}

float body_front(const struct body *b, float x, float y)
{
    struct section s = section_at(b, y);
    float t = clampf(x / maxf(s.width, 1e-3f), -1, 1);
    return surface(b, &s, t, sqrtf(1 - t * t)).z;
}

void head_draw(struct canvas *c, const struct body *b)
{
    struct grid *g = &c->grid;
    g->rows = 100;
    g->cols = 97;
    g->flip = -1;
    float middle = (b->top + b->chin) * 0.5f, half = (b->top - b->chin) * 0.5f;
    for (int r = 0; r < g->rows; r++) {
        float y = middle - half * cosf(3.14159265f * (float)r / (float)(g->rows - 1));
        struct section cut = section_at(b, y);
        for (int k = 0; k < g->cols; k++) {
            float t = 2 * (float)k / (float)(g->cols - 1) - 1; /* seam at the back */
            float a = 3.14159265f * (t * 0.62f + 0.38f * t * t * t);
            g->p[r * g->cols + k] = surface(b, &cut, sinf(a), cosf(a));
        }
    }
    grid_normals(g, true);
    grid_draw(c, g, &b->head, MAT_HEAD);
}

void ears_draw(struct canvas *c, const struct body *b)
{
    float size = (1 + 0.18f * b->id->g[G_EARS]) * (1 + 0.08f * b->old);
    for (int side = -1; side <= 1; side += 2) {
        float w = body_width(b, 0.0f);
        ball_draw(c, &b->head, v3((float)side * (w + 0.015f), -0.06f, -0.06f),
                  v3(0.075f * size, 0.185f * size, 0.115f * size), MAT_EAR);
        ball_draw(c, &b->head, v3((float)side * (w + 0.005f), -0.20f * size, 0.0f),
                  v3(0.05f * size, 0.07f * size, 0.06f), MAT_EAR);
    }
}

float beard_mask(const struct body *b, float x, float y)
{
    float ax = fabsf(x);
    int kind = b->look->beard;
    float lips_top = b->mouth_y + b->open * 0.5f + b->lip_up,
          lips_low = b->mouth_y - b->open * 0.5f - b->lip_low;
    float moustache = minf(0.03f + minf(b->nose_y - 0.115f - y, 0.03f), b->mouth_w + 0.03f - ax);
    moustache = minf(moustache, y - (lips_top - 0.035f - 0.35f * maxf(ax - 0.14f, 0)));
    if (kind == BEARD_MOUSTACHE)
        return moustache;
    float mouth =
        1 - (ax * ax) / ((b->mouth_w + 0.02f) * (b->mouth_w + 0.02f)) -
        powf((y - (lips_top + lips_low) * 0.5f) / ((lips_top - lips_low) * 0.5f + 0.012f), 2);
    if (kind == BEARD_GOATEE) {
        float ring = minf(0.30f - ax, b->nose_y - 0.13f - y);
        return minf(ring, -mouth * 0.1f);
    }
    float line = b->nose_y - 0.10f - 0.18f * ramp(0.2f, 0.34f, ax) + 0.55f * ramp(0.38f, 0.74f, ax);
    return minf(line - y, -mouth * 0.1f);
}

void beard_draw(struct canvas *c, const struct body *b)
{
    int kind = b->look->beard;
    if (kind == BEARD_NONE || kind == BEARD_STUBBLE)
        return;
    float thick = kind == BEARD_FULL ? 0.10f : 0.055f;
    struct grid *g = &c->grid; /* still the head */
    for (int i = 0; i < g->rows * g->cols; i++) {
        struct vec3 p = g->p[i];
        float m = p.z < -0.05f || p.y > 0.2f ? -1 : beard_mask(b, p.x, p.y);
        float off = m < 0 ? -0.05f : thick * ramp(-0.02f, 0.09f, m) - 0.006f;
        if (kind == BEARD_FULL && p.y < -0.75f && m > 0)
            off += 0.09f * ramp(-0.75f, -1.0f, p.y);
        if (m > 0)
            off += 0.010f * noise2(p.x * 22, p.y * 13, 5);
        g->p[i] = v3_add(p, v3_scale(g->n[i], off));
    }
    grid_normals(g, true);
    grid_draw(c, g, &b->head, MAT_BEARD);
}
