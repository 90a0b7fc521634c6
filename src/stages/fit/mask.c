// SPDX-License-Identifier: Apache-2.0
/* The soft mask of a face crop: FaceFusion's box, so that the crop's border never shows, and the
 * shape of a face, so that background and hair stay what they were; the minimum of both and of
 * whatever else knows better (occlusion, face parser).
 *
 * Box (FaceFusion 3, face_masker.py): b = int(w·0.5·blur); a border of max(b/2, 1, padding) is
 * zero; then a Gaussian of σ = b/4 with OpenCV's kernel of 2·round(4σ) + 1 taps and mirrored
 * borders. Both steps are separable, so the mask is the outer product of two profiles.
 *
 * Face: a superellipse |x/a|^2.5 + |y/b|^2.5 ≤ 1, squarer than an ellipse as jaws are, in the
 * face's own axes: the origin between the eyes, y towards the middle of the mouth. Lengths are
 * multiples of d, the distance from eyes to mouth, or of what the distance of the eyes says d
 * should be, whichever is greater: turned heads shorten one, nodding heads the other.
 *
 *              y = −0.95 d   middle of the forehead           eyes 0.865 d apart on a frontal face
 *      eyes    y = 0                                          (arcface_128 template)
 *      mouth   y = 1 d
 *      chin    y = 1.80 d                                     half width a = 1.05 d */
#include "stages/fit/mask.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/wide.h"

static const float forehead = -0.95f, chin = 1.80f, half_width = 1.05f;
static const float eyes_apart = 0.865f;
static const float squareness = 2.5f;

void lk_fit_mask_options_init(struct lk_fit_mask_options *options)
{
    *options = (struct lk_fit_mask_options){.blur = 0.3f, .feather = 0.3f, .grow = 1};
}

/* OpenCV's BORDER_REFLECT_101: -1 → 1, n → n − 2. */
static int mirror(int i, int n)
{
    if (n == 1)
        return 0;
    while (i < 0 || i >= n)
        i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

/* profile[n] = the box along one axis: 1 between the pads, blurred. */
static void box_profile(int n, int pad_low, int pad_high, float sigma, float *profile)
{
    int radius = (int)lrintf(4 * sigma);
    double total = 0;
    for (int k = -radius; k <= radius; k++)
        total += sigma > 0 ? exp(-0.5 * k * k / (sigma * sigma)) : 1;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = -radius; k <= radius; k++) {
            int at = mirror(i + k, n);
            if (at >= pad_low && at < n - pad_high)
                sum += sigma > 0 ? exp(-0.5 * k * k / (sigma * sigma)) : 1;
        }
        profile[i] = (float)(sum / total);
    }
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

int lk_fit_mask_box(int width,
                    int height,
                    const struct lk_fit_mask_options *options,
                    struct lk_mask **out,
                    struct lk_error *err)
{
    struct lk_mask *mask;
    int code = lk_mask_new(width, height, &mask, err);
    if (code)
        return code;
    size_t bytes = ((size_t)width + (size_t)height) * sizeof(float);
    float *profile = malloc(bytes);
    if (!profile) {
        lk_mask_free(mask);
        return lk_fail_memory(err, "the box mask", bytes);
    }
    int b = (int)((float)width * 0.5f * options->blur), border = larger(b / 2, 1);
    const float *pad = options->padding;
    float *across = profile, *down = profile + width;
    box_profile(width, larger(border, (int)((float)width * pad[3])),
                larger(border, (int)((float)width * pad[1])), (float)b * 0.25f, across);
    box_profile(height, larger(border, (int)((float)height * pad[0])),
                larger(border, (int)((float)height * pad[2])), (float)b * 0.25f, down);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++)
            mask->value[(size_t)y * (size_t)width + (size_t)x] = across[x] * down[y];
    }
    free(profile);
    *out = mask;
    return 0;
}

/* The face's own axes: p = origin + s·right + t·down, in units of d pixels. */
struct face_frame {
    float origin[2], right[2], down[2];
    float d;
};

static int face_frame(const float (*points)[2], struct face_frame *f, struct lk_error *err)
{
    float mouth[2], across[2];
    for (int k = 0; k < 2; k++) {
        f->origin[k] = (points[0][k] + points[1][k]) / 2;
        mouth[k] = (points[3][k] + points[4][k]) / 2;
        f->down[k] = mouth[k] - f->origin[k];
        across[k] = points[1][k] - points[0][k];
    }
    float length = hypotf(f->down[0], f->down[1]);
    f->d = fmaxf(length, hypotf(across[0], across[1]) / eyes_apart);
    if (!isfinite(f->d) || !isfinite(points[2][0] + points[2][1]) || length < 1)
        return lk_fail(err, LK_E_INPUT,
                       "face mask: the five points do not make a face (eyes to mouth %.1f pixels)",
                       (double)length);
    for (int k = 0; k < 2; k++)
        f->down[k] /= length;
    f->right[0] = f->down[1];
    f->right[1] = -f->down[0];
    return 0;
}

/* |v|^2.5, the squareness. */
static inline float squared(float v)
{
    return v * v * sqrtf(fabsf(v));
}

/* Radius of a point in the superellipse, to the power of the squareness: 0 at its centre, 1 on its
 * edge. */
static inline float shape_power(const struct face_frame *f, float x, float y, float grow)
{
    float dx = x - f->origin[0], dy = y - f->origin[1];
    float s = (dx * f->right[0] + dy * f->right[1]) / (f->d * half_width * grow);
    float t = (dx * f->down[0] + dy * f->down[1]) / f->d - (forehead + chin) / 2;
    t /= (chin - forehead) / 2 * grow;
    return squared(s) + squared(t);
}

static float shape_radius(const struct face_frame *f, float x, float y, float grow)
{
    return powf(shape_power(f, x, y, grow), 1 / squareness);
}

static float smooth_step(float x)
{
    x = fminf(fmaxf(x, 0), 1);
    return x * x * (3 - 2 * x);
}

/* A row of radii becomes one of mask: powers are needed between full and nothing alone. */
static void soften_row(float *row, int width, float feather)
{
    const float full = powf(fmaxf(1 - feather, 0), squareness);
    for (int x = 0; x < width; x++) {
        if (row[x] >= 1)
            row[x] = 0;
        else if (row[x] <= full)
            row[x] = 1;
        else
            row[x] = smooth_step((1 - powf(row[x], 1 / squareness)) / feather);
    }
}

LK_WIDE static void draw_shape(const struct face_frame *frame,
                               float grow,
                               float feather,
                               struct lk_mask *mask)
{
    for (int y = 0; y < mask->height; y++) {
        float *row = mask->value + (size_t)y * (size_t)mask->width;
        for (int x = 0; x < mask->width; x++)
            row[x] = shape_power(frame, (float)x, (float)y, grow);
        soften_row(row, mask->width, feather);
    }
}

int lk_fit_mask_face(int width,
                     int height,
                     const float (*points)[2],
                     const struct lk_fit_mask_options *options,
                     struct lk_mask **out,
                     struct lk_error *err)
{
    struct face_frame frame = {0};
    struct lk_mask *mask;
    int code = face_frame(points, &frame, err);
    if (code || (code = lk_mask_new(width, height, &mask, err)))
        return code;
    /* On a turned head the nose leaves the middle: all five points stay where the mask is full. */
    float grow = fmaxf(options->grow, 0.1f), feather = fmaxf(options->feather, 1e-3f);
    float full = fmaxf(1 - feather, 0.1f);
    for (int i = 0; i < 5; i++) {
        float r = shape_radius(&frame, points[i][0], points[i][1], grow);
        grow *= fmaxf(1, r / full);
    }
    draw_shape(&frame, grow, feather, mask);
    *out = mask;
    return 0;
}

void lk_fit_mask_seal(struct lk_mask *mask)
{
    float edge = 0;
    size_t w = (size_t)mask->width, h = (size_t)mask->height, n = w * h;
    for (size_t x = 0; x < w; x++)
        edge = fmaxf(edge, fmaxf(mask->value[x], mask->value[n - w + x]));
    for (size_t y = 0; y < h; y++)
        edge = fmaxf(edge, fmaxf(mask->value[y * w], mask->value[y * w + w - 1]));
    if (edge <= 0)
        return;
    float scale = edge < 1 ? 1 / (1 - edge) : 0;
    for (size_t i = 0; i < n; i++)
        mask->value[i] = fmaxf(0, (mask->value[i] - edge) * scale);
}

static int intersect_extra(struct lk_mask *mask,
                           const struct lk_mask *const *extra,
                           int n_extra,
                           struct lk_error *err)
{
    for (int i = 0; i < n_extra; i++) {
        if (extra[i]->width != mask->width || extra[i]->height != mask->height)
            return lk_fail(err, LK_E_INPUT,
                           "mask %d of the face is %dx%d, the crop %dx%d: they must be equal", i,
                           extra[i]->width, extra[i]->height, mask->width, mask->height);
        lk_mask_intersect(mask, extra[i]);
    }
    return 0;
}

int lk_fit_mask(int width,
                int height,
                const float (*points)[2],
                const struct lk_mask *const *extra,
                int n_extra,
                const struct lk_fit_mask_options *options,
                struct lk_mask **out,
                struct lk_error *err)
{
    struct lk_mask *mask = NULL, *face = NULL;
    int code = lk_fit_mask_box(width, height, options, &mask, err);
    if (code)
        return code;
    if ((code = lk_fit_mask_face(width, height, points, options, &face, err)))
        goto fail;
    lk_mask_intersect(mask, face);
    if ((code = intersect_extra(mask, extra, n_extra, err)))
        goto fail;
    lk_fit_mask_seal(mask);
    lk_mask_free(face);
    *out = mask;
    return 0;
fail:
    lk_mask_free(face);
    lk_mask_free(mask);
    return code;
}
