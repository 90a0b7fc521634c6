// SPDX-License-Identifier: Apache-2.0
/* RivaGAN (Zhang et al., 2019) as the Python package invisible-watermark ships it: an ONNX network
 * that writes 32 bits, which anyone who has its other half can read. */
#ifndef LK_STAGES_MARK_RIVAGAN_H
#define LK_STAGES_MARK_RIVAGAN_H

#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_rivagan lk_rivagan;

/* path: rivagan_encoder.onnx. The runtime must outlive it. */
int lk_rivagan_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_rivagan **out,
                    struct lk_error *err);
void lk_rivagan_free(lk_rivagan *rivagan); /* NULL is fine */

/* A copy with the bits, highest first, of the same pixel type; alpha untouched. */
int lk_rivagan_embed(const lk_rivagan *rivagan,
                     const struct lk_picture *in,
                     uint32_t bits,
                     const struct lk_watch *watch,
                     struct lk_picture **out,
                     struct lk_error *err);

#endif
