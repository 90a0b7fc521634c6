// SPDX-License-Identifier: Apache-2.0
/* One network of a checkpoint, kept ready and run whenever a line comes in: tools/bench alternates
 * it with others.
 *
 *   bench_network CHECKPOINT unet|vae|text SIZE BATCH auto|f32|bf16|int8|graphs|reference THREADS
 *                 DEVICE [INPUTS OUTPUT]
 *
 * graphs: auto, as CUDA graphs. Of the first run with INPUTS the result is written to OUTPUT.
 * INPUTS are f32, one array after the other: sample, timestep, context and, of SDXL, added; latent;
 * or the embedded tokens. */
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
#define MAX_INPUTS 4

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
    const char *inputs[MAX_INPUTS], *output;
};

static const struct network networks[] = {
    {"unet", lk_unet_graph, 3, {"sample", "timestep", "context", "added"}, "noise"},
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

/* The arrays of the network that it is fed, and how many; −1: there are no numbers for them. */
static int make_inputs(const struct network *network,
                       const struct lk_checkpoint_config *config,
                       int64_t batch,
                       int64_t side,
                       FILE *file,
                       struct lk_array in[MAX_INPUTS])
{
    const bool text = network->build == text_graph;
    const int width = text ? config->text.width : config->unet.context;
    const struct lk_array tokens = {.rank = 3, .shape = {batch, TOKENS, width}};
    const bool added = network->build == lk_unet_graph && config->unet.added;
    const int n = (int)network->n + added;
    in[0] = text ? tokens : (struct lk_array){.rank = 4, .shape = {batch, 4, side, side}};
    in[1] = (struct lk_array){.rank = 1, .shape = {batch}};
    in[2] = tokens;
    in[3] = (struct lk_array){.rank = 2, .shape = {batch, config->unet.added}};
    in[2].stamp = in[3].stamp = lk_stamp_new(); /* the same in every step */
    for (int i = 0; i < n; i++) {
        if (fill(&in[i], file))
            return -1;
    }
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 8 && argc != 10) {
        fprintf(stderr, "bench_network CHECKPOINT unet|vae|text SIZE BATCH "
                        "auto|f32|bf16|int8|graphs|reference THREADS DEVICE [INPUTS OUTPUT]\n");
        return 2;
    }
    const struct network *network = network_of(argv[2]);
    const int64_t side = strtol(argv[3], NULL, 10) / 8, batch = strtol(argv[4], NULL, 10);
    FILE *file = argc == 10 ? fopen(argv[8], "rb") : NULL;
    struct lk_error err = {0};
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.plain = !strcmp(argv[5], "reference");
    options.captures = !strcmp(argv[5], "graphs");
    options.precision = options.plain || options.captures ? NULL : argv[5];
    options.threads = (int)strtol(argv[6], NULL, 10);
    lk_runtime *runtime;
    lk_checkpoint *checkpoint;
    lk_graph *graph;
    lk_session *session;
    lk_repeated *steps;
    if (lk_runtime_open(&options, &runtime, &err) ||
        lk_checkpoint_open(argv[1], NULL, &checkpoint, &err) ||
        network->build(checkpoint, &graph, &err) ||
        lk_session_of_graph(runtime, graph, NULL, argv[7], &session, &err) ||
        lk_repeated_new(session, &steps, &err))
        return stop(&err);
    lk_graph_free(graph);
    struct lk_array in[MAX_INPUTS];
    const int n = make_inputs(network, lk_checkpoint_config(checkpoint), batch, side, file, in);
    if (n < 0)
        return 1;
    measure_ready();
    for (bool first = true; measure_wait(); first = false) {
        struct lk_array out;
        const struct measure begin = measure_begin();
        if (lk_repeated_run(steps, (size_t)n, network->inputs, in, 1, &network->output, &out, NULL,
                            &err))
            return stop(&err);
        measure_end(&begin, "");
        if (first && file && write_output(&out, argv[9]))
            return 1;
        free(out.data);
    }
    for (int i = 0; i < n; i++)
        free(in[i].data);
    lk_repeated_free(steps);
    lk_session_release(session);
    lk_checkpoint_free(checkpoint);
    lk_runtime_free(runtime);
    return 0;
}
