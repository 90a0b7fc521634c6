// SPDX-License-Identifier: Apache-2.0
/* The networks of diffusion on our own kernels, and as a GPU gets them, against the same on plain
 * ONNX: at least 100 dB, for the shapes of every family, even and odd sizes, in several threads;
 * and what fewer bits make of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse_golden.h"
#include "stages/text/text.h"
#include "support/contrib.h"

#define MAX_INPUTS 5

static const char *const families[] = {NULL, "sd2", "sdxl"};

struct input {
    const char *name;
    struct lk_array array;
};

static struct input input(const char *name, int rank, const int64_t *shape, float size)
{
    struct input in = {name, {.rank = rank}};
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)(in.array.shape[i] = shape[i]);
    float *data = malloc(n * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < n; i++)
        data[i] = size * ((float)(i * 7919 % 2003) / 1001 - 1);
    in.array.data = data;
    return in;
}
#define INPUT(name, size, ...)                                                                     \
    input(name, (int)LK_ARRAY_LENGTH(((int64_t[]){__VA_ARGS__})), (int64_t[]){__VA_ARGS__}, size)

static size_t count(const struct lk_array *array)
{
    size_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n *= (size_t)array->shape[i];
    return n;
}

enum { PLAIN, OURS, BF16, INT8, FUSED, HALVES, WAYS };
static lk_runtime *runtimes[WAYS]; /* fused ones need none */

/* What a way that rounds is from the plain one, in dB: not exact, or it would not round. */
static const struct {
    double least, most;
} decibels[WAYS] = {[OURS] = {100, INFINITY},
                    [BF16] = {35, 80},
                    [INT8] = {25, 60},
                    [FUSED] = {100, INFINITY},
                    [HALVES] = {45, 90}};

static void run(const lk_graph *graph,
                int way,
                size_t n,
                const char *const *names,
                const struct lk_array *arrays,
                const char *output,
                struct lk_array *out)
{
    struct lk_error err;
    lk_session *session;
    if (way >= FUSED) {
        contrib_run(graph, way == HALVES, n, names, arrays, output, out);
        return;
    }
    golden_must(lk_session_of_graph(runtimes[way], graph, NULL, "cpu", &session, &err), &err);
    golden_must(lk_session_run(session, n, names, arrays, 1, &output, out, NULL, &err), &err);
    lk_session_release(session);
}

/* Runs the graph in the plain way and another, frees it and its inputs, and compares the output. */
static void compare(lk_graph *graph, int way, size_t n, struct input *in, const char *output)
{
    struct lk_array arrays[MAX_INPUTS], out[2];
    const char *names[MAX_INPUTS];
    for (size_t i = 0; i < n; i++) {
        arrays[i] = in[i].array;
        names[i] = in[i].name;
    }
    for (int i = 0; i < 2; i++)
        run(graph, i ? way : PLAIN, n, names, arrays, output, &out[i]);
    double power = 0, noise = 0;
    assert_int_equal(out[0].rank, out[1].rank);
    assert_memory_equal(out[0].shape, out[1].shape, (size_t)out[0].rank * sizeof *out[0].shape);
    for (size_t i = 0; i < count(&out[0]); i++) {
        const double want = ((float *)out[0].data)[i], have = ((float *)out[1].data)[i];
        power += want * want;
        noise += (have - want) * (have - want);
    }
    assert_true(power > 0);
    const double decibel = 10 * log10(power / noise);
    if (!(decibel >= decibels[way].least && decibel <= decibels[way].most))
        fail_msg("%s: %.1f dB", output, decibel);
    for (size_t i = 0; i < n; i++)
        free(in[i].array.data);
    free(out[0].data);
    free(out[1].data);
    lk_graph_free(graph);
}

static struct model open_family(const char *family, int number)
{
    const struct test_checkpoint options = {.layout = TEST_FOLDER, .family = family};
    char name[32];
    snprintf(name, sizeof name, "checkpoint%d", number);
    return golden_checkpoint(&options, name);
}

static void compare_unet(const struct model *model,
                         int way,
                         const struct lk_unet_variant *variant,
                         int64_t height,
                         int64_t width)
{
    const struct lk_unet_config *c = &lk_checkpoint_config(model->checkpoint)->unet;
    struct lk_error err;
    lk_graph *graph;
    golden_must(lk_unet_variant_graph(model->checkpoint, variant, &graph, &err), &err);
    struct input in[MAX_INPUTS] = {
        INPUT("sample", 1, 2, c->in_channels, height, width),
        INPUT("timestep", 400, 2),
        INPUT("context", 1, 2, 77, c->context),
    };
    size_t n = 3;
    if (c->added)
        in[n++] = INPUT("added", 1, 2, c->added);
    if (variant && variant->perturbed)
        in[n++] = INPUT("perturb", 1, 2, 1, 1);
    compare(graph, way, n, in, variant && variant->caches ? "deep" : "noise");
}

static const int exact[] = {OURS, FUSED};

static void unets_of_every_family_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        struct model model = open_family(families[i], (int)i);
        for (size_t k = 0; k < LK_ARRAY_LENGTH(exact); k++) {
            compare_unet(&model, exact[k], NULL, 16, 24);
            compare_unet(&model, exact[k], NULL, 13, 9);
        }
        golden_model_close(&model);
    }
}

/* What our kernels do not do stays plain, between them. */
static void changed_unets_agree(void **state)
{
    (void)state;
    const struct lk_unet_variant perturbed = {.perturbed = 1};
    const struct lk_unet_variant caching = {.caches = 1};
    const struct lk_unet_variant freed = {
        .freed = 1, .freeu = {{1.5f, 1.6f}, {0.9f, 0.2f}}, .height = 16, .width = 8};
    const struct lk_unet_variant merging = {.merging = 0.6, .height = 9, .width = 16};
    struct model model = open_family(NULL, __LINE__);
    for (size_t k = 0; k < LK_ARRAY_LENGTH(exact); k++) {
        compare_unet(&model, exact[k], &merging, 9, 16);
        compare_unet(&model, exact[k], &perturbed, 8, 16);
        compare_unet(&model, exact[k], &caching, 8, 16);
        compare_unet(&model, exact[k], &freed, 16, 8);
    }
    golden_model_close(&model);
}

static void autoencoders_agree(void **state)
{
    (void)state;
    struct model model = open_family(NULL, __LINE__);
    struct lk_error err;
    lk_graph *graph;
    for (size_t k = 0; k < LK_ARRAY_LENGTH(exact); k++) {
        golden_must(lk_vae_decoder_graph(model.checkpoint, &graph, &err), &err);
        struct input latent = INPUT("latent", 1, 1, 4, 11, 8);
        compare(graph, exact[k], 1, &latent, "picture");
        golden_must(lk_vae_encoder_graph(model.checkpoint, &graph, &err), &err);
        struct input picture = INPUT("picture", 1, 2, 3, 72, 64);
        compare(graph, exact[k], 1, &picture, "moments");
    }
    golden_model_close(&model);
}

/* What a GPU computes in, but for the order of its sums. */
static void networks_in_f16_are_close(void **state)
{
    (void)state;
    struct lk_error err;
    lk_graph *graph;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        struct model model = open_family(families[i], __LINE__ * 10 + (int)i);
        compare_unet(&model, HALVES, NULL, 13, 9);
        golden_must(lk_vae_decoder_graph(model.checkpoint, &graph, &err), &err);
        struct input latent = INPUT("latent", 1, 1, 4, 11, 8);
        const bool is_wide = lk_checkpoint_config(model.checkpoint)->family == LK_FAMILY_SDXL;
        compare(graph, is_wide ? FUSED : HALVES, 1, &latent, "picture");
        golden_model_close(&model);
    }
}

static void unets_in_fewer_bits_are_close_and_smaller(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        struct model model = open_family(families[i], __LINE__ * 10 + (int)i);
        struct lk_error err;
        lk_graph *graph;
        golden_must(lk_unet_graph(model.checkpoint, &graph, &err), &err);
        assert_true(lk_graph_packed_bytes(runtimes[INT8], graph, "cpu") * 2 <
                    lk_graph_packed_bytes(runtimes[OURS], graph, "cpu"));
        lk_graph_free(graph);
        for (int way = BF16; way <= INT8; way++) {
            compare_unet(&model, way, NULL, 16, 24);
            compare_unet(&model, way, NULL, 13, 9);
        }
        golden_model_close(&model);
    }
}

static void fewer_bits_are_refused_where_there_are_no_kernels(void **state)
{
    (void)state;
    struct model model = open_family(NULL, __LINE__);
    struct lk_runtime_options options;
    struct lk_error err;
    lk_runtime *runtime;
    lk_graph *graph;
    lk_session *session;
    lk_runtime_options_init(&options);
    options.plain = true;
    options.precision = "int8";
    golden_must(lk_runtime_open(&options, &runtime, &err), &err);
    golden_must(lk_unet_graph(model.checkpoint, &graph, &err), &err);
    assert_int_equal(lk_session_of_graph(runtime, graph, NULL, "cpu", &session, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message, "int8"));
    lk_graph_free(graph);
    golden_must(lk_vae_decoder_graph(model.checkpoint, &graph, &err), &err);
    golden_must(lk_session_of_graph(runtime, graph, NULL, "cpu", &session, &err), &err);
    lk_session_release(session);
    lk_graph_free(graph);
    lk_runtime_free(runtime);
    golden_model_close(&model);
}

static int set_up(void **state)
{
    struct lk_error err;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.threads = 3;
    golden_must(lk_runtime_open(&options, &runtimes[OURS], &err), &err);
    options.precision = "bf16";
    golden_must(lk_runtime_open(&options, &runtimes[BF16], &err), &err);
    options.precision = "int8";
    golden_must(lk_runtime_open(&options, &runtimes[INT8], &err), &err);
    options.precision = NULL;
    options.plain = true;
    golden_must(lk_runtime_open(&options, &runtimes[PLAIN], &err), &err);
    return golden_set_up(state);
}

static int tear_down(void **state)
{
    for (int way = 0; way < WAYS; way++)
        lk_runtime_free(runtimes[way]);
    return golden_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unets_of_every_family_agree),
        cmocka_unit_test(changed_unets_agree),
        cmocka_unit_test(autoencoders_agree),
        cmocka_unit_test(networks_in_f16_are_close),
        cmocka_unit_test(unets_in_fewer_bits_are_close_and_smaller),
        cmocka_unit_test(fewer_bits_are_refused_where_there_are_no_kernels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
