// SPDX-License-Identifier: Apache-2.0
/* One network of a checkpoint, kept ready and run whenever a line comes in: tools/bench alternates
 * it with others.
 *
 *   bench_network CHECKPOINT unet|vae|text SIZE BATCH auto|bf16|int8|reference THREADS
 *                 [INPUTS OUTPUT]
 *
 * Of the first run with INPUTS the result is written to OUTPUT.
 * INPUTS are f32, one array after the other: sample, timestep, context; latent; or the embedded
 * tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "catalog/checkpoint.h"
#include "measure.h"
#include "runtime/session.h"
#include "stages/diffuse/networks.h"
#include "stages/text/text.h"

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

static int text_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return lk_text_graph(checkpoint, LK_PART_TEXT, 0, out, err);
}

struct network {
    const char *name;
    int (*build)(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err);
    size_t n;
    const char *inputs[3], *output;
};

static const struct network networks[] = {
    {"unet", lk_unet_graph, 3, {"sample", "timestep", "context"}, "noise"},
    {"vae", lk_vae_decoder_graph, 1, {"latent"}, "picture"},
    {"text", text_graph, 1, {"embedded"}, "states"},
};

/* The last one, where there is none of that name. */
static const struct network *network_of(const char *name)
{
    size_t i = 0;
    while (i + 1 < LK_ARRAY_LENGTH(networks) && strcmp(networks[i].name, name) != 0)
        i++;
    return &networks[i];
}

int main(int argc, char **argv)
{
    if (argc != 7 && argc != 9) {
        fprintf(stderr, "bench_network CHECKPOINT unet|vae|text SIZE BATCH "
                        "auto|bf16|int8|reference THREADS [INPUTS OUTPUT]\n");
        return 2;
    }
    const struct network *network = network_of(argv[2]);
    const int64_t side = strtol(argv[3], NULL, 10) / 8, batch = strtol(argv[4], NULL, 10);
    FILE *file = argc == 9 ? fopen(argv[7], "rb") : NULL;
    struct lk_error err = {0};
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.plain = !strcmp(argv[5], "reference");
    options.precision = options.plain ? NULL : argv[5];
    options.threads = (int)strtol(argv[6], NULL, 10);
    lk_runtime *runtime;
    lk_checkpoint *checkpoint;
    lk_graph *graph;
    lk_session *session;
    if (lk_runtime_open(&options, &runtime, &err) ||
        lk_checkpoint_open(argv[1], NULL, &checkpoint, &err) ||
        network->build(checkpoint, &graph, &err) ||
        lk_session_of_graph(runtime, graph, NULL, "cpu", &session, &err))
        return stop(&err);
    lk_graph_free(graph);
    const struct lk_checkpoint_config *config = lk_checkpoint_config(checkpoint);
    const int width = network->build == text_graph ? config->text.width : config->unet.context;
    const struct lk_array tokens = {.rank = 3, .shape = {batch, TOKENS, width}};
    struct lk_array in[3] = {
        {.rank = 4, .shape = {batch, 4, side, side}}, {.rank = 1, .shape = {batch}}, tokens};
    if (network->build == text_graph)
        in[0] = tokens;
    for (size_t i = 0; i < network->n; i++) {
        if (fill(&in[i], file))
            return 1;
    }
    measure_ready();
    for (bool first = true; measure_wait(); first = false) {
        struct lk_array out;
        const struct measure begin = measure_begin();
        if (lk_session_run(session, network->n, network->inputs, in, 1, &network->output, &out,
                           NULL, &err))
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
