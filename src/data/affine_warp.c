// SPDX-License-Identifier: Apache-2.0
/* Crop and paste-back.
 *
 * Both go from the pixels that are written to the place that they show. Where one written pixel
 * covers several of the read picture, k² points spread evenly over its footprint are averaged,
 * k = round(pixels covered along a side): a box filter that turns with the map. Engines of the
 * field take one bilinear sample, which aliases: a 512² face pasted at 100 pixels shows one pixel
 * in 25. */
#include <math.h>
#include <stdbool.h>

#include "data/affine.h"

enum { MAX_TAPS = 256 };

/* Where a sample falls: the upper left of four pixels, and the weights of right and lower ones. */
struct spot {
    int x, y;
    float fx, fy;
};

/* False where all four pixels lie outside width × height. */
static inline bool find_spot(double x, double y, int width, int height, struct spot *out)
{
    if (!(x > -1 && y > -1 && x < width && y < height))
        return false;
    const int x0 = (int)(x + 1) - 1, y0 = (int)(y + 1) - 1; /* floor of what is above −1 */
    *out = (struct spot){.x = x0, .y = y0, .fx = (float)(x - x0), .fy = (float)(y - y0)};
    return true;
}

static inline float load(const struct lk_picture *in, enum lk_pixel type, size_t at)
{
    return type == LK_PIXEL_F32 ? in->f32[at] : (float)in->u8[at];
}

/* sum[channels] += w · pixel (x, y), which counts as 0 outside. */
static inline void add_pixel(
    const struct lk_picture *in, enum lk_pixel type, int x, int y, float w, float sum[4])
{
    if (x < 0 || y < 0 || x >= in->width || y >= in->height)
        return;
    size_t at = ((size_t)y * (size_t)in->width + (size_t)x) * (size_t)in->channels;
    for (int c = 0; c < in->channels; c++)
        sum[c] += w * load(in, type, at + (size_t)c);
}

/* The same of all four pixels of a spot inside, in the same order. */
static inline void add_inside(const struct lk_picture *in,
                              enum lk_pixel type,
                              const struct spot *s,
                              float sum[4])
{
    const size_t step = (size_t)in->channels, row = (size_t)in->width * step;
    const size_t at = (size_t)s->y * row + (size_t)s->x * step;
    const float w[4] = {(1 - s->fx) * (1 - s->fy), s->fx * (1 - s->fy), (1 - s->fx) * s->fy,
                        s->fx * s->fy};
    for (size_t c = 0; c < step; c++)
        sum[c] =
            (((sum[c] + w[0] * load(in, type, at + c)) + w[1] * load(in, type, at + step + c)) +
             w[2] * load(in, type, at + row + c)) +
            w[3] * load(in, type, at + row + step + c);
}

static inline void add_sample(
    const struct lk_picture *in, enum lk_pixel type, double x, double y, float sum[4])
{
    struct spot s;
    if (!find_spot(x, y, in->width, in->height, &s))
        return;
    if (s.x >= 0 && s.y >= 0 && s.x + 1 < in->width && s.y + 1 < in->height) {
        add_inside(in, type, &s, sum);
        return;
    }
    add_pixel(in, type, s.x, s.y, (1 - s.fx) * (1 - s.fy), sum);
    add_pixel(in, type, s.x + 1, s.y, s.fx * (1 - s.fy), sum);
    add_pixel(in, type, s.x, s.y + 1, (1 - s.fx) * s.fy, sum);
    add_pixel(in, type, s.x + 1, s.y + 1, s.fx * s.fy, sum);
}

/* How many points along a side a footprint of `covered` pixels takes. */
static int taps_of(double covered)
{
    return covered < 1.5 ? 1 : covered > MAX_TAPS ? MAX_TAPS : (int)(covered + 0.5);
}

/* The offset of point i of k within a pixel, from its centre: −½ … ½. */
static inline double offset_of(int i, int k)
{
    return (i + 0.5) / k - 0.5;
}

/* back: crop → picture. Inlined once per type, so that the type is a constant inside. */
static inline __attribute__((always_inline)) void crop_all(const struct lk_picture *in,
                                                           enum lk_pixel type,
                                                           const struct lk_affine *back,
                                                           int k,
                                                           struct lk_picture *out)
{
    const double *m = back->m;
    float unit = (type == LK_PIXEL_F32 ? 1.0f : 255.0f) * (float)(k * k), *to = out->f32;
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++, to += out->channels) {
            float sum[4] = {0};
            for (int i = 0; i < k * k; i++) {
                double u = x + offset_of(i % k, k), v = y + offset_of(i / k, k);
                add_sample(in, type, m[0] * u + m[1] * v + m[2], m[3] * u + m[4] * v + m[5], sum);
            }
            for (int c = 0; c < out->channels; c++)
                to[c] = sum[c] / unit;
        }
    }
}

static int crop(const struct lk_picture *in,
                const struct lk_affine *to_crop,
                int width,
                int height,
                bool smooth,
                struct lk_picture **out,
                struct lk_error *err)
{
    struct lk_affine back;
    struct lk_picture *picture;
    int code = lk_affine_invert(to_crop, &back, err);
    if (!code)
        code = lk_picture_new(width, height, in->channels, LK_PIXEL_F32, &picture, err);
    if (code)
        return code;
    int k = smooth ? taps_of(lk_affine_scale(&back)) : 1;
    if (in->type == LK_PIXEL_F32)
        crop_all(in, LK_PIXEL_F32, &back, k, picture);
    else
        crop_all(in, LK_PIXEL_U8, &back, k, picture);
    *out = picture;
    return 0;
}

int lk_affine_crop(const struct lk_picture *in,
                   const struct lk_affine *to_crop,
                   int width,
                   int height,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    return crop(in, to_crop, width, height, true, out, err);
}

int lk_affine_crop_bilinear(const struct lk_picture *in,
                            const struct lk_affine *to_crop,
                            int width,
                            int height,
                            struct lk_picture **out,
                            struct lk_error *err)
{
    return crop(in, to_crop, width, height, false, out, err);
}

static float mask_at(const struct lk_mask *mask, int x, int y)
{
    if (x < 0 || y < 0 || x >= mask->width || y >= mask->height)
        return 0;
    return mask->value[(size_t)y * (size_t)mask->width + (size_t)x];
}

static float mask_sample(const struct lk_mask *mask, const struct spot *s)
{
    float top = mask_at(mask, s->x, s->y) * (1 - s->fx) + mask_at(mask, s->x + 1, s->y) * s->fx;
    float low =
        mask_at(mask, s->x, s->y + 1) * (1 - s->fx) + mask_at(mask, s->x + 1, s->y + 1) * s->fx;
    return top * (1 - s->fy) + low * s->fy;
}

float lk_mask_sample(const struct lk_mask *mask, float x, float y)
{
    struct spot s;
    return find_spot(x, y, mask->width, mask->height, &s) ? mask_sample(mask, &s) : 0;
}

/* sum += w · crop at the spot. At the rim the crop's outermost pixels go on: black from outside
 * must not show through a mask that is not yet 0 there. */
static void add_crop(const struct lk_picture *crop, const struct spot *s, float w, float sum[4])
{
    int x0 = s->x < 0 ? 0 : s->x, y0 = s->y < 0 ? 0 : s->y;
    int x1 = s->x + 1 >= crop->width ? crop->width - 1 : s->x + 1;
    int y1 = s->y + 1 >= crop->height ? crop->height - 1 : s->y + 1;
    add_pixel(crop, LK_PIXEL_F32, x0, y0, w * (1 - s->fx) * (1 - s->fy), sum);
    add_pixel(crop, LK_PIXEL_F32, x1, y0, w * s->fx * (1 - s->fy), sum);
    add_pixel(crop, LK_PIXEL_F32, x0, y1, w * (1 - s->fx) * s->fy, sum);
    add_pixel(crop, LK_PIXEL_F32, x1, y1, w * s->fx * s->fy, sum);
}

/* One canvas pixel: keep·canvas + Σ w·crop / k², keep = 1 − Σw/k², or 1 where the crop is a change.
 */
static void paste_pixel(float *pixel,
                        int x,
                        int y,
                        const struct lk_picture *crop,
                        const struct lk_mask *mask,
                        const struct lk_affine *to_crop,
                        bool is_change,
                        int k)
{
    const double *m = to_crop->m;
    float sum[4] = {0}, weight = 0;
    for (int i = 0; i < k * k; i++) {
        double u = x + offset_of(i % k, k), v = y + offset_of(i / k, k);
        struct spot s;
        if (!find_spot(m[0] * u + m[1] * v + m[2], m[3] * u + m[4] * v + m[5], crop->width,
                       crop->height, &s))
            continue;
        float w = mask_sample(mask, &s);
        if (w <= 0)
            continue;
        weight += w;
        add_crop(crop, &s, w, sum);
    }
    if (!(weight > 0))
        return;
    const float n = (float)(k * k), keep = is_change ? 1 : 1 - weight / n;
    for (int c = 0; c < crop->channels; c++)
        pixel[c] = keep * pixel[c] + sum[c] / n;
}

struct box {
    int x0, y0, x1, y1; /* x1, y1 outside */
};

/* The canvas pixels that the crop, one pixel wider on every side, can reach. */
static struct box reach(const struct lk_affine *back,
                        const struct lk_picture *crop,
                        const struct lk_picture *canvas)
{
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {-INFINITY, -INFINITY};
    for (int i = 0; i < 4; i++) {
        double x = i & 1 ? crop->width : -1, y = i & 2 ? crop->height : -1;
        for (int j = 0; j < 2; j++) {
            double v = back->m[3 * j] * x + back->m[3 * j + 1] * y + back->m[3 * j + 2];
            lo[j] = fmin(lo[j], v - 1);
            hi[j] = fmax(hi[j], v + 2);
        }
    }
    return (struct box){
        (int)fmax(fmin(lo[0], canvas->width), 0), (int)fmax(fmin(lo[1], canvas->height), 0),
        (int)fmax(fmin(hi[0], canvas->width), 0), (int)fmax(fmin(hi[1], canvas->height), 0)};
}

static int paste(struct lk_picture *canvas,
                 const struct lk_picture *crop,
                 const struct lk_mask *mask,
                 const struct lk_affine *to_crop,
                 bool is_change,
                 struct lk_error *err)
{
    if (canvas->type != LK_PIXEL_F32 || crop->type != LK_PIXEL_F32 ||
        canvas->channels != crop->channels)
        return lk_fail(err, LK_E_FAILED, "paste-back takes float pictures of the same channels");
    if (mask->width != crop->width || mask->height != crop->height)
        return lk_fail(err, LK_E_FAILED, "paste-back: the mask is %dx%d, but the crop is %dx%d",
                       mask->width, mask->height, crop->width, crop->height);
    struct lk_affine back;
    int code = lk_affine_invert(to_crop, &back, err);
    if (code)
        return code;
    struct box box = reach(&back, crop, canvas);
    int k = taps_of(lk_affine_scale(to_crop));
    for (int y = box.y0; y < box.y1; y++) {
        float *row = canvas->f32 + (size_t)y * (size_t)canvas->width * (size_t)canvas->channels;
        for (int x = box.x0; x < box.x1; x++)
            paste_pixel(row + (size_t)x * (size_t)canvas->channels, x, y, crop, mask, to_crop,
                        is_change, k);
    }
    return 0;
}

int lk_affine_paste(struct lk_picture *canvas,
                    const struct lk_picture *crop,
                    const struct lk_mask *mask,
                    const struct lk_affine *to_crop,
                    struct lk_error *err)
{
    return paste(canvas, crop, mask, to_crop, false, err);
}

int lk_affine_add(struct lk_picture *canvas,
                  const struct lk_picture *change,
                  const struct lk_mask *mask,
                  const struct lk_affine *to_crop,
                  struct lk_error *err)
{
    return paste(canvas, change, mask, to_crop, true, err);
}
