// SPDX-License-Identifier: Apache-2.0
/* What a drawing starts from: noise, or a picture's latents with noise, of which a mask keeps a
 * part. Noise is taken from the one generator in the order in which diffusers draws it (draw.c). */
#include <string.h>

#include "stages/diffuse/sitting.h"
#include "stages/diffuse/vae/autoencoder.h"

/* Latents of what is started from. picture: init at the size of the drawing; or NULL. */
static int take_picture(struct lk__sitting *s,
                        const struct lk__autoencoder *vae,
                        const struct lk_picture *picture,
                        struct lk_error *err)
{
    const float *latents = s->options->init_latents;
    if (!latents)
        return lk__encode(vae, picture, &s->rng, s->watch, s->walk.x, err);
    memcpy(s->walk.x, latents, s->walk.n * sizeof *latents);
    return 0;
}

/* Keeps picture and noise for what lies outside the mask; under it the picture may give way to
 * noise. */
static void take_mask(struct lk__sitting *s)
{
    struct lk__inpaint *p = &s->inpaint;
    const size_t n = s->walk.n, pixels = (size_t)p->height * p->width;
    memcpy(p->known, s->walk.x, n * sizeof *p->known);
    memcpy(p->noise, s->walk.noise, n * sizeof *p->noise);
    for (size_t k = 0; s->options->fill == LK_FILL_NOISE && k < n; k++)
        if (p->mask[k % pixels] > 0)
            s->walk.x[k] = p->noise[k];
}

/* What an inpainting UNet sees besides. A plain one sees nothing, but diffusers draws the noise. */
static int look_at_mask(struct lk__sitting *s,
                        const struct lk__autoencoder *vae,
                        const struct lk_picture *picture,
                        struct lk_error *err)
{
    if (s->sees_mask)
        return lk__inpaint_look(&s->inpaint, vae, picture, s->options->mask, &s->rng, s->watch,
                                err);
    if (s->options->mask)
        lk_rng_normal(&s->rng, s->inpaint.noised, s->walk.n);
    return 0;
}

/* With a mask strength 1 starts from noise alone, as diffusers does; an inpainting UNet then needs
 * no latents of the picture. */
static int start(struct lk__sitting *s, const struct lk_picture *picture, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    const lk_drawer *d = s->drawer;
    const struct lk__autoencoder vae = {d->checkpoint, NULL, d->encoder.session, d->encoder.tile};
    const bool noise_alone = !lk__has_picture(o) || (o->mask && o->strength == 1);
    int rc = 0;
    if (!noise_alone || (o->mask && !s->sees_mask))
        rc = take_picture(s, &vae, picture, err);
    if (rc)
        return rc;
    lk__noise_first(&s->rng, &o->variation, s->shape, s->walk.noise, s->epsilon);
    if (o->mask)
        take_mask(s);
    if (!noise_alone)
        lk__sampler_noised(s->sampler, &s->plan, s->start, &s->walk);
    for (size_t k = 0; noise_alone && k < s->walk.n; k++)
        s->walk.x[k] = s->walk.noise[k] * s->plan.noise_scale;
    return look_at_mask(s, &vae, picture, err);
}

int lk__begin(struct lk__sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    struct lk_picture *sized = NULL;
    int rc = 0;
    lk_rng_init(&s->rng, o->rng, o->seed);
    if (o->init || s->sees_mask)
        rc = lk__drawer_open_vae(s, lk_vae_encoder_graph, &s->drawer->encoder, err);
    if (!rc && o->init && (o->init->width != o->width || o->init->height != o->height))
        rc = lk_picture_resize(o->init, o->width, o->height, &sized, err);
    rc = rc ? rc : start(s, sized ? sized : o->init, err);
    lk_picture_free(sized);
    return rc;
}
