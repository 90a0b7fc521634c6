// SPDX-License-Identifier: Apache-2.0
/* The crop is the alignment's similarity at the network's side. Where it would enlarge the face
 * (scale > 1) and there is an upscaler, the part of the picture that it shows is first upscaled by
 * super-resolution and the crop is taken from there: the network then sees detail where
 * interpolation has none. */
#include "stages/refine/crop.h"

#include <math.h>

/* A face must be this much smaller than the crop before super-resolution is worth its time. */
static const double upscale_from = 1.05;
/* Picture pixels around the crop that are upscaled with it, so that its rim is sampled inside. */
static const int margin = 4;

void lk_refined_free(struct lk_refined *refined)
{
    lk_picture_free(refined->before);
    lk_picture_free(refined->crop);
    refined->before = refined->crop = NULL;
}

/* The picture's rectangle under the crop, with the margin; false when none of it is inside. */
struct rectangle {
    int left, top, width, height;
};

static bool rectangle_of(const struct lk_affine *from_crop,
                         int side,
                         const struct lk_picture *picture,
                         struct rectangle *out)
{
    float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        const float corner[2] = {i & 1 ? (float)side : -1, i & 2 ? (float)side : -1};
        float at[2];
        lk_affine_apply(from_crop, corner, at);
        for (int k = 0; k < 2; k++) {
            low[k] = fminf(low[k], at[k]);
            high[k] = fmaxf(high[k], at[k]);
        }
    }
    const float size[2] = {(float)picture->width, (float)picture->height};
    int from[2], to[2];
    for (int k = 0; k < 2; k++) {
        from[k] = (int)fminf(fmaxf(floorf(low[k]) - (float)margin, 0), size[k]);
        to[k] = (int)fminf(fmaxf(ceilf(high[k]) + 1 + (float)margin, 0), size[k]);
        if (from[k] >= to[k])
            return false;
    }
    *out = (struct rectangle){from[0], from[1], to[0] - from[0], to[1] - from[1]};
    return true;
}

/* picture: f32 or u8 → its rectangle as f32 RGB. */
static int cut_out(const struct lk_picture *picture,
                   const struct rectangle *r,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    const size_t channels = (size_t)picture->channels;
    int code = lk_picture_new(r->width, r->height, 3, LK_PIXEL_F32, out, err);
    for (int y = 0; y < r->height && !code; y++) {
        size_t from = ((size_t)(r->top + y) * (size_t)picture->width + (size_t)r->left) * channels;
        float *to = (*out)->f32 + (size_t)y * (size_t)r->width * 3;
        for (int x = 0; x < r->width; x++, from += channels, to += 3) {
            for (size_t c = 0; c < 3; c++)
                to[c] = picture->type == LK_PIXEL_F32 ? picture->f32[from + c]
                                                      : (float)picture->u8[from + c] / 255;
        }
    }
    return code;
}

/* The crop out of the upscaled surroundings. Pixel centres are whole numbers, so that picture x
 * lies at (x − left + ½)·n − ½ in what is upscaled n times. */
static int crop_upscaled(const struct lk_picture *picture,
                         const struct lk_affine *to_crop,
                         const struct rectangle *r,
                         int side,
                         const lk_upscaler *upscaler,
                         const struct lk_watch *watch,
                         struct lk_picture **out,
                         struct lk_error *err)
{
    struct lk_picture *part = NULL, *large = NULL;
    const double n = lk_upscaler_factor(upscaler);
    const double shift[2] = {r->left - 0.5 + 0.5 / n, r->top - 0.5 + 0.5 / n};
    struct lk_affine from_large = *to_crop; /* to_crop after x = X / n + shift */
    for (int k = 0; k < 2; k++) {
        double *m = from_large.m + 3 * k;
        m[2] += m[0] * shift[0] + m[1] * shift[1];
        m[0] /= n;
        m[1] /= n;
    }
    int code = cut_out(picture, r, &part, err);
    if (!code)
        code = lk_upscale(upscaler, part, NULL, watch, &large, err);
    if (!code)
        code = lk_affine_crop(large, &from_large, side, side, out, err);
    lk_picture_free(part);
    lk_picture_free(large);
    return code;
}

int lk__crop_face(const struct lk_picture *picture,
                  const struct lk_face *face,
                  enum lk_align align,
                  int side,
                  const lk_upscaler *upscaler,
                  const struct lk_watch *watch,
                  struct lk_refined *out,
                  struct lk_error *err)
{
    struct lk_affine from_crop;
    struct rectangle r;
    int code = lk_align_face((const float(*)[2])face->points, align, side, &out->to_crop, err);
    if (!code)
        code = lk_affine_invert(&out->to_crop, &from_crop, err);
    if (code)
        return code;
    if (!rectangle_of(&from_crop, side, picture, &r))
        return lk_fail(err, LK_E_INPUT, "face %d lies outside the picture", face->index);
    out->upscaled = upscaler && lk_upscaler_factor(upscaler) > 1 &&
                    lk_affine_scale(&out->to_crop) > upscale_from;
    if (out->upscaled)
        return crop_upscaled(picture, &out->to_crop, &r, side, upscaler, watch, &out->before, err);
    struct lk_picture *part = NULL; /* RGB, whatever the picture has */
    if ((code = cut_out(picture, &r, &part, err)))
        return code;
    struct lk_affine from_part = out->to_crop;
    for (int k = 0; k < 2; k++) {
        double *m = from_part.m + 3 * k;
        m[2] += m[0] * r.left + m[1] * r.top;
    }
    code = lk_affine_crop(part, &from_part, side, side, &out->before, err);
    lk_picture_free(part);
    return code;
}

/* Where pixel (x, y) of the small picture lies in the crop. */
static size_t place_of(struct lk__comb comb, int x, int y, const struct lk_picture *crop)
{
    return ((size_t)(comb.k * y + comb.b) * (size_t)crop->width + (size_t)(comb.k * x + comb.a)) *
           3;
}

void lk__planes_of_crop(const struct lk_picture *crop,
                        struct lk__comb comb,
                        int side,
                        const struct lk__range *range,
                        float *planes)
{
    const size_t plane = (size_t)side * (size_t)side;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++, planes++) {
            const float *from = crop->f32 + place_of(comb, x, y, crop);
            for (size_t c = 0; c < 3; c++)
                planes[c * plane] = (from[c] - range->mean[c]) * range->factor[c];
        }
    }
}

void lk__crop_of_planes(const float *planes,
                        struct lk__comb comb,
                        int side,
                        const struct lk__range *range,
                        struct lk_picture *crop)
{
    const size_t plane = (size_t)side * (size_t)side;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++, planes++) {
            float *to = crop->f32 + place_of(comb, x, y, crop);
            for (size_t c = 0; c < 3; c++)
                to[c] = fminf(fmaxf(planes[c * plane] * range->factor[c] + range->mean[c], 0), 1);
        }
    }
}
