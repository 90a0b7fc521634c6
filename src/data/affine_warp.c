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
#include <stdint.h>
#include <string.h>

#include "base/parallel.h"
#include "base/wide.h"
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

/* A pixel as it is read, and what lies behind it where it has three channels. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t words __attribute__((vector_size(16)));
typedef uint16_t halves __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));

static inline four load_pixel(const struct lk_picture *in, enum lk_pixel type, size_t at)
{
    four pixel;
    int32_t word;
    if (type == LK_PIXEL_F32) {
        memcpy(&pixel, in->f32 + at, sizeof pixel);
        return pixel;
    }
    memcpy(&word, in->u8 + at, sizeof word);
    /* Zeros between its bytes, twice: a conversion of four bytes becomes four of one. */
    const bytes b = __builtin_shufflevector((bytes)(words){word}, (bytes){0}, 0, 16, 1, 17, 2, 18,
                                            3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const halves h = __builtin_shufflevector((halves)b, (halves){0}, 0, 8, 1, 9, 2, 10, 3, 11);
    return __builtin_convertvector((words)h, four);
}

/* Whether all four pixels of a spot lie inside, with one more behind them. */
static inline bool is_inside(const struct spot *s, int width, int height)
{
    return s->x >= 0 && s->y >= 0 && s->x + 2 < width && s->y + 1 < height;
}

/* sum + w·the four pixels of a spot inside, in the order of add_outside. */
static inline four add_inside(
    const struct lk_picture *in, enum lk_pixel type, const struct spot *s, float w, four sum)
{
    const size_t step = (size_t)in->channels, row = (size_t)in->width * step;
    const size_t at = (size_t)s->y * row + (size_t)s->x * step;
    sum += w * (1 - s->fx) * (1 - s->fy) * load_pixel(in, type, at);
    sum += w * s->fx * (1 - s->fy) * load_pixel(in, type, at + step);
    sum += w * (1 - s->fx) * s->fy * load_pixel(in, type, at + row);
    sum += w * s->fx * s->fy * load_pixel(in, type, at + row + step);
    return sum;
}

/* The same of a spot that lies partly outside. */
static four add_outside(const struct lk_picture *in,
                        enum lk_pixel type,
                        const struct spot *s,
                        four sum)
{
    float sums[4];
    memcpy(sums, &sum, sizeof sums);
    add_pixel(in, type, s->x, s->y, (1 - s->fx) * (1 - s->fy), sums);
    add_pixel(in, type, s->x + 1, s->y, s->fx * (1 - s->fy), sums);
    add_pixel(in, type, s->x, s->y + 1, (1 - s->fx) * s->fy, sums);
    add_pixel(in, type, s->x + 1, s->y + 1, s->fx * s->fy, sums);
    memcpy(&sum, sums, sizeof sums);
    return sum;
}

enum { PIECE = 64 }; /* pixels of a row whose spots are found together */

struct spots {
    int x[PIECE], y[PIECE];
    float fx[PIECE], fy[PIECE];
};

/* Where n pixels from number `first` on fall along one side, of so many pixels: at m·(pixel +
 * offset) + before + behind. What is beyond is put outside. */
static inline void find_line(double m,
                             int first,
                             double offset,
                             double before,
                             double behind,
                             int size,
                             int n,
                             int *at,
                             float *f)
{
    for (int i = 0; i < n; i++) {
        double p = m * (first + i + offset) + before + behind;
        p = p > -1 ? p : -2;
        p = p < size ? p : size;
        at[i] = (int)(p + 1) - 1; /* floor of what is not below −2 */
        f[i] = (float)(p - at[i]);
    }
}

/* sums [n] + what crop pixels (x, v), (x + 1, v) … show, at an offset along the row. */
static inline void add_samples(const struct lk_picture *in,
                               enum lk_pixel type,
                               const double *m,
                               int x,
                               double offset,
                               double v,
                               int n,
                               four *sums)
{
    struct spots spots;
    find_line(m[0], x, offset, m[1] * v, m[2], in->width, n, spots.x, spots.fx);
    find_line(m[3], x, offset, m[4] * v, m[5], in->height, n, spots.y, spots.fy);
    for (int i = 0; i < n; i++) {
        const struct spot s = {spots.x[i], spots.y[i], spots.fx[i], spots.fy[i]};
        sums[i] = is_inside(&s, in->width, in->height) ? add_inside(in, type, &s, 1, sums[i])
                                                       : add_outside(in, type, &s, sums[i]);
    }
}

/* How many points along a side a footprint of `covered` pixels takes, and where they lie within a
 * pixel, from its centre: −½ … ½. */
struct taps {
    int n;
    double offset[MAX_TAPS];
};

static struct taps taps_of(double covered)
{
    struct taps taps = {.n = covered < 1.5        ? 1
                             : covered > MAX_TAPS ? MAX_TAPS
                                                  : (int)(covered + 0.5)};
    for (int i = 0; i < taps.n; i++)
        taps.offset[i] = (i + 0.5) / taps.n - 0.5;
    return taps;
}

enum { ROWS = 64 }; /* of a task */

struct cropping {
    const struct lk_picture *in;
    const struct lk_affine *back; /* crop → picture */
    const struct taps *taps;
    struct lk_picture *out;
};

/* A part. Inlined once per type, so that the type is a constant inside. */
static inline __attribute__((always_inline)) void crop_rows(const struct cropping *c,
                                                            enum lk_pixel type,
                                                            size_t part)
{
    const struct lk_picture *in = c->in, *out = c->out;
    const struct taps *taps = c->taps;
    const double *m = c->back->m;
    const size_t channels = (size_t)out->channels;
    const float unit = (type == LK_PIXEL_F32 ? 1.0f : 255.0f) * (float)(taps->n * taps->n);
    const int first = (int)part * ROWS,
              last = first + ROWS < out->height ? first + ROWS : out->height;
    float *to = out->f32 + (size_t)first * (size_t)out->width * channels;
    for (int y = first; y < last; y++) {
        for (int x = 0; x < out->width; x += PIECE) {
            const int n = out->width - x < PIECE ? out->width - x : PIECE;
            four sums[PIECE] = {{0}};
            for (int j = 0; j < taps->n; j++)
                for (int i = 0; i < taps->n; i++)
                    add_samples(in, type, m, x, taps->offset[i], y + taps->offset[j], n, sums);
            for (int i = 0; i < n; i++, to += channels) {
                sums[i] /= unit;
                memcpy(to, &sums[i], channels * sizeof *to);
            }
        }
    }
}

LK_WIDE static void crop_floats(void *what, size_t part)
{
    crop_rows(what, LK_PIXEL_F32, part);
}

LK_WIDE static void crop_bytes(void *what, size_t part)
{
    crop_rows(what, LK_PIXEL_U8, part);
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
        code = lk_picture_room(width, height, in->channels, LK_PIXEL_F32, &picture, err);
    if (code)
        return code;
    const struct taps taps = taps_of(smooth ? lk_affine_scale(&back) : 1);
    struct cropping cropping = {in, &back, &taps, picture};
    lk_spread((size_t)(height + ROWS - 1) / ROWS,
              in->type == LK_PIXEL_F32 ? crop_floats : crop_bytes, &cropping);
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

static inline float mask_sample(const struct lk_mask *mask, const struct spot *s)
{
    float near[4];
    if (is_inside(s, mask->width, mask->height)) {
        const float *at = mask->value + (size_t)s->y * (size_t)mask->width + (size_t)s->x;
        memcpy(near, at, 2 * sizeof *near);
        memcpy(near + 2, at + mask->width, 2 * sizeof *near);
    } else {
        for (int i = 0; i < 4; i++)
            near[i] = mask_at(mask, s->x + (i & 1), s->y + (i >> 1));
    }
    const float top = near[0] * (1 - s->fx) + near[1] * s->fx;
    const float low = near[2] * (1 - s->fx) + near[3] * s->fx;
    return top * (1 - s->fy) + low * s->fy;
}

float lk_mask_sample(const struct lk_mask *mask, float x, float y)
{
    struct spot s;
    return find_spot(x, y, mask->width, mask->height, &s) ? mask_sample(mask, &s) : 0;
}

/* sum + w·crop at the spot. At the rim the crop's outermost pixels go on: black from outside must
 * not show through a mask that is not yet 0 there. */
static inline four add_crop(const struct lk_picture *crop, const struct spot *s, float w, four sum)
{
    if (is_inside(s, crop->width, crop->height))
        return add_inside(crop, LK_PIXEL_F32, s, w, sum);
    int x0 = s->x < 0 ? 0 : s->x, y0 = s->y < 0 ? 0 : s->y;
    int x1 = s->x + 1 >= crop->width ? crop->width - 1 : s->x + 1;
    int y1 = s->y + 1 >= crop->height ? crop->height - 1 : s->y + 1;
    float sums[4];
    memcpy(sums, &sum, sizeof sums);
    add_pixel(crop, LK_PIXEL_F32, x0, y0, w * (1 - s->fx) * (1 - s->fy), sums);
    add_pixel(crop, LK_PIXEL_F32, x1, y0, w * s->fx * (1 - s->fy), sums);
    add_pixel(crop, LK_PIXEL_F32, x0, y1, w * (1 - s->fx) * s->fy, sums);
    add_pixel(crop, LK_PIXEL_F32, x1, y1, w * s->fx * s->fy, sums);
    memcpy(&sum, sums, sizeof sums);
    return sum;
}

struct box {
    int x0, y0, x1, y1; /* x1, y1 outside */
};

/* What is pasted: a crop, or a change of one. */
struct pasting {
    const struct lk_picture *crop;
    const struct lk_mask *mask;
    const double *m; /* canvas → crop */
    bool is_change;
    struct taps taps;
    struct box box; /* in the canvas */
    struct lk_picture *canvas;
};

/* One canvas pixel: keep·canvas + Σ w·crop / k², keep = 1 − Σw/k², or 1 where the crop is a change.
 */
static inline void paste_pixel(const struct pasting *p, int x, int y, float *pixel)
{
    const double *m = p->m;
    four sum = {0};
    float weight = 0;
    for (int j = 0; j < p->taps.n; j++) {
        const double v = y + p->taps.offset[j];
        for (int i = 0; i < p->taps.n; i++) {
            const double u = x + p->taps.offset[i];
            struct spot s;
            if (!find_spot(m[0] * u + m[1] * v + m[2], m[3] * u + m[4] * v + m[5], p->crop->width,
                           p->crop->height, &s))
                continue;
            const float w = mask_sample(p->mask, &s);
            if (w <= 0)
                continue;
            weight += w;
            sum = add_crop(p->crop, &s, w, sum);
        }
    }
    if (!(weight > 0))
        return;
    const float n = (float)(p->taps.n * p->taps.n), keep = p->is_change ? 1 : 1 - weight / n;
    for (int c = 0; c < p->crop->channels; c++)
        pixel[c] = keep * pixel[c] + sum[c] / n;
}

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

/* A part of the box. */
LK_WIDE static void paste_rows(void *what, size_t part)
{
    const struct pasting *p = what;
    const struct lk_picture *canvas = p->canvas;
    const int first = p->box.y0 + (int)part * ROWS,
              last = first + ROWS < p->box.y1 ? first + ROWS : p->box.y1;
    for (int y = first; y < last; y++) {
        float *row = canvas->f32 + (size_t)y * (size_t)canvas->width * (size_t)canvas->channels;
        for (int x = p->box.x0; x < p->box.x1; x++)
            paste_pixel(p, x, y, row + (size_t)x * (size_t)canvas->channels);
    }
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
    struct pasting pasting = {.crop = crop,
                              .mask = mask,
                              .m = to_crop->m,
                              .is_change = is_change,
                              .taps = taps_of(lk_affine_scale(to_crop)),
                              .box = reach(&back, crop, canvas),
                              .canvas = canvas};
    lk_spread((size_t)(pasting.box.y1 - pasting.box.y0 + ROWS - 1) / ROWS, paste_rows, &pasting);
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
