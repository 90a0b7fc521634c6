// SPDX-License-Identifier: Apache-2.0
/* The measures of a person: identity's numbers, age and expression become lengths in head space,
 * colours and poses. Growing up and old is continuous in years: children have large eyes, round
 * cheeks and small noses and jaws; with age noses and ears grow, lips thin and cheeks sink.
 */
#include "form.h"

/* First pitched, then turned, then rolled: m = roll * yaw * pitch; radians. */
static struct pose pose_make(float yaw, float pitch, float roll, struct vec3 pivot)
{
    float cy = cosf(yaw), sy = sinf(yaw), cp = cosf(pitch), sp = sinf(pitch);
    float cr = cosf(roll), sr = sinf(roll);
    float a[9] = {cy, -sy * sp, sy * cp, 0, cp, sp, -sy, -cy * sp, cy * cp};
    struct pose p = {.pivot = pivot};
    for (int k = 0; k < 3; k++) {
        p.m[k] = cr * a[k] + sr * a[3 + k];
        p.m[3 + k] = -sr * a[k] + cr * a[3 + k];
        p.m[6 + k] = a[6 + k];
    }
    return p;
}

static struct vec3 pose_apply(const struct pose *p, struct vec3 v)
{
    struct vec3 d = v3_sub(v, p->pivot);
    const float *m = p->m;
    return v3(p->pivot.x + m[0] * d.x + m[1] * d.y + m[2] * d.z,
              p->pivot.y + m[3] * d.x + m[4] * d.y + m[5] * d.z,
              p->pivot.z + m[6] * d.x + m[7] * d.y + m[8] * d.z);
}

struct vec3 body_place(const struct body *b, int joint, struct vec3 p)
{
    if (joint == JOINT_HEAD)
        return pose_apply(&b->head, p);
    struct vec3 trunk = pose_apply(&b->trunk, p);
    if (joint == JOINT_TRUNK)
        return trunk;
    return v3_mix(trunk, pose_apply(&b->head, p), ramp(-1.55f, -0.85f, p.y + 0.55f * (p.z + 0.2f)));
}

static void measure_eyes(struct body *b, const float *g)
{
    float kid = b->child;
    b->eye_x = (0.325f + 0.038f * g[G_EYE_GAP]) * (1 + 0.04f * kid);
    b->eye_y = 0.02f + 0.035f * g[G_EYE_HEIGHT] - 0.10f * kid;
    b->eye_w = (0.172f + 0.018f * g[G_EYE_SIZE]) * (1 + 0.13f * kid);
    b->eye_h = (0.095f + 0.012f * g[G_EYE_SIZE] + 0.018f * g[G_EYE_OPEN]) * (1 + 0.22f * kid) *
               (1 - 0.10f * b->old) * (1.06f - 0.12f * b->male);
    b->eye_tilt = 0.05f + 0.10f * g[G_EYE_TILT];
    b->eye_r = b->eye_w * 1.10f;
    b->brow_y = b->eye_y + 0.225f + 0.04f * g[G_BROW_HEIGHT] - 0.02f * b->male + 0.015f * kid;
    b->brow_t = (0.032f + 0.016f * g[G_BROW_THICK]) * (1 - 0.2f * kid);
    b->brow_tilt = 0.05f * g[G_BROW_TILT] - 0.03f;
    b->brow_arch = 0.05f + 0.035f * g[G_BROW_ARCH];
    b->brow_gap = 0.125f + 0.03f * g[G_BROW_GAP];
}

static void measure_features(struct body *b, const float *g)
{
    float kid = b->child;
    b->nose_y = -0.295f - 0.055f * g[G_NOSE_LENGTH] + 0.02f * kid - 0.02f * b->old;
    b->nose_w = (1 + 0.30f * g[G_NOSE_WIDTH]) * (1 - 0.20f * kid) * (1 + 0.08f * b->old);
    b->nose_tip = (0.20f + 0.05f * g[G_NOSE_TIP] + 0.015f * b->male) * (1 - 0.32f * kid);
    b->nose_bridge = (0.065f + 0.045f * g[G_NOSE_BRIDGE]) * (1 - 0.7f * kid);
    b->mouth_y = -0.575f - 0.03f * g[G_MOUTH_HEIGHT] - 0.012f * g[G_NOSE_LENGTH] + 0.035f * kid;
    b->mouth_w = (0.255f + 0.048f * g[G_MOUTH_WIDTH]) * (1 - 0.16f * kid);
    b->lip_up = 0.050f + 0.018f * g[G_LIP_UPPER] - 0.016f * b->old - 0.004f * kid;
    b->lip_low = 0.066f + 0.022f * g[G_LIP_LOWER] - 0.018f * b->old - 0.006f * kid;
    b->neck_r = (0.355f + 0.06f * b->male) * (1 - 0.14f * kid);
    b->shoulder = (1.30f + 0.22f * b->male) * (1 - 0.28f * kid);
}

/* The jaw's width, 1 for the middle of all women's. */
static float jaw_of(const struct body *b, const float *g)
{
    return 1 + 0.11f * g[G_JAW_WIDTH] + 0.05f * b->male - 0.06f * b->child;
}

static void measure_expression(struct body *b)
{
    static const struct {
        float smile, open, up, low, cheek, lift, brow, tilt, wider;
    } forms[EXPR_COUNT] = {
        [EXPR_NEUTRAL] = {0.12f, 0, 1, 1, 0, 0, 0, 0, 1},
        [EXPR_SMILE] = {0.85f, 0.030f, 0.92f, 0.85f, 0.6f, 0, 0.01f, 0, 1.10f},
        [EXPR_LAUGH] = {0.90f, 0.130f, 0.76f, 0.66f, 1, 0, 0.03f, 0, 1.13f},
        [EXPR_SERIOUS] = {-0.30f, 0, 0.90f, 0.95f, 0, -0.01f, -0.02f, 0.02f, 0.97f},
        [EXPR_SURPRISED] = {-0.05f, 0.150f, 1.22f, 1.12f, 0, 0.02f, 0.09f, 0, 0.80f},
        [EXPR_SAD] = {-0.75f, 0, 0.82f, 1, 0, 0.075f, 0, -0.03f, 0.94f},
        [EXPR_ANGRY] = {-0.55f, 0.012f, 0.84f, 0.9f, 0.1f, -0.07f, -0.055f, 0.03f, 0.98f},
    };
    int e = b->shot->expression;
    b->smile = forms[e].smile + 0.12f * b->id->g[G_MOUTH_CURVE];
    b->open = forms[e].open;
    b->lid_up = forms[e].up;
    b->lid_low = forms[e].low;
    b->cheek = forms[e].cheek;
    b->brow_lift = forms[e].lift;
    b->brow_y += forms[e].brow;
    b->brow_tilt += forms[e].tilt;
    /* A wide mouth in a narrow jaw would run round the corner. */
    b->mouth_w = minf(b->mouth_w * forms[e].wider, 0.36f * b->width * jaw_of(b, b->id->g));
}

/* Dyed hair does not dye the brows. */
static void measure_colours(struct body *b)
{
    const struct look *k = b->look;
    b->skin = v3_scale(srgb(skin_tones[k->skin]), 0.93f + 0.09f * k->tone);
    float rosy = (k->gender == WOMAN ? 0.42f : 0.14f) * (1 - 0.6f * b->child);
    b->lips = v3_mix(v3_mul(b->skin, v3(0.90f, 0.50f, 0.48f)), srgb(0xb8434d), rosy);
    b->hair = srgb(hair_colours[k->hair_colour]);
    bool dyed = k->hair_colour == HAIR_BLUE || k->hair_colour == HAIR_PINK;
    struct vec3 natural = dyed ? srgb(0x3a2a20) : b->hair;
    b->brow = v3_mix(v3_scale(natural, 0.55f), srgb(0x2a1c14), 0.35f);
    b->cloth = srgb(cloth_colours[k->clothes_colour]);
    b->hat = srgb(cloth_colours[k->hat_colour]);
    b->iris = srgb(eye_colours[b->id->eyes]);
}

/* Lumps of clay. Widths grow with the face's, features sit where they were measured. */
static void shape_make(struct body *b, const float *g)
{
    struct head_shape *s = &b->shape;
    float w = b->width, kid = b->child, man = b->male, old = b->old, jaw = jaw_of(b, g);
    float chin_y = b->chin + 0.145f, thin = 1 - 0.09f * old;
    s->skull = v3(0, 0.36f + 0.02f * g[G_FOREHEAD] + 0.03f * kid, -0.12f);
    s->skull_r = v3(0.785f * w * (1 + 0.03f * kid), 0.745f + 0.02f * kid, 0.90f);
    s->face = v3(0, 0.14f, 0.10f);
    s->face_r = v3(0.715f * w * (1 + 0.03f * g[G_FOREHEAD]), 0.84f, 0.665f);
    s->jaw = v3(0, -0.40f, 0.13f);
    s->jaw_r = v3(0.56f * w * jaw, 0.50f - 0.02f * kid, 0.565f);
    s->corner =
        v3(0.425f * w * jaw, -0.50f - 0.06f * g[G_JAW_ANGLE] - 0.03f * man + 0.03f * kid, 0.05f);
    s->corner_r = 0.165f + 0.015f * man;
    s->chin = v3(0, chin_y, 0.47f + 0.05f * g[G_CHIN_FORWARD] + 0.02f * man - 0.04f * kid);
    s->chin_r = v3((0.175f + 0.05f * g[G_CHIN_WIDTH] + 0.045f * man) * w, 0.150f, 0.185f);
    s->mandible = v3((0.08f + 0.045f * g[G_CHIN_WIDTH] + 0.045f * man) * w, chin_y + 0.005f,
                     s->chin.z - 0.06f);
    s->bone = v3(0.45f * w, -0.10f, 0.385f);
    s->bone_r = v3(0.20f + 0.02f * g[G_CHEEKBONES], 0.15f, 0.25f + 0.03f * g[G_CHEEKBONES]);
    s->cheek = v3(0.345f * w, -0.37f + 0.09f * b->cheek - 0.05f * old, 0.37f + 0.03f * b->cheek);
    float full = thin * (1 + 0.10f * g[G_CHEEKS] + 0.17f * kid + 0.06f * b->cheek);
    s->cheek_r = v3(0.255f * full, 0.26f * full, 0.29f * full);
    s->muzzle = v3(0, b->mouth_y + 0.02f, 0.46f);
    s->muzzle_r = v3(0.30f, 0.25f, 0.265f);
    s->brow_in = v3(0.12f, b->eye_y + 0.20f, 0.655f);
    s->brow_out = v3(0.47f * w, b->eye_y + 0.19f, 0.47f);
    s->brow_r = 0.085f + 0.022f * g[G_BROW_RIDGE] + 0.02f * man - 0.02f * kid;
    s->socket = v3(b->eye_x, b->eye_y + 0.02f, 0.80f);
    s->socket_r = v3(0.215f, 0.165f, 0.15f + 0.03f * g[G_EYE_DEPTH] + 0.015f * old);
    b->eye_z = 0.705f - b->eye_r - 0.02f * g[G_EYE_DEPTH] - 0.35f * maxf(b->eye_x - 0.29f, 0);
    s->eye = v3(b->eye_x, b->eye_y, b->eye_z);
    s->lid_r = b->eye_r + 0.022f;
    s->bridge = v3(0, b->eye_y + 0.06f, 0.655f + b->nose_bridge);
    s->bridge_r = 0.062f * (0.75f + 0.25f * b->nose_w);
    s->nose =
        v3(0, mixf(b->eye_y, b->nose_y, 0.55f),
           0.68f + b->nose_bridge + 0.28f * b->nose_tip + 0.035f * g[G_NOSE_HUMP] * (1 - kid));
    s->nose_r = 0.070f * (0.7f + 0.3f * b->nose_w);
    s->tip = v3(0, b->nose_y + 0.02f * g[G_NOSE_UP], 0.655f + b->nose_tip);
    s->tip_r = 0.088f * (0.75f + 0.25f * b->nose_w) * (1 - 0.06f * kid);
    s->wing = v3(0.098f * b->nose_w, b->nose_y - 0.035f + 0.015f * g[G_NOSTRILS],
                 0.60f + 0.68f * b->nose_tip);
    s->wing_r = 0.064f * (0.8f + 0.2f * b->nose_w) * (1 - 0.08f * kid);
    s->nostril = v3(0.054f * b->nose_w, b->nose_y - 0.098f + 0.025f * g[G_NOSE_UP],
                    0.635f + 0.74f * b->nose_tip);
    s->nostril_r = v3(0.034f * b->nose_w, 0.030f + 0.008f * g[G_NOSTRILS], 0.052f);
    s->neck_top = v3(0, -0.55f, -0.24f);
    s->neck_low = v3(0, -1.75f, -0.34f);
}

void body_make(struct body *b, const struct person *p)
{
    *b = (struct body){.id = &p->id, .look = &p->look, .shot = &p->shot};
    const float *g = p->id.g;
    float years = (float)p->look.years;
    b->child = powf(clampf((22 - years) / 16, 0, 1), 1.2f);
    b->old = powf(clampf((years - 20) / 58, 0, 1), 1.3f);
    b->male = (p->id.gender == MAN ? 1.0f : 0.0f) * (1 - 0.75f * b->child);
    b->width = (1 + 0.06f * g[G_FACE_WIDTH]) * (0.97f + 0.04f * b->male + 0.09f * b->child);
    b->top = 1.10f + 0.02f * g[G_FOREHEAD] + 0.04f * b->child;
    measure_eyes(b, g);
    measure_features(b, g);
    measure_expression(b);
    b->chin = -0.99f - 0.06f * g[G_CHIN_LENGTH] + 0.15f * b->child - 0.03f * b->male -
              0.75f * maxf(b->open - 0.03f, 0);
    measure_colours(b);
    shape_make(b, g);
    const struct shot *s = b->shot;
    b->head = pose_make(s->yaw, s->pitch, s->roll, v3(0, -0.75f, -0.22f));
    b->trunk = pose_make(s->yaw * 0.45f, 0, s->roll * 0.10f, v3(0, -1.6f, -0.22f));
    b->mouth_z = head_front(b, 0, b->mouth_y).z;
}

float body_mouth(const struct body *b, float q)
{
    float aq = fabsf(q), curve = 0.105f * b->smile * (1 - 0.25f * b->child);
    float bow = 0.010f * gauss(aq - 0.18f, 0.16f) - 0.008f * gauss(q, 0.12f);
    return b->mouth_y + curve * (aq * aq - 0.30f) + (b->open > 0.01f ? 0 : bow);
}

float body_lip(const struct body *b, float q, enum lip_edge edge)
{
    float arc = maxf(1 - q * q, 0), aq = fabsf(q), line = body_mouth(b, q);
    float open = b->open * powf(arc, 0.7f), upper = line + open * 0.45f,
          lower = line - open * 0.80f;
    float bow = 1 - (0.22f + 0.14f * b->id->g[G_LIP_BOW]) * gauss(q, 0.13f) +
                0.12f * gauss(aq - 0.26f, 0.2f);
    switch (edge) { /* a table would work out what is not asked for: this is called per sample */
    case LIP_TOP:
        return upper + b->lip_up * bow * powf(arc, 0.8f);
    case LIP_UPPER:
        return upper;
    case LIP_LOWER:
        return lower;
    case LIP_BOTTOM:
        break;
    }
    return lower - b->lip_low * powf(arc, 0.65f);
}

float body_brow(const struct body *b, float t)
{
    return b->brow_y + b->brow_arch * (1 - (2 * t - 1.15f) * (2 * t - 1.15f)) +
           b->brow_tilt * (2 * t - 1) + b->brow_lift * (1 - t) * (1 - 0.4f * t) - 0.05f * t * t;
}

float body_lid(const struct body *b, float u, bool upper)
{
    float a = maxf(1 - u * u, 0);
    if (upper)
        return b->eye_h * b->lid_up * powf(a, 0.62f) * (1 - 0.12f * u);
    return -b->eye_h * 0.72f * b->lid_low * powf(a, 0.75f) * (1 + 0.16f * u);
}

void body_eye(const struct body *b, float x, float y, float *dx, float *dy)
{
    float px = fabsf(x) - b->eye_x, py = y - b->eye_y;
    *dx = px + py * b->eye_tilt;
    *dy = py - px * b->eye_tilt;
}
