// SPDX-License-Identifier: Apache-2.0
/* An IP-Adapter's file (Ye et al. 2023, arXiv 2308.06721): a picture, or a face, as a prompt.
 *
 *     image_proj.…              makes tokens of what an image encoder says, a face's embedder, or
 *                               both
 *     ip_adapter.N.to_k_ip, to_v_ip
 *                               keys and values of these tokens for cross attention (N−1)/2
 *     ip_adapter.N.to_q_lora …  of FaceID: low-rank changes of the UNet's attention (catalog/lora.h
 *                               reads them from the same file)
 *
 * N counts diffusers' attention processors: those going down, those going up, the middle's; self
 * attention is even, cross attention odd. Safetensors, or torch.save's .bin. */
#ifndef LK_CATALOG_ADAPTER_H
#define LK_CATALOG_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/tensor_file.h"

#define LK_ADAPTER_LAYERS 160 /* SDXL has 70 */

enum lk_adapter_kind {
    LK_ADAPTER_PLAIN,        /* reads the picture's one vector */
    LK_ADAPTER_PLUS,         /* a resampler of the encoder's tokens */
    LK_ADAPTER_FULL,         /* every token of the encoder becomes one */
    LK_ADAPTER_FACE_PLUS,    /* FaceID Plus: the same, which then looks at the encoder's tokens */
    LK_ADAPTER_FACE_PLUS_V2, /* the same, added to what it was before it looked */
    LK_ADAPTER_FACE,         /* FaceID: reads a face's embedding */
    LK_ADAPTER_KINDS
};
const char *lk_adapter_kind_name(enum lk_adapter_kind kind); /* "IP-Adapter", "IP-Adapter Plus" … */
bool lk_adapter_reads_face(enum lk_adapter_kind kind);       /* one of the FaceIDs */

struct lk_adapter_info {
    enum lk_adapter_kind kind;
    int reads;   /* numbers of the vector (of each token) that it reads: 1024, 1280, 512 */
    int sees;    /* FaceID Plus: numbers of each token of the encoder that it looks at; else 0 */
    int tokens;  /* that it makes of it: 4, 16; FULL: 0, as many as it reads */
    int context; /* numbers of each, those of the UNet's text: 768, 1024, 2048 */
    int blocks;  /* of the resampler, else 0 */
    int layers;  /* cross attentions */
    int width[LK_ADAPTER_LAYERS]; /* of each */
    size_t loras;                 /* tensors of low-rank changes that come with it; 0: none */
    size_t numbers;               /* parameters */
};

typedef struct lk_adapter lk_adapter;

/* LK_E_MISSING when there is no such file; LK_E_INPUT for one that is broken, no IP-Adapter, or of
 * a kind that is not read. Read-only once open. */
int lk_adapter_open(const char *path, lk_adapter **out, struct lk_error *err);
void lk_adapter_free(lk_adapter *adapter); /* NULL is fine */

const char *lk_adapter_name(const lk_adapter *adapter); /* the file's, without ending */
const char *lk_adapter_path(const lk_adapter *adapter);
const struct lk_adapter_info *lk_adapter_info(const lk_adapter *adapter);
/* "SD 1.x", "SD 2.x", "SDXL", by its numbers a token; else "another family". */
const char *lk_adapter_family(const struct lk_adapter_info *info);
/* By its full name; NULL when absent. */
const struct lk_tensor *lk_adapter_tensor(const lk_adapter *adapter, const char *name);

#endif
