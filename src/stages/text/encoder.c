// SPDX-License-Identifier: Apache-2.0
/* CLIP at work (network.c): a prompt through the checkpoint's text encoders, of which SDXL has two.
 *
 *   states [T, Σ width] = the encoders' states side by side
 *   pooled [projection] = W·last[end], of the second one: `last` are its normed last states, `end`
 *                         is where the end token stands first, in the first chunk
 *
 * A prompt fills chunks of 77 tokens: start, at most 75 of its own, end, padding; the causal mask
 * keeps padding from being read by what stands before it.
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

struct encoder {
    enum lk_part part;
    const struct lk_text_config *config;
    lk_tokenizer *tokenizer;
    const struct lk_tensor *table; /* [vocabulary, width] token embeddings */
    int pad_zero;                  /* token 0 stands behind the end */
    lk_session **sessions;         /* [layers], by clip_skip; NULL until asked for */
};

struct lk_text {
    lk_runtime *runtime;
    const lk_checkpoint *checkpoint;
    char *device; /* NULL: auto */
    struct encoder encoders[2];
    int count;
    pthread_mutex_t lock; /* of sessions and runs */
    size_t runs;
    struct lk__kept kept;
};

static size_t positions_of(const lk_text *text)
{
    return (size_t)text->encoders[0].config->positions;
}

int lk_text_width(const lk_text *text)
{
    int width = 0;
    for (int i = 0; i < text->count; i++)
        width += text->encoders[i].config->width;
    return width;
}

int lk_text_pooled(const lk_text *text)
{
    return text->encoders[text->count - 1].config->projection;
}

void lk_text_states_free(struct lk_text_states *states)
{
    free(states->states);
    free(states->pooled);
    *states = (struct lk_text_states){0};
}

size_t lk_text_runs(lk_text *text)
{
    pthread_mutex_lock(&text->lock);
    const size_t runs = text->runs;
    pthread_mutex_unlock(&text->lock);
    return runs;
}

/* ---- opening ---- */

/* An id outside the embedding would end in the middle of a run. */
static int check_tokenizer(const lk_text *text, const struct encoder *e, struct lk_error *err)
{
    const int size = lk_tokenizer_size(e->tokenizer);
    if (e->config->positions < 3 || e->config->positions != text->encoders[0].config->positions)
        return lk_fail(err, LK_E_INPUT,
                       "the text encoder of checkpoint '%s' reads %d tokens, which leaves none for "
                       "a prompt, or another one reads others: take another checkpoint",
                       lk_checkpoint_name(text->checkpoint), e->config->positions);
    if (size <= e->config->vocabulary)
        return 0;
    const char *folder = lk_checkpoint_tokenizer(text->checkpoint, e->part);
    return lk_fail(err, LK_E_INPUT,
                   "the text encoder of checkpoint '%s' knows %d tokens, but %s has %d: %s",
                   lk_checkpoint_name(text->checkpoint), e->config->vocabulary,
                   folder ? folder : "CLIP's tokenizer", size,
                   folder ? "take the tokenizer that belongs to it"
                          : "put its own tokenizer/ folder beside it");
}

/* The topology was read from its shape; with damaged weights it may be another. */
static int find_table(const lk_text *text, struct encoder *e, struct lk_error *err)
{
    static const char NAME[] = "text_model.embeddings.token_embedding.weight";
    const struct lk_text_config *c = e->config;
    const struct lk_tensor *t = lk_checkpoint_tensor(text->checkpoint, e->part, NAME);
    if (!t || t->rank != 2 || t->shape[0] != c->vocabulary || t->shape[1] != c->width)
        return lk_fail(
            err, LK_E_INPUT,
            "the text encoder of checkpoint '%s': %s is missing or not [%d,%d]: the file "
            "is incomplete, or of another kind",
            lk_checkpoint_name(text->checkpoint), NAME, c->vocabulary, c->width);
    e->table = t;
    return 0;
}

static int open_encoder(lk_text *text, enum lk_part part, struct lk_error *err)
{
    const struct lk_text_config *config = lk_text_config(text->checkpoint, part);
    const char *folder = lk_checkpoint_tokenizer(text->checkpoint, part);
    if (!config->layers)
        return 0;
    struct encoder *e = &text->encoders[text->count++];
    *e = (struct encoder){.part = part, .config = config, .pad_zero = config->pad_zero && !folder};
    e->sessions = calloc((size_t)config->layers, sizeof(lk_session *));
    if (!e->sessions)
        return lk_fail_memory(err, "a text encoder", (size_t)config->layers * sizeof(lk_session *));
    int rc = lk_tokenizer_open(folder, &e->tokenizer, err);
    rc = rc ? rc : check_tokenizer(text, e, err);
    return rc ? rc : find_table(text, e, err);
}

int lk_text_open(lk_runtime *runtime,
                 const lk_checkpoint *checkpoint,
                 const char *device,
                 lk_text **out,
                 struct lk_error *err)
{
    lk_text *text = calloc(1, sizeof *text);
    if (!text)
        return lk_fail_memory(err, "a text encoder", sizeof *text);
    pthread_mutex_init(&text->lock, NULL);
    lk__kept_init(&text->kept);
    text->runtime = runtime;
    text->checkpoint = checkpoint;
    text->device = device ? strdup(device) : NULL;
    int rc = device && !text->device ? lk_fail_memory(err, "a text encoder", strlen(device)) : 0;
    rc = rc ? rc : open_encoder(text, LK_PART_TEXT, err);
    rc = rc ? rc : open_encoder(text, LK_PART_TEXT_2, err);
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
    lk_text_rest(text);
    for (int i = 0; i < text->count; i++) {
        lk_tokenizer_free(text->encoders[i].tokenizer);
        free(text->encoders[i].sessions);
    }
    pthread_mutex_destroy(&text->lock);
    lk__kept_close(&text->kept);
    free(text->device);
    free(text);
}

void lk_text_rest(lk_text *text)
{
    for (int n = 0; n < text->count; n++) {
        const struct encoder *e = &text->encoders[n];
        for (int i = 0; e->sessions && i < e->config->layers; i++) {
            lk_session_release(e->sessions[i]);
            e->sessions[i] = NULL;
        }
    }
}

void lk_text_rebind(lk_text *text)
{
    lk_text_rest(text);
    lk__kept_forget(&text->kept);
}

/* ---- encoding ---- */

/* The session belongs to `text`. */
static int session_for(
    lk_text *text, struct encoder *e, int clip_skip, lk_session **out, struct lk_error *err)
{
    const int layers = e->config->layers - e->config->penultimate;
    if (clip_skip < 0 || clip_skip >= layers)
        return lk_fail(err, LK_E_INPUT,
                       "--clip-skip %d: checkpoint '%s' has %d text layers: give 0 to %d",
                       clip_skip, lk_checkpoint_name(text->checkpoint), layers, layers - 1);
    pthread_mutex_lock(&text->lock);
    lk_session **session = &e->sessions[clip_skip];
    lk_graph *graph = NULL;
    int rc = *session ? 0 : lk_text_graph(text->checkpoint, e->part, clip_skip, &graph, err);
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
                 const struct encoder *e,
                 const struct lk_chunk *chunk,
                 float *out,
                 struct lk_error *err)
{
    const struct lk_text_config *c = e->config;
    const size_t width = (size_t)c->width, end = 1 + chunk->tokens;
    int rc = 0;
    for (size_t i = 0; i < (size_t)c->positions && !rc; i++, out += width) {
        const struct lk_chunk_vector *v = &chunk->vectors[i];
        const size_t id = e->pad_zero && i > end ? 0 : (size_t)chunk->ids[i];
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
            rc = lk_tensor_to_f32(e->table, id * width, width, out, err);
    }
    return rc;
}

/* embedded [positions,width] → out[0] states and, with a projection, out[1] the last ones: of the
 * same shape, malloc'd; the caller frees both, also after a failure */
static int run(lk_text *text,
               const struct encoder *e,
               lk_session *session,
               float *embedded,
               const struct lk_watch *watch,
               float *out[2],
               struct lk_error *err)
{
    const struct lk_text_config *c = e->config;
    static const char *const IN = "embedded", *const OUT[] = {"states", "last"};
    const size_t n = c->projection ? 2 : 1;
    const struct lk_array input = {
        .dtype = LK_F32, .rank = 3, .shape = {1, c->positions, c->width}, .data = embedded};
    struct lk_array output[2] = {0};
    pthread_mutex_lock(&text->lock);
    text->runs++;
    pthread_mutex_unlock(&text->lock);
    int rc = lk_session_run(session, 1, &IN, &input, n, OUT, output, watch, err);
    for (size_t i = 0; !rc && i < n; i++) {
        out[i] = output[i].data;
        if (output[i].rank != 3 || memcmp(output[i].shape, input.shape, 3 * sizeof *input.shape))
            rc =
                lk_fail(err, LK_E_FAILED, "the text encoder's output has another shape than built");
    }
    return rc;
}

static void key_of(
    const float *embedded, size_t n, enum lk_part part, int clip_skip, struct lk_sha256 *key)
{
    struct lk_sha256 hash;
    char what[96];
    lk_sha256_bytes(embedded, n * sizeof *embedded, &hash);
    snprintf(what, sizeof what, "%s %d %d", hash.hex, (int)part, clip_skip);
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

/* pooled [projection] = W·state, state [width] */
static int project(const lk_text *text,
                   const struct encoder *e,
                   const float *state,
                   float *pooled,
                   struct lk_error *err)
{
    const size_t width = (size_t)e->config->width, size = (size_t)e->config->projection;
    const struct lk_tensor *weight =
        lk_checkpoint_tensor(text->checkpoint, e->part, "text_projection.weight");
    const size_t row = e->config->projection_transposed ? 1 : width;
    const size_t column = e->config->projection_transposed ? size : 1;
    float *w = malloc(width * size * sizeof *w);
    if (!w)
        return lk_fail_memory(err, "a text encoder", width * size * sizeof *w);
    int rc = lk_tensor_to_f32(weight, 0, width * size, w, err);
    for (size_t i = 0; !rc && i < size; i++) {
        double sum = 0;
        for (size_t k = 0; k < width; k++)
            sum += (double)w[i * row + k * column] * (double)state[k];
        pooled[i] = (float)sum;
    }
    free(w);
    return rc;
}

/* Runs the network. out [positions,width] states, then [projection] the pooled vector. */
static int compute(lk_text *text,
                   struct encoder *e,
                   const struct lk_chunk *chunk,
                   int clip_skip,
                   const struct lk_watch *watch,
                   float *embedded,
                   float *out,
                   struct lk_error *err)
{
    const size_t width = (size_t)e->config->width, n = (size_t)e->config->positions * width;
    size_t end = 1;
    lk_session *session = NULL;
    float *made[2] = {0};
    while (chunk->ids[end] != chunk->ids[1 + chunk->tokens])
        end++;
    int rc = session_for(text, e, clip_skip, &session, err);
    rc = rc ? rc : run(text, e, session, embedded, watch, made, err);
    if (!rc)
        memcpy(out, made[0], n * sizeof *out);
    if (!rc && made[1])
        rc = project(text, e, made[1] + end * width, out + n, err);
    free(made[0]);
    free(made[1]);
    return rc;
}

/* out as above, before emphasis; embedded: scratch of the size of the states */
static int encode_chunk(lk_text *text,
                        struct encoder *e,
                        const struct lk_chunk *chunk,
                        int clip_skip,
                        const struct lk_watch *watch,
                        float *embedded,
                        float *out,
                        struct lk_error *err)
{
    const size_t n = (size_t)e->config->positions * (size_t)e->config->width;
    const size_t all = n + (size_t)e->config->projection;
    struct lk_sha256 key;
    int rc = embed(text, e, chunk, embedded, err);
    if (rc)
        return rc;
    key_of(embedded, n, e->part, clip_skip, &key);
    if (lk__kept_find(&text->kept, &key, out, all))
        return 0;
    rc = compute(text, e, chunk, clip_skip, watch, embedded, out, err);
    if (!rc)
        lk__kept_add(&text->kept, &key, out, all);
    return rc;
}

/* Writes the encoder's columns, from `column` on, of all chunks' states, and its pooled vector. */
static int encode_chunks(lk_text *text,
                         struct encoder *e,
                         const struct lk_chunks *chunks,
                         int clip_skip,
                         const struct lk_watch *watch,
                         size_t column,
                         struct lk_text_states *out,
                         struct lk_error *err)
{
    const size_t positions = positions_of(text), width = (size_t)e->config->width;
    const size_t n = positions * width, stride = (size_t)lk_text_width(text);
    const size_t pooled = (size_t)e->config->projection;
    float *scratch = malloc((2 * n + pooled) * sizeof *scratch);
    int rc = scratch ? 0 : lk_fail_memory(err, "a prompt", (2 * n + pooled) * sizeof *scratch);
    for (size_t i = 0; !rc && i < chunks->count; i++) {
        float *own = scratch + n, *to = out->states + i * positions * stride + column;
        rc = encode_chunk(text, e, &chunks->chunks[i], clip_skip, watch, scratch, own, err);
        if (rc)
            break;
        if (i == 0 && out->pooled)
            memcpy(out->pooled, own + n, pooled * sizeof *own);
        emphasise(&chunks->chunks[i], positions, width, own);
        for (size_t t = 0; t < positions; t++)
            memcpy(to + t * stride, own + t * width, width * sizeof *own);
    }
    free(scratch);
    return rc;
}

static int allocate(const lk_text *text,
                    size_t chunks,
                    struct lk_text_states *out,
                    struct lk_error *err)
{
    const size_t tokens = chunks * positions_of(text), pooled = (size_t)lk_text_pooled(text);
    const size_t n = tokens * (size_t)lk_text_width(text);
    *out = (struct lk_text_states){.tokens = (int)tokens};
    out->states = malloc(n * sizeof *out->states);
    out->pooled = pooled ? malloc(pooled * sizeof *out->pooled) : NULL;
    if (out->states && (out->pooled || !pooled))
        return 0;
    return lk_fail_memory(err, "a prompt", (n + pooled) * sizeof *out->states);
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
    struct lk_text_states made = {0};
    struct lk_text_info told = {0};
    size_t column = 0;
    int rc = 0;
    for (int i = 0; !rc && i < text->count; i++) {
        struct encoder *e = &text->encoders[i];
        struct lk_chunks chunks = {0};
        rc = lk_chunks_make(e->tokenizer, positions_of(text), prompt, inversions, option, &chunks,
                            err);
        if (!rc && i == 0)
            rc = allocate(text, chunks.count, &made, err);
        if (!rc && i > 0 && chunks.count != told.chunks)
            rc =
                lk_fail(err, LK_E_INPUT,
                        "%s fills %zu chunks of one text encoder of checkpoint '%s' and %zu of the "
                        "other: their tokenizers do not belong together",
                        option, told.chunks, lk_checkpoint_name(text->checkpoint), chunks.count);
        if (!rc)
            rc = encode_chunks(text, e, &chunks, clip_skip, watch, column, &made, err);
        told = (struct lk_text_info){chunks.tokens, chunks.count, chunks.unreadable};
        column += (size_t)e->config->width;
        lk_chunks_free(&chunks);
    }
    if (rc) {
        lk_text_states_free(&made);
        return rc;
    }
    *out = made;
    *info = told;
    return 0;
}
