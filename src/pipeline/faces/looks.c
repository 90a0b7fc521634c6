// SPDX-License-Identifier: Apache-2.0
/* The measures of verification that a face has by itself. */
#include <math.h>
#include <stdlib.h>

#include "data/align.h"
#include "pipeline/engine.h"
#include "stages/fit/mask.h"

enum { FEWEST = 64, MOST = 1024 }; /* px of a crop */

/* The crop at the picture's own scale, so that nothing is sharpened or blurred by looking. */
static int look(const struct lk_picture *picture,
                const struct lk_face *face,
                struct lk_look *out,
                struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_fit_mask_options options;
    struct lk_picture *crop = NULL;
    struct lk_mask *mask = NULL;
    float points[5][2];
    lk_fit_mask_options_init(&options);
    int rc = lk_align_face(face->points, LK_ALIGN_FFHQ_512, MOST, &to_crop, err);
    if (rc)
        return rc;
    const int side = (int)fmin(fmax(MOST / lk_affine_scale(&to_crop), FEWEST), MOST);
    rc = lk_align_face(face->points, LK_ALIGN_FFHQ_512, side, &to_crop, err);
    for (int i = 0; i < 5 && !rc; i++)
        lk_affine_apply(&to_crop, face->points[i], points[i]);
    rc = rc ? rc : lk_affine_crop(picture, &to_crop, side, side, &crop, err);
    rc = rc ? rc : lk_fit_mask_face(side, side, (const float(*)[2])points, &options, &mask, err);
    rc = rc ? rc : lk_look_at_face(crop, mask, face, out, err);
    lk_picture_free(crop);
    lk_mask_free(mask);
    return rc;
}

int lk_engine_looks(const char *path,
                    const struct lk_face *faces,
                    size_t n,
                    struct lk_look **out,
                    struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    struct lk_look *looks = n ? calloc(n, sizeof *looks) : NULL;
    int rc = n && !looks ? lk_fail_memory(err, "the looks of faces", n * sizeof *looks) : 0;
    if (!rc && n)
        rc = lk_picture_read(path, &picture, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = look(picture, &faces[i], &looks[i], err);
    lk_picture_free(picture);
    if (rc)
        free(looks);
    else
        *out = looks;
    return rc;
}
