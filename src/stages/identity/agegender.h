// SPDX-License-Identifier: Apache-2.0
/* How old does a face look, and is it a woman's or a man's? insightface's genderage: 96² of 1.5 ×
 * the face's box, RGB 0…255 → logits of female and male, age ÷ 100. docs/identity.md says how far
 * the answers can be trusted. */
#ifndef LK_STAGES_IDENTITY_AGEGENDER_H
#define LK_STAGES_IDENTITY_AGEGENDER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_agegender lk_agegender;

/* family: "genderage". The runtime must outlive it. LK_E_INPUT when the file is another kind of
 * network, or the family is not known. */
int lk_agegender_open(lk_runtime *runtime,
                      const char *family,
                      const char *path,
                      const char *device,
                      lk_agegender **out,
                      struct lk_error *err);
void lk_agegender_free(lk_agegender *agegender); /* NULL is fine */

/* picture: u8 or f32. years: 1…100. male may be NULL. Thread-safe. */
int lk_face_age(const lk_agegender *agegender,
                const struct lk_picture *picture,
                const struct lk_face *face,
                const struct lk_watch *watch,
                float *years,
                bool *male,
                struct lk_error *err);

#endif
