// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/inpaint.h"

#include <stdlib.h>
#include <string.h>

static size_t pixels_of(const struct lk__inpaint *p)
{
    return (size_t)p->height * p->width;
}

int lk__inpaint_init(struct lk__inpaint *p,
                     const struct lk_mask *mask,
                     const int latent_shape[3],
                     struct lk_error *err)
{
    *p = (struct lk__inpaint){
        .channels = latent_shape[0], .height = latent_shape[1], .width = latent_shape[2]};
    const size_t pixels = pixels_of(p), n = p->channels * pixels, total = 2 * pixels + 4 * n;
    p->mask = malloc(total * sizeof *p->mask);
    if (!p->mask)
        return lk_fail_memory(err, "inpainting", total * sizeof *p->mask);
    p->known = p->mask + pixels;
    p->noise = p->known + n;
    p->noised = p->noise + n;
    p->more = p->noised + n;
    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            float v = 1;
            if (mask) {
                size_t row = (size_t)y * mask->height / p->height;
                v = mask->value[row * mask->width + (size_t)x * mask->width / p->width];
            }
            p->mask[(size_t)y * p->width + x] = v >= 0.5f;
        }
    }
    return 0;
}

void lk__inpaint_free(struct lk__inpaint *p)
{
    free(p->mask);
}

/* A copy of the picture with grey, the VAE's 0, where it is to be painted. */
static int hide(const struct lk_picture *picture,
                const struct lk_mask *mask,
                struct lk_picture **out,
                struct lk_error *err)
{
    struct lk_picture *copy;
    int rc = lk_picture_convert(picture, LK_PIXEL_F32, &copy, err);
    if (rc)
        return rc;
    const size_t n = (size_t)copy->width * copy->height, step = copy->channels;
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < 3 && mask->value[k] >= 0.5f; c++)
            copy->f32[k * step + c] = 0.5f;
    *out = copy;
    return 0;
}

static int all_grey(int width, int height, struct lk_picture **out, struct lk_error *err)
{
    int rc = lk_picture_new(width, height, 3, LK_PIXEL_F32, out, err);
    for (size_t k = 0; !rc && k < (size_t)3 * width * height; k++)
        (*out)->f32[k] = 0.5f;
    return rc;
}

int lk__inpaint_look(struct lk__inpaint *p,
                     const struct lk__autoencoder *vae,
                     const struct lk_picture *picture,
                     const struct lk_mask *mask,
                     struct lk_rng *rng,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    const int factor = lk__autoencoder_factor(vae->checkpoint);
    struct lk_picture *rest = NULL;
    int rc = picture && mask ? hide(picture, mask, &rest, err)
                             : all_grey(p->width * factor, p->height * factor, &rest, err);
    if (rc)
        return rc;
    memcpy(p->more, p->mask, pixels_of(p) * sizeof *p->more);
    rc = lk__encode(vae, rest, rng, watch, p->more + pixels_of(p), err);
    lk_picture_free(rest);
    return rc;
}

void lk__inpaint_keep(const struct lk__inpaint *p,
                      const struct lk_sampler *sampler,
                      const struct lk__plan *plan,
                      int next,
                      float *x)
{
    const size_t pixels = pixels_of(p), n = p->channels * pixels;
    struct lk__walk walk = {.n = n, .x = p->noised, .noise = p->noise};
    memcpy(p->noised, p->known, n * sizeof *x);
    if (next < plan->calls)
        lk__sampler_noised(sampler, plan, next, &walk);
    for (size_t k = 0; k < n; k++) {
        float m = p->mask[k % pixels];
        x[k] = (1 - m) * p->noised[k] + m * x[k];
    }
}
