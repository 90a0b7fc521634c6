// SPDX-License-Identifier: Apache-2.0
/* As the WebUI's hires fix: the latent is enlarged (bilinear), or the picture by Lanczos or a
 * network, and drawn again with the same seed. All of its steps are taken: of N/strength the last
 * N.
 */
#include "pipeline/drawing/hires.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool enlarges_latent(const struct lk_request *request)
{
    return !strcmp(request->hires_upscaler, "latent");
}

static bool uses_network(const struct lk_request *request)
{
    return !enlarges_latent(request) && strcmp(request->hires_upscaler, "lanczos") != 0;
}

static int larger(int side, double factor)
{
    return (int)lrint(side * factor / 8) * 8;
}

int lk__hires_open(lk_engine *engine,
                   const struct lk_request *request,
                   const struct lk_draw_options *first,
                   struct lk_draw_options *second,
                   struct lk_error *err)
{
    const int steps = request->hires_steps ? request->hires_steps : first->steps;
    *second = *first;
    second->width = larger(first->width, request->hires);
    second->height = larger(first->height, request->hires);
    second->strength = request->hires_strength;
    if (second->width > LK_DRAW_MAX_SIDE || second->height > LK_DRAW_MAX_SIDE)
        return lk_fail(err, LK_E_INPUT, "--hires %g makes %dx%d of %dx%d: a side ends at %d",
                       request->hires, second->width, second->height, first->width, first->height,
                       LK_DRAW_MAX_SIDE);
    if (request->sigmas)
        return lk_fail(err, LK_E_INPUT,
                       "--hires draws twice with two schedules, --sigmas gives one: leave one out");
    if (!(request->hires_strength > 0))
        return lk_fail(err, LK_E_INPUT, "--hires-strength 0 leaves no step to draw: raise it");
    second->steps = (int)ceil(steps / request->hires_strength - 1e-9);
    if (second->steps > LK_MAX_STEPS)
        return lk_fail(err, LK_E_INPUT,
                       "--hires-steps %d at --hires-strength %g needs a schedule of %d steps, more "
                       "than %d: raise the strength",
                       steps, request->hires_strength, second->steps, LK_MAX_STEPS);
    return uses_network(request)
               ? lk__engine_upscaler(engine, LK__ENLARGES_HIRES, request->hires_upscaler, err)
               : 0;
}

/* One plane [h,w] → [H,W], as torch's bilinear interpolation without align_corners. */
static void bilinear(const float *in, int h, int w, float *out, int H, int W)
{
    for (int y = 0; y < H; y++) {
        float v = fmaxf(((float)y + 0.5f) * (float)h / (float)H - 0.5f, 0);
        int top = (int)v, below = top + 1 < h ? top + 1 : top;
        v -= (float)top;
        for (int x = 0; x < W; x++) {
            float u = fmaxf(((float)x + 0.5f) * (float)w / (float)W - 0.5f, 0);
            int left = (int)u, right = left + 1 < w ? left + 1 : left;
            u -= (float)left;
            float a = in[(size_t)top * w + left] * (1 - u) + in[(size_t)top * w + right] * u;
            float b = in[(size_t)below * w + left] * (1 - u) + in[(size_t)below * w + right] * u;
            out[(size_t)y * W + x] = a * (1 - v) + b * v;
        }
    }
}

static int enlarge_latents(const lk_engine *engine,
                           const struct lk_draw_options *second,
                           const struct lk_picture *first,
                           const float *latents,
                           float **out,
                           struct lk_error *err)
{
    const struct lk_vae_config *vae = &lk_checkpoint_config(engine->painter.checkpoint)->vae;
    const int factor = 1 << (vae->levels - 1), channels = vae->latent_channels;
    const int h = first->height / factor, w = first->width / factor;
    const int H = second->height / factor, W = second->width / factor;
    const size_t bytes = (size_t)channels * H * W * sizeof **out;
    float *larger_latents = malloc(bytes);
    if (!larger_latents)
        return lk_fail_memory(err, "a latent", bytes);
    for (int c = 0; c < channels; c++)
        bilinear(latents + (size_t)c * h * w, h, w, larger_latents + (size_t)c * H * W, H, W);
    *out = larger_latents;
    return 0;
}

static int enlarge_picture(const lk_engine *engine,
                           const struct lk_request *request,
                           const struct lk_draw_options *second,
                           const struct lk_picture *first,
                           const struct lk_watch *watch,
                           struct lk_picture **out,
                           struct lk_error *err)
{
    struct lk_picture *by_network = NULL;
    int rc = uses_network(request) ? lk_upscale(engine->upscalers[LK__ENLARGES_HIRES].upscaler,
                                                first, NULL, watch, &by_network, err)
                                   : 0;
    rc = rc ? rc
            : lk_picture_resize(by_network ? by_network : first, second->width, second->height, out,
                                err);
    lk_picture_free(by_network);
    return rc;
}

/* The second drawing follows what the prompt says at the first's end, which has been screened as
 * all of its steps have. */
static size_t hold_last(const struct lk_condition *list, size_t n, struct lk_condition *out)
{
    int last = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        last = list[i].to > last ? list[i].to : last;
    for (size_t i = 0; i < n && kept < LK_GUIDANCE_MAX_ROWS; i++) {
        if (list[i].to != last)
            continue;
        out[kept] = list[i];
        out[kept].from = 0;
        out[kept++].to = LK_MAX_STEPS;
    }
    return kept;
}

struct held {
    struct lk_condition positive[LK_GUIDANCE_MAX_ROWS], negative[LK_GUIDANCE_MAX_ROWS];
    struct lk_conditioning value;
};

static void hold(const struct lk_conditioning *all, struct held *out)
{
    out->value = *all;
    out->value.n_positive = hold_last(all->positive, all->n_positive, out->positive);
    out->value.n_negative = hold_last(all->negative, all->n_negative, out->negative);
    out->value.positive = out->positive;
    out->value.negative = out->negative;
}

int lk__hires(lk_engine *engine,
              const struct lk_request *request,
              const struct lk_draw_options *second,
              const struct lk_conditioning *conditioning,
              const float *latents,
              const struct lk_watch *watch,
              struct lk_picture **picture,
              struct lk_error *err)
{
    struct lk_draw_options options = *second;
    struct lk_picture *init = NULL, *drawn = NULL;
    float *init_latents = NULL;
    struct held last, refined;
    struct lk_draw_refiner refiner;
    hold(conditioning, &last);
    if (second->refiner) {
        hold(second->refiner->conditioning, &refined);
        refiner = *second->refiner;
        refiner.conditioning = &refined.value;
        options.refiner = &refiner;
    }
    int rc = enlarges_latent(request)
                 ? enlarge_latents(engine, second, *picture, latents, &init_latents, err)
                 : enlarge_picture(engine, request, second, *picture, watch, &init, err);
    options.init = init;
    options.init_latents = init_latents;
    rc = rc ? rc : lk_draw(engine->painter.drawer, &options, &last.value, watch, &drawn, NULL, err);
    lk_picture_free(init);
    free(init_latents);
    if (rc)
        return rc;
    lk_picture_free(*picture);
    *picture = drawn;
    return 0;
}
