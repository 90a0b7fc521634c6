// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/guidance.h"

#include <stdlib.h>
#include <string.h>

static size_t latent_size(const struct lk__guidance *g)
{
    return (size_t)g->channels * g->height * g->width;
}

int lk__guidance_init(struct lk__guidance *g,
                      lk_session *unet,
                      const int latent_shape[3],
                      const struct lk_conditioning *conditioning,
                      double scale,
                      struct lk_error *err)
{
    *g = (struct lk__guidance){
        .unet = unet,
        .batch = scale > 1 ? 2 : 1,
        .scale = (float)scale,
        .channels = latent_shape[0],
        .height = latent_shape[1],
        .width = latent_shape[2],
        .tokens = conditioning->tokens,
        .context_width = conditioning->width,
    };
    const size_t context = (size_t)g->tokens * g->context_width, bytes = context * sizeof(float);
    const size_t total = g->batch * (latent_size(g) + context);
    g->sample = malloc(total * sizeof(float));
    if (!g->sample)
        return lk_fail_memory(err, "guidance", total * sizeof(float));
    g->context = g->sample + g->batch * latent_size(g);
    if (g->batch == 2)
        memcpy(g->context, conditioning->negative, bytes);
    memcpy(g->context + (g->batch - 1) * context, conditioning->positive, bytes);
    return 0;
}

void lk__guidance_free(struct lk__guidance *g)
{
    free(g->sample);
}

/* noise [batch, n] → epsilon [n] */
static void combine(const struct lk__guidance *g, const float *noise, float *epsilon)
{
    const size_t n = latent_size(g);
    if (g->batch == 1) {
        memcpy(epsilon, noise, n * sizeof *epsilon);
        return;
    }
    const float *negative = noise, *positive = noise + n;
    for (size_t k = 0; k < n; k++)
        epsilon[k] = negative[k] + g->scale * (positive[k] - negative[k]);
}

int lk__guidance_noise(const struct lk__guidance *g,
                       float timestep,
                       const float *x,
                       float *epsilon,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    static const char *const in_names[] = {"sample", "timestep", "context"};
    static const char *const out_name = "noise";
    const size_t n = latent_size(g);
    float timesteps[] = {timestep, timestep};
    for (int b = 0; b < g->batch; b++)
        memcpy(g->sample + b * n, x, n * sizeof *x);
    const struct lk_array inputs[] = {
        {LK_F32, 4, {g->batch, g->channels, g->height, g->width}, g->sample},
        {LK_F32, 1, {g->batch}, timesteps},
        {LK_F32, 3, {g->batch, g->tokens, g->context_width}, g->context},
    };
    struct lk_array output = {0};
    int rc = lk_session_run(g->unet, 3, in_names, inputs, 1, &out_name, &output, watch, err);
    if (rc)
        return rc;
    if (output.rank != 4 || memcmp(output.shape, inputs[0].shape, 4 * sizeof output.shape[0]))
        rc = lk_fail(err, LK_E_FAILED, "the UNet's noise has another shape than its latent");
    else
        combine(g, output.data, epsilon);
    free(output.data);
    return rc;
}
