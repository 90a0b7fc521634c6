// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/vae/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { SIDE = LK__PREVIEW_SIDE, AREA = SIDE * SIDE, MOST = LK__PREVIEW_CHANNELS + 1, BLUR = 2 };

static const struct lk__preview_map sd = {4,
                                          {{0.3512f, 0.2297f, 0.3227f},
                                           {0.3250f, 0.4974f, 0.2350f},
                                           {-0.2829f, 0.1762f, 0.2721f},
                                           {-0.2120f, -0.2616f, -0.7177f},
                                           {0, 0, 0}}};
static const struct lk__preview_map sdxl = {4,
                                            {{0.3651f, 0.4232f, 0.4341f},
                                             {-0.2533f, -0.0042f, 0.1068f},
                                             {0.1076f, 0.1111f, -0.0362f},
                                             {-0.3165f, -0.2492f, -0.2188f},
                                             {0.1084f, -0.0175f, -0.0011f}}};

bool lk__preview_known(const lk_checkpoint *checkpoint, struct lk__preview_map *out)
{
    static const int widths[] = {128, 256, 512, 512};
    const struct lk_checkpoint_config *config = lk_checkpoint_config(checkpoint);
    const struct lk_vae_config *vae = &config->vae;
    if (vae->levels != LK_ARRAY_LENGTH(widths) || vae->latent_channels != sd.channels ||
        memcmp(vae->width, widths, sizeof widths))
        return false;
    *out = config->family == LK_FAMILY_SD1 || config->family == LK_FAMILY_SD2 ? sd : sdxl;
    return true;
}

/* ---- the fit ---- */

/* Mean of the (2·BLUR+1)² pixels around (y, x), of those that there are. */
static double blurred(const float *plane, int y, int x)
{
    double sum = 0;
    int n = 0;
    for (int i = y - BLUR; i <= y + BLUR; i++) {
        for (int j = x - BLUR; j <= x + BLUR; j++) {
            if (i < 0 || j < 0 || i >= SIDE || j >= SIDE)
                continue;
            sum += (double)plane[i * SIDE + j];
            n++;
        }
    }
    return sum / n;
}

/* Noise of seed 0, smooth as pictures are, of variance 1. z [C,SIDE,SIDE]; noise: as much room. */
static void fill_smooth(int channels, float *z, float *noise)
{
    struct lk_rng rng;
    lk_rng_init(&rng, LK_RNG_TORCH, 0);
    lk_rng_normal(&rng, noise, (size_t)channels * AREA);
    for (int c = 0; c < channels; c++) {
        double sum = 0, squares = 0;
        for (int k = 0; k < AREA; k++) {
            const double v = blurred(noise + (size_t)c * AREA, k / SIDE, k % SIDE);
            z[(size_t)c * AREA + k] = (float)v;
            sum += v;
            squares += v * v;
        }
        const double mean = sum / AREA, deviation = sqrt(squares / AREA - mean * mean);
        for (int k = 0; k < AREA; k++)
            z[(size_t)c * AREA + k] = (float)(((double)z[(size_t)c * AREA + k] - mean) / deviation);
    }
}

/* Mean of the picture's pixels over one of the latent, as −1…1. */
static double mean_of(const struct lk_picture *picture, int factor, int k, int channel)
{
    const int y0 = k / SIDE * factor, x0 = k % SIDE * factor;
    double sum = 0;
    for (int y = y0; y < y0 + factor; y++)
        for (int x = x0; x < x0 + factor; x++)
            sum += (double)picture->f32[3 * ((size_t)y * picture->width + x) + channel];
    return 2 * sum / (factor * factor) - 1;
}

/* a [n,n] symmetric and positive, b [n,3] → b becomes a⁻¹·b; Gauss without pivots. */
static void solve(int n, double a[MOST][MOST], double b[MOST][3])
{
    for (int i = 0; i < n; i++) {
        for (int r = 0; r < n; r++) {
            const double share = r == i ? 0 : a[r][i] / a[i][i];
            for (int c = i; c < n; c++)
                a[r][c] -= share * a[i][c];
            for (int c = 0; c < 3; c++)
                b[r][c] -= share * b[i][c];
        }
    }
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            b[i][c] /= a[i][i];
}

/* Normal equations of picture ≈ [z 1]·factors. */
static void fit(const float *z,
                const struct lk_picture *picture,
                int factor,
                struct lk__preview_map *map)
{
    double a[MOST][MOST] = {{0}}, b[MOST][3] = {{0}}, row[MOST];
    const int n = map->channels + 1;
    for (int k = 0; k < AREA; k++) {
        for (int c = 0; c < n; c++)
            row[c] = c < map->channels ? (double)z[(size_t)c * AREA + k] : 1;
        for (int i = 0; i < n; i++) {
            for (int c = 0; c < n; c++)
                a[i][c] += row[i] * row[c];
            for (int c = 0; c < 3; c++)
                b[i][c] += row[i] * mean_of(picture, factor, k, c);
        }
    }
    solve(n, a, b);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            map->factors[i][c] = (float)b[i][c];
}

int lk__preview_fit(const struct lk__autoencoder *vae,
                    const struct lk_watch *watch,
                    struct lk__preview_map *out,
                    struct lk_error *err)
{
    struct lk__preview_map map = {.channels =
                                      lk_checkpoint_config(vae->checkpoint)->vae.latent_channels};
    const size_t n = (size_t)map.channels * AREA;
    struct lk_picture *picture;
    if (map.channels > LK__PREVIEW_CHANNELS)
        return lk_fail(err, LK_E_INPUT, "a latent of %d channels has no preview", map.channels);
    float *z = malloc(2 * n * sizeof *z);
    if (!z)
        return lk_fail_memory(err, "a preview", 2 * n * sizeof *z);
    fill_smooth(map.channels, z, z + n);
    int rc = lk__decode(vae, z, SIDE, SIDE, watch, &picture, err);
    if (!rc) {
        fit(z, picture, lk__autoencoder_factor(vae->checkpoint), &map);
        lk_picture_free(picture);
        *out = map;
    }
    free(z);
    return rc;
}

/* ---- the picture ---- */

int lk__preview_picture(const struct lk__preview_map *map,
                        const float *z,
                        int height,
                        int width,
                        struct lk_picture **out,
                        struct lk_error *err)
{
    const size_t n = (size_t)height * width;
    struct lk_picture *picture;
    int rc = lk_picture_new(width, height, 3, LK_PIXEL_F32, &picture, err);
    if (rc)
        return rc;
    for (size_t k = 0; k < n; k++) {
        for (int c = 0; c < 3; c++) {
            float v = map->factors[map->channels][c];
            for (int i = 0; i < map->channels; i++)
                v += map->factors[i][c] * z[i * n + k];
            picture->f32[3 * k + c] = fminf(fmaxf(0.5f + 0.5f * v, 0), 1);
        }
    }
    *out = picture;
    return 0;
}
