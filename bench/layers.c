// SPDX-License-Identifier: Apache-2.0
/* What each layer of a UNet costs when it alone is computed in whole numbers: how far the UNet's
 * result is from that in f32, in dB; at the end for all that the UNet rounds. The numbers behind
 * the choice of layers that stay exact (lk_graph_round in src/stages/diffuse/unet/unet.c).
 *
 *   bench_layers CHECKPOINT [SIZE [TIMESTEP]]
 *
 * Latent and context are Gaussian noise: the first of a drawing, and about what CLIP gives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "catalog/checkpoint.h"
#include "runtime/graph/internal.h"
#include "runtime/session.h"
#include "stages/diffuse/networks.h"

#define TOKENS 77

struct input {
    struct lk_array arrays[3];
    size_t noise; /* numbers of the result */
};

static int stop(const struct lk_error *err)
{
    fprintf(stderr, "bench_layers: %s\n", err->message);
    return 1;
}

/* The result; freed by the caller. */
static int run(lk_runtime *runtime,
               const lk_graph *graph,
               const struct input *in,
               float **out,
               struct lk_error *err)
{
    static const char *const names[] = {"sample", "timestep", "context"}, *const result = "noise";
    lk_session *session = NULL;
    struct lk_array array;
    int code = lk_session_of_graph(runtime, graph, NULL, "cpu", &session, err);
    code =
        code ? code : lk_session_run(session, 3, names, in->arrays, 1, &result, &array, NULL, err);
    lk_session_release(session);
    if (!code)
        *out = array.data;
    return code;
}

static double decibel(const float *have, const float *want, size_t n)
{
    double signal = 0, noise = 0;
    for (size_t i = 0; i < n; i++) {
        signal += (double)want[i] * want[i];
        noise += ((double)have[i] - want[i]) * ((double)have[i] - want[i]);
    }
    return 10 * log10(signal / noise);
}

/* Compares the graph as it rounds now. */
static int measure(lk_runtime *runtime,
                   const lk_graph *graph,
                   const char *what,
                   const struct input *in,
                   const float *exact,
                   struct lk_error *err)
{
    float *rounded;
    const int code = run(runtime, graph, in, &rounded, err);
    if (code)
        return code;
    printf("%6.1f dB  %s\n", decibel(rounded, exact, in->noise), what);
    fflush(stdout);
    free(rounded);
    return 0;
}

/* Gaussian numbers of the shape that the array has. */
static int fill(struct lk_array *array, struct lk_rng *rng)
{
    size_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n *= (size_t)array->shape[i];
    array->data = malloc(n * sizeof(float));
    if (!array->data)
        return -1;
    lk_rng_normal(rng, array->data, n);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "bench_layers CHECKPOINT [SIZE [TIMESTEP]]\n");
        return 2;
    }
    const int64_t side = (argc > 2 ? strtol(argv[2], NULL, 10) : 256) / 8;
    float timestep = argc > 3 ? strtof(argv[3], NULL) : 500, *exact;
    struct lk_error err = {0};
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.precision = "int8";
    lk_runtime *runtime;
    lk_checkpoint *checkpoint;
    lk_graph *graph;
    if (lk_runtime_open(&options, &runtime, &err) ||
        lk_checkpoint_open(argv[1], NULL, &checkpoint, &err) ||
        lk_unet_graph(checkpoint, &graph, &err))
        return stop(&err);
    const struct lk_unet_config *config = &lk_checkpoint_config(checkpoint)->unet;
    struct input in = {
        .arrays = {{.rank = 4, .shape = {1, config->in_channels, side, side}},
                   {.rank = 1, .shape = {1}, .data = &timestep},
                   {.rank = 3, .shape = {1, TOKENS, config->context}}},
        .noise = (size_t)(config->out_channels * side * side),
    };
    struct lk_rng rng;
    lk_rng_init(&rng, LK_RNG_TORCH, 1);
    if (fill(&in.arrays[0], &rng) || fill(&in.arrays[2], &rng))
        return 1;
    bool *chosen = calloc(graph->count, sizeof *chosen);
    for (size_t i = 0; chosen && i < graph->count; i++) {
        chosen[i] = graph->values[i].rounds;
        graph->values[i].rounds = false;
    }
    int code = chosen ? run(runtime, graph, &in, &exact, &err) : 1;
    for (size_t i = 0; !code && i < graph->count; i++) {
        struct lk__value *v = &graph->values[i];
        if (v->op != LK__CONV && v->op != LK__LINEAR)
            continue;
        v->rounds = true;
        code = measure(runtime, graph, v->at, &in, exact, &err);
        v->rounds = false;
    }
    for (size_t i = 0; !code && i < graph->count; i++)
        graph->values[i].rounds = chosen[i];
    code = code ? code : measure(runtime, graph, "all that the UNet rounds", &in, exact, &err);
    if (code)
        return stop(&err);
    free(exact);
    free(chosen);
    free(in.arrays[0].data);
    free(in.arrays[2].data);
    lk_graph_free(graph);
    lk_checkpoint_free(checkpoint);
    lk_runtime_free(runtime);
    return 0;
}
