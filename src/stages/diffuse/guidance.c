// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/guidance.h"

#include <stdlib.h>
#include <string.h>

static size_t latent_size(const struct lk__guidance *g)
{
    return (size_t)g->channels * g->height * g->width;
}

static size_t context_size(const struct lk__guidance *g)
{
    return (size_t)g->conditioning->tokens * g->conditioning->width;
}

void lk__guidance_init(struct lk__guidance *g,
                       lk_session *unet,
                       const int latent_shape[3],
                       const struct lk_conditioning *conditioning,
                       double scale)
{
    *g = (struct lk__guidance){
        .unet = unet,
        .conditioning = conditioning,
        .scale = (float)scale,
        .channels = latent_shape[0],
        .height = latent_shape[1],
        .width = latent_shape[2],
    };
}

void lk__guidance_free(struct lk__guidance *g)
{
    free(g->sample);
    free(g->context);
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
    const size_t rows = (size_t)batch;
    float *sample = realloc(g->sample, rows * latent_size(g) * sizeof *sample);
    g->sample = sample ? sample : g->sample;
    float *context = realloc(g->context, rows * context_size(g) * sizeof *context);
    g->context = context ? context : g->context;
    if (!sample || !context)
        return lk_fail_memory(err, "guidance",
                              rows * (latent_size(g) + context_size(g)) * sizeof *sample);
    g->room = batch;
    g->batch = 0;
    return 0;
}

/* Puts the step's conditions into the rows, and their states into the context where they are others
 * than in the step before. */
static int choose_rows(struct lk__guidance *g, int step, struct lk_error *err)
{
    const struct lk_conditioning *c = g->conditioning;
    const struct lk_condition *rows[LK_GUIDANCE_MAX_ROWS];
    const size_t n = choose(c->positive, c->n_positive, step, rows + 1, LK_GUIDANCE_MAX_ROWS - 1);
    const bool guided = g->scale > 1 || n != 1 || rows[1]->weight != 1;
    if (n < 1 || n >= LK_GUIDANCE_MAX_ROWS ||
        (guided && choose(c->negative, c->n_negative, step, rows, 1) != 1))
        return lk_fail(err, LK_E_FAILED, "step %d has %zu conditions, or no negative one", step, n);
    const int batch = (int)n + guided;
    int rc = make_room(g, batch, err);
    if (rc)
        return rc;
    for (int b = 0; b < batch; b++) {
        const struct lk_condition *row = rows[b + !guided];
        if (b >= g->batch || g->rows[b] != row)
            memcpy(g->context + b * context_size(g), row->states,
                   context_size(g) * sizeof *row->states);
        g->rows[b] = row;
    }
    g->batch = batch;
    return 0;
}

/* ---- noise ---- */

/* noise [batch, n] → epsilon [n] */
static void combine(const struct lk__guidance *g, const float *noise, float *epsilon)
{
    const size_t n = latent_size(g);
    memcpy(epsilon, noise, n * sizeof *epsilon);
    for (int b = 1; b < g->batch; b++) {
        const float *positive = noise + b * n, scale = g->scale * g->rows[b]->weight;
        for (size_t k = 0; k < n; k++)
            epsilon[k] += scale * (positive[k] - noise[k]);
    }
}

int lk__guidance_noise(struct lk__guidance *g,
                       int step,
                       float timestep,
                       const float *x,
                       float *epsilon,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    static const char *const in_names[] = {"sample", "timestep", "context"};
    static const char *const out_name = "noise";
    const size_t n = latent_size(g);
    float timesteps[LK_GUIDANCE_MAX_ROWS];
    int rc = choose_rows(g, step, err);
    if (rc)
        return rc;
    for (int b = 0; b < g->batch; b++) {
        memcpy(g->sample + b * n, x, n * sizeof *x);
        timesteps[b] = timestep;
    }
    const struct lk_conditioning *c = g->conditioning;
    const struct lk_array inputs[] = {
        {LK_F32, 4, {g->batch, g->channels, g->height, g->width}, g->sample},
        {LK_F32, 1, {g->batch}, timesteps},
        {LK_F32, 3, {g->batch, c->tokens, c->width}, g->context},
    };
    struct lk_array output = {0};
    rc = lk_session_run(g->unet, 3, in_names, inputs, 1, &out_name, &output, watch, err);
    if (rc)
        return rc;
    if (output.rank != 4 || memcmp(output.shape, inputs[0].shape, 4 * sizeof output.shape[0]))
        rc = lk_fail(err, LK_E_FAILED, "the UNet's noise has another shape than its latent");
    else
        combine(g, output.data, epsilon);
    free(output.data);
    return rc;
}
