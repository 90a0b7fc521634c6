// SPDX-License-Identifier: Apache-2.0
/* The header of one safetensors file, apart from how files are opened: pure bytes in, checked
 * tensors out, so that it can be fuzzed. */
#ifndef LK_DATA_TENSOR_HEADER_H
#define LK_DATA_TENSOR_HEADER_H

#include "base/arena.h"
#include "data/tensor_file.h"

/* A header of more bytes is refused before it is parsed: real ones are below 1 MiB, LoRA files
 * with their training log below 8. */
#define LK_TENSOR_HEADER_MAX ((size_t)32 << 20)

/* bytes[size]: the whole file. out: `count` tensors in the order of the header, they and their
 * names in the arena; their data points into `bytes`, their path is `path`. */
int lk__tensor_header_parse(const uint8_t *bytes,
                            size_t size,
                            const char *path,
                            lk_arena *arena,
                            struct lk_tensor **out,
                            size_t *count,
                            struct lk_error *err);

#endif
