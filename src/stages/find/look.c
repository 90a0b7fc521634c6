// SPDX-License-Identifier: Apache-2.0
/* A part of the picture is cut out and turned; what the detector sees in it comes back into the
 * picture's pixels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/find/internal.h"

/* Where pixel (u,v) of a view lies in the picture. */
static void from_view(const struct lk__view *view, const float in[2], float out[2])
{
    const float u = in[0], v = in[1], right = (float)view->width - 1,
                bottom = (float)view->height - 1;
    const float at[4][2] = {{u, v}, {v, bottom - u}, {right - u, bottom - v}, {right - v, u}};
    out[0] = at[view->turns][0] + (float)view->x;
    out[1] = at[view->turns][1] + (float)view->y;
}

static void turn_box(const struct lk__view *view, float box[4])
{
    float a[2], b[2];
    from_view(view, box, a);
    from_view(view, box + 2, b);
    for (int k = 0; k < 2; k++) {
        box[k] = fminf(a[k], b[k]);
        box[2 + k] = fmaxf(a[k], b[k]);
    }
}

/* A copy of the picture turned clockwise. */
static int turn(const struct lk_picture *in,
                int turns,
                struct lk_picture **out,
                struct lk_error *err)
{
    const bool upright = turns % 2 == 0;
    const struct lk__view view = {.width = in->width, .height = in->height, .turns = turns};
    struct lk_picture *made;
    int code = lk_picture_new(upright ? in->width : in->height, upright ? in->height : in->width,
                              in->channels, LK_PIXEL_U8, &made, err);
    if (code)
        return code;
    const size_t channels = (size_t)in->channels;
    uint8_t *to = made->u8;
    for (int v = 0; v < made->height; v++) {
        for (int u = 0; u < made->width; u++, to += channels) {
            float at[2];
            from_view(&view, (const float[]){(float)u, (float)v}, at);
            memcpy(to, in->u8 + ((size_t)at[1] * (size_t)in->width + (size_t)at[0]) * channels,
                   channels);
        }
    }
    *out = made;
    return 0;
}

/* In 8 bits. */
static int make_view(const struct lk_picture *picture,
                     const struct lk__view *view,
                     struct lk_picture **out,
                     struct lk_error *err)
{
    struct lk_picture *region = NULL, *bytes = NULL;
    int code =
        lk_picture_region(picture, view->x, view->y, view->width, view->height, &region, err);
    if (!code && region->type != LK_PIXEL_U8) {
        code = lk_picture_convert(region, LK_PIXEL_U8, &bytes, err);
        lk_picture_free(region);
        region = bytes;
    }
    if (code || !view->turns) {
        *out = region;
        return code;
    }
    code = turn(region, view->turns, out, err);
    lk_picture_free(region);
    return code;
}

/* Whether a box reaches over the view's border where the picture goes on. */
static bool is_cut(const struct lk__finding *f, const struct lk__view *view, const float box[4])
{
    const int right = view->x + view->width, bottom = view->y + view->height;
    return (view->x > 0 && box[0] <= (float)view->x) || (view->y > 0 && box[1] <= (float)view->y) ||
           (right < f->picture->width && box[2] >= (float)right - 1) ||
           (bottom < f->picture->height && box[3] >= (float)bottom - 1);
}

/* A face that a view shows, in its pixels. */
static int take(struct lk__finding *f,
                const struct lk__view *view,
                bool whole,
                struct lk__candidate face,
                struct lk_error *err)
{
    turn_box(view, face.box);
    for (int k = 0; k < 5; k++)
        from_view(view, (const float[]){face.points[k][0], face.points[k][1]}, face.points[k]);
    if (view->is_tile && is_cut(f, view, face.box))
        return 0;
    if (whole || face.score >= f->harder)
        return lk__candidates_add(&f->found, &face, err);
    f->hints++;
    return 0;
}

int lk__look(struct lk__finding *f,
             const struct lk__view *view,
             const int *sides,
             size_t n,
             struct lk_error *err)
{
    const bool whole = view->width == f->picture->width && view->height == f->picture->height &&
                       !view->turns && !view->x && !view->y;
    struct lk__candidates seen = {0};
    struct lk__glance glances[LK__GLANCES];
    struct lk_picture *made = NULL;
    int code =
        whole && f->picture->type == LK_PIXEL_U8 ? 0 : make_view(f->picture, view, &made, err);
    for (size_t i = 0; i < n; i++)
        glances[i] = (struct lk__glance){made ? made : f->picture, sides[i]};
    code = code ? code
                : lk__detector_look(f->detector, glances, n, f->threshold, f->watch, &seen, err);
    lk_picture_free(made);
    for (size_t i = 0; i < seen.count && !code; i++) {
        seen.item[i].look += f->looks;
        code = take(f, view, whole, seen.item[i], err);
    }
    free(seen.item);
    f->looks += (int)n;
    return code ? code : lk_watch_step(f->watch, "find", f->looks, 0, err);
}
