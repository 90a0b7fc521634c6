// SPDX-License-Identifier: Apache-2.0
/* Writes IP-Adapters for any checkpoint, without a weight in the repository. */
#ifndef LK_TESTS_SUPPORT_ADAPTER_H
#define LK_TESTS_SUPPORT_ADAPTER_H

#include <stdbool.h>

#include "catalog/checkpoint.h"

/* A plain one that reads pictures of the tiny image encoder (test_vision_write), or a FaceID for
 * vectors of 512, with a LoRA of its first self attention. Values as test_checkpoint_values. Aborts
 * on failure. */
void test_adapter_write(const char *path, const lk_checkpoint *checkpoint, bool is_face_id);

/* The tiny image encoder of tests/golden/vision_tiny.tsv as a folder. */
void test_vision_write(const char *folder);

#endif
