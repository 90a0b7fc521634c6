// SPDX-License-Identifier: Apache-2.0
/* Tensors in a file the user owns: safetensors, or torch.save's (.ckpt, .pt, .bin), whose pickle is
 * read without running anything (pickle/pickle.h); memory-mapped, never copied. Of safetensors:
 *
 *   bytes 0…7   header length n, little-endian u64
 *   bytes 8…    n bytes of JSON: {"name": {"dtype": "F16", "shape": [..], "data_offsets": [begin,
 * end]}, "__metadata__": {..}} then        the data; offsets count from here
 *
 * Everything in the header is hostile until checked: length against the file, JSON depth, dtype ×
 * shape against the offsets, products for overflow, overlaps, duplicate names. A Git LFS pointer is
 * recognised and named as such. Several shards (model.safetensors.index.json) open as one file. */
#ifndef LK_DATA_TENSOR_FILE_H
#define LK_DATA_TENSOR_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_TENSOR_MAX_RANK 8

enum lk_dtype {
    LK_F32,
    LK_F16,
    LK_BF16,
    LK_F64,
    LK_I64,
    LK_I32,
    LK_U8,
    LK_BOOL,
    LK_F8_E4M3, /* "fn": 1 sign, 4 exponent, 3 mantissa bits, bias 7; NaN but no infinity */
    LK_F8_E5M2, /* the upper half of an F16 */
};

struct lk_tensor {
    const char *name; /* owned by the file */
    enum lk_dtype dtype;
    int rank;
    int64_t shape[LK_TENSOR_MAX_RANK];
    const void *data;  /* in the mapping, possibly misaligned: memcpy or unaligned loads only */
    size_t size;       /* bytes */
    const char *path;  /* absolute path of the file that holds it */
    uint64_t offset;   /* of data in that file */
    const char *stamp; /* of that file when it was opened (base/file.h); NULL: not known */
};

typedef struct lk_tensor_file lk_tensor_file;

/* path: a file of either kind, known by its content, or a *.safetensors.index.json that names
 * shards beside it. */
int lk_tensor_file_open(const char *path, lk_tensor_file **out, struct lk_error *err);
void lk_tensor_file_free(lk_tensor_file *file); /* unmaps: no tensor of it may be used afterwards */

size_t lk_tensor_file_count(const lk_tensor_file *file);
const struct lk_tensor *lk_tensor_file_at(const lk_tensor_file *file,
                                          size_t i); /* sorted by name */
const struct lk_tensor *lk_tensor_file_find(const lk_tensor_file *file,
                                            const char *name); /* NULL when absent */

size_t lk_dtype_size(enum lk_dtype dtype);
const char *lk_dtype_name(enum lk_dtype dtype);
int lk_dtype_is_weight(enum lk_dtype dtype); /* networks' weights are so: F32, F16, BF16, F8_… */

/* out[count] = the tensor's numbers from `first` as float32 (F… only; subnormals
 * kept). */
int lk_tensor_to_f32(
    const struct lk_tensor *tensor, size_t first, size_t count, float *out, struct lk_error *err);
/* *out: where they lie in a tensor of F16, at any address: who widens many has quicker ways
 * (kernels.h). */
int lk_tensor_halves(const struct lk_tensor *tensor,
                     size_t first,
                     size_t count,
                     const void **out,
                     struct lk_error *err);

#endif
