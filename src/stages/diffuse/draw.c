// SPDX-License-Identifier: Apache-2.0
/* The loop of diffusion. Noise of one seed, in the order in which diffusers draws it: (with init:
 * the posterior's,) the first noise, (with mask: that of the posterior of the rest,) then the
 * sampler's own, all from one generator. */
#include "stages/diffuse/draw.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/budget.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/autoencoder.h"
#include "stages/diffuse/vae/preview.h"

struct lk_drawer {
    lk_runtime *runtime;
    const lk_checkpoint *checkpoint;
    char *device; /* NULL: auto */
    struct lk__network unet, shallow, decoder, encoder;
    struct lk_unet_variant variant; /* of the UNet */
    struct lk__preview_map preview;
};

/* One picture being drawn. */
struct sitting {
    lk_drawer *drawer;
    const struct lk_draw_options *options;
    const struct lk_watch *watch;
    const struct lk_sampler *sampler;
    struct lk__plan plan;
    int start; /* first call taken: 0, later with init */
    int shape[3];
    struct lk_rng rng;
    struct lk__walk walk;
    float *input, *epsilon; /* [C,h,w] each */
    bool sees_mask;         /* an inpainting UNet */
    struct lk__inpaint inpaint;
    struct lk__controls controls;
    struct lk__images images;
    struct lk__deep_cache cache;
    struct half {
        struct lk__predictor predictor;
        struct lk__guidance guidance;
    } own, refiner; /* the latter takes the last steps, if there is one */
};

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

static bool has_picture(const struct lk_draw_options *o)
{
    return o->init || o->init_latents;
}

int lk_draw_steps(const struct lk_draw_options *o)
{
    if (!has_picture(o))
        return o->steps;
    return o->strength >= 0 && o->strength <= 1 ? (int)(o->steps * o->strength) : 0;
}

static struct lk__budget budget_of(const lk_drawer *d)
{
    return (struct lk__budget){d->runtime, d->checkpoint, d->device};
}

/* Half of the VAE for a latent of s->shape; without room for both, the UNets go. */
static int open_vae(struct sitting *s,
                    int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                    struct lk__network *network,
                    struct lk_error *err)
{
    lk_drawer *d = s->drawer;
    const struct lk_draw_refiner *refiner = s->options->refiner;
    const struct lk__budget budget = budget_of(d);
    const struct lk__extent whole = {1, s->shape[1], s->shape[2]};
    lk_graph *graph = NULL;
    int rc = build(d->checkpoint, &graph, err);
    if (!rc && !lk__budget_is_ample(&budget, graph, lk__vae_work, &whole, network)) {
        lk__network_close(&d->unet);
        if (refiner)
            lk__network_close(&refiner->drawer->unet);
    }
    rc = rc ? rc : lk__budget_open_vae(&budget, graph, &whole, s->options->tile, network, err);
    lk_graph_free(graph);
    return rc;
}

static bool same_freeu(const struct lk_unet_variant *a, const struct lk_unet_variant *b)
{
    bool same = a->freed == b->freed;
    for (int i = 0; a->freed && i < LK__FREEU_LEVELS; i++)
        same = same && a->freeu.b[i] == b->freeu.b[i] && a->freeu.s[i] == b->freeu.s[i];
    return same;
}

/* Both are for one size. */
static bool is_sized(const struct lk_unet_variant *v)
{
    return v->freed || v->merging > 0;
}

static bool same_variant(const struct lk_unet_variant *a, const struct lk_unet_variant *b)
{
    return a->perturbed == b->perturbed && a->controlled == b->controlled &&
           a->caches == b->caches && a->images == b->images && same_freeu(a, b) &&
           a->merging == b->merging &&
           (!is_sized(a) || (a->height == b->height && a->width == b->width));
}

/* The UNet of the variant that is asked for, for runs of that extent; another one is given up, and
 * without room the VAE. */
static int choose_unet(lk_drawer *d,
                       const struct lk_unet_variant *variant,
                       const struct lk__extent *extent,
                       struct lk_error *err)
{
    const struct lk__budget budget = budget_of(d);
    lk_graph *graph = NULL;
    if (!same_variant(&d->variant, variant)) {
        lk__network_close(&d->unet);
        lk__network_close(&d->shallow);
    }
    d->variant = *variant;
    int rc = lk_unet_variant_graph(d->checkpoint, variant, &graph, err);
    if (!rc && !lk__budget_is_ample(&budget, graph, lk__unet_work, extent, &d->unet)) {
        lk__network_close(&d->decoder);
        lk__network_close(&d->encoder);
    }
    rc = rc ? rc : lk__budget_open(&budget, graph, lk__unet_work, extent, &d->unet, err);
    lk_graph_free(graph);
    return rc;
}

/* Whether all tensors of a network are there, before anything is computed. */
static int check_network(int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                         const lk_checkpoint *checkpoint,
                         struct lk_error *err)
{
    lk_graph *graph = NULL;
    int rc = build(checkpoint, &graph, err);
    lk_graph_free(graph);
    return rc;
}

int lk_drawer_open(lk_runtime *runtime,
                   const lk_checkpoint *checkpoint,
                   const char *device,
                   lk_drawer **out,
                   struct lk_error *err)
{
    lk_drawer *drawer = calloc(1, sizeof *drawer);
    if (!drawer || (device && !(drawer->device = strdup(device)))) {
        free(drawer);
        return lk_fail_memory(err, "a drawer", sizeof *drawer);
    }
    drawer->runtime = runtime;
    drawer->checkpoint = checkpoint;
    int rc = check_network(lk_unet_graph, checkpoint, err);
    if (rc)
        lk_drawer_free(drawer);
    else
        *out = drawer;
    return rc;
}

void lk_drawer_free(lk_drawer *drawer)
{
    if (!drawer)
        return;
    lk__network_close(&drawer->unet);
    lk__network_close(&drawer->shallow);
    lk__network_close(&drawer->decoder);
    lk__network_close(&drawer->encoder);
    free(drawer->device);
    free(drawer);
}

int lk_drawer_rebind(lk_drawer *drawer, struct lk_error *err)
{
    lk__network_close(&drawer->unet);
    lk__network_close(&drawer->shallow);
    return check_network(lk_unet_graph, drawer->checkpoint, err);
}

bool lk_drawer_has_room(const lk_drawer *drawer, int width, int height)
{
    const struct lk__budget budget = budget_of(drawer);
    const int factor = lk__autoencoder_factor(drawer->checkpoint);
    const struct lk__extent extent = {2, height / factor, width / factor};
    lk_graph *graph = NULL;
    const bool has = !lk_unet_graph(drawer->checkpoint, &graph, NULL) &&
                     lk__budget_is_ample(&budget, graph, lk__unet_work, &extent, &drawer->unet);
    lk_graph_free(graph);
    return has;
}

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

static int all_finite(const float *values, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(values[k]))
            return 0;
    }
    return 1;
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
        if (!all_finite(list[i].states, size) || !all_finite(list[i].pooled, pooled))
            return lk_fail(
                err, LK_E_INPUT,
                "the text encoder of checkpoint '%s' gives no numbers (NaN or infinity): its "
                "weights are damaged; take another checkpoint",
                lk_checkpoint_name(drawer->checkpoint));
    }
    return 0;
}

static int check_conditioning(const lk_drawer *drawer,
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

/* One checkpoint's guidance by its own conditioning. */
static int guide(const struct sitting *s,
                 const lk_drawer *drawer,
                 const struct lk_conditioning *conditioning,
                 struct half *half,
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
    return check_conditioning(drawer, conditioning, err);
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

static int check_guidance(const struct sitting *s, struct lk_error *err)
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

/* Sampler, times, and with init how many of them are taken: diffusers' int(steps·strength). */
static int plan(struct sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    enum lk_schedule schedule = LK_SCHEDULE_GIVEN;
    enum lk_spacing spacing = o->spacing;
    if (spacing == LK_SPACING_OWN)
        spacing = lk_checkpoint_config(s->drawer->checkpoint)->spacing;
    int rc = lk_sampler_find(o->sampler, &s->sampler, err);
    if (!rc)
        rc = check_guidance(s, err);
    if (!rc && !o->sigmas)
        rc = lk_schedule_find(s->sampler, o->schedule, &schedule, err);
    const struct lk_checkpoint_config *config = lk_checkpoint_config(s->drawer->checkpoint);
    const int sdxl = config->family == LK_FAMILY_SDXL || config->family == LK_FAMILY_REFINER;
    const struct lk__plan_options options = {schedule, spacing,          o->steps, o->sigmas,
                                             o->eta,   config->zero_snr, sdxl};
    if (!rc)
        rc = lk__plan_make(s->sampler, &options, &s->plan, err);
    if (rc || !has_picture(o))
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

static int allocate(struct sitting *s, struct lk_error *err)
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

/* Latents of what is started from. picture: init at the size of the drawing; or NULL. */
static int take_picture(struct sitting *s,
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
static void take_mask(struct sitting *s)
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
static int look_at_mask(struct sitting *s,
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
static int start(struct sitting *s, const struct lk_picture *picture, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    const lk_drawer *d = s->drawer;
    const struct lk__autoencoder vae = {d->checkpoint, NULL, d->encoder.session, d->encoder.tile};
    const bool noise_alone = !has_picture(o) || (o->mask && o->strength == 1);
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

static int begin(struct sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    struct lk_picture *sized = NULL;
    int rc = 0;
    lk_rng_init(&s->rng, o->rng, o->seed);
    if (o->init || s->sees_mask)
        rc = open_vae(s, lk_vae_encoder_graph, &s->drawer->encoder, err);
    if (!rc && o->init && (o->init->width != o->width || o->init->height != o->height))
        rc = lk_picture_resize(o->init, o->width, o->height, &sized, err);
    rc = rc ? rc : start(s, sized ? sized : o->init, err);
    lk_picture_free(sized);
    return rc;
}

/* The step that a call belongs to, counted from the first taken. PNDM has a call more. */
static int step_of(const struct sitting *s, const struct lk__call *call)
{
    const int step = call->step - s->plan.call[s->start].step, steps = lk_draw_steps(s->options);
    return step < steps ? step : steps - 1;
}

/* v → ε, in the one place where samplers ask for it: ε = √ᾱ·v + √(1−ᾱ)·x, with x as the UNet sees
 * it. */
static void noise_of_v(const struct sitting *s, int i, float *v)
{
    const double level = s->plan.call[i].level;
    const double alpha = s->sampler->latent == LK__LATENT_ALPHA ? level : 1 / (level * level + 1);
    const double keep = sqrt(alpha), pull = sqrt(1 - alpha);
    for (size_t k = 0; k < s->walk.n; k++)
        v[k] = (float)(keep * v[k] + pull * s->input[k]);
}

static int predicts_v(const struct sitting *s, const lk_drawer *drawer)
{
    const enum lk_prediction asked = s->options->prediction;
    const enum lk_prediction own = lk_checkpoint_config(drawer->checkpoint)->prediction;
    return (asked == LK_PREDICTION_AUTO ? own : asked) == LK_PREDICTION_V;
}

/* The refiner's first call: diffusers' rule by time, not by count; steps are not cut in two. */
static int refined_from(const struct sitting *s)
{
    const struct lk_draw_refiner *r = s->options->refiner;
    const double last = r ? rint(LK_TRAIN_STEPS - r->from * LK_TRAIN_STEPS) : 0;
    int i = 0;
    while (i < s->plan.calls && (!r || s->plan.call[i].second || s->plan.call[i].timestep >= last))
        i++;
    return i;
}

/* The map with which it is shown, before the UNet is there. */
static int prepare_preview(struct sitting *s, struct lk_error *err)
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
    int rc = open_vae(s, lk_vae_decoder_graph, &d->decoder, err);
    const struct lk__autoencoder vae = {d->checkpoint, d->decoder.session, NULL, d->decoder.tile};
    return rc ? rc : lk__preview_fit(&vae, s->watch, &d->preview, err);
}

/* What ε at call i makes of the latent; one that cannot be made is left out. Overwrites s->input.
 */
static void show_preview(struct sitting *s, int i, int calls)
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

static int denoise(struct sitting *s, struct lk_error *err)
{
    const int calls = s->plan.calls - s->start, refined = refined_from(s);
    const struct lk_guidance_options *options = &s->options->guidance_options;
    for (int i = s->start; i < s->plan.calls; i++, s->walk.taken++) {
        const struct lk__call *call = &s->plan.call[i];
        const lk_drawer *drawer = i < refined ? s->drawer : s->options->refiner->drawer;
        struct half *half = i < refined ? &s->own : &s->refiner;
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
        if (!all_finite(s->walk.x, s->walk.n))
            return lk_fail(err, LK_E_INPUT,
                           "the UNet of checkpoint '%s' gives no numbers (NaN or infinity) in step "
                           "%d: its weights are damaged or overflow; take another checkpoint",
                           lk_checkpoint_name(drawer->checkpoint), i - s->start + 1);
    }
    return 0;
}

static int finish(struct sitting *s, struct lk_picture **picture, struct lk_error *err)
{
    lk_drawer *d = s->drawer;
    int rc = lk_watch_step(s->watch, "decode", 1, 1, err);
    rc = rc ? rc : open_vae(s, lk_vae_decoder_graph, &d->decoder, err);
    if (rc)
        return rc;
    const struct lk__autoencoder vae = {d->checkpoint, d->decoder.session, NULL, d->decoder.tile};
    return lk__decode(&vae, s->walk.x, s->shape[1], s->shape[2], s->watch, picture, err);
}

/* Rows of the largest run: all conditions of a step, the negative and the perturbed one. */
static int rows_of(const struct sitting *s, const struct lk_conditioning *c)
{
    int most = 1;
    for (size_t i = 0; i < c->n_positive; i++) {
        int rows = 0;
        for (size_t j = 0; j < c->n_positive; j++)
            rows += c->positive[j].from <= c->positive[i].from &&
                    c->positive[i].from < c->positive[j].to;
        most = rows > most ? rows : most;
    }
    return most + (c->n_negative > 0) + (s->options->guidance_options.perturbed > 0);
}

static int open_shallow(struct sitting *s, const struct lk__extent *extent, struct lk_error *err)
{
    lk_drawer *d = s->drawer;
    const struct lk__budget budget = budget_of(d);
    lk_graph *graph = NULL;
    int rc = lk_unet_shallow_graph(d->checkpoint, &d->variant, &graph, err);
    rc = rc ? rc : lk__budget_open(&budget, graph, lk__unet_work, extent, &d->shallow, err);
    lk_graph_free(graph);
    s->cache =
        (struct lk__deep_cache){.shallow = d->shallow.steps, .interval = s->options->deep_cache};
    s->own.predictor.cache = &s->cache;
    return rc;
}

/* The first checkpoint's UNet takes ControlNets and image prompts, the refiner's neither. */
static int open_unets(struct sitting *s, struct lk_error *err)
{
    const struct lk_draw_options *o = s->options;
    struct lk_unet_variant variant = {
        .perturbed = o->guidance_options.perturbed > 0,
        .controlled = o->n_controls > 0,
        .caches = o->deep_cache > 1,
        .images = o->n_adapters,
        .freed = o->freeu != NULL,
        .freeu = o->freeu ? *o->freeu : (struct lk_freeu){{0}},
        .merging = o->token_merging,
        .height = s->shape[1],
        .width = s->shape[2],
    };
    struct lk__extent extent = {rows_of(s, s->own.guidance.conditioning), s->shape[1], s->shape[2],
                                o->token_merging > 0};
    int rc = choose_unet(s->drawer, &variant, &extent, err);
    rc = rc || !variant.caches ? rc : open_shallow(s, &extent, err);
    s->own.predictor.unet = s->drawer->unet.steps;
    if (rc || !o->refiner)
        return rc;
    variant.controlled = variant.caches = variant.images = 0;
    extent.rows = rows_of(s, s->refiner.guidance.conditioning);
    rc = choose_unet(o->refiner->drawer, &variant, &extent, err);
    s->refiner.predictor.unet = o->refiner->drawer->unet.steps;
    return rc;
}

static int draw(struct sitting *s,
                struct lk_picture **picture,
                float **latents,
                struct lk_error *err)
{
    float *kept = NULL;
    int rc = begin(s, err);
    rc = rc ? rc : prepare_preview(s, err);
    rc = rc ? rc : open_unets(s, err);
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
static int prepare(struct sitting *s, struct lk_error *err)
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
    struct sitting s = {
        .drawer = drawer,
        .options = options,
        .watch = watch,
        .shape = {channels, options->height / factor, options->width / factor},
        .sees_mask = config->unet.in_channels == 2 * channels + 1,
    };
    int rc = check_size(options, factor, err);
    rc = rc ? rc : check_reuse(drawer, options, err);
    rc = rc ? rc : check_mask(options, err);
    rc = rc || !refiner ? rc : check_refiner(refiner->drawer, channels, err);
    rc = rc ? rc : plan(&s, err);
    rc = rc ? rc : allocate(&s, err);
    rc = rc ? rc : prepare(&s, err);
    rc = rc ? rc : guide(&s, drawer, conditioning, &s.own, err);
    rc = rc || !refiner ? rc : guide(&s, refiner->drawer, refiner->conditioning, &s.refiner, err);
    rc = rc ? rc : check_network(lk_vae_decoder_graph, drawer->checkpoint, err);
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
