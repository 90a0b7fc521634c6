// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A list of numbers with commas between; how many there are, or LK_E_INPUT. */
static int read_list(
    const char *text, const char *label, int most, float *out, struct lk_error *err)
{
    int n = 0;
    for (const char *at = text; at; n++) {
        char *end;
        const float value = strtof(at, &end);
        if (end == at || (*end && *end != ',') || !isfinite(value) || n == most)
            return lk_fail(err, LK_E_INPUT,
                           "%s: '%.80s' is not a list of at most %d numbers, as 3,1,0", label, text,
                           most);
        out[n] = value;
        at = *end ? end + 1 : NULL;
    }
    return n;
}

static int read_sigmas(struct lk_request *request, struct lk__sampling *out, struct lk_error *err)
{
    const int n = read_list(request->sigmas, "--sigmas", LK_MAX_STEPS + 1, out->sigmas, err);
    if (n < 0)
        return n;
    if (n < 2)
        return lk_fail(err, LK_E_INPUT, "--sigmas: one step needs two of them, such as 14.6,0");
    if (request->schedule || (request->steps && request->steps != n - 1))
        return lk_fail(
            err, LK_E_INPUT,
            "--sigmas says the %d steps and how noisy they are: leave out --schedule and "
            "--steps",
            n - 1);
    request->steps = n - 1;
    return 0;
}

static int read_freeu(const char *text, struct lk_freeu *out, struct lk_error *err)
{
    float factors[4];
    const int n = read_list(text, "--freeu", 4, factors, err);
    if (n < 0)
        return n;
    int fit = n == 4;
    for (int i = 0; i < n; i++)
        fit &= factors[i] >= 0 && factors[i] <= 10;
    if (!fit)
        return lk_fail(err, LK_E_INPUT,
                       "--freeu: four factors from 0 to 10 are expected, such as 1.5,1.6,0.9,0.2");
    *out = (struct lk_freeu){{factors[0], factors[1]}, {factors[2], factors[3]}};
    return 0;
}

int lk__sampling_steps(const struct lk_request *request)
{
    int steps = request->sigmas ? 0 : request->steps;
    for (const char *at = request->sigmas; at && *at; at++)
        steps += *at == ',';
    return steps;
}

int lk__sampling_read(struct lk_request *request, struct lk__sampling *out, struct lk_error *err)
{
    int rc = request->sigmas ? read_sigmas(request, out, err) : 0;
    return rc || !request->freeu ? rc : read_freeu(request->freeu, &out->freeu, err);
}

/* What is not said of the negative prompt is as of the prompt. */
static void apply_sizes(const struct lk_request *r, struct lk_draw_options *options)
{
    const int *original =
        r->negative_original_size[0] ? r->negative_original_size : r->original_size;
    const int *target = r->negative_target_size[0] ? r->negative_target_size : r->target_size;
    options->sizes = (struct lk_sizes){
        .original = {r->original_size[0], r->original_size[1]},
        .crop = {r->crop_left, r->crop_top},
        .target = {r->target_size[0], r->target_size[1]},
        .aesthetic = r->aesthetic_score,
    };
    options->sizes_negative = (struct lk_sizes){
        .original = {original[0], original[1]},
        .crop = {r->negative_crop_left < 0 ? r->crop_left : r->negative_crop_left,
                 r->negative_crop_top < 0 ? r->crop_top : r->negative_crop_top},
        .target = {target[0], target[1]},
        .aesthetic = r->negative_aesthetic_score,
    };
}

void lk__sampling_apply(const struct lk__sampling *sampling,
                        const struct lk_request *request,
                        struct lk_draw_options *options)
{
    options->sigmas = request->sigmas ? sampling->sigmas : NULL;
    options->freeu = request->freeu ? &sampling->freeu : NULL;
    options->eta = request->eta;
    options->deep_cache = request->deep_cache;
    options->token_merging = request->token_merging;
    options->guidance_options = (struct lk_guidance_options){
        .rescale = request->guidance_rescale,
        .start = request->guidance_start,
        .end = request->guidance_end,
        .perturbed = request->perturbed_guidance,
        .plus_plus = !strcmp(request->guidance_mode, "cfg++"),
    };
    options->variation.strength = request->variation_strength;
    apply_sizes(request, options);
}

int64_t lk__sampling_seed(const struct lk_request *request, int i)
{
    return request->variation_strength > 0 ? request->seed : request->seed + i;
}

int64_t lk__sampling_variation_seed(const struct lk_request *request, int i)
{
    return request->variation_strength > 0 ? request->variation_seed + i : -1;
}
