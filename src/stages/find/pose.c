// SPDX-License-Identifier: Apache-2.0
/* Pose from five points.
 *
 * A head far from the camera is seen in scaled orthographic projection: point = s·R₁₂·model + t,
 * R₁₂ the first two rows of its rotation. Least squares over the five points gives s·R₁₂ in closed
 * form (DeMenthon & Davis 1995, "Model-based object pose in 25 lines of code", first iteration of
 * POSIT); made orthonormal and completed by the cross product it is R. Four of the five points lie
 * nearly in one plane, so the nose alone tells yaw and pitch: good to some 5 degrees on real faces,
 * enough to compare before and after and to tell a profile. */
#include <math.h>
#include <stddef.h>

#include "stages/find/internal.h"

/* x right, y down, z to the viewer; the distance between the eyes is 1. x, y: the frontal face of
 * ArcFace's template; z: MediaPipe's canonical face. */
static const double model[5][3] = {
    {-0.5, 0, 0}, {0.5, 0, 0}, {0, 0.571, 0.556}, {-0.414, 1.155, 0.05}, {0.414, 1.155, 0.05}};

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

/* The two rows of s·R₁₂. */
static void fit_rows(const float (*points)[2], double rows[2][3])
{
    double middle[3] = {0}, moment[3][3] = {{0}}, mixed[2][3] = {{0}};
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++)
            middle[k] += model[i][k] / 5;
    }
    for (int i = 0; i < 5; i++) {
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

void lk__face_pose(struct lk_face *face)
{
    double r[3][3];
    fit_rows((const float(*)[2])face->points, r);
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
