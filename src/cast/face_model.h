// SPDX-License-Identifier: Apache-2.0
/* A person of the cast as a face model: a safetensors file that ReActor and its kin load.
 *
 *     theirs  embedding [512] f32 (not normalised), bbox [4], kps [5,2], det_score [], …: of one
 *             photo, by insightface's w600k_r50
 *     ours    the same names, and what only likeness reads: likeness.embedder u8 [64] (its sha256),
 *             likeness.crops u8 [n,256,256,3], likeness.points f32 [n,5,2], likeness.quality f32
 *             [n]; n ≥ 0 photos that have a crop
 *
 * Of theirs only the embedding is taken; we know no age and gender, and write none. */
#ifndef LK_CAST_FACE_MODEL_H
#define LK_CAST_FACE_MODEL_H

#include "cast/cast.h"
#include "data/tensor_file.h"

#define LK_FACE_MODEL_PHOTOS 64

struct lk_face_model {
    struct lk_embedding embedding; /* the mean; embedder "" when the file does not say */
    struct lk_cast_photo *photos;  /* crop, points, quality; owned */
    size_t n;
};

void lk_face_model_free(struct lk_face_model *model); /* a zeroed one is fine */

/* photos: those with a crop are written, at most LK_FACE_MODEL_PHOTOS; mean: of all.
 * Bytes of the file, malloc'd. */
int lk_face_model_write(const struct lk_cast_photo *photos,
                        size_t n,
                        const struct lk_embedding *mean,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err);

/* LK_E_INPUT for what is no face model. */
int lk_face_model_read(const char *path, struct lk_face_model *out, struct lk_error *err);

/* The same of tensors that are found by a function, for the fuzzer. */
typedef const struct lk_tensor *lk__tensor_find(const void *from, const char *name);
int lk__face_model_read(lk__tensor_find *find,
                        const void *from,
                        const char *label,
                        struct lk_face_model *out,
                        struct lk_error *err);

#endif
