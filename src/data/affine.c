// SPDX-License-Identifier: Apache-2.0
/* The algebra of affine maps.
 *
 * Umeyama's least squares over rotation, uniform scale and shift has a closed form in the plane.
 * With centred points p, q:
 *
 *   a = Σ p·q / Σ p·p      b = Σ p×q / Σ p·p      A = | a −b |   t = mean q − A mean p
 *                                                     | b  a |
 *
 * (Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI
 * 1991; its SVD only guards against reflections, which a and b cannot express.) */
#include "data/affine.h"

#include <math.h>
#include <stdbool.h>

static bool mean_of(const float (*points)[2], size_t n, double mean[2])
{
    mean[0] = mean[1] = 0;
    for (size_t i = 0; i < n; i++) {
        mean[0] += points[i][0] / (double)n;
        mean[1] += points[i][1] / (double)n;
    }
    return isfinite(mean[0]) && isfinite(mean[1]);
}

int lk_affine_similarity(const float (*from)[2],
                         const float (*to)[2],
                         size_t n,
                         struct lk_affine *out,
                         struct lk_error *err)
{
    double p0[2], q0[2], dot = 0, cross = 0, spread = 0;
    if (!mean_of(from, n, p0) || !mean_of(to, n, q0))
        return lk_fail(err, LK_E_INPUT, "a face's points are not finite numbers");
    for (size_t i = 0; i < n; i++) {
        double px = from[i][0] - p0[0], py = from[i][1] - p0[1];
        double qx = to[i][0] - q0[0], qy = to[i][1] - q0[1];
        dot += px * qx + py * qy;
        cross += px * qy - py * qx;
        spread += px * px + py * py;
    }
    double a = dot / spread, b = cross / spread;
    /* n < 2 and coinciding points leave 0/0 or a map onto one point. */
    if (!(hypot(a, b) > 1e-9) || !isfinite(a) || !isfinite(b))
        return lk_fail(err, LK_E_INPUT, "a face's points coincide: it cannot be aligned");
    *out = (struct lk_affine){
        {a, -b, q0[0] - a * p0[0] + b * p0[1], b, a, q0[1] - b * p0[0] - a * p0[1]}};
    return 0;
}

static double determinant(const struct lk_affine *a)
{
    return a->m[0] * a->m[4] - a->m[1] * a->m[3];
}

int lk_affine_invert(const struct lk_affine *a, struct lk_affine *out, struct lk_error *err)
{
    const double *m = a->m;
    double d = determinant(a);
    struct lk_affine r = {{m[4] / d, -m[1] / d, 0, -m[3] / d, m[0] / d, 0}};
    r.m[2] = -r.m[0] * m[2] - r.m[1] * m[5];
    r.m[5] = -r.m[3] * m[2] - r.m[4] * m[5];
    for (int i = 0; i < 6; i++) {
        if (!isfinite(r.m[i]))
            return lk_fail(err, LK_E_INPUT, "an alignment maps everything onto a line or a point");
    }
    *out = r;
    return 0;
}

void lk_affine_apply(const struct lk_affine *a, const float in[2], float out[2])
{
    double x = in[0], y = in[1];
    out[0] = (float)(a->m[0] * x + a->m[1] * y + a->m[2]);
    out[1] = (float)(a->m[3] * x + a->m[4] * y + a->m[5]);
}

double lk_affine_scale(const struct lk_affine *a)
{
    return sqrt(fabs(determinant(a)));
}
