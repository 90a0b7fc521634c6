// SPDX-License-Identifier: Apache-2.0
/* A text becomes chunks of 75 tokens, each between a start and an end of its own, each encoded by
 * itself; the UNet reads their states one after the other. So a prompt may be of any length.
 *
 * As the WebUI does it: BREAK ends a chunk; where one is full, what stands after its last comma
 * moves on to the next, if that is at most 20 tokens; an embedding is not cut in two. */
#ifndef LK_STAGES_TEXT_CHUNKS_H
#define LK_STAGES_TEXT_CHUNKS_H

#include "base/error.h"
#include "stages/text/inversion.h"
#include "stages/text/tokenizer.h"

#define LK_CHUNKS_MAX 64

/* A vector that stands in the place of a token. */
struct lk_chunk_vector {
    const struct lk_inversion *inversion; /* NULL: none does */
    size_t index;
};

struct lk_chunk {
    int64_t *ids;                    /* [length] start, tokens, end, padding */
    float *weights;                  /* [length] 1 for all but the prompt's own */
    struct lk_chunk_vector *vectors; /* [length] */
    size_t tokens;                   /* of the prompt's own: the first end stands at 1 + tokens */
};

struct lk_chunks {
    size_t count, length;    /* count ≥ 1; length: what the encoder reads, 77 */
    struct lk_chunk *chunks; /* [count] */
    size_t tokens;           /* of the whole text */
    size_t unreadable;       /* letters outside the Latin script, which CLIP hardly saw */
};

/* text: one stage of a prompt (prompt.h), with its emphasis. option: for messages. LK_E_INPUT: more
 * than LK_CHUNKS_MAX chunks, a weight beyond ±LK_PROMPT_MAX_WEIGHT, no UTF-8. inversions must
 * outlive the chunks; may be NULL. */
int lk_chunks_make(const lk_tokenizer *tokenizer,
                   size_t length,
                   const char *text,
                   const struct lk_inversions *inversions,
                   const char *option,
                   struct lk_chunks *out,
                   struct lk_error *err);
void lk_chunks_free(struct lk_chunks *chunks); /* a zeroed one is fine */

#endif
