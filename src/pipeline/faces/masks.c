// SPDX-License-Identifier: Apache-2.0
#include "pipeline/faces/masks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/align.h"
#include "stages/fit/fit.h"

/* Parsers are trained on faces aligned so. */
enum { SEEN_SIDE = 512 };

/* A parser that finds less than this share of the face's shape to be face does not know such
 * faces. */
static const float least_seen = 0.4f;

static int read_padding(const char *text, float padding[4], struct lk_error *err)
{
    int used = 0;
    if (!text)
        return 0;
    bool read = strlen(text) <= 32 && sscanf(text, "%f,%f,%f,%f%n", &padding[0], &padding[1],
                                             &padding[2], &padding[3], &used) == 4;
    for (int i = 0; i < 4; i++) {
        read &= padding[i] >= 0 && padding[i] <= 100;
        padding[i] /= 100;
    }
    if (!read || text[used])
        return lk_fail(err, LK_E_INPUT,
                       "--face-mask-padding: '%s' is not TOP,RIGHT,BOTTOM,LEFT in percent, such as "
                       "10,0,0,0",
                       text);
    return 0;
}

static int read_kinds(const char *text, struct lk__mask_options *out, struct lk_error *err)
{
    static const char *const kinds[] = {"auto", "box", "region", "occlusion"};
    bool has[4] = {false};
    for (const char *at = text; *at || at == text;) {
        const size_t length = strcspn(at, ",");
        size_t k = 0;
        while (k < 4 && (strlen(kinds[k]) != length || strncmp(kinds[k], at, length) != 0))
            k++;
        if (k == 4)
            return lk_fail(err, LK_E_INPUT,
                           "--face-mask: '%s' is not auto, nor a list of box, region, occlusion",
                           text);
        has[k] = true;
        at += length + (at[length] == ',');
    }
    out->automatic = has[0];
    out->region = has[0] || has[2];
    out->occlusion = has[0] || has[3];
    return 0;
}

int lk__mask_options_read(const struct lk_request *request,
                          struct lk__mask_options *out,
                          struct lk_error *err)
{
    struct lk__mask_options options = {.regions = 0};
    lk_fit_mask_options_init(&options.fit);
    options.fit.blur = (float)request->face_mask_blur;
    int rc = read_kinds(request->face_mask, &options, err);
    rc = rc ? rc : read_padding(request->face_mask_padding, options.fit.padding, err);
    rc = rc ? rc
            : lk_regions_read(request->face_mask_regions, "--face-mask-regions", &options.regions,
                              err);
    if (!rc)
        *out = options;
    return rc;
}

/* Which share of the face's shape the mask covers. */
static int covered(const struct lk_mask *mask,
                   const float (*points)[2],
                   float *share,
                   struct lk_error *err)
{
    struct lk_fit_mask_options options;
    struct lk_mask *shape = NULL;
    double sum = 0, all = 0;
    lk_fit_mask_options_init(&options);
    int rc = lk_fit_mask_face(mask->width, mask->height, points, &options, &shape, err);
    for (size_t i = 0; i < (size_t)mask->width * (size_t)mask->height && !rc; i++) {
        sum += (double)(mask->value[i] < shape->value[i] ? mask->value[i] : shape->value[i]);
        all += (double)shape->value[i];
    }
    *share = all > 0 ? (float)(sum / all) : 0;
    lk_mask_free(shape);
    return rc;
}

static int see(const lk_segmenter *segmenter,
               const struct lk__mask_options *options,
               const struct lk_picture *crop,
               const float (*points)[2],
               const struct lk_watch *watch,
               struct lk__face_masks *out,
               struct lk_error *err)
{
    struct lk_mask *mask = NULL;
    float share = 1;
    int rc = lk_segment_face(segmenter, crop, options->regions, watch, &mask, err);
    if (!rc && options->automatic)
        rc = covered(mask, points, &share, err);
    if (rc || share < least_seen)
        lk_mask_free(mask);
    else
        out->seen[out->n++] = mask;
    return rc;
}

int lk__face_masks_see(const lk_engine *engine,
                       const struct lk__mask_options *options,
                       const struct lk_picture *picture,
                       const struct lk_face *face,
                       const struct lk_watch *watch,
                       struct lk__face_masks *out,
                       struct lk_error *err)
{
    struct lk_picture *crop = NULL;
    float points[5][2];
    *out = (struct lk__face_masks){.n = 0};
    if (!engine->parser && !engine->occluder)
        return 0;
    int rc = lk_align_face(face->points, LK_ALIGN_FFHQ_512, SEEN_SIDE, &out->to_seen, err);
    rc = rc ? rc : lk_affine_crop(picture, &out->to_seen, SEEN_SIDE, SEEN_SIDE, &crop, err);
    for (int i = 0; i < 5 && !rc; i++)
        lk_affine_apply(&out->to_seen, face->points[i], points[i]);
    if (!rc && engine->parser)
        rc = see(engine->parser, options, crop, (const float(*)[2])points, watch, out, err);
    if (!rc && engine->occluder)
        rc = see(engine->occluder, options, crop, (const float(*)[2])points, watch, out, err);
    for (int i = 0; i < out->n && !rc; i++)
        lk_debug_mask(&engine->debug, i ? "refine/occlusion" : "refine/region", out->seen[i]);
    lk_picture_free(crop);
    if (rc)
        lk__face_masks_free(out);
    return rc;
}

void lk__face_masks_free(struct lk__face_masks *masks)
{
    for (int i = 0; i < masks->n; i++)
        lk_mask_free(masks->seen[i]);
    *masks = (struct lk__face_masks){.n = 0};
}

int lk__face_masks_in(const struct lk__face_masks *masks,
                      const struct lk_affine *to_crop,
                      int width,
                      int height,
                      struct lk_mask **out,
                      struct lk_error *err)
{
    struct lk_affine from_crop;
    struct lk_mask *mask = NULL;
    *out = NULL;
    if (!masks->n)
        return 0;
    int rc = lk_affine_invert(to_crop, &from_crop, err);
    rc = rc ? rc : lk_mask_new(width, height, &mask, err);
    for (int y = 0; y < height && !rc; y++) {
        for (int x = 0; x < width; x++) {
            const float at[2] = {(float)x, (float)y};
            float in_picture[2], in_seen[2], least = 1;
            lk_affine_apply(&from_crop, at, in_picture);
            lk_affine_apply(&masks->to_seen, in_picture, in_seen);
            for (int i = 0; i < masks->n; i++)
                least = fminf(least, lk_mask_sample(masks->seen[i], in_seen[0], in_seen[1]));
            mask->value[(size_t)y * (size_t)width + (size_t)x] = least;
        }
    }
    *out = mask;
    return rc;
}
