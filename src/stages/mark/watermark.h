// SPDX-License-Identifier: Apache-2.0
/* The hidden mark: a 64-bit id in the frequencies of a picture's luma, which only the key's owner
 * can write and read, without the unmarked picture. docs/watermark.md has the method and what it
 * survives, measured. */
#ifndef LK_STAGES_MARK_WATERMARK_H
#define LK_STAGES_MARK_WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/key.h"
#include "data/picture.h"

/* The mark repeats in squares of this side: a picture with a shorter side cannot carry it. */
#define LK_WATERMARK_SIDE 128

/* An id as people see it: 16 hex digits. */
#define LK_WATERMARK_ID_SIZE 17
void lk_watermark_print(uint64_t id, char out[LK_WATERMARK_ID_SIZE]);

/* What both reading and writing need to know of a picture, which is most of the work: made once
 * where a picture is read and then marked. In so many threads, here and below: their number changes
 * nothing. */
typedef struct lk_watermark_ground lk_watermark_ground;
int lk_watermark_ground_new(const struct lk_picture *picture,
                            int threads,
                            lk_watermark_ground **out,
                            struct lk_error *err);
void lk_watermark_ground_free(lk_watermark_ground *ground); /* NULL is fine */

/* A copy of the picture in 8 bits with the mark, alpha untouched. ground: of it.
 * LK_E_INPUT when a side is shorter than LK_WATERMARK_SIDE. */
int lk_watermark_embed(const struct lk_picture *in,
                       const lk_watermark_ground *ground,
                       const struct lk_key *key,
                       uint64_t id,
                       int threads,
                       struct lk_picture **out,
                       struct lk_error *err);

/* A copy with the id as the Python package invisible-watermark writes 64 bits by `dwtDct`, highest
 * bit first, so that its decoder reads them. No key, no check, gone after a cut or strong JPEG. */
int lk_watermark_embed_dwt_dct(const struct lk_picture *in,
                               uint64_t id,
                               struct lk_picture **out,
                               struct lk_error *err);

struct lk_watermark {
    bool found;
    uint64_t id;
    float agreement; /* share of the mark's signs that are as they were written: ½ … 1 */
};

/* How far to look. Cuts are always found; another size only by trying them. */
enum lk_watermark_search {
    LK_WATERMARK_AS_IT_IS,
    LK_WATERMARK_RESIZED, /* to between half and twice: tries 281 sizes */
};

/* A picture without a mark of this key, or too small for one, is no failure: found is false. An
 * unmarked picture is taken for a marked one with a chance below 1e-6. */
int lk_watermark_read(const lk_watermark_ground *ground,
                      const struct lk_key *key,
                      enum lk_watermark_search search,
                      int threads,
                      struct lk_watermark *out,
                      struct lk_error *err);

#endif
