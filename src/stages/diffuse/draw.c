// SPDX-License-Identifier: Apache-2.0
/* The loop of diffusion. Noise of one seed, in the order in which diffusers draws it: (with init:
 * the posterior's,) the first noise, (with mask: that of the posterior of the rest,) then the
 * sampler's own, all from one generator. */
#include "stages/diffuse/draw.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/sitting.h"
#include "stages/diffuse/vae/autoencoder.h"

void lk_draw_options_init(struct lk_draw_options *options)
{
    *options = (struct lk_draw_options){
        .width = 512,
        .height = 512,
        .steps = 20,
        .guidance = 7.5,
        .sampler = "dpmpp-2m",
        .schedule = "normal",
        .eta = -1,
        .rng = LK_RNG_TORCH,
        .strength = 0.8,
        .sizes.aesthetic = 6,
        .sizes_negative.aesthetic = 2.5,
    };
    lk_guidance_options_init(&options->guidance_options);
}

bool lk__has_picture(const struct lk_draw_options *o)
{
    return o->init || o->init_latents;
}

int lk_draw_steps(const struct lk_draw_options *o)
{
    if (!lk__has_picture(o))
        return o->steps;
    return o->strength >= 0 && o->strength <= 1 ? (int)(o->steps * o->strength) : 0;
}

/* One checkpoint's guidance by its own conditioning. */
static int guide(const struct lk__sitting *s,
                 const lk_drawer *drawer,
                 const struct lk_conditioning *conditioning,
                 struct lk__half *half,
                 struct lk_error *err)
{
    const struct lk_unet_config *unet = &lk_checkpoint_config(drawer->checkpoint)->unet;
    const struct lk_draw_options *o = s->options;
    struct lk__guidance *g = &half->guidance;
    lk__guidance_init(g, &half->predictor, conditioning, unet->added, o->guidance,
                      &o->guidance_options);
    g->n_sizes = unet->sizes;
    lk__sizes_numbers(&o->sizes, o->width, o->height, unet->sizes, g->sizes);
    lk__sizes_numbers(&o->sizes_negative, o->width, o->height, unet->sizes, g->sizes_negative);
    if (!unet->sizes && (lk__sizes_said(&o->sizes) || lk__sizes_said(&o->sizes_negative)))
        return lk_fail(err, LK_E_INPUT,
                       "checkpoint '%s' is told nothing of sizes and crops, only SDXL is: leave "
                       "--original-size, --target-size and --crop-… out",
                       lk_checkpoint_name(drawer->checkpoint));
    return lk__check_conditioning(drawer, conditioning, err);
}

/* Sampler, times, and with init how many of them are taken: diffusers' int(steps·strength). */
static int plan(struct lk__sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    enum lk_schedule schedule = LK_SCHEDULE_GIVEN;
    enum lk_spacing spacing = o->spacing;
    if (spacing == LK_SPACING_OWN)
        spacing = lk_checkpoint_config(s->drawer->checkpoint)->spacing;
    int rc = lk_sampler_find(o->sampler, &s->sampler, err);
    if (!rc)
        rc = lk__check_guidance(s, err);
    if (!rc && !o->sigmas)
        rc = lk_schedule_find(s->sampler, o->schedule, &schedule, err);
    const struct lk_checkpoint_config *config = lk_checkpoint_config(s->drawer->checkpoint);
    const int sdxl = config->family == LK_FAMILY_SDXL || config->family == LK_FAMILY_REFINER;
    const struct lk__plan_options options = {schedule, spacing,          o->steps, o->sigmas,
                                             o->eta,   config->zero_snr, sdxl};
    if (!rc)
        rc = lk__plan_make(s->sampler, &options, &s->plan, err);
    if (rc || !lk__has_picture(o))
        return rc;
    if (!(o->strength >= 0 && o->strength <= 1))
        return lk_fail(err, LK_E_INPUT, "--strength: %g is not a number from 0 to 1", o->strength);
    const int skipped = o->steps - lk_draw_steps(o);
    s->start = lk__plan_call_of_step(&s->plan, s->sampler, skipped);
    if (skipped == o->steps)
        return lk_fail(err, LK_E_INPUT,
                       "--strength %g of --steps %d leaves no step to draw: raise one of them",
                       o->strength, o->steps);
    return 0;
}

static int allocate(struct lk__sitting *s, struct lk_error *err)
{
    const size_t n = (size_t)s->shape[0] * s->shape[1] * s->shape[2];
    float *memory = calloc((5 + LK__PAST) * n, sizeof *memory);
    if (!memory)
        return lk_fail_memory(err, "a latent", (5 + LK__PAST) * n * sizeof *memory);
    s->walk = (struct lk__walk){
        .n = n,
        .x = memory,
        .kept = memory + n,
        .noise = memory + 2 * n,
        .rng = &s->rng,
    };
    s->input = memory + 3 * n;
    s->epsilon = memory + 4 * n;
    for (int i = 0; i < LK__PAST; i++)
        s->walk.past[i] = memory + (5 + i) * n;
    return 0;
}

/* The step that a call belongs to, counted from the first taken. PNDM has a call more. */
static int step_of(const struct lk__sitting *s, const struct lk__call *call)
{
    const int step = call->step - s->plan.call[s->start].step, steps = lk_draw_steps(s->options);
    return step < steps ? step : steps - 1;
}

/* v → ε, in the one place where samplers ask for it: ε = √ᾱ·v + √(1−ᾱ)·x, with x as the UNet sees
 * it. */
static void noise_of_v(const struct lk__sitting *s, int i, float *v)
{
    const double level = s->plan.call[i].level;
    const double alpha = s->sampler->latent == LK__LATENT_ALPHA ? level : 1 / (level * level + 1);
    const double keep = sqrt(alpha), pull = sqrt(1 - alpha);
    for (size_t k = 0; k < s->walk.n; k++)
        v[k] = (float)(keep * v[k] + pull * s->input[k]);
}

static int predicts_v(const struct lk__sitting *s, const lk_drawer *drawer)
{
    const enum lk_prediction asked = s->options->prediction;
    const enum lk_prediction own = lk_checkpoint_config(drawer->checkpoint)->prediction;
    return (asked == LK_PREDICTION_AUTO ? own : asked) == LK_PREDICTION_V;
}

/* The refiner's first call: diffusers' rule by time, not by count; steps are not cut in two. */
static int refined_from(const struct lk__sitting *s)
{
    const struct lk_draw_refiner *r = s->options->refiner;
    const double last = r ? rint(LK_TRAIN_STEPS - r->from * LK_TRAIN_STEPS) : 0;
    int i = 0;
    while (i < s->plan.calls && (!r || s->plan.call[i].second || s->plan.call[i].timestep >= last))
        i++;
    return i;
}

/* The map with which it is shown, before the UNet is there. */
static int prepare_preview(struct lk__sitting *s, struct lk_error *err)
{
    lk_drawer *d = s->drawer;
    const struct lk_draw_preview *p = s->options->preview;
    if (p && p->decoder && lk_tiny_decoder_channels(p->decoder) != s->shape[0])
        return lk_fail(
            err, LK_E_INPUT,
            "--preview-decoder takes latents of %d channels, the checkpoint has %d: take "
            "that of its family",
            lk_tiny_decoder_channels(p->decoder), s->shape[0]);
    if (!p || p->decoder || d->preview.channels || lk__preview_known(d->checkpoint, &d->preview))
        return 0;
    int rc = lk__drawer_open_vae(s, lk_vae_decoder_graph, &d->decoder, err);
    const struct lk__autoencoder vae = {d->checkpoint, d->decoder.session, NULL, d->decoder.tile};
    return rc ? rc : lk__preview_fit(&vae, s->watch, &d->preview, err);
}

/* What ε at call i makes of the latent; one that cannot be made is left out. Overwrites s->input.
 */
static void show_preview(struct lk__sitting *s, int i, int calls)
{
    const struct lk_draw_preview *p = s->options->preview;
    const int step = i - s->start + 1;
    struct lk_picture *picture;
    if (!p || step % p->every)
        return;
    lk__sampler_clean(s->sampler, &s->plan, i, s->walk.x, s->epsilon, s->walk.n, s->input);
    if (p->decoder ? lk_tiny_decode(p->decoder, s->input, s->shape[1], s->shape[2], s->watch,
                                    &picture, NULL)
                   : lk__preview_picture(&s->drawer->preview, s->input, s->shape[1], s->shape[2],
                                         &picture, NULL))
        return;
    p->show(p->user, step, calls, picture);
    lk_picture_free(picture);
}

static int denoise(struct lk__sitting *s, struct lk_error *err)
{
    const int calls = s->plan.calls - s->start, refined = refined_from(s);
    const struct lk_guidance_options *options = &s->options->guidance_options;
    for (int i = s->start; i < s->plan.calls; i++, s->walk.taken++) {
        const struct lk__call *call = &s->plan.call[i];
        const lk_drawer *drawer = i < refined ? s->drawer : s->options->refiner->drawer;
        struct lk__half *half = i < refined ? &s->own : &s->refiner;
        int rc = lk_watch_step(s->watch, "draw", i - s->start + 1, calls, err);
        if (rc)
            return rc;
        if (i == refined) /* what a sampler remembers is of the other checkpoint */
            s->walk.taken = 0;
        lk__sampler_input(s->sampler, &s->plan, i, s->walk.x, s->walk.n, s->input);
        half->predictor.at = i - s->start;
        rc = lk__guidance_noise(&half->guidance, step_of(s, call),
                                lk__mix_holds(options, call->step, s->plan.steps), call->timestep,
                                s->input, s->epsilon, s->watch, err);
        if (rc)
            return rc;
        if (predicts_v(s, drawer)) {
            noise_of_v(s, i, s->epsilon);
            noise_of_v(s, i, half->guidance.away);
        }
        show_preview(s, i, calls);
        s->walk.away = options->plus_plus ? half->guidance.away : NULL;
        s->sampler->step(&s->plan, i, s->epsilon, &s->walk);
        if (s->options->mask && !s->sees_mask)
            lk__inpaint_keep(&s->inpaint, s->sampler, &s->plan, i + 1, s->walk.x);
        if (!lk__all_finite(s->walk.x, s->walk.n))
            return lk_fail(err, LK_E_INPUT,
                           "the UNet of checkpoint '%s' gives no numbers (NaN or infinity) in step "
                           "%d: its weights are damaged or overflow; take another checkpoint",
                           lk_checkpoint_name(drawer->checkpoint), i - s->start + 1);
    }
    return 0;
}

static int finish(struct lk__sitting *s, struct lk_picture **picture, struct lk_error *err)
{
    lk_drawer *d = s->drawer;
    int rc = lk_watch_step(s->watch, "decode", 1, 1, err);
    rc = rc ? rc : lk__drawer_open_vae(s, lk_vae_decoder_graph, &d->decoder, err);
    if (rc)
        return rc;
    const struct lk__autoencoder vae = {d->checkpoint, d->decoder.session, NULL, d->decoder.tile};
    return lk__decode(&vae, s->walk.x, s->shape[1], s->shape[2], s->watch, picture, err);
}

static int draw(struct lk__sitting *s,
                struct lk_picture **picture,
                float **latents,
                struct lk_error *err)
{
    float *kept = NULL;
    int rc = lk__begin(s, err);
    rc = rc ? rc : prepare_preview(s, err);
    rc = rc ? rc : lk__drawer_open_unets(s, err);
    rc = rc ? rc : denoise(s, err);
    if (!rc && latents) {
        kept = malloc(s->walk.n * sizeof *kept);
        if (!kept)
            return lk_fail_memory(err, "a latent", s->walk.n * sizeof *kept);
        memcpy(kept, s->walk.x, s->walk.n * sizeof *kept);
    }
    if (!rc)
        rc = finish(s, picture, err);
    if (rc)
        free(kept);
    else if (latents)
        *latents = kept;
    return rc;
}

/* Mask, ControlNets and image prompts; the latter two are for the first checkpoint alone. */
static int prepare(struct lk__sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    struct lk__predictor plain = {
        .channels = s->shape[0],
        .height = s->shape[1],
        .width = s->shape[2],
        .steps = s->plan.calls - s->start,
    };
    int rc = lk__images_init(&s->images, s->drawer->checkpoint, o->adapters, o->n_adapters, err);
    if (!rc && (o->mask || s->sees_mask))
        rc = lk__inpaint_init(&s->inpaint, o->mask, s->shape, err);
    if (!rc && o->n_controls)
        rc = lk__controls_init(&s->controls, s->drawer->checkpoint, o->controls, o->n_controls,
                               o->control_mode, o->width, o->height, err);
    s->own.predictor = s->refiner.predictor = plain;
    s->own.predictor.more_channels = s->sees_mask ? s->shape[0] + 1 : 0;
    s->own.predictor.more = s->inpaint.more;
    s->own.predictor.controls = o->n_controls ? &s->controls : NULL;
    s->own.predictor.images = o->n_adapters ? &s->images : NULL;
    return rc;
}

int lk_draw(lk_drawer *drawer,
            const struct lk_draw_options *options,
            const struct lk_conditioning *conditioning,
            const struct lk_watch *watch,
            struct lk_picture **picture,
            float **latents,
            struct lk_error *err)
{
    const struct lk_checkpoint_config *config = lk_checkpoint_config(drawer->checkpoint);
    const int factor = lk__autoencoder_factor(drawer->checkpoint);
    const struct lk_draw_refiner *refiner = options->refiner;
    const int channels = config->vae.latent_channels;
    struct lk__sitting s = {
        .drawer = drawer,
        .options = options,
        .watch = watch,
        .shape = {channels, options->height / factor, options->width / factor},
        .sees_mask = config->unet.in_channels == 2 * channels + 1,
    };
    int rc = lk__check_options(&s, factor, err);
    rc = rc ? rc : plan(&s, err);
    rc = rc ? rc : allocate(&s, err);
    rc = rc ? rc : prepare(&s, err);
    rc = rc ? rc : guide(&s, drawer, conditioning, &s.own, err);
    rc = rc || !refiner ? rc : guide(&s, refiner->drawer, refiner->conditioning, &s.refiner, err);
    rc = rc ? rc : lk__check_network(lk_vae_decoder_graph, drawer->checkpoint, err);
    rc = rc ? rc : draw(&s, picture, latents, err);
    lk__guidance_free(&s.own.guidance);
    lk__guidance_free(&s.refiner.guidance);
    lk__controls_free(&s.controls);
    lk__images_free(&s.images);
    lk__deep_cache_free(&s.cache);
    lk__inpaint_free(&s.inpaint);
    free(s.walk.x);
    return rc;
}
