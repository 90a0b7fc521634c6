// SPDX-License-Identifier: Apache-2.0
/* What the cast needs networks for: faces of photos, people born from generated pictures, face
 * models, look-alikes. */
#ifndef LK_PIPELINE_CASTING_H
#define LK_PIPELINE_CASTING_H

#include "cast/cast.h"
#include "pipeline/engine.h"

/* Adds the face of each photo (the one that --face would take) to the person, who is made if need
 * be. All or nothing. LK_E_INPUT for a photo without a face or with somebody else's, LK_E_REFUSED
 * for the face of somebody else who is barred, and for photos of a virtual person, whose consent is
 * by birth. */
int lk_casting_add(lk_engine *engine,
                   const struct lk_request *request,
                   lk_cast *cast,
                   const char *name,
                   char *const *photos,
                   size_t n,
                   const struct lk_watch *watch,
                   struct lk_error *err);

/* A virtual person: the largest face of a picture that likeness drew, with consent to every use.
 * LK_E_REFUSED unless the audit ledger has rows of that picture, by its bytes or its hidden mark,
 * and all of them say that no other person's face and no other picture went into it. */
int lk_casting_new(lk_engine *engine,
                   const struct lk_request *request,
                   lk_cast *cast,
                   const char *name,
                   const char *picture,
                   const struct lk_watch *watch,
                   struct lk_error *err);

/* A face model as bytes, malloc'd, with the vectors of the request's embedder. */
int lk_casting_export(lk_engine *engine,
                      const struct lk_request *request,
                      lk_cast *cast,
                      const char *name,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err);

/* A new person from a face model. One that does not say by which embedder it is was made by
 * ReActor: the request's embedder is taken, else w600k-r50, which ReActor uses. */
int lk_casting_import(lk_engine *engine,
                      const struct lk_request *request,
                      lk_cast *cast,
                      const char *name,
                      const char *path,
                      struct lk_error *err);

/* Others of the cast whom this person could be mistaken for, the nearest first. */
int lk_casting_look_alikes(lk_engine *engine,
                           const struct lk_request *request,
                           lk_cast *cast,
                           const char *name,
                           struct lk_cast_match *out,
                           size_t room,
                           size_t *n,
                           struct lk_error *err);

#endif
