// SPDX-License-Identifier: Apache-2.0
/* Pose from five points.
 *
 * A head far from the camera is seen in scaled orthographic projection: point = s·R₁₂·model + t,
 * R₁₂ the first two rows of its rotation. Least squares over the five points gives s·R₁₂ in closed
 * form (DeMenthon & Davis 1995, "Model-based object pose in 25 lines of code", first iteration of
 * POSIT); made orthonormal and completed by the cross product it is R. Four of the five points lie
 * nearly in one plane, so the nose alone tells yaw and pitch: good to some 5 degrees on real faces,
 * enough to compare before and after and to tell a profile. A landmarker's brows, eyes, nose, mouth
 * and chin stand in relief, and tell more. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/internal.h"

/* x right, y down, z to the viewer; the distance between the eyes is 1. x, y: the frontal face of
 * ArcFace's template; z: MediaPipe's canonical face. */
static const double five[5][3] = {
    {-0.5, 0, 0}, {0.5, 0, 0}, {0, 0.571, 0.556}, {-0.414, 1.155, 0.05}, {0.414, 1.155, 0.05}};

/* The same of what landmarkers find, in the units of its source: corners of brows, of eyes, of the
 * nose, of the mouth, middle of the lower lip, chin. Fourteen points of the anthropometric model of
 * ISR Coimbra (Martins & Batista), as head pose is mostly estimated by; x and y turned round. */
enum { RELIEF = 14 };
static const double relief[RELIEF][3] = {
    {-6.825897, -6.760612, 4.402142}, {-1.330353, -7.122144, 6.903745},
    {1.330353, -7.122144, 6.903745},  {6.825897, -6.760612, 4.402142},
    {-5.311432, -5.485328, 3.987654}, {-1.789930, -5.393625, 4.413414},
    {1.789930, -5.393625, 4.413414},  {5.311432, -5.485328, 3.987654},
    {-2.005628, -1.409845, 6.165652}, {2.005628, -1.409845, 6.165652},
    {-2.774015, 2.080775, 5.048531},  {2.774015, 2.080775, 5.048531},
    {0, 3.116408, 6.097667},          {0, 7.415691, 4.070434}};

/* Which landmarks these are; -1: the mark-up has none there. Others have too few of them. */
static const struct {
    int count;
    int at[RELIEF];
} mark_ups[] = {
    {66, {17, 21, 22, 26, 36, 39, 42, 45, 31, 35, 58, 62, -1, 8}},
    {68, {17, 21, 22, 26, 36, 39, 42, 45, 31, 35, 48, 54, 57, 8}},
    {98, {33, 38, 50, 46, 60, 64, 68, 72, 55, 59, 76, 82, 85, 16}},
    {468, {71, 107, 336, 301, 33, 133, 362, 263, 75, 305, 61, 291, 17, 152}},
    {478, {71, 107, 336, 301, 33, 133, 362, 263, 75, 305, 61, 291, 17, 152}},
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double out[3])
{
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        out[i] = a[j] * b[k] - a[k] * b[j];
    }
}

/* Solves m·out = v for symmetric m by Cramer's rule; the model makes m regular. */
static void solve(const double m[3][3], const double v[3], double out[3])
{
    double c[3][3];
    for (int i = 0; i < 3; i++)
        cross(m[(i + 1) % 3], m[(i + 2) % 3], c[i]);
    double det = dot(m[0], c[0]);
    for (int i = 0; i < 3; i++)
        out[i] = (c[0][i] * v[0] + c[1][i] * v[1] + c[2][i] * v[2]) / det;
}

/* The two rows of s·R₁₂, from n points of a model and where they are seen. */
static void fit_rows(const double (*model)[3], const float (*points)[2], int n, double rows[2][3])
{
    double middle[3] = {0}, moment[3][3] = {{0}}, mixed[2][3] = {{0}};
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 3; k++)
            middle[k] += model[i][k] / n;
    }
    for (int i = 0; i < n; i++) {
        double d[3];
        for (int k = 0; k < 3; k++)
            d[k] = model[i][k] - middle[k];
        for (int k = 0; k < 3; k++) {
            for (int l = 0; l < 3; l++)
                moment[k][l] += d[k] * d[l];
            mixed[0][k] += points[i][0] * d[k];
            mixed[1][k] += points[i][1] * d[k];
        }
    }
    solve((const double(*)[3])moment, mixed[0], rows[0]);
    solve((const double(*)[3])moment, mixed[1], rows[1]);
}

static void fit(struct lk_face *face, const double (*model)[3], const float (*points)[2], int n)
{
    double r[3][3];
    fit_rows(model, points, n, r);
    double a = sqrt(dot(r[0], r[0])), b = sqrt(dot(r[1], r[1]));
    face->yaw = face->pitch = face->roll = 0;
    if (!(a > 1e-9) || !(b > 1e-9))
        return;
    for (int k = 0; k < 3; k++)
        r[0][k] /= a, r[1][k] /= b;
    /* The nearest orthonormal pair: both rows turn by half of what is missing to a right angle. */
    double sum[3], difference[3];
    for (int k = 0; k < 3; k++)
        sum[k] = r[0][k] + r[1][k], difference[k] = r[0][k] - r[1][k];
    a = sqrt(dot(sum, sum)), b = sqrt(dot(difference, difference));
    if (!(a > 1e-9) || !(b > 1e-9))
        return;
    for (int k = 0; k < 3; k++) {
        r[0][k] = (sum[k] / a + difference[k] / b) * M_SQRT1_2;
        r[1][k] = (sum[k] / a - difference[k] / b) * M_SQRT1_2;
    }
    cross(r[0], r[1], r[2]);
    /* R = Rz(roll)·Ry(yaw)·Rx(pitch): the eyes' line carries the roll; column 3 is where the nose
     * points, turned back by the roll. */
    double roll = atan2(r[1][0], r[0][0]);
    double x = cos(roll) * r[0][2] + sin(roll) * r[1][2];
    double y = cos(roll) * r[1][2] - sin(roll) * r[0][2];
    const double degrees = 180 / M_PI;
    face->yaw = (float)(atan2(x, r[2][2]) * degrees);
    face->pitch = (float)(asin(fmax(-1, fmin(1, -y))) * degrees);
    face->roll = (float)(roll * degrees);
}

void lk__face_pose(struct lk_face *face)
{
    fit(face, five, (const float(*)[2])face->points, 5);
}

void lk__face_pose_in_relief(struct lk_face *face)
{
    double known[RELIEF][3];
    float seen[RELIEF][2];
    int n = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(mark_ups); i++) {
        if (mark_ups[i].count != face->landmarks.count)
            continue;
        for (int k = 0; k < RELIEF; k++) {
            if (mark_ups[i].at[k] < 0)
                continue;
            memcpy(known[n], relief[k], sizeof *known);
            memcpy(seen[n++], face->landmarks.point[mark_ups[i].at[k]], sizeof *seen);
        }
    }
    if (n)
        fit(face, (const double(*)[3])known, (const float(*)[2])seen, n);
    else
        lk__face_pose(face);
}
