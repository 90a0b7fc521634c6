// SPDX-License-Identifier: Apache-2.0
/* Drawing under a budget, by our kernels and by the plain graph: the same picture with attention in
 * parts and streamed weights; networks that are given up; tiles of the VAE, without seams; and what
 * is said when nothing helps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/budget.h"
#include "stages/diffuse/draw.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/autoencoder.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"

enum { SIDE = 128, LATENTS = 4 * (SIDE / 8) * (SIDE / 8) };

struct drawn {
    float *latents;
    struct lk_picture *picture; /* u8 */
};

static bool plain; /* without our kernels */

static lk_runtime *runtime_of(size_t memory)
{
    struct lk_runtime_options options;
    struct lk_error err;
    lk_runtime *runtime;
    lk_runtime_options_init(&options);
    options.threads = 1;
    options.memory = memory;
    options.plain = plain;
    golden_must(lk_runtime_open(&options, &runtime, &err), &err);
    return runtime;
}

/* Two pictures one after the other, of which the second is kept. memory 0: as much as it likes. */
static int draw(size_t memory, struct drawn *out, struct lk_error *err)
{
    lk_runtime *runtime = runtime_of(memory);
    lk_drawer *drawer;
    struct lk_draw_options o;
    struct lk_picture *picture = NULL;
    float *context = golden_context("golden.positive", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, context, context);
    lk_draw_options_init(&o);
    o.width = o.height = SIDE;
    o.steps = 1;
    o.sampler = "euler";
    golden_must(lk_drawer_open(runtime, golden_tiny.checkpoint, "cpu", &drawer, err), err);
    *out = (struct drawn){0};
    int rc = 0;
    for (int i = 0; !rc && i < 2; i++) {
        lk_picture_free(picture);
        free(out->latents);
        picture = NULL;
        out->latents = NULL;
        rc = lk_draw(drawer, &o, &conditioning.value, NULL, &picture, &out->latents, err);
    }
    if (!rc)
        golden_must(lk_picture_convert(picture, LK_PIXEL_U8, &out->picture, err), err);
    lk_picture_free(picture);
    lk_drawer_free(drawer);
    lk_runtime_free(runtime);
    free(context);
    return rc;
}

static void drawn_free(struct drawn *drawn)
{
    free(drawn->latents);
    lk_picture_free(drawn->picture);
}

static lk_graph *graph_of(int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *))
{
    struct lk_error err;
    lk_graph *graph;
    golden_must(build(golden_tiny.checkpoint, &graph, &err), &err);
    return graph;
}

/* What the whole UNet takes for the picture, with its weights. */
static size_t whole_unet(size_t *work)
{
    const struct lk__extent extent = {2, SIDE / 8, SIDE / 8};
    lk_graph *graph = graph_of(lk_unet_graph);
    lk_runtime *runtime = runtime_of(0);
    const size_t weights =
        plain ? lk_graph_load_bytes(graph, false) : lk_graph_packed_bytes(runtime, graph, "cpu");
    *work = lk__unet_work(golden_tiny.checkpoint, &extent, plain ? 1 : LK__UNSCORED);
    lk_runtime_free(runtime);
    lk_graph_free(graph);
    return weights + *work;
}

/* What a network's weights take at least. */
static size_t streamed(int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *))
{
    lk_graph *graph = graph_of(build);
    const size_t bytes = lk_graph_bytes(graph, true);
    lk_graph_free(graph);
    return bytes;
}

/* The least that decodes the picture as a whole. */
static size_t whole_decoder(void)
{
    const struct lk__extent extent = {1, SIDE / 8, SIDE / 8};
    return streamed(lk_vae_decoder_graph) + lk__vae_work(golden_tiny.checkpoint, &extent, 1);
}

static void a_small_budget_draws_the_same_picture(void **state)
{
    (void)state;
    struct lk_error err;
    struct drawn want, have;
    size_t work;
    const size_t whole = whole_unet(&work);
    golden_must(draw(0, &want, &err), &err);
    const size_t budgets[] = {whole - work / 4, whole_decoder()};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        golden_must(draw(budgets[i], &have, &err), &err);
        float largest = 1, off = 0;
        for (size_t k = 0; k < LATENTS; k++) {
            largest = fmaxf(largest, fabsf(want.latents[k]));
            off = fmaxf(off, fabsf(want.latents[k] - have.latents[k]));
        }
        if (off > 1e-5f * largest)
            fail_msg("budget %zu: latents off by %g of %g", i, off, largest);
        for (size_t k = 0; k < (size_t)3 * SIDE * SIDE; k++)
            assert_true(abs(want.picture->u8[k] - have.picture->u8[k]) <= 1);
        drawn_free(&have);
    }
    drawn_free(&want);
}

/* Of our kernels, to the plain graph. */
static void thrift_goes_as_far_as_it_must(void **state)
{
    (void)state;
    static const int parts_most = 64;
    const struct lk__extent extent = {2, SIDE / 8, SIDE / 8};
    size_t work;
    const size_t whole = whole_unet(&work);
    const size_t scored = lk__unet_work(golden_tiny.checkpoint, &extent, 1);
    const size_t budgets[] = {2 * whole, whole - work / 4, streamed(lk_unet_graph) + scored / 2};
    const int count = plain ? 3 : 2; /* the last is the same for both */
    int parts[3];
    for (int i = 0; i < count; i++) {
        struct lk_error err;
        lk_runtime *runtime = runtime_of(budgets[i]);
        struct lk__network network = {0};
        const struct lk__budget budget = {runtime, golden_tiny.checkpoint, "cpu"};
        lk_graph *graph = graph_of(lk_unet_graph);
        golden_must(lk__budget_open(&budget, graph, lk__unet_work, &extent, &network, &err), &err);
        parts[i] = network.parts;
        lk__network_close(&network);
        lk_graph_free(graph);
        lk_runtime_free(runtime);
    }
    assert_int_equal(parts[0], plain ? 1 : LK__UNSCORED);
    assert_true(parts[1] > parts[0] && parts[1] <= parts_most);
    assert_true(!plain || parts[2] > 1);
}

static void what_cannot_fit_is_said(void **state)
{
    (void)state;
    struct lk_error err;
    struct drawn drawn;
    assert_int_equal(draw(200000, &drawn, &err), LK_E_FAILED);
    assert_non_null(strstr(err.message, "raise --memory, or draw a smaller picture by --size"));
    assert_null(drawn.latents);
    assert_null(drawn.picture);
}

/* Mean step between the pixels beside column x. */
static double step_at(const struct lk_picture *p, int x)
{
    double sum = 0;
    for (int y = 0; y < p->height; y++) {
        const float *at = p->f32 + 3 * ((size_t)y * p->width + x);
        for (int c = 0; c < 3; c++)
            sum += fabs((double)at[c] - (double)at[c - 3]);
    }
    return sum / (3 * p->height);
}

/* Tiles begin at 0, 12, 24 … latent pixels; what is drawn over their edges has steps like those of
 * the same columns in the picture that was decoded as a whole. */
static void tiles_leave_no_seam(void **state)
{
    (void)state;
    enum { LATENT = 64, TILE = 16 };
    struct lk_error err;
    struct lk_picture *whole, *tiled;
    float *latent = malloc(sizeof *latent * 4 * LATENT * LATENT);
    test_checkpoint_values("golden.latent", 3, (const int64_t[]){4, LATENT, LATENT}, latent);
    lk_session *decoder = golden_session(&golden_tiny, lk_vae_decoder_graph);
    const struct lk__autoencoder one = {golden_tiny.checkpoint, decoder, NULL, LATENT};
    const struct lk__autoencoder many = {golden_tiny.checkpoint, decoder, NULL, TILE};
    golden_must(lk__decode(&one, latent, LATENT, LATENT, NULL, &whole, &err), &err);
    golden_must(lk__decode(&many, latent, LATENT, LATENT, NULL, &tiled, &err), &err);
    const int step = TILE - TILE / 4, factor = lk__autoencoder_factor(golden_tiny.checkpoint);
    double seams = 0, same = 0;
    for (int x = step; x < LATENT - TILE / 4; x += step) {
        seams += step_at(tiled, x * factor);
        same += step_at(whole, x * factor);
    }
    assert_true(seams < 1.05 * same);
    lk_picture_free(whole);
    lk_picture_free(tiled);
    lk_session_release(decoder);
    free(latent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_budget_draws_the_same_picture),
        cmocka_unit_test(thrift_goes_as_far_as_it_must),
        cmocka_unit_test(what_cannot_fit_is_said),
        cmocka_unit_test(tiles_leave_no_seam),
    };
    const int failed = cmocka_run_group_tests_name("our kernels", tests, golden_set_up_tiny,
                                                   golden_tear_down_tiny);
    plain = true;
    return failed +
           cmocka_run_group_tests_name("plain", tests, golden_set_up_tiny, golden_tear_down_tiny);
}
