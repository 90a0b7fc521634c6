// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/control/annotate.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/mask.h"

static int canny(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err)
{
    return lk__canny(picture, 100, 200, out, err);
}

enum { RIM = 20 }; /* four times the wider σ, as far as OpenCV's Gaussian reaches */

/* Pixels beyond the edge are those before it, which is not repeated. */
static int mirrored(int i, int n)
{
    const int period = n > 1 ? 2 * (n - 1) : 1;
    i = abs(i) % period;
    return i < n ? i : period - i;
}

/* One channel of a picture 0…255 with a rim around it, blurred: [h + 2·RIM, w + 2·RIM]. */
static int plane(const struct lk_picture *picture,
                 int channel,
                 float sigma,
                 struct lk_mask **out,
                 struct lk_error *err)
{
    const int width = picture->width + 2 * RIM, height = picture->height + 2 * RIM;
    int rc = lk_mask_new(width, height, out, err);
    for (int y = 0; !rc && y < height; y++) {
        const size_t row = (size_t)mirrored(y - RIM, picture->height) * picture->width;
        for (int x = 0; x < width; x++) {
            const size_t k = row + (size_t)mirrored(x - RIM, picture->width);
            (*out)->value[(size_t)y * width + x] = picture->u8[k * picture->channels + channel];
        }
    }
    return rc ? rc : lk_mask_blur(*out, sigma, err);
}

/* Black where in this channel not gauss(5) − gauss(½) > 16: the WebUI's threshold 32 of twice that.
 */
static int xdog_channel(const struct lk_picture *picture,
                        int channel,
                        struct lk_picture *lines,
                        struct lk_error *err)
{
    struct lk_mask *fine = NULL, *coarse = NULL;
    int rc = plane(picture, channel, 0.5f, &fine, err);
    rc = rc ? rc : plane(picture, channel, 5, &coarse, err);
    for (int y = 0; y < lines->height && !rc; y++) {
        for (int x = 0; x < lines->width; x++) {
            const size_t k = (size_t)(y + RIM) * fine->width + x + RIM;
            if (!(coarse->value[k] - fine->value[k] > 16))
                memset(lines->u8 + 3 * ((size_t)y * lines->width + x), 0, 3);
        }
    }
    lk_mask_free(fine);
    lk_mask_free(coarse);
    return rc;
}

static int xdog(const struct lk_picture *picture, struct lk_picture **out, struct lk_error *err)
{
    struct lk_picture *lines = NULL;
    int rc = lk_picture_new(picture->width, picture->height, 3, LK_PIXEL_U8, &lines, err);
    if (!rc)
        memset(lines->u8, 255, 3 * (size_t)lines->width * (size_t)lines->height);
    for (int c = 0; c < 3 && !rc; c++)
        rc = xdog_channel(picture, c, lines, err);
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
    return lk_fail(err, LK_E_INPUT, "--control: '%s' is made by a network, or is none of %s", type,
                   LK_ANNOTATORS);
}
