// SPDX-License-Identifier: Apache-2.0
/* Writes the tiny Stable Diffusion checkpoint of tests/golden/sd_tiny.tsv.
 *
 * Weights are a pure function of the tensor's diffusers name and the element's index, the same that
 * tools/golden/checkpoint.py fills diffusers' models with: no weight is committed, and a golden
 * made there holds here. Full vocabulary (49408), 32 channels of text in 3 layers, UNet 16/32/32/32
 * and VAE 16/16/32/32 in the topology of SD 1.x, 2 heads, 8 groups; 11 MB in f32. */
#ifndef TESTS_SUPPORT_CHECKPOINT_H
#define TESTS_SUPPORT_CHECKPOINT_H

#include <stdint.h>

#include "data/tensor_file.h"

enum test_layout { TEST_FOLDER, TEST_SINGLE };

struct test_checkpoint {
    enum test_layout layout; /* diffusers folder, or a single LDM file with its NAME.json beside */
    enum lk_dtype dtype;     /* LK_F32, LK_F16, LK_BF16: rounded to nearest even, as torch does */
    int without_vae;         /* as "noVAE" checkpoints come */
    int without_config;      /* neither config.json nor sidecar */
    int old_vae_names;       /* folder: query, key, value, proj_attn, as before diffusers 0.17 */
    int fp16_names;          /* folder: *.fp16.safetensors */
    int shards;              /* folder: UNet in two files and an index */
    const char *spacing;     /* folder: timestep_spacing of a scheduler_config.json; NULL: none */
};

/* path: the folder, or the file (NAME.safetensors; the sidecar is NAME.json). Aborts on failure. */
void test_checkpoint_write(const char *path, const struct test_checkpoint *options);

/* out[product of shape]: the weights of that name, f32. */
void test_checkpoint_values(const char *diffusers_name, int rank, const int64_t *shape, float *out);

/* One line of sd_tiny.tsv. */
struct test_tensor {
    enum { TEST_TEXT, TEST_UNET, TEST_VAE } part; /* in the order of enum lk_part */
    char name[128], ldm[160];
    int rank, ldm_rank;
    int64_t shape[4], ldm_shape[4];
    uint32_t crc; /* of the f32 little-endian bytes, as Python computed it */
};
/* All lines; malloc'd. */
struct test_tensor *test_checkpoint_list(size_t *count);

#endif
