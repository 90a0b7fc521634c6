// SPDX-License-Identifier: Apache-2.0
/* What a model file may be that nobody has named. */
#ifndef LK_PIPELINE_RECOGNISE_H
#define LK_PIPELINE_RECOGNISE_H

#include "catalog/catalog.h"
#include "runtime/session.h"

struct lk_likely {
    enum lk_role role;
    char family[32];
};

enum { LK_LIKELY_MAX = 16 };

/* The roles and families that fit: of an ONNX file by its inputs and outputs, of a checkpoint, LoRA
 * and the like by its tensors. Several, where these cannot tell: those of one row of the table take
 * the same shapes. *n 0: none fits. LK_E_INPUT when the file is neither. */
int lk_recognise(const char *path,
                 struct lk_likely out[LK_LIKELY_MAX],
                 size_t *n,
                 struct lk_error *err);

/* Whether the tensors of a file are those of that role: ip-adapter, lora, image-encoder, control.
 */
bool lk_recognise_as(const char *path, enum lk_role role);

#endif
