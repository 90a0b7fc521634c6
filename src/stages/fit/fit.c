// SPDX-License-Identifier: Apache-2.0
/* The order of the fit stage: mask → light → blend.
 *
 * The mask comes first, because light is compared only where the face is. Light comes before the
 * blend, because Poisson blending can only shift values from the edge inwards: a shadow across the
 * face is for light.c, what is then left at the edge for blend.c. The mask's soft values are used
 * once, at paste-back; here they say only where the blend may change anything. */
#include "stages/fit/fit.h"

#include <math.h>
#include <stddef.h>

void lk_fit_options_init(struct lk_fit_options *options)
{
    lk_light_options_init(&options->light);
    lk_fit_mask_options_init(&options->mask);
    lk_blend_options_init(&options->blend);
}

static int check_crop(const struct lk_picture *crop, const char *name, struct lk_error *err)
{
    if (crop->type != LK_PIXEL_F32 || crop->channels != 3)
        return lk_fail(err, LK_E_INPUT, "fit: the %s crop must be float RGB", name);
    size_t n = (size_t)crop->width * (size_t)crop->height * 3;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(crop->f32[i]))
            return lk_fail(err, LK_E_INPUT,
                           "fit: the %s crop holds values that are not numbers: the weights of the "
                           "network that made it are broken, use another model",
                           name);
    }
    return 0;
}

static int check_input(const struct lk_picture *original,
                       const struct lk_picture *refined,
                       struct lk_error *err)
{
    if (original->width != refined->width || original->height != refined->height)
        return lk_fail(err, LK_E_INPUT,
                       "fit: the refined crop is %dx%d, the original %dx%d: they must be equal",
                       refined->width, refined->height, original->width, original->height);
    int code = check_crop(original, "original", err);
    return code ? code : check_crop(refined, "refined", err);
}

/* The gains as grey 0.5 for 1, half a unit per doubling. */
static void show_light(const struct lk_debug *debug, const struct lk_light *light, int w, int h)
{
    struct lk_picture *field;
    if (!debug || !debug->picture || lk_picture_new(w, h, 3, LK_PIXEL_F32, &field, NULL))
        return;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int c = 0; c < 3; c++)
                field->f32[((size_t)y * (size_t)w + (size_t)x) * 3 + (size_t)c] =
                    0.5f + 0.5f * log2f(lk_light_gain(light, c, x, y, w, h));
        }
    }
    lk_debug_picture(debug, "fit/light", field);
    lk_picture_free(field);
}

static float coverage(const struct lk_mask *mask)
{
    size_t n = (size_t)mask->width * (size_t)mask->height, open = 0;
    for (size_t i = 0; i < n; i++)
        open += mask->value[i] > 0;
    return (float)open / (float)n;
}

int lk_fit_face(const struct lk_picture *original,
                const struct lk_picture *refined,
                const float (*points)[2],
                const struct lk_mask *const *extra,
                int n_extra,
                const struct lk_fit_options *options,
                const struct lk_debug *debug,
                struct lk_picture **out,
                struct lk_mask **out_mask,
                struct lk_fit_report *report,
                struct lk_error *err)
{
    struct lk_mask *mask = NULL;
    struct lk_picture *lit = NULL, *blended = NULL;
    struct lk_light light;
    struct lk_blend_stats stats;
    int w = original->width, h = original->height;
    int code = check_input(original, refined, err);
    if (code)
        return code;
    if ((code = lk_fit_mask(w, h, points, extra, n_extra, &options->mask, &mask, err)) ||
        (code = lk_light_fit(original, refined, mask, &options->light, &light, err)) ||
        (code = lk_light_apply(&light, refined, &lit, err)) ||
        (code = lk_blend_poisson(original, lit, mask, &options->blend, &blended, &stats, err)))
        goto fail;
    lk_debug_picture(debug, "fit/original", original);
    lk_debug_picture(debug, "fit/refined", refined);
    show_light(debug, &light, w, h);
    lk_debug_picture(debug, "fit/lit", lit);
    lk_debug_mask(debug, "fit/mask", mask);
    lk_debug_picture(debug, "fit/blended", blended);
    if (report)
        *report = (struct lk_fit_report){
            .gain = {light.mean[0], light.mean[1], light.mean[2]},
            .coverage = coverage(mask),
            .blend = stats,
        };
    lk_picture_free(lit);
    *out = blended;
    *out_mask = mask;
    return 0;
fail:
    lk_picture_free(lit);
    lk_mask_free(mask);
    return code;
}
