// SPDX-License-Identifier: Apache-2.0
/* What a safetensors file says of itself: `__metadata__`, strings by name. */
#ifndef LK_DATA_TENSOR_METADATA_H
#define LK_DATA_TENSOR_METADATA_H

#include <jansson.h>

#include "base/error.h"

/* *out: a new object, empty when the file has none or is of another form. *data: where its tensors
 * begin, behind the header; 0 for another form. Fails only when the file cannot be read, or memory
 * is out: what a header may say is checked by lk_tensor_file_open. */
int lk_tensor_metadata(const char *path, json_t **out, size_t *data, struct lk_error *err);

#endif
