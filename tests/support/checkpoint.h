// SPDX-License-Identifier: Apache-2.0
/* Writes the tiny Stable Diffusion checkpoints of tests/golden/…_tiny.tsv.
 *
 * Weights are a pure function of the tensor's diffusers name and the element's index, the same that
 * tools/golden/checkpoint.py fills diffusers' models with: no weight is committed, and a golden
 * made there holds here. Full vocabulary (49408), 32 channels of text in 3 layers, UNet 16/32/32/32
 * and VAE 16/16/32/32 in the topology of SD 1.x, 2 heads, 8 groups; 11 MB in f32. Other families
 * differ as tools/golden/checkpoint.py says. */
#ifndef TESTS_SUPPORT_CHECKPOINT_H
#define TESTS_SUPPORT_CHECKPOINT_H

#include <stdint.h>

#include "data/tensor_file.h"

enum test_layout { TEST_FOLDER, TEST_SINGLE };

struct test_checkpoint {
    enum test_layout layout; /* diffusers folder, or a single LDM file with its NAME.json beside */
    enum lk_dtype dtype;     /* of weights: rounded to nearest even, as torch does */
    int without_vae;         /* as "noVAE" checkpoints come */
    int without_config;      /* neither config.json nor sidecar */
    int old_vae_names;       /* folder: query, key, value, proj_attn, as before diffusers 0.17 */
    int fp16_names;          /* folder: *.fp16.safetensors */
    int shards;              /* folder: UNet in two files and an index */
    int inpaint;             /* UNet of nine channels */
    const char *spacing;     /* folder: timestep_spacing of a scheduler_config.json; NULL: none */
    const char
        *family; /* "sd2", "sdxl", "refiner", "distilled", "small", "inpaint"; NULL: SD 1.x */
    int v_prediction, zero_snr; /* what scheduler_config.json, or the sidecar, says */
};

/* path: the folder, or the file (NAME.safetensors; the sidecar is NAME.json). Aborts on failure. */
void test_checkpoint_write(const char *path, const struct test_checkpoint *options);

/* Writes the tiny ControlNet of tests/golden/control_tiny.tsv, of family "sdxl" or "small" (without
 * transformers) that of control_FAMILY_tiny.tsv; layout and dtype hold besides. */
void test_control_write(const char *path, const struct test_checkpoint *options);

/* Writes the tensors of tests/golden/NAME_tiny.tsv as one safetensors file. */
void test_tensors_write(const char *path, const char *name, enum lk_dtype dtype);

/* out[product of shape]: the weights of that name, f32. The second text encoder's names begin with
 * "2.". */
void test_checkpoint_values(const char *diffusers_name, int rank, const int64_t *shape, float *out);

/* One line of sd_tiny.tsv. */
struct test_tensor {
    enum { TEST_TEXT, TEST_UNET, TEST_VAE, TEST_TEXT_2 } part; /* in the order of enum lk_part */
    char name[128], ldm[160];
    int rank, ldm_rank;
    int64_t shape[4], ldm_shape[4];
    uint32_t crc; /* of the f32 little-endian bytes, as Python computed it */
};
/* All lines of a family (NULL: SD 1.x) with the VAE of sd_tiny.tsv; malloc'd. */
struct test_tensor *test_checkpoint_list(const char *family, size_t *count);

#endif
