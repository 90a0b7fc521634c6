// SPDX-License-Identifier: Apache-2.0
/* CLIP's image encoder as its owner keeps it: transformers' folder (config.json and
 * model.safetensors or pytorch_model.bin), or one file of its names. Shapes are read from the
 * tensors; heads and activation, which they do not tell, from config.json in the folder or beside
 * the file, else from the table of encoders that IP-Adapters are made for (vision.c). */
#ifndef LK_CATALOG_VISION_H
#define LK_CATALOG_VISION_H

#include "base/error.h"
#include "data/tensor_file.h"

struct lk_vision_config {
    int width, layers, heads, intermediate; /* 1280, 32, 16, 5120 */
    int patch, side; /* pixels: of a patch, of the picture that it looks at: 14, 224 */
    int projection;  /* numbers of the picture's vector: 1024 */
    int quick_gelu;  /* else erf gelu */
};

typedef struct lk_vision_file lk_vision_file;

/* LK_E_MISSING when there is no such file; LK_E_INPUT when it is no image encoder of CLIP's, or its
 * heads are not said. */
int lk_vision_file_open(const char *path, lk_vision_file **out, struct lk_error *err);
void lk_vision_file_free(lk_vision_file *file); /* NULL is fine */

const char *lk_vision_file_path(const lk_vision_file *file);
const struct lk_vision_config *lk_vision_file_config(const lk_vision_file *file);
/* By transformers' name; NULL when absent. */
const struct lk_tensor *lk_vision_file_tensor(const lk_vision_file *file, const char *name);

#endif
