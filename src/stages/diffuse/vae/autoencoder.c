// SPDX-License-Identifier: Apache-2.0
/* The UNet works on latents scaled to unit variance (0.18215 in SD 1.x):
 *
 *   picture = clip(decoder(z / scale)/2 + ½)
 *   z = scale·(mean + e^{½·clip(logvar, −30, 20)}·noise)                                       */
#include "stages/diffuse/vae/autoencoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/vae/tiles.h"

struct call {
    lk_session *session;
    const char *in, *out; /* names of the ports */
    int in_channels, in_scale, out_channels, out_scale;
    const struct lk_watch *watch;
};

static int run_tile(void *user, const float *in, int h, int w, float *out, struct lk_error *err)
{
    const struct call *c = user;
    struct lk_array input = {
        .dtype = LK_F32,
        .rank = 4,
        .shape = {1, c->in_channels, (int64_t)h * c->in_scale, (int64_t)w * c->in_scale},
        .data = (float *)in, /* an input is only read */
    };
    struct lk_array output = {0};
    int rc = lk_session_run(c->session, 1, &c->in, &input, 1, &c->out, &output, c->watch, err);
    if (rc)
        return rc;
    const int64_t want[] = {1, c->out_channels, (int64_t)h * c->out_scale,
                            (int64_t)w * c->out_scale};
    if (output.rank != 4 || memcmp(output.shape, want, sizeof want))
        rc = lk_fail(err, LK_E_FAILED, "the VAE's %s has another shape than asked for", c->out);
    else
        memcpy(out, output.data, (size_t)(want[1] * want[2] * want[3]) * sizeof *out);
    free(output.data);
    return rc;
}

static int run_tiles(const struct lk__autoencoder *vae,
                     struct call *call,
                     const float *in,
                     int height,
                     int width,
                     float *out,
                     struct lk_error *err)
{
    int tile = vae->tile ? vae->tile : LK__VAE_TILE;
    if (!vae->tile && (size_t)height * width <= LK__VAE_WHOLE)
        tile = height > width ? height : width;
    const struct lk__tiles tiles = {
        .height = height,
        .width = width,
        .tile = tile,
        .overlap = tile / 4,
        .in_channels = call->in_channels,
        .in_scale = call->in_scale,
        .out_channels = call->out_channels,
        .out_scale = call->out_scale,
        .run = run_tile,
        .user = call,
    };
    return lk__tiles_run(&tiles, in, out, err);
}

static int no_numbers(const struct lk__autoencoder *vae, const char *half, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "the VAE of checkpoint '%s' %s no numbers (NaN or infinity): its weights are "
                   "damaged or overflow; give another file with --vae",
                   lk_checkpoint_name(vae->checkpoint), half);
}

int lk__autoencoder_factor(const lk_checkpoint *checkpoint)
{
    return 1 << (lk_checkpoint_config(checkpoint)->vae.levels - 1);
}

/* planes [3,H,W] −1…1 → interleaved 0…1; false when one is no number */
static int to_picture(const float *planes, struct lk_picture *picture)
{
    const size_t n = (size_t)picture->width * picture->height;
    for (size_t k = 0; k < n; k++) {
        for (size_t c = 0; c < 3; c++) {
            float v = planes[c * n + k] * 0.5f + 0.5f;
            if (!isfinite(v))
                return 0;
            picture->f32[3 * k + c] = v < 0 ? 0 : v > 1 ? 1 : v;
        }
    }
    return 1;
}

int lk__decode(const struct lk__autoencoder *vae,
               const float *latent,
               int height,
               int width,
               const struct lk_watch *watch,
               struct lk_picture **out,
               struct lk_error *err)
{
    const struct lk_vae_config *config = &lk_checkpoint_config(vae->checkpoint)->vae;
    const int factor = lk__autoencoder_factor(vae->checkpoint), channels = config->latent_channels;
    const size_t n = (size_t)channels * height * width;
    const size_t pixels = (size_t)height * factor * width * factor;
    struct lk_picture *picture = NULL;
    int rc = lk_picture_new(width * factor, height * factor, 3, LK_PIXEL_F32, &picture, err);
    if (rc)
        return rc;
    float *z = malloc((n + 3 * pixels) * sizeof *z), *planes = z + n;
    if (!z) {
        lk_picture_free(picture);
        return lk_fail_memory(err, "decoding", (n + 3 * pixels) * sizeof *z);
    }
    for (size_t k = 0; k < n; k++)
        z[k] = latent[k] / config->scale;
    struct call call = {vae->decoder, "latent", "picture", channels, 1, 3, factor, watch};
    rc = run_tiles(vae, &call, z, height, width, planes, err);
    if (!rc && !to_picture(planes, picture))
        rc = no_numbers(vae, "decodes to", err);
    free(z);
    if (rc)
        lk_picture_free(picture);
    else
        *out = picture;
    return rc;
}

/* interleaved 0…1 → planes [3,H,W] −1…1; alpha is left out */
static void to_planes(const struct lk_picture *picture, float *planes)
{
    const size_t n = (size_t)picture->width * picture->height, step = picture->channels;
    for (size_t k = 0; k < n; k++) {
        for (size_t c = 0; c < 3; c++)
            planes[c * n + k] = 2 * picture->f32[step * k + c] - 1;
    }
}

/* moments [2·n]: means, then log variances. noise [n] or NULL. false when one is no number. */
static int posterior(const float *moments, const float *noise, size_t n, float scale, float *latent)
{
    for (size_t k = 0; k < n; k++) {
        float mean = moments[k], log_variance = fminf(fmaxf(moments[n + k], -30), 20);
        if (!isfinite(mean) || !isfinite(moments[n + k]))
            return 0;
        latent[k] = scale * (noise ? mean + expf(0.5f * log_variance) * noise[k] : mean);
    }
    return 1;
}

int lk__encode(const struct lk__autoencoder *vae,
               const struct lk_picture *picture,
               struct lk_rng *rng,
               const struct lk_watch *watch,
               float *latent,
               struct lk_error *err)
{
    const struct lk_vae_config *config = &lk_checkpoint_config(vae->checkpoint)->vae;
    const int factor = lk__autoencoder_factor(vae->checkpoint), channels = config->latent_channels;
    const int height = picture->height / factor, width = picture->width / factor;
    const size_t pixels = (size_t)picture->height * picture->width;
    const size_t n = (size_t)channels * height * width, total = 3 * (pixels + n);
    struct lk_picture *real = NULL;
    int rc = lk_picture_convert(picture, LK_PIXEL_F32, &real, err);
    if (rc)
        return rc;
    float *planes = malloc(total * sizeof *planes);
    if (!planes) {
        lk_picture_free(real);
        return lk_fail_memory(err, "encoding", total * sizeof *planes);
    }
    float *moments = planes + 3 * pixels, *noise = moments + 2 * n;
    to_planes(real, planes);
    lk_picture_free(real);
    struct call call = {vae->encoder, "picture", "moments", 3, factor, 2 * channels, 1, watch};
    rc = run_tiles(vae, &call, planes, height, width, moments, err);
    if (!rc && rng)
        lk_rng_normal(rng, noise, n);
    if (!rc && !posterior(moments, rng ? noise : NULL, n, config->scale, latent))
        rc = no_numbers(vae, "encodes to", err);
    free(planes);
    return rc;
}
