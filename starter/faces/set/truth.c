// SPDX-License-Identifier: Apache-2.0
/* Ground truth: landmarks and box of a face, from the same curves that paint and geometry use, so
 * they are exact to the pixel. Occluded points are given all the same, as detectors do.
 */
#include "body.h"

static void truth_point(
    const struct canvas *c, const struct body *b, float x, float y, float out[2])
{
    struct vec3 p = canvas_project(c, pose_apply(&b->head, v3(x, y, body_front(b, x, y))));
    out[0] = (p.x + 0.5f) / (float)c->samples;
    out[1] = (p.y + 0.5f) / (float)c->samples;
}

static void dense_eye(
    const struct canvas *c, const struct body *b, int first, float side, float out[68][2])
{
    /* corner, two on the upper lid, corner, two on the lower lid; picture's left to right */
    static const float u[6] = {-1, -0.35f, 0.35f, 1, 0.35f, -0.35f};
    for (int i = 0; i < 6; i++) {
        float v = u[i] * side, dx = v * b->eye_w;
        float dy = i % 3 == 0 ? 0 : body_lid(b, v, i < 3);
        float px = dx - dy * b->eye_tilt, py = dy + dx * b->eye_tilt;
        truth_point(c, b, side * (b->eye_x + px), b->eye_y + py, out[first + i]);
    }
}

static void dense_mouth(const struct canvas *c, const struct body *b, float out[68][2])
{
    for (int i = 0; i < 7; i++) {
        float q = ((float)i - 3) / 3, arc = 1 - q * q, open = b->open * powf(arc, 0.7f);
        truth_point(c, b, q * b->mouth_w,
                    body_mouth(b, q) + open * 0.45f + b->lip_up * powf(arc, 0.75f), out[48 + i]);
    }
    for (int i = 0; i < 5; i++) {
        float q = (2 - (float)i) / 3, arc = 1 - q * q, open = b->open * powf(arc, 0.7f);
        truth_point(c, b, q * b->mouth_w,
                    body_mouth(b, q) - open * 0.75f - b->lip_low * powf(arc, 0.65f), out[55 + i]);
    }
    for (int i = 0; i < 8; i++) {
        float q = i < 5 ? ((float)i - 2) / 2.2f : (6 - (float)i) / 2.2f;
        float open = b->open * powf(maxf(1 - q * q, 0), 0.7f);
        truth_point(c, b, q * b->mouth_w, body_mouth(b, q) + (i < 5 ? open * 0.45f : -open * 0.75f),
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
        truth_point(c, b, side * (0.125f + 0.43f * t), body_brow(b, t), out[17 + i]);
    }
    for (int i = 0; i < 4; i++)
        truth_point(c, b, 0, mixf(b->eye_y, b->nose_y, (float)i / 3), out[27 + i]);
    for (int i = 0; i < 5; i++)
        truth_point(c, b, ((float)i - 2) * 0.062f * b->nose_w, b->nose_y - 0.09f, out[31 + i]);
    dense_eye(c, b, 36, -1, out);
    dense_eye(c, b, 42, 1, out);
    dense_mouth(c, b, out);
}

void truth_find(const struct canvas *c, const struct body *b, struct face_truth *t)
{
    truth_point(c, b, -b->eye_x, b->eye_y, t->points[0]);
    truth_point(c, b, b->eye_x, b->eye_y, t->points[1]);
    truth_point(c, b, 0, b->nose_y, t->points[2]);
    truth_point(c, b, -b->mouth_w * 0.97f, body_mouth(b, 0.97f), t->points[3]);
    truth_point(c, b, b->mouth_w * 0.97f, body_mouth(b, 0.97f), t->points[4]);
    dense_points(c, b, t->dense);
    t->box[0] = t->box[1] = 1e9f;
    t->box[2] = t->box[3] = -1e9f;
    for (int i = 0; i < 64; i++) { /* round the face: chin, cheeks, forehead */
        float a = 6.2831853f * (float)i / 64, s = sinf(a), p[2];
        float y = mixf(b->chin, 0.58f, 0.5f + 0.5f * cosf(a));
        float x = body_width(b, y) * 0.96f * copysignf(minf(1, 1.6f * fabsf(s)), s);
        truth_point(c, b, x, y, p);
        t->box[0] = minf(t->box[0], p[0]);
        t->box[1] = minf(t->box[1], p[1]);
        t->box[2] = maxf(t->box[2], p[0]);
        t->box[3] = maxf(t->box[3], p[1]);
    }
}
