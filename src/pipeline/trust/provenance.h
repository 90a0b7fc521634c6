// SPDX-License-Identifier: Apache-2.0
/* The operator's C2PA signature on what leaves: asked for by --c2pa-key and --c2pa-certificate. */
#ifndef LK_PIPELINE_PROVENANCE_H
#define LK_PIPELINE_PROVENANCE_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Before any work: could a picture be signed? */
int lk__provenance_try(const lk_engine *engine, struct lk_error *err);
/* After it: what release needs, as the engine may be gone by then. */
int lk__provenance_begin(const lk_engine *engine, lk_result *result, struct lk_error *err);
void lk__provenance_free(struct lk__provenance *provenance); /* a zeroed one is fine */

/* Puts signed bytes of picture i in the place of these (malloc'd), if that was asked for. On
 * failure they stay. */
int lk__provenance_sign(const lk_result *result,
                        size_t i,
                        const char *format,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err);

#endif
