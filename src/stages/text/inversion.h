// SPDX-License-Identifier: Apache-2.0
/* Textual inversion (Gal et al. 2022, arXiv 2208.01618): vectors that stand for a word of the
 * prompt in the place of token inversions. A file holds those of one word, for SDXL one set for
 * each text encoder.
 *
 *   emb_params [n, width]              the WebUI
 *   string_to_param.* [n, width]       the WebUI's .pt, which also has a `name`
 *   clip_l [n, 768], clip_g [n, 1280]  SDXL
 *   <cat-toy> [n, width] or [width]    diffusers: the tensor's name is the word
 */
#ifndef LK_STAGES_TEXT_INVERSION_H
#define LK_STAGES_TEXT_INVERSION_H

#include <stddef.h>

#include "base/error.h"

#define LK_INVERSION_MAX_VECTORS 75 /* what a chunk takes */
#define LK_INVERSION_MAX_SETS 2

struct lk_inversion {
    char *name;   /* as it is written in prompts, in any case; there also as <name> */
    char *inside; /* another name, which the file gives itself; NULL: none */
    char *path;
    size_t count; /* vectors */
    size_t sets;
    struct {
        int width;
        float *vectors; /* [count, width] */
    } set[LK_INVERSION_MAX_SETS];
};

/* The name is the file's without ending. LK_E_MISSING, or LK_E_INPUT naming file and tensor for
 * what is no embedding or holds NaN. */
int lk_inversion_open(const char *path, struct lk_inversion **out, struct lk_error *err);
void lk_inversion_free(struct lk_inversion *inversion); /* NULL is fine */

/* Those that prompts may name. */
struct lk_inversions {
    struct lk_inversion **list; /* [count] */
    size_t count;
};

/* Vector i [width] for a text encoder of that width; NULL: it has none. */
const float *lk_inversion_vector(const struct lk_inversion *inversion, size_t i, int width);

/* The first place in text where one of them is named, alone or in < >: *length of what it takes
 * there; NULL: nowhere. */
const struct lk_inversion *lk_inversions_find(const struct lk_inversions *inversions,
                                              const char *text,
                                              const char **at,
                                              size_t *length);

#endif
