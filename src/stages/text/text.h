// SPDX-License-Identifier: Apache-2.0
/* A prompt becomes conditioning: CLIP's tokens through CLIP's text encoder. docs/text.md. */
#ifndef LK_STAGES_TEXT_TEXT_H
#define LK_STAGES_TEXT_TEXT_H

#include "base/error.h"
#include "base/watch.h"
#include "catalog/checkpoint.h"
#include "runtime/session.h"
#include "stages/text/inversion.h"

/* What the checkpoint says of one of its text encoders (LK_PART_TEXT, LK_PART_TEXT_2); 0 layers: it
 * has none. */
const struct lk_text_config *lk_text_config(const lk_checkpoint *checkpoint, enum lk_part part);

/* A text encoder as a graph: `embedded` [1,positions,width], the tokens' vectors → states, the same
 * shape; with a projection also last, the same shape, the normed last states. */
int lk_text_graph(const lk_checkpoint *checkpoint,
                  enum lk_part part,
                  int clip_skip,
                  lk_graph **out,
                  struct lk_error *err);

typedef struct lk_text lk_text;

/* The checkpoint's text encoders on a device (NULL = auto), with their own tokenizers or CLIP's.
 * The checkpoint must outlive it. Sessions are made on first use, one for each clip_skip. */
int lk_text_open(lk_runtime *runtime,
                 const lk_checkpoint *checkpoint,
                 const char *device,
                 lk_text **out,
                 struct lk_error *err);
void lk_text_free(lk_text *text);

/* Gives the networks' memory back until they are needed again; what was encoded is kept. Not while
 * another thread encodes; so the next. */
void lk_text_rest(lk_text *text);
/* Later encodings use the weights that the checkpoint has now (catalog/lora.h). */
void lk_text_rebind(lk_text *text);

int lk_text_width(const lk_text *text);  /* 768; SDXL 2048, both encoders' together */
int lk_text_pooled(const lk_text *text); /* width of the pooled vector: SDXL 1280, else 0 */

/* How often a network has run: chunks that come again do not run it. */
size_t lk_text_runs(lk_text *text);

/* What the caller should tell the user. */
struct lk_text_info {
    size_t tokens;     /* of the whole prompt, start and end not counted */
    size_t chunks;     /* of 75 tokens that they fill */
    size_t unreadable; /* letters outside the Latin script, which CLIP was hardly trained on */
};

struct lk_text_states {
    int tokens;    /* 77 of each chunk */
    float *states; /* [tokens, width], malloc'd */
    float *pooled; /* [lk_text_pooled], malloc'd, of the first chunk; NULL where that is 0 */
};
void lk_text_states_free(struct lk_text_states *states); /* the members, which become NULL */

/* The states of one text of a prompt (prompt.h), with its emphasis: the last hidden ones, or with
 * clip_skip k > 0 those of k layers earlier (diffusers' count), then the final layer norm. prompt:
 * UTF-8, "" is fine. inversions: what it may name, or NULL. option: its name for messages ("the
 * prompt", "--negative"). Thread-safe. */
int lk_text_encode(lk_text *text,
                   const char *prompt,
                   const struct lk_inversions *inversions,
                   const char *option,
                   int clip_skip,
                   const struct lk_watch *watch,
                   struct lk_text_states *out,
                   struct lk_text_info *info,
                   struct lk_error *err);

#endif
