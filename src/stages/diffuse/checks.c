// SPDX-License-Identifier: Apache-2.0
/* What is refused before anything is computed. */
#include <math.h>

#include "stages/diffuse/sitting.h"

static int check_size(const struct lk_draw_options *o, int factor, struct lk_error *err)
{
    const int sides[] = {o->width, o->height};
    for (int i = 0; i < 2; i++) {
        if (sides[i] < LK_DRAW_MIN_SIDE || sides[i] > LK_DRAW_MAX_SIDE || sides[i] % factor)
            return lk_fail(err, LK_E_INPUT,
                           "--size %dx%d: each side must be a multiple of %d from %d to %d",
                           o->width, o->height, factor, LK_DRAW_MIN_SIDE, LK_DRAW_MAX_SIDE);
    }
    return 0;
}

static int check_reuse(const lk_drawer *d, const struct lk_draw_options *o, struct lk_error *err)
{
    if (o->deep_cache > 1 && (o->n_controls || o->n_adapters))
        return lk_fail(err, LK_E_INPUT,
                       "--deep-cache does not go with --control and image prompts, which change "
                       "what is kept");
    if (o->token_merging > 0 && !lk_checkpoint_config(d->checkpoint)->unet.attention[0])
        return lk_fail(err, LK_E_INPUT,
                       "--token-merging does nothing with checkpoint '%s': its UNet has no "
                       "attention at the latent's own size, only SD 1.x and 2.x have; leave it out",
                       lk_checkpoint_name(d->checkpoint));
    return 0;
}

static int check_mask(const struct lk_draw_options *o, struct lk_error *err)
{
    if (!o->mask)
        return 0;
    if (!o->init)
        return lk_fail(
            err, LK_E_INPUT,
            "--mask says which part of a picture is painted: give the picture by --init");
    if (o->mask->width == o->width && o->mask->height == o->height)
        return 0;
    return lk_fail(err, LK_E_INPUT, "a mask of %dx%d does not fit a drawing of %dx%d",
                   o->mask->width, o->mask->height, o->width, o->height);
}

/* A refiner works on the latent alone. */
static int check_refiner(const lk_drawer *drawer, int latent, struct lk_error *err)
{
    const int channels = lk_checkpoint_config(drawer->checkpoint)->unet.in_channels;
    if (channels == latent)
        return 0;
    return lk_fail(
        err, LK_E_INPUT,
        "refiner '%s' does not take the latents of the checkpoint (%d input channels, not "
        "%d): take a plain one of its family",
        lk_checkpoint_name(drawer->checkpoint), channels, latent);
}

int lk__check_options(const struct lk__sitting *s, int factor, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    int rc = check_size(o, factor, err);
    rc = rc ? rc : check_reuse(s->drawer, o, err);
    rc = rc ? rc : check_mask(o, err);
    return rc || !o->refiner ? rc : check_refiner(o->refiner->drawer, s->shape[0], err);
}

int lk__check_guidance(const struct lk__sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    const struct lk_guidance_options *g = &o->guidance_options;
    if (!(g->start < g->end))
        return lk_fail(err, LK_E_INPUT,
                       "--guidance-start %g does not come before --guidance-end %g", g->start,
                       g->end);
    if (!g->plus_plus)
        return 0;
    if (!s->sampler->takes_away)
        return lk_fail(err, LK_E_INPUT,
                       "--guidance-mode cfg++ does not go with --sampler %s: take ddim, euler or "
                       "euler-a",
                       s->sampler->name);
    if (o->guidance <= 1)
        return lk_fail(err, LK_E_INPUT,
                       "--guidance-mode cfg++ needs --guidance over 1, 7.5 for example");
    return 0;
}

bool lk__all_finite(const float *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(values[k]))
            return false;
    }
    return true;
}

static int not_together(
    const lk_checkpoint *checkpoint, const char *what, int takes, int given, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "checkpoint '%s': its UNet takes %d %s, its text encoder gives %d: they do not "
                   "belong together",
                   lk_checkpoint_name(checkpoint), takes, what, given);
}

static int check_conditions(const lk_drawer *drawer,
                            const struct lk_condition *list,
                            size_t n,
                            size_t size,
                            size_t pooled,
                            struct lk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!lk__all_finite(list[i].states, size) || !lk__all_finite(list[i].pooled, pooled))
            return lk_fail(
                err, LK_E_INPUT,
                "the text encoder of checkpoint '%s' gives no numbers (NaN or infinity): its "
                "weights are damaged; take another checkpoint",
                lk_checkpoint_name(drawer->checkpoint));
    }
    return 0;
}

int lk__check_conditioning(const lk_drawer *drawer,
                           const struct lk_conditioning *c,
                           struct lk_error *err)
{
    const struct lk_unet_config *unet = &lk_checkpoint_config(drawer->checkpoint)->unet;
    const size_t n = (size_t)c->tokens * c->width;
    const size_t pooled = unet->added ? (size_t)c->pooled_width : 0;
    if (c->tokens < 1 || c->width != unet->context)
        return not_together(drawer->checkpoint, "numbers a token", unet->context, c->width, err);
    const int numbers = unet->added - c->pooled_width;
    if (unet->added && (numbers <= 0 || numbers % (2 * unet->sizes)))
        return not_together(drawer->checkpoint, "numbers for the whole prompt", unet->added,
                            c->pooled_width, err);
    int rc = check_conditions(drawer, c->positive, c->n_positive, n, pooled, err);
    return rc ? rc : check_conditions(drawer, c->negative, c->n_negative, n, pooled, err);
}

int lk__check_network(int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                      const lk_checkpoint *checkpoint,
                      struct lk_error *err)
{
    lk_graph *graph = NULL;
    int rc = build(checkpoint, &graph, err);
    lk_graph_free(graph);
    return rc;
}
