// SPDX-License-Identifier: Apache-2.0
/* As the WebUI does it:
 *
 *   canvas   the picture, with --extend grown (edges repeated, and painted)
 *   mask     read, inverted if asked, resized to the canvas, its edge softened
 *   part     the whole canvas, or the mask's box with padding, grown to the drawing's aspect
 *   drawing  the part at --size
 *   result   canvas + mask·(drawing at the part's size − canvas)                                 */
#include "pipeline/drawing/retouch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/draw.h"

/* A mask below half of an 8-bit step is none. */
#define NOTHING (0.5f / 255)

struct sides {
    int left, top, right, bottom;
};

/* ---- reading ---- */

static int read_sides(const char *text, struct sides *out, struct lk_error *err)
{
    int used = 0;
    if (!text)
        return 0;
    if (strlen(text) > 32 ||
        sscanf(text, "%d,%d,%d,%d%n", &out->left, &out->top, &out->right, &out->bottom, &used) !=
            4 ||
        text[used] || out->left < 0 || out->top < 0 || out->right < 0 || out->bottom < 0 ||
        out->left > LK_PICTURE_MAX_SIDE || out->top > LK_PICTURE_MAX_SIDE ||
        out->right > LK_PICTURE_MAX_SIDE || out->bottom > LK_PICTURE_MAX_SIDE ||
        !(out->left | out->top | out->right | out->bottom))
        return lk_fail(err, LK_E_INPUT,
                       "--extend: '%s' is not LEFT,TOP,RIGHT,BOTTOM in pixels, such as 64,0,64,0",
                       text);
    return 0;
}

static int check(const struct lk_request *request, struct lk_error *err)
{
    const char *alone = request->mask          ? "--mask"
                        : request->extend      ? "--extend"
                        : request->mask_invert ? "--mask-invert"
                                               : NULL;
    if (alone && !request->init)
        return lk_fail(err, LK_E_INPUT,
                       "%s changes a part of a picture: give the picture by --init", alone);
    if (request->mask_invert && !request->mask)
        return lk_fail(err, LK_E_INPUT, "--mask-invert turns a mask round: give one by --mask");
    if (request->init && request->hires > 1)
        return lk_fail(err, LK_E_INPUT,
                       "--hires goes with a drawing from nothing, not with --init: use --size");
    return 0;
}

static int make_canvas(const struct lk_picture *init,
                       struct sides s,
                       struct lk_picture **out,
                       struct lk_error *err)
{
    struct lk_picture *grown = NULL;
    int rc = lk_picture_region(init, -s.left, -s.top, init->width + s.left + s.right,
                               init->height + s.top + s.bottom, &grown, err);
    rc = rc ? rc : lk_picture_convert(grown, LK_PIXEL_F32, out, err);
    lk_picture_free(grown);
    return rc;
}

/* 1 in what was grown. */
static void mark_grown(struct lk_mask *mask, struct sides s)
{
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++)
            if (x < s.left || y < s.top || x >= mask->width - s.right ||
                y >= mask->height - s.bottom)
                mask->value[(size_t)y * mask->width + x] = 1;
}

/* Adds the user's mask, which is of the picture without what was grown. */
static int add_mask(lk_result *result, struct sides s, struct lk_mask *mask, struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    const int width = mask->width - s.left - s.right, height = mask->height - s.top - s.bottom;
    struct lk_picture *read = NULL;
    struct lk_mask *own = NULL, *sized = NULL;
    float most = 0;
    int rc = lk_picture_read(request->mask, &read, err);
    if (!rc && (read->width != width || read->height != height))
        lk__result_remark(result, "the mask of %dx%d is resized to the picture's %dx%d",
                          read->width, read->height, width, height);
    rc = rc ? rc : lk_mask_of_picture(read, &own, err);
    rc = rc ? rc : lk_mask_region(own, 0, 0, own->width, own->height, width, height, &sized, err);
    for (int y = 0; y < height && !rc; y++) {
        for (int x = 0; x < width; x++) {
            float v = sized->value[(size_t)y * width + x];
            v = request->mask_invert ? 1 - v : v;
            most = fmaxf(most, v);
            mask->value[(size_t)(y + s.top) * mask->width + x + s.left] = v;
        }
    }
    if (!rc && most < 0.5f)
        rc = lk_fail(err, LK_E_INPUT,
                     "--mask '%s' is %s: nothing would be painted; white is painted, "
                     "--mask-invert turns it round",
                     request->mask, request->mask_invert ? "all white" : "all black");
    lk_picture_free(read);
    lk_mask_free(own);
    lk_mask_free(sized);
    return rc;
}

/* ---- the part that is drawn ---- */

/* Multiple of 8 within what can be drawn. */
static int round_side(double side)
{
    int whole = (int)lrint(side / 8) * 8;
    return whole < LK_DRAW_MIN_SIDE   ? LK_DRAW_MIN_SIDE
           : whole > LK_DRAW_MAX_SIDE ? LK_DRAW_MAX_SIDE
                                      : whole;
}

/* Grows [*from, *from + *length) about its middle to `wanted`, within [0, most). */
static void grow(int *from, int *length, double wanted, int most)
{
    int longer = (int)ceil(wanted);
    if (longer <= *length)
        return;
    longer = longer > most ? most : longer;
    *from -= (longer - *length) / 2;
    *from = *from < 0 ? 0 : *from + longer > most ? most - longer : *from;
    *length = longer;
}

/* The box of what is masked. */
static void box(const struct lk_mask *mask, struct lk__retouch *r)
{
    int left = mask->width, top = mask->height, right = -1, bottom = -1;
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            if (mask->value[(size_t)y * mask->width + x] < NOTHING)
                continue;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
        }
    }
    r->x = left;
    r->y = top;
    r->width = right - left + 1;
    r->height = bottom - top + 1;
}

/* masked: only what is masked, with its padding. */
static void choose_part(const struct lk_request *request, bool masked, struct lk__retouch *r)
{
    const int width = r->picture->width, height = r->picture->height;
    r->x = r->y = 0;
    r->width = width;
    r->height = height;
    if (!masked)
        return;
    box(r->mask, r);
    grow(&r->x, &r->width, r->width + 2.0 * request->inpaint_padding, width);
    grow(&r->y, &r->height, r->height + 2.0 * request->inpaint_padding, height);
    const double aspect = (double)request->width / request->height;
    grow(&r->x, &r->width, r->height * aspect, width);
    grow(&r->y, &r->height, r->width / aspect, height);
}

/* Without --size the whole picture is drawn in the model's area; with it, at that size, which the
 * result has too. */
static int choose_size(lk_result *result, bool sized, struct lk__retouch *r, struct lk_error *err)
{
    struct lk_request *request = &result->request;
    if (!strcmp(request->inpaint_area, "masked"))
        return 0;
    if (!sized) {
        double scale = sqrt((double)request->width * request->height /
                            ((double)r->picture->width * r->picture->height));
        request->width = round_side(r->picture->width * scale);
        request->height = round_side(r->picture->height * scale);
        return 0;
    }
    struct lk_picture *picture = NULL;
    struct lk_mask *mask = NULL;
    int rc = lk_picture_resize(r->picture, request->width, request->height, &picture, err);
    rc = rc ? rc
            : lk_mask_region(r->mask, 0, 0, r->mask->width, r->mask->height, request->width,
                             request->height, &mask, err);
    if (rc) {
        lk_picture_free(picture);
        return rc;
    }
    lk_picture_free(r->picture);
    lk_mask_free(r->mask);
    r->picture = picture;
    r->mask = mask;
    return 0;
}

/* Part and mask at the size of the drawing. */
static int make_init(const struct lk_request *request, struct lk__retouch *r, struct lk_error *err)
{
    struct lk_picture *part = NULL, *filled = NULL;
    int rc = lk_picture_convert(r->picture, LK_PIXEL_F32, &filled, err);
    if (!rc && !strcmp(request->inpaint_fill, "fill"))
        rc = lk_picture_fill(filled, r->mask, err);
    rc = rc ? rc : lk_picture_region(filled, r->x, r->y, r->width, r->height, &part, err);
    rc = rc ? rc : lk_picture_resize(part, request->width, request->height, &r->init, err);
    rc = rc ? rc
            : lk_mask_region(r->mask, r->x, r->y, r->width, r->height, request->width,
                             request->height, &r->init_mask, err);
    lk_picture_free(part);
    lk_picture_free(filled);
    return rc;
}

static void show(const struct lk__retouch *r, const struct lk_debug *debug)
{
    lk_debug_mask(debug, "draw/mask", r->init_mask);
    lk_debug_picture(debug, "draw/init", r->init);
}

int lk__retouch_open(lk_result *result,
                     bool sized,
                     const struct lk_debug *debug,
                     struct lk__retouch *r,
                     struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    struct sides s = {0};
    *r = (struct lk__retouch){0};
    int rc = check(request, err);
    rc = rc ? rc : read_sides(request->extend, &s, err);
    if (rc || !result->init)
        return rc;
    rc = make_canvas(result->init, s, &r->picture, err);
    if (rc || (!request->mask && !request->extend))
        return rc;
    rc = lk_mask_new(r->picture->width, r->picture->height, &r->mask, err);
    if (!rc)
        mark_grown(r->mask, s);
    if (!rc && request->mask)
        rc = add_mask(result, s, r->mask, err);
    rc = rc ? rc : lk_mask_blur(r->mask, (float)request->mask_blur, err);
    rc = rc ? rc : choose_size(result, sized, r, err);
    if (rc)
        return rc;
    choose_part(request, !strcmp(request->inpaint_area, "masked"), r);
    rc = make_init(request, r, err);
    if (!rc)
        show(r, debug);
    return rc;
}

int lk__retouch_given(const struct lk_request *request,
                      struct lk_picture *picture,
                      struct lk_mask *mask,
                      const struct lk_debug *debug,
                      struct lk__retouch *r,
                      struct lk_error *err)
{
    *r = (struct lk__retouch){.picture = picture, .mask = mask};
    int rc = lk_mask_blur(r->mask, (float)request->mask_blur, err);
    if (rc)
        return rc;
    choose_part(request, true, r);
    rc = make_init(request, r, err);
    if (!rc)
        show(r, debug);
    return rc;
}

void lk__retouch_close(struct lk__retouch *r)
{
    lk_picture_free(r->picture);
    lk_mask_free(r->mask);
    lk_picture_free(r->init);
    lk_mask_free(r->init_mask);
    *r = (struct lk__retouch){0};
}

int lk__retouch_part(const struct lk__retouch *r,
                     const struct lk_picture *whole,
                     struct lk_picture **out,
                     struct lk_error *err)
{
    if (!r->mask || (r->width == r->picture->width && r->height == r->picture->height))
        return lk_picture_convert(whole, whole->type, out, err);
    struct lk_picture *sized = NULL;
    int rc = lk_picture_resize(whole, r->picture->width, r->picture->height, &sized, err);
    rc = rc ? rc : lk_picture_region(sized, r->x, r->y, r->width, r->height, out, err);
    lk_picture_free(sized);
    return rc;
}

int lk__retouch_paste(const struct lk__retouch *r,
                      struct lk_picture **picture,
                      struct lk_error *err)
{
    struct lk_picture *part = NULL, *result = NULL;
    if (!r->mask)
        return 0;
    int rc = lk_picture_resize(*picture, r->width, r->height, &part, err);
    rc = rc ? rc : lk_picture_convert(r->picture, LK_PIXEL_F32, &result, err);
    for (int y = 0; y < r->height && !rc; y++) {
        for (int x = 0; x < r->width; x++) {
            const size_t k = (size_t)(y + r->y) * result->width + x + r->x;
            const float m = r->mask->value[k], *from = part->f32 + 3 * ((size_t)y * r->width + x);
            float *to = result->f32 + k * result->channels;
            for (int c = 0; c < 3 && m >= NOTHING; c++)
                to[c] += m * (from[c] - to[c]);
        }
    }
    lk_picture_free(part);
    if (rc) {
        lk_picture_free(result);
        return rc;
    }
    lk_picture_free(*picture);
    *picture = result;
    return 0;
}
