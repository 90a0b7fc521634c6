// SPDX-License-Identifier: Apache-2.0
/* The networks of one checkpoint: opened when a drawing needs them, given up for each other where
 * memory is short. */
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/sitting.h"
#include "stages/diffuse/vae/autoencoder.h"

static struct lk__budget budget_of(const lk_drawer *d)
{
    return (struct lk__budget){d->runtime, d->checkpoint, d->device};
}

int lk__drawer_open_vae(struct lk__sitting *s,
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
    int rc = lk__check_network(lk_unet_graph, checkpoint, err);
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
    return lk__check_network(lk_unet_graph, drawer->checkpoint, err);
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

/* Rows of the largest run: all conditions of a step, the negative and the perturbed one. */
static int rows_of(const struct lk__sitting *s, const struct lk_conditioning *c)
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

static int open_shallow(struct lk__sitting *s,
                        const struct lk__extent *extent,
                        struct lk_error *err)
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

int lk__drawer_open_unets(struct lk__sitting *s, struct lk_error *err)
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
