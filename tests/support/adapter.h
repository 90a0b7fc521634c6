// SPDX-License-Identifier: Apache-2.0
/* Writes IP-Adapters for any checkpoint, without a weight in the repository. */
#ifndef LK_TESTS_SUPPORT_ADAPTER_H
#define LK_TESTS_SUPPORT_ADAPTER_H

#include "catalog/checkpoint.h"

/* A plain one that reads pictures of the tiny image encoder (test_vision_write); a FaceID for
 * vectors of 512, with a LoRA of its first self attention; or a FaceID Plus, which looks through
 * that encoder, too. */
enum test_adapter { TEST_PLAIN_ADAPTER, TEST_FACE_ID, TEST_FACE_ID_PLUS };

/* Values as test_checkpoint_values. Aborts on failure. */
void test_adapter_write(const char *path, const lk_checkpoint *checkpoint, enum test_adapter kind);

/* The tiny image encoder of tests/golden/vision_tiny.tsv as a folder. */
void test_vision_write(const char *folder);

#endif
