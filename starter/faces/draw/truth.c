// SPDX-License-Identifier: Apache-2.0
/* Ground truth: landmarks and box of a face, from the same curves and solids that paint and form
 * use, so they are exact to the pixel. Hidden points are given all the same, as detectors do.
 */
#include "draw.h"

static void truth_place(const struct canvas *c, const struct body *b, struct vec3 p, float out[2])
{
    struct vec3 s = view_project(&c->view, body_place(b, JOINT_HEAD, p));
    out[0] = (s.x + 0.5f) / (float)c->samples;
    out[1] = (s.y + 0.5f) / (float)c->samples;
}

static void truth_point(
    const struct canvas *c, const struct body *b, float x, float y, float out[2])
{
    truth_place(c, b, head_front(b, x, y), out);
}

static void dense_eye(
    const struct canvas *c, const struct body *b, int first, float side, float out[68][2])
{
    /* corner, two on the upper lid, corner, two on the lower lid; picture's left to right */
    static const float u[6] = {-1, -0.35f, 0.35f, 1, 0.35f, -0.35f};
    for (int i = 0; i < 6; i++) {
        float v = u[i] * side, dx = v * b->eye_w;
        float dy = i % 3 == 0 ? 0 : body_lid(b, v, i < 3);
        float scale = 1 / (1 + b->eye_tilt * b->eye_tilt);
        float px = (dx - dy * b->eye_tilt) * scale, py = (dy + dx * b->eye_tilt) * scale;
        truth_point(c, b, side * (b->eye_x + px), b->eye_y + py, out[first + i]);
    }
}

static void dense_mouth(const struct canvas *c, const struct body *b, float out[68][2])
{
    for (int i = 0; i < 12; i++) { /* round the outside from the left corner over the top */
        float q = i < 7 ? ((float)i - 3) / 3 : (9 - (float)i) / 3;
        truth_point(c, b, q * b->mouth_w, body_lip(b, q, i < 7 ? LIP_TOP : LIP_BOTTOM),
                    out[48 + i]);
    }
    for (int i = 0; i < 8; i++) {
        float q = (i < 5 ? (float)i - 2 : 6 - (float)i) / 2.2f;
        truth_point(c, b, q * b->mouth_w, body_lip(b, q, i < 5 ? LIP_UPPER : LIP_LOWER),
                    out[60 + i]);
    }
}

/* The edge of the face from ear (-1) over the chin (0) to ear (1). */
static struct vec3 jaw_point(const struct body *b, float t)
{
    float a = t * 1.62f, at = fabsf(t);
    float rise = (b->chin + 0.99f) * (1 - at); /* short chins lie nearer */
    return head_towards(b, v3(sinf(a) * 0.92f, -cosf(a) + rise, mixf(0.50f, -0.02f, at)));
}

static void dense_points(const struct canvas *c, const struct body *b, float out[68][2])
{
    for (int i = 0; i < 17; i++)
        truth_place(c, b, jaw_point(b, ((float)i - 8) / 8), out[i]);
    for (int i = 0; i < 10; i++) {
        float side = i < 5 ? -1.0f : 1.0f, t = i < 5 ? (4 - (float)i) / 4 : ((float)i - 5) / 4;
        truth_point(c, b, side * (b->brow_gap + 0.43f * t), body_brow(b, t), out[17 + i]);
    }
    for (int i = 0; i < 4; i++)
        truth_point(c, b, 0, mixf(b->eye_y, b->nose_y, (float)i / 3), out[27 + i]);
    for (int i = 0; i < 5; i++)
        truth_point(c, b, ((float)i - 2) * 0.062f * b->nose_w,
                    b->shape.wing.y - b->shape.wing_r * 0.8f, out[31 + i]);
    dense_eye(c, b, 36, -1, out);
    dense_eye(c, b, 42, 1, out);
    dense_mouth(c, b, out);
}

void truth_find(const struct canvas *c, const struct body *b, struct face_truth *t)
{
    truth_point(c, b, -b->eye_x, b->eye_y, t->points[0]);
    truth_point(c, b, b->eye_x, b->eye_y, t->points[1]);
    truth_point(c, b, 0, b->nose_y, t->points[2]);
    truth_point(c, b, -b->mouth_w, body_mouth(b, 1), t->points[3]);
    truth_point(c, b, b->mouth_w, body_mouth(b, 1), t->points[4]);
    dense_points(c, b, t->dense);
    t->box[0] = t->box[1] = 1e9f;
    t->box[2] = t->box[3] = -1e9f;
    for (int i = 0; i < 64; i++) { /* round the face: chin, cheeks, forehead */
        float a = sector(i, 64), p[2];
        struct vec3 edge =
            sinf(a) < 0 ? jaw_point(b, 2 * (float)i / 64 - 1.5f)
                        : head_towards(b, v3(cosf(a), 0.60f * sinf(a), 0.25f + 0.35f * sinf(a)));
        truth_place(c, b, edge, p);
        t->box[0] = minf(t->box[0], p[0]);
        t->box[1] = minf(t->box[1], p[1]);
        t->box[2] = maxf(t->box[2], p[0]);
        t->box[3] = maxf(t->box[3], p[1]);
    }
}
