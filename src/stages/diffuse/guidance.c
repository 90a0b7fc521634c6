// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/guidance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t context_size(const struct lk__guidance *g)
{
    return (size_t)g->conditioning->tokens * g->conditioning->width;
}

static size_t latent_size(const struct lk__guidance *g)
{
    const struct lk__predictor *p = g->predictor;
    return (size_t)p->channels * p->height * p->width;
}

void lk__guidance_init(struct lk__guidance *g,
                       const struct lk__predictor *predictor,
                       const struct lk_conditioning *conditioning,
                       int added_width,
                       double scale,
                       const struct lk_guidance_options *options)
{
    *g = (struct lk__guidance){
        .predictor = predictor,
        .conditioning = conditioning,
        .options = options,
        .scale = (float)(options->plus_plus ? scale / 12.5 : scale),
        .added_width = added_width,
    };
}

void lk__guidance_free(struct lk__guidance *g)
{
    free(g->context);
    free(g->added);
    free(g->away);
}

/* ---- the rows of a step ---- */

/* Appends those of list [n] that hold in the step, as far as rows are free; returns how many do. */
static size_t choose(const struct lk_condition *list,
                     size_t n,
                     int step,
                     const struct lk_condition **rows,
                     size_t free_rows)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].from > step || step >= list[i].to)
            continue;
        if (found < free_rows)
            rows[found] = &list[i];
        found++;
    }
    return found;
}

static int make_room(struct lk__guidance *g, int batch, struct lk_error *err)
{
    if (batch <= g->room)
        return 0;
    const size_t bytes = (size_t)batch * context_size(g) * sizeof *g->context;
    float *context = realloc(g->context, bytes);
    g->context = context ? context : g->context;
    float *added = realloc(g->added, ((size_t)batch * g->added_width + 1) * sizeof *added);
    g->added = added ? added : g->added;
    if (!g->away)
        g->away = malloc(latent_size(g) * sizeof *g->away);
    if (!context || !added || !g->away)
        return lk_fail_memory(err, "guidance", bytes + latent_size(g) * sizeof *g->away);
    g->room = batch;
    g->batch = 0;
    return 0;
}

/* The pooled prompt, then each number about sizes as cosines and sines, as a timestep is given.
 * out [added_width] */
static void fill_added(const struct lk__guidance *g,
                       const float *pooled,
                       const float *sizes,
                       float *out)
{
    const struct lk_conditioning *c = g->conditioning;
    const int half = (g->added_width - c->pooled_width) / (2 * g->n_sizes);
    memcpy(out, pooled, (size_t)c->pooled_width * sizeof *out);
    out += c->pooled_width;
    for (int n = 0; n < g->n_sizes; n++, out += 2 * half) {
        for (int i = 0; i < half; i++) {
            const float rate = expf(-logf(10000) * (float)i / (float)half);
            out[i] = cosf(sizes[n] * rate);
            out[half + i] = sinf(sizes[n] * rate);
        }
    }
}

/* What the UNet is told in row b, which is the negative one where the step is guided and b is 0. */
static void fill_row(struct lk__guidance *g, int b, bool guided, const struct lk_condition *row)
{
    const float *sizes = guided && b == 0 ? g->sizes_negative : g->sizes;
    memcpy(g->context + b * context_size(g), row->states, context_size(g) * sizeof *row->states);
    if (g->added_width)
        fill_added(g, row->pooled, sizes, g->added + b * g->added_width);
}

/* Puts the step's conditions into the rows, and their states into the context where they are others
 * than in the step before. */
static int choose_rows(struct lk__guidance *g, int step, bool holds, struct lk_error *err)
{
    const struct lk_conditioning *c = g->conditioning;
    const struct lk_condition *rows[LK_GUIDANCE_MAX_ROWS];
    const size_t room = LK_GUIDANCE_MAX_ROWS - 2; /* beside a negative and a perturbed one */
    const size_t n = choose(c->positive, c->n_positive, step, rows + 1, room);
    const bool guided =
        (holds && (g->scale > 1 || g->options->plus_plus)) || n != 1 || rows[1]->weight != 1;
    const bool perturbed = holds && g->options->perturbed > 0;
    if (n < 1 || n > room || (guided && choose(c->negative, c->n_negative, step, rows, 1) != 1))
        return lk_fail(err, LK_E_FAILED, "step %d has %zu conditions, or no negative one", step, n);
    const int batch = (int)n + guided + perturbed;
    rows[1 + n] = rows[1]; /* perturbed */
    g->positive = guided;
    g->perturbed = batch - perturbed;
    int rc = make_room(g, batch, err);
    if (rc)
        return rc;
    for (int b = 0; b < batch; b++) {
        const struct lk_condition *row = rows[b + !guided];
        if (b >= g->batch || g->rows[b] != row) {
            fill_row(g, b, guided, row);
            g->stamp = lk_stamp_new();
        }
        g->rows[b] = row;
    }
    g->batch = batch;
    return 0;
}

/* ---- noise ---- */

/* noise [batch, n] → epsilon [n]; scale: of guidance */
static void combine(struct lk__guidance *g, float scale, const float *noise, float *epsilon)
{
    const size_t n = latent_size(g);
    const float *positive = noise + g->positive * n;
    memcpy(epsilon, noise, n * sizeof *epsilon);
    memcpy(g->away, noise, n * sizeof *g->away);
    for (int b = 1; b < g->perturbed; b++) {
        const float *one = noise + b * n, share = scale * g->rows[b]->weight;
        for (size_t k = 0; k < n; k++)
            epsilon[k] += share * (one[k] - noise[k]);
    }
    for (int b = g->perturbed; b < g->batch; b++) {
        const float *perturbed = noise + b * n, share = (float)g->options->perturbed;
        for (size_t k = 0; k < n; k++)
            epsilon[k] += share * (positive[k] - perturbed[k]);
    }
    if (g->batch > 1)
        lk__mix_rescale(epsilon, positive, n, g->options->rescale);
}

int lk__guidance_noise(struct lk__guidance *g,
                       int step,
                       bool holds,
                       float timestep,
                       const float *x,
                       float *epsilon,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    const struct lk_conditioning *c = g->conditioning;
    float perturb[LK_GUIDANCE_MAX_ROWS], *noise;
    int rc = choose_rows(g, step, holds, err);
    if (rc)
        return rc;
    for (int b = 0; b < g->batch; b++)
        perturb[b] = b == g->perturbed;
    const struct lk__asked asked = {
        .batch = g->batch,
        .negative = g->positive,
        .timestep = timestep,
        .tokens = c->tokens,
        .width = c->width,
        .stamp = g->stamp,
        .context = g->context,
        .added_width = g->added_width,
        .added = g->added,
        .perturb = g->options->perturbed > 0 ? perturb : NULL,
    };
    rc = lk__predict(g->predictor, &asked, x, watch, &noise, err);
    if (rc)
        return rc;
    combine(g, holds ? g->scale : 1, noise, epsilon);
    free(noise);
    return 0;
}
