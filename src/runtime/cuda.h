// SPDX-License-Identifier: Apache-2.0
/* What is asked of the NVIDIA driver itself; ONNX Runtime does the rest. */
#ifndef LK_RUNTIME_CUDA_H
#define LK_RUNTIME_CUDA_H

#include <stddef.h>

/* How many GPUs there are; of 0, *why says the reason (a static string). */
int lk__cuda_count(const char **why);

/* memcpy between host and the memory of that GPU, either way, done when it returns. 0, or −1. */
int lk__cuda_copy(int gpu, void *to, const void *from, size_t bytes);

#endif
