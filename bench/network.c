// SPDX-License-Identifier: Apache-2.0
/* One network of a checkpoint, kept ready and run whenever a line comes in: tools/bench alternates
 * it with others.
 *
 *   bench_network CHECKPOINT unet|vae SIZE BATCH auto|reference THREADS [INPUTS OUTPUT]
 *
 * Of the first run with INPUTS the result is written to OUTPUT.
 * INPUTS are f32, one array after the other: sample, timestep, context, or latent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/checkpoint.h"
#include "measure.h"
#include "runtime/session.h"
#include "stages/diffuse/networks.h"

#define TOKENS 77

static size_t count(const struct lk_array *array)
{
    size_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n *= (size_t)array->shape[i];
    return n;
}

static int stop(const struct lk_error *err)
{
    fprintf(stderr, "bench_network: %s\n", err->message);
    return 1;
}

/* Numbers from the file, or made up. */
static int fill(struct lk_array *array, FILE *file)
{
    const size_t n = count(array);
    float *data = malloc(n * sizeof *data);
    if (!data || (file && fread(data, sizeof *data, n, file) != n))
        return -1;
    for (size_t i = 0; !file && i < n; i++)
        data[i] = (float)(i * 7919 % 2003) / 1001 - 1;
    array->data = data;
    return 0;
}

static int write_output(const struct lk_array *output, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    const size_t n = count(output);
    const int failed = fwrite(output->data, sizeof(float), n, file) != n;
    return fclose(file) || failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 7 && argc != 9) {
        fprintf(stderr, "bench_network CHECKPOINT unet|vae SIZE BATCH auto|reference THREADS "
                        "[INPUTS OUTPUT]\n");
        return 2;
    }
    const int unet = !strcmp(argv[2], "unet");
    const int64_t side = strtol(argv[3], NULL, 10) / 8, batch = strtol(argv[4], NULL, 10);
    FILE *file = argc == 9 ? fopen(argv[7], "rb") : NULL;
    struct lk_error err = {0};
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.plain = !strcmp(argv[5], "reference");
    options.threads = (int)strtol(argv[6], NULL, 10);
    lk_runtime *runtime;
    lk_checkpoint *checkpoint;
    lk_graph *graph;
    lk_session *session;
    if (lk_runtime_open(&options, &runtime, &err) ||
        lk_checkpoint_open(argv[1], NULL, &checkpoint, &err) ||
        (unet ? lk_unet_graph : lk_vae_decoder_graph)(checkpoint, &graph, &err) ||
        lk_session_of_graph(runtime, graph, NULL, "cpu", &session, &err))
        return stop(&err);
    lk_graph_free(graph);
    const struct lk_unet_config *config = &lk_checkpoint_config(checkpoint)->unet;
    const char *const names[2][3] = {{"latent"}, {"sample", "timestep", "context"}};
    const char *const result[2] = {"picture", "noise"};
    struct lk_array in[3] = {
        {.rank = 4, .shape = {batch, 4, side, side}},
        {.rank = 1, .shape = {batch}},
        {.rank = 3, .shape = {batch, TOKENS, config->context}},
    };
    for (int i = 0; i < (unet ? 3 : 1); i++) {
        if (fill(&in[i], file))
            return 1;
    }
    measure_ready();
    for (bool first = true; measure_wait(); first = false) {
        struct lk_array out;
        const struct measure begin = measure_begin();
        if (lk_session_run(session, unet ? 3 : 1, names[unet], in, 1, &result[unet], &out, NULL,
                           &err))
            return stop(&err);
        measure_end(&begin);
        if (first && file && write_output(&out, argv[8]))
            return 1;
        free(out.data);
    }
    for (int i = 0; i < 3; i++)
        free(in[i].data);
    lk_session_release(session);
    lk_checkpoint_free(checkpoint);
    lk_runtime_free(runtime);
    return 0;
}
