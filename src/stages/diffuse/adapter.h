// SPDX-License-Identifier: Apache-2.0
/* IP-Adapter (Ye et al. 2023, arXiv 2308.06721): a picture, or a face, as a prompt. What an image
 * encoder says of the picture, or an embedder of the face, becomes a few tokens t, and every cross
 * attention of the UNet looks at them beside the text:
 *
 *     y = softmax(q·kᵀ/√d)·v + Σ w·softmax(q·k'ᵀ/√d)·v',   k' = t·to_k_ip, v' = t·to_v_ip
 *
 * k' and v' are the same in all steps and for all layers known beforehand, so they are computed
 * once and the UNet gets them as inputs: the adapter's weights are needed no longer, and another
 * adapter, weight or picture leaves the UNet as it is. */
#ifndef LK_STAGES_DIFFUSE_ADAPTER_H
#define LK_STAGES_DIFFUSE_ADAPTER_H

#include "base/error.h"
#include "base/watch.h"
#include "catalog/adapter.h"
#include "catalog/checkpoint.h"
#include "catalog/vision.h"
#include "data/identity.h"
#include "data/picture.h"
#include "runtime/session.h"

#define LK_ADAPTERS 4 /* at once */

/* CLIP's image encoder, ready to look at pictures. Use from one thread at a time. */
typedef struct lk_vision lk_vision;

/* path: as lk_vision_file_open. The runtime must outlive it. */
int lk_vision_open(lk_runtime *runtime,
                   const char *path,
                   const char *device,
                   lk_vision **out,
                   struct lk_error *err);
void lk_vision_free(lk_vision *vision); /* NULL is fine */
const struct lk_vision_config *lk_vision_config(const lk_vision *vision);

/* What it says of a picture; of NULL: of one whose normalised pixels are all 0. */
struct lk_vision_seen {
    float *vector; /* [projection] malloc'd */
    float *states; /* [tokens, width] of the last layer but one, malloc'd */
    int tokens;    /* 1 + (side/patch)² */
};
void lk_vision_seen_free(struct lk_vision_seen *seen); /* the members, which become NULL */
int lk_vision_see(const lk_vision *vision,
                  const struct lk_picture *picture,
                  const struct lk_watch *watch,
                  struct lk_vision_seen *out,
                  struct lk_error *err);

/* The picture as CLIP's image processor makes it: the shorter side bicubic to `side`, the middle,
 * (x − mean)/deviation of CLIP's training. *out [3,side,side] malloc'd */
int lk_vision_pixels(const struct lk_picture *picture, int side, float **out, struct lk_error *err);

/* Keys and values of all layers, one behind the other; [0] of the picture, [1] of what stands for
 * no picture beside the negative prompt: zeros in place of the vector (of the face), and what the
 * encoder says of NULL in place of states. */
struct lk_image_prompt {
    char name[128]; /* the adapter's, for messages */
    struct lk_adapter_info adapter;
    int tokens, width;  /* width: of all layers together */
    float *token[2];    /* [tokens, context] */
    float *k[2], *v[2]; /* [tokens, width] */
};
void lk_image_prompt_free(struct lk_image_prompt *prompt); /* the members; zeroed is fine */

/* LK_E_INPUT unless the UNet has the layers that the adapter serves. */
int lk_adapter_check_fit(const lk_adapter *adapter,
                         const lk_checkpoint *checkpoint,
                         struct lk_error *err);

/* What an adapter makes of a picture. LK_E_INPUT for a FaceID, of which vision may be NULL, and for
 * an encoder of another size than the adapter reads. */
int lk_image_prompt_of_picture(lk_runtime *runtime,
                               const lk_adapter *adapter,
                               const lk_vision *vision,
                               const struct lk_picture *picture,
                               const char *device,
                               const struct lk_watch *watch,
                               struct lk_image_prompt *out,
                               struct lk_error *err);
/* What a FaceID makes of a face; with Plus also of how it looks, for which there must be a photo
 * and an encoder: else vision may be NULL. LK_E_INPUT for another kind, and for an embedding or an
 * encoder of another size. */
int lk_image_prompt_of_face(lk_runtime *runtime,
                            const lk_adapter *adapter,
                            const lk_vision *vision,
                            const struct lk_identity *face,
                            const char *device,
                            const struct lk_watch *watch,
                            struct lk_image_prompt *out,
                            struct lk_error *err);

/* A prompt at work. */
struct lk_adapter_use {
    const struct lk_image_prompt *prompt;
    double weight;     /* of what it adds */
    double start, end; /* the part of the steps in which it does, 0 … 1 */
};

#endif
