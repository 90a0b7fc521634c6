// SPDX-License-Identifier: Apache-2.0
#include "stages/text/chunks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/emphasis.h"
#include "stages/text/prompt.h"

enum {
    COMMA_TOKENS = 20, /* the WebUI's comma_padding_backtrack */
    NO_TOKEN = -1,
};

/* The chunk that is being filled, and those that are done. */
struct filler {
    const lk_tokenizer *tokenizer;
    const struct lk_inversions *inversions;
    const char *option;
    struct lk_chunks out;
    size_t room, filled; /* room: 75 */
    int32_t *ids;        /* [room], of which [filled] are there; so below */
    float *weights;
    struct lk_chunk_vector *vectors;
    size_t after_comma; /* where the text after the last comma begins; 0: there is none */
    int32_t comma;      /* its id */
};

/* ---- chunks ---- */

void lk_chunks_free(struct lk_chunks *chunks)
{
    for (size_t i = 0; i < chunks->count; i++) {
        free(chunks->chunks[i].ids);
        free(chunks->chunks[i].weights);
        free(chunks->chunks[i].vectors);
    }
    free(chunks->chunks);
    *chunks = (struct lk_chunks){0};
}

/* The first n of what is filled, between start and end. */
static void write_chunk(const struct filler *f, size_t n, struct lk_chunk *out)
{
    const size_t length = f->out.length;
    lk_tokenizer_window(f->tokenizer, &(struct lk_tokens){.ids = f->ids, .count = n}, length,
                        out->ids);
    for (size_t i = 0; i < length; i++)
        out->weights[i] = i > 0 && i <= n ? f->weights[i - 1] : 1;
    memcpy(out->vectors + 1, f->vectors, n * sizeof *f->vectors);
    out->tokens = n;
}

/* The first n of what is filled become a chunk; the rest begins the next one. */
static int end_chunk(struct filler *f, size_t n, struct lk_error *err)
{
    struct lk_chunks *out = &f->out;
    const size_t length = out->length;
    if (out->count == LK_CHUNKS_MAX)
        return lk_fail(err, LK_E_INPUT, "%s is longer than %d chunks of %zu tokens: shorten it",
                       f->option, LK_CHUNKS_MAX, f->room);
    struct lk_chunk *chunk = &out->chunks[out->count++];
    chunk->ids = malloc(length * sizeof *chunk->ids);
    chunk->weights = malloc(length * sizeof *chunk->weights);
    chunk->vectors = calloc(length, sizeof *chunk->vectors);
    if (!chunk->ids || !chunk->weights || !chunk->vectors)
        return lk_fail_memory(err, "a prompt", length * 32);
    write_chunk(f, n, chunk);
    f->filled -= n;
    memmove(f->ids, f->ids + n, f->filled * sizeof *f->ids);
    memmove(f->weights, f->weights + n, f->filled * sizeof *f->weights);
    memmove(f->vectors, f->vectors + n, f->filled * sizeof *f->vectors);
    f->after_comma = 0;
    return 0;
}

/* ---- filling ---- */

/* Before a token that is no comma the text after the last one moves on where the chunk is full. */
static int make_room(struct filler *f, bool is_comma, struct lk_error *err)
{
    if (f->filled < f->room)
        return 0;
    const size_t after = f->after_comma;
    const bool moves = !is_comma && after > 0 && f->filled - after < COMMA_TOKENS;
    return end_chunk(f, moves ? after : f->filled, err);
}

static void append(struct filler *f, int32_t id, double weight, struct lk_chunk_vector vector)
{
    f->ids[f->filled] = id;
    f->weights[f->filled] = (float)weight;
    f->vectors[f->filled++] = vector;
    f->out.tokens++;
}

static int add_text(struct filler *f, const char *text, double weight, struct lk_error *err)
{
    struct lk_tokens tokens = {0};
    int rc = lk_tokenizer_encode(f->tokenizer, text, f->option, &tokens, err);
    f->out.unreadable += tokens.unreadable;
    for (size_t i = 0; !rc && i < tokens.count; i++) {
        const bool is_comma = tokens.ids[i] == f->comma;
        rc = make_room(f, is_comma, err);
        if (rc)
            break;
        append(f, tokens.ids[i], weight, (struct lk_chunk_vector){0});
        if (is_comma)
            f->after_comma = f->filled;
    }
    lk_tokens_free(&tokens);
    return rc;
}

static int add_inversion(struct filler *f,
                         const struct lk_inversion *inversion,
                         double weight,
                         struct lk_error *err)
{
    if (inversion->count > f->room)
        return lk_fail(err, LK_E_INPUT,
                       "embedding '%s' has %zu vectors, the text encoder reads %zu at once: take "
                       "another one",
                       inversion->name, inversion->count, f->room);
    int rc = make_room(f, false, err);
    if (!rc && f->filled + inversion->count > f->room)
        rc = end_chunk(f, f->filled, err);
    for (size_t i = 0; !rc && i < inversion->count; i++)
        append(f, 0, weight, (struct lk_chunk_vector){inversion, i});
    return rc;
}

static int add_piece(struct filler *f, const struct lk_piece *piece, struct lk_error *err)
{
    char *text = piece->text;
    const char *at;
    size_t length;
    if (!(fabs(piece->weight) <= LK_PROMPT_MAX_WEIGHT))
        return lk_fail(err, LK_E_INPUT, "%s gives '%.40s' the weight %g: at most %g is possible",
                       f->option, text, piece->weight, LK_PROMPT_MAX_WEIGHT);
    const struct lk_inversion *inversion;
    while ((inversion = lk_inversions_find(f->inversions, text, &at, &length))) {
        text[at - text] = 0;
        int rc = add_text(f, text, piece->weight, err);
        rc = rc ? rc : add_inversion(f, inversion, piece->weight, err);
        if (rc)
            return rc;
        text += (size_t)(at - text) + length;
    }
    return add_text(f, text, piece->weight, err);
}

static int fill(struct filler *f, const struct lk_pieces *pieces, struct lk_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < pieces->count; i++)
        rc = pieces->pieces[i].is_break ? end_chunk(f, f->filled, err)
                                        : add_piece(f, &pieces->pieces[i], err);
    if (!rc && (f->filled > 0 || f->out.count == 0))
        rc = end_chunk(f, f->filled, err);
    return rc;
}

static int comma_of(const lk_tokenizer *tokenizer, int32_t *out, struct lk_error *err)
{
    struct lk_tokens tokens = {0};
    int rc = lk_tokenizer_encode(tokenizer, ",", "a comma", &tokens, err);
    *out = tokens.count == 1 ? tokens.ids[0] : NO_TOKEN;
    lk_tokens_free(&tokens);
    return rc;
}

int lk_chunks_make(const lk_tokenizer *tokenizer,
                   size_t length,
                   const char *text,
                   const struct lk_inversions *inversions,
                   const char *option,
                   struct lk_chunks *out,
                   struct lk_error *err)
{
    struct lk_pieces pieces = {0};
    struct filler f = {
        .tokenizer = tokenizer,
        .inversions = inversions,
        .option = option,
        .out = {.length = length, .chunks = calloc(LK_CHUNKS_MAX, sizeof *f.out.chunks)},
        .room = length - 2,
        .ids = malloc(length * sizeof *f.ids),
        .weights = malloc(length * sizeof *f.weights),
        .vectors = calloc(length, sizeof *f.vectors),
    };
    int rc = f.out.chunks && f.ids && f.weights && f.vectors
                 ? comma_of(tokenizer, &f.comma, err)
                 : lk_fail_memory(err, "a prompt", length * 32);
    rc = rc ? rc : lk_emphasis_read(text, &pieces, err);
    rc = rc ? rc : fill(&f, &pieces, err);
    lk_pieces_free(&pieces);
    free(f.ids);
    free(f.weights);
    free(f.vectors);
    if (rc)
        lk_chunks_free(&f.out);
    else
        *out = f.out;
    return rc;
}
