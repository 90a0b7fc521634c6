// SPDX-License-Identifier: Apache-2.0
/* CLIP's text transformer (Radford et al. 2021, arXiv 2103.00020), as SD 1.x conditions on it:
 *
 *   x = token_embedding[ids] + position_embedding
 *   each layer:  x += out(attention(q(n), k(n), v(n))),  n = layer_norm1(x), causal
 *                x += fc2(act(fc1(layer_norm2(x)))),     act: quick_gelu, or gelu (erf)
 *   → final_layer_norm(x)
 *
 * clip_skip k leaves the last k layers out before the final norm, as diffusers does. A prompt fills
 * chunks of 77 tokens: start, at most 75 of its own, end, padding; the causal mask keeps padding
 * from being read by what stands before it.
 *
 * Token embeddings are looked up here, in the mapped checkpoint, and not in the graph: so vectors
 * of textual inversion take their places, and the table (152 MB of SD 1.x) is never copied.
 *
 * Emphasis is the WebUI's "Original": states times weights, then all of the chunk by one factor
 * that restores their mean. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/chunks.h"
#include "stages/text/kept.h"
#include "stages/text/text.h"

struct lk_text {
    lk_runtime *runtime;
    const lk_checkpoint *checkpoint;
    char *device; /* NULL: auto */
    lk_tokenizer *tokenizer;
    const struct lk_tensor *table; /* [vocabulary, width] token embeddings */
    pthread_mutex_t lock;          /* of sessions and runs */
    lk_session **sessions;         /* [layers], by clip_skip; NULL until asked for */
    size_t runs;
    struct lk__kept kept;
};

static const struct lk_text_config *config_of(const lk_text *text)
{
    return &lk_checkpoint_config(text->checkpoint)->text;
}

int lk_text_width(const lk_text *text)
{
    return config_of(text)->width;
}

size_t lk_text_runs(lk_text *text)
{
    pthread_mutex_lock(&text->lock);
    const size_t runs = text->runs;
    pthread_mutex_unlock(&text->lock);
    return runs;
}

/* ---- the network ---- */

enum { NAME_SIZE = 128 }; /* the longest of CLIP has 59 bytes; a longer one is cut and not found */

struct net {
    lk_graph *graph;
    const lk_checkpoint *checkpoint;
    const struct lk_text_config *config;
    int layer; /* whose names `weight` asks for; −1: outside of the layers */
};

/* text_model.[encoder.layers.N.]NAME.TAIL, of the shape that the topology asks for */
static lk_value weight(
    const struct net *net, const char *name, const char *tail, int rank, const int64_t *shape)
{
    char full[NAME_SIZE];
    if (net->layer < 0)
        snprintf(full, sizeof full, "text_model.%s.%s", name, tail);
    else
        snprintf(full, sizeof full, "text_model.encoder.layers.%d.%s.%s", net->layer, name, tail);
    lk_graph_at(net->graph, "%s", full);
    return lk_graph_weight(net->graph, lk_checkpoint_tensor(net->checkpoint, LK_PART_TEXT, full),
                           rank, shape);
}

/* x [1,T,in] → [1,T,out] */
static lk_value linear(const struct net *net, lk_value x, const char *name, int in, int out)
{
    lk_value w = weight(net, name, "weight", 2, (const int64_t[]){out, in});
    lk_value b = weight(net, name, "bias", 1, (const int64_t[]){out});
    return lk_graph_linear(net->graph, x, w, b);
}

/* x [1,T,width] → same */
static lk_value norm(const struct net *net, lk_value x, const char *name)
{
    const int64_t shape[] = {net->config->width};
    lk_value gamma = weight(net, name, "weight", 1, shape);
    lk_value beta = weight(net, name, "bias", 1, shape);
    return lk_graph_layer_norm(net->graph, x, gamma, beta, 1e-5f);
}

/* x [1,T,width] → same */
static lk_value layer(const struct net *net, lk_value x)
{
    const struct lk_text_config *c = net->config;
    const int width = c->width;
    lk_value n = norm(net, x, "layer_norm1");
    lk_value q = linear(net, n, "self_attn.q_proj", width, width);
    lk_value k = linear(net, n, "self_attn.k_proj", width, width);
    lk_value v = linear(net, n, "self_attn.v_proj", width, width);
    lk_value seen = lk_graph_attention(net->graph, q, k, v, c->heads, width / c->heads, 1);
    x = lk_graph_add(net->graph, x, linear(net, seen, "self_attn.out_proj", width, width));

    n = norm(net, x, "layer_norm2");
    lk_value h = linear(net, n, "mlp.fc1", width, c->intermediate);
    h = lk_graph_activation(net->graph, h, c->quick_gelu ? LK_QUICK_GELU : LK_GELU);
    return lk_graph_add(net->graph, x, linear(net, h, "mlp.fc2", c->intermediate, width));
}

/* in: embedded [1,T,width] f32; out: states [1,T,width] f32 */
int lk_text_graph(const lk_checkpoint *checkpoint,
                  int clip_skip,
                  lk_graph **out,
                  struct lk_error *err)
{
    const struct lk_text_config *c = &lk_checkpoint_config(checkpoint)->text;
    lk_graph *graph = NULL;
    int rc = lk_graph_new("text", &graph, err);
    if (rc)
        return rc;
    struct net net = {graph, checkpoint, c, -1};
    lk_value embedded =
        lk_graph_input(graph, "embedded", LK_F32, 3, (const int64_t[]){1, c->positions, c->width});
    lk_value places = weight(&net, "embeddings.position_embedding", "weight", 3,
                             (const int64_t[]){1, c->positions, c->width});
    lk_value x = lk_graph_add(graph, embedded, places);
    for (net.layer = 0; net.layer < c->layers - clip_skip; net.layer++)
        x = layer(&net, x);
    net.layer = -1;
    lk_graph_output(graph, "states", norm(&net, x, "final_layer_norm"));
    rc = lk_graph_status(graph, err);
    if (rc) {
        lk_graph_free(graph);
        return lk_fail_context(err, rc, "the text encoder of checkpoint '%s'",
                               lk_checkpoint_name(checkpoint));
    }
    *out = graph;
    return 0;
}

/* ---- opening ---- */

/* An id outside the embedding would end in the middle of a run. */
static int check_tokenizer(const lk_text *text, struct lk_error *err)
{
    const struct lk_text_config *c = config_of(text);
    const int size = lk_tokenizer_size(text->tokenizer);
    if (c->positions < 3)
        return lk_fail(err, LK_E_INPUT,
                       "the text encoder of checkpoint '%s' reads %d tokens, which leaves none for "
                       "a prompt: take another checkpoint",
                       lk_checkpoint_name(text->checkpoint), c->positions);
    if (size <= c->vocabulary)
        return 0;
    const char *folder = lk_checkpoint_tokenizer(text->checkpoint);
    return lk_fail(err, LK_E_INPUT,
                   "the text encoder of checkpoint '%s' knows %d tokens, but %s has %d: %s",
                   lk_checkpoint_name(text->checkpoint), c->vocabulary,
                   folder ? folder : "CLIP's tokenizer", size,
                   folder ? "take the tokenizer that belongs to it"
                          : "put its own tokenizer/ folder beside it");
}

/* The topology was read from its shape; with damaged weights it may be another. */
static int find_table(lk_text *text, struct lk_error *err)
{
    static const char NAME[] = "text_model.embeddings.token_embedding.weight";
    const struct lk_text_config *c = config_of(text);
    const struct lk_tensor *t = lk_checkpoint_tensor(text->checkpoint, LK_PART_TEXT, NAME);
    if (!t || t->rank != 2 || t->shape[0] != c->vocabulary || t->shape[1] != c->width)
        return lk_fail(
            err, LK_E_INPUT,
            "the text encoder of checkpoint '%s': %s is missing or not [%d,%d]: the file "
            "is incomplete, or of another kind",
            lk_checkpoint_name(text->checkpoint), NAME, c->vocabulary, c->width);
    text->table = t;
    return 0;
}

int lk_text_open(lk_runtime *runtime,
                 const lk_checkpoint *checkpoint,
                 const char *device,
                 lk_text **out,
                 struct lk_error *err)
{
    const size_t layers = (size_t)lk_checkpoint_config(checkpoint)->text.layers;
    lk_text *text = calloc(1, sizeof *text);
    if (!text)
        return lk_fail_memory(err, "a text encoder", sizeof *text);
    pthread_mutex_init(&text->lock, NULL);
    lk__kept_init(&text->kept);
    text->runtime = runtime;
    text->checkpoint = checkpoint;
    text->device = device ? strdup(device) : NULL;
    text->sessions = calloc(layers, sizeof *text->sessions);
    int rc = 0;
    if (!text->sessions || (device && !text->device))
        rc = lk_fail_memory(err, "a text encoder", layers * sizeof *text->sessions);
    if (!rc)
        rc = lk_tokenizer_open(lk_checkpoint_tokenizer(checkpoint), &text->tokenizer, err);
    if (!rc)
        rc = check_tokenizer(text, err);
    if (!rc)
        rc = find_table(text, err);
    if (rc)
        lk_text_free(text);
    else
        *out = text;
    return rc;
}

void lk_text_free(lk_text *text)
{
    if (!text)
        return;
    for (int i = 0; text->sessions && i < config_of(text)->layers; i++)
        lk_session_release(text->sessions[i]);
    pthread_mutex_destroy(&text->lock);
    lk__kept_close(&text->kept);
    lk_tokenizer_free(text->tokenizer);
    free(text->sessions);
    free(text->device);
    free(text);
}

void lk_text_rest(lk_text *text)
{
    for (int i = 0; i < config_of(text)->layers; i++) {
        lk_session_release(text->sessions[i]);
        text->sessions[i] = NULL;
    }
}

void lk_text_rebind(lk_text *text)
{
    lk_text_rest(text);
    lk__kept_forget(&text->kept);
}

/* ---- encoding ---- */

/* The session belongs to `text`. */
static int session_for(lk_text *text, int clip_skip, lk_session **out, struct lk_error *err)
{
    const int layers = config_of(text)->layers;
    if (clip_skip < 0 || clip_skip >= layers)
        return lk_fail(err, LK_E_INPUT,
                       "--clip-skip %d: checkpoint '%s' has %d text layers: give 0 to %d",
                       clip_skip, lk_checkpoint_name(text->checkpoint), layers, layers - 1);
    pthread_mutex_lock(&text->lock);
    lk_session **session = &text->sessions[clip_skip];
    lk_graph *graph = NULL;
    int rc = *session ? 0 : lk_text_graph(text->checkpoint, clip_skip, &graph, err);
    if (graph)
        rc = lk_session_of_graph(text->runtime, graph, NULL, text->device, session, err);
    if (!rc)
        *out = *session;
    pthread_mutex_unlock(&text->lock);
    lk_graph_free(graph);
    return rc;
}

/* What the tokens of a chunk are to the encoder: out [positions,width]. */
static int embed(const lk_text *text,
                 const struct lk_chunk *chunk,
                 float *out,
                 struct lk_error *err)
{
    const struct lk_text_config *c = config_of(text);
    const size_t width = (size_t)c->width;
    int rc = 0;
    for (int i = 0; i < c->positions && !rc; i++, out += width) {
        const struct lk_chunk_vector *v = &chunk->vectors[i];
        const float *vector =
            v->inversion ? lk_inversion_vector(v->inversion, v->index, c->width) : NULL;
        if (vector)
            memcpy(out, vector, width * sizeof *out);
        else if (v->inversion)
            rc = lk_fail(err, LK_E_INPUT,
                         "embedding '%s' has vectors of %d numbers, the text encoder of checkpoint "
                         "'%s' takes %d: it was made for another family",
                         v->inversion->name, v->inversion->set[0].width,
                         lk_checkpoint_name(text->checkpoint), c->width);
        else
            rc = lk_tensor_to_f32(text->table, (size_t)chunk->ids[i] * width, width, out, err);
    }
    return rc;
}

/* embedded [positions,width] → states of the same shape, malloc'd */
static int run(lk_text *text,
               lk_session *session,
               float *embedded,
               const struct lk_watch *watch,
               float **out,
               struct lk_error *err)
{
    const struct lk_text_config *c = config_of(text);
    static const char *const IN = "embedded", *const OUT = "states";
    const struct lk_array input = {
        .dtype = LK_F32, .rank = 3, .shape = {1, c->positions, c->width}, .data = embedded};
    struct lk_array output = {0};
    pthread_mutex_lock(&text->lock);
    text->runs++;
    pthread_mutex_unlock(&text->lock);
    int rc = lk_session_run(session, 1, &IN, &input, 1, &OUT, &output, watch, err);
    if (rc)
        return rc;
    if (output.rank != 3 || memcmp(output.shape, input.shape, 3 * sizeof *input.shape)) {
        free(output.data);
        return lk_fail(err, LK_E_FAILED, "the text encoder's output has another shape than built");
    }
    *out = output.data;
    return 0;
}

static void key_of(const float *embedded, size_t n, int clip_skip, struct lk_sha256 *key)
{
    struct lk_sha256 hash;
    char what[sizeof hash.hex + 16];
    lk_sha256_bytes(embedded, n * sizeof *embedded, &hash);
    snprintf(what, sizeof what, "%s %d", hash.hex, clip_skip);
    lk_sha256_bytes(what, strlen(what), key);
}

/* states [positions,width] become stronger or weaker by their weights; their mean stays, where it
 * is more than the rounding of numbers that add up to nothing. */
static void emphasise(const struct lk_chunk *chunk, size_t positions, size_t width, float *states)
{
    const size_t n = positions * width;
    double before = 0, after = 0, size = 0;
    bool changes = false;
    for (size_t i = 0; i < positions; i++)
        changes |= chunk->weights[i] != 1;
    if (!changes)
        return;
    for (size_t i = 0; i < n; i++) {
        before += (double)states[i];
        states[i] *= chunk->weights[i / width];
        after += (double)states[i];
        size += fabs((double)states[i]);
    }
    const double least = 1e-6 * size;
    if (fabs(before) < least || fabs(after) < least)
        return;
    const float factor = (float)(before / after);
    for (size_t i = 0; i < n; i++)
        states[i] *= factor;
}

/* states [positions,width] of a chunk, before emphasis; embedded: scratch of the same size */
static int encode_chunk(lk_text *text,
                        const struct lk_chunk *chunk,
                        int clip_skip,
                        const struct lk_watch *watch,
                        float *embedded,
                        float *states,
                        struct lk_error *err)
{
    const struct lk_text_config *c = config_of(text);
    const size_t n = (size_t)c->positions * (size_t)c->width;
    struct lk_sha256 key;
    lk_session *session = NULL;
    float *made = NULL;
    int rc = embed(text, chunk, embedded, err);
    if (rc)
        return rc;
    key_of(embedded, n, clip_skip, &key);
    if (lk__kept_find(&text->kept, &key, states, n))
        return 0;
    rc = session_for(text, clip_skip, &session, err);
    rc = rc ? rc : run(text, session, embedded, watch, &made, err);
    if (rc)
        return rc;
    lk__kept_add(&text->kept, &key, made, n);
    memcpy(states, made, n * sizeof *states);
    free(made);
    return 0;
}

int lk_text_encode(lk_text *text,
                   const char *prompt,
                   const struct lk_inversions *inversions,
                   const char *option,
                   int clip_skip,
                   const struct lk_watch *watch,
                   struct lk_text_states *out,
                   struct lk_text_info *info,
                   struct lk_error *err)
{
    const size_t positions = (size_t)config_of(text)->positions;
    const size_t width = (size_t)config_of(text)->width, n = positions * width;
    struct lk_chunks chunks;
    int rc = lk_chunks_make(text->tokenizer, positions, prompt, inversions, option, &chunks, err);
    if (rc)
        return rc;
    float *states = malloc((chunks.count + 1) * n * sizeof *states);
    if (!states)
        rc = lk_fail_memory(err, "a prompt", (chunks.count + 1) * n * sizeof *states);
    for (size_t i = 0; !rc && i < chunks.count; i++) {
        float *own = states + i * n;
        rc = encode_chunk(text, &chunks.chunks[i], clip_skip, watch, states + chunks.count * n, own,
                          err);
        if (!rc)
            emphasise(&chunks.chunks[i], positions, width, own);
    }
    if (rc) {
        free(states);
    } else {
        *out = (struct lk_text_states){(int)(chunks.count * positions), states};
        *info = (struct lk_text_info){chunks.tokens, chunks.count, chunks.unreadable};
    }
    lk_chunks_free(&chunks);
    return rc;
}
