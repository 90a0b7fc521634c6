/* SPDX-License-Identifier: MIT */
/*
 * A picture from its description: backdrop, then each person drawn, lit and laid over it, then
 * sRGB.
 */
#include <string.h>

#include "body.h"

#define FACE_SPAN 1.72f /* chin to hairline in head space */
#define FACE_MIDDLE -0.14f

static void
truth_point(const struct canvas *c, const struct body *b, float x, float y, float out[2])
{
    struct vec3 p = canvas_project(c, pose_apply(&b->head, v3(x, y, body_front(b, x, y))));
    out[0] = (p.x + 0.5f) / (float)c->samples;
    out[1] = (p.y + 0.5f) / (float)c->samples;
}

static float mouth_line(const struct body *b, float q)
{
    return b->mouth_y + b->smile * 0.055f * (q * q - 0.35f);
}

static void
dense_eye(const struct canvas *c, const struct body *b, int first, float side, float out[68][2])
{
    /* corner, two on the upper lid, corner, two on the lower lid; picture's left to right */
    static const float u[6] = {-1, -0.35f, 0.35f, 1, 0.35f, -0.35f};
    for (int i = 0; i < 6; i++) {
        float v = u[i] * side, arc = 1 - v * v;
        float dy = i == 0 || i == 3 ? 0
                   : i < 3          ? b->eye_h * powf(arc, 0.62f)
                                    : -b->eye_h * 0.62f * powf(arc, 0.8f);
        float dx = v * b->eye_w;
        float px = dx - dy * b->eye_tilt, py = dy + dx * b->eye_tilt;
        truth_point(c, b, side * (b->eye_x + px), b->eye_y + py, out[first + i]);
    }
}

static void dense_mouth(const struct canvas *c, const struct body *b, float out[68][2])
{
    for (int i = 0; i < 7; i++) {
        float q = ((float)i - 3) / 3, arc = 1 - q * q, open = b->open * powf(arc, 0.7f);
        truth_point(c, b, q * b->mouth_w,
                    mouth_line(b, q) + open * 0.45f + b->lip_up * powf(arc, 0.75f), out[48 + i]);
    }
    for (int i = 0; i < 5; i++) {
        float q = (2 - (float)i) / 3, arc = 1 - q * q, open = b->open * powf(arc, 0.7f);
        truth_point(c, b, q * b->mouth_w,
                    mouth_line(b, q) - open * 0.75f - b->lip_low * powf(arc, 0.65f), out[55 + i]);
    }
    for (int i = 0; i < 8; i++) {
        float q = i < 5 ? ((float)i - 2) / 2.2f : (6 - (float)i) / 2.2f;
        float open = b->open * powf(fmaxf(1 - q * q, 0), 0.7f);
        truth_point(c, b, q * b->mouth_w, mouth_line(b, q) + (i < 5 ? open * 0.45f : -open * 0.75f),
                    out[60 + i]);
    }
}

static void dense_points(const struct canvas *c, const struct body *b, float out[68][2])
{
    for (int i = 0; i < 17; i++) {
        float a = ((float)i - 8) / 8, y = mixf(b->chin + 0.02f, 0.02f, powf(fabsf(a), 1.35f));
        float w = body_width(b, y) * (0.55f + 0.43f * fabsf(a));
        truth_point(c, b, i == 8 ? 0 : copysignf(w, a), y, out[i]);
    }
    for (int i = 0; i < 10; i++) {
        float side = i < 5 ? -1.0f : 1.0f, t = i < 5 ? (4 - (float)i) / 4 : ((float)i - 5) / 4;
        float line = b->brow_y +
                     b->brow_arch * (1 - 4 * (t - 0.62f) * (t - 0.62f)) * ramp(1.4f, 0.4f, t) +
                     b->brow_tilt * (t - 0.5f) - 0.05f;
        truth_point(c, b, side * (0.125f + 0.43f * t), line, out[17 + i]);
    }
    for (int i = 0; i < 4; i++)
        truth_point(c, b, 0, mixf(b->eye_y, b->nose_y, (float)i / 3), out[27 + i]);
    for (int i = 0; i < 5; i++)
        truth_point(c, b, ((float)i - 2) * 0.062f * b->nose_w, b->nose_y - 0.09f, out[31 + i]);
    dense_eye(c, b, 36, -1, out);
    dense_eye(c, b, 42, 1, out);
    dense_mouth(c, b, out);
}

static void truth_find(const struct canvas *c, const struct body *b, struct face_truth *t)
{
    truth_point(c, b, -b->eye_x, b->eye_y, t->points[0]);
    truth_point(c, b, b->eye_x, b->eye_y, t->points[1]);
    truth_point(c, b, 0, b->nose_y, t->points[2]);
    truth_point(c, b, -b->mouth_w * 0.97f, mouth_line(b, 0.97f), t->points[3]);
    truth_point(c, b, b->mouth_w * 0.97f, mouth_line(b, 0.97f), t->points[4]);
    dense_points(c, b, t->dense);
    t->box[0] = t->box[1] = 1e9f;
    t->box[2] = t->box[3] = -1e9f;
    for (int i = 0; i < 64;
         i++) { /* the outline of the face: chin to forehead, visible part of the sides */
        float a = 6.2831853f * (float)i / 64, y = mixf(b->chin, 0.58f, 0.5f + 0.5f * cosf(a));
        float p[2];
        truth_point(c, b,
                    body_width(b, y) * 0.96f * copysignf(1, sinf(a)) *
                        fminf(1, 1.6f * fabsf(sinf(a))),
                    y, p);
        t->box[0] = fminf(t->box[0], p[0]);
        t->box[1] = fminf(t->box[1], p[1]);
        t->box[2] = fmaxf(t->box[2], p[0]);
        t->box[3] = fmaxf(t->box[3], p[1]);
    }
}

static void
person_draw(struct canvas *c, const struct person *p, uint8_t *mask, struct face_truth *truth)
{
    struct body b;
    body_make(&b, p);
    c->scale = p->shot.height * (float)c->side / FACE_SPAN;
    c->ox = p->shot.cx * (float)c->side;
    c->oy = p->shot.cy * (float)c->side + FACE_MIDDLE * c->scale;
    b.shading = 1.0f / c->scale;
    canvas_clear(c);
    head_draw(c, &b);
    beard_draw(c, &b); /* uses the head's grid */
    ears_draw(c, &b);
    hair_draw(c, &b);
    glasses_draw(c, &b);
    clothes_draw(c, &b);
    person_light(c, &b, mask);
    if (truth)
        truth_find(c, &b, truth);
}

static void to_srgb(const struct canvas *c, uint8_t *rgb)
{
    size_t n = (size_t)c->size * (size_t)c->size;
    const float *in = &c->linear[0].x;
    for (size_t i = 0; i < n * 3; i++) {
        float v = clampf(in[i], 0, 4);
        v = v < 0.7f ? v : 0.7f + 0.3f * (1 - expf(-(v - 0.7f) / 0.3f)); /* soft shoulder */
        rgb[i] = (uint8_t)(powf(v, 1 / 2.2f) * 255 + 0.5f);
    }
}

void canvas_render(struct canvas *c,
                   const struct picture *p,
                   uint8_t *rgb,
                   uint8_t *mask,
                   struct face_truth *truth)
{
    float unit = 1.0f / (float)c->size;
    for (int y = 0; y < c->size; y++)
        for (int x = 0; x < c->size; x++) {
            float u = ((float)x + 0.5f) * unit, v = ((float)y + 0.5f) * unit;
            c->linear[(size_t)y * (size_t)c->size + (size_t)x] =
                p->people ? backdrop_colour(&p->person[0].shot, u, v)
                          : scene_colour(p->scene, p->seed, u, v);
        }
    if (mask)
        memset(mask, MASK_BACKGROUND, (size_t)c->size * (size_t)c->size);
    for (int i = 0; i < p->people; i++)
        person_draw(c, &p->person[i], mask, truth ? &truth[i] : NULL);
    to_srgb(c, rgb);
}
