// SPDX-License-Identifier: Apache-2.0
/* The face half: the faces of a picture are found, and those that somebody asked for are refined,
 * fitted in and verified. */
#ifndef LK_PIPELINE_FACES_H
#define LK_PIPELINE_FACES_H

#include "data/identity.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

/* The identities of a request's people, in their order. */
struct lk__cast {
    struct lk_identity identities[LK_PEOPLE_MAX];
    bool placed[LK_PEOPLE_MAX]; /* whether a face of any picture has got it */
    int count;
};

/* Opens the face models and reads the photos. LK_E_INPUT when a photo shows no face. */
int lk__cast_open(lk_engine *engine,
                  const struct lk_request *request,
                  const struct lk_watch *watch,
                  struct lk__cast *cast,
                  struct lk_error *err);

/* Works on report->picture (f32). Without a face above request->face_score, or when nobody asked
 * for one of them, no pixel changes; otherwise only those under the masks. Fills report->faces. */
int lk__refine_faces(lk_engine *engine,
                     const struct lk_request *request,
                     struct lk__cast *cast,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err);

#endif
