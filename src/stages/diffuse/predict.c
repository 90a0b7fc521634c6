// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/predict.h"

#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/unet/trunk.h"

enum { INPUTS_MAX = LK__TRUNK_INPUTS + 1 + LK__SKIPS_MAX + 1 + LK__IMAGE_INPUTS, BATCH_MAX = 64 };

/* sample [batch, channels + more_channels, h, w]: x, then the further channels. */
static void fill_sample(
    const struct lk__predictor *p, int batch, const float *x, int more_channels, float *sample)
{
    const size_t pixels = (size_t)p->height * p->width, n = (size_t)p->channels * pixels;
    const size_t more = (size_t)more_channels * pixels;
    for (int b = 0; b < batch; b++) {
        float *one = sample + (size_t)b * (n + more);
        memcpy(one, x, n * sizeof *x);
        if (more)
            memcpy(one + n, p->more, more * sizeof *x);
    }
}

static int run(const struct lk__predictor *p,
               const struct lk__asked *asked,
               const float *x,
               struct lk_array inputs[INPUTS_MAX],
               const struct lk_watch *watch,
               struct lk_array *output,
               struct lk_error *err)
{
    static const char *const out_name = "noise";
    const char *names[INPUTS_MAX] = {"sample", "timestep", "context", "added"};
    size_t n = LK__TRUNK_INPUTS - !asked->added_width;
    if (p->controls) {
        inputs[0].shape[1] = p->channels; /* a ControlNet sees the latent alone */
        fill_sample(p, asked->batch, x, 0, inputs[0].data);
        int rc =
            lk__controls_run(p->controls, p->at, p->steps, asked->negative, n, inputs, watch, err);
        if (rc)
            return rc;
        for (int i = 0; i < p->controls->n_residuals; i++, n++) {
            names[n] = p->controls->names[i];
            inputs[n] = p->controls->residuals[i];
        }
    }
    if (p->images) {
        int rc = lk__images_fill(p->images, p->at, p->steps, asked->batch, asked->negative,
                                 names + n, inputs + n, err);
        if (rc)
            return rc;
        n += 2 * (size_t)p->images->n;
    }
    if (asked->perturb) {
        names[n] = "perturb";
        inputs[n++] = (struct lk_array){
            LK_F32, 3, {asked->batch, 1, 1}, (float *)asked->perturb}; /* only read */
    }
    inputs[0].shape[1] = p->channels + p->more_channels;
    fill_sample(p, asked->batch, x, p->more_channels, inputs[0].data);
    if (p->cache)
        return lk__deep_cache_run(p->cache, p->unet, p->at, n,
                                  LK__TRUNK_INPUTS - !asked->added_width, names, inputs, watch,
                                  output, err);
    return lk_repeated_run(p->unet, n, names, inputs, 1, &out_name, output, watch, err);
}

int lk__predict(const struct lk__predictor *p,
                const struct lk__asked *asked,
                const float *x,
                const struct lk_watch *watch,
                float **noise,
                struct lk_error *err)
{
    float timesteps[BATCH_MAX];
    const int batch = asked->batch, channels = p->channels + p->more_channels;
    const size_t bytes = (size_t)batch * channels * p->height * p->width * sizeof *x;
    const int64_t want[] = {batch, p->channels, p->height, p->width};
    float *sample = batch <= BATCH_MAX ? malloc(bytes) : NULL;
    if (!sample)
        return lk_fail_memory(err, "a step", bytes);
    for (int b = 0; b < batch; b++)
        timesteps[b] = asked->timestep;
    struct lk_array output = {0};
    struct lk_array inputs[INPUTS_MAX] = {
        /* only read */
        {LK_F32, 4, {batch, channels, p->height, p->width}, sample},
        {LK_F32, 1, {batch}, timesteps},
        {LK_F32, 3, {batch, asked->tokens, asked->width}, (float *)asked->context, asked->stamp},
        {LK_F32, 2, {batch, asked->added_width}, (float *)asked->added, asked->stamp},
    };
    int rc = run(p, asked, x, inputs, watch, &output, err);
    free(sample);
    if (!rc && (output.rank != 4 || memcmp(output.shape, want, sizeof want))) {
        free(output.data);
        rc = lk_fail(err, LK_E_FAILED, "the UNet's noise has another shape than its latent");
    }
    if (!rc)
        *noise = output.data;
    return rc;
}
