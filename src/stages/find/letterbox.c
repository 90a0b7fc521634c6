// SPDX-License-Identifier: Apache-2.0
/* A picture into a network's canvas.
 *
 * Detectors are compared box by box with insightface, which resizes with OpenCV's bilinear filter
 * in fixed point. The same arithmetic stands here, so that tensors agree to the bit nearly
 * everywhere and boxes agree end to end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "stages/find/internal.h"

/* Two pictures in one canvas: each begins at a multiple of the detectors' coarsest stride, as it
 * does at the origin, and there are that many black pixels between them. On the shared photos SCRFD
 * answers boxes of the first that are within 0.0013 px of those that it has alone. */
enum { STRIDE = 32, APART = 64 };

/* Canvases of so many pixels a side cost next to nothing: they stay squares, as insightface's are.
 */
enum { LEAST = 128 };

/* Bits of a filter weight: OpenCV's INTER_RESIZE_COEF_BITS. */
enum { WEIGHT_BITS = 11 };

struct lk__letterbox lk__letterbox_fit(
    int picture_width, int picture_height, int side, int canvas_width, int canvas_height)
{
    int most_width = side < canvas_width ? side : canvas_width;
    int most_height = side < canvas_height ? side : canvas_height;
    double shape = (double)picture_height / picture_width;
    struct lk__letterbox box = {.canvas_width = canvas_width, .canvas_height = canvas_height};
    if (shape > (double)most_height / most_width) {
        box.height = most_height;
        box.width = (int)(most_height / shape);
    } else {
        box.width = most_width;
        box.height = (int)(most_width * shape);
    }
    box.width = box.width < 1 ? 1 : box.width;
    box.height = box.height < 1 ? 1 : box.height;
    box.scale_x = (float)box.width / (float)picture_width;
    box.scale_y = (float)box.height / (float)picture_height;
    return box;
}

static int trimmed(int canvas, int side)
{
    const int whole = (side + STRIDE - 1) / STRIDE * STRIDE;
    return canvas <= LEAST ? canvas : whole < LEAST ? LEAST : whole;
}

void lk__letterbox_trim(struct lk__letterbox *box)
{
    box->canvas_width = trimmed(box->canvas_width, box->width);
    box->canvas_height = trimmed(box->canvas_height, box->height);
}

/* Where an output pixel lies between two input pixels. */
struct tap {
    int first, second; /* indices of input pixels */
    int weight[2];     /* sum 2^WEIGHT_BITS */
};

static struct tap *make_taps(int in, int out, struct lk_error *err)
{
    struct tap *taps = calloc((size_t)out, sizeof *taps);
    if (!taps) {
        lk_fail_memory(err, "resizing a picture", (size_t)out * sizeof *taps);
        return NULL;
    }
    double step = (double)in / out;
    for (int i = 0; i < out; i++) {
        float at = (float)((i + 0.5) * step - 0.5);
        int first = (int)floorf(at);
        float rest = at - (float)first;
        if (first < 0 || first >= in - 1) {
            first = first < 0 ? 0 : in - 1;
            rest = 0;
        }
        taps[i].first = first;
        taps[i].second = first + 1 < in ? first + 1 : first;
        taps[i].weight[0] = (int)lrintf((1 - rest) * (1 << WEIGHT_BITS));
        taps[i].weight[1] = (int)lrintf(rest * (1 << WEIGHT_BITS));
    }
    return taps;
}

/* One input row resized in x: out [width, 3], values scaled by 2^WEIGHT_BITS. */
static void resize_row(
    const struct lk_picture *in, int y, const struct tap *taps, int width, int *out)
{
    const size_t channels = (size_t)in->channels;
    const uint8_t *row = in->u8 + (size_t)y * (size_t)in->width * channels;
    for (int x = 0; x < width; x++) {
        const uint8_t *a = row + (size_t)taps[x].first * channels;
        const uint8_t *b = row + (size_t)taps[x].second * channels;
        for (int c = 0; c < 3; c++)
            out[3 * x + c] = a[c] * taps[x].weight[0] + b[c] * taps[x].weight[1];
    }
}

/* The two rows again in y; shifts as in OpenCV's VResizeLinear for 8 bits. */
static void blend_rows(
    const int *a, const int *b, const struct tap *tap, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        int sum = ((tap->weight[0] * (a[i] >> 4)) >> 16) + ((tap->weight[1] * (b[i] >> 4)) >> 16);
        out[i] = (uint8_t)((sum + 2) >> 2);
    }
}

int lk__resize_bilinear(
    const struct lk_picture *in, int width, int height, uint8_t *out, struct lk_error *err)
{
    const size_t row = (size_t)width * 3;
    int code = LK_E_FAILED;
    int *rows[2] = {NULL, NULL};
    int held[2] = {-1, -1}; /* the input row in rows[k] */
    struct tap *across = NULL, *down = NULL;
    rows[0] = calloc(2 * row, sizeof **rows);
    if (!rows[0]) {
        code = lk_fail_memory(err, "resizing a picture", 2 * row * sizeof **rows);
        goto fail;
    }
    rows[1] = rows[0] + row;
    across = make_taps(in->width, width, err);
    down = across ? make_taps(in->height, height, err) : NULL;
    if (!down)
        goto fail;

    for (int y = 0; y < height; y++) {
        const int want[2] = {down[y].first, down[y].second};
        if (held[1] == want[0] && held[0] != want[0]) { /* the lower row becomes the upper one */
            int *swap = rows[0];
            rows[0] = rows[1], rows[1] = swap;
            held[1] = held[0], held[0] = want[0];
        }
        for (int k = 0; k < 2; k++) {
            if (held[k] != want[k])
                resize_row(in, held[k] = want[k], across, width, rows[k]);
        }
        blend_rows(rows[0], rows[1], &down[y], row, out + (size_t)y * row);
    }
    code = 0;
fail:
    free(rows[0] < rows[1] ? rows[0] : rows[1]);
    free(across);
    free(down);
    return code;
}

/* One colour. small: its first level, three bytes from one to the next. */
static void add_plane(
    const struct lk__letterbox *box, const uint8_t *small, float mean, float factor, float *out)
{
    float level[256];
    for (int v = 0; v < 256; v++)
        level[v] = ((float)v - mean) * factor;
    for (int y = 0; y < box->height; y++) {
        float *row = out + (size_t)(box->y + y) * (size_t)box->canvas_width + box->x;
        for (int x = 0; x < box->width; x++, small += 3)
            row[x] = level[*small];
    }
}

static size_t plane_of(const struct lk__letterbox *box)
{
    return (size_t)box->canvas_width * (size_t)box->canvas_height;
}

void lk__letterbox_black(const struct lk__letterbox *box,
                         const struct lk__pixels *pixels,
                         float *out)
{
    const size_t plane = plane_of(box);
    for (size_t c = 0; c < 3; c++) {
        const float black = -pixels->mean[c] * pixels->factor;
        for (size_t i = 0; i < plane; i++)
            out[c * plane + i] = black;
    }
}

/* A side of the canvas where b may begin, so that it ends in the canvas; −1: too near to a. */
static int side_by_side(int a, int b, int canvas)
{
    const int at = (canvas - b) / STRIDE * STRIDE;
    return at - a >= APART ? at : -1;
}

bool lk__letterbox_beside(const struct lk__letterbox *a, struct lk__letterbox *b)
{
    const int right = side_by_side(a->width, b->width, a->canvas_width),
              below = side_by_side(a->height, b->height, a->canvas_height);
    if (right < 0 && below < 0)
        return false;
    b->x = right < 0 ? 0 : right;
    b->y = right < 0 ? below : 0;
    return true;
}

int lk__letterbox_add(const struct lk__letterbox *box,
                      const struct lk_picture *picture,
                      const struct lk__pixels *pixels,
                      float *out,
                      struct lk_error *err)
{
    uint8_t *small = malloc((size_t)box->width * (size_t)box->height * 3);
    if (!small)
        return lk_fail_memory(err, "a picture in a canvas", plane_of(box) * 3);
    int code = lk__resize_bilinear(picture, box->width, box->height, small, err);
    if (code) {
        free(small);
        return code;
    }
    for (int c = 0; c < 3; c++)
        add_plane(box, small + (pixels->bgr ? 2 - c : c), pixels->mean[c], pixels->factor,
                  out + (size_t)c * plane_of(box));
    free(small);
    return 0;
}

int lk__letterbox_fill(const struct lk__letterbox *box,
                       const struct lk_picture *picture,
                       const struct lk__pixels *pixels,
                       float *out,
                       struct lk_error *err)
{
    lk__letterbox_black(box, pixels, out);
    return lk__letterbox_add(box, picture, pixels, out, err);
}
