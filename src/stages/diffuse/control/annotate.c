// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/control/annotate.h"

#include <string.h>

#include "base/size.h"
#include "data/mask.h"

static int canny(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err)
{
    return lk__canny(picture, 100, 200, out, err);
}

/* One channel of a picture as a plane 0…255, blurred. */
static int plane(const struct lk_picture *picture,
                 int channel,
                 float sigma,
                 struct lk_mask **out,
                 struct lk_error *err)
{
    int rc = lk_mask_new(picture->width, picture->height, out, err);
    for (size_t k = 0; !rc && k < (size_t)picture->width * (size_t)picture->height; k++)
        (*out)->value[k] = picture->u8[k * (size_t)picture->channels + channel];
    return rc ? rc : lk_mask_blur(*out, sigma, err);
}

/* White where in every channel gauss(5) − gauss(½) > 16: the WebUI's threshold 32 of twice that. */
static int xdog(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err)
{
    struct lk_picture *lines = NULL;
    int rc = lk_picture_new(picture->width, picture->height, 3, LK_PIXEL_U8, &lines, err);
    if (!rc)
        memset(lines->u8, 255, 3 * (size_t)lines->width * (size_t)lines->height);
    for (int c = 0; c < 3 && !rc; c++) {
        struct lk_mask *fine = NULL, *coarse = NULL;
        rc = plane(picture, c, 0.5f, &fine, err);
        rc = rc ? rc : plane(picture, c, 5, &coarse, err);
        for (size_t k = 0; !rc && k < (size_t)fine->width * (size_t)fine->height; k++)
            if (!(coarse->value[k] - fine->value[k] > 16))
                memset(lines->u8 + 3 * k, 0, 3);
        lk_mask_free(fine);
        lk_mask_free(coarse);
    }
    if (rc)
        lk_picture_free(lines);
    else
        *out = lines;
    return rc;
}

static int itself(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err)
{
    return lk_picture_convert(picture, LK_PIXEL_U8, out, err);
}

static const struct {
    const char *name;
    int (*make)(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err);
} annotators[] = {{"canny", canny}, {"scribble", xdog}, {"tile", itself}, {"none", itself}};

int lk_annotate(const char *type,
                const struct lk_picture *picture,
                int width,
                int height,
                struct lk_picture **out,
                struct lk_error *err)
{
    struct lk_picture *bytes = NULL, *sized = NULL;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(annotators); i++) {
        if (strcmp(annotators[i].name, type))
            continue;
        int rc = lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err);
        rc = rc ? rc : lk_picture_resize(bytes, width, height, &sized, err);
        rc = rc ? rc : annotators[i].make(sized, out, err);
        lk_picture_free(bytes);
        lk_picture_free(sized);
        return rc;
    }
    return lk_fail(err, LK_E_INPUT, "--control: '%s' is none of %s", type, LK_ANNOTATORS);
}
