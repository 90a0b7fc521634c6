// SPDX-License-Identifier: Apache-2.0
/* After controlnet_aux's draw_bodypose and draw_facepose (OpenPose: Cao et al. 2019, arXiv
 * 1812.08008). Points are cut to whole pixels, angles to whole degrees, as there. */
#include "stages/diffuse/control/pose.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { THICKNESS = 4, JOINT = 4, DOT = 3 };

static const unsigned char COLOURS[LK_POSE_BODY][3] = {
    {255, 0, 0}, {255, 85, 0}, {255, 170, 0}, {255, 255, 0}, {170, 255, 0}, {85, 255, 0},
    {0, 255, 0}, {0, 255, 85}, {0, 255, 170}, {0, 255, 255}, {0, 170, 255}, {0, 85, 255},
    {0, 0, 255}, {85, 0, 255}, {170, 0, 255}, {255, 0, 255}, {255, 0, 170}, {255, 0, 85},
};

/* Limb i has colour i. */
static const int LIMBS[][2] = {
    {1, 2},  {1, 5},   {2, 3},   {3, 4}, {5, 6},  {6, 7},   {1, 8},  {8, 9},   {9, 10},
    {1, 11}, {11, 12}, {12, 13}, {1, 0}, {0, 14}, {14, 16}, {0, 15}, {15, 17},
};

void lk_pose_init(struct lk_pose *pose)
{
    for (int i = 0; i < LK_POSE_BODY; i++)
        pose->body[i][0] = pose->body[i][1] = NAN;
    for (int i = 0; i < LK_POSE_FACE; i++)
        pose->face[i][0] = pose->face[i][1] = NAN;
}

enum { LANDMARKS = 68 }; /* iBUG's, the first of OpenPose's face */

void lk_pose_of_face(const struct lk_face *face, struct lk_pose *out)
{
    /* of the face's five points */
    static const struct {
        int point, body, face;
    } PLACES[] = {{0, 14, 68}, {1, 15, 69}, {2, 0, 30}, {3, -1, 48}, {4, -1, 54}};
    lk_pose_init(out);
    if (face->landmarks.count == LANDMARKS)
        memcpy(out->face, face->landmarks.point, LANDMARKS * sizeof *out->face);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PLACES); i++) {
        const float *from = face->points[PLACES[i].point];
        memcpy(out->face[PLACES[i].face], from, sizeof *out->face);
        if (PLACES[i].body >= 0)
            memcpy(out->body[PLACES[i].body], from, sizeof *out->body);
    }
}

/* ---- drawing ---- */

struct canvas {
    struct lk_picture *picture;
    float across, down; /* from the picture's pixels to the canvas' */
    int *left, *right;  /* [height] the ellipse's pixels of each row */
};

/* false: not seen, or far outside. */
static bool place(const struct canvas *c, const float point[2], double out[2])
{
    out[0] = (double)point[0] * (double)c->across;
    out[1] = (double)point[1] * (double)c->down;
    return fabs(out[0]) < 1e5 && fabs(out[1]) < 1e5;
}

static void fill(const struct canvas *c, int y, int from, int to, const unsigned char colour[3])
{
    const int width = c->picture->width;
    if (y < 0 || y >= c->picture->height)
        return;
    for (int x = from < 0 ? 0 : from; x <= to && x < width; x++)
        memcpy(c->picture->u8 + 3 * ((size_t)y * width + x), colour, 3);
}

static void disc(const struct canvas *c, const double at[2], int r, const unsigned char colour[3])
{
    for (int dy = -r; dy <= r; dy++) {
        int dx = 0;
        while ((dx + 1) * (dx + 1) + dy * dy <= r * r)
            dx++;
        fill(c, (int)at[1] + dy, (int)at[0] - dx, (int)at[0] + dx, colour);
    }
}

static void reach(const struct canvas *c, int x, int y)
{
    if (y < 0 || y >= c->picture->height)
        return;
    c->left[y] = x < c->left[y] ? x : c->left[y];
    c->right[y] = x > c->right[y] ? x : c->right[y];
}

static void line(const struct canvas *c, const int a[2], const int b[2])
{
    const int dx = b[0] - a[0], dy = b[1] - a[1];
    const int n = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    for (int k = 0; k <= n; k++)
        reach(c, a[0] + (int)lrint(n ? (double)dx * k / n : 0),
              a[1] + (int)lrint(n ? (double)dy * k / n : 0));
}

/* A polygon of an edge a degree, as OpenCV's ellipse2Poly makes it: rows from its leftmost to its
 * rightmost pixel. */
static void ellipse(const struct canvas *c,
                    const int middle[2],
                    int half_length,
                    double angle,
                    const unsigned char colour[3])
{
    const double radian = 3.14159265358979323846 / 180;
    int last[2] = {0, 0};
    for (int y = 0; y < c->picture->height; y++) {
        c->left[y] = c->picture->width;
        c->right[y] = -1;
    }
    for (int t = 0; t <= 360; t++) {
        const double u = half_length * cos(t * radian), v = THICKNESS * sin(t * radian);
        const int at[2] = {
            (int)lrint(middle[0] + u * cos(angle * radian) - v * sin(angle * radian)),
            (int)lrint(middle[1] + u * sin(angle * radian) + v * cos(angle * radian)),
        };
        if (t)
            line(c, last, at);
        memcpy(last, at, sizeof last);
    }
    for (int y = 0; y < c->picture->height; y++)
        fill(c, y, c->left[y], c->right[y], colour);
}

static void limb(const struct canvas *c, const struct lk_pose *pose, size_t i)
{
    double a[2], b[2];
    unsigned char colour[3];
    if (!place(c, pose->body[LIMBS[i][0]], a) || !place(c, pose->body[LIMBS[i][1]], b))
        return;
    for (int k = 0; k < 3; k++)
        colour[k] = (unsigned char)(COLOURS[i][k] * 0.6);
    const double dx = a[0] - b[0], dy = a[1] - b[1];
    const int middle[2] = {(int)((a[0] + b[0]) / 2), (int)((a[1] + b[1]) / 2)};
    const double degrees = trunc(atan2(dy, dx) * 180 / 3.14159265358979323846);
    ellipse(c, middle, (int)(hypot(dx, dy) / 2), degrees, colour);
}

static void person(const struct canvas *c, const struct lk_pose *pose)
{
    static const unsigned char white[3] = {255, 255, 255};
    double at[2];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(LIMBS); i++)
        limb(c, pose, i);
    for (int i = 0; i < LK_POSE_BODY; i++)
        if (place(c, pose->body[i], at))
            disc(c, at, JOINT, COLOURS[i]);
    for (int i = 0; i < LK_POSE_FACE; i++)
        if (place(c, pose->face[i], at))
            disc(c, at, DOT, white);
}

int lk_pose_draw(const struct lk_pose *poses,
                 size_t n,
                 int seen_width,
                 int seen_height,
                 int width,
                 int height,
                 struct lk_picture **out,
                 struct lk_error *err)
{
    struct canvas c = {
        .across = (float)width / (float)seen_width,
        .down = (float)height / (float)seen_height,
        .left = malloc(2 * (size_t)height * sizeof *c.left),
    };
    int rc = c.left ? lk_picture_new(width, height, 3, LK_PIXEL_U8, &c.picture, err)
                    : lk_fail_memory(err, "a pose", 2 * (size_t)height * sizeof *c.left);
    if (!rc) {
        c.right = c.left + height;
        memset(c.picture->u8, 0, 3 * (size_t)width * (size_t)height);
        for (size_t i = 0; i < n; i++)
            person(&c, &poses[i]);
        *out = c.picture;
    }
    free(c.left);
    return rc;
}
