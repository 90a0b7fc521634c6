// SPDX-License-Identifier: Apache-2.0
/* Who is it: a face goes in, a vector on the unit sphere comes out; the cosine of two vectors tells
 * whether they are of one person.
 *
 * The face is brought to the 112 px crop that embedders are trained on, so that pose, size and
 * place are taken out before the network looks. See docs/identity.md. */
#ifndef LK_STAGES_IDENTITY_EMBEDDER_H
#define LK_STAGES_IDENTITY_EMBEDDER_H

#include <stddef.h>

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/identity.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_embedder lk_embedder;

/* family: "arcface", "cosface", "adaface" (512), "mobilefacenet" or "sface" (128), preferred where
 * the file keeps its contract; NULL or another size: told by the file's ports. The runtime must
 * outlive the embedder.
 * LK_E_INPUT when the file is another kind of network, or the family is not known. Reads the whole
 * file once, for its sha256. */
int lk_embedder_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_embedder **out,
                     struct lk_error *err);
void lk_embedder_free(lk_embedder *embedder); /* NULL is fine */

/* Cosine from which two faces are one person, as its family has it; a catalogue may know better. */
float lk_embedder_same_person(const lk_embedder *embedder);
int lk_embedder_size(const lk_embedder *embedder); /* numbers of a vector */
const char *lk_embedder_family(const lk_embedder *embedder);
/* sha256 of the file, 64 hex digits: lk_embedding.embedder of all it makes. */
const char *lk_embedder_sha256(const lk_embedder *embedder);

/* Embeds faces of a picture by their five points, at most 16 in one run where the network takes any
 * number, else one by one: into faces[i].embedding; after a failure of some. picture: u8 or f32.
 * Thread-safe. */
int lk_embed_faces(const lk_embedder *embedder,
                   const struct lk_picture *picture,
                   struct lk_face *faces,
                   size_t n,
                   const struct lk_watch *watch,
                   struct lk_error *err);
/* The same of one. */
int lk_embed_face(const lk_embedder *embedder,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  const struct lk_watch *watch,
                  struct lk_embedding *out,
                  struct lk_error *err);

/* The face that a photo is of: of those found in it (lk_find_faces) the largest one whose score is
 * at least half of the best score; NULL when there is none. */
const struct lk_face *lk_identity_face(const struct lk_face *faces, size_t count);
/* What is said then: LK_E_INPUT. */
int lk_identity_no_face(const char *name, struct lk_error *err);

/* The identity that a photo shows, by that face. name: for the identity and for sentences; cut at
 * 63 bytes. LK_E_INPUT when there is no face. */
int lk_identity_of_photo(const lk_embedder *embedder,
                         const char *name,
                         const struct lk_picture *picture,
                         const struct lk_face *faces,
                         size_t count,
                         const struct lk_watch *watch,
                         struct lk_identity *out,
                         struct lk_error *err);

#endif
